//! Statistics of times, and the cost of verifying a broadcast.

use std::fmt;
use std::time::Instant;

use nkeys::KeyPair;
use penutup_fleet::wire::envelope::{Envelope, StoredAt};
use penutup_fleet::wire::key::{Key, Scope};
use penutup_fleet::wire::name::Name;
use penutup_fleet::wire::trust::{Grant, Signer, Trust};

use super::Stop;
use super::stage::declaration;

/// In microseconds.
pub struct Spread {
    median: u64,
    p99: u64,
    max: u64,
}

impl Spread {
    /// Sorts the times.
    pub fn of(times: &mut [u64]) -> Self {
        times.sort_unstable();
        let at =
            |percent: usize| times.get((times.len().saturating_sub(1)) * percent / 100).copied().unwrap_or_default();
        Self { median: at(50), p99: at(99), max: at(100) }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |us: u64| std::time::Duration::from_micros(us).as_secs_f64() * 1e3;
        write!(f, "p50 {:.2} ms · p99 {:.2} ms · max {:.2} ms", ms(self.median), ms(self.p99), ms(self.max))
    }
}

/// The time that a seat takes to parse and verify a broadcast.
pub fn verifying() -> Result<Spread, Stop> {
    let (pair, id) = (KeyPair::new_user(), Name::parse("pusat").ok_or("a name")?);
    let grants = vec![Grant::Klb(Scope::Center)];
    let trust = Trust::new(vec![Signer { id: id.clone(), name: "Pusat".into(), key: pair.public_key(), grants }]);
    let key = Key::Klb(Scope::Center);
    let mut times = Vec::new();
    for version in 1..=1_000 {
        let bytes = Envelope::sign(&pair, key.clone(), id.clone(), version, declaration(version))?.to_bytes();
        let start = Instant::now();
        let verified = Envelope::parse(&bytes).and_then(|envelope| envelope.verify(&trust, &key, None, StoredAt::Now));
        times.push(u64::try_from(start.elapsed().as_micros())?);
        verified.map_err(|why| format!("{why:?}"))?;
    }
    Ok(Spread::of(&mut times))
}
