//! Every word a user reads stands in the catalogues, in both languages, and in no source.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The crates: the prompter, the fleet.
const CRATES: [&str; 2] = ["", "fleet"];

fn root(of: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(of)
}

/// A crate's catalogue: table.key → words.
fn catalogue(of: &str, lang: &str) -> BTreeMap<String, String> {
    let text = fs::read_to_string(root(of).join(format!("assets/locale/{lang}.toml"))).expect("the catalogue");
    let table: toml::Table = text.parse().expect("TOML");
    let mut out = BTreeMap::new();
    for (name, words) in table {
        for (key, text) in words.as_table().expect("a table") {
            out.insert(format!("{name}.{key}"), text.as_str().expect("a text").to_owned());
        }
    }
    out
}

/// A source's name among those of all crates.
fn below(of: &str, file: &str) -> String {
    if of.is_empty() { file.to_owned() } else { format!("{of}/{file}") }
}

/// The names in single braces.
fn placeholders(words: &str) -> BTreeSet<&str> {
    words.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(name, _)| name).collect()
}

/// A crate's sources, each with its path below `src`.
fn sources(of: &str) -> Vec<(String, String)> {
    let src = root(of).join("src");
    let mut folders = vec![src.clone()];
    let mut out = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let path: PathBuf = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let name = path.strip_prefix(&src).expect("below").to_string_lossy().replace('\\', "/");
                out.push((name, fs::read_to_string(&path).expect("a source")));
            }
        }
    }
    assert!(out.len() > 60, "the sources are there");
    out
}

#[test]
fn both_languages_have_the_same_words_and_placeholders() {
    for (of, least) in CRATES.into_iter().zip([500, 100]) {
        let (id, en) = (catalogue(of, "id"), catalogue(of, "en"));
        assert!(id.len() > least);
        assert_eq!(id.keys().collect::<Vec<_>>(), en.keys().collect::<Vec<_>>());
        for (key, words) in &id {
            assert_eq!(placeholders(words), placeholders(&en[key]), "{key}");
            assert!(!words.trim().is_empty() && !en[key].trim().is_empty(), "{key} says something");
        }
    }
}

/// A word that nothing shows is a word that nobody keeps right.
#[test]
fn every_word_is_shown_somewhere() {
    for of in CRATES {
        let code: String = sources(of).into_iter().map(|(_, text)| text).collect();
        let named: BTreeSet<&str> = code.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        let is_unused = |key: &String| !named.contains(key.split_once('.').expect("a key").1);
        let unused: Vec<String> = catalogue(of, "id").into_keys().filter(is_unused).collect();
        assert_eq!(unused, [""; 0]);
    }
}

// ── No word in the code ───────────────────────────────────────────────────────────────────────────────────────────────

/// A text in quotes, and the calls that it stands in, the outermost first.
#[derive(Debug)]
struct Quoted {
    line: usize,
    calls: Vec<String>,
    text: String,
}

