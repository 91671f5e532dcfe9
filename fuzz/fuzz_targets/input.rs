//! Any bytes in any pieces with any pauses as what a terminal sends, on a window of any size. Nothing panics, everything
//! settles, nothing grows, no character is a key that was not sent, and what a terminal says by itself is no key at all.

#![no_main]

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use libfuzzer_sys::fuzz_target;
use penutup::action::Action;
use penutup::app::{App, AppSetup};
use penutup::loaded::LoadedRules;
use penutup::input::parser::SILENCE;
use penutup::input::{Input, Stage};
use penutup::keymap::{self, Key};
use penutup::tui::theme::Theme;
use penutup::tui::view;
use penutup::words::Lang;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

/// The pieces of the bytes: each begins with its length and the milliseconds before it.
fn pieces(mut bytes: &[u8]) -> Vec<(&[u8], u64)> {
    let mut out = Vec::new();
    while let [length, pause, rest @ ..] = bytes {
        let (piece, rest) = rest.split_at(usize::from(length % 16).min(rest.len()));
        let pause = u64::from(*pause);
        out.push((piece, if pause < 200 { pause / 4 } else { (pause - 190) * 20 }));
        bytes = rest;
    }
    out
}

/// What the stage makes of the pieces, once all is silent.
fn read(pieces: &[(&[u8], u64)]) -> Vec<Input> {
    let (mut stage, mut out, mut now) = (Stage::default(), Vec::new(), Instant::now());
    for (piece, pause) in pieces {
        wait(&mut stage, now + Duration::from_millis(*pause), &mut out);
        now += Duration::from_millis(*pause);
        out.extend(stage.bytes(piece, now));
    }
    wait(&mut stage, now + SILENCE * 3, &mut out);
    assert_eq!(stage.deadline(), None, "everything settles");
    assert!(format!("{stage:?}").len() < 40_000, "nothing grows");
    out
}

fn wait(stage: &mut Stage, until: Instant, out: &mut Vec<Input>) {
    while let Some(end) = stage.deadline().filter(|end| *end <= until) {
        out.extend(stage.pause(end));
    }
}

/// The bytes as something that a terminal says by itself.
fn report(bytes: &[u8]) -> Vec<u8> {
    let (kind, content) = bytes.split_first().unwrap_or((&0, &[]));
    let printable: Vec<u8> = content.iter().map(|b| b' ' + b % 95).collect();
    let numbers: Vec<u8> = content.iter().map(|b| b"0123456789;:"[usize::from(b % 12)]).collect();
    let string = |begin: &[u8], end: &[u8]| [begin, &printable[..], end].concat();
    match kind % 8 {
        0 => string(b"\x1b]", b"\x1b\\"),
        1 => string(b"\x1b]", b"\x07"),
        2 => string(b"\x1bP", b"\x1b\\"),
        3 => string(b"\x1b_", b"\x1b\\"),
        4 => string(b"\x1b^", b"\x1b\\"),
        5 => string(b"\x1bX", b"\x1b\\"),
        6 => [b"\x1b[<", &numbers[..], b"M"].concat(),
        _ => [b"\x1b[?", &numbers[..], b"c"].concat(),
    }
}

fuzz_target!(|bytes: &[u8]| {
    let pieces = pieces(bytes);
    let sent: Vec<u8> = pieces.iter().flat_map(|(piece, _)| piece.iter().copied()).collect();
    let text = String::from_utf8_lossy(&sent);
    let now: DateTime<Utc> = DateTime::from_timestamp(1_772_434_800, 0).expect("a moment");
    let loaded = Arc::new(LoadedRules::built_in());
    let mut app =
        App::new(AppSetup { loaded, lang: Lang::Id, zone: 0, shift_facts: Vec::new(), notice: None, rules_trouble: None, now });
    let size = |at: usize| u16::from(bytes.get(at).copied().unwrap_or(80)) % 200;
    let mut terminal = Terminal::new(TestBackend::new(size(0), size(1))).expect("memory");
    for input in read(&pieces) {
        let action = match input {
            Input::Key { key, repeat: false, .. } => {
                if let Key::Char(c) = key {
                    // A sequence may name any key by its number.
                    let may_name = sent.contains(&b'[') || sent.contains(&0x9b);
                    assert!(text.contains(c) || may_name, "{c:?} was not sent");
                }
                keymap::action(&app, key)
            }
            Input::Paste(text) => Some(Action::Paste(text)),
            _ => None,
        };
        if let Some(action) = action {
            app.update(action, now);
            terminal.draw(|frame| _ = view::draw(frame, &app, Theme::Terminal, 0)).expect("memory");
        }
    }

    let report = report(&sent);
    let mut rest = &report[..];
    let mut cut: Vec<(&[u8], u64)> = Vec::new();
    for (n, (piece, pause)) in pieces.iter().enumerate() {
        let (head, tail) = rest.split_at((piece.len() + n % 2).min(rest.len()));
        // Without a pause so long that the beginning is a key by itself.
        if !head.is_empty() {
            cut.push((head, *pause % 140));
        }
        rest = tail;
    }
    cut.push((rest, 1));
    // A reply to a query of ours is parsed as a reply; nothing of a report becomes a key.
    let inputs = read(&cut);
    assert!(inputs.iter().all(|input| matches!(input, Input::TerminalReply(_))), "{inputs:?} of {report:?}");
});
