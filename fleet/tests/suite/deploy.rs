//! The files in `fleet/deploy/` work with `provision`, the server, systemd and `PostgreSQL`, and the commands of its page
//! (fleet/deploy/README.md) run.

use std::fs;
use std::path::Path;
use std::process::Command;

use penutup_cli_kit::words::Lang;
use penutup_fleet::provision::fleet::Fleet;
use penutup_fleet::provision::keys::Renewal;
use penutup_fleet::provision::provision;

use crate::support::fleet::provisioned;
use crate::support::nats::installed;
#[cfg(target_os = "linux")]
use crate::support::process::find;
#[cfg(target_os = "linux")]
use crate::support::screen::penutup;
use crate::support::{FleetSpec, report_skipped};

fn deploy(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(file)).expect(file)
}

/// A fleet's file of `deploy/` with fewer seats, for speed.
fn smaller(file: &str) -> String {
    let text = deploy(file);
    assert!(text.contains("count = 2500") || file == "two-seats.toml", "{text}");
    text.replace("count = 2500", "count = 20")
}

#[test]
fn the_server_accepts_what_is_provisioned_from_the_example_files() {
    let Some(binary) = installed() else { return report_skipped(&"nats-server is not installed here") };
    for (file, address, streams) in [
        ("one-site.toml", "tls://10.20.0.5:4222", 1),
        ("cluster.toml", "tls://nats-3.pln123.example:4222", 3),
        ("two-seats.toml", "tls://127.0.0.1:4222", 1),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(file);
        // The operator's certificate is in a folder of the test.
        let own = rcgen::generate_simple_self_signed(["nats.pln123.example".to_owned()]).unwrap();
        for (name, text) in [
            ("ca.pem", own.cert.pem()),
            ("server.pem", own.cert.pem()),
            ("server.key", own.signing_key.serialize_pem()),
        ] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        fs::write(&path, smaller(file).replace("/etc/ssl/penutup", folder.path().to_str().unwrap())).unwrap();
        let fleet = Fleet::read(&path, Lang::En).expect("a valid fleet");
        assert_eq!(fleet.server.replicas(), streams, "{file}");
        let out = folder.path().join("out");
        provision(&fleet, &out, &Renewal::default(), Lang::En).expect("provision");
        let mut check = Command::new(&binary);
        let checked = check
            .args(["-t", "-c", "nats.conf"])
            .current_dir(out.join("server"))
            .envs([("PENUTUP_STORE", "store"), ("PENUTUP_SERVER", "nats-1")])
            .output()
            .unwrap();
        assert!(checked.status.success(), "{file}: {}", String::from_utf8_lossy(&checked.stderr));
        let seat = fs::read_dir(out.join("seats/jkt")).unwrap().next().unwrap().unwrap().path();
        assert!(fs::read_to_string(seat.join("agent.toml")).unwrap().contains(address), "{file}");
        if file != "two-seats.toml" {
            assert_eq!(fs::read_to_string(seat.join("ca.pem")).unwrap(), own.cert.pem(), "{file}");
            assert!(!out.join("server/tls/server.key").exists(), "the operator's key stays where it is");
        }
    }
}

/// The lines of a page's shell blocks.
#[cfg(target_os = "linux")]
fn commands(page: &str) -> Vec<String> {
    let blocks = page.split("\n```sh\n").skip(1).map(|block| block.split("```").next().unwrap());
    let lines: Vec<String> = blocks.flat_map(str::lines).map(str::to_owned).collect();
    assert!(lines.len() > 15, "{lines:#?}");
    lines
}

/// A command that must fail and say why. (`set -e` ignores the status of a pipeline that begins with `!`.)
#[cfg(target_os = "linux")]
fn denied(command: &str, why: &str) -> String {
    format!(
        "if {command} 2>denied; then echo 'not refused: {command}' >&2; exit 1; fi; cat denied; grep -q '{why}' denied"
    )
}

