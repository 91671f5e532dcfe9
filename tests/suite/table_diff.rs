//! `penutup table` and `penutup diff`: what a supervisor signs, and what a revision changes.

use penutup::rules::BUILT_IN;
use serde_json::{Value, json};

use crate::support::{Home, Ran, assert_harmless, json, penutup};

/// A result as a snapshot.
#[track_caller]
fn snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots/table_diff");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// The built-in rules with these texts replaced, each of which must be there.
#[track_caller]
fn edited(edits: &[(&str, &str)]) -> String {
    edits.iter().fold(BUILT_IN.to_owned(), |source, (from, to)| {
        assert!(source.contains(from), "{from}");
        source.replacen(from, to, 1)
    })
}

/// Rev-2: another sentence, another result for one row, another hour, another title.
const REV_2: &[(&str, &str)] = &[
    ("\"Rev-1\"", "\"Rev-2\""),
    ("\"11:00\"", "\"10:30\""),
    ("Agar semua makin mudah, ayo download", "Ayo unduh"),
    ("\"Ajakan DOWNLOAD New PLN Mobile\"", "\"Ajakan unduh New PLN Mobile\""),
    ("[\"bantuan\", \"campaign\", \"update\"", "[\"bantuan\", \"campaign\", \"download\""),
];

/// `diff` of the built-in rules and these.
fn diff(new: &str, args: &[&str]) -> Ran {
    let home = Home::new();
    home.write("lama.toml", BUILT_IN);
    home.write("baru.toml", new);
    home.penutup([&["diff", "lama.toml", "baru.toml"], args].concat()).run()
}

fn keys(value: &Value) -> Vec<String> {
    value.as_object().expect("an object").keys().cloned().collect()
}

#[test]
fn the_table_is_the_expected_one_in_every_form() {
    for form in ["text", "md", "csv", "json"] {
        let out = Home::new().penutup(["table", "--format", form]).ok();
        snapshot(&format!("table_{form}"), &out.replace("\r\n", "\n"));
    }
    assert_eq!(Home::new().penutup(["table"]).ok(), Home::new().penutup(["table", "--format", "text"]).ok());
    snapshot("table_text_en", &Home::new().penutup(["table", "--lang", "en"]).ok());
}

#[test]
fn the_table_without_a_terminal_fits_a_page_and_has_no_escapes() {
    let out = Home::new().penutup(["table"]).ok();
    assert!(out.lines().all(|line| line.chars().count() <= 100), "{out}");
    assert_harmless(&out);
}

#[test]
fn the_tables_json_covers_every_situation_once() {
    let table = Home::new().penutup(["table", "--format", "json"]).json();
    let sheet = ["sop", "steps", "requirements", "greetings", "zones", "facts", "fields", "accepted"];
    assert_eq!(keys(&table), [&["schema", "revision", "situations", "rows"][..], &sheet].concat());
    let rows = table["rows"].as_array().expect("rows");
    let mut situations = 0;
    for row in rows {
        assert_eq!(keys(row), ["when", "rule", "steps", "script", "basis", "caution"]);
        assert_eq!(keys(&row["when"]), ["klb", "topik", "aplikasi"]);
        let values = row["when"].as_object().expect("facts").values();
        situations += values.map(|values| values.as_array().expect("values").len()).product::<usize>();
    }
    assert_eq!((table["situations"].clone(), situations), (12.into(), 12));
}

/// The cells of a line.
fn cells(line: &str, separator: char) -> Vec<String> {
    let (mut cells, mut quoted) = (vec![String::new()], false);
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            c if c == separator && !quoted => cells.push(String::new()),
            c => cells.last_mut().expect("a cell").push(c),
        }
    }
    cells
}

