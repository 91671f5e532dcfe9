//! The table of keys and actions. The dispatch of keys, the footer and the key list all read the same rows, so they
//! can't contradict each other. The keys of facts and fields come from the rules file.

use std::borrow::Cow;

use crate::action::{Action, Direction, Edit};
use crate::app::{App, Mode};
use crate::closing::ending::{Ending, Outcome};
use crate::panel::{self, PANELS, Panel};
use crate::rules::ruleset::FieldKind;
use crate::words::Words;

/// A key that every platform's terminal can report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A character as typed; upper case with Shift.
    Char(char),
    Ctrl(char),
    Enter,
    Backspace,
    Delete,
    Esc,
    /// An arrow.
    Up,
    /// An arrow.
    Down,
    /// An arrow.
    Left,
    /// An arrow.
    Right,
    Home,
    End,
    PageUp,
    PageDown,
}

impl Key {
    /// Its name in the footer and the key list.
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

/// Keys and their action in the current state.
#[derive(Clone, Debug)]
pub struct KeyBinding {
    pub keys: Vec<Key>,
    pub action: Action,
    pub label: Cow<'static, str>,
    /// Its rank in the footer, 0 the most important; `None`: only in the key list.
    pub footer: Option<u8>,
}

impl KeyBinding {
    fn new(keys: &[Key], action: Action, label: impl Into<Cow<'static, str>>) -> Self {
        Self { keys: keys.to_vec(), action, label: label.into(), footer: None }
    }

    fn in_footer(mut self, place: u8) -> Self {
        self.footer = Some(place);
        self
    }
}

/// The action of a key in the current state.
pub fn action(app: &App, key: Key) -> Option<Action> {
    if let Mode::Typing(_) = app.mode() {
        // In a field every character is text.
        if let Key::Char(c) = key {
            return Some(Action::Edit(Edit::Insert(c)));
        }
    }
    let rows = rows(app);
    // Shift and Caps Lock make no difference.
    let row = rows.iter().find(|r| r.keys.contains(&key)).or_else(|| {
        let lower = key.lower();
        rows.iter().find(|r| r.keys.contains(&lower))
    })?;
    Some(row.action.clone())
}

/// The first key of an action when nothing is open.
pub fn key_of(app: &App, action: &Action) -> Option<Key> {
    all(app).into_iter().find(|row| row.action == *action)?.keys.first().copied()
}

/// Every key that has an action in the current state.
pub fn rows(app: &App) -> Vec<KeyBinding> {
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
        // The key that asked the question also confirms it.
        Mode::LeavePrompt => {
            rows.insert(0, KeyBinding::new(&[Key::Char('q')], Action::Quit, words.keys.quit).in_footer(0));
        }
        _ => rows.push(KeyBinding::new(&[Key::Char('q')], Action::Leave, words.keys.quit)),
    }
    rows.push(KeyBinding::new(&[Key::Ctrl('c')], Action::Quit, words.keys.quit));
    rows.push(KeyBinding::new(&[Key::Ctrl('l')], Action::Redraw, words.keys.redraw));
    rows
}

/// Every key when nothing is open, whatever the current state: for the key list.
pub fn all(app: &App) -> Vec<KeyBinding> {
    let words = app.words();
    let mut rows = closing(app);
    rows.push(KeyBinding::new(&[Key::Char('q')], Action::Leave, words.keys.quit));
    rows.push(KeyBinding::new(&[Key::Ctrl('c')], Action::Quit, words.keys.quit));
    rows.push(KeyBinding::new(&[Key::Ctrl('l')], Action::Redraw, words.keys.redraw));
    rows
}

/// Whether a key does something when nothing is open.
pub fn has_function(app: &App, key: Key) -> bool {
    all(app).iter().any(|row| row.keys.contains(&key.lower()))
}

