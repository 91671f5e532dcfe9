//! How far what is open is scrolled. It belongs to whoever shows it, and goes back to the top when something else is shown.

use std::mem::{Discriminant, discriminant};

use crate::action::Direction;
use crate::app::{App, Effect, Mode};
use crate::panel::Panel;
use crate::rules::ruleset::StepIx;

/// How far to scroll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Line(Direction),
    /// As many lines as are seen at once.
    Page(Direction),
    /// Back to the first line.
    Top,
}

/// What is scrolled: another mode, panel, call or step begins at the top.
type Shown = (Discriminant<Mode>, Option<Panel>, u64, Option<StepIx>);

/// How far it is scrolled, in lines.
#[derive(Clone, Debug, Default)]
pub struct Scroll {
    offset: usize,
    /// How many lines are seen at once.
    page: usize,
    shown: Option<Shown>,
}

impl Scroll {
    /// How many lines are above what is seen; the next drawing bounds it.
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

    /// Follows a change of the prompter, and scrolls as its effects ask.
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

    /// Takes over from a drawing how far it can be scrolled, so that the way back from its end is not longer than it looks,
    /// and how many lines are seen at once, so that a page leaves none out.
    pub fn bound(&mut self, most: usize, page: usize) {
        self.offset = self.offset.min(most);
        self.page = page.max(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_what_is_seen_and_the_end_is_where_the_drawing_ends() {
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
