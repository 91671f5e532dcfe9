//! A presentation: scenes played on the prompter's own state. Going back replays the scene from its start, so a step
//! looks the same however it was reached. The clock is stopped where the scene set it. A scene is played at a seat in
//! the zone of its first customer, so that what a caption says of "here" is true at every seat.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::deck::{Panel, Scene, Set, Step};
use super::session::fresh_app;
use crate::action::{Action, Direction, Edit};
use crate::app::{App, Mode, Update};
use crate::loaded::LoadedRules;
use crate::message::Message;
use crate::rules::ruleset::{FieldIx, FieldKind};
use crate::scroll::{By, Scroll};
use crate::words::{Lang, Words};

/// What a key does in a presentation.
#[derive(Clone, Debug, PartialEq)]
pub enum ShowAction {
    /// The next step; behind the last, the next scene; behind the last scene, the end.
    Step,
    /// The step before; before the first, the scene before.
    StepBack,
    /// The scene before or behind.
    Scene(Direction),
    First,
    /// An action on the prompter.
    App(Action),
    /// Leave.
    Quit,
}

/// A presentation.
#[derive(Clone, Debug)]
pub struct Show {
    loaded: Arc<LoadedRules>,
    lang: Lang,
    home: usize,
    day: NaiveDate,
    title: String,
    scenes: Vec<Scene>,
    left_out: Vec<String>,
    scene: usize,
    step: usize,
    app: App,
    /// The prompter at the step before this one; `None` at the opening of a scene.
    before: Option<App>,
    /// Whether the last scene is over.
    ended: bool,
    scroll: Scroll,
    now: DateTime<Utc>,
    /// The real time of key presses; `now`, the time of the scene, is stopped.
    real_now: DateTime<Utc>,
}

impl Show {
    /// Starts with the first scene; `None` if there is none.
    pub fn new(
        loaded: Arc<LoadedRules>,
        lang: Lang,
        home: usize,
        day: NaiveDate,
        title: String,
        scenes: Vec<Scene>,
    ) -> Option<Self> {
        if scenes.is_empty() {
            return None;
        }
        let now = day.and_hms_opt(0, 0, 0)?.and_utc();
        let app = fresh_app(&loaded, lang, home, now);
        let mut show = Self {
            loaded,
            lang,
            home,
            day,
            title,
            scenes,
            left_out: Vec::new(),
            scene: 0,
            step: 0,
            app,
            before: None,
            ended: false,
            scroll: Scroll::default(),
            now,
            real_now: now,
        };
        show.play();
        Some(show)
    }

    /// Sets the titles of the scenes that are left out, since their captions would be false under these rules.
    pub fn without(mut self, left_out: Vec<String>) -> Self {
        self.left_out = left_out;
        self
    }

    /// The titles of the scenes that are left out.
    pub fn left_out(&self) -> &[String] {
        &self.left_out
    }

