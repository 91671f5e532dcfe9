//! `penutup-fleet rules`: checks a rules file, shows what it changes for the agents, and publishes it; lists and shows
//! published versions, and publishes an old one again.

use std::fmt::Write as _;
use std::io::{self, BufRead, IsTerminal, Write as _};
use std::path::{Path, PathBuf};

use chrono::{FixedOffset, Utc};
use clap::{Args, Subcommand};
use penutup_cli_kit::stream::canvas;
use penutup_cli_kit::{check as check_verb, diff};
use penutup_rules::declaration::Declaration;
use penutup_rules::loaded::{LoadedRules, Origin};

use penutup_cli_kit::diagnostics::{Source, shown};
use penutup_cli_kit::files;
use penutup_rules as rules;
use penutup_rules::diff::{DutyChangeKind, diff as compare};
use penutup_rules::text::clean;

use penutup_cli_kit::words::Lang;

use crate::broadcast_stream::{BroadcastStream, PutError, StoredBroadcast};
use crate::cli::{Common, eprint_line, print};
use crate::config::supervisor::Supervisor;
use crate::error::{CliError, ExitStatus};
use crate::reception::{Answer, Sent, Wait, version_on_seats};
use crate::time;
use crate::wire::envelope::{Envelope, MAX_ENVELOPE};
use crate::wire::key::Key;
use crate::wire::trust::Trust;
use crate::words::words;

/// `penutup-fleet rules publish|list|rollback|show`.
#[derive(Debug, Args)]
pub struct Rules {
    #[command(subcommand)]
    pub what: Action,
    /// The time zone, by its name in the rules.
    #[arg(long, global = true)]
    pub zone: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum Action {
    /// Check a file, show what it changes, and publish it.
    Publish {
        file: PathBuf,
        /// Publish without asking.
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        wait: Wait,
    },
    /// List the published versions, the newest first.
    List,
    /// Publish an old version again.
    Rollback {
        version: u64,
        /// Publish without asking.
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        wait: Wait,
    },
    /// Print a published file.
    Show { version: u64 },
}

pub async fn run(args: &Rules, common: &Common) -> Result<ExitStatus, CliError> {
    let lang = common.lang();
    let supervisor = Supervisor::read(&common.config("supervisor.toml")?, lang)?;
    let zone = time::zone(args.zone.as_deref(), lang)?;
    let w = &words(lang).rules;
    if matches!(args.what, Action::Publish { .. } | Action::Rollback { .. }) && !supervisor.own.may_publish(&Key::Rules)
    {
        return Err(CliError::new(w.not_granted));
    }
    let is_read = matches!(args.what, Action::List | Action::Show { .. });
    let connect = || Publisher::connect(supervisor, is_read, zone, lang);
    match &args.what {
        Action::Publish { file, yes, wait } => {
            // Checked before connecting.
            let source = files::read(file).map_err(|error| CliError::new(error.describe(lang.words())))?;
            let Some(loaded) = check(source, &file.to_string_lossy(), lang)? else { return Ok(ExitStatus::No) };
            connect().await?.publish(loaded, file, *yes, *wait).await
        }
        Action::List => connect().await?.list(),
        Action::Rollback { version, yes, wait } => {
            let publisher = connect().await?;
            let text = publisher.version(*version)?.payload.clone();
            let name = published_name(*version);
            let Some(loaded) = check(text.into_bytes(), &name, lang)? else { return Ok(ExitStatus::No) };
            publisher.publish(loaded, Path::new(&name), *yes, *wait).await
        }
        Action::Show { version } => {
            let publisher = connect().await?;
            let text = &publisher.version(*version)?.payload;
            // Redirected output is exact; a terminal must not interpret control characters, even signed ones.
            let text = if io::stdout().is_terminal() {
                text.lines().map(|line| clean(line) + "\n").collect()
            } else {
                text.clone()
            };
            print(&text, lang).map(|()| ExitStatus::Done)
        }
    }
}

/// Checks rules and prints the report of `penutup check`; `None` where it refuses them.
fn check(source: Vec<u8>, name: &str, lang: Lang) -> Result<Option<LoadedRules>, CliError> {
    let today = time::today();
    let report = rules::check(&source, today);
    let text = check_verb::text(&report, &Source::new(name, &source), false, lang.words(), canvas(&io::stdout()));
    print(&text, lang)?;
    Ok(LoadedRules::read(source, Origin::BuiltIn, today).ok())
}

/// The name for a published version in messages that need a file name.
fn published_name(version: u64) -> String {
    format!("{}@{version}", Key::Rules)
}

/// A supervisor's connection, with the history of published rules.
struct Publisher {
    supervisor: Supervisor,
    stream: BroadcastStream,
    /// The oldest first.
    history: Vec<StoredBroadcast>,
    zone: FixedOffset,
    lang: Lang,
}

impl Publisher {
    async fn connect(
        mut supervisor: Supervisor,
        is_read: bool,
        zone: FixedOffset,
        lang: Lang,
    ) -> Result<Self, CliError> {
        let stream = BroadcastStream::connect(&supervisor.link, lang).await?;
        if is_read {
            supervisor.trust = stream.trust(&supervisor.trust).await?;
        } else {
            if let Some(warning) = supervisor.update_trust(&stream).await? {
                eprint_line(&warning);
            }
            if !supervisor.own.may_publish(&Key::Rules) {
                return Err(CliError::new(words(lang).rules.not_granted));
            }
        }
        let history = stream.history(&Key::Rules).await?;
        Ok(Self { supervisor, stream, history, zone, lang })
    }

