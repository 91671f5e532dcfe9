//! `drill` and `demo` without a terminal: what works in scripts, and what is refused in one line.

use crate::support::{Home, assert_harmless, penutup};

#[test]
fn without_a_terminal_one_line_suggests_what_prints() {
    let (cards, notes) = ("penutup drill --cards", "penutup demo --notes");
    for (args, instead) in [
        (&["drill"][..], cards),
        (&["drill", "--exam"], cards),
        (&["drill", "--trainee", "a"], cards),
        (&["demo"], notes),
    ] {
        let message = Home::new().penutup(args).failed();
        assert_eq!(message.lines().count(), 1, "{message}");
        assert!(message.contains("memerlukan terminal") && message.contains(instead), "{message}");
    }
    let message = Home::new().penutup(["demo", "tiada"]).failed();
    assert!(message.contains("Tidak ada demo \"tiada\"") && !message.contains("terminal"), "{message}");
}

#[test]
fn the_trainers_page_has_each_step_of_the_rules_in_use_without_a_terminal() {
    let home = Home::new();
    let page = home.penutup(["demo", "--notes"]).ok();
    assert_eq!(page.matches("\n## ").count(), 11, "{page}");
    assert_eq!(page.matches("**Tanyakan:**").count(), 11, "{page}");
    for part in [
        "# Salam Penutup SOP Rev-1",
        "## 7. KLB",
        "K KLB: AKTIF",
        "Segera update aplikasi New PLN Mobile",
        "kalimat ini: No. 2.b",
        "Siti Aminah (contoh)",
        "pukul 14.59",
        "Spasi 1×",
    ] {
        assert!(page.contains(part), "{part} is not in\n{page}");
    }
    home.penutup(["init"]).ok();
    assert_eq!(home.penutup(["demo", "--notes", "contoh"]).ok(), page);
    let moved = home.write(
        "moved.toml",
        penutup::rules::BUILT_IN
            .replace("from = \"15:00\"", "from = \"15:30\"")
            .replace("mohon tidak memberikan", "mohon jangan memberikan"),
    );
    let moved = moved.to_str().expect("a path");
    let page = home.penutup(["demo", "--notes", "--rules", moved]).ok();
    assert!(page.contains("mohon jangan memberikan") && page.matches("\n## ").count() == 10, "{page}");
    assert!(page.contains("Tidak ditampilkan") && page.contains("Jam pelanggan, bukan jam kita"), "{page}");

    let out = home.path().join("trainer.md");
    let out = out.to_str().expect("a path");
    assert!(home.penutup(["demo", "--notes", "--out", out]).ok().contains("Ditulis"));
    assert!(std::fs::read_to_string(out).expect("the page").starts_with("# Salam Penutup"));
    assert!(home.penutup(["demo", "--notes", "--out", out]).failed().contains("sudah ada"));
}

#[test]
fn the_list_names_every_rule_and_the_unreached_ones() {
    let out = Home::new().penutup(["drill", "--list"]).ok();
    for id in ["kalimat-lengkap-1", "klb-pln-mobile-belum", "ajakan-wajib", "urutan"] {
        assert!(out.contains(&format!("√ {id} ")), "{out}");
    }
    assert!(out.starts_with("SOP Rev-1: 49 skenario"), "{out}");

    let home = Home::new();
    let other = penutup::rules::BUILT_IN.replace("id = \"pln-mobile\", label", "id = \"ponsel\", label");
    let other = other.replace("topik = \"pln-mobile\"", "topik = \"ponsel\"");
    let rules = home.write("rules.toml", other);
    let ran = home.penutup(["drill", "--list", "--rules"]).command().arg(&rules).output().expect("it runs");
    let out = String::from_utf8(ran.stdout).expect("text");
    assert_eq!(ran.status.code(), Some(1), "{out}");
    assert!(out.contains("- kalimat-lengkap-2 ") && out.contains("belum ada skenario"), "{out}");
    assert!(out.contains("Skenario yang tidak dipakai") && out.contains("login-gagal"), "{out}");

    assert!(out.contains("Pilihan yang belum ada di skenario bawaan") && out.contains("topik=ponsel"), "{out}");

    home.write_config(
        "scenarios.toml",
        "schema = 1\nreviewed = { topik = [\"ponsel\"] }\n\
         [[detail]]\nid = \"ponsel\"\nwhen = { topik = \"ponsel\" }\ntell = [\"Soal ponsel.\"]\n\
         [[scenario]]\nid = \"apa-saja\"\ntell = [\"{orang} menelepon.\"]\n",
    );
    let ran = home.penutup(["drill", "--list", "--rules"]).command().arg(&rules).output().expect("it runs");
    assert_eq!(ran.status.code(), Some(0), "one's own stories reach it");
}

