//! Text → a person's name, or why it is not one. Removes what telephones, customer systems and people add to a name:
//! honorifics before it, addresses, unfilled template variables, customer numbers after it.

use crate::text;

/// The words before a name: those that select a choice, and those that are only removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Honorifics {
    /// The aliases of each choice; lower case, no final dot.
    pub choices: Vec<Vec<String>>,
    /// Removed without selecting a choice; written likewise.
    pub dropped: Vec<String>,
}

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
        // "Bpk/Ibu" selects none: the writer did not know either.
        let parts: Option<Vec<Word>> = word.split('/').map(|part| known(part.trim_end_matches('.'))).collect();
        let parts = known(&word).map(|whole| vec![whole]).or(parts)?;
        let same = parts.iter().all(|part| *part == parts[0]);
        Some(if same { parts[0] } else { Word::Dropped })
    }

    /// The choice that the words before a name select, and the name. Unless `complete`, the last word may be the
    /// beginning of a longer one.
    pub fn split<'t>(&self, text: &'t str, complete: bool) -> (Option<usize>, &'t str) {
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
            if behind.is_empty() && !complete && !word.ends_with('.') {
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

#[derive(Clone, PartialEq, Eq)]
pub struct Name {
    /// The choice that the honorific selects.
    pub choice: Option<usize>,
    /// The name as written; empty if there is only an honorific.
    pub text: String,
}

impl std::fmt::Debug for Name {
    /// Omits the name, which is personal data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Name").field("choice", &self.choice).finish_non_exhaustive()
    }
}

/// Why a text is not a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameError {
    Empty,
    /// A placeholder such as "unknown", an address, or an unfilled template variable.
    NoPerson,
    Digits,
}

/// Reads a name from a line. Unless `complete`, a single honorific may be the beginning of a name.
pub fn read(text: &str, honorifics: &Honorifics, complete: bool) -> Result<Name, NameError> {
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
    let trimmed = without_extras(&whole);
    // With a blank after it, the honorific is complete.
    let (choice, name) = honorifics.split(&trimmed, complete || text.ends_with(char::is_whitespace));
    if name.is_empty() && choice.is_some() {
        return Ok(Name { choice, text: String::new() });
    }
    if is_number(name) {
        return Err(NameError::Digits);
    }
    if is_placeholder(name) {
        return Err(NameError::NoPerson);
    }
    Ok(Name { choice, text: name.into() })
}

/// Removes everything but the name and its honorifics.
pub fn without_extras(text: &str) -> String {
    let text = text::fold(&without_variables(text));
    let text = unquoted(&text);
    without_numbers(text).into()
}

/// Fewer digits after a name are part of it ("Umar 2").
const MIN_NUMBER_DIGITS: usize = 6;

/// Labels before a number, removed with it; lower case, one per line.
const LABELS: &str = include_str!("../../../assets/names/labels.txt");

/// Placeholders for a missing name, as telephones, customer systems and people write them; lower case, one per line.
const PLACEHOLDERS: &str = include_str!("../../../assets/names/placeholders.txt");

/// Prefixes of the channel names of telephone systems ("SIP/trunk-00000a").
const CHANNELS: [&str; 12] =
    ["sip", "pjsip", "iax", "iax2", "dahdi", "zap", "local", "sccp", "skinny", "h323", "sofia", "audiosocket"];

fn is_placeholder(name: &str) -> bool {
    if !name.chars().any(char::is_alphabetic) || name.contains(['%', '$', '<', '>', '{', '}', '[', '|', '\\', '=', '@'])
    {
        return true;
    }
    let plain = name.to_lowercase().replace(['_', '-'], " ");
    let plain = text::fold(plain.trim_matches(|c: char| !c.is_alphanumeric()));
    let is_known = |text: &str| PLACEHOLDERS.lines().any(|line| line == text);
    name.starts_with([',', '.', ';', ':', '?', '!']) || is_known(&plain) || plain.split(' ').all(is_known)
}

fn is_channel(text: &str) -> bool {
    text.split_once('/').is_some_and(|(kind, _)| CHANNELS.contains(&kind.to_lowercase().as_str()))
}

/// Whether a text is a number as telephones and people write it.
pub fn is_number(text: &str) -> bool {
    text.chars().any(char::is_numeric)
        && text.chars().all(|c| c.is_numeric() || c.is_whitespace() || "+-()./#*".contains(c))
}

/// Whether a text is the address of a number: `sip:…`, `tel:…`, or digits before an `@`.
fn is_number_address(text: &str) -> bool {
    let lower = text.to_lowercase();
    let scheme = ["sip:", "sips:", "tel:"].iter().any(|scheme| lower.starts_with(scheme));
    scheme || text.split_once('@').is_some_and(|(user, _)| is_number(user))
}

/// Removes addresses and unfilled template variables: angle and curly brackets, `%name%` and `$name`.
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

/// Removes quotation marks around the whole text.
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

/// Removes long numbers before the name, and everything from a long number after it.
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

/// The range of the first number of at least [`MIN_NUMBER_DIGITS`] digits, with single separators between them.
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
            if let Some((start, end, _)) = run.filter(|(.., digits)| *digits >= MIN_NUMBER_DIGITS) {
                return Some((start, end));
            }
            run = None;
        }
    }
    run.filter(|(.., digits)| *digits >= MIN_NUMBER_DIGITS).map(|(start, end, _)| (start, end))
}

/// Removes what preceded a removed number: punctuation, and a label such as "IDPEL".
fn without_label(before: &str) -> &str {
    let mut text = before;
    loop {
        let trimmed = text.trim_end_matches(|c: char| c.is_whitespace() || "-–—,:;/|([#+=*_".contains(c));
        // A dot is part of the word before it ("S.T."), unless it is separate.
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

    fn sop() -> Honorifics {
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
        super::read(text, &sop(), true).map(|name| (name.choice, name.text))
    }

    #[test]
    fn honorifics_are_read_in_every_spelling() {
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
    fn an_incomplete_honorific_may_be_the_beginning_of_a_name() {
        let live = |text| super::read(text, &sop(), false).map(|name| (name.choice, name.text));
        assert_eq!(live("Bu"), Ok((None, "Bu".into())));
        assert_eq!(sop().split("Bu ", false), (Some(2), ""));
        assert_eq!(sop().split("Bu.", false), (Some(2), ""));
        assert_eq!(sop().split("Bu s", false), (Some(2), "s"));
    }

    #[test]
    fn titles_and_punctuation_of_a_name_are_kept() {
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
    fn placeholders_addresses_and_numbers_are_rejected() {
        for text in [
            "NULL",
            "null",
            "null null",
            "[nama]",
            ", boleh bantu?",
            "Pelanggan",
            "tes",
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
        assert_eq!(read("Bapak 081234"), Ok((Some(1), String::new())), "the number is removed, the honorific kept");
    }

    #[test]
    fn additions_to_a_name_are_removed() {
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
