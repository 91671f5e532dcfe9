//! `penutup-fleet provision`: writes everything that the servers, seats, supervisors and the centre need into one folder,
//! from the fleet's file; and creates the streams on the servers.

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
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use clap::Args;
use penutup_cli_kit::diagnostics::outside;
use penutup_cli_kit::diagnostics::shown;
use penutup_cli_kit::files::shown_path;
use penutup_cli_kit::words::Lang;

use crate::cli::{block_on, print};
use crate::config::center::Center;
use crate::error::{CliError, ExitStatus};
use crate::link::Link;
use crate::wire::SCHEMA;
use crate::wire::name::Name;
use crate::words::words;
use fleet::Fleet;
use keys::Keys;
use output::{Changes, Manifest, Output, OutputError, Plan};
use programs::Program;
use streams::{StreamChange, StreamOutcome};

/// `penutup-fleet provision`.
#[derive(Debug, Args)]
pub struct Provision {
    /// The fleet's file.
    file: PathBuf,
    /// The folder to write into, used for nothing else.
    folder: PathBuf,
    /// Also create or raise the streams on the running servers.
    #[arg(long)]
    streams: bool,
    /// Replace keys: of a seat (`site/seat`), a supervisor, or a program.
    #[arg(long, value_name = "WHO")]
    renew: Vec<String>,
}

/// What a run changed.
#[derive(Debug)]
pub struct Provisioned {
    pub files: Changes,
    /// New keys.
    pub keys: usize,
    /// Seeds that were taken out of the folder.
    pub absent_seeds: usize,
    /// The seed paths of identities that are no longer in the fleet's file.
    pub removed: Vec<String>,
    /// Sites that were added to an existing fleet.
    pub new_sites: Vec<Name>,
    /// New certificates with their last days.
    pub certificates: Vec<(String, String)>,
}

pub fn run(args: &Provision, lang: Lang) -> Result<ExitStatus, CliError> {
    let fleet = Fleet::read(&args.file, lang)?;
    let provisioned = provision(&fleet, &args.folder, &args.renew, Utc::now(), lang)?;
    print(&render(&fleet, &args.folder, &provisioned, lang), lang)?;
    if args.streams {
        let streams = block_on(lang, ensure_streams(&fleet, &args.folder, lang))?;
        print(&render_streams(&streams, lang), lang)?;
    }
    Ok(ExitStatus::Done)
}

/// Writes the folder.
pub fn provision(
    fleet: &Fleet,
    folder: &Path,
    renew: &[String],
    now: DateTime<Utc>,
    lang: Lang,
) -> Result<Provisioned, CliError> {
    let folder = std::path::absolute(folder).map_err(|e| output_error(OutputError::Io(folder.to_owned(), e), lang))?;
    check_renew(fleet, renew, lang)?;
    let output = Output::open(&folder).map_err(|why| output_error(why, lang))?;
    if let Some(known) = output.known().filter(|known| known.fleet != fleet.name.as_str()) {
        let other = shown(&known.fleet);
        return Err(CliError::new(words(lang).provision.other_fleet(other, shown_path(&folder))));
    }
    let mut plan = Plan::default();
    let (keys, signing) = make_keys(fleet, &output, renew, &mut plan, lang)?;
    let certificates = certificates::ensure(fleet, &output, &mut plan, now, lang)?;
    programs::write(fleet, &signing, certificates.ca.as_deref(), &mut plan);
    units::write(fleet, &mut plan);
    plan.add("trust.toml", programs::trust(fleet, &signing).to_toml());
    for node in fleet.nodes() {
        let own = node.folder();
        plan.add(format!("{own}/nats.conf"), server::main_file(fleet, &node, &folder.join(&own)));
        plan.add(format!("{own}/accounts.conf"), server::accounts_file(fleet, &node, &keys.public));
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
        certificates: certificates.certificates,
        keys: keys.public,
        files: BTreeMap::new(),
    };
    let files = output.apply(&plan, next).map_err(|why| output_error(why, lang))?;
    let certificates = certificates.new;
    Ok(Provisioned { files, keys: keys.made, absent_seeds: keys.absent, removed, new_sites, certificates })
}

