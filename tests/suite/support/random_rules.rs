//! Rules files at random, sound by construction: a decision tree over a few facts, a plan at each leaf. Text of TOML,
//! so that it is read like any other file. The same seed makes the same file.

use std::fmt::Write as _;

/// A small deterministic generator (`SplitMix64`).
pub struct Dice(u64);

impl Dice {
    /// Starts with a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        usize::try_from((mixed ^ (mixed >> 27)) >> 33).unwrap_or(0) % limit.max(1)
    }

    /// A number from `least` to `most`.
    pub fn between(&mut self, least: usize, most: usize) -> usize {
        least + self.below(most - least + 1)
    }

    /// `true` once in `times`.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of these.
    pub fn one_of<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len())]
    }

    fn shuffle<T>(&mut self, all: &mut [T]) {
        for at in (1..all.len()).rev() {
            all.swap(at, self.below(at + 1));
        }
    }
}

/// Letters that a rules file may give to a fact.
const KEYS: [char; 12] = ['a', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'm', 'o', 'p', 't'];
const WORDS: [&str; 10] = [
    "Terima kasih",
    "mohon",
    "petugas kami,",
    "aplikasi",
    "李明",
    "{{sic}}",
    "selamat",
    "(jika ada)",
    "e\u{301}tat",
    "listrik",
];

/// What the tree decides over: for each fact, how many values it has.
struct Shape {
    facts: Vec<usize>,
    spoken: usize,
    reminders: usize,
    /// The spoken steps of which every plan has exactly one; none, or two and more.
    alternatives: Vec<usize>,
    /// Whether the spoken steps are ordered by their numbers, which every plan preserves.
    ordered: bool,
    /// Whether the highest of them is in every plan and must be the last.
    last: bool,
}

/// A sound rules file over 1 to `most_facts` facts, as TOML.
pub fn rules(seed: u64, most_facts: usize) -> String {
    let mut dice = Dice::new(seed);
    let ordered = !seed.is_multiple_of(3);
    let shape = Shape {
        ordered,
        last: ordered && seed.is_multiple_of(2),
        facts: (0..dice.between(1, most_facts.max(1))).map(|_| dice.between(2, 4)).collect(),
        spoken: dice.between(3, 6),
        reminders: dice.below(3),
        alternatives: (0..[0, 2, 3][dice.below(3)]).collect(),
    };
    let mut out = String::from("schema = 1\n[sop]\ntitle = \"Acak\"\n");
    writeln!(out, "revision = \"R{}\"", dice.below(100)).unwrap();
    facts(&mut out, &mut dice, &shape);
    let fields = fields(&mut out, &mut dice);
    clock(&mut out, &mut dice);
    steps(&mut out, &mut dice, &shape, &fields);
    table(&mut out, &mut dice, &shape);
    out
}

fn facts(out: &mut String, dice: &mut Dice, shape: &Shape) {
    for (fact, values) in shape.facts.iter().enumerate() {
        write!(out, "[[fact]]\nid = \"f{fact}\"\nlabel = \"Fakta {fact}\"\n").unwrap();
        if !dice.once_in(6) {
            writeln!(out, "key = \"{}\"", KEYS[fact]).unwrap();
        }
        if dice.once_in(3) {
            out.push_str("scope = \"shift\"\nkeep_for = \"1h\"\n");
        }
        out.push_str("values = [\n");
        for value in 0..*values {
            let banner = if dice.once_in(5) { ", banner = \"Awas\"" } else { "" };
            writeln!(out, "  {{ id = \"v{value}\", label = \"nilai {value}\"{banner} }},").unwrap();
        }
        out.push_str("]\n");
    }
}

fn fields(out: &mut String, dice: &mut Dice) -> Vec<&'static str> {
    let mut fields = Vec::new();
    if !dice.once_in(4) {
        out.push_str("[[field]]\nid = \"sapaan\"\nlabel = \"Sapaan\"\nkey = \"b\"\n");
        out.push_str("choices = [\"Bapak/Ibu\", \"Bapak\", \"Ibu\"]\n");
        fields.push("sapaan");
    }
    if !dice.once_in(4) {
        let max = dice.between(1, 60);
        write!(out, "[[field]]\nid = \"nama\"\nlabel = \"Nama\"\nkey = \"n\"\nmax = {max}\n").unwrap();
        fields.push("nama");
    }
    if dice.once_in(3) {
        out.push_str("[[field]]\nid = \"tiket\"\nlabel = \"Tiket\"\nkey = \"w\"\n");
        fields.push("tiket");
    }
    fields
}

fn clock(out: &mut String, dice: &mut Dice) {
    for (zone, offset) in ["+07:00", "+08:00", "-03:30"].iter().enumerate().take(dice.between(1, 3)) {
        write!(out, "[[zone]]\nid = \"Z{zone}\"\noffset = \"{offset}\"\n").unwrap();
    }
    let mut edges: Vec<usize> = (0..dice.between(1, 5)).map(|_| dice.below(1440)).collect();
    edges.sort_unstable();
    edges.dedup();
    for (at, minute) in edges.iter().enumerate() {
        write!(out, "[[greeting]]\nfrom = \"{:02}:{:02}\"\nword = \"salam{at}\"\n", minute / 60, minute % 60).unwrap();
    }
}

