//! `penutup-fleet provision`: from the fleet's file everything that its server, its seats, its supervisors and its centre
//! need, into one folder; and the streams on the server.

pub mod certificates;
pub mod fleet;
pub mod keys;
pub mod output;
pub mod programs;
pub mod server;
pub mod streams;
pub mod units;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use clap::Args;
use penutup::diagnostics::outside;
use penutup::files::shown_path;
use penutup::words::Lang;

use crate::config::center::Center;
use crate::fail::{Fail, Status};
use crate::link::Link;
use crate::wire::SCHEMA;
use crate::wire::name::Name;
use crate::words::words;
use fleet::Fleet;
use keys::Keys;
use output::{Done, Manifest, Output, Plan, Refused};
use programs::Program;
use streams::{Became, Outcome};

/// Writes everything that the server, the seats, the supervisors and the centre need.
#[derive(Debug, Args)]
pub struct Provision {
    /// The fleet's file.
    file: PathBuf,
    /// The folder to write into; one of its own.
    folder: PathBuf,
    /// Also makes or raises the streams on the running server, as its admin.
    #[arg(long)]
    streams: bool,
    /// Makes somebody's keys anew: a seat's `site/seat`, a supervisor's or a program's name.
    #[arg(long, value_name = "WHO")]
    renew: Vec<String>,
}

/// What a run made.
#[derive(Debug)]
pub struct Made {
    /// The files.
    pub done: Done,
    /// How many keys were made.
    pub keys: usize,
    /// How many seeds are no longer in the folder.
    pub away: usize,
    /// Who was there before and is no longer in the fleet's file: their seeds' paths.
    pub removed: Vec<String>,
    /// The sites that were not there before, in a folder that was.
    pub new_sites: Vec<Name>,
    /// The certificates that were made, and their last days.
    pub certificates: Vec<(String, String)>,
}

/// Runs the verb.
///
/// # Errors
/// Why it could not be done.
pub fn run(args: &Provision, lang: Lang) -> Result<Status, Fail> {
    let fleet = Fleet::read(&args.file, lang)?;
    let made = make(&fleet, &args.folder, &args.renew, Utc::now(), lang)?;
    let mut told = tell(&fleet, &args.folder, &made, lang);
    let mut ended = Ok(Status::Done);
    if args.streams {
        match streams_of(&fleet, &args.folder, lang) {
            Ok(outcomes) => tell_streams(&mut told, &outcomes, lang),
            Err(fail) => ended = Err(fail),
        }
    }
    // Whoever can't be told learns it from the status.
    let _ = std::io::stdout().write_all(told.as_bytes());
    ended
}

/// Writes the folder.
///
/// # Errors
/// Why nothing was written, or not all.
pub fn make(fleet: &Fleet, folder: &Path, renew: &[String], now: DateTime<Utc>, lang: Lang) -> Result<Made, Fail> {
    let folder = std::path::absolute(folder).map_err(|e| refused(Refused::Io(folder.to_owned(), e), lang))?;
    nobody_else(fleet, renew, lang)?;
    let output = Output::open(&folder).map_err(|why| refused(why, lang))?;
    if let Some(known) = output.known().filter(|known| known.fleet != fleet.name.as_str()) {
        let other = penutup::diagnostics::shown(&known.fleet);
        return Err(Fail::new(words(lang).provision.other_fleet(other, shown_path(&folder))));
    }
    let mut plan = Plan::default();
    let (keys, signing) = make_keys(fleet, &output, renew, &mut plan, lang)?;
    let certificate =
        if fleet.server.tls { Some(certificates::make(fleet, &output, &mut plan, now, lang)?) } else { None };
    programs::write(fleet, &signing, certificate.as_ref().map(|made| made.ca.as_str()), &mut plan);
    units::write(fleet, &mut plan);
    plan.text("trust.toml", programs::trust(fleet, &signing).to_text());
    for node in fleet.nodes() {
        let own = node.folder();
        plan.text(format!("{own}/nats.conf"), server::main_file(fleet, &node, &folder.join(&own)));
        plan.text(format!("{own}/accounts.conf"), server::accounts_file(fleet, &node, &keys.public));
    }

    let known_keys = output.known().map(|known| known.keys.clone()).unwrap_or_default();
    let is_known = |site: &fleet::Site| {
        let seats = format!("seats/{}/", site.id);
        known_keys.is_empty() || known_keys.keys().any(|path| path.starts_with(&seats))
    };
    let new_sites = fleet.sites.iter().filter(|site| !is_known(site)).map(|site| site.id.clone()).collect();
    let removed: Vec<String> = known_keys.into_keys().filter(|path| !keys.public.contains_key(path)).collect();
    for path in &removed {
        plan.remove(path.clone());
    }
    let next = Manifest {
        schema: SCHEMA,
        fleet: fleet.name.to_string(),
        certificates: certificate.as_ref().map_or_else(BTreeMap::new, |made| made.certificates.clone()),
        keys: keys.public,
        files: BTreeMap::new(),
    };
    let done = output.apply(&plan, next).map_err(|why| refused(why, lang))?;
    let certificates = certificate.map(|made| made.new).unwrap_or_default();
    Ok(Made { done, keys: keys.made, away: keys.away, removed, new_sites, certificates })
}

