//! `penutup-fleet report`: `penutup report` over the closings of all seats. Calls are streamed from the database; a seat is
//! printed as `site/seat`. Zones and names of lost scores are those of the built-in rules.

use std::io::{self, Write};
use std::time::Duration;

use chrono::FixedOffset;
use clap::Args;
use futures_util::{StreamExt, pin_mut};
use penutup_cli_kit::report::{Days, Form, csv, parse_by, render};
use penutup_journal::merge::Calls;
use penutup_journal::read::Span;
use penutup_journal::record::Record;
use penutup_journal::report::{ReportBuilder, span};
use penutup_journal::summary::CallSummary;
use penutup_rules::loaded::LoadedRules;

use penutup_cli_kit::words::Lang;
use tokio::time::timeout;
use tokio_postgres::Client;
use tokio_postgres::types::ToSql;

use crate::cli::{Common, print, printed};
use crate::config::center::Center;
use crate::database::Connector;
use crate::error::{CliError, ExitStatus};
use crate::time;
use crate::wire::name::Name;
use crate::words::words;

/// `penutup-fleet report`.
#[derive(Debug, Args)]
pub struct Report {
    #[command(flatten)]
    pub days: Days,
    /// Group by day, hour, rule, ending, seat, or fact=….
    #[arg(long)]
    pub by: Option<String>,
    #[arg(long, value_enum, default_value = "text")]
    pub format: Form,
    /// One site only.
    #[arg(long)]
    pub site: Option<String>,
    /// The time zone of days and hours, by its name in the rules.
    #[arg(long)]
    pub zone: Option<String>,
}

pub async fn run(report: &Report, common: &Common) -> Result<ExitStatus, CliError> {
    let lang = common.lang();
    let days = report.days.checked(lang.words())?;
    let by = parse_by(report.by.as_deref(), report.format, lang.words())?;
    let zone = time::zone(report.zone.as_deref(), lang)?;
    let center = Center::read(&common.config("center.toml")?, lang)?;
    let site = report.site.as_deref().map(|site| center.find_site(site, lang)).transpose()?;
    let connector = Connector::new(&center, lang)?;
    let client = connector.connect().await?;
    let calls = CallQuery { client: &client, connector: &connector, site, span: span(days.from, days.to, zone), lang };
    if report.format == Form::Csv {
        calls.csv(zone).await?;
        return Ok(ExitStatus::Done);
    }
    let mut builder = ReportBuilder::new(zone);
    let add = |summary: &CallSummary, _: &Record| {
        builder.add(summary);
        Ok(())
    };
    let all = calls.for_each("", add).await?;
    let sums = builder.report(all.texts());
    let rules = LoadedRules::built_in().rules;
    print(&render(&sums, report.format, days, by.as_ref(), &rules, lang.words())?, lang)?;
    Ok(ExitStatus::Done)
}

/// The calls of a time span in the database.
struct CallQuery<'c> {
    client: &'c Client,
    connector: &'c Connector,
    site: Option<Name>,
    span: Span,
    lang: Lang,
}

const CALLS: &str = "
    select site, seat, call::text from closing
    where start_ms >= $1 and start_ms < $2 and ($3::text is null or site = $3)";
/// How long the database may take before the first call, and between two.
const LIMIT: Duration = Duration::from_secs(5 * 60);
const IN_ORDER: &str = " order by start_ms, id";

impl CallQuery<'_> {
    /// Calls `each` for every call. Returns the texts of the summaries.
    async fn for_each(
        &self,
        order: &str,
        mut each: impl FnMut(&CallSummary, &Record) -> Result<(), CliError>,
    ) -> Result<Calls, CliError> {
        let fail = |error: tokio_postgres::Error| self.connector.error(&error);
        let (from, before) = (self.span.from_ms.unwrap_or(i64::MIN), self.span.before_ms.unwrap_or(i64::MAX));
        let site = self.site.as_ref().map(Name::as_str);
        let query = [CALLS, order].concat();
        let with: [&(dyn ToSql + Sync); 3] = [&from, &before, &site];
        let silent = |_| self.connector.silent(LIMIT);
        let rows = timeout(LIMIT, self.client.query_raw(&query, with)).await.map_err(silent)?.map_err(fail)?;
        pin_mut!(rows);
        let mut calls = Calls::default();
        while let Some(row) = timeout(LIMIT, rows.next()).await.map_err(silent)? {
            let row = row.map_err(fail)?;
            let (site, seat, text): (&str, &str, &str) = (row.get(0), row.get(1), row.get(2));
            // The archive writes only valid calls; somebody else may have changed the table.
            let invalid = || CliError::new(words(self.lang).report.invalid_call(seat, site));
            let record: Record = serde_json::from_str(text).map_err(|_| invalid())?;
            let record = Record { seat: Some(format!("{site}/{seat}")), ..record };
            let summary = calls.summary(&record).map_err(|_| invalid())?;
            each(&summary, &record)?;
        }
        Ok(calls)
    }

    async fn csv(&self, zone: FixedOffset) -> Result<(), CliError> {
        let lang = self.lang;
        let mut out = io::BufWriter::with_capacity(1 << 16, io::stdout().lock());
        let mut put = |line: &str| printed(out.write_all(line.as_bytes()), lang);
        put(&csv::header())?;
        self.for_each(IN_ORDER, |_, record| put(&csv::line(record, zone))).await?;
        printed(out.flush(), lang)
    }
}
