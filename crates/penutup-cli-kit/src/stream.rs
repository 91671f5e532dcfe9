//! What a standard stream can show.

use std::io::IsTerminal;

use crate::diagnostics::draw::Canvas;

/// The capabilities of a stream.
pub fn canvas(stream: &impl IsTerminal) -> Canvas {
    if !stream.is_terminal() {
        return Canvas::PLAIN;
    }
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    // Some terminals report zero columns.
    let columns = crossterm::terminal::size().ok().map(|(columns, _)| columns).filter(|columns| *columns > 0);
    let width = columns.map_or(Canvas::PLAIN.width, usize::from);
    Canvas { colour: !set("NO_COLOR") && !is_dumb() && shows_escapes(), width: width.clamp(40, 160) }
}

/// Whether the terminal declares itself line-only (TERM=dumb).
pub fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

/// Whether escape codes are understood; on Windows this switches them on.
pub fn shows_escapes() -> bool {
    #[cfg(windows)]
    return crossterm::ansi_support::supports_ansi();
    #[cfg(not(windows))]
    true
}
