//! `penutup press` with real prompters in real terminals, and its guards at exact times.

use chrono::TimeDelta;
use penutup::app::Effect;
use penutup::message::Message;
use penutup_ipc::press::{Did, PressRefusal, PressReply, Presses};

use super::Telephone as _;
use super::socket::RawClient;
use super::verb::{WAIT, call, prompter};
use crate::stage::{Stage, revised};
use crate::support::{Home, Ran, assert_harmless, json};
use crate::term::{Term, eventually};

const FIRST: &str = "Untuk mewujudkan PLN terbaik, mohon tidak memberikan tambahan biaya kepada petugas kami.\n";
const SECOND: &str = "Agar semua makin mudah, ayo download aplikasi New PLN Mobile di Play Store atau Apps Store,\n";
/// The first sentence about PLN Mobile.
const UPDATE: &str = "Segera update aplikasi New PLN Mobile versi terbaru untuk mendapatkan peningkatan layanan, dan ajak \
                      orang terdekat untuk download aplikasinya,\n";
/// The hint in an open field.
const TYPING: &str = "Enter pakai · Esc batal";
const QUESTION: &str = "Belum semua disampaikan. Mengapa panggilan berakhir?";
/// The question as it is printed.
const ASKED: &str = "Belum semua disampaikan. Mengapa panggilan berakhir? Jawab dengan end=…: pelanggan-menutup, \
                     dialihkan, hening, terputus, tidak-disampaikan; kembali dengan back\n";
/// The question whether to quit.
const LEAVING: &str = "Panggilan ini belum selesai. Tetap keluar? Kembali dengan back\n";

/// As many connections as a prompter has.
const CONNECTIONS: usize = 32;

fn press(home: &Home, args: &str) -> Ran {
    let args = args.split_whitespace().map(|arg| arg.replace('+', " "));
    home.penutup(std::iter::once("press".to_owned()).chain(args)).env("PENUTUP_CALL_WAIT", WAIT).run()
}

/// Presses, and checks status, standard error and the line.
#[track_caller]
fn does(home: &Home, args: &str, status: i32, err: &str, out: &str) {
    let ran = press(home, args);
    ran.status(status).err_is(err);
    assert_eq!(ran.out, out, "{args}");
}

fn was_marked(term: &Term) -> usize {
    String::from_utf8_lossy(&term.bytes()).matches("ditekan dari luar").count()
}

#[test]
fn a_press_ticks_prints_the_next_sentence_and_is_marked_for_a_moment() {
    let home = Home::new();
    let mut term = prompter(&home, &[]);
    does(&home, "", 0, "", FIRST);
    assert_eq!(was_marked(&term), 0, "nothing was pressed");
    does(&home, "said", 0, "", SECOND);
    eventually("the mark", || was_marked(&term) > 0);
    term.hides("ditekan dari luar").shows("Salam Penutup");
    does(&home, "undo", 0, "", FIRST);
    term.shows("Diurungkan");
    does(&home, "topik=pln-mobile said-all --quiet", 0, "", "");
    term.shows("Closing lengkap");
    let out = press(&home, "next --format json").status(0).out.clone();
    let result = json(&out);
    assert_eq!((&result["state"], &result["did"][0]), (&"done".into(), &"next-call".into()), "{out}");
    term.shows("▐nonaktif▌").hides("▐PLN Mobile▌");
    term.quits();
}

#[test]
fn without_a_prompter_nothing_is_pressed() {
    let home = Home::new();
    does(&home, "said", 1, "Tidak ada layar penutup yang terbuka\n", "");
    let none = press(&home, "--format json");
    none.status(1).err_is("Tidak ada layar penutup yang terbuka\n");
    assert_eq!(json(&none.out)["state"], "no-prompter");
    let mut term = prompter(&home, &[]);
    does(&home, "said --seat meja+3", 1, "Tidak ada layar penutup yang terbuka di seat \"meja 3\"\n", "");
    term.signal("STOP");
    let ran = home.penutup(["press", "said", "--format", "json"]).env("PENUTUP_CALL_WAIT", "200").run();
    ran.status(1).err_is("Layar penutup terbuka tetapi tidak merespons\n");
    assert_eq!(json(&ran.out)["state"], "no-reply");
    term.signal("CONT");
    does(&home, "", 0, "", FIRST);
    assert_eq!(was_marked(&term), 0);
    term.quits();
}

