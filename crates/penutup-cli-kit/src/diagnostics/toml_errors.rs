//! TOML's syntax errors in the user's language. The parser has no error kinds, so its English descriptions of common
//! mistakes are matched as a whole. Any other error, including one that a later version of the parser words
//! differently, is described in general words, never in English.

use crate::words::Toml;

/// What is wrong with the TOML; `is_nothing` if the parser points between two characters.
pub(super) fn detail(english: &str, is_nothing: bool, w: &Toml) -> &'static str {
    match english.split(", expected").next().unwrap_or(english) {
        "duplicate key" => w.duplicate_key,
        "string values must be quoted" if is_nothing => w.no_value,
        "string values must be quoted" => w.quotes,
        "missing escaped value" | "too few unicode value digits" => w.escape,
        "key with no value" => w.no_equals,
        "missing comma between array elements" | "missing comma between key-value pairs" => w.missing_comma,
        "unclosed array" => w.unclosed_array,
        "unclosed inline table" => w.unclosed_table,
        "unclosed table" | "unclosed array table" | "invalid table" => w.header,
        "invalid boolean" => w.boolean,
        "invalid date" | "invalid time" | "invalid datetime" => w.date,
        "invalid basic string" | "invalid literal string" => w.string,
        "extra comma in array" => w.extra_comma,
        "unexpected key or value" => w.unexpected,
        "cannot recurse further; max recursion depth met" => w.too_deep,
        _ => w.other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Lang;

    #[test]
    fn the_parsers_errors_for_common_mistakes_are_known() {
        let words = &Lang::Id.words().toml;
        for (source, expected) in [
            ("a = 1\na = 2", words.duplicate_key),
            ("a =\n", words.no_value),
            ("a = Terima kasih", words.quotes),
            ("a = \"C:\\dir\"", words.escape),
            ("a\n", words.no_equals),
            ("a = [\"b\" \"c\"]", words.missing_comma),
            ("a = [1,", words.unclosed_array),
            ("a = { b = 1", words.unclosed_table),
            ("[a\nb = 1", words.header),
            ("[[a]\nb = 1", words.header),
            ("a = True", words.boolean),
            ("a = 2021-02-30", words.date),
            ("a = 25:00:00", words.date),
            ("a = \"b\n", words.string),
            ("a = 'b\n", words.string),
            ("a = [1,,2]", words.extra_comma),
            ("a = \"b\" c", words.unexpected),
            (&format!("a = {}", "[".repeat(200)), words.too_deep),
            ("a = 007", words.other),
        ] {
            let (_, errors) = toml::de::DeTable::parse_recoverable(source);
            let details: Vec<&str> = errors
                .iter()
                .map(|error| detail(error.message(), error.span().is_none_or(|span| span.is_empty()), words))
                .collect();
            assert!(details.contains(&expected), "{source}: {details:?}");
        }
    }
}
