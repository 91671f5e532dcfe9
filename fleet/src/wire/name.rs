//! The name of a site, region, seat or supervisor: safe in subjects, file names and unit names.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

pub const MAX_NAME: usize = 32;

/// Lower-case letters, digits and hyphens, starting with a letter or digit; at most [`MAX_NAME`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(String);

impl Name {
    pub fn parse(text: &str) -> Option<Self> {
        let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let fits = (1..=MAX_NAME).contains(&text.len()) && text.bytes().all(|b| is_plain(b) || b == b'-');
        (fits && text.bytes().next().is_some_and(is_plain)).then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let expected = "1 to 32 of a–z, 0–9 and -, not beginning with -";
        Self::parse(&text).ok_or_else(|| de::Error::invalid_value(de::Unexpected::Str(&text), &expected))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_restricted_to_safe_characters() {
        for good in ["a", "jkt", "a01", "0-9", &"x".repeat(MAX_NAME)] {
            assert_eq!(Name::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "-a", "A", "a.b", "a*", ">", "a b", "é", "../x", &"x".repeat(MAX_NAME + 1)] {
            assert_eq!(Name::parse(bad), None, "{bad}");
        }
    }
}
