//! The feedback of practice: what was right in a card and what was not, the sentence, the clause and why; and the score
//! sheet by rule and by fact.

use ratatui::text::Line;

use super::DrawContext;
use super::drill::{mark_span, sentence_lines};
use super::lines::wrap;
use super::panel::Lines;
use crate::drill::card::Card;
use crate::drill::grade::{Answer, SpokenMark, asked_name};
use crate::drill::session::Session;
use crate::drill::sheet::{GradedAnswer, Tally, by_fact, by_rule};
use crate::drill::texts;
use crate::rules::RuleSet;
use crate::rules::ruleset::{FieldKind, StepIx};
use crate::tui::theme::Role;
use crate::words::Words;
use crate::wrap::shorten;

/// What was right in the card that was just answered.
pub fn card(look: &DrawContext<'_>, session: &Session) -> Vec<Line<'static>> {
    let (rules, words) = (session.rules(), session.words());
    let (Some(done), Some(card)) = (session.last_graded(), session.card()) else { return Vec::new() };
    let w = &words.drill;
    let mut page = Lines::new(look, if done.grade.is_right() { w.right } else { w.not_right });
    page.gap();
    for (right, text) in points(rules, words, card, done) {
        point(&mut page, look, right, &text);
    }
    if let Answer::Spoken { marks } = &done.answer {
        for (at, step) in card.spoken(rules).into_iter().enumerate() {
            let mark = mark_span(look, words, marks.get(at).copied());
            let title = look.span(format!("   {}", rules.step(step).title), Role::Text);
            page.push(look.two_ends(vec![title], vec![mark]));
        }
    }
    page.gap();
    page.push(Line::from(look.span(format!(" {}", w.sentence), Role::Muted)));
    for line in sentence_lines(look, &card.sentence(rules), Role::Sentence) {
        page.push(line);
    }
    page.gap();
    why(&mut page, rules, words, card, done);
    page.into_lines()
}

fn point(page: &mut Lines<'_, '_>, look: &DrawContext<'_>, right: bool, text: &str) {
    let (mark, role) = if right { ("√", Role::Said) } else { ("-", Role::Badge) };
    let mut lines = wrap([(text, look.style(Role::Text))], look.columns.saturating_sub(5).max(1));
    for (at, line) in lines.iter_mut().enumerate() {
        if at == 0 {
            line.spans.splice(0..0, [look.span(" ", Role::Text), look.span(mark, role), look.span(" ", Role::Text)]);
        } else {
            line.spans.insert(0, look.span("   ", Role::Text));
        }
    }
    for line in lines {
        page.push(line);
    }
}

fn titles(rules: &RuleSet, steps: &[StepIx], none: &str) -> String {
    if steps.is_empty() {
        return none.into();
    }
    steps.iter().map(|s| rules.step(*s).title.as_str()).collect::<Vec<_>>().join(" → ")
}

/// Each graded part, and whether it was right.
pub fn points(rules: &RuleSet, words: &Words, card: &Card, done: &GradedAnswer) -> Vec<(bool, String)> {
    let w = &words.drill;
    let grade = &done.grade;
    let mut out = Vec::new();
    let both = |label: &str, value: &str, given: &str, right: bool| {
        (right, if right { w.is_right(label, value) } else { w.should_be(given, label, value) })
    };
    match &done.answer {
        Answer::Case { situation, zone, honorific, name, said } => {
            // Only facts that the story mentions are graded; the others make no difference.
            for (at, fact) in rules.facts.iter().enumerate().filter(|(at, _)| card.mentioned[*at]) {
                let value = |of: usize| fact.values[of].label.as_str();
                let (given, asked) = (situation.value(at), card.situation.value(at));
                let right = grade.facts[at];
                out.push(if right && given != asked {
                    (true, w.no_difference(value(given), &fact.label, value(asked)))
                } else {
                    both(&fact.label, value(asked), value(given), right)
                });
            }
            let id = |zone: usize| rules.zones[zone].id.as_str();
            if rules.zones.len() > 1 {
                let at = w.zone_of(&card.person.place, id(card.zone));
                out.push(both(w.zone, &at, id(*zone), grade.zone));
            }
            if let Some((field, choice)) = card.honorific
                && let FieldKind::Choice(choices) = &rules.field(field).kind
            {
                let given = honorific.and_then(|at| choices.get(at)).map_or("-", |choice| choice.text.as_str());
                out.push(both(&rules.field(field).label, &choices[choice].text, given, grade.honorific));
            }
            if let Some(field) = asked_name(rules, card) {
                let given = if name.is_empty() { words.plain.missing } else { name };
                out.push(both(&rules.field(field).label, &card.person.name, given, grade.name));
            }
            out.push(steps(rules, words, &card.spoken(rules), said, grade.steps));
        }
        Answer::Blind { steps: given, greeting } => {
            out.push(steps(rules, words, &card.spoken(rules), given, grade.steps));
            let given = greeting.and_then(|at| rules.greetings.rows().get(at)).map_or("-", |g| g.word.as_str());
            let local = card.local();
            let time = crate::times::clock(&local, words);
            let zone = rules.zones[card.zone].id.as_str();
            out.push(both(
                w.blind_greeting,
                &w.greeting_at(&time, card.greeting_word(rules), zone),
                given,
                grade.greeting,
            ));
        }
        Answer::Spoken { marks } => {
            let exact = marks.iter().filter(|m| **m == SpokenMark::Exact).count().to_string();
            out.push((grade.steps, w.sentences_exact(card.spoken(rules).len().to_string(), exact)));
        }
    }
    out
}

fn steps(rules: &RuleSet, words: &Words, asked: &[StepIx], given: &[StepIx], right: bool) -> (bool, String) {
    let w = &words.drill;
    if right {
        return (true, w.steps_right(titles(rules, asked, w.nothing)));
    }
    let of = |some: &[StepIx], others: &[StepIx]| -> Vec<StepIx> {
        some.iter().copied().filter(|s| !others.contains(s)).collect()
    };
    let (missing, extra) = (of(asked, given), of(given, asked));
    let mut parts = vec![w.steps_given(titles(rules, given, w.nothing))];
    if !missing.is_empty() {
        parts.push(w.steps_missing(titles(rules, &missing, "")));
    }
    if !extra.is_empty() {
        parts.push(w.steps_extra(titles(rules, &extra, "")));
    }
    if missing.is_empty() && extra.is_empty() {
        parts.push(w.steps_order(titles(rules, asked, "")));
    }
    (false, parts.join(" "))
}

/// The rule's clause, the facts that made it fire, and the Keterangan of every step that was wrong.
fn why(page: &mut Lines<'_, '_>, rules: &RuleSet, words: &Words, card: &Card, done: &GradedAnswer) {
    let rule = card.plan(rules).rule;
    page.entry(words.basis.clause, rule.basis.as_deref().unwrap_or(&rule.id));
    let held = rules.facts.iter().enumerate().filter(|(at, _)| card.mentioned[*at] && rule.when.values(*at).is_some());
    let because: Vec<String> =
        held.map(|(at, f)| format!("{}: {}", f.label, f.values[card.situation.value(at)].label)).collect();
    page.entry(words.basis.why, &because.join(" · "));
    if let Some(caution) = &rule.caution {
        page.entry(words.basis.caution, caution);
    }
    let asked = card.spoken(rules);
    let given: &[StepIx] = match &done.answer {
        Answer::Case { said, .. } => said,
        Answer::Blind { steps, .. } => steps,
        Answer::Spoken { .. } => &asked,
    };
    let differ = asked.iter().filter(|s| !given.contains(s)).chain(given.iter().filter(|s| !asked.contains(s)));
    for step in differ.map(|s| rules.step(*s)) {
        let told: Vec<&str> = [step.basis.as_deref(), step.note.as_deref()].into_iter().flatten().collect();
        page.entry(&words.basis.keterangan(&step.title), &told.join(": "));
    }
}

/// The score by rule and by fact.
pub fn score(look: &DrawContext<'_>, session: &Session) -> Vec<Line<'static>> {
    let w = &session.words().drill;
    let sheet = session.sheet();
    let mut page = Lines::new(look, &w.score_line(sheet.cards.len(), sheet.score.unwrap_or(0), sheet.right()));
    if sheet.exam {
        let role = if sheet.passed { Role::Said } else { Role::Badge };
        page.push(Line::from(look.span(format!(" {}", texts::verdict(&sheet, session.words())), role)));
    }
    page.gap();
    let rules = session.rules();
    let by_rule = by_rule(session.rules(), session.results()).into_iter().map(|tally| {
        let named = rules.rules.iter().find(|r| r.id == tally.what);
        let what = named.map_or(tally.what.clone(), |rule| {
            texts::clause_and_condition(rules, rule.basis.as_deref().unwrap_or(&rule.id), &rule.when)
        });
        Tally { what, ..tally }
    });
    tallies(&mut page, look, session.words(), w.by_rule, &by_rule.collect::<Vec<_>>());
    page.gap();
    tallies(&mut page, look, session.words(), w.by_fact, &by_fact(rules, session.results()));
    page.into_lines()
}

fn tallies(page: &mut Lines<'_, '_>, look: &DrawContext<'_>, words: &Words, title: &str, all: &[Tally]) {
    let w = &words.drill;
    page.push(Line::from(look.span(format!(" {title}"), Role::Muted)));
    for tally in all {
        let full = tally.right == tally.asked;
        let mark = if full { look.span(" √ ", Role::Said) } else { look.span("   ", Role::Text) };
        let right = look.span(w.tally(tally.asked, tally.right), if full { Role::Said } else { Role::Badge });
        let room = look.columns.saturating_sub(4 + crate::wrap::width(&right.content));
        let what = look.span(shorten(&tally.what, room), Role::Text);
        page.push(look.two_ends(vec![mark, what], vec![right]));
    }
}
