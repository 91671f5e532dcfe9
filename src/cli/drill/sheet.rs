//! Result sheets on the command line: as text, a class's put under each other, and graded again.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use chrono::DateTime;

use super::Ground;
use crate::cli::{Answer, Context, Status, Stop};
use crate::drill::grade::{Answer as Given, Heard, Way};
use crate::drill::sheet::again::{Flaw, flaws};
use crate::drill::sheet::{Row, Sheet, Tally, csv};
use crate::files::{self, Bad, shown_path};
use crate::rules::RuleSet;
use crate::rules::decide::Situation;
use crate::rules::ruleset::{Fact, StepIx};
use crate::rules::text::is_forbidden;
use crate::tell::{practice, shown};
use crate::words::{Words, fill};

/// A sheet for people.
pub fn text(sheet: &Sheet, rules: &RuleSet, words: &Words) -> String {
    let (w, d) = (&words.drillverb, &words.drill);
    let way = match Way::from_code(&sheet.way) {
        Some(Way::Blind) => d.way_blind,
        Some(Way::Spoken) => d.way_spoken,
        _ => d.way_case,
    };
    let with = [
        ("kind", if sheet.exam { d.exam } else { d.practice }.to_owned()),
        ("revision", shown(&sheet.revision)),
        ("way", way.to_owned()),
        ("who", sheet.trainee.as_ref().map(|id| format!(" · {id}")).unwrap_or_default()),
        ("seed", sheet.seed.to_string()),
        ("sum", sheet.rules_sha256.clone()),
        ("begun", sheet.begun.clone()),
        ("ended", sheet.ended.clone()),
        ("right", sheet.right().to_string()),
        ("all", sheet.cards.len().to_string()),
        ("percent", sheet.score.to_string()),
        ("pass", sheet.pass.to_string()),
    ];
    let with = with.each_ref().map(|(k, v)| (*k, v.as_str()));
    let mut out =
        format!("{}\n{}\n{}", fill(w.sheet_title, &with), fill(w.sheet_from, &with), fill(d.score_line, &with));
    out.push_str(&verdict(sheet, words));
    out.push('\n');
    if !sheet.not_asked.is_empty() {
        out += &practice::not_asked(&sheet.not_asked, words);
        out.push('\n');
    }
    tallies(&mut out, d.by_rule, &sheet.by_rule(), words);
    tallies(&mut out, d.by_fact, &sheet.by_fact(rules), words);
    let _ = write!(out, "\n{}\n", w.sheet_cards);
    for (number, card) in (1..).zip(&sheet.cards) {
        let mark = if card.right { "√" } else { "-" };
        let steps = card.steps.join(" → ");
        let _ = writeln!(
            out,
            "  {number:>2} {mark} {}  {} {}  {}: {steps} · {}{}",
            card.scenario,
            card.time,
            card.zone,
            card.rule,
            card.greeting,
            seconds(card).map(|s| fill(w.sheet_seconds, &[("count", &s.to_string())])).unwrap_or_default(),
        );
        let answer = card.given(rules).map_or_else(|| d.nothing.to_owned(), |a| answer(&a, card, rules, words));
        let mark = if card.right { d.right } else { d.not_right };
        let _ = writeln!(out, "       {}", fill(w.sheet_answer, &[("answer", &answer), ("mark", mark)]));
    }
    out
}

/// Whether it is passed and whether it was broken off, to stand after what was reached.
fn verdict(sheet: &Sheet, words: &Words) -> String {
    let d = &words.drill;
    let passed = if sheet.passed { d.passed } else { d.not_passed };
    let passed = sheet.exam.then(|| fill(passed, &[("pass", &sheet.pass.to_string())]));
    let broken = (!sheet.complete).then(|| d.broken_off.to_owned());
    passed.into_iter().chain(broken).fold(String::new(), |out, told| format!("{out}. {told}"))
}

/// A situation by the labels of its facts and values.
pub fn facts(situation: &Situation, rules: &RuleSet, words: &Words) -> String {
    let named = |(at, fact): (usize, &Fact)| {
        let value = &fact.values[situation.value(at)].label;
        fill(words.drill.is_right, &[("label", &fact.label), ("value", value)])
    };
    rules.facts.iter().enumerate().map(named).collect::<Vec<_>>().join(", ")
}

