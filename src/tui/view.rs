//! The layout of the screen. Views read the [`App`] and draw; they change nothing.
//!
//! ```text
//!  Salam Penutup · SOP Rev-1                            Jam pelanggan 14.57 WIB   header
//!  [K] KLB: nonaktif   [M] Topik: di luar PLN Mobile   [A] Aplikasi: belum tahu   facts
//!  [B] Bapak   [N] Budi Santoso   [Z] WIB           3 menit lagi: selamat sore    fields
//!  KLB AKTIF sejak 13.05 · Campaign Integritas TIDAK disampaikan                  banner
//! ─────────────────────────────────────────────────────────────────────────────
//!    Sebelum closing: tawarkan bantuan lainnya                                    script
//!
//!  ► Campaign Integritas                                                No. 1
//!
//!       Untuk mewujudkan PLN terbaik, mohon tidak memberikan
//!       tambahan biaya kepada petugas kami.
//!
//!    Ajakan DOWNLOAD New PLN Mobile                                     No. 2.a
//! ─────────────────────────────────────────────────────────────────────────────
//!  Kalimat lengkap                                                                complete
//!  Untuk mewujudkan PLN terbaik, mohon tidak memberikan tambahan biaya kepada …
//!
//!  (notice)                                                                       footer
//!  Spasi sudah disampaikan   Backspace urungkan   X akhiri   ? daftar tombol
//! ```
//!
//! A region is a list of blocks. If there are too few rows, blocks are dropped in the order of their `Priority`: first
//! blank rows, then the complete sentence, then other steps. The current sentence is never dropped; if it alone is too
//! high, it scrolls.

mod cells;
pub mod demo;
pub mod drill;
mod feedback;
mod footer;
mod header;
pub mod lines;
mod panel;
mod script;

use std::cmp::Reverse;

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::theme::{Role, Theme};
use crate::action::Action;
use crate::app::{App, Mode};
use crate::wrap::{shorten, width};
use lines::line_width;

/// What a view needs to draw.
#[derive(Clone, Copy)]
pub struct DrawContext<'a> {
    /// The state.
    pub app: &'a App,
    /// The styles.
    pub theme: Theme,
    pub columns: usize,
    pub size: Size,
    /// The scroll offset in lines.
    pub scroll: usize,
    /// In practice and presentation, the footer that replaces the prompter's.
    pub foot: Option<Foot<'a>>,
}

/// The footer of practice and presentation.
#[derive(Clone, Copy)]
pub struct Foot<'a> {
    /// Names and labels of keys, the most important first.
    pub keys: &'a [(String, String)],
    /// Actions of the prompter that are not available here.
    pub hides: &'a [Action],
}

impl DrawContext<'_> {
    /// Whether an action is available here.
    fn offers(&self, action: &Action) -> bool {
        self.foot.is_none_or(|foot| !foot.hides.contains(action))
    }

    fn style(&self, role: Role) -> Style {
        self.theme.style(role)
    }

    fn span(&self, text: impl Into<String>, role: Role) -> Span<'static> {
        Span::styled(text.into(), self.style(role))
    }

    /// A line with text at both ends; the left one is shortened if they don't fit.
    fn two_ends(&self, left: Vec<Span<'static>>, right: Vec<Span<'static>>) -> Line<'static> {
        let total = |spans: &[Span<'static>]| spans.iter().map(|s| width(&s.content)).sum::<usize>();
        let wide = total(&right);
        let room = self.columns.saturating_sub(wide + usize::from(wide > 0) * 2);
        let mut spans = Vec::with_capacity(left.len() + right.len() + 1);
        let mut used = 0;
        for mut span in left {
            let short = shorten(&span.content, room.saturating_sub(used));
            let is_cut = short.len() != span.content.len();
            span.content = short.into();
            used += width(&span.content);
            spans.push(span);
            // Nothing after an ellipsis.
            if is_cut {
                break;
            }
        }
        spans.push(Span::styled(" ".repeat(self.columns.saturating_sub(used + wide + 1)), self.style(Role::Text)));
        spans.extend(right);
        Line::from(spans)
    }
}

/// Which layout the window's size calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Size {
    /// Under 30×6: the current sentence alone.
    Tiny,
    /// Below 72 columns.
    Compact,
    /// From 72 columns.
    Normal,
    /// From 100×24: the steps in a column of their own.
    Wide,
}

