//! The network's part of hearing the centre: a plain subscription, and a direct get of each key on connect and every half
//! a minute, for what was missed. Verifies nothing: it hands bytes to whoever is there to judge them. No thread, one
//! small future a seat.
//!
//! What lies on top of a key is not always what holds: whoever has a supervisor's link key, but not the one that signs,
//! can put garbage over it, or an older broadcast once more. So whatever was put below it since the last look is handed
//! over with it, and the judge takes the newest that is signed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::client::SubscribeError;
use async_nats::connection::State;
use async_nats::{Client, Event, Message, StatusCode};
use futures_util::StreamExt;
use futures_util::future::join_all;
use tokio::sync::{Notify, watch};
use tokio::time::sleep;

use super::replica::{Came, Seat};
use crate::link::back_off;
use crate::wire::key::Key;
use crate::wire::subject;

/// How often the present broadcasts are asked for, in milliseconds: between these.
const EVERY: (u64, u64) = (24_000, 36_000);
/// At the least so long between two rounds that somebody asks for.
const AGAIN: Duration = Duration::from_secs(1);
/// The most that is looked at below the present broadcast of a key. The stream keeps 16.
const BELOW: usize = 64;

/// Up to where in the stream each key was looked through.
pub type Looked = BTreeMap<Key, u64>;

/// Whether there is a connection, as its events tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether there is one.
    pub connected: bool,
    /// How often one was made.
    pub times: u64,
}

/// What watches a connection: [`Self::told`] goes to [`crate::link::Link::keep`].
#[derive(Clone, Debug, Default)]
pub struct Connection(Arc<watch::Sender<Standing>>);

impl Connection {
    /// An event of the connection.
    pub fn told(&self, event: &Event) {
        match event {
            Event::Connected => self.0.send_modify(|s| *s = Standing { connected: true, times: s.times + 1 }),
            Event::Disconnected | Event::Closed => self.0.send_modify(|s| s.connected = false),
            _ => {}
        }
    }

    /// How the client says that it stands, where an event of it was lost in a flood of others.
    pub fn seen(&self, state: &State) {
        let connected = *state == State::Connected;
        if self.0.borrow().connected != connected {
            self.told(if connected { &Event::Connected } else { &Event::Disconnected });
        }
    }

    /// How it stands, now and later.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Standing> {
        self.0.subscribe()
    }
}

/// What came, and on which key.
#[derive(Clone, Debug)]
pub struct Letter {
    /// The key; `None` where the subject is no key's.
    pub key: Option<Key>,
    /// The message; its payload is what [`super::replica::Board`] judges.
    pub message: Message,
    /// When.
    pub came: Came,
}

/// Who judges what comes.
pub trait Hear: Sync {
    /// Something came over the subscription. Must not wait.
    fn said(&self, letter: Letter);

    /// The answers of a round came; what they say holds together. May wait until there is room for them: only the asking
    /// waits with it.
    fn answered(&self, letters: Vec<Letter>) -> impl Future<Output = ()> + Send;

    /// Whether a round of asking was answered whole.
    fn round(&self, heard: bool);
}

/// A whole receiver in one future: listens and asks for as long as the client lives.
///
/// # Errors
/// Where the subscription can't be made.
pub async fn receive(
    client: &Client,
    seat: &Seat,
    standing: watch::Receiver<Standing>,
    hear: &impl Hear,
) -> Result<(), SubscribeError> {
    let again = Notify::new();
    let (listened, ()) = tokio::join!(listen(client, seat, hear), ask(client, seat, standing, &again, hear));
    listened
}

/// Listens for as long as the client lives.
///
/// # Errors
/// Where the subscription can't be made.
pub async fn listen(client: &Client, seat: &Seat, hear: &impl Hear) -> Result<(), SubscribeError> {
    let mut said = client.subscribe(subject::heard_all(&seat.site)).await?;
    while let Some(message) = said.next().await {
        let key = subject::heard_key(&seat.site, &message.subject);
        hear.said(Letter { key, message, came: Came::unasked() });
    }
    Ok(())
}

