//! What the screen says of the centre: in the banner, of a declaration, by whom, why, until when, or that it stands
//! otherwise here; beside the clock, since when the centre is not heard.

use super::header::when;
use super::wrap::shorten;
use crate::action::agent::CentreLink;
use crate::app::App;
use crate::words::fill;

/// The parts of the banner that the centre's declaration of a fact adds; who and why in so many columns each at the most.
pub fn told(app: &App, fact: usize, most: usize) -> Vec<String> {
    let Some(declared) = app.declared(fact) else { return Vec::new() };
    let words = &app.words().broadcast;
    if app.differs(fact) {
        let label = &app.rules().facts[fact].label;
        return vec![fill(words.differs, &[("label", label)])];
    }
    let until = declared.until.map(|until| fill(words.until, &[("time", &moment(app, until))]));
    let short = |text: &Option<String>| text.as_ref().map(|text| shorten(text, most));
    [short(&declared.by), short(&declared.why), until].into_iter().flatten().collect()
}

/// The question whether what was declared until a time that is past still holds.
pub fn expired(app: &App, fact: usize, with: &[(&str, &str)]) -> Option<String> {
    let declared = app.declared(fact).filter(|_| app.is_past_its_time(fact))?;
    let until = moment(app, declared.until?);
    let with: Vec<(&str, &str)> = with.iter().copied().chain([("until", until.as_str())]).collect();
    Some(fill(app.words().broadcast.expired, &with))
}

/// What is wrong with the way to the centre and since when: in words, shorter, and in a word without its time. `None`
/// where nothing is.
pub fn link(app: &App) -> Option<[String; 3]> {
    let words = &app.words().broadcast;
    let (since, texts) = match app.centre_link()? {
        CentreLink::Up => return None,
        CentreLink::Down(since) => (since, [words.link_down, words.link_down_short, words.link_down_word]),
        CentreLink::Gone(since) => (since, [words.agent_gone, words.agent_gone_short, words.agent_gone_word]),
    };
    Some(texts.map(|text| fill(text, &[("time", &moment(app, since))])))
}

fn moment(app: &App, at: chrono::DateTime<chrono::Utc>) -> String {
    let (time, day) = when(app, at);
    day.map_or(time.clone(), |day| format!("{day} {time}"))
}
