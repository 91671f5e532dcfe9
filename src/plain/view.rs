//! The view of line mode: reads lines and prints what changed, in one write per event.

use std::io::{self, Write};

use chrono::{DateTime, Utc};

use super::keys::{self, Refusal, Request, parse_line};
use super::listen::{Line, listen};
use super::page::lines;
use super::sentence;
use super::state::{Statement, Topic, current_lines, everything, plan, state};
use crate::action::Action;
use crate::app::{App, Effect, Mode};
use crate::closing::ending::Ending;
use crate::diagnostics::shown;
use crate::event::InputSender;
use crate::keymap;
use crate::message::CentreLink;
use crate::pages::{Surface, page};
use crate::panel::Panel;
use crate::rules::ruleset::FieldKind;
use crate::rules::text::clean;
use crate::run::{Step, View};

/// What was printed last, so that nothing is printed twice.
#[derive(Default)]
struct Printed {
    /// The number of the call; `None` before the first output.
    call: Option<u64>,
    /// Ids and titles of its ticked steps.
    said: Vec<(String, String)>,
    /// The number of the call that ended last, and its ticked steps as they were printed.
    ended: Option<(u64, Vec<(String, String)>)>,
    state: Vec<Statement>,
    /// The momentary notice, and how many there were.
    momentary: Option<String>,
    notices: u64,
    /// The line with the titles of all steps.
    plan: String,
    current: Vec<String>,
    has_day: bool,
    prompt: Prompt,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Prompt {
    #[default]
    Nothing,
    Field,
    Why,
    Leave,
}

/// The view of line mode.
pub struct Plain<W> {
    out: W,
    /// Lines of the next write, with their topic: if a topic changes twice, it is printed once.
    lines: Vec<(Option<Topic>, String)>,
    printed: Printed,
    /// Whether to print the current sentence again, changed or not.
    again: bool,
    /// Whether a typed line has had no output yet.
    unanswered: bool,
    has_journal: bool,
}

impl<W> std::fmt::Debug for Plain<W> {
    /// Omits the lines: names are in them.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plain").finish_non_exhaustive()
    }
}

impl<W: Write> Plain<W> {
    pub fn new(out: W, has_journal: bool) -> Self {
        Self { out, lines: Vec::new(), printed: Printed::default(), again: false, unanswered: false, has_journal }
    }

    fn say(&mut self, line: String) {
        if !line.is_empty() {
            self.lines.push((None, line));
        }
    }

    /// Queues a line; it replaces the topic's earlier line in the same write.
    fn say_of(&mut self, topic: Topic, line: String) {
        self.lines.retain(|(about, _)| about.as_ref() != Some(&topic));
        self.lines.push((Some(topic), line));
    }

    /// Prints the banners after one was confirmed.
    fn say_banners(&mut self, app: &App) {
        for statement in state(app).into_iter().filter(|statement| matches!(statement.topic, Topic::Banner(_))) {
            self.say_of(statement.topic, statement.words);
        }
    }

    /// Prints an output that a line asked for.
    fn answer(&mut self, request: Request, app: &App) {
        let words = app.words();
        let answer = match request {
            Request::Again => {
                self.again = true;
                return;
            }
            Request::State => {
                // It contains the current sentence, which is printed again only if the rest of the line changes it.
                if !app.is_complete() {
                    self.printed.current = current_lines(app);
                }
                everything(app)
            }
            Request::Banners => return self.say_banners(app),
            Request::Refused(wrong) => return self.refuse(wrong, app),
            Request::Unread(why) => {
                self.printed.prompt = Prompt::Nothing;
                vec![why.into()]
            }
            Request::Panel(Panel::Help) if matches!(app.mode(), Mode::EndPrompt | Mode::LeavePrompt) => question(app),
            Request::Panel(Panel::Recap) if self.has_journal => vec![words.plain.reading_recap.into()],
            Request::Panel(panel) => page_lines(panel, app),
        };
        for line in answer {
            self.say(line);
        }
    }

