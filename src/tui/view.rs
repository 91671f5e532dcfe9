//! The layout of the screen. Views read the [`App`] and draw; they change nothing.
//!
//! ```text
//!  Salam Penutup · SOP Rev-1                        14.57 WIB · siang  sore 3 mnt lagi   header
//!  K KLB      ▐nonaktif▌ AKTIF                                                           switches
//!  M Topik    ▐di luar PLN Mobile▌ PLN Mobile
//!  A Aplikasi ▐belum tahu▌ TELAH punya  BELUM punya
//!  B ▐Bapak/Ibu▌ Bapak  Ibu    N nama belum diisi    Z ▐WIB▌ WITA  WIT                   fields
//! ──────────────────────────────────────────────────────────────────────────────
//!  (badges)
//!    Sebelum closing: tawarkan bantuan lainnya                                           script
//!
//!  ▌ Campaign Integritas                                                    No. 1
//!  ▌ Untuk mewujudkan PLN terbaik, mohon tidak memberikan tambahan biaya
//!  ▌ kepada petugas kami.
//!
//!    Ajakan DOWNLOAD New PLN Mobile                                       No. 2.a
//!    Agar semua makin mudah, …
//!
//!  (closing complete)
//!  (notice)
//!  Spasi sudah disampaikan  Backspace urungkan  X akhiri  ? daftar tombol                footer
//! ```
//!
//! Header and footer are lists of blocks. If there are too few rows, blocks are dropped in the order of their
//! `Priority`, blank rows first; the sentence to say now is never dropped, but scrolls if it alone is too high. The
//! script gets the rows that are left.

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

use super::theme::{Colours, Role};
use crate::action::Action;
use crate::app::{App, Mode};
use crate::pages::KeyGroup;
use crate::panel::Panel;
use crate::wrap::{shorten, width};
use lines::line_width;
use script::Script;

/// What a view needs to draw.
#[derive(Clone, Copy)]
pub struct DrawContext<'a> {
    /// The state.
    pub app: &'a App,
    pub colours: Colours,
    pub columns: usize,
    /// The rows of the window, or of the part of it that is drawn.
    pub rows: usize,
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
    /// Keys that the list of keys has besides the prompter's.
    pub own: Option<&'a KeyGroup>,
}

impl<'a> DrawContext<'a> {
    fn of(app: &'a App, colours: Colours, area: Rect, scroll: usize, foot: Option<Foot<'a>>) -> Self {
        let size = Size::of(area.width, area.height);
        Self { app, colours, columns: area.width.into(), rows: area.height.into(), size, scroll, foot }
    }

    /// The same in a part of the screen.
    fn within(&self, area: Rect) -> Self {
        let size = Size::of(area.width, area.height);
        Self { columns: area.width.into(), rows: area.height.into(), size, ..*self }
    }

    /// Whether an action is available here.
    fn offers(&self, action: &Action) -> bool {
        self.foot.is_none_or(|foot| !foot.hides.contains(action))
    }

    fn style(&self, role: Role) -> Style {
        self.colours.style(role)
    }

