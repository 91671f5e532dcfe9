//! The servers' certificates: the operator's, or a self-signed one to try a fleet out on the loopback.

use std::fs;

use penutup_cli_kit::diagnostics::outside;
use penutup_cli_kit::files::shown_path;
use penutup_cli_kit::words::Lang;

use super::fleet::Fleet;
use super::output::{Output, Plan};
use crate::error::CliError;
use crate::words::words;

/// In the server's folder: its certificate and key where `provision` makes them, and what clients and servers trust.
pub const OWN: (&str, &str) = ("tls/server.pem", "tls/server.key");
pub const CA: &str = "tls/ca.pem";

/// Returns the authority that seats trust; `None` without TLS. A self-signed certificate is kept while the server's names
/// are the same.
pub fn ensure(fleet: &Fleet, output: &Output, plan: &mut Plan, lang: Lang) -> Result<Option<String>, CliError> {
    let [pem_path, key_path, ca_path] = [OWN.0, OWN.1, CA].map(|file| format!("server/{file}"));
    let trusted = if let Some(certificate) = &fleet.server.certificate {
        let unreadable = |error: std::io::Error| {
            let why = outside::reason(&error, lang.words());
            CliError::new(words(lang).provision.certificate(shown_path(&certificate.ca), why))
        };
        fs::read_to_string(&certificate.ca).map_err(unreadable)?
    } else if fleet.server.tls {
        let same_names = output.known().is_some_and(|known| known.names == fleet.server.names);
        match fs::read_to_string(output.path(&pem_path)) {
            Ok(pem) if same_names && output.path(&key_path).exists() => pem,
            _ => {
                let failed = |error| {
                    CliError::new(words(lang).provision.certificate(shown_path(&output.path(&pem_path)), error))
                };
                let made = rcgen::generate_simple_self_signed(fleet.server.names.clone());
                let made = made.map_err(|error: rcgen::Error| failed(error.to_string()))?;
                plan.add_secret(key_path, made.signing_key.serialize_pem());
                made.cert.pem()
            }
        }
    } else {
        return Ok(None);
    };
    if fleet.server.certificate.is_none() {
        plan.add(pem_path, trusted.clone());
    }
    plan.add(ca_path, trusted.clone());
    Ok(Some(trusted))
}