    /// Prints why a line was refused, and the possible keys.
    fn refuse(&mut self, wrong: Refusal, app: &App) {
        let words = &app.words().plain;
        let asking = matches!(app.mode(), Mode::EndPrompt | Mode::LeavePrompt);
        let key = match wrong {
            Refusal::Key(c) => shown(c.encode_utf8(&mut [0; 4])),
            Refusal::NoAnswer => String::new(),
        };
        let form = match (wrong, asking) {
            (Refusal::NoAnswer, _) => String::new(),
            (Refusal::Key(_), _) if key.is_empty() => words.no_letter.into(),
            (Refusal::Key(_), true) => words.no_answer(key),
            (Refusal::Key(_), false) => words.no_key(key),
        };
        self.say(sentence(&form));
        if *app.mode() == Mode::EndPrompt {
            // The answers were read when it was asked.
            self.say(sentence(&words.answer_again(Ending::ANSWERS.len())));
        } else {
            // Makes an open question print again.
            self.printed.prompt = Prompt::Nothing;
        }
    }

    /// Prints what changed since the last output.
    fn notice(&mut self, app: &App, by_person: bool) {
        let momentary = app.momentary().map(sentence);
        // The same notice again is an answer, one that is still there is not.
        let is_new = std::mem::replace(&mut self.printed.notices, app.notice_count()) != app.notice_count();
        if (by_person && is_new) || momentary != self.printed.momentary {
            self.say(momentary.clone().unwrap_or_default());
        }
        self.printed.momentary = momentary;
        self.notice_call(app);
        self.notice_said(app);
        self.notice_state(app);
        let has_day = app.day().is_some();
        if has_day && !std::mem::replace(&mut self.printed.has_day, has_day) {
            for line in page_lines(Panel::Recap, app) {
                self.say(line);
            }
        }
        self.printed.has_day = has_day;
    }

    fn notice_call(&mut self, app: &App) {
        let (before, here) = (self.printed.call.replace(app.number()), app.number());
        let Some(before) = before.filter(|before| *before != here) else { return };
        // Changes from here on belong to another call, so they don't replace these lines.
        for (about, _) in &mut self.lines {
            *about = None;
        }
        if here > before {
            self.say(app.words().plain.new_call.into());
            self.printed.ended = Some((before, std::mem::take(&mut self.printed.said)));
            self.printed.state.retain(|statement| !statement.topic.is_of_the_call());
        } else {
            let resumed = sentence(app.words().notice.resumed);
            // The notice says it, unless something was pressed behind it.
            if self.lines.iter().all(|(_, line)| *line != resumed) {
                self.say(resumed);
            }
            // Of a call that was said before, only what differs and where it stands.
            // A tick that was undone on the way back is told; what was ticked in that call, and not printed then, is nothing new.
            let then = self.printed.ended.take().filter(|(number, _)| *number == here).map(|(_, then)| then);
            let now = said(app);
            self.printed.said = then.unwrap_or_default();
            self.printed.said.retain(|step| !now.contains(step));
            self.printed.said.extend(now);
            self.printed.plan = plan(app);
        }
        self.again = true;
    }

    fn notice_said(&mut self, app: &App) {
        let words = &app.words().plain;
        let said = said(app);
        let before = std::mem::replace(&mut self.printed.said, said.clone());
        let mut report_changed =
            |form: &dyn Fn(&str) -> String, steps: &[(String, String)], others: &[(String, String)]| {
                for (id, title) in steps.iter().filter(|(id, _)| others.iter().all(|(other, _)| other != id)) {
                    let line = sentence(&form(title));
                    self.say_of(Topic::Said(id.clone()), line);
                }
            };
        report_changed(&|title| words.unsaid(title), &before, &said);
        report_changed(&|title| words.said(title), &said, &before);
    }

