//! Rules files that are almost valid: a sound one with parts emptied, dropped, doubled, swapped and rewritten along its
//! structure, so that what `check` has to judge is its content, not its TOML. Bytes decide everything, so that a
//! property test shrinks them and a fuzzer learns them; the same bytes make the same file.

use toml::value::{Date, Datetime};
use toml::{Table, Value};

use crate::random_rules;

/// Sound files that every form of the format appears in.
const BASES: [&str; 9] = [
    include_str!("../../../config/rules.toml"),
    include_str!("../../data/valid/accepted.toml"),
    include_str!("../../data/valid/braces.toml"),
    include_str!("../../data/valid/every-key.toml"),
    include_str!("../../data/valid/minimal.toml"),
    include_str!("../../data/valid/one-rule.toml"),
    include_str!("../../data/valid/warn-empty-field.toml"),
    include_str!("../../data/valid/warn-no-requirement.toml"),
    include_str!("../../data/valid/wide.toml"),
];

/// Texts that a rules file may or may not contain; many are valid, so that their effect on the screen is tested.
const TEXTS: [&str; 54] = [
    "",
    " ",
    "  ",
    "a  b",
    " a",
    "a ",
    "{salam}",
    "{nama}",
    "{sapaan}",
    "{tiket}",
    "{petugas}",
    "{salam} {nama}",
    "{nama} {sapaan}",
    "({nama})",
    "\"{nama}\"",
    "{nama},",
    "{nama} .",
    "{sapaan}{nama}{salam}",
    "{{",
    "}}",
    "{{nama}}",
    "{",
    "}",
    "{}",
    "{ }",
    "{tidak-ada}",
    "{title}",
    "a {nama} b",
    "a{nama}b",
    "({nama}) {salam}",
    "{nama} ({sapaan})",
    "李明",
    "👩\u{200d}👧",
    "❤\u{fe0f}",
    "e\u{301}",
    "\u{301}",
    "أمينة",
    "ｆｕｌｌ",
    "Z\u{334}\u{322}\u{300}",
    "\u{ad}",
    "a\u{a0}b",
    "a\u{200b}b",
    "\u{3164}",
    "\u{2800}",
    "\u{202e}x",
    "a\nb",
    "a\tb",
    "|",
    "`*_<b>#",
    "=1+1",
    "\"",
    "'",
    "\\",
    "…",
];
const IDS: [&str; 12] = ["klb", "ya", "tidak", "nama", "sapaan", "salam", "tiket", "f0", "v0", "s0", "A", "a b"];
const TIMES: [&str; 8] = ["00:00", "00:01", "11:00", "11:01", "12:34", "23:59", "24:00", "-1:00"];
const OFFSETS: [&str; 8] = ["+00:00", "-12:00", "+14:00", "+14:01", "+07:00", "+05:45", "-00:00", "+7:00"];
const DURATIONS: [&str; 7] = ["1m", "0m", "31d", "32d", "1h30m", "99999999999999999999d", ""];
const NUMBERS: [i64; 9] = [i64::MIN, -1, 0, 1, 2, 60, 500, 501, i64::MAX];
const CODES: [&str; 12] = [
    "unused-step",
    "unused-value",
    "irrelevant-fact",
    "score-missing",
    "long-sentence",
    "not-yet-effective",
    "expiring",
    "no-requirement",
    "empty-field",
    "same-label",
    "duty-count",
    "gap",
];

/// A text of this many bytes is not repeated any more, and a file of this many nodes is left as it is.
const LARGEST_TEXT: usize = 2048;
const MOST_NODES: usize = 4000;

/// Decisions taken from bytes; once these are used up, each decision is the first option.
struct Choices<'b> {
    bytes: &'b [u8],
}

