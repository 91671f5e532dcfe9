//! Links of web pages, delivered to a prompter's state directly, at exact times.

use penutup::app::{Effect, Mode};
use penutup::loaded::LoadedRules;
use penutup::message::Message;
use penutup::tui::theme::Theme;
use penutup_ipc::phone_event::Why;
use penutup_ipc::web_link::{LinkRefusal, WebLink};
use proptest::prelude::*;

use super::Telephone as _;
use super::calls::recorded;
use crate::scenes::{LONG_NAME, drawn, no_blanks, text};
use crate::stage::{Stage, loaded, wib};

/// Opens a link with this query, without waiting. Returns why it was refused.
fn open(stage: &mut Stage, query: &str) -> Option<LinkRefusal> {
    stage.act(Message::WebLink(WebLink::new(format!("penutup:call?{query}"))));
    let replies = stage.effects.iter().filter_map(|effect| match effect {
        Effect::LinkRefused(why) => Some(Some(*why)),
        Effect::Reply(_) => Some(None),
        _ => None,
    });
    let replies: Vec<_> = replies.collect();
    assert_eq!(replies.len(), 1, "one reply");
    replies[0]
}

/// Opens a link that is taken, a second after what was before.
#[track_caller]
fn opens<'s>(stage: &'s mut Stage, query: &str) -> &'s mut Stage {
    stage.wait(1);
    assert_eq!(open(stage, query), None, "{query}");
    stage
}

/// Opens a link that is refused, a second after what was before.
#[track_caller]
fn refuses<'s>(stage: &'s mut Stage, query: &str, why: LinkRefusal) -> &'s mut Stage {
    stage.wait(1);
    let call = stage.app.call().clone();
    assert_eq!(open(stage, query), Some(why), "{query}");
    assert_eq!(stage.app.call(), &call, "nothing of it happens: {query}");
    stage
}

#[test]
fn a_start_does_what_the_telephones_does_and_is_one_undo_step() {
    let mut stage = Stage::at("14:00");
    opens(&mut stage, "event=start&nama=bu%20Siti+Aminah&topik=pln-mobile&kode=7");
    assert_eq!(stage.ignored(), [("kode", Why::UnknownKey)]);
    assert_eq!((stage.fact("topik"), stage.field("sapaan").as_str()), ("pln-mobile", "Ibu"));
    assert!(stage.complete().ends_with("selamat siang Ibu Siti Aminah"), "{}", stage.complete());
    assert_eq!((stage.notice().as_str(), stage.journal()), ("Tautan: panggilan dimulai", vec!["0 open".into()]));
    stage.keys("⌫");
    assert_eq!((stage.field("nama").as_str(), stage.journal()), ("", vec!["0 gone".into()]));
}

#[test]
fn a_start_records_the_interaction_and_an_invalid_id_is_ignored() {
    let mut stage = Stage::at("14:00");
    opens(&mut stage, "event=start&id=3f0c2a%40pbx&topik=pln-mobile");
    assert_eq!(recorded(&stage).interaction.as_deref(), Some("3f0c2a@pbx"));
    stage.keys("s");
    for id in ["", "%20", &"7".repeat(101)] {
        opens(&mut stage, &format!("event=start&id={id}&topik=pln-mobile"));
        assert_eq!(stage.ignored(), [("id", Why::Invalid)], "{id}");
        assert_eq!((recorded(&stage).interaction, stage.fact("topik")), (None, "pln-mobile"));
        stage.keys("s");
    }
    opens(&mut stage, "event=start&id=b&topik=pln-mobile");
    // A web page knows no call of the telephone's.
    stage.ends_as("b");
    assert_eq!(*stage.app.mode(), Mode::Closing);
    opens(&mut stage, "event=set&id=c&aplikasi=telah");
    assert_eq!(stage.ignored(), [("id", Why::UnknownKey)]);
    assert_eq!(recorded(&stage).interaction.as_deref(), Some("b"));
}

