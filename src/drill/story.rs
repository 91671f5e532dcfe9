//! Parses a scenarios file, each problem with its place, as of a rules file. A story names facts and values by id. The
//! embedded stories serve every revision: those whose facts the rules don't have are not used. A trainer's own stories
//! are written for the rules in use, so unknown names are errors ([`Stories::unknown_names`]).

use std::collections::{BTreeSet, HashMap};

use crate::loaded::sha256;
use crate::rules::problem::{Kind, Named, Problem, Span};
use crate::rules::ruleset::{FieldIx, RuleSet, StepWords};
use crate::rules::script::{BadBrace, Piece, Template};
use crate::rules::shape::{At, Problems, Table, read_document};
use crate::rules::text;

/// The stories that are embedded in the program.
pub const BUILT_IN: &str = include_str!("../../assets/scenarios.toml");
/// The template of a trainer's own stories, in which every line is commented out.
pub const TEMPLATE: &str = include_str!("../../assets/scenarios-own.toml");

/// The placeholders in the text of a story.
const BLANKS: [&str; 3] = ["orang", "nama", "tempat"];

/// A shorter word of a step's title may be a part of any other word.
const LEAST_STEM: usize = 5;

/// What a story implies: fact id, value id.
pub type Implied = Vec<(String, String)>;

/// A call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// Its name.
    pub id: String,
    pub when: Implied,
    /// Facts that keep their first value unless they are mentioned.
    pub unsaid: Implied,
    /// Whether it is the trainer's own.
    pub is_own: bool,
    /// Its wordings; one is chosen at random.
    pub texts: Vec<StoryText>,
}

/// An extra sentence, which implies further facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    /// Its name.
    pub id: String,
    pub when: Implied,
    /// Whether it comes before the story.
    pub before: bool,
    /// Whether it is the trainer's own.
    pub is_own: bool,
    /// Its wordings; one is chosen at random.
    pub texts: Vec<StoryText>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoryText(Template);

impl StoryText {
    /// The text with its blanks filled in.
    pub fn fill_in(&self, person: &Person) -> String {
        let mut out = String::new();
        for piece in self.0.pieces() {
            match piece {
                Piece::Fixed(fixed) => out.push_str(fixed),
                Piece::Field(FieldIx(0)) => out.push_str(&person.called()),
                Piece::Field(FieldIx(1)) => out.push_str(&person.name),
                Piece::Field(_) => out.push_str(&person.place),
                Piece::Salam => {}
            }
        }
        out
    }
}

/// Sample customers who are addressed alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callers {
    /// The honorific as the rules file has it.
    pub honorific: String,
    /// How the story calls them ("Bu").
    pub call: String,
    pub names: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// The zone's id.
    pub zone: String,
    pub names: Vec<String>,
}

/// A sample customer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// The honorific as the rules file has it.
    pub honorific: String,
    /// How the story calls them ("Bu").
    pub call: String,
    pub name: String,
    pub place: String,
}

impl Person {
    /// "Bu Siti".
    pub fn called(&self) -> String {
        let first = self.name.split(' ').next().unwrap_or_default();
        if self.call.is_empty() { first.into() } else { format!("{} {first}", self.call) }
    }

    /// Whether this is their name, in full or as the story calls them, in any case.
    pub fn is_named(&self, name: &str) -> bool {
        let words = |text: &str| text.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>();
        let (given, whole) = (words(name), words(&self.name));
        !given.is_empty() && (given == whole || given == whole[..1.min(whole.len())])
    }

    /// "Bu Siti Aminah".
    pub fn introduced(&self) -> String {
        if self.call.is_empty() { self.name.clone() } else { format!("{} {}", self.call, self.name) }
    }
}

/// Fact ids with value ids.
type Names = BTreeSet<(String, String)>;

/// What a file names of the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Mention {
    Fact(String),
    Value(String, String),
    Zone(String),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stories {
    /// The calls.
    pub scenarios: Vec<Scenario>,
    /// The sentences that imply more.
    pub details: Vec<Detail>,
    /// The sample customers.
    pub callers: Vec<Callers>,
    pub places: Vec<Places>,
    /// The SHA-256 of all sources, in hexadecimal: the cards of a seed depend on them.
    pub sha256: String,
    /// The values that the embedded stories mention, and those that only the trainer's own mention.
    named: Names,
    own_named: Names,
    /// The values that the trainer has checked every story against.
    reviewed: Names,
    unsaid: Implied,
    /// Words of the rules that stories may have.
    allowed: Vec<String>,
    mentions: Vec<(Span, Mention)>,
}

