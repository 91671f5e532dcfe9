//! What the driver knows of the calls that it takes: which sentences the SOP asks for, which are ticked, and what the journal must
//! have of each. It is written by hand from the SOP, not with the program's own rules.

use std::collections::BTreeSet;

use penutup::journal::record::Record;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Campaign,
    Download,
    Update,
    Thanks,
}

impl Step {
    fn id(self) -> &'static str {
        match self {
            Self::Campaign => "campaign",
            Self::Download => "download",
            Self::Update => "update",
            Self::Thanks => "terima-kasih",
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Campaign => "Campaign Integritas",
            Self::Download => "Ajakan DOWNLOAD New PLN Mobile",
            Self::Update => "Ajakan UPDATE New PLN Mobile",
            Self::Thanks => "Terima kasih",
        }
    }
}

/// Values in the order in which their key turns them: the id, and the text on the screen.
pub const TOPICS: [(&str, &str); 2] = [("lain", "di luar PLN Mobile"), ("pln-mobile", "PLN Mobile")];
pub const APPS: [(&str, &str); 3] = [("belum-tahu", "belum tahu"), ("telah", "TELAH punya"), ("belum", "BELUM punya")];
pub const HONORIFICS: [&str; 3] = ["Bapak/Ibu", "Bapak", "Ibu"];
pub const ZONES: [&str; 3] = ["WIB", "WITA", "WIT"];
/// The answers to why a call ends, by their digits from 1 on.
pub const ANSWERS: [&str; 5] = ["pelanggan-menutup", "dialihkan", "hening", "terputus", "tidak-disampaikan"];
pub const COMPLETE: &str = "lengkap";

/// A call as it is now. The numbers are positions in the values.
#[derive(Clone, Debug, Default)]
pub struct Call {
    pub topic: usize,
    pub app: usize,
    pub honorific: usize,
    pub zone: usize,
    pub ticked: Vec<Step>,
    /// What the journal must have of it once all is said, except how it ended.
    pub finished: Option<Entry>,
}

impl Call {
    /// What is still to be said; `klb`: whether KLB is on.
    pub fn remaining(&self, klb: bool) -> Vec<Step> {
        let (is_about_app, has_app) = (self.topic == 1, self.app);
        let invitation = match (is_about_app, has_app) {
            (false, 1) | (true, 0 | 1) => Step::Update,
            _ => Step::Download,
        };
        let is_said = |step: Step| self.ticked.contains(&step);
        let thanked = is_said(Step::Thanks);
        let invited = is_said(Step::Download) || is_said(Step::Update);
        // A sentence whose successor was said can't be said any more.
        let campaign = !klb && !is_about_app && !is_said(Step::Campaign) && !invited && !thanked;
        let steps = [(Step::Campaign, campaign), (invitation, !invited && !thanked), (Step::Thanks, !thanked)];
        steps.into_iter().filter(|(_, is_due)| *is_due).map(|(step, _)| step).collect()
    }

    /// What the journal must have of it as it is now.
    pub fn entry(&self, klb: bool, revision: &str, outcome: &str) -> Entry {
        if let Some(finished) = &self.finished {
            return Entry { outcome: outcome.into(), ..finished.clone() };
        }
        let klb = if klb { "ya" } else { "tidak" };
        Entry {
            outcome: outcome.into(),
            facts: format!("klb={klb} topik={} aplikasi={}", TOPICS[self.topic].0, APPS[self.app].0),
            zone: ZONES[self.zone].into(),
            ticked: self.ticked.iter().map(|step| step.id().to_owned()).collect(),
            revision: revision.into(),
        }
    }
}

/// A call that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub outcome: String,
    pub facts: String,
    pub zone: String,
    pub ticked: BTreeSet<String>,
    pub revision: String,
}

impl Entry {
    fn of(record: &Record) -> Self {
        let ticked = record.steps.iter().filter(|step| step.ticked.is_some());
        Self {
            outcome: record.end.map(|(_, outcome)| outcome.code().to_owned()).unwrap_or_default(),
            facts: record.facts_text(),
            zone: record.zone.clone(),
            ticked: ticked.map(|step| step.step.clone()).collect(),
            revision: record.revision.clone(),
        }
    }
}

/// Asserts that these records are the calls of the book: each exactly once and as it was taken. `is_in_order`: the later call
/// also began later by the seat's clock.
pub fn assert_same(book: &[Entry], mut records: Vec<Record>, is_in_order: bool) {
    // Two keys that are handled in one millisecond end a call and begin the next.
    records.sort_by_key(|record| (record.start, record.end.map(|(at, _)| at)));
    let ids: BTreeSet<_> = records.iter().map(|record| record.id).collect();
    assert_eq!(ids.len(), records.len(), "a call is in the journal twice");
    if is_in_order {
        for (at, (entry, record)) in book.iter().zip(&records).enumerate() {
            let near = at.saturating_sub(2)..at.saturating_add(4).min(book.len()).min(records.len());
            assert_eq!(
                Entry::of(record),
                *entry,
                "call {at}, left in the journal, right as it was taken; the calls around it were taken so: {:#?}, and written so: {:#?}",
                &book[near.clone()],
                &records[near]
            );
        }
    } else {
        let mut taken = book.to_vec();
        for record in &records {
            let entry = Entry::of(record);
            let at = taken.iter().position(|taken| *taken == entry);
            taken.swap_remove(at.unwrap_or_else(|| panic!("a call that was not taken so: {record:?}, of {taken:?}")));
        }
        assert!(taken.is_empty(), "calls that are not in the journal: {taken:?}");
    }
    assert_eq!(records.len(), book.len(), "calls in the journal and in the book");
}
