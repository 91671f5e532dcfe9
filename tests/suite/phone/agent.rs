//! The fleet's agent at a real prompter's socket: what it may send and when, and that it disturbs no other client.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use penutup::declaration::{Declaration, KLB, State};
use penutup::files::Folders;
use penutup::rules::BUILT_IN;
use penutup_ipc::agent::{AgentLine, NotDelivered};
use penutup_ipc::message::{Command, Rejection};
use penutup_ipc::socket_dir::SocketDir;

use super::socket::RawClient;
use super::verb::{call, prompter, sockets};
use crate::support::Home;
use crate::term::{Term, eventually};

/// Longer than a busy machine needs.
const WAIT: Duration = Duration::from_secs(20);
const FINE: &str = "{\"ignored\":[],\"bad\":null}\n";
const FLEET: &str = "{\"do\":\"fleet\"}";
const HERE: &str = "{\"do\":\"here\"}";
const RULES: &str = "{\"do\":\"rules\"}";
const DOWN: &str = "{\"do\":\"link\",\"up\":false,\"since\":\"2026-03-02T07:05:00Z\"}";
const BANNER: &str = "SPV Jakarta · gangguan transmisi";

fn bad(why: &str) -> String {
    format!("{{\"ignored\":[],\"bad\":\"{why}\"}}\n")
}

/// A declaration of KLB by the centre.
pub fn klb(version: u64, state: State) -> Declaration {
    Declaration {
        version,
        fact: KLB.into(),
        state,
        value: None,
        since: "2026-03-02T06:05:00Z".parse().expect("a time"),
        until: None,
        by: Some("SPV Jakarta".into()),
        why: Some("gangguan transmisi".into()),
    }
}

pub fn declares(version: u64, state: State) -> Command {
    Command::Klb(Box::new(klb(version, state)))
}

fn socket_dir(home: &Home) -> SocketDir {
    let runtime: PathBuf = home.path().join("run/penutup");
    SocketDir::of(&Folders { runtime: Some(runtime), ..Folders::default() }).expect("a socket folder")
}

/// An agent at the home's only prompter.
#[track_caller]
pub fn agent(home: &Home) -> AgentLine {
    AgentLine::connect(&socket_dir(home), &sockets(home)[0], WAIT).expect("it is accepted as the agent")
}

/// Asserts that the prompter still reacts to keys and calls.
#[track_caller]
fn assert_responsive(home: &Home, term: &mut Term) {
    call(home, "start nama=Siti").status(0);
    term.shows("N Siti");
    term.quits();
}

#[test]
fn a_declaration_reaches_the_screen_and_the_agent_stays() {
    let home = Home::new();
    home.write_config("settings.toml", "seat = 'meja 7'");
    let mut term = prompter(&home, &[]);
    let mut agent = agent(&home);
    assert_eq!(agent.greeting().seat.as_deref(), Some("meja 7"));
    agent.send(&Command::Link(None)).expect("it is accepted");
    // More messages than another connection may send.
    for version in 1..=80 {
        agent.send(&declares(version, if version % 2 == 0 { State::On } else { State::Off })).expect("it is accepted");
    }
    term.shows(BANNER).hides("Untuk mewujudkan PLN terbaik");
    assert!(agent.is_connected());
    call(&home, "start nama=Siti").status(0);
    term.shows("N Siti");
    assert_eq!(agent.send(&declares(81, State::Off)), Ok(()));
    term.hides("KLB AKTIF").shows("Untuk mewujudkan PLN terbaik");
    term.quits();
    eventually("the agent's notice of the end", || !agent.is_connected());
    assert_eq!(agent.send(&Command::Rules), Err(NotDelivered::Gone));
}

