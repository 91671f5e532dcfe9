//! Parses bytes into keys, pastes and replies; unrequested reports are read to their end and dropped.

use std::time::{Duration, Instant};

use super::{Kind, LONGEST_PASTE, TerminalReply, Token, bounded};
use crate::keymap::Key;

/// An escape byte is the key Esc if nothing follows for this long. Over ssh and serial lines sequences arrive in
/// pieces.
pub const ESCAPE: Duration = Duration::from_millis(150);
/// An unfinished sequence, string or paste ends after this much silence.
pub const SILENCE: Duration = Duration::from_secs(1);

/// The longest sequence; a longer one is read to its end and dropped.
const LONGEST: usize = 64;
const PASTE_END: &[u8] = b"\x1b[201~";

#[derive(Default)]
enum State {
    #[default]
    Ground,
    /// The first bytes of a character, and its length.
    Character(Vec<u8>, usize),
    Escape,
    /// The bytes between `ESC [` and the final byte; `None` once there were too many.
    Csi(Option<Vec<u8>>),
    /// After `ESC O`.
    Ss3,
    /// This many bytes that belong to the previous ones: a mouse report of the oldest kind, a Linux function key.
    Skip(u8),
    /// OSC, DCS, SOS, PM or APC.
    String {
        /// The beginning of an OSC; `None` for the others.
        text: Option<Vec<u8>>,
        /// Whether the last byte was ESC.
        escape: bool,
    },
    Paste(Vec<u8>),
}

/// The state between two bytes.
#[derive(Default)]
pub struct Parser {
    state: State,
    last: Option<Instant>,
}

impl std::fmt::Debug for Parser {
    /// Prints no bytes: they may include a pasted name.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parser").field("pending", &self.pending()).finish_non_exhaustive()
    }
}

impl Parser {
    /// How many bytes of an unfinished item are buffered.
    pub(super) fn pending(&self) -> usize {
        match &self.state {
            State::Character(bytes, _) | State::Paste(bytes) => bytes.len(),
            State::Csi(bytes) | State::String { text: bytes, .. } => bytes.as_ref().map_or(0, Vec::len),
            State::Ground | State::Escape | State::Ss3 | State::Skip(_) => 0,
        }
    }

    /// The next byte, read at this time.
    pub fn byte(&mut self, byte: u8, at: Instant, out: &mut impl FnMut(Token)) {
        self.last = Some(at);
        self.state = match std::mem::take(&mut self.state) {
            State::Ground => ground(byte, out),
            State::Character(bytes, length) => character(bytes, length, byte, out),
            State::Escape => escape(byte, out),
            State::Csi(params) => csi(params, byte, out),
            State::Ss3 => ss3(byte, out),
            State::Skip(0 | 1) => State::Ground,
            State::Skip(left) => State::Skip(left - 1),
            State::String { text, escape } => string(text, escape, byte, out),
            State::Paste(text) => paste(text, byte, out),
        };
    }

    /// When the pending item ends by silence.
    pub fn deadline(&self) -> Option<Instant> {
        let wait = match self.state {
            State::Ground => return None,
            State::Escape => ESCAPE,
            _ => SILENCE,
        };
        self.last.map(|last| last + wait)
    }

    /// Nothing was read until the deadline.
    pub fn end(&mut self, out: &mut impl FnMut(Token)) {
        match std::mem::take(&mut self.state) {
            State::Escape => out(Token::Key(Key::Esc, Kind::Down)),
            State::Paste(text) => out(Token::Paste(bounded(&text))),
            _ => {}
        }
    }
}

fn ground(byte: u8, out: &mut impl FnMut(Token)) -> State {
    let key = match byte {
        0x1b => return State::Escape,
        b'\r' => Key::Enter,
        b'\t' | b'\n' | b' '..=b'~' => Key::Char(byte.into()),
        0x7f => Key::Backspace,
        0x07 => {
            out(Token::StringEnd);
            return State::Ground;
        }
        0x01..=0x1a => Key::Ctrl((byte - 1 + b'a').into()),
        0x00..0x20 => {
            out(Token::Other);
            return State::Ground;
        }
        0x80..=0x9f => return c1(byte),
        0xc2..=0xdf => return State::Character(vec![byte], 2),
        0xe0..=0xef => return State::Character(vec![byte], 3),
        0xf0..=0xf4 => return State::Character(vec![byte], 4),
        // No character begins with this byte.
        _ => return State::Ground,
    };
    out(Token::Key(key, Kind::Down));
    State::Ground
}

/// The C1 control characters: one byte for ESC and a letter.
fn c1(byte: u8) -> State {
    match byte {
        0x8f => State::Ss3,
        0x9b => State::Csi(Some(Vec::new())),
        0x9d => State::String { text: Some(Vec::new()), escape: false },
        0x90 | 0x98 | 0x9e..=0x9f => State::String { text: None, escape: false },
        _ => State::Ground,
    }
}

