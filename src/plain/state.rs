//! The state in sentences, each under the subject it is about, so that what changed can be told from what did not.

use super::keys::name;
use super::sentence;
use crate::action::Action;
use crate::app::{App, StillForm};
use crate::closing::Mark;
use crate::keymap;
use crate::message::phone::Link;
use crate::rules::ruleset::{FieldIx, StepIx};
use crate::rules::text::clean;

/// What a sentence is about. Ids, no positions: they outlast a change of rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The customer's zone.
    Zone,
    /// The greeting of the hour.
    Greeting,
    /// The coming greeting.
    Soon,
    /// Our own greeting, where it differs.
    OtherGreeting,
    /// A sentence that was said, or is no longer.
    Said(String),
    /// A fact.
    Fact(String),
    /// A field.
    Field(String),
    /// The banner of a fact.
    Banner(String),
    /// The question whether a fact still holds.
    Still(String),
    /// The SOP's contradiction.
    Caution,
    /// A sentence that can't be said any more.
    Overtaken(String),
    /// A reminder.
    Reminder(String),
    /// The line to the telephone.
    Link,
    /// The way to the centre.
    Centre,
    /// What stays wrong.
    Standing,
}

impl Subject {
    /// Whether it is said again in every call, changed or not.
    #[must_use]
    pub fn is_of_the_call(&self) -> bool {
        matches!(self, Self::Banner(_) | Self::Still(_) | Self::Caution | Self::Reminder(_))
    }
}

/// A sentence of the state.
#[derive(Clone, PartialEq, Eq)]
pub struct Told {
    /// What it is about.
    pub subject: Subject,
    /// What it says, where that is not all of its words: minutes pass without anything to be said.
    pub what: String,
    /// Its words.
    pub words: String,
}

impl std::fmt::Debug for Told {
    /// Prints no words: a name may be among them.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Told").field("subject", &self.subject).finish_non_exhaustive()
    }
}

/// The state, in the order it is said.
#[must_use]
pub fn state(app: &App) -> Vec<Told> {
    let mut out = Vec::with_capacity(16);
    let mut tell = |subject, what: String, words: String| out.push(Told { subject, what, words });
    let (words, rules) = (app.words(), app.rules());
    let zone = &rules.zones[app.call().zone()].id;
    let clock = words.screen.clock(app.clock_told(app.local()), zone);
    tell(Subject::Zone, zone.clone(), sentence(&clock));
    let greeting = words.plain.greeting(app.greeting_word());
    tell(Subject::Greeting, app.greeting_word().into(), sentence(&greeting));
    if let Some((minutes, word)) = app.greeting_soon() {
        let soon = words.screen.greeting_soon(minutes, word);
        tell(Subject::Soon, word.into(), sentence(&soon));
    }
    if let Some((zone, time, word)) = app.other_greeting() {
        let words = words.screen.two_zones(app.clock_told(time), word, zone);
        tell(Subject::OtherGreeting, format!("{zone} {word}"), sentence(&words));
    }
    for (at, fact) in rules.facts.iter().enumerate() {
        let line = sentence(&app.facts_told(|one| one == at));
        tell(Subject::Fact(fact.id.clone()), line.clone(), line);
    }
    for (ix, field) in rules.fields_ix() {
        let line = field_line(app, ix, &field.label);
        tell(Subject::Field(field.id.clone()), line.clone(), line);
    }
    for (at, fact) in rules.facts.iter().enumerate() {
        if let Some(parts) = app.banner(at, str::to_owned) {
            let line = sentence(&parts.join(" · "));
            tell(Subject::Banner(fact.id.clone()), line.clone(), line);
        }
        if app.asked_fact() == Some(at) {
            let no = fact.key.map(String::from).unwrap_or_default();
            let yes = keymap::key_of(app, &Action::StillHolds).and_then(|key| name(key, words)).unwrap_or_default();
            let line = sentence(&app.still_told(at, StillForm::Plain, &yes, &no));
            tell(Subject::Still(fact.id.clone()), line.clone(), line);
        }
    }
    if let Some(caution) = app.call().caution(rules) {
        let short = caution.split_once(". ").map_or(caution, |(first, _)| first);
        let line = sentence(&words.plain.caution(short));
        tell(Subject::Caution, line.clone(), line);
    }
    for late in app.call().overtaken() {
        let step = rules.step(late.step);
        let line = sentence(&words.plain.overtaken(&step.title));
        tell(Subject::Overtaken(step.id.clone()), line.clone(), line);
    }
    reminders(app, &mut tell);
    if let Some(link) = app.link() {
        let line = sentence(if link == Link::Up { words.phone.link_up } else { words.phone.link_down });
        tell(Subject::Link, line.clone(), line);
    }
    if let Some([line, ..]) = app.centre_told() {
        let line = sentence(&line);
        tell(Subject::Centre, line.clone(), line);
    }
    if let Some(standing) = app.standing() {
        let line = sentence(&standing);
        tell(Subject::Standing, line.clone(), line);
    }
    out
}

