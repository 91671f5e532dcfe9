//! One nkey for each seat, supervisor and program: created once, replaced only on request. A replaced one can stay valid until
//! whoever has it has the new one.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;

use nkeys::KeyPair;
use penutup_cli_kit::words::Lang;

use super::output::{Output, Plan};
use crate::error::CliError;
use crate::secret::Seed;
use crate::words::words;

/// Which keys a run replaces.
#[derive(Clone, Debug, Default)]
pub struct Renewal {
    /// Whose.
    pub who: Vec<String>,
    /// The former keys stay valid.
    pub keep_old: bool,
    /// All former keys that were kept end.
    pub drop_old: bool,
}

#[derive(Debug)]
pub struct Keys<'o> {
    output: &'o Output,
    lang: Lang,
    renewal: &'o Renewal,
    /// By the seed's path.
    pub public: BTreeMap<String, String>,
    /// Former keys that are still valid, by the path of the seed that replaced them.
    pub outgoing: BTreeMap<String, Vec<String>>,
    /// Whose they are.
    pub outgoing_of: BTreeSet<String>,
    /// New keys.
    pub made: usize,
    /// Seeds that were taken out of the folder; their public keys stay valid.
    pub absent: usize,
}

impl<'o> Keys<'o> {
    pub fn new(output: &'o Output, renewal: &'o Renewal, lang: Lang) -> Self {
        let (public, outgoing, outgoing_of) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        Self { output, lang, renewal, public, outgoing, outgoing_of, made: 0, absent: 0 }
    }

    /// Keeps or creates the seed at `path`. Returns its public key.
    pub fn ensure(&mut self, who: &str, path: String, plan: &mut Plan) -> Result<String, CliError> {
        let full = self.output.path(&path);
        let known = self.output.known().and_then(|known| known.keys.get(&path));
        let exists = !matches!(full.symlink_metadata(), Err(e) if e.kind() == ErrorKind::NotFound);
        let mut outgoing = self.output.known().and_then(|known| known.outgoing.get(&path)).cloned().unwrap_or_default();
        if self.renewal.drop_old {
            outgoing.clear();
        }
        let is_renewed = self.renewal.who.iter().any(|renewed| renewed == who);
        let present = if exists {
            // Not from the manifest: an interrupted run writes seeds before it updates the manifest.
            Some(Seed::read(&full, self.lang)?.pair().public_key())
        } else {
            self.absent += usize::from(known.is_some() && !is_renewed);
            known.cloned()
        };
        let public = match present {
            Some(present) if !is_renewed => present,
            present => {
                // The key of a lost machine ends at once, and what was kept for it.
                outgoing.retain(|_| self.renewal.keep_old);
                if self.renewal.keep_old {
                    // The second differs where a run that renewed it was interrupted.
                    outgoing.extend(known.cloned());
                    outgoing.extend(present.filter(|present| Some(present) != known));
                }
                self.make(who, &path, plan)?
            }
        };
        if !outgoing.is_empty() {
            self.outgoing_of.insert(who.to_owned());
            self.outgoing.insert(path.clone(), outgoing);
        }
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
