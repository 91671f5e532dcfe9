//! A text → a person's name, or why it is none. What telephones, customer systems and people write beside a name is taken
//! off: honorifics in front, addresses, variables that nobody filled, customer numbers behind. Knows no rules file: how
//! people are addressed comes in as an argument.

use crate::text;

/// How people are addressed: the choices of a field with everything that they are written as, and the words that only
/// stand before a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Honorifics {
    /// For each choice what it is written as, in lower case and without a dot.
    pub choices: Vec<Vec<String>>,
    /// What is dropped and leaves the choice as it was; so written too.
    pub dropped: Vec<String>,
}

/// What a word before a name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Choice(usize),
    Dropped,
}

impl Honorifics {
    fn find(&self, word: &str) -> Option<Word> {
        let word = word.trim_end_matches(['.', ',', ':']).to_lowercase();
        let known = |word: &str| {
            let choice = self.choices.iter().position(|aliases| aliases.iter().any(|alias| alias == word));
            choice.map(Word::Choice).or_else(|| self.dropped.iter().any(|d| d == word).then_some(Word::Dropped))
        };
        if word.is_empty() || !word.contains('/') {
            return known(&word);
        }
        // "Bpk/Ibu": who wrote it did not know either.
        let parts: Option<Vec<Word>> = word.split('/').map(|part| known(part.trim_end_matches('.'))).collect();
        let parts = known(&word).map(|whole| vec![whole]).or(parts)?;
        let same = parts.iter().all(|part| *part == parts[0]);
        Some(if same { parts[0] } else { Word::Dropped })
    }

    /// The choice that the words before a name make, and the name. A word at the very end may be the beginning of a
    /// longer one, until the text is `taken`.
    pub fn split<'t>(&self, text: &'t str, taken: bool) -> (Option<usize>, &'t str) {
        let (mut rest, mut choice) = (text.trim_start(), None);
        while !rest.is_empty() {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            // "Bpk.Budi"
            let dot = rest[..end].find('.').filter(|dot| {
                let letters = rest[dot + 1..end].starts_with(char::is_alphabetic);
                letters && self.find(&rest[..*dot]).is_some()
            });
            let (word, behind) = rest.split_at(dot.map_or(end, |dot| dot + 1));
            let Some(found) = self.find(word) else { break };
            if behind.is_empty() && !taken && !word.ends_with('.') {
                break;
            }
            if let Word::Choice(at) = found {
                choice = choice.or(Some(at));
            }
            rest = behind.trim_start();
        }
        (choice, rest)
    }
}

/// A person as a text names them.
#[derive(Clone, PartialEq, Eq)]
pub struct Name {
    /// The choice of the honorific, where the text has one.
    pub choice: Option<usize>,
    /// The name, its letters as they were written; empty where there is only an honorific.
    pub text: String,
}

impl std::fmt::Debug for Name {
    /// Says nothing of the name: a customer's may be one.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Name").field("choice", &self.choice).finish_non_exhaustive()
    }
}

/// Why a text is no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameError {
    /// Nothing to be read in it.
    Empty,
    /// What is written where nobody is known, an address, or a variable that nobody filled.
    NoPerson,
    /// A number.
    Digits,
}

/// Reads a name from a text on one line. Until it is `taken`, an honorific alone may be the beginning of a name.
///
/// # Errors
/// Why it is none.
pub fn read(text: &str, honorifics: &Honorifics, taken: bool) -> Result<Name, NameError> {
    let whole = text::fold(text);
    if text::is_blank(&whole) {
        return Err(NameError::Empty);
    }
    if is_number(&whole) || is_number_address(&whole) {
        return Err(NameError::Digits);
    }
    if is_channel(&whole) {
        return Err(NameError::NoPerson);
    }
    let tidy = tidy(&whole);
    // A blank behind it, and it is no beginning of a name.
    let (choice, name) = honorifics.split(&tidy, taken || text.ends_with(char::is_whitespace));
    if name.is_empty() && choice.is_some() {
        return Ok(Name { choice, text: String::new() });
    }
    if is_number(name) {
        return Err(NameError::Digits);
    }
    if is_nobody(name) {
        return Err(NameError::NoPerson);
    }
    Ok(Name { choice, text: name.into() })
}

