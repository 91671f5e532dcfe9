//! The connection to NATS: by nkey, over TLS where the address says so, with a ping that finds a half-open link within
//! ten seconds and a back-off that does not let thousands of seats storm a server that comes back.

use std::path::PathBuf;
use std::time::Duration;

use async_nats::{Client, ConnectOptions, Event, ServerAddr};
use penutup::diagnostics::shown;
use penutup::words::Lang;

use crate::fail::Fail;
use crate::secret::Seed;
use crate::words::words;

/// Three of them unanswered, and the link is down.
const PING: Duration = Duration::from_secs(3);
/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an answer may take.
pub const ANSWER: Duration = Duration::from_secs(5);
/// The shortest and the longest wait before another try, in milliseconds.
const BACK_OFF: (u64, u64) = (250, 8_000);

/// Where to connect, and as whom.
#[derive(Debug)]
pub struct Link {
    /// The servers' addresses, `tls://` or `nats://`.
    pub servers: Vec<ServerAddr>,
    /// The authority that signed the server's certificate; `None`: the system's.
    pub ca: Option<PathBuf>,
    /// The key that answers the server's challenge.
    pub seed: Seed,
    /// The name that the server's own lists show.
    pub name: String,
    /// What our inboxes begin with: the server lets nobody else listen there.
    pub inbox: String,
}

/// How long to wait before the `attempt`th try (from 1): it doubles, and a random half of it is taken off, so that those
/// who were cut off together do not come back together.
#[must_use]
pub fn back_off(attempt: usize) -> Duration {
    let doublings = u32::try_from(attempt.saturating_sub(1)).unwrap_or(u32::MAX).min(10);
    let most = (BACK_OFF.0 << doublings).min(BACK_OFF.1);
    Duration::from_millis(fastrand::u64(most.div_ceil(2)..=most).max(BACK_OFF.0))
}

impl Link {
    fn options(&self) -> ConnectOptions {
        let options = ConnectOptions::with_nkey(self.seed.reveal().to_owned())
            .name(&self.name)
            .custom_inbox_prefix(&self.inbox)
            .ping_interval(PING)
            .connection_timeout(CONNECT)
            .request_timeout(Some(ANSWER))
            .reconnect_delay_callback(back_off)
            // Whom to connect to the configuration says. What a server names besides is learnt before it has shown its
            // certificate, and would be spoken to without TLS.
            .ignore_discovered_servers()
            .require_tls(self.ca.is_some() || self.servers.iter().any(ServerAddr::tls_required));
        match &self.ca {
            Some(ca) => options.add_root_certificates(ca.clone()),
            None => options,
        }
    }

    /// Connects once, for a verb that is to end.
    ///
    /// # Errors
    /// Why there is no connection.
    pub async fn connect(&self, lang: Lang) -> Result<Client, Fail> {
        self.options().connect(&self.servers[..]).await.map_err(|error| self.fail(&error, lang))
    }

    /// Connects, now or later, and again whenever the link was lost; `told` hears of each change. Answers at once.
    ///
    /// # Errors
    /// What no waiting would mend: a certificate that can't be read, say.
    pub async fn keep(&self, lang: Lang, told: impl Fn(Event) + Send + Sync + 'static) -> Result<Client, Fail> {
        let options = self.options().retry_on_initial_connect().event_callback(move |event| {
            told(event);
            std::future::ready(())
        });
        options.connect(&self.servers[..]).await.map_err(|error| self.fail(&error, lang))
    }

    fn fail(&self, error: &async_nats::ConnectError, lang: Lang) -> Fail {
        let words = words(lang);
        let servers: Vec<_> =
            self.servers.iter().map(|server| format!("{}:{}", server.host(), server.port())).collect();
        Fail::new(words.link.no_connection(shown(&servers.join(", ")), shown(&error.to_string())))
            .help(words.link.no_connection_help)
    }
}

#[cfg(test)]
mod tests {
    use nkeys::KeyPair;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// A link to this address, in a folder that holds its seed and its authority.
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

    /// What a server says first, where it names another one.
    fn info(other: &str) -> String {
        format!(
            "INFO {{\"server_id\":\"x\",\"server_name\":\"x\",\"version\":\"2.9.10\",\"go\":\"go1.19\",\
             \"host\":\"127.0.0.1\",\"port\":1,\"headers\":true,\"max_payload\":1048576,\"proto\":1,\
             \"nonce\":\"abcdefghijk\",\"connect_urls\":[\"{other}\"]}}\r\n"
        )
    }

    #[tokio::test]
    async fn nobody_is_sent_to_a_server_that_another_names() {
        let folder = tempfile::tempdir().unwrap();
        let (known, other) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await);
        let other = other.unwrap();
        let link = link(folder.path(), &format!("nats://{}", known.local_addr().unwrap()), None);
        let info = info(&other.local_addr().unwrap().to_string());
        let _client = link.keep(Lang::En, |_| {}).await.unwrap();
        // Each time it is cut off once it has spoken; where it goes then is what is asked.
        for _ in 0..4 {
            tokio::select! {
                came = known.accept() => {
                    let (mut stream, _) = came.unwrap();
                    stream.write_all(info.as_bytes()).await.unwrap();
                    let mut said = [0; 7];
                    stream.read_exact(&mut said).await.unwrap();
                    assert_eq!(&said, b"CONNECT");
                    stream.write_all(b"PONG\r\n").await.unwrap();
                }
                _ = other.accept() => panic!("it went where it was sent"),
            }
        }
    }

    #[tokio::test]
    async fn with_an_authority_nothing_is_said_in_plain_text() {
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
    fn nobody_storms_and_nobody_waits_for_ever() {
        for attempt in (0..40).chain([usize::MAX]) {
            for _ in 0..50 {
                let wait = back_off(attempt).as_millis();
                assert!((250..=8_000).contains(&wait), "{attempt}: {wait}");
            }
        }
        let waits: std::collections::BTreeSet<_> = (0..50).map(|_| back_off(9).as_millis()).collect();
        assert!(waits.len() > 25, "they come back at different times: {waits:?}");
    }
}
