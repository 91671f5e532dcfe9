//! The real Twinkle with the scripts of docs/telephone.md, and a real caller (sipp). Needs Linux and both programs; prints
//! SKIPPED where one of them is missing.

use std::fs;
use std::io::Write as _;
use std::net::UdpSocket;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::journal::report::column;
use crate::phone::documents::blocks;
use crate::phone::verb::WAIT;
use crate::support::{Home, json};
use crate::term::{Term, files_below};

/// The display name as it is in the From header, with escaped quotes.
const NAME: &str = "\"Siti \\\"Aisyah\\\" Aminah\"";
const NUMBER: &str = "081234567890";

/// A caller that hangs up this many milliseconds after the call was answered.
const CALLER: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<scenario name="caller">
  <send retrans="500"><![CDATA[
INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]
From: NAME <sip:NUMBER@[local_ip]:[local_port]>;tag=[pid]T[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:NUMBER@[local_ip]:[local_port]>
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: [len]

v=0
o=caller 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 0
a=rtpmap:0 PCMU/8000
]]></send>
  <recv response="100" optional="true"/>
  <recv response="180" optional="true"/>
  <recv response="200" rrs="true"/>
  <send><![CDATA[
ACK sip:[service]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]
From: NAME <sip:NUMBER@[local_ip]:[local_port]>;tag=[pid]T[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]
Call-ID: [call_id]
CSeq: 1 ACK
Max-Forwards: 70
Content-Length: 0

]]></send>
  ENDING
</scenario>
"#;
const CALLER_HANGS_UP: &str = r#"<pause milliseconds="500"/>
  <send retrans="500"><![CDATA[
BYE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]
From: NAME <sip:NUMBER@[local_ip]:[local_port]>;tag=[pid]T[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]
Call-ID: [call_id]
CSeq: 2 BYE
Max-Forwards: 70
Content-Length: 0

]]></send>
  <recv response="200"/>"#;
const CALLED_HANGS_UP: &str = r#"<recv request="BYE"/>
  <send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>"#;

/// What this test needs; the error is what is missing.
fn requirements() -> Result<(), String> {
    for (program, package) in [("twinkle-console", "twinkle-console"), ("sipp", "sip-tester")] {
        let found = Command::new("which").arg(program).output().map_err(|e| format!("which: {e}"))?;
        if !found.status.success() {
            return Err(format!("{program} is not installed (Debian: {package})"));
        }
    }
    Ok(())
}

/// A UDP port that was free a moment ago.
fn free_port() -> u16 {
    UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port").port()
}

/// A caller, ended with the test.
struct Caller(Child);

impl Caller {
    fn calls(folder: &Path, port: u16, ending: &str) -> Self {
        let scenario = CALLER.replace("ENDING", ending).replace("NAME", NAME).replace("NUMBER", NUMBER);
        let file = folder.join("caller.xml");
        fs::write(&file, scenario).expect("a file");
        let mut command = Command::new("sipp");
        command.arg("-sf").arg(&file).args(["-m", "1", "-i", "127.0.0.1", "-s", "cso", "-nostdin"]);
        command.args(["-p", &free_port().to_string(), "-mp", &free_port().to_string(), &format!("127.0.0.1:{port}")]);
        command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().expect("sipp starts"))
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Twinkle with the page's scripts, which find `penutup` and this home.
fn twinkle(home: &Home, folder: &Path, port: u16) -> Term {
    let scripts = blocks("bash");
    assert_eq!(scripts.len(), 2, "the page has two scripts");
    let programs = folder.join("bin");
    fs::create_dir_all(&programs).expect("a folder");
    symlink(env!("CARGO_BIN_EXE_penutup"), programs.join("penutup")).expect("a link");
    let profile = folder.join(".twinkle");
    fs::create_dir_all(&profile).expect("a folder");
    let mut lines = blocks("ini").concat();
    for (name, script) in ["penutup-awal", "penutup-akhir"].into_iter().zip(scripts) {
        let path: PathBuf = folder.join(name);
        fs::write(&path, script).expect("a script");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it can be run");
        lines = lines.replace(&format!("/usr/local/bin/{name}"), path.to_str().expect("UTF-8"));
    }
    let lines: Vec<&str> = lines.lines().filter(|line| line.starts_with("script_")).collect();
    assert_eq!(lines.len(), 3, "the page has three settings of Twinkle");
    let config = format!("user_name=cso\nuser_domain=127.0.0.1\nregister_at_startup=no\n{}\n", lines.join("\n"));
    fs::write(profile.join("cso.cfg"), config).expect("a file");
    fs::write(profile.join("twinkle.sys"), format!("sip_port={port}\n")).expect("a file");
    // A machine without a sound card.
    fs::write(folder.join(".asoundrc"), "pcm.!default { type null }\nctl.!default { type null }\n").expect("a file");

    let ours = home.penutup([""; 0]).command();
    let mut command = Command::new("twinkle-console");
    command.arg("cso.cfg").env_clear().current_dir(folder);
    command.envs(ours.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("HOME", folder).env("PENUTUP_CALL_WAIT", WAIT).env("PATH", format!("{}:{path}", programs.display()));
    let mut twinkle = Term::start(&command);
    twinkle.shows("Twinkle>");
    twinkle
}

#[test]
fn twinkle_reports_the_name_and_the_end_of_a_call_whoever_hangs_up() {
    if let Err(why) = requirements() {
        // Not with `eprintln!`: the harness hides its output in a passing test.
        let _ = writeln!(std::io::stderr(), "SKIPPED Twinkle: {why}");
        return;
    }
    let home = Home::new();
    let mut term = Term::start(&home.penutup(["--at", "14:20"]).command());
    term.shows("? daftar tombol");
    let (desk, port) = (tempfile::tempdir().expect("a folder"), free_port());
    let mut twinkle = twinkle(&home, desk.path(), port);
    for ending in [CALLER_HANGS_UP, CALLED_HANGS_UP] {
        let _caller = Caller::calls(desk.path(), port, ending);
        twinkle.shows("incoming call");
        twinkle.send("answer\r");
        term.shows("selamat siang Bapak/Ibu Siti \"Aisyah\" Aminah").shows("dari telepon: konfirmasi");
        if ending == CALLED_HANGS_UP {
            twinkle.shows("call established").send("bye\r");
        }
        term.shows("Mengapa panggilan berakhir?").send("1").hides("Mengapa panggilan berakhir?");
        term.shows("nama belum diisi");
        twinkle.send("clear\r");
    }
    twinkle.send("quit\r");
    twinkle.ends();
    term.quits();
    let report = json(&home.penutup(["report", "--format", "json"]).run().out);
    assert_eq!((&report["total"]["closings"], &report["open"]), (&2.into(), &0.into()), "{report:#}");
    let csv = home.penutup(["report", "--format", "csv"]).ok();
    let ids = column(&csv, "interaction");
    assert!(
        ids.len() == 2 && ids[0] != ids[1] && ids.iter().all(|id| !id.is_empty()),
        "each SIP call has its id: {csv}"
    );
    for (path, bytes) in files_below(home.path()) {
        let text = String::from_utf8_lossy(&bytes);
        for secret in ["Aisyah", "Aminah", NUMBER] {
            assert!(!text.contains(secret), "{secret} in {path}");
        }
    }
}
