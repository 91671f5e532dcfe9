//! `penutup say`: the script for these facts and fields.

use std::fmt::Write as _;
use std::io;

use chrono::Utc;
use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use super::VerbOutput;
use super::{Context, Stop, moment, pairs};
use crate::closing::Closing;
use crate::closing::external::Origin;
use crate::files;
use crate::loaded::LoadedRules;

use crate::rules::decide;
use crate::rules::ruleset::StepWords;
use crate::rules::script::{script, speak};

/// `penutup say [KEY=VALUE]...`.
#[derive(Debug, Args)]
pub struct Say {
    /// Facts and fields.
    #[arg(value_name = "PAIR")]
    pub pairs: Vec<String>,
    /// The form of the result.
    #[arg(long, value_enum, default_value = "text")]
    pub format: ScriptFormat,
}

/// The form of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ScriptFormat {
    /// One line: the complete sentence.
    Text,
    /// A line a step.
    Steps,
    /// One line of JSON.
    Json,
}

/// A closing at its point in time.
struct Spoken<'b> {
    loaded: &'b LoadedRules,
    closing: Closing,
    time: String,
    greeting: &'b str,
}

/// Runs the verb.
///
/// # Errors
/// If rules, settings or arguments can't be used.
pub fn run(say: &Say, context: &Context) -> Result<VerbOutput, Stop> {
    context.sound_settings()?;
    let at = moment::at(context)?;
    let ready = files::load_in_force(&context.rules_file(), &context.folders, moment::today(at));
    let loaded = ready.map_err(|bad| context.bad(&bad))?.loaded;
    let rules = &loaded.rules;
    let zone = moment::zone(context, rules)?;
    let given =
        pairs::read(rules, context.words(), &say.pairs, io::stdin()).map_err(|error| context.arg_error(&error))?;
    let offset = rules.zones[zone].offset;
    let instant = at.map_or_else(Utc::now, |at| at.instant(offset));
    let (time, shown) = moment::local(instant, offset);
    let mut closing = Closing::new(rules, zone, &[]);
    closing.apply(rules, &given, Origin::Telephone, true, instant);
    let spoken = Spoken { loaded: &loaded, closing, time: shown, greeting: rules.greetings.word(time) };
    let mut answer = VerbOutput::done(match say.format {
        ScriptFormat::Text => spoken.text(),
        ScriptFormat::Steps => spoken.steps(),
        ScriptFormat::Json => spoken.json(),
    });
    if say.format == ScriptFormat::Text && answer.out.is_empty() {
        answer.err = format!("{}\n", context.words().screen.nothing_spoken);
    }
    Ok(answer)
}

impl Spoken<'_> {
    fn plan(&self) -> decide::Plan<'_> {
        decide(&self.loaded.rules, self.closing.situation())
    }

    fn text(&self) -> String {
        let sentence = script(&self.loaded.rules, self.plan(), self.closing.fields(), self.greeting).to_string();
        if sentence.is_empty() { sentence } else { sentence + "\n" }
    }

    fn steps(&self) -> String {
        let rules = &self.loaded.rules;
        let mut out = String::new();
        for step in self.plan().steps().iter().map(|ix| rules.step(*ix)) {
            let _ = match &step.words {
                StepWords::Say(_) => {
                    let sentence = speak(rules, step, self.closing.fields(), self.greeting).unwrap_or_default();
                    writeln!(out, "{sentence}")
                }
                StepWords::Remind(reminder) => writeln!(out, "({reminder})"),
            };
        }
        out
    }

    fn json(&self) -> String {
        let rules = &self.loaded.rules;
        let facts: Map<String, Value> = rules
            .facts
            .iter()
            .enumerate()
            .map(|(at, f)| (f.id.clone(), json!(f.values[self.closing.situation().value(at)].id)))
            .collect();
        let steps: Vec<Value> = self
            .plan()
            .steps()
            .iter()
            .map(|ix| rules.step(*ix))
            .map(|step| {
                let say = speak(rules, step, self.closing.fields(), self.greeting).map(|s| s.to_string());
                let remind = match &step.words {
                    StepWords::Remind(reminder) => Some(reminder),
                    StepWords::Say(_) => None,
                };
                json!({
                    "id": step.id,
                    "title": step.title,
                    "say": say,
                    "remind": remind,
                    "score": step.score,
                    "basis": step.basis,
                })
            })
            .collect();
        let out = json!({
            "schema": 1,
            "revision": rules.sop.revision,
            "rules_sha256": self.loaded.sha256(),
            "rule": self.plan().rule.id,
            "facts": facts,
            "zone": rules.zones[self.closing.zone()].id,
            "time": self.time,
            "greeting": self.greeting,
            "steps": steps,
            "script": script(rules, self.plan(), self.closing.fields(), self.greeting).to_string(),
            "caution": self.plan().rule.caution,
        });
        format!("{out}\n")
    }
}
