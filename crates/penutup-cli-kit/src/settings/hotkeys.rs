//! The hotkeys of the settings: which combination of keys presses what, whichever window has the focus.

use std::fmt;
use std::str::FromStr;

use crate::rules::problem::{HotkeyFault, Kind, Problem};
use crate::rules::shape::{At, Table};
use crate::rules::text::is_hidden_in_a_text;

/// The most hotkeys.
const MAX: usize = 32;
/// The longest word of a press, in bytes.
pub const MAX_WORD: usize = 128;

/// A hotkey of the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hotkey {
    /// A word of `penutup press`. Whether the rules know it is checked where the rules are known.
    pub press: String,
    pub keys: Combination,
}

/// The hotkeys that the documentation suggests: those of a call's usual keys. The settings have none by default, since a
/// hotkey is taken from every other program.
#[must_use]
pub fn suggested() -> Vec<Hotkey> {
    let keys = [("said", Key::Space), ("undo", Key::Backspace), ("klb", Key::Letter('K')), ("topik", Key::Letter('M'))];
    keys.map(|(press, key)| Hotkey { press: press.to_owned(), keys: Combination::ctrl_alt(key) }).into()
}

/// A key with its modifiers. One that was parsed may be a hotkey; see [`Combination::fault`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "each is one key of the keyboard")]
pub struct Combination {
    pub ctrl: bool,
    pub alt: bool,
    pub shift: bool,
    /// The key with the logo of the system: Windows, Super, Meta.
    pub super_key: bool,
    pub key: Key,
}

/// A key that every keyboard layout has in its place, or a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// `'A'` to `'Z'`.
    Letter(char),
    /// 0 to 9, above the letters.
    Digit(u8),
    /// 1 to 24.
    Function(u8),
    Space,
    Enter,
    Backspace,
    Tab,
    Insert,
    Delete,
    Home,
    End,
    PageUp,
    PageDown,
    Up,
    Down,
    Left,
    Right,
    Esc,
}

/// The keys with a name of their own, each first by the name that is written.
const NAMED: [(Key, &[&str]); 15] = [
    (Key::Space, &["Space"]),
    (Key::Enter, &["Enter", "Return"]),
    (Key::Backspace, &["Backspace"]),
    (Key::Tab, &["Tab"]),
    (Key::Insert, &["Insert", "Ins"]),
    (Key::Delete, &["Delete", "Del"]),
    (Key::Home, &["Home"]),
    (Key::End, &["End"]),
    (Key::PageUp, &["PageUp", "PgUp"]),
    (Key::PageDown, &["PageDown", "PgDn"]),
    (Key::Up, &["Up"]),
    (Key::Down, &["Down"]),
    (Key::Left, &["Left"]),
    (Key::Right, &["Right"]),
    (Key::Esc, &["Esc", "Escape"]),
];
const CTRL: [&str; 2] = ["Ctrl", "Control"];
const ALT: [&str; 1] = ["Alt"];
const SHIFT: [&str; 1] = ["Shift"];
const SUPER: [&str; 5] = ["Super", "Win", "Windows", "Meta", "Logo"];

impl Key {
    /// The key with this name, in any case.
    fn named(name: &str) -> Option<Self> {
        if let Some((key, _)) = NAMED.iter().find(|(_, names)| is_one_of(name, names)) {
            return Some(*key);
        }
        match name.as_bytes() {
            [letter] if letter.is_ascii_alphabetic() => Some(Self::Letter(letter.to_ascii_uppercase().into())),
            [digit] if digit.is_ascii_digit() => Some(Self::Digit(digit - b'0')),
            [b'f' | b'F', number @ ..] if matches!(number, [b'1'..=b'9'] | [b'1'..=b'9', b'0'..=b'9']) => {
                let number = number.iter().fold(0, |sum, digit| sum * 10 + (digit - b'0'));
                (number <= 24).then_some(Self::Function(number))
            }
            _ => None,
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Letter(letter) => write!(f, "{letter}"),
            Self::Digit(digit) => write!(f, "{digit}"),
            Self::Function(number) => write!(f, "F{number}"),
            named => f.write_str(NAMED.iter().find(|(key, _)| key == named).map_or("", |(_, names)| names[0])),
        }
    }
}

