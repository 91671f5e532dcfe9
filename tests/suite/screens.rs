//! Whole screens at every size a CSO's window may have: as pictures of text, and what must hold of them in words and
//! styles.

use penutup::action::Action;
use penutup::keymap::{self, Key};
use penutup::tui::theme::Theme;
use penutup::tui::view::Size;
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use std::fmt::Write as _;

use crate::scenes::{LONG_NAME, all, bright, drawn, no_blanks, rows, text, worst};
use crate::stage::Stage;

/// The sizes that are judged, from a wide window to none at all.
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
fn every_scene_at_every_size() {
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
        assert_eq!(bright(&buffer), no_blanks(&sentence), "{columns}×{height}:\n{screen}");
        assert_eq!(found.most_scroll, 0);
        let question = if columns < 80 {
            "KLB masih AKTIF? V masih K tidak"
        } else {
            "12 jam lebih: masih berlaku? V masih K sudah tidak"
        };
        assert_shows(
            &screen,
            &[
                "KLB AKTIF sejak 03.40 · Campaign Integritas TIDAK disampaikan",
                question,
                "! SOP: 2.a ↔ 2.b, dipakai 2.b",
                "D dasar SOP",
                "rules.toml:117: Kondisi \"aplikasi\" tidak punya pilihan \"punya\"",
                "Ajakan UPDATE New PLN Mobile",
                "Terima kasih",
                "Customer Intimacy",
                "Bapak",
                &LONG_NAME[..50],
                "sore",
                "WIT: s",
                "14.57 WIB",
            ],
        );
        let footer = rows(&buffer).pop().unwrap();
        assert!(footer.starts_with(" Spasi sudah") && footer.contains('?'), "{footer}");
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
        ((100, 24), Size::Wide),
        ((99, 24), Size::Normal),
        ((100, 23), Size::Normal),
        ((72, 22), Size::Normal),
        ((71, 60), Size::Compact),
        ((30, 6), Size::Compact),
        ((29, 60), Size::Tiny),
        ((200, 5), Size::Tiny),
    ] {
        assert_eq!(Size::of(size.0, size.1), layout, "{size:?}");
    }
}

