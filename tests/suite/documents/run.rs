//! Runs a page's commands from the first to the last, as a user would: in one home, line by line.

use std::path::Path;
use std::process::Command;

use super::{RUN_BY, blocks, command, is_run_elsewhere, pages, read};
use crate::support::Home;
use crate::term::Term;

/// The folder of a site's share on the pages; the test replaces it with a folder in its home.
const SHARE: &str = "/srv/penutup";

/// A page whose commands are run in order.
struct Walk<'a> {
    page: &'a str,
    home: Home,
    /// What the last command printed.
    last: String,
}

impl Walk<'_> {
    fn begin(page: &str) -> Walk<'_> {
        let home = Home::new();
        // The files that pages assume: somebody's rules, and the revisions before and after them.
        let rules = penutup::rules::BUILT_IN;
        home.write("rules.toml", rules);
        home.write("old.toml", rules);
        home.write("new.toml", rules.replace("\"Rev-1\"", "\"Rev-2\"").replace("\"11:00\"", "\"10:00\""));
        std::fs::create_dir_all(home.path().join("srv")).expect("a folder");
        Walk { page, home, last: String::new() }
    }

    fn block(&mut self, word: &str, block: &str) {
        let block = block.replace(SHARE, self.home.path().join("srv").to_str().expect("UTF-8"));
        match word {
            "diagram" => {}
            "toml" => self.settings(&block),
            "text" => assert_eq!(self.last.trim_end(), block.trim_end(), "{}", self.page),
            _ => block.lines().map(command).filter(|line| !line.is_empty()).for_each(|line| self.line(line)),
        }
    }

    /// Writes a block of settings to the settings file.
    fn settings(&self, block: &str) {
        let path = self.home.config("settings.toml");
        let before = std::fs::read_to_string(&path).unwrap_or_default();
        self.home.write_config("settings.toml", before + block);
    }

    fn line(&mut self, line: &str) {
        if is_run_elsewhere(line) {
            return;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        if words[0] == "penutup" && is_on_screen(&words[1..]) {
            return self.on_screen(&words[1..]);
        }
        let program = Path::new(env!("CARGO_BIN_EXE_penutup")).parent().expect("a folder");
        let path = std::env::join_paths([program, Path::new("/usr/bin"), Path::new("/bin")]).expect("paths");
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", line]).env_clear().current_dir(self.home.path());
        for (name, value) in self.home.penutup::<&str>([]).command().get_envs() {
            shell.env(name, value.unwrap_or_default());
        }
        let out = shell.env("PATH", &path).output().expect("sh runs");
        let err = String::from_utf8_lossy(&out.stderr);
        // `penutup diff` exits with 1 if the files differ.
        let expected = i32::from(line.starts_with("penutup diff ") && !line.contains("||"));
        assert!(out.status.code() == Some(expected) && err.is_empty(), "{}: {line}: {err}", self.page);
        self.last = String::from_utf8(out.stdout).expect("text");
    }

    fn on_screen(&mut self, args: &[&str]) {
        let mut term = Term::start(&self.home.penutup(args).command());
        // An exam that is left before its end is not passed, and its sheet is still valid.
        let exam = args.contains(&"--exam");
        let first = match args.first() {
            Some(&"demo") => "Demo 1/11",
            Some(&"drill") if exam => "Ujian",
            Some(&"drill") => "Latihan",
            _ => "Salam Penutup",
        };
        term.shows(first).send("q");
        if exam {
            term.shows("Tetap keluar?").send("q");
        }
        assert_eq!(term.ends().exit_code(), u32::from(exam), "{}: {args:?}", self.page);
        term.assert_restored();
        self.last.clear();
    }
}

/// Whether it opens a screen: no verb, or one that has a screen and is not asked for a file.
fn is_on_screen(args: &[&str]) -> bool {
    match args.first() {
        None => true,
        Some(&("drill" | "demo")) => {
            let free = ["--list", "--cards", "--class", "--notes"];
            !args.iter().any(|word| free.contains(word))
        }
        Some(option) => *option == "--rules" && args.len() == 2,
    }
}

fn walk(page: &str) -> Home {
    let text = read(page);
    let mut walk = Walk::begin(page);
    for (word, block) in blocks(&text) {
        walk.block(word, block);
    }
    walk.home
}

#[test]
fn every_command_of_every_page_runs() {
    let tested_here = pages().into_iter().filter(|page| RUN_BY.iter().all(|(name, _, _)| name != page));
    for page in tested_here {
        walk(&page);
    }
}

/// The results that the supervisor's page promises for its steps.
#[test]
fn the_supervisors_steps_publish_and_roll_back_rules_on_the_share() {
    let home = walk("docs/supervisor.md");
    let file = |path: &str| std::fs::read_to_string(home.path().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"));
    let output = home.penutup(["paths"]).ok();
    let rules = output.lines().find(|line| line.starts_with("aturan ")).expect("the rules' line");
    assert!(rules.contains("srv/rules.toml") && rules.contains("(dari pengaturan)"), "{output}");
    assert!(file("rev-2.toml").contains("\"Rev-2\""), "the checked file is the new revision");
    assert_eq!(file("srv/rules.toml"), file("srv/rules-rev-1.toml"), "the rollback restored the file");
    assert!(file("rev-2.md").contains("Rev-2"), "the sheet to be signed is of the new revision");
    assert!(file("srv/klb/klb.toml").contains("off"), "KLB was lifted");
}

/// The home after the commands of docs/packages.md.
pub fn after_packages() -> Home {
    walk("docs/packages.md")
}
