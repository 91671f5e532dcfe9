//! The streams on the server: made where they are not there, raised to what the fleet's file says, never weakened.

use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream::context::GetStreamErrorKind;
use async_nats::jetstream::stream::{Config, DiscardPolicy, External, Republish, RetentionPolicy, Source, StorageType};
use async_nats::jetstream::{self, ErrorCode};
use penutup::diagnostics::shown;
use penutup::words::Lang;

use super::fleet::{Fleet, Node, Site};
use crate::fail::Fail;
use crate::wire::closing::MAX_CLOSING;
use crate::wire::envelope::MAX_ENVELOPE;
use crate::wire::seat::MAX_STATE;
use crate::wire::subject;
use crate::words::words;

/// How many broadcasts of a key are kept.
pub const HISTORY: i64 = 16;
/// How long a closing may be sent again without standing there twice.
const DEDUPE: Duration = Duration::from_secs(60 * 60);
/// How long closings are kept.
const CLOSINGS_AGE: Duration = Duration::from_secs(14 * 24 * 60 * 60);
/// How long a seat that says nothing is still looked at.
const STATES_AGE: Duration = Duration::from_secs(10 * 60);
/// What a message's headers may take, in bytes.
const HEADERS: usize = 1024;
/// The disk for the broadcasts: more than sixteen rules files and sixteen declarations of each of 200 scopes.
const BROADCASTS_BYTES: u64 = 256 << 20;

/// What became of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Became {
    /// It was not there.
    Made,
    /// These settings were raised.
    Raised(Vec<&'static str>),
    /// It was as it should be.
    Same,
}

/// A stream and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The server's folder.
    pub server: String,
    /// The stream.
    pub stream: String,
    /// What became of it.
    pub became: Became,
    /// What is stronger there than the fleet's file asks for, and was left so.
    pub stronger: Vec<&'static str>,
}

/// The sites whose streams lie on a server: all of them at the hub, which mirrors those of the leaves.
fn sites_of<'f>(fleet: &'f Fleet, node: &Node<'f>) -> Vec<&'f Site> {
    if node.leaf.is_some() { node.sites.clone() } else { fleet.sites.iter().collect() }
}

/// A stream of another domain, whole.
fn mirror(stream: &str, domain: &str) -> Source {
    let external = External { api_prefix: format!("$JS.{domain}.API"), delivery_prefix: None };
    Source { name: stream.to_owned(), external: Some(external), ..Source::default() }
}

/// The same stream as the mirror of another domain's: what the origin decides is not its own.
fn mirrored(stream: Config, domain: &str) -> Config {
    Config {
        mirror: Some(mirror(&stream.name, domain)),
        subjects: Vec::new(),
        duplicate_window: Duration::ZERO,
        republish: None,
        ..stream
    }
}

/// The disk that a server's streams may take, in bytes.
#[must_use]
pub fn room(fleet: &Fleet, node: &Node<'_>) -> u64 {
    let sites = sites_of(fleet, node);
    let states: u64 = sites.iter().map(|site| states_bytes(site)).sum();
    let closings: u64 = sites.iter().map(|site| site.closings_bytes).sum();
    states + closings + BROADCASTS_BYTES
}

