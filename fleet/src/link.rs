//! The connection to NATS: authenticated by nkey, over TLS where the address says so. Pings find a half-open link within
//! ten seconds; randomized backoff keeps thousands of seats from reconnecting to a restarted server at once. Each attempt is
//! with the next server, in a random order: a cut-off server that was left accepts connections all the same. One that does not
//! greet, as a frozen one, has its turn only where no other does.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_nats::jetstream::Message;
use async_nats::jetstream::consumer::pull::Batch;
use async_nats::{Client, ConnectError, ConnectErrorKind, ConnectOptions, Event, ReconnectToServer, ServerAddr};
use futures_util::StreamExt;
use penutup_cli_kit::diagnostics::{shown, shown_reason};
use penutup_cli_kit::words::Lang;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::error::CliError;
use crate::secret::Seed;
use crate::words::words;

/// After three unanswered pings the link counts as down.
const PING_INTERVAL: Duration = Duration::from_secs(3);
/// As long as the server gives a handshake: thousands that connect at once wait for their turn, and who gives up and
/// begins anew goes to the end of the queue and leaves the server a handshake for nobody.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(HANDSHAKE_SECONDS);
/// How long the server waits for a client's handshake.
pub const HANDSHAKE_SECONDS: u64 = 20;
/// How long one of several servers may take to greet, which it does before TLS and authentication.
const GREETING_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a person's command waits for a connection. Agents wait as long as a handshake may take.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(9);
pub const REPLY_TIMEOUT: Duration = Duration::from_secs(5);
/// The shortest and the longest delay before a retry, in milliseconds.
const BACKOFF_MS: (u64, u64) = (250, 8_000);

/// The next message of a `fetch`; `None` after its last. Where a server is cut off or freezes before it says which one is the last,
/// the client library waits for ever.
pub async fn next_fetched(messages: &mut Batch) -> Result<Option<Message>, async_nats::Error> {
    let next = timeout(REPLY_TIMEOUT, messages.next()).await;
    next.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?.transpose()
}

#[derive(Debug)]
pub struct Link {
    /// `tls://` or `nats://`.
    pub servers: Vec<ServerAddr>,
    /// The certificate authority; `None`: the system's.
    pub ca: Option<PathBuf>,
    /// Signs the server's challenge.
    pub seed: Seed,
    /// Shown in the server's list of connections.
    pub name: String,
    /// The prefix of the client's reply subjects, on which the server lets nobody else subscribe.
    pub inbox: String,
}

/// The delay before the `attempt`th retry (from 1). It doubles, minus a random part of up to a half, so that seats that
/// lost their connections together do not come back together.
pub fn backoff(attempt: usize) -> Duration {
    let doublings = u32::try_from(attempt.saturating_sub(1)).unwrap_or(u32::MAX).min(10);
    let most = (BACKOFF_MS.0 << doublings).min(BACKOFF_MS.1);
    Duration::from_millis(fastrand::u64(most.div_ceil(2)..=most).max(BACKOFF_MS.0))
}

/// The servers in a client's order, and whose turn it is.
struct Turns {
    servers: Vec<ServerAddr>,
    next: AtomicUsize,
}

impl Turns {
    /// The next server that greets, or just the next one where none does.
    async fn next(self: Arc<Self>) -> Option<ReconnectToServer> {
        let turn = || self.servers.get(self.next.fetch_add(1, Ordering::Relaxed) % self.servers.len().max(1));
        let mut next = turn()?;
        for _ in 1..self.servers.len() {
            if timeout(GREETING_TIMEOUT, greets(next)).await.unwrap_or(false) {
                break;
            }
            next = turn()?;
        }
        Some(ReconnectToServer { addr: next.clone(), delay: None })
    }
}

async fn greets(server: &ServerAddr) -> bool {
    let Ok(mut stream) = TcpStream::connect((server.host().to_owned(), server.port())).await else { return false };
    stream.read_u8().await.is_ok()
}

impl Link {
    /// The servers in a random order, so that each has its share of the seats.
    fn shuffled(&self) -> Vec<ServerAddr> {
        let mut servers = self.servers.clone();
        fastrand::shuffle(&mut servers);
        servers
    }

