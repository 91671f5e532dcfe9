//! Files and folders with access for the user only: modes 0600 and 0700, whatever the umask. On Windows the system
//! protects the user's folders.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Options that create a file with mode 0600.
#[must_use]
#[cfg(unix)]
pub fn options() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;

    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

/// Options that create a file, protected by the user's own folder.
#[must_use]
#[cfg(not(unix))]
pub fn options() -> OpenOptions {
    OpenOptions::new()
}

/// Opens a file for reading without waiting for a pipe's writer.
///
/// # Errors
/// The I/O error.
pub fn open_at_once(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    }
    options.open(path)
}

/// Creates a folder and its missing parents, each with mode 0700.
///
/// # Errors
/// The I/O error; [`ErrorKind::NotADirectory`] if a file is in the way, which Windows reports as "already exists".
pub fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(folder).map_err(|e| match e.kind() {
        ErrorKind::AlreadyExists => ErrorKind::NotADirectory.into(),
        _ => e,
    })
}

/// Removes other users' permissions from a file or folder of ours. What can't be changed stays, and [`exposed`] reports
/// it.
pub fn restrict(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let Ok(about) = path.symlink_metadata() else { return };
        let mode = about.permissions().mode();
        if !about.is_symlink() && mode & 0o077 != 0 {
            let _ = std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode & 0o700));
        }
    }
    #[cfg(not(unix))]
    let _ = path;
}

/// The first folder on this path in which another user could replace files: one that others may write to (without the
/// sticky bit), or that belongs to another user.
#[cfg(unix)]
pub fn exposed(folder: &Path) -> Option<PathBuf> {
    use std::os::unix::fs::MetadataExt as _;

    let (us, our_group) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let whole = std::path::absolute(folder).ok()?;
    // The files are where the symbolic links lead.
    let there = whole.ancestors().find_map(|part| part.canonicalize().ok())?;
    let mut ways: Vec<&Path> = there.ancestors().collect();
    ways.reverse();
    ways.into_iter().find_map(|way| {
        let about = way.metadata().ok()?;
        let sticky = about.mode() & 0o1000 != 0;
        // Many systems give each user a private group and create folders that it may write to.
        let others = if about.gid() == our_group { 0o002 } else { 0o022 };
        let others_write = about.mode() & others != 0 && !sticky;
        let others_own = about.uid() != us && about.uid() != 0;
        (others_write || others_own).then(|| way.to_owned())
    })
}

/// The system protects the user's folders.
#[cfg(not(unix))]
pub fn exposed(_: &Path) -> Option<PathBuf> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn folders_and_files_are_created_private_and_restricted_again() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b");
        make_folder(&deep).unwrap();
        assert_eq!((mode(&deep), mode(deep.parent().unwrap())), (0o700, 0o700));
        let file = deep.join("file");
        options().write(true).create(true).open(&file).unwrap();
        assert_eq!(mode(&file), 0o600);
        for (path, open, ours) in [(&file, 0o644, 0o600), (&deep, 0o755, 0o700)] {
            fs::set_permissions(path, Permissions::from_mode(open)).unwrap();
            restrict(path);
            assert_eq!(mode(path), ours);
        }
        fs::write(folder.path().join("c"), "").unwrap();
        assert_eq!(make_folder(&folder.path().join("c")).unwrap_err().kind(), ErrorKind::NotADirectory);
    }

    #[test]
    fn a_folder_below_a_world_writable_one_is_detected() {
        let folder = tempfile::tempdir().unwrap();
        let open = folder.path().join("open");
        let home = open.join("home");
        fs::create_dir_all(&home).unwrap();
        for (mode, found) in [(0o700, false), (0o755, false), (0o1777, false), (0o777, true), (0o772, true)] {
            fs::set_permissions(&open, Permissions::from_mode(mode)).unwrap();
            // The folder itself need not exist yet.
            for path in [&home, &home.join("later")] {
                assert_eq!(exposed(path), found.then(|| open.canonicalize().unwrap()), "{mode:o}");
            }
        }
    }

    #[test]
    fn a_pipe_without_a_writer_opens_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert!(!open_at_once(&pipe).unwrap().metadata().unwrap().is_file());
    }
}
