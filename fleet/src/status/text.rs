//! The summary as text: the broadcasts, refusals, and a table of the sites. Nothing depends on colour.

use std::fmt::Write as _;

use chrono::{DateTime, FixedOffset, Utc};
use penutup_cli_kit::diagnostics::{grouped, shown};
use penutup_cli_kit::words::Lang;
use penutup_rules::text::clean;
use unicode_width::UnicodeWidthStr;

use super::summary::{Issue, SiteCounts, Summary};
use crate::rules::short_sum;
use crate::time;
use crate::wire::key::Key;
use crate::wire::name::Name;
use crate::words::words;

/// The most seats that are named beside the table of sites.
const MAX_NAMED: usize = 5;

#[derive(Clone, Copy, Debug)]
pub struct Renderer {
    pub zone: FixedOffset,
    pub lang: Lang,
    /// In columns.
    pub width: usize,
    /// The lines of a live screen; `None` where the text is printed once.
    pub height: Option<usize>,
}

impl Renderer {
    fn number(self, number: u64) -> String {
        grouped(&number.to_string(), self.lang.words().problem.thousands)
    }

    fn header(self, summary: &Summary, out: &mut String) {
        let w = &words(self.lang).status;
        let at = time::full_time(summary.now, self.zone, self.lang);
        let live = if self.height.is_some() { w.live } else { "" };
        let _ = writeln!(out, "{}", w.title(&at, live).trim_end());
        for trouble in &summary.troubles {
            let _ = writeln!(out, "! {trouble}");
        }
        for one in summary.certificates.iter().filter(|one| one.ends_soon(summary.now)) {
            let until = time::full_time(one.until, self.zone, self.lang);
            let _ = writeln!(out, "! {}", w.certificate(one.days(summary.now), shown(&one.server), until));
        }
    }

    fn cells(self, line: &SiteCounts) -> Vec<String> {
        let columns = line.columns().into_iter().filter(|(key, _)| *key != "seen");
        columns.map(|(_, count)| count.map_or_else(|| "?".to_owned(), |count| self.number(count))).collect()
    }

    /// A header, the total, and a line for each site. Without room for all sites, those with the most issues come first.
    fn table(self, summary: &Summary, only: Option<&Name>, out: &mut String) {
        let w = &words(self.lang).status;
        let heads = [
            w.seats,
            w.fresh,
            w.stale,
            w.silent_seats,
            w.prompters,
            w.klb_on,
            w.klb_behind,
            w.rules_behind,
            w.unsent,
            w.waiting,
            w.missing,
            w.refused,
        ];
        let mut sites: Vec<_> = summary.sites.iter().filter(|(id, _)| only.is_none_or(|only| only == id)).collect();
        let all = sites.len();
        let around = out.lines().count() + w.legend.lines().count() + 3;
        let room = self.height.map_or(all, |height| height.saturating_sub(around).max(1));
        if all > room {
            sites.sort_by_key(|(_, line)| std::cmp::Reverse(line.attention()));
            sites.truncate(room.saturating_sub(1).max(1));
        }
        let mut rows: Vec<(&str, Vec<String>)> = Vec::new();
        if all > 1 {
            rows.push((w.total, self.cells(&summary.total)));
        }
        rows.extend(sites.iter().map(|(id, line)| (id.as_str(), self.cells(line))));
        let first = rows.iter().map(|(name, _)| name.width()).chain([w.site.width()]).max().unwrap_or(0);
        let widths: Vec<usize> = (0..heads.len())
            .map(|at| rows.iter().map(|(_, cells)| cells[at].width()).chain([heads[at].width()]).max().unwrap_or(0))
            .collect();
        let wide = first + widths.iter().sum::<usize>() + 2 * widths.len();
        let gap = if wide <= self.width { 2 } else { 1 };
        let mut put = |name: &str, cells: &[&str]| {
            let mut line = format!("{name}{}", " ".repeat(first - name.width()));
            for (cell, width) in cells.iter().zip(&widths) {
                let _ = write!(line, "{}{cell}", " ".repeat(gap + width - cell.width()));
            }
            let _ = writeln!(out, "{}", line.trim_end());
        };
        put(w.site, &heads);
        for (name, cells) in &rows {
            put(name, &cells.iter().map(String::as_str).collect::<Vec<_>>());
        }
        if all > sites.len() {
            let _ = writeln!(out, "{}", w.more_sites((all - sites.len()).to_string()));
        }
        let _ = writeln!(out, "{}", w.legend);
    }

