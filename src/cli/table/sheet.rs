//! The rest of the sheet that is signed with the table of situations: everything in the file that a CSO, a supervisor
//! or QA sees or is scored by, as sections of rows, the same for every format.

use std::fmt::Write as _;

use crate::rules::conditions;
use crate::rules::diff::Demand;
use crate::rules::greeting::DAY;
use crate::rules::problem::Conditions;
use crate::rules::ruleset::{Choice, Duty, Field, FieldIx, FieldKind, Requirement, RuleSet, Step, StepIx, StepWords};
use crate::times::{date, minute};
use crate::words::Words;

use penutup_cli_kit::diff::duties::demand;

/// A section of the sheet.
pub struct Section {
    pub title: &'static str,
    /// The column names.
    pub head: Vec<&'static str>,
    /// The rows, each with a cell for every column.
    pub rows: Vec<Vec<String>>,
}

/// The sections with rows, and the requirements in any case: it must be visible that there are none.
pub fn sections(rules: &RuleSet, words: &'static Words) -> Vec<Section> {
    let w = &words.table;
    let all = [
        document(rules, words),
        Section {
            title: w.part_steps,
            head: vec![w.id, w.title, w.kind, w.sentence, w.score, w.basis, w.note],
            rows: rules.steps.iter().map(|one| step(rules, one, words)).collect(),
        },
        requirements(rules, words),
        greetings(rules, words),
        Section {
            title: w.part_zones,
            head: vec![w.id, w.offset],
            rows: rules.zones.iter().map(|zone| vec![zone.id.clone(), zone.offset.to_string()]).collect(),
        },
        facts(rules, words),
        values(rules, words),
        Section {
            title: w.part_fields,
            head: vec![w.id, w.label, w.key, w.role, w.choices, w.drop, w.kind, w.max, w.empty, w.scope],
            rows: rules.fields_ix().map(|(ix, one)| field(rules, ix, one)).collect(),
        },
        acceptances(rules, words),
    ];
    all.into_iter().filter(|section| !section.rows.is_empty() || section.title == w.part_requirements).collect()
}

fn document(rules: &RuleSet, words: &'static Words) -> Section {
    let (w, sop) = (&words.table, &rules.sop);
    let day = |day: Option<chrono::NaiveDate>| day.map(date);
    let rows = [
        (w.title, Some(sop.title.clone())),
        (w.revision, Some(sop.revision.clone())),
        (w.supersedes, sop.supersedes.clone()),
        (w.issuer, sop.issuer.clone()),
        (w.lost_score, sop.lost_score_text()),
        (w.effective_from, day(sop.effective_from)),
        (w.effective_to, day(sop.effective_to)),
    ];
    let rows = rows.into_iter().filter_map(|(name, text)| Some(vec![name.to_owned(), text?]));
    Section { title: w.part_document, head: vec![w.what, w.content], rows: rows.collect() }
}

fn step(rules: &RuleSet, step: &Step, words: &Words) -> Vec<String> {
    let w = &words.table;
    let (kind, text) = match &step.words {
        StepWords::Say(template) => (w.said, template.with_placeholders(rules).to_string()),
        StepWords::Remind(text) => (w.reminded, text.clone()),
    };
    let of = |text: &Option<String>| text.clone().unwrap_or_default();
    let score = step.score.join(" · ");
    vec![step.id.clone(), step.title.clone(), kind.to_owned(), text, score, of(&step.basis), of(&step.note)]
}

fn requirements(rules: &RuleSet, words: &'static Words) -> Section {
    let w = &words.table;
    let row = |requirement: &Requirement| {
        let duties = requirement.duties.iter().map(|duty| demand(&demanded(rules, duty), words));
        vec![
            requirement.id.clone(),
            when(conditions(rules, &requirement.when), w.everywhere),
            duties.collect::<Vec<_>>().join("; "),
            requirement.basis.clone().unwrap_or_default(),
        ]
    };
    Section {
        title: w.part_requirements,
        head: vec![w.id, w.when, w.demand, w.basis],
        rows: rules.requirements.iter().map(row).collect(),
    }
}

