//! The command line: arguments → verb → output and exit status. Each verb is one file; it reads no key and draws
//! nothing but returns its text, so that printing, closed pipes and exit statuses are handled in one place.

pub mod call;
pub mod check;
pub mod completions;
pub mod demo;
pub mod diff;
pub mod drill;
pub mod hotkeys;
pub mod init;
pub mod journal;
mod json;
pub mod klb;
pub mod link;
pub mod man;
pub mod moment;
pub mod pairs;
pub mod paths;
pub mod press;
pub mod prompter;
pub mod report;
pub mod say;
pub mod table;

use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser as _};
use clap::error::ErrorKind as UsageError;
use clap::{ArgAction, Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::diagnostics::draw::{self, Canvas, draw_all};
use crate::diagnostics::{Source, counted, outside, suggest};
use crate::files::settings::Loaded;
use crate::files::{self, Chosen, FileError, Folders, Why};
use crate::settings::{Settings, Theme};
use crate::words::{Lang, Words};

pub use penutup_cli_kit::arg_error::ArgError;
pub use penutup_cli_kit::env::{Env, HOME_VARIABLE, RULES_VARIABLE, SETTINGS_VARIABLE};
use penutup_cli_kit::stream::{canvas, is_dumb, shows_escapes};
use penutup_cli_kit::{build_info, check::verdict, format, page};
pub use penutup_cli_kit::{clap_errors, localize};

/// The whole command line.
#[derive(Debug, Default, Parser)]
#[command(name = "penutup", version, disable_help_flag = true, disable_version_flag = true)]
#[command(disable_help_subcommand = true)]
pub struct Cli {
    /// What every verb takes.
    #[command(flatten)]
    pub common: Common,
    /// The prompter in lines, without a screen.
    #[arg(long)]
    pub plain: bool,
    /// Who takes the calls.
    #[arg(long, value_name = "AGENT")]
    pub agent: Option<String>,
    #[command(flatten)]
    pub colours: Colours,
    #[arg(short = 'V', long, action = ArgAction::Version)]
    version: Option<bool>,
    /// Also which build of the version.
    #[arg(long, requires = "version")]
    verbose: bool,
    /// What to do; nothing: open the prompter.
    #[command(subcommand)]
    pub verb: Option<Verb>,
}

/// The colours of a screen.
#[derive(Clone, Debug, Default, Args)]
pub struct Colours {
    /// The theme, instead of the settings' one.
    #[arg(long, value_parser = PossibleValuesParser::new(Theme::ALL.map(Theme::name)).map(|name| Theme::named(&name).unwrap_or_default()))]
    pub theme: Option<Theme>,
}

impl Colours {
    /// The theme of a screen; none has colours if the environment switches them off (no-color.org).
    pub fn theme(&self, settings: &Settings) -> Theme {
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
        if no_colour { Theme::Mono } else { self.theme.unwrap_or(settings.theme) }
    }
}

/// What every verb takes, before and after its name.
#[derive(Clone, Debug, Default, Args)]
pub struct Common {
    /// The rules file.
    #[arg(long, global = true, value_name = "FILE")]
    pub rules: Option<PathBuf>,
    /// The settings file.
    #[arg(long, global = true, value_name = "FILE")]
    pub settings: Option<PathBuf>,
    /// The language.
    #[arg(long, global = true, value_parser = [Lang::Id.code(), Lang::En.code()])]
    pub lang: Option<String>,
    /// The customer's zone.
    #[arg(long, global = true)]
    pub zone: Option<String>,
    /// What time it is.
    #[arg(long, global = true)]
    pub at: Option<String>,
    #[arg(short, long, global = true, action = ArgAction::Help)]
    help: Option<bool>,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Print a closing.
    Say(say::Say),
    /// Prove a rules file.
    Check(check::Check),
    /// Print every situation and its sentence.
    Table(table::TableVerb),
    /// Compare two rules files.
    Diff(diff::DiffVerb),
    /// Practise.
    Drill(drill::Drill),
    /// Present.
    Demo(demo::Demo),
    /// Add up what was said.
    Report(report::Report),
    /// Carry the journal elsewhere, or thin it out.
    Journal(journal::Journal),
    /// Tell the open prompter about the call.
    Call(call::Call),
    /// Do in the open prompter what its keys do.
    Press(press::Press),
    /// Open links of web pages in the open prompter.
    Link(link::Link),
    /// List the hotkeys, or print bindings for them.
    Hotkeys(hotkeys::Hotkeys),
    /// Declare KLB for everyone.
    Klb(klb::Klb),
    /// Make files to edit.
    Init,
    /// Show the files in use.
    Paths,
    /// Print a shell's completions.
    Completions(completions::Completions),
    /// Print the man page.
    Man,
    /// Print help.
    Help(HelpVerb),
}

/// `penutup help [VERB]`.
#[derive(Debug, Args)]
pub struct HelpVerb {
    verb: Option<String>,
}

/// The exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Done.
    Done,
    /// The answer is "no".
    No,
    /// It could not be done.
    Failed,
}

