//! Memory and processor time of a real agent that is idle.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::Stop;
use super::stage::{SITE, Stage, seat};

/// How long it is measured.
const DURATION: Duration = Duration::from_secs(30);
/// How long to wait before measuring.
const SETTLE: Duration = Duration::from_secs(5);

/// Prints SKIPPED where the program is not built, or there is no /proc.
pub fn measure(stage: &Stage) -> Result<(), Stop> {
    // target/release/examples/scale → target/release/penutup-fleet
    let program = std::env::current_exe()?.ancestors().nth(2).map(|folder| folder.join("penutup-fleet"));
    let Some(program) = program.filter(|program| program.is_file() && Path::new("/proc/self/stat").exists()) else {
        super::print_line("SKIPPED the agent: build it beside this (cargo build --release -p penutup-fleet), on Linux");
        return Ok(());
    };
    let home = stage.folder().join("home");
    let config: PathBuf = stage.out().join("seats").join(SITE).join(seat(0)).join("agent.toml");
    let mut command = Command::new(program);
    command.arg("agent").arg("--config").arg(config).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    for name in ["HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"] {
        command.env(name, home.join(name));
    }
    let mut agent = command.spawn()?;
    std::thread::sleep(SETTLE);
    if let Some(status) = agent.try_wait()? {
        return Err(format!("the agent ended: {status}").into());
    }
    let before = ticks(agent.id())?;
    std::thread::sleep(DURATION);
    let used = ticks(agent.id())? - before;
    let memory = peak(agent.id())?;
    agent.kill()?;
    agent.wait()?;
    super::print_line(&format!(
        "an idle agent: {memory:.1} MB at the most, {used} hundredths of a second of processor in {} s",
        DURATION.as_secs()
    ));
    Ok(())
}

/// Processor time of a process, in hundredths of a second.
fn ticks(process: u32) -> Result<u64, Stop> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let (_, rest) = stat.rsplit_once(')').ok_or("stat")?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let [user, system] = [11, 12].map(|at| fields.get(at).and_then(|field| field.parse::<u64>().ok()));
    Ok(user.zip(system).map(|(user, system)| user + system).ok_or("stat")?)
}

/// Peak memory of a process, in MB.
pub fn peak(process: u32) -> Result<f64, Stop> {
    let text = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("status")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1024.0)
}
