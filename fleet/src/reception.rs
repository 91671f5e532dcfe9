//! What the seats did with a broadcast, from the states that they publish: how many use it, and which do not, and why.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::time::Duration;

use async_nats::Client;
use chrono::{DateTime, Utc};
use clap::Args;
use futures_util::future::{join_all, try_join_all};
use penutup_cli_kit::diagnostics::grouped;
use penutup_cli_kit::words::Lang;
use penutup_rules::declaration::Declaration;
use tokio::time::{Instant, sleep, timeout};

use crate::broadcast_stream::{
    BroadcastStream, GetError, StoredBroadcast, get_newest, get_next, stream_sequence, stream_subject, stream_time,
};
use crate::config::center::Site;
use crate::config::supervisor::Supervisor;
use crate::error::{CliError, ExitStatus};
use crate::seat_states::StoredState;
use crate::status::summary::FRESH;
use crate::wire::envelope::Envelope;
use crate::wire::key::Key;
use crate::wire::name::Name;
use crate::wire::refusal::Refusal;
use crate::wire::seat::SeatState;
use crate::wire::subject;
use crate::words::words;

/// How long a declaration of somebody else counts as made at the same time, at least.
const SETTLE: Duration = Duration::from_secs(1);
/// Between two looks at the states. A seat publishes a change within 1.5 s.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);
/// Direct gets of one look that are under way at once: the server may be 20 ms away.
const MAX_READERS: u64 = 128;
/// How many seconds a supervisor's clock may have been ahead.
const MAX_AHEAD: u64 = 2 * 24 * 60 * 60;
/// The most seats that are named for one reason.
const MAX_NAMED: usize = 5;

/// How long a supervisor's verb waits for the seats.
#[derive(Clone, Copy, Debug, Args)]
pub struct Wait {
    /// How long to wait for what the seats do, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(0..=3_600))]
    pub wait: u64,
}

impl Wait {
    pub async fn reception(
        self,
        stream: &BroadcastStream,
        supervisor: &Supervisor,
        sent: &Sent<'_>,
    ) -> Result<Answer, CliError> {
        let unknown = |error: CliError| {
            let w = &words(stream.lang()).reception;
            CliError { message: w.unknown(error.message), status: ExitStatus::NotEverywhere, ..error }
        };
        wait(stream, supervisor, sent, Duration::from_secs(self.wait)).await.map_err(unknown)
    }
}

/// Whether a broadcast is for the seats of a site.
pub fn concerns(key: &Key, site: &Site) -> bool {
    Key::of_seat(&site.id, &site.region).contains(key)
}

/// The latest state of each seat of a site, by direct gets: a supervisor has no consumers.
struct SiteStates<'s> {
    site: &'s Site,
    read_up_to: u64,
    states: States,
}

/// `None`: of another schema, which another program version writes.
type States = HashMap<Name, Option<StoredState>>;

impl SiteStates<'_> {
    async fn refresh(&mut self, client: &Client) -> Result<(), GetError> {
        let (get, filter) = (subject::states_get(&self.site.id), subject::all_states(&self.site.id));
        let last = get_newest(client, &get, &filter).await?.as_ref().and_then(stream_sequence).unwrap_or(0);
        if last <= self.read_up_to {
            return Ok(());
        }
        let (first, count) = (self.read_up_to + 1, last - self.read_up_to);
        let width = count.div_ceil(MAX_READERS);
        let readers = (0..count.div_ceil(width)).map(|n| {
            let from = first + n * width;
            read(client, &get, &filter, from, (from + width - 1).min(last))
        });
        for (_, name, state) in sorted(try_join_all(readers).await?) {
            self.states.insert(name, state);
        }
        self.read_up_to = last;
        Ok(())
    }
}

fn sorted<T>(parts: Vec<Vec<(u64, Name, T)>>) -> Vec<(u64, Name, T)> {
    let mut all: Vec<_> = parts.into_iter().flatten().collect();
    all.sort_by_key(|(sequence, ..)| *sequence);
    all
}

