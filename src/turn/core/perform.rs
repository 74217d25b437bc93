//! Requests on an existing allocation, once authenticated: Refresh,
//! CreatePermission and ChannelBind (RFC 8656, 8, 10 and 12.2), and Connect, which is
//! done in `connections.rs`.
#![forbid(unsafe_code)]

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::stun::address::Family;
use crate::stun::attributes::kind;
use crate::stun::errors;
use crate::stun::message::{CHANNELS, Message, Method};
use crate::turn::auth::credentials::Signer;
use crate::turn::core::action::{Action, Event, Reach};
use crate::turn::policy::peers::Verdict;
use crate::turn::state::allocation::Reason;
use crate::turn::state::arena::AllocationId;
use crate::turn::state::channels::BindError;
use crate::turn::state::five_tuple::{Link, RelayTransport};
use crate::turn::state::timers::Due;
use crate::turn::time::Time;

use super::Core;
use super::allocate::requested_family;

/// What a request has brought about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Performed {
    /// The allocation lasts so much longer.
    Refreshed(Duration),
    /// The allocation, or one of its relayed addresses, is given back.
    Deleted,
    /// The client may reach a peer.
    Permitted,
}

impl Core {
    /// Does what the request asks for, and writes the reply unless it comes later.
    pub(super) fn perform(
        &mut self,
        id: AllocationId,
        link: &Link,
        message: &Message<'_>,
        signer: &Signer,
        now: Time,
        out: &mut Vec<u8>,
    ) -> Action {
        self.expire_reaches(id, now);
        let done = match message.method() {
            _ if !message.unknown().is_empty() => Err(errors::UNKNOWN_ATTRIBUTE),
            Method::Refresh => self.refresh(id, message, now),
            Method::CreatePermission => self.create_permission(id, message, now),
            Method::ChannelBind => self.channel_bind(id, message, now),
            Method::Connect => match self.connect(id, message, signer, now) {
                Ok(()) => return Action::Nothing,
                Err(code) => Err(code),
            },
            _ => Err(errors::BAD_REQUEST),
        };
        if done.is_ok() {
            self.reroute(id);
            self.watch_reaches(id);
        }
        match done {
            Ok(performed) => self.succeed(message, Some(signer), out, |writer| match performed {
                Performed::Refreshed(lifetime) => {
                    writer.number(kind::LIFETIME, lifetime.as_secs() as u32);
                }
                Performed::Deleted => {
                    writer.number(kind::LIFETIME, 0);
                }
                Performed::Permitted => {}
            }),
            Err(code) => self.fail(link, message, code, signer, out),
        }
        if done == Ok(Performed::Deleted) {
            // The allocation that could answer a retransmission is gone.
            self.keep_farewell(link, message, out, now);
        }
        Action::Reply
    }

    fn refresh(
        &mut self,
        id: AllocationId,
        message: &Message<'_>,
        now: Time,
    ) -> Result<Performed, u16> {
        let lifetime = message.number(kind::LIFETIME);
        let lifetime = lifetime.map_err(|_| errors::BAD_REQUEST)?;
        let wanted = requested_family(message)?;
        let allocation = self.table.get(id).ok_or(errors::ALLOCATION_MISMATCH)?;
        if wanted.is_some_and(|family| allocation.relayed_address(family).is_none()) {
            return Err(errors::PEER_FAMILY_MISMATCH);
        }
        let is_dual = allocation.relayed.iter().flatten().count() == 2;
        let end = allocation.end;
        if lifetime == Some(0) {
            match wanted {
                Some(family) if is_dual => self.retime(id, |core| core.drop_relayed(id, family)),
                _ => self.end(id, Reason::Deleted, now),
            }
            return Ok(Performed::Deleted);
        }
        let expires = self.expiry(lifetime, end, now);
        self.retime(id, |core| {
            if let Some(allocation) = core.table.get_mut(id) {
                allocation.set_expiry(wanted, expires);
                allocation.lifetime = expires.since(now);
            }
        });
        Ok(Performed::Refreshed(expires.since(now)))
    }

    /// Changes the expiry of an allocation, and its timer with it.
    pub(super) fn retime(&mut self, id: AllocationId, change: impl FnOnce(&mut Self)) {
        let next = |core: &Self| core.table.get(id).and_then(|a| a.next_expiry());
        if let Some(at) = next(self) {
            self.timers.cancel(at, Due::Allocation(id));
        }
        change(self);
        if let Some(at) = next(self) {
            self.timers.set(at, Due::Allocation(id));
        }
    }

    fn create_permission(
        &mut self,
        id: AllocationId,
        message: &Message<'_>,
        now: Time,
    ) -> Result<Performed, u16> {
        let mut ips = Vec::new();
        for peer in message.peers() {
            ips.push(peer.map_err(|_| errors::BAD_REQUEST)?.ip());
        }
        if ips.is_empty() {
            return Err(errors::BAD_REQUEST);
        }
        self.check_peers(id, &ips)?;
        self.permit(id, &ips, now)?;
        Ok(Performed::Permitted)
    }