#[test]
fn a_story_that_gives_the_answer_away_is_listed_with_the_word() {
    let home = Home::new();
    home.write_config(
        "scenarios.toml",
        "schema = 1\n[[scenario]]\nid = \"bocor\"\nwhen = { topik = \"lain\" }\ntell = [\"Saat KLB, {orang} diminta update.\"]\n",
    );
    let ran = home.penutup(["drill", "--list"]).command().output().expect("it runs");
    let out = String::from_utf8(ran.stdout).expect("text");
    assert_eq!(ran.status.code(), Some(1), "{out}");
    let at = out.find("membocorkan").expect("the section");
    let rows: Vec<Vec<&str>> = out[at..].lines().skip(1).map(|row| row.split_whitespace().collect()).collect();
    assert_eq!(rows, [["-", "bocor", "KLB"], ["-", "bocor", "update"]], "{out}");
}

/// The embedded rules with one more fact, which divides one row.
pub fn with_a_new_fact() -> String {
    let rules = penutup::rules::BUILT_IN.replace(
        "[[field]]\nid      = \"sapaan\"",
        "[[fact]]\nid = \"jenis\"\nlabel = \"Jenis\"\nkey = \"j\"\nvalues = [{ id = \"pengaduan\", label = \"pengaduan\" }, \
         { id = \"informasi\", label = \"informasi\" }]\n[[field]]\nid      = \"sapaan\"",
    );
    rules.replace(
        "when    = { klb = \"tidak\", topik = \"lain\", aplikasi = \"telah\" }",
        "when = { klb = \"tidak\", topik = \"lain\", aplikasi = \"telah\", jenis = \"informasi\" }\n\
         steps = [\"bantuan\", \"download\", \"terima-kasih\"]\n[[rule]]\nid = \"telah-pengaduan\"\n\
         when    = { klb = \"tidak\", topik = \"lain\", aplikasi = \"telah\", jenis = \"pengaduan\" }",
    )
}

#[test]
fn a_new_fact_that_no_story_mentions_is_reported_and_stories_that_depend_on_it_are_not_used() {
    let home = Home::new();
    home.write_config("rules.toml", with_a_new_fact());
    let ran = home.penutup(["drill", "--list"]).run();
    ran.status(1);
    for part in [
        "- lain-telah ",
        "- telah-pengaduan ",
        "√ kalimat-lengkap-1 ",
        "jenis=pengaduan, jenis=informasi",
        "2 belum tercakup",
    ] {
        assert!(ran.out.contains(part), "{part} is not in {}", ran.out);
    }
    let cards = home.penutup(["drill", "--cards", "--seed", "7"]).ok();
    assert!(cards.contains("2 bagian") && cards.contains("lain-telah, telah-pengaduan"), "{cards}");
    assert!(!cards.contains("Jenis:"), "no card says what its story does not: {cards}");
}

#[test]
fn rules_that_no_story_decides_are_reported_instead_of_generating_cards() {
    let home = Home::new();
    let rules = penutup::rules::BUILT_IN.replace("id       = \"klb\"", "id       = \"darurat\"");
    home.write_config("rules.toml", rules.replace("klb = ", "darurat = "));
    let message = home.penutup(["drill", "--cards"]).failed();
    assert!(message.contains("Tidak ada skenario yang cocok") && message.contains("kalimat-lengkap-1"), "{message}");
}

