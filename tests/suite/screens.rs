//! Whole screens at every size a CSO's window may have: as text snapshots, and with rules for their words and
//! styles.

use penutup::action::Action;
use penutup::app::Mode;
use penutup::keymap::{self, Key};
use penutup::rules::BUILT_IN;
use penutup::tui::theme::Theme;
use penutup::tui::view::Size;
use proptest::prelude::*;
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use std::fmt::Write as _;

use crate::scenes::{LONG_NAME, all, bold_text, drawn, no_blanks, rows, text, worst};
use crate::stage::{Stage, loaded, wib};

/// The sizes of the snapshots, from a wide window to none at all.
const SIZES: [(u16, u16); 12] = [
    (120, 30),
    (100, 30),
    (100, 24),
    (80, 24),
    (72, 22),
    (60, 20),
    (60, 18),
    (40, 12),
    (30, 6),
    (29, 5),
    (1, 1),
    (0, 0),
];

fn cells(buffer: &Buffer) -> impl Iterator<Item = &Cell> {
    buffer.content.iter()
}

/// What must be on a screen, whatever is cut or wrapped there: whole words.
#[track_caller]
fn assert_shows(screen: &str, words: &[&str]) {
    let screen = no_blanks(screen);
    for part in words {
        assert!(screen.contains(&no_blanks(part)), "{part:?} is not on the screen:\n{screen}");
    }
}

