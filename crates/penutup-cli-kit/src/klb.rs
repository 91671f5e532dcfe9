//! What both programs need of the arguments that declare KLB.

use crate::arg_error::ArgError;
use crate::declaration::{MAX_WHY, tidy};
use crate::words::Words;

/// The reason of a declaration, as every screen shows it.
///
/// # Errors
/// If it is longer than a declaration may be: screens would show its beginning only.
pub fn reason(text: &str, words: &Words) -> Result<String, ArgError> {
    let too_long = || ArgError::new(words.klb.reason_too_long(MAX_WHY));
    let whole = tidy(text, usize::MAX);
    whole.filter(|whole| tidy(text, MAX_WHY).as_ref() == Some(whole)).ok_or_else(too_long)
}
