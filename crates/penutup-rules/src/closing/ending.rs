//! How a call ends.

use serde::{Deserialize, Serialize};

/// How a call ended, as reported by the CSO.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ending {
    Complete,
    CustomerLeft,
    Transferred,
    /// Silent, a prank, or a wrong number.
    Silent,
    Dropped,
    /// The closing was not spoken; the only ending that costs score.
    Omitted,
}

impl Ending {
    /// The choices of the end prompt, in the order of their digits.
    pub const ANSWERS: [Self; 5] = [Self::CustomerLeft, Self::Transferred, Self::Silent, Self::Dropped, Self::Omitted];
}

/// How a call ended, reported or not. Serialized as its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Outcome {
    /// As the CSO reported, or complete.
    Ended(Ending),
    /// The program was quit with the call open (`q`, Ctrl-C).
    Left,
    /// The telephone reported the next call.
    NextCall,
    /// The program was killed (kill -9, power loss); recorded at the next start.
    ProgramClosed,
}

impl Outcome {
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