#[test]
fn a_set_fills_the_running_call() {
    let mut stage = Stage::at("14:00");
    stage.starts("topik=pln-mobile").keys("␣");
    opens(&mut stage, "event=set&nama=Siti&aplikasi=telah");
    assert_eq!((stage.field("nama").as_str(), stage.fact("aplikasi"), stage.said().len()), ("Siti", "telah", 1));
    assert_eq!(stage.notice(), "Diisi dari tautan");
    opens(&mut stage, "event=set&nama=0812345678");
    assert_eq!((stage.ignored(), stage.field("nama").as_str()), (vec![("nama", Why::Digits)], "Siti"));
}

#[test]
fn a_name_from_a_link_is_marked_until_the_cso_confirms_it() {
    for confirm in ["n⏎", "s"] {
        let mut stage = Stage::at("14:00");
        opens(&mut stage, "event=start&nama=Siti");
        let nama = stage.app.rules().field_named("nama").expect("a name");
        assert_eq!(stage.app.unsure_mark(nama), Some("dari tautan: konfirmasi"));
        stage.keys("n⎋");
        assert!(stage.is_unsure(), "Esc accepts nothing");
        stage.keys(confirm);
        assert_eq!(stage.app.unsure_mark(nama), None);
        opens(&mut stage, "event=set&nama=Siti");
        assert!(!stage.is_unsure(), "the same name again is confirmed");
    }
}

#[test]
fn the_mark_is_of_who_sent_the_name_last() {
    let mut stage = Stage::at("14:00");
    let nama = stage.app.rules().field_named("nama").expect("a name");
    stage.starts("nama=Siti");
    assert_eq!(stage.app.unsure_mark(nama), Some("dari telepon: konfirmasi"));
    opens(&mut stage, "event=set&nama=Budi");
    assert_eq!(stage.app.unsure_mark(nama), Some("dari tautan: konfirmasi"));
    stage.sets("nama=Citra");
    assert_eq!(stage.app.unsure_mark(nama), Some("dari telepon: konfirmasi"));
    stage.keys("⌫");
    assert_eq!(stage.app.unsure_mark(nama), Some("dari tautan: konfirmasi"));
}

#[test]
fn the_mark_is_on_the_screen_at_any_length_of_the_name() {
    let mut stage = Stage::at("14:00");
    opens(&mut stage, &format!("event=start&nama={}", LONG_NAME.replace(' ', "+")));
    for (columns, rows, mark) in
        [(120, 30, "dari tautan: konfirmasi"), (80, 24, "dari tautan: konfirmasi"), (60, 18, "konfirmasi")]
    {
        let screen = text(&drawn(&mut stage, Theme::Terminal, columns, rows).0);
        assert!(no_blanks(&screen).contains(&no_blanks(mark)), "{columns}×{rows}:\n{screen}");
    }
}

#[test]
fn what_outlives_the_call_is_refused_with_everything_beside_it() {
    let more = "\n[[field]]\nid = \"cso\"\nlabel = \"CSO\"\nmax = 20\nscope = \"shift\"\nempty = \"\"\n";
    let source = String::from_utf8(LoadedRules::built_in().source).expect("TOML");
    let source = source.replacen("\n[[zone]]", &format!("{more}\n[[zone]]"), 1);
    let source = source.replacen("{sapaan} {nama}", "{sapaan} {nama} {cso}", 1);
    let mut stage = Stage::with(loaded(source), wib("14:00"), Vec::new());
    for query in [
        "event=set&klb=ya",
        "event=start&nama=Siti&klb=ya",
        "event=set&klb=tidak",
        "event=set&klb=mungkin",
        "event=set&klb=",
        "event=set&%6Blb=ya",
        "event=set&nama=Siti&cso=Rina",
    ] {
        refuses(&mut stage, query, LinkRefusal::Shift);
        assert_eq!(stage.notice(), "Tautan ditolak: KLB dan isian satu shift tidak diubah lewat tautan");
    }
    assert_eq!((stage.fact("klb"), stage.app.call().started_at()), ("tidak", None));
}

