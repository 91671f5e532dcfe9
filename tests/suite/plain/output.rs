//! What line mode prints, and when.

use std::sync::Arc;

use penutup::app::Mode;
use penutup::declaration::{Declaration, DeclarationEvent, KLB, State};
use penutup::loaded::LoadedRules;
use penutup::message::Link;
use penutup_ipc::agent_event::AgentEvent;

use penutup::message::{Message, Subject};
use penutup::rules::decide::decide;
use penutup::rules::script::script;
use penutup::words::Lang;
use penutup_ipc::phone_event::{Pairs, PhoneEvent};

use proptest::prelude::*;

use super::Talk;
use crate::stage::{revised, wib};
use crate::support::assert_harmless;

const CAMPAIGN: &str = "Untuk mewujudkan PLN terbaik, mohon tidak memberikan tambahan biaya kepada petugas kami.";

#[track_caller]
fn assert_has(lines: &[String], line: &str) {
    assert!(lines.iter().any(|l| l == line), "{line:?} is not in {lines:#?}");
}

#[track_caller]
fn assert_has_not(lines: &[String], part: &str) {
    assert!(!lines.iter().any(|l| l.contains(part)), "{part:?} is in {lines:#?}");
}

fn starts(pairs: &[(&str, &str)]) -> Message {
    let pairs: Vec<_> = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Message::Phone(PhoneEvent::Start { id: None, pairs: Pairs(pairs) })
}

#[test]
fn the_first_lines_are_the_state_and_the_sentence() {
    let lines = Talk::with(Arc::new(LoadedRules::built_in()), Lang::Id, wib("14:20")).opening();
    assert!(lines[0].starts_with("Salam Penutup, SOP Rev-1."), "{lines:?}");
    assert_has(&lines, "Jam pelanggan 14.20 WIB.");
    assert_has(&lines, "Nama Pelanggan: belum diisi.");
    assert_has(
        &lines,
        "Sebelum closing: Seluruh informasi, pengaduan, atau transaksi niaga selesai? Tawarkan bantuan lainnya.",
    );
    assert_eq!(lines[lines.len() - 2..], ["Sekarang, No. 1: Campaign Integritas.", CAMPAIGN]);
}

#[test]
fn only_changes_are_printed() {
    let mut talk = Talk::at("14:20");
    let output = talk.types("mm");
    assert_eq!(output[0], "Topik: di luar PLN Mobile.", "of two changes the last: {output:?}");
    assert_eq!(talk.types("kk"), ["KLB: nonaktif."], "a state that was replaced in the same line is not printed");
    let output = talk.types("m");
    let sentence = talk.app.sentence(talk.app.shown().unwrap()).unwrap().to_string();
    let lines = [
        "Topik: PLN Mobile.",
        "Urutan kalimat: Ajakan UPDATE New PLN Mobile, Terima kasih.",
        "Sekarang, No. 2.b: Ajakan UPDATE New PLN Mobile.",
        &sentence,
    ];
    assert_eq!(output, lines);
    assert_eq!(talk.types("n Siti"), ["Nama Pelanggan: Siti."], "the current sentence has no name in it");
}

#[test]
fn klb_is_said_once_and_at_every_call() {
    let mut talk = Talk::at("14:20");
    let banner = "KLB AKTIF sejak 14.20; Campaign Integritas TIDAK disampaikan.";
    let output = talk.types("k");
    assert_has(&output, banner);
    assert_has(&output, "Ingat: Sampaikan Customer Intimacy sesuai ketentuan.");
    assert_has_not(&talk.types(""), "KLB");
    talk.types("s");
    assert_has(&talk.types(""), banner);
    let output = talk.types("k");
    assert_has(&output, "KLB: nonaktif.");
    assert_has_not(&output, "AKTIF");
}

#[test]
fn old_klb_is_asked_about_once() {
    let mut talk = Talk::at("01:00");
    talk.types("k");
    assert_has_not(&talk.waits(60), "Masih berlaku?");
    let output = talk.waits(12 * 60);
    let question = "KLB AKTIF sejak 01.00, lebih dari 12 jam. Masih berlaku? Jawab v jika masih, k jika sudah tidak.";
    assert_has(&output, question);
    assert_has_not(&talk.waits(1), "Masih berlaku?");
    assert_eq!(
        talk.types("v"),
        ["KLB AKTIF sejak 01.00; Campaign Integritas TIDAK disampaikan."],
        "the present state is printed"
    );
    assert_has_not(&talk.waits(1), "Masih berlaku?");
}

