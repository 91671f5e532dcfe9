//! Changes that don't depend on the situation: greetings, zones, and texts other than sentences.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{FixedOffset, NaiveDate, NaiveTime};

use crate::greeting::DAY;
use crate::problem::Code;
use crate::ruleset::{
    Acceptance, Choices, Fact, Field, FieldKind, Requirement, RuleSet, Sop, Step, StepWords, Typed, Value,
};

use super::Paired;

/// A time of day with another greeting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GreetingChange<'r> {
    /// In minutes of the day.
    pub from: u16,
    /// In minutes of the day, exclusive: at most 1440, and less than `from` if the range includes midnight.
    pub to: u16,
    pub before: &'r str,
    pub after: &'r str,
}

impl GreetingChange<'_> {
    pub fn minutes(&self) -> u32 {
        u32::from(if self.from < self.to { self.to - self.from } else { DAY - self.from + self.to })
    }
}

/// A zone that was added, removed or got another offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneChange<'r> {
    pub id: &'r str,
    pub before: Option<FixedOffset>,
    pub after: Option<FixedOffset>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    Sop,
    Fact,
    /// With the id `fact=value`.
    Value,
    Field,
    /// All zones: their default and order.
    Zone,
    Step,
    /// By its new id.
    Rule,
    Requirement,
    File,
}

impl Subject {
    /// As in the rules file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sop => "sop",
            Self::Fact => "fact",
            Self::Value => "value",
            Self::Field => "field",
            Self::Zone => "zone",
            Self::Step => "step",
            Self::Rule => "rule",
            Self::Requirement => "require",
            Self::File => "file",
        }
    }
}

/// A changed text other than a sentence, or a changed default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextChange {
    pub subject: Subject,
    /// The id of the subject; empty for the SOP and the zones.
    pub id: String,
    /// The key in the file; `default` or `order` for a list.
    pub field: &'static str,
    pub before: Option<String>,
    pub after: Option<String>,
}

/// The times of day with another greeting, in order.
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
    // Merge the ranges before and after midnight.
    if let [first, .., last] = &mut changes[..]
        && (first.from, last.to, first.before, first.after) == (0, DAY, last.before, last.after)
    {
        last.to = first.to;
        changes.remove(0);
    }
    changes
}

/// The new file's zones first, then the removed ones.
pub(super) fn zones<'r>(old: &'r RuleSet, new: &'r RuleSet) -> Vec<ZoneChange<'r>> {
    let pairs = Paired::new(&old.zones, &new.zones, |zone| &zone.id);
    let all = pairs.all.into_iter().map(|(before, after)| ZoneChange {
        id: before.or(after).map_or("", |zone| &zone.id),
        before: before.map(|zone| zone.offset),
        after: after.map(|zone| zone.offset),
    });
    all.filter(|change| change.before != change.after).collect()
}