#[test]
fn agent_and_telephone_commands_need_their_own_connections() {
    let home = Home::new();
    let mut term = prompter(&home, &[]);
    let on = "{\"do\":\"klb\",\"klb\":{\"version\":7,\"state\":\"on\",\"since\":\"2026-03-02T06:05:00Z\"}}";
    for words in [on, HERE, RULES, DOWN, "{\"do\":\"link\",\"up\":true}"] {
        let mut client = RawClient::of(&home);
        client.read_line();
        assert_eq!((client.request(words), client.read_line()), (bad("out-of-turn"), String::new()), "{words}");
    }
    for words in [FLEET, "{\"do\":\"start\",\"set\":[[\"nama\",\"Budi\"]]}", "{\"do\":\"end\"}"] {
        let mut client = RawClient::of(&home);
        client.read_line();
        assert_eq!(client.request(FLEET), FINE);
        assert_eq!((client.request(words), client.read_line()), (bad("out-of-turn"), String::new()), "{words}");
    }
    assert!(!term.text().contains("KLB AKTIF") && !term.text().contains("Budi"), "{term:?}");
    assert_responsive(&home, &mut term);
}

#[test]
fn an_invalid_message_closes_the_agents_connection() {
    let home = Home::new();
    let mut term = prompter(&home, &[]);
    let huge = vec![b'x'; 1 << 20];
    let nested = [b"{\"do\":\"klb\",\"klb\":".to_vec(), vec![b'['; 8000], b"\n".to_vec()].concat();
    for (bytes, why) in [
        (&b"\n"[..], "garbled"),
        (b"\xff\x00\x1b[31m\n", "garbled"),
        (b"{\"do\":\"klb\",\"klb\":{}}\n", "garbled"),
        (b"{\"do\":\"link\",\"up\":false}\n", "garbled"),
        (b"{\"do\":\"fly\"}\n", "unknown"),
        (&nested, "garbled"),
        (&huge, "too-long"),
    ] {
        let mut client = RawClient::of(&home);
        client.read_line();
        assert_eq!(client.request(FLEET), FINE);
        client.send(bytes);
        let answer = client.read_line();
        assert!(answer == bad(why) || (bytes.len() > 9000 && answer.is_empty()), "{answer}");
        assert_eq!(client.read_line(), "");
    }
    assert_responsive(&home, &mut term);
}

#[test]
fn an_agent_may_be_silent_but_not_in_the_middle_of_a_line() {
    let home = Home::new();
    let mut term = prompter(&home, &[]);
    let (mut silent, mut half) = (agent(&home), RawClient::of(&home));
    half.read_line();
    // Longer than a partial line may take; the silent agent sent nothing in that time.
    half.send(b"{\"do\":\"fle");
    assert_eq!(half.read_line(), "");
    assert!(silent.is_connected());
    assert_eq!(silent.send(&declares(1, State::On)), Ok(()));
    term.shows(BANNER);
    let mut half = RawClient::of(&home);
    half.read_line();
    assert_eq!(half.request(FLEET), FINE);
    half.send(b"{\"do\":\"rules\"");
    assert_eq!(half.read_line(), "");
    assert_responsive(&home, &mut term);
}

#[test]
fn the_later_of_two_agents_replaces_the_earlier() {
    let home = Home::new();
    let mut term = prompter(&home, &[]);
    let mut first = agent(&home);
    first.send(&declares(1, State::On)).expect("it is accepted");
    term.shows(BANNER);
    let mut second = agent(&home);
    assert_eq!(first.send(&declares(2, State::Off)), Err(NotDelivered::Refused(Rejection::Taken)));
    assert!(!first.is_connected(), "the prompter closed the connection");
    drop(first);
    second.send(&Command::Rules).expect("it is accepted");
    assert!(term.text().contains("SPV Jakarta"), "{term:?}");
    second.send(&declares(3, State::Off)).expect("it is accepted");
    term.hides("KLB AKTIF");
    assert_responsive(&home, &mut term);
}

