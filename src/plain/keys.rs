//! Parses a line into actions. A line is performed as a whole or not at all: it is tried on a copy of the state first.

use std::borrow::Cow;

use chrono::{DateTime, Utc};

use crate::action::{Action, Edit};
use crate::app::{App, Effect, Mode};
use crate::keymap::{self, Key, KeyBinding};
use crate::panel::Panel;
use crate::rules::text::is_blank;
use crate::run::Step;
use crate::words::Words;

/// Undo or close the question, since Backspace can't be typed in a line. Not a letter, which a rules file could use.
pub const UNDO: char = '-';
/// Prints the current sentence again.
pub const AGAIN: char = '.';
/// Prints everything: facts, steps, the complete sentence. A letter that is reserved, so that no rules file uses it.
pub const STATE: char = 'l';

/// An output that a line asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// The current sentence.
    Again,
    State,
    /// The banners, after one was confirmed.
    Banners,
    /// A panel's page, or the line that it is being read from the journal.
    Panel(Panel),
    /// Why a line was refused.
    Refused(Refusal),
    /// Why a line could not be read.
    Unread(&'static str),
}

/// Why a line is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Not a key in this state.
    Key(char),
    /// An empty line while a question is open.
    NoAnswer,
}

/// The name of a key in line mode; `None` if it can't be typed.
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

/// Whether an action exists in line mode, which has nothing to scroll or to close.
pub fn offers(row: &KeyBinding) -> bool {
    !matches!(row.action, Action::Preview(_) | Action::Scroll(_) | Action::Back | Action::Edit(_) | Action::Redraw)
}

/// Parses a line in this state.
///
/// # Errors
/// If something in it is not a key.
pub fn parse_line(app: &App, line: &str, now: DateTime<Utc>) -> Result<Vec<Step<Request>>, Refusal> {
    let mut trial = Trial { app: app.clone(), now, done: Vec::new(), left: false };
    if let Mode::Typing(_) = app.mode() {
        trial.text(line);
        return Ok(trial.done);
    }
    if is_blank(line) {
        match keymap::action(app, Key::Enter) {
            Some(action) => trial.act(action),
            None => return Err(Refusal::NoAnswer),
        }
        return Ok(trial.done);
    }
    let mut rest = line.chars();
    while let Some(c) = rest.next().filter(|_| !trial.left) {
        let is_agent = keymap::action(&trial.app, Key::Char(c)) == Some(Action::Agent);
        if !c.is_whitespace() {
            trial.key(c)?;
        }
        if is_agent && *trial.app.mode() == Mode::Closing {
            // Refused during a call: the rest of the line is the number, not keys.
            break;
        }
        if let Mode::Typing(_) = trial.app.mode() {
            // The rest of the line is the text of the field; if it is blank, the next line is.
            if !is_blank(rest.as_str()) {
                trial.text(rest.as_str());
            }
            break;
        }
    }
    Ok(trial.done)
}

/// A copy of the state on which the keys of a line are tried.
struct Trial {
    app: App,
    now: DateTime<Utc>,
    done: Vec<Step<Request>>,
    left: bool,
}

impl Trial {
    fn act(&mut self, action: Action) {
        self.left |= self.app.update(action.clone(), self.now).contains(&Effect::Quit);
        self.done.push(Step::Action(action));
    }

    fn request(&mut self, request: Request) {
        self.done.push(Step::Output(request));
    }

    fn key(&mut self, c: char) -> Result<(), Refusal> {
        match c {
            AGAIN => self.request(Request::Again),
            c if c == Panel::Help.row().key => {
                // Opening the key list dismisses the hint of the first run.
                if *self.app.mode() == Mode::Closing {
                    self.act(Action::Panel(Panel::Help));
                    self.act(Action::Back);
                }
                self.request(Request::Panel(Panel::Help));
            }
            c if c.to_ascii_lowercase() == STATE => self.request(Request::State),
            c => {
                let key = if c == UNDO { Key::Backspace } else { Key::Char(c) };
                let action = keymap::action(&self.app, key).ok_or(Refusal::Key(c))?;
                self.act(action.clone());
                match action {
                    // A panel's page is printed; the panel does not stay open.
                    Action::Panel(panel) => {
                        self.request(Request::Panel(panel));
                        self.act(Action::Back);
                    }
                    // The banner confirms it.
                    Action::StillHolds => self.request(Request::Banners),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// Replaces the text of the open field.
    fn text(&mut self, line: &str) {
        let line = line.trim();
        if line.is_empty() {
            // Accepts the present text, also one from the telephone.
            return self.act(Action::Take);
        }
        self.act(Action::Edit(Edit::End));
        self.act(Action::Edit(Edit::EraseAll));
        if line.chars().eq([UNDO]) {
            return self.act(Action::Take);
        }
        self.act(Action::Paste(line.into()));
        let is_name = matches!(self.app.mode(), Mode::Typing(draft) if !is_blank(draft.text()));
        // A rejected text must not delete the present name.
        self.act(if is_name { Action::Take } else { Action::Back });
    }
}
