//! What a seat knows of the centre: the newest verified broadcast of each of its keys, what follows from them, and how
//! many it refused. Bytes in, what changed out; no network, no disk. Small enough that one process holds thousands.

use std::collections::BTreeMap;
use std::time::Instant;

use chrono::NaiveDate;
use penutup::book::{Book, Origin};
use penutup::broadcast::{Broadcast, tidy};

use super::effective::effective;
use crate::wire::envelope::{Age, Content, Envelope};
use crate::wire::key::Key;
use crate::wire::name::Name;
use crate::wire::refusal::{Refusal, Refused};
use crate::wire::seat::{KlbState, LONGEST, RulesState};
use crate::wire::trust::Trust;

/// Which seat it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    /// The site.
    pub site: Name,
    /// The site's region.
    pub region: Name,
    /// The seat.
    pub seat: Name,
}

impl Seat {
    /// The keys that it hears.
    #[must_use]
    pub fn keys(&self) -> [Key; 4] {
        Key::of_seat(&self.site, &self.region)
    }
}

/// When something was asked for, and when it came.
#[derive(Clone, Copy, Debug)]
pub struct Came {
    /// When it was asked for; what was said unasked: when it came.
    pub asked: Instant,
    /// When it came.
    pub at: Instant,
    /// Whether it lies below the present one of its key: then it is nobody's attack on this seat that it is old.
    pub is_past: bool,
}

impl Came {
    /// Unasked, just now.
    #[must_use]
    pub fn unasked() -> Self {
        let at = Instant::now();
        Self { asked: at, at, is_past: false }
    }
}

/// What came of a broadcast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It is dropped and counted.
    Refused(Refusal),
    /// It is known.
    Known,
    /// It is new; what holds here is as it was, so far.
    Kept,
    /// Another declaration holds.
    Klb,
    /// The centre's rules are others.
    Rules,
}

/// A broadcast that is known, and since when.
#[derive(Clone, Debug)]
struct Known {
    envelope: Envelope,
    klb: Option<Broadcast>,
    learnt: Option<Instant>,
}

/// What a seat knows.
#[derive(Debug)]
pub struct Board {
    keys: [Key; 4],
    known: BTreeMap<Key, Known>,
    holds: Option<Broadcast>,
    rules: Option<RulesState>,
    refused: Refused,
    /// Signed rules that can't be proved: they lie under their key until better ones come, and are not proved again at
    /// every look.
    unproved: Option<Envelope>,
}

impl Board {
    /// Of a seat that knows nothing but, perhaps, what held when it was last there.
    #[must_use]
    pub fn new(seat: &Seat, held: Option<Broadcast>) -> Self {
        Self {
            keys: seat.keys(),
            known: BTreeMap::new(),
            holds: held,
            rules: None,
            refused: Refused::default(),
            unproved: None,
        }
    }

    /// Hears one broadcast and lets what follows hold at once.
    pub fn heard(&mut self, trust: &Trust, key: Option<&Key>, bytes: &[u8], came: Came, today: NaiveDate) -> Heard {
        match self.hear(trust, key, bytes, came, today) {
            Heard::Kept if self.settle() => Heard::Klb,
            heard => heard,
        }
    }

    /// A broadcast came on the subject of `key`; `None`: on a subject that is no key's. `today` is the day that the
    /// rules are held against. What several of them mean together holds after [`Self::settle`].
    pub fn hear(&mut self, trust: &Trust, key: Option<&Key>, bytes: &[u8], came: Came, today: NaiveDate) -> Heard {
        match self.take(trust, key, bytes, came, today) {
            Ok(heard) => heard,
            Err(why) => {
                if !came.is_past {
                    self.refused.count(why);
                }
                Heard::Refused(why)
            }
        }
    }

    /// Lets hold what follows from everything that is known. Answers whether it is something else than before.
    pub fn settle(&mut self) -> bool {
        let holds = effective(self.holds.as_ref(), &self.known.values().filter_map(|known| known.klb.as_ref()));
        let is_news = holds != self.holds;
        self.holds = holds;
        is_news
    }