impl Stories {
    /// The stories that are embedded in the program.
    ///
    /// # Panics
    /// Never: a test reads the embedded file.
    pub fn built_in() -> Self {
        read(BUILT_IN.as_bytes()).expect("the embedded stories are read by a test")
    }

    /// Adds a trainer's own stories; a story replaces one of the same id. `unsaid` of these applies to them too, unless
    /// they say otherwise.
    pub fn with(mut self, own: Self) -> Self {
        for mut scenario in own.scenarios {
            scenario.is_own = true;
            let differs = |(fact, _): &&(String, String)| scenario.unsaid.iter().all(|(f, _)| f != fact);
            let inherited: Implied = self.unsaid.iter().filter(differs).cloned().collect();
            scenario.unsaid.extend(inherited);
            match self.scenarios.iter_mut().find(|s| s.id == scenario.id) {
                Some(there) => *there = scenario,
                None => self.scenarios.push(scenario),
            }
        }
        self.details.extend(own.details.into_iter().map(|detail| Detail { is_own: true, ..detail }));
        self.callers.extend(own.callers);
        self.places.extend(own.places);
        self.sha256 = sha256(format!("{}{}", self.sha256, own.sha256).as_bytes());
        self.own_named.extend(own.named);
        self.reviewed.extend(own.reviewed);
        self.allowed.extend(own.allowed);
        self
    }

    /// Whether the author of a story knew of a value. A story can't exclude a value that its author did not know of:
    /// a call "outside the app" may well be of a topic that the rules have gained since.
    pub fn is_known(&self, fact: &str, value: &str, is_own: bool) -> bool {
        let name = (fact.to_owned(), value.to_owned());
        self.named.contains(&name) || self.reviewed.contains(&name) || (is_own && self.own_named.contains(&name))
    }

    /// The stories whose text gives the answer away: their id, and what the text says. That is the label, help or value
    /// of a fact, a greeting, the title of a step that not every closing has, or a word of such a title that is also in
    /// the step's sentence ("download").
    pub fn giveaways(&self, rules: &RuleSet) -> Vec<(String, String)> {
        let telling = Telling::of(rules, &self.allowed);
        let scenarios = self.scenarios.iter().map(|s| (&s.id, &s.texts));
        let texts = scenarios.chain(self.details.iter().map(|d| (&d.id, &d.texts)));
        let mut out = Vec::new();
        for (id, found) in
            texts.flat_map(|(id, texts)| texts.iter().flat_map(|t| telling.in_text(t)).map(move |f| (id, f)))
        {
            let finding = (id.clone(), found);
            if !out.contains(&finding) {
                out.push(finding);
            }
        }
        out
    }

    /// The facts, values and zones of a file just read that these rules don't have, each with its place.
    pub fn unknown_names(&self, rules: &RuleSet) -> Vec<Problem> {
        let problem = |(span, mention): &(Span, Mention)| {
            let kind = match mention {
                Mention::Fact(id) if rules.fact_named(id).is_none() => {
                    let valid = rules.facts.iter().map(|f| f.id.clone()).collect();
                    Kind::UnknownFact { id: id.clone(), valid }
                }
                Mention::Value(fact, id) => {
                    let values = &rules.facts[rules.fact_named(fact)?].values;
                    if values.iter().any(|v| v.id == *id) {
                        return None;
                    }
                    let valid = values.iter().map(|v| v.id.clone()).collect();
                    Kind::UnknownValue { fact: fact.clone(), id: id.clone(), valid }
                }
                Mention::Zone(id) if rules.zone_named(id).is_none() => {
                    let valid = rules.zones.iter().map(|z| z.id.clone()).collect();
                    Kind::NotOneOf { key: "zone", found: id.clone(), valid }
                }
                Mention::Fact(_) | Mention::Zone(_) => return None,
            };
            Some(Problem::new(span.clone(), kind))
        };
        let mut problems: Vec<Problem> = self.mentions.iter().filter_map(problem).collect();
        problems.sort_by_key(|p| (p.span.start, p.span.end));
        problems
    }
}

/// What a story may not say.
struct Telling {
    /// Whole phrases, each as it is reported and in words.
    phrases: Vec<(String, Vec<String>)>,
    /// Words that are found inside longer ones too: *mendownload*.
    inner: Vec<String>,
}

