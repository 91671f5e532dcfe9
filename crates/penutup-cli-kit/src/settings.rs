//! The user's settings. Parses bytes; the file's location and the precedence of flags are decided elsewhere. A further
//! table of settings is one more `root.table(…)` here.

pub mod hotkeys;

use std::path::{Path, PathBuf};

use crate::rules::Problem;
use crate::rules::problem::Kind;
use crate::rules::shape::{At, Problems, Table, read_document, read_lines};
use crate::rules::text;
use crate::words::Lang;

pub use hotkeys::Hotkey;

/// An editable file with every setting and its default.
pub const TEMPLATE: &str = include_str!("../../../config/settings.toml");
/// The longest seat name, in graphemes.
const SEAT: usize = 40;
/// The kinds of telephone that the prompter can connect to.
const SOFTPHONES: [&str; 2] = ["none", "baresip"];
/// baresip's address in the documentation.
const BARESIP: &str = "127.0.0.1:4444";
/// The range of days for which a call can be kept.
const DAYS: (i64, i64) = (1, 3650);

/// The screen's colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// The terminal's own colours.
    #[default]
    Terminal,
    /// For a dark background.
    Dark,
    /// For a light background.
    Light,
    /// The highest contrast.
    Proyektor,
    /// No colour.
    Mono,
}

impl Theme {
    /// Every theme.
    pub const ALL: [Self; 5] = [Self::Terminal, Self::Dark, Self::Light, Self::Proyektor, Self::Mono];

    /// The theme with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.name() == name)
    }

    /// Its name in the settings and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Terminal => "terminal",
            Self::Dark => "dark",
            Self::Light => "light",
            Self::Proyektor => "proyektor",
            Self::Mono => "mono",
        }
    }
}

/// The settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The language of screen and messages.
    pub lang: Option<Lang>,
    /// The ID of this seat's zone.
    pub zone: Option<String>,
    pub theme: Theme,
    pub rules: Option<PathBuf>,
    /// This seat's name in the recap.
    pub seat: Option<String>,
    /// The telephone that the prompter connects to.
    pub softphone: Option<String>,
    /// The folder of the centre's KLB declarations.
    pub broadcast: Option<PathBuf>,
    pub journal: Journal,
    /// In the order of the file; none by default.
    pub hotkeys: Vec<Hotkey>,
    /// Whether the prompter starts the fleet's agent where the seat has one.
    pub fleet_agent: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Written::default().settings()
    }
}

/// A setting that a file may also set to nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Set<T> {
    /// Missing or invalid in the file.
    #[default]
    Unsaid,
    /// Set to nothing.
    Nothing,
    To(T),
}

impl<T> Set<T> {
    fn or(self, other: Self) -> Self {
        if matches!(self, Self::Unsaid) { other } else { self }
    }

    fn value(self) -> Option<T> {
        if let Self::To(value) = self { Some(value) } else { None }
    }
}

impl<T> From<Option<T>> for Set<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Nothing, Self::To)
    }
}

/// The value in a file; `None` if missing or invalid.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Written {
    lang: Option<Lang>,
    zone: Option<String>,
    theme: Option<Theme>,
    rules: Option<PathBuf>,
    seat: Set<String>,
    softphone: Set<String>,
    broadcast: Set<PathBuf>,
    enabled: Option<bool>,
    journal: Set<PathBuf>,
    days: Option<u32>,
    hotkeys: Option<Vec<Hotkey>>,
    fleet_agent: Option<bool>,
}

impl Written {
    /// Its value, or the other's if it has none.
    fn or(self, other: Self) -> Self {
        Self {
            lang: self.lang.or(other.lang),
            zone: self.zone.or(other.zone),
            theme: self.theme.or(other.theme),
            rules: self.rules.or(other.rules),
            seat: self.seat.or(other.seat),
            softphone: self.softphone.or(other.softphone),
            broadcast: self.broadcast.or(other.broadcast),
            enabled: self.enabled.or(other.enabled),
            journal: self.journal.or(other.journal),
            days: self.days.or(other.days),
            hotkeys: hotkeys::with_last_good(self.hotkeys, other.hotkeys),
            fleet_agent: self.fleet_agent.or(other.fleet_agent),
        }
    }

