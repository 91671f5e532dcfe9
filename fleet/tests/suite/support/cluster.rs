//! A fleet with three servers on addresses of the loopback, as `provision` makes it for three machines.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::path::PathBuf;

use async_nats::Client;
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::timeout;

use super::fleet::{FleetSpec, TestFleet, provisioned};
use super::nats::{Nats, Place, free_port, installed};
use super::relay::Relay;
use super::{Identity, TIMEOUT, report_skipped, wait_until};

pub struct Cluster {
    pub nodes: Vec<Nats>,
    /// Between each two servers: who connects, to whom.
    routes: Vec<(usize, usize, Relay)>,
    monitor_port: u16,
    stores: Vec<PathBuf>,
    pub out: PathBuf,
    folder: TempDir,
}

pub const NODES: usize = 3;

/// What JetStream answers to a request, if it does.
pub async fn request_api(admin: &Client, request: &str) -> Option<Value> {
    let answer = admin.request(format!("$JS.API.{request}"), "".into()).await.ok()?;
    serde_json::from_slice(&answer.payload).ok()
}

fn ip(node: usize) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 0, u8::try_from(node + 1).expect("a small number"))
}

impl Cluster {
    /// Provisions the fleet, starts its servers and creates the streams; reports SKIPPED without nats-server.
    pub async fn start(spec: &FleetSpec<'_>) -> Option<Self> {
        let Some(binary) = installed() else {
            report_skipped(&"nats-server is not installed here");
            return None;
        };
        let folder = TempDir::with_prefix("cluster").expect("a folder");
        let (port, cluster_port) = (free_port(), free_port());
        let fleet = provisioned(&FleetSpec { cluster_port: Some(cluster_port), ..spec.clone() }, port, folder.path());
        let out = folder.path().join("out");
        let stores: Vec<_> = (0..NODES).map(|node| folder.path().join(format!("store-{node}"))).collect();
        let pairs = (0..NODES).flat_map(|from| (0..NODES).map(move |to| (from, to))).filter(|(from, to)| from != to);
        let relay = |(from, to)| (from, to, Relay::to_address(SocketAddrV4::new(ip(to), cluster_port)));
        let routes: Vec<_> = pairs.map(relay).collect();
        let monitor_port = free_port();
        let start = |node: usize| {
            let own_routes = routes.iter().filter(|(from, ..)| *from == node);
            let own_routes: Vec<_> =
                own_routes.map(|(_, to, relay)| format!("nats-route://{}:{}", ip(*to), relay.port)).collect();
            // What the units of three machines have from their machine: address and disk. And routes through the
            // relays alone: the address that a server tells the others for more of them is nobody's.
            let args = [
                ("-a", ip(node).to_string()),
                ("-m", monitor_port.to_string()),
                ("--cluster", format!("nats://{}:{cluster_port}", ip(node))),
                ("--cluster_advertise", format!("{}:1", ip(node))),
                ("--routes", own_routes.join(",")),
            ];
            let args = args.into_iter().flat_map(|(name, value)| [name.to_owned(), value]).collect();
            let (config, log) = (out.join("server/nats.conf"), folder.path().join(format!("nats-{node}.log")));
            let at = Place {
                binary: binary.clone(),
                config,
                address: SocketAddrV4::new(ip(node), port),
                log,
                args,
                name: format!("nats-{node}"),
                store: stores[node].clone(),
            };
            Nats::start_at(at).expect("its port")
        };
        let nodes = (0..NODES).map(start).collect();
        let cluster = Self { nodes, routes, monitor_port, stores, out, folder };
        let admin = cluster.admin().await;
        penutup_fleet::provision::streams::ensure(
            admin,
            &fleet,
            penutup_fleet::provision::streams::deadline(),
            penutup_cli_kit::words::Lang::En,
        )
        .await
        .expect("the streams");
        Some(cluster)
    }

