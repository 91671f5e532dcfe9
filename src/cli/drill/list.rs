//! `penutup drill --list`: the number of stories for each rule, requirement and zone, and what they can't cover.

use std::fmt::Write as _;

use super::Materials;
use crate::cli::{Context, Status, VerbOutput};
use crate::diagnostics::shown;
use crate::drill::generate::{CardGenerator, edges};

use crate::rules::space::Cube;
use crate::words::Words;

/// Prints the list; status 1 if no story reaches a rule or requirement, or one gives the answer away.
pub fn run(materials: &Materials, context: &Context) -> VerbOutput {
    let (rules, w) = (&materials.loaded.rules, &context.words().drillverb);
    let generator = CardGenerator::new(rules, &materials.stories);
    let usable = generator.usable_scenarios();
    let tellings: usize = usable.iter().map(|s| s.texts.len()).sum();
    let mut out =
        w.list_title(edges(rules).len().to_string(), &rules.sop.revision, usable.len(), tellings, rules.zones.len())
            + "\n";
    let rows = rules.rules.iter().map(|r| (r.id.as_str(), &r.when));
    let duties = rules.requirements.iter().map(|r| (r.id.as_str(), &r.when));
    let mut unreached = section(&mut out, w.list_rules, rows, &generator, context.words());
    unreached += section(&mut out, w.list_requirements, duties, &generator, context.words());
    let _ = write!(out, "\n{}\n", w.list_zones);
    for zone in &rules.zones {
        let places = materials.stories.places.iter().filter(|p| p.zone.eq_ignore_ascii_case(&zone.id));
        let count: usize = places.map(|p| p.names.len()).sum();
        let count_text = w.list_places(count);
        // A zone without a place can be asked about as well: its name is used as the place.
        let (mark, text) = if count > 0 { ("√", count_text.as_str()) } else { ("-", w.list_no_place) };
        let _ = writeln!(out, "  {mark} {id:<28} {text}", id = shown(&zone.id));
    }
    for (title, values) in
        [(w.list_never_told, generator.unmentioned_values()), (w.list_unknown_values, generator.unreviewed_values())]
    {
        if !values.is_empty() {
            let _ = write!(out, "\n{title}\n  {}\n", values.join(", "));
        }
    }
    let left_out: Vec<&str> = generator.unusable_scenarios().collect();
    let all = materials.stories.scenarios.iter().map(|s| s.id.as_str());
    let undecided: Vec<&str> = all.filter(|id| !left_out.contains(id) && usable.iter().all(|s| s.id != *id)).collect();
    for (title, ids) in [(w.list_left_out, &left_out), (w.list_undecided, &undecided)] {
        if !ids.is_empty() {
            let _ = write!(out, "\n{title}\n  {}\n", ids.join(", "));
        }
    }
    let giveaways = materials.stories.giveaways(rules);
    if !giveaways.is_empty() {
        let _ = write!(out, "\n{}\n", w.list_giveaways);
        for (id, word) in &giveaways {
            let _ = writeln!(out, "  - {id:<28} {word}", id = shown(id), word = shown(word));
        }
    }
    if unreached > 0 {
        let _ = write!(out, "\n{}\n", w.list_unreached(unreached));
    }
    let mut answer = VerbOutput::done(out);
    answer.status = if unreached > 0 || !giveaways.is_empty() { Status::No } else { Status::Done };
    answer
}

fn section<'r>(
    out: &mut String,
    title: &str,
    all: impl Iterator<Item = (&'r str, &'r Cube)>,
    generator: &CardGenerator<'_>,
    words: &Words,
) -> usize {
    let w = &words.drillverb;
    let mut unreached = 0;
    let _ = write!(out, "\n{title}\n");
    for (id, when) in all {
        let count = generator.scenarios_for(when);
        let count_text = w.list_stories(count);
        let _ = if count > 0 {
            writeln!(out, "  √ {id:<28} {count_text}", id = shown(id))
        } else {
            unreached += 1;
            writeln!(out, "  - {id:<28} {none}", id = shown(id), none = w.list_none)
        };
    }
    unreached
}
