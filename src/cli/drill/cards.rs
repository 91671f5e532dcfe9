//! `penutup drill --cards`: prints cards for the partner who plays the customer, the expected answer below each story.

use std::fmt::Write as _;

use crate::cli::table::in_markdown;

use super::Materials;
use crate::cli::{Context, Stop, VerbOutput};
use crate::diagnostics::shown;
use crate::drill::card::Card;
use crate::drill::texts;
use crate::rules::RuleSet;
use crate::rules::ruleset::StepWords;
use crate::words::Words;

/// Prints them.
///
/// # Errors
/// If no story fits the rules.
pub fn run(materials: &Materials, seed: u64, count: Option<u16>, context: &Context) -> Result<VerbOutput, Stop> {
    let (rules, words) = (&materials.loaded.rules, context.words());
    let w = &words.drillverb;
    let (cards, not_asked) = super::generate_cards(materials, seed, count, None, context)?;
    let mut out = format!("# {}\n\n{}\n", in_markdown(w.cards_title(&rules.sop.revision, seed)), w.cards_intro);
    if let Some(old) = &materials.since {
        let _ =
            write!(out, "\n{}\n", in_markdown(words.drill.changed_since(cards.len(), shown(&old.rules.sop.revision))));
    }
    if !not_asked.is_empty() {
        let _ = write!(out, "\n{}\n", in_markdown(texts::not_asked(&not_asked, words)));
    }
    for (number, card) in (1..).zip(&cards) {
        one(&mut out, number, card, rules, words);
    }
    Ok(VerbOutput::done(out))
}

fn one(out: &mut String, number: usize, card: &Card, rules: &RuleSet, words: &Words) {
    let w = &words.drillverb;
    let local = card.local();
    let time = crate::times::clock(&local, words);
    let (place, who) = (in_markdown(&card.person.place), in_markdown(card.person.introduced()));
    let caller = w.cards_caller(place, time, who, in_markdown(&rules.zones[card.zone].id));
    let _ = write!(out, "\n---\n\n## {}\n\n{}\n\n", w.cards_number(number), caller);
    let _ = write!(out, "> {}\n\n**{}**\n\n", in_markdown(&card.story), w.cards_expected);
    let facts = rules.facts.iter().enumerate().filter(|(at, _)| card.mentioned[*at]);
    let facts: Vec<String> = facts
        .map(|(at, f)| format!("{}: {}", in_markdown(&f.label), in_markdown(&f.values[card.situation.value(at)].label)))
        .collect();
    if !facts.is_empty() {
        let _ = writeln!(out, "- {}", facts.join(" · "));
    }
    for ix in card.plan(rules).steps() {
        let step = rules.step(*ix);
        let basis = step.basis.as_ref().map(|b| format!(" ({})", in_markdown(b))).unwrap_or_default();
        let _ = match (&step.words, card.sentence_of(rules, *ix)) {
            (StepWords::Say(_), Some(sentence)) => writeln!(out, "- [ ] {}{basis}", in_markdown(sentence.to_string())),
            (StepWords::Remind(text), _) => writeln!(out, "- *{}*{basis}", in_markdown(text)),
            (StepWords::Say(_), None) => Ok(()),
        };
    }
    let rule = card.plan(rules).rule;
    let basis = rule.basis.as_deref().unwrap_or(&rule.id);
    let _ = writeln!(out, "- {}: {}", words.basis.clause, in_markdown(basis));
    if let Some(caution) = &rule.caution {
        let _ = writeln!(out, "- {}: {}", words.basis.caution, in_markdown(caution));
    }
}
