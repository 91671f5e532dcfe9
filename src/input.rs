//! Turns a terminal's input into a person's. Bytes and the times at which they were read go in, keys and pastes come
//! out: [`parser`] splits the bytes into keys and the terminal's own reports, [`pace`] distinguishes typing from text
//! that arrives faster than anybody types, and a key being repeated from one pressed again, and [`mistyped`] detects
//! letters meant for another window. All of this is pure: time is an argument. [`source`] reads.
//!
//! A key is emitted at once. If later input shows that it was not a key press (the third character of a text that
//! nobody typed, the third event of a repeating key), [`Input::Retract`] undoes it: so no key is delayed, and nothing
//! unintended remains.

#[cfg(windows)]
pub mod console;
pub mod hold;
pub mod mistyped;
pub mod pace;
pub mod parser;
pub mod report;
pub mod source;

use std::time::{Duration, Instant};

use crate::keymap::Key;
use crate::private::Private;
use pace::Pace;
use parser::Parser;

/// An action of a person, or a terminal's reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A key was pressed.
    Key {
        key: Key,
        /// When it was read.
        at: Instant,
        /// Whether this is a repeat of a key that is still down.
        repeat: bool,
        /// For how long after `at` it may still be retracted.
        settles: Duration,
    },
    /// The keys read at or after this time were not key presses.
    Retract {
        /// The time of the first of them.
        since: Instant,
        /// Whether they were repeats of one key, which are not retracted while a text is edited.
        held: bool,
    },
    /// A text was pasted, with the terminal's markers.
    Paste(Private),
    /// A text that arrived at once without markers: a paste, or keys that a busy machine delivered together.
    Burst(Private),
    /// The terminal replied to a query.
    TerminalReply(TerminalReply),
    /// The window was resized.
    Resize,
}

/// A terminal's reply about its capabilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TerminalReply {
    /// It supports the kitty keyboard protocol, which reports press, repeat and release of every key.
    Keyboard,
    /// The colour of its background, red, green and blue.
    Background([u8; 3]),
}

/// A key as a terminal reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Pressed or repeated: most terminals do not distinguish them.
    Down,
    /// Repeated.
    Repeat,
    Release,
}

/// One item that a terminal sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// A key. Tab and line feed, which are text in a paste and are otherwise ignored, are `Char`s here.
    Key(Key, Kind),
    /// A key without a meaning here.
    Other,
    /// The end of a terminal's string whose beginning was not seen.
    StringEnd,
    /// A paste with markers.
    Paste(Private),
    /// The terminal replied.
    TerminalReply(TerminalReply),
}

/// The longest paste in bytes; a name is in its first line.
pub const LONGEST_PASTE: usize = 4096;

/// The pipeline: bytes in any pieces, and pauses → inputs.
#[derive(Debug, Default)]
pub struct Stage {
    parser: Parser,
    pace: Pace,
}

impl Stage {
    /// Bytes were read at this moment.
    ///
    /// A deadline that passed while these bytes were unread does not count: a busy machine reads late what arrived in
    /// time. A caller that waited without input calls [`Stage::pause`].
    pub fn bytes(&mut self, bytes: &[u8], at: Instant) -> Vec<Input> {
        let mut out = Vec::new();
        for byte in bytes {
            self.parser.byte(*byte, at, &mut |token| self.pace.token(token, at, &mut out));
        }
        out
    }

    /// A console event instead of bytes.
    pub fn token(&mut self, token: Token, at: Instant) -> Vec<Input> {
        let mut out = Vec::new();
        self.pace.token(token, at, &mut out);
        out
    }

    /// When [`Stage::pause`] is due if nothing is read until then; `None` if nothing is pending.
    pub fn deadline(&self) -> Option<Instant> {
        [self.parser.deadline(), self.pace.deadline()].into_iter().flatten().min()
    }

    /// Nothing was read until this time.
    pub fn pause(&mut self, now: Instant) -> Vec<Input> {
        let mut out = Vec::new();
        if self.parser.deadline().is_some_and(|end| end <= now) {
            self.parser.end(&mut |token| self.pace.token(token, now, &mut out));
        }
        self.pace.pause(now, &mut out);
        out
    }
}

