//! Socket paths that exceed the system's limit.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

/// A socket path within the system's limit: a longer one is reached through a descriptor of its open folder where the
/// system supports that.
#[derive(Debug)]
pub struct Short {
    path: PathBuf,
    _folder: Option<File>,
}

impl Short {
    /// The system's limit in bytes.
    const LONGEST: usize = if cfg!(any(target_os = "linux", target_os = "android")) { 107 } else { 103 };

    pub fn of(path: &Path) -> io::Result<Self> {
        let is_long = path.as_os_str().len() > Self::LONGEST;
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(ErrorKind::InvalidFilename.into());
        };
        if !is_long || !cfg!(any(target_os = "linux", target_os = "android")) {
            return Ok(Self { path: path.into(), _folder: None });
        }
        let folder = File::open(folder)?;
        let path = Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(name);
        Ok(Self { path, _folder: Some(folder) })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}
