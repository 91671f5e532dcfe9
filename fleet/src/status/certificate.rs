//! Until when the servers' certificates are valid, as each shows its own in a handshake.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_nats::ServerAddr;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::ServerCertVerifier;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{ServerName, UnixTime};
use tokio_rustls::rustls::{CertificateError, ClientConfig, Error, RootCertStore};

use crate::database::tls::roots;
use crate::link::Link;

/// A server that takes longer says nothing.
const TIMEOUT: Duration = Duration::from_secs(2);
/// From then on people are told.
const SOON: TimeDelta = TimeDelta::days(30);

/// A server's certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Its host and port.
    pub server: String,
    pub until: DateTime<Utc>,
}

impl Certificate {
    /// Whole days until it ends; 0 where it has ended.
    pub fn days(&self, now: DateTime<Utc>) -> u64 {
        u64::try_from((self.until - now).num_days()).unwrap_or(0)
    }

    /// Whether it ends within thirty days.
    pub fn ends_soon(&self, now: DateTime<Utc>) -> bool {
        self.until - now < SOON
    }
}

/// What the servers showed.
#[derive(Clone, Debug, Default)]
pub struct Certificates {
    /// Those of the configured authority.
    pub shown: Vec<Certificate>,
    /// The servers that showed none.
    pub without: Vec<String>,
}

/// Nothing without TLS.
pub async fn read(link: &Link) -> Certificates {
    let mut out = Certificates::default();
    let Some(Ok(roots)) = link.ca.as_deref().map(|ca: &Path| roots(ca).map(Arc::new)) else { return out };
    let read = link.servers.iter().map(|server| async {
        let until = timeout(TIMEOUT, until(server, Arc::clone(&roots))).await;
        (format!("{}:{}", server.host(), server.port()), until.ok().and_then(Result::ok).flatten())
    });
    for (server, until) in join_all(read).await {
        match until {
            Some(until) => out.shown.push(Certificate { server, until }),
            None => out.without.push(server),
        }
    }
    out
}

async fn until(server: &ServerAddr, roots: Arc<RootCertStore>) -> io::Result<Option<DateTime<Utc>>> {
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider));
    let config = config.with_safe_default_protocol_versions().map_err(io::Error::other)?;
    let config = config.with_root_certificates(Arc::clone(&roots)).with_no_client_auth();
    let mut stream = BufReader::new(TcpStream::connect((server.host(), server.port())).await?);
    // It greets first, in plain text, and says nothing more until the handshake.
    stream.read_line(&mut String::new()).await?;
    let name = ServerName::try_from(server.host().to_owned()).map_err(io::Error::other)?;
    let connected = TlsConnector::from(Arc::new(config)).connect(name.clone(), stream.into_inner()).await;
    let stream = match connected {
        Ok(stream) => stream,
        Err(error) => return Ok(error.get_ref().and_then(|error| error.downcast_ref()).and_then(end)),
    };
    let [own, more @ ..] = stream.get_ref().1.peer_certificates().unwrap_or_default() else { return Ok(None) };
    let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider).build().map_err(io::Error::other)?;
    // The library reads the end of a certificate, but tells it only of one that has ended.
    let at_the_end_of_time = UnixTime::since_unix_epoch(Duration::from_secs(u64::MAX));
    let refused = verifier.verify_server_cert(own, more, &name, &[], at_the_end_of_time);
    Ok(refused.err().as_ref().and_then(end))
}

/// When a certificate ended that was refused for it.
fn end(error: &Error) -> Option<DateTime<Utc>> {
    let Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. }) = error else { return None };
    DateTime::from_timestamp(i64::try_from(not_after.as_secs()).ok()?, 0)
}