    fn trust(&self) -> &Trust {
        &self.supervisor.trust
    }

    /// The versions that seats accept.
    fn valid(&self) -> impl Iterator<Item = &Envelope> {
        self.history.iter().filter_map(|stored| Some(stored.verify(self.trust(), &Key::Rules).ok()?.0))
    }

    /// The version on the seats: the highest valid one.
    fn active(&self) -> Option<&Envelope> {
        self.valid().max_by_key(|envelope| envelope.version)
    }

    fn version(&self, version: u64) -> Result<&Envelope, CliError> {
        let found = self.valid().filter(|envelope| envelope.version == version).last();
        let w = &words(self.lang).rules;
        found.ok_or_else(|| CliError::new(w.no_version(version)).help(w.no_version_help))
    }

    /// Shows what the rules change, asks for confirmation, and publishes them.
    async fn publish(&self, loaded: LoadedRules, path: &Path, yes: bool, wait: Wait) -> Result<ExitStatus, CliError> {
        let (lang, w) = (self.lang, &words(self.lang).rules);
        let present = self.active();
        if let Some(present) = present.filter(|present| present.payload.as_bytes() == loaded.source) {
            print(&(w.unchanged(present.version) + "\n"), lang)?;
            return Ok(ExitStatus::Done);
        }
        self.show_difference(present, &loaded, path)?;
        if !yes && !self.confirm()? {
            eprint_line(w.not_published);
            return Ok(ExitStatus::No);
        }
        let expected = self.history.last().map_or(0, |stored| stored.sequence);
        let (known, now) = (present.map(|present| present.version), Utc::now());
        let on_seats = version_on_seats(&self.stream, &self.supervisor, &Key::Rules, now).await;
        let version = Declaration::next_version(known.max(on_seats), now);
        let sum = short_sum(loaded.sha256()).to_owned();
        let revision = loaded.rules.sop.revision.clone();
        let text = String::from_utf8(loaded.source).map_err(|_| CliError::new(w.not_utf8))?;
        let own = &self.supervisor.own;
        let envelope = Envelope::sign(&self.supervisor.sign.pair(), Key::Rules, own.id.clone(), version, text)
            .map_err(|_| CliError::new(words(lang).stream.cannot_sign))?;
        let size = envelope.to_bytes().len();
        if size > MAX_ENVELOPE {
            return Err(CliError::new(w.too_large(MAX_ENVELOPE / 1024, size / 1024)));
        }
        let sent_at = Utc::now();
        let sequence = match self.stream.put(&envelope, expected).await {
            Ok(sequence) => sequence,
            Err(PutError::Failed(error)) => return Err(error),
            Err(PutError::Conflict) => {
                let who = self.newest_author().await?;
                return Err(CliError::new(w.conflict(&who)).help(w.conflict_help).no());
            }
        };
        print(&(w.published(shown(&revision), sum, version) + "\n"), lang)?;
        let sent = Sent { envelope: &envelope, sequence, sent_at };
        match wait.reception(&self.stream, &self.supervisor, &sent).await? {
            Answer::Received(reception) => {
                print(&reception.render(lang), lang)?;
                Ok(reception.status())
            }
            Answer::Replaced => {
                let who = self.newest_author().await?;
                Err(CliError::new(w.replaced(&who)).help(w.conflict_help).no())
            }
        }
    }

