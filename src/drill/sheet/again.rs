//! Whether a sheet holds: its cards dealt again from its seed, its answers graded again by the rules in use. What does not
//! hold is answered as data; how it is told is another room's business.

use chrono::{DateTime, Utc};

use super::{Row, Sheet};
use crate::book::Book;
use crate::drill::deal::{Dealer, everything};
use crate::drill::grade::{Grade, Way, grade};
use crate::drill::story::Stories;

/// What does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It was written under other rules.
    OtherRules,
    /// It was written with other stories.
    OtherStories,
    /// An exam's cards are not those of its seed.
    OtherCards,
    /// What an exam says it could not ask is not what no story leads to.
    NotAsked,
    /// A card's situation, rule or expected steps are not what the rules say; from 1.
    Card(usize),
    /// An answer can't be read, or is of another way; from 1.
    Answer(usize),
    /// A card is marked right and is not, or the other way round; from 1.
    Marked(usize),
    /// Score or verdict don't follow from the cards.
    Score,
    /// It names another revision than the rules have.
    Revision,
    /// When it was begun and ended can't be read, or is the wrong way round.
    Span,
    /// A card's times can't be read, don't lie within the sheet's in order, or are not there; from 1.
    Times(usize),
}

/// What of a sheet does not hold under these rules and stories.
#[must_use]
pub fn flaws(sheet: &Sheet, book: &Book, stories: &Stories) -> Vec<Flaw> {
    let rules = &book.rules;
    let mut out = Vec::new();
    if sheet.rules_sha256 != book.sha256() {
        out.push(Flaw::OtherRules);
    }
    if sheet.stories_sha256 != stories.sha256 {
        out.push(Flaw::OtherStories);
    }
    if !out.is_empty() {
        // Other rules give other cards and answers: the rest would be noise.
        return out;
    }
    if sheet.revision != rules.sop.revision {
        out.push(Flaw::Revision);
    }
    let (begun, ended) = (moment(&sheet.begun), moment(&sheet.ended));
    if begun.is_none() || begun > ended {
        out.push(Flaw::Span);
    }
    if sheet.exam {
        let dealt = Dealer::new(rules, stories).deal(&everything(rules), sheet.seed);
        if sheet.not_asked != dealt.not_asked(rules) {
            out.push(Flaw::NotAsked);
        }
        let dealt = dealt.cards;
        let same = |(row, card): (&Row, &crate::drill::card::Card)| {
            let fresh = Row::new(rules, card, None);
            bare(row) == fresh
        };
        if dealt.len() != sheet.cards.len() || !sheet.cards.iter().zip(&dealt).all(same) {
            out.push(Flaw::OtherCards);
        }
    }
    for (number, row) in (1..).zip(&sheet.cards) {
        let in_order = match (&row.answer, &row.shown, &row.answered) {
            (Some(_), Some(shown), Some(answered)) => {
                let times = [begun, moment(shown), moment(answered), ended];
                times.iter().all(Option::is_some) && times.is_sorted()
            }
            (None, None, None) => !sheet.complete,
            _ => false,
        };
        if !in_order {
            out.push(Flaw::Times(number));
        }
        let Some(card) = row.card(rules) else {
            out.push(Flaw::Card(number));
            continue;
        };
        let mut fresh = Row::new(rules, &card, None);
        fresh.scenario.clone_from(&row.scenario);
        if bare(row) != fresh {
            out.push(Flaw::Card(number));
        }
        let answer = row.given(rules);
        let of_way = |way: Way| sheet.way == way.code();
        if answer.as_ref().map_or(row.answer.is_some(), |a| !of_way(a.way())) {
            out.push(Flaw::Answer(number));
        }
        let again = answer.map_or_else(|| Grade::nothing(rules), |a| grade(rules, &card, &a));
        if again.is_right() != row.right {
            out.push(Flaw::Marked(number));
        }
    }
    let mut judged = sheet.clone();
    // Broken off is what leaves a card unanswered.
    let all = sheet.cards.iter().all(|c| c.answer.is_some());
    // An exam has all its cards; a practice that was left has only those that were answered.
    judged.complete = all && (sheet.exam || sheet.complete);
    judged.judge();
    if judged != *sheet {
        out.push(Flaw::Score);
    }
    out
}

