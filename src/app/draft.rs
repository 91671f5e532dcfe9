//! A text that is being typed: its graphemes and the cursor between them.

use unicode_segmentation::UnicodeSegmentation;

use crate::action::Edit;
use crate::rules::ruleset::FieldIx;
use crate::rules::text;

/// What a text is typed into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    Field(FieldIx),
    /// The agent's number.
    Agent,
}

/// A text that is being typed.
#[derive(Clone, PartialEq, Eq)]
pub struct Draft {
    pub target: Target,
    text: String,
    /// In bytes, always between two graphemes.
    cursor: usize,
    max: usize,
    state: State,
    pub pasted: bool,
    /// Whether it is for the next call, since this one is finished.
    pub for_next: bool,
}

/// What the next edit does to the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// An edit changes the text at the cursor.
    Edited,
    Selected,
    /// An insertion did not fit, and nothing was deleted since: the text may be incomplete.
    Overflowed,
}

impl std::fmt::Debug for Draft {
    /// Omits the text: it is a customer's name.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Draft").field("target", &self.target).finish_non_exhaustive()
    }
}

impl Draft {
    /// Starts with `text` and the cursor at its end; at most `max` graphemes.
    pub fn new(target: Target, text: &str, max: usize) -> Self {
        let text: String = text::first_graphemes(&text::clean(text), max).into();
        Self { target, cursor: text.len(), text, max, state: State::Edited, pasted: false, for_next: false }
    }

    /// Starts with all of `text` selected: the first letter replaces it, an arrow or Backspace edits it.
    pub fn selecting(target: Target, text: &str, max: usize) -> Self {
        let draft = Self::new(target, text, max);
        Self { state: if draft.text.is_empty() { State::Edited } else { State::Selected }, ..draft }
    }

    /// The same text in another field: after a change of rules.
    pub fn in_field(&self, field: FieldIx, max: usize) -> Self {
        let text: String = text::first_graphemes(&self.text, max).into();
        let state = if text.len() < self.text.len() { State::Overflowed } else { self.state };
        Self { target: Target::Field(field), cursor: self.cursor.min(text.len()), text, max, state, ..self.clone() }
    }

    /// The field, unless it is the agent's number.
    pub fn field(&self) -> Option<FieldIx> {
        match self.target {
            Target::Field(field) => Some(field),
            Target::Agent => None,
        }
    }

    pub fn is_selected(&self) -> bool {
        self.state == State::Selected
    }

    /// Whether an insertion adds to a text instead of replacing it.
    pub fn adds_to_text(&self) -> bool {
        !self.is_selected() && !text::is_blank(&self.text)
    }

    /// What is typed so far.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn before_cursor(&self) -> &str {
        &self.text[..self.cursor]
    }

    /// Applies an edit. Returns `false` if the text is full and nothing was inserted.
    pub fn edit(&mut self, edit: Edit) -> bool {
        if let Edit::Insert(c) = edit {
            return self.insert(c.encode_utf8(&mut [0; 4]));
        }
        let erases = matches!(edit, Edit::EraseBack | Edit::EraseForward | Edit::EraseWord | Edit::EraseAll);
        if erases || self.is_selected() {
            self.state = State::Edited;
        }
        match edit {
            Edit::Insert(_) => {}
            Edit::EraseBack => {
                let from = self.left();
                self.text.replace_range(from..self.cursor, "");
                self.cursor = from;
            }
            Edit::EraseForward => {
                let to = self.right();
                self.text.replace_range(self.cursor..to, "");
            }
            Edit::EraseWord => {
                let before = self.before_cursor().trim_end();
                let from = before.rfind(char::is_whitespace).map_or(0, |at| at + blank_len(before, at));
                self.text.replace_range(from..self.cursor, "");
                self.cursor = from;
            }
            Edit::EraseAll => {
                self.text.replace_range(..self.cursor, "");
                self.cursor = 0;
            }
            Edit::Left => self.cursor = self.left(),
            Edit::Right => self.cursor = self.right(),
            Edit::Home => self.cursor = 0,
            Edit::End => self.cursor = self.text.len(),
        }
        true
    }

    /// Inserts a text at the cursor without its control characters. Returns `false` if it does not fit: nothing is
    /// inserted, and the draft counts as incomplete until something is deleted.
    pub fn insert(&mut self, more: &str) -> bool {
        let more = text::clean(more);
        if more.is_empty() {
            return true;
        }
        let (mut text, at) = if self.is_selected() { (String::new(), 0) } else { (self.text.clone(), self.cursor) };
        text.insert_str(at, &more);
        if text::graphemes(&text) > self.max {
            self.state = State::Overflowed;
            return false;
        }
        (self.text, self.cursor) = (text, at + more.len());
        if self.is_selected() {
            self.state = State::Edited;
        }
        true
    }

    /// Whether something was typed or pasted that did not fit, and nothing was erased since: what is here may be a part
    /// of what was meant.
    pub fn has_overflowed(&self) -> bool {
        self.state == State::Overflowed
    }

    fn left(&self) -> usize {
        self.before_cursor().grapheme_indices(true).next_back().map_or(0, |(at, _)| at)
    }

    fn right(&self) -> usize {
        let behind = &self.text[self.cursor..];
        self.cursor + behind.graphemes(true).next().map_or(0, str::len)
    }
}

