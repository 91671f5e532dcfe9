//! The central database: closings by day, the received numbers of each seat, refusal counts. Needs `PostgreSQL` 14 for
//! multiranges: a seat's missing numbers are then a subtraction, however many there are.

pub mod schema;
pub mod tls;
pub mod write;

use std::io;
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};
use penutup_cli_kit::diagnostics::{outside, shown, shown_reason};
use penutup_cli_kit::files::shown_path;
use penutup_cli_kit::words::Lang;
use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, NoTls};
use uuid::Uuid;

use crate::config::center;
use crate::error::CliError;
use crate::secret;
use crate::wire::closing::MissingRange;
use crate::wire::name::Name;
use crate::words::words;
use tls::Tls;

/// Read where no password file is configured, as `PostgreSQL`'s own programs do.
const PASSWORD_VARIABLE: &str = "PGPASSWORD";
/// The most ranges that are read of a gap.
const MAX_RANGES: i64 = 8;

/// Connecting to the database and its greeting may take this long.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// A network that has lost the connection is noticed within this.
const TCP_LIMIT: Duration = Duration::from_secs(15);
const KEEPALIVE: Duration = Duration::from_secs(5);

/// Connects to the database. Its `Debug` form does not show the password.
pub struct Connector {
    config: Config,
    /// `None` on a socket or the loopback, unless an authority is configured.
    tls: Option<Tls>,
    /// For messages.
    name: String,
    lang: Lang,
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

/// The numbers of a seat that are missing in the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    pub site: Name,
    pub seat: Name,
    /// The ledger's id.
    pub epoch: Uuid,
    /// How many are missing.
    pub missing: u64,
    /// The first missing ranges, both bounds included.
    pub ranges: Vec<(u64, u64)>,
}

impl Gap {
    /// The ranges to request, each of at most `max` numbers.
    pub fn requests(&self, max: u64) -> impl Iterator<Item = MissingRange> {
        let bound = move |(from, to): &(u64, u64)| (*from, (*to).min(from.saturating_add(max - 1)));
        self.ranges.iter().map(bound).map(|(from, to)| MissingRange { epoch: self.epoch, from, to })
    }
}

/// A seat of which there seem to be two, or one that was restored from a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubled {
    pub site: String,
    pub seat: String,
    pub last: DateTime<Utc>,
}

/// Closings of a seat that were refused for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedCount {
    pub site: String,
    pub seat: String,
    pub why: String,
    pub count: u64,
}

/// Whether nothing crosses a network on the way to this host: a socket's folder, or the loopback.
fn is_local(host: &str) -> bool {
    Path::new(host).is_absolute()
        || host == "localhost"
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl Connector {
    pub fn new(center: &center::Center, lang: Lang) -> Result<Self, CliError> {
        let Some(database) = &center.database else { return Err(CliError::new(words(lang).database.none)) };
        let mut config = Config::new();
        config.host(&database.host).dbname(&database.name).user(&database.user);
        config.application_name("penutup-fleet").connect_timeout(CONNECT_LIMIT).tcp_user_timeout(TCP_LIMIT);
        config.keepalives_idle(KEEPALIVE).keepalives_interval(KEEPALIVE).keepalives_retries(2);
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
        let name = shown(&format!("{}@{}", database.name, database.host));
        let w = &words(lang).database;
        let tls = match &database.ca {
            Some(ca) => {
                let why = |error| outside::reason(&error, lang.words());
                Some(Tls::new(ca).map_err(|error| CliError::new(w.bad_ca(shown_path(ca), why(error))))?)
            }
            None if is_local(&database.host) => None,
            None => return Err(CliError::new(w.no_ca(&name)).help(w.no_ca_help)),
        };
        config.ssl_mode(if tls.is_some() { SslMode::Require } else { SslMode::Disable });
        Ok(Self { config, tls, name, lang })
    }

    pub async fn connect(&self) -> Result<Client, CliError> {
        // The client's own limit ends with the TCP connection; a server that hangs accepts it, and says nothing.
        let connected = async {
            // A connection ends with its client, or with an error that the client's next statement returns.
            match self.tls.clone() {
                Some(tls) => self.config.connect(tls).await.map(|(client, connection)| {
                    tokio::spawn(connection);
                    client
                }),
                None => self.config.connect(NoTls).await.map(|(client, connection)| {
                    tokio::spawn(connection);
                    client
                }),
            }
        };
        let connected = timeout(CONNECT_LIMIT, connected).await.map_err(|_| self.silent(CONNECT_LIMIT))?;
        connected.map_err(|error| self.error(&error))
    }

    /// The error of a database that did not answer within this time.
    pub fn silent(&self, limit: Duration) -> CliError {
        let w = &words(self.lang).database;
        CliError::new(w.silent(&self.name, limit.as_secs())).help(w.silent_help)
    }

    pub fn error(&self, error: &tokio_postgres::Error) -> CliError {
        let w = &words(self.lang).database;
        if matches!(error.code(), Some(code) if [SqlState::UNDEFINED_TABLE, SqlState::UNDEFINED_COLUMN].contains(code))
        {
            return CliError::new(w.empty(&self.name)).help(w.empty_help);
        }
        // PostgreSQL's message is for its administrator; it quotes no value of ours.
        let source = || std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
        let why = error.as_db_error().map_or_else(source, |error| error.message().to_owned());
        let cause = std::error::Error::source(error).and_then(|source| source.downcast_ref::<io::Error>());
        let is_down = cause.is_some_and(|cause| {
            use io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkUnreachable, NotFound, TimedOut};
            matches!(cause.kind(), ConnectionRefused | HostUnreachable | NetworkUnreachable | NotFound | TimedOut)
        });
        CliError::new(w.failed(&self.name, shown_reason(&why))).help(if is_down { w.down_help } else { w.failed_help })
    }
}