#[test]
fn a_prompter_with_no_connection_to_spare_is_busy() {
    let home = Home::new();
    let mut term = prompter(&home, &[]);
    // Commands that keep it busy for a while, on as many connections as it has. Each differs from the one before, or it
    // would be taken for a held key.
    let many: Vec<&str> = ["\"topik=pln-mobile\"", "\"topik=lain\""].into_iter().cycle().take(16).collect();
    let command = |presses: &[&str]| format!("{{\"do\":\"press\",\"press\":[{}]}}\n", presses.join(","));
    let commands = (command(&many) + &command(&many[1..])).repeat(30);
    eventually("a busy prompter", || {
        let mut clients: Vec<RawClient> = (0..CONNECTIONS).map(|_| RawClient::of(&home)).collect();
        for client in &mut clients {
            client.send(commands.as_bytes());
        }
        // Between two commands each connection could be closed for another one, so the first attempt may get through.
        (0..10).any(|_| {
            let ran = home.penutup(["press", "--format", "json"]).env("PENUTUP_CALL_WAIT", "30").run();
            let is_busy = json(&ran.out)["state"] == "busy";
            if is_busy {
                ran.status(1).err_is("Layar penutup terbuka tetapi sedang sibuk; tidak ada yang ditekan\n");
            }
            is_busy
        })
    });
    eventually("a reply", || press(&home, "--format json").out.contains("\"state\":\"done\""));
    term.quits();
}

#[test]
fn an_unknown_word_is_status_2_and_nothing_of_its_command_happens() {
    let home = Home::new();
    let mut term = prompter(&home, &[]);
    for (args, parts) in [
        ("topik=pln-mobile sadi", &["\"sadi\"", "\"said\""][..]),
        ("said topik=pln-mobil", &["\"topik=pln-mobil\"", "\"pln-mobile\""]),
        ("said Said", &["\"Said\""]),
        ("said q", &["\"q\""]),
        ("said =", &["\"=\""]),
        ("said nama=Siti", &["\"nama=Siti\" harus diketik"]),
        ("said nama", &["\"nama\" harus diketik"]),
    ] {
        let ran = press(&home, args);
        ran.status(2);
        assert_eq!(ran.out, "", "{args}");
        for part in parts {
            assert!(ran.err.contains(part), "{args}: {part} in {}", ran.err);
        }
    }
    let hostile = press(&home, "\u{1b}[31mx\u{1b}]0;z\u{7}");
    hostile.status(2);
    assert_harmless(&hostile.err);
    let long = "x".repeat(129);
    for args in [long, vec!["said"; 17].join(" ")] {
        press(&home, &args).status(2);
    }
    press(&home, "--mati").status(2);
    does(&home, "", 0, "", FIRST);
    assert_eq!(was_marked(&term), 0);
    term.shows("▐nonaktif▌").hides("▐PLN Mobile▌").quits();
}

#[test]
fn of_several_presses_all_happen_or_none() {
    let home = Home::new();
    let mut term = prompter(&home, &[]);
    let too_soon = "\"said\" tidak ditekan: terlalu cepat sesudah tekanan sebelumnya\n";
    does(&home, "topik=pln-mobile said said", 1, too_soon, FIRST);
    term.hides("▐PLN Mobile▌");
    assert_eq!(was_marked(&term), 0);
    // The refused press started the time again.
    term.rest();
    press(&home, "topik=pln-mobile said").status(0).err_is("");
    term.shows("▐PLN Mobile▌");
    let refused = press(&home, "klb next --format json");
    refused.status(1).err_is("\"next\" tidak ditekan: closing belum lengkap\n");
    let result = json(&refused.out);
    assert_eq!(result["state"], "refused");
    assert_eq!(result["refused"], serde_json::json!({ "at": 1, "why": "incomplete" }));
    assert_eq!(result["did"], serde_json::json!([]));
    term.shows("▐nonaktif▌").quits();
}