fn field_line(app: &App, ix: FieldIx, label: &str) -> String {
    let words = app.words();
    let text = app.field_told(ix);
    let text = match text.as_str() {
        "" => words.plain.missing.to_owned(),
        _ if app.is_unsure(ix) => format!("{text} · {}", words.phone.unsure),
        _ => text,
    };
    sentence(&format!("{label}: {text}"))
}

/// Which sentences there are, also those that were said.
#[must_use]
pub fn plan(app: &App) -> String {
    let entries = app.entries();
    let spoken = entries.iter().filter(|e| !matches!(e.mark, Mark::Reminder | Mark::Overtaken));
    let titles: Vec<&str> = spoken.map(|e| app.rules().step(e.step).title.as_str()).collect();
    if titles.is_empty() {
        return sentence(app.words().screen.nothing_spoken);
    }
    sentence(&app.words().plain.plan(titles.join(", ")))
}

fn reminders(app: &App, tell: &mut impl FnMut(Subject, String, String)) {
    let entries = app.entries();
    for (at, entry) in entries.iter().enumerate().filter(|(_, e)| e.mark == Mark::Reminder) {
        let words = &app.words().plain;
        let first = entries[..at].iter().all(|e| e.mark == Mark::Reminder);
        let text = app.reminder(entry.step).unwrap_or_default();
        let line = sentence(&if first { words.before_closing(text) } else { words.remember(text) });
        tell(Subject::Reminder(app.rules().step(entry.step).id.clone()), line.clone(), line);
    }
}

/// What is to be said now: what it is, and then the sentence alone on its line, letter for letter.
#[must_use]
pub fn now(app: &App) -> Vec<String> {
    let words = app.words();
    if let Some(step) = app.call().current(app.rules()) {
        return vec![now_line(app, step), clean(&app.sentence(step).unwrap_or_default().to_string())];
    }
    if app.call().said().is_empty() {
        return vec![sentence(&format!("{} {}", words.screen.nothing_spoken, words.plain.next_call))];
    }
    vec![sentence(&format!("{} {}", words.screen.all_said, words.plain.next_call)), complete(app)]
}

/// "Sekarang, No. 1: Campaign Integritas."
fn now_line(app: &App, step: StepIx) -> String {
    let (words, step) = (&app.words().plain, app.rules().step(step));
    sentence(&match &step.basis {
        Some(basis) => words.now(basis, &step.title),
        None => words.now_plain(&step.title),
    })
}

/// The complete sentence with what it is.
#[must_use]
pub fn complete(app: &App) -> String {
    clean(&format!("{}: {}", app.words().screen.complete, app.complete_sentence()))
}

/// Everything: the state, every step and how it stands, the complete sentence.
#[must_use]
pub fn everything(app: &App) -> Vec<String> {
    let words = app.words();
    let mut out: Vec<String> = state(app).into_iter().map(|told| told.words).collect();
    out.push(plan(app));
    for entry in app.entries() {
        let step = app.rules().step(entry.step);
        out.push(match entry.mark {
            // Each has a sentence of its own among the state.
            Mark::Reminder | Mark::Overtaken => continue,
            Mark::Said => sentence(&words.plain.said(&step.title)),
            Mark::Current => now_line(app, entry.step),
            Mark::Ahead => sentence(&match &step.basis {
                Some(basis) => words.plain.ahead(basis, &step.title),
                None => words.plain.ahead_plain(&step.title),
            }),
        });
        if entry.mark == Mark::Current {
            out.extend(app.sentence(entry.step).map(|spoken| clean(&spoken.to_string())));
        }
        let score = &step.score;
        if entry.mark != Mark::Said && !score.is_empty() {
            out.push(sentence(&words.plain.scored(score.join(", "))));
        }
    }
    if !app.complete_sentence().segments().is_empty() {
        out.push(complete(app));
    }
    out
}