/// What was answered.
fn answer(answer: &Given, card: &Row, rules: &RuleSet, words: &Words) -> String {
    let d = &words.drill;
    let ids = |steps: &[StepIx]| steps.iter().map(|s| rules.step(*s).id.as_str()).collect::<Vec<_>>().join(" → ");
    let parts = match answer {
        Given::Case { situation, zone, said, .. } => {
            // As it stands in the sheet: the honorific is named there by its own text.
            let honorific = card.answer.as_ref().and_then(|a| a.get("honorific")?.as_str()).map(shown);
            let facts = facts(situation, rules, words);
            [Some(facts), Some(rules.zones[*zone].id.clone()), honorific, Some(ids(said))]
        }
        Given::Blind { steps, greeting } => {
            let word = greeting.map(|at| rules.greetings.rows()[at].word.clone());
            [Some(ids(steps)), word, None, None]
        }
        Given::Spoken { marks } => {
            let heard = |(step, mark): (&String, &Heard)| {
                let value = match mark {
                    Heard::Exact => d.heard_exact,
                    Heard::Changed => d.heard_changed,
                    Heard::Missing => d.heard_missing,
                };
                fill(d.is_right, &[("label", step), ("value", value)])
            };
            let heard: Vec<String> = card.steps.iter().zip(marks).map(heard).collect();
            [Some(heard.join(", ")), None, None, None]
        }
    };
    let parts: Vec<String> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { d.nothing.into() } else { parts.join(" · ") }
}

fn seconds(card: &Row) -> Option<i64> {
    let at = |text: &Option<String>| DateTime::parse_from_rfc3339(text.as_ref()?).ok();
    Some((at(&card.answered)? - at(&card.shown)?).num_seconds())
}

fn tallies(out: &mut String, title: &str, all: &[Tally], words: &Words) {
    let d = &words.drill;
    let _ = write!(out, "\n{title}\n");
    for tally in all {
        let full = tally.right == tally.asked;
        let with = [("right", tally.right.to_string()), ("asked", tally.asked.to_string())];
        let with = with.each_ref().map(|(k, v)| (*k, v.as_str()));
        let told = fill(d.tally, &with);
        let _ = writeln!(out, "  {} {:<32} {told}", if full { "√" } else { " " }, shown(&tally.what));
    }
}

fn read(path: &Path, context: &Context) -> Result<Vec<Sheet>, Stop> {
    let bytes = files::read(path).map_err(|e| context.bad(&Bad::Unreadable(e)))?;
    let w = &context.words().drillverb;
    Sheet::read(&bytes)
        .ok_or_else(|| context.stop(&fill(w.no_sheet, &[("path", &shown_path(path))]), Some(w.no_sheet_help)))
}

/// A class's sheets under each other, the same one only once.
pub fn merge(paths: &[PathBuf], context: &Context) -> Result<Answer, Stop> {
    let mut all: Vec<Sheet> = Vec::new();
    for path in paths {
        for sheet in read(path, context)? {
            if !all.contains(&sheet) {
                all.push(sheet);
            }
        }
    }
    all.sort_by(|a, b| (&a.trainee, &a.begun).cmp(&(&b.trainee, &b.begun)));
    // A sheet is somebody's file: what a terminal would obey in it does not reach one.
    let text = csv::write(&all);
    Ok(Answer::done(text.chars().filter(|c| matches!(c, '\n' | '\r') || !is_forbidden(*c)).collect()))
}

/// Grades a sheet again; status 1 where it does not hold.
pub fn check(path: &Path, ground: &Ground, context: &Context) -> Result<Answer, Stop> {
    let words = context.words();
    let w = &words.drillverb;
    let (mut out, mut status) = (String::new(), Status::Done);
    for sheet in read(path, context)? {
        let who = sheet.trainee.as_deref().map_or("-".to_owned(), shown);
        let with = [
            ("who", who),
            ("seed", sheet.seed.to_string()),
            ("right", sheet.right().to_string()),
            ("all", sheet.cards.len().to_string()),
            ("percent", sheet.score.to_string()),
            ("kind", if sheet.exam { words.drill.exam } else { words.drill.practice }.to_owned()),
            ("verdict", verdict(&sheet, words)),
        ];
        let with = with.each_ref().map(|(k, v)| (*k, v.as_str()));
        let found = flaws(&sheet, &ground.book, &ground.stories);
        if found.is_empty() {
            let _ = writeln!(out, "{}", fill(w.sheet_holds, &with));
            continue;
        }
        status = Status::No;
        let _ = writeln!(out, "{}", fill(w.sheet_fails, &with));
        for flaw in found {
            let _ = writeln!(out, "  - {}", told(&flaw, words));
        }
    }
    Ok(Answer { out, err: String::new(), status })
}

fn told(flaw: &Flaw, words: &Words) -> String {
    let w = &words.drillverb;
    let card = |text: &str, number: usize| fill(text, &[("card", &number.to_string())]);
    match flaw {
        Flaw::OtherRules => w.flaw_rules.into(),
        Flaw::OtherStories => w.flaw_stories.into(),
        Flaw::OtherCards => w.flaw_cards.into(),
        Flaw::NotAsked => w.flaw_not_asked.into(),
        Flaw::Card(number) => card(w.flaw_card, *number),
        Flaw::Answer(number) => card(w.flaw_answer, *number),
        Flaw::Marked(number) => card(w.flaw_marked, *number),
        Flaw::Score => w.flaw_score.into(),
        Flaw::Revision => w.flaw_revision.into(),
        Flaw::Span => w.flaw_span.into(),
        Flaw::Times(number) => card(w.flaw_times, *number),
    }
}
