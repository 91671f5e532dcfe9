//! A seat's verified copy of the centre's state: the newest valid broadcast of each key, the declaration in force, and
//! the refusal counts. Bytes in, outcome out; no network, no disk. Small enough for thousands in one process.

use std::collections::BTreeMap;
use std::time::Instant;

use chrono::NaiveDate;
use penutup_rules::declaration::{Declaration, State, tidy};
use penutup_rules::loaded::{LoadedRules, Origin};

use super::effective::effective;
use crate::wire::envelope::{Content, Envelope, Freshness, StoredAt};
use crate::wire::key::Key;
use crate::wire::name::Name;
use crate::wire::refusal::{Refusal, RefusalCounts};
use crate::wire::seat::{KeyState, KlbState, MAX_TEXT, RefusedVersion, RulesState};
use crate::wire::trust::Trust;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeatId {
    pub site: Name,
    /// The site's region.
    pub region: Name,
    pub seat: Name,
}

impl SeatId {
    /// The keys whose broadcasts are for this seat.
    pub fn keys(&self) -> [Key; 5] {
        Key::of_seat(&self.site, &self.region)
    }
}

/// When a message was requested and received.
#[derive(Clone, Copy, Debug)]
pub struct Receipt {
    /// Equals `received_at` for a message of the subscription.
    pub requested_at: Instant,
    pub received_at: Instant,
    /// A newer message of its key exists: being old is then expected, and not counted as a refusal.
    pub is_superseded: bool,
    pub stored_at: StoredAt,
}

impl Receipt {
    /// For a message of the subscription.
    pub fn unsolicited() -> Self {
        let at = Instant::now();
        Self { requested_at: at, received_at: at, is_superseded: false, stored_at: StoredAt::Now }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Refused(Refusal),
    AlreadyKnown,
    /// For seats of another site or region.
    NotForThisSeat,
    /// A new declaration. Whether it is in force is known after [`Replica::update_effective`].
    Stored,
    /// Another declaration is in force.
    NewEffective,
    NewRules,
    /// A new trust list. What it no longer accepts is forgotten, and what it accepts now must be requested again.
    NewTrust,
}

#[derive(Clone, Debug)]
struct Known {
    envelope: Envelope,
    klb: Option<Declaration>,
    received_at: Instant,
}

#[derive(Clone, Debug)]
pub struct Replica {
    keys: [Key; 5],
    trust: Trust,
    known: BTreeMap<Key, Known>,
    effective: Option<Declaration>,
    rules: Option<RulesState>,
    refused: RefusalCounts,
    /// The last refused broadcast of each key that claims to be newer than the known one.
    last_refused: BTreeMap<Key, RefusedVersion>,
    /// Signed rules that the check refuses: every poll delivers them until better ones are published, and they need not be
    /// checked each time.
    rejected_rules: Option<Envelope>,
}

impl Replica {
    /// `trust` comes with the seat's configuration, `last_effective` was in force when the agent last ran.
    pub fn new(seat: &SeatId, trust: Trust, last_effective: Option<Declaration>) -> Self {
        Self {
            keys: seat.keys(),
            trust,
            known: BTreeMap::new(),
            effective: last_effective,
            rules: None,
            refused: RefusalCounts::default(),
            last_refused: BTreeMap::new(),
            rejected_rules: None,
        }
    }

    /// Verifies and stores a broadcast. `key` is that of its subject; `today` is the day for which rules are checked.
    pub fn receive(&mut self, key: Option<&Key>, bytes: &[u8], receipt: Receipt, today: NaiveDate) -> Outcome {
        self.verify_and_store(key, bytes, receipt, today).unwrap_or_else(|why| {
            if !receipt.is_superseded {
                self.refused.add(why);
            }
            self.remember_refusal(key, bytes, why);
            Outcome::Refused(why)
        })
    }

    fn remember_refusal(&mut self, key: Option<&Key>, bytes: &[u8], why: Refusal) {
        let Some(key) = key.filter(|key| self.keys.contains(key)) else { return };
        let Some(version) = Envelope::claimed_version(bytes) else { return };
        if version > self.version(key) {
            self.last_refused.insert(key.clone(), RefusedVersion { version, why });
        }
    }