    fn broadcasts(self, summary: &Summary, out: &mut String) {
        let w = &words(self.lang).status;
        let rules = penutup_rules::loaded::LoadedRules::built_in().rules;
        let _ = writeln!(out, "\n{}", w.klb);
        let is_known = summary.broadcasts.is_known;
        if !is_known {
            let _ = writeln!(out, "  {}", w.not_read);
        } else if summary.broadcasts.klb.is_empty() {
            let _ = writeln!(out, "  {}", words(self.lang).klb.never_declared);
        }
        for (scope, declared) in &summary.broadcasts.klb {
            let banner = penutup_cli_kit::klb::banner(declared, &rules, summary.now, self.zone, self.lang.words());
            let _ = writeln!(out, "  {scope}: {}", clean(&banner));
            if summary.broadcasts.revoked.contains(&Key::Klb(scope.clone())) {
                let _ = writeln!(out, "  ! {}", words(self.lang).klb.revoked);
            }
        }
        for (key, why) in &summary.broadcasts.refused {
            let line = w.not_accepted(key, why.code());
            let _ = writeln!(out, "! {line}");
        }
        let trust = summary.broadcasts.trust;
        if trust.published < trust.newest {
            let _ = writeln!(out, "! {}", words(self.lang).config.trust_not_published(trust.newest));
        } else if summary.total.trust_behind > 0 {
            let _ = writeln!(out, "! {}", w.trust_behind(self.number(summary.total.trust_behind), trust.newest));
        }
        if summary.total.ahead > 0 {
            let _ = writeln!(out, "! {}", w.ahead(self.number(summary.total.ahead)));
        }
        if summary.total.other_version > 0 {
            let _ = writeln!(out, "! {}", w.other_version(self.number(summary.total.other_version)));
        }
        let _ = writeln!(out, "\n{}", w.rules);
        match &summary.broadcasts.rules {
            None if !is_known => {
                let _ = writeln!(out, "  {}", w.not_read);
            }
            None => {
                let _ = writeln!(out, "  {}", words(self.lang).rules.none);
            }
            Some(published) => {
                let revision = published.revision.as_deref().unwrap_or(words(self.lang).rules.check_refuses);
                let _ = writeln!(out, "  {}", w.published(&published.by, revision, published.version));
                if let Some(day) = published.waits_for {
                    let day = day.format("%d/%m/%Y").to_string();
                    let since = published
                        .since
                        .map(|at| penutup_cli_kit::times::short(at, summary.now, self.zone, self.lang.words()));
                    let _ = writeln!(out, "  {}", w.rules_wait(day, since.as_deref().unwrap_or("?")));
                }
            }
        }
        for (rules, count) in &summary.rules {
            let name = rules.as_ref().map_or_else(
                || w.no_central_rules.to_owned(),
                |rules| format!("{} · {} · {}", shown(&rules.revision), rules.version, shown(short_sum(&rules.sha256))),
            );
            let _ = writeln!(out, "  {:>8}  {name}", self.number(*count));
        }
    }

    fn refused(self, summary: &Summary, out: &mut String) {
        let w = &words(self.lang).status;
        for (title, counts) in
            [(w.refused_by_seats, &summary.refused_by_seats), (w.refused_by_archive, &summary.refused_by_archive)]
        {
            if !counts.is_empty() {
                let listed: Vec<String> =
                    counts.iter().map(|(why, count)| format!("{} {}", shown(why), self.number(*count))).collect();
                let _ = writeln!(out, "\n{title}\n  {}", listed.join(" · "));
            }
        }
    }

