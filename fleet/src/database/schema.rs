//! The tables, which the program creates and migrates itself, with a partition for each day.

use chrono::{DateTime, Days, NaiveDate, Utc};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error};
use uuid::Uuid;

/// The advisory lock for schema changes, so that two archives don't collide. An arbitrary number.
const LOCK: i64 = 0x7065_6e75_7475_7001;

/// One step a schema version. A released step is never changed.
const MIGRATIONS: [&str; 4] = [
    r"
    create table closing (
        id uuid not null,
        site text not null,
        seat text not null,
        epoch uuid not null,
        seq bigint not null,
        version bigint not null,
        start_ms bigint not null,
        received timestamptz not null default now(),
        call jsonb not null,
        primary key (id)
    ) partition by range (id);
    create index on closing (start_ms);
    create table closing_default partition of closing default;
    create table seat (
        site text not null,
        seat text not null,
        epoch uuid not null,
        received int8multirange not null,
        last timestamptz not null default now(),
        primary key (site, seat)
    );
    create table refused (
        site text not null,
        seat text not null,
        why text not null,
        count bigint not null,
        last timestamptz not null default now(),
        primary key (site, seat, why)
    );
",
    r"
    -- A seat's ledgers in the order in which they first appeared here; number rises.
    create sequence ledger_number;
    create table ledger (
        site text not null,
        seat text not null,
        epoch uuid not null,
        number bigint not null default nextval('ledger_number'),
        received int8multirange not null default '{}',
        first timestamptz not null default now(),
        last timestamptz not null default now(),
        primary key (site, seat, epoch)
    );
    insert into ledger (site, seat, epoch, received, first, last)
        select site, seat, epoch, received, last, last from seat;
    drop table seat;
    create index on closing (epoch, seq);
    -- Seats of which two seem to exist, or one that was restored from a backup.
    create table doubled (
        site text not null,
        seat text not null,
        epoch uuid not null,
        why text not null,
        count bigint not null default 1,
        first timestamptz not null default now(),
        last timestamptz not null default now(),
        primary key (site, seat, epoch, why)
    );
",
    r"
    -- Messages that this program could not read, as they arrived.
    create table unread (
        site text not null,
        seat text not null,
        sum bytea not null,
        why text not null,
        received timestamptz not null default now(),
        message bytea not null,
        primary key (site, seat, sum)
    );
",
    r"
    -- Who declared or published what, for a year.
    create table audit (
        key text not null,
        version bigint not null,
        signer text not null,
        name text not null,
        stored timestamptz not null,
        state text,
        since timestamptz,
        until timestamptz,
        reason text,
        envelope bytea not null,
        primary key (key, version, signer)
    );
",
];

/// How many days back a call's day gets a partition. Older ones, and ids that are no `UUIDv7`, go to the default
/// partition: a seat that invents ids must not create a thousand tables.
const DAYS_BACK: u64 = 90;
/// How many days ahead: a partition that can't be made now has this long, and a seat's clock may be fast.
const DAYS_AHEAD: u64 = 14;
/// How long making a partition may wait for the tables, and so keep everybody else waiting behind it.
const LOCK_TIMEOUT: &str = "set local lock_timeout = '200ms'";

/// The schema is newer than this program's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewerSchema {
    pub found: i32,
}

/// Creates or migrates the tables.
pub async fn migrate(client: &mut Client) -> Result<Result<(), NewerSchema>, Error> {
    let transaction = client.transaction().await?;
    transaction.execute("select pg_advisory_xact_lock($1)", &[&LOCK]).await?;
    transaction.batch_execute("create table if not exists penutup_schema (version int not null)").await?;
    let found = transaction.query_opt("select version from penutup_schema", &[]).await?.map(|row| row.get::<_, i32>(0));
    let known = i32::try_from(MIGRATIONS.len()).unwrap_or(i32::MAX);
    let at = found.unwrap_or(0);
    if at > known {
        return Ok(Err(NewerSchema { found: at }));
    }
    for migration in MIGRATIONS.iter().skip(usize::try_from(at).unwrap_or(0)) {
        transaction.batch_execute(migration).await?;
    }
    if found.is_none() {
        transaction.execute("insert into penutup_schema values ($1)", &[&known]).await?;
    } else {
        transaction.execute("update penutup_schema set version = $1", &[&known]).await?;
    }
    transaction.commit().await?;
    Ok(Ok(()))
}

/// The day of an id, if it is a `UUIDv7` of a day that gets a partition.
pub fn partition_day(id: Uuid, today: NaiveDate) -> Option<NaiveDate> {
    let day = created_at(id)?.date_naive();
    let first = today.checked_sub_days(Days::new(DAYS_BACK))?;
    let last = today.checked_add_days(Days::new(DAYS_AHEAD))?;
    (first..=last).contains(&day).then_some(day)
}

/// The time in a `UUIDv7`.
pub fn created_at(id: Uuid) -> Option<DateTime<Utc>> {
    let (seconds, nanos) = id.get_timestamp().filter(|_| id.get_version_num() == 7)?.to_unix();
    DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanos)
}

