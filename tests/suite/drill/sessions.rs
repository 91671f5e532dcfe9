//! Practice, exam and presentation in a real pseudo-terminal: from the first screen to the sheet on the disk.

use std::path::Path;
use std::sync::Arc;

use penutup::drill::card::Card;
use penutup::drill::generate::{CardGenerator, full_coverage};
use penutup::drill::rng::Rng;
use penutup::drill::story::Stories;
use penutup::drill::threshold::needed;
use penutup::loaded::LoadedRules;

use crate::support::{Home, json};
use crate::term::{Term, eventually};

/// The cards that the program generates for a seed.
fn cards(seed: u64) -> (Arc<LoadedRules>, Vec<Card>) {
    let loaded = Arc::new(LoadedRules::built_in());
    let cards =
        CardGenerator::new(&loaded.rules, &Stories::built_in()).generate(&full_coverage(&loaded.rules), seed).cards;
    (loaded, cards)
}

/// The cards of an exam with the usual threshold.
fn exam_cards(seed: u64) -> (Arc<LoadedRules>, Vec<Card>) {
    let loaded = Arc::new(LoadedRules::built_in());
    let cards = CardGenerator::new(&loaded.rules, &Stories::built_in()).generate_exam(90, seed).cards;
    (loaded, cards)
}

/// The keys that answer a card without the script: digits for its steps, arrows for its greeting.
fn blind_keys(loaded: &LoadedRules, card: &Card, at: usize, seed: u64) -> String {
    let rules = &loaded.rules;
    let ids = rules.steps.iter().filter(|s| s.is_spoken()).map(|s| s.id.as_str());
    let mut offered: Vec<&str> = ids.collect();
    Rng::new(seed ^ (at as u64 + 1)).shuffle(&mut offered);
    let digit = |id: &str| (offered.iter().position(|o| *o == id).expect("offered") + 1).to_string();
    let steps: String = card.spoken(rules).iter().map(|s| digit(&rules.step(*s).id)).collect();
    steps + &"\x1b[C".repeat(card.greeting(rules) + 1) + "\r"
}

fn read(path: &Path) -> serde_json::Value {
    json(&std::fs::read_to_string(path).expect("the sheet"))
}

#[test]
fn an_exam_is_passed_or_failed_and_its_sheet_written() {
    let home = Home::new();
    let (loaded, cards) = exam_cards(7);
    assert_eq!((cards.len(), needed(90, cards.len())), (10, 9));
    for (id, out, format, wrong) in
        [("cso-1", "satu.json", "json", 0), ("cso-2", "dua.csv", "csv", 0), ("cso-3", "tiga.json", "json", 2)]
    {
        let args =
            ["drill", "--exam", "--seed", "7", "--pass", "90", "--trainee", id, "--format", format, "--out", out];
        let mut term = Term::start(&home.penutup(args).command());
        term.shows("Ujian closing").shows("Lulus jika 9 dari 10 kartu tepat (90%)").hides("nomor soal").send(" ");
        for (at, card) in cards.iter().enumerate() {
            term.shows(&format!("kartu {} dari {}", at + 1, cards.len())).shows(&card.person.introduced());
            let keys = if at < wrong { "1\x1b[C\r".into() } else { blind_keys(&loaded, card, at, 7) };
            term.send(keys);
        }
        term.shows("lembar nilai").shows(if wrong == 0 {
            "LULUS (diperlukan 9 dari 10 kartu: 90%)"
        } else {
            "Belum lulus (diperlukan 9 dari 10 kartu: 90%)"
        });
        term.send("q");
        assert_eq!(term.ends().exit_code(), u32::from(wrong > 0), "{id}");
        term.assert_restored();
    }
    let sheet = read(&home.path().join("satu.json"));
    assert_eq!((&sheet["score"], &sheet["passed"], &sheet["complete"]), (&100.into(), &true.into(), &true.into()));
    assert_eq!(sheet["rules_sha256"], loaded.sha256());
    let failed = read(&home.path().join("tiga.json"));
    assert_eq!((&failed["passed"], &failed["complete"], &failed["pass"]), (&false.into(), &true.into(), &90.into()));
    let csv = std::fs::read_to_string(home.path().join("dua.csv")).expect("the sheet");
    let mut lines = csv.lines();
    assert!(lines.next().is_some_and(|heading| heading.starts_with("schema,trainee,exam,seed,way,revision,")), "{csv}");
    let rows: Vec<&str> = lines.collect();
    assert_eq!(rows.len(), cards.len());
    assert!(
        rows.iter().all(|row| row.starts_with("1,cso-2,true,7,hafalan,Rev-1,") && row.contains(",true,true,")),
        "{csv}"
    );
}

