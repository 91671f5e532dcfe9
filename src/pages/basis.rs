//! The reasons for this script.

use chrono::FixedOffset;

use super::{Page, Part};
use crate::app::App;

use crate::app::waiting::waiting_notice;
use crate::diagnostics::change::{duty_kind, name_list, text_name};
use crate::loaded::Origin;

use crate::rules::diff::{answer_before, marked, other_changes, spoken_change};
use crate::rules::ruleset::RuleSet;
use crate::rules::script::complete;
use crate::times::minute;

/// What changed with the revision; why this is said; the duties and the document; the rule and its line in the file last.
pub fn basis(app: &App) -> Page {
    let words = &app.words().basis;
    let rules = app.rules();
    let rule = app.call().plan(rules).rule;
    let mut page = Page::new(words.title);
    changes(&mut page, app);
    keterangan(&mut page, app);
    contradiction(&mut page, app);
    add_clause(&mut page, app);
    declared(&mut page, app);
    page.gap();
    page.entry(words.requirements, &requirements(rules, app));
    page.entry(words.document, &format!("{} ({})", rules.sop.title, rules.sop.revision));
    let supersedes = rules.sop.supersedes.as_deref().map(|what| words.supersedes(what));
    let issuer = rules.sop.issuer.as_deref().map(|who| words.issuer(who));
    let more: Vec<String> = issuer.into_iter().chain(supersedes).collect();
    page.entry("", &more.join(", "));
    if let Some(waiting) = app.waiting() {
        page.entry("", &waiting_notice(waiting, app.words()));
    }
    let replaced = app.waiting().is_some_and(|waiting| waiting.origin == app.loaded().origin);
    let source = match &app.loaded().origin {
        // The file has the waiting revision now.
        Origin::File(_) if replaced => words.last_good.to_owned(),
        Origin::BuiltIn => words.built_in.to_owned(),
        Origin::File(path) => crate::rules::text::clean(&path.display().to_string()),
        Origin::LastGood(_) => words.last_good.to_owned(),
    };
    page.entry(words.source, &source);
    page.entry(words.rule, &words.rule_line(rule.line, &rule.id));
    page
}

/// Why this is said.
pub fn reasons(app: &App) -> Page {
    let mut page = Page::new(app.words().basis.why_title);
    // Beside the script there may be no room for everything: what the badge announces comes first.
    contradiction(&mut page, app);
    keterangan(&mut page, app);
    add_clause(&mut page, app);
    page
}

/// The Keterangan of the shown step, and what leaving it out costs.
fn keterangan(page: &mut Page, app: &App) {
    let words = &app.words().basis;
    let Some(step) = app.shown().map(|step| app.rules().step(step)) else { return };
    let note = match (&step.basis, &step.note) {
        (Some(basis), Some(note)) => format!("{basis}: {note}"),
        (Some(text), None) | (None, Some(text)) => text.clone(),
        (None, None) => String::new(),
    };
    page.entry(&words.keterangan(&step.title), &note);
    if !step.score.is_empty() {
        page.entry(words.score, &words.costs(step.score.join(" · ")));
    }
    page.gap();
}

/// The clause of the script, the conditions that decide it, and what is not said any more.
fn add_clause(page: &mut Page, app: &App) {
    let (rules, words) = (app.rules(), &app.words().basis);
    let rule = app.call().plan(rules).rule;
    page.entry(words.clause, rule.basis.as_deref().unwrap_or_default());
    page.entry(words.why, &app.facts_text_in(app.call().deciding(), |fact| rule.when.values(fact).is_some()));
    for late in app.call().overtaken() {
        let which = |fact| late.facts.iter().any(|(changed, _)| *changed == fact);
        page.gap();
        page.entry(
            words.overtaken,
            &words.overtaken_line(app.facts_text(which), &app.when(late.at).0, &rules.step(late.step).title),
        );
    }
}

/// By whom, why and until when facts were declared; a row of the screen may have cut it.
fn declared(page: &mut Page, app: &App) {
    for (at, fact) in app.rules().facts.iter().enumerate() {
        let declared = app.declaration_text(at, str::to_owned);
        if !declared.is_empty() {
            page.gap();
            let since = app.since_text(at);
            page.entry(&fact.label, &std::iter::once(since).chain(declared).collect::<Vec<_>>().join(" · "));
        }
    }
}

