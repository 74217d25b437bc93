//! Which worker has which port of a relay address.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;

use crate::turn::shrink::shrink_map;
use crate::turn::time::Time;

use super::relay_addresses::RelayAddress;
use free::{FOREIGN, FreePorts, Rested};

mod free;

/// Addresses that a server may come to have in its life.
const MOST_ADDRESSES: usize = 1024;

/// The relay addresses of a server with the owner of every port, for all
/// workers; who has one is read without a lock. Addresses are added while it runs, and stay.
#[derive(Debug)]
pub struct Ports {
    addresses: Box<[OnceLock<Address>]>,
    /// How many there are.
    count: Mutex<usize>,
    range: RangeInclusive<u16>,
    /// How long a port rests before the next has it, in milliseconds.
    port_rest: AtomicU64,
}

#[derive(Debug)]
struct Address {
    address: RelayAddress,
    states: States,
}

/// Addresses that are bound or seen as the same one have them in common.
type States = Arc<State>;

/// What is known of the ports of an address.
#[derive(Debug)]
struct State {
    /// By port of the range: the worker that has it, plus one; 0 for nobody.
    owners: Box<[AtomicU16]>,
    /// By port of a TCP relay: the number of its address, which is one of several where
    /// they are bound or seen as the same one.
    streams: Mutex<HashMap<u16, usize>>,
    free: Mutex<FreePorts>,
}

impl State {
    fn new(range: RangeInclusive<u16>) -> Self {
        State {
            owners: range.clone().map(|_| AtomicU16::new(0)).collect(),
            streams: Mutex::default(),
            free: Mutex::new(FreePorts::new(range)),
        }
    }
}

/// How long a port that another program had is not tried before others.
const FOREIGN_FOR: Duration = Duration::from_secs(30);
/// Ports tried for one allocation that other programs are known to have. None of them is
/// tried again for a while, so the next allocation gets further.
const ATTEMPTS: usize = 1024;

/// What is wanted of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Any,
    Even,
    /// An even one with the next above.
    Pair,
}

/// Why a port is not bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotBound {
    /// Another program has it.
    Taken,
    /// No other will be had either.
    Failed,
}

/// A port that nobody else can claim until it is given back.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    address: usize,
    port: u16,
}

impl Ports {
    pub fn new(range: RangeInclusive<u16>, port_rest: Duration) -> Self {
        Ports {
            addresses: (0..MOST_ADDRESSES).map(|_| OnceLock::new()).collect(),
            count: Mutex::new(0),
            range,
            port_rest: AtomicU64::new(port_rest.as_millis() as u64),
        }
    }

    /// Ports that are given back from now on rest for so long.
    pub fn set_rest(&self, port_rest: Duration) {
        let millis = port_rest.as_millis() as u64;
        self.port_rest.store(millis, Relaxed);
    }

    /// The number of an address, which may be a new one. `None` when there
    /// have been too many.
    pub fn number(&self, address: RelayAddress) -> Option<usize> {
        let mut count = self.count.lock();
        if let Some(known) = self.all().position(|a| a.address == address) {
            return Some(known);
        }
        let same = |a: &&Address| {
            a.address.bind == address.bind || a.address.advertised == address.advertised
        };
        let states = self.all().find(same).map(|a| a.states.clone());
        let place = self.addresses.get(*count)?;
        // Only who holds the lock sets one.
        let _ = place.set(Address {
            address,
            states: states.unwrap_or_else(|| Arc::new(State::new(self.range.clone()))),
        });
        *count += 1;
        Some(*count - 1)
    }

