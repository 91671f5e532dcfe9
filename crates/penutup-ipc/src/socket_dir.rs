//! The directory of the prompters' sockets, accessible to the same user only. On Unix: a directory with mode 0700 in
//! which no other user could replace files, with sockets of mode 0600. On Windows: named pipes with the system's own
//! access control, and a directory with one file per pipe, because pipes live in a global namespace. The file name
//! contains the process ID; the seat is sent in the greeting because it may contain any character.

use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use interprocess::ConnectWaitMode;
use interprocess::local_socket::{ConnectOptions, GenericFilePath, Listener, ListenerOptions, Stream, ToFsName};

use uuid::Uuid;

#[cfg(unix)]
use super::short::Short;
use penutup_system::folders::Folders;

/// The most sockets that are tried.
const MAX_SOCKETS: usize = 64;
/// The length of the proof in bytes.
const PROOF: usize = 64;

/// The directory of the prompters' sockets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketDir {
    folder: PathBuf,
    /// The file with the secret that proves a prompter's identity on platforms where the directory's mode does not: any
    /// user may create a pipe with such a name, and would receive the customer's name.
    proof: Option<PathBuf>,
}

/// A socket of this process, removed on drop.
#[derive(Debug)]
pub struct Bound {
    pub listener: Listener,
    pub file: OwnFile,
}

/// The socket's file; on Windows, the file that names the pipe. Removed on drop.
#[derive(Debug)]
pub struct OwnFile(pub PathBuf);

impl Drop for OwnFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

impl SocketDir {
    /// The runtime folder if there is one, otherwise a folder below the state folder.
    #[must_use]
    pub fn of(folders: &Folders) -> Option<Self> {
        let state = || folders.state.as_ref().map(|state| state.join("run"));
        let folder = folders.runtime.clone().or_else(state)?;
        let proof = if cfg!(windows) { Some(folders.state.as_ref()?.join("call.key")) } else { None };
        Some(Self { folder, proof })
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether the process can open one more file descriptor.
    pub fn has_room(&self) -> bool {
        std::fs::read_dir(&self.folder).is_ok()
    }

    /// The secret that a prompter sends to prove its identity, created if missing; `None` where the platform needs
    /// none.
    ///
    /// # Errors
    /// If the secret can't be written or read.
    pub fn create_proof(&self) -> io::Result<Option<String>> {
        let Some(path) = &self.proof else { return Ok(None) };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        match std::fs::OpenOptions::new().write(true).create_new(true).open(path) {
            Ok(mut file) => {
                let proof = format!("{}{}", Uuid::now_v7().simple(), Uuid::now_v7().simple());
                file.write_all(proof.as_bytes())?;
            }
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
            Err(e) => return Err(e),
        }
        self.proof()
    }

    /// The secret that a prompter must have sent; `None` where the platform needs none.
    ///
    /// # Errors
    /// If the secret can't be read: then no prompter can have proved its identity.
    pub fn proof(&self) -> io::Result<Option<String>> {
        let Some(path) = &self.proof else { return Ok(None) };
        let proof = std::fs::read_to_string(path)?;
        if proof.len() == PROOF { Ok(Some(proof)) } else { Err(ErrorKind::InvalidData.into()) }
    }

    /// Connects to a socket.
    ///
    /// # Errors
    /// If no process listens, or none accepts within `patience`; wraps [`penutup_system::error::Foreign`] if the socket
    /// is another user's.
    pub fn connect(path: &Path, patience: Duration) -> io::Result<Stream> {
        #[cfg(unix)]
        let short = Short::of(path)?;
        #[cfg(unix)]
        let path = short.path();
        let name = path.to_fs_name::<GenericFilePath>()?;
        let stream = ConnectOptions::new().name(name).wait_mode(ConnectWaitMode::Timeout(patience)).connect_sync()?;
        #[cfg(unix)]
        if !super::owner::is_same_user(&stream) {
            return Err(super::owner::foreign());
        }
        Ok(stream)
    }
}

#[cfg(unix)]
mod unix {
    use std::fs::{self, DirBuilder, Permissions};
    use std::os::unix::fs::{DirBuilderExt, FileTypeExt, PermissionsExt};
    use std::time::SystemTime;

