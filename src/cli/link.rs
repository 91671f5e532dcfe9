//! `penutup link`: opens the links of web pages in the open prompter, and registers this program for them. Nothing is
//! registered unless the user does it.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::{Context, Status, Stop, VerbOutput, call};
use crate::app::web_link::refusal_line;
use crate::diagnostics::{outside, shown};
use crate::files::shown_path;
use crate::press;
use penutup_ipc::client::{SendError, send};
use penutup_ipc::message::Command;
use penutup_ipc::socket_dir::SocketDir;
use penutup_ipc::web_link::{MAX_LINK, WebLink};

#[cfg(unix)]
#[path = "link/desktop.rs"]
mod system;
#[cfg(windows)]
#[path = "link/registry.rs"]
mod system;

/// `penutup link install|remove|status|open [LINK]`.
#[derive(Args)]
pub struct Link {
    /// What to do.
    #[arg(value_enum, value_name = "TASK", display_order = 1)]
    pub what: What,
    /// The link. More than one word is no link, but must not be taken for options.
    #[arg(value_name = "LINK", trailing_var_arg = true, display_order = 2)]
    pub link: Vec<OsString>,
}

impl std::fmt::Debug for Link {
    /// Omits the link: a customer's name may be in it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("what", &self.what).finish_non_exhaustive()
    }
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// Register this program.
    Install,
    /// Remove the registration.
    Remove,
    /// Tell what is registered.
    Status,
    /// Open a link.
    Open,
}

/// What is registered for the links of this user.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Registered {
    Nothing,
    /// This program, at a path where it may no longer be.
    Ours {
        program: PathBuf,
        is_used: bool,
    },
    /// Something else.
    Foreign(String),
}

/// What `remove` found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Removed {
    Nothing,
    /// The places that are gone, and the lists that no longer have it.
    These {
        gone: Vec<String>,
        lists: Vec<String>,
    },
    /// Something else is at this place, and stays.
    Foreign(String),
}

