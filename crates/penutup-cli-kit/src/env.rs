//! The environment variables that name folders, files and the language.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::files::Folders;

/// The variable for the folder below which all files are.
pub const HOME_VARIABLE: &str = "PENUTUP_HOME";
/// The variable for the rules file.
pub const RULES_VARIABLE: &str = "PENUTUP_RULES";
/// The variable for the settings file.
pub const SETTINGS_VARIABLE: &str = "PENUTUP_SETTINGS";
/// The variable for the language.
const LANG_VARIABLE: &str = "PENUTUP_LANG";

/// The variable for the agent's number.
pub const AGENT_VARIABLE: &str = "PENUTUP_AGENT";

/// The environment variables; an empty one counts as unset.
#[derive(Clone, Debug, Default)]
pub struct Env {
    pub home: Option<PathBuf>,
    pub rules: Option<PathBuf>,
    pub settings: Option<PathBuf>,
    pub lang: Option<OsString>,
    pub agent: Option<OsString>,
}

impl Env {
    /// From the process's environment.
    #[must_use]
    pub fn of_process() -> Self {
        let set = |name| std::env::var_os(name).filter(|value: &OsString| !value.is_empty());
        Self {
            home: set(HOME_VARIABLE).map(PathBuf::from),
            rules: set(RULES_VARIABLE).map(PathBuf::from),
            settings: set(SETTINGS_VARIABLE).map(PathBuf::from),
            lang: set(LANG_VARIABLE),
            agent: set(AGENT_VARIABLE),
        }
    }

    /// The folders: below the named one, otherwise the platform's.
    pub fn folders(&self) -> Folders {
        self.home.as_deref().map_or_else(Folders::of_platform, Folders::below)
    }
}
