//! Each key of a rules file: what `diff` and `table` say where it changes, or why it is no difference. The keys are those
//! that the reader asks for, so a key without a decision here fails.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use penutup::rules::check;
use penutup::rules::problem::Kind;

use crate::support::{Home, json};

/// A rules file that has every key.
const SAMPLE: &str = include_str!("../data/diff/every-key.toml");

/// How a change of a key is treated.
enum Decision {
    /// This text replaced by that one is a difference.
    Differs(&'static str, &'static str),
    /// It is not a difference by itself, for this reason.
    Reason(&'static str),
}

use Decision::{Differs, Reason};

/// The keys of each table, as the reader lists them in its error about an unknown key.
fn keys_of_the_reader() -> BTreeMap<String, BTreeSet<String>> {
    let with_unknown_keys = SAMPLE
        .replace("schema = 1\n", "schema = 1\nasing = 1\n")
        .replace("[sop]\n", "[sop]\nasing = 1\n")
        .replace("]]\n", "]]\nasing = 1\n")
        .replace("{ id = \"tidak\"", "{ asing = 1, id = \"tidak\"")
        .replace("{ text = ", "{ asing = 1, text = ");
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for problem in check(with_unknown_keys.as_bytes(), NaiveDate::MAX).problems {
        if let Kind::UnknownKey { table, valid, .. } = problem.kind {
            found.entry(table).or_default().extend(valid);
        }
    }
    found
}

const DECISIONS: &[(&str, &str, Decision)] = &[
    ("", "schema", Reason("there is one schema; another is refused")),
    (
        "",
        "accept",
        Differs("accept = [\"no-requirement\"]\nbecause = \"Hanya", "accept = [\"same-label\"]\nbecause = \"Hanya"),
    ),
    ("", "because", Differs("Hanya contoh", "Contoh saja")),
    ("", "sop", Reason("each of its keys has its own decision")),
    (
        "",
        "fact",
        Differs(
            "[[field]]",
            "[[fact]]\nid = \"kota\"\nlabel = \"Kota\"\nvalues = [{ id = \"a\", label = \"A\" }, { id = \"b\", label = \"B\" }]\n[[field]]",
        ),
    ),
    ("", "field", Differs("[[zone]]", "[[field]]\nid = \"nomor\"\nlabel = \"Nomor\"\n[[zone]]")),
    ("", "zone", Differs("[[greeting]]", "[[zone]]\nid = \"WIT\"\noffset = \"+09:00\"\n[[greeting]]")),
    ("", "greeting", Differs("[[step]]", "[[greeting]]\nfrom = \"15:00\"\nword = \"sore\"\n[[step]]")),
    ("", "step", Differs("[[rule]]", "[[step]]\nid = \"baru\"\ntitle = \"Baru\"\nsay = \"Baru.\"\n[[rule]]")),
    ("", "rule", Reason("each situation has one rule, so one more changes a `when`, which has its own decision")),
    ("", "require", Differs("[[require]]", "[[require]]\nid = \"lagi\"\nalways = [\"tutup\"]\n[[require]]")),
    ("[sop]", "title", Differs("title = \"Contoh\"", "title = \"Contoh lain\"")),
    ("[sop]", "revision", Differs("\"Rev-1\"", "\"Rev-2\"")),
    ("[sop]", "supersedes", Differs("\"Rev-0\"", "\"Rev-00\"")),
    ("[sop]", "issuer", Differs("issuer = \"Divisi\"", "issuer = \"Bidang\"")),
    ("[sop]", "lost_score", Differs("\"Tanpa Salam\"", "\"Salam hilang\"")),
    ("[sop]", "effective_from", Differs("2021-02-01", "2021-02-02")),
    ("[sop]", "duties", Reason("a count that check compares with the duties; the duties themselves are compared")),
    ("[sop]", "effective_to", Differs("2098-01-31", "2098-02-28")),
    ("[sop]", "accept", Differs("[\"expiring\"]", "[\"not-yet-effective\"]")),
    ("[sop]", "because", Differs("Diperpanjang tiap tahun", "Diperpanjang")),
    ("[[fact]]", "id", Differs("\"gawat\"\nlabel", "\"genting\"\nlabel")),
    ("[[fact]]", "label", Differs("label = \"Gawat\"", "label = \"Genting\"")),
    ("[[fact]]", "help", Differs("Gangguan besar", "Gangguan luas")),
    ("[[fact]]", "key", Differs("key = \"g\"", "key = \"k\"")),
    (
        "[[fact]]",
        "scope",
        Differs("scope = \"shift\"\nkeep_for = \"12h\"\nrole = \"emergency\"\n", "scope = \"call\"\n"),
    ),
    ("[[fact]]", "keep_for", Differs("\"12h\"", "\"8h\"")),
    ("[[fact]]", "role", Differs("role = \"emergency\"\n", "")),
    (
        "[[fact]]",
        "values",
        Differs(
            "  { id = \"belum\", label = \"belum\" },\n  { id = \"telah\", label = \"telah\" },",
            "  { id = \"telah\", label = \"telah\" },\n  { id = \"belum\", label = \"belum\" },",
        ),
    ),
    ("[[fact]]", "accept", Differs("[\"unused-value\"]", "[\"irrelevant-fact\"]")),
    ("[[fact]]", "because", Differs("Belum dibedakan", "Tidak dibedakan")),
    ("[[values]]", "id", Differs("\"telah\"", "\"sudah\"")),
    ("[[values]]", "label", Differs("\"AKTIF\"", "\"ADA\"")),
    ("[[values]]", "short", Differs("short = \"YA\"", "short = \"Y\"")),
    ("[[values]]", "banner", Differs("Tanpa ajakan khusus", "Tanpa ajakan")),
    ("[[field]]", "id", Differs("panggilan", "sapa")),
    ("[[field]]", "label", Differs("label = \"Nama\"", "label = \"Pelanggan\"")),
    ("[[field]]", "key", Differs("key = \"n\"", "key = \"p\"")),
    ("[[field]]", "choices", Differs("\"Ibu\"]", "\"Ibu\", \"Kakak\"]")),
    ("[[field]]", "drop", Differs("[\"sdr\"]", "[\"sdr\", \"mas\"]")),
    ("[[field]]", "max", Differs("max = 60", "max = 40")),
    ("[[field]]", "kind", Differs("kind = \"name\"", "kind = \"text\"")),
    ("[[field]]", "empty", Differs("empty = \"\"", "empty = \"pelanggan\"")),
    ("[[field]]", "scope", Differs("scope = \"call\"\naccept", "scope = \"shift\"\naccept")),
    ("[[field]]", "role", Differs("role = \"honorific\"\n", "")),
    ("[[field]]", "accept", Differs("[\"empty-field\"]", "[\"same-label\"]")),
    ("[[field]]", "because", Differs("Boleh tanpa nama", "Boleh kosong")),
    ("[[choices]]", "text", Differs("text = \"Bapak\"", "text = \"Ayah\"")),
    ("[[choices]]", "short", Differs("short = \"Bp\"", "short = \"Bpk\"")),
    ("[[choices]]", "aliases", Differs("[\"pak\"]", "[\"pak\", \"tuan\"]")),
    ("[[zone]]", "id", Differs("\"WIB\"", "\"JKT\"")),
    ("[[zone]]", "offset", Differs("+07:00", "+07:30")),
    ("[[greeting]]", "from", Differs("\"11:00\"", "\"10:00\"")),
    ("[[greeting]]", "word", Differs("\"siang\"", "\"tengah hari\"")),
    ("[[step]]", "id", Differs("\"khusus\"", "\"istimewa\"")),
    ("[[step]]", "title", Differs("title = \"Ajakan\"", "title = \"Undangan\"")),
    ("[[step]]", "say", Differs("Ayo download,", "Ayo unduh,")),
    ("[[step]]", "remind", Differs("Tawarkan bantuan lainnya.", "Tawarkan bantuan.")),
    ("[[step]]", "basis", Differs("\"No. 1\"", "\"No. 1.a\"")),
    ("[[step]]", "note", Differs("\"Selalu\"", "\"Selalu ada\"")),
    ("[[step]]", "score", Differs("[\"Salam\"]", "[\"Salam\", \"FCR\"]")),
    ("[[step]]", "accept", Differs("[\"long-sentence\"]", "[\"unused-step\"]")),
    ("[[step]]", "because", Differs("Kalimat SOP", "Sesuai SOP")),
    ("[[rule]]", "id", Reason("a name in the file; what is said does not depend on it")),
    (
        "[[rule]]",
        "when",
        Differs(
            "aplikasi = \"belum\" }\nsteps = [\"ingat\", \"ajak\", \"tutup\"]",
            "aplikasi = \"telah\" }\nsteps = [\"ingat\", \"ajak\", \"tutup\"]",
        ),
    ),
    ("[[rule]]", "steps", Differs("[\"khusus\", \"segarkan\", \"tutup\"]", "[\"segarkan\", \"tutup\"]")),
    ("[[rule]]", "basis", Differs("\"No. 2\"", "\"No. 2.a\"")),
    ("[[rule]]", "caution", Differs("2 ↔ 3", "2 ↔ 4")),
    ("[[rule]]", "accept", Differs("[\"score-missing\"]", "[\"unused-step\"]")),
    ("[[rule]]", "because", Differs("Sudah dinilai", "Dinilai")),
    ("[[require]]", "id", Reason("a name in the file; duties are compared by what they guarantee")),
    (
        "[[require]]",
        "when",
        Differs("when = { gawat = \"tidak\" }\nalways", "when = { gawat = \"tidak\", aplikasi = \"belum\" }\nalways"),
    ),
    ("[[require]]", "always", Differs("always = [\"ingat\"]\n", "")),
    ("[[require]]", "never", Differs("never = [\"khusus\"]\n", "")),
    ("[[require]]", "exactly_one", Differs("exactly_one = [\"ajak\", \"segarkan\"]\n", "")),
    ("[[require]]", "order", Differs("order = [\"ingat\", \"ajak\", \"segarkan\"]\n", "")),
    ("[[require]]", "last", Differs("last = \"tutup\"\n", "")),
    ("[[require]]", "basis", Differs("Keterangan a", "Keterangan b")),
    (
        "[[require]]",
        "accept",
        Differs("accept = [\"no-requirement\"]\nbecause = \"Tidak", "accept = [\"same-label\"]\nbecause = \"Tidak"),
    ),
    ("[[require]]", "because", Differs("Tidak ada", "Tak ada")),
];

/// The sample with a key changed; a renamed id is renamed wherever it is used.
fn changed(table: &str, key: &str, from: &str, to: &str) -> String {
    assert!(SAMPLE.contains(from), "{table} {key}: the sample has {from:?}");
    match (table, key) {
        ("[[fact]]", "id") => SAMPLE.replacen(from, to, 1).replace("{ gawat =", "{ genting ="),
        ("[[values]]" | "[[field]]" | "[[step]]", "id") => SAMPLE.replace(from, to),
        ("[[rule]]", "when") => {
            let moved = SAMPLE.replacen(from, to, 1);
            let other = "aplikasi = \"telah\" }\nsteps = [\"ingat\", \"segarkan\", \"tutup\"]";
            assert!(moved.contains(other));
            moved.replacen(other, &other.replace("\"telah\"", "\"belum\""), 1)
        }
        _ => SAMPLE.replacen(from, to, 1),
    }
}

/// A sheet without the line of the hash.
fn sheet(home: &Home, file: &str, form: &str) -> String {
    let out = home.penutup(["table", file, "--format", form]).ok();
    out.lines().filter(|line| !line.starts_with("SHA-256")).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_key_has_a_decision() {
    let known = keys_of_the_reader();
    let mut decided: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (table, key, decision) in DECISIONS {
        assert!(decided.entry((*table).into()).or_default().insert((*key).into()), "{table} {key} is decided twice");
        if let Reason(why) = decision {
            assert!(why.len() > 10, "{table} {key}");
        }
    }
    assert_eq!(decided, known);
}

#[test]
fn a_change_of_any_key_is_in_the_diff_and_on_the_sheet() {
    let home = Home::new();
    home.write("lama.toml", SAMPLE);
    let forms = ["text", "md", "csv", "json"];
    let before = forms.map(|form| sheet(&home, "lama.toml", form));
    for (table, key, decision) in DECISIONS {
        let Differs(from, to) = decision else { continue };
        home.write("baru.toml", changed(table, key, from, to));
        let ran = home.penutup(["diff", "lama.toml", "baru.toml"]).run();
        ran.status(1).err_is("");
        assert!(ran.out.lines().count() > 2, "{table} {key}: {}", ran.out);
        let found = home.penutup(["diff", "lama.toml", "baru.toml", "--format", "json"]).run();
        found.status(1);
        assert!(json(&found.out).is_object());
        for (form, before) in forms.iter().zip(&before) {
            assert_ne!(&sheet(&home, "baru.toml", form), before, "{table} {key} in {form}");
        }
    }
}

#[test]
fn renamed_duties_and_rules_are_no_difference() {
    let home = Home::new();
    home.write("lama.toml", SAMPLE);
    home.write(
        "baru.toml",
        SAMPLE.replace("id = \"wajib\"", "id = \"harus\"").replace("id = \"belum\"\nwhen", "id = \"b\"\nwhen"),
    );
    home.penutup(["diff", "lama.toml", "baru.toml"]).run().status(0).out_has("Tidak ada perbedaan");
}
