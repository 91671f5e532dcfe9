//! Hotkeys through an X server: passive grabs of the root window, and a blocking wait for their events. No other key
//! reaches the program.

use std::collections::BTreeSet;

use x11rb::connection::Connection as _;
use x11rb::errors::{ConnectionError, ReplyError};
use x11rb::protocol::xproto::{
    ConnectionExt as _, GrabMode, KeyPressEvent, Keycode, Keysym, Mapping, ModMask, Timestamp, Window,
};
use x11rb::protocol::{ErrorKind, Event};
use x11rb::rust_connection::RustConnection;

use super::{Happened, Lost};
use crate::files::hotkey_owner::Registration;
use crate::helper;
use crate::settings::hotkeys::{Combination, Key};

const NUM_LOCK: Keysym = 0xff7f;

/// A connection to the X server, and what it has grabbed.
pub struct Keyboard {
    connection: RustConnection,
    root: Window,
    layout: Layout,
    wanted: Vec<Combination>,
    registered: Vec<Registration>,
    /// The key that was released last, and when. The server reports a repeat as a release and a press at one time.
    released: Option<(Keycode, Timestamp)>,
}

/// The keycodes of each wanted combination, and the modifier of Num Lock.
#[derive(Debug, Default, PartialEq, Eq)]
struct Layout {
    keycodes: Vec<BTreeSet<Keycode>>,
    num_lock: u16,
}

impl Keyboard {
    /// Connects to the server that the environment names.
    pub fn open() -> Result<Self, Lost> {
        // The crate may panic on a display number that overflows.
        let connected = helper::catch(|| x11rb::connect(None));
        let (connection, screen) = connected.map_err(|_| Lost)?.map_err(|_| Lost)?;
        let root = connection.setup().roots.get(screen).ok_or(Lost)?.root;
        let (wanted, registered) = (Vec::new(), Vec::new());
        Ok(Self { connection, root, layout: Layout::default(), wanted, registered, released: None })
    }

    /// Grabs these combinations. Returns what became of each.
    pub fn register(&mut self, wanted: &[Combination]) -> Result<&[Registration], Lost> {
        self.layout = self.read_layout(wanted)?;
        self.wanted = wanted.to_vec();
        self.grab()?;
        Ok(&self.registered)
    }

