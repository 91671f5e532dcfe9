//! How a call ends.

use serde::{Deserialize, Serialize};

/// How the CSO says that a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ending {
    /// Every spoken step was said.
    Complete,
    /// The customer hung up first.
    CustomerLeft,
    /// Transferred.
    Transferred,
    /// Silent, a prank, or a wrong number.
    Silent,
    /// The line dropped.
    Dropped,
    /// The closing was not said; this alone costs score.
    Omitted,
}

impl Ending {
    /// The answers to "why does the call end", in the order of their digits.
    pub const ANSWERS: [Self; 5] = [Self::CustomerLeft, Self::Transferred, Self::Silent, Self::Dropped, Self::Omitted];
}

/// How a call ended, whether the CSO said so or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Outcome {
    /// As the CSO said, or complete.
    Ended(Ending),
    /// The prompter was left with the call open (`q`, Ctrl-C).
    Left,
    /// Overtaken by the telephone's next call.
    NextCall,
    /// The prompter was killed (kill -9, power); recorded at the next start.
    ProgramClosed,
}

impl Outcome {
    /// Its code in the journal.
    pub fn code(self) -> &'static str {
        match self {
            Self::Ended(Ending::Complete) => "lengkap",
            Self::Ended(Ending::CustomerLeft) => "pelanggan-menutup",
            Self::Ended(Ending::Transferred) => "dialihkan",
            Self::Ended(Ending::Silent) => "hening",
            Self::Ended(Ending::Dropped) => "terputus",
            Self::Ended(Ending::Omitted) => "tidak-disampaikan",
            Self::Left => "ditinggalkan",
            Self::NextCall => "panggilan-berikutnya",
            Self::ProgramClosed => "aplikasi-tertutup",
        }
    }

    /// Every way a call ends.
    pub const ALL: [Self; 9] = [
        Self::Ended(Ending::Complete),
        Self::Ended(Ending::CustomerLeft),
        Self::Ended(Ending::Transferred),
        Self::Ended(Ending::Silent),
        Self::Ended(Ending::Dropped),
        Self::Ended(Ending::Omitted),
        Self::Left,
        Self::NextCall,
        Self::ProgramClosed,
    ];

    /// From its code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.code() == code)
    }
}

impl From<Outcome> for String {
    fn from(outcome: Outcome) -> Self {
        outcome.code().into()
    }
}

impl TryFrom<String> for Outcome {
    type Error = String;

    fn try_from(code: String) -> Result<Self, String> {
        Self::from_code(&code).ok_or(code)
    }
}
