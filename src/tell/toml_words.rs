//! The TOML parser's English in the user's language. What it may say grows with its version; what is not known here is
//! told in general words, never in another language.

use crate::words::Toml;

/// What is wrong with the TOML; `nothing` where the parser points at nothing, between two characters.
pub(super) fn detail(english: &str, nothing: bool, w: &Toml) -> &'static str {
    let about = english.split(", expected").next().unwrap_or(english);
    match about {
        "duplicate key" => w.duplicate_key,
        "carriage return must be followed by newline" => w.line_break,
        "string values must be quoted" if nothing => w.no_value,
        "string values must be quoted" => w.quotes,
        "missing escaped value" | "too few unicode value digits" => w.escape,
        "missing value for key" | "missing value" => w.no_value,
        "key with no value" => w.no_equals,
        "extra `=`" | "unexpected `=` in array" | "extra assignment between key-value pairs" => w.extra_equals,
        "extra comma in array" | "extra comma in inline table" => w.extra_comma,
        "missing comma between array elements" | "missing comma between key-value pairs" => w.missing_comma,
        "unclosed array" | "missing array opening" => w.unclosed_array,
        "unclosed inline table" | "missing inline table opening" => w.unclosed_table,
        "unclosed table" | "unclosed array table" | "invalid table" | "missing table open" => w.header,
        "invalid boolean" => w.boolean,
        "invalid datetime" | "invalid date-time" => w.date,
        "invalid value" => w.value,
        "invalid comment character" | "missing comment start" | "unexpected content between comment and newline" => {
            w.comment
        }
        _ if about.starts_with("cannot extend") => w.extend,
        _ if about.contains("recurs") => w.too_deep,
        _ if about.contains("string") || about.contains("quote") => w.string,
        _ if about.contains("key") => w.key,
        _ if about.contains("date") || about.contains("range") => w.date,
        _ if ["number", "digit", "sign", "radix", "float", "exponent", "fraction", "mantissa", "leading zero"]
            .iter()
            .any(|word| about.contains(word)) =>
        {
            w.number
        }
        _ if about.starts_with("unexpected") => w.unexpected,
        _ => w.other,
    }
}
