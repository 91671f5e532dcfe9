//! The program with pipes for input and output: a script, a log, another program.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::Stdio;

use crate::support::{Home, Ran, assert_harmless};

/// Runs line mode at 14:20 with these lines as its input.
#[track_caller]
fn typed(home: &Home, args: &[&str], lines: &str) -> Ran {
    let ran = home.penutup([&["--plain", "--at", "14:20"], args].concat()).stdin(lines).run();
    ran.status(0).err_is("");
    assert_harmless(&ran.out);
    ran
}

/// Like [`typed`], but waits before each empty line for as long as a sentence takes.
#[track_caller]
pub fn typed_by_hand(home: &Home, args: &[&str], lines: &str) -> Ran {
    let mut command = home.penutup([&["--plain", "--at", "14:20"], args].concat()).command();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let mut input = child.stdin.take().expect("a pipe");
    // A program that starts slowly would read several lines at once.
    let mut first = vec![0];
    child.stdout.as_mut().expect("a pipe").read_exact(&mut first).expect("it prints something");
    for line in lines.split_inclusive('\n') {
        // A line without letters ticks, and the next such line must not follow too soon.
        std::thread::sleep(std::time::Duration::from_millis(if line == "\n" { 750 } else { 0 }));
        input.write_all(line.as_bytes()).expect("it reads");
    }
    drop(input);
    let output = child.wait_with_output().expect("the program ends");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("everything it prints is UTF-8");
    let out = text([first, output.stdout].concat());
    let ran = Ran { status: output.status.code(), out, err: text(output.stderr) };
    ran.status(0).err_is("");
    assert_harmless(&ran.out);
    ran
}

const SESSION: &str = "\nk\nmm\nn Bu Siti\n\nx\n-\nx9\nx2\n-\na\nd\nl\nc\nz\n-\ns\n\n?\nn\nBudi\ns\nq\n";

#[test]
fn a_whole_session_prints_the_expected_lines_in_both_languages() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../snapshots/plain");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for lang in ["id", "en"] {
        let ran = typed_by_hand(&Home::new(), &["--lang", lang], SESSION);
        settings.bind(|| insta::assert_snapshot!(format!("session-{lang}"), ran.out));
    }
}

#[test]
fn in_every_situation_it_prints_what_say_prints() {
    let home = Home::new();
    let facts = [
        ("klb", "k", &["tidak", "ya"][..]),
        ("topik", "m", &["lain", "pln-mobile"]),
        ("aplikasi", "a", &["belum-tahu", "telah", "belum"]),
    ];
    let mut seen = 0;
    for (klb, topik, aplikasi) in (0..12).map(|n| (n / 6, n / 3 % 2, n % 3)) {
        let values = [klb, topik, aplikasi];
        let keys: String = facts.iter().zip(values).map(|((_, key, _), at)| key.repeat(at)).collect();
        let pairs = facts.iter().zip(values).map(|((fact, _, ids), at)| format!("{fact}={}", ids[at]));
        let say = ["say", "--at", "14:20", "nama=Siti", "sapaan=ibu"].map(str::to_owned);
        let say = home.penutup(say.into_iter().chain(pairs)).ok();
        // KLB outlasts the call and the program, so it is switched off again.
        let off = if klb == 1 { "k" } else { "" };
        let out = typed(&home, &[], &format!("{keys}n Bu Siti\nc\n{off}{}", if klb == 1 { "\n" } else { "" })).out;
        assert!(out.lines().any(|line| line == say.trim_end()), "{values:?}: {say} is not in {out}");
        seen += 1;
    }
    assert_eq!(seen, 12);
}

#[test]
fn the_end_of_the_input_journals_the_call_as_left() {
    let home = Home::new();
    typed(&home, &[], "a\n\n");
    let report = home.penutup(["report"]).ok();
    assert!(report.contains("penutup ditutup (Q)"), "{report}");
    let kept = typed(&home, &[], "k\n");
    assert!(kept.out.contains("KLB AKTIF sejak 14.20"), "{}", kept.out);
    let next = typed(&home, &[], "");
    assert!(next.out.contains("KLB AKTIF sejak 14.20"), "KLB outlasts the program: {}", next.out);
}

#[test]
fn any_line_ending_is_accepted() {
    let home = Home::new();
    let long = "k".repeat(100_000);
    let ran = typed(&home, &[], &format!("\u{feff}m\r\n\r\n{long}\r\nn Siti\r\nc"));
    assert!(ran.out.contains("Topik: PLN Mobile.\nUrutan"), "{}", ran.out);
    assert!(ran.out.contains("Baris itu terlalu panjang"), "{}", ran.out);
    assert!(ran.out.lines().last().unwrap().ends_with("Bapak/Ibu Siti"), "{}", ran.out);
    let ran = home.penutup(["--plain"]).stdin(b"\xff\nq\n".to_vec()).run();
    ran.status(0).out_has("Baris itu bukan teks UTF-8; tidak dikerjakan.");
}

#[test]
fn every_line_is_answered_before_the_next_is_typed() {
    let home = Home::new();
    let mut command = home.penutup(["--plain", "--at", "14:20"]).command();
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the program starts");
    let (mut to, from) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut lines = BufReader::new(from).lines();
    let mut until = |wanted: &str| {
        let found = lines.by_ref().map(|line| line.expect("UTF-8")).find(|line| line.starts_with(wanted));
        assert!(found.is_some(), "{wanted:?} is not printed");
    };
    until("Untuk mewujudkan");
    for (typed, answer) in [("k", "KLB AKTIF"), ("", "Sudah: Ajakan"), ("x", "Belum semua"), ("-", "Sekarang, ")] {
        writeln!(to, "{typed}").expect("it reads");
        until(answer);
    }
    drop(to);
    assert!(child.wait().expect("it ends").success());
}

#[test]
fn a_closed_output_pipe_ends_line_mode_silently() {
    let home = Home::new();
    let mut command = home.penutup(["--plain"]).command();
    let streams = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = streams.spawn().expect("the program starts");
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).expect("a line");
    assert!(first.starts_with("Salam Penutup"), "{first}");
    let mut to = child.stdin.take().unwrap();
    // It may have ended already.
    let _ = to.write_all(b"k\nm\n");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn no_name_is_written_to_disk() {
    let home = Home::new();
    typed(&home, &[], "n Bu Rahasia\ns\nk\nn Terbuang\nx2\nn\nTersembunyi\n");
    let mut folders = vec![home.path().to_owned()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
                continue;
            }
            let text = String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap()).to_lowercase();
            files += 1;
            for secret in ["rahasia", "terbuang", "tersembunyi"] {
                assert!(!text.contains(secret), "{secret} is in {:?}", entry.path());
            }
        }
    }
    assert!(files > 1, "there are files to search");
}

#[test]
fn a_pipe_needs_plain_and_verbs_ignore_plain() {
    let home = Home::new();
    let message = home.penutup([""; 0]).failed();
    assert!(message.contains("penutup say") && message.lines().count() == 1, "{message}");
    // A terminal's type (TERM) is irrelevant to a pipe.
    let message = home.penutup([""; 0]).env("TERM", "dumb").failed();
    assert!(message.contains("penutup say"), "{message}");
    let message = home.penutup(["--plain", "say"]).failed();
    assert!(message.contains("--plain hanya untuk penutup tanpa perintah"), "{message}");
    let help = home.penutup(["--help"]).ok();
    assert!(help.contains("--plain"), "{help}");
    assert!(home.penutup(["man"]).ok().contains("plain"));
}
