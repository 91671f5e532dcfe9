//! The pictures in the documents, made from the real program. A picture that no longer shows what the program shows
//! fails here; `PENUTUP_PICTURES=write cargo test pictures` makes them anew.

mod card;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::drill;
use chrono::{DateTime, TimeDelta, Utc};
use penutup::app::App;
use penutup::app::AppSetup;
use penutup::keymap::{self, Key};
use penutup::loaded::LoadedRules;

use penutup::tui::theme::Theme;
use penutup::tui::view;
use penutup::words::Lang;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};

/// A cell's size in the picture, in pixels.
const CELL: (usize, usize) = (9, 19);
/// The border around the screen, in pixels.
const MARGIN: usize = 10;

struct Prompter {
    app: App,
    now: DateTime<Utc>,
}

impl Prompter {
    /// Starts at this UTC time of a fixed day.
    fn at(time: &str) -> Self {
        let now: DateTime<Utc> = format!("2026-11-24T{time}:00Z").parse().unwrap();
        let setup = AppSetup {
            loaded: Arc::new(LoadedRules::built_in()),
            lang: Lang::Id,
            zone: 0,
            shift_facts: Vec::new(),
            notice: None,
            rules_trouble: None,
            now,
        };
        Self { app: App::new(setup), now }
    }

    /// Presses keys, a second apart; `\n` is Enter, `<` Backspace.
    fn press(mut self, keys: &str) -> Self {
        for c in keys.chars() {
            let key = match c {
                '\n' => Key::Enter,
                '<' => Key::Backspace,
                c => Key::Char(c),
            };
            self.now += TimeDelta::seconds(1);
            let action = keymap::action(&self.app, key).unwrap_or_else(|| panic!("{c:?} does nothing here"));
            self.app.update(action, self.now);
        }
        self
    }

    fn screen(&self, columns: u16, rows: u16, theme: Theme) -> Buffer {
        let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
        terminal.draw(|frame| _ = view::draw(frame, &self.app, theme, 0)).unwrap();
        terminal.backend().buffer().clone()
    }
}