fn is_one_of(name: &str, names: &[&str]) -> bool {
    names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

impl Combination {
    /// With Ctrl and Alt.
    #[must_use]
    pub const fn ctrl_alt(key: Key) -> Self {
        Self { ctrl: true, alt: true, shift: false, super_key: false, key }
    }

    /// Why it can't be a hotkey, if it can't.
    ///
    /// A hotkey is taken from every program. A key without Ctrl, Alt or Super types. What the desktop keeps for itself
    /// never arrives. With Ctrl or Ctrl+Shift alone, programs edit and move about (Ctrl+C, Ctrl+Z, Ctrl+Left, Ctrl+Tab,
    /// Ctrl+Shift+T): a hotkey would break that in the CRM, so there only the function keys are left.
    #[must_use]
    pub fn fault(self) -> Option<HotkeyFault> {
        if self.is_of_the_desktop() {
            return Some(HotkeyFault::Desktop { instead: self.instead() });
        }
        if !(self.ctrl || self.alt || self.super_key) {
            return Some(HotkeyFault::NoModifier { instead: self.instead() });
        }
        let only_ctrl = self.ctrl && !self.alt && !self.super_key;
        let edits = only_ctrl && !matches!(self.key, Key::Function(_));
        edits.then(|| HotkeyFault::Edits { instead: self.instead() })
    }

    /// Whether Windows or the usual desktops of Linux keep it for themselves: it locks, logs out, switches windows or
    /// consoles, or closes the window.
    fn is_of_the_desktop(self) -> bool {
        let (ctrl, alt, system) = (self.ctrl, self.alt, self.super_key);
        match self.key {
            Key::Delete => ctrl && alt,
            Key::Esc => ctrl != alt && !system,
            Key::Tab => alt || system,
            Key::Function(4) if alt && !ctrl && !system => true,
            Key::Function(1..=12) => ctrl && alt && !self.shift && !system,
            Key::Space => alt && !ctrl && !system,
            Key::Letter('L') => system && !ctrl && !alt,
            _ => false,
        }
    }

    /// A similar one that can be a hotkey.
    fn instead(self) -> String {
        let similar = Self { ctrl: true, alt: true, ..self };
        let can_be = !similar.is_of_the_desktop();
        if can_be { similar } else { Self::ctrl_alt(Key::Space) }.to_string()
    }
}

/// `Ctrl+Alt+Shift+Super+K`, without the modifiers that it has not.
impl fmt::Display for Combination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let modifiers = [(self.ctrl, CTRL[0]), (self.alt, ALT[0]), (self.shift, SHIFT[0]), (self.super_key, SUPER[0])];
        for (_, name) in modifiers.iter().filter(|(held, _)| *held) {
            write!(f, "{name}+")?;
        }
        write!(f, "{}", self.key)
    }
}

/// Modifiers and a key, joined by `+`, in any case and order. The error is why it can't be a hotkey.
impl FromStr for Combination {
    type Err = HotkeyFault;

    fn from_str(text: &str) -> Result<Self, HotkeyFault> {
        let (modifiers, key) = text.rsplit_once('+').map_or(("", text), |(modifiers, key)| (modifiers, key));
        let key = key.trim();
        let is_modifier = [&CTRL[..], &ALT, &SHIFT, &SUPER].iter().any(|names| is_one_of(key, names));
        if key.is_empty() || is_modifier {
            return Err(HotkeyFault::NoKey);
        }
        let mut keys = Self {
            ctrl: false,
            alt: false,
            shift: false,
            super_key: false,
            key: Key::named(key).ok_or_else(|| HotkeyFault::UnknownKey { part: key.to_owned(), valid: key_names() })?,
        };
        for part in modifiers.split('+').map(str::trim).take_while(|_| !modifiers.is_empty()) {
            let held = match part {
                part if is_one_of(part, &CTRL) => &mut keys.ctrl,
                part if is_one_of(part, &ALT) => &mut keys.alt,
                part if is_one_of(part, &SHIFT) => &mut keys.shift,
                part if is_one_of(part, &SUPER) => &mut keys.super_key,
                part => {
                    let valid = [CTRL[0], ALT[0], SHIFT[0], SUPER[0]].map(str::to_owned).into();
                    return Err(HotkeyFault::UnknownModifier { part: part.to_owned(), valid });
                }
            };
            *held = true;
        }
        keys.fault().map_or(Ok(keys), Err)
    }
}

/// The names of the keys, for a message.
fn key_names() -> Vec<String> {
    let ranges = ["A–Z", "0–9", "F1–F24"];
    ranges.into_iter().chain(NAMED.iter().map(|(_, names)| names[0])).map(str::to_owned).collect()
}

