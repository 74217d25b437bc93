//! What the cores of one server share.
#![forbid(unsafe_code)]

use std::sync::Arc;

use ahash::RandomState;
use parking_lot::Mutex;

use crate::turn::auth::accounts::Accounts;
use crate::turn::auth::keyring::Keyring;
use crate::turn::auth::nonce::Nonces;
use crate::turn::policy::guesses::Guesses;
use crate::turn::policy::sources::Sources;
use crate::turn::state::connection_ids::ConnectionIds;
use crate::turn::state::reservations::Reservations;
use crate::turn::state::tally::{SourceTally, Tally};

/// What the cores of one server share: who its users are, what its nonces
/// look like, which ports are reserved, how often strangers were answered. No packet of data touches any of it.
#[derive(Debug)]
pub struct Shared {
    accounts: Arc<Accounts>,
    nonces: Nonces,
    reservations: Reservations,
    connection_ids: Arc<ConnectionIds>,
    answers: Sources,
    guesses: Guesses,
    keyring: Mutex<Keyring>,
    allocations: Arc<Tally>,
    held: Arc<Tally>,
    held_of_source: Arc<SourceTally>,
}

impl Shared {
    /// `secret` must be random and stay the same while clients are to keep
    /// their nonces.
    pub fn new(secret: [u8; 32]) -> Self {
        let nonces = Nonces::new(secret);
        let [a, b, c, d] = nonces.seeds();
        let hasher = RandomState::with_seeds(a, b, c, d);
        Shared {
            accounts: Arc::default(),
            nonces,
            reservations: Reservations::default(),
            connection_ids: Arc::default(),
            guesses: Guesses::new(&hasher),
            answers: Sources::new(hasher),
            keyring: Mutex::default(),
            allocations: Arc::default(),
            held: Arc::default(),
            held_of_source: Arc::default(),
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

    /// The connections with peers of all cores.
    pub(crate) fn connection_ids(&self) -> &Arc<ConnectionIds> {
        &self.connection_ids
    }

    /// The allocations of all cores.
    pub(crate) fn allocations(&self) -> &Arc<Tally> {
        &self.allocations
    }

    /// The requests that wait in all cores.
    pub(crate) fn held(&self) -> &Arc<Tally> {
        &self.held
    }

    /// Likewise of each source.
    pub(crate) fn held_of_source(&self) -> &Arc<SourceTally> {
        &self.held_of_source
    }

    /// What sources have been answered without proof of who they are.
    pub(crate) fn answers(&self) -> &Sources {
        &self.answers
    }

    /// What wrong keys have come from where.
    pub(crate) fn guesses(&self) -> &Guesses {
        &self.guesses
    }

    /// The keys that were right lately.
    pub(crate) fn keyring(&self) -> &Mutex<Keyring> {
        &self.keyring
    }
}
