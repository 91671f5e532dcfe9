//! The audit table: who declared or published what, when, for whom and why, from the signed broadcasts themselves. The
//! stream keeps sixteen of a key; here each that a signer on the trust list signed stays for a year.

use std::collections::HashMap;

use penutup_rules::declaration::State;
use tokio_postgres::Client;

use super::writer::DatabaseError;
use crate::broadcast_stream::{BroadcastStream, StoredBroadcast};
use crate::config::center::Center;
use crate::error::CliError;
use crate::wire::envelope::Content;
use crate::wire::key::{Key, Scope};
use crate::wire::trust::Trust;

const INSERT: &str = "
    insert into audit (key, version, signer, name, stored, state, since, until, reason, envelope)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict do nothing";
const FORGET: &str = "delete from audit where stored < now() - interval '1 year'";

pub struct Audit {
    stream: BroadcastStream,
    trust: Trust,
    keys: Vec<Key>,
    /// The sequence of each key's newest message that is in the table.
    written: HashMap<Key, u64>,
}

pub enum AuditError {
    Stream(CliError),
    Database(DatabaseError),
}

impl From<CliError> for AuditError {
    fn from(error: CliError) -> Self {
        Self::Stream(error)
    }
}

impl From<tokio_postgres::Error> for AuditError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(error.into())
    }
}

impl Audit {
    /// `None` where the configuration names no trust list: then no signature can be checked.
    pub fn new(center: &Center, stream: BroadcastStream) -> Option<Self> {
        let trust = center.trust.clone()?;
        let mut keys = vec![Key::Trust, Key::Rules, Key::Klb(Scope::Center)];
        for site in &center.sites {
            for scope in [Scope::Region(site.region.clone()), Scope::Site(site.id.clone())] {
                if !keys.contains(&Key::Klb(scope.clone())) {
                    keys.push(Key::Klb(scope));
                }
            }
        }
        Some(Self { stream, trust, keys, written: HashMap::new() })
    }

    /// Writes what is new in the stream.
    pub async fn write(&mut self, client: &Client) -> Result<(), AuditError> {
        let newest = self.stream.trust(&self.trust).await?;
        if newest != self.trust {
            self.trust = newest;
            self.written.clear();
        }
        for key in &self.keys {
            let Some(last) = self.stream.last(key).await? else { continue };
            if self.written.get(key) == Some(&last.sequence) {
                continue;
            }
            for stored in self.stream.history(key).await? {
                insert(client, &self.trust, key, &stored).await?;
            }
            self.written.insert(key.clone(), last.sequence);
        }
        client.execute(FORGET, &[]).await?;
        Ok(())
    }
}

/// One that is forged is left out, one that was written again is there already.
async fn insert(client: &Client, trust: &Trust, key: &Key, stored: &StoredBroadcast) -> Result<(), AuditError> {
    let Ok((envelope, verified)) = stored.verify(trust, key) else { return Ok(()) };
    let declared = match &verified.content {
        Content::Klb(declared) => Some(declared),
        Content::Rules(_) | Content::Trust(_) => None,
    };
    let state = declared.map(|declared| if declared.state == State::On { "on" } else { "off" });
    let (since, until) = (declared.map(|declared| declared.since), declared.and_then(|declared| declared.until));
    let reason = declared.and_then(|declared| declared.why.as_deref());
    let version = i64::try_from(envelope.version).unwrap_or(i64::MAX);
    // A trust list is signed by the fleet's authority, which has no name.
    let name = if verified.by.is_empty() { envelope.by.as_str() } else { &verified.by };
    let (key, signer, bytes) = (key.to_string(), envelope.by.as_str(), envelope.to_bytes());
    client
        .execute(INSERT, &[&key, &version, &signer, &name, &stored.stored_at, &state, &since, &until, &reason, &bytes])
        .await?;
    Ok(())
}
