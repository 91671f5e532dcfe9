//! The report for a terminal. Bars and columns use characters that old Windows consoles have, and every bar has its
//! number beside it, so that nothing depends on colour or font.

use std::cmp::Ordering;
use std::fmt::Write as _;

use chrono::NaiveDate;
use unicode_width::UnicodeWidthStr;

use super::{Answer, Between};
use crate::closing::ending::Outcome;
use crate::diagnostics::grouped;
use crate::journal::report::{By, Dimension, Filter, Group, Report};
use crate::rules::RuleSet;
use crate::rules::text::clean;

use crate::times::{date, zone_name};
use crate::words::Words;

use crate::wrap::{shorten, shorten_front, width, wrap};

/// The height of a chart in lines.
const HEIGHT: usize = 4;
/// The widest label.
const LABEL: usize = 34;

/// Columns of blocks, two steps per line, the top line first; every non-zero value is visible.
pub fn columns(values: &[u64], height: usize) -> Vec<String> {
    let most = values.iter().copied().max().unwrap_or(0).max(1);
    let steps = 2 * height as u64;
    let level =
        |value: u64| usize::try_from((u128::from(value) * u128::from(steps)).div_ceil(most.into())).unwrap_or(0);
    let line = |from_above: usize| {
        let below = 2 * (height - 1 - from_above);
        let mark = |value: &u64| match level(*value).saturating_sub(below) {
            0 => ' ',
            1 => '▄',
            _ => '█',
        };
        values.iter().map(mark).collect()
    };
    (0..height).map(line).collect()
}

/// A bar of at most `width` columns; every non-zero value is visible.
pub fn bar(count: u64, most: u64, width: usize) -> String {
    let halves = (u128::from(count) * 2 * width as u128).div_ceil(u128::from(most.max(1)));
    let halves = usize::try_from(halves).unwrap_or(0).min(2 * width);
    "█".repeat(halves / 2) + if halves % 2 == 1 { "▌" } else { "" }
}

/// A share in whole per cents, rounded; 0 and 100 only if it is exactly none or all.
pub fn percent(part: u64, whole: u64) -> String {
    match (part, whole) {
        (_, 0) => String::new(),
        (0, _) => "0%".into(),
        (part, whole) if part >= whole => "100%".into(),
        (part, whole) => match rounded(part, whole) {
            0 => "<1%".into(),
            100 => ">99%".into(),
            percent => format!("{percent}%"),
        },
    }
}

/// A share in per cents, halves rounded up.
fn rounded(part: u64, whole: u64) -> i64 {
    let (part, whole) = (u128::from(part), u128::from(whole.max(1)));
    i64::try_from((part * 200 + whole) / (2 * whole)).unwrap_or(i64::MAX)
}

/// The title of a step under these rules; the ID of one that they don't have.
pub fn step_title<'t>(id: &'t str, rules: &'t RuleSet) -> &'t str {
    rules.step_named(id).map_or(id, |ix| &rules.step(ix).title)
}

/// The label of a fact under these rules, or its ID.
pub(super) fn fact_label<'t>(id: &'t str, rules: &'t RuleSet) -> &'t str {
    rules.fact_named(id).map_or(id, |at| &rules.facts[at].label)
}

/// The label of a fact's value under these rules, or its ID.
pub(super) fn value_label<'t>(fact: &str, id: &'t str, rules: &'t RuleSet) -> &'t str {
    let values = rules.fact_named(fact).map_or(&[][..], |at| &rules.facts[at].values);
    values.iter().find(|value| value.id == id).map_or(id, |value| &value.label)
}

/// A name cut in its middle: two long numbers often differ at the end.
pub(super) fn cut_middle(text: &str, columns: usize) -> String {
    let text = clean(text);
    if width(&text) <= columns || columns < 4 {
        return shorten(&text, columns);
    }
    let front = shorten(&text, columns.div_ceil(2));
    let used = width(&front) - 1;
    format!("{}{}", front.trim_end_matches('…'), shorten_front(&text, columns - used))
}

/// A text from outside, cut to its column.
pub(super) fn cut(text: &str, width: usize) -> String {
    shorten(&clean(text), width)
}

