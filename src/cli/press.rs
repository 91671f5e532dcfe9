//! `penutup press`: does in the open prompter what its keys would do, and prints what the screen then asks to say. It
//! loads no rules: the prompter knows the names of facts and fields.

use clap::Args;
use serde_json::{Value, json};

use super::{Context, Status, Stop, VerbOutput, call, json};
use crate::diagnostics::{shown, suggest};
use crate::press;
use crate::rules::text::clean;
use crate::words::Words;
use penutup_cli_kit::format::Format;
use penutup_ipc::client::{SendError, send};
use penutup_ipc::message::Command;
use penutup_ipc::message::Reply;
use penutup_ipc::press::{Did, PressRefusal, PressReply, Presses, Refused};
use penutup_ipc::socket_dir::SocketDir;

/// `penutup press [WHAT]...`.
#[derive(Args)]
pub struct Press {
    /// What to press.
    #[arg(value_name = "PRESS")]
    pub what: Vec<String>,
    /// Which prompter.
    #[arg(long)]
    pub seat: Option<String>,
    /// Print no result.
    #[arg(short, long)]
    pub quiet: bool,
    /// The form of the result.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

impl std::fmt::Debug for Press {
    /// Omits the words: somebody may have written a name among them.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Press").field("what", &self.what.len()).finish_non_exhaustive()
    }
}

/// Sends the presses.
///
/// # Errors
/// If the words are no presses, whatever the prompter shows.
pub fn run(press: &Press, context: &Context) -> Result<VerbOutput, Stop> {
    let words = context.words();
    let presses = Presses::new(press.what.clone()).ok_or_else(|| context.stop(words.press.too_many, None))?;
    let seat = press.seat.as_deref();
    let result = SocketDir::of(&context.folders)
        .map_or(Err(SendError::NoPrompter), |dir| send(&dir, seat, &Command::Press(presses), call::wait()));
    let (reply, state, message) = match result {
        Ok(Some(Reply { press: Some(reply), bad: None, .. })) => match &reply.refused {
            Some(refused) if refused.why.is_of_the_word() => return Err(wrong_word(press, refused, context)),
            Some(refused) => {
                let message =
                    press::refused(&press.what[refused.at.min(press.what.len().saturating_sub(1))], refused.why, words);
                (Some(reply), "refused", Some(message))
            }
            None => (Some(reply), "done", None),
        },
        Ok(Some(_)) => (None, "unsupported", Some(words.call.refused.to_owned())),
        Ok(None) => (None, "unanswered", Some(words.call.unanswered.to_owned())),
        Err(error) => {
            let (state, message) = press::undelivered(error, seat, words.press.busy, &words.call);
            (None, state, Some(message))
        }
    };
    let status = if message.is_none() { Status::Done } else { Status::No };
    let mut err: Vec<String> = message.into_iter().collect();
    if let Some(reply) = &reply {
        err.extend(press.what.iter().zip(&reply.did).filter_map(|(word, did)| no_effect(word, *did, words)));
    }
    let out = if press.quiet { String::new() } else { result_line(press.format, state, reply.as_ref()) };
    let err = err.into_iter().fold(String::new(), |out, line| out + &line + "\n");
    Ok(VerbOutput { out, err, status })
}

fn result_line(format: Format, state: &str, reply: Option<&PressReply>) -> String {
    match format {
        Format::Text => reply.and_then(|reply| reply.say.as_ref()).map_or_else(String::new, |say| clean(say) + "\n"),
        Format::Json => {
            let why = reply.and_then(|reply| reply.refused.as_ref());
            let refused: Option<Value> = why.map(|refused| json!({ "at": refused.at, "why": refused.why }));
            json::line(&json!({
                "state": state,
                "did": reply.map_or_else(Vec::new, |reply| reply.did.clone()),
                "refused": refused,
                "say": reply.and_then(|reply| reply.say.clone()),
            }))
        }
    }
}

/// A word that no prompter with these rules would press, and the nearest that it would.
fn wrong_word(press: &Press, refused: &Refused, context: &Context) -> Stop {
    let words = context.words();
    let word = press.what.get(refused.at).map_or("", String::as_str);
    if refused.why == PressRefusal::Typed {
        return context.stop(&words.press.typed(shown(word)), Some(words.press.typed_help));
    }
    let value = word.split_once('=').map_or(word, |(_, value)| value);
    let (message, wrong) = match refused.why {
        PressRefusal::UnknownValue => (words.press.unknown_value(shown(word)), value),
        _ => (words.press.unknown(shown(word)), word),
    };
    let valid = refused.valid.iter().map(String::as_str);
    context.stop(&message, Some(&suggest(wrong, valid, &words.problem)))
}

/// That a press did less than its name says.
fn no_effect(word: &str, did: Did, words: &Words) -> Option<String> {
    match did {
        Did::Closed => Some(words.press.closed(shown(word))),
        Did::Nothing => Some(words.press.nothing(shown(word))),
        Did::Done | Did::Ticked | Did::NextCall => None,
    }
}