#[test]
fn every_scene_is_drawn_as_expected_at_every_size() {
    for (name, mut stage) in all() {
        let mut out = String::new();
        for (columns, height) in SIZES {
            let (buffer, _) = drawn(&mut stage, Theme::Terminal, columns, height);
            let _ = writeln!(out, "{columns}×{height}");
            for row in rows(&buffer) {
                let _ = writeln!(out, "│{row}");
            }
        }
        insta::with_settings!({
            snapshot_path => "../snapshots",
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, {
            insta::assert_snapshot!(name, out);
        });
    }
}

#[test]
fn the_worst_case_fits_80_by_24_and_60_by_18() {
    for (columns, height) in [(80, 24), (60, 18), (72, 22), (100, 24), (120, 30)] {
        let mut stage = worst();
        let sentence = stage.sentence().unwrap();
        let (buffer, found) = drawn(&mut stage, Theme::Terminal, columns, height);
        let screen = text(&buffer);
        assert_eq!(bold_text(&buffer), no_blanks(&sentence), "{columns}×{height}:\n{screen}");
        assert_eq!(found.most_scroll, 0);
        let question = if columns < 80 {
            "KLB masih AKTIF? V masih · K sudah tidak"
        } else {
            "12 jam lebih: masih berlaku? V masih K sudah tidak"
        };
        assert_shows(
            &screen,
            &[
                "Campaign Integritas TIDAK disampaikan",
                question,
                "SOP bertentangan di sini",
                "! Aturan tidak dipakai",
                "Ajakan UPDATE New PLN Mobile",
                "Terima kasih",
                "Customer Intimacy",
                "Bapak",
                &LONG_NAME[..10],
                "14.57 WIB · siang",
                "sore 3 mnt lagi",
            ],
        );
        let footer = rows(&buffer).pop().unwrap();
        assert!(footer.starts_with(" Spasi sudah") && footer.contains('?'), "{footer}");
    }
}

/// With KLB and the contradiction there is no row for it alone.
#[test]
fn the_clock_is_visible_at_40_by_12_with_two_rows_of_warnings() {
    for keys in ["ka", "kab", "kanSiti⏎"] {
        let mut stage = Stage::at("14:57");
        stage.keys(keys);
        let (buffer, _) = drawn(&mut stage, Theme::Terminal, 40, 12);
        let screen = text(&buffer);
        assert_shows(
            &screen,
            &["KLB AKTIF", "TIDAK disampaikan", "SOP bertentangan di sini", "14.57 WIB · siang", "A ▐TELAH▌", "N "],
        );
        assert_eq!(bold_text(&buffer), no_blanks(&stage.sentence().unwrap()), "{screen}");
    }
}

#[test]
fn the_question_and_all_its_answers_are_visible_from_40_by_12() {
    for (columns, height) in [(40, 12), (60, 18), (80, 24), (100, 24)] {
        for keys in ["kax", "nSiti⏎x"] {
            let mut stage = Stage::at("14:00");
            stage.keys("b").keys(keys);
            let (buffer, _) = drawn(&mut stage, Theme::Terminal, columns, height);
            assert_shows(
                &text(&buffer),
                &[
                    "Mengapa panggilan berakhir?",
                    "1 pelanggan menutup lebih dulu",
                    "2 dialihkan",
                    "3 hening / iseng / salah sambung",
                    "4 telepon terputus",
                    "5 closing tidak disampaikan (mengurangi: Akurasi, Salam Penutup, Tidak FCR)",
                    "Esc kembali",
                ],
            );
        }
    }
}

#[test]
fn what_is_opened_in_the_smallest_window_can_be_read_to_its_end() {
    for (keys, last) in [("bx", "Esckembali"), ("?", "penutuppaths"), ("d", "SOPbawaanprogram")] {
        let mut stage = Stage::at("14:00");
        stage.keys(keys);
        let (mut seen, mut pages) = (String::new(), 0);
        while !no_blanks(&seen).contains(last) {
            let (buffer, found) = drawn(&mut stage, Theme::Terminal, 24, 4);
            seen.push_str(&rows(&buffer)[..found.page].join(" "));
            assert!(stage.key(Key::PageDown), "{keys}");
            pages += 1;
            assert!(pages < 100, "{keys}: {seen}");
        }
    }
}

#[test]
fn the_layout_follows_the_size() {
    for (size, layout) in [
        ((110, 22), Size::Wide),
        ((109, 24), Size::Normal),
        ((110, 21), Size::Compact),
        ((72, 22), Size::Normal),
        ((72, 21), Size::Compact),
        ((71, 60), Size::Compact),
        ((30, 6), Size::Compact),
        ((29, 60), Size::Tiny),
        ((200, 5), Size::Tiny),
    ] {
        assert_eq!(Size::of(size.0, size.1), layout, "{size:?}");
    }
}

#[test]
fn a_lower_window_drops_the_sentences_ahead_then_their_titles_then_the_switches() {
    for columns in [40, 60, 80, 120] {
        let shows = |height| {
            let mut stage = Stage::at("14:02");
            let (buffer, _) = drawn(&mut stage, Theme::Terminal, columns, height);
            let screen = text(&buffer);
            let all = no_blanks(&screen);
            assert_eq!(bold_text(&buffer), no_blanks(&stage.sentence().unwrap()), "{screen}");
            assert!(rows(&buffer).pop().unwrap().contains("? "), "{screen}");
            [all.contains("menghubungiPLN123"), all.contains("AjakanDOWNLOAD"), screen.contains("K ")]
        };
        let seen: Vec<_> = (9..=40).map(shows).collect();
        let is_wide = seen.iter().all(|[sentence, title, switch]| (!sentence || *title) && (!title || *switch));
        assert!(is_wide, "{columns}: {seen:?}");
        assert_eq!(seen.last(), Some(&[true; 3]), "{columns}");
    }
}

// ── The mark moves, not the script ───────────────────────────────────────────────────────────────────────────────────

/// The rows that carry the bar.
fn bars(buffer: &Buffer) -> Vec<u16> {
    let area = buffer.area;
    (area.top()..area.bottom()).filter(|y| area.width > 1 && buffer[(1, *y)].symbol() == "▌").collect()
}

/// The rows with bold text.
fn bold_rows(buffer: &Buffer) -> Vec<u16> {
    let area = buffer.area;
    let is_bold = |y: &u16| {
        (area.left()..area.right()).any(|x| {
            let cell = &buffer[(x, *y)];
            cell.modifier.contains(Modifier::BOLD) && !cell.symbol().trim().is_empty()
        })
    };
    (area.top()..area.bottom()).filter(is_bold).collect()
}

#[test]
fn exactly_one_sentence_carries_the_bar_and_is_bold() {
    for (name, mut stage) in all() {
        if matches!(name, "basis" | "help" | "said") {
            continue;
        }
        for theme in Theme::ALL {
            for (columns, height) in [(120, 30), (110, 24), (100, 30), (80, 24), (72, 22), (60, 20), (40, 12)] {
                let (buffer, _) = drawn(&mut stage, theme, columns, height);
                let screen = text(&buffer);
                let (bars, bold) = (bars(&buffer), bold_rows(&buffer));
                // A low window shows the question, or the previewed sentence, alone.
                if name == "question" && bars.is_empty() || name == "looking" && height < 20 {
                    continue;
                }
                assert!(!bold.is_empty(), "{name} {theme:?} {columns}×{height}:\n{screen}");
                assert!(bars.windows(2).all(|pair| pair[0] + 1 == pair[1]), "one block: {bars:?}\n{screen}");
                assert!(bold.iter().all(|y| bars.contains(y)), "{name} {theme:?}: {bold:?} {bars:?}\n{screen}");
                let lines = rows(&buffer);
                let notice = stage.app.notice().unwrap_or_default();
                for neighbour in [bars[0].checked_sub(1), bars.last().map(|y| y + 1)].into_iter().flatten() {
                    let line = lines.get(usize::from(neighbour)).map_or("", |line| line.as_str());
                    let begins: String = notice.chars().take(12).collect();
                    assert!(notice.is_empty() || !line.contains(&begins) || height < 20, "{name}:\n{screen}");
                }
            }
        }
    }
}

/// Every sentence of the closing.
fn sentences(stage: &Stage) -> Vec<(String, String)> {
    let app = &stage.app;
    let entries = app.entries().into_iter();
    entries
        .map(|entry| {
            let sentence = app.sentence(entry.step).map(|s| s.to_string()).unwrap_or_default();
            (app.rules().step(entry.step).title.clone(), sentence)
        })
        .collect()
}

/// Whether the whole script is on the screen.
fn fits(stage: &Stage, screen: &str) -> bool {
    let screen = no_blanks(screen);
    sentences(stage).iter().all(|(_, sentence)| screen.contains(&no_blanks(sentence)))
}

/// The row of a title in the script.
fn row_of(lines: &[String], title: &str) -> Option<usize> {
    lines.iter().position(|line| line.chars().skip(3).collect::<String>().starts_with(title))
}

const WINDOWS: [(u16, u16); 6] = [(120, 30), (110, 24), (100, 28), (80, 24), (72, 22), (60, 22)];

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn ticking_previewing_and_undoing_move_no_text(
        before in "[kmabz]{0,5}",
        keys in prop::collection::vec(prop::sample::select(vec!['␣', '⌫', '↑', '↓']), 1..12),
        window in 0..WINDOWS.len(),
    ) {
        let (columns, height) = WINDOWS[window];
        let mut stage = Stage::at("14:02");
        stage.keys(&before);
        for key in keys {
            let was = rows(&drawn(&mut stage, Theme::Terminal, columns, height).0);
            let (plan, whole) = (sentences(&stage), fits(&stage, &was.join("\n")));
            let before = (stage.app.call().situation().clone(), stage.app.call().zone());
            stage.keys(&key.to_string());
            let now = rows(&drawn(&mut stage, Theme::Terminal, columns, height).0);
            // Undo may also undo a fact, and Space in a complete closing begins the next call.
            let after = (stage.app.call().situation().clone(), stage.app.call().zone());
            let is_same = before == after && sentences(&stage) == plan;
            if !whole || !is_same || *stage.app.mode() != Mode::Closing {
                continue;
            }
            let notices = usize::from(height) - 4;
            for (at, (was, now)) in was.iter().zip(&now).enumerate().take(notices) {
                let text = |line: &str| line.chars().skip(3).take(usize::from(columns) * 2 / 3 - 4).collect::<String>();
                let (was, now) = (text(was), text(now));
                // The reminder before the closing and the badge of the contradiction disappear once a sentence is
                // said, but their rows stay. What leaving a sentence out costs, behind three spaces, is not compared.
                let is_reminder = [&was, &now].iter().any(|line| line.contains("Sebelum closing") || line.contains("bertentangan"));
                let cost = |line: &str| line.split("   ").next().unwrap_or_default().to_owned();
                prop_assert!(cost(&was) == cost(&now) || is_reminder, "{} row {}:\n{}\n{}", key, at, was, now);
            }
        }
    }

    #[test]
    fn a_fact_moves_nothing_above_the_first_sentence_that_it_changes(
        keys in "[kma␣]{0,8}",
        fact in "[kma]",
        window in 0..WINDOWS.len(),
    ) {
        let (columns, height) = WINDOWS[window];
        let mut stage = Stage::at("14:02");
        stage.keys(&keys);
        let was = rows(&drawn(&mut stage, Theme::Terminal, columns, height).0);
        let (plan, whole) = (sentences(&stage), fits(&stage, &was.join("\n")));
        stage.keys(&fact);
        let now = rows(&drawn(&mut stage, Theme::Terminal, columns, height).0);
        if !whole || !fits(&stage, &now.join("\n")) {
            return Ok(());
        }
        let same = plan.iter().zip(sentences(&stage)).take_while(|(old, new)| *old == new).count();
        for (title, _) in &plan[..same] {
            prop_assert_eq!(row_of(&was, title), row_of(&now, title), "{}\n{}", was.join("\n"), now.join("\n"));
        }
        for label in ["K ", "M ", "A ", "B ", "──"] {
            let row = |lines: &[String]| lines.iter().position(|line| line.trim_start_matches([' ', '─']).starts_with(label) || line.starts_with(label));
            // In a narrow window the banner takes the place of the line.
            if label != "K " && (label != "──" || columns >= 72) {
                prop_assert_eq!(row(&was), row(&now), "{}", label);
            }
        }
    }
}