impl Choices<'_> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.bytes.split_first().unwrap_or((&0, &[]));
        self.bytes = rest;
        *first
    }

    /// A number below `limit`.
    fn below(&mut self, limit: usize) -> usize {
        let high = if limit > 256 { usize::from(self.byte()) << 8 } else { 0 };
        (high | usize::from(self.byte())) % limit.max(1)
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

/// The file that these bytes make.
pub fn file(bytes: &[u8]) -> String {
    let mut choices = Choices { bytes };
    let base = choices.below(BASES.len() + 3);
    let source = match BASES.get(base) {
        Some(source) => (*source).to_owned(),
        None => random_rules::rules(u64::from(choices.byte()), 1 + choices.below(6)),
    };
    let mut root: Value = Value::Table(source.parse::<Table>().expect("a sound file is TOML"));
    for _ in 0..16 {
        if choices.bytes.is_empty() {
            break;
        }
        mutate(&mut root, &mut choices);
    }
    toml::to_string(&root).expect("a table of TOML values")
}

/// A step into a table or an array.
#[derive(Clone)]
enum Part {
    Key(String),
    At(usize),
}

/// Every node below `value`, parents first.
fn paths(value: &Value, here: &mut Vec<Part>, out: &mut Vec<Vec<Part>>) {
    let mut below = |part: Part, value: &Value| {
        here.push(part);
        out.push(here.clone());
        paths(value, here, out);
        here.pop();
    };
    match value {
        Value::Table(table) => table.iter().for_each(|(key, value)| below(Part::Key(key.clone()), value)),
        Value::Array(items) => items.iter().enumerate().for_each(|(at, value)| below(Part::At(at), value)),
        _ => {}
    }
}

fn node<'v>(root: &'v mut Value, path: &[Part]) -> Option<&'v mut Value> {
    path.iter().try_fold(root, |value, part| match part {
        Part::Key(key) => value.as_table_mut()?.get_mut(key),
        Part::At(at) => value.as_array_mut()?.get_mut(*at),
    })
}

fn remove(root: &mut Value, path: &[Part]) {
    let Some((last, parent)) = path.split_last() else { return };
    match (node(root, parent), last) {
        (Some(Value::Table(table)), Part::Key(key)) => drop(table.remove(key)),
        (Some(Value::Array(items)), Part::At(at)) if *at < items.len() => drop(items.remove(*at)),
        _ => {}
    }
}

fn mutate(root: &mut Value, choices: &mut Choices<'_>) {
    let mut all = Vec::new();
    paths(root, &mut Vec::new(), &mut all);
    // A part that is repeatedly inserted into itself would grow without bound.
    if all.is_empty() || all.len() > MOST_NODES {
        return;
    }
    let operation = choices.below(16);
    // A mutation of texts chooses among the text nodes, since most nodes are not texts.
    let texts: Vec<usize> =
        (0..all.len()).filter(|at| node(root, &all[*at]).is_some_and(|value| value.is_str())).collect();
    let at = if operation < 8 && !texts.is_empty() { choices.one_of(&texts) } else { choices.below(all.len()) };
    let path = all[at].clone();
    let key = path.iter().rev().find_map(|part| match part {
        Part::Key(key) => Some(key.clone()),
        Part::At(_) => None,
    });
    let key = key.unwrap_or_default();
    match operation {
        0..=3 => {
            if let Some(Value::String(text)) = node(root, &path) {
                splice(text, choices);
            }
        }
        4..=7 => {
            if let Some(value) = node(root, &path) {
                *value = of_key(&key, choices);
            }
        }
        8 => remove(root, &path),
        9 => {
            if let Some(value) = node(root, &path) {
                empty(value);
            }
        }
        10 => double(root, &path, choices),
        11 => {
            let other = all[choices.below(all.len())].clone();
            swap(root, &path, &other);
        }
        12 => {
            let other = all[choices.below(all.len())].clone();
            let copied = node(root, &other).map(|value| value.clone());
            if let (Some(value), Some(copied)) = (node(root, &path), copied) {
                *value = copied;
            }
        }
        13 => {
            if let Some(value) = node(root, &path) {
                *value = of_any_type(choices);
            }
        }
        _ => insert(root, &path, choices),
    }
}

/// A text with something odd inserted or a part removed.
fn splice(text: &mut String, choices: &mut Choices<'_>) {
    let bounds: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let from = choices.one_of(&bounds);
    match choices.below(5) {
        0 => {
            let to = choices.one_of(&bounds);
            text.replace_range(from.min(to)..from.max(to), "");
        }
        1 if text.len() < LARGEST_TEXT => *text = text.repeat(1 + choices.below(40)),
        2 => {
            let word = choices.one_of(&TEXTS);
            *text = if choices.below(2) == 0 { format!("{text} {word}") } else { format!("{word} {text}") };
        }
        _ => text.insert_str(from, choices.one_of(&TEXTS)),
    }
}

