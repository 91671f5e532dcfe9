//! The running call and the one before it, each with its latest journal record.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::closing::{Closing, PersistedFact};
use crate::journal::record::Record;
use crate::loaded::LoadedRules;
use crate::rules::ruleset::StepIx;

/// The running call and the one that ended a moment ago.
#[derive(Clone, Debug)]
pub(super) struct Calls {
    /// The number of the running call in this prompter.
    pub(super) number: u64,
    /// The highest number given.
    last_number: u64,
    /// The running call.
    pub(super) current: Closing,
    /// The number of the running call's agent, if one is given.
    pub(super) agent: Option<String>,
    /// The number of the next call's agent.
    pub(super) next_agent: Option<String>,
    /// The telephone system's id of the running call.
    pub(super) interaction: Option<String>,
    /// The step that is previewed instead of the current one.
    pub(super) previewing: Option<StepIx>,
    /// The shift's facts that the rules don't know: kept and reported until they are set again or known again.
    pub(super) unknown: Vec<PersistedFact>,
    /// The latest record of the running call that was sent to the journal.
    pub(super) journalled: Option<Arc<Record>>,
    /// The record of the running call once it is finished: nothing but an undo in it changes it.
    pub(super) finished: Option<Arc<Record>>,
    /// The call that ended a moment ago, while that can be undone.
    pub(super) ended: Option<Box<Ended>>,
}

/// A call that ended a moment ago.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    pub(super) number: u64,
    pub(super) call: Closing,
    pub(super) loaded: Arc<LoadedRules>,
    /// The rules before its own.
    pub(super) previous_rules: Option<Arc<LoadedRules>>,
    pub(super) at: DateTime<Utc>,
    /// Its latest record that was sent to the journal.
    pub(super) record: Option<Arc<Record>>,
    /// Whether the next call began with a value that ended this one, so that undoing that leads here.
    pub(super) by_value: bool,
}

impl Calls {
    pub(super) fn new(current: Closing, unknown: Vec<PersistedFact>) -> Self {
        Self {
            number: 0,
            last_number: 0,
            current,
            agent: None,
            next_agent: None,
            interaction: None,
            previewing: None,
            unknown,
            journalled: None,
            finished: None,
            ended: None,
        }
    }

    /// Begins the next call; returns the one before.
    pub(super) fn begin(&mut self, next: Closing) -> Closing {
        self.last_number += 1;
        self.number = self.last_number;
        (self.journalled, self.finished, self.previewing, self.interaction) = (None, None, None, None);
        self.agent.clone_from(&self.next_agent);
        std::mem::replace(&mut self.current, next)
    }

    pub(super) fn return_to(&mut self, number: u64, call: Closing, record: Option<Arc<Record>>) {
        self.number = number;
        self.current = call;
        // The call keeps whose it was; who has come meanwhile takes the next one.
        self.agent = record.as_ref().map_or_else(|| self.next_agent.clone(), |record| record.agent.clone());
        self.interaction = record.as_ref().and_then(|record| record.interaction.clone());
        self.finished = record.clone().filter(|_| self.current.is_finished());
        self.journalled = record;
    }
}