impl Telling {
    fn of(rules: &RuleSet, allowed: &[String]) -> Self {
        let mut texts: Vec<&str> = Vec::new();
        for fact in &rules.facts {
            texts.push(&fact.label);
            texts.extend(fact.help.as_deref());
            texts.extend(fact.values.iter().map(|value| value.label.as_str()));
        }
        texts.extend(rules.greetings.rows().iter().map(|row| row.word.as_str()));
        // A step that every closing has gives nothing away.
        let steps = rules.steps.iter().filter(|step| {
            let ix = rules.step_named(&step.id);
            ix.is_some_and(|ix| rules.rules.iter().any(|rule| !rule.steps.contains(&ix)))
        });
        let steps: Vec<_> = steps.collect();
        texts.extend(steps.iter().map(|step| step.title.as_str()));
        let may = |phrase: &[String]| !phrase.is_empty() && !allowed.iter().any(|text| words_of(text) == phrase);
        let phrases = texts.into_iter().map(|text| (text.to_owned(), words_of(text)));
        let mut inner = Vec::new();
        for step in &steps {
            let StepWords::Say(template) = &step.words else { continue };
            let fixed = template.pieces().iter().map(|piece| match piece {
                Piece::Fixed(text) => text.as_str(),
                Piece::Salam | Piece::Field(_) => " ",
            });
            let spoken = words_of(&fixed.collect::<String>());
            let others = || rules.steps.iter().filter(|other| other.id != step.id);
            let is_telling = |word: &String| {
                word.chars().count() >= LEAST_STEM
                    && spoken.contains(word)
                    && !others().any(|other| words_of(&other.title).contains(word))
            };
            inner.extend(words_of(&step.title).into_iter().filter(is_telling));
        }
        inner.retain(|stem| may(std::slice::from_ref(stem)));
        Self { phrases: phrases.filter(|(_, phrase)| may(phrase)).collect(), inner }
    }

    /// What a text says of it.
    fn in_text(&self, text: &StoryText) -> Vec<String> {
        let story = words_of(&text.fill_in(&Person::default()));
        let has = |phrase: &Vec<String>| story.windows(phrase.len()).any(|words| words == phrase);
        let phrases = self.phrases.iter().filter(|(_, phrase)| has(phrase)).map(|(text, _)| text.clone());
        let inner =
            self.inner.iter().filter_map(|stem| story.iter().find(|word| word.contains(stem.as_str())).cloned());
        phrases.chain(inner).collect()
    }
}

/// The words of a text in lower case.
fn words_of(text: &str) -> Vec<String> {
    let text = text.to_lowercase();
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(String::from).collect()
}

/// Reads a scenarios file.
pub fn read(bytes: &[u8]) -> Result<Stories, Vec<Problem>> {
    let problems = Problems::default();
    let stories = read_document(bytes, &problems, |root| {
        let reader = Reader { bytes, ids: std::cell::RefCell::default(), mentions: std::cell::RefCell::default() };
        if let Some(schema) = root.required_integer("schema").filter(|s| s.value != 1) {
            root.note(schema.span, Kind::OtherSchema { found: schema.value });
            return Stories::default();
        }
        let unsaid = reader.implied(root, "unsaid");
        let mut stories = Stories {
            reviewed: reader.reviewed(root),
            scenarios: root.tables("scenario", |t| reader.scenario(t, &unsaid)),
            details: root.tables("detail", |t| reader.detail(t)),
            callers: root.tables("caller", |t| {
                Some(Callers {
                    honorific: full(t, "honorific")?.value,
                    call: t.text("call").map(|c| c.value).unwrap_or_default(),
                    names: names(t)?,
                })
            }),
            places: root.tables("place", |t| reader.places(t)),
            sha256: sha256(bytes),
            unsaid,
            allowed: allowed(root),
            ..Stories::default()
        };
        root.close();
        stories.mentions = reader.mentions.into_inner();
        stories.named = stories.mentions.iter().filter_map(|(_, mention)| mention.value()).collect();
        stories
    });
    let mut problems = problems.into_inner();
    problems.sort_by_key(|p| (p.span.start, p.span.end));
    stories.filter(|_| problems.is_empty()).ok_or(problems)
}

impl Mention {
    fn value(&self) -> Option<(String, String)> {
        match self {
            Self::Value(fact, value) => Some((fact.clone(), value.clone())),
            Self::Fact(_) | Self::Zone(_) => None,
        }
    }
}

