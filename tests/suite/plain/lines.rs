//! The effects of typed lines.

use penutup::app::Mode;
use penutup::closing::Mark;
use penutup::plain::listen::{LONGEST, Line};

use super::Talk;

/// What a line may change.
#[derive(Debug, PartialEq)]
struct State {
    facts: String,
    name: String,
    /// How many sentences were said.
    said: usize,
    /// The number of the call.
    call: u64,
}

fn state(talk: &Talk) -> State {
    let name = talk.app.rules().field_named("nama").expect("a name");
    let said = talk.app.entries().iter().filter(|e| e.mark == Mark::Spoken).count();
    let app = &talk.app;
    State { facts: app.facts_text(|_| true), name: app.field_text(name), said, call: app.number() }
}

#[test]
fn letters_are_keys_in_order_and_spaces_between_them_are_ignored() {
    let mut talk = Talk::at("14:20");
    talk.types("k");
    assert!(talk.app.facts_text(|_| true).contains("KLB: AKTIF"));
    talk.types("mm");
    assert!(talk.app.facts_text(|_| true).contains("Topik: di luar PLN Mobile"));
    talk.types(" A \t A");
    assert!(
        talk.app.facts_text(|_| true).contains("Aplikasi: BELUM punya"),
        "each upper-case letter counts as its lower-case letter"
    );
    talk.types("X2 \r");
    assert_eq!(talk.app.number(), 1, "an upper-case letter is the letter");
    assert_eq!(state(&talk).said, 0, "no space ticked a sentence");
}

#[test]
fn an_empty_line_ticks_and_then_starts_the_next_call() {
    let mut talk = Talk::at("14:20");
    for said in 1..=3 {
        talk.types(if said == 2 { "  " } else { "" });
        assert_eq!(state(&talk).said, said);
    }
    assert!(talk.app.is_complete());
    talk.types("");
    assert_eq!(state(&talk).call, 1);
    talk.types("s");
    assert_eq!(state(&talk).said, 3);
}

#[test]
fn a_line_with_an_unknown_key_has_no_effect() {
    for wrong in ["k7", "7k", "sk!", "x2k9", "x8", "kd?§", "\u{1b}[A", "k\u{1b}[A", "š", "kk\u{200b}w", "x3lq/"] {
        let mut talk = Talk::at("14:20");
        talk.types("n Siti");
        let before = state(&talk);
        let output = talk.types(wrong);
        let refused = output[0].contains("seluruh baris itu tidak dikerjakan");
        // Nothing is read after `q`.
        assert!(refused || wrong.contains('q'), "{wrong:?}: {output:?}");
        if refused {
            assert_eq!(state(&talk), before, "{wrong:?}");
            assert!(!talk.left);
            assert!(
                output[0].contains("Tanda tanya, lalu Enter: daftar tombol"),
                "{wrong:?} names the help: {output:?}"
            );
        }
    }
}

#[test]
fn a_name_follows_its_letter_or_is_on_the_next_line() {
    let mut talk = Talk::at("14:20");
    assert_eq!(talk.types("n Bu Siti"), ["Sapaan: Ibu.", "Nama Pelanggan: Siti."]);
    talk.types("mn  pak Budi  Santoso ");
    assert_eq!(state(&talk).name, "Budi Santoso");
    assert!(talk.app.facts_text(|_| true).contains("Topik: PLN Mobile"));
    let asked = talk.types("n");
    assert!(asked[0].starts_with("Ketik Nama Pelanggan, lalu Enter."), "{asked:?}");
    assert!(matches!(talk.app.mode(), Mode::Typing(_)));
    talk.types("q");
    assert_eq!(state(&talk).name, "q", "in the field every letter is text");
    assert!(!talk.left);
}

#[test]
fn an_empty_line_keeps_the_name_a_minus_clears_it_and_digits_are_refused() {
    let mut talk = Talk::at("14:20");
    talk.types("n Siti");
    talk.types("n");
    assert_eq!(talk.types(""), ["Sapaan: Bapak/Ibu.", "Nama Pelanggan: Siti."], "unchanged, and printed");
    assert_eq!(state(&talk).name, "Siti");
    let output = talk.types("n 081234567890");
    assert_eq!(output, ["Hanya angka, bukan nama: nama tetap seperti semula."]);
    assert_eq!(talk.types("n \u{1}"), ["Tidak ada nama di baris itu: nama tetap seperti semula."]);
    assert_eq!(state(&talk).name, "Siti", "an invalid name keeps the present one");
    assert_eq!(talk.types("n -"), ["Nama Pelanggan: belum diisi."]);
    assert_eq!(talk.types("-"), ["Diurungkan.", "Nama Pelanggan: Siti."]);
    let output = talk.types(&format!("n {}", "Siti ".repeat(40)));
    assert!(output[0].starts_with("Lebih dari 60 karakter"), "{output:?}");
    assert_eq!(state(&talk).name, "Siti");
}

