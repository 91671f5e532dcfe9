//! The keys of practice and presentation. As in `keymap`, one table per mode says what a key does and what the footer
//! shows. On a card of *studi kasus* the prompter's own keys apply, except those that would end the call or give the
//! answer away. Esc never leaves.

use super::grade::{ExerciseKind, SpokenMark};
use super::session::{Draft, Phase, Session, SessionAction};
use super::show::{Show, ShowAction};
use crate::action::{Action, Direction};
use crate::app::Mode;
use crate::keymap::{self, Key};
use crate::pages::KeyGroup;
use crate::panel::Panel;
use crate::words::Words;

/// Keys and their action in the current state.
#[derive(Clone, Debug)]
pub struct Binding<M> {
    pub keys: Vec<Key>,
    /// Their action.
    pub step: M,
    pub label: &'static str,
    pub in_footer: bool,
}

impl<M> Binding<M> {
    fn new(keys: &[Key], step: M, label: &'static str) -> Self {
        Self { keys: keys.to_vec(), step, label, in_footer: true }
    }

    fn hidden(keys: &[Key], step: M) -> Self {
        Self { keys: keys.to_vec(), step, label: "", in_footer: false }
    }
}

const SPACE: &[Key] = &[Key::Char(' '), Key::Enter];
const LEAVE: &[Key] = &[Key::Char('q'), Key::Ctrl('c')];

/// The entries of a footer: the name of a key and its label.
pub fn footer<M>(rows: &[Binding<M>], words: &Words) -> Vec<(String, String)> {
    let named = |row: &Binding<M>| {
        let keys: Vec<String> = row.keys.iter().map(|k| k.name(words).into_owned()).collect();
        // Space and Enter are shown as one; arrows and digits are combined.
        let shown = if row.keys.starts_with(SPACE) || row.keys.starts_with(LEAVE) { &keys[..1] } else { &keys[..] };
        (shown.join(" "), row.label.to_owned())
    };
    rows.iter().filter(|r| r.in_footer).map(named).collect()
}

pub fn session(session: &Session, key: Key) -> Option<SessionAction> {
    if session.is_leaving() {
        return found(leaving_rows(session), key);
    }
    if session.is_on_prompter() {
        return on_prompter(session, key);
    }
    found(session_rows(session), key)
}

/// What a key does in a presentation.
pub fn show(show: &Show, key: Key) -> Option<ShowAction> {
    if matches!(show.app().mode(), Mode::Typing(_)) {
        return match keymap::action(show.app(), key)? {
            Action::Quit | Action::Leave => Some(ShowAction::Quit),
            action => Some(ShowAction::App(action)),
        };
    }
    if let Some(go) = found(show_rows(show), key) {
        return Some(go);
    }
    if show.has_ended() {
        return None;
    }
    match keymap::action(show.app(), key)? {
        action if HIDDEN_IN_SHOW.contains(&action) => None,
        action => Some(ShowAction::App(action)),
    }
}

fn found<M: Clone>(rows: Vec<Binding<M>>, key: Key) -> Option<M> {
    let lower = match key {
        Key::Char(c) => Key::Char(c.to_lowercase().next().unwrap_or(c)),
        other => other,
    };
    rows.into_iter().find(|r| r.keys.contains(&key) || r.keys.contains(&lower)).map(|r| r.step)
}

/// The prompter's actions that are not available here: copying, the recap and the agent's number are useless, and the
/// reasons would give an exam's answers away.
pub fn hidden(exam: bool) -> &'static [Action] {
    // The key of the end of a call hands the answer in, and stands in the list of keys as that.
    &unlisted(exam)[1..]
}

/// The prompter's actions that are not in the list of keys.
pub fn unlisted(exam: bool) -> &'static [Action] {
    if exam {
        &[Action::End, Action::Copy, Action::Agent, Action::Panel(Panel::Recap), Action::Panel(Panel::Basis)]
    } else {
        &[Action::End, Action::Copy, Action::Agent, Action::Panel(Panel::Recap)]
    }
}

