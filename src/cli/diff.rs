//! `penutup diff`: what another rules file changes, for CSOs, those responsible for the rules, and QA.

pub(super) mod duties;

use std::io;
use std::path::{Path, PathBuf};

use chrono::FixedOffset;
use clap::Args;
use num_bigint::BigUint;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::check::number;
use super::format::Format;
use super::json::{self, Each};
use super::page::{Look, Page};
use super::{Context, Status, Stop, VerbOutput, canvas, counted, moment};
use crate::diagnostics::change::{parts, text_name};
use crate::diagnostics::draw::Canvas;
use crate::diagnostics::grouped;
use crate::files::{self, shown_path};
use crate::rules::diff::{Cause, Diff, Group, Names, Run, Side, TextChange, diff, marked};
use crate::rules::space::Cube;
use crate::rules::{self, RuleSet};
use crate::times::{iso_minute, minute};
use crate::words::Words;

/// `penutup diff OLD NEW`.
#[derive(Debug, Args)]
pub struct DiffVerb {
    /// The old rules file.
    #[arg(display_order = 1)]
    pub old: PathBuf,
    /// The new rules file.
    #[arg(display_order = 2)]
    pub new: PathBuf,
    /// The form of the result.
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
}

/// The most conditions of a group in the text output.
const CONDITIONS: usize = 20;
/// The most lines of a file that the text output names as a group's cause.
const CAUSES: usize = 12;

/// Compares them.
///
/// # Errors
/// If a file can't be used, or the files differ in too many places.
pub fn run(verb: &DiffVerb, context: &Context) -> Result<VerbOutput, Stop> {
    let words = context.words();
    let today = moment::today(moment::at(context)?);
    let load = |path: &Path| files::load_file(path, today).map_err(|bad| context.bad(&bad));
    let (old, new) = (load(&verb.old)?, load(&verb.new)?);
    let found = diff(&old.rules, &new.rules);
    // The text output shows what could be compared all the same; a program would take a part for the whole.
    if found.is_err() && verb.format == Format::Json {
        return Err(context.stop(words.diff.too_entangled, Some(words.diff.too_entangled_help)));
    }
    let is_complete = found.is_ok();
    let found = found.unwrap_or_else(|found| *found);
    let files: [&Path; 2] = [&verb.old, &verb.new];
    let out = match verb.format {
        Format::Text => text(&found, files, [&old.rules, &new.rules], words, canvas(&io::stdout())),
        Format::Json => Shown { diff: &found, files, words }.json(),
    };
    if !is_complete {
        let stop = context.stop(words.diff.too_entangled, Some(words.diff.too_entangled_help));
        return Ok(VerbOutput { out, err: stop.0, status: Status::Failed });
    }
    let status = if found.is_empty() { Status::Done } else { Status::No };
    Ok(VerbOutput { out, err: String::new(), status })
}

/// A diff of these files as text.
pub fn text(diff: &Diff<'_>, files: [&Path; 2], rules: [&RuleSet; 2], words: &'static Words, canvas: Canvas) -> String {
    Shown { diff, files, words }.text(rules, canvas)
}

/// A diff, its files, and the catalogue.
struct Shown<'d> {
    diff: &'d Diff<'d>,
    files: [&'d Path; 2],
    words: &'static Words,
}

