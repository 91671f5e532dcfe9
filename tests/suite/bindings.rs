//! The bindings of `penutup hotkeys --for …`, read by the programs that they are for. Where those can be driven, the keys
//! are pressed, and the command that is run is compared to the last character.

use std::fs::{self, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use crate::display::Display;
use crate::support::Home;
use crate::term::eventually;

/// A folder that every format has to quote.
const FOLDER: &str = "a 'b\"c\\d 100% $HOME e`f;g,h";
/// Plasma 5, which `kglobalaccel5` belongs to, reads neither these three characters as Plasma 6 and the standard do:
/// `%%`, `\$` and `` \` `` stay as they are written.
const FOLDER_FOR_PLASMA_5: &str = "a 'b\"c\\d;e,f";
const SETTINGS: &str = "[hotkeys]\n\"topik=pln-mobile\" = \"Ctrl+Alt+M\"\nsaid = \"Ctrl+Alt+Space\"\n\
                        end = \"Super+PageUp\"\n";
/// The keys of the settings as xdotool names them, and their presses.
const PRESSES: [(&str, &str); 3] =
    [("ctrl+alt+m", "topik=pln-mobile"), ("ctrl+alt+space", "said"), ("super+Page_Up", "end")];

/// Prints why a test does not run.
fn skipped(test: &str, why: &str) {
    // Not with `eprintln!`: the harness hides its output in a passing test.
    let _ = writeln!(std::io::stderr(), "SKIPPED {test}: {why}");
}

/// Whether a program is installed.
fn has(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|folder| folder.join(program).is_file())
}

/// A user whose program is in a folder with an unusual name.
struct Seat {
    home: Home,
    program: PathBuf,
}

impl Seat {
    fn new(folder: &str) -> Self {
        let home = Home::new();
        home.write_config("settings.toml", SETTINGS);
        let program = home.write(Path::new(folder).join("penutup"), "");
        fs::remove_file(&program).expect("removed");
        let ours = env!("CARGO_BIN_EXE_penutup");
        if fs::hard_link(ours, &program).is_err() {
            fs::copy(ours, &program).expect("a copy");
        }
        // sway does not run as root; whoever it runs as has to get here.
        for folder in ["", folder, "run"] {
            let folder = home.path().join(folder);
            fs::create_dir_all(&folder).expect("a folder");
            fs::set_permissions(folder, Permissions::from_mode(0o777)).expect("permissions");
        }
        Self { home, program }
    }