#[test]
fn own_stories_with_names_that_the_rules_lack_are_refused_with_their_location() {
    for (source, place, part) in [
        ("[[scenario]]\nid = \"a\"\nwhen = { kbl = \"ya\" }\ntell = [\"x\"]\n", "scenarios.toml:4:10", "klb"),
        ("[[scenario]]\nid = \"a\"\nwhen = { klb = \"yaa\" }\ntell = [\"x\"]\n", "scenarios.toml:4:16", "ya"),
        ("[[place]]\nzone = \"WIX\"\nnames = [\"x\"]\n", "scenarios.toml:3:8", "WIT"),
        ("[[scenario]]\nid = \"a\"\ntell = [\"x\"]\nwehn = 1\n", "scenarios.toml:5:1", "when"),
        ("[[detail]]\nid = \"a\"\ntell = [\"x\"]\n", "scenarios.toml:2:1", "when"),
        ("unsaid = { topik = \"lian\" }\n", "scenarios.toml:2:20", "lain"),
        ("reviewed = { topik = [\"lain\", \"lian\"] }\n", "scenarios.toml:2:31", "lain"),
        ("unsiad = 1\n", "scenarios.toml:2:1", "unsaid"),
    ] {
        let home = Home::new();
        home.write_config("scenarios.toml", format!("schema = 1\n{source}"));
        for verb in [&["drill", "--list"][..], &["drill", "--cards"]] {
            let message = home.penutup(verb).failed();
            assert!(message.contains(place) && message.contains(part), "{source}: {message}");
        }
    }
}

#[test]
fn cards_are_the_same_for_the_same_seed() {
    let cards = |seed: &str| Home::new().penutup(["drill", "--cards", "--seed", seed]).ok();
    let out = cards("7");
    assert_eq!(out, cards("7"));
    assert_ne!(out, cards("8"));
    assert!(out.starts_with("# Kartu latihan closing: SOP Rev-1, nomor soal 7\n"), "{out}");
    assert!(
        out.contains("Semua nama hanya contoh") && out.contains("\n## Kartu 8\n") && out.contains("- [ ] Terima kasih")
    );
    assert_harmless(&out);
    let home = Home::new();
    let message = home.penutup(["drill", "--cards", "--count", "2", "--out", "kartu.md"]).ok();
    assert_eq!(message, "Ditulis: kartu.md\n");
    let written = std::fs::read_to_string(home.path().join("kartu.md")).expect("the file");
    assert_eq!(written.matches("\n## Kartu").count(), 2);
    let message = home.penutup(["drill", "--cards", "--out", "kartu.md"]).failed();
    assert!(message.contains("kartu.md sudah ada"), "{message}");
    // A mistyped folder is not made.
    let message = home.penutup(["drill", "--cards", "--out", "kartuu/a.md"]).failed();
    assert!(message.contains("a.md tidak dapat ditulis") && !home.path().join("kartuu").exists(), "{message}");
}

/// A trainer collects the sheets of others.
#[cfg(unix)]
#[test]
fn who_may_read_a_result_is_up_to_the_users_defaults() {
    use std::os::unix::fs::PermissionsExt as _;

    let home = Home::new();
    let shell = |line: &str| {
        let command = home.penutup(["drill", "--cards", "--out", line]).command();
        let mut with_umask = std::process::Command::new("sh");
        with_umask.args(["-c", "umask 027; exec \"$0\" \"$@\""]).arg(command.get_program()).args(command.get_args());
        for (key, value) in command.get_envs() {
            match value {
                Some(value) => with_umask.env(key, value),
                None => with_umask.env_remove(key),
            };
        }
        with_umask.current_dir(home.path()).output().expect("a shell")
    };
    let ran = shell("kartu.md");
    assert!(ran.status.success(), "{ran:?}");
    let mode = std::fs::metadata(home.path().join("kartu.md")).expect("the file").permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
}

