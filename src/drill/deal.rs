//! Rules × stories × seed → cards. A story's facts are looked up in the rules in use; one that names what they don't have
//! is left out. What a story tells is a set of situations: one value for a fact it speaks of, any for the others. It is
//! dealt only where everything in that set is answered alike, so that no right answer can be marked wrong; where the set
//! is too wide, sentences are added, as few as it takes. Situations are never listed. Knows no clock: the times of day are
//! chosen here, the day is not.

mod reach;

use std::collections::HashMap;

use super::card::{Card, DAY};
use super::dice::Dice;
use super::story::{Detail, Implied, Person, Scenario, Stories};
use crate::rules::decide::{Situation, decide};
use crate::rules::ruleset::{FieldKind, RuleSet};
use crate::rules::space::{Cube, Values};
use crate::times::iso_minute;

/// What cards are to be reached.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Sets of situations, in each of which some card must lie, whatever its story leaves open.
    pub situations: Vec<Cube>,
    /// Situations that some card must ask.
    pub cases: Vec<Situation>,
    /// Minutes of the customer's day, each of which some card with a greeting must have.
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
    /// The wanted minutes that no card has, since no story leads to a greeting.
    pub unreached_minutes: Vec<u16>,
}

impl Dealt {
    /// What of [`everything`] no card asks: ids of rules and requirements, minutes as `HH:MM`.
    #[must_use]
    pub fn not_asked(&self, rules: &RuleSet) -> Vec<String> {
        let rows = rules.rules.iter().map(|r| &r.id);
        let ids: Vec<&String> = rows.chain(rules.requirements.iter().map(|r| &r.id)).collect();
        let minutes = self.unreached_minutes.iter().map(|minute| iso_minute(*minute));
        self.unreached.iter().map(|at| ids[*at].clone()).chain(minutes).collect()
    }
}

/// A fact that a text tells, and whether the text is the trainer's own.
#[derive(Clone, Copy)]
struct Told {
    fact: usize,
    value: usize,
    is_own: bool,
}

/// A story whose facts the rules have.
struct Usable<'s> {
    scenario: &'s Scenario,
    told: Vec<Told>,
    /// The facts that stay at their first value where nothing is said of them.
    unsaid: Vec<usize>,
}

/// A sentence whose facts the rules have.
struct Added<'s> {
    detail: &'s Detail,
    told: Vec<Told>,
}

/// The stories that can be told under these rules.
pub struct Dealer<'a> {
    rules: &'a RuleSet,
    stories: &'a Stories,
    usable: Vec<Usable<'a>>,
    added: Vec<Added<'a>>,
    /// For each fact the values that the authors did not know of: of the embedded stories, of the trainer's own.
    unknown: [Vec<Values>; 2],
}

/// What a story with added sentences tells.
struct Tale {
    /// The situations that it can be about.
    open: Cube,
    /// The one that the card takes: a fact that is left open has its first value.
    situation: Situation,
}

/// What a story is looked for.
#[derive(Clone, Copy)]
enum Goal<'g> {
    /// It lies in this set.
    In(&'g Cube),
    /// Its card asks this situation.
    Case(&'g Situation),
    /// Its closing has a greeting.
    Greeting,
}

/// A story that is dealt.
struct Found<'d> {
    scenario: &'d Scenario,
    details: Vec<&'d Detail>,
    tale: Tale,
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
        cases: Vec::new(),
        minutes: edges(rules),
        zones: (0..rules.zones.len()).collect(),
    }
}

impl<'a> Dealer<'a> {
    /// The stories that can be told under these rules.
    #[must_use]
    pub fn new(rules: &'a RuleSet, stories: &'a Stories) -> Self {
        let usable = stories.scenarios.iter().filter_map(|scenario| {
            let told = told(rules, &scenario.when, scenario.is_own)?;
            // To say nothing of a fact means its first value only while that is what the prompter begins with.
            let first = |(fact, value): &(String, String)| {
                rules.fact_named(fact).filter(|at| rules.facts[*at].values[0].id == *value)
            };
            let unsaid =
                scenario.unsaid.iter().filter_map(first).filter(|f| told.iter().all(|t| t.fact != *f)).collect();
            Some(Usable { scenario, told, unsaid })
        });
        let added = stories.details.iter().filter_map(|detail| {
            let told = told(rules, &detail.when, detail.is_own).filter(|told| !told.is_empty())?;
            Some(Added { detail, told })
        });
        let unknown = [false, true].map(|is_own| {
            let of = |fact: &crate::rules::ruleset::Fact| {
                let values = fact.values.iter().enumerate();
                values.filter(|(_, v)| !stories.is_known(&fact.id, &v.id, is_own)).map(|(at, _)| at).collect()
            };
            rules.facts.iter().map(of).collect()
        });
        Self { rules, stories, usable: usable.collect(), added: added.collect(), unknown }
    }

