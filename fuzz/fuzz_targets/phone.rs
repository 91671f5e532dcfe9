//! Any bytes as what comes from outside: a message on the local socket, the telephone's or the fleet agent's, baresip's stream in any pieces, the centre's
//! file. Nothing panics, what is read is bounded, and what a message sets reaches the screen clean.

#![no_main]

use libfuzzer_sys::fuzz_target;
use penutup::declaration::Declaration;
use penutup::rules::text::is_forbidden;
use penutup::softphone::baresip::{Calls, display_name};
use penutup_ipc::message::{MAX_LINE, Command, parse, to_line};
use penutup::softphone::netstring::{MAX_FRAME, Reader};

fn is_clean(broadcast: &Declaration) {
    let texts = [&broadcast.by, &broadcast.why, &broadcast.value, &Some(broadcast.fact.clone())];
    assert!(texts.into_iter().flatten().all(|text| !text.chars().any(is_forbidden)));
}

fuzz_target!(|bytes: &[u8]| {
    if let Ok(message) = parse(bytes) {
        assert!(bytes.len() <= MAX_LINE);
        let line = to_line(&message);
        if line.len() <= MAX_LINE {
            assert_eq!(parse(&line).as_ref(), Ok(&message), "what is written is read");
        }
        if let Command::Klb(klb) = &message {
            is_clean(klb);
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
    }
    if let Ok(broadcast) = Declaration::read(bytes) {
        is_clean(&broadcast);
        assert_eq!(Declaration::read(broadcast.to_table().to_string().as_bytes()).as_ref(), Ok(&broadcast));
    }
});
