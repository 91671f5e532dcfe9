//! A practice session or exam: its cards, the prompter's state of the open card, and the answers so far. All changes go
//! through [`Session::update`]; [`super::keys`] maps keys to its actions.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};

use super::card::Card;
use super::grade::{Answer, ExerciseKind, SpokenMark, grade};
use super::rng::Rng;
use super::sheet::{CardResult, CardRow, GradedAnswer, Sheet, moment};
use super::threshold;
use crate::action::{Action, Direction};
use crate::app::App;
use crate::app::AppSetup;
use crate::loaded::LoadedRules;

use crate::message::Message;
use crate::rules::RuleSet;
use crate::rules::ruleset::StepIx;
use crate::rules::script::FieldValue;
use crate::scroll::{By, Scroll};
use crate::words::{Lang, Words};

/// What a session starts with.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The rules.
    pub loaded: Arc<LoadedRules>,
    pub stories_sha256: String,
    pub lang: Lang,
    /// This seat's zone.
    pub home: usize,
    /// The cards, in the order in which they are asked.
    pub cards: Vec<Card>,
    /// The parts of the rules that no card covers.
    pub not_asked: Vec<String>,
    /// The revision since which the answers of the cards changed, if only those are asked.
    pub since: Option<String>,
    /// The seed of the cards.
    pub seed: u64,
    /// The kind of exercise; `None`: the first screen asks.
    pub kind: Option<ExerciseKind>,
    /// How many in a hundred must be right, where it is an exam.
    pub exam: Option<u8>,
    /// The trainee's staff id.
    pub trainee: Option<String>,
    pub day: NaiveDate,
    pub now: DateTime<Utc>,
}

/// The screen of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The introduction.
    Intro,
    Card,
    Feedback,
    Score,
}

/// The answer to the open card, not handed in yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Draft {
    /// The prompter's own state is the answer.
    Case,
    /// Without the script.
    Blind {
        /// The spoken steps, in any order.
        offered: Vec<StepIx>,
        cursor: usize,
        chosen: Vec<StepIx>,
        greeting: Option<usize>,
        /// Whether what is missing has been told.
        told: bool,
    },
    Spoken {
        /// Whether the partner has opened the script.
        open: bool,
        /// The sentence being marked.
        cursor: usize,
        /// The marks so far.
        marks: Vec<Option<SpokenMark>>,
    },
}

/// What a key does in a session.
#[derive(Clone, Debug, PartialEq)]
pub enum SessionAction {
    /// Begin this kind of exercise.
    Begin(ExerciseKind),
    /// An action on the prompter.
    App(Action),
    Cursor(Direction),
    /// Choose the step under the cursor, or remove it.
    Choose,
    /// Choose the step at this position of the list, or remove it.
    ChooseAt(usize),
    /// The next greeting, or the one before.
    Greeting(Direction),
    /// Undo the last step or mark.
    Undo,
    /// The partner opens the script.
    Open,
    /// The partner marks a sentence.
    Mark(SpokenMark),
    HandIn,
    /// Tell what is missing in the answer.
    Missing,
    Next,
    /// Read the whole story, or close it.
    Story,
    /// Scroll by a line.
    Line(Direction),
    /// Scroll by a page.
    Page(Direction),
    /// Close what is open.
    Back,
    /// Quit; asks first before the end.
    Leave,
    /// Quit without asking.
    Quit,
}

#[derive(Clone, Debug)]
pub struct Session {
    setup: Setup,
    kind: ExerciseKind,
    phase: Phase,
    /// The position of the open card.
    at: usize,
    app: App,
    draft: Draft,
    graded: Vec<GradedAnswer>,
    /// When the open card was shown.
    shown: DateTime<Utc>,
    now: DateTime<Utc>,
    /// Whether the whole story is shown.
    reading: bool,
    /// Whether the question whether to quit is open.
    leaving: bool,
    scroll: Scroll,
}

