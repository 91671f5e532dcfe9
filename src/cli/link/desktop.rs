//! Links on desktops that follow freedesktop.org: a desktop entry of this user, which `xdg-mime` makes the default for the
//! scheme.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{fs, io};

use super::{Failure, Registered, Removed};
use crate::files::deadline::within;
use crate::files::shown_path;
use penutup_system::folders::shared_folders;

/// The name of the desktop entry.
const ENTRY: &str = "penutup-link.desktop";
/// The type by which desktops look up the scheme.
const TYPE: &str = "x-scheme-handler/penutup";
/// The words of the command after the program. `%u` is the link, as one word.
const ARGUMENTS: [&str; 4] = ["link", "open", "--", "%u"];
/// The program that knows and changes the desktop's default.
const XDG_MIME: &str = "xdg-mime";
/// How long a program of the desktop may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The files of a registration.
struct Files {
    entry: PathBuf,
    /// Where `xdg-mime` writes defaults.
    defaults: PathBuf,
}

impl Files {
    fn of_user() -> Result<Self, Failure> {
        let folders = shared_folders().ok_or(Failure::NoHome)?;
        let entry = folders.data.join("applications").join(ENTRY);
        Ok(Self { entry, defaults: folders.config.join("mimeapps.list") })
    }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> Failure {
    let place = shown_path(path);
    move |error| Failure::Place(place, error)
}

/// A file's text; `None` if there is no such file.
fn read(path: &Path) -> Result<Option<String>, Failure> {
    match crate::files::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(unreadable) if unreadable.error.kind() == ErrorKind::NotFound => Ok(None),
        Err(unreadable) => Err(at(path)(unreadable.error)),
    }
}

pub(super) fn registered() -> Result<Registered, Failure> {
    let entry = Files::of_user()?.entry;
    let own = read(&entry)?.map(|text| program(&text).ok_or_else(|| shown_path(&entry)));
    let default = default()?;
    Ok(match (own, default) {
        (Some(Ok(program)), Some(default)) if default == ENTRY => Registered::Ours { program, is_used: true },
        (Some(Ok(program)), None) => Registered::Ours { program, is_used: false },
        (Some(Err(place)), None) => Registered::Foreign(place),
        (None, None) => Registered::Nothing,
        (Some(Err(place)), Some(default)) if default == ENTRY => Registered::Foreign(place),
        (_, Some(default)) => Registered::Foreign(default),
    })
}

pub(super) fn install(own: &Path) -> Result<Vec<String>, Failure> {
    let files = Files::of_user()?;
    let text = entry(own).ok_or(Failure::Path)?;
    match read(&files.entry)? {
        Some(there) if there == text => {}
        Some(there) if program(&there).is_none() => return Err(Failure::Foreign(shown_path(&files.entry))),
        _ => crate::files::write(&files.entry, text.as_bytes()).map_err(at(&files.entry))?,
    }
    run(XDG_MIME, &["default", ENTRY, TYPE])?;
    update_database(&files.entry);
    if default()?.as_deref() != Some(ENTRY) {
        return Err(Failure::Tool(XDG_MIME));
    }
    let lists_it = read(&files.defaults)?.is_some_and(|list| without_default(&list).is_some());
    Ok([Some(&files.entry), lists_it.then_some(&files.defaults)].into_iter().flatten().map(|p| shown_path(p)).collect())
}

pub(super) fn remove() -> Result<Removed, Failure> {
    let files = Files::of_user()?;
    let (mut gone, mut lists) = (Vec::new(), Vec::new());
    match read(&files.entry)?.map(|text| program(&text)) {
        Some(None) => return Ok(Removed::Foreign(shown_path(&files.entry))),
        Some(Some(_)) => {
            fs::remove_file(&files.entry).map_err(at(&files.entry))?;
            gone.push(shown_path(&files.entry));
            update_database(&files.entry);
        }
        None => {}
    }
    if let Some(text) = read(&files.defaults)?
        && let Some(text) = without_default(&text)
    {
        rewrite(&files.defaults, &text).map_err(at(&files.defaults))?;
        lists.push(shown_path(&files.defaults));
    }
    Ok(if gone.is_empty() && lists.is_empty() { Removed::Nothing } else { Removed::These { gone, lists } })
}

