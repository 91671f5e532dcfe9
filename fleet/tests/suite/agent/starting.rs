//! A prompter starts the agent where the seat has an `agent.toml`: real prompters in terminals, and a real server.

use std::fs;
use std::process::Command;

use penutup_rules::declaration::State;

use crate::support::machine::{SeatMachine, TestSupervisor};
use crate::support::{FleetSpec, TestFleet, wait_until};

/// The agents of this machine's user.
fn agents(seat: &SeatMachine) -> Vec<String> {
    let config = seat.own_folder().join("agent.toml");
    let found = Command::new("pgrep").args(["-f", "--"]).arg(format!("penutup-fleet .*{}", config.display())).output();
    let found = String::from_utf8(found.expect("pgrep runs").stdout).expect("UTF-8");
    found.lines().map(str::to_owned).collect()
}

async fn one_agent(seat: &SeatMachine, other_than: &str) -> String {
    wait_until("an agent", async || match &agents(seat)[..] {
        [one] if one != other_than => Some(one.clone()),
        _ => None,
    })
    .await
}

fn kill(signal: &str, pid: &str) {
    assert!(Command::new("kill").args([signal, pid]).status().expect("kill runs").success());
}

#[tokio::test]
async fn prompters_share_one_agent_that_is_restarted_and_ends_after_them() {
    let Some(fleet) = TestFleet::start(&FleetSpec::default()).await else { return };
    let seat = SeatMachine::new(&fleet, "jkt", "a1");
    seat.copy_its_folder();
    let mut screens = [seat.screen(), seat.screen()];
    let first = one_agent(&seat, "").await;
    let supervisor = TestSupervisor::of(&fleet, "pusat").await;
    let center = "klb.center".parse().expect("a key");
    supervisor.declare(&center, 1, State::On, "gangguan transmisi").await;
    for screen in &screens {
        screen.waits_for("gangguan transmisi").await;
    }
    assert_eq!(agents(&seat), [first.as_str()], "two prompters, one agent");

    // Killed: the screens say so, and another one is started, which brings what is current.
    kill("-KILL", &first);
    let second = one_agent(&seat, &first).await;
    supervisor.declare(&center, 2, State::Off, "selesai").await;
    for screen in &screens {
        screen.waits_without("KLB AKTIF").await;
    }
    assert!(screens.iter().any(|screen| screen.has_shown("penutup-fleet berhenti")), "{}", screens[0].text());
    for screen in &screens {
        screen.waits_without("penutup-fleet berhenti").await;
    }

    // The prompter that saw to it is gone: the agent goes on, and the other one takes over.
    screens[0].kill();
    assert_eq!(agents(&seat), [second.as_str()]);
    kill("-KILL", &second);
    let third = one_agent(&seat, &second).await;
    screens[1].type_keys("q");
    screens[1].wait_for_exit().await;
    assert_eq!(agents(&seat), [third.as_str()], "it ends a while after the last prompter");
    wait_until("its end", async || agents(&seat).is_empty().then_some(())).await;
    let log = fs::read_to_string(seat.state().join("agent.log")).expect("its log");
    assert!(log.contains("tersambung ke pusat") && log.contains("tidak ada layar penutup yang terbuka"), "{log}");
}

#[tokio::test]
async fn without_an_agent_toml_or_with_the_setting_nothing_is_started() {
    let Some(fleet) = TestFleet::start(&FleetSpec::default()).await else { return };
    let (without, forbidden) = (SeatMachine::new(&fleet, "jkt", "a1"), SeatMachine::new(&fleet, "jkt", "a2"));
    forbidden.copy_its_folder();
    forbidden.settings("[fleet]\nagent = false\n");
    let (one, other) = (without.screen(), forbidden.screen());
    one.waits_for("Salam Penutup").await;
    other.waits_for("Salam Penutup").await;
    // A third seat, started later, has its agent by the time that these two would have theirs.
    let with = SeatMachine::new(&fleet, "jkt", "a3");
    with.copy_its_folder();
    let _screen = with.screen();
    kill("-TERM", &one_agent(&with, "").await);
    assert!(agents(&without).is_empty() && agents(&forbidden).is_empty());
    assert!(!without.state().join("agent.log").exists() && !forbidden.state().join("agent.log").exists());
}

#[tokio::test]
async fn a_configuration_with_a_mistake_and_a_missing_program_are_told_on_the_screen() {
    let Some(fleet) = TestFleet::start(&FleetSpec::default()).await else { return };
    let seat = SeatMachine::new(&fleet, "jkt", "a1");
    seat.copy_its_folder();
    let config = seat.own_folder().join("agent.toml");
    let good = fs::read_to_string(&config).unwrap();
    fs::write(&config, format!("{good}\nunknown = 1\n")).unwrap();
    let screen = seat.screen();
    screen.waits_for("penutup-fleet berhenti").await;
    screen.waits_for("agent.log").await;
    let log = fs::read_to_string(seat.state().join("agent.log")).unwrap();
    assert!(log.contains("unknown"), "{log}");
    // Mended while the prompter is open.
    fs::write(&config, good).unwrap();
    let agent = one_agent(&seat, "").await;
    screen.waits_without("penutup-fleet berhenti").await;
    drop(screen);
    kill("-TERM", &agent);

    let alone = seat.screen_without_the_fleets_program();
    alone.waits_for("penutup-fleet tidak ada").await;
}
