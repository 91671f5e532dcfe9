//! `penutup-fleet klb on|off|show`: a supervisor declares KLB for a scope, lifts it, or looks at what is declared.

use std::fmt::Write as _;

use chrono::{FixedOffset, Utc};
use clap::{Args, ValueEnum};
use penutup::book::{Book, Origin};
use penutup::broadcast::{Broadcast, KLB, State};
use penutup::cli::klb::until;
use penutup::diagnostics::shown;
use penutup::rules::RuleSet;
use penutup::rules::text::is_blank;
use penutup::words::Lang;

use crate::cli::{Common, print, say};
use crate::config::supervisor::Supervisor;
use crate::fail::{Fail, Status};
use crate::moment;
use crate::posted::{Board, NotPut};
use crate::wire::envelope::Envelope;
use crate::wire::key::{Key, Scope};
use crate::wire::trust::{Grant, Signer, Trust};
use crate::words::words;

/// `penutup-fleet klb on|off|show`.
#[derive(Debug, Args)]
pub struct Klb {
    /// On, off, or what is declared.
    #[arg(value_enum)]
    pub what: What,
    /// For whom: center, a region's (`region.jawa`) or a site's (`site.jkt`); without it, the narrowest that you may
    /// declare for.
    #[arg(long)]
    pub scope: Option<String>,
    /// Until when, as far as is known: 21:00, or RFC 3339.
    #[arg(long, value_name = "AT")]
    pub until: Option<String>,
    /// Why; needed for on.
    #[arg(long)]
    pub reason: Option<String>,
    /// The zone of the times, as the rules call it.
    #[arg(long)]
    pub zone: Option<String>,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// Declare it.
    On,
    /// Lift it.
    Off,
    /// Show what is declared.
    Show,
}

/// Does it.
///
/// # Errors
/// Arguments or a configuration that can't be used, a scope that is not granted, no answer, or somebody who was first.
pub async fn run(klb: &Klb, common: &Common) -> Result<Status, Fail> {
    let lang = common.lang();
    let supervisor = Supervisor::read(&common.config("supervisor.toml")?, lang)?;
    let zone = moment::zone(klb.zone.as_deref(), lang)?;
    let now = Utc::now();
    let state = match klb.what {
        What::Show => {
            if klb.scope.is_some() || klb.until.is_some() || klb.reason.is_some() {
                return Err(Fail::new(words(lang).klb.show_only));
            }
            let board = Board::connect(&supervisor.link, lang).await?;
            return show(&board, &supervisor.trust, zone, lang).await;
        }
        What::On => State::On,
        What::Off => State::Off,
    };
    let scope = chosen(klb.scope.as_deref(), &supervisor.own, lang)?;
    let reason = klb.reason.clone().filter(|reason| !is_blank(reason));
    let w = &lang.words().klb;
    match (state, &reason, &klb.until) {
        (State::On, None, _) => return Err(Fail::new(w.no_reason).help(w.no_reason_help)),
        (State::Off, _, Some(_)) => return Err(Fail::new(w.until_off).help(w.until_off_help)),
        _ => {}
    }
    let until = klb.until.as_deref().map(|text| until(text, now, zone, lang.words())).transpose()?;

    let board = Board::connect(&supervisor.link, lang).await?;
    let key = Key::Klb(scope.clone());
    let lies = board.heeded(&supervisor.trust, &key).await?;
    let version = Broadcast::next_version(lies.klb().map(|declared| declared.version), now);
    let by = Some(supervisor.own.name.clone());
    let broadcast =
        Broadcast { version, fact: KLB.into(), state, value: None, since: now, until, by, why: reason }.tidied();
    let payload = broadcast.to_table().to_string();
    let envelope = Envelope::sign(&supervisor.sign.pair(), key.clone(), supervisor.own.id.clone(), version, payload)
        .map_err(|_| Fail::new(words(lang).posted.cannot_sign))?;
    match board.put(&envelope, lies.seq).await {
        Ok(_) => {}
        Err(NotPut::Fail(fail)) => return Err(fail),
        Err(NotPut::Late) => return Err(late(&board, &supervisor.trust, &key, zone, lang).await?),
    }
    // As the seats will read it: whole seconds, the trusted name.
    let heard = board.heeded(&supervisor.trust, &key).await?.klb().cloned().unwrap_or(broadcast);
    let w = &words(lang).klb;
    let rules = rules(&board, &supervisor.trust).await;
    let banner = moment::banner(&heard, &rules, now, zone, lang);
    let done =
        if state == State::On { w.on(&banner, &scope, version, zone) } else { w.off(&banner, &scope, version, zone) };
    print(&(done + "\n"), lang)?;
    for line in otherwise(&board, &supervisor.trust, &scope, state, lang).await? {
        say(&line);
    }
    Ok(Status::Done)
}

