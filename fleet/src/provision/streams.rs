//! The streams on the servers: created if missing, raised to the fleet's file, never weakened.

use std::cmp::Ordering;
use std::time::{Duration, Instant};

use async_nats::Client;
use async_nats::jetstream::context::GetStreamErrorKind;
use async_nats::jetstream::stream::{Config, DiscardPolicy, Republish, RetentionPolicy, StorageType};
use async_nats::jetstream::{self, ErrorCode};
use penutup_cli_kit::diagnostics::shown_reason;
use penutup_cli_kit::words::Lang;

use super::fleet::{Fleet, Site};
use crate::error::CliError;
use crate::wire::closing::MAX_CLOSING;
use crate::wire::envelope::MAX_ENVELOPE;
use crate::wire::seat::MAX_STATE;
use crate::wire::subject;
use crate::words::words;

/// How long a server may take to start, and the pause between two attempts.
const START_TIME: Duration = Duration::from_secs(30);
const RETRY: Duration = Duration::from_millis(250);
/// Stored broadcasts of a key.
const HISTORY: i64 = 16;
/// How long a repeated closing is detected.
const DEDUPE_WINDOW: Duration = Duration::from_secs(60 * 60);
const CLOSINGS_AGE: Duration = Duration::from_secs(14 * 24 * 60 * 60);
const STATES_AGE: Duration = Duration::from_secs(10 * 60);
/// Allowed for a message's headers, in bytes.
const HEADERS: usize = 1024;
/// More than sixteen rules files and sixteen declarations of each of 200 scopes.
const BROADCASTS_BYTES: u64 = 256 << 20;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamChange {
    Created,
    /// The settings that were raised.
    Raised(Vec<&'static str>),
    Unchanged,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamOutcome {
    pub stream: String,
    pub change: StreamChange,
    /// Settings that are stronger than in the fleet's file, and were left so.
    pub stronger: Vec<&'static str>,
}

/// The disk space that the streams may take on each server.
pub fn disk_bytes(fleet: &Fleet) -> u64 {
    let states: u64 = fleet.sites.iter().map(states_bytes).sum();
    let closings: u64 = fleet.sites.iter().map(|site| site.closings_bytes).sum();
    states + closings + BROADCASTS_BYTES
}

fn states_bytes(site: &Site) -> u64 {
    site.seats.len() as u64 * 2 * (MAX_STATE + HEADERS) as u64 + (1 << 20)
}

fn to_i64(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn message_size(n: usize) -> i32 {
    i32::try_from(n + HEADERS).unwrap_or(i32::MAX)
}

/// The fleet's streams.
pub fn desired(fleet: &Fleet) -> Vec<Config> {
    let num_replicas = fleet.server.replicas();
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
        max_bytes: to_i64(BROADCASTS_BYTES),
        max_message_size: message_size(MAX_ENVELOPE),
        duplicate_window: Duration::from_secs(120),
        allow_direct: true,
        republish: Some(Republish {
            source: format!("{}>", subject::BROADCAST_PREFIX),
            destination: subject::republished(&fleet.name),
            headers_only: false,
        }),
        ..base()
    };
    let mut out = vec![broadcasts];
    for site in &fleet.sites {
        out.push(Config {
            name: subject::closings(&site.id),
            subjects: vec![format!("closing.{}.*", site.id)],
            storage: StorageType::File,
            // A full stream refuses new closings, which stay in the seats' journals: nothing acknowledged is dropped.
            discard: DiscardPolicy::New,
            max_bytes: to_i64(site.closings_bytes),
            max_age: CLOSINGS_AGE,
            max_message_size: message_size(MAX_CLOSING),
            duplicate_window: DEDUPE_WINDOW,
            ..base()
        });
        out.push(Config {
            name: subject::states(&site.id),
            subjects: vec![format!("seat.{}.*", site.id)],
            // In memory, a server without a cluster would lose the stream itself at a restart.
            storage: StorageType::File,
            discard: DiscardPolicy::Old,
            max_messages_per_subject: 1,
            max_bytes: to_i64(states_bytes(site)),
            max_age: STATES_AGE,
            max_message_size: message_size(MAX_STATE),
            duplicate_window: Duration::from_secs(120),
            allow_direct: true,
            ..base()
        });
    }
    out
}

/// The configuration to update to, the settings that it raises, and those that are stronger already; `None` where the
/// existing stream is incompatible.
fn compare(existing: &Config, desired: &Config) -> Option<(Config, Vec<&'static str>, Vec<&'static str>)> {
    let same = existing.subjects == desired.subjects
        && existing.storage == desired.storage
        && existing.retention == desired.retention
        && existing.discard == desired.discard
        && existing.max_consumers == desired.max_consumers
        && existing.mirror.is_none()
        && existing.sources.as_ref().is_none_or(Vec::is_empty)
        && !existing.no_ack
        && !existing.sealed
        && existing.republish.as_ref().is_none_or(|republish| Some(republish) == desired.republish.as_ref());
    if !same {
        return None;
    }
    let (mut next, mut raised, mut stronger) = (existing.clone(), Vec::new(), Vec::new());
    // -1 and 0 mean no limit.
    let limit = |n: i64| if n <= 0 { i64::MAX } else { n };
    let mut larger = |name: &'static str, existing: i64, desired: i64| match existing.cmp(&desired) {
        Ordering::Less => {
            raised.push(name);
            true
        }
        Ordering::Equal => false,
        Ordering::Greater => {
            stronger.push(name);
            false
        }
    };
    let seconds = |time: Duration| limit(to_i64(time.as_secs()));
    if larger("max_bytes", limit(existing.max_bytes), limit(desired.max_bytes)) {
        next.max_bytes = desired.max_bytes;
    }
    if larger("max_msgs", limit(existing.max_messages), limit(desired.max_messages)) {
        next.max_messages = desired.max_messages;
    }
    let (have, want) = (existing.max_messages_per_subject, desired.max_messages_per_subject);
    if larger("max_msgs_per_subject", limit(have), limit(want)) {
        next.max_messages_per_subject = want;
    }
    if larger("max_msg_size", limit(existing.max_message_size.into()), limit(desired.max_message_size.into())) {
        next.max_message_size = desired.max_message_size;
    }
    if larger("max_age", seconds(existing.max_age), seconds(desired.max_age)) {
        next.max_age = desired.max_age;
    }
    let (have, want) = (existing.duplicate_window.as_secs(), desired.duplicate_window.as_secs());
    if larger("duplicate_window", to_i64(have), to_i64(want)) {
        next.duplicate_window = desired.duplicate_window;
    }
    if larger("num_replicas", to_i64(existing.num_replicas as u64), to_i64(desired.num_replicas as u64)) {
        next.num_replicas = desired.num_replicas;
    }
    for (name, want, have) in [
        ("deny_delete", desired.deny_delete, &mut next.deny_delete),
        ("deny_purge", desired.deny_purge, &mut next.deny_purge),
        ("allow_direct", desired.allow_direct, &mut next.allow_direct),
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
    if next.republish.is_none() && desired.republish.is_some() {
        next.republish.clone_from(&desired.republish);
        raised.push("republish");
    }
    Some((next, raised, stronger))
}

/// Until when a server that was just started, or servers that have no leader yet, are asked again.
pub fn deadline() -> Instant {
    Instant::now() + START_TIME
}

/// Tries again until the deadline.
pub async fn patiently<T, E>(deadline: Instant, mut attempt: impl AsyncFnMut() -> Result<T, E>) -> Result<T, E> {
    loop {
        match attempt().await {
            Err(_) if Instant::now() < deadline => tokio::time::sleep(RETRY).await,
            result => return result,
        }
    }
}

/// Creates or raises the streams. An incompatible stream is an error.
pub async fn ensure(
    client: Client,
    fleet: &Fleet,
    deadline: Instant,
    lang: Lang,
) -> Result<Vec<StreamOutcome>, CliError> {
    let w = &words(lang).provision;
    let context = jetstream::new(client);
    let mut out = Vec::new();
    for desired in desired(fleet) {
        let stream = desired.name.clone();
        let failed = |why: &dyn std::fmt::Display| CliError::new(w.stream_failed(&stream, shown_reason(why)));
        let existing = patiently(deadline, async || match context.get_stream(&stream).await {
            Ok(stream) => Ok(Some(stream.cached_info().config.clone())),
            Err(error) => match error.kind() {
                GetStreamErrorKind::JetStream(ref why) if why.error_code() == ErrorCode::STREAM_NOT_FOUND => Ok(None),
                _ => Err(failed(&error)),
            },
        });
        let (change, stronger) = match existing.await? {
            None => {
                let create = async || context.create_stream(desired.clone()).await.map_err(|error| failed(&error));
                patiently(deadline, create).await?;
                (StreamChange::Created, Vec::new())
            }
            Some(existing) => {
                let compared = compare(&existing, &desired);
                let (next, raised, stronger) = compared.ok_or_else(|| CliError::new(w.stream_incompatible(&stream)))?;
                if raised.is_empty() {
                    (StreamChange::Unchanged, stronger)
                } else {
                    context.update_stream(&next).await.map_err(|error| failed(&error))?;
                    (StreamChange::Raised(raised), stronger)
                }
            }
        };
        out.push(StreamOutcome { stream, change, stronger });
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
    fn weaker_settings_are_raised_and_stronger_ones_kept() {
        let desired = closings();
        assert_eq!(compare(&desired, &desired), Some((desired.clone(), vec![], vec![])));
        let strong = Config { max_bytes: -1, max_age: Duration::from_secs(200), num_replicas: 3, ..closings() };
        let (next, raised, stronger) = compare(&strong, &desired).unwrap();
        assert_eq!((next, raised), (strong, vec![]));
        assert_eq!(stronger, ["max_bytes", "max_age", "num_replicas"]);
        let weak = Config { max_bytes: 50, deny_delete: false, allow_rollup: true, ..closings() };
        let (next, raised, stronger) = compare(&weak, &desired).unwrap();
        assert_eq!((next, stronger), (desired.clone(), vec![]));
        assert_eq!(raised, ["max_bytes", "deny_delete", "allow_rollup_hdrs"]);
    }

    #[test]
    fn an_incompatible_stream_is_not_changed() {
        let desired = closings();
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
            assert_eq!(compare(&other, &desired), None, "{other:?}");
        }
    }
}
