//! Reads standard input as lines in a thread that blocks. The length of a line is limited, so that endless input does
//! not fill the memory.

use std::io::{self, BufRead, Read as _};
use std::thread;

use crate::event::InputSender;
use crate::private::Private;

/// The longest accepted line, in bytes.
pub const LONGEST: usize = 4096;

/// A line of input without its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    Text(Private),
    TooLong,
    NotUtf8,
}

/// Starts the thread that reads.
pub fn listen(sender: InputSender<Line>) -> io::Result<()> {
    let read = move || {
        let mut input = io::stdin().lock();
        while let Ok(Some((line, is_last))) = next(&mut input) {
            if !sender.send(line) {
                return;
            }
            // A terminal reports its end (Ctrl-D) once; another read would block.
            if is_last {
                break;
            }
        }
        sender.close();
    };
    thread::Builder::new().name("input".into()).spawn(read).map(drop)
}

/// The next line, and whether the input ended within it; `None` at the end.
pub fn next(input: &mut impl BufRead) -> io::Result<Option<(Line, bool)>> {
    let mut bytes = Vec::new();
    // The line, its end of up to two bytes, and one byte too many.
    let most = u64::try_from(LONGEST + 3).unwrap_or(u64::MAX);
    input.by_ref().take(most).read_until(b'\n', &mut bytes)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    let ended = bytes.pop_if(|last| *last == b'\n').is_some();
    if !ended && bytes.len() > LONGEST {
        input.skip_until(b'\n')?;
        return Ok(Some((Line::TooLong, false)));
    }
    bytes.pop_if(|last| *last == b'\r');
    if bytes.len() > LONGEST {
        return Ok(Some((Line::TooLong, !ended)));
    }
    // Windows editors write a byte-order mark.
    let line = String::from_utf8(bytes)
        .map_or(Line::NotUtf8, |text| Line::Text(text.strip_prefix('\u{feff}').unwrap_or(&text).into()));
    Ok(Some((line, !ended)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(mut input: &[u8]) -> Vec<Line> {
        std::iter::from_fn(|| next(&mut input).expect("memory can be read")).map(|(line, _)| line).collect()
    }

    fn text(text: &str) -> Line {
        Line::Text(text.into())
    }

    #[test]
    fn lines_end_with_lf_or_crlf() {
        assert_eq!(
            all(b"k\nm\r\n\n\xef\xbb\xbfn Siti\nq"),
            [text("k"), text("m"), text(""), text("n Siti"), text("q")]
        );
        assert_eq!(all(b""), []);
    }

    #[test]
    fn an_unterminated_last_line_is_marked_as_the_last() {
        let mut input: &[u8] = b"k\nn Bu";
        assert_eq!(next(&mut input).expect("memory"), Some((text("k"), false)));
        assert_eq!(next(&mut input).expect("memory"), Some((text("n Bu"), true)));
        assert_eq!(next(&mut input).expect("memory"), None);
    }

    #[test]
    fn a_too_long_line_is_skipped_and_the_next_is_read() {
        for (length, is_long) in [(LONGEST, false), (LONGEST + 1, true), (LONGEST + 2, true), (LONGEST * 3, true)] {
            for end in ["\n", "\r\n"] {
                let line = "a".repeat(length);
                let lines = all(format!("{line}{end}k{end}").as_bytes());
                assert_eq!(lines[0] == Line::TooLong, is_long, "{length} {end:?}");
                assert_eq!(lines[1..], [text("k")], "{length} {end:?}");
            }
        }
        assert_eq!(all(b"\xffk\nm\n"), [Line::NotUtf8, text("m")]);
    }
}
