//! A page of every text of the catalogues as it reads with its values, in both languages, one line each with its key:
//! `cargo test words_page` writes it, for a person to read from top to bottom.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Display, Write as _};
use std::fs;
use std::io::Write as _;
use std::path::Path;

use penutup::closing::ending::Outcome;
use penutup::loaded::LoadedRules;
use penutup::rules::ruleset::Scope;
use penutup::words::{Lang, fill};
use unicode_width::UnicodeWidthStr;

use crate::glossary::{Glossary, catalogues, entries};

/// What placeholders usually contain: the name, in Indonesian, in English.
const VALUES: &[(&str, &str, &str)] = &[
    ("agent", "4711", "4711"),
    ("all", "12", "12"),
    ("answer", "KLB: AKTIF", "KLB: AKTIF"),
    ("answered", "3", "3"),
    ("argument", "--zone <ZONA>", "--zone <ZONE>"),
    ("aside", "state.toml.1", "state.toml.1"),
    ("asked", "4", "4"),
    ("at", "3", "3"),
    ("banner", "KLB AKTIF sejak 13.05 · SPV Jakarta", "KLB AKTIF since 13:05 · SPV Jakarta"),
    ("basis", "No. 2.a", "No. 2.a"),
    ("before", "11:00", "11:00"),
    ("begun", "29/11/2026 14.57 WIB", "29/11/2026 14:57 WIB"),
    ("brace", "{nama}", "{nama}"),
    ("by", "SPV Jakarta", "SPV Jakarta"),
    ("caution", "SOP: 2.a ↔ 2.b, dipakai 2.b", "SOP: 2.a ↔ 2.b, dipakai 2.b"),
    ("changed", "2", "2"),
    ("changes", "2 kalimat, 60 menit salam", "2 sentences, 60 greeting minutes"),
    ("close", "}}", "}}"),
    ("code", "U+200B", "U+200B"),
    ("codes", "dialihkan, hening", "dialihkan, hening"),
    ("column", "7", "7"),
    ("combination", "Ctrl+Alt+K", "Ctrl+Alt+K"),
    ("command", "penutup say --help", "penutup say --help"),
    ("cost", "Akurasi, Salam Penutup, Tidak FCR", "Akurasi, Salam Penutup, Tidak FCR"),
    ("count", "2", "2"),
    ("database", "penutup@db.pln:5432", "penutup@db.pln:5432"),
    ("date", "2026-13-01", "2026-13-01"),
    ("day", "30/11/2026", "30/11/2026"),
    ("days", "2", "2"),
    ("default", "text", "text"),
    ("detail", "teks harus di antara tanda petik", "a text must be in quotes"),
    ("dimension", "topik", "topik"),
    ("disk", "512", "512"),
    ("double", "[[rule]]", "[[rule]]"),
    ("duties", "ajakan-wajib", "ajakan-wajib"),
    ("edges", "4", "4"),
    ("ended", "29/11/2026 15.10 WIB", "29/11/2026 15:10 WIB"),
    ("ending", "closing lengkap", "closing complete"),
    ("errors", "2 kesalahan", "2 errors"),
    ("example", "key = \"k\"", "key = \"k\""),
    ("excused", "1", "1"),
    ("expected", "satu tabel", "one table"),
    ("fact", "klb", "klb"),
    ("facts", "3 kondisi", "3 facts"),
    ("file", "rules.toml", "rules.toml"),
    ("files", "nats.conf", "nats.conf"),
    ("first", "campaign", "campaign"),
    ("flag", "--rules", "--rules"),
    ("fleet", "pln123", "pln123"),
    ("folder", "/srv/penutup", "/srv/penutup"),
    ("found", "2", "2"),
    ("free", "e, f, g", "e, f, g"),
    ("from", "29/11/2026", "29/11/2026"),
    ("given", "nonaktif", "nonaktif"),
    ("grant", "site.xyz", "site.xyz"),
    ("greeting", "siang", "siang"),
    ("help", "Format hasil", "Format of the result"),
    ("hour", "14", "14"),
    ("hours", "12", "12"),
    ("how", "langkah terima-kasih wajib ada", "step terima-kasih is required"),
    ("id", "klb", "klb"),
    ("instead", "Ctrl+Alt+Space", "Ctrl+Alt+Space"),
    ("irregular", "1", "1"),
    ("key", "nama", "nama"),
    ("keys", "Enter atau Esc", "Enter or Esc"),
    ("kind", "Ujian", "Exam"),
    ("known", "1", "1"),
    ("label", "KLB", "KLB"),
    ("last", "campaign", "campaign"),
    ("least", "10", "10"),
    ("left_out", "2", "2"),
    ("limit", "1", "1"),
    ("line", "24", "24"),
    ("live", " · diperbarui tiap 2 detik · q selesai", " · every 2 seconds · q quits"),
    ("longest", "8 dtk", "8 s"),
    ("lost", "5", "5"),
    ("mark", "√ Tepat", "√ Right"),
    ("max", "60", "60"),
    ("median", "1 dtk", "1 s"),
    ("message", "Tidak diterbitkan.", "Not published."),
    ("min", "1", "1"),
    ("minutes", "3", "3"),
    ("missing", "12", "12"),
    ("monday", "23/11/2026", "23/11/2026"),
    ("most", "2000", "2000"),
    ("n", "4", "4"),
    ("name", "contoh", "contoh"),
    ("names", "klb-lain, urutan", "klb-lain, urutan"),
    ("nearest", "klb", "klb"),
    ("needed", "9", "9"),
    ("new", "3", "3"),
    ("ninety", "5 dtk", "5 s"),
    ("no", "K", "K"),
    ("nothing", "empty = \"\"", "empty = \"\""),
    ("number", "7", "7"),
    ("one", "Anggrek", "Anggrek"),
    ("open", "{{", "{{"),
    ("option", "--before", "--before"),
    ("other", "--list", "--list"),
    ("own", "/opt/penutup/penutup", "/opt/penutup/penutup"),
    ("part", "Crtl", "Crtl"),
    ("pass", "90", "90"),
    ("path", "/home/cso/penutup/rules.toml", "/home/cso/penutup/rules.toml"),
    ("percent", "75", "75"),
    ("place", "Makassar", "Makassar"),
    ("points", "3", "3"),
    ("present", "download, update", "download, update"),
    ("program", "PowerToys", "PowerToys"),
    (
        "question",
        "Belum semua disampaikan. Mengapa panggilan berakhir?",
        "Not everything was said. Why did the call end?",
    ),
    ("removed", "0", "0"),
    ("requirement", "ajakan-wajib", "ajakan-wajib"),
    ("revision", "Rev-2", "Rev-2"),
    ("right", "9", "9"),
    ("role", "emergency", "emergency"),
    ("rule", "klb-lain", "klb-lain"),
    ("rules", "8 aturan", "8 rules"),
    ("said", "7", "7"),
    ("same", "12", "12"),
    ("scope", "region.jawa", "region.jawa"),
    ("scopes", "center, site.jkt", "center, site.jkt"),
    ("score", "Akurasi · Salam Penutup · Tidak FCR", "Akurasi · Salam Penutup · Tidak FCR"),
    ("screens", "190", "190"),
    ("seat", "jkt-07", "jkt-07"),
    ("status", "7", "7"),
    ("log", "7", "7"),
    ("unread", "7", "7"),
    ("closings", "7", "7"),
    ("year", "7", "7"),
    ("newest", "7", "7"),
    ("oldest", "29/11/2026 14.57", "29/11/2026 14:57"),
    ("recorded", "arsip terakhir mencatat 29/11/2026 14.57", "the archive last recorded one 29/11/2026 14:57"),
    ("using", "180", "180"),
    ("seats", "200", "200"),
    ("second", "download", "download"),
    ("seconds", "12", "12"),
    ("seed", "43880", "43880"),
    ("sentence", "\"selamat siang, .\"", "\"selamat siang, .\""),
    ("sentences", "\"selamat siang Bapak/Ibu\"", "\"selamat siang Bapak/Ibu\""),
    ("server", "nats1", "nats1"),
    ("sha256", "3f9a11c2", "3f9a11c2"),
    ("sheets", "12", "12"),
    ("shown", "20", "20"),
    ("sign", "+", "+"),
    ("since", "29/11/2026 13.05", "29/11/2026 13:05"),
    ("single", "[rule]", "[rule]"),
    ("site", "jkt", "jkt"),
    ("sites", "12", "12"),
    ("situations", "12 situasi", "12 situations"),
    ("size", "90", "90"),
    ("step", "terima-kasih", "terima-kasih"),
    ("steps", "campaign, terima-kasih", "campaign, terima-kasih"),
    ("stories", "49", "49"),
    ("stream", "CLOSINGS_jkt", "CLOSINGS_jkt"),
    ("sum", "3f9a11c2", "3f9a11c2"),
    ("supervisors", "3", "3"),
    ("table", "[[fact]]", "[[fact]]"),
    ("team", "Anggrek", "Anggrek"),
    ("tellings", "107", "107"),
    ("text", "Tawarkan bantuan lainnya", "Tawarkan bantuan lainnya"),
    ("time", "13.05", "13:05"),
    ("title", "Terima kasih", "Terima kasih"),
    ("to", "30/11/2026", "30/11/2026"),
    ("tool", "xdg-mime", "xdg-mime"),
    ("trainees", "10", "10"),
    ("twice", "{{", "{{"),
    ("undo", "Backspace", "Backspace"),
    ("until", "21.00", "21:00"),
    ("used", "WIB", "WIB"),
    ("valid", "klb, topik, aplikasi", "klb, topik, aplikasi"),
    ("value", "AKTIF", "AKTIF"),
    ("values", "text, json", "text, json"),
    ("variable", "PENUTUP_RULES", "PENUTUP_RULES"),
    ("verb", "sya", "sya"),
    ("version", "1764399600000", "1764399600000"),
    ("warnings", "1 peringatan", "1 warning"),
    ("way", "hafalan", "from memory"),
    ("week", "48", "48"),
    ("weight", "17", "17"),
    ("what", "jkt", "jkt"),
    ("when", "{ klb = \"ya\" }", "{ klb = \"ya\" }"),
    ("who", "SPV Jakarta", "SPV Jakarta"),
    ("why", "tidak ada izin", "no permission"),
    ("word", "siang", "siang"),
    ("yes", "V", "V"),
    ("zone", "WIB", "WIB"),
    ("zones", "3", "3"),
];