/// A verb's output.
#[derive(Debug)]
pub struct VerbOutput {
    pub out: String,
    pub err: String,
    pub status: Status,
}

impl VerbOutput {
    #[must_use]
    pub fn done(out: String) -> Self {
        Self { out, err: String::new(), status: Status::Done }
    }
}

/// Why a verb failed: a message for standard error. The status is [`Status::Failed`].
#[derive(Debug)]
pub struct Stop(pub String);

/// How long a command waits for the settings.
const VERB_PATIENCE: Duration = Duration::from_secs(5);

/// What a verb knows about its environment.
#[derive(Debug)]
pub struct Context {
    /// The options that every verb accepts.
    pub common: Common,
    pub env: Env,
    pub folders: Folders,
    /// The settings file in use.
    pub settings_file: Chosen,
    /// Its values, as far as it could be read.
    pub settings: Settings,
    /// Why it could not be read completely.
    pub settings_trouble: Option<FileError>,
    /// The file and line of the settings that name the journal, if any.
    pub journal_at: Option<String>,
    pub lang: Lang,
}

impl Context {
    fn new(common: Common, env: Env, patience: Duration) -> Self {
        let folders = env.folders();
        let named = [(Why::Flag, common.settings.clone()), (Why::Env, env.settings.clone())];
        let Loaded { file: settings_file, settings, bad: settings_trouble, journal_at } =
            files::settings::load(named, &folders, patience);
        let code = common.lang.as_deref().or_else(|| env.lang.as_deref().and_then(OsStr::to_str));
        let lang = code.and_then(Lang::from_code).or(settings.lang).unwrap_or_default();
        Self { common, env, folders, settings_file, settings, settings_trouble, journal_at, lang }
    }

    pub fn words(&self) -> &'static Words {
        self.lang.words()
    }

    /// The variable that sets the folders, if it is set.
    pub fn home_variable(&self) -> Option<&'static str> {
        self.env.home.as_ref().map(|_| HOME_VARIABLE)
    }

    /// The rules file in use.
    pub fn rules_file(&self) -> Chosen {
        Chosen::first(self.rules_named(), self.folders.rules_looked_for())
    }

    /// The named rules files, in order of precedence.
    pub fn rules_named(&self) -> [(Why, Option<PathBuf>); 3] {
        [
            (Why::Flag, self.common.rules.clone()),
            (Why::Env, self.env.rules.clone()),
            (Why::Settings, self.settings.rules.clone()),
        ]
    }

    /// Adds the location of the setting that names the journal to its error.
    pub fn of_journal(&self, error: crate::journal::trouble::Error) -> crate::journal::trouble::Error {
        error.named_at(self.journal_at.as_deref())
    }

    /// The journal's path; `None` if there is no home folder and the settings name none.
    pub fn journal(&self) -> Option<PathBuf> {
        let named = self.settings.journal.path.clone().filter(|path| !self.folders.is_own_file(path));
        named.or_else(|| self.folders.journal())
    }

    /// Why the settings' path for the journal is wrong: it is another file of the program's own.
    pub fn journal_trouble(&self) -> Option<String> {
        let named = self.settings.journal.path.as_ref()?;
        let place = self.journal_at.clone().unwrap_or_default();
        self.folders.is_own_file(named).then(|| self.words().journal.not_ours(&place))
    }

    /// The folders for closings that can't be written to the journal: the state folder and the journal's own.
    pub fn spill(&self) -> Vec<PathBuf> {
        let beside = self.journal().and_then(|journal| journal.parent().map(Into::into));
        self.folders.state.clone().into_iter().chain(beside).collect()
    }

    /// A message for standard error, with advice.
    pub fn stop(&self, message: &str, help: Option<&str>) -> Stop {
        Stop(draw::message(message, help, self.words(), canvas(&io::stderr())) + "\n")
    }

    /// The message for an invalid argument.
    pub fn arg_error(&self, error: &ArgError) -> Stop {
        self.stop(&error.message, error.help.as_deref())
    }

    /// The message for a file that a verb requires and can't use.
    pub fn bad(&self, bad: &FileError) -> Stop {
        match (bad, bad.problems()) {
            (FileError::Refused { path, .. }, Some((problems, bytes))) => {
                let source = Source::new(&path.to_string_lossy(), bytes);
                let mut out = draw_all(problems, &source, self.words(), canvas(&io::stderr()));
                out.push_str(&verdict(source.name(), problems, self.words()));
                Stop(out + "\n")
            }
            (FileError::Unreadable(unreadable), _) => self.stop(&unreadable.describe(self.words()), None),
            (FileError::Refused { .. }, None) => Stop(String::new()),
        }
    }

    /// The settings, for a verb that requires valid ones.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn sound_settings(&self) -> Result<&Settings, Stop> {
        self.settings_trouble.as_ref().map_or(Ok(&self.settings), |bad| Err(self.bad(bad)))
    }
}

