//! Reads a TOML document with spans and reports every wrong or unknown key. Serde would stop at the first problem; a
//! supervisor who corrects a file needs all of them, with suggestions. Independent of what a document means.

use std::borrow::Cow;
use std::cell::RefCell;

use toml::de::{DeTable, DeValue};

use super::limits::{MAX_FILE, MAX_TEXT};
use super::problem::{Expected, Kind, Problem, Span, SyntaxCause};
use super::text::{is_hidden_in_a_text, is_plain, is_utf16, overloaded_letter};

/// A value with its location in the file.
#[derive(Clone, Debug)]
pub struct At<T> {
    pub value: T,
    pub span: Span,
}

/// A key chosen by the file, and its texts.
pub type Condition = (At<String>, At<Vec<At<String>>>);

pub type Problems = RefCell<Vec<Problem>>;

pub fn note(problems: &Problems, span: Span, kind: Kind) {
    problems.borrow_mut().push(Problem::new(span, kind));
}

/// Parses a file and passes the root table to `read`.
///
/// A file that is too large, not UTF-8 or invalid TOML is only reported: further problems would be noise. The parser
/// limits the nesting depth.
pub fn read_document<T>(bytes: &[u8], problems: &Problems, read: impl FnOnce(&Table<'_>) -> T) -> Option<T> {
    let source = text_of(bytes, problems)?;
    let (root, errors) = DeTable::parse_recoverable(source);
    if errors.is_empty() {
        return Some(read_valid(source, root.get_ref(), problems, read));
    }
    note_syntax(&errors, source, problems);
    None
}

/// Like [`read_document`], for a document of independent lines: of invalid TOML, the valid lines are read. Other problems
/// in them are not reported, since they may be consequences.
pub fn read_lines<T>(bytes: &[u8], problems: &Problems, read: impl FnOnce(&Table<'_>) -> T) -> Option<T> {
    let source = text_of(bytes, problems)?;
    let (root, errors) = DeTable::parse_recoverable(source);
    if errors.is_empty() {
        return Some(read_valid(source, root.get_ref(), problems, read));
    }
    // The parser guesses values where it reports an error: skip such lines.
    let broken: Vec<usize> = errors.iter().map(|e| line_at(source, e.span().map_or(0, |span| span.start))).collect();
    note_syntax(&errors, source, problems);
    let (mut valid_lines, mut in_table) = (String::with_capacity(source.len()), true);
    for (at, line) in source.split_inclusive('\n').enumerate() {
        let is_header = line.trim_start().starts_with('[');
        let valid = !broken.contains(&at) && DeTable::parse(line).is_ok();
        if is_header {
            // Lines below an invalid header belong to no known table.
            in_table = valid;
        }
        if valid && in_table {
            valid_lines.push_str(line);
        }
    }
    let (root, _) = DeTable::parse_recoverable(&valid_lines);
    Some(read(&Table::new(Cow::Borrowed(""), 0..0, root.get_ref(), &Problems::default())))
}

fn read_valid<T>(source: &str, root: &DeTable<'_>, problems: &Problems, read: impl FnOnce(&Table<'_>) -> T) -> T {
    let out = read(&Table::new(Cow::Borrowed(""), 0..0, root, problems));
    for problem in problems.borrow_mut().iter_mut() {
        if let Kind::ControlCharacter { code } = problem.kind {
            problem.span = span_of_character(source, problem.span.clone(), code);
        }
    }
    out
}

fn line_at(source: &str, byte: usize) -> usize {
    source.as_bytes()[..byte.min(source.len())].split(|byte| *byte == b'\n').count() - 1
}

fn text_of<'s>(bytes: &'s [u8], problems: &Problems) -> Option<&'s str> {
    if bytes.len() > MAX_FILE {
        note(problems, 0..0, Kind::TooLarge { bytes: bytes.len() });
        return None;
    }
    if is_utf16(bytes) {
        note(problems, 0..0, Kind::Utf16);
        return None;
    }
    match std::str::from_utf8(bytes) {
        Ok(source) => Some(source),
        Err(e) => {
            note(problems, e.valid_up_to()..e.valid_up_to(), Kind::NotUtf8);
            None
        }
    }
}

