//! The files in `fleet/deploy/` work with `provision` and the server, and a hub of three loses nothing when one fails.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::str;

use chrono::{Days, Utc};
use penutup_cli_kit::words::Lang;
use penutup_fleet::config::center::Center;
use penutup_fleet::link::Link;
use penutup_fleet::provision::fleet::Fleet;
use penutup_fleet::provision::{provision, streams};
use penutup_fleet::wire::subject;
use tempfile::TempDir;

use crate::support::fleet::provisioned;
use crate::support::nats::{Nats, free_port, installed};
use crate::support::{FleetSpec, report_skipped, wait_until};

fn deploy(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(file)).expect(file)
}

/// Provisions a file of `deploy/` into a temporary folder, which also replaces the server's folders.
fn provisioned_from(file: &str) -> (TempDir, Fleet) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(file);
    let here = folder.path().to_str().unwrap();
    // Fewer seats, for speed.
    let fewer = |text: String, count: &str| text.replace(&format!("count = {count}"), "count = 20");
    let text = ["2500", "5000", "4000"].iter().fold(deploy(file).replace("/var/lib", here), |text, n| fewer(text, n));
    let text: Vec<_> = text.lines().filter(|line| !line.starts_with("folder = \"/etc/penutup-fleet/")).collect();
    let text = text.join("\n");
    fs::write(&path, text).unwrap();
    let fleet = Fleet::read(&path, Lang::En).expect("a valid fleet");
    provision(&fleet, &folder.path().join("out"), &[], Utc::now(), Lang::En).expect("provision");
    (folder, fleet)
}

/// `cluster.conf` for one of three servers on this machine.
fn cluster(out: &Path, n: usize, ports: &[[u16; 2]; 3]) -> String {
    let mut text = deploy("cluster.conf").replace("/etc/penutup-fleet/server", out.join("server").to_str().unwrap());
    for (n, [_, route]) in ports.iter().enumerate() {
        text = text.replace(&format!("hub-{}.pln123.example:6222", n + 1), &format!("127.0.0.1:{route}"));
    }
    let [port, route] = ports[n];
    let own = format!("pln-123-{}", n + 1);
    text = text.replace("\"pln-123-1\"", &format!("{own:?}")).replace("6222", &route.to_string());
    // Settings for running all three on one machine.
    let (store, text) = (out.join(&own), text.replace("0.0.0.0", "127.0.0.1"));
    format!("{text}\nport: {port}\njetstream {{ store_dir: \"{}\", domain: hub }}\n", store.display())
}

#[test]
fn the_server_accepts_what_is_provisioned_from_the_example_files() {
    let Some(binary) = installed() else {
        report_skipped(&"nats-server is not installed here");
        return;
    };
    let check_config = |config: &Path| {
        let checked = Command::new(&binary).arg("-t").arg("-c").arg(config).output().unwrap();
        assert!(checked.status.success(), "{}: {}", config.display(), String::from_utf8_lossy(&checked.stderr));
    };
    let (folder, _) = provisioned_from("one-site.toml");
    check_config(&folder.path().join("out/server/nats.conf"));
    let (folder, fleet) = provisioned_from("hub-and-leaves.toml");
    let out = folder.path().join("out");
    for node in fleet.nodes() {
        check_config(&out.join(node.folder()).join("nats.conf"));
    }
    let config = out.join("server/cluster.conf");
    fs::write(&config, cluster(&out, 0, &[[4222, 6222], [4223, 6223], [4224, 6224]])).unwrap();
    check_config(&config);
    let agent = fs::read_to_string(out.join("seats/jkt/a0001/agent.toml")).unwrap();
    assert!(agent.contains("tls://nats.jkt.pln123.example:4222") && !agent.contains("hub-1"), "{agent}");
    let agent = fs::read_to_string(out.join("seats/kupang/k0001/agent.toml")).unwrap();
    assert!(agent.contains("tls://hub-3.pln123.example:4222"), "{agent}");
}

