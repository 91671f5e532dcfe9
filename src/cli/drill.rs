//! `penutup drill`: practice and exam on a terminal; `--list`, `--cards` and `--class` without one.

mod cards;
mod class;
mod list;
pub mod sheet;

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};

use super::VerbOutput;
use super::{Colours, Context, Status, Stop, is_dumb, moment};
use crate::clock::Clock;
use crate::diagnostics::{self, outside, shown};
use crate::drill::card::Card;
use crate::drill::generate::{CardGenerator, Coverage, full_coverage};
use crate::drill::grade::ExerciseKind;
use crate::drill::session::{Session, Setup};
use crate::drill::sheet::{csv, is_trainee_id};
use crate::drill::since;
use crate::drill::story::{self, Stories};
use crate::files::{self, FileError, practice, shown_path};
use crate::loaded::{LoadedRules, Refused};
use crate::rules::RuleSet;
use crate::tui::practice::practise;
use crate::words::Words;

/// The percentage that must be right by default.
const PASS: u8 = 90;
/// The most cards in one session.
const MOST: i64 = 1000;

/// `penutup drill`.
#[derive(Debug, Args)]
pub struct Drill {
    /// The kind of exercise.
    #[arg(long, value_enum)]
    pub way: Option<ExerciseKind>,
    /// The seed of the cards.
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// How many cards.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=MOST), conflicts_with = "exam")]
    pub count: Option<u16>,
    /// The trainee's staff id.
    #[arg(long, value_name = "ID")]
    pub trainee: Option<String>,
    /// An exam.
    #[arg(long)]
    pub exam: bool,
    /// The percentage that must be right.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u8).range(1..=100), requires = "exam", conflicts_with_all = ["list", "cards", "class"])]
    pub pass: Option<u8>,
    /// Which rules the stories reach.
    #[arg(long, conflicts_with_all = ["exam", "cards", "way", "seed", "count", "trainee"])]
    pub list: bool,
    /// Cards to print.
    #[arg(long, conflicts_with_all = ["exam", "way", "trainee"])]
    pub cards: bool,
    /// Only what changed since these rules.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["exam", "list", "class"])]
    pub since: Option<PathBuf>,
    /// Result sheets to add up.
    #[arg(long, value_name = "SHEET", num_args = 1.., conflicts_with_all = ["list", "cards", "exam", "way", "seed", "count", "trainee"])]
    pub class: Vec<PathBuf>,
    /// The format of the result sheet.
    #[arg(long, value_enum, conflicts_with_all = ["list", "cards"])]
    pub format: Option<SheetFormat>,
    /// Where the result is written.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub colours: Colours,
}

impl ValueEnum for ExerciseKind {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let value = PossibleValue::new(self.code());
        // Its name in 0.1.0.
        Some(if *self == Self::Blind { value.alias("naskah") } else { value })
    }
}

/// The format of a result sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SheetFormat {
    /// For people.
    Text,
    /// A row per card.
    Csv,
    /// One line of JSON.
    Json,
}

/// What all variants of the verb need.
struct Materials {
    loaded: Arc<LoadedRules>,
    stories: Stories,
    zone: usize,
    clock: Clock,
    /// The rules of before, if only what changed since then is asked.
    since: Option<LoadedRules>,
}

/// Runs the verb.
///
/// # Errors
/// If rules, stories or arguments can't be used, or a needed terminal is missing.
pub fn run(drill: &Drill, context: &Context) -> Result<VerbOutput, Stop> {
    let free = drill.list || drill.cards || !drill.class.is_empty();
    let at_terminal = super::has_screen();
    if !free && !at_terminal {
        return Err(Stop(format!("{}\n", context.words().drillverb.no_terminal)));
    }
    if !free && is_dumb() {
        return Err(Stop(format!("{}\n", context.words().plain.full_screen_drill)));
    }
    refuse_unusable(drill.out.as_deref(), context)?;
    let materials = materials(drill.since.as_deref(), context)?;
    if !drill.class.is_empty() {
        let class = class::run(&drill.class, drill.format, &materials.loaded, context)?;
        return Ok(class.into_file(drill.out.as_deref(), context));
    }
    if drill.list {
        return Ok(list::run(&materials, context).into_file(drill.out.as_deref(), context));
    }
    if let Some(old) = &materials.since
        && changes(old, &materials, context)?.is_empty()
    {
        let (before, now) = (&old.rules.sop.revision, &materials.loaded.rules.sop.revision);
        let out = context.words().drillverb.nothing_changed(shown(now), shown(before)) + "\n";
        return Ok(VerbOutput::done(out).into_file(drill.out.as_deref(), context));
    }
    let seed = drill.seed.unwrap_or_else(|| fresh_seed(Utc::now()));
    if drill.cards {
        return Ok(cards::run(&materials, seed, drill.count, context)?.into_file(drill.out.as_deref(), context));
    }
    on_screen(drill, &materials, seed, context)
}

