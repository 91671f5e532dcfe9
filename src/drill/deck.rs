//! The deck of a presentation: parses a deck file, each problem with its place, and resolves the names of facts, fields
//! and zones in its scenes against the rules.

use chrono::NaiveTime;

use super::card::DAY;
use super::story::{full, pairs};
use crate::rules::RuleSet;
use crate::rules::problem::{Expected, Kind, Problem, Span};
use crate::rules::ruleset::{FieldIx, FieldKind};
use crate::rules::shape::{At, Problems, Table, note, read_document};
use crate::rules::text;

/// The deck that is embedded in the program.
pub const BUILT_IN: &str = include_str!("../../assets/deck.toml");
/// The most sentences that one step says.
const MOST_SAID: i64 = 99;

#[derive(Clone, Debug)]
pub struct Deck {
    /// What it is called.
    pub title: String,
    scenes: Vec<RawScene>,
}

#[derive(Clone, Debug)]
struct RawScene {
    title: String,
    story: String,
    ask: String,
    start: RawStep,
    steps: Vec<RawStep>,
}

#[derive(Clone, Debug)]
struct RawStep {
    caption: String,
    set: Vec<(At<String>, At<String>)>,
    at: Option<At<String>>,
    zone: Option<At<String>>,
    say: usize,
    show: Option<Panel>,
}

/// A panel that a step opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Panel {
    Closing,
    /// Why this script.
    Basis,
    /// The question at the end of a call.
    End,
}

