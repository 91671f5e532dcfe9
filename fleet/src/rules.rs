//! `penutup-fleet rules`: a rules file is proved, shown as what will be said differently, and published; what was
//! published is listed, and one of it is published anew.

use std::fmt::Write as _;
use std::io::{self, BufRead, IsTerminal, Write as _};
use std::path::{Path, PathBuf};

use chrono::{FixedOffset, Utc};
use clap::{Args, Subcommand};
use penutup::book::{Book, Origin};
use penutup::broadcast::Broadcast;
use penutup::cli::{canvas, check, diff};
use penutup::diagnostics::{Source, shown};
use penutup::files;
use penutup::rules::diff::{DutyChangeKind, diff as compare};
use penutup::rules::text::clean;
use penutup::rules::{self as proof};
use penutup::words::Lang;

use crate::cli::{Common, print, say};
use crate::config::supervisor::Supervisor;
use crate::fail::{Fail, Status};
use crate::moment;
use crate::posted::{Board, NotPut, Posted};
use crate::wire::envelope::{Envelope, MAX_ENVELOPE};
use crate::wire::key::Key;
use crate::wire::trust::Trust;
use crate::words::words;

/// `penutup-fleet rules publish|list|rollback|show`.
#[derive(Debug, Args)]
pub struct Rules {
    /// What to do.
    #[command(subcommand)]
    pub what: What,
    /// The zone of the times, as the rules call it.
    #[arg(long, global = true)]
    pub zone: Option<String>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum What {
    /// Prove a file, show what it changes, and publish it.
    Publish {
        /// The rules file.
        file: PathBuf,
        /// Publish without asking.
        #[arg(long)]
        yes: bool,
    },
    /// List what was published, the newest first.
    List,
    /// Publish an old version anew.
    Rollback {
        /// The version, as the list has it.
        version: u64,
        /// Publish without asking.
        #[arg(long)]
        yes: bool,
    },
    /// Print a published file.
    Show {
        /// The version, as the list has it.
        version: u64,
    },
}

/// Does it.
///
/// # Errors
/// A configuration, a file or a version that can't be used; no answer; somebody who was first.
pub async fn run(rules: &Rules, common: &Common) -> Result<Status, Fail> {
    let lang = common.lang();
    let supervisor = Supervisor::read(&common.config("supervisor.toml")?, lang)?;
    let zone = moment::zone(rules.zone.as_deref(), lang)?;
    let w = &words(lang).rules;
    if matches!(rules.what, What::Publish { .. } | What::Rollback { .. }) && !supervisor.own.may(&Key::Rules) {
        return Err(Fail::new(w.not_granted));
    }
    if let What::Publish { file, yes } = &rules.what {
        // Proved before anything is asked of the network.
        let source = files::read(file).map_err(|unreadable| Fail::new(unreadable.told(lang.words())))?;
        let Some(book) = proved(source, &file.to_string_lossy(), lang)? else { return Ok(Status::No) };
        let desk = Desk::open(&supervisor, zone, lang).await?;
        return desk.publish(book, file, *yes).await;
    }
    let desk = Desk::open(&supervisor, zone, lang).await?;
    match &rules.what {
        What::Publish { .. } => Ok(Status::Done),
        What::List => desk.list(),
        What::Rollback { version, yes } => {
            let text = desk.version(*version)?.payload.clone();
            let name = published_name(*version);
            let Some(book) = proved(text.into_bytes(), &name, lang)? else { return Ok(Status::No) };
            desk.publish(book, Path::new(&name), *yes).await
        }
        What::Show { version } => {
            let text = &desk.version(*version)?.payload;
            // A file gets every byte; a terminal would obey some that a signature does not make harmless.
            let shown = if io::stdout().is_terminal() {
                text.lines().map(|line| clean(line) + "\n").collect()
            } else {
                text.clone()
            };
            print(&shown, lang).map(|()| Status::Done)
        }
    }
}

/// The rules of a source, its problems told as `penutup check` tells them; `None` where it is refused.
fn proved(source: Vec<u8>, name: &str, lang: Lang) -> Result<Option<Book>, Fail> {
    let today = moment::today();
    let report = proof::check(&source, today);
    let told = check::text(&report, &Source::new(name, &source), false, lang.words(), canvas(&io::stdout()));
    print(&told, lang)?;
    Ok(Book::read(source, Origin::BuiltIn, today).ok())
}

/// What a published file is called where a file's name is told.
fn published_name(version: u64) -> String {
    format!("{}@{version}", Key::Rules)
}

/// The supervisor's desk: the link, and all that was published.
struct Desk<'s> {
    supervisor: &'s Supervisor,
    board: Board,
    /// The oldest first.
    posted: Vec<Posted>,
    zone: FixedOffset,
    lang: Lang,
}

impl<'s> Desk<'s> {
    async fn open(supervisor: &'s Supervisor, zone: FixedOffset, lang: Lang) -> Result<Self, Fail> {
        let board = Board::connect(&supervisor.link, lang).await?;
        let posted = board.history(&Key::Rules).await?;
        Ok(Self { supervisor, board, posted, zone, lang })
    }

    fn trust(&self) -> &Trust {
        &self.supervisor.trust
    }

    /// What the seats heed of it.
    fn valid(&self) -> impl Iterator<Item = (&Posted, &Envelope, String)> {
        self.posted.iter().filter_map(|posted| {
            let (envelope, verified) = posted.verified(self.trust(), &Key::Rules).ok()?;
            Some((posted, envelope, verified.by))
        })
    }

    /// The one that the seats have: of those they heed the one of the highest version.
    fn active(&self) -> Option<&Envelope> {
        self.valid().map(|(_, envelope, _)| envelope).max_by_key(|envelope| envelope.version)
    }

