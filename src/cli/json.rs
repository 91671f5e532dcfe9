//! Long lists as JSON, written item by item: a table of thousands of rows is never in memory twice.

use serde::{Serialize, Serializer};

/// A list whose items are produced one by one.
pub struct Each<F>(pub F);

impl<F, I> Serialize for Each<F>
where
    F: Fn() -> I,
    I: IntoIterator<Item: Serialize>,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0())
    }
}

/// One line of the list. Serialization can't fail: every key is a string.
pub fn line(value: &impl Serialize) -> String {
    serde_json::to_string(value).map_or_else(|_| String::new(), |line| line + "\n")
}
