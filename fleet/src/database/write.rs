//! A batch of closings into the database, in one transaction: each call once, of two versions the newer, and what of its
//! seat's has arrived. Doing it again changes nothing.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use tokio_postgres::{Error, Transaction};
use uuid::Uuid;

use crate::wire::name::Name;
use crate::wire::refusal::Refusal;

/// The most pieces of what a seat has sent. One that makes numbers up is no longer asked for what lies between them.
const MOST_PIECES: i64 = 2_000;

/// A closing that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// The site and the seat, as the subject has them.
    pub seat: (Name, Name),
    /// The seat's ledger.
    pub epoch: Uuid,
    /// Which of the seat's calls.
    pub seq: i64,
    /// The call's id.
    pub id: Uuid,
    /// The call's version.
    pub version: i64,
    /// When it began.
    pub start_ms: i64,
    /// The call, with what we know of it and nothing else.
    pub call: String,
}

/// Something that is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turned {
    /// The site and the seat, as the subject has them.
    pub seat: (Name, Name),
    /// Why.
    pub why: Refusal,
    /// The ledger and the number, where they could be read: what can't be taken is not asked for again.
    pub number: Option<(Uuid, i64)>,
}

/// What came in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// What is taken.
    pub closings: Vec<Arrived>,
    /// What is not.
    pub refused: Vec<Turned>,
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

const OF_ANOTHER: &str = "
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

const PIECES: &str = "
    update seat s set received = int8multirange(range_merge(received))
    from unnest($1::text[], $2::text[]) as t (site, seat)
    where s.site = t.site and s.seat = t.seat and (select count(*) from unnest(s.received)) > $3";

const REFUSED: &str = "
    insert into refused as r (site, seat, why, count)
    select * from unnest($1::text[], $2::text[], $3::text[], $4::int8[])
    on conflict (site, seat, why) do update set count = r.count + excluded.count, last = now()";

/// Of several versions of one call in a batch the one that would stand at the end; in the order of the ids, so that two
/// archives never wait for each other in a circle. The second text is how many were turned away as another seat's.
fn newest(closings: &[Arrived]) -> (Vec<Arrived>, Vec<(Name, Name)>) {
    let mut out: BTreeMap<Uuid, Arrived> = BTreeMap::new();
    let mut of_another = Vec::new();
    for new in closings {
        let Some(old) = out.get_mut(&new.id) else {
            out.insert(new.id, new.clone());
            continue;
        };
        if old.seat != new.seat {
            of_another.push(new.seat.clone());
            continue;
        }
        let (epoch, seq) = if new.epoch >= old.epoch { (new.epoch, new.seq) } else { (old.epoch, old.seq) };
        let is_newer = new.version > old.version || (new.version == old.version && new.epoch > old.epoch);
        let kept = if is_newer { new } else { &*old };
        *old = Arrived { epoch, seq, ..kept.clone() };
    }
    (out.into_values().collect(), of_another)
}