#[tokio::test]
async fn a_hub_of_three_keeps_working_with_two_and_the_third_catches_up() {
    let Some(binary) = installed() else {
        report_skipped(&"nats-server is not installed here");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let ports = [(); 3].map(|()| [free_port(), free_port()]);
    let out = folder.path().join("out");
    provisioned(&FleetSpec::default(), ports[0][0], folder.path());
    let file = folder.path().join("fleet.toml");
    let text = fs::read_to_string(&file).unwrap().replace("[server]", "[server]\nreplicas = 3");
    fs::write(&file, text).unwrap();
    let fleet = Fleet::read(&file, Lang::En).unwrap();
    provision(&fleet, &out, &[], Utc::now(), Lang::En).unwrap();
    let mut hub = Vec::new();
    for n in 0..3 {
        let config = out.join(format!("server/cluster-{n}.conf"));
        fs::write(&config, cluster(&out, n, &ports)).unwrap();
        hub.push(Nats::start(&binary, &config, ports[n][0]).expect("its port"));
    }
    let servers = || ports.iter().map(|[port, ..]| format!("tls://127.0.0.1:{port}").parse().unwrap()).collect();
    let link = |who: &str| {
        let link = Center::read(&out.join(format!("center/{who}/center.toml")), Lang::En).unwrap().link;
        Link { servers: servers(), ..link }
    };
    // Streams can't be created before the three have elected a leader.
    let nodes = fleet.nodes();
    wait_until("the election", async || {
        let admin = link("admin").connect(Lang::En).await.ok()?;
        streams::ensure(admin, &fleet, &nodes[0], Lang::En).await.ok()
    })
    .await;
    let seat = penutup_fleet::config::agent::Agent::read(&out.join("seats/jkt/a1/agent.toml"), Lang::En).unwrap().link;
    let seat = Link { servers: servers(), ..seat }.connect(Lang::En).await.unwrap();
    let closing = async |client: &async_nats::Client| {
        let ack = client.request("closing.jkt.a1", "{}".into()).await.ok()?;
        str::from_utf8(&ack.payload).unwrap().contains("\"CLOSINGS_JKT\"").then_some(())
    };
    wait_until("an acknowledgement by three", async || closing(&seat).await).await;
    hub[1].kill();
    wait_until("an acknowledgement by two", async || closing(&seat).await).await;
    hub[1].restart();
    hub[2].kill();
    wait_until("an acknowledgement by the other two", async || closing(&seat).await).await;
    let status = link("status").connect(Lang::En).await.unwrap();
    let got = status.request(format!("$JS.API.STREAM.INFO.{}", subject::closings(&fleet.sites[0].id)), "".into()).await;
    let got = got.unwrap();
    let info: serde_json::Value = serde_json::from_slice(&got.payload).unwrap();
    assert!(info["state"]["messages"].as_u64() >= Some(3), "nothing that was acknowledged is gone: {info}");
}

#[test]
fn certificates_are_renewed_before_they_expire_by_the_same_authority() {
    let folder = tempfile::tempdir().unwrap();
    let fleet = provisioned(&FleetSpec::default(), 4222, folder.path());
    let out = folder.path().join("out");
    let run = |years: u64| provision(&fleet, &out, &[], Utc::now() + Days::new(365 * years), Lang::En);
    let read = |path: &str| fs::read(out.join(path)).unwrap();
    let (ca, pem, key) = (read("ca/ca.pem"), read("server/tls/server.pem"), read("server/tls/server.key"));
    assert!(run(3).unwrap().certificates.is_empty());
    assert_eq!(read("server/tls/server.pem"), pem);
    assert_eq!(run(4).unwrap().certificates.len(), 1);
    assert_ne!(read("server/tls/server.pem"), pem);
    assert_eq!((read("ca/ca.pem"), read("server/tls/server.key")), (ca, key));
    // The authority's key is needed only for signing.
    fs::remove_file(out.join("ca/ca.key")).unwrap();
    assert!(run(4).is_ok());
    assert!(run(8).unwrap_err().message.contains("ca.key"));
    // A lost authority is never replaced: every seat trusts it.
    fs::remove_file(out.join("ca/ca.pem")).unwrap();
    assert!(run(4).unwrap_err().message.contains("ca.pem"));
}