impl Size {
    /// The layout for a window.
    pub fn of(columns: u16, rows: u16) -> Self {
        match (columns, rows) {
            (..30, _) | (_, ..6) => Self::Tiny,
            (..72, _) => Self::Compact,
            (100.., 24..) => Self::Wide,
            _ => Self::Normal,
        }
    }
}

/// In a window with fewer columns a sentence is unreadable, since its words are broken.
const LEAST_COLUMNS: u16 = 10;

/// Whether a window shows at least the beginning of the current sentence readably.
pub fn shows_sentence(columns: u16, rows: u16) -> bool {
    columns >= LEAST_COLUMNS && rows > 0
}

/// The sentence shrinks to this many rows, and scrolls, before a banner is dropped.
const SCROLLED: usize = 3;
/// In the wide layout a sentence higher than this scrolls before header and footer are dropped.
const SENTENCE_BESIDE: usize = 12;

/// The priority of a block in a small window; the lowest is dropped first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Priority {
    /// A blank row.
    Gap,
    /// A blank row beside the current sentence.
    Inner,
    Complete,
    /// The empty row for notices.
    Empty,
    Said,
    /// A step after the next one.
    Ahead,
    /// A line between regions.
    Line,
    Reminder,
    /// The revision and the clock.
    Title,
    /// The warning of the next greeting, the next step.
    Next,
    Fields,
    Facts,
    Notice,
    /// Footer and caution, dropped last before the sentence scrolls.
    Last,
    /// The banner; the sentence scrolls before it is dropped.
    Alarm,
}

/// Rows that are dropped together.
struct Block {
    lines: Vec<Line<'static>>,
    /// `None`: the sentence or panel, which is not dropped but scrolls.
    priority: Option<Priority>,
    /// For the sentence or panel, the rows that it keeps before other blocks are dropped.
    least: usize,
    /// The column of the cursor in the first row.
    cursor: Option<usize>,
}

impl Block {
    fn new(priority: Priority, lines: Vec<Line<'static>>) -> Self {
        Self { lines, priority: Some(priority), least: 0, cursor: None }
    }

    fn line(priority: Priority, line: Line<'static>) -> Self {
        Self::new(priority, vec![line])
    }

    fn gap() -> Self {
        Self::line(Priority::Gap, Line::default())
    }

    fn inner_gap() -> Self {
        Self::line(Priority::Inner, Line::default())
    }

    /// Keeps the first rows and ends the last one in an ellipsis.
    fn cut(&mut self, rows: usize, columns: usize) {
        if self.lines.len() <= rows {
            return;
        }
        self.lines.truncate(rows);
        if let Some(last) = self.lines.last_mut() {
            let (wide, style) = (line_width(last), last.spans.last().map_or(Style::new(), |s| s.style));
            let text = shorten(&format!("{}……", last.to_string().trim_end()), columns.min(wide.max(2)));
            let text = text.replace("……", "…");
            let blank = " ".repeat(wide.saturating_sub(width(&text)));
            *last = Line::from(Span::styled(text + &blank, style));
        }
    }

    fn sentence(lines: Vec<Line<'static>>) -> Self {
        Self { least: lines.len(), lines, priority: None, cursor: None }
    }

    fn panel(lines: Vec<Line<'static>>) -> Self {
        Self { least: lines.len().min(6), lines, priority: None, cursor: None }
    }
}

/// The scroll limits that a drawing found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drawn {
    /// The largest scroll offset.
    pub most_scroll: usize,
    /// The number of visible lines.
    pub page: usize,
}

pub fn draw(frame: &mut Frame<'_>, app: &App, theme: Theme, scroll: usize) -> Drawn {
    let area = frame.area();
    let size = Size::of(area.width, area.height);
    let look = DrawContext { app, theme, columns: area.width.into(), size, scroll, foot: None };
    let ground = look.style(Role::Text);
    if ground != Style::new() {
        frame.buffer_mut().set_style(area, ground);
    }
    if area.is_empty() {
        return Drawn::default();
    }
    prompter(frame, area, &look)
}

