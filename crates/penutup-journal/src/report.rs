//! Statistics of calls. Pure: summaries in, numbers out, one at a time, so that a million calls need no memory. A tick
//! is the CSO's own statement; no recording proves it, and the report says so.

mod dimension;
mod filter;
pub mod json;
mod sample;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveTime, TimeZone, Utc};

pub use self::dimension::{Dimension, Teams, is_answer};
use self::dimension::{Source, Value, date};
pub use self::filter::{Filter, Matcher};
pub use self::sample::{Chosen, EXCUSED, IRREGULAR, LEFT_OUT, LOST_SCORE, Sampled, Sampler};
use super::read::Span;
use super::summary::{CallSummary, Flags, Interner, Symbol, facts_of, list_of, position};
use penutup_rules::closing::ending::Outcome;

const ENDINGS: usize = Outcome::ALL.len();
/// The longest plausible duration of a call; a longer one was left open, or the clock jumped.
const LONGEST: u32 = 86_400;

/// The grouping of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// By ending, each fact, rule, seat, hour and day.
    Overview,
    One(Dimension),
    /// By each of them, and by both at once.
    Two(Dimension, Dimension),
}

impl By {
    /// The one or two dimensions; none for the overview.
    pub fn dimensions(&self) -> Vec<&Dimension> {
        match self {
            Self::Overview => vec![],
            Self::One(one) => vec![one],
            Self::Two(one, other) => vec![one, other],
        }
    }
}

/// Calls with irregularities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flagged {
    /// Those that ended before any sentence was said.
    pub before_closing: u64,
    /// Those with an overtaken step.
    pub overtaken: u64,
    /// Those in which a tick was undone.
    pub undone: u64,
}

impl Flagged {
    fn of(flags: Flags) -> Self {
        Self {
            before_closing: flags.has(Flags::BEFORE_CLOSING).into(),
            overtaken: flags.has(Flags::OVERTAKEN).into(),
            undone: flags.has(Flags::UNDONE).into(),
        }
    }

    fn combine(&mut self, other: Self, with: impl Fn(u64, u64) -> u64) {
        self.before_closing = with(self.before_closing, other.before_closing);
        self.overtaken = with(self.overtaken, other.overtaken);
        self.undone = with(self.undone, other.undone);
    }
}

/// Totals, still as symbols.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Tally {
    closings: u64,
    complete: u64,
    flagged: Flagged,
    seconds: u64,
    millis: u64,
    endings: [u64; ENDINGS],
    cost: BTreeMap<Symbol, u64>,
    left_out: BTreeMap<Symbol, u64>,
    due: BTreeMap<Symbol, u64>,
}

impl Tally {
    fn add(&mut self, row: &CallSummary, ending: usize, millis: u64) {
        self.closings += 1;
        self.complete += u64::from(row.complete);
        self.flagged.combine(Flagged::of(row.flags), |one, two| one + two);
        self.seconds += millis / 1000;
        self.millis += millis;
        self.endings[ending] += 1;
        if row.cost != Symbol(0) {
            *self.cost.entry(row.cost).or_default() += 1;
        }
        if row.left_out != Symbol(0) {
            *self.left_out.entry(row.left_out).or_default() += 1;
        }
        if row.due != Symbol(0) {
            *self.due.entry(row.due).or_default() += 1;
        }
    }

    fn add_all(&mut self, other: &Self) {
        self.closings += other.closings;
        self.complete += other.complete;
        self.flagged.combine(other.flagged, |one, two| one + two);
        self.seconds += other.seconds;
        self.millis += other.millis;
        for (here, there) in self.endings.iter_mut().zip(other.endings) {
            *here += there;
        }
        for (here, there) in
            [(&mut self.cost, &other.cost), (&mut self.left_out, &other.left_out), (&mut self.due, &other.due)]
        {
            for (symbol, count) in there {
                *here.entry(*symbol).or_default() += count;
            }
        }
    }

