//! `penutup drill`: practice and exam on a terminal; lists, printed cards, class sheets and checks without one.

mod cards;
mod list;
mod sheet;

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use clap::builder::PossibleValuesParser;
use clap::builder::TypedValueParser as _;
use clap::{Args, ValueEnum};

use super::{Answer, Context, Status, Stop, is_dumb, moment};
use crate::book::Book;
use crate::clock::Clock;
use crate::drill::boxes::{Boxes, Due, Entry, trainee_id};
use crate::drill::deal::{Dealer, everything};
use crate::drill::grade::Way;
use crate::drill::items::{self, Item};
use crate::drill::session::{Session, Setup};
use crate::drill::sheet::Done;
use crate::drill::story::Stories;
use crate::files::folders::stands;
use crate::files::{self, practice, shown_path};
use crate::rules::RuleSet;
use crate::start::theme;
use crate::tell::{self, outside, shown};
use crate::tui::practice::{die, practise};
use crate::words::{Words, fill};

/// How many cards a trainee is asked unless told otherwise.
const A_DAY: usize = 10;
/// How many in a hundred must be right unless told otherwise.
const PASS: u8 = 90;
/// The most cards that are asked in one go.
const MOST: i64 = 1000;

/// `penutup drill`.
#[derive(Debug, Args)]
pub struct Drill {
    /// How cards are answered.
    #[arg(long, value_parser = PossibleValuesParser::new(Way::ALL.map(Way::code)).map(|code| Way::from_code(&code).unwrap_or(Way::Case)))]
    pub way: Option<Way>,
    /// The seed of the cards.
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// How many cards.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=MOST), conflicts_with = "exam")]
    pub count: Option<u16>,
    /// The trainee's staff id.
    #[arg(long, value_name = "ID")]
    pub trainee: Option<String>,
    /// An exam.
    #[arg(long)]
    pub exam: bool,
    /// How many in a hundred must be right.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u8).range(1..=100), requires = "exam")]
    pub pass: Option<u8>,
    /// Which rules the stories reach.
    #[arg(long, conflicts_with_all = ["exam", "cards", "merge", "check_sheet"])]
    pub list: bool,
    /// Cards to print.
    #[arg(long, conflicts_with_all = ["exam", "merge", "check_sheet"])]
    pub cards: bool,
    /// Result sheets to put under each other.
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["exam", "check_sheet"])]
    pub merge: Vec<PathBuf>,
    /// A result sheet to grade again.
    #[arg(long, value_name = "FILE", conflicts_with = "exam")]
    pub check_sheet: Option<PathBuf>,
    /// The form of the result.
    #[arg(long, value_enum)]
    pub format: Option<Form>,
    /// Where the result is written.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// The form of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For people.
    Text,
    /// Markdown, for printing.
    Md,
    /// A row a card.
    Csv,
    /// One line of JSON.
    Json,
}

/// What every form of the verb works on.
struct Ground {
    book: Arc<Book>,
    stories: Stories,
    zone: usize,
    clock: Clock,
}

/// Does it.
///
/// # Errors
/// Rules, stories, sheets or arguments that can't be used, or no terminal where one is needed.
pub fn run(drill: &Drill, context: &Context) -> Result<Answer, Stop> {
    let form = form(drill, context)?;
    let free = drill.list || drill.cards || !drill.merge.is_empty() || drill.check_sheet.is_some();
    let at_terminal = super::has_screen();
    if !free && !at_terminal {
        return Err(Stop(format!("{}\n", context.words().drillverb.no_terminal)));
    }
    if !free && is_dumb() {
        return Err(Stop(format!("{}\n", context.words().plain.full_screen_drill)));
    }
    if let Some(path) = drill.out.as_ref().filter(|path| stands(path)) {
        let w = &context.words().drillverb;
        return Err(context.stop(&fill(w.out_exists, &[("path", &shown_path(path))]), Some(w.out_exists_help)));
    }
    if !drill.merge.is_empty() {
        return Ok(sheet::merge(&drill.merge, context)?.into_file(drill.out.as_deref(), context));
    }
    let ground = ground(context)?;
    if let Some(path) = &drill.check_sheet {
        return sheet::check(path, &ground, context);
    }
    if drill.list {
        return Ok(list::run(&ground, context).into_file(drill.out.as_deref(), context));
    }
    let seed = drill.seed.unwrap_or_else(|| fresh_seed(ground.clock.now()));
    if drill.cards {
        return Ok(cards::run(&ground, seed, drill.count, context)?.into_file(drill.out.as_deref(), context));
    }
    on_screen(drill, &ground, seed, form, context)
}

