//! Updates the state of a running prompter and performs the effects.

use std::io;
use std::time::{Duration, Instant};

use chrono::TimeDelta;

use super::recent::Part;
use super::{Next, Session, Step, View};
use crate::action::Action;
use crate::app::{Effect, Mode, Update};
use crate::clipboard::Copied;
use crate::event::Request;
use crate::input::Input;
use crate::input::mistyped::Letter;
use crate::keymap::{self, Key};
use crate::message::Message;
use crate::private::Private;
use penutup_ipc::message::Reply;

impl Session<'_> {
    /// Updates the state and performs the effects.
    pub fn act<V: View>(&mut self, view: &mut V, update: impl Into<Update>) -> io::Result<Next> {
        self.act_within(view, update.into(), (Instant::now(), Duration::ZERO))
    }

    /// As [`Self::act`] for an update caused at `at`, which may have waited in the queue; it can be retracted for
    /// `settles`.
    fn act_within<V: View>(
        &mut self,
        view: &mut V,
        update: Update,
        (at, settles): (Instant, Duration),
    ) -> io::Result<Next> {
        let effects = self.update(view, update, (at, settles));
        self.perform(view, effects)
    }

    /// Handles a message from outside. Its sender gets the reply after the effects were performed.
    pub(super) fn external<V: View>(&mut self, view: &mut V, request: Request) -> io::Result<Next> {
        let (mut message, reply) = request.into_parts();
        if let Message::Press { is_seen, .. } = &mut message {
            *is_seen = view.shows_sentence();
        }
        let mut effects = self.update(view, message.clone().into(), (Instant::now(), Duration::ZERO));
        let mut answer = Reply::default();
        for effect in &mut effects {
            match effect {
                Effect::Reply(ignored) => answer.ignored = std::mem::take(ignored),
                Effect::LinkRefused(why) => answer.link = Some(*why),
                Effect::Pressed(pressed) => answer.press = Some(std::mem::take(&mut **pressed)),
                _ => {}
            }
        }
        let has_pressed = answer.press.as_ref().is_some_and(|press| !press.did.is_empty());
        // What was refused must not happen in a state without the last keys either.
        if has_pressed || (matches!(message, Message::WebLink(_)) && answer.link.is_none()) {
            self.recent.apply_message(&message, self.clock.now());
        }
        if has_pressed {
            self.used.now();
        }
        let next = self.perform(view, effects)?;
        reply(answer);
        Ok(next)
    }

    /// Updates the state. Returns the effects that are due at once.
    fn update<V: View>(&mut self, view: &mut V, update: Update, (at, settles): (Instant, Duration)) -> Vec<Effect> {
        self.is_outdated = true;
        let is_action = matches!(update, Update::Action(_));
        // Whether presses and a link are refused is known only afterwards.
        if let Update::Message(message) = &update
            && !matches!(message, Message::Press { .. } | Message::WebLink(_))
        {
            self.recent.apply_message(message, self.clock.now());
        }
        let now = self.clock.now();
        let waited = TimeDelta::from_std(at.elapsed()).unwrap_or_default();
        let effects = self.app.update_at(update, now, now.checked_sub_signed(waited).unwrap_or(now));
        // A question what the screen asks did nothing, and a held hotkey of another program does not repeat its refusal.
        let is_news = |effect: &Effect| matches!(effect, Effect::Pressed(press) if press.is_news());
        let by_person = is_action || effects.iter().any(is_news);
        view.changed(self.app, &effects, by_person);
        self.recent.hold_back(effects, settles)
    }

    /// Handles a person's input as the view interprets it.
    pub fn input<V: View>(&mut self, view: &mut V, input: V::Input) -> io::Result<Next> {
        for step in view.input(input, self.app, self.clock.now())? {
            let next = match step {
                Step::Input(input) => self.keyboard(view, input)?,
                Step::Action(action) => {
                    self.used.now();
                    self.act(view, action)?
                }
                Step::Output(output) => {
                    self.used.now();
                    view.output(output, self.app);
                    Next::On
                }
                #[cfg(unix)]
                Step::Stop => Next::Stop,
            };
            if next != Next::On {
                return Ok(next);
            }
        }
        Ok(Next::On)
    }

    /// Handles keyboard input.
    fn keyboard<V: View>(&mut self, view: &mut V, input: Input) -> io::Result<Next> {
        match input {
            Input::Paste(text) => self.act(view, Action::Paste(text)),
            Input::Burst(text) => self.act(view, Action::Burst(text)),
            // In a field repeats are text, except those of the key that opened it.
            Input::Retract { held: true, .. }
                if matches!(self.app.mode(), Mode::Typing(_)) && self.recent.opener.is_none() =>
            {
                Ok(Next::On)
            }
            Input::Retract { since, .. } => self.retract(view, since),
            Input::Key { key, at, repeat, settles } => {
                self.used.now();
                let action = keymap::action(self.app, key);
                // A held key repeats in a text or a panel; elsewhere it is one press.
                let goes_on = matches!(action, Some(Action::Edit(_) | Action::Preview(_) | Action::Scroll(_)));
                // A held key does not type into the field that it opened.
                let opens = repeat && self.recent.opener == Some(key);
                if self.recent.opener.is_some_and(|opener| opener != key) {
                    self.recent.opener = None;
                }
                if opens || (repeat && !goes_on) {
                    return Ok(Next::On);
                }
                let was_typing = matches!(self.app.mode(), Mode::Typing(_));
                let next = self.key(view, key, action, (at, settles))?;
                if !was_typing && matches!(self.app.mode(), Mode::Typing(_)) {
                    self.recent.opener = Some(key);
                }
                Ok(next)
            }
            Input::TerminalReply(_) | Input::Resize => Ok(Next::On),
        }
    }

    /// Performs a key's action, which can be retracted for `settles`.
    fn key<V: View>(
        &mut self,
        view: &mut V,
        key: Key,
        action: Option<Action>,
        (at, settles): (Instant, Duration),
    ) -> io::Result<Next> {
        if self.recent.stray.ignores(matches!(key, Key::Esc | Key::Ctrl(_)), at) {
            return Ok(Next::On);
        }
        self.recent.press(at);
        let ticks = *self.app.mode() == Mode::Closing && !self.app.is_previewing();
        if action == Some(Action::Said) && ticks && !view.shows_sentence() {
            return self.act(view, Message::Unseen);
        }
        let typed = match key {
            Key::Char(c) if c.is_alphabetic() => {
                Some(Letter { letter: c, has_function: keymap::has_function(self.app, key) })
            }
            _ => None,
        };
        let is_in_field = matches!(self.app.mode(), Mode::Typing(_));
        let letter = typed.filter(|_| !is_in_field);
        let into_field = self.recent.stray.typed(typed, is_in_field, at);
        if let Some(since) = into_field.or_else(|| letter.and_then(|letter| self.recent.stray.letter(letter, at))) {
            let next = self.retract(view, since)?;
            return if next == Next::On { self.act(view, Message::Mistyped) } else { Ok(next) };
        }
        let Some(action) = action else { return Ok(Next::On) };
        // Scrolling and previewing need no retraction: one step too many does no harm.
        if !matches!(action, Action::Preview(_) | Action::Scroll(_)) {
            let part = match (letter, &action) {
                (Some(_), _) => Part::Letter,
                (None, Action::Edit(_)) => Part::Field,
                (None, _) => Part::Other,
            };
            self.recent.key(self.app, part, at, settles);
        }
        self.act_within(view, action.into(), (at, settles))
    }

    /// Retracts the keys since this moment.
    fn retract<V: View>(&mut self, view: &mut V, since: Instant) -> io::Result<Next> {
        let effects = self.recent.retract(since, self.app);
        self.perform(view, effects)
    }

    /// Performs effects.
    pub(super) fn perform<V: View>(&mut self, view: &mut V, effects: Vec<Effect>) -> io::Result<Next> {
        for effect in effects {
            match effect {
                Effect::Quit => return Ok(Next::Leave),
                Effect::Copy(text) => self.copy(view, text)?,
                Effect::CopyToTerminal(text) => self.copy_to_terminal(view, &text)?,
                effect => self.perform_without_view(effect),
            }
        }
        Ok(Next::On)
    }

    /// Copies to the desktop's clipboard, which reports later; in line mode and without a desktop through the terminal.
    fn copy<V: View>(&mut self, view: &mut V, text: Private) -> io::Result<()> {
        if self.app.is_plain_mode() {
            return view.copy(&text);
        }
        let Some(desktop) = &mut self.clipboard else { return self.copy_to_terminal(view, &text) };
        let sender = self.sender.clone();
        desktop.copy(text.clone(), move |has_it| {
            sender.send(if has_it { Message::Copied(Copied::Desktop) } else { Message::NotCopied(text) });
        });
        Ok(())
    }

    fn copy_to_terminal<V: View>(&mut self, view: &mut V, text: &str) -> io::Result<()> {
        view.copy(text)?;
        self.act(view, Message::Copied(Copied::Terminal)).map(drop)
    }

    /// Performs an effect that needs no view.
    fn perform_without_view(&mut self, effect: Effect) {
        match effect {
            Effect::Quit
            | Effect::Copy(_)
            | Effect::CopyToTerminal(_)
            | Effect::Scroll(_)
            | Effect::Print(_)
            | Effect::Reply(_)
            | Effect::LinkRefused(_)
            | Effect::Pressed(_) => {}
            disk @ (Effect::Save(_) | Effect::Journal(_) | Effect::Unjournal(_)) => self.disk_effects.push(disk),
            Effect::AskDay(day, zone) => {
                // The summary has to include the latest records, so they are sent first.
                self.flush_disk_effects();
                if let Some(journal) = &self.journal {
                    let sender = self.sender.clone();
                    journal.recap(day, zone, move |day| {
                        sender.send(Message::Day(Box::new(day)));
                    });
                }
            }
            Effect::CheckRules => {
                if let Some(watch) = &self.rules_watch {
                    watch.check();
                }
            }
        }
    }

    /// Performs what was held back. If the person did not quit, also ends a begun call as left. The view may be gone
    /// and is not updated.
    pub(super) fn finish(&mut self, person_did_not_quit: bool) {
        let mut effects = self.recent.all();
        if person_did_not_quit {
            effects.extend(self.app.update(Action::Quit, self.clock.now()));
        }
        for effect in effects {
            self.perform_without_view(effect);
        }
    }
}

