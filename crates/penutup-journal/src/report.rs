//! Statistics of calls. Pure: summaries in, numbers out, one at a time, so that a million calls need no memory. A tick
//! is the CSO's own statement; no recording proves it, and the report says so.

pub mod json;

use std::collections::BTreeMap;
use std::str::FromStr;

use chrono::{DateTime, Days, FixedOffset, NaiveDate, NaiveTime, TimeZone, Utc};

use super::read::Span;
use super::summary::{CallSummary, Flags, Interner, Symbol, facts_of, list_of, position};
use penutup_rules::closing::ending::Outcome;

const ENDINGS: usize = Outcome::ALL.len();
const DAY_MS: i64 = 86_400_000;
/// The longest plausible duration of a call; a longer one was left open, or the clock jumped.
const LONGEST: u32 = 86_400;

/// The grouping of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// The local date of the start.
    Day,
    /// The local hour of the start.
    Hour,
    /// The rule that applied.
    Rule,
    /// The outcome.
    Ending,
    /// The seat.
    Seat,
    /// The value of this fact.
    Fact(String),
}

impl By {
    /// Each grouping as users write it.
    pub const VALID: [&'static str; 6] = ["day", "hour", "rule", "ending", "seat", "fact=…"];

    /// As users write it.
    pub fn name(&self) -> String {
        match self {
            Self::Day => "day".into(),
            Self::Hour => "hour".into(),
            Self::Rule => "rule".into(),
            Self::Ending => "ending".into(),
            Self::Seat => "seat".into(),
            Self::Fact(fact) => format!("fact={fact}"),
        }
    }
}

impl FromStr for By {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "day" => Ok(Self::Day),
            "hour" => Ok(Self::Hour),
            "rule" => Ok(Self::Rule),
            "ending" => Ok(Self::Ending),
            "seat" => Ok(Self::Seat),
            other => match other.strip_prefix("fact=") {
                Some(fact) if !fact.is_empty() => Ok(Self::Fact(fact.into())),
                _ => Err(()),
            },
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
    endings: [u64; ENDINGS],
    cost: BTreeMap<Symbol, u64>,
    left_out: BTreeMap<Symbol, u64>,
}

impl Tally {
    fn add(&mut self, row: &CallSummary, ending: usize, seconds: u32) {
        self.closings += 1;
        self.complete += u64::from(row.complete);
        self.flagged.combine(Flagged::of(row.flags), |one, two| one + two);
        self.seconds += u64::from(seconds);
        self.endings[ending] += 1;
        if row.cost != Symbol(0) {
            *self.cost.entry(row.cost).or_default() += 1;
        }
        if row.left_out != Symbol(0) {
            *self.left_out.entry(row.left_out).or_default() += 1;
        }
    }

    fn add_all(&mut self, other: &Self) {
        self.closings += other.closings;
        self.complete += other.complete;
        self.flagged.combine(other.flagged, |one, two| one + two);
        self.seconds += other.seconds;
        for (here, there) in self.endings.iter_mut().zip(other.endings) {
            *here += there;
        }
        for (here, there) in [(&mut self.cost, &other.cost), (&mut self.left_out, &other.left_out)] {
            for (symbol, count) in there {
                *here.entry(*symbol).or_default() += count;
            }
        }
    }

    /// This tally without `others`, all of which must have been added to it.
    fn minus<'t>(&self, others: impl IntoIterator<Item = &'t Self>) -> Self {
        let mut out = self.clone();
        for other in others {
            out.closings = out.closings.saturating_sub(other.closings);
            out.complete = out.complete.saturating_sub(other.complete);
            out.flagged.combine(other.flagged, u64::saturating_sub);
            out.seconds = out.seconds.saturating_sub(other.seconds);
            for (here, there) in out.endings.iter_mut().zip(other.endings) {
                *here = here.saturating_sub(there);
            }
            for (here, there) in [(&mut out.cost, &other.cost), (&mut out.left_out, &other.left_out)] {
                for (symbol, count) in there {
                    here.entry(*symbol).and_modify(|c| *c = c.saturating_sub(*count));
                }
            }
        }
        out.cost.retain(|_, count| *count > 0);
        out.left_out.retain(|_, count| *count > 0);
        out
    }

