//! Steps and their sentences, rules and requirements.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use vec1::{Vec1, vec1};

use super::{Checker, Ids};
use crate::file::{Text, When};
use crate::problem::{Kind, Named, Problem};
use crate::ruleset::{Duty, Fact, Field, FieldIx, Requirement, Rule, SALAM, Step, StepIx, StepWords};
use crate::script::Template;
use crate::shape::At;
use crate::space::{Cube, Values};

impl<'a> Checker<'a> {
    pub(super) fn steps(&mut self, fields: &[Field], names: &mut Ids<'a>) -> Vec1<Step> {
        let mut valid: Vec<String> = vec![SALAM.into()];
        valid.extend(fields.iter().map(|f| f.id.clone()));
        let ids: HashMap<&str, FieldIx> =
            (0u16..).map(FieldIx).zip(fields).map(|(ix, f)| (f.id.as_str(), ix)).collect();
        let mut lines = Lines::new(self.bytes);
        let mut out = Vec::with_capacity(self.file.steps.len());
        for (at, step) in self.file.steps.iter().enumerate() {
            self.provable &= self.register(Named::Step, step.id.as_ref(), at, names);
            if step.has.0 == step.has.1 {
                let kind = Kind::EitherOr { first: "say", second: "remind", both: step.has.0 };
                self.note(step.id.as_ref().map_or(&step.span, |t| &t.span), kind);
            }
            let words = match (&step.say, &step.remind) {
                (Some(say), _) => StepWords::Say(self.sentence(say, &ids, &valid, fields)),
                (None, remind) => StepWords::Remind(self.plain("remind", remind.as_ref())),
            };
            out.push(Step {
                id: Self::id(step.id.as_ref()),
                title: self.plain("title", step.title.as_ref()),
                words,
                basis: self.optional("basis", step.basis.as_ref()),
                note: self.optional("note", step.note.as_ref()),
                score: self.scores(&step.score),
                line: lines
                    .line_of(step.say.as_ref().or(step.remind.as_ref()).map_or(step.span.start, |t| t.span.start)),
            });
        }
        self.at_least_one(out, || Step {
            id: String::new(),
            title: String::new(),
            words: StepWords::Remind(String::new()),
            basis: None,
            note: None,
            score: Vec::new(),
            line: 1,
        })
    }

    fn scores(&self, score: &[Text]) -> Vec<String> {
        let mut out: Vec<String> = Vec::with_capacity(score.len());
        for (at, text) in score.iter().enumerate() {
            let name = self.required("score", Some(text));
            if let Some(first) = out.iter().position(|s| *s == name) {
                let kind = Kind::Duplicate { what: Named::Score, id: name.clone() };
                let problem = Problem::new(score[at].span.clone(), kind).with_other(score[first].span.clone());
                self.problems.borrow_mut().push(problem);
            }
            out.push(name);
        }
        out
    }

    /// Checks that each name is a parameter that some step is scored by.
    pub(super) fn lost_score(&self, named: &[(Text, Text)], steps: &[Step]) -> BTreeMap<String, String> {
        let parameters: BTreeSet<&str> = steps.iter().flat_map(|step| &step.score).map(String::as_str).collect();
        let mut out = BTreeMap::new();
        for (parameter, text) in named {
            if !parameters.contains(parameter.value.as_str()) {
                let kind = Kind::UnknownKey {
                    key: parameter.value.clone(),
                    table: "[sop.lost_score]".into(),
                    valid: parameters.iter().map(|name| (*name).to_owned()).collect(),
                };
                self.note(&parameter.span, kind);
            }
            out.insert(parameter.value.clone(), self.required("lost_score", Some(text)));
        }
        out
    }

    pub(super) fn sentence(
        &self,
        say: &Text,
        ids: &HashMap<&str, FieldIx>,
        valid: &[String],
        fields: &[Field],
    ) -> Template {
        let before = self.problems.borrow().len();
        let text = self.required("say", Some(say));
        let template = Template::parse(&text, |id| ids.get(id).copied());
        let template = template.unwrap_or_else(|bad| {
            self.braces(&say.span, bad, valid);
            Template::default()
        });
        let no_problem = self.problems.borrow().len() == before;
        if no_problem && template.may_be_empty(|ix| fields[ix.at()].vanishes()) {
            self.note(&say.span, Kind::MayBeEmpty);
        }
        template
    }

    pub(super) fn step_list(&self, list: &At<Vec<Text>>, steps: &Ids<'_>) -> Option<Vec<StepIx>> {
        let (mut out, mut complete) = (Vec::with_capacity(list.value.len()), true);
        for step in &list.value {
            let Some((ix, _)) = steps.get(step.value.as_str()) else {
                complete = false;
                // A file without steps has been reported; don't repeat it for each list.
                if self.file.steps.is_empty() {
                    continue;
                }
                let valid = steps.keys().map(|k| (*k).to_owned()).collect();
                self.note(&step.span, Kind::UnknownStep { id: step.value.clone(), valid: sorted(valid) });
                continue;
            };
            if out.contains(&StepIx(*ix)) {
                self.note(&step.span, Kind::Duplicate { what: Named::Step, id: step.value.clone() });
                complete = false;
                continue;
            }
            out.push(StepIx(*ix));
        }
        complete.then_some(out)
    }

