//! systemd units: each program under a user of its own, with no right that its work does not need.

use super::fleet::Fleet;
use super::output::Plan;
use super::programs::Program;

/// Where the centre's folders are copied to.
const ETC: &str = "/etc/penutup-fleet";

/// What every service is denied.
const HARD: &str = "\
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

/// What a user's own service can be denied without a right to make namespaces.
const HARD_FOR_A_USER: &str = "\
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

/// The units of the server, the centre and the seats.
pub fn write(fleet: &Fleet, plan: &mut Plan) {
    plan.text("systemd/penutup-nats.service", server(fleet));
    plan.text("systemd/penutup-nats.sysusers", "u penutup-nats - \"penutup fleet server\" - -\n".to_owned());
    plan.text("systemd/penutup-archive.service", archive(fleet));
    plan.text("systemd/penutup-agent.service", agent());
}

fn server(fleet: &Fleet) -> String {
    let folder = fleet.server.folder.as_deref().map_or_else(|| format!("{ETC}/server"), |f| f.display().to_string());
    let store = fleet.server.store.as_deref().map_or_else(|| format!("{folder}/store"), |f| f.display().to_string());
    // What every seat holds open, and the streams' own files.
    let files = 4 * fleet.seats() + 4096;
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
KillSignal=SIGUSR2
TimeoutStopSec=150
Restart=always
RestartSec=1
LimitNOFILE={files}
ReadWritePaths={store}
{HARD}
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
    // systemd hands root's secrets to a user that lives as long as the service.
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
{HARD}
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
ExecStart=/usr/bin/penutup-fleet agent
Restart=always
RestartSec=1
{HARD_FOR_A_USER}
[Install]
WantedBy=default.target
"
    )
}