    pub fn words(&self) -> &'static Words {
        self.lang.words()
    }

    pub fn title(&self) -> &str {
        &self.title
    }

    /// The prompter.
    pub fn app(&self) -> &App {
        &self.app
    }

    pub fn scene(&self) -> &Scene {
        &self.scenes[self.scene]
    }

    /// Which scene, from 0, and how many.
    pub fn at(&self) -> (usize, usize) {
        (self.scene, self.scenes.len())
    }

    /// Which step of the scene, from 0 (its opening), and how many.
    pub fn step(&self) -> (usize, usize) {
        (self.step, self.scene().steps.len())
    }

    /// The caption of the current step.
    pub fn caption(&self) -> &str {
        &self.current_step().caption
    }

    /// The current step of the scene.
    pub fn current_step(&self) -> &Step {
        let scene = self.scene();
        if self.step == 0 { &scene.start } else { &scene.steps[self.step - 1] }
    }

    /// The clauses of the rule that fires and of the shown sentence.
    pub fn clause(&self) -> Option<String> {
        let (app, w) = (&self.app, &self.words().demo);
        let rules = app.rules();
        let rule = app.call().plan(rules).rule.basis.clone();
        let step = app.shown().and_then(|step| rules.step(step).basis.clone());
        match (rule, step) {
            (Some(rule), Some(step)) => Some(w.clauses(&rule, &step)),
            (Some(one), None) | (None, Some(one)) => Some(w.clause(&one)),
            (None, None) => None,
        }
    }

    /// The prompter at the step before this one; `None` at the opening of a scene.
    pub fn before(&self) -> Option<&App> {
        self.before.as_ref()
    }

    /// Whether the last scene is over and its end is shown.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// Whether Space goes to the next scene, or ends the last one.
    pub fn is_at_end_of_scene(&self) -> bool {
        self.step == self.scene().steps.len()
    }

    /// Reports that the last keys were meant for another window and were undone.
    pub fn mistyped(&mut self) {
        let effects = self.app.update(Message::Mistyped, self.now);
        self.scroll.follow(&self.app, &effects);
    }

    /// The scroll offset in lines.
    pub fn scroll(&self) -> usize {
        self.scroll.offset()
    }

    /// Sets the scroll limits that the drawing found.
    pub fn bound_scroll(&mut self, most: usize, page: usize) {
        self.scroll.bound(most, page);
    }

    /// Changes the state. Returns whether the presentation has ended.
    pub fn update(&mut self, action: ShowAction) -> bool {
        match action {
            ShowAction::Quit => return true,
            // One Space too many must not close the screen in front of a class.
            ShowAction::Step if self.ended => {}
            ShowAction::Step if self.is_at_end_of_scene() && self.scene + 1 == self.scenes.len() => self.ended = true,
            ShowAction::Step if self.is_at_end_of_scene() => self.go_to(self.scene + 1),
            ShowAction::Step => self.advance(),
            // The last step again.
            ShowAction::StepBack | ShowAction::Scene(Direction::Up) if self.ended => self.ended = false,
            ShowAction::StepBack if self.step > 0 => {
                let step = self.step - 1;
                self.play_to(step);
            }
            ShowAction::StepBack if self.scene > 0 => {
                self.scene -= 1;
                self.play_to(self.scene().steps.len());
            }
            ShowAction::StepBack => {}
            ShowAction::Scene(Direction::Down) => self.go_to(self.scene + 1),
            // First back to the beginning of this scene, as in a media player.
            ShowAction::Scene(Direction::Up) if self.step > 0 => self.play(),
            ShowAction::Scene(Direction::Up) => self.go_to(self.scene.saturating_sub(1)),
            ShowAction::First => self.go_to(0),
            ShowAction::App(action) => self.act(action),
        }
        false
    }

    fn go_to(&mut self, scene: usize) {
        if scene < self.scenes.len() {
            self.ended = false;
            self.scene = scene;
            self.play();
        }
    }

    fn play(&mut self) {
        self.play_to(0);
    }

    fn play_to(&mut self, step: usize) {
        let zone = self.scene().start.set.iter().find_map(|set| match set {
            Set::Zone(zone) => Some(*zone),
            _ => None,
        });
        self.app = fresh_app(&self.loaded, self.lang, zone.unwrap_or(self.home), self.now);
        self.scroll.by(By::Top);
        (self.step, self.before) = (0, None);
        self.apply();
        for _ in 0..step {
            self.advance();
        }
    }

    /// Goes one step further in the scene.
    fn advance(&mut self) {
        self.step += 1;
        // An open panel hides what may change.
        if self.app.mode() != &Mode::Closing {
            self.act(Action::Back);
        }
        self.before = Some(self.app.clone());
        self.apply();
    }

    fn act(&mut self, update: impl Into<Update>) {
        self.real_now += TimeDelta::seconds(2);
        // The clock moves only in a step that sets it.
        let effects = self.app.update_at(update, self.now, self.real_now);
        self.scroll.follow(&self.app, &effects);
    }

    fn apply(&mut self) {
        let step = self.current_step().clone();
        for set in step.set {
            self.set(set);
        }
        for _ in 0..step.say {
            self.act(Action::Said);
        }
        match step.show {
            Some(Panel::Basis) => self.act(Action::Panel(crate::panel::Panel::Basis)),
            Some(Panel::End) => self.act(Action::End),
            Some(Panel::Closing) | None => self.act(Message::Clock),
        }
    }

    fn set(&mut self, set: Set) {
        match set {
            Set::Fact(fact, value) => {
                while self.app.call().situation().value(fact) != value {
                    self.act(Action::Fact(fact));
                }
            }
            Set::Choice(field, choice) => {
                let FieldKind::Choice(choices) = &self.loaded.rules.field(field).kind else { return };
                let (text, count) = (choices[choice].text.clone(), choices.len());
                for _ in 0..count {
                    if self.app.call().fields().spoken(&self.loaded.rules, field) != text {
                        self.act(Action::Field(field));
                    }
                }
            }
            Set::Typed(field, text) => self.type_in(field, &text),
            Set::Zone(zone) => {
                while self.app.call().zone() != zone {
                    self.act(Action::Zone);
                }
            }
            Set::Clock(minute) => {
                let offset = self.loaded.rules.zones[self.app.call().zone()].offset.local_minus_utc();
                let midnight = self.day.and_hms_opt(0, 0, 0).unwrap_or_default().and_utc();
                self.now = midnight + TimeDelta::minutes(i64::from(minute)) - TimeDelta::seconds(i64::from(offset));
                self.act(Message::Clock);
            }
        }
    }

    /// Types a sample name, marked as a sample.
    fn type_in(&mut self, field: FieldIx, text: &str) {
        let sample = self.words().demo.sample;
        self.act(Action::Field(field));
        self.act(Action::Edit(Edit::End));
        self.act(Action::Edit(Edit::EraseAll));
        let marked = if text.contains(sample) { text.to_owned() } else { format!("{text} {sample}") };
        for c in marked.chars() {
            self.act(Action::Edit(Edit::Insert(c)));
        }
        self.act(Action::Take);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::closing::Mark;
    use crate::drill::deck::Deck;

    fn show() -> Show {
        let loaded = Arc::new(LoadedRules::built_in());
        let scenes = Deck::built_in().resolved(&loaded.rules).into_iter().filter_map(|(scene, _)| scene).collect();
        let day = NaiveDate::from_ymd_opt(2026, 3, 2).unwrap();
        Show::new(loaded, Lang::Id, 0, day, "x".into(), scenes).unwrap()
    }

    fn picture(show: &Show) -> String {
        let app = show.app();
        let call = app.call();
        format!("{:?} {:?} {:?} {}", call.situation(), app.mode(), app.local(), app.complete_sentence())
    }

    #[test]
    fn going_back_shows_the_same_screens() {
        let mut show = show();
        let mut seen = vec![picture(&show)];
        loop {
            let before = (show.at(), show.step());
            show.update(ShowAction::Step);
            if (show.at(), show.step()) == before {
                break;
            }
            seen.push(picture(&show));
        }
        assert!(seen.len() > 20 && show.has_ended(), "{}", seen.len());
        show.update(ShowAction::Step);
        assert!(show.has_ended());
        show.update(ShowAction::StepBack);
        assert!(!show.has_ended());
        while let Some(expected) = seen.pop() {
            assert_eq!(picture(&show), expected);
            show.update(ShowAction::StepBack);
        }
        assert_eq!((show.at().0, show.step().0), (0, 0));
    }

    #[test]
    fn every_rule_of_the_sop_fires_in_the_embedded_deck_and_every_name_is_a_sample() {
        let mut show = show();
        let mut fired = Vec::new();
        for _ in 0..200 {
            let rules = &show.loaded.rules;
            let rule = show.app().call().plan(rules).rule.id.clone();
            if !fired.contains(&rule) {
                fired.push(rule);
            }
            let name = rules.field_named("nama").unwrap();
            let name = show.app().fields().spoken(rules, name);
            assert!(name.is_empty() || name.ends_with("(contoh)"), "{name}");
            show.update(ShowAction::Step);
        }
        assert_eq!(fired.len(), 8, "{fired:?}");
    }

    #[test]
    fn every_scene_can_be_reached_and_a_changed_fact_lasts_for_the_step() {
        let mut show = show();
        show.update(ShowAction::Scene(Direction::Down));
        show.update(ShowAction::Step);
        show.update(ShowAction::Scene(Direction::Up));
        assert_eq!((show.at().0, show.step().0), (1, 0));
        show.update(ShowAction::App(Action::Fact(0)));
        assert_eq!(show.app().call().situation().value(0), 1);
        show.update(ShowAction::Scene(Direction::Up));
        assert_eq!((show.at().0, show.app().call().situation().value(0)), (0, 0));
        show.update(ShowAction::Scene(Direction::Up));
        assert_eq!(show.at().0, 0);
        for _ in 0..50 {
            show.update(ShowAction::Scene(Direction::Down));
        }
        assert_eq!(show.at().0 + 1, show.at().1);
        show.update(ShowAction::First);
        assert_eq!(show.at().0, 0);
        assert!(show.update(ShowAction::Quit));
    }

    /// What the prompter's state is, for a caption to be held against: `√` said, `▌` to say now, `-` overtaken.
    fn state(show: &Show) -> String {
        let (app, rules) = (show.app(), show.app().rules());
        let steps = app.entries().into_iter().filter(|e| e.mark != Mark::Reminder);
        let steps = steps.map(|e| {
            let mark = match e.mark {
                Mark::Spoken => "√",
                Mark::Current => "▌",
                Mark::Overtaken => "-",
                Mark::Upcoming | Mark::Reminder => "",
            };
            format!("{mark}{}", rules.step(e.step).id)
        });
        let mode = match app.mode() {
            Mode::Closing => String::new(),
            Mode::Panel(_) => " · D".into(),
            mode => format!(" · {mode:?}"),
        };
        let facts =
            (0..rules.facts.len()).map(|at| rules.facts[at].values[app.call().situation().value(at)].id.as_str());
        let facts: Vec<&str> = facts.collect();
        let ends = keys_that_end_a_call(app);
        let ends = if ends.is_empty() { String::new() } else { format!(" · ends: {ends}") };
        let greeting = match (app.greeting_soon(), app.other_greeting()) {
            (Some((_, soon)), _) => format!("{}, {soon} soon", app.greeting_word()),
            (None, Some((_, _, here))) => format!("{}, here {here}", app.greeting_word()),
            (None, None) => app.greeting_word().to_owned(),
        };
        let steps = steps.collect::<Vec<_>>().join(" ");
        let rule = &app.call().plan(rules).rule.id;
        format!("{} · {rule} · {steps} · {greeting}{mode}{ends}", facts.join(" "))
    }

    /// The keys that end the call of the prompter at once.
    fn keys_that_end_a_call(app: &App) -> String {
        let ends = |action: &Action| {
            let mut after = app.clone();
            let later = app.now() + TimeDelta::minutes(1);
            after.update_at(action.clone(), app.now(), later);
            after.number() > app.number()
        };
        let rows = crate::keymap::rows(app).into_iter().filter(|row| ends(&row.action));
        rows.map(|row| row.keys[0].name(app.words()).into_owned()).collect::<Vec<_>>().join(" ")
    }

    /// Each caption of the embedded deck, and the state that makes it true. Whoever
    /// changes a caption or a scene reads the two beside each other here.
    const CLAIMS: [(&str, &str); 38] = [
        (
            "Kalimat yang harus diucapkan sekarang tercetak tebal. Di kanan judulnya tertulis nomor SOP yang menjadi dasarnya.",
            "tidak lain belum-tahu · kalimat-lengkap-1 · ▌campaign download terima-kasih · pagi",
        ),
        (
            "Saat bekerja: Spasi setelah kalimatnya disampaikan. Campaign kini bertanda √, dan kalimat berikutnya yang tebal.",
            "tidak lain belum-tahu · kalimat-lengkap-1 · √campaign ▌download terima-kasih · pagi",
        ),
        (
            "Ajakan ini dinilai: jika terlewat, nilai Akurasi dan Salam Penutup berkurang dan panggilan menjadi Tidak FCR (Keterangan a).",
            "tidak lain belum-tahu · kalimat-lengkap-1 · √campaign ▌download terima-kasih · pagi",
        ),
        (
            "Ucapan terima kasih selalu menjadi kalimat terakhir (No. 3).",
            "tidak lain belum-tahu · kalimat-lengkap-1 · √campaign √download ▌terima-kasih · pagi",
        ),
        (
            "Topiknya tagihan, di luar PLN Mobile. Tiga kalimat: Campaign, ajakan DOWNLOAD, terima kasih. Itulah Kalimat lengkap 1.",
            "tidak lain belum-tahu · kalimat-lengkap-1 · ▌campaign download terima-kasih · pagi",
        ),
        (
            "Tombol D membuka dasarnya: aturan mana yang berlaku, karena kondisi apa, dan Keterangan SOP untuk kalimat ini.",
            "tidak lain belum-tahu · kalimat-lengkap-1 · ▌campaign download terima-kasih · pagi · D",
        ),
        (
            "Campaign sudah disampaikan, setelah semua urusan selesai dan bantuan lainnya ditawarkan (No. 1). Sekarang ajakan DOWNLOAD (No. 2.a).",
            "tidak lain belum-tahu · kalimat-lengkap-1 · √campaign ▌download terima-kasih · pagi",
        ),
        (
            "Ajakan juga sudah disampaikan. Yang terakhir: terima kasih dengan salam, sapaan, dan nama (No. 3).",
            "tidak lain belum-tahu · kalimat-lengkap-1 · √campaign √download ▌terima-kasih · pagi",
        ),
        (
            "Tanpa nama, kalimat berakhir pada \"Bapak/Ibu\". Tidak ada kurung kosong yang ikut terbaca.",
            "tidak lain belum-tahu · kalimat-lengkap-1 · √campaign √download ▌terima-kasih · sore",
        ),
        (
            "Begitu suaranya jelas, pilih sapaan (B). Yang bergaris bawah diisi program; selebihnya kata demi kata dari SOP.",
            "tidak lain belum-tahu · kalimat-lengkap-1 · √campaign √download ▌terima-kasih · sore",
        ),
        (
            "Nama cukup diketik sekali (N). Nama hanya ada di memori dan hilang ketika panggilan berakhir.",
            "tidak lain belum-tahu · kalimat-lengkap-1 · √campaign √download ▌terima-kasih · sore",
        ),
        (
            "Sebelum topiknya diatur, yang tampil masih kalimat panggilan biasa. Tekan Spasi dan perhatikan yang berubah.",
            "tidak lain belum-tahu · kalimat-lengkap-1 · ▌campaign download terima-kasih · siang",
        ),
        (
            "M: topiknya PLN Mobile. Campaign hilang (No. 1) dan ajakannya menjadi UPDATE (No. 2.b). Itulah Kalimat lengkap 2.",
            "tidak pln-mobile belum-tahu · kalimat-lengkap-2 · ▌update terima-kasih · siang",
        ),
        (
            "Mengapa tanpa Campaign? SOP melarangnya untuk pelanggan yang menyampaikan informasi atau keluhan PLN Mobile.",
            "tidak pln-mobile belum-tahu · kalimat-lengkap-2 · ▌update terima-kasih · siang · D",
        ),
        (
            "Aplikasi belum diatur, jadi ajakannya masih DOWNLOAD (No. 2.a). Apa yang berubah jika pelanggan TELAH punya?",
            "tidak lain belum-tahu · kalimat-lengkap-1 · ▌campaign download terima-kasih · pagi",
        ),
        (
            "A: TELAH punya. SOP bertentangan: 2.a menyebut semua di luar topik, 2.b yang TELAH punya. Dipakai 2.b: UPDATE. Campaign tetap; petugas akan datang.",
            "tidak lain telah · lain-telah · ▌campaign update terima-kasih · pagi",
        ),
        (
            "Bacaan lain dan alasannya tampil dengan tombol D. Supervisor yang memilih bacaan lain cukup mengubah satu baris aturan.",
            "tidak lain telah · lain-telah · ▌campaign update terima-kasih · pagi · D",
        ),
        (
            "Topiknya PLN Mobile, jadi UPDATE. Tetapi apakah pelanggan punya aplikasinya?",
            "tidak pln-mobile belum-tahu · kalimat-lengkap-2 · ▌update terima-kasih · pagi",
        ),
        (
            "BELUM punya: ajakannya DOWNLOAD (2.a). Aplikasi yang belum dimiliki tidak dapat di-update.",
            "tidak pln-mobile belum · pln-mobile-belum · ▌download terima-kasih · pagi",
        ),
        (
            "KLB belum diaktifkan: Campaign masih ada.",
            "tidak lain belum-tahu · kalimat-lengkap-1 · ▌campaign download terima-kasih · siang",
        ),
        (
            "K: banner tampil, Campaign TIDAK disampaikan, Customer Intimacy diingatkan. Ajakan dan terima kasih tetap (Keterangan b).",
            "ya lain belum-tahu · klb-lain · ▌download terima-kasih · siang",
        ),
        (
            "Panggilan berikutnya: KLB tetap aktif, belum ada yang diucapkan, dan kondisi lain kembali ke awal.",
            "ya lain belum-tahu · klb-lain · ▌download terima-kasih · siang",
        ),
        (
            "Di luar PLN Mobile tetapi TELAH punya, saat KLB: ajakannya UPDATE, seperti di luar KLB.",
            "ya lain telah · klb-lain-telah · ▌update terima-kasih · siang",
        ),
        (
            "KLB tidak mengubah ajakan: keluhan PLN Mobile tetap UPDATE.",
            "ya pln-mobile belum-tahu · klb-pln-mobile · ▌update terima-kasih · siang",
        ),
        (
            "Dan yang BELUM punya tetap diajak DOWNLOAD.",
            "ya pln-mobile belum · klb-pln-mobile-belum · ▌download terima-kasih · siang",
        ),
        (
            "Campaign sedang diucapkan. KLB belum diumumkan.",
            "tidak lain belum-tahu · kalimat-lengkap-1 · ▌campaign download terima-kasih · siang",
        ),
        (
            "Campaign sudah diucapkan.",
            "tidak lain belum-tahu · kalimat-lengkap-1 · √campaign ▌download terima-kasih · siang",
        ),
        (
            "KLB aktif. Campaign yang sudah diucapkan tetap bertanda √; layar tetap di kalimat pertama yang belum diucapkan.",
            "ya lain belum-tahu · klb-lain · √campaign ▌download terima-kasih · siang",
        ),
        (
            "Campaign sudah diucapkan; sekarang ajakan DOWNLOAD.",
            "tidak lain belum-tahu · kalimat-lengkap-1 · √campaign ▌download terima-kasih · malam",
        ),
        (
            "Ajakan DOWNLOAD sudah diucapkan. Baru sekarang pelanggan berkata bahwa ia sudah punya.",
            "tidak lain belum-tahu · kalimat-lengkap-1 · √campaign √download ▌terima-kasih · malam",
        ),
        (
            "A: TELAH punya. Ia tidak diajak dua kali: ajakan yang sudah diucapkan berlaku untuk keduanya.",
            "tidak lain telah · lain-telah · √campaign √download ▌terima-kasih · malam",
        ),
        (
            "Pukul 14.59 WIB: \"selamat siang\". Layar memberi tahu bahwa salam segera berganti.",
            "tidak lain belum-tahu · kalimat-lengkap-1 · √campaign √download ▌terima-kasih · siang, sore soon",
        ),
        (
            "Tepat pukul 15.00 salamnya berganti sendiri menjadi \"selamat sore\".",
            "tidak lain belum-tahu · kalimat-lengkap-1 · √campaign √download ▌terima-kasih · sore",
        ),
        (
            "Z: pelanggan di WIT. Di sana sudah pukul 17.00, dan salamnya masih sama: \"selamat sore\".",
            "tidak lain belum-tahu · kalimat-lengkap-1 · √campaign √download ▌terima-kasih · sore",
        ),
        (
            "Satu jam kemudian di sana sudah malam, di sini masih sore; layar menampilkan keduanya. Diucapkan jam pelanggan: \"selamat malam\".",
            "tidak lain belum-tahu · kalimat-lengkap-1 · √campaign √download ▌terima-kasih · malam, here sore",
        ),
        (
            "Tombol X mengakhiri panggilan. Jika ada kalimat yang belum diucapkan, layar menanyakan sebabnya satu kali.",
            "tidak lain belum-tahu · kalimat-lengkap-1 · ▌campaign download terima-kasih · malam",
        ),
        (
            "Hanya jawaban 5 yang mengurangi nilai. Jika pelanggan menutup lebih dulu, itu bukan kesalahan CSO.",
            "tidak lain belum-tahu · kalimat-lengkap-1 · ▌campaign download terima-kasih · malam · EndPrompt · ends: 1 2 3 4 5",
        ),
        (
            "Esc kembali ke panggilan. Selama ada kalimat yang belum diucapkan, tombol X bertanya dahulu. Selamat berlatih: penutup drill",
            "tidak lain belum-tahu · kalimat-lengkap-1 · ▌campaign download terima-kasih · malam",
        ),
    ];

    #[test]
    fn every_caption_is_true_of_the_state_at_its_step() {
        let mut show = show();
        let mut found = Vec::new();
        while !show.has_ended() {
            found.push((show.caption().to_owned(), state(&show)));
            show.update(ShowAction::Step);
        }
        let expected: Vec<(String, String)> = CLAIMS.map(|(caption, state)| (caption.into(), state.into())).to_vec();
        assert_eq!(found, expected);
    }
}
