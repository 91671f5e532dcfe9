//! QA's page: every command in it does what it says.

use penutup::journal::report::Dimension;

use super::*;

fn page() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/qa.md")).expect("the page")
}

#[cfg(unix)]
#[test]
fn every_command_of_the_page_runs() {
    use std::process::Command;

    use super::report::write;
    use crate::support::Home;

    let (home, other) = (Home::new(), Home::new());
    write(&home, Some("07"), calls::calls(400));
    write(&other, Some("08"), calls::calls(300));
    home.write("seat-08.jsonl", other.penutup(["journal", "export"]).ok());
    let named = |call, id: &str| Record { interaction: Some(id.into()), agent: Some("4711".into()), ..ended(call) };
    write(&home, Some("07"), [named(901, "3f0c2a@pbx"), named(902, "77aa01@pbx")]);
    // As Notepad saves the column of a recorder's table.
    home.write("nomor.txt", "\u{feff}3f0c2a@pbx\r\n77aa01@pbx\r\n");
    home.write("tim.csv", "nomor;tim\r\n4711;Anggrek\r\nseat-08;Melati\r\n");
    let page = page();
    let blocks = page.split("```sh\n").skip(1).filter_map(|b| b.split_once("```"));
    let lines: Vec<&str> = blocks.flat_map(|(block, _)| block.lines()).filter(|l| !l.trim().is_empty()).collect();
    assert!(lines.len() >= 10, "{lines:?}");
    let program = Path::new(env!("CARGO_BIN_EXE_penutup")).parent().expect("a folder");
    for line in lines {
        assert!(line.starts_with("penutup "), "{line}");
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", line]).env_clear().current_dir(home.path());
        let as_user = home.penutup::<&str>([]).command();
        for (name, value) in as_user.get_envs() {
            shell.env(name, value.unwrap_or_default());
        }
        let out = shell.env("PATH", program).output().expect("sh runs");
        let err = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success() && err.is_empty(), "{line}: {err}");
    }
    let csv = std::fs::read_to_string(home.path().join("november.csv")).expect("the page writes it");
    assert!(csv.lines().count() > 50);
    let joined = std::fs::read_to_string(home.path().join("dengan-rekaman.csv")).expect("the page writes it");
    assert!(joined.lines().count() == 3 && joined.contains("3f0c2a@pbx") && joined.contains("77aa01@pbx"), "{joined}");
}

#[test]
fn the_page_names_every_column_every_grouping_and_every_ending() {
    let columns = penutup::cli::report::csv::COLUMNS.into_iter().chain(Dimension::NAMES);
    let page = page();
    for name in columns.chain(Outcome::ALL.into_iter().map(Outcome::code)) {
        assert!(page.contains(&format!("`{name}`")), "{name}");
    }
}