#[test]
fn the_complete_sentence_is_dropped_first_then_the_other_steps() {
    let shows = |height| {
        let mut stage = Stage::at("14:02");
        let (buffer, _) = drawn(&mut stage, Theme::Terminal, 80, height);
        let screen = text(&buffer);
        let has = |part: &str| screen.contains(part);
        assert_eq!(bright(&buffer), no_blanks(&stage.sentence().unwrap()), "{screen}");
        assert!(has("? daftar tombol"), "{screen}");
        (has("Kalimat lengkap"), has("Terima kasih") && has("No. 3"), has("Ajakan DOWNLOAD"), has("[K] KLB"))
    };
    let seen: Vec<_> = (6..=24).map(shows).collect();
    for pair in seen.windows(2) {
        let ((c1, s1, n1, f1), (c2, s2, n2, f2)) = (pair[0], pair[1]);
        assert!(c1 <= c2 && s1 <= s2 && n1 <= n2 && f1 <= f2, "a higher window shows no less: {seen:?}");
        assert!((!c1 || s1) && (!s1 || n1), "in the order of the product: {seen:?}");
    }
    assert_eq!(seen.last(), Some(&(true, true, true, true)));
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
fn the_terminals_own_theme_sets_no_ground_and_the_others_set_all_of_it() {
    for (name, mut stage) in all() {
        for (columns, height) in SIZES {
            let (own, _) = drawn(&mut stage, Theme::Terminal, columns, height);
            let few = [Color::Reset, Color::Green, Color::DarkGray, Color::Magenta];
            let banner = |c: &Cell| (c.fg, c.bg) == (Color::White, Color::Red);
            let plain = |c: &Cell| c.bg == Color::Reset && few.contains(&c.fg);
            assert!(cells(&own).all(|c| plain(c) || banner(c)), "{name} {columns}×{height}");
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
        for (columns, height) in [(120, 30), (100, 24), (80, 24), (72, 22), (60, 18)] {
            let (buffer, _) = drawn(&mut stage, Theme::Terminal, columns, height);
            let expected = match name {
                "basis" => "DasarSOP".into(),
                "help" => "Daftartombol".into(),
                "said" => "Closinglengkap.Spasipanggilanberikutnya".into(),
                "looking" => String::new(),
                _ => no_blanks(&stage.sentence().unwrap()),
            };
            assert_eq!(bright(&buffer), expected, "{name} {columns}×{height}:\n{}", text(&buffer));
        }
    }
}

#[test]
fn the_banner_is_one_unbroken_bar_in_every_theme() {
    for theme in [Theme::Terminal, Theme::Dark, Theme::Light, Theme::Proyektor, Theme::Mono] {
        let mut stage = Stage::at("13:05");
        stage.keys("k");
        let (buffer, _) = drawn(&mut stage, theme, 80, 24);
        let bar = |c: &Cell| {
            let reversed = c.modifier.contains(Modifier::REVERSED);
            let ground = c.bg != buffer[(0, 0)].bg;
            c.modifier.contains(Modifier::BOLD) && (reversed || ground)
        };
        let rows: Vec<u16> = (0..24).filter(|y| (0..80).all(|x| bar(&buffer[(x, *y)]))).collect();
        assert_eq!(rows, [3], "{theme:?}");
    }
}

#[test]
fn what_is_filled_in_is_underlined_and_nothing_else() {
    let mut stage = Stage::at("14:02");
    stage.keys("bnBudi Santoso⏎␣␣");
    for (columns, height) in [(120, 30), (100, 24), (80, 24)] {
        let (buffer, _) = drawn(&mut stage, Theme::Terminal, columns, height);
        let told: String =
            cells(&buffer).filter(|c| c.modifier.contains(Modifier::UNDERLINED)).map(Cell::symbol).collect();
        let once = "siangBapakBudiSantoso";
        assert_eq!(no_blanks(&told), once.repeat(2), "in the sentence, and in the complete one: {columns}×{height}");
    }
    // Without a name, the placeholder is not part of the sentence.
    let mut stage = Stage::at("14:02");
    stage.keys("␣␣");
    let (buffer, _) = drawn(&mut stage, Theme::Terminal, 60, 18);
    let told: String = cells(&buffer).filter(|c| c.modifier.contains(Modifier::UNDERLINED)).map(Cell::symbol).collect();
    assert_eq!(no_blanks(&told), "siangBapak/Ibu");
    assert_shows(&text(&buffer), &["nama belum diisi"]);
}

#[test]
fn the_sentence_is_wrapped_at_sixty() {
    for columns in 62..=130 {
        let mut stage = Stage::at("14:02");
        stage.keys("m");
        let (buffer, _) = drawn(&mut stage, Theme::Terminal, columns, 30);
        for y in 0..30 {
            let bold = (0..columns).filter(|x| buffer[(*x, y)].modifier.contains(Modifier::BOLD)).count();
            assert!(bold <= 60, "{columns} columns, row {y}: {bold}");
        }
    }
}

#[test]
fn every_state_has_a_mark_besides_its_colour() {
    let mut stage = Stage::at("14:02");
    stage.keys("␣k");
    let (buffer, _) = drawn(&mut stage, Theme::Mono, 80, 24);
    assert_shows(&text(&buffer), &["√ Campaign Integritas", "► Ajakan DOWNLOAD", "KLB AKTIF", "[K] KLB: AKTIF"]);
}

// ── What must be true
// ─────────────────────────────────────────────────────────────────────────────────────────────────

/// The states of the key table, and the keys that lead there.
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
                    assert!(!taken.contains(key), "{key:?} stands twice: {keys:?}");
                    taken.push(*key);
                }
            }
            assert!(table.iter().any(|row| row.action == Action::Quit), "one can always leave: {keys:?}");
        }
    }
}

#[test]
fn the_key_list_is_the_table_of_the_closing() {
    let stage = Stage::at("14:00");
    let list = keymap::all(&stage.app);
    let table = keymap::rows(&stage.app);
    let told = |rows: &[keymap::KeyBinding]| {
        let mut rows: Vec<_> =
            rows.iter().map(|row| format!("{:?} {:?} {}", row.keys, row.action, row.label)).collect();
        rows.sort();
        rows
    };
    assert_eq!(told(&list), told(&table));
    let mut stage = stage;
    stage.keys("?");
    let (buffer, _) = drawn(&mut stage, Theme::Terminal, 120, 60);
    let screen = text(&buffer);
    for row in list {
        let name = row.keys[0].name(stage.app.words()).into_owned();
        assert!(screen.contains(&name) && screen.contains(row.label.as_ref()), "{name} {}", row.label);
    }
}

#[test]
fn every_key_in_the_footer_does_what_its_label_says() {
    for keys in STATES {
        for columns in [40, 60, 80, 120] {
            let mut stage = Stage::at("14:00");
            stage.keys(keys);
            let (buffer, _) = drawn(&mut stage, Theme::Terminal, columns, 30);
            let footer = rows(&buffer).pop().unwrap();
            let words = stage.app.words();
            let table = keymap::rows(&stage.app);
            let mut told = 0;
            for pair in footer.split("   ").map(str::trim).filter(|p| !p.is_empty() && keys != "bx") {
                let (name, label) = pair.split_once(' ').expect("a key and what it does");
                let row = table.iter().find(|row| row.keys.iter().any(|key| key.name(words) == name));
                let row = row.unwrap_or_else(|| panic!("{name} is no key here: {keys:?} {footer}"));
                let short = [words.keys.said_short, words.keys.help_short];
                assert!(row.label == label || short.contains(&label), "{pair}: {keys:?}");
                told += 1;
            }
            assert!(told >= 2 || keys == "bx", "{footer}");
        }
    }
}
