//! The settings: what a user may set once for all. Bytes in; where they lie and which flag is stronger is decided
//! elsewhere. Each table of settings to come is one more `root.table(…)` here.

use std::path::{Path, PathBuf};

use crate::rules::Problem;
use crate::rules::problem::Kind;
use crate::rules::shape::{At, Problems, Table, read_document};
use crate::rules::text;
use crate::words::Lang;

/// Every setting with its default, as a file to edit.
pub const TEMPLATE: &str = include_str!("../config/settings.toml");
/// The longest name of a seat, in graphemes.
const SEAT: usize = 40;

/// The colours of the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// The terminal's own.
    #[default]
    Terminal,
    /// For a dark ground.
    Dark,
    /// For a light ground.
    Light,
    /// The highest contrast.
    Proyektor,
    /// No colour.
    Mono,
}

impl Theme {
    /// Every theme.
    pub const ALL: [Self; 5] = [Self::Terminal, Self::Dark, Self::Light, Self::Proyektor, Self::Mono];

    /// Its name in the settings.
    #[must_use]
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

/// What is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The language of screen and messages.
    pub lang: Option<Lang>,
    /// The id of the zone we sit in.
    pub zone: Option<String>,
    /// The colours of the screen.
    pub theme: Theme,
    /// The rules file.
    pub rules: Option<PathBuf>,
    /// What this seat is called in the recap.
    pub seat: Option<String>,
}

/// Reads settings; `folder` is the one they lie in, from which a relative path counts. What is wrong is told, and what
/// is right is taken all the same.
#[must_use]
pub fn read(bytes: &[u8], folder: &Path) -> (Settings, Vec<Problem>) {
    let problems = Problems::default();
    let settings = read_document(bytes, &problems, |root| {
        let settings = Settings {
            lang: one_of(root, "lang", [Lang::Id, Lang::En], Lang::code),
            zone: full(root, "zone").map(|t| t.value),
            theme: one_of(root, "theme", Theme::ALL, Theme::name).unwrap_or_default(),
            rules: full(root, "rules").map(|t| folder.join(t.value)),
            seat: seat(root),
        };
        root.close();
        settings
    });
    let mut problems = problems.into_inner();
    problems.sort_by_key(|p| (p.span.start, p.span.end));
    (settings.unwrap_or_default(), problems)
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

/// The seat; unlike the others it may be set to nothing.
fn seat(root: &Table<'_>) -> Option<String> {
    let text = root.text("seat")?;
    let seat = text::fold(&text.value);
    if text::graphemes(&seat) > SEAT {
        root.note(text.span, Kind::TooLong { key: "seat".into(), max: SEAT });
        return None;
    }
    // A forbidden character has been told already; a name with one is not taken.
    (!text::is_blank(&seat) && !seat.chars().any(text::is_forbidden)).then_some(seat)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> (Settings, Vec<Problem>) {
        read(text.as_bytes(), Path::new("/folder"))
    }

    #[test]
    fn the_template_sets_nothing_and_each_of_its_lines_is_the_default() {
        assert_eq!(of(TEMPLATE), (Settings::default(), vec![]));
        let lines: Vec<&str> =
            TEMPLATE.lines().filter_map(|l| l.strip_prefix("# ")).filter(|l| l.contains(" = ")).collect();
        assert_eq!(lines.len(), 5, "a setting without a line in the template, or a line without a setting");
        for line in lines {
            let (settings, problems) = of(line);
            assert_eq!(problems, [], "{line}");
            let default = Settings {
                lang: settings.lang.filter(|l| *l != Lang::default()),
                zone: settings.zone.clone().filter(|z| z != "WIB"),
                rules: settings.rules.clone().filter(|r| r != Path::new("/folder/rules.toml")),
                ..settings
            };
            assert_eq!(default, Settings::default(), "{line}");
        }
    }

    #[test]
    fn all_can_be_set() {
        let (settings, problems) =
            of("lang = 'en'\nzone = 'WITA'\ntheme = 'proyektor'\nrules = '../r.toml'\nseat = ' meja  7 '");
        assert_eq!(problems, []);
        let expected = Settings {
            lang: Some(Lang::En),
            zone: Some("WITA".into()),
            theme: Theme::Proyektor,
            rules: Some("/folder/../r.toml".into()),
            seat: Some("meja 7".into()),
        };
        assert_eq!(settings, expected);
        assert_eq!(of("rules = '/abs/r.toml'").0.rules, Some("/abs/r.toml".into()));
    }

    #[test]
    fn what_is_wrong_is_told_and_the_rest_is_taken() {
        let long = format!("seat = '{}'", "x".repeat(41));
        for wrong in
            ["lnag = 'id'", "lang = 'su'", "theme = 1", "zone = ' '", "rules = ''", &long, "seat = \"a\\u0007\""]
        {
            let (settings, problems) = of(&format!("{wrong}\n"));
            assert_eq!(problems.len(), 1, "{wrong}");
            assert_eq!(settings, Settings::default(), "{wrong}");
        }
        let (settings, problems) = of("thema = 'dark'\nlang = 'en'");
        assert_eq!((settings.lang, problems.len()), (Some(Lang::En), 1));
        assert_eq!(of("lang = ").1.len(), 1);
    }
}