    fn options(&self) -> ConnectOptions {
        let turns = Arc::new(Turns { servers: self.shuffled(), next: AtomicUsize::new(0) });
        let options = ConnectOptions::with_nkey(self.seed.reveal().to_owned())
            .name(&self.name)
            .custom_inbox_prefix(&self.inbox)
            .ping_interval(PING_INTERVAL)
            .connection_timeout(CONNECT_TIMEOUT)
            .request_timeout(Some(REPLY_TIMEOUT))
            .reconnect_delay_callback(backoff)
            .reconnect_to_server_callback(move |_, _| Arc::clone(&turns).next())
            // Only the configured servers: others are announced before the server has shown its certificate, and would
            // be connected to without TLS.
            .ignore_discovered_servers()
            .require_tls(self.ca.is_some() || self.servers.iter().any(ServerAddr::tls_required));
        match &self.ca {
            Some(ca) => options.add_root_certificates(ca.clone()),
            None => options,
        }
    }

    /// Connects once, for a person who waits for it.
    pub async fn connect(&self, lang: Lang) -> Result<Client, CliError> {
        self.connect_observed(lang, |_| {}).await
    }

    /// As [`Self::connect`], with the connection's events from then on.
    pub async fn connect_observed(
        &self,
        lang: Lang,
        on_event: impl Fn(Event) + Send + Sync + 'static,
    ) -> Result<Client, CliError> {
        let options = self.options().event_callback(move |event| {
            on_event(event);
            std::future::ready(())
        });
        match timeout(COMMAND_TIMEOUT, options.connect(&self.servers[..])).await {
            Ok(connected) => connected.map_err(|error| self.error(&error, lang)),
            Err(_) => Err(self.no_connection(words(lang).status.timed_out, words(lang).link.no_server_help, lang)),
        }
    }

    /// Connects and reconnects in the background. Fails only where retrying can't help, with an unreadable certificate
    /// for example.
    pub async fn connect_with_retry(
        &self,
        lang: Lang,
        on_event: impl Fn(Event) + Send + Sync + 'static,
    ) -> Result<Client, CliError> {
        let options = self.options().retry_on_initial_connect().event_callback(move |event| {
            on_event(event);
            std::future::ready(())
        });
        options.connect(&self.servers[..]).await.map_err(|error| self.error(&error, lang))
    }

    fn error(&self, error: &ConnectError, lang: Lang) -> CliError {
        let w = &words(lang).link;
        let help = match error.kind() {
            ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => w.no_key_help,
            ConnectErrorKind::Tls => w.no_tls_help,
            _ if is_tls(error) => w.no_tls_help,
            _ => w.no_server_help,
        };
        self.no_connection(&error.to_string(), help, lang)
    }

    fn no_connection(&self, why: &str, help: &str, lang: Lang) -> CliError {
        let servers: Vec<_> =
            self.servers.iter().map(|server| format!("{}:{}", server.host(), server.port())).collect();
        CliError::new(words(lang).link.no_connection(shown(&servers.join(", ")), shown_reason(why))).help(help)
    }
}

/// Whether the handshake failed at TLS: the client library reports this as any other error of the connection.
fn is_tls(error: &ConnectError) -> bool {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<io::Error>());
    source.is_some_and(|source| source.kind() == io::ErrorKind::InvalidData)
}

#[cfg(test)]
mod tests {
    use nkeys::KeyPair;
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    use super::*;

    /// The seed file is created in `folder`.
    fn link(folder: &std::path::Path, address: &str, ca: Option<PathBuf>) -> Link {
        let path = folder.join("link.nk");
        std::fs::write(&path, KeyPair::new_user().seed().unwrap()).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        let seed = Seed::read(&path, Lang::En).unwrap();
        Link { servers: vec![address.parse().unwrap()], ca, seed, name: "a".into(), inbox: "_INBOX_a".into() }
    }

    /// The greeting of a server that announces another one.
    fn info(other: &str) -> String {
        format!(
            "INFO {{\"server_id\":\"x\",\"server_name\":\"x\",\"version\":\"2.9.10\",\"go\":\"go1.19\",\
             \"host\":\"127.0.0.1\",\"port\":1,\"headers\":true,\"max_payload\":1048576,\"proto\":1,\
             \"nonce\":\"abcdefghijk\",\"connect_urls\":[\"{other}\"]}}\r\n"
        )
    }

