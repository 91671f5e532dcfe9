//! The log of the long-running programs, one line an event on stderr: a topic whose state did not change is not logged
//! again. Nothing about a call's content is ever logged.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use penutup_cli_kit::words::Lang;

use crate::cli::eprint_line;
use crate::wire::name::Name;
use crate::words::{Words, words};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    Link,
    Clock,
    Server,
    Folder,
    Journal,
    Ledger,
    Upload,
    Klb,
    Rules,
    Trust,
    Database,
    Partitions,
    Audit,
    /// A site's stream of closings.
    Stream(Name),
    /// A site's stream of the seats' states.
    States(Name),
    /// The clock of a site's seat.
    SeatClock(Name, Name),
}

#[derive(Clone, Debug)]
pub struct Log {
    lang: Lang,
    last: Arc<Mutex<HashMap<Topic, String>>>,
}

impl Log {
    pub fn new(lang: Lang) -> Self {
        Self { lang, last: Arc::default() }
    }

    pub fn lang(&self) -> Lang {
        self.lang
    }

    pub fn words(&self) -> &'static Words {
        words(self.lang)
    }

    /// Logs the topic's state, unless it is the one that was logged last.
    pub fn report(&self, topic: Topic, line: String) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.get(&topic) != Some(&line) {
            eprint_line(&line);
            last.insert(topic, line);
        }
    }

    /// Forgets the topic's reported problem. Returns whether there was one.
    pub fn clear(&self, topic: &Topic) -> bool {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).remove(topic).is_some()
    }

    /// Logs that the topic's reported problem is over, if there was one.
    pub fn resolve(&self, topic: &Topic, line: &str) {
        if self.clear(topic) {
            eprint_line(line);
        }
    }
}
