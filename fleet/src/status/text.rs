//! The status to be read: a line a site, then what differs. Every number has its name above it; nothing hangs on colour.

use std::fmt::Write as _;

use chrono::FixedOffset;
use penutup::diagnostics::{grouped, shown};
use penutup::rules::text::clean;
use penutup::words::Lang;
use unicode_width::UnicodeWidthStr;

use super::picture::{Need, Picture, SiteLine};
use crate::moment;
use crate::wire::name::Name;
use crate::words::words;

/// How it is told.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// The zone of the times.
    pub zone: FixedOffset,
    /// The language.
    pub lang: Lang,
    /// How many columns there are.
    pub width: usize,
    /// How many lines there are on a screen that is made anew; `None` where it is printed once.
    pub height: Option<usize>,
}

impl Look {
    fn number(self, number: u64) -> String {
        grouped(&number.to_string(), self.lang.words().problem.thousands)
    }

    fn head(self, picture: &Picture, out: &mut String) {
        let w = &words(self.lang).status;
        let at = picture.now.with_timezone(&self.zone).format("%d/%m/%Y %H:%M:%S %:z").to_string();
        let live = if self.height.is_some() { w.live } else { "" };
        let _ = writeln!(out, "{}", w.title(&at, live).trim_end());
        for trouble in &picture.troubles {
            let _ = writeln!(out, "! {trouble}");
        }
    }

    fn cells(self, line: &SiteLine) -> [String; 11] {
        let missing = line.missing.map_or_else(|| "?".to_owned(), |missing| self.number(missing));
        let n = |number| self.number(number);
        [
            n(line.seats),
            n(line.fresh),
            n(line.stale()),
            n(line.silent()),
            n(line.prompters),
            n(line.klb_on),
            n(line.klb_behind),
            n(line.rules_behind),
            n(line.unsent),
            missing,
            n(line.refused),
        ]
    }

    /// All of them, then a line a site, below the names of the columns. Where there is no room for all sites, those
    /// that somebody should look at come first.
    fn table(self, picture: &Picture, only: Option<&Name>, out: &mut String) {
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
            w.missing,
            w.refused,
        ];
        let mut sites: Vec<_> = picture.sites.iter().filter(|(id, _)| only.is_none_or(|only| only == id)).collect();
        let all = sites.len();
        let around = out.lines().count() + w.legend.lines().count() + 3;
        let room = self.height.map_or(all, |height| height.saturating_sub(around).max(1));
        if all > room {
            sites.sort_by_key(|(_, line)| std::cmp::Reverse(line.needs()));
            sites.truncate(room.saturating_sub(1).max(1));
        }
        let mut rows: Vec<(&str, [String; 11])> = Vec::new();
        if all > 1 {
            rows.push((w.total, self.cells(&picture.total)));
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
            put(name, &cells.each_ref().map(String::as_str));
        }
        if all > sites.len() {
            let _ = writeln!(out, "{}", w.more_sites((all - sites.len()).to_string()));
        }
        let _ = writeln!(out, "{}", w.legend);
    }

    fn on_air(self, picture: &Picture, out: &mut String) {
        let w = &words(self.lang).status;
        let rules = penutup::book::Book::built_in().rules;
        let _ = writeln!(out, "\n{}", w.klb);
        if picture.on_air.klb.is_empty() {
            let _ = writeln!(out, "  {}", words(self.lang).klb.nothing);
        }
        for (scope, declared) in &picture.on_air.klb {
            let banner = moment::banner(declared, &rules, picture.now, self.zone, self.lang);
            let _ = writeln!(out, "  {scope}: {}", clean(&banner));
        }
        for (key, why) in &picture.on_air.unheeded {
            let line = w.unheeded(key, why.code());
            let _ = writeln!(out, "! {line}");
        }
        let _ = writeln!(out, "\n{}", w.rules);
        match &picture.on_air.rules {
            None => {
                let _ = writeln!(out, "  {}", words(self.lang).rules.none);
            }
            Some(published) => {
                let revision = published.revision.as_deref().unwrap_or(words(self.lang).rules.unproved);
                let _ = writeln!(out, "  {}", w.published(&published.by, revision, published.version));
                if let Some(day) = published.waits_for {
                    let day = penutup::times::date(day);
                    let since = published.since.map(|at| moment::at(at, picture.now, self.zone, self.lang));
                    let _ = writeln!(out, "  {}", w.rules_wait(day, since.as_deref().unwrap_or("?")));
                }
            }
        }
        for (rules, count) in &picture.rules {
            let name = rules.as_ref().map_or_else(
                || w.own_rules.to_owned(),
                |rules| format!("{} · {} · {}", shown(&rules.revision), rules.version, shown(first(&rules.sha256))),
            );
            let _ = writeln!(out, "  {:>8}  {name}", self.number(*count));
        }
    }

    fn refused(self, picture: &Picture, out: &mut String) {
        let w = &words(self.lang).status;
        for (title, counts) in
            [(w.refused_by_seats, &picture.refused_by_seats), (w.refused_by_archive, &picture.refused_by_archive)]
        {
            if !counts.is_empty() {
                let listed: Vec<String> =
                    counts.iter().map(|(why, count)| format!("{} {}", shown(why), self.number(*count))).collect();
                let _ = writeln!(out, "\n{title}\n  {}", listed.join(" · "));
            }
        }
    }

    fn need(self, need: &Need) -> String {
        let w = &words(self.lang).status;
        match need {
            Need::Stale(seconds) => w.need_stale(seconds),
            Need::Klb => w.need_klb.to_owned(),
            Need::Rules => w.need_rules.to_owned(),
            Need::Unsent(count) => w.need_unsent(self.number(*count)),
            Need::Missing(count) => w.need_missing(self.number(*count)),
            Need::Refused(count) => w.need_refused(self.number(*count)),
        }
    }
}

/// The beginning of a sum.
fn first(sum: &str) -> &str {
    sum.get(..12).unwrap_or(sum)
}

/// All sites.
pub fn whole(picture: &Picture, look: Look) -> String {
    let mut out = String::new();
    look.head(picture, &mut out);
    look.on_air(picture, &mut out);
    look.refused(picture, &mut out);
    out.push('\n');
    look.table(picture, None, &mut out);
    out
}

/// A site, and its seats that need attention.
pub fn of_site(picture: &Picture, site: &Name, look: Look) -> String {
    let w = &words(look.lang).status;
    let mut out = String::new();
    look.head(picture, &mut out);
    out.push('\n');
    look.table(picture, Some(site), &mut out);
    out.push('\n');
    let seats = picture.seats.get(site).map(Vec::as_slice).unwrap_or_default();
    if seats.is_empty() {
        let _ = writeln!(out, "{}", w.no_attention);
    }
    let width = seats.iter().map(|seat| seat.name.as_str().len()).max().unwrap_or(0);
    let used = out.lines().count() + 1;
    let room = look.height.map_or(seats.len(), |height| height.saturating_sub(used).max(1));
    for seat in seats.iter().take(room) {
        let needs: Vec<String> = seat.needs.iter().map(|need| look.need(need)).collect();
        let _ = writeln!(out, "{:width$}  {}", seat.name.as_str(), needs.join(" · "));
    }
    if seats.len() > room {
        let _ = writeln!(out, "{}", w.more_seats(look.number((seats.len() - room) as u64)));
    }
    out
}
