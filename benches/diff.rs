//! How the time of `table` and `diff` grows with facts and rules.

use chrono::NaiveDate;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use penutup::rules::diff::diff;
use penutup::rules::space::Cube;
use penutup::rules::table::table;
use penutup::rules::{RuleSet, check};
use std::fmt::Write as _;
use std::hint::black_box;

#[path = "support/partition.rs"]
mod partition;

use partition::{Dice, partition};

const HEAD: &str = "schema = 1\n[sop]\ntitle = \"T\"\nrevision = \"R\"\n\
    [[zone]]\nid = \"WIB\"\noffset = \"+07:00\"\n[[greeting]]\nfrom = \"00:00\"\nword = \"pagi\"\n";

/// Checked rules with these conditions and one of six sentences each.
fn checked(facts: usize, values: usize, cubes: &[Cube], answers: &[usize]) -> RuleSet {
    let mut source = HEAD.to_owned();
    for fact in 0..facts {
        let values: Vec<_> = (0..values).map(|v| format!("{{ id = \"v{v}\", label = \"v{v}\" }}")).collect();
        let values = values.join(", ");
        let _ = writeln!(source, "[[fact]]\nid = \"f{fact}\"\nlabel = \"f{fact}\"\nvalues = [{values}]");
    }
    for step in 0..6 {
        let _ = writeln!(source, "[[step]]\nid = \"s{step}\"\ntitle = \"T\"\nsay = \"Terima kasih {step} {{salam}}\"");
    }
    for (at, (cube, answer)) in cubes.iter().zip(answers).enumerate() {
        let conditions = cube.constraints().map(|(fact, values)| {
            let values: Vec<_> = values.iter().map(|v| format!("\"v{v}\"")).collect();
            format!("f{fact}=[{}]", values.join(","))
        });
        let conditions: Vec<_> = conditions.collect();
        let _ = writeln!(source, "[[rule]]\nid = \"r{at}\"\nwhen={{{}}}\nsteps=[\"s{answer}\"]", conditions.join(","));
    }
    check(source.as_bytes(), NaiveDate::MAX).rules.expect("a partition is a sound table")
}

/// A table, the same with one answer changed, and one that has nothing to do with it.
fn tables(facts: usize, values: usize, rules: usize) -> [RuleSet; 3] {
    let mut dice = Dice(3);
    let (_, cubes) = partition(facts, values, rules, 7);
    let (_, others) = partition(facts, values, rules, 8);
    let answers: Vec<usize> = cubes.iter().map(|_| dice.below(5)).collect();
    let mut edited = answers.clone();
    edited[rules / 2] = 5;
    let all = [(&cubes, &answers), (&cubes, &edited), (&others, &answers)];
    all.map(|(cubes, answers)| checked(facts, values, cubes, answers))
}

/// A hundred values of one fact by a hundred of another: 10,000 rules.
fn grids() -> [RuleSet; 2] {
    let cube =
        |at: usize| Cube::any().with(0, [at / 100].into_iter().collect()).with(1, [at % 100].into_iter().collect());
    let cubes: Vec<Cube> = (0..10_000).map(cube).collect();
    let answers: Vec<usize> = (0..10_000).map(|at| at % 5).collect();
    let mut edited = answers.clone();
    edited[1234] = 5;
    [checked(2, 100, &cubes, &answers), checked(2, 100, &cubes, &edited)]
}

fn growth(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("diff");
    group.sample_size(10);
    for (facts, values, rules) in [(6, 4, 400), (12, 4, 400), (24, 4, 100), (24, 4, 400), (24, 4, 1600)] {
        let [one, edited, other] = tables(facts, values, rules);
        let size = format!("{facts}x{values}x{rules}");
        group.bench_function(BenchmarkId::new("table", &size), |bench| bench.iter(|| table(black_box(&one))));
        group.bench_function(BenchmarkId::new("edited", &size), |bench| bench.iter(|| diff(black_box(&one), &edited)));
        group.bench_function(BenchmarkId::new("unrelated", &size), |bench| {
            bench.iter(|| diff(black_box(&one), &other));
        });
    }
    let [one, edited] = grids();
    group.bench_function("edited/2x100x10000", |bench| bench.iter(|| diff(black_box(&one), &edited)));
    group.finish();
}

criterion_group!(benches, growth);
criterion_main!(benches);
