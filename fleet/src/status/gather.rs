//! Asks the streams, the broadcasts and the database; what does not answer is named, and the rest is shown.

use std::collections::BTreeMap;
use std::time::Duration;

use async_nats::Client;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use penutup::book::{Book, Origin};
use penutup::diagnostics::shown;
use penutup::words::Lang;

use super::picture::{Heard, OnAir, Picture, Published, Stored};
use crate::config::center::{Center, Site};
use crate::database::{self, Settings};
use crate::fail::Fail;
use crate::moment;
use crate::posted::{Board, Heeded};
use crate::seats::Seats;
use crate::wire::envelope::Envelope;
use crate::wire::key::{Key, Scope};
use crate::wire::subject;
use crate::wire::trust::Trust;
use crate::words::words;

/// How long a source may take before it is shown as silent.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long what the database said is good enough.
const STORED: TimeDelta = TimeDelta::seconds(10);

/// What asks.
pub struct Gatherer {
    sites: Vec<(Site, Seats)>,
    client: Client,
    board: Board,
    trust: Trust,
    /// What they heed, as far as it was looked through.
    heeded: BTreeMap<Key, Heeded>,
    settings: Option<Settings>,
    database: Option<tokio_postgres::Client>,
    stored: Option<(DateTime<Utc>, Stored)>,
    /// The rules that were proved last, by their version.
    proved: Option<Published>,
    lang: Lang,
}

impl Gatherer {
    /// Connects.
    ///
    /// # Errors
    /// A configuration that can't be used, or no connection.
    pub async fn begin(center: &Center, lang: Lang) -> Result<Self, Fail> {
        let no_trust = || Fail::new(words(lang).status.no_trust).help(words(lang).status.no_trust_help);
        let trust = center.trust.clone().ok_or_else(no_trust)?;
        let settings = center.database.as_ref().map(|_| Settings::of(center, lang)).transpose()?;
        let client = center.link.connect(lang).await?;
        let sites = center.sites.iter().map(|site| (site.clone(), Seats::new(site.id.clone()))).collect();
        let board = Board::of(client.clone(), lang);
        let heeded = BTreeMap::new();
        Ok(Self { sites, client, board, trust, heeded, settings, database: None, stored: None, proved: None, lang })
    }

    /// How it all is now.
    pub async fn picture(&mut self) -> Picture {
        let mut troubles = Vec::new();
        let (client, w) = (&self.client, &words(self.lang).status);
        let refreshed = join_all(self.sites.iter_mut().map(|(_, seats)| async move {
            let read = tokio::time::timeout(PATIENCE, seats.refresh(client)).await;
            read.map_or_else(|_| Some(w.silent.to_owned()), |read| read.err().map(|error| shown(&error.to_string())))
        }));
        for (why, (site, _)) in refreshed.await.into_iter().zip(&self.sites) {
            if let Some(why) = why {
                troubles.push(w.no_states(subject::states(&site.id), &why));
            }
        }
        let on_air = match tokio::time::timeout(PATIENCE, self.on_air()).await {
            Ok(Ok(on_air)) => on_air,
            Ok(Err(fail)) => {
                troubles.push(fail.message);
                OnAir::default()
            }
            Err(_) => {
                troubles.push(w.no_states(subject::BROADCASTS, w.silent));
                OnAir::default()
            }
        };
        if let Some(Err(why)) = self.ask_database().await {
            troubles.push(why);
        }
        let heard: Vec<_> = self
            .sites
            .iter()
            .map(|(site, seats)| Heard { site, states: seats.states().collect(), odd: seats.refused() })
            .collect();
        let stored = self.stored.as_ref().map(|(_, stored)| stored);
        Picture::of(&heard, on_air, stored, troubles, Utc::now())
    }

    async fn on_air(&mut self) -> Result<OnAir, Fail> {
        let mut scopes = vec![Scope::Center];
        for (site, _) in &self.sites {
            scopes.push(Scope::Site(site.id.clone()));
            let region = Scope::Region(site.region.clone());
            if !scopes.contains(&region) {
                scopes.push(region);
            }
        }
        let keys = scopes.into_iter().map(Key::Klb).chain([Key::Rules]);
        let this = &*self;
        let asked = keys.map(|key| async move {
            let heeded = this.heeded(&key).await;
            (key, heeded)
        });
        let asked = join_all(asked).await;
        let mut out = OnAir::default();
        for (key, heeded) in asked {
            let heeded = heeded?;
            out.unheeded.extend(heeded.odd.map(|why| (key.clone(), why)));
            if let (Key::Klb(scope), Some(declared)) = (&key, heeded.klb()) {
                out.klb.insert(scope.clone(), declared.clone());
            }
            if let Some((envelope, text)) = heeded.rules() {
                out.rules = Some(self.published(envelope, text, heeded.since));
            }
            self.heeded.insert(key, heeded);
        }
        Ok(out)
    }

    /// What the seats heed under a key; looked through again only where something else lies on top.
    async fn heeded(&self, key: &Key) -> Result<Heeded, Fail> {
        let top = self.board.last(key).await?.map_or(0, |posted| posted.seq);
        match self.heeded.get(key).filter(|known| known.seq == top) {
            Some(known) => Ok(known.clone()),
            None => self.board.heeded(&self.trust, key).await,
        }
    }

    fn published(&mut self, envelope: &Envelope, text: &str, since: Option<DateTime<Utc>>) -> Published {
        let Envelope { version, by, .. } = envelope;
        let today = moment::today();
        if let Some(known) = self.proved.as_mut().filter(|known| known.version == *version) {
            known.waits_for = known.waits_for.filter(|day| *day > today);
            return known.clone();
        }
        let book = Book::read(text.as_bytes().to_vec(), Origin::BuiltIn, today).ok();
        let revision = book.as_ref().map(|book| shown(&book.rules.sop.revision));
        let waits_for = book.and_then(|book| book.rules.sop.effective_from).filter(|day| *day > today);
        self.proved.insert(Published { version: *version, by: by.clone(), revision, since, waits_for }).clone()
    }

    /// Asks the database, where there is one and it was not asked a moment ago. A failure forgets what it said.
    async fn ask_database(&mut self) -> Option<Result<(), String>> {
        let settings = self.settings.as_ref()?;
        let now = Utc::now();
        if self.stored.as_ref().is_some_and(|(at, _)| now - *at < STORED) {
            return Some(Ok(()));
        }
        let client = self.database.take().filter(|client| !client.is_closed());
        let ask = async {
            let client = match client {
                Some(client) => client,
                None => settings.connect().await?,
            };
            let fail = |error: tokio_postgres::Error| settings.fail(&error);
            let gaps = database::gaps(&client, None).await.map_err(fail)?;
            let refused = database::refused(&client).await.map_err(fail)?;
            Ok::<_, Fail>((client, Stored { gaps, refused }))
        };
        let silent = words(self.lang).status.silent;
        match tokio::time::timeout(PATIENCE, ask).await {
            Ok(Ok((client, stored))) => {
                (self.database, self.stored) = (Some(client), Some((now, stored)));
                Some(Ok(()))
            }
            Ok(Err(fail)) => {
                self.stored = None;
                Some(Err(fail.message))
            }
            Err(_) => {
                self.stored = None;
                Some(Err(format!("{settings:?}: {silent}")))
            }
        }
    }
}
