//! What a CSO waits for, measured without a terminal: a situation decided, a frame, a key, the rules loaded.

use std::hint::black_box;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use criterion::{Criterion, criterion_group, criterion_main};
use penutup::app::App;
use penutup::app::AppSetup;
use penutup::keymap::{self, Key};
use penutup::loaded::LoadedRules;

use penutup::rules::decide::{Situation, decide};
use penutup::rules::{BUILT_IN, check};
use penutup::tui::theme::Theme;
use penutup::tui::view;
use penutup::words::Lang;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_772_438_220, 0).unwrap_or_default()
}

fn app() -> App {
    App::new(AppSetup {
        loaded: Arc::new(LoadedRules::built_in()),
        lang: Lang::Id,
        zone: 0,
        shift_facts: Vec::new(),
        notice: None,
        rules_trouble: None,
        now: now(),
    })
}

fn terminal() -> Terminal<TestBackend> {
    Terminal::new(TestBackend::new(80, 24)).expect("a terminal in memory")
}

fn press(app: &mut App, key: char) {
    if let Some(action) = keymap::action(app, Key::Char(key)) {
        black_box(app.update(action, now()));
    }
}

fn rules(criterion: &mut Criterion) {
    let loaded = LoadedRules::built_in();
    let situations: Vec<Situation> = Situation::all(&loaded.rules).collect();
    let mut at = 0;
    criterion.bench_function("prompter/decide one situation", |bench| {
        bench.iter(|| {
            at = (at + 1) % situations.len();
            decide(black_box(&loaded.rules), black_box(&situations[at])).rule.line
        });
    });
    criterion.bench_function("prompter/load the built-in rules", |bench| {
        bench.iter(|| check(black_box(BUILT_IN.as_bytes()), NaiveDate::MAX));
    });
}

fn screen(criterion: &mut Criterion) {
    let (mut prompter, mut screen) = (app(), terminal());
    criterion.bench_function("prompter/a frame at 80x24", |bench| {
        bench.iter(|| screen.draw(|frame| _ = view::draw(frame, black_box(&prompter), Theme::Terminal, 0)).is_ok());
    });
    criterion.bench_function("prompter/a key, updated and drawn", |bench| {
        bench.iter(|| {
            press(&mut prompter, 'm');
            screen.draw(|frame| _ = view::draw(frame, &prompter, Theme::Terminal, 0)).is_ok()
        });
    });
}

/// Before each key that can be retracted the state is copied, with all that can be undone.
fn copy(criterion: &mut Criterion) {
    let mut prompter = app();
    (0..200).for_each(|_| press(&mut prompter, 'm'));
    criterion.bench_function("prompter/the state copied, 200 changes to undo", |bench| bench.iter(|| prompter.clone()));
}

criterion_group!(benches, rules, screen, copy);
criterion_main!(benches);