/// Every command of the page in its order, on the Debian of this machine as it came, with the page's own units, users, roles and
/// names.
#[cfg(target_os = "linux")]
#[test]
fn the_commands_of_the_deploy_page_work_on_a_debian_as_it_comes() {
    let folder = tempfile::tempdir().unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy");
    fs::create_dir(folder.path().join("deploy")).unwrap();
    for entry in fs::read_dir(source).unwrap() {
        let from = entry.unwrap().path();
        fs::copy(&from, folder.path().join("deploy").join(from.file_name().unwrap())).unwrap();
    }
    let fleet = smaller("one-site.toml");
    // Without its last supervisor and one seat, for the commands that take them away.
    let (fewer, last) = fleet.rsplit_once("\n[[supervisor]]\n").expect("a supervisor");
    assert!(last.contains("\"spv-jkt\"") && fewer.contains("[\"c1\", \"c2\"]"), "{fleet}");
    fs::write(folder.path().join("fewer.toml"), fewer.replace("[\"c1\", \"c2\"]", "[\"c1\"]")).unwrap();
    fs::write(folder.path().join("one-site.toml"), fleet).unwrap();
    let deployed = commands(&deploy("README.md"));
    let mut lines = deployed.clone();
    // The last one reads tables that the archive, just started, makes.
    let status = lines.pop().expect("a command");
    lines.extend([
        "systemd-analyze verify --man=no /etc/systemd/system/penutup-*.service".to_owned(),
        "psql_as() { user=$1; shift; runuser -u \"$user\" -- psql -h /var/run/postgresql -d penutup -Atc \"$*\"; }"
            .to_owned(),
        TABLES.to_owned(),
        status,
        // The reader only reads, and nobody takes a role that is not named as the user.
        denied("psql_as penutup_reader 'delete from closing'", "permission denied"),
        denied(
            "runuser -u penutup_reader -- psql -U penutup_archive -d penutup -c 'select 1'",
            "authentication failed",
        ),
        denied("runuser -u nobody -- psql -U penutup_reader -d penutup -c 'select 1'", "authentication failed"),
        "stat -c '%U %a' /var/lib/penutup-nats /etc/penutup-fleet/archive/link.nk".to_owned(),
    ]);
    lines.extend(operators(&deployed, folder.path()));
    lines.extend([
        // With the lines for a pg_hba.conf that lets in nobody else.
        "pg_ctlcluster $version main stop; cp deploy/pg_hba.conf /etc/postgresql/$version/main/".to_owned(),
        "pg_ctlcluster $version main start".to_owned(),
        "psql_as penutup_reader 'select 7 * 6'".to_owned(),
        denied("runuser -u postgres -- psql -c 'select 1'", "no pg_hba.conf entry"),
    ]);
    let names = [("10.20.0.5", "nats.pln123.example")];
    let Some(out) = crate::support::debian::run_as_root(folder.path(), &lines.join("\n"), &names) else { return };
    for expected in
        ["CLOSINGS_JKT: created", "CREATE DATABASE", "jkt", "penutup-nats 700\npenutup_archive 600", "\n42\n"]
    {
        assert!(out.contains(expected), "{expected}: {out}");
    }
}

/// Waits for the tables that a started archive makes.
#[cfg(target_os = "linux")]
const TABLES: &str = "timeout 60 sh -c \"until runuser -u penutup_reader -- psql -d penutup -Atc 'select count(*) from closing' \
     2>/dev/null; do kill -0 $(cat /run/units/penutup-archive) || exit 1; sleep 0.1; done\"";

