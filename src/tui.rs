//! The prompter on a terminal. Only this module uses ratatui, and only `terminal` writes escape codes.

pub mod offscreen;
pub mod practice;
pub mod prompter;
pub mod terminal;
pub mod theme;
mod tty;
pub mod view;