fn character(mut bytes: Vec<u8>, length: usize, byte: u8, out: &mut impl FnMut(Token)) -> State {
    if !(0x80..=0xbf).contains(&byte) {
        return ground(byte, out);
    }
    bytes.push(byte);
    if bytes.len() < length {
        return State::Character(bytes, length);
    }
    match std::str::from_utf8(&bytes).ok().and_then(|text| text.chars().next()) {
        Some(c @ '\u{80}'..='\u{9f}') => u8::try_from(u32::from(c)).map_or(State::Ground, c1),
        Some(c) => {
            out(Token::Key(Key::Char(c), Kind::Down));
            State::Ground
        }
        None => State::Ground,
    }
}

fn escape(byte: u8, out: &mut impl FnMut(Token)) -> State {
    match byte {
        b'[' => State::Csi(Some(Vec::new())),
        b'O' => State::Ss3,
        b']' => State::String { text: Some(Vec::new()), escape: false },
        b'P' | b'X' | b'^' | b'_' => State::String { text: None, escape: false },
        b'\\' => {
            out(Token::StringEnd);
            State::Ground
        }
        // Esc and a key: Alt sent as Esc can't be distinguished from tmux, which sends the two keys at once.
        _ => {
            out(Token::Key(Key::Esc, Kind::Down));
            ground(byte, out)
        }
    }
}

fn csi(params: Option<Vec<u8>>, byte: u8, out: &mut impl FnMut(Token)) -> State {
    match byte {
        0x20..=0x3f => State::Csi(params.filter(|p| p.len() < LONGEST).map(|mut params| {
            params.push(byte);
            params
        })),
        0x40..=0x7e => match (params.as_deref(), byte) {
            (Some([]), b'M') => State::Skip(3),
            (Some([]), b'[') => State::Skip(1),
            (Some(b"200"), b'~') => State::Paste(Vec::new()),
            (Some(params), _) => {
                sequence(params, byte, out);
                State::Ground
            }
            (None, _) => State::Ground,
        },
        0x7f => State::Csi(params),
        // A control character or a byte of a character: the sequence was cut off.
        _ => ground(byte, out),
    }
}

/// The meaning of a complete control sequence.
fn sequence(params: &[u8], last: u8, out: &mut impl FnMut(Token)) {
    let Ok(params) = std::str::from_utf8(params) else { return };
    if let Some(answer) = params.strip_prefix('?') {
        if last == b'u' && answer.bytes().all(|b| b.is_ascii_digit()) {
            out(Token::TerminalReply(TerminalReply::Keyboard));
        }
        return;
    }
    let fields: Vec<Vec<u32>> =
        params.split(';').map(|field| field.split(':').map(|n| n.parse().unwrap_or(0)).collect()).collect();
    let number = |at: usize, sub: usize| fields.get(at).and_then(|f| f.get(sub)).copied().unwrap_or(0);
    // Only numbers make a key: a sequence that begins with `<`, `=` or `>`, or contains other bytes, is a report.
    if !params.bytes().all(|b| b.is_ascii_digit() || b == b';' || b == b':') {
        return;
    }
    let kind = match number(1, 1) {
        2 => Kind::Repeat,
        3 => Kind::Release,
        _ => Kind::Down,
    };
    match last {
        b'u' => pressed(number(0, 0), number(1, 0), fields.get(2).map_or(&[][..], Vec::as_slice), kind, out),
        b'~' if number(0, 0) == 27 => pressed(number(2, 0), number(1, 0), &[], Kind::Down, out),
        b'~' => match number(0, 0) {
            1 | 7 => out(Token::Key(Key::Home, kind)),
            3 => out(Token::Key(Key::Delete, kind)),
            4 | 8 => out(Token::Key(Key::End, kind)),
            5 => out(Token::Key(Key::PageUp, kind)),
            6 => out(Token::Key(Key::PageDown, kind)),
            // The end of a paste whose beginning was lost: the bytes so far were text.
            201 => out(Token::Other),
            _ => {}
        },
        // The only valid parameters are those of a modifier: `1;5A`.
        _ if params.is_empty() || number(0, 0) == 1 && fields.len() == 2 => {
            if let Some(key) = cursor(last) {
                out(Token::Key(key, kind));
            }
        }
        _ => {}
    }
}

fn cursor(last: u8) -> Option<Key> {
    Some(match last {
        b'A' => Key::Up,
        b'B' => Key::Down,
        b'C' => Key::Right,
        b'D' => Key::Left,
        b'F' => Key::End,
        b'H' => Key::Home,
        _ => return None,
    })
}

const SHIFT: u32 = 1;
const CTRL: u32 = 4;
/// Alt, Super, Hyper and Meta: shortcuts of the terminal or the desktop, not ours.
const OTHERS: u32 = 2 | 8 | 16 | 32;