/// Refuses a file that exists or can't be written, before anything is asked.
pub(super) fn refuse_unusable(path: Option<&Path>, context: &Context) -> Result<(), Stop> {
    let Some(path) = path else { return Ok(()) };
    let tried = File::create_new(path).and_then(|file| {
        drop(file);
        fs::remove_file(path)
    });
    tried.map_err(|error| unwritten(path, &error, context))
}

/// Why a result is not in its file.
fn unwritten(path: &Path, error: &io::Error, context: &Context) -> Stop {
    let words = context.words();
    if error.kind() == ErrorKind::AlreadyExists {
        return context.stop(&words.drillverb.out_exists(shown_path(path)), Some(words.drillverb.out_exists_help));
    }
    context.stop(&words.trouble.cannot_write(&*shown_path(path), &*outside::reason(error, words)), None)
}

/// Writes a file that must not exist: another trainee may have written one of the same name meanwhile. Who may read it is
/// up to the user's own defaults, since a trainer collects the results of others.
fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if written.is_err() {
        // Part of a result must not be taken for one.
        let _ = fs::remove_file(path);
    }
    written
}

fn materials(since: Option<&Path>, context: &Context) -> Result<Materials, Stop> {
    context.sound_settings()?;
    let at = moment::at(context)?;
    let ready = files::load_in_force(&context.rules_file(), &context.folders, moment::today(at));
    let loaded = ready.map_err(|bad| context.bad(&bad))?.loaded;
    let stories = stories(&loaded.rules, context)?;
    let zone = moment::zone(context, &loaded.rules)?;
    let clock = at.map_or_else(Clock::system, |at| Clock::showing(at.instant(loaded.rules.zones[zone].offset)));
    let old = |path: &Path| files::load_file(path, moment::today(at)).map_err(|bad| context.bad(&bad));
    let since = since.map(old).transpose()?;
    Ok(Materials { loaded: Arc::new(loaded), stories, zone, clock, since })
}

/// The embedded stories and, if there are any, the trainer's own.
fn stories(rules: &RuleSet, context: &Context) -> Result<Stories, Stop> {
    let built_in = Stories::built_in();
    let Some(path) = practice::scenarios(&context.folders) else { return Ok(built_in) };
    let source = match files::read(&path) {
        Ok(source) => source,
        Err(e) if e.error.kind() == ErrorKind::NotFound => return Ok(built_in),
        Err(e) => return Err(context.bad(&FileError::Unreadable(e))),
    };
    let own = story::read(&source).and_then(|own| {
        let unknown = own.unknown_names(rules);
        if unknown.is_empty() { Ok(own) } else { Err(unknown) }
    });
    let refused = |problems| context.bad(&FileError::Refused { path, refused: Refused { source, problems } });
    own.map(|own| built_in.with(own)).map_err(refused)
}

/// A random seed, short enough to read aloud; from the real time, since `--at` begins at the same moment every time.
fn fresh_seed(now: DateTime<Utc>) -> u64 {
    u64::from(now.timestamp_subsec_nanos() ^ u32::try_from(now.timestamp() & 0xffff).unwrap_or(0)) % 1_000_000
}

impl VerbOutput {
    /// Writes the result to a file if one is named, and reports it.
    pub(super) fn into_file(self, path: Option<&Path>, context: &Context) -> Self {
        let Some(path) = path else { return self };
        let words = context.words();
        match write_new(path, self.out.as_bytes()) {
            Ok(()) => {
                let out = words.drillverb.written(shown_path(path)) + "\n";
                Self { out, ..self }
            }
            Err(e) => {
                // The answers must not be lost with the file.
                let Stop(err) = unwritten(path, &e, context);
                Self { err: self.err + &err, status: Status::Failed, ..self }
            }
        }
    }
}

