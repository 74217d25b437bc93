//! The channels of an allocation (RFC 8656, 12): a number for a peer.
#![forbid(unsafe_code)]

use std::net::SocketAddr;
use std::time::Duration;

use smallvec::SmallVec;

use crate::stun::address::Family;
use crate::turn::address::AddrKey;
use crate::turn::time::Time;

/// How long a binding lasts; the RFC leaves no choice.
pub(crate) const CHANNEL_LIFETIME: Duration = Duration::from_secs(600);

#[derive(Clone, Copy, Debug)]
struct Channel {
    number: u16,
    peer: SocketAddr,
    expires: Time,
}

/// Channel bindings, found by number and by peer. Expired ones count as absent
/// and go when the table is next written. A single one, which is what most
/// clients bind, stands in the allocation itself: with many clients, a block
/// apart would be one more wait for memory on the way of each packet.
#[derive(Debug, Default)]
pub(crate) struct Channels {
    by_number: SmallVec<[Channel; 1]>,
    by_peer: SmallVec<[(AddrKey, u16); 1]>,
}

/// Why a channel cannot be bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BindError {
    /// The number has another peer, or the peer another number.
    Taken,
    /// The table has no room left.
    Full,
}

impl Channels {
    /// The peer that a number is bound to.
    pub(crate) fn peer(&self, number: u16, now: Time) -> Option<SocketAddr> {
        let channel = &self.by_number[self.find(number).ok()?];
        (channel.expires > now).then_some(channel.peer)
    }

    /// The number that a peer is bound to.
    pub(crate) fn number(&self, peer: &SocketAddr, now: Time) -> Option<u16> {
        let at = self.find_peer(&AddrKey::of(peer)).ok()?;
        let number = self.by_peer[at].1;
        self.peer(number, now).map(|_| number)
    }

    /// All, in the order of their numbers, with when they expire; some may have.
    pub(crate) fn all(&self) -> impl Iterator<Item = (u16, SocketAddr, Time)> {
        let channels = self.by_number.iter();
        channels.map(|channel| (channel.number, channel.peer, channel.expires))
    }

    /// Whether a number is bound to a peer, or was until it expired.
    pub(crate) fn has(&self, number: u16, peer: &SocketAddr) -> bool {
        let found = self.find(number);
        found.is_ok_and(|at| self.by_number[at].peer == *peer)
    }

    /// Forgets those that have expired.
    pub(crate) fn purge(&mut self, now: Time) {
        self.retain_channels(|channel| channel.expires > now);
    }

    /// Whether a number can be bound to a peer, or is already.
    pub(crate) fn check(
        &mut self,
        number: u16,
        peer: &SocketAddr,
        limit: usize,
        now: Time,
    ) -> Result<(), BindError> {
        self.purge(now);
        match (self.find(number), self.find_peer(&AddrKey::of(peer))) {
            (Ok(_), Ok(at)) if self.by_peer[at].1 == number => Ok(()),
            (Err(_), Err(_)) if self.by_number.len() < limit => Ok(()),
            (Err(_), Err(_)) => Err(BindError::Full),
            _ => Err(BindError::Taken),
        }
    }

    /// Binds a number to a peer, or refreshes the binding. Nothing changes on
    /// an error.
    pub(crate) fn bind(
        &mut self,
        number: u16,
        peer: SocketAddr,
        limit: usize,
        now: Time,
    ) -> Result<(), BindError> {
        self.check(number, &peer, limit, now)?;
        let expires = now + CHANNEL_LIFETIME;
        let key = AddrKey::of(&peer);
        match (self.find(number), self.find_peer(&key)) {
            (Err(at), Err(place)) => {
                let channel = Channel {
                    number,
                    peer,
                    expires,
                };
                self.by_number.insert(at, channel);
                self.by_peer.insert(place, (key, number));
            }
            (Ok(at), _) => self.by_number[at].expires = expires,
            (Err(_), Ok(_)) => return Err(BindError::Taken),
        }
        Ok(())
    }

    /// Forgets the channels to peers of one address family.
    pub(crate) fn revoke(&mut self, family: Family) {
        self.retain_channels(|channel| Family::of(&channel.peer.ip()) != family);
    }

    /// Forgets those whose peers are not to be kept.
    pub(crate) fn retain(&mut self, keep: impl Fn(&SocketAddr) -> bool) {
        self.retain_channels(|channel| keep(&channel.peer));
    }

    fn retain_channels(&mut self, keep: impl Fn(&Channel) -> bool) {
        if self.by_number.iter().all(&keep) {
            return;
        }
        self.by_number.retain(|channel| keep(channel));
        let numbers = &self.by_number;
        self.by_peer
            .retain(|(_, number)| numbers.binary_search_by_key(number, |c| c.number).is_ok());
    }

    fn find(&self, number: u16) -> Result<usize, usize> {
        self.by_number.binary_search_by_key(&number, |c| c.number)
    }

    fn find_peer(&self, key: &AddrKey) -> Result<usize, usize> {
        self.by_peer.binary_search_by(|(own, _)| own.cmp(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_one_peer_and_a_peer_one_number() {
        let peer = |port: u16| SocketAddr::from(([1, 2, 3, 4], port));
        let now = Time::ZERO;
        let mut channels = Channels::default();
        assert_eq!(channels.bind(0x4001, peer(1), 2, now), Ok(()));
        assert_eq!(channels.bind(0x4001, peer(1), 2, now), Ok(()));
        assert_eq!(
            channels.bind(0x4001, peer(2), 2, now),
            Err(BindError::Taken)
        );
        assert_eq!(
            channels.bind(0x4002, peer(1), 2, now),
            Err(BindError::Taken)
        );
        assert_eq!(channels.bind(0x4000, peer(2), 2, now), Ok(()));
        assert_eq!(
            channels.bind(0x4001, peer(2), 2, now),
            Err(BindError::Taken)
        );
        assert_eq!(channels.bind(0x4003, peer(3), 2, now), Err(BindError::Full));
        assert_eq!(channels.peer(0x4001, now), Some(peer(1)));
        assert_eq!(channels.number(&peer(2), now), Some(0x4000));
        let later = now + CHANNEL_LIFETIME;
        assert_eq!(channels.peer(0x4001, later), None);
        assert_eq!(channels.number(&peer(2), later), None);
        assert_eq!(channels.bind(0x4001, peer(2), 2, later), Ok(()));
        assert_eq!(channels.number(&peer(1), later), None);
        channels.revoke(Family::V4);
        assert_eq!(channels.number(&peer(2), later), None);
    }
}