/// Which form; not every verb has every one.
fn form(drill: &Drill, context: &Context) -> Result<Form, Stop> {
    let valid: &[Form] = if drill.list || drill.check_sheet.is_some() {
        &[Form::Text]
    } else if drill.cards {
        &[Form::Md]
    } else if drill.merge.is_empty() {
        &[Form::Text, Form::Csv, Form::Json]
    } else {
        &[Form::Csv]
    };
    let form = drill.format.unwrap_or(valid[0]);
    if valid.contains(&form) {
        return Ok(form);
    }
    let w = &context.words().drillverb;
    let name = |form: &Form| form.to_possible_value().map(|v| v.get_name().to_owned()).unwrap_or_default();
    let names: Vec<String> = valid.iter().map(name).collect();
    let help = fill(context.words().problem.valid, &[("valid", &names.join(", "))]);
    Err(context.stop(&fill(w.bad_format, &[("format", &name(&form))]), Some(&help)))
}

fn ground(context: &Context) -> Result<Ground, Stop> {
    context.sound_settings()?;
    let at = moment::at(context)?;
    let ready = files::load_in_force(&context.rules_file(), &context.folders, moment::today(at));
    let book = ready.map_err(|bad| context.bad(&bad))?.book;
    let stories = practice::stories(&context.folders, &book.rules).map_err(|bad| context.bad(&bad))?;
    let zone = moment::zone(context, &book.rules)?;
    let clock = at.map_or_else(Clock::system, |at| Clock::showing(at.instant(book.rules.zones[zone].offset)));
    Ok(Ground { book: Arc::new(book), stories, zone, clock })
}

/// A seed that nobody chose: short enough to be said over a table.
fn fresh_seed(now: DateTime<Utc>) -> u64 {
    u64::from(now.timestamp_subsec_nanos() ^ u32::try_from(now.timestamp() & 0xffff).unwrap_or(0)) % 1_000_000
}

impl Answer {
    /// Writes the result to a file where one is named, and says so.
    fn into_file(self, path: Option<&Path>, context: &Context) -> Self {
        let Some(path) = path else { return self };
        let words = context.words();
        match files::write(path, self.out.as_bytes()) {
            Ok(()) => {
                let out = fill(words.drillverb.written, &[("path", &shown_path(path))]) + "\n";
                Self { out, ..self }
            }
            Err(e) => {
                // What was answered must not be lost with the file.
                let with = [("path", &*shown_path(path)), ("why", &*outside::reason(&e, words))];
                let Stop(err) = context.stop(&fill(words.trouble.cannot_write, &with), None);
                Self { err: self.err + &err, status: Status::Failed, ..self }
            }
        }
    }
}

/// A trainee's boxes, and what of them is asked.
struct Trainee {
    id: String,
    boxes: Boxes,
    all: Vec<Item>,
    due: Vec<Item>,
    reopened: usize,
}

