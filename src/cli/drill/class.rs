//! `penutup drill --class`: the sheets of a class, one row a trainee, and what was missed most.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use chrono::DateTime;
use penutup_cli_kit::diff::duties::demand;
use serde::Serialize;

use super::SheetFormat;
use crate::cli::table::{Names, demanded};
use crate::cli::{Context, Status, Stop, VerbOutput, json};
use crate::diagnostics::{csv, outside, shown};
use crate::drill::class::{Class, Fault, Missed, read};
use crate::drill::grade::is_spoken;
use crate::drill::sheet::Sheet;
use crate::drill::texts::clause_and_condition;
use crate::files::{self, shown_path};
use crate::loaded::LoadedRules;
use crate::rules::RuleSet;
use crate::rules::limits::MAX_FILE;
use crate::rules::ruleset::{Duty, FieldIx, StepIx};
use crate::rules::script::{Fields, script_with_placeholders, speak};
use crate::times;
use crate::words::Words;
use crate::wrap::{width, wrap};

/// The columns of the text, and where its sentences begin.
const COLUMNS: usize = 80;
const INDENT: usize = 11;
/// The most sheets of a class.
const MOST: usize = 1000;

/// Prints the class; status 1 if a sheet is not counted, or counted only in part.
///
/// # Errors
/// If no sheet can be used.
pub fn run(
    paths: &[PathBuf],
    format: Option<SheetFormat>,
    loaded: &LoadedRules,
    context: &Context,
) -> Result<VerbOutput, Stop> {
    let w = &context.words().class;
    let paths = &with_folders(paths, context)?;
    if paths.len() > MOST {
        return Err(context.stop(&w.too_many(paths.len(), MOST), None));
    }
    let (mut names, mut sheets, mut err) = (Vec::new(), Vec::new(), String::new());
    for path in paths {
        match sheet(path, context) {
            Ok(sheet) => {
                names.push(shown_path(path));
                sheets.push(sheet);
            }
            Err(Stop(message)) => err += &message,
        }
    }
    if sheets.is_empty() {
        return Err(Stop(err));
    }
    let class = Class::of(&sheets, &loaded.rules, loaded.sha256());
    let told = Told { class: &class, sheets: &sheets, names: &names, rules: &loaded.rules, words: context.words() };
    let out = match format {
        Some(SheetFormat::Json) => told.json(loaded),
        Some(SheetFormat::Csv) => told.csv(),
        Some(SheetFormat::Text) | None => told.text(),
    };
    err += &told.notes(loaded);
    let status = if err.is_empty() { Status::Done } else { Status::No };
    Ok(VerbOutput { out, err, status })
}

/// The files, and those of each folder that are named as JSON: not every shell has `*.json`.
fn with_folders(paths: &[PathBuf], context: &Context) -> Result<Vec<PathBuf>, Stop> {
    let mut out = Vec::new();
    for path in paths {
        if !path.is_dir() {
            out.push(path.clone());
            continue;
        }
        let is_json = |file: &PathBuf| file.extension().is_some_and(|ext| ext.eq_ignore_ascii_case("json"));
        let files = || -> io::Result<Vec<PathBuf>> {
            let all = path.read_dir()?.map(|entry| entry.map(|entry| entry.path()));
            all.filter(|file| file.as_ref().map_or(true, is_json)).collect()
        };
        let mut files = files().map_err(|error| {
            let why = outside::reason(&error, context.words());
            context.stop(&context.words().trouble.cannot_read(shown_path(path), &why), None)
        })?;
        if files.is_empty() {
            return Err(context.stop(&context.words().class.no_sheets(shown_path(path)), None));
        }
        files.sort();
        out.append(&mut files);
    }
    Ok(out)
}

fn sheet(path: &Path, context: &Context) -> Result<Sheet, Stop> {
    let words = context.words();
    let w = &words.class;
    let name = shown_path(path);
    let bytes = files::read(path).map_err(|unreadable| context.stop(&unreadable.describe(words), None))?;
    read(&bytes).map_err(|fault| {
        let message = match fault {
            Fault::TooLarge => w.too_large(name, MAX_FILE >> 20),
            Fault::Shape { line, column } => w.no_sheet(column, name, line),
            Fault::Value(place) => w.no_value(name, place),
        };
        context.stop(&message, Some(w.no_sheet_help))
    })
}