    fn version(&self, version: u64) -> Result<&Envelope, Fail> {
        let found = self.valid().map(|(_, envelope, _)| envelope).filter(|envelope| envelope.version == version).last();
        let w = &words(self.lang).rules;
        found.ok_or_else(|| Fail::new(w.no_version(version)).help(w.no_version_help))
    }

    /// Shows what it changes, asks, and publishes.
    async fn publish(&self, book: Book, path: &Path, yes: bool) -> Result<Status, Fail> {
        let (lang, w) = (self.lang, &words(self.lang).rules);
        let present = self.active();
        if let Some(present) = present.filter(|present| present.payload.as_bytes() == book.source) {
            print(&(w.same(present.version) + "\n"), lang)?;
            return Ok(Status::Done);
        }
        self.show_difference(present, &book, path)?;
        if !yes && !self.agreed()? {
            say(w.not_published);
            return Ok(Status::No);
        }
        let over = self.posted.last().map_or(0, |posted| posted.seq);
        let previous = self.valid().map(|(_, envelope, _)| envelope.version).max();
        let version = Broadcast::next_version(previous, Utc::now());
        let sum = short(book.sha256()).to_owned();
        let revision = book.rules.sop.revision.clone();
        let text = String::from_utf8(book.source).map_err(|_| Fail::new(w.not_utf8))?;
        let own = &self.supervisor.own;
        let envelope = Envelope::sign(&self.supervisor.sign.pair(), Key::Rules, own.id.clone(), version, text)
            .map_err(|_| Fail::new(words(lang).posted.cannot_sign))?;
        let size = envelope.to_bytes().len();
        if size > MAX_ENVELOPE {
            return Err(Fail::new(w.too_large(MAX_ENVELOPE / 1024, size / 1024)));
        }
        match self.board.put(&envelope, over).await {
            Ok(_) => {}
            Err(NotPut::Fail(fail)) => return Err(fail),
            Err(NotPut::Late) => return Err(self.late().await?),
        }
        print(&(w.published(shown(&revision), sum, version) + "\n"), lang)?;
        Ok(Status::Done)
    }

    fn show_difference(&self, present: Option<&Envelope>, book: &Book, path: &Path) -> Result<(), Fail> {
        let (lang, w) = (self.lang, &words(self.lang).rules);
        let built_in = || (Book::built_in(), w.built_in.to_owned());
        let (old, name) = match present {
            // What was proved once may be refused by a newer program; then there is nothing to compare with.
            Some(present) => {
                let source = present.payload.clone().into_bytes();
                Book::read(source, Origin::BuiltIn, moment::today())
                    .map_or_else(|_| built_in(), |old| (old, published_name(present.version)))
            }
            None => built_in(),
        };
        // Where the situations differ in too many places to be listed, the text says so, and all else all the same.
        let found = compare(&old.rules, &book.rules).unwrap_or_else(|beside| *beside);
        let names = [Path::new(&name), path];
        let told = diff::text(&found, names, [&old.rules, &book.rules], lang.words(), canvas(&io::stdout()));
        print(&format!("\n{told}\n"), lang)?;
        // The list may be long; what is guaranteed no longer is named once more where the question is asked.
        let lost: Vec<&str> =
            found.duties.iter().filter(|change| change.kind < DutyChangeKind::Added).map(|change| change.id).collect();
        if lost.is_empty() { Ok(()) } else { print(&(w.lost(lost.join(", ")) + "\n"), lang) }
    }

    /// Whether a person at a terminal says yes.
    fn agreed(&self) -> Result<bool, Fail> {
        let w = &words(self.lang).rules;
        if !io::stdin().is_terminal() {
            return Err(Fail::new(w.who_agrees).help(w.who_agrees_help));
        }
        let mut err = io::stderr().lock();
        let _ = write!(err, "{} ", w.ask).and_then(|()| err.flush());
        let mut answer = String::new();
        // A terminal that is gone has not agreed.
        let _ = io::stdin().lock().read_line(&mut answer);
        let answer = answer.trim().to_lowercase();
        Ok(w.yes.split(' ').any(|yes| yes == answer))
    }

    async fn late(&self) -> Result<Fail, Fail> {
        let w = &words(self.lang).rules;
        let posted = self.board.last(&Key::Rules).await?;
        let who = posted
            .as_ref()
            .and_then(|p| p.verified(self.trust(), &Key::Rules).ok())
            .map(|(envelope, verified)| w.by_version(verified.by, envelope.version));
        let who = who.unwrap_or_else(|| words(self.lang).klb.somebody.to_owned());
        Ok(Fail::new(w.late(&who)).help(w.late_help).no())
    }

    fn list(&self) -> Result<Status, Fail> {
        let w = &words(self.lang).rules;
        if self.posted.is_empty() {
            print(&format!("{}\n", w.none), self.lang)?;
            return Ok(Status::Done);
        }
        let active = self.active().map(|envelope| envelope.version);
        let mut out = String::new();
        let mut is_marked = false;
        for posted in self.posted.iter().rev() {
            let at = moment::full(posted.at, self.zone);
            match posted.verified(self.trust(), &Key::Rules) {
                Ok((envelope, verified)) => {
                    let book = Book::read(envelope.payload.clone().into_bytes(), Origin::BuiltIn, moment::today());
                    let (sum, revision) = match &book {
                        Ok(book) => (short(book.sha256()), shown(&book.rules.sop.revision)),
                        Err(_) => ("", w.unproved.to_owned()),
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
        Ok(Status::Done)
    }
}

/// The beginning of a sum: enough to tell files apart by eye.
fn short(sum: &str) -> &str {
    sum.get(..12).unwrap_or(sum)
}