/// Asks on every connect, every half a minute, and when `again` is rung.
pub async fn ask(
    client: &Client,
    seat: &Seat,
    mut standing: watch::Receiver<Standing>,
    again: &Notify,
    hear: &impl Hear,
) {
    let (mut failures, mut looked) = (0, Looked::new());
    loop {
        if standing.wait_for(|standing| standing.connected).await.is_err() {
            return;
        }
        standing.mark_unchanged();
        let heard = round(client, seat, &mut looked, hear).await;
        // What failed because the link went is the link's to tell.
        if standing.borrow().connected {
            hear.round(heard);
        }
        failures = if heard { 0 } else { failures + 1 };
        let pause = if heard { Duration::from_millis(fastrand::u64(EVERY.0..=EVERY.1)) } else { back_off(failures) };
        tokio::select! {
            () = sleep(pause) => {}
            () = async { tokio::join!(again.notified(), sleep(AGAIN)); } => {}
            changed = standing.changed() => if changed.is_err() { return },
        }
    }
}

/// Asks for the present broadcast of each key, and for what was put below it since the last look. Answers whether all
/// were answered, be it by "there is none".
pub async fn round(client: &Client, seat: &Seat, looked: &mut Looked, hear: &impl Hear) -> bool {
    let asked = Instant::now();
    let came = || Came { asked, at: Instant::now(), is_past: false };
    let before = &*looked;
    let answers = join_all(seat.keys().map(|key| async move {
        let Some(message) = got(client, subject::direct_get(&key), Vec::new()).await? else {
            return Some((Vec::new(), None));
        };
        let upto = sequence(&message);
        let present = Letter { key: Some(key.clone()), message, came: came() };
        // A stream that was made anew counts from the beginning.
        let from = before.get(&key).filter(|looked| Some(**looked) <= upto).map_or(1, |looked| looked + 1);
        // Where that can't be had the present one is heard all the same, and the next round looks again.
        let below = match upto {
            Some(upto) => below(client, &key, from, upto, asked).await.map(|letters| (letters, upto)),
            None => None,
        };
        let (mut letters, upto) = below.map_or((Vec::new(), None), |(letters, upto)| (letters, Some(upto)));
        letters.push(present);
        Some((letters, upto.map(|upto| (key, upto))))
    }));
    let answers = answers.await;
    let heard = answers.iter().all(Option::is_some);
    let mut letters = Vec::new();
    for (some, upto) in answers.into_iter().flatten() {
        letters.extend(some);
        looked.extend(upto);
    }
    hear.answered(letters).await;
    heard
}

/// What was put under a key from one place in the stream to before another, the oldest first; `None` where that could
/// not be looked through.
async fn below(client: &Client, key: &Key, from: u64, upto: u64, asked: Instant) -> Option<Vec<Letter>> {
    let (subject, mut from, mut letters) = (subject::put(key), from, Vec::new());
    while from < upto && letters.len() < BELOW {
        let next = serde_json::json!({ "seq": from, "next_by_subj": subject }).to_string();
        let Some(message) = got(client, subject::DIRECT_GET.to_owned(), next.into_bytes()).await? else { break };
        let at = sequence(&message).filter(|at| *at >= from)?;
        if at >= upto {
            break;
        }
        let came = Came { asked, at: Instant::now(), is_past: true };
        letters.push(Letter { key: Some(key.clone()), message, came });
        from = at + 1;
    }
    Some(letters)
}

/// A direct get: `None` where it was not answered, `Some(None)` where there is nothing.
async fn got(client: &Client, subject: String, what: Vec<u8>) -> Option<Option<Message>> {
    let message = client.request(subject, what.into()).await.ok()?;
    match message.status {
        Some(StatusCode::NOT_FOUND) => Some(None),
        Some(status) if status.as_u16() >= 300 => None,
        _ => Some(Some(message)),
    }
}

/// The place in the stream of what a direct get answered.
fn sequence(message: &Message) -> Option<u64> {
    message.headers.as_ref()?.get("Nats-Sequence")?.as_str().parse().ok()
}
