//! The hotkeys of the desktop: beside which key they are shown, and which of them the rules don't know.

use super::{App, press_action};
use crate::action::Action;
use crate::diagnostics::shown;
use crate::rules::problem::nearest;
use crate::rules::ruleset::FieldKind;
use crate::settings::Hotkey;
use penutup_ipc::press::PressRefusal;

impl App {
    /// The hotkeys that are registered with this desktop.
    pub fn hotkeys(&self) -> &[Hotkey] {
        &self.environment.hotkeys
    }

    /// The registered hotkeys of a key's action, each with the value that it sets.
    pub fn hotkeys_of(&self, action: &Action) -> Vec<String> {
        let text = |hotkey: &Hotkey| {
            let pressed = press_action(&hotkey.press, self.rules()).ok()?;
            let value = match (&pressed, action) {
                (pressed, action) if pressed == action => None,
                (Action::SetFact(fact, at), Action::Fact(of)) if fact == of => {
                    Some(self.rules().facts[*fact].values[*at].label.clone())
                }
                (Action::Choose(field, at), Action::Field(of)) if field == of => match &self.rules().field(*field).kind
                {
                    FieldKind::Choice(choices) => Some(choices[*at].text.clone()),
                    FieldKind::Typed { .. } => None,
                },
                (Action::SetZone(zone), Action::Zone) => Some(self.rules().zones[*zone].id.clone()),
                _ => return None,
            };
            Some(value.map_or_else(|| hotkey.keys.to_string(), |value| format!("{} = {value}", hotkey.keys)))
        };
        self.environment.hotkeys.iter().filter_map(text).collect()
    }

    /// A line for each registered hotkey that presses nothing under these rules.
    pub(super) fn unknown_hotkeys(&self) -> impl Iterator<Item = String> {
        self.environment.hotkeys.iter().filter_map(|hotkey| {
            let (why, valid) = press_action(&hotkey.press, self.rules()).err()?;
            let (w, word) = (&self.words().hotkey, shown(&hotkey.press));
            if why == PressRefusal::Typed {
                return Some(w.typed(hotkey.keys, word));
            }
            let (name, value) = hotkey.press.split_once('=').unwrap_or((&hotkey.press, ""));
            let wrong = if why == PressRefusal::UnknownValue { value } else { name };
            let near = nearest(wrong, valid.iter().map(String::as_str)).map(|near| match why {
                PressRefusal::UnknownValue => format!("{name}={near}"),
                _ => near.to_owned(),
            });
            Some(match near {
                Some(near) => w.unknown_near(hotkey.keys, shown(&near), word),
                None => w.unknown(hotkey.keys, word),
            })
        })
    }
}