    fn group(&self, key: impl Into<String>, texts: &Interner) -> Group {
        let mut cost = BTreeMap::<String, u64>::new();
        for (symbol, count) in &self.cost {
            for parameter in list_of(texts.text(*symbol)) {
                *cost.entry(parameter).or_default() += count;
            }
        }
        let mut left_out = BTreeMap::<String, u64>::new();
        for (symbol, count) in &self.left_out {
            for step in texts.text(*symbol).split(' ') {
                *left_out.entry(step.into()).or_default() += count;
            }
        }
        Group {
            key: key.into(),
            closings: self.closings,
            complete: self.complete,
            flagged: self.flagged,
            costing: self.cost.values().sum(),
            seconds: self.seconds,
            endings: self.endings,
            cost: most_first(cost),
            left_out: most_first(left_out),
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
    /// Their common value; empty for all calls, and for those without a value (no seat, not this fact).
    pub key: String,
    /// Calls that ended.
    pub closings: u64,
    /// Those with no spoken step left out.
    pub complete: u64,
    /// Those with irregularities.
    pub flagged: Flagged,
    /// Those that cost score.
    pub costing: u64,
    /// Their total duration.
    pub seconds: u64,
    /// Counts by outcome, in the order of [`Outcome::ALL`].
    pub endings: [u64; ENDINGS],
    /// By scoring parameter, how many calls lost it; highest first.
    pub cost: Vec<(String, u64)>,
    /// By step, how many calls left it out for any reason; highest first.
    pub left_out: Vec<(String, u64)>,
}

impl Group {
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
    /// By fact name, and for each by value, most frequent first.
    pub facts: Vec<(String, Vec<Group>)>,
    /// By rule, most calls first.
    pub rules: Vec<Group>,
    /// By seat, in the order of their names.
    pub seats: Vec<Group>,
    /// By hour of the day ("07"), in order, those with calls.
    pub hours: Vec<Group>,
    /// By date ("2026-11-24"), in order, those with calls.
    pub days: Vec<Group>,
    /// By ending, in the order of [`Outcome::ALL`], those with calls.
    pub endings: Vec<Group>,
}

impl Report {
    /// Calls by hour of the day.
    pub fn by_hour(&self) -> [u64; 24] {
        let mut out = [0; 24];
        for group in &self.hours {
            if let Some(count) = group.key.parse().ok().and_then(|hour: usize| out.get_mut(hour)) {
                *count = group.closings;
            }
        }
        out
    }

    /// The groups of a grouping; `None` for a fact that no call has.
    pub fn groups(&self, by: &By) -> Option<&[Group]> {
        match by {
            By::Day => Some(&self.days),
            By::Hour => Some(&self.hours),
            By::Rule => Some(&self.rules),
            By::Ending => Some(&self.endings),
            By::Seat => Some(&self.seats),
            By::Fact(fact) => self.facts.iter().find(|(id, _)| id == fact).map(|(_, groups)| groups.as_slice()),
        }
    }
}

/// Adds up calls one at a time, then makes the [`Report`].
#[derive(Clone, Debug)]
pub struct ReportBuilder {
    zone: FixedOffset,
    open: u64,
    total: Tally,
    seconds: BTreeMap<u32, u64>,
    facts: BTreeMap<Symbol, Tally>,
    rules: BTreeMap<Symbol, Tally>,
    seats: BTreeMap<Symbol, Tally>,
    hours: [Tally; 24],
    days: BTreeMap<i64, Tally>,
    endings: [Tally; ENDINGS],
}

impl ReportBuilder {
    /// Without calls; dates and hours are in `zone`.
    #[must_use]
    pub fn new(zone: FixedOffset) -> Self {
        Self {
            zone,
            open: 0,
            total: Tally::default(),
            seconds: BTreeMap::new(),
            facts: BTreeMap::new(),
            rules: BTreeMap::new(),
            seats: BTreeMap::new(),
            hours: Default::default(),
            days: BTreeMap::new(),
            endings: Default::default(),
        }
    }

    /// Adds a call.
    pub fn add(&mut self, row: &CallSummary) {
        let Some((end_ms, how)) = row.end else {
            self.open += 1;
            return;
        };
        let (ending, seconds) = (position(how), seconds(row.start_ms, end_ms));
        let local = row.start_ms.saturating_add(i64::from(self.zone.local_minus_utc()) * 1000);
        let (day, hour) = (local.div_euclid(DAY_MS), local.rem_euclid(DAY_MS) / 3_600_000);
        *self.seconds.entry(seconds).or_default() += 1;
        let hour = &mut self.hours[usize::try_from(hour).unwrap_or(0)];
        let tallies = [
            &mut self.total,
            self.facts.entry(row.facts).or_default(),
            self.rules.entry(row.rule).or_default(),
            self.seats.entry(row.seat).or_default(),
            hour,
            self.days.entry(day).or_default(),
            &mut self.endings[ending],
        ];
        for tally in tallies {
            tally.add(row, ending, seconds);
        }
    }

    /// The report so far.
    pub fn report(&self, texts: &Interner) -> Report {
        let by_symbol = |tallies: &BTreeMap<Symbol, Tally>| -> Vec<Group> {
            tallies.iter().map(|(symbol, tally)| tally.group(texts.text(*symbol), texts)).collect()
        };
        let mut rules = by_symbol(&self.rules);
        rules.sort_by(|a, b| b.closings.cmp(&a.closings).then_with(|| a.key.cmp(&b.key)));
        let mut seats = by_symbol(&self.seats);
        seats.sort_by(|a, b| a.key.cmp(&b.key));
        let hours = self.hours.iter().enumerate().filter(|(_, t)| t.closings > 0);
        let endings = Outcome::ALL.into_iter().map(|how| (how, &self.endings[position(how)]));
        let days = self.days.iter().filter_map(|(day, tally)| Some((date(*day)?, tally)));
        Report {
            zone: self.zone,
            days_seen: days.clone().next().zip(days.clone().next_back()).map(|((first, _), (last, _))| (first, last)),
            open: self.open,
            total: self.total.group("", texts),
            durations: self.durations(),
            facts: self.by_fact(texts),
            rules,
            seats,
            hours: hours.map(|(hour, tally)| tally.group(format!("{hour:02}"), texts)).collect(),
            days: days.map(|(day, tally)| tally.group(day.to_string(), texts)).collect(),
            endings: endings
                .filter(|(_, tally)| tally.closings > 0)
                .map(|(how, tally)| tally.group(how.code(), texts))
                .collect(),
        }
    }

    fn by_fact(&self, texts: &Interner) -> Vec<(String, Vec<Group>)> {
        let mut facts = BTreeMap::<&str, BTreeMap<&str, Tally>>::new();
        for (symbol, tally) in &self.facts {
            for (fact, value) in facts_of(texts.text(*symbol)) {
                facts.entry(fact).or_default().entry(value).or_default().add_all(tally);
            }
        }
        let mut out = Vec::new();
        for (fact, values) in facts {
            let mut groups: Vec<_> = values.iter().map(|(value, t)| t.group(*value, texts)).collect();
            groups.sort_by_key(|g| std::cmp::Reverse(g.closings));
            let without = self.total.minus(values.values());
            if without.closings > 0 {
                groups.push(without.group("", texts));
            }
            out.push((fact.to_owned(), groups));
        }
        out
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
    let seconds = end_ms.saturating_sub(start_ms).max(0) / 1000;
    u32::try_from(seconds).unwrap_or(LONGEST).min(LONGEST)
}

fn date(day: i64) -> Option<NaiveDate> {
    let first = NaiveDate::from_ymd_opt(1970, 1, 1)?;
    if day < 0 {
        first.checked_sub_days(Days::new(day.unsigned_abs()))
    } else {
        first.checked_add_days(Days::new(day.unsigned_abs()))
    }
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

    fn wib() -> FixedOffset {
        FixedOffset::east_opt(7 * 3600).unwrap()
    }

    fn ms(time: &str) -> i64 {
        time.parse::<DateTime<Utc>>().unwrap().timestamp_millis()
    }

    fn row(start: &str, end: &str, texts: &mut Interner) -> CallSummary {
        CallSummary {
            start_ms: ms(start),
            end: Some((ms(end), Outcome::Ended(Ending::Complete))),
            complete: true,
            flags: Flags::default(),
            facts: texts.intern("klb=tidak topik=lain").unwrap(),
            rule: texts.intern("satu").unwrap(),
            seat: Symbol(0),
            agent: Symbol(0),
            left_out: Symbol(0),
            cost: Symbol(0),
        }
    }

    #[test]
    fn days_and_hours_are_local() {
        let mut texts = Interner::default();
        let mut builder = ReportBuilder::new(wib());
        builder.add(&row("2026-11-24T16:59:59Z", "2026-11-24T17:00:10Z", &mut texts));
        builder.add(&row("2026-11-24T17:00:00Z", "2026-11-24T17:00:30Z", &mut texts));
        let report = builder.report(&texts);
        let keys = |groups: &[Group]| groups.iter().map(|g| g.key.clone()).collect::<Vec<_>>();
        assert_eq!(keys(&report.days), ["2026-11-24", "2026-11-25"]);
        assert_eq!(keys(&report.hours), ["00", "23"]);
        assert_eq!(report.durations, Some(Durations { median: 11, p90: 30, longest: 30 }));
    }

    #[test]
    fn a_duration_is_never_negative() {
        assert_eq!(seconds(ms("2026-11-24T07:00:00Z"), ms("2026-11-24T06:00:00Z")), 0);
        assert_eq!(seconds(0, i64::MAX), LONGEST);
        assert_eq!(seconds(i64::MIN, i64::MAX), LONGEST);
        assert_eq!(seconds(i64::MAX, i64::MIN), 0);
    }

    #[test]
    fn omissions_are_counted_by_parameter_and_by_step() {
        let mut texts = Interner::default();
        let mut builder = ReportBuilder::new(wib());
        let whole = row("2026-11-24T07:00:00Z", "2026-11-24T07:01:00Z", &mut texts);
        let omitted = Outcome::Ended(Ending::Omitted);
        let without = CallSummary {
            end: Some((ms("2026-11-24T07:02:00Z"), omitted)),
            complete: false,
            flags: Flags(Flags::OVERTAKEN.0 | Flags::UNDONE.0),
            facts: texts.intern("klb=ya").unwrap(),
            left_out: texts.intern("download terima-kasih").unwrap(),
            cost: texts.intern(r#"["Akurasi","FCR"]"#).unwrap(),
            ..whole
        };
        let open = CallSummary { end: None, flags: Flags::BEFORE_CLOSING, ..whole };
        let hung_up = CallSummary { flags: Flags::BEFORE_CLOSING, ..whole };
        for row in [whole, hung_up, without, open] {
            builder.add(&row);
        }
        let report = builder.report(&texts);
        let total = &report.total;
        assert_eq!((total.closings, total.complete, total.costing, report.open), (3, 2, 1, 1));
        assert_eq!(total.flagged, Flagged { before_closing: 1, overtaken: 1, undone: 1 });
        assert_eq!(total.cost, [("Akurasi".to_owned(), 1), ("FCR".to_owned(), 1)]);
        assert_eq!(total.left_out, [("download".to_owned(), 1), ("terima-kasih".to_owned(), 1)]);
        assert_eq!((total.ended(omitted), total.ended(Outcome::Left)), (1, 0));
        let klb = report.groups(&By::Fact("klb".into())).unwrap();
        assert_eq!(klb.iter().map(|g| (g.key.as_str(), g.closings)).collect::<Vec<_>>(), [("tidak", 2), ("ya", 1)]);
        assert_eq!(klb.iter().map(|g| g.flagged.before_closing).collect::<Vec<_>>(), [1, 0]);
        let topik = report.groups(&By::Fact("topik".into())).unwrap();
        assert_eq!(topik.iter().map(|g| (g.key.as_str(), g.closings)).collect::<Vec<_>>(), [("lain", 2), ("", 1)]);
        assert_eq!(report.groups(&By::Fact("cuaca".into())), None);
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
    fn groupings_are_parsed_as_they_are_written() {
        for by in ["day", "hour", "rule", "ending", "seat", "fact=klb"] {
            assert_eq!(by.parse::<By>().unwrap().name(), by);
        }
        assert!(["", "fact=", "week", "fact"].iter().all(|by| by.parse::<By>().is_err()));
    }
}
