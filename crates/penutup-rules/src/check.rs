//! Parsed file → checked rules: resolves every id and checks every text. Properties of all situations are proved in
//! `proof`.

mod acceptance;
mod facts;
mod steps;
mod values;

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};

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

#[derive(Debug)]
pub struct Report {
    /// `None` if the file has an error.
    pub rules: Option<RuleSet>,
    /// In the order of the file.
    pub problems: Vec<Problem>,
    pub facts: usize,
    pub rows: usize,
    /// The number of combinations of fact values.
    pub situations: BigUint,
}

impl Report {
    pub fn errors(&self) -> usize {
        self.problems.iter().filter(|p| p.is_error()).count()
    }

    pub fn warnings(&self) -> usize {
        self.problems.len() - self.errors()
    }
}

/// Checks a rules file. `today` is compared with `effective_from` and `effective_to`.
pub fn check(bytes: &[u8], today: NaiveDate) -> Report {
    let problems = Problems::default();
    let file = file::read(bytes, &problems);
    let (facts, rows) = file.as_ref().map_or((0, 0), |f| (f.facts.len(), f.rules.len()));
    let mut situations = BigUint::ZERO;
    let mut draft = None;
    if let Some(file) = file {
        let provable = !problems.borrow().iter().any(|p| prevents_proof(&p.kind));
        let mut checker = Checker {
            file: &file,
            bytes,
            problems: &problems,
            provable,
            has_placeholder: Cell::new(false),
            space: Space::new(vec![]),
        };
        let resolved = checker.resolve();
        situations = checker.space.count();
        if file.rules.is_empty() {
            if let Some(place) = &file.no_rules {
                let kind = Kind::Gap { situations: situations.to_string(), when: vec![], nearest: None };
                note(&problems, place.clone(), kind);
            }
        } else if checker.provable {
            proof::prove(&resolved, &places(&file), today, &problems);
        }
        acceptance::apply(&file, &problems);
        draft = Some(resolved).filter(|_| !checker.has_placeholder.get());
    }
    let mut problems = limited(problems.into_inner());
    problems.sort_by_key(|p| (p.span.start, p.span.end, p.code()));
    let rules = draft.filter(|_| !problems.iter().any(Problem::is_error));
    Report { rules, problems, facts, rows, situations }
}

/// Whether a value that could not be read is part of a condition or a list of steps, so that the proof would report false
/// problems. Texts that are only spoken or displayed don't matter.
fn prevents_proof(kind: &Kind) -> bool {
    let (Kind::WrongType { key, .. } | Kind::TooLong { key, .. }) = kind else { return false };
    #[rustfmt::skip]
    let shown = [
        "title", "revision", "supersedes", "issuer", "effective_from", "effective_to", "duties", "lost_score", "label", "short", "help", "key",
        "scope", "keep_for", "role", "banner", "choices", "aliases", "drop", "text", "max", "kind", "empty", "offset", "from",
        "word", "say", "remind", "basis", "note", "score", "caution", "accept", "because",
    ];
    !shown.contains(&key.as_str())
}

/// Keeps at most [`MAX_PROBLEMS_PER_CODE`] problems of each code, followed by one that says so.
fn limited(all: Vec<Problem>) -> Vec<Problem> {
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
    /// Whether facts, rules and steps are complete enough for a proof. A rule with an unknown value, for example, would
    /// cause false gaps.
    provable: bool,
    /// Whether an empty list was filled with a placeholder, so that no `RuleSet` may be returned.
    has_placeholder: Cell<bool>,
    space: Space,
}

/// Ids seen so far, with their positions and spans.
type Ids<'a> = HashMap<&'a str, (u16, Span)>;

impl<'a> Checker<'a> {
    fn note(&self, span: &Span, kind: Kind) {
        note(self.problems, span.clone(), kind);
    }

    /// A list that must not be empty. If it is, a placeholder lets the rest of the file be checked, but no `RuleSet` is
    /// returned.
    fn at_least_one<T>(&self, list: Vec<T>, placeholder: impl FnOnce() -> T) -> Vec1<T> {
        Vec1::try_from_vec(list).unwrap_or_else(|_| {
            self.has_placeholder.set(true);
            vec1![placeholder()]
        })
    }

