//! The API server's clock, as far as its answers tell.

use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;

/// What time it is at the API server, whatever this machine's clock says.
///
/// Leases are written and judged by this clock, so that two machines whose own clocks disagree
/// still agree on which run is alive. It is read once, from the HTTP `Date` header (RFC 9110,
/// section 6.6.1) of an answer, and carried on by the monotonic clock: a step of the local clock
/// during a run doesn't move it. `Date` counts whole seconds, so it is right to about half a
/// second plus half of the answer's round trip.
#[derive(Clone, Copy, Debug)]
pub struct ServerClock {
    /// The server's time at `taken`.
    server: Timestamp,
    taken: Instant,
    /// Server minus local, in milliseconds; `None` where the server sent no date.
    ahead_ms: Option<i64>,
}

impl ServerClock {
    /// The clock behind a `Date` header that came with an answer to a request sent at `sent` and
    /// arrived just now. Where the header is missing or unreadable, the local clock stands in.
    pub fn from_date(date: Option<&str>, sent: Instant) -> Self {
        let taken = Instant::now();
        let local = Timestamp::now();
        let read = date
            .and_then(|date| httpdate::parse_http_date(date).ok())
            .and_then(|date| Timestamp::try_from(date).ok());
        let Some(date) = read else {
            return Self { server: local, taken, ahead_ms: None };
        };
        // The server stamped its answer somewhere between sending and arrival, and cut the
        // fraction of the second off: half of each is the best guess.
        let guess = Duration::from_millis(500) + (taken - sent) / 2;
        let server = date.checked_add(guess).unwrap_or(date);
        let ahead_ms = Some(server.as_millisecond() - local.as_millisecond());
        Self { server, taken, ahead_ms }
    }

    /// The time at the API server now.
    pub fn now(&self) -> Timestamp {
        self.server.checked_add(self.taken.elapsed()).unwrap_or(self.server)
    }

    /// How far the API server's clock is ahead of this machine's, in milliseconds (negative:
    /// behind), good to about a second. `None` where the server sent no date.
    pub const fn ahead_ms(&self) -> Option<i64> {
        self.ahead_ms
    }
}

impl From<SystemTime> for ServerClock {
    /// A clock that shows this time now.
    fn from(time: SystemTime) -> Self {
        let server = Timestamp::try_from(time).unwrap_or(Timestamp::UNIX_EPOCH);
        let ahead_ms = Some(server.as_millisecond() - Timestamp::now().as_millisecond());
        Self { server, taken: Instant::now(), ahead_ms }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_follows_the_server_and_not_this_machine() {
        let clock = ServerClock::from_date(Some("Tue, 15 Nov 1994 08:12:31 GMT"), Instant::now());
        let expected: Timestamp = "1994-11-15T08:12:31Z".parse().unwrap();
        let off = clock.now().as_millisecond() - expected.as_millisecond();
        // Half a second for the cut fraction, and whatever time this test took.
        assert!((500..60_000).contains(&off), "off by {off} ms");
        assert!(clock.ahead_ms().unwrap() < -900_000_000_000);
    }

    #[test]
    fn without_a_date_the_local_clock_stands_in_and_says_so() {
        for date in [None, Some("yesterday")] {
            let clock = ServerClock::from_date(date, Instant::now());
            assert_eq!(clock.ahead_ms(), None);
            let off = clock.now().as_millisecond() - Timestamp::now().as_millisecond();
            assert!(off.abs() < 60_000, "off by {off} ms");
        }
    }

    #[test]
    fn the_clock_goes_on() {
        let clock = ServerClock::from(SystemTime::UNIX_EPOCH);
        let first = clock.now();
        std::thread::sleep(Duration::from_millis(2));
        assert!(clock.now() > first);
    }
}
