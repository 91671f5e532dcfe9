//! New rules under a running prompter: what is told of them, what the panel shows, and that KLB outlasts them.

use penutup::action::{Action, Change, RulesNews};
use penutup::app::Effect;
use penutup::closing::{Held, Since};
use std::sync::Arc;

use crate::stage::{Stage, book, revised, wib};

fn klb(value: &str, time: &str) -> Held {
    let set = wib(time);
    Held { fact: "klb".into(), value: value.into(), since: Since { set, confirmed: set } }
}

/// Rev-2 with another id for the value "ya" of KLB.
fn renamed() -> Arc<penutup::book::Book> {
    revised(&[("{ id = \"ya\"", "{ id = \"aktif\""), ("klb = \"ya\"", "klb = \"aktif\"")])
}

#[test]
fn klb_outlasts_rules_that_name_it_otherwise_and_is_told_until_it_is_set_anew() {
    let mut stage = Stage::at("13:05");
    stage.keys("k").reload(&renamed());
    assert!(stage.effects.iter().all(|e| !matches!(e, Effect::Save(seat) if seat.held.is_empty())), "nothing is lost");
    stage.keys("m");
    assert_eq!(stage.notice(), "KLB = ya tidak dikenal aturan ini: periksa lagi dan setel KLB");
    stage.keys("k");
    assert_ne!(stage.notice(), "KLB = ya tidak dikenal aturan ini: periksa lagi dan setel KLB");
    let saved = stage.effects.iter().find_map(|e| match e {
        Effect::Save(seat) => Some(seat.held.iter().map(|h| h.value.clone()).collect::<Vec<_>>()),
        _ => None,
    });
    assert_eq!(saved, Some(vec!["aktif".to_owned()]), "set anew, the unknown value goes");
}

#[test]
fn klb_comes_back_with_rules_that_know_it_again() {
    let mut stage = Stage::at("13:05");
    let first = Arc::new(penutup::book::Book::built_in());
    stage.keys("k").reload(&renamed()).reload(&first);
    assert_eq!(stage.current(), Some("download"), "no Campaign under KLB");
    let stage = Stage::with(renamed(), wib("14:00"), vec![klb("ya", "13:05")]);
    assert_eq!(stage.notice(), "KLB = ya tidak dikenal aturan ini: periksa lagi dan setel KLB", "also after a restart");
}

#[test]
fn klb_from_the_future_is_asked_about() {
    let stage = Stage::with(Arc::new(penutup::book::Book::built_in()), wib("03:00"), vec![klb("ya", "23:59")]);
    assert_eq!(stage.app.asked_fact(), Some(0), "a clock that was wrong tells no age");
    let stage = Stage::with(Arc::new(penutup::book::Book::built_in()), wib("13:00"), vec![klb("ya", "14:01")]);
    assert_eq!(stage.app.asked_fact(), None, "two clocks differ by an hour");
}

#[test]
fn a_reload_tells_how_much_is_said_differently() {
    let mut stage = Stage::at("14:00");
    stage.reload(&revised(&[("ayo download", "mari unduh")]));
    assert_eq!(stage.notice(), "Aturan baru berlaku: SOP Rev-2 · 6 dari 12 situasi berubah · D");
    let mut stage = Stage::at("14:00");
    stage.keys("␣").reload(&revised(&[("ayo download", "mari unduh")]));
    let told = "Aturan baru SOP Rev-2 berlaku mulai panggilan berikutnya · 6 dari 12 situasi berubah";
    assert_eq!(stage.notice(), told, "the panel shows what holds now, so it is not named");
    stage.keys("s␣");
    let told = "Panggilan selesai · Backspace kembali (10 detik) · SOP Rev-2 berlaku · D: apa yang berubah";
    assert_eq!(stage.notice(), told);
    stage.keys("⌫");
    assert!(stage.app.was().is_none(), "back in the call, nothing came before its rules");
}

#[test]
fn a_comment_is_no_new_revision() {
    let mut stage = Stage::at("14:00");
    stage.reload(&book(format!("# hanya komentar\n{}", penutup::rules::BUILT_IN)));
    assert_eq!(stage.notice(), "Berkas aturan dimuat ulang: yang diucapkan tidak berubah (SOP Rev-1)");
}

#[test]
fn a_change_worked_out_elsewhere_is_told_where_it_is_of_the_rules_in_use() {
    let mut stage = Stage::at("14:00");
    let new = revised(&[("ayo download", "mari unduh")]);
    let here = Arc::new(penutup::book::Book::built_in());
    let mut change = Change::between(here, &new).expect("small rules are compared");
    assert_eq!((change.changed.as_str(), change.situations.as_str()), ("6", "12"));
    change.changed = "7".into();
    stage.act(Action::Rules(RulesNews::Revised(Arc::clone(&new), change)));
    assert!(stage.notice().contains("7 dari 12"), "it is taken at its word, and not worked out again");
}

#[test]
fn what_was_said_stays_where_it_was_said() {
    let mut stage = Stage::at("14:00");
    stage.keys("␣k␣");
    assert_eq!(stage.steps(), "(bantuan) √campaign √download (customer-intimacy) ►terima-kasih");
}

#[test]
fn a_pasted_name_that_is_cut_says_so() {
    let mut stage = Stage::at("14:00");
    stage.paste(&"Prawiro ".repeat(9));
    assert_eq!(stage.notice(), "Nama dipotong pada 60 huruf");
    let mut stage = Stage::at("14:00");
    stage.paste("Siti Aminah");
    assert_ne!(stage.notice(), "Nama dipotong pada 60 huruf");
}

#[test]
fn an_honorific_with_a_blank_behind_it_counts_at_once() {
    let mut stage = Stage::at("14:00");
    stage.keys("nIbu␣");
    assert!(stage.complete().ends_with("selamat siang Ibu"), "{}", stage.complete());
    stage.keys("Siti");
    assert!(stage.complete().ends_with("selamat siang Ibu Siti"));
}