    fn group(&self, key: Vec<String>, texts: &Interner) -> Group {
        let mut cost = BTreeMap::<String, u64>::new();
        for (symbol, count) in &self.cost {
            for parameter in list_of(texts.text(*symbol)) {
                *cost.entry(parameter).or_default() += count;
            }
        }
        let steps = |counts: &BTreeMap<Symbol, u64>| {
            let mut steps = BTreeMap::<String, u64>::new();
            for (symbol, count) in counts {
                for step in texts.text(*symbol).split(' ') {
                    *steps.entry(step.into()).or_default() += count;
                }
            }
            steps
        };
        Group {
            key,
            closings: self.closings,
            complete: self.complete,
            flagged: self.flagged,
            costing: self.cost.values().sum(),
            seconds: self.seconds,
            millis: self.millis,
            endings: self.endings,
            cost: most_first(cost),
            left_out: most_first(steps(&self.left_out)),
            due: steps(&self.due),
        }
    }
}

fn most_first<T>(counts: impl IntoIterator<Item = (T, u64)>) -> Vec<(T, u64)> {
    let mut out: Vec<_> = counts.into_iter().collect();
    out.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    out
}

/// The totals of a group of calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// Their common key in each dimension; an empty one for calls that lack it (no seat, not this fact).
    pub key: Vec<String>,
    /// Calls that ended.
    pub closings: u64,
    /// Those with no spoken step left out.
    pub complete: u64,
    /// Those with irregularities.
    pub flagged: Flagged,
    /// Those that cost score.
    pub costing: u64,
    /// Their total duration, each call's as [`seconds`] has it.
    pub seconds: u64,
    /// The same in milliseconds, before each call is rounded down.
    pub millis: u64,
    /// Counts by outcome, in the order of [`Outcome::ALL`].
    pub endings: [u64; ENDINGS],
    /// By scoring parameter, how many calls lost it; highest first.
    pub cost: Vec<(String, u64)>,
    /// By step, how many calls left it out for any reason; highest first.
    pub left_out: Vec<(String, u64)>,
    /// By step, in how many calls it was due: ticked or left out.
    pub due: BTreeMap<String, u64>,
}

impl Group {
    /// The average duration in seconds, rounded once.
    pub fn mean_seconds(&self) -> u64 {
        let thousandths = self.closings.saturating_mul(1000);
        self.millis.saturating_add(thousandths / 2).checked_div(thousandths).unwrap_or(0)
    }

    /// The outcomes that occurred, most frequent first.
    pub fn outcomes(&self) -> Vec<(Outcome, u64)> {
        let counts = Outcome::ALL.into_iter().zip(self.endings).filter(|(_, count)| *count > 0);
        most_first(counts)
    }

    /// The number of calls with this outcome.
    pub fn ended(&self, how: Outcome) -> u64 {
        self.endings[position(how)]
    }
}

/// Durations of calls in seconds, for a report with calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Durations {
    /// The median.
    pub median: u32,
    /// The 90th percentile.
    pub p90: u32,
    /// The longest.
    pub longest: u32,
}

/// The groups of one grouping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grouping {
    /// One dimension, or two.
    pub by: Vec<Dimension>,
    /// In the order of time, of names or of the number of calls; calls that lack the key come last. Where a call has
    /// several keys (steps left out) it is in several groups.
    pub groups: Vec<Group>,
}

/// A report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The zone of its days and hours.
    pub zone: FixedOffset,
    /// The first and the last day on which a counted call began.
    pub days_seen: Option<(NaiveDate, NaiveDate)>,
    /// Running calls; they are counted nowhere else.
    pub open: u64,
    /// All.
    pub total: Group,
    pub durations: Option<Durations>,
    pub groupings: Vec<Grouping>,
}

