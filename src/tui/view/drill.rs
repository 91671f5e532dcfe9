//! Practice: the story above; below it the prompter, the steps to choose from, the sentences to mark, the feedback or
//! the score sheet.
//!
//! ```text
//!  Latihan · studi kasus · kartu 3 dari 12                        di sini 13.58 WIB
//!  │ Bu Siti Aminah, Denpasar
//!  │ Ranting mangga di halaman Bu Siti sudah menyentuh kabel. …
//! ───────────────────────────────────────────────────────────────────────────────
//!  (the prompter, a list, or a panel)
//!  Spasi sudah   X nilai kartu ini   R cerita   Q keluar
//! ```

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};

use super::feedback;
use super::header::{rule, segments};
use super::lines::{bounded, wrap};
use super::panel::Lines;
use super::{Block, DrawContext, Drawn, Foot, Priority, Size, footer, paint_ground, prompter, put, stack, to_rows};
use crate::drill::grade::{ExerciseKind, SpokenMark};

use crate::drill::keys;
use crate::drill::session::{Draft, Phase, Session};
use crate::drill::texts;
use crate::rules::ruleset::StepIx;
use crate::rules::script::Sentence;

use crate::tui::theme::{Colours, Role};
use crate::words::Words;
use crate::wrap::shorten;

/// The widest line of a story.
const STORY: usize = 92;
/// The least rows of title, caller, line and the prompter below.
const PROMPTER: usize = 12;
/// A screen lower than this shows one row of the story while sentences are marked, or something is missing.
const LOW: usize = 16;
/// The title has room for the kind of exercise from this many columns on.
const KIND_FROM: usize = 56;

pub fn draw(frame: &mut Frame<'_>, session: &Session, colours: impl Into<Colours>) -> Drawn {
    let mut area = frame.area();
    let words = session.words();
    let on_prompter = session.is_on_prompter();
    let keys = if session.is_leaving() {
        Vec::new()
    } else if on_prompter {
        keys::prompter_footer(session)
    } else {
        keys::footer(&keys::session_rows(session), words)
    };
    let own = keys::session_help(session);
    let foot = Foot { keys: &keys, hides: keys::unlisted(session.is_exam()), own: Some(&own) };
    let mut look = DrawContext::of(session.app(), colours.into(), area, session.scroll(), Some(foot));
    paint_ground(frame, &look);
    if area.is_empty() {
        return Drawn::default();
    }
    if look.size == Size::Tiny {
        return tiny(frame, &look, session, area);
    }
    if session.is_leaving() {
        // Visible at every size: the same key again quits.
        let question = leaving(&look, session);
        let rows = to_rows(question.len()).min(area.height);
        area.height -= rows;
        put(frame, Rect { y: area.bottom(), height: rows, ..area }, vec![(Block::sentence(question), ())]);
        look = look.within(area);
        if look.size == Size::Tiny {
            return stack(frame, &look, area, vec![title(&look, session)], Vec::new());
        }
    }
    if on_prompter {
        let height = usize::from(area.height);
        // The story is shortened before facts and footer are dropped.
        let story = story_rows(height).min(height.saturating_sub(PROMPTER)).max(1);
        let head = head(&look, session, story);
        let rows = to_rows(head.iter().map(|b| b.lines.len()).sum()).min(area.height);
        put(frame, Rect { height: rows, ..area }, head.into_iter().map(|b| (b, ())).collect());
        let below = Rect { y: area.y + rows, height: area.height - rows, ..area };
        return prompter(frame, below, &look.within(below));
    }
    let bottom = vec![Block::line(Priority::Last, footer::line(&look, &keys))];
    let top = match session.phase() {
        _ if session.is_reading() => vec![title(&look, session), Block::panel(whole_story(&look, session))],
        Phase::Intro => vec![title(&look, session), rule_block(&look), Block::panel(intro(&look, session))],
        Phase::Feedback => vec![title(&look, session), rule_block(&look), Block::panel(feedback::card(&look, session))],
        Phase::Score => vec![title(&look, session), rule_block(&look), Block::panel(feedback::score(&look, session))],
        Phase::Card => {
            let height = usize::from(area.height);
            let is_marked = matches!(session.draft(), Draft::Spoken { open: true, .. });
            // The work needs the rows more than the story, which a key shows in full.
            let is_full = is_marked || session.missing().is_some();
            let story = if is_full && height < LOW { 1 } else { story_rows(height) };
            let mut top = head(&look, session, story);
            let (blocks, from) = work(&look, session);
            top.extend(blocks);
            look.scroll = from;
            top
        }
    };
    stack(frame, &look, area, top, bottom)
}

