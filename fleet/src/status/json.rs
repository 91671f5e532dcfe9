//! The summary as one line of JSON.

use serde_json::{Map, Value, json};

use super::summary::{Issue, SeatIssues, SiteCounts, Summary};
use crate::wire::key::Key;
use crate::wire::name::Name;

/// With a site: only that one, with its seats that need attention.
pub fn render(summary: &Summary, site: Option<&Name>) -> String {
    let sites = summary.sites.iter().filter(|(id, _)| site.is_none_or(|site| site == id)).map(|(id, line)| {
        let mut out = counts(line);
        out.insert("site".into(), json!(id.as_str()));
        if site.is_some() {
            let seats = summary.seats.get(id).into_iter().flatten().map(seat_issues).collect::<Vec<_>>();
            out.insert("attention".into(), json!(seats));
        }
        Value::Object(out)
    });
    let klb = summary.broadcasts.klb.iter().map(|(scope, declared)| {
        json!({
            "scope": scope.to_string(),
            "state": if declared.state == penutup_rules::declaration::State::On { "on" } else { "off" },
            "version": declared.version,
            "since": declared.since,
            "until": declared.until,
            "by": declared.by,
            "why": declared.why,
            "revoked": summary.broadcasts.revoked.contains(&Key::Klb(scope.clone())),
        })
    });
    let refused = summary.broadcasts.refused.iter();
    let refused = refused.map(|(key, why)| json!({ "key": key.to_string(), "why": why.code() }));
    let spread = summary.rules.iter().map(|(rules, count)| {
        let rules = rules.as_ref();
        json!({
            "version": rules.map(|r| r.version),
            "revision": rules.map(|r| &r.revision),
            "sha256": rules.map(|r| &r.sha256),
            "seats": count,
        })
    });
    let archive = summary.archive.iter().map(|(site, state)| {
        json!({
            "site": site.as_str(),
            "waiting": state.waiting,
            "oldest": state.oldest,
            "reading": state.is_reading,
            "heard": state.heard,
        })
    });
    let certificates = summary
        .certificates
        .iter()
        .map(|one| json!({ "server": one.server, "until": one.until, "days": one.days(summary.now) }));
    let (total, broadcasts) = (&summary.total, &summary.broadcasts);
    // What could not be read is null.
    let read = |value: Value| if broadcasts.is_known { value } else { Value::Null };
    let out = json!({
        "schema": 1,
        "at": summary.now,
        "sites": sites.collect::<Vec<_>>(),
        "connected": summary.is_connected,
        "total": counts(total),
        "klb": read(klb.collect()),
        "rules": broadcasts.rules,
        "trust": {
            "version": read(broadcasts.trust.newest.into()),
            "published": read(broadcasts.trust.published.into()),
            "behind": total.of_broadcasts(total.trust_behind),
        },
        "unheeded": read(refused.collect()),
        "rules_on_seats": spread.collect::<Vec<_>>(),
        "refused_by_seats": summary.refused_by_seats,
        "refused_by_archive": summary.refused_by_archive,
        "archive": archive.collect::<Vec<_>>(),
        "seats_current": total.of_broadcasts(total.current),
        "seats_without_disk": total.of_states(total.disk),
        "seats_newer_than_server": total.of_broadcasts(total.ahead),
        "seats_of_other_version": total.of_states(total.other_version),
        "certificates": certificates.collect::<Vec<_>>(),
        "troubles": summary.troubles,
    });
    format!("{out}\n")
}

fn counts(line: &SiteCounts) -> Map<String, Value> {
    line.columns().into_iter().map(|(key, count)| (key.to_owned(), json!(count))).collect()
}

fn seat_issues(seat: &SeatIssues) -> Value {
    let mut out = Map::new();
    out.insert("seat".into(), json!(seat.seat.as_str()));
    for issue in &seat.issues {
        let (key, value) = match issue {
            Issue::Stale(seconds) => ("stale_seconds", json!(seconds)),
            Issue::Klb => ("klb_behind", json!(true)),
            Issue::Rules => ("rules_behind", json!(true)),
            Issue::Disk(since) => ("unwritten_since", json!(since)),
            Issue::Trust => ("trust_behind", json!(true)),
            Issue::Ahead => ("newer_than_server", json!(true)),
            Issue::OtherVersion => ("other_version", json!(true)),
            Issue::Unsent(count) => ("unsent", json!(count)),
            Issue::Missing(count) => ("missing", json!(count)),
            Issue::Clock(ahead) => ("clock_ahead_seconds", json!(ahead)),
            Issue::Doubled(at) => ("doubled", json!(at)),
            Issue::Refused(count) => {
                ("refused", json!(count + out.get("refused").and_then(Value::as_u64).unwrap_or(0)))
            }
        };
        out.insert(key.into(), value);
    }
    out.into()
}