/// Whether a word has the form of a press: the name of an action, a fact or a field, alone or with `=` and a value.
fn is_press(word: &str) -> bool {
    let (name, value) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
    let is_name = name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let is_value = |value: &str| !value.trim().is_empty() && !value.chars().any(char::is_control);
    word.len() <= MAX_WORD && is_name && value.is_none_or(is_value)
}

/// Reads `[hotkeys]`: those without a mistake. `None` if there is no such table.
pub(super) fn read(root: &Table<'_>) -> Option<Vec<Hotkey>> {
    if !root.has("hotkeys") {
        return None;
    }
    let mut named = root.named_texts("hotkeys");
    if named.len() > MAX {
        named.sort_by_key(|(press, _)| press.span.start);
        let (first, _) = &named[MAX];
        root.note(first.span.clone(), Kind::Hotkey { found: String::new(), fault: HotkeyFault::TooMany { max: MAX } });
        named.truncate(MAX);
    }
    let mut hotkeys: Vec<(Hotkey, At<String>)> = Vec::with_capacity(named.len());
    for (press, keys) in named {
        if !is_press(&press.value) {
            root.note(press.span, Kind::Hotkey { found: press.value, fault: HotkeyFault::Word });
            continue;
        }
        match keys.value.parse::<Combination>() {
            Ok(parsed) => {
                if let Some((first, at)) = hotkeys.iter().find(|(hotkey, _)| hotkey.keys == parsed) {
                    let fault = HotkeyFault::Twice { first: first.press.clone() };
                    let kind = Kind::Hotkey { found: parsed.to_string(), fault };
                    root.report(Problem::new(keys.span, kind).with_other(at.span.clone()));
                } else {
                    hotkeys.push((Hotkey { press: press.value, keys: parsed }, keys));
                }
            }
            // A hidden character has already been reported.
            Err(_) if keys.value.chars().any(|c| is_hidden_in_a_text(c, None)) => {}
            Err(fault) => root.note(keys.span, Kind::Hotkey { found: keys.value, fault }),
        }
    }
    Some(hotkeys.into_iter().map(|(hotkey, _)| hotkey).collect())
}