/// A text that must be there and not be empty.
pub(super) fn full(t: &Table<'_>, key: &'static str) -> Option<At<String>> {
    let text = t.required_text(key)?;
    if text::is_blank(&text.value) {
        t.note(text.span, Kind::Empty { key });
        return None;
    }
    Some(text)
}

fn names(t: &Table<'_>) -> Option<Vec<String>> {
    let names = t.required_texts("names")?;
    if names.value.iter().all(|n| text::is_blank(&n.value)) {
        t.note(names.span, Kind::Empty { key: "names" });
        return None;
    }
    Some(names.value.into_iter().map(|n| n.value).filter(|n| !text::is_blank(n)).collect())
}

/// The facts and values that a table names, one value a fact.
pub(super) fn pairs(t: &Table<'_>, key: &'static str) -> Vec<(At<String>, At<String>)> {
    let mut out = Vec::new();
    for (name, mut values) in t.conditions(key) {
        // A story implies one value, and a scene shows one.
        match (values.value.pop(), values.value.is_empty()) {
            (Some(value), true) => out.push((name, value)),
            _ => t.note(
                values.span,
                Kind::WrongType { key: name.value, expected: crate::rules::problem::Expected::Text, found: "array" },
            ),
        }
    }
    out
}

/// The words of the rules that stories may have.
fn allowed(root: &Table<'_>) -> Vec<String> {
    let texts = root.texts("allowed").map(|all| all.value).unwrap_or_default();
    texts.into_iter().map(|text| text.value).filter(|text| !text::is_blank(text)).collect()
}

struct Reader<'b> {
    bytes: &'b [u8],
    ids: std::cell::RefCell<HashMap<String, Span>>,
    mentions: std::cell::RefCell<Vec<(Span, Mention)>>,
}