#[test]
fn claims_alone_neither_block_nor_replace_the_real_agent() {
    let home = Home::new();
    let mut term = prompter(&home, &[]);
    let claim = || {
        let mut client = RawClient::of(&home);
        client.read_line();
        assert_eq!(client.request(FLEET), FINE);
        client
    };
    let mut silent: Vec<RawClient> = (0..4).map(|_| claim()).collect();
    let mut real = agent(&home);
    real.send(&declares(1, State::On)).expect("it is accepted");
    term.shows(BANNER);
    silent.extend((0..4).map(|_| claim()));
    real.send(&declares(2, State::Off)).expect("it is accepted");
    term.hides("KLB AKTIF");
    // The silent claims end at their deadline, which the screen does not report.
    for client in &mut silent {
        assert_eq!(client.read_line(), "");
    }
    real.send(&declares(3, State::On)).expect("it is accepted");
    term.shows(BANNER);
    assert!(!term.text().contains("koneksi KLB"), "{term:?}");
    drop(real);
    term.shows("koneksi KLB: mati sejak");
    assert_responsive(&home, &mut term);
}

#[test]
fn many_agents_leave_room_for_the_telephone() {
    let home = Home::new();
    let mut term = prompter(&home, &[]);
    let mut agents: Vec<RawClient> = (0..60)
        .map(|_| {
            let mut client = RawClient::of(&home);
            client.read_line();
            assert_eq!((client.request(FLEET), client.request(HERE)), (FINE.into(), FINE.into()));
            client
        })
        .collect();
    call(&home, "start nama=Siti").status(0);
    term.shows("N Siti");
    assert_eq!(agents[59].request(HERE), FINE, "the last one counts as the agent");
    assert_ne!(agents[0].request(HERE), FINE);
    drop(agents);
    let mut agent = agent(&home);
    agent.send(&declares(1, State::On)).expect("it is accepted");
    term.shows(BANNER);
    term.quits();
}

#[test]
fn a_flood_blocks_neither_keys_nor_calls() {
    let home = Home::new();
    let mut term = prompter(&home, &[]);
    // An agent that reads no reply is disconnected.
    let mut non_reader = RawClient::of(&home);
    non_reader.read_line();
    assert_eq!(non_reader.request(FLEET), FINE);
    let lines = format!("{DOWN}\n{RULES}\n").repeat(20_000);
    let non_reader = std::thread::spawn(move || {
        non_reader.send(lines.as_bytes());
        while !non_reader.read_line().is_empty() {}
    });
    non_reader.join().expect("it is disconnected");
    // An agent that reads its replies is served, command after command.
    let mut reader = RawClient::of(&home);
    reader.read_line();
    assert_eq!(reader.request(FLEET), FINE);
    let stop = Arc::new(AtomicBool::new(false));
    let should_stop = Arc::clone(&stop);
    let reader = std::thread::spawn(move || {
        let mut answers = 0;
        while !should_stop.load(Ordering::Relaxed) {
            assert_eq!(reader.request(if answers % 2 == 0 { DOWN } else { RULES }), FINE);
            answers += 1;
        }
        answers
    });
    term.shows("pusat: putus sejak");
    term.send("k").shows("KLB AKTIF sejak 14.20");
    term.send("k").hides("KLB AKTIF");
    call(&home, "start nama=Siti").status(0);
    term.shows("N Siti");
    stop.store(true, Ordering::Relaxed);
    assert!(reader.join().expect("it was answered to the end") > 0);
    term.quits();
}

#[test]
fn an_older_prompter_without_agents_is_recognised() {
    let home = Home::new();
    assert_eq!(
        AgentLine::connect(&socket_dir(&home), &home.path().join("run/penutup/1-0.sock"), WAIT).map(|_| ()),
        Err(NotDelivered::Gone)
    );
    // A prompter of an earlier version, which has no commands for an agent.
    std::fs::create_dir_all(home.path().join("run/penutup")).expect("a folder");
    let path = home.path().join("run/penutup/2-0.sock");
    let listener = std::os::unix::net::UnixListener::bind(&path).expect("a socket");
    let older = std::thread::spawn(move || {
        use std::io::{BufRead as _, BufReader, Write as _};
        let (mut stream, _) = listener.accept().expect("a connection");
        stream.write_all(b"{\"penutup\":1,\"seat\":null,\"idle\":5}\n").expect("the agent is connected");
        let mut command = String::new();
        BufReader::new(&stream).read_line(&mut command).expect("a line");
        stream.write_all(bad("unknown").as_bytes()).expect("the agent is connected");
        command
    });
    assert_eq!(
        AgentLine::connect(&socket_dir(&home), &path, WAIT).map(|_| ()),
        Err(NotDelivered::Refused(Rejection::Unknown))
    );
    assert_eq!(older.join().expect("it ends"), format!("{FLEET}\n"));
}