#[test]
fn an_exam_that_cannot_cover_every_rule_says_so_at_the_start_and_in_its_sheet() {
    let home = Home::new();
    home.write_config("rules.toml", super::verbs::with_a_new_fact());
    for (form, out) in [("json", "a.json"), ("csv", "a.csv"), ("text", "a.txt")] {
        let args = ["drill", "--exam", "--seed", "7", "--format", form, "--out", out];
        let mut term = Term::sized(&home.penutup(args).command(), 100, 30);
        term.shows("Ujian closing").shows("tidak mencakup semua aturan").shows("lain-telah, telah-pengaduan");
        term.hides("kartu, semua aturan").send(" ").shows("kartu 1 dari").send("q").shows("Tetap keluar?").send("q");
        assert_eq!(term.ends().exit_code(), 1);
        let sheet = std::fs::read_to_string(home.path().join(out)).expect("the sheet");
        assert!(sheet.contains("lain-telah") && sheet.contains("telah-pengaduan"), "{sheet}");
    }
    let sheet = read(&home.path().join("a.json"));
    assert_eq!(sheet["not_asked"], serde_json::json!(["lain-telah", "telah-pengaduan"]));

    // Without any card there is no exam.
    let rules = penutup::rules::BUILT_IN.replace("id       = \"klb\"", "id       = \"darurat\"");
    home.write_config("rules.toml", rules.replace("klb = ", "darurat = "));
    let mut term = Term::sized(&home.penutup(["drill", "--exam"]).command(), 100, 30);
    assert_eq!(term.ends().exit_code(), 2);
    term.shows("Tidak ada skenario yang cocok").shows("kalimat-lengkap-1").shows("penutup drill --list");
}

#[test]
fn an_aborted_exam_is_not_passed_and_its_sheet_says_so() {
    for (how, status) in [("q", Some(1)), ("\x03", Some(1)), ("TERM", None)] {
        let home = Home::new();
        let (loaded, cards) = exam_cards(3);
        let args = ["drill", "--exam", "--seed", "3", "--format", "json", "--out", "n.json"];
        let mut term = Term::start(&home.penutup(args).command());
        term.shows("Ujian").send(" ").shows("kartu 1 dari").send(blind_keys(&loaded, &cards[0], 0, 3));
        term.shows("kartu 2 dari").send("r").shows("Esc R kembali").send("\x1b").hides("Esc R kembali");
        if how == "q" {
            term.send("q").shows("Tetap keluar?").send("\x1b").hides("Tetap keluar?");
            term.send("q").shows("Tetap keluar?").send("q");
        } else if status.is_some() {
            term.send(how);
        } else {
            term.signal(how);
        }
        let ended = term.ends();
        match status {
            Some(status) => assert_eq!(ended.exit_code(), status, "{how:?}"),
            None => assert_eq!(ended.signal(), Some("Terminated")),
        }
        term.assert_restored();
        let sheet = read(&home.path().join("n.json"));
        assert_eq!((&sheet["complete"], &sheet["passed"]), (&false.into(), &false.into()), "{how:?}");
        assert_eq!(
            (&sheet["count"], &sheet["seed"], &sheet["score"]),
            (&10.into(), &serde_json::Value::Null, &serde_json::Value::Null),
            "{how:?}"
        );
        let rows = sheet["cards"].as_array().expect("rows");
        assert_eq!((rows.len(), rows[0].get("right"), rows[0].get("steps")), (1, None, None), "{how:?}");
        assert_eq!(rows[0]["answer"]["steps"].as_array().map(Vec::len), Some(cards[0].spoken(&loaded.rules).len()));
    }
}

#[test]
fn a_case_is_set_closed_and_explained() {
    let home = Home::new();
    let (loaded, cards) = cards(7);
    let rules = &loaded.rules;
    let mut term = Term::start(&home.penutup(["drill", "--seed", "7"]).command());
    term.shows("Latihan closing").send("1").shows("kartu 1 dari").shows(&cards[0].person.introduced());
    // The key list is its own, and Esc closes only the panel.
    term.send("?").shows("Daftar tombol").send("\x1b").hides("Daftar tombol");
    let mut keys = String::new();
    for (fact, f) in rules.facts.iter().enumerate() {
        keys.push_str(&f.key.expect("a key").to_string().repeat(cards[0].situation.value(fact)));
    }
    keys.push_str(&"z".repeat(cards[0].zone));
    keys.push_str(&"b".repeat(cards[0].honorific.expect("an honorific").1));
    // Five different letters within a second would count as typed for another window.
    term.send(keys).rest().send("n").shows("ketik nama").send(format!("{}\r", cards[0].person.name)).rest();
    term.send("s").shows("Closing lengkap").send(" ");
    term.shows("√ Tepat").shows("Kalimatnya").shows(rules.rules[0].basis.as_deref().map_or("", |_| "Dasar"));
    term.send("\r").shows("kartu 2 dari").send("x").shows("Belum tepat").shows("seharusnya");
    term.shows(&format!("- Nama Pelanggan: belum diisi, seharusnya {}", cards[1].person.name));
    term.quits();
    term.shows("1 dari 2 kartu tepat (50%)");
    assert!(!home.path().join("state").exists(), "practice writes nothing");
}

