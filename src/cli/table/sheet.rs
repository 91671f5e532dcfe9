//! The rest of the sheet that is signed with the table of situations: everything in the file that a CSO, a supervisor
//! or QA sees or is scored by, as sections of rows, the same for every format.

use std::fmt::Write as _;

use crate::rules::diff::Demand;
use crate::rules::greeting::DAY;
use crate::rules::ruleset::{
    Choice, Duty, Field, FieldIx, FieldKind, FieldScope, Requirement, RuleSet, Scope, Step, StepIx, StepWords, TextKind,
};
use crate::rules::space::{Cube, Values};
use crate::times::{date, minute};
use crate::words::Words;

use penutup_cli_kit::diff::duties::demand;

/// How the sheet names steps, facts and values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// As the file does.
    Ids,
    /// As the screen does, for whoever signs it.
    Labels,
}

impl Names {
    /// A step's title, or its id; also its id if another step has the same title.
    pub fn of(self, rules: &RuleSet, ix: StepIx) -> &str {
        let step = rules.step(ix);
        let is_only_one = || rules.steps.iter().filter(|other| other.title == step.title).count() == 1;
        if self == Self::Labels && is_only_one() { &step.title } else { &step.id }
    }

    /// `id`, or the word for it.
    fn word(self, id: &'static str, word: &'static str) -> String {
        if self == Self::Ids { id } else { word }.to_owned()
    }
}

/// A section of the sheet.
pub struct Section {
    pub title: &'static str,
    /// The column names.
    pub head: Vec<&'static str>,
    /// The rows, each with a cell for every column.
    pub rows: Vec<Vec<String>>,
}

/// The sections with rows, and the requirements in any case: it must be visible that there are none.
pub fn sections(rules: &RuleSet, words: &'static Words, names: Names) -> Vec<Section> {
    let w = &words.table;
    let all = [
        document(rules, words),
        Section {
            title: w.part_steps,
            head: vec![w.id, w.title, w.kind, w.sentence, w.score, w.basis, w.note],
            rows: rules.steps.iter().map(|one| step(rules, one, words)).collect(),
        },
        requirements(rules, words, names),
        greetings(rules, words),
        Section {
            title: w.part_zones,
            head: vec![w.id, w.offset],
            rows: rules.zones.iter().map(|zone| vec![zone.id.clone(), zone.offset.to_string()]).collect(),
        },
        facts(rules, words, names),
        values(rules, words, names),
        Section {
            title: w.part_fields,
            head: vec![w.id, w.label, w.key, w.role, w.choices, w.drop, w.kind, w.max, w.empty, w.scope],
            rows: rules.fields_ix().map(|(ix, one)| field(rules, ix, one, words, names)).collect(),
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

fn requirements(rules: &RuleSet, words: &'static Words, names: Names) -> Section {
    let w = &words.table;
    let row = |requirement: &Requirement| {
        let duties = requirement.duties.iter().map(|duty| demand(&demanded(rules, duty, names), words));
        vec![
            requirement.id.clone(),
            when(rules, &requirement.when, w.everywhere, names),
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

/// A duty with the names of its steps.
pub(in crate::cli) fn demanded<'r>(rules: &'r RuleSet, duty: &Duty, names: Names) -> Demand<'r> {
    let all = |steps: &[StepIx]| steps.iter().map(|ix| names.of(rules, *ix)).collect();
    match duty {
        Duty::Always(steps) => Demand::Always(all(steps)),
        Duty::Never(steps) => Demand::Never(all(steps)),
        Duty::ExactlyOne(steps) => Demand::ExactlyOne(all(steps)),
        Duty::Order(steps) => Demand::Order(all(steps)),
        Duty::Last(step) => Demand::Last(names.of(rules, *step)),
    }
}

/// "klb = ya; aplikasi = belum, telah", or "KLB: AKTIF; Aplikasi: BELUM punya, TELAH punya".
fn when(rules: &RuleSet, cube: &Cube, everywhere: &str, names: Names) -> String {
    let one = |(fact, values): (usize, &Values)| {
        let fact = &rules.facts[fact];
        let values = values.iter().map(|at| &fact.values[at]);
        match names {
            Names::Ids => format!("{} = {}", fact.id, values.map(|v| v.id.as_str()).collect::<Vec<_>>().join(", ")),
            Names::Labels => {
                format!("{}: {}", fact.label, values.map(|v| v.label.as_str()).collect::<Vec<_>>().join(", "))
            }
        }
    };
    let all: Vec<String> = cube.constraints().map(one).collect();
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

fn facts(rules: &RuleSet, words: &'static Words, names: Names) -> Section {
    let w = &words.table;
    let rows = rules.facts.iter().enumerate().map(|(at, fact)| {
        vec![
            fact.id.clone(),
            fact.label.clone(),
            fact.help.clone().unwrap_or_default(),
            fact.key.map(String::from).unwrap_or_default(),
            rules.role_of_fact(at).map(|id| names.word(id, w.role_emergency)).unwrap_or_default(),
            names.word(fact.scope.as_str(), if fact.scope == Scope::Call { w.scope_call } else { w.scope_shift }),
            keep_for(fact.scope, words, names),
        ]
    });
    let head = vec![w.id, w.label, w.help, w.key, w.role, w.scope, w.keep_for];
    Section { title: w.part_facts, head, rows: rows.collect() }
}

/// How long a value of the shift is kept without a question: `12h`, or "12 jam".
fn keep_for(scope: Scope, words: &Words, names: Names) -> String {
    let (Scope::Shift { keep_for }, Names::Labels) = (scope, names) else {
        return scope.keep_for().unwrap_or_default();
    };
    let minutes = keep_for.as_secs() / 60;
    match (minutes / 60, minutes % 60) {
        (0, minutes) => words.broadcast.clock_minutes(minutes),
        (hours, 0) => words.broadcast.clock_hours(hours),
        (hours, minutes) => words.report.hours_minutes(hours, minutes),
    }
}

fn values(rules: &RuleSet, words: &'static Words, names: Names) -> Section {
    let w = &words.table;
    let mut rows = Vec::new();
    for fact in &rules.facts {
        rows.extend(fact.values.iter().map(|value| {
            let of = |text: &Option<String>| text.clone().unwrap_or_default();
            let fact = if names == Names::Ids { &fact.id } else { &fact.label };
            vec![fact.clone(), value.id.clone(), value.label.clone(), of(&value.short), of(&value.banner)]
        }));
    }
    Section { title: w.part_values, head: vec![w.fact, w.id, w.label, w.short, w.banner], rows }
}

fn field(rules: &RuleSet, ix: FieldIx, field: &Field, words: &'static Words, names: Names) -> Vec<String> {
    let w = &words.table;
    let role_word = if rules.roles.name == Some(ix) { w.role_name } else { w.role_honorific };
    let mut cells = vec![
        field.id.clone(),
        field.label.clone(),
        field.key.map(String::from).unwrap_or_default(),
        rules.role_of_field(ix).map(|id| names.word(id, role_word)).unwrap_or_default(),
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
            names.word(
                typed.text.as_str(),
                match typed.text {
                    TextKind::Name => w.kind_name,
                    TextKind::Text => w.kind_text,
                    TextKind::Number => w.kind_number,
                },
            ),
            typed.max.to_string(),
            // An empty text is spoken as nothing, which differs from a missing text.
            typed.empty.as_ref().map(|text| format!("“{text}”")).unwrap_or_default(),
            names
                .word(typed.scope.as_str(), if typed.scope == FieldScope::Call { w.scope_call } else { w.scope_shift }),
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
