//! The broadcasts as they lie in `KV_BROADCAST`: read by key, and written only over what was seen, so that of two who
//! declare at once one learns of the other instead of overwriting them.

use async_nats::client::{RequestError, RequestErrorKind};
use async_nats::{Client, HeaderMap, Message, StatusCode};
use chrono::{DateTime, Utc};
use penutup::broadcast::Broadcast;
use penutup::words::Lang;
use serde::{Deserialize, Serialize};

use crate::fail::Fail;
use crate::link::Link;
use crate::wire::envelope::{Content, Envelope, Verified};
use crate::wire::key::Key;
use crate::wire::refusal::Refusal;
use crate::wire::subject::{self, BROADCASTS};
use crate::wire::trust::Trust;
use crate::words::words;

/// The header that makes a writing conditional: the sequence of what is written over, 0 for nothing.
const OVER: &str = "Nats-Expected-Last-Subject-Sequence";
/// The header that keeps a writing out of any other stream.
const INTO: &str = "Nats-Expected-Stream";
/// The server's code for "something else lies there now".
const WRONG_LAST: u64 = 10_071;
/// More than the stream keeps of a key, and more than is ever looked at.
const MOST: usize = 64;

/// What lies under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// Its place in the stream.
    pub seq: u64,
    /// When the server took it.
    pub at: DateTime<Utc>,
    /// What it is; nothing in it is believed before it is verified.
    pub envelope: Result<Envelope, Refusal>,
}

impl Posted {
    /// What it says, as a seat that knows nothing yet would take it.
    ///
    /// # Errors
    /// Why no seat would.
    pub fn verified(&self, trust: &Trust, key: &Key) -> Result<(&Envelope, Verified), Refusal> {
        let envelope = self.envelope.as_ref().map_err(|refusal| *refusal)?;
        Ok((envelope, envelope.verify(trust, key, None)?))
    }
}

/// What the seats heed of what lies under a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heeded {
    /// The place in the stream of what lies on top; 0 where nothing does.
    pub seq: u64,
    /// The newest that they heed.
    pub newest: Option<(Envelope, Verified)>,
    /// When the server took it.
    pub since: Option<DateTime<Utc>>,
    /// Why they don't heed what lies on top of it, where something does.
    pub odd: Option<Refusal>,
}

impl Heeded {
    /// Of all that lies there, the oldest first: as a seat takes it that was there all the time, so that an old broadcast
    /// that was written once more counts for nothing.
    #[must_use]
    pub fn of(posted: Vec<Posted>, trust: &Trust, key: &Key) -> Self {
        let mut out = Self::default();
        for Posted { seq, at, envelope } in posted {
            let known = out.newest.as_ref().map(|(envelope, _)| envelope);
            let verified = envelope.and_then(|envelope| Ok((envelope.verify(trust, key, known)?, envelope)));
            out.odd = verified.as_ref().err().copied();
            out.seq = seq;
            if let Ok((verified, envelope)) = verified {
                out.newest = Some((envelope, verified));
                out.since = Some(at);
            }
        }
        out
    }

    /// The declaration, where it is one.
    #[must_use]
    pub fn klb(&self) -> Option<&Broadcast> {
        match &self.newest.as_ref()?.1.content {
            Content::Klb(declared) => Some(declared),
            Content::Rules(_) => None,
        }
    }

    /// The rules and their version, where it is some.
    #[must_use]
    pub fn rules(&self) -> Option<(&Envelope, &str)> {
        match self.newest.as_ref()? {
            (envelope, Verified { content: Content::Rules(text), .. }) => Some((envelope, text)),
            _ => None,
        }
    }
}

/// Why a broadcast was not written.
#[derive(Debug)]
pub enum NotPut {
    /// Somebody was first.
    Late,
    /// It could not be done.
    Fail(Fail),
}

/// The stream of broadcasts.
#[derive(Clone, Debug)]
pub struct Board {
    client: Client,
    lang: Lang,
}

#[derive(Serialize)]
struct Next<'s> {
    seq: u64,
    next_by_subj: &'s str,
}

#[derive(Deserialize)]
struct Ack {
    seq: Option<u64>,
    error: Option<Refused>,
}

#[derive(Deserialize)]
struct Refused {
    #[serde(default)]
    err_code: u64,
    #[serde(default)]
    description: String,
}

impl Board {
    /// Connects.
    ///
    /// # Errors
    /// Why there is no connection.
    pub async fn connect(link: &Link, lang: Lang) -> Result<Self, Fail> {
        Ok(Self::of(link.connect(lang).await?, lang))
    }

    /// Over a connection that is there.
    #[must_use]
    pub fn of(client: Client, lang: Lang) -> Self {
        Self { client, lang }
    }

    /// What lies under a key now.
    ///
    /// # Errors
    /// Where the server gives no answer, or none that can be understood.
    pub async fn last(&self, key: &Key) -> Result<Option<Posted>, Fail> {
        let asked = self.client.request(subject::direct_get(key), "".into()).await;
        self.got(&asked.map_err(|error| self.unanswered(&error))?)
    }

    fn got(&self, message: &Message) -> Result<Option<Posted>, Fail> {
        match message.status {
            None | Some(StatusCode::OK) => posted(message).map(Some).ok_or_else(|| self.odd("")),
            Some(StatusCode::NOT_FOUND) => Ok(None),
            Some(status) => Err(self.odd(&status.to_string())),
        }
    }

