//! A fleet with three servers on addresses of the loopback, as `provision` makes it for three machines.

use std::fs;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::PathBuf;

use tempfile::TempDir;

use super::fleet::{FleetSpec, TestFleet, provisioned};
use super::nats::{Nats, Place, free_port, installed};
use super::{Identity, report_skipped, wait_until};

pub struct Cluster {
    pub nodes: Vec<Nats>,
    stores: Vec<PathBuf>,
    pub out: PathBuf,
    folder: TempDir,
}

pub const NODES: usize = 3;

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
        let ip = |node: usize| Ipv4Addr::new(127, 0, 0, u8::try_from(node + 1).expect("a small number"));
        let stores: Vec<_> = (0..NODES).map(|node| folder.path().join(format!("store-{node}"))).collect();
        let start = |node: usize| {
            // What the units of three machines have from their machine: address, name and disk.
            let args = [
                ("-a", ip(node).to_string()),
                ("-n", format!("nats-{node}")),
                ("--cluster", format!("nats://{}:{cluster_port}", ip(node))),
            ];
            let args = args.into_iter().flat_map(|(name, value)| [name.to_owned(), value]).collect();
            let (config, log) = (out.join("server/nats.conf"), folder.path().join(format!("nats-{node}.log")));
            let at = Place {
                binary: binary.clone(),
                config,
                address: SocketAddrV4::new(ip(node), port),
                log,
                args,
                store: stores[node].clone(),
            };
            Nats::start_at(at).expect("its port")
        };
        let nodes = (0..NODES).map(start).collect();
        let cluster = Self { nodes, stores, out, folder };
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

    pub async fn admin(&self) -> async_nats::Client {
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

    /// Kills a server, deletes its disk and starts it again.
    pub fn lose_disk(&mut self, node: usize) {
        self.nodes[node].kill();
        fs::remove_dir_all(&self.stores[node]).expect("its store");
        self.nodes[node].restart();
    }

    /// Waits until every stream and consumer is on all servers and current.
    pub async fn is_whole(&self) {
        let admin = self.admin().await;
        wait_until("all replicas to be current", async || {
            let list = admin.request("$JS.API.STREAM.LIST", "".into()).await.ok()?;
            let list: serde_json::Value = serde_json::from_slice(&list.payload).ok()?;
            let streams = list["streams"].as_array().filter(|streams| !streams.is_empty())?;
            let current = |info: &serde_json::Value| {
                let replicas = info["cluster"]["replicas"].as_array().map_or(0, |replicas| {
                    let of = |one: &&serde_json::Value| one["current"] == true && one["offline"] != true;
                    replicas.iter().filter(of).count()
                });
                (replicas == NODES - 1).then_some(())
            };
            for stream in streams {
                current(stream)?;
                let name = stream["config"]["name"].as_str()?;
                let consumers = admin.request(format!("$JS.API.CONSUMER.LIST.{name}"), "".into()).await.ok()?;
                let consumers: serde_json::Value = serde_json::from_slice(&consumers.payload).ok()?;
                // Those of a running report or status are on one server.
                let durable = |one: &&serde_json::Value| one["config"]["durable_name"].is_string();
                for consumer in consumers["consumers"].as_array()?.iter().filter(durable) {
                    current(consumer)?;
                }
            }
            Some(())
        })
        .await;
    }
}