#[test]
fn every_row_of_the_csv_has_every_cell_and_none_is_a_formula() {
    let home = Home::new();
    let edits = [
        ("say   = \"Agar", "say   = \"=HYPERLINK(1), \\\"Agar"),
        ("label = \"TELAH punya\"", "label = \"+ ya\""),
        ("basis = \"Kalimat lengkap 1\"", "basis = \"@SUM(1)\""),
        ("label  = \"Topik\"", "label  = \"-topik\""),
    ];
    home.write("rumus.toml", edited(&edits));
    for (args, separator) in [
        (&[][..], ';'),
        (&["--separator", ";"], ';'),
        (&["--separator", "semicolon"], ';'),
        (&["--separator", "comma"], ','),
        (&["--separator", ","], ','),
        (&["--separator", "tab"], '\t'),
    ] {
        let out = home.penutup([&["table", "rumus.toml", "--format", "csv"], args].concat()).ok();
        let out = out.strip_prefix('\u{feff}').expect("the byte order mark, by which Excel recognises UTF-8");
        let lines: Vec<&str> = out.split_terminator("\r\n").collect();
        // The table first, then each section with its title, columns and rows.
        let sections: Vec<&[&str]> = lines.split(|line| line.is_empty()).collect();
        assert_eq!((sections[0].len(), sections.len()), (9, 9));
        for (at, section) in sections.iter().enumerate() {
            let rows = if at == 0 { section } else { &section[1..] };
            let columns = cells(rows[0], separator).len();
            for line in rows {
                let cells = cells(line, separator);
                assert_eq!(cells.len(), columns, "{line}");
                assert!(cells.iter().all(|cell| !cell.starts_with(['=', '+', '-', '@'])), "{line}");
            }
        }
        assert!(lines[0].contains("'-topik"), "{out}");
        assert!(lines[1].contains("'@SUM(1)"), "{out}");
        assert!(lines[4].contains("\"'=HYPERLINK(1), \"\"Agar semua"), "{out}");
    }
    let message = home.penutup(["table", "--separator", "tab"]).failed();
    assert!(message.contains("--format csv"), "{message}");
    home.penutup(["table", "--format", "csv", "--separator", "|"]).failed();
}

#[test]
fn markdown_cells_survive_any_content() {
    let home = Home::new();
    home.write("garis.toml", edited(&[("ayo download aplikasi", "ayo | *download* _aplikasi_")]));
    let out = home.penutup(["table", "garis.toml", "--format", "md"]).ok();
    assert!(out.contains("ayo \\| \\*download\\* \\_aplikasi\\_"), "{out}");
    assert!(out.contains("selamat **{salam}** **{sapaan}** **{nama}** |"), "{out}");
}

/// Whoever signs knows the screen, not the file: steps, facts, values, roles and scopes are in its words.
#[test]
fn the_sheet_to_sign_has_labels_and_csv_has_ids() {
    let home = Home::new();
    home.write("aturan.toml", BUILT_IN);
    let md = home.penutup(["table", "aturan.toml", "--format", "md"]).ok();
    for part in [
        "| (Tawarkan bantuan lainnya) → Campaign Integritas → ",
        "| klb-tanpa-campaign | KLB: AKTIF | tidak boleh ada: Campaign Integritas | No. 1; Keterangan b |",
        "| darurat | satu shift | 12 jam |",
        "| satu panggilan |",
        "| nama pelanggan |",
    ] {
        assert!(md.contains(part), "{part} is not in {md}");
    }
    for word in ["klb = ya", "emergency", "honorific", "| call |", "| shift |", "12h", "| name |", "→ download"] {
        assert!(!md.contains(word), "{word} is in {md}");
    }
    let csv = home.penutup(["table", "aturan.toml", "--format", "csv"]).ok();
    for part in ["(bantuan) → campaign → download", ";klb = ya;tidak boleh ada: campaign;", ";emergency;shift;12h"]
    {
        assert!(csv.contains(part), "{part} is not in {csv}");
    }
    // A title that two steps have does not tell which one is meant.
    home.write("sama.toml", edited(&[("\"Campaign Integritas\"", "\"Terima kasih\"")]));
    let md = home.penutup(["table", "sama.toml", "--format", "md"]).ok();
    assert!(md.contains("tidak boleh ada: campaign |"), "{md}");
}

#[test]
fn the_table_is_of_the_rules_in_use_and_refuses_what_check_refuses() {
    let home = Home::new();
    home.write_config("rules.toml", edited(&[("\"Rev-1\"", "\"Rev-7\"")]));
    home.write("rusak.toml", edited(&[("[\"belum-tahu\", \"belum\"]", "\"belum\"")]));
    assert_eq!(home.penutup(["table", "--format", "json"]).json()["revision"], "Rev-7");
    assert!(home.penutup(["table", "hilang.toml"]).failed().contains("hilang.toml"));
    assert!(home.penutup(["table", "rusak.toml"]).failed().contains("gap"));
    home.penutup(["table", "--rules", "rusak.toml"]).failed();
}

#[test]
fn a_revision_in_text_is_the_expected_one() {
    let ran = diff(&edited(REV_2), &[]);
    ran.status(1).err_is("").out_has("7 dari 12 situasi berubah");
    assert_harmless(&ran.out);
    snapshot("diff_text", &ran.out);
    snapshot("diff_text_en", &diff(&edited(REV_2), &["--lang", "en"]).out);
}

