//! Field values, what is spoken while a field is empty, and the fields' roles.

use penutup::rules::BUILT_IN;
use penutup::rules::check::check;

use crate::stage::{Stage, loaded, wib};
use crate::support::Home;

/// A telephone company's rules: the agent's name once a shift, a ticket number, a name under another id.
const OTHER: &str = r#"
schema = 1
accept = ["no-requirement"]
because = "contoh"
[sop]
title = "Nusa Telko"
revision = "1"
[[fact]]
id = "darurat"
label = "Darurat"
key = "k"
scope = "shift"
role = "emergency"
values = [{ id = "biasa", label = "biasa" }, { id = "aktif", label = "AKTIF" }]
[[field]]
id = "gelar"
label = "Gelar"
key = "b"
role = "honorific"
choices = ["Kakak", { text = "Tuan", aliases = ["Tn.", "Pak"], short = "Tn" }]
drop = ["Sdr"]
[[field]]
id = "pelanggan"
label = "Pelanggan"
key = "n"
role = "name"
empty = ""
[[field]]
id = "agen"
label = "Agen"
key = "g"
kind = "name"
scope = "shift"
empty = "petugas"
max = 20
[[field]]
id = "tiket"
label = "Tiket"
key = "t"
kind = "number"
empty = "yang dikirim lewat SMS"
max = 12
[[zone]]
id = "WIB"
offset = "+07:00"
[[greeting]]
from = "00:00"
word = "siang"
[[step]]
id = "kabar"
title = "Kabar"
say = "Kami catat dengan nomor {tiket}."
score = ["Akurasi"]
[[step]]
id = "gangguan"
title = "Gangguan"
say = "Gangguan sedang ditangani."
score = ["Akurasi"]
[[step]]
id = "salam"
title = "Salam"
say = "Selamat {salam} {gelar} {pelanggan}, saya {agen} dari Nusa Telko."
[[rule]]
id = "biasa"
when = { darurat = "biasa" }
steps = ["kabar", "salam"]
[[rule]]
id = "darurat"
when = { darurat = "aktif" }
steps = ["gangguan", "salam"]
"#;

fn say(pairs: &[&str]) -> (Option<i32>, String, String) {
    let home = Home::new();
    home.write("rules.toml", OTHER);
    let ran = home.penutup(["say", "--rules", "rules.toml"].iter().chain(pairs)).run();
    (ran.status, ran.out.trim_end().to_owned(), ran.err)
}

#[test]
fn an_empty_field_is_spoken_as_configured() {
    let (_, out, _) = say(&[]);
    assert_eq!(
        out,
        "Kami catat dengan nomor yang dikirim lewat SMS. Selamat siang Kakak, saya petugas dari Nusa Telko."
    );
    let (_, out, _) = say(&["tiket=0812-77", "gelar=pak", "pelanggan=Budi", "agen=Rina"]);
    assert_eq!(out, "Kami catat dengan nomor 0812-77. Selamat siang Tuan Budi, saya Rina dari Nusa Telko.");
}

#[test]
fn what_does_not_fit_is_refused_and_never_cut() {
    for (pair, why) in [
        ("tiket=dua belas", "\"tiket\" harus berupa nomor"),
        ("tiket=1234567890123", "\"tiket\" terlalu panjang"),
        ("agen=Rina Anggraeni Prawirodirdjo", "\"agen\" terlalu panjang"),
        ("agen=0812345", "\"agen\" berisi angka saja"),
    ] {
        let (status, out, err) = say(&[pair]);
        assert_eq!((status, out.as_str()), (Some(2), ""), "{pair}");
        assert!(err.contains(why), "{err}");
    }
}

#[test]
fn the_sops_ids_find_renamed_fields_and_facts_by_role() {
    let rules = check(OTHER.as_bytes(), chrono::NaiveDate::MIN).rules.expect("sound rules");
    assert_eq!(rules.field_or_role("nama"), rules.field_named("pelanggan"));
    assert_eq!(rules.field_or_role("sapaan"), rules.field_named("gelar"));
    assert_eq!(rules.fact_or_role("klb"), rules.fact_named("darurat"));
    assert_eq!(rules.field_or_role("tiket"), rules.field_named("tiket"));
    let built_in = check(BUILT_IN.as_bytes(), chrono::NaiveDate::MIN).rules.expect("sound rules");
    assert_eq!(built_in.roles.name, built_in.field_named("nama"), "without `role`, the field's id gives the role");
    assert_eq!(built_in.roles.emergency, built_in.fact_named("klb"));
}

#[test]
fn shift_fields_stay_for_the_next_call_and_others_are_cleared() {
    let mut stage = Stage::with(loaded(OTHER), wib("14:00"), Vec::new());
    stage.keys("gRina⏎t12345⏎nBudi⏎s");
    stage.now += chrono::TimeDelta::seconds(5);
    stage.keys("␣");
    assert_eq!((stage.field("agen"), stage.field("pelanggan")), ("Rina".into(), String::new()));
    assert_eq!(stage.field("tiket"), "yang dikirim lewat SMS");
}
