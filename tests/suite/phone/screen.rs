//! How the screen shows outside events, at every window size.

use chrono::TimeDelta;
use penutup::declaration::{Declaration, DeclarationEvent, KLB, State};
use penutup::message::Link;

use penutup::message::Message;
use penutup::tui::theme::Theme;
use penutup_ipc::agent_event::AgentEvent;

use super::Telephone as _;
use crate::scenes::{LONG_NAME, drawn, no_blanks, text};
use crate::stage::{Stage, wib};

fn screen(stage: &mut Stage, columns: u16, rows: u16) -> String {
    text(&drawn(stage, Theme::Terminal, columns, rows).0)
}

#[track_caller]
fn assert_shows(stage: &mut Stage, columns: u16, rows: u16, words: &str) {
    let screen = screen(stage, columns, rows);
    assert!(no_blanks(&screen).contains(&no_blanks(words)), "{words:?} at {columns}×{rows}:\n{screen}");
}

fn klb() -> Declaration {
    Declaration {
        version: 1,
        fact: KLB.into(),
        state: State::On,
        value: None,
        since: wib("13:05"),
        until: Some(wib("21:00")),
        by: Some("SPV Jakarta".into()),
        why: Some("gangguan transmisi 150 kV di tiga gardu induk, pemulihan bertahap".into()),
    }
}

/// A long unconfirmed name, a disconnected telephone, a declaration of KLB with author, reason and end, and the SOP's
/// contradiction.
fn full() -> Stage {
    let mut stage = Stage::at("14:00");
    stage
        .act(Message::PhoneLink(Link::Down))
        .act(Message::Agent(AgentEvent::Disconnected))
        .act(Message::Declaration(DeclarationEvent::Declared(Box::new(klb()))));
    stage.starts(&format!("aplikasi=telah nama={}", LONG_NAME.replace(' ', "+")));
    stage
}

#[test]
fn a_name_from_the_telephone_is_marked_at_any_length() {
    let mut stage = full();
    for (columns, rows) in [(120, 30), (100, 24), (80, 24), (72, 22)] {
        assert_shows(&mut stage, columns, rows, "dari telepon: konfirmasi");
    }
    assert_shows(&mut stage, 60, 18, "konfirmasi");
    stage.keys("n⏎");
    assert!(!screen(&mut stage, 80, 24).contains("konfirmasi"));
}

#[test]
fn the_banner_shows_who_why_and_until_when_or_a_local_difference() {
    let mut stage = full();
    for (columns, rows, banner) in [
        (120, 30, "KLB AKTIF sejak 13.05 · Campaign"),
        (80, 24, "KLB AKTIF sejak 13.05 · Campaign"),
        (60, 18, "KLB AKTIF · Campaign"),
    ] {
        assert_shows(&mut stage, columns, rows, &format!("{banner} Integritas TIDAK disampaikan"));
        assert_shows(&mut stage, columns, rows, "SPV Jakarta · gangguan transmisi");
        assert_shows(&mut stage, columns, rows, "s.d. 21.00");
    }
    stage.keys("k");
    assert_shows(&mut stage, 80, 24, "KLB nonaktif sejak 14.00 · dari supervisor: KLB AKTIF");
    assert_shows(&mut stage, 40, 12, "dari supervisor: KLB AKTIF");
    let mut stage = full();
    stage.clock("21:00");
    assert_shows(&mut stage, 80, 24, "KLB AKTIF dinyatakan s.d. 21.00: masih berlaku? V masih K sudah tidak");
    // The centre has lifted KLB, but here it is still on.
    let mut stage = Stage::at("14:00");
    stage
        .act(Message::Declaration(DeclarationEvent::Declared(Box::new(Declaration { state: State::Off, ..klb() }))))
        .keys("k");
    assert_shows(&mut stage, 80, 24, "dari supervisor: KLB nonaktif");
}