/// Reads a source as the compiler does: what is in comments is none of it, a text over several lines is one.
struct Reader<'s> {
    rest: std::iter::Peekable<std::str::Chars<'s>>,
    line: usize,
    /// The code since the last bracket, without its texts.
    code: String,
    calls: Vec<String>,
    found: Vec<Quoted>,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.rest.next();
        self.line += usize::from(c == Some('\n'));
        c
    }

    fn ahead(&self, text: &str) -> bool {
        let mut rest = self.rest.clone();
        text.chars().all(|c| rest.next() == Some(c))
    }

    /// Up to and with this end.
    fn skip_to(&mut self, end: &str) {
        while !self.ahead(end) && self.next().is_some() {}
        end.chars().for_each(|_| _ = self.next());
    }

    /// What stands before the present place and belongs to one name.
    fn name(&self) -> String {
        let is_name = |c: &char| c.is_alphanumeric() || matches!(c, '_' | '!');
        let name: Vec<char> = self.code.trim_end().chars().rev().take_while(is_name).collect();
        name.into_iter().rev().collect()
    }

    /// A text in quotes, its opening quote read; `hashes`: as many as a raw text has, `None`: it has escapes.
    fn text(&mut self, hashes: Option<usize>) {
        let (line, mut text) = (self.line, String::new());
        let end = format!("\"{}", "#".repeat(hashes.unwrap_or(0)));
        while !self.ahead(&end) {
            match self.next() {
                Some('\\') if hashes.is_none() => {
                    // At a line's end, the next line's indent is none of the text.
                    if self.next() == Some('\n') {
                        while self.rest.peek().is_some_and(|c| c.is_whitespace()) {
                            self.next();
                        }
                    } else {
                        text.push(';');
                    }
                }
                Some(c) => text.push(c),
                None => return,
            }
        }
        self.skip_to(&end);
        self.found.push(Quoted { line, calls: self.calls.clone(), text });
        self.code.push_str("\"\"");
    }

    fn read(mut self) -> Vec<Quoted> {
        while let Some(c) = self.next() {
            match c {
                '/' if self.ahead("/") => self.skip_to("\n"),
                '/' if self.ahead("*") => self.skip_to("*/"),
                // A character, not a lifetime.
                '\'' if self.ahead("\\") => {
                    self.next();
                    self.next();
                    self.skip_to("'");
                }
                '\'' if self.rest.clone().nth(1) == Some('\'') => self.skip_to("'"),
                '"' => self.text(None),
                'r' if matches!(self.name().as_str(), "" | "b") && (self.ahead("\"") || self.ahead("#")) => {
                    let hashes = self.rest.clone().take_while(|c| *c == '#').count();
                    self.skip_to("\"");
                    self.text(Some(hashes));
                }
                '(' | '[' | '{' => {
                    let name = self.name();
                    self.calls.push(if c == '(' { name } else { String::new() });
                    self.code.clear();
                }
                ')' | ']' | '}' => {
                    self.calls.pop();
                    self.code.push(c);
                }
                c => self.code.push(c),
            }
        }
        self.found
    }
}

fn quoted(source: &str) -> Vec<Quoted> {
    let rest = source.chars().peekable();
    Reader { rest, line: 1, code: String::new(), calls: Vec::new(), found: Vec::new() }.read()
}

/// What developers, the compiler or clap are told by these calls, no user is.
const FOR_DEVELOPERS: [&str; 16] = [
    "expect",
    "expect_err",
    "panic!",
    "unreachable!",
    "assert!",
    "assert_eq!",
    "debug_assert!",
    "debug_assert_eq!",
    "debug_struct",
    "debug_tuple",
    "field",
    "cfg",
    "cfg_attr",
    "cfg!",
    "env!",
    "serde",
];

/// The languages' own words.
struct Vocabulary {
    indonesian: BTreeSet<String>,
    all: BTreeSet<String>,
    placeholders: BTreeSet<String>,
}

impl Vocabulary {
    fn new(of: &str) -> Self {
        let words_of = |lang| -> BTreeSet<String> {
            let words = catalogue(of, lang);
            let all = words.values().flat_map(|text| text.split(|c: char| !c.is_alphabetic()));
            all.filter(|word| word.len() > 2).map(str::to_lowercase).collect()
        };
        let (id, en) = (words_of("id"), words_of("en"));
        let words = catalogue(of, "id");
        let placeholders = words.values().flat_map(|text| placeholders(text)).map(str::to_owned).collect();
        Self { indonesian: id.difference(&en).cloned().collect(), all: id.union(&en).cloned().collect(), placeholders }
    }

    /// Whether it is the name of a placeholder, in a pair with what is filled in.
    fn is_placeholder(&self, quoted: &Quoted) -> bool {
        quoted.calls.last().is_some_and(String::is_empty) && self.placeholders.contains(&quoted.text)
    }

    /// Whether a user would read a text as words. `draws`: it stands where screens are made, so that also a single
    /// English word of the catalogue is one.
    fn is_read(&self, text: &str, draws: bool) -> bool {
        let words = || text.split(|c: char| !c.is_alphabetic()).filter(|w| w.len() > 2).map(str::to_lowercase);
        is_phrase(text)
            || is_capital(text)
            || words().any(|word| self.indonesian.contains(&word))
            || draws && is_word(text.trim()) && words().any(|word| self.all.contains(&word))
    }
}

/// Letters, and what stands beside a word in a sentence.
fn is_word(word: &str) -> bool {
    let word = word.trim_matches([',', '.', ':', ';', '!', '?', '(', ')', '"']);
    word.chars().count() > 1 && word.chars().all(char::is_alphabetic)
}

