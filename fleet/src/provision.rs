//! `penutup-fleet provision`: writes everything that the servers, seats, supervisors and the centre need into one folder,
//! from the fleet's file; and creates the streams on the servers.

pub mod abandoned;
pub mod certificates;
pub mod fleet;
pub mod keys;
pub mod output;
pub mod programs;
pub mod server;
pub mod streams;
pub mod trust;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use penutup_cli_kit::diagnostics::outside;
use penutup_cli_kit::diagnostics::shown;
use penutup_cli_kit::files::shown_path;
use penutup_cli_kit::words::Lang;

use crate::cli::{block_on, print};
use crate::config::center::Center;
use crate::error::{CliError, ExitStatus};
use crate::wire::SCHEMA;
use crate::words::words;
use abandoned::Abandoned;
use fleet::Fleet;
use keys::{Keys, Renewal};
use output::{Changes, Manifest, Output, OutputError, Plan};
use programs::Program;
use streams::{StreamChange, StreamOutcome};
use trust::Published;

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
    /// With --renew: the former keys stay valid as well, until --drop-old.
    #[arg(long, requires = "renew")]
    keep_old: bool,
    /// End all former keys that were kept.
    #[arg(long, conflicts_with = "keep_old")]
    drop_old: bool,
}

/// What a run changed.
#[derive(Debug)]
pub struct Provisioned {
    pub files: Changes,
    /// New keys.
    pub keys: usize,
    /// Whose former keys are still valid.
    pub outgoing: BTreeSet<String>,
    /// Seeds that were taken out of the folder.
    pub absent_seeds: usize,
    /// The seed paths of identities that are no longer in the fleet's file.
    pub removed: Vec<String>,
    /// Whether sites were added to an existing fleet.
    pub has_new_sites: bool,
}

pub fn run(args: &Provision, lang: Lang) -> Result<ExitStatus, CliError> {
    let fleet = Fleet::read(&args.file, lang)?;
    let renewal = Renewal { who: args.renew.clone(), keep_old: args.keep_old, drop_old: args.drop_old };
    let provisioned = provision(&fleet, &args.folder, &renewal, lang)?;
    print(&render(&fleet, &args.folder, &provisioned, lang), lang)?;
    if args.streams {
        let Ensured { streams, trust, abandoned } = block_on(lang, ensure_streams(&fleet, &args.folder, lang))?;
        print(&render_streams(&streams, lang), lang)?;
        let w = &words(lang).provision;
        for Abandoned { stream, unread } in abandoned? {
            let line = if unread > 0 { w.abandoned_unread(&stream, unread) } else { w.abandoned(&stream) };
            print(&(line + "\n"), lang)?;
        }
        let line = match trust? {
            Published::New(version) => w.trust_published(version),
            Published::Unchanged(version) => w.trust_unchanged(version),
        };
        print(&(line + "\n"), lang)?;
    }
    Ok(ExitStatus::Done)
}

/// Writes the folder.
pub fn provision(fleet: &Fleet, folder: &Path, renewal: &Renewal, lang: Lang) -> Result<Provisioned, CliError> {
    let folder = std::path::absolute(folder).map_err(|e| output_error(OutputError::Io(folder.to_owned(), e), lang))?;
    check_renew(fleet, &renewal.who, lang)?;
    let output = Output::open(&folder).map_err(|why| output_error(why, lang))?;
    let is_other = |known: &&Manifest| !known.fleet.is_empty() && known.fleet != fleet.name.as_str();
    if let Some(known) = output.known().filter(is_other) {
        let other = shown(&known.fleet);
        return Err(CliError::new(words(lang).provision.other_fleet(other, shown_path(&folder))));
    }
    let mut plan = Plan::default();
    let (mut keys, signing) = make_keys(fleet, &output, renewal, &mut plan, lang)?;
    let trust = trust::ensure(fleet, &signing, &output, &mut keys, &mut plan, lang)?;
    let ca = certificates::ensure(fleet, &output, &mut plan, lang)?;
    programs::write(fleet, &trust, ca.as_deref(), &mut plan);
    plan.add("server/nats.conf", server::main_file(fleet));
    plan.add("server/accounts.conf", server::accounts_file(fleet, &keys));

    let known_keys = output.known().map(|known| known.keys.clone()).unwrap_or_default();
    let is_new = |site: &fleet::Site| !known_keys.keys().any(|path| path.starts_with(&format!("seats/{}/", site.id)));
    let has_new_sites = !known_keys.is_empty() && fleet.sites.iter().any(is_new);
    let removed = known_keys.into_keys().filter(|path| !keys.public.contains_key(path)).collect();
    let names = fleet.server.names.clone();
    let Keys { public, outgoing, outgoing_of, made, absent, .. } = keys;
    let next = Manifest { schema: SCHEMA, fleet: fleet.name.to_string(), names, keys: public, outgoing };
    let files = output.apply(&plan, &next).map_err(|why| output_error(why, lang))?;
    Ok(Provisioned { files, keys: made, outgoing: outgoing_of, absent_seeds: absent, removed, has_new_sites })
}

