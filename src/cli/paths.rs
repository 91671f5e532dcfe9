//! `penutup paths`: every file and folder in use, and why.

use std::fmt::Write as _;
use std::path::Path;

use chrono::{DateTime, Utc};
use unicode_width::UnicodeWidthStr;

use super::{Context, RULES_VARIABLE, SETTINGS_VARIABLE, moment};

use crate::app::waiting::{expiry_notice, waiting_notice};
use crate::diagnostics::outside;
use crate::files::{Chosen, Ready, Why, load_in_force, practice, shown_path};
use crate::loaded::{LoadedRules, Origin};

use super::VerbOutput;

use penutup_ipc::socket_dir::SocketDir;
use penutup_system::folders::exists_or_unreadable;

/// Name, path, reason.
type Row = (&'static str, String, String);

/// Prints them.
pub fn run(context: &Context) -> VerbOutput {
    let w = &context.words().paths;
    let d = &context.words().drillverb;
    let folders = &context.folders;
    let by_home = context.home_variable().map(|variable| w.why_env(variable));
    let by_home = by_home.as_deref().unwrap_or_default();
    let mut rows = vec![
        rules(context),
        settings(context),
        place(context, w.config_folder, folders.config.as_deref(), by_home),
        place(context, w.state_folder, folders.state.as_deref(), by_home),
        place(context, w.last_good, folders.last_good().as_deref(), w.for_last_good),
        place(context, w.shift, folders.shift().as_deref(), w.for_shift),
        place(context, w.last_good_settings, folders.last_good_settings().as_deref(), w.for_last_good_settings),
        journal(context),
        place(context, w.log, folders.log().as_deref(), w.for_log),
        socket(context),
        place(context, d.place_stories, practice::scenarios(folders).as_deref(), d.for_stories),
        place(context, d.place_decks, practice::decks(folders).as_deref(), d.for_decks),
    ];
    let b = &context.words().broadcast;
    rows.push(match &context.settings.broadcast {
        Some(folder) => place(context, b.place, Some(folder), b.for_place),
        None => (b.place, w.none.into(), b.not_named.into()),
    });
    // Only if an agent is or was installed.
    if let Some(folder) = folders.broadcast().filter(|folder| exists_or_unreadable(folder)) {
        rows.push(place(context, w.fleet_folder, Some(&folder), w.for_fleet));
    }
    VerbOutput::done(aligned(&rows))
}

fn journal(context: &Context) -> Row {
    let w = &context.words().journal;
    let purpose = if context.settings.journal.enabled { w.for_journal } else { w.not_kept };
    place(context, w.place, context.journal().as_deref(), purpose)
}

fn socket(context: &Context) -> Row {
    let w = &context.words().phone;
    let there = SocketDir::of(&context.folders);
    let (what, path, purpose) = place(context, w.place, there.as_ref().map(SocketDir::folder), w.for_place);
    let trouble = there.and_then(|there| there.check().err()).filter(penutup_system::error::is_foreign);
    (what, path, with_trouble(context, purpose, trouble.map(|e| outside::reason(&e, context.words()))))
}

fn rules(context: &Context) -> Row {
    let w = &context.words().paths;
    let chosen = context.rules_file();
    let own = context.folders.rules();
    let why = why(context, &chosen, ("--rules", RULES_VARIABLE), own.as_deref());
    let path = path_of(&chosen, w.built_in_rules);
    match load_in_force(&chosen, &context.folders, moment::today(None)) {
        Err(bad) => (w.rules, path, with_trouble(context, why, Some(bad.place_and_why(context.words())))),
        Ok(Ready { loaded, waiting: Some(waiting), .. }) => {
            let parts = [Some(why), Some(waiting_notice(&waiting, context.words())), there_since(context, &waiting)];
            let parts: Vec<String> = parts.into_iter().flatten().chain([with_in_force(context, &loaded)]).collect();
            (w.rules, path, parts.join("; "))
        }
        Ok(Ready { loaded, .. }) => {
            let expires = expiry_notice(&loaded, moment::today(None), context.words());
            (w.rules, path, [Some(why), expires].into_iter().flatten().collect::<Vec<_>>().join("; "))
        }
    }
}

fn settings(context: &Context) -> Row {
    let w = &context.words().paths;
    let chosen = &context.settings_file;
    let own = context.folders.settings();
    let why = why(context, chosen, ("--settings", SETTINGS_VARIABLE), own.as_deref());
    let bad = context.settings_trouble.as_ref().map(|bad| bad.place_and_why(context.words()));
    (w.settings, path_of(chosen, w.built_in_settings), with_trouble(context, why, bad))
}

/// The file's modification time, in its rules' first zone.
fn there_since(context: &Context, loaded: &LoadedRules) -> Option<String> {
    let Origin::File(path) = &loaded.origin else { return None };
    let changed: DateTime<Utc> = std::fs::metadata(path).ok()?.modified().ok()?.into();
    let zone = loaded.rules.zones.first();
    let words = context.words();
    let time = format!("%d/%m/%Y %H{}%M", words.screen.time_dot);
    let since = format!("{} {}", changed.with_timezone(&zone.offset).format(&time), zone.id);
    Some(words.paths.there_since(&since))
}

/// The rules in force while other rules wait for their first day.
fn with_in_force(context: &Context, loaded: &LoadedRules) -> String {
    let w = &context.words().paths;
    let from = match &loaded.origin {
        Origin::BuiltIn => w.built_in_rules.to_owned(),
        Origin::File(path) | Origin::LastGood(path) => shown_path(path),
    };
    w.until_then(&from, &loaded.rules.sop.revision)
}

fn path_of(chosen: &Chosen, built_in: &str) -> String {
    chosen.path.as_deref().map_or_else(|| built_in.into(), shown_path)
}

fn with_trouble(context: &Context, why: String, trouble: Option<String>) -> String {
    match trouble {
        Some(trouble) => format!("{why}; {}", context.words().paths.broken(&trouble)),
        None => why,
    }
}

fn why(context: &Context, chosen: &Chosen, names: (&str, &str), own: Option<&Path>) -> String {
    let w = &context.words().paths;
    match chosen.why {
        Why::Flag => w.why_flag(names.0),
        Why::Env => w.why_env(names.1),
        Why::Settings => w.why_settings.into(),
        Why::Fleet => w.why_fleet.into(),
        Why::Folder => w.why_folder.into(),
        Why::BuiltIn => own.map_or_else(|| w.no_home.into(), |own| w.why_built_in(shown_path(own))),
    }
}

fn place(context: &Context, what: &'static str, path: Option<&Path>, purpose: &str) -> Row {
    let w = &context.words().paths;
    let Some(path) = path else { return (what, w.none.into(), w.no_home.into()) };
    let missing = if exists_or_unreadable(path) { "" } else { w.missing };
    let note: Vec<&str> = [missing, purpose].into_iter().filter(|n| !n.is_empty()).collect();
    (what, shown_path(path), note.join("; "))
}

/// Aligned columns; the last one is in parentheses.
fn aligned(rows: &[Row]) -> String {
    let widest = |of: fn(&Row) -> &str| rows.iter().map(|row| of(row).width()).max().unwrap_or(0);
    let (first, second) = (widest(|r| r.0), widest(|r| &r.1));
    rows.iter().fold(String::new(), |mut out, (what, path, note)| {
        let pad = |text: &str, to: usize| " ".repeat(to - text.width());
        let note = if note.is_empty() { String::new() } else { format!("{}  ({note})", pad(path, second)) };
        let _ = write!(out, "{what}{}  {path}{note}", pad(what, first));
        out.push('\n');
        out
    })
}