/// Everything else is right: the name or the honorific alone is told, on the screen and in the sheet.
#[test]
fn a_case_needs_the_storys_name_and_honorific() {
    let home = Home::new();
    let (loaded, cards) = cards(7);
    let card = &cards[0];
    let rules = &loaded.rules;
    let honorific = card.honorific.expect("an honorific").1;
    let right = &rules.fields.iter().find(|field| field.id == "nama").expect("a name").label;
    let first = card.person.name.split(' ').next().expect("a name").to_lowercase();
    let cases = [
        (honorific, first.as_str(), "√ Tepat".to_owned()),
        (honorific, "Sukarno", format!("- {right}: Sukarno, seharusnya {}", card.person.name)),
        (honorific, "", format!("- {right}: belum diisi, seharusnya {}", card.person.name)),
        (0, first.as_str(), format!("- Sapaan: Bapak/Ibu, seharusnya {}", card.person.honorific)),
    ];
    for (presses, name, told) in cases {
        let args = ["drill", "--seed", "7", "--way", "kasus", "--count", "1", "--format", "json"];
        let mut term = Term::sized(&home.penutup(args).command(), 120, 40);
        term.shows("Latihan closing").send(" ").shows("kartu 1 dari 1");
        for (fact, f) in rules.facts.iter().enumerate() {
            let key = f.key.expect("a key").to_string();
            for _ in 0..card.situation.value(fact) {
                term.rest().send(&key);
            }
        }
        term.rest().send("z".repeat(card.zone)).rest().send("b".repeat(presses)).rest();
        if !name.is_empty() {
            term.send("n").shows("ketik nama").send(format!("{name}\r")).rest();
        }
        term.send("s").shows("Closing lengkap").send(" ").shows("Kalimatnya").shows(&told);
        term.shows("√ Zona").shows("√ Kalimat dan urutannya");
        term.send(" ").shows("lembar nilai").send("q");
        let is_right = told == "√ Tepat";
        let expected = format!("\"name\":\"{}\"", card.person.name);
        term.shows(if is_right { "\"right\":true" } else { "\"right\":false" }).shows(&expected);
        term.ends();
    }
}

#[test]
fn a_continued_practice_shows_the_same_state() {
    for by_key in [true, false] {
        let home = Home::new();
        let mut term = Term::start(&home.penutup(["drill", "--seed", "7", "--way", "naskah"]).command());
        term.shows("Latihan").send(" ").shows("kartu 1 dari").send(" ").shows("▌ 1 [1]");
        if by_key {
            term.send("\x1a");
        } else {
            term.signal("TSTP");
        }
        let stat = format!("/proc/{}/stat", term.pid());
        if Path::new("/proc/self/stat").exists() {
            eventually("the stop", || std::fs::read_to_string(&stat).is_ok_and(|s| s.contains(") T ")));
        }
        term.assert_restored();
        term.signal("CONT");
        term.until("the screen", vt100::Screen::alternate_screen);
        term.shows("kartu 1 dari").shows("▌ 1 [1]").send("\x7f").hides("▌ 1 [1]");
        term.quits();
    }
}