/// The operator's page goes on from there, with one seat; it is restored onto a machine that has the packages and nothing else.
#[cfg(target_os = "linux")]
fn operators(deployed: &[String], folder: &Path) -> Vec<String> {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/armada.md")).unwrap();
    let (page, _) = page.split_once("\n# Untuk supervisor\n").expect("the supervisors' part");
    let mut lines = vec![
        "PENUTUP_HOME=$PWD/c1 penutup-fleet agent --config fleet/seats/sby/c1/agent.toml 2>c1.log & \
         timeout 60 sh -c 'until grep -q connected c1.log; do sleep 0.1; done'"
            .to_owned(),
    ];
    lines.extend(ansible(page, folder));
    let log = "/run/units/penutup-nats.log";
    let ready = format!("timeout 60 sh -c \"until grep -q 'Server is ready' {log}; do sleep 0.1; done\"");
    let show = "penutup-fleet klb show --config fleet/supervisors/pusat/supervisor.toml";
    let (mut is_revoked, mut is_restored) = (false, false);
    for line in commands(page).into_iter().filter(|line| !line.starts_with("ansible-playbook ")) {
        // Before the backup.
        if line == "systemctl stop penutup-nats" && !is_restored {
            lines.push(format!("{show} > before; cat before"));
        }
        // The first of the revoking commands: somebody has left.
        let revokes = !is_revoked && line.contains(" --renew ");
        assert!(is_revoked || !line.contains(" --keep-old"), "whoever revokes publishes the trust list");
        if revokes {
            lines.push("cp -r fleet/supervisors/spv-jkt left; cp fewer.toml one-site.toml".to_owned());
            lines.push(show.replace("fleet/supervisors/pusat", "left"));
        }
        if line.starts_with("systemctl reload") {
            lines.push(format!("reloads=$(grep -c 'Reloaded server configuration' {log} || true)"));
        }
        let empty_machine = line.contains("-xzf provision.tar.gz");
        is_restored |= empty_machine;
        if empty_machine {
            lines.extend(EMPTY_MACHINE.map(str::to_owned));
        }
        if line == "systemctl stop penutup-archive" {
            lines.push(TABLES.to_owned());
        }
        // The metrics are written as well while something can't be asked.
        if line.contains("--format prometheus") {
            let (folder, file) = ("/var/lib/prometheus/node-exporter", "penutup.prom");
            let read = format!("test ! -e {folder}/{file}.new; grep '^penutup_seats' {folder}/{file}");
            lines.push(format!("mkdir -p {folder}; {line}"));
            lines.push(read.clone());
            lines.push(format!("pg_ctlcluster $version main stop; rm {folder}/{file}; set +e"));
            lines.push(line);
            lines.push(format!("set -e; pg_ctlcluster $version main start; {read}"));
            continue;
        }
        let here = line.replace("a0007", "a0003").replace("--wait 60", "--wait 30");
        lines.push(if revokes { format!("{here} | tee revoked") } else { here });
        if empty_machine {
            let left_out =
                |line: &&String| ["openssl ", " --streams", " status "].iter().any(|word| line.contains(word));
            let step_1: Vec<String> = deployed.iter().filter(|line| !left_out(line)).cloned().collect();
            assert_eq!(step_1.len(), deployed.len() - 3, "{step_1:#?}");
            lines.extend(step_1);
        }
        if line.starts_with("systemctl start penutup-nats") {
            lines.push(ready.clone());
        }
        if line.starts_with("systemctl reload") {
            let count = format!("grep -c \"Reloaded server configuration\" {log}");
            lines.push(format!("timeout 60 sh -c 'until [ \"$({count})\" -gt $0 ]; do sleep 0.1; done' $reloads"));
            lines.push(format!("if grep 'Failed to reload' {log}; then exit 1; fi"));
        }
        if line.ends_with(" --streams") && !is_revoked {
            is_revoked = true;
            lines.push("for told in 'revoked: .*spv-jkt' 'revoked: .*c2' 'new trust list: .* --streams'; do grep -q \"$told\" revoked; done".to_owned());
            lines.push(denied(&show.replace("fleet/supervisors/pusat", "left"), "authorization violation"));
            lines.push("timeout 60 sh -c \"until grep -q 'new trust list' c1.log; do sleep 0.1; done\"".to_owned());
        }
    }
    assert!(is_revoked && is_restored);
    lines.push(format!(
        "{show} > after; cat after; grep -q 'latihan\\|Pusat' before; cmp before after; test -s penutup.dump"
    ));
    lines
}

