//! The key of a broadcast: its kind, and which seats it is for.

use std::fmt;
use std::str::FromStr;

use super::name::Name;

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Every seat.
    Center,
    /// Every site of a region.
    Region(Name),
    Site(Name),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// `klb.center`, `klb.region.<r>`, `klb.site.<s>`.
    Klb(Scope),
    /// `rules.active`.
    Rules,
    /// `trust.active`: whose signatures count, signed by the fleet's authority.
    Trust,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseKeyError;

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Center => f.write_str("center"),
            Self::Region(name) => write!(f, "region.{name}"),
            Self::Site(name) => write!(f, "site.{name}"),
        }
    }
}

impl FromStr for Scope {
    type Err = ParseKeyError;

    fn from_str(text: &str) -> Result<Self, ParseKeyError> {
        let name = |text| Name::parse(text).ok_or(ParseKeyError);
        match text.split_once('.') {
            None if text == "center" => Ok(Self::Center),
            Some(("region", region)) => Ok(Self::Region(name(region)?)),
            Some(("site", site)) => Ok(Self::Site(name(site)?)),
            _ => Err(ParseKeyError),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Klb(scope) => write!(f, "klb.{scope}"),
            Self::Rules => f.write_str("rules.active"),
            Self::Trust => f.write_str("trust.active"),
        }
    }
}

impl FromStr for Key {
    type Err = ParseKeyError;

    fn from_str(text: &str) -> Result<Self, ParseKeyError> {
        match text.split_once('.') {
            Some(("klb", scope)) => Ok(Self::Klb(scope.parse()?)),
            Some(("rules", "active")) => Ok(Self::Rules),
            Some(("trust", "active")) => Ok(Self::Trust),
            _ => Err(ParseKeyError),
        }
    }
}

impl Key {
    /// The keys that are for a seat of this site.
    pub fn of_seat(site: &Name, region: &Name) -> [Self; 5] {
        let (region, site) = (Scope::Region(region.clone()), Scope::Site(site.clone()));
        [Self::Klb(Scope::Center), Self::Klb(region), Self::Klb(site), Self::Rules, Self::Trust]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_survives_formatting_and_parsing() {
        let jkt = || Name::parse("jkt").unwrap();
        for (key, text) in [
            (Key::Klb(Scope::Center), "klb.center"),
            (Key::Klb(Scope::Region(jkt())), "klb.region.jkt"),
            (Key::Klb(Scope::Site(jkt())), "klb.site.jkt"),
            (Key::Rules, "rules.active"),
            (Key::Trust, "trust.active"),
        ] {
            assert_eq!((key.to_string().as_str(), text.parse()), (text, Ok(key)));
        }
        for bad in [
            "",
            "klb",
            "klb.",
            "klb.center.x",
            "klb.region",
            "klb.region.",
            "klb.site.a.b",
            "rules",
            "rules.old",
            "trust.x",
        ] {
            assert_eq!(bad.parse::<Key>(), Err(ParseKeyError), "{bad}");
        }
    }
}
