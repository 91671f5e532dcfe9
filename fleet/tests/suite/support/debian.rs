//! Runs a page's commands as root on a Debian as it comes.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::nats::installed;
use super::process::find;
use super::report_skipped;

/// What it can't do without.
const NEEDED: [&str; 6] = ["unshare", "pg_createcluster", "systemd-sysusers", "systemd-analyze", "openssl", "ip"];

/// Runs the commands, with these addresses and names, and returns what they printed; reports SKIPPED where that is not
/// possible. They must succeed.
pub fn run_as_root(folder: &Path, commands: &str, names: &[(&str, &str)]) -> Option<String> {
    let missing = NEEDED.iter().find(|name| find(name, &["/usr/sbin".into(), "/sbin".into()]).is_none());
    let (None, Some(server)) = (missing, installed()) else {
        report_skipped(&format!("{} is not installed here", missing.unwrap_or(&"nats-server")));
        return None;
    };
    let namespaces = ["--mount", "--net", "--uts", "--pid", "--mount-proc", "--fork", "--kill-child"];
    if !Command::new("unshare").args(namespaces).arg("true").output().is_ok_and(|out| out.status.success()) {
        report_skipped(&"only root can make namespaces here");
        return None;
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suite/support/debian.sh");
    let list = folder.join("commands.sh");
    fs::write(&list, format!("{commands}\n")).expect("the commands");
    let mut command = Command::new("unshare");
    command
        .args(namespaces)
        .arg("sh")
        .arg(script)
        .arg(folder)
        .arg(&list)
        .arg(env!("CARGO_BIN_EXE_penutup-fleet"))
        .arg(server);
    command.args(names.iter().map(|(address, name)| format!("{address}={name}"))).current_dir(folder);
    let output = command.output().expect("unshare runs");
    let [out, err] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
    assert!(output.status.success(), "{out}\n{err}");
    Some(out)
}