/// Where a placeholder contains something else than usual.
const OTHERWISE: &[(&str, &str, &str, &str)] = &[
    ("basis.overtaken_line", "facts", "KLB: nonaktif", "KLB: nonaktif"),
    ("basis.supersedes", "what", "SOP 24 Desember 2020", "SOP 24 Desember 2020"),
    ("broadcast.broken", "path", "S:\\penutup\\klb\\klb.toml", "S:\\penutup\\klb\\klb.toml"),
    ("broadcast.no_folder", "path", "S:\\penutup\\klb", "S:\\penutup\\klb"),
    ("cli.bad_at", "at", "14.58", "14.58"),
    ("drill.caller", "who", "Bu Siti", "Bu Siti"),
    ("drillverb.cards_caller", "who", "Bu Siti", "Bu Siti"),
    ("drillverb.nothing_changed", "after", "Rev-2", "Rev-2"),
    ("drillverb.nothing_changed", "before", "Rev-1", "Rev-1"),
    ("drillverb.sheet_title", "who", " · cso-0412", " · cso-0412"),
    ("help.hotkeys", "keys", "Ctrl+Alt+Space", "Ctrl+Alt+Space"),
    ("hotkey.not_registered", "which", "Ctrl+Alt+K (dipakai program lain)", "Ctrl+Alt+K (used by another program)"),
    ("hotkey.typed", "keys", "Ctrl+Alt+N", "Ctrl+Alt+N"),
    ("hotkey.typed", "word", "nama", "nama"),
    ("hotkey.unknown", "keys", "Ctrl+Alt+K", "Ctrl+Alt+K"),
    ("hotkey.unknown", "word", "siaga", "siaga"),
    ("hotkey.unknown_near", "keys", "Ctrl+Alt+K", "Ctrl+Alt+K"),
    ("hotkey.unknown_near", "near", "klb", "klb"),
    ("hotkey.unknown_near", "word", "kbl", "kbl"),
    ("hotkeyverb.none", "path", "/home/cso/penutup/settings.toml", "/home/cso/penutup/settings.toml"),
    ("hotkeyverb.not_registered", "why", "dipakai program lain", "used by another program"),
    ("hotkeyverb.others", "which", "Ctrl+Alt+K (klb)", "Ctrl+Alt+K (klb)"),
    ("hotkeyverb.typed", "word", "nama", "nama"),
    ("hotkeyverb.unknown", "word", "sadi", "sadi"),
    ("hotkeyverb.unknown_value", "word", "topik=pln-mobil", "topik=pln-mobil"),
    ("hotkeyverb.unwritable", "text", "D:\\100%x%\\penutup.exe", "D:\\100%x%\\penutup.exe"),
    ("journal.bad_by", "by", "jam", "jam"),
    ("journal.not_ours", "place", "settings.toml:4", "settings.toml:4"),
    ("journal.only_for", "what", "forget", "forget"),
    ("notice.changed_under", "key", "Spasi", "Space"),
    ("notice.held_unknown", "value", "siaga", "siaga"),
    ("notice.unseen", "key", "Spasi", "Space"),
    ("phone.no_socket", "why", "folder soket dapat diubah pengguna lain", "another user can change the socket folder"),
    ("problem.hotkey_twice", "first", "said", "said"),
    ("problem.hotkey_word", "word", "said all", "said all"),
    ("problem.twice_defined", "what", "kondisi atau isian", "fact or field"),
    ("problem.twice_listed", "what", "Langkah", "The step"),
    ("say.too_long", "count", "72", "72"),
    ("say.unknown_value", "key", "topik", "topik"),
    ("say.unknown_value", "value", "lainnya", "lainnya"),
    ("screen.all_said_next", "key", "Spasi:", "Space:"),
    ("status.title", "at", "29/11/2026 14.57.00 WIB", "29/11/2026 14:57:00 WIB"),
    ("trouble.system", "number", "112", "112"),
];

