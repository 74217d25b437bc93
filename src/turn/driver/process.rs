//! The servers of this process: none relays to another's listener or relay port.
#![forbid(unsafe_code)]

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Weak};

use parking_lot::RwLock;

use crate::turn::core::config::Neighbours;

use super::relay_sockets::RelayPool;

static SERVERS: RwLock<Vec<Weak<RelayPool>>> = RwLock::new(Vec::new());
/// Whether there is more than one server.
static SEVERAL: AtomicBool = AtomicBool::new(false);
/// A bit for each port that a listener has had: a packet to any other need not
/// look further.
static LISTENING: [AtomicU64; 1024] = [const { AtomicU64::new(0) }; 1024];

/// Adds a server, until its pool is dropped.
pub fn enter(pool: &Arc<RelayPool>) {
    let mut servers = SERVERS.write();
    servers.retain(|server| server.strong_count() > 0);
    servers.push(Arc::downgrade(pool));
    SEVERAL.store(servers.len() > 1, Relaxed);
}

/// Takes a server out that has stopped.
pub fn leave(pool: &Arc<RelayPool>) {
    let mut servers = SERVERS.write();
    servers.retain(|server| !std::ptr::eq(server.as_ptr(), Arc::as_ptr(pool)));
    SEVERAL.store(servers.len() > 1, Relaxed);
}

/// Notes that a listener has this port.
pub fn note_port(port: u16) {
    let (word, bit) = (usize::from(port / 64), port % 64);
    LISTENING[word].fetch_or(1 << bit, Relaxed);
}

/// Whether a server of this process listens at an address, or another relays
/// from it: the caller knows about its own relays.
pub fn is_taken(address: &SocketAddr) -> bool {
    let (word, bit) = (usize::from(address.port() / 64), address.port() % 64);
    let may_listen = LISTENING[word].load(Relaxed) >> bit & 1 == 1;
    if !may_listen && !SEVERAL.load(Relaxed) {
        return false;
    }
    let servers = SERVERS.read();
    let mut alive = servers.iter().filter_map(Weak::upgrade);
    alive.any(|server| {
        server.ports.owner(address).is_some() || may_listen && server.listens_at(address)
    })
}

/// A server's view of its neighbours, for its cores.
#[derive(Debug)]
pub struct Neighbourhood(pub Arc<RelayPool>);

impl Neighbours for Neighbourhood {
    fn is_relayed(&self, address: &SocketAddr) -> bool {
        self.0.ports.owner(address).is_some()
    }

    fn is_tcp_relay(&self, address: &SocketAddr) -> bool {
        self.0.ports.tcp_relay(address).is_some()
    }

    fn is_taken(&self, address: &SocketAddr) -> bool {
        is_taken(address)
    }
}