fn note_syntax(errors: &[toml::de::Error], source: &str, problems: &Problems) {
    let errors = errors.iter().map(|e| (e.span().unwrap_or(0..0), e.message().to_owned())).collect();
    let errors = moved_to_single_brackets(errors, source);
    let (mut before, mut table_end) = (SyntaxCause::Unknown, 0);
    for (span, detail) in without_echoes(errors, source) {
        let cause = syntax_cause(source, span.start);
        // The line that closes a broken text, and the keys under a second `[rule]`, are consequences.
        let is_echo = match before {
            SyntaxCause::LineBreak => cause == SyntaxCause::LineBreak,
            SyntaxCause::SingleBrackets(_) => span.start < table_end,
            _ => false,
        };
        if is_echo {
            continue;
        }
        before = cause;
        table_end = source[span.start..].find("\n[").map_or(source.len(), |next| span.start + next);
        note(problems, span, Kind::Syntax { detail, cause });
    }
}

/// After a `[rule]` among `[[rule]]`, the parser reports every correct one. Moves the error to the single brackets.
fn moved_to_single_brackets(errors: Vec<(Span, String)>, source: &str) -> Vec<(Span, String)> {
    let mut headers: Vec<(Span, String)> = Vec::new();
    let mut at = 0;
    for line in source.split_inclusive('\n') {
        let bare = line.trim();
        if let Some(key) = ROOT_LISTS.iter().find(|key| bare == format!("[{key}]")) {
            let start = at + line.find('[').unwrap_or(0);
            headers.push((start..start + bare.len(), (*key).to_owned()));
        }
        at += line.len();
    }
    let is_at_header = |span: &Span| {
        let start = source[..span.start.min(source.len())].rfind('\n').map_or(0, |at| at + 1);
        let line = source[start..].lines().next().unwrap_or_default().trim();
        headers.iter().any(|(_, key)| line == format!("[{key}]") || line == format!("[[{key}]]"))
    };
    let (echoes, mut rest): (Vec<_>, Vec<_>) = errors.into_iter().partition(|(span, _)| is_at_header(span));
    if !echoes.is_empty() {
        rest.extend(headers.into_iter().map(|(span, _)| (span, String::new())));
    }
    rest
}

/// The span of a character of a text or of its escape; the whole text if neither is found.
fn span_of_character(source: &str, span: Span, code: u32) -> Span {
    let Some(text) = source.get(span.clone()) else { return span };
    let found = char::from_u32(code).and_then(|c| text.find(c).map(|at| (at, c.len_utf8()))).or_else(|| {
        let lower = text.to_ascii_lowercase();
        [format!("\\u{code:04x}"), format!("\\u{code:08x}")]
            .iter()
            .find_map(|escape| lower.find(escape.as_str()).map(|at| (at, escape.len())))
    });
    found.map_or(span.clone(), |(at, len)| span.start + at..span.start + at + len)
}

/// Recognizes a common mistake in the line of a syntax error.
fn syntax_cause(source: &str, byte: usize) -> SyntaxCause {
    let byte = (0..=byte.min(source.len())).rev().find(|at| source.is_char_boundary(*at)).unwrap_or(0);
    let start = source[..byte].rfind('\n').map_or(0, |at| at + 1);
    // An error at the end of a line belongs to that line.
    let line = source[start..].lines().next().unwrap_or_default();
    if line.starts_with("<<<<<<<") || line.starts_with("=======") || line.starts_with(">>>>>>>") {
        return SyntaxCause::ConflictMark;
    }
    let bare = line.trim();
    if let Some(key) = bare.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'))
        && let Some(key) = ROOT_LISTS.iter().find(|list| **list == key.trim())
    {
        return SyntaxCause::SingleBrackets(key);
    }
    let before_comment = line.split('#').next().unwrap_or_default();
    let value = before_comment.split_once('=').map_or(before_comment, |(_, value)| value).trim_start();
    if value
        .trim_start_matches('[')
        .trim_start()
        .starts_with(['\u{201c}', '\u{201d}', '\u{201e}', '\u{2018}', '\u{2019}'])
    {
        return SyntaxCause::CurlyQuotes;
    }
    // Only outside texts, where it is reported as another problem.
    let outside = line.split('"').step_by(2).collect::<String>();
    if let Some(blank) = outside.chars().find(|c| is_hidden_in_a_text(*c, Some('a')) && *c != '\t') {
        return SyntaxCause::HiddenCharacter(blank.into());
    }
    let quotes = line.replace("\\\\", "").replace("\\\"", "").matches('"').count();
    if quotes % 2 == 1 && !line.contains("\"\"\"") {
        return SyntaxCause::LineBreak;
    }
    SyntaxCause::Unknown
}