#[test]
fn the_agents_number_follows_its_mark_or_is_on_the_next_line() {
    let mut talk = Talk::at("14:20");
    assert_eq!(talk.types("#4711"), ["CSO 4711."], "said once");
    assert_eq!(talk.app.agent_number(), Some("4711"));
    let asked = talk.types("#");
    assert!(asked[0].starts_with("Ketik nomor CSO, lalu Enter."), "{asked:?}");
    assert_eq!(talk.types("4712")[0], "CSO 4712.");
    talk.types("#");
    assert_eq!(talk.types("")[0], "CSO 4712.", "an empty line keeps it");
    assert_eq!(
        talk.types("# Siti Aminah")[0],
        "Bukan nomor CSO (perlu sedikitnya satu angka): nomornya tidak berubah."
    );
    let long = talk.types(&format!("#{}", "7".repeat(41)));
    assert!(long[0].starts_with("Nomor CSO paling banyak 40 karakter"), "{long:?}");
    assert_eq!(talk.app.agent_number(), Some("4712"));
    assert_eq!(talk.types("#-")[0], "Tanpa nomor CSO.");
    talk.types("m");
    let refused = talk.types("#4711");
    assert_eq!(refused[0], "Nomor CSO diganti di antara panggilan: selesaikan dahulu panggilan ini.");
    assert_eq!(talk.app.agent_number(), None);
}

#[test]
fn every_line_gets_a_response() {
    let mut talk = Talk::at("14:20");
    talk.types("n Siti");
    // Facts cycled back to their first value, a present name, letters undone one by one.
    for line in ["mm", "aaa", "n Siti", "n bu Siti", "zzz", "m-", "?", "c", ".", "l", "d", "r", "-", " "] {
        assert_ne!(talk.types(line), [""; 0], "{line:?}");
    }
    let output = talk.types(&format!("n {}", state(&talk).name));
    assert!(
        output[0].starts_with("Sekarang, No. "),
        "nothing changed, so the current sentence is repeated: {output:?}"
    );
    assert_eq!(talk.types("q")[0], "Panggilan ini belum selesai. Tetap keluar?");
    assert_eq!(talk.types("q"), [""; 0], "nothing is printed after leaving");
}

#[test]
fn the_question_is_answered_by_a_digit_and_left_by_a_minus() {
    let mut talk = Talk::at("14:20");
    talk.types("a");
    let asked = talk.types("x");
    assert_eq!(asked[0], "Belum semua disampaikan. Mengapa panggilan berakhir?");
    assert_eq!(asked[1], "1: pelanggan menutup lebih dulu.");
    assert!(asked[5].starts_with("5: closing tidak disampaikan (mengurangi: Akurasi"), "{asked:?}");
    assert_eq!(asked[6], "minus (-): kembali.");
    let short = "Jawab dengan angka 1 sampai 5; minus: kembali; tanda tanya: pilihan jawaban.";
    assert_eq!(talk.types(""), [short], "an empty line is no answer");
    let refused = talk.types("k");
    assert_eq!(refused, ["\"k\" tidak ada di pilihan jawaban; seluruh baris itu tidak dikerjakan.", short]);
    assert_eq!(talk.types("?"), asked, "the possible answers are repeated on request");
    let back = talk.types("-");
    assert!(back[0].starts_with("Sekarang, No. 1"), "{back:?}");
    talk.types("x");
    let ended = talk.types("2");
    assert_eq!(ended[..2], ["Ditutup: dialihkan; minus kembali (10 detik).", "Panggilan baru."]);
    let back = talk.types("-");
    assert_eq!(back[0], "Kembali ke panggilan tadi.");
    assert!(back.contains(&"Aplikasi: TELAH punya.".to_owned()), "{back:?}");
    let known = ["Sudah: ", "Sebelum closing: ", "Urutan kalimat: "];
    assert!(!back.iter().any(|line| known.iter().any(|known| line.starts_with(known))), "it was said: {back:?}");
    assert!(back.len() <= 5, "{back:?}");
}

#[test]
fn an_invalid_line_changes_nothing() {
    let mut talk = Talk::at("14:20");
    let before = state(&talk);
    for (line, expected) in [
        (Line::TooLong, "Baris itu terlalu panjang; tidak dikerjakan."),
        (Line::NotUtf8, "Baris itu bukan teks UTF-8; tidak dikerjakan."),
    ] {
        assert_eq!(talk.run(|view, session| session.input(view, line)), [expected]);
    }
    let output = talk.types(&"k".repeat(LONGEST));
    assert_eq!(output, ["KLB: nonaktif."], "an even number of switches");
    assert_eq!(state(&talk), before);
}

#[test]
fn every_key_in_the_help_works() {
    let mut talk = Talk::at("14:20");
    let keys: Vec<String> = talk.types("?").iter().filter_map(|l| Some(l.split_once(": ")?.0.to_owned())).collect();
    let mut tested = 0;
    for key in keys {
        let typed = match key.as_str() {
            "Enter" => String::new(),
            named if named.contains('(') => named.chars().rev().nth(1).expect("a mark").to_string(),
            letter if letter.chars().count() == 1 => letter.to_owned(),
            "q Ctrl-C" => "q".to_owned(),
            _ => continue,
        };
        let mut talk = Talk::at("14:20");
        talk.types("m");
        let output = talk.types(&typed);
        assert!(!output.concat().contains("Tidak ada tombol"), "{typed:?}: {output:?}");
        assert!(!output.is_empty() || talk.left, "{typed:?} says something");
        tested += 1;
    }
    assert!(tested >= 16, "{tested}");
}
