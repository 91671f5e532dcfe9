//! What stands on the prompter's panels, for every view: why this script, the keys, the own day. How it looks is the
//! view's business.

pub mod basis;
pub mod help;
pub mod recap;

use crate::rules::diff::Run;

/// A panel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Its title.
    pub title: String,
    /// What stands below it.
    pub parts: Vec<Part>,
}

/// A part of a panel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Something else begins.
    Gap,
    /// A heading and the text that belongs to it.
    Entry(String, String),
    /// A heading alone.
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
