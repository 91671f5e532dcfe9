//! `penutup klb` and the folder that prompters watch: with real files, real prompters, and what a share can do to both.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use chrono::{Days, FixedOffset, TimeDelta, Utc};
use penutup::declaration::{Declaration, DeclarationEvent, State};
use penutup::files::broadcast::{FolderPoller, declare};
use penutup::files::declaration_in;
use penutup::message::Message;
use penutup::words::Lang;
use tempfile::TempDir;

use super::verb::prompter;
use crate::stage::Stage;
use crate::support::{Home, Ran, assert_harmless};
use crate::term::Term;

/// A folder that everyone watches, and homes that watch it.
struct Site(TempDir);

impl Site {
    fn new() -> Self {
        Self(TempDir::new().expect("a folder"))
    }

    fn folder(&self) -> &Path {
        self.0.path()
    }

    fn file(&self) -> PathBuf {
        declaration_in(self.folder())
    }

    fn home(&self) -> Home {
        let home = Home::new();
        home.write_config("settings.toml", format!("[broadcast]\nfolder = '{}'\n", self.folder().display()));
        home
    }

    /// Runs `penutup klb` as the supervisor.
    #[track_caller]
    fn klb(&self, args: &[&str]) -> Ran {
        self.home().penutup(["klb", "--at", "13:05"].iter().chain(args)).run()
    }

    fn read(&self) -> Declaration {
        Declaration::read(&fs::read(self.file()).expect("a file")).expect("a declaration")
    }
}

/// A reason that screens would cut.
const TOO_LONG: &str = "Banjir besar di Semarang dan Demak, gardu induk padam sejak pagi, selesai pukul 20.00";
const ON: [&str; 7] = ["on", "--until", "21:00", "--reason", "gangguan transmisi", "--by", "SPV Jakarta"];
const BANNER: &str = "SPV Jakarta · gangguan transmisi · s.d. 21.00";

#[test]
fn every_prompter_switches_and_shows_who_why_and_until_when() {
    let site = Site::new();
    let homes: Vec<Home> = (0..3).map(|_| site.home()).collect();
    let mut terms: Vec<Term> = homes.iter().map(|home| prompter(home, &[])).collect();
    let ran = site.klb(&ON);
    ran.status(0).err_is("").out_has("KLB dinyatakan: ").out_has("klb.toml");
    ran.out_has("KLB AKTIF sejak 13.05 · SPV Jakarta · gangguan transmisi · s.d. 21.00");
    for term in &mut terms {
        term.shows(BANNER).hides("Untuk mewujudkan PLN terbaik");
    }
    // A prompter started later has it too.
    let late = site.home();
    let mut late = Term::start(&late.penutup(["--at", "14:20"]).command());
    late.shows(BANNER);
    site.klb(&["off"]).status(0).out_has("KLB dicabut: ");
    for term in terms.iter_mut().chain([&mut late]) {
        term.hides("KLB AKTIF").shows("Untuk mewujudkan PLN terbaik");
    }
}

/// A time that is over today is tomorrow's: what was declared shows the day.
#[test]
fn the_supervisor_sees_that_until_is_tomorrow() {
    let site = Site::new();
    let ran = site.klb(&["on", "--until", "00:01", "--reason", "banjir"]);
    let declared = site.read();
    let wib = FixedOffset::east_opt(7 * 3600).expect("an offset");
    let until = declared.until.expect("a time").with_timezone(&wib);
    assert_eq!(until.date_naive(), declared.since.with_timezone(&wib).date_naive() + Days::new(1));
    ran.status(0).out_has(&format!("banjir · s.d. {} 00.01", until.format("%d/%m")));
}

#[test]
fn a_cso_may_differ_also_across_a_restart_until_the_next_version() {
    let site = Site::new();
    let home = site.home();
    site.klb(&ON).status(0);
    let mut term = prompter(&home, &[]);
    term.shows(BANNER);
    term.send("k").shows("KLB nonaktif sejak 14.20 · dari supervisor: KLB AKTIF").hides("SPV Jakarta");
    term.quits();
    let mut term = prompter(&home, &[]);
    term.shows("dari supervisor: KLB AKTIF");
    site.klb(&ON).status(0);
    term.shows(BANNER).hides("dari supervisor:");
    term.quits();
    // The applied declaration is saved and outlasts the file.
    fs::remove_file(site.file()).expect("it is there");
    let mut term = prompter(&home, &[]);
    term.shows(BANNER);
    term.quits();
}

