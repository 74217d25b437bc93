//! The permissions of an allocation (RFC 8656, 9): by address, whatever the port.
#![forbid(unsafe_code)]

use std::net::IpAddr;
use std::time::Duration;

use smallvec::SmallVec;

use crate::stun::address::Family;
use crate::turn::address::AddrKey;
use crate::turn::time::Time;

/// How long a permission lasts; the RFC leaves no choice.
pub(crate) const PERMISSION_LIFETIME: Duration = Duration::from_secs(300);

/// Permissions, sorted by address. Expired ones count as absent and go when
/// the table is next written. A single one stands in the allocation itself, as
/// with [`Channels`](crate::turn::state::channels::Channels).
#[derive(Debug, Default)]
pub(crate) struct Permissions {
    list: SmallVec<[(AddrKey, Time); 1]>,
}

/// A table that has no room left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl Permissions {
    /// Whether packets may pass between the allocation and this address.
    pub(crate) fn allow(&self, ip: &IpAddr, now: Time) -> bool {
        match self.find(&AddrKey::of_ip(ip)) {
            Ok(at) => self.list[at].1 > now,
            Err(_) => false,
        }
    }

    /// When the permission of an address expires, or did; the beginning of time where there is none.
    pub(crate) fn until(&self, ip: &IpAddr) -> Time {
        let found = self.find(&AddrKey::of_ip(ip));
        found.map_or(Time::ZERO, |at| self.list[at].1)
    }

    /// All, with when they expire; some may have.
    pub(crate) fn all(&self) -> impl Iterator<Item = (IpAddr, Time)> {
        self.list.iter().map(|(key, expires)| (key.ip(), *expires))
    }

    /// Forgets those that have expired.
    pub(crate) fn purge(&mut self, now: Time) {
        self.list.retain(|(_, expires)| *expires > now);
    }

    /// Installs or refreshes permissions for all addresses, or for none.
    pub(crate) fn grant(&mut self, ips: &[IpAddr], limit: usize, now: Time) -> Result<(), Full> {
        self.purge(now);
        let before = self.list.clone();
        for ip in ips {
            let key = AddrKey::of_ip(ip);
            let expires = now + PERMISSION_LIFETIME;
            match self.find(&key) {
                Ok(at) => self.list[at].1 = expires,
                Err(_) if self.list.len() >= limit => {
                    self.list = before;
                    return Err(Full);
                }
                Err(at) => self.list.insert(at, (key, expires)),
            }
        }
        Ok(())
    }

    /// Forgets the permissions of one address family.
    pub(crate) fn revoke(&mut self, family: Family) {
        self.list.retain(|(key, _)| Family::of(&key.ip()) != family);
    }

    /// Forgets those that are not to be kept.
    pub(crate) fn retain(&mut self, keep: impl Fn(&IpAddr) -> bool) {
        self.list.retain(|(key, _)| keep(&key.ip()));
    }

    /// The addresses that have a permission now.
    pub(crate) fn live(&self, now: Time) -> impl Iterator<Item = IpAddr> {
        let live = self.list.iter().filter(move |(_, expires)| *expires > now);
        live.map(|(key, _)| key.ip())
    }

    fn find(&self, key: &AddrKey) -> Result<usize, usize> {
        self.list.binary_search_by(|(own, _)| own.cmp(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_expire_and_are_all_or_none() {
        let ip = |n: u8| IpAddr::from([1, 2, 3, n]);
        let later = Time::ZERO + PERMISSION_LIFETIME;
        let mut permissions = Permissions::default();
        permissions.grant(&[ip(1), ip(2)], 3, Time::ZERO).unwrap();
        assert_eq!(permissions.grant(&[ip(3), ip(4)], 3, Time::ZERO), Err(Full));
        assert!(!permissions.allow(&ip(3), Time::ZERO));
        assert!(permissions.allow(&ip(1), Time::ZERO));
        assert!(!permissions.allow(&ip(1), later));
        permissions.grant(&[ip(3), ip(4), ip(4)], 3, later).unwrap();
        assert_eq!(permissions.live(later).collect::<Vec<_>>(), [ip(3), ip(4)]);
        permissions.revoke(Family::V4);
        assert!(!permissions.allow(&ip(3), later));
    }
}
