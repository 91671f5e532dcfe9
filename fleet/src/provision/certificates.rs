//! The fleet's own authority and the servers' certificates. The authority lives long and its key may be taken off the
//! machine; a server's certificate is made anew where its names change or its end comes near.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;

use chrono::{DateTime, Datelike, Days, NaiveDate, Utc};
use penutup::files::shown_path;
use penutup::words::Lang;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};

use super::fleet::Fleet;
use super::output::{Certificate, Output, Plan};
use crate::error::Fail;
use crate::secret;
use crate::wire::name::Name;
use crate::words::words;

/// The authority's certificate and key.
pub const CA: (&str, &str) = ("ca/ca.pem", "ca/ca.key");
/// A server's certificate and key, in its folder.
pub const SERVER: (&str, &str) = ("tls/server.pem", "tls/server.key");
/// What a leaf shows the hub, in its folder.
pub const LEAF: (&str, &str) = ("tls/leaf.pem", "tls/leaf.key");
/// How long the authority lives, in days: longer than the machines of the seats.
const CA_DAYS: u64 = 20 * 365;
/// How long the server's certificate lives, in days.
const SERVER_DAYS: u64 = 5 * 365;
/// When it is made anew, in days before its end: a yearly run of `provision` is enough.
const RENEW_DAYS: u64 = 400;

/// What everybody needs of it.
#[derive(Debug)]
pub struct Made {
    /// The authority's certificate, for everybody who connects.
    pub ca: String,
    /// What each certificate is for, by its path.
    pub certificates: BTreeMap<String, Certificate>,
    /// Those that were made now.
    pub new: Vec<(String, String)>,
}

fn wrong(lang: Lang, output: &Output, path: &str, why: &impl std::fmt::Display) -> Fail {
    let path = shown_path(&output.path(path));
    Fail::new(words(lang).provision.certificate(&path, why))
}

/// What lies there; `None` where nothing does.
fn there(output: &Output, path: &str, lang: Lang) -> Result<Option<String>, Fail> {
    match fs::read_to_string(output.path(path)) {
        Ok(text) => Ok(Some(text)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(wrong(lang, output, path, &e)),
    }
}

/// The key that lies there; `None` where none does.
fn key(output: &Output, path: &str, lang: Lang) -> Result<Option<KeyPair>, Fail> {
    if there(output, path, lang)?.is_none() {
        return Ok(None);
    }
    let pem = secret::read(&output.path(path), lang)?;
    KeyPair::from_pem(&pem).map(Some).map_err(|error| wrong(lang, output, path, &error))
}

fn period(params: &mut CertificateParams, from: NaiveDate, days: u64) -> NaiveDate {
    let day = |date: NaiveDate| {
        let small = |n: u32| u8::try_from(n).unwrap_or(1);
        date_time_ymd(date.year(), small(date.month()), small(date.day()))
    };
    let until = from + Days::new(days);
    // From yesterday: a seat whose clock is a little behind connects all the same.
    params.not_before = day(from - Days::new(1));
    params.not_after = day(until);
    until
}

fn authority(fleet: &Fleet, today: NaiveDate) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, format!("penutup fleet {}", fleet.name));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    period(&mut params, today, CA_DAYS);
    params
}

/// Keeps or makes the authority and the servers' certificates.
///
/// # Errors
/// A file of theirs that can't be used; a certificate that must be made while the authority's key is elsewhere.
pub fn make(fleet: &Fleet, output: &Output, plan: &mut Plan, now: DateTime<Utc>, lang: Lang) -> Result<Made, Fail> {
    let today = now.date_naive();
    let was_known = output.known().is_some_and(|known| known.files.contains_key(CA.0));
    let (ca, ca_key) = match (there(output, CA.0, lang)?, key(output, CA.1, lang)?) {
        (Some(ca), key) => (ca, key),
        // Seats in the field trust the one that is lost: a new one in its place would cut them all off.
        (None, _) if was_known => return Err(wrong(lang, output, CA.0, &words(lang).provision.lost)),
        (None, left) => {
            // A run that was cut off leaves the key alone.
            let key = left.map_or_else(KeyPair::generate, Ok).map_err(|error| wrong(lang, output, CA.1, &error))?;
            let ca = authority(fleet, today).self_signed(&key).map_err(|error| wrong(lang, output, CA.0, &error))?;
            if !output.path(CA.1).exists() {
                plan.secret(CA.1, key.serialize_pem());
            }
            (ca.pem(), Some(key))
        }
    };
    plan.text(CA.0, ca.clone());

    let mut made = Made { ca, certificates: BTreeMap::new(), new: Vec::new() };
    let authority = Authority { params: authority(fleet, today), key: ca_key.as_ref(), today };
    for node in fleet.nodes() {
        let folder = node.folder();
        let own = |(pem, key): (&str, &str)| (format!("{folder}/{pem}"), format!("{folder}/{key}"));
        let server = Wanted { files: own(SERVER), names: node.server.names.clone(), is_client: false };
        authority.make(server, output, plan, &mut made, lang)?;
        plan.text(format!("{folder}/tls/ca.pem"), made.ca.clone());
        if let Some(site) = node.leaf {
            let leaf = Wanted { files: own(LEAF), names: vec![leaf_name(&site.id)], is_client: true };
            authority.make(leaf, output, plan, &mut made, lang)?;
        }
    }
    Ok(made)
}

/// The name by which the hub knows a leaf.
#[must_use]
pub fn leaf_name(site: &Name) -> String {
    format!("leaf-{site}")
}

/// A certificate that should be there.
struct Wanted {
    files: (String, String),
    names: Vec<String>,
    is_client: bool,
}

/// Who signs.
struct Authority<'a> {
    params: CertificateParams,
    key: Option<&'a KeyPair>,
    today: NaiveDate,
}

impl Authority<'_> {
    /// Keeps a certificate or makes it.
    fn make(&self, wanted: Wanted, output: &Output, plan: &mut Plan, made: &mut Made, lang: Lang) -> Result<(), Fail> {
        let Wanted { files: (pem_path, key_path), names, is_client } = wanted;
        let known = output.known().and_then(|known| known.certificates.get(&pem_path)).filter(|known| {
            let until = known.until.parse::<NaiveDate>();
            known.names == names && until.is_ok_and(|until| self.today + Days::new(RENEW_DAYS) < until)
        });
        if let (Some(known), Some(pem)) = (known, there(output, &pem_path, lang)?) {
            plan.text(pem_path.clone(), pem);
            made.certificates.insert(pem_path, known.clone());
            return Ok(());
        }
        let ca_key = self.key.ok_or_else(|| wrong(lang, output, CA.1, &words(lang).provision.ca_away))?;
        let failed = |error: rcgen::Error| wrong(lang, output, &pem_path, &error);
        let mut params = CertificateParams::new(names.clone()).map_err(failed)?;
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, names[0].as_str());
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        // The hub's servers show theirs to each other too.
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        if !is_client {
            params.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
        }
        let until = period(&mut params, self.today, SERVER_DAYS).to_string();
        let own = if let Some(own) = key(output, &key_path, lang)? {
            own
        } else {
            let own = KeyPair::generate().map_err(failed)?;
            plan.secret(key_path, own.serialize_pem());
            own
        };
        let issuer = Issuer::from_params(&self.params, ca_key);
        let pem = params.signed_by(&own, &issuer).map_err(failed)?.pem();
        plan.text(pem_path.clone(), pem);
        made.new.push((pem_path.clone(), until.clone()));
        made.certificates.insert(pem_path, Certificate { names, until });
        Ok(())
    }
}
