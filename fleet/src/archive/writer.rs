//! Writes batches into the database, retrying as long as it takes. Waits for a database that is down, creates the tables
//! again in one that was emptied, and sets aside a closing that it refuses, so that the others are written.

use std::collections::HashSet;

use chrono::{NaiveDate, Utc};
use tokio_postgres::{Client, Error};

use super::StopSignal;
use crate::database::schema::{self, NewerSchema};
use crate::database::write::{Batch, ClosingRow, Rejected, write};
use crate::database::{self, Connector, Gap, Highest};
use crate::link::backoff;
use crate::log::{Log, Topic};
use crate::wire::name::Name;
use crate::wire::refusal::Refusal;

#[derive(Debug)]
pub struct Writer {
    connector: Connector,
    client: Option<Client>,
    /// The days that are known to have a partition.
    days: HashSet<NaiveDate>,
    log: Log,
}

/// The program ends; the batch was not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped;

enum WriteError {
    Sql(Error),
    /// Already in the user's language.
    Message(String),
}

impl From<Error> for WriteError {
    fn from(error: Error) -> Self {
        Self::Sql(error)
    }
}

impl Writer {
    /// Connects at the first use.
    pub fn new(connector: Connector, log: Log) -> Self {
        Self { connector, client: None, days: HashSet::new(), log }
    }

    /// Writes a batch, retrying until it is written or the program ends.
    pub async fn write(&mut self, batch: Batch, stop: &mut StopSignal) -> Result<(), Stopped> {
        // A batch that the database refuses for its data is split here.
        let mut pending = vec![batch];
        let mut attempt = 0;
        while let Some(batch) = pending.pop() {
            match self.try_write(&batch).await {
                Ok(()) => {
                    attempt = 0;
                    self.log.resolve(&Topic::Database, self.log.words().archive.database_recovered);
                }
                Err(WriteError::Sql(error)) if is_data_error(&error) => pending.extend(split(batch)),
                Err(error) => {
                    self.disconnect(error);
                    pending.push(batch);
                    attempt += 1;
                    if !stop.sleep(backoff(attempt)).await {
                        return Err(Stopped);
                    }
                }
            }
        }
        Ok(())
    }

    async fn try_write(&mut self, batch: &Batch) -> Result<(), WriteError> {
        let today = Utc::now().date_naive();
        let mut days: HashSet<NaiveDate> =
            batch.closings.iter().filter_map(|c| schema::partition_day(c.id, today)).collect();
        days.extend([Some(today), today.succ_opt()].into_iter().flatten());
        days.retain(|day| !self.days.contains(day));
        let client = self.client().await?;
        for day in &days {
            schema::create_partition(client, *day).await?;
        }
        let transaction = client.transaction().await?;
        write(&transaction, batch).await?;
        transaction.commit().await?;
        self.days.extend(days);
        Ok(())
    }

    async fn client(&mut self) -> Result<&mut Client, WriteError> {
        if let Some(client) = self.client.take().filter(|client| !client.is_closed()) {
            return Ok(self.client.insert(client));
        }
        self.days.clear();
        let connected = self.connector.connect().await;
        let mut client = connected.map_err(|error| WriteError::Message(error.message))?;
        if let Err(NewerSchema { found }) = schema::migrate(&mut client).await? {
            return Err(WriteError::Message(self.log.words().database.newer(found)));
        }
        Ok(self.client.insert(client))
    }

    /// The gaps of a site's seats, and each seat's highest number; `None` where the database is down.
    pub async fn gaps(&mut self, site: &Name) -> Option<(Vec<Gap>, Vec<Highest>)> {
        let found = async {
            let client = self.client().await?;
            Ok((database::gaps(client, Some(site)).await?, database::highest(client, site).await?))
        };
        match found.await {
            Ok(found) => Some(found),
            Err(error) => {
                self.disconnect(error);
                None
            }
        }
    }

    /// Logs the error; the next attempt connects anew.
    fn disconnect(&mut self, error: WriteError) {
        let why = match error {
            WriteError::Sql(error) => self.connector.error(&error).message,
            WriteError::Message(why) => why,
        };
        self.client = None;
        self.log.report(Topic::Database, why);
    }
}

/// Whether the database refuses the data itself (an invalid value, a violated constraint), so that retrying can't help.
fn is_data_error(error: &Error) -> bool {
    error.code().is_some_and(|code| matches!(code.code().get(..2), Some("22" | "23")))
}

/// A batch in halves; a batch of a single closing as the rejection of it.
fn split(mut batch: Batch) -> Vec<Batch> {
    if batch.closings.len() > 1 {
        let closings = batch.closings.split_off(batch.closings.len() / 2);
        return vec![batch, Batch { closings, rejected: Vec::new() }];
    }
    let Some(ClosingRow { seat, epoch, seq, .. }) = batch.closings.pop() else { return Vec::new() };
    batch.rejected.push(Rejected { seat, why: Refusal::BadPayload, number: Some((epoch, seq)) });
    vec![batch]
}
