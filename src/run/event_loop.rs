//! The event loop of every screen: it receives from one bounded channel until the next deadline, and draws once for all
//! queued events. Senders into a full channel block. During a flood of events it also draws after each batch, and
//! signals overtake the queue. Every source has a blocking thread; nothing is polled.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

#[cfg(unix)]
use super::signals::{self, Pending, Signal};
use super::{Next, is_gone};
use crate::event::{Event, InputSender};

/// The capacity of the channel.
pub const QUEUE: usize = 256;
/// The most events that are handled before the state is drawn.
const BATCH: usize = 64;
/// The pause before another frame for a terminal that has not read the last one.
pub const REDRAW_AFTER: Duration = Duration::from_millis(50);

/// What the loop drives: the prompter on either view, a practice session, a presentation.
pub trait Program {
    type Input: Send + 'static;
    /// Whether the state is drawn after every event instead of once for all that are queued.
    const DRAW_EACH: bool = false;
    /// Whether SIGINT ends it as the end of its input does.
    #[cfg(unix)]
    const INTERRUPT_LEAVES: bool = false;

    /// How long to wait for an event; `None`: until one comes.
    fn timeout(&self) -> Option<Duration>;

    /// A wait has ended, with an event or without. Returns `false` if nothing is due, so that nothing is drawn.
    fn wake(&mut self, _timed_out: bool) -> io::Result<bool> {
        Ok(true)
    }

    fn handle(&mut self, event: Event<Self::Input>) -> io::Result<Next>;

    /// Performs delayed actions that are due.
    fn run_due(&mut self) -> io::Result<Next>;

    fn draw(&mut self) -> io::Result<()>;

    /// Leaves the terminal before the process is stopped.
    #[cfg(unix)]
    fn suspend(&mut self);

    /// Enters the terminal again: the process was continued, and something else may have used it.
    #[cfg(unix)]
    fn resume(&mut self) -> io::Result<()>;