    use interprocess::os::unix::local_socket::ListenerOptionsExt;

    use super::super::owner;
    use super::super::short::Short;
    use super::{
        Bound, Duration, ErrorKind, GenericFilePath, Listener, ListenerOptions, MAX_SOCKETS, OwnFile, Path, PathBuf,
        SocketDir, ToFsName, io,
    };

    /// How many file names are tried: processes of another PID namespace may share the directory.
    const NAMES: u32 = 16;
    /// A socket has no listener for a moment while it is created; after this time its process counts as dead.
    const CREATION_GRACE: Duration = Duration::from_secs(60);
    /// How long connecting to a dead socket may take.
    const CONNECT_TIMEOUT: Duration = Duration::from_millis(200);

    impl SocketDir {
        /// The sockets of all prompters, including dead ones.
        pub fn sockets(&self) -> Vec<PathBuf> {
            self.with_extension("sock")
        }

        fn with_extension(&self, extension: &str) -> Vec<PathBuf> {
            let Ok(entries) = fs::read_dir(&self.folder) else { return Vec::new() };
            let paths = entries.flatten().map(|e| e.path());
            let named = paths.filter(|p| p.extension().is_some_and(|e| e == extension));
            named.filter(|p| is_socket(p) && owner::is_ours(p)).take(MAX_SOCKETS).collect()
        }

        /// Creates a socket for this prompter and removes dead ones. Other files are left untouched.
        ///
        /// # Errors
        /// If the directory is not ours, or the I/O error.
        pub fn bind(&self) -> io::Result<Bound> {
            self.make_private()?;
            for dead in self.sockets().into_iter().filter(|p| is_dead(p)) {
                let _ = fs::remove_file(dead);
            }
            let is_old = |path: &PathBuf| {
                let created = fs::symlink_metadata(path).and_then(|about| about.modified());
                created.is_ok_and(|created| {
                    SystemTime::now().duration_since(created).is_ok_and(|age| age > CREATION_GRACE)
                })
            };
            for unfinished in self.with_extension("new").into_iter().filter(is_old).filter(|p| is_dead(p)) {
                let _ = fs::remove_file(unfinished);
            }
            let pid = std::process::id();
            for number in 0..NAMES {
                let path = self.folder.join(format!("{pid}-{number}.sock"));
                match listen(&path) {
                    Err(e) if matches!(e.kind(), ErrorKind::AddrInUse | ErrorKind::AlreadyExists) => {}
                    other => return other.map(|listener| Bound { listener, file: OwnFile(path) }),
                }
            }
            Err(ErrorKind::AddrInUse.into())
        }

        /// Creates the directory with access for this user only.
        ///
        /// # Errors
        /// If the directory belongs to another user or could be replaced by one, or the I/O error.
        pub fn make_private(&self) -> io::Result<()> {
            match DirBuilder::new().recursive(true).mode(0o700).create(&self.folder) {
                Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
                other => other?,
            }
            // Don't follow a symbolic link.
            if !fs::symlink_metadata(&self.folder)?.is_dir() {
                return Err(ErrorKind::NotADirectory.into());
            }
            if !owner::is_ours(&self.folder) {
                return Err(owner::foreign());
            }
            fs::set_permissions(&self.folder, Permissions::from_mode(0o700))?;
            self.check()
        }

        /// Checks that the directory is ours and that no other user could create files in it or replace it.
        ///
        /// # Errors
        /// Wraps [`penutup_system::error::Foreign`] if another user could, or the I/O error.
        pub fn check(&self) -> io::Result<()> {
            owner::check_folder(&self.folder)
        }
    }

