//! The commands of docs/armada.md and docs/fleet.md work as written.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use penutup_cli_kit::words::Lang;
use penutup_fleet::provision::fleet::Fleet;
use penutup_rules::BUILT_IN;

use crate::support::machine::{SeatMachine, state_of};
use crate::support::nats::{free_port, installed};
use crate::support::process::Process;
use crate::support::program::Running;
use crate::support::screen::{Screen, penutup};
use crate::support::{FleetSpec, Identity, Postgres, TestFleet, report_skipped, wait_until};

/// The version in the pages' examples.
const EXAMPLE: &str = "1795513203";

fn shell(fleet: &TestFleet, line: &str) -> Output {
    shell_as(fleet, line, &fleet.config(Identity::Supervisor("pusat")))
}

fn shell_as(fleet: &TestFleet, line: &str, config: &Path) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_penutup-fleet")).parent().unwrap();
    let others = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths([program.to_owned()].into_iter().chain(std::env::split_paths(&others))).unwrap();
    let mut command = Command::new("sh");
    command.args(["-ec", line]).current_dir(fleet.folder()).stdin(Stdio::null()).env("PATH", path);
    command.env_remove("PENUTUP_LANG").env_remove("PENUTUP_SETTINGS");
    command.env("XDG_CONFIG_HOME", fleet.folder().join("none"));
    command.env("PENUTUP_FLEET_CONFIG", config).output().unwrap()
}

/// The lines of a page's shell blocks, without comments.
fn commands(page: &str) -> Vec<&str> {
    let blocks = page.split("\n```sh\n").skip(1).map(|block| block.split("```").next().unwrap());
    blocks.flat_map(str::lines).map(|line| line.split(" #").next().unwrap().trim()).collect()
}

/// A running seat whose state is in the stream, to receive what the page declares.
async fn heard_seat(fleet: &TestFleet) -> SeatMachine {
    let seat = SeatMachine::started(fleet, "jkt", "a1");
    let status = fleet.connect(Identity::Program("status")).await;
    wait_until("the seat's state", async || state_of(&status, "jkt", "a1").await).await;
    seat
}

