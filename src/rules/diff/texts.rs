//! What else a CSO reads or hears otherwise: the greeting of the hour, the zones it follows, and the words around the
//! sentences. Nothing here depends on the situation.

use chrono::{FixedOffset, NaiveTime};

use crate::rules::ruleset::{Fact, Field, FieldKind, RuleSet, Scope, Sop, Step, StepWords, Value};

use super::Paired;

/// A time of day at which another word greets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GreetingChange<'r> {
    /// The minute of the day from which it does.
    pub from: u16,
    /// The minute of the day until which it does, itself left out: at most 1440, and below `from` over midnight.
    pub to: u16,
    /// The old word.
    pub before: &'r str,
    /// The new word.
    pub after: &'r str,
}

/// A zone that came, went or moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneChange<'r> {
    /// Its id.
    pub id: &'r str,
    /// Its old distance from UTC.
    pub before: Option<FixedOffset>,
    /// Its new distance from UTC.
    pub after: Option<FixedOffset>,
}

/// What a changed text belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The document.
    Sop,
    /// A fact.
    Fact,
    /// A value; its id is `fact=value`.
    Value,
    /// A field.
    Field,
    /// The zones as a whole: which is the default.
    Zone,
    /// A step.
    Step,
    /// A rule, by its new id.
    Rule,
}

impl Subject {
    /// Its name in the rules file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sop => "sop",
            Self::Fact => "fact",
            Self::Value => "value",
            Self::Field => "field",
            Self::Zone => "zone",
            Self::Step => "step",
            Self::Rule => "rule",
        }
    }
}

/// A text that a CSO sees beside the sentences, or a default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextChange {
    /// What it belongs to.
    pub subject: Subject,
    /// The id of that; empty for the document and the zones, of which there is one.
    pub id: String,
    /// Which of its texts, by the file's key; `default` for the first of a list.
    pub field: &'static str,
    /// The old text, where there was one.
    pub before: Option<String>,
    /// The new text, where there is one.
    pub after: Option<String>,
}

/// The times of day at which another word greets, in order.
pub(super) fn greetings<'r>(old: &'r RuleSet, new: &'r RuleSet) -> Vec<GreetingChange<'r>> {
    let words = |minute: u16| {
        let time = NaiveTime::from_num_seconds_from_midnight_opt(u32::from(minute) * 60, 0).unwrap_or_default();
        (minute, old.greetings.word(time), new.greetings.word(time))
    };
    let day: Vec<_> = (0..DAY).map(words).collect();
    let alike = day.chunk_by(|one, next| (one.1, one.2) == (next.1, next.2));
    let mut changes = Vec::new();
    for run in alike {
        let ((from, before, after), last) = (run[0], run[run.len() - 1].0);
        if before != after {
            changes.push(GreetingChange { from, to: last + 1, before, after });
        }
    }
    // What holds before and after midnight is one time.
    if let [first, .., last] = &mut changes[..]
        && (first.from, last.to, first.before, first.after) == (0, DAY, last.before, last.after)
    {
        last.to = first.to;
        changes.remove(0);
    }
    changes
}

/// Minutes of a day.
const DAY: u16 = 24 * 60;

/// The zones that came, went or moved: the new file's first, then what is gone.
pub(super) fn zones<'r>(old: &'r RuleSet, new: &'r RuleSet) -> Vec<ZoneChange<'r>> {
    let pairs = Paired::new(&old.zones, &new.zones, |zone| &zone.id);
    let all = pairs.all.into_iter().map(|(before, after)| ZoneChange {
        id: before.or(after).map_or("", |zone| &zone.id),
        before: before.map(|zone| zone.offset),
        after: after.map(|zone| zone.offset),
    });
    all.filter(|change| change.before != change.after).collect()
}

/// The texts and defaults that changed, but those of rules: these hang on situations.
pub(super) fn texts(old: &RuleSet, new: &RuleSet) -> Vec<TextChange> {
    let mut changes = Changes(Vec::new());
    changes.sop(&old.sop, &new.sop);
    for (before, after) in Paired::new(&old.facts, &new.facts, |fact| &fact.id).shared() {
        changes.fact(before, after);
    }
    for (before, after) in Paired::new(&old.fields, &new.fields, |field| &field.id).all {
        changes.field(before, after);
    }
    let default = |rules: &RuleSet| Some(rules.zones.first().id.clone());
    changes.note(Subject::Zone, "", "default", default(old), default(new));
    for (before, after) in Paired::new(&old.steps, &new.steps, |step| &step.id).shared() {
        changes.step(before, after);
    }
    changes.0
}

struct Changes(Vec<TextChange>);

impl Changes {
    fn note(
        &mut self,
        subject: Subject,
        id: &str,
        field: &'static str,
        before: Option<impl Into<String>>,
        after: Option<impl Into<String>>,
    ) {
        let (before, after) = (before.map(Into::into), after.map(Into::into));
        if before != after {
            self.0.push(TextChange { subject, id: id.into(), field, before, after });
        }
    }

