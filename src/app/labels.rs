//! Texts of the state that more than one view shows: times, the banner of an emergency, facts and fields.

use chrono::{DateTime, NaiveTime, Utc};

use super::App;
use crate::message::CentreLink;
use crate::rules::decide::Situation;
use crate::rules::ruleset::{FieldIx, FieldKind, Scope};
use crate::rules::script::FieldValue;
use crate::times;

/// Where the question whether a fact still applies is shown.
#[derive(Clone, Copy, Debug)]
pub enum StillForm {
    /// On a row of the screen.
    Long,
    /// On a narrow row of the screen.
    Short,
    /// In line mode.
    Plain,
}

/// The banner of an emergency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Banner<'a> {
    /// "KLB AKTIF".
    pub value: String,
    /// "KLB AKTIF sejak 13.05", with the day if it is not today.
    pub since: String,
    /// "Campaign Integritas TIDAK disampaikan".
    pub instruction: &'a str,
}

impl App {
    /// A time of day as the language writes it.
    pub fn clock_text(&self, time: NaiveTime) -> String {
        times::clock(&time, self.words())
    }

    /// A moment in this seat's zone: its time, and its day if that is not today.
    pub fn when(&self, moment: DateTime<Utc>) -> (String, Option<String>) {
        let offset = self.rules().zones[self.home()].offset;
        let (then, today) = (moment.with_timezone(&offset), self.now().with_timezone(&offset).date_naive());
        let day = match (today - then.date_naive()).num_days() {
            0 => None,
            1 => Some(self.words().screen.yesterday.into()),
            _ => Some(then.format("%d/%m").to_string()),
        };
        (self.clock_text(then.time()), day)
    }

    /// As [`Self::when`] in one text.
    fn moment_text(&self, moment: DateTime<Utc>) -> String {
        let (time, day) = self.when(moment);
        day.map_or(time.clone(), |day| format!("{day} {time}"))
    }