#[test]
fn the_complete_sentence_is_said_on_request_only() {
    let mut talk = Talk::at("14:20");
    for line in ["", "", ""] {
        let output = talk.types(line);
        assert_has_not(&output, "Kalimat lengkap");
        assert_eq!(
            output.iter().filter(|line| line.contains("Untuk mewujudkan")).count(),
            0,
            "it was said: {output:?}"
        );
    }
    assert_eq!(talk.types("."), ["Closing lengkap. Enter: panggilan berikutnya."]);
    let complete = talk.app.complete_sentence().to_string();
    assert_has(&talk.types("l"), &format!("Kalimat lengkap: {complete}"));
    assert_eq!(talk.types("c"), [complete.as_str()], "only the sentence, and nothing about a clipboard");
    // A name received now is the next customer's.
    let output = talk.types("n Bu Siti");
    assert_has(&output, "Panggilan baru.");
    assert_has(&output, "Nama Pelanggan: Siti.");
    let back = talk.types("-");
    let lines = [
        "Kembali ke panggilan tadi.",
        "Sapaan: Bapak/Ibu.",
        "Nama Pelanggan: belum diisi.",
        "Closing lengkap. Enter: panggilan berikutnya.",
    ];
    assert_eq!(back, lines, "what differs and where it stands");
}

/// One press of two undos returns to the call before and goes on there.
#[test]
fn a_tick_that_was_undone_on_the_way_back_is_told() {
    let mut talk = Talk::at("14:20");
    for line in ["", "", "", ""] {
        talk.types(line);
    }
    let back = talk.presses("undo undo");
    assert_has(&back, "Kembali ke panggilan tadi.");
    assert_has(&back, "Centang diurungkan: Terima kasih.");
    assert_has_not(&back, "Sudah: ");
}

/// Ticked and ended by one press, the sentences were never printed as ticked; returning ticks nothing.
#[test]
fn a_return_prints_no_tick() {
    let mut talk = Talk::at("14:20");
    assert_has(&talk.presses("said-all next"), "Panggilan baru.");
    let back = talk.types("-");
    assert_has(&back, "Kembali ke panggilan tadi.");
    assert_has_not(&back, "Sudah: ");
    assert_has_not(&back, "Centang diurungkan: ");
}

/// What changed after the last sentence is the next call's.
#[test]
fn klb_after_the_last_sentence_reminds_of_nothing_in_the_finished_call() {
    let mut talk = Talk::at("14:20");
    talk.types("s");
    let output = talk.types("k");
    assert_eq!(output, ["KLB AKTIF sejak 14.20; Campaign Integritas TIDAK disampaikan."]);
    assert_has(&talk.types(""), "Ingat: Sampaikan Customer Intimacy sesuai ketentuan.");
}

#[test]
fn a_refusal_is_not_repeated_by_an_enter_that_came_too_soon() {
    let mut talk = Talk::at("14:20");
    talk.types("");
    let refused = "Hanya angka, bukan nama: nama tetap seperti semula.";
    assert_eq!(talk.types("n 081234567890"), [refused]);
    assert_eq!(talk.types("n 081234567890"), [refused], "the same mistake again has the same answer");
    // The sentence was changed from outside; the last Enter is after the grace, but too soon after the one before.
    talk.receives(starts(&[("topik", "pln-mobile")]));
    let changed = "Kalimat baru berubah, belum dicentang; baca dahulu, lalu Enter.";
    assert_eq!(talk.types_after(100, ""), [changed]);
    assert_eq!(talk.types_after(900, ""), [changed]);
    let output = talk.types_after(300, "");
    assert!(output[0].starts_with("Sekarang, No. 2.b") && output.len() == 2, "{output:?}");
    assert!(talk.types_after(800, "")[0].starts_with("Sudah: "));
}

#[test]
fn a_greeting_change_is_announced_once_and_said_when_it_happens() {
    let mut talk = Talk::at("14:50");
    assert_eq!(talk.waits(3), [""; 0]);
    assert_has(&talk.waits(2), "5 menit lagi: selamat sore.");
    assert_eq!(talk.waits(1), [""; 0], "passing minutes print nothing");
    talk.types("");
    talk.types("");
    let output = talk.waits(4);
    assert_has(&output, "Salam: selamat sore.");
    assert!(output.last().unwrap().ends_with("selamat sore Bapak/Ibu"), "{output:?}");
    let output = talk.types("z");
    assert_has(&output, "Jam pelanggan 16.00 WITA.");
}

