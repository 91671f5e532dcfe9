//! `penutup call`: sends a telephone's event to the open prompter and exits. It loads no rules: the prompter knows the
//! valid keys. A telephone must not fail because of the data it sent, so only "no prompter" is a failure.

use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead, BufReader, Read};
use std::sync::mpsc::channel;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{Context, Status, Stop, VerbOutput};
use crate::diagnostics::shown;
use crate::journal::record::{MAX_AGENT, MAX_INTERACTION, is_agent, is_interaction};
use crate::press;
use crate::words::Call as CallWords;
use penutup_ipc::client::{SendError, send};
use penutup_ipc::message::Command;
use penutup_ipc::message::MAX_PAIRS;
use penutup_ipc::phone_event::{Ignored, Pairs, PhoneEvent, Why, is_key};
use penutup_ipc::socket_dir::SocketDir;

/// `penutup call start|set|end|agent [NUMBER] [KEY=VALUE]...`.
#[derive(Args)]
pub struct Call {
    /// What happened.
    #[arg(value_enum, value_name = "EVENT", display_order = 1)]
    pub what: What,
    /// A number, and what is known.
    #[arg(allow_negative_numbers = true, display_order = 2)]
    pub rest: Vec<OsString>,
    /// The telephone system's id of the call.
    #[arg(long)]
    pub id: Option<String>,
    /// Which prompter.
    #[arg(long)]
    pub seat: Option<String>,
}

impl std::fmt::Debug for Call {
    /// Prints none of the arguments: they contain a number and a name.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call").field("what", &self.what).finish_non_exhaustive()
    }
}

/// The kind of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// A call began.
    Start,
    /// Data of a call is known.
    Set,
    /// A call ended.
    End,
    /// Somebody else takes the calls.
    Agent,
}

/// The variable for the time limit, in milliseconds.
pub const WAIT_VARIABLE: &str = "PENUTUP_CALL_WAIT";
/// The longest time limit for a prompter.
const WAIT: Duration = Duration::from_millis(45);
/// How long standard input is read, if a value is read from it.
const INPUT: Duration = Duration::from_secs(2);
/// How many bytes of it are read.
const MAX_INPUT: u64 = 4 * 1024;

/// How long to wait for a prompter.
pub fn wait() -> Duration {
    std::env::var(WAIT_VARIABLE).ok().and_then(|wait| wait.parse().ok()).map_or(WAIT, Duration::from_millis)
}

/// Sends the event.
///
/// # Errors
/// Never; if it can't be delivered the exit status is "no".
pub fn run(call: &Call, context: &Context) -> Result<VerbOutput, Stop> {
    let w = &context.words().call;
    let (event, mut messages) = event(call, context)?;
    let wait = wait();
    let seat = call.seat.as_deref();
    let result = SocketDir::of(&context.folders)
        .map_or(Err(SendError::NoPrompter), |dir| send(&dir, seat, &Command::Phone(event), wait));
    let status = match result {
        Ok(Some(answer)) => {
            messages.extend(answer.ignored.iter().map(|ignored| why(ignored, w)));
            messages.extend(answer.bad.map(|_| w.refused.to_owned()));
            if answer.bad.is_some() { Status::No } else { Status::Done }
        }
        Ok(None) => {
            messages.push(w.unanswered.into());
            Status::Done
        }
        Err(no) => {
            messages = vec![press::undelivered(no, seat, w.busy, w).1];
            Status::No
        }
    };
    let err = messages.into_iter().fold(String::new(), |out, line| out + &line + "\n");
    Ok(VerbOutput { out: String::new(), err, status })
}

/// The event, and messages about what is ignored. A telephone must not fail because of an id that it makes too long.
fn event(call: &Call, context: &Context) -> Result<(PhoneEvent, Vec<String>), Stop> {
    let w = &context.words().call;
    if call.what == What::Agent {
        let agent = match call.rest.as_slice() {
            [agent] => agent.to_str().filter(|agent| is_agent(agent)),
            _ => None,
        };
        let (cli, help) = (&context.words().cli, context.words().cli.agent_help(MAX_AGENT));
        let Some(agent) = agent.filter(|_| call.id.is_none()) else {
            return Err(context.stop(&cli.no_agent("penutup call agent"), Some(&help)));
        };
        return Ok((PhoneEvent::Agent(agent.to_owned()), Vec::new()));
    }
    let (pairs, mut messages) = sort(&call.rest, w);
    let id = call.id.clone().filter(|id| is_interaction(id));
    if id.is_none() && call.id.is_some() {
        messages.push(w.ignored_id(MAX_INTERACTION));
    }
    let event = match call.what {
        What::Start => PhoneEvent::Start { id, pairs },
        What::Set | What::Agent => PhoneEvent::Set(pairs),
        // Without the id that was sent, this would end whichever call is running.
        What::End => PhoneEvent::End { id: id.or_else(|| call.id.as_ref().map(|_| String::new())) },
    };
    Ok((event, messages))
}

/// The key of a pair whose value can't be read.
fn key_of(word: &OsStr) -> Option<&str> {
    let key = word.as_encoded_bytes().split(|byte| *byte == b'=').next()?;
    std::str::from_utf8(key).ok().filter(|key| is_key(key))
}

/// The pairs, and messages about the other words. The number, which is the first word without `=`, is not examined.
fn sort(rest: &[OsString], w: &CallWords) -> (Pairs, Vec<String>) {
    let (mut pairs, mut messages, mut number, mut input) = (Vec::new(), Vec::new(), false, false);
    for word in rest {
        let Some(word) = word.to_str() else {
            // A telephone that sends a name in another encoding must not prevent the call from being registered.
            messages.push(match key_of(word) {
                Some(key) => w.ignored_encoding(key),
                None => w.ignored_text.to_owned(),
            });
            continue;
        };
        let pair = word.split_once('=').filter(|(key, _)| is_key(key) && pairs.len() < MAX_PAIRS);
        let Some((key, value)) = pair else {
            // Only the first word may be a number. A softphone may log our output, so no word is repeated in it.
            if std::mem::replace(&mut number, true) {
                messages.push(w.ignored_text.to_owned());
            }
            continue;
        };
        let value = match value {
            "-" if std::mem::replace(&mut input, true) => None,
            "-" => first_line_of_input(),
            value => Some(value.to_owned()),
        };
        match value {
            Some(value) => pairs.push((key.to_owned(), value)),
            None => messages.push(w.ignored_stdin(shown(key))),
        }
    }
    (Pairs(pairs), messages)
}

/// The first line that is not blank. A silent writer is not waited for.
fn first_line_of_input() -> Option<String> {
    let (send, line) = channel();
    std::thread::spawn(move || {
        let mut lines = BufReader::new(io::stdin().take(MAX_INPUT)).lines();
        let first = lines.find(|line| line.as_ref().map_or(true, |line| !line.trim().is_empty()));
        let _ = send.send(first.and_then(Result::ok));
    });
    line.recv_timeout(INPUT).ok().flatten()
}

/// Why a pair was ignored.
pub(super) fn why(ignored: &Ignored, w: &CallWords) -> String {
    let key = shown(&ignored.key);
    match ignored.why {
        Why::UnknownKey => w.ignored_key(key),
        Why::Invalid if ignored.key == "id" => w.ignored_id(MAX_INTERACTION),
        Why::UnknownValue | Why::Invalid => w.ignored_value(key),
        Why::Digits => w.ignored_digits(key),
        Why::NoName => w.ignored_no_name(key),
        Why::TooLong => w.ignored_too_long(key),
        Why::Twice => w.ignored_twice(key),
    }
}
