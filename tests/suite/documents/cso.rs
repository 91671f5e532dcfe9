//! The CSO's sheet: its keys are those of the prompter, what it quotes is on the prompter's screen, and it fits its
//! sheet.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use penutup::declaration::{Declaration, DeclarationEvent, KLB, State};
use penutup::keymap;
use penutup::message::{Message, Subject};
use penutup::tui::theme::Theme;
use penutup::words::Lang;
use penutup_ipc::phone_event::{Pairs, PhoneEvent};

use super::read;
use crate::scenes;
use crate::stage::{Stage, revised, wib};

const PAGE: &str = "docs/cso.md";

/// What the page has in code marks: keys, marks, and words of the screen.
fn quoted() -> BTreeSet<String> {
    let page = read(PAGE);
    page.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The prompter in every state that the page describes.
fn states() -> Vec<Stage> {
    let with = |keys: &str, message: Option<Message>| {
        let mut stage = Stage::at("14:57");
        stage.keys(keys);
        if let Some(message) = message {
            stage.act(message);
        }
        stage
    };
    let rev_2 = revised(&[("from = \"11:00\"", "from = \"10:00\"")]);
    let declared = Declaration {
        version: 1,
        fact: KLB.into(),
        state: State::On,
        value: None,
        since: wib("14:57"),
        until: None,
        by: None,
        why: None,
    };
    let called = PhoneEvent::Start { id: None, pairs: Pairs(vec![("nama".into(), "Siti Aminah".into())]) };
    let mut asked = with("k", None);
    asked.wait(13 * 3600);
    vec![
        with("", None),
        with("␣", None),
        with("s", None),
        with("ka", None),
        with("m␣x", None),
        with("k␣k", None),
        with("", Some(Message::Declaration(DeclarationEvent::Declared(Box::new(declared))))),
        with("", Some(Message::Phone(called))),
        with("", Some(Message::Rules(rev_2.clone(), None))),
        with("␣", Some(Message::Rules(rev_2, None))),
        with(
            "",
            Some(Message::Trouble(
                Subject::Rules,
                Some(Lang::Id.words().notice.rules_bad("{file}", "{line}", "{why}")),
            )),
        ),
        asked,
    ]
}

#[test]
fn the_keys_on_the_page_are_the_prompters() {
    let words = Lang::Id.words();
    let page = read(PAGE);
    let rows = page.lines().filter(|line| line.starts_with("| `") && line.matches('|').count() == 5);
    let named: BTreeSet<String> = rows
        .flat_map(|row| row.split('|').skip(1).step_by(2).take(2).collect::<Vec<_>>())
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .collect();
    let mut expected = BTreeSet::new();
    for stage in states() {
        for row in keymap::all(&stage.app) {
            expected.extend(row.keys.iter().map(|key| key.name(words).into_owned()));
        }
    }
    assert_eq!(named, expected);
}

#[test]
fn the_quotations_on_the_page_are_on_the_screen() {
    let words = Lang::Id.words();
    let (mut screens, mut keys) = (String::new(), BTreeSet::new());
    for mut stage in states() {
        keys.extend(
            keymap::rows(&stage.app).iter().flat_map(|row| row.keys.iter().map(|key| key.name(words).into_owned())),
        );
        for (columns, rows) in [(80, 24), (120, 30)] {
            let (buffer, _) = scenes::drawn(&mut stage, Theme::Dark, columns, rows);
            writeln!(screens, "{}", scenes::text(&buffer)).expect("in memory");
        }
    }
    for text in quoted() {
        // A quotation that ends with … leaves out the rest.
        let part = text.trim_end_matches(['…', ' ']);
        assert!(keys.contains(&*text) || screens.contains(part), "{text:?} is nowhere on\n{screens}");
    }
}

/// Any browser prints the page on one sheet of A4. Computed in millimetres from the measures of the style, with letters
/// wider than those of the fonts that it names.
#[test]
fn the_page_fits_one_sheet() {
    let (wide, high) = (182.0, 297.0 - 2.0 * 10.0);
    let (letter, line, gap) = (1.65, 4.2, 2.5);
    let lines = |text: &str, width: f64| -> f64 {
        let mut lines = 1.0;
        let mut at = 0.0;
        for word in text.split_whitespace() {
            let long = f64::from(u32::try_from(word.chars().count()).expect("a word")) * letter;
            if at > 0.0 && at + letter + long > width {
                lines += 1.0;
                at = 0.0;
            }
            at += letter + long;
        }
        lines
    };
    let page = read(PAGE).replace(['`', '*'], "");
    let mut sum = 0.0;
    for part in page.split("\n\n") {
        let rows: Vec<&str> = part.lines().filter(|l| l.starts_with("| ")).collect();
        sum += match part {
            heading if heading.starts_with("# ") => 9.0,
            // The picture: 96 mm wide, as high as a screen of 80×24 is.
            picture if picture.starts_with("![") => 96.0 * 476.0 / 740.0 + 3.0,
            text if rows.is_empty() => lines(text, wide) * line + 3.0,
            _ => rows.iter().fold(gap, |sum, row| {
                let cells: Vec<&str> = row.trim_matches('|').split('|').collect();
                let widths: &[f64] = if cells.len() == 4 { &[0.17, 0.33, 0.13, 0.37] } else { &[0.36, 0.64] };
                let most =
                    cells.iter().zip(widths).map(|(cell, part)| lines(cell, wide * part - 2.0)).fold(0.0, f64::max);
                sum + most * line + 0.9
            }),
        };
    }
    assert!(sum <= high, "{sum:.0} mm of {high:.0}");
    assert!(sum > 250.0, "the page was read: {sum:.0} mm");
}
