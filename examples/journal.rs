//! A journal of as many calls as one likes, to be looked at and measured:
//!
//! ```sh
//! cargo run --release --example journal -- /tmp/journal.db 1000000
//! /usr/bin/time -v target/release/penutup report …
//! ```

#![expect(clippy::print_stdout, reason = "an example talks")]

#[path = "../benches/support/calls.rs"]
mod calls;

use std::path::Path;
use std::time::Instant;

use penutup::journal::record::Record;
use penutup::journal::store::{Change, Store};
use uuid::Uuid;

fn main() {
    let mut args = std::env::args().skip(1);
    let path = args.next().expect("the path of the journal");
    let count = args.next().and_then(|n| n.parse().ok()).unwrap_or(20_000);
    let begun = Instant::now();
    let mut store = Store::open(Path::new(&path)).expect("a journal that can be opened").store;
    let process = Uuid::now_v7();
    let all: Vec<_> = calls::calls(count).collect();
    for (part, some) in all.chunks(10_000).enumerate() {
        let seat = format!("seat-{:02}", part % 40);
        let recorded = |record: &Record| Record {
            id: Uuid::now_v7(),
            version: 1,
            changed: record.end.map_or(record.start, |(at, _)| at),
            seat: Some(seat.clone()),
            ..record.clone()
        };
        let records: Vec<_> = some.iter().map(recorded).collect();
        store.save(process, records.iter().map(Change::Save)).expect("a journal that can be written");
    }
    println!("{count} calls in {:.1} s", begun.elapsed().as_secs_f64());
}