impl Report {
    /// Calls by hour of the day, if they are grouped so.
    pub fn by_hour(&self) -> Option<[u64; 24]> {
        let mut out = [0; 24];
        for group in self.groups(&[Dimension::Hour])? {
            if let Some(count) = group.key[0].parse().ok().and_then(|hour: usize| out.get_mut(hour)) {
                *count = group.closings;
            }
        }
        Some(out)
    }

    /// The groups of a grouping, if the report has it.
    pub fn groups(&self, by: &[Dimension]) -> Option<&[Group]> {
        self.groupings.iter().find(|grouping| grouping.by == by).map(|grouping| grouping.groups.as_slice())
    }
}

/// Adds up calls one at a time, then makes the [`Report`].
#[derive(Clone, Debug)]
pub struct ReportBuilder {
    zone: FixedOffset,
    open: u64,
    total: Tally,
    seconds: BTreeMap<u32, u64>,
    /// The first and the last day, since 1970.
    days: Option<(i64, i64)>,
    single: Vec<(Single, HashMap<Value, Tally>)>,
    crossed: Option<Crossed>,
}

type Crossed = (Dimension, Dimension, HashMap<(Value, Value), Tally>);

/// What groupings of one dimension are made of the same tallies.
#[derive(Clone, Debug)]
enum Single {
    Of(Dimension),
    /// One for each fact that some call has.
    EachFact,
}

impl Single {
    fn source(&self) -> Source {
        match self {
            Self::Of(dimension) => dimension.source(),
            Self::EachFact => Source::Facts,
        }
    }

    fn dimensions(&self, tallies: &HashMap<Value, Tally>, texts: &Interner) -> Vec<Dimension> {
        match self {
            Self::Of(dimension) => vec![dimension.clone()],
            Self::EachFact => {
                let facts = tallies.keys().filter_map(|value| match value {
                    Value::Text(facts) => Some(facts_of(texts.text(*facts)).map(|(fact, _)| fact)),
                    Value::Pair(..) | Value::Number(_) => None,
                });
                let facts: BTreeSet<&str> = facts.flatten().collect();
                facts.into_iter().map(|fact| Dimension::Fact(fact.into())).collect()
            }
        }
    }
}

impl ReportBuilder {
    /// Without calls; dates and hours are in `zone`.
    #[must_use]
    pub fn new(zone: FixedOffset, by: By) -> Self {
        let of = Single::Of;
        let (single, crossed) = match by {
            By::Overview => {
                let [ending, rule, seat] = [Dimension::Ending, Dimension::Rule, Dimension::Seat].map(of);
                let [hour, day] = [Dimension::Hour, Dimension::Day].map(of);
                (vec![ending, Single::EachFact, rule, seat, hour, day], None)
            }
            By::One(one) => (vec![of(one)], None),
            By::Two(one, other) => (vec![of(one.clone()), of(other.clone())], Some((one, other, HashMap::new()))),
        };
        Self {
            zone,
            open: 0,
            total: Tally::default(),
            seconds: BTreeMap::new(),
            days: None,
            single: single.into_iter().map(|single| (single, HashMap::new())).collect(),
            crossed,
        }
    }

    /// Adds a call.
    pub fn add(&mut self, row: &CallSummary) {
        let Some((end_ms, how)) = row.end else {
            self.open += 1;
            return;
        };
        let (ending, millis) = (position(how), millis(row.start_ms, end_ms));
        let ahead_ms = i64::from(self.zone.local_minus_utc()) * 1000;
        *self.seconds.entry(seconds(row.start_ms, end_ms)).or_default() += 1;
        if let Value::Number(day) = Source::Day.of(row, ahead_ms) {
            let (first, last) = self.days.unwrap_or((day, day));
            self.days = Some((first.min(day), last.max(day)));
        }
        self.total.add(row, ending, millis);
        for (single, tallies) in &mut self.single {
            tallies.entry(single.source().of(row, ahead_ms)).or_default().add(row, ending, millis);
        }
        if let Some((one, other, tallies)) = &mut self.crossed {
            let key = (one.source().of(row, ahead_ms), other.source().of(row, ahead_ms));
            tallies.entry(key).or_default().add(row, ending, millis);
        }
    }

