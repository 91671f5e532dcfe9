//! Every key with its action, the notices in full, and every fact with its value.

use super::{KeyGroup, Page, Part, Surface};
use crate::action::Action;
use crate::app::App;
use crate::keymap::{self, KeyBinding};

/// The keys that are available in this view, the notices that a row of the screen may have cut, and the facts if the
/// header may have no room for them.
pub fn help(app: &App, surface: &Surface<'_>) -> Page {
    let words = app.words();
    let mut page = Page::new(words.help.title);
    for line in &surface.intro {
        page.paragraph(line);
    }
    let notices = app.momentary().map(str::to_owned).into_iter().chain(app.standing_lines());
    let notices: Vec<String> = notices.chain(app.wrong_clock_text()).collect();
    for (at, notice) in notices.iter().enumerate() {
        page.entry(if at == 0 { words.help.notices } else { "" }, notice);
    }
    if !notices.is_empty() {
        page.gap();
    }
    let rows: Vec<_> = keymap::all(app).into_iter().filter(surface.offers).collect();
    let headings = [words.help.closing, words.help.switches, words.help.call, words.help.panels];
    let groups = headings.into_iter().enumerate().map(|(at, heading)| {
        let of_group: Vec<&KeyBinding> = rows.iter().filter(|row| group(&row.action) == at).collect();
        // Neighbours with the same label (↑ ↓) are one line.
        let same = of_group.chunk_by(|one, next| one.label == next.label);
        let keys = same.map(|same| {
            let names: Vec<String> = same.iter().flat_map(|row| (surface.keys)(row)).collect();
            let hotkeys = app.hotkeys_of(&same[0].action);
            let label = std::iter::once(same[0].label.to_string()).chain(hotkeys).collect::<Vec<_>>().join(" · ");
            (names.join(" "), label)
        });
        KeyGroup { heading, keys: keys.collect() }
    });
    let groups = surface.own.clone().into_iter().chain(groups.filter(|group| !group.keys.is_empty()));
    page.parts.push(Part::Keys(groups.collect()));
    if app.rules().facts.len() > IN_HEADER {
        page.gap();
        facts(&mut page, app);
    }
    if let Some(hotkey) = app.hotkeys().first() {
        page.paragraph(&words.help.hotkeys(hotkey.keys));
    }
    page.paragraph(words.help.files);
    page
}

/// The place of an action in the list's groups: the closing, the switches, the call, panels and the program.
fn group(action: &Action) -> usize {
    match action {
        Action::Said | Action::SaidAll | Action::Undo | Action::Preview(_) | Action::Copy => 0,
        Action::Fact(_) | Action::Field(_) | Action::Zone | Action::StillHolds => 1,
        Action::End | Action::Answer(_) | Action::Agent | Action::Leave | Action::Quit => 2,
        _ => 3,
    }
}

/// The header has room for this many facts.
const IN_HEADER: usize = 3;

/// Every fact and field with its value.
fn facts(page: &mut Page, app: &App) {
    for (at, fact) in app.rules().facts.iter().enumerate() {
        let heading = if at == 0 { app.words().help.facts } else { "" };
        let mut text = app.facts_text(|one| one == at);
        if let Some(help) = &fact.help {
            text = format!("{text} ({help})");
        }
        page.entry(heading, &text);
    }
    for (ix, field) in app.rules().fields_ix() {
        let text = app.field_text(ix);
        if !text.is_empty() {
            page.entry("", &format!("{}: {text}", field.label));
        }
    }
}
