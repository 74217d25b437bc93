//! Ports reserved by EVEN-PORT, waiting for their RESERVATION-TOKEN (RFC 8656, 7.2).
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use parking_lot::Mutex;

use crate::turn::auth::accounts::Accounts;
use crate::turn::auth::nonce::Nonces;
use crate::turn::state::arena::{RelayId, shrink_map};
use crate::turn::state::time::Time;

/// A RESERVATION-TOKEN.
pub type Token = [u8; 8];

/// At most so many ports wait at once.
const MAX_RESERVATIONS: usize = 1024;

/// What the cores of one server share: who its users are, what its nonces
/// look like, which ports are reserved. No packet of data touches any of it.
#[derive(Debug)]
pub struct Shared {
    accounts: Arc<Accounts>,
    nonces: Nonces,
    reserved: Mutex<HashMap<Token, Reserved>>,
    tokens: AtomicU64,
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

impl Shared {
    /// `secret` must be random and stay the same while clients are to keep
    /// their nonces.
    pub fn new(secret: [u8; 32]) -> Self {
        Shared {
            accounts: Arc::default(),
            nonces: Nonces::new(secret),
            reserved: Mutex::default(),
            tokens: AtomicU64::new(0),
        }
    }

    /// Quotas and rates by user.
    pub fn accounts(&self) -> &Arc<Accounts> {
        &self.accounts
    }

    pub(crate) fn nonces(&self) -> &Nonces {
        &self.nonces
    }

    /// Keeps a reservation under a new token; `None` when too many wait.
    pub(crate) fn reserve(&self, reserved: Reserved) -> Option<Token> {
        let token = self.nonces.token(self.tokens.fetch_add(1, Relaxed));
        let mut table = self.reserved.lock();
        if table.len() >= MAX_RESERVATIONS {
            return None;
        }
        table.insert(token, reserved);
        Some(token)
    }

    /// Takes a reservation that has not expired. The first taker wins.
    pub(crate) fn claim(&self, token: &Token, now: Time) -> Option<Reserved> {
        let mut table = self.reserved.lock();
        if table.get(token)?.expires <= now {
            return None;
        }
        let reserved = table.remove(token);
        shrink_map(&mut table);
        reserved
    }

    /// Takes back a reservation of a core; `false` when it was claimed.
    pub(crate) fn release(&self, token: &Token) -> bool {
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
        let shared = Shared::new([1; 32]);
        let expires = Time::ZERO + Duration::from_secs(30);
        let reserved = Reserved {
            worker: 0,
            relay: RelayId::from_bits(1),
            address: "1.2.3.4:5".parse().unwrap(),
            expires,
        };
        let token = shared.reserve(reserved).unwrap();
        assert_eq!(shared.claim(&token, expires), None);
        assert_eq!(shared.claim(&token, Time::ZERO), Some(reserved));
        assert_eq!(shared.claim(&token, Time::ZERO), None);
        assert!(!shared.release(&token));
        let tokens: Vec<_> = (0..2000).filter_map(|_| shared.reserve(reserved)).collect();
        assert_eq!(tokens.len(), MAX_RESERVATIONS);
        assert!(tokens.iter().all(|token| shared.release(token)));
        assert!(shared.reserve(reserved).is_some());
    }
}
