//! The state as statements, one for each topic, so that only changed ones are printed.

use super::keys::name;
use super::sentence;
use crate::action::Action;
use crate::app::App;
use crate::closing::Mark;
use crate::keymap;
use crate::message::Link;
use crate::rules::ruleset::{FieldIx, StepIx};
use crate::rules::text::clean;
use crate::words::fill;

/// The topic of a statement. Ids instead of positions, since they are stable when the rules change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Topic {
    /// The customer's zone.
    Zone,
    Greeting,
    /// The next greeting.
    Soon,
    /// This seat's greeting, if it differs.
    OtherGreeting,
    /// A step that was ticked or undone.
    Said(String),
    Fact(String),
    Field(String),
    Banner(String),
    /// The question whether a fact still applies.
    Still(String),
    /// A contradiction in the SOP.
    Caution,
    /// A step that a change of facts made impossible.
    Overtaken(String),
    Reminder(String),
    /// The connection to the telephone.
    Link,
    Centre,
    /// The lasting troubles.
    Standing,
}

impl Topic {
    /// Whether it is printed again in every call, changed or not.
    pub fn is_of_the_call(&self) -> bool {
        matches!(self, Self::Banner(_) | Self::Still(_) | Self::Caution | Self::Reminder(_))
    }
}

/// A statement about a topic.
#[derive(Clone, PartialEq, Eq)]
pub struct Statement {
    /// What it is about.
    pub topic: Topic,
    /// Compared to find changes; without the words that change every minute.
    pub what: String,
    pub words: String,
}

impl std::fmt::Debug for Statement {
    /// Omits the words: a name may be among them.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Statement").field("topic", &self.topic).finish_non_exhaustive()
    }
}

/// The statements in the order in which they are printed.
pub fn state(app: &App) -> Vec<Statement> {
    let mut out = Vec::with_capacity(16);
    let mut add = |topic, what: String, words: String| out.push(Statement { topic, what, words });
    let (words, rules) = (app.words(), app.rules());
    let zone = &rules.zones[app.call().zone()].id;
    let clock = fill(words.screen.clock, &[("time", &app.clock_text(app.local())), ("zone", zone)]);
    add(Topic::Zone, zone.clone(), sentence(&clock));
    let greeting = fill(words.plain.greeting, &[("word", app.greeting_word())]);
    add(Topic::Greeting, app.greeting_word().into(), sentence(&greeting));
    if let Some((minutes, word)) = app.greeting_soon() {
        let soon = fill(words.screen.greeting_soon, &[("minutes", &minutes.to_string()), ("word", word)]);
        add(Topic::Soon, word.into(), sentence(&soon));
    }
    if let Some((zone, time, word)) = app.other_greeting() {
        let with = [("zone", zone), ("time", &app.clock_text(time)), ("word", word)];
        let words = fill(words.screen.two_zones, &with);
        add(Topic::OtherGreeting, format!("{zone} {word}"), sentence(&words));
    }
    for (at, fact) in rules.facts.iter().enumerate() {
        let line = sentence(&app.facts_text(|one| one == at));
        add(Topic::Fact(fact.id.clone()), line.clone(), line);
    }
    for (ix, field) in rules.fields_ix() {
        let line = field_line(app, ix, &field.label);
        add(Topic::Field(field.id.clone()), line.clone(), line);
    }
    for (at, fact) in rules.facts.iter().enumerate() {
        if let Some(parts) = app.banner(at, str::to_owned) {
            let line = sentence(&parts.join(" · "));
            add(Topic::Banner(fact.id.clone()), line.clone(), line);
        }
        if app.asked_fact() == Some(at) {
            let no = fact.key.map(String::from).unwrap_or_default();
            let yes = keymap::key_of(app, &Action::StillHolds).and_then(|key| name(key, words)).unwrap_or_default();
            let line = sentence(&app.still_question(at, words.plain.still, words.plain.expired, &yes, &no));
            add(Topic::Still(fact.id.clone()), line.clone(), line);
        }
    }
    if let Some(caution) = app.call().caution(rules) {
        let short = caution.split_once(". ").map_or(caution, |(first, _)| first);
        let line = sentence(&fill(words.plain.caution, &[("caution", short)]));
        add(Topic::Caution, line.clone(), line);
    }
    for late in app.call().overtaken() {
        let step = rules.step(late.step);
        let line = sentence(&fill(words.plain.overtaken, &[("title", &step.title)]));
        add(Topic::Overtaken(step.id.clone()), line.clone(), line);
    }
    reminders(app, &mut add);
    if let Some(link) = app.link() {
        let line = sentence(if link == Link::Up { words.phone.link_up } else { words.phone.link_down });
        add(Topic::Link, line.clone(), line);
    }
    if let Some([line, ..]) = app.centre_link_text() {
        let line = sentence(&line);
        add(Topic::Centre, line.clone(), line);
    }
    if let Some(standing) = app.standing() {
        let line = sentence(&standing);
        add(Topic::Standing, line.clone(), line);
    }
    out
}

