//! Every key with its action, and every fact with its value.

use super::{Page, Surface};
use crate::app::App;
use crate::keymap;

/// The keys that are available in this view, and the facts.
pub fn help(app: &App, surface: &Surface<'_>) -> Page {
    let words = app.words();
    let mut page = Page::new(words.help.title);
    for line in &surface.intro {
        page.paragraph(line);
    }
    let rows: Vec<_> = keymap::all(app).into_iter().filter(surface.offers).collect();
    // Neighbours with the same label (↑ ↓) are one line.
    for same in rows.chunk_by(|one, next| one.label == next.label) {
        page.entry(&same.iter().flat_map(surface.keys).collect::<Vec<_>>().join(" "), &same[0].label);
    }
    page.gap();
    facts(&mut page, app);
    page.gap();
    page.paragraph(words.help.files);
    page
}

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
