//! Helpers for the tests of several modules.

use penutup_rules::declaration::{Declaration, KLB, State};

use super::name::Name;

pub fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

/// The TOML of a KLB declaration without `by`.
pub fn declaration(version: u64, state: State) -> String {
    let klb = Declaration {
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
