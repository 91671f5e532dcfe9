//! What another rules file changes, as text.

pub mod duties;

use std::path::Path;

use chrono::FixedOffset;
use num_bigint::BigUint;

use crate::diagnostics::change::{parts, text_name};
use crate::diagnostics::draw::Canvas;
use crate::diagnostics::{counted, grouped};
use crate::files::shown_path;
use crate::page::{Look, Page};
use crate::rules::RuleSet;
use crate::rules::diff::{Cause, Diff, Group, Names, Run, Side, TextChange, marked};
use crate::rules::space::Cube;
use crate::times::minute;
use crate::words::Words;

/// The most conditions of a group in the text output.
const CONDITIONS: usize = 20;
/// The most lines of a file that the text output names as a group's cause.
const CAUSES: usize = 12;

/// A diff of these files as text.
pub fn text(diff: &Diff<'_>, files: [&Path; 2], rules: [&RuleSet; 2], words: &'static Words, canvas: Canvas) -> String {
    Shown { diff, files, words }.text(rules, canvas)
}

/// A diff, its files, and the catalogue.
struct Shown<'d> {
    diff: &'d Diff<'d>,
    files: [&'d Path; 2],
    words: &'static Words,
}

impl Shown<'_> {
    fn file(&self, side: Side) -> &Path {
        match side {
            Side::Old => self.files[0],
            Side::New => self.files[1],
        }
    }

    fn text(&self, rules: [&RuleSet; 2], canvas: Canvas) -> String {
        let w = &self.words.diff;
        let mut page = Page::new(canvas);
        let names = self.files.map(shown_path);
        let [old, new] = [0, 1].map(|at| format!("{} ({})", names[at], rules[at].sop.revision));
        page.line("", &format!("{old} → {new}"), Look::Strong);
        let count = |count: &BigUint| grouped(&count.to_string(), self.words.problem.thousands);
        let all =
            counted(&count(&self.diff.situations), self.words.cli.one_situation, |n| self.words.cli.situations(n));
        if self.diff.is_empty() {
            page.line("", &w.same(&all), Look::Plain);
            return page.finish();
        }
        if !self.diff.is_complete {
            page.line("", w.too_entangled, Look::Strong);
        } else if self.diff.changed > BigUint::ZERO {
            let changed = w.changed(count(&self.diff.changed), &all);
            page.line("", &changed, Look::Strong);
        }
        let parts = parts(&self.diff.counts(), self.words);
        if !parts.is_empty() {
            page.line("", &w.summary(parts.join(", ")), Look::Strong);
        }
        self.duties(&mut page);
        for (at, group) in self.diff.groups.iter().enumerate() {
            page.gap();
            let size =
                counted(&count(&group.situations), self.words.cli.one_situation, |n| self.words.cli.situations(n));
            page.line("", &format!("{}. {size}", at + 1), Look::Strong);
            self.group(&mut page, group);
        }
        self.greetings(&mut page);
        self.texts(&mut page);
        only_in(&mut page, &self.diff.added, [w.added_facts, w.added_values, w.added_steps]);
        only_in(&mut page, &self.diff.removed, [w.removed_facts, w.removed_values, w.removed_steps]);
        page.finish()
    }

    fn group(&self, page: &mut Page, group: &Group<'_>) {
        let w = &self.words.diff;
        let first = if group.cubes.len() > 1 { "   * " } else { "   " };
        for cube in group.cubes.iter().take(CONDITIONS) {
            page.line(first, &self.conditions(cube), Look::Plain);
        }
        self.more(page, "   ", group.cubes.len(), CONDITIONS);
        let (before, after) = (&group.before, &group.after);
        if before.script != after.script {
            self.pair(page, "   ", &before.script.to_string(), &after.script.to_string());
        } else if !before.script.segments().is_empty() {
            page.line("     ", &before.script.to_string(), Look::Plain);
        }
        if before.steps != after.steps {
            page.line("   ", w.steps, Look::Plain);
            self.pair(page, "   ", &before.steps.join(" "), &after.steps.join(" "));
        }
        let place = |cause: &Cause| format!("{}:{}", shown_path(self.file(cause.side)), cause.line);
        let places: Vec<String> = group.causes.iter().take(CAUSES).map(place).collect();
        page.line("   ", &format!("{}: {}", w.cause, places.join(" · ")), Look::Plain);
        self.more(page, "   ", group.causes.len(), CAUSES);
    }

    /// A note that not everything is shown, if so.
    fn more(&self, page: &mut Page, first: &str, all: usize, shown: usize) {
        if all > shown {
            page.line(first, &self.words.diff.more((all - shown).to_string()), Look::Plain);
        }
    }

    /// The facts that a cube restricts.
    fn conditions(&self, cube: &Cube) -> String {
        let conditions = self.diff.facts.iter().zip(self.diff.when(cube));
        let conditions = conditions.filter(|(fact, values)| values.len() < fact.values.len()).map(|(fact, values)| {
            let labels: Vec<&str> = values.iter().map(|value| fact.values[value].label.as_str()).collect();
            format!("{}: {}", fact.label, labels.join(", "))
        });
        let conditions: Vec<String> = conditions.collect();
        if conditions.is_empty() { self.words.diff.everywhere.to_owned() } else { conditions.join(" · ") }
    }

    /// An old and a new text with the changed words marked.
    fn pair(&self, page: &mut Page, indent: &str, before: &str, after: &str) {
        let (old, new) = marked(before, after);
        let nothing = |text: &str| if text.is_empty() { self.words.diff.nothing } else { "" };
        for (mark, runs, text) in [("-", old, before), ("+", new, after)] {
            let mut parts: Vec<(&str, Look)> = vec![(nothing(text), Look::Plain)];
            for (at, Run { text, changed }) in runs.iter().enumerate() {
                if at > 0 {
                    parts.push((" ", Look::Plain));
                }
                parts.push((text, if *changed { Look::Changed } else { Look::Plain }));
            }
            page.paragraph(&format!("{indent}{mark} "), parts);
        }
    }

    fn greetings(&self, page: &mut Page) {
        let w = &self.words.diff;
        if !self.diff.greetings.is_empty() || !self.diff.zones.is_empty() {
            page.gap();
            page.line("", w.greetings, Look::Strong);
        }
        for change in &self.diff.greetings {
            let time = format!("{}–{}", minute(change.from, self.words), minute(change.to, self.words));
            page.line("   ", &format!("{time} · {} → {}", change.before, change.after), Look::Plain);
        }
        for change in &self.diff.zones {
            let offset = |offset: Option<FixedOffset>| offset.map_or(w.nothing.to_owned(), |o| o.to_string());
            let moved = format!("{} → {}", offset(change.before), offset(change.after));
            page.line("   ", &format!("{} · {moved}", change.id), Look::Plain);
        }
    }

    fn texts(&self, page: &mut Page) {
        let w = &self.words.diff;
        if !self.diff.texts.is_empty() {
            page.gap();
            page.line("", w.texts, Look::Strong);
        }
        for TextChange { subject, id, field, before, after } in &self.diff.texts {
            page.line("   ", &text_name(*subject, id, field, self.words), Look::Plain);
            self.pair(page, "   ", before.as_deref().unwrap_or_default(), after.as_deref().unwrap_or_default());
        }
    }
}

/// Facts, values and steps that only one of the files has.
fn only_in(page: &mut Page, names: &Names<'_>, heads: [&str; 3]) {
    if !names.is_empty() {
        page.gap();
    }
    let values: Vec<String> = names.values.iter().map(|(fact, value)| format!("{fact}={value}")).collect();
    let lists = [names.facts.join(", "), values.join(", "), names.steps.join(", ")];
    for (head, list) in heads.into_iter().zip(lists).filter(|(_, list)| !list.is_empty()) {
        page.line("", &format!("{head}: {list}"), Look::Plain);
    }
}
