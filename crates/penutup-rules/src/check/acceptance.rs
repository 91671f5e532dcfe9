//! Warnings that a table of the file accepts, each with its reason.

use std::collections::HashSet;

use crate::file::{Accept, File, Text};
use crate::problem::{Code, Kind, Named, Owner, Problem};
use crate::ruleset::Acceptance;
use crate::shape::Problems;
use crate::text::is_blank;

/// Removes accepted warnings and reports problems of the acceptances. Unused ones are reported only for a file without
/// errors, since an error prevents some checks.
pub fn apply(file: &File, problems: &Problems) {
    let mut problems = problems.borrow_mut();
    let complete = !problems.iter().any(Problem::is_error);
    let mut found = Vec::new();
    for (owner, accept) in tables(file) {
        if let Some(because) = accept.because.as_ref().filter(|b| is_blank(&b.value)) {
            found.push(Problem::new(because.span.clone(), Kind::Empty { key: "because" }));
        }
        let mut seen = HashSet::new();
        for text in &accept.codes {
            let Some(code) = accepted(&text.value) else {
                let valid = Code::ALL.iter().filter(|c| c.can_be_accepted()).map(|c| c.as_str().to_owned()).collect();
                let kind = Kind::NotOneOf { key: "accept", found: text.value.clone(), valid };
                found.push(Problem::new(text.span.clone(), kind));
                continue;
            };
            if !seen.insert(code) {
                let kind = Kind::Duplicate { what: Named::Warning, id: text.value.clone() };
                found.push(Problem::new(text.span.clone(), kind));
                continue;
            }
            let before = problems.len();
            problems.retain(|p| p.code() != code || p.owner != owner);
            if complete && problems.len() == before {
                found.push(Problem::new(text.span.clone(), Kind::UnusedAcceptance { code }).with_owner(owner));
            }
        }
    }
    problems.extend(found);
}

/// The accepted warnings, each with its table and reason.
pub fn list(file: &File) -> Vec<Acceptance> {
    let id = |text: &Option<Text>| text.as_ref().map(|t| t.value.clone()).unwrap_or_default();
    let named = |owner: Owner| match owner {
        Owner::File => ("", String::new()),
        Owner::Sop => ("sop", String::new()),
        Owner::Fact(at) => ("fact", id(&file.facts[at].id)),
        Owner::Field(at) => ("field", id(&file.fields[at].id)),
        Owner::Step(at) => ("step", id(&file.steps[at].id)),
        Owner::Rule(at) => ("rule", id(&file.rules[at].id)),
        Owner::Requirement(at) => ("require", id(&file.requirements[at].id)),
    };
    let mut found = Vec::new();
    for (owner, accept) in tables(file) {
        let (table, id) = named(owner);
        let because = accept.because.as_ref().map(|b| b.value.clone()).unwrap_or_default();
        let codes = accept.codes.iter().filter_map(|text| accepted(&text.value));
        found.extend(codes.map(|code| Acceptance { table, id: id.clone(), code, because: because.clone() }));
    }
    found
}

/// The warning with this name, if it can be accepted.
fn accepted(name: &str) -> Option<Code> {
    Code::ALL.iter().copied().find(|code| code.can_be_accepted() && code.as_str() == name)
}

/// Every table that may accept a warning.
fn tables(file: &File) -> impl Iterator<Item = (Owner, &Accept)> {
    let sop = file.sop.iter().map(|s| (Owner::Sop, &s.accept));
    let facts = file.facts.iter().enumerate().map(|(at, t)| (Owner::Fact(at), &t.accept));
    let fields = file.fields.iter().enumerate().map(|(at, t)| (Owner::Field(at), &t.accept));
    let steps = file.steps.iter().enumerate().map(|(at, t)| (Owner::Step(at), &t.accept));
    let rules = file.rules.iter().enumerate().map(|(at, t)| (Owner::Rule(at), &t.accept));
    let requirements = file.requirements.iter().enumerate().map(|(at, t)| (Owner::Requirement(at), &t.accept));
    let root = std::iter::once((Owner::File, &file.accept));
    root.chain(sop).chain(facts).chain(fields).chain(steps).chain(rules).chain(requirements)
}
