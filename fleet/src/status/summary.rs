//! What the seats, the broadcasts and the database say, put together. Pure: all of it comes in, and what time it is.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use penutup::broadcast::{Broadcast, State};

use crate::config::center::Site;
use crate::database::{Gap, RefusedCount};
use crate::seat_states::Known;
use crate::wire::key::{Key, Scope};
use crate::wire::name::Name;
use crate::wire::refusal::{Refusal, Refused};
use crate::wire::seat::RulesState;

/// A state that is younger says that the seat has its link: seats speak every 30 seconds.
pub const FRESH: TimeDelta = TimeDelta::seconds(90);

/// The rules that are published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Their version.
    pub version: u64,
    /// Who says they signed it.
    pub by: Name,
    /// Their revision; `None` where they can't be proved here.
    pub revision: Option<String>,
    /// When they were published.
    pub since: Option<DateTime<Utc>>,
    /// Their first day, where it is still to come: until then every seat runs on the rules before them.
    pub waits_for: Option<NaiveDate>,
}

/// What is known of a site besides its states.
#[derive(Clone, Debug)]
pub struct Heard<'s> {
    /// The site, as it is configured.
    pub site: &'s Site,
    /// What its seats last said.
    pub states: Vec<(&'s Name, &'s Known)>,
    /// What on its stream was no state.
    pub odd: &'s Refused,
}

/// What the centre has broadcast: of what lies on the server what the seats heed.
#[derive(Clone, Debug, Default)]
pub struct OnAir {
    /// KLB by scope.
    pub klb: BTreeMap<Scope, Broadcast>,
    /// The rules.
    pub rules: Option<Published>,
    /// What lies there on top that no seat heeds, and why.
    pub unheeded: Vec<(Key, Refusal)>,
}

/// What the database says.
#[derive(Clone, Debug, Default)]
pub struct Stored {
    /// What is missing, seat by seat.
    pub gaps: Vec<Gap>,
    /// What was refused.
    pub refused: Vec<RefusedCount>,
}

/// How a site is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SiteLine {
    /// How many seats it has.
    pub seats: u64,
    /// How many spoke in the last minutes.
    pub seen: u64,
    /// How many of them have their link now.
    pub fresh: u64,
    /// How many prompters are open.
    pub prompters: u64,
    /// How many show KLB.
    pub klb_on: u64,
    /// How many do not have the present KLB.
    pub klb_behind: u64,
    /// How many do not have the present rules.
    pub rules_behind: u64,
    /// Closings that are not sent yet.
    pub unsent: u64,
    /// Closings that are missing in the database; `None` where it can't be asked.
    pub missing: Option<u64>,
    /// What the seats and the archive refused.
    pub refused: u64,
}

impl SiteLine {
    /// Those that spoke, but have no link now.
    #[must_use]
    pub fn stale(&self) -> u64 {
        self.seen - self.fresh
    }

    /// Those that did not speak in the last minutes.
    #[must_use]
    pub fn silent(&self) -> u64 {
        self.seats.saturating_sub(self.seen)
    }

    /// How much there is that somebody should look at.
    #[must_use]
    pub fn needs(&self) -> u64 {
        let counts = [self.stale(), self.silent(), self.klb_behind, self.rules_behind, self.refused];
        counts.iter().sum::<u64>() + self.unsent + self.missing.unwrap_or(0)
    }

    fn add(&mut self, other: &Self) {
        self.seats += other.seats;
        self.seen += other.seen;
        self.fresh += other.fresh;
        self.prompters += other.prompters;
        self.klb_on += other.klb_on;
        self.klb_behind += other.klb_behind;
        self.rules_behind += other.rules_behind;
        self.unsent += other.unsent;
        self.missing = self.missing.zip(other.missing).map(|(a, b)| a + b);
        self.refused += other.refused;
    }
}

/// Why somebody should look at a seat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// It was last heard of so many seconds ago.
    Stale(i64),
    /// It does not have the present KLB.
    Klb,
    /// It does not have the present rules.
    Rules,
    /// So many closings wait on it.
    Unsent(u64),
    /// So many of its closings are missing.
    Missing(u64),
    /// It refused so many broadcasts, or so much of it was refused.
    Refused(u64),
}

/// A seat that needs attention.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    /// Its name.
    pub name: Name,
    /// Why.
    pub needs: Vec<Need>,
}

/// All of it.
#[derive(Clone, Debug)]
pub struct Picture {
    /// When.
    pub now: DateTime<Utc>,
    /// Site by site.
    pub sites: Vec<(Name, SiteLine)>,
    /// All of them.
    pub total: SiteLine,
    /// What is broadcast.
    pub on_air: OnAir,
    /// How many seats have which rules of the centre; `None`: none.
    pub rules: Vec<(Option<RulesState>, u64)>,
    /// What the seats refused, by why.
    pub refused_by_seats: BTreeMap<String, u64>,
    /// What the archive refused, by why.
    pub refused_by_archive: BTreeMap<String, u64>,
    /// The seats that need attention, by site.
    pub seats: HashMap<Name, Vec<Seat>>,
    /// What could not be asked, each in one line.
    pub troubles: Vec<String>,
}

