//! How many wrong keys are looked at.
//!
//! What is counted is failures, by source and by user: a success costs nothing.
//! A user is not locked out by strangers: a source that has succeeded with the
//! user's name lately has a count of its own with that name.
#![forbid(unsafe_code)]

use std::net::IpAddr;
use std::time::Duration;

use ahash::RandomState;

use crate::turn::address::AddrKey;
use crate::turn::policy::limits::Frequency;
use crate::turn::policy::sources::Sources;
use crate::turn::time::Time;

/// How long a success is remembered.
const LATELY: Duration = Duration::from_secs(24 * 3600);

/// Where a request comes from, and the user that it says it is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Claimant {
    source: AddrKey,
    pub user: u64,
}

impl Claimant {
    /// `user` is the user's hash, whether the request hides the name or not.
    pub(crate) fn new(ip: &IpAddr, user: &[u8; 32]) -> Self {
        Claimant {
            source: AddrKey::source(ip),
            user: user_of(user),
        }
    }
}

/// A user in tables: the beginning of the USERHASH.
pub(crate) fn user_of(userhash: &[u8; 32]) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = *userhash;
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// Counts wrong keys, in fixed memory.
#[derive(Debug)]
pub(crate) struct Guesses {
    /// By source, and by user.
    wrong: Sources,
    /// By source and user together, of those that have succeeded.
    known: Sources,
    /// By source, those that left before they heard.
    left: Sources,
}

impl Guesses {
    pub(crate) fn new(hasher: &RandomState) -> Self {
        Guesses {
            wrong: Sources::new(hasher.clone()),
            known: Sources::new(hasher.clone()),
            left: Sources::new(hasher.clone()),
        }
    }

    /// Whether another key is looked at. At most `crowd` wait for an answer at one source.
    pub(crate) fn may_try(
        &self,
        who: &Claimant,
        frequency: Frequency,
        crowd: u32,
        now: Time,
    ) -> bool {
        if self.is_known(who, now) {
            return self.known.has_room(who, frequency, now);
        }
        self.wrong.has_room(who.source, frequency, now)
            && self.wrong.has_room(who.user, frequency, now)
            && self
                .left
                .has_room(who.source, leaving(frequency, crowd), now)
    }

    /// The key was wrong.
    pub(crate) fn fail(&self, who: &Claimant, frequency: Frequency, now: Time) {
        self.wrong.admit(who.source, frequency, now);
        match self.is_known(who, now) {
            true => self.known.admit(who, frequency, now),
            false => self.wrong.admit(who.user, frequency, now),
        };
    }

    /// Nobody waits to hear whether the key was right: the user's count goes up, and
    /// one apart of the source, from where many may have left at once.
    pub(crate) fn abandon(&self, who: &Claimant, frequency: Frequency, crowd: u32, now: Time) {
        if !self.is_known(who, now) {
            self.wrong.admit(who.user, frequency, now);
        }
        self.left.admit(who.source, leaving(frequency, crowd), now);
    }

    /// The key was right.
    pub(crate) fn succeed(&self, who: &Claimant, now: Time) {
        self.known.keep(who, now);
    }

    /// How many sources and users may not try another key now, each where it is counted.
    pub(crate) fn used_up(&self, frequency: Frequency, now: Time) -> usize {
        self.wrong.used_up(frequency, now) + self.known.used_up(frequency, now)
    }

    fn is_known(&self, who: &Claimant, now: Time) -> bool {
        let full_at = self.known.full_at(who);
        full_at.is_some_and(|at| now.since(at) < LATELY)
    }
}

/// How often a source may leave before it hears: where all have who waited there, they
/// all may come back, and leave once more.
fn leaving(frequency: Frequency, crowd: u32) -> Frequency {
    let burst = crowd.saturating_mul(2).max(frequency.burst);
    Frequency { burst, ..frequency }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_count_by_source_and_user_and_strangers_lock_nobody_out() {
        let guesses = Guesses::new(&RandomState::with_seeds(1, 2, 3, 4));
        let frequency = Frequency {
            every: Duration::from_secs(1),
            burst: 10,
        };
        let now = Time::ZERO + Duration::from_secs(100_000);
        let who = |ip: &str, user: u8| Claimant::new(&ip.parse().unwrap(), &[user; 32]);
        let may = |ip: &str, user| guesses.may_try(&who(ip, user), frequency, 256, now);
        guesses.succeed(&who("1.2.3.4", 1), now);
        for _ in 0..100 {
            assert!(may("1.2.3.4", 1));
            guesses.succeed(&who("1.2.3.4", 1), now);
        }
        // One source tries many users.
        for user in 10..20 {
            assert!(may("2a00::1", user));
            guesses.fail(&who("2a00::1", user), frequency, now);
        }
        assert!(!may("2a00::2", 30), "a /64 is one source");
        assert!(may("2a00:0:0:1::1", 30));
        // Many sources try one user.
        for n in 0..10 {
            assert!(may(&format!("9.9.9.{n}"), 1));
            guesses.fail(&who(&format!("9.9.9.{n}"), 1), frequency, now);
        }
        assert!(!may("9.9.9.10", 1));
        assert!(may("9.9.9.10", 2));
        // Where the user has come from lately, there is room, and a bound too.
        for _ in 0..10 {
            assert!(may("1.2.3.4", 1));
            guesses.fail(&who("1.2.3.4", 1), frequency, now);
        }
        assert!(!may("1.2.3.4", 1));
        // The /64, the user, and where the user is known, by itself and with the user.
        assert_eq!(guesses.used_up(frequency, now), 4);
        let later = now + Duration::from_secs(1);
        assert!(guesses.may_try(&who("1.2.3.4", 1), frequency, 256, later));
    }
}