/// The text without what is no part of a name or its honorific.
pub fn tidy(text: &str) -> String {
    let text = text::fold(&without_variables(text));
    let text = unquoted(&text);
    without_numbers(text).into()
}

/// The shortest run of digits behind a name that is a number of its own.
const NUMBER: usize = 6;

/// What stands before a number and goes with it, in lower case, one a line.
const LABELS: &str = include_str!("../../../assets/names/labels.txt");

/// What is written where nobody is known, by telephones, customer systems and people; in lower case, one a line.
const NOBODY: &str = include_str!("../../../assets/names/nobody.txt");

/// How telephone systems call their channels ("SIP/trunk-00000a").
const CHANNELS: [&str; 12] =
    ["sip", "pjsip", "iax", "iax2", "dahdi", "zap", "local", "sccp", "skinny", "h323", "sofia", "audiosocket"];

fn is_nobody(name: &str) -> bool {
    if !name.chars().any(char::is_alphabetic) || name.contains(['%', '$', '<', '>', '{', '}', '|', '\\', '=', '@']) {
        return true;
    }
    let plain = name.to_lowercase().replace(['_', '-'], " ");
    let plain = text::fold(plain.trim_matches(|c: char| !c.is_alphanumeric()));
    NOBODY.lines().any(|line| line == plain)
}

fn is_channel(text: &str) -> bool {
    text.split_once('/').is_some_and(|(kind, _)| CHANNELS.contains(&kind.to_lowercase().as_str()))
}

/// Whether a text is a number, as telephones and people write one.
pub fn is_number(text: &str) -> bool {
    text.chars().any(char::is_numeric)
        && text.chars().all(|c| c.is_numeric() || c.is_whitespace() || "+-()./#*".contains(c))
}

/// Whether a text is the address of a number: `sip:…` or `tel:…` alone, or digits before an `@`.
fn is_number_address(text: &str) -> bool {
    let lower = text.to_lowercase();
    let scheme = ["sip:", "sips:", "tel:"].iter().any(|scheme| lower.starts_with(scheme));
    scheme || text.split_once('@').is_some_and(|(user, _)| is_number(user))
}

/// Without what stands in angle or curly brackets, and without `%name%` and `$name`: addresses, and variables that
/// nobody filled.
fn without_variables(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let behind = &rest[c.len_utf8()..];
        let word = || behind.find(|c: char| !(c.is_alphanumeric() || "_.:-".contains(c))).unwrap_or(behind.len());
        let end = match c {
            '<' => Some(behind.find('>').map_or(behind.len(), |at| at + 1)),
            '{' if behind.starts_with('{') => Some(behind.find("}}").map_or(behind.len(), |at| at + 2)),
            '{' => Some(behind.find('}').map_or(behind.len(), |at| at + 1)),
            '$' | '#' if behind.starts_with('{') => Some(behind.find('}').map_or(behind.len(), |at| at + 1)),
            '%' | '$' if word() > 0 => {
                let word = word();
                Some(if behind[word..].starts_with(c) { word + 1 } else { word })
            }
            _ => None,
        };
        if end.is_none() {
            out.push(c);
        }
        rest = &behind[end.unwrap_or(0)..];
    }
    out
}

/// Without the quotation marks around the whole of it.
fn unquoted(text: &str) -> &str {
    let text = text.trim();
    for (open, close) in [('"', '"'), ('\'', '\''), ('“', '”'), ('„', '“'), ('‘', '’'), ('«', '»'), ('`', '`')]
    {
        let inner = text.strip_prefix(open).and_then(|inner| inner.strip_suffix(close));
        if let Some(inner) = inner.filter(|inner| !inner.contains([open, close])) {
            return inner.trim();
        }
    }
    text
}