    fn show_difference(&self, present: Option<&Envelope>, loaded: &LoadedRules, path: &Path) -> Result<(), CliError> {
        let (lang, w) = (self.lang, &words(self.lang).rules);
        let built_in = || (LoadedRules::built_in(), w.built_in.to_owned());
        let (old, name) = match present {
            // A newer program may refuse rules that an older one published; the built-in ones are compared instead.
            Some(present) => {
                let source = present.payload.clone().into_bytes();
                LoadedRules::read(source, Origin::BuiltIn, time::today())
                    .map_or_else(|_| built_in(), |old| (old, published_name(present.version)))
            }
            None => built_in(),
        };
        // With too many different situations to list, the result has everything else, and its text says so.
        let found = compare(&old.rules, &loaded.rules).unwrap_or_else(|partial| *partial);
        let names = [Path::new(&name), path];
        let text = diff::text(&found, names, [&old.rules, &loaded.rules], lang.words(), canvas(&io::stdout()));
        print(&format!("\n{text}\n"), lang)?;
        // The list may be long: lost guarantees are repeated right before the question.
        let lost: Vec<&str> =
            found.duties.iter().filter(|change| change.kind < DutyChangeKind::Added).map(|change| change.id).collect();
        if lost.is_empty() { Ok(()) } else { print(&(w.lost_duties(lost.join(", ")) + "\n"), lang) }
    }

    /// Asks for confirmation on the terminal.
    fn confirm(&self) -> Result<bool, CliError> {
        let w = &words(self.lang).rules;
        if !io::stdin().is_terminal() {
            return Err(CliError::new(w.no_terminal).help(w.no_terminal_help));
        }
        let mut err = io::stderr().lock();
        let _ = write!(err, "{} ", w.ask).and_then(|()| err.flush());
        let mut answer = String::new();
        // An unreadable terminal counts as no.
        let _ = io::stdin().lock().read_line(&mut answer);
        let answer = answer.trim().to_lowercase();
        Ok(w.yes.split(' ').any(|yes| yes == answer))
    }

    /// Who published in place of this supervisor.
    async fn newest_author(&self) -> Result<String, CliError> {
        let w = &words(self.lang).rules;
        let stored = self.stream.last(&Key::Rules).await?;
        let who = stored
            .as_ref()
            .and_then(|stored| stored.verify(self.trust(), &Key::Rules).ok())
            .map(|(envelope, verified)| w.author_and_version(verified.by, envelope.version));
        Ok(who.unwrap_or_else(|| words(self.lang).klb.unknown_author.to_owned()))
    }

    fn list(&self) -> Result<ExitStatus, CliError> {
        let w = &words(self.lang).rules;
        if self.history.is_empty() {
            print(&format!("{}\n", w.none), self.lang)?;
            return Ok(ExitStatus::Done);
        }
        let active = self.active().map(|envelope| envelope.version);
        let mut out = String::new();
        let mut is_marked = false;
        for stored in self.history.iter().rev() {
            let at = time::full_time(stored.stored_at, self.zone, self.lang);
            match stored.verify(self.trust(), &Key::Rules) {
                Ok((envelope, verified)) => {
                    let loaded =
                        LoadedRules::read(envelope.payload.clone().into_bytes(), Origin::BuiltIn, time::today());
                    let (sum, revision) = match &loaded {
                        Ok(loaded) => (short_sum(loaded.sha256()), shown(&loaded.rules.sop.revision)),
                        Err(_) => ("", w.check_refuses.to_owned()),
                    };
                    let is_active = !is_marked && active == Some(envelope.version);
                    is_marked |= is_active;
                    let mark = if is_active { w.active } else { "" };
                    let line =
                        format!("{}  {at}  {}  {revision}  {sum}  {} {mark}", envelope.version, verified.by, w.valid);
                    let _ = writeln!(out, "{}", line.trim_end());
                }
                Err(refusal) => {
                    let invalid = w.invalid(refusal.code());
                    let _ = writeln!(out, "{:10}  {at}  {invalid}", "-");
                }
            }
        }
        print(&out, self.lang)?;
        Ok(ExitStatus::Done)
    }
}

/// Enough of a checksum to tell files apart by eye.
pub fn short_sum(sum: &str) -> &str {
    sum.get(..12).unwrap_or(sum)
}