/// Writes a file of the agent's folder.
fn deliver(home: &Home, file: &str, text: impl AsRef<[u8]>) {
    penutup::files::write(&home.state("broadcast").join(file), text.as_ref()).expect("it is written");
}

fn deliver_klb(home: &Home, klb: &Declaration) {
    deliver(home, "klb.toml", klb.to_table().to_string());
}

/// The built-in rules as the next revision.
fn rules(revision: &str) -> String {
    BUILT_IN.replace("\"Rev-1\"", &format!("\"{revision}\""))
}

#[test]
fn the_screen_shows_since_when_the_centre_is_unreachable() {
    let home = Home::new();
    let mut term = prompter(&home, &[]);
    assert!(!term.text().contains("pusat"), "{term:?}");
    let mut line = agent(&home);
    line.send(&declares(1, State::On)).expect("it is accepted");
    term.shows(BANNER);
    let since = chrono::Utc::now() - chrono::TimeDelta::minutes(1);
    line.send(&Command::Link(Some(since))).expect("it is accepted");
    term.shows("pusat: putus sejak").shows(BANNER);
    line.send(&Command::Link(None)).expect("it is accepted");
    term.hides("pusat: putus").shows(BANNER);
    line.send(&Command::WrongClock(-300)).expect("it is accepted");
    term.shows("jam komputer ini 5 menit lebih lambat").shows(BANNER);
    line.send(&Command::Link(None)).expect("it is accepted");
    term.hides("lebih lambat").shows(BANNER);
    line.send(&Command::WrongClock(300)).expect("it is accepted");
    term.shows("jam komputer ini 5 menit lebih cepat").shows(BANNER);
    drop(line);
    term.shows("koneksi KLB: mati sejak 14.2").shows(BANNER);
    assert!(!term.text().contains("lebih cepat"), "{term:?}");
    // A second agent connects and the first disconnects: no end is reported.
    let (first, mut second) = (agent(&home), agent(&home));
    term.hides("koneksi KLB");
    drop(first);
    second.send(&declares(2, State::Off)).expect("it is accepted");
    term.hides("KLB AKTIF");
    assert!(!term.text().contains("koneksi KLB"), "{term:?}");
    let english = Home::new();
    let mut english_term = Term::start(&english.penutup(["--at", "14:20", "--lang", "en"]).command());
    eventually("its socket", || !sockets(&english).is_empty());
    let mut english_agent = agent(&english);
    english_agent.send(&Command::Link(Some(since))).expect("it is accepted");
    english_term.shows("centre: lost since");
    english_agent.send(&Command::WrongClock(7_200)).expect("it is accepted");
    english_term.shows("this computer's clock is 2 h fast");
    drop(english_agent);
    english_term.shows("fleet agent not running since 14:2");
    english_term.quits();
    drop(second);
    term.shows("koneksi KLB: mati");
    term.quits();
}

#[test]
fn a_cso_may_differ_and_a_start_loads_earlier_declarations() {
    let home = Home::new();
    deliver_klb(&home, &klb(1, State::On));
    let mut term = prompter(&home, &[]);
    term.shows(BANNER).hides("Untuk mewujudkan PLN terbaik");
    assert!(!term.text().contains("koneksi KLB"), "no agent has connected yet:\n{term:?}");
    term.send("k").shows("dari supervisor: KLB AKTIF");
    let mut line = agent(&home);
    line.send(&declares(1, State::On)).expect("it is accepted");
    term.rest().send("s").shows("Closing lengkap");
    assert!(term.text().contains("dari supervisor:"), "the same declaration again is not reported:\n{term:?}");
    term.send(" ").shows("Panggilan selesai");
    term.quits();
    let mut term = prompter(&home, &[]);
    term.shows("dari supervisor: KLB AKTIF");
    term.quits();
    let export = home.penutup(["journal", "export"]).ok();
    assert!(export.contains("\"ending\":\"lengkap\"") && export.contains("\"differs\":[\"klb\"]"), "{export}");
    // Delivered while no prompter was open.
    deliver_klb(&home, &klb(2, State::On));
    let mut term = prompter(&home, &[]);
    term.shows(BANNER).hides("dari supervisor:");
    term.quits();
    deliver(&home, "klb.toml", "version = 3\nstate = ");
    let mut term = prompter(&home, &[]);
    term.shows("! KLB di sini tetap").shows(BANNER).send("?").shows("klb.toml tidak dapat dipakai").send("?");
    term.quits();
}

