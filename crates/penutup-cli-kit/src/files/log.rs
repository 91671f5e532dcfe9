//! The log below the state folder: why a part of the program stopped, and what could not be saved. Two files of bounded
//! size; no customer's name, since only fixed texts and system errors are written.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use chrono::{SecondsFormat, Utc};

use crate::diagnostics::source::clean_path;
use penutup_system::own_files;

/// The most bytes of one file.
const MAX: u64 = 256 * 1024;

/// Appends a line with time and process ID. A failure to log has nowhere else to be reported.
pub fn append(path: &Path, line: &str) {
    let Some(folder) = path.parent() else { return };
    if fs::metadata(path).is_ok_and(|about| about.len() >= MAX) {
        let _ = fs::rename(path, path.with_extension("1"));
    }
    let time = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
    let line: String = clean_path(line).chars().take(1000).collect();
    let written = own_files::make_folder(folder)
        .and_then(|()| own_files::options().append(true).create(true).open(path))
        .and_then(|mut file| file.write_all(format!("{time} {} {line}\n", std::process::id()).as_bytes()));
    if written.is_ok() {
        own_files::restrict(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_appended_and_the_log_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/log");
        append(&path, "one\x1b[31m\ntwo");
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.lines().count() == 1 && text.contains("one") && !text.contains('\x1b'), "{text:?}");
        for _ in 0..4000 {
            append(&path, &"x".repeat(500));
        }
        let sizes: Vec<u64> =
            fs::read_dir(path.parent().unwrap()).unwrap().map(|e| e.unwrap().metadata().unwrap().len()).collect();
        assert_eq!(sizes.len(), 2);
        assert!(sizes.iter().all(|size| *size < MAX + 2000), "{sizes:?}");
    }
}
