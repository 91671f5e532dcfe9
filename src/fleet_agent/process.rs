//! The agent's process. It has nothing of the terminal of the prompter that starts it: whoever waits until that terminal or
//! a pipe to it is closed does not wait for the agent.

#[cfg(unix)]
mod system {
    use std::io;
    use std::os::unix::process::CommandExt as _;
    use std::path::Path;
    use std::process::{Child, Command, ExitStatus, Stdio};

    pub struct Process(Child);

    impl Process {
        /// Starts it in a process group of its own, so that it does not end with this terminal.
        pub fn start(program: &Path, args: &[&Path]) -> io::Result<Self> {
            let mut command = Command::new(program);
            command.args(args).process_group(0);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            command.spawn().map(Self)
        }

        pub fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
            self.0.try_wait()
        }

        pub fn wait(&mut self) -> io::Result<ExitStatus> {
            self.0.wait()
        }
    }
}

#[cfg(windows)]
mod system {
    use std::io::{self, ErrorKind};
    use std::os::windows::process::ExitStatusExt as _;
    use std::path::Path;
    use std::process::ExitStatus;

    use winsafe::guard::CloseHandlePiGuard;
    use winsafe::{CreateProcess, STARTUPINFO, co};

    pub struct Process(CloseHandlePiGuard);

    impl Process {
        /// Starts it without a window, and without this program's handles, which [`std::process::Command`] passes on: a
        /// pipe behind the prompter would stay open as long as the agent runs.
        pub fn start(program: &Path, args: &[&Path]) -> io::Result<Self> {
            let text = |path: &Path| path.to_str().map(str::to_owned).ok_or(ErrorKind::InvalidFilename);
            let program = text(program)?;
            let mut line = quoted(&program);
            for arg in args {
                line = format!("{line} {}", quoted(&text(arg)?));
            }
            // Standard streams that are given and are none: else Windows duplicates this program's.
            let mut streams = STARTUPINFO::default();
            streams.dwFlags = co::STARTF::USESTDHANDLES;
            CreateProcess(
                Some(&program),
                Some(&line),
                None,
                None,
                false,
                co::CREATE::NO_WINDOW,
                &[],
                None,
                &mut streams,
            )
            .map(Self)
            .map_err(error)
        }

        pub fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
            self.status(Some(0))
        }

        pub fn wait(&mut self) -> io::Result<ExitStatus> {
            self.status(None)?.ok_or_else(|| ErrorKind::TimedOut.into())
        }

        /// Its exit status, as soon as it has ended; `None` after so many milliseconds.
        fn status(&self, wait: Option<u32>) -> io::Result<Option<ExitStatus>> {
            let process = &self.0.hProcess;
            if process.WaitForSingleObject(wait).map_err(error)? == co::WAIT::TIMEOUT {
                return Ok(None);
            }
            process.GetExitCodeProcess().map(|code| Some(ExitStatus::from_raw(code))).map_err(error)
        }
    }

    /// As a command line's argument: paths of files have no quotes and no backslash at their end.
    fn quoted(arg: &str) -> String {
        format!("\"{arg}\"")
    }

    fn error(error: co::ERROR) -> io::Error {
        io::Error::from_raw_os_error(error.raw().cast_signed())
    }
}

pub use system::Process;