#[test]
fn the_connection_state_is_one_word_beside_the_clock() {
    let mut stage = Stage::at("14:00");
    assert!(!screen(&mut stage, 80, 24).contains("telepon"));
    stage.act(Message::PhoneLink(Link::Up));
    assert_shows(&mut stage, 80, 24, "telepon: tersambung 14.00 WIB · siang");
    assert!(
        !screen(&mut stage, 60, 18).contains("telepon"),
        "a narrow window shows the telephone only if it is disconnected"
    );
    stage.act(Message::PhoneLink(Link::Down));
    assert_shows(&mut stage, 80, 24, "telepon: putus  14.00 WIB · siang");
    assert_shows(&mut stage, 40, 12, "telepon: putus  14.00 WIB · siang");
}

/// The first row.
fn title(stage: &mut Stage, columns: u16, rows: u16) -> String {
    screen(stage, columns, rows).lines().next().unwrap_or_default().trim_end().to_owned()
}

#[test]
fn the_connection_to_the_centre_is_shown_only_while_broken() {
    let mut stage = Stage::at("14:20");
    let before = screen(&mut stage, 80, 24);
    stage.act(Message::Agent(AgentEvent::Connected)).act(Message::Agent(AgentEvent::Up));
    assert_eq!(screen(&mut stage, 80, 24), before);
    stage.act(Message::Agent(AgentEvent::Down(wib("14:05"))));
    let title_80 = " Salam Penutup · SOP Rev-1          pusat: putus sejak 14.05  14.20 WIB · siang";
    assert_eq!(title(&mut stage, 80, 24), title_80);
    assert_eq!(title(&mut stage, 60, 20), " SOP Rev-1      pusat: putus sejak 14.05  14.20 WIB · siang");
    assert_eq!(title(&mut stage, 40, 12), "  pusat: putus 14.05  14.20 WIB · siang");
    assert_eq!(
        screen(&mut stage, 80, 24).replace(title_80, ""),
        before.replace(before.lines().next().expect("a row"), "")
    );
    stage.act(Message::PhoneLink(Link::Down));
    assert_eq!(
        title(&mut stage, 80, 24),
        " SOP Rev-1         telepon: putus   pusat: putus sejak 14.05  14.20 WIB · siang"
    );
    assert_eq!(title(&mut stage, 60, 20), "     telepon: putus   pusat: putus 14.05  14.20 WIB · siang");
    assert_eq!(title(&mut stage, 40, 12), "  pusat: putus 14.05  14.20 WIB · siang");
    stage.act(Message::Agent(AgentEvent::Disconnected));
    assert_shows(&mut stage, 120, 30, "telepon: putus koneksi KLB: mati sejak 14.20 14.20 WIB");
    assert_shows(&mut stage, 80, 24, "telepon: putus koneksi KLB: mati sejak 14.20 14.20 WIB");
    assert_shows(&mut stage, 40, 12, "koneksi KLB mati");
    assert_shows(&mut stage, 30, 12, "14.20 WIB");
    stage.act(Message::Agent(AgentEvent::Down(wib("14:05") - TimeDelta::days(1))));
    assert_shows(&mut stage, 80, 24, "pusat: putus sejak kemarin 14.05");
    stage.act(Message::Agent(AgentEvent::Up));
    assert!(!screen(&mut stage, 80, 24).contains("pusat"));
}