/// Words side by side, nothing but a blank between them; what is filled in is one, too, where the other is not.
fn is_phrase(text: &str) -> bool {
    let words: Vec<&str> = text.split(' ').collect();
    let filled = |word: &str| word.starts_with('{') && word.trim_end_matches([',', '.', ':', '?']).ends_with('}');
    words.windows(2).any(|pair| match (is_word(pair[0]), is_word(pair[1])) {
        (true, true) => true,
        (true, false) => filled(pair[1]),
        (false, true) => filled(pair[0]),
        (false, false) => false,
    })
}

/// A word with a capital: what begins a sentence or a label.
fn is_capital(text: &str) -> bool {
    let mut chars = text.trim().chars();
    let first = chars.next().is_some_and(char::is_uppercase);
    let rest = |c: char| c.is_lowercase() || c.is_ascii_punctuation() || c == ' ';
    first && chars.clone().any(char::is_lowercase) && chars.all(rest)
}

/// A command as it is typed in a shell.
fn is_command(text: &str) -> bool {
    text.starts_with("penutup ")
}

/// What the database is told, in the journal's files.
fn is_sql(file: &str, text: &str) -> bool {
    let words = ["SELECT", "FROM", "INSERT", "UPDATE", "DELETE", "CREATE", "ORDER", "start_ms", "NULL"];
    let rooms = ["journal/", "fleet/agent/ledger.rs", "fleet/database", "fleet/report.rs"];
    let is_room = rooms.iter().any(|room| file.starts_with(room));
    is_room && text.split([' ', '\n', ',']).any(|word| words.contains(&&*word.to_uppercase()) || word == "start_ms")
}

/// What is written for other programs to read: the server's configuration, the system's units.
fn is_written(file: &str) -> bool {
    ["fleet/provision/server.rs", "fleet/provision/units.rs"].contains(&file)
}

/// Texts that stand in a source all the same: where, which, and why.
const ALLOWED: &[(&str, &[&str], &str)] = &[
    ("keymap.rs", &["Ctrl-{}", "Del", "Home", "End", "PgUp", "PgDn"], "what is printed on the key"),
    ("tell.rs", &["always, never, exactly_one, order, last"], "keys of the rules file"),
    ("rules/shape.rs", &["unclosed array", "unclosed inline", "array table"], "told apart in what the parser says"),
    ("run.rs", &["panic in {name}: {}"], "a line of the log, which developers read"),
    ("journal/writer.rs", &["Message"], "a debug print"),
    ("app/asked.rs", &["FCR"], "a parameter of the score, as rules files name it"),
    ("action/phone.rs", &["End"], "a debug print"),
    (
        "tell/outside.rs",
        &["not a regular file", "another user could change it"],
        "errors that outside.rs tells in our words",
    ),
    (
        "rules/space/budget.rs",
        &["the cubes overlap in too many ways to take apart"],
        "an error that is told in our words",
    ),
    ("cli/init.rs", &["S:\\penutup"], "a folder"),
    ("cli/pairs.rs", &["Budi", "zona"], "what is typed: a name of an example, a key that is none"),
    ("files/practice.rs", &["toml.rusak"], "a file's name"),
    ("files/shift.rs", &["toml.rusak"], "a file's name"),
    ("fleet/secret.rs", &["Seed"], "a debug print"),
    ("fleet/agent/ledger.rs", &[".rusak-{}"], "a file's name"),
    ("fleet/provision/programs.rs", &["# Written by penutup-fleet provision.;{text}"], "a comment in a written file"),
    (
        "fleet/wire/name.rs",
        &["1 to 32 of a–z, 0–9 and -, not beginning with -"],
        "what was expected, within the parser's own sentence",
    ),
    ("plain/listen.rs", &["input"], "a thread's name"),
    ("tui/terminal.rs", &["TERM"], "a variable of the environment"),
    ("journal/spill.rs", &["rusak"], "a file's name"),
    ("journal/aside.rs", &["{stem}-rusak-{time}{again}{end}", "{}-rusak-"], "a file's name"),
    (
        "closing/ending.rs",
        &[
            "lengkap",
            "pelanggan-menutup",
            "dialihkan",
            "hening",
            "terputus",
            "tidak-disampaikan",
            "ditinggalkan",
            "panggilan-berikutnya",
            "aplikasi-tertutup",
        ],
        "ids of the journal and of its exports",
    ),
    ("drill/grade.rs", &["kasus", "naskah", "lisan", "tepat", "berubah", "terlewat"], "ids of result sheets"),
    ("drill/items.rs", &["situasi", "jam {:02}:{:02}", "zona {}"], "ids of what a trainee has learnt"),
    ("drill/story.rs", &["tempat"], "a placeholder of the stories' file"),
    ("tui/view/header.rs", &["belum-tahu", "D {}"], "a value's id; a key"),
    ("tui/view/script.rs", &["No. "], "how the SOP writes its clauses"),
];