/// A key as people read it, with the labels of these rules.
pub(super) fn key_label(dimension: &Dimension, key: &str, rules: &RuleSet, words: &Words) -> String {
    let w = &words.report;
    if key.is_empty() {
        let lacking = match dimension {
            Dimension::Agent => w.no_agent,
            Dimension::Seat => w.no_seat,
            Dimension::Team => w.no_team,
            Dimension::Step => w.no_step,
            Dimension::Reason => w.no_reason,
            Dimension::Fact(_) => w.no_fact,
            _ => w.not_recorded,
        };
        return lacking.to_owned();
    }
    let label = match dimension {
        Dimension::Day => key.parse().map(date).ok(),
        Dimension::Week => key.split_once("-W").and_then(|(year, week)| {
            let monday = NaiveDate::from_isoywd_opt(year.parse().ok()?, week.parse().ok()?, chrono::Weekday::Mon)?;
            let number = week.trim_start_matches('0');
            Some(w.week_of(monday.format("%d/%m"), number, year))
        }),
        Dimension::Month => key.split_once('-').map(|(year, month)| format!("{month}/{year}")),
        Dimension::Hour => Some(format!("{key}{0}00–{key}{0}59", words.screen.time_dot)),
        Dimension::Step => Some(step_title(key, rules).to_owned()),
        Dimension::Ending | Dimension::Reason => Outcome::from_code(key).map(|how| words.outcome(how).to_owned()),
        Dimension::Fact(fact) => Some(value_label(fact, key, rules).to_owned()),
        Dimension::Agent | Dimension::Seat | Dimension::Team | Dimension::Revision | Dimension::Rule => None,
    };
    clean(&label.unwrap_or_else(|| key.to_owned()))
}

/// What a dimension is called above its groups.
pub(super) fn dimension_label(dimension: &Dimension, rules: &RuleSet, words: &Words) -> String {
    let w = &words.report;
    match dimension {
        Dimension::Agent => w.by_agent,
        Dimension::Seat => w.by_seat,
        Dimension::Team => w.by_team,
        Dimension::Day => w.by_day,
        Dimension::Week => w.by_week,
        Dimension::Month => w.by_month,
        Dimension::Hour => w.by_hour,
        Dimension::Revision => words.callpage.revision,
        Dimension::Rule => w.by_rule,
        Dimension::Step => w.by_left_out,
        Dimension::Ending => w.by_ending,
        Dimension::Reason => w.by_reason,
        Dimension::Fact(fact) => return clean(&w.by_fact(fact_label(fact, rules))),
    }
    .to_owned()
}

/// By key: how many, and of how many.
type Counts = Vec<(String, (u64, u64))>;

pub(super) struct Page<'w> {
    pub(super) rules: &'w RuleSet,
    pub(super) words: &'w Words,
    pub(super) width: usize,
    pub(super) out: String,
}

/// What the report or the sample is of: title, filters, days, and what it is compared with; or that there are no calls.
pub(super) fn head(answer: &Answer<'_>, rules: &RuleSet, words: &Words, width: usize) -> String {
    let mut page = Page::new(rules, words, width);
    let (w, report, question) = (&words.report, answer.now, answer.question);
    page.wrapped(w.title);
    page.filters(&question.filters);
    let Between { from, to } = question.days;
    let zone = zone_name(report.zone, rules);
    let days = |first, last| if first == last { date(first) } else { w.days_between(date(first), date(last)) };
    let seen = report.days_seen;
    // The days asked for; without them, those with calls.
    match (from.or(seen.map(|(first, _)| first)), to.or(seen.map(|(_, last)| last))) {
        (Some(first), Some(last)) => page.wrapped(&w.in_zone(days(first, last), &zone)),
        (Some(first), None) => page.wrapped(&w.in_zone(w.days_from(date(first)), &zone)),
        (None, Some(last)) => page.wrapped(&w.in_zone(w.days_to(date(last)), &zone)),
        (None, None) => {}
    }
    match (seen, to) {
        (Some((_, last)), Some(to)) if last < to => page.wrapped(&w.last_call(date(last))),
        (None, _) => {
            let is_bounded = from.is_some() || to.is_some() || !question.filters.is_empty();
            page.wrapped(if is_bounded { w.none_in_span } else { w.none });
            page.open(report.open);
        }
        _ => {}
    }
    if let Some((Between { from: Some(first), to: Some(last) }, before)) = answer.before {
        let days = days(first, last);
        page.wrapped(&if before.total.closings == 0 { w.none_before(days) } else { w.compared_with(days) });
    }
    page.out
}