    fn settings(self) -> Settings {
        let default = Journal::default();
        Settings {
            lang: self.lang,
            zone: self.zone,
            theme: self.theme.unwrap_or_default(),
            rules: self.rules,
            seat: self.seat.value(),
            softphone: self.softphone.value(),
            broadcast: self.broadcast.value(),
            journal: Journal {
                enabled: self.enabled.unwrap_or(default.enabled),
                path: self.journal.value(),
                days: self.days.unwrap_or(default.days),
            },
            hotkeys: self.hotkeys.unwrap_or_default(),
            fleet_agent: self.fleet_agent.unwrap_or(true),
        }
    }
}

/// The journal's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journal {
    /// Whether a journal is kept.
    pub enabled: bool,
    /// Its path; `None` for the data folder.
    pub path: Option<PathBuf>,
    /// The number of days for which a call is kept.
    pub days: u32,
}

impl Default for Journal {
    fn default() -> Self {
        Self { enabled: true, path: None, days: 90 }
    }
}

/// Parses settings; `folder` is the file's folder, at which relative paths start. Mistakes are reported, and valid
/// settings still apply.
pub fn read(bytes: &[u8], folder: &Path) -> (Settings, Vec<Problem>) {
    let (written, problems) = read_written(bytes, folder);
    (written.settings(), problems)
}

/// Like [`read`], with the last valid settings in place of those that can't be read.
pub fn read_with(bytes: &[u8], last_good: Option<&[u8]>, folder: &Path) -> (Settings, Vec<Problem>) {
    let (written, problems) = read_written(bytes, folder);
    let last_good = last_good.filter(|_| !problems.is_empty()).map(|last_good| read_written(last_good, folder).0);
    (written.or(last_good.unwrap_or_default()).settings(), problems)
}

/// The line of `journal.path`, counted from 1.
pub fn line_of_journal_path(bytes: &[u8]) -> Option<usize> {
    let mut start = None;
    let _ = read_document(bytes, &Problems::default(), |root| {
        start = root.table("journal", |table| table.text("path").map(|path| path.span.start)).flatten();
    });
    Some(bytes.get(..start?)?.split(|byte| *byte == b'\n').count())
}

fn read_written(bytes: &[u8], folder: &Path) -> (Written, Vec<Problem>) {
    let problems = Problems::default();
    let written = read_lines(bytes, &problems, |root| {
        let (enabled, path, days) = root.table("journal", |table| journal(table, folder)).unwrap_or_default();
        let written = Written {
            lang: one_of(root, "lang", [Lang::Id, Lang::En], Lang::code),
            zone: full(root, "zone").map(|t| t.value),
            theme: one_of(root, "theme", Theme::ALL, Theme::name),
            rules: full(root, "rules").map(|t| folder.join(t.value)),
            seat: seat(root),
            softphone: root.table("softphone", softphone).unwrap_or_default(),
            broadcast: root.table("broadcast", |table| broadcast(table, folder)).unwrap_or_default(),
            enabled,
            journal: path,
            days,
            hotkeys: hotkeys::read(root),
            fleet_agent: root.table("fleet", |table| table.boolean("agent").map(|b| b.value)).flatten(),
        };
        root.close();
        written
    });
    let mut problems = problems.into_inner();
    problems.sort_by_key(|p| (p.span.start, p.span.end));
    (written.unwrap_or_default(), problems)
}

/// A text that must not be empty.
fn full(root: &Table<'_>, key: &'static str) -> Option<At<String>> {
    let text = root.text(key)?;
    if text::is_blank(&text.value) {
        root.note(text.span.clone(), Kind::Empty { key });
        return None;
    }
    Some(text)
}

fn one_of<T: Copy, const N: usize>(
    root: &Table<'_>,
    key: &'static str,
    all: [T; N],
    name: fn(T) -> &'static str,
) -> Option<T> {
    let text = root.text(key)?;
    let found = all.into_iter().find(|one| name(*one) == text.value);
    if found.is_none() {
        let valid = all.into_iter().map(|one| name(one).to_owned()).collect();
        root.note(text.span, Kind::NotOneOf { key, found: text.value, valid });
    }
    found
}

/// Parses the journal's table: whether it is kept, where, and for how many days.
type WrittenJournal = (Option<bool>, Set<PathBuf>, Option<u32>);

fn journal(table: &Table<'_>, folder: &Path) -> WrittenJournal {
    let days = table.integer("days").and_then(|days| {
        let (min, max) = DAYS;
        let good = (min..=max).contains(&days.value);
        if !good {
            table.note(days.span, Kind::OutOfRange { key: "days", min, max });
        }
        // An invalid number of days deletes nothing.
        u32::try_from(if good { days.value } else { max }).ok()
    });
    // Empty means the data folder.
    let path = table.text("path").map(|t| (!text::is_blank(&t.value)).then(|| folder.join(t.value)));
    (table.boolean("enabled").map(|b| b.value), path.map(Set::from).unwrap_or_default(), days)
}