/// All keys, and the supervisors' public signing keys in their order.
fn make_keys<'o>(
    fleet: &Fleet,
    output: &'o Output,
    renewal: &'o Renewal,
    plan: &mut Plan,
    lang: Lang,
) -> Result<(Keys<'o>, Vec<String>), CliError> {
    let mut keys = Keys::new(output, renewal, lang);
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
    keys.ensure(programs::SYSTEM, programs::SYSTEM_SEED.to_owned(), plan)?;
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
            || who == programs::SYSTEM
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
        OutputError::Busy(path) => CliError::new(w.locked(shown_path(&path))),
        OutputError::BadManifest(path) => CliError::new(w.bad_manifest(shown_path(&path))),
        OutputError::Io(path, error) => {
            let why = outside::reason(&error, lang.words());
            CliError::new(w.unwritable(shown_path(&path), &why))
        }
    }
}

/// What a run did on the server.
struct Ensured {
    streams: Vec<StreamOutcome>,
    trust: Result<Published, CliError>,
    abandoned: Result<Vec<Abandoned>, CliError>,
}

/// Creates or raises the streams, and publishes the trust list, as the folder's admin.
async fn ensure_streams(fleet: &Fleet, folder: &Path, lang: Lang) -> Result<Ensured, CliError> {
    let link = Center::read(&folder.join("center/admin/center.toml"), lang)?.link;
    let deadline = streams::deadline();
    let client = streams::patiently(deadline, async || link.connect(lang).await).await?;
    let streams = streams::ensure(client.clone(), fleet, deadline, lang).await?;
    let trust = trust::publish(client.clone(), folder, lang).await;
    Ok(Ensured { streams, trust, abandoned: abandoned::find(client, fleet, lang).await })
}

fn render(fleet: &Fleet, folder: &Path, provisioned: &Provisioned, lang: Lang) -> String {
    let w = &words(lang).provision;
    let mut out = String::new();
    let mut line = |text: String| _ = writeln!(out, "{text}");
    line(w.wrote(shown_path(folder), fleet.seats(), fleet.sites.len(), fleet.supervisors.len()));
    let Changes { new, changed, same, removed } = &provisioned.files;
    line(w.files(changed.len(), new, removed, same));
    if provisioned.keys > 0 {
        line(w.keys(provisioned.keys));
    }
    if !provisioned.outgoing.is_empty() {
        line(w.outgoing(provisioned.outgoing.iter().map(String::as_str).collect::<Vec<_>>().join(", ")));
    }
    if provisioned.absent_seeds > 0 {
        line(w.absent_seeds(provisioned.absent_seeds));
    }
    for path in &provisioned.removed {
        line(w.removed(path));
    }
    if changed.iter().any(|path| path == trust::SIGNED) {
        line(w.trust_changed.to_owned());
    }
    line(w.disk_space(streams::disk_bytes(fleet).div_ceil(1 << 20).to_string()));
    let files: Vec<_> = changed.iter().filter_map(|path| path.strip_prefix("server/")).collect();
    // A running server refuses a changed nats.conf in a reload, and reloads a new account without its service imports.
    let restarts = provisioned.has_new_sites || files.contains(&"nats.conf");
    if !files.is_empty() {
        let listed = files.join(", ");
        line(if restarts { w.restart(listed) } else { w.reload(listed) });
    }
    out
}

fn render_streams(streams: &[StreamOutcome], lang: Lang) -> String {
    let w = &words(lang).provision;
    let mut out = String::new();
    for StreamOutcome { stream, change, stronger } in streams {
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
