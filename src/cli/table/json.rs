//! The sheet for programs: the file's content under its own IDs.

use serde_json::{Map, Value, json};

use crate::rules::conditions;
use crate::rules::ruleset::{Duty, Field, FieldIx, FieldKind, RuleSet, StepIx, StepWords};
use crate::rules::space::Cube;
use crate::times::iso_minute;

fn when(rules: &RuleSet, cube: &Cube) -> Value {
    let all = conditions(rules, cube).into_iter().map(|(id, values)| (id, json!(values)));
    Value::Object(all.collect::<Map<String, Value>>())
}

/// Everything except the situations.
pub fn sheet(rules: &RuleSet) -> Map<String, Value> {
    let sop = &rules.sop;
    let day = |day: Option<chrono::NaiveDate>| day.map(|day| day.to_string());
    let steps = rules.steps.iter().map(|step| {
        let (key, text) = match &step.words {
            StepWords::Say(template) => ("say", template.with_placeholders(rules).to_string()),
            StepWords::Remind(text) => ("remind", text.clone()),
        };
        json!({ "id": step.id, "title": step.title, key: text, "score": step.score, "basis": step.basis, "note": step.note })
    });
    let facts = rules.facts.iter().enumerate().map(|(at, fact)| {
        let values = fact
            .values
            .iter()
            .map(|value| json!({ "id": value.id, "label": value.label, "short": value.short, "banner": value.banner }));
        json!({
            "id": fact.id,
            "label": fact.label,
            "help": fact.help,
            "key": fact.key,
            "role": rules.role_of_fact(at),
            "scope": fact.scope.as_str(),
            "keep_for": fact.scope.keep_for(),
            "values": values.collect::<Vec<_>>(),
        })
    });
    let ids = |steps: &[StepIx]| steps.iter().map(|ix| rules.step(*ix).id.as_str()).collect::<Vec<_>>();
    let duty = |duty: &Duty| match duty {
        Duty::Always(steps) => ("always".to_owned(), json!(ids(steps))),
        Duty::Never(steps) => ("never".to_owned(), json!(ids(steps))),
        Duty::ExactlyOne(steps) => ("exactly_one".to_owned(), json!(ids(steps))),
        Duty::Order(steps) => ("order".to_owned(), json!(ids(steps))),
        Duty::Last(step) => ("last".to_owned(), json!(rules.step(*step).id)),
    };
    let requirements = rules.requirements.iter().map(|requirement| {
        let duties: Map<String, Value> = requirement.duties.iter().map(duty).collect();
        let when = when(rules, &requirement.when);
        json!({ "id": requirement.id, "when": when, "duties": duties, "basis": requirement.basis })
    });
    let greetings = rules.greetings.rows().iter().map(|row| json!({ "from": iso_minute(row.from), "word": row.word }));
    let zones = rules.zones.iter().map(|zone| json!({ "id": zone.id, "offset": zone.offset.to_string() }));
    let acceptances = rules
        .acceptances
        .iter()
        .map(|one| json!({ "table": one.table, "id": one.id, "warning": one.code.as_str(), "because": one.because }));
    let mut out = Map::new();
    out.insert(
        "sop".into(),
        json!({
            "title": sop.title,
            "revision": sop.revision,
            "supersedes": sop.supersedes,
            "issuer": sop.issuer,
            "lost_score": sop.lost_score,
            "effective_from": day(sop.effective_from),
            "effective_to": day(sop.effective_to),
        }),
    );
    for (key, list) in [
        ("steps", steps.collect::<Vec<_>>()),
        ("requirements", requirements.collect()),
        ("greetings", greetings.collect()),
        ("zones", zones.collect()),
        ("facts", facts.collect()),
        ("fields", rules.fields_ix().map(|(ix, one)| field(rules, ix, one)).collect()),
        ("accepted", acceptances.collect()),
    ] {
        out.insert(key.into(), Value::Array(list));
    }
    out
}

fn field(rules: &RuleSet, ix: FieldIx, field: &Field) -> Value {
    let mut out = json!({ "id": field.id, "label": field.label, "key": field.key, "role": rules.role_of_field(ix) });
    let more = match &field.kind {
        FieldKind::Choice(choices) => {
            let each = choices.iter().map(|choice| {
                let aliases: Vec<&str> = choice.other_words().collect();
                json!({ "text": choice.text, "short": choice.short, "aliases": aliases })
            });
            json!({ "choices": each.collect::<Vec<_>>(), "drop": choices.drop })
        }
        FieldKind::Typed(typed) => json!({
            "kind": typed.text.as_str(),
            "max": typed.max,
            "empty": typed.empty,
            "scope": typed.scope.as_str(),
        }),
    };
    if let (Some(out), Value::Object(more)) = (out.as_object_mut(), more) {
        out.extend(more);
    }
    out
}