/// The highest version of a key that the seats say they have: higher than the stream's where that was restored from an older
/// backup. It looks at the newest state of each site only. One that no supervisor's clock can have given is ignored: whoever has
/// a seat's key can report any, and later versions must exceed it.
pub async fn version_on_seats(
    stream: &BroadcastStream,
    supervisor: &Supervisor,
    key: &Key,
    now: DateTime<Utc>,
) -> Option<u64> {
    let newest = supervisor.sites.iter().filter(|site| concerns(key, site)).map(|site| async {
        let (get, filter) = (subject::states_get(&site.id), subject::all_states(&site.id));
        let message = get_newest(stream.client(), &get, &filter).await.ok()??;
        let state = SeatState::parse(&message.payload).ok()?;
        Some(state.broadcasts.get(&key.to_string())?.version)
    });
    // A declaration does not wait for it: without it, seats that have a newer version are reported as refusing this one.
    let versions = timeout(SETTLE, join_all(newest)).await.unwrap_or_default();
    let highest = Declaration::next_version(None, now).saturating_add(MAX_AHEAD);
    versions.into_iter().flatten().filter(|version| *version <= highest).max()
}

/// The states between two sequences, without invalid ones.
async fn read(
    client: &Client,
    get: &str,
    filter: &str,
    mut from: u64,
    to: u64,
) -> Result<Vec<(u64, Name, Option<StoredState>)>, GetError> {
    let mut out = Vec::new();
    while from <= to {
        let Some(message) = get_next(client, get, filter, from).await? else { break };
        let Some(sequence) = stream_sequence(&message).filter(|sequence| (from..=to).contains(sequence)) else { break };
        from = sequence + 1;
        let seat = stream_subject(&message).and_then(subject::parse_seat);
        let stored_at = stream_time(&message);
        // Whoever has a seat's key can send anything: what is no valid state says nothing.
        let state = match SeatState::parse(&message.payload) {
            Ok(state) => Some(state),
            Err(Refusal::OtherSchema) => None,
            Err(_) => continue,
        };
        if let (Some((_, seat)), Some(stored_at)) = (seat, stored_at) {
            out.push((sequence, seat, state.map(|state| StoredState { state, stored_at })));
        }
    }
    Ok(out)
}

/// What the seats concerned did with a broadcast.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reception {
    /// Configured seats.
    pub seats: u64,
    /// Seats that verified and use it.
    pub using: u64,
    /// The open prompters of these.
    pub screens: u64,
    /// By reason; each seat as `site/seat`.
    pub refused: BTreeMap<Refusal, Vec<String>>,
    /// Connected, but without it.
    pub behind: Vec<String>,
    /// Heard in the last ten minutes, but not in the last 90 seconds.
    pub cut: Vec<String>,
    /// Of another program version, whose state can't be read.
    pub other_version: Vec<String>,
    /// Nothing came from them in the last ten minutes.
    pub silent: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Using,
    Refused(Refusal),
    Not,
}

fn use_of(state: &SeatState, key: &Key, version: u64) -> Use {
    if state.broadcasts.is_empty() {
        // An agent of the first version reports only what is in force.
        let has = match key {
            Key::Klb(_) => state.klb.as_ref().is_some_and(|klb| klb.version >= version),
            Key::Rules => state.rules.as_ref().is_some_and(|rules| rules.version >= version),
            Key::Trust => false,
        };
        return if has { Use::Using } else { Use::Not };
    }
    let Some(of_key) = state.broadcasts.get(&key.to_string()) else { return Use::Not };
    match of_key.refused {
        _ if of_key.version == version => Use::Using,
        // Unless somebody else's is in the stream, which is looked at first, that was restored from an older backup.
        _ if of_key.version > version => Use::Refused(Refusal::Old),
        Some(refused) if refused.version == version => Use::Refused(refused.why),
        _ => Use::Not,
    }
}

impl Reception {
    /// `stored_at` is when the broadcast was stored, by the server's clock like the states' times.
    fn add(&mut self, site: &Site, states: &States, envelope: &Envelope, stored_at: DateTime<Utc>) {
        self.seats += site.seats as u64;
        self.silent += (site.seats as u64).saturating_sub(states.len() as u64);
        let mut seats: Vec<_> = states.iter().collect();
        seats.sort_by_key(|(name, _)| *name);
        for (name, stored) in seats {
            let name = format!("{}/{name}", site.id);
            let Some(stored) = stored else {
                self.other_version.push(name);
                continue;
            };
            match use_of(&stored.state, &envelope.key, envelope.version) {
                Use::Using => {
                    self.using += 1;
                    self.screens += u64::from(stored.state.prompters);
                }
                Use::Refused(why) => self.refused.entry(why).or_default().push(name),
                Use::Not if stored_at - stored.stored_at > FRESH => self.cut.push(name),
                Use::Not => self.behind.push(name),
            }
        }
    }

