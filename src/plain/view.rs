//! The loop's view in lines: hears lines, says what changed, one write an event.

use std::io::{self, Write};

use chrono::{DateTime, Utc};

use super::keys::{self, Ask, Wrong, understand};
use super::listen::{Line, listen};
use super::page::lines;
use super::sentence;
use super::state::{Subject, Told, everything, now, plan, state};
use crate::action::Action;
use crate::app::{App, Effect, Mode};
use crate::closing::ending::Ending;
use crate::diagnostics::shown;
use crate::event::InputSender;
use crate::keymap;
use crate::pages::{Surface, page};
use crate::panel::Panel;
use crate::rules::ruleset::FieldKind;
use crate::rules::text::clean;
use crate::run::{Step, View};

/// What was said last, so that nothing is said twice.
#[derive(Default)]
struct Memory {
    /// Which call; `None`: nothing was said yet.
    call: Option<u64>,
    /// The sentences that were said in it: ids of steps and their titles.
    said: Vec<(String, String)>,
    state: Vec<Told>,
    /// What just happened.
    momentary: Option<String>,
    /// Which sentences there are.
    plan: String,
    now: Vec<String>,
    /// Whether the day was told.
    has_day: bool,
    /// What waits for an answer.
    asks: Waits,
}

/// What waits for an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Waits {
    /// Nothing.
    #[default]
    Nothing,
    /// A field for its text.
    Field,
    /// The question why the call ends.
    Why,
    /// The question whether to leave.
    Leave,
}

/// The prompter in lines.
pub struct Plain<W> {
    out: W,
    /// What is said with the next write; the subject, so that what changes twice in one line is said once.
    lines: Vec<(Option<Subject>, String)>,
    memory: Memory,
    /// Whether the current sentence is said again, changed or not.
    again: bool,
    /// Whether a person typed and nothing answered yet.
    unanswered: bool,
    /// Whether there is a journal that can answer.
    has_journal: bool,
}

impl<W> std::fmt::Debug for Plain<W> {
    /// Prints nothing of what is said: names are in it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plain").finish_non_exhaustive()
    }
}

impl<W: Write> Plain<W> {
    /// Speaks to `out`.
    #[must_use]
    pub fn new(out: W, has_journal: bool) -> Self {
        Self { out, lines: Vec::new(), memory: Memory::default(), again: false, unanswered: false, has_journal }
    }

    fn say(&mut self, line: String) {
        if !line.is_empty() {
            self.lines.push((None, line));
        }
    }

    fn say_of(&mut self, subject: Subject, line: String) {
        self.lines.retain(|(about, _)| about.as_ref() != Some(&subject));
        self.lines.push((Some(subject), line));
    }

    /// Says what the banners say: the answer to their question.
    fn say_banners(&mut self, app: &App) {
        for told in state(app).into_iter().filter(|told| matches!(told.subject, Subject::Banner(_))) {
            self.say_of(told.subject, told.words);
        }
    }

    /// Says what is asked for.
    fn answer(&mut self, ask: Ask, app: &App) {
        let words = app.words();
        let said = match ask {
            Ask::Again => {
                self.again = true;
                return;
            }
            Ask::State => {
                // What stands in it was said now: where the rest of the line changes it, it is said again.
                if !app.is_complete() {
                    self.memory.now = now(app);
                }
                everything(app)
            }
            Ask::Banners => return self.say_banners(app),
            Ask::Refused(wrong) => return self.refuse(wrong, app),
            Ask::Unread(why) => {
                self.memory.asks = Waits::Nothing;
                vec![why.into()]
            }
            Ask::Panel(Panel::Help) if matches!(app.mode(), Mode::EndPrompt | Mode::LeavePrompt) => question(app),
            Ask::Panel(Panel::Recap) if self.has_journal => vec![words.plain.reading_recap.into()],
            Ask::Panel(panel) => page_lines(panel, app),
        };
        for line in said {
            self.say(line);
        }
    }

    /// Says why a line was not done, and the way out.
    fn refuse(&mut self, wrong: Wrong, app: &App) {
        let words = &app.words().plain;
        let asking = matches!(app.mode(), Mode::EndPrompt | Mode::LeavePrompt);
        let key = match wrong {
            Wrong::Key(c) => shown(c.encode_utf8(&mut [0; 4])),
            Wrong::NoAnswer => String::new(),
        };
        let form = match (wrong, asking) {
            (Wrong::NoAnswer, _) => String::new(),
            (Wrong::Key(_), _) if key.is_empty() => words.no_letter.into(),
            (Wrong::Key(_), true) => words.no_answer(key),
            (Wrong::Key(_), false) => words.no_key(key),
        };
        self.say(sentence(&form));
        // What waits for an answer is said again with its answers.
        self.memory.asks = Waits::Nothing;
    }

