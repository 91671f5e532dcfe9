//! `penutup say`: facts, fields, zone and time from a command line, in three forms.

use crate::support::{Home, assert_harmless, penutup};

/// What follows "selamat" in the closing for these arguments.
#[track_caller]
fn after_selamat(args: &[&str]) -> String {
    let out = Home::new().penutup([&["say"], args].concat()).ok();
    out.rsplit_once("selamat ").expect("the thanks").1.trim_end_matches('\n').to_owned()
}

/// The message for arguments that are refused.
#[track_caller]
fn refused(args: &[&str]) -> String {
    Home::new().penutup([&["say"], args].concat()).failed()
}

#[track_caller]
fn assert_all(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
}

#[test]
fn the_json_has_exactly_the_documented_shape_and_key_order() {
    let home = Home::new();
    let json = home.penutup(["say", "klb=ya", "--zone", "WITA", "--at", "14:58", "--format", "json"]).json();
    let keys = |value: &serde_json::Value| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    let expected = [
        "schema",
        "revision",
        "rules_sha256",
        "rule",
        "facts",
        "zone",
        "time",
        "greeting",
        "steps",
        "script",
        "caution",
    ];
    assert_eq!(keys(&json), expected);
    assert_eq!(keys(&json["facts"]), ["klb", "topik", "aplikasi"]);
    assert_eq!(keys(&json["steps"][0]), ["id", "title", "say", "remind", "score", "basis"]);
    assert_eq!(json["schema"], 1);
    assert_eq!(json["revision"], "Rev-1");
    assert_eq!(json["rule"], "klb-lain");
    assert_eq!((&json["zone"], &json["time"], &json["greeting"]), (&"WITA".into(), &"14:58".into(), &"siang".into()));
    assert_eq!(json["steps"][0]["say"], serde_json::Value::Null);
    assert_eq!(json["steps"][1]["score"], serde_json::json!(["Akurasi", "Salam Penutup", "FCR"]));
    assert_eq!(json["steps"][1]["remind"], serde_json::Value::Null);
    assert_eq!(json["caution"], serde_json::Value::Null);
    let sum = json["rules_sha256"].as_str().expect("a text");
    assert!(sum.len() == 64 && sum.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)), "{sum}");
}

#[test]
fn values_match_by_id_and_choices_in_any_case() {
    assert_eq!(after_selamat(&["--at", "08:00", "sapaan=ibu", "nama=Siti Aminah"]), "pagi Ibu Siti Aminah");
    assert_eq!(after_selamat(&["--at", "08:00", "sapaan=BAPAK/IBU"]), "pagi Bapak/Ibu");
    assert_eq!(after_selamat(&["--at", "08:00", "sapaan=bapak"]), "pagi Bapak");
    assert_eq!(after_selamat(&["--at", "08:00", "nama="]), "pagi Bapak/Ibu");
}

#[test]
fn common_options_are_accepted_before_and_after_the_verb() {
    let home = Home::new();
    let after = home.penutup(["say", "--zone", "WIT", "--at", "18:00"]).ok();
    assert_eq!(home.penutup(["--zone", "WIT", "--at=18:00", "say"]).ok(), after);
    assert_eq!(home.penutup(["--at", "18:00", "say", "--zone", "wit"]).ok(), after);
}

#[test]
fn a_leading_honorific_sets_the_honorific() {
    for (name, expected) in [
        ("bu siti", "Ibu siti"),
        ("Ibu Siti", "Ibu Siti"),
        ("pak BUDI", "Bapak BUDI"),
        ("BAPAK  Budi  Santoso ", "Bapak Budi Santoso"),
        ("Ibunda Ratu", "Bapak/Ibu Ibunda Ratu"),
        ("bu", "Ibu"),
    ] {
        assert_eq!(after_selamat(&["--at", "08:00", &format!("nama={name}")]), format!("pagi {expected}"), "{name}");
    }
    assert_eq!(after_selamat(&["--at", "08:00", "nama=bu Rini", "sapaan=bapak"]), "pagi Bapak Rini");
    assert_eq!(after_selamat(&["--at", "08:00", "sapaan=bapak", "nama=bu Rini"]), "pagi Bapak Rini");
}