/// The gaps below each ledger's highest number, of one site or of all. Ledgers without a gap are left out.
pub async fn gaps(client: &Client, site: Option<&Name>) -> Result<Vec<Gap>, tokio_postgres::Error> {
    let site = site.map(Name::as_str);
    let rows = client.query(GAPS, &[&site, &MAX_RANGES]).await?;
    let number = |n: i64| u64::try_from(n).unwrap_or(0);
    let gap = |row: tokio_postgres::Row| {
        let (froms, tos): (Vec<i64>, Vec<i64>) = (row.get(4), row.get(5));
        Some(Gap {
            site: Name::parse(row.get(0))?,
            seat: Name::parse(row.get(1))?,
            epoch: row.get(2),
            missing: number(row.get(3)),
            ranges: froms.into_iter().zip(tos).map(|(from, to)| (number(from), number(to))).collect(),
        })
    };
    Ok(rows.into_iter().filter_map(gap).collect())
}

/// A seat's newest ledger counts, and any other that was heard after the newest appeared: it is in use, too. What an older
/// one lacks was sent again under the newer.
const GAPS: &str = "
    select site, seat, epoch,
        (select coalesce(sum(upper(p) - lower(p)), 0)::int8 from unnest(hole) p),
        (select coalesce(array_agg(lower(p)), '{}') from (select p from unnest(hole) p limit $2) q),
        (select coalesce(array_agg(upper(p) - 1), '{}') from (select p from unnest(hole) p limit $2) q)
    from (
        select *, int8multirange(int8range(1, upper(received))) - received as hole from (
            select *, max(number) over (partition by site, seat) as newest,
                first_value(first) over (partition by site, seat order by number desc) as newest_first
            from ledger where $1::text is null or site = $1
        ) l
        where not isempty(received) and (number = newest or last > newest_first + interval '1 minute')
    ) s
    where not isempty(hole)
    order by site, seat, number";

/// A seat, a ledger's id, and the highest number of it that arrived.
pub type Highest = (String, Uuid, u64);

pub async fn highest(client: &Client, site: &Name) -> Result<Vec<Highest>, tokio_postgres::Error> {
    let query = "select seat, epoch, coalesce(upper(received) - 1, 0) from ledger where site = $1";
    let rows = client.query(query, &[&site.as_str()]).await?;
    let of = |row: &tokio_postgres::Row| (row.get(0), row.get(1), u64::try_from(row.get::<_, i64>(2)).unwrap_or(0));
    Ok(rows.iter().map(of).collect())
}

/// A seat, the id of the ledger that it reports, and when.
pub type Reported = (String, Uuid, DateTime<Utc>);

