//! Collects the summary from the streams, the broadcasts and the database. A source that fails is named in it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::connection::State;
use async_nats::{Client, Event};
use chrono::{DateTime, FixedOffset, TimeDelta, Utc};
use futures_util::future::join_all;
use penutup_cli_kit::diagnostics::{shown, shown_reason};
use penutup_cli_kit::words::Lang;
use penutup_rules::loaded::{LoadedRules, Origin};
use tokio::time::timeout;

use super::archive_state::ArchiveState;
use super::certificate::{self, Certificates};
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
use crate::wire::refusal::RefusalCounts;
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
    sites: Vec<Site>,
    /// Or why there is no connection.
    server: Result<Server, CliError>,
    database: DatabaseSource,
    link: Link,
    /// When the servers' certificates were read last, and what they were.
    certificates: Option<(DateTime<Utc>, Certificates)>,
    /// For the times in the lines about troubles.
    zone: FixedOffset,
    lang: Lang,
}

/// What is read from the server.
struct Server {
    client: Client,
    /// Since when the connection is lost.
    lost: Arc<Mutex<Option<DateTime<Utc>>>>,
    /// Of each site.
    seats: Vec<SeatStates>,
    broadcasts: BroadcastSource,
    lang: Lang,
}

/// The answers of one reading; an error is why there is none.
struct ServerAnswers {
    /// Of each site.
    states: Vec<Result<(), String>>,
    broadcasts: Result<CurrentBroadcasts, String>,
    /// When the newest beat was stored, if that is too long ago.
    late_beat: Option<DateTime<Utc>>,
    /// Of each site.
    archives: Vec<Result<ArchiveState, String>>,
}

struct BroadcastSource {
    stream: BroadcastStream,
    trust: Trust,
    /// The accepted broadcasts; read again only where a key has a newer message.
    accepted: BTreeMap<Key, Accepted>,
    /// The rules that were checked last.
    checked_rules: Option<PublishedRules>,
}

struct DatabaseSource {
    connector: Option<Connector>,
    client: Option<tokio_postgres::Client>,
    counts: Option<(DateTime<Utc>, DatabaseCounts)>,
}

impl Collector {
    /// Without a connection to the server it collects what is known without it.
    pub async fn connect(center: Center, zone: FixedOffset, lang: Lang) -> Result<Self, CliError> {
        let no_trust = || CliError::new(words(lang).status.no_trust).help(words(lang).status.no_trust_help);
        let trust = center.trust.clone().ok_or_else(no_trust)?;
        let connector = center.database.as_ref().map(|_| Connector::new(&center, lang)).transpose()?;
        let lost = Arc::new(Mutex::new(None));
        let noted = Arc::clone(&lost);
        let on_event = move |event| {
            let mut lost = noted.lock().unwrap_or_else(PoisonError::into_inner);
            match event {
                Event::Connected => *lost = None,
                Event::Disconnected | Event::Closed => _ = lost.get_or_insert_with(Utc::now),
                _ => {}
            }
        };
        let server = center.link.connect_observed(lang, on_event).await.map(|client| Server {
            lost,
            seats: center.sites.iter().map(|site| SeatStates::new(site.id.clone())).collect(),
            broadcasts: BroadcastSource {
                stream: BroadcastStream::new(client.clone(), lang),
                trust,
                accepted: BTreeMap::new(),
                checked_rules: None,
            },
            client,
            lang,
        });
        let database = DatabaseSource { connector, client: None, counts: None };
        Ok(Self { sites: center.sites, server, database, link: center.link, certificates: None, zone, lang })
    }

    /// Why there was no connection to begin with.
    pub fn failure(&self) -> Option<&CliError> {
        self.server.as_ref().err()
    }

