//! Invented closings, in the journal's export format.

use std::time::{Duration, Instant};

use async_nats::{Client, HeaderMap};
use penutup_fleet::wire::name::Name;
use penutup_fleet::wire::subject;
use serde_json::{Value, json};
use uuid::Uuid;

use super::TIMEOUT;

pub fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

/// An exported call that ended; each `n` gives other facts, endings and times.
pub fn call(id: Uuid, version: u64, seat: &str, n: u64) -> Value {
    let endings = ["lengkap", "pelanggan-menutup", "dialihkan"];
    let start = 1_795_507_200_000 + n * 61_000;
    let is_whole = n.is_multiple_of(3);
    let nth = usize::try_from(n).expect("a small number");
    let (klb, topik) = (["ya", "tidak"][nth % 2], ["lain", "campaign"][nth / 2 % 2]);
    json!({
        "id": id, "version": version, "start_ms": start, "end_ms": start + 1_000 * (20 + n % 200),
        "changed_ms": start + 300_000, "ending": endings[nth % 3], "seat": seat, "zone": "WIB",
        "greeting": "siang", "rule": format!("aturan-{}", n % 4), "revision": "Rev-1", "rules_sha256": "ab12",
        "cost": if is_whole { vec![] } else { vec!["Akurasi", "FCR"] },
        "facts": [["klb", klb, null], ["topik", topik, start]],
        "steps": [["download", true, start + 5_000, 0, false, []],
                  ["terima-kasih", true, null, 0, !is_whole, ["Akurasi"]]],
    })
}

/// A closing message with this call.
pub fn message(epoch: Uuid, seq: u64, call: &Value) -> Vec<u8> {
    serde_json::to_vec(&json!({ "schema": 1, "epoch": epoch, "seq": seq, "call": call })).expect("JSON")
}

/// Sends a message once; `None` without an acknowledgement.
pub async fn send(client: &Client, subject: &str, id: &str, bytes: &[u8]) -> Option<()> {
    send_within(TIMEOUT, client, subject, id, bytes).await
}

async fn send_within(limit: Duration, client: &Client, subject: &str, id: &str, bytes: &[u8]) -> Option<()> {
    let mut headers = HeaderMap::new();
    headers.insert("Nats-Msg-Id", id);
    let asked = client.request_with_headers(subject.to_owned(), headers, bytes.to_vec().into());
    let answer = tokio::time::timeout(limit, asked).await.ok()?.ok()?;
    let answer: Value = serde_json::from_slice(&answer.payload).ok()?;
    answer.get("error").is_none().then_some(())
}

/// Sends a seat's closing until it is acknowledged.
pub async fn close(client: &Client, site: &str, seat: &str, epoch: Uuid, seq: u64, call: &Value) {
    let subject = subject::closing(&name(site), &name(seat));
    let id = format!("{}.{}", call["id"].as_str().expect("an id"), call["version"]);
    let bytes = message(epoch, seq, call);
    let start = Instant::now();
    while send_within(Duration::from_secs(2), client, &subject, &id, &bytes).await.is_none() {
        assert!(start.elapsed() < TIMEOUT, "no acknowledgement in time");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
