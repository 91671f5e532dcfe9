//! The command line: arguments → verb → exit status. The verbs are in modules of their own.

use std::ffi::OsString;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

use clap::error::ErrorKind as UsageError;
use clap::{ArgAction, Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use penutup_cli_kit::diagnostics::outside;
use penutup_cli_kit::files::log;
use penutup_cli_kit::localize::localize;
use penutup_cli_kit::stream::canvas;
use penutup_cli_kit::words::Lang;
use penutup_cli_kit::{build_info, clap_errors};

use crate::error::{CliError, ExitStatus};
use crate::words::words;
use crate::{agent, archive, config, klb, provision, report, rules, status};

#[derive(Debug, Parser)]
#[command(name = "penutup-fleet", version, disable_help_flag = true, disable_version_flag = true)]
#[command(disable_help_subcommand = true)]
pub struct Cli {
    #[command(flatten)]
    pub common: Common,
    #[arg(short = 'V', long, action = ArgAction::Version)]
    version: Option<bool>,
    #[arg(long, requires = "version")]
    verbose: bool,
    #[command(subcommand)]
    pub verb: Verb,
}

/// The options of every verb.
#[derive(Clone, Debug, Args)]
pub struct Common {
    /// The configuration file.
    #[arg(long, global = true, env = "PENUTUP_FLEET_CONFIG", hide_env = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The language.
    #[arg(long, global = true, env = "PENUTUP_LANG", hide_env = true, default_value = Lang::Id.code(), value_parser = [Lang::Id.code(), Lang::En.code()])]
    lang: String,
    #[arg(short, long, global = true, action = ArgAction::Help)]
    help: Option<bool>,
}

impl Common {
    pub fn lang(&self) -> Lang {
        Lang::from_code(&self.lang).unwrap_or_default()
    }

    /// The path of the configuration: the option's, else that of `file` in the settings folder.
    pub fn config(&self, file: &str) -> Result<PathBuf, CliError> {
        let named = self.config.clone().or_else(|| config::default_path(file));
        named.ok_or_else(|| CliError::new(words(self.lang()).config.none(file)))
    }
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// The process beside the prompter.
    Agent(agent::AgentArgs),
    /// Declare KLB for a scope, lift it, or show what is declared.
    Klb(klb::Klb),
    /// Publish rules, list what was published, go back to one of them.
    Rules(rules::Rules),
    /// Write the closings of the streams into the database.
    Archive(archive::Archive),
    /// Add up the closings of all seats.
    Report(report::Report),
    /// Show the state of the seats.
    Status(status::Status),
    /// Write everything that the server, the seats, the supervisors and the centre need.
    Provision(provision::Provision),
}

pub fn main() -> ExitCode {
    let mut args: Vec<OsString> = std::env::args_os().collect();
    // As with the prompter, `help klb` means `klb --help`.
    if args.get(1).is_some_and(|arg| arg == "help") {
        args.remove(1);
        args.push("--help".into());
    }
    let cli = match parse_args(&args) {
        Ok(cli) => cli,
        Err(status) => return status,
    };
    let (common, lang) = (&cli.common, cli.common.lang());
    let result: Result<ExitStatus, CliError> = match &cli.verb {
        Verb::Agent(args) => agent::run(args, common),
        Verb::Klb(klb) => block_on(lang, klb::run(klb, common)),
        Verb::Rules(rules) => block_on(lang, rules::run(rules, common)),
        Verb::Archive(archive) => block_on(lang, archive::run(archive, common)),
        Verb::Report(report) => block_on(lang, report::run(report, common)),
        Verb::Status(status) => block_on(lang, status::run(status, common)),
        Verb::Provision(args) => provision::run(args, lang),
    };
    match result {
        Ok(status) => status.into(),
        Err(error) => {
            eprint_line(error.render(words(lang)).trim_end());
            error.status.into()
        }
    }
}

/// Parses the arguments. Help and usage errors are printed in the user's language; the error is the exit code.
fn parse_args(args: &[OsString]) -> Result<Cli, ExitCode> {
    let parse = |command: clap::Command| command.try_get_matches_from(args).and_then(|m| Cli::from_arg_matches(&m));
    if let Ok(cli) = parse(Cli::command()) {
        return Ok(cli);
    }
    let lang = early_lang(args);
    let error = match parse(localized(lang)) {
        Ok(cli) => return Ok(cli),
        Err(error) => error,
    };
    let text = match error.kind() {
        UsageError::DisplayHelp => Some(error.render().to_string()),
        UsageError::DisplayVersion => Some(build_info::version(&error.render().to_string(), args, lang.words())),
        _ => None,
    };
    if let Some(text) = text {
        return Err(print(&text, lang).map_or(ExitStatus::Failed, |()| ExitStatus::Done).into());
    }
    let is_help = error.kind() == UsageError::DisplayHelpOnMissingArgumentOrSubcommand;
    let message = || clap_errors::describe(&error, &Cli::command(), lang.words(), canvas(&std::io::stderr()));
    let message = if is_help { error.render().to_string() } else { message() };
    let _ = std::io::stderr().write_all(message.as_bytes());
    Err(ExitStatus::Failed.into())
}

/// The command line with its help in a language.
fn localized(lang: Lang) -> clap::Command {
    localize(Cli::command(), &|key| help_text(key, lang), lang.words())
}

/// A text of the help; arguments that both programs have are in the kit's catalogue.
fn help_text(key: &str, lang: Lang) -> Option<&'static str> {
    let own = words(lang).verbs.get(key);
    own.or_else(|| lang.words().verbs.get(key).filter(|_| !key.ends_with("_after")))
}