#[test]
fn folder_errors_only_cause_a_notice() {
    let site = Site::new();
    let home = site.home();
    site.klb(&ON).status(0);
    let mut term = prompter(&home, &[]);
    term.shows(BANNER);
    let whole = fs::read_to_string(site.file()).expect("a file");
    fs::write(site.file(), &whole[..20]).expect("half a file");
    term.shows("! KLB di sini tetap").shows(BANNER).send("?").shows("klb.toml tidak dapat dipakai").send("?");
    let old = whole.replace("state = \"on\"", "state = \"off\"");
    let version = site_version(&whole);
    fs::write(site.file(), old.replace(&version, "7")).expect("an old version");
    term.shows("KLB dari supervisor lebih lama daripada").shows(BANNER);
    fs::write(site.file(), &whole).expect("the whole file");
    term.hides("lebih lama daripada").shows(BANNER);
    let away = site.folder().with_extension("away");
    fs::rename(site.folder(), &away).expect("the folder is moved away");
    term.shows("Pusat terputus: KLB tetap; ubah jika diminta").shows(BANNER);
    fs::rename(&away, site.folder()).expect("the folder is moved back");
    term.hides("Pusat terputus").shows(BANNER);
    site.klb(&["off"]).status(0);
    term.hides("KLB AKTIF");
    term.quits();
}

fn site_version(text: &str) -> String {
    let line = text.lines().find_map(|l| l.strip_prefix("version = ")).expect("a version");
    line.to_owned()
}

#[test]
fn a_hostile_file_reaches_no_terminal() {
    let site = Site::new();
    let home = site.home();
    let mut term = prompter(&home, &[]);
    let long = "panjang ".repeat(500);
    let text = format!(
        "version = 9\nstate = 'on'\nsince = '2026-01-01T00:00:00Z'\nby = \"\\u001b]0;pwned\\u0007SPV\\u202e\"\nwhy = '{long}'\n"
    );
    fs::write(site.file(), text).expect("a file");
    term.shows("KLB AKTIF").shows("SPV");
    let sent = String::from_utf8_lossy(&term.bytes()).into_owned();
    assert!(!sent.contains("pwned") && !sent.contains('\u{202e}'));
    term.quits();
}

#[test]
fn a_pipe_in_the_files_place_blocks_nothing() {
    let site = Site::new();
    let home = site.home();
    let made = std::process::Command::new("mkfifo").arg(site.file()).status().expect("mkfifo runs");
    assert!(made.success());
    let mut term = prompter(&home, &[]);
    term.shows("Pusat terputus").send("?").shows("ini bukan berkas biasa").send("?");
    term.send("k").shows("KLB AKTIF sejak 14.20");
    term.quits();
}

#[test]
fn without_the_setting_no_folder_is_polled() {
    let site = Site::new();
    site.klb(&ON).status(0);
    let home = Home::new();
    let mut term = prompter(&home, &[]);
    call_once(&home);
    term.shows("dari telepon");
    assert!(!term.text().contains("KLB AKTIF"), "{term:?}");
    let threads = fs::read_dir(format!("/proc/{}/task", term.pid())).map_or(0, Iterator::count);
    term.quits();
    let watching = site.home();
    let mut term = prompter(&watching, &[]);
    term.shows(BANNER);
    let more = fs::read_dir(format!("/proc/{}/task", term.pid())).map_or(1, Iterator::count);
    assert!(threads < more, "{threads} {more}");
    term.quits();
}

fn call_once(home: &Home) {
    super::verb::call(home, "start nama=Siti").status(0);
}

#[test]
fn concurrent_declarations_get_increasing_versions() {
    let site = Site::new();
    let now = "2026-03-02T06:05:00Z".parse().expect("a time");
    let declared = thread::scope(|scope| {
        let declare_twenty = || {
            let make = |version| Declaration {
                version,
                fact: "klb".into(),
                state: State::On,
                value: None,
                since: now,
                until: None,
                by: None,
                why: None,
            };
            let versions: Vec<u64> =
                (0..20).map(|_| declare(site.folder(), now, make).expect("it is written").broadcast.version).collect();
            assert!(versions.is_sorted());
            versions
        };
        let all: Vec<_> = (0..4).map(|_| scope.spawn(declare_twenty)).collect();
        all.into_iter().flat_map(|t| t.join().expect("it ends")).collect::<HashSet<u64>>()
    });
    assert_eq!(declared.len(), 80, "no version is assigned twice");
    assert_eq!(site.read().version, *declared.iter().max().expect("some"));
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(site.file()).expect("it is there").permissions());
    assert_eq!(mode & 0o444, 0o444, "other users can read it");
}

