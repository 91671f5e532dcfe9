//! When a card comes back: Leitner's boxes of one trainee. Right moves a card one box up, and it rests longer; not right
//! moves it to the first box, and it is due at once. What falls again and again is flagged. Times come in; text goes in
//! and out, nothing is read or written here.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use toml::{Table, Value};

use super::items::Item;
use crate::rules::ruleset::RuleSet;

/// How many days a card rests in each box.
pub const RESTS: [i64; 6] = [0, 1, 3, 7, 14, 30];
/// From so many falls on, without having climbed to the third box in between, a card is flagged.
pub const FLAGGED: u32 = 3;
/// The longest id of a trainee, in characters.
pub const LONGEST_ID: usize = 40;

/// A card's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which box, from 0.
    pub level: usize,
    /// When it is due.
    pub due: DateTime<Utc>,
    /// How often it fell since it last stood in the third box.
    pub falls: u32,
    /// How often it was asked.
    pub asked: u32,
    /// The mark of the answer that was learnt.
    pub answer: String,
}

impl Entry {
    /// Whether it falls again and again.
    #[must_use]
    pub fn is_flagged(&self) -> bool {
        self.falls >= FLAGGED
    }
}

/// The boxes of one trainee.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Boxes {
    entries: BTreeMap<String, Entry>,
}

/// A trainee's id as a file name: letters, digits, `-`, `_` and `.`, not at the start; `None` where nothing else would
/// be left, or it is too long.
#[must_use]
pub fn trainee_id(id: &str) -> Option<String> {
    let id = id.trim();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let starts = id.chars().next().is_some_and(|c| c.is_ascii_alphanumeric());
    // Windows keeps these names for devices, whatever stands behind the dot.
    let stem = id.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let device = matches!(stem.as_str(), "con" | "prn" | "aux" | "nul")
        || ((stem.starts_with("com") || stem.starts_with("lpt")) && stem.len() == 4);
    let good = starts && id.len() <= LONGEST_ID && id.chars().all(fits) && !id.ends_with('.') && !device;
    good.then(|| id.to_ascii_lowercase())
}

impl Boxes {
    /// What is known of a card.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.get(key)
    }

    /// Opens again exactly the cards whose answer is another under these rules. Answers their keys.
    pub fn reopen(&mut self, items: &[Item], rules: &RuleSet, now: DateTime<Utc>) -> Vec<String> {
        let mut out = Vec::new();
        for item in items {
            let (key, answer) = (item.key(rules), item.answer(rules));
            if let Some(entry) = self.entries.get_mut(&key).filter(|e| e.answer != answer) {
                *entry = Entry { level: 0, due: now, falls: 0, asked: entry.asked, answer };
                out.push(key);
            }
        }
        out
    }

    /// What is to be asked now, in this order: what is due (the longest waiting first, then the lowest box), then what
    /// was never asked.
    #[must_use]
    pub fn due(&self, items: &[Item], rules: &RuleSet, now: DateTime<Utc>) -> Vec<Item> {
        let mut waiting: Vec<(DateTime<Utc>, usize, &Item)> = items
            .iter()
            .filter_map(|item| {
                let entry = self.entries.get(&item.key(rules)).filter(|e| e.due <= now)?;
                Some((entry.due, entry.level, item))
            })
            .collect();
        waiting.sort_by_key(|(due, level, _)| (*due, *level));
        let new = items.iter().filter(|item| !self.entries.contains_key(&item.key(rules)));
        waiting.into_iter().map(|(_, _, item)| item).chain(new).cloned().collect()
    }

    /// When the next card is due.
    #[must_use]
    pub fn next(&self, items: &[Item], rules: &RuleSet) -> Option<DateTime<Utc>> {
        items.iter().filter_map(|item| Some(self.entries.get(&item.key(rules))?.due)).min()
    }

    /// A card was answered.
    pub fn record(&mut self, key: &str, answer: &str, right: bool, now: DateTime<Utc>) {
        let entry = self.entries.entry(key.into()).or_insert_with(|| Entry {
            level: 0,
            due: now,
            falls: 0,
            asked: 0,
            answer: answer.into(),
        });
        entry.asked = entry.asked.saturating_add(1);
        answer.clone_into(&mut entry.answer);
        if right {
            // What was asked before its time has not been remembered any longer for it.
            if entry.due <= now {
                entry.level = (entry.level + 1).min(RESTS.len() - 1);
            }
            if entry.level >= 2 {
                entry.falls = 0;
            }
            let rest = TimeDelta::days(RESTS[entry.level.max(1)]);
            entry.due = now.checked_add_signed(rest).unwrap_or(now).max(entry.due);
            entry.level = entry.level.max(1);
        } else {
            entry.level = 0;
            entry.falls = entry.falls.saturating_add(1);
            entry.due = now;
        }
    }

    /// The keys of the cards that fall again and again.
    pub fn flagged(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().filter(|(_, e)| e.is_flagged()).map(|(key, _)| key.as_str())
    }

    /// As a file.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let rows = self.entries.iter().map(|(key, entry)| {
            let mut row = Table::new();
            row.insert("key".into(), Value::String(key.clone()));
            row.insert("box".into(), Value::Integer(i64::try_from(entry.level).unwrap_or(0)));
            let due = entry.due.to_rfc3339_opts(SecondsFormat::Secs, true);
            row.insert("due".into(), Value::String(due));
            row.insert("falls".into(), Value::Integer(entry.falls.into()));
            row.insert("asked".into(), Value::Integer(entry.asked.into()));
            row.insert("answer".into(), Value::String(entry.answer.clone()));
            Value::Table(row)
        });
        let mut table = Table::new();
        table.insert("schema".into(), Value::Integer(1));
        table.insert("card".into(), Value::Array(rows.collect()));
        table.to_string()
    }

    /// From a file; what can be read of it, and whether that is all.
    #[must_use]
    pub fn parse(text: &str) -> (Self, bool) {
        let Ok(table) = text.parse::<Table>() else { return (Self::default(), false) };
        let rows = match table.get("card") {
            None => return (Self::default(), true),
            Some(Value::Array(rows)) => rows,
            Some(_) => return (Self::default(), false),
        };
        let entries: BTreeMap<String, Entry> = rows.iter().filter_map(one).collect();
        let whole = entries.len() == rows.len();
        (Self { entries }, whole)
    }
}

