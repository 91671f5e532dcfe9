//! Shape → checked rules: every name resolved, every text looked at, every problem found. What holds over *all*
//! situations is proved next door, in `proof`.

mod acceptance;
mod table;
mod values;
mod vocabulary;

use std::cell::Cell;
use std::collections::HashMap;

use chrono::NaiveDate;
use num_bigint::BigUint;
use vec1::{Vec1, vec1};

use super::file::{self, File, Text};
use super::limits::{MAX_PROBLEMS_PER_CODE, MAX_RULES};
use super::problem::{Kind, Named, Problem, Span};
use super::proof::{self, Places};
use super::ruleset::{Proved, RuleSet, SALAM, Sop};
use super::script::{BadBrace, Template};
use super::shape::{Problems, note};
use super::space::Space;
use super::text;
use values::is_zone_id;

/// What `check` found.
#[derive(Debug)]
pub struct Report {
    /// The checked rules; there are none where the file has an error.
    pub rules: Option<RuleSet>,
    /// Every problem, in the order of the file.
    pub problems: Vec<Problem>,
    /// How many facts the file names.
    pub facts: usize,
    /// How many rules the file names.
    pub rows: usize,
    /// How many situations its facts make.
    pub situations: BigUint,
}

impl Report {
    /// How many errors.
    pub fn errors(&self) -> usize {
        self.problems.iter().filter(|p| p.is_error()).count()
    }

    /// How many warnings.
    pub fn warnings(&self) -> usize {
        self.problems.len() - self.errors()
    }
}

/// Checks a rules file. `today` is the day against which `effective_from` is held.
pub fn check(bytes: &[u8], today: NaiveDate) -> Report {
    let problems = Problems::default();
    let file = file::read(bytes, &problems);
    let (facts, rows) = file.as_ref().map_or((0, 0), |f| (f.facts.len(), f.rules.len()));
    let mut situations = BigUint::ZERO;
    let mut draft = None;
    if let Some(file) = file {
        let sound = !problems.borrow().iter().any(|p| leaves_a_hole(&p.kind));
        let mut checker = Checker {
            file: &file,
            bytes,
            problems: &problems,
            sound,
            stood_in: Cell::new(false),
            space: Space::new(vec![]),
        };
        let resolved = checker.resolve();
        situations = checker.space.count();
        if file.rules.is_empty() {
            if let Some(place) = &file.no_rules {
                let kind = Kind::Gap { situations: situations.to_string(), when: vec![], nearest: None };
                note(&problems, place.clone(), kind);
            }
        } else if checker.sound {
            proof::prove(&resolved, &places(&file), today, &problems);
        }
        acceptance::apply(&file, &problems);
        draft = Some(resolved).filter(|_| !checker.stood_in.get());
    }
    let mut problems = bounded(problems.into_inner());
    problems.sort_by_key(|p| (p.span.start, p.span.end, p.code()));
    let rules = draft.filter(|_| !problems.iter().any(Problem::is_error));
    Report { rules, problems, facts, rows, situations }
}

/// Whether what could not be read leaves a hole in a condition or a list of steps, so that a proof would accuse falsely.
/// A text that is only spoken or shown leaves none.
fn leaves_a_hole(kind: &Kind) -> bool {
    let (Kind::WrongType { key, .. } | Kind::TooLong { key, .. }) = kind else { return false };
    #[rustfmt::skip]
    let shown = [
        "title", "revision", "supersedes", "issuer", "effective_from", "effective_to", "duties", "label", "short", "help", "key",
        "scope", "keep_for", "role", "banner", "choices", "aliases", "drop", "text", "max", "kind", "empty", "offset", "from",
        "word", "say", "remind", "basis", "note", "score", "caution", "accept", "because",
    ];
    !shown.contains(&key.as_str())
}

/// At most [`MAX_PROBLEMS_PER_CODE`] problems of each code, the cut told.
fn bounded(all: Vec<Problem>) -> Vec<Problem> {
    let mut seen: HashMap<_, usize> = HashMap::new();
    let mut out = Vec::with_capacity(all.len().min(1024));
    for problem in all {
        let count = seen.entry(problem.code()).or_default();
        *count += 1;
        if *count <= MAX_PROBLEMS_PER_CODE {
            out.push(problem);
        } else if *count == MAX_PROBLEMS_PER_CODE + 1 {
            let kind = Kind::More { code: problem.code(), shown: MAX_PROBLEMS_PER_CODE };
            out.push(Problem::new(problem.span, kind));
        }
    }
    out
}

