//! When the loop wakes to show another time: at the next change of the screen, and when the clock is set. Linux reports
//! that (timerfd, also after sleep) to a thread that blocks; elsewhere the loop checks four times a minute.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::event::EventSender;

/// How often the loop checks if the system reports nothing; an unchanged clock draws nothing.
const CHECK_INTERVAL: Duration = Duration::from_secs(15);
/// The longest wait if it does: the screen changes every minute anyway.
const MINUTE: Duration = Duration::from_secs(60);

/// Whether the system reports that the clock was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockReports {
    System,
    None,
}

/// How long to wait for an event. `now` is before `shown` if the clock was set back.
pub fn wait(next: DateTime<Utc>, shown: DateTime<Utc>, now: DateTime<Utc>, reports: ClockReports) -> Duration {
    if !is_current(next, shown, now) {
        return Duration::ZERO;
    }
    let longest = if reports == ClockReports::System { MINUTE } else { CHECK_INTERVAL };
    // A millisecond more, so that the change is due after the wait.
    let wait = (next - now).to_std().unwrap_or_default() + Duration::from_millis(1);
    wait.min(longest)
}

/// Whether the shown time is current: the next change has not come, and the clock was not set back by more than a
/// second, as time synchronization does.
pub fn is_current(next: DateTime<Utc>, shown: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now < next && now >= shown - TimeDelta::seconds(1)
}

/// Starts the thread that reports when the clock is set.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn watch(sender: EventSender) -> ClockReports {
    use crate::helper::{self, Helper};
    use crate::message::Message;
    use rustix::io::Errno;
    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
    };

    let Ok(timer) = timerfd_create(TimerfdClockId::Realtime, TimerfdFlags::CLOEXEC) else { return ClockReports::None };
    // The timer never fires; only setting the clock ends a read.
    let never = Timespec { tv_sec: 8_000_000_000, tv_nsec: 0 };
    let none = Timespec { tv_sec: 0, tv_nsec: 0 };
    let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
    let spec = Itimerspec { it_interval: none, it_value: never };
    if timerfd_settime(&timer, flags, &spec).is_err() {
        return ClockReports::None;
    }
    let body = move || {
        let mut count = [0; 8];
        loop {
            match rustix::io::read(&timer, &mut count) {
                Err(Errno::CANCELED) | Ok(_) if sender.send(Message::Clock) => {}
                Err(Errno::INTR) => {}
                _ => return,
            }
        }
    };
    if helper::spawn(Helper::Clock, body).is_ok() { ClockReports::System } else { ClockReports::None }
}

/// No such report on this platform.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn watch(_: EventSender) -> ClockReports {
    ClockReports::None
}

#[cfg(test)]
mod tests {
    use std::io;

    use std::sync::mpsc::{channel, sync_channel};
    use std::time::Instant;

    use super::super::event_loop::{self, Inbox};
    #[cfg(unix)]
    use super::super::signals::Pending;
    use super::super::{Event, QUEUE, Running, Session, Step, View};
    use super::*;
    use crate::app::AppSetup;
    use crate::app::{App, Effect};
    use crate::clock::Clock;
    use crate::event::InputSender;
    use crate::helper::Helper;
    use crate::watch::watch as watch_file;

    /// Records the greeting and the time of each frame, and closes the input.
    struct RecordingView(Vec<(String, String)>, InputSender<()>);

    impl View for RecordingView {
        type Input = ();
        type Output = ();
        const EACH: bool = false;

        fn listen(_: InputSender<()>) -> io::Result<()> {
            Ok(())
        }

        fn input(&mut self, (): (), _: &App, _: DateTime<Utc>) -> io::Result<Vec<Step<()>>> {
            Ok(Vec::new())
        }

        fn output(&mut self, (): (), _: &App) {}

        fn changed(&mut self, _: &App, _: &[Effect], _: bool) {}

        fn show(&mut self, app: &App) -> io::Result<()> {
            self.0.push((app.greeting_word().to_owned(), app.clock_text(app.local())));
            self.1.close();
            Ok(())
        }

