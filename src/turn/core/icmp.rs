//! What the network says of datagrams to peers: RFC 8656, 11.5.
#![forbid(unsafe_code)]

use std::net::SocketAddr;
use std::time::Duration;

use crate::stun::Writer;
use crate::stun::address::Family;
use crate::stun::attributes::kind;
use crate::stun::message::{Class, Method};
use crate::turn::core::action::{Event, IcmpError};
use crate::turn::policy::limits::Frequency;
use crate::turn::state::arena::RelayId;
use crate::turn::state::table::Owner;
use crate::turn::time::Time;

use super::Core;

/// How often the client of an allocation is told of an error.
const TOLD: Frequency = Frequency {
    every: Duration::from_millis(100),
    burst: 10,
};

impl Core {
    /// Takes in an ICMP error about a datagram from a relay socket to a peer. The
    /// client gets it in a Data indication, as an [`Event::Send`], where it has a
    /// permission for the peer, and not too often.
    pub fn icmp_error(&mut self, relay: RelayId, peer: SocketAddr, error: IcmpError, now: Time) {
        let (Some(Owner::Allocation(id)), Some(value)) =
            (self.table.owner(relay), error.value(&peer))
        else {
            return;
        };
        let Some(allocation) = self.table.get_mut(id) else {
            return;
        };
        let relayed = allocation.relayed_address(Family::of(&peer.ip()));
        let is_live = relayed.is_some_and(|own| own.relay == relay && own.expires > now);
        let may_know = is_live && allocation.permissions.allow(&peer.ip(), now);
        if allocation.ended.is_some() || !may_know {
            return;
        }
        let Some(next) = TOLD.take(allocation.icmp_errors, now) else {
            return;
        };
        allocation.icmp_errors = next;
        let link = allocation.link;
        let indication = self.indication_id();
        let mut bytes = Vec::new();
        Writer::new(&mut bytes, Method::Data, Class::Indication, &indication)
            .xor_address(kind::XOR_PEER_ADDRESS, &peer)
            .attribute(kind::ICMP, &value);
        self.counters.icmp_errors += 1;
        self.events.push_back(Event::Send(link, bytes));
    }
}