    fn sop(&mut self, old: &Sop, new: &Sop) {
        let day = |sop: &Sop| sop.effective_from.map(|day| day.to_string());
        self.note(Subject::Sop, "", "title", Some(&old.title), Some(&new.title));
        self.note(Subject::Sop, "", "revision", Some(&old.revision), Some(&new.revision));
        self.note(Subject::Sop, "", "supersedes", old.supersedes.as_ref(), new.supersedes.as_ref());
        self.note(Subject::Sop, "", "issuer", old.issuer.as_ref(), new.issuer.as_ref());
        self.note(Subject::Sop, "", "effective_from", day(old), day(new));
    }

    fn fact(&mut self, old: &Fact, new: &Fact) {
        let id = &new.id;
        let default = |fact: &Fact| Some(fact.values.first().id.clone());
        self.note(Subject::Fact, id, "label", Some(&old.label), Some(&new.label));
        self.note(Subject::Fact, id, "help", old.help.as_ref(), new.help.as_ref());
        self.note(Subject::Fact, id, "key", old.key, new.key);
        self.note(Subject::Fact, id, "scope", Some(scope(old.scope)), Some(scope(new.scope)));
        self.note(Subject::Fact, id, "keep_for", keep_for(old.scope), keep_for(new.scope));
        self.note(Subject::Fact, id, "default", default(old), default(new));
        for (old, new) in Paired::new(&old.values, &new.values, |value: &Value| &value.id).shared() {
            let id = format!("{id}={}", new.id);
            self.note(Subject::Value, &id, "label", Some(&old.label), Some(&new.label));
            self.note(Subject::Value, &id, "banner", old.banner.as_ref(), new.banner.as_ref());
        }
    }

    /// A field decides nothing, so one that came or went is told by its label.
    fn field(&mut self, old: Option<&Field>, new: Option<&Field>) {
        let Some(id) = new.or(old).map(|field| &field.id) else { return };
        self.note(Subject::Field, id, "label", old.map(|f| &f.label), new.map(|f| &f.label));
        self.note(Subject::Field, id, "key", old.and_then(|f| f.key), new.and_then(|f| f.key));
        if let (Some(old), Some(new)) = (old, new) {
            let choices = |field: &Field| match &field.kind {
                FieldKind::Choice(choices) => Some(choices.texts().collect::<Vec<_>>().join(" · ")),
                FieldKind::Typed(_) => None,
            };
            let max = |field: &Field| match &field.kind {
                FieldKind::Choice(_) => None,
                FieldKind::Typed(typed) => Some(typed.max.to_string()),
            };
            self.note(Subject::Field, id, "choices", choices(old), choices(new));
            self.note(Subject::Field, id, "max", max(old), max(new));
        }
    }

    fn step(&mut self, old: &Step, new: &Step) {
        let id = &new.id;
        self.note(Subject::Step, id, "title", Some(&old.title), Some(&new.title));
        // A sentence that became a reminder, or the other way round, is said differently; that is told by situation.
        if let (StepWords::Remind(old), StepWords::Remind(new)) = (&old.words, &new.words) {
            self.note(Subject::Step, id, "remind", Some(old), Some(new));
        }
        self.note(Subject::Step, id, "basis", old.basis.as_ref(), new.basis.as_ref());
        self.note(Subject::Step, id, "note", old.note.as_ref(), new.note.as_ref());
        let score = |step: &Step| (!step.score.is_empty()).then(|| step.score.join(" · "));
        self.note(Subject::Step, id, "score", score(old), score(new));
    }
}

fn scope(scope: Scope) -> &'static str {
    match scope {
        Scope::Call => "call",
        Scope::Shift { .. } => "shift",
    }
}

/// As the file writes it: hours and minutes.
fn keep_for(scope: Scope) -> Option<String> {
    let Scope::Shift { keep_for } = scope else { return None };
    let minutes = keep_for.as_secs() / 60;
    Some(match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes}m"),
        (hours, 0) => format!("{hours}h"),
        (hours, minutes) => format!("{hours}h{minutes}m"),
    })
}

#[cfg(test)]
mod tests {
    use super::super::diff;
    use super::super::tests::sop_with;
    use super::*;

    #[test]
    fn a_greeting_that_begins_later_is_told_by_the_hour() {
        let (old, new) = (sop_with(&[]), sop_with(&[("from = \"11:00\"", "from = \"10:30\"")]));
        let found = diff(&old, &new).unwrap();
        let change = GreetingChange { from: 630, to: 660, before: "pagi", after: "siang" };
        assert_eq!(found.greetings, [change]);
        assert!(found.groups.is_empty() && found.texts.is_empty() && !found.is_empty());
    }