/// Without runs of so many digits in front, and from such a run behind the name on.
fn without_numbers(text: &str) -> &str {
    let mut text = text;
    loop {
        let Some((start, end)) = long_number(text) else { return text };
        let before = text[..start].trim_end();
        let has_name = |part: &str| part.chars().any(char::is_alphabetic);
        if has_name(before) {
            return without_label(before);
        }
        if !has_name(&text[end..]) {
            return before;
        }
        text = text[end..].trim_start_matches(|c: char| c.is_whitespace() || "-–—,:;/|)#".contains(c));
    }
}

/// Where the first number of so many digits stands: digits with single separators between them.
fn long_number(text: &str) -> Option<(usize, usize)> {
    let mut run: Option<(usize, usize, usize)> = None;
    let mut separators = 0;
    for (at, c) in text.char_indices() {
        if c.is_numeric() {
            let (start, _, digits) = run.unwrap_or((at, at, 0));
            run = Some((start, at + c.len_utf8(), digits + 1));
            separators = 0;
            continue;
        }
        separators += 1;
        if !" .-/()".contains(c) || separators > 1 {
            if let Some((start, end, _)) = run.filter(|(.., digits)| *digits >= NUMBER) {
                return Some((start, end));
            }
            run = None;
        }
    }
    run.filter(|(.., digits)| *digits >= NUMBER).map(|(start, end, _)| (start, end))
}