impl Shown<'_> {
    fn file(&self, side: Side) -> &Path {
        match side {
            Side::Old => self.files[0],
            Side::New => self.files[1],
        }
    }

    fn text(&self, rules: [&RuleSet; 2], canvas: Canvas) -> String {
        let w = &self.words.diff;
        let mut page = Page::new(canvas);
        let names = self.files.map(shown_path);
        let [old, new] = [0, 1].map(|at| format!("{} ({})", names[at], rules[at].sop.revision));
        page.line("", &format!("{old} → {new}"), Look::Strong);
        let count = |count: &BigUint| grouped(&count.to_string(), self.words.problem.thousands);
        let all =
            counted(&count(&self.diff.situations), self.words.cli.one_situation, |n| self.words.cli.situations(n));
        if self.diff.is_empty() {
            page.line("", &w.same(&all), Look::Plain);
            return page.finish();
        }
        if !self.diff.is_complete {
            page.line("", w.too_entangled, Look::Strong);
        } else if self.diff.changed > BigUint::ZERO {
            let changed = w.changed(count(&self.diff.changed), &all);
            page.line("", &changed, Look::Strong);
        }
        let parts = parts(&self.diff.counts(), self.words);
        if !parts.is_empty() {
            page.line("", &w.summary(parts.join(", ")), Look::Strong);
        }
        self.duties(&mut page);
        for (at, group) in self.diff.groups.iter().enumerate() {
            page.gap();
            let size =
                counted(&count(&group.situations), self.words.cli.one_situation, |n| self.words.cli.situations(n));
            page.line("", &format!("{}. {size}", at + 1), Look::Strong);
            self.group(&mut page, group);
        }
        self.greetings(&mut page);
        self.texts(&mut page);
        only_in(&mut page, &self.diff.added, [w.added_facts, w.added_values, w.added_steps]);
        only_in(&mut page, &self.diff.removed, [w.removed_facts, w.removed_values, w.removed_steps]);
        page.finish()
    }

    fn group(&self, page: &mut Page, group: &Group<'_>) {
        let w = &self.words.diff;
        let first = if group.cubes.len() > 1 { "   * " } else { "   " };
        for cube in group.cubes.iter().take(CONDITIONS) {
            page.line(first, &self.conditions(cube), Look::Plain);
        }
        self.more(page, "   ", group.cubes.len(), CONDITIONS);
        let (before, after) = (&group.before, &group.after);
        if before.script != after.script {
            self.pair(page, "   ", &before.script.to_string(), &after.script.to_string());
        } else if !before.script.segments().is_empty() {
            page.line("     ", &before.script.to_string(), Look::Plain);
        }
        if before.steps != after.steps {
            page.line("   ", w.steps, Look::Plain);
            self.pair(page, "   ", &before.steps.join(" "), &after.steps.join(" "));
        }
        let place = |cause: &Cause| format!("{}:{}", shown_path(self.file(cause.side)), cause.line);
        let places: Vec<String> = group.causes.iter().take(CAUSES).map(place).collect();
        page.line("   ", &format!("{}: {}", w.cause, places.join(" · ")), Look::Plain);
        self.more(page, "   ", group.causes.len(), CAUSES);
    }

    /// A note that not everything is shown, if so.
    fn more(&self, page: &mut Page, first: &str, all: usize, shown: usize) {
        if all > shown {
            page.line(first, &self.words.diff.more((all - shown).to_string()), Look::Plain);
        }
    }

    /// The facts that a cube restricts.
    fn conditions(&self, cube: &Cube) -> String {
        let held = self.diff.facts.iter().zip(self.diff.when(cube));
        let held = held.filter(|(fact, values)| values.len() < fact.values.len()).map(|(fact, values)| {
            let labels: Vec<&str> = values.iter().map(|value| fact.values[value].label.as_str()).collect();
            format!("{}: {}", fact.label, labels.join(", "))
        });
        let held: Vec<String> = held.collect();
        if held.is_empty() { self.words.diff.everywhere.to_owned() } else { held.join(" · ") }
    }

    /// An old and a new text with the changed words marked.
    fn pair(&self, page: &mut Page, indent: &str, before: &str, after: &str) {
        let (old, new) = marked(before, after);
        let nothing = |text: &str| if text.is_empty() { self.words.diff.nothing } else { "" };
        for (mark, runs, text) in [("-", old, before), ("+", new, after)] {
            let mut parts: Vec<(&str, Look)> = vec![(nothing(text), Look::Plain)];
            for (at, Run { text, changed }) in runs.iter().enumerate() {
                if at > 0 {
                    parts.push((" ", Look::Plain));
                }
                parts.push((text, if *changed { Look::Changed } else { Look::Plain }));
            }
            page.paragraph(&format!("{indent}{mark} "), parts);
        }
    }

    fn greetings(&self, page: &mut Page) {
        let w = &self.words.diff;
        if !self.diff.greetings.is_empty() || !self.diff.zones.is_empty() {
            page.gap();
            page.line("", w.greetings, Look::Strong);
        }
        for change in &self.diff.greetings {
            let time = format!("{}–{}", minute(change.from, self.words), minute(change.to, self.words));
            page.line("   ", &format!("{time} · {} → {}", change.before, change.after), Look::Plain);
        }
        for change in &self.diff.zones {
            let offset = |offset: Option<FixedOffset>| offset.map_or(w.nothing.to_owned(), |o| o.to_string());
            let moved = format!("{} → {}", offset(change.before), offset(change.after));
            page.line("   ", &format!("{} · {moved}", change.id), Look::Plain);
        }
    }

    fn texts(&self, page: &mut Page) {
        let w = &self.words.diff;
        if !self.diff.texts.is_empty() {
            page.gap();
            page.line("", w.texts, Look::Strong);
        }
        for TextChange { subject, id, field, before, after } in &self.diff.texts {
            page.line("   ", &text_name(*subject, id, field, self.words), Look::Plain);
            self.pair(page, "   ", before.as_deref().unwrap_or_default(), after.as_deref().unwrap_or_default());
        }
    }

    fn json(&self) -> String {
        let diff = self.diff;
        let hours = diff.greetings.iter().map(|change| {
            let (from, to) = (iso_minute(change.from), iso_minute(change.to));
            json!({ "from": from, "to": to, "before": change.before, "after": change.after })
        });
        let zones = diff.zones.iter().map(|change| {
            let offset = |offset: Option<FixedOffset>| offset.map(|o| o.to_string());
            json!({ "zone": change.id, "before": offset(change.before), "after": offset(change.after) })
        });
        let text = |text: &TextChange| {
            json!({
                "kind": text.subject.as_str(),
                "id": text.id,
                "field": text.field,
                "before": text.before,
                "after": text.after,
            })
        };
        let names = |names: &Names<'_>| {
            let values: Vec<String> = names.values.iter().map(|(fact, value)| format!("{fact}={value}")).collect();
            json!({ "facts": names.facts, "values": values, "steps": names.steps })
        };
        json::line(&DiffJson {
            schema: 1,
            situations: number(&diff.situations),
            changed: number(&diff.changed),
            groups: Each(|| diff.groups.iter().map(|group| self.group_json(group))),
            greeting_changes: hours.chain(zones).collect(),
            text_changes: diff.texts.iter().map(text).collect(),
            requirement_changes: diff.duties.iter().map(|change| self.duty_json(change)).collect(),
            added: names(&diff.added),
            removed: names(&diff.removed),
        })
    }

    fn group_json<'g>(&'g self, group: &'g Group<'_>) -> impl Serialize + use<'g> {
        let answer =
            |answer: &rules::diff::Answer<'_>| json!({ "steps": answer.steps, "script": answer.script.to_string() });
        let cause = |cause: &Cause| json!({ "file": self.file(cause.side).to_string_lossy(), "line": cause.line });
        GroupJson {
            situations: number(&group.situations),
            when: Each(|| group.cubes.iter().map(|cube| self.when(cube))),
            before: answer(&group.before),
            after: answer(&group.after),
            cause: group.causes.iter().map(cause).collect(),
        }
    }

    /// A cube with every fact and its values.
    fn when(&self, cube: &Cube) -> Value {
        let facts = self.diff.facts.iter().zip(self.diff.when(cube)).map(|(fact, values)| {
            let ids: Vec<&str> = values.iter().map(|value| fact.values[value].id.as_str()).collect();
            (fact.id.to_owned(), json!(ids))
        });
        Value::Object(facts.collect::<Map<String, Value>>())
    }
}

#[derive(Serialize)]
struct DiffJson<G> {
    schema: u8,
    situations: Value,
    changed: Value,
    groups: G,
    greeting_changes: Vec<Value>,
    text_changes: Vec<Value>,
    requirement_changes: Vec<Value>,
    added: Value,
    removed: Value,
}

#[derive(Serialize)]
struct GroupJson<W> {
    situations: Value,
    when: W,
    before: Value,
    after: Value,
    cause: Vec<Value>,
}

/// Facts, values and steps that only one of the files has.
fn only_in(page: &mut Page, names: &Names<'_>, heads: [&str; 3]) {
    if !names.is_empty() {
        page.gap();
    }
    let values: Vec<String> = names.values.iter().map(|(fact, value)| format!("{fact}={value}")).collect();
    let lists = [names.facts.join(", "), values.join(", "), names.steps.join(", ")];
    for (head, list) in heads.into_iter().zip(lists).filter(|(_, list)| !list.is_empty()) {
        page.line("", &format!("{head}: {list}"), Look::Plain);
    }
}