impl Reader<'_> {
    fn scenario(&self, t: &Table<'_>, unsaid: &Implied) -> Option<Scenario> {
        let id = full(t, "id");
        let when = self.implied(t, "when");
        let texts = self.texts(t);
        let id = self.register_id(t, id?)?;
        Some(Scenario { id, when, unsaid: unsaid.clone(), is_own: false, texts: texts? })
    }

    fn places(&self, t: &Table<'_>) -> Option<Places> {
        let (zone, names) = (full(t, "zone"), names(t));
        let zone = zone?;
        self.mentions.borrow_mut().push((zone.span, Mention::Zone(zone.value.clone())));
        Some(Places { zone: zone.value, names: names? })
    }

    /// The facts and values that a table names, one value a fact.
    fn implied(&self, t: &Table<'_>, key: &'static str) -> Implied {
        let pair = |(fact, value): (At<String>, At<String>)| {
            self.mention(&fact, &value);
            (fact.value, value.value)
        };
        pairs(t, key).into_iter().map(pair).collect()
    }

    /// The values that every story was checked against.
    fn reviewed(&self, root: &Table<'_>) -> Names {
        let mut out = Names::new();
        for (fact, values) in root.conditions("reviewed") {
            for value in values.value {
                self.mention(&fact, &value);
                out.insert((fact.value.clone(), value.value));
            }
        }
        out
    }

    fn mention(&self, fact: &At<String>, value: &At<String>) {
        let mut mentions = self.mentions.borrow_mut();
        let names_fact = (fact.span.clone(), Mention::Fact(fact.value.clone()));
        if !mentions.contains(&names_fact) {
            mentions.push(names_fact);
        }
        mentions.push((value.span.clone(), Mention::Value(fact.value.clone(), value.value.clone())));
    }

    fn detail(&self, t: &Table<'_>) -> Option<Detail> {
        let id = full(t, "id");
        let when = self.implied(t, "when");
        if when.is_empty() {
            // It would never be used, and nothing would report that.
            t.note(t.span.clone(), Kind::MissingKey { key: "when", table: t.name.clone().into() });
        }
        let texts = self.texts(t);
        let before = match t.text("at") {
            Some(at) if at.value == "before" => true,
            Some(at) if at.value != "after" => {
                let valid = ["before", "after"].map(String::from).to_vec();
                t.note(at.span, Kind::NotOneOf { key: "at", found: at.value, valid });
                return None;
            }
            _ => false,
        };
        let id = self.register_id(t, id?)?;
        Some(Detail { id, when, before, is_own: false, texts: texts? })
    }

    fn register_id(&self, t: &Table<'_>, id: At<String>) -> Option<String> {
        let letters = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if !id.value.bytes().all(letters) {
            t.note(id.span, Kind::BadId { id: id.value });
            return None;
        }
        if let Some(first) = self.ids.borrow().get(&id.value) {
            let kind = Kind::Duplicate { what: Named::Story, id: id.value };
            t.report(Problem::new(id.span, kind).with_other(first.clone()));
            return None;
        }
        self.ids.borrow_mut().insert(id.value.clone(), id.span);
        Some(id.value)
    }

    fn texts(&self, t: &Table<'_>) -> Option<Vec<StoryText>> {
        let tell = t.required_texts("tell")?;
        if tell.value.is_empty() {
            t.note(tell.span, Kind::Empty { key: "tell" });
            return None;
        }
        let texts: Vec<StoryText> = tell.value.into_iter().filter_map(|text| self.story_text(t, text)).collect();
        (!texts.is_empty()).then_some(texts)
    }

    fn story_text(&self, t: &Table<'_>, text: At<String>) -> Option<StoryText> {
        if text::is_blank(&text.value) {
            t.note(text.span, Kind::Empty { key: "tell" });
            return None;
        }
        let blank = |name: &str| BLANKS.iter().zip(0u16..).find(|(b, _)| **b == name).map(|(_, at)| FieldIx(at));
        match Template::parse(&text.value, blank) {
            Ok(template) if template.pieces().contains(&Piece::Salam) => {
                self.unknown(t, &text.span, "salam");
                None
            }
            Ok(template) => Some(StoryText(template)),
            Err(bad) => {
                for brace in bad {
                    match brace {
                        BadBrace::Unknown(name) => self.unknown(t, &text.span, &name),
                        BadBrace::Unclosed => t.note(text.span.clone(), Kind::LoneBrace { brace: '{' }),
                        BadBrace::Stray => t.note(text.span.clone(), Kind::LoneBrace { brace: '}' }),
                    }
                }
                None
            }
        }
    }

    fn unknown(&self, t: &Table<'_>, span: &Span, name: &str) {
        let part = format!("{{{name}}}");
        let text = self.bytes.get(span.clone()).unwrap_or_default();
        let at = text.windows(part.len()).position(|w| w == part.as_bytes());
        let place = at.map_or(span.clone(), |at| span.start + at..span.start + at + part.len());
        let valid = BLANKS.map(String::from).to_vec();
        t.note(place, Kind::UnknownPlaceholder { name: name.into(), valid });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loaded::LoadedRules;

    #[test]
    fn the_embedded_stories_are_valid_and_many() {
        let stories = Stories::built_in();
        assert!(stories.scenarios.len() >= 40, "{}", stories.scenarios.len());
        assert!(stories.scenarios.iter().all(|s| s.texts.len() >= 2));
        assert!(stories.details.iter().all(|d| d.texts.len() >= 2));
        assert_eq!(read(TEMPLATE.as_bytes()).map(|own| own.scenarios.len()), Ok(0));
    }

    #[test]
    fn no_embedded_story_gives_the_answer_away() {
        let rules = LoadedRules::built_in().rules;
        assert_eq!(Stories::built_in().giveaways(&rules), []);
        // "aplikasi" is allowed, since a customer can't speak of the app without it.
        let strict = Stories { allowed: Vec::new(), ..Stories::built_in() };
        assert!(strict.giveaways(&rules).iter().all(|(_, word)| word == "Aplikasi"));
        assert!(!strict.giveaways(&rules).is_empty());
    }

    #[test]
    fn what_gives_the_answer_away_is_named_with_its_story() {
        let rules = LoadedRules::built_in().rules;
        let found = |tell: &str| {
            let own = format!(
                "schema = 1\nallowed = [\"aplikasi\"]\n[[scenario]]\nid = \"a\"\ntell = [\"Biasa.\", \"{tell}\"]\n\
                 [[detail]]\nid = \"b\"\nwhen = {{ klb = \"ya\" }}\ntell = [\"{tell}\"]\n"
            );
            let found = read(own.as_bytes()).unwrap().giveaways(&rules);
            let of = |id: &str| found.iter().filter(|(at, _)| at == id).map(|(_, w)| w.clone()).collect::<Vec<_>>();
            assert_eq!(of("a"), of("b"));
            of("a")
        };
        for (tell, expected) in [
            ("{orang} di {tempat} bertanya tentang aplikasi PLN.", &[][..]),
            ("Supervisor mengumumkan klb.", &["KLB"]),
            ("{orang} sudah mendownload-nya.", &["mendownload"]),
            ("{orang} diminta meng-update.", &["update"]),
            ("Kata {nama}, ia TELAH  punya.", &["TELAH punya"]),
            ("Campaign integritas sejak pagi.", &["pagi", "Campaign Integritas"]),
            ("{orang} mengucapkan terima kasih.", &[]),
        ] {
            assert_eq!(found(tell), expected, "{tell}");
        }
    }

    #[test]
    fn each_problem_of_a_stories_file_is_reported_at_its_place() {
        let source = "schema = 1\n[[scenario]]\nid = \"A\"\nwhen = { klb = [\"ya\", \"tidak\"] }\ntell = [\"{siapa} {\"]\n\
                      [[scenario]]\nid = \"b\"\ntell = []\n[[scenario]]\nid = \"b\"\ntell = [\"x {salam}\"]\nx = 1\n\
                      [[detail]]\nid = \"c\"\nat = \"middle\"\ntell = [\" \"]\n[[place]]\nzone = \"WIB\"\nnames = []\n";
        let problems = read(source.as_bytes()).unwrap_err();
        let codes: Vec<&str> = problems.iter().map(|p| p.code().as_str()).collect();
        assert_eq!(
            codes,
            [
                "schema",
                "schema",
                "unknown-placeholder",
                "unknown-placeholder",
                "empty-text",
                "duplicate-id",
                "unknown-placeholder",
                "schema",
                "schema",
                "schema",
                "empty-text",
                "empty-text"
            ]
        );
        assert_eq!(read(b"schema = 2").unwrap_err().len(), 1);
        assert!(read(b"\xff").is_err());
    }

    #[test]
    fn a_name_that_the_rules_lack_is_reported_at_its_place() {
        let source = "schema = 1\nunsaid = { kbl = \"tidak\" }\nreviewed = { topik = [\"lain\", \"lian\"] }\n\
                      [[scenario]]\nid = \"a\"\nwhen = { aplikasi = \"sudah\" }\ntell = [\"x\"]\n\
                      [[detail]]\nid = \"b\"\nwhen = { jenis = \"x\", klb = \"ya\" }\ntell = [\"x\"]\n\
                      [[place]]\nzone = \"wita\"\nnames = [\"x\"]\n[[place]]\nzone = \"WIX\"\nnames = [\"x\"]\n";
        let problems = read(source.as_bytes()).unwrap().unknown_names(&LoadedRules::built_in().rules);
        let found: Vec<(&str, &str)> = problems.iter().map(|p| (p.code().as_str(), &source[p.span.clone()])).collect();
        let expected = [
            ("unknown-fact", "kbl"),
            ("unknown-value", "\"lian\""),
            ("unknown-value", "\"sudah\""),
            ("unknown-fact", "jenis"),
            ("schema", "\"WIX\""),
        ];
        assert_eq!(found, expected);
        assert_eq!(Stories::built_in().unknown_names(&LoadedRules::built_in().rules), []);
    }

    #[test]
    fn an_own_story_replaces_the_embedded_one_of_the_same_id() {
        let own = read(b"schema = 1\n[[scenario]]\nid = \"banjir\"\ntell = [\"{nama}, {tempat}\"]\n").unwrap();
        let (before, both) = (Stories::built_in(), Stories::built_in().with(own));
        assert_eq!(both.scenarios.len(), before.scenarios.len());
        assert_ne!(both.sha256, before.sha256);
        let banjir = both.scenarios.iter().find(|s| s.id == "banjir").unwrap();
        let person = Person { name: "Siti Aminah".into(), place: "Ambon".into(), ..Person::default() };
        assert_eq!(banjir.texts[0].fill_in(&person), "Siti Aminah, Ambon");
        assert_eq!((person.called(), person.introduced()), ("Siti".into(), "Siti Aminah".into()));
        assert!(["siti", " Siti  AMINAH ", "Siti Aminah"].iter().all(|name| person.is_named(name)));
        assert!(["", "Aminah", "Siti A", "Sit", "Siti Aminah Putri"].iter().all(|name| !person.is_named(name)));
        assert!(!Person::default().is_named(""));
    }
}