/// The report as text for a terminal of this width, with the labels of these rules.
pub fn text(answer: &Answer<'_>, rules: &RuleSet, words: &Words, width: usize) -> String {
    let mut page = Page::new(rules, words, width);
    page.out = head(answer, rules, words, page.width);
    let (report, question) = (answer.now, answer.question);
    let before = answer.before.map(|(_, sums)| sums).filter(|before| before.total.closings > 0);
    if report.total.closings == 0 && before.is_none() {
        return page.out;
    }
    page.out.push('\n');
    match before {
        None => page.head(report),
        Some(before) => page.head_compared(report, before),
    }
    page.open(report.open);
    match &question.by {
        By::Overview => page.whole(report, before),
        By::One(Dimension::Step) => page.losses(report, before),
        By::One(one) => {
            page.losses(report, before);
            page.single(report, before, one);
        }
        By::Two(one, other) => {
            page.single(report, before, one);
            page.crossed(report, one, other, "");
            if let Some(before) = before {
                page.crossed(before, one, other, words.report.head_before);
            }
        }
    }
    page.out
}

impl<'w> Page<'w> {
    fn new(rules: &'w RuleSet, words: &'w Words, width: usize) -> Self {
        Self { rules, words, width: width.clamp(26, 120), out: String::new() }
    }
}