/// The hotkeys of a file with mistakes, with those of the last valid file that it lacks and whose keys are still free.
pub(super) fn with_last_good(written: Option<Vec<Hotkey>>, last_good: Option<Vec<Hotkey>>) -> Option<Vec<Hotkey>> {
    let (Some(mut written), last_good) = (written.clone(), last_good.clone()) else { return written.or(last_good) };
    for hotkey in last_good.into_iter().flatten() {
        if written.iter().all(|other| other.press != hotkey.press && other.keys != hotkey.keys) {
            written.push(hotkey);
        }
    }
    Some(written)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::super::{Settings, read_with};
    use super::*;

    fn parsed(text: &str) -> (Vec<Hotkey>, Vec<Problem>) {
        let (Settings { hotkeys, .. }, problems) = read_with(text.as_bytes(), None, Path::new(""));
        (hotkeys, problems)
    }

    fn faults(text: &str) -> Vec<HotkeyFault> {
        let (_, problems) = parsed(text);
        let fault = |problem: Problem| match problem.kind {
            Kind::Hotkey { fault, .. } => fault,
            other => panic!("{other:?}"),
        };
        problems.into_iter().map(fault).collect()
    }

    #[test]
    fn combinations_are_read_in_any_case_and_order_and_written_in_one() {
        for (text, written) in [
            ("Ctrl+Alt+Space", "Ctrl+Alt+Space"),
            ("alt + CTRL + k", "Ctrl+Alt+K"),
            ("Win+Shift+return", "Shift+Super+Enter"),
            ("meta+control+pgdn", "Ctrl+Super+PageDown"),
            ("Logo+0", "Super+0"),
            ("alt+f24", "Alt+F24"),
            ("ctrl+shift+F9", "Ctrl+Shift+F9"),
            ("Ctrl+Alt+Backspace", "Ctrl+Alt+Backspace"),
            ("Ctrl+Alt+Shift+F4", "Ctrl+Alt+Shift+F4"),
        ] {
            assert_eq!(text.parse::<Combination>().map(|keys| keys.to_string()), Ok(written.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_types_edits_or_belongs_to_the_desktop_is_no_hotkey() {
        let instead = |keys: &str| keys.to_owned();
        for (text, fault) in [
            ("", HotkeyFault::NoKey),
            ("Ctrl+Alt", HotkeyFault::NoKey),
            ("Ctrl+Alt+", HotkeyFault::NoKey),
            ("k", HotkeyFault::NoModifier { instead: instead("Ctrl+Alt+K") }),
            ("Shift+F5", HotkeyFault::NoModifier { instead: instead("Ctrl+Alt+Shift+F5") }),
            ("F5", HotkeyFault::NoModifier { instead: instead("Ctrl+Alt+Space") }),
            ("Ctrl+C", HotkeyFault::Edits { instead: instead("Ctrl+Alt+C") }),
            ("Ctrl+Shift+Left", HotkeyFault::Edits { instead: instead("Ctrl+Alt+Shift+Left") }),
        ] {
            assert_eq!(text.parse::<Combination>(), Err(fault), "{text}");
        }
        let desktop = [
            "Ctrl+Alt+Delete",
            "Alt+Tab",
            "Alt+Shift+Tab",
            "Ctrl+Alt+Tab",
            "Super+Tab",
            "Alt+F4",
            "Alt+Esc",
            "Ctrl+Esc",
            "Ctrl+Shift+Esc",
            "Alt+Space",
            "Super+L",
            "Ctrl+Alt+F1",
            "Ctrl+Alt+F12",
        ];
        for text in desktop {
            let fault = text.parse::<Combination>().unwrap_err();
            let HotkeyFault::Desktop { instead } = fault else { panic!("{text}: {fault:?}") };
            assert!(instead.parse::<Combination>().is_ok(), "{text}: {instead}");
        }
    }

    #[test]
    fn unknown_keys_and_modifiers_are_named() {
        let unknown = "Ctrl+Alt+Spasi".parse::<Combination>().unwrap_err();
        assert!(matches!(unknown, HotkeyFault::UnknownKey { part, .. } if part == "Spasi"));
        for text in ["Ctrl+Alt+F25", "Ctrl+Alt+F0", "Ctrl+Alt+F01", "Ctrl+Alt+é", "Ctrl-Alt-K", "Ctrl+Alt+12"] {
            assert!(matches!(text.parse::<Combination>(), Err(HotkeyFault::UnknownKey { .. })), "{text}");
        }
        let unknown = "Crtl+Alt+K".parse::<Combination>().unwrap_err();
        assert!(matches!(unknown, HotkeyFault::UnknownModifier { part, .. } if part == "Crtl"));
        assert!(matches!("+K".parse::<Combination>(), Err(HotkeyFault::NoModifier { .. })));
        assert!(matches!("Ctrl++K".parse::<Combination>(), Err(HotkeyFault::UnknownModifier { .. })));
    }

    #[test]
    fn hotkeys_are_read_in_the_order_of_the_file() {
        let (hotkeys, problems) = parsed(
            "[hotkeys]\nundo = 'ctrl+alt+backspace'\nsaid = 'Ctrl+Alt+Space'\n\"topik=pln-mobile\" = 'Ctrl+Alt+M'\n\"sapaan=Bapak/Ibu\" = 'Ctrl+Alt+B'",
        );
        assert_eq!(problems, []);
        let shown: Vec<String> = hotkeys.iter().map(|hotkey| format!("{} {}", hotkey.press, hotkey.keys)).collect();
        let expected = [
            "undo Ctrl+Alt+Backspace",
            "said Ctrl+Alt+Space",
            "topik=pln-mobile Ctrl+Alt+M",
            "sapaan=Bapak/Ibu Ctrl+Alt+B",
        ];
        assert_eq!(shown, expected);
        assert_eq!(parsed("[hotkeys]"), (vec![], vec![]));
        assert_eq!(parsed("hotkeys.klb = 'Ctrl+Alt+K'").0.len(), 1);
    }

    #[test]
    fn a_mistake_drops_one_hotkey_and_has_its_place() {
        for (wrong, place) in [
            ("klb = 'K'", "'K'"),
            ("klb = 'Ctrl+Alt+Kk'", "'Ctrl+Alt+Kk'"),
            ("klb = 'ctrl + alt + space'", "'ctrl + alt + space'"),
            ("klb = 7", "7"),
            ("klb = \"Ctrl+\\u200bAlt+K\"", "\\u200b"),
            ("\"said all\" = 'Ctrl+Alt+K'", "\"said all\""),
            ("\"-q\" = 'Ctrl+Alt+K'", "\"-q\""),
            ("\"topik=\" = 'Ctrl+Alt+K'", "\"topik=\""),
            ("\"topik=a\\nb\" = 'Ctrl+Alt+K'", "\"topik=a\\nb\""),
        ] {
            let text = format!("[hotkeys]\nsaid = 'Ctrl+Alt+Space'\n{wrong}\nundo = 'Ctrl+Alt+Backspace'\n");
            let (hotkeys, problems) = parsed(&text);
            let names: Vec<&str> = hotkeys.iter().map(|hotkey| &*hotkey.press).collect();
            assert_eq!(names, ["said", "undo"], "{wrong}");
            assert_eq!(problems.len(), 1, "{wrong}: {problems:?}");
            assert_eq!(&text[problems[0].span.clone()], place, "{wrong}");
        }
        let twice = "[hotkeys]\nsaid = 'Ctrl+Alt+K'\nklb = 'alt+ctrl+k'";
        assert_eq!(faults(twice), [HotkeyFault::Twice { first: "said".into() }]);
        let long = format!("[hotkeys]\n{} = 'Ctrl+Alt+K'", "x".repeat(MAX_WORD + 1));
        assert_eq!(faults(&long), [HotkeyFault::Word]);
        assert_eq!(parsed("hotkeys = 'Ctrl+Alt+K'").1.len(), 1);
    }

    #[test]
    fn there_are_only_so_many() {
        use std::fmt::Write as _;

        let mut text = "[hotkeys]\n".to_owned();
        for (at, letter) in ('A'..='Z').chain('0'..='9').enumerate() {
            writeln!(text, "fact-{at} = 'Ctrl+Alt+{letter}'").unwrap();
        }
        let (hotkeys, problems) = parsed(&text);
        assert_eq!((hotkeys.len(), problems.len()), (MAX, 1));
        assert_eq!(&text[problems[0].span.clone()], "fact-32");
    }

    #[test]
    fn the_last_good_hotkeys_replace_those_with_a_mistake() {
        let good = "[hotkeys]\nsaid = 'Ctrl+Alt+Space'\nundo = 'Ctrl+Alt+U'\nend = 'Ctrl+Alt+X'\n";
        let broken = "[hotkeys]\nsaid = 'Ctrl+Alt+X'\nundo = 'U'\nend = 'X'\n";
        let (settings, problems) = read_with(broken.as_bytes(), Some(good.as_bytes()), Path::new(""));
        let shown: Vec<String> = settings.hotkeys.iter().map(|h| format!("{} {}", h.press, h.keys)).collect();
        assert_eq!((shown, problems.len()), (vec!["said Ctrl+Alt+X".into(), "undo Ctrl+Alt+U".into()], 2));
        let broken = "lang = \n";
        let (settings, _) = read_with(broken.as_bytes(), Some(good.as_bytes()), Path::new(""));
        assert_eq!(settings.hotkeys.len(), 3);
    }

    fn any_key() -> impl Strategy<Value = Key> {
        let letter = prop::char::range('A', 'Z').prop_map(Key::Letter);
        let named = prop::sample::select(NAMED.map(|(key, _)| key).to_vec());
        prop_oneof![letter, (0_u8..10).prop_map(Key::Digit), (1_u8..=24).prop_map(Key::Function), named]
    }

    proptest! {
        #[test]
        fn a_combination_is_read_as_it_is_written(held in any::<[bool; 4]>(), key in any_key(), upper in any::<bool>()) {
            let [ctrl, alt, shift, super_key] = held;
            let keys = Combination { ctrl, alt, shift, super_key, key };
            let written = keys.to_string();
            let written = if upper { written.to_uppercase() } else { written.to_lowercase() };
            let read: Result<Combination, HotkeyFault> = written.parse();
            prop_assert_eq!(read, keys.fault().map_or(Ok(keys), Err));
        }

        #[test]
        fn a_suggested_combination_can_be_a_hotkey(held in any::<[bool; 4]>(), key in any_key()) {
            let [ctrl, alt, shift, super_key] = held;
            let suggested = Combination { ctrl, alt, shift, super_key, key }.instead();
            prop_assert!(suggested.parse::<Combination>().is_ok(), "{suggested}");
        }

        #[test]
        fn no_text_panics(text in ".{0,40}", parts in prop::collection::vec("(Ctrl|alt|F[0-9]{0,4}|[a-z]|\\+| |é)", 0..8)) {
            let _ = text.parse::<Combination>();
            let _ = parts.concat().parse::<Combination>();
            let _ = is_press(&text);
        }
    }
}
