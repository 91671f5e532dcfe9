//! Turns `assets/locale/*.toml` into `words.rs`: a struct of static strings, one constant a language. A key or a
//! placeholder that only one language has stops the build, and looking a word up costs nothing at run time.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::{env, fs, path::Path, process::exit};

/// Table → key → words, both in the order of their names.
type Catalogue = BTreeMap<String, BTreeMap<String, String>>;

const LANGUAGES: [(&str, &str); 2] = [("ID", "id"), ("EN", "en")];

fn main() {
    println!("cargo::rerun-if-changed=assets/locale");
    println!("cargo::rustc-env=PENUTUP_TARGET={}", env::var("TARGET").expect("cargo sets TARGET"));
    let catalogues = LANGUAGES.map(|(_, file)| read(&format!("assets/locale/{file}.toml")));
    compare(&catalogues[0], &catalogues[1]);
    let out = generate(&catalogues);
    let path = Path::new(&env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("words.rs");
    fs::write(path, out).expect("OUT_DIR can be written");
}

fn fail(message: &str) -> ! {
    println!("cargo::error={message}");
    exit(1)
}

fn read(path: &str) -> Catalogue {
    let text = fs::read_to_string(path).unwrap_or_else(|e| fail(&format!("{path}: {e}")));
    toml::from_str(&text).unwrap_or_else(|e| fail(&format!("{path}: {e}")))
}

/// The names in single braces.
fn placeholders(words: &str) -> BTreeSet<&str> {
    words.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(name, _)| name).collect()
}

fn compare(id: &Catalogue, en: &Catalogue) {
    let keys = |c: &Catalogue| -> BTreeSet<String> {
        c.iter().flat_map(|(table, words)| words.keys().map(move |key| format!("{table}.{key}"))).collect()
    };
    if let Some(key) = keys(id).symmetric_difference(&keys(en)).next() {
        fail(&format!("assets/locale: {key} stands in one language only"));
    }
    for (table, words) in id {
        for (key, text) in words {
            if placeholders(text) != placeholders(&en[table][key]) {
                fail(&format!("assets/locale: {table}.{key} has other placeholders in the two languages"));
            }
        }
    }
}

fn type_name(table: &str) -> String {
    let mut chars = table.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// A text as a doc comment, where a bracket would be a link, or a tag.
fn documentation(text: &str) -> String {
    text.replace('\n', " ").replace('[', "\\[").replace(']', "\\]").replace('<', "\\<")
}

/// A method for each sentence with placeholders; its parameters are the placeholders in the order of the alphabet, so
/// that neither language's word order matters to a caller.
fn methods(out: &mut String, of: &str, words: &BTreeMap<String, String>) {
    let filled: Vec<_> =
        words.iter().map(|(key, text)| (key, placeholders(text))).filter(|(_, p)| !p.is_empty()).collect();
    if filled.is_empty() {
        return;
    }
    writeln!(out, "impl {of} {{").unwrap();
    for (key, names) in filled {
        let doc = documentation(&words[key]);
        let list = |each: &dyn Fn(&str) -> String| names.iter().map(|n| each(n)).collect::<Vec<_>>().join(", ");
        let parameters = list(&|name| format!("{name}: impl std::fmt::Display"));
        let pairs = list(&|name| format!("({name:?}, &{name})"));
        writeln!(
            out,
            "    /// {doc}\n    #[must_use]\n    pub fn {key}(&self, {parameters}) -> String {{\n        \
             fill(self.{key}, &[{pairs}])\n    }}"
        )
        .unwrap();
    }
    out.push_str("}\n");
}

/// The texts of the command line's help are looked up by the name of what they describe.
fn by_name(out: &mut String, words: &BTreeMap<String, String>) {
    out.push_str("impl Verbs {\n    /// The text with this key.\n    #[must_use]\n");
    out.push_str("    pub fn get(&self, key: &str) -> Option<&'static str> {\n        Some(match key { ");
    for key in words.keys() {
        write!(out, "{key:?} => self.{key}, ").unwrap();
    }
    out.push_str("_ => return None })\n    }\n}\n");
}

fn generate(catalogues: &[Catalogue; 2]) -> String {
    let mut out = String::new();
    let id = &catalogues[0];
    out.push_str("/// Every word a user reads.\n#[derive(Debug)]\npub struct Words {\n");
    for table in id.keys() {
        writeln!(out, "    /// `[{table}]` of the catalogue.\n    pub {table}: {},", type_name(table)).unwrap();
    }
    out.push_str("}\n");
    for (table, words) in id {
        writeln!(out, "/// `[{table}]` of the catalogue.\n#[derive(Debug)]\npub struct {} {{", type_name(table))
            .unwrap();
        for (key, text) in words {
            let doc = documentation(text);
            // A sentence with placeholders is read through its method alone.
            let public = if placeholders(text).is_empty() { "pub " } else { "" };
            writeln!(out, "    /// {doc}\n    {public}{key}: &'static str,").unwrap();
        }
        out.push_str("}\n");
        methods(&mut out, &type_name(table), words);
    }
    if let Some(words) = id.get("verbs") {
        by_name(&mut out, words);
    }
    for ((constant, file), catalogue) in LANGUAGES.iter().zip(catalogues) {
        writeln!(out, "/// The words of `assets/locale/{file}.toml`.\npub static {constant}: Words = Words {{")
            .unwrap();
        for (table, words) in catalogue {
            writeln!(out, "    {table}: {} {{", type_name(table)).unwrap();
            for (key, text) in words {
                writeln!(out, "        {key}: {text:?},").unwrap();
            }
            out.push_str("    },\n");
        }
        out.push_str("};\n");
    }
    out
}