/// The prompter's actions that are not available in a presentation: besides useless ones, those whose keys do
/// something else there.
pub const HIDDEN_IN_SHOW: &[Action] = &[
    Action::Copy,
    Action::Agent,
    Action::Panel(Panel::Recap),
    Action::Said,
    Action::Undo,
    Action::Leave,
    Action::Quit,
];

fn on_prompter(session: &Session, key: Key) -> Option<SessionAction> {
    let app = session.app();
    if key == Key::Char('r') && !matches!(app.mode(), Mode::Typing(_)) {
        return Some(SessionAction::Story);
    }
    match keymap::action(app, key)? {
        Action::Leave => Some(SessionAction::Leave),
        Action::Quit => Some(SessionAction::Quit),
        Action::End => Some(SessionAction::HandIn),
        Action::Answer(_) => None,
        action if hidden(session.is_exam()).contains(&action) => None,
        action => Some(SessionAction::App(action)),
    }
}

/// Every key of a session that is not the prompter's own.
pub fn session_rows(session: &Session) -> Vec<Binding<SessionAction>> {
    let w = &session.words().drill;
    let mut rows: Vec<Binding<SessionAction>> = Vec::new();
    if session.is_reading() {
        rows.push(Binding::new(&[Key::Esc, Key::Char('r')], SessionAction::Story, w.key_back));
        rows.extend(scrolling(w.key_scroll));
        rows.extend(leave_rows(w.key_quit));
        return rows;
    }
    match session.phase() {
        Phase::Intro => {
            rows.extend(scrolling(w.key_scroll).map(|row| Binding { in_footer: false, ..row }));
            if let Some(way) = session.setup().kind {
                rows.push(Binding::new(SPACE, SessionAction::Begin(way), w.key_begin));
            } else {
                for (kind, digit) in ExerciseKind::ALL.into_iter().zip('1'..) {
                    let label = kind.label(session.words());
                    rows.push(Binding::new(&[Key::Char(digit)], SessionAction::Begin(kind), label));
                }
            }
        }
        Phase::Card => card_rows(session, &mut rows),
        Phase::Feedback => {
            rows.push(Binding::new(SPACE, SessionAction::Next, w.key_next));
            rows.push(Binding::new(&[Key::Char('r')], SessionAction::Story, w.key_story));
            rows.extend(scrolling(w.key_scroll));
        }
        Phase::Score => {
            rows.push(Binding::new(SPACE, SessionAction::Next, w.key_finish));
            rows.extend(scrolling(w.key_scroll));
        }
    }
    rows.extend(leave_rows(w.key_quit));
    rows.push(Binding::hidden(&[Key::Esc], SessionAction::Back));
    rows
}

/// `q` asks, Ctrl-C does not.
fn leave_rows(label: &'static str) -> [Binding<SessionAction>; 2] {
    [
        Binding::new(&[Key::Char('q')], SessionAction::Leave, label),
        Binding::hidden(&[Key::Ctrl('c')], SessionAction::Quit),
    ]
}

/// The keys of the question whether to quit.
pub fn leaving_rows(session: &Session) -> Vec<Binding<SessionAction>> {
    let w = &session.words().drill;
    vec![
        Binding::new(&[Key::Esc], SessionAction::Back, w.key_back),
        Binding::hidden(&[Key::Backspace], SessionAction::Back),
        Binding::new(&[Key::Char('q')], SessionAction::Quit, w.key_quit),
        Binding::hidden(&[Key::Ctrl('c')], SessionAction::Quit),
    ]
}

/// The question whether to quit.
pub fn leaving_question(session: &Session) -> &'static str {
    let w = &session.words().drill;
    if session.is_exam() { w.leaving_exam } else { w.leaving }
}

/// The label of the key that hands an answer in: in an exam nothing is told of it.
fn hand_in(session: &Session) -> &'static str {
    let w = &session.words().drill;
    if session.is_exam() { w.key_submit } else { w.key_hand_in }
}

