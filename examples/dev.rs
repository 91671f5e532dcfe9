use penutup::{
    app::{App, Begin},
    book::Book,
    tui::run::{Clock, Outside, run},
    tui::theme::Theme,
    words::Lang,
};
use std::sync::Arc;
fn main() -> std::io::Result<()> {
    let at = std::env::var("AT").ok().map(|t| t.parse::<chrono::DateTime<chrono::Utc>>().unwrap());
    let clock = at.map_or(Clock::default(), Clock::starting_at);
    let theme = std::env::var("THEME").ok().and_then(|t| Theme::from_name(&t)).unwrap_or_default();
    let mut app = App::new(Begin {
        book: Arc::new(Book::built_in()),
        lang: Lang::Id,
        zone: 0,
        held: vec![],
        notice: None,
        rules_trouble: None,
        now: clock.now(),
    });
    run(&mut app, theme, clock, Outside { keep: Box::new(|_| Ok(())), rules: None })
}