    /// How many groups it holds, as a measure of its memory: some 300 bytes each.
    pub fn size(&self) -> usize {
        let crossed = self.crossed.as_ref().map_or(0, |(_, _, tallies)| tallies.len());
        self.single.iter().map(|(_, tallies)| tallies.len()).sum::<usize>() + crossed
    }

    /// How many calls ended.
    pub fn closings(&self) -> u64 {
        self.total.closings
    }

    /// Whether some call's agent or seat has a team.
    pub fn has_team(&self, texts: &Interner, teams: &Teams) -> bool {
        let values = self.single.iter().flat_map(|(_, tallies)| tallies.keys());
        values.into_iter().any(|value| match value {
            Value::Pair(agent, seat) => teams.has(texts.text(*agent), texts.text(*seat)),
            Value::Text(_) | Value::Number(_) => false,
        })
    }

    /// The report so far.
    pub fn report(&self, texts: &Interner, teams: &Teams) -> Report {
        let mut groupings = Vec::new();
        for (single, tallies) in &self.single {
            for dimension in single.dimensions(tallies, texts) {
                let keyed = tallies.iter().flat_map(|(value, tally)| {
                    dimension.keys(*value, texts, teams).into_iter().map(move |key| (vec![key], tally))
                });
                let groups = groups(keyed, dimension.is_ordered(), texts);
                groupings.push(Grouping { by: vec![dimension], groups });
            }
        }
        if let Some((one, other, tallies)) = &self.crossed {
            let keyed = tallies.iter().flat_map(|((value, with), tally)| {
                let others = other.keys(*with, texts, teams);
                one.keys(*value, texts, teams)
                    .into_iter()
                    .flat_map(move |key| others.clone().into_iter().map(move |other| (vec![key.clone(), other], tally)))
            });
            groupings.push(Grouping { by: vec![one.clone(), other.clone()], groups: groups(keyed, true, texts) });
        }
        Report {
            zone: self.zone,
            days_seen: self.days.and_then(|(first, last)| date(first).zip(date(last))),
            open: self.open,
            total: self.total.group(Vec::new(), texts),
            durations: self.durations(),
            groupings,
        }
    }

    fn durations(&self) -> Option<Durations> {
        let count = self.total.closings;
        let (longest, _) = self.seconds.last_key_value()?;
        let at = |nth: u64| {
            let mut passed = 0;
            let found = self.seconds.iter().find(|(_, n)| {
                passed += **n;
                passed >= nth
            });
            found.map_or(*longest, |(seconds, _)| *seconds)
        };
        Some(Durations { median: at(count.div_ceil(2)), p90: at((count * 9).div_ceil(10)), longest: *longest })
    }
}

/// A call's duration; not negative if the clock was set back meanwhile.
pub fn seconds(start_ms: i64, end_ms: i64) -> u32 {
    u32::try_from(millis(start_ms, end_ms) / 1000).unwrap_or(LONGEST)
}

fn millis(start_ms: i64, end_ms: i64) -> u64 {
    let millis = u64::try_from(end_ms.saturating_sub(start_ms)).unwrap_or(0);
    millis.min(u64::from(LONGEST) * 1000)
}

/// Adds up the tallies with the same key. Ordered by key, or by the number of calls; calls that lack the key come last.
fn groups<'t>(keyed: impl Iterator<Item = (Vec<String>, &'t Tally)>, is_ordered: bool, texts: &Interner) -> Vec<Group> {
    let mut tallies = BTreeMap::<Vec<String>, Tally>::new();
    for (key, tally) in keyed {
        tallies.entry(key).or_default().add_all(tally);
    }
    let mut groups: Vec<Group> = tallies.into_iter().map(|(key, tally)| tally.group(key, texts)).collect();
    groups.sort_by_cached_key(|group| {
        let count = if is_ordered { 0 } else { u64::MAX - group.closings };
        group.key.iter().map(|key| (key.is_empty(), count, natural(key))).collect::<Vec<_>>()
    });
    groups
}

