//! Finds the scenes of a deck whose captions are true under the rules in use. The embedded deck was written for the
//! embedded rules, so each of its scenes is played under both: if everything that a caption can refer to is the same at
//! every step, the caption is true here too. The words of a sentence may differ, except those that a caption quotes. A
//! scene that a trainer copied unchanged is checked in the same way; an edited one is not.

use std::sync::Arc;

use chrono::NaiveDate;

use super::deck::{Deck, Scene, Set};
use super::show::{Show, ShowAction};
use crate::app::{App, Mode};
use crate::closing::Mark;
use crate::loaded::LoadedRules;
use crate::rules::RuleSet;
use crate::rules::problem::Problem;
use crate::rules::ruleset::{FieldIx, FieldKind, Scope, Step, StepIx, StepWords};
use crate::rules::script::Piece;
use crate::words::Lang;

/// A deck under the rules in use.
#[derive(Debug, Default)]
pub struct PlayableScenes {
    /// The scenes that can be shown.
    pub scenes: Vec<Scene>,
    /// The titles of the scenes whose captions would be false.
    pub left_out: Vec<String>,
    /// Names in scenes that the rules don't have.
    pub problems: Vec<Problem>,
}

/// Which scenes of a deck can be shown under these rules.
pub fn playable_scenes(deck: &Deck, loaded: &Arc<LoadedRules>, home: usize, day: NaiveDate) -> PlayableScenes {
    let (embedded, written_for) = (Deck::built_in(), Arc::new(LoadedRules::built_in()));
    let originals = embedded.resolved(&written_for.rules);
    let home_then = written_for.rules.zone_named(&loaded.rules.zones[home].id).unwrap_or(0);
    let mut out = PlayableScenes::default();
    for (at, (scene, problems)) in deck.resolved(&loaded.rules).into_iter().enumerate() {
        out.problems.extend(problems);
        let original = embedded.position_of(deck, at).and_then(|at| originals[at].0.as_ref());
        let is_true = |scene: &Scene| {
            original.is_none_or(|original| {
                snapshots(original, &written_for, home_then, day) == snapshots(scene, loaded, home, day)
            })
        };
        match scene {
            Some(scene) if is_true(&scene) => out.scenes.push(scene),
            _ => out.left_out.push(deck.scene_title(at).to_owned()),
        }
    }
    out.problems.sort_by_key(|p| (p.span.start, p.span.end));
    out
}

/// What a caption can refer to at one step.
#[derive(Debug, PartialEq, Eq)]
struct Snapshot {
    plan: Vec<(StepSnapshot, Mark)>,
    /// The step on the screen, and its note in the panel.
    shown: Option<(String, Option<String>)>,
    rule: Option<String>,
    caution: Option<String>,
    facts: Vec<String>,
    fields: Vec<String>,
    banners: Vec<String>,
    /// The facts that outlast a call: captions say that the others do not.
    lasting: Vec<String>,
    greeting: String,
    greeting_soon: Option<(u16, String)>,
    elsewhere: Option<(String, String, String)>,
    closing_mode: bool,
    /// Whether every closing ends with the sentence that this one ends with.
    ends_alike: bool,
}

/// What the screen shows of a step besides its sentence.
#[derive(Debug, PartialEq, Eq)]
struct StepSnapshot {
    title: String,
    basis: Option<String>,
    score: Vec<String>,
    /// What is filled in, in order; a blank text for words between.
    slots: Vec<String>,
}

/// What is shown at each step, and which quotations of its caption are in the sentence.
fn snapshots(scene: &Scene, loaded: &Arc<LoadedRules>, home: usize, day: NaiveDate) -> Vec<(Snapshot, Vec<bool>)> {
    let scenes = vec![scene.clone()];
    let Some(mut show) = Show::new(Arc::clone(loaded), Lang::Id, home, day, String::new(), scenes) else {
        return Vec::new();
    };
    let mut out = Vec::new();
    loop {
        let sentence = show.app().complete_sentence().to_string();
        let quoted = show.caption().split('"').skip(1).step_by(2).map(|quote| sentence.contains(quote));
        let quoted = quoted.collect();
        out.push((at_step(show.app(), scene), quoted));
        if show.is_at_end_of_scene() {
            return out;
        }
        show.update(ShowAction::Step);
    }
}

