//! A file system of its own that can be made to hang: whoever writes to it waits. It needs root, mke2fs and a loop device.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

#[derive(Debug)]
pub struct FrozenDisk {
    mount: PathBuf,
    _image: tempfile::TempDir,
}

fn runs(program: &str, args: &[&str]) -> Result<(), String> {
    let path = "/usr/sbin:/usr/bin:/sbin:/bin";
    let output = Command::new(program).args(args).env("PATH", path).output().map_err(|e| format!("{program}: {e}"))?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()) }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

impl FrozenDisk {
    /// Mounts it here; the error says why that is not possible.
    pub fn mount(mount: &Path) -> Result<Self, String> {
        let image = tempfile::TempDir::with_prefix("disk").map_err(|e| e.to_string())?;
        let file = image.path().join("image");
        File::create(&file).and_then(|file| file.set_len(32 << 20)).map_err(|e| e.to_string())?;
        runs("mke2fs", &["-q", "-t", "ext4", text(&file)])?;
        fs::create_dir_all(mount).map_err(|e| e.to_string())?;
        runs("mount", &["-o", "loop", text(&file), text(mount)])?;
        Ok(Self { mount: mount.to_owned(), _image: image })
    }

    /// From now on it hangs.
    #[track_caller]
    pub fn freeze(&self) {
        runs("fsfreeze", &["--freeze", text(&self.mount)]).expect("it freezes");
    }

    #[track_caller]
    pub fn thaw(&self) {
        runs("fsfreeze", &["--unfreeze", text(&self.mount)]).expect("it thaws");
    }
}

impl Drop for FrozenDisk {
    fn drop(&mut self) {
        // It is not frozen where the test ended well.
        let _ = runs("fsfreeze", &["--unfreeze", text(&self.mount)]);
        let _ = runs("umount", &["--lazy", text(&self.mount)]);
    }
}
