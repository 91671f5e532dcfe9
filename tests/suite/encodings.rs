//! Files as Windows programs save them: CRLF, a byte order mark, UTF-16; and file names with spaces and non-ASCII
//! letters.

use penutup::declaration::Declaration;
use penutup::rules::BUILT_IN;

use crate::support::{Home, Ran};

fn crlf(text: &str) -> String {
    assert!(!text.contains('\r'));
    text.replace('\n', "\r\n")
}

fn with_bom(text: &str) -> String {
    format!("\u{feff}{text}")
}

/// The ways in which one text may be saved.
fn saved(text: &str) -> [String; 4] {
    [text.into(), crlf(text), with_bom(text), with_bom(&crlf(text))]
}

fn utf16(text: &str) -> [Vec<u8>; 4] {
    let bytes = |text: &str, of: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(of).collect();
    [
        bytes(&with_bom(text), u16::to_le_bytes),
        bytes(&with_bom(text), u16::to_be_bytes),
        bytes(text, u16::to_le_bytes),
        bytes(text, u16::to_be_bytes),
    ]
}

/// Built-in rules with a sentence over several lines.
fn rules() -> String {
    let sentence = "\"Untuk mewujudkan PLN terbaik, ";
    assert!(BUILT_IN.contains(sentence));
    let start = BUILT_IN.find(sentence).expect("it is there");
    let end = start + BUILT_IN[start..].find("\"\n").expect("its end");
    let words = BUILT_IN[start + 1..end].replacen(", ", ", \\\n    ", 1);
    format!("{}\"\"\"\n{words}\"\"\"{}", &BUILT_IN[..start], &BUILT_IN[end + 1..])
}

/// Runs the program on `rules.toml` with these bytes, each in a home of its own, so that the name is the same.
fn run(bytes: impl AsRef<[u8]>, args: &[&str]) -> Ran {
    let home = Home::new();
    home.write("rules.toml", bytes);
    home.penutup(args).run()
}

#[test]
fn every_encoding_of_a_file_gives_the_same_result() {
    for args in [
        &["table", "--rules", "rules.toml"][..],
        &["say", "--rules", "rules.toml", "--at", "14:20"],
        &["check", "rules.toml"],
    ] {
        let built_in = run(BUILT_IN, args);
        built_in.status(0).err_is("");
        for (how, text) in saved(&rules()).iter().enumerate() {
            let ran = run(text, args);
            ran.status(0).err_is("");
            assert_eq!(ran.out, built_in.out, "{how}");
        }
    }
    let home = Home::new();
    home.write("lf.toml", BUILT_IN);
    home.write("crlf.toml", with_bom(&crlf(BUILT_IN)));
    home.penutup(["diff", "lf.toml", "crlf.toml"]).run().status(0).out_has("12 situasi, semuanya diucapkan sama");
}

#[test]
fn problems_have_the_same_location_in_every_encoding() {
    let broken = [
        BUILT_IN.replacen("[\"belum-tahu\", \"belum\"]", "\"belum\"", 1),
        BUILT_IN.replacen("klb = \"ya\"", "klb = \"iya\"", 1),
        BUILT_IN.replacen("[[rule]]", "[[rule]\nid = = 1", 1),
        rules().replacen("Untuk", "Untuk \\q", 1),
        BUILT_IN.replacen("schema = 1", "schema = 1\nsalah = \"é\" # ü\nlain = 2", 1),
    ];
    for text in broken {
        let check = |text: &str, form| run(text, &["check", "rules.toml", "--format", form]);
        for form in ["text", "json"] {
            let expected = check(&text, form);
            expected.status(1);
            for (how, text) in saved(&text).iter().enumerate() {
                let ran = check(text, form);
                assert_eq!((ran.status, &ran.out), (Some(1), &expected.out), "{how}");
            }
        }
    }
}

#[test]
fn utf_16_is_refused_with_its_name_and_the_fix() {
    for bytes in utf16(BUILT_IN) {
        let ran = run(&bytes, &["check", "rules.toml"]);
        ran.status(1).out_has("UTF-16").out_has("Pengodean: UTF-8");
        assert_eq!(ran.out.matches("kesalahan[").count(), 1, "{ran:?}");
        let ran = run(&bytes, &["say", "--rules", "rules.toml", "--lang", "en"]);
        ran.status(2);
        assert!(ran.err.contains("UTF-16") && ran.err.contains("Encoding: UTF-8"), "{ran:?}");
        let home = Home::new();
        home.write_config("settings.toml", &bytes);
        assert!(home.penutup(["say"]).failed().contains("UTF-16"));
    }
}

#[test]
fn the_files_of_init_may_be_saved_by_notepad() {
    for save in [crlf, with_bom, |text: &str| with_bom(&crlf(text))] {
        let home = Home::new();
        home.penutup(["init"]).ok();
        let before = home.penutup(["table"]).ok();
        for file in ["rules.toml", "settings.toml", "scenarios.toml", "decks/contoh.toml"] {
            let path = home.config(file);
            let text = std::fs::read_to_string(&path).expect("init made it");
            std::fs::write(path, save(&text)).expect("saved");
        }
        assert_eq!(home.penutup(["table"]).ok(), before);
        home.penutup(["check"]).ok();
        home.penutup(["drill", "--list"]).ok();
        let out = home.penutup(["paths"]).ok();
        assert!(!out.contains("tidak dapat dipakai"), "{out}");
    }
}

#[test]
fn a_declaration_may_be_saved_by_notepad() {
    let home = Home::new();
    home.write_config("settings.toml", crlf("[broadcast]\nfolder = \"../Papan KLB é\"\n"));
    std::fs::create_dir_all(home.config("../Papan KLB é")).expect("a folder");
    home.penutup(["klb", "on", "--by", "SPV", "--reason", "gangguan"]).ok();
    let text = std::fs::read_to_string(home.config("../Papan KLB é/klb.toml")).expect("a declaration");
    let declared = Declaration::read(text.as_bytes()).expect("a declaration");
    for text in saved(&text) {
        assert_eq!(Declaration::read(text.as_bytes()).expect("a declaration"), declared, "{text:?}");
    }
}

#[test]
fn any_file_or_folder_name_works() {
    let home = Home::new();
    let folder = "Dokumen Saya/Aturan ñ é 中 (2026)";
    home.write(format!("{folder}/SOP baru √.toml"), BUILT_IN.replace("\"Rev-1\"", "\"Rev-9\""));
    let rules = home.path().join(folder).join("SOP baru √.toml");
    let rules = rules.to_str().expect("UTF-8");
    let out = home.penutup(["check", rules]).ok();
    assert!(out.contains("SOP baru √.toml") && out.contains("ñ é 中"), "{out}");
    home.penutup(["diff", rules, rules]).ok();
    let say = home.penutup(["say", "--rules", rules, "--format", "json"]).json();
    assert_eq!(say["revision"], "Rev-9");

    let own = home.path().join(folder).join("Isi penutup");
    let run = |args: &[&str]| home.penutup(args).env("PENUTUP_HOME", &own).ok();
    assert!(run(&["init"]).contains("Dibuat: "));
    assert!(own.join("config/rules.toml").exists());
    assert!(run(&["paths"]).contains("Isi penutup"));
    assert!(run(&["report"]).contains("Belum ada"));
    let settings = own.join("config/settings.toml");
    home.penutup(["say", "--settings", settings.to_str().expect("UTF-8")]).ok();
}
