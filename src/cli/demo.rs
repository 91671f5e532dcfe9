//! `penutup demo [DECK]`: plays a deck on the prompter's screen, for a class; `--notes` prints the trainer's page.

mod notes;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::NaiveDate;
use clap::Args;

use super::VerbOutput;
use super::{Colours, Context, Stop, is_dumb, moment};
use crate::diagnostics::{listed, outside, shown, suggest};
use crate::drill::captions::{PlayableScenes, playable_scenes};
use crate::drill::deck::{self, Deck};
use crate::drill::show::Show;
use crate::files::{self, FileError, practice};
use crate::loaded::{LoadedRules, Refused};
use penutup_system::folders::exists_or_unreadable;

use crate::tui::practice::present;
use crate::words::Words;

/// `penutup demo [DECK]`.
#[derive(Debug, Args)]
pub struct Demo {
    /// A deck: a file, or a name in the folder of decks.
    pub deck: Option<PathBuf>,
    /// The trainer's page instead of the presentation.
    #[arg(long)]
    pub notes: bool,
    /// Where the page is written.
    #[arg(long, value_name = "FILE", requires = "notes")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub colours: Colours,
}

/// Plays it.
///
/// # Errors
/// If there is no terminal, or a deck, rules or arguments can't be used.
pub fn run(demo: &Demo, context: &Context) -> Result<VerbOutput, Stop> {
    let words = context.words();
    let path = demo.deck.as_deref().map(|asked| found(asked, context)).transpose()?;
    if demo.notes {
        super::drill::refuse_unusable(demo.out.as_deref(), context)?;
    } else if !super::has_screen() {
        return Err(Stop(format!("{}\n", words.demo.no_terminal)));
    } else if is_dumb() {
        return Err(Stop(format!("{}\n", words.plain.full_screen_demo)));
    }
    context.sound_settings()?;
    let at = moment::at(context)?;
    let today = moment::today(at);
    let ready = files::load_in_force(&context.rules_file(), &context.folders, today);
    let loaded = ready.map_err(|bad| context.bad(&bad))?.loaded;
    let zone = moment::zone(context, &loaded.rules)?;
    let loaded = Arc::new(loaded);
    let (title, sorted) = deck(path, &loaded, zone, today, context)?;
    let left_out = left_out(&sorted.left_out, words);
    let show = Show::new(loaded, context.lang, zone, today, title, sorted.scenes);
    let Some(mut show) = show.map(|show| show.without(sorted.left_out)) else {
        return Err(context.stop(&(left_out + words.demo.no_scenes), Some(words.demo.no_scenes_help)));
    };
    if demo.notes {
        return Ok(VerbOutput::done(notes::page(show)).into_file(demo.out.as_deref(), context));
    }
    let theme = demo.colours.theme(&context.settings);
    match present(&mut show, theme) {
        Ok(end) => {
            end.die();
            // Repeated on standard error: the presentation's screen is gone.
            Ok(VerbOutput::done(left_out))
        }
        Err(e) => Err(Stop(format!("{}\n", words.cli.terminal_failed(outside::reason(&e, words))))),
    }
}

/// One line about the skipped scenes.
fn left_out(titles: &[String], words: &Words) -> String {
    if titles.is_empty() {
        return String::new();
    }
    let names = listed(titles.iter().map(String::as_str), &words.problem);
    words.demo.left_out(titles.len(), &names) + "\n"
}

/// The requested deck, its scenes checked against the rules. A scene of the embedded deck that names something these
/// rules lack is skipped; in the user's own deck it is an error.
fn deck(
    path: Option<PathBuf>,
    loaded: &Arc<LoadedRules>,
    zone: usize,
    day: NaiveDate,
    context: &Context,
) -> Result<(String, PlayableScenes), Stop> {
    let Some(path) = path else {
        let deck = Deck::built_in();
        let sorted = playable_scenes(&deck, loaded, zone, day);
        return Ok((deck.title, sorted));
    };
    let source = files::read(&path).map_err(|e| context.bad(&FileError::Unreadable(e)))?;
    let checked = deck::read(&source).and_then(|deck| {
        let sorted = playable_scenes(&deck, loaded, zone, day);
        if sorted.problems.is_empty() { Ok((deck.title, sorted)) } else { Err(sorted.problems) }
    });
    checked.map_err(|problems| context.bad(&FileError::Refused { path, refused: Refused { source, problems } }))
}

fn found(asked: &Path, context: &Context) -> Result<PathBuf, Stop> {
    if exists_or_unreadable(asked) {
        return Ok(asked.into());
    }
    let folder = practice::decks(&context.folders);
    // A file name, not a path out of the folder.
    let is_name = asked.components().count() == 1 && asked.file_name().is_some();
    let named = folder.filter(|_| is_name).map(|folder| {
        let file = folder.join(asked);
        if asked.extension().is_some_and(|e| e.eq_ignore_ascii_case("toml")) {
            file
        } else {
            file.with_extension("toml")
        }
    });
    if let Some(path) = named.filter(|path| exists_or_unreadable(path)) {
        return Ok(path);
    }
    let w = &context.words().demo;
    let name = asked.to_string_lossy();
    let all = practice::deck_names(&context.folders);
    let help = if all.is_empty() {
        w.no_decks.to_owned()
    } else {
        suggest(&name, all.iter().map(String::as_str), &context.words().problem)
    };
    Err(context.stop(&w.no_deck(shown(&name)), Some(&help)))
}
