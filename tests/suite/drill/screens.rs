//! Whole screens of practice and presentation: text snapshots at three sizes, and no panic at any other.

use std::fmt::Write as _;
use std::sync::Arc;

use chrono::NaiveDate;
use penutup::action::Direction;
use penutup::drill::deck::Deck;
use penutup::drill::generate::{CardGenerator, full_coverage};
use penutup::drill::grade::ExerciseKind;
use penutup::drill::keys;
use penutup::drill::session::{Session, SessionAction, Setup};
use penutup::drill::show::{Show, ShowAction};
use penutup::drill::story::Stories;
use penutup::keymap::Key;
use penutup::loaded::LoadedRules;
use penutup::tui::theme::Theme;
use penutup::tui::view::{self, Drawn};
use penutup::words::Lang;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;

use crate::scenes::{no_blanks, rows, text};
use crate::stage::wib;

const SIZES: [(u16, u16); 3] = [(100, 30), (80, 24), (60, 18)];

fn session(exam: Option<u8>, way: Option<ExerciseKind>) -> Session {
    let loaded = Arc::new(LoadedRules::built_in());
    let stories = Stories::built_in();
    let generator = CardGenerator::new(&loaded.rules, &stories);
    let set = match exam {
        Some(pass) => generator.generate_exam(pass, 7),
        None => generator.generate(&full_coverage(&loaded.rules), 7),
    };
    let cards = set.cards;
    Session::new(Setup {
        stories_sha256: stories.sha256,
        lang: Lang::Id,
        home: 0,
        cards,
        not_asked: Vec::new(),
        since: None,
        seed: 7,
        kind: way,
        exam,
        trainee: Some("cso-0412".into()),
        day: NaiveDate::from_ymd_opt(2026, 3, 2).unwrap(),
        now: wib("08:00"),
        loaded,
    })
}

/// Presses keys; each must do something.
#[track_caller]
fn press(session: &mut Session, pressed: &str) {
    for c in pressed.chars() {
        let key = match c {
            '⏎' => Key::Enter,
            '↓' => Key::Down,
            '→' => Key::Right,
            '⎋' => Key::Esc,
            c => Key::Char(c),
        };
        let step = keys::session(session, key).unwrap_or_else(|| panic!("{c:?} does nothing here"));
        session.update(step, wib("08:01"));
    }
}

fn practice(way: Option<ExerciseKind>, pressed: &str) -> Session {
    let mut session = session(None, way);
    press(&mut session, pressed);
    session
}

fn show(scene: usize, steps: usize) -> Show {
    let loaded = Arc::new(LoadedRules::built_in());
    let deck = Deck::built_in();
    let scenes = deck.resolved(&loaded.rules).into_iter().filter_map(|(scene, _)| scene).collect();
    let day = NaiveDate::from_ymd_opt(2026, 3, 2).unwrap();
    let mut show = Show::new(loaded, Lang::Id, 0, day, deck.title, scenes).expect("scenes");
    for _ in 0..scene {
        show.update(ShowAction::Scene(Direction::Down));
    }
    for _ in 0..steps {
        show.update(ShowAction::Step);
    }
    show
}

#[test]
fn the_list_of_keys_of_a_case_has_the_keys_of_practice() {
    for (exam, hands_in) in [(None, "X periksa jawaban"), (Some(90), "X serahkan jawaban")] {
        let mut session = session(exam, Some(ExerciseKind::Case));
        press(&mut session, " ?");
        let mut played = Played::Session(Box::new(session));
        let (buffer, _) = played.draw(120, 40);
        let screen = text(&buffer);
        let told = no_blanks(&screen);
        for part in [hands_in, "R skenario", "B Sapaan: ganti pilihan", "Q Ctrl-C keluar"] {
            assert!(told.contains(&no_blanks(part)), "{part}:\n{screen}");
        }
        for part in ["akhiri", "nomor CSO", "salin", "rekap"] {
            assert!(!screen.contains(part), "{part}:\n{screen}");
        }
    }
}

