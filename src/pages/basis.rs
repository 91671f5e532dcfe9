//! Why this script (`D`).

use super::{Page, Part};
use crate::app::App;
use crate::book::Origin;
use crate::rules::diff::{marked, spoken_change};
use crate::rules::ruleset::RuleSet;
use crate::rules::script::complete;
use crate::words::fill;

/// Why this script: the rule, its clause, the contradiction, the Keterangan of the step, the duties, the document.
#[must_use]
pub fn basis(app: &App) -> Page {
    let words = &app.words().basis;
    let rules = app.rules();
    let rule = app.call().plan(rules).rule;
    let mut page = Page::new(words.title);
    changes(&mut page, app);
    contradiction(&mut page, app);
    for late in app.call().overtaken() {
        let which = |fact| late.facts.iter().any(|(changed, _)| *changed == fact);
        let with = [
            ("title", rules.step(late.step).title.as_str()),
            ("facts", &app.facts_told(which)),
            ("time", &app.when(late.at).0),
        ];
        page.entry(words.overtaken, &fill(words.overtaken_line, &with));
        page.gap();
    }
    let place = fill(words.rule_line, &[("rule", &rule.id), ("line", &rule.line.to_string())]);
    page.entry(words.rule, &place);
    page.entry(words.clause, rule.basis.as_deref().unwrap_or_default());
    page.entry(words.why, &app.facts_told(|fact| rule.when.values(fact).is_some()));
    if let Some(step) = app.shown() {
        let step = rules.step(step);
        page.gap();
        let heading = fill(words.keterangan, &[("title", &step.title)]);
        let note = match (&step.basis, &step.note) {
            (Some(basis), Some(note)) => format!("{basis}: {note}"),
            (Some(text), None) | (None, Some(text)) => text.clone(),
            (None, None) => String::new(),
        };
        page.entry(&heading, &note);
        page.entry(words.score, &step.score.join(" · "));
    }
    page.gap();
    page.entry(words.requirements, &requirements(rules, app));
    page.gap();
    page.entry(words.document, &format!("{} ({})", rules.sop.title, rules.sop.revision));
    let supersedes = rules.sop.supersedes.as_deref().map(|what| fill(words.supersedes, &[("what", what)]));
    let issuer = rules.sop.issuer.as_deref().map(|who| fill(words.issuer, &[("who", who)]));
    let more: Vec<String> = issuer.into_iter().chain(supersedes).collect();
    page.entry("", &more.join(", "));
    let source = match &app.book().origin {
        Origin::BuiltIn => words.built_in.to_owned(),
        Origin::File(path) => crate::rules::text::clean(&path.display().to_string()),
        Origin::LastGood(_) => words.last_good.to_owned(),
    };
    page.entry(words.source, &source);
    page
}

/// Where the SOP contradicts itself, as long as it decides what is still to be said; then what was said.
fn contradiction(page: &mut Page, app: &App) {
    let (rules, words) = (app.rules(), &app.words().basis);
    if let Some(caution) = app.call().caution(rules) {
        page.entry(words.caution, caution);
    } else if app.call().plan(rules).rule.caution.is_some() {
        let said = app.call().said_of_decided(rules).into_iter().map(|step| {
            let step = rules.step(step);
            step.basis.as_ref().map_or_else(|| step.title.clone(), |basis| format!("{} ({basis})", step.title))
        });
        page.entry(words.said_already, &said.collect::<Vec<_>>().join(" · "));
    } else {
        return;
    }
    page.gap();
}

/// What a new revision changed for the situation on the screen.
fn changes(page: &mut Page, app: &App) {
    let Some(was) = app.was() else { return };
    let words = &app.words().basis;
    let with = [("revision", was.rules.sop.revision.as_str())];
    match spoken_change(&was.rules, app.rules(), app.call().situation()) {
        None => page.entry(words.changes, &fill(words.unchanged, &with)),
        Some((before, after)) => {
            let before = spoken(app, &was.rules, &before.steps);
            let (before, after) = marked(&before, &spoken(app, app.rules(), &after.steps));
            page.parts.push(Part::Heading(words.changes.into()));
            page.parts.push(Part::Marked(fill(words.changes_from, &with), before));
            page.parts.push(Part::Marked(words.changes_to.into(), after));
        }
    }
    page.gap();
}

/// What these steps are, spoken now to this customer, under rules that may be others than the call's.
fn spoken(app: &App, rules: &RuleSet, steps: &[&str]) -> String {
    let fields = app.fields().under(app.rules(), rules);
    let steps = steps.iter().filter_map(|id| rules.step_named(id));
    complete(rules, steps, &fields, rules.greetings.word(app.local())).to_string()
}

/// The duties and prohibitions that speak of this situation.
fn requirements(rules: &RuleSet, app: &App) -> String {
    let here = rules.requirements.iter().filter(|r| r.when.contains(app.call().situation().values()));
    let told: Vec<String> = here
        .map(|r| match &r.basis {
            Some(basis) => format!("{} ({basis})", r.id),
            None => r.id.clone(),
        })
        .collect();
    told.join(" · ")
}