/// Whether the terminal can show a screen: Windows' console in legacy mode can show only lines.
pub fn has_screen() -> bool {
    has_terminal() && shows_escapes()
}

/// Whether input and output are a terminal.
fn has_terminal() -> bool {
    io::stdin().is_terminal() && (io::stdout().is_terminal() || has_terminal_behind_a_pipe())
}

/// On Windows, Unix-like terminals (Git Bash, ssh, Wine) use a pipe and set TERM, which nothing else there does.
#[cfg(windows)]
fn has_terminal_behind_a_pipe() -> bool {
    use std::os::windows::io::AsHandle as _;

    let has_term = std::env::var_os("TERM").is_some_and(|term| !term.is_empty() && term != "dumb");
    // Windows' metadata succeeds for a file but not for a pipe.
    let is_file = || {
        let out = io::stdout().as_handle().try_clone_to_owned();
        out.is_ok_and(|out| std::fs::File::from(out).metadata().is_ok_and(|about| about.is_file()))
    };
    has_term && !is_file()
}

#[cfg(not(windows))]
fn has_terminal_behind_a_pipe() -> bool {
    false
}

/// Runs the program with these arguments.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    let answer =
        answer(&args).unwrap_or_else(|Stop(err)| VerbOutput { out: String::new(), err, status: Status::Failed });
    deliver(&answer, || early_context(&args, Env::of_process()).words())
}

fn answer(args: &[OsString]) -> Result<VerbOutput, Stop> {
    let env = Env::of_process();
    let parse = |command: clap::Command| command.try_get_matches_from(args).and_then(|m| Cli::from_arg_matches(&m));
    // Help texts and errors are localized only when printed: the prompter's start does not wait for that.
    let cli = if args.len() < 2 { Ok(Cli::default()) } else { parse(Cli::command()) };
    let is_help = |cli: &Cli| matches!(cli.verb, Some(Verb::Help(_)));
    let cli = if let Some(cli) = cli.ok().filter(|cli| !is_help(cli)) {
        cli
    } else {
        let early = early_context(args, env.clone());
        let words = early.words();
        match parse(localized(words)) {
            Ok(cli) => cli,
            Err(e) if e.kind() == UsageError::DisplayHelp => return Ok(VerbOutput::done(e.render().to_string())),
            Err(e) if e.kind() == UsageError::DisplayVersion => {
                return Ok(VerbOutput::done(build_info::version(&e.render().to_string(), args, words)));
            }
            Err(e) => return Err(Stop(clap_errors::describe(&e, &Cli::command(), words, canvas(&io::stderr())))),
        }
    };
    // The prompter's start never waits for a share; a command may.
    let patience = if cli.verb.is_none() { files::PATIENCE } else { VERB_PATIENCE };
    let context = Context::new(cli.common, env, patience);
    if context.common.lang.is_none()
        && let Some(wrong) = &context.env.lang
        && wrong.to_str().and_then(Lang::from_code).is_none()
    {
        let (wrong, words) = (wrong.to_string_lossy(), context.words());
        let message = words.cli.bad_lang(crate::diagnostics::shown(&wrong));
        let valid = [Lang::Id.code(), Lang::En.code()];
        return Err(context.stop(&message, Some(&suggest(&wrong, valid, &words.problem))));
    }
    if cli.plain && cli.verb.is_some() {
        return Err(context.stop(context.words().plain.only, None));
    }
    if cli.agent.is_some() && cli.verb.is_some() {
        return Err(context.stop(context.words().cli.agent_only, None));
    }
    match cli.verb {
        None => prompter::run(context, cli.plain, cli.agent, &cli.colours),
        Some(Verb::Say(say)) => say::run(&say, &context),
        Some(Verb::Check(check)) => check::run(&check, &context),
        Some(Verb::Table(table)) => table::run(&table, &context),
        Some(Verb::Diff(diff)) => diff::run(&diff, &context),
        Some(Verb::Drill(drill)) => drill::run(&drill, &context),
        Some(Verb::Demo(demo)) => demo::run(&demo, &context),
        Some(Verb::Report(report)) => report::run(&report, &context),
        Some(Verb::Journal(journal)) => journal::run(&journal, &context),
        Some(Verb::Call(call)) => call::run(&call, &context),
        Some(Verb::Press(press)) => press::run(&press, &context),
        Some(Verb::Link(link)) => link::run(&link, &context),
        Some(Verb::Hotkeys(hotkeys)) => hotkeys::run(&hotkeys, &context),
        Some(Verb::Klb(klb)) => klb::run(&klb, &context),
        Some(Verb::Init) => init::run(&context),
        Some(Verb::Paths) => Ok(paths::run(&context)),
        Some(Verb::Completions(completions)) => Ok(completions::run(&completions, &context)),
        Some(Verb::Man) => Ok(man::run(&context)),
        Some(Verb::Help(help)) => help_of(help.verb.as_deref(), &context),
    }
}

