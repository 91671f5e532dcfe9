//! Two dimensions crossed: a row for each group of the first, a column for each of the second.

use std::collections::HashMap;
use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr;

use super::text::{Page, cut, cut_middle, dimension_label, key_label, percent};
use crate::journal::report::{Dimension, Group, Report};
use crate::wrap::wrap;
use penutup_rules::closing::ending::{Ending, Outcome};

/// The widest column of a group, so that several fit; a longer name takes several lines.
const COLUMN: usize = 13;
/// The most columns that don't fit and are named.
const NAMED: usize = 12;
/// The most lines of a column's name.
const HEAD: usize = 3;

/// The groups of both dimensions at once.
struct Crossing<'r> {
    other: &'r Dimension,
    rows: &'r [Group],
    columns: &'r [Group],
    /// The calls in a row and a column, by the keys of both.
    cells: HashMap<(&'r str, &'r str), u64>,
    total: &'r Group,
}

impl<'r> Crossing<'r> {
    fn of(report: &'r Report, one: &Dimension, other: &'r Dimension) -> Option<Self> {
        let by = [one.clone(), other.clone()];
        let cells = report.groups(&by)?.iter();
        Some(Self {
            other,
            rows: report.groups(&by[..1])?,
            columns: report.groups(&by[1..])?,
            cells: cells.map(|cell| ((&*cell.key[0], &*cell.key[1]), cell.closings)).collect(),
            total: &report.total,
        })
    }

    /// The rows, and `None` for that of all calls.
    fn rows(&self) -> impl Iterator<Item = Option<&'r Group>> {
        self.rows.iter().map(Some).chain([None])
    }

    /// The calls of a row in a column, and of how many: of a step those in which it was due, of other keys the row's.
    fn count(&self, row: Option<&Group>, column: &Group) -> (u64, u64) {
        let group = row.unwrap_or(self.total);
        let whole = match self.other {
            Dimension::Step if !column.key[0].is_empty() => group.due.get(&column.key[0]).copied().unwrap_or(0),
            _ => group.closings,
        };
        let count = match row {
            Some(row) => self.cells.get(&(&*row.key[0], &*column.key[0])).copied().unwrap_or(0),
            None => column.closings,
        };
        (count, whole)
    }
}

/// Which columns a page has, and their cells in each row.
struct Layout {
    widths: Vec<usize>,
    kept: Vec<usize>,
    cells: Vec<Vec<String>>,
}

