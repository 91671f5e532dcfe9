//! Links on Windows: the user's own part of the registry.

use std::io;
use std::path::{Path, PathBuf};

use windows_registry::CURRENT_USER;

use super::{Failure, Registered, Removed};

/// The key of the scheme, below HKCU.
const KEY: &str = r"Software\Classes\penutup";
/// The key of the command, below that.
const COMMAND: &str = r"Software\Classes\penutup\shell\open\command";
/// What follows the program in the command. Windows puts the link in the place of `%1`.
const ARGUMENTS: &str = r#" link open -- "%1""#;

/// The name that the user sees of a key.
fn place(key: &str) -> String {
    format!(r"HKCU\{key}")
}

/// What the system says. Its own code is in the lower half of what the registry's functions return.
fn system_error(error: impl Into<io::Error>) -> io::Error {
    let error = error.into();
    error.raw_os_error().map_or(error, |code| io::Error::from_raw_os_error(code & 0xffff))
}

fn at(key: &'static str) -> impl FnOnce(io::Error) -> Failure {
    move |error| Failure::Place(place(key), error)
}

pub(super) fn registered() -> Result<Registered, Failure> {
    let command = CURRENT_USER.open(COMMAND).and_then(|key| key.get_string("")).map_err(system_error);
    match command {
        Ok(command) => Ok(match program(&command) {
            Some(program) => Registered::Ours { program, is_used: true },
            None => Registered::Foreign(command),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Registered::Nothing),
        Err(error) => Err(at(COMMAND)(error)),
    }
}

pub(super) fn install(own: &Path) -> Result<Vec<String>, Failure> {
    let command = command(own).ok_or(Failure::Path)?;
    if let Registered::Foreign(_) = registered()? {
        return Err(Failure::Foreign(place(COMMAND)));
    }
    let scheme = CURRENT_USER.create(KEY).and_then(|key| {
        key.set_string("", "URL:penutup")?;
        key.set_string("URL Protocol", "")
    });
    scheme.map_err(system_error).map_err(at(KEY))?;
    let set = CURRENT_USER.create(COMMAND).and_then(|key| key.set_string("", command));
    set.map_err(system_error).map_err(at(COMMAND))?;
    Ok(vec![place(KEY)])
}

pub(super) fn remove() -> Result<Removed, Failure> {
    match registered()? {
        Registered::Foreign(_) => Ok(Removed::Foreign(place(COMMAND))),
        Registered::Nothing => Ok(Removed::Nothing),
        Registered::Ours { .. } => {
            CURRENT_USER.remove_tree(KEY).map_err(system_error).map_err(at(KEY))?;
            Ok(Removed::These { gone: vec![place(KEY)], lists: Vec::new() })
        }
    }
}

/// The command for a program; `None` for a path in which Windows would replace something.
fn command(program: &Path) -> Option<String> {
    let program = program.to_str().filter(|path| !path.contains(['"', '%']) && !path.chars().any(char::is_control))?;
    Some(format!("\"{program}\"{ARGUMENTS}"))
}

/// The program of a command; `None` if this program did not write it.
fn program(command: &str) -> Option<PathBuf> {
    let program = command.strip_suffix(ARGUMENTS)?.strip_prefix('"')?.strip_suffix('"')?;
    (!program.is_empty() && !program.contains('"')).then(|| program.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_recognized_as_ours() {
        let path = Path::new(r"C:\Program Files\penutup\penutup.exe");
        let command = command(path).unwrap();
        assert_eq!(command, r#""C:\Program Files\penutup\penutup.exe" link open -- "%1""#);
        assert_eq!(program(&command).as_deref(), Some(path));
        for foreign in ["", r#""C:\x.exe" "%1""#, r#""C:\a" "b" link open -- "%1""#, r#""" link open -- "%1""#] {
            assert_eq!(program(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn a_path_that_windows_would_change_is_refused() {
        assert_eq!(command(Path::new(r"C:\100%1\penutup.exe")), None);
    }
}
