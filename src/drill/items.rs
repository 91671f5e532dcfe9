//! What a trainee learns, as things that outlast a change of rules: situations by the ids of their values, the minutes
//! around the edges of greetings, zones by their ids. Each carries a mark of its answer, so that a change of rules that
//! changes the answer can be seen without the old rules.
//!
//! Why a mark and not `diff`: a trainee's file knows what was answered when a card was learnt, perhaps several revisions
//! ago, and the rules of then are gone. The mark is taken of what `diff` calls the answer (the sentences with their
//! placeholders in braces, and the reminders by their ids), so the two agree on what is a change.

use super::card::Card;
use super::deal::{Dealer, Wanted, edges};
use super::story::sha256;
use crate::rules::decide::{Situation, decide};
use crate::rules::ruleset::{RuleSet, StepIx, StepWords};

/// More situations than this are not listed one by one; then each rule has one.
const MANY: usize = 64;

/// What is learnt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// What to say in a situation.
    Situation(Situation),
    /// Which greeting at a minute of the day.
    Minute(u16),
    /// Where a zone's clock stands.
    Zone(usize),
}

impl Item {
    /// Its name in a trainee's file. A fact at its default is not named, so that a fact that the rules gain makes no card
    /// another one.
    #[must_use]
    pub fn key(&self, rules: &RuleSet) -> String {
        match self {
            Self::Situation(situation) => {
                let set = rules.facts.iter().enumerate().filter(|(at, _)| situation.value(*at) != 0);
                set.fold("situasi".into(), |out, (at, fact)| {
                    format!("{out} {}={}", fact.id, fact.values[situation.value(at)].id)
                })
            }
            Self::Minute(minute) => format!("jam {:02}:{:02}", minute / 60, minute % 60),
            Self::Zone(zone) => format!("zona {}", rules.zones[*zone].id),
        }
    }

    /// The mark of its answer.
    #[must_use]
    pub fn answer(&self, rules: &RuleSet) -> String {
        let answer = match self {
            Self::Situation(situation) => acts(rules, &decide(rules, situation).rule.steps),
            Self::Minute(minute) => {
                let row = rules.greetings.rows().iter().rposition(|g| g.from <= *minute);
                let row = row.unwrap_or(rules.greetings.rows().len() - 1);
                rules.greetings.rows()[row].word.clone()
            }
            Self::Zone(zone) => rules.zones[*zone].offset.to_string(),
        };
        sha256(answer.as_bytes())[..16].to_owned()
    }
}

/// What is done in these steps, one line each.
fn acts(rules: &RuleSet, steps: &[StepIx]) -> String {
    let act = |ix: &StepIx| match &rules.step(*ix).words {
        StepWords::Say(template) => format!("say {}\n", template.in_braces(rules)),
        StepWords::Remind(_) => format!("remind {}\n", rules.step(*ix).id),
    };
    steps.iter().map(act).collect()
}

/// Everything that can be learnt: the situations that stories lie in, every edge, every zone.
#[must_use]
pub fn all(rules: &RuleSet, dealer: &Dealer<'_>) -> Vec<Item> {
    let many = rules.facts.iter().try_fold(1usize, |all, f| all.checked_mul(f.values.len()).filter(|n| *n <= MANY));
    let situations: Vec<Situation> = if many.is_some() {
        Situation::all(rules).filter(|s| dealer.can_ask(s)).collect()
    } else {
        let situations = rules.rules.iter().map(|r| r.when.clone()).collect();
        dealer.deal(&Wanted { situations, ..Wanted::default() }, 0).cards.into_iter().map(|c| c.situation).collect()
    };
    let situations = situations.into_iter().map(Item::Situation);
    // Where one word greets all day, there is nothing to tell apart.
    let words = rules.greetings.rows();
    let told_apart = words.iter().any(|g| g.word != words[0].word);
    let minutes = edges(rules).into_iter().filter(|_| told_apart).map(Item::Minute);
    let zones = (0..rules.zones.len()).filter(|_| rules.zones.len() > 1).map(Item::Zone);
    situations.chain(minutes).chain(zones).collect()
}

/// What a set of cards must have to ask all of these.
#[must_use]
pub fn wanted(items: &[Item]) -> Wanted {
    let mut out = Wanted::default();
    for item in items {
        match item {
            Item::Situation(situation) => out.cases.push(situation.clone()),
            Item::Minute(minute) => out.minutes.push(*minute),
            Item::Zone(zone) => out.zones.push(*zone),
        }
    }
    out
}

/// The items that a card asks.
#[must_use]
pub fn of(card: &Card) -> [Item; 3] {
    [Item::Situation(card.situation.clone()), Item::Minute(card.minute), Item::Zone(card.zone)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::{Book, Origin};
    use crate::drill::story::Stories;
    use crate::rules::diff::spoken_change;

    #[test]
    fn everything_of_the_sop_can_be_learnt() {
        let (rules, stories) = (Book::built_in().rules, Stories::built_in());
        let items = all(&rules, &Dealer::new(&rules, &stories));
        assert_eq!(items.len(), 12 + 8 + 3);
        let keys: Vec<String> = items.iter().map(|i| i.key(&rules)).collect();
        assert_eq!(keys[0], "situasi");
        assert_eq!(keys[11], "situasi klb=ya topik=pln-mobile aplikasi=belum");
        assert!(keys.contains(&"jam 14:59".into()) && keys.contains(&"zona WIT".into()));
    }

    /// The mark and the engine of `diff` call the same situations changed.
    #[test]
    fn a_mark_changes_exactly_where_diff_says_so() {
        let old = Book::built_in().rules;
        for (from, to) in [
            ("mohon tidak memberikan tambahan biaya", "mohon jangan memberi tambahan biaya"),
            ("[\"bantuan\", \"update\", \"terima-kasih\"]", "[\"bantuan\", \"download\", \"terima-kasih\"]"),
            ("id    = \"kalimat-lengkap-1\"", "id    = \"nama-lain\""),
            ("remind = \"KLB: sampaikan", "remind = \"KLB: jangan lupa"),
            ("[\"bantuan\", \"download\", \"customer-intimacy\"", "[\"download\", \"customer-intimacy\""),
        ] {
            let source = crate::rules::BUILT_IN.replace(from, to);
            assert_ne!(source, crate::rules::BUILT_IN);
            let new = Book::read(source.into_bytes(), Origin::BuiltIn, chrono::NaiveDate::MAX).unwrap().rules;
            for situation in Situation::all(&new) {
                let changed = spoken_change(&old, &new, &situation).is_some();
                let item = Item::Situation(situation);
                assert_eq!(item.answer(&old) != item.answer(&new), changed, "{to}: {}", item.key(&new));
            }
        }
    }
}