/// The telephone's address, if one is configured.
fn softphone(table: &Table<'_>) -> Set<String> {
    let kind = one_of(table, "kind", SOFTPHONES, |kind| kind);
    let address = table.text("address").map_or_else(
        || Some(BARESIP.to_owned()),
        |text| {
            let good = text.value.rsplit_once(':').is_some_and(|(host, port)| {
                !host.is_empty() && host.chars().all(|c| c.is_ascii_graphic()) && port.parse::<u16>().is_ok()
            });
            if !good {
                let valid = vec![BARESIP.to_owned()];
                table.note(text.span, Kind::NotOneOf { key: "address", found: text.value.clone(), valid });
            }
            good.then_some(text.value)
        },
    );
    match (kind, address) {
        (Some(kind), Some(address)) => (kind == SOFTPHONES[1]).then_some(address).into(),
        _ => Set::Unsaid,
    }
}

/// The folder of declarations; an empty text means none.
fn broadcast(table: &Table<'_>, folder: &Path) -> Set<PathBuf> {
    let named = table.text("folder").map(|t| (!text::is_blank(&t.value)).then(|| folder.join(t.value)));
    named.map(Set::from).unwrap_or_default()
}

/// The seat; unlike the other settings it may be set to nothing.
fn seat(root: &Table<'_>) -> Set<String> {
    let Some(text) = root.text("seat") else { return Set::Unsaid };
    let seat = text::fold(&text.value);
    if text::graphemes(&seat) > SEAT {
        root.note(text.span.clone(), Kind::TooLong { key: "seat".into(), max: SEAT });
        return Set::Unsaid;
    }
    // A forbidden character has already been reported; the name is not used.
    if seat.chars().any(text::is_forbidden) {
        return Set::Unsaid;
    }
    (!text::is_blank(&seat)).then_some(seat).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (Settings, Vec<Problem>) {
        read(text.as_bytes(), Path::new("/folder"))
    }

    #[test]
    fn the_template_sets_nothing_and_each_of_its_lines_is_the_default() {
        assert_eq!(parsed(TEMPLATE), (Settings::default(), vec![]));
        let lines: Vec<&str> =
            TEMPLATE.lines().filter_map(|l| l.strip_prefix("# ")).filter(|l| l.contains(" = ")).collect();
        assert_eq!(lines.len(), 16, "a setting without a line in the template, or a line without a setting");
        let hotkeys = lines.iter().flat_map(|line| parsed(line).0.hotkeys);
        assert_eq!(hotkeys.collect::<Vec<_>>(), hotkeys::suggested());
        for line in lines {
            let (settings, problems) = parsed(line);
            assert_eq!(problems, [], "{line}");
            let default = Settings {
                lang: settings.lang.filter(|l| *l != Lang::default()),
                zone: settings.zone.clone().filter(|z| z != "WIB"),
                rules: settings.rules.clone().filter(|r| r != Path::new("/folder/rules.toml")),
                hotkeys: vec![],
                ..settings
            };
            assert_eq!(default, Settings::default(), "{line}");
        }
    }

    #[test]
    fn every_setting_can_be_set() {
        let (settings, problems) = parsed(
            "lang = 'en'\nzone = 'WITA'\ntheme = 'proyektor'\nrules = '../r.toml'\nseat = ' meja  7 '\nfleet.agent = false",
        );
        assert_eq!(problems, []);
        let expected = Settings {
            lang: Some(Lang::En),
            zone: Some("WITA".into()),
            theme: Theme::Proyektor,
            rules: Some("/folder/../r.toml".into()),
            seat: Some("meja 7".into()),
            softphone: None,
            broadcast: None,
            journal: Journal::default(),
            hotkeys: vec![],
            fleet_agent: false,
        };
        assert_eq!(settings, expected);
        assert_eq!(parsed("rules = '/abs/r.toml'").0.rules, Some("/abs/r.toml".into()));
    }

    #[test]
    fn mistakes_are_reported_and_valid_settings_apply() {
        let long = format!("seat = '{}'", "x".repeat(41));
        for wrong in
            ["lnag = 'id'", "lang = 'su'", "theme = 1", "zone = ' '", "rules = ''", &long, "seat = \"a\\u0007\""]
        {
            let (settings, problems) = parsed(&format!("{wrong}\n"));
            assert_eq!(problems.len(), 1, "{wrong}");
            assert_eq!(settings, Settings::default(), "{wrong}");
        }
        let (settings, problems) = parsed("thema = 'dark'\nlang = 'en'");
        assert_eq!((settings.lang, problems.len()), (Some(Lang::En), 1));
        assert_eq!(parsed("lang = ").1.len(), 1);
    }

    #[test]
    fn the_journal_can_be_set_and_a_mistake_deletes_nothing() {
        let journal = |text: &str| (parsed(text).0.journal, parsed(text).1.len());
        let set = Journal { enabled: false, path: Some("/folder/j.db".into()), days: 30 };
        assert_eq!(journal("[journal]\nenabled = false\npath = 'j.db'\ndays = 30"), (set, 0));
        assert_eq!(journal("journal.path = ' '"), (Journal::default(), 0));
        for wrong in ["0", "-1", "3651"] {
            let kept = Journal { days: 3650, ..Journal::default() };
            assert_eq!(journal(&format!("[journal]\ndays = {wrong}")), (kept, 1));
        }
        for wrong in ["days = '30'", "enabled = 1", "path = 7", "hari = 30"] {
            assert_eq!(journal(&format!("[journal]\n{wrong}")), (Journal::default(), 1), "{wrong}");
        }
    }

    #[test]
    fn a_telephone_and_a_folder_can_be_set() {
        let address = |text: &str| (parsed(text).0.softphone, parsed(text).1.len());
        assert_eq!(address("[softphone]\nkind = 'baresip'"), (Some("127.0.0.1:4444".into()), 0));
        assert_eq!(address("[softphone]\nkind = 'baresip'\naddress = '[::1]:5'"), (Some("[::1]:5".into()), 0));
        assert_eq!(address("[softphone]\nkind = 'none'\naddress = 'localhost:5'"), (None, 0));
        assert_eq!(address("[softphone]\nkind = 'skype'"), (None, 1));
        for wrong in ["4444", "localhost", "a b:1", "a:70000", ":1"] {
            assert_eq!(address(&format!("[softphone]\nkind = 'baresip'\naddress = '{wrong}'")), (None, 1), "{wrong}");
        }
        assert_eq!(parsed("[broadcast]\nfolder = 'klb'").0.broadcast, Some("/folder/klb".into()));
        assert_eq!(parsed("broadcast.folder = ''"), (Settings::default(), vec![]));
    }

    #[test]
    fn a_typing_error_drops_one_setting_which_the_last_good_one_replaces() {
        let good = "rules = 'r.toml'\nseat = '07'\ntheme = 'dark'\n[broadcast]\nfolder = 'klb'\n[journal]\ndays = 30\n";
        for (from, to) in [
            ("'r.toml'", "'r.toml"),
            ("seat = ", "seat "),
            ("[broadcast]", "[broadcast"),
            ("theme = 'dark'", "theme = 'drak'"),
            ("folder", "fodler"),
            ("days = 30", "days = = 30"),
        ] {
            let broken = good.replace(from, to);
            let (settings, problems) = read_with(broken.as_bytes(), Some(good.as_bytes()), Path::new("/folder"));
            assert!(!problems.is_empty(), "{broken}");
            assert_eq!(settings, parsed(good).0, "{broken}");
            // Without a copy, the readable settings are in force.
            let alone = read_with(broken.as_bytes(), None, Path::new("/folder")).0;
            let kept =
                [alone.rules.is_some(), alone.seat.is_some(), alone.theme == Theme::Dark, alone.broadcast.is_some()];
            assert!(kept.iter().filter(|kept| **kept).count() >= 2, "{broken}: {alone:?}");
        }
    }

    #[test]
    fn without_mistakes_the_last_good_settings_are_ignored() {
        let (settings, problems) = read_with(b"lang = 'en'", Some(b"seat = '07'"), Path::new("/folder"));
        assert_eq!((settings.lang, settings.seat, problems.len()), (Some(Lang::En), None, 0));
        let (settings, problems) = read_with(b"\xff", Some(b"seat = '07'"), Path::new("/folder"));
        assert_eq!((settings.seat.as_deref(), problems.len()), (Some("07"), 1));
    }

    #[test]
    fn the_line_of_the_journals_path_is_found() {
        assert_eq!(line_of_journal_path(b"lang = 'id'\n\n[journal]\npath = 'x.db'\n"), Some(4));
        assert_eq!(line_of_journal_path(b"journal.path = 'x.db'"), Some(1));
        assert_eq!(line_of_journal_path(b"[journal]\ndays = 7"), None);
    }
}