/// Draws the prompter in a part of the screen.
fn prompter(frame: &mut Frame<'_>, area: Rect, look: &DrawContext<'_>) -> Drawn {
    if look.size == Size::Tiny {
        return stack(frame, look, area, tiny(look, area), Vec::new());
    }
    let mut top = header::blocks(look);
    let mut bottom = Vec::new();
    match look.app.mode() {
        Mode::Panel(open) => top.push(Block::panel(panel::lines(look, *open))),
        _ if look.size == Size::Wide => {
            return wide(frame, look, area, top);
        }
        mode => {
            top.extend(script::blocks(look));
            bottom.extend(script::complete(look));
            if matches!(mode, Mode::EndPrompt | Mode::LeavePrompt) {
                // The question must be visible, so the sentence may be dropped.
                for block in &mut top {
                    block.priority = block.priority.or(Some(Priority::Last));
                }
            }
        }
    }
    bottom.extend(footer::blocks(look));
    stack(frame, look, area, top, bottom)
}

/// Under 30×6: only the current sentence, or an open question, panel or field, which must not be answered unseen.
fn tiny(look: &DrawContext<'_>, area: Rect) -> Vec<Block> {
    // A single row needs a column for the mark that there is more.
    let columns = if area.height == 1 && look.columns > 1 { look.columns - 1 } else { look.columns };
    let look = DrawContext { columns, ..*look };
    match look.app.mode() {
        Mode::EndPrompt | Mode::LeavePrompt => vec![Block::sentence(footer::question(&look))],
        Mode::Panel(open) => vec![Block::sentence(panel::lines(&look, *open))],
        Mode::Typing(_) if area.height > 1 => vec![header::typing(&look), Block::sentence(script::alone(&look))],
        Mode::Typing(_) | Mode::Closing => vec![Block::sentence(script::alone(&look))],
    }
}

/// From 100×24: the steps in a column beside the sentence, the complete sentence below both.
fn wide(frame: &mut Frame<'_>, look: &DrawContext<'_>, area: Rect, top: Vec<Block>) -> Drawn {
    let column = script::COLUMN;
    let list = DrawContext { columns: usize::from(column) - 1, ..*look };
    let beside = DrawContext { columns: look.columns - usize::from(column) - 1, ..*look };
    let (steps, sentence) = (script::list(&list), script::beside(&beside));
    let at_top = top.into_iter().map(|b| (b, true));
    let bottom = script::complete(look).into_iter().chain(footer::blocks(look));
    let mut around: Vec<(Block, bool)> = at_top.chain(bottom.map(|b| (b, false))).collect();
    // First the complete sentence is dropped, then the other steps, then header and footer.
    let height = usize::from(area.height);
    fit(look, &mut around, height.saturating_sub(least(&steps).max(least(&sentence))), Priority::Empty);
    fit(look, &mut around, height.saturating_sub(least(&sentence).min(SENTENCE_BESIDE)), Priority::Last);
    let (head, foot): (Vec<_>, Vec<_>) = around.into_iter().partition(|(_, top)| *top);
    let (above, below) = (to_rows(rows_of(&head)), to_rows(rows_of(&foot)));
    let body = Rect { y: area.y + above, height: area.height.saturating_sub(above + below), ..area };
    let left = Rect { width: column, ..body };
    let right = Rect { x: body.x + column, width: body.width - column, ..body };
    put(frame, Rect { height: above, ..area }, head);
    put(frame, Rect { y: body.bottom(), height: below, ..area }, foot);
    stack(frame, &list, left, steps, Vec::new());
    for y in body.y..body.bottom() {
        if let Some(cell) = frame.buffer_mut().cell_mut(Position::new(right.x, y)) {
            cell.set_symbol("│").set_style(look.style(Role::Line));
        }
    }
    let pane = Rect { x: right.x + 1, width: right.width - 1, ..right };
    stack(frame, &beside, pane, sentence, Vec::new())
}

/// The rows that a column needs, without blank rows.
fn least(blocks: &[Block]) -> usize {
    let blank = |b: &&Block| matches!(b.priority, Some(Priority::Gap | Priority::Inner));
    blocks.iter().filter(|b| !blank(b)).map(|b| b.lines.len()).sum()
}

fn to_rows(rows: usize) -> u16 {
    u16::try_from(rows).unwrap_or(u16::MAX)
}

