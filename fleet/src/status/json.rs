//! The status for programs, on one line.

use serde_json::{Map, Value, json};

use super::summary::{Need, Picture, Seat, SiteLine};
use crate::wire::name::Name;

/// All of it; of one site with its seats that need attention.
pub fn json(picture: &Picture, site: Option<&Name>) -> String {
    let sites = picture.sites.iter().filter(|(id, _)| site.is_none_or(|site| site == id)).map(|(id, line)| {
        let mut out = self::line(line);
        out.insert("site".into(), json!(id.as_str()));
        if site.is_some() {
            let seats = picture.seats.get(id).into_iter().flatten().map(seat).collect::<Vec<_>>();
            out.insert("attention".into(), json!(seats));
        }
        Value::Object(out)
    });
    let klb = picture.on_air.klb.iter().map(|(scope, declared)| {
        json!({
            "scope": scope.to_string(),
            "state": if declared.state == penutup::broadcast::State::On { "on" } else { "off" },
            "version": declared.version,
            "since": declared.since,
            "until": declared.until,
            "by": declared.by,
            "why": declared.why,
        })
    });
    let unheeded = picture.on_air.unheeded.iter();
    let unheeded = unheeded.map(|(key, why)| json!({ "key": key.to_string(), "why": why.code() }));
    let published = picture.on_air.rules.as_ref().map(|published| {
        json!({
            "version": published.version,
            "by": published.by.as_str(),
            "revision": published.revision,
            "since": published.since,
            "waits_for": published.waits_for.map(|day| day.to_string()),
        })
    });
    let spread = picture.rules.iter().map(|(rules, count)| {
        let rules = rules.as_ref();
        json!({
            "version": rules.map(|r| r.version),
            "revision": rules.map(|r| &r.revision),
            "sha256": rules.map(|r| &r.sha256),
            "seats": count,
        })
    });
    let out = json!({
        "schema": 1,
        "at": picture.now,
        "sites": sites.collect::<Vec<_>>(),
        "total": line(&picture.total),
        "klb": klb.collect::<Vec<_>>(),
        "rules": published,
        "unheeded": unheeded.collect::<Vec<_>>(),
        "rules_on_seats": spread.collect::<Vec<_>>(),
        "refused_by_seats": picture.refused_by_seats,
        "refused_by_archive": picture.refused_by_archive,
        "troubles": picture.troubles,
    });
    format!("{out}\n")
}

fn line(line: &SiteLine) -> Map<String, Value> {
    let fields = [
        ("seats", json!(line.seats)),
        ("seen", json!(line.seen)),
        ("fresh", json!(line.fresh)),
        ("stale", json!(line.stale())),
        ("silent", json!(line.silent())),
        ("prompters", json!(line.prompters)),
        ("klb_on", json!(line.klb_on)),
        ("klb_behind", json!(line.klb_behind)),
        ("rules_behind", json!(line.rules_behind)),
        ("unsent", json!(line.unsent)),
        ("missing", json!(line.missing)),
        ("refused", json!(line.refused)),
    ];
    fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn seat(seat: &Seat) -> Value {
    let mut out = Map::new();
    out.insert("seat".into(), json!(seat.name.as_str()));
    for need in &seat.needs {
        let (key, value) = match need {
            Need::Stale(seconds) => ("stale_seconds", json!(seconds)),
            Need::Klb => ("klb_behind", json!(true)),
            Need::Rules => ("rules_behind", json!(true)),
            Need::Unsent(count) => ("unsent", json!(count)),
            Need::Missing(count) => ("missing", json!(count)),
            Need::Refused(count) => ("refused", json!(count + out.get("refused").and_then(Value::as_u64).unwrap_or(0))),
        };
        out.insert(key.into(), value);
    }
    out.into()
}
