//! The state of one call: its facts, fields and zone, which sentences have been spoken, and the undo history. The current
//! time and the rules are arguments of every method: a call stores only positions in the rules that it was created with.

pub mod ending;
pub mod external;
pub mod name;
pub mod order;
pub mod pairs;

use std::collections::VecDeque;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::decide::{Plan, Situation, decide};
use crate::ruleset::{FieldIx, FieldKind, RuleSet, Scope, StepIx};
use crate::script::{FieldValue, Fields, Sentence, speak};
use external::Origin;
use order::Overtaken;

const MAX_UNDO: usize = 500;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spoken {
    pub step: StepIx,
    /// The row of the greeting that it was spoken with, which later changes of the hour don't affect.
    pub greeting: usize,
    pub at: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Since {
    pub set: DateTime<Utc>,
    /// When the CSO last confirmed that it still applies; initially when it was set.
    pub confirmed: DateTime<Utc>,
}

/// What an undo restores.
#[derive(Clone, Debug, PartialEq, Eq)]
struct State {
    situation: Situation,
    since: Vec<Option<Since>>,
    fields: Fields,
    zone: usize,
    /// Typed fields whose text came from outside and has not been confirmed by the CSO.
    unconfirmed: Vec<(FieldIx, Origin)>,
    spoken: Vec<Spoken>,
    overtaken: Vec<Overtaken>,
    /// The facts when the last sentence was spoken. From then on they decide the script: what changes later is the next
    /// call's.
    finished: Option<Situation>,
    started_at: Option<DateTime<Utc>>,
}

/// A shift fact by its ids, so that it survives a change of rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersistedFact {
    pub fact: String,
    pub value: String,
    pub since: Since,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    Spoken,
    Current,
    Upcoming,
    /// Not spoken, although a later sentence was: it can't be spoken any more.
    Overtaken,
    Reminder,
}

/// A step as the screen lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub step: StepIx,
    pub mark: Mark,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    state: State,
    /// Shared between the copies that are made before each key.
    undo_stack: VecDeque<Arc<State>>,
    /// Sentences that were displayed as the current one. Not undone: the CSO has seen them.
    displayed: Vec<StepIx>,
    /// Sentences whose tick was undone, and how often.
    undone: Vec<(StepIx, u32)>,
}

impl Closing {
    /// A new call: the defaults with the `persisted` facts applied. Facts and values that the rules don't have are skipped.
    pub fn new(rules: &RuleSet, zone: usize, persisted: &[PersistedFact]) -> Self {
        let mut state = State {
            situation: Situation::default_of(rules),
            since: vec![None; rules.facts.len()],
            fields: Fields::default_of(rules),
            zone: zone.min(rules.zones.len() - 1),
            unconfirmed: Vec::new(),
            spoken: Vec::new(),
            overtaken: Vec::new(),
            finished: None,
            started_at: None,
        };
        for stored in persisted {
            let Some(fact) = rules.fact_named(&stored.fact) else { continue };
            let persists = matches!(rules.facts[fact].scope, Scope::Shift { .. });
            if let Some(value) = rules.facts[fact].values.iter().position(|v| v.id == stored.value).filter(|_| persists)
            {
                state.situation.set(rules, fact, value);
                state.since[fact] = Some(stored.since);
            }
        }
        Self { state, undo_stack: VecDeque::new(), displayed: Vec::new(), undone: Vec::new() }
    }

    /// The next call, which keeps the fields of the shift.
    pub fn next(&self, rules: &RuleSet, zone: usize, persisted: &[PersistedFact]) -> Self {
        let mut next = Self::new(rules, zone, persisted);
        next.state.fields = self.state.fields.for_next_call(rules);
        next
    }

    pub fn situation(&self) -> &Situation {
        &self.state.situation
    }

    /// `None` if the fact was never set.
    pub fn since(&self, fact: usize) -> Option<Since> {
        self.state.since[fact]
    }

    pub fn fields(&self) -> &Fields {
        &self.state.fields
    }

    /// An index into the rules' zones.
    pub fn zone(&self) -> usize {
        self.state.zone
    }

