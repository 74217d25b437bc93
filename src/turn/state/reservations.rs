//! Ports reserved by EVEN-PORT, waiting for their RESERVATION-TOKEN (RFC 8656, 7.2).
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::net::SocketAddr;

use parking_lot::Mutex;

use crate::turn::shrink::shrink_map;
use crate::turn::state::arena::RelayId;
use crate::turn::time::Time;

/// A RESERVATION-TOKEN.
pub type ReservationToken = [u8; 8];

/// At most so many ports wait at once.
const MAX_RESERVATIONS: usize = 1024;

/// The ports that wait for their token, of all cores.
#[derive(Debug, Default)]
pub(crate) struct Reservations {
    reserved: Mutex<HashMap<ReservationToken, Reserved>>,
}

/// A bound socket that waits for an allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reserved {
    /// The core that opened the socket, and its name there.
    pub worker: u16,
    pub relay: RelayId,
    pub address: SocketAddr,
    pub expires: Time,
}

impl Reservations {
    /// Keeps a reservation under a new token, which nobody can guess and no other
    /// server gives out; `None` when too many wait.
    pub(crate) fn reserve(&self, reserved: Reserved) -> Option<ReservationToken> {
        let mut token = ReservationToken::default();
        getrandom::fill(&mut token).ok()?;
        let mut table = self.reserved.lock();
        if table.len() >= MAX_RESERVATIONS || table.contains_key(&token) {
            return None;
        }
        table.insert(token, reserved);
        Some(token)
    }

    /// Takes a reservation that has not expired. The first taker wins.
    pub(crate) fn claim(&self, token: &ReservationToken, now: Time) -> Option<Reserved> {
        let mut table = self.reserved.lock();
        if table.get(token)?.expires <= now {
            return None;
        }
        let reserved = table.remove(token);
        shrink_map(&mut table);
        reserved
    }

    /// Takes back a reservation of a core; `false` when it was claimed.
    pub(crate) fn release(&self, token: &ReservationToken) -> bool {
        let mut table = self.reserved.lock();
        let was_there = table.remove(token).is_some();
        shrink_map(&mut table);
        was_there
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_token_serves_once_and_in_time_and_tokens_are_bounded() {
        let reservations = Reservations::default();
        let expires = Time::ZERO + Duration::from_secs(30);
        let reserved = Reserved {
            worker: 0,
            relay: RelayId::from_bits(1),
            address: "1.2.3.4:5".parse().unwrap(),
            expires,
        };
        let token = reservations.reserve(reserved).unwrap();
        assert_eq!(reservations.claim(&token, expires), None);
        assert_eq!(reservations.claim(&token, Time::ZERO), Some(reserved));
        assert_eq!(reservations.claim(&token, Time::ZERO), None);
        assert!(!reservations.release(&token));
        let tokens: Vec<_> = (0..2000)
            .filter_map(|_| reservations.reserve(reserved))
            .collect();
        assert_eq!(tokens.len(), MAX_RESERVATIONS);
        assert!(tokens.iter().all(|token| reservations.release(token)));
        assert!(reservations.reserve(reserved).is_some());
    }
}