/// Else the cards of `--at` would come again and again.
#[test]
fn a_seed_does_not_come_from_the_assumed_time() {
    let seed = |_| {
        let out = Home::new().penutup(["--at", "14:20", "drill", "--cards", "--count", "1"]).ok();
        let line = out.lines().next().expect("a title").to_owned();
        line.rsplit(' ').next().and_then(|seed| seed.parse::<u64>().ok()).expect("a seed")
    };
    let seeds: Vec<u64> = (0..12).map(seed).collect();
    assert!(seeds.iter().any(|seed| *seed > 100_000), "{seeds:?}");
}

#[test]
fn impossible_requests_are_reported_before_anything_opens() {
    for (args, part) in [
        (&["drill", "--list", "--format", "csv"][..], "tidak dapat dipakai bersama"),
        (&["drill", "--cards", "--format", "json"], "tidak dapat dipakai bersama"),
        (&["drill", "--format", "md"], "text, csv, json"),
        (&["drill", "--exam", "--list"], "tidak dapat dipakai bersama"),
        (&["drill", "--exam", "--count", "3"], "tidak dapat dipakai bersama"),
        (&["drill", "--pass", "80"], "--exam"),
        (&["drill", "--exam", "--pass", "101"], "101"),
        (&["drill", "--seed", "x"], "\"x\""),
        (&["drill", "--way", "tulis"], "kasus, hafalan, lisan"),
        (&["drill", "--count", "0"], "\"0\""),
        (&["drill", "--class", "a.json", "--exam"], "tidak dapat dipakai bersama"),
        (&["drill", "--class"], "--class"),
        (&["drill", "--class", "a.json", "--pass", "80"], "tidak dapat dipakai bersama"),
        (&["drill", "--list", "--seed", "7"], "tidak dapat dipakai bersama"),
        (&["drill", "--cards", "--way", "lisan"], "tidak dapat dipakai bersama"),
        (&["drill", "--cards", "--pass", "80"], "tidak dapat dipakai bersama"),
    ] {
        let message = Home::new().penutup(args).failed();
        assert!(message.contains(part), "{args:?}: {message}");
    }
    let home = Home::new();
    home.write_config("scenarios.toml", "schema = 1\n[[scenario]]\nid = \"x\"\ntell = [\"{siapa}\"]\n");
    let message = home.penutup(["drill", "--list"]).failed();
    assert!(
        message.contains("scenarios.toml:4") && message.contains("{siapa}") && message.contains("orang, nama, tempat"),
        "{message}"
    );
    for hostile in ["\u{1b}[2J", "../../etc", "a b", "Siti Aminah"] {
        let ran = penutup(["drill", "--trainee", hostile]);
        ran.status(2);
        assert_harmless(&ran.err);
    }
}

#[test]
fn init_makes_stories_and_a_deck_to_edit_that_change_nothing() {
    let home = Home::new();
    let before = home.penutup(["drill", "--cards", "--seed", "3"]).ok();
    home.penutup(["init"]).ok();
    assert!(home.config("scenarios.toml").exists() && home.config("decks/contoh.toml").exists());
    assert_eq!(home.penutup(["drill", "--cards", "--seed", "3"]).ok(), before);
    let out = home.penutup(["paths"]).ok();
    assert!(out.contains("scenarios.toml") && out.contains("decks"), "{out}");
}

/// Extra sentences can be added to any story, so one that says more than its fact could contradict a story.
#[test]
fn no_extra_sentence_can_contradict_its_story() {
    for seed in 0..20 {
        let out = Home::new().penutup(["drill", "--cards", "--seed", &seed.to_string()]).ok();
        for part in ["tertawa", "retak", "belum ada listriknya", "ia salin", "biasa ia lihat", "Baru tahu"] {
            assert!(!out.contains(part), "{seed}: {part}");
        }
    }
}

/// Sheets and scripts of 0.1.0 have the name `naskah`.
#[test]
fn the_former_name_of_a_way_of_answering_is_accepted() {
    let message = |way: &str| Home::new().penutup(["drill", "--way", way]).failed();
    assert!(message("hafalan").contains("memerlukan terminal"), "{}", message("hafalan"));
    assert_eq!(message("naskah"), message("hafalan"));
}