#[test]
fn the_verb_reports_missing_settings() {
    let site = Site::new();
    for (args, expected) in [
        (&["on"][..], "--reason"),
        (&["on", "--reason", " "], "--reason"),
        (&["on", "--reason", TOO_LONG], "80 karakter"),
        (&["off", "--until", "21:00"], "--until"),
        (&["on", "--reason", "x", "--until", "nanti"], "14:58"),
        (&["on", "--reason", "x", "--until", "2020-01-01T00:00:00Z"], "sudah lewat"),
        (&["mungkin"], "on, off"),
    ] {
        let ran = site.klb(args);
        ran.status(2);
        assert!(ran.err.contains(expected), "{ran:#?}");
    }
    assert!(!site.file().exists());
    let nowhere = Home::new().penutup(["klb", "off"]).run();
    nowhere.status(2);
    assert!(nowhere.err.contains("broadcast.folder"), "{nowhere:#?}");
    let gone = Home::new();
    gone.write_config("settings.toml", "broadcast.folder = 'tidak-ada'");
    let ran = gone.penutup(["klb", "off"]).run();
    ran.status(2);
    assert!(!gone.config("tidak-ada").exists(), "no folder is created in place of an unmounted share");
}

#[test]
fn until_is_the_next_occurrence_and_by_has_a_default() {
    let site = Site::new();
    site.klb(&["on", "--reason", "x", "--until", "01:00"]).status(0);
    let read = site.read();
    let until = read.until.expect("it was given");
    assert_eq!((until - read.since).num_minutes(), 715);
    assert_eq!(read.by, None, "no user name is known in a test");
    let ran = site.home().penutup(["klb", "on", "--reason", "\u{1b}[31mx\ny"]).env("USER", "rina").run();
    ran.status(0);
    assert_harmless(&ran.out);
    let read = site.read();
    assert_eq!((read.by.as_deref(), read.why.as_deref()), (Some("rina"), Some("x")));
}

#[test]
fn a_poller_reports_only_changes() {
    let site = Site::new();
    let mut poller = FolderPoller::new(site.folder(), Lang::Id.words());
    let now = Utc::now();
    assert_eq!(poller.look(now), None, "no declaration exists yet");
    site.klb(&ON).status(0);
    assert_eq!(poller.look(now), Some(DeclarationEvent::Declared(Box::new(site.read()))));
    assert_eq!(poller.look(now), None);
    fs::write(site.file(), "version").expect("half a file");
    assert!(matches!(poller.look(now), Some(DeclarationEvent::Trouble(_))));
    assert_eq!(poller.look(now), None, "the same trouble is reported once");
    fs::remove_file(site.file()).expect("it is there");
    assert_eq!(poller.look(now), Some(DeclarationEvent::Recovered));
}

#[test]
fn a_version_ahead_of_the_clock_is_refused_until_the_clock_reaches_it() {
    let site = Site::new();
    let mut poller = FolderPoller::new(site.folder(), Lang::Id.words());
    let now = Utc::now();
    site.klb(&ON).status(0);
    for behind in [TimeDelta::days(3), TimeDelta::days(365)] {
        assert!(matches!(poller.look(now - behind), Some(DeclarationEvent::Trouble(_)) | None));
    }
    assert_eq!(poller.look(now), Some(DeclarationEvent::Declared(Box::new(site.read()))));
}

#[test]
fn a_version_near_the_largest_number_is_refused_and_can_be_superseded() {
    let site = Site::new();
    let home = site.home();
    site.klb(&ON).status(0);
    let mut term = prompter(&home, &[]);
    term.shows(BANNER);
    let whole = fs::read_to_string(site.file()).expect("a file");
    let version = site_version(&whole);
    for (huge, expected) in [
        ("253402300799", "jauh di depan jam komputer ini"),
        ("253402300800", "klb.toml tidak dapat dipakai"),
        ("9223372036854775807", "klb.toml tidak dapat dipakai"),
    ] {
        let changed = whole.replace("gangguan transmisi", "palsu").replace(&version, huge);
        fs::write(site.file(), changed).expect("a huge version");
        term.shows(expected).shows(BANNER);
        assert!(!term.text().contains("palsu"), "{term:?}");
        let ran = site.klb(&["off"]);
        ran.status(0).out_has("KLB dicabut: ").err_is(
            "Berkas KLB sebelumnya tidak dapat dipakai (rusak, atau versinya jauh di depan jam) dan sudah diganti\n",
        );
        term.hides("KLB AKTIF").hides(expected);
        site.klb(&ON).status(0).err_is("");
        term.shows(BANNER);
    }
    term.quits();
}

