//! The prompter on a terminal: entering and leaving it, keys in, pictures out. Only this room names ratatui, and only
//! `terminal` writes escape codes.

pub mod board;
pub mod input;
pub mod offscreen;
pub mod practice;
pub mod prompter;
pub mod terminal;
pub mod theme;
pub mod view;
