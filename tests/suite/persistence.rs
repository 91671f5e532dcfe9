//! Saved data survives real failures, in a real pseudo-terminal: an obstacle in a file's place, a share that hangs, a
//! locked journal, two windows on one seat, a typing error in the settings.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use penutup::rules::BUILT_IN;
use rusqlite::Connection;

use crate::disk::Disk;
use crate::journal::trouble::skipped;
use crate::support::Home;
use crate::term::{Term, eventually};

const CAMPAIGN: &str = "Untuk mewujudkan PLN terbaik, mohon tidak memberikan tambahan biaya kepada petugas kami.";

/// The prompter in this home, started at 14:20.
fn prompter(home: &Home, args: &[&str]) -> Command {
    home.penutup(["--at", "14:20"].iter().chain(args)).command()
}

fn opened(home: &Home) -> Term {
    let mut term = Term::start(&prompter(home, &[]));
    term.shows(CAMPAIGN);
    term
}

fn text(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

// ── The seat's state ──────────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn klb_that_could_not_be_saved_is_saved_once_the_obstacle_is_removed() {
    let home = Home::new();
    let blocked = home.state("").parent().unwrap().to_owned();
    home.write(&blocked, "a file where the folder should be");
    let mut term = opened(&home);
    term.send("k").shows("KLB AKTIF").shows("Status shift tidak dapat disimpan");
    fs::remove_file(&blocked).unwrap();
    term.quits();
    assert_eq!(term.text().trim(), "", "nothing was lost, so nothing is reported");
    assert!(text(home.state("shift.toml")).contains("\"ya\""));
    Term::start(&prompter(&home, &[])).shows("KLB AKTIF sejak 14.20");
}

#[test]
fn unsaved_state_is_reported_after_quitting() {
    for signal in [None, Some("TERM")] {
        let home = Home::new();
        home.write("state", "a file where the folder should be");
        let mut term = opened(&home);
        term.send("k").shows("KLB AKTIF").shows("Status shift tidak dapat disimpan");
        match signal {
            None => term.send("q"),
            Some(name) => term.signal(name),
        };
        term.ends();
        term.assert_restored();
        term.shows("penutup: Status shift (KLB) tidak tersimpan").shows("bagian dari jalurnya bukan folder");
    }
}

#[test]
fn two_windows_at_one_seat_save_and_show_both_changes() {
    let home = Home::new();
    let (mut one, mut two) = (opened(&home), opened(&home));
    one.shows("? daftar tombol").shows("Pertama kali");
    two.shows("Pertama kali");
    one.send("k").shows("KLB AKTIF sejak 14.20");
    two.shows("KLB AKTIF sejak 14.20");
    two.send("\x1b").hides("Pertama kali");
    one.hides("Pertama kali");
    let state = home.state("shift.toml");
    eventually("both changes on the disk", || text(&state).contains("\"ya\"") && !text(&state).contains("welcome"));
    for term in [&mut one, &mut two] {
        term.signal("KILL");
        term.ends();
    }
    let (mut one, mut two) = (opened_with_klb(&home), opened_with_klb(&home));
    one.hides("Pertama kali");
    two.send("k").hides("KLB AKTIF");
    one.hides("KLB AKTIF").shows(CAMPAIGN);
    one.quits();
    two.quits();
    assert!(!text(&state).contains("\"ya\""));
}

fn opened_with_klb(home: &Home) -> Term {
    let mut term = Term::start(&prompter(home, &[]));
    term.shows("KLB AKTIF sejak");
    term
}

// ── The journal ───────────────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn closings_locked_out_of_the_journal_are_reported_at_the_end_and_imported_at_the_next_start() {
    let home = Home::new();
    let path = home.data("journal.db");
    let mut term = opened(&home);
    let mut lock = None;
    eventually("the journal", || {
        lock = Connection::open(&path).ok().filter(|_| path.exists());
        lock.as_ref().is_some_and(|lock| lock.execute_batch("BEGIN IMMEDIATE").is_ok())
    });
    term.send("sx").shows("Panggilan selesai").shows("Jurnal belum tertulis");
    term.quits();
    term.shows("penutup: 1 closing belum masuk jurnal (sedang dipakai program lain)").shows("journal-pending-");
    assert!(text(home.state("log")).contains("1 closing belum masuk jurnal"));
    drop(lock);
    let mut term = opened(&home);
    term.shows("1 closing yang tertunda sudah masuk jurnal");
    term.quits();
    let report = home.penutup(["report", "--format", "json"]).json();
    assert_eq!((&report["total"]["closings"], &report["total"]["complete"]), (&1.into(), &1.into()), "{report}");
}

