//! What both programs need of a command line: clap's help and errors in the user's language, the texts of that language,
//! settings and other files, descriptions of problems, and the pages of `check`, `diff` and `report`.
//!
//! Everything here returns text or data; a program prints it. The crate must not know a terminal UI: no screen, no key,
//! no event loop. It asks a stream only for its width and whether it understands styles ([`stream`]).
//!
//! # Example
//! ```
//! use chrono::NaiveDate;
//! use penutup_cli_kit::diagnostics::{Source, draw::Canvas};
//! use penutup_cli_kit::{check, words::Lang};
//!
//! let file = b"schema = 2";
//! let report = penutup_rules::check(file, NaiveDate::MAX);
//! let source = Source::new("rules.toml", file);
//! let text = check::text(&report, &source, false, Lang::En.words(), Canvas::PLAIN);
//! assert!(text.contains("rules.toml:1:10"));
//! ```

pub mod arg_error;
pub mod build_info;
pub mod check;
pub mod clap_errors;
pub mod clock;
pub mod diagnostics;
pub mod diff;
pub mod env;
pub mod files;
pub mod format;
pub mod klb;
pub mod localize;
pub mod moment;
pub mod page;
pub mod report;
pub mod settings;
pub mod stream;
pub mod times;
pub mod words;
pub mod wrap;

use penutup_journal as journal;
use penutup_rules::{self as rules, closing, declaration, loaded};