/// What a class's files hold, to be printed.
struct Told<'c> {
    class: &'c Class,
    sheets: &'c [Sheet],
    names: &'c [String],
    rules: &'c RuleSet,
    words: &'static Words,
}

/// One thing that was missed.
#[derive(Serialize)]
struct MissedRow {
    /// The id of a rule, requirement or field; a time for a greeting.
    what: String,
    missed: usize,
    asked: usize,
    /// What should have been said.
    sentence: String,
    /// Both as a person reads them, without ids.
    #[serde(skip)]
    read: [String; 2],
}

#[derive(Serialize)]
struct TraineeRow<'c> {
    trainee: Option<&'c str>,
    /// Per cent; not in an unfinished exam.
    score: Option<u8>,
    right: Option<usize>,
    answered: usize,
    count: usize,
    needed: usize,
    exam: bool,
    complete: bool,
    passed: bool,
    begun: &'c str,
    seconds: i64,
    sheets: usize,
    file: &'c str,
}

impl Told<'_> {
    fn rows(&self) -> Vec<TraineeRow<'_>> {
        let rows = self.class.rows.iter().map(|row| {
            let sheet = &self.sheets[row.sheet];
            TraineeRow {
                trainee: sheet.trainee.as_deref(),
                score: sheet.score,
                right: sheet.score.map(|_| sheet.right()),
                answered: sheet.cards.len(),
                count: sheet.count,
                needed: sheet.needed,
                exam: sheet.exam,
                complete: sheet.complete,
                passed: sheet.passed,
                begun: &sheet.begun,
                seconds: seconds(sheet),
                sheets: row.sheets,
                file: &self.names[row.sheet],
            }
        });
        rows.collect()
    }

    /// Rules, duties, greetings and fields, each with the name of its kind in files.
    fn missed(&self) -> [(&'static str, &'static str, Vec<MissedRow>); 4] {
        let w = &self.words.class;
        let rows = |all: &[Missed], one: &dyn Fn(usize) -> [String; 4]| -> Vec<MissedRow> {
            let row = |m: &Missed| {
                let [what, sentence, label, told] = one(m.what);
                MissedRow { what, missed: m.missed, asked: m.asked, sentence, read: [label, told] }
            };
            all.iter().map(row).collect()
        };
        [
            ("rule", w.by_rule, rows(&self.class.rules, &|at| self.rule(at))),
            ("duty", w.by_duty, rows(&self.class.duties, &|at| self.duty(at))),
            ("greeting", w.by_greeting, rows(&self.class.greetings, &|minute| self.greeting(minute))),
            ("field", w.by_field, rows(&self.class.fields, &|at| self.field(at))),
        ]
    }

    fn rule(&self, at: usize) -> [String; 4] {
        let rule = &self.rules.rules[at];
        let sentence = script_with_placeholders(self.rules, &rule.steps).to_string();
        let label = clause_and_condition(self.rules, rule.basis.as_deref().unwrap_or(&rule.id), &rule.when);
        [rule.id.clone(), sentence.clone(), label, sentence]
    }

    /// A requirement with what it demands, and the sentences of the steps that it names.
    fn duty(&self, at: usize) -> [String; 4] {
        let requirement = &self.rules.requirements[at];
        let mut steps: Vec<StepIx> = Vec::new();
        for duty in &requirement.duties {
            let named: &[StepIx] = match duty {
                Duty::Always(steps) | Duty::Never(steps) | Duty::ExactlyOne(steps) | Duty::Order(steps) => steps,
                Duty::Last(step) => std::slice::from_ref(step),
            };
            steps.extend(named.iter().filter(|step| !steps.contains(step)).copied().collect::<Vec<_>>());
        }
        // In the order of the rules file, each as the closing says it.
        steps.sort_unstable_by_key(|step| step.at());
        let sentences = script_with_placeholders(self.rules, &steps).to_string();
        let text = |names: Names| {
            let one = |duty: &Duty| match duty {
                Duty::Never(steps)
                    if names == Names::Labels && steps.iter().all(|s| self.rules.step(*s).is_spoken()) =>
                {
                    let titles: Vec<&str> = steps.iter().map(|step| names.of(self.rules, *step)).collect();
                    self.words.class.never(titles.join(", "))
                }
                _ => demand(&demanded(self.rules, duty, names), self.words),
            };
            let demands = requirement.duties.iter().map(one).collect::<Vec<_>>().join("; ");
            if sentences.is_empty() { demands } else { format!("{demands}: {sentences}") }
        };
        let clause = requirement.basis.as_deref().unwrap_or(&requirement.id);
        let label = clause_and_condition(self.rules, clause, &requirement.when);
        [requirement.id.clone(), text(Names::Ids), label, text(Names::Labels)]
    }

    /// A minute, and the sentence with its greeting.
    fn greeting(&self, minute: usize) -> [String; 4] {
        let minute = u16::try_from(minute).unwrap_or(0);
        let time =
            chrono::NaiveTime::from_hms_opt(u32::from(minute) / 60, u32::from(minute) % 60, 0).unwrap_or_default();
        let word = self.rules.greetings.word(time);
        let greets = self.rules.steps.iter().find(|step| step.greets());
        let sentence = greets.and_then(|step| speak(self.rules, step, &Fields::default_of(self.rules), word));
        let sentence = sentence.map_or_else(|| word.to_owned(), |s| s.to_string());
        [times::iso_minute(minute), sentence.clone(), times::minute(minute, self.words), sentence]
    }

    /// A field, and the sentences that speak it.
    fn field(&self, at: usize) -> [String; 4] {
        let field = FieldIx(u16::try_from(at).unwrap_or_default());
        let all = self.rules.steps.iter().filter_map(|step| self.rules.step_named(&step.id));
        let steps: Vec<StepIx> = all.filter(|step| is_spoken(self.rules, &[*step], field)).collect();
        let sentence = script_with_placeholders(self.rules, &steps).to_string();
        let field = self.rules.field(field);
        [field.id.clone(), sentence.clone(), field.label.clone(), sentence]
    }

    fn json(&self, loaded: &LoadedRules) -> String {
        let [rules, duties, greetings, fields] = self.missed().map(|(_, _, rows)| rows);
        let name = |at: &usize| self.names[*at].as_str();
        json::line(&serde_json::json!({
            "schema": 1,
            "revision": self.rules.sop.revision,
            "rules_sha256": loaded.sha256(),
            "trainees": self.rows(),
            "missed": { "rules": rules, "duties": duties, "greetings": greetings, "fields": fields },
            "duplicates": self.class.duplicates.iter().map(|(at, first)| [name(at), name(first)]).collect::<Vec<_>>(),
            "of_other_rules": self.class.of_other_rules.iter().map(name).collect::<Vec<_>>(),
        }))
    }

    /// One table: rows of trainees first, then rows of what was missed; `kind` tells them apart.
    fn csv(&self) -> String {
        let mut out = csv::line(
            [
                "kind", "name", "score", "right", "answered", "count", "needed", "exam", "complete", "passed", "begun",
                "seconds", "sheets", "file", "missed", "asked", "sentence",
            ],
            ',',
        );
        let number = |n: Option<usize>| n.map(|n| n.to_string()).unwrap_or_default();
        for row in self.rows() {
            let cells = [
                "trainee".to_owned(),
                row.trainee.unwrap_or_default().to_owned(),
                number(row.score.map(usize::from)),
                number(row.right),
                row.answered.to_string(),
                row.count.to_string(),
                row.needed.to_string(),
                row.exam.to_string(),
                row.complete.to_string(),
                row.passed.to_string(),
                row.begun.to_owned(),
                row.seconds.to_string(),
                row.sheets.to_string(),
                row.file.to_owned(),
            ];
            out += &csv::line(cells.into_iter().chain([const { String::new() }; 3]), ',');
        }
        for (kind, _, rows) in self.missed() {
            for row in rows {
                let cells = [kind.to_owned(), row.what].into_iter().chain([const { String::new() }; 12]);
                out += &csv::line(cells.chain([row.missed.to_string(), row.asked.to_string(), row.sentence]), ',');
            }
        }
        out
    }

    fn text(&self) -> String {
        let (words, rows) = (self.words, self.rows());
        let w = &words.class;
        let mut out = w.title(shown(&self.rules.sop.revision), self.sheets.len(), rows.len()) + "\n";
        let mut table: Vec<[String; 4]> = Vec::new();
        for (row, of) in rows.iter().zip(&self.class.rows) {
            let sheet = &self.sheets[of.sheet];
            let score = match row.right.zip(row.score) {
                Some((right, score)) => w.score(row.answered, score, right),
                None => w.unfinished(row.answered, row.count),
            };
            let verdict = match (row.exam, row.passed) {
                (false, _) => w.practice,
                (true, true) => w.passed,
                (true, false) => w.not_passed,
            };
            let minutes = w.minutes(row.seconds.unsigned_abs().div_ceil(60));
            let begun = DateTime::parse_from_rfc3339(&sheet.begun).map(|at| at.to_utc()).unwrap_or_default();
            let begun = times::moment(begun, self.rules.zones[0].offset, self.rules, words);
            let sheets = if row.sheets > 1 { format!(" · {}", w.sheets(row.sheets)) } else { String::new() };
            let trainee = row.trainee.unwrap_or("-").to_owned();
            table.push([trainee, verdict.to_owned(), score, format!("{minutes} · {begun}{sheets}")]);
        }
        let columns = [0, 1, 2].map(|at| table.iter().map(|row| width(&row[at])).max().unwrap_or(0));
        for [trainee, verdict, score, rest] in table {
            let pad = |text: String, to: usize| format!("{text}{}", " ".repeat(to - width(&text)));
            let (trainee, verdict) = (pad(trainee, columns[0]), pad(verdict, columns[1]));
            let _ = writeln!(out, "  {trainee}  {verdict}  {}  {rest}", pad(score, columns[2]));
        }
        let missed = self.missed();
        if missed.iter().all(|(_, _, rows)| rows.is_empty()) {
            let _ = write!(out, "\n{}\n", w.nothing_missed);
        }
        for (_, title, rows) in missed.iter().filter(|(_, _, rows)| !rows.is_empty()) {
            let _ = write!(out, "\n{title}\n");
            for row in rows {
                let mut count = format!("  {:>7}  ", format!("{}/{}", row.missed, row.asked));
                for text in &row.read {
                    for line in wrap([(text.as_str(), ())], COLUMNS - INDENT) {
                        let line: String = line.into_iter().map(|(text, ())| text).collect();
                        let _ = writeln!(out, "{count}{line}");
                        count = " ".repeat(INDENT);
                    }
                }
            }
        }
        out
    }

    /// The sheets that are not counted, or not as missed, and why.
    fn notes(&self, loaded: &LoadedRules) -> String {
        let w = &self.words.class;
        let name = |at: usize| self.names[at].as_str();
        let mut out = String::new();
        for (at, first) in &self.class.duplicates {
            let _ = writeln!(out, "{}", w.duplicate(name(*at), name(*first)));
        }
        for at in &self.class.of_other_rules {
            let sheet = &self.sheets[*at];
            let (used, revision) = (&loaded.sha256()[..8], shown(&sheet.revision));
            let _ = writeln!(out, "{}", w.other_rules(name(*at), revision, &sheet.rules_sha256[..8], used));
        }
        out
    }
}

fn seconds(sheet: &Sheet) -> i64 {
    let at = |text: &str| DateTime::parse_from_rfc3339(text).map(|at| at.timestamp()).unwrap_or_default();
    at(&sheet.ended) - at(&sheet.begun)
}
