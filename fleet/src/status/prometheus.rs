//! The summary as Prometheus metrics (text format 0.0.4): for a scrape through a file, as `node_exporter` reads it. What is
//! unknown has no sample, never a zero.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use penutup_rules::declaration::State;

use super::summary::{Issue, SiteCounts, Summary};
use crate::wire::name::Name;

/// The metric of each of a site's counts, and what it says.
const COUNTS: [(&str, &str, &str); 12] = [
    ("seats", "penutup_seats", "Configured seats"),
    ("fresh", "penutup_seats_connected", "Seats whose state is at most 90 seconds old"),
    ("stale", "penutup_seats_stale", "Seats with a state in the last 10 minutes, but not in the last 90 seconds"),
    ("silent", "penutup_seats_silent", "Seats without a state in the last 10 minutes"),
    ("prompters", "penutup_prompters", "Open prompters"),
    ("klb_on", "penutup_seats_klb_on", "Seats that show KLB"),
    ("klb_behind", "penutup_seats_klb_behind", "Seats without the present declaration"),
    ("rules_behind", "penutup_seats_rules_behind", "Seats without the present rules"),
    ("unsent", "penutup_closings_unsent", "Closings that wait on seats"),
    ("waiting", "penutup_closings_waiting", "Closings in the stream that are not archived"),
    ("missing", "penutup_closings_missing", "Closings that are missing in the database"),
    ("refused", "penutup_messages_refused", "Messages that seats, the archive and this program refused"),
];

/// A count of a site; `None` where it is unknown.
type Count = fn(&SiteCounts) -> Option<u64>;

/// Those that the table of sites has no column for.
const MORE_COUNTS: [(&str, &str, Count); 6] = [
    ("penutup_seats_trust_behind", "Seats without the newest trust list", |line| line.of_broadcasts(line.trust_behind)),
    (
        "penutup_seats_current",
        "Connected seats that have the present KLB, rules and trust list, no newer ones, and a disk that can be written",
        |line| line.of_broadcasts(line.current),
    ),
    ("penutup_seats_disk_failing", "Seats whose disk can't be written", |line| line.of_states(line.disk)),
    (
        "penutup_seats_newer_than_server",
        "Seats with a newer version of KLB, rules or the trust list than the server",
        |line| line.of_broadcasts(line.ahead),
    ),
    ("penutup_seats_other_version", "Seats of another program version, whose state can't be read", |line| {
        line.of_states(line.other_version)
    }),
    ("penutup_seats_clock_wrong", "Seats whose clock is off by more than a minute", |line| {
        line.of_states(line.clock_wrong)
    }),
];

/// Every metric, of every site or of this one.
pub fn render(summary: &Summary, site: Option<&Name>) -> String {
    let mut out = Metrics::default();
    let per_site = |count: &dyn Fn(&Name, &SiteCounts) -> Option<u64>| {
        let sites = summary.sites.iter().filter(|(id, _)| site.is_none_or(|site| site == id));
        sites.filter_map(|(site, line)| Some((labels(&[("site", site.as_str())]), count(site, line)?))).collect()
    };
    for (key, name, help) in COUNTS {
        let of = |_: &Name, line: &SiteCounts| line.columns().into_iter().find(|(k, _)| *k == key)?.1;
        out.gauge(name, help, per_site(&of));
    }
    for (name, help, of) in MORE_COUNTS {
        out.gauge(name, help, per_site(&|_, line| of(line)));
    }
    let clocks = |site: &Name| {
        summary.seats.get(site).into_iter().flatten().flat_map(|seat| &seat.issues).filter_map(|issue| match issue {
            Issue::Clock(ahead) => Some(ahead.unsigned_abs()),
            _ => None,
        })
    };
    out.gauge(
        "penutup_seats_clock_offset_seconds",
        "The largest offset of such a clock",
        per_site(&|site, line| line.of_states(clocks(site).max().unwrap_or(0))),
    );
    let archive: BTreeMap<&Name, _> = summary.archive.iter().map(|(site, state)| (site, state)).collect();
    out.gauge(
        "penutup_archive_reading",
        "Whether the archive reads the site's stream",
        per_site(&|site, _| archive.get(site).map(|state| state.is_reading.into())),
    );
    let lag = |site: &Name, _: &SiteCounts| {
        let state = archive.get(site)?;
        let oldest = if state.waiting == 0 { Some(summary.now) } else { state.oldest };
        u64::try_from((summary.now - oldest?).num_seconds().max(0)).ok()
    };
    out.gauge("penutup_archive_lag_seconds", "Age of the oldest closing that is not archived", per_site(&lag));
    let klb = summary.broadcasts.klb.iter();
    let klb =
        klb.map(|(scope, declared)| (labels(&[("scope", &scope.to_string())]), u64::from(declared.state == State::On)));
    out.gauge("penutup_klb_on", "Whether KLB is declared", klb.collect());
    let rules = summary.broadcasts.rules.iter().map(|rules| (String::new(), rules.version));
    out.gauge("penutup_rules_version", "Version of the published rules", rules.collect());
    let trust = Some(&summary.broadcasts).filter(|broadcasts| broadcasts.is_known);
    let trust = trust.iter().map(|broadcasts| (String::new(), broadcasts.trust.newest));
    out.gauge("penutup_trust_version", "Version of the newest trust list", trust.collect());
    let certificates = summary.certificates.iter();
    let days = certificates.map(|one| (labels(&[("server", &one.server)]), one.days(summary.now)));
    out.gauge("penutup_certificate_days", "Days until the server's certificate ends", days.collect());
    let connected = vec![(String::new(), summary.is_connected.into())];
    out.gauge("penutup_server_connected", "Whether the server is connected", connected);
    let troubles = u64::try_from(summary.troubles.len()).unwrap_or(u64::MAX);
    out.gauge(
        "penutup_status_troubles",
        "Sources that could not be read, and archives that read nothing",
        vec![(String::new(), troubles)],
    );
    let time = u64::try_from(summary.now.timestamp()).unwrap_or(0);
    out.gauge("penutup_status_time_seconds", "When this was collected", vec![(String::new(), time)]);
    out.0
}

#[derive(Default)]
struct Metrics(String);

impl Metrics {
    /// A metric with its samples: labels and value.
    fn gauge(&mut self, name: &str, help: &str, samples: Vec<(String, u64)>) {
        if samples.is_empty() {
            return;
        }
        let _ = writeln!(self.0, "# HELP {name} {help}.\n# TYPE {name} gauge");
        for (labels, value) in samples {
            let _ = writeln!(self.0, "{name}{labels} {value}");
        }
    }
}

fn labels(pairs: &[(&str, &str)]) -> String {
    let escaped = |value: &str| value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n");
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
    format!("{{{}}}", pairs.join(","))
}
