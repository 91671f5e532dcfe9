//! The state as statements, one for each topic, so that only changed ones are printed.

use super::keys::name;
use super::sentence;
use crate::action::Action;
use crate::app::{App, StillForm};
use crate::closing::Mark;
use crate::keymap;
use crate::message::Link;
use crate::rules::ruleset::{FieldIx, StepIx};
use crate::rules::text::clean;

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
    Agent,
    Link,
    Centre,
    /// This computer's clock, by the centre's.
    Clock,
    /// The standing troubles.
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
    let clock = words.screen.clock(app.clock_text(app.local()), zone);
    add(Topic::Zone, zone.clone(), sentence(&clock));
    let greeting = words.plain.greeting(app.greeting_word());
    add(Topic::Greeting, app.greeting_word().into(), sentence(&greeting));
    if let Some((minutes, word)) = app.greeting_soon() {
        let soon = words.screen.greeting_soon(minutes, word);
        add(Topic::Soon, word.into(), sentence(&soon));
    }
    if let Some((zone, time, word)) = app.other_greeting() {
        let words = words.screen.two_zones(app.clock_text(time), word, zone);
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
        let banner = app.banner(at);
        if banner.is_some() || app.differs(at) || app.asked_fact() == Some(at) {
            let declared = app.declaration_text(at, str::to_owned).into_iter();
            let instruction = banner.map(|banner| banner.instruction.to_owned());
            let parts: Vec<String> = std::iter::once(app.since_text(at)).chain(declared).chain(instruction).collect();
            let line = sentence(&parts.join(" · "));
            add(Topic::Banner(fact.id.clone()), line.clone(), line);
        }
        if app.asked_fact() == Some(at) {
            let no = fact.key.map(String::from).unwrap_or_default();
            let yes = keymap::key_of(app, &Action::StillHolds).and_then(|key| name(key, words)).unwrap_or_default();
            let line = sentence(&app.still_question(at, StillForm::Plain, &yes, &no));
            add(Topic::Still(fact.id.clone()), line.clone(), line);
        }
    }
    if let Some(caution) = app.call().caution(rules) {
        let short = caution.split_once(". ").map_or(caution, |(first, _)| first);
        let line = sentence(&words.plain.caution(short));
        add(Topic::Caution, line.clone(), line);
    }
    for late in app.call().overtaken() {
        let step = rules.step(late.step);
        let line = sentence(&words.plain.overtaken(&step.title));
        add(Topic::Overtaken(step.id.clone()), line.clone(), line);
    }
    reminders(app, &mut add);
    if let Some(agent) = app.agent_number() {
        let line = sentence(&words.notice.agent(agent));
        add(Topic::Agent, line.clone(), line);
    }
    if let Some(link) = app.link() {
        let line = sentence(if link == Link::Up { words.phone.link_up } else { words.phone.link_down });
        add(Topic::Link, line.clone(), line);
    }
    if let Some(line) = app.wrong_clock_text() {
        let line = sentence(&line);
        add(Topic::Clock, line.clone(), line);
    } else if let Some([line, ..]) = app.centre_link_text() {
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
    let text = match (text.as_str(), app.unsure_mark(ix)) {
        ("", _) => words.plain.missing.to_owned(),
        (_, Some(mark)) => format!("{text} · {mark}"),
        (_, None) => text,
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
    sentence(&app.words().plain.plan(titles.join(", ")))
}

fn reminders(app: &App, add: &mut impl FnMut(Topic, String, String)) {
    let entries = app.entries();
    for (at, entry) in entries.iter().enumerate().filter(|(_, e)| e.mark == Mark::Reminder) {
        let words = &app.words().plain;
        let first = entries[..at].iter().all(|e| e.mark == Mark::Reminder);
        let text = app.reminder(entry.step).unwrap_or_default();
        let line = sentence(&if first { words.before_closing(text) } else { words.remember(text) });
        add(Topic::Reminder(app.rules().step(entry.step).id.clone()), line.clone(), line);
    }
}

/// The current step: its title, and then the exact sentence on a line of its own.
pub fn current_lines(app: &App) -> Vec<String> {
    let words = app.words();
    if let Some(step) = app.call().current(app.rules()) {
        return vec![now_line(app, step), clean(&app.sentence(step).unwrap_or_default().to_string())];
    }
    if app.call().spoken().is_empty() {
        return vec![sentence(&format!("{} {}", words.screen.nothing_spoken, words.plain.next_call))];
    }
    vec![sentence(&format!("{}. {}", words.screen.all_said, words.plain.next_call))]
}

/// "Sekarang, No. 1: Campaign Integritas."
fn now_line(app: &App, step: StepIx) -> String {
    let (words, step) = (&app.words().plain, app.rules().step(step));
    sentence(&match &step.basis {
        Some(basis) => words.now(basis, &step.title),
        None => words.now_plain(&step.title),
    })
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
        let step = app.rules().step(entry.step);
        out.push(match entry.mark {
            // These have statements of their own.
            Mark::Reminder | Mark::Overtaken => continue,
            Mark::Spoken => sentence(&words.plain.said(&step.title)),
            Mark::Current => now_line(app, entry.step),
            Mark::Upcoming => sentence(&match &step.basis {
                Some(basis) => words.plain.ahead(basis, &step.title),
                None => words.plain.ahead_plain(&step.title),
            }),
        });
        if entry.mark == Mark::Current {
            out.extend(app.sentence(entry.step).map(|spoken| clean(&spoken.to_string())));
        }
        let score = &step.score;
        if entry.mark != Mark::Spoken && !score.is_empty() {
            out.push(sentence(&words.plain.scored(score.join(", "))));
        }
    }
    if !app.complete_sentence().segments().is_empty() {
        out.push(complete(app));
    }
    out
}