/// The language for usage errors, before the arguments are parsed.
fn early_lang(args: &[OsString]) -> Lang {
    let mut args = args.iter().skip(1).filter_map(|arg| arg.to_str()).take_while(|arg| *arg != "--");
    let mut named = None;
    while let Some(arg) = args.next() {
        if arg == "--lang" {
            named = args.next().map(str::to_owned);
        } else if let Some(lang) = arg.strip_prefix("--lang=") {
            named = Some(lang.to_owned());
        }
    }
    named.or_else(|| std::env::var("PENUTUP_LANG").ok()).and_then(|lang| Lang::from_code(&lang)).unwrap_or_default()
}

/// Runs a future on a runtime of its own.
pub fn block_on<T>(lang: Lang, future: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
        let why = outside::reason(&error, lang.words());
        CliError::new(words(lang).cli.no_runtime(&why))
    })?;
    let result = runtime.block_on(future);
    // A name that is still being looked up must not delay the end.
    runtime.shutdown_background();
    result
}

/// Prints a result. A reader that closed the pipe early is no error.
pub fn print(text: &str, lang: Lang) -> Result<(), CliError> {
    let mut out = std::io::stdout().lock();
    printed(out.write_all(text.as_bytes()).and_then(|()| out.flush()), lang)
}

/// The result of writing to stdout: a closed pipe is no error.
pub fn printed(result: std::io::Result<()>, lang: Lang) -> Result<(), CliError> {
    match result {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let why = outside::reason(&error, lang.words());
            Err(CliError::new(lang.words().cli.cannot_print(&why)))
        }
        _ => Ok(()),
    }
}

/// The log file in place of stderr.
static LOG_FILE: OnceLock<PathBuf> = OnceLock::new();

/// From now on lines go to a file of bounded size: there is no terminal.
pub fn log_to(path: PathBuf) {
    // Only the first call counts.
    let _ = LOG_FILE.set(path);
}

/// Prints a line on stderr, or into the log file.
pub fn eprint_line(text: &str) {
    match LOG.get() {
        // A full queue means that stderr hangs.
        Some(log) => {
            if log.try_send(LogEntry::Line(text.to_owned())).is_err() {
                DROPPED.fetch_add(1, Ordering::Relaxed);
            }
        }
        None => write_line(text),
    }
}

fn write_line(text: &str) {
    if let Some(path) = LOG_FILE.get() {
        return log::append(path, text);
    }
    // There is no other place to report a failure of stderr.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

enum LogEntry {
    Line(String),
    Flush(SyncSender<()>),
}

static LOG: OnceLock<SyncSender<LogEntry>> = OnceLock::new();
/// Lines that did not fit into the queue.
static DROPPED: AtomicU64 = AtomicU64::new(0);
const MAX_LOG_LINES: usize = 256;

/// From now on [`eprint_line`] writes in a thread of its own: stderr can be a file on a disk that hangs.
pub fn log_in_background(lang: Lang) {
    let (send, entries) = sync_channel(MAX_LOG_LINES);
    if LOG.set(send).is_err() {
        return;
    }
    std::thread::spawn(move || {
        for entry in entries {
            match entry {
                LogEntry::Line(text) => write_line(&text),
                LogEntry::Flush(done) => _ = done.send(()),
            }
            match DROPPED.swap(0, Ordering::Relaxed) {
                0 => {}
                count => write_line(&words(lang).cli.log_dropped(count)),
            }
        }
    });
}

/// Waits until the lines so far are written, at most for this time.
pub fn flush_log(timeout: Duration) {
    let (done, is_done) = sync_channel(1);
    if LOG.get().is_some_and(|log| log.try_send(LogEntry::Flush(done)).is_ok()) {
        let _ = is_done.recv_timeout(timeout);
    }
}

/// Completes when the program is asked to end, by a signal or Ctrl-C.
#[cfg(unix)]
pub async fn shutdown_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
        (Ok(mut terminate), Ok(mut interrupt)) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        }
        // Without handlers the signals' default action ends the program.
        _ => std::future::pending().await,
    }
}

/// Completes on Ctrl-C.
#[cfg(not(unix))]
pub async fn shutdown_signal() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeSet;

    use penutup_cli_kit::localize::texts;

    use super::*;

    #[test]
    fn all_help_comes_from_the_catalogues_and_every_help_text_of_the_fleet_is_used() {
        let catalogue = |text: &str| text.parse::<toml::Table>().unwrap()["verbs"].as_table().unwrap().clone();
        let own = catalogue(include_str!("../assets/locale/id.toml"));
        let kit = catalogue(include_str!("../../crates/penutup-cli-kit/assets/locale/id.toml"));
        let used = RefCell::new(BTreeSet::new());
        let text = |key: &str| {
            used.borrow_mut().extend(own.contains_key(key).then(|| key.to_owned()));
            help_text(key, Lang::Id)
        };
        let command = localize(Cli::command(), &text, Lang::Id.words());
        for text in texts(&command) {
            let mut known = own.values().chain(kit.values()).filter_map(toml::Value::as_str);
            assert!(known.any(|known| text.starts_with(known)), "{text}");
        }
        command.debug_assert();
        assert_eq!(used.into_inner(), own.keys().cloned().collect());
    }
}
