//! The user's texts in Indonesian and English, generated from `assets/locale/*.toml` by the kit's build script.

use penutup_cli_kit::words::Lang;

#[expect(clippy::doc_markdown, reason = "the texts are the generated documentation")]
mod catalogue {
    use penutup_cli_kit::words::fill;

    include!(concat!(env!("OUT_DIR"), "/words.rs"));
}

pub use catalogue::*;

pub fn words(lang: Lang) -> &'static Words {
    match lang {
        Lang::Id => &ID,
        Lang::En => &EN,
    }
}
