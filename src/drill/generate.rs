//! Generates cards from rules, stories and a seed. A story that names facts which the rules don't have is not used.
//! What a story says fits a set of situations: one value for each fact that it mentions, any value for the others. It
//! becomes a card only if every situation in that set has the same answer, so that no right answer can be marked wrong;
//! extra sentences, as few as possible, narrow a set that is too wide. Situations are never enumerated. The time of day
//! is chosen here, the day is not.

mod search;

use std::collections::HashMap;

use super::card::{Card, DAY};
use super::rng::Rng;
use super::story::{Detail, Implied, Person, Scenario, Stories};
use super::threshold;
use crate::rules::decide::Situation;
use crate::rules::ruleset::{FieldKind, RuleSet};
use crate::rules::space::{Cube, Values};

/// What a set of cards has to ask.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    /// Sets of situations: for each there is a card whose story fits no situation outside of it.
    pub situations: Vec<Cube>,
    /// Minutes of the customer's day: each is the time of a card with a greeting.
    pub minutes: Vec<u16>,
    /// Zones: each is the zone of a card.
    pub zones: Vec<usize>,
    /// The least number of cards, as far as there are stories that are not used yet.
    pub at_least: usize,
}

impl Coverage {
    /// Whether nothing has to be asked.
    pub fn is_empty(&self) -> bool {
        self.situations.is_empty() && self.minutes.is_empty() && self.zones.is_empty() && self.at_least == 0
    }
}

/// Generated cards, and what they could not cover.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CardSet {
    /// The cards, in the order in which they are asked.
    pub cards: Vec<Card>,
    /// Positions in [`Coverage::situations`] that no story fits.
    pub unreached: Vec<usize>,
    /// The minutes without a card, since no story leads to a greeting.
    pub unreached_minutes: Vec<u16>,
}

impl CardSet {
    /// The parts of [`full_coverage`] that no card asks about: ids of rules and requirements, minutes as `HH:MM`.
    pub fn not_asked(&self, rules: &RuleSet) -> Vec<String> {
        let rows = rules.rules.iter().map(|r| &r.id);
        let ids: Vec<&String> = rows.chain(rules.requirements.iter().map(|r| &r.id)).collect();
        let minutes = self.unreached_minutes.iter().map(|m| format!("{:02}:{:02}", m / 60, m % 60));
        self.unreached.iter().map(|at| ids[*at].clone()).chain(minutes).collect()
    }
}

/// What a text says of a fact, and whether the text is the trainer's own.
#[derive(Clone, Copy)]
struct Statement {
    fact: usize,
    value: usize,
    is_own: bool,
}

/// A story whose facts the rules have.
struct Candidate<'s> {
    scenario: &'s Scenario,
    statements: Vec<Statement>,
    /// Facts that have their first value unless an extra sentence mentions them.
    unsaid: Vec<usize>,
}

/// An extra sentence whose facts the rules have.
struct Extra<'s> {
    detail: &'s Detail,
    statements: Vec<Statement>,
}

/// Generates cards for one rules file.
pub struct CardGenerator<'a> {
    rules: &'a RuleSet,
    stories: &'a Stories,
    candidates: Vec<Candidate<'a>>,
    extras: Vec<Extra<'a>>,
    /// For each fact the values that the author of a text did not know: of the embedded stories, of the trainer's own.
    unreviewed: [Vec<Values>; 2],
}

/// The situations that a story with its extra sentences fits.
struct Scope {
    open: Cube,
    /// The one of the card: a fact that is not mentioned has its first value.
    situation: Situation,
}

/// What a story is searched for.
#[derive(Clone, Copy)]
enum Goal<'g> {
    /// A story that fits no situation outside of this set.
    In(&'g Cube),
    /// A story whose closing has a greeting.
    Greeting,
}

struct ChosenStory<'d> {
    scenario: &'d Scenario,
    details: Vec<&'d Detail>,
    scope: Scope,
}

/// The minutes around each change of greeting: the last of the old one and the first of the new one.
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

/// Every rule, every requirement, every change of greeting, every zone.
pub fn full_coverage(rules: &RuleSet) -> Coverage {
    let rows = rules.rules.iter().map(|r| r.when.clone());
    Coverage {
        situations: rows.chain(rules.requirements.iter().map(|r| r.when.clone())).collect(),
        minutes: edges(rules),
        zones: (0..rules.zones.len()).collect(),
        at_least: 0,
    }
}