/// Why it could not be done.
#[derive(Debug)]
pub(super) enum Failure {
    /// The path of this program can't be registered.
    Path,
    /// This place has something of another program.
    Foreign(String),
    /// This place could not be read or written.
    Place(String, io::Error),
    /// There is no home folder.
    #[cfg(unix)]
    NoHome,
    /// This program of the desktop is missing.
    #[cfg(unix)]
    NoTool(&'static str),
    /// This program of the desktop did not do it.
    #[cfg(unix)]
    Tool(&'static str),
}

/// Runs the verb.
///
/// # Errors
/// If the words make no sense, or the registration could not be read or changed.
pub fn run(link: &Link, context: &Context) -> Result<VerbOutput, Stop> {
    let w = &context.words().link;
    match (link.what, link.link.is_empty()) {
        (What::Open, true) => Err(context.stop(w.no_link, None)),
        (What::Open, false) => Ok(open(&link.link, context)),
        (_, false) => Err(context.stop(w.only_open, None)),
        // It registers only programs in a bundle.
        _ if cfg!(target_os = "macos") => Err(context.stop(w.unsupported, None)),
        (What::Install, true) => install(context),
        (What::Remove, true) => remove(context),
        (What::Status, true) => status(context),
    }
}

/// Sends the link to the prompter, which decides what it may do and shows what it may not.
fn open(words: &[OsString], context: &Context) -> VerbOutput {
    let w = &context.words().call;
    let result = SocketDir::of(&context.folders)
        .map_or(Err(SendError::NoPrompter), |dir| send(&dir, None, &Command::WebLink(one_link(words)), call::wait()));
    let (lines, status) = match result {
        Ok(Some(reply)) => match (reply.bad, reply.link) {
            (Some(_), _) => (vec![w.refused.to_owned()], Status::No),
            (None, Some(why)) => (vec![refusal_line(why, &context.words().link)], Status::No),
            (None, None) => (reply.ignored.iter().map(|ignored| call::why(ignored, w)).collect(), Status::Done),
        },
        Ok(None) => (vec![w.unanswered.to_owned()], Status::Done),
        Err(error) => (vec![press::undelivered(error, None, w.busy, w).1], Status::No),
    };
    let err = lines.into_iter().fold(String::new(), |out, line| out + &line + "\n");
    VerbOutput { out: String::new(), err, status }
}

/// The words as one link. A link with a quote may arrive as several words: together they have a blank, so the prompter
/// refuses them, and shows that. It also refuses the beginning of a text that is too long.
fn one_link(words: &[OsString]) -> WebLink {
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    let mut link = words.join(" ");
    if link.len() > MAX_LINK {
        let end = (MAX_LINK + 1..link.len()).find(|end| link.is_char_boundary(*end));
        link.truncate(end.unwrap_or(link.len()));
    }
    WebLink::new(link)
}

fn install(context: &Context) -> Result<VerbOutput, Stop> {
    let w = &context.words().link;
    let own = own_program(context)?;
    let places = system::install(&own).map_err(|why| failed(why, &own, context))?;
    let mut out = w.opened_by(shown_path(&own)) + "\n";
    for place in places {
        out += &(w.written(place) + "\n");
    }
    Ok(VerbOutput::done(out))
}

fn remove(context: &Context) -> Result<VerbOutput, Stop> {
    let w = &context.words().link;
    let own = own_program(context)?;
    let (lines, status) = match system::remove().map_err(|why| failed(why, &own, context))? {
        Removed::Nothing => (vec![w.nothing_removed.to_owned()], Status::Done),
        Removed::These { gone, lists } => {
            let gone = gone.iter().map(|place| w.removed(place));
            (gone.chain(lists.iter().map(|list| w.removed_from(list))).collect::<Vec<_>>(), Status::Done)
        }
        Removed::Foreign(place) => (vec![w.foreign_kept(place)], Status::No),
    };
    let out = lines.into_iter().fold(String::new(), |out, line| out + &line + "\n");
    Ok(VerbOutput { out, err: String::new(), status })
}

fn status(context: &Context) -> Result<VerbOutput, Stop> {
    let w = &context.words().link;
    let own = own_program(context)?;
    let registered = system::registered().map_err(|why| failed(why, &own, context))?;
    let (line, status) = match registered {
        Registered::Nothing => (w.not_installed.to_owned(), Status::No),
        Registered::Foreign(what) => (w.foreign(shown(&what)), Status::No),
        Registered::Ours { program, .. } if !program.exists() => (w.stale(shown_path(&program)), Status::No),
        Registered::Ours { program, .. } if !is_same(&program, &own) => {
            (w.another(shown_path(&own), shown_path(&program)), Status::No)
        }
        Registered::Ours { program, is_used: false } => (w.unused(shown_path(&program)), Status::No),
        Registered::Ours { program, is_used: true } => (w.opened_by(shown_path(&program)), Status::Done),
    };
    Ok(VerbOutput { out: line + "\n", err: String::new(), status })
}

fn own_program(context: &Context) -> Result<PathBuf, Stop> {
    std::env::current_exe().map_err(|error| {
        let why = outside::reason(&error, context.words());
        context.stop(&context.words().link.no_program(why), None)
    })
}

/// Whether both paths lead to one file.
fn is_same(one: &Path, other: &Path) -> bool {
    one == other || one.canonicalize().ok().zip(other.canonicalize().ok()).is_some_and(|(one, other)| one == other)
}

fn failed(why: Failure, own: &Path, context: &Context) -> Stop {
    let words = context.words();
    let w = &words.link;
    let (message, help) = match why {
        Failure::Path => (w.bad_path(shown_path(own)), Some(w.bad_path_help)),
        Failure::Foreign(place) => (w.foreign_kept(place), Some(w.foreign_help)),
        Failure::Place(place, error) => (words.trouble.cannot_write(&*place, &*outside::reason(&error, words)), None),
        #[cfg(unix)]
        Failure::NoHome => (w.no_home.to_owned(), None),
        #[cfg(unix)]
        Failure::NoTool(tool) => (w.no_tool(tool), Some(w.no_tool_help)),
        #[cfg(unix)]
        Failure::Tool(tool) => (w.tool_failed(tool), None),
    };
    context.stop(&message, help)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(words: &[&str]) -> WebLink {
        one_link(&words.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn several_words_are_never_a_valid_link() {
        assert!(link(&["penutup:call?event=start"]).event().is_ok());
        for words in [
            &["penutup:call?event=start", "--lang=en"][..],
            &["penutup:call?event=start", ""],
            &["", "penutup:call?event=start"],
            &["penutup:call?event=start&nama=a", "b"],
        ] {
            assert!(link(words).event().is_err(), "{words:?}");
        }
    }

    #[test]
    fn a_long_text_stays_too_long_and_fits_the_socket() {
        for letter in ["x", "é", "李", "👨"] {
            for begin in ["", "a", "ab", "abc"] {
                let long = format!("penutup:call?event=start&nama={begin}{}", letter.repeat(100_000));
                assert_eq!(link(&[&long]).event(), Err(penutup_ipc::web_link::LinkRefusal::TooLong));
                let line = penutup_ipc::message::to_line(&Command::WebLink(link(&[&long])));
                assert!(line.len() <= penutup_ipc::message::MAX_LINE);
            }
        }
    }

    #[test]
    fn debug_output_of_the_arguments_has_no_link() {
        let args = Link { what: What::Open, link: vec!["penutup:call?nama=Siti".into()] };
        assert_eq!(format!("{args:?}"), "Link { what: Open, .. }");
    }
}
