//! The state of one seat that outlasts a restart, and the merge of the states of two prompters on one seat. Pure;
//! reading and writing is in `files::saved_state`.

use crate::closing::PersistedFact;
use crate::declaration::Declaration;

/// The saved state of a seat. It is written as one file, so that a crash can't leave it half updated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeatState {
    /// The shift's facts that are set.
    pub shift_facts: Vec<PersistedFact>,
    /// The centre's declaration that was applied last: no restart applies it again over what the CSO did since.
    pub declaration: Option<Declaration>,
    /// Whether the hint of the first run is still to be dismissed.
    pub welcome: bool,
}

impl SeatState {
    /// This state with the changes from `before` to `mine`. If both sides changed a fact, `mine` wins.
    pub fn with_changes(&self, before: &Self, mine: &Self) -> Self {
        let mut shift_facts: Vec<PersistedFact> = Vec::new();
        for one in mine.shift_facts.iter().chain(&self.shift_facts) {
            if shift_facts.iter().any(|known| known.fact == one.fact) {
                continue;
            }
            let changed = before.fact(&one.fact) != mine.fact(&one.fact);
            shift_facts.extend(if changed { mine.fact(&one.fact) } else { self.fact(&one.fact) }.cloned());
        }
        let newer = |one: &Option<Declaration>, two: &Option<Declaration>| {
            let version = |b: &Option<Declaration>| b.as_ref().map(|b| b.version);
            if version(one) >= version(two) { one.clone() } else { two.clone() }
        };
        Self {
            shift_facts,
            declaration: newer(&mine.declaration, &self.declaration),
            // Dismissing it in one window dismisses it in all.
            welcome: mine.welcome && self.welcome,
        }
    }

    fn fact(&self, id: &str) -> Option<&PersistedFact> {
        self.shift_facts.iter().find(|fact| fact.fact == id)
    }
}

/// A change of the saved state by another prompter on this seat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shared {
    /// This prompter's state when the other's was read; its own changes since then are kept.
    pub known: SeatState,
    pub now: SeatState,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::closing::Since;

    fn fact(fact: &str, value: &str) -> PersistedFact {
        let at = chrono::DateTime::UNIX_EPOCH;
        PersistedFact { fact: fact.into(), value: value.into(), since: Since { set: at, confirmed: at } }
    }

    fn declaration(version: u64) -> Declaration {
        let text = format!("version = {version}\nstate = 'on'\nsince = '2021-02-01T06:05:00Z'");
        Declaration::read(text.as_bytes()).unwrap()
    }

    fn state(facts: &[(&str, &str)], welcome: bool) -> SeatState {
        let shift_facts = facts.iter().map(|(id, value)| fact(id, value)).collect();
        SeatState { shift_facts, declaration: None, welcome }
    }

    #[test]
    fn a_fact_set_in_one_window_survives_the_hint_dismissed_in_the_other() {
        let start = state(&[], true);
        let disk = state(&[("klb", "ya")], true);
        let dismissed = state(&[], false);
        assert_eq!(disk.with_changes(&start, &dismissed), state(&[("klb", "ya")], false));
    }

    #[test]
    fn a_fact_that_was_switched_off_is_off_whatever_is_on_the_disk() {
        let on = state(&[("klb", "ya"), ("lain", "x")], false);
        let off = state(&[("lain", "x")], false);
        assert_eq!(on.with_changes(&on, &off), off);
    }

    #[test]
    fn the_newest_declaration_is_kept() {
        let with = |version: Option<u64>| SeatState { declaration: version.map(declaration), ..SeatState::default() };
        for (disk, mine, newest) in [(Some(7), Some(8), Some(8)), (Some(8), Some(7), Some(8)), (Some(7), None, Some(7))]
        {
            assert_eq!(with(disk).with_changes(&with(None), &with(mine)), with(newest));
        }
    }

    fn any_state() -> impl Strategy<Value = SeatState> {
        let facts = proptest::collection::btree_map("[abc]", "[xyz]", 0..3);
        (facts, any::<bool>(), proptest::option::of(1..4u64)).prop_map(|(facts, welcome, version)| SeatState {
            shift_facts: facts.iter().map(|(id, value)| fact(id, value)).collect(),
            declaration: version.map(declaration),
            welcome,
        })
    }

    fn sorted(mut state: SeatState) -> SeatState {
        state.shift_facts.sort_by(|one, two| one.fact.cmp(&two.fact));
        state
    }

    proptest! {
        #[test]
        fn without_changes_of_mine_the_disk_stays(disk in any_state(), mine in any_state()) {
            let merged = sorted(disk.with_changes(&mine, &mine));
            prop_assert_eq!(merged.shift_facts, sorted(disk).shift_facts);
        }

        #[test]
        fn two_windows_with_different_changes_agree_whichever_writes_first(
            start in any_state(), one in any_state(), value in "[xyz]",
        ) {
            // One window changes facts a, b, c; the other sets d.
            let mut other = start.clone();
            other.shift_facts.push(fact("d", &value));
            let first = start.with_changes(&start, &one).with_changes(&start, &other);
            let second = start.with_changes(&start, &other).with_changes(&start, &one);
            prop_assert_eq!(sorted(first.clone()), sorted(second));
            prop_assert!(first.shift_facts.iter().any(|h| h.fact == "d"));
        }
    }
}