/// The changed texts and defaults, except those of rules, which depend on situations.
pub(super) fn texts(old: &RuleSet, new: &RuleSet) -> Vec<TextChange> {
    let mut changes = Changes(Vec::new());
    changes.sop(&old.sop, &new.sop);
    for (before, after) in Paired::new(&old.facts, &new.facts, |fact| &fact.id).shared() {
        changes.fact(before, after);
        let role = |rules: &RuleSet| rules.fact_named(&after.id).and_then(|at| rules.role_of_fact(at));
        changes.note(Subject::Fact, &after.id, "role", role(old), role(new));
    }
    for (before, after) in Paired::new(&old.fields, &new.fields, |field| &field.id).all {
        changes.field(before, after);
        let Some(field) = after.or(before) else { continue };
        let role = |rules: &RuleSet| rules.field_named(&field.id).and_then(|ix| rules.role_of_field(ix));
        changes.note(Subject::Field, &field.id, "role", role(old), role(new));
    }
    let zones = |rules: &RuleSet| rules.zones.iter().map(|zone| zone.id.clone()).collect::<Vec<_>>();
    changes.order(Subject::Zone, "", &zones(old), &zones(new));
    for (before, after) in Paired::new(&old.steps, &new.steps, |step| &step.id).shared() {
        changes.step(before, after);
    }
    for (before, after) in Paired::new(&old.requirements, &new.requirements, |r: &Requirement| &r.id).shared() {
        changes.note(Subject::Requirement, &after.id, "basis", before.basis.as_ref(), after.basis.as_ref());
    }
    changes.acceptances(old, new);
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

    /// The default, which is the first; if it is unchanged, the order of the common ones, through which keys cycle.
    fn order(&mut self, subject: Subject, id: &str, old: &[String], new: &[String]) {
        if old.first() != new.first() {
            return self.note(subject, id, "default", old.first(), new.first());
        }
        let shared = |list: &[String], other: &[String]| -> String {
            let shared: Vec<&str> = list.iter().filter(|id| other.contains(id)).map(String::as_str).collect();
            shared.join(SEPARATOR)
        };
        self.note(subject, id, "order", Some(shared(old, new)), Some(shared(new, old)));
    }

    fn sop(&mut self, old: &Sop, new: &Sop) {
        let day = |day: Option<NaiveDate>| day.map(|day| day.to_string());
        self.note(Subject::Sop, "", "title", Some(&old.title), Some(&new.title));
        self.note(Subject::Sop, "", "revision", Some(&old.revision), Some(&new.revision));
        self.note(Subject::Sop, "", "supersedes", old.supersedes.as_ref(), new.supersedes.as_ref());
        self.note(Subject::Sop, "", "issuer", old.issuer.as_ref(), new.issuer.as_ref());
        self.note(Subject::Sop, "", "effective_from", day(old.effective_from), day(new.effective_from));
        self.note(Subject::Sop, "", "effective_to", day(old.effective_to), day(new.effective_to));
        self.note(Subject::Sop, "", "lost_score", old.lost_score_text(), new.lost_score_text());
    }

    fn fact(&mut self, old: &Fact, new: &Fact) {
        let id = &new.id;
        self.note(Subject::Fact, id, "label", Some(&old.label), Some(&new.label));
        self.note(Subject::Fact, id, "help", old.help.as_ref(), new.help.as_ref());
        self.note(Subject::Fact, id, "key", old.key, new.key);
        self.note(Subject::Fact, id, "scope", Some(old.scope.as_str()), Some(new.scope.as_str()));
        self.note(Subject::Fact, id, "keep_for", old.scope.keep_for(), new.scope.keep_for());
        let values = |fact: &Fact| fact.values.iter().map(|value| value.id.clone()).collect::<Vec<_>>();
        self.order(Subject::Fact, id, &values(old), &values(new));
        for (old, new) in Paired::new(&old.values, &new.values, |value: &Value| &value.id).shared() {
            let id = format!("{id}={}", new.id);
            self.note(Subject::Value, &id, "label", Some(&old.label), Some(&new.label));
            self.note(Subject::Value, &id, "short", old.short.as_ref(), new.short.as_ref());
            self.note(Subject::Value, &id, "banner", old.banner.as_ref(), new.banner.as_ref());
        }
    }

    /// An added or removed field is reported with all its texts.
    fn field(&mut self, old: Option<&Field>, new: Option<&Field>) {
        let Some(id) = new.or(old).map(|field| &field.id) else { return };
        self.note(Subject::Field, id, "label", old.map(|f| &f.label), new.map(|f| &f.label));
        self.note(Subject::Field, id, "key", old.and_then(|f| f.key), new.and_then(|f| f.key));
        let choices = |field: Option<&Field>| match &field?.kind {
            FieldKind::Choice(choices) => Some(choices.clone()),
            FieldKind::Typed(_) => None,
        };
        let (before, after) = (choices(old), choices(new));
        let mut of_choices = |key, text: fn(&Choices) -> String| {
            let text = |choices: &Option<Choices>| choices.as_ref().map(text).filter(|text| !text.is_empty());
            self.note(Subject::Field, id, key, text(&before), text(&after));
        };
        of_choices("choices", |choices| choices.texts().collect::<Vec<_>>().join(SEPARATOR));
        of_choices("aliases", aliases);
        of_choices("short", shorts);
        of_choices("drop", |choices| choices.drop.join(", "));
        let typed = |field: Option<&Field>| match &field?.kind {
            FieldKind::Choice(_) => None,
            FieldKind::Typed(typed) => Some(typed.clone()),
        };
        let (before, after) = (typed(old), typed(new));
        let mut of_typed = |key, text: fn(&Typed) -> Option<String>| {
            self.note(Subject::Field, id, key, before.as_ref().and_then(text), after.as_ref().and_then(text));
        };
        of_typed("kind", |typed| Some(typed.text.as_str().to_owned()));
        of_typed("max", |typed| Some(typed.max.to_string()));
        of_typed("empty", |typed| typed.empty.as_ref().map(|text| format!("\"{text}\"")));
        of_typed("scope", |typed| Some(typed.scope.as_str().to_owned()));
    }

    /// Acceptances of only one file, or with other reasons. Ids of rules and requirements are ignored, as in the rest of
    /// the diff.
    fn acceptances(&mut self, old: &RuleSet, new: &RuleSet) {
        let of = |rules: &RuleSet| {
            let mut all: BTreeMap<(&str, String, Code), BTreeSet<String>> = BTreeMap::new();
            for Acceptance { table, id, code, because } in &rules.acceptances {
                let id = if ["rule", "require"].contains(table) { String::new() } else { id.clone() };
                all.entry((*table, id, *code)).or_default().insert(because.clone());
            }
            all
        };
        let (before, after) = (of(old), of(new));
        let all: BTreeSet<_> = before.keys().chain(after.keys()).collect();
        for one in all {
            let (table, id, code) = one;
            let place: Vec<&str> = [*table, id, code.as_str()].into_iter().filter(|part| !part.is_empty()).collect();
            let reasons = |side: &BTreeMap<_, BTreeSet<String>>| {
                side.get(one).map(|reasons| reasons.iter().cloned().collect::<Vec<_>>().join(SEPARATOR))
            };
            self.note(Subject::File, &place.join(" "), "accept", reasons(&before), reasons(&after));
        }
    }

    fn step(&mut self, old: &Step, new: &Step) {
        let id = &new.id;
        self.note(Subject::Step, id, "title", Some(&old.title), Some(&new.title));
        // A sentence that became a reminder, or the reverse, is reported by situation.
        if let (StepWords::Remind(old), StepWords::Remind(new)) = (&old.words, &new.words) {
            self.note(Subject::Step, id, "remind", Some(old), Some(new));
        }
        self.note(Subject::Step, id, "basis", old.basis.as_ref(), new.basis.as_ref());
        self.note(Subject::Step, id, "note", old.note.as_ref(), new.note.as_ref());
        let score = |step: &Step| (!step.score.is_empty()).then(|| step.score.join(" · "));
        self.note(Subject::Step, id, "score", score(old), score(new));
    }
}