/// For an order in which Rev-9 comes before Rev-10: the text in parts without and with digits, numbers by their value.
fn natural(text: &str) -> Vec<(String, u64)> {
    let mut parts: Vec<(String, u64)> = vec![(String::new(), 0)];
    let mut is_number = false;
    for c in text.chars() {
        let last = parts.len() - 1;
        match c.to_digit(10) {
            Some(digit) => {
                parts[last].1 = parts[last].1.saturating_mul(10).saturating_add(digit.into());
                is_number = true;
            }
            None if is_number => {
                parts.push((c.into(), 0));
                is_number = false;
            }
            None => parts[last].0.push(c),
        }
    }
    parts
}

/// The beginning of a local day.
pub fn midnight(day: NaiveDate, zone: FixedOffset) -> Option<DateTime<Utc>> {
    let local = zone.from_local_datetime(&day.and_time(NaiveTime::MIN)).single()?;
    Some(local.with_timezone(&Utc))
}

/// The time from the first to the last of these days, inclusive.
pub fn span(from: Option<NaiveDate>, to: Option<NaiveDate>, zone: FixedOffset) -> Span {
    let ms = |day: NaiveDate| midnight(day, zone).map(|t| t.timestamp_millis());
    Span { from_ms: from.and_then(ms), before_ms: to.and_then(|day| day.succ_opt()).and_then(ms) }
}