    /// Listens under an unused name. The name appears only after `listen`, so that no other process takes it for dead.
    fn listen(path: &Path) -> io::Result<Listener> {
        let unfinished_path = path.with_extension("new");
        let short = Short::of(&unfinished_path)?;
        let name = short.path().to_fs_name::<GenericFilePath>()?;
        let options = || ListenerOptions::new().name(name.borrow()).reclaim_name(false);
        let listener = match options().mode(0o600).create_sync() {
            // Not every system can; the directory's mode keeps other users out there too.
            Err(e) if e.kind() == ErrorKind::Unsupported => options().create_sync(),
            other => other,
        }?;
        // Unlike a rename, a hard link fails if the name exists.
        let linked = fs::hard_link(&unfinished_path, path);
        let _ = fs::remove_file(&unfinished_path);
        linked.map(|()| listener)
    }

    fn is_socket(path: &Path) -> bool {
        fs::symlink_metadata(path).is_ok_and(|about| about.file_type().is_socket())
    }

    /// Whether no process listens any more. Other errors prove nothing.
    fn is_dead(path: &Path) -> bool {
        SocketDir::connect(path, CONNECT_TIMEOUT).is_err_and(|e| e.kind() == ErrorKind::ConnectionRefused)
    }
}

#[cfg(windows)]
mod windows {
    use std::fs;

    use interprocess::os::windows::local_socket::ListenerOptionsExt as _;
    use interprocess::os::windows::security_descriptor::SecurityDescriptor;
    use widestring::u16cstr;

    use super::{
        Bound, Duration, ErrorKind, GenericFilePath, ListenerOptions, MAX_SOCKETS, OwnFile, Path, PathBuf, SocketDir,
        ToFsName, Uuid, io,
    };

    /// The prefix of every pipe's name.
    const PIPES: &str = r"\\.\pipe\penutup-";
    /// The extension of the files that name pipes.
    const NAME_FILE_EXTENSION: &str = "pipe";
    /// How long connecting to a removed pipe may take.
    const CONNECT_TIMEOUT: Duration = Duration::from_millis(200);

    impl SocketDir {
        /// The pipes of all prompters, including dead ones.
        pub fn sockets(&self) -> Vec<PathBuf> {
            self.name_files().iter().filter_map(|file| pipe_of(file)).take(MAX_SOCKETS).collect()
        }

        /// The files that name pipes. Only this user can write them, unlike the machine's list of pipes.
        fn name_files(&self) -> Vec<PathBuf> {
            let Ok(entries) = fs::read_dir(&self.folder) else { return Vec::new() };
            let paths = entries.flatten().map(|e| e.path());
            paths.filter(|p| p.extension().is_some_and(|e| e == NAME_FILE_EXTENSION)).collect()
        }

        /// Nothing to check: the pipe's peer proves its identity.
        ///
        /// # Errors
        /// Never.
        pub fn check(&self) -> io::Result<()> {
            Ok(())
        }

        /// Creates a pipe for this prompter, open to its owner and the system only, and removes the files of dead
        /// pipes.
        ///
        /// # Errors
        /// The I/O error.
        pub fn bind(&self) -> io::Result<Bound> {
            fs::create_dir_all(&self.folder)?;
            for file in self.name_files() {
                let gone = |pipe: PathBuf| {
                    Self::connect(&pipe, CONNECT_TIMEOUT).is_err_and(|e| e.kind() == ErrorKind::NotFound)
                };
                if pipe_of(&file).is_some_and(gone) {
                    let _ = fs::remove_file(file);
                }
            }
            let file =
                self.folder.join(format!("{}-{}.{NAME_FILE_EXTENSION}", std::process::id(), Uuid::now_v7().simple()));
            let pipe = pipe_of(&file).ok_or(ErrorKind::InvalidFilename)?;
            let name = pipe.as_path().to_fs_name::<GenericFilePath>()?;
            // Protected from inherited rights; all rights for OWNER RIGHTS and SYSTEM.
            let owner_alone = SecurityDescriptor::deserialize(u16cstr!("D:P(A;;GA;;;OW)(A;;GA;;;SY)"))?;
            let listener = ListenerOptions::new().name(name).security_descriptor(owner_alone).create_sync()?;
            // The file is written after `listen`, so that no other process takes the pipe for dead.
            fs::File::create_new(&file)?;
            Ok(Bound { listener, file: OwnFile(file) })
        }
    }

