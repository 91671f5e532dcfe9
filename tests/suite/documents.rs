//! The documents: every page of the project is found, and every command in it is run, here or by the test named in a
//! table. A new page is run without a change here; a command that nothing runs fails.

mod cso;
#[cfg(unix)]
mod run;
#[cfg(unix)]
mod shells;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Pages whose commands need more than a home folder, the test that runs them, and the code languages only they have.
const RUN_BY: [(&str, &str, &[&str]); 10] = [
    ("docs/armada.md", "fleet/tests/suite/pages.rs", &["ini"]),
    ("docs/crm.md", "tests/suite/phone/link_page.rs", &[]),
    ("docs/fleet.md", "fleet/tests/suite/pages.rs", &["sql"]),
    ("docs/hotkeys.md", "tests/suite/phone/keys.rs", &[]),
    ("docs/plain.md", "tests/suite/plain/document.rs", &["bash"]),
    ("docs/qa.md", "tests/suite/journal/qa.rs", &[]),
    ("docs/rules-format.md", "tests/suite/rules_format.rs", &[]),
    ("docs/telephone.md", "tests/suite/phone/documents.rs", &["bash", "ini"]),
    ("docs/windows.md", "tools/windows-check.sh", &["cmd"]),
    ("fleet/deploy/README.md", "fleet/tests/suite/deploy.rs", &[]),
];

/// Commands that build, install or need another user's rights: the command on the page, the script that runs it before
/// a commit or a release, and its form there.
const ELSEWHERE: [(&str, &str, &str); 20] = [
    ("bash .ci/run", ".ci/run", "set -euo pipefail"),
    ("cargo test", ".ci/run", "step cargo test --locked"),
    (
        "cargo clippy --all-targets --locked -- -D warnings",
        ".ci/run",
        "step cargo clippy --all-targets --locked -- -D warnings",
    ),
    ("cargo fmt --all", ".ci/run", "step cargo fmt --all --check"),
    ("tools/package.sh list", ".ci/run", "step tools/package.sh list"),
    ("tools/package.sh card", ".ci/run", "step tools/package.sh card"),
    ("tools/package.sh build", "tools/package.sh", "\n    build | texts"),
    ("tools/package.sh deb", "tools/package.sh", "tools/package.sh deb >\"$OUT/same.log\""),
    ("tools/package.sh check", "tools/package.sh", "\ncheck() {"),
    ("tools/package.sh install", "tools/package.sh", "\ninstall_from_source() {"),
    ("tools/package.sh zip", "tools/package.sh", "\nzip_for_windows() {"),
    ("tools/package.sh static", "tools/release.sh", "for part in deb static zip sbom"),
    ("tools/package.sh sbom", "tools/release.sh", "for part in deb static zip sbom"),
    ("tools/release.sh VERSION", ".github/workflows/ci.yml", "tools/release.sh \"${GITHUB_REF_NAME#v}\""),
    ("tools/package.sh same", "tools/package.sh", "\nsame() {"),
    ("cargo install --locked --path .", "tools/package.sh", "cargo install --locked --path . "),
    ("cargo run --release", "tools/package.sh", "cargo run --release --locked "),
    ("sudo apt install ./penutup_*.deb", "tools/package.sh", "apt install -y ./penutup_*.deb"),
    ("sudo apt install ./penutup-fleet_*.deb", "tools/package.sh", "apt install -y ./penutup-fleet_*.deb"),
    ("sudo apt remove penutup", "tools/package.sh", "\n    gone remove\n"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    let text = std::fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"));
    text.replace("\r\n", "\n")
}

/// Every page of the project: those beside the README, those in docs, the records of decisions, the fleet's deploy page.
fn pages() -> Vec<String> {
    let files =
        |folder: PathBuf| std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("a file").path());
    let mut out: Vec<String> = files(root().to_owned())
        .chain(files(root().join("docs")))
        .chain(files(root().join("docs/decisions")))
        .chain(files(root().join("fleet/deploy")))
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .map(|path| path.strip_prefix(root()).expect("below the root").to_string_lossy().replace('\\', "/"))
        .collect();
    out.sort();
    assert!(out.len() >= 10, "{out:?}");
    out
}

/// The code blocks of a page, in order: the language and the content.
fn blocks(page: &str) -> Vec<(&str, &str)> {
    let fenced = page.split("\n```").skip(1).step_by(2);
    fenced.map(|block| block.split_once('\n').unwrap_or((block, ""))).collect()
}

/// A line of a block without its comment.
fn command(line: &str) -> &str {
    line.split(" #").next().unwrap_or_default().trim()
}

/// Whether a script of the project runs this command.
#[cfg(unix)]
fn is_run_elsewhere(command: &str) -> bool {
    ELSEWHERE.iter().any(|(line, _, _)| *line == command)
}

#[test]
fn every_code_block_is_run_or_known() {
    for name in pages() {
        let page = read(&name);
        assert!(page.matches("\n```").count().is_multiple_of(2), "{name}: a fence is not closed");
        assert!(!page.contains("\n~~~") && !page.contains("\n  ```"), "{name}: fences are ``` at the line's start");
        let own = RUN_BY.iter().find(|(page, _, _)| *page == name).map_or(&[][..], |(_, _, fences)| *fences);
        for (word, block) in blocks(&page) {
            let known = ["diagram", "sh", "text", "toml"].iter().chain(own).any(|known| *known == word);
            assert!(known, "{name}: nobody runs ```{word}\n{block}");
        }
    }
}

