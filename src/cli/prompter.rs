//! `penutup` without a verb: loads everything, then opens the screen. A CSO always has a script, so a mistake in a file
//! is shown on the screen and prevents nothing; invalid arguments, or a missing file that they name, prevent the start.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::NaiveDate;

use super::{Colours, Context, Stop, is_dumb, moment};

use super::VerbOutput;

use crate::app::waiting::{expiry_notice, waiting_notice};
use crate::clock::Clock;
use crate::diagnostics::outside;
use crate::files::saved_state::{self, SavedState};
use crate::files::{self, FileError, Why, deadline};
use crate::journal::record::{MAX_AGENT, is_agent};
use crate::journal::writer::Config;
use crate::loaded::{LoadedRules, Origin};

use crate::message::Subject;
use crate::plain::out::Out;
use crate::plain::view::Plain;
use crate::rehearsal::{rehearse, untried};
use crate::start::Start;
use crate::tui::prompter::Prompter;
use crate::words::Words;
use penutup_cli_kit::env::AGENT_VARIABLE;

/// The minimum time for reading the state, even if the rules took all of the time limit.
const MIN_STATE_WAIT: Duration = Duration::from_millis(100);

/// Opens the prompter: in line mode if requested or if the terminal supports nothing else, otherwise full-screen.
///
/// # Errors
/// If there is no terminal for the screen, or arguments can't be used.
pub fn run(context: Context, plain: bool, agent: Option<String>, colours: &Colours) -> Result<VerbOutput, Stop> {
    let agent = self::agent(agent, &context)?;
    // Line mode also reads and writes pipes.
    if !plain && !super::has_terminal() {
        return Err(Stop(format!("{}\n", context.words().cli.no_terminal)));
    }
    let plain = plain || is_dumb() || !super::shows_escapes();
    // Customers' names are typed from here on.
    without_core_dumps();
    let words = context.words();
    let theme = colours.theme(&context.settings);
    let start = Start { agent, ..start(context)? };
    let has_journal = start.journal.is_some();
    let end = if plain {
        start.plain_mode().run(|| Ok(Plain::new(Out::to(io::stdout())?, has_journal)))
    } else {
        start.run(|| Prompter::enter(theme))
    };
    match end {
        Ok(()) => Ok(VerbOutput::done(String::new())),
        // A closed pipe: the reader has what it wanted.
        Err(e) if plain && e.kind() == ErrorKind::BrokenPipe => Ok(VerbOutput::done(String::new())),
        Err(e) => Err(Stop(format!("{}\n", words.cli.terminal_failed(outside::reason(&e, words))))),
    }
}

/// The agent's number from the argument, otherwise from the environment.
///
/// # Errors
/// If it is no agent's number.
fn agent(named: Option<String>, context: &Context) -> Result<Option<String>, Stop> {
    let w = &context.words().cli;
    let agent = named
        .map(|agent| ("--agent", agent))
        .or_else(|| Some((AGENT_VARIABLE, context.env.agent.as_ref()?.to_string_lossy().into_owned())));
    match agent {
        Some((place, agent)) if !is_agent(&agent) => {
            Err(context.stop(&w.no_agent(place), Some(&w.agent_help(MAX_AGENT))))
        }
        agent => Ok(agent.map(|(_, agent)| agent)),
    }
}