/// The staff id in lower case. Names are refused, since sheets are passed on.
fn trainee(id: &str, context: &Context) -> Result<String, Stop> {
    let w = &context.words().drillverb;
    if is_trainee_id(id) {
        return Ok(id.to_ascii_lowercase());
    }
    Err(context.stop(&w.bad_trainee(shown(id)), Some(w.bad_trainee_help)))
}

fn on_screen(drill: &Drill, materials: &Materials, seed: u64, context: &Context) -> Result<VerbOutput, Stop> {
    let (words, rules) = (context.words(), &materials.loaded.rules);
    let trainee = drill.trainee.as_deref().map(|id| trainee(id.trim(), context)).transpose()?;
    let exam = drill.exam.then(|| drill.pass.unwrap_or(PASS));
    let (cards, not_asked) = generate_cards(materials, seed, drill.count, exam, context)?;
    let now = materials.clock.now();
    let mut session = Session::new(Setup {
        loaded: Arc::clone(&materials.loaded),
        stories_sha256: materials.stories.sha256.clone(),
        lang: context.lang,
        home: materials.zone,
        cards,
        not_asked,
        since: materials.since.as_ref().map(|old| shown(&old.rules.sop.revision)),
        seed,
        kind: drill.way.or(drill.exam.then_some(ExerciseKind::Blind)),
        exam,
        trainee,
        day: now.with_timezone(&rules.zones[materials.zone].offset).date_naive(),
        now,
    });
    let end = practise(&mut session, drill.colours.theme(&context.settings), materials.clock)
        .map_err(|e| Stop(format!("{}\n", words.cli.terminal_failed(outside::reason(&e, words)))))?;
    let answer = result(&session, drill, context);
    end.die();
    Ok(answer)
}

/// The cards for a seed, of an exam with this threshold or of practice, and what they could not cover.
fn generate_cards(
    materials: &Materials,
    seed: u64,
    count: Option<u16>,
    exam: Option<u8>,
    context: &Context,
) -> Result<(Vec<Card>, Vec<String>), Stop> {
    let (rules, words) = (&materials.loaded.rules, context.words());
    let generator = CardGenerator::new(rules, &materials.stories);
    let (mut cards, not_asked) = if let Some(old) = &materials.since {
        let coverage = changes(old, materials, context)?;
        let mut set = generator.generate(&coverage, seed);
        let not_asked = since::not_asked(rules, &coverage, &set);
        set.cards.retain(|card| since::has_changed(&old.rules, rules, card));
        (set.cards, not_asked)
    } else {
        let set = match exam {
            Some(pass) => generator.generate_exam(pass, seed),
            None => generator.generate(&full_coverage(rules), seed),
        };
        let not_asked = set.not_asked(rules);
        (set.cards, not_asked)
    };
    cards.truncate(count.map_or(usize::MAX, usize::from));
    if cards.is_empty() {
        return Err(context.stop(&no_cards(&not_asked, words), Some(words.drillverb.no_cards_help)));
    }
    Ok((cards, not_asked))
}

/// What changed since the rules of before.
fn changes(old: &LoadedRules, materials: &Materials, context: &Context) -> Result<Coverage, Stop> {
    let w = &context.words().diff;
    since::coverage(&old.rules, &materials.loaded.rules)
        .ok_or_else(|| context.stop(w.too_entangled, Some(w.too_entangled_help)))
}

/// The message that there are no cards, and what they should have covered.
fn no_cards(not_asked: &[String], words: &Words) -> String {
    let w = &words.drillverb;
    if not_asked.is_empty() {
        return w.no_cards.into();
    }
    format!("{}: {}", w.no_cards, diagnostics::listed(not_asked.iter().map(String::as_str), &words.problem))
}

/// Prints or writes the result sheet of a session.
fn result(session: &Session, drill: &Drill, context: &Context) -> VerbOutput {
    let sheet = session.sheet();
    let no = sheet.exam && !sheet.passed;
    if !sheet.exam && sheet.cards.is_empty() {
        return VerbOutput::done(String::new());
    }
    let text = match drill.format {
        Some(SheetFormat::Json) => sheet.to_json(),
        Some(SheetFormat::Csv) => csv::write(&sheet),
        Some(SheetFormat::Text) | None => sheet::text(session),
    };
    let mut answer = VerbOutput::done(text);
    answer.status = if no { Status::No } else { Status::Done };
    answer.into_file(drill.out.as_deref(), context)
}