#[test]
fn control_characters_are_removed_from_a_name() {
    for (name, expected) in [
        ("\u{1b}[31mBudi\u{1b}[0m", "Budi"),
        ("\u{1b}]0;judul\u{7}Budi", "Budi"),
        ("Bu\u{202e}di\u{200f}", "Budi"),
        ("Budi\tSantoso", "Budi Santoso"),
        ("Budi\nrm -rf", "Budi"),
        ("Budi\u{0}\u{8}\u{7f}\u{9b}", "Budi"),
        ("a\u{301}\u{302}\u{303}", "a\u{301}\u{302}\u{303}"),
        ("أمينة", "أمينة"),
        ("李小龍", "李小龍"),
        ("O'Brien \"Bob\"", "O'Brien \"Bob\""),
    ] {
        // An argument can't contain a null byte; standard input can.
        let out = Home::new().penutup(["say", "--at", "08:00", "nama=-"]).stdin(name).ok();
        assert_harmless(&out);
        assert!(out.ends_with(&format!("selamat pagi Bapak/Ibu {expected}\n")), "{name:?}: {out}");
    }
    for nothing in ["", " ", "\u{1b}[0m", "\u{200b}\u{200d}", "\n\n"] {
        let out = Home::new().penutup(["say", "--at", "08:00", "nama=-"]).stdin(nothing).ok();
        assert!(out.ends_with("selamat pagi Bapak/Ibu\n"), "{nothing:?}: {out}");
    }
}

#[test]
fn an_invalid_or_too_long_name_is_refused_and_not_cut() {
    for number in ["08123456789", "+62 812-3456", "(021) 123"] {
        assert_all(&refused(&[&format!("nama={number}")]), &["angka saja", "nama=…"]);
    }
    let (fits, over) = ("e\u{301}".repeat(60), "e\u{301}".repeat(61));
    assert_eq!(after_selamat(&["--at", "08:00", &format!("nama={fits}")]), format!("pagi Bapak/Ibu {fits}"));
    assert_eq!(after_selamat(&["--at", "08:00", &format!("nama=pak {fits}")]), format!("pagi Bapak {fits}"));
    assert_all(&refused(&[&format!("nama={over}")]), &["61 karakter", "batasnya 60"]);
    let huge = Home::new().penutup(["say", "nama=-"]).stdin("x".repeat(10 << 20)).failed();
    assert!(huge.contains("batasnya 60") && huge.len() < 500, "{huge}");
}

#[test]
fn a_name_can_be_read_from_standard_input() {
    let home = Home::new();
    let say = |input: &[u8]| home.penutup(["say", "--at", "08:00", "nama=-"]).stdin(input);
    assert!(say(b"\r\nibu Siti Aminah\r\nJl. Mawar 5\r\n").ok().ends_with("selamat pagi Ibu Siti Aminah\n"));
    assert_all(&say(b"\xff\xfeS").failed(), &["input standar", "bukan teks UTF-8"]);
    assert_all(&say(b"0812 3456").failed(), &["angka saja"]);
}

#[test]
fn unknown_keys_and_values_list_the_valid_ones_and_the_nearest() {
    for (pair, parts) in [
        ("kbl=ya", &["\"kbl\"", "Maksudnya \"klb\"?", "klb, topik, aplikasi, sapaan, nama"][..]),
        ("warna=merah", &["\"warna\"", "Yang ada: klb, topik, aplikasi, sapaan, nama."]),
        ("klb=iya", &["\"klb\" tidak punya pilihan \"iya\"", "tidak, ya"]),
        ("klb=tdiak", &["Maksudnya \"tidak\"?"]),
        ("topik=plnmobile", &["Maksudnya \"pln-mobile\"?", "lain, pln-mobile"]),
        ("sapaan=raden", &["\"sapaan\" tidak punya pilihan \"raden\"", "Bapak/Ibu, Bapak, Ibu"]),
        ("klb", &["\"klb\" tidak berbentuk KUNCI=ISI", "klb=ya"]),
        ("=ya", &["\"\"", "klb, topik"]),
        ("KLB=ya", &["\"KLB\"", "Maksudnya \"klb\"?"]),
        ("zona=WIT", &["--zone WIT"]),
        ("klb=", &["\"klb\" tidak punya pilihan \"\"", "tidak, ya"]),
    ] {
        assert_all(&refused(&[pair]), parts);
    }
    assert_all(&refused(&["klb=ya", "klb=tidak"]), &["\"klb\" ditulis dua kali"]);
    assert_all(&refused(&["nama=a", "nama=b"]), &["\"nama\" ditulis dua kali"]);
    assert_all(&refused(&["--zone", "WTI"]), &["\"WTI\"", "Maksudnya \"WIT\"?", "WIB, WITA, WIT"]);
    assert_all(&refused(&["--lang", "en", "kbl=ya"]), &["error: ", "Did you mean \"klb\"?"]);
}

