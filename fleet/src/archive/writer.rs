//! Writes batches into the database, retrying as long as it takes. Waits for a database that is down or hangs, creates the
//! tables again in one that was emptied, and sets aside a closing that it refuses, so that the others are written.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{NaiveDate, Utc};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error};
use uuid::Uuid;

use crate::database::schema::{self, NewerSchema};
use crate::database::write::{Batch, ClosingRow, Rejected, write};
use crate::database::{self, Connector, Gap, Highest, Reported};
use crate::link::backoff;
use crate::log::{Log, Topic};
use crate::wire::name::Name;
use crate::wire::refusal::Refusal;

/// How long the database may take for a batch of a thousand closings, connecting included. After it the connection is
/// dropped and another one tried.
const LIMIT: Duration = Duration::from_secs(15);
/// The server's own limits are below it, so that it gives up what this program does not wait for any more.
const SERVER_LIMITS: &str = "set statement_timeout = '12s'; set lock_timeout = '5s'";

#[derive(Debug)]
pub struct Writer {
    connector: Arc<Connector>,
    client: Option<Client>,
    /// The days of the closings so far.
    days: HashSet<NaiveDate>,
    /// Notified of a day without closings so far: it needs a partition.
    new_days: Arc<Notify>,
    log: Log,
}

/// What the database has of a site's ledgers.
#[derive(Debug)]
pub struct Ledgers {
    pub gaps: Vec<Gap>,
    pub highest: Vec<Highest>,
    /// Those that gave numbers twice.
    pub to_renew: Vec<(Name, Uuid)>,
}

pub enum DatabaseError {
    Sql(Error),
    /// Already in the user's language.
    Message(String),
}

impl From<Error> for DatabaseError {
    fn from(error: Error) -> Self {
        Self::Sql(error)
    }
}

impl DatabaseError {
    pub fn message(self, connector: &Connector) -> String {
        match self {
            Self::Sql(error) => connector.error(&error).message,
            Self::Message(why) => why,
        }
    }
}

/// Connects, and creates or migrates the tables.
pub async fn connect(connector: &Connector, log: &Log) -> Result<Client, DatabaseError> {
    let mut client = connector.connect().await.map_err(|error| DatabaseError::Message(error.message))?;
    if let Err(NewerSchema { found }) = schema::migrate(&mut client).await? {
        return Err(DatabaseError::Message(log.words().database.newer(found)));
    }
    client.batch_execute(SERVER_LIMITS).await?;
    Ok(client)
}

impl Writer {
    /// Connects at the first use.
    pub fn new(connector: Arc<Connector>, new_days: Arc<Notify>, log: Log) -> Self {
        Self { connector, client: None, days: HashSet::new(), new_days, log }
    }

    /// Writes a batch, retrying until it is written.
    pub async fn write(&mut self, batch: Batch) {
        let today = Utc::now().date_naive();
        let days = batch.closings.iter().filter_map(|c| schema::partition_day(c.id, today));
        let days: HashSet<NaiveDate> = days.filter(|day| !self.days.contains(day)).collect();
        // A batch that the database refuses for its data is split here.
        let mut pending = vec![batch];
        let mut attempt = 0;
        while let Some(batch) = pending.pop() {
            match self.try_write(&batch).await {
                Ok(()) => {
                    attempt = 0;
                    self.log.resolve(&Topic::Database, self.log.words().archive.database_recovered);
                }
                Err(DatabaseError::Sql(error)) if is_data_error(&error) => pending.extend(split(batch)),
                Err(error) => {
                    self.disconnect(error);
                    pending.push(batch);
                    attempt += 1;
                    sleep(backoff(attempt)).await;
                }
            }
        }
        if !days.is_empty() {
            self.days.extend(days);
            self.new_days.notify_one();
        }
    }

    async fn try_write(&mut self, batch: &Batch) -> Result<(), DatabaseError> {
        self.within_limit(async |client| {
            let transaction = client.transaction().await?;
            write(&transaction, batch).await?;
            transaction.commit().await
        })
        .await
    }

    /// Runs statements on the connection, which is made first if need be.
    async fn within_limit<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut Client) -> Result<T, Error>,
    ) -> Result<T, DatabaseError> {
        let silent = self.connector.silent(LIMIT).message;
        let done = async {
            let mut client = match self.client.take().filter(|client| !client.is_closed()) {
                Some(client) => client,
                None => connect(&self.connector, &self.log).await?,
            };
            let done = work(&mut client).await?;
            self.client = Some(client);
            Ok(done)
        };
        timeout(LIMIT, done).await.unwrap_or(Err(DatabaseError::Message(silent)))
    }

    /// Notes the ledgers that a site's seats report, and reads what is known of all; `None` where the database is down.
    pub async fn ledgers(&mut self, site: &Name, reported: &[Reported]) -> Option<Ledgers> {
        let found = self.within_limit(async |client| {
            database::note_ledgers(client, site, reported).await?;
            Ok(Ledgers {
                gaps: database::gaps(client, Some(site)).await?,
                highest: database::highest(client, site).await?,
                to_renew: database::to_renew(client, site).await?,
            })
        });
        match found.await {
            Ok(found) => Some(found),
            Err(error) => {
                self.disconnect(error);
                None
            }
        }
    }

    /// Marks ledgers that gave numbers twice. A failure is repeated by the next round.
    pub async fn mark_doubled(&mut self, site: &Name, ledgers: &[(Name, Uuid)]) {
        if let Err(error) = self.within_limit(async |client| database::mark_doubled(client, site, ledgers).await).await
        {
            self.disconnect(error);
        }
    }

    /// Logs the error; the next attempt connects anew.
    fn disconnect(&mut self, error: DatabaseError) {
        let why = error.message(&self.connector);
        self.client = None;
        self.log.report(Topic::Database, why);
    }
}

/// Whether the database refuses the data itself, so that retrying can't help. A row that no longer belongs into the default
/// partition, since its day got one just now, does the next time.
pub fn is_data_error(error: &Error) -> bool {
    let is_data =
        |code: &SqlState| *code != SqlState::CHECK_VIOLATION && matches!(code.code().get(..2), Some("22" | "23"));
    error.code().is_some_and(is_data)
}

/// A batch in halves; a batch of a single closing as the rejection of it.
fn split(mut batch: Batch) -> Vec<Batch> {
    if batch.closings.len() > 1 {
        let closings = batch.closings.split_off(batch.closings.len() / 2);
        return vec![batch, Batch { closings, rejected: Vec::new() }];
    }
    let Some(ClosingRow { seat, epoch, seq, call, .. }) = batch.closings.pop() else { return Vec::new() };
    let (number, message) = (Some((epoch, seq)), call.into_bytes());
    batch.rejected.push(Rejected { seat, why: Refusal::BadPayload, number, message });
    vec![batch]
}
