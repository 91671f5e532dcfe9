//! A PostgreSQL cluster on a Unix socket. It refuses to run as root, and then runs as user postgres.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use super::process::{Process, find};
use super::{report_skipped, wait_for};

/// The owner of all tables.
pub const USER: &str = "penutup";
pub const DATABASE: &str = "postgres";
/// Of its socket.
const PORT: u16 = 5432;

#[derive(Debug)]
pub struct Postgres {
    process: Process,
    bin: PathBuf,
    folder: TempDir,
    root: bool,
    port: u16,
}

/// The programs of the newest installed version.
fn programs() -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .collect();
    folders.sort();
    folders.reverse();
    find("initdb", &folders)?.parent().map(Path::to_owned)
}

/// A command; for root as user postgres.
fn command(root: bool, program: &Path) -> Command {
    if !root {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]).arg(program);
    command
}

fn id(args: &[&str]) -> Option<u32> {
    let Output { status, stdout, .. } = Command::new("id").args(args).output().ok()?;
    String::from_utf8(stdout).ok()?.trim().parse().ok().filter(|_| status.success())
}

impl Postgres {
    /// Creates and starts a cluster; reports SKIPPED where that is not possible.
    #[track_caller]
    pub fn start() -> Option<Self> {
        let Some(bin) = programs() else {
            report_skipped(&"PostgreSQL is not installed here");
            return None;
        };
        let root = id(&["-u"]) == Some(0);
        let folder = TempDir::with_prefix("fleet-pg").expect("a folder");
        if root {
            let Some(user) = id(&["-u", "postgres"]) else {
                report_skipped(&"PostgreSQL refuses root, and there is no user postgres");
                return None;
            };
            #[cfg(unix)]
            std::os::unix::fs::chown(folder.path(), Some(user), id(&["-g", "postgres"]))
                .expect("a folder of the user postgres");
        }
        let made = command(root, &bin.join("initdb"))
            .args(["--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C", "-U", USER, "-D"])
            .arg(folder.path().join("data"))
            .current_dir(folder.path())
            .output()
            .expect("initdb");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let process = run(root, &bin, folder.path(), &[]);
        let mut postgres = Self { process, bin, folder, root, port: PORT };
        postgres.ready();
        Some(postgres)
    }

    /// Ends it, and starts it on a port of the loopback as well, with TLS where there is a certificate. Returns the port.
    #[track_caller]
    pub fn restart_on_port(&mut self, certificate: Option<(&str, &str)>) -> u16 {
        self.stop();
        let port = super::nats::free_port();
        let mut more = vec!["-c".to_owned(), "listen_addresses=127.0.0.1".into(), "-c".into(), format!("port={port}")];
        if let Some((pem, key)) = certificate {
            for (name, text) in [("server.crt", pem), ("server.key", key)] {
                let path = self.folder.path().join("data").join(name);
                fs::write(&path, text).expect("a certificate");
                #[cfg(unix)]
                {
                    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
                    let owner = fs::metadata(self.folder.path().join("data")).expect("its folder");
                    chown(&path, Some(owner.uid()), Some(owner.gid())).expect("its owner");
                    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("its mode");
                }
            }
            more.extend(["-c".into(), "ssl=on".into()]);
        }
        let _ = fs::remove_file(self.folder.path().join("data/postmaster.pid"));
        self.process = run(self.root, &self.bin, self.folder.path(), &more);
        self.port = port;
        self.ready();
        port
    }

    /// The folder of its socket, for `host` in a connection.
    pub fn host(&self) -> &Path {
        self.folder.path()
    }

    /// The folder of its programs.
    pub fn programs(&self) -> &Path {
        &self.bin
    }

    /// Ends it as a crash does (SIGQUIT).
    #[track_caller]
    pub fn crash(&mut self) {
        self.process.end("QUIT");
    }

    /// Ends it (SIGINT), closing all connections.
    #[track_caller]
    pub fn stop(&mut self) {
        self.process.end("INT");
    }

    #[track_caller]
    pub fn restart(&mut self) {
        assert!(!self.process.runs(), "it still runs");
        self.process = run(self.root, &self.bin, self.folder.path(), &[]);
        self.port = PORT;
        self.ready();
    }

    /// Stops the server and the processes of its connections (SIGSTOP): none answers, none ends. Returns those of the
    /// connections.
    pub async fn freeze(&self) -> Vec<i32> {
        let own = "select pid from pg_stat_activity where application_name = 'penutup-fleet'";
        let pids: Vec<i32> =
            self.connect().await.query(own, &[]).await.expect("the connections").iter().map(|row| row.get(0)).collect();
        self.process.signal("STOP");
        for pid in &pids {
            signal(*pid, "STOP");
        }
        pids
    }

    /// Continues what [`Self::freeze`] stopped.
    pub fn thaw(&self, connections: &[i32]) {
        for pid in connections {
            signal(*pid, "CONT");
        }
        self.process.signal("CONT");
    }

    #[track_caller]
    fn ready(&mut self) {
        wait_for("PostgreSQL", || {
            assert!(self.process.runs(), "{}", fs::read_to_string(self.folder.path().join("log")).unwrap_or_default());
            let asked = Command::new(self.bin.join("pg_isready"))
                .arg("-q")
                .arg("-h")
                .arg(self.host())
                .arg("-p")
                .arg(self.port.to_string())
                .status();
            asked.is_ok_and(|status| status.success()).then_some(())
        });
    }
}

fn signal(pid: i32, name: &str) {
    // A connection that ended meanwhile has no process.
    let _ = Command::new("kill").arg(format!("-{name}")).arg(pid.to_string()).stderr(Stdio::null()).status();
}

#[track_caller]
fn run(root: bool, bin: &Path, folder: &Path, more: &[String]) -> Process {
    let log = fs::File::options().create(true).append(true).open(folder.join("log")).expect("a log");
    let mut command = command(root, &bin.join("postgres"));
    // fsync is not needed: only processes are killed, never the machine.
    command.args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "full_page_writes=off", "-k"]).arg(folder);
    command
        .args(more)
        .arg("-D")
        .arg(folder.join("data"))
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    Process::start(command.stderr(log))
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Not killed, so that its child processes end before their folder is deleted.
        if self.process.runs() {
            self.process.signal("CONT");
            self.process.end("QUIT");
        }
    }
}

impl Postgres {
    pub async fn connect(&self) -> tokio_postgres::Client {
        let mut config = tokio_postgres::Config::new();
        config.host(self.host().to_str().expect("UTF-8")).user(USER).dbname(DATABASE).port(self.port);
        let (client, connection) = config.connect(tokio_postgres::NoTls).await.expect("a connection");
        tokio::spawn(connection);
        client
    }

    /// The result of a query for one number; `None` while the tables don't exist.
    pub async fn number(&self, query: &str) -> Option<i64> {
        self.connect().await.query_one(query, &[]).await.ok().map(|row| row.get(0))
    }
}