/// The lowest `UUIDv7` of a day.
fn lowest_id(day: NaiveDate) -> Uuid {
    let ms = day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis();
    Uuid::from_u128(u128::from(u64::try_from(ms).unwrap_or(0)) << 80)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Partition {
    /// It is there, or gone.
    Done,
    /// Somebody reads the tables in a transaction that is still open. To be tried again.
    InUse,
}

/// The name of a day's table.
fn partition_name(day: NaiveDate) -> String {
    format!("closing_{}", day.format("%Y%m%d"))
}

/// The days that have a partition.
pub async fn days_with_partition(client: &Client) -> Result<Vec<NaiveDate>, Error> {
    let query = "select c.relname::text from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = to_regclass('closing')";
    let day = |name: String| NaiveDate::parse_from_str(name.strip_prefix("closing_")?, "%Y%m%d").ok();
    Ok(client.query(query, &[]).await?.iter().filter_map(|row| day(row.get(0))).collect())
}

/// Drops the partition of a day with its closings.
pub async fn drop_partition(client: &mut Client, day: NaiveDate) -> Result<Partition, Error> {
    let drop = async {
        let transaction = client.transaction().await?;
        transaction.batch_execute(LOCK_TIMEOUT).await?;
        transaction.batch_execute(&format!("drop table if exists {}", partition_name(day))).await?;
        transaction.commit().await
    };
    unless_in_use(drop.await)
}

/// Deletes what is in no day's partition and arrived before this day.
pub async fn forget_before(client: &Client, day: NaiveDate) -> Result<(), Error> {
    for delete in [
        "delete from closing_default where received < $1::date",
        "delete from unread where received < $1::date",
        "delete from doubled where last < $1::date",
    ] {
        client.execute(delete, &[&day]).await?;
    }
    Ok(())
}

/// The days that need a partition and have none: today and those ahead, and those of closings in the default one.
pub async fn days_without_partition(client: &Client, today: NaiveDate) -> Result<Vec<NaiveDate>, Error> {
    let first = today.checked_sub_days(Days::new(DAYS_BACK)).unwrap_or(today);
    let last = today.checked_add_days(Days::new(DAYS_AHEAD)).unwrap_or(today);
    let (from, to) = (lowest_id(first), lowest_id(last.succ_opt().unwrap_or(last)));
    let have = days_with_partition(client).await?;
    let stored = "select distinct left(id::text, 13) from closing_default where id >= $1 and id < $2";
    let stored = client.query(stored, &[&from, &to]).await?;
    // The first 48 bits of the id are its time in milliseconds.
    let time = |row: &tokio_postgres::Row| i64::from_str_radix(&row.get::<_, String>(0).replace('-', ""), 16).ok();
    let day = |row| Some(DateTime::from_timestamp_millis(time(row)?)?.date_naive());
    let mut days: Vec<NaiveDate> = stored.iter().filter_map(day).collect();
    days.extend(today.iter_days().take_while(|day| *day <= last));
    days.sort_unstable();
    days.dedup();
    days.retain(|day| !have.contains(day));
    Ok(days)
}

/// Creates the partition of a day, if there is none, and moves its rows there from the default partition.
pub async fn create_partition(client: &mut Client, day: NaiveDate) -> Result<Partition, Error> {
    unless_in_use(try_create_partition(client, day).await)
}

fn unless_in_use(result: Result<(), Error>) -> Result<Partition, Error> {
    match result {
        Ok(()) => Ok(Partition::Done),
        Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => Ok(Partition::InUse),
        Err(error) => Err(error),
    }
}

async fn try_create_partition(client: &mut Client, day: NaiveDate) -> Result<(), Error> {
    let table = partition_name(day);
    let (first, next) = (lowest_id(day), lowest_id(day.succ_opt().unwrap_or(day)));
    let transaction = client.transaction().await?;
    transaction.batch_execute(LOCK_TIMEOUT).await?;
    transaction.execute("select pg_advisory_xact_lock($1)", &[&LOCK]).await?;
    let exists = transaction.query_one("select to_regclass($1) is not null", &[&table]).await?;
    if exists.get(0) {
        return Ok(());
    }
    // No injection: the names and bounds are made of numbers here.
    transaction
        .batch_execute(&format!(
            "create table {table} (like closing including defaults including constraints);
            with moved as (delete from closing_default where id >= '{first}' and id < '{next}' returning *)
                insert into {table} select * from moved;
            alter table closing attach partition {table} for values from ('{first}') to ('{next}')"
        ))
        .await?;
    transaction.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_days_partition_bounds_contain_the_ids_created_on_it() {
        let today: NaiveDate = "2026-11-24".parse().unwrap();
        let at = |time: &str| {
            let time: DateTime<Utc> = time.parse().unwrap();
            let ms = u64::try_from(time.timestamp_millis()).unwrap();
            uuid::Builder::from_unix_timestamp_millis(ms, &[7; 10]).into_uuid()
        };
        for (time, day) in [
            ("2026-11-24T00:00:00Z", Some("2026-11-24")),
            ("2026-11-23T23:59:59.999Z", Some("2026-11-23")),
            ("2026-12-08T12:00:00Z", Some("2026-12-08")),
            ("2026-12-09T00:00:00Z", None),
            ("2026-08-26T00:00:00Z", Some("2026-08-26")),
            ("2026-08-25T23:59:59Z", None),
        ] {
            let id = at(time);
            assert_eq!(partition_day(id, today).map(|day| day.to_string()).as_deref(), day, "{time}");
            let created = time.parse::<DateTime<Utc>>().unwrap().date_naive();
            assert!(lowest_id(created) <= id && id < lowest_id(created.succ_opt().unwrap()), "{time}");
        }
        for odd in [Uuid::nil(), Uuid::max(), Uuid::from_u128(0x0192_0000_0000_4000_8000_0000_0000_0000)] {
            assert_eq!(partition_day(odd, today), None);
        }
    }
}