        fn copy(&mut self, _: &str) -> io::Result<()> {
            Ok(())
        }

        #[cfg(unix)]
        const INTERRUPT_LEAVES: bool = false;
    }

    /// What the loop shows first after the clock was set from one time to another: without an event, or with this one.
    fn shown_after(from: &str, to: &str, reports: ClockReports, event: Option<Event<()>>) -> (String, String) {
        let mut app = App::new(AppSetup::built_in(at(from)));
        let mut session = Session::alone(&mut app, Clock::showing(at(to)));
        session.clock_reports = reports;
        let is_event = event.is_some();
        let (changed, reads) = channel();
        session.rules_watch = Some(watch_file(Helper::Rules, Vec::new(), move || changed.send(()).unwrap_or_default()));
        reads.recv_timeout(Duration::from_secs(60)).expect("it is read when watching begins");
        let (send, events) = sync_channel::<Event<()>>(QUEUE);
        if let Some(event) = event {
            assert!(send.try_send(event).is_ok(), "room in the queue");
        }
        let inbox = Inbox {
            events,
            #[cfg(unix)]
            signals: Pending::default(),
        };
        let mut running = Running { session, view: RecordingView(Vec::new(), InputSender(send)) };
        let start = Instant::now();
        event_loop::run(&mut running, &inbox).unwrap();
        assert!(start.elapsed() < CHECK_INTERVAL, "at the next wake-up");
        if !is_event {
            let read = reads.recv_timeout(Duration::from_secs(60));
            read.expect("once a minute the rules are read, whatever their size and time say");
        }
        running.view.0.swap_remove(0)
    }

    #[test]
    fn a_set_clock_is_shown_with_its_greeting_without_a_key_press() {
        for reports in [ClockReports::System, ClockReports::None] {
            for (from, to, greeting, clock) in [
                // 15.30 back to 13.30.
                ("2026-11-24T08:30:05Z", "2026-11-24T06:30:05Z", "siang", "13.30"),
                ("2026-11-24T11:30:05Z", "2026-11-24T06:30:05Z", "siang", "13.30"),
                // A laptop that slept from 09.00 to 19.00.
                ("2026-11-24T02:00:05Z", "2026-11-24T12:00:05Z", "malam", "19.00"),
            ] {
                for event in [None, Some(Event::Input(()))] {
                    let shown = shown_after(from, to, reports, event);
                    assert_eq!(shown, (greeting.into(), clock.into()), "{from} → {to}");
                }
            }
        }
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn the_wait_ends_at_the_next_change_and_is_bounded_when_the_clock_jumps() {
        let (shown, next) = (at("2026-11-24T07:00:10Z"), at("2026-11-24T07:01:00Z"));
        let wait = |now: &str, reports| wait(next, shown, at(now), reports);
        assert_eq!(wait("2026-11-24T07:00:10Z", ClockReports::System), Duration::from_millis(50_001));
        assert_eq!(wait("2026-11-24T07:00:10Z", ClockReports::None), CHECK_INTERVAL);
        assert_eq!(wait("2026-11-24T07:00:50Z", ClockReports::None), Duration::from_millis(10_001));
        for moved in ["2026-11-24T05:00:10Z", "2026-11-24T07:01:00Z", "2026-11-25T07:00:00Z"] {
            assert_eq!(wait(moved, ClockReports::System), Duration::ZERO, "{moved}");
        }
    }

    #[test]
    fn a_clock_set_back_makes_the_shown_time_outdated() {
        let (shown, next) = (at("2026-11-24T07:00:10Z"), at("2026-11-24T07:01:00Z"));
        for (now, expected) in [
            ("2026-11-24T07:00:10Z", true),
            ("2026-11-24T07:00:09.500Z", true),
            ("2026-11-24T06:59:50Z", false),
            ("2026-11-24T02:00:00Z", false),
            ("2026-11-24T07:01:00Z", false),
        ] {
            assert_eq!(is_current(next, shown, at(now)), expected, "{now}");
        }
    }
}
