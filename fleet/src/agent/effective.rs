//! The declaration that holds for a seat, of those of the scopes that it hears. Pure.

use penutup::broadcast::{Broadcast, State};

/// The highest version that a prompter reads.
const LAST_VERSION: u64 = 253_402_300_799;

/// What holds: KLB where any scope declares it, in the words of the newest that does; else the newest that ends it.
///
/// `previous` is what held before. While only the version would be another it stays as it is: what a CSO set since is
/// not overwritten because another scope said something that changes nothing here. What is new gets a higher version
/// than everything before it, whichever scope it comes from and however the supervisors' clocks differ.
#[must_use]
pub fn effective<'b>(
    previous: Option<&Broadcast>,
    heard: impl Iterator<Item = &'b Broadcast> + Clone,
) -> Option<Broadcast> {
    let newest = |state| heard.clone().filter(|b| b.state == state).max_by_key(|b| b.version);
    let Some(holds) = newest(State::On).or_else(|| newest(State::Off)) else { return previous.cloned() };
    let version = heard.clone().map(|b| b.version).max().unwrap_or(holds.version);
    let version = match previous {
        Some(previous) if says_the_same(previous, holds) => previous.version,
        Some(previous) => version.max(previous.version.saturating_add(1)).min(LAST_VERSION),
        None => version,
    };
    Some(Broadcast { version, ..holds.clone() })
}

fn says_the_same(one: &Broadcast, other: &Broadcast) -> bool {
    *one == Broadcast { version: one.version, ..other.clone() }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use penutup::broadcast::KLB;
    use proptest::prelude::*;

    use super::*;

    fn klb(version: u64, state: State, why: &str) -> Broadcast {
        Broadcast {
            version,
            fact: KLB.into(),
            state,
            value: None,
            since: DateTime::UNIX_EPOCH,
            until: None,
            by: None,
            why: Some(why.into()),
        }
    }

    fn of(previous: Option<&Broadcast>, heard: &[Broadcast]) -> Option<Broadcast> {
        effective(previous, heard.iter())
    }

    #[test]
    fn any_scope_declares_it_and_the_newest_says_why() {
        assert_eq!(of(None, &[]), None);
        let (off, on) = (klb(9, State::Off, "selesai"), klb(7, State::On, "gangguan"));
        let holds = of(None, &[off.clone(), on.clone()]).unwrap();
        assert_eq!(holds, Broadcast { version: 9, ..on.clone() });
        let newer = klb(8, State::On, "banjir");
        assert_eq!(of(None, &[on, newer.clone(), off.clone()]).unwrap().why, newer.why);
        assert_eq!(of(None, &[klb(3, State::Off, "lama"), off.clone()]), Some(off.clone()));
        assert_eq!(of(Some(&off), &[]), Some(off), "the last that was known stays");
    }

    #[test]
    fn another_scopes_news_that_changes_nothing_is_none() {
        let on = klb(7, State::On, "gangguan");
        let first = of(None, std::slice::from_ref(&on)).unwrap();
        assert_eq!(of(Some(&first), &[on, klb(90, State::Off, "di sini tidak")]), Some(first));
    }

    #[test]
    fn an_end_by_a_clock_that_is_behind_is_news_all_the_same() {
        let site = klb(90, State::On, "banjir");
        let both = of(None, &[klb(110, State::Off, "pusat"), site]).unwrap();
        assert_eq!((both.version, both.state), (110, State::On));
        let ended = of(Some(&both), &[klb(110, State::Off, "pusat"), klb(95, State::Off, "surut")]).unwrap();
        assert_eq!((ended.version, ended.state), (111, State::Off));
    }

    /// Three scopes that say one thing after another, each with a rising version of its own.
    fn history() -> impl Strategy<Value = Vec<(usize, u64, bool, u8)>> {
        proptest::collection::vec((0..3_usize, 1..50_u64, any::<bool>(), 0..3_u8), 0..40)
    }

    proptest! {
        #[test]
        fn whatever_is_said_versions_rise_with_the_content_and_only_with_it(history in history()) {
            let mut scopes: [Option<Broadcast>; 3] = [None, None, None];
            let mut holds: Option<Broadcast> = None;
            for (scope, step, on, why) in history {
                let version = scopes[scope].as_ref().map_or(0, |b| b.version) + step;
                let state = if on { State::On } else { State::Off };
                scopes[scope] = Some(klb(version, state, &why.to_string()));
                let next = effective(holds.as_ref(), scopes.iter().flatten()).unwrap();
                let newest = |state| scopes.iter().flatten().filter(|b| b.state == state).map(|b| b.version).max();
                let is_on = newest(State::On).is_some();
                prop_assert_eq!(next.state == State::On, is_on);
                let content = newest(next.state).unwrap();
                prop_assert!(scopes.iter().flatten().any(|b| b.version == content && says_the_same(&next, b)));
                if let Some(before) = &holds {
                    if says_the_same(before, &next) {
                        prop_assert_eq!(before, &next);
                    } else {
                        prop_assert!(next.version > before.version);
                    }
                }
                // Said again it is no news.
                prop_assert_eq!(effective(Some(&next), scopes.iter().flatten()), Some(next.clone()));
                holds = Some(next);
            }
        }
    }
}
