//! What the banner says of a declaration: by whom, why, until when; or that it stands otherwise here.

use super::header::when;
use crate::app::App;
use crate::words::fill;

/// The parts of the banner that the centre's declaration of a fact adds.
pub fn told(app: &App, fact: usize) -> Vec<String> {
    let Some(declared) = app.declared(fact) else { return Vec::new() };
    let words = &app.words().broadcast;
    if app.differs(fact) {
        let label = &app.rules().facts[fact].label;
        return vec![fill(words.differs, &[("label", label)])];
    }
    let until = declared.until.map(|until| fill(words.until, &[("time", &moment(app, until))]));
    [declared.by.clone(), declared.why.clone(), until].into_iter().flatten().collect()
}

/// The question whether what was declared until a time that is past still holds.
pub fn expired(app: &App, fact: usize, with: &[(&str, &str)]) -> Option<String> {
    let declared = app.declared(fact).filter(|_| app.is_past_its_time(fact))?;
    let until = moment(app, declared.until?);
    let with: Vec<(&str, &str)> = with.iter().copied().chain([("until", until.as_str())]).collect();
    Some(fill(app.words().broadcast.expired, &with))
}

fn moment(app: &App, at: chrono::DateTime<chrono::Utc>) -> String {
    let (time, day) = when(app, at);
    day.map_or(time.clone(), |day| format!("{day} {time}"))
}
