//! A provisioned fleet of one site and its server, in a temporary folder.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use async_nats::{Client, Event};
use chrono::Utc;
use nkeys::KeyPair;
use penutup_cli_kit::words::Lang;
use penutup_fleet::beat;
use penutup_fleet::config::agent::Agent;
use penutup_fleet::config::center::Center;
use penutup_fleet::config::supervisor::Supervisor;
use penutup_fleet::provision::fleet::Fleet;
use penutup_fleet::provision::keys::Renewal;
use penutup_fleet::provision::server::STORE;
use penutup_fleet::provision::{self, streams};
use penutup_fleet::wire::envelope::Envelope;
use penutup_fleet::wire::key::{Key, Scope};
use penutup_fleet::wire::name::Name;
use penutup_fleet::wire::subject;
use penutup_rules::declaration::{Declaration, KLB, State};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

use super::{Stop, now};

pub const SITE: &str = "jkt";
/// How long the server may take to start.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// The path of nats-server, if it is installed.
pub fn installed() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders.map(|folder| folder.join("nats-server")).find(|file| file.is_file())
}

pub fn version(binary: &Path) -> String {
    let output = Command::new(binary).arg("--version").output().map(|out| out.stdout).unwrap_or_default();
    String::from_utf8_lossy(&output).trim().to_owned()
}

/// The loopback addresses of the server: with one of them, thousands of connections make the kernel search long for a
/// free port.
const ADDRESSES: usize = 16;

fn address(number: usize) -> String {
    format!("127.0.0.{}", number + 1)
}

pub fn seat(number: usize) -> String {
    format!("a{number:05}")
}

/// The payload of a declaration.
pub fn declaration(version: u64) -> String {
    let state = if version.is_multiple_of(2) { State::Off } else { State::On };
    let why = Some("gangguan transmisi Jawa bagian barat".into());
    let by = Some("Pusat".into());
    Declaration { version, fact: KLB.into(), state, value: None, since: Utc::now(), until: None, by, why }
        .to_table()
        .to_string()
}

pub fn runtime() -> Result<Runtime, Stop> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

pub struct Stage {
    binary: PathBuf,
    folder: TempDir,
    port: u16,
    server: Child,
    runtime: Runtime,
    pair: KeyPair,
    version: u64,
}

impl Stage {
    /// Provisions the fleet and starts the server.
    pub fn start(binary: &Path, seats: usize, tls: bool) -> Result<Self, Stop> {
        let folder = TempDir::with_prefix("scale")?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let names: Vec<String> = (0..seats).map(seat).collect();
        let addresses: Vec<String> = (0..ADDRESSES).map(address).collect();
        let file = folder.path().join("fleet.toml");
        let text = format!(
            "schema = 1\nfleet = \"scale\"\n[server]\nnames = {addresses:?}\nport = {port}\ntls = {tls}\n\
             [[site]]\nid = {SITE:?}\nregion = \"jawa\"\nseats = {names:?}\n\
             [[supervisor]]\nid = \"pusat\"\nname = \"Pusat\"\ngrants = [\"center\"]\n"
        );
        fs::write(&file, text)?;
        let fleet = Fleet::read(&file, Lang::En).map_err(|error| error.message)?;
        let started = Instant::now();
        provision::provision(&fleet, &folder.path().join("out"), &Renewal::default(), Lang::En)
            .map_err(|error| error.message)?;
        // It listens on all of its addresses; provision takes the first loopback one.
        let config = folder.path().join("out/server/nats.conf");
        fs::write(&config, fs::read_to_string(&config)?.replacen("host: \"127.0.0.1\"", "host: \"0.0.0.0\"", 1))?;
        super::print_line(&format!("provisioned in {:.1} s", started.elapsed().as_secs_f64()));
        let server = spawn(binary, folder.path())?;
        let runtime = runtime()?;
        let out = folder.path().join("out");
        let supervisor = Supervisor::read(&out.join("supervisors/pusat/supervisor.toml"), Lang::En);
        let pair = supervisor.map_err(|error| error.message)?.sign.pair();
        let mut stage = Self { binary: binary.into(), folder, port, server, runtime, pair, version: 0 };
        stage.wait()?;
        let center = Center::read(&stage.out().join("center/admin/center.toml"), Lang::En).map_err(|f| f.message)?;
        stage.runtime.block_on(async {
            let admin = center.link.connect(Lang::En).await.map_err(|error| error.message)?;
            streams::ensure(admin, &fleet, streams::deadline(), Lang::En).await.map_err(|error| error.message)
        })?;
        start_beat(&stage.out())?;
        Ok(stage)
    }

