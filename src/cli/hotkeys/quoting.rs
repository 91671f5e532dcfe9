//! Quoting for the languages that bindings are written in. No text here has a control character: a program's path with
//! one is refused before, and the settings allow none in a press.

/// Whether a word needs no quotes in a POSIX shell, and in whatever carries its command.
fn is_plain(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./=:".contains(&byte))
}

/// A word of a POSIX shell, in single quotes unless it is plain. `GLib` reads it alike.
pub fn shell(word: &str) -> String {
    if is_plain(word) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// A string in the text format of `GVariant`.
pub fn gvariant(text: &str) -> String {
    format!("\"{}\"", escaped(text, &['\\', '"']))
}

/// A command of i3 in double quotes, run by a shell, as its configuration has it: reading that, i3 removes a backslash
/// before each quote.
pub fn i3_command(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| broken_at_dollars(&shell(word), "''")).collect();
    let command = format!("\"{}\"", escaped(&words.join(" "), &['\\', '"']));
    command.replace("\\\"", "\\\\\"")
}

/// A word of a command in sway's configuration, run by a shell. sway removes one level of backslashes and reads quotes
/// before and after; in double quotes both agree with the shell about where the word ends.
pub fn sway_word(word: &str) -> String {
    if is_plain(word) {
        return word.to_owned();
    }
    let for_shell = escaped(word, &['\\', '"', '$', '`']);
    format!("\"{}\"", broken_at_dollars(&escaped(&for_shell, &['\\', '"']), "\"\""))
}

/// Closes and opens the quotes behind each `$`, so that it is not the beginning of a variable of i3 or sway.
fn broken_at_dollars(word: &str, quotes: &str) -> String {
    word.replace('$', &format!("${quotes}"))
}

/// An argument of `Exec` in a desktop file: quoted for the command line, then escaped as a value.
pub fn desktop_exec(word: &str) -> String {
    let word = word.replace('%', "%%");
    if is_plain(&word) {
        return word;
    }
    desktop_value(&format!("\"{}\"", escaped(&word, &['\\', '"', '$', '`'])))
}

/// A string value of a desktop file.
pub fn desktop_value(text: &str) -> String {
    escaped(text, &['\\'])
}

/// An argument of a Windows program, as its C library and Rust's read the command line.
pub fn windows_argument(word: &str) -> String {
    if !word.is_empty() && !word.contains([' ', '\t', '"']) {
        return word.to_owned();
    }
    let (mut out, mut backslashes) = ("\"".to_owned(), 0);
    for c in word.chars() {
        if c == '"' {
            // Backslashes before a quote count double, and one more escapes it.
            out.extend(std::iter::repeat_n('\\', backslashes + 1));
        }
        backslashes = if c == '\\' { backslashes + 1 } else { 0 };
        out.push(c);
    }
    out.extend(std::iter::repeat_n('\\', backslashes));
    out + "\""
}

/// A string of `AutoHotkey` v2.
pub fn autohotkey(text: &str) -> String {
    let mut out = "'".to_owned();
    for c in text.chars() {
        // A semicolon behind a blank would begin a comment, even in a string.
        if matches!(c, '`' | '\'' | ';') {
            out.push('`');
        }
        out.push(c);
    }
    out + "'"
}

fn escaped(text: &str, special: &[char]) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        if special.contains(&c) {
            out.push('\\');
        }
        out.push(c);
        out
    })
}

