//! A real prompter in a pseudo-terminal, with every screen that it showed.

use std::io::{Read as _, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Instant;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use super::{POLL_INTERVAL, TIMEOUT};

/// The prompter's binary. Built here if needed: cargo builds no other package's binaries for a test.
pub fn penutup() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let folder = Path::new(env!("CARGO_BIN_EXE_penutup-fleet")).parent().expect("a folder");
        let profile = if folder.ends_with("debug") { "dev" } else { "release" };
        let mut command = Command::new(env!("CARGO"));
        // With the examples, dependencies get the features that the tests' own need: those of a `cargo test` are used again.
        command.args(["build", "--locked", "--quiet", "--bins", "--examples", "--profile", profile, "--target-dir"]);
        command.arg(folder.parent().expect("the target folder"));
        // The test's own cargo variables would make cargo rebuild everything.
        let ours = |name: &str| {
            ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "OUT_DIR"].iter().any(|of| name.starts_with(of))
        };
        for name in std::env::vars_os().map(|(name, _)| name).filter(|name| name.to_str().is_some_and(ours)) {
            command.env_remove(name);
        }
        let built = command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).output().expect("cargo runs");
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        folder.join("penutup")
    })
}

/// The terminal, and all its screens so far, each as one line with whitespace collapsed.
struct Output {
    parser: vt100::Parser,
    screens: Vec<String>,
}

/// A terminal of 120×30 with a program in it. Both end with the test.
pub struct Screen {
    child: Box<dyn Child + Send + Sync>,
    writer: Box<dyn Write + Send>,
    seen: Arc<Mutex<Output>>,
    // Dropped last: closing the terminal hangs up the other processes in it.
    _master: Box<dyn MasterPty + Send>,
}

/// Between two keys of a fast typist.
const KEY: std::time::Duration = std::time::Duration::from_millis(120);

impl Screen {
    #[track_caller]
    pub fn start(command: &Command) -> Self {
        let (rows, cols) = (30, 120);
        let size = PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
        let pty = native_pty_system().openpty(size).expect("a pseudo-terminal");
        let mut builder = CommandBuilder::new(command.get_program());
        builder.args(command.get_args());
        builder.env_clear();
        builder.env("TERM", "xterm-256color");
        for (name, value) in command.get_envs() {
            if let Some(value) = value {
                builder.env(name, value);
            }
        }
        if let Some(folder) = command.get_current_dir() {
            builder.cwd(folder);
        }
        let child = pty.slave.spawn_command(builder).expect("the program starts");
        drop(pty.slave);
        let mut reader = pty.master.try_clone_reader().expect("a reader");
        let writer = pty.master.take_writer().expect("a writer");
        let seen = Arc::new(Mutex::new(Output { parser: vt100::Parser::new(rows, cols, 0), screens: Vec::new() }));
        let shared = Arc::clone(&seen);
        thread::spawn(move || {
            let mut chunk = vec![0; 65_536];
            while let Ok(read @ 1..) = reader.read(&mut chunk) {
                let mut seen = shared.lock().unwrap_or_else(PoisonError::into_inner);
                seen.parser.process(&chunk[..read]);
                let now = flat(&seen.parser.screen().contents());
                seen.screens.push(now);
            }
        });
        Self { child, writer, seen, _master: pty.master }
    }

    /// The present screen.
    pub fn text(&self) -> String {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.screens.last().cloned().unwrap_or_default()
    }

    /// Whether any screen had these words.
    pub fn has_shown(&self, words: &str) -> bool {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.screens.iter().any(|text| text.contains(words))
    }

    /// Waits until the screen has these words, however they are wrapped.
    pub async fn waits_for(&self, words: &str) {
        self.waits_until(&format!("{words:?}"), |text| text.contains(words)).await;
    }

    /// Waits until these words are gone.
    pub async fn waits_without(&self, words: &str) {
        self.waits_until(&format!("the end of {words:?}"), |text| !text.is_empty() && !text.contains(words)).await;
    }

    /// Waits for a condition of the screen.
    pub async fn waits_until(&self, what: &str, condition: impl Fn(&str) -> bool) {
        let start = Instant::now();
        while !condition(&self.text()) {
            assert!(start.elapsed() < TIMEOUT, "{what} does not come:\n{}", self.text());
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// Types key by key: the prompter takes faster input for a paste.
    #[track_caller]
    pub fn type_keys(&mut self, keys: &str) {
        for key in keys.split_inclusive(|_: char| true) {
            self.writer.write_all(key.as_bytes()).and_then(|()| self.writer.flush()).expect("the terminal takes it");
            thread::sleep(KEY);
        }
    }

    /// Kills the program.
    #[track_caller]
    pub fn kill(&mut self) {
        let pid = self.child.process_id().expect("it runs").to_string();
        assert!(Command::new("kill").args(["-KILL", &pid]).status().expect("kill runs").success());
        self.child.wait().expect("it ended");
    }

    /// Waits until it ends by itself.
    pub async fn wait_for_exit(&mut self) {
        let start = Instant::now();
        while self.child.try_wait().expect("its status").is_none() {
            assert!(start.elapsed() < TIMEOUT, "it does not end:\n{}", self.text());
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
