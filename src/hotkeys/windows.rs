//! Hotkeys through `RegisterHotKey`: Windows sends a message to the thread that registered, which waits for it. No
//! other key reaches the program.

use winsafe::co::{self, VK};
use winsafe::prelude::Handle as _;
use winsafe::{GetMessage, HWND, MSG, PeekMessage};

use super::{Happened, Lost};
use crate::files::hotkey_owner::Registration;
use crate::settings::hotkeys::{Combination, Key};

/// This thread's hotkeys. Windows removes them when the thread or the process ends.
pub struct Keyboard {
    registered: Vec<Registration>,
}

impl Keyboard {
    #[expect(clippy::unnecessary_wraps, reason = "an X server may be out of reach")]
    pub fn open() -> Result<Self, Lost> {
        // A message queue for this thread, as its documentation has it: Wine makes none for a hotkey alone.
        let _ = PeekMessage(&mut MSG::default(), None, 0, 0, co::PM::NOREMOVE);
        Ok(Self { registered: Vec::new() })
    }

    /// Registers these combinations, whose ids are their positions. Returns what became of each. The same ones again: those
    /// that are not registered yet.
    #[expect(clippy::unnecessary_wraps, reason = "the connection to an X server may be lost")]
    pub fn register(&mut self, wanted: &[Combination]) -> Result<&[Registration], Lost> {
        self.registered.resize(wanted.len(), Registration::Refused);
        for ((id, combination), registered) in (0..).zip(wanted).zip(&mut self.registered) {
            // Windows would register it twice.
            if *registered != Registration::Registered {
                *registered = register(id, *combination);
            }
        }
        Ok(&self.registered)
    }

    /// Waits for a hotkey.
    #[expect(clippy::unused_self, reason = "on X11 the connection waits")]
    pub fn wait(&mut self) -> Result<Happened<'_>, Lost> {
        let mut message = MSG::default();
        while GetMessage(&mut message, None, 0, 0).is_ok_and(|goes_on| goes_on) {
            if message.message == co::WM::HOTKEY {
                return Ok(Happened::Pressed(message.wParam));
            }
        }
        Err(Lost)
    }
}

fn register(id: i32, combination: Combination) -> Registration {
    let Some(key) = virtual_key(combination.key) else { return Registration::NoKey };
    match HWND::NULL.RegisterHotKey(id, modifiers(combination), key) {
        Ok(()) => Registration::Registered,
        Err(co::ERROR::HOTKEY_ALREADY_REGISTERED) => Registration::Held,
        Err(_) => Registration::Refused,
    }
}

/// With the flag that a held key presses once.
fn modifiers(combination: Combination) -> co::MOD {
    let Combination { ctrl, alt, shift, super_key, key: _ } = combination;
    let flags = [(ctrl, co::MOD::CONTROL), (alt, co::MOD::ALT), (shift, co::MOD::SHIFT), (super_key, co::MOD::WIN)];
    flags.into_iter().filter(|(held, _)| *held).fold(co::MOD::NOREPEAT, |all, (_, flag)| all | flag)
}

const LETTERS: [VK; 26] = [
    VK::CHAR_A,
    VK::CHAR_B,
    VK::CHAR_C,
    VK::CHAR_D,
    VK::CHAR_E,
    VK::CHAR_F,
    VK::CHAR_G,
    VK::CHAR_H,
    VK::CHAR_I,
    VK::CHAR_J,
    VK::CHAR_K,
    VK::CHAR_L,
    VK::CHAR_M,
    VK::CHAR_N,
    VK::CHAR_O,
    VK::CHAR_P,
    VK::CHAR_Q,
    VK::CHAR_R,
    VK::CHAR_S,
    VK::CHAR_T,
    VK::CHAR_U,
    VK::CHAR_V,
    VK::CHAR_W,
    VK::CHAR_X,
    VK::CHAR_Y,
    VK::CHAR_Z,
];
const DIGITS: [VK; 10] = [
    VK::CHAR_0,
    VK::CHAR_1,
    VK::CHAR_2,
    VK::CHAR_3,
    VK::CHAR_4,
    VK::CHAR_5,
    VK::CHAR_6,
    VK::CHAR_7,
    VK::CHAR_8,
    VK::CHAR_9,
];
const FUNCTIONS: [VK; 24] = [
    VK::F1,
    VK::F2,
    VK::F3,
    VK::F4,
    VK::F5,
    VK::F6,
    VK::F7,
    VK::F8,
    VK::F9,
    VK::F10,
    VK::F11,
    VK::F12,
    VK::F13,
    VK::F14,
    VK::F15,
    VK::F16,
    VK::F17,
    VK::F18,
    VK::F19,
    VK::F20,
    VK::F21,
    VK::F22,
    VK::F23,
    VK::F24,
];

/// `None` for a key that no setting has.
fn virtual_key(key: Key) -> Option<VK> {
    let at = |keys: &[VK], at: u32| keys.get(usize::try_from(at).ok()?).copied();
    Some(match key {
        Key::Letter(letter) => at(&LETTERS, u32::from(letter).checked_sub(u32::from('A'))?)?,
        Key::Digit(digit) => at(&DIGITS, digit.into())?,
        Key::Function(number) => at(&FUNCTIONS, u32::from(number).checked_sub(1)?)?,
        Key::Space => VK::SPACE,
        Key::Enter => VK::RETURN,
        Key::Backspace => VK::BACK,
        Key::Tab => VK::TAB,
        Key::Insert => VK::INSERT,
        Key::Delete => VK::DELETE,
        Key::Home => VK::HOME,
        Key::End => VK::END,
        Key::PageUp => VK::PRIOR,
        Key::PageDown => VK::NEXT,
        Key::Up => VK::UP,
        Key::Down => VK::DOWN,
        Key::Left => VK::LEFT,
        Key::Right => VK::RIGHT,
        Key::Esc => VK::ESCAPE,
    })
}
