//! The summary of what the seats, the broadcasts and the database report. Pure.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use penutup_rules::declaration::{Declaration, State};
use serde::Serialize;

use super::archive_state::ArchiveState;
use super::certificate::Certificate;
use crate::config::center::Site;
use crate::database::{Doubled, Gap, RefusedCount};
use crate::seat_states::StoredState;
use crate::wire::key::{Key, Scope};
use crate::wire::name::Name;
use crate::wire::refusal::{Refusal, RefusalCounts};
use crate::wire::seat::{RulesState, SeatState};

/// A seat with a younger state counts as connected: seats publish every 30 seconds.
pub const FRESH: TimeDelta = TimeDelta::seconds(90);

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PublishedRules {
    pub version: u64,
    /// The signer.
    pub by: Name,
    /// `None` where this program's check refuses them.
    pub revision: Option<String>,
    /// When they were published.
    pub since: Option<DateTime<Utc>>,
    /// Their first day, if it is in the future: until then the seats use the rules before them.
    pub waits_for: Option<NaiveDate>,
}

#[derive(Clone, Debug)]
pub struct SiteInput<'s> {
    pub site: &'s Site,
    /// The latest state of each seat; `None` where they could not be read now.
    pub states: Option<Vec<(&'s Name, &'s StoredState)>>,
    pub invalid_states: &'s RefusalCounts,
    /// Seats whose latest state is of another schema, and when it was stored.
    pub other_versions: &'s BTreeMap<Name, DateTime<Utc>>,
    /// `None` where the server did not tell.
    pub archive: Option<&'s ArchiveState>,
}

/// The broadcasts that seats accept.
#[derive(Clone, Debug, Default)]
pub struct CurrentBroadcasts {
    pub klb: BTreeMap<Scope, Declaration>,
    pub rules: Option<PublishedRules>,
    /// Keys whose newest message no seat accepts.
    pub refused: Vec<(Key, Refusal)>,
    /// Keys whose broadcast is of somebody who may no longer publish under it.
    pub revoked: Vec<Key>,
    /// The newest trust list.
    pub trust: TrustVersions,
    /// Whether they were read: then a key that is not here has none.
    pub is_known: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrustVersions {
    /// The version that seats should have; 0: the lists have no versions yet.
    pub newest: u64,
    /// The version that they can receive.
    pub published: u64,
}

#[derive(Clone, Debug, Default)]
pub struct DatabaseCounts {
    pub gaps: Vec<Gap>,
    pub refused: Vec<RefusedCount>,
    pub doubled: Vec<Doubled>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SiteCounts {
    /// Configured seats.
    pub seats: u64,
    /// Seats with a state in the last 10 minutes.
    pub seen: u64,
    /// Connected seats.
    pub fresh: u64,
    /// Open prompters.
    pub prompters: u64,
    /// Seats that show KLB.
    pub klb_on: u64,
    /// Seats without the present declaration.
    pub klb_behind: u64,
    /// Seats without the present rules.
    pub rules_behind: u64,
    /// Seats without the newest trust list. No column of the table.
    pub trust_behind: u64,
    /// Seats whose disk can't be written. No column of the table.
    pub disk: u64,
    /// Connected seats that lack no broadcast and can write their disk. No column of the table.
    pub current: u64,
    /// Seats whose clock is wrong. No column of the table.
    pub clock_wrong: u64,
    /// Seats of which there seem to be two. No column of the table.
    pub doubled: u64,
    /// Seats with a newer version of a broadcast than the server. No column of the table.
    pub ahead: u64,
    /// Seats of another program version, whose state can't be read. No column of the table.
    pub other_version: u64,
    /// Closings that wait on seats.
    pub unsent: u64,
    /// Closings in the stream that are not archived; `None` where the server did not tell.
    pub waiting: Option<u64>,
    /// Closings that are missing in the database; `None` where the database is unknown.
    pub missing: Option<u64>,
    /// Messages that the seats, the archive and this program refused.
    pub refused: u64,
    /// The states of the seats could not be read: their counts are unknown.
    pub is_unread: bool,
    /// The broadcasts could not be read: who lacks them is unknown.
    pub is_expectation_unread: bool,
}

impl SiteCounts {
    /// Seen, but not connected now.
    pub fn stale(&self) -> u64 {
        self.seen - self.fresh
    }

