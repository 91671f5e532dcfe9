//! Any bytes as what comes from outside: a message on the local socket, the telephone's or the fleet agent's, baresip's stream in any pieces, the centre's
//! file, a link of a web page. Nothing panics, what is read is bounded, and what a message sets reaches the screen clean.

#![no_main]

use libfuzzer_sys::fuzz_target;
use penutup::declaration::Declaration;
use penutup::rules::text::is_forbidden;
use penutup::softphone::baresip::{Calls, display_name};
use penutup_ipc::message::{Command, MAX_LINE, MAX_PAIRS, parse, to_line};
use penutup_ipc::phone_event::{PhoneEvent, is_key};
use penutup_ipc::web_link::WebLink;
use penutup::softphone::netstring::{MAX_FRAME, Reader};

fn is_clean(broadcast: &Declaration) {
    let texts = [&broadcast.by, &broadcast.why, &broadcast.value, &Some(broadcast.fact.clone())];
    assert!(texts.into_iter().flatten().all(|text| !text.chars().any(is_forbidden)));
}

fn is_start_or_set(link: &WebLink) {
    if let Ok(event) = link.event() {
        assert!(!matches!(event, PhoneEvent::End { .. }));
        let pairs = &event.pairs().expect("pairs").0;
        assert!(pairs.len() <= MAX_PAIRS && pairs.iter().all(|(key, value)| is_key(key) && !value.chars().any(is_forbidden)));
    }
}

fuzz_target!(|bytes: &[u8]| {
    if let Ok(message) = parse(bytes) {
        assert!(bytes.len() <= MAX_LINE);
        let line = to_line(&message);
        if line.len() <= MAX_LINE {
            assert_eq!(parse(&line).as_ref(), Ok(&message), "what is written is read");
        }
        match &message {
            Command::Klb(klb) => is_clean(klb),
            Command::WebLink(link) => is_start_or_set(link),
            _ => {}
        }
    }
    let (mut reader, mut calls) = (Reader::default(), Calls::default());
    for piece in bytes.chunks(bytes.first().map_or(1, |b| usize::from(*b) + 1)) {
        let sound = reader.push(piece, |frame| {
            assert!(frame.len() <= MAX_FRAME);
            let _ = calls.event(frame);
        });
        if sound.is_err() {
            break;
        }
    }
    let _ = calls.event(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = display_name(text);
        is_start_or_set(&WebLink::new(text.to_owned()));
    }
    if let Ok(broadcast) = Declaration::read(bytes) {
        is_clean(&broadcast);
        assert_eq!(Declaration::read(broadcast.to_table().to_string().as_bytes()).as_ref(), Ok(&broadcast));
    }
});