/// Below 30×6 only the most important part is drawn.
fn tiny(frame: &mut Frame<'_>, look: &DrawContext<'_>, session: &Session, area: Rect) -> Drawn {
    if session.is_on_prompter() && !session.is_leaving() {
        return prompter(frame, area, look);
    }
    let lines = match session.phase() {
        _ if session.is_leaving() => {
            let text = keys::leaving_question(session);
            wrap([(text, look.style(Role::Sentence))], look.columns.max(1))
        }
        Phase::Intro => intro(look, session),
        Phase::Feedback => feedback::card(look, session),
        Phase::Score => feedback::score(look, session),
        Phase::Card => whole_story(look, session),
    };
    stack(frame, look, area, vec![Block::sentence(lines)], Vec::new())
}

/// The question whether to quit, with its keys.
fn leaving(look: &DrawContext<'_>, session: &Session) -> Vec<Line<'static>> {
    let columns = look.columns.saturating_sub(2).max(1);
    let mut lines = wrap([(keys::leaving_question(session), look.style(Role::Badge))], columns);
    indent(look, &mut lines, " ");
    let keys = keys::footer(&keys::leaving_rows(session), session.words());
    lines.push(footer::line(look, &keys));
    lines
}

fn rule_block(look: &DrawContext<'_>) -> Block {
    Block::line(Priority::Line, rule(look))
}

fn title(look: &DrawContext<'_>, session: &Session) -> Block {
    let w = &session.words().drill;
    let mut left = vec![look.span(format!(" {}", if session.is_exam() { w.exam } else { w.practice }), Role::Text)];
    let mut add = |text: String| {
        left.push(look.span(" · ", Role::Line));
        left.push(look.span(text, Role::Text));
    };
    let (at, all) = (session.at() + 1, session.setup().cards.len());
    let mut right = Vec::new();
    match session.phase() {
        Phase::Intro => add(session.words().screen.sop(&session.rules().sop.revision)),
        Phase::Card | Phase::Feedback => {
            // In a narrow window the card's number is more important than the kind, which does not change.
            if look.columns >= KIND_FROM {
                add(session.kind().label(session.words()).into());
            }
            add(w.card_of(all, at));
            if let Some(card) = session.card().filter(|_| session.phase() == Phase::Card) {
                let home = session.setup().home;
                let rules = session.rules();
                let time = session.app().clock_text(card.local_in(rules, home));
                let zone = &rules.zones[home].id;
                let text = if look.size == Size::Compact { w.here_short(time, zone) } else { w.here(time, zone) };
                right.push(look.span(text, Role::Text));
            }
        }
        Phase::Score => {
            add(session.kind().label(session.words()).into());
            add(w.score_title.into());
        }
    }
    Block::line(Priority::Last, look.two_ends(left, right))
}

/// The story's own lines, with a bar at their left.
fn barred(look: &DrawContext<'_>, session: &Session, rows: usize) -> Vec<Line<'static>> {
    let Some(card) = session.card() else { return Vec::new() };
    let columns = look.columns.saturating_sub(4).clamp(1, STORY);
    let who = session.words().drill.caller(&card.person.place, card.person.introduced());
    let mut lines = vec![Line::from(look.span(shorten(&who, columns), Role::Muted))];
    lines.extend(bounded([(card.story.as_str(), look.style(Role::Text))], columns, rows));
    for line in &mut lines {
        line.spans.insert(0, look.span(" │ ", Role::Line));
    }
    lines
}

/// The most rows of a screen for the story.
fn story_rows(height: usize) -> usize {
    (height * 2 / 5).max(1)
}

/// Title and story above the exercise.
fn head(look: &DrawContext<'_>, session: &Session, rows: usize) -> Vec<Block> {
    vec![title(look, session), Block::new(Priority::Last, barred(look, session, rows)), rule_block(look)]
}

fn whole_story(look: &DrawContext<'_>, session: &Session) -> Vec<Line<'static>> {
    let mut lines = barred(look, session, usize::MAX);
    if look.size != Size::Tiny {
        lines.insert(0, Line::default());
    }
    lines
}

fn intro(look: &DrawContext<'_>, session: &Session) -> Vec<Line<'static>> {
    let (setup, w) = (session.setup(), &session.words().drill);
    let count = setup.cards.len().to_string();
    let mut page = Lines::new(look, if session.is_exam() { w.intro_exam_title } else { w.intro_title });
    page.gap();
    if let Some(pass) = setup.exam {
        let is_whole = setup.not_asked.is_empty();
        let needed = session.needed().unwrap_or(0);
        let exam = if is_whole { w.intro_exam(&count, needed, pass) } else { w.intro_exam_part(&count, needed, pass) };
        page.paragraph(&exam);
        if let Some(too_few) = texts::too_few_cards(pass, setup.cards.len(), session.words()) {
            page.paragraph(&too_few);
        }
    } else {
        page.paragraph(&w.intro_practice(&count));
        if let Some(revision) = &setup.since {
            page.paragraph(&w.changed_since(&count, revision));
        }
    }
    if !setup.not_asked.is_empty() {
        page.paragraph(&texts::not_asked(&setup.not_asked, session.words()));
    }
    page.gap();
    let intro = [w.intro_case, w.intro_blind, w.intro_spoken];
    for ((each, intro), digit) in ExerciseKind::ALL.into_iter().zip(intro).zip('1'..) {
        match setup.kind {
            None => page.entry(&format!("{digit} {}", each.label(session.words())), intro),
            Some(chosen) if chosen == each => page.entry(each.label(session.words()), intro),
            Some(_) => {}
        }
    }
    let trainee = setup.trainee.as_deref().map(|id| w.intro_trainee(id));
    // The cards of an exam that has not begun must not be known, so neither is what generates them.
    let seed = (!session.is_exam()).then(|| w.intro_seed(setup.seed));
    let whose: Vec<String> = trainee.into_iter().chain(seed).collect();
    if !whose.is_empty() {
        page.gap();
        page.paragraph(&whose.join(" · "));
    }
    page.into_lines()
}

/// The exercise, and the scroll offset of its list.
fn work(look: &DrawContext<'_>, session: &Session) -> (Vec<Block>, usize) {
    match session.draft() {
        Draft::Case => (Vec::new(), 0),
        Draft::Blind { offered, cursor, chosen, greeting, .. } => {
            (blind(look, session, offered, *cursor, chosen, *greeting), cursor.saturating_sub(1))
        }
        Draft::Spoken { open: false, .. } => {
            let w = &session.words().drill;
            let columns = look.columns.saturating_sub(6).clamp(1, 60);
            let mut lines = wrap([(w.spoken_ask, look.style(Role::Sentence))], columns);
            indent(look, &mut lines, "   ");
            (vec![Block::gap(), Block::sentence(lines)], 0)
        }
        Draft::Spoken { cursor, marks, .. } => spoken(look, session, *cursor, marks),
    }
}

fn heading(look: &DrawContext<'_>, text: &str) -> Vec<Block> {
    let columns = look.columns.saturating_sub(2).max(1);
    let mut lines = wrap([(text, look.style(Role::Muted))], columns);
    indent(look, &mut lines, " ");
    vec![Block::new(Priority::Heading, lines)]
}

fn blind(
    look: &DrawContext<'_>,
    session: &Session,
    offered: &[StepIx],
    cursor: usize,
    chosen: &[StepIx],
    greeting: Option<usize>,
) -> Vec<Block> {
    let (rules, w) = (session.rules(), &session.words().drill);
    let mut out = heading(look, w.blind_ask);
    out.push(Block::gap());
    // Only the list scrolls, with its cursor.
    let rows = offered.iter().enumerate().map(|(at, step)| {
        let place = chosen.iter().position(|s| s == step);
        let here = at == cursor;
        let mark = if here { " ▌ " } else { "   " };
        // The digit that chooses the line; its place in the closing is in the brackets.
        let digit = if at < 9 { (at + 1).to_string() } else { " ".into() };
        let order = place.map_or_else(|| "[ ]".into(), |at| format!("[{}]", at + 1));
        let role = if here { Role::Sentence } else { Role::Text };
        let step = rules.step(*step);
        // The id distinguishes steps with the same title.
        let is_twice = offered.iter().filter(|other| rules.step(**other).title == step.title).count() > 1;
        let title = if is_twice { format!("{} ({})", step.title, step.id) } else { step.title.clone() };
        let title = shorten(&title, look.columns.saturating_sub(11));
        Line::from(vec![
            look.span(mark, Role::Now),
            look.span(format!("{digit} "), Role::Muted),
            look.span(format!("{order:<3} "), if place.is_some() { Role::Said } else { Role::Line }),
            look.span(title, role),
        ])
    });
    out.push(Block { lines: rows.collect(), priority: None, least: offered.len().min(4), cursor: None });
    out.push(Block::gap());
    let mut spans = vec![look.span(format!("   {}: ", w.blind_greeting), Role::Text)];
    let words = rules.greetings.rows().iter().enumerate();
    spans.extend(segments(look, words.map(|(at, row)| (row.word.as_str(), greeting == Some(at)))));
    let runs: Vec<(String, ratatui::style::Style)> =
        spans.into_iter().map(|s| (s.content.into_owned(), s.style)).collect();
    let mut lines = wrap(runs.iter().map(|(t, s)| (t.as_str(), *s)), look.columns.saturating_sub(4).max(1));
    indent(look, &mut lines, "   ");
    out.push(Block::new(Priority::Last, lines));
    if let Some(missing) = session.missing() {
        let mut lines = wrap([(missing.as_str(), look.style(Role::Badge))], look.columns.saturating_sub(4).max(1));
        indent(look, &mut lines, "   ");
        out.push(Block::new(Priority::Last, lines));
    }
    out
}

fn spoken(
    look: &DrawContext<'_>,
    session: &Session,
    cursor: usize,
    marks: &[Option<SpokenMark>],
) -> (Vec<Block>, usize) {
    let (rules, w) = (session.rules(), &session.words().drill);
    let Some(card) = session.card() else { return (Vec::new(), 0) };
    let mut out = heading(look, w.spoken_mark);
    let mut from = 0;
    let mut lines: Vec<Line<'static>> = Vec::new();
    for (at, step) in card.spoken(rules).into_iter().enumerate() {
        let Some(sentence) = card.sentence_of(rules, step) else { continue };
        let here = at == cursor;
        if here {
            from = lines.len();
        }
        let role = if here { Role::Sentence } else { Role::Text };
        let mark = if here { " ▌ " } else { "   " };
        let heard = marks.get(at).copied().flatten();
        lines.push(look.two_ends(
            vec![look.span(mark, Role::Now), look.span(rules.step(step).title.clone(), Role::Text)],
            vec![mark_span(look, session.words(), heard)],
        ));
        // The mark takes the place of the indent, along the whole sentence.
        for mut line in sentence_lines(look, &sentence, role) {
            line.spans[0] = look.span(mark, Role::Now);
            lines.push(line);
        }
    }
    let least = lines.len().min(6);
    out.push(Block { lines, priority: None, least, cursor: None });
    (out, from)
}

/// A sentence, indented, with what was filled in underlined.
pub(super) fn sentence_lines(look: &DrawContext<'_>, sentence: &Sentence, role: Role) -> Vec<Line<'static>> {
    let style = look.style(role);
    let filled = style.add_modifier(Modifier::UNDERLINED);
    let runs = sentence.segments().iter().map(|s| (s.text.as_str(), if s.filled { filled } else { style }));
    let mut lines = wrap(runs, look.columns.saturating_sub(5).clamp(1, 90));
    indent(look, &mut lines, "   ");
    lines
}

/// The word for the mark of a spoken sentence.
pub(super) fn mark_span(look: &DrawContext<'_>, words: &Words, mark: Option<SpokenMark>) -> Span<'static> {
    match mark {
        None => look.span("-", Role::Line),
        Some(SpokenMark::Exact) => look.span(format!("√ {}", SpokenMark::Exact.label(words)), Role::Said),
        Some(mark) => look.span(mark.label(words), Role::Badge),
    }
}

pub(super) fn indent(look: &DrawContext<'_>, lines: &mut [Line<'static>], by: &'static str) {
    for line in lines {
        line.spans.insert(0, look.span(by, Role::Text));
    }
}