fn states_bytes(site: &Site) -> u64 {
    site.seats.len() as u64 * 2 * (MAX_STATE + HEADERS) as u64 + (1 << 20)
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn size(n: usize) -> i32 {
    i32::try_from(n + HEADERS).unwrap_or(i32::MAX)
}

/// The streams of a server. Each lies where it is written: the broadcasts at the hub, a site's own at its leaf; on the
/// other side lies its mirror. A leaf's seats hear the hub's broadcasts live over the one link of their server, and get
/// from its mirror what they missed.
#[must_use]
pub fn wanted(fleet: &Fleet, node: &Node<'_>) -> Vec<Config> {
    let num_replicas = usize::from(node.server.replicas);
    let base = || Config {
        num_replicas,
        retention: RetentionPolicy::Limits,
        max_messages: -1,
        max_messages_per_subject: -1,
        max_consumers: -1,
        deny_delete: true,
        deny_purge: true,
        ..Config::default()
    };
    let broadcasts = Config {
        name: subject::BROADCASTS.to_owned(),
        subjects: vec![format!("{}>", subject::BROADCAST_PREFIX)],
        storage: StorageType::File,
        discard: DiscardPolicy::Old,
        max_messages_per_subject: HISTORY,
        max_bytes: signed(BROADCASTS_BYTES),
        max_message_size: size(MAX_ENVELOPE),
        duplicate_window: Duration::from_secs(120),
        allow_direct: true,
        republish: Some(Republish {
            source: format!("{}>", subject::BROADCAST_PREFIX),
            destination: subject::republished(&fleet.name),
            headers_only: false,
        }),
        ..base()
    };
    let mut out = vec![if node.leaf.is_some() { mirrored(broadcasts, Node::HUB) } else { broadcasts }];
    for site in sites_of(fleet, node) {
        let here = |stream: Config| match (&site.leaf, node.leaf) {
            (Some(_), None) => mirrored(stream, site.id.as_str()),
            _ => stream,
        };
        out.push(here(Config {
            name: subject::closings(&site.id),
            subjects: vec![format!("closing.{}.*", site.id)],
            storage: StorageType::File,
            // A full stream refuses, and the seat keeps what it has: nothing that was acknowledged goes.
            discard: DiscardPolicy::New,
            max_bytes: signed(site.closings_bytes),
            max_age: CLOSINGS_AGE,
            max_message_size: size(MAX_CLOSING),
            duplicate_window: DEDUPE,
            ..base()
        }));
        out.push(here(Config {
            name: subject::states(&site.id),
            subjects: vec![format!("seat.{}.*", site.id)],
            // In memory it would be gone after a restart of a server that stands alone, and nobody makes it again.
            storage: StorageType::File,
            discard: DiscardPolicy::Old,
            max_messages_per_subject: 1,
            max_bytes: signed(states_bytes(site)),
            max_age: STATES_AGE,
            max_message_size: size(MAX_STATE),
            duplicate_window: Duration::from_secs(120),
            allow_direct: true,
            ..base()
        }));
    }
    out
}

/// What it mirrors, and of which domain.
fn origin(stream: &Config) -> Option<(&str, Option<&str>)> {
    let source = stream.mirror.as_ref()?;
    Some((source.name.as_str(), source.external.as_ref().map(|external| external.api_prefix.as_str())))
}

/// What would have to change; `None` where it is another stream altogether.
fn compared(there: &Config, wanted: &Config) -> Option<(Config, Vec<&'static str>, Vec<&'static str>)> {
    let same = there.subjects == wanted.subjects
        && there.storage == wanted.storage
        && there.retention == wanted.retention
        && there.discard == wanted.discard
        && there.max_consumers == wanted.max_consumers
        && origin(there) == origin(wanted)
        && there.sources.as_ref().is_none_or(Vec::is_empty)
        && !there.no_ack
        && !there.sealed
        && there.republish.as_ref().is_none_or(|republish| Some(republish) == wanted.republish.as_ref());
    if !same {
        return None;
    }
    let (mut next, mut raised, mut stronger) = (there.clone(), Vec::new(), Vec::new());
    // -1 and 0 mean: no limit.
    let limit = |n: i64| if n <= 0 { i64::MAX } else { n };
    let mut larger = |name: &'static str, there: i64, wanted: i64| match there.cmp(&wanted) {
        std::cmp::Ordering::Less => {
            raised.push(name);
            true
        }
        std::cmp::Ordering::Equal => false,
        std::cmp::Ordering::Greater => {
            stronger.push(name);
            false
        }
    };
    let seconds = |time: Duration| limit(signed(time.as_secs()));
    if larger("max_bytes", limit(there.max_bytes), limit(wanted.max_bytes)) {
        next.max_bytes = wanted.max_bytes;
    }
    if larger("max_msgs", limit(there.max_messages), limit(wanted.max_messages)) {
        next.max_messages = wanted.max_messages;
    }
    let (have, want) = (there.max_messages_per_subject, wanted.max_messages_per_subject);
    if larger("max_msgs_per_subject", limit(have), limit(want)) {
        next.max_messages_per_subject = want;
    }
    if larger("max_msg_size", limit(there.max_message_size.into()), limit(wanted.max_message_size.into())) {
        next.max_message_size = wanted.max_message_size;
    }
    if larger("max_age", seconds(there.max_age), seconds(wanted.max_age)) {
        next.max_age = wanted.max_age;
    }
    let (have, want) = (there.duplicate_window.as_secs(), wanted.duplicate_window.as_secs());
    if larger("duplicate_window", signed(have), signed(want)) {
        next.duplicate_window = wanted.duplicate_window;
    }
    if larger("num_replicas", signed(there.num_replicas as u64), signed(wanted.num_replicas as u64)) {
        next.num_replicas = wanted.num_replicas;
    }
    for (name, want, have) in [
        ("deny_delete", wanted.deny_delete, &mut next.deny_delete),
        ("deny_purge", wanted.deny_purge, &mut next.deny_purge),
        ("allow_direct", wanted.allow_direct, &mut next.allow_direct),
    ] {
        if want && !*have {
            *have = true;
            raised.push(name);
        }
    }
    if next.allow_rollup {
        next.allow_rollup = false;
        raised.push("allow_rollup_hdrs");
    }
    if next.republish.is_none() && wanted.republish.is_some() {
        next.republish.clone_from(&wanted.republish);
        raised.push("republish");
    }
    Some((next, raised, stronger))
}

