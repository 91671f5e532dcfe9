//! `penutup-fleet report`: `penutup report` over the closings of all seats. Calls are streamed from the database; a seat is
//! printed as `site/seat`. Zones and names of lost scores are those of the built-in rules.

use std::collections::HashMap;
use std::io::{self, Write};
use std::time::Duration;

use chrono::Utc;
use clap::Args;
use futures_util::{StreamExt, pin_mut};
use penutup_cli_kit::report::csv::CallTable;
use penutup_cli_kit::report::{Collector, Question, Questions, TooManyGroups};
use penutup_journal::merge::Calls;
use penutup_journal::read::Span;
use penutup_journal::record::Record;
use penutup_journal::report::Sampled;
use penutup_journal::summary::{CallSummary, Interner};
use penutup_rules::loaded::LoadedRules;
use penutup_rules::ruleset::RuleSet;

use penutup_cli_kit::words::Lang;
use tokio::time::timeout;
use tokio_postgres::Client;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

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
    pub questions: Questions,
    /// One site only.
    #[arg(long)]
    pub site: Option<String>,
    /// The time zone of days and hours, by its name in the rules.
    #[arg(long)]
    pub zone: Option<String>,
}

pub async fn run(report: &Report, common: &Common) -> Result<ExitStatus, CliError> {
    let lang = common.lang();
    let words = lang.words();
    let rules = LoadedRules::built_in().rules;
    let zone = time::zone(report.zone.as_deref(), lang)?;
    // Any number makes a sample; the time of day is different each time.
    let seed = || u64::from(Utc::now().timestamp_subsec_micros());
    let question = report.questions.parsed(zone, &rules, words, seed)?;
    let center = Center::read(&common.config("center.toml")?, lang)?;
    let site = report.site.as_deref().map(|site| center.find_site(site, lang)).transpose()?;
    let connector = Connector::new(&center, lang)?;
    let client = connector.connect().await?;
    let calls = CallQuery { client: &client, connector: &connector, site, span: question.span(), lang };
    let too_many = |error: TooManyGroups| CliError::from(error.error(words));
    if question.is_for_calls() {
        calls.csv(&question, &rules).await?;
        return Ok(ExitStatus::Done);
    }
    let mut collector = Collector::new(&question);
    let all = calls.for_each("", |row, texts, _| collector.add(row, texts).map_err(too_many)).await?;
    let out = match collector.sampled() {
        Some(sample) => {
            let records = calls.sampled(&sample).await?;
            collector.sample(&records, all.texts(), &rules, words)?
        }
        None => collector.answer(all.texts(), &rules, words)?,
    };
    print(&out, lang)?;
    let unmatched = collector.unmatched(all.texts(), &rules, words);
    printed(io::stderr().write_all(unmatched.as_bytes()), lang)?;
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
    where start_ms >= $1 and start_ms < $2 and ($3::text is null or site = $3)
        and ($4::uuid[] is null or id = any($4))";
/// How long the database may take before the first call, and between two.
const LIMIT: Duration = Duration::from_secs(5 * 60);
const IN_ORDER: &str = " order by start_ms, id";

impl CallQuery<'_> {
    /// Calls `each` for every call, with its summary and the texts of that. Returns all texts.
    async fn for_each(
        &self,
        order: &str,
        each: impl FnMut(&CallSummary, &Interner, &Record) -> Result<(), CliError>,
    ) -> Result<Calls, CliError> {
        self.for_each_of(None, order, each).await
    }

    /// Calls `each` for every call with one of these IDs.
    async fn for_each_of(
        &self,
        ids: Option<&[Uuid]>,
        order: &str,
        mut each: impl FnMut(&CallSummary, &Interner, &Record) -> Result<(), CliError>,
    ) -> Result<Calls, CliError> {
        let fail = |error: tokio_postgres::Error| self.connector.error(&error);
        let (from, before) = (self.span.from_ms.unwrap_or(i64::MIN), self.span.before_ms.unwrap_or(i64::MAX));
        let site = self.site.as_ref().map(Name::as_str);
        let query = [CALLS, order].concat();
        let with: [&(dyn ToSql + Sync); 4] = [&from, &before, &site, &ids];
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
            each(&summary, calls.texts(), &record)?;
        }
        Ok(calls)
    }

    /// The records of a sample, in its order. One that was deleted meanwhile is left out.
    async fn sampled(&self, sample: &[Sampled]) -> Result<Vec<(Sampled, Record)>, CliError> {
        let ids: Vec<Uuid> = sample.iter().map(|one| one.id).collect();
        let mut records = HashMap::new();
        let add = |_: &CallSummary, _: &Interner, record: &Record| {
            records.insert(record.id, record.clone());
            Ok(())
        };
        self.for_each_of(Some(&ids), "", add).await?;
        Ok(sample.iter().filter_map(|one| Some((*one, records.remove(&one.id)?))).collect())
    }

    async fn csv(&self, question: &Question, rules: &RuleSet) -> Result<(), CliError> {
        let lang = self.lang;
        let too_many = |error: TooManyGroups| CliError::from(error.error(lang.words()));
        let mut table = CallTable::new(question, rules);
        self.for_each("", |_, _, record| table.scan(record).map_err(too_many)).await?;
        let mut out = io::BufWriter::with_capacity(1 << 16, io::stdout().lock());
        let mut put = |line: &str| printed(out.write_all(line.as_bytes()), lang);
        put(&table.header())?;
        let line = |_: &CallSummary, _: &Interner, record: &Record| match table.line(record).map_err(too_many)? {
            Some(line) => put(&line),
            None => Ok(()),
        };
        self.for_each(IN_ORDER, line).await?;
        printed(out.flush(), lang)
    }
}
