//! Every key and what it does, from the table that does it; and every fact as it stands (`?`).

use super::{Page, Surface};
use crate::app::App;
use crate::keymap;

/// The keys that can be used on this view, and the facts.
pub fn help(app: &App, surface: &Surface<'_>) -> Page {
    let words = app.words();
    let mut page = Page::new(words.help.title);
    for line in &surface.intro {
        page.paragraph(line);
    }
    let rows: Vec<_> = keymap::all(app).into_iter().filter(surface.offers).collect();
    // Neighbours that do the same the other way (↑ ↓) are one line.
    for same in rows.chunk_by(|one, next| one.label == next.label) {
        page.entry(&same.iter().flat_map(surface.keys).collect::<Vec<_>>().join(" "), &same[0].label);
    }
    page.gap();
    facts(&mut page, app);
    page.gap();
    page.paragraph(words.help.files);
    page
}

/// Every fact and field as it stands.
fn facts(page: &mut Page, app: &App) {
    for (fact, told) in app.rules().facts.iter().enumerate() {
        let heading = if fact == 0 { app.words().help.facts } else { "" };
        let mut text = app.facts_told(|at| at == fact);
        if let Some(help) = &told.help {
            text = format!("{text} ({help})");
        }
        page.entry(heading, &text);
    }
    for (ix, field) in app.rules().fields_ix() {
        let text = app.field_told(ix);
        if !text.is_empty() {
            page.entry("", &format!("{}: {text}", field.label));
        }
    }
}
