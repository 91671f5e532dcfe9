//! What must hold of every rules file that `check` accepts: each of its sentences can be spoken, and every view and verb
//! can show it. A file that breaks one of these must be refused, or the view is wrong.

use std::cell::RefCell;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use clap::Parser as _;
use penutup::app::App;
use penutup::app::AppSetup;
use penutup::cli::{self, Cli, Context, Env, Status, Stop, Verb};

use penutup::cli::VerbOutput;
use penutup::clock::Clock;
use penutup::diagnostics::draw::{Canvas, draw};
use penutup::diagnostics::{Source, describe};
use penutup::files::{Chosen, Folders, Why};
use penutup::keymap::{self, Key};
use penutup::loaded::{LoadedRules, Origin};

use penutup::plain::listen::Line;
use penutup::plain::view::Plain;
use penutup::rules::ruleset::{FieldKind, RuleSet, StepWords, TextKind};
use penutup::rules::script::{FieldValue, Fields, Piece, script, speak};
use penutup::rules::text::{is_forbidden, is_hidden_in_a_text};
use penutup::rules::{BUILT_IN, Situation, check, decide};
use penutup::run::{Next, Session};
use penutup::settings::Settings;
use penutup::tui::theme::Theme;
use penutup::tui::view;
use penutup::words::Lang;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

/// The most situations that are spoken; rules with more are sampled, each rule's own among them.
const SITUATIONS: usize = 48;
/// The sizes that the screen is drawn at.
const SIZES: [(u16, u16); 10] =
    [(1, 1), (2, 3), (12, 4), (29, 5), (30, 6), (40, 12), (60, 18), (80, 24), (100, 24), (130, 40)];
/// The time that the views are shown at, besides the edges of the greetings.
const NOW: &str = "2026-03-02T14:57:00+07:00";

/// A folder in which files are written for the verbs, with the built-in rules in it.
pub struct Folder(PathBuf);

impl Folder {
    /// Uses this folder.
    pub fn new(path: &Path) -> Self {
        std::fs::write(path.join("built-in.toml"), BUILT_IN).expect("a file for the verbs");
        Self(path.into())
    }

    fn path(&self, file: &str) -> String {
        self.0.join(file).to_str().expect("a UTF-8 path").to_owned()
    }
}

/// Checks a file, and everything that must be true if it is accepted; returns whether it is.
///
/// # Panics
/// If an accepted file breaks one of these.
pub fn holds(source: &[u8], folder: &Folder) -> bool {
    let now: DateTime<Utc> = DateTime::parse_from_rfc3339(NOW).expect("a time").to_utc();
    let report = check(source, now.date_naive());
    assert_eq!(report.rules.is_some(), report.errors() == 0, "rules exactly where there is no error");
    let drawn = Source::new("rules.toml", source);
    for problem in &report.problems {
        for words in [Lang::Id, Lang::En].map(Lang::words) {
            let description = describe(problem, words);
            assert!(!description.message.trim().is_empty() && !description.help.trim().is_empty(), "{problem:?}");
            assert_harmless(&draw(problem, &drawn, words, Canvas::PLAIN));
        }
    }
    let Some(rules) = &report.rules else { return false };
    sentences(rules);
    let loaded = LoadedRules::read(source.to_vec(), Origin::File("rules.toml".into()), now.date_naive());
    let loaded = Arc::new(loaded.expect("it was accepted"));
    for (lang, sizes) in [(Lang::Id, &SIZES[..]), (Lang::En, &SIZES[7..8])] {
        screens(&loaded, lang, now, sizes);
        lines(&loaded, lang, now);
    }
    for zone in 0..loaded.rules.zones.len().min(3) {
        edges(&loaded, zone, now);
    }
    verbs(source, folder);
    true
}

fn assert_harmless(text: &str) {
    let harmful = text.chars().find(|c| *c != '\n' && is_forbidden(*c));
    assert!(harmful.is_none(), "{harmful:?} in {text:?}");
}

