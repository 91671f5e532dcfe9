//! A presentation: the caption above, the prompter below.
//!
//! ```text
//!  Demo 5/11 · Di luar PLN Mobile, tetapi TELAH punya         * berubah   ■■·
//!  Bu Dewi melapor padam; di HP-nya sudah ada New PLN Mobile.
//!  » A: TELAH punya. Yang dipakai 2.b, karena TELAH hanya disebut 2.b. …
//!  Dasar: No. 1, 2.b · kalimat ini: No. 1
//! ───────────────────────────────────────────────────────────────────────────────
//! *A Aplikasi belum tahu ▐TELAH punya▌ BELUM punya                (the prompter)
//!  Spasi lanjut   ← → bagian   Q keluar
//! ```
//!
//! A row of the prompter that the last step changed begins with `*`: the prompter of the step before is drawn out of
//! sight, and a row that it does not have is marked. No theme and no size is without the mark.

use ratatui::Frame;
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};
use ratatui::text::Line;

use super::drill::indent;
use super::header::rule;
use super::lines::wrap;
use super::panel::Lines;
use super::{
    Block, DrawContext, Drawn, Foot, Priority, Size, fit, footer, paint_ground, prompter, put, rows_of, script_columns,
    stack, to_rows,
};
use crate::app::Mode;
use crate::drill::keys;
use crate::drill::show::Show;
use crate::tui::theme::{Colours, Role};
use crate::wrap::width;

/// The least rows of the prompter below.
const PROMPTER: usize = 11;

pub fn draw(frame: &mut Frame<'_>, show: &Show, colours: impl Into<Colours>) -> Drawn {
    let area = frame.area();
    let keys = keys::footer(&keys::show_rows(show), show.words());
    let own = keys::show_help(show);
    let foot = Foot { keys: &keys, hides: keys::HIDDEN_IN_SHOW, own: Some(&own) };
    let look = DrawContext::of(show.app(), colours.into(), area, show.scroll(), Some(foot));
    paint_ground(frame, &look);
    if area.is_empty() || look.size == Size::Tiny {
        return match () {
            () if area.is_empty() => Drawn::default(),
            () if show.has_ended() => stack(frame, &look, area, vec![Block::sentence(end(&look, show))], Vec::new()),
            () => prompter(frame, area, &look),
        };
    }
    if show.has_ended() {
        let top = vec![Block::gap(), Block::sentence(end(&look, show))];
        return stack(frame, &look, area, top, vec![Block::line(Priority::Last, footer::line(&look, &keys))]);
    }
    let mut head: Vec<(Block, ())> = blocks(&look, show).into_iter().map(|b| (b, ())).collect();
    let budget = usize::from(area.height).saturating_sub(PROMPTER).max(3);
    fit(&look, &mut head, budget, Priority::Facts);
    let rows = to_rows(rows_of(&head)).min(area.height.saturating_sub(5));
    put(frame, Rect { height: rows, ..area }, head);
    let below = Rect { y: area.y + rows, height: area.height - rows, ..area };
    let look = look.within(below);
    let drawn = prompter(frame, below, &look);
    mark_changes(frame, below, &look, show);
    drawn
}

/// Marks the rows that the step before did not have.
fn mark_changes(frame: &mut Frame<'_>, area: Rect, look: &DrawContext<'_>, show: &Show) {
    // A panel or a question is itself the change.
    let Some(before) = show.before().filter(|_| show.app().mode() == &Mode::Closing) else { return };
    let now = rows_in(frame.buffer_mut(), area, look);
    let whole = frame.area();
    let shown = std::mem::replace(frame.buffer_mut(), Buffer::empty(whole));
    paint_ground(frame, look);
    prompter(frame, area, &DrawContext { app: before, ..*look });
    let old = rows_in(frame.buffer_mut(), area, look);
    *frame.buffer_mut() = shown;
    // The last row is the footer.
    for (y, row) in (area.y..area.bottom()).zip(now).take(usize::from(area.height.saturating_sub(1))) {
        let cell = &mut frame.buffer_mut()[(area.x, y)];
        let is_blank = row.iter().all(|(text, ..)| text.trim().is_empty());
        if cell.symbol() == " " && !is_blank && !old.contains(&row) {
            cell.set_symbol("*").set_style(look.style(Role::Now));
        }
    }
}