impl Page<'_> {
    pub(super) fn number(&self, number: u64) -> String {
        grouped(&number.to_string(), self.words.problem.thousands)
    }

    fn length(&self, seconds: u64) -> String {
        let w = &self.words.report;
        let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        if hours > 0 {
            w.hours_minutes(hours, minutes)
        } else if minutes > 0 {
            w.minutes(minutes, rest)
        } else {
            w.seconds(rest)
        }
    }

    /// A line, wrapped at spaces.
    fn wrapped(&mut self, text: &str) {
        self.hanging("", text);
    }

    pub(super) fn hanging(&mut self, label: &str, text: &str) {
        let indent = width(label);
        self.out.push_str(label);
        let lines = wrap([(text, ())], self.width.saturating_sub(indent));
        let lines = lines.into_iter().flatten().map(|(line, ())| line).collect::<Vec<_>>();
        let _ = writeln!(self.out, "{}", lines.join(&format!("\n{}", " ".repeat(indent))));
    }

    fn open(&mut self, open: u64) {
        if open > 0 {
            let _ = writeln!(self.out, "  {}  {}", self.words.report.open, self.number(open));
        }
    }

    fn head(&mut self, report: &Report) {
        let (w, total) = (&self.words.report, &report.total);
        let rows = [
            (w.closings.to_owned(), total.closings),
            (w.complete.to_owned(), total.complete),
            (w.costing.to_owned(), total.costing),
            (w.before_closing.to_owned(), total.flagged.before_closing),
            (w.overtaken.to_owned(), total.flagged.overtaken),
            (w.undone.to_owned(), total.flagged.undone),
        ];
        self.bars(&rows.map(|(label, count)| (label, count, total.closings)));
        if let Some(d) = report.durations {
            let [median, p90, longest] = [d.median, d.p90, d.longest].map(|s| self.length(s.into()));
            let label = format!("  {}  ", w.length);
            self.hanging(&label, &w.length_of(longest, median, p90));
        }
    }

    pub(super) fn heading(&mut self, text: &str) {
        let text = cut(text, self.width);
        let rule = "─".repeat(self.width.min(72).saturating_sub(text.width() + 1));
        let _ = writeln!(self.out, "\n{}", format!("{text} {rule}").trim_end());
    }

    /// Lines with label, number, the share of a whole, and a bar.
    fn bars(&mut self, rows: &[(String, u64, u64)]) {
        let numbers: Vec<String> = rows.iter().map(|(_, count, _)| self.number(*count)).collect();
        let number = numbers.iter().map(String::len).max().unwrap_or(0);
        // Two spaces before, between and after; four columns for the share.
        let room = self.width.saturating_sub(number + 10);
        let label = rows.iter().map(|(l, ..)| l.width()).max().unwrap_or(0).min(LABEL).min(room);
        let bar_room = self.width.saturating_sub(label + number + 12).min(40);
        for ((text, count, whole), shown) in rows.iter().zip(&numbers) {
            let text = cut(text, label);
            let pad = " ".repeat(label - text.width());
            let share = percent(*count, *whole);
            let bar = if bar_room < 4 { String::new() } else { bar(*count, *whole, bar_room) };
            let line = format!("  {text}{pad}  {shown:>number$}  {share:>4}  {bar}");
            let _ = writeln!(self.out, "{}", line.trim_end());
        }
    }

    fn counts(&mut self, heading: &str, rows: &[(String, u64, u64)]) {
        self.heading(heading);
        if rows.is_empty() {
            let _ = writeln!(self.out, "  {}", self.words.report.nothing_left_out);
        }
        self.bars(rows);
    }

    /// The scoring parameters lost, and the steps left out, these as a share of the calls in which they were due.
    fn losses(&mut self, report: &Report, before: Option<&Report>) {
        let w = &self.words.report;
        let cost = |group: &Group| -> Counts {
            group.cost.iter().map(|(name, count)| (name.clone(), (*count, group.closings))).collect()
        };
        let steps = |group: &Group| -> Counts {
            let due = |step: &String| group.due.get(step).copied().unwrap_or(0);
            group.left_out.iter().map(|(step, count)| (step.clone(), (*count, due(step)))).collect()
        };
        let rules = self.rules;
        let name = |key: &str| rules.sop.name_of_loss(key).to_owned();
        self.shares(w.by_parameter, &cost(&report.total), before.map(|b| cost(&b.total)), &name);
        let title = |key: &str| step_title(key, rules).to_owned();
        self.shares(w.by_step, &steps(&report.total), before.map(|b| steps(&b.total)), &title);
    }

    /// Counts with their shares, beside those of the period before if there is one.
    fn shares(&mut self, heading: &str, now: &Counts, before: Option<Counts>, label: &dyn Fn(&str) -> String) {
        let w = &self.words.report;
        let Some(before) = before else {
            let rows: Vec<_> = now.iter().map(|(key, (count, whole))| (label(key), *count, *whole)).collect();
            return self.counts(heading, &rows);
        };
        let gone = before.iter().filter(|(key, _)| !now.iter().any(|(known, _)| known == key));
        let of_key =
            |counts: &Counts, key: &str| counts.iter().find(|(known, _)| known == key).map_or((0, 0), |(_, n)| *n);
        let keys = now.iter().chain(gone).map(|(key, _)| key);
        let share = |(count, whole): (u64, u64)| match whole {
            0 => self.number(count),
            _ => format!("{} ({})", self.number(count), percent(count, whole)),
        };
        let rows: Vec<(String, Vec<String>)> = keys
            .map(|key| {
                let (now, before) = (of_key(now, key), of_key(&before, key));
                (label(key), vec![share(now), self.points(now, before), share(before)])
            })
            .collect();
        self.heading(heading);
        if rows.is_empty() {
            let _ = writeln!(self.out, "  {}", w.nothing_left_out);
        } else {
            self.grid(vec![w.head_now, w.head_change, w.head_before], &rows, &[]);
        }
    }

    fn whole(&mut self, report: &Report, before: Option<&Report>) {
        self.losses(report, before);
        self.single(report, before, &Dimension::Ending);
        let is_shown = |by: &Dimension| matches!(by, Dimension::Fact(_) | Dimension::Rule);
        for grouping in report.groupings.iter().filter(|grouping| grouping.by.iter().all(is_shown)) {
            self.single(report, before, &grouping.by[0]);
        }
        if report.groups(&[Dimension::Seat]).is_some_and(|seats| seats.len() > 1) {
            self.single(report, before, &Dimension::Seat);
        }
        self.hours(report);
        self.days(report);
    }

    /// The filters, a line for each dimension.
    fn filters(&mut self, filters: &[Filter]) {
        for Filter { dimension, keys } in filters {
            let keys: Vec<_> = keys.iter().map(|key| key_label(dimension, key, self.rules, self.words)).collect();
            let label = match dimension {
                Dimension::Fact(fact) => clean(fact_label(fact, self.rules)),
                other => dimension_label(other, self.rules, self.words),
            };
            self.wrapped(&self.words.report.only(label, keys.join(", ")));
        }
    }

    /// The groups of one dimension, beside those of the period before if there is one.
    fn single(&mut self, report: &Report, before: Option<&Report>, by: &Dimension) {
        let dimension = std::slice::from_ref(by);
        let Some(groups) = report.groups(dimension) else { return };
        let heading = dimension_label(by, self.rules, self.words);
        let label = |key: &str| key_label(by, key, self.rules, self.words);
        match by {
            Dimension::Ending | Dimension::Reason => {
                let counts = |report: &Report| -> Counts {
                    let groups = report.groups(dimension).unwrap_or_default();
                    groups.iter().map(|g| (g.key[0].clone(), (g.closings, report.total.closings))).collect()
                };
                let (rules, words) = (self.rules, self.words);
                let label = |key: &str| key_label(by, key, rules, words);
                self.shares(&heading, &counts(report), before.map(counts), &label);
            }
            // Days, weeks and months of two periods are different ones.
            Dimension::Day | Dimension::Week | Dimension::Month => {
                let labels: Vec<String> = groups.iter().map(|group| label(&group.key[0])).collect();
                self.table(&heading, &labels, groups, None);
                if let Some(groups) = before.and_then(|before| before.groups(dimension)) {
                    let labels: Vec<String> =
                        groups.iter().map(|group| key_label(by, &group.key[0], self.rules, self.words)).collect();
                    let heading = format!("{heading} · {}", self.words.report.head_before);
                    self.table(&heading, &labels, groups, None);
                }
            }
            _ => {
                let mut groups = groups.to_vec();
                let earlier = before.and_then(|before| before.groups(dimension)).map(|before| {
                    let gone = before.iter().filter(|b| !groups.iter().any(|g| g.key == b.key));
                    let gone: Vec<Group> = gone.map(|b| Group { key: b.key.clone(), ..Group::default() }).collect();
                    groups.extend(gone);
                    let none = Group::default();
                    let earlier =
                        groups.iter().map(|g| before.iter().find(|b| b.key == g.key).unwrap_or(&none).clone());
                    earlier.collect::<Vec<_>>()
                });
                let labels: Vec<String> = groups.iter().map(|group| label(&group.key[0])).collect();
                self.table(&heading, &labels, &groups, earlier.as_deref());
            }
        }
        match by {
            Dimension::Day => self.days(report),
            Dimension::Hour => self.hours(report),
            _ => {}
        }
    }

    fn head_compared(&mut self, now: &Report, before: &Report) {
        let w = &self.words.report;
        let rows = [
            (w.closings, now.total.closings, before.total.closings),
            (w.complete, now.total.complete, before.total.complete),
            (w.costing, now.total.costing, before.total.costing),
            (w.before_closing, now.total.flagged.before_closing, before.total.flagged.before_closing),
            (w.overtaken, now.total.flagged.overtaken, before.total.flagged.overtaken),
            (w.undone, now.total.flagged.undone, before.total.flagged.undone),
        ];
        let (all, all_before) = (now.total.closings, before.total.closings);
        let rows: Vec<(String, Vec<String>)> = rows
            .into_iter()
            .map(|(label, count, earlier)| {
                let change = if label == w.closings {
                    self.difference(count, earlier)
                } else {
                    self.points((count, all), (earlier, all_before))
                };
                let share = |count, all| format!("{} ({})", self.number(count), percent(count, all));
                let (now, before) = if label == w.closings || all == 0 || all_before == 0 {
                    (self.number(count), self.number(earlier))
                } else {
                    (share(count, all), share(earlier, all_before))
                };
                (label.to_owned(), vec![now, change, before])
            })
            .collect();
        self.grid(vec![w.head_now, w.head_change, w.head_before], &rows, &[]);
    }

    /// "+134", "−7", "0".
    fn difference(&self, now: u64, before: u64) -> String {
        match now.cmp(&before) {
            Ordering::Less => format!("−{}", self.number(before - now)),
            Ordering::Equal => "0".into(),
            Ordering::Greater => format!("+{}", self.number(now - before)),
        }
    }

    /// The difference of two shares in percentage points, of the shares as they are printed.
    fn points(&self, now: (u64, u64), before: (u64, u64)) -> String {
        if now.1 == 0 || before.1 == 0 {
            return "–".into();
        }
        let points = rounded(now.0, now.1) - rounded(before.0, before.1);
        let sign = match points.cmp(&0) {
            Ordering::Less => "−",
            Ordering::Equal => "",
            Ordering::Greater => "+",
        };
        self.words.report.points(points.unsigned_abs(), sign)
    }

    /// Groups with aligned numbers; on a narrow terminal the last columns are dropped first.
    fn table(&mut self, heading: &str, labels: &[String], groups: &[Group], before: Option<&[Group]>) {
        let w = &self.words.report;
        let heads = match before {
            None => vec![w.head_closings, w.head_complete, w.head_costing, w.head_mean],
            Some(_) => {
                vec![w.head_closings, w.head_change, w.head_complete, w.head_change, w.head_costing, w.head_change]
            }
        };
        let rows = labels.iter().zip(groups).enumerate().map(|(at, (label, g))| {
            let complete = if g.closings == 0 { "–".into() } else { percent(g.complete, g.closings) };
            let cells = match before {
                None => vec![self.number(g.closings), complete, self.number(g.costing), self.length(g.mean_seconds())],
                Some(before) => vec![
                    self.number(g.closings),
                    self.difference(g.closings, before[at].closings),
                    complete,
                    self.points((g.complete, g.closings), (before[at].complete, before[at].closings)),
                    self.number(g.costing),
                    self.difference(g.costing, before[at].costing),
                ],
            };
            (label.clone(), cells)
        });
        let rows: Vec<_> = rows.collect();
        let bars: Vec<u64> = groups.iter().map(|group| group.closings).collect();
        self.heading(heading);
        self.grid(heads, &rows, &bars);
    }

    /// Rows of a label and aligned cells, with a bar each if there is room; the last columns are dropped first.
    fn grid(&mut self, mut heads: Vec<&str>, rows: &[(String, Vec<String>)], bars: &[u64]) {
        let widths: Vec<usize> = heads
            .iter()
            .enumerate()
            .map(|(at, head)| rows.iter().map(|(_, cells)| cells[at].width()).max().unwrap_or(0).max(head.width()))
            .collect();
        let longest = rows.iter().map(|(key, _)| key.width()).max().unwrap_or(0).clamp(4, LABEL);
        let needs = |heads: &[&str]| 2 + longest + widths[..heads.len()].iter().map(|w| w + 2).sum::<usize>();
        // A label may be shortened to half before a column is dropped.
        let spare = longest.saturating_sub(LABEL / 2);
        while heads.len() > 1 && needs(&heads) > self.width + spare {
            heads.pop();
        }
        let label = longest.min(self.width.saturating_sub(needs(&heads) - longest)).max(4);
        let bar_room = self.width.saturating_sub(needs(&heads) + 2).min(24);
        let most = bars.iter().copied().max().unwrap_or(0);
        let mut line = format!("  {}", " ".repeat(label));
        for (head, width) in heads.iter().zip(&widths) {
            let _ = write!(line, "  {}{head}", " ".repeat(width - head.width()));
        }
        let _ = writeln!(self.out, "{line}");
        for (at, (key, cells)) in rows.iter().enumerate() {
            let key = cut_middle(key, label);
            let mut line = format!("  {key}{}", " ".repeat(label - key.width()));
            for ((cell, width), _) in cells.iter().zip(&widths).zip(&heads) {
                let _ = write!(line, "  {}{cell}", " ".repeat(width - cell.width()));
            }
            if let Some(count) = bars.get(at).filter(|_| bar_room >= 6) {
                let _ = write!(line, "  {}", bar(*count, most, bar_room));
            }
            let _ = writeln!(self.out, "{}", line.trim_end());
        }
    }

    fn chart(&mut self, heading: &str, values: &[u64], wide: usize, under: &str, note: &str) {
        self.heading(heading);
        for line in columns(values, HEIGHT) {
            let line: String = line.chars().flat_map(|mark| std::iter::repeat_n(mark, wide)).collect();
            let _ = writeln!(self.out, "{}", format!("  {line}").trim_end());
        }
        let _ = writeln!(self.out, "  {}", "─".repeat(values.len() * wide));
        let _ = writeln!(self.out, "  {under}");
        self.hanging("  ", note);
    }

    fn hours(&mut self, report: &Report) {
        let Some(values) = report.by_hour() else { return };
        let wide = if self.width >= 50 { 2 } else { 1 };
        // An hour's label takes two columns.
        let step = if wide == 2 { 2 } else { 3 };
        let under = (0..24).step_by(step).fold(String::new(), |mut out, hour| {
            let _ = write!(out, "{:<1$}", format!("{hour:02}"), step * wide);
            out
        });
        let most = values.iter().copied().max().unwrap_or(0);
        let note = self.words.report.most(self.number(most));
        self.chart(self.words.report.hours, &values, wide, under.trim_end(), &note);
    }

    fn days(&mut self, report: &Report) {
        let Some((first, last)) = report.days_seen else { return };
        let w = &self.words.report;
        let count = usize::try_from((last - first).num_days()).unwrap_or(0) + 1;
        if count < 2 {
            return;
        }
        let room = self.width.saturating_sub(2).clamp(1, 92);
        let each = count.div_ceil(room);
        let mut values = vec![0; count.div_ceil(each)];
        for group in report.groups(&[Dimension::Day]).unwrap_or_default() {
            let at = group.key[0].parse().map(|day: NaiveDate| (day - first).num_days());
            if let Some(value) = at.ok().and_then(|at| values.get_mut(usize::try_from(at).ok()? / each)) {
                *value += group.closings;
            }
        }
        let wide = (room / values.len()).clamp(1, 3);
        let [from, to] = [first, last].map(date);
        let between = (values.len() * wide).saturating_sub(from.len() + to.len()).max(1);
        let under = format!("{from}{}{to}", " ".repeat(between));
        let most = values.iter().copied().max().unwrap_or(0);
        let mut note = w.most(self.number(most));
        if each > 1 {
            let _ = write!(note, " · {}", w.column_days(each));
        }
        self.chart(w.days, &values, wide, &under, &note);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::closing::ending::Ending;

    #[test]
    fn columns_and_bars_show_everything_above_zero() {
        assert_eq!(columns(&[0, 1, 50, 100], 2), ["   █", " ▄██"]);
        assert_eq!(columns(&[0, 0], 1), ["  "]);
        assert_eq!(columns(&[u64::MAX, 1], 1), ["█▄"]);
        assert_eq!(columns(&[], 2), ["", ""]);
        assert_eq!((bar(1, 1000, 10), bar(1000, 1000, 3), bar(0, 0, 3)), ("▌".into(), "███".into(), String::new()));
    }

    #[test]
    fn percentages_are_rounded_and_0_or_100_only_if_exact() {
        for (part, whole, shown) in [
            (0, 0, ""),
            (0, 9, "0%"),
            (1, 1000, "<1%"),
            (999, 1000, ">99%"),
            (9, 9, "100%"),
            (1, 2, "50%"),
            (2, 3, "67%"),
            (1, 3, "33%"),
            (1, 200, "1%"),
            (199, 200, ">99%"),
            (u64::MAX - 1, u64::MAX, ">99%"),
        ] {
            assert_eq!(percent(part, whole), shown);
        }
    }

    #[test]
    fn every_ending_has_its_name() {
        let words = crate::words::Lang::Id.words();
        let mut names: Vec<_> = Outcome::ALL.into_iter().map(|how| words.outcome(how)).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Outcome::ALL.len());
        assert_eq!(words.outcome(Outcome::Ended(Ending::Omitted)), words.ending.omitted);
    }
}
