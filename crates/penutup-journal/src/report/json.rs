//! The report for programs, on one line. `{"schema":1,"self_reported":true,"from":"2026-11-01"|null,"to":…|null,
//! "offset":"+07:00","open":n,"total":GROUP,"seconds":{"median":n,"p90":n,"longest":n}|null,"by":"seat"|null,
//! "groups":[GROUP with "key"],"facts":{fact:[GROUP with "key"]},"rules":[…],"seats":[…],"hours":[…],"days":[…],
//! "endings":[…]}`; a GROUP is `{"closings":n,"complete":n,"costing":n,"before_closing":n,"overtaken":n,
//! "taken_back":n,"seconds":n,"endings":{code:n},"cost":{parameter:n},
//! "left_out":{step:n}}`. A key is null for calls that lack it: no seat, not this fact. `seconds` of a group is the sum.

use chrono::NaiveDate;
use serde_json::{Map, Value, json};

use super::{By, Group, Report};
use penutup_rules::closing::ending::Outcome;

/// The report on one line. `by` must exist in the report.
pub fn json(report: &Report, from: Option<NaiveDate>, to: Option<NaiveDate>, by: Option<&By>) -> String {
    let groups = |groups: &[Group]| groups.iter().map(keyed).collect::<Vec<_>>();
    let facts: Map<_, _> = report.facts.iter().map(|(id, values)| (id.clone(), json!(groups(values)))).collect();
    let durations = report.durations.map(|d| json!({ "median": d.median, "p90": d.p90, "longest": d.longest }));
    let value = json!({
        "schema": 1,
        "self_reported": true,
        "from": from.map(|day| day.to_string()),
        "to": to.map(|day| day.to_string()),
        "offset": report.zone.to_string(),
        "open": report.open,
        "total": group(&report.total),
        "seconds": durations,
        "by": by.map(By::name),
        "groups": groups(by.and_then(|by| report.groups(by)).unwrap_or_default()),
        "facts": facts,
        "rules": groups(&report.rules),
        "seats": groups(&report.seats),
        "hours": groups(&report.hours),
        "days": groups(&report.days),
        "endings": groups(&report.endings),
    });
    value.to_string() + "\n"
}

fn keyed(group: &Group) -> Value {
    let mut out = Map::new();
    out.insert("key".into(), if group.key.is_empty() { Value::Null } else { json!(group.key) });
    out.extend(self::group(group));
    out.into()
}

fn group(group: &Group) -> Map<String, Value> {
    let counts = |counts: &[(String, u64)]| -> Map<String, Value> {
        counts.iter().map(|(key, count)| (key.clone(), json!(count))).collect()
    };
    let ended = Outcome::ALL.into_iter().map(|how| (how, group.ended(how))).filter(|(_, count)| *count > 0);
    let endings: Map<String, Value> = ended.map(|(how, count)| (how.code().into(), json!(count))).collect();
    let mut out = Map::new();
    out.insert("closings".into(), json!(group.closings));
    out.insert("complete".into(), json!(group.complete));
    out.insert("costing".into(), json!(group.costing));
    out.insert("before_closing".into(), json!(group.flagged.before_closing));
    out.insert("overtaken".into(), json!(group.flagged.overtaken));
    out.insert("taken_back".into(), json!(group.flagged.undone));
    out.insert("seconds".into(), json!(group.seconds));
    out.insert("endings".into(), endings.into());
    out.insert("cost".into(), counts(&group.cost).into());
    out.insert("left_out".into(), counts(&group.left_out).into());
    out
}