/// A duty with the ids of its steps.
pub(in crate::cli) fn demanded<'r>(rules: &'r RuleSet, duty: &Duty) -> Demand<'r> {
    let ids = |steps: &[StepIx]| steps.iter().map(|ix| rules.step(*ix).id.as_str()).collect();
    match duty {
        Duty::Always(steps) => Demand::Always(ids(steps)),
        Duty::Never(steps) => Demand::Never(ids(steps)),
        Duty::ExactlyOne(steps) => Demand::ExactlyOne(ids(steps)),
        Duty::Order(steps) => Demand::Order(ids(steps)),
        Duty::Last(step) => Demand::Last(&rules.step(*step).id),
    }
}

/// "klb = ya; aplikasi = belum, telah".
fn when(conditions: Conditions, everywhere: &str) -> String {
    let all: Vec<String> = conditions.into_iter().map(|(id, values)| format!("{id} = {}", values.join(", "))).collect();
    if all.is_empty() { everywhere.to_owned() } else { all.join("; ") }
}

/// Each greeting with its hours.
fn greetings(rules: &RuleSet, words: &'static Words) -> Section {
    let w = &words.table;
    let rows = rules.greetings.rows();
    let row = |at: usize| {
        let to = rows[(at + 1) % rows.len()].from;
        let hours = format!("{}–{}", minute(rows[at].from, words), minute(if to == 0 { DAY } else { to }, words));
        vec![hours, rows[at].word.clone()]
    };
    Section { title: w.part_greetings, head: vec![w.hours, w.word], rows: (0..rows.len()).map(row).collect() }
}

fn facts(rules: &RuleSet, words: &'static Words) -> Section {
    let w = &words.table;
    let rows = rules.facts.iter().enumerate().map(|(at, fact)| {
        vec![
            fact.id.clone(),
            fact.label.clone(),
            fact.help.clone().unwrap_or_default(),
            fact.key.map(String::from).unwrap_or_default(),
            rules.role_of_fact(at).unwrap_or_default().to_owned(),
            fact.scope.as_str().to_owned(),
            fact.scope.keep_for().unwrap_or_default(),
        ]
    });
    let head = vec![w.id, w.label, w.help, w.key, w.role, w.scope, w.keep_for];
    Section { title: w.part_facts, head, rows: rows.collect() }
}

fn values(rules: &RuleSet, words: &'static Words) -> Section {
    let w = &words.table;
    let mut rows = Vec::new();
    for fact in &rules.facts {
        rows.extend(fact.values.iter().map(|value| {
            let of = |text: &Option<String>| text.clone().unwrap_or_default();
            vec![fact.id.clone(), value.id.clone(), value.label.clone(), of(&value.short), of(&value.banner)]
        }));
    }
    Section { title: w.part_values, head: vec![w.fact, w.id, w.label, w.short, w.banner], rows }
}

fn field(rules: &RuleSet, ix: FieldIx, field: &Field) -> Vec<String> {
    let mut cells = vec![
        field.id.clone(),
        field.label.clone(),
        field.key.map(String::from).unwrap_or_default(),
        rules.role_of_field(ix).unwrap_or_default().to_owned(),
    ];
    match &field.kind {
        FieldKind::Choice(choices) => {
            let choices_told = choices.iter().map(choice).collect::<Vec<_>>().join("; ");
            cells.extend([choices_told, choices.drop.join(", ")]);
            cells.extend([""; 4].map(String::from));
        }
        FieldKind::Typed(typed) => cells.extend([
            String::new(),
            String::new(),
            typed.text.as_str().to_owned(),
            typed.max.to_string(),
            // An empty text is spoken as nothing, which differs from a missing text.
            typed.empty.as_ref().map(|text| format!("“{text}”")).unwrap_or_default(),
            typed.scope.as_str().to_owned(),
        ]),
    }
    cells
}

/// `Bapak [Bp] (pak, bpk)`.
fn choice(choice: &Choice) -> String {
    let mut out = choice.text.clone();
    if let Some(short) = &choice.short {
        let _ = write!(out, " [{short}]");
    }
    let words: Vec<&str> = choice.other_words().collect();
    if !words.is_empty() {
        let _ = write!(out, " ({})", words.join(", "));
    }
    out
}

fn acceptances(rules: &RuleSet, words: &'static Words) -> Section {
    let w = &words.table;
    let rows = rules.acceptances.iter().map(|one| {
        let place = [one.table, &one.id].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
        vec![
            one.code.as_str().to_owned(),
            if place.is_empty() { w.file_whole.to_owned() } else { place },
            one.because.clone(),
        ]
    });
    Section { title: w.part_acceptances, head: vec![w.warning, w.place, w.because], rows: rows.collect() }
}