    /// The pipe that a file names, if the name has our form.
    fn pipe_of(file: &Path) -> Option<PathBuf> {
        let name = file.file_stem()?.to_str()?;
        let is_ours = !name.is_empty() && name.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
        is_ours.then(|| format!("{PIPES}{name}").into())
    }
}

#[cfg(all(test, windows))]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_pipe_has_a_name_file_while_it_listens_and_dead_name_files_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let dir = SocketDir::of(&Folders::below(folder.path())).unwrap();
        assert_eq!(dir.sockets(), Vec::<PathBuf>::new());
        let one = dir.bind().unwrap();
        let dead = dir.folder.join("7-0.pipe");
        fs::write(&dead, "").unwrap();
        let others = ["x y.pipe", "notes.txt"].map(|name| dir.folder.join(name));
        for other in &others {
            fs::write(other, "mine").unwrap();
        }
        let two = dir.bind().unwrap();
        assert!(!dead.exists() && others.iter().all(|other| other.exists()));
        assert_eq!(dir.sockets().len(), 2);
        drop((one, two));
        assert_eq!(dir.sockets(), Vec::<PathBuf>::new());
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn dir() -> (tempfile::TempDir, SocketDir) {
        let folder = tempfile::tempdir().unwrap();
        let dir = SocketDir { folder: folder.path().join("penutup"), proof: None };
        (folder, dir)
    }

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn folder_and_socket_are_private_and_the_socket_is_removed() {
        let (_keep, dir) = dir();
        fs::create_dir(&dir.folder).unwrap();
        fs::set_permissions(&dir.folder, fs::Permissions::from_mode(0o777)).unwrap();
        let bound = dir.bind().unwrap();
        assert_eq!(mode(&dir.folder), 0o700);
        if cfg!(target_os = "linux") {
            assert_eq!(mode(&bound.file.0), 0o600);
        }
        assert_eq!(dir.sockets(), std::slice::from_ref(&bound.file.0));
        drop(bound);
        assert_eq!(fs::read_dir(&dir.folder).unwrap().count(), 0);
    }

    #[test]
    fn dead_sockets_are_removed_but_not_live_or_foreign_ones() {
        let (_keep, dir) = dir();
        let living = dir.bind().unwrap();
        let dead = dir.folder.join("1-0.sock");
        drop(std::os::unix::net::UnixListener::bind(&dead).unwrap());
        let foreign = dir.folder.join("2-0.sock");
        fs::write(&foreign, "mine").unwrap();
        let second = dir.bind().unwrap();
        assert!(!dead.exists());
        assert_eq!(fs::read(&foreign).unwrap(), b"mine");
        assert_ne!(living.file.0, second.file.0);
        assert_eq!(dir.sockets().len(), 2);
    }

    #[test]
    fn a_foreign_file_with_our_name_is_never_replaced() {
        let (_keep, dir) = dir();
        fs::create_dir(&dir.folder).unwrap();
        let foreign = dir.folder.join(format!("{}-0.sock", std::process::id()));
        fs::write(&foreign, "mine").unwrap();
        let bound = dir.bind().unwrap();
        assert_eq!(fs::read(&foreign).unwrap(), b"mine");
        assert!(bound.file.0.ends_with(format!("{}-1.sock", std::process::id())));
    }