fn trainee(drill: &Drill, ground: &Ground, context: &Context) -> Result<Option<Trainee>, Stop> {
    let Some(text) = &drill.trainee else { return Ok(None) };
    let words = context.words();
    let w = &words.drillverb;
    let id = trainee_id(text)
        .ok_or_else(|| context.stop(&fill(w.bad_trainee, &[("id", &shown(text))]), Some(w.bad_trainee_help)))?;
    let failed = |e: &io::Error| {
        let path = practice::boxes(&context.folders, &id).unwrap_or_default();
        let with = [("path", &*shown_path(&path)), ("why", &*outside::reason(e, words))];
        context.stop(&fill(words.trouble.cannot_read, &with), None)
    };
    let mut boxes = practice::load_boxes(&context.folders, &id).map_err(|e| failed(&e))?;
    let (rules, now) = (&ground.book.rules, ground.clock.now());
    let all = items::all(rules, &Dealer::new(rules, &ground.stories));
    let reopened = boxes.reopen(&all, rules, now).len();
    let due = boxes.due(&all, rules, now);
    Ok(Some(Trainee { id, boxes, all, due, reopened }))
}

fn on_screen(drill: &Drill, ground: &Ground, seed: u64, form: Form, context: &Context) -> Result<Answer, Stop> {
    let (words, rules) = (context.words(), &ground.book.rules);
    let w = &words.drillverb;
    let trainee = trainee(drill, ground, context)?;
    let dealer = Dealer::new(rules, &ground.stories);
    let practising = trainee.as_ref().filter(|_| !drill.exam);
    let count = drill.count.map(usize::from);
    let wanted = match practising {
        None => everything(rules),
        Some(t) if t.due.is_empty() => {
            return Ok(Answer::done(list::nothing_due(&t.id, t.boxes.next(&t.all, rules), ground, words)));
        }
        Some(t) => items::wanted(&t.due[..t.due.len().min(count.unwrap_or(A_DAY))]),
    };
    let dealt = dealer.deal(&wanted, seed);
    let not_asked = if practising.is_none() { dealt.not_asked(rules) } else { Vec::new() };
    let mut cards = dealt.cards;
    if practising.is_none() {
        cards.truncate(count.unwrap_or(usize::MAX));
    }
    if cards.is_empty() {
        return Err(context.stop(&no_cards(&not_asked, words), Some(w.no_cards_help)));
    }
    let flagged = |card: &crate::drill::card::Card| {
        practising.is_some_and(|t| {
            let entry = |item: &Item| t.boxes.get(&item.key(rules)).is_some_and(Entry::is_flagged);
            items::of(card).iter().any(entry)
        })
    };
    let due = practising.map_or_else(Due::default, |t| {
        let new = t.due.iter().filter(|item| t.boxes.get(&item.key(rules)).is_none()).count();
        Due { again: t.due.len() - new, new, reopened: t.reopened }
    });
    let now = ground.clock.now();
    let mut session = Session::new(Setup {
        book: Arc::clone(&ground.book),
        stories_sha256: ground.stories.sha256.clone(),
        lang: context.lang,
        home: ground.zone,
        flagged: cards.iter().map(flagged).collect(),
        cards,
        not_asked,
        seed,
        way: drill.way.or(drill.exam.then_some(Way::Blind)),
        exam: drill.exam.then(|| drill.pass.unwrap_or(PASS)),
        trainee: trainee.as_ref().map(|t| t.id.clone()),
        due,
        day: now.with_timezone(&rules.zones[ground.zone].offset).date_naive(),
        now,
    });
    let keeper = trainee.filter(|_| !drill.exam).map(|t| Keeper::new(t, ground, &session, context));
    let theme = theme(context.settings.theme);
    let keep = keeper.clone();
    let heard = move |done: &Done| {
        if let Some(keeper) = &keep {
            keeper.heard(done);
        }
    };
    let signal = practise(&mut session, theme, ground.clock, heard)
        .map_err(|e| Stop(format!("{}\n", fill(words.cli.terminal_failed, &[("why", &outside::reason(&e, words))]))))?;
    let mut answer = left(&session, form, drill.out.as_deref(), context);
    let often = keeper.as_ref().map(|k| k.flagged(words)).unwrap_or_default();
    if !often.is_empty() && form == Form::Text && drill.out.is_none() {
        let _ = write!(answer.out, "\n{}\n  {}\n", w.often, often.join("\n  "));
    }
    if let Some(why) = keeper.and_then(|k| k.trouble()) {
        let Stop(err) = context.stop(&fill(w.not_kept, &[("why", &outside::reason(&why, words))]), None);
        answer.err.push_str(&err);
        answer.status = Status::Failed;
    }
    if let Some(signal) = signal {
        die(signal);
    }
    Ok(answer)
}

