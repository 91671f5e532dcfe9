//! What the tests share: the program run as a user runs it, in a home of its own.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A user's home, deleted with the test.
#[derive(Debug)]
pub struct Home(TempDir);

impl Home {
    pub fn new() -> Self {
        Self(TempDir::new().expect("a folder for the test"))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// One of the program's folders. On Unix the platform's variables lead there; Windows has none for its folders, so
    /// there all lie below the one that the program asks for.
    fn folder(&self, name: &str) -> PathBuf {
        let folder = self.path().join(name);
        if cfg!(windows) { folder } else { folder.join("penutup") }
    }

    /// Where the user's own rules and settings are looked for.
    pub fn config(&self, file: &str) -> PathBuf {
        self.folder("config").join(file)
    }

    /// The folder of the program's state.
    pub fn state(&self, file: &str) -> PathBuf {
        self.folder("state").join(file)
    }

    /// A file of the folder for data that the program collects.
    pub fn data(&self, file: &str) -> PathBuf {
        self.folder("data").join(file)
    }

    /// Writes one of the user's own files and returns its path.
    #[track_caller]
    pub fn write_config(&self, file: &str, text: impl AsRef<[u8]>) -> PathBuf {
        self.write(self.config(file), text)
    }

    /// Writes a file below the home folder and returns its path.
    #[track_caller]
    pub fn write(&self, file: impl AsRef<Path>, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(file);
        std::fs::create_dir_all(path.parent().expect("below the home")).expect("its folder");
        std::fs::write(&path, text).expect("a file for the test");
        path
    }

    /// The program, run by this user.
    pub fn penutup<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Penutup {
        let mut command = Command::new(env!("CARGO_BIN_EXE_penutup"));
        command.args(args).env_clear().current_dir(self.path());
        let folders: &[(&str, &str)] = if cfg!(windows) {
            &[("PENUTUP_HOME", "")]
        } else {
            &[
                ("HOME", ""),
                ("XDG_CONFIG_HOME", "config"),
                ("XDG_STATE_HOME", "state"),
                ("XDG_DATA_HOME", "data"),
                ("XDG_RUNTIME_DIR", "run"),
            ]
        };
        for (name, folder) in folders {
            command.env(name, self.path().join(folder));
        }
        // Windows needs these for anything at all.
        for name in ["SystemRoot", "PATH", "TEMP"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        Penutup { command, stdin: Vec::new() }
    }
}

/// One run of the program.
#[derive(Debug)]
pub struct Penutup {
    command: Command,
    stdin: Vec<u8>,
}

impl Penutup {
    /// Sets a variable of the environment.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// What it reads from standard input.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// The command itself, for options that this builder lacks.
    pub fn command(self) -> Command {
        self.command
    }

    /// Runs it.
    #[track_caller]
    pub fn run(mut self) -> Ran {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = spawn(&mut self.command);
        // The program may end without reading all of it.
        let _ = child.stdin.take().expect("a pipe").write_all(&self.stdin);
        let output = child.wait_with_output().expect("the program ends");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("everything it prints is UTF-8");
        Ran { status: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Runs it; expects success (status 0, no message) and returns its output.
    #[track_caller]
    pub fn ok(self) -> String {
        let ran = self.run();
        ran.status(0).err_is("");
        ran.out
    }

    /// Runs it; expects a failure (status 2, no output) and returns its message.
    #[track_caller]
    pub fn failed(self) -> String {
        let ran = self.run();
        ran.status(2);
        assert_eq!(ran.out, "", "{ran:#?}");
        assert_ne!(ran.err, "", "{ran:#?}");
        ran.err
    }

    /// Runs it; expects success and returns the JSON that it printed on one line.
    #[track_caller]
    pub fn json(self) -> serde_json::Value {
        json(&self.ok())
    }
}

/// One line of JSON.
#[track_caller]
pub fn json(text: &str) -> serde_json::Value {
    assert_eq!(text.matches('\n').count(), 1, "one line: {text}");
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

/// The result of a run.
#[derive(Debug)]
pub struct Ran {
    pub status: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ran {
    #[track_caller]
    pub fn status(&self, status: i32) -> &Self {
        assert_eq!(self.status, Some(status), "{self:#?}");
        self
    }

    #[track_caller]
    pub fn out_has(&self, part: &str) -> &Self {
        assert!(self.out.contains(part), "{part:?} is not in {self:#?}");
        self
    }

    #[track_caller]
    pub fn err_is(&self, text: &str) -> &Self {
        assert_eq!(self.err, text, "{self:#?}");
        self
    }
}

/// Starts a program. Wine starting many at once sometimes reports "internal error"; then it is retried.
#[track_caller]
fn spawn(command: &mut Command) -> Child {
    const INTERNAL_ERROR: i32 = 1359;
    let mut child = command.spawn();
    for _ in 0..4 {
        if cfg!(windows) && child.as_ref().is_err_and(|e| e.raw_os_error() == Some(INTERNAL_ERROR)) {
            child = command.spawn();
        }
    }
    child.expect("the program starts")
}

/// Runs the program once, in a fresh home.
pub fn penutup<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Ran {
    Home::new().penutup(args).run()
}

/// Asserts that a text is safe for a terminal: no control character but the line break.
#[track_caller]
pub fn assert_harmless(text: &str) {
    let harmful: Vec<char> = text.chars().filter(|c| *c != '\n' && penutup::rules::text::is_forbidden(*c)).collect();
    assert!(harmful.is_empty(), "{harmful:x?} in {text:?}");
}