/// The root keys that are lists of tables, written `[[name]]`.
const ROOT_LISTS: [&str; 7] = ["fact", "field", "zone", "greeting", "step", "rule", "require"];

/// Removes errors caused by an earlier one: keeps the first of each line, and one for an unclosed bracket, after which
/// the parser reports every line to the end of the file.
fn without_echoes(mut errors: Vec<(Span, String)>, source: &str) -> Vec<(Span, String)> {
    errors.sort_by_key(|(span, _)| (span.start, span.end));
    let (mut at, mut line) = (0, 0);
    let mut lines: Vec<usize> = Vec::with_capacity(errors.len());
    for (span, _) in &errors {
        let start = span.start.min(source.len());
        line += source.as_bytes()[at..start].split(|b| *b == b'\n').count() - 1;
        at = start;
        lines.push(line);
    }
    let unclosed = |detail: &str| detail.starts_with("unclosed array") || detail.starts_with("unclosed inline");
    if let Some(end) = errors.iter().rposition(|(_, detail)| unclosed(detail) && !detail.contains("array table")) {
        // The run of consequences may contain empty lines.
        let start = (0..end).rev().take_while(|at| lines[at + 1] - lines[*at] <= 2).last().unwrap_or(end);
        let detail = std::mem::take(&mut errors[end].1);
        errors[start].1 = detail;
        errors.drain(start + 1..=end);
        lines.drain(start + 1..=end);
    }
    let mut last = None;
    let errors = errors.into_iter().zip(lines);
    errors.filter(|(_, line)| last.replace(*line) != Some(*line)).map(|(error, _)| error).collect()
}

/// A table being read. The keys that are requested are its valid keys.
pub struct Table<'t> {
    /// As in the file: `[[rule]]`.
    pub name: Cow<'static, str>,
    pub span: Span,
    map: &'t DeTable<'t>,
    requested: RefCell<Vec<&'static str>>,
    problems: &'t Problems,
}

impl<'t> Table<'t> {
    fn new(name: Cow<'static, str>, span: Span, map: &'t DeTable<'t>, problems: &'t Problems) -> Self {
        Self { name, span, map, requested: RefCell::default(), problems }
    }

    pub fn note(&self, span: Span, kind: Kind) {
        note(self.problems, span, kind);
    }

    /// Records a problem with more than a span.
    pub fn report(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }

    fn get(&self, key: &'static str) -> Option<(&'t DeValue<'t>, Span)> {
        self.requested.borrow_mut().push(key);
        let (_, value) = self.map.iter().find(|(k, _)| k.get_ref() == key)?;
        Some((value.get_ref(), value.span()))
    }

    /// Whether the key is present, whatever its value.
    pub fn has(&self, key: &'static str) -> bool {
        self.get(key).is_some()
    }

    fn missing(&self, key: &'static str) {
        self.note(self.span.clone(), Kind::MissingKey { key, table: self.name.clone().into() });
    }

    fn wrong(&self, key: &str, span: Span, expected: Expected, found: &DeValue<'_>) {
        self.note(span, Kind::WrongType { key: key.into(), expected, found: found.type_str() });
    }

    pub fn text(&self, key: &'static str) -> Option<At<String>> {
        let (value, span) = self.get(key)?;
        self.as_text(key, value, span)
    }

    pub fn required_text(&self, key: &'static str) -> Option<At<String>> {
        let (value, span) = self.get(key).or_else(|| {
            self.missing(key);
            None
        })?;
        self.as_text(key, value, span)
    }

