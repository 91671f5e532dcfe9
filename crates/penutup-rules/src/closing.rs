//! One call in progress: its facts, fields and zone, what was said, and the way back. It survives a toggle in
//! mid-closing and a change of rules. Pure: the time comes in, the rules are handed to every question, so that a call
//! holds nothing that could go stale but positions in the rules it was started_at with.

pub mod ending;
pub mod external;
pub mod name;
pub mod order;
pub mod pairs;

use std::collections::VecDeque;

use chrono::{DateTime, Utc};

use crate::decide::{Plan, Situation, decide};
use crate::ruleset::{FieldIx, FieldKind, RuleSet, Scope, StepIx};
use crate::script::{FieldValue, Fields, Sentence, speak};
use order::Overtaken;

/// How many things can be taken back in one call.
const MAX_UNDO: usize = 500;

/// A sentence that was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spoken {
    /// Which.
    pub step: StepIx,
    /// The greeting that stood in it: what was spoken does not change when the clock does.
    pub greeting: usize,
    /// When it was ticked.
    pub at: DateTime<Utc>,
}

/// When a fact got its present value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Since {
    /// When it was set.
    pub set: DateTime<Utc>,
    /// When it was last said to hold still; at first, when it was set.
    pub confirmed: DateTime<Utc>,
}

/// Everything that an undo brings back.
#[derive(Clone, Debug, PartialEq, Eq)]
struct State {
    situation: Situation,
    since: Vec<Option<Since>>,
    fields: Fields,
    zone: usize,
    /// The typed fields whose text the telephone gave and the CSO has not taken.
    unconfirmed: Vec<FieldIx>,
    spoken: Vec<Spoken>,
    /// Why sentences of the plan are overtaken.
    overtaken: Vec<Overtaken>,
    /// Whether the last sentence was spoken: from then on no fact asks for another one.
    finished: bool,
    started_at: Option<DateTime<Utc>>,
}

/// A fact that outlasts the call, by name, so that it also outlasts the rules it was set under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersistedFact {
    /// The fact's id.
    pub fact: String,
    /// Its value's id.
    pub value: String,
    /// Since when.
    pub since: Since,
}

/// How a part of the closing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Spoken.
    Spoken,
    /// To be said now.
    Current,
    /// To be said later.
    Upcoming,
    /// Not said, and its successor was: it can't be said any more.
    Overtaken,
    /// A reminder.
    Reminder,
}

/// A part of the closing as the screen lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which step.
    pub step: StepIx,
    /// How it stands.
    pub mark: Mark,
}

/// A call in progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    state: State,
    undo_stack: VecDeque<State>,
    /// Which sentences stood on the screen as the current one. No undo makes it unseen.
    displayed: Vec<StepIx>,
    /// Which ticks were taken back, and how often.
    undone: Vec<(StepIx, u32)>,
}

impl Closing {
    /// A call in which nothing has happened yet: call facts, fields and zone at their defaults, `held` facts as they
    /// are held; what is held under a name that the rules don't know is left out.
    pub fn new(rules: &RuleSet, zone: usize, persisted: &[PersistedFact]) -> Self {
        let mut state = State {
            situation: Situation::default_of(rules),
            since: vec![None; rules.facts.len()],
            fields: Fields::default_of(rules),
            zone: zone.min(rules.zones.len() - 1),
            unconfirmed: Vec::new(),
            spoken: Vec::new(),
            overtaken: Vec::new(),
            finished: false,
            started_at: None,
        };
        for h in persisted {
            let Some(fact) = rules.fact_named(&h.fact) else { continue };
            let lasts = matches!(rules.facts[fact].scope, Scope::Shift { .. });
            if let Some(value) = rules.facts[fact].values.iter().position(|v| v.id == h.value).filter(|_| lasts) {
                state.situation.set(rules, fact, value);
                state.since[fact] = Some(h.since);
            }
        }
        Self { state, undo_stack: VecDeque::new(), displayed: Vec::new(), undone: Vec::new() }
    }

    /// The call after this one: what is typed once a shift stays.
    pub fn next(&self, rules: &RuleSet, zone: usize, persisted: &[PersistedFact]) -> Self {
        let mut next = Self::new(rules, zone, persisted);
        next.state.fields = self.state.fields.for_next_call(rules);
        next
    }

    /// The facts.
    pub fn situation(&self) -> &Situation {
        &self.state.situation
    }