#[test]
fn an_open_question_takes_no_press_but_back() {
    let home = Home::new();
    let mut term = prompter(&home, &[]);
    press(&home, "said").status(0);
    does(&home, "end", 0, "", ASKED);
    term.shows(QUESTION);
    for word in ["said", "said-all", "end", "klb", "topik=pln-mobile", "basis", "copy", "next"] {
        let err = format!("\"{word}\" tidak ditekan: layar sedang bertanya\n");
        does(&home, word, 1, &err, ASKED);
    }
    does(&home, "back", 0, "", SECOND);
    term.hides(QUESTION);
    term.quits();
}

#[test]
fn a_press_answers_the_question_how_the_call_ended_and_only_that_question() {
    let home = Home::new();
    let mut term = prompter(&home, &[]);
    press(&home, "said").status(0);
    let nothing_asked = "\"end=dialihkan\" tidak ditekan: layar tidak sedang menanyakan itu\n";
    does(&home, "end=dialihkan", 1, nothing_asked, SECOND);
    let unknown = press(&home, "end end=dialikan");
    unknown.status(2);
    assert!(unknown.err.contains("Pilihan \"end=dialikan\" tidak dikenal"), "{}", unknown.err);
    assert!(unknown.err.contains("Maksudnya \"dialihkan\"?"), "{}", unknown.err);
    does(&home, "end end=dialihkan", 0, "", &format!("Ditutup: dialihkan; undo kembali (10 detik). {FIRST}"));
    term.shows("Ditutup: dialihkan");
    term.quits();
    let report = json(&home.penutup(["report", "--format", "json"]).run().out);
    assert_eq!(report["total"]["endings"], serde_json::json!({ "dialihkan": 1 }), "{report:#}");
}

#[test]
fn the_question_whether_to_quit_names_the_press_that_closes_it() {
    let home = Home::new();
    let mut term = prompter(&home, &[]);
    press(&home, "said").status(0);
    term.send("q").shows("Tetap keluar?");
    does(&home, "klb", 1, "\"klb\" tidak ditekan: layar sedang bertanya\n", LEAVING);
    does(&home, "", 0, "", LEAVING);
    does(&home, "back", 0, "", SECOND);
    term.hides("Tetap keluar?").quits();
}

#[test]
fn a_press_sets_the_zone() {
    let home = Home::new();
    let mut term = prompter(&home, &[]);
    press(&home, "zone=wita").status(0).err_is("");
    term.shows("15.20 WITA").shows("▐WITA▌");
    does(&home, "zone=WITA", 0, "\"zone=WITA\" tidak mengubah apa pun\n", FIRST);
    press(&home, "zone").status(0).err_is("");
    term.shows("▐WIT▌");
    let unknown = press(&home, "zone=WITAA");
    unknown.status(2);
    assert!(unknown.err.contains("Maksudnya \"WITA\"?"), "{}", unknown.err);
    term.quits();
}

#[test]
fn a_press_answers_whether_a_fact_is_still_in_effect() {
    let mut s = Stage::at("01:00");
    s.keys("k").wait(12 * 3600 + 60);
    let question =
        "KLB AKTIF sejak 01.00, lebih dari 12 jam. Masih berlaku? Jawab still jika masih, klb jika sudah tidak. ";
    let said = |s: &mut Stage, words: &str| pressed(s, words).say.expect("a line");
    let first = said(&mut s, "");
    assert!(first.starts_with(question), "{first}");
    // The banner asks it all the time, the reply at the beginning of a call.
    assert!(!said(&mut s, "said").contains("Masih berlaku?"));
    s.later(700);
    let began = said(&mut s, "said-all next");
    assert!(began.contains(&format!("kembali (10 detik). {question}")), "{began}");
    assert_eq!(pressed(&mut s, "basis").did, [Did::Done]);
    let answered = pressed(&mut s, "still");
    assert_eq!(answered.did, [Did::Done], "also over a panel");
    assert!(answered.say.is_some_and(|say| say.starts_with("KLB: AKTIF. ")));
    s.later(700);
    assert_eq!(refusal(&mut s, "still"), Some(PressRefusal::NoQuestion), "it was answered");
    assert!(!said(&mut s, "").contains("Masih berlaku?"));
}