    /// The output of `provision`.
    pub fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The server's process id.
    pub fn server(&self) -> u32 {
        self.server.id()
    }

    /// Publishes a new declaration. Returns its version and when it was sent.
    pub fn put(&mut self) -> Result<(u64, u64), Stop> {
        self.version += 1;
        let (version, key) = (self.version, Key::Klb(Scope::Center));
        let id = Name::parse("pusat").ok_or("a name")?;
        let bytes = Envelope::sign(&self.pair, key.clone(), id, version, declaration(version))?.to_bytes();
        let path = self.out().join("supervisors/pusat/supervisor.toml");
        let supervisor = Supervisor::read(&path, Lang::En).map_err(|error| error.message)?;
        self.runtime.block_on(async {
            let client = supervisor.link.connect(Lang::En).await.map_err(|error| error.message)?;
            let stream = async_nats::jetstream::new(client);
            let sent = now();
            stream.publish(subject::put(&key), bytes.into()).await?.await?;
            Ok((version, sent))
        })
    }

    /// The number of closings in the stream.
    pub fn closings(&self) -> Result<u64, Stop> {
        let path = self.out().join("center/admin/center.toml");
        let center = Center::read(&path, Lang::En).map_err(|error| error.message)?;
        self.runtime.block_on(async {
            let client: Client = center.link.connect(Lang::En).await.map_err(|error| error.message)?;
            let site = Name::parse(SITE).ok_or("a name")?;
            let mut stream = async_nats::jetstream::new(client).get_stream(subject::closings(&site)).await?;
            Ok(stream.info().await?.state.messages)
        })
    }

    /// Kills the server (SIGKILL).
    pub fn kill(&mut self) -> Result<(), Stop> {
        self.server.kill()?;
        self.server.wait()?;
        Ok(())
    }

    /// Starts the server again on the same store.
    pub fn run(&mut self) -> Result<(), Stop> {
        self.server = spawn(&self.binary, self.folder.path())?;
        self.wait()
    }

    /// Waits until the server listens.
    fn wait(&mut self) -> Result<(), Stop> {
        let started = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            if started.elapsed() > START_TIMEOUT || self.server.try_wait()?.is_some() {
                return Err(fs::read_to_string(self.folder.path().join("server.log"))?.into());
            }
            std::thread::yield_now();
        }
        Ok(())
    }
}

/// Beats like the archive, in a thread that ends with this process.
fn start_beat(out: &Path) -> Result<(), Stop> {
    let path = out.join("center/archive/center.toml");
    let center = Center::read(&path, Lang::En).map_err(|error| error.message)?;
    let runtime = runtime()?;
    std::thread::spawn(move || {
        runtime.block_on(async {
            let (connected, connects) = watch::channel(0);
            let on_event = move |event| {
                if event == Event::Connected {
                    connected.send_modify(|connects| *connects += 1);
                }
            };
            // Without a beat no seat becomes current, which the measurement says.
            if let Ok(client) = center.link.connect_with_retry(Lang::En, on_event).await {
                beat::run(client, connects).await;
            }
        });
    });
    Ok(())
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn spawn(binary: &Path, folder: &Path) -> Result<Child, Stop> {
    let log = fs::File::options().create(true).append(true).open(folder.join("server.log"))?;
    let config = folder.join("out/server/nats.conf");
    let mut command = Command::new(binary);
    // The configuration's paths are relative to its folder.
    command.arg("-c").arg(config).current_dir(folder.join("out/server")).env(STORE, "store");
    Ok(command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?)
}

/// A seat's configuration, with one address of the server.
pub fn agent(out: &Path, number: usize) -> Result<Agent, Stop> {
    let path = out.join("seats").join(SITE).join(seat(number)).join("agent.toml");
    let mut agent = Agent::read(&path, Lang::En).map_err(|error| error.message)?;
    let own = address(number % ADDRESSES);
    agent.link.servers.retain(|server| server.host() == own);
    Ok(agent)
}