#[test]
fn two_troubles_at_once_are_both_shown_and_both_reported_at_the_end() {
    let home = Home::new();
    for folder in ["state", "data"] {
        home.write(folder, "a file where the folder should be");
    }
    let mut term = opened(&home);
    term.send("ksx").shows("Panggilan selesai").send("d").send("d");
    term.shows("(+").send("?").shows("Status shift tidak dapat disimpan").shows("Jurnal belum tertulis");
    // Quit with Ctrl-C: one more letter within a second would count as typing into the wrong window.
    term.send("\x03");
    term.ends();
    term.assert_restored();
    term.shows("penutup: Status shift (KLB) tidak tersimpan")
        .shows("penutup: 1 closing hilang, jurnal tidak dapat ditulis");
}

#[test]
fn losses_on_a_full_disk_are_reported_after_quitting() {
    let Some(disk) = Disk::of(1) else {
        return skipped("losses_on_a_full_disk_are_reported_after_quitting", "no disk can be mounted here (not root)");
    };
    let home = Home::new();
    let own = disk.path().join("home");
    let mut command = prompter(&home, &[]);
    command.env("PENUTUP_HOME", &own);
    let mut term = Term::start(&command);
    term.shows(CAMPAIGN).send("m").shows("▐PLN Mobile▌");
    let journal = own.join("data/journal.db");
    eventually("the journal", || journal.exists());
    disk.fill();
    term.send("ksx").shows("Panggilan selesai");
    // The journal's failed write freed some blocks, which would be enough for the state.
    disk.fill();
    term.send("k").shows("Status shift tidak dapat disimpan");
    term.send("q");
    assert!(term.ends().success());
    term.assert_restored();
    // SQLite's log may have room for the closing, and what it frees at the end may be enough for the state: what is said to
    // be lost is what is not on the disk.
    disk.empty();
    let told = term.text();
    let report = home.penutup(["report", "--format", "json"]).env("PENUTUP_HOME", &own).json();
    let is_kept = report["total"]["closings"] == 1;
    let is_saved = text(own.join("state/shift.toml")).contains("value = \"tidak\"");
    assert_eq!(told.contains("penutup: 1 closing "), !is_kept, "{told}");
    assert_eq!(told.contains("penutup: Status shift (KLB) tidak tersimpan"), !is_saved, "{told}");
}

#[test]
fn a_rules_file_named_as_the_journal_is_an_error_of_the_settings_and_not_touched() {
    let home = Home::new();
    let rules = home.write_config("rules.toml", BUILT_IN);
    home.write_config("settings.toml", "# slip\n\n[journal]\npath = 'rules.toml'\n");
    let mut term = opened(&home);
    term.shows("Jurnal belum tertulis: settings.toml:4: journal.path").send("m").send("d").send("d");
    term.shows("Jurnal belum tertulis: settings.toml:4: journal.path");
    term.quits();
    term.shows("1 closing belum masuk jurnal (settings.toml:4");
    assert_eq!(text(&rules), BUILT_IN);
    let names: Vec<_> = fs::read_dir(rules.parent().unwrap()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "nothing is made beside them: {names:?}");
    for verb in [&["report"][..], &["journal", "export"], &["journal", "forget", "--all", "--yes"]] {
        let ran = home.penutup(verb).run();
        assert!(ran.status == Some(2) && ran.err.contains("settings.toml:4"), "{ran:?}");
    }
    assert_eq!(text(&rules), BUILT_IN);
    // Once the setting is corrected, the pending closing is imported.
    home.write_config("settings.toml", "");
    let mut term = opened(&home);
    term.shows("1 closing yang tertunda sudah masuk jurnal");
    term.quits();
}

#[test]
fn a_file_of_the_programs_own_named_as_the_journal_is_refused_before_it_exists() {
    for own in ["shift.toml", "log"] {
        let home = Home::new();
        let path = home.state(own);
        home.write_config("settings.toml", format!("[journal]\npath = '{}'\n", path.display()));
        let mut term = opened(&home);
        term.shows("settings.toml:2: journal.path bukan jurnal penutup").send("k").shows("KLB AKTIF");
        term.send("s").shows("Closing lengkap").send(" ").shows("Panggilan selesai");
        term.quits();
        assert_eq!(home.penutup(["report", "--format", "json"]).json()["total"]["closings"], 1, "in the usual place");
        let mut term = Term::start(&prompter(&home, &[]));
        term.shows("KLB AKTIF");
        term.quits();
    }
}

