//! What runs behind a server's handle.
#![forbid(unsafe_code)]

use parking_lot::Mutex;

use crate::turn::auth::accounts::Accounts;
use crate::turn::core::config::Listener;
use crate::turn::driver::{Cores, Driven, Output, RawAddress, Server, Totals};

/// Cores, and whoever drives them.
pub enum Engine {
    /// Threads of our own.
    Threads(Server),
    /// The application.
    Driven(Driven, Mutex<Taken>),
}

/// What the application took last: it is pointed to.
pub struct Taken {
    pub output: Option<Output>,
    pub address: RawAddress,
}

impl Default for Taken {
    fn default() -> Self {
        Taken {
            output: None,
            address: RawAddress::empty(),
        }
    }
}

impl Engine {
    pub fn cores(&self) -> &Cores {
        match self {
            Engine::Threads(server) => server.cores(),
            Engine::Driven(core, _) => core.cores(),
        }
    }

    pub fn accounts(&self) -> &Accounts {
        match self {
            Engine::Threads(server) => server.accounts(),
            Engine::Driven(core, _) => core.accounts(),
        }
    }

    pub fn listeners(&self) -> &[Listener] {
        match self {
            Engine::Threads(server) => server.listeners(),
            Engine::Driven(core, _) => core.listeners(),
        }
    }

    pub fn totals(&self) -> Totals {
        match self {
            Engine::Threads(server) => server.totals(),
            Engine::Driven(core, _) => core.cores().totals(),
        }
    }

    pub fn drain(&self, drain: bool) {
        match self {
            Engine::Threads(server) => server.drain(drain),
            Engine::Driven(core, _) => core.drain(drain),
        }
    }

    pub fn stop(&self) {
        match self {
            Engine::Threads(server) => server.stop(),
            Engine::Driven(core, _) => core.stop(),
        }
    }

    /// Whether it has stopped: the observer will not be called again.
    pub fn has_ended(&self) -> bool {
        match self {
            Engine::Threads(server) => server.has_ended(),
            Engine::Driven(core, _) => core.has_ended(),
        }
    }

    /// Whether a function of the observer's may be what calls.
    pub fn is_inside(&self) -> bool {
        match self {
            Engine::Threads(server) => server.is_worker(),
            Engine::Driven(core, _) => core.is_busy(),
        }
    }
}
