//! The agent as a process: a single instance, shutdown, and starting without a server.

use std::fs;

use crate::support::machine::{SeatMachine, run_to_end};
use crate::support::{FleetSpec, TestFleet, wait_for, wait_until};

#[tokio::test]
async fn one_agent_runs_per_state_folder_and_ends_on_a_signal() {
    let Some(fleet) = TestFleet::start(&FleetSpec::default()).await else { return };
    let mut seat = SeatMachine::started(&fleet, "jkt", "a1");
    wait_until("the link", async || seat.log().contains("connected to the centre").then_some(())).await;
    let (status, stderr) = run_to_end(seat.command());
    assert_eq!(status, Some(1));
    assert!(stderr.contains("Another agent is already running"), "{stderr}");
    for signal in ["TERM", "INT"] {
        seat.agent().signal(signal);
        let status = wait_for("its end", || seat.agent().0.try_wait().expect("a status"));
        assert_eq!(status.code(), Some(0), "{}", seat.log());
        seat.start();
        let ends = seat.log().matches("the agent stopped").count();
        assert!(ends > 0, "{}", seat.log());
        let again = ends + 1;
        wait_until("the restart", async || {
            (seat.log().matches("connected to the centre").count() >= again).then_some(())
        })
        .await;
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(seat.file("")).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o700);
    }
}

#[tokio::test]
async fn an_agent_without_server_and_trust_starts_and_reports_both() {
    let Some(mut fleet) = TestFleet::start(&FleetSpec::default()).await else { return };
    fleet.nats.kill();
    let config = fleet.config(crate::support::Identity::Seat("jkt", "a1"));
    fs::write(config.with_file_name("trust.toml"), "schema = 1\n").unwrap();
    let mut seat = SeatMachine::started(&fleet, "jkt", "a1");
    let prompter = seat.prompter();
    wait_until("the lost link", async || {
        prompter.received().iter().any(|e| matches!(e, penutup_ipc::agent_event::AgentEvent::Down(_))).then_some(())
    })
    .await;
    let is_logged = || seat.log().contains("disconnected from the centre since");
    wait_until("the lost link in the log", async || is_logged().then_some(())).await;
    let log = seat.log();
    assert!(log.contains("no broadcast will be trusted"), "{log}");
    assert!(log.contains("server: "), "why there is no connection: {log}");
    assert!(seat.agent().runs());

    fs::write(&config, "schema = 1\nservers = []\n").unwrap();
    let (status, stderr) = run_to_end(seat.command());
    assert_eq!(status, Some(2));
    assert!(stderr.contains("agent.toml"), "{stderr}");
}
