//! Warnings that the file accepts where they point to, each with its reason.

use std::collections::HashSet;

use crate::rules::file::{Accept, File};
use crate::rules::problem::{Code, Kind, Named, Owner, Problem};
use crate::rules::shape::Problems;
use crate::rules::text::is_blank;

/// Removes the warnings that the file accepts, and adds what is wrong with the acceptances. Whether one is of no use is
/// only known where the file has no error, since an error keeps some warnings from being looked for.
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
            let code = Code::ALL.iter().copied().find(|c| c.can_be_accepted() && c.as_str() == text.value);
            let Some(code) = code else {
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
                found.push(Problem::new(text.span.clone(), Kind::UnusedAcceptance { code }).of(owner));
            }
        }
    }
    problems.extend(found);
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