/// Drops blocks up to a priority until the rest fits; within a priority, the last one first. Dropping a large block can
/// free more rows than needed; then blocks dropped before it are restored.
fn fit<T>(look: &DrawContext<'_>, blocks: &mut Vec<(Block, T)>, rows: usize, up_to: Priority) {
    let size = |block: &Block| if block.priority.is_some() { block.lines.len() } else { block.least };
    let mut least: usize = blocks.iter().map(|(b, _)| size(b)).sum();
    let ranks = blocks.iter().enumerate().filter_map(|(at, (b, _))| Some((b.priority?, Reverse(at))));
    let mut ranks: Vec<_> = ranks.filter(|(rank, _)| *rank <= up_to).collect();
    ranks.sort_unstable();
    let mut dropped = Vec::new();
    for (rank, Reverse(at)) in ranks {
        if rank == Priority::Alarm {
            for (open, _) in blocks.iter_mut().filter(|(block, _)| block.priority.is_none()) {
                let gives = open.least.saturating_sub(SCROLLED).min(least.saturating_sub(rows));
                open.least -= gives;
                least -= gives;
            }
        }
        if least <= rows {
            break;
        }
        least -= size(&blocks[at].0);
        dropped.push(at);
    }
    let mut free = rows.saturating_sub(least);
    while let Some(at) = dropped.pop() {
        let block = &mut blocks[at].0;
        if free > 0 && block.priority >= Some(Priority::Notice) {
            block.cut(free, look.columns);
        }
        if size(block) <= free {
            free -= size(block);
        } else {
            block.lines.clear();
        }
    }
    blocks.retain(|(block, _)| block.priority.is_none() || !block.lines.is_empty());
}

fn rows_of<T>(blocks: &[(Block, T)]) -> usize {
    blocks.iter().map(|(b, _)| b.lines.len()).sum()
}

/// Draws blocks at the top and at the bottom of an area.
fn stack(frame: &mut Frame<'_>, look: &DrawContext<'_>, area: Rect, top: Vec<Block>, bottom: Vec<Block>) -> Drawn {
    let height = usize::from(area.height);
    let at_top = top.into_iter().map(|b| (b, true));
    let mut blocks: Vec<(Block, bool)> = at_top.chain(bottom.into_iter().map(|b| (b, false))).collect();
    fit(look, &mut blocks, height, Priority::Alarm);
    let mut drawn = Drawn { most_scroll: 0, page: height };
    let over = rows_of(&blocks).saturating_sub(height);
    if over > 0
        && let Some((open, _)) = blocks.iter_mut().find(|(b, _)| b.priority.is_none())
    {
        let rows = open.lines.len().saturating_sub(over);
        drawn = scroll(look, &mut open.lines, rows);
    }
    let (above, below): (Vec<_>, Vec<_>) = blocks.into_iter().partition(|(_, top)| *top);
    let under = to_rows(rows_of(&below)).min(area.height);
    put(frame, Rect { height: area.height - under, ..area }, above);
    put(frame, Rect { y: area.bottom() - under, height: under, ..area }, below);
    drawn
}

/// Cuts lines to `rows`. The last row, or the end of a single one, marks that there is more.
fn scroll(look: &DrawContext<'_>, lines: &mut Vec<Line<'static>>, rows: usize) -> Drawn {
    if rows == 0 {
        lines.clear();
        return Drawn::default();
    }
    let window = rows.max(2) - 1;
    let most = lines.len().saturating_sub(window);
    let from = look.scroll.min(most);
    lines.drain(..from);
    let more = lines.len() > window;
    lines.truncate(window);
    let words = &look.app.words().screen;
    let (long, arrow) = if more { (words.more, "↓") } else { (words.more_up, "↑") };
    if rows > 1 {
        let long = format!("   {long}");
        let mark = if width(&long) <= look.columns { long } else { arrow.into() };
        lines.push(Line::from(look.span(mark, Role::Accent)));
    } else if let Some(line) = lines.first_mut().filter(|l| line_width(l) < look.columns) {
        let blank = " ".repeat(look.columns - 1 - line_width(line));
        line.spans.push(look.span(blank, Role::Text));
        line.spans.push(look.span(arrow, Role::Accent));
    }
    Drawn { most_scroll: most, page: window }
}

fn put<T>(frame: &mut Frame<'_>, area: Rect, blocks: Vec<(Block, T)>) {
    let mut y = area.y;
    for (block, _) in blocks {
        if let Some(x) = block.cursor.filter(|_| y < area.bottom()) {
            let x = area.x.saturating_add(to_rows(x)).min(area.right().saturating_sub(1));
            frame.set_cursor_position(Position::new(x, y));
        }
        for line in block.lines {
            if y >= area.bottom() {
                return;
            }
            cells::draw_line(&line, Rect { y, height: 1, ..area }, frame.buffer_mut());
            y += 1;
        }
    }
}
