//! The central database: closings by day, what of each seat's has arrived, what was refused. `PostgreSQL` 14 or newer, for
//! its ranges of ranges: which of a seat's closings are missing is then a subtraction, however many there are.

pub mod schema;
pub mod write;

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use penutup::diagnostics::shown;
use penutup::words::Lang;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, NoTls};
use uuid::Uuid;

use crate::config::center;
use crate::fail::Fail;
use crate::secret;
use crate::wire::closing::Missing;
use crate::wire::name::Name;
use crate::words::words;

/// The variable that holds the password where no file does, as `PostgreSQL`'s own programs read it.
const PASSWORD_VARIABLE: &str = "PGPASSWORD";
/// The most pieces of a gap that are looked at.
const PIECES: i64 = 8;

/// The settings of a connection; its password was read, and shows itself to nobody.
pub struct Settings {
    config: Config,
    shown: String,
    lang: Lang,
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown)
    }
}

/// What a seat lacks in the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The site.
    pub site: Name,
    /// The seat.
    pub seat: Name,
    /// The newest ledger of the seat.
    pub epoch: Uuid,
    /// The highest number that has arrived.
    pub highest: u64,
    /// How many below it have not.
    pub missing: u64,
    /// The first pieces of them: from and to, both in it.
    pub pieces: Vec<(u64, u64)>,
}

impl Gap {
    /// What to ask the seat for, in portions that it sends at once.
    pub fn asks(&self, most: u64) -> impl Iterator<Item = Missing> {
        let bound = move |(from, to): &(u64, u64)| (*from, (*to).min(from.saturating_add(most - 1)));
        self.pieces.iter().map(bound).map(|(from, to)| Missing { epoch: self.epoch, from, to })
    }
}

/// What a seat sent that was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedCount {
    /// The site.
    pub site: String,
    /// The seat.
    pub seat: String,
    /// Why.
    pub why: String,
    /// How often.
    pub count: u64,
    /// When last.
    pub last: DateTime<Utc>,
}

impl Settings {
    /// From the centre's configuration.
    ///
    /// # Errors
    /// Where it names no database, or a file with the password that can't be used.
    pub fn of(center: &center::Center, lang: Lang) -> Result<Self, Fail> {
        let Some(database) = &center.database else { return Err(Fail::new(words(lang).database.none)) };
        let mut config = Config::new();
        config.host(&database.host).dbname(&database.name).user(&database.user);
        config.application_name("penutup-fleet").connect_timeout(std::time::Duration::from_secs(5));
        if let Some(port) = database.port {
            config.port(port);
        }
        let password = match &database.password_file {
            Some(file) => Some(secret::read(file, lang)?.trim_end_matches(['\r', '\n']).to_owned()),
            None => std::env::var(PASSWORD_VARIABLE).ok(),
        };
        if let Some(password) = password {
            config.password(password);
        }
        let mut shown = String::new();
        let _ = write!(shown, "{}@{}", database.name, database.host);
        Ok(Self { config, shown: penutup::diagnostics::shown(&shown), lang })
    }

    /// Connects.
    ///
    /// # Errors
    /// Why there is no connection.
    pub async fn connect(&self) -> Result<Client, Fail> {
        let (client, connection) = self.config.connect(NoTls).await.map_err(|error| self.fail(&error))?;
        // It ends with the client, or with an error that the client's next statement tells.
        tokio::spawn(connection);
        Ok(client)
    }

    /// A failure, in the user's language.
    #[must_use]
    pub fn fail(&self, error: &tokio_postgres::Error) -> Fail {
        let w = &words(self.lang).database;
        if error.code() == Some(&SqlState::UNDEFINED_TABLE) {
            return Fail::new(w.empty(&self.shown)).help(w.empty_help);
        }
        // PostgreSQL's own words: they are for whoever runs it. None of them quotes a value of ours.
        let below = || std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
        let why = error.as_db_error().map_or_else(below, |error| error.message().to_owned());
        Fail::new(w.failed(&self.shown, shown(&why))).help(w.failed_help)
    }
}

/// What is missing below the highest number of every seat of a site, or of all; seats that lack nothing are left out.
///
/// # Errors
/// What `PostgreSQL` says.
pub async fn gaps(client: &Client, site: Option<&Name>) -> Result<Vec<Gap>, tokio_postgres::Error> {
    let site = site.map(Name::as_str);
    let rows = client.query(GAPS, &[&site, &PIECES]).await?;
    let number = |n: i64| u64::try_from(n).unwrap_or(0);
    let gap = |row: tokio_postgres::Row| {
        let (froms, tos): (Vec<i64>, Vec<i64>) = (row.get(5), row.get(6));
        Some(Gap {
            site: Name::parse(row.get(0))?,
            seat: Name::parse(row.get(1))?,
            epoch: row.get(2),
            highest: number(row.get(3)),
            missing: number(row.get(4)),
            pieces: froms.into_iter().zip(tos).map(|(from, to)| (number(from), number(to))).collect(),
        })
    };
    Ok(rows.into_iter().filter_map(gap).collect())
}

const GAPS: &str = "
    select site, seat, epoch, upper(received) - 1,
        (select coalesce(sum(upper(p) - lower(p)), 0)::int8 from unnest(hole) p),
        (select coalesce(array_agg(lower(p)), '{}') from (select p from unnest(hole) p limit $2) q),
        (select coalesce(array_agg(upper(p) - 1), '{}') from (select p from unnest(hole) p limit $2) q)
    from (
        select *, int8multirange(int8range(1, upper(received))) - received as hole from seat
        where ($1::text is null or site = $1) and received <> int8multirange(int8range(1, upper(received)))
    ) s
    order by site, seat";

/// The highest number that has arrived of every seat of a site, by its newest ledger.
///
/// # Errors
/// What `PostgreSQL` says.
pub async fn highest(client: &Client, site: &Name) -> Result<Vec<(String, Uuid, u64)>, tokio_postgres::Error> {
    let query = "select seat, epoch, upper(received) - 1 from seat where site = $1";
    let rows = client.query(query, &[&site.as_str()]).await?;
    let of = |row: &tokio_postgres::Row| (row.get(0), row.get(1), u64::try_from(row.get::<_, i64>(2)).unwrap_or(0));
    Ok(rows.iter().map(of).collect())
}

/// What was refused.
///
/// # Errors
/// What `PostgreSQL` says.
pub async fn refused(client: &Client) -> Result<Vec<RefusedCount>, tokio_postgres::Error> {
    let rows = client.query("select site, seat, why, count, last from refused order by site, seat, why", &[]).await?;
    let of = |row: &tokio_postgres::Row| RefusedCount {
        site: row.get(0),
        seat: row.get(1),
        why: row.get(2),
        count: u64::try_from(row.get::<_, i64>(3)).unwrap_or(0),
        last: row.get(4),
    };
    Ok(rows.iter().map(of).collect())
}