// ── Styles ────────────────────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn mono_has_no_colour_anywhere() {
    for (name, mut stage) in all() {
        for (columns, height) in SIZES {
            let (buffer, _) = drawn(&mut stage, Theme::Mono, columns, height);
            assert!(cells(&buffer).all(|c| c.fg == Color::Reset && c.bg == Color::Reset), "{name} {columns}×{height}");
        }
    }
}

#[test]
fn the_terminals_own_theme_sets_no_background_and_the_others_set_every_cell() {
    for (name, mut stage) in all() {
        for (columns, height) in SIZES {
            let (own, _) = drawn(&mut stage, Theme::Terminal, columns, height);
            let plain = |c: &Cell| (c.fg, c.bg) == (Color::Reset, Color::Reset);
            let badges =
                [(Color::White, Color::Red), (Color::Black, Color::LightYellow), (Color::Black, Color::LightGreen)];
            assert!(cells(&own).all(|c| plain(c) || badges.contains(&(c.fg, c.bg))), "{name} {columns}×{height}");
            for theme in [Theme::Dark, Theme::Light, Theme::Proyektor] {
                let (buffer, _) = drawn(&mut stage, theme, columns, height);
                let set = |colour| matches!(colour, Color::Rgb(..));
                assert!(cells(&buffer).all(|c| set(c.bg) && set(c.fg)), "{theme:?} {name} {columns}×{height}");
                assert_eq!(text(&buffer), text(&own), "a theme changes no word");
            }
        }
    }
}

