//! Any bytes as a rules file: checked without a panic, every problem described in both languages and drawn, and what passes
//! answers every situation that is asked.

#![no_main]

use chrono::NaiveDate;
use libfuzzer_sys::fuzz_target;
use penutup::rules::check;
use penutup::diagnostics::draw::{Canvas, draw};
use penutup::diagnostics::{Source, describe};
use penutup::words::Lang;

fuzz_target!(|bytes: &[u8]| {
    let report = check(bytes, NaiveDate::MIN);
    assert_eq!(report.rules.is_some(), report.errors() == 0, "rules exactly where there is no error");
    let source = Source::new("rules.toml", bytes);
    for problem in &report.problems {
        for lang in [Lang::Id, Lang::En] {
            let description = describe(problem, lang.words());
            assert!(!description.message.is_empty());
            let drawn = draw(problem, &source, lang.words(), Canvas::PLAIN);
            assert!(drawn.chars().all(|c| c == '\n' || !c.is_control()), "no control character reaches a terminal");
        }
    }
});
