//! Keeps the tables in shape beside the writer, on a connection of its own: a partition for each day, ahead of time. Nobody
//! waits for it: until a day has its partition, its closings are in the default one, and are moved.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tokio_postgres::Client;

use super::writer::{DatabaseError, connect};
use crate::database::Connector;
use crate::database::schema::{self, Partition};
use crate::log::{Log, Topic};

/// Between two rounds, and before another attempt.
const INTERVAL: Duration = Duration::from_secs(60);
const RETRY: Duration = Duration::from_secs(10);
/// Moving a day's closings out of the default partition may take this long.
const LIMIT: Duration = Duration::from_secs(10 * 60);
const SERVER_LIMITS: &str = "set statement_timeout = '9min'";

/// Runs as long as the program.
pub async fn run(connector: Arc<Connector>, new_days: Arc<Notify>, log: Log) {
    let mut client = None;
    loop {
        let silent = DatabaseError::Message(connector.silent(LIMIT).message);
        let done = timeout(LIMIT, round(&mut client, &connector, &log)).await.unwrap_or(Err(silent));
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
async fn round(client: &mut Option<Client>, connector: &Connector, log: &Log) -> Result<bool, DatabaseError> {
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
    *client = Some(here);
    Ok(is_complete)
}