#[test]
fn a_wrong_clock_is_said_once_for_each_change() {
    let mut talk = Talk::at("14:20");
    let mut receives = |event| talk.receives(Message::Agent(event));
    assert_eq!(receives(AgentEvent::Up), [""; 0]);
    let ahead = "Jam komputer ini 3 menit lebih cepat daripada jam server pusat.";
    assert_eq!(receives(AgentEvent::WrongClock(180)), [ahead]);
    assert_eq!(receives(AgentEvent::WrongClock(190)), [""; 0]);
    let behind = "Jam komputer ini 2 hari lebih lambat daripada jam server pusat.";
    assert_eq!(receives(AgentEvent::WrongClock(-172_800)), [behind]);
    assert_eq!(receives(AgentEvent::Up), ["Pusat tidak lagi melaporkan bahwa jam komputer ini salah."]);
    // With the link ends what is known of the clock.
    receives(AgentEvent::WrongClock(180));
    assert_eq!(receives(AgentEvent::Down(wib("14:05"))), ["pusat: putus sejak 14.05."]);
    assert_eq!(receives(AgentEvent::WrongClock(180)), [ahead, "Tersambung lagi ke pusat."]);
}

#[test]
fn outside_events_are_said_when_received() {
    let mut talk = Talk::at("14:20");
    assert_eq!(talk.receives(Message::PhoneLink(Link::Up)), ["telepon: tersambung."]);
    assert_eq!(talk.receives(Message::PhoneLink(Link::Down)), ["telepon: putus."]);
    let output = talk.receives(starts(&[("nama", "Bu Siti"), ("aplikasi", "telah")]));
    assert_eq!(output[0], "Telepon: panggilan dimulai.");
    assert_has(&output, "Nama Pelanggan: Siti; dari telepon: konfirmasi.");
    assert_has(&output, "Aplikasi: TELAH punya.");
    talk.types("n");
    assert_has(&talk.types(""), "Nama Pelanggan: Siti.");
    let output = talk.receives(starts(&[]));
    assert_eq!(output[0], "Panggilan baru; panggilan lama ditutup; minus kembali.");
    assert_has(&talk.types("-"), "Nama Pelanggan: Siti.");
    // While a field is open, a new call waits.
    talk.types("n");
    assert_eq!(talk.receives(starts(&[])), ["Panggilan menunggu: selesaikan isian ini dahulu (Enter)."]);
    assert_has(&talk.types("Budi"), "Panggilan baru.");

    let broadcast = Declaration {
        version: 1,
        fact: KLB.into(),
        state: State::On,
        value: None,
        since: wib("13:05"),
        until: Some(wib("21:00")),
        by: Some("SPV".into()),
        why: Some("gardu\u{1b}[31m induk".into()),
    };
    let output = talk.receives(Message::Declaration(DeclarationEvent::Declared(Box::new(broadcast))));
    assert_eq!(output[0], "Dari supervisor: KLB AKTIF.");
    assert!(output[1].starts_with("KLB AKTIF sejak 13.05; SPV; gardu"), "{output:?}");
    assert!(output[1].ends_with("s.d. 21.00; Campaign Integritas TIDAK disampaikan."), "{output:?}");
    assert_has(&talk.types("k"), "KLB nonaktif sejak 14.20; dari supervisor: KLB AKTIF.");
}

#[test]
fn changed_rules_and_troubles_are_printed() {
    let mut talk = Talk::at("14:20");
    let loaded = revised(&[("mohon tidak memberikan", "mohon JANGAN memberikan")]);
    let output = talk.receives(Message::Rules(loaded, None));
    assert!(output[0].starts_with("Aturan baru berlaku: SOP Rev-2;"), "{output:?}");
    assert!(output[0].ends_with("; ketik d untuk melihat apa yang berubah."), "the letter is explained: {output:?}");
    assert!(output.last().unwrap().contains("mohon JANGAN memberikan"), "{output:?}");
    let bad = || Message::Trouble(Subject::Rules, Some("Aturan tidak dipakai: rules.toml:3: rusak".into()));
    assert_has(&talk.receives(bad()), "Aturan tidak dipakai: rules.toml:3: rusak.");
    assert_eq!(talk.receives(bad()), [""; 0], "a standing trouble is printed once");
    assert_has_not(&talk.types("m"), "rusak");
    let good = Arc::new(talk.app.loaded().clone());
    assert_has(&talk.receives(Message::Rules(good, None)), "Peringatan tadi tidak berlaku lagi.");
    assert_has(
        &talk.receives(Message::Trouble(Subject::State, Some("Status shift tidak dapat disimpan: penuh".into()))),
        "Status shift tidak dapat disimpan: penuh.",
    );
}