    /// Checks that a text is not empty and has only single blanks between words. A missing one has been reported.
    fn required(&self, key: &'static str, text: Option<&Text>) -> String {
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

    fn optional(&self, key: &'static str, text: Option<&Text>) -> Option<String> {
        text.map(|t| self.required(key, Some(t)))
    }

    /// A text without placeholders; braces in it must be doubled.
    fn plain(&self, key: &'static str, text: Option<&Text>) -> String {
        let value = self.required(key, text);
        let Some(text) = text else { return value };
        match Template::parse(&value, |_| None) {
            Ok(template) => match template.pieces() {
                [] => value,
                [super::script::Piece::Fixed(fixed)] => fixed.clone(),
                _ => {
                    let kind = Kind::UnknownPlaceholder { name: SALAM.into(), valid: vec![] };
                    self.note(&self.find(&text.span, "{salam}"), kind);
                    value
                }
            },
            Err(bad) => {
                self.braces(&text.span, bad, &[]);
                value
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

    /// The span of a part of a text, if the file contains it verbatim; otherwise of the whole text.
    fn find(&self, span: &Span, part: &str) -> Span {
        let text = self.bytes.get(span.clone()).unwrap_or_default();
        let at = text.windows(part.len().max(1)).position(|w| w == part.as_bytes());
        at.map_or(span.clone(), |at| span.start + at..span.start + at + part.len())
    }

    /// Checks that an id is valid and new, and records it.
    fn register(&self, what: Named, id: Option<&'a Text>, at: usize, ids: &mut Ids<'a>) -> bool {
        let Some(id) = id else { return false };
        let valid =
            !id.value.is_empty() && id.value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        // A zone's id is displayed ("WIB"), so it has rules of its own.
        let valid = if what == Named::Zone { is_zone_id(&id.value) } else { valid };
        if !valid {
            let kind = match what {
                Named::Zone => Kind::BadZoneId { id: id.value.clone() },
                _ => Kind::BadId { id: id.value.clone() },
            };
            self.note(&id.span, kind);
            return false;
        }
        if let Some((_, first)) = ids.get(id.value.as_str()) {
            let kind = Kind::Duplicate { what, id: id.value.clone() };
            self.problems.borrow_mut().push(Problem::new(id.span.clone(), kind).with_other(first.clone()));
            return false;
        }
        ids.insert(&id.value, (u16::try_from(at).unwrap_or(u16::MAX), id.span.clone()));
        true
    }

    fn resolve(&mut self) -> RuleSet {
        let file = self.file;
        if file.rules.len() > MAX_RULES {
            self.provable = false;
            self.note(&file.rules[MAX_RULES].span, Kind::TooManyRules { found: file.rules.len() });
        }
        // Facts and fields share one namespace.
        let mut names = Ids::new();
        let facts = self.facts(&mut names);
        self.space = Space::new(facts.iter().map(|f| f.values.len().max(1)).collect());
        let fact_names: HashMap<&str, usize> =
            facts.iter().enumerate().rev().map(|(at, f)| (f.id.as_str(), at)).collect();
        let fields = self.fields(&mut names);
        self.keys(&facts, &fields);
        let zones = self.zones();
        let greetings = self.greetings();
        let mut step_names = Ids::new();
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
                lost_score: BTreeMap::new(),
            },
            |s| Sop {
                title: self.plain("title", s.title.as_ref()),
                revision: self.plain("revision", s.revision.as_ref()),
                supersedes: self.optional("supersedes", s.supersedes.as_ref()),
                issuer: self.optional("issuer", s.issuer.as_ref()),
                effective_from: s.effective_from.as_ref().map(|d| d.value),
                effective_to: s.effective_to.as_ref().map(|d| d.value),
                lost_score: self.lost_score(&s.lost_score, &steps),
            },
        );
        if let Some(raw) = &file.sop
            && let (Some(from), Some(to)) = (sop.effective_from, sop.effective_to)
            && to < from
            && let Some(place) = &raw.effective_to
        {
            self.note(&place.span, Kind::EndsBeforeItBegins { from: from.to_string(), to: to.to_string() });
        }
        RuleSet {
            roles: self.roles(&facts, &fields),
            sop,
            facts,
            fields,
            zones,
            greetings,
            steps,
            rules,
            requirements,
            acceptances: acceptance::list(file),
            proved: Proved,
        }
    }
}
