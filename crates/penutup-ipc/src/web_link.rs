//! Links such as `penutup:call?event=start&nama=Siti%20Aminah`, which a browser hands to `penutup link open`. Any web page
//! can open one, so the prompter itself parses it, strictly, and decides what it may do.

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

use crate::message::MAX_PAIRS;
use crate::phone_event::{Pairs, PhoneEvent, is_key};
use penutup_rules::text::{clean, is_forbidden};

/// The scheme, in lower case. Schemes are case-insensitive (RFC 3986, 3.1).
pub const SCHEME: &str = "penutup";
/// The longest link, in bytes.
pub const MAX_LINK: usize = 2000;
/// What follows the scheme. Browsers and CRMs write a link with `//` and a path as well.
const STARTS: [&str; 3] = [":call?", "://call?", "://call/?"];
/// The key of the event, which is no fact or field.
const EVENT: &str = "event";
/// The key of the telephone system's id of the call, in a start.
const ID: &str = "id";

/// A link as the browser gave it, not parsed.
#[derive(Clone, PartialEq, Eq)]
pub struct WebLink(String);

impl std::fmt::Debug for WebLink {
    /// Omits the text: a customer's name may be in it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("WebLink").field(&self.0.len()).finish()
    }
}

/// Why nothing of a link was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkRefusal {
    /// Longer than [`MAX_LINK`].
    TooLong,
    /// It does not begin with `penutup:call?`.
    NotOurs,
    /// Not written as a URL: a character that must be encoded, a bad encoding, a fragment, or a part that is not
    /// `KEY=VALUE`.
    Malformed,
    /// It has control characters or characters that change the direction of text.
    Characters,
    /// More than [`MAX_PAIRS`] pairs.
    TooManyPairs,
    /// Its event is not `start` or `set`, or it has none or several.
    Event,
    /// It sets something that outlives the call.
    Shift,
    /// Less than a second after the link before.
    TooSoon,
    /// The call has taken as many links as a call takes.
    TooMany,
    /// It would end a call that has to be ended in the prompter.
    Running,
    /// A field is being typed.
    Field,
    /// A question is open.
    Question,
}

impl WebLink {
    #[must_use]
    pub fn new(link: String) -> Self {
        Self(link)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The event: a start or a set, with pairs whose texts are bounded and clean. Percent-encoding is decoded once.
    ///
    /// # Errors
    /// What is wrong with the link.
    pub fn event(&self) -> Result<PhoneEvent, LinkRefusal> {
        let link = &self.0;
        if link.len() > MAX_LINK {
            return Err(LinkRefusal::TooLong);
        }
        let scheme = link.get(..SCHEME.len()).filter(|scheme| scheme.eq_ignore_ascii_case(SCHEME));
        let rest = scheme.map(|scheme| &link[scheme.len()..]).ok_or(LinkRefusal::NotOurs)?;
        let query = STARTS.iter().find_map(|start| rest.strip_prefix(start)).ok_or(LinkRefusal::NotOurs)?;
        // What a URL's query can have (WHATWG: query percent-encode set). A `#` would begin a fragment and cut a name.
        if !query.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'#' | b'<' | b'>')) {
            return Err(LinkRefusal::Malformed);
        }
        let (mut event, mut id, mut pairs) = (None::<String>, None::<String>, Vec::new());
        for part in query.split('&').filter(|part| !part.is_empty()) {
            let (key, value) = part.split_once('=').ok_or(LinkRefusal::Malformed)?;
            let (key, value) = (decode(key)?, clean(&decode(value)?));
            if !is_key(&key) {
                return Err(LinkRefusal::Malformed);
            }
            let (once, twice) = match key.as_str() {
                EVENT => (&mut event, LinkRefusal::Event),
                ID => (&mut id, LinkRefusal::Malformed),
                _ => {
                    pairs.push((key, value));
                    continue;
                }
            };
            if once.replace(value).is_some() {
                return Err(twice);
            }
        }
        if pairs.len() > MAX_PAIRS {
            return Err(LinkRefusal::TooManyPairs);
        }
        match event.as_deref() {
            Some("start") => Ok(PhoneEvent::Start { id, pairs: Pairs(pairs) }),
            Some("set") => {
                // It sets no id, so the id is reported as an unknown key.
                pairs.extend(id.map(|id| (ID.to_owned(), id)));
                Ok(PhoneEvent::Set(Pairs(pairs)))
            }
            _ => Err(LinkRefusal::Event),
        }
    }
}