    fn notice_state(&mut self, app: &App) {
        let mut here = state(app);
        let typing = matches!(app.mode(), Mode::Typing(_));
        let before = std::mem::take(&mut self.printed.state);
        if typing {
            // An open field is printed once it is accepted.
            here.retain(|statement| !matches!(statement.topic, Topic::Field(_)));
            here.extend(before.iter().filter(|statement| matches!(statement.topic, Topic::Field(_))).cloned());
        }
        let is_new = |statement: &Statement| {
            !before.iter().any(|old| old.topic == statement.topic && old.what == statement.what)
        };
        let new: Vec<&Statement> = here.iter().filter(|statement| is_new(statement)).collect();
        // A statement that is not true any more is not printed.
        let is_current = |topic: &Topic| here.iter().any(|statement| statement.topic == *topic);
        let gone = before.iter().filter(|statement| !is_current(&statement.topic));
        for statement in gone {
            self.lines.retain(|(about, _)| about.as_ref() != Some(&statement.topic));
        }
        for statement in &new {
            // The notice of the same change said it.
            if self.lines.iter().any(|(topic, line)| topic.is_none() && *line == statement.words) {
                continue;
            }
            // The banner contains the fact.
            let with_banner = matches!(&statement.topic, Topic::Fact(id)
                if new.iter().any(|other| other.topic == Topic::Banner(id.clone())));
            if !with_banner {
                self.say_of(statement.topic.clone(), statement.words.clone());
            }
        }
        let words = &app.words().plain;
        // Where the connection ended, that is said instead.
        let clock_over = (app.centre_link() == Some(CentreLink::Up)).then_some((Topic::Clock, words.clock_over));
        let over = [(Topic::Standing, words.over), (Topic::Centre, words.centre_over)];
        for (topic, over) in over.into_iter().chain(clock_over) {
            let is_in = |state: &[Statement]| state.iter().any(|statement| statement.topic == topic);
            if is_in(&before) && !is_in(&here) {
                self.say_of(topic, over.into());
            }
        }
        self.printed.state = here;
    }

    /// Prints an open question, or the current sentence if it changed.
    fn say_prompt_or_sentence(&mut self, app: &App) {
        let prompt = match app.mode() {
            Mode::Typing(_) => Prompt::Field,
            Mode::EndPrompt => Prompt::Why,
            Mode::LeavePrompt => Prompt::Leave,
            _ => Prompt::Nothing,
        };
        let before = std::mem::replace(&mut self.printed.prompt, prompt);
        match app.mode() {
            Mode::Typing(draft) if before != prompt => {
                let label = draft.field().map(|field| app.rules().field(field).label.as_str());
                let label = label.unwrap_or(app.words().keys.agent);
                self.say(sentence(&app.words().plain.type_field(label)));
            }
            Mode::EndPrompt | Mode::LeavePrompt if before != prompt => {
                for line in question(app) {
                    self.say(line);
                }
            }
            Mode::Typing(_) | Mode::EndPrompt | Mode::LeavePrompt => {}
            _ => {
                let plan = plan(app);
                if plan != self.printed.plan {
                    self.say(plan.clone());
                    self.printed.plan = plan;
                }
                let here = current_lines(app);
                let asked = matches!(before, Prompt::Why | Prompt::Leave);
                if std::mem::take(&mut self.again) || asked || here != self.printed.current {
                    for line in &here {
                        self.say(line.clone());
                    }
                    self.printed.current = here;
                }
            }
        }
        if std::mem::take(&mut self.unanswered) && self.lines.is_empty() {
            self.repeat_unchanged(app, before);
        }
    }

    /// Repeats the present state after a line that changed nothing. To a person who only hears the output, silence would
    /// seem like a lost key; they would repeat it, and another Enter ticks a sentence.
    fn repeat_unchanged(&mut self, app: &App, before: Prompt) {
        let same: Vec<String> = if before == Prompt::Field {
            let fields = state(app).into_iter().filter(|statement| matches!(statement.topic, Topic::Field(_)));
            fields.map(|statement| statement.words).collect()
        } else {
            current_lines(app)
        };
        for line in same {
            self.say(line);
        }
    }