#[test]
fn the_time_is_local_to_the_zone_or_an_instant() {
    let time = |args: &[&str]| {
        let json = Home::new().penutup([&["say", "--format", "json"], args].concat()).json();
        let text = |key: &str| json[key].as_str().expect("a text").to_owned();
        (text("zone"), text("time"), text("greeting"))
    };
    let expected = |zone: &str, time: &str, greeting: &str| (zone.to_owned(), time.to_owned(), greeting.to_owned());
    assert_eq!(time(&["--at", "14:58"]), expected("WIB", "14:58", "siang"));
    assert_eq!(time(&["--at", "14:58", "--zone", "WIT"]), expected("WIT", "14:58", "siang"));
    assert_eq!(time(&["--at", "2021-02-01T14:58:00+07:00"]), expected("WIB", "14:58", "siang"));
    assert_eq!(time(&["--at", "2021-02-01T14:58:00+07:00", "--zone", "WITA"]), expected("WITA", "15:58", "sore"));
    assert_eq!(time(&["--at", "2021-02-01T14:58:59.9+07:00", "--zone", "WIT"]), expected("WIT", "16:58", "sore"));
    assert_eq!(time(&["--at", "2021-01-31T15:00:00Z", "--zone", "WIT"]), expected("WIT", "00:00", "pagi"));
    assert_eq!(time(&["--at", "9999-12-31T23:59:59+00:00"]).0, "WIB");
    for bad in ["25:00", "9:05", "14.58", "14:58:00", "kemarin", "2021-02-01", "2021-02-01T14:58:00", ""] {
        assert_all(&refused(&["--at", bad]), &["14:58"]);
    }
}

#[test]
fn the_machines_time_zone_is_never_used() {
    let home = Home::new();
    for zone in ["Pacific/Kiritimati", "America/Los_Angeles", ":/nowhere", ""] {
        let say = home.penutup(["say", "--at", "2021-02-01T03:59:00Z", "--format", "json"]).env("TZ", zone).json();
        assert_eq!(say["time"], "10:59");
        let say = home.penutup(["say", "--at", "10:59", "--format", "json"]).env("TZ", zone).json();
        assert_eq!((&say["time"], &say["greeting"]), (&"10:59".into(), &"pagi".into()));
    }
}

#[test]
fn fields_of_other_rules_follow_those_rules() {
    let home = Home::new();
    let rules = home.write("rules.toml", include_str!("../../data/valid/one-rule.toml"));
    let say = |pair: &str| home.penutup(["say", "--rules", rules.to_str().expect("UTF-8"), pair]);
    assert_eq!(say("nomor=0812 345").ok(), "Nomor laporan 0812 345, terima kasih.\n");
    assert_eq!(say("nomor=").ok(), "Nomor laporan, terima kasih.\n");
    home.write("rules.toml", include_str!("../../data/valid/braces.toml"));
    let steps = home.penutup(["say", "--rules", "rules.toml", "--format", "steps"]).ok();
    assert!(steps.starts_with("Tulis {nama} di formulir.\n"), "{steps}");
    home.write("rules.toml", include_str!("../../data/valid/one-rule.toml"));
    assert!(say("nomor=1234567890123").failed().contains("batasnya 12"));
}

#[test]
fn unusable_rules_stop_it_with_their_problems() {
    let home = Home::new();
    let bad = home.write(
        "bad.toml",
        penutup::rules::BUILT_IN.replace("\"campaign\", \"download\"", "\"kampanye\", \"download\""),
    );
    let message = home.penutup(["say", "--rules", "bad.toml"]).failed();
    assert_all(
        &message,
        &["kesalahan[unknown-step]", "bad.toml:152:21", "2 kesalahan. Berkas ini tidak dapat dipakai."],
    );
    let message = home.penutup(["say"]).env("PENUTUP_RULES", &bad).failed();
    assert_all(&message, &["kesalahan[unknown-step]"]);
    assert_all(&penutup(["say", "--rules", "hilang.toml"]).err, &["hilang.toml", "tidak ada"]);
}