fn steps(out: &mut String, dice: &mut Dice, shape: &Shape, fields: &[&str]) {
    for step in 0..shape.spoken {
        write!(out, "[[step]]\nid = \"s{step}\"\ntitle = \"Langkah {step}\"\nsay = \"Kata {step}").unwrap();
        for _ in 0..dice.below(12) {
            out.push(' ');
            match dice.below(6) {
                0 => out.push_str("{salam}"),
                1 if !fields.is_empty() => write!(out, "{{{}}}", dice.one_of(fields)).unwrap(),
                _ => out.push_str(dice.one_of(&WORDS)),
            }
        }
        out.push_str("\"\n");
        if dice.once_in(2) {
            writeln!(out, "basis = \"No. {step}\"").unwrap();
        }
        if dice.once_in(3) {
            out.push_str("score = [\"FCR\"]\n");
        }
    }
    for step in 0..shape.reminders {
        write!(out, "[[step]]\nid = \"r{step}\"\ntitle = \"Pengingat {step}\"\nremind = \"Ingat {step}.\"\n").unwrap();
    }
}

fn table(out: &mut String, dice: &mut Dice, shape: &Shape) {
    let everything: Vec<Vec<usize>> = shape.facts.iter().map(|values| (0..*values).collect()).collect();
    let mut leaves = vec![everything];
    for _ in 0..dice.below(12) {
        let (leaf, fact) = (dice.below(leaves.len()), dice.below(shape.facts.len()));
        let (left, right): (Vec<usize>, Vec<usize>) = leaves[leaf][fact].iter().partition(|_| dice.once_in(2));
        if !left.is_empty() && !right.is_empty() {
            let mut other = leaves[leaf].clone();
            other[fact] = left;
            leaves[leaf][fact] = right;
            leaves.push(other);
        }
    }
    for (at, leaf) in leaves.iter().enumerate() {
        let when: Vec<String> = leaf
            .iter()
            .enumerate()
            .filter(|(fact, values)| values.len() < shape.facts[*fact])
            .map(|(fact, values)| {
                let values: Vec<String> = values.iter().map(|v| format!("\"v{v}\"")).collect();
                format!("f{fact} = [{}]", values.join(", "))
            })
            .collect();
        write!(out, "[[rule]]\nid = \"aturan-{at}\"\nwhen = {{ {} }}\n", when.join(", ")).unwrap();
        writeln!(out, "steps = [{}]", plan(dice, shape).join(", ")).unwrap();
        if dice.once_in(3) {
            out.push_str("caution = \"SOP: 1 ↔ 2. Selebihnya di panel.\"\n");
        }
    }
    if shape.ordered {
        let all: Vec<String> = (0..shape.spoken).map(|s| format!("\"s{s}\"")).collect();
        write!(out, "[[require]]\nid = \"urutan\"\norder = [{}]\n", all.join(", ")).unwrap();
        if shape.last && !shape.alternatives.contains(&(shape.spoken - 1)) {
            writeln!(out, "last = \"s{}\"", shape.spoken - 1).unwrap();
        }
    }
    if shape.alternatives.len() > 1 {
        let all: Vec<String> = shape.alternatives.iter().map(|s| format!("\"s{s}\"")).collect();
        write!(out, "[[require]]\nid = \"tepat-satu\"\nexactly_one = [{}]\n", all.join(", ")).unwrap();
        if dice.once_in(3) {
            out.push_str("when = { f0 = \"v0\" }\n");
        }
    }
}

/// The steps of one leaf: some of all, one of the alternatives, at least one, in any order that the requirements allow.
fn plan(dice: &mut Dice, shape: &Shape) -> Vec<String> {
    let mut steps: Vec<String> = Vec::new();
    for step in 0..shape.spoken {
        if !shape.alternatives.contains(&step) && dice.once_in(2) {
            steps.push(format!("\"s{step}\""));
        }
    }
    for step in 0..shape.reminders {
        if dice.once_in(2) {
            steps.push(format!("\"r{step}\""));
        }
    }
    if !shape.alternatives.is_empty() {
        steps.push(format!("\"s{}\"", shape.alternatives[dice.below(shape.alternatives.len())]));
    }
    if steps.is_empty() {
        steps.push(format!("\"s{}\"", shape.spoken - 1));
    }
    let last = format!("\"s{}\"", shape.spoken - 1);
    if shape.last && !shape.alternatives.contains(&(shape.spoken - 1)) && !steps.contains(&last) {
        steps.push(last);
    }
    dice.shuffle(&mut steps);
    if shape.ordered {
        steps.sort();
    }
    steps
}
