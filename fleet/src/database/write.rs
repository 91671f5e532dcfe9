//! Writes a batch of closings in one transaction: each call once, in its newest version, and the received numbers of its
//! seat. Idempotent.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use tokio_postgres::{Error, Transaction};
use uuid::Uuid;

use crate::wire::name::Name;
use crate::wire::refusal::Refusal;

/// The most ranges of a seat's received numbers. A seat that invents numbers gets more; its gaps are then forgotten.
const MAX_RANGES: i64 = 2_000;

/// Why a seat is in the table `doubled`: two calls have one number, or a ledger goes on after a newer one appeared.
pub const NUMBER_TWICE: &str = "number-twice";
pub const OLDER_LEDGER: &str = "older-ledger";

/// A valid closing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClosingRow {
    /// The site and seat of its subject.
    pub seat: (Name, Name),
    /// The ledger's id.
    pub epoch: Uuid,
    pub seq: i64,
    pub id: Uuid,
    pub version: i64,
    pub start_ms: i64,
    /// JSON of the known fields only.
    pub call: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// The site and seat of its subject.
    pub seat: (Name, Name),
    pub why: Refusal,
    /// The ledger's id and the number, if they are valid: a rejected closing is not requested again.
    pub number: Option<(Uuid, i64)>,
    /// As it arrived.
    pub message: Vec<u8>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    pub closings: Vec<ClosingRow>,
    pub rejected: Vec<Rejected>,
}

const CLOSINGS: &str = "
    insert into closing as c (id, site, seat, epoch, seq, version, start_ms, call)
    select id, site, seat, epoch, seq, version, start_ms, call::jsonb
    from unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::int8[], $6::int8[], $7::int8[], $8::text[])
        as t (id, site, seat, epoch, seq, version, start_ms, call)
    on conflict (id) do update set epoch = excluded.epoch, seq = excluded.seq, version = excluded.version,
        start_ms = excluded.start_ms, call = excluded.call, received = now()
    where c.site = excluded.site and c.seat = excluded.seat and excluded.version > c.version";

const OTHER_SEATS: &str = "
    select t.id from unnest($1::uuid[], $2::text[], $3::text[]) as t (id, site, seat)
    join closing c on c.id = t.id where (c.site, c.seat) <> (t.site, t.seat)";

/// Numbers that arrived before, for another call. Each call and number is looked up by its index.
const TWICE: &str = "
    select t.site, t.seat, t.epoch
    from unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::int8[]) as t (id, site, seat, epoch, seq)
    join ledger l on l.site = t.site and l.seat = t.seat and l.epoch = t.epoch and l.received @> t.seq
    left join lateral (select c.epoch, c.seq from closing c where c.id = t.id limit 1) own on true
    cross join lateral (select 1 from closing c where c.epoch = t.epoch and c.seq = t.seq and c.id <> t.id
        and c.site = t.site and c.seat = t.seat limit 1) other
    where (own.epoch, own.seq) is distinct from (t.epoch, t.seq)";

/// New numbers of a ledger, after a newer one of the seat has appeared. What the newer one overtook on the way arrives
/// within a minute.
const OLDER: &str = "
    select t.site, t.seat, t.epoch
    from unnest($1::text[], $2::text[], $3::uuid[], $4::text[]) as t (site, seat, epoch, received)
    join ledger l on l.site = t.site and l.seat = t.seat and l.epoch = t.epoch
    where not l.received @> t.received::int8multirange and exists (select 1 from ledger n
        where n.site = l.site and n.seat = l.seat and n.number > l.number and n.first < now() - interval '1 minute')";

const LEDGERS: &str = "
    insert into ledger as l (site, seat, epoch, received)
    select site, seat, epoch, received::int8multirange
    from unnest($1::text[], $2::text[], $3::uuid[], $4::text[]) with ordinality as t (site, seat, epoch, received, at)
    order by at
    on conflict (site, seat, epoch) do update set received = l.received + excluded.received, last = now()";