/// A cell's character, and how it is filled: the choice of a value is shown by that alone.
type Seen = (String, Color, bool);

/// What the rows show, without the reasons that a wide screen has at the right.
fn rows_in(buffer: &Buffer, area: Rect, look: &DrawContext<'_>) -> Vec<Vec<Seen>> {
    let edge = area.x + to_rows(script_columns(look));
    let seen = |cell: &Cell| (cell.symbol().to_owned(), cell.bg, cell.modifier.contains(Modifier::REVERSED));
    let row = |y: u16| {
        let columns = if edge < area.right() && buffer[(edge, y)].symbol() == "│" { edge } else { area.right() };
        (area.x..columns).map(|x| seen(&buffer[(x, y)])).collect()
    };
    (area.y..area.bottom()).map(row).collect()
}

/// The screen behind the last scene.
fn end(look: &DrawContext<'_>, show: &Show) -> Vec<Line<'static>> {
    let w = &show.words().demo;
    let mut lines = Lines::new(look, w.end);
    lines.gap();
    lines.paragraph(show.title());
    lines.gap();
    lines.paragraph(w.end_keys);
    lines.into_lines()
}

fn blocks(look: &DrawContext<'_>, show: &Show) -> Vec<Block> {
    let w = &show.words().demo;
    let (at, all) = show.at();
    let left = vec![
        look.span(format!(" {}", w.title(all, at + 1)), Role::Text),
        look.span(" · ", Role::Line),
        look.span(show.scene().title.clone(), Role::Text),
    ];
    let (step, steps) = show.step();
    let dots = "■".repeat(step) + &"·".repeat(steps - step);
    let used: usize = left.iter().map(|span| width(&span.content)).sum();
    let mut right = if steps > 0 { vec![look.span(dots, Role::Muted)] } else { Vec::new() };
    if show.before().is_some() {
        let key = format!("* {}  ", w.changed);
        if used + width(&key) + steps + 4 <= look.columns {
            right.insert(0, look.span(key, Role::Muted));
        }
    }
    let mut out = vec![Block::line(Priority::Last, look.two_ends(left, right))];
    let columns = look.columns.saturating_sub(4).clamp(1, 96);
    // At the opening of each scene, so that a class that comes late sees it as well.
    if step == 0 {
        let title = wrap([(show.title(), look.style(Role::Muted))], columns);
        out.push(Block::new(if at == 0 { Priority::Last } else { Priority::Empty }, indented(look, title, " ")));
    }
    // On the first screen, for the presenter.
    if at == 0 && step == 0 && !show.left_out().is_empty() {
        let text = w.left_out_short(show.left_out().len());
        out.push(Block::new(
            Priority::Last,
            indented(look, wrap([(text.as_str(), look.style(Role::Badge))], columns), " "),
        ));
    }
    if !show.scene().story.is_empty() {
        out.push(Block::new(
            Priority::Story,
            indented(look, wrap([(show.scene().story.as_str(), look.style(Role::Text))], columns), " "),
        ));
    }
    let mut caption = wrap([(show.caption(), look.style(Role::Text))], columns);
    for (at, line) in caption.iter_mut().enumerate() {
        line.spans.insert(0, look.span(if at == 0 { " » " } else { "   " }, Role::Muted));
    }
    out.push(Block::new(Priority::Last, caption));
    if let Some(clause) = show.clause() {
        out.push(Block::new(
            Priority::Story,
            indented(look, wrap([(clause.as_str(), look.style(Role::Text))], columns), "   "),
        ));
    }
    out.push(Block::line(Priority::Line, rule(look)));
    out
}

fn indented(look: &DrawContext<'_>, mut lines: Vec<Line<'static>>, by: &'static str) -> Vec<Line<'static>> {
    indent(look, &mut lines, by);
    lines
}