    /// The addresses that peers have seen so far.
    pub fn advertised_addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.all().map(|a| a.address.advertised)
    }

    fn all(&self) -> impl Iterator<Item = &Address> {
        self.addresses.iter().map_while(OnceLock::get)
    }

    /// Claims a free port of an address that `bind` takes. First those that have rested, in
    /// random order; then the one that has rested longest; last those that another
    /// program had a while ago.
    pub fn claim<T>(
        &self,
        address: usize,
        worker: u16,
        kind: Kind,
        now: Time,
        mut bind: impl FnMut(Claim) -> Result<T, NotBound>,
    ) -> Option<(Claim, T)> {
        // Kept until the end, so that none is tried twice.
        let mut tried = Vec::new();
        let mut foreign = 0;
        let mut found = None;
        while foreign < ATTEMPTS && found.is_none() {
            let Some((claim, is_foreign)) = self.take(address, worker, kind, now) else {
                break;
            };
            foreign += usize::from(is_foreign);
            match bind(claim) {
                Ok(bound) => found = Some((claim, bound)),
                Err(NotBound::Taken) => tried.push(claim),
                Err(NotBound::Failed) => {
                    self.give_back(claim, kind, tenths(now));
                    break;
                }
            }
        }
        for claim in tried {
            self.give_back(claim, kind, tenths(now + FOREIGN_FOR) | FOREIGN);
        }
        found
    }

    /// A free port of the kind, and whether another program is known to have it.
    fn take(&self, address: usize, worker: u16, kind: Kind, now: Time) -> Option<(Claim, bool)> {
        let states = &self.addresses[address].get()?.states;
        let taken = states.free.lock().take(kind, tenths(now));
        let (port, is_foreign) = taken?;
        let claim = Claim { address, port };
        self.pass(claim, worker);
        if kind == Kind::Pair {
            self.pass(claim.next(), worker);
        }
        Some((claim, is_foreign))
    }

    /// How many ports are in use, and how many rest, of all addresses.
    pub fn count(&self, now: Time) -> (usize, usize) {
        let mut counted: Vec<&States> = Vec::new();
        let mut sum = (0, 0);
        for states in self.all().map(|address| &address.states) {
            if counted.iter().any(|known| Arc::ptr_eq(known, states)) {
                continue;
            }
            counted.push(states);
            let (used, resting) = states.free.lock().count(tenths(now));
            sum = (sum.0 + used, sum.1 + resting);
        }
        sum
    }

    /// Where a claimed port is bound.
    pub fn bound(&self, claim: Claim) -> SocketAddr {
        SocketAddr::new(self.address(claim).address.bind, claim.port)
    }

    /// What peers see of it.
    pub fn advertised(&self, claim: Claim) -> SocketAddr {
        SocketAddr::new(self.address(claim).address.advertised, claim.port)
    }

    /// The worker that has the port with this advertised address.
    pub fn owner(&self, advertised: &SocketAddr) -> Option<u16> {
        let ip = advertised.ip();
        let found = self.all().find(|a| a.address.advertised == ip)?;
        let place = advertised.port().checked_sub(*self.range.start())?;
        let owner = found.states.owners.get(usize::from(place))?;
        owner.load(Relaxed).checked_sub(1)
    }

    /// A TCP relay has a claimed port.
    pub fn serve_tcp(&self, claim: Claim) {
        let mut streams = self.address(claim).states.streams.lock();
        streams.insert(claim.port, claim.address);
    }

    /// Where the TCP relay with this advertised address is bound, if there is one.
    pub fn tcp_relay(&self, advertised: &SocketAddr) -> Option<SocketAddr> {
        let claim = self.stream_at(advertised, |known| known.advertised)?;
        Some(self.bound(claim))
    }

    /// What peers see of the TCP relay that is bound to this address, if there is one.
    pub fn seen_as(&self, bound: &SocketAddr) -> Option<SocketAddr> {
        let claim = self.stream_at(bound, |known| known.bind)?;
        (self.bound(claim) == *bound).then(|| self.advertised(claim))
    }

    /// The port of a TCP relay at an address that it has or has had.
    fn stream_at(
        &self,
        given: &SocketAddr,
        end: impl Fn(&RelayAddress) -> IpAddr,
    ) -> Option<Claim> {
        let port = given.port();
        let mut at = self.all().filter(|known| end(&known.address) == given.ip());
        let number = at.find_map(|known| known.states.streams.lock().get(&port).copied());
        number.map(|address| Claim { address, port })
    }

    /// Another worker has it from now on.
    pub fn pass(&self, claim: Claim, worker: u16) {
        self.owner_of(claim).store(worker + 1, Relaxed);
    }

    /// Nobody has it any more, and nobody shall have it for a while: what was meant
    /// for the last user still comes.
    pub fn release(&self, claim: Claim, now: Time) {
        let rest = Duration::from_millis(self.port_rest.load(Relaxed));
        self.give_back(claim, Kind::Any, tenths(now + rest));
    }

    /// Gives back what was claimed: of a pair both.
    fn give_back(&self, claim: Claim, kind: Kind, rested: Rested) {
        let next = (kind == Kind::Pair).then(|| claim.next());
        for claim in [Some(claim), next].into_iter().flatten() {
            self.owner_of(claim).store(0, Relaxed);
            let states = &self.address(claim).states;
            let mut streams = states.streams.lock();
            streams.remove(&claim.port);
            shrink_map(&mut streams);
            states.free.lock().give_back(claim.port, rested);
        }
    }

    fn owner_of(&self, claim: Claim) -> &AtomicU16 {
        &self.address(claim).states.owners[usize::from(claim.port - self.range.start())]
    }

    fn address(&self, claim: Claim) -> &Address {
        // Claims are of addresses that there are.
        self.addresses[claim.address]
            .get()
            .expect("a claimed address")
    }
}

impl Claim {
    /// The next higher port of the same address.
    pub fn next(self) -> Claim {
        Claim {
            port: self.port + 1,
            ..self
        }
    }
}

/// Since this process first asked, never 0.
fn tenths(at: Time) -> Rested {
    let start = super::clock::start();
    let tenths = at.since(start).as_millis() / 100;
    tenths.min(u128::from(FOREIGN - 2)) as u32 + 1
}

#[cfg(test)]
mod tests;
