//! How many connections there may be, and how many there are, of all workers.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use parking_lot::Mutex;

use crate::turn::address::AddrKey;

/// Bounds for connections.
#[derive(Clone, Copy, Debug)]
pub struct StreamLimits {
    /// Connections in all.
    pub total: u32,
    /// Likewise for each source address (IPv6: /64 network).
    pub per_source: u32,
    /// How long a connection may stay that has no allocation, no held request,
    /// and sends no whole message.
    pub idle: Duration,
    /// Bytes that wait for a client to read them; beyond, data is dropped.
    pub backlog: usize,
    /// How long a client may read nothing while something waits for it.
    pub stall: Duration,
    /// Handshakes of TLS at once.
    pub handshakes: u32,
    /// Likewise for each source address.
    pub handshakes_per_source: u32,
    /// How long a handshake may take, the wait for it included.
    pub handshake: Duration,
}

impl Default for StreamLimits {
    fn default() -> Self {
        StreamLimits {
            total: 20_000,
            per_source: 256,
            idle: Duration::from_secs(30),
            backlog: 256 * 1024,
            stall: Duration::from_secs(30),
            handshakes: 1024,
            handshakes_per_source: 64,
            handshake: Duration::from_secs(10),
        }
    }
}

/// Counts the connections of all workers, or those of them that are in a handshake.
#[derive(Debug, Default)]
pub struct ConnectionCount {
    counts: Mutex<(u32, HashMap<AddrKey, u32>)>,
}

impl ConnectionCount {
    /// Counts a connection in all, whosoever it is.
    pub fn enter(&self, most: u32) -> bool {
        let (total, _) = &mut *self.counts.lock();
        let admitted = *total < most;
        *total += u32::from(admitted);
        admitted
    }

    /// Counts it for its source as well.
    pub fn count_source(&self, ip: &IpAddr, most: u32) -> bool {
        let (_, sources) = &mut *self.counts.lock();
        let source = sources.entry(AddrKey::source(ip)).or_default();
        let admitted = *source < most;
        *source += u32::from(admitted);
        if *source == 0 {
            sources.remove(&AddrKey::source(ip));
        }
        admitted
    }

    pub fn leave(&self, source: Option<IpAddr>) {
        let (total, sources) = &mut *self.counts.lock();
        *total -= 1;
        let Some(key) = source.map(|ip| AddrKey::source(&ip)) else {
            return;
        };
        if let Some(source) = sources.get_mut(&key) {
            *source -= 1;
            if *source == 0 {
                sources.remove(&key);
            }
        }
    }

    /// Connections that are open now.
    pub fn total(&self) -> u32 {
        self.counts.lock().0
    }
}