const SEPARATOR: &str = " · ";

/// The choices with their aliases.
fn aliases(choices: &Choices) -> String {
    let each = choices.iter().filter_map(|choice| {
        let words: Vec<&str> = choice.other_words().collect();
        (!words.is_empty()).then(|| format!("{}: {}", choice.text, words.join(", ")))
    });
    each.collect::<Vec<_>>().join(SEPARATOR)
}

/// The choices with their short texts.
fn shorts(choices: &Choices) -> String {
    let each = choices.iter().filter_map(|choice| Some(format!("{}: {}", choice.text, choice.short.as_ref()?)));
    each.collect::<Vec<_>>().join(SEPARATOR)
}

#[cfg(test)]
mod tests {
    use super::super::diff;
    use super::super::tests::sop_with;
    use super::*;
    use crate::ruleset::Scope;

    #[test]
    fn a_moved_greeting_is_reported_with_its_times() {
        let (old, new) = (sop_with(&[]), sop_with(&[("from = \"11:00\"", "from = \"10:30\"")]));
        let found = diff(&old, &new).unwrap();
        let change = GreetingChange { from: 630, to: 660, before: "pagi", after: "siang" };
        assert_eq!(found.greetings, [change]);
        assert!(found.groups.is_empty() && found.texts.is_empty() && !found.is_empty());
    }

    #[test]
    fn a_greeting_past_midnight_is_one_range() {
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
    fn added_removed_moved_and_reordered_zones_are_reported() {
        let old = sop_with(&[]);
        let new = sop_with(&[
            ("id     = \"WIB\"\noffset = \"+07:00\"", "id     = \"WITA\"\noffset = \"+08:30\""),
            ("id     = \"WITA\"\noffset = \"+08:00\"", "id     = \"UTC\"\noffset = \"+00:00\""),
        ]);
        let reported: Vec<_> = zones(&old, &new)
            .into_iter()
            .map(|zone| (zone.id, zone.before.map(|o| o.to_string()), zone.after.map(|o| o.to_string())))
            .collect();
        let some = |offset: &str| Some(offset.to_owned());
        assert_eq!(
            reported,
            [("WITA", some("+08:00"), some("+08:30")), ("UTC", None, some("+00:00")), ("WIB", some("+07:00"), None)]
        );
        let default = texts(&old, &new);
        assert_eq!((default[0].subject, default[0].after.as_deref()), (Subject::Zone, Some("WITA")));
    }

    #[test]
    fn every_other_text_is_reported() {
        let edits: &[(&str, &str, Subject, &str, &str)] = &[
            ("revision   = \"Rev-1\"", "revision = \"Rev-2\"", Subject::Sop, "", "revision"),
            ("issuer     = \"Divisi", "issuer = \"Bidang", Subject::Sop, "", "issuer"),
            ("[sop]", "[sop]\neffective_from = 2021-02-01", Subject::Sop, "", "effective_from"),
            ("\"Tidak FCR\" }", "\"Bukan FCR\" }", Subject::Sop, "", "lost_score"),
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
            let reported: Vec<_> =
                found.texts.iter().map(|text| (text.subject, text.id.as_str(), text.field)).collect();
            assert_eq!(reported, [(*subject, *id, *field)], "{to}");
            assert!(found.groups.is_empty() && !found.is_empty());
        }
    }

    #[test]
    fn another_first_value_is_another_default() {
        let (first, second) = (
            "{ id = \"lain\", label = \"di luar PLN Mobile\", short = \"di luar\" },",
            "{ id = \"pln-mobile\", label = \"PLN Mobile\" },",
        );
        let old = sop_with(&[]);
        let new = sop_with(&[(&format!("{first}\n  {second}"), &format!("{second}\n  {first}"))]);
        let found = diff(&old, &new).unwrap();
        assert_eq!((found.groups.len(), found.texts.len()), (0, 1));
        assert_eq!((found.texts[0].field, found.texts[0].after.as_deref()), ("default", Some("pln-mobile")));
    }

    #[test]
    fn a_time_limit_is_written_as_the_file_writes_it() {
        let scope = |minutes: u64| Scope::Shift { keep_for: std::time::Duration::from_secs(60 * minutes) };
        let texts = [30, 720, 90].map(|minutes| scope(minutes).keep_for().unwrap());
        assert_eq!(texts, ["30m", "12h", "1h30m"]);
    }
}