    /// The seats whose clock is wrong or of which there seem to be two: what they do can't be told otherwise.
    fn named(self, summary: &Summary, out: &mut String) {
        let w = &words(self.lang).status;
        let mut lines = Vec::new();
        for (site, _) in &summary.sites {
            for seat in summary.seats.get(site).into_iter().flatten() {
                let named = seat.issues.iter().filter(|issue| matches!(issue, Issue::Clock(_) | Issue::Doubled(_)));
                lines.extend(named.map(|issue| format!("{site}/{}: {}", seat.seat, self.issue(issue, summary.now))));
            }
        }
        if !lines.is_empty() {
            let _ = writeln!(out, "\n{}", w.named);
        }
        for line in lines.iter().take(MAX_NAMED) {
            let _ = writeln!(out, "  {line}");
        }
        if lines.len() > MAX_NAMED {
            let _ = writeln!(out, "  {}", w.more_seats(self.number((lines.len() - MAX_NAMED) as u64)));
        }
    }

    fn issue(self, issue: &Issue, now: DateTime<Utc>) -> String {
        let w = &words(self.lang).status;
        match issue {
            Issue::Stale(seconds) => w.need_stale(seconds),
            Issue::Klb => w.need_klb.to_owned(),
            Issue::Rules => w.need_rules.to_owned(),
            Issue::Disk(since) => w.need_disk(time::full_time(*since, self.zone, self.lang)),
            Issue::Trust => w.need_trust.to_owned(),
            Issue::Ahead => w.need_ahead.to_owned(),
            Issue::OtherVersion => w.need_other_version.to_owned(),
            Issue::Unsent(count) => w.need_unsent(self.number(*count)),
            Issue::Missing(count) => w.need_missing(self.number(*count)),
            Issue::Refused(count) => w.need_refused(self.number(*count)),
            Issue::Clock(ahead) => {
                let by = time::duration_text(*ahead, self.lang);
                if *ahead > 0 { w.need_clock_ahead(by) } else { w.need_clock_behind(by) }
            }
            Issue::Doubled(at) => w.need_doubled(penutup_cli_kit::times::short(*at, now, self.zone, self.lang.words())),
        }
    }

    /// Without a site: everything. With one: its line, and its seats that need attention.
    pub fn render(self, summary: &Summary, site: Option<&Name>) -> String {
        let mut out = String::new();
        self.header(summary, &mut out);
        if site.is_none() {
            self.broadcasts(summary, &mut out);
            self.refused(summary, &mut out);
            self.named(summary, &mut out);
        }
        out.push('\n');
        self.table(summary, site, &mut out);
        if let Some(site) = site {
            out.push('\n');
            self.seats(summary, site, &mut out);
        }
        out
    }

    fn seats(self, summary: &Summary, site: &Name, out: &mut String) {
        let w = &words(self.lang).status;
        let seats = summary.seats.get(site).map(Vec::as_slice).unwrap_or_default();
        if seats.is_empty() {
            let none = if summary.troubles.is_empty() { w.no_attention } else { w.attention_unknown };
            let _ = writeln!(out, "{none}");
        }
        let width = seats.iter().map(|seat| seat.seat.as_str().len()).max().unwrap_or(0);
        let used = out.lines().count() + 1;
        let room = self.height.map_or(seats.len(), |height| height.saturating_sub(used).max(1));
        for seat in seats.iter().take(room) {
            let issues: Vec<String> = seat.issues.iter().map(|issue| self.issue(issue, summary.now)).collect();
            let _ = writeln!(out, "{:width$}  {}", seat.seat.as_str(), issues.join(" · "));
        }
        if seats.len() > room {
            let _ = writeln!(out, "{}", w.more_seats(self.number((seats.len() - room) as u64)));
        }
    }
}