    fn as_text(&self, key: &'static str, value: &DeValue<'_>, span: Span) -> Option<At<String>> {
        let DeValue::String(text) = value else {
            self.wrong(key, span, Expected::Text, value);
            return None;
        };
        if text.chars().nth(MAX_TEXT).is_some() {
            self.note(span, Kind::TooLong { key: key.into(), max: MAX_TEXT });
            return None;
        }
        if is_plain(text) {
            return Some(At { value: text.to_string(), span });
        }
        let mut before = None;
        for c in text.chars() {
            if is_hidden_in_a_text(c, before) {
                self.note(span.clone(), Kind::ControlCharacter { code: c.into() });
                break;
            }
            before = Some(c);
        }
        if overloaded_letter(text).is_some() {
            self.note(span.clone(), Kind::TooManyMarks { key: key.into() });
        }
        Some(At { value: text.to_string(), span })
    }

    pub fn integer(&self, key: &'static str) -> Option<At<i64>> {
        let (value, span) = self.get(key)?;
        let number = match value {
            DeValue::Integer(n) => i64::from_str_radix(n.as_str(), n.radix()).ok(),
            _ => None,
        };
        if number.is_none() {
            self.wrong(key, span.clone(), Expected::Integer, value);
        }
        Some(At { value: number?, span })
    }

    pub fn required_integer(&self, key: &'static str) -> Option<At<i64>> {
        if !self.has(key) {
            self.missing(key);
            return None;
        }
        self.integer(key)
    }

    pub fn boolean(&self, key: &'static str) -> Option<At<bool>> {
        let (value, span) = self.get(key)?;
        let DeValue::Boolean(yes) = value else {
            self.wrong(key, span, Expected::Boolean, value);
            return None;
        };
        Some(At { value: *yes, span })
    }

    /// A TOML date without a time.
    pub fn day(&self, key: &'static str) -> Option<At<chrono::NaiveDate>> {
        let (value, span) = self.get(key)?;
        let day = match value {
            DeValue::Datetime(toml::value::Datetime { date: Some(d), time: None, offset: None }) => {
                chrono::NaiveDate::from_ymd_opt(i32::from(d.year), u32::from(d.month), u32::from(d.day))
            }
            _ => None,
        };
        if day.is_none() {
            self.wrong(key, span.clone(), Expected::Day, value);
        }
        Some(At { value: day?, span })
    }

    pub fn texts(&self, key: &'static str) -> Option<At<Vec<At<String>>>> {
        let (value, span) = self.get(key)?;
        let DeValue::Array(items) = value else {
            self.wrong(key, span, Expected::Texts, value);
            return None;
        };
        let texts = items.iter().filter_map(|i| self.as_text(key, i.get_ref(), i.span())).collect();
        Some(At { value: texts, span })
    }

    pub fn required_texts(&self, key: &'static str) -> Option<At<Vec<At<String>>>> {
        if !self.has(key) {
            self.missing(key);
            return None;
        }
        self.texts(key)
    }

    /// A table with arbitrary keys, each with a text or a list of texts.
    pub fn conditions(&self, key: &'static str) -> Vec<Condition> {
        let Some((value, span)) = self.get(key) else { return Vec::new() };
        let DeValue::Table(map) = value else {
            self.wrong(key, span, Expected::Table, value);
            return Vec::new();
        };
        let mut out = Vec::new();
        for (name, value) in map {
            let span = value.span();
            let texts = match value.get_ref() {
                DeValue::String(_) => self.as_text(key, value.get_ref(), span.clone()).into_iter().collect(),
                DeValue::Array(items) => {
                    items.iter().filter_map(|i| self.as_text(key, i.get_ref(), i.span())).collect()
                }
                other => {
                    self.wrong(name.get_ref(), span, Expected::TextOrTexts, other);
                    continue;
                }
            };
            out.push((At { value: name.get_ref().to_string(), span: name.span() }, At { value: texts, span }));
        }
        out
    }

    /// A table with arbitrary keys, each with a text.
    pub fn named_texts(&self, key: &'static str) -> Vec<(At<String>, At<String>)> {
        let Some((value, span)) = self.get(key) else { return Vec::new() };
        let DeValue::Table(map) = value else {
            self.wrong(key, span, Expected::Table, value);
            return Vec::new();
        };
        let named = map.iter().filter_map(|(name, value)| {
            let text = self.as_text(key, value.get_ref(), value.span())?;
            Some((At { value: name.get_ref().to_string(), span: name.span() }, text))
        });
        named.collect()
    }

