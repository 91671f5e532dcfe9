//! Styles by role. Views name roles, never colours. Every meaning also has a word or a mark, so a theme needs no colours.
//!
//! Colours have four meanings: accent = now, green = said, a filled yellow badge = look out, a filled red row = an
//! emergency.

use ratatui::style::{Color, Modifier, Style};

pub use crate::settings::Theme;

/// The meaning of a piece of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Any other text.
    Text,
    /// The current sentence, the only bold text.
    Sentence,
    /// The bar at the current sentence, and the mark of a previewed one.
    Now,
    /// What was said.
    Said,
    /// Clauses, headings and other text of second rank.
    Muted,
    /// Lines between regions.
    Line,
    /// The chosen one of several values; filled.
    Chosen,
    /// A key; filled.
    Cap,
    /// Look out: a contradiction in the SOP, a greeting about to change, a question, a trouble; filled.
    Badge,
    /// An emergency; filled.
    Alarm,
    /// The closing is complete; filled.
    Done,
}

impl Role {
    pub const ALL: [Self; 11] = [
        Self::Text,
        Self::Sentence,
        Self::Now,
        Self::Said,
        Self::Muted,
        Self::Line,
        Self::Chosen,
        Self::Cap,
        Self::Badge,
        Self::Alarm,
        Self::Done,
    ];
}

/// A colour as 0xRRGGBB.
type Rgb = u32;

/// The colours of a theme: text on the ground, and filled pieces as text and background.
#[derive(Debug)]
struct Palette {
    ground: Rgb,
    text: Rgb,
    bright: Rgb,
    now: Rgb,
    said: Rgb,
    muted: Rgb,
    line: Rgb,
    chosen: (Rgb, Rgb),
    cap: (Rgb, Rgb),
    badge: (Rgb, Rgb),
    alarm: (Rgb, Rgb),
    done: (Rgb, Rgb),
}

static DARK: Palette = Palette {
    ground: 0x16_181d,
    text: 0xc9_d1dc,
    bright: 0xff_ffff,
    now: 0x7d_b7e8,
    said: 0x6b_a383,
    muted: 0x93_9dab,
    line: 0x5b_6470,
    chosen: (0xff_ffff, 0x45_536b),
    cap: (0xe6_edf5, 0x30_3743),
    badge: (0x16_181d, 0xe0_b868),
    alarm: (0xff_ffff, 0xb0_2a30),
    done: (0x0d_1f14, 0x7f_c796),
};

static LIGHT: Palette = Palette {
    ground: 0xfb_fbfa,
    text: 0x33_3a45,
    bright: 0x00_0000,
    now: 0x1d_5f9e,
    said: 0x39_7551,
    muted: 0x5b_6370,
    line: 0x9a_a2ad,
    chosen: (0xff_ffff, 0x4a_5a70),
    cap: (0x1f_2630, 0xdc_e1e8),
    badge: (0x16_181d, 0xf2_c94c),
    alarm: (0xff_ffff, 0xb3_1f26),
    done: (0xff_ffff, 0x1f_6b3a),
};

static PROYEKTOR: Palette = Palette {
    ground: 0x00_0000,
    text: 0xe4_e4e4,
    bright: 0xff_ffff,
    now: 0x8f_dcff,
    said: 0x7d_ff9b,
    muted: 0xc8_c8c8,
    line: 0x8a_8a8a,
    chosen: (0xff_ffff, 0x5c_5c5c),
    cap: (0xff_ffff, 0x3c_3c3c),
    badge: (0x00_0000, 0xff_d75f),
    alarm: (0xff_ffff, 0xc6_1f2a),
    done: (0x00_0000, 0x7d_ff9b),
};

/// What is known of the terminal's colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TerminalColours {
    /// Whether it has 16 million colours.
    pub rich: bool,
    /// The colour of its background, red, green and blue.
    pub background: Option<[u8; 3]>,
}

/// Whether a terminal with this COLORTERM has 16 million colours. Every Windows console that supports escape codes has.
pub fn says_rich(colorterm: Option<&str>) -> bool {
    cfg!(windows) || matches!(colorterm, Some("truecolor" | "24bit"))
}

/// A theme on a terminal: how a frame is coloured.
#[derive(Clone, Copy, Debug)]
pub struct Colours(Kind);

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// No colour.
    Mono,
    /// The terminal's sixteen, with this text and background.
    Sixteen { text: Color, ground: Color },
    /// A palette on this background: its own, or the terminal's.
    Rich { palette: &'static Palette, ground: Color },
}

/// The least contrast of text, as WCAG 2 asks for.
const CONTRAST: f64 = 4.5;

impl Colours {
    /// The colours of a theme on this terminal.
    pub fn of(theme: Theme, terminal: TerminalColours) -> Self {
        let palette = match theme {
            Theme::Mono => return Self(Kind::Mono),
            Theme::Terminal => return Self::of_terminal(terminal),
            Theme::Dark => &DARK,
            Theme::Light => &LIGHT,
            Theme::Proyektor => &PROYEKTOR,
        };
        Self(match (terminal.rich, theme) {
            (true, _) => Kind::Rich { palette, ground: rgb(palette.ground) },
            (false, Theme::Light) => Kind::Sixteen { text: Color::Black, ground: Color::White },
            (false, _) => Kind::Sixteen { text: Color::White, ground: Color::Black },
        })
    }