/// The same key again quits, so it must not be pressed unseen.
#[test]
fn the_question_whether_to_quit_is_on_the_screen_at_every_size() {
    for exam in [None, Some(90)] {
        for (way, begin) in [(ExerciseKind::Case, ""), (ExerciseKind::Case, " "), (ExerciseKind::Blind, " ")] {
            if exam.is_none() && begin.is_empty() {
                continue;
            }
            let mut session = session(exam, Some(way));
            press(&mut session, begin);
            press(&mut session, "q");
            assert!(session.is_leaving());
            let question = keys::leaving_question(&session);
            let mut played = Played::Session(Box::new(session));
            for (columns, height) in [(120, 30), (80, 24), (60, 20), (60, 18), (40, 12), (34, 8), (30, 6)] {
                let screen = text(&played.draw(columns, height).0);
                let told = no_blanks(&screen);
                let keys = ["Esckembali", "Qkeluar"];
                assert!(told.contains(&no_blanks(question)), "{way:?} {columns}×{height}:\n{screen}");
                assert!(keys.iter().all(|key| told.contains(key)), "{way:?} {columns}×{height}:\n{screen}");
            }
        }
    }
}

#[test]
fn a_narrow_screen_shows_which_card_it_is_and_what_is_missing() {
    for way in ["1", "2"] {
        let mut played = Played::Session(Box::new(practice(None, way)));
        let screen = text(&played.draw(40, 12).0);
        assert!(screen.contains("kartu 1 dari 8"), "{screen}");
    }
    let mut played = Played::Session(Box::new(practice(None, "2⏎")));
    for (columns, height) in [(80, 24), (60, 20), (40, 12)] {
        let screen = text(&played.draw(columns, height).0);
        let told = no_blanks(&screen);
        for part in ["Belum ada kalimat yang dipilih.", "Salam belum dipilih (←/→).", "Enter periksa jawaban"] {
            assert!(told.contains(&no_blanks(part)), "{part} {columns}×{height}:\n{screen}");
        }
    }
}

enum Played {
    Session(Box<Session>),
    Show(Box<Show>),
}

impl Played {
    fn draw(&mut self, columns: u16, height: u16) -> (Buffer, Drawn) {
        self.draw_in(columns, height, Theme::Terminal)
    }

    fn draw_in(&mut self, columns: u16, height: u16, theme: Theme) -> (Buffer, Drawn) {
        let mut terminal = Terminal::new(TestBackend::new(columns, height)).expect("a terminal in memory");
        let mut drawn = Drawn::default();
        terminal
            .draw(|frame| {
                drawn = match self {
                    Self::Session(session) => view::drill::draw(frame, session, theme),
                    Self::Show(show) => view::demo::draw(frame, show, theme),
                }
            })
            .expect("a terminal in memory");
        match self {
            Self::Session(session) => session.bound_scroll(drawn.most_scroll, drawn.page),
            Self::Show(show) => show.bound_scroll(drawn.most_scroll, drawn.page),
        }
        (terminal.backend().buffer().clone(), drawn)
    }
}

/// One of these screens, for a picture.
pub fn dark(name: &str) -> Buffer {
    let (_, mut played) = all().into_iter().find(|(n, _)| *n == name).expect("a screen of these");
    played.draw_in(80, 24, Theme::Dark).0
}

fn all() -> Vec<(&'static str, Played)> {
    let session = |session: Session| Played::Session(Box::new(session));
    let played = |scene, steps| Played::Show(Box::new(show(scene, steps)));
    let mut exam = self::session(Some(90), Some(ExerciseKind::Blind));
    let mut out = vec![("exam-intro", session(self::session(Some(90), Some(ExerciseKind::Blind))))];
    press(&mut exam, " ");
    for _ in 0..exam.setup().cards.len() {
        press(&mut exam, " →⏎");
    }
    out.extend([
        ("exam-score", session(exam)),
        ("intro", session(practice(None, ""))),
        ("case", session(practice(None, "1k "))),
        ("case-feedback", session(practice(None, "1x"))),
        ("blind", session(practice(None, "2 ↓ →"))),
        ("blind-feedback", session(practice(None, "2 ↓ →⏎"))),
        ("spoken", session(practice(None, "3"))),
        ("spoken-marks", session(practice(None, "3 12"))),
        ("spoken-feedback", session(practice(None, "3 12 "))),
        ("story", session(practice(None, "2r"))),
        ("demo-first", played(0, 0)),
        ("demo-conflict", played(4, 1)),
        ("demo-basis", played(4, 2)),
        ("demo-klb", played(6, 3)),
        ("demo-zones", played(9, 3)),
        ("demo-end", played(10, 1)),
        ("demo-over", played(10, 3)),
    ]);
    out
}