impl Page<'_> {
    /// Two dimensions crossed, with `note` after the heading. Columns that don't fit are added up in the last one, and named
    /// below; where not one fits, each row is a line of its cells.
    pub(super) fn crossed(&mut self, report: &Report, one: &Dimension, other: &Dimension, note: &str) {
        let Some(crossing) = Crossing::of(report, one, other) else { return };
        let w = &self.words.report;
        let label = |by: &Dimension, group: &Group| key_label(by, &group.key[0], self.rules, self.words);
        let names: Vec<String> = crossing.columns.iter().map(|column| label(other, column)).collect();
        let labels: Vec<String> =
            crossing.rows().map(|row| row.map_or_else(|| w.all.to_owned(), |row| label(one, row))).collect();
        let heading = [
            dimension_label(one, self.rules, self.words),
            " × ".into(),
            dimension_label(other, self.rules, self.words),
            if note.is_empty() { String::new() } else { format!(" · {note}") },
        ];
        let label_width = labels.iter().map(|label| label.width()).max().unwrap_or(0).clamp(4, 28);
        let label_width = label_width.min((self.width / 3).max(4));
        let total_width = self.number(report.total.closings).width().max(w.head_closings.width());
        let rest_width = total_width.max(w.head_others(names.len()).width().min(COLUMN));
        let room = self.width.saturating_sub(2 + label_width + 2 + total_width);
        // Shares are dropped before columns are.
        let with_shares = self.layout(&crossing, &names, true, (rest_width, room));
        let is_whole = with_shares.kept.len() == names.len();
        let layout = if is_whole { with_shares } else { self.layout(&crossing, &names, false, (rest_width, room)) };
        let hidden: Vec<usize> = (0..names.len()).filter(|at| !layout.kept.contains(at)).collect();
        self.heading(&heading.concat());
        if layout.kept.is_empty() {
            return self.spelled(&crossing, &names, &labels);
        }
        let mut heads = vec![(self.words.report.head_closings.to_owned(), total_width)];
        heads.extend(layout.kept.iter().map(|at| (names[*at].clone(), layout.widths[*at])));
        if !hidden.is_empty() {
            heads.push((self.words.report.head_others(hidden.len()), rest_width));
        }
        self.heads(label_width, &heads);
        for ((row, label), cells) in crossing.rows().zip(&labels).zip(layout.cells) {
            let rest = hidden.iter().map(|at| crossing.count(row, &crossing.columns[*at]).0).sum();
            let rest = (!hidden.is_empty()).then(|| self.number(rest));
            let total = self.number(row.unwrap_or(crossing.total).closings);
            let name = cut_middle(label, label_width);
            let mut line = format!("  {name}{}", " ".repeat(label_width - name.width()));
            for (text, (_, width)) in std::iter::once(total).chain(cells).chain(rest).zip(&heads) {
                let _ = write!(line, "  {}{text}", " ".repeat(width.saturating_sub(text.width())));
            }
            let _ = writeln!(self.out, "{}", line.trim_end());
        }
        self.notes(&crossing, one, &hidden, &names, is_whole);
    }

    fn layout(
        &self,
        crossing: &Crossing<'_>,
        names: &[String],
        with_shares: bool,
        (rest, room): (usize, usize),
    ) -> Layout {
        let cell = |row: Option<&Group>, column: &Group| {
            let (count, whole) = crossing.count(row, column);
            let number = self.number(count);
            match with_shares {
                true if count > 0 => format!("{number} {:>4}", percent(count, whole)),
                true => format!("{number}     "),
                false => number,
            }
        };
        let width = |(name, column): (&String, &Group)| {
            let numbers = crossing.rows().map(|row| cell(row, column).width()).max().unwrap_or(0);
            longest_word(name).min(COLUMN).max(name.width().min(8)).max(numbers)
        };
        let widths: Vec<usize> = names.iter().zip(crossing.columns).map(width).collect();
        let kept = kept(crossing, &widths, rest, room);
        let cells = crossing.rows().map(|row| kept.iter().map(|at| cell(row, &crossing.columns[*at])).collect());
        Layout { cells: cells.collect(), widths, kept }
    }

    /// Each row as a line of its cells.
    fn spelled(&mut self, crossing: &Crossing<'_>, names: &[String], labels: &[String]) {
        for (row, label) in crossing.rows().zip(labels) {
            let cells = crossing.columns.iter().zip(names).filter_map(|(column, name)| {
                let count = crossing.count(row, column).0;
                (count > 0).then(|| format!("{name} {}", self.number(count)))
            });
            let line = format!("{label}: {}", cells.collect::<Vec<_>>().join(" · "));
            self.hanging("  ", &line);
        }
    }

    /// What the table can't say itself: the columns that don't fit, and what the numbers of steps are of.
    fn notes(
        &mut self,
        crossing: &Crossing<'_>,
        one: &Dimension,
        hidden: &[usize],
        names: &[String],
        has_shares: bool,
    ) {
        let w = &self.words.report;
        if !hidden.is_empty() && hidden.len() <= NAMED {
            let names: Vec<&str> = hidden.iter().map(|at| names[*at].as_str()).collect();
            self.hanging("  ", &w.others_are(names.join(" · ")));
        }
        if *crossing.other == Dimension::Step && has_shares {
            self.hanging("  ", w.share_of_due);
        }
        let has_several = crossing.total.left_out.len() > 1;
        if has_several && [one, crossing.other].contains(&&Dimension::Step) {
            self.hanging("  ", w.several_steps);
        }
    }

    /// The names of the columns, each over as many lines as it needs, the last line just above the numbers.
    fn heads(&mut self, label: usize, heads: &[(String, usize)]) {
        let wrapped: Vec<Vec<String>> = heads
            .iter()
            .map(|(name, width)| {
                let lines = wrap([(name.as_str(), ())], *width);
                let lines = lines.into_iter().map(|line| line.into_iter().map(|(part, ())| part).collect::<String>());
                let mut lines: Vec<String> = lines.collect();
                if lines.len() > HEAD {
                    lines.truncate(HEAD);
                    let last = format!("{}…", lines[HEAD - 1]);
                    lines[HEAD - 1] = if last.width() > *width { cut(&last, *width) } else { last };
                }
                lines
            })
            .collect();
        let height = wrapped.iter().map(Vec::len).max().unwrap_or(0);
        for at in 0..height {
            let mut line = format!("  {}", " ".repeat(label));
            for (lines, (_, width)) in wrapped.iter().zip(heads) {
                let part = (at + lines.len()).checked_sub(height).map_or("", |at| lines[at].as_str());
                let _ = write!(line, "  {}{part}", " ".repeat(width.saturating_sub(part.width())));
            }
            let _ = writeln!(self.out, "{}", line.trim_end());
        }
    }
}

/// Which columns fit. The first to go is that of calls without a key, which is what the others leave; then those with the
/// fewest calls, of days and hours the oldest ones; the last that of closings not delivered, which costs score.
fn kept(crossing: &Crossing<'_>, widths: &[usize], rest: usize, room: usize) -> Vec<usize> {
    let Crossing { other, columns, .. } = crossing;
    let is_of_time = matches!(other, Dimension::Day | Dimension::Week | Dimension::Month | Dimension::Hour);
    let omitted = Outcome::Ended(Ending::Omitted).code();
    let keep = |at: usize| {
        let column = &columns[at];
        let rank = match &*column.key[0] {
            "" => 0,
            key if key == omitted => 2,
            _ => 1,
        };
        (rank, if is_of_time { 0 } else { column.closings }, if is_of_time { at } else { columns.len() - at })
    };
    let mut kept: Vec<usize> = (0..columns.len()).collect();
    let needs = |kept: &[usize]| {
        let rest = if kept.len() < columns.len() { rest + 2 } else { 0 };
        kept.iter().map(|at| widths[*at] + 2).sum::<usize>() + rest
    };
    while !kept.is_empty() && needs(&kept) > room {
        let first = kept.iter().copied().min_by_key(|at| keep(*at));
        kept.retain(|at| Some(*at) != first);
    }
    kept
}

fn longest_word(text: &str) -> usize {
    text.split(' ').map(UnicodeWidthStr::width).max().unwrap_or(0)
}