/// Everybody's keys, and the supervisors' public signing keys in their order.
fn make_keys<'o>(
    fleet: &Fleet,
    output: &'o Output,
    renew: &'o [String],
    plan: &mut Plan,
    lang: Lang,
) -> Result<(Keys<'o>, Vec<String>), Fail> {
    let mut keys = Keys::new(output, renew, lang);
    for site in &fleet.sites {
        for seat in &site.seats {
            keys.of(&format!("{}/{seat}", site.id), programs::seed_of_seat(&site.id, seat), plan)?;
        }
    }
    let mut signing = Vec::new();
    for one in &fleet.supervisors {
        keys.of(one.id.as_str(), programs::seed_of_supervisor(&one.id), plan)?;
        signing.push(keys.of(one.id.as_str(), programs::sign_of_supervisor(&one.id), plan)?);
    }
    for program in Program::ALL {
        keys.of(program.name(), programs::seed_of_program(program), plan)?;
    }
    Ok((keys, signing))
}

/// A name to renew that is nobody's would look as if it had been done.
fn nobody_else(fleet: &Fleet, renew: &[String], lang: Lang) -> Result<(), Fail> {
    let is_known = |who: &str| {
        let is_seat = |(site, seat): (&str, &str)| {
            fleet.sites.iter().any(|s| s.id.as_str() == site && s.seats.iter().any(|s| s.as_str() == seat))
        };
        who.split_once('/').is_some_and(is_seat)
            || fleet.supervisors.iter().any(|one| one.id.as_str() == who)
            || Program::ALL.iter().any(|program| program.name() == who)
    };
    match renew.iter().find(|who| !is_known(who)) {
        None => Ok(()),
        Some(who) => Err(Fail::new(words(lang).provision.nobody(penutup::diagnostics::shown(who)))),
    }
}

fn refused(why: Refused, lang: Lang) -> Fail {
    let w = &words(lang).provision;
    match why {
        Refused::Foreign(path) => Fail::new(w.foreign(shown_path(&path))).help(w.foreign_help),
        Refused::Changed(path) => Fail::new(w.changed(shown_path(&path))).help(w.changed_help),
        Refused::Busy(path) => Fail::new(w.busy(shown_path(&path))),
        Refused::NoManifest(path) => Fail::new(w.no_manifest(shown_path(&path))),
        Refused::Io(path, error) => {
            let why = outside::reason(&error, lang.words());
            Fail::new(w.unwritable(shown_path(&path), &why))
        }
    }
}

/// Makes or raises the streams as the folder's admin, on each server.
fn streams_of(fleet: &Fleet, folder: &Path, lang: Lang) -> Result<Vec<Outcome>, Fail> {
    let path = folder.join("center/admin/center.toml");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Fail::new(error.to_string()))?;
    runtime.block_on(async {
        let mut out = Vec::new();
        for node in fleet.nodes() {
            let addresses = node.server.addresses();
            // They were checked when the fleet's file was read.
            let servers = addresses.iter().filter_map(|address| address.parse().ok()).collect();
            let link = Link { servers, ..Center::read(&path, lang)?.link };
            out.extend(streams::ensure(link.connect(lang).await?, fleet, &node, lang).await?);
        }
        Ok(out)
    })
}

fn tell(fleet: &Fleet, folder: &Path, made: &Made, lang: Lang) -> String {
    let w = &words(lang).provision;
    let mut out = String::new();
    // A write to a string can't fail.
    let mut line = |text: String| _ = writeln!(out, "{text}");
    line(w.wrote(shown_path(folder), fleet.seats(), fleet.sites.len(), fleet.supervisors.len()));
    let Done { new, changed, same, removed, left } = &made.done;
    line(w.files(changed.len(), new, removed, same));
    if made.keys > 0 {
        line(w.keys(made.keys));
    }
    if made.away > 0 {
        line(w.away(made.away));
    }
    for path in &made.removed {
        line(w.removed(path));
    }
    for path in left {
        line(w.left(path));
    }
    for (path, until) in &made.certificates {
        line(w.certificate_until(path, until));
    }
    for node in fleet.nodes() {
        let disk = streams::room(fleet, &node).div_ceil(1 << 20).to_string();
        line(w.room(disk, node.folder()));
    }
    for node in fleet.nodes() {
        let own = format!("{}/", node.folder());
        let files: Vec<_> = changed.iter().filter_map(|path| path.strip_prefix(&own)).collect();
        // What stands in there a running server takes in part or not at all, and refuses the rest with it; a new account
        // 2.9 takes without what it imports.
        let is_new = node.sites.iter().any(|site| made.new_sites.contains(&site.id));
        if files.is_empty() {
            continue;
        }
        let listed = files.join(", ");
        let restarts = is_new || files.contains(&"nats.conf");
        line(if restarts { w.restart(listed, node.folder()) } else { w.reload(listed, node.folder()) });
    }
    out
}

fn tell_streams(out: &mut String, outcomes: &[Outcome], lang: Lang) {
    let w = &words(lang).provision;
    for Outcome { server, stream, became, stronger } in outcomes {
        let stream = &format!("{server}/{stream}");
        let text = match became {
            Became::Made => w.stream_made(stream),
            Became::Raised(what) => w.stream_raised(stream, what.join(", ")),
            Became::Same => w.stream_same(stream),
        };
        let _ = writeln!(out, "{text}");
        if !stronger.is_empty() {
            let _ = writeln!(out, "{}", w.stream_stronger(stream, stronger.join(", ")));
        }
    }
}