    /// Says what changed since it was said last.
    fn notice(&mut self, app: &App, by_person: bool) {
        let momentary = app.momentary().map(sentence);
        if by_person || momentary != self.memory.momentary {
            self.say(momentary.clone().unwrap_or_default());
        }
        self.memory.momentary = momentary;
        self.notice_call(app);
        self.notice_said(app);
        self.notice_state(app);
        let has_day = app.day().is_some();
        if has_day && !std::mem::replace(&mut self.memory.has_day, has_day) {
            for line in page_lines(Panel::Recap, app) {
                self.say(line);
            }
        }
        self.memory.has_day = has_day;
    }

    fn notice_call(&mut self, app: &App) {
        let (before, here) = (self.memory.call.replace(app.number()), app.number());
        let Some(before) = before.filter(|before| *before != here) else { return };
        // What changes from here on is another call's.
        for (about, _) in &mut self.lines {
            *about = None;
        }
        if here > before {
            self.say(app.words().plain.new_call.into());
        }
        self.memory.said.clear();
        self.memory.state.retain(|told| !told.subject.is_of_the_call());
        self.again = true;
    }

    fn notice_said(&mut self, app: &App) {
        let (words, rules) = (&app.words().plain, app.rules());
        let said = app.call().said().iter().map(|said| rules.step(said.step));
        let said: Vec<(String, String)> = said.map(|step| (step.id.clone(), step.title.clone())).collect();
        let before = std::mem::replace(&mut self.memory.said, said.clone());
        let mut tell = |form: &dyn Fn(&str) -> String, steps: &[(String, String)], others: &[(String, String)]| {
            for (id, title) in steps.iter().filter(|(id, _)| others.iter().all(|(other, _)| other != id)) {
                let line = sentence(&form(title));
                self.say_of(Subject::Said(id.clone()), line);
            }
        };
        tell(&|title| words.unsaid(title), &before, &said);
        tell(&|title| words.said(title), &said, &before);
    }

    fn notice_state(&mut self, app: &App) {
        let mut here = state(app);
        let typing = matches!(app.mode(), Mode::Typing(_));
        let before = std::mem::take(&mut self.memory.state);
        if typing {
            // What is being typed is said once it is taken.
            here.retain(|told| !matches!(told.subject, Subject::Field(_)));
            here.extend(before.iter().filter(|told| matches!(told.subject, Subject::Field(_))).cloned());
        }
        let is_new = |told: &Told| !before.iter().any(|old| old.subject == told.subject && old.what == told.what);
        let new: Vec<&Told> = here.iter().filter(|told| is_new(told)).collect();
        // What holds no longer and was not said yet is not said at all.
        let holds = |subject: &Subject| here.iter().any(|told| told.subject == *subject);
        let gone = before.iter().filter(|told| !holds(&told.subject));
        for told in gone {
            self.lines.retain(|(about, _)| about.as_ref() != Some(&told.subject));
        }
        for told in &new {
            // The banner says the fact.
            let with_banner = matches!(&told.subject, Subject::Fact(id)
                if new.iter().any(|other| other.subject == Subject::Banner(id.clone())));
            if !with_banner {
                self.say_of(told.subject.clone(), told.words.clone());
            }
        }
        let words = &app.words().plain;
        for (subject, over) in [(Subject::Standing, words.over), (Subject::Centre, words.centre_over)] {
            let stood = |state: &[Told]| state.iter().any(|told| told.subject == subject);
            if stood(&before) && !stood(&here) {
                self.say_of(subject, over.into());
            }
        }
        self.memory.state = here;
    }

    /// Says what waits for an answer, or the current sentence where it is another.
    fn say_where_we_are(&mut self, app: &App) {
        let waits = match app.mode() {
            Mode::Typing(_) => Waits::Field,
            Mode::EndPrompt => Waits::Why,
            Mode::LeavePrompt => Waits::Leave,
            _ => Waits::Nothing,
        };
        let waited = std::mem::replace(&mut self.memory.asks, waits);
        match app.mode() {
            Mode::Typing(draft) if waited != waits => {
                let label = &app.rules().field(draft.field).label;
                self.say(sentence(&app.words().plain.type_field(label)));
            }
            Mode::EndPrompt | Mode::LeavePrompt if waited != waits => {
                for line in question(app) {
                    self.say(line);
                }
            }
            Mode::Typing(_) | Mode::EndPrompt | Mode::LeavePrompt => {}
            _ => {
                let plan = plan(app);
                if plan != self.memory.plan {
                    self.say(plan.clone());
                    self.memory.plan = plan;
                }
                let here = now(app);
                let asked = matches!(waited, Waits::Why | Waits::Leave);
                if std::mem::take(&mut self.again) || asked || here != self.memory.now {
                    for line in &here {
                        self.say(line.clone());
                    }
                    self.memory.now = here;
                }
            }
        }
        if std::mem::take(&mut self.unanswered) && self.lines.is_empty() {
            self.say_as_it_was(app, waited);
        }
    }