    /// What the stream keeps of a key, the oldest first.
    ///
    /// # Errors
    /// As [`Board::last`].
    pub async fn history(&self, key: &Key) -> Result<Vec<Posted>, Fail> {
        let subject = subject::put(key);
        let mut out: Vec<Posted> = Vec::new();
        while out.len() < MOST {
            let next = Next { seq: out.last().map_or(1, |last| last.seq + 1), next_by_subj: &subject };
            let asked = serde_json::to_vec(&next).unwrap_or_default();
            let answer = self.client.request(subject::DIRECT_GET, asked.into()).await;
            let Some(posted) = self.got(&answer.map_err(|error| self.unanswered(&error))?)? else { break };
            if posted.seq < next.seq {
                return Err(self.odd(""));
            }
            out.push(posted);
        }
        Ok(out)
    }

    /// What the seats heed of it.
    ///
    /// # Errors
    /// As [`Board::last`].
    pub async fn heeded(&self, trust: &Trust, key: &Key) -> Result<Heeded, Fail> {
        Ok(Heeded::of(self.history(key).await?, trust, key))
    }

    /// Writes a broadcast over the one of this sequence (0: over nothing). Answers its own.
    ///
    /// # Errors
    /// Where something else lies there by now, or the server gives no answer.
    pub async fn put(&self, envelope: &Envelope, over: u64) -> Result<u64, NotPut> {
        let mut headers = HeaderMap::new();
        headers.insert(OVER, over.to_string().as_str());
        headers.insert(INTO, BROADCASTS);
        let put = subject::put(&envelope.key);
        let answer = self.client.request_with_headers(put, headers, envelope.to_bytes().into()).await;
        let answer = answer.map_err(|error| NotPut::Fail(self.unanswered(&error)))?;
        let ack: Ack = serde_json::from_slice(&answer.payload).map_err(|_| NotPut::Fail(self.odd("")))?;
        match (ack.error, ack.seq) {
            (None, Some(seq)) if seq > 0 => Ok(seq),
            (Some(refused), _) if refused.err_code == WRONG_LAST => Err(NotPut::Late),
            (refused, _) => Err(NotPut::Fail(self.odd(&refused.map_or(String::new(), |r| r.description)))),
        }
    }

    fn unanswered(&self, error: &RequestError) -> Fail {
        let w = &words(self.lang).posted;
        match error.kind() {
            RequestErrorKind::NoResponders => Fail::new(w.nobody).help(w.nobody_help),
            _ => Fail::new(w.no_answer).help(w.no_answer_help),
        }
    }

    fn odd(&self, what: &str) -> Fail {
        Fail::new(words(self.lang).posted.odd(penutup::diagnostics::shown(what)))
    }
}

/// A message of a direct get.
fn posted(message: &Message) -> Option<Posted> {
    let headers = message.headers.as_ref()?;
    let seq = headers.get("Nats-Sequence")?.as_str().parse().ok()?;
    let at = headers.get("Nats-Time-Stamp")?.as_str().parse().ok()?;
    Some(Posted { seq, at, envelope: Envelope::read(&message.payload) })
}

#[cfg(test)]
mod tests {
    use nkeys::KeyPair;

    use super::*;
    use crate::wire::name::Name;
    use crate::wire::trust::Signer;

    #[test]
    fn what_lies_on_top_counts_only_where_seats_heed_it() {
        let (pair, thief) = (KeyPair::new_user(), KeyPair::new_user());
        let spv = Name::parse("spv").unwrap();
        let grants = vec!["rules".parse().unwrap()];
        let trust = Trust::of(vec![Signer { id: spv.clone(), name: "SPV".into(), key: pair.public_key(), grants }]);
        let signed = |by: &KeyPair, version| Envelope::sign(by, Key::Rules, spv.clone(), version, format!("{version}"));
        let heeded = |all: &[(&KeyPair, u64)]| {
            let posted = (1..).zip(all).map(|(seq, (by, version))| {
                let envelope = Ok(signed(by, *version).unwrap());
                Posted { seq, at: DateTime::UNIX_EPOCH, envelope }
            });
            let heeded = Heeded::of(posted.collect(), &trust, &Key::Rules);
            let rules = heeded.rules().map(|(envelope, text)| {
                assert_eq!(envelope.version.to_string(), text);
                envelope.version
            });
            (heeded.seq, rules, heeded.odd)
        };
        assert_eq!(heeded(&[]), (0, None, None));
        assert_eq!(heeded(&[(&pair, 5), (&pair, 9)]), (2, Some(9), None));
        // Forged, and written once more by whoever has the link but not the key that signs.
        assert_eq!(heeded(&[(&pair, 5), (&thief, 9)]), (2, Some(5), Some(Refusal::BadSignature)));
        assert_eq!(heeded(&[(&pair, 5), (&pair, 9), (&pair, 5)]), (3, Some(9), Some(Refusal::Old)));
        assert_eq!(heeded(&[(&pair, 9), (&pair, 9)]), (2, Some(9), None));
        assert_eq!(heeded(&[(&thief, 9), (&pair, 5)]), (2, Some(5), None));
    }
}
