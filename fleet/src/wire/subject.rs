//! The subjects and streams, in one place. Whoever configures the server and whoever speaks over it agree here.

use super::key::Key;
use super::name::Name;

/// The stream of broadcasts, with the subjects of a key-value bucket.
pub const BROADCASTS: &str = "KV_BROADCAST";
/// What the subjects of [`BROADCASTS`] begin with.
pub const BROADCAST_PREFIX: &str = "$KV.BROADCAST.";
/// What the subjects for one direct get of the last broadcast of a key begin with.
pub const DIRECT_GET: &str = "$JS.API.DIRECT.GET.KV_BROADCAST";

/// Where a broadcast is written.
#[must_use]
pub fn put(key: &Key) -> String {
    format!("{BROADCAST_PREFIX}{key}")
}

/// Where the present broadcast of a key is asked for.
#[must_use]
pub fn direct_get(key: &Key) -> String {
    format!("{DIRECT_GET}.{BROADCAST_PREFIX}{key}")
}

/// Where the server says every broadcast again, once for all. Each site's account imports it as its own
/// [`heard_all`]; nobody else hears it.
#[must_use]
pub fn republished(fleet: &Name) -> String {
    format!("broadcast.{fleet}.>")
}

/// Where a site's seats hear a broadcast.
#[must_use]
pub fn heard(site: &Name, key: &Key) -> String {
    format!("broadcast.{site}.{key}")
}

/// Where a site's seats hear every broadcast.
#[must_use]
pub fn heard_all(site: &Name) -> String {
    format!("broadcast.{site}.>")
}

/// The key of a subject that a broadcast of this site came on.
#[must_use]
pub fn heard_key(site: &Name, subject: &str) -> Option<Key> {
    subject.strip_prefix("broadcast.")?.strip_prefix(site.as_str())?.strip_prefix('.')?.parse().ok()
}

/// Where a seat's closings go.
#[must_use]
pub fn closing(site: &Name, seat: &Name) -> String {
    format!("closing.{site}.{seat}")
}

/// The stream of a site's closings.
#[must_use]
pub fn closings(site: &Name) -> String {
    format!("CLOSINGS_{}", site.as_str().to_ascii_uppercase())
}

/// Where a seat says how it is.
#[must_use]
pub fn state(site: &Name, seat: &Name) -> String {
    format!("seat.{site}.{seat}")
}

/// The stream of what a site's seats last said of themselves.
#[must_use]
pub fn states(site: &Name) -> String {
    format!("SEATS_{}", site.as_str().to_ascii_uppercase())
}

/// Where a seat is asked to send again.
#[must_use]
pub fn ask(site: &Name, seat: &Name) -> String {
    format!("ask.{site}.{seat}")
}

/// The site and the seat of a subject of closings or states; the server has seen to it that nobody else spoke there.
#[must_use]
pub fn site_and_seat(subject: &str) -> Option<(Name, Name)> {
    let mut parts = subject.split('.');
    let (Some("closing" | "seat"), Some(site), Some(seat), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    Some((Name::parse(site)?, Name::parse(seat)?))
}

/// What a seat's inboxes begin with: nobody else may listen there.
#[must_use]
pub fn inbox(site: &Name, seat: &Name) -> String {
    format!("_INBOX_{site}_{seat}")
}

/// What the inboxes of anybody else begin with.
#[must_use]
pub fn own_inbox(id: &Name) -> String {
    format!("_INBOX_{id}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::key::Scope;

    #[test]
    fn subjects_are_read_as_they_are_written() {
        let (site, seat) = (Name::parse("jkt").unwrap(), Name::parse("a01").unwrap());
        for key in Key::of_seat(&site, &Name::parse("jawa").unwrap()) {
            assert_eq!(heard_key(&site, &heard(&site, &key)), Some(key));
        }
        assert_eq!(heard_key(&site, "broadcast.jkt2.klb.center"), None);
        assert_eq!(heard_key(&site, "broadcast.jkt.klb.other"), None);
        for subject in [closing(&site, &seat), state(&site, &seat)] {
            assert_eq!(site_and_seat(&subject), Some((site.clone(), seat.clone())));
        }
        for bad in ["closing.jkt", "closing.jkt.a01.x", "other.jkt.a01", "closing.*.a01"] {
            assert_eq!(site_and_seat(bad), None, "{bad}");
        }
        assert_eq!(direct_get(&Key::Klb(Scope::Center)), "$JS.API.DIRECT.GET.KV_BROADCAST.$KV.BROADCAST.klb.center");
    }
}
