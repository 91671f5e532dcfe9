//! Draws the screen without a terminal at many sizes, to find panics in the view.

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::theme::Theme;
use super::view::draw;
use crate::app::App;

/// Columns and rows: the sizes that the layout distinguishes, and those around which it changes.
pub const SIZES: [(u16, u16); 10] =
    [(80, 24), (120, 30), (60, 20), (40, 12), (200, 60), (100, 24), (72, 22), (30, 6), (29, 5), (1, 1)];

/// Draws the state at each of [`SIZES`].
///
/// # Panics
/// If the view panics; the caller catches that.
pub fn draw_at_all_sizes(app: &App) {
    for (columns, rows) in SIZES {
        let Ok(mut terminal) = Terminal::new(TestBackend::new(columns, rows));
        let Ok(_) = terminal.draw(|frame| {
            draw(frame, app, Theme::Terminal, 0);
        });
    }
}
