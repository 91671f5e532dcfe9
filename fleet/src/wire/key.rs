//! What a broadcast is about, and for whom: the key it lies under.

use std::fmt;
use std::str::FromStr;

use super::name::Name;

/// For whom a broadcast is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Everybody.
    Center,
    /// The sites of a region.
    Region(Name),
    /// A site.
    Site(Name),
}

/// The key of a broadcast.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// KLB of a scope: `klb.center`, `klb.region.<r>`, `klb.site.<s>`.
    Klb(Scope),
    /// The rules of everybody: `rules.active`.
    Rules,
}

/// The text is no key or scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoKey;

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
    type Err = NoKey;

    fn from_str(text: &str) -> Result<Self, NoKey> {
        let name = |text| Name::parse(text).ok_or(NoKey);
        match text.split_once('.') {
            None if text == "center" => Ok(Self::Center),
            Some(("region", region)) => Ok(Self::Region(name(region)?)),
            Some(("site", site)) => Ok(Self::Site(name(site)?)),
            _ => Err(NoKey),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Klb(scope) => write!(f, "klb.{scope}"),
            Self::Rules => f.write_str("rules.active"),
        }
    }
}

impl FromStr for Key {
    type Err = NoKey;

    fn from_str(text: &str) -> Result<Self, NoKey> {
        match text.split_once('.') {
            Some(("klb", scope)) => Ok(Self::Klb(scope.parse()?)),
            Some(("rules", "active")) => Ok(Self::Rules),
            _ => Err(NoKey),
        }
    }
}

impl Key {
    /// The keys that a seat of this site hears.
    #[must_use]
    pub fn of_seat(site: &Name, region: &Name) -> [Self; 4] {
        let (region, site) = (Scope::Region(region.clone()), Scope::Site(site.clone()));
        [Self::Klb(Scope::Center), Self::Klb(region), Self::Klb(site), Self::Rules]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_read_as_it_is_written() {
        let jkt = || Name::parse("jkt").unwrap();
        for (key, text) in [
            (Key::Klb(Scope::Center), "klb.center"),
            (Key::Klb(Scope::Region(jkt())), "klb.region.jkt"),
            (Key::Klb(Scope::Site(jkt())), "klb.site.jkt"),
            (Key::Rules, "rules.active"),
        ] {
            assert_eq!((key.to_string().as_str(), text.parse()), (text, Ok(key)));
        }
        for bad in
            ["", "klb", "klb.", "klb.center.x", "klb.region", "klb.region.", "klb.site.a.b", "rules", "rules.old"]
        {
            assert_eq!(bad.parse::<Key>(), Err(NoKey), "{bad}");
        }
    }
}