impl Panel {
    const ALL: [(Self, &'static str); 3] = [(Self::Closing, "closing"), (Self::Basis, "basis"), (Self::End, "end")];
}

/// What a step sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Set {
    Fact(usize, usize),
    Choice(FieldIx, usize),
    Typed(FieldIx, String),
    /// The customer's zone.
    Zone(usize),
    /// The customer's local time, as a minute of the day.
    Clock(u16),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What to notice.
    pub caption: String,
    pub set: Vec<Set>,
    /// How many times Space is pressed: each ticks a sentence, one more begins the next call.
    pub say: usize,
    pub show: Option<Panel>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scene {
    /// What it is called.
    pub title: String,
    /// The story of the call; may be empty.
    pub story: String,
    /// What the trainer asks the class; may be empty.
    pub ask: String,
    /// The first screen; its clock is always set.
    pub start: Step,
    /// The steps, one for each Space.
    pub steps: Vec<Step>,
}

pub fn read(bytes: &[u8]) -> Result<Deck, Vec<Problem>> {
    let problems = Problems::default();
    let deck = read_document(bytes, &problems, |root| {
        if let Some(schema) = root.required_integer("schema").filter(|s| s.value != 1) {
            root.note(schema.span, Kind::OtherSchema { found: schema.value });
            return None;
        }
        let title = full(root, "title");
        if !root.has("scene") {
            root.note(0..0, Kind::MissingKey { key: "scene", table: root.name.clone().into() });
        }
        let deck = Deck {
            title: title.map(|t| t.value).unwrap_or_default(),
            scenes: root.tables("scene", |t| Some(scene(t))),
        };
        root.close();
        Some(deck)
    });
    let mut problems = problems.into_inner();
    problems.sort_by_key(|p| (p.span.start, p.span.end));
    deck.flatten().filter(|_| problems.is_empty()).ok_or(problems)
}

fn scene(t: &Table<'_>) -> RawScene {
    RawScene {
        title: full(t, "title").map(|t| t.value).unwrap_or_default(),
        story: t.text("story").map(|s| s.value).unwrap_or_default(),
        ask: t.text("ask").map(|s| s.value).unwrap_or_default(),
        start: step(t),
        steps: t.tables("step", |t| Some(step(t))),
    }
}

fn step(t: &Table<'_>) -> RawStep {
    let say = match t.integer("say") {
        None => 0,
        Some(say) if (1..=MOST_SAID).contains(&say.value) => usize::try_from(say.value).unwrap_or(0),
        Some(say) => {
            t.note(say.span, Kind::OutOfRange { key: "say", min: 1, max: MOST_SAID });
            0
        }
    };
    let show = t.text("show").and_then(|show| {
        let found = Panel::ALL.into_iter().find(|(_, name)| *name == show.value);
        if found.is_none() {
            let valid = Panel::ALL.iter().map(|(_, name)| (*name).to_owned()).collect();
            t.note(show.span, Kind::NotOneOf { key: "show", found: show.value, valid });
        }
        found.map(|(panel, _)| panel)
    });
    RawStep {
        caption: full(t, "caption").map(|c| c.value).unwrap_or_default(),
        set: pairs(t, "set"),
        at: t.text("at"),
        zone: t.text("zone"),
        say,
        show,
    }
}

impl Deck {
    /// The embedded deck.
    ///
    /// # Panics
    /// Never: a test reads the embedded deck.
    pub fn built_in() -> Self {
        read(BUILT_IN.as_bytes()).expect("the embedded deck is read by a test")
    }

    /// Each scene resolved against these rules, or the names that they don't have.
    pub fn resolved(&self, rules: &RuleSet) -> Vec<(Option<Scene>, Vec<Problem>)> {
        let scene = |raw: &RawScene| {
            let problems = Problems::default();
            let mut start = resolved(rules, &raw.start, &problems);
            if !start.set.iter().any(|s| matches!(s, Set::Clock(_))) {
                start.set.insert(0, Set::Clock(DAY * 10 / 24));
            }
            let steps = raw.steps.iter().map(|step| resolved(rules, step, &problems)).collect();
            let problems = problems.into_inner();
            let (title, story, ask) = (raw.title.clone(), raw.story.clone(), raw.ask.clone());
            let scene = Scene { title, story, ask, start, steps };
            (problems.is_empty().then_some(scene), problems)
        };
        self.scenes.iter().map(scene).collect()
    }

    pub fn scene_title(&self, at: usize) -> &str {
        &self.scenes[at].title
    }

    /// The position of a scene with the same contents as one of another deck.
    pub fn position_of(&self, other: &Self, at: usize) -> Option<usize> {
        let contents = other.scenes[at].contents();
        self.scenes.iter().position(|scene| scene.contents() == contents)
    }
}

impl RawScene {
    fn contents(&self) -> Vec<String> {
        let step = |step: &RawStep| {
            let set: Vec<(&str, &str)> = step.set.iter().map(|(n, v)| (n.value.as_str(), v.value.as_str())).collect();
            let text = |at: &Option<At<String>>| at.as_ref().map(|t| t.value.clone());
            format!("{:?}", (&step.caption, set, text(&step.at), text(&step.zone), step.say, step.show))
        };
        let steps = [&self.start].into_iter().chain(&self.steps).map(step);
        [self.title.clone(), self.story.clone()].into_iter().chain(steps).collect()
    }
}

fn resolved(rules: &RuleSet, raw: &RawStep, problems: &Problems) -> Step {
    let mut set = Vec::new();
    // The zone first, since the time is the customer's.
    if let Some(zone) = &raw.zone {
        if let Some(at) = rules.zone_named(&zone.value) {
            set.push(Set::Zone(at));
        } else {
            let valid = rules.zones.iter().map(|z| z.id.clone()).collect();
            note(problems, zone.span.clone(), Kind::NotOneOf { key: "zone", found: zone.value.clone(), valid });
        }
    }
    if let Some(at) = &raw.at {
        match NaiveTime::parse_from_str(&at.value, "%H:%M").ok().filter(|_| at.value.len() == 5) {
            Some(time) => set.push(Set::Clock(minute_of(time))),
            None => note(problems, at.span.clone(), Kind::BadTime { found: at.value.clone() }),
        }
    }
    for (name, value) in &raw.set {
        set.extend(pair(rules, name, value, problems));
    }
    Step { caption: raw.caption.clone(), set, say: raw.say, show: raw.show }
}

fn minute_of(time: NaiveTime) -> u16 {
    use chrono::Timelike as _;
    u16::try_from(time.hour() * 60 + time.minute()).unwrap_or(0)
}

fn pair(rules: &RuleSet, name: &At<String>, value: &At<String>, problems: &Problems) -> Option<Set> {
    let no_value = |span: &Span, valid: Vec<String>| {
        let kind = Kind::UnknownValue { fact: name.value.clone(), id: value.value.clone(), valid };
        note(problems, span.clone(), kind);
        None
    };
    if let Some(fact) = rules.fact_named(&name.value) {
        let values = &rules.facts[fact].values;
        let Some(at) = values.iter().position(|v| v.id == value.value) else {
            return no_value(&value.span, values.iter().map(|v| v.id.clone()).collect());
        };
        return Some(Set::Fact(fact, at));
    }
    let Some(field) = rules.field_named(&name.value) else {
        let facts = rules.facts.iter().map(|f| f.id.clone());
        let valid = facts.chain(rules.fields.iter().map(|f| f.id.clone())).collect();
        note(problems, name.span.clone(), Kind::UnknownFact { id: name.value.clone(), valid });
        return None;
    };
    match &rules.field(field).kind {
        FieldKind::Choice(choices) => match choices.position_of(&value.value) {
            Some(at) => Some(Set::Choice(field, at)),
            None => no_value(&value.span, choices.texts().map(String::from).collect()),
        },
        FieldKind::Typed(_) if text::is_blank(&value.value) => {
            let kind = Kind::WrongType { key: name.value.clone(), expected: Expected::Text, found: "string" };
            note(problems, value.span.clone(), kind);
            None
        }
        FieldKind::Typed(_) => Some(Set::Typed(field, value.value.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loaded::LoadedRules;

    #[test]
    fn the_embedded_deck_is_valid_and_its_captions_fit() {
        let rules = LoadedRules::built_in().rules;
        let scenes = Deck::built_in().resolved(&rules).into_iter();
        let scenes: Vec<Scene> =
            scenes.map(|(scene, problems)| scene.unwrap_or_else(|| panic!("{problems:?}"))).collect();
        assert!((10..=12).contains(&scenes.len()), "{}", scenes.len());
        assert!(scenes.iter().all(|s| !s.title.is_empty() && !s.start.caption.is_empty()));
        for scene in &scenes {
            for step in scene.steps.iter().chain([&scene.start]) {
                assert!(step.caption.chars().count() <= 170, "readable at 60×18: {}", step.caption);
            }
        }
    }

    #[test]
    fn each_problem_of_a_deck_is_reported_at_its_place() {
        let source = "schema = 1\ntitle = \"x\"\n[[scene]]\ntitle = \"a\"\ncaption = \"b\"\nsay = 0\nshow = \"x\"\n\
                      [[scene]]\ntitle = \" \"\ncaption = \"b\"\n[[scene.step]]\n";
        let codes: Vec<&str> = read(source.as_bytes()).unwrap_err().iter().map(|p| p.code().as_str()).collect();
        assert_eq!(codes, ["schema", "schema", "empty-text", "schema"]);
        assert_eq!(read(b"schema = 1\ntitle = \"x\"").unwrap_err().len(), 1);
        let source = "schema = 1\ntitle = \"x\"\n[[scene]]\ntitle = \"a\"\ncaption = \"b\"\nat = \"25:00\"\nzone = \"WXB\"\n\
                      set = { klb = \"yes\", kbl = \"ya\", sapaan = \"Raden\", nama = \" \" }\n\
                      [[scene]]\ntitle = \"b\"\ncaption = \"c\"\nset = { sapaan = \"ibu\", nama = \"Siti\" }\n";
        let scenes = read(source.as_bytes()).unwrap().resolved(&LoadedRules::built_in().rules);
        assert!(scenes[0].0.is_none());
        assert_eq!((scenes[0].1.len(), scenes[1].1.len()), (6, 0));
        assert_eq!(scenes[1].0.as_ref().unwrap().start.set.len(), 3, "a scene's clock is always set");
    }
}
