//! The SOP as it is read, against the whole program: the twelve situations, every edge of the greeting, every zone. The
//! sentences are written out here letter for letter, never read from the rules file.

use crate::support::Home;

const CAMPAIGN: &str = "Untuk mewujudkan PLN terbaik, mohon tidak memberikan tambahan biaya kepada petugas kami.";
const DOWNLOAD: &str = "Agar semua makin mudah, ayo download aplikasi New PLN Mobile di Play Store atau Apps Store,";
const UPDATE: &str = "Segera update aplikasi New PLN Mobile versi terbaru untuk mendapatkan peningkatan layanan, dan ajak orang terdekat untuk download aplikasinya,";
const THANKS: &str = "Terima kasih telah menghubungi PLN 123, selamat";

const OFFER: &str = "Tawarkan bantuan lainnya";
const INTIMACY: &str = "Customer Intimacy";

/// klb, topik, aplikasi → the step ids, the spoken sentences before the thanks, whether the SOP contradicts itself.
type Row = ([&'static str; 3], &'static [&'static str], &'static [&'static str], bool);

const TABLE: [Row; 12] = [
    (
        ["tidak", "lain", "belum-tahu"],
        &["bantuan", "campaign", "download", "terima-kasih"],
        &[CAMPAIGN, DOWNLOAD],
        false,
    ),
    (["tidak", "lain", "belum"], &["bantuan", "campaign", "download", "terima-kasih"], &[CAMPAIGN, DOWNLOAD], false),
    (["tidak", "lain", "telah"], &["bantuan", "campaign", "update", "terima-kasih"], &[CAMPAIGN, UPDATE], true),
    (["tidak", "pln-mobile", "belum-tahu"], &["bantuan", "update", "terima-kasih"], &[UPDATE], false),
    (["tidak", "pln-mobile", "telah"], &["bantuan", "update", "terima-kasih"], &[UPDATE], false),
    (["tidak", "pln-mobile", "belum"], &["bantuan", "download", "terima-kasih"], &[DOWNLOAD], true),
    (["ya", "lain", "belum-tahu"], &["bantuan", "download", "customer-intimacy", "terima-kasih"], &[DOWNLOAD], false),
    (["ya", "lain", "belum"], &["bantuan", "download", "customer-intimacy", "terima-kasih"], &[DOWNLOAD], false),
    (["ya", "lain", "telah"], &["bantuan", "update", "customer-intimacy", "terima-kasih"], &[UPDATE], true),
    (["ya", "pln-mobile", "belum-tahu"], &["bantuan", "update", "customer-intimacy", "terima-kasih"], &[UPDATE], false),
    (["ya", "pln-mobile", "telah"], &["bantuan", "update", "customer-intimacy", "terima-kasih"], &[UPDATE], false),
    (["ya", "pln-mobile", "belum"], &["bantuan", "download", "customer-intimacy", "terima-kasih"], &[DOWNLOAD], true),
];

/// The first and the last minute of each greeting.
const EDGES: [(&str, &str); 8] = [
    ("00:00", "pagi"),
    ("10:59", "pagi"),
    ("11:00", "siang"),
    ("14:59", "siang"),
    ("15:00", "sore"),
    ("17:59", "sore"),
    ("18:00", "malam"),
    ("23:59", "malam"),
];

fn pairs(facts: [&str; 3]) -> [String; 3] {
    let [klb, topik, aplikasi] = facts;
    [format!("klb={klb}"), format!("topik={topik}"), format!("aplikasi={aplikasi}")]
}

#[test]
fn every_situation_is_spoken_letter_for_letter_at_every_edge_in_every_zone() {
    let home = Home::new();
    for (facts, _, spoken, _) in TABLE {
        for zone in ["WIB", "WITA", "WIT"] {
            for (time, greeting) in EDGES {
                let args = ["say", "--zone", zone, "--at", time].map(str::to_owned);
                let out = home.penutup(args.into_iter().chain(pairs(facts))).ok();
                let expected = format!("{} {THANKS} {greeting} Bapak/Ibu\n", spoken.join(" "));
                assert_eq!(out, expected, "{facts:?} {zone} {time}");
            }
        }
    }
}

#[test]
fn every_situation_is_complete_as_steps_and_as_json() {
    let home = Home::new();
    for (facts, ids, spoken, caution) in TABLE {
        let say = |form: &str| {
            let fixed = ["say", "--at", "14:58", "--format", form, "sapaan=bapak", "nama=Budi Santoso"];
            home.penutup(fixed.map(str::to_owned).into_iter().chain(pairs(facts)))
        };
        let thanks = format!("{THANKS} siang Bapak Budi Santoso");
        let spoken: Vec<&str> = spoken.iter().copied().chain([thanks.as_str()]).collect();

        let lines = say("steps").ok();
        let printed: Vec<&str> = lines.lines().filter(|l| !l.starts_with('(')).collect();
        assert_eq!(printed, spoken, "{facts:?}");
        assert_eq!(lines.lines().count(), ids.len(), "{facts:?}");
        assert!(lines.lines().filter(|l| l.starts_with('(')).all(|l| l.ends_with(')')), "{lines}");

        let json = say("json").json();
        assert_eq!(json["script"], spoken.join(" "), "{facts:?}");
        assert_eq!(json["caution"].is_string(), caution, "{facts:?}");
        let steps = json["steps"].as_array().expect("a list");
        let found: Vec<&str> = steps.iter().map(|s| s["id"].as_str().expect("an id")).collect();
        assert_eq!(found, ids, "{facts:?}");
        let said: Vec<&str> = steps.iter().filter_map(|s| s["say"].as_str()).collect();
        assert_eq!(said, spoken, "{facts:?}");
        let reminders: Vec<&str> =
            steps.iter().filter(|s| s["remind"].is_string()).map(|s| s["title"].as_str().expect("a title")).collect();
        let expected: &[&str] = if facts[0] == "ya" { &[OFFER, INTIMACY] } else { &[OFFER] };
        assert_eq!(reminders, expected, "{facts:?}");
        for (at, fact) in ["klb", "topik", "aplikasi"].into_iter().enumerate() {
            assert_eq!(json["facts"][fact], facts[at]);
        }
    }
}

#[test]
fn the_two_complete_sentences_of_the_sop_are_spoken_letter_for_letter() {
    let home = Home::new();
    let say = |topik: &str| {
        home.penutup(["say", "--at", "08:00", &format!("topik={topik}"), "sapaan=Bapak", "nama=Budi"]).ok()
    };
    assert_eq!(
        say("lain"),
        "Untuk mewujudkan PLN terbaik, mohon tidak memberikan tambahan biaya kepada petugas kami. Agar semua makin mudah, ayo download aplikasi New PLN Mobile di Play Store atau Apps Store, Terima kasih telah menghubungi PLN 123, selamat pagi Bapak Budi\n"
    );
    assert_eq!(
        say("pln-mobile"),
        "Segera update aplikasi New PLN Mobile versi terbaru untuk mendapatkan peningkatan layanan, dan ajak orang terdekat untuk download aplikasinya, Terima kasih telah menghubungi PLN 123, selamat pagi Bapak Budi\n"
    );
}
