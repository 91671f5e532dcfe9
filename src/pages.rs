//! The pages of the panels, for every view. How a page looks is the view's business.

pub mod basis;
pub mod help;
pub mod recap;

use crate::app::App;
use crate::keymap::Row;
use crate::panel::Panel;
use crate::rules::diff::Run;

/// What a page needs to know of the view that shows it.
pub struct Surface<'a> {
    /// Whether a row of the keymap can be used there.
    pub offers: &'a dyn Fn(&Row) -> bool,
    /// The names of a row's keys there.
    pub keys: &'a dyn Fn(&Row) -> Vec<String>,
    /// How keys are typed there, above the list of keys.
    pub intro: Vec<String>,
}

pub fn page(panel: Panel, app: &App, surface: &Surface<'_>) -> Page {
    match panel {
        Panel::Recap => recap::recap(app),
        Panel::Basis => basis::basis(app),
        Panel::Help => help::help(app, surface),
    }
}

/// A panel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    pub title: String,
    /// What stands below it.
    pub parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Something else begins.
    Gap,
    /// A heading and the text that belongs to it.
    Entry(String, String),
    Heading(String),
    /// A heading and a sentence, in which words are marked.
    Marked(String, Vec<Run>),
    /// A text.
    Paragraph(String),
    /// A heading, the first hour, and a number for it and each that follows.
    Hours(String, usize, Vec<u64>),
}

impl Page {
    fn new(title: &str) -> Self {
        Self { title: title.into(), parts: vec![Part::Gap] }
    }

    fn gap(&mut self) {
        self.parts.push(Part::Gap);
    }

    /// Nothing for an empty text.
    fn entry(&mut self, heading: &str, text: &str) {
        if !text.is_empty() {
            self.parts.push(Part::Entry(heading.into(), text.into()));
        }
    }

    fn paragraph(&mut self, text: &str) {
        self.parts.push(Part::Paragraph(text.into()));
    }
}