/// Everything after the first five commands: the fleet's file, the verbs, the SQL query.
#[tokio::test]
async fn the_commands_of_the_fleet_page_work() {
    let Some(postgres) = Postgres::start() else { return };
    let supervisors = vec![("pusat", "Pusat", vec!["center", "rules", "site.jkt"])];
    let spec = FleetSpec { supervisors, database: Some(&postgres), ..FleetSpec::default() };
    let Some(fleet) = TestFleet::start(&spec).await else { return };
    let _seat = heard_seat(&fleet).await;
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/fleet.md");
    let page = fs::read_to_string(page).unwrap();
    let file = page.split("\n```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    fs::write(fleet.folder().join("page.toml"), file).unwrap();
    Fleet::read(&fleet.folder().join("page.toml"), Lang::En).expect("a valid fleet's file");
    fs::write(fleet.folder().join("rules.toml"), BUILT_IN.replace("Rev-1", "Rev-2")).unwrap();

    let (mut version, mut archive, mut done) = (EXAMPLE.to_owned(), None, 0);
    // The first five have their own test.
    for line in commands(&page).into_iter().skip(5) {
        assert!(line.starts_with("penutup-fleet "), "{line}");
        let verb = line.split(' ').nth(1).unwrap();
        let config = fleet.config(match verb {
            "klb" | "rules" => Identity::Supervisor("pusat"),
            // The report reads the database, for which the archive has the rights.
            "archive" | "report" => Identity::Program("archive"),
            _ => Identity::Program("status"),
        });
        if line == "penutup-fleet archive" {
            archive = Some(Running::start(&config, &["archive"], fleet.folder()));
            let tables = async || postgres.number("select count(*) from closing").await;
            assert_eq!(wait_until("the tables", tables).await, 0);
            continue;
        }
        // The running fleet is provisioned again, and there is no terminal for a confirmation.
        let needs_confirmation = line.contains("rules publish") || line.contains("rules rollback");
        let here = line.replace("fleet.toml fleet", "fleet.toml out").replace("jkt/a0007", "jkt/a3");
        let command = here.replace(EXAMPLE, &version) + if needs_confirmation { " --yes" } else { "" };
        let output = shell_as(&fleet, &command, &config);
        let [out, err] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
        assert!(output.status.success(), "{command}: {out}{err}");
        done += 1;
        if line.ends_with("rules list") {
            version = out.split(' ').next().unwrap().to_owned();
            fs::write(fleet.folder().join("rules.toml"), BUILT_IN.replace("Rev-1", "Rev-3")).unwrap();
            assert!(shell_as(&fleet, "penutup-fleet rules publish rules.toml --yes", &config).status.success());
        }
    }
    assert!(done >= 15 && archive.is_some_and(|mut archive| archive.process.runs()), "{done}");
    assert!(fs::read_to_string(fleet.folder().join("old.toml")).unwrap().contains("Rev-2"));
    let queries: Vec<_> = page.split("\n```sql\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(queries.len(), 2);
    for sql in queries {
        postgres.connect().await.query(sql, &[]).await.expect("an answer");
    }
}

#[tokio::test]
async fn the_commands_of_the_supervisors_page_work() {
    let Some(fleet) = TestFleet::start(&FleetSpec::default()).await else { return };
    let _seat = heard_seat(&fleet).await;
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/armada.md");
    let page = fs::read_to_string(page).unwrap();
    // What is above is the operator's, and runs with the deploy page.
    let (_, page) = page.split_once("\n# Untuk supervisor\n").expect("the supervisors' part");
    fs::write(fleet.folder().join("rules.toml"), BUILT_IN.replace("Rev-1", "Rev-2")).unwrap();
    let lines = commands(page);
    assert!(lines.len() >= 7, "{lines:?}");
    let mut version = EXAMPLE.to_owned();
    for line in lines {
        // There is no terminal for a confirmation.
        let needs_confirmation = line.contains("rules publish") || line.contains("rules rollback");
        let command = line.replace(EXAMPLE, &version) + if needs_confirmation { " --yes" } else { "" };
        let output = shell(&fleet, &command);
        let [out, err] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
        assert!(output.status.success(), "{command}: {out}{err}");
        if line.contains("rules list") {
            version = out.split(' ').next().unwrap().to_owned();
            // A rollback needs a different version to be active.
            fs::write(fleet.folder().join("rules.toml"), BUILT_IN.replace("Rev-1", "Rev-3")).unwrap();
            assert!(shell(&fleet, "penutup-fleet rules publish rules.toml --yes").status.success());
        }
    }
    assert!(fs::read_to_string(fleet.folder().join("lama.toml")).unwrap().contains("Rev-2"));
}

/// A page's command in its own process group.
struct Window(Process);

impl Drop for Window {
    fn drop(&mut self) {
        // The whole group gets the signal.
        let group = format!("-{}", self.0.0.id());
        let _ = Command::new("kill").args(["-TERM", "--", &group]).status();
        let _ = self.0.0.wait();
    }
}

#[tokio::test]
async fn five_commands_start_two_seats_that_change_together() {
    let Some(binary) = installed() else { return report_skipped(&"nats-server is not installed here") };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = fs::read_to_string(root.join("docs/fleet.md")).unwrap();
    let (_, below) = page.split_once("in five commands\n").expect("the page has it");
    let block = below.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next()).expect("its commands");
    let lines: Vec<&str> = block.lines().collect();
    let [serve, streams, first, second, on] = lines[..] else { panic!("five commands: {lines:#?}") };

    let folder = tempfile::TempDir::with_prefix("five").unwrap();
    // Another port than the page's: it may be in use here.
    let file = fs::read_to_string(root.join("fleet/deploy/two-seats.toml")).unwrap();
    let (file, port) = (file.replace("[server]\n", "[server]\nport = PORT\n"), free_port().to_string());
    assert!(file.contains("PORT"), "{file}");
    fs::write(folder.path().join("two-seats.toml"), file.replace("PORT", &port)).unwrap();
    let shell = |line: &str| {
        let programs = [penutup().parent().unwrap().to_owned(), binary.parent().unwrap().to_owned()];
        let others = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(programs.into_iter().chain(std::env::split_paths(&others))).unwrap();
        let mut command = Command::new("sh");
        command.args(["-ec", line]).current_dir(folder.path()).env_clear().env("PATH", path);
        command.env("HOME", folder.path().join("home")).stdin(Stdio::null());
        command
    };
    let done = |line: &str| {
        let output = shell(line).output().unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    };

    let log = fs::File::create(folder.path().join("server.log")).unwrap();
    let mut server = shell(serve);
    std::os::unix::process::CommandExt::process_group(&mut server, 0);
    let mut server = Window(Process::start(server.stdout(Stdio::null()).stderr(log)));
    let stderr = || fs::read_to_string(folder.path().join("server.log")).unwrap_or_default();
    wait_until("the server", async || {
        assert!(server.0.runs(), "{}", stderr());
        stderr().contains("Server is ready").then_some(())
    })
    .await;
    done(streams);
    let mut seats = [first, second].map(|line| Screen::start(&shell(line)));
    let campaign = "Untuk mewujudkan PLN terbaik";
    for seat in &seats {
        seat.waits_for(campaign).await;
        assert!(!seat.text().contains("KLB AKTIF"), "{}", seat.text());
    }
    for seat in ["a1", "a2"] {
        let log = || fs::read_to_string(folder.path().join(seat).join("state/agent.log")).unwrap_or_default();
        wait_until("the agent", async || log().contains("tersambung ke pusat").then_some(())).await;
    }
    done(on);
    for seat in &seats {
        seat.waits_for("KLB AKTIF sejak").await;
        seat.waits_for("Pusat · gangguan transmisi").await;
        seat.waits_without(campaign).await;
    }
    done(on.replace("klb on", "klb off").split(" --reason").next().unwrap());
    for seat in &seats {
        seat.waits_for(campaign).await;
        seat.waits_without("KLB AKTIF").await;
    }
    // The agents end by themselves after their prompters.
    for seat in &mut seats {
        seat.type_keys("q");
        seat.wait_for_exit().await;
    }
    for seat in ["a1", "a2"] {
        let log = || fs::read_to_string(folder.path().join(seat).join("state/agent.log")).unwrap_or_default();
        wait_until("the agent's end", async || log().contains("program fleet berhenti").then_some(())).await;
    }
    let mut written: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    written.sort();
    assert_eq!(written, ["a1", "a2", "server.log", "two", "two-seats.toml"]);
}