    /// The palette for the terminal's own background, which stays visible where every text has enough contrast on it.
    fn of_terminal(terminal: TerminalColours) -> Self {
        let Some(background) = terminal.background.filter(|_| terminal.rich) else {
            return Self(Kind::Sixteen { text: Color::Reset, ground: Color::Reset });
        };
        let [r, g, b] = background;
        let background = u32::from_be_bytes([0, r, g, b]);
        let palette = if luminance(background) > 0.18 { &LIGHT } else { &DARK };
        let is_readable = palette.texts().iter().all(|text| contrast(*text, background) >= CONTRAST);
        Self(Kind::Rich { palette, ground: if is_readable { Color::Reset } else { rgb(palette.ground) } })
    }

    pub fn style(self, role: Role) -> Style {
        let plain = Style::new();
        match self.0 {
            Kind::Mono => match role {
                Role::Sentence => plain.add_modifier(Modifier::BOLD),
                Role::Chosen | Role::Cap | Role::Badge | Role::Alarm | Role::Done => {
                    plain.add_modifier(Modifier::REVERSED)
                }
                _ => plain,
            },
            // Only black and white are readable on each of the bright colours and on red in every terminal's palette;
            // no colour is readable as text on an unknown background.
            Kind::Sixteen { text, ground } => match role {
                Role::Sentence => plain.fg(text).bg(ground).add_modifier(Modifier::BOLD),
                Role::Chosen | Role::Cap => plain.fg(text).bg(ground).add_modifier(Modifier::REVERSED),
                Role::Badge => plain.fg(Color::Black).bg(Color::LightYellow),
                Role::Alarm => plain.fg(Color::White).bg(Color::Red),
                Role::Done => plain.fg(Color::Black).bg(Color::LightGreen),
                _ => plain.fg(text).bg(ground),
            },
            Kind::Rich { palette, ground } => palette.style(role, ground),
        }
    }

    /// The style of a half block at the end of a filled piece: its background on the ground.
    pub fn edge(self, role: Role) -> Style {
        let (piece, ground) = (self.style(role), self.style(Role::Text));
        match piece.bg {
            Some(filled) if !piece.add_modifier.contains(Modifier::REVERSED) => ground.fg(filled),
            _ => ground,
        }
    }
}

/// A theme where nothing is known against its colours.
impl From<Theme> for Colours {
    fn from(theme: Theme) -> Self {
        Self::of(theme, TerminalColours { rich: true, background: None })
    }
}

impl Palette {
    /// Every colour of text on the ground.
    fn texts(&self) -> [Rgb; 5] {
        [self.text, self.bright, self.now, self.said, self.muted]
    }

    fn style(&self, role: Role, ground: Color) -> Style {
        let on_ground = |colour| Style::new().fg(rgb(colour)).bg(ground);
        let filled = |(text, ground)| Style::new().fg(rgb(text)).bg(rgb(ground));
        match role {
            Role::Text => on_ground(self.text),
            Role::Sentence => on_ground(self.bright).add_modifier(Modifier::BOLD),
            Role::Now => on_ground(self.now),
            Role::Said => on_ground(self.said),
            Role::Muted => on_ground(self.muted),
            Role::Line => on_ground(self.line),
            Role::Chosen => filled(self.chosen),
            Role::Cap => filled(self.cap),
            Role::Badge => filled(self.badge),
            Role::Alarm => filled(self.alarm),
            Role::Done => filled(self.done),
        }
    }
}

fn rgb(colour: Rgb) -> Color {
    let [_, r, g, b] = colour.to_be_bytes();
    Color::Rgb(r, g, b)
}

