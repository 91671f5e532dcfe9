//! The recap of the seat's day (`R`): requested from the journal whenever it is opened, in the CSO's
//! words, never outdated.

use penutup::app::{Effect, Mode};
use penutup::closing::ending::Ending;
use penutup::closing::ending::Outcome;

use chrono::{DateTime, FixedOffset};
use penutup::journal::record::{Record, StepRecord};
use penutup::journal::report::{By, Dimension, Recap, ReportBuilder, Teams};
use penutup::journal::summary::{CallSummary, Interner};
use penutup::message::Message;
use penutup::panel::Panel;
use penutup::tui::theme::Theme;

use crate::scenes::{drawn, text};
use crate::stage::Stage;

/// Twenty-two calls: twenty complete, two dropped by the line.
fn day() -> Recap {
    let start =
        |hour: u32| DateTime::parse_from_rfc3339(&format!("2026-03-02T{hour:02}:05:00+07:00")).unwrap().to_utc();
    let step = |id: &str, left_out| StepRecord {
        step: id.into(),
        shown: true,
        ticked: None,
        undone: 0,
        left_out,
        score: vec![],
    };
    let (mut builder, mut texts) =
        (ReportBuilder::new(FixedOffset::east_opt(7 * 3600).unwrap(), By::One(Dimension::Hour)), Interner::default());
    for (call, hour) in
        [(4, 8), (12, 9), (6, 11)].into_iter().flat_map(|(n, hour)| (0..n).map(move |_| hour)).enumerate()
    {
        let dropped = call < 2;
        let mut record = Record {
            start: start(hour),
            end: Some((start(hour), Outcome::Ended(if dropped { Ending::Dropped } else { Ending::Complete }))),
            steps: vec![step("download", dropped), step("campaign", call == 0)],
            ..Record::default()
        };
        if call == 0 {
            record.cost = vec!["Akurasi".into(), "FCR".into()];
        }
        if call >= 3 {
            record.steps[1].ticked = Some(start(hour));
        }
        record.steps[1].undone = u32::from(call >= 17);
        builder.add(&CallSummary::of(&record, &mut texts).unwrap());
    }
    Recap { report: builder.report(&texts, &Teams::default()), whole: true }
}

fn screen(stage: &mut Stage) -> String {
    text(&drawn(stage, Theme::Terminal, 80, 24).0)
}

#[test]
fn the_recap_requests_today_and_shows_it() {
    let mut stage = Stage::at("14:00");
    stage.keys("r");
    assert_eq!(*stage.app.mode(), Mode::Panel(Panel::Recap));
    let asked = stage.effects.iter().find_map(|e| match e {
        Effect::AskDay(day, zone) => Some((day.to_string(), zone.local_minus_utc())),
        _ => None,
    });
    assert_eq!(asked, Some(("2026-03-02".into(), 7 * 3600)), "the day of our own zone");
    assert!(screen(&mut stage).contains("Jurnal belum terbaca"));
    stage.act(Message::Day(Box::new(day())));
    let shown = screen(&mut stage);
    for part in [
        "Closing          22",
        "20 (91%)",
        "Akurasi 1 · Tidak FCR 1",
        "Ajakan DOWNLOAD New PLN Mobile  ███ 2",
        "closing lengkap   ████",
        "██ 20",
        "Catatan          sebelum closing 3 · centang diurungkan 5",
        "08 09 10 11",
        "Dicentang CSO",
    ] {
        assert!(shown.contains(part), "{part:?} in\n{shown}");
    }
    assert!(!shown.contains("sudah lewat"), "a count of zero has no line");
}

#[test]
fn the_recap_is_requested_anew_each_time_and_closes_with_its_own_key() {
    let mut stage = Stage::at("14:00");
    stage.keys("r").act(Message::Day(Box::new(day())));
    stage.keys("r");
    assert_eq!(*stage.app.mode(), Mode::Closing);
    stage.keys("r");
    assert!(stage.app.day().is_none(), "yesterday's answer is not shown as today's");
    stage.keys("␣");
    assert_eq!((stage.app.mode(), stage.said().len()), (&Mode::Closing, 0), "Space closes it and ticks nothing");
}

#[test]
fn every_tick_is_recorded_and_an_undone_call_is_removed() {
    let mut stage = Stage::at("14:00");
    stage.keys("?⎋");
    assert!(stage.effects.iter().all(|e| !matches!(e, Effect::Journal(_))), "an open panel starts no call");
    stage.keys("a");
    assert!(stage.effects.iter().any(|e| matches!(e, Effect::Journal(_))));
    stage.keys("⌫");
    assert!(stage.effects.iter().any(|e| matches!(e, Effect::Unjournal(0))), "the undone call is removed");
    stage.keys("␣");
    let record = stage.effects.iter().find_map(|e| match e {
        Effect::Journal(record) => Some(record.clone()),
        _ => None,
    });
    let record = record.expect("a tick is journalled");
    assert_eq!((record.call, record.end), (0, None));
    let ticked: Vec<_> = record.steps.iter().filter(|s| s.ticked.is_some()).map(|s| s.step.as_str()).collect();
    assert_eq!(ticked, ["campaign"]);
}