#[test]
fn only_one_link_a_second_is_taken() {
    let mut stage = Stage::at("14:00");
    assert_eq!(open(&mut stage, "event=start&nama=A"), None);
    assert_eq!(open(&mut stage, "event=set&nama=B"), Some(LinkRefusal::TooSoon));
    assert_eq!(stage.notice(), "Tautan ditolak: paling banyak satu tautan per detik");
    assert_eq!(stage.field("nama"), "A");
    opens(&mut stage, "event=set&nama=B");
    assert_eq!(stage.notice(), "Diisi dari tautan");
    // A refused one counts too; one that was too soon does not.
    refuses(&mut stage, "event=end", LinkRefusal::Event);
    assert_eq!(open(&mut stage, "event=set&nama=C"), Some(LinkRefusal::TooSoon));
    opens(&mut stage, "event=set&nama=C");
    // After a clock jump nobody has to wait.
    stage.clock("13:00");
    assert_eq!(open(&mut stage, "event=set&nama=D"), None);
}

#[test]
fn a_call_takes_a_limited_number_of_links() {
    let mut stage = Stage::at("14:00");
    opens(&mut stage, "event=start");
    for number in 1..16 {
        opens(&mut stage, &format!("event=set&nama=A{number}x"));
    }
    refuses(&mut stage, "event=set&nama=B", LinkRefusal::TooMany);
    assert_eq!(stage.notice(), "Tautan ditolak: panggilan ini sudah menerima 16 tautan");
    assert_eq!(stage.field("nama"), "A15x");
    // The next call takes as many again.
    stage.wait(2).keys("s");
    opens(&mut stage, "event=start&nama=B");
    opens(&mut stage, "event=set&nama=C");
}

#[test]
fn a_start_over_a_call_leaves_it_one_backspace_away_however_many_come() {
    let mut stage = Stage::at("14:00");
    stage.starts("nama=Siti topik=pln-mobile");
    let before = stage.app.call().clone();
    opens(&mut stage, "event=start&nama=Budi");
    assert_eq!(stage.notice(), "Tautan: panggilan baru; panggilan lama ditutup · Backspace kembali");
    assert_eq!(stage.journal(), ["0 panggilan-berikutnya", "1 open"]);
    for _ in 0..20 {
        refuses(&mut stage, "event=start&nama=Citra", LinkRefusal::Running);
        assert_eq!(stage.notice(), "Tautan: panggilan baru; panggilan lama ditutup · Backspace kembali");
    }
    stage.keys("⌫");
    assert_eq!((stage.app.call(), stage.journal()), (&before, vec!["1 gone".into(), "0 open".into()]));
}

#[test]
fn a_start_ends_no_call_whose_closing_has_begun() {
    let mut stage = Stage::at("14:00");
    stage.starts("nama=Siti").keys("␣");
    refuses(&mut stage, "event=start&nama=Budi", LinkRefusal::Running);
    assert_eq!(stage.notice(), "Tautan ditolak: panggilan di layar belum ditutup");
    assert_eq!((stage.field("nama").as_str(), stage.journal()), ("Siti", vec![]));
    // A complete one is over.
    stage.wait(2).keys("s");
    opens(&mut stage, "event=start&nama=Budi");
    assert_eq!(stage.journal(), ["0 lengkap", "1 open"]);
    assert_eq!(stage.field("nama"), "Budi");
}

#[test]
fn a_question_and_a_field_are_not_taken_away() {
    let mut stage = Stage::at("14:00");
    stage.starts("").keys("x");
    refuses(&mut stage, "event=start", LinkRefusal::Question);
    assert_eq!(stage.app.mode(), &Mode::EndPrompt);
    stage.keys("⎋nBud");
    refuses(&mut stage, "event=start&nama=Siti", LinkRefusal::Field);
    assert!(matches!(stage.app.mode(), Mode::Typing(draft) if draft.text() == "Bud"));
    assert_eq!(stage.notice(), "Tautan ditolak: sebuah isian sedang diketik");
    // A value does not replace what is being typed.
    opens(&mut stage, "event=set&nama=Siti");
    stage.keys("i⏎");
    assert_eq!((stage.field("nama").as_str(), stage.is_unsure()), ("Budi", false));
}

#[test]
fn a_late_value_of_a_finished_call_changes_nothing() {
    let mut stage = Stage::at("14:00");
    opens(&mut stage, "event=start&nama=Siti");
    stage.wait(2).keys("s");
    let call = stage.app.call().clone();
    opens(&mut stage, "event=set&topik=pln-mobile");
    assert_eq!(
        (stage.app.call(), stage.notice().as_str()),
        (&call, "Tautan: closing sudah lengkap, isinya tidak dipakai")
    );
}