/// Decodes a part of a form (`+` is a space) once. Unlike browsers it accepts no `%` without two digits and no bad UTF-8.
fn decode(part: &str) -> Result<String, LinkRefusal> {
    let is_encoded = |rest: &str| rest.len() >= 2 && rest.bytes().take(2).all(|b| b.is_ascii_hexdigit());
    if !part.split('%').skip(1).all(is_encoded) {
        return Err(LinkRefusal::Malformed);
    }
    let part = part.replace('+', " ");
    let text = percent_decode_str(&part).decode_utf8().map_err(|_| LinkRefusal::Malformed)?;
    if text.chars().any(is_forbidden) {
        return Err(LinkRefusal::Characters);
    }
    Ok(text.into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use penutup_rules::text::is_invisible;

    fn event(link: &str) -> Result<PhoneEvent, LinkRefusal> {
        WebLink::new(link.into()).event()
    }

    fn hex(digit: u8) -> char {
        char::from_digit(digit.into(), 16).unwrap()
    }

    fn start(pairs: &[(&str, &str)]) -> PhoneEvent {
        let pairs = Pairs(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect());
        PhoneEvent::Start { id: None, pairs }
    }

    #[test]
    fn a_link_is_read_in_every_form_that_browsers_and_crms_write() {
        let expected = Ok(start(&[("nama", "Siti Aminah"), ("topik", "pln-mobile")]));
        for link in [
            "penutup:call?event=start&nama=Siti%20Aminah&topik=pln-mobile",
            "PENUTUP:call?nama=Siti+Aminah&event=start&topik=pln-mobile",
            "Penutup://call?&nama=Siti%20Aminah&&topik=pln%2Dmobile&event=start&",
            "penutup://call/?nama=%53iti%20Aminah&topik=pln-mobile&ev%65nt=start",
        ] {
            assert_eq!(event(link), expected, "{link}");
        }
        assert_eq!(
            event("penutup:call?event=set&nama="),
            Ok(PhoneEvent::Set(Pairs(vec![("nama".into(), String::new())])))
        );
        assert_eq!(event("penutup:call?event=start"), Ok(start(&[])));
    }

    #[test]
    fn a_start_carries_the_interaction_id() {
        let with = |id: &str, link: &str| {
            let expected =
                PhoneEvent::Start { id: Some(id.into()), pairs: Pairs(vec![("nama".into(), "Siti".into())]) };
            assert_eq!(event(link), Ok(expected), "{link}");
        };
        with("3f0c2a@pbx;x=1", "penutup:call?event=start&id=3f0c2a%40pbx;x=1&nama=Siti");
        with("7 8", "penutup:call?nama=Siti&%69d=7+8&event=start");
        // What is no id is refused by the prompter, which begins the call without it.
        with("", "penutup:call?event=start&id=&nama=Siti");
        let set = PhoneEvent::Set(Pairs(vec![("id".into(), "7".into())]));
        assert_eq!(event("penutup:call?event=set&id=7"), Ok(set), "a set has no id");
        assert_eq!(event("penutup:call?event=start&id=7&id=8"), Err(LinkRefusal::Malformed));
        assert_eq!(event("penutup:call?event=start&id=a%0Ab"), Err(LinkRefusal::Characters));
        assert_eq!(event("penutup:call?event=start&id=%E2%80%AEa"), Err(LinkRefusal::Characters));
        assert_eq!(event("penutup:call?id=7"), Err(LinkRefusal::Event));
    }

    #[test]
    fn percent_encoding_is_decoded_once() {
        for (value, text) in [
            ("%2541", "%41"),
            ("%252541", "%2541"),
            ("a%26event%3Dend", "a&event=end"),
            ("%2B+%20", "+  "),
            ("na%C3%AF", "naï"),
            ("a=b=c", "a=b=c"),
            // Invisible characters are removed, as from a telephone's name.
            ("Si%E2%80%8Bti%C2%AD", "Siti"),
        ] {
            assert_eq!(
                event(&format!("penutup:call?event=start&nama={value}")),
                Ok(start(&[("nama", text)])),
                "{value}"
            );
        }
    }

    #[test]
    fn what_is_no_link_of_ours_is_refused() {
        for link in [
            "",
            "penutup",
            "penutup:",
            "penutup:call",
            "penutup:call#event=start",
            "penutup:end?event=start",
            "penutup:CALL?event=start",
            "penutup:/call?event=start",
            "penutup:///call?event=start",
            "penutup://call//?event=start",
            "penutup://call/end?event=start",
            "penutup://user@call?event=start",
            "penutup://call:80?event=start",
            "penutup:%63all?event=start",
            " penutup:call?event=start",
            "penutup :call?event=start",
            "penutup2:call?event=start",
            "http:call?event=start",
            "https://penutup/call?event=start",
            "javascript:penutup:call?event=start",
            "--seat=x",
            "--lang=en",
            "penutüp:call?event=start",
        ] {
            assert_eq!(event(link), Err(LinkRefusal::NotOurs), "{link}");
        }
    }

    #[test]
    fn a_badly_written_link_is_refused_as_a_whole() {
        for query in [
            "event=start&nama=Siti Aminah",
            "event=start&nama=Siti\" --lang=en",
            "event=start&nama=Siti#2",
            "event=start&nama=<b>",
            "event=start&nama=naï",
            "event=start&nama=a\nb",
            "event=start&nama=a\0b",
            "event=start&nama=100%",
            "event=start&nama=%4",
            "event=start&nama=%zz",
            "event=start&nama=%%41",
            "event=start&nama=%+1",
            "event=start&nama=%ff",
            "event=start&nama=%c0%80",
            "event=start&nama=%ed%a0%80",
            "event=start&nama",
            "event=start&=Siti",
            "event=start&Siti%20Aminah=x",
            "event=start&na%00ma=x",
            "event=start&%22=x",
            "ev%C2%ADent=start",
        ] {
            let refusal = event(&format!("penutup:call?{query}")).expect_err(query);
            assert!(matches!(refusal, LinkRefusal::Malformed | LinkRefusal::Characters), "{query}: {refusal:?}");
        }
        let long_key = "k".repeat(41);
        assert_eq!(event(&format!("penutup:call?event=start&{long_key}=x")), Err(LinkRefusal::Malformed));
    }

    #[test]
    fn control_and_direction_characters_are_refused() {
        for value in
            ["%00", "a%0Ab", "a%0D%0A", "%09", "%1B[31m", "%7F", "%C2%9B31m", "%E2%80%AE", "%EF%BB%BF", "%E2%81%A6"]
        {
            let link = format!("penutup:call?event=start&nama={value}");
            assert_eq!(event(&link), Err(LinkRefusal::Characters), "{value}");
        }
    }

    #[test]
    fn only_start_and_set_are_events() {
        for query in [
            "",
            "nama=Siti",
            "event=",
            "event=end",
            "event=tick",
            "event=press",
            "event=quit",
            "event=undo",
            "event=klb",
            "event=START",
            "event=start%20",
            "event=start&event=set",
            "event=start&event=start",
            "Event=start",
            "event%20=start",
        ] {
            let refusal = event(&format!("penutup:call?{query}")).expect_err(query);
            assert!(matches!(refusal, LinkRefusal::Event | LinkRefusal::Malformed), "{query}: {refusal:?}");
        }
    }

    #[test]
    fn length_and_number_of_pairs_are_limited() {
        let of_length = |length: usize| {
            let link = "penutup:call?event=start&nama=".to_owned();
            let rest = length - link.len();
            event(&(link + &"x".repeat(rest)))
        };
        assert!(of_length(MAX_LINK).is_ok());
        assert_eq!(of_length(MAX_LINK + 1), Err(LinkRefusal::TooLong));
        assert_eq!(of_length(100_000), Err(LinkRefusal::TooLong));
        let pairs = |count: usize| event(&format!("penutup:call?event=set{}", "&k=v".repeat(count)));
        assert!(pairs(MAX_PAIRS).is_ok());
        assert_eq!(pairs(MAX_PAIRS + 1), Err(LinkRefusal::TooManyPairs));
        assert_eq!(pairs(400), Err(LinkRefusal::TooManyPairs));
    }

    #[test]
    fn debug_output_contains_no_text() {
        assert_eq!(format!("{:?}", WebLink::new("penutup:call?nama=Siti".into())), "WebLink(22)");
    }

    /// What holds for every event that a link yields.
    fn is_bounded_and_clean(event: &PhoneEvent) -> bool {
        let (PhoneEvent::Start { pairs, .. } | PhoneEvent::Set(pairs)) = event else { return false };
        let is_clean = |text: &str| text.len() <= MAX_LINK && !text.chars().any(|c| is_forbidden(c) || is_invisible(c));
        pairs.0.len() <= MAX_PAIRS && pairs.0.iter().all(|(key, value)| is_key(key) && key != EVENT && is_clean(value))
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_a_bounded_clean_start_or_set(text in any::<String>()) {
            prop_assert!(event(&text).map_or(true, |event| is_bounded_and_clean(&event)));
        }

        #[test]
        fn so_is_any_near_valid_link(
            begin in prop_oneof!["penutup:call\\?", "PeNuTuP://call/?\\?", "[a-z]{0,8}:(//)?call/?\\?"],
            parts in proptest::collection::vec(
                prop_oneof!["event=(start|set|end)", "(nama|topik|klb)=[!-~]{0,20}", "[!-~]{0,20}", "(%[0-9a-fA-F]{2}){0,6}=?(%[0-9a-fA-F]{2}){0,12}", "\\PC{0,6}=\\PC{0,6}"],
                0..40,
            ),
        ) {
            let link = begin + &parts.join("&");
            prop_assert!(event(&link).map_or(true, |event| is_bounded_and_clean(&event)), "{}", link);
        }

        #[test]
        fn every_clean_pair_survives_its_encoding(key in "[a-z-]{1,12}", value in "[a-zA-Z0-9 &=%+'\"#<>éï李]{0,40}") {
            prop_assume!(key != EVENT);
            let encoded: String = value.bytes().flat_map(|b| ['%', hex(b >> 4), hex(b & 15)]).collect();
            let link = format!("penutup:call?event=start&{key}={encoded}");
            prop_assert_eq!(event(&link), Ok(start(&[(&key, &value)])));
        }
    }
}
