//! The network's part of hearing the centre: a plain subscription, and a direct get of each key on connect and every half
//! a minute, for what was missed. Verifies nothing: it hands bytes to whoever is there to judge them. No thread, one
//! small future a seat.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::client::SubscribeError;
use async_nats::connection::State;
use async_nats::{Client, Event, Message, StatusCode};
use futures_util::StreamExt;
use futures_util::future::join_all;
use tokio::sync::{Notify, watch};
use tokio::time::sleep;

use super::board::{Came, Seat};
use crate::link::back_off;
use crate::wire::key::Key;
use crate::wire::subject;

/// How often the present broadcasts are asked for, in milliseconds: between these.
const EVERY: (u64, u64) = (24_000, 36_000);
/// At the least so long between two rounds that somebody asks for.
const AGAIN: Duration = Duration::from_secs(1);

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
    /// The message; its payload is what [`super::board::Board`] judges.
    pub message: Message,
    /// When.
    pub came: Came,
}

/// Who judges what comes.
pub trait Hear: Sync {
    /// Something came over the subscription. Must not wait.
    fn said(&self, letter: Letter);

    /// An answer came. May wait until there is room for it: only the asking waits with it.
    fn answered(&self, letter: Letter) -> impl Future<Output = ()> + Send;

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
    let mut failures = 0;
    loop {
        if standing.wait_for(|standing| standing.connected).await.is_err() {
            return;
        }
        standing.mark_unchanged();
        let heard = round(client, seat, hear).await;
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

/// Asks for the present broadcast of each key. Answers whether all were answered, be it by "there is none".
pub async fn round(client: &Client, seat: &Seat, hear: &impl Hear) -> bool {
    let asked = Instant::now();
    let answers = join_all(seat.keys().map(|key| async move {
        match client.request(subject::direct_get(&key), "".into()).await {
            Ok(answer) if answer.status == Some(StatusCode::NOT_FOUND) => true,
            Ok(answer) if answer.status.is_some_and(|status| status.as_u16() >= 300) => false,
            Ok(message) => {
                let came = Came { asked, at: Instant::now() };
                hear.answered(Letter { key: Some(key), message, came }).await;
                true
            }
            Err(_) => false,
        }
    }));
    answers.await.into_iter().all(|answered| answered)
}
