//! Two dimensions crossed: a row for each group of the first, a column for each of the second.

use std::collections::HashMap;
use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr;

use super::text::{Page, cut, dimension_label, key_label};
use crate::journal::report::{Dimension, Group, Report};
use crate::wrap::wrap;

/// The widest column of a group, so that several fit; a longer name takes several lines.
const COLUMN: usize = 13;
/// The most lines of a column's name.
const HEAD: usize = 3;

impl Page<'_> {
    /// The groups of both dimensions at once. Columns that don't fit are added up in the last one; those with the most
    /// calls are kept.
    pub(super) fn crossed(&mut self, report: &Report, one: &Dimension, other: &Dimension) {
        let by = [one.clone(), other.clone()];
        let (Some(rows), Some(columns), Some(cells)) =
            (report.groups(&by[..1]), report.groups(&by[1..]), report.groups(&by))
        else {
            return;
        };
        let cells: HashMap<(&str, &str), u64> =
            cells.iter().map(|cell| ((&*cell.key[0], &*cell.key[1]), cell.closings)).collect();
        let w = &self.words.report;
        let label = |by: &Dimension, group: &Group| key_label(by, &group.key[0], self.rules, self.words);
        let labels: Vec<String> = rows.iter().map(|row| label(one, row)).collect();
        let label_width = labels.iter().map(|label| label.width()).max().unwrap_or(0).max(w.all.width()).clamp(4, 24);
        let label_width = label_width.min((self.width / 3).max(4));
        let names: Vec<String> = columns.iter().map(|column| label(other, column)).collect();
        let numbers = |column: &Group| {
            let all = self.number(column.closings).width();
            rows.iter().map(|row| self.number(cell(&cells, row, column)).width()).max().unwrap_or(0).max(all)
        };
        let widths: Vec<usize> = names
            .iter()
            .zip(columns)
            .map(|(name, column)| longest_word(name).min(COLUMN).max(name.width().min(8)).max(numbers(column)))
            .collect();
        let total = self.number(report.total.closings).width().max(w.head_closings.width());
        let rest_width = total.max(w.head_others(columns.len()).width().min(COLUMN));
        let room = self.width.saturating_sub(2 + label_width + 2 + total);
        let mut kept: Vec<usize> = (0..columns.len()).collect();
        let needs = |kept: &[usize]| {
            let rest = if kept.len() < columns.len() { rest_width + 2 } else { 0 };
            kept.iter().map(|at| widths[*at] + 2).sum::<usize>() + rest
        };
        while !kept.is_empty() && needs(&kept) > room {
            let fewest = kept.iter().copied().min_by_key(|at| (columns[*at].closings, std::cmp::Reverse(*at)));
            kept.retain(|at| Some(*at) != fewest);
        }
        let heading = format!(
            "{} × {}",
            dimension_label(one, self.rules, self.words),
            dimension_label(other, self.rules, self.words)
        );
        self.heading(&heading);
        if kept.is_empty() {
            self.hanging("  ", w.too_narrow);
            return;
        }
        let hidden: Vec<&Group> = (0..columns.len()).filter(|at| !kept.contains(at)).map(|at| &columns[at]).collect();
        let mut heads = vec![(w.head_closings.to_owned(), total)];
        heads.extend(kept.iter().map(|at| (names[*at].clone(), widths[*at])));
        if !hidden.is_empty() {
            heads.push((w.head_others(hidden.len()), rest_width));
        }
        self.heads(label_width, &heads);
        let mut line = |label: &str, total: u64, count: &dyn Fn(&Group) -> u64| {
            let mut counts = vec![total];
            counts.extend(kept.iter().map(|at| count(&columns[*at])));
            if !hidden.is_empty() {
                counts.push(hidden.iter().map(|column| count(column)).sum());
            }
            let label = cut(label, label_width);
            let mut line = format!("  {label}{}", " ".repeat(label_width - label.width()));
            for (count, (_, width)) in counts.into_iter().zip(&heads) {
                let number = self.number(count);
                let _ = write!(line, "  {}{number}", " ".repeat(width.saturating_sub(number.width())));
            }
            let _ = writeln!(self.out, "{line}");
        };
        for (row, label) in rows.iter().zip(&labels) {
            line(label, row.closings, &|column| cell(&cells, row, column));
        }
        line(w.all, report.total.closings, &|column| column.closings);
        if *one == Dimension::Step || *other == Dimension::Step {
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

fn cell(cells: &HashMap<(&str, &str), u64>, row: &Group, column: &Group) -> u64 {
    cells.get(&(&*row.key[0], &*column.key[0])).copied().unwrap_or(0)
}

fn longest_word(text: &str) -> usize {
    text.split(' ').map(UnicodeWidthStr::width).max().unwrap_or(0)
}