/// For whom: what is asked, where it is granted; else the narrowest that is granted.
fn chosen(asked: Option<&str>, own: &Signer, lang: Lang) -> Result<Scope, Fail> {
    let w = &words(lang).klb;
    let scopes =
        || own.grants.iter().filter_map(|grant| if let Grant::Klb(scope) = grant { Some(scope) } else { None });
    let listed = || scopes().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let help = || {
        let listed = listed();
        if listed.is_empty() { w.may_nothing.to_owned() } else { w.may(&listed) }
    };
    if let Some(asked) = asked {
        let Ok(scope) = asked.parse::<Scope>() else {
            return Err(Fail::new(w.no_scope(shown(asked))).help(help()));
        };
        let granted = scopes().any(|granted| *granted == scope);
        return if granted { Ok(scope) } else { Err(Fail::new(w.not_granted(asked)).help(help())) };
    }
    let width = |scope: &Scope| match scope {
        Scope::Site(_) => 0,
        Scope::Region(_) => 1,
        Scope::Center => 2,
    };
    let narrowest = scopes().map(width).min();
    let mut found = scopes().filter(|scope| Some(width(scope)) == narrowest);
    match (found.next(), found.next()) {
        (Some(scope), None) => Ok(scope.clone()),
        (None, _) => Err(Fail::new(w.may_nothing)),
        (Some(_), Some(_)) => Err(Fail::new(w.which_scope).help(help())),
    }
}

/// That somebody was first: who, and with what.
async fn late(board: &Board, trust: &Trust, key: &Key, zone: FixedOffset, lang: Lang) -> Result<Fail, Fail> {
    let w = &words(lang).klb;
    let rules = rules(board, trust).await;
    let lies = board.heeded(trust, key).await?;
    let who = match lies.klb() {
        Some(declared) if lies.odd.is_none() => moment::banner(declared, &rules, Utc::now(), zone, lang),
        _ => w.somebody.to_owned(),
    };
    Ok(Fail::new(w.late(&who)).help(w.late_help).no())
}

/// The rules that the seats have from the centre, for their labels.
async fn rules(board: &Board, trust: &Trust) -> RuleSet {
    let heeded = board.heeded(trust, &Key::Rules).await.unwrap_or_default();
    let text = heeded.rules().map(|(_, text)| text.as_bytes().to_vec());
    let book = text.and_then(|text| Book::read(text, Origin::BuiltIn, moment::today()).ok());
    book.unwrap_or_else(Book::built_in).rules
}

/// Where seats of a scope hear something else from another scope: one "on" is enough for a seat.
async fn otherwise(board: &Board, trust: &Trust, own: &Scope, state: State, lang: Lang) -> Result<Vec<String>, Fail> {
    let mut on: Vec<Scope> = Vec::new();
    let mut off: Vec<Scope> = Vec::new();
    for scope in trust.scopes().into_iter().filter(|scope| meets(scope, own)) {
        let key = Key::Klb(scope.clone());
        match board.heeded(trust, &key).await?.klb().map(|declared| declared.state) {
            Some(State::On) => on.push(scope),
            Some(State::Off) => off.push(scope),
            None => {}
        }
    }
    let w = &words(lang).klb;
    let listed = |scopes: &[Scope]| scopes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    Ok(match state {
        State::Off if !on.is_empty() => {
            vec![w.stays_on(own, listed(&on))]
        }
        State::On if !off.is_empty() => vec![w.turns_on(listed(&off))],
        _ => Vec::new(),
    })
}