fn at_step(app: &App, scene: &Scene) -> Snapshot {
    let (rules, call) = (app.rules(), app.call());
    let rule = call.plan(rules).rule;
    let entries = app.entries().into_iter();
    let sets = || scene.steps.iter().chain([&scene.start]).flat_map(|step| &step.set);
    let facts = sets().filter_map(|set| match set {
        Set::Fact(fact, value) => Some(fact_words(rules, *fact, *value)),
        _ => None,
    });
    let fields = sets().filter_map(|set| match set {
        Set::Choice(field, _) | Set::Typed(field, _) => Some(field_words(rules, *field)),
        _ => None,
    });
    let values = rules.facts.iter().enumerate().map(|(at, fact)| &fact.values[call.situation().value(at)]);
    let lasting = rules.facts.iter().filter(|f| matches!(f.scope, Scope::Shift { .. }));
    let last = |steps: &[StepIx]| steps.iter().rfind(|s| rules.step(**s).is_spoken()).copied();
    Snapshot {
        plan: entries.map(|e| (step_snapshot(rules, rules.step(e.step)), e.mark)).collect(),
        shown: app.shown().map(|step| (rules.step(step).title.clone(), rules.step(step).note.clone())),
        rule: rule.basis.clone(),
        caution: rule.caution.clone(),
        facts: facts.collect(),
        fields: fields.collect(),
        banners: values.filter_map(|value| value.banner.clone()).collect(),
        lasting: lasting.map(|f| f.label.clone()).collect(),
        greeting: app.greeting_word().to_owned(),
        greeting_soon: app.greeting_soon().map(|(minutes, word)| (minutes, word.to_owned())),
        elsewhere: app.other_greeting().map(|(zone, time, word)| (zone.to_owned(), time.to_string(), word.to_owned())),
        closing_mode: app.mode() == &Mode::Closing,
        ends_alike: rules.rules.iter().all(|r| last(&r.steps) == last(&rule.steps)),
    }
}

fn step_snapshot(rules: &RuleSet, step: &Step) -> StepSnapshot {
    let slots = match &step.words {
        StepWords::Say(template) => template.pieces().iter().map(|piece| slot(rules, piece)).collect(),
        StepWords::Remind(_) => Vec::new(),
    };
    StepSnapshot { title: step.title.clone(), basis: step.basis.clone(), score: step.score.clone(), slots }
}

fn slot(rules: &RuleSet, piece: &Piece) -> String {
    match piece {
        // Ignores white space.
        Piece::Fixed(words) if words.trim().is_empty() => " ".into(),
        Piece::Fixed(_) => String::new(),
        Piece::Salam => "{salam}".into(),
        Piece::Field(field) => format!("{{{}}}", rules.field(*field).id),
    }
}

/// A fact that the scene sets: its label, key and value.
fn fact_words(rules: &RuleSet, fact: usize, value: usize) -> String {
    let fact = &rules.facts[fact];
    let value = &fact.values[value];
    format!("{} {:?} {} {:?} {:?}", fact.label, fact.key, value.label, value.banner, fact.scope)
}