/// Situations of every rule, and more.
fn situations(rules: &RuleSet) -> Vec<Situation> {
    let mut out: Vec<Situation> = Situation::all(rules).take(SITUATIONS / 2).collect();
    let of_rules = rules.rules.iter().take(SITUATIONS / 2).map(|rule| {
        let mut situation = Situation::default_of(rules);
        for (fact, values) in rule.when.constraints() {
            situation.set(rules, fact, values.iter().next().expect("a condition has a value"));
        }
        assert!(rule.when.contains(situation.values()), "a rule's own situation");
        situation
    });
    out.extend(of_rules);
    out
}

/// What a person types: it may have blanks and letters of any kind.
const TYPED: [&str; 4] = ["x", " x ", "李  x", "ن x"];

/// The fields at their defaults, and with each choice and a typed text.
fn filled(rules: &RuleSet) -> Vec<Fields> {
    let most = rules.fields.iter().map(|field| match &field.kind {
        FieldKind::Choice(choices) => choices.len(),
        FieldKind::Typed(_) => 2,
    });
    let most = most.max().unwrap_or(1).min(6);
    let fill = |round: usize| {
        let mut fields = Fields::default_of(rules);
        for (ix, field) in rules.fields_ix() {
            let value = match &field.kind {
                FieldKind::Choice(choices) => FieldValue::Choice(round % choices.len()),
                FieldKind::Typed(typed) if round > 0 => {
                    let text = if typed.text == TextKind::Number { "5" } else { TYPED[(round - 1) % TYPED.len()] };
                    FieldValue::Text(text.chars().take(typed.max).collect())
                }
                FieldKind::Typed(_) => continue,
            };
            assert!(fields.set(rules, ix, value), "a text of one letter fits field {:?}", field.id);
        }
        fields
    };
    (0..most).map(fill).collect()
}

/// Every sentence in every sampled situation, at every greeting and with every field, can be read out and has no raw
/// placeholder.
fn sentences(rules: &RuleSet) {
    let filled = filled(rules);
    for situation in situations(rules) {
        let matching = rules.rules.iter().filter(|rule| rule.when.contains(situation.values())).count();
        assert_eq!(matching, 1, "exactly one rule for each situation");
        let plan = decide(rules, &situation);
        assert!(!plan.steps().is_empty());
        for fields in &filled {
            for greeting in rules.greetings.rows() {
                let spoken = plan.steps().iter().filter_map(|ix| speak(rules, rules.step(*ix), fields, &greeting.word));
                let spoken: Vec<String> = spoken.map(|sentence| sentence.to_string()).collect();
                for sentence in &spoken {
                    assert_readable(sentence);
                }
                assert_eq!(script(rules, plan, fields, &greeting.word).to_string(), spoken.join(" "));
            }
        }
    }
    for fields in &filled {
        for greeting in rules.greetings.rows() {
            for step in &rules.steps {
                assert_letter_for_letter(rules, step, fields, &greeting.word);
            }
        }
    }
}

/// Asserts that a sentence can be read out: not empty, no stray blanks, no hidden characters.
fn assert_readable(sentence: &str) {
    assert!(!sentence.is_empty(), "an empty sentence");
    assert!(!sentence.contains("  "), "a double blank in {sentence:?}");
    assert_eq!(sentence.trim(), sentence, "a blank at an end");
    let mut before = None;
    for c in sentence.chars() {
        assert!(!is_hidden_in_a_text(c, before), "U+{:04X} in {sentence:?}", c as u32);
        before = Some(c);
    }
}