#[test]
fn a_revision_in_json_has_the_documented_keys() {
    let ran = diff(&edited(REV_2), &["--format", "json"]);
    ran.status(1).err_is("");
    let found = json(&ran.out);
    let all = [
        "schema",
        "situations",
        "changed",
        "groups",
        "greeting_changes",
        "text_changes",
        "requirement_changes",
        "added",
        "removed",
    ];
    assert_eq!(keys(&found), all);
    assert_eq!((found["situations"].clone(), found["changed"].clone()), (12.into(), 7.into()));
    assert_eq!(
        found["greeting_changes"],
        json!([{ "from": "10:30", "to": "11:00", "before": "pagi", "after": "siang" }])
    );
    assert_eq!(found["added"], json!({ "facts": [], "values": [], "steps": [] }));
    let mut sum = 0;
    for group in found["groups"].as_array().expect("groups") {
        assert_eq!(keys(group), ["situations", "when", "before", "after", "cause"]);
        assert_eq!(
            (keys(&group["before"]), keys(&group["cause"][0])),
            (vec!["steps".into(), "script".into()], vec!["file".into(), "line".into()])
        );
        for cube in group["when"].as_array().expect("cubes") {
            assert_eq!(keys(cube), ["klb", "topik", "aplikasi"]);
            let values = cube.as_object().expect("facts").values();
            sum += values.map(|values| values.as_array().expect("values").len()).product::<usize>();
        }
    }
    assert_eq!(sum, 7);
    snapshot("diff_json", &serde_json::to_string_pretty(&found).expect("JSON"));
}

#[test]
fn order_names_of_rules_comments_and_layout_are_no_difference() {
    let (before, rules) = BUILT_IN.split_once("# ── Tabel keputusan").expect("the rules");
    let (rules, after) = rules.split_once("# ── Kewajiban").expect("the requirements");
    let mut rules: Vec<&str> = rules.split("[[rule]]").skip(1).collect();
    rules.reverse();
    let rules = rules.join("[[rule]]").replace("id    = \"k", "id = 'aturan-k").replace("-1\"\nwhen", "-1'\nwhen");
    let rules = rules
        .replace("-2\"\nwhen", "-2'\nwhen")
        .replace("lain\"\nwhen", "lain'\nwhen")
        .replace("mobile\"\nwhen", "mobile'\nwhen");
    let moved = format!("{before}\n# lain\n\n\n[[rule]]{rules}\n#{after}").replace("klb = \"ya\"", "klb  =  ['ya']");
    let ran = diff(&moved, &[]);
    ran.status(0).err_is("").out_has("Tidak ada perbedaan: 12 situasi");
    let found = diff(&moved, &["--format", "json"]);
    found.status(0);
    assert_eq!(json(&found.out)["groups"], json!([]));
}

#[test]
fn texts_alone_make_a_difference_but_change_no_situation() {
    let ran = diff(&edited(&[("title = \"Terima kasih\"", "title = \"Ucapan terima kasih\"")]), &[]);
    ran.status(1).out_has("Yang berubah: 1 hal lain").out_has("langkah · terima-kasih · title");
    assert!(!ran.out.contains("situasi"), "{}", ran.out);
    ran.out_has("- [Terima] kasih").out_has("+ [Ucapan terima] kasih");
}

#[test]
fn new_facts_values_and_zones_are_distinguished() {
    let new = edited(&[
        (
            "[[field]]",
            "[[fact]]\nid = \"kota\"\nlabel = \"Kota\"\nvalues = [{ id = \"lain\", label = \"lain\" }, { id = \"medan\", label = \"Medan\" }]\n\n[[field]]",
        ),
        ("{ id = \"belum\", label", "{ id = \"rusak\", label = \"rusak\" }, { id = \"belum\", label"),
        (
            "when  = { klb = \"tidak\", topik = \"lain\", aplikasi = [\"belum-tahu\", \"belum\"] }",
            "when  = { klb = \"tidak\", topik = \"lain\", aplikasi = [\"belum-tahu\", \"belum\", \"rusak\"] }",
        ),
        (
            "when  = { klb = \"tidak\", topik = \"pln-mobile\", aplikasi = [\"belum-tahu\", \"telah\"] }",
            "when  = { klb = \"tidak\", topik = \"pln-mobile\", aplikasi = [\"belum-tahu\", \"telah\", \"rusak\"] }",
        ),
        (
            "when  = { klb = \"ya\", topik = \"lain\", aplikasi = [\"belum-tahu\", \"belum\"] }",
            "when  = { klb = \"ya\", topik = \"lain\", aplikasi = [\"belum-tahu\", \"belum\", \"rusak\"] }",
        ),
        (
            "when  = { klb = \"ya\", topik = \"pln-mobile\", aplikasi = [\"belum-tahu\", \"telah\"] }",
            "when  = { klb = \"ya\", topik = \"pln-mobile\", aplikasi = [\"belum-tahu\", \"telah\", \"rusak\"] }",
        ),
        ("id     = \"WIT\"\noffset = \"+09:00\"", "id     = \"LN\"\noffset = \"+00:00\""),
    ]);
    let ran = diff(&new, &["--format", "json"]);
    ran.status(1);
    let found = json(&ran.out);
    // 2 × 2 × 4 × 2, of which the 8 with the new value have no counterpart.
    assert_eq!((found["situations"].clone(), found["changed"].clone()), (32.into(), 0.into()));
    assert_eq!(found["added"], json!({ "facts": ["kota"], "values": ["aplikasi=rusak"], "steps": [] }));
    assert_eq!(
        found["greeting_changes"],
        json!([
            { "zone": "LN", "before": null, "after": "+00:00" },
            { "zone": "WIT", "before": "+09:00", "after": null },
        ])
    );
    let ran = diff(&new, &[]);
    ran.out_has("Kondisi baru: kota\nPilihan baru: aplikasi=rusak\n").out_has("LN · (tidak ada) → +00:00");
}