/// Also where the next call has other facts than the one that ended.
#[test]
fn a_press_that_ends_a_call_says_so() {
    let mut s = Stage::at("14:00");
    let said = |s: &mut Stage, words: &str| {
        s.later(1300);
        pressed(s, words).say.expect("a line") + "\n"
    };
    let ended = "Closing lengkap. Panggilan selesai; undo kembali (10 detik). ";
    assert_eq!(said(&mut s, "topik=pln-mobile said-all next"), format!("{ended}{FIRST}"));
    assert_eq!(said(&mut s, "undo"), "Kembali ke panggilan tadi. Topik: PLN Mobile. Closing lengkap\n");
    assert_eq!(said(&mut s, "topik=lain"), format!("{ended}{FIRST}"), "a value begins the next call");
    said(&mut s, "said-all");
    assert_eq!(said(&mut s, "topik=pln-mobile"), format!("{ended}Topik: PLN Mobile. {UPDATE}"));
    said(&mut s, "said-all");
    let field = "[[field]]\nid      = \"sapaan\"";
    let values = "[{ id = \"a\", label = \"A\" }, { id = \"b\", label = \"B\" }]";
    let fact = format!("[[fact]]\nid = \"asal\"\nlabel = \"Asal\"\nvalues = {values}\n\n{field}");
    s.reload(&revised(&[(field, &fact)]));
    let other = said(&mut s, "next");
    assert!(other.starts_with(ended) && other.ends_with(FIRST), "{other}");
    assert_eq!(s.fact("asal"), "a");
}

#[test]
fn a_reply_names_as_many_undos_as_return_to_the_call_that_ended() {
    for (words, undo) in [
        ("next", "undo"),
        ("next topik=pln-mobile", "undo undo"),
        ("next topik=pln-mobile klb", "undo undo undo"),
        ("topik=lain", "undo"),
        ("next end", "back undo"),
        ("topik=pln-mobile", "undo"),
        ("topik=pln-mobile aplikasi=belum", "undo undo"),
    ] {
        let mut s = Stage::at("14:00");
        s.keys("s").later(1300);
        let ended = pressed(&mut s, words).say.expect("a line");
        let told = format!("Closing lengkap. Panggilan selesai; {undo} kembali (10 detik). ");
        assert!(ended.starts_with(&told), "{words}: {ended}");
        let returned = pressed(s.later(1300), undo).say.expect("a line");
        assert!(returned.starts_with("Kembali ke panggilan tadi. "), "{words}: {returned}");
    }
}

/// A value begins the next call, whose rules may not have it any more.
#[test]
fn a_press_whose_value_the_next_calls_rules_lack_is_refused_and_nothing_is_pressed() {
    for word in ["zone=WITA", "aplikasi=telah"] {
        let mut s = Stage::at("14:00");
        s.keys("s").reload(&revised(&[("\"telah\"", "\"punya\""), ("\"WITA\"", "\"WITENG\"")])).later(1300);
        let before = (s.complete(), s.app.call().spoken().len());
        let reply = pressed(&mut s, word);
        let refused = reply.refused.expect("a reason");
        assert_eq!((reply.did.len(), refused.at), (0, 0), "{word}");
        assert!(refused.valid.iter().any(|valid| ["WITENG", "punya"].contains(&valid.as_str())), "{:?}", refused.valid);
        assert_eq!((s.complete(), s.app.call().spoken().len()), before, "{word}");
    }
}

#[test]
fn a_field_that_is_being_typed_takes_no_press_but_back() {
    let home = Home::new();
    let mut term = prompter(&home, &[]);
    term.send("nsa").shows(TYPING);
    for word in ["said", "undo", "klb", "end", "next"] {
        does(&home, word, 1, &format!("\"{word}\" tidak ditekan: sebuah isian sedang diketik\n"), FIRST);
    }
    term.send("ri\r").shows("N sari");
    term.send("n").shows(TYPING);
    does(&home, "back", 0, "", FIRST);
    term.shows("N sari").quits();
}