/// A field that the scene fills: its label, key and choices.
fn field_words(rules: &RuleSet, field: FieldIx) -> String {
    let field = rules.field(field);
    let offered = match &field.kind {
        FieldKind::Choice(choices) => choices.texts().collect::<Vec<_>>().join("/"),
        // Its text while it is empty.
        FieldKind::Typed(typed) => typed.empty.clone().unwrap_or_default(),
    };
    format!("{} {:?} {offered}", field.label, field.key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loaded::Origin;

    fn left_out(parts: &[(&str, &str)]) -> Vec<String> {
        let mut source = crate::rules::BUILT_IN.to_owned();
        for (from, to) in parts {
            assert!(source.contains(from), "{from}");
            source = source.replace(from, to);
        }
        let loaded = LoadedRules::read(source.into_bytes(), Origin::BuiltIn, NaiveDate::MAX).unwrap();
        let playable =
            playable_scenes(&Deck::built_in(), &Arc::new(loaded), 0, NaiveDate::from_ymd_opt(2026, 3, 2).unwrap());
        assert_eq!(playable.scenes.len() + playable.left_out.len(), 11);
        playable.left_out
    }

    const CUSTOMARY: &str = "Panggilan biasa: Kalimat lengkap 1";
    const CLOCK: &str = "Jam pelanggan, bukan jam kita";

    #[test]
    fn a_change_that_no_caption_mentions_leaves_no_scene_out() {
        for parts in [
            &[][..],
            &[("\"Rev-1\"", "\"Rev-2\"")],
            &[("mohon tidak memberikan tambahan biaya", "mohon jangan memberi tambahan biaya")],
            &[("id    = \"kalimat-lengkap-1\"", "id    = \"baris-satu\"")],
            &[("\"download\"", "\"unduh\"")],
            &[(
                "[[field]]\nid      = \"sapaan\"",
                "[[fact]]\nid = \"jenis\"\nlabel = \"Jenis\"\nkey = \"j\"\n\
                 values = [{ id = \"a\", label = \"a\" }, { id = \"b\", label = \"b\" }]\n[[field]]\nid      = \"sapaan\"",
            )],
        ] {
            assert_eq!(left_out(parts), [""; 0], "{parts:?}");
        }
    }

    #[test]
    fn a_scene_whose_caption_would_be_false_is_left_out() {
        for (parts, title) in [
            (&[("from = \"15:00\"", "from = \"15:30\"")][..], CLOCK),
            (&[("offset = \"+09:00\"", "offset = \"+08:30\"")], CLOCK),
            (&[("id     = \"WIT\"", "id     = \"TIMUR\"")], CLOCK),
            (&[("word = \"sore\"", "word = \"petang\"")], CLOCK),
            (&[("selamat {salam}", "salam {salam}")], CLOCK),
            (&[("Ajakan DOWNLOAD New", "Ajakan UNDUH New")], CUSTOMARY),
            (&[("basis = \"Kalimat lengkap 1\"", "basis = \"Bagian 1\"")], CUSTOMARY),
            (
                &[("\"bantuan\", \"campaign\", \"download\", \"terima", "\"bantuan\", \"download\", \"terima")],
                CUSTOMARY,
            ),
            (&[("score = [\"Akurasi\", \"Salam Penutup\", \"FCR\"]", "score = [\"FCR\"]")], "Kalimat demi kalimat"),
            (&[("  \"Bapak/Ibu\",\n", "  \"Bapak / Ibu\",\n")], "Nama dan sapaan"),
            (&[("empty = \"\"", "empty = \"Pelanggan\"")], "Nama dan sapaan"),
            (&[("{sapaan} {nama}\"", "{sapaan} {nama} kami\"")], "Nama dan sapaan"),
            (&[("id      = \"sapaan\"", "id      = \"panggilan\""), ("{sapaan}", "{panggilan}")], "Nama dan sapaan"),
            (&[("key    = \"m\"", "key    = \"t\"")], "Keluhan PLN Mobile: Kalimat lengkap 2"),
            (&[("key    = \"a\"", "key    = \"t\"")], "PLN Mobile, tetapi BELUM punya"),
            (&[("id       = \"klb\"", "id       = \"darurat\""), ("klb = ", "darurat = ")], "KLB"),
            (&[(", banner = \"Campaign Integritas TIDAK disampaikan\"", "")], "KLB"),
            (&[("scope    = \"shift\"\nkeep_for = \"12h\"\n", "")], "KLB"),
            // "Always the last words": a closing that ends otherwise under KLB makes it false everywhere.
            (
                &[
                    (
                        "order  = [\"campaign\", \"download\", \"update\", \"terima-kasih\"]\nlast   = \"terima-kasih\"\n",
                        "",
                    ),
                    (
                        "[\"bantuan\", \"download\", \"customer-intimacy\", \"terima-kasih\"]",
                        "[\"bantuan\", \"customer-intimacy\", \"terima-kasih\", \"download\"]",
                    ),
                ],
                "Kalimat demi kalimat",
            ),
            (&[("exactly_one = [\"download\", \"update\"]", "always = [\"terima-kasih\"]")], "\"Sudah punya, Mbak\""),
        ] {
            let left_out = left_out(parts);
            assert!(left_out.iter().any(|t| t == title), "{parts:?}: {left_out:?}");
        }
    }

    #[test]
    fn a_copied_scene_is_checked_and_an_edited_one_is_not() {
        let source = crate::rules::BUILT_IN.replace("from = \"15:00\"", "from = \"15:30\"");
        let loaded = Arc::new(LoadedRules::read(source.into_bytes(), Origin::BuiltIn, NaiveDate::MAX).unwrap());
        let day = NaiveDate::from_ymd_opt(2026, 3, 2).unwrap();
        let titles = |deck: &str| {
            let deck = crate::drill::deck::read(deck.as_bytes()).unwrap();
            playable_scenes(&deck, &loaded, 0, day).left_out
        };
        assert_eq!(titles(super::super::deck::BUILT_IN), [CLOCK]);
        let edited = super::super::deck::BUILT_IN.replace("Tepat pukul 15.00 salamnya", "Pukul 15.30 salamnya");
        assert_eq!(titles(&edited), [""; 0]);
    }
}