/// Loads everything that the prompter needs.
///
/// # Errors
/// If arguments can't be used, or name missing settings.
pub fn start(context: Context) -> Result<Start, Stop> {
    let words = context.words();
    let until = Instant::now() + files::PATIENCE;
    let mut notices: Vec<String> = Vec::new();
    let mut troubles: Vec<(Subject, String)> = Vec::new();
    if let Some(bad) = &context.settings_trouble {
        let named = matches!(context.settings_file.why, Why::Flag | Why::Env);
        if named && matches!(bad, FileError::Unreadable(_)) && !bad.is_late() {
            return Err(context.bad(bad));
        }
        troubles.push((Subject::Settings, settings_line(bad, words)));
    }
    troubles.extend(context.journal_trouble().map(|line| (Subject::JournalPlace, line)));
    let at = moment::at(&context)?;
    let today = moment::today(at);
    // Both are read concurrently, with one time limit.
    let reading = files::begin_reading(context.rules_named(), context.folders.clone());
    let folders = context.folders.clone();
    let state = deadline::begin(move || saved_state::load(&folders));
    let (chosen, mut ready) = files::always(reading, &context.folders, today, until);
    let zone = zone(&context, &ready.loaded, &mut notices)?;
    let clock = at.map_or_else(Clock::system, |at| Clock::showing(at.instant(ready.loaded.rules.zones[zone].offset)));
    // State that arrives late is applied when it does.
    let (shift, lost) = state.by(until.max(Instant::now() + MIN_STATE_WAIT)).unwrap_or_default();
    notices.extend(lost.map(|lost| lost.describe(words)));
    // The previous rules were checked when they started.
    let is_new =
        matches!(ready.loaded.origin, Origin::File(_)) && shift.rules_sha256.as_deref() != Some(ready.loaded.sha256());
    let loaded = Arc::new(ready.loaded);
    let panic = if is_new { rehearse(&loaded, context.lang).err() } else { None };
    ready.loaded = match &panic {
        None => Arc::unwrap_or_clone(loaded),
        Some(_) => files::before(&context.folders, today),
    };
    let bad = ready.bad.as_ref().map(|bad| bad.notice(words));
    let bad = bad.or_else(|| panic.map(|panic| untried(chosen.path.as_deref(), &panic, words)));
    let rules_trouble = bad.as_ref().map(|bad| trouble(&context, bad, &ready.loaded));
    notices.extend(ready.waiting.as_ref().map(|loaded| waiting_notice(loaded, words)));
    notices.extend(expiry_notice(&ready.loaded, today, words));
    // Fallback rules are not a new revision.
    let revision = &ready.loaded.rules.sop.revision;
    let mut previous_rules = None;
    if bad.is_none() && shift.revision.as_ref().is_some_and(|seen| seen != revision) {
        notices.push(words.notice.revision_changed(revision));
        previous_rules = self::previous_rules(&context, &shift, today);
    }
    let watch = match chosen.why {
        Why::Flag | Why::Env | Why::Settings => chosen.path.clone().into_iter().collect(),
        Why::Fleet | Why::Folder | Why::BuiltIn => {
            context.folders.rules_looked_for().into_iter().map(|(_, path)| path).collect::<Vec<_>>()
        }
    };
    let spill = context.spill();
    Ok(Start {
        plain_mode: false,
        agent: None,
        troubles,
        at: watch.iter().position(|path| Some(path) == chosen.path.as_ref()).unwrap_or(watch.len().saturating_sub(1)),
        rules_trouble,
        complaint: bad,
        watch,
        lang: context.lang,
        zone,
        clock,
        shift,
        previous_rules,
        journal: context.settings.journal.enabled.then(|| context.journal()).flatten().map(|path| Config {
            path,
            days: context.settings.journal.days,
            seat: context.settings.seat.clone(),
            named_at: context.journal_at,
            spill,
        }),
        settings_file: context.settings_file.path,
        notice: (!notices.is_empty()).then(|| notices.join(" · ")),
        loaded: Arc::new(ready.loaded),
        waiting: ready.waiting.map(Arc::new),
        settings: context.settings,
        folders: context.folders,
    })
}

/// What is wrong with the settings, and what is in force meanwhile.
fn settings_line(bad: &FileError, words: &Words) -> String {
    words.trouble.settings_bad(bad.place_and_why(words))
}

/// Disables core dumps, which would contain customers' names: none is written, and none is passed to a crash handler.
fn without_core_dumps() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        // If the system refuses this, there is nothing else to do.
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    }
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

/// The rules that were in use in the last run, if still available: the last good copy, or the embedded ones.
fn previous_rules(context: &Context, shift: &SavedState, today: NaiveDate) -> Option<Arc<LoadedRules>> {
    let seen = |loaded: &LoadedRules| shift.rules_sha256.as_deref() == Some(loaded.sha256());
    let folders = context.folders.clone();
    let copy = deadline::within(files::COPY_PATIENCE, move || files::load_last_good(&folders, today)).flatten();
    let copy = copy.filter(seen);
    copy.or_else(|| Some(LoadedRules::built_in()).filter(seen)).map(Arc::new)
}

/// Why the rules in use are not the requested ones, and which they are.
fn trouble(context: &Context, bad: &str, loaded: &LoadedRules) -> String {
    let w = &context.words().notice;
    let revision = &loaded.rules.sop.revision;
    if matches!(loaded.origin, Origin::LastGood(_)) {
        w.using_last_good(revision, bad)
    } else {
        w.using_built_in(revision, bad)
    }
}

/// This seat's zone. A zone in the settings that the rules don't have must not keep a CSO from work.
fn zone(context: &Context, loaded: &LoadedRules, notices: &mut Vec<String>) -> Result<usize, Stop> {
    match (moment::zone(context, &loaded.rules), &context.common.zone, &context.settings.zone) {
        (Err(_), None, Some(asked)) => {
            notices.push(context.words().trouble.zone_unknown(loaded.rules.zones[0].id.as_str(), asked));
            Ok(0)
        }
        (zone, ..) => zone,
    }
}