    fn edge_of(&self, role: Role) -> Style {
        self.colours.edge(role)
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
    /// Below 72×22: switches with their chosen value only.
    Compact,
    Normal,
    /// From 110×22: the reasons beside the script.
    Wide,
}

impl Size {
    /// The layout for a window.
    pub fn of(columns: u16, rows: u16) -> Self {
        match (columns, rows) {
            (..30, _) | (_, ..6) => Self::Tiny,
            (..72, _) | (_, ..22) => Self::Compact,
            (110.., _) => Self::Wide,
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
/// The priority of a block in a small window; the lowest is dropped first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Priority {
    /// A blank row.
    Gap,
    /// The empty row for notices.
    Empty,
    /// The story and clause of a presentation.
    Story,
    /// A line between regions.
    Line,
    /// The revision and the clock.
    Title,
    /// The heading of an exercise.
    Heading,
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

pub fn draw(frame: &mut Frame<'_>, app: &App, colours: impl Into<Colours>, scroll: usize) -> Drawn {
    let area = frame.area();
    let look = DrawContext::of(app, colours.into(), area, scroll, None);
    paint_ground(frame, &look);
    if area.is_empty() {
        return Drawn::default();
    }
    prompter(frame, area, &look)
}

fn paint_ground(frame: &mut Frame<'_>, look: &DrawContext<'_>) {
    let (area, ground) = (frame.area(), look.style(Role::Text));
    if ground != Style::new() {
        frame.buffer_mut().set_style(area, ground);
    }
}

/// Draws the prompter in a part of the screen.
fn prompter(frame: &mut Frame<'_>, area: Rect, look: &DrawContext<'_>) -> Drawn {
    if look.size == Size::Tiny {
        return stack(frame, look, area, tiny(look, area), Vec::new());
    }
    if let Mode::Panel(open) = look.app.mode() {
        // A panel needs the rows more than the switches do.
        let mut top = header::blocks(&DrawContext { size: Size::Compact, rows: 0, ..*look });
        top.push(Block::panel(panel::lines(look, *open)));
        return stack(frame, look, area, top, footer::blocks(&DrawContext { rows: 0, ..*look }));
    }
    script(frame, look, area, header::blocks(look), footer::blocks(look))
}

/// Where a block is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Above,
    Script,
    Below,
}

/// The most columns of the reasons.
const REASONS: usize = 70;

/// The columns left of the reasons in the wide layout: the script, and the most that a script needs.
fn script_columns(look: &DrawContext<'_>) -> usize {
    if look.size == Size::Wide && look.offers(&Action::Panel(Panel::Basis)) {
        (look.columns * 2 / 3).min(80)
    } else {
        look.columns
    }
}

/// The script between header and footer; in the wide layout the reasons beside it.
fn script(frame: &mut Frame<'_>, look: &DrawContext<'_>, area: Rect, top: Vec<Block>, bottom: Vec<Block>) -> Drawn {
    let height = usize::from(area.height);
    let left = DrawContext { columns: script_columns(look), ..*look };
    let script = Script::of(&left);
    let is_asking = matches!(look.app.mode(), Mode::EndPrompt | Mode::LeavePrompt);
    // Stand for the rows that the script keeps: the title and the sentence. A question must be visible, so the
    // sentence may then be dropped.
    let title = Block::line(Priority::Last, Line::default());
    let mut sentence = Block::sentence(vec![Line::default(); script.least_rows()]);
    sentence.priority = is_asking.then_some(Priority::Last);
    let above = top.into_iter().map(|b| (b, Place::Above));
    let kept = [(title, Place::Script), (sentence, Place::Script)];
    let mut blocks: Vec<_> = above.chain(kept).chain(bottom.into_iter().map(|b| (b, Place::Below))).collect();
    fit(look, &mut blocks, height, Priority::Alarm);
    keep_clock(look, &mut blocks);
    blocks.retain(|(_, place)| *place != Place::Script);
    let mut drawn = Drawn::default();
    let over = rows_of(&blocks).saturating_sub(height);
    if over > 0
        && let Some((question, _)) = blocks.iter_mut().find(|(b, _)| b.priority.is_none())
    {
        let rows = question.lines.len().saturating_sub(over);
        drawn = scroll(look, &mut question.lines, rows);
    }
    let (above, below): (Vec<_>, Vec<_>) = blocks.into_iter().partition(|(_, place)| *place == Place::Above);
    let (first, last) = (to_rows(rows_of(&above)), to_rows(rows_of(&below)));
    let middle = Rect { y: area.y + first, height: area.height.saturating_sub(first + last), ..area };
    put(frame, area, above);
    put(frame, Rect { y: middle.bottom(), height: last.min(area.height), ..area }, below);
    let (lines, script_drawn) = script.region(middle.height.into());
    put(frame, middle, vec![(Block::sentence(lines), ())]);
    if left.columns < look.columns {
        reasons(frame, look, middle, left.columns);
    }
    if over > 0 { drawn } else { script_drawn }
}

/// Where the row with the clock was dropped, the fields' row has it.
fn keep_clock<T>(look: &DrawContext<'_>, blocks: &mut [(Block, T)]) {
    let has_title = blocks.iter().any(|(block, _)| block.priority == Some(Priority::Title));
    let fields = blocks.iter_mut().find(|(block, _)| block.priority == Some(Priority::Fields));
    if let Some((fields, _)) = fields.filter(|_| !has_title) {
        fields.lines = vec![header::fields_with_clock(look)];
    }
}

/// The reasons for this script, right of this column.
fn reasons(frame: &mut Frame<'_>, look: &DrawContext<'_>, area: Rect, column: usize) {
    let column = to_rows(column);
    for y in area.y..area.bottom() {
        if let Some(cell) = frame.buffer_mut().cell_mut(Position::new(area.x + column, y)) {
            cell.set_symbol("│").set_style(look.style(Role::Line));
        }
    }
    let area = Rect { x: area.x + column + 1, width: area.width - column - 1, ..area };
    // Text wider than this is hard to read.
    let columns = usize::from(area.width).min(REASONS);
    let look = DrawContext { columns, rows: area.height.into(), ..*look };
    let lines = panel::reasons(&look, area.height.into());
    put(frame, area, vec![(Block::sentence(lines), ())]);
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
        lines.push(Line::from(look.span(mark, Role::Muted)));
    } else if let Some(line) = lines.first_mut().filter(|l| line_width(l) < look.columns) {
        let blank = " ".repeat(look.columns - 1 - line_width(line));
        line.spans.push(look.span(blank, Role::Text));
        line.spans.push(look.span(arrow, Role::Muted));
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
