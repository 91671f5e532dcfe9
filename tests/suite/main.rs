//! Every test through the front door, in one binary: the verbs, the files, the screen in a real pseudo-terminal.

mod app;
#[cfg(target_os = "linux")]
mod baresip;
mod cli;
mod closing;
mod corpus;
mod documents;
mod drill;
mod encodings;
mod first;
mod house;
mod journal;
#[cfg(unix)]
mod kept;
mod phone;
mod pictures;
mod plain;
#[path = "support/random_rules.rs"]
mod random_rules;
mod recap;
mod revision;
mod rules_format;
#[path = "support/scenes.rs"]
mod scenes;
mod screens;
#[cfg(unix)]
mod session;
mod sop;
#[path = "support/stage.rs"]
mod stage;
mod support;
mod table_diff;
#[cfg(unix)]
#[path = "support/term.rs"]
mod term;
mod views;
mod words;
