//! `KV_BROADCAST`, read by key with direct gets, and written with compare-and-set: of two supervisors who declare at
//! once, one gets a conflict instead of overwriting the other.

use std::time::{Duration, Instant};

use async_nats::client::{RequestError, RequestErrorKind};
use async_nats::jetstream;
use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::message::PublishMessage;
use async_nats::{Client, HeaderValue, Message, Request, StatusCode};
use chrono::{DateTime, Utc};
use penutup_cli_kit::diagnostics::shown;
use penutup_cli_kit::words::Lang;
use penutup_rules::declaration::Declaration;
use serde_json::json;

use crate::error::CliError;
use crate::link::{Link, REPLY_TIMEOUT};
use crate::wire::envelope::{Content, Envelope, StoredAt, Verified};
use crate::wire::key::Key;
use crate::wire::refusal::Refusal;
use crate::wire::subject::{self, BROADCASTS};
use crate::wire::trust::Trust;
use crate::words::words;

/// How often a read is tried, each for a part of [`REPLY_TIMEOUT`]: each server of a cluster answers a share of them, and one
/// that hangs is not noticed by the others at once.
const READ_ATTEMPTS: u32 = 5;
/// How long a write is tried: the servers of a cluster need up to ten seconds to elect another leader.
const WRITE_TIMEOUT: Duration = Duration::from_secs(15);
/// How long one attempt of them waits: without a leader nothing is stored, and nothing answers.
const WRITE_ATTEMPT: Duration = Duration::from_secs(2);
/// More than the stream keeps of a key.
const MAX_HISTORY: usize = 64;

/// Why a direct get gave neither a message nor "there is none".
#[derive(Debug)]
pub enum GetError {
    Request(RequestError),
    Status(StatusCode),
}

/// The newest message of a key.
pub async fn get_last(client: &Client, key: &Key) -> Result<Option<Message>, GetError> {
    direct_get(client, subject::direct_get(key), Vec::new()).await
}

/// The first message whose subject the filter matches, from a sequence on. `api` is that of the stream.
pub async fn get_next(client: &Client, api: &str, filter: &str, sequence: u64) -> Result<Option<Message>, GetError> {
    let request = json!({ "seq": sequence, "next_by_subj": filter }).to_string();
    direct_get(client, api.to_owned(), request.into_bytes()).await
}

/// The newest message whose subject the filter matches. `api` is that of the stream.
pub async fn get_newest(client: &Client, api: &str, filter: &str) -> Result<Option<Message>, GetError> {
    let request = json!({ "last_by_subj": filter }).to_string();
    direct_get(client, api.to_owned(), request.into_bytes()).await
}

/// A message, or "there is none".
pub async fn direct_get(client: &Client, subject: String, request: Vec<u8>) -> Result<Option<Message>, GetError> {
    let mut attempt = 1;
    let message = loop {
        let request = Request::new().payload(request.clone().into()).timeout(Some(REPLY_TIMEOUT / READ_ATTEMPTS));
        match client.send_request(subject.clone(), request).await {
            Err(error) if error.kind() == RequestErrorKind::TimedOut && attempt < READ_ATTEMPTS => attempt += 1,
            reply => break reply.map_err(GetError::Request)?,
        }
    };
    match message.status {
        None | Some(StatusCode::OK) => Ok(Some(message)),
        Some(StatusCode::NOT_FOUND) => Ok(None),
        Some(status) => Err(GetError::Status(status)),
    }
}

/// A header that the server sets: the last of that name, since it keeps those of whoever published the message.
fn server_header<'m>(message: &'m Message, name: &'static str) -> Option<&'m str> {
    message.headers.as_ref()?.get_last(name).map(HeaderValue::as_str)
}

/// The stream sequence of a direct get's message.
pub fn stream_sequence(message: &Message) -> Option<u64> {
    server_header(message, "Nats-Sequence")?.parse().ok()
}

/// When the stream stored a direct get's message.
pub fn stream_time(message: &Message) -> Option<DateTime<Utc>> {
    server_header(message, "Nats-Time-Stamp")?.parse().ok()
}

/// The subject of a direct get's message.
pub fn stream_subject(message: &Message) -> Option<&str> {
    server_header(message, "Nats-Subject")
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBroadcast {
    pub sequence: u64,
    /// When the server stored it.
    pub stored_at: DateTime<Utc>,
    /// Not verified yet.
    pub envelope: Result<Envelope, Refusal>,
}

impl StoredBroadcast {
    fn parse(message: &Message) -> Option<Self> {
        let stored_at = stream_time(message)?;
        let envelope = Envelope::parse(&message.payload);
        Some(Self { sequence: stream_sequence(message)?, stored_at, envelope })
    }

    /// Verifies it as a seat does that knows no broadcast yet.
    pub fn verify(&self, trust: &Trust, key: &Key) -> Result<(&Envelope, Verified), Refusal> {
        let envelope = self.envelope.as_ref().map_err(|refusal| *refusal)?;
        Ok((envelope, envelope.verify(trust, key, None, StoredAt::Time(self.stored_at.timestamp()))?))
    }
}

/// Which of a key's messages the seats accept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// The sequence of the newest message; 0 where there is none.
    pub last_sequence: u64,
    /// The newest accepted broadcast.
    pub newest: Option<(Envelope, Verified)>,
    pub stored_at: Option<DateTime<Utc>>,
    /// Why the newest message is not accepted, where it is another one.
    pub last_refusal: Option<Refusal>,
}

