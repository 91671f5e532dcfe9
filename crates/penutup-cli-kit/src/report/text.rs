//! The report for a terminal. Bars and columns use characters that old Windows consoles have, and every bar has its
//! number beside it, so that nothing depends on colour or font.

use std::fmt::Write as _;

use chrono::NaiveDate;
use unicode_width::UnicodeWidthStr;

use crate::closing::ending::Outcome;
use crate::diagnostics::grouped;
use crate::journal::report::{By, Group, Report};
use crate::rules::RuleSet;
use crate::rules::text::clean;

use crate::times::{date, zone_name};
use crate::words::Words;

use crate::wrap::{shorten, width, wrap};

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

/// A share in whole per cents; 0 and 100 only if it is exactly none or all.
pub fn percent(part: u64, whole: u64) -> String {
    match (part, whole) {
        (_, 0) => String::new(),
        (0, _) => "0%".into(),
        (part, whole) if part >= whole => "100%".into(),
        (part, whole) => match u128::from(part) * 100 / u128::from(whole) {
            0 => "<1%".into(),
            percent => format!("{percent}%"),
        },
    }
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

/// A text from outside, cut to its column.
fn cut(text: &str, width: usize) -> String {
    shorten(&clean(text), width)
}

struct Page<'w> {
    rules: &'w RuleSet,
    words: &'w Words,
    width: usize,
    out: String,
}

/// The report as text for a terminal of this width, with the labels of these rules. `by` must exist in the report.
pub fn text(
    report: &Report,
    by: Option<&By>,
    is_bounded: bool,
    rules: &RuleSet,
    words: &Words,
    width: usize,
) -> String {
    let mut page = Page { rules, words, width: width.clamp(26, 120), out: String::new() };
    let w = &words.report;
    page.wrapped(w.title);
    let Some((first, last)) = report.days_seen else {
        page.wrapped(if is_bounded { w.none_in_span } else { w.none });
        page.open(report.open);
        return page.out;
    };
    let zone = zone_name(report.zone, rules);
    page.wrapped(&if first == last { w.one_day(date(first), zone) } else { w.span(date(first), date(last), zone) });
    page.out.push('\n');
    page.head(report);
    match by {
        Some(by) => page.divided(report, by),
        None => page.whole(report),
    }
    page.out
}