/// Asserts that a sentence consists, apart from blanks, of the fixed text and the filled-in values: no placeholder stays.
fn assert_letter_for_letter(rules: &RuleSet, step: &penutup::rules::ruleset::Step, fields: &Fields, greeting: &str) {
    let StepWords::Say(template) = &step.words else { return };
    let part = |piece: &Piece| match piece {
        Piece::Fixed(fixed) => fixed.clone(),
        Piece::Salam => greeting.to_owned(),
        Piece::Field(ix) => fields.spoken(rules, *ix),
    };
    let parts: String = template.pieces().iter().map(part).collect();
    let without_blanks = |text: &str| text.chars().filter(|c| *c != ' ').collect::<String>();
    let spoken = speak(rules, step, fields, greeting).expect("it is spoken").to_string();
    assert_eq!(without_blanks(&spoken), without_blanks(&parts));
    // Empty brackets and doubled punctuation occur only where the fixed text of the file has them.
    let filled: String = template.pieces().iter().filter(|p| !matches!(p, Piece::Fixed(_))).map(part).collect();
    if filled.chars().all(|c| c.is_alphanumeric() || c.is_whitespace()) {
        let count = |text: &str| ["()", "[]", ",,", ",."].map(|pair| without_blanks(text).matches(pair).count());
        let fixed = template.pieces().iter().filter_map(|piece| match piece {
            Piece::Fixed(fixed) => Some(count(fixed)),
            _ => None,
        });
        let fixed = fixed.fold([0; 4], |sum, next| std::array::from_fn(|at| sum[at] + next[at]));
        assert_eq!(count(&spoken), fixed, "an empty place in {spoken:?}");
    }
}

fn app(loaded: &Arc<LoadedRules>, lang: Lang, zone: usize, now: DateTime<Utc>) -> App {
    let loaded = Arc::clone(loaded);
    App::new(AppSetup { loaded, lang, zone, shift_facts: Vec::new(), notice: None, rules_trouble: None, now })
}

/// Checks every change of greeting in a zone: the new greeting at its minute, the previous one a minute earlier.
fn edges(loaded: &Arc<LoadedRules>, zone: usize, now: DateTime<Utc>) {
    let rules = &loaded.rules;
    let offset = rules.zones[zone].offset;
    for row in rules.greetings.rows().iter().take(8) {
        let minute = u32::from(row.from);
        let time = NaiveTime::from_hms_opt(minute / 60, minute % 60, 0).expect("a minute of the day");
        let local = now.with_timezone(&offset).date_naive().and_time(time).and_local_timezone(offset);
        let edge = local.single().expect("a fixed offset").to_utc();
        let at = |instant| {
            let app = app(loaded, Lang::Id, zone, instant);
            if app.call().plan(rules).steps().iter().any(|ix| rules.step(*ix).is_spoken()) {
                assert_readable(&app.complete_sentence().to_string());
            }
            app.greeting_word().to_owned()
        };
        assert_eq!(at(edge), row.word);
        let rows = rules.greetings.rows();
        let here = rows.iter().position(|other| other == row).expect("one of the rows");
        assert_eq!(at(edge - TimeDelta::minutes(1)), rows[(here + rows.len() - 1) % rows.len()].word);
    }
}

/// The prompter in its modes at these sizes.
fn screens(loaded: &Arc<LoadedRules>, lang: Lang, now: DateTime<Utc>, sizes: &[(u16, u16)]) {
    let rules = &loaded.rules;
    let mut keys: Vec<Vec<Key>> = vec![vec![], vec![Key::Char('d')], vec![Key::Char('?')], vec![Key::Char('s')]];
    let of_facts = rules.facts.iter().filter_map(|fact| fact.key).map(Key::Char);
    keys.push(of_facts.take(6).chain([Key::Char(' '), Key::Char('x')]).collect());
    let typed = rules.fields.iter().find(|field| matches!(field.kind, FieldKind::Typed(_)));
    if let Some(key) = typed.and_then(|field| field.key) {
        keys.push([Key::Char(key), Key::Char('5'), Key::Char('a')].into());
    }
    for keys in keys {
        let mut app = app(loaded, lang, 0, now);
        for key in keys {
            if let Some(action) = keymap::action(&app, key) {
                app.update(action, now);
            }
        }
        for &(columns, rows) in sizes {
            let mut terminal = Terminal::new(TestBackend::new(columns, rows)).expect("a terminal in memory");
            let mut drawn = view::Drawn::default();
            terminal.draw(|frame| drawn = view::draw(frame, &app, Theme::Terminal, 0)).expect("a terminal in memory");
            terminal.backend().buffer().content.iter().for_each(|cell| assert_harmless(cell.symbol()));
        }
    }
}