    /// The window was resized, maybe to the size that it had when it was last drawn.
    #[cfg(unix)]
    fn resized(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The receiving end of the channel, and the signals that overtake it.
pub struct Inbox<I> {
    pub(super) events: Receiver<Event<I>>,
    #[cfg(unix)]
    pub(super) signals: Pending,
}

/// Runs a program that uses nothing but its terminal. `open` enters the terminal, `listen` starts the thread that
/// reads it, `abandon` restores it from another thread if the loop is stuck.
pub fn run_alone<P: Program>(
    open: impl FnOnce() -> io::Result<P>,
    listen: impl FnOnce(InputSender<P::Input>) -> io::Result<()>,
    #[cfg_attr(not(unix), expect(unused_variables, reason = "only signals abandon a loop"))] abandon: fn(),
) -> io::Result<Next> {
    // Before the terminal is entered: from here on a signal restores it.
    #[cfg(unix)]
    let signals = signals::usual()?;
    let mut program = open()?;
    program.draw()?;
    let (send, events) = sync_channel(QUEUE);
    listen(InputSender(send.clone()))?;
    let inbox = Inbox {
        events,
        #[cfg(unix)]
        signals: signals::read(signals, send, abandon)?,
    };
    #[cfg(not(unix))]
    drop(send);
    run(&mut program, &inbox)
}

/// Runs a program until it ends; a terminal that is gone is an end like any other.
pub(super) fn run<P: Program>(program: &mut P, inbox: &Inbox<P::Input>) -> io::Result<Next> {
    match run_until_end(program, inbox) {
        Err(error) => {
            // A signal that came while nobody read the screen is the cause.
            #[cfg(unix)]
            if let Some(Signal::End(signal)) = inbox.signals.take() {
                return Ok(Next::Die(signal));
            }
            if is_gone(&error) { Ok(Next::Gone) } else { Err(error) }
        }
        end => end,
    }
}

fn run_until_end<P: Program>(program: &mut P, inbox: &Inbox<P::Input>) -> io::Result<Next> {
    loop {
        let mut queued = inbox.wait(program.timeout());
        if !program.wake(queued.is_none())? {
            continue;
        }
        for left in (0..BATCH).rev() {
            let mut next = handle_signals(program, inbox)?;
            if let (Next::On, Some(event)) = (next, queued) {
                next = program.handle(event)?;
                #[cfg(unix)]
                if next == Next::Stop {
                    next = stop(program)?;
                }
                if P::DRAW_EACH {
                    program.draw()?;
                }
            }
            if next != Next::On {
                return Ok(next);
            }
            queued = if left > 0 { inbox.events.try_recv().ok() } else { None };
            if queued.is_none() {
                break;
            }
        }
        let next = program.run_due()?;
        if next != Next::On {
            return Ok(next);
        }
        program.draw()?;
    }
}

impl<I> Inbox<I> {
    /// The next event; `None` if none came in time.
    fn wait(&self, timeout: Option<Duration>) -> Option<Event<I>> {
        let Some(timeout) = timeout else { return Some(self.events.recv().unwrap_or(Event::InputClosed)) };
        match self.events.recv_timeout(timeout) {
            Ok(event) => Some(event),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Event::InputClosed),
        }
    }
}

#[cfg(unix)]
fn handle_signals<P: Program>(program: &mut P, inbox: &Inbox<P::Input>) -> io::Result<Next> {
    while let Some(signal) = inbox.signals.take() {
        match signal {
            Signal::End(signal_hook::consts::SIGINT) if P::INTERRUPT_LEAVES => return Ok(Next::Gone),
            Signal::End(signal) => return Ok(Next::Die(signal)),
            Signal::Stop => _ = stop(program)?,
            Signal::Continued => program.resume()?,
            Signal::Resized => program.resized()?,
        }
    }
    Ok(Next::On)
}

/// Stops the process, as a shell's job, until it is continued.
#[cfg(unix)]
fn stop<P: Program>(program: &mut P) -> io::Result<Next> {
    program.suspend();
    signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGTSTP)?;
    program.resume()?;
    Ok(Next::On)
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "on Unix a signal may find the terminal gone")]
fn handle_signals<P: Program>(_: &mut P, _: &Inbox<P::Input>) -> io::Result<Next> {
    Ok(Next::On)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Records what the loop asks of it.
    #[derive(Default)]
    struct Recorder {
        handled: Vec<usize>,
        /// How many events were handled before each drawing.
        drawn: Vec<usize>,
        /// The error with which the next drawing fails.
        fails: Option<io::Error>,
    }

    impl Program for Recorder {
        type Input = usize;

        fn timeout(&self) -> Option<Duration> {
            None
        }

        fn handle(&mut self, event: Event<usize>) -> io::Result<Next> {
            match event {
                Event::Input(input) => {
                    self.handled.push(input);
                    Ok(Next::On)
                }
                _ => Ok(Next::Leave),
            }
        }

        fn run_due(&mut self) -> io::Result<Next> {
            Ok(Next::On)
        }

        fn draw(&mut self) -> io::Result<()> {
            self.drawn.push(self.handled.len());
            self.fails.take().map_or(Ok(()), Err)
        }

        #[cfg(unix)]
        fn suspend(&mut self) {}

        #[cfg(unix)]
        fn resume(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn inbox(inputs: usize) -> Inbox<usize> {
        let (send, events) = sync_channel(QUEUE);
        (0..inputs).for_each(|input| send.send(Event::Input(input)).unwrap());
        Inbox {
            events,
            #[cfg(unix)]
            signals: Pending::default(),
        }
    }

    #[test]
    fn queued_events_are_drawn_once_and_a_flood_in_between() {
        let mut program = Recorder::default();
        // All senders are gone once these are received, which ends the loop as the end of input does.
        assert_eq!(run(&mut program, &inbox(BATCH + 2)).unwrap(), Next::Leave);
        assert_eq!(program.handled, (0..BATCH + 2).collect::<Vec<_>>());
        assert_eq!(program.drawn, [BATCH, BATCH + 2]);
    }

    #[test]
    #[cfg(unix)]
    fn a_terminal_that_is_gone_is_no_error_and_any_other_failure_is_one() {
        let fails = |error: io::Error| Recorder { fails: Some(error), ..Recorder::default() };
        let gone = || io::Error::from_raw_os_error(rustix::io::Errno::IO.raw_os_error());
        assert_eq!(run(&mut fails(gone()), &inbox(1)).unwrap(), Next::Gone);
        assert!(run(&mut fails(io::Error::other("full")), &inbox(1)).is_err());
    }

    #[test]
    #[cfg(unix)]
    fn a_signal_overtakes_what_is_queued() {
        for (signal, next) in [(Signal::End(15), Next::Die(15)), (Signal::Resized, Next::Leave)] {
            let inbox = inbox(3);
            inbox.signals.push(signal);
            let mut program = Recorder::default();
            assert_eq!(run(&mut program, &inbox).unwrap(), next);
            assert_eq!(program.handled.is_empty(), signal != Signal::Resized);
        }
    }
}
