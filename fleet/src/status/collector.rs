//! Collects the summary from the streams, the broadcasts and the database. A source that fails is named in it.

use std::collections::BTreeMap;
use std::time::Duration;

use async_nats::Client;
use chrono::{DateTime, FixedOffset, TimeDelta, Utc};
use futures_util::future::join_all;
use penutup_cli_kit::diagnostics::shown;
use penutup_cli_kit::words::Lang;
use penutup_rules::loaded::{LoadedRules, Origin};

use super::archive_state::ArchiveState;
use super::certificate::{self, Certificate};
use super::summary::{CurrentBroadcasts, DatabaseCounts, PublishedRules, SiteInput, Summary, TrustVersions};
use crate::broadcast_stream::{Accepted, BroadcastStream, direct_get, stream_time};
use crate::config::center::{Center, Site};
use crate::database::{self, Connector};
use crate::error::CliError;
use crate::link::Link;
use crate::seat_states::SeatStates;
use crate::time;
use crate::wire::envelope::Envelope;
use crate::wire::key::{Key, Scope};
use crate::wire::subject;
use crate::wire::trust::Trust;
use crate::words::words;

/// A source that takes longer is reported as silent.
const SOURCE_TIMEOUT: Duration = Duration::from_secs(3);
/// A beat comes every two seconds; the clocks of the server and of this machine may differ by the rest.
const BEAT_LATE: TimeDelta = TimeDelta::seconds(30);
/// How long the database's counts are reused.
const COUNTS_MAX_AGE: TimeDelta = TimeDelta::seconds(10);
/// How long what the servers showed is reused.
const CERTIFICATES_MAX_AGE: TimeDelta = TimeDelta::minutes(10);

pub struct Collector {
    sites: Vec<(Site, SeatStates)>,
    client: Client,
    stream: BroadcastStream,
    trust: Trust,
    /// The accepted broadcasts; read again only where a key has a newer message.
    accepted: BTreeMap<Key, Accepted>,
    connector: Option<Connector>,
    database: Option<tokio_postgres::Client>,
    counts: Option<(DateTime<Utc>, DatabaseCounts)>,
    link: Link,
    /// When the servers' certificates were read last, and what they were.
    certificates: Option<(DateTime<Utc>, Vec<Certificate>)>,
    /// The rules that were checked last.
    checked_rules: Option<PublishedRules>,
    /// For the times in the lines about troubles.
    zone: FixedOffset,
    lang: Lang,
}

impl Collector {
    pub async fn connect(center: Center, zone: FixedOffset, lang: Lang) -> Result<Self, CliError> {
        let no_trust = || CliError::new(words(lang).status.no_trust).help(words(lang).status.no_trust_help);
        let trust = center.trust.clone().ok_or_else(no_trust)?;
        let connector = center.database.as_ref().map(|_| Connector::new(&center, lang)).transpose()?;
        let client = center.link.connect(lang).await?;
        let sites = center.sites.iter().map(|site| (site.clone(), SeatStates::new(site.id.clone()))).collect();
        let stream = BroadcastStream::new(client.clone(), lang);
        let accepted = BTreeMap::new();
        let (database, counts, checked_rules, certificates, link) = (None, None, None, None, center.link);
        Ok(Self {
            sites,
            client,
            stream,
            trust,
            accepted,
            connector,
            database,
            counts,
            link,
            certificates,
            checked_rules,
            zone,
            lang,
        })
    }

