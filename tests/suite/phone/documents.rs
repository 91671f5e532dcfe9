//! Every command of docs/telephone.md that can be run is run, and every setting in it is read.

use std::path::Path;
use std::process::{Command, Stdio};

use penutup::rules::text::fold;

use super::verb::{WAIT, prompter};
use crate::support::Home;

/// The blocks of the page in this language.
pub fn blocks(language: &str) -> Vec<String> {
    blocks_of("docs/telephone.md", language)
}

/// The blocks of a page in this language.
pub fn blocks_of(page: &str, language: &str) -> Vec<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    let page = std::fs::read_to_string(page).expect("the page");
    let mut out = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if line == format!("```{language}") {
            let block: Vec<&str> = lines.by_ref().take_while(|l| *l != "```").collect();
            out.push(block.join("\n") + "\n");
        }
    }
    assert!(!out.is_empty(), "the page has {language}");
    out
}

/// A home with every setting of the page.
fn home() -> Home {
    let home = Home::new();
    let settings = blocks("toml").concat();
    home.write_config("settings.toml", format!("seat = \"seat-07\"\n{settings}"));
    home
}

/// Runs a line as a shell does, `penutup` being ours. Returns whether it succeeded, and its messages.
pub fn run_line(home: &Home, line: &str) -> (bool, String) {
    let ours = home.penutup([""; 0]).env("PENUTUP_CALL_WAIT", WAIT).command();
    let mut sh = Command::new("sh");
    sh.arg("-c").arg(format!("penutup() {{ \"{}\" \"$@\"; }}\n{line}", env!("CARGO_BIN_EXE_penutup")));
    sh.env_clear().envs(ours.get_envs().filter_map(|(name, value)| Some((name, value?)))).stdin(Stdio::null());
    let output = sh.output().expect("a shell");
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Runs a line as [`run_line`]; it must succeed without a message.
#[track_caller]
pub fn shell(home: &Home, line: &str) {
    let (succeeded, err) = run_line(home, line);
    assert!(succeeded && err.is_empty(), "{line}: {err}");
}

#[test]
fn every_command_on_the_phone_page_works() {
    let home = home();
    let mut term = prompter(&home, &[]);
    term.shows("telepon: putus");
    let mut ran = 0;
    for line in blocks("sh").concat().lines() {
        shell(&home, line);
        ran += 1;
        let shown = match line {
            l if l.contains("nama=") => "Siti Aminah",
            l if l.contains("topik=") => "▐PLN Mobile▌",
            l if l.contains("call agent") => "CSO 4711",
            l if l.contains("call end") => "Mengapa panggilan berakhir?",
            _ => "Telepon: panggilan",
        };
        term.shows(shown);
        if line.contains("call end") {
            term.send("1").hides("Mengapa panggilan berakhir?");
        }
    }
    assert_eq!(ran, 11);
    term.quits();
}

#[test]
fn the_commands_for_phones_are_valid() {
    let home = Home::new();
    let mut term = prompter(&home, &[]);
    let program = "\"C:\\Program Files\\penutup\\penutup.exe\" ";
    let microsip = blocks("ini").concat();
    // MicroSIP puts the number behind the command.
    let microsip = microsip.lines().filter(|line| line.starts_with("cmd")).map(|line| {
        let (key, command) = line.split_once('=').expect("a key");
        assert!(matches!(key, "cmdCallAnswer" | "cmdCallEnd") && command.len() < 256);
        format!("{} 081234567890", command.strip_prefix(program).expect("the program"))
    });
    let page =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/telephone.md")).expect("the page");
    let table = page.lines().filter_map(|l| l.split('`').nth(1)).filter(|l| l.starts_with("call ")).map(str::to_owned);
    let blocks = blocks("text").into_iter().filter(|block| block.starts_with("call ")).map(|b| fold(&b));
    let all: Vec<String> = microsip.chain(blocks).chain(table).collect();
    assert!(all.len() >= 5, "{all:?}");
    for line in all {
        // What the phone puts in its placeholders' places.
        let mut line = line;
        for name in ["<n>", "%CallerDisplayName%", "$d", "$caller_name$"] {
            line = line.replace(name, "Siti \u{27}Aminah\u{27}");
        }
        for number in ["<m>", "%CallerNumber%", "$number$", "$n"] {
            line = line.replace(number, "081234567890");
        }
        assert!(!line.contains(['<', '%', '$']), "{line}");
        shell(&home, &format!("penutup {line}"));
        if line.contains("nama=") {
            term.shows("Siti 'Aminah'");
        }
    }
    term.quits();
}