impl Page<'_> {
    fn number(&self, number: u64) -> String {
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

    fn hanging(&mut self, label: &str, text: &str) {
        let indent = width(label);
        self.out.push_str(label);
        let lines = wrap([(text, ())], self.width.saturating_sub(indent));
        let lines = lines.into_iter().flatten().map(|(line, ())| line).collect::<Vec<_>>();
        let _ = writeln!(self.out, "{}", lines.join(&format!("\n{}", " ".repeat(indent))));
    }

    fn open(&mut self, open: u64) {
        if open > 0 {
            let _ = writeln!(self.out, "{}: {}", self.words.report.open, self.number(open));
        }
    }

    fn head(&mut self, report: &Report) {
        let (w, total) = (&self.words.report, &report.total);
        let mut rows = vec![
            (w.closings.to_owned(), total.closings),
            (w.complete.to_owned(), total.complete),
            (w.costing.to_owned(), total.costing),
            (w.before_closing.to_owned(), total.flagged.before_closing),
            (w.overtaken.to_owned(), total.flagged.overtaken),
            (w.undone.to_owned(), total.flagged.undone),
        ];
        if report.open > 0 {
            rows.push((w.open.to_owned(), report.open));
        }
        self.bars(&rows, total.closings);
        if let Some(d) = report.durations {
            let [median, p90, longest] = [d.median, d.p90, d.longest].map(|s| self.length(s.into()));
            let label = format!("  {}  ", w.length);
            self.hanging(&label, &w.length_of(longest, median, p90));
        }
    }

    fn heading(&mut self, text: &str) {
        let text = cut(text, self.width);
        let rule = "─".repeat(self.width.min(72).saturating_sub(text.width() + 1));
        let _ = writeln!(self.out, "\n{}", format!("{text} {rule}").trim_end());
    }

    /// Lines with label, number, share and bar.
    fn bars(&mut self, rows: &[(String, u64)], whole: u64) {
        let numbers: Vec<String> = rows.iter().map(|(_, count)| self.number(*count)).collect();
        let number = numbers.iter().map(String::len).max().unwrap_or(0);
        // Two spaces before, between and after; four columns for the share.
        let room = self.width.saturating_sub(number + 10);
        let label = rows.iter().map(|(l, _)| l.width()).max().unwrap_or(0).min(LABEL).min(room);
        let bar_room = self.width.saturating_sub(label + number + 12).min(40);
        for ((text, count), shown) in rows.iter().zip(&numbers) {
            let text = cut(text, label);
            let pad = " ".repeat(label - text.width());
            let share = percent(*count, whole);
            let bar = if bar_room < 4 { String::new() } else { bar(*count, whole, bar_room) };
            let line = format!("  {text}{pad}  {shown:>number$}  {share:>4}  {bar}");
            let _ = writeln!(self.out, "{}", line.trim_end());
        }
    }

    fn counts(&mut self, heading: &str, rows: &[(String, u64)], whole: u64) {
        self.heading(heading);
        if rows.is_empty() {
            let _ = writeln!(self.out, "  {}", self.words.report.nothing_left_out);
        }
        self.bars(rows, whole);
    }

    fn left_out(&mut self, total: &Group) {
        let w = &self.words.report;
        let name = |p: &str| self.rules.sop.name_of_loss(p).to_owned();
        let cost: Vec<_> = total.cost.iter().map(|(p, n)| (name(p), *n)).collect();
        self.counts(w.by_parameter, &cost, total.closings);
        let steps: Vec<_> = total.left_out.iter().map(|(id, n)| (step_title(id, self.rules).to_owned(), *n)).collect();
        self.counts(w.by_step, &steps, total.closings);
    }

    fn whole(&mut self, report: &Report) {
        let (w, all) = (&self.words.report, report.total.closings);
        self.left_out(&report.total);
        let outcomes = report.total.outcomes().into_iter();
        let endings: Vec<_> = outcomes.map(|(outcome, n)| (self.words.outcome(outcome).to_owned(), n)).collect();
        self.counts(w.by_ending, &endings, all);
        for (fact, groups) in &report.facts {
            self.fact(fact, groups);
        }
        self.table(w.by_rule, &report.rules, "");
        if report.seats.len() > 1 {
            self.table(w.by_seat, &report.seats, w.no_seat);
        }
        self.hours(report);
        self.days(report);
    }

    fn divided(&mut self, report: &Report, by: &By) {
        let w = &self.words.report;
        self.left_out(&report.total);
        let Some(groups) = report.groups(by) else { return };
        match by {
            By::Day => {
                let day = |key: &str| key.parse().map(date);
                let groups: Vec<_> =
                    groups.iter().map(|g| Group { key: day(&g.key).unwrap_or_default(), ..g.clone() }).collect();
                self.table(w.by_day, &groups, "");
                self.days(report);
            }
            By::Hour => {
                let dot = self.words.screen.time_dot;
                let hour = |g: &Group| Group { key: format!("{0}{dot}00–{0}{dot}59", g.key), ..g.clone() };
                self.table(w.by_hour, &groups.iter().map(hour).collect::<Vec<_>>(), "");
                self.hours(report);
            }
            By::Rule => self.table(w.by_rule, groups, ""),
            By::Seat => self.table(w.by_seat, groups, w.no_seat),
            By::Fact(fact) => self.fact(fact, groups),
            By::Ending => {
                let name = |key: &str| Outcome::from_code(key).map_or("", |how| self.words.outcome(how)).to_owned();
                let groups: Vec<_> = groups.iter().map(|g| Group { key: name(&g.key), ..g.clone() }).collect();
                self.table(w.by_ending, &groups, "");
            }
        }
    }

    fn fact(&mut self, id: &str, groups: &[Group]) {
        let w = &self.words.report;
        let label = |g: &Group| Group { key: value_label(id, &g.key, self.rules).to_owned(), ..g.clone() };
        let groups: Vec<_> = groups.iter().map(label).collect();
        self.table(&w.by_fact(fact_label(id, self.rules)), &groups, w.no_fact);
    }

    /// Groups with aligned numbers; on a narrow terminal the last columns are dropped first.
    fn table(&mut self, heading: &str, groups: &[Group], without: &str) {
        let w = &self.words.report;
        let mut heads = vec![w.head_closings, w.head_complete, w.head_costing, w.head_mean];
        let rows: Vec<(String, Vec<String>)> = groups
            .iter()
            .map(|g| {
                let key = if g.key.is_empty() { without } else { &g.key };
                let cells = vec![
                    self.number(g.closings),
                    percent(g.complete, g.closings),
                    self.number(g.costing),
                    self.length(g.seconds.checked_div(g.closings).unwrap_or(0)),
                ];
                (key.to_owned(), cells)
            })
            .collect();
        let widths: Vec<usize> = heads
            .iter()
            .enumerate()
            .map(|(at, head)| rows.iter().map(|(_, cells)| cells[at].width()).max().unwrap_or(0).max(head.width()))
            .collect();
        let longest = rows.iter().map(|(key, _)| key.width()).max().unwrap_or(0).clamp(4, LABEL);
        let needs = |heads: &[&str]| 2 + longest + widths[..heads.len()].iter().map(|w| w + 2).sum::<usize>();
        while heads.len() > 1 && needs(&heads) > self.width {
            heads.pop();
        }
        let label = longest.min(self.width.saturating_sub(needs(&heads) - longest)).max(4);
        let bar_room = self.width.saturating_sub(needs(&heads) + 2).min(24);
        let most = groups.iter().map(|g| g.closings).max().unwrap_or(0);
        self.heading(heading);
        let mut line = format!("  {}", " ".repeat(label));
        for (head, width) in heads.iter().zip(&widths) {
            let _ = write!(line, "  {}{head}", " ".repeat(width - head.width()));
        }
        let _ = writeln!(self.out, "{line}");
        for ((key, cells), group) in rows.iter().zip(groups) {
            let key = cut(key, label);
            let mut line = format!("  {key}{}", " ".repeat(label - key.width()));
            for ((cell, width), _) in cells.iter().zip(&widths).zip(&heads) {
                let _ = write!(line, "  {}{cell}", " ".repeat(width - cell.width()));
            }
            if bar_room >= 6 {
                let _ = write!(line, "  {}", bar(group.closings, most, bar_room));
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
        let values = report.by_hour();
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
        for group in &report.days {
            let at = group.key.parse().map(|day: NaiveDate| (day - first).num_days());
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
    fn percentages_are_0_or_100_only_if_exact() {
        for (part, whole, shown) in
            [(0, 0, ""), (0, 9, "0%"), (1, 1000, "<1%"), (999, 1000, "99%"), (9, 9, "100%"), (1, 2, "50%")]
        {
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
