//! The shape of a rules file, schema 1: which tables and keys there are and of what type. Everything keeps its place;
//! nothing is resolved yet.

use chrono::NaiveDate;

use super::problem::Kind;
use super::shape::{At, Choice, Problems, Span, Table, read_document};

/// A text with its place.
pub type Text = At<String>;
/// Conditions: fact id → value ids.
pub type When = Vec<Choice>;

/// The whole file.
#[derive(Debug, Default)]
pub struct File {
    pub sop: Option<Sop>,
    pub facts: Vec<Fact>,
    pub fields: Vec<Field>,
    pub zones: Vec<Zone>,
    pub greetings: Vec<Greeting>,
    pub steps: Vec<Step>,
    pub rules: Vec<Rule>,
    pub requirements: Vec<Require>,
}

/// `[sop]`
#[derive(Debug)]
pub struct Sop {
    pub title: Option<Text>,
    pub revision: Option<Text>,
    pub supersedes: Option<Text>,
    pub issuer: Option<Text>,
    pub effective_from: Option<At<NaiveDate>>,
}

/// `[[fact]]`
#[derive(Debug)]
pub struct Fact {
    pub span: Span,
    pub id: Option<Text>,
    pub label: Option<Text>,
    pub help: Option<Text>,
    pub key: Option<Text>,
    pub scope: Option<Text>,
    pub keep_for: Option<Text>,
    pub values: Vec<Value>,
    pub has_values: bool,
}

/// One of a fact's `values`.
#[derive(Debug)]
pub struct Value {
    pub id: Option<Text>,
    pub label: Option<Text>,
    pub banner: Option<Text>,
}

/// `[[field]]`
#[derive(Debug)]
pub struct Field {
    pub id: Option<Text>,
    pub label: Option<Text>,
    pub key: Option<Text>,
    pub choices: Option<At<Vec<Text>>>,
    pub max: Option<At<i64>>,
}

/// `[[zone]]`
#[derive(Debug)]
pub struct Zone {
    pub id: Option<Text>,
    pub offset: Option<Text>,
}

/// `[[greeting]]`
#[derive(Debug)]
pub struct Greeting {
    pub from: Option<Text>,
    pub word: Option<Text>,
}

/// `[[step]]`
#[derive(Debug)]
pub struct Step {
    pub span: Span,
    pub id: Option<Text>,
    pub title: Option<Text>,
    pub say: Option<Text>,
    pub remind: Option<Text>,
    /// Whether `say` or `remind` stands there at all, whatever its type.
    pub has: (bool, bool),
    pub basis: Option<Text>,
    pub note: Option<Text>,
    pub score: Vec<Text>,
}

/// `[[rule]]`
#[derive(Debug)]
pub struct Rule {
    pub span: Span,
    pub id: Option<Text>,
    pub when: When,
    pub steps: Option<At<Vec<Text>>>,
    pub basis: Option<Text>,
    pub caution: Option<Text>,
}

/// `[[require]]`
#[derive(Debug)]
pub struct Require {
    pub span: Span,
    pub id: Option<Text>,
    pub when: When,
    pub always: Option<At<Vec<Text>>>,
    pub never: Option<At<Vec<Text>>>,
    pub exactly_one: Option<At<Vec<Text>>>,
    pub order: Option<At<Vec<Text>>>,
    pub last: Option<Text>,
    pub has_duty: bool,
    pub basis: Option<Text>,
}

/// Reads the shape; what is wrong with it is noted.
pub fn read(bytes: &[u8], problems: &Problems) -> Option<File> {
    read_document(bytes, problems, |root| {
        match root.required_integer("schema") {
            Some(schema) if schema.value != 1 => {
                root.note(schema.span, Kind::OtherSchema { found: schema.value });
                // A newer schema may have keys that this program can't judge: its other words would be noise.
                return None;
            }
            _ => {}
        }
        let file = File {
            sop: root.required_table("sop", sop),
            facts: root.tables("fact", |t| Some(fact(t))),
            fields: root.tables("field", |t| Some(field(t))),
            zones: root.tables("zone", |t| Some(Zone { id: t.required_text("id"), offset: t.required_text("offset") })),
            greetings: root.tables("greeting", |t| {
                Some(Greeting { from: t.required_text("from"), word: t.required_text("word") })
            }),
            steps: root.tables("step", |t| Some(step(t))),
            rules: root.tables("rule", |t| Some(rule(t))),
            requirements: root.tables("require", |t| Some(require(t))),
        };
        for key in ["zone", "greeting", "step", "rule"] {
            if !root.has(key) {
                root.note(0..0, Kind::TooFew { key, at_least: 1 });
            }
        }
        root.close();
        Some(file)
    })
    .flatten()
}

fn sop(t: &Table<'_>) -> Sop {
    Sop {
        title: t.required_text("title"),
        revision: t.required_text("revision"),
        supersedes: t.text("supersedes"),
        issuer: t.text("issuer"),
        effective_from: t.day("effective_from"),
    }
}

fn fact(t: &Table<'_>) -> Fact {
    let has_values = t.has("values");
    if !has_values {
        t.note(t.span.clone(), Kind::MissingKey { key: "values", table: t.name.clone().into() });
    }
    Fact {
        span: t.span.clone(),
        id: t.required_text("id"),
        label: t.required_text("label"),
        help: t.text("help"),
        key: t.text("key"),
        scope: t.text("scope"),
        keep_for: t.text("keep_for"),
        values: t.tables("values", |v| {
            Some(Value { id: v.required_text("id"), label: v.required_text("label"), banner: v.text("banner") })
        }),
        has_values,
    }
}

fn field(t: &Table<'_>) -> Field {
    Field {
        id: t.required_text("id"),
        label: t.required_text("label"),
        key: t.text("key"),
        choices: t.texts("choices"),
        max: t.integer("max"),
    }
}

fn step(t: &Table<'_>) -> Step {
    Step {
        span: t.span.clone(),
        id: t.required_text("id"),
        title: t.required_text("title"),
        say: t.text("say"),
        remind: t.text("remind"),
        has: (t.has("say"), t.has("remind")),
        basis: t.text("basis"),
        note: t.text("note"),
        score: t.texts("score").map(|s| s.value).unwrap_or_default(),
    }
}

fn rule(t: &Table<'_>) -> Rule {
    Rule {
        span: t.span.clone(),
        id: t.required_text("id"),
        when: t.choices("when"),
        steps: t.required_texts("steps"),
        basis: t.text("basis"),
        caution: t.text("caution"),
    }
}

fn require(t: &Table<'_>) -> Require {
    Require {
        span: t.span.clone(),
        id: t.required_text("id"),
        when: t.choices("when"),
        always: t.texts("always"),
        never: t.texts("never"),
        exactly_one: t.texts("exactly_one"),
        order: t.texts("order"),
        last: t.text("last"),
        has_duty: ["always", "never", "exactly_one", "order", "last"].into_iter().any(|key| t.has(key)),
        basis: t.text("basis"),
    }
}