fn places(file: &File) -> Places {
    let of = |text: &Option<Text>, table: &Span| text.as_ref().map_or(table.clone(), |t| t.span.clone());
    Places {
        rules: file.rules.iter().map(|r| of(&r.id, &r.span)).collect(),
        rule_steps: file.rules.iter().map(|r| r.steps.as_ref().map_or(r.span.clone(), |s| s.span.clone())).collect(),
        requirements: file.requirements.iter().map(|r| of(&r.id, &r.span)).collect(),
        facts: file.facts.iter().map(|f| of(&f.id, &f.span)).collect(),
        values: file.facts.iter().map(|f| f.values.iter().map(|v| of(&v.id, &f.span)).collect()).collect(),
        steps: file.steps.iter().map(|s| of(&s.id, &s.span)).collect(),
        sentences: file.steps.iter().map(|s| of(&s.say, &s.span)).collect(),
        fields: file.fields.iter().map(|f| of(&f.id, &f.span)).collect(),
        effective_from: file.sop.as_ref().and_then(|s| s.effective_from.as_ref()).map_or(0..0, |day| day.span.clone()),
        effective_to: file.sop.as_ref().and_then(|s| s.effective_to.as_ref()).map_or(0..0, |day| day.span.clone()),
        duties: file.sop.as_ref().and_then(|s| s.duties.clone()),
    }
}

struct Checker<'a> {
    file: &'a File,
    bytes: &'a [u8],
    problems: &'a Problems,
    /// Whether facts, rules and steps are whole enough for a proof: a rule that names an unknown value would only
    /// make false gaps.
    sound: bool,
    /// Whether something stands in for what a list lacks, so that these are no rules.
    stood_in: Cell<bool>,
    space: Space,
}

/// Names already given, each with its place.
type Given<'a> = HashMap<&'a str, (u16, Span)>;

impl<'a> Checker<'a> {
    fn note(&self, span: &Span, kind: Kind) {
        note(self.problems, span.clone(), kind);
    }

    /// A list that may not be empty. Where it is, `stand_in` takes the place of what it lacks, so that the rest of the
    /// file can be checked, and no `RuleSet` comes of it whatever else is found.
    fn at_least_one<T>(&self, list: Vec<T>, stand_in: impl FnOnce() -> T) -> Vec1<T> {
        Vec1::try_from_vec(list).unwrap_or_else(|_| {
            self.stood_in.set(true);
            vec1![stand_in()]
        })
    }

    /// A text that must not be empty, with single blanks between its words and none at its ends; a missing one has been
    /// reported already.
    fn full(&self, key: &'static str, text: Option<&Text>) -> String {
        let Some(text) = text else { return String::new() };
        if text::is_blank(&text.value) {
            self.note(&text.span, Kind::Empty { key });
        } else {
            self.blanks(key, text);
        }
        text.value.clone()
    }

    fn blanks(&self, key: &'static str, text: &Text) {
        if text.value.contains("  ") || text.value.starts_with(' ') || text.value.ends_with(' ') {
            self.note(&text.span, Kind::StrayBlank { key });
        }
    }

    fn maybe(&self, key: &'static str, text: Option<&Text>) -> Option<String> {
        text.map(|t| self.full(key, Some(t)))
    }

    /// A text that is shown as it stands, so that braces in it would reach the screen raw.
    fn plain(&self, key: &'static str, text: Option<&Text>) -> String {
        let full = self.full(key, text);
        let Some(text) = text else { return full };
        match Template::parse(&full, |_| None) {
            Ok(template) => match template.pieces() {
                [] => full,
                [super::script::Piece::Fixed(fixed)] => fixed.clone(),
                _ => {
                    let kind = Kind::UnknownPlaceholder { name: SALAM.into(), valid: vec![] };
                    self.note(&self.find(&text.span, "{salam}"), kind);
                    full
                }
            },
            Err(bad) => {
                self.braces(&text.span, bad, &[]);
                full
            }
        }
    }

