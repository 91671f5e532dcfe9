//! Hostile, huge, half and slow messages on the socket of a real prompter: they cost their sender the connection.

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::verb::{call, prompter, sockets};
use crate::support::Home;

/// Somebody at the prompter's socket.
pub struct Visitor {
    stream: UnixStream,
    lines: BufReader<UnixStream>,
}

impl Visitor {
    #[track_caller]
    pub fn of(home: &Home) -> Self {
        let stream = UnixStream::connect(&sockets(home)[0]).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a time limit");
        let lines = BufReader::new(stream.try_clone().expect("a second handle"));
        Self { stream, lines }
    }

    pub fn says(&mut self, bytes: &[u8]) {
        // It may hang up in the middle.
        let _ = self.stream.write_all(bytes);
    }

    /// Says something, and hears what is answered.
    #[track_caller]
    pub fn asks(&mut self, text: &str) -> String {
        self.says(format!("{text}\n").as_bytes());
        self.hears()
    }

    /// The next line; empty where it hung up.
    #[track_caller]
    pub fn hears(&mut self) -> String {
        let mut line = String::new();
        match self.lines.read_line(&mut line) {
            Ok(_) => line,
            Err(e) if e.kind() == ErrorKind::ConnectionReset => String::new(),
            Err(e) => panic!("{e}"),
        }
    }
}

#[test]
fn it_speaks_first_and_answers_line_by_line() {
    let home = Home::new();
    home.write("config/penutup/settings.toml", "seat = 'meja 7'");
    let mut term = prompter(&home, &[]);
    let mut visitor = Visitor::of(&home);
    let greeting = visitor.hears();
    assert!(greeting.starts_with("{\"penutup\":1,\"seat\":\"meja 7\",\"idle\":"), "{greeting}");
    visitor.says(b"{\"do\":\"start\",\"set\":[[\"nama\",\"Siti\"],[\"x\",\"y\"]],\"later\":{}}\n");
    assert_eq!(visitor.hears(), "{\"ignored\":[{\"key\":\"x\",\"why\":\"unknown-key\"}],\"bad\":null}\n");
    term.shows("[N] Siti");
    visitor.says(b"{\"do\":\"set\",\"set\":[[\"nama\",\"Budi\"]]}\n{\"do\":\"end\"}\n");
    assert_eq!((visitor.hears(), visitor.hears()), (visitor_is_fine(), visitor_is_fine()));
    term.shows("Mengapa panggilan berakhir?");
}

fn visitor_is_fine() -> String {
    "{\"ignored\":[],\"bad\":null}\n".into()
}

#[test]
fn what_is_no_message_is_answered_and_hung_up_on() {
    let home = Home::new();
    let mut term = prompter(&home, &[]);
    let huge = vec![b'x'; 1 << 20];
    let deep = [vec![b'['; 8000], b"\n".to_vec()].concat();
    for (bytes, bad) in [
        (&b"\n"[..], "garbled"),
        (b"hello\n", "garbled"),
        (b"\xff\x00\x1b[31m\n", "garbled"),
        (&deep, "garbled"),
        (b"{\"do\":\"fly\"}\n", "unknown"),
        (b"{\"do\":\"klb\"}\n", "garbled"),
        (&huge, "too-long"),
    ] {
        let mut visitor = Visitor::of(&home);
        visitor.hears();
        visitor.says(bytes);
        let answer = visitor.hears();
        // Who is still sending when it hangs up may not hear why.
        assert!(answer.contains(bad) || (bytes.len() > 9000 && answer.is_empty()), "{answer}");
        assert_eq!(visitor.hears(), "");
    }
    call(&home, "start nama=Siti").status(0);
    term.shows("[N] Siti");
}

#[test]
fn who_is_slow_holds_nobody_and_is_hung_up_on() {
    let home = Home::new();
    let mut term = prompter(&home, &[]);
    let mut slow: Vec<Visitor> = (0..10).map(|_| Visitor::of(&home)).collect();
    for visitor in &mut slow {
        visitor.says(b"{\"do\":\"start\",");
    }
    call(&home, "start nama=Siti").status(0);
    term.shows("[N] Siti");
    for visitor in &mut slow {
        assert!(visitor.hears().contains("penutup"));
        assert_eq!(visitor.hears(), "", "half a message is none");
    }
    term.shows("[N] Siti");
}

#[test]
fn more_than_fit_are_turned_away_and_then_there_is_room_again() {
    let home = Home::new();
    let mut term = prompter(&home, &[]);
    let crowd: Vec<Visitor> = (0..200).map(|_| Visitor::of(&home)).collect();
    let mut greeted = 0;
    for mut visitor in crowd {
        greeted += usize::from(visitor.hears().contains("penutup"));
        let _ = visitor.stream.read(&mut [0; 16]);
    }
    assert!(greeted >= 32, "{greeted}");
    call(&home, "start nama=Siti").status(0);
    term.shows("[N] Siti");
    term.quits();
}
