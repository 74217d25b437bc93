//! What the cores of one server share.
#![forbid(unsafe_code)]

use std::sync::Arc;

use crate::turn::auth::accounts::Accounts;
use crate::turn::auth::nonce::Nonces;
use crate::turn::state::reservations::Reservations;

/// What the cores of one server share: who its users are, what its nonces
/// look like, which ports are reserved. No packet of data touches any of it.
#[derive(Debug)]
pub struct Shared {
    accounts: Arc<Accounts>,
    nonces: Nonces,
    reservations: Reservations,
}

impl Shared {
    /// `secret` must be random and stay the same while clients are to keep
    /// their nonces.
    pub fn new(secret: [u8; 32]) -> Self {
        Shared {
            accounts: Arc::default(),
            nonces: Nonces::new(secret),
            reservations: Reservations::default(),
        }
    }

    /// Quotas and rates by user.
    pub fn accounts(&self) -> &Arc<Accounts> {
        &self.accounts
    }

    pub(crate) fn nonces(&self) -> &Nonces {
        &self.nonces
    }

    pub(crate) fn reservations(&self) -> &Reservations {
        &self.reservations
    }
}
