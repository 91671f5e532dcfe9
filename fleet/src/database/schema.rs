//! The tables, made and brought up to date by the program itself, and the partition of each day.

use chrono::{DateTime, Days, NaiveDate, Utc};
use tokio_postgres::{Client, Error};
use uuid::Uuid;

/// Held while tables are made, so that two archives don't make them twice. Any number that nobody else uses.
const LOCK: i64 = 0x7065_6e75_7475_7001;

/// What brings a database one version on, in order; never changed once it is out.
const MIGRATIONS: [&str; 1] = [r"
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
"];

/// How far back a day gets a partition of its own when a call of it arrives, in days. Older ones, and ids that are no
/// `UUIDv7`, lie in the default partition: a seat that makes ids up can't make a thousand tables.
const BACK: u64 = 90;
/// How far ahead, for seats whose clock is ahead.
const AHEAD: u64 = 2;

/// The database was written by a newer program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Newer {
    /// Its version.
    pub found: i32,
}

/// Makes the tables, or brings them up to date.
///
/// # Errors
/// What `PostgreSQL` says.
pub async fn migrate(client: &mut Client) -> Result<Result<(), Newer>, Error> {
    let change = client.transaction().await?;
    change.execute("select pg_advisory_xact_lock($1)", &[&LOCK]).await?;
    change.batch_execute("create table if not exists penutup_schema (version int not null)").await?;
    let found = change.query_opt("select version from penutup_schema", &[]).await?.map(|row| row.get::<_, i32>(0));
    let known = i32::try_from(MIGRATIONS.len()).unwrap_or(i32::MAX);
    let at = found.unwrap_or(0);
    if at > known {
        return Ok(Err(Newer { found: at }));
    }
    for migration in MIGRATIONS.iter().skip(usize::try_from(at).unwrap_or(0)) {
        change.batch_execute(migration).await?;
    }
    if found.is_none() {
        change.execute("insert into penutup_schema values ($1)", &[&known]).await?;
    } else {
        change.execute("update penutup_schema set version = $1", &[&known]).await?;
    }
    change.commit().await?;
    Ok(Ok(()))
}

/// The day of an id, where it is a `UUIDv7` of a day that gets a partition of its own.
#[must_use]
pub fn day_of(id: Uuid, today: NaiveDate) -> Option<NaiveDate> {
    let day = made(id)?.date_naive();
    let first = today.checked_sub_days(Days::new(BACK))?;
    let last = today.checked_add_days(Days::new(AHEAD))?;
    (first..=last).contains(&day).then_some(day)
}

/// When an id was made; `None` for one that doesn't say.
#[must_use]
pub fn made(id: Uuid) -> Option<DateTime<Utc>> {
    let (seconds, nanos) = id.get_timestamp().filter(|_| id.get_version_num() == 7)?.to_unix();
    DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanos)
}

/// The first id of a day.
fn first_of(day: NaiveDate) -> Uuid {
    let ms = day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis();
    Uuid::from_u128(u128::from(u64::try_from(ms).unwrap_or(0)) << 80)
}

/// Makes the partition of a day, where there is none. What of it lies in the default partition moves over.
///
/// # Errors
/// What `PostgreSQL` says.
pub async fn make_day(client: &mut Client, day: NaiveDate) -> Result<(), Error> {
    let table = format!("closing_{}", day.format("%Y%m%d"));
    let (first, next) = (first_of(day), first_of(day.succ_opt().unwrap_or(day)));
    let change = client.transaction().await?;
    change.execute("select pg_advisory_xact_lock($1)", &[&LOCK]).await?;
    let stands = change.query_one("select to_regclass($1) is not null", &[&table]).await?;
    if stands.get(0) {
        return Ok(());
    }
    // The names and the bounds are made here of numbers only.
    change
        .batch_execute(&format!(
            "create table {table} (like closing including defaults including constraints);
            with moved as (delete from closing_default where id >= '{first}' and id < '{next}' returning *)
                insert into {table} select * from moved;
            alter table closing attach partition {table} for values from ('{first}') to ('{next}')"
        ))
        .await?;
    change.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_the_ids_that_were_made_on_it() {
        let today: NaiveDate = "2026-11-24".parse().unwrap();
        let at = |time: &str| {
            let time: DateTime<Utc> = time.parse().unwrap();
            let ms = u64::try_from(time.timestamp_millis()).unwrap();
            uuid::Builder::from_unix_timestamp_millis(ms, &[7; 10]).into_uuid()
        };
        for (time, day) in [
            ("2026-11-24T00:00:00Z", Some("2026-11-24")),
            ("2026-11-23T23:59:59.999Z", Some("2026-11-23")),
            ("2026-11-26T12:00:00Z", Some("2026-11-26")),
            ("2026-11-27T00:00:00Z", None),
            ("2026-08-26T00:00:00Z", Some("2026-08-26")),
            ("2026-08-25T23:59:59Z", None),
        ] {
            let id = at(time);
            assert_eq!(day_of(id, today).map(|day| day.to_string()).as_deref(), day, "{time}");
            let made = time.parse::<DateTime<Utc>>().unwrap().date_naive();
            assert!(first_of(made) <= id && id < first_of(made.succ_opt().unwrap()), "{time}");
        }
        for odd in [Uuid::nil(), Uuid::max(), Uuid::from_u128(0x0192_0000_0000_4000_8000_0000_0000_0000)] {
            assert_eq!(day_of(odd, today), None);
        }
    }
}