/// Notes the ledgers that a site's seats report: a new one gets its number, one that goes on after a newer appeared is
/// marked. Where the newer one has been silent, the older one is the seat's again. A report from before another ledger of
/// the seat appeared, which is read after it, is no newer ledger.
pub async fn note_ledgers(client: &Client, site: &Name, reported: &[Reported]) -> Result<(), tokio_postgres::Error> {
    let seats: Vec<&str> = reported.iter().map(|(seat, ..)| seat.as_str()).collect();
    let epochs: Vec<Uuid> = reported.iter().map(|(_, epoch, _)| *epoch).collect();
    let times: Vec<DateTime<Utc>> = reported.iter().map(|(.., at)| *at).collect();
    client.execute(NOTE_LEDGERS, &[&site.as_str(), &seats, &epochs, &times]).await?;
    client.execute(MARK_OLDER, &[&site.as_str(), &seats, &epochs, &times, &write::OLDER_LEDGER]).await?;
    client.execute(ADOPT_OLDER, &[&site.as_str(), &seats, &epochs]).await.map(|_| ())
}

const NOTE_LEDGERS: &str = "
    insert into ledger as l (site, seat, epoch, last)
    select $1, t.* from unnest($2::text[], $3::uuid[], $4::timestamptz[]) as t (seat, epoch, at)
    where not exists (select 1 from ledger n where n.site = $1 and n.seat = t.seat and n.epoch <> t.epoch and n.first >= t.at)
    on conflict (site, seat, epoch) do update set last = greatest(l.last, excluded.last)";
const MARK_OLDER: &str = "
    insert into doubled as d (site, seat, epoch, why)
    select l.site, l.seat, l.epoch, $5 from unnest($2::text[], $3::uuid[], $4::timestamptz[]) as t (seat, epoch, at)
    join ledger l on l.site = $1 and l.seat = t.seat and l.epoch = t.epoch
    where exists (select 1 from ledger n where n.site = l.site and n.seat = l.seat and n.number > l.number
        and n.first < t.at - interval '1 minute')
    on conflict (site, seat, epoch, why) do update set count = d.count + 1, last = now()";
const ADOPT_OLDER: &str = "
    update ledger l set number = nextval('ledger_number'), first = now()
    from unnest($2::text[], $3::uuid[]) as t (seat, epoch)
    where l.site = $1 and l.seat = t.seat and l.epoch = t.epoch
        and exists (select 1 from ledger n where n.site = l.site and n.seat = l.seat and n.number > l.number)
        and not exists (select 1 from ledger n where n.site = l.site and n.seat = l.seat and n.number > l.number
            and n.last > now() - interval '10 minutes')";

/// Marks ledgers that went back: their seats report a lower number than what arrived of them.
pub async fn mark_doubled(client: &Client, site: &Name, ledgers: &[(Name, Uuid)]) -> Result<(), tokio_postgres::Error> {
    let query = "
        insert into doubled as d (site, seat, epoch, why) select $1, t.seat, t.epoch, $4
        from unnest($2::text[], $3::uuid[]) as t (seat, epoch)
        on conflict (site, seat, epoch, why) do update set count = d.count + 1, last = now()";
    let seats: Vec<&str> = ledgers.iter().map(|(seat, _)| seat.as_str()).collect();
    let epochs: Vec<Uuid> = ledgers.iter().map(|(_, epoch)| *epoch).collect();
    client.execute(query, &[&site.as_str(), &seats, &epochs, &write::NUMBER_TWICE]).await.map(|_| ())
}

/// The ledgers of a site that gave numbers twice.
pub async fn to_renew(client: &Client, site: &Name) -> Result<Vec<(Name, Uuid)>, tokio_postgres::Error> {
    let query = "select seat, epoch from doubled where site = $1 and why = $2";
    let rows = client.query(query, &[&site.as_str(), &write::NUMBER_TWICE]).await?;
    Ok(rows.iter().filter_map(|row| Some((Name::parse(row.get(0))?, row.get(1)))).collect())
}

/// The seats that were marked as doubled within a day, and when last.
pub async fn doubled(client: &Client) -> Result<Vec<Doubled>, tokio_postgres::Error> {
    let query = "select site, seat, max(last) from doubled where last > now() - interval '1 day' group by site, seat order by 1, 2";
    let rows = client.query(query, &[]).await?;
    Ok(rows.iter().map(|row| Doubled { site: row.get(0), seat: row.get(1), last: row.get(2) }).collect())
}

pub async fn refused(client: &Client) -> Result<Vec<RefusedCount>, tokio_postgres::Error> {
    let rows = client.query("select site, seat, why, count from refused order by site, seat, why", &[]).await?;
    let of = |row: &tokio_postgres::Row| RefusedCount {
        site: row.get(0),
        seat: row.get(1),
        why: row.get(2),
        count: u64::try_from(row.get::<_, i64>(3)).unwrap_or(0),
    };
    Ok(rows.iter().map(of).collect())
}