fn scrolling(label: &'static str) -> [Binding<SessionAction>; 5] {
    [
        // The first row with a key wins, so Up is before the row that shows both arrows.
        Binding::hidden(&[Key::Up], SessionAction::Line(Direction::Up)),
        Binding::new(&[Key::Up, Key::Down], SessionAction::Line(Direction::Down), label),
        Binding::hidden(&[Key::PageDown], SessionAction::Page(Direction::Down)),
        Binding::hidden(&[Key::PageUp], SessionAction::Page(Direction::Up)),
        Binding::hidden(&[Key::Home], SessionAction::Back),
    ]
}

fn card_rows(session: &Session, rows: &mut Vec<Binding<SessionAction>>) {
    let w = &session.words().drill;
    let (up, down) = (Direction::Up, Direction::Down);
    match session.draft() {
        Draft::Case => {
            let label = if session.app().is_complete() { hand_in(session) } else { session.words().keys.said };
            rows.push(Binding::new(SPACE, SessionAction::App(Action::Said), label));
            rows.push(Binding::new(&[Key::Char('x')], SessionAction::HandIn, hand_in(session)));
        }
        Draft::Blind { offered, .. } => {
            rows.push(Binding::new(&[Key::Char(' ')], SessionAction::Choose, w.key_choose));
            rows.push(Binding::hidden(&[Key::Up], SessionAction::Cursor(up)));
            rows.push(Binding::hidden(&[Key::Down], SessionAction::Cursor(down)));
            rows.push(Binding::hidden(&[Key::Right], SessionAction::Greeting(down)));
            rows.push(Binding::new(&[Key::Left, Key::Right], SessionAction::Greeting(up), w.key_greeting));
            for (at, digit) in ('1'..='9').enumerate().take(offered.len()) {
                rows.push(Binding::hidden(&[Key::Char(digit)], SessionAction::ChooseAt(at)));
            }
            rows.push(Binding::new(&[Key::Backspace], SessionAction::Undo, session.words().keys.undo));
            // An incomplete answer is never handed in: a slip must not fail an exam.
            let enter = if session.is_ready() { SessionAction::HandIn } else { SessionAction::Missing };
            rows.insert(0, Binding::new(&[Key::Enter], enter, hand_in(session)));
        }
        Draft::Spoken { open: false, .. } => rows.push(Binding::new(SPACE, SessionAction::Open, w.key_open)),
        Draft::Spoken { .. } => {
            if session.is_ready() {
                rows.push(Binding::new(SPACE, SessionAction::HandIn, hand_in(session)));
            }
            for (mark, digit) in SpokenMark::ALL.into_iter().zip('1'..) {
                rows.push(Binding::new(&[Key::Char(digit)], SessionAction::Mark(mark), mark.label(session.words())));
            }
            rows.push(Binding::hidden(&[Key::Up], SessionAction::Cursor(up)));
            rows.push(Binding::hidden(&[Key::Down], SessionAction::Cursor(down)));
            rows.push(Binding::new(&[Key::Backspace], SessionAction::Undo, session.words().keys.undo));
        }
    }
    rows.push(Binding::new(&[Key::Char('r')], SessionAction::Story, w.key_story));
}

