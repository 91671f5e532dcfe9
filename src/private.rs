//! Text that may hold a customer's name.

use std::fmt;
use std::ops::Deref;

use zeroize::Zeroize as _;

/// Text that may hold a customer's name: not printed by `Debug`, and overwritten in memory when it is dropped.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Private(String);

impl fmt::Debug for Private {
    /// Prints the length alone: debug output gets into panic messages and logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Private").field(&self.0.len()).finish()
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Deref for Private {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<String> for Private {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Private {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}
