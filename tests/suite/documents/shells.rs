//! The completions and the man page that docs/packages.md installs work in their shells and in man.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use super::run::after_packages;
use crate::support::Home;

/// The output of a program; a visible note where it is not installed.
fn output_of(home: &Home, program: &str, args: &[&str]) -> Option<String> {
    // fish completes only for a program that it finds.
    let ours = Path::new(env!("CARGO_BIN_EXE_penutup")).parent().expect("a folder");
    let path = format!("{}/.cargo/bin:{}:/usr/bin:/bin", home.path().display(), ours.display());
    let mut command = Command::new(program);
    command.args(args).env_clear().env("HOME", home.path()).env("PATH", path).env("TERM", "dumb");
    command.env("LC_ALL", "C.UTF-8").env("MANWIDTH", "80").env("MANROFFOPT", "-c");
    match command.output() {
        Ok(out) => {
            let output = String::from_utf8_lossy(&out.stderr);
            assert!(out.status.success(), "{program} {args:?}: {output}");
            Some(String::from_utf8(out.stdout).expect("text"))
        }
        Err(e) => {
            let _ = writeln!(std::io::stderr(), "SKIPPED {program}: {e}");
            None
        }
    }
}

#[test]
fn completions_load_and_complete_where_the_page_puts_them() {
    let home = after_packages();
    let file = |path: &str| home.path().join(path).display().to_string();
    let complete = "COMP_WORDS=(penutup rep); COMP_CWORD=1; COMP_LINE='penutup rep'; COMP_POINT=11; _penutup penutup rep penutup; echo \"${COMPREPLY[*]}\"";
    let bash =
        format!(". {} && complete -p penutup && {complete}", file(".local/share/bash-completion/completions/penutup"));
    if let Some(out) = output_of(&home, "bash", &["--norc", "-c", &bash]) {
        assert!(out.contains("-F _penutup") && out.lines().last() == Some("report"), "{out}");
    }
    let zsh = "fpath=(~/.zfunc $fpath); autoload -Uz compinit && compinit -u -D && print $_comps[penutup] && autoload +X _penutup && whence -w _penutup";
    if let Some(out) = output_of(&home, "zsh", &["-f", "-c", zsh]) {
        assert_eq!(out, "_penutup\n_penutup: function\n");
    }
    if let Some(out) = output_of(&home, "fish", &["-c", "complete -C 'penutup rep'"]) {
        assert!(out.starts_with("report\t"), "{out}");
    }
}

#[test]
fn man_finds_the_page_and_shows_it_whole() {
    let home = after_packages();
    // By the program's own folder on PATH, as man-db does it.
    std::fs::create_dir_all(home.path().join(".cargo/bin")).expect("a folder");
    let Some(shown) = output_of(&home, "man", &["penutup"]) else { return };
    for part in ["penutup(1)", "SINOPSIS", "PERINTAH", "penutup klb", "Contoh:", "keluar: 0 selesai"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let warnings = "man --warnings=w penutup 2>&1 >/dev/null";
    let output = output_of(&home, "sh", &["-c", warnings]).expect("a shell");
    assert_eq!(output, "", "groff has no warnings about the page");
}
