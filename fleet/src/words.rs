//! Every word a user reads, in Indonesian and English, made from `assets/locale/*.toml` as the prompter's are.

use penutup::words::Lang;

#[expect(clippy::doc_markdown, reason = "the words of the catalogue stand in it as its documentation")]
mod catalogue {
    use penutup::words::fill_in;

    include!(concat!(env!("OUT_DIR"), "/words.rs"));
}

pub use catalogue::*;

/// A language's words.
#[must_use]
pub fn words(lang: Lang) -> &'static Words {
    match lang {
        Lang::Id => &ID,
        Lang::En => &EN,
    }
}