/// All keys, and the supervisors' public signing keys in their order.
fn make_keys<'o>(
    fleet: &Fleet,
    output: &'o Output,
    renew: &'o [String],
    plan: &mut Plan,
    lang: Lang,
) -> Result<(Keys<'o>, Vec<String>), CliError> {
    let mut keys = Keys::new(output, renew, lang);
    for site in &fleet.sites {
        for seat in &site.seats {
            keys.ensure(&format!("{}/{seat}", site.id), programs::seat_seed(&site.id, seat), plan)?;
        }
    }
    let mut signing = Vec::new();
    for one in &fleet.supervisors {
        keys.ensure(one.id.as_str(), programs::supervisor_seed(&one.id), plan)?;
        signing.push(keys.ensure(one.id.as_str(), programs::signing_seed(&one.id), plan)?);
    }
    for program in Program::ALL {
        keys.ensure(program.name(), programs::program_seed(program), plan)?;
    }
    Ok((keys, signing))
}

/// Refuses an unknown name to renew.
fn check_renew(fleet: &Fleet, renew: &[String], lang: Lang) -> Result<(), CliError> {
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
        Some(who) => Err(CliError::new(words(lang).provision.unknown_identity(shown(who)))),
    }
}

fn output_error(why: OutputError, lang: Lang) -> CliError {
    let w = &words(lang).provision;
    match why {
        OutputError::Foreign(path) => CliError::new(w.foreign(shown_path(&path))).help(w.foreign_help),
        OutputError::Changed(path) => CliError::new(w.changed(shown_path(&path))).help(w.changed_help),
        OutputError::Busy(path) => CliError::new(w.locked(shown_path(&path))),
        OutputError::BadManifest(path) => CliError::new(w.bad_manifest(shown_path(&path))),
        OutputError::Io(path, error) => {
            let why = outside::reason(&error, lang.words());
            CliError::new(w.unwritable(shown_path(&path), &why))
        }
    }
}

/// Creates or raises the streams on each server, as the folder's admin.
async fn ensure_streams(fleet: &Fleet, folder: &Path, lang: Lang) -> Result<Vec<StreamOutcome>, CliError> {
    let path = folder.join("center/admin/center.toml");
    let mut out = Vec::new();
    for node in fleet.nodes() {
        let addresses = node.server.addresses();
        // All are valid: they were checked with the fleet's file.
        let servers = addresses.iter().filter_map(|address| address.parse().ok()).collect();
        let link = Link { servers, ..Center::read(&path, lang)?.link };
        out.extend(streams::ensure(link.connect(lang).await?, fleet, &node, lang).await?);
    }
    Ok(out)
}

fn render(fleet: &Fleet, folder: &Path, provisioned: &Provisioned, lang: Lang) -> String {
    let w = &words(lang).provision;
    let mut out = String::new();
    let mut line = |text: String| _ = writeln!(out, "{text}");
    line(w.wrote(shown_path(folder), fleet.seats(), fleet.sites.len(), fleet.supervisors.len()));
    let Changes { new, changed, same, removed, left } = &provisioned.files;
    line(w.files(changed.len(), new, removed, same));
    if provisioned.keys > 0 {
        line(w.keys(provisioned.keys));
    }
    if provisioned.absent_seeds > 0 {
        line(w.absent_seeds(provisioned.absent_seeds));
    }
    for path in &provisioned.removed {
        line(w.removed(path));
    }
    for path in left {
        line(w.left_changed(path));
    }
    for (path, until) in &provisioned.certificates {
        line(w.certificate_until(path, until));
    }
    for node in fleet.nodes() {
        let disk = streams::disk_bytes(fleet, &node).div_ceil(1 << 20).to_string();
        line(w.disk_space(disk, node.folder()));
    }
    for node in fleet.nodes() {
        let own = format!("{}/", node.folder());
        let files: Vec<_> = changed.iter().filter_map(|path| path.strip_prefix(&own)).collect();
        // A running server refuses a changed nats.conf in a reload, and 2.9 reloads a new account without its imports.
        let is_new = node.sites.iter().any(|site| provisioned.new_sites.contains(&site.id));
        if files.is_empty() {
            continue;
        }
        let listed = files.join(", ");
        let restarts = is_new || files.contains(&"nats.conf");
        line(if restarts { w.restart(listed, node.folder()) } else { w.reload(listed, node.folder()) });
    }
    out
}

fn render_streams(streams: &[StreamOutcome], lang: Lang) -> String {
    let w = &words(lang).provision;
    let mut out = String::new();
    for StreamOutcome { server, stream, change, stronger } in streams {
        let stream = &format!("{server}/{stream}");
        let text = match change {
            StreamChange::Created => w.stream_created(stream),
            StreamChange::Raised(what) => w.stream_raised(stream, what.join(", ")),
            StreamChange::Unchanged => w.stream_unchanged(stream),
        };
        let _ = writeln!(out, "{text}");
        if !stronger.is_empty() {
            let _ = writeln!(out, "{}", w.stream_stronger(stream, stronger.join(", ")));
        }
    }
    out
}