    /// In the order in which they were spoken.
    pub fn spoken(&self) -> &[Spoken] {
        &self.state.spoken
    }

    /// When the first call fact, field or tick was set.
    pub fn started_at(&self) -> Option<DateTime<Utc>> {
        self.state.started_at
    }

    /// The shift facts that have been set.
    pub fn persisted_facts(&self, rules: &RuleSet) -> Vec<PersistedFact> {
        let shift = rules.facts.iter().enumerate().filter(|(_, f)| matches!(f.scope, Scope::Shift { .. }));
        shift
            .filter_map(|(at, f)| {
                let since = self.state.since[at]?;
                let value = f.values[self.state.situation.value(at)].id.clone();
                Some(PersistedFact { fact: f.id.clone(), value, since })
            })
            .collect()
    }

    /// The facts that decide the script: those of a finished call are the ones that it was finished with.
    pub fn deciding(&self) -> &Situation {
        self.state.deciding()
    }

    pub fn plan<'r>(&self, rules: &'r RuleSet) -> Plan<'r> {
        decide(rules, self.deciding())
    }

    /// Records that the current sentence is displayed.
    pub fn mark_displayed(&mut self, rules: &RuleSet) {
        if let Some(step) = self.current(rules).filter(|step| !self.displayed.contains(step)) {
            self.displayed.push(step);
        }
    }

    /// Whether a sentence has been displayed as the current one.
    pub fn was_displayed(&self, step: StepIx) -> bool {
        self.displayed.contains(&step)
    }

    /// Sentences whose tick was undone, and how often.
    pub fn undone(&self) -> &[(StepIx, u32)] {
        &self.undone
    }

    /// The next sentence; `None` if all are spoken.
    pub fn current(&self, rules: &RuleSet) -> Option<StepIx> {
        self.remaining(rules).next()
    }

    pub fn is_complete(&self, rules: &RuleSet) -> bool {
        self.current(rules).is_none()
    }

    /// The steps in the order of the screen: the plan, and at their places the spoken sentences that it no longer has.
    pub fn entries(&self, rules: &RuleSet) -> Vec<Entry> {
        let (open, overtaken) = self.state.unspoken(rules);
        let mut out: Vec<Entry> = Vec::with_capacity(8);
        for &step in self.plan(rules).steps() {
            let entry = if !rules.step(step).is_spoken() {
                Entry { step, mark: Mark::Reminder }
            } else if let Some(said) = self.state.satisfied_by(rules, step) {
                Entry { step: said, mark: Mark::Spoken }
            } else if overtaken.contains(&step) {
                Entry { step, mark: Mark::Overtaken }
            } else if open.first() == Some(&step) {
                Entry { step, mark: Mark::Current }
            } else {
                Entry { step, mark: Mark::Upcoming }
            };
            if !out.contains(&entry) {
                out.push(entry);
            }
        }
        for said in &self.state.spoken {
            if out.iter().any(|e| e.step == said.step) {
                continue;
            }
            // Its place: before the sentence spoken next, else before those not yet spoken.
            let later = self.state.spoken.iter().skip_while(|s| s.step != said.step).skip(1);
            let next = later.filter_map(|s| out.iter().position(|e| e.step == s.step)).min();
            let open = |e: &Entry| matches!(e.mark, Mark::Current | Mark::Upcoming);
            let last_said = out.iter().rposition(|e| e.mark == Mark::Spoken).map(|at| at + 1);
            let at = next.or_else(|| out.iter().position(open)).or(last_said).unwrap_or(out.len());
            out.insert(at, Entry { step: said.step, mark: Mark::Spoken });
        }
        out
    }

    /// What was spoken, with the greeting of that time, followed by what remains, with this greeting.
    pub fn complete_sentence(&self, rules: &RuleSet, fields: &Fields, greeting: usize) -> Sentence {
        let said = self.state.spoken.iter().map(|s| (s.step, s.greeting));
        let mut out = Sentence::default();
        for (step, greeting) in said.chain(self.remaining(rules).map(|s| (s, greeting))) {
            let word = &rules.greetings.rows()[greeting.min(rules.greetings.rows().len() - 1)].word;
            if let Some(sentence) = speak(rules, rules.step(step), fields, word) {
                out.join(sentence);
            }
        }
        out
    }

    /// The greeting with which a sentence was spoken.
    pub fn spoken_greeting(&self, step: StepIx) -> Option<usize> {
        self.state.spoken.iter().find(|s| s.step == step).map(|s| s.greeting)
    }

    fn change(&mut self, now: DateTime<Utc>, change: impl FnOnce(&mut State)) {
        let before = self.state.clone();
        change(&mut self.state);
        if self.state == before {
            return;
        }
        self.state.started_at.get_or_insert(now);
        if self.undo_stack.len() == MAX_UNDO {
            self.undo_stack.pop_front();
        }
        self.undo_stack.push_back(Arc::new(before));
    }

    /// A shift fact alone does not start a call.
    pub fn set_fact(&mut self, rules: &RuleSet, fact: usize, value: usize, now: DateTime<Utc>) {
        if self.state.situation.value(fact) == value {
            return;
        }
        let started_at = self.state.started_at;
        self.change(now, |s| {
            s.situation.set(rules, fact, value);
            s.since[fact] = Some(Since { set: now, confirmed: now });
            s.note_overtaken(rules, &[(fact, value)], now);
        });
        if matches!(rules.facts[fact].scope, Scope::Shift { .. }) {
            self.state.started_at = started_at;
        }
    }

    pub fn cycle_fact(&mut self, rules: &RuleSet, fact: usize, now: DateTime<Utc>) {
        let (count, here) = (rules.facts[fact].values.len(), self.state.situation.value(fact));
        self.set_fact(rules, fact, (here + 1) % count, now);
    }

    /// Records that a shift fact still applies.
    pub fn confirm_fact(&mut self, fact: usize, now: DateTime<Utc>) {
        let started_at = self.state.started_at;
        self.change(now, |s| {
            if let Some(since) = &mut s.since[fact] {
                since.confirmed = now;
            }
        });
        self.state.started_at = started_at;
    }

    pub fn set_field(&mut self, rules: &RuleSet, field: FieldIx, value: FieldValue, now: DateTime<Utc>) {
        self.change(now, |s| {
            s.fields.set(rules, field, value);
        });
    }

    /// Sets a typed field and, if the text begins with one, the honorific. A shift field does not start a call.
    pub fn set_name(&mut self, rules: &RuleSet, field: FieldIx, typed: &str, now: DateTime<Utc>) {
        let fields = self.with_name(rules, field, typed, true);
        let started_at = self.state.started_at;
        self.change(now, |s| {
            s.fields = fields;
            s.unconfirmed.retain(|(unconfirmed, _)| *unconfirmed != field);
        });
        if rules.field(field).lasts_a_shift() {
            self.state.started_at = started_at;
        }
    }

    /// The fields as they would be with this text, for a preview while typing. Unless `complete`, a single honorific may be
    /// the beginning of a name.
    pub fn with_name(&self, rules: &RuleSet, field: FieldIx, typed: &str, complete: bool) -> Fields {
        let mut fields = self.state.fields.clone();
        name::set(rules, &mut fields, field, typed, complete);
        fields
    }

    pub fn cycle_field(&mut self, rules: &RuleSet, field: FieldIx, now: DateTime<Utc>) {
        let (FieldKind::Choice(choices), FieldValue::Choice(here)) =
            (&rules.field(field).kind, self.state.fields.get(field))
        else {
            return;
        };
        let next = FieldValue::Choice((here + 1) % choices.len());
        self.set_field(rules, field, next, now);
    }

    pub fn set_zone(&mut self, rules: &RuleSet, zone: usize, now: DateTime<Utc>) {
        if zone < rules.zones.len() {
            self.change(now, |s| s.zone = zone);
        }
    }

    /// Marks the current sentence as spoken and returns it; `None` if all are spoken.
    pub fn mark_spoken(&mut self, rules: &RuleSet, greeting: usize, now: DateTime<Utc>) -> Option<StepIx> {
        let step = self.current(rules)?;
        self.change(now, |s| {
            s.spoken.push(Spoken { step, greeting, at: now });
            s.confirm_fields_of(rules, step);
            s.finished = s.unspoken(rules).0.is_empty().then(|| s.situation.clone());
        });
        Some(step)
    }

    /// Marks all remaining sentences as spoken, as one change, and returns how many.
    pub fn mark_all_spoken(&mut self, rules: &RuleSet, greeting: usize, now: DateTime<Utc>) -> usize {
        let rest: Vec<Spoken> = self.remaining(rules).map(|step| Spoken { step, greeting, at: now }).collect();
        let count = rest.len();
        self.change(now, |s| {
            for said in rest {
                s.confirm_fields_of(rules, said.step);
                s.spoken.push(said);
                s.finished = Some(s.situation.clone());
            }
        });
        count
    }

    /// Undoes the last change; `false` if there is none.
    pub fn undo(&mut self) -> bool {
        let Some(before) = self.undo_stack.pop_back() else { return false };
        let after = std::mem::replace(&mut self.state, Arc::unwrap_or_clone(before));
        for said in after.spoken {
            if self.state.already_spoken(said.step) {
                continue;
            }
            match self.undone.iter_mut().find(|(step, _)| *step == said.step) {
                Some((_, times)) => *times += 1,
                None => self.undone.push((said.step, 1)),
            }
        }
        true
    }

    pub fn can_undo(&self) -> bool {
        !self.undo_stack.is_empty()
    }

    pub fn undo_depth(&self) -> usize {
        self.undo_stack.len()
    }

    /// The same call with other rules: facts, fields and zone that both have, by id, keep their values and undo history.
    /// Only for a call without spoken sentences: one closing never mixes two revisions.
    pub fn migrated(&self, old: &RuleSet, new: &RuleSet, default_zone: usize) -> Self {
        let migrate = |state: &State| state.migrated(old, new, default_zone);
        Self {
            state: migrate(&self.state),
            undo_stack: self.undo_stack.iter().map(|state| Arc::new(migrate(state))).collect(),
            displayed: Vec::new(),
            undone: Vec::new(),
        }
    }

    /// Updates the shift facts, for a call that is restored after they changed.
    pub fn set_persisted_facts(&mut self, rules: &RuleSet, persisted: &[PersistedFact]) {
        let fresh = Self::new(rules, self.state.zone, persisted).state;
        for (at, fact) in rules.facts.iter().enumerate() {
            let (value, since) = (fresh.situation.value(at), fresh.since[at]);
            let changed = (self.state.situation.value(at), self.state.since[at]) != (value, since);
            if changed && matches!(fact.scope, Scope::Shift { .. }) {
                // The change was not made in this call, so its undo history must not revert it.
                self.update_all_states(|state| {
                    state.situation.set(rules, at, value);
                    state.since[at] = since;
                    let last_spoken = state.spoken.last().map(|said| said.at);
                    if let Some(when) = since.map(|since| since.confirmed).or(last_spoken) {
                        state.note_overtaken(rules, &[(at, value)], when);
                    }
                });
            }
        }
    }
}

impl State {
    fn migrated(&self, old: &RuleSet, new: &RuleSet, default_zone: usize) -> Self {
        let mut out = Closing::new(new, default_zone, &[]).state;
        for (at, fact) in old.facts.iter().enumerate() {
            let Some(to) = new.fact_named(&fact.id) else { continue };
            let value = &fact.values[self.situation.value(at)].id;
            let Some(position) = new.facts[to].values.iter().position(|v| &v.id == value) else { continue };
            out.situation.set(new, to, position);
            out.since[to] = self.since[at];
        }
        out.fields = self.fields.migrated(old, new);
        let moved = |(ix, origin): &(FieldIx, Origin)| Some((new.field_named(&old.field(*ix).id)?, *origin));
        out.unconfirmed = self.unconfirmed.iter().filter_map(moved).collect();
        if let Some(zone) = new.zone_named(&old.zones[self.zone].id) {
            out.zone = zone;
        }
        debug_assert!(self.spoken.is_empty(), "one closing never mixes two revisions");
        out.started_at = self.started_at;
        out
    }
}
