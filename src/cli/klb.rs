//! `penutup klb on|off`: a supervisor declares KLB, or lifts it, for every prompter that watches the same folder.

use clap::{Args, ValueEnum};

use super::VerbOutput;
use super::{Context, Stop, moment};
use crate::clock::Clock;
use crate::declaration::{Declaration, KLB, State};
use crate::loaded::LoadedRules;

use crate::diagnostics::outside;
use crate::files::broadcast::declare;
use crate::files::{declaration_in, load_in_force, shown_path};

use crate::rules::text::is_blank;
use penutup_cli_kit::moment::until;

/// `penutup klb on|off`.
#[derive(Debug, Args)]
pub struct Klb {
    /// On or off.
    #[arg(value_enum)]
    pub state: Switch,
    /// Until when.
    #[arg(long, value_name = "AT")]
    pub until: Option<String>,
    /// Why.
    #[arg(long)]
    pub reason: Option<String>,
    /// By whom.
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// Declared.
    On,
    /// Lifted.
    Off,
}

/// Runs the verb.
///
/// # Errors
/// If arguments or settings can't be used, or the folder can't be written.
pub fn run(klb: &Klb, context: &Context) -> Result<VerbOutput, Stop> {
    let w = &context.words().klb;
    let settings = context.sound_settings()?;
    let Some(folder) = &settings.broadcast else { return Err(context.stop(w.no_folder, Some(w.no_folder_help))) };
    let reason = klb.reason.clone().filter(|reason| !is_blank(reason));
    match (klb.state, &reason, &klb.until) {
        (Switch::On, None, _) => return Err(context.stop(w.no_reason, Some(w.no_reason_help))),
        (Switch::Off, _, Some(_)) => return Err(context.stop(w.until_off, Some(w.until_off_help))),
        _ => {}
    }
    // A supervisor's broken rules must not prevent a declaration: only the zone is read from them.
    let today = moment::today(moment::at(context)?);
    let loaded = load_in_force(&context.rules_file(), &context.folders, today)
        .map_or_else(|_| LoadedRules::built_in(), |ready| ready.loaded);
    let offset = loaded.rules.zones[moment::zone(context, &loaded.rules)?].offset;
    let now = moment::at(context)?.map_or_else(Clock::system, |at| Clock::showing(at.instant(offset))).now();
    let reason = reason.map(|text| penutup_cli_kit::klb::reason(&text, context.words())).transpose();
    let reason = reason.map_err(|error| context.arg_error(&error))?;
    let until = klb.until.as_deref().map(|text| until(text, now, offset, context.words())).transpose();
    let until = until.map_err(|error| context.arg_error(&error))?;
    let by = klb.by.clone().filter(|by| !is_blank(by)).or_else(|| settings.seat.clone()).or_else(user);
    let state = if klb.state == Switch::On { State::On } else { State::Off };
    let make = |version| {
        Declaration { version, fact: KLB.into(), state, value: None, since: now, until, by, why: reason }.tidied()
    };
    let path = shown_path(&declaration_in(folder));
    // The version comes from the system's clock, whatever --at shows.
    let declared = declare(folder, Clock::system().now(), make).map_err(|e| {
        context.stop(&context.words().trouble.cannot_write(&path, &*outside::reason(&e, context.words())), None)
    })?;
    let version = declared.broadcast.version;
    let banner = penutup_cli_kit::klb::banner(&declared.broadcast, &loaded.rules, now, offset, context.words());
    let zone = crate::times::zone_name(offset, &loaded.rules);
    let text =
        if klb.state == Switch::On { w.on(banner, path, version, zone) } else { w.off(banner, path, version, zone) };
    let mut answer = VerbOutput::done(text + "\n");
    if declared.replaced_unusable {
        answer.err = w.replaced.to_owned() + "\n";
    }
    Ok(answer)
}

/// The operating system's user name.
fn user() -> Option<String> {
    ["USER", "USERNAME"].into_iter().find_map(|name| std::env::var(name).ok().filter(|user| !is_blank(user)))
}