#[test]
fn the_contradiction_and_its_basis_are_printed() {
    let mut talk = Talk::at("14:20");
    let output = talk.types("a");
    assert_has(&output, "Perhatian, SOP bertentangan di sini (2.a dan 2.b): dipakai 2.b. Ketik d untuk dasar SOP.");
    let why = talk.types("d");
    assert_eq!(why[0], "Dasar SOP.");
    let caution = "Perhatian: SOP bertentangan di sini (2.a dan 2.b): dipakai 2.b. Pelanggan ini";
    assert!(why.iter().any(|line| line.starts_with(caution)), "{why:?}");
    assert!(why[1].starts_with("Ringkasan Keterangan untuk"), "the Keterangan comes first: {why:?}");
    assert_eq!(*talk.app.mode(), Mode::Closing, "nothing stays open");
    let all = talk.types("l");
    assert_has(&all, "Belum, No. 3: Terima kasih.");
    assert_has(&all, "Dinilai: Akurasi, Salam Penutup, FCR.");
    let sentence = talk.app.sentence(talk.app.shown().unwrap()).unwrap().to_string();
    let heading = format!("Sekarang, {}.", "No. 1: Campaign Integritas");
    assert_eq!(talk.types("."), [heading, sentence]);
    assert_has(&talk.types("r"), "Jurnal belum terbaca, atau dimatikan di pengaturan.");
}

#[test]
fn a_hostile_name_is_one_harmless_line() {
    let mut talk = Talk::at("14:20");
    for name in ["\u{1b}[2J\u{1b}]0;x\u{7}Siti", "Si\u{9b}31mti", "Si\u{202e}ti", "Si\u{7f}ti\u{0}", "Si\u{2028}ti"] {
        let output = talk.types(&format!("n {name}"));
        assert_harmless(&output.join("\n"));
        talk.types("c");
        talk.types("n");
        assert_harmless(&talk.types(name).join("\n"));
    }
    let output = talk.receives(starts(&[("nama", "\u{1b}[31mBudi\u{7}")]));
    assert_has(&output, "Nama Pelanggan: Budi; dari telepon: konfirmasi.");
}

/// Lines of all kinds: keys, answers, names, garbage.
fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => "[kmabz.lc?dr-]{0,4}",
        4 => Just(String::new()),
        2 => "n [A-Za-z0-9 \u{1b}\u{9b}\u{202e}é李-]{0,70}",
        1 => Just("n".to_owned()),
        2 => "x[1-5]?",
        1 => "[sxKMAv]{1,3}",
        2 => any::<String>(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 160, failure_persistence: None, ..ProptestConfig::default() })]

    /// For any input the output is harmless, and its last sentence is the current one.
    #[test]
    fn the_last_said_sentence_equals_the_output_of_say(
        steps in prop::collection::vec((line(), 0..4_u8), 0..40),
        lang in prop::sample::select(vec![Lang::Id, Lang::En]),
    ) {
        let mut talk = Talk::with(Arc::new(LoadedRules::built_in()), lang, wib("14:40"));
        let mut said = talk.opening();
        for (line, outside) in steps {
            match outside {
                1 => said.extend(talk.waits(3)),
                2 => said.extend(talk.receives(starts(&[("nama", "Siti \u{1b}[31m"), ("topik", "pln-mobile")]))),
                _ => {}
            }
            said.extend(talk.types(&line));
            if talk.left {
                return Ok(());
            }
            if *talk.app.mode() != Mode::Closing {
                continue;
            }
            let rules = talk.app.rules();
            let headings = ["Sekarang, ", "Now, ", "Closing lengkap. Enter", "Closing complete. Enter"];
            let heading = |line: &String| headings.iter().any(|heading| line.starts_with(heading));
            let at = said.iter().rposition(heading).expect("a sentence was said");
            match talk.app.shown().and_then(|step| talk.app.sentence(step)) {
                Some(sentence) => prop_assert_eq!(&said[at + 1], &sentence.to_string()),
                None => prop_assert!(talk.app.is_complete() && said[at].starts_with("Closing ")),
            }
            if talk.app.call().spoken().is_empty() {
                let plan = decide(rules, talk.app.call().situation());
                let say = script(rules, plan, talk.app.call().fields(), talk.app.greeting_word()).to_string();
                let copied = talk.types("c");
                prop_assert_eq!(&copied[..], &[say][..]);
            }
        }
    }
}
