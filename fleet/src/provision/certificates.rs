//! The fleet's certificate authority and the servers' certificates. The authority is long-lived, and its key may be kept
//! elsewhere; a server's certificate is renewed when its names change or it expires soon.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;

use chrono::{DateTime, Datelike, Days, NaiveDate, Utc};
use penutup_cli_kit::files::shown_path;
use penutup_cli_kit::words::Lang;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};

use super::fleet::Fleet;
use super::output::{Certificate, Output, Plan};
use crate::error::CliError;
use crate::secret;
use crate::wire::name::Name;
use crate::words::words;

/// The authority's certificate and key.
pub const CA: (&str, &str) = ("ca/ca.pem", "ca/ca.key");
/// A server's certificate and key, in its folder.
pub const SERVER: (&str, &str) = ("tls/server.pem", "tls/server.key");
/// A leaf's client certificate for the hub and its key, in its folder.
pub const LEAF: (&str, &str) = ("tls/leaf.pem", "tls/leaf.key");
/// Longer than the seats' machines live.
const CA_DAYS: u64 = 20 * 365;
const SERVER_DAYS: u64 = 5 * 365;
/// Renewed so many days before the end: a yearly run of `provision` is enough.
const RENEW_DAYS: u64 = 400;

/// Empty for a fleet without TLS.
#[derive(Debug, Default)]
pub struct Certificates {
    /// The authority's certificate.
    pub ca: Option<String>,
    /// By path.
    pub certificates: BTreeMap<String, Certificate>,
    /// The new ones: path and last day.
    pub new: Vec<(String, String)>,
}

fn file_error(lang: Lang, output: &Output, path: &str, why: &impl std::fmt::Display) -> CliError {
    let path = shown_path(&output.path(path));
    CliError::new(words(lang).provision.certificate(&path, why))
}

/// `None` where there is no such file.
fn read_file(output: &Output, path: &str, lang: Lang) -> Result<Option<String>, CliError> {
    match fs::read_to_string(output.path(path)) {
        Ok(text) => Ok(Some(text)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(file_error(lang, output, path, &e)),
    }
}

/// `None` where there is no such file.
fn read_key(output: &Output, path: &str, lang: Lang) -> Result<Option<KeyPair>, CliError> {
    if read_file(output, path, lang)?.is_none() {
        return Ok(None);
    }
    let pem = secret::read(&output.path(path), lang)?;
    KeyPair::from_pem(&pem).map(Some).map_err(|error| file_error(lang, output, path, &error))
}

fn period(params: &mut CertificateParams, from: NaiveDate, days: u64) -> NaiveDate {
    let day = |date: NaiveDate| {
        let small = |n: u32| u8::try_from(n).unwrap_or(1);
        date_time_ymd(date.year(), small(date.month()), small(date.day()))
    };
    let until = from + Days::new(days);
    // From yesterday, for clocks that are slow.
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

/// Keeps or creates the authority and the servers' certificates. Fails where the authority's key is needed but kept
/// elsewhere.
pub fn ensure(
    fleet: &Fleet,
    output: &Output,
    plan: &mut Plan,
    now: DateTime<Utc>,
    lang: Lang,
) -> Result<Certificates, CliError> {
    if !fleet.server.tls {
        return Ok(Certificates::default());
    }
    let today = now.date_naive();
    let was_known = output.known().is_some_and(|known| known.files.contains_key(CA.0));
    let (ca, ca_key) = match (read_file(output, CA.0, lang)?, read_key(output, CA.1, lang)?) {
        (Some(ca), key) => (ca, key),
        // The seats trust the lost authority: a new one would disconnect them all.
        (None, _) if was_known => return Err(file_error(lang, output, CA.0, &words(lang).provision.authority_lost)),
        (None, left) => {
            // An interrupted run can leave a key without a certificate.
            let key =
                left.map_or_else(KeyPair::generate, Ok).map_err(|error| file_error(lang, output, CA.1, &error))?;
            let ca =
                authority(fleet, today).self_signed(&key).map_err(|error| file_error(lang, output, CA.0, &error))?;
            if !output.path(CA.1).exists() {
                plan.add_secret(CA.1, key.serialize_pem());
            }
            (ca.pem(), Some(key))
        }
    };
    plan.add(CA.0, ca.clone());

    let mut made = Certificates { ca: Some(ca.clone()), certificates: BTreeMap::new(), new: Vec::new() };
    let authority = Authority { params: authority(fleet, today), key: ca_key.as_ref(), today };
    for node in fleet.nodes() {
        let folder = node.folder();
        let own = |(pem, key): (&str, &str)| (format!("{folder}/{pem}"), format!("{folder}/{key}"));
        let server = CertificateSpec { files: own(SERVER), names: node.server.names.clone(), is_client: false };
        authority.ensure(server, output, plan, &mut made, lang)?;
        plan.add(format!("{folder}/tls/ca.pem"), ca.clone());
        if let Some(site) = node.leaf {
            let leaf = CertificateSpec { files: own(LEAF), names: vec![leaf_name(&site.id)], is_client: true };
            authority.ensure(leaf, output, plan, &mut made, lang)?;
        }
    }
    Ok(made)
}

/// The name in a leaf's client certificate.
pub fn leaf_name(site: &Name) -> String {
    format!("leaf-{site}")
}

struct CertificateSpec {
    files: (String, String),
    names: Vec<String>,
    is_client: bool,
}

struct Authority<'a> {
    params: CertificateParams,
    key: Option<&'a KeyPair>,
    today: NaiveDate,
}

impl Authority<'_> {
    /// Keeps a certificate or creates it.
    fn ensure(
        &self,
        spec: CertificateSpec,
        output: &Output,
        plan: &mut Plan,
        made: &mut Certificates,
        lang: Lang,
    ) -> Result<(), CliError> {
        let CertificateSpec { files: (pem_path, key_path), names, is_client } = spec;
        let known = output.known().and_then(|known| known.certificates.get(&pem_path)).filter(|known| {
            let until = known.until.parse::<NaiveDate>();
            known.names == names && until.is_ok_and(|until| self.today + Days::new(RENEW_DAYS) < until)
        });
        if let (Some(known), Some(pem)) = (known, read_file(output, &pem_path, lang)?) {
            plan.add(pem_path.clone(), pem);
            made.certificates.insert(pem_path, known.clone());
            return Ok(());
        }
        let ca_key =
            self.key.ok_or_else(|| file_error(lang, output, CA.1, &words(lang).provision.authority_key_absent))?;
        let failed = |error: rcgen::Error| file_error(lang, output, &pem_path, &error);
        let mut params = CertificateParams::new(names.clone()).map_err(failed)?;
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, names[0].as_str());
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        // The hub's servers also use theirs as clients, to connect to each other.
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        if !is_client {
            params.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
        }
        let until = period(&mut params, self.today, SERVER_DAYS).to_string();
        let own = if let Some(own) = read_key(output, &key_path, lang)? {
            own
        } else {
            let own = KeyPair::generate().map_err(failed)?;
            plan.add_secret(key_path, own.serialize_pem());
            own
        };
        let issuer = Issuer::from_params(&self.params, ca_key);
        let pem = params.signed_by(&own, &issuer).map_err(failed)?.pem();
        plan.add(pem_path.clone(), pem);
        made.new.push((pem_path.clone(), until.clone()));
        made.certificates.insert(pem_path, Certificate { names, until });
        Ok(())
    }
}