/// The text cut to the longest paste, between characters.
pub fn bounded(bytes: &[u8]) -> Private {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(LONGEST_PASTE)]);
    // A character cut in two at the end.
    text.trim_end_matches('\u{fffd}').into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use parser::{ESCAPE, SILENCE};

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// The inputs from bytes read at these times, after a final pause.
    fn read(pieces: &[(&[u8], u64)]) -> Vec<Input> {
        let start = Instant::now();
        let (mut stage, mut out, mut now) = (Stage::default(), Vec::new(), start);
        for (bytes, gap) in pieces {
            wait(&mut stage, now + ms(*gap), &mut out);
            now += ms(*gap);
            out.extend(stage.bytes(bytes, now));
        }
        wait(&mut stage, now + SILENCE * 3, &mut out);
        assert_eq!(stage.deadline(), None, "nothing stays pending");
        out
    }

    /// Nothing is read until this time.
    fn wait(stage: &mut Stage, until: Instant, out: &mut Vec<Input>) {
        while let Some(end) = stage.deadline().filter(|end| *end <= until) {
            out.extend(stage.pause(end));
        }
    }

    /// The inputs that remain without the retracted ones: keys as in the tests of the screen, pastes in quotes.
    fn settled(inputs: &[Input]) -> String {
        let mut out: Vec<(Option<Instant>, String)> = Vec::new();
        for input in inputs {
            match input {
                Input::Key { repeat: true, .. } => {}
                Input::Key { key, at, .. } => out.push((Some(*at), name(*key))),
                Input::Retract { since, .. } => out.retain(|(at, _)| at.is_none_or(|at| at < *since)),
                Input::Paste(text) | Input::Burst(text) => out.push((None, format!("{:?}", &**text))),
                Input::TerminalReply(answer) => out.push((None, format!("{answer:?}"))),
                Input::Resize => unreachable!("no byte says so"),
            }
        }
        out.into_iter().map(|(_, name)| name).collect()
    }

    fn name(key: Key) -> String {
        match key {
            Key::Char(c) => c.into(),
            Key::Ctrl(c) => format!("^{c}"),
            Key::Enter => "⏎".into(),
            Key::Backspace => "⌫".into(),
            Key::Delete => "⌦".into(),
            Key::Esc => "⎋".into(),
            Key::Up => "↑".into(),
            Key::Down => "↓".into(),
            Key::Left => "←".into(),
            Key::Right => "→".into(),
            Key::Home => "⇱".into(),
            Key::End => "⇲".into(),
            Key::PageUp => "⇞".into(),
            Key::PageDown => "⇟".into(),
        }
    }

    /// All at once.
    fn at_once(bytes: &[u8]) -> String {
        settled(&read(&[(bytes, 0)]))
    }

    /// One byte per so many milliseconds.
    fn paced(bytes: &[u8], gap: u64) -> String {
        let pieces: Vec<(&[u8], u64)> = bytes.chunks(1).map(|byte| (byte, gap)).collect();
        settled(&read(&pieces))
    }

    /// Byte streams with one meaning, and that meaning.
    const SEQUENCES: &[(&[u8], &str)] = &[
        (b"\x1b[A", "↑"),
        (b"\x1b[1;5B", "↓"),
        (b"\x1bOC", "→"),
        (b"\x1b[3~", "⌦"),
        (b"\x1b[5;1:1~", "⇞"),
        (b"\x1b[F", "⇲"),
        (b"\x1b[200~Siti Aminah\x1b[201~", "\"Siti Aminah\""),
        (b"\x1b[200~k\x1b[31mx\x1b[201~", "\"k\\u{1b}[31mx\""),
        (b"\x1b[200~\x1b[201~", "\"\""),
        ("\x1b[200~Bu Siti Nuraéni\x1b[201~".as_bytes(), "\"Bu Siti Nuraéni\""),
        // The terminal's own reports.
        (b"\x1b]11;rgb:0000/0000/0000\x1b\\", "Background([0, 0, 0])"),
        (b"\x1b]11;rgb:abab/abab/abab\x07", "Background([171, 171, 171])"),
        (b"\x1b]11;rgb:f/0/8\x07", "Background([255, 0, 136])"),
        (b"\x1b]11;rgba:ffff/ffff/ffff/ffff\x07", "Background([255, 255, 255])"),
        (b"\x1b]11;rgb:zz/00/00\x07", ""),
        (b"\x1b]11;rgb:00/00\x07", ""),
        (b"\x1b]11;rgb:00000/00/00\x07", ""),
        (b"\x1b]10;rgb:00/00/00\x07", ""),
        (b"\x1b]52;c;a21heG4gcw==\x07", ""),
        (b"\x1bP>|XTerm(390)\x1b\\", ""),
        (b"\x1bP1$r0;4m\x1b\\", ""),
        (b"\x1b_Gi=1;xamk\x1b\\", ""),
        (b"\x1b^kmax\x1b\\", ""),
        (b"\x1bXkmax\x1b\\", ""),
        (b"\x1b[?62;22c", ""),
        (b"\x1b[>41;390;0c", ""),
        (b"\x1b[12;40R", ""),
        (b"\x1b[I", ""),
        (b"\x1b[O", ""),
        (b"\x1b[<0;10;10M", ""),
        (b"\x1b[<0;10;10m", ""),
        (b"\x1b[M kx", ""),
        (b"\x1b[32;107;120M", ""),
        (b"\x1b[[A", ""),
        (b"\x1b[15~", ""),
        (b"\x1b[Z", ""),
        (b"\x1b[8;24;80t", ""),
        (b"\x1b[?2026;2$y", ""),
        (b"\x9bA", "↑"),
        ("\u{9b}A".as_bytes(), "↑"),
        (b"\x9d11;kmax\x07", ""),
        // The kitty protocol and modifyOtherKeys.
        (b"\x1b[107u", "k"),
        (b"\x1b[107;2;75u", "K"),
        (b"\x1b[107;65u", "k"),
        (b"\x1b[27u", "⎋"),
        (b"\x1b[32;1:1u", " "),
        (b"\x1b[32;1:2u", ""),
        (b"\x1b[32;1:3u", ""),
        (b"\x1b[13u", "⏎"),
        (b"\x1b[99;5u", "^c"),
        (b"\x1b[120;3u", ""),
        (b"\x1b[57441;2u", ""),
        (b"\x1b[57414u", "⏎"),
        (b"\x1b[1;1:3A", ""),
        (b"\x1b[0;;229u", "å"),
        (b"\x1b[27;5;99~", "^c"),
        (b"\x1b[?27u", "Keyboard"),
        (b"\x1bP1+r524742=38\x1b\\", ""),
        (b"\x1bP0+r524742\x1b\\", ""),
        ("é".as_bytes(), "é"),
    ];

    #[test]
    fn every_sequence_parses_the_same_when_split_anywhere() {
        for (bytes, meaning) in SEQUENCES {
            assert_eq!(at_once(bytes), *meaning, "{:?}", String::from_utf8_lossy(bytes));
            for cut in 1..bytes.len() {
                for gap in [0, 1, 50, 140] {
                    let result = settled(&read(&[(&bytes[..cut], 0), (&bytes[cut..], gap)]));
                    assert_eq!(result, *meaning, "{:?} cut at {cut}, {gap} ms", String::from_utf8_lossy(bytes));
                }
            }
        }
    }

    #[test]
    fn every_sequence_parses_the_same_at_every_pace() {
        for (bytes, meaning) in SEQUENCES {
            for gap in [1, 2, 5, 10, 19, 21, 50, 100, 140] {
                assert_eq!(paced(bytes, gap), *meaning, "{:?} at {gap} ms a byte", String::from_utf8_lossy(bytes));
            }
        }
    }

    #[test]
    fn consecutive_sequences_parse_independently() {
        for (first, one) in SEQUENCES {
            for (second, other) in SEQUENCES {
                // The same key twice at once is a repeat.
                if one == other && !one.is_empty() || *first == b"\x1b[32;1:2u" && *other == " " {
                    continue;
                }
                let both = [*first, *second].concat();
                assert_eq!(at_once(&both), format!("{one}{other}"), "{:?}", String::from_utf8_lossy(&both));
            }
        }
    }

    #[test]
    fn a_late_read_does_not_split_a_sequence() {
        // Read late, without a pause with nothing to read.
        let (mut stage, start) = (Stage::default(), Instant::now());
        let mut out = stage.bytes(b"\x1b", start);
        out.extend(stage.bytes(b"[A", start + ms(900)));
        assert_eq!(settled(&out), "↑");
    }

    #[test]
    fn esc_is_recognised_after_a_short_wait_or_before_a_quick_key() {
        let mut stage = Stage::default();
        let start = Instant::now();
        assert_eq!(stage.bytes(b"\x1b", start), []);
        assert_eq!(stage.deadline(), Some(start + ESCAPE));
        assert_eq!(settled(&stage.pause(start + ESCAPE)), "⎋");
        for gap in [0, 1, 50, 200] {
            assert_eq!(settled(&read(&[(b"\x1b", 0), (b"k", gap)])), "⎋k", "{gap}");
            assert_eq!(settled(&read(&[(b"\x1b", 0), (b"\r", gap)])), "⎋⏎", "{gap}");
            assert_eq!(settled(&read(&[(b"\x1b", 0), (b"\x03", gap)])), "⎋^c", "{gap}");
        }
        assert_eq!(at_once(b"\x1b\x1b[A"), "⎋↑");
    }

    /// Where the terminal reports keys unambiguously, Esc needs no wait.
    #[test]
    fn a_reported_esc_is_esc_at_once() {
        let mut stage = Stage::default();
        assert_eq!(settled(&stage.bytes(b"\x1b[27u", Instant::now())), "⎋");
        assert_eq!(stage.deadline(), None);
    }

    #[test]
    fn a_report_that_lost_its_first_byte_gives_no_key() {
        for (bytes, meaning) in SEQUENCES.iter().filter(|(bytes, _)| bytes.starts_with(b"\x1b")) {
            // Without their first byte these leave a word or a key that can't be distinguished from a typed one.
            let is_text = ["^kmax", "Xkmax"].iter().any(|text| bytes[1..].starts_with(text.as_bytes()));
            if bytes[1..].starts_with(b"[200~") || is_text {
                continue;
            }
            for gap in [0, 1, 2, 5, 12] {
                assert_eq!(
                    paced(&bytes[1..], gap),
                    "",
                    "{:?} at {gap} ms, was {meaning}",
                    String::from_utf8_lossy(bytes)
                );
            }
            assert_eq!(at_once(&bytes[1..]), "", "{:?}", String::from_utf8_lossy(bytes));
        }
        for text in ["^kmax\x1b\\", "Xkmax\x1b\\", ">|XTerm(390)", "62;c", "0;10;10M", "a\x1b\\", "ka\x07"] {
            assert_eq!(at_once(text.as_bytes()), "", "{text:?}");
            assert_eq!(paced(text.as_bytes(), 2), "", "{text:?}");
        }
    }

    #[test]
    fn a_paste_that_lost_its_first_byte_or_its_end_is_a_paste() {
        assert_eq!(at_once(b"[200~Siti Aminah\x1b[201~"), "\"Siti Aminah\"");
        assert_eq!(paced(b"[200~Siti Aminah\x1b[201~", 2), "\"Siti Aminah\"");
        let mut stage = Stage::default();
        let start = Instant::now();
        assert_eq!(stage.bytes(b"\x1b[200~Siti", start), []);
        assert_eq!(stage.deadline(), Some(start + SILENCE));
        assert_eq!(settled(&stage.pause(start + SILENCE)), "\"Siti\"");
        assert_eq!(settled(&stage.bytes(b"\x03", start + SILENCE * 2)), "^c", "later keys still work");
    }

    #[test]
    fn text_that_nobody_typed_is_a_paste_at_any_speed_of_a_machine() {
        for gap in [0, 1, 2, 5, 12, 20, 30, 35] {
            assert_eq!(paced(b"Bu Siti Qomariah", gap), "\"Bu Siti Qomariah\"", "{gap}");
            assert_eq!(paced(b"Ani", gap), "\"Ani\"", "{gap}");
            assert_eq!(paced("Nuraéni\rJl. Mawar\r".as_bytes(), gap), "\"Nuraéni\\nJl. Mawar\\n\"", "{gap}");
        }
        for gap in [36, 45, 90] {
            assert_eq!(paced(b"kma", gap), "kma", "{gap}");
        }
        assert_eq!(at_once(b"km"), "km", "two fingers");
        // A scanner or a text expander that pauses once.
        assert_eq!(settled(&read(&[(b"Bu", 0), (b" Siti", 50)])), "\"Bu Siti\"");
        assert_eq!(settled(&read(&[(b"Siti", 0), (b" Aminah", 100)])), "\"Siti Aminah\"");
        assert_eq!(settled(&read(&[(b"Siti", 0), (b"k", 400)])), "\"Siti\"k");
    }

    #[test]
    fn a_held_key_is_one_press() {
        for key in [b" ", b"\r", b"a", b"\x7f"] {
            for (delay, gap) in [(500, 20), (500, 50), (250, 33), (1000, 92), (660, 40)] {
                let mut events: Vec<(&[u8], u64)> = vec![(key, 0), (key, delay)];
                events.extend(std::iter::repeat_n((&key[..], gap), 20));
                assert_eq!(settled(&read(&events)).chars().count(), 1, "{key:?} {delay} {gap}");
            }
        }
        // Reported by the terminal.
        let held: Vec<(&[u8], u64)> =
            vec![(b"\x1b[32u", 0), (b"\x1b[32;1:2u", 500), (b"\x1b[32;1:2u", 400), (b"\x1b[32;1:3u", 9)];
        assert_eq!(settled(&read(&held)), " ");
        assert_eq!(at_once(&b" ".repeat(10_000)), " ");
    }

    /// A caller that wants a repeating arrow key sees each repeat.
    #[test]
    fn the_repeats_of_a_held_arrow_are_final() {
        let held: Vec<(&[u8], u64)> = vec![(b"\x1b[A", 0), (b"\x1b[A", 500), (b"\x1b[A", 33), (b"\x1b[A", 33)];
        let inputs = read(&held);
        let repeats = inputs.iter().filter(|input| matches!(input, Input::Key { repeat: true, .. })).count();
        assert_eq!((repeats, settled(&inputs)), (2, "↑".into()), "{inputs:?}");
    }

    /// A busy machine reads at once what was typed in sequence.
    #[test]
    fn a_held_key_and_another_at_once_are_two_keys() {
        assert_eq!(at_once(b"    k"), " k");
        assert_eq!(at_once(b" \r\r\r"), " ⏎");
        assert_eq!(at_once(b"Ann"), "\"Ann\"");
    }

    #[test]
    fn unterminated_input_is_bounded_in_memory() {
        let mut stage = Stage::default();
        let (mut now, mut inputs) = (Instant::now(), 0);
        for bytes in [&b"\x1b]0;"[..], b"\x1b[200~", b"\x1b[", b"kxma", b"\x1bP1+r"] {
            stage.bytes(bytes, now);
            for _ in 0..1000 {
                now += ms(1);
                inputs += stage.bytes(&[b'1'; 1000], now).len();
            }
            assert!(stage.parser.pending() + stage.pace.pending() < 10_000, "{bytes:?}");
            now += SILENCE;
            inputs += stage.pause(now).len();
            inputs += stage.pause(now + SILENCE).len();
            now += SILENCE * 2;
        }
        assert!(inputs < 20, "{inputs}");
    }

    #[test]
    fn a_huge_paste_is_bounded_at_a_character() {
        let text = format!("\x1b[200~{}\x1b[201~k", "é".repeat(10_000));
        let inputs = read(&[(text.as_bytes(), 0)]);
        let [Input::Paste(text) | Input::Burst(text), Input::Key { key: Key::Char('k'), .. }] = &inputs[..] else {
            panic!("{inputs:?}")
        };
        assert!(text.len() <= LONGEST_PASTE && text.chars().all(|c| c == 'é'), "{}", text.len());
    }

    /// The keys in the bytes: what a person may have pressed.
    fn keys_in(bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes).chars().collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        /// For any input at any pace: no panic, everything settles, and no character becomes a key that was not sent.
        #[test]
        fn any_bytes_at_any_pace(pieces in proptest::collection::vec((proptest::collection::vec(any::<u8>(), 0..12), 0..1500u64), 0..40)) {
            let pieces: Vec<(&[u8], u64)> = pieces.iter().map(|(bytes, gap)| (&bytes[..], *gap)).collect();
            let all: Vec<u8> = pieces.iter().flat_map(|(bytes, _)| bytes.iter().copied()).collect();
            let sent = keys_in(&all);
            for input in read(&pieces) {
                if let Input::Key { key: Key::Char(c), .. } = input {
                    // A numeric sequence may encode any key.
                    prop_assert!(sent.contains(c) || all.contains(&b'['), "{c:?} was not sent");
                }
            }
        }

        /// For a terminal's reports between a person's keys, in any pieces: only the keys remain.
        #[test]
        fn reports_between_keys_leave_the_keys(
            parts in proptest::collection::vec((0..SEQUENCES.len(), "[kmd]", 200..900u64), 1..12),
            cuts in proptest::collection::vec((1..40usize, 0..19u64), 1..30),
        ) {
            let reports: Vec<&[u8]> = SEQUENCES.iter().filter(|(_, meaning)| meaning.is_empty()).map(|(bytes, _)| *bytes).collect();
            let mut pieces: Vec<(&[u8], u64)> = Vec::new();
            let mut cuts = cuts.iter().cycle();
            let mut wanted = String::new();
            let mut last = String::new();
            for (report, key, gap) in &parts {
                let mut rest = reports[report % reports.len()];
                let mut wait = 0;
                while !rest.is_empty() {
                    let (cut, next) = cuts.next().unwrap();
                    let (piece, after) = rest.split_at((*cut).min(rest.len()));
                    pieces.push((piece, wait));
                    (rest, wait) = (after, *next);
                }
                pieces.push((key.as_bytes(), *gap));
                // The same key soon after may be a repeat, which this test is not about.
                if *key == last {
                    pieces.pop();
                } else {
                    wanted.push_str(key);
                }
                last.clone_from(key);
            }
            prop_assert_eq!(settled(&read(&pieces)), wanted);
        }
    }
}