    /// The version of the verified broadcast of a key; 0: none.
    fn version(&self, key: &Key) -> u64 {
        self.known.get(key).map_or(0, |known| known.envelope.version)
    }

    /// Recomputes the declaration in force, once a batch of broadcasts is stored. Returns whether it changed.
    pub fn update_effective(&mut self) -> bool {
        let next = effective(self.effective.as_ref(), &self.known.values().filter_map(|known| known.klb.as_ref()));
        let has_changed = next != self.effective;
        self.effective = next;
        has_changed
    }

    fn verify_and_store(
        &mut self,
        key: Option<&Key>,
        bytes: &[u8],
        receipt: Receipt,
        today: NaiveDate,
    ) -> Result<Outcome, Refusal> {
        let key = key.ok_or(Refusal::WrongKey)?;
        if !self.keys.contains(key) {
            return Ok(Outcome::NotForThisSeat);
        }
        let envelope = Envelope::parse(bytes)?;
        if self.rejected_rules.as_ref() == Some(&envelope) {
            return Err(Refusal::BadPayload);
        }
        let known = self.known.get(key);
        let verified = match envelope.verify(&self.trust, key, known.map(|known| &known.envelope), receipt.stored_at) {
            // The reply to a request may arrive after a newer broadcast that was published meanwhile.
            Err(Refusal::Old) if known.is_some_and(|known| receipt.requested_at < known.received_at) => {
                return Ok(Outcome::AlreadyKnown);
            }
            other => other?,
        };
        if verified.freshness == Freshness::Known {
            return Ok(Outcome::AlreadyKnown);
        }
        let (klb, outcome) = match verified.content {
            Content::Klb(klb) => (Some(klb), Outcome::Stored),
            Content::Rules(text) => {
                let Some(rules) = check_rules(text, envelope.version, today) else {
                    self.rejected_rules = Some(envelope);
                    return Err(Refusal::BadPayload);
                };
                (self.rules, self.rejected_rules) = (Some(rules), None);
                (None, Outcome::NewRules)
            }
            Content::Trust(list) => {
                // The configuration's may be newer.
                if list.version <= self.trust.version {
                    return Ok(Outcome::AlreadyKnown);
                }
                self.replace_trust(*list);
                (None, Outcome::NewTrust)
            }
        };
        self.known.insert(key.clone(), Known { envelope, klb, received_at: receipt.received_at });
        Ok(outcome)
    }

    fn replace_trust(&mut self, list: Trust) {
        self.trust = list;
        let trust = &self.trust;
        // What a former key signed is requested again: only the stream knows whether it was stored before.
        self.known
            .retain(|key, known| *key == Key::Trust || known.envelope.verify(trust, key, None, StoredAt::Now).is_ok());
        if !self.known.contains_key(&Key::Rules) {
            self.rules = None;
        }
        // What was refused may be accepted now.
        self.last_refused.clear();
    }

    /// Verifies a broadcast that was read from the disk. A refusal is not counted: nobody sent it.
    pub fn restore(&mut self, key: &Key, bytes: &[u8], today: NaiveDate) {
        let receipt = Receipt { stored_at: StoredAt::Here, ..Receipt::unsolicited() };
        let _ = self.verify_and_store(Some(key), bytes, receipt, today);
    }

    /// The trust list in force.
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// The declaration in force.
    pub fn effective(&self) -> Option<&Declaration> {
        self.effective.as_ref()
    }

    /// The text of the centre's rules.
    pub fn rules_text(&self) -> Option<&str> {
        self.known.get(&Key::Rules).map(|known| known.envelope.payload.as_str())
    }

    pub fn envelopes(&self) -> impl Iterator<Item = (&Key, &Envelope)> {
        self.known.iter().map(|(key, known)| (key, &known.envelope))
    }

    pub fn rules_state(&self) -> Option<&RulesState> {
        self.rules.as_ref()
    }

