//! The state in words that no view has to itself: times, the banner of an emergency, facts and fields by their labels.

use chrono::{DateTime, NaiveTime, Utc};

use super::App;
use crate::message::CentreLink;
use crate::rules::ruleset::{FieldIx, FieldKind, Scope};
use crate::rules::script::FieldValue;
use crate::times;
use crate::words::fill;

impl App {
    /// A time of day as the language writes it.
    #[must_use]
    pub fn clock_told(&self, time: NaiveTime) -> String {
        times::clock(&time, self.words())
    }

    /// A moment in our zone: its time, and its day where that is not today.
    #[must_use]
    pub fn when(&self, moment: DateTime<Utc>) -> (String, Option<String>) {
        let offset = self.rules().zones[self.home()].offset;
        let (then, today) = (moment.with_timezone(&offset), self.now().with_timezone(&offset).date_naive());
        let day = match (today - then.date_naive()).num_days() {
            0 => None,
            1 => Some(self.words().screen.yesterday.into()),
            _ => Some(then.format("%d/%m").to_string()),
        };
        (self.clock_told(then.time()), day)
    }

    /// The same in one.
    fn moment_told(&self, moment: DateTime<Utc>) -> String {
        let (time, day) = self.when(moment);
        day.map_or(time.clone(), |day| format!("{day} {time}"))
    }

    /// What the banner of a fact says, part by part; `None` where it has none. Who declared it and why may be too long for
    /// a view: they go through `short`.
    #[must_use]
    pub fn banner(&self, at: usize, short: impl Fn(&str) -> String) -> Option<Vec<String>> {
        let fact = &self.rules().facts[at];
        let value = &fact.values[self.call().situation().value(at)];
        let asked = self.asked_fact() == Some(at);
        let text = value.banner.as_deref().or((asked || self.differs(at)).then_some(""))?;
        let mut told = vec![self.since_told(at)];
        told.extend(self.declared_told(at, short));
        if !text.is_empty() {
            told.push(text.into());
        }
        Some(told)
    }

    /// "KLB AKTIF sejak 13.05", with the day where it is not today.
    fn since_told(&self, at: usize) -> String {
        let words = &self.words().screen;
        let fact = &self.rules().facts[at];
        let value = &fact.values[self.call().situation().value(at)];
        let with = [("label", fact.label.as_str()), ("value", value.label.as_str())];
        match self.call().since(at) {
            None => format!("{} {}", fact.label, value.label),
            Some(since) => match self.when(since.set) {
                (time, None) => fill(words.since, &[with[0], with[1], ("time", &time)]),
                (time, Some(day)) => fill(words.since_day, &[with[0], with[1], ("time", &time), ("day", &day)]),
            },
        }
    }

    /// What the centre's declaration of a fact adds to its banner: by whom, why, until when; or that it stands otherwise
    /// here.
    fn declared_told(&self, fact: usize, short: impl Fn(&str) -> String) -> Vec<String> {
        let Some(declared) = self.declared(fact) else { return Vec::new() };
        let words = &self.words().broadcast;
        if self.differs(fact) {
            return vec![fill(words.differs, &[("label", &self.rules().facts[fact].label)])];
        }
        let until = declared.until.map(|until| fill(words.until, &[("time", &self.moment_told(until))]));
        let short = |text: &Option<String>| text.as_deref().map(&short);
        [short(&declared.by), short(&declared.why), until].into_iter().flatten().collect()
    }

    /// What is wrong with the way to the centre and since when: in words, shorter, and in a word without its time. `None`
    /// where nothing is.
    #[must_use]
    pub fn centre_told(&self) -> Option<[String; 3]> {
        let words = &self.words().broadcast;
        let (since, texts) = match self.centre_link()? {
            CentreLink::Up => return None,
            CentreLink::Down(since) => (since, [words.link_down, words.link_down_short, words.link_down_word]),
            CentreLink::Gone(since) => (since, [words.agent_gone, words.agent_gone_short, words.agent_gone_word]),
        };
        Some(texts.map(|text| fill(text, &[("time", &self.moment_told(since))])))
    }

    /// The question whether a fact still holds, in one of the catalogue's sentences: `expired` where what was declared
    /// was to hold until a time that is past, else `still`.
    #[must_use]
    pub fn still_told(&self, at: usize, still: &str, expired: &str, yes: &str, no: &str) -> String {
        let fact = &self.rules().facts[at];
        let value = &fact.values[self.call().situation().value(at)];
        let hours = match fact.scope {
            Scope::Shift { keep_for } => keep_for.as_secs() / 3600,
            Scope::Call => 0,
        };
        let time = self.call().since(at).map(|s| self.moment_told(s.confirmed));
        let until = self.declared(at).filter(|_| self.is_past_its_time(at)).and_then(|declared| declared.until);
        let until = until.map(|until| self.moment_told(until));
        let with = [
            ("label", fact.label.as_str()),
            ("value", value.label.as_str()),
            ("time", time.as_deref().unwrap_or_default()),
            ("until", until.as_deref().unwrap_or_default()),
            ("hours", &hours.to_string()),
            ("yes", yes),
            ("no", no),
        ];
        fill(if until.is_some() { expired } else { still }, &with)
    }

    /// Facts with their values: "KLB: AKTIF · Topik: PLN Mobile".
    #[must_use]
    pub fn facts_told(&self, which: impl Fn(usize) -> bool) -> String {
        let facts = self.rules().facts.iter().enumerate().filter(|(at, _)| which(*at));
        let told: Vec<String> = facts
            .map(|(at, fact)| format!("{}: {}", fact.label, fact.values[self.call().situation().value(at)].label))
            .collect();
        told.join(" · ")
    }

    /// What a field holds.
    #[must_use]
    pub fn field_told(&self, ix: FieldIx) -> String {
        let field = self.rules().field(ix);
        match (&field.kind, self.call().fields().get(ix)) {
            (FieldKind::Choice(choices), FieldValue::Choice(at)) => choices[*at].text.clone(),
            _ => self.fields().spoken(self.rules(), ix),
        }
    }

    /// Whether keys come in lines.
    #[must_use]
    pub fn is_plain_mode(&self) -> bool {
        self.environment.plain_mode
    }

    /// Whether the hint of the first run stands.
    #[must_use]
    pub fn shows_hint(&self) -> bool {
        self.environment.hint
    }

    /// Which closing of this prompter the present call is: another number is another call.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.calls.number
    }
}
