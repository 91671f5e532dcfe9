//! Invariants of every screen: no size and no text breaks it, and the current sentence is never cut without a mark.

use std::fmt::Write as _;
use std::sync::Arc;

use penutup::app::{App, Mode};
use penutup::keymap::Key;
use penutup::rules::BUILT_IN;
use penutup::rules::text::is_forbidden;
use penutup::tui::theme::Theme;
use proptest::prelude::*;
use ratatui::buffer::Buffer;

use crate::closing::{op, stage, update};
use crate::scenes::{bold_text, drawn, no_blanks, text};
use crate::stage::{Stage, loaded, wib};

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// What is seen of a text: no blanks, none of the characters that have no shape of their own.
fn seen(text: &str) -> String {
    let shapeless =
        |c: char| matches!(c, '\u{200B}'..='\u{200D}' | '\u{2060}' | '\u{AD}' | '\u{34F}' | '\u{FE00}'..='\u{FE0F}');
    no_blanks(text).chars().filter(|c| !shapeless(*c)).collect()
}

/// The sentence that must be on the screen in full, or scroll.
fn current(app: &App) -> Option<String> {
    let open = matches!(app.mode(), Mode::Closing | Mode::Typing(_)) && !app.is_previewing();
    let sentence = app.sentence(app.shown()?)?.to_string();
    open.then(|| seen(&sentence))
}

fn has_scroll_mark(screen: &str) -> bool {
    ["PgDn", "PgUp", "↓", "↑"].iter().any(|mark| screen.contains(mark))
}

fn harmless(buffer: &Buffer) -> Result<(), TestCaseError> {
    for cell in &buffer.content {
        prop_assert!(!cell.symbol().chars().any(is_forbidden), "{:?}", cell.symbol());
    }
    Ok(())
}

/// The whole sentence is on the screen, or a mark shows that there is more and paging down reaches every word.
fn never_cut(stage: &mut Stage, columns: u16, rows: u16) -> Result<(), TestCaseError> {
    let (buffer, _) = drawn(stage, Theme::Terminal, columns, rows);
    harmless(&buffer)?;
    let Some(sentence) = current(&stage.app) else { return Ok(()) };
    if buffer.content.is_empty() || seen(&bold_text(&buffer)) == sentence {
        return Ok(());
    }
    let screen = text(&buffer);
    prop_assert!(
        has_scroll_mark(&screen) || (columns, rows) == (1, 1),
        "cut without a mark, {}×{}:\n{}",
        columns,
        rows,
        screen
    );
    if *stage.app.mode() != Mode::Closing {
        return Ok(());
    }
    for _ in 0..2000 {
        if !stage.key(Key::PageUp) || stage.scroll.offset() == 0 {
            break;
        }
    }
    let mut reached = 0;
    for _ in 0..2000 {
        let (buffer, found) = drawn(stage, Theme::Terminal, columns, rows);
        let page = seen(&bold_text(&buffer));
        if sentence[reached..].starts_with(&page) {
            reached += page.len();
        } else {
            // The last page may begin with lines of the previous one.
            let new = page.len() >= sentence.len() - reached && sentence.ends_with(&page);
            prop_assert!(new, "{:?} follows {:?}", page, &sentence[..reached]);
            reached = sentence.len();
        }
        let before = stage.scroll.offset();
        stage.key(Key::PageDown);
        let (_, _) = drawn(stage, Theme::Terminal, columns, rows);
        if stage.scroll.offset() == before {
            prop_assert_eq!(before, found.most_scroll);
            break;
        }
    }
    prop_assert_eq!(reached, sentence.len(), "the last word is reached, {}×{}", columns, rows);
    Ok(())
}

/// Names that break careless screens.
fn hostile_name() -> impl Strategy<Value = String> {
    let parts = vec![
        "a",
        "e\u{301}",
        "Z\u{334}\u{322}\u{300}\u{301}",
        "李",
        "王明",
        "👩\u{200d}👩\u{200d}👧",
        "🇮🇩",
        "أمينة",
        "דוד",
        "नि",
        "ｆｕｌｌ",
        " ",
        "  ",
        "\u{200d}",
        "\u{200b}",
        "\u{fe0f}",
        "❤\u{fe0f}",
        "\u{1b}[31m",
        "\u{1b}]0;x\u{7}",
        "\t",
        "\u{202e}",
        "\u{9b}",
        "{nama}",
        "ﷺ",
        "👍\u{1f3fd}",
        "한",
        "ก็",
    ];
    prop::collection::vec(prop::sample::select(parts), 1..64).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(config(192))]

    #[test]
    fn no_size_and_no_state_breaks_the_screen(
        seed: u64,
        ops in prop::collection::vec(op(), 0..40),
        columns in 0..131u16,
        rows in 0..41u16,
        theme in prop::sample::select(vec![Theme::Terminal, Theme::Dark, Theme::Mono]),
    ) {
        let mut stage = stage(seed);
        for op in ops {
            if let Some(update) = update(&stage.app, &op) {
                stage.act(update);
            }
        }
        let (buffer, _) = drawn(&mut stage, theme, columns, rows);
        harmless(&buffer)?;
        // A wide character needs two cells, and a lone row one for its mark.
        if columns >= 3 {
            never_cut(&mut stage, columns, rows)?;
        }
    }

    #[test]
    fn the_sops_sentences_are_never_cut_without_a_mark(
        keys in "[kmabz]{0,6}",
        said in 0..3usize,
        columns in 1..131u16,
        rows in 1..41u16,
    ) {
        let mut stage = Stage::at("14:57");
        stage.keys(&keys).keys(&"␣".repeat(said));
        never_cut(&mut stage, columns, rows)?;
    }

    #[test]
    fn hostile_names_break_nothing(
        name in hostile_name(),
        typed: bool,
        columns in 12..131u16,
        rows in 1..41u16,
    ) {
        let mut stage = Stage::at("14:57");
        stage.keys("m␣");
        if typed {
            stage.keys("n");
            for c in name.chars() {
                stage.key(Key::Char(c));
                let (buffer, _) = drawn(&mut stage, Theme::Terminal, columns, rows);
                harmless(&buffer)?;
            }
            never_cut(&mut stage, columns, rows)?;
            stage.keys("⏎");
        } else {
            stage.paste(&name);
            never_cut(&mut stage, columns, rows)?;
            stage.key(Key::Enter);
        }
        if *stage.app.mode() == Mode::Closing && stage.said().len() == 1 {
            never_cut(&mut stage, columns, rows)?;
        }
    }
}

