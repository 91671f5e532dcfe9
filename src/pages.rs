//! The contents of the panels. Each view draws or prints them in its own way.

pub mod basis;
pub mod help;
pub mod recap;

use crate::app::App;
use crate::keymap::KeyBinding;
use crate::panel::Panel;
use crate::rules::diff::Run;

/// What a page needs from the view that shows it.
pub struct Surface<'a> {
    /// Whether a row of the keymap is available.
    pub offers: &'a dyn Fn(&KeyBinding) -> bool,
    /// The names of a row's keys.
    pub keys: &'a dyn Fn(&KeyBinding) -> Vec<String>,
    /// Lines above the key list that explain how keys are typed.
    pub intro: Vec<String>,
    /// Keys that are not the prompter's, before its own.
    pub own: Option<KeyGroup>,
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
    pub parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// A blank row between sections.
    Gap,
    /// A heading and its text.
    Entry(String, String),
    Heading(String),
    /// A heading and a sentence with its changed words.
    Marked(String, Vec<Run>),
    /// A text.
    Paragraph(String),
    /// Keys and what they do, in groups.
    Keys(Vec<KeyGroup>),
    /// Labels and counts, and the count of a full bar.
    Bars(Vec<(String, u64)>, u64),
    /// A heading, the first hour, and the counts from that hour on.
    Hours(String, usize, Vec<u64>),
}

/// A heading, and the names of keys with what they do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyGroup {
    pub heading: &'static str,
    pub keys: Vec<(String, String)>,
}

impl Page {
    fn new(title: &str) -> Self {
        Self { title: title.into(), parts: vec![Part::Gap] }
    }

    fn gap(&mut self) {
        self.parts.push(Part::Gap);
    }

    /// Adds nothing if the text is empty.
    fn entry(&mut self, heading: &str, text: &str) {
        if !text.is_empty() {
            self.parts.push(Part::Entry(heading.into(), text.into()));
        }
    }

    fn paragraph(&mut self, text: &str) {
        self.parts.push(Part::Paragraph(text.into()));
    }
}