/// The KLB that a seat of a site should have: whether it is on, and the version of the declaration that it shows.
#[must_use]
pub fn present(on_air: &BTreeMap<Scope, Broadcast>, site: &Site) -> Option<(bool, u64)> {
    let scopes = [Scope::Center, Scope::Region(site.region.clone()), Scope::Site(site.id.clone())];
    let declared: Vec<&Broadcast> = scopes.iter().filter_map(|scope| on_air.get(scope)).collect();
    let newest = |state| declared.iter().filter(|b| b.state == state).map(|b| b.version).max();
    // One "on" is enough.
    newest(State::On).map(|version| (true, version)).or(newest(State::Off).map(|version| (false, version)))
}

impl Picture {
    /// Puts it together. `stored` is `None` where the database can't be asked.
    #[must_use]
    pub fn of(
        heard: &[Heard<'_>],
        on_air: OnAir,
        stored: Option<&Stored>,
        troubles: Vec<String>,
        now: DateTime<Utc>,
    ) -> Self {
        let mut rules: HashMap<Option<RulesState>, u64> = HashMap::new();
        let mut by_seats: BTreeMap<String, u64> = BTreeMap::new();
        let mut by_archive: BTreeMap<String, u64> = BTreeMap::new();
        let mut sites = Vec::new();
        let mut seats = HashMap::new();
        let mut missing: HashMap<(&str, &str), u64> = HashMap::new();
        let mut turned: HashMap<(&str, &str), u64> = HashMap::new();
        for gap in stored.iter().flat_map(|stored| &stored.gaps) {
            missing.insert((gap.site.as_str(), gap.seat.as_str()), gap.missing);
        }
        for refused in stored.iter().flat_map(|stored| &stored.refused) {
            *turned.entry((refused.site.as_str(), refused.seat.as_str())).or_default() += refused.count;
            *by_archive.entry(refused.why.clone()).or_default() += refused.count;
        }
        for Heard { site, states, odd } in heard {
            let id = site.id.as_str();
            let present = present(&on_air.klb, site);
            let mut line = SiteLine { seats: site.seats.into(), missing: stored.map(|_| 0), ..SiteLine::default() };
            line.refused = odd.total();
            let mut attention: BTreeMap<&str, Vec<Need>> = BTreeMap::new();
            for (name, known) in states {
                let state = &known.state;
                let mut needs = Vec::new();
                let age = now - known.at;
                let is_fresh = age <= FRESH;
                line.seen += 1;
                line.fresh += u64::from(is_fresh);
                line.prompters += u64::from(state.prompters);
                line.klb_on += u64::from(state.klb.as_ref().is_some_and(|klb| klb.on));
                line.unsent += state.unsent;
                if !is_fresh {
                    needs.push(Need::Stale(age.num_seconds()));
                }
                let has_klb = |(on, version)| {
                    let has = |klb: &crate::wire::seat::KlbState| klb.on == on && klb.version >= version;
                    state.klb.as_ref().is_some_and(has)
                };
                if !present.is_none_or(has_klb) {
                    line.klb_behind += 1;
                    needs.push(Need::Klb);
                }
                let has_rules = |published: &Published| {
                    state.rules.as_ref().is_some_and(|rules| rules.version >= published.version)
                };
                if !on_air.rules.as_ref().is_none_or(has_rules) {
                    line.rules_behind += 1;
                    needs.push(Need::Rules);
                }
                *rules.entry(state.rules.clone()).or_default() += 1;
                if state.unsent > 0 {
                    needs.push(Need::Unsent(state.unsent));
                }
                for (why, count) in &state.refused.0 {
                    *by_seats.entry(why.code().to_owned()).or_default() += count;
                }
                let refused = state.refused.total();
                line.refused += refused;
                if refused > 0 {
                    needs.push(Need::Refused(refused));
                }
                if !needs.is_empty() {
                    attention.insert(name.as_str(), needs);
                }
            }
            for ((_, seat), count) in missing.iter().filter(|((site, _), _)| *site == id) {
                line.missing = line.missing.map(|missing| missing + count);
                attention.entry(seat).or_default().push(Need::Missing(*count));
            }
            for ((_, seat), count) in turned.iter().filter(|((site, _), _)| *site == id) {
                line.refused += count;
                attention.entry(seat).or_default().push(Need::Refused(*count));
            }
            let of = |(name, needs)| Some(Seat { name: Name::parse(name)?, needs });
            seats.insert(site.id.clone(), attention.into_iter().filter_map(of).collect());
            sites.push((site.id.clone(), line));
        }
        let mut total = SiteLine { missing: stored.map(|_| 0), ..SiteLine::default() };
        for (_, line) in &sites {
            total.add(line);
        }
        let mut rules: Vec<_> = rules.into_iter().collect();
        rules.sort_by_key(|(rules, count)| (std::cmp::Reverse(*count), rules.as_ref().map(|rules| rules.version)));
        Self {
            now,
            sites,
            total,
            on_air,
            rules,
            refused_by_seats: by_seats,
            refused_by_archive: by_archive,
            seats,
            troubles,
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::wire::seat::{KlbState, SeatState};
    use crate::wire::testing::name;

    fn klb(version: u64, state: State) -> Broadcast {
        Broadcast {
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
    fn what_a_seat_should_show_is_the_newest_on_else_the_newest_off() {
        let scope = |text: &str| text.parse::<Scope>().unwrap();
        let declared = |all: &[(&str, u64, State)]| -> Option<(bool, u64)> {
            present(&all.iter().map(|(s, version, state)| (scope(s), klb(*version, *state))).collect(), &jkt())
        };
        assert_eq!(declared(&[]), None);
        assert_eq!(declared(&[("site.sby", 9, State::On)]), None);
        assert_eq!(declared(&[("center", 5, State::On), ("site.jkt", 9, State::Off)]), Some((true, 5)));
        assert_eq!(declared(&[("center", 5, State::On), ("region.jawa", 7, State::On)]), Some((true, 7)));
        assert_eq!(declared(&[("center", 5, State::Off), ("site.jkt", 3, State::Off)]), Some((false, 5)));
    }

    #[test]
    fn every_seat_is_counted_once_and_told_why_it_needs_attention() {
        let now: DateTime<Utc> = "2026-11-24T08:00:00Z".parse().unwrap();
        let seat = |age: i64, klb: Option<(u64, bool)>, rules: Option<u64>, unsent, refused: &[Refusal]| {
            let mut counted = Refused::default();
            for why in refused {
                counted.count(*why);
            }
            let rules = rules.map(|version| RulesState { version, sha256: "ab".into(), revision: "Rev-2".into() });
            let klb = klb.map(|(version, on)| KlbState { version, on });
            let state = SeatState {
                schema: 1,
                at: now,
                agent: "0.1.0".into(),
                epoch: Uuid::nil(),
                rules,
                klb,
                prompters: 1,
                unsent,
                sent: 0,
                refused: counted,
            };
            Known { state, at: now - TimeDelta::seconds(age) }
        };
        let states = [
            (name("a01"), seat(5, Some((9, true)), Some(4), 0, &[])),
            (name("a02"), seat(91, Some((8, true)), None, 3, &[])),
            (name("a03"), seat(90, None, Some(4), 0, &[Refusal::BadSignature, Refusal::Old])),
        ];
        let site = jkt();
        let odd = Refused::default();
        let heard = [Heard { site: &site, states: states.iter().map(|(n, k)| (n, k)).collect(), odd: &odd }];
        let on_air = OnAir {
            klb: BTreeMap::from([(Scope::Center, klb(9, State::On))]),
            rules: Some(Published { version: 4, by: name("spv"), revision: None, since: None, waits_for: None }),
            unheeded: vec![],
        };
        let gap =
            Gap { site: name("jkt"), seat: name("a01"), epoch: Uuid::nil(), highest: 9, missing: 2, pieces: vec![] };
        let turned =
            RefusedCount { site: "jkt".into(), seat: "a09".into(), why: "malformed".into(), count: 6, last: now };
        let stored = Stored { gaps: vec![gap], refused: vec![turned] };
        let picture = Picture::of(&heard, on_air, Some(&stored), vec![], now);
        let line = &picture.sites[0].1;
        assert_eq!((line.seen, line.fresh, line.stale(), line.silent()), (3, 2, 1, 2));
        assert_eq!((line.klb_on, line.klb_behind, line.rules_behind), (2, 2, 1));
        assert_eq!((line.unsent, line.missing, line.refused), (3, Some(2), 8));
        assert_eq!(picture.total, *line);
        assert_eq!(picture.rules.iter().map(|(_, count)| *count).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(picture.refused_by_seats, BTreeMap::from([("bad-signature".into(), 1), ("old".into(), 1)]));
        assert_eq!(picture.refused_by_archive, BTreeMap::from([("malformed".into(), 6)]));
        let needs: Vec<_> = picture.seats[&name("jkt")].iter().map(|s| (s.name.as_str(), &s.needs[..])).collect();
        let a02 = [Need::Stale(91), Need::Klb, Need::Rules, Need::Unsent(3)];
        assert_eq!(
            needs,
            [
                ("a01", &[Need::Missing(2)][..]),
                ("a02", &a02[..]),
                ("a03", &[Need::Klb, Need::Refused(2)][..]),
                ("a09", &[Need::Refused(6)][..]),
            ]
        );
        let without = Picture::of(&heard, OnAir::default(), None, vec![], now);
        assert_eq!((without.total.missing, without.total.klb_behind, without.total.rules_behind), (None, 0, 0));
    }
}