/// Makes or raises a server's streams.
///
/// # Errors
/// A stream of one of these names that is another one; or why the server did not do it.
pub async fn ensure(client: Client, fleet: &Fleet, node: &Node<'_>, lang: Lang) -> Result<Vec<Outcome>, Fail> {
    let w = &words(lang).provision;
    let context = jetstream::new(client);
    let failed = |stream: &str, why: &dyn std::fmt::Display| {
        let why = shown(&why.to_string());
        Fail::new(w.stream_failed(stream, &why))
    };
    let mut out = Vec::new();
    for wanted in wanted(fleet, node) {
        let stream = wanted.name.clone();
        let there = match context.get_stream(&stream).await {
            Ok(there) => Some(there.cached_info().config.clone()),
            Err(error) => match error.kind() {
                GetStreamErrorKind::JetStream(ref why) if why.error_code() == ErrorCode::STREAM_NOT_FOUND => None,
                _ => return Err(failed(&stream, &error)),
            },
        };
        let (became, stronger) = match there {
            None => {
                context.create_stream(wanted).await.map_err(|error| failed(&stream, &error))?;
                (Became::Made, Vec::new())
            }
            Some(there) => {
                let compared = compared(&there, &wanted);
                let (next, raised, stronger) = compared.ok_or_else(|| Fail::new(w.stream_other(&stream)))?;
                if raised.is_empty() {
                    (Became::Same, stronger)
                } else {
                    context.update_stream(&next).await.map_err(|error| failed(&stream, &error))?;
                    (Became::Raised(raised), stronger)
                }
            }
        };
        out.push(Outcome { server: node.folder(), stream, became, stronger });
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closings() -> Config {
        Config {
            name: "CLOSINGS_JKT".into(),
            subjects: vec!["closing.jkt.*".into()],
            max_bytes: 100,
            max_age: Duration::from_secs(100),
            num_replicas: 1,
            deny_delete: true,
            deny_purge: true,
            ..Config::default()
        }
    }

    #[test]
    fn nothing_is_weakened_and_what_is_weak_is_raised() {
        let wanted = closings();
        assert_eq!(compared(&wanted, &wanted), Some((wanted.clone(), vec![], vec![])));
        let strong = Config { max_bytes: -1, max_age: Duration::from_secs(200), num_replicas: 3, ..closings() };
        let (next, raised, stronger) = compared(&strong, &wanted).unwrap();
        assert_eq!((next, raised), (strong, vec![]));
        assert_eq!(stronger, ["max_bytes", "max_age", "num_replicas"]);
        let weak = Config { max_bytes: 50, deny_delete: false, allow_rollup: true, ..closings() };
        let (next, raised, stronger) = compared(&weak, &wanted).unwrap();
        assert_eq!((next, stronger), (wanted.clone(), vec![]));
        assert_eq!(raised, ["max_bytes", "deny_delete", "allow_rollup_hdrs"]);
    }

    #[test]
    fn another_stream_of_that_name_is_left_alone() {
        let wanted = closings();
        for other in [
            Config { subjects: vec!["x".into()], ..closings() },
            Config { storage: StorageType::Memory, ..closings() },
            Config { discard: DiscardPolicy::New, ..closings() },
            Config { no_ack: true, ..closings() },
            Config {
                republish: Some(Republish { source: ">".into(), destination: "x.>".into(), headers_only: false }),
                ..closings()
            },
        ] {
            assert_eq!(compared(&other, &wanted), None, "{other:?}");
        }
    }
}
