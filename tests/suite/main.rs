//! All integration tests in one binary: the verbs, the files, the screen in a real pseudo-terminal.

#[path = "support/accepted.rs"]
mod accepted;
mod app;
mod architecture;
#[cfg(target_os = "linux")]
mod baresip;
mod cli;
#[cfg(target_os = "linux")]
mod clipboard;
mod closing;
mod conduct;
mod corpus;
#[path = "support/disk.rs"]
mod disk;
#[cfg(target_os = "linux")]
#[path = "support/display.rs"]
mod display;
mod documents;
mod drill;
mod encodings;
mod every_key;
mod fields;
mod first;
mod glossary;
#[cfg(target_os = "linux")]
mod hotkeys;
mod journal;
mod near_valid;
#[path = "support/near_valid_rules.rs"]
mod near_valid_rules;
#[cfg(unix)]
mod persistence;
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
#[cfg(target_os = "linux")]
mod twinkle;
#[cfg(target_os = "linux")]
mod typed;
mod upgrade;
mod views;
mod waiting;
mod words;
mod words_page;