#[test]
fn only_the_current_sentence_is_bold() {
    for (name, mut stage) in all() {
        for (columns, height) in [(100, 24), (80, 24), (72, 22), (60, 20)] {
            let (buffer, _) = drawn(&mut stage, Theme::Terminal, columns, height);
            let expected = match name {
                "basis" => "DasarSOP".into(),
                "help" => "Daftartombol".into(),
                "said" => String::new(),
                _ => {
                    let app = &stage.app;
                    let current = app.call().current(app.rules()).expect("a sentence is left");
                    no_blanks(&app.sentence(current).expect("a spoken step").to_string())
                }
            };
            assert_eq!(bold_text(&buffer), expected, "{name} {columns}×{height}:\n{}", text(&buffer));
        }
    }
}

#[test]
fn the_banner_is_one_unbroken_bar_in_every_theme() {
    for theme in Theme::ALL {
        let mut stage = Stage::at("13:05");
        stage.keys("k");
        let (buffer, _) = drawn(&mut stage, theme, 80, 24);
        let bar = |c: &Cell| c.modifier.contains(Modifier::REVERSED) || c.bg != buffer[(0, 0)].bg;
        let rows: Vec<u16> = (0..24).filter(|y| (0..80).all(|x| bar(&buffer[(x, *y)]))).collect();
        assert_eq!(rows, [1], "{theme:?}");
    }
}

