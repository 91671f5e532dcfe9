//! Lines for the CSO: the notice of what just happened, and troubles that last until they are fixed.

use std::collections::BTreeMap;

use crate::message::Subject;
use crate::private::Private;

/// A line for the CSO, removed at the next key.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Notice {
    text: Private,
    /// Whether it reports the end of a call; it is removed when that can no longer be undone.
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

    /// Removes the notice, so that a lasting trouble is visible at once. How to undo the end of a call stays.
    pub(super) fn give_way(&mut self) {
        self.notice.take_if(|notice| !notice.of_the_end);
    }

    /// Adds troubles that exist at the start; the notice stays.
    pub(super) fn add(&mut self, troubles: impl IntoIterator<Item = (Subject, String)>) {
        self.lasting.extend(troubles);
    }

    /// A trouble began (`Some`: its line) or is over.
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

    /// The lasting troubles, the most important for a closing first.
    pub(super) fn lasting(&self) -> &BTreeMap<Subject, String> {
        &self.lasting
    }
}