    /// Since when a fact has its value; `None` where it was never set.
    pub fn since(&self, fact: usize) -> Option<Since> {
        self.state.since[fact]
    }

    /// The fields.
    pub fn fields(&self) -> &Fields {
        &self.state.fields
    }

    /// The customer's zone, a position in the rules' zones.
    pub fn zone(&self) -> usize {
        self.state.zone
    }

    /// What was said, in the order it was said.
    pub fn spoken(&self) -> &[Spoken] {
        &self.state.spoken
    }

    /// When the call got its first fact, field or tick.
    pub fn started_at(&self) -> Option<DateTime<Utc>> {
        self.state.started_at
    }

    /// The shift's facts that are set, by name.
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

    /// What the facts have the CSO say.
    pub fn plan<'r>(&self, rules: &'r RuleSet) -> Plan<'r> {
        decide(rules, &self.state.situation)
    }

    /// The current sentence stands on the screen.
    pub fn mark_displayed(&mut self, rules: &RuleSet) {
        if let Some(step) = self.current(rules).filter(|step| !self.displayed.contains(step)) {
            self.displayed.push(step);
        }
    }

    /// Whether a sentence stood on the screen as the current one.
    pub fn was_displayed(&self, step: StepIx) -> bool {
        self.displayed.contains(&step)
    }

    /// Which ticks were taken back, and how often.
    pub fn undone(&self) -> &[(StepIx, u32)] {
        &self.undone
    }

    /// The sentence to be said now; `None` when all are said.
    pub fn current(&self, rules: &RuleSet) -> Option<StepIx> {
        self.remaining(rules).next()
    }

    /// Whether every sentence of the plan is said.
    pub fn is_complete(&self, rules: &RuleSet) -> bool {
        self.current(rules).is_none()
    }

    /// The parts of the closing, in the order of the screen: the plan, in it at its place what was said, also what
    /// the plan no longer has.
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
            // Where it was spoken: before what was said next, else before what is still to be said.
            let later = self.state.spoken.iter().skip_while(|s| s.step != said.step).skip(1);
            let next = later.filter_map(|s| out.iter().position(|e| e.step == s.step)).min();
            let open = |e: &Entry| matches!(e.mark, Mark::Current | Mark::Upcoming);
            let last_said = out.iter().rposition(|e| e.mark == Mark::Spoken).map(|at| at + 1);
            let at = next.or_else(|| out.iter().position(open)).or(last_said).unwrap_or(out.len());
            out.insert(at, Entry { step: said.step, mark: Mark::Spoken });
        }
        out
    }

    /// What was said plus what remains, each with the greeting that stood or stands in it.
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

    /// The greeting that stood in a sentence when it was said.
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
        self.undo_stack.push_back(before);
    }

    /// Sets a fact. A shift fact alone does not begin a call.
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

    /// Sets a fact to its next value.
    pub fn cycle_fact(&mut self, rules: &RuleSet, fact: usize, now: DateTime<Utc>) {
        let (count, here) = (rules.facts[fact].values.len(), self.state.situation.value(fact));
        self.set_fact(rules, fact, (here + 1) % count, now);
    }

    /// A shift fact was asked about and still holds.
    pub fn confirm_fact(&mut self, fact: usize, now: DateTime<Utc>) {
        let started_at = self.state.started_at;
        self.change(now, |s| {
            if let Some(since) = &mut s.since[fact] {
                since.confirmed = now;
            }
        });
        self.state.started_at = started_at;
    }

    /// Sets a field.
    pub fn set_field(&mut self, rules: &RuleSet, field: FieldIx, value: FieldValue, now: DateTime<Utc>) {
        self.change(now, |s| {
            s.fields.set(rules, field, value);
        });
    }

    /// Sets a typed field and, where the text begins with one, the honorific. A shift's field does not begin a call.
    pub fn set_name(&mut self, rules: &RuleSet, field: FieldIx, typed: &str, now: DateTime<Utc>) {
        let fields = self.with_name(rules, field, typed, true);
        let started_at = self.state.started_at;
        self.change(now, |s| {
            s.fields = fields;
            s.unconfirmed.retain(|unconfirmed| *unconfirmed != field);
        });
        if rules.field(field).lasts_a_shift() {
            self.state.started_at = started_at;
        }
    }

    /// The fields as they would be with this text typed: what the screen shows while a name is typed. Until it is
    /// `taken`, an honorific alone may be the beginning of a name.
    pub fn with_name(&self, rules: &RuleSet, field: FieldIx, typed: &str, taken: bool) -> Fields {
        let mut fields = self.state.fields.clone();
        name::set(rules, &mut fields, field, typed, taken);
        fields
    }

    /// Sets a choice field to its next choice.
    pub fn cycle_field(&mut self, rules: &RuleSet, field: FieldIx, now: DateTime<Utc>) {
        let (FieldKind::Choice(choices), FieldValue::Choice(here)) =
            (&rules.field(field).kind, self.state.fields.get(field))
        else {
            return;
        };
        let next = FieldValue::Choice((here + 1) % choices.len());
        self.set_field(rules, field, next, now);
    }

    /// Sets the customer's zone.
    pub fn set_zone(&mut self, rules: &RuleSet, zone: usize, now: DateTime<Utc>) {
        if zone < rules.zones.len() {
            self.change(now, |s| s.zone = zone);
        }
    }

    /// The current sentence was said. Answers which, `None` when all were said already.
    pub fn mark_spoken(&mut self, rules: &RuleSet, greeting: usize, now: DateTime<Utc>) -> Option<StepIx> {
        let step = self.current(rules)?;
        self.change(now, |s| {
            s.spoken.push(Spoken { step, greeting, at: now });
            s.confirm_fields_of(rules, step);
            s.finished = s.unspoken(rules).0.is_empty();
        });
        Some(step)
    }

    /// All remaining sentences were said; one undo takes them all back.
    pub fn mark_all_spoken(&mut self, rules: &RuleSet, greeting: usize, now: DateTime<Utc>) -> usize {
        let rest: Vec<Spoken> = self.remaining(rules).map(|step| Spoken { step, greeting, at: now }).collect();
        let count = rest.len();
        self.change(now, |s| {
            for said in rest {
                s.confirm_fields_of(rules, said.step);
                s.spoken.push(said);
                s.finished = true;
            }
        });
        count
    }

    /// Takes the last thing back. Answers whether there was one.
    pub fn undo(&mut self) -> bool {
        let Some(before) = self.undo_stack.pop_back() else { return false };
        let after = std::mem::replace(&mut self.state, before);
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

    /// Whether there is something to take back.
    pub fn can_undo(&self) -> bool {
        !self.undo_stack.is_empty()
    }

    /// How many things can be taken back.
    pub fn undo_depth(&self) -> usize {
        self.undo_stack.len()
    }

    /// The same call under other rules, by name: facts, fields and zone that they also have keep their values, and so
    /// does the way back. Only for a call in which nothing was said, since one closing is never spoken from two
    /// revisions.
    pub fn migrated(&self, old: &RuleSet, new: &RuleSet, default_zone: usize) -> Self {
        let carry = |state: &State| state.migrated(old, new, default_zone);
        Self {
            state: carry(&self.state),
            undo_stack: self.undo_stack.iter().map(carry).collect(),
            displayed: Vec::new(),
            undone: Vec::new(),
        }
    }

    /// Takes over the shift's facts as they are now; for a call that is brought back after they changed.
    pub fn set_persisted_facts(&mut self, rules: &RuleSet, persisted: &[PersistedFact]) {
        let fresh = Self::new(rules, self.state.zone, persisted).state;
        for (at, fact) in rules.facts.iter().enumerate() {
            let (value, since) = (fresh.situation.value(at), fresh.since[at]);
            let changed = (self.state.situation.value(at), self.state.since[at]) != (value, since);
            if changed && matches!(fact.scope, Scope::Shift { .. }) {
                // What changed after this call is no change of this call's that an undo in it could take back.
                self.update_all_states(|state| {
                    state.situation.set(rules, at, value);
                    state.since[at] = since;
                    let ticked = state.spoken.last().map(|said| said.at);
                    if let Some(when) = since.map(|since| since.confirmed).or(ticked) {
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
        out.unconfirmed = self.unconfirmed.iter().filter_map(|ix| new.field_named(&old.field(*ix).id)).collect();
        if let Some(zone) = new.zone_named(&old.zones[self.zone].id) {
            out.zone = zone;
        }
        debug_assert!(self.spoken.is_empty(), "a closing is never spoken from two revisions");
        out.started_at = self.started_at;
        out
    }
}