#[test]
fn what_is_filled_in_is_underlined_and_nothing_else() {
    let mut stage = Stage::at("14:02");
    stage.keys("bnBudi Santoso⏎␣␣");
    for (columns, height) in [(120, 30), (100, 24), (80, 24)] {
        let (buffer, _) = drawn(&mut stage, Theme::Terminal, columns, height);
        let underlined: String =
            cells(&buffer).filter(|c| c.modifier.contains(Modifier::UNDERLINED)).map(Cell::symbol).collect();
        assert_eq!(no_blanks(&underlined), "siangBapakBudiSantoso", "{columns}×{height}");
    }
    // Without a name, the placeholder is not part of the sentence.
    let mut stage = Stage::at("14:02");
    stage.keys("␣␣");
    let (buffer, _) = drawn(&mut stage, Theme::Terminal, 60, 18);
    let underlined: String =
        cells(&buffer).filter(|c| c.modifier.contains(Modifier::UNDERLINED)).map(Cell::symbol).collect();
    assert_eq!(no_blanks(&underlined), "siangBapak/Ibu");
    assert_shows(&text(&buffer), &["nama belum diisi"]);
}

#[test]
fn the_current_sentence_is_wrapped_at_a_readable_width() {
    for columns in 62..=130 {
        let mut stage = Stage::at("14:02");
        stage.keys("m");
        let (buffer, _) = drawn(&mut stage, Theme::Terminal, columns, 30);
        for y in 0..30 {
            let bold = (0..columns).filter(|x| buffer[(*x, y)].modifier.contains(Modifier::BOLD)).count();
            assert!(bold <= if columns < 110 { 72 } else { 60 }, "{columns} columns, row {y}: {bold}");
        }
    }
}

#[test]
fn every_state_has_a_mark_besides_its_colour() {
    let mut stage = Stage::at("14:02");
    stage.keys("␣k");
    let (buffer, _) = drawn(&mut stage, Theme::Mono, 80, 24);
    assert_shows(&text(&buffer), &["√ Campaign Integritas", "▌ Ajakan DOWNLOAD", "KLB AKTIF"]);
}

// ── Keys ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

/// The keys that lead to each state of the key table.
const STATES: [&str; 9] = ["", "␣", "s", "k", "bx", "d", "?", "nBudi", "↓"];