/// The output of line mode.
#[derive(Clone, Default)]
struct Written(Rc<RefCell<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The line mode: its opening, its pages and a call.
fn lines(loaded: &Arc<LoadedRules>, lang: Lang, now: DateTime<Utc>) {
    let mut app = app(loaded, lang, 0, now).plain_mode();
    let written = Written::default();
    let mut view = Plain::new(written.clone(), false);
    let mut session = Session::alone(&mut app, Clock::showing(now));
    session.show(&mut view).expect("memory takes all");
    let keys: String = loaded.rules.facts.iter().filter_map(|fact| fact.key).take(6).collect();
    for line in ["?", "i", "d", &keys, "", "", "s", "x", "1"] {
        let next = session.input(&mut view, Line::Text((*line).into())).expect("memory takes all");
        session.show(&mut view).expect("memory takes all");
        if matches!(next, Next::Leave) {
            break;
        }
    }
    let text = String::from_utf8(written.0.take()).expect("whole characters");
    assert!(!text.trim().is_empty());
    assert_harmless(&text);
}

/// The verbs that read a rules file, in every form, and some in each language.
fn verbs(source: &[u8], folder: &Folder) {
    const DONE: &[Status] = &[Status::Done];
    const EITHER: &[Status] = &[Status::Done, Status::No];
    let (file, built_in) = (&*folder.path("rules.toml"), &*folder.path("built-in.toml"));
    std::fs::write(file, source).expect("a file for the verbs");
    let run = |lang, args: &[&str], statuses| shown(&verb(args, folder, lang), statuses);
    run(Lang::Id, &["table", file], DONE);
    run(Lang::En, &["table", file, "--format", "md"], DONE);
    run(Lang::Id, &["table", file, "--format", "csv"], DONE);
    run(Lang::En, &["table", file, "--format", "json"], DONE);
    run(Lang::Id, &["diff", file, file], DONE);
    run(Lang::Id, &["diff", built_in, file], EITHER);
    run(Lang::En, &["diff", file, built_in], EITHER);
    run(Lang::En, &["diff", built_in, file, "--format", "json"], EITHER);
    run(Lang::Id, &["drill", "--list", "--rules", file], EITHER);
    run(Lang::En, &["check", file], DONE);
    run(Lang::Id, &["say", "--rules", file], DONE);
}

fn shown(answer: &Result<VerbOutput, Stop>, statuses: &[Status]) {
    match answer {
        Ok(answer) => {
            assert!(statuses.contains(&answer.status), "{answer:?}");
            // `say` reports on standard error that nothing is spoken in a situation.
            assert!(answer.out.trim().is_empty() != answer.err.trim().is_empty(), "{answer:?}");
            assert_harmless(&answer.err);
            // CSV for a spreadsheet has a byte order mark and CRLF.
            assert_harmless(&answer.out.replace("\r\n", "\n").replace('\u{feff}', ""));
        }
        Err(Stop(why)) => panic!("refused: {why}"),
    }
}

/// Runs a verb in this process, in a home without any other file.
fn verb(args: &[&str], folder: &Folder, lang: Lang) -> Result<VerbOutput, Stop> {
    let with = ["penutup"].iter().chain(args).chain(&["--at", NOW]).map(OsString::from);
    let cli = Cli::try_parse_from(with).expect("arguments");
    let context = Context {
        common: cli.common,
        env: Env::default(),
        folders: Folders::below(&folder.0.join("home")),
        settings_file: Chosen { path: None, why: Why::BuiltIn },
        settings: Settings::default(),
        settings_trouble: None,
        journal_at: None,
        lang,
    };
    match cli.verb.expect("a verb") {
        Verb::Table(verb) => cli::table::run(&verb, &context),
        Verb::Diff(verb) => cli::diff::run(&verb, &context),
        Verb::Drill(verb) => cli::drill::run(&verb, &context),
        Verb::Check(verb) => cli::check::run(&verb, &context),
        Verb::Say(verb) => cli::say::run(&verb, &context),
        verb => panic!("{verb:?} reads no rules file alone"),
    }
}