impl Session {
    /// Starts at the first screen.
    pub fn new(setup: Setup) -> Self {
        let now = setup.now;
        let moment = setup.cards.first().map_or(now, |c| c.moment(&setup.loaded.rules, setup.day));
        Self {
            kind: setup.kind.unwrap_or(ExerciseKind::Case),
            phase: Phase::Intro,
            at: 0,
            app: fresh_app(&setup.loaded, setup.lang, setup.home, moment),
            draft: Draft::Case,
            graded: Vec::new(),
            shown: now,
            now,
            reading: false,
            leaving: false,
            scroll: Scroll::default(),
            setup,
        }
    }

    /// What it started with.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// When the last step was taken.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    pub fn rules(&self) -> &RuleSet {
        &self.setup.loaded.rules
    }

    pub fn words(&self) -> &'static Words {
        self.setup.lang.words()
    }

    /// The current screen.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    pub fn kind(&self) -> ExerciseKind {
        self.kind
    }

    /// Whether it is an exam: no hints, and no result before the end.
    pub fn is_exam(&self) -> bool {
        self.setup.exam.is_some()
    }

    /// Which card, from 0.
    pub fn at(&self) -> usize {
        self.at
    }

    pub fn card(&self) -> Option<&Card> {
        self.setup.cards.get(self.at)
    }

    /// The prompter.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// The answer to the open card.
    pub fn draft(&self) -> &Draft {
        &self.draft
    }

    /// The answers so far, graded.
    pub fn graded(&self) -> &[GradedAnswer] {
        &self.graded
    }

    /// Whether the whole story is shown.
    pub fn is_reading(&self) -> bool {
        self.reading
    }

    /// Whether the question whether to quit is open.
    pub fn is_leaving(&self) -> bool {
        self.leaving
    }

    /// The scroll offset in lines.
    pub fn scroll(&self) -> usize {
        self.scroll.offset()
    }

    /// Whether the prompter itself is on the screen.
    pub fn is_on_prompter(&self) -> bool {
        self.phase == Phase::Card && self.draft == Draft::Case && !self.reading
    }

    /// Reports that the last keys were meant for another window and were undone.
    pub fn mistyped(&mut self) {
        let effects = self.app.update(Message::Mistyped, self.app.now());
        self.scroll.follow(&self.app, &effects);
    }

    /// Sets the scroll limits that the drawing found.
    pub fn bound_scroll(&mut self, most: usize, page: usize) {
        self.scroll.bound(most, page);
    }

    /// Changes the state. Returns whether the session has ended.
    pub fn update(&mut self, action: SessionAction, now: DateTime<Utc>) -> bool {
        // A sheet's times never run backwards.
        self.now = self.now.max(now);
        match action {
            SessionAction::Quit => return true,
            SessionAction::Leave | SessionAction::Next if self.phase == Phase::Score => return true,
            // An exam that is left is not passed, even before its first card.
            SessionAction::Leave if self.phase == Phase::Intro && !self.is_exam() => return true,
            SessionAction::Leave => self.leaving = true,
            SessionAction::Begin(kind) => self.begin(kind),
            SessionAction::App(Action::Said) if self.app.would_end() => {
                if !self.app.refuses(&Action::Said, self.now) {
                    self.hand_in();
                }
            }
            SessionAction::App(action) => {
                // The clock of a card is stopped, so that the greeting stays the one that the card asks.
                let effects = self.app.update_at(action, self.app.now(), self.now);
                self.scroll.follow(&self.app, &effects);
            }
            // A stray key must not fail an exam: without all sentences no answer is right.
            SessionAction::HandIn if self.is_exam() && self.draft == Draft::Case && !self.app.is_complete() => {
                let notice = self.words().drill.incomplete.to_owned();
                self.app.update(Message::Notice(notice), self.app.now());
            }
            SessionAction::HandIn => self.hand_in(),
            SessionAction::Next => self.next(),
            SessionAction::Story => {
                self.reading = !self.reading;
                self.scroll.by(By::Top);
            }
            SessionAction::Back => {
                self.leaving = false;
                self.reading = false;
                self.scroll.by(By::Top);
            }
            SessionAction::Line(direction) => self.scroll.by(By::Line(direction)),
            SessionAction::Page(direction) => self.scroll.by(By::Page(direction)),
            other => self.answer(&other),
        }
        false
    }

    fn begin(&mut self, kind: ExerciseKind) {
        self.kind = kind;
        self.at = 0;
        self.open_card();
    }

    fn open_card(&mut self) {
        (self.reading, self.shown) = (false, self.now);
        self.scroll.by(By::Top);
        let Some(card) = self.setup.cards.get(self.at) else {
            self.phase = Phase::Score;
            return;
        };
        self.phase = Phase::Card;
        let rules = &self.setup.loaded.rules;
        let now = card.moment(rules, self.setup.day);
        self.app = fresh_app(&self.setup.loaded, self.setup.lang, self.setup.home, now);
        // Facts without a key are set from outside, as in a real call.
        for fact in (0..rules.facts.len()).filter(|at| rules.facts[*at].key.is_none()) {
            for _ in 0..card.situation.value(fact) {
                let _ = self.app.update(Action::Fact(fact), self.app.now());
            }
        }
        self.draft = match self.kind {
            ExerciseKind::Case => Draft::Case,
            ExerciseKind::Blind => {
                let ids = (0..rules.steps.len()).filter_map(|at| rules.step_named(&rules.steps[at].id));
                let mut offered: Vec<StepIx> = ids.filter(|s| rules.step(*s).is_spoken()).collect();
                // The order of the rules file would give half of the answer away.
                Rng::new(self.setup.seed ^ (self.at as u64 + 1)).shuffle(&mut offered);
                Draft::Blind { offered, cursor: 0, chosen: Vec::new(), greeting: None, told: false }
            }
            ExerciseKind::Spoken => {
                Draft::Spoken { open: false, cursor: 0, marks: vec![None; card.spoken(rules).len()] }
            }
        };
    }

    fn answer(&mut self, action: &SessionAction) {
        let greetings = self.setup.loaded.rules.greetings.rows().len();
        match &mut self.draft {
            Draft::Case => {}
            Draft::Blind { offered, cursor, chosen, greeting, told } => match action {
                SessionAction::Missing => *told = true,
                SessionAction::Cursor(Direction::Up) => *cursor = cursor.saturating_sub(1),
                SessionAction::Cursor(Direction::Down) => *cursor = (*cursor + 1).min(offered.len().saturating_sub(1)),
                SessionAction::Choose | SessionAction::ChooseAt(_) => {
                    if let SessionAction::ChooseAt(at) = action {
                        *cursor = (*at).min(offered.len().saturating_sub(1));
                    }
                    let Some(step) = offered.get(*cursor) else { return };
                    match chosen.iter().position(|s| s == step) {
                        Some(at) => drop(chosen.remove(at)),
                        None => chosen.push(*step),
                    }
                }
                SessionAction::Greeting(direction) => {
                    *greeting = Some(match (*greeting, direction) {
                        (None, Direction::Down) => 0,
                        (None, Direction::Up) => greetings - 1,
                        (Some(at), Direction::Down) => (at + 1) % greetings,
                        (Some(at), Direction::Up) => (at + greetings - 1) % greetings,
                    });
                }
                SessionAction::Undo => drop(chosen.pop()),
                _ => {}
            },
            Draft::Spoken { open, cursor, marks } => match action {
                SessionAction::Open => *open = true,
                SessionAction::Cursor(Direction::Up) => *cursor = cursor.saturating_sub(1),
                SessionAction::Cursor(Direction::Down) => *cursor = (*cursor + 1).min(marks.len().saturating_sub(1)),
                SessionAction::Mark(given) => {
                    if let Some(mark) = marks.get_mut(*cursor) {
                        *mark = Some(*given);
                        *cursor = (*cursor + 1).min(marks.len() - 1);
                    }
                }
                SessionAction::Undo => {
                    let last = marks.iter().rposition(Option::is_some);
                    if let Some(last) = last {
                        marks[last] = None;
                        *cursor = last;
                    }
                }
                _ => {}
            },
        }
    }

    /// Whether the answer can be handed in.
    pub fn is_ready(&self) -> bool {
        match &self.draft {
            Draft::Case => true,
            Draft::Blind { chosen, greeting, .. } => !chosen.is_empty() && greeting.is_some(),
            Draft::Spoken { open, marks, .. } => *open && marks.iter().all(Option::is_some),
        }
    }

    /// What is missing in an answer without the script, once Enter was pressed too early.
    pub fn missing(&self) -> Option<String> {
        let Draft::Blind { chosen, greeting, told: true, .. } = &self.draft else { return None };
        let w = &self.words().drill;
        let steps = chosen.is_empty().then_some(w.missing_steps);
        let greeting = greeting.is_none().then_some(w.missing_greeting);
        let missing: Vec<&str> = steps.into_iter().chain(greeting).collect();
        (!missing.is_empty()).then(|| missing.join(" "))
    }

    /// The draft as an answer to be graded.
    fn drafted_answer(&self) -> Answer {
        let rules = self.rules();
        match &self.draft {
            Draft::Case => {
                let call = self.app.call();
                let honorific = rules.roles.honorific.and_then(|field| match call.fields().get(field) {
                    FieldValue::Choice(choice) => Some(*choice),
                    FieldValue::Text(_) => None,
                });
                let name = rules.roles.name.map(|field| call.fields().get(field));
                let name = match name {
                    Some(FieldValue::Text(name)) => name.clone(),
                    Some(FieldValue::Choice(_)) | None => String::new(),
                };
                Answer::Case {
                    situation: call.situation().clone(),
                    zone: call.zone(),
                    honorific,
                    name,
                    said: call.spoken().iter().map(|s| s.step).collect(),
                }
            }
            Draft::Blind { chosen, greeting, .. } => Answer::Blind { steps: chosen.clone(), greeting: *greeting },
            Draft::Spoken { marks, .. } => {
                Answer::Spoken { marks: marks.iter().map(|m| m.unwrap_or(SpokenMark::Missing)).collect() }
            }
        }
    }

    fn hand_in(&mut self) {
        let Some(card) = self.setup.cards.get(self.at).filter(|_| self.phase == Phase::Card) else { return };
        let answer = self.drafted_answer();
        let grade = grade(&self.setup.loaded.rules, card, &answer);
        self.graded.push(GradedAnswer { card: self.at, answer, grade, shown: self.shown, answered: self.now });
        self.reading = false;
        self.scroll.by(By::Top);
        if self.is_exam() {
            self.at += 1;
            self.open_card();
        } else {
            self.phase = Phase::Feedback;
        }
    }

    fn next(&mut self) {
        if self.phase == Phase::Feedback {
            self.at += 1;
            self.open_card();
        }
    }

    pub fn last_graded(&self) -> Option<&GradedAnswer> {
        self.graded.last()
    }

    /// The answered cards with their answers.
    pub fn results(&self) -> impl Iterator<Item = CardResult<'_>> {
        self.graded.iter().filter_map(|done| Some((self.setup.cards.get(done.card)?, done)))
    }

    /// How many cards must be right, in an exam.
    pub fn needed(&self) -> Option<usize> {
        self.setup.exam.map(|pass| threshold::needed(pass, self.setup.cards.len()))
    }

    /// The result sheet so far.
    pub fn sheet(&self) -> Sheet {
        let rules = self.rules();
        let complete = self.graded.len() == self.setup.cards.len();
        let is_unfinished = self.is_exam() && !complete;
        let cards = self.results().map(|(card, done)| CardRow::new(rules, card, done, !is_unfinished));
        let mut sheet = Sheet {
            schema: 1,
            exam: self.is_exam(),
            trainee: self.setup.trainee.clone(),
            seed: (!is_unfinished).then_some(self.setup.seed),
            way: self.kind.code().into(),
            revision: rules.sop.revision.clone(),
            rules_sha256: self.setup.loaded.sha256().into(),
            stories_sha256: self.setup.stories_sha256.clone(),
            pass: self.setup.exam.unwrap_or(0),
            needed: self.needed().unwrap_or(0),
            count: self.setup.cards.len(),
            score: None,
            passed: false,
            complete,
            begun: moment(self.setup.now),
            ended: moment(self.now),
            not_asked: self.setup.not_asked.clone(),
            cards: cards.collect(),
        };
        sheet.judge();
        sheet
    }
}