fn closing(app: &App) -> Vec<KeyBinding> {
    let words = app.words();
    let keys = &words.keys;
    let mut rows = vec![
        KeyBinding::new(
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
    let said_all = KeyBinding::new(&[Key::Char('s')], Action::SaidAll, keys.said_all);
    rows.push(if app.is_complete() { said_all } else { said_all.in_footer(4) });
    let undo = KeyBinding::new(&[Key::Backspace], Action::Undo, keys.undo);
    rows.push(if app.can_undo() { undo.in_footer(2) } else { undo });
    rows.push(KeyBinding::new(&[Key::Up], Action::Preview(Direction::Up), keys.look));
    rows.push(KeyBinding::new(&[Key::Down], Action::Preview(Direction::Down), keys.look));
    rows.extend(fact_and_field_keys(app));
    rows.push(KeyBinding::new(&[Key::Char('x')], Action::End, keys.end).in_footer(3));
    let copy = if app.is_plain_mode() { words.plain.copy } else { keys.copy };
    rows.push(KeyBinding::new(&[Key::Char('c')], Action::Copy, copy));
    // Not a letter, which a rules file could use.
    rows.push(KeyBinding::new(&[Key::Char('#')], Action::Agent, keys.agent));
    rows.push(KeyBinding::new(&[Key::PageDown], Action::Scroll(Direction::Down), keys.scroll));
    rows.push(KeyBinding::new(&[Key::PageUp], Action::Scroll(Direction::Up), keys.scroll));
    rows.extend(PANELS.iter().map(|row| KeyBinding { footer: row.footer, ..opens(row, words) }));
    rows.push(KeyBinding::new(&[Key::Esc], Action::Back, keys.back));
    rows
}

/// The key that confirms the fact which the banner asks about.
fn still(app: &App) -> Option<KeyBinding> {
    app.asked_fact()
        .map(|_| KeyBinding::new(&[Key::Char('v')], Action::StillHolds, app.words().keys.still).in_footer(1))
}

/// The keys of facts, fields and the zone; they also work while a panel is open.
fn fact_and_field_keys(app: &App) -> Vec<KeyBinding> {
    let (words, rules) = (app.words(), app.rules());
    let mut rows = Vec::with_capacity(8);
    for (fact, f) in rules.facts.iter().enumerate() {
        if let Some(key) = f.key {
            let label = words.keys.fact(&f.label);
            rows.push(KeyBinding::new(&[Key::Char(key)], Action::Fact(fact), label));
        }
    }
    for (ix, field) in rules.fields_ix() {
        if let Some(key) = field.key {
            let label = match field.kind {
                FieldKind::Choice(_) => words.keys.field_choice(&field.label),
                FieldKind::Typed { .. } => words.keys.field_typed(&field.label),
            };
            rows.push(KeyBinding::new(&[Key::Char(key)], Action::Field(ix), label));
        }
    }
    if rules.zones.len() > 1 {
        rows.push(KeyBinding::new(&[Key::Char('z')], Action::Zone, words.keys.zone).in_footer(5));
    }
    rows
}

fn typing(app: &App) -> Vec<KeyBinding> {
    let keys = &app.words().keys;
    vec![
        KeyBinding::new(&[Key::Enter], Action::Take, keys.take).in_footer(0),
        KeyBinding::new(&[Key::Esc], Action::Back, keys.drop).in_footer(1),
        KeyBinding::new(&[Key::Backspace], Action::Edit(Edit::EraseBack), keys.undo),
        KeyBinding::new(&[Key::Delete], Action::Edit(Edit::EraseForward), keys.undo),
        KeyBinding::new(&[Key::Ctrl('w')], Action::Edit(Edit::EraseWord), keys.undo),
        KeyBinding::new(&[Key::Ctrl('u')], Action::Edit(Edit::EraseAll), keys.undo),
        KeyBinding::new(&[Key::Left], Action::Edit(Edit::Left), ""),
        KeyBinding::new(&[Key::Right], Action::Edit(Edit::Right), ""),
        KeyBinding::new(&[Key::Home, Key::Ctrl('a')], Action::Edit(Edit::Home), ""),
        KeyBinding::new(&[Key::End, Key::Ctrl('e')], Action::Edit(Edit::End), ""),
    ]
}

fn asking(app: &App) -> Vec<KeyBinding> {
    let words = app.words();
    let mut rows: Vec<KeyBinding> = ('1'..)
        .zip(Ending::ANSWERS)
        .map(|(digit, ending)| {
            KeyBinding::new(&[Key::Char(digit)], Action::Answer(ending), words.outcome(Outcome::Ended(ending)))
        })
        .collect();
    if app.can_return() {
        // The call that is being ended may be the second leg of the one before.
        rows.push(KeyBinding::new(&[Key::Backspace], Action::Undo, words.phone.return_to));
    }
    rows.push(KeyBinding::new(&[Key::Esc, Key::Backspace], Action::Back, words.keys.back).in_footer(0));
    rows.push(KeyBinding::new(&[Key::Down, Key::PageDown], Action::Scroll(Direction::Down), words.keys.scroll));
    rows.push(KeyBinding::new(&[Key::Up, Key::PageUp], Action::Scroll(Direction::Up), words.keys.scroll));
    rows
}

fn leaving(app: &App) -> Vec<KeyBinding> {
    let words = app.words();
    vec![
        KeyBinding::new(&[Key::Esc, Key::Backspace], Action::Back, words.keys.back).in_footer(1),
        KeyBinding::new(&[Key::Down, Key::PageDown], Action::Scroll(Direction::Down), words.keys.scroll),
        KeyBinding::new(&[Key::Up, Key::PageUp], Action::Scroll(Direction::Up), words.keys.scroll),
    ]
}

fn opens(panel: &panel::PanelRow, words: &Words) -> KeyBinding {
    KeyBinding::new(&[Key::Char(panel.key)], Action::Panel(panel.panel), (panel.label)(words))
}

fn panel(app: &App, open: Panel) -> Vec<KeyBinding> {
    let (words, keys) = (app.words(), &app.words().keys);
    let mut rows = vec![
        KeyBinding::new(&[Key::Esc, Key::Char(open.row().key)], Action::Panel(open), keys.back).in_footer(0),
        KeyBinding::new(&[Key::Up], Action::Preview(Direction::Up), keys.scroll),
        KeyBinding::new(&[Key::Down], Action::Preview(Direction::Down), keys.scroll).in_footer(1),
        KeyBinding::new(&[Key::PageUp], Action::Scroll(Direction::Up), keys.scroll),
        KeyBinding::new(&[Key::PageDown], Action::Scroll(Direction::Down), keys.scroll),
        // The sentence is hidden by the panel, so these only close it.
        KeyBinding::new(&[Key::Char(' '), Key::Enter], Action::Said, keys.back),
        KeyBinding::new(&[Key::Backspace], Action::Undo, keys.undo),
    ];
    let others = PANELS.iter().rev().filter(|row| row.panel != open);
    rows.extend(others.map(|row| opens(row, words).in_footer(3)));
    rows.extend(still(app));
    rows.extend(fact_and_field_keys(app));
    rows
}
