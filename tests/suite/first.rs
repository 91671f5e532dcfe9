//! The first run: the SOP at once, and a hint line for new users until it is closed.

use penutup::app::AppSetup;
use penutup::app::Effect;
use penutup::loaded::LoadedRules;

use penutup::message::{Message, Subject};
use penutup::tui::theme::Theme;
use penutup::words::Lang;

use crate::scenes::{bold_text, drawn, no_blanks, text};
use crate::stage::{Stage, wib};

const HINT: &str = "Pertama kali? Tekan ? untuk daftar tombol · Esc menutup baris ini";
const SHORT: &str = "? daftar tombol · Esc tutup baris ini";

fn first_run() -> Stage {
    let mut stage = Stage::at("14:20");
    stage.app = fresh(Lang::Id).with_hint(true);
    stage
}

fn fresh(lang: Lang) -> penutup::app::App {
    let loaded = std::sync::Arc::new(LoadedRules::built_in());
    let setup = AppSetup {
        loaded,
        lang,
        zone: 0,
        shift_facts: Vec::new(),
        notice: None,
        rules_trouble: None,
        now: wib("14:20"),
    };
    penutup::app::App::new(setup)
}

fn screen(stage: &mut Stage, columns: u16, rows: u16) -> String {
    text(&drawn(stage, Theme::Terminal, columns, rows).0)
}

#[test]
fn the_hint_is_shown_only_in_free_space() {
    for (columns, rows, hint) in [
        (120, 30, Some(HINT)),
        (80, 24, Some(HINT)),
        (72, 22, Some(HINT)),
        (60, 20, Some(SHORT)),
        (40, 12, Some(SHORT)),
    ] {
        let screen_text = screen(&mut first_run(), columns, rows);
        assert_eq!(
            hint.is_some(),
            screen_text.contains(SHORT) || screen_text.contains(HINT),
            "{columns}×{rows}:\n{screen_text}"
        );
        assert!(hint.is_none_or(|hint| screen_text.contains(hint)), "{columns}×{rows}:\n{screen_text}");
    }
    // The hint changes no row but its own, at any size.
    for columns in (0..=130).step_by(3) {
        for rows in 0..=40 {
            let with = screen(&mut first_run(), columns, rows);
            let without = screen(&mut Stage::at("14:20"), columns, rows);
            let without_hint_row: String = with.lines().filter(|l| !l.contains("Esc ")).collect();
            let without: String = without.lines().collect();
            assert_eq!(no_blanks(&without_hint_row), no_blanks(&without), "{columns}×{rows}:\n{with}\n{without}");
        }
    }
    let mut stage = first_run();
    let (buffer, _) = drawn(&mut stage, Theme::Terminal, 40, 12);
    assert_eq!(bold_text(&buffer), no_blanks(&stage.sentence().expect("a sentence")));
}

#[test]
fn help_esc_and_a_tick_close_the_hint_and_a_fact_does_not() {
    for (keys, stays) in
        [("k", true), ("m⌫", true), ("d", true), ("?", false), ("⎋", false), ("␣", false), ("s", false)]
    {
        let mut stage = first_run();
        let mut saved = 0;
        for key in keys.chars() {
            stage.keys(&key.to_string());
            saved += stage.effects.iter().filter(|e| matches!(e, Effect::Save(s) if !s.welcome)).count();
        }
        assert_eq!(stage.app.shows_hint(), stays, "{keys}");
        assert_eq!(saved, usize::from(!stays), "{keys}: saved once");
        // Esc closes what is open first.
        stage.keys("⎋⎋");
        assert!(!screen(&mut stage, 80, 24).contains(HINT), "{keys}");
    }
}

#[test]
fn notices_take_precedence_over_the_hint() {
    let mut stage = first_run();
    stage.act(Message::Trouble(Subject::State, Some("Status shift tidak dapat disimpan: penuh".into())));
    let screen_text = screen(&mut stage, 80, 24);
    assert!(screen_text.contains("penuh") && !screen_text.contains(HINT), "{screen_text}");
    stage.act(Message::Trouble(Subject::State, None));
    assert!(screen(&mut stage, 80, 24).contains(HINT));
}

#[test]
fn practice_and_presentation_have_no_hint() {
    assert!(!fresh(Lang::Id).shows_hint(), "only the prompter, which saves that it was read, shows the hint");
}

#[cfg(unix)]
mod in_a_terminal {
    use std::process::Command;

    use super::HINT;
    use crate::support::Home;
    use crate::term::{Term, eventually};

    fn prompter(home: &Home) -> Command {
        home.penutup(["--at", "14:20"]).command()
    }

    fn opened(home: &Home) -> Term {
        let mut term = Term::start(&prompter(home));
        term.shows("Untuk mewujudkan PLN terbaik").shows("? daftar tombol");
        term
    }

    fn wait_until_saved(home: &Home, welcome: bool) {
        eventually("the state on the disk", || {
            let kept = std::fs::read_to_string(home.state("shift.toml"));
            kept.is_ok_and(|kept| kept.contains("welcome = true") == welcome)
        });
    }

    #[test]
    fn the_hint_is_shown_until_it_is_closed_once() {
        let home = Home::new();
        let mut term = opened(&home);
        term.shows(HINT);
        wait_until_saved(&home, true);
        term.send("m").shows("▐PLN Mobile▌").shows(HINT);
        term.quits();
        let mut term = opened(&home);
        term.shows(HINT).send("\x1b").hides(HINT);
        term.quits();
        wait_until_saved(&home, false);
        let mut term = opened(&home);
        assert!(!term.text().contains(HINT), "{term:?}");
        term.quits();
    }

    #[test]
    fn the_key_list_closes_it_also_for_the_next_start() {
        let home = Home::new();
        let mut term = opened(&home);
        term.shows(HINT).send("?").shows("Daftar tombol");
        wait_until_saved(&home, false);
        term.signal("KILL");
        term.ends();
        assert!(!opened(&home).text().contains(HINT));
    }

    #[test]
    fn a_state_from_before_the_hint_is_not_a_first_run() {
        let home = Home::new();
        home.write(home.state("shift.toml"), "revision = \"Rev-1\"\n");
        assert!(!opened(&home).text().contains(HINT));
    }

    #[test]
    fn in_line_mode_the_question_mark_also_closes_the_hint() {
        let home = Home::new();
        home.penutup(["--plain"]).stdin("k\n").ok();
        wait_until_saved(&home, true);
        home.penutup(["--plain"]).stdin("?\n").ok();
        wait_until_saved(&home, false);
    }
}