#[test]
fn every_row_of_the_table_is_what_its_key_does() {
    for keys in STATES {
        for old_klb in [false, true] {
            let mut stage = Stage::at("01:00");
            if old_klb {
                stage.keys("k").clock("14:00");
            }
            stage.keys(keys);
            let table = keymap::rows(&stage.app);
            let mut taken: Vec<Key> = Vec::new();
            for row in &table {
                for key in &row.keys {
                    assert_eq!(keymap::action(&stage.app, *key), Some(row.action.clone()), "{keys:?} {key:?}");
                    assert!(!taken.contains(key), "{key:?} is bound twice: {keys:?}");
                    taken.push(*key);
                }
            }
            assert!(table.iter().any(|row| row.action == Action::Quit), "Quit is always bound: {keys:?}");
        }
    }
}

#[test]
fn the_key_list_is_the_table_of_the_closing() {
    let stage = Stage::at("14:00");
    let list = keymap::all(&stage.app);
    let table = keymap::rows(&stage.app);
    let described = |rows: &[keymap::KeyBinding]| {
        let mut rows: Vec<_> =
            rows.iter().map(|row| format!("{:?} {:?} {}", row.keys, row.action, row.label)).collect();
        rows.sort();
        rows
    };
    assert_eq!(described(&list), described(&table));
    let mut stage = stage;
    stage.keys("?");
    let (buffer, _) = drawn(&mut stage, Theme::Terminal, 120, 60);
    let screen = text(&buffer);
    for row in list {
        let name = row.keys[0].name(stage.app.words()).into_owned();
        assert!(screen.contains(&name) && screen.contains(row.label.as_ref()), "{name} {}", row.label);
    }
}

/// The keys in the footer, which are drawn reversed, each with its label.
fn caps(buffer: &Buffer) -> Vec<(String, String)> {
    let area = buffer.area;
    let mut out: Vec<(String, String)> = Vec::new();
    let mut was_cap = false;
    for x in area.left()..area.right() {
        let cell = &buffer[(x, area.bottom() - 1)];
        let is_cap = cell.modifier.contains(Modifier::REVERSED);
        if is_cap && !was_cap {
            out.push((String::new(), String::new()));
        }
        was_cap = is_cap;
        if let Some((cap, label)) = out.last_mut() {
            if is_cap { cap.push_str(cell.symbol()) } else { label.push_str(cell.symbol()) }
        }
    }
    out.into_iter().map(|(cap, label)| (cap, label.trim().to_owned())).collect()
}

#[test]
fn every_key_in_the_footer_does_what_its_label_says() {
    for keys in STATES.into_iter().filter(|keys| *keys != "bx") {
        for columns in [40, 60, 80, 120] {
            let mut stage = Stage::at("14:00");
            stage.keys(keys);
            let (buffer, _) = drawn(&mut stage, Theme::Mono, columns, 30);
            let words = stage.app.words();
            let table = keymap::rows(&stage.app);
            let caps = caps(&buffer);
            assert!(caps.len() >= 2, "{keys:?}:\n{}", text(&buffer));
            for (name, label) in caps {
                let row = table.iter().find(|row| row.keys.iter().any(|key| key.name(words) == name));
                let row = row.unwrap_or_else(|| panic!("{name} is no key here: {keys:?}"));
                let keys = &words.keys;
                let short = [keys.said_short, keys.help_short, keys.said_all_short, keys.zone_short];
                assert!(row.label == label || short.contains(&&*label), "{name} {label}: {keys:?}");
            }
        }
    }
}

#[test]
fn the_footer_has_the_keys_that_a_cso_needs_at_each_width() {
    for (columns, rows, keys) in [(80, 24, "S"), (60, 20, "Z"), (120, 30, "D")] {
        for said in ["", "␣"] {
            let mut stage = Stage::at("14:00");
            stage.keys(said);
            let (buffer, _) = drawn(&mut stage, Theme::Mono, columns, rows);
            let shown: Vec<String> = caps(&buffer).into_iter().map(|(cap, _)| cap).collect();
            for key in ["Spasi", "X", keys, "?"] {
                assert!(shown.contains(&key.to_owned()), "{columns}: {key} is not in {shown:?}");
            }
        }
    }
}

