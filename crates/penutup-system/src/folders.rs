//! The platform's folders for the program's files, and which rules and settings are in use. Checks whether files exist;
//! never reads one.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use directories::{BaseDirs, ProjectDirs};

/// The program's folders. Without a home folder there are none, and everything else works.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folders {
    /// Files that the user edits.
    pub config: Option<PathBuf>,
    /// Files that must survive a restart.
    pub state: Option<PathBuf>,
    /// Data that the program collects.
    pub data: Option<PathBuf>,
    /// Files that last as long as the user's session.
    pub runtime: Option<PathBuf>,
}

impl Folders {
    /// The platform's folders for this program; on Linux according to `XDG_CONFIG_HOME` and the related variables.
    #[must_use]
    pub fn of_platform() -> Self {
        let Some(dirs) = ProjectDirs::from("", "", "penutup") else { return Self::default() };
        Self {
            config: Some(dirs.config_dir().into()),
            state: Some(dirs.state_dir().unwrap_or_else(|| dirs.data_local_dir()).into()),
            data: Some(dirs.data_local_dir().into()),
            runtime: dirs.runtime_dir().map(Into::into),
        }
    }

    /// All folders below one, on any platform: for a portable copy, a site with its own layout, a test.
    #[must_use]
    pub fn below(home: &Path) -> Self {
        let home = std::path::absolute(home).unwrap_or_else(|_| home.into());
        let folder = |name: &str| Some(home.join(name));
        Self { config: folder("config"), state: folder("state"), data: folder("data"), runtime: folder("run") }
    }

    /// The path of the user's own rules.
    pub fn rules(&self) -> Option<PathBuf> {
        self.config.as_ref().map(|folder| folder.join("rules.toml"))
    }

    /// The path of the user's own settings.
    pub fn settings(&self) -> Option<PathBuf> {
        self.config.as_ref().map(|folder| folder.join("settings.toml"))
    }

    /// The copy of the last good rules.
    pub fn last_good(&self) -> Option<PathBuf> {
        self.state.as_ref().map(|folder| folder.join("last-good.toml"))
    }

    /// The copy of the last settings without mistakes.
    pub fn last_good_settings(&self) -> Option<PathBuf> {
        self.state.as_ref().map(|folder| folder.join("last-good-settings.toml"))
    }

    /// The log of stopped parts of the program and of failures to save.
    pub fn log(&self) -> Option<PathBuf> {
        self.state.as_ref().map(|folder| folder.join("log"))
    }

    /// The log of the fleet's agent.
    pub fn agent_log(&self) -> Option<PathBuf> {
        self.state.as_ref().map(|folder| folder.join("agent.log"))
    }

    /// The saved state of the seat.
    pub fn shift(&self) -> Option<PathBuf> {
        self.state.as_ref().map(|folder| folder.join("shift.toml"))
    }

    /// The folder in which the fleet's agent writes verified files.
    pub fn broadcast(&self) -> Option<PathBuf> {
        self.state.as_ref().map(|folder| folder.join("broadcast"))
    }

    /// The rules that the fleet's agent has written.
    pub fn fleet_rules(&self) -> Option<PathBuf> {
        self.broadcast().map(|folder| folder.join("rules.toml"))
    }

    /// The default paths of rules, in order of precedence.
    pub fn rules_looked_for(&self) -> Vec<(Why, PathBuf)> {
        let places = [(Why::Fleet, self.fleet_rules()), (Why::Folder, self.rules())];
        places.into_iter().filter_map(|(why, path)| Some((why, path?))).collect()
    }

    /// Whether the program itself writes this file, existing or not: it can't be the journal as well.
    pub fn is_own_file(&self, path: &Path) -> bool {
        let own = [self.last_good(), self.last_good_settings(), self.log(), self.shift(), self.fleet_rules()];
        own.iter().flatten().any(|own| own == path)
    }

    /// The journal, unless the settings name another path.
    pub fn journal(&self) -> Option<PathBuf> {
        self.data.as_ref().map(|folder| folder.join("journal.db"))
    }
}

/// The user's folders that all programs share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedFolders {
    /// Data, such as desktop entries; on Linux according to `XDG_DATA_HOME`.
    pub data: PathBuf,
    /// Settings; on Linux according to `XDG_CONFIG_HOME`.
    pub config: PathBuf,
}

/// The user's folders that all programs share; `None` without a home folder.
#[must_use]
pub fn shared_folders() -> Option<SharedFolders> {
    let dirs = BaseDirs::new()?;
    Some(SharedFolders { data: dirs.data_dir().into(), config: dirs.config_dir().into() })
}

/// Why a file is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// `--rules` or `--settings` names it.
    Flag,
    /// The environment names it.
    Env,
    /// The settings name it.
    Settings,
    /// The fleet's agent has written it.
    Fleet,
    /// It exists at its default path.
    Folder,
    /// There is no other.
    BuiltIn,
}

/// The file in use, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// The file; `None` for the embedded one.
    pub path: Option<PathBuf>,
    pub why: Why,
}

impl Chosen {
    /// The first one that is named, otherwise the first that exists at a default path, otherwise the embedded one.
    #[must_use]
    pub fn first(
        named: impl IntoIterator<Item = (Why, Option<PathBuf>)>,
        looked_for: impl IntoIterator<Item = (Why, PathBuf)>,
    ) -> Self {
        for (why, path) in named {
            if path.is_some() {
                return Self { path, why };
            }
        }
        match looked_for.into_iter().find(|(_, path)| exists_or_unreadable(path)) {
            Some((why, path)) => Self { path: Some(path), why },
            None => Self { path: None, why: Why::BuiltIn },
        }
    }
}

/// Whether a path exists. An unreadable path counts as present: reading it reports the error, while taking it for
/// absent would silently use other rules.
pub fn exists_or_unreadable(path: &Path) -> bool {
    match path.symlink_metadata() {
        Ok(_) => true,
        Err(e) => !matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_named_wins_and_the_embedded_one_is_last() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| Some(folder.path().join(name));
        let folders = Folders { config: at("config"), state: at("state"), ..Folders::default() };
        let own = folder.path().join("config/rules.toml");
        let fleets = folder.path().join("state/broadcast/rules.toml");
        let named = |flag: Option<&str>, env: Option<&str>| {
            let named = [(Why::Flag, flag.map(PathBuf::from)), (Why::Env, env.map(PathBuf::from))];
            Chosen::first(named, folders.rules_looked_for())
        };
        assert_eq!(named(Some("f"), Some("e")), Chosen { path: Some("f".into()), why: Why::Flag });
        assert_eq!(named(None, Some("e")), Chosen { path: Some("e".into()), why: Why::Env });
        assert_eq!(named(None, None), Chosen { path: None, why: Why::BuiltIn });
        for (path, why) in [(own, Why::Folder), (fleets, Why::Fleet)] {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "").unwrap();
            assert_eq!(named(None, None), Chosen { path: Some(path), why });
        }
        assert_eq!(named(None, Some("e")).why, Why::Env);
        assert_eq!(Chosen::first([], Folders::default().rules_looked_for()).why, Why::BuiltIn);
    }

    #[test]
    fn a_root_folder_contains_all_folders_even_after_chdir() {
        let folders = Folders::below(Path::new("isi"));
        let home = std::env::current_dir().unwrap().join("isi");
        assert_eq!(folders.rules(), Some(home.join("config").join("rules.toml")));
        assert_eq!(folders.shift(), Some(home.join("state").join("shift.toml")));
        assert_eq!(folders.journal(), Some(home.join("data").join("journal.db")));
        assert_eq!(folders.runtime, Some(home.join("run")));
    }
}
