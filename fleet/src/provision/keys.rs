//! One nkey for each seat, supervisor and program: created once, replaced only on request.

use std::collections::BTreeMap;
use std::io::ErrorKind;

use nkeys::KeyPair;
use penutup_cli_kit::words::Lang;

use super::output::{Output, Plan};
use crate::error::CliError;
use crate::secret::Seed;
use crate::words::words;

#[derive(Debug)]
pub struct Keys<'o> {
    output: &'o Output,
    lang: Lang,
    /// Whose keys are replaced.
    renew: &'o [String],
    /// By the seed's path.
    pub public: BTreeMap<String, String>,
    /// New keys.
    pub made: usize,
    /// Seeds that were taken out of the folder; their public keys stay valid.
    pub absent: usize,
}

impl<'o> Keys<'o> {
    pub fn new(output: &'o Output, renew: &'o [String], lang: Lang) -> Self {
        Self { output, lang, renew, public: BTreeMap::new(), made: 0, absent: 0 }
    }

    /// Keeps or creates the seed at `path`. Returns its public key.
    pub fn ensure(&mut self, who: &str, path: String, plan: &mut Plan) -> Result<String, CliError> {
        let full = self.output.path(&path);
        let known = self.output.known().and_then(|known| known.keys.get(&path));
        let exists = !matches!(full.symlink_metadata(), Err(e) if e.kind() == ErrorKind::NotFound);
        let public = if self.renew.iter().any(|renewed| renewed == who) {
            self.make(who, &path, plan)?
        } else if exists {
            // Not from the manifest: an interrupted run writes seeds before it updates the manifest.
            Seed::read(&full, self.lang)?.pair().public_key()
        } else if let Some(known) = known {
            self.absent += 1;
            known.clone()
        } else {
            self.make(who, &path, plan)?
        };
        self.public.insert(path, public.clone());
        Ok(public)
    }

    fn make(&mut self, who: &str, path: &str, plan: &mut Plan) -> Result<String, CliError> {
        let pair = KeyPair::new_user();
        let seed = pair.seed().map_err(|error| CliError::new(words(self.lang).provision.no_key(who, error)))?;
        plan.add_secret(path, format!("# {who}\n{seed}\n"));
        self.made += 1;
        Ok(pair.public_key())
    }
}
