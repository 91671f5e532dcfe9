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

fn screen(s: &mut Stage, columns: u16, rows: u16) -> String {
    text(&drawn(s, Theme::Terminal, columns, rows).0)
}

#[track_caller]
fn shows(s: &mut Stage, columns: u16, rows: u16, words: &str) {
    let screen = screen(s, columns, rows);
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
    let mut s = Stage::at("14:00");
    s.act(Message::PhoneLink(Link::Down))
        .act(Message::Agent(AgentEvent::Disconnected))
        .act(Message::Declaration(DeclarationEvent::Declared(Box::new(klb()))));
    s.starts(&format!("aplikasi=telah nama={}", LONG_NAME.replace(' ', "+")));
    s
}

#[test]
fn a_name_from_the_telephone_is_marked_at_any_length() {
    let mut s = full();
    for (columns, rows) in [(120, 30), (100, 24), (80, 24), (72, 22)] {
        shows(&mut s, columns, rows, "dari telepon: konfirmasi");
    }
    shows(&mut s, 60, 18, "konfirmasi");
    s.keys("n⏎");
    assert!(!screen(&mut s, 80, 24).contains("konfirmasi"));
}

#[test]
fn the_banner_shows_who_why_and_until_when_or_a_local_difference() {
    let mut s = full();
    for (columns, rows, banner) in [
        (120, 30, "KLB AKTIF sejak 13.05 · Campaign"),
        (80, 24, "KLB AKTIF sejak 13.05 · Campaign"),
        (60, 18, "KLB AKTIF · Campaign"),
    ] {
        shows(&mut s, columns, rows, &format!("{banner} Integritas TIDAK disampaikan"));
        shows(&mut s, columns, rows, "SPV Jakarta · gangguan transmisi");
        shows(&mut s, columns, rows, "s.d. 21.00");
    }
    s.keys("k");
    shows(&mut s, 80, 24, "KLB nonaktif sejak 14.00 · dari supervisor: KLB AKTIF");
    shows(&mut s, 40, 12, "dari supervisor: KLB AKTIF");
    let mut s = full();
    s.clock("21:00");
    shows(&mut s, 80, 24, "KLB AKTIF dinyatakan s.d. 21.00: masih berlaku? V masih K sudah tidak");
    // The centre has lifted it, and here it still applies.
    let mut s = Stage::at("14:00");
    s.act(Message::Declaration(DeclarationEvent::Declared(Box::new(Declaration { state: State::Off, ..klb() }))))
        .keys("k");
    shows(&mut s, 80, 24, "dari supervisor: KLB nonaktif");
}

#[test]
fn the_connection_state_is_one_word_beside_the_clock() {
    let mut s = Stage::at("14:00");
    assert!(!screen(&mut s, 80, 24).contains("telepon"));
    s.act(Message::PhoneLink(Link::Up));
    shows(&mut s, 80, 24, "telepon: tersambung 14.00 WIB · siang");
    assert!(
        !screen(&mut s, 60, 18).contains("telepon"),
        "a narrow window shows the telephone only if it is disconnected"
    );
    s.act(Message::PhoneLink(Link::Down));
    shows(&mut s, 80, 24, "telepon: putus  14.00 WIB · siang");
    shows(&mut s, 40, 12, "telepon: putus  14.00 WIB · siang");
}

/// The first row.
fn title(s: &mut Stage, columns: u16, rows: u16) -> String {
    screen(s, columns, rows).lines().next().unwrap_or_default().trim_end().to_owned()
}

#[test]
fn the_connection_to_the_centre_is_shown_only_while_broken() {
    let mut s = Stage::at("14:20");
    let before = screen(&mut s, 80, 24);
    s.act(Message::Agent(AgentEvent::Connected)).act(Message::Agent(AgentEvent::Up));
    assert_eq!(screen(&mut s, 80, 24), before);
    s.act(Message::Agent(AgentEvent::Down(wib("14:05"))));
    let title_80 = " Salam Penutup · SOP Rev-1          pusat: putus sejak 14.05  14.20 WIB · siang";
    assert_eq!(title(&mut s, 80, 24), title_80);
    assert_eq!(title(&mut s, 60, 20), " SOP Rev-1      pusat: putus sejak 14.05  14.20 WIB · siang");
    assert_eq!(title(&mut s, 40, 12), "  pusat: putus 14.05  14.20 WIB · siang");
    assert_eq!(screen(&mut s, 80, 24).replace(title_80, ""), before.replace(before.lines().next().expect("a row"), ""));
    s.act(Message::PhoneLink(Link::Down));
    assert_eq!(
        title(&mut s, 80, 24),
        " SOP Rev-1         telepon: putus   pusat: putus sejak 14.05  14.20 WIB · siang"
    );
    assert_eq!(title(&mut s, 60, 20), "     telepon: putus   pusat: putus 14.05  14.20 WIB · siang");
    assert_eq!(title(&mut s, 40, 12), "  pusat: putus 14.05  14.20 WIB · siang");
    s.act(Message::Agent(AgentEvent::Disconnected));
    shows(&mut s, 120, 30, "telepon: putus koneksi KLB: mati sejak 14.20 14.20 WIB");
    shows(&mut s, 80, 24, "telepon: putus koneksi KLB: mati sejak 14.20 14.20 WIB");
    shows(&mut s, 40, 12, "koneksi KLB mati");
    shows(&mut s, 30, 12, "14.20 WIB");
    s.act(Message::Agent(AgentEvent::Down(wib("14:05") - TimeDelta::days(1))));
    shows(&mut s, 80, 24, "pusat: putus sejak kemarin 14.05");
    s.act(Message::Agent(AgentEvent::Up));
    assert!(!screen(&mut s, 80, 24).contains("pusat"));
}

#[test]
fn the_question_offers_restoring_a_call_if_possible() {
    let mut s = Stage::at("14:00");
    s.starts("").ends();
    assert!(!screen(&mut s, 80, 24).contains("Backspace kembali"));
    s.keys("⎋␣").starts("").ends();
    shows(&mut s, 80, 24, "Backspace kembali ke panggilan tadi");
    shows(&mut s, 40, 12, "Backspace kembali ke panggilan tadi");
}

#[test]
fn no_size_breaks_the_screen_with_telephone_and_centre() {
    let mut s = full();
    for columns in 0..=130 {
        for rows in [0, 1, 2, 5, 6, 10, 12, 18, 22, 24, 40] {
            screen(&mut s, columns, rows);
        }
    }
    // Even with everything shown at once, the current sentence is visible in full.
    let sentence = s.sentence().expect("something is to be said");
    for (columns, rows) in [(80, 24), (60, 18)] {
        shows(&mut s, columns, rows, &sentence);
    }
}

#[test]
fn a_long_reason_is_cut_before_essential_text() {
    let long = |text: &str, times: usize| Some(text.repeat(times).trim_end().to_owned());
    let klb = Declaration { by: long("Jakarta ", 5), why: long("gangguan ", 8), ..klb() };
    for (time, lines) in
        [("14:00", &["s.d. 21.00", "Campaign Integritas TIDAK disampaikan"][..]), ("21:10", &["masih"])]
    {
        let mut s = Stage::at(time);
        s.act(Message::Agent(AgentEvent::Klb(Box::new(klb.clone()))));
        for (columns, rows) in [(120, 30), (80, 24), (60, 20), (40, 12)] {
            shows(&mut s, columns, rows, "KLB AKTIF");
            shows(&mut s, columns, rows, "Jakarta");
            shows(&mut s, columns, rows, "ganggu");
            for line in lines {
                shows(&mut s, columns, rows, line);
            }
        }
    }
}
