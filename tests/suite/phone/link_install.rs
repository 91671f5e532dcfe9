//! `penutup link install`, `status` and `remove` with the desktop's real programs, in a home of its own.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::link::{is_installed, open};
use super::verb::{WAIT, prompter};
use crate::support::{Home, Ran};

const LINK: &str = "penutup:call?event=start&nama=Siti%20Aminah&topik=pln-mobile";

fn entry(home: &Home) -> PathBuf {
    home.path().join("data/applications/penutup-link.desktop")
}

fn defaults(home: &Home) -> PathBuf {
    home.path().join("config/mimeapps.list")
}

fn link(home: &Home, what: &str) -> Ran {
    home.penutup(["link", what]).run()
}

/// A program of the desktop, in the user's environment.
fn desktop(home: &Home, program: &str, args: &[&str]) -> Output {
    let mut command = Command::new(program);
    let ours = home.penutup([""; 0]).env("PENUTUP_CALL_WAIT", WAIT).command();
    command.args(args).env_clear().envs(ours.get_envs().filter_map(|(name, value)| Some((name, value?))));
    // xdg-open looks for handlers only where there is a display; none of these needs one.
    command.env("DISPLAY", ":none").env("BROWSER", "false");
    command.output().expect("it runs")
}

/// A second copy of the program, at a path below the target folder.
struct Copy(tempfile::TempDir, PathBuf);

impl Copy {
    fn at(folder: &str) -> Self {
        let root = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let program = root.path().join(folder).join("penutup");
        fs::create_dir_all(program.parent().expect("a folder")).expect("a folder");
        fs::hard_link(env!("CARGO_BIN_EXE_penutup"), &program).expect("a second name of the program");
        Self(root, program)
    }