#[test]
fn a_press_that_changes_a_fact_says_which_also_where_the_sentence_stays() {
    let home = Home::new();
    let mut term = prompter(&home, &[]);
    does(&home, "said-all", 0, "", "Closing lengkap\n");
    for (word, state) in
        [("klb", "KLB: AKTIF"), ("klb=tidak", "KLB: nonaktif"), ("klb", "KLB: AKTIF"), ("undo", "KLB: nonaktif")]
    {
        does(&home, word, 0, "", &format!("{state}. Closing lengkap\n"));
        term.rest();
    }
    term.quits();
}

#[test]
fn a_press_over_a_panel_does_what_its_key_does_there() {
    let home = Home::new();
    let mut term = prompter(&home, &[]);
    does(&home, "basis", 0, "", FIRST);
    term.shows("Dasar SOP");
    let covered =
        |word: &str| format!("\"{word}\" tidak ditekan: kalimatnya sedang tertutup panel atau langkah lain\n");
    for word in ["said-all", "next", "end", "copy"] {
        does(&home, word, 1, &covered(word), FIRST);
    }
    let nothing = "\"topik=pln-mobile\" tidak mengubah apa pun\n";
    does(&home, "topik=pln-mobile topik=pln-mobile", 0, nothing, &format!("Topik: PLN Mobile. {UPDATE}"));
    does(&home, "said", 0, "\"said\" hanya menutup panel atau langkah yang sedang dilihat\n", UPDATE);
    term.hides("Dasar SOP");
    does(&home, "recap", 0, "", UPDATE);
    term.shows("Rekap");
    does(&home, "back", 0, "", UPDATE);
    term.quits();
}

#[test]
fn what_the_window_does_not_show_is_not_ticked() {
    let home = Home::new();
    let mut term = prompter(&home, &[]);
    term.resize_unseen(9, 24).hides("? daftar tombol");
    for word in ["said", "said-all"] {
        does(&home, word, 1, &format!("\"{word}\" tidak ditekan: kalimatnya tidak muat di jendela\n"), FIRST);
    }
    term.resize_unseen(80, 24).shows("? daftar tombol");
    press(&home, "topik said").status(0).err_is("");
    term.quits();
}

#[test]
fn a_sentence_that_the_telephone_just_changed_is_not_ticked() {
    let home = Home::new();
    let mut term = prompter(&home, &[]);
    let mut client = RawClient::of(&home);
    client.read_line();
    client.send(b"{\"do\":\"set\",\"set\":[[\"klb\",\"ya\"]]}\n{\"do\":\"press\",\"press\":[\"said\"]}\n");
    client.read_line();
    let reply = client.read_line();
    assert!(reply.contains("\"refused\":{\"at\":0,\"why\":\"changed\"}") && reply.contains("\"did\":[]"), "{reply}");
    term.shows("KLB AKTIF");
    assert_eq!(was_marked(&term), 0);
    term.rest();
    press(&home, "said").status(0).err_is("");
    call(&home, "end").status(0);
    term.shows(QUESTION).send("1").hides(QUESTION).quits();
}

#[test]
fn a_malformed_press_costs_its_sender_the_connection() {
    let home = Home::new();
    let mut term = prompter(&home, &[]);
    for (list, bad) in [
        ("", "garbled"),
        (",\"press\":\"said\"", "garbled"),
        (",\"press\":[\"said\",7]", "garbled"),
        (&format!(",\"press\":[{}\"said\"]", "\"said\",".repeat(16)), "too-long"),
    ] {
        let mut client = RawClient::of(&home);
        client.read_line();
        let reply = client.request(&format!("{{\"do\":\"press\"{list}}}"));
        assert_eq!((reply, client.read_line()), (format!("{{\"ignored\":[],\"bad\":\"{bad}\"}}\n"), String::new()));
    }
    let mut agent = RawClient::of(&home);
    agent.read_line();
    agent.request("{\"do\":\"fleet\"}");
    let reply = agent.request("{\"do\":\"press\",\"press\":[\"said\"]}");
    assert_eq!(reply, "{\"ignored\":[],\"bad\":\"out-of-turn\"}\n", "the agent presses nothing");
    does(&home, "", 0, "", FIRST);
    term.quits();
}

