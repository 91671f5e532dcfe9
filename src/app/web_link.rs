//! Decides what a link may do that a web page opened. Part of `update`.
//!
//! A link does what the telephone's `start` and `set` do, and less: any page can open one, and nobody at the seat may
//! have meant it. What it may not do is refused as a whole, and the screen says so.

use chrono::{DateTime, TimeDelta, Utc};

use super::{App, Effect, Mode};
use crate::closing::external::Origin;
use crate::rules::ruleset::{RuleSet, Scope};
use crate::words::Link as LinkWords;
use penutup_ipc::message::MAX_PAIRS;
use penutup_ipc::phone_event::{Ignored, Pairs, PhoneEvent};
use penutup_ipc::web_link::{LinkRefusal, MAX_LINK, WebLink};

/// The time that must pass between two links.
const MIN_PAUSE: TimeDelta = TimeDelta::seconds(1);
/// How many links a call takes. Each may change the sentence, and Space ticks nothing for a moment after a change: a page
/// must not go on with that for ever.
const MAX_LINKS_A_CALL: u32 = 16;

/// The links so far.
#[derive(Clone, Debug, Default)]
pub(super) struct WebLinks {
    /// When the last one came that was not too soon.
    last: Option<DateTime<Utc>>,
    /// The call that took the last one, and how many it took.
    taken: (u64, u32),
}

impl App {
    /// Handles a link. The last effect is the reply.
    pub(super) fn web_link(&mut self, link: &WebLink, effects: &mut Vec<Effect>) {
        match self.take_link(link, effects) {
            Ok(ignored) => effects.push(Effect::Reply(ignored)),
            Err(why) => {
                // A notice that says how to undo is not hidden by a link that does nothing.
                if !self.can_return() {
                    self.troubles.notify_of_refusal(refusal_line(why, &self.words().link));
                }
                effects.push(Effect::LinkRefused(why));
            }
        }
    }

    /// Does what a link asks for. Returns what was ignored of it, or why it was refused.
    fn take_link(&mut self, link: &WebLink, effects: &mut Vec<Effect>) -> Result<Vec<Ignored>, LinkRefusal> {
        let now = self.environment.now;
        // `abs`: after a clock jump nobody has to wait.
        if self.web_links.last.is_some_and(|last| (now - last).abs() < MIN_PAUSE) {
            return Err(LinkRefusal::TooSoon);
        }
        self.web_links.last = Some(now);
        let event = link.event()?;
        if event.pairs().is_some_and(|pairs| sets_the_shift(self.rules(), pairs)) {
            return Err(LinkRefusal::Shift);
        }
        if self.must_wait(&event) {
            return Err(LinkRefusal::Field);
        }
        if matches!(event, PhoneEvent::Start { .. }) {
            self.refuse_start()?;
        } else if self.web_links.taken == (self.calls.number, MAX_LINKS_A_CALL) {
            return Err(LinkRefusal::TooMany);
        }
        self.troubles.dismiss_the_refusal();
        let ignored = self.handle_event(event, Origin::Link, effects);
        let number = self.calls.number;
        let (call, count) = self.web_links.taken;
        self.web_links.taken = (number, if call == number { count + 1 } else { 1 });
        Ok(ignored)
    }

    /// Why a link must not begin a call now. It may begin one over a call whose closing has not begun, or is complete, and
    /// only if the CSO has done something since a call was interrupted: so however many links come, the CSO's own call is
    /// one Backspace away.
    fn refuse_start(&self) -> Result<(), LinkRefusal> {
        if matches!(self.mode, Mode::EndPrompt | Mode::LeavePrompt) {
            return Err(LinkRefusal::Question);
        }
        let call = &self.calls.current;
        let is_begun = !call.spoken().is_empty() && !self.is_complete();
        if is_begun || (call.started_at().is_some() && self.can_return()) {
            return Err(LinkRefusal::Running);
        }
        Ok(())
    }
}

/// Whether a pair names something that outlives the call, whatever its value.
fn sets_the_shift(rules: &RuleSet, pairs: &Pairs) -> bool {
    pairs.0.iter().any(|(key, _)| {
        let fact = rules.fact_or_role(key).is_some_and(|fact| rules.facts[fact].scope != Scope::Call);
        fact || rules.field_or_role(key).is_some_and(|field| rules.field(field).lasts_a_shift())
    })
}

/// Why nothing of a link was done, for the screen and for the sender. Without any text of the link.
pub fn refusal_line(why: LinkRefusal, words: &LinkWords) -> String {
    let why = match why {
        LinkRefusal::TooLong => words.too_long(MAX_LINK),
        LinkRefusal::NotOurs => words.not_ours.into(),
        LinkRefusal::Malformed => words.malformed.into(),
        LinkRefusal::Characters => words.characters.into(),
        LinkRefusal::TooManyPairs => words.too_many_pairs(MAX_PAIRS),
        LinkRefusal::Event => words.event.into(),
        LinkRefusal::Shift => words.shift.into(),
        LinkRefusal::TooSoon => words.too_soon.into(),
        LinkRefusal::TooMany => words.too_many(MAX_LINKS_A_CALL),
        LinkRefusal::Running => words.running.into(),
        LinkRefusal::Field => words.field.into(),
        LinkRefusal::Question => words.question.into(),
    };
    words.refused(why)
}
