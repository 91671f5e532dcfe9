//! Rules × stories × seed → cards. A story's facts are looked up in the rules in use; one that names what they don't have
//! is left out. For a wanted set of situations a story is found that lies in it, with as few added sentences as it takes;
//! situations are never listed. Knows no clock: the times of day are chosen here, the day is not.

use std::collections::HashMap;

use super::card::{Card, DAY};
use super::dice::Dice;
use super::story::{Detail, Implied, Person, Scenario, Stories};
use crate::rules::decide::{Situation, decide};
use crate::rules::ruleset::{FieldKind, RuleSet};
use crate::rules::space::{Cube, Values};

/// How many ways of adding sentences are tried for one story.
const TRIES: usize = 400;

/// What cards are to be reached.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Sets of situations, each of which some card must lie in.
    pub situations: Vec<Cube>,
    /// Minutes of the customer's day, each of which some card must have.
    pub minutes: Vec<u16>,
    /// Zones that some card must have.
    pub zones: Vec<usize>,
}

/// Cards, and what no story reaches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dealt {
    /// The cards, in the order in which they are asked.
    pub cards: Vec<Card>,
    /// The positions of the wanted situations that no story lies in.
    pub unreached: Vec<usize>,
}

/// A story whose facts the rules have.
struct Usable<'s> {
    scenario: &'s Scenario,
    facts: Vec<(usize, usize)>,
}

/// A sentence whose facts the rules have.
struct Added<'s> {
    detail: &'s Detail,
    facts: Vec<(usize, usize)>,
}

/// The stories that can be told under these rules.
pub struct Dealer<'a> {
    rules: &'a RuleSet,
    stories: &'a Stories,
    usable: Vec<Usable<'a>>,
    added: Vec<Added<'a>>,
}

/// A story that lies in a wanted set.
struct Found<'d> {
    scenario: &'d Scenario,
    details: Vec<&'d Detail>,
    situation: Situation,
}

/// The minutes at which greetings are learnt: for each edge the minute before and the minute of it.
#[must_use]
pub fn edges(rules: &RuleSet) -> Vec<u16> {
    let mut out = Vec::new();
    for row in rules.greetings.rows() {
        for minute in [(row.from + DAY - 1) % DAY, row.from] {
            if !out.contains(&minute) {
                out.push(minute);
            }
        }
    }
    out
}

/// Everything there is: every rule, every requirement, every edge, every zone.
#[must_use]
pub fn everything(rules: &RuleSet) -> Wanted {
    let rows = rules.rules.iter().map(|r| r.when.clone());
    Wanted {
        situations: rows.chain(rules.requirements.iter().map(|r| r.when.clone())).collect(),
        minutes: edges(rules),
        zones: (0..rules.zones.len()).collect(),
    }
}

impl<'a> Dealer<'a> {
    /// The stories that can be told under these rules.
    #[must_use]
    pub fn new(rules: &'a RuleSet, stories: &'a Stories) -> Self {
        let usable = stories
            .scenarios
            .iter()
            .filter_map(|scenario| Some(Usable { scenario, facts: facts_of(rules, &scenario.when)? }));
        let added = stories.details.iter().filter_map(|detail| {
            let facts = facts_of(rules, &detail.when).filter(|facts| !facts.is_empty())?;
            Some(Added { detail, facts })
        });
        Self { rules, stories, usable: usable.collect(), added: added.collect() }
    }

    /// How many stories can be told.
    #[must_use]
    pub fn stories(&self) -> usize {
        self.usable.len()
    }

