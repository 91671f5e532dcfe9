//! What the agent says on stderr, for whoever reads the system's log: a line when something changed, never the same line
//! about the same thing twice in a row, nothing of a call.

use std::collections::HashMap;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use penutup::words::Lang;

use crate::words::{Words, words};

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum About {
    /// The link.
    Link,
    /// What the server says.
    Server,
    /// The folder of what was verified.
    Folder,
    /// The journal.
    Journal,
    /// The ledger.
    Ledger,
    /// The stream of closings.
    Stream,
    /// The prompters.
    Prompters,
    /// The declaration.
    Klb,
    /// The rules.
    Rules,
}

/// Who writes lines.
#[derive(Clone, Debug)]
pub struct Log {
    lang: Lang,
    last: Arc<Mutex<HashMap<About, String>>>,
}

impl Log {
    /// In a language.
    #[must_use]
    pub fn new(lang: Lang) -> Self {
        Self { lang, last: Arc::default() }
    }

    /// The language.
    #[must_use]
    pub fn lang(&self) -> Lang {
        self.lang
    }

    /// The words.
    #[must_use]
    pub fn words(&self) -> &'static Words {
        words(self.lang)
    }

    /// Says a line. Whoever quotes in it from outside has cleaned that.
    pub fn say(&self, line: &str) {
        // A log that can't be written stops nobody.
        let _ = std::io::stderr().write_all(format!("{line}\n").as_bytes());
    }

    /// Says how something stands, where that is news.
    pub fn tell(&self, about: About, line: String) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.get(&about) != Some(&line) {
            self.say(&line);
            last.insert(about, line);
        }
    }

    /// What was told of something is over; says so where something was.
    pub fn over(&self, about: About, line: &str) {
        let was = self.last.lock().unwrap_or_else(PoisonError::into_inner).remove(&about);
        if was.is_some() {
            self.say(line);
        }
    }
}
