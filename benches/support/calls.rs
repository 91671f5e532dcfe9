//! Made-up calls, the same ones at every run: for the benchmarks, the tests and the example.

use chrono::{DateTime, TimeDelta, Utc};
use penutup::closing::ending::Ending;
use penutup::closing::ending::Outcome;
use penutup::journal::record::{FactRecord, Record, StepRecord};

/// A small deterministic generator (`SplitMix64`).
#[derive(Debug, Clone)]
pub struct Dice(pub u64);

impl Dice {
    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }

    fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        let at = self.below(all.len() as u64);
        all[usize::try_from(at).unwrap_or(0)]
    }
}

/// A call of the SOP Rev-1 that began at `start`; one in twenty cost score, a few ended otherwise.
pub fn call(number: u64, start: DateTime<Utc>, dice: &mut Dice) -> Record {
    let seconds = 10 + dice.below(90);
    let at = |part: u64| start + TimeDelta::milliseconds(i64::try_from(seconds * 100 * part).unwrap_or(0));
    let how = match dice.below(20) {
        0 => Outcome::Ended(Ending::Omitted),
        1 => Outcome::Ended(Ending::CustomerLeft),
        2 => Outcome::Ended(Ending::ANSWERS[usize::try_from(dice.below(4)).unwrap_or(0)]),
        3 if dice.below(10) == 0 => Outcome::ALL[usize::try_from(6 + dice.below(3)).unwrap_or(0)],
        _ => Outcome::Ended(Ending::Complete),
    };
    let complete = how == Outcome::Ended(Ending::Complete);
    let score = ["Akurasi", "Salam Penutup", "FCR"].map(str::to_owned).to_vec();
    let step = |id: &str, nth: u64, said: bool, score: &[String]| StepRecord {
        step: id.into(),
        shown: said || nth < 4,
        ticked: said.then(|| at(nth)),
        undone: u32::from(nth == 5),
        left_out: !said,
        score: score.to_vec(),
    };
    let fact =
        |id: &str, value: &str, set: bool| FactRecord { fact: id.into(), value: value.into(), set: set.then(|| at(1)) };
    let klb = if dice.below(10) == 0 { "ya" } else { "tidak" };
    let topik = dice.of(&["lain", "lain", "lain", "pln-mobile"]);
    let aplikasi = dice.of(&["belum-tahu", "belum", "telah"]);
    let invitation = if topik == "pln-mobile" || aplikasi == "telah" { "update" } else { "download" };
    Record {
        call: number,
        start,
        end: Some((at(10), how)),
        facts: vec![
            fact("klb", klb, klb == "ya"),
            fact("topik", topik, topik != "lain"),
            fact("aplikasi", aplikasi, aplikasi != "belum-tahu"),
        ],
        zone: dice.of(&["WIB", "WIB", "WITA", "WIT"]).into(),
        greeting: Some(dice.of(&["pagi", "siang", "sore", "malam"]).into()),
        rule: format!("{klb}-{topik}-{aplikasi}"),
        revision: "Rev-1".into(),
        rules_sha256: "b1946ac92492d2347c6235b4d2611184e2a7a6b1c3d5f7092b1946ac92492d23".into(),
        steps: vec![
            step("campaign", 3, complete || dice.below(2) == 0, &[]),
            step(invitation, 5, complete, &score),
            step("terima-kasih", 8, complete, &[]),
        ],
        cost: if how == Outcome::Ended(Ending::Omitted) { score } else { Vec::new() },
        differs: if klb == "ya" && number.is_multiple_of(3) { vec!["klb".into()] } else { Vec::new() },
        ..Record::default()
    }
}

/// As many calls, one after another from 1 September 2026 on, as a busy centre has them.
pub fn calls(count: u64) -> impl Iterator<Item = Record> {
    let first: DateTime<Utc> = "2026-08-31T17:00:00Z".parse().unwrap_or_default();
    let mut dice = Dice(7);
    let days = 85 * 86_400_000;
    (0..count).map(move |number| {
        let ms = number * days / count.max(1);
        let start = first + TimeDelta::milliseconds(i64::try_from(ms).unwrap_or(0));
        call(number, start, &mut dice)
    })
}
