//! Batches into the database, for as long as it takes: one that is away is waited for, one that was made anew gets its
//! tables again, and a closing that it will never take does not keep back the others.

use std::collections::HashSet;

use chrono::{NaiveDate, Utc};
use penutup::words::Lang;
use tokio_postgres::{Client, Error};

use super::Stop;
use crate::cli::say;
use crate::database::schema::{self, Newer};
use crate::database::write::{Arrived, Batch, Turned, write};
use crate::database::{self, Gap, Settings};
use crate::link::back_off;
use crate::wire::name::Name;
use crate::wire::refusal::Refusal;
use crate::words::words;

/// The database, and what is known of it.
#[derive(Debug)]
pub struct Keeper {
    settings: Settings,
    client: Option<Client>,
    /// The days whose partition is there.
    days: HashSet<NaiveDate>,
    lang: Lang,
    /// What was last said of it.
    said: Option<String>,
}

/// It was not written: the program ends first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended;

/// What is wrong with the database.
enum Wrong {
    Error(Error),
    Told(String),
}

impl From<Error> for Wrong {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl Keeper {
    /// Connects when it is first needed.
    pub fn new(settings: Settings, lang: Lang) -> Self {
        Self { settings, client: None, days: HashSet::new(), lang, said: None }
    }

    /// Writes a batch, and tries again until it is written.
    ///
    /// # Errors
    /// Where the program is to end first.
    pub async fn write(&mut self, batch: Batch, stop: &mut Stop) -> Result<(), Ended> {
        // What is still to be written; a batch that is refused for what is in it comes apart here.
        let mut waiting = vec![batch];
        let mut attempt = 0;
        while let Some(batch) = waiting.pop() {
            match self.once(&batch).await {
                Ok(()) => {
                    attempt = 0;
                    self.sound();
                }
                Err(Wrong::Error(error)) if is_of_the_data(&error) => waiting.extend(apart(batch)),
                Err(wrong) => {
                    self.lost(wrong);
                    waiting.push(batch);
                    attempt += 1;
                    if !stop.wait(back_off(attempt)).await {
                        return Err(Ended);
                    }
                }
            }
        }
        Ok(())
    }

    async fn once(&mut self, batch: &Batch) -> Result<(), Wrong> {
        let today = Utc::now().date_naive();
        let mut days: HashSet<NaiveDate> = batch.closings.iter().filter_map(|c| schema::day_of(c.id, today)).collect();
        days.extend([Some(today), today.succ_opt()].into_iter().flatten());
        days.retain(|day| !self.days.contains(day));
        let client = self.client().await?;
        for day in &days {
            schema::make_day(client, *day).await?;
        }
        let change = client.transaction().await?;
        write(&change, batch).await?;
        change.commit().await?;
        self.days.extend(days);
        Ok(())
    }

    async fn client(&mut self) -> Result<&mut Client, Wrong> {
        if self.client.as_ref().is_none_or(Client::is_closed) {
            self.days.clear();
            let mut client = self.settings.connect().await.map_err(|fail| Wrong::Told(fail.message))?;
            if let Err(Newer { found }) = schema::migrate(&mut client).await? {
                let newer = words(self.lang).database.newer(found);
                return Err(Wrong::Told(newer));
            }
            self.client = Some(client);
        }
        self.client.as_mut().ok_or_else(|| Wrong::Told(String::new()))
    }

    /// What every seat of a site lacks, and how far each has come; `None` where the database is away.
    pub async fn gaps(&mut self, site: &Name) -> Option<(Vec<Gap>, Vec<(String, uuid::Uuid, u64)>)> {
        let found = async {
            let client = self.client().await?;
            Ok((database::gaps(client, Some(site)).await?, database::highest(client, site).await?))
        };
        match found.await {
            Ok(found) => Some(found),
            Err(wrong) => {
                self.lost(wrong);
                None
            }
        }
    }

    /// Says once what is wrong; the next try begins with a new connection.
    fn lost(&mut self, wrong: Wrong) {
        let why = match wrong {
            Wrong::Error(error) => self.settings.fail(&error).message,
            Wrong::Told(why) => why,
        };
        self.client = None;
        if self.said.as_ref() != Some(&why) {
            say(&why);
            self.said = Some(why);
        }
    }

    fn sound(&mut self) {
        if self.said.take().is_some() {
            say(words(self.lang).archive.writing_again);
        }
    }
}

/// Whether the database will never take this: a value that is none, a constraint that does not hold.
fn is_of_the_data(error: &Error) -> bool {
    error.code().is_some_and(|code| matches!(code.code().get(..2), Some("22" | "23")))
}

/// Halves of a batch; of a single closing, that it is refused.
fn apart(mut batch: Batch) -> Vec<Batch> {
    if batch.closings.len() > 1 {
        let rest = batch.closings.split_off(batch.closings.len() / 2);
        return vec![batch, Batch { closings: rest, refused: Vec::new() }];
    }
    let Some(Arrived { seat, epoch, seq, .. }) = batch.closings.pop() else { return Vec::new() };
    batch.refused.push(Turned { seat, why: Refusal::BadPayload, number: Some((epoch, seq)) });
    vec![batch]
}
