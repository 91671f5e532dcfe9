//! Styles by role. Views name roles, never colours. Every state also has a word or a mark, so a theme needs no colours.

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};

pub use crate::settings::Theme;

/// The meaning of a piece of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Any other text.
    Text,
    /// The current sentence, the only bright text.
    Sentence,
    Title,
    Said,
    /// Keys and marks.
    Accent,
    /// Lines between regions.
    Line,
    /// A contradiction in the SOP.
    Caution,
    /// A value that is not the default.
    Set,
    /// The banner of an emergency.
    Alarm,
    /// A lasting trouble.
    Trouble,
}

impl Role {
    pub const ALL: [Self; 10] = [
        Self::Text,
        Self::Sentence,
        Self::Title,
        Self::Said,
        Self::Accent,
        Self::Line,
        Self::Caution,
        Self::Set,
        Self::Alarm,
        Self::Trouble,
    ];
}

/// The colours of a theme.
struct Palette {
    ground: u32,
    text: u32,
    bright: u32,
    said: u32,
    accent: u32,
    line: u32,
    caution: u32,
    alarm: (u32, u32),
    trouble: u32,
}

const DARK: Palette = Palette {
    ground: 0x16_181d,
    text: 0xc9_d1dc,
    bright: 0xff_ffff,
    said: 0x7f_c796,
    accent: 0x7d_b7e8,
    line: 0x7a_8494,
    caution: 0xe0_b868,
    alarm: (0xff_ffff, 0xb0_2a30),
    trouble: 0xf0_918a,
};

const LIGHT: Palette = Palette {
    ground: 0xfb_fbfa,
    text: 0x33_3a45,
    bright: 0x00_0000,
    said: 0x1f_6b3a,
    accent: 0x1d_5f9e,
    line: 0x6b_7280,
    caution: 0x8a_5a00,
    alarm: (0xff_ffff, 0xb3_1f26),
    trouble: 0xa8_2218,
};

const PROYEKTOR: Palette = Palette {
    ground: 0x00_0000,
    text: 0xff_ffff,
    bright: 0xff_ff66,
    said: 0x7d_ff9b,
    accent: 0x8f_dcff,
    line: 0xc8_c8c8,
    caution: 0xff_d75f,
    alarm: (0x00_0000, 0xff_6b60),
    trouble: 0xff_a39b,
};

/// The replacements for a terminal that has sixteen colours.
const SIXTEEN: [(u32, Color); 25] = [
    (0x16_181d, Color::Black),
    (0xc9_d1dc, Color::Gray),
    (0xff_ffff, Color::White),
    (0x7f_c796, Color::LightGreen),
    (0x7d_b7e8, Color::LightCyan),
    (0x7a_8494, Color::DarkGray),
    (0xe0_b868, Color::LightYellow),
    (0xb0_2a30, Color::Red),
    (0xf0_918a, Color::LightRed),
    (0xfb_fbfa, Color::White),
    (0x33_3a45, Color::Black),
    (0x00_0000, Color::Black),
    (0x1f_6b3a, Color::Green),
    (0x1d_5f9e, Color::Blue),
    (0x6b_7280, Color::DarkGray),
    (0x8a_5a00, Color::Magenta),
    (0xb3_1f26, Color::Red),
    (0xa8_2218, Color::Red),
    (0xff_ff66, Color::LightYellow),
    (0x7d_ff9b, Color::LightGreen),
    (0x8f_dcff, Color::LightCyan),
    (0xc8_c8c8, Color::Gray),
    (0xff_d75f, Color::LightYellow),
    (0xff_6b60, Color::LightRed),
    (0xff_a39b, Color::LightRed),
];

/// Whether a terminal with this COLORTERM has 16 million colours. Every Windows console that supports escape codes has.
pub fn says_rich(colorterm: Option<&str>) -> bool {
    cfg!(windows) || matches!(colorterm, Some("truecolor" | "24bit"))
}

/// Replaces the colours of a drawing by the sixteen.
pub fn in_sixteen_colours(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        cell.fg = of_sixteen(cell.fg);
        cell.bg = of_sixteen(cell.bg);
    }
}

