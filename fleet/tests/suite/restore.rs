//! A lost machine is restored onto nothing, by the commands of the operator's page.

use std::fs;
use std::path::Path;
use std::process::Command;

use chrono::Utc;
use penutup_fleet::wire::key::Key;
use penutup_rules::BUILT_IN;
use penutup_rules::declaration::State;
use serde_json::Value;

use crate::support::fleet::STORE;
use crate::support::machine::{Calls, SeatMachine, TestSupervisor};
use crate::support::postgres::{DATABASE, USER};
use crate::support::program::{Running, run};
use crate::support::{FleetSpec, Identity, Postgres, TestFleet, wait_until};

/// The page's commands for a backup, and for restoring it.
fn commands() -> [Vec<String>; 2] {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/armada.md");
    let page = fs::read_to_string(page).unwrap();
    let (_, chapter) = page.split_once("\n## 7. ").expect("the backup");
    let (chapter, _) = chapter.split_once("\n## ").expect("its end");
    let blocks = chapter.split("\n```sh\n").skip(1).map(|block| block.split("```").next().unwrap());
    let mut blocks = blocks.map(|block| block.lines().map(str::to_owned).collect::<Vec<_>>());
    let backup = blocks.next().expect("a backup");
    let restore: Vec<String> = blocks.flatten().collect();
    assert!(backup.len() == 5 && restore.len() == 7, "{backup:#?} {restore:#?}");
    [backup, restore]
}

struct Machine {
    // First, so that the server and the archive end before the database.
    archive: Running,
    fleet: TestFleet,
}

fn start_archive(fleet: &TestFleet) -> Running {
    Running::start(&fleet.config(Identity::Program("archive")), &["archive", "--ask-every", "1"], fleet.folder())
}

impl Machine {
    /// Runs a command of the page, with this fleet's places.
    async fn does(&mut self, line: &str, postgres: &Postgres) {
        match line {
            "systemctl stop penutup-nats" => return self.fleet.nats.stop(),
            "systemctl start penutup-nats" => return self.fleet.nats.restart(),
            "systemctl stop penutup-archive" => {
                assert_eq!(self.archive.terminate(), Some(0), "{}", self.archive.stderr());
                return;
            }
            "systemctl start penutup-archive" => return self.archive = start_archive(&self.fleet),
            _ => {}
        }
        let (bin, host) = (postgres.programs().display(), postgres.host().display());
        let here = line
            .replace("/var/lib", ".")
            .replace("one-site.toml ca.pem server.key fleet", "fleet.toml out")
            .replace("runuser -u postgres -- pg_", &format!("{bin}/pg_"))
            .replace("-Fc penutup", &format!("-Fc -h {host} -U {USER} {DATABASE}"))
            .replace("-d postgres", &format!("-h {host} -U {USER} -d template1"));
        let mut command = Command::new("sh");
        command.args(["-ec", &here]).current_dir(self.fleet.folder());
        // Meanwhile this test's own connections to the database end, which nobody may have while it is replaced.
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        assert!(output.status.success(), "{here}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn status(&self) -> Value {
        let output = run(&self.fleet.config(Identity::Program("status")), &["status", "--format", "json"]);
        serde_json::from_str(&output.out).unwrap()
    }
}

#[tokio::test]
async fn a_machine_that_is_restored_from_a_backup_gets_back_what_the_seats_have() {
    let Some(postgres) = Postgres::start() else { return };
    let spec = FleetSpec { database: Some(&postgres), ..FleetSpec::default() };
    let Some(fleet) = TestFleet::start(&spec).await else { return };
    let [backup, restore] = commands();
    let mut machine = Machine { archive: start_archive(&fleet), fleet };
    let archived = async |count| {
        let query = "select count(*) from closing";
        wait_until("the closings", async || (postgres.number(query).await == Some(count)).then_some(())).await;
    };
    let seat = SeatMachine::started(&machine.fleet, "jkt", "a1");
    let mut calls = Calls::of(&seat.journal());
    let pusat = machine.fleet.config(Identity::Supervisor("pusat"));
    calls.write_new(5);
    archived(5).await;
    wait_until("the seat's state", async || (machine.status()["total"]["fresh"] == 1).then_some(())).await;
    run(&pusat, &["klb", "off", "--wait", "60"]).done();
    for line in &backup {
        machine.does(line, &postgres).await;
    }

    // What the backup does not have: closings, and what a supervisor whose clock is an hour ahead declared and published.
    calls.write_new(7);
    archived(12).await;
    let supervisor = TestSupervisor::of(&machine.fleet, "pusat").await;
    let ahead = u64::try_from(Utc::now().timestamp()).unwrap() + 3_600;
    supervisor.declare(&"klb.center".parse().unwrap(), ahead, State::On, "banjir").await;
    let rules = |revision| BUILT_IN.replace("Rev-1", revision);
    supervisor.put(&Key::Rules, supervisor.sign(&Key::Rules, ahead, &rules("Rev-7"))).await;
    let shows = async |state, revision: &str| {
        wait_until("the declaration", async || seat.klb().filter(|klb| klb.state == state)).await;
        let on_disk = || fs::read_to_string(seat.file("rules.toml")).ok();
        wait_until("the rules", async || on_disk().filter(|text| text.contains(revision))).await;
    };
    shows(State::On, "Rev-7").await;

    // The machine is lost, and the database with it.
    machine.fleet.nats.kill();
    machine.archive.process.kill();
    for lost in ["out", STORE] {
        fs::remove_dir_all(machine.fleet.folder().join(lost)).unwrap();
    }
    fs::remove_file(machine.fleet.folder().join("fleet.toml")).unwrap();
    let empty = "drop schema public cascade; create schema public";
    postgres.connect().await.batch_execute(empty).await.unwrap();
    // As after step 1 of the page: an empty server and an empty database.
    let (first, rest) = restore.split_first().unwrap();
    machine.does(first, &postgres).await;
    machine.fleet.nats.restart();
    machine.archive = start_archive(&machine.fleet);
    archived(0).await;
    for line in rest {
        machine.does(line, &postgres).await;
    }

    // The seat's closings come back, and it keeps what it verified: status says so.
    archived(12).await;
    wait_until("the seat's state", async || (machine.status()["seats_newer_than_server"] == 1).then_some(())).await;
    let status = machine.status();
    assert_eq!((&status["klb"][0]["state"], &status["rules"]), (&"off".into(), &Value::Null), "{status}");
    assert_eq!(status["total"]["missing"], 0, "{status}");
    shows(State::On, "Rev-7").await;
    let text = run(&machine.fleet.config(Identity::Program("status")), &["status", "--once", "--lang", "en"]).out;
    assert!(
        text.contains("! seats with a newer version of KLB, rules or the trust list than the server: 1,"),
        "{text}"
    );

    // The next declaration is above the seat's version, whatever the clocks say.
    let off = run(&pusat, &["klb", "off", "--wait", "60"]).done();
    assert!(off.contains("1 dari 5 seat"), "{off}");
    shows(State::Off, "Rev-7").await;
    let file = machine.fleet.folder().join("aturan.toml");
    fs::write(&file, rules("Rev-8")).unwrap();
    run(&pusat, &["rules", "publish", file.to_str().unwrap(), "--yes", "--wait", "60"]).done();
    shows(State::Off, "Rev-8").await;
    wait_until("nothing newer", async || (machine.status()["seats_newer_than_server"] == 0).then_some(())).await;
}