/// A key by its number in the kitty protocol and xterm's `modifyOtherKeys`.
fn pressed(code: u32, modifiers: u32, text: &[u32], kind: Kind, out: &mut impl FnMut(Token)) {
    let modifiers = modifiers.saturating_sub(1);
    let with = |bits: u32| modifiers & bits != 0;
    // Ctrl and Alt together are AltGr: a plain character on the layouts that have it.
    let altgr = with(CTRL) && with(2);
    let typed = || text.iter().filter_map(|c| char::from_u32(*c)).filter(|c| !c.is_control());
    let key = match code {
        13 | 57414 => Key::Enter,
        27 => Key::Esc,
        127 => Key::Backspace,
        57417 => Key::Left,
        57418 => Key::Right,
        57419 => Key::Up,
        57420 => Key::Down,
        57421 => Key::PageUp,
        57422 => Key::PageDown,
        57423 => Key::Home,
        57424 => Key::End,
        57426 => Key::Delete,
        _ if !altgr && with(CTRL) && !with(OTHERS) => match char::from_u32(code) {
            Some(c) if c.is_ascii_alphabetic() => Key::Ctrl(c.to_ascii_lowercase()),
            _ => return out(Token::Other),
        },
        _ if !altgr && with(OTHERS) => return out(Token::Other),
        _ if typed().next().is_some() => {
            // An input method may send several characters at once.
            typed().for_each(|c| out(Token::Key(Key::Char(c), kind)));
            return;
        }
        57399..=57408 => Key::Char(char::from_digit(code - 57399, 10).unwrap_or('0')),
        // The modifiers themselves, and keys of other keyboards.
        0..32 | 57344..=63743 => return,
        _ => match char::from_u32(code) {
            Some(c) if with(SHIFT) => Key::Char(c.to_uppercase().next().unwrap_or(c)),
            Some(c) => Key::Char(c),
            None => return,
        },
    };
    out(Token::Key(key, kind));
}

fn ss3(byte: u8, out: &mut impl FnMut(Token)) -> State {
    match byte {
        b'0'..=b'9' | b';' => return State::Ss3,
        b'M' => out(Token::Key(Key::Enter, Kind::Down)),
        b' '..=b'~' => {
            if let Some(key) = cursor(byte) {
                out(Token::Key(key, Kind::Down));
            }
        }
        _ => return ground(byte, out),
    }
    State::Ground
}

fn string(text: Option<Vec<u8>>, escape: bool, byte: u8, out: &mut impl FnMut(Token)) -> State {
    match byte {
        0x07 => parse_string(text, out),
        b'\\' if escape => parse_string(text, out),
        // The string was cut off by another sequence.
        _ if escape => escape_after_string(byte, out),
        0x1b => State::String { text, escape: true },
        b'\t' | b'\n' | b'\r' => State::String { text, escape: false },
        // No reply has control characters in it: somebody typed.
        0x00..0x20 => ground(byte, out),
        _ => {
            let text = text.map(|mut text| {
                if text.len() < LONGEST {
                    text.push(byte);
                }
                text
            });
            State::String { text, escape: false }
        }
    }
}

/// After ESC, only `\` ends a string; anything else is a sequence or a key. The ESC itself is not a key then.
fn escape_after_string(byte: u8, out: &mut impl FnMut(Token)) -> State {
    escape(byte, &mut |token| {
        if token != Token::Key(Key::Esc, Kind::Down) {
            out(token);
        }
    })
}

/// A complete string: the colour of the background (OSC 11), or a report that nobody asked for.
fn parse_string(text: Option<Vec<u8>>, out: &mut impl FnMut(Token)) -> State {
    if let Some(colour) = text.unwrap_or_default().strip_prefix(b"11;").and_then(parse_colour) {
        out(Token::TerminalReply(TerminalReply::Background(colour)));
    }
    State::Ground
}

/// `rgb:R/G/B` with one to four hexadecimal digits each, as X11 writes colours; an alpha value is ignored.
fn parse_colour(text: &[u8]) -> Option<[u8; 3]> {
    let text = std::str::from_utf8(text).ok()?;
    let parts = text.strip_prefix("rgb:").or_else(|| text.strip_prefix("rgba:"))?;
    let mut channels = parts.split('/').map(|digits| {
        let is_hex = (1..=4).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit());
        let value = u32::from_str_radix(digits, 16).ok().filter(|_| is_hex)?;
        let most = 16u32.pow(u32::try_from(digits.len()).ok()?) - 1;
        u8::try_from(value * 255 / most).ok()
    });
    Some([channels.next()??, channels.next()??, channels.next()??])
}

fn paste(mut text: Vec<u8>, byte: u8, out: &mut impl FnMut(Token)) -> State {
    text.push(byte);
    if text.ends_with(PASTE_END) {
        text.truncate(text.len() - PASTE_END.len());
        out(Token::Paste(bounded(&text)));
        return State::Ground;
    }
    // Beyond the longest paste only its end is searched for.
    let room = LONGEST_PASTE + 2 * PASTE_END.len();
    if text.len() > room {
        text.drain(LONGEST_PASTE..=LONGEST_PASTE + PASTE_END.len());
    }
    State::Paste(text)
}