#[test]
fn in_line_mode_a_press_is_printed() {
    let home = Home::new();
    let mut term = Term::start(&home.penutup(["--at", "14:20"]).env("TERM", "dumb").command());
    term.shows("Untuk mewujudkan PLN terbaik");
    eventually("the prompter listens", || press(&home, "").status == Some(0));
    does(&home, "said", 0, "", SECOND);
    term.shows("Ditekan dari luar. Sudah: Campaign Integritas.").shows("Agar semua makin mudah");
    term.send("q\n").shows("Tetap keluar").send("q\n");
    assert!(term.ends().success());
}

#[test]
fn in_line_mode_a_press_prints_a_panels_page_and_the_panel_covers_nothing() {
    let home = Home::new();
    let mut term = Term::sized(&home.penutup(["--at", "14:20"]).env("TERM", "dumb").command(), 100, 100);
    term.shows("Untuk mewujudkan PLN terbaik");
    eventually("the prompter listens", || press(&home, "").status == Some(0));
    does(&home, "basis", 0, "", FIRST);
    term.shows("Ditekan dari luar. Dasar SOP.").shows("Sumber: SOP bawaan program.");
    does(&home, "said", 0, "", SECOND);
    term.shows("Sudah: Campaign Integritas.");
    does(&home, "recap", 0, "", SECOND);
    term.shows("Rekap hari ini dibaca dari jurnal. Rekap hari ini.");
    term.send("x\n").shows(QUESTION).send("2\n").shows("Ditutup: dialihkan");
    term.send("q\n");
    assert!(term.ends().success());
}

#[test]
fn in_line_mode_a_refusal_is_printed_each_time_and_that_of_a_held_hotkey_once() {
    let home = Home::new();
    let mut term = Term::sized(&home.penutup(["--at", "14:20"]).env("TERM", "dumb").command(), 100, 100);
    term.shows("Untuk mewujudkan PLN terbaik");
    eventually("the prompter listens", || press(&home, "").status == Some(0));
    let count = |term: &Term, words: &str| term.text().matches(words).count();
    for times in 1..=3 {
        press(&home, "sadi").status(2);
        eventually("the refusal", || count(&term, "bernama \"sadi\"") == times);
    }
    press(&home, "klb=ya").status(0);
    let mut client = RawClient::of(&home);
    client.read_line();
    for _ in 0..20 {
        assert!(client.request("{\"do\":\"press\",\"press\":[\"klb=ya\"]}").contains("too-soon"));
    }
    press(&home, "topik").status(0);
    term.shows("Topik: PLN Mobile.");
    assert_eq!(count(&term, "terlalu cepat"), 1, "{}", term.text());
    term.send("q\n").shows("Tetap keluar").send("q\n");
    assert!(term.ends().success());
}

#[test]
fn in_line_mode_a_question_prints_nothing_and_a_refused_press_repeats_what_is_asked() {
    let home = Home::new();
    let mut term = Term::sized(&home.penutup(["--at", "14:20"]).env("TERM", "dumb").command(), 100, 100);
    term.shows("Untuk mewujudkan PLN terbaik");
    eventually("the prompter listens", || press(&home, "").status == Some(0));
    let count = |term: &Term, words: &str| term.text().matches(words).count();
    press(&home, "undo").status(0);
    term.shows("Tidak ada yang dapat diurungkan.");
    for _ in 0..3 {
        does(&home, "", 0, "", FIRST);
    }
    press(&home, "next").status(1);
    eventually("the sentence again", || count(&term, "Sekarang, No. 1: Campaign Integritas.") == 2);
    assert_eq!(count(&term, "Tidak ada yang dapat diurungkan."), 1);
    press(&home, "end").status(0);
    term.shows(QUESTION);
    press(&home, "said").status(1);
    eventually("the question again", || count(&term, QUESTION) == 2);
    assert_eq!(count(&term, "Ditekan dari luar."), 2, "{}", term.text());
    term.send("-\n").send("q\n");
    assert!(term.ends().success());
}

