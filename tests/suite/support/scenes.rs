//! States of the prompter for the tests of screens, and how they are drawn without a terminal.

use std::sync::Arc;

use penutup::loaded::LoadedRules;
use penutup::message::{Message, Subject};
use penutup::tui::theme::Theme;
use penutup::tui::view::{self, Drawn};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr;

use crate::stage::{Stage, wib};

/// A name as long as names may be.
pub const LONG_NAME: &str = "Raden Ajeng Siti Nurhaliza Kusumawardhani Prawirodirdjo-Putr";

/// The scenes, by name.
pub fn all() -> Vec<(&'static str, Stage)> {
    let scene = |time: &str, keys: &str| {
        let mut stage = Stage::at(time);
        stage.keys(keys);
        stage
    };
    vec![
        ("start", Stage::at("14:02")),
        ("klb", scene("13:05", "k")),
        ("worst", worst()),
        ("typing", scene("14:02", "bnSiti Amin")),
        ("question", scene("14:02", "nSiti⏎␣x")),
        ("basis", scene("14:02", "ad")),
        ("help", scene("14:02", "?")),
        ("said", scene("14:02", "bnBudi Santoso⏎s")),
        ("looking", scene("14:02", "␣↓")),
    ]
}

/// KLB overdue with its question, the SOP's contradiction, a notice of two rows, the longest sentence with the longest
/// name, a greeting that changes soon, and a customer in another zone, with another greeting.
pub fn worst() -> Stage {
    let mut stage = Stage::in_zone(2, Arc::new(LoadedRules::built_in()), wib("01:40"), Vec::new());
    stage.keys("ka").clock("14:57");
    stage.keys("bz").paste(LONG_NAME).keys("⏎");
    let why =
        "Aturan tidak dipakai: \\\\server\\sop\\rules.toml:117: Kondisi \"aplikasi\" tidak punya pilihan \"punya\"";
    stage.act(Message::Trouble(Subject::Rules, Some(why.into())));
    stage
}

/// Draws one frame and passes its results to the app, as the loop does.
pub fn drawn(stage: &mut Stage, theme: Theme, columns: u16, rows: u16) -> (Buffer, Drawn) {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).expect("a terminal in memory");
    let mut drawn = Drawn::default();
    terminal
        .draw(|frame| drawn = view::draw(frame, &stage.app, theme, stage.scroll.offset()))
        .expect("a terminal in memory");
    stage.scroll.bound(drawn.most_scroll, drawn.page);
    (terminal.backend().buffer().clone(), drawn)
}

/// The rows of a buffer as text, without the blanks at their ends.
pub fn rows(buffer: &Buffer) -> Vec<String> {
    let area = buffer.area;
    (area.top()..area.bottom())
        .map(|y| {
            let mut row = String::new();
            let mut x = area.left();
            while x < area.right() {
                let symbol = buffer[(x, y)].symbol();
                row.push_str(symbol);
                x += u16::try_from(symbol.width().max(1)).unwrap_or(1);
            }
            row.truncate(row.trim_end().len());
            row
        })
        .collect()
}

pub fn text(buffer: &Buffer) -> String {
    rows(buffer).join("\n")
}

/// The bold words: the current sentence, without its white space.
pub fn bold_text(buffer: &Buffer) -> String {
    let area = buffer.area;
    let mut out = String::new();
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            let cell = &buffer[(x, y)];
            if cell.modifier.contains(Modifier::BOLD)
                && !cell.modifier.contains(Modifier::REVERSED)
                && cell.bg != Color::Red
            {
                out.push_str(cell.symbol());
            }
        }
    }
    no_blanks(&out)
}

/// A text without its white space, and without the bars and edges that mark a sentence or a value.
pub fn no_blanks(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '▌' | '▐')).collect()
}
