//! Keeps the tables in shape beside the writer, on a connection of its own: a partition for each day, ahead of time. Nobody
//! waits for it: until a day has its partition, its closings are in the default one, and are moved. Days that are
//! older than what is kept are dropped, broadcasts go to the audit table, and at the start it reads again what an older
//! program could not read.

use std::sync::Arc;
use std::time::Duration;

use chrono::{Days, Utc};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tokio_postgres::Client;

use super::audit::{Audit, AuditError};
use super::check;
use super::writer::{DatabaseError, connect, is_data_error};
use crate::cli::eprint_line;
use crate::database::Connector;
use crate::database::schema::{self, Partition};
use crate::database::write::{Batch, write};
use crate::log::{Log, Topic};

/// Between two rounds, and before another attempt.
const INTERVAL: Duration = Duration::from_secs(60);
const RETRY: Duration = Duration::from_secs(10);
/// Moving a day's closings out of the default partition may take this long.
const LIMIT: Duration = Duration::from_secs(10 * 60);
const SERVER_LIMITS: &str = "set statement_timeout = '9min'";

pub struct Upkeep {
    pub connector: Arc<Connector>,
    /// Notified of a day without closings so far.
    pub new_days: Arc<Notify>,
    /// `None` where no signature can be checked.
    pub audit: Option<Audit>,
    /// How many days closings are kept; `None`: all.
    pub keep_days: Option<u32>,
}

impl Upkeep {
    /// Runs as long as the program.
    pub async fn run(mut self, log: Log) {
        let (mut client, mut has_read) = (None, false);
        loop {
            let silent = DatabaseError::Message(self.connector.silent(LIMIT).message);
            let round = self.round(&mut client, &mut has_read, &log);
            let wait = match timeout(LIMIT, round).await.unwrap_or(Err(silent)) {
                Ok(true) => {
                    log.resolve(&Topic::Partitions, log.words().archive.partitions_made);
                    INTERVAL
                }
                Ok(false) => {
                    log.report(Topic::Partitions, log.words().archive.partitions_wait.to_owned());
                    RETRY
                }
                Err(error) => {
                    client = None;
                    log.report(Topic::Database, error.message(&self.connector));
                    RETRY
                }
            };
            tokio::select! {
                () = sleep(wait) => {}
                () = self.new_days.notified() => {}
            }
        }
    }

    /// Returns whether every day has its partition, and none that is older than what is kept.
    async fn round(
        &mut self,
        client: &mut Option<Client>,
        has_read: &mut bool,
        log: &Log,
    ) -> Result<bool, DatabaseError> {
        let mut here = if let Some(client) = client.take().filter(|client| !client.is_closed()) {
            client
        } else {
            let client = connect(&self.connector, log).await?;
            client.batch_execute(SERVER_LIMITS).await?;
            client
        };
        let today = Utc::now().date_naive();
        let oldest = self.keep_days.and_then(|days| today.checked_sub_days(Days::new(days.into())));
        let mut is_complete = true;
        for day in schema::days_without_partition(&here, today).await? {
            if oldest.is_none_or(|oldest| day >= oldest) {
                is_complete &= schema::create_partition(&mut here, day).await? == Partition::Done;
            }
        }
        if let Some(oldest) = oldest {
            for day in schema::days_with_partition(&here).await?.into_iter().filter(|day| *day < oldest) {
                let dropped = schema::drop_partition(&mut here, day).await?;
                is_complete &= dropped == Partition::Done;
                if dropped == Partition::Done {
                    eprint_line(&log.words().archive.day_dropped(day.format("%d/%m/%Y").to_string()));
                }
            }
            schema::forget_before(&here, oldest).await?;
        }
        if !*has_read {
            read_unread(&mut here, log).await?;
            *has_read = true;
        }
        if let Some(audit) = &mut self.audit {
            let w = &log.words().archive;
            match audit.write(&here).await {
                Ok(()) => log.resolve(&Topic::Audit, w.audit_recovered),
                Err(AuditError::Stream(error)) => log.report(Topic::Audit, w.audit_failed(error.message)),
                Err(AuditError::Database(error)) => return Err(error),
            }
        }
        *client = Some(here);
        Ok(is_complete)
    }
}

/// Archives the messages that an older program could not read, and this one can.
async fn read_unread(client: &mut Client, log: &Log) -> Result<(), DatabaseError> {
    let next = "select site, seat, sum, message from unread where (site, seat, sum) > ($1, $2, $3)
        order by site, seat, sum limit 200";
    let (mut after, mut count) = ((String::new(), String::new(), Vec::<u8>::new()), 0);
    loop {
        let rows = client.query(next, &[&after.0, &after.1, &after.2]).await?;
        let Some(last) = rows.last() else { break };
        after = (last.get(0), last.get(1), last.get(2));
        for row in rows {
            let (site, seat, sum): (&str, &str, &[u8]) = (row.get(0), row.get(1), row.get(2));
            let mut batch = Batch::default();
            check::add(&mut batch, &format!("closing.{site}.{seat}"), row.get(3));
            if batch.closings.is_empty() {
                continue;
            }
            let transaction = client.transaction().await?;
            match write(&transaction, &batch).await {
                Err(error) if is_data_error(&error) => continue,
                written => written?,
            }
            transaction
                .execute("delete from unread where (site, seat, sum) = ($1, $2, $3)", &[&site, &seat, &sum])
                .await?;
            transaction.commit().await?;
            count += 1;
        }
    }
    if count > 0 {
        eprint_line(&log.words().archive.unread_read(count));
    }
    Ok(())
}