    /// A program of the machine, run by this user.
    fn command(&self, program: &str) -> Command {
        let ours = self.home.penutup([""; 0]).command();
        let mut command = Command::new(program);
        command.env_clear().envs(ours.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.current_dir(self.home.path()).stdin(Stdio::null());
        command
    }

    /// What is printed for a program.
    #[track_caller]
    fn printed(&self, target: &str) -> String {
        let output = self.command(self.program.to_str().expect("UTF-8")).args(["hotkeys", "--for", target]).output();
        let output = output.expect("it runs");
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// Replaces the program by one that writes down how it is called.
    fn record(&self) {
        let record = self.home.write("record", "");
        fs::set_permissions(&record, Permissions::from_mode(0o666)).expect("permissions");
        fs::remove_file(&self.program).expect("removed");
        let script = format!("#!/bin/sh\nprintf '%s\\n' \"$0\" \"$@\" end >> {}\n", record.display());
        fs::write(&self.program, script).expect("a script");
        fs::set_permissions(&self.program, Permissions::from_mode(0o755)).expect("permissions");
    }

    /// Whether the recorded program was called with exactly this press.
    fn was_pressed(&self, press: &str) -> bool {
        let record = fs::read_to_string(self.home.path().join("record")).expect("the record");
        let program = self.program.display();
        record.contains(&format!("{program}\npress\n--quiet\n{press}\nend\n"))
    }

    /// Presses each key until its command has run: the program that listens may not have begun to.
    fn every_key_works(&self, send: impl Fn(&str)) {
        for (keys, press) in PRESSES {
            eventually(&format!("{keys} to press {press}"), || {
                send(keys);
                self.was_pressed(press)
            });
        }
    }
}

/// A program that is ended with the test.
struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> Self {
        Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn presses_on(display: &Display) -> impl Fn(&str) {
    |keys| _ = display.ran("xdotool", &["key", "--clearmodifiers", keys])
}

#[test]
fn i3_accepts_the_lines_and_runs_the_program_at_their_keys() {
    let test = "the lines for i3";
    if !has("i3") {
        return skipped(test, "no i3 here");
    }
    let Some(display) = Display::start(test, &["xdotool"]) else { return };
    let seat = Seat::new(FOLDER);
    let config = seat.home.write("config/i3/config", seat.printed("i3"));
    let checked = |path: &Path| -> Output {
        let mut command = seat.command("i3");
        command.args(["-C", "-c"]).arg(path).env("DISPLAY", &display.name).output().expect("i3 runs")
    };
    let valid = checked(&config);
    // A file with nothing but bindings has no font.
    let errors = String::from_utf8_lossy(&valid.stderr).lines().filter(|line| !line.contains("\"font\"")).count();
    assert_eq!((valid.status.code(), errors), (Some(0), 0), "{valid:?}");
    let wrong = seat.home.write("wrong", seat.printed("i3").replace("bindsym Ctrl+Mod1+", "bindsym Ctrl+Mod9+"));
    assert!(checked(&wrong).stderr.len() > valid.stderr.len(), "a mistake is found");

    seat.record();
    let _i3 = Running::start(seat.command("i3").arg("-c").arg(&config).env("DISPLAY", &display.name));
    seat.every_key_works(presses_on(&display));
}

/// sway, which does not run as root.
fn as_user(seat: &Seat, program: &str) -> Command {
    let mut command = seat.command(if rustix::process::geteuid().is_root() { "setpriv" } else { program });
    if rustix::process::geteuid().is_root() {
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", program]);
    }
    command.env("WLR_BACKENDS", "headless").env("WLR_LIBINPUT_NO_DEVICES", "1").env("WLR_RENDERER", "pixman");
    command
}

#[test]
fn sway_accepts_the_lines_and_runs_the_program_at_their_keys() {
    let test = "the lines for sway";
    if !has("sway") {
        return skipped(test, "no sway here");
    }
    let seat = Seat::new(FOLDER);
    let config = seat.home.write("config/sway/config", seat.printed("sway"));
    fs::set_permissions(config.parent().expect("a folder"), Permissions::from_mode(0o755)).expect("permissions");
    let checked = |path: &Path| as_user(&seat, "sway").args(["-C", "-c"]).arg(path).output().expect("sway runs");
    let valid = checked(&config);
    assert!(valid.status.success(), "{valid:?}");
    let wrong = seat.home.write("wrong", seat.printed("sway").replace("+Page_Up", "+PageUp"));
    assert!(!checked(&wrong).status.success(), "a mistake is found");

    if !has("wtype") {
        return skipped("keys under sway", "no wtype here");
    }
    seat.record();
    let _sway = Running::start(as_user(&seat, "sway").arg("-c").arg(&config));
    seat.every_key_works(|keys| {
        let mut command = as_user(&seat, "wtype");
        let mut keys: Vec<&str> = keys.split('+').map(|key| if key == "super" { "logo" } else { key }).collect();
        let last = keys.pop().expect("a key");
        command.args(keys.iter().flat_map(|modifier| ["-M", modifier])).args(["-k", last]);
        // Until sway listens, there is nothing to connect to.
        let _ = command.env("WAYLAND_DISPLAY", "wayland-1").stdout(Stdio::null()).stderr(Stdio::null()).status();
    });
}

/// The text of a string that gsettings prints.
#[track_caller]
fn printed_string(printed: &str) -> String {
    let printed = printed.trim_end_matches('\n');
    let quote = printed.chars().next().expect("a quote");
    let inner = printed.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)).expect("quotes");
    let (mut out, mut chars) = (String::new(), inner.chars());
    while let Some(c) = chars.next() {
        out.push(if c == '\\' { chars.next().expect("an escape") } else { c });
    }
    out
}

#[test]
fn gnome_gets_the_bindings_and_keeps_the_users_own() {
    let test = "the commands for GNOME";
    let seat = Seat::new(FOLDER);
    const KEYS: &str = "org.gnome.settings-daemon.plugins.media-keys";
    const BASE: &str = "/org/gnome/settings-daemon/plugins/media-keys/custom-keybindings/";
    let run = |command: &mut Command| command.env("GSETTINGS_BACKEND", "keyfile").output().expect("it runs");
    let gsettings = |args: &[&str]| {
        let output = run(seat.command("gsettings").args(args));
        assert!(output.status.success(), "{args:?}: {output:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    if !has("gsettings") || !run(seat.command("gsettings").args(["list-keys", KEYS])).status.success() {
        return skipped(test, "no gsettings, or no schema of gnome-settings-daemon-common here");
    }
    let of = |id: &str| format!("{KEYS}.custom-keybinding:{BASE}{id}/");
    let value = |id: &str, key: &str| printed_string(&gsettings(&["get", &of(id), key]));
    let list = || gsettings(&["get", KEYS, "custom-keybindings"]);
    let apply = || {
        let script = seat.home.write("apply.sh", seat.printed("gnome"));
        let output = run(seat.command("sh").arg(script));
        assert!(output.status.success() && output.stdout.is_empty() && output.stderr.is_empty(), "{output:?}");
    };
    let expected = |ids: &[&str]| {
        let paths: Vec<String> = ids.iter().map(|id| format!("'{BASE}{id}/'")).collect();
        format!("[{}]\n", paths.join(", "))
    };

    apply();
    let ours = ["penutup-topik-pln-mobile", "penutup-said", "penutup-end"];
    assert_eq!(list(), expected(&ours), "from an empty list");
    assert_eq!(value(ours[0], "name"), "penutup: Topik: PLN Mobile");
    let bindings = ours.map(|id| value(id, "binding"));
    assert_eq!(bindings, ["<Control><Alt>m", "<Control><Alt>space", "<Super>Page_Up"]);
    let commands = ours.map(|id| value(id, "command"));
    seat.record();
    for command in commands {
        assert!(run(seat.command("sh").args(["-c", &command])).status.success(), "{command}");
    }
    assert!(PRESSES.iter().all(|(_, press)| seat.was_pressed(press)));

    // A second run replaces the bindings of the first, and nothing of the user's.
    fs::remove_file(&seat.program).expect("removed");
    symlink(env!("CARGO_BIN_EXE_penutup"), &seat.program).expect("a link");
    for users in [&["custom0"][..], &["custom0", "custom1"]] {
        let before = [&ours[..1], users, &ours[1..]].concat();
        gsettings(&["set", KEYS, "custom-keybindings", expected(&before).trim_end()]);
        gsettings(&["set", &of("custom0"), "command", "gnome-terminal --title 'penutup-said'"]);
        seat.home.write_config("settings.toml", "[hotkeys]\nundo = \"Ctrl+Alt+U\"\nsaid = \"Ctrl+Alt+S\"\n");
        apply();
        assert_eq!(list(), expected(&[users, &["penutup-undo", "penutup-said"]].concat()));
        assert_eq!(value("custom0", "command"), "gnome-terminal --title 'penutup-said'");
        assert_eq!(value("penutup-said", "binding"), "<Control><Alt>s");
    }
}

#[test]
fn kde_accepts_the_file_and_runs_the_program_at_its_keys() {
    let test = "the file for KDE";
    if !has("desktop-file-validate") {
        return skipped(test, "no desktop-file-validate here");
    }
    for folder in [FOLDER, FOLDER_FOR_PLASMA_5] {
        let seat = Seat::new(folder);
        let file = seat.home.write("data/kglobalaccel/penutup-hotkeys.desktop", seat.printed("kde"));
        let checked = seat.command("desktop-file-validate").arg(&file).output().expect("it runs");
        assert!(checked.status.success() && checked.stdout.is_empty(), "{checked:?}");
        if folder == FOLDER {
            continue;
        }
        if !has("kglobalaccel5") || !has("dbus-run-session") {
            return skipped("keys under KDE", "no kglobalaccel5 or no dbus-run-session here");
        }
        let Some(display) = Display::start(test, &["xdotool"]) else { return };
        seat.record();
        let mut daemon = seat.command("dbus-run-session");
        // The session ends with the program in it; this one ends with its standard input.
        daemon.args(["sh", "-c", "kglobalaccel5 & cat; kill $!"]).stdin(Stdio::piped());
        let _kde = Running::start(daemon.env("DISPLAY", &display.name));
        seat.every_key_works(presses_on(&display));
    }
}