    fn take(
        &mut self,
        trust: &Trust,
        key: Option<&Key>,
        bytes: &[u8],
        came: Came,
        today: NaiveDate,
    ) -> Result<Heard, Refusal> {
        let envelope = Envelope::read(bytes)?;
        let key = key.filter(|key| self.keys.contains(key)).ok_or(Refusal::WrongKey)?;
        if self.unproved.as_ref() == Some(&envelope) {
            return Err(Refusal::BadPayload);
        }
        let known = self.known.get(key);
        let verified = match envelope.verify(trust, key, known.map(|known| &known.envelope)) {
            // What was asked for before the newer one came may be answered after it.
            Err(Refusal::Old) if known.and_then(|known| known.learnt).is_some_and(|learnt| came.asked < learnt) => {
                return Ok(Heard::Known);
            }
            other => other?,
        };
        if verified.age == Age::Known {
            return Ok(Heard::Known);
        }
        let (klb, rules) = match verified.content {
            Content::Klb(klb) => (Some(klb), None),
            Content::Rules(text) => {
                let Some(rules) = proved(text, envelope.version, today) else {
                    self.unproved = Some(envelope);
                    return Err(Refusal::BadPayload);
                };
                (None, Some(rules))
            }
        };
        self.known.insert(key.clone(), Known { envelope, klb, learnt: Some(came.at) });
        if let Some(rules) = rules {
            self.rules = Some(rules);
            self.unproved = None;
            return Ok(Heard::Rules);
        }
        Ok(Heard::Kept)
    }

    /// The declaration that holds.
    #[must_use]
    pub fn holds(&self) -> Option<&Broadcast> {
        self.holds.as_ref()
    }

    /// The text of the centre's rules.
    #[must_use]
    pub fn rules_text(&self) -> Option<&str> {
        self.known.get(&Key::Rules).map(|known| known.envelope.payload.as_str())
    }

    /// What it knows, as it came.
    pub fn envelopes(&self) -> impl Iterator<Item = (&Key, &Envelope)> {
        self.known.iter().map(|(key, known)| (key, &known.envelope))
    }

    /// The rules, as the centre is told.
    #[must_use]
    pub fn rules_state(&self) -> Option<&RulesState> {
        self.rules.as_ref()
    }

    /// The declaration that holds, as the centre is told.
    #[must_use]
    pub fn klb_state(&self) -> Option<KlbState> {
        let on = |klb: &Broadcast| klb.state == penutup::broadcast::State::On;
        self.holds.as_ref().map(|klb| KlbState { version: klb.version, on: on(klb) })
    }

    pub(super) fn set_refused(&mut self, refused: Refused) {
        self.refused = refused;
    }

    /// What was refused.
    #[must_use]
    pub fn refused(&self) -> &Refused {
        &self.refused
    }
}