    /// A line that changed nothing is answered all the same: whoever only hears can't tell silence from a key that was
    /// not taken, and the next Enter would tick a sentence.
    fn say_as_it_was(&mut self, app: &App, waited: Waits) {
        let same: Vec<String> = if waited == Waits::Field {
            let fields = state(app).into_iter().filter(|told| matches!(told.subject, Subject::Field(_)));
            fields.map(|told| told.words).collect()
        } else {
            now(app)
        };
        for line in same {
            self.say(line);
        }
    }

    fn write(&mut self) -> io::Result<()> {
        let mut text = String::new();
        for (_, line) in self.lines.drain(..) {
            // Whatever a line was made of, it is one line, and no control character is in it.
            text.push_str(&clean(&line));
            text.push('\n');
        }
        if text.is_empty() {
            return Ok(());
        }
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }
}

impl<W: Write> View for Plain<W> {
    type Input = Line;
    type Output = Ask;
    const EACH: bool = true;

    fn listen(sender: InputSender<Line>) -> io::Result<()> {
        listen(sender)
    }

    fn input(&mut self, line: Line, app: &App, now: DateTime<Utc>) -> io::Result<Vec<Step<Ask>>> {
        self.unanswered = true;
        let words = &app.words().plain;
        Ok(match line {
            Line::Text(text) => {
                understand(app, &text, now).unwrap_or_else(|wrong| vec![Step::Output(Ask::Refused(wrong))])
            }
            Line::TooLong => vec![Step::Output(Ask::Unread(words.too_long))],
            Line::NotUtf8 => vec![Step::Output(Ask::Unread(words.not_utf8))],
        })
    }

    fn output(&mut self, ask: Ask, app: &App) {
        self.answer(ask, app);
    }

    fn changed(&mut self, app: &App, effects: &[Effect], by_person: bool) {
        // Nothing is said again to somebody who leaves.
        self.unanswered &= !effects.contains(&Effect::Quit);
        self.notice(app, by_person);
    }

    fn show(&mut self, app: &App) -> io::Result<()> {
        if self.memory.call.is_none() {
            let opening = app.words().plain.opening(&app.rules().sop.revision);
            self.say(sentence(&opening));
            self.notice(app, true);
        }
        self.say_where_we_are(app);
        self.write()
    }

    /// Whoever copies it takes it from its line.
    fn copy(&mut self, text: &str) -> io::Result<()> {
        self.say(clean(text));
        Ok(())
    }

    /// Ctrl-C leaves as it does on a whole screen.
    #[cfg(unix)]
    const INTERRUPT_LEAVES: bool = true;

    #[cfg(unix)]
    fn abandon() {}

    #[cfg(unix)]
    fn suspend(&mut self) {}

    #[cfg(unix)]
    fn resume(&mut self) -> io::Result<()> {
        self.again = true;
        Ok(())
    }
}

/// Why does the call end, or is it to be left; and the answers, of which the one that costs score says what.
fn question(app: &App) -> Vec<String> {
    let words = app.words();
    let asked = if *app.mode() == Mode::LeavePrompt { words.ending.leaving } else { words.ending.question };
    let mut out = vec![sentence(asked)];
    let rows = keymap::rows(app);
    let mut back = None;
    for row in &rows {
        let cost = app.cost().join(", ");
        let label = match row.action {
            Action::Answer(Ending::Omitted) if !cost.is_empty() => words.ending.cost(&cost, words.ending.omitted),
            Action::Answer(_) => row.label.to_string(),
            Action::Quit if row.keys.contains(&keymap::Key::Char('q')) => row.label.to_string(),
            // Of two that the same key does, the first is done.
            Action::Undo | Action::Back if back.is_none() => {
                back = Some(&row.label);
                continue;
            }
            _ => continue,
        };
        let key = row.keys.iter().find_map(|key| keys::name(*key, words)).unwrap_or_default();
        out.push(sentence(&format!("{key}: {label}")));
    }
    out.extend(back.map(|label| sentence(&format!("{}: {label}", words.plain.undo_key_and_mark))));
    out
}

/// A panel's page in lines, with the keys as they are typed here.
fn page_lines(panel: Panel, app: &App) -> Vec<String> {
    let words = app.words();
    let keys = |row: &keymap::Row| row.keys.iter().filter_map(|key| keys::name(*key, words)).map(Into::into).collect();
    let mut intro = vec![
        words.plain.intro.into(),
        format!("{}: {}", words.plain.again_key, words.plain.again),
        format!("{}: {}", keys::STATE, words.plain.state),
    ];
    intro.extend(typed_key(app).map(|key| words.plain.field_in_line(&key)));
    lines(&page(panel, app, &Surface { offers: &keys::offers, keys: &keys, intro }), words)
}

/// The letter of the first field that is typed.
fn typed_key(app: &App) -> Option<String> {
    let typed = app.rules().fields.iter().find(|f| matches!(f.kind, FieldKind::Typed { .. }) && f.key.is_some());
    typed.and_then(|f| f.key).map(String::from)
}