    pub async fn collect(&mut self) -> Summary {
        let mut troubles = Vec::new();
        let (client, w) = (&self.client, &words(self.lang).status);
        let refreshed = join_all(self.sites.iter_mut().map(|(_, seats)| async move {
            let refreshed = tokio::time::timeout(SOURCE_TIMEOUT, seats.refresh(client)).await;
            let error = |result: Result<_, async_nats::Error>| result.err().map(|error| shown(&error.to_string()));
            refreshed.map_or_else(|_| Some(w.timed_out.to_owned()), error)
        }));
        for (why, (site, _)) in refreshed.await.into_iter().zip(&self.sites) {
            if let Some(why) = why {
                troubles.push(w.source_failed(subject::states(&site.id), &why));
            }
        }
        let broadcasts = match tokio::time::timeout(SOURCE_TIMEOUT, self.broadcasts()).await {
            Ok(result) => result.map_err(|error| error.message),
            Err(_) => Err(w.source_failed(subject::BROADCASTS, w.timed_out)),
        };
        let broadcasts = broadcasts.unwrap_or_else(|why| {
            troubles.push(why);
            CurrentBroadcasts::default()
        });
        if let Some(at) = self.late_beat().await {
            let why = w.beat_late(time::full_time(at, self.zone, self.lang));
            troubles.push(w.source_failed(subject::BROADCASTS, &why));
        }
        if let Err(why) = self.refresh_counts().await {
            troubles.push(why);
        }
        let mut archives = Vec::with_capacity(self.sites.len());
        for (archive, (site, _)) in self.archives().await.into_iter().zip(&self.sites) {
            let trouble = match &archive {
                Ok(archive) if archive.is_trouble(self.connector.is_some()) => Some(self.archive_trouble(archive)),
                Ok(_) => None,
                Err(why) => Some(why.clone()),
            };
            troubles.extend(trouble.map(|why| w.source_failed(subject::closings(&site.id), &why)));
            archives.push(archive.ok());
        }
        let silent = troubles.iter().filter(|trouble| trouble.ends_with(w.timed_out)).count();
        // The broadcasts, and the closings of every site: a stream whose states can be read may be one that nobody wrote to.
        if silent > self.sites.len() {
            troubles.push(w.streams_silent.to_owned());
        }
        let certificates = self.certificates().await;
        let sites = self.sites.iter().zip(&archives);
        let sites = sites.map(|((site, seats), archive)| SiteInput {
            site,
            states: seats.states().collect(),
            invalid_states: seats.refused(),
            other_versions: seats.other_versions(),
            archive: archive.as_ref(),
        });
        let sites: Vec<_> = sites.collect();
        let counts = self.counts.as_ref().map(|(_, counts)| counts);
        Summary { certificates, ..Summary::new(&sites, broadcasts, counts, troubles, Utc::now()) }
    }

    /// The servers' certificates, read anew now and then.
    async fn certificates(&mut self) -> Vec<Certificate> {
        let now = Utc::now();
        if let Some((_, known)) = self.certificates.as_ref().filter(|(at, _)| now - *at < CERTIFICATES_MAX_AGE) {
            return known.clone();
        }
        let certificates = certificate::read(&self.link).await;
        // A server that showed none is asked again at once.
        if certificates.len() == self.link.servers.len() {
            self.certificates = Some((now, certificates.clone()));
        }
        certificates
    }

    /// When the newest beat was stored, if that is too long ago. A fleet whose archive never ran has none, and a stream that
    /// does not answer is told by what reads the broadcasts.
    async fn late_beat(&self) -> Option<DateTime<Utc>> {
        let newest = direct_get(&self.client, subject::direct_get_beat(), Vec::new());
        let beat = tokio::time::timeout(SOURCE_TIMEOUT, newest).await.ok()?.ok()??;
        stream_time(&beat).filter(|at| Utc::now() - *at > BEAT_LATE)
    }

    /// The archive at each site, or why it is unknown.
    async fn archives(&self) -> Vec<Result<ArchiveState, String>> {
        let silent = words(self.lang).status.timed_out;
        join_all(self.sites.iter().map(|(site, _)| async {
            let read = ArchiveState::read(&self.client, &site.id);
            match tokio::time::timeout(SOURCE_TIMEOUT, read).await {
                Ok(read) => read.map_err(|error| shown(&error.to_string())),
                Err(_) => Err(silent.to_owned()),
            }
        }))
        .await
    }

    fn archive_trouble(&self, archive: &ArchiveState) -> String {
        let w = &words(self.lang).status;
        let time = |at| time::full_time(at, self.zone, self.lang);
        let recorded = archive.heard.map_or_else(|| w.archive_never.to_owned(), |at| w.archive_heard(time(at)));
        match archive.oldest {
            Some(oldest) => w.archive_behind_since(archive.waiting, time(oldest), &recorded),
            None => w.archive_behind(archive.waiting, &recorded),
        }
    }