/// Presses on a stage, and the reply.
fn pressed(s: &mut Stage, words: &str) -> PressReply {
    let presses = Presses::new(words.split_whitespace().map(str::to_owned).collect()).expect("few and short");
    s.act(Message::Press { presses, is_seen: true });
    let reply = s.effects.iter().find_map(|effect| match effect {
        Effect::Pressed(reply) => Some((**reply).clone()),
        _ => None,
    });
    reply.expect("a reply")
}

fn refusal(s: &mut Stage, words: &str) -> Option<PressRefusal> {
    pressed(s, words).refused.map(|refused| refused.why)
}

/// Nobody sees the output of a hotkey or of a button's command.
#[test]
fn a_refused_press_says_why_on_the_screen() {
    for (before, word, notice) in [
        ("n", "said", "\"said\" tidak ditekan: sebuah isian sedang diketik"),
        ("x", "said", "\"said\" tidak ditekan: layar sedang bertanya"),
        ("d", "end", "\"end\" tidak ditekan: kalimatnya sedang tertutup panel atau langkah lain"),
        ("", "next", "\"next\" tidak ditekan: closing belum lengkap"),
        ("", "end=dialihkan", "\"end=dialihkan\" tidak ditekan: layar tidak sedang menanyakan itu"),
        ("", "still", "\"still\" tidak ditekan: layar tidak sedang menanyakan itu"),
        ("d", "still", "\"still\" tidak ditekan: layar tidak sedang menanyakan itu"),
        ("", "zone=WIX", "Pilihan \"zone=WIX\" tidak dikenal; tidak ada yang ditekan"),
        ("", "sadi", "Tidak ada tombol, kondisi, atau isian bernama \"sadi\"; tidak ada yang ditekan"),
        ("", "klb=mungkin", "Pilihan \"klb=mungkin\" tidak dikenal; tidak ada yang ditekan"),
        ("", "nama", "\"nama\" harus diketik; tidak ada yang ditekan"),
        ("", "topik sadi", "Tidak ada tombol, kondisi, atau isian bernama \"sadi\"; tidak ada yang ditekan"),
        ("", "said said", "\"said\" tidak ditekan: terlalu cepat sesudah tekanan sebelumnya"),
    ] {
        let mut s = Stage::at("14:00");
        s.keys(before);
        assert!(refusal(&mut s, word).is_some(), "{before} {word}");
        assert_eq!(s.notice(), notice, "{before} {word}");
        assert!(!s.app.is_pressed_outside(), "{before} {word}");
    }
    let mut s = Stage::at("14:00");
    pressed(&mut s, "x\u{1b}[31m\n=y");
    assert_harmless(&s.notice());
}

#[test]
fn a_held_hotkey_covers_no_notice_of_its_first_press() {
    let mut s = Stage::at("14:00");
    pressed(&mut s, "said-all");
    s.later(700);
    pressed(&mut s, "next");
    let notice = s.notice();
    assert!(notice.contains("Backspace kembali"), "{notice}");
    for _ in 0..5 {
        s.later(30);
        assert_eq!(refusal(&mut s, "next"), Some(PressRefusal::TooSoon));
        assert_eq!(s.notice(), notice);
    }
}

#[test]
fn a_held_hotkey_presses_once_and_restarts_the_time() {
    let mut s = Stage::at("14:00");
    for word in ["said", "klb", "undo"] {
        assert_eq!(refusal(&mut s, word), None, "{word}");
        let state = (s.said().len(), s.fact("klb").to_owned());
        for _ in 0..10 {
            s.later(600);
            assert_eq!(refusal(&mut s, word), Some(PressRefusal::TooSoon), "{word}");
        }
        assert_eq!((s.said().len(), s.fact("klb").to_owned()), state, "{word}");
        s.later(700);
    }
    // Space and a press share the time.
    let mut s = Stage::at("14:00");
    s.keys("␣");
    s.later(600);
    assert_eq!(refusal(&mut s, "said"), Some(PressRefusal::TooSoon));
    s.later(600);
    s.quick(0, "␣");
    assert_eq!(s.said().len(), 1, "Space waits for the press too");
}