fn moment(text: &str) -> Option<DateTime<Utc>> {
    Some(DateTime::parse_from_rfc3339(text).ok()?.to_utc())
}

/// A row without what came of it.
fn bare(row: &Row) -> Row {
    Row { shown: None, answered: None, answer: None, right: false, ..row.clone() }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::drill::session::testing::answered;
    use crate::drill::sheet::csv;

    #[test]
    fn a_true_sheet_holds_in_every_form_and_a_bent_one_does_not() {
        let (book, stories) = (Arc::new(Book::built_in()), Stories::built_in());
        for way in Way::ALL {
            for right in [true, false] {
                let sheet = answered(&book, &stories, way, 7, right);
                assert_eq!((sheet.passed, sheet.complete), (right, true));
                assert_eq!(Sheet::read(sheet.to_json().as_bytes()), Some(vec![sheet.clone()]));
                assert_eq!(Sheet::read(csv::write([&sheet, &sheet]).as_bytes()), Some(vec![sheet.clone(); 2]));
                assert_eq!(flaws(&sheet, &book, &stories), []);
                let mut bent = sheet.clone();
                bent.cards[2].right = !right;
                assert_eq!(flaws(&bent, &book, &stories), [Flaw::Marked(3), Flaw::Score]);
                bent.judge();
                assert_eq!(flaws(&bent, &book, &stories), [Flaw::Marked(3)]);
                bent = sheet.clone();
                bent.seed += 1;
                assert_eq!(flaws(&bent, &book, &stories), [Flaw::OtherCards]);
                bent = sheet.clone();
                bent.cards[0].steps.pop();
                assert_eq!(flaws(&bent, &book, &stories), [Flaw::OtherCards, Flaw::Card(1)]);
                bent = sheet.clone();
                bent.rules_sha256 = "0".into();
                assert_eq!(flaws(&bent, &book, &stories), [Flaw::OtherRules]);
                bent = sheet.clone();
                bent.cards[1].answer = Some(serde_json::json!({ "steps": ["tak-ada"] }));
                assert!(flaws(&bent, &book, &stories).contains(&Flaw::Answer(2)));
                bent = sheet;
                bent.cards[1].answer = None;
                bent.cards[1].right = false;
                assert!(flaws(&bent, &book, &stories).contains(&Flaw::Score), "no answer, not complete");
            }
        }
    }

    #[test]
    fn times_revision_and_verdict_are_held_to() {
        type Bent<'a> = (&'a dyn Fn(&mut Sheet), &'a [Flaw]);
        let (book, stories) = (Arc::new(Book::built_in()), Stories::built_in());
        let good = answered(&book, &stories, Way::Blind, 7, true);
        let later = || "2026-03-02T01:00:01Z".to_owned();
        let cases: [Bent<'_>; 9] = [
            (&|s| s.ended = later(), &[]),
            (&|s| s.revision = "Rev-9".into(), &[Flaw::Revision]),
            (&|s| s.ended = "besok".into(), &[Flaw::Span]),
            (&|s| s.begun = later(), &[Flaw::Span]),
            (&|s| s.cards[1].shown = Some(later()), &[Flaw::Times(2)]),
            (&|s| s.cards[1].answered = Some(later()), &[Flaw::Times(2)]),
            (&|s| s.cards[1].answered = None, &[Flaw::Times(2)]),
            (&|s| s.passed = false, &[Flaw::Score]),
            (&|s| (s.complete, s.passed) = (false, false), &[Flaw::Score]),
        ];
        for (at, (bend, expected)) in cases.into_iter().enumerate() {
            let mut sheet = good.clone();
            bend(&mut sheet);
            let mut found = flaws(&sheet, &book, &stories);
            if found.contains(&Flaw::Span) {
                // No card lies within a span that is none.
                found.retain(|flaw| !matches!(flaw, Flaw::Times(_)));
            }
            assert_eq!(found, expected, "{at}");
        }
        let mut broken = good;
        let last = broken.cards.last_mut().unwrap();
        *last = bare(last);
        broken.complete = false;
        broken.judge();
        assert_eq!(flaws(&broken, &book, &stories), []);
    }

    #[test]
    fn what_is_no_sheet_is_none() {
        for no in [&b""[..], b"{}", b"\xff", b"{\"schema\":1}", b"a,b\n1,2\n"] {
            assert_eq!(Sheet::read(no), None);
        }
    }
}