#[test]
fn the_text_sheet_has_every_answer_and_the_whole_hash() {
    let home = Home::new();
    let (loaded, cards) = exam_cards(7);
    let rules = &loaded.rules;
    let args = ["drill", "--exam", "--seed", "7", "--format", "text", "--out", "n.txt"];
    let mut term = Term::start(&home.penutup(args).command());
    term.shows("Ujian").send(" ");
    for (at, card) in cards.iter().enumerate() {
        term.shows(&format!("kartu {} dari", at + 1));
        term.send(if at < 2 { "1\x1b[C\r".into() } else { blind_keys(&loaded, card, at, 7) });
    }
    term.shows("lembar nilai").send("q");
    assert_eq!(term.ends().exit_code(), 1);
    let out = std::fs::read_to_string(home.path().join("n.txt")).expect("the sheet");
    assert!(out.contains(loaded.sha256()) && out.contains("Nomor soal 7 "), "{out}");
    assert!(out.contains("8 dari 10 kartu tepat (80%). Belum lulus (diperlukan 9 dari 10 kartu: 90%)"), "{out}");
    let titles: Vec<&str> = cards[2].spoken(rules).iter().map(|s| rules.step(*s).title.as_str()).collect();
    let third = format!("Jawaban: {} · {} · √ Tepat\n", titles.join(" → "), cards[2].greeting_word(rules));
    assert!(out.contains(&third), "{third}: {out}");
    assert_eq!(out.matches(" · Belum tepat\n").count(), 2, "{out}");
}

/// Leaving at the first screen, on the first card, and after three, in each format, on the terminal and in the file.
#[test]
fn an_unfinished_exam_tells_how_far_it_came_and_no_card_that_was_not_answered() {
    let (loaded, cards) = exam_cards(7);
    for (answered, format) in [(0, "text"), (0, "json"), (0, "csv"), (3, "text"), (3, "json"), (3, "csv")] {
        for out in [None, Some("n")] {
            let home = Home::new();
            let mut args = vec!["drill", "--exam", "--seed", "7", "--format", format, "--trainee", "cso-1"];
            args.extend(out.iter().flat_map(|name| ["--out", name]));
            let mut term = Term::sized(&home.penutup(args).command(), 200, 60);
            term.shows("Ujian closing");
            // A stray Q asks, at the first screen as well.
            term.send("q").shows("Tetap keluar?").send("\x1b").hides("Tetap keluar?");
            if answered > 0 {
                term.send(" ");
            }
            for (at, card) in cards.iter().enumerate().take(answered) {
                term.shows(&format!("kartu {} dari 10", at + 1)).send(blind_keys(&loaded, card, at, 7));
            }
            if answered > 0 {
                term.shows(&format!("kartu {} dari 10", answered + 1));
            }
            term.send("q").shows("Tetap keluar?").send("q");
            assert_eq!(term.ends().exit_code(), 1);
            let text = if let Some(name) = out {
                std::fs::read_to_string(home.path().join(name)).expect("the sheet")
            } else {
                let printed = match format {
                    "json" => "\"complete\":false",
                    "csv" => "schema,trainee",
                    _ => "Ujian belum selesai",
                };
                term.shows(printed).text()
            };
            for card in &cards[answered..] {
                for part in [&card.story, &card.person.place, &card.scenario] {
                    let is_seen =
                        cards[..answered].iter().any(|seen| [&seen.person.place, &seen.scenario].contains(&part));
                    assert!(is_seen || !text.contains(part.as_str()), "{part} is in {text}");
                }
            }
            for expected in ["aturan: ", "Per aturan", "\"steps\":[],", "\"right\""] {
                assert!(!text.contains(expected), "{expected} is in {text}");
            }
            if format == "text" {
                let told =
                    format!("Ujian belum selesai: {answered} dari 10 kartu dijawab. Belum lulus (diperlukan 9 dari 10");
                assert!(text.contains(&told), "{told}: {text}");
            }
        }
    }
}

/// In a folder that a class shares, everybody may give the same name.
#[test]
fn a_result_replaces_no_file_that_came_meanwhile_and_a_bad_place_is_told_before_the_exam() {
    let home = Home::new();
    let args = ["drill", "--exam", "--seed", "7", "--format", "json", "--out", "n.json"];
    let mut term = Term::start(&home.penutup(args).command());
    term.shows("Ujian closing");
    assert!(!home.path().join("n.json").exists(), "nothing is written before there is a result");
    home.write("n.json", "lembar lain");
    term.send("\x03");
    assert_eq!(term.ends().exit_code(), 2);
    term.shows("\"complete\":false").shows("n.json sudah ada");
    assert_eq!(std::fs::read_to_string(home.path().join("n.json")).expect("the file"), "lembar lain");
    for (out, why) in [("tak-ada/n.json", "tidak ada"), ("n.json/n.json", "bukan folder"), ("n.json", "sudah ada")] {
        let mut term = Term::start(&home.penutup(["drill", "--exam", "--out", out]).command());
        assert_eq!(term.ends().exit_code(), 2, "{out}");
        term.shows(why).hides("Ujian closing");
    }
}