    /// The banner of a fact whose value has one; `None` if it has none.
    pub fn banner(&self, at: usize) -> Option<Banner<'_>> {
        let fact = &self.rules().facts[at];
        let value = &fact.values[self.call().situation().value(at)];
        let instruction = value.banner.as_deref()?;
        Some(Banner { value: format!("{} {}", fact.label, value.label), since: self.since_text(at), instruction })
    }

    /// "KLB AKTIF sejak 13.05", with the day if it is not today.
    pub fn since_text(&self, at: usize) -> String {
        let words = &self.words().screen;
        let fact = &self.rules().facts[at];
        let value = &fact.values[self.call().situation().value(at)];
        let (label, value) = (&fact.label, &value.label);
        match self.call().since(at) {
            None => format!("{label} {value}"),
            Some(since) => match self.when(since.set) {
                (time, None) => words.since(label, time, value),
                (time, Some(day)) => words.since_day(day, label, time, value),
            },
        }
    }

    /// What the centre declared of a fact: by whom, why, until when; or that the CSO set it differently. Who and why
    /// may be too long for a view, which shortens them with `short`.
    pub fn declaration_text(&self, fact: usize, short: impl Fn(&str) -> String) -> Vec<String> {
        let Some(declared) = self.declared(fact) else { return Vec::new() };
        let words = &self.words().broadcast;
        if let Some(value) = self.declared_otherwise(fact) {
            let fact = &self.rules().facts[fact];
            return vec![words.differs(&fact.label, &fact.values[value].label)];
        }
        let until = declared.until.map(|until| words.until(self.moment_text(until)));
        let short = |text: &Option<String>| text.as_deref().map(&short);
        [short(&declared.by), short(&declared.why), until].into_iter().flatten().collect()
    }

    /// What is wrong with the connection to the centre and since when, or with this computer's clock: long, shorter, and
    /// one word without the time. `None` if nothing is wrong.
    pub fn centre_link_text(&self) -> Option<[String; 3]> {
        let words = &self.words().broadcast;
        Some(match self.centre_link()? {
            CentreLink::Up => return None,
            CentreLink::WrongClock(ahead) => {
                let by = self.span_text(ahead);
                let [long, short] = if ahead > 0 {
                    [words.clock_ahead(&by), words.clock_ahead_short(&by)]
                } else {
                    [words.clock_behind(&by), words.clock_behind_short(&by)]
                };
                [long, short, words.clock_word.into()]
            }
            CentreLink::Down(since) => {
                let time = self.moment_text(since);
                [words.link_down(&time), words.link_down_short(&time), words.link_down_word.into()]
            }
            CentreLink::Gone(since) => {
                let time = self.moment_text(since);
                [words.agent_gone(&time), words.agent_gone_short(&time), words.agent_gone_word.into()]
            }
        })
    }

    /// What the centre says of this computer's clock, in full; `None` where it names nothing wrong.
    pub fn wrong_clock_text(&self) -> Option<String> {
        let (CentreLink::WrongClock(ahead), words) = (self.centre_link()?, &self.words().broadcast) else {
            return None;
        };
        let by = self.span_text(ahead);
        Some(if ahead > 0 { words.clock_ahead_full(by) } else { words.clock_behind_full(by) })
    }

    /// A span in its largest unit: days from two days on, else hours from two hours on, else minutes, at least one.
    fn span_text(&self, seconds: i64) -> String {
        let (words, seconds) = (&self.words().broadcast, seconds.unsigned_abs());
        let rounded = |unit: u64| (seconds.saturating_add(unit / 2) / unit).max(1);
        match seconds {
            0..7_200 => words.clock_minutes(rounded(60)),
            7_200..172_800 => words.clock_hours(rounded(3_600)),
            _ => words.clock_days(rounded(86_400)),
        }
    }

    /// The question whether a fact still applies; it is worded otherwise if its declared end time is over.
    #[must_use]
    pub fn still_question(&self, at: usize, form: StillForm, yes: &str, no: &str) -> String {
        let fact = &self.rules().facts[at];
        let value = &fact.values[self.call().situation().value(at)];
        let hours = match fact.scope {
            Scope::Shift { keep_for } => keep_for.as_secs() / 3600,
            Scope::Call => 0,
        };
        let time = self.call().since(at).map(|s| self.moment_text(s.set)).unwrap_or_default();
        let until = self.declared(at).filter(|_| self.is_past_its_time(at)).and_then(|declared| declared.until);
        let until = until.map(|until| self.moment_text(until));
        let (label, value, words) = (&fact.label, &value.label, self.words());
        match (form, until) {
            (StillForm::Short, _) => words.screen.still_short(label, no, value, yes),
            (StillForm::Long, None) => words.screen.still(hours, label, no, time, value, yes),
            (StillForm::Long, Some(until)) => words.broadcast.expired(label, no, until, value, yes),
            (StillForm::Plain, None) => words.plain.still(hours, label, no, time, value, yes),
            (StillForm::Plain, Some(until)) => words.plain.expired(label, no, until, value, yes),
        }
    }

    /// Facts with their values: "KLB: AKTIF · Topik: PLN Mobile".
    pub fn facts_text(&self, which: impl Fn(usize) -> bool) -> String {
        self.facts_text_in(self.call().situation(), which)
    }

    /// The same with the values of another situation.
    pub fn facts_text_in(&self, situation: &Situation, which: impl Fn(usize) -> bool) -> String {
        let facts = self.rules().facts.iter().enumerate().filter(|(at, _)| which(*at));
        let parts: Vec<String> =
            facts.map(|(at, fact)| format!("{}: {}", fact.label, fact.values[situation.value(at)].label)).collect();
        parts.join(" · ")
    }

    pub fn field_text(&self, ix: FieldIx) -> String {
        let field = self.rules().field(ix);
        match (&field.kind, self.call().fields().get(ix)) {
            (FieldKind::Choice(choices), FieldValue::Choice(at)) => choices[*at].text.clone(),
            _ => self.fields().spoken(self.rules(), ix),
        }
    }

    /// Whether the view is line mode.
    pub fn is_plain_mode(&self) -> bool {
        self.environment.plain_mode
    }

    /// Whether the hint of the first run is shown.
    pub fn shows_hint(&self) -> bool {
        self.environment.hint
    }

    /// The number of the running call in this prompter.
    pub fn number(&self) -> u64 {
        self.calls.number
    }
}