/// By seat its newest ledger of the batch, and the numbers that came of it as a multirange.
fn numbers(batch: &Batch) -> BTreeMap<&(Name, Name), (Uuid, String)> {
    let mut newest: BTreeMap<&(Name, Name), (Uuid, Vec<i64>)> = BTreeMap::new();
    let taken = batch.closings.iter().map(|c| (&c.seat, c.epoch, c.seq));
    let turned = batch.refused.iter().filter_map(|t| t.number.map(|(epoch, seq)| (&t.seat, epoch, seq)));
    for (seat, epoch, seq) in taken.chain(turned) {
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

/// "{[1,4),[7,8)}".
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

/// Writes a batch.
///
/// # Errors
/// What `PostgreSQL` says; then nothing of it is written.
pub async fn write(change: &Transaction<'_>, batch: &Batch) -> Result<(), Error> {
    let (closings, mut of_another) = newest(&batch.closings);
    if !closings.is_empty() {
        let ids: Vec<Uuid> = closings.iter().map(|c| c.id).collect();
        let sites: Vec<&str> = closings.iter().map(|c| c.seat.0.as_str()).collect();
        let seats: Vec<&str> = closings.iter().map(|c| c.seat.1.as_str()).collect();
        let epochs: Vec<Uuid> = closings.iter().map(|c| c.epoch).collect();
        let numbers = |of: fn(&Arrived) -> i64| closings.iter().map(of).collect::<Vec<_>>();
        let (seqs, versions, starts) = (numbers(|c| c.seq), numbers(|c| c.version), numbers(|c| c.start_ms));
        let calls: Vec<&str> = closings.iter().map(|c| c.call.as_str()).collect();
        let insert = change.prepare(CLOSINGS).await?;
        let written =
            change.execute(&insert, &[&ids, &sites, &seats, &epochs, &seqs, &versions, &starts, &calls]).await?;
        if written < closings.len() as u64 {
            for row in change.query(OF_ANOTHER, &[&ids, &sites, &seats]).await? {
                of_another.extend(Name::parse(row.get(0)).zip(Name::parse(row.get(1))));
            }
        }
    }
    let numbers = numbers(batch);
    if !numbers.is_empty() {
        let sites: Vec<&str> = numbers.keys().map(|(site, _)| site.as_str()).collect();
        let seats: Vec<&str> = numbers.keys().map(|(_, seat)| seat.as_str()).collect();
        let epochs: Vec<Uuid> = numbers.values().map(|(epoch, _)| *epoch).collect();
        let received: Vec<&str> = numbers.values().map(|(_, received)| received.as_str()).collect();
        change.execute(SEATS, &[&sites, &seats, &epochs, &received]).await?;
        change.execute(PIECES, &[&sites, &seats, &MOST_PIECES]).await?;
    }
    let mut refused: HashMap<(&str, &str, &str), i64> = HashMap::new();
    let turned = batch.refused.iter().map(|turned| (&turned.seat, turned.why));
    for ((site, seat), why) in turned.chain(of_another.iter().map(|seat| (seat, Refusal::OtherSeat))) {
        *refused.entry((site.as_str(), seat.as_str(), why.code())).or_default() += 1;
    }
    if !refused.is_empty() {
        let mut rows: Vec<_> = refused.into_iter().collect();
        rows.sort_unstable();
        let sites: Vec<&str> = rows.iter().map(|row| row.0.0).collect();
        let seats: Vec<&str> = rows.iter().map(|row| row.0.1).collect();
        let whys: Vec<&str> = rows.iter().map(|row| row.0.2).collect();
        let counts: Vec<i64> = rows.iter().map(|row| row.1).collect();
        change.execute(REFUSED, &[&sites, &seats, &whys, &counts]).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrived(seat: &str, id: u128, version: i64, epoch: u128, seq: i64) -> Arrived {
        let seat = (Name::parse("jkt").unwrap(), Name::parse(seat).unwrap());
        let (id, epoch) = (Uuid::from_u128(id), Uuid::from_u128(epoch));
        Arrived { seat, epoch, seq, id, version, start_ms: 0, call: version.to_string() }
    }

    #[test]
    fn of_a_call_in_one_batch_the_newest_stands() {
        let batch = [
            arrived("a", 2, 4, 7, 1),
            arrived("a", 1, 3, 7, 2),
            arrived("a", 1, 5, 7, 2),
            arrived("a", 1, 4, 8, 1),
            arrived("b", 1, 9, 9, 1),
        ];
        let (closings, of_another) = newest(&batch);
        assert_eq!(closings, [Arrived { epoch: Uuid::from_u128(8), seq: 1, ..batch[2].clone() }, batch[0].clone()]);
        assert_eq!(of_another, [batch[4].seat.clone()]);
    }

    #[test]
    fn numbers_come_together_as_ranges_of_the_newest_ledger() {
        let seat = arrived("a", 1, 1, 7, 1).seat;
        let refused = vec![Turned { seat, why: Refusal::BadPayload, number: Some((Uuid::from_u128(8), 4)) }];
        let closings = vec![arrived("a", 1, 1, 7, 9), arrived("a", 2, 1, 8, 3), arrived("b", 3, 1, 7, 5)];
        let batch = Batch { closings, refused };
        let found: Vec<_> = numbers(&batch).into_values().collect();
        assert_eq!(found, [(Uuid::from_u128(8), "{[3,5)}".into()), (Uuid::from_u128(7), "{[5,6)}".into())]);
        assert_eq!(ranges(vec![7, 1, 2, 3, 2, 9]), "{[1,4),[7,8),[9,10)}");
    }
}
