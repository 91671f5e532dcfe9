//! Whatever `check` accepts can be spoken and shown everywhere: random files that are almost valid.

use std::cell::Cell;

use penutup::rules::problem::{Code, Kind};
use penutup::rules::{BUILT_IN, check};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use tempfile::TempDir;

use crate::accepted::{Folder, holds};
use crate::near_valid_rules::file;

#[test]
fn rules_accepted_by_check_are_spoken_and_shown_everywhere() {
    let home = TempDir::new().expect("a folder for the test");
    let folder = Folder::new(home.path());
    let (accepted, all) = (Cell::new(0u32), Cell::new(0u32));
    let config = ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() };
    // A few bytes are one mutation, and most files of many mutations are refused.
    let some = |most: usize| prop::collection::vec(any::<u8>(), 0..most);
    let bytes = prop_oneof![3 => some(8), 1 => some(32)];
    let ran = TestRunner::new(config).run(&bytes, |bytes| {
        all.set(all.get() + 1);
        let source = file(&bytes);
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| holds(source.as_bytes(), &folder)));
        match outcome {
            Ok(is_accepted) => accepted.set(accepted.get() + u32::from(is_accepted)),
            Err(panic) => {
                let why = panic
                    .downcast_ref::<String>()
                    .map(String::as_str)
                    .or_else(|| panic.downcast_ref::<&str>().copied());
                return Err(TestCaseError::fail(format!("{}\n{source}", why.unwrap_or("a panic"))));
            }
        }
        Ok(())
    });
    if let Err(failed) = ran {
        panic!("{failed}");
    }
    let (accepted, all) = (accepted.get(), all.get());
    assert!(accepted * 4 > all, "only {accepted} of {all} files were accepted, too few to prove much");
    assert!(accepted * 20 < all * 19, "{accepted} of {all} were accepted: the mutations reach no limit");
}

/// `{nama}` may be empty here, and nothing is spoken in its place.
#[test]
fn a_sentence_broken_by_an_empty_field_is_refused() {
    let problems = |sentence: &str| {
        let source = BUILT_IN.replace("selamat {salam} {sapaan} {nama}", sentence);
        assert_ne!(source, BUILT_IN);
        check(source.as_bytes(), chrono::NaiveDate::MAX).problems
    };
    for (sentence, spoken) in [
        ("selamat {salam} ({nama})", "selamat pagi ()"),
        ("selamat {salam} ( {nama} )", "selamat pagi ()"),
        ("selamat {salam} \u{201c}{nama}\u{201d}", "selamat pagi \u{201c}\u{201d}"),
        ("selamat {salam}, {nama}, sampai jumpa", "selamat pagi,, sampai jumpa"),
    ] {
        let found = problems(sentence);
        let kind = found.iter().find(|p| p.code() == Code::EmptyText).map(|problem| &problem.kind);
        let Some(Kind::EmptyPlace { field, sentence: described }) = kind else { panic!("{sentence}: {found:?}") };
        assert_eq!(field, "nama");
        assert!(described.ends_with(spoken), "{described:?} ends with {spoken:?}");
    }
    for sentence in [
        "selamat {salam} ({sapaan} {nama})",
        "selamat {salam} ({nama} {sapaan})",
        "selamat {salam} {sapaan} {nama}.",
        "selamat {salam} {nama}, sampai jumpa",
        "selamat {salam}, {sapaan} {nama}, sampai jumpa",
    ] {
        assert_eq!(problems(sentence), [], "{sentence}");
    }
}
