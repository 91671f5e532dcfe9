//! `penutup diff`: what another rules file changes, for CSOs, those responsible for the rules, and QA.

mod duties;

use std::io;
use std::path::{Path, PathBuf};

use chrono::FixedOffset;
use clap::Args;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::check::number;
use super::format::Format;
use super::json::{self, Each};
use super::{Context, Status, Stop, VerbOutput, canvas, moment};
use crate::files;
use crate::rules;
use crate::rules::diff::{Cause, Diff, Group, Names, Side, TextChange, diff};
use crate::rules::space::Cube;
use crate::times::iso_minute;

use penutup_cli_kit::diff::text;

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
        Format::Json => Shown { diff: &found, files }.json(),
    };
    if !is_complete {
        let stop = context.stop(words.diff.too_entangled, Some(words.diff.too_entangled_help));
        return Ok(VerbOutput { out, err: stop.0, status: Status::Failed });
    }
    let status = if found.is_empty() { Status::Done } else { Status::No };
    Ok(VerbOutput { out, err: String::new(), status })
}

/// A diff and its files.
struct Shown<'d> {
    diff: &'d Diff<'d>,
    files: [&'d Path; 2],
}

impl Shown<'_> {
    fn file(&self, side: Side) -> &Path {
        match side {
            Side::Old => self.files[0],
            Side::New => self.files[1],
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