    /// Whether waiting hardly changes it: there are seats, and all of them decided.
    fn is_settled(&self) -> bool {
        self.using + self.refused.len() as u64 > 0 && self.behind.is_empty() && self.cut.is_empty()
    }

    /// Whether every seat that was heard lately uses it, and there is one.
    pub fn is_complete(&self) -> bool {
        self.using > 0 && self.is_settled() && self.refused.is_empty() && self.other_version.is_empty()
    }

    pub fn status(&self) -> ExitStatus {
        if self.is_complete() { ExitStatus::Done } else { ExitStatus::NotEverywhere }
    }

    pub fn render(&self, lang: Lang) -> String {
        let w = &words(lang).reception;
        let number = |n: u64| grouped(&n.to_string(), lang.words().problem.thousands);
        let named = |seats: &[String]| {
            let more = if seats.len() > MAX_NAMED { ", …" } else { "" };
            seats.iter().take(MAX_NAMED).cloned().collect::<Vec<_>>().join(", ") + more
        };
        let count = |seats: &[String]| number(seats.len() as u64);
        let mut out = format!("{}\n", w.using(number(self.screens), number(self.seats), number(self.using)));
        for (why, seats) in &self.refused {
            let _ = writeln!(out, "  {}", w.refused(count(seats), named(seats), why.code()));
        }
        if !self.behind.is_empty() {
            let _ = writeln!(out, "  {}", w.behind(count(&self.behind), named(&self.behind)));
        }
        if !self.cut.is_empty() {
            let _ = writeln!(out, "  {}", w.cut(count(&self.cut), named(&self.cut)));
        }
        if !self.other_version.is_empty() {
            let _ = writeln!(out, "  {}", w.other_version(count(&self.other_version), named(&self.other_version)));
        }
        if self.silent > 0 {
            let _ = writeln!(out, "  {}", w.silent(number(self.silent)));
        }
        out
    }
}

/// A broadcast that was stored.
pub struct Sent<'s> {
    pub envelope: &'s Envelope,
    pub sequence: u64,
    /// When it was sent, by this machine's clock, for a server that does not say when it was stored.
    pub sent_at: DateTime<Utc>,
}

#[derive(Debug)]
pub enum Answer {
    /// Somebody else's broadcast is on top of it by now.
    Replaced,
    Received(Reception),
}

/// Waits until every seat that was heard lately has decided, at most for `wait`.
async fn wait(
    stream: &BroadcastStream,
    supervisor: &Supervisor,
    sent: &Sent<'_>,
    wait: Duration,
) -> Result<Answer, CliError> {
    let lang = stream.lang();
    let (started, key) = (Instant::now(), &sent.envelope.key);
    let concerned = supervisor.sites.iter().filter(|site| concerns(key, site));
    let mut sites: Vec<_> = concerned.map(|site| SiteStates { site, read_up_to: 0, states: HashMap::new() }).collect();
    if sites.is_empty() {
        return Err(CliError::new(words(lang).reception.no_sites).help(words(lang).reception.no_sites_help));
    }
    loop {
        let read = try_join_all(sites.iter_mut().map(|site| site.refresh(stream.client())));
        let states = read.await;
        // The last look of all: what is true when this program reports.
        let last = stream.last(key).await?;
        if last.as_ref().is_some_and(|last| last.sequence != sent.sequence)
            && is_replaced(stream, supervisor, sent.envelope).await?
        {
            return Ok(Answer::Replaced);
        }
        states.map_err(|error| stream.get_error(&error))?;
        let stored_at = last.map_or(sent.sent_at, |StoredBroadcast { stored_at, .. }| stored_at);
        let mut reception = Reception::default();
        for SiteStates { site, states, .. } in &sites {
            reception.add(site, states, sent.envelope, stored_at);
        }
        let elapsed = started.elapsed();
        if elapsed >= wait || (reception.is_settled() && elapsed >= SETTLE) {
            return Ok(Answer::Received(reception));
        }
        sleep(LOOK_INTERVAL.min(wait.saturating_sub(elapsed))).await;
    }
}