    pub async fn collect(&mut self) -> Summary {
        let w = &words(self.lang).status;
        let mut troubles = Vec::new();
        let (sites, zone, lang) = (&self.sites, self.zone, self.lang);
        let disconnected = |since| w.disconnected(penutup_cli_kit::times::short(since, Utc::now(), zone, lang.words()));
        let answers = async {
            match &mut self.server {
                Ok(server) => server.read(sites).await.map_err(disconnected),
                Err(error) => Err(error.message.clone()),
            }
        };
        let refreshed = self.database.refresh();
        let (answers, refreshed) = tokio::join!(answers, refreshed);
        let is_connected = answers.is_ok();
        let answers = answers.unwrap_or_else(|why| {
            troubles.push(why);
            ServerAnswers::none(sites.len())
        });
        if is_connected {
            troubles.extend(self.troubles(&answers));
        }
        troubles.extend(refreshed.err());
        let certificates = if is_connected { self.certificates().await } else { Certificates::default() };
        troubles.extend(certificates.without.iter().map(|server| w.certificate_unread(shown(server))));
        let (none, no_versions) = (RefusalCounts::default(), BTreeMap::new());
        let sites = self.sites.iter().enumerate().map(|(n, site)| {
            let seats = self.server.as_ref().ok().map(|server| &server.seats[n]);
            let seats = seats.filter(|_| answers.states[n].is_ok());
            SiteInput {
                site,
                states: seats.map(|seats| seats.states().collect()),
                invalid_states: seats.map_or(&none, SeatStates::refused),
                other_versions: seats.map_or(&no_versions, SeatStates::other_versions),
                archive: answers.archives[n].as_ref().ok(),
            }
        });
        let sites: Vec<_> = sites.collect();
        let counts = self.database.counts.as_ref().map(|(_, counts)| counts);
        let summary = Summary::new(&sites, answers.broadcasts.unwrap_or_default(), counts, troubles, Utc::now());
        Summary { certificates: certificates.shown, is_connected, ..summary }
    }

    /// What of the server could not be read, and archives that read nothing.
    fn troubles(&self, answers: &ServerAnswers) -> Vec<String> {
        let w = &words(self.lang).status;
        let mut troubles = Vec::new();
        for (site, states) in self.sites.iter().zip(&answers.states) {
            troubles.extend(states.as_ref().err().map(|why| w.source_failed(subject::states(&site.id), why)));
        }
        troubles.extend(answers.broadcasts.as_ref().err().cloned());
        if let Some(at) = answers.late_beat {
            let why = w.beat_late(time::full_time(at, self.zone, self.lang));
            troubles.push(w.source_failed(subject::BROADCASTS, &why));
        }
        for (site, archive) in self.sites.iter().zip(&answers.archives) {
            let trouble = match archive {
                Ok(archive) if archive.is_trouble(self.database.connector.is_some()) => {
                    Some(self.archive_trouble(archive))
                }
                Ok(_) => None,
                Err(why) => Some(why.clone()),
            };
            troubles.extend(trouble.map(|why| w.source_failed(subject::closings(&site.id), &why)));
        }
        let silent = troubles.iter().filter(|trouble| trouble.ends_with(w.timed_out)).count();
        // The broadcasts, and the closings of every site: a stream whose states can be read may be one that nobody wrote to.
        if silent > self.sites.len() {
            troubles.push(w.streams_silent.to_owned());
        }
        troubles
    }

    /// The servers' certificates, read anew now and then.
    async fn certificates(&mut self) -> Certificates {
        let now = Utc::now();
        if let Some((_, known)) = self.certificates.as_ref().filter(|(at, _)| now - *at < CERTIFICATES_MAX_AGE) {
            return known.clone();
        }
        let certificates = certificate::read(&self.link).await;
        // A server that showed none is asked again at once.
        if certificates.without.is_empty() {
            self.certificates = Some((now, certificates.clone()));
        }
        certificates
    }

