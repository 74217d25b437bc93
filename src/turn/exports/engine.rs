//! What runs behind a server's handle.
#![forbid(unsafe_code)]

use std::net::{IpAddr, SocketAddr};

use parking_lot::Mutex;

use crate::stun::address::Family;
use crate::turn::auth::accounts::Accounts;
use crate::turn::core::counters::Counters;
use crate::turn::driver::{
    BadTls, Cores, Embedded, KernelStatus, Options, Output, Pair, RawAddress, Server,
};
use crate::turn::policy::ranges::Range;
use crate::turn::state::five_tuple::{Listener, Transport};

/// Cores, and whoever drives them.
pub enum Engine {
    /// Threads of our own.
    Threads(Server),
    /// The application.
    Embedded(Box<Embedded>, Mutex<Taken>),
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
            Engine::Embedded(core, _) => core.cores(),
        }
    }

    pub fn accounts(&self) -> &Accounts {
        match self {
            Engine::Threads(server) => server.accounts(),
            Engine::Embedded(core, _) => core.accounts(),
        }
    }

    pub fn listeners(&self) -> Vec<Listener> {
        match self {
            Engine::Threads(server) => server.listeners(),
            Engine::Embedded(core, _) => core.listeners().to_vec(),
        }
    }

    pub fn totals(&self) -> Counters {
        match self {
            Engine::Threads(server) => server.totals(),
            Engine::Embedded(core, _) => core.cores().totals(),
        }
    }

    /// Whether channel data goes through the kernel. What the application drives has
    /// its own sockets.
    pub fn kernel_status(&self) -> KernelStatus {
        match self {
            Engine::Threads(server) => server.kernel_status(),
            Engine::Embedded(..) => KernelStatus::default(),
        }
    }

    /// A user's rate has changed.
    pub fn rate_changed(&self) {
        match self {
            Engine::Threads(server) => server.cores().rate_changed(),
            Engine::Embedded(..) => {}
        }
    }

    pub fn set_alternate(
        &self,
        transport: Option<Transport>,
        family: Family,
        server: Option<SocketAddr>,
    ) {
        match self {
            Engine::Threads(threads) => threads.set_alternate(transport, family, server),
            Engine::Embedded(core, _) => core.cores().set_alternate(transport, family, server),
        }
    }

    /// Changes which peers clients may reach.
    pub fn set_peers(&self, allow: Vec<Range>, deny: Vec<Range>) {
        match self {
            Engine::Threads(server) => server.set_peers(allow, deny),
            Engine::Embedded(core, _) => core.set_peers(&allow, &deny),
        }
    }

    /// Whether a configured relay address is announced as `external` from now on.
    /// An embedded core has none.
    pub fn set_external(&self, at: IpAddr, external: IpAddr) -> bool {
        match self {
            Engine::Threads(server) => server.set_external(at, external),
            Engine::Embedded(..) => false,
        }
    }

    /// Goes by the limits of these options from now on.
    pub fn set_limits(&self, options: &Options) {
        match self {
            Engine::Threads(server) => server.set_limits(options),
            Engine::Embedded(core, _) => core.cores().set_limits(&options.config),
        }
    }

    /// Serves TLS with other certificates from now on. An embedded core has none.
    pub fn set_certificates(&self, pairs: &[Pair]) -> Result<(), BadTls> {
        match self {
            Engine::Threads(server) => server.set_certificates(pairs),
            Engine::Embedded(..) => Err(BadTls::Unused),
        }
    }

    pub fn drain(&self, drain: bool) {
        match self {
            Engine::Threads(server) => server.drain(drain),
            Engine::Embedded(core, _) => core.drain(drain),
        }
    }

    pub fn stop(&self) {
        match self {
            Engine::Threads(server) => server.stop(),
            Engine::Embedded(core, _) => core.stop(),
        }
    }

    /// Whether it has stopped: the observer will not be called again.
    pub fn has_ended(&self) -> bool {
        match self {
            Engine::Threads(server) => server.has_ended(),
            Engine::Embedded(core, _) => core.has_ended(),
        }
    }

    /// Whether a function of the observer's may be what calls.
    pub fn is_inside(&self) -> bool {
        match self {
            Engine::Threads(server) => server.is_worker(),
            Engine::Embedded(core, _) => core.is_busy(),
        }
    }
}
