//! The names of subjects and streams, for the server's configuration and for its clients.

use super::key::Key;
use super::name::Name;

/// A stream with the subjects of a key-value bucket.
pub const BROADCASTS: &str = "KV_BROADCAST";
/// The prefix of the stream's subjects.
pub const BROADCAST_PREFIX: &str = "$KV.BROADCAST.";
/// The API subject for a direct get from the stream.
pub const DIRECT_GET: &str = "$JS.API.DIRECT.GET.KV_BROADCAST";

/// A broadcast is published here.
pub fn put(key: &Key) -> String {
    format!("{BROADCAST_PREFIX}{key}")
}

/// The API subject for the newest broadcast of a key.
pub fn direct_get(key: &Key) -> String {
    format!("{DIRECT_GET}.{BROADCAST_PREFIX}{key}")
}

/// The server republishes every broadcast here. Each site's account imports it as its [`all_broadcasts`]; nobody else
/// can subscribe to it.
pub fn republished(fleet: &Name) -> String {
    format!("broadcast.{fleet}.>")
}

/// A site's seats receive a broadcast here.
pub fn broadcast(site: &Name, key: &Key) -> String {
    format!("broadcast.{site}.{key}")
}

/// A filter for the broadcasts of all keys. Each has at least two parts, the beat has one.
pub fn all_keys() -> String {
    format!("{BROADCAST_PREFIX}*.>")
}

/// The centre's beat is published here.
pub fn beat() -> String {
    format!("{BROADCAST_PREFIX}beat")
}

/// A site's seats receive the beat here.
pub fn received_beat(site: &Name) -> String {
    format!("broadcast.{site}.beat")
}

/// The API subject for the newest beat.
pub fn direct_get_beat() -> String {
    format!("{DIRECT_GET}.{}", beat())
}

/// A site's seats subscribe to this.
pub fn all_broadcasts(site: &Name) -> String {
    format!("broadcast.{site}.>")
}

/// The key of a [`broadcast`] subject of this site.
pub fn parse_broadcast(site: &Name, subject: &str) -> Option<Key> {
    subject.strip_prefix("broadcast.")?.strip_prefix(site.as_str())?.strip_prefix('.')?.parse().ok()
}

/// A seat publishes its closings here.
pub fn closing(site: &Name, seat: &Name) -> String {
    format!("closing.{site}.{seat}")
}

/// The prefix of the names of the closings' streams.
pub const CLOSINGS_PREFIX: &str = "CLOSINGS_";

/// The stream of a site's closings.
pub fn closings(site: &Name) -> String {
    format!("{CLOSINGS_PREFIX}{}", site.as_str().to_ascii_uppercase())
}

/// A seat publishes its state here.
pub fn state(site: &Name, seat: &Name) -> String {
    format!("seat.{site}.{seat}")
}

/// The stream of a site's seat states.
pub fn states(site: &Name) -> String {
    format!("SEATS_{}", site.as_str().to_ascii_uppercase())
}

/// The API subject for a direct get of a site's seat states.
pub fn states_get(site: &Name) -> String {
    format!("$JS.API.DIRECT.GET.{}", states(site))
}

/// A filter for all seat states of a site.
pub fn all_states(site: &Name) -> String {
    format!("seat.{site}.*")
}

/// A seat receives the centre's requests here.
pub fn ask(site: &Name, seat: &Name) -> String {
    format!("ask.{site}.{seat}")
}

/// The site and seat of a [`closing`] or [`state`] subject. The server lets only that seat publish there.
pub fn parse_seat(subject: &str) -> Option<(Name, Name)> {
    let mut parts = subject.split('.');
    let (Some("closing" | "seat"), Some(site), Some(seat), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    Some((Name::parse(site)?, Name::parse(seat)?))
}

/// The prefix of a seat's reply subjects; nobody else may subscribe there.
pub fn inbox(site: &Name, seat: &Name) -> String {
    format!("_INBOX_{site}_{seat}")
}

/// The prefix of any other client's reply subjects.
pub fn client_inbox(id: &Name) -> String {
    format!("_INBOX_{id}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::key::Scope;

    #[test]
    fn subjects_are_parsed_as_they_are_formatted() {
        let (site, seat) = (Name::parse("jkt").unwrap(), Name::parse("a01").unwrap());
        for key in Key::of_seat(&site, &Name::parse("jawa").unwrap()) {
            assert_eq!(parse_broadcast(&site, &broadcast(&site, &key)), Some(key));
        }
        assert_eq!(parse_broadcast(&site, "broadcast.jkt2.klb.center"), None);
        assert_eq!(parse_broadcast(&site, "broadcast.jkt.klb.other"), None);
        for subject in [closing(&site, &seat), state(&site, &seat)] {
            assert_eq!(parse_seat(&subject), Some((site.clone(), seat.clone())));
        }
        for bad in ["closing.jkt", "closing.jkt.a01.x", "other.jkt.a01", "closing.*.a01"] {
            assert_eq!(parse_seat(bad), None, "{bad}");
        }
        assert_eq!(direct_get(&Key::Klb(Scope::Center)), "$JS.API.DIRECT.GET.KV_BROADCAST.$KV.BROADCAST.klb.center");
    }
}