// ── Settings ──────────────────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn a_typing_error_in_the_settings_drops_nothing_and_is_reported_until_corrected() {
    let home = Home::new();
    home.write_config("sop/rules.toml", BUILT_IN.replace("\"Rev-1\"", "\"Rev-9\""));
    let good = "rules = 'sop/rules.toml'\nseat = '07'\n[broadcast]\nfolder = 'klb'\n";
    let settings = home.write_config("settings.toml", good);
    fs::create_dir(home.config("klb")).unwrap();
    let mut term = opened(&home);
    term.shows("SOP Rev-9");
    eventually("the copy", || text(home.state("last-good-settings.toml")).ends_with(good));
    term.quits();

    home.write_config("settings.toml", good.replace("'sop/rules.toml'", "'sop/rules.toml"));
    let mut term = opened(&home);
    term.shows("SOP Rev-9").shows("settings.toml:1:");
    for key in ["m", "a", "\x1b"] {
        term.send(key);
    }
    term.shows("▐TELAH punya▌").shows("settings.toml:1:");
    // The version is the Unix time of the declaration; one that is far in the future would be refused.
    let declared = "version = 1700000000\nstate = 'on'\nsince = '2026-11-24T05:00:00Z'\nby = 'SPV'\n";
    fs::write(home.config("klb/klb.toml"), declared).unwrap();
    term.shows("KLB AKTIF");
    let beside = settings.with_extension("new");
    fs::write(&beside, good).unwrap();
    fs::rename(&beside, &settings).unwrap();
    term.hides("settings.toml:1:");
    fs::write(&beside, good.replace("07", "08")).unwrap();
    fs::rename(&beside, &settings).unwrap();
    term.shows("Pengaturan berubah; berlaku setelah penutup dibuka ulang");
    term.quits();
}

// ── A share that hangs ────────────────────────────────────────────────────────────────────────────────────────────────

/// A mounted file system whose server never answers, like a share whose server is down.
struct HungShare {
    folder: tempfile::TempDir,
    server: Child,
}

impl HungShare {
    /// `None` where nothing can be mounted here.
    fn new() -> Option<Self> {
        Self::over(|_| ())
    }

