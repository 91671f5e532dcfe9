//! A diff's requirements: which guarantees are gone or new, and what is allowed without them.

use super::{CONDITIONS, Shown};
use crate::diagnostics::change::duty_kind;
use crate::page::{Look, Page};
use crate::rules::diff::{Allowed, Demand, DutyChange, DutyChangeKind, DutyPart};
use crate::words::Words;

/// "klb-tanpa-campaign (No. 1)".
pub fn name(change: &DutyChange<'_>) -> String {
    match change.basis {
        Some(basis) => format!("{} ({basis})", change.id),
        None => change.id.to_owned(),
    }
}

/// The requirement's text.
pub fn demand(demand: &Demand<'_>, words: &Words) -> String {
    let w = &words.duty;
    match demand {
        Demand::Always(steps) => w.always(steps.join(", ")),
        Demand::Never(steps) => w.never(steps.join(", ")),
        Demand::ExactlyOne(steps) => w.exactly_one(steps.join(", ")),
        Demand::Order(steps) => w.order(steps.join(", ")),
        Demand::Last(step) => w.last(step),
        Demand::Alternatives(steps) => w.alternatives(steps.join(", ")),
    }
}

fn allowed(allowed: &Allowed<'_>, words: &Words) -> String {
    let w = &words.duty;
    match allowed {
        Allowed::Without(steps) => w.without(steps.join(", ")),
        Allowed::With(step) => w.with(step),
        Allowed::Both(first, second) => w.both(first, second),
        Allowed::Before(first, second) => w.before(first, second),
        Allowed::StillAsked(first, second) => w.still_asked(first, second),
        Allowed::Unknown => w.unknown.to_owned(),
    }
}

/// Whether the new file guarantees more.
pub fn is_gain(kind: DutyChangeKind) -> bool {
    matches!(kind, DutyChangeKind::Added | DutyChangeKind::Strengthened)
}

impl Shown<'_> {
    pub(super) fn duties(&self, page: &mut Page) {
        let w = &self.words.duty;
        if !self.diff.duties.is_empty() {
            page.gap();
            page.line("", w.title, Look::Strong);
        }
        for change in &self.diff.duties {
            page.line("   ", &format!("{}: {}", duty_kind(change.kind, self.words), name(change)), Look::Strong);
            for part in &change.parts {
                self.duty(page, part, is_gain(change.kind));
            }
        }
    }

    fn duty(&self, page: &mut Page, part: &DutyPart<'_>, is_gain: bool) {
        let w = &self.words.duty;
        let demand = demand(&part.demand, self.words);
        if let [cube] = &part.cubes[..] {
            page.line("     ", &format!("{demand} · {}", self.conditions(cube)), Look::Plain);
        } else {
            page.line("     ", &demand, Look::Plain);
            for cube in part.cubes.iter().take(CONDITIONS) {
                page.line("     * ", &self.conditions(cube), Look::Plain);
            }
            self.more(page, "     ", part.cubes.len(), CONDITIONS);
        }
        let examples: Vec<String> = part.allowed.iter().map(|one| allowed(one, self.words)).collect();
        let head = match (part.allowed.as_slice(), is_gain) {
            ([Allowed::Unknown], _) => return page.line("       ", w.unknown, Look::Plain),
            (_, true) => w.was_allowed,
            (_, false) => w.now_allowed,
        };
        page.line("       ", &format!("{head}: {}", examples.join("; ")), Look::Plain);
    }
}