/// The contrast of two colours, 1 to 21, as WCAG 2 computes it.
fn contrast(a: Rgb, b: Rgb) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// The relative luminance of a colour, 0 to 1 (WCAG 2).
fn luminance(colour: Rgb) -> f64 {
    let [_, red, green, blue] = colour.to_be_bytes();
    let linear = |c: u8| {
        let c = f64::from(c) / 255.0;
        if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A terminal's colours as shipped: name, text and background, and those of the sixteen that are used here.
    struct Shipped {
        name: &'static str,
        text: Rgb,
        background: Rgb,
        black: Rgb,
        red: Rgb,
        bright_green: Rgb,
        bright_yellow: Rgb,
        bright_white: Rgb,
    }

    const fn shipped(name: &'static str, of: [Rgb; 7]) -> Shipped {
        let [text, background, black, red, bright_green, bright_yellow, bright_white] = of;
        Shipped { name, text, background, black, red, bright_green, bright_yellow, bright_white }
    }

    const SHIPPED: [Shipped; 8] = [
        shipped(
            "Windows Terminal, Campbell",
            [0xcc_cccc, 0x0c_0c0c, 0x0c_0c0c, 0xc5_0f1f, 0x16_c60c, 0xf9_f1a5, 0xf2_f2f2],
        ),
        shipped("the old console", [0xc0_c0c0, 0x00_0000, 0x00_0000, 0x80_0000, 0x00_ff00, 0xff_ff00, 0xff_ffff]),
        shipped("GNOME, dark", [0xff_ffff, 0x1e_1e1e, 0x24_1f31, 0xc0_1c28, 0x57_e389, 0xf8_e45c, 0xff_ffff]),
        shipped("GNOME, light", [0x1e_1e1e, 0xff_ffff, 0x24_1f31, 0xc0_1c28, 0x57_e389, 0xf8_e45c, 0xff_ffff]),
        shipped("Ubuntu", [0xff_ffff, 0x30_0a24, 0x2e_3436, 0xcc_0000, 0x8a_e234, 0xfc_e94f, 0xee_eeec]),
        shipped("xterm", [0xff_ffff, 0x00_0000, 0x00_0000, 0xcd_0000, 0x00_ff00, 0xff_ff00, 0xff_ffff]),
        shipped("macOS, Basic", [0x00_0000, 0xff_ffff, 0x00_0000, 0x99_0000, 0x00_d900, 0xe5_e500, 0xe5_e5e5]),
        shipped("macOS, Pro", [0xf2_f2f2, 0x00_0000, 0x00_0000, 0x99_0000, 0x00_d900, 0xe5_e500, 0xe5_e5e5]),
    ];

    /// What a style looks like in a terminal: text and background.
    fn seen(style: Style, terminal: &Shipped) -> (Rgb, Rgb) {
        let of = |colour: Option<Color>, default| match colour.unwrap_or(Color::Reset) {
            Color::Reset => default,
            Color::Rgb(r, g, b) => u32::from_be_bytes([0, r, g, b]),
            Color::Black => terminal.black,
            Color::Red => terminal.red,
            Color::LightGreen => terminal.bright_green,
            Color::LightYellow => terminal.bright_yellow,
            Color::White => terminal.bright_white,
            other => panic!("{other} is not one of the colours that are readable everywhere"),
        };
        let (text, ground) = (of(style.fg, terminal.text), of(style.bg, terminal.background));
        if style.add_modifier.contains(Modifier::REVERSED) { (ground, text) } else { (text, ground) }
    }

    #[test]
    fn every_text_has_enough_contrast_in_every_theme_on_every_terminal() {
        for terminal in &SHIPPED {
            let [_, r, g, b] = terminal.background.to_be_bytes();
            for theme in Theme::ALL {
                for rich in [false, true] {
                    for background in [None, Some([r, g, b])] {
                        let colours = Colours::of(theme, TerminalColours { rich, background });
                        for role in Role::ALL.into_iter().filter(|role| *role != Role::Line) {
                            let (text, ground) = seen(colours.style(role), terminal);
                            let ratio = contrast(text, ground);
                            assert!(ratio >= CONTRAST, "{} {theme:?} rich {rich} {role:?}: {ratio:.2}", terminal.name);
                        }
                    }
                }
            }
        }
    }

    /// On any background of a terminal, also a grey one.
    #[test]
    fn text_is_readable_on_any_background_of_a_terminal() {
        for r in (0..=255).step_by(15) {
            for g in (0..=255).step_by(15) {
                for b in (0..=255).step_by(15) {
                    let terminal = TerminalColours { rich: true, background: Some([r, g, b]) };
                    let colours = Colours::of(Theme::Terminal, terminal);
                    for role in [Role::Text, Role::Sentence, Role::Now, Role::Said, Role::Muted] {
                        let style = colours.style(role);
                        let (Some(Color::Rgb(tr, tg, tb)), Some(ground)) = (style.fg, style.bg) else {
                            panic!("{style:?}")
                        };
                        let ground = match ground {
                            Color::Rgb(r, g, b) => [0, r, g, b],
                            _ => [0, r, g, b],
                        };
                        let ratio = contrast(u32::from_be_bytes([0, tr, tg, tb]), u32::from_be_bytes(ground));
                        assert!(ratio >= CONTRAST, "{role:?} on {r} {g} {b}: {ratio:.2}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_terminals_theme_leaves_its_background_and_follows_it() {
        let on = |background| Colours::of(Theme::Terminal, TerminalColours { rich: true, background });
        assert_eq!(on(Some([0x30, 0x0a, 0x24])).style(Role::Text).bg, Some(Color::Reset));
        assert_eq!(on(Some([255, 255, 255])).style(Role::Sentence).fg, Some(Color::Rgb(0, 0, 0)));
        assert_eq!(on(Some([0, 0, 0])).style(Role::Sentence).fg, Some(Color::Rgb(255, 255, 255)));
        // Without a known background the sixteen colours are used.
        assert_eq!(on(None).style(Role::Text).fg, Some(Color::Reset));
    }

    #[test]
    fn mono_sets_no_colour() {
        for role in Role::ALL {
            let style = Colours::from(Theme::Mono).style(role);
            assert_eq!((style.fg, style.bg), (None, None), "{role:?}");
        }
    }
}