    /// Installs permissions, all or none.
    fn permit(&mut self, id: AllocationId, ips: &[IpAddr], now: Time) -> Result<(), u16> {
        let limit = self.config.max_permissions;
        let allocation = self.table.get_mut(id).ok_or(errors::ALLOCATION_MISMATCH)?;
        let permissions = &mut allocation.permissions;
        let is_told = self.config.tell_peers;
        let is_new = |ip: &&IpAddr| is_told && !permissions.allow(ip, now);
        let new: Vec<IpAddr> = ips.iter().filter(is_new).copied().collect();
        let granted = permissions.grant(ips, limit, now);
        granted.map_err(|_| errors::INSUFFICIENT_CAPACITY)?;
        let reaches = |ip| Event::Reaches(id, Reach::Permission(ip));
        self.events.extend(new.into_iter().map(reaches));
        Ok(())
    }

    fn channel_bind(
        &mut self,
        id: AllocationId,
        message: &Message<'_>,
        now: Time,
    ) -> Result<Performed, u16> {
        let number = match message.get(kind::CHANNEL_NUMBER) {
            Some([high, low, _, _]) => u16::from_be_bytes([*high, *low]),
            _ => return Err(errors::BAD_REQUEST),
        };
        let peer = message.xor_address(kind::XOR_PEER_ADDRESS);
        let peer = peer.ok_or(errors::BAD_REQUEST)?;
        if !CHANNELS.contains(&number) || peer.port() == 0 {
            return Err(errors::BAD_REQUEST);
        }
        self.check_family(id, &[peer.ip()])?;
        self.check_channel(&peer)?;
        let max_channels = self.config.max_channels;
        let allocation = self.table.get_mut(id).ok_or(errors::ALLOCATION_MISMATCH)?;
        if allocation.transport != RelayTransport::Udp {
            return Err(errors::BAD_REQUEST);
        }
        let code = |error| match error {
            BindError::Taken => errors::BAD_REQUEST,
            BindError::Full => errors::INSUFFICIENT_CAPACITY,
        };
        let channels = &mut allocation.channels;
        channels
            .check(number, &peer, max_channels, now)
            .map_err(code)?;
        let is_new = channels.number(&peer, now).is_none();
        self.permit(id, &[peer.ip()], now)?;
        let allocation = self.table.get_mut(id).ok_or(errors::ALLOCATION_MISMATCH)?;
        let bound = allocation.channels.bind(number, peer, max_channels, now);
        bound.map_err(code)?;
        if is_new && self.config.tell_peers {
            let reach = Reach::Channel(number, peer);
            self.events.push_back(Event::Reaches(id, reach));
        }
        Ok(Performed::Permitted)
    }

    /// Whether an allocation may have permissions for these peers: 443 for a
    /// family that it has no relayed address of, 403 where policy says no.
    fn check_peers(&self, id: AllocationId, ips: &[IpAddr]) -> Result<(), u16> {
        self.check_family(id, ips)?;
        let policy = &self.config.policy;
        let is_denied = |ip: &IpAddr| policy.judge(ip, None) == Verdict::Deny;
        match ips.iter().any(is_denied) {
            true => Err(errors::FORBIDDEN),
            false => Ok(()),
        }
    }

    pub(super) fn check_family(&self, id: AllocationId, ips: &[IpAddr]) -> Result<(), u16> {
        let allocation = self.table.get(id).ok_or(errors::ALLOCATION_MISMATCH)?;
        let is_foreign = |ip: &IpAddr| allocation.relayed_address(Family::of(ip)).is_none();
        match ips.iter().any(is_foreign) {
            true => Err(errors::PEER_FAMILY_MISMATCH),
            false => Ok(()),
        }
    }

    /// Whether packets to a peer would get anywhere: 403 at once is better than
    /// a channel into nowhere.
    fn check_channel(&self, peer: &SocketAddr) -> Result<(), u16> {
        let neighbours = self.config.neighbours.as_ref();
        let is_relayed = || {
            self.table.relay_at(peer).is_some()
                || neighbours.is_none_or(|others| others.is_relayed(peer))
        };
        let is_taken = || {
            self.listeners.iter().any(|own| own.address == *peer)
                || neighbours.is_some_and(|others| others.is_taken(peer))
        };
        let is_open = match self.config.policy.judge(&peer.ip(), Some(peer.port())) {
            Verdict::Allow => is_relayed() || !is_taken(),
            Verdict::Inside => is_relayed(),
            Verdict::Deny => false,
        };
        is_open.then_some(()).ok_or(errors::FORBIDDEN)
    }
}
