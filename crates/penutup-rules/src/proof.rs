//! Proves properties of all situations without listing them: no gaps, no overlaps, every requirement met, every fact and
//! value relevant.
//!
//! Once no two rules overlap, each situation is in one rule or in a gap. So requirements are checked per rule, and two
//! values differ only if two rules that are disjoint in that fact alone have different plans. All proofs work on pairs of
//! rules, never on situations.

use chrono::NaiveDate;

use super::limits::{LONG_SENTENCE, MAX_PROBLEMS_PER_CODE};
use super::problem::{Broken, Conditions, Kind, Owner, Problem, Span};
use super::ruleset::{Duty, FieldIx, FieldKind, Rule, RuleSet, Scope, StepIx, StepWords, Typed};
use super::script::{Fields, speak};
use super::shape::{At, Problems};
use super::space::{self, Cube, Space};
use super::text::graphemes;

/// The spans to which problems of the proof refer.
pub struct Places {
    pub rules: Vec<Span>,
    pub rule_steps: Vec<Span>,
    pub requirements: Vec<Span>,
    pub facts: Vec<Span>,
    pub values: Vec<Vec<Span>>,
    pub steps: Vec<Span>,
    pub sentences: Vec<Span>,
    pub fields: Vec<Span>,
    pub effective_from: Span,
    pub effective_to: Span,
    /// The value of `duties` too.
    pub duties: Option<At<i64>>,
}

/// Proves the rules and records what can't be proved.
pub fn prove(rules: &RuleSet, places: &Places, today: NaiveDate, problems: &Problems) {
    let proof = Proof { rules, places, problems, space: rules.space() };
    let cubes: Vec<Cube> = rules.rules.iter().map(|r| r.when.clone()).collect();
    let overlaps = proof.overlaps(&cubes);
    proof.gaps(&cubes);
    proof.requirements();
    if !overlaps && !problems.borrow().iter().any(Problem::is_error) {
        proof.effects(&cubes);
    }
    proof.steps();
    proof.empty_fields();
    if rules.requirements.is_empty() {
        proof.note(Problem::new(0..0, Kind::NoRequirement));
    }
    proof.count_of_duties();
    proof.days(today);
}

struct Proof<'a> {
    rules: &'a RuleSet,
    places: &'a Places,
    problems: &'a Problems,
    space: Space,
}