#[test]
fn sixty_wide_graphemes_are_all_seen() {
    let name = "李".repeat(60);
    for (columns, rows) in [(120, 30), (100, 24), (80, 24), (60, 18), (40, 12), (30, 6), (29, 5), (2, 3)] {
        let mut stage = Stage::at("14:57");
        stage.keys("m␣").paste(&name).keys("⏎");
        assert!(stage.complete().ends_with(&name));
        never_cut(&mut stage, columns, rows).unwrap();
    }
}

/// Everything in a rules file that may be long is as long as it may be.
#[test]
fn a_rules_file_of_the_longest_texts_breaks_nothing() {
    let long = "Panjang ".repeat(500);
    let mut source = String::new();
    for line in BUILT_IN.lines() {
        let key = line.split('=').next().unwrap_or_default().trim();
        let plain =
            ["title", "label", "help", "basis", "caution", "note", "remind", "revision", "supersedes", "issuer"];
        if plain.contains(&key) {
            writeln!(source, "{key} = \"{}\"", long.trim()).unwrap();
        } else if line.contains("label = ") {
            let longer = line.replacen("label = \"", &format!("label = \"{long}"), 1);
            writeln!(source, "{}", longer.replacen("banner = \"", &format!("banner = \"{long}"), 1)).unwrap();
        } else if key == "score" {
            writeln!(source, "score = [\"{}\"]", long.trim()).unwrap();
        } else if key == "lost_score" {
            writeln!(source, "lost_score = {{ \"{}\" = \"{}\" }}", long.trim(), long.trim()).unwrap();
        } else {
            writeln!(source, "{line}").unwrap();
        }
    }
    let loaded = loaded(source);
    for keys in ["", "ka", "nBudi", "x", "bx", "d", "?", "s", "↓"] {
        for columns in [1, 10, 29, 30, 50, 71, 72, 80, 99, 100, 130] {
            for rows in [1, 2, 5, 6, 10, 18, 24, 30] {
                let mut stage = Stage::with(Arc::clone(&loaded), wib("14:57"), Vec::new());
                stage.keys(keys);
                never_cut(&mut stage, columns, rows).unwrap_or_else(|e| panic!("{keys:?} {columns}×{rows}: {e}"));
            }
        }
    }
}

#[test]
fn twenty_facts_are_counted_where_they_do_not_fit() {
    let mut source = BUILT_IN.to_owned();
    for fact in 0..20 {
        write!(source, "\n[[fact]]\nid = \"f{fact}\"\nlabel = \"Fakta nomor {fact}\"\n").unwrap();
        source.push_str("values = [{ id = \"a\", label = \"satu saja\" }, { id = \"b\", label = \"dua\" }]\n");
    }
    let loaded = loaded(source);
    for columns in 30..131u16 {
        let mut stage = Stage::with(Arc::clone(&loaded), wib("14:00"), Vec::new());
        let (buffer, _) = drawn(&mut stage, Theme::Terminal, columns, 30);
        let screen = text(&buffer);
        let shown = screen.matches("satu saja").count() + screen.matches("satu…").count();
        let hidden: usize =
            screen.split('+').nth(1).and_then(|s| s.split(' ').next()).and_then(|s| s.parse().ok()).unwrap_or(0);
        assert!(screen.contains("kondisi: tekan ?"), "{columns}:\n{screen}");
        assert!(columns < 72 || shown + hidden == 20, "{columns}: {shown} + {hidden}\n{screen}");
        never_cut(&mut stage, columns, 30).unwrap();
    }
}

#[test]
fn the_first_screen_is_whole_or_scrolls_at_every_small_size() {
    let loaded = loaded(BUILT_IN);
    for columns in 1..80 {
        for rows in 1..26 {
            let mut stage = Stage::with(Arc::clone(&loaded), wib("14:02"), Vec::new());
            never_cut(&mut stage, columns, rows).unwrap_or_else(|e| panic!("{columns}×{rows}: {e}"));
        }
    }
}

#[test]
fn a_joiner_between_a_flag_and_a_heart_loses_no_text() {
    let mut stage = Stage::at("14:57");
    stage.keys("m␣").paste("🇮🇩\u{200d}❤\u{fe0f}").keys("⏎");
    for columns in 12..131 {
        for rows in [1, 2, 5, 24] {
            never_cut(&mut stage, columns, rows).unwrap_or_else(|e| panic!("{columns}×{rows}: {e}"));
        }
    }
}