    /// Thousands that connect at once wait for their turn at the server.
    #[tokio::test]
    async fn a_server_that_greets_late_is_waited_for_on_one_connection() {
        let folder = tempfile::tempdir().unwrap();
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let link = link(folder.path(), &format!("nats://{}", server.local_addr().unwrap()), None);
        let late = async {
            let (mut stream, _) = server.accept().await.unwrap();
            // The client library's own limit is five seconds.
            tokio::time::sleep(Duration::from_secs(6)).await;
            stream.write_all(info("127.0.0.1:1").as_bytes()).await.unwrap();
            stream.read_exact(&mut [0; 7]).await.unwrap();
            stream.write_all(b"PONG\r\n").await.unwrap();
            stream
        };
        let (client, _connection) = tokio::join!(link.connect(Lang::En), late);
        assert!(client.is_ok(), "{client:?}");
        assert!(timeout(Duration::from_millis(100), server.accept()).await.is_err(), "a second connection");
    }

    #[tokio::test]
    async fn servers_announced_by_a_server_are_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let (known, other) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await);
        let other = other.unwrap();
        let link = link(folder.path(), &format!("nats://{}", known.local_addr().unwrap()), None);
        let info = info(&other.local_addr().unwrap().to_string());
        let _client = link.connect_with_retry(Lang::En, |_| {}).await.unwrap();
        // Each connection is closed after the handshake; the client must reconnect to the configured server.
        for _ in 0..4 {
            tokio::select! {
                accepted = known.accept() => {
                    let (mut stream, _) = accepted.unwrap();
                    stream.write_all(info.as_bytes()).await.unwrap();
                    let mut command = [0; 7];
                    stream.read_exact(&mut command).await.unwrap();
                    assert_eq!(&command, b"CONNECT");
                    stream.write_all(b"PONG\r\n").await.unwrap();
                }
                _ = other.accept() => panic!("it connected to the announced server"),
            }
        }
    }

    /// Greets, and answers a client's handshake.
    async fn greet(listener: &TcpListener) -> TcpStream {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(info("127.0.0.1:1").as_bytes()).await.unwrap();
            // A client that only waits for the greeting closes after it.
            if stream.read_exact(&mut [0; 7]).await.is_ok() {
                stream.write_all(b"PONG\r\n").await.unwrap();
                return stream;
            }
        }
    }

    async fn two_servers(folder: &std::path::Path) -> ([TcpListener; 2], Link) {
        let servers =
            [TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap()];
        let mut link = link(folder, "nats://127.0.0.1:1", None);
        let address = |server: &TcpListener| format!("nats://{}", server.local_addr().unwrap()).parse().unwrap();
        link.servers = servers.iter().map(address).collect();
        (servers, link)
    }

    #[tokio::test]
    async fn after_a_lost_connection_the_next_server_has_its_turn() {
        let folder = tempfile::tempdir().unwrap();
        let (servers, link) = two_servers(folder.path()).await;
        let client = link.connect_with_retry(Lang::En, |_| {}).await.unwrap();
        let mut before = None;
        for _ in 0..6 {
            let (nth, _connection) = tokio::select! {
                stream = greet(&servers[0]) => (0, stream),
                stream = greet(&servers[1]) => (1, stream),
            };
            assert_ne!(before, Some(nth));
            before = Some(nth);
            client.force_reconnect().await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_server_that_accepts_and_hangs_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let ([hangs, answers], link) = two_servers(folder.path()).await;
        let mut was_first = false;
        while !was_first {
            let (client, _) = tokio::join!(link.connect(Lang::En), greet(&answers));
            assert!(client.is_ok());
            was_first = timeout(Duration::from_millis(100), hangs.accept()).await.is_ok();
        }
    }

    #[tokio::test]
    async fn with_a_configured_authority_the_client_starts_tls_before_sending_anything() {
        let folder = tempfile::tempdir().unwrap();
        let ca = folder.path().join("ca.pem");
        let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(&ca, own.cert.pem()).unwrap();
        let known = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let link = link(folder.path(), &format!("nats://{}", known.local_addr().unwrap()), Some(ca));
        let server = async {
            let (mut stream, _) = known.accept().await.unwrap();
            stream.write_all(info("127.0.0.1:1").as_bytes()).await.unwrap();
            stream.read_u8().await.unwrap()
        };
        let (connected, first) = tokio::join!(link.connect(Lang::En), server);
        assert_eq!(first, 0x16, "a TLS hello");
        assert!(connected.is_err());
    }

    #[test]
    fn backoff_is_bounded_and_random() {
        for attempt in (0..40).chain([usize::MAX]) {
            for _ in 0..50 {
                let wait = backoff(attempt).as_millis();
                assert!((250..=8_000).contains(&wait), "{attempt}: {wait}");
            }
        }
        let waits: std::collections::BTreeSet<_> = (0..50).map(|_| backoff(9).as_millis()).collect();
        assert!(waits.len() > 25, "{waits:?}");
    }
}