#[test]
fn files_that_cannot_be_used_and_missing_arguments_are_status_2() {
    let home = Home::new();
    home.write("lama.toml", BUILT_IN);
    home.write("rusak.toml", edited(&[("[\"belum-tahu\", \"belum\"]", "\"belum\"")]));
    for files in [["lama.toml", "rusak.toml"], ["rusak.toml", "lama.toml"]] {
        let message = home.penutup([&["diff"], &files[..]].concat()).failed();
        assert!(message.contains("gap") && message.contains("rusak.toml"), "{message}");
    }
    assert!(home.penutup(["diff", "lama.toml", "hilang.toml"]).failed().contains("hilang.toml"));
    penutup(["diff", "lama.toml"]).status(2);
    penutup(["diff"]).status(2);
}

/// A rules file that an early version compared wrongly with `sound.toml`.
fn case(name: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/diff").join(name);
    std::fs::read_to_string(path).expect("a case")
}

/// `diff` of two cases.
fn diff_of_cases(old: &str, new: &str, args: &[&str]) -> Ran {
    let home = Home::new();
    home.write("lama.toml", case(old));
    home.write("baru.toml", case(new));
    home.penutup([&["diff", "lama.toml", "baru.toml"], args].concat()).run()
}

#[test]
fn a_file_without_its_requirements_has_lost_each_duty_and_what_it_allows_is_named() {
    let ran = diff_of_cases("sound.toml", "no-require.toml", &[]);
    ran.status(1).err_is("").out_has("Yang berubah: 4 kewajiban");
    snapshot("diff_no_require", &ran.out);
    snapshot("diff_no_require_en", &diff_of_cases("sound.toml", "no-require.toml", &["--lang", "en"]).out);
    let ran = diff_of_cases("sound.toml", "no-require.toml", &["--format", "json"]);
    ran.status(1);
    let changes = json(&ran.out)["requirement_changes"].clone();
    let kind_and_id = |change: &Value| (change["change"].clone(), change["id"].clone());
    let lost: Vec<_> = changes.as_array().expect("changes").iter().map(kind_and_id).collect();
    assert_eq!(lost, ["ajakan", "klb", "topik", "urut"].map(|id| (json!("lost"), json!(id))));
    assert_eq!(
        changes[0]["duties"][0],
        json!({
            "demand": "exactly_one",
            "steps": ["download", "update"],
            "situations": 8,
            "when": [{ "klb": ["tidak", "ya"], "topik": ["lain", "pln-mobile"], "aplikasi": ["belum", "telah"] }],
            "now_allowed": [{ "with": ["download", "update"] }],
        })
    );
    // In the other direction the duties are new.
    diff_of_cases("no-require.toml", "sound.toml", &[]).status(1).out_has("baru: ajakan").out_has("dulu boleh");
}

#[test]
fn a_greeting_that_moved_is_in_the_diff_and_on_the_sheet() {
    let ran = diff_of_cases("sound.toml", "greeting-moved.toml", &[]);
    ran.status(1).err_is("").out_has("Yang berubah: 60 menit salam\n").out_has("10.00–11.00 · pagi → siang");
    assert!(!ran.out.contains("situasi berubah"), "{}", ran.out);
    let sheet = |name: &str| {
        let home = Home::new();
        home.write("aturan.toml", case(name));
        home.penutup(["table", "aturan.toml", "--format", "md"]).ok()
    };
    let (old, new) = (sheet("sound.toml"), sheet("greeting-moved.toml"));
    assert!(old.contains("| 11.00–15.00 | siang |") && new.contains("| 10.00–15.00 | siang |"), "{old}{new}");
}

#[test]
fn a_new_fact_is_compared_over_all_its_values() {
    let ran = diff_of_cases("sound.toml", "new-fact.toml", &[]);
    ran.status(1)
        .err_is("")
        .out_has("8 dari 16 situasi berubah")
        .out_has("Kondisi baru: jenis\nLangkah baru: survei\n");
    assert!(!ran.out.contains("Kewajiban"), "{}", ran.out);
}
