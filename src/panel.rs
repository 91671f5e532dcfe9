//! The table of panels: key, rank in the footer and labels. Their contents are in [`pages`](crate::pages), a file each.

use crate::words::Words;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Panel {
    /// The summary of the CSO's day.
    Recap,
    /// The reasons for this script.
    Basis,
    /// The list of keys.
    Help,
}

/// The key and the labels of a panel.
#[derive(Debug)]
pub struct PanelRow {
    pub panel: Panel,
    pub key: char,
    /// Its rank in the footer; `None`: only in the key list.
    pub footer: Option<u8>,
    pub label: fn(&Words) -> &'static str,
    /// Its label in a narrow footer.
    pub short: fn(&Words) -> &'static str,
}

/// Every panel, in the order of the key list.
pub const PANELS: [PanelRow; 3] = [
    PanelRow { panel: Panel::Recap, key: 'r', footer: None, label: |w| w.keys.recap, short: |w| w.keys.recap },
    PanelRow {
        panel: Panel::Basis,
        key: 'd',
        footer: Some(6),
        label: |w| w.keys.basis_short,
        short: |w| w.keys.basis_short,
    },
    PanelRow { panel: Panel::Help, key: '?', footer: Some(1), label: |w| w.keys.help, short: |w| w.keys.help_short },
];

impl Panel {
    pub fn row(self) -> &'static PanelRow {
        // The table is in the order of the variants; a test compares them.
        &PANELS[self as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_each_panel_at_its_place_and_no_key_twice() {
        for row in &PANELS {
            assert_eq!(row.panel.row().panel, row.panel);
            assert_eq!(PANELS.iter().filter(|other| other.key == row.key).count(), 1);
        }
    }
}
