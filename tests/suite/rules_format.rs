//! The supervisor's page on the rules file: its worked example, run from the first command to the last.

use std::path::Path;

fn page() -> String {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rules-format.md"));
    page.expect("the page").replace("\r\n", "\n")
}

/// The page's blocks, in order: the fence's word and what stands in it.
#[cfg(unix)]
fn blocks(page: &str) -> Vec<(&str, &str)> {
    let fenced = page.split("\n```").skip(1).step_by(2);
    fenced.filter_map(|block| block.split_once('\n')).collect()
}

#[cfg(unix)]
#[test]
fn the_worked_example_does_what_it_says() {
    use std::process::Command;

    use crate::support::Home;

    let (home, page) = (Home::new(), page());
    let program = Path::new(env!("CARGO_BIN_EXE_penutup")).parent().expect("a folder");
    let path = std::env::join_paths([program, Path::new("/usr/bin"), Path::new("/bin")]).expect("paths");
    let as_user = home.penutup::<&str>([]).command();
    let (mut last, mut ran, mut compared) = (String::new(), 0, 0);
    let mut all = String::new();
    for (word, block) in blocks(&page) {
        if word == "text" {
            assert_eq!(last.trim_end(), block.trim_end());
            compared += 1;
            continue;
        }
        assert_eq!(word, "sh");
        let mut shell = Command::new("/bin/sh");
        shell.args(["-ec", block]).env_clear().current_dir(home.path());
        for (name, value) in as_user.get_envs() {
            shell.env(name, value.unwrap_or_default());
        }
        let out = shell.env("PATH", &path).output().expect("sh runs");
        last = String::from_utf8(out.stdout).expect("text");
        assert!(out.status.success(), "{block}{last}{}", String::from_utf8_lossy(&out.stderr));
        all += &last;
        ran += 1;
    }
    assert_eq!((ran, compared), (7, 2));
    // The broken copy is refused for its gap, and the diff names how much is said differently.
    assert!(all.contains("kesalahan[gap]") && all.contains("status 1"), "{all}");
    assert!(all.contains("1 dari 12 situasi berubah"), "{all}");
    assert!(all.contains("10.00") || all.contains("10:00"), "the greeting's change is told: {all}");
}

#[test]
fn the_page_names_every_code() {
    let page = page();
    for code in penutup::rules::problem::Code::ALL {
        assert!(page.contains(&format!("`{}`", code.as_str())), "{}", code.as_str());
    }
}