/// The footer of a card of *studi kasus*: the prompter's, with the labels that differ here.
pub fn prompter_footer(session: &Session) -> Vec<(String, String)> {
    let (app, words) = (session.app(), session.words());
    let w = &words.drill;
    let mut rows: Vec<keymap::KeyBinding> = keymap::rows(app).into_iter().filter(|r| r.footer.is_some()).collect();
    rows.sort_by_key(|r| r.footer);
    let is_closing = matches!(app.mode(), Mode::Closing);
    let shown = rows.into_iter().filter_map(|row| {
        let label = match row.action {
            Action::Said if app.would_end() => hand_in(session).to_owned(),
            Action::Said if is_closing && !app.is_previewing() => words.keys.said_short.to_owned(),
            Action::End => hand_in(session).to_owned(),
            ref action if hidden(session.is_exam()).contains(action) => return None,
            // The header has its key.
            Action::Zone => return None,
            Action::Panel(Panel::Help) if is_closing => words.keys.help_short.to_owned(),
            _ => row.label.to_string(),
        };
        Some((row.action, (row.keys.first()?.name(words).into_owned(), label)))
    });
    let mut shown: Vec<_> = shown.collect();
    // Checking the answer and the whole story come before what the prompter's own footer begins with.
    shown.sort_by_key(|(action, _)| match action {
        Action::Said => 0,
        Action::End => 1,
        _ => 2,
    });
    let mut shown: Vec<(String, String)> = shown.into_iter().map(|(_, pair)| pair).collect();
    if is_closing {
        shown.insert(shown.len().min(2), (Key::Char('r').name(words).into_owned(), w.key_story.to_owned()));
        shown.push((Key::Char('q').name(words).into_owned(), w.key_quit.to_owned()));
    }
    shown
}

/// Every key of a presentation that is not the prompter's own.
pub fn show_rows(show: &Show) -> Vec<Binding<ShowAction>> {
    let w = &show.words().demo;
    let (scene, scenes) = show.at();
    if show.has_ended() {
        return vec![
            Binding::new(&[Key::Backspace], ShowAction::StepBack, w.key_step_back),
            Binding::hidden(&[Key::Left], ShowAction::Scene(Direction::Up)),
            Binding::new(&[Key::Home], ShowAction::First, w.key_first),
            Binding::new(LEAVE, ShowAction::Quit, w.key_quit),
        ];
    }
    let space = match show.is_at_end_of_scene() {
        false => w.key_step,
        true if scene + 1 < scenes => w.key_next_scene,
        true => w.key_end,
    };
    let rows = [
        Binding::hidden(&[Key::Right], ShowAction::Scene(Direction::Down)),
        Binding::new(&[Key::Left, Key::Right], ShowAction::Scene(Direction::Up), w.key_scene),
        Binding::new(&[Key::Backspace], ShowAction::StepBack, w.key_step_back),
        Binding::hidden(&[Key::Home], ShowAction::First),
        Binding::new(LEAVE, ShowAction::Quit, w.key_quit),
    ];
    let scroll = ShowAction::App(Action::Scroll(Direction::Down));
    let scroll = Binding::new(&[Key::PageDown], scroll, show.words().keys.scroll);
    let scroll = matches!(show.app().mode(), Mode::Panel(_)).then_some(scroll);
    std::iter::once(Binding::new(SPACE, ShowAction::Step, space)).chain(scroll).chain(rows).collect()
}

/// The keys of a case that are not the prompter's, for the list of keys.
pub fn session_help(session: &Session) -> KeyGroup {
    let words = session.words();
    let keys = [(Key::Char('x'), hand_in(session)), (Key::Char('r'), words.drill.key_story)];
    let keys = keys.map(|(key, label)| (key.name(words).into_owned(), label.to_owned())).to_vec();
    KeyGroup { heading: if session.is_exam() { words.drill.exam } else { words.drill.practice }, keys }
}

/// The presentation's own keys, for the list of keys.
pub fn show_help(show: &Show) -> KeyGroup {
    let words = show.words();
    let w = &words.demo;
    let names = |keys: &[Key]| keys.iter().map(|key| key.name(words)).collect::<Vec<_>>().join(" ");
    let keys: [(&[Key], &str); 5] = [
        (SPACE, w.help_step),
        (&[Key::Backspace], w.help_step_back),
        (&[Key::Left, Key::Right], w.help_scene),
        (&[Key::Home], w.help_first),
        (LEAVE, w.key_quit),
    ];
    KeyGroup { heading: w.help_title, keys: keys.map(|(keys, label)| (names(keys), label.to_owned())).to_vec() }
}