    pub(super) fn when(&self, when: &When, facts: &[Fact], names: &HashMap<&str, usize>) -> Option<Cube> {
        let (mut cube, mut complete) = (Cube::any(), true);
        for (id, values) in when {
            let Some(&at) = names.get(id.value.as_str()) else {
                let valid = sorted(names.keys().map(|k| (*k).to_owned()).collect());
                self.note(&id.span, Kind::UnknownFact { id: id.value.clone(), valid });
                complete = false;
                continue;
            };
            let fact = &facts[at];
            let mut chosen = Values::default();
            for value in &values.value {
                let Some(position) = fact.values.iter().position(|v| v.id == value.value) else {
                    let valid = fact.values.iter().map(|v| v.id.clone()).collect();
                    complete = false;
                    // A fact without values has been reported; don't repeat it for each rule.
                    if !self.file.facts[at].values.is_empty() {
                        let kind = Kind::UnknownValue { fact: fact.id.clone(), id: value.value.clone(), valid };
                        self.note(&value.span, kind);
                    }
                    continue;
                };
                if chosen.contains(position) {
                    self.note(&value.span, Kind::Duplicate { what: Named::Value, id: value.value.clone() });
                }
                chosen.insert(position);
            }
            if values.value.is_empty() {
                self.note(&values.span, Kind::TooFew { key: "when", at_least: 1 });
                complete = false;
            } else if !chosen.is_empty() {
                cube = cube.with(at, chosen);
            }
        }
        complete.then_some(cube)
    }

    pub(super) fn rules(&mut self, facts: &[Fact], fact_names: &HashMap<&str, usize>, steps: &Ids<'_>) -> Vec1<Rule> {
        let mut names = Ids::new();
        let mut lines = Lines::new(self.bytes);
        let mut out = Vec::with_capacity(self.file.rules.len());
        for (at, rule) in self.file.rules.iter().enumerate() {
            // An invalid id does not affect the proof; an invalid condition or step does.
            self.register(Named::Rule, rule.id.as_ref(), at, &mut names);
            let when = self.when(&rule.when, facts, fact_names);
            let list = rule.steps.as_ref().and_then(|list| self.step_list(list, steps));
            if let Some(list) = rule.steps.as_ref().filter(|l| l.value.is_empty()) {
                self.note(&list.span, Kind::TooFew { key: "steps", at_least: 1 });
            }
            self.provable &= when.is_some() && list.is_some();
            out.push(Rule {
                id: Self::id(rule.id.as_ref()),
                when: when.unwrap_or_else(Cube::any),
                steps: self.at_least_one(list.unwrap_or_default(), || StepIx(0)),
                basis: self.optional("basis", rule.basis.as_ref()),
                caution: rule.caution.as_ref().map(|c| self.plain("caution", Some(c))),
                line: lines.line_of(rule.span.start),
            });
        }
        self.at_least_one(out, || Rule {
            id: String::new(),
            when: Cube::any(),
            steps: vec1![StepIx(0)],
            basis: None,
            caution: None,
            line: 1,
        })
    }

    pub(super) fn requirements(
        &mut self,
        facts: &[Fact],
        fact_names: &HashMap<&str, usize>,
        steps: &Ids<'_>,
    ) -> Vec<Requirement> {
        let mut names = Ids::new();
        let mut out = Vec::with_capacity(self.file.requirements.len());
        for (at, require) in self.file.requirements.iter().enumerate() {
            self.register(Named::Requirement, require.id.as_ref(), at, &mut names);
            if !require.has_duty {
                self.note(require.id.as_ref().map_or(&require.span, |t| &t.span), Kind::NoDuty);
            }
            let when = self.when(&require.when, facts, fact_names);
            let mut duties = Vec::new();
            let mut add = |key: &'static str, list: &Option<At<Vec<Text>>>, duty: fn(Vec1<StepIx>) -> Duty| {
                let Some(list) = list else { return };
                let at_least = if key == "order" { 2 } else { 1 };
                if list.value.len() < at_least {
                    self.note(&list.span, Kind::TooFew { key, at_least });
                }
                duties.extend(self.step_list(list, steps).and_then(|l| Vec1::try_from_vec(l).ok()).map(duty));
            };
            add("always", &require.always, Duty::Always);
            add("never", &require.never, Duty::Never);
            add("exactly_one", &require.exactly_one, Duty::ExactlyOne);
            add("order", &require.order, Duty::Order);
            if let Some(last) = &require.last {
                let list = At { value: vec![last.clone()], span: last.span.clone() };
                duties.extend(self.step_list(&list, steps).and_then(|l| l.first().copied()).map(Duty::Last));
            }
            out.push(Requirement {
                id: Self::id(require.id.as_ref()),
                // An invalid condition has been reported; an order of one step can't be violated.
                duties: self
                    .at_least_one(if when.is_some() { duties } else { Vec::new() }, || Duty::Order(vec1![StepIx(0)])),
                when: when.unwrap_or_else(Cube::any),
                basis: self.optional("basis", require.basis.as_ref()),
            });
        }
        out
    }
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names
}

/// Counts lines incrementally, so that many rules cost one pass over the file.
struct Lines<'b> {
    bytes: &'b [u8],
    at: usize,
    line: usize,
}

impl<'b> Lines<'b> {
    fn new(bytes: &'b [u8]) -> Self {
        Self { bytes, at: 0, line: 1 }
    }

    fn line_of(&mut self, byte: usize) -> usize {
        if byte < self.at {
            (self.at, self.line) = (0, 1);
        }
        self.line += self.bytes[self.at..byte].split(|b| *b == b'\n').count() - 1;
        self.at = byte;
        self.line
    }
}
