//! Parses netstrings, `<decimal length>:<bytes>,`, from a stream in arbitrary pieces. Pure and bounded: a frame that is
//! too long is skipped without being buffered.

/// The longest frame, in bytes.
pub const MAX_FRAME: usize = 64 * 1024;
/// The most digits of a length.
const MAX_DIGITS: usize = 9;

/// The stream is not netstrings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken;

/// The parser's state within a frame.
#[derive(Debug, PartialEq, Eq)]
enum At {
    Length { digits: usize, value: usize },
    Body { left: usize },
    Comma,
}

/// The parser.
#[derive(Debug)]
pub struct Reader {
    at: At,
    frame: Vec<u8>,
    /// Whether the frame is too long and skipped.
    skip: bool,
}

impl Default for Reader {
    fn default() -> Self {
        Self { at: START, frame: Vec::new(), skip: false }
    }
}

const START: At = At::Length { digits: 0, value: 0 };

impl Reader {
    /// Parses the stream's next bytes and calls `frame` with each complete frame. After an error the stream is lost.
    ///
    /// # Errors
    /// If these are not netstrings.
    pub fn push(&mut self, bytes: &[u8], mut frame: impl FnMut(&[u8])) -> Result<(), Broken> {
        let mut rest = bytes;
        while let Some((&byte, behind)) = rest.split_first() {
            match &mut self.at {
                At::Length { digits, value } => {
                    rest = behind;
                    match byte {
                        b'0'..=b'9' if *digits < MAX_DIGITS => {
                            *value = *value * 10 + usize::from(byte - b'0');
                            *digits += 1;
                        }
                        b':' if *digits > 0 => {
                            let left = *value;
                            self.skip = left > MAX_FRAME;
                            self.frame.clear();
                            self.at = if left == 0 { At::Comma } else { At::Body { left } };
                        }
                        // Line breaks between frames are ignored.
                        b'\r' | b'\n' if *digits == 0 => {}
                        _ => return Err(Broken),
                    }
                }
                At::Body { left } => {
                    let taken = rest.len().min(*left);
                    if !self.skip {
                        self.frame.extend_from_slice(&rest[..taken]);
                    }
                    *left -= taken;
                    rest = &rest[taken..];
                    if *left == 0 {
                        self.at = At::Comma;
                    }
                }
                At::Comma => {
                    if byte != b',' {
                        return Err(Broken);
                    }
                    rest = behind;
                    self.at = START;
                    if !self.skip {
                        frame(&self.frame);
                    }
                    self.frame.clear();
                }
            }
        }
        Ok(())
    }
}

/// A frame around some bytes.
pub fn frame(bytes: &[u8]) -> Vec<u8> {
    let mut out = format!("{}:", bytes.len()).into_bytes();
    out.extend_from_slice(bytes);
    out.push(b',');
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(pieces: &[&[u8]]) -> Result<Vec<Vec<u8>>, Broken> {
        let (mut reader, mut out) = (Reader::default(), Vec::new());
        for piece in pieces {
            reader.push(piece, |frame| out.push(frame.to_vec()))?;
            assert!(reader.frame.len() <= MAX_FRAME);
        }
        Ok(out)
    }

    #[test]
    fn frames_are_reassembled_from_any_pieces() {
        assert_eq!(
            read(&[b"5:hello,0:,\r\n3:a", b"b", b"c,2:x"]).unwrap(),
            [b"hello".to_vec(), vec![], b"abc".to_vec()]
        );
    }

    #[test]
    fn invalid_netstrings_are_an_error() {
        for bad in [&b"x"[..], b":", b"5:hello!", b"1234567890:", b"-1:", b" 1:a,", b"1 :a,"] {
            assert_eq!(read(&[bad]), Err(Broken), "{bad:?}");
        }
    }

    #[test]
    fn a_frame_too_long_is_passed_over() {
        let huge = frame(&vec![b'x'; MAX_FRAME + 1]);
        assert_eq!(read(&[&huge, b"1:a,"]).unwrap(), [b"a".to_vec()]);
        assert_eq!(read(&[b"999999999:", &vec![0; 1 << 20]]).unwrap(), Vec::<Vec<u8>>::new());
    }

    proptest! {
        #[test]
        fn the_reader_never_panics(pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..8)) {
            let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
            let _ = read(&pieces);
        }

        #[test]
        fn frames_survive_any_cut(frames in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..6), cut in 1usize..9) {
            let stream: Vec<u8> = frames.iter().flat_map(|f| frame(f)).collect();
            let pieces: Vec<&[u8]> = stream.chunks(cut).collect();
            prop_assert_eq!(read(&pieces).unwrap(), frames);
        }
    }
}
