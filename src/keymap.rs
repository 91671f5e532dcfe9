//! Key ↔ action, both ways, from one table: what a key does, what the footer and the key list say, and what is possible
//! now are the same rows, so they can't contradict each other. Facts and fields bring their keys from the rules file.

use std::borrow::Cow;

use crate::action::{Action, Direction, Edit};
use crate::app::{App, Mode};
use crate::closing::ending::{Ending, Outcome};
use crate::panel::{self, PANELS, Panel};
use crate::rules::ruleset::FieldKind;
use crate::words::Words;

/// A key, as every platform's terminal can tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A character, as typed; an upper-case letter stands for Shift.
    Char(char),
    /// A letter with Ctrl.
    Ctrl(char),
    /// Enter.
    Enter,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
    /// Esc.
    Esc,
    /// An arrow.
    Up,
    /// An arrow.
    Down,
    /// An arrow.
    Left,
    /// An arrow.
    Right,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
}

impl Key {
    /// As it is printed beside what it does.
    #[must_use]
    pub fn name(self, words: &Words) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Char(' ') => words.keys.space,
            Self::Char(c) => return c.to_uppercase().to_string().into(),
            Self::Ctrl(c) => return format!("Ctrl-{}", c.to_ascii_uppercase()).into(),
            Self::Enter => words.keys.enter,
            Self::Backspace => words.keys.backspace,
            Self::Esc => words.keys.esc,
            Self::Delete => "Del",
            Self::Up => "↑",
            Self::Down => "↓",
            Self::Left => "←",
            Self::Right => "→",
            Self::Home => "Home",
            Self::End => "End",
            Self::PageUp => "PgUp",
            Self::PageDown => "PgDn",
        })
    }

    /// The key without Shift.
    fn lower(self) -> Self {
        match self {
            Self::Char(c) => Self::Char(c.to_lowercase().next().unwrap_or(c)),
            other => other,
        }
    }
}

/// A key and what it does now.
#[derive(Clone, Debug)]
pub struct Row {
    /// The keys that do it.
    pub keys: Vec<Key>,
    /// What they do.
    pub action: Action,
    /// What it is called.
    pub label: Cow<'static, str>,
    /// Its place in the footer, the most needed first; `None`: in the key list alone.
    pub footer: Option<u8>,
}

impl Row {
    fn new(keys: &[Key], action: Action, label: impl Into<Cow<'static, str>>) -> Self {
        Self { keys: keys.to_vec(), action, label: label.into(), footer: None }
    }

    fn in_footer(mut self, place: u8) -> Self {
        self.footer = Some(place);
        self
    }
}

/// What a key does in the present state, if anything.
#[must_use]
pub fn action(app: &App, key: Key) -> Option<Action> {
    if let Mode::Typing(_) = app.mode() {
        // In the field every character is text, also those that are keys elsewhere.
        if let Key::Char(c) = key {
            return Some(Action::Edit(Edit::Insert(c)));
        }
    }
    let rows = rows(app);
    // Shift and Caps Lock change nothing.
    let row = rows.iter().find(|r| r.keys.contains(&key)).or_else(|| {
        let lower = key.lower();
        rows.iter().find(|r| r.keys.contains(&lower))
    })?;
    Some(row.action.clone())
}

/// The key that does this when nothing is open.
#[must_use]
pub fn key_of(app: &App, action: &Action) -> Option<Key> {
    all(app).into_iter().find(|row| row.action == *action)?.keys.first().copied()
}