/// The seat's own day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recap {
    /// The totals of its calls.
    pub report: Report,
    /// Whether the journal could be read; otherwise these are the calls in memory.
    pub whole: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use penutup_rules::closing::ending::Ending;
    use uuid::Uuid;

    fn wib() -> FixedOffset {
        FixedOffset::east_opt(7 * 3600).unwrap()
    }

    fn ms(time: &str) -> i64 {
        time.parse::<DateTime<Utc>>().unwrap().timestamp_millis()
    }

    fn row(start: &str, end: &str, texts: &mut Interner) -> CallSummary {
        CallSummary {
            id: Uuid::from_u128(1),
            start_ms: ms(start),
            end: Some((ms(end), Outcome::Ended(Ending::Complete))),
            complete: true,
            flags: Flags::default(),
            facts: texts.intern("klb=tidak topik=lain").unwrap(),
            rule: texts.intern("satu").unwrap(),
            revision: texts.intern("Rev-1").unwrap(),
            seat: Symbol(0),
            agent: Symbol(0),
            left_out: Symbol(0),
            due: Symbol(0),
            cost: Symbol(0),
        }
    }

    fn keys(report: &Report, by: &[Dimension]) -> Vec<(String, u64)> {
        report.groups(by).unwrap().iter().map(|group| (group.key.join("/"), group.closings)).collect()
    }

    #[test]
    fn days_weeks_months_and_hours_are_local() {
        let mut texts = Interner::default();
        let rows = [
            row("2026-11-29T16:59:59Z", "2026-11-29T17:00:10Z", &mut texts),
            row("2026-11-29T17:00:00Z", "2026-11-29T17:00:30Z", &mut texts),
            row("2026-12-31T17:00:00Z", "2026-12-31T17:00:01Z", &mut texts),
        ];
        let by = |dimension: Dimension| {
            let mut builder = ReportBuilder::new(wib(), By::One(dimension.clone()));
            for row in &rows {
                builder.add(row);
            }
            let report = builder.report(&texts, &Teams::default());
            assert_eq!(report.durations, Some(Durations { median: 11, p90: 30, longest: 30 }));
            assert_eq!(report.days_seen, date(20_786).zip(date(20_819)));
            keys(&report, &[dimension]).into_iter().map(|(key, _)| key).collect::<Vec<_>>()
        };
        assert_eq!(by(Dimension::Day), ["2026-11-29", "2026-11-30", "2027-01-01"]);
        assert_eq!(by(Dimension::Week), ["2026-W48", "2026-W49", "2026-W53"]);
        assert_eq!(by(Dimension::Month), ["2026-11", "2027-01"].map(str::to_owned).to_vec());
        assert_eq!(by(Dimension::Hour), ["00", "23"]);
    }

    #[test]
    fn an_average_is_rounded_once() {
        let mut texts = Interner::default();
        let [whole, ..] = four(&mut texts);
        let mut builder = ReportBuilder::new(wib(), By::Overview);
        for millis in [900, 1_500] {
            builder.add(&CallSummary { end: whole.end.map(|(_, how)| (whole.start_ms + millis, how)), ..whole });
        }
        let total = builder.report(&texts, &Teams::default()).total;
        assert_eq!((total.seconds, total.mean_seconds()), (1, 1), "1.2 s is no 0 s");
        assert_eq!(Group::default().mean_seconds(), 0);
    }

    #[test]
    fn a_duration_is_never_negative() {
        assert_eq!(seconds(ms("2026-11-24T07:00:00Z"), ms("2026-11-24T06:00:00Z")), 0);
        assert_eq!(seconds(0, i64::MAX), LONGEST);
        assert_eq!(seconds(i64::MIN, i64::MAX), LONGEST);
        assert_eq!(seconds(i64::MAX, i64::MIN), 0);
    }

    /// A complete call, one whose customer hung up, one that cost score, and one that runs.
    fn four(texts: &mut Interner) -> [CallSummary; 4] {
        let whole = row("2026-11-24T07:00:00Z", "2026-11-24T07:01:00Z", texts);
        let without = CallSummary {
            id: Uuid::from_u128(2),
            end: Some((ms("2026-11-24T07:02:00Z"), Outcome::Ended(Ending::Omitted))),
            complete: false,
            flags: Flags(Flags::OVERTAKEN.0 | Flags::UNDONE.0),
            facts: texts.intern("klb=ya").unwrap(),
            agent: texts.intern("4711").unwrap(),
            left_out: texts.intern("download terima-kasih").unwrap(),
            due: texts.intern("campaign download terima-kasih").unwrap(),
            cost: texts.intern(r#"["Akurasi","FCR"]"#).unwrap(),
            ..whole
        };
        let hung_up = CallSummary {
            id: Uuid::from_u128(3),
            end: Some((ms("2026-11-24T07:01:00Z"), Outcome::Ended(Ending::CustomerLeft))),
            flags: Flags::BEFORE_CLOSING,
            complete: false,
            left_out: texts.intern("download").unwrap(),
            due: texts.intern("download").unwrap(),
            ..whole
        };
        let open = CallSummary { id: Uuid::from_u128(4), end: None, flags: Flags::BEFORE_CLOSING, ..whole };
        [whole, hung_up, without, open]
    }

    #[test]
    fn omissions_are_counted_by_parameter_and_by_step() {
        let mut texts = Interner::default();
        let mut builder = ReportBuilder::new(wib(), By::Overview);
        for row in four(&mut texts) {
            builder.add(&row);
        }
        let report = builder.report(&texts, &Teams::default());
        let total = &report.total;
        assert_eq!((total.closings, total.complete, total.costing, report.open), (3, 1, 1, 1));
        assert_eq!(total.flagged, Flagged { before_closing: 1, overtaken: 1, undone: 1 });
        assert_eq!(total.cost, [("Akurasi".to_owned(), 1), ("FCR".to_owned(), 1)]);
        assert_eq!(total.left_out, [("download".to_owned(), 2), ("terima-kasih".to_owned(), 1)]);
        let due = [("campaign".to_owned(), 1), ("download".to_owned(), 2), ("terima-kasih".to_owned(), 1)];
        assert_eq!(total.due, BTreeMap::from(due));
        assert_eq!((total.ended(Outcome::Ended(Ending::Omitted)), total.ended(Outcome::Left)), (1, 0));
        let klb = report.groups(&[Dimension::Fact("klb".into())]).unwrap();
        assert_eq!(klb.iter().map(|g| (g.key[0].as_str(), g.closings)).collect::<Vec<_>>(), [("tidak", 2), ("ya", 1)]);
        assert_eq!(klb.iter().map(|g| g.flagged.before_closing).collect::<Vec<_>>(), [1, 0]);
        let topik = keys(&report, &[Dimension::Fact("topik".into())]);
        assert_eq!(topik, [("lain".to_owned(), 2), (String::new(), 1)]);
        assert_eq!(report.groups(&[Dimension::Fact("cuaca".into())]), None);
    }

    #[test]
    fn a_call_that_left_out_several_steps_is_in_each_of_their_groups() {
        let mut texts = Interner::default();
        let mut builder = ReportBuilder::new(wib(), By::Two(Dimension::Agent, Dimension::Step));
        for row in four(&mut texts) {
            builder.add(&row);
        }
        let report = builder.report(&texts, &Teams::default());
        let counts = |by: &[Dimension]| keys(&report, by);
        let found = |all: &[(&str, u64)]| all.iter().map(|(key, n)| ((*key).to_owned(), *n)).collect::<Vec<_>>();
        assert_eq!(counts(&[Dimension::Agent]), found(&[("4711", 1), ("", 2)]));
        assert_eq!(counts(&[Dimension::Step]), found(&[("download", 2), ("terima-kasih", 1), ("", 1)]));
        let crossed = [("4711/download", 1), ("4711/terima-kasih", 1), ("/download", 1), ("/", 1)];
        assert_eq!(counts(&[Dimension::Agent, Dimension::Step]), found(&crossed));
    }

    #[test]
    fn reasons_are_the_answers_of_the_cso_and_teams_those_of_agent_or_seat() {
        let mut texts = Interner::default();
        let mut teams = Teams::default();
        assert_eq!([teams.add("4711", "A"), teams.add("4711", "A")], [None, None]);
        assert_eq!(teams.add("4711", "B"), Some("A".into()));
        teams.add("meja 7", "B");
        let seat = texts.intern("meja 7").unwrap();
        let mut builder = ReportBuilder::new(wib(), By::Two(Dimension::Team, Dimension::Reason));
        for row in four(&mut texts) {
            builder.add(&CallSummary { seat: if row.complete { seat } else { Symbol(0) }, ..row });
        }
        let report = builder.report(&texts, &teams);
        let crossed = [("A/tidak-disampaikan", 1), ("B/", 1), ("/pelanggan-menutup", 1)];
        let crossed: Vec<_> = crossed.into_iter().map(|(key, n)| (key.to_owned(), n)).collect();
        assert_eq!(keys(&report, &[Dimension::Team, Dimension::Reason]), crossed);
    }

    #[test]
    fn filters_select_by_every_dimension_and_know_what_no_call_has() {
        let mut texts = Interner::default();
        let rows = four(&mut texts);
        let check = |filters: &[(&str, &[&str])], expected: [bool; 3], unseen: &[&str]| {
            let filters: Vec<Filter> = filters
                .iter()
                .map(|(by, keys)| Filter {
                    dimension: by.parse().unwrap(),
                    keys: keys.iter().map(|key| (*key).to_owned()).collect(),
                })
                .collect();
            let mut matcher = Matcher::new(&filters, &Teams::default(), wib());
            let found = [0, 1, 2].map(|at| matcher.matches(&rows[at], &texts));
            assert_eq!(found, expected, "{filters:?}");
            assert_eq!(matcher.unseen().map(|(_, key)| key).collect::<Vec<_>>(), unseen, "{filters:?}");
        };
        check(&[], [true; 3], &[]);
        check(&[("agent", &["4711"])], [false, false, true], &[]);
        check(&[("agent", &["", "9"])], [true, true, false], &["9"]);
        check(&[("step", &["download"])], [false, true, true], &[]);
        check(&[("klb", &["ya", "tidak"]), ("ending", &["lengkap"])], [true, false, false], &[]);
        check(&[("hour", &["14"]), ("week", &["2026-W48"]), ("rule", &["satu"])], [true; 3], &[]);
        check(&[("reason", &["pelanggan-menutup"])], [false, true, false], &[]);
        check(&[("fact=agent", &[""])], [true; 3], &[]);
        let fact = Filter { dimension: Dimension::Fact("cuaca".into()), keys: vec!["cerah".into()] };
        let mut matcher = Matcher::new(&[fact], &Teams::default(), wib());
        assert!(!matcher.matches(&rows[0], &texts));
        assert_eq!(matcher.unknown_facts().collect::<Vec<_>>(), ["cuaca"]);
    }

    #[test]
    fn a_sample_has_the_worst_and_random_ones_whatever_the_order() {
        let mut texts = Interner::default();
        let [whole, hung_up, without, open] = four(&mut texts);
        let mut rows: Vec<_> = (10..60).map(|n| CallSummary { id: Uuid::from_u128(n), ..whole }).collect();
        rows.extend([hung_up, without, open]);
        let sample = |rows: &[CallSummary], size: usize, seed: u64| {
            let mut sampler = Sampler::new(size, seed);
            for row in rows {
                sampler.add(row, &texts);
            }
            sampler.sample()
        };
        let four = sample(&rows, 4, 7);
        let worst = |id, weight| Sampled { id: Uuid::from_u128(id), chosen: Chosen::Worst, weight };
        // Two parameters, two steps without an excuse, two irregularities; one excused step.
        assert_eq!(four[..2], [worst(2, 2 * LOST_SCORE + 2 * LEFT_OUT + 2 * IRREGULAR), worst(3, EXCUSED)]);
        assert!(four.len() == 4 && four[2..].iter().all(|one| one.chosen == Chosen::Random && one.weight == 0));
        rows.reverse();
        assert_eq!(sample(&rows, 4, 7), four);
        assert_ne!(sample(&rows, 4, 8), four);
        // Without enough faulty calls the rest is random; never a running call, never one twice.
        let all = sample(&rows, 1000, 7);
        assert_eq!(all.len(), 52);
        assert_eq!(all.iter().map(|one| one.id).collect::<BTreeSet<_>>().len(), 52);
        assert!(all.iter().all(|one| one.id != open.id));
    }

    #[test]
    fn numbers_in_names_are_ordered_by_their_value() {
        let mut names = ["Rev-10", "Rev-9", "seat 2", "7", "68", "", "Rev-9a"];
        names.sort_by_cached_key(|name| natural(name));
        assert_eq!(names, ["", "7", "68", "Rev-9", "Rev-9a", "Rev-10", "seat 2"]);
    }

    #[test]
    fn a_span_of_days_includes_its_last_day() {
        let day = |text: &str| Some(text.parse().unwrap());
        let span = span(day("2026-11-24"), day("2026-11-24"), wib());
        assert!(span.has(ms("2026-11-23T17:00:00Z")) && span.has(ms("2026-11-24T16:59:59Z")));
        assert!(!span.has(ms("2026-11-23T16:59:59Z")) && !span.has(ms("2026-11-24T17:00:00Z")));
        assert_eq!(super::span(None, None, wib()), Span::default());
    }

    #[test]
    fn dimensions_are_parsed_as_they_are_written() {
        for name in Dimension::NAMES.into_iter().chain(["fact=klb", "fact=agent"]) {
            assert_eq!(name.parse::<Dimension>().unwrap().name(), name);
        }
        assert_eq!("klb".parse(), Ok(Dimension::Fact("klb".into())));
        assert!(["", "fact=", "a b", "klb=ya"].iter().all(|by| by.parse::<Dimension>().is_err()));
    }
}
