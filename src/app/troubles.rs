//! Lines for the CSO: the momentary notice of what just happened, and the standing troubles, which last until they are
//! fixed.

use std::collections::BTreeMap;

use crate::message::Subject;
use crate::private::Private;

/// As many notices of one-time events are kept while nobody presses a key, in bytes.
const MAX_NOTICES: usize = 1000;

/// A line for the CSO, removed at the next key.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Notice {
    text: Private,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Event,
    /// The end of a call: removed when that can no longer be undone.
    End,
    /// A refused link: removed when the next one is taken.
    Refusal,
}

/// The momentary notice and the standing troubles.
#[derive(Clone, Debug, Default)]
pub(super) struct Troubles {
    momentary: Option<Notice>,
    /// How many notices there were.
    count: u64,
    standing: BTreeMap<Subject, String>,
}

impl Troubles {
    fn show(&mut self, text: Private, kind: Kind) {
        self.momentary = Some(Notice { text, kind });
        self.count += 1;
    }

    /// Shows a notice until the next key.
    pub(super) fn notify(&mut self, text: impl Into<Private>) {
        self.show(text.into(), Kind::Event);
    }

    /// Shows a notice after the one that nobody has read yet, until the next key.
    pub(super) fn notify_also(&mut self, text: String) {
        match &mut self.momentary {
            Some(notice) if notice.text.len() + text.len() <= MAX_NOTICES => {
                if !notice.text.contains(&text) {
                    notice.text = format!("{} · {text}", &*notice.text).into();
                }
            }
            _ => self.notify(text),
        }
    }

    /// Shows a notice of the end of a call, until the next key or until the end can no longer be undone.
    pub(super) fn notify_of_the_end(&mut self, text: String) {
        self.show(text.into(), Kind::End);
    }

    /// Whether the notice is that of the end of a call.
    pub(super) fn tells_the_end(&self) -> bool {
        self.momentary.as_ref().is_some_and(|notice| notice.kind == Kind::End)
    }

    /// Shows that a link was refused, unless the notice says how to undo the end of a call.
    pub(super) fn notify_of_refusal(&mut self, text: String) {
        if !self.tells_the_end() {
            self.show(text.into(), Kind::Refusal);
        }
    }

    /// Removes the notice of a refused link.
    pub(super) fn dismiss_the_refusal(&mut self) {
        self.momentary.take_if(|notice| notice.kind == Kind::Refusal);
    }

    /// Removes the notice: a key was pressed, so it was read.
    pub(super) fn dismiss(&mut self) {
        self.momentary = None;
    }

    /// Removes the notice of the end of a call, which can no longer be undone.
    pub(super) fn dismiss_the_end(&mut self) {
        self.momentary.take_if(|notice| notice.kind == Kind::End);
    }

    /// Removes the notice, so that a standing trouble is visible at once. A notice of the end of a call stays, since it says how to
    /// undo that.
    pub(super) fn uncover_troubles(&mut self) {
        self.momentary.take_if(|notice| notice.kind != Kind::End);
    }

    /// Adds troubles that exist at the start; the notice stays.
    pub(super) fn add(&mut self, troubles: impl IntoIterator<Item = (Subject, String)>) {
        self.standing.extend(troubles);
    }

    /// A trouble began (`Some`: its line) or is over.
    pub(super) fn set(&mut self, subject: Subject, line: Option<String>) {
        if let Some(line) = line {
            self.standing.insert(subject, line);
            self.uncover_troubles();
        } else {
            self.standing.remove(&subject);
        }
    }

    /// The momentary notice.
    pub(super) fn momentary(&self) -> Option<&str> {
        self.momentary.as_ref().map(|notice| &*notice.text)
    }

    /// How many notices there were: one more also where the same one came again.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// The standing troubles, the most important for a closing first.
    pub(super) fn standing(&self) -> &BTreeMap<Subject, String> {
        &self.standing
    }
}