/// Texts in which two spaces separate the keys that can be pressed.
const TWO_SPACES: [&str; 2] = ["screen.still", "broadcast.expired"];

/// The tables of notices, and the notices in other tables.
const NOTICES: [&str; 5] = ["notice", "phone", "broadcast", "helper", "hotkey"];
const MORE_NOTICES: [&str; 15] = [
    "journal.not_written",
    "journal.written_again",
    "journal.written_again_lost",
    "journal.set_aside",
    "journal.taken_in",
    "screen.still",
    "press.field",
    "press.question",
    "press.no_question",
    "press.covered",
    "press.incomplete",
    "press.too_soon",
    "press.unknown",
    "press.unknown_value",
    "press.typed",
];
/// A row of an 80-column screen without its margins.
const NOTICE_WIDTH: usize = 78;
/// Notices that need more: the path and the reason are what the supervisor is asked about.
const LONG_NOTICES: [&str; 0] = [];

/// A line of the page.
struct Line {
    lang: Lang,
    file: String,
    key: String,
    /// Without values.
    template: String,
    text: String,
}

fn placeholders(template: &str) -> BTreeSet<&str> {
    template.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(name, _)| name).collect()
}

fn value(lang: Lang, key: &str, name: &str) -> &'static str {
    let pick = |id, en| if lang == Lang::Id { id } else { en };
    let otherwise = OTHERWISE.iter().find(|(k, n, ..)| *k == key && *n == name).map(|(_, _, id, en)| pick(*id, *en));
    let usual = || VALUES.iter().find(|(n, ..)| *n == name).map(|(_, id, en)| pick(*id, *en));
    otherwise.or_else(usual).unwrap_or_else(|| panic!("{key}: give a value for {{{name}}}"))
}