/// The command line with its help in the user's language.
pub fn localized(words: &Words) -> clap::Command {
    let command = Cli::command();
    let verbs: Vec<PossibleValue> = command.get_subcommands().map(|verb| verb.get_name().to_owned().into()).collect();
    // All verbs in one usage line would be too long for a screen; the program's own help lists them.
    let command = command
        .mut_subcommand("help", |help| help.mut_arg("verb", |arg| arg.value_parser(verbs).hide_possible_values(true)));
    localize::localize(command, &|key| words.verbs.get(key), words)
}

/// The help of a verb, or of the program.
fn help_of(verb: Option<&str>, context: &Context) -> Result<VerbOutput, Stop> {
    let args = ["penutup"].into_iter().chain(verb).chain(["--help"]);
    match localized(context.words()).try_get_matches_from(args) {
        Err(e) if e.kind() == UsageError::DisplayHelp => Ok(VerbOutput::done(e.render().to_string())),
        Err(e) => Err(Stop(clap_errors::describe(&e, &Cli::command(), context.words(), canvas(&io::stderr())))),
        Ok(_) => Ok(VerbOutput::done(String::new())),
    }
}

/// The language and settings as known before the arguments are parsed, so that argument errors appear in the user's
/// language.
fn early_context(args: &[OsString], env: Env) -> Context {
    let value_of = |flag: &str| {
        let mut args = args.iter().skip(1).take_while(|a| *a != "--");
        let mut found = None;
        while let Some(arg) = args.next() {
            if arg == flag {
                found = args.next().cloned();
            } else if let Some(value) = arg.to_str().and_then(|a| a.strip_prefix(flag)?.strip_prefix('=')) {
                found = Some(value.into());
            }
        }
        found
    };
    let lang = value_of("--lang").and_then(|lang| lang.into_string().ok());
    let common = Common { settings: value_of("--settings").map(PathBuf::from), lang, ..Common::default() };
    Context::new(common, env, VERB_PATIENCE)
}

/// Prints the output. A closed pipe ends it silently: the reader has what it wanted.
fn deliver(answer: &VerbOutput, words: impl FnOnce() -> &'static Words) -> ExitCode {
    let mut status = answer.status;
    if let Err(e) = write_all(&mut io::stdout().lock(), &answer.out)
        && e.kind() != ErrorKind::BrokenPipe
    {
        let words = words();
        let message = words.cli.cannot_print(outside::reason(&e, words));
        let _ = write_all(&mut io::stderr().lock(), &(draw::message(&message, None, words, Canvas::PLAIN) + "\n"));
        status = Status::Failed;
    }
    // A failure to write to standard error has nowhere to be reported.
    let _ = write_all(&mut io::stderr().lock(), &answer.err);
    ExitCode::from(match status {
        Status::Done => 0,
        Status::No => 1,
        Status::Failed => 2,
    })
}

fn write_all(stream: &mut impl Write, text: &str) -> io::Result<()> {
    stream.write_all(text.as_bytes())?;
    stream.flush()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeSet;

    use super::localize::{localize, texts};
    use super::*;

    #[test]
    fn all_help_comes_from_the_catalogue_and_all_of_the_catalogue_is_in_the_help() {
        let catalogue: toml::Table = include_str!("../crates/penutup-cli-kit/assets/locale/id.toml").parse().unwrap();
        let catalogue = catalogue["verbs"].as_table().unwrap();
        let used = RefCell::new(BTreeSet::new());
        let words = Lang::Id.words();
        let text = |key: &str| words.verbs.get(key).inspect(|_| _ = used.borrow_mut().insert(key.to_owned()));
        let command = localize(Cli::command(), &text, words);
        for text in texts(&command) {
            assert!(catalogue.values().any(|known| text.starts_with(known.as_str().unwrap())), "{text}");
        }
        command.debug_assert();
        assert_eq!(used.into_inner(), catalogue.keys().cloned().collect());
    }
}