fn of_sixteen(colour: Color) -> Color {
    match colour {
        Color::Rgb(..) => {
            SIXTEEN.into_iter().find(|(rich, _)| rgb(*rich) == colour).map_or(Color::Reset, |(_, plain)| plain)
        }
        plain => plain,
    }
}

fn rgb(colour: u32) -> Color {
    let [_, r, g, b] = colour.to_be_bytes();
    Color::Rgb(r, g, b)
}

/// How the screen shows a theme, which is a setting and knows no colours.
pub trait Styles {
    fn style(self, role: Role) -> Style;
}

/// Whether it uses colours beyond the terminal's sixteen.
pub fn is_rich(theme: Theme) -> bool {
    matches!(theme, Theme::Dark | Theme::Light | Theme::Proyektor)
}

impl Styles for Theme {
    fn style(self, role: Role) -> Style {
        let plain = Style::new();
        match self {
            Self::Mono => match role {
                Role::Sentence => plain.add_modifier(Modifier::BOLD),
                Role::Alarm => plain.add_modifier(Modifier::REVERSED | Modifier::BOLD),
                _ => plain,
            },
            Self::Terminal => match role {
                Role::Sentence => plain.add_modifier(Modifier::BOLD),
                // White on red works on any background.
                Role::Alarm => plain.fg(Color::White).bg(Color::Red).add_modifier(Modifier::BOLD),
                Role::Said => plain.fg(Color::Green),
                Role::Line => plain.fg(Color::DarkGray),
                Role::Caution | Role::Trouble => plain.fg(Color::Magenta),
                _ => plain,
            },
            Self::Dark => DARK.style(role),
            Self::Light => LIGHT.style(role),
            Self::Proyektor => PROYEKTOR.style(role),
        }
    }
}

impl Palette {
    fn style(&self, role: Role) -> Style {
        let on_ground = |colour| Style::new().fg(rgb(colour)).bg(rgb(self.ground));
        match role {
            Role::Text | Role::Title | Role::Set => on_ground(self.text),
            Role::Sentence => on_ground(self.bright).add_modifier(Modifier::BOLD),
            Role::Said => on_ground(self.said),
            Role::Accent => on_ground(self.accent),
            Role::Line => on_ground(self.line),
            Role::Caution => on_ground(self.caution),
            Role::Trouble => on_ground(self.trouble),
            Role::Alarm => Style::new().fg(rgb(self.alarm.0)).bg(rgb(self.alarm.1)).add_modifier(Modifier::BOLD),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The contrast of two colours as WCAG 2 computes it.
    fn contrast(a: Color, b: Color) -> f64 {
        let luminance = |colour| {
            let Color::Rgb(red, green, blue) = colour else { panic!("every palette colour is RGB") };
            let linear = |c: u8| {
                let c = f64::from(c) / 255.0;
                if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
            };
            0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
        };
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn every_role_has_enough_contrast() {
        for theme in [Theme::Dark, Theme::Light, Theme::Proyektor] {
            for role in Role::ALL {
                let style = theme.style(role);
                let ratio = contrast(style.fg.unwrap(), style.bg.unwrap());
                assert!(ratio >= 4.5, "{theme:?} {role:?}: {ratio:.2}");
            }
        }
    }

    /// Every colour has a replacement, and no text gets the colour of its background.
    #[test]
    fn every_role_is_visible_with_sixteen_colours() {
        for theme in Theme::ALL.into_iter().filter(|theme| is_rich(*theme)) {
            for role in Role::ALL {
                let style = theme.style(role);
                let [text, ground] = [style.fg, style.bg].map(|colour| of_sixteen(colour.unwrap()));
                assert!(text != ground && text != Color::Reset && ground != Color::Reset, "{theme:?} {role:?}");
                assert!(!matches!(text, Color::Rgb(..)) && !matches!(ground, Color::Rgb(..)), "{theme:?} {role:?}");
            }
        }
        assert_eq!(of_sixteen(Color::Green), Color::Green);
    }

    #[test]
    fn mono_sets_no_colour() {
        for role in Role::ALL {
            let style = Theme::Mono.style(role);
            assert_eq!((style.fg, style.bg), (None, None), "{role:?}");
        }
    }
}