/// The words in a source that a user would read.
fn told(vocabulary: &Vocabulary, file: &str, source: &str) -> Vec<String> {
    let before_tests = source.split("\n#[cfg(test)]\n").next().unwrap_or_default();
    let draws = ["tui/", "plain/", "pages/", "app/", "keymap"].iter().any(|room| file.starts_with(room));
    let allowed = |text: &str| ALLOWED.iter().any(|(of, texts, _)| *of == file && texts.contains(&text));
    quoted(before_tests)
        .into_iter()
        .filter(|q| !q.calls.iter().any(|call| FOR_DEVELOPERS.contains(&call.as_str())))
        .filter(|q| vocabulary.is_read(&q.text, draws))
        .filter(|q| !vocabulary.is_placeholder(q))
        .filter(|q| !is_command(&q.text) && !is_sql(file, &q.text) && !is_written(file) && !allowed(&q.text))
        .map(|q| format!("{file}:{}: {:?}", q.line, q.text))
        .collect()
}

#[test]
fn no_word_that_a_user_reads_stands_in_a_source() {
    let mut told = Vec::new();
    for of in CRATES {
        let vocabulary = Vocabulary::new(of);
        // The parser's own English sentences, which that file turns into ours.
        let ours = sources(of).into_iter().filter(|(file, _)| file != "tell/toml_words.rs");
        told.extend(ours.flat_map(|(file, source)| self::told(&vocabulary, &below(of, &file), &source)));
    }
    assert!(told.is_empty(), "these belong in assets/locale:\n{}", told.join("\n"));
}

/// What was tried to get past it.
#[test]
fn no_word_gets_past_it() {
    let vocabulary = Vocabulary::new(CRATES[0]);
    for sneaked in [
        r#"self.tell("Simpan dulu");"#,
        r#"look.span("kembali", Role::Text);"#,
        r#"look.span("quit", Role::Text);"#,
        r#"let label = "Quit";"#,
        r#"format!("{count} panggilan")"#,
        r#"format!("{} calls", n)"#,
        r#"Row::new(&[Key::Char('"')], Action::Said, "sudah")"#,
        "let text = \"first \\\n            second\";",
        "r#\"two words\"#",
        "assert!(is_sound); self.say(\"two words\".into());",
        "/* \" */ let text = \"two words\";",
        "// \"\nlet text = \"two words\";",
        "let (c, text) = ('\"', \"two words\");",
        "let (c, text) = ('\\'', \"two words\");",
        "if x { panic!(\"told a developer\") } else { say(\"told one user\") }",
    ] {
        let found = told(&vocabulary, "tui/view/x.rs", sneaked);
        assert_eq!(found.len(), 1, "{sneaked}: {found:?}");
    }
    for harmless in [
        r#"table.get("rules")"#,
        r#"fill(words.ended, &[("ending", ending), ("undo", undo)])"#,
        r#"let id = value.expect("what was checked before");"#,
        r#"#[cfg_attr(not(unix), expect(dead_code, reason = "only Unix ends programs by signal"))]"#,
        "/// \"Two words\"\n// say(\"two words\")\n/* say(\"two words\") */",
        r#"write!(out, "{what}{}  {path}{note}", pad)"#,
        r#"fn of<'a>(text: &'a str) -> &'a str { "{}-{}" }"#,
        "#[cfg(test)]\nmod tests { fn t() { say(\"two words\") } }",
        r#"let verb = "penutup check";"#,
    ] {
        let source = format!("\n{harmless}");
        assert_eq!(told(&vocabulary, "cli/x.rs", &source), [""; 0], "{harmless}");
    }
}
