//! Keeps the tables in shape beside the writer, on a connection of its own: a partition for each day, ahead of time. Nobody
//! waits for it: until a day has its partition, its closings are in the default one, and are moved. At the start it
//! reads again what an older program could not read.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tokio_postgres::Client;

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

/// Runs as long as the program.
pub async fn run(connector: Arc<Connector>, new_days: Arc<Notify>, log: Log) {
    let (mut client, mut has_read) = (None, false);
    loop {
        let silent = DatabaseError::Message(connector.silent(LIMIT).message);
        let done = timeout(LIMIT, round(&mut client, &mut has_read, &connector, &log)).await.unwrap_or(Err(silent));
        let wait = match done {
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
                log.report(Topic::Database, error.message(&connector));
                RETRY
            }
        };
        tokio::select! {
            () = sleep(wait) => {}
            () = new_days.notified() => {}
        }
    }
}

/// Returns whether every day has its partition.
async fn round(
    client: &mut Option<Client>,
    has_read: &mut bool,
    connector: &Connector,
    log: &Log,
) -> Result<bool, DatabaseError> {
    let mut here = if let Some(client) = client.take().filter(|client| !client.is_closed()) {
        client
    } else {
        let client = connect(connector, log).await?;
        client.batch_execute(SERVER_LIMITS).await?;
        client
    };
    let mut is_complete = true;
    for day in schema::days_without_partition(&here, Utc::now().date_naive()).await? {
        if schema::create_partition(&mut here, day).await? == Partition::InUse {
            is_complete = false;
        }
    }
    if !*has_read {
        read_unread(&mut here, log).await?;
        *has_read = true;
    }
    *client = Some(here);
    Ok(is_complete)
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
