//! The declaration in force at a seat, from those of all its scopes. Pure.

use penutup_rules::declaration::{Declaration, State};

/// The highest version that a prompter parses.
const MAX_VERSION: u64 = 253_402_300_799;

/// KLB is on where any scope declares it, by the newest declaration that does; else the newest "off" is in force.
///
/// `previous` was in force before. While only the version would change it stays as it is: another scope that changes
/// nothing here must not overwrite what a CSO set since. A changed declaration gets a higher version than everything
/// before it, whichever scope it comes from and however the supervisors' clocks differ.
#[must_use]
pub fn effective<'b>(
    previous: Option<&Declaration>,
    declared: &(impl Iterator<Item = &'b Declaration> + Clone),
) -> Option<Declaration> {
    let newest = |state| declared.clone().filter(|b| b.state == state).max_by_key(|b| b.version);
    let Some(current) = newest(State::On).or_else(|| newest(State::Off)) else { return previous.cloned() };
    let version = declared.clone().map(|b| b.version).max().unwrap_or(current.version);
    let version = match previous {
        Some(previous) if has_same_content(previous, current) => previous.version,
        Some(previous) => version.max(previous.version.saturating_add(1)).min(MAX_VERSION),
        None => version,
    };
    Some(Declaration { version, ..current.clone() })
}

fn has_same_content(one: &Declaration, other: &Declaration) -> bool {
    *one == Declaration { version: one.version, ..other.clone() }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use penutup_rules::declaration::KLB;
    use proptest::prelude::*;

    use super::*;

    fn klb(version: u64, state: State, why: &str) -> Declaration {
        Declaration {
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

    fn of(previous: Option<&Declaration>, declared: &[Declaration]) -> Option<Declaration> {
        effective(previous, &declared.iter())
    }

    #[test]
    fn any_scope_can_declare_klb_and_the_newest_gives_the_reason() {
        assert_eq!(of(None, &[]), None);
        let (off, on) = (klb(9, State::Off, "selesai"), klb(7, State::On, "gangguan"));
        let current = of(None, &[off.clone(), on.clone()]).unwrap();
        assert_eq!(current, Declaration { version: 9, ..on.clone() });
        let newer = klb(8, State::On, "banjir");
        assert_eq!(of(None, &[on, newer.clone(), off.clone()]).unwrap().why, newer.why);
        assert_eq!(of(None, &[klb(3, State::Off, "lama"), off.clone()]), Some(off.clone()));
        assert_eq!(of(Some(&off), &[]), Some(off), "the last known declaration stays");
    }

    #[test]
    fn another_scopes_declaration_that_changes_nothing_keeps_the_version() {
        let on = klb(7, State::On, "gangguan");
        let first = of(None, std::slice::from_ref(&on)).unwrap();
        assert_eq!(of(Some(&first), &[on, klb(90, State::Off, "di sini tidak")]), Some(first));
    }

    #[test]
    fn an_end_declared_by_a_slow_clock_takes_effect() {
        let site = klb(90, State::On, "banjir");
        let both = of(None, &[klb(110, State::Off, "pusat"), site]).unwrap();
        assert_eq!((both.version, both.state), (110, State::On));
        let ended = of(Some(&both), &[klb(110, State::Off, "pusat"), klb(95, State::Off, "surut")]).unwrap();
        assert_eq!((ended.version, ended.state), (111, State::Off));
    }

    /// Declarations of three scopes, each with its own rising versions.
    fn history() -> impl Strategy<Value = Vec<(usize, u64, bool, u8)>> {
        proptest::collection::vec((0..3_usize, 1..50_u64, any::<bool>(), 0..3_u8), 0..40)
    }

    proptest! {
        #[test]
        fn the_version_rises_exactly_when_the_content_changes(history in history()) {
            let mut scopes: [Option<Declaration>; 3] = [None, None, None];
            let mut current: Option<Declaration> = None;
            for (scope, step, on, why) in history {
                let version = scopes[scope].as_ref().map_or(0, |b| b.version) + step;
                let state = if on { State::On } else { State::Off };
                scopes[scope] = Some(klb(version, state, &why.to_string()));
                let next = effective(current.as_ref(), &scopes.iter().flatten()).unwrap();
                let newest = |state| scopes.iter().flatten().filter(|b| b.state == state).map(|b| b.version).max();
                let is_on = newest(State::On).is_some();
                prop_assert_eq!(next.state == State::On, is_on);
                let content = newest(next.state).unwrap();
                prop_assert!(scopes.iter().flatten().any(|b| b.version == content && has_same_content(&next, b)));
                if let Some(before) = &current {
                    if has_same_content(before, &next) {
                        prop_assert_eq!(before, &next);
                    } else {
                        prop_assert!(next.version > before.version);
                    }
                }
                // Recomputing changes nothing.
                prop_assert_eq!(effective(Some(&next), &scopes.iter().flatten()), Some(next.clone()));
                current = Some(next);
            }
        }
    }
}
