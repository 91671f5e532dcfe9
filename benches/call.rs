//! How long a softphone waits for `penutup call`: the whole process, with no prompter, with one, with five. Promised:
//! less than 50 ms.

#[path = "support/open.rs"]
mod open;

use std::path::Path;

use criterion::{Criterion, criterion_group, criterion_main};
use open::{Prompter, run, wait_for};

fn call(home: &Path) -> Option<i32> {
    run(home, &["call", "start", "081234567890", "nama=Siti"])
}

fn calls(criterion: &mut Criterion) {
    let home = tempfile::tempdir().expect("a folder");
    criterion.bench_function("call/no prompter", |bench| bench.iter(|| assert_eq!(call(home.path()), Some(1))));
    let mut open: Vec<Prompter> = Vec::new();
    for (count, name) in [(1, "call/one prompter"), (5, "call/five prompters")] {
        while open.len() < count {
            open.push(Prompter::open(home.path()));
        }
        wait_for(home.path(), count, || call(home.path()) == Some(0));
        criterion.bench_function(name, |bench| bench.iter(|| assert_eq!(call(home.path()), Some(0))));
    }
}

criterion_group!(benches, calls);
criterion_main!(benches);
