//! A line → what is done. A line is done whole or not at all: it is tried on a copy of the state first.

use std::borrow::Cow;

use chrono::{DateTime, Utc};

use crate::action::{Action, Edit};
use crate::app::{App, Effect, Mode};
use crate::keymap::{self, Key, Row};
use crate::panel::Panel;
use crate::rules::text::is_blank;
use crate::run::Step;
use crate::words::Words;

/// Takes the last thing back, or closes the question: Backspace can't be typed in a line. No letter, so that no rules
/// file can want it.
pub const UNDO: char = '-';
/// Says the current sentence again.
pub const AGAIN: char = '.';
/// Says everything: facts, steps, the complete sentence. A letter that no rules file may take.
pub const STATE: char = 'l';

/// What can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// The current sentence.
    Again,
    /// Everything.
    State,
    /// What the banners say: they were confirmed.
    Banners,
    /// A panel, or that it is asked for in the journal.
    Panel(Panel),
    /// Why a line was not done.
    Refused(Wrong),
    /// Why a line was not read.
    Unread(&'static str),
}

/// Why a line is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// No key here.
    Key(char),
    /// Nothing at all, where an answer is waited for.
    NoAnswer,
}

/// What a key is called where it is typed in a line; `None`: it can't be.
pub fn name(key: Key, words: &Words) -> Option<Cow<'static, str>> {
    Some(match key {
        Key::Char(' ') => return None,
        Key::Char('?') => words.plain.help_key.into(),
        Key::Char(c) => c.to_string().into(),
        Key::Backspace => words.plain.undo_key_and_mark.into(),
        Key::Enter | Key::Ctrl(_) => key.name(words),
        _ => return None,
    })
}

/// Whether what a key does can be done in lines: nothing is scrolled, nothing open needs closing.
pub fn offers(row: &Row) -> bool {
    !matches!(row.action, Action::Look(_) | Action::Scroll(_) | Action::Back | Action::Edit(_) | Action::Redraw)
}

/// What a line does in this state.
///
/// # Errors
/// What in it is no key; nothing of the line is done then.
pub fn understand(app: &App, line: &str, now: DateTime<Utc>) -> Result<Vec<Step<Ask>>, Wrong> {
    let mut trial = Trial { app: app.clone(), now, done: Vec::new(), left: false };
    if let Mode::Typing(_) = app.mode() {
        trial.text(line);
        return Ok(trial.done);
    }
    if is_blank(line) {
        match keymap::action(app, Key::Enter) {
            Some(action) => trial.act(action),
            None => return Err(Wrong::NoAnswer),
        }
        return Ok(trial.done);
    }
    let mut rest = line.chars();
    while let Some(c) = rest.next().filter(|_| !trial.left) {
        if !c.is_whitespace() {
            trial.key(c)?;
        }
        if let Mode::Typing(_) = trial.app.mode() {
            // Behind the letter of a field stands its text; with none, the next line is it.
            if !is_blank(rest.as_str()) {
                trial.text(rest.as_str());
            }
            break;
        }
    }
    Ok(trial.done)
}

/// The state as it becomes while a line is understood.
struct Trial {
    app: App,
    now: DateTime<Utc>,
    done: Vec<Step<Ask>>,
    left: bool,
}

impl Trial {
    fn act(&mut self, action: Action) {
        self.left |= self.app.update(action.clone(), self.now).contains(&Effect::Quit);
        self.done.push(Step::Action(action));
    }

    fn say(&mut self, ask: Ask) {
        self.done.push(Step::Output(ask));
    }

    fn key(&mut self, c: char) -> Result<(), Wrong> {
        match c {
            AGAIN => self.say(Ask::Again),
            c if c == Panel::Help.row().key => {
                // Whoever looked up the keys needs the hint of the first run no more.
                if *self.app.mode() == Mode::Closing {
                    self.act(Action::Panel(Panel::Help));
                    self.act(Action::Back);
                }
                self.say(Ask::Panel(Panel::Help));
            }
            c if c.to_ascii_lowercase() == STATE => self.say(Ask::State),
            c => {
                let key = if c == UNDO { Key::Backspace } else { Key::Char(c) };
                let action = keymap::action(&self.app, key).ok_or(Wrong::Key(c))?;
                self.act(action.clone());
                match action {
                    // A panel's page is printed; the panel does not stay open.
                    Action::Panel(panel) => {
                        self.say(Ask::Panel(panel));
                        self.act(Action::Back);
                    }
                    // The banner answers.
                    Action::StillHolds => self.say(Ask::Banners),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// The whole text of the open field.
    fn text(&mut self, line: &str) {
        let line = line.trim();
        if line.is_empty() {
            // As it was; what the telephone gave is taken with that.
            return self.act(Action::Take);
        }
        self.act(Action::Edit(Edit::End));
        self.act(Action::Edit(Edit::EraseAll));
        if line.chars().eq([UNDO]) {
            return self.act(Action::Take);
        }
        self.act(Action::Paste(line.into()));
        let is_name = matches!(self.app.mode(), Mode::Typing(draft) if !is_blank(draft.text()));
        // What is no name must not erase the one that is there.
        self.act(if is_name { Action::Take } else { Action::Back });
    }
}