    /// The stories that can be dealt, alone or with added sentences.
    pub fn dealable(&self) -> impl Iterator<Item = &'a Scenario> {
        let order: Vec<usize> = (0..self.added.len()).collect();
        let any = Cube::any();
        let decides = move |usable: &&Usable<'_>| self.complete(usable, Goal::In(&any), &order).is_some();
        self.usable.iter().filter(decides).map(|usable| usable.scenario)
    }

    /// The ids of the stories that can't, since the rules don't have what they imply.
    pub fn left_out(&self) -> impl Iterator<Item = &'a str> {
        let known = |id: &str| self.usable.iter().any(|u| u.scenario.id == id);
        self.stories.scenarios.iter().map(|s| s.id.as_str()).filter(move |id| !known(id))
    }

    /// The values that no story tells, as `fact=value`: nothing can be dealt that depends on them.
    #[must_use]
    pub fn never_told(&self) -> Vec<String> {
        let is_told = |fact: usize, value: usize| {
            let by_stories = self.usable.iter().flat_map(|u| &u.told).chain(self.added.iter().flat_map(|a| &a.told));
            let unsaid = value == 0 && self.usable.iter().any(|u| u.unsaid.contains(&fact));
            unsaid || by_stories.into_iter().any(|told| (told.fact, told.value) == (fact, value))
        };
        let facts = self.rules.facts.iter().enumerate();
        let values = facts.flat_map(|(at, fact)| (0..fact.values.len()).map(move |value| (at, fact, value)));
        let silent = values.filter(|(at, _, value)| !is_told(*at, *value));
        silent.map(|(_, fact, value)| format!("{}={}", fact.id, fact.values[value].id)).collect()
    }

    /// The values, as `fact=value`, that the embedded stories did not know of when they told other values of the fact: they
    /// can't be dealt where that value is answered otherwise.
    #[must_use]
    pub fn unknown_values(&self) -> Vec<String> {
        let embedded = || self.usable.iter().filter(|u| !u.scenario.is_own);
        let speaks =
            |fact: usize| embedded().any(|u| u.unsaid.contains(&fact) || u.told.iter().any(|t| t.fact == fact));
        let facts = self.rules.facts.iter().enumerate().filter(|(at, _)| speaks(*at));
        let values = facts.flat_map(|(at, fact)| self.unknown[0][at].iter().map(move |v| (fact, v)));
        values.map(|(fact, value)| format!("{}={}", fact.id, fact.values[value].id)).collect()
    }

    /// How many stories lie in this set, or can be made to by added sentences.
    #[must_use]
    pub fn reaching(&self, wanted: &Cube) -> usize {
        self.count(Goal::In(wanted))
    }

    /// Whether some story can ask this situation.
    #[must_use]
    pub fn can_ask(&self, situation: &Situation) -> bool {
        self.count(Goal::Case(situation)) > 0
    }

    fn count(&self, goal: Goal<'_>) -> usize {
        let order: Vec<usize> = (0..self.added.len()).collect();
        self.usable.iter().filter(|usable| self.complete(usable, goal, &order).is_some()).count()
    }

    /// The cards that reach what is wanted. The same seed, the same cards.
    #[must_use]
    pub fn deal(&self, wanted: &Wanted, seed: u64) -> Dealt {
        let mut dice = Dice::new(seed);
        let mut used = HashMap::new();
        let (mut found, mut unreached) = (Vec::<Found<'_>>::new(), Vec::new());
        for (at, cube) in wanted.situations.iter().enumerate() {
            if found.iter().any(|f| self.lies_in(&f.tale.open, cube)) {
                continue;
            }
            match self.find(Goal::In(cube), &mut dice, &mut used) {
                Some(story) => found.push(story),
                None => unreached.push(at),
            }
        }
        for case in &wanted.cases {
            if found.iter().all(|f| f.tale.situation != *case) {
                found.extend(self.find(Goal::Case(case), &mut dice, &mut used));
            }
        }
        // An edge needs a call with a greeting, whichever; a zone needs any.
        let mut greeting = found.iter().filter(|f| self.greets(&f.tale)).count();
        while greeting < wanted.minutes.len() {
            let Some(story) = self.find(Goal::Greeting, &mut dice, &mut used) else { break };
            found.push(story);
            greeting += 1;
        }
        while found.len() < wanted.zones.len() {
            let Some(story) = self.find(Goal::In(&Cube::any()), &mut dice, &mut used) else { break };
            found.push(story);
        }
        let unreached_minutes = if greeting == 0 { wanted.minutes.clone() } else { Vec::new() };
        let (minutes, zones) = (spread(&wanted.minutes, &mut dice), spread(&wanted.zones, &mut dice));
        let mut minutes = minutes.into_iter();
        let mut cards: Vec<Card> = Vec::with_capacity(found.len());
        for (at, story) in found.into_iter().enumerate() {
            let edge = if self.greets(&story.tale) { minutes.next() } else { None };
            let minute = edge.unwrap_or_else(|| as_minute(dice.below(usize::from(DAY))));
            let zone = zones.get(at).copied().unwrap_or_else(|| dice.below(self.rules.zones.len()));
            cards.push(self.card(&story, minute, zone, &mut dice));
        }
        dice.shuffle(&mut cards);
        Dealt { cards, unreached, unreached_minutes }
    }

    /// A story for this goal; those told least often come first.
    fn find(&self, goal: Goal<'_>, dice: &mut Dice, used: &mut HashMap<usize, usize>) -> Option<Found<'_>> {
        let mut order: Vec<usize> = (0..self.usable.len()).collect();
        dice.shuffle(&mut order);
        let mut added: Vec<usize> = (0..self.added.len()).collect();
        dice.shuffle(&mut added);
        order.sort_by_key(|at| used.get(at).copied().unwrap_or(0));
        let (at, mut details) =
            order.into_iter().find_map(|at| Some((at, self.complete(&self.usable[at], goal, &added)?)))?;
        *used.entry(at).or_default() += 1;
        let usable = &self.usable[at];
        // Now and then something is added that need not be, so that what is free takes other values too.
        if dice.once_in(3) {
            let fits = |extra: &usize| {
                let with: Vec<usize> = details.iter().copied().chain([*extra]).collect();
                self.is_new(usable, &details, *extra) && self.reaches(&self.tale(usable, &with), goal)
            };
            let more = added.into_iter().find(fits);
            details.extend(more);
        }
        let tale = self.tale(usable, &details);
        details.sort_unstable();
        let details = details.into_iter().map(|at| self.added[at].detail).collect();
        Some(Found { scenario: usable.scenario, details, tale })
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
            situation: found.tale.situation.clone(),
            told: (0..self.rules.facts.len()).map(|fact| found.tale.open.values(fact).is_some()).collect(),
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
fn told(rules: &RuleSet, when: &Implied, is_own: bool) -> Option<Vec<Told>> {
    when.iter()
        .map(|(id, value)| {
            let fact = rules.fact_named(id)?;
            let value = rules.facts[fact].values.iter().position(|v| &v.id == value)?;
            Some(Told { fact, value, is_own })
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
        let source = crate::rules::BUILT_IN
            .replace("\"pln-mobile\"", "\"ponsel\"")
            .replace("id = \"ponsel-", "id = \"pln-mobile-");
        let book = Book::read(source.into_bytes(), crate::book::Origin::BuiltIn, chrono::NaiveDate::MAX).unwrap();
        let lost = |stories: &Stories| {
            let dealer = Dealer::new(&book.rules, stories);
            assert!(dealer.left_out().any(|id| id == "login-gagal"));
            dealer.deal(&everything(&book.rules), 3).not_asked(&book.rules)
        };
        assert_eq!(lost(&Stories::built_in()).len(), 13, "\"lain\" does not exclude a topic that nobody knew of");
        let own = crate::drill::story::read(b"schema = 1\nreviewed = { topik = [\"ponsel\"] }\n").unwrap();
        assert_eq!(
            lost(&Stories::built_in().with(own)),
            [
                "kalimat-lengkap-2",
                "pln-mobile-belum",
                "klb-pln-mobile",
                "klb-pln-mobile-belum",
                "pln-mobile-tanpa-campaign"
            ]
        );
    }
}
