//! Wraps text into ratatui's lines.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::wrap::{self, shorten, width};

pub fn line_width(line: &Line<'_>) -> usize {
    line.spans.iter().map(|span| width(&span.content)).sum()
}

/// [`wrap::wrap`] as lines of the screen.
pub fn wrap<'a>(runs: impl IntoIterator<Item = (&'a str, Style)>, columns: usize) -> Vec<Line<'static>> {
    let styled = |line: wrap::Line<Style>| line.into_iter().map(|(text, style)| Span::styled(text, style)).collect();
    wrap::wrap(runs, columns).into_iter().map(styled).collect()
}

/// As [`wrap()`], but at most `rows` lines; if there were more, the last ends with `…`.
pub fn bounded<'a>(
    runs: impl IntoIterator<Item = (&'a str, Style)>,
    columns: usize,
    rows: usize,
) -> Vec<Line<'static>> {
    let mut lines = wrap(runs, columns);
    let more = lines.drain(rows.min(lines.len())..).next();
    if let (Some(more), Some(last)) = (more, lines.last_mut()) {
        let style = last.spans.last().map_or(Style::new(), |s| s.style);
        *last = Line::from(Span::styled(shorten(&format!("{last} {more}"), columns), style));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_too_many_rows_ends_in_an_ellipsis() {
        let rows = |rows| bounded([("satu dua tiga", Style::new())], 5, rows);
        assert_eq!(rows(2).iter().map(ToString::to_string).collect::<Vec<_>>(), ["satu", "dua…"]);
        assert_eq!(rows(3).last().unwrap().to_string(), "tiga");
        assert_eq!(rows(0), []);
    }
}