/// That there is no card to ask, and what should have been asked.
fn no_cards(not_asked: &[String], words: &Words) -> String {
    let w = &words.drillverb;
    if not_asked.is_empty() {
        return w.no_cards.into();
    }
    format!("{}: {}", w.no_cards, tell::listed(not_asked.iter().map(String::as_str), &words.problem))
}

/// What is printed and written when a session was left.
fn left(session: &Session, form: Form, out: Option<&Path>, context: &Context) -> Answer {
    let sheet = session.sheet();
    let no = sheet.exam && !sheet.passed;
    if !sheet.exam && sheet.cards.is_empty() {
        return Answer::done(String::new());
    }
    let text = match form {
        Form::Json => sheet.to_json(),
        Form::Csv => crate::drill::sheet::csv::write([&sheet]),
        Form::Text | Form::Md => sheet::text(&sheet, session.rules(), context.words()),
    };
    let mut answer = Answer::done(text);
    answer.status = if no { Status::No } else { Status::Done };
    answer.into_file(out, context)
}

/// A thing to be learnt, for people.
fn told(item: &Item, rules: &RuleSet, words: &Words) -> String {
    let d = &words.drill;
    let named = |label: &str, value: &str| fill(d.is_right, &[("label", label), ("value", value)]);
    match item {
        Item::Situation(situation) => sheet::facts(situation, rules, words),
        Item::Minute(minute) => {
            fill(words.drillverb.often_minute, &[("time", &format!("{:02}:{:02}", minute / 60, minute % 60))])
        }
        Item::Zone(zone) => named(d.zone, &rules.zones[*zone].id),
    }
}

/// Keeps a trainee's boxes after each answer.
#[derive(Clone)]
struct Keeper(Arc<Mutex<Kept>>);

struct Kept {
    id: String,
    boxes: Boxes,
    all: Vec<Item>,
    cards: Vec<crate::drill::card::Card>,
    book: Arc<Book>,
    folders: files::Folders,
    trouble: Option<io::Error>,
}

impl Keeper {
    fn new(trainee: Trainee, ground: &Ground, session: &Session, context: &Context) -> Self {
        Self(Arc::new(Mutex::new(Kept {
            id: trainee.id,
            boxes: trainee.boxes,
            all: trainee.all,
            cards: session.setup().cards.clone(),
            book: Arc::clone(&ground.book),
            folders: context.folders.clone(),
            trouble: None,
        })))
    }

    fn heard(&self, done: &Done) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Kept { id, boxes, all, cards, book, folders, trouble } = &mut *kept;
        let rules = &book.rules;
        for item in items::of(&cards[done.card]).into_iter().filter(|item| all.contains(item)) {
            let right = match item {
                Item::Situation(_) => done.grade.situation(),
                Item::Minute(_) => done.grade.greeting,
                Item::Zone(_) => done.grade.zone,
            };
            boxes.record(&item.key(rules), &item.answer(rules), right, done.answered);
        }
        *trouble = practice::save_boxes(folders, id, boxes).err();
    }

    /// What falls again and again.
    fn flagged(&self, words: &Words) -> Vec<String> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let rules = &kept.book.rules;
        let is_flagged = |item: &&Item| kept.boxes.get(&item.key(rules)).is_some_and(Entry::is_flagged);
        kept.all.iter().filter(is_flagged).map(|item| told(item, rules, words)).collect()
    }

    fn trouble(&self) -> Option<io::Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).trouble.take()
    }
}