#[test]
fn the_agents_first_rules_are_loaded_while_the_prompter_runs() {
    for own in [None, Some(rules("Rev-milik"))] {
        let home = Home::new();
        if let Some(own) = &own {
            home.write_config("rules.toml", own);
        }
        let mut term = prompter(&home, &[]);
        let mut line = agent(&home);
        term.send(" ");
        deliver(&home, "rules.toml", rules("Rev-pusat").replace("ayo download", "mari unduh"));
        line.send(&Command::Rules).expect("it is accepted");
        // A closing is never spoken from two revisions.
        term.shows("SOP Rev-pusat mulai panggilan berikutnya").shows("ayo download");
        term.send("s").shows("Closing lengkap");
        term.rest().send("\r").shows("Panggilan selesai").shows("SOP Rev-pusat").shows("mari unduh");
        term.send("d").shows("mari unduh").send("d");
        let out = home.penutup(["paths"]).ok();
        assert!(out.contains("broadcast/rules.toml") && out.contains("(dikirim pusat)"), "{out}");
        assert!(out.contains("(aturan dan KLB yang dikirim pusat)"), "{out}");
        // Bad rules, then none: the last good ones stay in force, which is reported.
        deliver(&home, "rules.toml", "schema = 1\nrusak");
        line.send(&Command::Rules).expect("it is accepted");
        term.shows("rules.toml:2").shows("SOP Rev-pusat");
        std::fs::remove_file(home.state("broadcast").join("rules.toml")).expect("it is there");
        line.send(&Command::Rules).expect("it is accepted");
        term.shows("Berkas aturan hilang; aturan terakhir tetap dipakai.").shows("SOP Rev-pusat");
        deliver(&home, "rules.toml", rules("Rev-baru"));
        line.send(&Command::Rules).expect("it is accepted");
        term.shows("Aturan baru berlaku: SOP Rev-baru").hides("Berkas aturan hilang");
        term.quits();
        let mut term = prompter(&home, &[]);
        term.shows("SOP Rev-baru");
        term.quits();
    }
}

#[test]
fn named_rules_take_precedence_over_the_agents() {
    let home = Home::new();
    deliver(&home, "rules.toml", rules("Rev-pusat"));
    home.write_config("rules.toml", rules("Rev-milik"));
    let named = home.write("bernama.toml", rules("Rev-nama"));
    let mut term = prompter(&home, &["--rules", named.to_str().expect("UTF-8")]);
    term.shows("SOP Rev-nama");
    let mut line = agent(&home);
    deliver(&home, "rules.toml", rules("Rev-lain"));
    line.send(&Command::Rules).expect("it is accepted");
    home.write("bernama.toml", rules("Rev-akhir"));
    line.send(&Command::Rules).expect("it is accepted");
    term.shows("SOP Rev-akhir");
    assert!(!term.text().contains("Rev-lain"), "{term:?}");
    term.quits();
    home.write_config("settings.toml", "rules = '../../bernama.toml'");
    assert!(home.penutup(["paths"]).ok().contains("(dari pengaturan)"));
}

#[test]
fn without_an_agent_nothing_about_it_is_shown_or_created() {
    let home = Home::new();
    let mut term = prompter(&home, &[]);
    term.quits();
    assert!(!home.state("broadcast").exists());
    let out = home.penutup(["paths"]).ok();
    assert!(!out.contains("/broadcast") && !out.contains("dikirim pusat"), "{out}");
}
