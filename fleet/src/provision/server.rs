//! nats-server's configuration: accounts, permissions, limits.
//!
//! Each site has an account, the supervisors have one, and the centre's has the streams. Requests cross between accounts
//! as *services*, for which the server creates the reply subject itself. Within one account it replies on any subject that
//! the client names: a seat that published a closing with reply `$KV.BROADCAST.klb.center` could overwrite the centre's
//! KLB.

use std::fmt::Write as _;
use std::path::Path;

use super::certificates::{CA, OWN};
use super::fleet::{Fleet, MAX_SEATS, Site};
use super::keys::Keys;
use super::programs::{Program, SYSTEM_SEED, concerned, program_seed, seat_seed, supervisor_seed};
use crate::link::HANDSHAKE_SECONDS;
use crate::wire::closing::MAX_CLOSING;
use crate::wire::envelope::MAX_ENVELOPE;
use crate::wire::key::Key;
use crate::wire::name::Name;
use crate::wire::subject;

/// The programs' own limits are below it.
const MAX_PAYLOAD: usize = 1 << 20;
const _: () = assert!(MAX_ENVELOPE < MAX_PAYLOAD && MAX_CLOSING < MAX_PAYLOAD);
/// The most unread data of a slow connection before the server closes it, in MiB: sixteen rules files.
const MAX_PENDING: u32 = 16;
/// Every seat twice (it can reconnect before the server notices the loss), and a margin. A constant: a running server
/// refuses to reload a file with another limit.
const MAX_CONNECTIONS: u32 = 3 * MAX_SEATS;
/// The environment variable with the streams' folder. Without it the server does not start: its own default is below /tmp.
pub const STORE: &str = "PENUTUP_STORE";
/// The environment variable with the name of a cluster's server. With a name on the command line, every reload fails.
pub const SERVER: &str = "PENUTUP_SERVER";
/// The account of the server's own events and requests (`$SYS`), whose user may ask the server only: its streams' API would let it purge
/// other accounts.
const SYSTEM: &str = "SYSTEM";
/// For all streams; the effective limits are those of each stream.
const MAX_MEMORY: &str = "4GB";
const MAX_DISK: &str = "16TB";

/// `nats.conf`, the same on every server: what differs is in its environment. Paths are relative to the folder in which
/// the server starts.
pub fn main_file(fleet: &Fleet) -> String {
    let server = &fleet.server;
    let mut out =
        String::from("# Written by penutup-fleet provision, which writes it again: change the fleet's file.\n");
    let mut line = |text: String| {
        out.push_str(&text);
        out.push('\n');
    };
    let is_cluster = server.cluster_port.is_some();
    let name = if is_cluster { format!("${SERVER}") } else { format!("\"{}\"", fleet.name) };
    line(format!("server_name: {name}\nsystem_account: {SYSTEM}"));
    line(format!("host: \"{}\"\nport: {}", server.listen(), server.port));
    if let Some(port) = server.monitor {
        line(format!("http: \"127.0.0.1:{port}\""));
    }
    line(format!("max_payload: {MAX_PAYLOAD}\nmax_pending: {MAX_PENDING}MB"));
    line(format!("max_connections: {MAX_CONNECTIONS}"));
    // A server that is cut off holds a share of the others' reads until they notice.
    line("max_subscriptions: 256\nping_interval: \"5s\"\nping_max: 1".to_owned());
    // After a restart thousands connect within seconds, each with a handshake and a signature to verify.
    line(format!("authorization {{ timeout: {HANDSHAKE_SECONDS} }}"));
    let tls = |more: &str| {
        let slashes = |path: &Path| path.to_string_lossy().replace('\\', "/");
        let own = server.certificate.as_ref().map(|own| (slashes(&own.file), slashes(&own.key)));
        let (pem, key) = own.unwrap_or((OWN.0.to_owned(), OWN.1.to_owned()));
        format!("tls {{\n  cert_file: \"{pem}\"\n  key_file: \"{key}\"\n  timeout: {HANDSHAKE_SECONDS}{more}\n}}")
    };
    if server.tls {
        line(tls(""));
    }
    if let Some(port) = server.cluster_port {
        let routes: Vec<_> = server.urls("nats-route", port).iter().map(|url| format!("    \"{url}\"\n")).collect();
        let (name, host, routes) = (&fleet.name, server.listen(), routes.concat());
        line(format!("cluster {{\n  name: \"{name}\"\n  host: \"{host}\"\n  port: {port}\n  routes: [\n{routes}  ]"));
        // Every seat knows all servers.
        line("  no_advertise: true".to_owned());
        if server.tls {
            line(tls(&format!("\n  ca_file: \"{CA}\"\n  verify: true")));
        }
        line("}".to_owned());
    }
    let sync = if server.sync_always { "\n  sync_interval: always" } else { "" };
    line(format!("jetstream {{\n  store_dir: ${STORE}\n  max_mem: {MAX_MEMORY}\n  max_file: {MAX_DISK}{sync}\n}}"));
    line("include \"accounts.conf\"".to_owned());
    out
}

