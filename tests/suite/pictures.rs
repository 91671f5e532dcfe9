//! The pictures in the documents, made from the real program. A picture that no longer shows what the program shows
//! fails here; `PENUTUP_PICTURES=write cargo test pictures` makes them anew.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use penutup::app::{App, Begin};
use penutup::book::Book;
use penutup::keymap::{self, Key};
use penutup::tui::theme::Theme;
use penutup::tui::view;
use penutup::words::Lang;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};

/// A cell's size in the picture, in pixels.
const CELL: (usize, usize) = (9, 19);
/// The ground around the screen.
const MARGIN: usize = 10;

struct Prompter {
    app: App,
    now: DateTime<Utc>,
}

impl Prompter {
    /// Begins at this UTC time of a fixed day.
    fn at(time: &str) -> Self {
        let now: DateTime<Utc> = format!("2026-11-24T{time}:00Z").parse().unwrap();
        let begin = Begin {
            book: Arc::new(Book::built_in()),
            lang: Lang::Id,
            zone: 0,
            held: Vec::new(),
            notice: None,
            rules_trouble: None,
            now,
        };
        Self { app: App::new(begin), now }
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
        terminal.draw(|frame| _ = view::draw(frame, &self.app, theme)).unwrap();
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
            let ground = style.bg.unwrap_or_default();
            if ground != buffer.content[0].style().bg.unwrap_or_default() {
                let (wide, high) = (cells * CELL.0, CELL.1);
                writeln!(out, r#"<rect x="{left}" y="{top}" width="{wide}" height="{high}" fill="{}"/>"#, hex(ground))
                    .unwrap();
            }
            let bold = if style.add_modifier.contains(Modifier::BOLD) { r#" font-weight="bold""# } else { "" };
            let under =
                if style.add_modifier.contains(Modifier::UNDERLINED) { r#" text-decoration="underline""# } else { "" };
            let (fill, base) = (hex(style.fg.unwrap_or_default()), top + 15);
            // SVG folds runs of blanks, so what stands behind one gets a place of its own.
            let mut column = 0;
            for part in run.split("  ") {
                let text = part.trim_start();
                let start = left + (column + part.len() - text.len()) * CELL.0;
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

fn frame(buffer: &Buffer, title: &str, body: &str) -> String {
    let (width, height) =
        (usize::from(buffer.area.width) * CELL.0 + 2 * MARGIN, usize::from(buffer.area.height) * CELL.1 + 2 * MARGIN);
    let ground = hex(buffer.content[0].style().bg.unwrap_or_default());
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="15" role="img">
<title>{}</title>
<rect width="100%" height="100%" rx="6" fill="{ground}"/>
{body}</svg>
"#,
        escape(title)
    )
}

fn still(buffer: &Buffer, title: &str) -> String {
    frame(buffer, title, &cells(buffer))
}

/// Screens one after the other, each for its seconds, over and over.
fn motion(screens: &[(Buffer, f64)], title: &str) -> String {
    let total: f64 = screens.iter().map(|(_, seconds)| seconds).sum();
    let (mut body, mut from) = (String::new(), 0.0);
    for (buffer, seconds) in screens {
        let (start, end) = (from / total, ((from + seconds) / total).min(1.0));
        // Shown from its start to its end, hidden before and after.
        let (times, values) = match (start <= 0.0, end >= 1.0) {
            (true, _) => (format!("0;{end:.4};1"), "inline;none;none"),
            (false, true) => (format!("0;{start:.4};1"), "none;inline;inline"),
            (false, false) => (format!("0;{start:.4};{end:.4};1"), "none;inline;none;none"),
        };
        writeln!(
            body,
            r#"<g display="none"><animate attributeName="display" calcMode="discrete" dur="{total}s" repeatCount="indefinite" keyTimes="{times}" values="{values}"/>
{}</g>"#,
            cells(buffer)
        )
        .unwrap();
        from += seconds;
    }
    frame(&screens[0].0, title, &body)
}

fn pictures() -> Vec<(&'static str, String)> {
    let dark = |p: &Prompter| p.screen(80, 24, Theme::Dark);
    let outage = |keys: &str| Prompter::at("07:57").press(keys);
    let steps: [(&str, f64); 9] = [
        ("", 2.0),
        ("nBu", 0.7),
        ("nBu Siti", 0.7),
        ("nBu Siti Aminah\n", 2.0),
        ("nBu Siti Aminah\n ", 2.0),
        ("nBu Siti Aminah\n k", 2.5),
        ("nBu Siti Aminah\n ka", 3.0),
        ("nBu Siti Aminah\n ka ", 2.5),
        ("nBu Siti Aminah\n ka  ", 2.5),
    ];
    let session: Vec<(Buffer, f64)> = steps.iter().map(|(keys, seconds)| (dark(&outage(keys)), *seconds)).collect();
    vec![
        ("layar.svg", still(&dark(&outage("nPak Budi Santoso\n")), "penutup, 80×24")),
        ("klb.svg", still(&dark(&outage("kanBu Siti Aminah\n")), "KLB aktif")),
        ("terang.svg", still(&outage("m").screen(80, 24, Theme::Light), "Tema terang")),
        ("lebar.svg", still(&outage("nPak Budi Santoso\n ").screen(110, 26, Theme::Dark), "Jendela lebar")),
        ("sempit.svg", still(&outage("ka").screen(60, 18, Theme::Dark), "Jendela sempit, 60×18")),
        ("akhiri.svg", still(&dark(&outage("m x")), "Mengakhiri panggilan")),
        ("dasar.svg", still(&dark(&outage("ad")), "Dasar SOP")),
        ("gerak.svg", motion(&session, "penutup dalam satu panggilan")),
    ]
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/pictures")
}

#[test]
fn pictures_show_what_the_program_shows() {
    let write = std::env::var_os("PENUTUP_PICTURES").is_some_and(|v| v == "write");
    for (name, svg) in pictures() {
        let path = folder().join(name);
        if write {
            std::fs::create_dir_all(folder()).unwrap();
            std::fs::write(&path, &svg).unwrap();
        }
        let there = std::fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
        assert!(there == svg, "{name} is out of date: PENUTUP_PICTURES=write cargo test pictures");
    }
}