    #[test]
    fn a_greeting_over_midnight_is_one_time_of_day() {
        let late = ("from = \"00:00\"\nword = \"pagi\"", "from = \"04:00\"\nword = \"pagi\"");
        let (old, new) = (sop_with(&[late]), sop_with(&[late, ("word = \"malam\"", "word = \"petang\"")]));
        let change = GreetingChange { from: 1080, to: 240, before: "malam", after: "petang" };
        assert_eq!(greetings(&old, &new), [change]);

        let always = |word| {
            let words = ["pagi", "siang", "sore", "malam"].map(|old| format!("word = \"{old}\""));
            let word = format!("word = \"{word}\"");
            sop_with(&words.each_ref().map(|old| (old.as_str(), word.as_str())))
        };
        let (old, new) = (always("hari"), always("waktu"));
        assert_eq!(greetings(&old, &new), [GreetingChange { from: 0, to: 1440, before: "hari", after: "waktu" }]);
    }

    #[test]
    fn zones_come_go_move_and_change_places() {
        let old = sop_with(&[]);
        let new = sop_with(&[
            ("id     = \"WIB\"\noffset = \"+07:00\"", "id     = \"WITA\"\noffset = \"+08:30\""),
            ("id     = \"WITA\"\noffset = \"+08:00\"", "id     = \"UTC\"\noffset = \"+00:00\""),
        ]);
        let told: Vec<_> = zones(&old, &new)
            .into_iter()
            .map(|zone| (zone.id, zone.before.map(|o| o.to_string()), zone.after.map(|o| o.to_string())))
            .collect();
        let some = |offset: &str| Some(offset.to_owned());
        assert_eq!(
            told,
            [("WITA", some("+08:00"), some("+08:30")), ("UTC", None, some("+00:00")), ("WIB", some("+07:00"), None)]
        );
        let default = texts(&old, &new);
        assert_eq!((default[0].subject, default[0].after.as_deref()), (Subject::Zone, Some("WITA")));
    }

    #[test]
    fn each_text_beside_the_sentences_is_told() {
        let edits: &[(&str, &str, Subject, &str, &str)] = &[
            ("revision   = \"Rev-1\"", "revision = \"Rev-2\"", Subject::Sop, "", "revision"),
            ("issuer     = \"Divisi", "issuer = \"Bidang", Subject::Sop, "", "issuer"),
            ("[sop]", "[sop]\neffective_from = 2021-02-01", Subject::Sop, "", "effective_from"),
            ("help     = \"Kejadian", "help = \"Keadaan", Subject::Fact, "klb", "help"),
            ("key      = \"k\"", "key = \"g\"", Subject::Fact, "klb", "key"),
            ("keep_for = \"12h\"", "keep_for = \"90m\"", Subject::Fact, "klb", "keep_for"),
            ("label = \"AKTIF\"", "label = \"YA\"", Subject::Value, "klb=ya", "label"),
            ("banner = \"Campaign", "banner = \"Kampanye", Subject::Value, "klb=ya", "banner"),
            ("\"Bapak/Ibu\",", "\"Ibu/Bapak\",", Subject::Field, "sapaan", "choices"),
            ("max   = 60", "max = 40", Subject::Field, "nama", "max"),
            ("title = \"Terima kasih\"", "title = \"Ucapan\"", Subject::Step, "terima-kasih", "title"),
            ("note  = \"Dilakukan sebelum", "note = \"Sebelum", Subject::Step, "terima-kasih", "note"),
            ("\"Salam Penutup\", \"FCR\"]", "\"FCR\"]", Subject::Step, "download", "score"),
        ];
        let old = sop_with(&[]);
        for (from, to, subject, id, field) in edits {
            let new = sop_with(&[(from, to)]);
            let found = diff(&old, &new).unwrap();
            let told: Vec<_> = found.texts.iter().map(|text| (text.subject, text.id.as_str(), text.field)).collect();
            assert_eq!(told, [(*subject, *id, *field)], "{to}");
            assert!(found.groups.is_empty() && !found.is_empty());
        }
    }

    #[test]
    fn another_first_value_is_another_default() {
        let (first, second) =
            ("{ id = \"lain\", label = \"di luar PLN Mobile\" },", "{ id = \"pln-mobile\", label = \"PLN Mobile\" },");
        let old = sop_with(&[]);
        let new = sop_with(&[(&format!("{first}\n  {second}"), &format!("{second}\n  {first}"))]);
        let found = diff(&old, &new).unwrap();
        assert_eq!((found.groups.len(), found.texts.len()), (0, 1));
        assert_eq!((found.texts[0].field, found.texts[0].after.as_deref()), ("default", Some("pln-mobile")));
    }

    #[test]
    fn a_time_limit_is_written_as_the_file_writes_it() {
        let hold = |minutes: u64| Scope::Shift { keep_for: std::time::Duration::from_secs(60 * minutes) };
        let texts = [30, 720, 90].map(|minutes| keep_for(hold(minutes)).unwrap());
        assert_eq!(texts, ["30m", "12h", "1h30m"]);
    }
}