/// Without what announced the number that was cut off: marks, and a label such as "IDPEL".
fn without_label(before: &str) -> &str {
    let mut text = before;
    loop {
        let trimmed = text.trim_end_matches(|c: char| c.is_whitespace() || "-–—,:;/|([#+=*_".contains(c));
        // A dot belongs to the word before it ("S.T."), unless it stands alone.
        let trimmed = trimmed.strip_suffix(" .").unwrap_or(trimmed);
        let last = trimmed.rsplit(char::is_whitespace).next().unwrap_or_default();
        let label = last.trim_end_matches('.').to_lowercase();
        let rest = &trimmed[..trimmed.len() - last.len()];
        let shorter = if LABELS.lines().any(|line| line == label) && !rest.trim().is_empty() { rest } else { trimmed };
        if shorter == text {
            return text;
        }
        text = shorter;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn house() -> Honorifics {
        let list = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        Honorifics {
            choices: vec![
                list(&["bapak/ibu"]),
                list(&["pak", "bapak", "bpk", "bp", "tn", "tuan"]),
                list(&["bu", "ibu", "ny", "nyonya", "nn", "nona"]),
            ],
            dropped: list(&["sdr", "sdri", "saudara", "saudari", "mas", "mbak"]),
        }
    }

    fn read(text: &str) -> Result<(Option<usize>, String), NameError> {
        super::read(text, &house(), true).map(|name| (name.choice, name.text))
    }

    #[test]
    fn honorifics_in_front_are_read_in_every_spelling() {
        for (text, choice, name) in [
            ("Bpk. Budi", Some(1), "Budi"),
            ("Bpk.Budi", Some(1), "Budi"),
            ("BP Budi", Some(1), "Budi"),
            ("Tn Budi", Some(1), "Budi"),
            ("tuan. Budi", Some(1), "Budi"),
            ("  PAK  Budi Santoso", Some(1), "Budi Santoso"),
            ("Bu. Siti", Some(2), "Siti"),
            ("Ny. Siti", Some(2), "Siti"),
            ("nyonya Siti", Some(2), "Siti"),
            ("Nn Siti", Some(2), "Siti"),
            ("Nona: Siti", Some(2), "Siti"),
            ("Bapak/Ibu Sari", Some(0), "Sari"),
            ("Ibu/Bapak Sari", None, "Sari"),
            ("Bpk./Ibu Sari", None, "Sari"),
            ("Sdr. Joko", None, "Joko"),
            ("Mbak Rina", None, "Rina"),
            ("Ibu Sdri. Rina", Some(2), "Rina"),
            ("Bapak H. Yusuf", Some(1), "H. Yusuf"),
            ("Ibu", Some(2), ""),
            ("Ibunda Ratu", None, "Ibunda Ratu"),
            ("Pakubuwono", None, "Pakubuwono"),
            ("Masita", None, "Masita"),
            ("Nyoman Bp", None, "Nyoman Bp"),
        ] {
            assert_eq!(read(text), Ok((choice, name.into())), "{text}");
        }
    }

    #[test]
    fn until_it_is_taken_an_honorific_may_be_the_beginning_of_a_name() {
        let live = |text| super::read(text, &house(), false).map(|name| (name.choice, name.text));
        assert_eq!(live("Bu"), Ok((None, "Bu".into())));
        assert_eq!(house().split("Bu ", false), (Some(2), ""));
        assert_eq!(house().split("Bu.", false), (Some(2), ""));
        assert_eq!(house().split("Bu s", false), (Some(2), "s"));
    }

    #[test]
    fn titles_and_marks_that_belong_to_a_name_stay() {
        for name in [
            "H. M. Yusuf",
            "Hj. Siti",
            "Budi Santoso, S.T.",
            "dr. Rina",
            "Prof. Dr. Ir. Budi",
            "O'Neil",
            "O'Brien \"Bob\"",
            "Ni Luh Putu",
            "Umar 2",
            "Siti (Aminah)",
            "T. A. Rahman",
            "أمينة",
            "李明",
            "Anna-Maria",
            "Na",
        ] {
            assert_eq!(read(name), Ok((None, name.into())));
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in [
            "NULL",
            "null",
            "N/A",
            "n.a.",
            "-",
            ".",
            "---",
            "?",
            "unknown",
            "Tidak ada",
            "tidak_ada",
            "Anonymous",
            "Private Number",
            "No Caller ID",
            "%CallerDisplayName%",
            "$caller_name$",
            "$caller_name",
            "${CALLERID(name)}",
            "{{contact.name}}",
            "{nama}",
            "<n>",
            "<unknown>",
            "100%",
            "SIP/trunk-00000a",
            "PJSIP/0812-0000001f",
            "siti@pln.co.id",
            "Bapak NULL",
            "Ibu -",
            "Sdr.",
            "\u{1f600}",
        ] {
            assert_eq!(read(text), Err(NameError::NoPerson), "{text}");
        }
        for text in ["0812345678", "+62 812-345", "٠٨١٢", "sip:0812@x", "tel:+62812", "0812@10.0.0.1"] {
            assert_eq!(read(text), Err(NameError::Digits), "{text}");
        }
        assert_eq!((read(""), read(" \u{200b}")), (Err(NameError::Empty), Err(NameError::Empty)));
        assert_eq!(read("Bapak 081234"), Ok((Some(1), String::new())), "the number goes, the honorific counts");
    }

    #[test]
    fn what_stands_beside_a_name_is_taken_off() {
        for (text, name) in [
            ("\"Siti Aminah\" <sip:0812@x>", "Siti Aminah"),
            ("Siti Aminah <sip:0812@x>", "Siti Aminah"),
            ("“Siti”", "Siti"),
            ("'Siti'", "Siti"),
            ("Siti %LASTNAME%", "Siti"),
            ("Siti ${last}", "Siti"),
            ("Siti Aminah 531100223344", "Siti Aminah"),
            ("Siti Aminah - 531100223344", "Siti Aminah"),
            ("Siti Aminah (531100223344)", "Siti Aminah"),
            ("Siti Aminah 0812-3456-7890", "Siti Aminah"),
            ("Siti Aminah / +62 812 3456", "Siti Aminah"),
            ("Siti Aminah IDPEL: 531100223344 Jakarta", "Siti Aminah"),
            ("Siti Aminah No. Meter 14123456789", "Siti Aminah"),
            ("Budi Santoso, S.T. 531100223344", "Budi Santoso, S.T."),
            ("531100223344 Siti Aminah", "Siti Aminah"),
            ("531100223344 - Siti 531100223344", "Siti"),
            ("Umar 2 x 531100", "Umar 2 x"),
            ("Umar 12345", "Umar 12345"),
        ] {
            assert_eq!(read(text), Ok((None, name.into())), "{text}");
        }
    }
}
