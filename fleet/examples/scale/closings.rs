//! Closings per second: several seats, in a child process, send as fast as the stream acknowledges.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use async_nats::HeaderMap;
use async_nats::header::NATS_MESSAGE_ID;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use penutup_cli_kit::words::Lang;
use penutup_fleet::wire::closing::Closing;
use penutup_fleet::wire::subject;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::Stop;
use super::stage::{Stage, agent, runtime};

const SENDERS: usize = 20;
/// The most unacknowledged closings of a seat, as in the agent.
const WINDOW: usize = 256;

/// A call as the journal exports it.
const CALL: &str = r#"{"id":"ID","version":4,"start_ms":1772431500000,"end_ms":1772431560000,"changed_ms":1772431560000,"ending":"lengkap","seat":"a01","zone":"WIB","greeting":"siang","rule":"kalimat-lengkap-1","revision":"Rev-1","rules_sha256":"0000000000000000000000000000000000000000000000000000000000000000","cost":[],"facts":[["klb","tidak",null],["topik","lain",1772431510000],["aplikasi","belum-ditanya",null]],"steps":[["campaign-integritas",true,1772431530000,0,false,["Akurasi"]],["download",true,1772431540000,0,false,["Akurasi","Salam Penutup","FCR"]],["terima-kasih",true,1772431550000,0,false,["Salam Penutup"]]]}"#;

pub fn measure(stage: &Stage, seconds: u64) -> Result<(), Stop> {
    let before = stage.closings()?;
    let out =
        Command::new(std::env::current_exe()?).arg("closings").arg(stage.out()).arg(seconds.to_string()).output()?;
    if !out.status.success() {
        return Err(String::from_utf8_lossy(&out.stderr).into_owned().into());
    }
    let output = String::from_utf8(out.stdout)?;
    let (acknowledged, micros) = output.trim().split_once(' ').ok_or("COUNT MICROSECONDS")?;
    let (acknowledged, micros): (u64, u64) = (acknowledged.parse()?, micros.parse()?);
    let stored = stage.closings()? - before;
    if stored != acknowledged {
        return Err(format!("{acknowledged} acknowledged, {stored} in the stream").into());
    }
    let per_second = u128::from(acknowledged) * 1_000_000 / u128::from(micros.max(1));
    super::print_line(&format!(
        "closings: {per_second} a second acknowledged ({acknowledged} from {SENDERS} seats, {} bytes each; as many in the stream)",
        CALL.len()
    ));
    Ok(())
}

/// The sending process.
pub fn child(args: &[String]) -> Result<(), Stop> {
    let [out, seconds] = args else { return Err("closings FOLDER SECONDS".into()) };
    let (out, seconds) = (Path::new(out), Duration::from_secs(seconds.parse()?));
    runtime()?.block_on(async {
        let started = Instant::now();
        let senders = (0..SENDERS).map(|number| send(out, number, started + seconds));
        let sent = futures_util::future::try_join_all(senders).await?;
        super::print_line(&format!("{} {}", sent.iter().sum::<u64>(), started.elapsed().as_micros()));
        Ok(())
    })
}

async fn send(out: &Path, number: usize, until: Instant) -> Result<u64, Stop> {
    let agent = agent(out, number)?;
    let client = agent.link.connect(Lang::En).await.map_err(|error| error.message)?;
    let stream = async_nats::jetstream::new(client);
    let subject = subject::closing(&agent.site, &agent.seat);
    let epoch = Uuid::now_v7();
    let mut waiting = FuturesUnordered::new();
    let (mut seq, mut acknowledged) = (0, 0);
    while Instant::now() < until {
        seq += 1;
        let id = Uuid::now_v7().to_string();
        let call = RawValue::from_string(CALL.replace("ID", &id))?;
        let mut headers = HeaderMap::new();
        headers.insert(NATS_MESSAGE_ID, id.as_str());
        let bytes = Closing { schema: 1, epoch, seq, call: &call }.to_bytes();
        let ack = stream.publish_with_headers(subject.clone(), headers, bytes.into()).await?;
        waiting.push(ack.into_future());
        if waiting.len() >= WINDOW && waiting.next().await.transpose()?.is_some() {
            acknowledged += 1;
        }
    }
    while waiting.next().await.transpose()?.is_some() {
        acknowledged += 1;
    }
    Ok(acknowledged)
}