/// Every key that does something in the present state.
#[must_use]
pub fn rows(app: &App) -> Vec<Row> {
    let words = app.words();
    let mut rows = match app.mode() {
        Mode::Closing => closing(app),
        Mode::Typing(_) => typing(app),
        Mode::EndPrompt => asking(app),
        Mode::LeavePrompt => leaving(app),
        Mode::Panel(open) => panel(app, *open),
    };
    match app.mode() {
        Mode::Typing(_) => {}
        // The question is answered by the key that asked it.
        Mode::LeavePrompt => rows.insert(0, Row::new(&[Key::Char('q')], Action::Quit, words.keys.quit).in_footer(0)),
        _ => rows.push(Row::new(&[Key::Char('q')], Action::Leave, words.keys.quit)),
    }
    rows.push(Row::new(&[Key::Ctrl('c')], Action::Quit, words.keys.quit));
    rows.push(Row::new(&[Key::Ctrl('l')], Action::Redraw, words.keys.redraw));
    rows
}

/// Every key of the prompter, whatever the present state: for the key list.
#[must_use]
pub fn all(app: &App) -> Vec<Row> {
    let words = app.words();
    let mut rows = closing(app);
    rows.push(Row::new(&[Key::Char('q')], Action::Leave, words.keys.quit));
    rows.push(Row::new(&[Key::Ctrl('c')], Action::Quit, words.keys.quit));
    rows.push(Row::new(&[Key::Ctrl('l')], Action::Redraw, words.keys.redraw));
    rows
}

fn closing(app: &App) -> Vec<Row> {
    let words = app.words();
    let keys = &words.keys;
    let mut rows = vec![
        Row::new(
            &[Key::Char(' '), Key::Enter],
            Action::Said,
            match () {
                () if app.is_previewing() => keys.back,
                () if app.is_complete() => keys.next_call,
                () => keys.said,
            },
        )
        .in_footer(0),
    ];
    rows.extend(still(app));
    rows.push(Row::new(&[Key::Char('s')], Action::SaidAll, keys.said_all).in_footer(5));
    let undo = Row::new(&[Key::Backspace], Action::Undo, keys.undo);
    rows.push(if app.can_undo() { undo.in_footer(2) } else { undo });
    rows.push(Row::new(&[Key::Up], Action::Look(Direction::Up), keys.look));
    rows.push(Row::new(&[Key::Down], Action::Look(Direction::Down), keys.look));
    rows.extend(settings(app));
    rows.push(Row::new(&[Key::Char('x')], Action::End, keys.end).in_footer(3));
    let copy = if app.is_plain_mode() { words.plain.copy } else { keys.copy };
    rows.push(Row::new(&[Key::Char('c')], Action::Copy, copy));
    rows.push(Row::new(&[Key::PageDown], Action::Scroll(Direction::Down), keys.scroll));
    rows.push(Row::new(&[Key::PageUp], Action::Scroll(Direction::Up), keys.scroll));
    rows.extend(PANELS.iter().map(|row| Row { footer: row.footer, ..opens(row, words) }));
    rows.push(Row::new(&[Key::Esc], Action::Back, keys.back));
    rows
}

/// The answer to the banner's question whether a fact still holds.
fn still(app: &App) -> Option<Row> {
    app.asked_fact().map(|_| Row::new(&[Key::Char('v')], Action::StillHolds, app.words().keys.still).in_footer(1))
}

/// Facts, fields and the zone: they change the script also while a panel is open.
fn settings(app: &App) -> Vec<Row> {
    let (words, rules) = (app.words(), app.rules());
    let mut rows = Vec::with_capacity(8);
    for (fact, f) in rules.facts.iter().enumerate() {
        if let Some(key) = f.key {
            let label = words.keys.fact(&f.label);
            rows.push(Row::new(&[Key::Char(key)], Action::Fact(fact), label));
        }
    }
    for (ix, field) in rules.fields_ix() {
        if let Some(key) = field.key {
            let label = match field.kind {
                FieldKind::Choice(_) => words.keys.field_choice(&field.label),
                FieldKind::Typed { .. } => words.keys.field_typed(&field.label),
            };
            rows.push(Row::new(&[Key::Char(key)], Action::Field(ix), label));
        }
    }
    rows.push(Row::new(&[Key::Char('z')], Action::Zone, words.keys.zone));
    rows
}

