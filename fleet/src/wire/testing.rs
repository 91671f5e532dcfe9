//! What tests of several rooms need: names, and a declaration as a supervisor writes it.

use penutup::broadcast::{Broadcast, KLB, State};

use super::name::Name;

/// A name.
pub fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

/// The text of a declaration of KLB that names nobody.
pub fn declaration(version: u64, state: State) -> String {
    let klb = Broadcast {
        version,
        fact: KLB.into(),
        state,
        value: None,
        since: "2026-03-02T06:05:00Z".parse().unwrap(),
        until: None,
        by: None,
        why: Some("gangguan".into()),
    };
    klb.to_table().to_string()
}
