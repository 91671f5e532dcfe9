//! The trainers' document names every option. Its commands are run by `documents/run.rs`, as those of all pages.

use std::path::Path;

/// The commands of the document, in order.
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
        "--class",
        "--format",
        "--out",
    ] {
        assert!(all.iter().any(|word| word == option), "{option}");
    }
    assert!(commands().iter().all(|c| c[0] == "penutup"));
}