fn hex(colour: Color) -> String {
    let Color::Rgb(red, green, blue) = colour else { panic!("the pictures' themes have colours of their own") };
    format!("#{red:02x}{green:02x}{blue:02x}")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The cells of a screen as SVG, without the frame.
fn cells(buffer: &Buffer) -> String {
    let mut out = String::new();
    let width = usize::from(buffer.area.width);
    for (y, row) in buffer.content.chunks(width).enumerate() {
        let mut x = 0;
        while x < width {
            let style = row[x].style();
            let run: String =
                row[x..].iter().take_while(|c| c.style() == style).map(ratatui::buffer::Cell::symbol).collect();
            let cells = row[x..].iter().take_while(|c| c.style() == style).count();
            let (left, top) = (MARGIN + x * CELL.0, MARGIN + y * CELL.1);
            let background = style.bg.unwrap_or_default();
            if background != buffer.content[0].style().bg.unwrap_or_default() {
                let (wide, high) = (cells * CELL.0, CELL.1);
                writeln!(
                    out,
                    r#"<rect x="{left}" y="{top}" width="{wide}" height="{high}" fill="{}"/>"#,
                    hex(background)
                )
                .unwrap();
            }
            let bold = if style.add_modifier.contains(Modifier::BOLD) { r#" font-weight="bold""# } else { "" };
            let under =
                if style.add_modifier.contains(Modifier::UNDERLINED) { r#" text-decoration="underline""# } else { "" };
            let (fill, base) = (hex(style.fg.unwrap_or_default()), top + 15);
            // SVG collapses runs of spaces, so text after one gets its own position.
            let mut column = 0;
            for part in run.split("  ") {
                let text = part.trim_start();
                let start = left + (column + part.len() - text.len()) * CELL.0;
                // A blank at the end is not drawn, but its width would be spread over the other letters.
                let text = text.trim_end();
                column += part.chars().count() + 2;
                if !text.is_empty() {
                    let length = text.chars().count() * CELL.0;
                    let text = escape(text);
                    writeln!(
                        out,
                        r#"<text x="{start}" y="{base}" textLength="{length}" fill="{fill}"{bold}{under}>{text}</text>"#
                    )
                    .unwrap();
                }
            }
            x += cells;
        }
    }
    out
}

/// The picture: the screen's background, some extra rows, and their content.
fn frame(buffer: &Buffer, more: usize, title: &str, body: &str) -> String {
    let (columns, rows) = (usize::from(buffer.area.width), usize::from(buffer.area.height) + more);
    let (width, height) = (columns * CELL.0 + 2 * MARGIN, rows * CELL.1 + 2 * MARGIN);
    let background = hex(buffer.content[0].style().bg.unwrap_or_default());
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="15" role="img">
<title>{}</title>
<rect width="100%" height="100%" rx="6" fill="{background}"/>
{body}</svg>
"#,
        escape(title)
    )
}

fn still(buffer: &Buffer, title: &str) -> String {
    frame(buffer, 0, title, &cells(buffer))
}

/// A recorded call: each screen, the caption of the key that led to it, and the seconds for which it is shown.
struct Motion {
    prompter: Prompter,
    scenes: Vec<(Buffer, String, f64)>,
}

impl Motion {
    fn of(prompter: Prompter, seconds: f64) -> Self {
        let screen = prompter.screen(80, 24, Theme::Dark);
        Self { prompter, scenes: vec![(screen, String::new(), seconds)] }
    }

    /// Presses a key and captions it as in the program's key list.
    fn press(self, key: Key, seconds: f64) -> Self {
        let words = Lang::Id.words();
        let rows = keymap::rows(&self.prompter.app);
        let row = rows.iter().find(|row| row.keys.contains(&key)).expect("a key of this moment");
        let what = row.label.split(" (").next().unwrap_or_default();
        let caption_svg = caption(&key.name(words), what);
        self.then(key, caption_svg, seconds)
    }

    /// Types a text, one scene per word.
    fn types(mut self, text: &str) -> Self {
        for word in text.split_inclusive(' ') {
            let (last, rest) = word.chars().next_back().zip(word.get(..word.len() - 1)).expect("letters");
            self.prompter = self.prompter.press(rest);
            self = self.then(Key::Char(last), String::new(), 0.7);
        }
        self
    }

    fn then(mut self, key: Key, caption_svg: String, seconds: f64) -> Self {
        self.prompter.now += TimeDelta::seconds(1);
        let action = keymap::action(&self.prompter.app, key).expect("a key of this moment");
        self.prompter.app.update(action, self.prompter.now);
        self.scenes.push((self.prompter.screen(80, 24, Theme::Dark), caption_svg, seconds));
        self
    }

    /// An endless loop of the scenes. With reduced motion, or without animations, it is the scene `still`.
    fn svg(&self, title: &str, still: usize) -> String {
        let total: f64 = self.scenes.iter().map(|(_, _, seconds)| seconds).sum();
        let (mut style, mut body, mut from) = (String::new(), String::new(), 0.0);
        for (at, (buffer, caption_svg, seconds)) in self.scenes.iter().enumerate() {
            let percent = |time: f64| format!("{:.2}%", time / total * 100.0);
            let (start, end) = (percent(from), percent(from + seconds));
            let before = if at == 0 { "" } else { "0%{visibility:hidden}" };
            let after = if at + 1 == self.scenes.len() { String::new() } else { format!("{end}{{visibility:hidden}}") };
            writeln!(style, "@keyframes s{at}{{{before}{start}{{visibility:visible}}{after}}}").unwrap();
            writeln!(style, "#s{at}{{animation:s{at} {total:.1}s step-end infinite}}").unwrap();
            let seen = if at == still { "visible" } else { "hidden" };
            writeln!(body, "<g id=\"s{at}\" visibility=\"{seen}\">\n{}{caption_svg}</g>", cells(buffer)).unwrap();
            from += seconds;
        }
        let (top, height) = (MARGIN + 24 * CELL.1 + 6, 2 * CELL.1 + MARGIN - 6);
        let strip = format!("<rect y=\"{top}\" width=\"100%\" height=\"{height}\" rx=\"6\" fill=\"#272c36\"/>\n");
        let style = format!("<style>\n@media (prefers-reduced-motion:no-preference){{\n{style}}}\n</style>\n");
        frame(&self.scenes[0].0, 2, title, &(style + &strip + &body))
    }
}

/// The key that was pressed, as a cap, and what it does: on a strip of its own below a screen of 24 rows.
fn caption(key: &str, what: &str) -> String {
    let (top, wide) = (MARGIN + 24 * CELL.1 + 15, key.chars().count() * CELL.0);
    let (left, base) = (MARGIN + CELL.0, top + 16);
    format!(
        r##"<rect x="{left}" y="{top}" width="{}" height="24" rx="4" fill="none" stroke="#7db7e8"/>
<text x="{}" y="{base}" textLength="{wide}" fill="#7db7e8">{}</text>
<text x="{}" y="{base}" textLength="{}" fill="#c9d1dc">{}</text>
"##,
        wide + 2 * CELL.0,
        left + CELL.0,
        escape(key),
        left + wide + 3 * CELL.0,
        what.chars().count() * CELL.0,
        escape(what)
    )
}

/// One call, from the first screen to the next call.
fn call() -> Motion {
    let space = Key::Char(' ');
    Motion::of(Prompter::at("07:57"), 3.0)
        .press(Key::Char('n'), 1.2)
        .types("Bu Siti Aminah")
        .press(Key::Enter, 2.8)
        .press(space, 3.0)
        .press(Key::Char('k'), 4.0)
        .press(Key::Char('a'), 4.0)
        .press(space, 3.0)
        .press(space, 3.0)
        .press(space, 2.0)
}

fn pictures() -> Vec<(&'static str, String)> {
    let dark = |p: &Prompter| p.screen(80, 24, Theme::Dark);
    let outage = |keys: &str| Prompter::at("07:57").press(keys);
    vec![
        ("layar.svg", still(&dark(&outage("nPak Budi Santoso\n")), "penutup, 80×24")),
        ("klb.svg", still(&dark(&outage("kanBu Siti Aminah\n")), "KLB aktif")),
        ("terang.svg", still(&outage("nPak Budi Santoso\n ").screen(80, 24, Theme::Light), "Tema terang")),
        ("lebar.svg", still(&outage("nPak Budi Santoso\n ").screen(110, 26, Theme::Dark), "Jendela lebar")),
        ("sempit.svg", still(&outage("ka").screen(60, 18, Theme::Dark), "Jendela sempit, 60×18")),
        ("akhiri.svg", still(&dark(&outage("m x")), "Mengakhiri panggilan")),
        ("dasar.svg", still(&dark(&outage("ad")), "Dasar SOP")),
        ("latihan.svg", still(&drill::screens::dark("case-feedback"), "Latihan: sesudah satu kartu")),
        ("peragaan.svg", still(&drill::screens::dark("demo-klb"), "Peragaan")),
        ("gerak.svg", call().svg("penutup dalam satu panggilan", 6)),
    ]
}

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")
}

/// Compares a file below docs with its expected content, or writes it.
#[track_caller]
fn compare_or_write(path: &Path, made: &str) {
    if std::env::var_os("PENUTUP_PICTURES").is_some_and(|v| v == "write") {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, made).unwrap();
    }
    let existing = std::fs::read_to_string(path).unwrap_or_default().replace("\r\n", "\n");
    let path = path.display();
    assert!(existing == made, "{path} is out of date: PENUTUP_PICTURES=write cargo test pictures");
}

#[test]
fn pictures_show_what_the_program_shows() {
    for (name, svg) in pictures() {
        compare_or_write(&docs().join("pictures").join(name), &svg);
    }
}

#[test]
fn the_printable_sheet_matches_the_page() {
    let page = std::fs::read_to_string(docs().join("cso.md")).unwrap().replace("\r\n", "\n");
    let made = pictures();
    let html = card::html(&page, |at| {
        let (_, svg) = made.iter().find(|(name, _)| at == format!("pictures/{name}")).expect("one of the pictures");
        svg.clone()
    });
    compare_or_write(&docs().join("cso.html"), &html);
}