/// The length in bytes of the blank at this position.
fn blank_len(text: &str, at: usize) -> usize {
    text[at..].chars().next().map_or(0, char::len_utf8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(text: &str, max: usize) -> Draft {
        Draft::new(Target::Field(FieldIx(0)), text, max)
    }

    #[test]
    fn edits_go_by_graphemes() {
        let mut d = draft("e\u{301}a", 9);
        d.edit(Edit::Left);
        d.edit(Edit::EraseBack);
        assert_eq!(d.text(), "a");
        d.edit(Edit::Insert('b'));
        d.edit(Edit::EraseForward);
        assert_eq!((d.text(), d.before_cursor()), ("b", "b"));
        d.edit(Edit::Right);
        d.edit(Edit::Home);
        d.edit(Edit::EraseBack);
        d.edit(Edit::End);
        d.edit(Edit::EraseAll);
        assert_eq!(d.text(), "");
    }

    #[test]
    fn a_selected_text_is_replaced_by_a_letter_and_edited_by_anything_else() {
        let selected = || Draft::selecting(Target::Field(FieldIx(0)), "Siti Aminah", 60);
        let after = |edits: &[Edit]| {
            let mut d = selected();
            assert!(edits.iter().all(|edit| d.edit(*edit)));
            assert!(!d.is_selected());
            d.text().to_owned()
        };
        assert!(selected().is_selected() && !Draft::selecting(Target::Field(FieldIx(0)), "", 60).is_selected());
        assert_eq!(after(&[Edit::Insert('B'), Edit::Insert('u')]), "Bu");
        assert_eq!(after(&[Edit::EraseBack]), "Siti Amina");
        assert_eq!(after(&[Edit::Left, Edit::Insert('x')]), "Siti Aminaxh");
        assert_eq!(after(&[Edit::Home, Edit::EraseForward]), "iti Aminah");
        assert_eq!(after(&[Edit::EraseWord]), "Siti ");
        assert_eq!(after(&[Edit::EraseAll]), "");
        let mut d = selected();
        assert!(d.insert("Budi") && d.text() == "Budi", "a paste replaces it too");
    }

    #[test]
    fn erasing_a_word_erases_the_blanks_after_it() {
        let mut d = draft("Ni Luh\u{a0}Putu  ", 60);
        for left in ["Ni Luh\u{a0}", "Ni ", "", ""] {
            d.edit(Edit::EraseWord);
            assert_eq!((d.text(), d.before_cursor()), (left, left));
        }
        let mut d = draft("Ni Luh", 60);
        d.edit(Edit::Left);
        d.edit(Edit::EraseWord);
        assert_eq!((d.text(), d.before_cursor()), ("Ni h", "Ni "));
    }

    #[test]
    fn a_full_text_accepts_only_combining_marks() {
        let mut d = draft("abc", 3);
        assert!(!d.edit(Edit::Insert('d')));
        assert!(d.edit(Edit::Insert('\u{301}')));
        assert_eq!(d.text(), "abc\u{301}");
        let mut d = draft("", 3);
        assert!(!d.insert("abcdef"));
        assert_eq!(d.text(), "", "nothing is inserted in part");
        assert!(d.has_overflowed());
        assert!(draft("", 9).edit(Edit::Insert('\u{1b}')));
    }
}
