//! The trainers' document: every command in it runs, and says what the document says it does.

use std::path::Path;

use crate::support::Home;

/// The commands of the document, in order, with the files that they name in a home of their own.
fn commands() -> Vec<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/trainer.md");
    let text = std::fs::read_to_string(path).expect("the document");
    let mut out = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        if line.starts_with("```") {
            inside = line == "```sh";
            continue;
        }
        let command = line.split('#').next().unwrap_or_default().trim();
        if inside && !command.is_empty() {
            out.push(command.split_whitespace().map(str::to_owned).collect());
        }
    }
    out
}

/// Whether it opens a screen.
fn is_on_screen(command: &[String]) -> bool {
    let free = ["--list", "--cards", "--merge", "--check-sheet"];
    matches!(command.get(1).map(String::as_str), Some("drill" | "demo"))
        && !command.iter().any(|word| free.contains(&word.as_str()))
}

#[test]
fn the_document_names_every_option() {
    let all: Vec<String> = commands().concat();
    for option in [
        "--way",
        "--seed",
        "--count",
        "--trainee",
        "--exam",
        "--pass",
        "--list",
        "--cards",
        "--merge",
        "--check-sheet",
        "--format",
        "--out",
    ] {
        assert!(all.iter().any(|word| word == option), "{option}");
    }
    assert!(commands().iter().all(|c| c[0] == "penutup"));
}

#[test]
#[cfg(unix)]
fn every_command_of_the_document_runs() {
    use crate::term::Term;

    let home = Home::new();
    let mut ran = 0;
    for command in commands() {
        ran += 1;
        if !is_on_screen(&command) {
            home.penutup(&command[1..]).ok();
            continue;
        }
        let mut term = Term::start(&home.penutup(&command[1..]).command());
        if command[1] == "demo" {
            term.shows("Peragaan 1/11");
            term.quits();
            continue;
        }
        // An exam that is left before its end is not passed, and its sheet holds all the same.
        let exam = command.iter().any(|word| word == "--exam");
        term.shows(if exam { "Ujian" } else { "Latihan" });
        term.send("q");
        let status = term.ends();
        assert_eq!(status.exit_code(), u32::from(exam), "{command:?}");
        term.is_restored();
    }
    assert!(ran >= 12, "{ran}");
}
