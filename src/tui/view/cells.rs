//! A line onto its cells. Most of what a CSO reads is plain letters, one cell each: those go straight to their cells,
//! which is what a key's drawing mostly consists of; everything else goes through ratatui, grapheme by grapheme.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::Widget;

use crate::wrap::width;

/// Draws a line into the first row of an area.
pub fn line(line: &Line<'_>, area: Rect, buffer: &mut Buffer) {
    let area = area.intersection(buffer.area);
    let mut x = area.x;
    for span in &line.spans {
        if x >= area.right() || area.height == 0 {
            return;
        }
        if span.content.chars().all(is_plain) {
            for c in span.content.chars().take(usize::from(area.right() - x)) {
                buffer[(x, area.y)].set_char(c).set_style(span.style);
                x += 1;
            }
        } else {
            span.render(Rect { x, y: area.y, width: area.right() - x, height: 1 }, buffer);
            x = x.saturating_add(u16::try_from(width(&span.content)).unwrap_or(u16::MAX));
        }
    }
}

/// Whether a character is a cell and a grapheme of its own, whatever stands beside it in such a text.
fn is_plain(c: char) -> bool {
    matches!(c, ' '..='~' | '─' | '│' | '·' | '…' | '►' | '√' | '»' | '–' | '↑' | '↓')
}

#[cfg(test)]
mod tests {
    use ratatui::style::{Color, Style};
    use ratatui::text::Span;

    use super::*;

    #[test]
    fn it_draws_what_ratatui_draws() {
        let styles = [Style::new(), Style::new().bold(), Style::new().fg(Color::Red).underlined()];
        let texts =
            ["", " ", "Terima kasih", "── · …", "e\u{301}李", "\u{301}a", "👩\u{200d}👧 ", "►√»↑↓│", "أمينة", "~"];
        for (n, first) in texts.iter().enumerate() {
            for second in texts {
                for columns in 0..20 {
                    let spans = [(*first, styles[n % 3]), (second, styles[(n + 1) % 3]), ("ok", styles[2])];
                    let told = Line::from(spans.map(|(text, style)| Span::styled(text, style)).to_vec());
                    let area = Rect::new(1, 1, columns, 1);
                    let (mut ours, mut theirs) =
                        (Buffer::empty(Rect::new(0, 0, 21, 3)), Buffer::empty(Rect::new(0, 0, 21, 3)));
                    line(&told, area, &mut ours);
                    told.render(area, &mut theirs);
                    assert_eq!(ours, theirs, "{first:?} {second:?} {columns}");
                }
            }
        }
    }
}