#[cfg(test)]
mod tests {

    use chrono::{DateTime, Utc};

    use super::*;
    use crate::app::App;
    use crate::app::AppSetup;
    use crate::clock::Clock;
    use crate::event::InputSender;

    use crate::words::Lang;
    use penutup_ipc::phone_event::{Pairs, PhoneEvent, Why};

    /// A view whose input is its steps; it records what it is asked to do.
    #[derive(Default)]
    struct Fake(Vec<String>);

    impl View for Fake {
        type Input = Vec<Step<&'static str>>;
        type Output = &'static str;
        const EACH: bool = false;

        fn listen(_: InputSender<Self::Input>) -> io::Result<()> {
            Ok(())
        }

        fn input(&mut self, steps: Self::Input, _: &App, _: DateTime<Utc>) -> io::Result<Self::Input> {
            Ok(steps)
        }

        fn output(&mut self, output: &'static str, app: &App) {
            self.0.push(format!("{output} {}", app.call().spoken().len()));
        }

        fn changed(&mut self, app: &App, _: &[Effect], by_person: bool) {
            self.0.push(format!("changed {} {by_person}", app.call().spoken().len()));
        }

        fn show(&mut self, _: &App) -> io::Result<()> {
            Ok(())
        }

        fn copy(&mut self, text: &str) -> io::Result<()> {
            self.0.push(format!("copied {}", text.chars().take(5).collect::<String>()));
            Ok(())
        }

