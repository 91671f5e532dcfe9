//! A NATS client that can send anything: bytes on a plain TCP connection.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::{Ipv4Addr, TcpStream};

use data_encoding::BASE64URL_NOPAD;
use penutup_fleet::secret::Seed;
use serde_json::{Value, json};

use super::TIMEOUT;

#[derive(Debug)]
pub struct Raw(BufReader<TcpStream>);

impl Raw {
    /// Connects and reads the server's greeting.
    #[track_caller]
    pub fn connect(port: u16) -> (Self, Value) {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("a connection");
        stream.set_read_timeout(Some(TIMEOUT)).expect("a time limit");
        let mut raw = Self(BufReader::new(stream));
        let greeting = raw.line().expect("a greeting");
        let info = serde_json::from_str(greeting.strip_prefix("INFO ").expect("INFO")).expect("its JSON");
        (raw, info)
    }

    /// Connects and authenticates.
    #[track_caller]
    pub fn authenticated(port: u16, seed: &Seed) -> Self {
        let (mut raw, info) = Self::connect(port);
        let nonce = info["nonce"].as_str().expect("a challenge");
        let pair = seed.pair();
        let sig = BASE64URL_NOPAD.encode(&pair.sign(nonce.as_bytes()).expect("a signature"));
        let hello = json!({ "nkey": pair.public_key(), "sig": sig, "verbose": false, "pedantic": false,
            "headers": true, "protocol": 1, "lang": "raw", "version": "1" });
        raw.send(format!("CONNECT {hello}\r\nPING\r\n").as_bytes());
        assert_eq!(raw.line().as_deref(), Some("PONG"));
        raw
    }

    /// Sends bytes. A closed connection shows at the next read.
    pub fn send(&mut self, bytes: &[u8]) {
        let _ = self.0.get_mut().write_all(bytes);
    }

    /// The next line; `None` where the server closed the connection.
    #[track_caller]
    pub fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        match self.0.read_line(&mut line) {
            Ok(0) => None,
            Ok(_) => Some(line.trim_end().to_owned()),
            Err(e) if matches!(e.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => None,
            Err(e) => panic!("{e}"),
        }
    }

    /// All lines until the server closes the connection.
    #[track_caller]
    pub fn read_to_end(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.line()).collect()
    }
}
