//! The connection to NATS: authenticated by nkey, over TLS where the address says so. Pings find a half-open link within
//! ten seconds; randomized backoff keeps thousands of seats from reconnecting to a restarted server at once.

use std::path::PathBuf;
use std::time::Duration;

use async_nats::{Client, ConnectOptions, Event, ServerAddr};
use penutup_cli_kit::diagnostics::shown;
use penutup_cli_kit::words::Lang;

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
pub const REPLY_TIMEOUT: Duration = Duration::from_secs(5);
/// The shortest and the longest delay before a retry, in milliseconds.
const BACKOFF_MS: (u64, u64) = (250, 8_000);

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

impl Link {
    fn options(&self) -> ConnectOptions {
        let options = ConnectOptions::with_nkey(self.seed.reveal().to_owned())
            .name(&self.name)
            .custom_inbox_prefix(&self.inbox)
            .ping_interval(PING_INTERVAL)
            .connection_timeout(CONNECT_TIMEOUT)
            .request_timeout(Some(REPLY_TIMEOUT))
            .reconnect_delay_callback(backoff)
            // Only the configured servers: others are announced before the server has shown its certificate, and would
            // be connected to without TLS.
            .ignore_discovered_servers()
            .require_tls(self.ca.is_some() || self.servers.iter().any(ServerAddr::tls_required));
        match &self.ca {
            Some(ca) => options.add_root_certificates(ca.clone()),
            None => options,
        }
    }

    /// Connects once.
    pub async fn connect(&self, lang: Lang) -> Result<Client, CliError> {
        self.options().connect(&self.servers[..]).await.map_err(|error| self.error(&error, lang))
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

    fn error(&self, error: &async_nats::ConnectError, lang: Lang) -> CliError {
        let words = words(lang);
        let servers: Vec<_> =
            self.servers.iter().map(|server| format!("{}:{}", server.host(), server.port())).collect();
        CliError::new(words.link.no_connection(shown(&servers.join(", ")), shown(&error.to_string())))
            .help(words.link.no_connection_help)
    }
}

#[cfg(test)]
mod tests {
    use nkeys::KeyPair;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
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
