//! Which worker has which port of a relay address.
#![forbid(unsafe_code)]

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU16, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use super::relay_addresses::RelayAddress;

/// Addresses that a server may come to have in its life.
const MOST_ADDRESSES: usize = 1024;

/// The relay addresses of a server with the owner of every port, for all
/// workers and without a lock. Addresses are added while it runs, and stay.
#[derive(Debug)]
pub struct Ports {
    addresses: Box<[OnceLock<Address>]>,
    /// How many there are.
    count: Mutex<usize>,
    range: RangeInclusive<u16>,
}

#[derive(Debug)]
struct Address {
    address: RelayAddress,
    owners: Owners,
}

/// By port of the range: the worker that has it, plus one; 0 for nobody.
/// Addresses that are bound or seen as the same one have them in common.
type Owners = Arc<[AtomicU16]>;

/// Spreads ports, so that the next one cannot be guessed from the last.
#[derive(Debug)]
pub struct Spread(u32);

impl Spread {
    /// `seed` is random.
    pub fn new(seed: u32) -> Self {
        Spread(seed | 1)
    }

    /// A few random bits: where to begin to look for a port, or an address.
    pub fn next(&mut self) -> u16 {
        // xorshift32: quick, and seeded by the system.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        (self.0 >> 8) as u16
    }
}

/// A port that nobody else can claim until it is given back.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    address: usize,
    port: u16,
}

impl Ports {
    pub fn new(range: RangeInclusive<u16>) -> Self {
        Ports {
            addresses: (0..MOST_ADDRESSES).map(|_| OnceLock::new()).collect(),
            count: Mutex::new(0),
            range,
        }
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
        let owners = self.all().find(same).map(|a| a.owners.clone());
        let place = self.addresses.get(*count)?;
        // Only who holds the lock sets one.
        let _ = place.set(Address {
            address,
            owners: owners
                .unwrap_or_else(|| self.range.clone().map(|_| AtomicU16::new(0)).collect()),
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

    /// Claims free ports of an address one after the other, from a random one
    /// on, until `bind` takes one or all have been offered: even ones with the
    /// next above if `pair`, even ones if `even`.
    pub fn claim<T>(
        &self,
        address: usize,
        worker: u16,
        (even, pair): (bool, bool),
        random: u16,
        mut bind: impl FnMut(Claim) -> Option<T>,
    ) -> Option<(Claim, T)> {
        let (first, last) = (u32::from(*self.range.start()), u32::from(*self.range.end()));
        let count = (last + 1).saturating_sub(first);
        // A foreign program's ports are found taken only by binding.
        let mut attempts = 0;
        for step in 0..count {
            let port = (first + (u32::from(random) + step) % count) as u16;
            if even && port % 2 == 1 || pair && u32::from(port) == last {
                continue;
            }
            let claim = Claim { address, port };
            if !self.take(claim, worker) {
                continue;
            }
            if pair && !self.take(claim.next(), worker) {
                self.release(claim);
                continue;
            }
            if let Some(bound) = bind(claim) {
                return Some((claim, bound));
            }
            self.release(claim);
            if pair {
                self.release(claim.next());
            }
            attempts += 1;
            if attempts == 64 {
                break;
            }
        }
        None
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
        let owner = found.owners.get(usize::from(place))?.load(Relaxed);
        owner.checked_sub(1)
    }

    /// Another worker has it from now on.
    pub fn pass(&self, claim: Claim, worker: u16) {
        self.at(claim).store(worker + 1, Relaxed);
    }

    pub fn release(&self, claim: Claim) {
        self.at(claim).store(0, Relaxed);
    }

    fn take(&self, claim: Claim, worker: u16) -> bool {
        self.at(claim)
            .compare_exchange(0, worker + 1, Relaxed, Relaxed)
            .is_ok()
    }

    fn at(&self, claim: Claim) -> &AtomicU16 {
        &self.address(claim).owners[usize::from(claim.port - self.range.start())]
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

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn ports() -> Ports {
        let ip: IpAddr = "127.0.0.1".parse().unwrap();
        let advertised: IpAddr = "198.51.100.1".parse().unwrap();
        let address = RelayAddress {
            bind: ip,
            advertised,
        };
        let ports = Ports::new(100..=109);
        assert_eq!(ports.number(address), Some(0));
        assert_eq!(ports.number(address), Some(0));
        ports
    }

    #[test]
    fn every_port_of_the_range_is_claimed_once_and_no_other() {
        let ports = ports();
        let mut claims: Vec<_> = (0..10)
            .map(|i| ports.claim(0, i, (false, false), i * 7, |_| Some(())))
            .map(|claim| ports.bound(claim.unwrap().0).port())
            .collect();
        claims.sort_unstable();
        assert_eq!(claims, (100..=109).collect::<Vec<_>>());
        assert!(ports.claim(0, 1, (false, false), 3, |_| Some(())).is_none());
    }

    #[test]
    fn pairs_are_even_and_whole_or_not_at_all() {
        let ports = ports();
        let taken = ports
            .claim(0, 1, (false, false), 3, |_| Some(()))
            .unwrap()
            .0;
        assert_eq!(ports.bound(taken).port(), 103);
        let mut evens: Vec<_> = (0..5)
            .filter_map(|i| ports.claim(0, 2, (true, true), i, |_| Some(())))
            .map(|(claim, ())| ports.bound(claim).port())
            .collect();
        evens.sort_unstable();
        assert_eq!(evens, [100, 104, 106, 108]);
        let left = ports
            .claim(0, 2, (false, false), 0, |_| Some(()))
            .unwrap()
            .0;
        assert_eq!(ports.bound(left).port(), 102);
    }

    #[test]
    fn owners_are_found_by_what_peers_see() {
        let ports = ports();
        let at = |claim| ports.owner(&ports.advertised(claim));
        let (claim, ()) = ports.claim(0, 5, (false, false), 0, |_| Some(())).unwrap();
        assert_eq!(at(claim), Some(5));
        assert_eq!(ports.owner(&ports.bound(claim)), None);
        ports.pass(claim, 6);
        assert_eq!(at(claim), Some(6));
        ports.release(claim);
        assert_eq!(at(claim), None);
        let refused = ports.claim(0, 5, (false, false), 0, |_| None::<()>);
        assert!(refused.is_none());
        assert_eq!(at(claim), None);
    }
}