/// What an exam with this threshold asks: everything, in as many cards as the threshold needs.
pub fn exam_coverage(rules: &RuleSet, pass: u8) -> Coverage {
    Coverage { at_least: threshold::least_cards(pass), ..full_coverage(rules) }
}

impl<'a> CardGenerator<'a> {
    /// Selects the stories whose facts the rules have.
    pub fn new(rules: &'a RuleSet, stories: &'a Stories) -> Self {
        let candidates = stories.scenarios.iter().filter_map(|scenario| {
            let statements = statements(rules, &scenario.when, scenario.is_own)?;
            // A story that does not mention a fact implies its first value, with which a call begins.
            let first = |(fact, value): &(String, String)| {
                rules.fact_named(fact).filter(|at| rules.facts[*at].values[0].id == *value)
            };
            let unsaid =
                scenario.unsaid.iter().filter_map(first).filter(|f| statements.iter().all(|t| t.fact != *f)).collect();
            Some(Candidate { scenario, statements, unsaid })
        });
        let extras = stories.details.iter().filter_map(|detail| {
            let statements = statements(rules, &detail.when, detail.is_own).filter(|found| !found.is_empty())?;
            Some(Extra { detail, statements })
        });
        let unreviewed = [false, true].map(|is_own| {
            let of = |fact: &crate::rules::ruleset::Fact| {
                let values = fact.values.iter().enumerate();
                values.filter(|(_, v)| !stories.is_known(&fact.id, &v.id, is_own)).map(|(at, _)| at).collect()
            };
            rules.facts.iter().map(of).collect()
        });
        Self { rules, stories, candidates: candidates.collect(), extras: extras.collect(), unreviewed }
    }