/// A text with each of the values that it can have: a text about a fact with every value of every fact, a text about an
/// ending with every ending, any other text with ordinary values.
fn filled(lang: Lang, key: &str, template: &str) -> Vec<String> {
    let names = placeholders(template);
    let usual: BTreeMap<String, String> =
        names.iter().map(|name| ((*name).to_owned(), value(lang, key, name).to_owned())).collect();
    let mut variants = vec![usual.clone()];
    let vary = |by: &[(&str, &str)]| {
        let mut with = usual.clone();
        for (name, value) in by {
            with.insert((*name).to_owned(), (*value).to_owned());
        }
        with
    };
    let book = LoadedRules::built_in();
    // Only facts of the shift are declared, outlast a call and are asked about.
    let of_a_shift = ["screen.since", "screen.still", "broadcast.", "plain."].iter().any(|part| key.starts_with(part));
    let facts = book.rules.facts.iter().filter(|fact| !of_a_shift || matches!(fact.scope, Scope::Shift { .. }));
    let facts: Vec<_> = facts.collect();
    if names.contains("label") && names.contains("value") {
        let pairs = facts.iter().flat_map(|fact| fact.values.iter().map(move |value| (fact, value)));
        let given = &facts[0].values[0].label;
        variants = pairs
            .map(|(fact, value)| vary(&[("label", &*fact.label), ("value", &*value.label)]))
            .filter(|with| !names.contains("given") || with["value"] != *given)
            .collect();
    } else if names.contains("label") {
        variants = facts.iter().map(|fact| vary(&[("label", &*fact.label)])).collect();
    } else if key == "report.by_fact" {
        variants = facts.iter().map(|fact| vary(&[("fact", &*fact.label)])).collect();
    } else if names.contains("ending") {
        variants = Outcome::ALL.into_iter().map(|how| vary(&[("ending", lang.words().outcome(how))])).collect();
    }
    variants
        .iter()
        .map(|with| {
            let with: Vec<(&str, &dyn Display)> =
                with.iter().map(|(name, value)| (name.as_str(), value as &dyn Display)).collect();
            fill(template, &with)
        })
        .collect()
}

