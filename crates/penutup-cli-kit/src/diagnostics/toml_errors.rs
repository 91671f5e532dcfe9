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
        let w = &Lang::Id.words().toml;
        for (source, expected) in [
            ("a = 1\na = 2", w.duplicate_key),
            ("a =\n", w.no_value),
            ("a = Terima kasih", w.quotes),
            ("a = \"C:\\dir\"", w.escape),
            ("a\n", w.no_equals),
            ("a = [\"b\" \"c\"]", w.missing_comma),
            ("a = [1,", w.unclosed_array),
            ("a = { b = 1", w.unclosed_table),
            ("[a\nb = 1", w.header),
            ("[[a]\nb = 1", w.header),
            ("a = True", w.boolean),
            ("a = 2021-02-30", w.date),
            ("a = 25:00:00", w.date),
            ("a = \"b\n", w.string),
            ("a = 'b\n", w.string),
            ("a = [1,,2]", w.extra_comma),
            ("a = \"b\" c", w.unexpected),
            (&format!("a = {}", "[".repeat(200)), w.too_deep),
            ("a = 007", w.other),
        ] {
            let (_, errors) = toml::de::DeTable::parse_recoverable(source);
            let details: Vec<&str> = errors
                .iter()
                .map(|error| detail(error.message(), error.span().is_none_or(|span| span.is_empty()), w))
                .collect();
            assert!(details.contains(&expected), "{source}: {details:?}");
        }
    }
}
