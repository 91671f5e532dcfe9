//! What users read uses the words of `assets/glossary.toml`: the catalogues of both programs, the comments and labels of
//! the settings and the rules (not what is spoken), stories, decks, and the Indonesian pages.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// Words not to be written, and what to write instead.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    words: Vec<String>,
    #[serde(rename = "use")]
    instead: String,
    why: String,
    #[serde(default)]
    only: Vec<String>,
    #[serde(default)]
    unless: Vec<String>,
    #[serde(default)]
    except: Vec<String>,
    #[serde(default = "yes")]
    code: bool,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Glossary {
    id: Vec<Entry>,
    en: Vec<Entry>,
}

impl Glossary {
    pub fn read() -> Self {
        toml::from_str(&read("assets/glossary.toml")).expect("a glossary")
    }

    fn entries(&self, lang: &str) -> &[Entry] {
        if lang == "id" { &self.id } else { &self.en }
    }

    /// What a text of a catalogue should not say, one line each.
    pub fn faults(&self, lang: &str, file: &str, key: &str, text: &str) -> Vec<String> {
        let text = Text { file: file.into(), key: Some(key.into()), content: text.into() };
        self.entries(lang).iter().flat_map(|entry| entry.faults(&text)).collect()
    }
}

/// A text: a whole file, or what a catalogue has under a key.
#[derive(Debug)]
struct Text {
    file: String,
    /// "table.key" of a catalogue.
    key: Option<String>,
    content: String,
}

impl Entry {
    fn concerns(&self, text: &Text) -> bool {
        let only = |only: &String| text.file.starts_with(only) || (only == "catalogues" && text.key.is_some());
        let except = |name: &String| *name == text.file || text.key.as_ref() == Some(name);
        (self.only.is_empty() || self.only.iter().any(only)) && !self.except.iter().any(except)
    }

    fn faults(&self, text: &Text) -> Vec<String> {
        if !self.concerns(text) {
            return Vec::new();
        }
        let mut chars = lower(&text.content);
        if Path::new(&text.file).extension().is_some_and(|e| e == "md") {
            blank_targets(&mut chars);
        }
        if !self.code && text.key.is_none() {
            blank_code(&mut chars);
        }
        for phrase in &self.unless {
            let phrase = lower(phrase);
            for at in 0..chars.len() {
                if let Some(end) = ends(&chars, at, &phrase) {
                    chars[at..end].fill(' ');
                }
            }
        }
        let mut out = Vec::new();
        for word in &self.words {
            let pattern = lower(word);
            for at in 0..chars.len() {
                if let Some(end) = ends(&chars, at, &pattern) {
                    let found: String = chars[at..end].iter().collect();
                    let line = 1 + chars[..at].iter().filter(|c| **c == '\n').count();
                    let place = text.key.clone().unwrap_or_else(|| line.to_string());
                    out.push(format!("{}:{place}: \"{found}\" → {} ({})", text.file, self.instead, self.why));
                }
            }
        }
        out
    }
}