    /// The ids of the stories that can't, since the rules don't have what they imply.
    pub fn left_out(&self) -> impl Iterator<Item = &'a str> {
        let known = |id: &str| self.usable.iter().any(|u| u.scenario.id == id);
        self.stories.scenarios.iter().map(|s| s.id.as_str()).filter(move |id| !known(id))
    }

    /// How many stories lie in this set, or can be made to by added sentences.
    #[must_use]
    pub fn reaching(&self, wanted: &Cube) -> usize {
        let order: Vec<usize> = (0..self.added.len()).collect();
        self.usable.iter().filter(|usable| self.complete(usable, wanted, &order).is_some()).count()
    }

    /// The cards that reach what is wanted. The same seed, the same cards.
    #[must_use]
    pub fn deal(&self, wanted: &Wanted, seed: u64) -> Dealt {
        let mut dice = Dice::new(seed);
        let mut used = HashMap::new();
        let (mut found, mut unreached) = (Vec::<Found<'_>>::new(), Vec::new());
        for (at, cube) in wanted.situations.iter().enumerate() {
            if found.iter().any(|f| cube.contains(f.situation.values())) {
                continue;
            }
            match self.find(cube, &mut dice, &mut used) {
                Some(story) => found.push(story),
                None => unreached.push(at),
            }
        }
        // An edge or a zone needs a call to stand in, whichever.
        while found.len() < wanted.minutes.len().max(wanted.zones.len()) {
            let Some(story) = self.find(&Cube::any(), &mut dice, &mut used) else { break };
            found.push(story);
        }
        let (minutes, zones) = (spread(&wanted.minutes, &mut dice), spread(&wanted.zones, &mut dice));
        let mut cards: Vec<Card> = Vec::with_capacity(found.len());
        for (at, story) in found.into_iter().enumerate() {
            let minute = minutes.get(at).copied().unwrap_or_else(|| as_minute(dice.below(usize::from(DAY))));
            let zone = zones.get(at).copied().unwrap_or_else(|| dice.below(self.rules.zones.len()));
            cards.push(self.card(&story, minute, zone, &mut dice));
        }
        dice.shuffle(&mut cards);
        Dealt { cards, unreached }
    }

    /// A story in this set; those told least often come first.
    fn find(&self, wanted: &Cube, dice: &mut Dice, used: &mut HashMap<usize, usize>) -> Option<Found<'_>> {
        let mut order: Vec<usize> = (0..self.usable.len()).collect();
        dice.shuffle(&mut order);
        let mut added: Vec<usize> = (0..self.added.len()).collect();
        dice.shuffle(&mut added);
        order.sort_by_key(|at| used.get(at).copied().unwrap_or(0));
        let (at, mut details) =
            order.into_iter().find_map(|at| Some((at, self.complete(&self.usable[at], wanted, &added)?)))?;
        *used.entry(at).or_default() += 1;
        let usable = &self.usable[at];
        // Now and then something is added that need not be, so that what is free takes other values too.
        let more = added.into_iter().find(|extra| {
            let fits = |(fact, value): &(usize, usize)| wanted.values(*fact).is_none_or(|v| v.contains(*value));
            !details.contains(extra)
                && self.added[*extra].facts.iter().all(fits)
                && self.is_new(usable, &details, *extra)
        });
        if dice.once_in(3) {
            details.extend(more);
        }
        let facts = details.iter().flat_map(|at| &self.added[*at].facts);
        let mut situation = Situation::default_of(self.rules);
        for (fact, value) in usable.facts.iter().chain(facts) {
            situation.set(self.rules, *fact, *value);
        }
        details.sort_unstable();
        let details = details.into_iter().map(|at| self.added[at].detail).collect();
        Some(Found { scenario: usable.scenario, details, situation })
    }

    /// Whether a sentence says nothing of what the others say something of.
    fn is_new(&self, usable: &Usable<'_>, details: &[usize], extra: usize) -> bool {
        let said = |fact: usize| {
            let by_details = details.iter().flat_map(|at| &self.added[*at].facts);
            usable.facts.iter().chain(by_details).any(|(f, _)| *f == fact)
        };
        !self.added[extra].facts.iter().any(|(fact, _)| said(*fact))
    }

    /// The sentences that bring a story into the set, none where it lies in it; `None` where none do.
    fn complete(&self, usable: &Usable<'_>, wanted: &Cube, order: &[usize]) -> Option<Vec<usize>> {
        let (mut details, mut tries) = (Vec::new(), TRIES);
        self.grow(usable, wanted, order, &mut details, &mut tries).then_some(details)
    }

    fn grow(
        &self,
        usable: &Usable<'_>,
        wanted: &Cube,
        order: &[usize],
        details: &mut Vec<usize>,
        tries: &mut usize,
    ) -> bool {
        let value_of = |details: &[usize], fact: usize| {
            let by_details = details.iter().flat_map(|at| &self.added[*at].facts);
            usable.facts.iter().chain(by_details).find(|(f, _)| *f == fact).map(|(_, value)| *value)
        };
        let lacks = |(fact, values): &(usize, &Values)| !values.contains(value_of(details, *fact).unwrap_or(0));
        let Some((fact, values)) = wanted.constraints().find(lacks) else { return true };
        if value_of(details, fact).is_some() {
            return false;
        }
        for &at in order {
            let brings = |(f, value): &(usize, usize)| *f == fact && values.contains(*value);
            if *tries == 0 || !self.added[at].facts.iter().any(brings) || !self.is_new(usable, details, at) {
                continue;
            }
            *tries -= 1;
            details.push(at);
            if self.grow(usable, wanted, order, details, tries) {
                return true;
            }
            details.pop();
        }
        false
    }

    fn card(&self, found: &Found<'_>, minute: u16, zone: usize, dice: &mut Dice) -> Card {
        let mut person = Person::default();
        if let Some(callers) = dice.one_of(&self.stories.callers) {
            person.honorific.clone_from(&callers.honorific);
            person.call.clone_from(&callers.call);
            person.name = dice.one_of(&callers.names).cloned().unwrap_or_default();
        }
        let zone_id = &self.rules.zones[zone].id;
        let there: Vec<&String> = self
            .stories
            .places
            .iter()
            .filter(|p| p.zone.eq_ignore_ascii_case(zone_id))
            .flat_map(|p| &p.names)
            .collect();
        // A zone without a place of its own is called by its name.
        person.place = dice.one_of(&there).map_or_else(|| zone_id.clone(), |place| (*place).clone());
        let tell = |tellings: &[super::story::Telling], dice: &mut Dice| {
            dice.one_of(tellings).map(|t| t.told(&person)).unwrap_or_default()
        };
        let mut parts: Vec<String> = Vec::new();
        for detail in found.details.iter().filter(|d| d.before) {
            parts.push(tell(&detail.tell, dice));
        }
        parts.push(tell(&found.scenario.tell, dice));
        for detail in found.details.iter().filter(|d| !d.before) {
            parts.push(tell(&detail.tell, dice));
        }
        Card {
            scenario: found.scenario.id.clone(),
            story: parts.join(" "),
            honorific: self.honorific(&person),
            person,
            situation: found.situation.clone(),
            zone,
            minute,
        }
    }

    fn honorific(&self, person: &Person) -> Option<(crate::rules::ruleset::FieldIx, usize)> {
        let field = self.rules.roles.honorific?;
        let FieldKind::Choice(choices) = &self.rules.field(field).kind else { return None };
        let choice = choices.position_of(&person.honorific)?;
        Some((field, choice))
    }
}