#[test]
fn the_telephones_end_never_ends_a_later_call_of_a_link() {
    let mut stage = Stage::at("14:00");
    stage.starts("").keys("s␣");
    opens(&mut stage, "event=start&nama=Budi");
    stage.ends();
    assert_eq!(stage.app.mode(), &Mode::Closing, "it was of the call before");
    stage.ends();
    assert_eq!(stage.app.mode(), &Mode::EndPrompt);
}

#[test]
fn a_refused_link_does_not_hide_how_to_return_to_an_ended_call() {
    let mut stage = Stage::at("14:00");
    stage.starts("").keys("s␣");
    let notice = stage.notice();
    refuses(&mut stage, "event=end", LinkRefusal::Event);
    assert_eq!(stage.notice(), notice);
    stage.wait(10);
    refuses(&mut stage, "event=end", LinkRefusal::Event);
    assert_eq!(stage.notice(), "Tautan ditolak: event harus start atau set, dan hanya satu");
}

#[test]
fn every_notice_of_a_link_fits_a_row_of_80_columns() {
    use penutup::app::web_link::refusal_line;
    use penutup::words::Lang;
    use unicode_width::UnicodeWidthStr as _;

    for lang in [Lang::Id, Lang::En] {
        let w = &lang.words().link;
        let refusals = [
            LinkRefusal::TooLong,
            LinkRefusal::NotOurs,
            LinkRefusal::Malformed,
            LinkRefusal::Characters,
            LinkRefusal::TooManyPairs,
            LinkRefusal::Event,
            LinkRefusal::Shift,
            LinkRefusal::TooSoon,
            LinkRefusal::TooMany,
            LinkRefusal::Running,
            LinkRefusal::Field,
            LinkRefusal::Question,
        ];
        let others = [w.started_nameless.into(), w.overtook("Backspace"), w.overtook_nameless("Backspace")];
        for line in refusals.map(|why| refusal_line(why, w)).into_iter().chain(others) {
            assert!(line.width() <= 78, "{line}");
        }
    }
}

#[test]
fn neither_notices_nor_records_have_the_name() {
    let mut stage = Stage::at("14:00");
    for query in ["event=start&nama=Zulkarnaen", "event=set&klb=Zulkarnaen", "event=Zulkarnaen", "nama=Zulkarnaen&x"] {
        stage.wait(1);
        open(&mut stage, query);
        assert!(!stage.notice().contains("Zulkarnaen"), "{}", stage.notice());
        assert!(!format!("{:?}", stage.effects).contains("Zulkarnaen"), "{:?}", stage.effects);
    }
    let message = Message::WebLink(WebLink::new("penutup:call?event=start&nama=Zulkarnaen".into()));
    assert!(!format!("{message:?}").contains("Zulkarnaen"));
}

proptest! {
    /// Whatever links come, each a second after the last: the shift is untouched, nothing is ticked or undone, no question
    /// opens, and the CSO's call is lost to none of them.
    #[test]
    fn links_never_do_more_than_start_and_set(
        said in any::<bool>(),
        queries in proptest::collection::vec(
            ("(event=(start|set|end|undo)&)?", "((nama|topik|klb|sapaan|aplikasi)=(ya|telah|pln-mobile|Ibu|Si%74i|%00)&){0,3}")
                .prop_map(|(event, pairs)| event + &pairs),
            1..24,
        ),
    ) {
        let mut stage = Stage::at("14:00");
        stage.starts("nama=Rahayu");
        if said {
            stage.keys("␣");
        }
        for query in &queries {
            stage.wait(1);
            let _ = open(&mut stage, query);
            prop_assert_eq!(stage.app.mode(), &Mode::Closing);
            prop_assert_eq!(stage.fact("klb"), "tidak");
            prop_assert!(stage.said().len() == usize::from(said && !stage.app.can_return()));
        }
        prop_assert!(!said || !stage.app.can_return());
        while stage.field("nama") != "Rahayu" {
            prop_assert!(stage.app.can_undo());
            stage.keys("⌫");
        }
        prop_assert_eq!(stage.said().len(), usize::from(said));
    }
}