/// Replaces a file that is the user's own, also behind a symbolic link, and keeps who may read it.
fn rewrite(path: &Path, text: &str) -> io::Result<()> {
    let path = path.canonicalize()?;
    let permissions = fs::metadata(&path)?.permissions();
    crate::files::write(&path, text.as_bytes())?;
    fs::set_permissions(&path, permissions)
}

/// The desktop entry that opens links now; `None` if there is none.
fn default() -> Result<Option<String>, Failure> {
    let name = run(XDG_MIME, &["query", "default", TYPE])?;
    // It may list several.
    let name = name.trim().split(';').next().unwrap_or_default();
    Ok((!name.is_empty()).then(|| name.to_owned()))
}

/// Lets menus know. Links open without it, so it may be missing.
fn update_database(entry: &Path) {
    if let Some(folder) = entry.parent().and_then(Path::to_str) {
        let _ = run("update-desktop-database", &[folder]);
    }
}

/// Runs a program of the desktop. Returns its output.
fn run(tool: &'static str, args: &[&str]) -> Result<String, Failure> {
    let mut command = Command::new(tool);
    command.args(args).stdin(Stdio::null());
    match within(PATIENCE, move || command.output()) {
        Some(Ok(output)) if output.status.success() => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        Some(Err(error)) if error.kind() == ErrorKind::NotFound => Err(Failure::NoTool(tool)),
        _ => Err(Failure::Tool(tool)),
    }
}

/// The desktop entry for a program; `None` for a path that can't be written in one.
fn entry(program: &Path) -> Option<String> {
    let exec = exec(program.to_str()?)?;
    let lines = [
        "[Desktop Entry]",
        "Type=Application",
        "Name=penutup",
        "NoDisplay=true",
        "Terminal=false",
        &format!("MimeType={TYPE};"),
        &format!("Exec={exec} {}", ARGUMENTS.join(" ")),
    ];
    Some(lines.map(|line| line.to_owned() + "\n").concat())
}