#[test]
fn a_version_that_was_applied_under_a_wrong_clock_is_superseded() {
    let at = |version| Declaration { version, ..super::agent::klb(version, State::On) };
    let declared = |broadcast: Declaration| Message::Declaration(DeclarationEvent::Declared(Box::new(broadcast)));
    let mut stage = Stage::at("14:20");
    stage.app = stage.app.with_applied_declaration(Some(at(253_402_300_799)));
    let now = u64::try_from(stage.now.timestamp()).expect("a time after 1970");
    stage.act(declared(Declaration { why: Some("baru".into()), ..at(now) }));
    let klb = stage.app.rules().fact_named("klb").expect("a fact");
    assert_eq!(stage.app.declared(klb).map(|b| b.version), Some(now));
    // A declaration applied under the right clock is not superseded.
    stage.act(declared(at(now - 1)));
    assert_eq!(stage.app.declared(klb).map(|b| b.version), Some(now));
    assert!(stage.notice().contains("lebih lama"), "{}", stage.notice());
}

#[test]
fn a_state_that_contradicts_its_value_is_refused() {
    let site = Site::new();
    let home = site.home();
    let mut term = prompter(&home, &[]);
    site.klb(&["off"]).status(0);
    term.shows("Dari supervisor");
    for (state, value) in [("off", "ya"), ("on", "tidak")] {
        let version = site.read().version + 1;
        let text =
            format!("version = {version}\nstate = '{state}'\nvalue = '{value}'\nsince = '2026-03-02T06:05:00Z'\n");
        fs::write(site.file(), text).expect("a file");
        term.shows("Status dan pilihan \"klb\" dari supervisor bertentangan; tidak dipakai");
        assert!(!term.text().contains("KLB AKTIF"), "{term:?}");
        site.klb(&["off"]).status(0).err_is("");
        term.hides("bertentangan");
    }
    site.klb(&ON).status(0);
    term.shows(BANNER);
    term.quits();
}

#[test]
fn no_obstacle_in_place_of_the_lock_prevents_a_declaration() {
    let fifo = |path: &Path| {
        assert!(std::process::Command::new("mkfifo").arg(path).status().expect("mkfifo runs").success());
    };
    let site = Site::new();
    // The lock of version 0.1.0, locked by a reader, then a FIFO.
    let lock = site.folder().join("klb.lock");
    fs::write(&lock, "").expect("a file");
    let reader = fs::File::open(&lock).expect("it is there");
    reader.lock_shared().expect("it is locked");
    site.klb(&ON).status(0);
    drop(reader);
    fs::remove_file(&lock).expect("it is there");
    fifo(&lock);
    site.klb(&["off"]).status(0);
    // The lock file: an abandoned one that is locked, a FIFO, a folder, a dangling link.
    let write_lock = site.folder().join("klb.writing");
    fs::write(&write_lock, "abandoned").expect("a file");
    let reader = fs::File::open(&write_lock).expect("it is there");
    reader.lock().expect("it is locked");
    site.klb(&ON).status(0);
    assert!(!write_lock.exists());
    fifo(&write_lock);
    site.klb(&["off"]).status(0);
    assert!(!write_lock.exists());
    std::os::unix::fs::symlink("nowhere", &write_lock).expect("a link");
    site.klb(&ON).status(0);
    fs::create_dir(&write_lock).expect("a folder");
    site.klb(&["off"]).status(0);
    assert_eq!(site.read().state, State::Off);
    fs::remove_dir(&write_lock).expect("it is empty");
    // The declaration itself.
    fs::remove_file(site.file()).expect("it is there");
    fifo(&site.file());
    let ran = site.klb(&ON);
    ran.status(0);
    assert!(ran.err.contains("sudah diganti"), "{ran:#?}");
    assert_eq!(site.read().state, State::On);
}