    fn write(&mut self) -> io::Result<()> {
        let mut text = String::new();
        for (_, line) in self.lines.drain(..) {
            // Removes line breaks and control characters, whatever the line was made of.
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
    type Output = Request;
    const EACH: bool = true;

    fn listen(sender: InputSender<Line>) -> io::Result<()> {
        listen(sender)
    }

    fn input(&mut self, line: Line, app: &App, now: DateTime<Utc>) -> io::Result<Vec<Step<Request>>> {
        self.unanswered = true;
        let words = &app.words().plain;
        Ok(match line {
            Line::Text(text) => {
                parse_line(app, &text, now).unwrap_or_else(|wrong| vec![Step::Output(Request::Refused(wrong))])
            }
            Line::TooLong => vec![Step::Output(Request::Unread(words.too_long))],
            Line::NotUtf8 => vec![Step::Output(Request::Unread(words.not_utf8))],
        })
    }

    fn output(&mut self, request: Request, app: &App) {
        self.answer(request, app);
    }

    fn changed(&mut self, app: &App, effects: &[Effect], by_person: bool) {
        for effect in effects {
            if let Effect::Pressed(press) = effect {
                if !press.did.is_empty() {
                    self.say(sentence(app.words().press.printed));
                } else if press.is_news() {
                    // Behind the reason, what is asked is repeated.
                    self.again = true;
                    self.printed.prompt = Prompt::Nothing;
                }
            }
        }
        // No answer after quitting.
        self.unanswered &= !effects.contains(&Effect::Quit);
        self.notice(app, by_person);
        for effect in effects {
            if let Effect::Print(panel) = effect {
                self.answer(Request::Panel(*panel), app);
            }
        }
    }

    fn show(&mut self, app: &App) -> io::Result<()> {
        if self.printed.call.is_none() {
            let opening = app.words().plain.opening(&app.rules().sop.revision);
            self.say(sentence(&opening));
            self.notice(app, true);
        }
        self.say_prompt_or_sentence(app);
        self.write()
    }

    /// Prints the text on a line, from where it can be copied.
    fn copy(&mut self, text: &str) -> io::Result<()> {
        self.say(clean(text));
        Ok(())
    }

    #[cfg(unix)]
    const INTERRUPT_LEAVES: bool = true;

    #[cfg(unix)]
    fn resume(&mut self) -> io::Result<()> {
        self.again = true;
        Ok(())
    }
}

/// Ids and titles of the ticked steps.
fn said(app: &App) -> Vec<(String, String)> {
    let said = app.call().spoken().iter().map(|said| app.rules().step(said.step));
    said.map(|step| (step.id.clone(), step.title.clone())).collect()
}

/// The question why the call ends or whether to quit, and its answers. An answer that costs score names it.
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
            // Ctrl-C quits too, but is not an answer.
            Action::Quit if row.footer.is_some() => row.label.to_string(),
            // If a key is in two rows, the first one applies.
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

/// A panel's page as lines, with the names of keys in line mode.
fn page_lines(panel: Panel, app: &App) -> Vec<String> {
    let words = app.words();
    let keys =
        |row: &keymap::KeyBinding| row.keys.iter().filter_map(|key| keys::name(*key, words)).map(Into::into).collect();
    let mut intro = vec![
        words.plain.intro.into(),
        format!("{}: {}", words.plain.again_key, words.plain.again),
        format!("{}: {}", keys::STATE, words.plain.state),
    ];
    intro.extend(typed_key(app).map(|key| words.plain.field_in_line(&key)));
    lines(&page(panel, app, &Surface { offers: &keys::offers, keys: &keys, intro, own: None }), words)
}

/// The key of the first typed field.
fn typed_key(app: &App) -> Option<String> {
    let typed = app.rules().fields.iter().find(|f| matches!(f.kind, FieldKind::Typed { .. }) && f.key.is_some());
    typed.and_then(|f| f.key).map(String::from)
}