fn page() -> Vec<Line> {
    let mut out = Vec::new();
    for lang in [Lang::Id, Lang::En] {
        for file in catalogues(lang.code()) {
            for (key, template) in entries(&file) {
                // Help is shown unchanged; its braces are meant for the reader.
                let texts =
                    if key.starts_with("verbs.") { vec![template.clone()] } else { filled(lang, &key, &template) };
                for text in texts {
                    let (file, key, template) = (file.clone(), key.clone(), template.clone());
                    out.push(Line { lang, file, key, template, text });
                }
            }
        }
    }
    out.extend(rows());
    out
}

/// What the screen puts together: the banner of each value, and a CSO's value that differs from the declared one.
fn rows() -> Vec<Line> {
    let mut out = Vec::new();
    for lang in [Lang::Id, Lang::En] {
        let (book, words) = (LoadedRules::built_in(), lang.words());
        for fact in &book.rules.facts {
            for v in &fact.values {
                let since = words.screen.since(&fact.label, value(lang, "screen.since", "time"), &v.label);
                let mut texts = vec![format!("{}: {}", fact.label, v.label)];
                texts.extend(v.banner.as_ref().map(|banner| format!("{since} · {banner}")));
                texts.push(format!("{since} · {}", words.broadcast.differs(&fact.label, &v.label)));
                let line = |text: String| Line {
                    lang,
                    file: "config/rules.toml".into(),
                    key: format!("{}={}", fact.id, v.id),
                    template: text.clone(),
                    text,
                };
                out.extend(texts.into_iter().map(line));
            }
        }
    }
    out
}

fn is_notice(key: &str) -> bool {
    let table = key.split('.').next().unwrap_or_default();
    let name = key.split('.').nth(1).unwrap_or_default();
    // `place` and `for_…` are rows of `penutup paths`.
    (NOTICES.contains(&table) && !name.starts_with("for_")) || MORE_NOTICES.contains(&key)
}

#[test]
fn no_text_with_its_values_has_a_fault() {
    let page = page();
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("words_page.txt");
    let mut lines = String::new();
    for Line { lang, file, key, text, .. } in &page {
        for text in text.split('\n') {
            writeln!(lines, "{} {file} {key}  {text}", lang.code()).expect("in memory");
        }
    }
    fs::write(&path, lines).expect("the page can be written");
    // Not with `eprintln!`: the harness hides its output in a passing test.
    let _ = writeln!(std::io::stderr(), "{}", path.display());

    let glossary = Glossary::read();
    let mut faults = Vec::new();
    for Line { lang, file, key, template, text } in &page {
        let mut fault = |what: &str| faults.push(format!("{} {key}: {what}: {text}", lang.code()));
        if text.trim().is_empty() {
            fault("empty");
        }
        let is_help = key.starts_with("verbs.");
        let has_braces = is_help || placeholders(template).iter().any(|name| value(*lang, key, name).contains('{'));
        if text.contains('{') && !has_braces {
            fault("not filled in");
        }
        if text.lines().any(|line| line.trim_start().contains("  ")) && !is_help && !TWO_SPACES.contains(&key.as_str())
        {
            fault("two spaces");
        }
        if *lang == Lang::Id && is_notice(key) && !LONG_NOTICES.contains(&key.as_str()) && text.width() > NOTICE_WIDTH {
            fault(&format!("{} columns", text.width()));
        }
        // What is filled in is not the catalogue's, and the glossary's own test reads the templates.
        if template != text || file == "config/rules.toml" {
            faults.extend(glossary.faults(lang.code(), file, key, text));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}
