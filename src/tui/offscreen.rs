//! The screen drawn without a terminal, at the sizes that windows have: whether it can be drawn at all.

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
/// Where the view does: that is what a caller wants to know.
pub fn draw_at_all_sizes(app: &App) {
    for (columns, rows) in SIZES {
        let Ok(mut terminal) = Terminal::new(TestBackend::new(columns, rows));
        let Ok(_) = terminal.draw(|frame| {
            draw(frame, app, Theme::Terminal, 0);
        });
    }
}
