//! kill -9 at random moments, a hundred times: every record that the journal confirmed is there, and each call that a
//! killed prompter left open is closed once.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::time::Instant;

use penutup::closing::ending::Outcome;

use super::calls::Dice;
use super::*;

/// The environment variable with the child's journal.
const PLACE: &str = "PENUTUP_TEST_CRASH";
/// The stages of a call: begun, two ticks, ended.
const STAGES: usize = 4;

fn stage(call: u64, stage: usize, round: &str) -> Record {
    let record = match stage {
        0..=2 => ticked(call, stage),
        _ => ended(call),
    };
    Record { rule: format!("{round}-{call}"), ..record }
}

/// Not a test of its own: the prompter that is killed. It sends record after record and prints "shown" when a
/// record is sent, and "kept" when the journal says that all before is written.
#[test]
fn child() {
    let Some(place) = std::env::var_os(PLACE) else { return };
    let place = place.into_string().expect("a path of the test");
    let (path, round) = place.split_once('|').expect("path and round");
    let (writer, _troubles) = start(Path::new(path));
    let say = |what: &str, call: u64, stage: usize| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "\n{what} {call} {stage}").and_then(|()| out.flush()).expect("the parent reads");
    };
    for call in 0..u64::MAX {
        for at in 0..STAGES {
            send(&writer, stage(call, at, round));
            say("shown", call, at);
            // One call in three is ticked faster than it is written.
            if call % 3 != 0 || at == STAGES - 1 {
                recap(&writer, "2100-01-01");
                say("kept", call, at);
            }
        }
    }
}

/// Call → the stage it was brought to.
type Reached = BTreeMap<u64, usize>;

/// Runs the child and kills it after so many lines. Returns what was kept, and what was shown 100 ms before.
fn run_and_kill(path: &Path, round: &str, lines: u64) -> (Reached, Reached) {
    let mut child = Command::new(std::env::current_exe().expect("this binary"))
        .args(["journal::crash::child", "--exact", "--nocapture", "--test-threads=1"])
        .env(PLACE, format!("{}|{round}", path.display()))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("this binary runs");
    let out = BufReader::new(child.stdout.take().expect("a pipe"));
    let (mut kept, mut shown) = (Reached::new(), Vec::new());
    let mut killed = None;
    for (count, line) in out.lines().map_while(Result::ok).filter(|l| l.contains(' ')).enumerate() {
        let mut words = line.split(' ');
        let (what, call, stage) = (words.next(), words.next(), words.next());
        let (Some(call), Some(stage)) = (call.and_then(|c| c.parse().ok()), stage.and_then(|s| s.parse().ok())) else {
            continue;
        };
        match what {
            Some("kept") => {
                kept.insert(call, stage);
            }
            Some("shown") if killed.is_none() => shown.push((Instant::now(), call, stage)),
            _ => {}
        }
        if count as u64 >= lines && killed.is_none() {
            // Lines still in the pipe were printed before the kill, and count.
            child.kill().expect("the child runs");
            killed = Some(Instant::now());
        }
    }
    child.wait().expect("it ended");
    let killed = killed.expect("it was killed");
    let shown_before = shown.into_iter().filter(|(at, ..)| killed - *at >= Duration::from_millis(100));
    (kept, shown_before.map(|(_, call, stage)| (call, stage)).collect())
}

#[test]
fn killed_a_hundred_times_at_random_moments() {
    let place = Place::new();
    let path = place.journal();
    let mut dice = Dice(20_261_124);
    let (mut kept_calls, mut open_calls, mut shown_long, mut missing) = (0, 0, 0, 0);
    for round in 0..100 {
        // A short run, or one so long that much was on the screen for 100 ms.
        let lines = if round % 20 == 0 { 1500 + dice.below(1500) } else { dice.below(120) };
        let name = format!("hidup-{round}");
        let (kept, shown_before) = run_and_kill(&path, &name, lines);

        let (next, troubles) = start(&path);
        settle(&next);
        let all = found(&path);
        let of_round: BTreeMap<u64, &Found> = all
            .iter()
            .filter_map(|f| Some((f.record.rule.strip_prefix(&format!("{name}-"))?.parse().ok()?, f)))
            .collect();
        assert_eq!(all.iter().filter(|f| f.outcome().is_none()).count(), 0, "round {round}: nothing is left open");
        let reached = |call: &u64| {
            of_round.get(call).map_or(-1, |f| match f.outcome() {
                Some(Outcome::Ended(Ending::Complete)) => 3,
                _ => i32::try_from(f.ticks).unwrap_or(0),
            })
        };
        for (call, stage) in &kept {
            let stage = i32::try_from(*stage).unwrap_or(0);
            assert!(reached(call) >= stage, "round {round}: call {call} was kept at {stage}: {:?}", of_round.get(call));
        }
        shown_long += shown_before.len();
        missing +=
            shown_before.iter().filter(|(call, stage)| reached(call) < i32::try_from(**stage).unwrap_or(0)).count();
        kept_calls += kept.len();
        let closed: Vec<_> = of_round.values().filter(|f| f.outcome() == Some(Outcome::ProgramClosed)).collect();
        assert!(closed.len() <= 1, "round {round}: only one call was open: {closed:?}");
        open_calls += closed.len();
        assert_eq!(place.names("seat-").len(), 1, "only the running process has a lock");
        finish(next, &troubles);
    }
    let all = found(&path);
    let mut rules: Vec<_> = all.iter().map(|f| f.record.rule.as_str()).collect();
    rules.sort_unstable();
    rules.dedup();
    assert_eq!(rules.len(), all.len(), "each call once");
    let closed = all.iter().filter(|f| f.outcome() == Some(Outcome::ProgramClosed)).count();
    assert_eq!(closed, open_calls, "a call closed in one round is unchanged in the next");
    assert!(
        kept_calls > 100 && open_calls > 10,
        "the kills happened during work: {kept_calls} kept, {open_calls} open"
    );
    // Printed, not asserted: how long a thread waits for the processor is up to the machine.
    let _ = writeln!(
        std::io::stderr(),
        "100 x kill -9: {kept_calls} calls kept, 0 missing; {open_calls} ended as aplikasi-tertutup, each once; \
         {shown_long} calls shown 100 ms before, {missing} behind"
    );
}