    /// Waits for a hotkey, or for another keyboard layout that makes a difference.
    pub fn wait(&mut self) -> Result<Happened<'_>, Lost> {
        loop {
            match self.connection.wait_for_event()? {
                Event::KeyPress(event) => {
                    let is_repeat = self.released == Some((event.detail, event.time));
                    if let Some(at) = self.hotkey_of(&event).filter(|_| !is_repeat) {
                        return Ok(Happened::Pressed(at));
                    }
                }
                Event::KeyRelease(event) => self.released = Some((event.detail, event.time)),
                Event::MappingNotify(event) if event.request != Mapping::POINTER => {
                    let layout = self.read_layout(&self.wanted)?;
                    if layout != self.layout {
                        self.layout = layout;
                        let before = self.registered.clone();
                        self.grab()?;
                        if self.registered != before {
                            return Ok(Happened::Changed(&self.registered));
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn hotkey_of(&self, event: &KeyPressEvent) -> Option<usize> {
        let known = u16::from(ModMask::SHIFT | ModMask::CONTROL | ModMask::M1 | ModMask::M4);
        let held = u16::from(event.state) & known & !self.layout.num_lock;
        let is_it = |at: &usize| {
            self.layout.keycodes[*at].contains(&event.detail) && u16::from(modifiers(self.wanted[*at])) == held
        };
        (0..self.wanted.len()).find(is_it)
    }

    fn read_layout(&self, wanted: &[Combination]) -> Result<Layout, Lost> {
        let setup = self.connection.setup();
        let (first, last) = (setup.min_keycode, setup.max_keycode);
        let keyboard = self.connection.get_keyboard_mapping(first, (last - first).saturating_add(1))?;
        let modifiers = self.connection.get_modifier_mapping()?;
        let (keyboard, modifiers) = (keyboard.reply()?, modifiers.reply()?);
        let columns = usize::from(keyboard.keysyms_per_keycode).max(1);
        let keycodes_of = |keysym: Keysym| {
            let rows = || (first..=last).zip(keyboard.keysyms.chunks(columns));
            // As it is without Shift, else as it is anywhere on a key: digits are shifted on some layouts.
            let in_column = |column: usize| -> BTreeSet<Keycode> {
                rows().filter(|(_, row)| row.get(column) == Some(&keysym)).map(|(code, _)| code).collect()
            };
            (0..columns).map(in_column).find(|codes| !codes.is_empty()).unwrap_or_default()
        };
        // The server has eight modifiers, each with the same number of keys.
        let per_modifier = usize::from(modifiers.keycodes_per_modifier()).max(1);
        let num_lock_keys = keycodes_of(NUM_LOCK);
        let is_num_lock = |keys: &[Keycode]| keys.iter().any(|key| num_lock_keys.contains(key));
        let num_lock = (0..8).zip(modifiers.keycodes.chunks(per_modifier)).find(|(_, keys)| is_num_lock(keys));
        Ok(Layout {
            keycodes: wanted.iter().map(|combination| keycodes_of(keysym(combination.key))).collect(),
            num_lock: num_lock.map_or(0, |(bit, _)| 1 << bit),
        })
    }

    /// Grabs all, with Caps Lock and Num Lock on and off. A combination of which another program has a part is released
    /// whole.
    fn grab(&mut self) -> Result<(), Lost> {
        self.connection.ungrab_key(0_u8, self.root, ModMask::ANY)?;
        let (caps, num) = (u16::from(ModMask::LOCK), self.layout.num_lock);
        let locks: BTreeSet<u16> = [0, caps, num, caps | num].into();
        self.registered.clear();
        for (combination, keycodes) in self.wanted.iter().zip(&self.layout.keycodes) {
            let modifiers = u16::from(modifiers(*combination));
            let variants = || keycodes.iter().flat_map(|code| locks.iter().map(move |lock| (*code, modifiers | lock)));
            let mut requests = Vec::new();
            for (code, modifiers) in variants() {
                let mode = GrabMode::ASYNC;
                requests.push(self.connection.grab_key(false, self.root, modifiers.into(), code, mode, mode)?);
            }
            let mut registration = if requests.is_empty() { Registration::NoKey } else { Registration::Registered };
            for request in requests {
                match request.check() {
                    Ok(()) => {}
                    Err(ReplyError::X11Error(error)) if error.error_kind == ErrorKind::Access => {
                        registration = Registration::Held;
                    }
                    Err(ReplyError::X11Error(_)) => registration = Registration::Refused,
                    Err(ReplyError::ConnectionError(_)) => return Err(Lost),
                }
            }
            if registration != Registration::Registered {
                for (code, modifiers) in variants() {
                    self.connection.ungrab_key(code, self.root, modifiers.into())?;
                }
            }
            self.registered.push(registration);
        }
        self.connection.flush()?;
        Ok(())
    }
}

impl From<ConnectionError> for Lost {
    fn from(_: ConnectionError) -> Self {
        Self
    }
}

impl From<ReplyError> for Lost {
    fn from(_: ReplyError) -> Self {
        Self
    }
}

/// Alt and Super are the first and the fourth modifier on every usual desktop.
fn modifiers(combination: Combination) -> ModMask {
    let Combination { ctrl, alt, shift, super_key, key: _ } = combination;
    let masks = [(ctrl, ModMask::CONTROL), (alt, ModMask::M1), (shift, ModMask::SHIFT), (super_key, ModMask::M4)];
    masks.into_iter().filter(|(held, _)| *held).fold(ModMask::from(0_u16), |all, (_, mask)| all | mask)
}

/// The symbol on the key, as X11's keysymdef.h numbers them.
fn keysym(key: Key) -> Keysym {
    match key {
        Key::Letter(letter) => u32::from(letter.to_ascii_lowercase()),
        Key::Digit(digit) => u32::from(b'0' + digit),
        Key::Function(number) => 0xffbd + u32::from(number),
        Key::Space => 0x20,
        Key::Enter => 0xff0d,
        Key::Backspace => 0xff08,
        Key::Tab => 0xff09,
        Key::Insert => 0xff63,
        Key::Delete => 0xffff,
        Key::Home => 0xff50,
        Key::End => 0xff57,
        Key::PageUp => 0xff55,
        Key::PageDown => 0xff56,
        Key::Up => 0xff52,
        Key::Down => 0xff54,
        Key::Left => 0xff51,
        Key::Right => 0xff53,
        Key::Esc => 0xff1b,
    }
}
