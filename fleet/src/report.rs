//! `penutup-fleet report`: what the closings of all seats add up to, by the same sums as `penutup report`. The calls come
//! from the database one by one; a seat is told as `site/seat`.

use std::io::{self, Write};

use chrono::FixedOffset;
use clap::Args;
use futures_util::{StreamExt, pin_mut};
use penutup::cli::report::{Days, Form, division, told};
use penutup::diagnostics::{outside, shown};
use penutup::journal::export::Line;
use penutup::journal::merge::Calls;
use penutup::journal::read::Span;
use penutup::journal::report::{Fold, csv, span};
use penutup::journal::summary::{Rest, Row};
use penutup::words::Lang;
use tokio_postgres::Client;
use tokio_postgres::types::ToSql;

use crate::cli::{Common, print};
use crate::config::center::Center;
use crate::database::Settings;
use crate::fail::{Fail, Status};
use crate::moment;
use crate::wire::name::Name;
use crate::words::words;

/// `penutup-fleet report`.
#[derive(Debug, Args)]
pub struct Report {
    /// Which days.
    #[command(flatten)]
    pub days: Days,
    /// What it is divided by: day, hour, rule, ending, seat, or fact=….
    #[arg(long)]
    pub by: Option<String>,
    /// The form of the result.
    #[arg(long, value_enum, default_value = "text")]
    pub format: Form,
    /// Of one site only.
    #[arg(long)]
    pub site: Option<String>,
    /// The zone of days and hours, as the rules call it.
    #[arg(long)]
    pub zone: Option<String>,
}

/// Prints it.
///
/// # Errors
/// Arguments, a configuration or a database that can't be used.
pub async fn run(report: &Report, common: &Common) -> Result<Status, Fail> {
    let lang = common.lang();
    let days = report.days.checked(lang.words())?;
    let by = division(report.by.as_deref(), report.format, lang.words())?;
    let zone = moment::zone(report.zone.as_deref(), lang)?;
    let center = Center::read(&common.config("center.toml")?, lang)?;
    let site = report.site.as_deref().map(|site| of_site(site, &center, lang)).transpose()?;
    let settings = Settings::of(&center, lang)?;
    let client = settings.connect().await?;
    let source = Source { client: &client, settings: &settings, site, span: span(days.from, days.to, zone), lang };
    if report.format == Form::Csv {
        source.csv(zone).await?;
        return Ok(Status::Done);
    }
    let mut fold = Fold::new(zone);
    let calls = source
        .each("", |row, _, _, _| {
            fold.add(row);
            Ok(())
        })
        .await?;
    let sums = fold.report(calls.vocabulary());
    print(&told(&sums, report.format, days, by.as_ref(), lang.words())?, lang)?;
    Ok(Status::Done)
}

/// A site that the centre has.
///
/// # Errors
/// A name that is none of theirs; the valid ones are named.
pub fn of_site(name: &str, center: &Center, lang: Lang) -> Result<Name, Fail> {
    let found = center.sites.iter().find(|site| site.id.as_str() == name).map(|site| site.id.clone());
    found.ok_or_else(|| {
        let valid = center.sites.iter().map(|site| site.id.as_str());
        let help = penutup::diagnostics::suggest(name, valid, &lang.words().problem);
        Fail::new(words(lang).report.unknown_site(shown(name))).help(help)
    })
}

/// The calls of a span in the database.
struct Source<'c> {
    client: &'c Client,
    settings: &'c Settings,
    site: Option<Name>,
    span: Span,
    lang: Lang,
}

const CALLS: &str = "
    select site, seat, call::text from closing
    where start_ms >= $1 and start_ms < $2 and ($3::text is null or site = $3)";
const IN_ORDER: &str = " order by start_ms, id";

impl Source<'_> {
    /// Hands over each call; answers the words of all.
    async fn each(
        &self,
        order: &str,
        mut each: impl FnMut(&Row, &Rest, &str, &Calls) -> Result<(), Fail>,
    ) -> Result<Calls, Fail> {
        let fail = |error: tokio_postgres::Error| self.settings.fail(&error);
        let (from, before) = (self.span.from_ms.unwrap_or(i64::MIN), self.span.before_ms.unwrap_or(i64::MAX));
        let site = self.site.as_ref().map(Name::as_str);
        let query = [CALLS, order].concat();
        let with: [&(dyn ToSql + Sync); 3] = [&from, &before, &site];
        let rows = self.client.query_raw(&query, with).await.map_err(fail)?;
        pin_mut!(rows);
        let mut calls = Calls::default();
        while let Some(row) = rows.next().await {
            let row = row.map_err(fail)?;
            let (site, seat, text): (&str, &str, &str) = (row.get(0), row.get(1), row.get(2));
            // The archive wrote only what was checked; a hand that wrote beside it is found here.
            let odd = || Fail::new(words(self.lang).report.odd(seat, site));
            let line: Line<'_> = serde_json::from_str(text).map_err(|_| odd())?;
            let line = Line { seat: Some(format!("{site}/{seat}").into()), ..line };
            let (narrow, rest) = calls.checked(line).map_err(|_| odd())?;
            each(&narrow, &rest, text, &calls)?;
        }
        Ok(calls)
    }

    async fn csv(&self, zone: FixedOffset) -> Result<(), Fail> {
        let lang = self.lang;
        let mut out = io::BufWriter::with_capacity(1 << 16, io::stdout().lock());
        let mut gone = false;
        let mut put = |line: &str| match out.write_all(line.as_bytes()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                gone = true;
                Ok(())
            }
            other => other.map_err(|error| cannot_print(&error, lang)),
        };
        put(csv::HEADER)?;
        let mut line = String::new();
        self.each(IN_ORDER, |row, rest, detail, calls| {
            line.clear();
            csv::line(&mut line, row, rest, detail, calls.vocabulary(), zone)
                .map_err(|_| Fail::new(words(lang).report.no_detail))?;
            put(&line)
        })
        .await?;
        match out.flush() {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe && !gone => Err(cannot_print(&error, lang)),
            _ => Ok(()),
        }
    }
}

fn cannot_print(error: &io::Error, lang: Lang) -> Fail {
    Fail::new(lang.words().cli.cannot_print(outside::reason(error, lang.words())))
}
