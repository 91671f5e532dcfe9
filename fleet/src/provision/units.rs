//! systemd units. Each program runs as its own user, without rights that it does not need.

use std::path::Path;

use super::fleet::{Fleet, MAX_SEATS, Node};
use super::output::Plan;
use super::programs::Program;

/// The folders of the centre's programs are copied here.
const ETC: &str = "/etc/penutup-fleet";

const HARDENING: &str = "\
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
RemoveIPC=yes
UMask=0077
";

/// The options that work in a user service, which can't create namespaces.
const USER_HARDENING: &str = "\
NoNewPrivileges=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
UMask=0077
";

pub fn write(fleet: &Fleet, plan: &mut Plan) {
    for node in fleet.nodes() {
        let leaf = node.leaf.map_or_else(String::new, |site| format!("-{}", site.id));
        plan.add(format!("systemd/penutup-nats{leaf}.service"), server(fleet, &node));
        let store = format!("d {} 0700 penutup-nats penutup-nats -\n", paths(&node).1);
        plan.add(format!("systemd/penutup-nats{leaf}.tmpfiles"), store);
    }
    plan.add("systemd/penutup-nats.sysusers", "u penutup-nats - \"penutup fleet server\" - -\n".to_owned());
    plan.add("systemd/penutup-archive.service", archive(fleet));
    plan.add("systemd/penutup-agent.service", agent());
}

/// The folders of a server's configuration and of its streams, on its machine.
fn paths(node: &Node<'_>) -> (String, String) {
    let shown = |path: &Path| path.display().to_string();
    let folder = node.server.folder.as_deref().map_or_else(|| format!("{ETC}/server"), shown);
    let store = node.server.store.as_deref().map_or_else(|| format!("{folder}/store"), shown);
    (folder, store)
}

fn server(fleet: &Fleet, node: &Node<'_>) -> String {
    let (folder, store) = paths(node);
    // Every seat's connection, twice, and the streams' files.
    let files = 4 * MAX_SEATS;
    // In a cluster a server drains its connections to the others first; a single one must restart quickly.
    let stop = if node.server.replicas > 1 { "KillSignal=SIGUSR2\nTimeoutStopSec=150\n" } else { "" };
    format!(
        "\
# Written by penutup-fleet provision.
[Unit]
Description=penutup fleet: NATS server of {name}
After=network-online.target
Wants=network-online.target

[Service]
User=penutup-nats
ExecStart=/usr/sbin/nats-server -c {folder}/nats.conf
ExecReload=/bin/kill -HUP $MAINPID
{stop}Restart=always
RestartSec=1
LimitNOFILE={files}
ReadWritePaths={store}
{HARDENING}
[Install]
WantedBy=multi-user.target
",
        name = fleet.name,
    )
}

fn archive(fleet: &Fleet) -> String {
    let name = Program::Archive.name();
    let mut files = vec!["center.toml", "link.nk"];
    files.extend(fleet.server.tls.then_some("ca.pem"));
    // The service's dynamic user gets root's secrets as credentials.
    let credentials: Vec<_> = files.iter().map(|file| format!("LoadCredential={file}:{ETC}/{name}/{file}\n")).collect();
    format!(
        "\
# Written by penutup-fleet provision.
[Unit]
Description=penutup fleet: closings of {fleet} into PostgreSQL
After=network-online.target
Wants=network-online.target

[Service]
DynamicUser=yes
{credentials}# PGPASSWORD=… in here, or password_file in center.toml.
EnvironmentFile=-{ETC}/{name}/environment
ExecStart=/usr/bin/penutup-fleet --config ${{CREDENTIALS_DIRECTORY}}/center.toml archive
Restart=always
RestartSec=1
{HARDENING}
[Install]
WantedBy=multi-user.target
",
        fleet = fleet.name,
        credentials = credentials.concat(),
    )
}

fn agent() -> String {
    format!(
        "\
# Written by penutup-fleet provision. A user's own: ~/.config/systemd/user/, then `systemctl --user enable --now`.
[Unit]
Description=penutup fleet: this seat's link to the centre

[Service]
# One heap for all its threads takes less memory.
Environment=MALLOC_ARENA_MAX=1
ExecStart=/usr/bin/penutup-fleet agent
Restart=always
RestartSec=1
{USER_HARDENING}
[Install]
WantedBy=default.target
"
    )
}