    pub async fn admin(&self) -> Client {
        let path = self.config(Identity::Program("admin"));
        let link = penutup_fleet::config::center::Center::read(&path, penutup_cli_kit::words::Lang::En);
        link.expect("center.toml").link.connect(penutup_cli_kit::words::Lang::En).await.expect("a connection")
    }

    pub fn config(&self, who: Identity<'_>) -> PathBuf {
        TestFleet::config_in(&self.out, who)
    }

    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Cuts a server off from the others, while its clients still reach it.
    pub fn cut_off(&self, node: usize) {
        self.routes_of(node).for_each(Relay::silence);
    }

    pub fn end_cut(&self, node: usize) {
        self.routes_of(node).for_each(Relay::end_silence);
    }

    fn routes_of(&self, node: usize) -> impl Iterator<Item = &Relay> {
        let of_node = move |(from, to, _): &&(usize, usize, Relay)| *from == node || *to == node;
        self.routes.iter().filter(of_node).map(|(.., relay)| relay)
    }

    /// The server that leads the broadcasts' stream, as most servers see it.
    pub async fn leader(&self) -> usize {
        wait_until("a leader", async || {
            // One that is cut off from the others does not answer.
            let info = request_api(&self.admin().await, "STREAM.INFO.KV_BROADCAST").await?;
            info["cluster"]["leader"].as_str()?.strip_prefix("nats-")?.parse().ok()
        })
        .await
    }

    /// The names of a server's clients.
    pub fn clients(&self, node: usize) -> Vec<String> {
        let mut stream = TcpStream::connect((ip(node), self.monitor_port)).expect("its monitor");
        stream.write_all(b"GET /connz HTTP/1.0\r\n\r\n").expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
        let body: Value = serde_json::from_str(body).expect("JSON");
        let connections = body["connections"].as_array().expect("connections");
        connections.iter().filter_map(|one| Some(one["name"].as_str()?.to_owned())).collect()
    }

    /// Kills a server, deletes its disk and starts it again.
    pub fn lose_disk(&mut self, node: usize) {
        self.nodes[node].kill();
        fs::remove_dir_all(&self.stores[node]).expect("its store");
        self.nodes[node].restart();
    }

    /// What the servers say about the streams of closings and the archive's consumers, one answer a line.
    pub async fn describe(&self) -> String {
        let Ok(admin) = timeout(TIMEOUT, self.admin()).await else { return "no connection".into() };
        let mut out = Vec::new();
        for site in ["JKT", "BDG", "SBY"] {
            for of in [format!("STREAM.INFO.CLOSINGS_{site}"), format!("CONSUMER.INFO.CLOSINGS_{site}.archive")] {
                let answer = request_api(&admin, &of).await.map_or_else(|| "no answer".into(), |a| a.to_string());
                out.push(format!("{of}: {answer}\n"));
            }
        }
        out.concat()
    }

    /// Waits until every stream and the archive's consumers are on all servers and current.
    pub async fn is_whole(&self) {
        wait_until("all replicas to be current", async || {
            // One that comes back does not answer yet.
            let admin = self.admin().await;
            let list = request_api(&admin, "STREAM.LIST").await?;
            let streams = list["streams"].as_array().filter(|streams| !streams.is_empty())?;
            let current = |info: &Value| {
                let replicas = info["cluster"]["replicas"].as_array().map_or(0, |replicas| {
                    let of = |one: &&Value| one["current"] == true && one["offline"] != true;
                    replicas.iter().filter(of).count()
                });
                (replicas == NODES - 1).then_some(())
            };
            for stream in streams {
                current(stream)?;
                let name = stream["config"]["name"].as_str()?;
                // The other consumers are those of a running report or status, on one server.
                if name.starts_with("CLOSINGS_") {
                    current(&request_api(&admin, &format!("CONSUMER.INFO.{name}.archive")).await?)?;
                }
            }
            Some(())
        })
        .await;
    }
}