    #[test]
    fn a_proof_is_created_once_and_a_partial_one_is_invalid() {
        let (keep, dir) = dir();
        assert_eq!((dir.create_proof().unwrap(), dir.proof().unwrap()), (None, None));
        let path = keep.path().join("state/call.key");
        let dir = SocketDir { proof: Some(path.clone()), ..dir };
        assert!(dir.proof().is_err());
        let proof = dir.create_proof().unwrap();
        assert_eq!((dir.create_proof().unwrap(), dir.proof().unwrap()), (proof.clone(), proof));
        fs::write(path, "unfinished").unwrap();
        assert!(dir.create_proof().is_err() && dir.proof().is_err());
    }

    #[test]
    fn an_unproven_peer_is_sent_nothing() {
        use std::io::{Read, Write};

        use super::super::client::{SendError, send};
        use super::super::message::{Command, Greeting, PROTOCOL, line};
        use crate::phone_event::PhoneEvent;

        let (keep, dir) = dir();
        let dir = SocketDir { proof: Some(keep.path().join("call.key")), ..dir };
        let proof = dir.create_proof().unwrap();
        dir.make_private().unwrap();
        let path = dir.folder.join("1-0.sock");
        let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let received = std::thread::spawn(move || {
            let greet = |proof| {
                let (mut stream, _) = listener.accept().unwrap();
                let greeting = Greeting { penutup: PROTOCOL, seat: None, idle: 0, used: None, proof };
                stream.write_all(&line(&greeting)).unwrap();
                let mut bytes = [0; 64];
                (stream.read(&mut bytes).map_or(0, |count| count), stream)
            };
            let counts = [None, Some("x".repeat(PROOF)), proof.clone()].map(|proof| greet(proof).0);
            // After the third the client checks whether the prompter still listens.
            drop(listener.accept().unwrap());
            let (_, last) = greet(proof);
            drop(listener);
            drop(last);
            counts
        });
        let end = || send(&dir, None, &Command::Phone(PhoneEvent::End { id: None }), Duration::from_secs(60));
        assert_eq!(end(), Err(SendError::NoPrompter));
        assert_eq!(end(), Err(SendError::NoPrompter));
        // It closed the connection without a reply.
        assert_eq!(end(), Err(SendError::Busy));
        // It ended: perhaps after it performed the command.
        assert_eq!(end(), Ok(None));
        assert_eq!(received.join().unwrap().map(|count| count > 0), [false, false, true]);
    }

    #[test]
    fn a_too_long_socket_path_is_shortened_if_supported() {
        let (keep, dir) = dir();
        let long = SocketDir { folder: keep.path().join("x".repeat(200)).join("run"), ..dir };
        let bound = long.bind();
        if cfg!(not(target_os = "linux")) {
            assert!(bound.is_err());
            return;
        }
        let bound = bound.unwrap();
        assert_eq!(long.sockets(), std::slice::from_ref(&bound.file.0));
        SocketDir::connect(&bound.file.0, Duration::from_secs(60)).unwrap();
        assert_eq!(long.bind().unwrap().file.0, long.folder.join(format!("{}-1.sock", std::process::id())));
    }

    #[test]
    fn a_link_in_the_folders_place_is_not_followed() {
        let (keep, dir) = dir();
        std::os::unix::fs::symlink(keep.path(), &dir.folder).unwrap();
        assert!(dir.bind().is_err());
    }

    #[test]
    fn without_a_runtime_folder_the_state_folder_is_used() {
        let folders = Folders { state: Some("/s".into()), ..Folders::default() };
        assert_eq!(SocketDir::of(&folders).unwrap().folder(), Path::new("/s/run"));
        let folders = Folders { runtime: Some("/r/penutup".into()), ..folders };
        assert_eq!(SocketDir::of(&folders).unwrap().folder(), Path::new("/r/penutup"));
        assert_eq!(SocketDir::of(&Folders::default()), None);
    }
}