    /// With a folder below it, which is accessible again after unmounting.
    fn over(beneath: impl FnOnce(&Path)) -> Option<Self> {
        const MOUNT: &str = "exec 5<>/dev/fuse && \
            mount -i -t fuse -o fd=5,rootmode=40000,user_id=0,group_id=0 hung \"$1\" && echo mounted && read end";
        let folder = tempfile::tempdir().expect("a folder for the test");
        beneath(folder.path());
        let mut command = Command::new("bash");
        command.args(["-c", MOUNT, "hung"]).arg(folder.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut server = command.spawn().ok()?;
        let mut line = String::new();
        BufReader::new(server.stdout.take()?).read_line(&mut line).ok()?;
        if line == "mounted\n" {
            return Some(Self { folder, server });
        }
        let _ = server.wait();
        None
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl HungShare {
    /// The share works again.
    fn recover(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.folder.path()).output();
        let _ = self.server.stdin.take().map(|mut stdin| stdin.write_all(b"\n"));
        let _ = self.server.wait();
    }
}

impl Drop for HungShare {
    fn drop(&mut self) {
        self.recover();
    }
}

#[test]
fn rules_on_a_hanging_share_are_loaded_when_it_recovers() {
    let beneath = |folder: &Path| {
        fs::write(folder.join("rules.toml"), BUILT_IN.replace("\"Rev-1\"", "\"Rev-9\"")).unwrap();
    };
    let Some(mut share) = HungShare::over(beneath) else {
        return skipped(
            "rules_on_a_hanging_share_are_loaded_when_it_recovers",
            "no FUSE file system can be mounted here (not root)",
        );
    };
    let home = Home::new();
    let rules = share.file("rules.toml");
    let mut term = Term::start(&prompter(&home, &["--rules", rules.to_str().unwrap()]));
    term.shows("Menunggu rules.toml").shows("SOP Rev-1");
    share.recover();
    // Whatever error the share returns while it is unmounted, the next check finds the rules; the end of a call causes
    // a check.
    term.send("sx").shows("Panggilan selesai").shows("SOP Rev-9").hides("Menunggu");
    term.quits();
}

#[test]
fn a_hanging_share_blocks_neither_the_first_screen_nor_keys_nor_the_exit() {
    let Some(share) = HungShare::new() else {
        return skipped(
            "a_hanging_share_blocks_neither_the_first_screen_nor_keys_nor_the_exit",
            "no FUSE file system can be mounted here (not root)",
        );
    };
    let file = |name: &str| share.file(name).to_str().unwrap().to_owned();
    let (rules, settings) = (file("rules.toml"), file("settings.toml"));
    let broadcast = format!("[broadcast]\nfolder = '{}'\n[journal]\npath = '{}'\n", file("klb"), file("journal.db"));
    for (args, config, waits) in [
        (vec!["--rules", &rules], "", "Menunggu rules.toml"),
        (vec!["--settings", &settings], "", "settings.toml: folder atau disknya tidak merespons"),
        (vec!["--rules", &rules, "--settings", &settings], "", "Menunggu rules.toml"),
        (vec![], &*broadcast, "Pusat terputus"),
    ] {
        let home = Home::new();
        home.write_config("settings.toml", config);
        let mut term = Term::start(&prompter(&home, &args));
        term.shows(CAMPAIGN).shows(waits);
        term.send("k").shows("KLB AKTIF").send("m").shows("▐PLN Mobile▌");
        term.quits();
        assert!(text(home.state("shift.toml")).contains("\"ya\""), "{args:?}");
        if !config.is_empty() {
            term.shows("Closing terakhir mungkin tidak masuk jurnal");
        }
    }
}

#[test]
fn a_home_on_a_hanging_share_blocks_neither_the_first_screen_nor_the_exit() {
    let Some(share) = HungShare::new() else {
        return skipped(
            "a_home_on_a_hanging_share_blocks_neither_the_first_screen_nor_the_exit",
            "no FUSE file system can be mounted here (not root)",
        );
    };
    let home = Home::new();
    let mut command = prompter(&home, &[]);
    command.env("PENUTUP_HOME", share.file("home"));
    let mut term = Term::start(&command);
    term.shows(CAMPAIGN).send("k").shows("KLB AKTIF").send("q");
    assert!(term.ends().success());
    term.assert_restored();
    term.shows("Status shift (KLB) mungkin tidak tersimpan");
}

// ── Who can read and write it ─────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn saved_files_are_private_whatever_the_umask() {
    use std::os::unix::fs::PermissionsExt as _;

    let home = Home::new();
    let inner = prompter(&home, &[]);
    let mut command = Command::new("sh");
    command.args(["-c", "umask 000; exec \"$@\"", "sh"]).arg(inner.get_program()).args(inner.get_args());
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?)))).current_dir(home.path());
    // A folder and a file that others can read, as an earlier version or a user may have created them.
    home.write(home.state("shift.toml"), "held = []\n");
    fs::set_permissions(home.state("").parent().unwrap(), fs::Permissions::from_mode(0o755)).unwrap();
    let mut term = Term::start(&command);
    term.shows(CAMPAIGN).send("k ").shows("KLB AKTIF");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    eventually("state and journal", || {
        text(home.state("shift.toml")).contains("ya") && home.data("journal.db").exists()
    });
    term.quits();
    for folder in [home.state(""), home.data("")] {
        assert_eq!(mode(&folder), 0o700, "{folder:?}");
        for entry in fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()).filter(|path| path.is_file()) {
            assert_eq!(mode(&entry), 0o600, "{entry:?}");
        }
    }
}

#[test]
fn a_home_below_a_world_writable_folder_is_reported() {
    use std::os::unix::fs::PermissionsExt as _;

    let home = Home::new();
    let world_writable = home.path().join("umum");
    fs::create_dir(&world_writable).unwrap();
    fs::set_permissions(&world_writable, fs::Permissions::from_mode(0o777)).unwrap();
    let mut command = prompter(&home, &[]);
    command.env("PENUTUP_HOME", world_writable.join("penutup"));
    let mut term = Term::start(&command);
    term.shows(CAMPAIGN).shows("(+1)").send("m").shows("▐PLN Mobile▌").shows("(+1)");
    term.send("?").shows("Pengguna lain dapat mengubah isi");
    term.quits();
}

