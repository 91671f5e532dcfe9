//! Checks who owns a folder, a socket and a connection: on a shared machine a customer's name goes to this user's
//! prompter only, and the prompter accepts events from this user only.

use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use interprocess::local_socket::Stream;
use interprocess::local_socket::traits::StreamCommon as _;
use rustix::process::{getegid, geteuid};

use penutup_system::error::Foreign;

/// Permission bits.
const OTHERS_WRITE: u32 = 0o002;
const GROUP_WRITES: u32 = 0o020;
/// The sticky bit: users can't replace each other's files in such a folder.
const STICKY: u32 = 0o1000;
const ROOT: u32 = 0;

/// Checks that a folder is ours, not a symbolic link, and that no other user could create files in it or replace it.
///
/// # Errors
/// Wraps [`Foreign`] if another user could, or the I/O error.
pub fn check_folder(folder: &Path) -> io::Result<()> {
    let about = fs::symlink_metadata(folder)?;
    if !about.is_dir() {
        return Err(ErrorKind::NotADirectory.into());
    }
    if about.uid() != own() || is_written_by_others(&about) {
        return Err(foreign());
    }
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    for above in parent.canonicalize()?.ancestors() {
        let about = fs::metadata(above)?;
        let is_trusted = [own(), ROOT].contains(&about.uid());
        if !is_trusted || (about.mode() & STICKY == 0 && is_written_by_others(&about)) {
            return Err(foreign());
        }
    }
    Ok(())
}

/// Whether the file at a path is ours.
pub fn is_ours(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|about| about.uid() == own())
}

/// Whether the peer of a connection is the same user. On systems that don't report it, the folder's permissions have
/// kept other users out.
pub fn is_same_user(stream: &Stream) -> bool {
    peer(stream).is_none_or(|peer| peer == own())
}

/// Like [`is_same_user`], but root is accepted too.
pub fn is_trusted_peer(stream: &Stream) -> bool {
    peer(stream).is_none_or(|peer| peer == own() || peer == ROOT)
}

/// The error for something that belongs to another user.
pub fn foreign() -> io::Error {
    io::Error::new(ErrorKind::PermissionDenied, Foreign)
}

fn peer(stream: &Stream) -> Option<u32> {
    stream.peer_creds().ok().and_then(|peer| peer.euid())
}

fn own() -> u32 {
    geteuid().as_raw()
}

fn is_written_by_others(about: &Metadata) -> bool {
    // A user's private group has the user's ID and no other member.
    let own_group = about.gid() == getegid().as_raw() && about.gid() == own();
    about.mode() & OTHERS_WRITE != 0 || (about.mode() & GROUP_WRITES != 0 && !own_group)
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn is_foreign(folder: &Path) -> bool {
        check_folder(folder).is_err_and(|e| penutup_system::error::is_foreign(&e))
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_folder_that_others_can_write_or_replace_is_foreign() {
        let home = tempfile::tempdir().unwrap();
        let shared = home.path().join("shared");
        let folder = shared.join("own").join("run");
        fs::create_dir_all(&folder).unwrap();
        for (mode, above, expected) in [
            (0o700, 0o700, false),
            (0o755, 0o755, false),
            (0o777, 0o700, true),
            (0o702, 0o700, true),
            (0o700, 0o777, true),
            (0o700, 0o1777, false),
        ] {
            set_mode(&folder, mode);
            set_mode(&shared, above);
            assert_eq!(is_foreign(&folder), expected, "{mode:o} below {above:o}");
        }
        // A symbolic link is judged by its target.
        let link = home.path().join("link");
        std::os::unix::fs::symlink(folder.parent().unwrap(), &link).unwrap();
        set_mode(&shared, 0o777);
        assert!(is_foreign(&link.join("run")));
        set_mode(&shared, 0o755);
        set_mode(&folder, 0o700);
        assert!(!is_foreign(&link.join("run")));
        assert_eq!(check_folder(&link).unwrap_err().kind(), ErrorKind::NotADirectory);
        assert_eq!(check_folder(&home.path().join("none")).unwrap_err().kind(), ErrorKind::NotFound);
    }
}