/// In lower case, one character for each, so that positions stay the same.
fn lower(text: &str) -> Vec<char> {
    text.chars().map(|c| c.to_lowercase().next().unwrap_or(c)).collect()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Where a pattern that begins here ends, if it matches whole words.
fn ends(text: &[char], begin: usize, pattern: &[char]) -> Option<usize> {
    let inside = |at: usize| at > 0 && at < text.len() && is_word(text[at - 1]) && is_word(text[at]);
    // A pattern that begins with a digit may match the last digits of a number.
    if inside(begin) && pattern.first() != Some(&'#') {
        return None;
    }
    let mut at = begin;
    for p in pattern {
        let rest = &text[at..];
        let run = |of: &dyn Fn(char) -> bool| rest.iter().take_while(|c| of(**c)).count();
        at += match p {
            '*' => run(&char::is_alphabetic),
            ' ' => Some(run(&char::is_whitespace)).filter(|count| *count > 0)?,
            '#' => rest.first().filter(|c| c.is_ascii_digit()).map(|_| 1)?,
            p => rest.first().filter(|c| *c == p).map(|_| 1)?,
        };
    }
    (at > begin && !inside(at)).then_some(at)
}

/// Blanks out the targets of a page's links.
fn blank_targets(chars: &mut [char]) {
    let mut is_target = false;
    for at in 0..chars.len() {
        if is_target && chars[at] == ')' {
            is_target = false;
        }
        if is_target && chars[at] != '\n' {
            chars[at] = ' ';
        }
        is_target |= at > 0 && chars[at - 1] == ']' && chars[at] == '(';
    }
}

/// Blanks out a page's blocks of code and its `code`.
fn blank_code(chars: &mut [char]) {
    let mut at = 0;
    while at < chars.len() {
        if chars[at] != '`' {
            at += 1;
            continue;
        }
        let ticks = chars[at..].iter().take_while(|c| **c == '`').count();
        let fence: Vec<char> = "`".repeat(ticks).chars().collect();
        let body = at + ticks;
        let end = (body..chars.len()).find(|i| chars[*i..].starts_with(&fence)).map_or(chars.len(), |i| i + ticks);
        for c in &mut chars[at..end] {
            if *c != '\n' {
                *c = ' ';
            }
        }
        at = end;
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// The paths of the catalogues of a language, one for each program.
pub fn catalogues(lang: &str) -> Vec<String> {
    let mut folders = vec![".".to_owned(), "fleet".to_owned()];
    folders.extend(fs::read_dir(root().join("crates")).unwrap().flatten().map(|entry| {
        let name: PathBuf = Path::new("crates").join(entry.file_name());
        name.to_string_lossy().replace('\\', "/")
    }));
    let paths = folders.into_iter().map(|folder| format!("{folder}/assets/locale/{lang}.toml"));
    let mut out: Vec<String> = paths.map(|path| path.trim_start_matches("./").to_owned()).collect();
    out.retain(|path| root().join(path).is_file());
    assert_eq!(out.len(), 2, "the catalogue of each program");
    out
}

/// The texts of a catalogue: key and text.
pub fn entries(path: &str) -> Vec<(String, String)> {
    let tables: toml::Table = read(path).parse().expect("a catalogue");
    let of_table = |(table, words): (&String, &toml::Value)| {
        let words = words.as_table().expect("a table of words").clone();
        let table = table.clone();
        words.into_iter().map(move |(key, text)| (format!("{table}.{key}"), text.as_str().unwrap().to_owned()))
    };
    tables.iter().flat_map(of_table).collect()
}

/// The rules file without what is spoken and the SOP's own notes. Lines keep their numbers.
fn of_rules() -> String {
    let is_ours = |line: &&str| !["say ", "note ", "title "].iter().any(|key| line.starts_with(key));
    read("config/rules.toml")
        .lines()
        .map(|line| Some(line).filter(is_ours).unwrap_or_default().to_owned() + "\n")
        .collect()
}

fn texts(lang: &str) -> Vec<Text> {
    let mut out = Vec::new();
    for file in catalogues(lang) {
        out.extend(entries(&file).into_iter().map(|(key, text)| Text {
            file: file.clone(),
            key: Some(key),
            content: text,
        }));
    }
    if lang == "id" {
        out.push(Text { file: "config/rules.toml".into(), key: None, content: of_rules() });
        let mut files: Vec<String> = ["config/settings.toml", "README.id.md"].map(str::to_owned).to_vec();
        for (folder, begins, ends) in
            [("assets", "scenarios", ".toml"), ("assets", "deck", ".toml"), ("docs", "", ".md")]
        {
            for entry in fs::read_dir(root().join(folder)).unwrap().flatten() {
                let name = entry.file_name().to_string_lossy().into_owned();
                // The manual of the fleet's administrators is English.
                if name.starts_with(begins) && name.ends_with(ends) && name != "fleet.md" {
                    files.push(format!("{folder}/{name}"));
                }
            }
        }
        files.sort();
        out.extend(files.into_iter().map(|file| Text { content: read(&file), file, key: None }));
    }
    out
}

#[test]
fn texts_use_the_words_of_the_glossary() {
    let glossary = Glossary::read();
    let mut faults = Vec::new();
    for lang in ["id", "en"] {
        let texts = texts(lang);
        assert!(texts.len() > 500, "the texts are found");
        for text in &texts {
            faults.extend(glossary.entries(lang).iter().flat_map(|entry| entry.faults(text)));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn a_pattern_finds_whole_words_with_any_ending() {
    let found = |pattern: &str, text: &str| {
        let (text, pattern) = (lower(text), lower(pattern));
        (0..text.len()).find_map(|at| ends(&text, at, &pattern).map(|end| text[at..end].iter().collect::<String>()))
    };
    assert_eq!(found("fakta*", "Daftar Faktanya."), Some("faktanya".into()));
    assert_eq!(found("meja", "di meja-meja"), Some("meja".into()));
    assert_eq!(found("meja", "mejanya"), None);
    assert_eq!(found("is no", "it is\n no file"), Some("is\n no".into()));
    assert_eq!(found("# %", "33 %"), Some("3 %".into()));
    assert_eq!(found("##:##", "pukul 10:30,"), Some("10:30".into()));
    assert_eq!(found("##:##", "pukul 10.30"), None);
}

#[test]
fn a_fault_names_file_place_word_and_replacement() {
    let entry: Entry =
        toml::from_str("words = [\"situs\"]\nuse = \"site\"\nwhy = \"a website\"\nunless = [\"situs PLN\"]\n").unwrap();
    let text = Text { file: "docs/x.md".into(), key: None, content: "Situs PLN\n[Setiap](situs.md) situs".into() };
    assert_eq!(entry.faults(&text), ["docs/x.md:2: \"situs\" → site (a website)"]);
    let code: Entry = toml::from_str("words = [\"##:##\"]\nuse = \"14.57\"\nwhy = \"EYD\"\ncode = false\n").unwrap();
    let text = Text { file: "docs/x.md".into(), key: None, content: "`--at 14:58`\n```sh\n14:58\n```\n14:58".into() };
    assert_eq!(code.faults(&text).len(), 1);
}