/// A prompter with an untouched call.
pub(super) fn fresh_app(loaded: &Arc<LoadedRules>, lang: Lang, home: usize, now: DateTime<Utc>) -> App {
    App::new(AppSetup {
        loaded: Arc::clone(loaded),
        lang,
        zone: home,
        shift_facts: Vec::new(),
        notice: None,
        rules_trouble: None,
        now,
    })
}

#[cfg(test)]
pub(in crate::drill) mod testing {
    //! Sessions answered without a screen.

    use super::*;
    use crate::drill::generate::CardGenerator;
    use crate::drill::story::Stories;

    pub fn setup(loaded: &Arc<LoadedRules>, stories: &Stories, seed: u64) -> Setup {
        let generated = CardGenerator::new(&loaded.rules, stories).generate_exam(90, seed);
        let (not_asked, cards) = (generated.not_asked(&loaded.rules), generated.cards);
        Setup {
            loaded: Arc::clone(loaded),
            stories_sha256: stories.sha256.clone(),
            lang: Lang::Id,
            home: 0,
            cards,
            not_asked,
            since: None,
            seed,
            kind: None,
            exam: Some(90),
            trainee: Some("cso-1".into()),
            day: NaiveDate::from_ymd_opt(2026, 3, 2).unwrap(),
            now: "2026-03-02T01:00:00Z".parse().unwrap(),
        }
    }

