//! How the engine's time grows with facts, values and rules.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use penutup::rules::space::{Cube, Space, Values, distinguished, gaps, overlaps};
use std::hint::black_box;

/// A small deterministic generator (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        usize::try_from((mixed ^ (mixed >> 27)) >> 33).unwrap_or(0) % limit
    }
}

/// A partition of the space into `rules` cubes, as a random decision tree makes it: some leaf's values of some fact
/// fall into two, over and over.
fn partition(facts: usize, values: usize, rules: usize) -> (Space, Vec<Cube>) {
    let mut dice = Dice(7);
    let mut leaves = vec![Cube::any()];
    while leaves.len() < rules {
        let (leaf, fact) = (dice.below(leaves.len()), dice.below(facts));
        let here = leaves[leaf].values(fact).cloned().unwrap_or_else(|| Values::all(values));
        let left: Values = here.iter().filter(|_| dice.below(2) == 0).collect();
        let right = here.subtract(&left);
        if !left.is_empty() && !right.is_empty() {
            leaves.push(leaves[leaf].clone().with(fact, left));
            leaves[leaf] = std::mem::take(&mut leaves[leaf]).with(fact, right);
        }
    }
    (Space::new(vec![values; facts]), leaves)
}

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
        let (space, whole) = partition(facts, values, rules);
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
