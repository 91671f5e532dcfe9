//! The tables and keys of a rules file, schema 1, with their types and spans. Ids are not resolved yet.

use chrono::NaiveDate;

use super::problem::{Kind, Span};
use super::shape::{At, Condition, Problems, Table, read_document};

pub type Text = At<String>;
/// Conditions: fact id → value ids.
pub type When = Vec<Condition>;

/// Warnings that a table accepts, with the reason.
#[derive(Debug, Default)]
pub struct Accept {
    pub codes: Vec<Text>,
    pub because: Option<Text>,
}

#[derive(Debug, Default)]
pub struct File {
    pub accept: Accept,
    pub sop: Option<Sop>,
    pub facts: Vec<Fact>,
    pub fields: Vec<Field>,
    pub zones: Vec<Zone>,
    pub greetings: Vec<Greeting>,
    pub steps: Vec<Step>,
    pub rules: Vec<Rule>,
    /// Set if there are no rules: the span of the empty list, or `0..0` if the key is missing.
    pub no_rules: Option<Span>,
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
    pub effective_to: Option<At<NaiveDate>>,
    pub duties: Option<At<i64>>,
    /// Scoring parameter → what a call that lost it is called.
    pub lost_score: Vec<(Text, Text)>,
    pub accept: Accept,
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
    pub role: Option<Text>,
    pub accept: Accept,
}

#[derive(Debug)]
pub struct Value {
    pub id: Option<Text>,
    pub label: Option<Text>,
    pub short: Option<Text>,
    pub banner: Option<Text>,
}

/// `[[field]]`
#[derive(Debug)]
pub struct Field {
    pub span: Span,
    pub id: Option<Text>,
    pub label: Option<Text>,
    pub key: Option<Text>,
    pub choices: Option<At<Vec<Choice>>>,
    pub drop: Option<At<Vec<Text>>>,
    pub max: Option<At<i64>>,
    pub kind: Option<Text>,
    pub empty: Option<Text>,
    pub scope: Option<Text>,
    pub role: Option<Text>,
    pub accept: Accept,
}

/// In the file, a text or a table with one.
#[derive(Debug)]
pub struct Choice {
    pub text: Text,
    pub short: Option<Text>,
    pub aliases: Vec<Text>,
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
    /// Whether `say` and `remind` are present, of whatever type.
    pub has: (bool, bool),
    pub basis: Option<Text>,
    pub note: Option<Text>,
    pub score: Vec<Text>,
    pub accept: Accept,
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
    pub accept: Accept,
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
    pub accept: Accept,
}

/// Parses the tables and records problems.
pub fn read(bytes: &[u8], problems: &Problems) -> Option<File> {
    read_document(bytes, problems, |root| {
        match root.required_integer("schema") {
            Some(schema) if schema.value != 1 => {
                root.note(schema.span, Kind::OtherSchema { found: schema.value });
                // Another schema may have other keys: further problems would be noise.
                return None;
            }
            _ => {}
        }
        let (rules, no_rules) = root.tables_or_empty("rule", |t| Some(rule(t)));
        let file = File {
            accept: accept(root),
            sop: root.required_table("sop", sop),
            facts: root.tables("fact", |t| Some(fact(t))),
            fields: root.tables("field", |t| Some(field(t))),
            zones: root
                .required_tables("zone", |t| Zone { id: t.required_text("id"), offset: t.required_text("offset") }),
            greetings: root.required_tables("greeting", |t| Greeting {
                from: t.required_text("from"),
                word: t.required_text("word"),
            }),
            steps: root.required_tables("step", step),
            rules,
            no_rules,
            requirements: root.tables("require", |t| Some(require(t))),
        };
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
        effective_to: t.day("effective_to"),
        duties: t.integer("duties"),
        lost_score: t.named_texts("lost_score"),
        accept: accept(t),
    }
}

fn accept(t: &Table<'_>) -> Accept {
    let codes = t.texts("accept");
    let because = t.text("because");
    match (&codes, &because) {
        (Some(codes), _) if codes.value.is_empty() => {
            t.note(codes.span.clone(), Kind::TooFew { key: "accept", at_least: 1 });
        }
        (Some(codes), None) if !t.has("because") => t.note(codes.span.clone(), Kind::AcceptedWithoutReason),
        (None, Some(because)) if !t.has("accept") => t.note(because.span.clone(), Kind::ReasonWithoutAccept),
        _ => {}
    }
    Accept { codes: codes.map(|c| c.value).unwrap_or_default(), because }
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
            Some(Value {
                id: v.required_text("id"),
                label: v.required_text("label"),
                short: v.text("short"),
                banner: v.text("banner"),
            })
        }),
        has_values,
        role: t.text("role"),
        accept: accept(t),
    }
}

fn field(t: &Table<'_>) -> Field {
    Field {
        span: t.span.clone(),
        id: t.required_text("id"),
        label: t.required_text("label"),
        key: t.text("key"),
        choices: t.texts_or_tables(
            "choices",
            |text| Choice { text, short: None, aliases: Vec::new() },
            |t| {
                let text = t.required_text("text");
                let (short, aliases) = (t.text("short"), t.texts("aliases").map(|a| a.value).unwrap_or_default());
                Some(Choice { text: text?, short, aliases })
            },
        ),
        drop: t.texts("drop"),
        max: t.integer("max"),
        kind: t.text("kind"),
        empty: t.text("empty"),
        scope: t.text("scope"),
        role: t.text("role"),
        accept: accept(t),
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
        accept: accept(t),
    }
}

fn rule(t: &Table<'_>) -> Rule {
    Rule {
        span: t.span.clone(),
        id: t.required_text("id"),
        when: t.conditions("when"),
        steps: t.required_texts("steps"),
        basis: t.text("basis"),
        caution: t.text("caution"),
        accept: accept(t),
    }
}

fn require(t: &Table<'_>) -> Require {
    Require {
        span: t.span.clone(),
        id: t.required_text("id"),
        when: t.conditions("when"),
        always: t.texts("always"),
        never: t.texts("never"),
        exactly_one: t.texts("exactly_one"),
        order: t.texts("order"),
        last: t.text("last"),
        has_duty: ["always", "never", "exactly_one", "order", "last"].into_iter().any(|key| t.has(key)),
        basis: t.text("basis"),
        accept: accept(t),
    }
}
