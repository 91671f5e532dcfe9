//! Whatever `check` accepts can be spoken and shown everywhere: files that are almost valid, by the thousand.

use std::cell::Cell;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use tempfile::TempDir;

use crate::accepted::{Folder, holds};
use crate::near_valid_rules::file;

#[test]
fn whatever_check_accepts_is_spoken_and_shown_everywhere() {
    let home = TempDir::new().expect("a folder for the test");
    let folder = Folder::new(home.path());
    let (accepted, all) = (Cell::new(0u32), Cell::new(0u32));
    let config = ProptestConfig { cases: 384, failure_persistence: None, ..ProptestConfig::default() };
    // A few bytes are one mutation, and most files of many mutations are refused.
    let bytes = prop::collection::vec(any::<u8>(), 0..24);
    let ran = TestRunner::new(config).run(&bytes, |bytes| {
        all.set(all.get() + 1);
        let source = file(&bytes);
        let taken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| holds(source.as_bytes(), &folder)));
        match taken {
            Ok(taken) => accepted.set(accepted.get() + u32::from(taken)),
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
    assert!(accepted * 5 > all, "only {accepted} of {all} files were accepted, so the rest proves little");
    assert!(accepted * 20 < all * 19, "{accepted} of {all} were accepted: the mutations reach no limit");
}