/// A program as the first word of `Exec`, by the Desktop Entry Specification: quoted only where needed, since
/// `xdg-open` outside a desktop knows no quotes.
fn exec(program: &str) -> Option<String> {
    // The specification forbids `=` in a program's path. GLib finds no program with `%%`, the escape for `%`, in its path.
    if program.contains(['=', '%']) || program.chars().any(char::is_control) {
        return None;
    }
    let is_plain = |c: char| {
        !c.is_ascii() || c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+' | ',' | ':' | '@')
    };
    if program.chars().all(is_plain) {
        return Some(program.to_owned());
    }
    let mut out = String::from("\"");
    for c in program.chars() {
        match c {
            // Escaped for the quotes, and the backslash once more as every text of an entry.
            '\\' => out.push_str(r"\\\\"),
            '"' | '`' | '$' => {
                out.push_str(r"\\");
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    Some(out)
}

/// The program of a desktop entry that this program wrote; `None` for any other.
fn program(entry: &str) -> Option<PathBuf> {
    let exec = entry.lines().find_map(|line| line.strip_prefix("Exec="))?;
    let rest = exec.strip_suffix(&ARGUMENTS.join(" "))?.strip_suffix(' ')?;
    let word = match rest.strip_prefix('"') {
        None => rest.to_owned(),
        Some(quoted) => {
            let quoted = quoted.strip_suffix('"')?.replace(r"\\", r"\");
            let (mut out, mut chars) = (String::new(), quoted.chars());
            while let Some(c) = chars.next() {
                out.push(if c == '\\' { chars.next()? } else { c });
            }
            out
        }
    };
    // What would not be written so is somebody else's.
    (!word.is_empty() && self::exec(&word).as_deref() == Some(rest)).then(|| word.into())
}

/// A list of defaults without our entry for the scheme; `None` if it has none.
fn without_default(list: &str) -> Option<String> {
    let (mut out, mut is_changed, mut group) = (String::new(), false, "");
    for line in list.split_inclusive('\n') {
        if line.starts_with('[') {
            group = line.trim();
        }
        let is_ours = matches!(group, "[Default Applications]" | "[Added Associations]");
        match line.split_once('=').filter(|(key, _)| is_ours && key.trim() == TYPE) {
            Some((key, names)) if names.trim().split(';').any(|name| name == ENTRY) => {
                is_changed = true;
                let left: Vec<&str> =
                    names.trim().split(';').filter(|name| !name.is_empty() && *name != ENTRY).collect();
                if !left.is_empty() {
                    out.extend([key, "=", &left.join(";"), ";\n"]);
                }
            }
            _ => out.push_str(line),
        }
    }
    is_changed.then_some(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_path_is_quoted_as_the_specification_says() {
        for (path, written) in [
            ("/usr/bin/penutup", "/usr/bin/penutup"),
            ("/opt/é/penutup", "/opt/é/penutup"),
            ("/opt/my apps/penutup", "\"/opt/my apps/penutup\""),
            ("/opt/a\"b`c$d\\e/penutup", r#""/opt/a\\"b\\`c\\$d\\\\e/penutup""#),
            ("/opt/it's/penutup", "\"/opt/it's/penutup\""),
        ] {
            assert_eq!(exec(path).as_deref(), Some(written), "{path}");
        }
        for path in ["/opt/a=b/penutup", "/opt/100%/penutup", "/opt/a\nb/penutup", "/opt/a\tb/penutup"] {
            assert_eq!(exec(path), None, "{path:?}");
        }
    }

    #[test]
    fn an_entry_of_another_program_is_not_ours() {
        for exec in [
            "",
            "Exec=",
            "Exec=penutup %u",
            "Exec= link open -- %u",
            "Exec=a b link open -- %u",
            "Exec=\"a link open -- %u",
            "Exec=\"a\"b\" link open -- %u",
            "Exec=/usr/bin/penutup link open -- %u --lang=en",
        ] {
            assert_eq!(program(&format!("[Desktop Entry]\n{exec}\n")), None, "{exec}");
        }
    }

    #[test]
    fn only_our_default_is_taken_out_of_the_list() {
        let list = "# mine\n[Default Applications]\ntext/html=firefox.desktop\nx-scheme-handler/penutup=penutup-link.desktop\n\n\
                    [Added Associations]\nx-scheme-handler/penutup=other.desktop;penutup-link.desktop;\n\
                    [Removed Associations]\nx-scheme-handler/penutup=penutup-link.desktop;\n";
        let left = "# mine\n[Default Applications]\ntext/html=firefox.desktop\n\n\
                    [Added Associations]\nx-scheme-handler/penutup=other.desktop;\n\
                    [Removed Associations]\nx-scheme-handler/penutup=penutup-link.desktop;\n";
        assert_eq!(without_default(list).as_deref(), Some(left));
        assert_eq!(without_default(left), None);
        assert_eq!(without_default("[Default Applications]\nx-scheme-handler/penutup=other.desktop\n"), None);
    }

    proptest! {
        #[test]
        fn every_path_that_is_written_is_read_again(path in "/[ -~é李]{1,40}") {
            let entry = entry(Path::new(&path));
            prop_assert_eq!(entry.is_some(), !path.contains(['=', '%']));
            if let Some(entry) = entry {
                prop_assert_eq!(program(&entry), Some(PathBuf::from(path)));
            }
        }

        #[test]
        fn no_entry_and_no_list_panics(text in "(Exec=)?[\"\\\\%$a/ ]{0,20}( link open -- %u)?\\PC{0,20}") {
            let _ = (program(&text), without_default(&text));
        }
    }
}