/// The API subjects for the newest broadcast of a key and for older ones.
fn direct_gets() -> [String; 2] {
    [format!("{}.>", subject::DIRECT_GET), subject::DIRECT_GET.to_owned()]
}

/// A user and the permissions, the same with each key.
struct User {
    keys: Vec<String>,
    publish: Vec<String>,
    subscribe: Vec<String>,
}

fn list(subjects: &[String]) -> String {
    let quoted: Vec<String> = subjects.iter().map(|subject| format!("\"{subject}\"")).collect();
    quoted.join(", ")
}

fn users(out: &mut String, users: &[User]) {
    out.push_str("    users: [\n");
    for User { keys, publish, subscribe } in users {
        let (publish, subscribe) = (list(publish), list(subscribe));
        for key in keys {
            let _ = writeln!(
                out,
                "      {{ nkey: {key}, permissions: {{ publish: {{ allow: [{publish}] }}, subscribe: {{ allow: [{subscribe}] }} }} }}",
            );
        }
    }
    out.push_str("    ]\n");
}

/// The account of a site's seats.
pub fn account(site: &Name) -> String {
    format!("SEATS_{}", site.as_str().to_ascii_uppercase())
}

/// `accounts.conf`.
pub fn accounts_file(fleet: &Fleet, keys: &Keys<'_>) -> String {
    let key = |path: &str| -> Vec<String> {
        let outgoing = keys.outgoing.get(path).into_iter().flatten();
        keys.public.get(path).into_iter().chain(outgoing).cloned().collect()
    };
    let mut out = String::from("# Written by penutup-fleet provision.\naccounts {\n");
    system(&mut out, &key);
    center(&mut out, fleet, &key);
    supervisors(&mut out, fleet, &key);
    for site in &fleet.sites {
        seats(&mut out, fleet, site, &key);
    }
    out.push_str("}\n");
    out
}

fn system(out: &mut String, keys: &impl Fn(&str) -> Vec<String>) {
    let _ = writeln!(out, "  {SYSTEM} {{");
    let subscribe = ["$SYS.>", "_INBOX.>"].map(str::to_owned).to_vec();
    users(out, &[User { keys: keys(SYSTEM_SEED), publish: vec!["$SYS.REQ.>".to_owned()], subscribe }]);
    out.push_str("  }\n");
}

fn center(out: &mut String, fleet: &Fleet, keys: &impl Fn(&str) -> Vec<String>) {
    out.push_str("  CENTER {\n    jetstream: enabled\n");
    let programs = Program::ALL.map(|program| User {
        keys: keys(&program_seed(program)),
        publish: program_subjects(program, fleet),
        subscribe: vec![format!("_INBOX_{}.>", program.name())],
    });
    users(out, &programs);
    out.push_str("    exports: [\n");
    let mut all: Vec<String> = fleet.sites.iter().map(|site| account(&site.id)).collect();
    let sites = all.join(", ");
    if !all.is_empty() {
        let _ = writeln!(out, "      {{ stream: \"{}\", accounts: [{sites}] }}", subject::republished(&fleet.name));
    }
    for site in &fleet.sites {
        let (id, account) = (&site.id, account(&site.id));
        let _ = writeln!(out, "      {{ stream: \"ask.{id}.*\", accounts: [{account}] }}");
        let _ = writeln!(out, "      {{ service: \"closing.{id}.*\", accounts: [{account}] }}");
        let _ = writeln!(out, "      {{ service: \"seat.{id}.*\", accounts: [{account}] }}");
    }
    all.push("SUPERVISORS".to_owned());
    for service in supervisors_services(fleet) {
        let _ = writeln!(out, "      {{ service: \"{service}\", accounts: [SUPERVISORS] }}");
    }
    for service in direct_gets() {
        let _ = writeln!(out, "      {{ service: \"{service}\", accounts: [{}] }}", all.join(", "));
    }
    out.push_str("    ]\n  }\n");
}