    pub fn table<T>(&self, key: &'static str, read: impl FnOnce(&Table<'_>) -> T) -> Option<T> {
        let (value, span) = self.get(key)?;
        let DeValue::Table(map) = value else {
            self.wrong(key, span, Expected::Table, value);
            return None;
        };
        let table = Table::new(Cow::Owned(format!("[{key}]")), span, map, self.problems);
        let out = read(&table);
        table.close();
        Some(out)
    }

    pub fn required_table<T>(&self, key: &'static str, read: impl FnOnce(&Table<'_>) -> T) -> Option<T> {
        if !self.has(key) {
            self.missing(key);
            return None;
        }
        self.table(key, read)
    }

    /// The tables of the list under `key`; empty if the key is missing. `read` returns `None` to skip a table whose
    /// problems it has reported.
    pub fn tables<T>(&self, key: &'static str, mut read: impl FnMut(&Table<'_>) -> Option<T>) -> Vec<T> {
        let Some((value, span)) = self.get(key) else { return Vec::new() };
        let DeValue::Array(items) = value else {
            match (value, ROOT_LISTS.iter().find(|list| **list == key)) {
                (DeValue::Table(_), Some(key)) => self.note(span, Kind::SingleBrackets { key }),
                _ => self.wrong(key, span, Expected::Tables, value),
            }
            return Vec::new();
        };
        let mut out = Vec::new();
        for item in items {
            let DeValue::Table(map) = item.get_ref() else {
                self.wrong(key, item.span(), Expected::Tables, item.get_ref());
                continue;
            };
            let table = Table::new(Cow::Owned(format!("[[{key}]]")), item.span(), map, self.problems);
            out.extend(read(&table));
            table.close();
        }
        out
    }

    /// Like [`Self::tables`], for a list with at least one entry.
    pub fn required_tables<T>(&self, key: &'static str, mut read: impl FnMut(&Table<'_>) -> T) -> Vec<T> {
        let (tables, empty) = self.tables_or_empty(key, |t| Some(read(t)));
        if let Some(span) = empty {
            self.note(span, Kind::TooFew { key, at_least: 1 });
        }
        tables
    }

    /// Like [`Self::tables`], and if the list is empty its span, or `0..0` if the key is missing.
    pub fn tables_or_empty<T>(
        &self,
        key: &'static str,
        read: impl FnMut(&Table<'_>) -> Option<T>,
    ) -> (Vec<T>, Option<Span>) {
        let empty = match self.get(key) {
            None => Some(0..0),
            Some((DeValue::Array(items), span)) if items.is_empty() => Some(span),
            Some(_) => None,
        };
        (self.tables(key, read), empty)
    }

    /// A list whose entries are texts or tables.
    pub fn texts_or_tables<T>(
        &self,
        key: &'static str,
        of_text: impl Fn(At<String>) -> T,
        mut read: impl FnMut(&Table<'_>) -> Option<T>,
    ) -> Option<At<Vec<T>>> {
        let (value, span) = self.get(key)?;
        let DeValue::Array(items) = value else {
            self.wrong(key, span, Expected::Texts, value);
            return None;
        };
        let mut out = Vec::new();
        for item in items {
            if let DeValue::Table(map) = item.get_ref() {
                let table = Table::new(Cow::Owned(format!("[[{key}]]")), item.span(), map, self.problems);
                out.extend(read(&table));
                table.close();
            } else {
                out.extend(self.as_text(key, item.get_ref(), item.span()).map(&of_text));
            }
        }
        Some(At { value: out, span })
    }

    /// Reports every key that was not requested.
    pub fn close(&self) {
        let requested = self.requested.borrow();
        for (key, _) in self.map.iter().filter(|(k, _)| !requested.contains(&k.get_ref().as_ref())) {
            let mut valid = requested.clone();
            valid.sort_unstable();
            valid.dedup();
            let kind = Kind::UnknownKey {
                key: key.get_ref().to_string(),
                table: self.name.clone().into(),
                valid: valid.into_iter().map(String::from).collect(),
            };
            self.note(key.span(), kind);
        }
    }
}