impl Accepted {
    /// Verifies a key's messages, the oldest first, as a seat does that receives them one by one: an old broadcast that
    /// was written again is not accepted.
    pub fn from_history(history: Vec<StoredBroadcast>, trust: &Trust, key: &Key) -> Self {
        let mut out = Self::default();
        for StoredBroadcast { sequence, stored_at, envelope } in history {
            let known = out.newest.as_ref().map(|(envelope, _)| envelope);
            let at = StoredAt::Time(stored_at.timestamp());
            let verified = envelope.and_then(|envelope| Ok((envelope.verify(trust, key, known, at)?, envelope)));
            out.last_refusal = verified.as_ref().err().copied();
            out.last_sequence = sequence;
            if let Ok((verified, envelope)) = verified {
                out.newest = Some((envelope, verified));
                out.stored_at = Some(stored_at);
            }
        }
        out
    }

    pub fn klb(&self) -> Option<&Declaration> {
        match &self.newest.as_ref()?.1.content {
            Content::Klb(declared) => Some(declared),
            Content::Rules(_) | Content::Trust(_) => None,
        }
    }

    /// Whether it is a former key's, of somebody who may no longer publish under the key.
    pub fn is_revoked(&self) -> bool {
        self.newest.as_ref().is_some_and(|(_, verified)| verified.is_revoked)
    }

    pub fn rules(&self) -> Option<(&Envelope, &str)> {
        match self.newest.as_ref()? {
            (envelope, Verified { content: Content::Rules(text), .. }) => Some((envelope, text)),
            _ => None,
        }
    }
}

#[derive(Debug)]
pub enum PutError {
    /// The key has another message by now.
    Conflict,
    Failed(CliError),
}

#[derive(Clone, Debug)]
pub struct BroadcastStream {
    client: Client,
    lang: Lang,
}

impl BroadcastStream {
    pub async fn connect(link: &Link, lang: Lang) -> Result<Self, CliError> {
        Ok(Self::new(link.connect(lang).await?, lang))
    }

    pub fn new(client: Client, lang: Lang) -> Self {
        Self { client, lang }
    }

    pub fn lang(&self) -> Lang {
        self.lang
    }

    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The newest message of a key.
    pub async fn last(&self, key: &Key) -> Result<Option<StoredBroadcast>, CliError> {
        self.parse(get_last(&self.client, key).await)
    }

    fn parse(&self, message: Result<Option<Message>, GetError>) -> Result<Option<StoredBroadcast>, CliError> {
        match message {
            Ok(message) => {
                message.map(|m| StoredBroadcast::parse(&m).ok_or_else(|| self.unexpected_reply(""))).transpose()
            }
            Err(error) => Err(self.get_error(&error)),
        }
    }

    /// The messages that the stream keeps of a key, the oldest first.
    pub async fn history(&self, key: &Key) -> Result<Vec<StoredBroadcast>, CliError> {
        let mut out: Vec<StoredBroadcast> = Vec::new();
        while out.len() < MAX_HISTORY {
            let from = out.last().map_or(1, |last| last.sequence + 1);
            let Some(stored) =
                self.parse(get_next(&self.client, subject::DIRECT_GET, &subject::put(key), from).await)?
            else {
                break;
            };
            if stored.sequence < from {
                return Err(self.unexpected_reply(""));
            }
            out.push(stored);
        }
        Ok(out)
    }

    /// The newest trust list: the given one, or a newer one that its authority signed.
    pub async fn trust(&self, known: &Trust) -> Result<Trust, CliError> {
        let accepted = self.accepted(known, &Key::Trust).await?;
        Ok(match accepted.newest {
            Some((_, Verified { content: Content::Trust(list), .. })) if list.version > known.version => *list,
            _ => known.clone(),
        })
    }

    /// The version of the trust list that is published; 0: none.
    pub async fn published_trust(&self, known: &Trust) -> Result<u64, CliError> {
        let newest = self.accepted(known, &Key::Trust).await?.newest;
        Ok(newest.map_or(0, |(envelope, _)| envelope.version))
    }

    pub async fn accepted(&self, trust: &Trust, key: &Key) -> Result<Accepted, CliError> {
        Ok(Accepted::from_history(self.history(key).await?, trust, key))
    }

