//! The smallest ratatui program that draws a screen and toggles one sentence: what the prompter is measured against.
//! Space toggles, `q` leaves.

use std::io;

use ratatui::crossterm::event::{self, Event, KeyCode};
use ratatui::widgets::{Paragraph, Wrap};

const SCREEN: &str = "Salam Penutup\n\n";
const SENTENCES: [&str; 2] = [
    "Agar semua makin mudah, ayo download aplikasi New PLN Mobile di Play Store atau Apps Store,",
    "Segera update aplikasi New PLN Mobile versi terbaru untuk mendapatkan peningkatan layanan,",
];

fn main() -> io::Result<()> {
    let mut terminal = ratatui::try_init()?;
    let mut sentence = 0;
    loop {
        terminal.draw(|frame| {
            let words = Paragraph::new(format!("{SCREEN}{}", SENTENCES[sentence])).wrap(Wrap { trim: true });
            frame.render_widget(words, frame.area());
        })?;
        if let Event::Key(key) = event::read()? {
            match key.code {
                KeyCode::Char(' ') => sentence = 1 - sentence,
                KeyCode::Char('q') => break,
                _ => {}
            }
        }
    }
    ratatui::restore();
    Ok(())
}
