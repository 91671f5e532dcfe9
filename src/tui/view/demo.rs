//! A presentation: the caption above, the prompter below.
//!
//! ```text
//!  Peragaan 5/11 · Di luar PLN Mobile, tetapi TELAH punya                   √√· 2/3
//!  Bu Dewi melapor padam; di ponselnya sudah ada New PLN Mobile.
//!  ► A: TELAH punya. Yang dipakai 2.b, karena TELAH hanya disebut 2.b. …
//!  Dasar: No. 1, 2.b · kalimat ini: No. 1
//! ───────────────────────────────────────────────────────────────────────────────
//!  (the prompter)
//!  Spasi langkah   ← → adegan   Q keluar
//! ```

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::drill::indent;
use super::header::rule;
use super::lines::wrap;
use super::{Block, DrawContext, Drawn, Foot, Priority, Size, fit, paint_ground, prompter, put, rows_of, to_rows};
use crate::drill::keys;
use crate::drill::show::Show;
use crate::tui::theme::{Colours, Role};

/// The least rows of the prompter below.
const PROMPTER: usize = 11;

pub fn draw(frame: &mut Frame<'_>, show: &Show, colours: impl Into<Colours>) -> Drawn {
    let area = frame.area();
    let keys = keys::footer(&keys::show_rows(show), show.words());
    let foot = Foot { keys: &keys, hides: keys::hidden(false) };
    let look = DrawContext::of(show.app(), colours.into(), area, show.scroll(), Some(foot));
    paint_ground(frame, &look);
    if area.is_empty() || look.size == Size::Tiny {
        return if area.is_empty() { Drawn::default() } else { prompter(frame, area, &look) };
    }
    let mut head: Vec<(Block, ())> = blocks(&look, show).into_iter().map(|b| (b, ())).collect();
    let budget = usize::from(area.height).saturating_sub(PROMPTER).max(3);
    fit(&look, &mut head, budget, Priority::Facts);
    let rows = to_rows(rows_of(&head)).min(area.height.saturating_sub(5));
    put(frame, Rect { height: rows, ..area }, head);
    let below = Rect { y: area.y + rows, height: area.height - rows, ..area };
    prompter(frame, below, &look.within(below))
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
    let right = if steps > 0 { vec![look.span(dots, Role::Muted)] } else { Vec::new() };
    let mut out = vec![Block::line(Priority::Last, look.two_ends(left, right))];
    let columns = look.columns.saturating_sub(4).clamp(1, 96);
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
    if let Some(clause) = clause(show) {
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

/// The clauses of the rule that fires and of the shown sentence.
fn clause(show: &Show) -> Option<String> {
    let (app, w) = (show.app(), &show.words().demo);
    let rules = app.rules();
    let rule = app.call().plan(rules).rule.basis.clone();
    let step = app.shown().and_then(|step| rules.step(step).basis.clone());
    match (rule, step) {
        (Some(rule), Some(step)) => Some(w.clauses(&rule, &step)),
        (Some(one), None) | (None, Some(one)) => Some(w.clause(&one)),
        (None, None) => None,
    }
}
