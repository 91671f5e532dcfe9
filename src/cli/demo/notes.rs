//! `penutup demo --notes`: the page that a trainer holds in the hand. For each scene: what to ask the class and, step by
//! step, the caption, what is set with which key, the sentence to be said then, and its clause.

use std::fmt::Write as _;

use crate::app::{App, Mode};
use crate::cli::table::in_markdown;
use crate::drill::deck::{Scene, Set, Step};
use crate::drill::show::{Show, ShowAction};
use crate::keymap::{Key, key_of};
use crate::rules::ruleset::FieldKind;
use crate::times::clock;
use crate::words::Words;

use crate::action::Action;

/// The page, in Markdown.
pub fn page(mut show: Show) -> String {
    let words = show.words();
    let w = &words.demo;
    let revision = in_markdown(&show.app().rules().sop.revision);
    let mut out = format!("# {}\n\n{}\n", in_markdown(show.title()), w.notes_intro(&revision));
    for title in show.left_out() {
        let _ = write!(out, "\n{}\n", w.notes_left_out(in_markdown(title)));
    }
    loop {
        if show.step().0 == 0 {
            opening(&mut out, show.at().0 + 1, show.scene(), words);
        }
        step(&mut out, &show, words);
        show.update(ShowAction::Step);
        if show.has_ended() {
            return out;
        }
    }
}

fn opening(out: &mut String, number: usize, scene: &Scene, words: &Words) {
    let _ = write!(out, "\n---\n\n## {number}. {}\n", in_markdown(&scene.title));
    if !scene.story.is_empty() {
        let _ = write!(out, "\n> {}\n", in_markdown(&scene.story));
    }
    if !scene.ask.is_empty() {
        let _ = write!(out, "\n**{}** {}\n", words.demo.notes_ask, in_markdown(&scene.ask));
    }
    out.push('\n');
}

fn step(out: &mut String, show: &Show, words: &Words) {
    let (w, app) = (&words.demo, show.app());
    let (at, _) = show.step();
    let step = show.current_step();
    let _ = writeln!(out, "{}. {}", at + 1, in_markdown(&step.caption));
    let set = settings(app, step, at == 0, words);
    if !set.is_empty() {
        let _ = writeln!(out, "   - {}: {}", w.notes_set, set.join(" · "));
    }
    match app.mode() {
        Mode::EndPrompt => {
            let _ = writeln!(out, "   - {}", w.notes_end);
        }
        Mode::Panel(_) => {
            let _ = writeln!(out, "   - {}", w.notes_basis);
        }
        _ => {}
    }
    let rules = app.rules();
    match app.shown().and_then(|step| Some((rules.step(step), app.sentence(step)?))) {
        Some((step, sentence)) => {
            let _ = writeln!(out, "   - {}: {}", in_markdown(&step.title), in_markdown(sentence.to_string()));
        }
        None => {
            let _ = writeln!(out, "   - {}", w.notes_complete);
        }
    }
    if let Some(clause) = show.clause() {
        let _ = writeln!(out, "   - {}", in_markdown(clause));
    }
}

/// What a step sets, each with its key in the prompter.
fn settings(app: &App, step: &Step, is_opening: bool, words: &Words) -> Vec<String> {
    let (w, rules) = (&words.demo, app.rules());
    let keyed = |action: Action, text: String| match key_of(app, &action) {
        Some(key) => w.notes_keyed(key.name(words), &text),
        None => text,
    };
    let mut out: Vec<String> = step
        .set
        .iter()
        .map(|set| match set {
            Set::Fact(fact, value) => {
                let fact_rules = &rules.facts[*fact];
                let value = &fact_rules.values[*value].label;
                keyed(Action::Fact(*fact), in_markdown(format!("{}: {value}", fact_rules.label)))
            }
            Set::Choice(field, choice) => {
                let of = rules.field(*field);
                let text = match &of.kind {
                    FieldKind::Choice(choices) => choices[*choice].text.clone(),
                    FieldKind::Typed(_) => String::new(),
                };
                keyed(Action::Field(*field), in_markdown(format!("{}: {text}", of.label)))
            }
            Set::Typed(field, text) => {
                let text = format!("{}: {text} {}", rules.field(*field).label, w.sample);
                keyed(Action::Field(*field), in_markdown(text))
            }
            Set::Zone(zone) if is_opening => in_markdown(&rules.zones[*zone].id),
            Set::Zone(zone) => keyed(Action::Zone, in_markdown(&rules.zones[*zone].id)),
            Set::Clock(_) => w.notes_at(clock(&app.local(), words)),
        })
        .collect();
    if step.say > 0 {
        out.push(w.notes_said(step.say, Key::Char(' ').name(words)));
    }
    out
}
