//! A card: the story of a call, and the closing that is right for it.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};

use super::story::Person;
use crate::rules::decide::{Plan, Situation, decide};
use crate::rules::ruleset::{FieldIx, FieldKind, RuleSet, StepIx};
use crate::rules::script::{FieldValue, Fields, Sentence, script, speak};

pub use crate::rules::greeting::DAY;

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// The id of its story.
    pub scenario: String,
    pub story: String,
    /// The sample customer.
    pub person: Person,
    /// What the story implies. A fact that it does not mention makes no difference and has its first value.
    pub situation: Situation,
    /// For each fact, whether the story mentions it.
    pub mentioned: Vec<bool>,
    /// The customer's zone: a position in the rules' zones.
    pub zone: usize,
    /// The minute of the customer's day.
    pub minute: u16,
    /// The honorific that the story implies, where the rules have one: the field and the choice.
    pub honorific: Option<(FieldIx, usize)>,
}

impl Card {
    /// The customer's local time.
    pub fn local(&self) -> NaiveTime {
        let minute = u32::from(self.minute % DAY);
        NaiveTime::from_hms_opt(minute / 60, minute % 60, 0).unwrap_or_default()
    }

    /// The moment, on a day of the customer's calendar.
    pub fn moment(&self, rules: &RuleSet, day: NaiveDate) -> DateTime<Utc> {
        let offset = TimeDelta::seconds(i64::from(rules.zones[self.zone].offset.local_minus_utc()));
        (day.and_time(self.local()) - offset).and_utc()
    }

    /// The local time in another zone.
    pub fn local_in(&self, rules: &RuleSet, zone: usize) -> NaiveTime {
        let seconds = |zone: usize| i64::from(rules.zones[zone].offset.local_minus_utc());
        self.local().overflowing_add_signed(TimeDelta::seconds(seconds(zone) - seconds(self.zone))).0
    }

    /// The closing.
    pub fn plan<'r>(&self, rules: &'r RuleSet) -> Plan<'r> {
        decide(rules, &self.situation)
    }

    pub fn spoken(&self, rules: &RuleSet) -> Vec<StepIx> {
        self.plan(rules).steps().iter().copied().filter(|s| rules.step(*s).is_spoken()).collect()
    }

    /// The position of the greeting in the rules' greetings.
    pub fn greeting(&self, rules: &RuleSet) -> usize {
        rules.greetings.at(self.local())
    }

    pub fn greeting_word<'r>(&self, rules: &'r RuleSet) -> &'r str {
        rules.greetings.word(self.local())
    }

    pub fn greets(&self, rules: &RuleSet) -> bool {
        self.spoken(rules).iter().any(|s| rules.step(*s).greets())
    }

    /// The right fields: honorific and sample name.
    pub fn fields(&self, rules: &RuleSet) -> Fields {
        let mut fields = Fields::default_of(rules);
        if let Some((field, choice)) = self.honorific {
            fields.set(rules, field, FieldValue::Choice(choice));
        }
        if let Some(name) = rules.roles.name
            && matches!(rules.field(name).kind, FieldKind::Typed(_))
        {
            fields.set(rules, name, FieldValue::Text(self.person.name.clone()));
        }
        fields
    }

    pub fn sentence(&self, rules: &RuleSet) -> Sentence {
        script(rules, self.plan(rules), &self.fields(rules), self.greeting_word(rules))
    }

    pub fn sentence_of(&self, rules: &RuleSet, step: StepIx) -> Option<Sentence> {
        speak(rules, rules.step(step), &self.fields(rules), self.greeting_word(rules))
    }
}