#[test]
fn every_screen_is_drawn_as_expected_at_three_sizes() {
    for (name, mut played) in all() {
        let mut out = String::new();
        for (columns, height) in SIZES {
            let (buffer, _) = played.draw(columns, height);
            writeln!(out, "{columns}×{height}").unwrap();
            for row in rows(&buffer) {
                writeln!(out, "│{row}").unwrap();
            }
        }
        insta::with_settings!({
            snapshot_path => "../../snapshots/drill",
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, {
            insta::assert_snapshot!(name, out);
        });
    }
}

#[test]
fn no_size_breaks_any_screen() {
    for (name, mut played) in all() {
        for (columns, height) in
            [(0, 0), (1, 1), (1, 50), (7, 3), (29, 5), (30, 6), (31, 9), (40, 12), (72, 7), (99, 23), (200, 60)]
        {
            let (buffer, drawn) = played.draw(columns, height);
            assert_eq!((buffer.area.width, buffer.area.height), (columns, height), "{name}");
            assert!(drawn.page <= usize::from(height), "{name} {columns}×{height}");
        }
    }
}

#[test]
fn every_scene_of_the_deck_reads_whole_at_60_by_18() {
    let mut show = show(0, 0);
    loop {
        let mut terminal = Terminal::new(TestBackend::new(60, 18)).expect("a terminal in memory");
        terminal.draw(|frame| _ = view::demo::draw(frame, &show, Theme::Terminal)).expect("a terminal in memory");
        // The marks of changed rows stand between the lines of a sentence.
        let screen = no_blanks(&text(terminal.backend().buffer())).replace('*', "");
        assert!(screen.contains(&no_blanks(show.caption())), "{}:\n{screen}", show.caption());
        if show.app().mode() == &penutup::app::Mode::Closing
            && let Some(sentence) = show.app().shown().and_then(|step| show.app().sentence(step))
        {
            let sentence = no_blanks(&sentence.to_string());
            assert!(screen.contains(&sentence), "{sentence} is not on\n{}", text(terminal.backend().buffer()));
        }
        show.update(ShowAction::Step);
        if show.has_ended() {
            return;
        }
    }
}

#[test]
fn on_a_low_screen_the_cursor_stays_visible_and_the_story_is_cut() {
    // The sixth card has three sentences.
    let marked = format!("3{} ", " 11  ".repeat(5));
    for pressed in ["3 ", "2", marked.as_str()] {
        let mut played = Played::Session(Box::new(practice(None, pressed)));
        for _ in 0..8 {
            let (buffer, _) = played.draw(40, 12);
            let screen = text(&buffer);
            assert!(screen.contains('▌') && screen.contains("Q keluar"), "{screen}");
            if let Played::Session(session) = &mut played {
                press(session, "↓");
            }
        }
    }
    let (buffer, _) = Played::Session(Box::new(practice(None, "1"))).draw(40, 12);
    let screen = text(&buffer);
    for part in [" K nonaktif", "Spasi", "Untuk mewujudkan"] {
        assert!(screen.contains(part), "{part} is not on\n{screen}");
    }
}

#[test]
fn at_the_end_of_the_last_scene_space_is_not_offered() {
    let mut show = show(0, 0);
    let mut steps = 0;
    while keys::show(&show, Key::Char(' ')).is_some() {
        assert!(keys::footer(&keys::show_rows(&show), show.words())[0].0.contains("Spasi"));
        show.update(ShowAction::Step);
        steps += 1;
        assert!(steps < 200);
    }
    assert_eq!(show.at().0 + 1, show.at().1);
    assert!(show.is_at_end_of_scene() && show.has_ended());
    assert!(keys::footer(&keys::show_rows(&show), show.words()).iter().all(|(key, _)| !key.contains("Spasi")));
}

#[test]
fn every_key_that_a_demo_lists_does_something() {
    let show = show(6, 1);
    let rows = penutup::keymap::all(show.app()).into_iter();
    let offered: Vec<_> = rows.filter(|row| !keys::HIDDEN_IN_SHOW.contains(&row.action)).collect();
    assert!(offered.len() > 10);
    for row in offered.iter().flat_map(|row| &row.keys) {
        assert!(keys::show(&show, *row).is_some(), "{row:?}");
    }
    let mut list = Played::Show(Box::new(show));
    if let Played::Show(show) = &mut list {
        let help = keys::show(show, Key::Char('?')).expect("the list");
        show.update(help);
    }
    let screen = text(&list.draw(80, 60).0);
    assert!(screen.contains("langkah berikutnya") && !screen.contains("urungkan"), "{screen}");
}

#[test]
fn what_a_step_changed_is_marked_in_every_theme_and_size() {
    for theme in Theme::ALL {
        for (columns, height) in [(120, 30), (80, 24), (60, 20), (40, 12)] {
            let screen = |steps| text(&Played::Show(Box::new(show(6, steps))).draw_in(columns, height, theme).0);
            let (before, after) = (screen(0), screen(1));
            assert!(!before.lines().any(|row| row.starts_with('*')), "{before}");
            for key in ["*K", "*▌"] {
                assert!(after.lines().any(|row| row.starts_with(key)), "{theme:?} {columns}×{height}\n{after}");
            }
            let same = |row: &&str| row.starts_with('*') && (row.contains("M Topik") || row.contains("Terima kasih"));
            assert_eq!(after.lines().find(same), None, "{after}");
        }
    }
}

#[test]
fn an_exam_shows_no_hints_and_no_results() {
    let mut exam = session(Some(90), Some(ExerciseKind::Case));
    press(&mut exam, " ");
    for key in [Key::Char('d'), Key::Char('c')] {
        assert_eq!(keys::session(&exam, key), None);
    }
    let mut blind = session(Some(90), Some(ExerciseKind::Blind));
    press(&mut blind, " ");
    let (buffer, _) = Played::Session(Box::new(blind)).draw(100, 30);
    let screen = text(&buffer);
    for word in ["Untuk mewujudkan", "Agar semua", "No. 1", "Dasar"] {
        assert!(!screen.contains(word), "{word} is on\n{screen}");
    }
}

#[test]
fn esc_never_leaves() {
    for way in [None, Some(ExerciseKind::Case)] {
        let mut session = session(None, way);
        let begin = if way.is_none() { "2" } else { " " };
        for pressed in ["", begin, " ", "r"] {
            press(&mut session, pressed);
            if let Some(step) = keys::session(&session, Key::Esc) {
                assert!(!session.update(step, wib("08:02")));
            }
        }
        for (quit, step) in [(Key::Char('q'), SessionAction::Leave), (Key::Ctrl('c'), SessionAction::Quit)] {
            assert_eq!(keys::session(&session, quit), Some(step));
        }
        session.update(SessionAction::Leave, wib("08:02"));
        if session.is_leaving() {
            assert_eq!(keys::session(&session, Key::Char(' ')), None, "a question that only Q and Esc answer");
            let stay = keys::session(&session, Key::Esc).expect("it closes the question");
            assert!(!session.update(stay, wib("08:02")));
        }
        assert!(!session.is_leaving());
    }
    let mut show = show(4, 2);
    let esc = keys::show(&show, Key::Esc).expect("it closes the panel");
    assert!(!show.update(esc));
    assert_eq!(keys::show(&show, Key::Char('q')), Some(ShowAction::Quit));
}