#[test]
fn tests_named_as_runners_of_pages_exist() {
    for (page, by, _) in RUN_BY {
        assert!(pages().iter().any(|name| name == page) && read(by).contains(page), "{by} runs {page}");
    }
    for (command, by, how) in ELSEWHERE {
        assert!(read(by).contains(how), "{by} runs {command}");
    }
    // An entry whose command is on no page any more is outdated.
    let all: String = pages().iter().map(|name| read(name)).collect();
    for (line, _, _) in ELSEWHERE {
        assert!(all.lines().any(|l| command(l) == line), "no page has {line}");
    }
}

#[test]
fn the_verbs_that_pages_name_in_passing_exist() {
    let help = crate::support::penutup(["--help"]).out;
    for name in pages() {
        let page = read(&name);
        for code in page.split('`').skip(1).step_by(2) {
            let mut words = code.split_whitespace();
            let verb = words.next().filter(|word| *word == "penutup").and_then(|_| words.next());
            if let Some(verb) = verb.filter(|word| word.chars().all(|c| c.is_ascii_lowercase())) {
                assert!(help.contains(&format!("\n  {verb} ")), "{name}: {code}");
            }
        }
    }
}

#[test]
fn every_link_leads_to_an_existing_file() {
    for name in pages() {
        let page = read(&name);
        let folder = Path::new(&name).parent().expect("a folder");
        for part in page.split("](").skip(1) {
            let to = part.split([')', '#']).next().unwrap_or_default();
            if !to.is_empty() && !to.contains("://") {
                assert!(root().join(folder).join(to).exists(), "{name}: {to}");
            }
        }
    }
}

/// The pages below `docs` and `fleet/deploy` keep their links in both Debian packages. (The READMEs lead to the sources.)
#[test]
fn links_of_packaged_pages_lead_to_packaged_files() {
    for (manifest, doc) in
        [("Cargo.toml", "usr/share/doc/penutup"), ("fleet/Cargo.toml", "usr/share/doc/penutup-fleet")]
    {
        let table: toml::Table = read(manifest).parse().expect(manifest);
        let assets = &table["package"]["metadata"]["deb"]["assets"];
        // Where each file of the project lies below the package's folder of documents.
        let mut packed = BTreeSet::new();
        for asset in assets.as_array().expect("a list") {
            let [from, to] = [0, 1].map(|at| asset[at].as_str().expect("a path"));
            let Some(to) = to.strip_prefix(doc) else { continue };
            let from = Path::new(manifest).with_file_name(from);
            let (folder, name) =
                (from.parent().expect("a folder"), from.file_name().expect("a name").to_string_lossy());
            if let Some(ending) = name.strip_prefix('*') {
                let names = std::fs::read_dir(root().join(folder)).expect("a folder");
                let names = names.map(|entry| entry.expect("a file").file_name().to_string_lossy().into_owned());
                packed.extend(names.filter(|name| name.ends_with(ending)).map(|name| format!("{to}{name}")));
            } else {
                packed.insert(if to.ends_with('/') { format!("{to}{name}") } else { to.to_owned() });
            }
        }
        let is_page = |path: &&String| {
            Path::new(path).extension().is_some_and(|extension| extension == "md") && !path.starts_with("/README")
        };
        let pages: Vec<_> = packed.iter().filter(is_page).collect();
        assert!(pages.len() >= 3, "{manifest}: {packed:?}");
        for page in pages {
            let text = read(page.trim_start_matches('/'));
            for part in text.split("](").skip(1) {
                let to = part.split([')', '#']).next().unwrap_or_default();
                if !to.is_empty() && !to.contains("://") {
                    let mut at: Vec<&str> = page.split('/').collect();
                    at.pop();
                    for step in to.split('/') {
                        if step == ".." {
                            at.pop();
                        } else {
                            at.push(step);
                        }
                    }
                    assert!(packed.contains(&at.join("/")), "{manifest}: {page} leads to {to}");
                }
            }
        }
    }
}

#[test]
fn the_two_readmes_have_the_same_parts_and_commands() {
    let (english, indonesian) = (read("README.md"), read("README.id.md"));
    let parts = |page: &str| page.lines().filter(|line| line.starts_with("## ")).count();
    assert_eq!(parts(&english), parts(&indonesian));
    let commands = |page: &str| -> Vec<String> {
        let shell = blocks(page).into_iter().filter(|(word, _)| *word == "sh");
        shell.flat_map(|(_, block)| block.lines().map(|l| command(l).to_owned()).collect::<Vec<_>>()).collect()
    };
    assert_eq!(commands(&english), commands(&indonesian));
    let keys = |page: &str| -> Vec<String> {
        let rows = page.lines().filter(|line| line.starts_with("| `"));
        rows.map(|row| row.split('|').nth(1).unwrap_or_default().replace("Spasi", "Space").trim().to_owned()).collect()
    };
    assert_eq!(keys(&english), keys(&indonesian));
}
