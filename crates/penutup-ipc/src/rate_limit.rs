//! Slows a sender down without dropping anything: the sender's own buffers fill up and block it.

use std::thread;
use std::time::{Duration, Instant};

/// The burst size, and the interval afterwards.
#[derive(Debug)]
pub struct RateLimit {
    burst: Duration,
    every: Duration,
    /// When the next event would be due if all were evenly spaced.
    due: Instant,
}

impl RateLimit {
    /// The first `burst` events pass without delay, further ones one per `every`.
    #[must_use]
    pub fn new(burst: u32, every: Duration) -> Self {
        Self { burst: every * burst, every, due: Instant::now() }
    }

    /// Waits until the next event may pass.
    pub fn wait(&mut self) {
        let delay = self.delay(Instant::now());
        if !delay.is_zero() {
            thread::sleep(delay);
        }
    }

    fn delay(&mut self, now: Instant) -> Duration {
        self.due = self.due.max(now) + self.every;
        self.due.saturating_duration_since(now).saturating_sub(self.burst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_at_once_and_the_rest_is_spaced() {
        let every = Duration::from_millis(20);
        let mut limit = RateLimit::new(3, every);
        let start = limit.due;
        let delays = [(); 5].map(|()| limit.delay(start));
        assert_eq!(delays, [Duration::ZERO, Duration::ZERO, Duration::ZERO, every, every * 2]);
        // After a pause the whole burst is available again, and no more.
        let later = start + Duration::from_secs(3600);
        assert_eq!([(); 4].map(|()| limit.delay(later)), [Duration::ZERO, Duration::ZERO, Duration::ZERO, every]);
    }

    #[test]
    fn evenly_spaced_events_never_wait() {
        let every = Duration::from_millis(20);
        let mut limit = RateLimit::new(1, every);
        let start = limit.due;
        for n in 0..100 {
            assert_eq!(limit.delay(start + every * n), Duration::ZERO);
        }
    }
}