impl Proof<'_> {
    fn note(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }

    fn named(&self, situation: &[u16]) -> Vec<(String, String)> {
        self.rules
            .facts
            .iter()
            .zip(situation)
            .map(|(f, v)| (f.id.clone(), f.values[usize::from(*v)].id.clone()))
            .collect()
    }

    /// Reports overlapping rules; returns whether there are any.
    fn overlaps(&self, cubes: &[Cube]) -> bool {
        let found = space::overlaps(cubes, MAX_PROBLEMS_PER_CODE + 1);
        for &(first, second) in &found.pairs {
            let Some(both) = cubes[first].intersect(&cubes[second]) else { continue };
            let kind = Kind::Overlap {
                first: self.rules.rules[first].id.clone(),
                second: self.rules.rules[second].id.clone(),
            };
            self.note(
                Problem::new(self.places.rules[second].clone(), kind)
                    .with_other(self.places.rules[first].clone())
                    .with_situation(self.named(&both.example(&self.space))),
            );
        }
        !found.pairs.is_empty()
    }

    fn gaps(&self, cubes: &[Cube]) {
        // `TooEntangled` needs overlapping rules, which have been reported as errors.
        let Ok(gaps) = space::gaps(&self.space, cubes, MAX_PROBLEMS_PER_CODE + 1) else { return };
        for gap in gaps.cubes {
            let example = gap.example(&self.space);
            let Some(nearest) = (0..cubes.len()).min_by_key(|at| self.distance(&cubes[*at], &example)) else {
                continue;
            };
            let kind = Kind::Gap {
                situations: gap.count(&self.space).to_string(),
                when: conditions(self.rules, &gap),
                nearest: Some(self.rules.rules[nearest].id.clone()),
            };
            self.note(Problem::new(self.places.rules[nearest].clone(), kind).with_situation(self.named(&example)));
        }
    }

    /// How much a rule differs from a situation: first by the number of shift facts, since a rule for KLB has other duties
    /// than one without; then by the number of facts; then by their order, since a file starts with the most important.
    fn distance(&self, cube: &Cube, situation: &[u16]) -> (usize, usize, Vec<bool>) {
        let mut differs = vec![false; self.rules.facts.len()];
        for (fact, values) in cube.constraints() {
            differs[fact] = !values.contains(situation[fact].into());
        }
        let is_shift_fact = |at: &usize| {
            self.rules.roles.emergency == Some(*at) || matches!(self.rules.facts[*at].scope, Scope::Shift { .. })
        };
        let all = (0..differs.len()).filter(|at| differs[*at]);
        (all.clone().filter(is_shift_fact).count(), all.count(), differs)
    }

    fn requirements(&self) {
        for (requirement, place) in self.rules.requirements.iter().zip(&self.places.requirements) {
            for (at, rule) in self.rules.rules.iter().enumerate() {
                let Some(both) = rule.when.intersect(&requirement.when) else { continue };
                for broken in requirement.duties.iter().filter_map(|duty| self.broken(duty, rule)) {
                    let kind = Kind::RequireViolated {
                        rule: rule.id.clone(),
                        requirement: requirement.id.clone(),
                        basis: requirement.basis.clone(),
                        broken,
                    };
                    self.note(
                        Problem::new(self.places.rule_steps[at].clone(), kind)
                            .with_other(place.clone())
                            .with_situation(self.named(&both.example(&self.space))),
                    );
                }
            }
        }
    }

    fn broken(&self, duty: &Duty, rule: &Rule) -> Option<Broken> {
        let id = |ix: StepIx| self.rules.step(ix).id.clone();
        let has = |ix: &StepIx| rule.steps.contains(ix);
        let ids = |steps: Vec<StepIx>| steps.into_iter().map(id).collect::<Vec<_>>();
        match duty {
            Duty::Always(steps) => {
                let missing: Vec<_> = steps.iter().filter(|s| !has(s)).copied().collect();
                (!missing.is_empty()).then(|| Broken::Always(ids(missing)))
            }
            Duty::Never(steps) => {
                let present: Vec<_> = steps.iter().filter(|s| has(s)).copied().collect();
                (!present.is_empty()).then(|| Broken::Never(ids(present)))
            }
            Duty::ExactlyOne(steps) => {
                let present: Vec<_> = steps.iter().filter(|s| has(s)).copied().collect();
                (present.len() != 1).then(|| Broken::ExactlyOne(ids(steps.to_vec()), ids(present)))
            }
            Duty::Order(steps) => {
                let place = |s: &StepIx| rule.steps.iter().position(|x| x == s);
                let present: Vec<_> = steps.iter().filter_map(|s| place(s).map(|at| (at, *s))).collect();
                let wrong = present.windows(2).find(|w| w[0].0 > w[1].0)?;
                Some(Broken::Order(id(wrong[0].1), id(wrong[1].1)))
            }
            Duty::Last(step) => {
                let last = rule.steps.iter().rev().find(|s| self.rules.step(**s).is_spoken());
                (last != Some(step)).then(|| Broken::Last(id(*step), last.map(|s| id(*s))))
            }
        }
    }

    /// Reports facts and values without effect, and rules without a score.
    fn effects(&self, cubes: &[Cube]) {
        let all = &self.rules.rules;
        let differs = |a: usize, b: usize| all[a].steps != all[b].steps || all[a].caution != all[b].caution;
        for (fact, found) in space::distinguished(cubes, &self.space, differs).into_iter().enumerate() {
            let raw = &self.rules.facts[fact];
            if !found.matters() {
                let kind = Kind::IrrelevantFact { id: raw.id.clone() };
                self.note(Problem::new(self.places.facts[fact].clone(), kind).with_owner(Owner::Fact(fact)));
                continue;
            }
            let alike = found.classes.iter().flat_map(|class| {
                let mut values = class.iter();
                let first = values.next();
                values.filter_map(move |second| Some((first?, second)))
            });
            for (first, second) in alike {
                let kind = Kind::UnusedValue {
                    fact: raw.id.clone(),
                    first: raw.values[first].id.clone(),
                    second: raw.values[second].id.clone(),
                };
                self.note(
                    Problem::new(self.places.values[fact][second].clone(), kind)
                        .with_other(self.places.values[fact][first].clone())
                        .with_owner(Owner::Fact(fact)),
                );
            }
        }
        for (at, rule) in all.iter().enumerate() {
            if rule.steps.iter().all(|s| self.rules.step(*s).score.is_empty()) {
                let kind = Kind::ScoreMissing { rule: rule.id.clone() };
                let example = self.named(&rule.when.example(&self.space));
                let problem = Problem::new(self.places.rule_steps[at].clone(), kind);
                self.note(problem.with_situation(example).with_owner(Owner::Rule(at)));
            }
        }
    }

    fn steps(&self) {
        let mut used = vec![false; self.rules.steps.len()];
        for step in self.rules.rules.iter().flat_map(|r| &r.steps) {
            used[usize::from(step.0)] = true;
        }
        for (at, step) in self.rules.steps.iter().enumerate() {
            if !used[at] {
                let kind = Kind::UnusedStep { id: step.id.clone() };
                self.note(Problem::new(self.places.steps[at].clone(), kind).with_owner(Owner::Step(at)));
            }
            if let StepWords::Say(template) = &step.words {
                let characters = graphemes(&template.with_placeholders(self.rules).to_string());
                if characters > LONG_SENTENCE {
                    let kind = Kind::LongSentence { id: step.id.clone(), characters };
                    self.note(Problem::new(self.places.sentences[at].clone(), kind).with_owner(Owner::Step(at)));
                }
            }
        }
    }

    /// Reports typed fields without `empty`, and sentences that are malformed while a field is empty.
    fn empty_fields(&self) {
        let fields = Fields::default_of(self.rules);
        let greeting = &self.rules.greetings.rows()[0].word;
        if greeting.is_empty() {
            // Missing greetings have been reported; without one, no sentence can be rendered.
            return;
        }
        let vanishes = |ix: FieldIx| self.rules.field(ix).vanishes();
        for (at, step) in self.rules.steps.iter().enumerate() {
            let StepWords::Say(template) = &step.words else { continue };
            if let Some(field) = template.empty_place(vanishes)
                && let Some(sentence) = speak(self.rules, step, &fields, greeting)
            {
                let field = self.rules.field(field).id.clone();
                let kind = Kind::EmptyPlace { field, sentence: sentence.to_string() };
                self.note(Problem::new(self.places.sentences[at].clone(), kind));
            }
        }
        for (at, ix) in (0..self.rules.fields.len()).zip((0..).map(FieldIx)) {
            let FieldKind::Typed(Typed { empty: None, .. }) = self.rules.field(ix).kind else { continue };
            let spoken = self.rules.steps.iter().filter(|step| step.speaks(ix));
            let sentences: Vec<String> =
                spoken.filter_map(|step| speak(self.rules, step, &fields, greeting)).map(|s| s.to_string()).collect();
            if !sentences.is_empty() {
                let kind = Kind::EmptyField { id: self.rules.field(ix).id.clone(), sentences };
                self.note(Problem::new(self.places.fields[at].clone(), kind).with_owner(Owner::Field(at)));
            }
        }
    }

    /// A number other than the declared one means that the file was truncated or a duty deleted by mistake.
    fn count_of_duties(&self) {
        let Some(declared) = &self.places.duties else { return };
        let found: usize = self.rules.requirements.iter().map(|r| r.duties.len()).sum();
        if i64::try_from(found) != Ok(declared.value) && !self.problems.borrow().iter().any(Problem::is_error) {
            let kind = Kind::DutyCount { declared: declared.value, found };
            self.note(Problem::new(declared.span.clone(), kind).with_owner(Owner::Sop));
        }
    }

    fn days(&self, today: NaiveDate) {
        let sop = &self.rules.sop;
        if let Some(from) = sop.effective_from.filter(|from| *from > today) {
            let kind = Kind::NotYetEffective { from: from.to_string() };
            self.note(Problem::new(self.places.effective_from.clone(), kind).with_owner(Owner::Sop));
        }
        if let Some(to) = sop.ends_soon(today) {
            let kind = Kind::Expiring { to: to.to_string(), over: to < today };
            self.note(Problem::new(self.places.effective_to.clone(), kind).with_owner(Owner::Sop));
        }
    }
}

/// A cube in the form of a rule's `when`.
pub fn conditions(rules: &RuleSet, cube: &Cube) -> Conditions {
    cube.constraints()
        .map(|(fact, values)| {
            let fact = &rules.facts[fact];
            (fact.id.clone(), values.iter().map(|v| fact.values[v].id.clone()).collect())
        })
        .collect()
}