    pub fn klb_state(&self) -> Option<KlbState> {
        self.effective.as_ref().map(|klb| KlbState { version: klb.version, on: klb.state == State::On })
    }

    pub fn refused(&self) -> &RefusalCounts {
        &self.refused
    }

    /// What it has of each key, for the seat's state.
    pub fn key_states(&self) -> BTreeMap<String, KeyState> {
        let state = |key: &Key| {
            let version = if *key == Key::Trust { self.trust.version } else { self.version(key) };
            let refused = self.last_refused.get(key).filter(|refused| refused.version > version).copied();
            (version > 0 || refused.is_some()).then(|| (key.to_string(), KeyState { version, refused }))
        };
        self.keys.iter().filter_map(state).collect()
    }
}

/// How long after it was signed a broadcast is stored, at the most, in seconds: its version is about when it was signed.
const MAX_DELAY: i64 = 2;

/// Whether a key's newest message makes those below it irrelevant: it is valid, and was stored when it was signed. One that was
/// stored later may be an old one that was written again on top of a newer one. Rules count only after their check, so older
/// ones are always read.
pub fn settles(trust: &Trust, key: &Key, bytes: &[u8], stored_at: StoredAt) -> bool {
    let StoredAt::Time(at) = stored_at else { return false };
    let Ok(envelope) = Envelope::parse(bytes) else { return false };
    let is_timely = i64::try_from(envelope.version).is_ok_and(|version| at - version <= MAX_DELAY);
    *key != Key::Rules && is_timely && envelope.verify(trust, key, None, stored_at).is_ok()
}

/// `None` where the rules check refuses them.
fn check_rules(text: String, version: u64, today: NaiveDate) -> Option<RulesState> {
    let loaded = LoadedRules::read(text.into_bytes(), Origin::BuiltIn, today).ok()?;
    let revision = tidy(&loaded.rules.sop.revision, MAX_TEXT).unwrap_or_default();
    Some(RulesState { version, sha256: loaded.sha256().to_owned(), revision })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use nkeys::KeyPair;
    use penutup_rules::BUILT_IN;

    use super::*;
    use crate::wire::key::Scope;
    use crate::wire::testing::{declaration, name};
    use crate::wire::trust::{Grant, Signer};

    struct Centre {
        pair: KeyPair,
        replica: Replica,
    }

    const CENTER: Key = Key::Klb(Scope::Center);

    impl Centre {
        fn new() -> Self {
            let pair = KeyPair::new_user();
            let grants = vec![Grant::Rules, Grant::Klb(Scope::Center), Grant::Klb(Scope::Site(name("jkt")))];
            let spv = Signer { id: name("spv"), name: "SPV Jakarta".into(), key: pair.public_key(), grants };
            let seat = SeatId { site: name("jkt"), region: name("jawa"), seat: name("a01") };
            Self { pair, replica: Replica::new(&seat, Trust::new(vec![spv]), None) }
        }

        fn sign(&self, key: &Key, version: u64, payload: String) -> Vec<u8> {
            Envelope::sign(&self.pair, key.clone(), name("spv"), version, payload).unwrap().to_bytes()
        }

        fn klb(&self, key: &Key, version: u64, state: State) -> Vec<u8> {
            self.sign(key, version, declaration(version, state))
        }

        fn receives(&mut self, key: &Key, bytes: &[u8]) -> Outcome {
            self.receives_at(Some(key), bytes, Receipt::unsolicited())
        }

        fn receives_at(&mut self, key: Option<&Key>, bytes: &[u8], receipt: Receipt) -> Outcome {
            let outcome = self.replica.receive(key, bytes, receipt, NaiveDate::MAX);
            if self.replica.update_effective() { Outcome::NewEffective } else { outcome }
        }
    }

    #[test]
    fn signed_broadcasts_take_effect_and_others_change_nothing_and_are_counted() {
        let mut centre = Centre::new();
        let on = centre.klb(&CENTER, 7, State::On);
        assert_eq!(centre.receives(&CENTER, &on), Outcome::NewEffective);
        assert_eq!(centre.receives(&CENTER, &on), Outcome::AlreadyKnown);
        let site = Key::Klb(Scope::Site(name("jkt")));
        assert_eq!(centre.receives(&site, &centre.klb(&site, 9, State::Off)), Outcome::Stored);
        let before = (centre.replica.effective().cloned(), centre.replica.envelopes().count());

        let elsewhere = Key::Klb(Scope::Site(name("bdg")));
        let forged = String::from_utf8(centre.klb(&CENTER, 8, State::Off)).unwrap().replace(":8,", ":9,");
        for (key, bytes, why) in [
            (&CENTER, centre.klb(&CENTER, 6, State::Off), Refusal::Old),
            (&CENTER, centre.klb(&site, 10, State::Off), Refusal::WrongKey),
            (&CENTER, forged.into_bytes(), Refusal::BadSignature),
            (&CENTER, b"{}".to_vec(), Refusal::Malformed),
            (&CENTER, vec![b' '; 1 << 20], Refusal::TooLarge),
            (&Key::Rules, centre.sign(&Key::Rules, 1, "schema = 2".into()), Refusal::BadPayload),
            (&Key::Rules, centre.sign(&Key::Rules, 1, "schema = 2".into()), Refusal::BadPayload),
        ] {
            assert_eq!(centre.receives(key, &bytes), Outcome::Refused(why));
        }
        // Another site's own broadcasts are none of this seat's business.
        for bytes in [centre.klb(&elsewhere, 10, State::On), b"{}".to_vec()] {
            assert_eq!(centre.receives(&elsewhere, &bytes), Outcome::NotForThisSeat);
        }
        let none = centre.receives_at(None, &on, Receipt::unsolicited());
        assert_eq!(none, Outcome::Refused(Refusal::WrongKey));
        assert_eq!((centre.replica.effective().cloned(), centre.replica.envelopes().count()), before);
        assert_eq!(centre.replica.refused().total(), 8);
        assert_eq!(centre.replica.refused().0[&Refusal::WrongKey], 2);
    }

    #[test]
    fn rules_are_stored_only_if_the_check_accepts_them() {
        let mut centre = Centre::new();
        let bad = centre.sign(&Key::Rules, 9, "schema = 1".into());
        assert_eq!(centre.receives(&Key::Rules, &bad), Outcome::Refused(Refusal::BadPayload));
        assert_eq!(centre.replica.rules_text(), None);
        let good = centre.sign(&Key::Rules, 8, BUILT_IN.into());
        assert_eq!(centre.receives(&Key::Rules, &good), Outcome::NewRules, "a refused version does not count as known");
        assert_eq!(centre.replica.rules_text(), Some(BUILT_IN));
        let rules = centre.replica.rules_state().unwrap();
        assert_eq!((rules.version, rules.revision.as_str()), (8, "Rev-1"));
    }

    #[test]
    fn a_late_reply_is_not_counted_as_a_refusal() {
        let mut centre = Centre::new();
        let requested_at = Instant::now();
        let (old, new) = (centre.klb(&CENTER, 7, State::Off), centre.klb(&CENTER, 8, State::On));
        let at = requested_at + Duration::from_millis(5);
        let live = Receipt { requested_at: at, received_at: at, is_superseded: false, stored_at: StoredAt::Now };
        centre.receives_at(Some(&CENTER), &new, live);
        let late = Receipt {
            requested_at,
            received_at: at + Duration::from_millis(5),
            is_superseded: false,
            stored_at: StoredAt::Now,
        };
        let again = Receipt { requested_at: at + Duration::from_millis(6), ..late };
        let mut receive = |receipt| centre.receives_at(Some(&CENTER), &old, receipt);
        assert_eq!(receive(late), Outcome::AlreadyKnown);
        assert_eq!(receive(again), Outcome::Refused(Refusal::Old));
        assert_eq!(receive(Receipt { is_superseded: true, ..again }), Outcome::Refused(Refusal::Old));
        assert_eq!(centre.replica.refused().total(), 1, "a superseded message is refused but not counted");
    }
}
