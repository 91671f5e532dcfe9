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
    on conflict (id) do update set
        epoch = greatest(c.epoch, excluded.epoch),
        seq = case when excluded.epoch >= c.epoch then excluded.seq else c.seq end,
        version = excluded.version, start_ms = excluded.start_ms, call = excluded.call, received = now()
    where c.site = excluded.site and c.seat = excluded.seat
        and (excluded.version > c.version or (excluded.version = c.version and excluded.epoch > c.epoch))";

const OTHER_SEATS: &str = "
    select t.site, t.seat from unnest($1::uuid[], $2::text[], $3::text[]) as t (id, site, seat)
    join closing c on c.id = t.id where (c.site, c.seat) <> (t.site, t.seat)";

const SEATS: &str = "
    insert into seat as s (site, seat, epoch, received)
    select site, seat, epoch, received::int8multirange
    from unnest($1::text[], $2::text[], $3::uuid[], $4::text[]) as t (site, seat, epoch, received)
    on conflict (site, seat) do update set
        received = case
            when excluded.epoch = s.epoch then s.received + excluded.received
            when excluded.epoch > s.epoch then excluded.received
            else s.received end,
        epoch = greatest(s.epoch, excluded.epoch), last = now()";

const MERGE_RANGES: &str = "
    update seat s set received = int8multirange(range_merge(received))
    from unnest($1::text[], $2::text[]) as t (site, seat)
    where s.site = t.site and s.seat = t.seat and (select count(*) from unnest(s.received)) > $3";

const REFUSED: &str = "
    insert into refused as r (site, seat, why, count)
    select * from unnest($1::text[], $2::text[], $3::text[], $4::int8[])
    on conflict (site, seat, why) do update set count = r.count + excluded.count, last = now()";

/// Merges several versions of one call as the database would. Sorted by id, so that two archives can't deadlock. Also
/// returns the seats whose closings have another seat's call id.
fn newest(closings: &[ClosingRow]) -> (Vec<ClosingRow>, Vec<(Name, Name)>) {
    let mut out: BTreeMap<Uuid, ClosingRow> = BTreeMap::new();
    let mut other_seats = Vec::new();
    for new in closings {
        let Some(old) = out.get_mut(&new.id) else {
            out.insert(new.id, new.clone());
            continue;
        };
        if old.seat != new.seat {
            other_seats.push(new.seat.clone());
            continue;
        }
        let (epoch, seq) = if new.epoch >= old.epoch { (new.epoch, new.seq) } else { (old.epoch, old.seq) };
        let is_newer = new.version > old.version || (new.version == old.version && new.epoch > old.epoch);
        let winner = if is_newer { new } else { &*old };
        *old = ClosingRow { epoch, seq, ..winner.clone() };
    }
    (out.into_values().collect(), other_seats)
}

/// Each seat's newest ledger in the batch, and its numbers as a multirange.
fn numbers(batch: &Batch) -> BTreeMap<&(Name, Name), (Uuid, String)> {
    let mut newest: BTreeMap<&(Name, Name), (Uuid, Vec<i64>)> = BTreeMap::new();
    let accepted = batch.closings.iter().map(|c| (&c.seat, c.epoch, c.seq));
    let rejected = batch.rejected.iter().filter_map(|r| r.number.map(|(epoch, seq)| (&r.seat, epoch, seq)));
    for (seat, epoch, seq) in accepted.chain(rejected) {
        let (known, seqs) = newest.entry(seat).or_insert((epoch, Vec::new()));
        if epoch > *known {
            (*known, *seqs) = (epoch, Vec::new());
        }
        if epoch == *known {
            seqs.push(seq);
        }
    }
    newest.into_iter().map(|(seat, (epoch, seqs))| (seat, (epoch, ranges(seqs)))).collect()
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

/// Writes a batch. After an error the transaction must be dropped.
pub async fn write(transaction: &Transaction<'_>, batch: &Batch) -> Result<(), Error> {
    let (closings, mut other_seats) = newest(&batch.closings);
    if !closings.is_empty() {
        let ids: Vec<Uuid> = closings.iter().map(|c| c.id).collect();
        let sites: Vec<&str> = closings.iter().map(|c| c.seat.0.as_str()).collect();
        let seats: Vec<&str> = closings.iter().map(|c| c.seat.1.as_str()).collect();
        let epochs: Vec<Uuid> = closings.iter().map(|c| c.epoch).collect();
        let numbers = |of: fn(&ClosingRow) -> i64| closings.iter().map(of).collect::<Vec<_>>();
        let (seqs, versions, starts) = (numbers(|c| c.seq), numbers(|c| c.version), numbers(|c| c.start_ms));
        let calls: Vec<&str> = closings.iter().map(|c| c.call.as_str()).collect();
        let insert = transaction.prepare(CLOSINGS).await?;
        let written =
            transaction.execute(&insert, &[&ids, &sites, &seats, &epochs, &seqs, &versions, &starts, &calls]).await?;
        if written < closings.len() as u64 {
            for row in transaction.query(OTHER_SEATS, &[&ids, &sites, &seats]).await? {
                other_seats.extend(Name::parse(row.get(0)).zip(Name::parse(row.get(1))));
            }
        }
    }
    let numbers = numbers(batch);
    if !numbers.is_empty() {
        let sites: Vec<&str> = numbers.keys().map(|(site, _)| site.as_str()).collect();
        let seats: Vec<&str> = numbers.keys().map(|(_, seat)| seat.as_str()).collect();
        let epochs: Vec<Uuid> = numbers.values().map(|(epoch, _)| *epoch).collect();
        let received: Vec<&str> = numbers.values().map(|(_, received)| received.as_str()).collect();
        transaction.execute(SEATS, &[&sites, &seats, &epochs, &received]).await?;
        transaction.execute(MERGE_RANGES, &[&sites, &seats, &MAX_RANGES]).await?;
    }
    let mut refused: HashMap<(&str, &str, &str), i64> = HashMap::new();
    let rejected = batch.rejected.iter().map(|rejected| (&rejected.seat, rejected.why));
    for ((site, seat), why) in rejected.chain(other_seats.iter().map(|seat| (seat, Refusal::OtherSeat))) {
        *refused.entry((site.as_str(), seat.as_str(), why.code())).or_default() += 1;
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
        assert_eq!(closings, [ClosingRow { epoch: Uuid::from_u128(8), seq: 1, ..batch[2].clone() }, batch[0].clone()]);
        assert_eq!(other_seats, [batch[4].seat.clone()]);
    }

    #[test]
    fn numbers_are_merged_into_ranges_of_the_newest_ledger() {
        let seat = row("a", 1, 1, 7, 1).seat;
        let rejected = vec![Rejected { seat, why: Refusal::BadPayload, number: Some((Uuid::from_u128(8), 4)) }];
        let closings = vec![row("a", 1, 1, 7, 9), row("a", 2, 1, 8, 3), row("b", 3, 1, 7, 5)];
        let batch = Batch { closings, rejected };
        let found: Vec<_> = numbers(&batch).into_values().collect();
        assert_eq!(found, [(Uuid::from_u128(8), "{[3,5)}".into()), (Uuid::from_u128(7), "{[5,6)}".into())]);
        assert_eq!(ranges(vec![7, 1, 2, 3, 2, 9]), "{[1,4),[7,8),[9,10)}");
    }
}