    /// Without a state in the last 10 minutes.
    pub fn silent(&self) -> u64 {
        self.seats.saturating_sub(self.seen)
    }

    /// By their JSON keys, in the order of the table.
    pub fn columns(&self) -> [(&'static str, Option<u64>); 13] {
        [
            ("seats", Some(self.seats)),
            ("seen", self.of_states(self.seen)),
            ("fresh", self.of_states(self.fresh)),
            ("stale", self.of_states(self.stale())),
            ("silent", self.of_states(self.silent())),
            ("prompters", self.of_states(self.prompters)),
            ("klb_on", self.of_states(self.klb_on)),
            ("klb_behind", self.of_broadcasts(self.klb_behind)),
            ("rules_behind", self.of_broadcasts(self.rules_behind)),
            ("unsent", self.of_states(self.unsent)),
            ("waiting", self.waiting),
            ("missing", self.missing),
            ("refused", self.of_states(self.refused)),
        ]
    }

    /// A count of what the seats report; `None` where that could not be read.
    pub fn of_states(&self, count: u64) -> Option<u64> {
        (!self.is_unread).then_some(count)
    }

    /// A count of seats by what they should have; `None` where that, or what they report, could not be read.
    pub fn of_broadcasts(&self, count: u64) -> Option<u64> {
        self.of_states(count).filter(|_| !self.is_expectation_unread)
    }

    /// For sorting: how much needs attention.
    pub fn attention(&self) -> u64 {
        let counts = [
            self.stale(),
            self.silent(),
            self.klb_behind,
            self.rules_behind,
            self.trust_behind,
            self.disk,
            self.clock_wrong,
            self.doubled,
            self.ahead,
            self.other_version,
            self.refused,
        ];
        counts.iter().sum::<u64>() + self.unsent + self.missing.unwrap_or(0)
    }

    /// Counts a seat's issue by its state, where it has a count of seats.
    fn count(&mut self, issue: &Issue) {
        let count = match issue {
            Issue::Klb => &mut self.klb_behind,
            Issue::Rules => &mut self.rules_behind,
            Issue::Trust => &mut self.trust_behind,
            Issue::Ahead => &mut self.ahead,
            Issue::Disk(_) => &mut self.disk,
            Issue::Clock(_) => &mut self.clock_wrong,
            _ => return,
        };
        *count += 1;
    }

    fn add(&mut self, other: &Self) {
        self.seats += other.seats;
        self.seen += other.seen;
        self.fresh += other.fresh;
        self.prompters += other.prompters;
        self.klb_on += other.klb_on;
        self.klb_behind += other.klb_behind;
        self.rules_behind += other.rules_behind;
        self.trust_behind += other.trust_behind;
        self.disk += other.disk;
        self.current += other.current;
        self.clock_wrong += other.clock_wrong;
        self.doubled += other.doubled;
        self.ahead += other.ahead;
        self.other_version += other.other_version;
        self.unsent += other.unsent;
        self.waiting = self.waiting.zip(other.waiting).map(|(a, b)| a + b);
        self.missing = self.missing.zip(other.missing).map(|(a, b)| a + b);
        self.refused += other.refused;
        self.is_unread |= other.is_unread;
        self.is_expectation_unread |= other.is_expectation_unread;
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Issue {
    /// Seconds since its last state.
    Stale(i64),
    Klb,
    Rules,
    Trust,
    /// It has a newer version of a broadcast than the server.
    Ahead,
    /// Its state is of another schema: of another program version.
    OtherVersion,
    /// Since when its disk can't be written.
    Disk(DateTime<Utc>),
    Unsent(u64),
    Missing(u64),
    /// Broadcasts that it refused, or its closings that were refused.
    Refused(u64),
    /// Seconds that its clock is ahead of the server's, behind where negative.
    Clock(i64),
    /// There seem to be two of it, or it was restored from a backup; when that was last noticed.
    Doubled(DateTime<Utc>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeatIssues {
    pub seat: Name,
    pub issues: Vec<Issue>,
}

#[derive(Clone, Debug)]
pub struct Summary {
    pub now: DateTime<Utc>,
    pub sites: Vec<(Name, SiteCounts)>,
    pub total: SiteCounts,
    pub broadcasts: CurrentBroadcasts,
    /// Seats by their rules; `None`: none of the centre's.
    pub rules: Vec<(Option<RulesState>, u64)>,
    /// By reason.
    pub refused_by_seats: BTreeMap<String, u64>,
    /// By reason.
    pub refused_by_archive: BTreeMap<String, u64>,
    /// Seats that need attention, by site.
    pub seats: HashMap<Name, Vec<SeatIssues>>,
    /// The archive at each site, where the server told.
    pub archive: Vec<(Name, ArchiveState)>,
    /// The servers' certificates, where they showed one.
    pub certificates: Vec<Certificate>,
    /// Whether the server was connected when this had been collected.
    pub is_connected: bool,
    /// Sources that failed, and an archive that reads nothing, one line each.
    pub troubles: Vec<String>,
}

/// The KLB that a site's seats should show: whether it is on, and the version of the declaration.
pub fn expected_klb(klb: &BTreeMap<Scope, Declaration>, site: &Site) -> Option<(bool, u64)> {
    let scopes = [Scope::Center, Scope::Region(site.region.clone()), Scope::Site(site.id.clone())];
    let declared: Vec<&Declaration> = scopes.iter().filter_map(|scope| klb.get(scope)).collect();
    let newest = |state| declared.iter().filter(|b| b.state == state).map(|b| b.version).max();
    // Any scope can turn it on.
    newest(State::On).map(|version| (true, version)).or(newest(State::Off).map(|version| (false, version)))
}

/// Whether a seat has a newer version of a broadcast than the server, as after an older backup of the streams was restored.
fn is_ahead(state: &SeatState, site: &Site, broadcasts: &CurrentBroadcasts) -> bool {
    let keys = Key::of_seat(&site.id, &site.region);
    let stored = |key: &str| match key.parse() {
        // Of the region in which the site was before: it was not read.
        Ok(key) if !keys.contains(&key) => u64::MAX,
        Ok(Key::Rules) => broadcasts.rules.as_ref().map_or(0, |rules| rules.version),
        Ok(Key::Trust) => broadcasts.trust.newest,
        Ok(Key::Klb(scope)) => broadcasts.klb.get(&scope).map_or(0, |declared| declared.version),
        // Of a newer agent.
        Err(_) => u64::MAX,
    };
    broadcasts.is_known && state.broadcasts.iter().any(|(key, of_key)| of_key.version > stored(key))
}

/// What a seat refused. An agent of 0.1.0, which reports no keys, refuses each beat and trust list in one of two ways.
fn refused_by(state: &SeatState) -> impl Iterator<Item = (Refusal, u64)> {
    let is_old = state.broadcasts.is_empty();
    let is_counted = move |why| !is_old || !matches!(why, Refusal::Malformed | Refusal::WrongKey);
    state.refused.0.iter().map(|(why, count)| (*why, *count)).filter(move |(why, _)| is_counted(*why))
}

/// Which of the broadcasts a seat does not have, and whether it can't store them.
fn lacks(state: &SeatState, site: &Site, klb: Option<(bool, u64)>, broadcasts: &CurrentBroadcasts) -> Vec<Issue> {
    let has_klb = |(on, version)| state.klb.as_ref().is_some_and(|klb| klb.on == on && klb.version >= version);
    let has_rules =
        |published: &PublishedRules| state.rules.as_ref().is_some_and(|rules| rules.version >= published.version);
    let trust = state.broadcasts.get(&Key::Trust.to_string()).map_or(0, |of_key| of_key.version);
    let issues = [
        (!klb.is_none_or(has_klb)).then_some(Issue::Klb),
        (!broadcasts.rules.as_ref().is_none_or(has_rules)).then_some(Issue::Rules),
        (trust < broadcasts.trust.newest).then_some(Issue::Trust),
        is_ahead(state, site, broadcasts).then_some(Issue::Ahead),
        state.unwritten_since.map(Issue::Disk),
    ];
    issues.into_iter().flatten().collect()
}

impl Summary {
    /// `counts` is `None` where the database is unknown.
    pub fn new(
        sites: &[SiteInput<'_>],
        broadcasts: CurrentBroadcasts,
        counts: Option<&DatabaseCounts>,
        troubles: Vec<String>,
        now: DateTime<Utc>,
    ) -> Self {
        let mut rules: HashMap<Option<RulesState>, u64> = HashMap::new();
        let mut by_seats: BTreeMap<String, u64> = BTreeMap::new();
        let mut by_archive: BTreeMap<String, u64> = BTreeMap::new();
        let (mut lines, mut seats) = (Vec::new(), HashMap::new());
        let mut missing: HashMap<(&str, &str), u64> = HashMap::new();
        let mut rejected: HashMap<(&str, &str), u64> = HashMap::new();
        for gap in counts.iter().flat_map(|counts| &counts.gaps) {
            *missing.entry((gap.site.as_str(), gap.seat.as_str())).or_default() += gap.missing;
        }
        for refused in counts.iter().flat_map(|counts| &counts.refused) {
            *rejected.entry((refused.site.as_str(), refused.seat.as_str())).or_default() += refused.count;
            *by_archive.entry(refused.why.clone()).or_default() += refused.count;
        }
        for SiteInput { site, states, invalid_states, other_versions, archive } in sites {
            let id = site.id.as_str();
            let expected = expected_klb(&broadcasts.klb, site);
            let mut line = SiteCounts { seats: site.seats as u64, missing: counts.map(|_| 0), ..SiteCounts::default() };
            (line.is_unread, line.is_expectation_unread) = (states.is_none(), !broadcasts.is_known);
            line.refused = invalid_states.total();
            line.waiting = archive.map(|archive| archive.waiting);
            let mut attention: BTreeMap<&str, Vec<Issue>> = BTreeMap::new();
            for (name, stored) in states.iter().flatten() {
                let state = &stored.state;
                let mut issues = Vec::new();
                let age = now - stored.stored_at;
                let is_fresh = age <= FRESH;
                line.seen += 1;
                line.fresh += u64::from(is_fresh);
                line.prompters += u64::from(state.prompters);
                line.klb_on += u64::from(state.klb.as_ref().is_some_and(|klb| klb.on));
                line.unsent += state.unsent;
                if !is_fresh {
                    issues.push(Issue::Stale(age.num_seconds()));
                }
                let lacking = lacks(state, site, expected, &broadcasts);
                line.current += u64::from(is_fresh && lacking.is_empty());
                issues.extend(lacking);
                *rules.entry(state.rules.clone()).or_default() += 1;
                if state.unsent > 0 {
                    issues.push(Issue::Unsent(state.unsent));
                }
                for (why, count) in refused_by(state) {
                    *by_seats.entry(why.code().to_owned()).or_default() += count;
                }
                let refused = refused_by(state).map(|(_, count)| count).sum();
                line.refused += refused;
                if refused > 0 {
                    issues.push(Issue::Refused(refused));
                }
                issues.extend(stored.wrong_clock().map(Issue::Clock));
                for issue in &issues {
                    line.count(issue);
                }
                if !issues.is_empty() {
                    attention.insert(name.as_str(), issues);
                }
            }
            for (name, stored_at) in other_versions.iter().filter(|_| states.is_some()) {
                line.seen += 1;
                line.fresh += u64::from(now - *stored_at <= FRESH);
                line.other_version += 1;
                attention.insert(name.as_str(), vec![Issue::OtherVersion]);
            }
            for ((_, seat), count) in missing.iter().filter(|((site, _), _)| *site == id) {
                line.missing = line.missing.map(|missing| missing + count);
                attention.entry(seat).or_default().push(Issue::Missing(*count));
            }
            for ((_, seat), count) in rejected.iter().filter(|((site, _), _)| *site == id) {
                line.refused += count;
                attention.entry(seat).or_default().push(Issue::Refused(*count));
            }
            for doubled in counts.iter().flat_map(|counts| &counts.doubled).filter(|doubled| doubled.site == id) {
                line.doubled += 1;
                attention.entry(&doubled.seat).or_default().push(Issue::Doubled(doubled.last));
            }
            let of = |(seat, issues)| Some(SeatIssues { seat: Name::parse(seat)?, issues });
            seats.insert(site.id.clone(), attention.into_iter().filter_map(of).collect());
            lines.push((site.id.clone(), line));
        }
        let mut total = SiteCounts { missing: counts.map(|_| 0), waiting: Some(0), ..SiteCounts::default() };
        for (_, line) in &lines {
            total.add(line);
        }
        let mut rules: Vec<_> = rules.into_iter().collect();
        rules.sort_by_key(|(rules, count)| (std::cmp::Reverse(*count), rules.as_ref().map(|rules| rules.version)));
        Self {
            now,
            sites: lines,
            total,
            broadcasts,
            rules,
            refused_by_seats: by_seats,
            refused_by_archive: by_archive,
            seats,
            archive: sites.iter().filter_map(|s| Some((s.site.id.clone(), s.archive?.clone()))).collect(),
            certificates: Vec::new(),
            is_connected: true,
            troubles,
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::wire::seat::{KeyState, KlbState};
    use crate::wire::testing::name;

    fn klb(version: u64, state: State) -> Declaration {
        Declaration {
            version,
            fact: "klb".into(),
            state,
            value: None,
            since: DateTime::UNIX_EPOCH,
            until: None,
            by: None,
            why: None,
        }
    }

    fn jkt() -> Site {
        Site { id: name("jkt"), region: name("jawa"), seats: 5 }
    }

    #[test]
    fn a_seat_should_show_the_newest_declaration_that_is_on_else_the_newest_one() {
        let scope = |text: &str| text.parse::<Scope>().unwrap();
        let declared = |all: &[(&str, u64, State)]| -> Option<(bool, u64)> {
            expected_klb(&all.iter().map(|(s, version, state)| (scope(s), klb(*version, *state))).collect(), &jkt())
        };
        assert_eq!(declared(&[]), None);
        assert_eq!(declared(&[("site.sby", 9, State::On)]), None);
        assert_eq!(declared(&[("center", 5, State::On), ("site.jkt", 9, State::Off)]), Some((true, 5)));
        assert_eq!(declared(&[("center", 5, State::On), ("region.jawa", 7, State::On)]), Some((true, 7)));
        assert_eq!(declared(&[("center", 5, State::Off), ("site.jkt", 3, State::Off)]), Some((false, 5)));
    }

    #[test]
    fn every_seat_is_counted_once_with_its_issues() {
        let now: DateTime<Utc> = "2026-11-24T08:00:00Z".parse().unwrap();
        let seat = |age: i64, klb: Option<(u64, bool)>, rules: Option<u64>, unsent, refused: &[Refusal]| {
            let mut counted = RefusalCounts::default();
            for why in refused {
                counted.add(*why);
            }
            let rules = rules.map(|version| RulesState { version, sha256: "ab".into(), revision: "Rev-2".into() });
            let klb = klb.map(|(version, on)| KlbState { version, on });
            let state = SeatState {
                schema: 1,
                at: now - TimeDelta::seconds(age),
                agent: "0.1.0".into(),
                epoch: Uuid::nil(),
                rules,
                klb,
                prompters: 1,
                unsent,
                sent: 0,
                refused: counted,
                broadcasts: BTreeMap::from([
                    ("trust.active".into(), KeyState { version: if unsent > 0 { 6 } else { 7 }, refused: None }),
                    ("klb.site.jkt".into(), KeyState { version: if age == 90 { 5 } else { 0 }, refused: None }),
                    ("later.key".into(), KeyState { version: 9, refused: None }),
                ]),
                unwritten_since: None,
                told_clock: None,
            };
            StoredState { state, stored_at: now - TimeDelta::seconds(age) }
        };
        let states = [
            (name("a01"), seat(5, Some((9, true)), Some(4), 0, &[])),
            (name("a02"), seat(91, Some((8, true)), None, 3, &[])),
            (name("a03"), seat(90, None, Some(4), 0, &[Refusal::BadSignature, Refusal::Old])),
            (name("a04"), StoredState { stored_at: now, ..seat(61, Some((9, true)), Some(4), 0, &[]) }),
        ];
        let site = jkt();
        let none = RefusalCounts::default();
        let others = BTreeMap::from([(name("a07"), now - TimeDelta::seconds(120))]);
        let archive = ArchiveState { waiting: 8, oldest: None, is_reading: false, heard: None };
        let sites = [SiteInput {
            site: &site,
            states: Some(states.iter().map(|(n, s)| (n, s)).collect()),
            invalid_states: &none,
            other_versions: &others,
            archive: Some(&archive),
        }];
        let broadcasts = CurrentBroadcasts {
            klb: BTreeMap::from([(Scope::Center, klb(9, State::On))]),
            rules: Some(PublishedRules { version: 4, by: name("spv"), revision: None, since: None, waits_for: None }),
            refused: vec![],
            revoked: vec![],
            trust: TrustVersions { newest: 7, published: 7 },
            is_known: true,
        };
        let gap = Gap { site: name("jkt"), seat: name("a01"), epoch: Uuid::nil(), missing: 2, ranges: vec![] };
        let rejected = RefusedCount { site: "jkt".into(), seat: "a09".into(), why: "malformed".into(), count: 6 };
        let doubled = Doubled { site: "jkt".into(), seat: "a08".into(), last: now };
        let counts = DatabaseCounts { gaps: vec![gap], refused: vec![rejected], doubled: vec![doubled] };
        let summary = Summary::new(&sites, broadcasts, Some(&counts), vec![], now);
        let line = &summary.sites[0].1;
        assert_eq!((line.seen, line.fresh, line.stale(), line.silent()), (5, 3, 2, 0));
        assert_eq!((line.klb_on, line.klb_behind, line.rules_behind), (3, 2, 1));
        assert_eq!((line.trust_behind, line.ahead, line.other_version), (1, 1, 1));
        assert_eq!((line.current, line.clock_wrong, line.doubled), (2, 1, 1));
        let well = SiteCounts { seats: 5, seen: 5, fresh: 5, current: 5, ..SiteCounts::default() };
        assert_eq!(well.attention(), 0);
        for one in [SiteCounts { clock_wrong: 1, ..well.clone() }, SiteCounts { doubled: 1, ..well }] {
            assert_eq!(one.attention(), 1, "{one:?}");
        }
        assert_eq!((line.unsent, line.missing, line.refused), (3, Some(2), 8));
        assert_eq!(line.waiting, Some(8));
        assert_eq!(summary.total, *line);
        assert_eq!(summary.rules.iter().map(|(_, count)| *count).collect::<Vec<_>>(), [3, 1]);
        assert_eq!(summary.refused_by_seats, BTreeMap::from([("bad-signature".into(), 1), ("old".into(), 1)]));
        assert_eq!(summary.refused_by_archive, BTreeMap::from([("malformed".into(), 6)]));
        let issues: Vec<_> = summary.seats[&name("jkt")].iter().map(|s| (s.seat.as_str(), &s.issues[..])).collect();
        let a02 = [Issue::Stale(91), Issue::Klb, Issue::Rules, Issue::Trust, Issue::Unsent(3)];
        assert_eq!(
            issues,
            [
                ("a01", &[Issue::Missing(2)][..]),
                ("a02", &a02[..]),
                ("a03", &[Issue::Klb, Issue::Ahead, Issue::Refused(2)][..]),
                ("a04", &[Issue::Clock(-61)][..]),
                ("a07", &[Issue::OtherVersion][..]),
                ("a08", &[Issue::Doubled(now)][..]),
                ("a09", &[Issue::Refused(6)][..]),
            ]
        );
        let without = Summary::new(&sites, CurrentBroadcasts::default(), None, vec![], now);
        assert_eq!((without.total.missing, without.total.klb_behind, without.total.rules_behind), (None, 0, 0));
        assert_eq!(without.total.ahead, 0, "what the server has is unknown");
        let column = |summary: &Summary, key| summary.total.columns().into_iter().find(|(k, _)| *k == key).unwrap().1;
        assert_eq!((column(&without, "klb_behind"), column(&without, "fresh")), (None, Some(3)));
        assert_eq!(without.total.of_broadcasts(without.total.current), None);
    }
}
