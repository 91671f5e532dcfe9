//! The scroll position of a view. It goes back to the top when the view shows something else.

use std::mem::{Discriminant, discriminant};

use crate::action::Direction;
use crate::app::{App, Effect, Mode};
use crate::panel::Panel;
use crate::rules::ruleset::StepIx;

/// How far to scroll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Line(Direction),
    /// As many lines as are visible.
    Page(Direction),
    /// Back to the first line.
    Top,
}

/// What is shown: another mode, panel, call or step starts at the top.
type Shown = (Discriminant<Mode>, Option<Panel>, u64, Option<StepIx>);

/// A scroll position, in lines.
#[derive(Clone, Debug, Default)]
pub struct Scroll {
    offset: usize,
    /// The number of visible lines.
    page: usize,
    shown: Option<Shown>,
}

impl Scroll {
    /// The number of lines above the visible ones. It may be too large until the next drawing limits it.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Scrolls.
    pub fn by(&mut self, by: By) {
        self.offset = match by {
            By::Line(direction) => self.moved(direction, 1),
            By::Page(direction) => self.moved(direction, self.page.max(1)),
            By::Top => 0,
        };
    }

    fn moved(&self, direction: Direction, lines: usize) -> usize {
        match direction {
            Direction::Up => self.offset.saturating_sub(lines),
            Direction::Down => self.offset.saturating_add(lines).min(10_000),
        }
    }

    /// Goes to the top if something else is shown, then applies the scroll effects.
    pub fn follow(&mut self, app: &App, effects: &[Effect]) {
        let panel = match app.mode() {
            Mode::Panel(panel) => Some(*panel),
            _ => None,
        };
        let step = if panel.is_none() { app.shown() } else { None };
        let shown = Some((discriminant(app.mode()), panel, app.number(), step));
        if self.shown != shown {
            (self.shown, self.offset) = (shown, 0);
        }
        for effect in effects {
            if let Effect::Scroll(by) = effect {
                self.by(*by);
            }
        }
    }

    /// Sets the limits that a drawing found: the largest offset, so that scrolling past the end does not count, and the
    /// number of visible lines.
    pub fn bound(&mut self, most: usize, page: usize) {
        self.offset = self.offset.min(most);
        self.page = page.max(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_the_visible_lines_and_the_offset_stops_at_the_drawn_end() {
        let mut scroll = Scroll::default();
        scroll.bound(12, 5);
        for (by, offset) in [
            (By::Page(Direction::Down), 5),
            (By::Line(Direction::Down), 6),
            (By::Page(Direction::Up), 1),
            (By::Page(Direction::Up), 0),
        ] {
            scroll.by(by);
            assert_eq!(scroll.offset(), offset, "{by:?}");
        }
        (0..9).for_each(|_| scroll.by(By::Page(Direction::Down)));
        scroll.bound(12, 5);
        assert_eq!(scroll.offset(), 12);
        scroll.by(By::Top);
        assert_eq!(scroll.offset(), 0);
    }
}
