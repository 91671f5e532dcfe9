//! What the programs need of the machine: the platform's folders, files that are the user's alone, reasons of errors that
//! the system has no kind for, a mailbox between two threads that never fills up, and the end of a thread.
//!
//! The crate knows no rules, no language of messages and no terminal.
//!
//! # Example
//! ```
//! use std::io::Write as _;
//!
//! // On Unix the folder is made with mode 0700 and the file with 0600, whatever the umask.
//! let folder = tempfile::tempdir()?.path().join("state");
//! penutup_system::own_files::make_folder(&folder)?;
//! let mut file = penutup_system::own_files::options().append(true).create(true).open(folder.join("log"))?;
//! file.write_all(b"started\n")?;
//! # Ok::<(), std::io::Error>(())
//! ```

pub mod error;
pub mod folders;
pub mod mailbox;
pub mod own_files;
pub mod thread;