    /// Writes a broadcast, if the key's newest message has this sequence (0: none). Returns its own.
    ///
    /// Not through the client's key-value bucket: it asks for the stream's settings first, which nats-server refuses
    /// to an account without JetStream, as the supervisors' is.
    pub async fn put(&self, envelope: &Envelope, expected: u64) -> Result<u64, PutError> {
        let mut context = jetstream::new(self.client.clone());
        context.set_timeout(WRITE_ATTEMPT);
        let (started, mut is_repeated) = (Instant::now(), false);
        let result = loop {
            let message = PublishMessage::build()
                .payload(envelope.to_bytes().into())
                .expected_stream(BROADCASTS)
                .expected_last_subject_sequence(expected);
            let put = async { context.send_publish(subject::put(&envelope.key), message).await?.await };
            match put.await.map_err(|error| (error.kind(), error)) {
                // At most one of them is stored, and its answer may be what is lost.
                Err((PublishErrorKind::TimedOut, _)) if started.elapsed() < WRITE_TIMEOUT => {
                    is_repeated = true;
                    // This server may be cut off from the others.
                    let _ = self.client.force_reconnect().await;
                    if let Ok(Some(own)) = self.own(envelope).await {
                        return Ok(own.sequence);
                    }
                }
                Err((PublishErrorKind::WrongLastSequence, error)) if is_repeated => {
                    break match self.own(envelope).await.map_err(|_| self.uncertain())? {
                        Some(own) => return Ok(own.sequence),
                        None => Err((PublishErrorKind::WrongLastSequence, error)),
                    };
                }
                result => break result,
            }
        };
        let w = &words(self.lang).stream;
        result.map(|ack| ack.sequence).map_err(|(kind, error)| match kind {
            PublishErrorKind::WrongLastSequence => PutError::Conflict,
            PublishErrorKind::StreamNotFound => {
                PutError::Failed(CliError::new(w.no_responders).help(w.no_responders_help))
            }
            PublishErrorKind::TimedOut | PublishErrorKind::BrokenPipe => self.uncertain(),
            _ => PutError::Failed(self.unexpected_reply(&error.to_string())),
        })
    }

    /// A write of which it is unknown whether it is stored.
    fn uncertain(&self) -> PutError {
        let w = &words(self.lang).stream;
        PutError::Failed(CliError::new(w.no_reply).help(w.no_reply_help))
    }

    /// The newest message of its key, if it is this one.
    async fn own(&self, envelope: &Envelope) -> Result<Option<StoredBroadcast>, CliError> {
        Ok(self.last(&envelope.key).await?.filter(|last| last.envelope.as_ref() == Ok(envelope)))
    }

    /// The error of a direct get.
    pub fn get_error(&self, error: &GetError) -> CliError {
        match error {
            GetError::Request(error) => self.request_error(error),
            GetError::Status(status) => self.unexpected_reply(&status.to_string()),
        }
    }

    fn request_error(&self, error: &RequestError) -> CliError {
        let w = &words(self.lang).stream;
        match error.kind() {
            RequestErrorKind::NoResponders => CliError::new(w.no_responders).help(w.no_responders_help),
            _ => CliError::new(w.silent).help(w.silent_help),
        }
    }

    fn unexpected_reply(&self, what: &str) -> CliError {
        CliError::new(words(self.lang).stream.unexpected_reply(shown(what)))
    }
}

#[cfg(test)]
mod tests {
    use nkeys::KeyPair;

    use super::*;
    use crate::wire::name::Name;
    use crate::wire::trust::Signer;

    #[test]
    fn the_newest_message_counts_only_if_seats_accept_it() {
        let (pair, thief) = (KeyPair::new_user(), KeyPair::new_user());
        let spv = Name::parse("spv").unwrap();
        let grants = vec!["rules".parse().unwrap()];
        let trust = Trust::new(vec![Signer { id: spv.clone(), name: "SPV".into(), key: pair.public_key(), grants }]);
        let signed = |by: &KeyPair, version| Envelope::sign(by, Key::Rules, spv.clone(), version, format!("{version}"));
        let accepted = |all: &[(&KeyPair, u64)]| {
            let history = (1..).zip(all).map(|(sequence, (by, version))| {
                let envelope = Ok(signed(by, *version).unwrap());
                StoredBroadcast { sequence, stored_at: DateTime::UNIX_EPOCH, envelope }
            });
            let accepted = Accepted::from_history(history.collect(), &trust, &Key::Rules);
            let rules = accepted.rules().map(|(envelope, text)| {
                assert_eq!(envelope.version.to_string(), text);
                envelope.version
            });
            (accepted.last_sequence, rules, accepted.last_refusal)
        };
        assert_eq!(accepted(&[]), (0, None, None));
        assert_eq!(accepted(&[(&pair, 5), (&pair, 9)]), (2, Some(9), None));
        // Forged, and replayed by somebody with the connection key but without the signing key.
        assert_eq!(accepted(&[(&pair, 5), (&thief, 9)]), (2, Some(5), Some(Refusal::BadSignature)));
        assert_eq!(accepted(&[(&pair, 5), (&pair, 9), (&pair, 5)]), (3, Some(9), Some(Refusal::Old)));
        assert_eq!(accepted(&[(&pair, 9), (&pair, 9)]), (2, Some(9), None));
        assert_eq!(accepted(&[(&thief, 9), (&pair, 5)]), (2, Some(5), None));
    }
}
