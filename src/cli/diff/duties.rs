//! A diff's requirements as JSON.

use serde_json::{Value, json};

use super::Shown;
use crate::cli::check::number;
use crate::rules::diff::{Allowed, Demand, DutyChange, DutyChangeKind};

use penutup_cli_kit::diff::duties::is_gain;

impl Shown<'_> {
    pub(super) fn duty_json(&self, change: &DutyChange<'_>) -> Value {
        let parts = change.parts.iter().map(|part| {
            let (demand, steps) = match &part.demand {
                Demand::Always(steps) => ("always", steps.clone()),
                Demand::Never(steps) => ("never", steps.clone()),
                Demand::ExactlyOne(steps) => ("exactly_one", steps.clone()),
                Demand::Order(steps) => ("order", steps.clone()),
                Demand::Last(step) => ("last", vec![*step]),
                Demand::Alternatives(steps) => ("alternatives", steps.clone()),
            };
            let examples = part.allowed.iter().map(|one| match one {
                Allowed::Without(steps) => json!({ "without": steps }),
                Allowed::With(step) => json!({ "with": [step] }),
                Allowed::Both(first, second) => json!({ "with": [first, second] }),
                Allowed::Before(first, second) => json!({ "order": [first, second] }),
                Allowed::StillAsked(first, second) => json!({ "said": first, "still_asked": second }),
                Allowed::Unknown => Value::Null,
            });
            json!({
                "demand": demand,
                "steps": steps,
                "situations": number(&part.situations),
                "when": part.cubes.iter().map(|cube| self.when(cube)).collect::<Vec<_>>(),
                if is_gain(change.kind) { "was_allowed" } else { "now_allowed" }: examples.collect::<Vec<_>>(),
            })
        });
        json!({
            "change": match change.kind {
                DutyChangeKind::Lost => "lost",
                DutyChangeKind::Weakened => "weakened",
                DutyChangeKind::Unproved => "unproved",
                DutyChangeKind::Added => "added",
                DutyChangeKind::Strengthened => "strengthened",
            },
            "id": change.id,
            "basis": change.basis,
            "duties": parts.collect::<Vec<_>>(),
        })
    }
}