const MERGE_RANGES: &str = "
    update ledger l set received = int8multirange(range_merge(received))
    from unnest($1::text[], $2::text[], $3::uuid[]) as t (site, seat, epoch)
    where l.site = t.site and l.seat = t.seat and l.epoch = t.epoch and (select count(*) from unnest(l.received)) > $4";

const DOUBLED: &str = "
    insert into doubled as d (site, seat, epoch, why, count)
    select * from unnest($1::text[], $2::text[], $3::uuid[], $4::text[], $5::int8[])
    on conflict (site, seat, epoch, why) do update set count = d.count + excluded.count, last = now()";

/// Returns those that are new: one that arrives again is not counted again.
const UNREAD: &str = "
    insert into unread (site, seat, sum, why, message)
    select site, seat, sha256(message), why, message
    from unnest($1::text[], $2::text[], $3::text[], $4::bytea[]) as t (site, seat, why, message)
    on conflict do nothing returning site, seat, why";

const REFUSED: &str = "
    insert into refused as r (site, seat, why, count)
    select * from unnest($1::text[], $2::text[], $3::text[], $4::int8[])
    on conflict (site, seat, why) do update set count = r.count + excluded.count, last = now()";

/// Merges several versions of one call as the database would. Sorted by id, so that two archives can't deadlock. Also
/// returns those that have another seat's call id.
fn newest(closings: &[ClosingRow]) -> (Vec<ClosingRow>, Vec<ClosingRow>) {
    let mut out: BTreeMap<Uuid, ClosingRow> = BTreeMap::new();
    let mut other_seats = Vec::new();
    for new in closings {
        match out.get_mut(&new.id) {
            None => {
                out.insert(new.id, new.clone());
            }
            Some(old) if old.seat != new.seat => other_seats.push(new.clone()),
            Some(old) if new.version > old.version => *old = new.clone(),
            Some(_) => {}
        }
    }
    (out.into_values().collect(), other_seats)
}

type Seat = (Name, Name);

/// The numbers of each ledger in the batch as a multirange: sorted by seat, a seat's ledgers as they appear.
fn numbers(batch: &Batch) -> Vec<(&Seat, Uuid, String)> {
    let mut found: Vec<(&Seat, Uuid, Vec<i64>)> = Vec::new();
    let mut places: HashMap<(&Seat, Uuid), usize> = HashMap::new();
    let accepted = batch.closings.iter().map(|c| (&c.seat, c.epoch, c.seq));
    let rejected = batch.rejected.iter().filter_map(|r| r.number.map(|(epoch, seq)| (&r.seat, epoch, seq)));
    for (seat, epoch, seq) in accepted.chain(rejected) {
        let place = *places.entry((seat, epoch)).or_insert_with(|| {
            found.push((seat, epoch, Vec::new()));
            found.len() - 1
        });
        found[place].2.push(seq);
    }
    found.sort_by_key(|(seat, ..)| *seat);
    found.into_iter().map(|(seat, epoch, seqs)| (seat, epoch, ranges(seqs))).collect()
}

/// The ledgers that give one number to two calls of this batch.
fn given_twice(closings: &[ClosingRow]) -> Vec<(Seat, Uuid)> {
    let mut calls: HashMap<(&Seat, Uuid, i64), Uuid> = HashMap::new();
    let mut out = Vec::new();
    for c in closings {
        if *calls.entry((&c.seat, c.epoch, c.seq)).or_insert(c.id) != c.id {
            out.push((c.seat.clone(), c.epoch));
        }
    }
    out
}

/// A multirange: `{[1,4),[7,8)}`.
fn ranges(mut seqs: Vec<i64>) -> String {
    seqs.sort_unstable();
    seqs.dedup();
    let mut out = String::from("{");
    for run in seqs.chunk_by(|a, b| a + 1 == *b) {
        if let [first, ..] = run {
            let comma = if out.len() > 1 { "," } else { "" };
            let _ = write!(out, "{comma}[{first},{})", first + i64::try_from(run.len()).unwrap_or(i64::MAX));
        }
    }
    out + "}"
}

fn ledger_of(row: &tokio_postgres::Row) -> Option<(Seat, Uuid)> {
    Some(((Name::parse(row.get(0))?, Name::parse(row.get(1))?), row.get(2)))
}

