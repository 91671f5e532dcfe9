//! The report for programs: `{"open":n,"total":GROUP,"seconds":{"median":n,"p90":n,"longest":n}|null,
//! "groupings":[{"by":["agent","reason"],"groups":[GROUP with "key":["4711",null]]}]}`; a GROUP is `{"closings":n,
//! "complete":n,"costing":n,"before_closing":n,"overtaken":n,"taken_back":n,"seconds":n,"endings":{code:n},
//! "cost":{parameter:n},"left_out":{step:n},"due":{step:n}}`. A key is null for calls that lack it: no seat, not this fact. `seconds`
//! of a group is the sum.

use serde_json::{Map, Value, json};

use super::{Group, Grouping, Report};
use penutup_rules::closing::ending::Outcome;

/// The counts of a report.
pub fn counts(report: &Report) -> Map<String, Value> {
    let durations = report.durations.map(|d| json!({ "median": d.median, "p90": d.p90, "longest": d.longest }));
    let grouping = |Grouping { by, groups }: &Grouping| {
        let by: Vec<String> = by.iter().map(super::Dimension::name).collect();
        json!({ "by": by, "groups": groups.iter().map(keyed).collect::<Vec<_>>() })
    };
    let mut out = Map::new();
    out.insert("open".into(), json!(report.open));
    out.insert("total".into(), group(&report.total).into());
    out.insert("seconds".into(), json!(durations));
    out.insert("groupings".into(), report.groupings.iter().map(grouping).collect());
    out
}

fn keyed(group: &Group) -> Value {
    let key = |key: &String| if key.is_empty() { Value::Null } else { json!(key) };
    let mut out = Map::new();
    out.insert("key".into(), group.key.iter().map(key).collect());
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
    out.insert("due".into(), json!(group.due));
    out
}