/// Rules that can be used; `None` where `check` would refuse them.
fn proved(text: String, version: u64, today: NaiveDate) -> Option<RulesState> {
    let book = Book::read(text.into_bytes(), Origin::BuiltIn, today).ok()?;
    let revision = tidy(&book.rules.sop.revision, LONGEST).unwrap_or_default();
    Some(RulesState { version, sha256: book.sha256().to_owned(), revision })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use nkeys::KeyPair;
    use penutup::broadcast::State;
    use penutup::rules::BUILT_IN;

    use super::*;
    use crate::wire::key::Scope;
    use crate::wire::testing::{declaration, name};
    use crate::wire::trust::{Grant, Signer};

    struct Centre {
        pair: KeyPair,
        trust: Trust,
        board: Board,
    }

    const CENTER: Key = Key::Klb(Scope::Center);

    impl Centre {
        fn new() -> Self {
            let pair = KeyPair::new_user();
            let grants = vec![Grant::Rules, Grant::Klb(Scope::Center), Grant::Klb(Scope::Site(name("jkt")))];
            let spv = Signer { id: name("spv"), name: "SPV Jakarta".into(), key: pair.public_key(), grants };
            let seat = Seat { site: name("jkt"), region: name("jawa"), seat: name("a01") };
            Self { pair, trust: Trust::of(vec![spv]), board: Board::new(&seat, None) }
        }

        fn sign(&self, key: &Key, version: u64, payload: String) -> Vec<u8> {
            Envelope::sign(&self.pair, key.clone(), name("spv"), version, payload).unwrap().to_bytes()
        }

        fn klb(&self, key: &Key, version: u64, state: State) -> Vec<u8> {
            self.sign(key, version, declaration(version, state))
        }

        fn hears(&mut self, key: &Key, bytes: &[u8]) -> Heard {
            self.board.heard(&self.trust, Some(key), bytes, Came::unasked(), NaiveDate::MAX)
        }
    }

    #[test]
    fn what_is_signed_holds_and_anything_else_changes_nothing_and_is_counted() {
        let mut centre = Centre::new();
        let on = centre.klb(&CENTER, 7, State::On);
        assert_eq!(centre.hears(&CENTER, &on), Heard::Klb);
        assert_eq!(centre.hears(&CENTER, &on), Heard::Known);
        let site = Key::Klb(Scope::Site(name("jkt")));
        assert_eq!(centre.hears(&site, &centre.klb(&site, 9, State::Off)), Heard::Kept);
        let before = (centre.board.holds().cloned(), centre.board.envelopes().count());

        let elsewhere = Key::Klb(Scope::Site(name("bdg")));
        let forged = String::from_utf8(centre.klb(&CENTER, 8, State::Off)).unwrap().replace(":8,", ":9,");
        for (key, bytes, why) in [
            (&CENTER, centre.klb(&CENTER, 6, State::Off), Refusal::Old),
            (&CENTER, centre.klb(&site, 10, State::Off), Refusal::WrongKey),
            (&elsewhere, centre.klb(&elsewhere, 10, State::On), Refusal::WrongKey),
            (&CENTER, forged.into_bytes(), Refusal::BadSignature),
            (&CENTER, b"{}".to_vec(), Refusal::Malformed),
            (&CENTER, vec![b' '; 1 << 20], Refusal::TooLarge),
            (&Key::Rules, centre.sign(&Key::Rules, 1, "schema = 2".into()), Refusal::BadPayload),
            (&Key::Rules, centre.sign(&Key::Rules, 1, "schema = 2".into()), Refusal::BadPayload),
        ] {
            assert_eq!(centre.hears(key, &bytes), Heard::Refused(why));
        }
        let none = centre.board.heard(&centre.trust, None, &on, Came::unasked(), NaiveDate::MAX);
        assert_eq!(none, Heard::Refused(Refusal::WrongKey));
        assert_eq!((centre.board.holds().cloned(), centre.board.envelopes().count()), before);
        assert_eq!(centre.board.refused().total(), 9);
        assert_eq!(centre.board.refused().0[&Refusal::WrongKey], 3);
    }

    #[test]
    fn rules_are_proved_before_they_are_anybodys() {
        let mut centre = Centre::new();
        let bad = centre.sign(&Key::Rules, 9, "schema = 1".into());
        assert_eq!(centre.hears(&Key::Rules, &bad), Heard::Refused(Refusal::BadPayload));
        assert_eq!(centre.board.rules_text(), None);
        let good = centre.sign(&Key::Rules, 8, BUILT_IN.into());
        assert_eq!(centre.hears(&Key::Rules, &good), Heard::Rules, "what was refused is no version that was reached");
        assert_eq!(centre.board.rules_text(), Some(BUILT_IN));
        let rules = centre.board.rules_state().unwrap();
        assert_eq!((rules.version, rules.revision.as_str()), (8, "Rev-1"));
    }

    #[test]
    fn a_late_answer_is_no_attack() {
        let mut centre = Centre::new();
        let asked = Instant::now();
        let (old, new) = (centre.klb(&CENTER, 7, State::Off), centre.klb(&CENTER, 8, State::On));
        let at = asked + Duration::from_millis(5);
        centre.board.heard(&centre.trust, Some(&CENTER), &new, Came { asked: at, at, is_past: false }, NaiveDate::MAX);
        let late = Came { asked, at: at + Duration::from_millis(5), is_past: false };
        let again = Came { asked: at + Duration::from_millis(6), ..late };
        let mut hear = |came| centre.board.heard(&centre.trust, Some(&CENTER), &old, came, NaiveDate::MAX);
        assert_eq!(hear(late), Heard::Known);
        assert_eq!(hear(again), Heard::Refused(Refusal::Old));
        assert_eq!(hear(Came { is_past: true, ..again }), Heard::Refused(Refusal::Old));
        assert_eq!(centre.board.refused().total(), 1, "what lies below is refused too, but it is no attack");
    }
}