    fn archive_trouble(&self, archive: &ArchiveState) -> String {
        let w = &words(self.lang).status;
        let time = |at| time::full_time(at, self.zone, self.lang);
        let recorded = archive.heard.map_or_else(|| w.archive_never.to_owned(), |at| w.archive_heard(time(at)));
        if archive.waiting == 0 && archive.heard.is_none() {
            return w.archive_idle.to_owned();
        }
        match archive.oldest {
            Some(oldest) => w.archive_behind_since(archive.waiting, time(oldest), &recorded),
            None => w.archive_behind(archive.waiting, &recorded),
        }
    }
}

impl ServerAnswers {
    /// Without a connection.
    fn none(sites: usize) -> Self {
        let (broadcasts, late_beat) = (Err(String::new()), None);
        Self {
            states: vec![Err(String::new()); sites],
            broadcasts,
            late_beat,
            archives: vec![Err(String::new()); sites],
        }
    }
}

impl Server {
    /// Since when the connection is lost, where it is.
    fn lost(&self) -> Option<DateTime<Utc>> {
        let is_lost = self.client.connection_state() != State::Connected;
        let noted = *self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        is_lost.then(|| noted.unwrap_or_else(Utc::now))
    }

    /// Asks for everything at once. Without a connection, also at the end, the error is since when.
    async fn read(&mut self, sites: &[Site]) -> Result<ServerAnswers, DateTime<Utc>> {
        if let Some(since) = self.lost() {
            return Err(since);
        }
        let (client, w) = (&self.client, &words(self.lang).status);
        let states = join_all(self.seats.iter_mut().map(|seats| async move {
            match timeout(SOURCE_TIMEOUT, seats.refresh(client)).await {
                Ok(result) => result.map_err(|error| shown_reason(&error)),
                Err(_) => Err(w.timed_out.to_owned()),
            }
        }));
        let broadcasts = timeout(SOURCE_TIMEOUT, self.broadcasts.read(sites));
        let archives = join_all(sites.iter().map(|site| async {
            match timeout(SOURCE_TIMEOUT, ArchiveState::read(client, &site.id)).await {
                Ok(read) => read.map_err(|error| shown_reason(&error)),
                Err(_) => Err(w.timed_out.to_owned()),
            }
        }));
        let (states, broadcasts, late_beat, archives) = tokio::join!(states, broadcasts, late_beat(client), archives);
        let broadcasts = match broadcasts {
            Ok(result) => result.map_err(|error| error.message),
            Err(_) => Err(w.source_failed(subject::BROADCASTS, w.timed_out)),
        };
        let answers = ServerAnswers { states, broadcasts, late_beat, archives };
        self.lost().map_or(Ok(answers), Err)
    }
}

/// When the newest beat was stored, if that is too long ago. A fleet whose archive never ran has none, and a stream that
/// does not answer is told by what reads the broadcasts.
async fn late_beat(client: &Client) -> Option<DateTime<Utc>> {
    let newest = direct_get(client, subject::direct_get_beat(), Vec::new());
    let beat = timeout(SOURCE_TIMEOUT, newest).await.ok()?.ok()??;
    stream_time(&beat).filter(|at| Utc::now() - *at > BEAT_LATE)
}

impl BroadcastSource {
    async fn read(&mut self, sites: &[Site]) -> Result<CurrentBroadcasts, CliError> {
        let mut scopes = vec![Scope::Center];
        for site in sites {
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
}

impl DatabaseSource {
    /// Refreshes the database's counts, if a database is configured and they are old. After an error there are none.
    async fn refresh(&mut self) -> Result<(), String> {
        let Some(connector) = &self.connector else { return Ok(()) };
        let now = Utc::now();
        if self.counts.as_ref().is_some_and(|(at, _)| now - *at < COUNTS_MAX_AGE) {
            return Ok(());
        }
        self.counts = None;
        let client = self.client.take().filter(|client| !client.is_closed());
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
        let result = timeout(SOURCE_TIMEOUT, query).await.unwrap_or_else(|_| Err(connector.silent(SOURCE_TIMEOUT)));
        let (client, counts) = result.map_err(|error| error.message)?;
        (self.client, self.counts) = (Some(client), Some((now, counts)));
        Ok(())
    }
}
