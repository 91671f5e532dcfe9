//! The SOP's table, letter for letter: every situation at every edge of the greeting in every zone, through the
//! prompter's own keys. The sentences are written out here a second time, from the SOP.

use crate::stage::Stage;

const CAMPAIGN: &str = "Untuk mewujudkan PLN terbaik, mohon tidak memberikan tambahan biaya kepada petugas kami.";
const DOWNLOAD: &str = "Agar semua makin mudah, ayo download aplikasi New PLN Mobile di Play Store atau Apps Store,";
const UPDATE: &str = "Segera update aplikasi New PLN Mobile versi terbaru untuk mendapatkan peningkatan layanan, \
                      dan ajak orang terdekat untuk download aplikasinya,";
const THANKS: &str = "Terima kasih telah menghubungi PLN 123, selamat";

/// The keys pressed; the steps on the screen; whether the SOP contradicts itself.
const TABLE: [(&str, &str, bool); 12] = [
    ("", "(bantuan) ►campaign download terima-kasih", false),
    ("aa", "(bantuan) ►campaign download terima-kasih", false),
    ("a", "(bantuan) ►campaign update terima-kasih", true),
    ("m", "(bantuan) ►update terima-kasih", false),
    ("ma", "(bantuan) ►update terima-kasih", false),
    ("maa", "(bantuan) ►download terima-kasih", true),
    ("k", "(bantuan) ►download (customer-intimacy) terima-kasih", false),
    ("kaa", "(bantuan) ►download (customer-intimacy) terima-kasih", false),
    ("ka", "(bantuan) ►update (customer-intimacy) terima-kasih", true),
    ("km", "(bantuan) ►update (customer-intimacy) terima-kasih", false),
    ("kma", "(bantuan) ►update (customer-intimacy) terima-kasih", false),
    ("kmaa", "(bantuan) ►download (customer-intimacy) terima-kasih", true),
];

/// The minute before each edge, and the edge itself, in the customer's own time.
const EDGES: [(u32, u32, &str); 8] = [
    (23, 59, "malam"),
    (0, 0, "pagi"),
    (10, 59, "pagi"),
    (11, 0, "siang"),
    (14, 59, "siang"),
    (15, 0, "sore"),
    (17, 59, "sore"),
    (18, 0, "malam"),
];

/// The zones, and how many times `z` is pressed for each.
const ZONES: [(&str, u32); 3] = [("WIB", 0), ("WITA", 1), ("WIT", 2)];

fn sentences(steps: &str, greeting: &str, customer: &str) -> Vec<String> {
    let words = steps.split(' ').map(|step| step.trim_start_matches('►'));
    words
        .filter_map(|step| match step {
            "campaign" => Some(CAMPAIGN.into()),
            "download" => Some(DOWNLOAD.into()),
            "update" => Some(UPDATE.into()),
            "terima-kasih" => Some(format!("{THANKS} {greeting} {customer}")),
            _ => None,
        })
        .collect()
}

#[test]
fn every_situation_is_spoken_letter_for_letter_at_every_edge_in_every_zone() {
    for (zone, presses) in ZONES {
        for (hour, minute, greeting) in EDGES {
            // The customer's time is ahead of ours by as many hours as `z` is pressed.
            let ours = format!("{:02}:{minute:02}", (hour + 24 - presses) % 24);
            for (keys, steps, contradiction) in TABLE {
                let mut stage = Stage::at(&ours);
                stage.keys(&"z".repeat(presses as usize)).keys(keys);
                let place = format!("{zone} {hour}:{minute:02} {keys:?}");
                assert_eq!(stage.app.rules().zones[stage.app.call().zone()].id, zone, "{place}");
                assert_eq!(stage.steps(), steps, "{place}");
                let sentences_here = sentences(steps, greeting, "Bapak/Ibu");
                assert_eq!(stage.complete(), sentences_here.join(" "), "{place}");
                let rule = stage.app.call().plan(stage.app.rules()).rule;
                assert_eq!(rule.caution.is_some(), contradiction, "{place}");
                for sentence in &sentences_here {
                    assert_eq!(stage.sentence().as_deref(), Some(sentence.as_str()), "{place}");
                    stage.keys("␣");
                }
                assert!(stage.app.is_complete(), "{place}");
                assert_eq!(stage.complete(), sentences_here.join(" "), "said, {place}");
            }
        }
    }
}

#[test]
fn the_two_complete_sentences_of_the_sop_are_spoken_letter_for_letter() {
    let mut stage = Stage::at("14:57");
    stage.keys("bnBudi Santoso⏎");
    assert_eq!(
        stage.complete(),
        "Untuk mewujudkan PLN terbaik, mohon tidak memberikan tambahan biaya kepada petugas kami. Agar semua makin \
         mudah, ayo download aplikasi New PLN Mobile di Play Store atau Apps Store, Terima kasih telah menghubungi PLN \
         123, selamat siang Bapak Budi Santoso"
    );
    stage.keys("m");
    assert_eq!(
        stage.complete(),
        "Segera update aplikasi New PLN Mobile versi terbaru untuk mendapatkan peningkatan layanan, dan ajak orang \
         terdekat untuk download aplikasinya, Terima kasih telah menghubungi PLN 123, selamat siang Bapak Budi Santoso"
    );
}

#[test]
fn without_a_name_the_sentence_ends_after_the_honorific() {
    let mut stage = Stage::at("09:00");
    for (keys, customer) in
        [("", "Bapak/Ibu"), ("b", "Bapak"), ("b", "Ibu"), ("n  Siti   Aminah  ⏎", "Ibu Siti Aminah")]
    {
        stage.keys(keys);
        assert!(stage.complete().ends_with(&format!("selamat pagi {customer}")), "{}", stage.complete());
    }
}

#[test]
fn the_duties_hold_in_every_situation() {
    for (keys, steps, _) in TABLE {
        let campaign = steps.contains("campaign");
        assert_ne!(steps.contains("download"), steps.contains("update"), "exactly one invitation: {keys}");
        assert!(!(campaign && (keys.contains('k') || keys.contains('m'))), "no campaign: {keys}");
        assert_eq!(steps.contains("customer-intimacy"), keys.contains('k'), "{keys}");
        assert!(steps.ends_with("terima-kasih"), "{keys}");
        let mut stage = Stage::at("12:00");
        assert_eq!(stage.keys(keys).steps(), steps);
    }
}