fn typing(app: &App) -> Vec<Row> {
    let keys = &app.words().keys;
    vec![
        Row::new(&[Key::Enter], Action::Take, keys.take).in_footer(0),
        Row::new(&[Key::Esc], Action::Back, keys.drop).in_footer(1),
        Row::new(&[Key::Backspace], Action::Edit(Edit::EraseBack), keys.undo),
        Row::new(&[Key::Delete], Action::Edit(Edit::EraseForward), keys.undo),
        Row::new(&[Key::Ctrl('w')], Action::Edit(Edit::EraseWord), keys.undo),
        Row::new(&[Key::Ctrl('u')], Action::Edit(Edit::EraseAll), keys.undo),
        Row::new(&[Key::Left], Action::Edit(Edit::Left), ""),
        Row::new(&[Key::Right], Action::Edit(Edit::Right), ""),
        Row::new(&[Key::Home, Key::Ctrl('a')], Action::Edit(Edit::Home), ""),
        Row::new(&[Key::End, Key::Ctrl('e')], Action::Edit(Edit::End), ""),
    ]
}

fn asking(app: &App) -> Vec<Row> {
    let words = app.words();
    let mut rows: Vec<Row> = ('1'..)
        .zip(Ending::ANSWERS)
        .map(|(digit, ending)| {
            Row::new(&[Key::Char(digit)], Action::Answer(ending), words.outcome(Outcome::Said(ending)))
        })
        .collect();
    if app.can_return() {
        // The telephone's call that is being ended may be the second leg of the one before.
        rows.push(Row::new(&[Key::Backspace], Action::Undo, words.phone.return_to));
    }
    rows.push(Row::new(&[Key::Esc, Key::Backspace], Action::Back, words.keys.back).in_footer(0));
    rows.push(Row::new(&[Key::Down, Key::PageDown], Action::Scroll(Direction::Down), words.keys.scroll));
    rows.push(Row::new(&[Key::Up, Key::PageUp], Action::Scroll(Direction::Up), words.keys.scroll));
    rows
}

fn leaving(app: &App) -> Vec<Row> {
    let words = app.words();
    vec![
        Row::new(&[Key::Esc, Key::Backspace], Action::Back, words.keys.back).in_footer(1),
        Row::new(&[Key::Down, Key::PageDown], Action::Scroll(Direction::Down), words.keys.scroll),
        Row::new(&[Key::Up, Key::PageUp], Action::Scroll(Direction::Up), words.keys.scroll),
    ]
}

fn opens(panel: &panel::Row, words: &Words) -> Row {
    Row::new(&[Key::Char(panel.key)], Action::Panel(panel.panel), (panel.label)(words))
}

fn panel(app: &App, open: Panel) -> Vec<Row> {
    let (words, keys) = (app.words(), &app.words().keys);
    let mut rows = vec![
        Row::new(&[Key::Esc, Key::Char(open.row().key)], Action::Panel(open), keys.back).in_footer(0),
        Row::new(&[Key::Up], Action::Look(Direction::Up), keys.scroll),
        Row::new(&[Key::Down], Action::Look(Direction::Down), keys.scroll).in_footer(1),
        Row::new(&[Key::PageUp], Action::Scroll(Direction::Up), keys.scroll),
        Row::new(&[Key::PageDown], Action::Scroll(Direction::Down), keys.scroll),
        // Nothing is ticked that is not to be seen: it closes the panel.
        Row::new(&[Key::Char(' '), Key::Enter], Action::Said, keys.back),
        Row::new(&[Key::Backspace], Action::Undo, keys.undo),
    ];
    let others = PANELS.iter().rev().filter(|row| row.panel != open);
    rows.extend(others.map(|row| opens(row, words).in_footer(3)));
    rows.extend(still(app));
    rows.extend(settings(app));
    rows
}
