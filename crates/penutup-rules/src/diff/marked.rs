//! Which words of two sentences differ.

use similar::{Algorithm, DiffOp, capture_diff_slices};

/// Consecutive words that are all common or all changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The words with the blanks between them; one more blank separates a run from the next.
    pub text: String,
    /// Whether the other sentence does not have them.
    pub changed: bool,
}

/// The most pairs of words to compare. Beyond that, everything from the first to the last difference is marked.
const MAX_PAIRS: usize = 4_000_000;

/// Splits both sentences into runs of words, and marks the words that the other sentence lacks.
pub fn marked(before: &str, after: &str) -> (Vec<Run>, Vec<Run>) {
    let words = |text| str::split(text, ' ').collect::<Vec<_>>();
    let (old, new) = (words(before), words(after));
    let start = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let rest = old[start..].iter().rev().zip(new[start..].iter().rev());
    let end = rest.take_while(|(old, new)| old == new).count();
    let (old_end, new_end) = (old.len() - end, new.len() - end);
    let (old_len, new_len) = (old_end - start, new_end - start);
    let inner = if old_len.saturating_mul(new_len) > MAX_PAIRS {
        vec![DiffOp::Replace { old_index: 0, old_len, new_index: 0, new_len }]
    } else {
        capture_diff_slices(Algorithm::Myers, &old[start..old_end], &new[start..new_end])
    };
    let (mut old_changed, mut new_changed) = (vec![false; old.len()], vec![false; new.len()]);
    for op in inner.iter().filter(|op| !matches!(op, DiffOp::Equal { .. })) {
        old_changed[start..][op.old_range()].fill(true);
        new_changed[start..][op.new_range()].fill(true);
    }
    (runs(&old, &old_changed), runs(&new, &new_changed))
}

fn runs(words: &[&str], changed: &[bool]) -> Vec<Run> {
    let mut at = 0;
    let mut runs = Vec::new();
    for same in changed.chunk_by(|one, other| one == other) {
        let text = words[at..at + same.len()].join(" ");
        at += same.len();
        runs.push(Run { text, changed: same[0] });
    }
    // An empty sentence splits into one empty word.
    runs.retain(|run| !run.text.is_empty() || changed.len() > 1);
    runs
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The changed runs in brackets.
    fn shown(runs: &[Run]) -> String {
        let run = |run: &Run| if run.changed { format!("[{}]", run.text) } else { run.text.clone() };
        runs.iter().map(run).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn changed_words_are_marked_in_both() {
        let (old, new) = marked("ayo download aplikasi New PLN Mobile,", "segera update aplikasi PLN Mobile,");
        assert_eq!(shown(&old), "[ayo download] aplikasi [New] PLN Mobile,");
        assert_eq!(shown(&new), "[segera update] aplikasi PLN Mobile,");
    }

    #[test]
    fn every_word_is_marked_against_an_empty_sentence() {
        let (old, new) = marked("", "Terima kasih");
        assert_eq!((shown(&old), shown(&new)), (String::new(), "[Terima kasih]".into()));
        assert_eq!(shown(&marked("a b", "a b").0), "a b");
    }

    #[test]
    fn long_sentences_are_compared_in_limited_time() {
        let many = |word: &str| format!("Halo {} Sampai jumpa", vec![word; 100_000].join(" "));
        let (old, new) = marked(&many("a"), &many("b"));
        assert_eq!((old.len(), new.len()), (3, 3));
        assert!(old[1].changed && old[1].text.starts_with("a a"));
    }

    proptest! {
        #[test]
        fn runs_join_to_the_sentence_and_unmarked_words_are_common(before in "[ab ]{0,12}", after in "[ab ]{0,12}") {
            let (old, new) = marked(&before, &after);
            let whole = |runs: &[Run]| runs.iter().map(|run| &*run.text).collect::<Vec<_>>().join(" ");
            let kept = |runs: &[Run]| {
                let kept = runs.iter().filter(|run| !run.changed).map(|run| &*run.text);
                kept.collect::<Vec<_>>().join(" ")
            };
            prop_assert_eq!(whole(&old), &*before);
            prop_assert_eq!(whole(&new), &*after);
            prop_assert_eq!(kept(&old), kept(&new));
            prop_assert_eq!(before == after, old.iter().chain(&new).all(|run| !run.changed));
        }
    }
}
