//! `penutup-fleet status`: the state of all seats on one screen: connected, which rules and KLB they have, closings that
//! are unsent or missing, refusals.

mod archive_state;
pub mod certificate;
pub mod collector;
mod json;
mod prometheus;
pub mod summary;
mod text;

use std::io::{self, IsTerminal};
use std::time::Duration;

use chrono::Utc;
use clap::{Args, ValueEnum};
use penutup_cli_kit::diagnostics::outside;
use penutup_cli_kit::stream::canvas;

use crate::board::{Board, Done, height};
use crate::cli::{Common, print, shutdown_signal};
use crate::config::center::Center;
use crate::error::{CliError, ExitStatus};
use crate::time;
use crate::words::words;
use collector::Collector;
use text::Renderer;

const REFRESH_INTERVAL: Duration = Duration::from_secs(2);

/// The form of the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// One line of JSON.
    Json,
    /// Metrics.
    Prometheus,
}

/// `penutup-fleet status`.
#[derive(Debug, Args)]
pub struct Status {
    /// List the seats of this site that need attention.
    #[arg(long)]
    pub site: Option<String>,
    /// Print once, also on a terminal.
    #[arg(long)]
    pub once: bool,
    /// json and prometheus are always printed once.
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
    /// The time zone, by its name in the rules.
    #[arg(long)]
    pub zone: Option<String>,
}

pub async fn run(status: &Status, common: &Common) -> Result<ExitStatus, CliError> {
    let lang = common.lang();
    let zone = time::zone(status.zone.as_deref(), lang)?;
    let center = Center::read(&common.config("center.toml")?, lang)?;
    let site = status.site.as_deref().map(|site| center.find_site(site, lang)).transpose()?;
    let mut collector = Collector::connect(center, zone, lang).await?;
    // For people the error says it all; a program gets what is known.
    if let Some(error) = collector.failure().filter(|_| status.format == Format::Text) {
        return Err(error.clone());
    }
    let is_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
    let is_live = !status.once && status.format == Format::Text && is_terminal;
    let renderer =
        || Renderer { zone, lang, width: canvas(&io::stdout()).width, height: is_live.then(|| height().unwrap_or(24)) };
    if !is_live {
        let summary = collector.collect().await;
        let out = match status.format {
            Format::Json => json::render(&summary, site.as_ref()),
            Format::Prometheus => prometheus::render(&summary, site.as_ref()),
            Format::Text => renderer().render(&summary, site.as_ref()),
        };
        print(&out, lang)?;
        if let Some(error) = collector.failure() {
            return Err(error.clone());
        }
        // The output names the sources that failed.
        return Ok(if summary.troubles.is_empty() { ExitStatus::Done } else { ExitStatus::Failed });
    }
    let terminal_error = |error: io::Error| {
        let why = outside::reason(&error, lang.words());
        CliError::new(words(lang).status.no_terminal(&why))
    };
    let mut screen = Board::enter().map_err(terminal_error)?;
    let mut end = std::pin::pin!(shutdown_signal());
    let mut summary = collector.collect().await;
    loop {
        screen.show(&renderer().render(&summary, site.as_ref())).map_err(terminal_error)?;
        let done = tokio::select! {
            () = &mut end => Some(Done::Quit),
            done = screen.wait(REFRESH_INTERVAL) => done,
        };
        match done {
            Some(Done::Quit) => return Ok(ExitStatus::Done),
            Some(Done::Resized) => {}
            None => summary = collector.collect().await,
        }
        summary.now = Utc::now();
    }
}