fn one(row: &Value) -> Option<(String, Entry)> {
    let text = |key: &str| row.get(key).and_then(Value::as_str);
    let number = |key: &str| u32::try_from(row.get(key)?.as_integer()?).ok();
    let level = usize::try_from(number("box")?).ok().filter(|level| *level < RESTS.len())?;
    let due = DateTime::parse_from_rfc3339(text("due")?).ok()?.with_timezone(&Utc);
    let (falls, asked, answer) = (number("falls")?, number("asked")?, text("answer")?.to_owned());
    Some((text("key")?.to_owned(), Entry { level, due, falls, asked, answer }))
}

/// How many things wait for a trainee.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// Asked before, and due again.
    pub again: usize,
    /// Never asked.
    pub new: usize,
    /// Opened again since the rules changed; these are due again too.
    pub reopened: usize,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::{Book, Origin};
    use crate::drill::deal::Dealer;
    use crate::drill::dice::Dice;
    use crate::drill::items;
    use crate::drill::story::Stories;

    fn day(day: i64) -> DateTime<Utc> {
        let start: DateTime<Utc> = "2026-03-02T01:00:00Z".parse().unwrap();
        start + TimeDelta::days(day)
    }

    #[test]
    fn right_rests_longer_and_not_right_comes_back_at_once() {
        let mut boxes = Boxes::default();
        let mut at = 0;
        for rest in [1, 3, 7, 14, 30, 30] {
            boxes.record("a", "x", true, day(at));
            assert_eq!(boxes.get("a").unwrap().due, day(at + rest));
            at += rest;
        }
        boxes.record("a", "x", false, day(at));
        assert_eq!((boxes.get("a").unwrap().level, boxes.get("a").unwrap().due), (0, day(at)));
        boxes.record("a", "x", true, day(at));
        boxes.record("a", "x", true, day(at));
        assert_eq!(boxes.get("a").unwrap().due, day(at + 1), "asked twice a day is remembered for no longer");
    }

    #[test]
    fn what_falls_again_and_again_is_flagged_until_it_has_climbed() {
        let mut boxes = Boxes::default();
        for at in 0..3 {
            assert_eq!(boxes.flagged().count(), 0);
            boxes.record("a", "x", false, day(at));
        }
        assert_eq!(boxes.flagged().collect::<Vec<_>>(), ["a"]);
        boxes.record("a", "x", true, day(3));
        assert_eq!(boxes.flagged().count(), 1, "once right is not enough");
        boxes.record("a", "x", true, day(4));
        assert_eq!(boxes.flagged().count(), 0);
    }

    /// A trainee of ten weeks who knows nine cards in ten, and one never.
    #[test]
    fn over_simulated_weeks_all_is_asked_and_what_is_hard_is_asked_most() {
        let (rules, stories) = (Book::built_in().rules, Stories::built_in());
        let all = items::all(&rules, &Dealer::new(&rules, &stories));
        let hard = all[5].key(&rules);
        let (mut boxes, mut dice) = (Boxes::default(), Dice::new(1));
        let mut asked_on = vec![0usize; 70];
        for (today, asked) in asked_on.iter_mut().enumerate() {
            let now = day(i64::try_from(today).unwrap());
            for item in boxes.due(&all, &rules, now).into_iter().take(10) {
                let key = item.key(&rules);
                let right = key != hard && !dice.once_in(10);
                boxes.record(&key, &item.answer(&rules), right, now);
                *asked += 1;
            }
            // Saved and read again each day.
            assert_eq!(Boxes::parse(&boxes.to_toml()), (boxes.clone(), true));
        }
        assert!(all.iter().all(|item| boxes.get(&item.key(&rules)).is_some()), "every card was asked");
        let most = all.iter().map(|i| boxes.get(&i.key(&rules)).unwrap().asked).max().unwrap();
        assert_eq!(boxes.get(&hard).unwrap().asked, most);
        assert!(boxes.flagged().any(|key| key == hard));
        let (first, last): (usize, usize) = (asked_on[..14].iter().sum(), asked_on[56..].iter().sum());
        assert!(last * 2 < first, "{first} at first, {last} at the end");
    }

    #[test]
    fn a_change_of_rules_reopens_exactly_the_cards_whose_answer_changed() {
        let stories = Stories::built_in();
        let old = Book::built_in().rules;
        let learnt = |rules: &RuleSet| {
            let mut boxes = Boxes::default();
            for item in items::all(rules, &Dealer::new(rules, &stories)) {
                boxes.record(&item.key(rules), &item.answer(rules), true, day(0));
            }
            boxes
        };
        for (from, to, reopened) in [
            ("\"Rev-1\"", "\"Rev-2\"", &[][..]),
            ("from = \"15:00\"", "from = \"15:30\"", &[]),
            ("word = \"sore\"", "word = \"petang\"", &["jam 15:00", "jam 17:59"]),
            ("offset = \"+09:00\"", "offset = \"+09:30\"", &["zona WIT"]),
            (
                "[\"bantuan\", \"campaign\", \"update\", \"terima-kasih\"]",
                "[\"bantuan\", \"campaign\", \"download\", \"terima-kasih\"]",
                &["situasi aplikasi=telah"],
            ),
        ] {
            let source = crate::rules::BUILT_IN.replace(from, to);
            let new = Book::read(source.into_bytes(), Origin::BuiltIn, chrono::NaiveDate::MAX).unwrap().rules;
            let mut boxes = learnt(&old);
            let items = items::all(&new, &Dealer::new(&new, &stories));
            assert_eq!(boxes.reopen(&items, &new, day(0)), reopened, "{to}");
            let due: Vec<String> = boxes.due(&items, &new, day(0)).iter().map(|i| i.key(&new)).collect();
            let new_edges = if to.contains("15:30") { &["jam 15:29", "jam 15:30"][..] } else { &[] };
            assert_eq!(due, [reopened, new_edges].concat(), "{to}");
            assert!(boxes.reopen(&items, &new, day(0)).is_empty(), "once");
        }
    }

    #[test]
    fn an_id_is_a_staff_id_and_never_a_path() {
        assert_eq!(trainee_id(" CSO-0412 ").as_deref(), Some("cso-0412"));
        for bad in
            ["", ".", "..", "../x", "a/b", "a\\b", "-x", "Siti Aminah", "a:b", "nul", "COM1.x", "x.", &"a".repeat(41)]
        {
            assert_eq!(trainee_id(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_broken_file_gives_what_is_good_in_it() {
        let mut boxes = Boxes::default();
        boxes.record("a", "x", true, day(0));
        let text = format!("{}\n[[card]]\nkey = \"b\"\nbox = 99\n", boxes.to_toml());
        assert_eq!(Boxes::parse(&text), (boxes, false));
        assert_eq!(Boxes::parse("rusak"), (Boxes::default(), false));
        assert_eq!(Boxes::parse("schema = 1"), (Boxes::default(), true));
    }
}
