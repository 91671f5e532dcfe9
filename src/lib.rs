//! penutup ("closing"): the exact closing that the SOP has a PLN 123 agent say for *this* call, live in a terminal.

pub mod action;
pub mod app;
pub mod cli;
pub mod clipboard;
pub mod drill;
pub mod event;
pub mod files;
pub mod fleet_agent;
pub mod helper;
pub mod hotkeys;
pub mod input;
pub mod keymap;
pub mod message;
pub mod pages;
pub mod panel;
pub mod plain;
pub mod press;
pub mod private;
pub mod rehearsal;
pub mod run;
pub mod scroll;
pub mod seat;
pub mod softphone;
pub mod start;
pub mod tui;
pub mod watch;

pub use penutup_cli_kit::{clock, diagnostics, settings, times, words, wrap};
pub use penutup_journal as journal;
pub use penutup_rules::{self as rules, closing, declaration, loaded};