/// The facts that are implied, as positions; `None` where the rules lack one of them.
fn facts_of(rules: &RuleSet, when: &Implied) -> Option<Vec<(usize, usize)>> {
    when.iter()
        .map(|(fact, value)| {
            let at = rules.fact_named(fact)?;
            Some((at, rules.facts[at].values.iter().position(|v| &v.id == value)?))
        })
        .collect()
}

fn spread<T: Clone>(all: &[T], dice: &mut Dice) -> Vec<T> {
    let mut all = all.to_vec();
    dice.shuffle(&mut all);
    all
}

fn as_minute(minute: usize) -> u16 {
    u16::try_from(minute).unwrap_or(0) % DAY
}

/// The positions of the rules that cards reach.
#[must_use]
pub fn rules_of(rules: &RuleSet, cards: &[Card]) -> Vec<usize> {
    let line = |card: &Card| decide(rules, &card.situation).rule.line;
    let lines: Vec<usize> = cards.iter().map(line).collect();
    (0..rules.rules.len()).filter(|at| lines.contains(&rules.rules[*at].line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::Book;

    #[test]
    fn the_same_seed_deals_the_same_cards() {
        let (rules, stories) = (Book::built_in().rules, Stories::built_in());
        let dealer = Dealer::new(&rules, &stories);
        let deal = |seed| dealer.deal(&everything(&rules), seed);
        assert_eq!(deal(11), deal(11));
        assert_ne!(deal(11), deal(12));
    }

    #[test]
    fn every_rule_requirement_edge_and_zone_of_the_sop_is_reached_at_every_seed() {
        let (rules, stories) = (Book::built_in().rules, Stories::built_in());
        let dealer = Dealer::new(&rules, &stories);
        for seed in 0..200 {
            let dealt = dealer.deal(&everything(&rules), seed);
            assert!(dealt.unreached.is_empty());
            assert_eq!(rules_of(&rules, &dealt.cards).len(), rules.rules.len());
            for minute in edges(&rules) {
                assert!(dealt.cards.iter().any(|c| c.minute == minute), "{minute}");
            }
            for zone in 0..rules.zones.len() {
                assert!(dealt.cards.iter().any(|c| c.zone == zone));
            }
            for card in &dealt.cards {
                assert!(card.story.chars().count() <= 400, "{}", card.story);
                assert!(!card.story.contains(['{', '}']) && card.honorific.is_some());
                let place = &stories.places.iter().find(|p| p.names.contains(&card.person.place)).unwrap().zone;
                assert_eq!(place, &rules.zones[card.zone].id);
            }
        }
    }

    #[test]
    fn a_story_that_names_what_the_rules_lack_is_left_out() {
        let stories = Stories::built_in();
        let source = crate::rules::BUILT_IN
            .replace("\"pln-mobile\"", "\"ponsel\"")
            .replace("id = \"ponsel-", "id = \"pln-mobile-");
        let book = Book::read(source.into_bytes(), crate::book::Origin::BuiltIn, chrono::NaiveDate::MAX).unwrap();
        let dealer = Dealer::new(&book.rules, &stories);
        assert!(dealer.left_out().any(|id| id == "login-gagal"));
        let dealt = dealer.deal(&everything(&book.rules), 3);
        let lost: Vec<&str> = dealt
            .unreached
            .iter()
            .map(|at| book.rules.rules.get(*at).map_or("require", |rule| rule.id.as_str()))
            .collect();
        assert_eq!(
            lost,
            ["kalimat-lengkap-2", "pln-mobile-belum", "klb-pln-mobile", "klb-pln-mobile-belum", "require"]
        );
    }
}