fn field_line(app: &App, ix: FieldIx, label: &str) -> String {
    let words = app.words();
    let text = app.field_text(ix);
    let text = match text.as_str() {
        "" => words.plain.missing.to_owned(),
        _ if app.is_unsure(ix) => format!("{text} · {}", words.phone.unsure),
        _ => text,
    };
    sentence(&format!("{label}: {text}"))
}

/// The titles of all sentences, also the ticked ones.
pub fn plan(app: &App) -> String {
    let entries = app.entries();
    let spoken = entries.iter().filter(|e| !matches!(e.mark, Mark::Reminder | Mark::Overtaken));
    let titles: Vec<&str> = spoken.map(|e| app.rules().step(e.step).title.as_str()).collect();
    if titles.is_empty() {
        return sentence(app.words().screen.nothing_spoken);
    }
    sentence(&fill(app.words().plain.plan, &[("steps", &titles.join(", "))]))
}

fn reminders(app: &App, add: &mut impl FnMut(Topic, String, String)) {
    let entries = app.entries();
    for (at, entry) in entries.iter().enumerate().filter(|(_, e)| e.mark == Mark::Reminder) {
        let words = &app.words().plain;
        let first = entries[..at].iter().all(|e| e.mark == Mark::Reminder);
        let form = if first { words.before_closing } else { words.remember };
        let text = app.reminder(entry.step).unwrap_or_default();
        let line = sentence(&fill(form, &[("text", text)]));
        add(Topic::Reminder(app.rules().step(entry.step).id.clone()), line.clone(), line);
    }
}

/// The current step: its title, and then the exact sentence on a line of its own.
pub fn now(app: &App) -> Vec<String> {
    let words = app.words();
    if let Some(step) = app.call().current(app.rules()) {
        let form = (words.plain.now, words.plain.now_plain);
        return vec![step_line(app, step, form), clean(&app.sentence(step).unwrap_or_default().to_string())];
    }
    if app.call().spoken().is_empty() {
        return vec![sentence(&format!("{} {}", words.screen.nothing_spoken, words.plain.next_call))];
    }
    vec![sentence(&format!("{} {}", words.screen.all_said, words.plain.next_call)), complete(app)]
}

/// "Sekarang, No. 1: Campaign Integritas."
fn step_line(app: &App, step: StepIx, form: (&str, &str)) -> String {
    let step = app.rules().step(step);
    let form = if step.basis.is_some() { form.0 } else { form.1 };
    let basis = step.basis.as_deref().unwrap_or_default();
    sentence(&fill(form, &[("basis", basis), ("title", &step.title)]))
}

pub fn complete(app: &App) -> String {
    clean(&format!("{}: {}", app.words().screen.complete, app.complete_sentence()))
}

/// Everything: the statements, every step with its mark, the complete sentence.
pub fn everything(app: &App) -> Vec<String> {
    let words = app.words();
    let mut out: Vec<String> = state(app).into_iter().map(|statement| statement.words).collect();
    out.push(plan(app));
    for entry in app.entries() {
        let form = match entry.mark {
            // These have statements of their own.
            Mark::Reminder | Mark::Overtaken => continue,
            Mark::Spoken => (words.plain.said, words.plain.said),
            Mark::Current => (words.plain.now, words.plain.now_plain),
            Mark::Upcoming => (words.plain.ahead, words.plain.ahead_plain),
        };
        out.push(step_line(app, entry.step, form));
        if entry.mark == Mark::Current {
            out.extend(app.sentence(entry.step).map(|spoken| clean(&spoken.to_string())));
        }
        let score = &app.rules().step(entry.step).score;
        if entry.mark != Mark::Spoken && !score.is_empty() {
            out.push(sentence(&fill(words.plain.scored, &[("score", &score.join(", "))])));
        }
    }
    if !app.complete_sentence().segments().is_empty() {
        out.push(complete(app));
    }
    out
}
