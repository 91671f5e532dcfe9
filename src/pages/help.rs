//! Every key and what it does, from the table that does it; and every fact as it stands (`?`).

use std::borrow::Cow;

use super::Page;
use crate::app::App;
use crate::keymap::{self, Key, Row};
use crate::words::Words;

/// The keys that this view `offers`, each as it is `called`, and the facts.
#[must_use]
pub fn help(
    app: &App,
    offers: impl Fn(&Row) -> bool,
    called: impl Fn(Key, &Words) -> Option<Cow<'static, str>>,
) -> Page {
    let words = app.words();
    let mut page = Page::new(words.help.title);
    let rows: Vec<_> = keymap::all(app).into_iter().filter(offers).collect();
    let mut at = 0;
    while at < rows.len() {
        let row = &rows[at];
        let mut keys: Vec<String> = row.keys.iter().filter_map(|k| called(*k, words)).map(Cow::into_owned).collect();
        // Neighbours that do the same the other way (↑ ↓) are one line.
        while let Some(next) = rows.get(at + 1).filter(|next| next.label == row.label) {
            keys.extend(next.keys.iter().filter_map(|k| called(*k, words)).map(Cow::into_owned));
            at += 1;
        }
        page.entry(&keys.join(" "), &row.label);
        at += 1;
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