/// What a machine has that was never deployed: the packages, and a database server without a database.
#[cfg(target_os = "linux")]
const EMPTY_MACHINE: [&str; 7] = [
    "systemctl stop penutup-archive; systemctl stop penutup-nats",
    "pg_dropcluster --stop $version main",
    "for user in penutup-nats penutup_archive penutup_reader; do userdel $user; done",
    "rm -r /etc/penutup-fleet /etc/ssl/penutup /var/lib/penutup-nats /etc/sysusers.d/penutup-fleet.conf",
    "rm -r /etc/systemd/system/penutup-*.service fleet one-site.toml ca.pem server.key",
    "pg_createcluster $version main",
    "pg_ctlcluster $version main start",
];

/// The operator's page's way to copy the seats' folders: its inventory's computers are users of this machine. Then the agent of one
/// connects as that user, and a second run changes nothing.
#[cfg(target_os = "linux")]
fn ansible(page: &str, folder: &Path) -> Vec<String> {
    let lines: Vec<&str> = page.lines().filter(|line| line.starts_with("ansible-playbook ")).collect();
    let [line, one_seat] = lines[..] else { panic!("two commands: {lines:#?}") };
    if find("ansible-playbook", &[]).is_none() {
        report_skipped(&format!("ansible-playbook is not installed here: {line}"));
        return Vec::new();
    }
    let inventory = page.split("\n```ini\n").nth(1).and_then(|rest| rest.split("```").next()).expect("its inventory");
    let here = "ansible_connection=local\nansible_python_interpreter={{ ansible_playbook_python }}\n";
    fs::write(folder.join("seats.ini"), format!("{inventory}{here}")).unwrap();
    let [line, one_seat] = [line, one_seat].map(|line| format!("HOME=$PWD {line}"));
    let connected = "until grep -q connected siti.log; do sleep 0.1; done";
    [
        format!("cp {} /usr/bin/penutup", penutup().display()),
        "for user in siti budi; do useradd --create-home --home-dir /var/$user $user; done".to_owned(),
        line.clone(),
        "stat -c '%U %a' /var/siti/.config/penutup/fleet/link.nk | grep -x 'siti 600'".to_owned(),
        "stat -c '%U %a' /usr/local/bin/penutup-fleet | grep -x 'root 755'".to_owned(),
        "cmp fleet/seats/jkt/a0002/link.nk /var/budi/.config/penutup/fleet/link.nk".to_owned(),
        "stat -c '%U %a' /var/budi/.config/penutup/fleet | grep -x 'budi 700'".to_owned(),
        format!("{line} | tee again; [ \"$(grep -c 'changed=0 .*failed=0' again)\" = 2 ]"),
        format!("{one_seat} | tee one; [ \"$(grep -c 'changed=0 .*failed=0' one)\" = 1 ]"),
        "/usr/local/bin/penutup say --at 12:00".to_owned(),
        "runuser -u siti -- env HOME=/var/siti /usr/local/bin/penutup-fleet agent 2>siti.log & agent=$!".to_owned(),
        format!("timeout 60 sh -c '{connected}'; kill $agent"),
    ]
    .into()
}

#[test]
fn a_self_signed_certificate_is_kept_while_the_names_are_the_same() {
    let folder = tempfile::tempdir().unwrap();
    provisioned(&FleetSpec::default(), 4222, folder.path());
    let read = |path: &str| fs::read(folder.path().join("out").join(path)).unwrap();
    let before = (read("server/tls/server.pem"), read("server/tls/server.key"));
    provisioned(&FleetSpec::default(), 4223, folder.path());
    assert_eq!((read("server/tls/server.pem"), read("server/tls/server.key")), before);
    assert_eq!(read("seats/jkt/a1/ca.pem"), before.0);
    provisioned(&FleetSpec { cluster_port: Some(6222), ..FleetSpec::default() }, 4223, folder.path());
    let after = (read("server/tls/server.pem"), read("server/tls/server.key"));
    assert!(after.0 != before.0 && after.1 != before.1);
    assert_eq!(read("seats/jkt/a1/ca.pem"), after.0);
}