/// The subjects on which a program of the centre publishes: no more than it needs.
fn program_subjects(program: Program, fleet: &Fleet) -> Vec<String> {
    let api = |verb: &str, stream: &str, rest: &str| format!("$JS.API.{verb}.{stream}{rest}");
    let mut out = vec!["$JS.API.INFO".to_owned()];
    let consumer = |out: &mut Vec<String>, stream: &str| {
        out.push(api("STREAM.INFO", stream, ""));
        for (verb, rest) in
            [("CREATE", ""), ("CREATE", ".>"), ("DURABLE.CREATE", ".>"), ("INFO", ".>"), ("MSG.NEXT", ".>")]
        {
            out.push(api(&format!("CONSUMER.{verb}"), stream, rest));
        }
        out.push(format!("$JS.ACK.{stream}.>"));
    };
    match program {
        Program::Admin => {
            out.push("$JS.API.>".to_owned());
            // The trust list, which the fleet's authority signs.
            out.push(subject::put(&Key::Trust));
        }
        Program::Archive => {
            for site in &fleet.sites {
                consumer(&mut out, &subject::closings(&site.id));
                // For the closings that are missing at a seat's end.
                consumer(&mut out, &subject::states(&site.id));
            }
            out.push("ask.>".to_owned());
            // For the audit table.
            out.extend(direct_gets());
            out.push(subject::beat());
        }
        Program::Status => {
            for site in &fleet.sites {
                let states = subject::states(&site.id);
                consumer(&mut out, &states);
                out.push(api("CONSUMER.DELETE", &states, ".>"));
                out.push(api("DIRECT.GET", &states, ""));
                out.push(api("DIRECT.GET", &states, ".>"));
                let closings = subject::closings(&site.id);
                out.push(api("STREAM.INFO", &closings, ""));
                out.push(api("CONSUMER.INFO", &closings, ".>"));
            }
            out.push(api("STREAM.INFO", subject::BROADCASTS, ""));
            out.extend(direct_gets());
        }
    }
    out
}

fn supervisors(out: &mut String, fleet: &Fleet, keys: &impl Fn(&str) -> Vec<String>) {
    out.push_str("  SUPERVISORS {\n");
    let of = |one: &super::fleet::Supervisor| {
        let mut publish: Vec<String> = one.grants.iter().map(|grant| subject::put(&grant.key())).collect();
        publish.extend(direct_gets());
        publish.extend(concerned(fleet, &one.grants).map(|site| subject::states_get(&site.id)));
        let subscribe = vec![format!("{}.>", subject::client_inbox(&one.id))];
        User { keys: keys(&supervisor_seed(&one.id)), publish, subscribe }
    };
    users(out, &fleet.supervisors.iter().map(of).collect::<Vec<_>>());
    out.push_str("    imports: [\n");
    for service in direct_gets().into_iter().chain(supervisors_services(fleet)) {
        let _ = writeln!(out, "      {{ service: {{ account: CENTER, subject: \"{service}\" }} }}");
    }
    out.push_str("    ]\n  }\n");
}

/// The centre's services for supervisors alone: writing broadcasts, and reading what the seats did with them.
fn supervisors_services(fleet: &Fleet) -> Vec<String> {
    let states = fleet.sites.iter().map(|site| subject::states_get(&site.id));
    [format!("{}>", subject::BROADCAST_PREFIX)].into_iter().chain(states).collect()
}

fn seats(out: &mut String, fleet: &Fleet, site: &Site, keys: &impl Fn(&str) -> Vec<String>) {
    let id = &site.id;
    let _ = writeln!(out, "  {} {{", account(id));
    let of = |seat: &Name| User {
        keys: keys(&seat_seed(id, seat)),
        publish: [subject::closing(id, seat), subject::state(id, seat)].into_iter().chain(direct_gets()).collect(),
        subscribe: vec![subject::all_broadcasts(id), subject::ask(id, seat), format!("{}.>", subject::inbox(id, seat))],
    };
    users(out, &site.seats.iter().map(of).collect::<Vec<_>>());
    out.push_str("    imports: [\n");
    let (from, to) = (subject::republished(&fleet.name), subject::all_broadcasts(id));
    let _ = writeln!(out, "      {{ stream: {{ account: CENTER, subject: \"{from}\" }}, to: \"{to}\" }}");
    let _ = writeln!(out, "      {{ stream: {{ account: CENTER, subject: \"ask.{id}.*\" }} }}");
    for service in [format!("closing.{id}.*"), format!("seat.{id}.*")].into_iter().chain(direct_gets()) {
        let _ = writeln!(out, "      {{ service: {{ account: CENTER, subject: \"{service}\" }} }}");
    }
    out.push_str("    ]\n  }\n");
}