    fn braces(&self, span: &Span, bad: Vec<BadBrace>, valid: &[String]) {
        for brace in bad {
            match brace {
                BadBrace::Unknown(name) => {
                    let place = self.find(span, &format!("{{{name}}}"));
                    self.note(&place, Kind::UnknownPlaceholder { name, valid: valid.to_vec() });
                }
                BadBrace::Unclosed => self.note(span, Kind::LoneBrace { brace: '{' }),
                BadBrace::Stray => self.note(span, Kind::LoneBrace { brace: '}' }),
            }
        }
    }

    /// Where a part of a text stands, as far as the file has it letter for letter; else the whole text.
    fn find(&self, span: &Span, part: &str) -> Span {
        let text = self.bytes.get(span.clone()).unwrap_or_default();
        let at = text.windows(part.len().max(1)).position(|w| w == part.as_bytes());
        at.map_or(span.clone(), |at| span.start + at..span.start + at + part.len())
    }

    /// Checks an id's letters and that it is new; answers whether it is good.
    fn give(&self, what: Named, id: Option<&'a Text>, at: usize, given: &mut Given<'a>) -> bool {
        let Some(id) = id else { return false };
        let good =
            !id.value.is_empty() && id.value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        // A zone's id is shown as it stands ("WIB"), so it is a word of its own kind.
        let good = if what == Named::Zone { is_zone_id(&id.value) } else { good };
        if !good {
            let id_of_its_kind = match what {
                Named::Zone => Kind::BadZoneId { id: id.value.clone() },
                _ => Kind::BadId { id: id.value.clone() },
            };
            self.note(&id.span, id_of_its_kind);
            return false;
        }
        if let Some((_, first)) = given.get(id.value.as_str()) {
            let kind = Kind::Duplicate { what, id: id.value.clone() };
            self.problems.borrow_mut().push(Problem::new(id.span.clone(), kind).with_other(first.clone()));
            return false;
        }
        given.insert(&id.value, (u16::try_from(at).unwrap_or(u16::MAX), id.span.clone()));
        true
    }

    fn resolve(&mut self) -> RuleSet {
        let file = self.file;
        if file.rules.len() > MAX_RULES {
            self.sound = false;
            self.note(&file.rules[MAX_RULES].span, Kind::TooManyRules { found: file.rules.len() });
        }
        // Facts and fields share one namespace.
        let mut names = Given::new();
        let facts = self.facts(&mut names);
        self.space = Space::new(facts.iter().map(|f| f.values.len().max(1)).collect());
        let fact_names: HashMap<&str, usize> =
            facts.iter().enumerate().rev().map(|(at, f)| (f.id.as_str(), at)).collect();
        let fields = self.fields(&mut names);
        self.keys(&facts, &fields);
        let zones = self.zones();
        let greetings = self.greetings();
        let mut step_names = Given::new();
        let steps = self.steps(&fields, &mut step_names);
        let rules = self.rules(&facts, &fact_names, &step_names);
        let requirements = self.requirements(&facts, &fact_names, &step_names);
        let sop = file.sop.as_ref().map_or_else(
            || Sop {
                title: String::new(),
                revision: String::new(),
                supersedes: None,
                issuer: None,
                effective_from: None,
                effective_to: None,
            },
            |s| Sop {
                title: self.plain("title", s.title.as_ref()),
                revision: self.plain("revision", s.revision.as_ref()),
                supersedes: self.maybe("supersedes", s.supersedes.as_ref()),
                issuer: self.maybe("issuer", s.issuer.as_ref()),
                effective_from: s.effective_from.as_ref().map(|d| d.value),
                effective_to: s.effective_to.as_ref().map(|d| d.value),
            },
        );
        if let Some(raw) = &file.sop
            && let (Some(from), Some(to)) = (sop.effective_from, sop.effective_to)
            && to < from
            && let Some(place) = &raw.effective_to
        {
            self.note(&place.span, Kind::EndsBeforeItBegins { from: from.to_string(), to: to.to_string() });
        }
        let parts = self.roles(&facts, &fields);
        let acceptances = acceptance::list(file);
        RuleSet {
            sop,
            facts,
            fields,
            zones,
            greetings,
            steps,
            rules,
            requirements,
            roles: parts,
            acceptances,
            proved: Proved,
        }
    }
}
