//! What is promised of the journal: one record through the thread to the disk, and a report over many calls.
//!
//! 20,000 calls by default; as promised, a million:
//!
//! ```sh
//! PENUTUP_BENCH_CALLS=1000000 cargo bench --bench journal
//! ```

#[path = "support/calls.rs"]
mod calls;

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::sync::mpsc::channel;

use chrono::{FixedOffset, Utc};
use clap::{Args as _, FromArgMatches as _};
use criterion::{Criterion, criterion_group, criterion_main};
use penutup::journal::export::Export;
use penutup::journal::merge::{Merge, Refused};
use penutup::journal::read::{Reader, Span};
use penutup::journal::record::Record;
use penutup::journal::report::{By, ReportBuilder, Teams};
use penutup::journal::store::{Change, Store};
use penutup::journal::summary::{CallSummary, Interner};
use penutup::journal::trouble::Error;
use penutup::journal::writer::{Config, Writer};
use penutup::loaded::LoadedRules;
use penutup::words::Lang;
use penutup_cli_kit::report::{Collector, Questions};
use uuid::Uuid;

fn zone() -> FixedOffset {
    FixedOffset::east_opt(7 * 3600).expect("seven hours")
}

fn count() -> u64 {
    std::env::var("PENUTUP_BENCH_CALLS").ok().and_then(|n| n.parse().ok()).unwrap_or(20_000)
}

fn fill(path: &Path, count: u64) {
    let mut store = Store::open(path).expect("a journal").store;
    let all: Vec<_> = calls::calls(count).collect();
    for some in all.chunks(10_000) {
        let recorded = |record: &Record| Record { id: Uuid::now_v7(), version: 1, ..record.clone() };
        let records: Vec<_> = some.iter().map(recorded).collect();
        store.save(Uuid::now_v7(), records.iter().map(Change::Save)).expect("a journal that can be written");
    }
}

fn one_record(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("journal.db");
    fill(&path, count());
    let writer = Writer::start(Config::at(path), |_| {}, |work| Ok(std::thread::spawn(work)));
    let mut dice = calls::Dice(1);
    let mut number = 0;
    let mut group = criterion.benchmark_group("journal");
    group.bench_function("hand over a record", |bench| {
        bench.iter_batched(
            || calls::call(1, Utc::now(), &mut dice),
            |record| writer.record(record, Utc::now()),
            criterion::BatchSize::SmallInput,
        );
    });
    // The answer to a recap comes when all before it is on the disk.
    group.bench_function("a record until it outlives kill -9", |bench| {
        bench.iter(|| {
            number += 1;
            let (send, answer) = channel();
            writer.record(calls::call(number, Utc::now(), &mut dice), Utc::now());
            writer.recap(chrono::NaiveDate::MAX, zone(), move |recap| {
                let _ = send.send(recap);
            });
            answer.recv().expect("the thread answers")
        });
    });
    group.finish();
    assert!(matches!(writer.finish(std::time::Duration::from_secs(60)), penutup::journal::trouble::Finish::Written));
}

fn report(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("journal.db");
    fill(&path, count());
    let rules = LoadedRules::built_in().rules;
    let command = Questions::augment_args(clap::Command::new("report"));
    let arguments = Questions::from_arg_matches(&command.get_matches_from(["report"])).expect("arguments");
    let question = arguments.parsed(zone(), &rules, Lang::Id.words(), || 0).expect("a question");
    let mut group = criterion.benchmark_group("journal");
    group.sample_size(10);
    group.bench_function(format!("report of {} calls", count()), |bench| {
        bench.iter(|| {
            let mut collector = Collector::new(&question);
            let mut reader = Reader::open(&path).expect("a journal").expect("one that is there");
            let add = |call: &CallSummary, texts: &Interner| {
                collector.add(call, texts).expect("not too many groups");
                Ok::<(), Error>(())
            };
            let texts = reader.summaries(Span::default(), add).expect("calls");
            collector.answer(&texts, &rules, Lang::Id.words()).expect("an answer")
        });
    });
    group.finish();
}

fn merge(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let exported = folder.path().join("seat.jsonl");
    let mut export =
        Export::begin(BufWriter::new(File::create(&exported).expect("a file")), Utc::now()).expect("a line");
    for record in calls::calls(count()) {
        export.call(&Record { id: Uuid::now_v7(), version: 1, ..record }).expect("a line");
    }
    export.end().expect("a line");
    let mut group = criterion.benchmark_group("journal");
    group.sample_size(10);
    group.bench_function(format!("merge of {} calls", count()), |bench| {
        bench.iter(|| {
            let mut builder = ReportBuilder::new(zone(), By::Overview);
            let add = |call: &CallSummary, _: &Interner, _: &Record| {
                builder.add(call);
                Ok::<(), Refused>(())
            };
            let merge = Merge::of(std::slice::from_ref(&exported)).expect("an export");
            let texts = merge.each(Span::default(), add).expect("calls");
            builder.report(&texts, &Teams::default()).total.closings
        });
    });
    group.finish();
}

criterion_group!(benches, one_record, report, merge);
criterion_main!(benches);