async fn write_doubled(transaction: &Transaction<'_>, doubled: Vec<((Seat, Uuid), &str)>) -> Result<(), Error> {
    let mut counts: BTreeMap<((Seat, Uuid), &str), i64> = BTreeMap::new();
    for one in doubled {
        *counts.entry(one).or_default() += 1;
    }
    if counts.is_empty() {
        return Ok(());
    }
    let sites: Vec<&str> = counts.keys().map(|((seat, _), _)| seat.0.as_str()).collect();
    let seats: Vec<&str> = counts.keys().map(|((seat, _), _)| seat.1.as_str()).collect();
    let epochs: Vec<Uuid> = counts.keys().map(|((_, epoch), _)| *epoch).collect();
    let whys: Vec<&str> = counts.keys().map(|(_, why)| *why).collect();
    let counts: Vec<i64> = counts.values().copied().collect();
    transaction.execute(DOUBLED, &[&sites, &seats, &epochs, &whys, &counts]).await.map(|_| ())
}

/// Writes a batch. After an error the transaction must be dropped.
pub async fn write(transaction: &Transaction<'_>, batch: &Batch) -> Result<(), Error> {
    let (closings, mut other_seats) = newest(&batch.closings);
    let mut doubled: Vec<((Seat, Uuid), &str)> =
        given_twice(&batch.closings).into_iter().map(|ledger| (ledger, NUMBER_TWICE)).collect();
    if !closings.is_empty() {
        let ids: Vec<Uuid> = closings.iter().map(|c| c.id).collect();
        let sites: Vec<&str> = closings.iter().map(|c| c.seat.0.as_str()).collect();
        let seats: Vec<&str> = closings.iter().map(|c| c.seat.1.as_str()).collect();
        let epochs: Vec<Uuid> = closings.iter().map(|c| c.epoch).collect();
        let numbers = |of: fn(&ClosingRow) -> i64| closings.iter().map(of).collect::<Vec<_>>();
        let (seqs, versions, starts) = (numbers(|c| c.seq), numbers(|c| c.version), numbers(|c| c.start_ms));
        let calls: Vec<&str> = closings.iter().map(|c| c.call.as_str()).collect();
        let twice = transaction.query(TWICE, &[&ids, &sites, &seats, &epochs, &seqs]).await?;
        doubled.extend(twice.iter().filter_map(ledger_of).map(|ledger| (ledger, NUMBER_TWICE)));
        let insert = transaction.prepare(CLOSINGS).await?;
        let written =
            transaction.execute(&insert, &[&ids, &sites, &seats, &epochs, &seqs, &versions, &starts, &calls]).await?;
        if written < closings.len() as u64 {
            for row in transaction.query(OTHER_SEATS, &[&ids, &sites, &seats]).await? {
                let id: Uuid = row.get(0);
                other_seats.extend(closings.iter().find(|c| c.id == id).cloned());
            }
        }
    }
    let numbers = numbers(batch);
    if !numbers.is_empty() {
        let sites: Vec<&str> = numbers.iter().map(|((site, _), ..)| site.as_str()).collect();
        let seats: Vec<&str> = numbers.iter().map(|((_, seat), ..)| seat.as_str()).collect();
        let epochs: Vec<Uuid> = numbers.iter().map(|(_, epoch, _)| *epoch).collect();
        let received: Vec<&str> = numbers.iter().map(|(.., received)| received.as_str()).collect();
        let older = transaction.query(OLDER, &[&sites, &seats, &epochs, &received]).await?;
        doubled.extend(older.iter().filter_map(ledger_of).map(|ledger| (ledger, OLDER_LEDGER)));
        transaction.execute(LEDGERS, &[&sites, &seats, &epochs, &received]).await?;
        transaction.execute(MERGE_RANGES, &[&sites, &seats, &epochs, &MAX_RANGES]).await?;
    }
    write_doubled(transaction, doubled).await?;
    let rejected = batch.rejected.iter().map(|r| (&r.seat, r.why, r.message.as_slice()));
    let other_seats = other_seats.iter().map(|c| (&c.seat, Refusal::OtherSeat, c.call.as_bytes()));
    let mut unread: Vec<_> = rejected.chain(other_seats).collect();
    if unread.is_empty() {
        return Ok(());
    }
    unread.sort_unstable_by_key(|(seat, _, message)| (*seat, *message));
    let sites: Vec<&str> = unread.iter().map(|(seat, ..)| seat.0.as_str()).collect();
    let seats: Vec<&str> = unread.iter().map(|(seat, ..)| seat.1.as_str()).collect();
    let whys: Vec<&str> = unread.iter().map(|(_, why, _)| why.code()).collect();
    let messages: Vec<&[u8]> = unread.iter().map(|(.., message)| *message).collect();
    let new = transaction.query(UNREAD, &[&sites, &seats, &whys, &messages]).await?;
    let mut refused: HashMap<(&str, &str, &str), i64> = HashMap::new();
    for row in &new {
        *refused.entry((row.get(0), row.get(1), row.get(2))).or_default() += 1;
    }
    if !refused.is_empty() {
        let mut rows: Vec<_> = refused.into_iter().collect();
        rows.sort_unstable();
        let sites: Vec<&str> = rows.iter().map(|row| row.0.0).collect();
        let seats: Vec<&str> = rows.iter().map(|row| row.0.1).collect();
        let whys: Vec<&str> = rows.iter().map(|row| row.0.2).collect();
        let counts: Vec<i64> = rows.iter().map(|row| row.1).collect();
        transaction.execute(REFUSED, &[&sites, &seats, &whys, &counts]).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(seat: &str, id: u128, version: i64, epoch: u128, seq: i64) -> ClosingRow {
        let seat = (Name::parse("jkt").unwrap(), Name::parse(seat).unwrap());
        let (id, epoch) = (Uuid::from_u128(id), Uuid::from_u128(epoch));
        ClosingRow { seat, epoch, seq, id, version, start_ms: 0, call: version.to_string() }
    }

    #[test]
    fn the_newest_version_of_a_call_in_a_batch_wins() {
        let batch = [
            row("a", 2, 4, 7, 1),
            row("a", 1, 3, 7, 2),
            row("a", 1, 5, 7, 2),
            row("a", 1, 4, 8, 1),
            row("b", 1, 9, 9, 1),
        ];
        let (closings, other_seats) = newest(&batch);
        assert_eq!(closings, [batch[2].clone(), batch[0].clone()]);
        assert_eq!(other_seats, [batch[4].clone()]);
    }

    #[test]
    fn numbers_are_merged_into_ranges_of_each_ledger_in_its_order() {
        let seat = row("a", 1, 1, 7, 1).seat;
        let rejected =
            vec![Rejected { seat, why: Refusal::BadPayload, number: Some((Uuid::from_u128(6), 4)), message: vec![] }];
        let closings = vec![row("b", 3, 1, 7, 5), row("a", 1, 1, 7, 9), row("a", 2, 1, 6, 3)];
        let batch = Batch { closings, rejected };
        let found: Vec<_> =
            numbers(&batch).into_iter().map(|(seat, epoch, all)| (seat.1.as_str(), epoch.as_u128(), all)).collect();
        assert_eq!(found, [("a", 7, "{[9,10)}".into()), ("a", 6, "{[3,5)}".into()), ("b", 7, "{[5,6)}".into())]);
        assert_eq!(ranges(vec![7, 1, 2, 3, 2, 9]), "{[1,4),[7,8),[9,10)}");
    }

    #[test]
    fn a_number_of_two_calls_is_noticed_and_a_newer_version_is_not_one() {
        let again = [row("a", 1, 1, 7, 1), row("a", 1, 2, 7, 1), row("b", 2, 1, 7, 1), row("a", 3, 1, 8, 1)];
        assert_eq!(given_twice(&again), []);
        let twice = [row("a", 1, 1, 7, 1), row("a", 2, 1, 7, 1)];
        assert_eq!(given_twice(&twice), [(twice[0].seat.clone(), Uuid::from_u128(7))]);
    }
}
