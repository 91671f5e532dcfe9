//! `penutup-fleet klb on|off|show`: a supervisor declares KLB for a scope, lifts it, or lists the declarations.

use std::fmt::Write as _;

use chrono::{FixedOffset, Utc};
use clap::{Args, ValueEnum};
use penutup_cli_kit::moment::until;
use penutup_rules::declaration::{Declaration, KLB, State};
use penutup_rules::loaded::{LoadedRules, Origin};

use penutup_cli_kit::diagnostics::shown;

use penutup_cli_kit::words::Lang;
use penutup_rules::RuleSet;
use penutup_rules::text::is_blank;

use crate::broadcast_stream::{BroadcastStream, PutError};
use crate::cli::{Common, eprint_line, print};
use crate::config::supervisor::Supervisor;
use crate::error::{CliError, ExitStatus};
use crate::reception::{Answer, Sent, Wait, version_on_seats};
use crate::time;
use crate::wire::envelope::Envelope;
use crate::wire::key::{Key, Scope};
use crate::wire::trust::{Grant, Signer, Trust};
use crate::words::words;

/// `penutup-fleet klb on|off|show`.
#[derive(Debug, Args)]
pub struct Klb {
    /// Declare, lift, or list.
    #[arg(value_enum)]
    pub what: Action,
    /// center, a region (`region.jawa`) or a site (`site.jkt`); default: the narrowest that is granted.
    #[arg(long)]
    pub scope: Option<String>,
    /// The expected end: 21:00, or RFC 3339.
    #[arg(long, value_name = "AT")]
    pub until: Option<String>,
    /// Required for on.
    #[arg(long)]
    pub reason: Option<String>,
    /// The time zone, by its name in the rules.
    #[arg(long)]
    pub zone: Option<String>,
    #[command(flatten)]
    pub wait: Wait,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Action {
    On,
    Off,
    Show,
}

pub async fn run(klb: &Klb, common: &Common) -> Result<ExitStatus, CliError> {
    let lang = common.lang();
    let mut supervisor = Supervisor::read(&common.config("supervisor.toml")?, lang)?;
    let zone = time::zone(klb.zone.as_deref(), lang)?;
    let now = Utc::now();
    let state = match klb.what {
        Action::Show => {
            if klb.scope.is_some() || klb.until.is_some() || klb.reason.is_some() {
                return Err(CliError::new(words(lang).klb.show_only));
            }
            let stream = BroadcastStream::connect(&supervisor.link, lang).await?;
            supervisor.trust = stream.trust(&supervisor.trust).await?;
            return show(&stream, &supervisor.trust, zone, lang).await;
        }
        Action::On => State::On,
        Action::Off => State::Off,
    };
    // Before anything is sent, and again with the newest grants.
    let scope = choose_scope(klb.scope.as_deref(), &supervisor.own, lang)?;
    let reason = klb.reason.clone().filter(|reason| !is_blank(reason));
    let w = &lang.words().klb;
    match (state, &reason, &klb.until) {
        (State::On, None, _) => return Err(CliError::new(w.no_reason).help(w.no_reason_help)),
        (State::Off, _, Some(_)) => return Err(CliError::new(w.until_off).help(w.until_off_help)),
        _ => {}
    }
    let reason = reason.map(|text| penutup_cli_kit::klb::reason(&text, lang.words())).transpose()?;
    let until = klb.until.as_deref().map(|text| until(text, now, zone, lang.words())).transpose()?;

    let not_sent = |error: CliError| CliError { message: words(lang).klb.not_sent(&error.message), ..error };
    let stream = BroadcastStream::connect(&supervisor.link, lang).await.map_err(not_sent)?;
    if let Some(warning) = supervisor.update_trust(&stream).await.map_err(not_sent)? {
        eprint_line(&warning);
    }
    let scope = choose_scope(Some(&scope.to_string()), &supervisor.own, lang)?;
    let key = Key::Klb(scope.clone());
    let present = stream.accepted(&supervisor.trust, &key).await.map_err(not_sent)?;
    let known = present.klb().map(|declared| declared.version);
    let on_seats = version_on_seats(&stream, &supervisor, &key, now).await;
    let version = Declaration::next_version(known.max(on_seats), now);
    let by = Some(supervisor.own.name.clone());
    let broadcast =
        Declaration { version, fact: KLB.into(), state, value: None, since: now, until, by, why: reason }.tidied();
    let payload = broadcast.to_table().to_string();
    let envelope = Envelope::sign(&supervisor.sign.pair(), key.clone(), supervisor.own.id.clone(), version, payload)
        .map_err(|_| CliError::new(words(lang).stream.cannot_sign))?;
    let sequence = match stream.put(&envelope, present.last_sequence).await {
        Ok(sequence) => sequence,
        Err(PutError::Failed(error)) => return Err(error),
        Err(PutError::Conflict) => {
            let who = in_force(&stream, &supervisor.trust, &key, zone, lang).await?;
            let w = &words(lang).klb;
            return Err(CliError::new(w.conflict(&who)).help(w.conflict_help).no());
        }
    };
    // Read back, so that the banner is what the seats show: whole seconds, the trusted name. It is stored even where it can't
    // be read.
    let read_back = stream.accepted(&supervisor.trust, &key).await.unwrap_or_default();
    let declared = read_back.klb().cloned().unwrap_or(broadcast);
    let w = &words(lang).klb;
    let rules = rules(&stream, &supervisor.trust).await;
    let banner = penutup_cli_kit::klb::banner(&declared, &rules, now, zone, lang.words());
    let zone_name = time::zone_name(zone);
    let done = if state == State::On {
        w.on(&banner, &scope, version, &zone_name)
    } else {
        w.off(&banner, &scope, version, &zone_name)
    };
    print(&(done + "\n"), lang)?;
    let sent = Sent { envelope: &envelope, sequence, sent_at: now };
    let reception = match klb.wait.reception(&stream, &supervisor, &sent).await? {
        Answer::Received(reception) => reception,
        Answer::Replaced => {
            let who = in_force(&stream, &supervisor.trust, &key, zone, lang).await?;
            return Err(CliError::new(w.replaced(&who)).help(w.conflict_help).no());
        }
    };
    print(&reception.render(lang), lang)?;
    for line in conflicting_scopes(&stream, &supervisor.trust, &scope, state, lang).await? {
        eprint_line(&line);
    }
    Ok(reception.status())
}

/// The requested scope, if it is granted; without a request the narrowest granted one.
fn choose_scope(requested: Option<&str>, own: &Signer, lang: Lang) -> Result<Scope, CliError> {
    let w = &words(lang).klb;
    let scopes =
        || own.grants.iter().filter_map(|grant| if let Grant::Klb(scope) = grant { Some(scope) } else { None });
    let listed = || scopes().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let help = || {
        let listed = listed();
        if listed.is_empty() { w.no_grant.to_owned() } else { w.granted(&listed) }
    };
    if let Some(requested) = requested {
        let Ok(scope) = requested.parse::<Scope>() else {
            return Err(CliError::new(w.no_scope(shown(requested))).help(help()));
        };
        let granted = scopes().any(|granted| *granted == scope);
        return if granted { Ok(scope) } else { Err(CliError::new(w.not_granted(requested)).help(help())) };
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
        (None, _) => Err(CliError::new(w.no_grant)),
        (Some(_), Some(_)) => Err(CliError::new(w.which_scope).help(help())),
    }
}

/// What is in force in place of this supervisor's declaration: whose, and with what.
async fn in_force(
    stream: &BroadcastStream,
    trust: &Trust,
    key: &Key,
    zone: FixedOffset,
    lang: Lang,
) -> Result<String, CliError> {
    let rules = rules(stream, trust).await;
    let present = stream.accepted(trust, key).await?;
    Ok(match present.klb() {
        Some(declared) if present.last_refusal.is_none() => {
            penutup_cli_kit::klb::banner(declared, &rules, Utc::now(), zone, lang.words())
        }
        _ => words(lang).klb.unknown_author.to_owned(),
    })
}

/// The rules on the seats, for the labels of a banner.
async fn rules(stream: &BroadcastStream, trust: &Trust) -> RuleSet {
    let accepted = stream.accepted(trust, &Key::Rules).await.unwrap_or_default();
    let text = accepted.rules().map(|(_, text)| text.as_bytes().to_vec());
    let loaded = text.and_then(|text| LoadedRules::read(text, Origin::BuiltIn, time::today()).ok());
    loaded.unwrap_or_else(LoadedRules::built_in).rules
}

/// Notes on overlapping scopes that declare the opposite: a seat shows KLB if any of its scopes declares it.
async fn conflicting_scopes(
    stream: &BroadcastStream,
    trust: &Trust,
    own: &Scope,
    state: State,
    lang: Lang,
) -> Result<Vec<String>, CliError> {
    let mut on: Vec<Scope> = Vec::new();
    let mut off: Vec<Scope> = Vec::new();
    for scope in trust.scopes().into_iter().filter(|scope| overlaps(scope, own)) {
        let key = Key::Klb(scope.clone());
        match stream.accepted(trust, &key).await?.klb().map(|declared| declared.state) {
            Some(State::On) => on.push(scope),
            Some(State::Off) => off.push(scope),
            None => {}
        }
    }
    let w = &words(lang).klb;
    let listed = |scopes: &[Scope]| scopes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    Ok(match state {
        State::Off if !on.is_empty() => vec![w.stays_on(own, listed(&on))],
        State::On if !off.is_empty() => vec![w.turns_on(listed(&off))],
        _ => Vec::new(),
    })
}

/// Whether two different scopes can have seats in common. Which site is in which region is not known here.
fn overlaps(other: &Scope, own: &Scope) -> bool {
    match (other, own) {
        (Scope::Center, _) | (_, Scope::Center) => other != own,
        (Scope::Region(_), Scope::Site(_)) | (Scope::Site(_), Scope::Region(_)) => true,
        _ => false,
    }
}

/// Lists every scope with its declaration.
async fn show(stream: &BroadcastStream, trust: &Trust, zone: FixedOffset, lang: Lang) -> Result<ExitStatus, CliError> {
    let w = &words(lang).klb;
    let (rules, now) = (rules(stream, trust).await, Utc::now());
    let scopes = trust.scopes();
    let width = scopes.iter().map(|scope| scope.to_string().len()).max().unwrap_or(0);
    let mut out = String::new();
    for scope in scopes {
        let key = Key::Klb(scope.clone());
        let accepted = stream.accepted(trust, &key).await?;
        let mut text = accepted.klb().map_or_else(
            || w.never_declared.to_owned(),
            |declared| {
                let banner = penutup_cli_kit::klb::banner(declared, &rules, now, zone, lang.words());
                w.declared(&banner, declared.version)
            },
        );
        if accepted.is_revoked() {
            let _ = write!(text, " ! {}", w.revoked);
        }
        if let Some(why) = accepted.last_refusal {
            let _ = write!(text, " ! {}", w.not_accepted(why.code()));
        }
        let _ = writeln!(out, "{:width$}  {text}", scope.to_string());
    }
    print(&out, lang)?;
    Ok(ExitStatus::Done)
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
    fn the_default_scope_is_the_narrowest_granted_and_others_are_refused() {
        for (grants, requested, scope) in [
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
            let found = choose_scope(requested, &signer(grants), Lang::En);
            assert_eq!(found.as_ref().ok().map(ToString::to_string).as_deref(), scope, "{grants:?} {requested:?}");
            if let (Err(error), Some(first)) = (found, grants.iter().find(|g| **g != "rules")) {
                assert!(error.help.unwrap().contains(first), "the help lists the granted scopes");
            }
        }
    }

    #[test]
    fn scopes_overlap_if_they_can_share_a_seat() {
        let overlap = |a: &str, b: &str| overlaps(&a.parse().unwrap(), &b.parse().unwrap());
        assert!(overlap("center", "site.jkt") && overlap("site.jkt", "center") && overlap("region.jawa", "site.jkt"));
        assert!(
            !overlap("site.jkt", "site.sby") && !overlap("region.jawa", "region.bali") && !overlap("center", "center")
        );
    }
}