/// A value that could be under this key, valid or not.
fn of_key(key: &str, choices: &mut Choices<'_>) -> Value {
    let text = |text: &str| Value::String(text.into());
    match key {
        "offset" => text(choices.one_of(&OFFSETS)),
        "from" => text(choices.one_of(&TIMES)),
        "keep_for" => text(choices.one_of(&DURATIONS)),
        "id" => text(choices.one_of(&IDS)),
        "key" => text(choices.one_of(&["a", "b", "g", "n", "w", "x", "", "ab", "K", "é"])),
        "kind" => text(choices.one_of(&["name", "text", "number", "nama", ""])),
        "scope" => text(choices.one_of(&["call", "shift", ""])),
        "role" => text(choices.one_of(&["name", "honorific", "emergency", ""])),
        "max" | "schema" | "duties" => Value::Integer(choices.one_of(&NUMBERS)),
        "effective_from" | "effective_to" => Value::Datetime(day(choices)),
        "accept" => Value::Array(vec![text(choices.one_of(&CODES))]),
        "choices" | "aliases" | "drop" | "score" => {
            let count = choices.below(4);
            Value::Array((0..count).map(|_| text(choices.one_of(&TEXTS))).collect())
        }
        "lost_score" => {
            let parameter = choices.one_of(&["FCR", "Akurasi", "Salam", "fcr", ""]);
            Value::Table([(parameter.to_owned(), text(choices.one_of(&TEXTS)))].into_iter().collect())
        }
        "when" => {
            let (fact, value) = (choices.one_of(&IDS), choices.one_of(&IDS));
            Value::Table([(fact.to_owned(), text(value))].into_iter().collect())
        }
        _ if choices.below(8) == 0 => Value::String("Panjang ".repeat(1 + 8 * choices.below(65)).trim().into()),
        _ => text(choices.one_of(&TEXTS)),
    }
}

fn of_any_type(choices: &mut Choices<'_>) -> Value {
    match choices.below(7) {
        0 => Value::Integer(choices.one_of(&NUMBERS)),
        1 => Value::Float(choices.one_of(&[0.0, -0.0, f64::NAN, f64::INFINITY, 1e300])),
        2 => Value::Boolean(true),
        3 => Value::Datetime(day(choices)),
        4 => Value::Array(Vec::new()),
        5 => Value::Table(Table::new()),
        _ => Value::String(choices.one_of(&TEXTS).into()),
    }
}

fn day(choices: &mut Choices<'_>) -> Datetime {
    let (year, month, day) = choices.one_of(&[
        (0, 1, 1),
        (1, 1, 1),
        (2026, 3, 1),
        (2026, 3, 2),
        (2026, 3, 8),
        (2028, 2, 29),
        (9999, 12, 31),
    ]);
    Datetime { date: Some(Date { year, month, day }), time: None, offset: None }
}

fn empty(value: &mut Value) {
    match value {
        Value::String(text) => text.clear(),
        Value::Integer(number) => *number = 0,
        Value::Array(items) => items.clear(),
        Value::Table(table) => table.clear(),
        _ => *value = Value::String(String::new()),
    }
}

/// Doubles an entry of a list. A doubled table usually gets another id, so that it is not refused as a duplicate alone.
fn double(root: &mut Value, path: &[Part], choices: &mut Choices<'_>) {
    let Some(list) = (0..path.len()).rev().find(|end| matches!(path[*end], Part::At(_))) else { return };
    let Part::At(at) = path[list] else { return };
    let Some(Value::Array(items)) = node(root, &path[..list]) else { return };
    let mut twin = items[at].clone();
    if let Some(table) = twin.as_table_mut()
        && choices.below(4) > 0
    {
        for key in ["id", "label", "text", "title"] {
            if let Some(Value::String(text)) = table.get_mut(key) {
                text.push_str("-2");
            }
        }
        table.remove("key");
    }
    items.insert(at + 1, twin);
}

fn swap(root: &mut Value, one: &[Part], other: &[Part]) {
    let (a, b) = (node(root, one).map(|v| v.clone()), node(root, other).map(|v| v.clone()));
    let (Some(a), Some(b)) = (a, b) else { return };
    if let Some(value) = node(root, one) {
        *value = b;
    }
    // One node may contain the other, which then no longer exists.
    if let Some(value) = node(root, other) {
        *value = a;
    }
}

/// Puts a key, valid there or not, into the nearest table.
fn insert(root: &mut Value, path: &[Part], choices: &mut Choices<'_>) {
    const KEYS: [&str; 27] = [
        "accept",
        "because",
        "empty",
        "kind",
        "scope",
        "role",
        "short",
        "aliases",
        "drop",
        "banner",
        "caution",
        "keep_for",
        "max",
        "effective_from",
        "effective_to",
        "help",
        "key",
        "basis",
        "note",
        "score",
        "supersedes",
        "issuer",
        "remind",
        "when",
        "unknown",
        "duties",
        "lost_score",
    ];
    let key = choices.one_of(&KEYS);
    let value = of_key(key, choices);
    for end in (0..=path.len()).rev() {
        if let Some(Value::Table(table)) = node(root, &path[..end]) {
            table.insert(key.into(), value);
            if key == "accept" {
                table.insert("because".into(), Value::String("sudah disetujui".into()));
            }
            return;
        }
    }
}