    /// The stories that can become cards, alone or with extra sentences.
    pub fn usable_scenarios(&self) -> Vec<&'a Scenario> {
        self.candidates_for(&Cube::any()).map(|candidate| candidate.scenario).collect()
    }

    /// The ids of the stories that name what the rules don't have.
    pub fn unusable_scenarios(&self) -> impl Iterator<Item = &'a str> {
        let known = |id: &str| self.candidates.iter().any(|candidate| candidate.scenario.id == id);
        self.stories.scenarios.iter().map(|s| s.id.as_str()).filter(move |id| !known(id))
    }

    /// The values that no story mentions, as `fact=value`: no card can depend on them.
    pub fn unmentioned_values(&self) -> Vec<String> {
        let is_mentioned = |fact: usize, value: usize| {
            let by_stories = self
                .candidates
                .iter()
                .flat_map(|candidate| &candidate.statements)
                .chain(self.extras.iter().flat_map(|extra| &extra.statements));
            let unsaid = value == 0 && self.candidates.iter().any(|candidate| candidate.unsaid.contains(&fact));
            unsaid || by_stories.into_iter().any(|statement| (statement.fact, statement.value) == (fact, value))
        };
        let facts = self.rules.facts.iter().enumerate();
        let values = facts.flat_map(|(at, fact)| (0..fact.values.len()).map(move |value| (at, fact, value)));
        let unmentioned = values.filter(|(at, _, value)| !is_mentioned(*at, *value));
        unmentioned.map(|(_, fact, value)| format!("{}={}", fact.id, fact.values[value].id)).collect()
    }

    /// The values, as `fact=value`, that the embedded stories did not know when they mentioned other values of the
    /// fact: a story is not used if its answer depends on whether such a value applies.
    pub fn unreviewed_values(&self) -> Vec<String> {
        let embedded = || self.candidates.iter().filter(|candidate| !candidate.scenario.is_own);
        let speaks = |fact: usize| {
            embedded().any(|candidate| {
                candidate.unsaid.contains(&fact) || candidate.statements.iter().any(|t| t.fact == fact)
            })
        };
        let facts = self.rules.facts.iter().enumerate().filter(|(at, _)| speaks(*at));
        let values = facts.flat_map(|(at, fact)| self.unreviewed[0][at].iter().map(move |v| (fact, v)));
        values.map(|(fact, value)| format!("{}={}", fact.id, fact.values[value].id)).collect()
    }

    /// How many stories fit no situation outside of this set, alone or with extra sentences.
    pub fn scenarios_for(&self, set: &Cube) -> usize {
        self.candidates_for(set).count()
    }

    fn candidates_for(&self, set: &Cube) -> impl Iterator<Item = &Candidate<'a>> {
        let order: Vec<usize> = (0..self.extras.len()).collect();
        self.candidates.iter().filter(move |candidate| self.extras_for(candidate, Goal::In(set), &order).is_some())
    }

    /// The cards of practice that cover this. The same seed generates the same cards.
    pub fn generate(&self, coverage: &Coverage, seed: u64) -> CardSet {
        self.generate_from(coverage, Rng::new(seed))
    }

    /// The cards of an exam with this threshold. They come from the seed in another way than those of practice, so that
    /// neither practice nor printed cards show them.
    pub fn generate_exam(&self, pass: u8, seed: u64) -> CardSet {
        self.generate_from(&exam_coverage(self.rules, pass), Rng::for_exam(seed))
    }

    fn generate_from(&self, coverage: &Coverage, mut rng: Rng) -> CardSet {
        let mut used = HashMap::new();
        let (mut found, mut unreached) = (Vec::<ChosenStory<'_>>::new(), Vec::new());
        for (at, cube) in coverage.situations.iter().enumerate() {
            if found.iter().any(|f| self.is_within(&f.scope.open, cube)) {
                continue;
            }
            match self.find(Goal::In(cube), &mut rng, &mut used) {
                Some(story) => found.push(story),
                None => unreached.push(at),
            }
        }
        // A minute needs any call with a greeting; a zone needs any call.
        let mut greeting = found.iter().filter(|f| self.greets(&f.scope)).count();
        while greeting < coverage.minutes.len() {
            let Some(story) = self.find(Goal::Greeting, &mut rng, &mut used) else { break };
            found.push(story);
            greeting += 1;
        }
        while found.len() < coverage.zones.len() {
            let Some(story) = self.find(Goal::In(&Cube::any()), &mut rng, &mut used) else { break };
            found.push(story);
        }
        // The least used stories come first: once one comes again, all that fit were used.
        while found.len() < coverage.at_least {
            let Some(story) = self.find(Goal::In(&Cube::any()), &mut rng, &mut used) else { break };
            if found.iter().any(|f| std::ptr::eq(f.scenario, story.scenario)) {
                break;
            }
            found.push(story);
        }
        let unreached_minutes = if greeting == 0 { coverage.minutes.clone() } else { Vec::new() };
        let (minutes, zones) = (shuffled(&coverage.minutes, &mut rng), shuffled(&coverage.zones, &mut rng));
        let mut minutes = minutes.into_iter();
        let mut cards: Vec<Card> = Vec::with_capacity(found.len());
        for (at, story) in found.into_iter().enumerate() {
            let edge = if self.greets(&story.scope) { minutes.next() } else { None };
            let minute = edge.unwrap_or_else(|| u16::try_from(rng.below(DAY.into())).unwrap_or(0));
            let zone = zones.get(at).copied().unwrap_or_else(|| rng.below(self.rules.zones.len()));
            cards.push(self.card(&story, minute, zone, &mut rng));
        }
        rng.shuffle(&mut cards);
        CardSet { cards, unreached, unreached_minutes }
    }

    /// A story for this goal; the least used ones come first.
    fn find(&self, goal: Goal<'_>, rng: &mut Rng, used: &mut HashMap<usize, usize>) -> Option<ChosenStory<'_>> {
        let mut order: Vec<usize> = (0..self.candidates.len()).collect();
        rng.shuffle(&mut order);
        let mut extras: Vec<usize> = (0..self.extras.len()).collect();
        rng.shuffle(&mut extras);
        order.sort_by_key(|at| used.get(at).copied().unwrap_or(0));
        let (at, mut details) =
            order.into_iter().find_map(|at| Some((at, self.extras_for(&self.candidates[at], goal, &extras)?)))?;
        *used.entry(at).or_default() += 1;
        let candidate = &self.candidates[at];
        // Sometimes one more sentence, so that facts without effect get other values too.
        if rng.once_in(3) {
            let fits = |extra: &usize| {
                let with: Vec<usize> = details.iter().copied().chain([*extra]).collect();
                self.adds_only_new_facts(candidate, &details, *extra) && self.meets(&self.scope(candidate, &with), goal)
            };
            let more = extras.into_iter().find(fits);
            details.extend(more);
        }
        let scope = self.scope(candidate, &details);
        details.sort_unstable();
        let details = details.into_iter().map(|at| self.extras[at].detail).collect();
        Some(ChosenStory { scenario: candidate.scenario, details, scope })
    }

    fn card(&self, found: &ChosenStory<'_>, minute: u16, zone: usize, rng: &mut Rng) -> Card {
        let mut person = Person::default();
        if let Some(callers) = rng.one_of(&self.stories.callers) {
            person.honorific.clone_from(&callers.honorific);
            person.call.clone_from(&callers.call);
            person.name = rng.one_of(&callers.names).cloned().unwrap_or_default();
        }
        let zone_id = &self.rules.zones[zone].id;
        let places: Vec<&String> = self
            .stories
            .places
            .iter()
            .filter(|p| p.zone.eq_ignore_ascii_case(zone_id))
            .flat_map(|p| &p.names)
            .collect();
        // A zone without places is called by its own name.
        person.place = rng.one_of(&places).map_or_else(|| zone_id.clone(), |place| (*place).clone());
        let story_text = |texts: &[super::story::StoryText], rng: &mut Rng| {
            rng.one_of(texts).map(|t| t.fill_in(&person)).unwrap_or_default()
        };
        let mut parts: Vec<String> = Vec::new();
        for detail in found.details.iter().filter(|d| d.before) {
            parts.push(story_text(&detail.texts, rng));
        }
        parts.push(story_text(&found.scenario.texts, rng));
        for detail in found.details.iter().filter(|d| !d.before) {
            parts.push(story_text(&detail.texts, rng));
        }
        Card {
            scenario: found.scenario.id.clone(),
            story: parts.join(" "),
            honorific: self.honorific(&person),
            person,
            situation: found.scope.situation.clone(),
            mentioned: (0..self.rules.facts.len()).map(|fact| found.scope.open.values(fact).is_some()).collect(),
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

/// What a text says of the facts, as positions; `None` if the rules don't have one of them.
fn statements(rules: &RuleSet, when: &Implied, is_own: bool) -> Option<Vec<Statement>> {
    when.iter()
        .map(|(id, value)| {
            let fact = rules.fact_named(id)?;
            let value = rules.facts[fact].values.iter().position(|v| &v.id == value)?;
            Some(Statement { fact, value, is_own })
        })
        .collect()
}

fn shuffled<T: Clone>(all: &[T], rng: &mut Rng) -> Vec<T> {
    let mut all = all.to_vec();
    rng.shuffle(&mut all);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loaded::LoadedRules;

    #[test]
    fn the_same_seed_generates_the_same_cards() {
        let (rules, stories) = (LoadedRules::built_in().rules, Stories::built_in());
        let generator = CardGenerator::new(&rules, &stories);
        let generate = |seed| generator.generate(&full_coverage(&rules), seed);
        assert_eq!(generate(11), generate(11));
        assert_ne!(generate(11), generate(12));
    }

    #[test]
    fn every_rule_requirement_edge_and_zone_of_the_sop_is_reached_at_every_seed() {
        let (rules, stories) = (LoadedRules::built_in().rules, Stories::built_in());
        let generator = CardGenerator::new(&rules, &stories);
        for seed in 0..200 {
            let set = generator.generate(&full_coverage(&rules), seed);
            assert!(set.unreached.is_empty());
            let is_asked =
                |rule: &crate::rules::ruleset::Rule| set.cards.iter().any(|card| card.plan(&rules).rule.id == rule.id);
            assert!(rules.rules.iter().all(is_asked));
            for minute in edges(&rules) {
                assert!(set.cards.iter().any(|c| c.minute == minute), "{minute}");
            }
            for zone in 0..rules.zones.len() {
                assert!(set.cards.iter().any(|c| c.zone == zone));
            }
            for card in &set.cards {
                assert!(card.story.chars().count() <= 400, "{}", card.story);
                assert!(!card.story.contains(['{', '}']) && card.honorific.is_some());
                let place = &stories.places.iter().find(|p| p.names.contains(&card.person.place)).unwrap().zone;
                assert_eq!(place, &rules.zones[card.zone].id);
            }
        }
    }

    #[test]
    fn a_story_with_a_fact_that_the_rules_lack_is_not_used() {
        let source = crate::rules::BUILT_IN
            .replace("\"pln-mobile\"", "\"ponsel\"")
            .replace("id = \"ponsel-", "id = \"pln-mobile-");
        let loaded =
            LoadedRules::read(source.into_bytes(), crate::loaded::Origin::BuiltIn, chrono::NaiveDate::MAX).unwrap();
        let lost = |stories: &Stories| {
            let generator = CardGenerator::new(&loaded.rules, stories);
            assert!(generator.unusable_scenarios().any(|id| id == "login-gagal"));
            generator.generate(&full_coverage(&loaded.rules), 3).not_asked(&loaded.rules)
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