/// What each language reads, written after its own source or standard and not after the functions above.
#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The words of a POSIX shell's command, without expansions. An unquoted special character fails.
    fn shell_words(command: &str) -> Vec<String> {
        let (mut words, mut word) = (Vec::new(), None::<String>);
        let mut chars = command.chars();
        while let Some(c) = chars.next() {
            match c {
                ' ' => words.extend(word.take()),
                '\'' => word.get_or_insert_default().extend(chars.by_ref().take_while(|c| *c != '\'')),
                '"' => {
                    let word = word.get_or_insert_default();
                    loop {
                        match chars.next().expect("a closing quote") {
                            '"' => break,
                            '\\' => match chars.next().expect("a character") {
                                c @ ('"' | '\\' | '$' | '`') => word.push(c),
                                c => word.extend(['\\', c]),
                            },
                            c => {
                                assert!(!matches!(c, '$' | '`'), "{command} expands something");
                                word.push(c);
                            }
                        }
                    }
                }
                '\\' => word.get_or_insert_default().extend(chars.next()),
                c => {
                    assert!(!"$`;&|<>()*?[]~#! ".contains(c), "{command} has {c} without quotes");
                    word.get_or_insert_default().push(c);
                }
            }
        }
        words.extend(word);
        words
    }

    /// A string as i3's configuration parser keeps it.
    fn i3_configured(text: &str) -> String {
        let mut chars = text.chars().peekable();
        let mut out = String::new();
        while let Some(c) = chars.next() {
            out.extend(if c == '\\' { chars.next_if_eq(&'"').or(Some(c)) } else { Some(c) });
        }
        out
    }

    /// `parse_string` of i3's command parser, for a string in double quotes.
    fn i3_string(text: &str) -> String {
        let (mut out, mut chars) = (String::new(), text.strip_prefix('"').expect("a quote").chars().peekable());
        loop {
            match chars.next().expect("a closing quote") {
                '"' => break,
                '\\' if matches!(chars.peek(), Some('"' | '\\')) => out.extend(chars.next()),
                c => out.push(c),
            }
        }
        assert_eq!(chars.next(), None, "{text}");
        out
    }

    /// `split_args` of sway, with single blanks between the arguments.
    fn sway_args(line: &str) -> Vec<String> {
        let (mut args, mut arg) = (Vec::new(), String::new());
        let (mut string, mut character, mut escaped) = (false, false, false);
        for c in line.chars() {
            match c {
                '"' if !character && !escaped => string = !string,
                '\'' if !string && !escaped => character = !character,
                '\\' => escaped = !escaped,
                ' ' if !string && !character && !escaped => {
                    args.extend((!arg.is_empty()).then(|| std::mem::take(&mut arg)));
                    continue;
                }
                _ => {}
            }
            escaped = escaped && c == '\\';
            arg.push(c);
        }
        args.extend((!arg.is_empty()).then_some(arg));
        args
    }

    /// `do_var_replacement` of sway with the variables `$HOME` and `$a`.
    fn sway_variables(text: &str) -> String {
        let bytes: Vec<char> = text.chars().collect();
        let (mut out, mut at) = (String::new(), 0);
        while at < bytes.len() {
            let rest: String = bytes[at..].iter().collect();
            let is_escaped = at > 0 && bytes[at - 1] == '\\' && !(at > 1 && bytes[at - 2] == '\\');
            if bytes[at] != '$' || is_escaped {
                out.push(bytes[at]);
            } else if rest.starts_with("$$") {
                out.push('$');
                at += 1;
            } else if let Some(name) = ["$HOME", "$a"].into_iter().find(|name| rest.starts_with(name)) {
                out.push_str("REPLACED");
                at += name.len() - 1;
            } else {
                out.push('$');
            }
            at += 1;
        }
        out
    }

    /// `unescape_string` of sway, for the escapes that may occur.
    fn sway_unescaped(text: &str) -> String {
        let (mut out, mut chars) = (String::new(), text.chars());
        while let Some(c) = chars.next() {
            match c {
                '\\' => match chars.next() {
                    Some(c @ ('\\' | '"' | '\'')) => out.push(c),
                    Some(c @ ('a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '?' | 'x' | '0')) => panic!("\\{c} in {text}"),
                    other => out.extend(std::iter::once('\\').chain(other)),
                },
                c => out.push(c),
            }
        }
        out
    }

    /// What the shell is given by a `bindsym … exec …` of sway's configuration.
    fn sway_runs(line: &str) -> String {
        let read = sway_args(&sway_variables(&sway_args(line).join(" ")));
        let bound: Vec<String> = read.iter().map(|arg| sway_unescaped(arg)).collect();
        let bound = bound[2..].join(" ");
        // When the key is pressed. Outside of quotes a semicolon or a comma would end the command.
        let (mut string, mut escaped) = (false, false);
        for c in bound.chars() {
            match c {
                '"' if !escaped => string = !string,
                '\\' => escaped = !escaped,
                ';' | ',' => assert!(string, "{bound}"),
                _ => {}
            }
            escaped = escaped && c == '\\';
        }
        let args: Vec<String> = sway_args(&bound).iter().map(|arg| sway_variables(arg)).collect();
        assert!(args[0] == "exec" && args.len() > 2);
        args[1..].join(" ")
    }

    /// The arguments of `Exec`: the value is unescaped, then its words are read and its field codes replaced.
    fn exec_arguments(value: &str) -> Vec<String> {
        let (mut exec, mut chars) = (String::new(), value.chars());
        while let Some(c) = chars.next() {
            let c = if c == '\\' { chars.next().filter(|c| *c == '\\').expect("an escaped backslash") } else { c };
            exec.push(c);
        }
        let words = shell_words(&exec);
        words
            .into_iter()
            .map(|word| {
                let (mut out, mut chars) = (String::new(), word.chars());
                while let Some(c) = chars.next() {
                    assert!(c != '%' || chars.next() == Some('%'), "a field code in {word}");
                    out.push(c);
                }
                out
            })
            .collect()
    }

    /// A string literal of `GVariant`'s text format.
    fn gvariant_text(literal: &str) -> String {
        let inner = literal.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).expect("quotes");
        let (mut out, mut chars) = (String::new(), inner.chars());
        while let Some(c) = chars.next() {
            assert_ne!(c, '"', "{literal}");
            out.push(if c == '\\' { chars.next().filter(|c| "\\\"'".contains(*c)).expect("an escape") } else { c });
        }
        out
    }

    /// A string of `AutoHotkey` v2 in single quotes, after comments are removed.
    fn autohotkey_text(literal: &str) -> String {
        assert!(!literal.contains(" ;") && !literal.contains("\t;"), "{literal} has a comment");
        let (mut out, mut chars) = (String::new(), literal.strip_prefix('\'').expect("a quote").chars());
        loop {
            match chars.next().expect("a closing quote") {
                '\'' => break,
                '`' => out.push(chars.next().filter(|c| "`';".contains(*c)).expect("an escape")),
                c => out.push(c),
            }
        }
        assert_eq!(chars.next(), None, "{literal}");
        out
    }

    /// The arguments behind the program's name as Microsoft's C library reads a command line.
    fn windows_arguments(line: &str) -> Vec<String> {
        let (mut args, mut arg, mut quoted) = (Vec::new(), None::<String>, false);
        let mut chars = line.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                ' ' | '\t' if !quoted => args.extend(arg.take()),
                '\\' => {
                    let mut count = 1;
                    while chars.next_if_eq(&'\\').is_some() {
                        count += 1;
                    }
                    let arg = arg.get_or_insert_default();
                    let before_quote = chars.peek() == Some(&'"');
                    arg.extend(std::iter::repeat_n('\\', if before_quote { count / 2 } else { count }));
                    if before_quote && count % 2 == 1 {
                        arg.extend(chars.next());
                    }
                }
                '"' => {
                    arg.get_or_insert_default();
                    quoted = !quoted;
                }
                c => arg.get_or_insert_default().push(c),
            }
        }
        assert!(!quoted, "{line}");
        args.extend(arg);
        args
    }

    /// Paths and words with what the languages treat as special.
    fn any_word() -> impl Strategy<Value = String> {
        prop_oneof!["[a-z/ '\"\\\\$%`;,{}=!~#&*?\\[\\]()<>|^é]{1,24}", "[^\\p{C}]{1,16}", "[-a-z0-9=./]{1,16}"]
    }

    proptest! {
        #[test]
        fn every_language_reads_back_what_was_quoted(program in any_word(), word in any_word()) {
            let both = [program.clone(), word.clone()];
            let [first, second] = [&*program, &*word];
            let command = format!("{} {}", shell(first), shell(second));
            prop_assert_eq!(&shell_words(&command)[..], &both);
            prop_assert_eq!(gvariant_text(&gvariant(&command)), command);

            let command = i3_command(&[first, second]);
            prop_assert!(!command.contains("$HOME") && !command.contains("$a"), "i3 would replace a variable: {command}");
            prop_assert_eq!(&shell_words(&i3_string(&i3_configured(&command)))[..], &both);

            let line = format!("bindsym Ctrl+k exec {} {}", sway_word(first), sway_word(second));
            prop_assert_eq!(&shell_words(&sway_runs(&line))[..], &both, "{}", line);

            let exec = format!("{} {}", desktop_exec(first), desktop_exec(second));
            prop_assert_eq!(&exec_arguments(&exec)[..], &both, "{}", exec);

            let line = format!("{} {}", windows_argument(first), windows_argument(second));
            prop_assert_eq!(&windows_arguments(&line)[..], &both, "{}", line);
            prop_assert_eq!(autohotkey_text(&autohotkey(&line)), line);
        }
    }
}