#[cfg(target_os = "linux")]
#[test]
fn no_core_dump_can_contain_a_name() {
    let home = Home::new();
    let mut term = opened(&home);
    term.send("nSiti\r").shows("Siti");
    let limits = text(format!("/proc/{}/limits", term.pid()));
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).collect::<Vec<_>>(), ["0", "0", "bytes"]);
    // A process that is not dumpable belongs to root in /proc, and no other process can read its memory.
    let owner = fs::metadata(format!("/proc/{}/environ", term.pid())).unwrap();
    assert_eq!(std::os::unix::fs::MetadataExt::uid(&owner), 0);
    term.signal("ABRT");
    let status = term.ends();
    assert!(!format!("{status:?}").contains("core dumped"));
}

// ── A helper thread that dies ─────────────────────────────────────────────────────────────────────────────────────────

/// Prints to the stream itself, past the test harness, which captures a test's output.
fn print(line: &str) {
    writeln!(std::io::stdout(), "{line}").expect("an open stream");
}

/// A view that prints a standing trouble and then ends the loop.
struct ExitOnTrouble;

static SENDER: std::sync::Mutex<Option<penutup::event::InputSender<()>>> = std::sync::Mutex::new(None);

impl penutup::run::View for ExitOnTrouble {
    type Input = ();
    type Output = ();
    const EACH: bool = true;

    fn listen(sender: penutup::event::InputSender<()>) -> std::io::Result<()> {
        *SENDER.lock().unwrap() = Some(sender);
        Ok(())
    }

    fn input(
        &mut self,
        (): (),
        _: &penutup::app::App,
        _: chrono::DateTime<chrono::Utc>,
    ) -> std::io::Result<Vec<penutup::run::Step<()>>> {
        Ok(Vec::new())
    }

    fn output(&mut self, (): (), _: &penutup::app::App) {}

    fn changed(&mut self, app: &penutup::app::App, _: &[penutup::app::Effect], _: bool) {
        if let Some(line) = app.standing() {
            print(&format!("ON THE SCREEN: {line}"));
            SENDER.lock().unwrap().as_ref().unwrap().close();
        }
    }

    fn show(&mut self, _: &penutup::app::App) -> std::io::Result<()> {
        Ok(())
    }

    fn copy(&mut self, _: &str) -> std::io::Result<()> {
        Ok(())
    }

    const INTERRUPT_LEAVES: bool = false;

    fn abandon() {}

    fn suspend(&mut self) {}

    fn resume(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The test starts itself again as a child process, since the loop takes over the process's signals and a helper panics there.
#[test]
fn a_panicking_helper_is_reported_on_the_screen_and_in_the_log() {
    const INSIDE: &str = "PENUTUP_TEST_HELPER";
    if std::env::var_os(INSIDE).is_some() {
        let stage = crate::stage::Stage::at("14:20");
        let mut app = stage.app;
        let reload = || panic!("the rules `{}` broke it", String::from("Siti Aminah"));
        let outside = penutup::run::Outside {
            state_writer: penutup::files::saved_state::StateWriter::new(
                &penutup::files::Folders::default(),
                penutup::seat::SeatState::default(),
            ),
            tasks: std::sync::Arc::default(),
            log: std::sync::Arc::new(|line| print(&format!("IN THE LOG: {line}"))),
            rules: Some((vec!["rules.toml".into()], Box::new(reload))),
            settings: None,
            sources: vec![],
            used: std::sync::Arc::default(),
            journal: None,
            clipboard: None,
        };
        penutup::run::run(&mut app, penutup::clock::Clock::system(), outside, || Ok(ExitOnTrouble)).unwrap();
        return;
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    let own_name = "persistence::a_panicking_helper_is_reported_on_the_screen_and_in_the_log";
    let ran = command.args([own_name, "--exact", "--nocapture"]).env(INSIDE, "1").output().unwrap();
    let out = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(ran.status.success(), "{ran:?}");
    assert!(out.contains("ON THE SCREEN: Perubahan aturan tidak terpantau lagi"), "{out}");
    assert!(out.contains("IN THE LOG: panic in rules: the rules … broke it (tests/suite/persistence.rs:"), "{out}");
    assert!(!out.contains("Aminah") && ran.stderr.is_empty(), "{ran:?}");
}

#[test]
fn paths_lists_the_log_and_the_last_good_settings() {
    let home = Home::new();
    let paths = home.penutup(["paths"]).ok();
    for path in [home.state("log"), home.state("last-good-settings.toml")] {
        assert!(paths.contains(path.to_str().unwrap()), "{paths}");
    }
}
