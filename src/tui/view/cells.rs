//! Draws a line into cells. Most text consists of characters that take one cell each; writing these directly is much
//! faster than ratatui's segmentation into graphemes, and drawing lines is most of the time of a frame. Other text goes
//! through ratatui.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::Widget;

use crate::wrap::width;

/// Draws a line into the first row of an area.
pub fn draw_line(line: &Line<'_>, area: Rect, buffer: &mut Buffer) {
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

/// Whether a character takes one cell and never combines with such neighbours.
fn is_plain(c: char) -> bool {
    matches!(c, ' '..='~' | '─' | '│' | '·' | '…' | '▌' | '▐' | '√' | '»' | '–' | '↑' | '↓')
}

#[cfg(test)]
mod tests {
    use ratatui::style::{Color, Style};
    use ratatui::text::Span;

    use super::*;

    #[test]
    fn a_line_is_drawn_as_ratatui_draws_it() {
        let styles = [Style::new(), Style::new().bold(), Style::new().fg(Color::Red).underlined()];
        let texts =
            ["", " ", "Terima kasih", "── · …", "e\u{301}李", "\u{301}a", "👩\u{200d}👧 ", "▌▐√»↑↓│", "أمينة", "~"];
        for (n, first) in texts.iter().enumerate() {
            for second in texts {
                for columns in 0..20 {
                    let spans = [(*first, styles[n % 3]), (second, styles[(n + 1) % 3]), ("ok", styles[2])];
                    let drawn = Line::from(spans.map(|(text, style)| Span::styled(text, style)).to_vec());
                    let area = Rect::new(1, 1, columns, 1);
                    let (mut ours, mut theirs) =
                        (Buffer::empty(Rect::new(0, 0, 21, 3)), Buffer::empty(Rect::new(0, 0, 21, 3)));
                    draw_line(&drawn, area, &mut ours);
                    drawn.render(area, &mut theirs);
                    assert_eq!(ours, theirs, "{first:?} {second:?} {columns}");
                }
            }
        }
    }
}