/// The contradiction in the SOP while it affects a remaining sentence; after that, what was said.
fn contradiction(page: &mut Page, app: &App) {
    let (rules, words) = (app.rules(), &app.words().basis);
    if let Some(caution) = app.call().caution(rules) {
        page.entry(words.caution, caution);
    } else if app.call().plan(rules).rule.caution.is_some() {
        let said = app.call().spoken_alternatives(rules).into_iter().map(|step| {
            let step = rules.step(step);
            step.basis.as_ref().map_or_else(|| step.title.clone(), |basis| format!("{} ({basis})", step.title))
        });
        page.entry(words.said_already, &said.collect::<Vec<_>>().join(" · "));
    } else {
        return;
    }
    page.gap();
}

/// What a new revision changed: the closing of this situation, the greetings, the duties and other texts.
fn changes(page: &mut Page, app: &App) {
    let Some(previous) = app.previous_rules() else { return };
    let words = &app.words().basis;
    let revision = &previous.rules.sop.revision;
    let situation = app.call().deciding();
    let besides = other_changes(&previous.rules, app.rules());
    let change = spoken_change(&previous.rules, app.rules(), situation);
    // With the same steps, the words still differ if a greeting or a field changed.
    let (old, new) = match &change {
        Some((before, after)) => (spoken(app, &previous.rules, &before.steps), spoken(app, app.rules(), &after.steps)),
        None => match answer_before(&previous.rules, app.rules(), situation) {
            Some(before) => {
                let now = app.call().plan(app.rules()).rule.steps.iter();
                let now: Vec<&str> = now.map(|ix| app.rules().step(*ix).id.as_str()).collect();
                (spoken(app, &previous.rules, &before.steps), spoken(app, app.rules(), &now))
            }
            None => (String::new(), String::new()),
        },
    };
    if change.is_some() || old != new {
        let (before, after) = marked(&old, &new);
        page.parts.push(Part::Heading(words.changes.into()));
        page.parts.push(Part::Marked(words.changes_from(revision), before));
        page.parts.push(Part::Marked(words.changes_to.into(), after));
    } else {
        page.entry(words.changes, &words.unchanged(revision));
    }
    let hours = besides.greetings.iter().map(|change| {
        format!(
            "{}–{}: {} → {}",
            minute(change.from, app.words()),
            minute(change.to, app.words()),
            change.before,
            change.after
        )
    });
    page.entry(words.changes_greeting, &hours.collect::<Vec<_>>().join(" · "));
    let duties = besides.duties.iter().map(|change| format!("{}: {}", duty_kind(change.kind, app.words()), change.id));
    page.entry(words.changes_duties, &duties.collect::<Vec<_>>().join(" · "));
    let offset = |offset: Option<FixedOffset>| offset.map_or_else(|| "–".to_owned(), |offset| offset.to_string());
    let zones = besides.zones.iter().map(|z| format!("{}: {} → {}", z.id, offset(z.before), offset(z.after)));
    page.entry(words.changes_zones, &zones.collect::<Vec<_>>().join(" · "));
    page.entry(words.changes_added, &name_list(&besides.added));
    page.entry(words.changes_removed, &name_list(&besides.removed));
    for (at, text) in besides.texts.iter().enumerate() {
        let name = text_name(text.subject, &text.id, text.field, app.words());
        let [before, after] = [&text.before, &text.after].map(|text| text.as_deref().unwrap_or("–"));
        let heading = if at == 0 { words.changes_others } else { "" };
        page.entry(heading, &format!("{name}: {before} → {after}"));
    }
    page.gap();
}

/// The sentences of these steps for this customer now, under the given rules.
fn spoken(app: &App, rules: &RuleSet, steps: &[&str]) -> String {
    let fields = app.fields().migrated(app.rules(), rules);
    let steps = steps.iter().filter_map(|id| rules.step_named(id));
    complete(rules, steps, &fields, rules.greetings.word(app.local())).to_string()
}

/// The duties and prohibitions for this situation.
fn requirements(rules: &RuleSet, app: &App) -> String {
    let here = rules.requirements.iter().filter(|r| r.when.contains(app.call().deciding().values()));
    let texts: Vec<String> = here
        .map(|r| match &r.basis {
            Some(basis) => format!("{} ({basis})", r.id),
            None => r.id.clone(),
        })
        .collect();
    texts.join(" · ")
}
