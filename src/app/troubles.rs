//! What the CSO is told: what just happened, and what is wrong until it is mended.

use std::collections::BTreeMap;

use crate::message::Subject;
use crate::private::Private;

/// A line for the CSO; gone at the next key.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Notice {
    text: Private,
    /// Whether it reports the end of a call, and so goes when that can no longer be undone.
    of_the_end: bool,
}

/// The notice of the moment and the lasting troubles.
#[derive(Clone, Debug, Default)]
pub(super) struct Troubles {
    notice: Option<Notice>,
    lasting: BTreeMap<Subject, String>,
}

impl Troubles {
    /// Shows a notice until the next key.
    pub(super) fn notify(&mut self, text: impl Into<Private>) {
        self.notice = Some(Notice { text: text.into(), of_the_end: false });
    }

    /// Shows a notice of the end of a call, until the next key or until the end can no longer be undone.
    pub(super) fn notify_of_the_end(&mut self, text: String) {
        self.notice = Some(Notice { text: text.into(), of_the_end: true });
    }

    /// A key was pressed: the notice has been read.
    pub(super) fn dismiss(&mut self) {
        self.notice = None;
    }

    /// The end of the call before can no longer be undone.
    pub(super) fn dismiss_the_end(&mut self) {
        self.notice.take_if(|notice| notice.of_the_end);
    }

    /// Makes room for a lasting trouble, which is seen at once; only how to undo the end of a call stays.
    pub(super) fn give_way(&mut self) {
        self.notice.take_if(|notice| !notice.of_the_end);
    }

    /// Adds what was wrong already at the start; a notice of the start stays.
    pub(super) fn add(&mut self, troubles: impl IntoIterator<Item = (Subject, String)>) {
        self.lasting.extend(troubles);
    }

    /// Something is wrong until it is mended (`Some`: the line), or is mended.
    pub(super) fn set(&mut self, subject: Subject, line: Option<String>) {
        if let Some(line) = line {
            self.lasting.insert(subject, line);
            self.give_way();
        } else {
            self.lasting.remove(&subject);
        }
    }

    /// What just happened.
    pub(super) fn notice(&self) -> Option<&str> {
        self.notice.as_ref().map(|notice| &*notice.text)
    }

    /// The lasting troubles, what a closing depends on first.
    pub(super) fn lasting(&self) -> &BTreeMap<Subject, String> {
        &self.lasting
    }
}