    async fn broadcasts(&mut self) -> Result<CurrentBroadcasts, CliError> {
        let mut scopes = vec![Scope::Center];
        for (site, _) in &self.sites {
            scopes.push(Scope::Site(site.id.clone()));
            let region = Scope::Region(site.region.clone());
            if !scopes.contains(&region) {
                scopes.push(region);
            }
        }
        let newest = self.stream.trust(&self.trust).await?;
        if newest != self.trust {
            self.trust = newest;
            self.accepted.clear();
        }
        let published = self.stream.published_trust(&self.trust).await?;
        let keys = scopes.into_iter().map(Key::Klb).chain([Key::Rules]);
        let this = &*self;
        let results = join_all(keys.map(|key| async move {
            let accepted = this.accepted(&key).await;
            (key, accepted)
        }));
        let trust = TrustVersions { newest: self.trust.version, published };
        let mut out = CurrentBroadcasts { trust, is_known: true, ..CurrentBroadcasts::default() };
        for (key, accepted) in results.await {
            let accepted = accepted?;
            if accepted.is_revoked() {
                out.revoked.push(key.clone());
            }
            out.refused.extend(accepted.last_refusal.map(|why| (key.clone(), why)));
            if let (Key::Klb(scope), Some(declared)) = (&key, accepted.klb()) {
                out.klb.insert(scope.clone(), declared.clone());
            }
            if let Some((envelope, text)) = accepted.rules() {
                out.rules = Some(self.published_rules(envelope, text, accepted.stored_at));
            }
            self.accepted.insert(key, accepted);
        }
        Ok(out)
    }

    async fn accepted(&self, key: &Key) -> Result<Accepted, CliError> {
        let last = self.stream.last(key).await?.map_or(0, |stored| stored.sequence);
        match self.accepted.get(key).filter(|known| known.last_sequence == last) {
            Some(known) => Ok(known.clone()),
            None => self.stream.accepted(&self.trust, key).await,
        }
    }

    fn published_rules(&mut self, envelope: &Envelope, text: &str, since: Option<DateTime<Utc>>) -> PublishedRules {
        let Envelope { version, by, .. } = envelope;
        let today = time::today();
        if let Some(known) = self.checked_rules.as_mut().filter(|known| known.version == *version) {
            known.waits_for = known.waits_for.filter(|day| *day > today);
            return known.clone();
        }
        let loaded = LoadedRules::read(text.as_bytes().to_vec(), Origin::BuiltIn, today).ok();
        let revision = loaded.as_ref().map(|loaded| shown(&loaded.rules.sop.revision));
        let waits_for = loaded.and_then(|loaded| loaded.rules.sop.effective_from).filter(|day| *day > today);
        self.checked_rules
            .insert(PublishedRules { version: *version, by: by.clone(), revision, since, waits_for })
            .clone()
    }

    /// Refreshes the database's counts, if a database is configured and they are old. After an error there are none.
    async fn refresh_counts(&mut self) -> Result<(), String> {
        let Some(connector) = &self.connector else { return Ok(()) };
        let now = Utc::now();
        if self.counts.as_ref().is_some_and(|(at, _)| now - *at < COUNTS_MAX_AGE) {
            return Ok(());
        }
        self.counts = None;
        let client = self.database.take().filter(|client| !client.is_closed());
        let query = async {
            let client = match client {
                Some(client) => client,
                None => connector.connect().await?,
            };
            let error = |error: tokio_postgres::Error| connector.error(&error);
            let gaps = database::gaps(&client, None).await.map_err(error)?;
            let refused = database::refused(&client).await.map_err(error)?;
            let doubled = database::doubled(&client).await.map_err(error)?;
            Ok::<_, CliError>((client, DatabaseCounts { gaps, refused, doubled }))
        };
        let silent = words(self.lang).status.timed_out;
        let result = tokio::time::timeout(SOURCE_TIMEOUT, query).await;
        let (client, counts) =
            result.map_err(|_| format!("{connector:?}: {silent}"))?.map_err(|error| error.message)?;
        (self.database, self.counts) = (Some(client), Some((now, counts)));
        Ok(())
    }
}