    /// An exam under the built-in rules, answered right without the script.
    pub fn finished_exam(seed: u64) -> Session {
        let mut session = Session::new(setup(&Arc::new(LoadedRules::built_in()), &Stories::built_in(), seed));
        session.update(SessionAction::Begin(ExerciseKind::Blind), session.now);
        while session.phase() == Phase::Card {
            answer(&mut session, true);
        }
        session
    }

    /// Answers the open card right, or wrong.
    pub fn answer(session: &mut Session, right: bool) {
        let now = session.now;
        let card = session.card().unwrap().clone();
        let rules = session.setup.loaded.rules.clone();
        let go = |session: &mut Session, step| {
            session.update(step, now);
        };
        match session.kind() {
            ExerciseKind::Case if right => {
                for fact in 0..rules.facts.len() {
                    for _ in 0..card.situation.value(fact) {
                        go(session, SessionAction::App(Action::Fact(fact)));
                    }
                }
                while session.app().call().zone() != card.zone {
                    go(session, SessionAction::App(Action::Zone));
                }
                if let Some((field, choice)) = card.honorific {
                    (0..choice).for_each(|_| go(session, SessionAction::App(Action::Field(field))));
                }
                go(session, SessionAction::App(Action::Paste(card.person.name.as_str().into())));
                go(session, SessionAction::App(Action::Take));
                go(session, SessionAction::App(Action::SaidAll));
            }
            ExerciseKind::Case => {}
            ExerciseKind::Blind => {
                let Draft::Blind { offered, .. } = session.draft().clone() else { panic!("without the script") };
                let mut steps = card.spoken(&rules);
                if !right {
                    steps.reverse();
                }
                for step in steps {
                    go(session, SessionAction::ChooseAt(offered.iter().position(|s| *s == step).unwrap()));
                }
                (0..=card.greeting(&rules)).for_each(|_| go(session, SessionAction::Greeting(Direction::Down)));
            }
            ExerciseKind::Spoken => {
                go(session, SessionAction::Open);
                let mark = if right { SpokenMark::Exact } else { SpokenMark::Changed };
                card.spoken(&rules).iter().for_each(|_| go(session, SessionAction::Mark(mark)));
            }
        }
        assert!(session.is_ready());
        go(session, SessionAction::HandIn);
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{answer, setup};
    use super::*;
    use crate::drill::sheet::{by_fact, by_rule};
    use crate::drill::story::Stories;

    fn practice(kind: ExerciseKind) -> Session {
        let (loaded, stories) = (Arc::new(LoadedRules::built_in()), Stories::built_in());
        let mut session = Session::new(Setup { exam: None, ..setup(&loaded, &stories, 5) });
        let now = session.now;
        session.update(SessionAction::Begin(kind), now);
        session
    }

    #[test]
    fn practice_shows_feedback_after_each_card_and_records_it() {
        for kind in ExerciseKind::ALL {
            let mut session = practice(kind);
            let all = session.setup().cards.len();
            for at in 0..all {
                assert_eq!((session.phase(), session.at()), (Phase::Card, at));
                answer(&mut session, at % 2 == 0);
                assert_eq!(session.phase(), Phase::Feedback);
                assert_eq!(session.last_graded().unwrap().grade.is_right(), at % 2 == 0);
                assert!(!session.update(SessionAction::Next, session.now));
            }
            assert_eq!((session.phase(), session.sheet().right()), (Phase::Score, all.div_ceil(2)));
            assert!(session.update(SessionAction::Next, session.now));
            let sheet = session.sheet();
            assert_eq!((sheet.exam, sheet.passed, sheet.complete), (false, false, true));
            assert_eq!(by_rule(session.rules(), session.results()).iter().map(|t| t.asked).sum::<usize>(), all);
            assert_eq!(by_fact(session.rules(), session.results()).iter().map(|t| t.asked).sum::<usize>(), all * 3);
        }
    }

    #[test]
    fn an_exam_shows_no_feedback_before_its_end_and_an_aborted_one_is_not_passed() {
        let (loaded, stories) = (Arc::new(LoadedRules::built_in()), Stories::built_in());
        let mut session = Session::new(setup(&loaded, &stories, 5));
        session.update(SessionAction::Begin(ExerciseKind::Blind), session.now);
        answer(&mut session, true);
        assert_eq!((session.phase(), session.at()), (Phase::Card, 1));
        let sheet = session.sheet();
        assert_eq!((sheet.complete, sheet.passed, sheet.score, sheet.seed), (false, false, None, None));
        assert_eq!((sheet.cards.len(), sheet.count, sheet.needed), (1, 10, 9));
        assert_eq!(sheet.cards[0].expected, None, "what was answered and nothing else");
    }

    #[test]
    fn only_an_open_card_can_be_handed_in() {
        let mut session = practice(ExerciseKind::Case);
        answer(&mut session, true);
        assert!(!session.update(SessionAction::HandIn, session.now));
        assert_eq!(session.graded().len(), 1);
    }

    #[test]
    fn steps_and_marks_can_be_undone() {
        let mut session = practice(ExerciseKind::Blind);
        let now = session.now;
        for step in [
            SessionAction::Choose,
            SessionAction::Cursor(Direction::Down),
            SessionAction::Choose,
            SessionAction::Choose,
            SessionAction::Greeting(Direction::Up),
        ] {
            session.update(step, now);
        }
        let Draft::Blind { chosen, greeting, offered, .. } = session.draft().clone() else { panic!() };
        assert_eq!((chosen, greeting), (vec![offered[0]], Some(3)));
        session.update(SessionAction::Undo, now);
        assert!(!session.is_ready());
        let mut session = practice(ExerciseKind::Spoken);
        for step in [
            SessionAction::Open,
            SessionAction::Mark(SpokenMark::Exact),
            SessionAction::Mark(SpokenMark::Changed),
            SessionAction::Undo,
        ] {
            session.update(step, now);
        }
        let Draft::Spoken { marks, cursor, .. } = session.draft().clone() else { panic!() };
        assert_eq!((marks[0], marks[1], cursor), (Some(SpokenMark::Exact), None, 1));
    }
}
