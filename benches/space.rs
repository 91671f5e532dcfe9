//! How the engine's time grows with facts, values and rules.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use penutup::rules::space::{Cube, Space, distinguished, gaps, overlaps};
use std::hint::black_box;

#[path = "support/partition.rs"]
mod partition;

use partition::partition;

/// Takes the last situation out of the last cube: the hardest gap to find.
fn pierced(space: &Space, mut cubes: Vec<Cube>) -> Vec<Cube> {
    if let Some(last) = cubes.pop() {
        let point = last.example(space).into_iter().enumerate();
        let point =
            point.fold(Cube::any(), |cube, (fact, value)| cube.with(fact, [usize::from(value)].into_iter().collect()));
        cubes.extend(last.subtract(&point, space));
    }
    cubes
}

fn growth(criterion: &mut Criterion, name: &str, cases: &[(usize, usize, usize)]) {
    let mut group = criterion.benchmark_group(format!("space/{name}"));
    group.sample_size(20);
    for &(facts, values, rules) in cases {
        let (space, whole) = partition(facts, values, rules, 7);
        let holed = pierced(&space, whole.clone());
        let size = format!("{facts}x{values}x{rules}");
        group.bench_function(BenchmarkId::new("overlaps", &size), |bench| {
            bench.iter(|| overlaps(black_box(&whole), 10));
        });
        group.bench_function(BenchmarkId::new("proof", &size), |bench| {
            bench.iter(|| gaps(black_box(&space), black_box(&whole), 10));
        });
        group.bench_function(BenchmarkId::new("gap", &size), |bench| {
            bench.iter(|| gaps(black_box(&space), black_box(&holed), 10));
        });
        group.bench_function(BenchmarkId::new("distinguished", &size), |bench| {
            bench.iter(|| distinguished(black_box(&whole), &space, |one, other| one % 5 != other % 5));
        });
    }
    group.finish();
}

fn by_facts(criterion: &mut Criterion) {
    growth(criterion, "facts", &[6, 12, 24, 48].map(|facts| (facts, 4, 400)));
}

fn by_values(criterion: &mut Criterion) {
    growth(criterion, "values", &[2, 4, 8].map(|values| (24, values, 400)));
}

fn by_rules(criterion: &mut Criterion) {
    growth(criterion, "rules", &[100, 400, 1600].map(|rules| (24, 4, rules)));
}

criterion_group!(benches, by_facts, by_values, by_rules);
criterion_main!(benches);
