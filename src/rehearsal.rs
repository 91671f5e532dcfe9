//! Tries new rules before a prompter uses them: generates their sentences and draws their screens off-screen. `check`
//! proves that rules are sound; this finds a panic of our own code, in the thread that loads the rules instead of in
//! the middle of a call.

use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use crate::action::Action;
use crate::app::App;
use crate::app::AppSetup;
use crate::files::shown_path;
use crate::helper;
use crate::loaded::LoadedRules;

use crate::panel::Panel;
use crate::rules::decide::{Situation, decide};
use crate::rules::script::{Fields, script};
use crate::rules::text::clean;
use crate::tui::offscreen::draw_at_all_sizes;
use crate::words::{Lang, Words};

/// The most rules whose screens are drawn; the sentences of all are generated.
const MOST_DRAWN: usize = 50;
/// The most zones in which the first screen is drawn.
const MOST_ZONES: usize = 8;

/// Tries these rules.
///
/// # Errors
/// The message of a panic.
pub fn rehearse(loaded: &Arc<LoadedRules>, lang: Lang) -> Result<(), String> {
    attempt(|| {
        generate_scripts(loaded);
        draw_screens(loaded, lang);
    })
}

/// Runs `try_out` and returns the message of a panic as an error.
fn attempt(try_out: impl FnOnce()) -> Result<(), String> {
    helper::catch(try_out).map_err(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
    })
}

/// The line for rules that caused a panic.
pub fn untried(path: Option<&Path>, panic: &str, words: &Words) -> String {
    let file = path.map(shown_path).unwrap_or_default();
    words.notice.rules_panic(&file, clean(panic))
}

/// Generates the sentences of one situation of each rule, with each greeting.
fn generate_scripts(loaded: &LoadedRules) {
    let (rules, space) = (&loaded.rules, loaded.rules.space());
    let fields = Fields::default_of(rules);
    for rule in &rules.rules {
        let Some(situation) = Situation::new(rules, rule.when.example(&space)) else { continue };
        for greeting in rules.greetings.rows() {
            let _ = script(rules, decide(rules, &situation), &fields, &greeting.word);
        }
    }
}

fn draw_screens(loaded: &Arc<LoadedRules>, lang: Lang) {
    let rules = &loaded.rules;
    let space = rules.space();
    let mut now: DateTime<Utc> = DateTime::UNIX_EPOCH;
    for zone in 0..rules.zones.len().min(MOST_ZONES) {
        let begin = || AppSetup {
            loaded: Arc::clone(loaded),
            lang,
            zone,
            shift_facts: Vec::new(),
            notice: None,
            rules_trouble: None,
            now: DateTime::UNIX_EPOCH,
        };
        // The first screen is drawn in every zone, the rules in one.
        draw_at_all_sizes(&App::new(begin()));
        if zone > 0 {
            continue;
        }
        for rule in rules.rules.iter().take(MOST_DRAWN) {
            let mut app = App::new(begin());
            for (fact, value) in rule.when.example(&space).into_iter().enumerate() {
                for _ in 0..value {
                    let _ = app.update(Action::Fact(fact), now);
                }
            }
            draw_at_all_sizes(&app);
            for action in
                [Action::Panel(Panel::Basis), Action::Panel(Panel::Help), Action::Back, Action::Said, Action::End]
            {
                now += TimeDelta::seconds(5);
                let _ = app.update(action, now);
                draw_at_all_sizes(&app);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_rules_cause_no_panic() {
        assert_eq!(rehearse(&Arc::new(LoadedRules::built_in()), Lang::Id), Ok(()));
    }

    #[test]
    fn a_panic_is_an_error_with_its_message() {
        assert_eq!(attempt(|| panic!("column {}", 7)), Err("column 7".into()));
        assert_eq!(attempt(|| panic!("plain")), Err("plain".into()));
    }
}
