//! One nkey a seat, supervisor and program: made once, kept for ever after, made anew only for who asks.

use std::collections::BTreeMap;
use std::io::ErrorKind;

use nkeys::KeyPair;
use penutup::words::Lang;

use super::output::{Output, Plan};
use crate::error::Fail;
use crate::secret::Seed;
use crate::words::words;

/// The keys of a run.
#[derive(Debug)]
pub struct Keys<'o> {
    output: &'o Output,
    lang: Lang,
    /// Whose keys are made anew.
    renew: &'o [String],
    /// The public keys, by their seeds' paths.
    pub public: BTreeMap<String, String>,
    /// Whose keys were made.
    pub made: usize,
    /// Whose seeds are no longer here; their public keys are known and stay.
    pub away: usize,
}

impl<'o> Keys<'o> {
    /// None yet.
    #[must_use]
    pub fn new(output: &'o Output, renew: &'o [String], lang: Lang) -> Self {
        Self { output, lang, renew, public: BTreeMap::new(), made: 0, away: 0 }
    }

    /// The public key of somebody whose seed lies at `path`.
    ///
    /// # Errors
    /// A seed that can't be read, or that others can read.
    pub fn of(&mut self, who: &str, path: String, plan: &mut Plan) -> Result<String, Fail> {
        let full = self.output.path(&path);
        let known = self.output.known().and_then(|known| known.keys.get(&path));
        let is_there = !matches!(full.symlink_metadata(), Err(e) if e.kind() == ErrorKind::NotFound);
        let public = if self.renew.iter().any(|renewed| renewed == who) {
            self.make(who, &path, plan)?
        } else if is_there {
            // What lies there is the truth: a run that was cut off wrote it before it could note its public key.
            Seed::read(&full, self.lang)?.pair().public_key()
        } else if let Some(known) = known {
            self.away += 1;
            known.clone()
        } else {
            self.make(who, &path, plan)?
        };
        self.public.insert(path, public.clone());
        Ok(public)
    }

    fn make(&mut self, who: &str, path: &str, plan: &mut Plan) -> Result<String, Fail> {
        let pair = KeyPair::new_user();
        let seed = pair.seed().map_err(|error| Fail::new(words(self.lang).provision.no_key(who, error)))?;
        plan.secret(path, format!("# {who}\n{seed}\n"));
        self.made += 1;
        Ok(pair.public_key())
    }
}