/// Whether seats use another one: what they refuse on top of it replaces nothing.
async fn is_replaced(stream: &BroadcastStream, supervisor: &Supervisor, envelope: &Envelope) -> Result<bool, CliError> {
    let accepted = stream.accepted(&supervisor.trust, &envelope.key).await?;
    Ok(accepted.newest.is_some_and(|(newest, _)| newest.version > envelope.version))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use nkeys::KeyPair;
    use uuid::Uuid;

    use super::*;
    use crate::wire::key::Scope;
    use crate::wire::refusal::RefusalCounts;
    use crate::wire::seat::{KeyState, KlbState, RefusedVersion};
    use crate::wire::testing::{declaration, name};

    /// With one key, and the version whose signature it refused.
    fn state(broadcast: Option<(&str, u64, Option<u64>)>, klb: Option<u64>) -> SeatState {
        let of = |(key, version, refused): (&str, u64, Option<u64>)| {
            let refused = refused.map(|version| RefusedVersion { version, why: Refusal::BadSignature });
            (key.to_owned(), KeyState { version, refused })
        };
        SeatState {
            schema: 1,
            at: DateTime::UNIX_EPOCH,
            agent: "0.1.0".into(),
            epoch: Uuid::nil(),
            rules: None,
            klb: klb.map(|version| KlbState { version, on: true }),
            prompters: 2,
            unsent: 0,
            sent: 0,
            refused: RefusalCounts::default(),
            broadcasts: broadcast.into_iter().map(of).collect(),
            unwritten_since: None,
            told_clock: None,
        }
    }

    #[test]
    fn each_seat_is_told_by_what_it_did() {
        let now: DateTime<Utc> = "2026-11-24T08:00:00Z".parse().unwrap();
        let seat = |seat: &str, age: i64, state: SeatState| {
            (name(seat), Some(StoredState { state, stored_at: now - TimeDelta::seconds(age) }))
        };
        let states = HashMap::from([
            seat("a1", 1, state(Some(("klb.center", 9, None)), None)),
            // One that was cut after it had verified it, and one with a newer declaration.
            seat("a2", 100, state(Some(("klb.center", 9, None)), None)),
            seat("a9", 1, state(Some(("klb.center", 10, None)), None)),
            seat("a3", 1, state(Some(("klb.center", 7, Some(9))), None)),
            // It refused another version.
            seat("a4", 1, state(Some(("klb.center", 7, Some(8))), None)),
            seat("a5", 91, state(Some(("klb.center", 7, None)), None)),
            // Agents of the first version.
            seat("a6", 1, state(None, Some(9))),
            seat("a7", 1, state(None, Some(8))),
            // Without anything of this key.
            seat("a8", 1, state(Some(("rules.active", 99, None)), Some(99))),
            (name("b1"), None),
        ]);
        let key = Key::Klb(Scope::Center);
        let payload = declaration(9, penutup_rules::declaration::State::On);
        let envelope = Envelope::sign(&KeyPair::new_user(), key, name("spv"), 9, payload).unwrap();
        let site = Site { id: name("jkt"), region: name("jawa"), seats: 11 };
        let mut reception = Reception::default();
        reception.add(&site, &states, &envelope, now);
        let seats = |names: &[&str]| names.iter().map(|name| format!("jkt/{name}")).collect::<Vec<_>>();
        let expected = Reception {
            seats: 11,
            using: 3,
            screens: 6,
            refused: BTreeMap::from([(Refusal::BadSignature, seats(&["a3"])), (Refusal::Old, seats(&["a9"]))]),
            behind: seats(&["a4", "a7", "a8"]),
            cut: seats(&["a5"]),
            other_version: seats(&["b1"]),
            silent: 1,
        };
        assert_eq!(reception, expected);
        assert!(!reception.is_settled() && !reception.is_complete());
        let decided = Reception { behind: vec![], cut: vec![], ..expected.clone() };
        assert!(decided.is_settled() && !decided.is_complete(), "a refusal is no success");
        let unread = Reception { refused: BTreeMap::new(), ..decided };
        assert!(unread.is_settled() && !unread.is_complete(), "what it does is not known");
        assert!(Reception { other_version: vec![], ..unread }.is_complete());
        let nobody = Reception { seats: 3, silent: 3, ..Reception::default() };
        assert!(!nobody.is_settled() && !nobody.is_complete(), "nobody shows it");
        for lang in [Lang::Id, Lang::En] {
            let text = expected.render(lang);
            for part in ["bad-signature", "jkt/a3", "jkt/a4, jkt/a7, jkt/a8", "jkt/a5", "jkt/b1", "11"] {
                assert!(text.contains(part), "{part}: {text}");
            }
        }
    }
}