        #[cfg(unix)]
        const INTERRUPT_LEAVES: bool = false;
    }

    fn app() -> App {
        App::new(AppSetup::built_in(now()))
    }

    fn now() -> DateTime<Utc> {
        "2026-03-02T07:20:00Z".parse().unwrap()
    }

    #[test]
    fn the_steps_of_an_input_are_done_in_order_and_none_after_leaving() {
        let (mut app, mut view) = (app(), Fake::default());
        let mut session = Session::alone(&mut app, Clock::showing(now()));
        let steps = vec![
            Step::Output("before"),
            Step::Action(Action::Said),
            Step::Output("after"),
            Step::Action(Action::Quit),
            Step::Output("never"),
        ];
        assert_eq!(session.input(&mut view, steps).unwrap(), Next::Leave);
        assert_eq!(view.0, ["before 0", "changed 1 true", "after 1", "changed 1 true"]);
    }

    #[test]
    fn a_request_is_replied_to_with_what_was_ignored_of_it() {
        let (mut app, mut view) = (app(), Fake::default());
        let mut session = Session::alone(&mut app, Clock::showing(now()));
        let pairs = Pairs(vec![("klb".into(), "ya".into()), ("warna".into(), "biru".into())]);
        let (request, replied) = Request::awaited(Message::Phone(PhoneEvent::Set(pairs)), None);
        assert_eq!(session.external(&mut view, request).unwrap(), Next::On);
        let ignored = replied.try_recv().expect("a reply");
        assert_eq!(
            ignored.ignored.iter().map(|i| (i.key.as_str(), i.why)).collect::<Vec<_>>(),
            [("warna", Why::UnknownKey)]
        );
        assert_eq!(view.0, ["changed 0 false"]);
    }

    #[test]
    fn without_a_desktop_a_copy_goes_through_the_terminal_and_is_reported() {
        let (mut app, mut view) = (app(), Fake::default());
        let mut session = Session::alone(&mut app, Clock::showing(now()));
        session.input(&mut view, vec![Step::Action(Action::Copy)]).unwrap();
        assert_eq!(view.0, ["changed 0 true", "copied Untuk", "changed 0 false"]);
        assert_eq!(app.momentary(), Some(Lang::Id.words().notice.copied_to_terminal));
    }
}