#[test]
fn a_wrong_clock_is_shown_beside_the_clock_until_the_centre_or_the_link_ends_it() {
    let mut stage = Stage::at("14:20");
    stage.act(Message::Agent(AgentEvent::Connected)).act(Message::Agent(AgentEvent::Up));
    let before = screen(&mut stage, 80, 24);
    stage.act(Message::Agent(AgentEvent::WrongClock(185)));
    let title_80 = " SOP Rev-1              jam komputer ini 3 menit lebih cepat  14.20 WIB · siang";
    assert_eq!(title(&mut stage, 80, 24), title_80);
    assert_eq!(title(&mut stage, 60, 20), "    jam komputer ini 3 menit lebih cepat  14.20 WIB · siang");
    assert_eq!(title(&mut stage, 50, 20), "       jam 3 menit lebih cepat  14.20 WIB · siang");
    assert_eq!(title(&mut stage, 40, 12), "  jam komputer salah  14.20 WIB · siang");
    assert_eq!(title(&mut stage, 30, 12), "            14.20 WIB · siang");
    assert_eq!(
        screen(&mut stage, 80, 24).replace(title_80, ""),
        before.replace(before.lines().next().expect("a row"), "")
    );
    stage.keys("?");
    assert_shows(&mut stage, 80, 24, "Jam komputer ini 3 menit lebih cepat daripada jam server pusat");
    stage.keys("?");
    for (ahead, words) in [
        (61, "1 menit lebih cepat"),
        (-89, "1 menit lebih lambat"),
        (-7_199, "120 menit lebih lambat"),
        (7_200, "2 jam lebih cepat"),
        (259_190, "3 hari lebih cepat"),
        (i64::MAX, "106751991167301 hari lebih cepat"),
        (i64::MIN, "106751991167301 hari lebih lambat"),
    ] {
        stage.act(Message::Agent(AgentEvent::WrongClock(ahead)));
        assert_shows(&mut stage, 80, 24, words);
        for columns in 0..=130 {
            screen(&mut stage, columns, 24);
        }
    }
    let wrong = Message::Agent(AgentEvent::WrongClock(185));
    for (over, shown) in [
        (AgentEvent::Up, ""),
        (AgentEvent::Down(wib("14:05")), "pusat: putus sejak 14.05"),
        (AgentEvent::Disconnected, "koneksi KLB: mati sejak 14.20"),
    ] {
        stage.act(wrong.clone());
        assert_shows(&mut stage, 80, 24, "3 menit lebih cepat");
        stage.act(Message::Agent(over));
        assert_shows(&mut stage, 80, 24, shown);
        assert!(!screen(&mut stage, 80, 24).contains("lebih cepat"));
    }
}

#[test]
fn the_question_offers_restoring_a_call_if_possible() {
    let mut stage = Stage::at("14:00");
    stage.starts("").ends();
    assert!(!screen(&mut stage, 80, 24).contains("Backspace kembali"));
    stage.keys("⎋␣").starts("").ends();
    assert_shows(&mut stage, 80, 24, "Backspace kembali ke panggilan tadi");
    assert_shows(&mut stage, 40, 12, "Backspace kembali ke panggilan tadi");
}

#[test]
fn no_size_breaks_the_screen_with_telephone_and_centre() {
    let mut stage = full();
    for columns in 0..=130 {
        for rows in [0, 1, 2, 5, 6, 10, 12, 18, 22, 24, 40] {
            screen(&mut stage, columns, rows);
        }
    }
    // Even with everything shown at once, the current sentence is visible in full.
    let sentence = stage.sentence().expect("something is to be said");
    for (columns, rows) in [(80, 24), (60, 18)] {
        assert_shows(&mut stage, columns, rows, &sentence);
    }
}

#[test]
fn a_long_reason_is_cut_before_essential_text() {
    let long = |text: &str, times: usize| Some(text.repeat(times).trim_end().to_owned());
    let klb = Declaration { by: long("Jakarta ", 5), why: long("gangguan ", 8), ..klb() };
    for (time, lines) in
        [("14:00", &["s.d. 21.00", "Campaign Integritas TIDAK disampaikan"][..]), ("21:10", &["masih"])]
    {
        let mut stage = Stage::at(time);
        stage.act(Message::Agent(AgentEvent::Klb(Box::new(klb.clone()))));
        for (columns, rows) in [(120, 30), (80, 24), (60, 20), (40, 12)] {
            assert_shows(&mut stage, columns, rows, "KLB AKTIF");
            assert_shows(&mut stage, columns, rows, "Jakarta");
            assert_shows(&mut stage, columns, rows, "ganggu");
            for line in lines {
                assert_shows(&mut stage, columns, rows, line);
            }
        }
    }
}
