//! The result sheet as text.

use std::fmt::Write as _;

use crate::diagnostics::shown;

use crate::drill::card::Card;
use crate::drill::grade::Answer as Given;
use crate::drill::session::Session;
use crate::drill::sheet::{Sheet, Tally, by_fact, by_rule, honorific_text};
use crate::drill::texts;
use crate::rules::RuleSet;
use crate::rules::ruleset::StepIx;
use crate::times::{minute, moment};
use crate::words::Words;

/// A session's sheet as text.
pub fn text(session: &Session) -> String {
    let (sheet, rules, words) = (session.sheet(), session.rules(), session.words());
    let (w, d) = (&words.drillverb, &words.drill);
    let kind = if sheet.exam { d.exam } else { d.practice };
    let who = sheet.trainee.as_ref().map(|id| format!(" · {id}")).unwrap_or_default();
    let home = rules.zones[session.setup().home].offset;
    let local = |at| moment(at, home, rules, words);
    let mut out = format!(
        "{}\n{}\n{}",
        w.sheet_title(kind, shown(&sheet.revision), session.kind().label(words), who),
        match sheet.seed {
            Some(seed) => w.sheet_from(local(session.setup().now), local(session.now()), seed, &sheet.rules_sha256),
            None => w.sheet_unfinished(local(session.setup().now), local(session.now()), &sheet.rules_sha256),
        },
        match sheet.score {
            Some(score) => d.score_line(sheet.cards.len(), score, sheet.right()),
            None => d.unfinished(sheet.cards.len(), sheet.count),
        },
    );
    out.push_str(&verdict(&sheet, words));
    out.push('\n');
    if let Some(too_few) = sheet.exam.then(|| texts::too_few_cards(sheet.pass, sheet.count, words)).flatten() {
        out += &too_few;
        out.push('\n');
    }
    if !sheet.not_asked.is_empty() {
        out += &texts::not_asked(&sheet.not_asked, words);
        out.push('\n');
    }
    if !sheet.is_unfinished() {
        tallies(&mut out, d.by_rule, &by_rule(rules, session.results()), words);
        tallies(&mut out, d.by_fact, &by_fact(rules, session.results()), words);
    }
    if sheet.cards.is_empty() {
        return out;
    }
    let _ = write!(out, "\n{}\n", w.sheet_cards);
    for ((number, row), (card, done)) in (1..).zip(&sheet.cards).zip(session.results()) {
        let seconds = w.sheet_seconds((done.answered - done.shown).num_seconds());
        let call = format!("{}  {} {}", row.scenario, minute(card.minute, words), row.zone);
        let given = answer(&done.answer, card, rules, words);
        if let Some(expected) = &row.expected {
            let mark = if expected.right { "√" } else { "-" };
            let steps = titles(&card.spoken(rules), rules);
            let (rule, greeting) = (&expected.rule, &expected.greeting);
            let _ = writeln!(out, "  {number:>2} {mark} {call}  {rule}: {steps} · {greeting}{seconds}");
            let mark = if expected.right { d.right } else { d.not_right };
            let _ = writeln!(out, "       {}", w.sheet_answer(&given, mark));
        } else {
            let _ = writeln!(out, "  {number:>2}   {call}{seconds}");
            let _ = writeln!(out, "       {}", w.sheet_given(&given));
        }
    }
    out
}

/// The titles of steps, in this order.
fn titles(steps: &[StepIx], rules: &RuleSet) -> String {
    steps.iter().map(|ix| rules.step(*ix).title.as_str()).collect::<Vec<_>>().join(" → ")
}

/// The end of the score line: passed or not, complete or not.
fn verdict(sheet: &Sheet, words: &Words) -> String {
    let d = &words.drill;
    let passed = sheet.exam.then(|| texts::verdict(sheet, words));
    let broken = (!sheet.exam && !sheet.complete).then(|| d.broken_off.to_owned());
    passed.into_iter().chain(broken).fold(String::new(), |out, part| format!("{out}. {part}"))
}

/// What was answered.
fn answer(answer: &Given, card: &Card, rules: &RuleSet, words: &Words) -> String {
    let d = &words.drill;
    let named = |label: &str, value: &str| d.is_right(label, value);
    let parts = match answer {
        Given::Case { situation, zone, honorific, name, said } => {
            let facts = rules.facts.iter().enumerate();
            let facts = facts.map(|(at, fact)| named(&fact.label, &fact.values[situation.value(at)].label));
            let honorific = honorific.and_then(|choice| honorific_text(rules, choice)).unwrap_or_default();
            let called = shown(format!("{honorific} {name}").trim());
            let facts = facts.collect::<Vec<_>>().join(", ");
            [Some(facts), Some(rules.zones[*zone].id.clone()), Some(called), Some(titles(said, rules))]
        }
        Given::Blind { steps, greeting } => {
            let word = greeting.map(|at| rules.greetings.rows()[at].word.clone());
            [Some(titles(steps, rules)), word, None, None]
        }
        Given::Spoken { marks } => {
            let steps = card.spoken(rules);
            let marked: Vec<String> =
                steps.iter().zip(marks).map(|(ix, mark)| named(&rules.step(*ix).title, mark.label(words))).collect();
            [Some(marked.join(", ")), None, None, None]
        }
    };
    let parts: Vec<String> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { d.nothing.into() } else { parts.join(" · ") }
}

fn tallies(out: &mut String, title: &str, all: &[Tally], words: &Words) {
    let d = &words.drill;
    let _ = write!(out, "\n{title}\n");
    for tally in all {
        let full = tally.right == tally.asked;
        let count = d.tally(tally.asked, tally.right);
        let _ = writeln!(out, "  {} {:<32} {count}", if full { "√" } else { " " }, shown(&tally.what));
    }
}
