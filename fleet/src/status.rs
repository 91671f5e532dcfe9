//! `penutup-fleet status`: how the seats are, on one screen: seen, linked, on which rules, showing which KLB, what is not
//! sent yet, what is missing, what was refused.

pub mod gather;
mod json;
pub mod picture;
mod text;

use std::io::{self, IsTerminal};
use std::time::Duration;

use chrono::Utc;
use clap::Args;
use penutup::cli::canvas;
use penutup::cli::format::Format;
use penutup::tui::board::{self, Done};

use crate::cli::{Common, ended, print};
use crate::config::center::Center;
use crate::fail::{Fail, Status as Ended};
use crate::moment;
use crate::report::of_site;
use crate::words::words;

/// How often the screen is made anew.
const EVERY: Duration = Duration::from_secs(2);

/// `penutup-fleet status`.
#[derive(Debug, Args)]
pub struct Status {
    /// The single seats of this site that need attention.
    #[arg(long)]
    pub site: Option<String>,
    /// Once, also on a terminal.
    #[arg(long)]
    pub once: bool,
    /// The form of the result; json is printed once.
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
    /// The zone of the times, as the rules call it.
    #[arg(long)]
    pub zone: Option<String>,
}

/// Shows it.
///
/// # Errors
/// Arguments or a configuration that can't be used, or no connection.
pub async fn run(status: &Status, common: &Common) -> Result<Ended, Fail> {
    let lang = common.lang();
    let zone = moment::zone(status.zone.as_deref(), lang)?;
    let center = Center::read(&common.config("center.toml")?, lang)?;
    let site = status.site.as_deref().map(|site| of_site(site, &center, lang)).transpose()?;
    let mut gatherer = gather::Gatherer::begin(&center, lang).await?;
    let is_live = !status.once && status.format == Format::Text && io::stdout().is_terminal();
    let look = || text::Look {
        zone,
        lang,
        width: canvas(&io::stdout()).width,
        height: is_live.then(|| board::height().unwrap_or(24)),
    };
    if !is_live {
        let picture = gatherer.picture().await;
        let out = match (status.format, &site) {
            (Format::Json, _) => json::json(&picture, site.as_ref()),
            (Format::Text, Some(site)) => text::of_site(&picture, site, look()),
            (Format::Text, None) => text::whole(&picture, look()),
        };
        print(&out, lang)?;
        // What could not be asked for is named in it.
        return Ok(if picture.troubles.is_empty() { Ended::Done } else { Ended::Failed });
    }
    let fail = |error: io::Error| {
        let why = penutup::diagnostics::outside::reason(&error, lang.words());
        Fail::new(words(lang).status.no_terminal(&why))
    };
    let mut screen = board::Board::enter().map_err(fail)?;
    let mut end = std::pin::pin!(ended());
    let mut picture = gatherer.picture().await;
    loop {
        let shown = match &site {
            Some(site) => text::of_site(&picture, site, look()),
            None => text::whole(&picture, look()),
        };
        screen.show(&shown).map_err(fail)?;
        let wait = tokio::task::spawn_blocking(|| board::wait(EVERY));
        let done = tokio::select! {
            () = &mut end => Some(Done::Quit),
            // A terminal that is gone has no reader either.
            done = wait => done.ok().and_then(Result::ok).unwrap_or(Some(Done::Quit)),
        };
        match done {
            Some(Done::Quit) => return Ok(Ended::Done),
            Some(Done::Resized) => {}
            None => picture = gatherer.picture().await,
        }
        picture.now = Utc::now();
    }
}
