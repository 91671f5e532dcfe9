//! docs/plain.md: its commands run, and their output is on the page.

use std::path::Path;

use penutup::rules::text::fold;

use crate::support::Home;

/// The blocks of the page in this language.
fn blocks(language: &str) -> Vec<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/plain.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let mut out = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if line == format!("```{language}") {
            out.push(lines.by_ref().take_while(|l| *l != "```").collect::<Vec<_>>().join("\n") + "\n");
        }
    }
    assert!(!out.is_empty(), "the page has {language}");
    out
}

#[test]
#[cfg(unix)]
fn every_command_of_the_page_runs() {
    use std::process::{Command, Stdio};

    for line in blocks("sh").concat().lines() {
        let home = Home::new();
        let ours = home.penutup([""; 0]).command();
        let mut sh = Command::new("sh");
        sh.arg("-c").arg(format!("penutup() {{ \"{}\" \"$@\"; }}\n{line}", env!("CARGO_BIN_EXE_penutup")));
        sh.env_clear().envs(ours.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = sh.current_dir(home.path()).stdin(Stdio::null()).output().expect("a shell");
        assert!(output.status.success() && output.stderr.is_empty(), "{line}: {output:?}");
        let out = String::from_utf8(output.stdout).expect("UTF-8");
        assert!(out.is_empty() || out.starts_with("Salam Penutup"), "{line}: {out}");
    }
}

/// The page's speech synthesizer prints the sounds of each line instead of playing them, which a machine without a sound card
/// can do.
#[test]
#[cfg(unix)]
fn the_lines_are_spoken_as_they_are_printed() {
    use std::io::Write as _;
    use std::process::Command;

    if Command::new("espeak-ng").arg("--version").output().is_err() {
        // Not with `eprintln!`: the harness hides its output in a passing test.
        let _ = writeln!(std::io::stderr(), "SKIPPED speech: espeak-ng is not installed");
        return;
    }
    let pipe = blocks("bash").concat().trim_end().replace("espeak-ng", "espeak-ng -q --ipa");
    let home = Home::new();
    let ours = home.penutup([""; 0]).command();
    let mut sh = Command::new("sh");
    sh.arg("-c")
        .arg(format!("penutup() {{ \"{}\" \"$@\"; }}\nprintf 'k\nq\n' | {pipe}", env!("CARGO_BIN_EXE_penutup")));
    sh.env_clear().envs(ours.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = sh.current_dir(home.path()).output().expect("a shell");
    let sounds = String::from_utf8(output.stdout).expect("UTF-8");
    for (text, sound) in [("KLB AKTIF", "kˌaˌɛlbˈe ˈaktif"), ("ayo download aplikasi", "ˈajo downlˈoad ˌaplikˈasi")]
    {
        assert!(sounds.contains(sound), "{text}:\n{sounds}");
    }
}

/// The page shows a session: lines with `> ` are typed, the others are printed.
#[test]
fn the_session_on_the_page_matches_the_program() {
    let (home, session) = (Home::new(), blocks("text").concat());
    let typed: String =
        session.lines().filter_map(|l| l.strip_prefix('>')).map(|l| l.trim().to_owned() + "\n").collect();
    let expected: Vec<String> = session.lines().filter(|l| !l.starts_with('>')).map(fold).collect();
    assert!(typed.lines().count() >= 4);
    let out = super::pipes::typed_by_hand(&home, &[], &typed).out;
    let printed: Vec<String> = out.lines().map(fold).collect();
    assert_eq!(printed, expected, "the page as it is:\n{out}");
}

/// The page names every key that the help lists.
#[test]
fn the_table_names_every_key() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/plain.md")).expect("the page");
    let help = Home::new().penutup(["--plain"]).stdin("?\nq\n").ok();
    let mut count = 0;
    for line in help.lines().skip_while(|l| !l.starts_with("Daftar tombol")) {
        let Some((key, _)) = line.split_once(": ") else { continue };
        let mark = key.chars().rev().nth(1).filter(|_| key.ends_with(')')).map(String::from);
        let Some(key) = mark.or_else(|| (key.chars().count() == 1).then(|| key.to_owned())) else { continue };
        assert!(page.contains(&format!("`{key}`")), "`{key}` is not in the page");
        count += 1;
    }
    assert!(count >= 15, "{count}");
}