#[test]
fn a_stray_key_hands_in_no_incomplete_case_of_an_exam() {
    let home = Home::new();
    let mut term = Term::start(&home.penutup(["drill", "--exam", "--seed", "7", "--way", "kasus"]).command());
    term.shows("Ujian closing").send(" ").shows("kartu 1 dari").shows("X serahkan jawaban");
    term.send("x").shows("Belum semua kalimat dicentang").shows("kartu 1 dari");
    term.send(" ").hides("Belum semua kalimat dicentang").rest().send("x").shows("Belum semua kalimat dicentang");
    term.send("s").shows("Closing lengkap").send("x").shows("kartu 2 dari");
    term.send("\x03");
    term.ends();
}

#[test]
fn enter_tells_what_is_missing_and_hands_in_nothing_incomplete() {
    let home = Home::new();
    let mut term = Term::start(&home.penutup(["drill", "--exam", "--seed", "7"]).command());
    term.shows("Ujian closing").send(" ").shows("kartu 1 dari").shows("1 [ ]");
    term.send("\r").shows("Belum ada kalimat yang dipilih.").shows("Salam belum dipilih").shows("kartu 1 dari");
    term.send("1").shows("1 [1]").hides("Belum ada kalimat").shows("Salam belum dipilih");
    term.send("\r\r").shows("Salam belum dipilih").shows("kartu 1 dari");
    term.send("\x1b[C").hides("Salam belum dipilih").send("\r").shows("kartu 2 dari");
    term.send("\x03");
    term.ends();
}

#[test]
fn a_deck_is_played_scene_by_scene() {
    let home = Home::new();
    let mut term = Term::sized(&home.penutup(["demo"]).command(), 60, 18);
    term.shows("Demo 1/11").shows("Untuk mewujudkan PLN terbaik").send(" ").shows("Agar semua makin mudah");
    term.send("\x1b[C").shows("Demo 2/11").shows("Siti Aminah (contoh)");
    term.send("\x1b[C\x1b[C").shows("Demo 4/11").send(" ").shows("Segera update").shows("No. 2.b");
    // The class asks what changes under KLB.
    term.send("k").shows("KLB AKTIF").send("\x7f").hides("KLB AKTIF");
    term.send("\x1b[D").shows("Demo 3/11");
    term.quits();

    home.penutup(["init"]).ok();
    let mut term = Term::start(&home.penutup(["demo", "contoh"]).command());
    term.shows("Demo 1/11");
    term.quits();
    let mut term = Term::start(&home.penutup(["demo", "tak-ada"]).command());
    assert_eq!(term.ends().exit_code(), 2);
    term.shows("Tidak ada demo \"tak-ada\"").shows("contoh");
    home.write_config(
        "decks/salah.toml",
        "schema = 1\ntitle = \"x\"\n[[scene]]\ntitle = \"a\"\ncaption = \"b\"\nset = { kbl = \"ya\" }\n",
    );
    let mut term = Term::start(&home.penutup(["demo", "salah"]).command());
    assert_eq!(term.ends().exit_code(), 2);
    term.shows("salah.toml:6").shows("klb");
}

#[test]
fn a_demo_marks_what_changed_lists_its_keys_and_ends() {
    let home = Home::new();
    let mut term = Term::sized(&home.penutup(["demo"]).command(), 80, 24);
    term.shows("Demo 1/11").shows("Salam Penutup SOP Rev-1").send(" ").shows("*▌");
    term.send("?").shows("Daftar tombol").shows("bagian sebelumnya").send("\x1b").hides("Daftar tombol");
    for scene in 2..=11 {
        term.send("\x1b[C").shows(&format!("Demo {scene}/11"));
    }
    term.send(" ").shows("Hanya jawaban 5").send(" ").shows("Esc kembali ke panggilan").send(" ");
    term.shows("Demo selesai").shows("Backspace kembali").send(" ").rest().shows("Demo selesai");
    term.send("\x7f").shows("Demo 11/11").send(" ").shows("Demo selesai").send("\x1b[H").shows("Demo 1/11");
    term.quits();
}

#[test]
fn a_deck_skips_and_reports_scenes_that_would_be_false() {
    let home = Home::new();
    let moved = penutup::rules::BUILT_IN.replace("from = \"15:00\"", "from = \"15:30\"");
    home.write_config("rules.toml", moved);
    let mut term = Term::sized(&home.penutup(["demo"]).command(), 60, 18);
    term.shows("Demo 1/10").shows("1 bagian dilewati").send("q");
    assert!(term.ends().success());
    term.shows("1 bagian tidak ditampilkan").shows("Jam pelanggan, bukan jam kita");
}