/// Whether another scope may have seats in common with this one. Which site lies in which region only the seats know.
fn meets(other: &Scope, own: &Scope) -> bool {
    match (other, own) {
        (Scope::Center, _) | (_, Scope::Center) => other != own,
        (Scope::Region(_), Scope::Site(_)) | (Scope::Site(_), Scope::Region(_)) => true,
        _ => false,
    }
}

/// Every scope and what is declared there.
async fn show(board: &Board, trust: &Trust, zone: FixedOffset, lang: Lang) -> Result<Status, Fail> {
    let w = &words(lang).klb;
    let (rules, now) = (rules(board, trust).await, Utc::now());
    let scopes = trust.scopes();
    let width = scopes.iter().map(|scope| scope.to_string().len()).max().unwrap_or(0);
    let mut out = String::new();
    for scope in scopes {
        let key = Key::Klb(scope.clone());
        let lies = board.heeded(trust, &key).await?;
        let mut told = lies.klb().map_or_else(
            || w.nothing.to_owned(),
            |declared| {
                let banner = moment::banner(declared, &rules, now, zone, lang);
                w.declared(&banner, declared.version)
            },
        );
        if let Some(why) = lies.odd {
            let _ = write!(told, " ! {}", w.unheeded(why.code()));
        }
        let _ = writeln!(out, "{:width$}  {told}", scope.to_string());
    }
    print(&out, lang)?;
    Ok(Status::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::name::Name;

    fn signer(grants: &[&str]) -> Signer {
        let grants = grants.iter().map(|grant| grant.parse().unwrap()).collect();
        Signer { id: Name::parse("spv").unwrap(), name: "SPV".into(), key: String::new(), grants }
    }

    #[test]
    fn the_narrowest_scope_that_is_granted_is_meant_and_no_other_is_taken() {
        for (grants, asked, scope) in [
            (&["center"][..], None, Some("center")),
            (&["center", "region.jawa", "site.jkt", "rules"], None, Some("site.jkt")),
            (&["center", "region.jawa"], None, Some("region.jawa")),
            (&["center", "site.jkt"], Some("center"), Some("center")),
            (&["site.jkt", "site.sby"], Some("site.sby"), Some("site.sby")),
            (&["site.jkt", "site.sby"], None, None),
            (&["center"], Some("site.jkt"), None),
            (&["site.jkt"], Some("center"), None),
            (&["site.jkt"], Some("site.jk"), None),
            (&["site.jkt"], Some("somewhere"), None),
            (&["rules"], None, None),
            (&[], Some("center"), None),
        ] {
            let found = chosen(asked, &signer(grants), Lang::En);
            assert_eq!(found.as_ref().ok().map(ToString::to_string).as_deref(), scope, "{grants:?} {asked:?}");
            if let (Err(fail), Some(first)) = (found, grants.iter().find(|g| **g != "rules")) {
                assert!(fail.help.unwrap().contains(first), "what they may is told");
            }
        }
    }

    #[test]
    fn scopes_meet_where_they_may_have_a_seat_in_common() {
        let do_meet = |a: &str, b: &str| meets(&a.parse().unwrap(), &b.parse().unwrap());
        assert!(do_meet("center", "site.jkt") && do_meet("site.jkt", "center") && do_meet("region.jawa", "site.jkt"));
        assert!(
            !do_meet("site.jkt", "site.sby") && !do_meet("region.jawa", "region.bali") && !do_meet("center", "center")
        );
    }
}