    fn link(&self, home: &Home, what: &str) -> Ran {
        let mut command = Command::new(&self.1);
        let ours = home.penutup([""; 0]).command();
        command.args(["link", what]).env_clear().envs(ours.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = command.output().expect("it runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Ran { status: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

fn own() -> String {
    env!("CARGO_BIN_EXE_penutup").to_owned()
}

#[test]
fn installing_is_repeatable_and_removing_leaves_nothing_of_ours() {
    if !is_installed("xdg-mime") || !is_installed("desktop-file-validate") {
        return;
    }
    let home = Home::new();
    let others = "# mine\n[Default Applications]\ntext/html=firefox.desktop\n";
    fs::create_dir_all(home.path().join("config")).expect("a folder");
    fs::write(defaults(&home), others).expect("a list");
    fs::set_permissions(defaults(&home), PermissionsExt::from_mode(0o644)).expect("permissions");
    let none = "Tautan penutup: belum didaftarkan (penutup link install)\n";
    link(&home, "status").status(1).err_is("").out_has(none);
    assert!(!entry(&home).exists(), "asking writes nothing");
    for _ in 0..2 {
        let ran = link(&home, "install");
        ran.status(0).err_is("");
        let (entry, defaults) = (entry(&home), defaults(&home));
        let places = format!("Ditulis: {}\nDitulis: {}\n", entry.display(), defaults.display());
        assert_eq!(ran.out, format!("Tautan penutup: dibuka dengan {}\n{places}", own()));
        let ran = link(&home, "status");
        ran.status(0).err_is("");
        assert_eq!(ran.out, format!("Tautan penutup: dibuka dengan {}\n", own()));
        let valid = desktop(&home, "desktop-file-validate", &[entry.to_str().expect("UTF-8")]);
        assert!(valid.status.success() && valid.stdout.is_empty(), "{valid:?}");
    }
    let text = fs::read_to_string(entry(&home)).expect("the entry");
    assert!(text.contains("NoDisplay=true\nTerminal=false\nMimeType=x-scheme-handler/penutup;\n"), "{text}");
    let ran = link(&home, "remove");
    ran.status(0).err_is("");
    let gone = format!("Dihapus: {}\nDihapus dari daftar: {}\n", entry(&home).display(), defaults(&home).display());
    assert_eq!(ran.out, gone);
    assert!(!entry(&home).exists());
    assert_eq!(fs::read_to_string(defaults(&home)).expect("the list"), others);
    assert_eq!(fs::metadata(defaults(&home)).expect("the list").permissions().mode() & 0o777, 0o644);
    let ran = link(&home, "remove");
    ran.status(0).err_is("").out_has("Tidak ada pendaftaran tautan milik program ini\n");
    link(&home, "status").status(1).out_has(none);
}

#[test]
fn a_moved_or_second_program_is_told() {
    if !is_installed("xdg-mime") {
        return;
    }
    let home = Home::new();
    let copy = Copy::at("bin");
    copy.link(&home, "install").status(0).err_is("");
    copy.link(&home, "status").status(0);
    let path = copy.1.display().to_string();
    let another = link(&home, "status");
    another.status(1).out_has(&format!("dibuka dengan {path}, bukan program ini ({})", own()));
    fs::remove_file(&copy.1).expect("it is moved away");
    link(&home, "status").status(1).out_has(&format!("didaftarkan untuk {path}, yang tidak ada lagi"));
    link(&home, "install").status(0).err_is("");
    link(&home, "status").status(0).out_has(&own());
    drop(copy.0);
}

#[test]
fn what_another_program_registered_is_told_and_left() {
    if !is_installed("xdg-mime") {
        return;
    }
    let home = Home::new();
    let foreign = "[Desktop Entry]\nType=Application\nName=x\nExec=x %u\nMimeType=x-scheme-handler/penutup;\n";
    home.write("data/applications/x.desktop", foreign);
    assert!(desktop(&home, "xdg-mime", &["default", "x.desktop", "x-scheme-handler/penutup"]).status.success());
    link(&home, "status").status(1).out_has("Tautan penutup: dibuka dengan program lain: x.desktop");
    link(&home, "remove").status(0).out_has("Tidak ada pendaftaran tautan milik program ini");
    // The user asked for it, and the other program's files stay.
    link(&home, "install").status(0);
    link(&home, "status").status(0);
    link(&home, "remove").status(0);
    assert_eq!(fs::read_to_string(home.path().join("data/applications/x.desktop")).expect("it stays"), foreign);
    // A file of ours that somebody has changed is somebody else's.
    fs::write(entry(&home), foreign).expect("a file");
    let place = format!("{} ditulis program lain; tidak diubah", entry(&home).display());
    link(&home, "remove").status(1).out_has(&place);
    let ran = link(&home, "install");
    ran.status(2);
    assert!(ran.err.contains(&place), "{}", ran.err);
    assert_eq!(fs::read_to_string(entry(&home)).expect("it stays"), foreign);
}

#[test]
fn what_can_not_be_written_or_is_missing_is_told() {
    let home = Home::new();
    home.write("data", "a file where the folder should be");
    let ran = link(&home, "install");
    ran.status(2);
    assert!(ran.err.contains("penutup-link.desktop"), "{}", ran.err);
    // Without xdg-utils.
    let home = Home::new();
    let nothing = home.path().join("bin");
    fs::create_dir(&nothing).expect("a folder");
    for what in ["install", "status"] {
        let ran = home.penutup(["link", what]).env("PATH", &nothing).run();
        ran.status(2);
        assert!(ran.err.contains("xdg-mime tidak ada") && ran.err.contains("xdg-utils"), "{}", ran.err);
    }
    // A program of that name that does nothing.
    let fake = nothing.join("xdg-mime");
    fs::write(&fake, "#!/bin/sh\nexit 0\n").expect("a program");
    fs::set_permissions(&fake, PermissionsExt::from_mode(0o755)).expect("permissions");
    let ran = home.penutup(["link", "install"]).env("PATH", &nothing).run();
    ran.status(2);
    assert!(ran.err.contains("xdg-mime gagal"), "{}", ran.err);
    let unused = home.penutup(["link", "status"]).env("PATH", &nothing).run();
    unused.status(1).out_has("sudah ditulis tetapi belum dipakai desktop");
}

#[test]
fn a_path_that_no_entry_can_have_is_told() {
    if !is_installed("xdg-mime") {
        return;
    }
    let home = Home::new();
    for folder in ["a=b", "100%"] {
        let ran = Copy::at(folder).link(&home, "install");
        ran.status(2);
        assert!(ran.err.contains("tidak dapat didaftarkan") && !entry(&home).exists(), "{}", ran.err);
    }
}

/// The desktop's own programs open a link, wherever the program is.
#[test]
fn the_desktop_opens_a_link_in_the_prompter() {
    if !is_installed("xdg-mime")
        || !is_installed("desktop-file-validate")
        || !is_installed("gio")
        || !is_installed("xdg-open")
    {
        return;
    }
    let opens = |home: &Home, program: &str, args: &[&str]| {
        let mut term = prompter(home, &[]);
        let opened = desktop(home, program, args);
        assert!(opened.status.success(), "{program}: {opened:?}");
        term.shows("N Siti Aminah dari tautan: konfirmasi").shows("▐PLN Mobile▌");
        term.rest().send("s").shows("Closing lengkap").send(" ").quits();
    };
    let home = Home::new();
    link(&home, "install").status(0);
    opens(&home, "gio", &["open", LINK]);
    opens(&home, "xdg-open", &[LINK]);
    // Every character that the desktop entry has to quote. xdg-open outside a desktop knows no quotes; GIO does.
    let home = Home::new();
    let copy = Copy::at("a b\"c`d$e\\f'h;i&j(k)l*?#<>|~é");
    copy.link(&home, "install").status(0).err_is("");
    copy.link(&home, "status").status(0).out_has(copy.1.to_str().expect("UTF-8"));
    let valid = desktop(&home, "desktop-file-validate", &[entry(&home).to_str().expect("UTF-8")]);
    assert!(valid.status.success(), "{valid:?}");
    opens(&home, "gio", &["open", LINK]);
    copy.link(&home, "remove").status(0);
    assert!(!desktop(&home, "gio", &["open", LINK]).status.success(), "nothing opens it any more");
    assert!(Path::new(&copy.1).exists());
    open(&home, LINK).status(1);
}
