//! Clients that speak TLS where there is none, and the other way round: told once a
//! minute, with how often.
#![forbid(unsafe_code)]

use std::time::Duration;

use parking_lot::Mutex;

use crate::turn::state::five_tuple::Listener;
use crate::turn::time::Time;

/// How often a line is written at most.
const EVERY: Duration = Duration::from_secs(60);

/// What a client does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mistake {
    /// It speaks TLS to a listener without.
    Tls,
    /// It speaks no TLS to a listener with.
    NoTls,
}

/// Those since it was last told.
#[derive(Debug, Default)]
pub struct Misdirected(Mutex<Since>);

#[derive(Debug, Default)]
struct Since {
    count: u64,
    last: Option<(Mistake, Listener)>,
    /// When the next line is due.
    next: Time,
}

impl Misdirected {
    /// Counts a client.
    pub fn note(&self, mistake: Mistake, listener: Listener) {
        let mut since = self.0.lock();
        since.count += 1;
        since.last = Some((mistake, listener));
    }

    /// What to log now.
    pub fn line(&self, now: Time) -> Option<String> {
        let mut since = self.0.lock();
        if since.next > now {
            return None;
        }
        let (mistake, listener) = since.last.take()?;
        since.next = now + EVERY;
        let count = std::mem::take(&mut since.count);
        let what = match mistake {
            Mistake::Tls => "TLS to a listener without it",
            Mistake::NoTls => "no TLS to a listener of TLS",
        };
        Some(format!(
            "{count} clients took one listener for another; the last spoke {what}, {listener}"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::turn::state::five_tuple::Transport;

    #[test]
    fn a_line_a_minute_says_how_often() {
        let misdirected = Misdirected::default();
        let listener = Listener {
            transport: Transport::Tcp,
            address: "192.0.2.1:3478".parse().unwrap(),
        };
        let second = |seconds| Time::ZERO + Duration::from_secs(seconds);
        assert_eq!(misdirected.line(second(1)), None);
        misdirected.note(Mistake::Tls, listener);
        let line = misdirected.line(second(1)).unwrap();
        assert!(line.starts_with("1 clients") && line.ends_with("TCP 192.0.2.1:3478"));
        for _ in 0..3 {
            misdirected.note(Mistake::NoTls, listener);
        }
        assert_eq!(misdirected.line(second(60)), None);
        assert!(
            misdirected
                .line(second(61))
                .unwrap()
                .starts_with("3 clients")
        );
        assert_eq!(misdirected.line(second(200)), None);
    }
}