#[test]
fn the_question_of_the_ending_moves_no_text() {
    for (columns, height) in WINDOWS {
        for keys in ["nSiti⏎", "nSiti⏎␣", "nSiti⏎k"] {
            let mut stage = Stage::at("14:02");
            stage.keys(keys);
            let was = rows(&drawn(&mut stage, Theme::Terminal, columns, height).0);
            stage.keys("x");
            assert_eq!(*stage.app.mode(), Mode::EndPrompt);
            let now = rows(&drawn(&mut stage, Theme::Terminal, columns, height).0);
            if !fits(&stage, &was.join("\n")) || !fits(&stage, &now.join("\n")) {
                continue;
            }
            for (title, _) in sentences(&stage) {
                assert_eq!(row_of(&was, &title), row_of(&now, &title), "{columns}×{height}:\n{}", now.join("\n"));
            }
        }
    }
}

#[test]
fn a_wide_screen_shows_the_other_readings_of_a_contradiction() {
    for keys in ["a", "ka", "maa", "a␣"] {
        for (columns, height) in [(120, 30), (110, 24)] {
            let mut stage = Stage::at("14:02");
            stage.keys(keys);
            let screen = text(&drawn(&mut stage, Theme::Terminal, columns, height).0);
            assert!(screen.contains("Bacaan"), "{keys} {columns}×{height}:\n{screen}");
        }
    }
}

#[test]
fn a_preview_in_a_low_window_leaves_the_current_sentence_bold_and_in_its_row() {
    for (columns, height) in [(60, 14), (60, 16), (80, 16)] {
        let mut stage = Stage::at("14:02");
        let was = bars(&drawn(&mut stage, Theme::Terminal, columns, height).0);
        let sentence = stage.sentence().unwrap();
        for _ in 0..2 {
            stage.keys("↓");
            let (buffer, _) = drawn(&mut stage, Theme::Terminal, columns, height);
            let previewed = stage.app.shown().and_then(|step| stage.app.sentence(step)).unwrap().to_string();
            assert_eq!(bold_text(&buffer), no_blanks(&sentence), "{columns}×{height}:\n{}", text(&buffer));
            assert_eq!(bars(&buffer), was, "{columns}×{height}:\n{}", text(&buffer));
            assert!(no_blanks(&text(&buffer)).contains(&no_blanks(&previewed)), "{}", text(&buffer));
        }
    }
}

#[test]
fn the_key_list_fits_one_page_at_80_by_24() {
    for keys in ["?", "k?", "a?", "␣?"] {
        let mut stage = Stage::at("14:02");
        stage.keys(keys);
        let (buffer, found) = drawn(&mut stage, Theme::Terminal, 80, 24);
        assert_eq!(found.most_scroll, 0, "{keys}:\n{}", text(&buffer));
    }
}

#[test]
fn rules_with_one_zone_have_no_key_for_zones() {
    let mut source = BUILT_IN.to_owned();
    for (zone, hours) in [("WITA", 8), ("WIT", 9)] {
        source = source.replace(&format!("[[zone]]\nid     = \"{zone}\"\noffset = \"+{hours:02}:00\"\n"), "");
    }
    let mut stage = Stage::with(loaded(source), wib("14:00"), Vec::new());
    assert_eq!(stage.app.rules().zones.len(), 1);
    assert!(keymap::rows(&stage.app).iter().all(|row| row.action != Action::Zone));
    for (columns, height) in [(80, 24), (60, 20)] {
        let screen = text(&drawn(&mut stage, Theme::Terminal, columns, height).0);
        assert!(!screen.contains("Z ") && screen.contains("14.00 WIB"), "{screen}");
    }
}