#[test]
fn the_grace_after_a_change_is_that_of_a_key() {
    for (ms, expected) in [(0, Some(PressRefusal::Changed)), (1199, Some(PressRefusal::Changed)), (1200, None)] {
        for word in ["said", "said-all"] {
            let mut s = Stage::at("14:00");
            s.sets("klb=ya");
            s.later(ms);
            assert_eq!(refusal(&mut s, word), expected, "{ms} {word}");
            assert_eq!(s.notice().is_empty(), expected.is_none(), "{ms} {word}: {}", s.notice());
        }
    }
}

#[test]
fn the_mark_ends_by_itself_after_a_second() {
    let mut s = Stage::at("14:00");
    assert_eq!(pressed(&mut s, "klb").did, [Did::Done]);
    assert!(s.app.is_pressed_outside());
    assert_eq!(s.app.next_change(), s.app.now() + TimeDelta::seconds(1));
    s.wait(1);
    assert!(!s.app.is_pressed_outside());
    assert_eq!(s.app.next_change(), s.app.now() + TimeDelta::seconds(59), "and then nothing until the next minute");
    // Neither a question nor a refusal is marked.
    pressed(&mut s, "");
    pressed(&mut s, "next");
    assert!(!s.app.is_pressed_outside());
}

#[test]
fn what_did_nothing_says_so() {
    let mut s = Stage::at("14:00");
    assert_eq!(pressed(&mut s, "undo").did, [Did::Nothing]);
    assert_eq!(pressed(&mut s, "klb=ya").did, [Did::Done]);
    s.later(700);
    assert_eq!(pressed(&mut s, "klb=ya").did, [Did::Nothing]);
    assert_eq!(pressed(&mut s, "said-all").did, [Did::Ticked]);
    assert_eq!(pressed(&mut s, "said-all said").did, [Did::Nothing, Did::NextCall]);
}

#[test]
fn a_refused_repetition_delays_the_next_space_only_if_it_ticks() {
    for (word, said) in [("topik", 1), ("copy", 1), ("said", 0)] {
        let mut s = Stage::at("14:00");
        pressed(&mut s, word);
        if word == "said" {
            pressed(&mut s, "undo");
        }
        s.later(650);
        assert_eq!(refusal(&mut s, word), Some(PressRefusal::TooSoon), "{word}");
        s.later(100);
        s.quick(0, "␣");
        assert_eq!(s.said().len(), said, "{word}");
    }
}

#[test]
fn a_value_for_a_finished_call_begins_the_next_with_it_though_the_finished_has_the_same() {
    for (set, fact, field) in [
        ("topik=pln-mobile", "pln-mobile", "Bapak/Ibu"),
        ("topik=lain", "lain", "Bapak/Ibu"),
        ("sapaan=ibu", "lain", "Ibu"),
    ] {
        let mut s = Stage::at("14:00");
        pressed(&mut s, &format!("{set} said-all"));
        let finished = s.app.number();
        s.later(700);
        assert_eq!(pressed(&mut s, set).did, [Did::Done], "{set}");
        assert_eq!((s.app.number(), s.said().len()), (finished + 1, 0), "{set}");
        assert_eq!((s.fact("topik"), s.field("sapaan")), (fact, field.to_owned()), "{set}");
        // Repeated, it is set already.
        s.later(700);
        assert_eq!(pressed(&mut s, set).did, [Did::Nothing], "{set}");
        assert_eq!(pressed(&mut s, "undo").did, [Did::Done], "{set}");
        assert_eq!(s.app.number(), finished, "{set}: one undo returns");
    }
    // A shift fact begins nothing.
    let mut s = Stage::at("14:00");
    pressed(&mut s, "klb=ya said-all");
    let finished = s.app.number();
    s.later(700);
    assert_eq!(pressed(&mut s, "klb=ya").did, [Did::Nothing]);
    assert_eq!(s.app.number(), finished);
}
