//! Every command of the supervisor's page runs as it is written.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use penutup::rules::BUILT_IN;

use crate::support::{Ground, Shape, Who};

/// The version that the page takes for an example.
const EXAMPLE: &str = "1795513203";

fn shell(ground: &Ground, line: &str) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_penutup-fleet")).parent().unwrap();
    let others = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths([program.to_owned()].into_iter().chain(std::env::split_paths(&others))).unwrap();
    let mut command = Command::new("sh");
    command.args(["-ec", line]).current_dir(ground.folder()).stdin(Stdio::null()).env("PATH", path);
    command.env_remove("PENUTUP_LANG").env_remove("PENUTUP_SETTINGS");
    command.env("XDG_CONFIG_HOME", ground.folder().join("none"));
    command.env("PENUTUP_FLEET_CONFIG", ground.config(Who::Supervisor("pusat"))).output().unwrap()
}

#[tokio::test]
async fn the_supervisors_page_runs_as_it_is_written() {
    let Some(ground) = Ground::start(&Shape::default()).await else { return };
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/armada.md");
    let page = fs::read_to_string(page).unwrap();
    fs::write(ground.folder().join("rules.toml"), BUILT_IN.replace("Rev-1", "Rev-2")).unwrap();
    let blocks = page.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap());
    let lines: Vec<&str> = blocks.flat_map(str::lines).collect();
    assert!(lines.len() >= 7, "{lines:?}");
    let mut version = EXAMPLE.to_owned();
    for line in lines {
        // Here nobody sits at a terminal to be asked.
        let asks = line.contains("rules publish") || line.contains("rules rollback");
        let command = line.replace(EXAMPLE, &version) + if asks { " --yes" } else { "" };
        let output = shell(&ground, &command);
        let [out, err] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
        assert!(output.status.success(), "{command}: {out}{err}");
        if line.contains("rules list") {
            version = out.split(' ').next().unwrap().to_owned();
            // What is brought back differs from what stands.
            fs::write(ground.folder().join("rules.toml"), BUILT_IN.replace("Rev-1", "Rev-3")).unwrap();
            assert!(shell(&ground, "penutup-fleet rules publish rules.toml --yes").status.success());
        }
    }
    assert!(fs::read_to_string(ground.folder().join("lama.toml")).unwrap().contains("Rev-2"));
}
