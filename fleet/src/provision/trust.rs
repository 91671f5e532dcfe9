//! The seats' trust list, signed by the fleet's authority: a key that is made once and serves nothing else. Running seats
//! receive it like a broadcast.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use async_nats::Client;
use chrono::Utc;
use nkeys::KeyPair;
use penutup_cli_kit::diagnostics::outside;
use penutup_cli_kit::files::shown_path;
use penutup_cli_kit::words::Lang;

use super::fleet::Fleet;
use super::keys::Keys;
use super::output::{Output, Plan};
use super::programs;
use crate::broadcast_stream::{BroadcastStream, PutError};
use crate::error::CliError;
use crate::secret::Seed;
use crate::wire::envelope::Envelope;
use crate::wire::key::Key;
use crate::wire::name::Name;
use crate::wire::trust::Trust;
use crate::words::words;

/// The authority's seed; its public key is in every trust list.
pub const AUTHORITY: &str = "authority/trust.nk";
/// The list, and the same signed.
pub const LIST: &str = "trust.toml";
pub const SIGNED: &str = "trust.json";

/// The list for these signing keys: that of the last run, or a new version.
pub fn ensure(
    fleet: &Fleet,
    signing: &[String],
    output: &Output,
    keys: &mut Keys<'_>,
    plan: &mut Plan,
    lang: Lang,
) -> Result<Trust, CliError> {
    let w = &words(lang).provision;
    let read = |path: &str| {
        let path = output.path(path);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(CliError::new(w.unwritable(shown_path(&path), outside::reason(&error, lang.words())))),
        }
    };
    let authority = keys.ensure("trust", AUTHORITY.to_owned(), plan)?;
    // A list that can't be read is no list to continue: the file is provision's own, and a changed one stops the run.
    let previous = read(LIST)?.and_then(|text| Trust::parse(&text).ok()).unwrap_or_default();
    let now = u64::try_from(Utc::now().timestamp()).unwrap_or_default();
    let outgoing = fleet.supervisors.iter().flat_map(|one| {
        let of_seed = keys.outgoing.get(&programs::signing_seed(&one.id)).into_iter().flatten();
        of_seed.map(|key| (one.id.clone(), key.clone()))
    });
    let list = previous.next(programs::signers(fleet, signing), outgoing.collect(), authority, now);
    let signed = match read(SIGNED)? {
        Some(signed) if list == previous => signed,
        _ => {
            let pair = pair(output, plan, lang)?.ok_or_else(|| CliError::new(w.trust_key_absent(AUTHORITY)))?;
            let by = Name::parse("authority").unwrap_or_else(|| fleet.name.clone());
            let signed = Envelope::sign(&pair, Key::Trust, by, list.version, list.to_toml());
            let signed = signed.map_err(|_| CliError::new(words(lang).stream.cannot_sign))?;
            String::from_utf8_lossy(&signed.to_bytes()).into_owned()
        }
    };
    plan.add(LIST, list.to_toml());
    plan.add(SIGNED, signed);
    Ok(list)
}

/// The authority's key pair; `None` where its seed is kept elsewhere.
fn pair(output: &Output, plan: &Plan, lang: Lang) -> Result<Option<KeyPair>, CliError> {
    if let Some(text) = plan.secret(AUTHORITY) {
        return Ok(Seed::in_text(text).map(|seed| seed.pair()));
    }
    let path = output.path(AUTHORITY);
    if path.exists() { Seed::read(&path, lang).map(|seed| Some(seed.pair())) } else { Ok(None) }
}

/// What publishing the folder's list did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Published {
    New(u64),
    /// The server has it already.
    Unchanged(u64),
}

/// Publishes the folder's list, unless the server has it.
pub async fn publish(client: Client, folder: &Path, lang: Lang) -> Result<Published, CliError> {
    let w = &words(lang).provision;
    let read = |name: &str| {
        let path = folder.join(name);
        fs::read(&path)
            .map_err(|error| CliError::new(w.unwritable(shown_path(&path), outside::reason(&error, lang.words()))))
    };
    let damaged = || CliError::new(w.trust_damaged(shown_path(&folder.join(SIGNED))));
    let list = String::from_utf8(read(LIST)?).ok().and_then(|text| Trust::parse(&text).ok()).ok_or_else(damaged)?;
    let envelope = Envelope::parse(&read(SIGNED)?).map_err(|_| damaged())?;
    let stream = BroadcastStream::new(client, lang);
    let present = stream.accepted(&list, &Key::Trust).await?;
    let newest = present.newest.map_or(0, |(envelope, _)| envelope.version);
    match newest.cmp(&envelope.version) {
        std::cmp::Ordering::Equal => return Ok(Published::Unchanged(newest)),
        std::cmp::Ordering::Greater => return Err(CliError::new(w.trust_older(newest, envelope.version))),
        std::cmp::Ordering::Less => {}
    }
    match stream.put(&envelope, present.last_sequence).await {
        Ok(_) => Ok(Published::New(envelope.version)),
        Err(PutError::Conflict) => Err(CliError::new(w.trust_conflict)),
        Err(PutError::Failed(error)) => Err(CliError {
            message: w.trust_failed(&error.message),
            help: Some(w.trust_failed_help.to_owned()),
            ..error
        }),
    }
}
