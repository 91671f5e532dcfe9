//! Which calls are counted.

use std::collections::HashMap;

use chrono::FixedOffset;

use super::dimension::{Dimension, Teams, Value};
use crate::summary::{CallSummary, Interner, facts_of};

/// Calls that have one of these keys in a dimension; the empty key is that of calls that lack it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    pub dimension: Dimension,
    pub keys: Vec<String>,
}

/// Decides about calls one at a time, and knows which filters no call matched.
#[derive(Clone, Debug, Default)]
pub struct Matcher {
    filters: Vec<Seen>,
    teams: Teams,
    ahead_ms: i64,
}

#[derive(Clone, Debug)]
struct Seen {
    filter: Filter,
    /// Decisions so far, one a value.
    known: HashMap<Value, bool>,
    /// Which keys some call had.
    keys: Vec<bool>,
    /// Whether some call had any value in this dimension.
    any: bool,
}

impl Matcher {
    /// For all of these filters at once; days and hours are those of `zone`.
    #[must_use]
    pub fn new(filters: &[Filter], teams: &Teams, zone: FixedOffset) -> Self {
        let seen = |filter: &Filter| Seen {
            filter: filter.clone(),
            known: HashMap::new(),
            keys: vec![false; filter.keys.len()],
            any: false,
        };
        Self {
            filters: filters.iter().map(seen).collect(),
            teams: teams.clone(),
            ahead_ms: i64::from(zone.local_minus_utc()) * 1000,
        }
    }

    /// Whether a call matches all filters.
    pub fn matches(&mut self, row: &CallSummary, texts: &Interner) -> bool {
        let mut all = true;
        for Seen { filter: Filter { dimension, keys: wanted }, known, keys, any } in &mut self.filters {
            let value = dimension.source().of(row, self.ahead_ms);
            let matches = *known.entry(value).or_insert_with(|| {
                let found = dimension.keys(value, texts, &self.teams);
                *any |= match (dimension, value) {
                    (Dimension::Fact(id), Value::Text(facts)) => {
                        facts_of(texts.text(facts)).any(|(fact, _)| fact == id)
                    }
                    _ => true,
                };
                let mut matches = false;
                for (key, seen) in wanted.iter().zip(keys) {
                    let has = found.contains(key);
                    *seen |= has;
                    matches |= has;
                }
                matches
            });
            all &= matches;
        }
        all
    }

    /// The keys that no call had so far, whether or not it matched the other filters.
    pub fn unseen(&self) -> impl Iterator<Item = (&Dimension, &str)> {
        self.filters.iter().flat_map(|Seen { filter, keys, .. }| {
            let unseen = filter.keys.iter().zip(keys).filter(|(_, seen)| !**seen);
            unseen.map(|(key, _)| (&filter.dimension, key.as_str()))
        })
    }

    /// The facts that no call had so far.
    pub fn unknown_facts(&self) -> impl Iterator<Item = &str> {
        self.filters.iter().filter(|seen| !seen.any).filter_map(|seen| match &seen.filter.dimension {
            Dimension::Fact(fact) => Some(fact.as_str()),
            _ => None,
        })
    }
}
