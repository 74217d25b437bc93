//! Making an allocation (RFC 8656, 7.2), once the client's right to it is proven.
#![forbid(unsafe_code)]

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::stun::Writer;
use crate::stun::address::Family;
use crate::stun::attributes::kind;
use crate::stun::errors;
use crate::stun::message::Message;
use crate::turn::auth::credentials::Keys;
use crate::turn::core::action::{Event, Grant, OpenError, Port, Relays};
use crate::turn::policy::limits::Bucket;
use crate::turn::state::allocation::{Allocation, RelayedAddress, Traffic};
use crate::turn::state::arena::RelayId;
use crate::turn::state::channels::Channels;
use crate::turn::state::five_tuple::{Link, RelayTransport, Transport};
use crate::turn::state::permissions::Permissions;
use crate::turn::state::replies::LastReplies;
use crate::turn::state::reservations::{ReservationToken, Reserved};
use crate::turn::state::table::Owner;
use crate::turn::state::timers::Due;
use crate::turn::time::Time;

use super::{Core, State};

/// REQUESTED-TRANSPORT: protocol numbers of IP.
const TCP: u8 = 6;
const UDP: u8 = 17;

/// What an Allocate request asks for.
struct Wish {
    transport: RelayTransport,
    /// A port reserved before.
    token: Option<ReservationToken>,
    family: Family,
    /// An IPv6 address beside the IPv4 one.
    both: bool,
    even: bool,
    reserve_next: bool,
    lifetime: Option<u32>,
}

/// Sockets opened for an allocation.
#[derive(Default)]
struct Opened {
    relays: [Option<(RelayId, SocketAddr)>; 2],
    token: Option<ReservationToken>,
    /// The family that could not be had, of two.
    missing: Option<(Family, u16)>,
}

/// What the success response tells.
pub(super) struct Granted {
    opened: Opened,
    lifetime: Duration,
}

impl Granted {
    pub(super) fn write(&self, writer: &mut Writer<'_>, client: &SocketAddr) {
        for (_, address) in self.opened.relays.iter().flatten() {
            writer.xor_address(kind::XOR_RELAYED_ADDRESS, address);
        }
        writer.number(kind::LIFETIME, self.lifetime.as_secs() as u32);
        if let Some(token) = &self.opened.token {
            writer.attribute(kind::RESERVATION_TOKEN, token);
        }
        if let Some((family, code)) = self.opened.missing {
            let (class, number) = ((code / 100) as u8, (code % 100) as u8);
            let value = [family.code(), 0, class, number];
            writer.attribute(kind::ADDRESS_ERROR_CODE, &value);
        }
        writer.xor_address(kind::XOR_MAPPED_ADDRESS, client);
    }
}

impl Core {
    /// # Errors
    /// The code to answer with.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn allocate(
        &mut self,
        link: &Link,
        message: &Message<'_>,
        user: &str,
        keys: Keys,
        grant: &Grant,
        now: Time,
        relays: &mut dyn Relays,
    ) -> Result<Granted, u16> {
        let client = link.key();
        if self.table.of_client(&client).is_some() {
            return Err(errors::ALLOCATION_MISMATCH);
        }
        if self.alternate_for(link).is_some() {
            return Err(errors::TRY_ALTERNATE);
        }
        let wish = self.wish(link, message)?;
        // Taken before anything is opened; dropped, and so given back, on
        // every way out but the last.
        let quota = grant.quota.or(self.config.user_quota);
        let share = self.shared.accounts().take_share(user, quota);
        let share = share.ok_or(errors::QUOTA_REACHED)?;
        if self.state != State::Open {
            return Err(errors::INSUFFICIENT_CAPACITY);
        }
        let counted = self.shared.allocations().enter(self.config.max_allocations);
        let counted = counted.ok_or(errors::INSUFFICIENT_CAPACITY)?;
        let tuple = self.tuple(link);
        // A client elsewhere that comes by loopback is one for whom a proxy speaks.
        let used = match tuple.server.ip().is_loopback() && !tuple.client.ip().is_loopback() {
            true => IpAddr::from([0; 4]),
            false => tuple.server.ip(),
        };
        let opened = self.open(&wish, used, now, relays)?;

        let end = grant.valid_for.map(|valid| now + valid);
        let expires = self.expiry(wish.lifetime, end, now);
        let relayed = |(relay, address)| RelayedAddress {
            relay,
            address,
            expires,
        };
        let id = self.table.insert(
            client,
            Allocation {
                link: *link,
                user: share.user().clone(),
                quota_share: Some(share),
                counted: Some(counted),
                keys,
                transport: wish.transport,
                relayed: opened.relays.map(|relay| relay.map(relayed)),
                permissions: Permissions::default(),
                channels: Channels::default(),
                next_reach: Time::ZERO,
                connections: Vec::new(),
                created: now,
                lifetime: expires.since(now),
                end,
                to_peers: Traffic::default(),
                to_client: Traffic::default(),
                byte_cap: grant.byte_cap,
                bucket: Bucket::new(grant.rate),
                replies: LastReplies::default(),
                icmp_errors: Time::ZERO,
                guesses: Time::ZERO,
                ended: None,
            },
        );
        for (relay, address) in opened.relays.iter().flatten() {
            self.table.set_owner(*relay, Owner::Allocation(id));
            // What datagrams can be handed over to.
            if wish.transport == RelayTransport::Udp {
                self.table.link_address(address, *relay);
            }
            if !self.config.policy.is_relay(&address.ip()) {
                self.config.policy.relay(address.ip());
                // What goes there stays inside from now on.
                self.reroute_all();
            }
        }
        self.timers.set(expires, Due::Allocation(id));
        self.counters.allocations_created += 1;
        self.events.push_back(Event::Created(id));
        let lifetime = expires.since(now);
        Ok(Granted { opened, lifetime })
    }

    /// When an allocation expires for which a client asks this lifetime.
    pub(super) fn expiry(&self, asked: Option<u32>, end: Option<Time>, now: Time) -> Time {
        let asked = Duration::from_secs(asked.unwrap_or(0).into());
        let config = &self.config;
        let lifetime = asked.max(config.default_lifetime).min(config.max_lifetime);
        let expires = now + lifetime;
        end.map_or(expires, |end| expires.min(end))
    }

    /// Reads and judges the attributes, in the order of the RFC.
    fn wish(&self, link: &Link, message: &Message<'_>) -> Result<Wish, u16> {
        let bad = |_| errors::BAD_REQUEST;
        if !message.unknown().is_empty() {
            return Err(errors::UNKNOWN_ATTRIBUTE);
        }
        let transport = match message.get(kind::REQUESTED_TRANSPORT) {
            Some([UDP, _, _, _]) => RelayTransport::Udp,
            Some([TCP, _, _, _]) if self.config.tcp_relays => RelayTransport::Tcp,
            Some([_, _, _, _]) => return Err(errors::UNSUPPORTED_TRANSPORT),
            _ => return Err(errors::BAD_REQUEST),
        };
        // RFC 6062, 5.1.
        let unfit = [
            kind::DONT_FRAGMENT,
            kind::EVEN_PORT,
            kind::RESERVATION_TOKEN,
        ];
        if transport == RelayTransport::Tcp
            && (self.transport(link) == Transport::Udp
                || unfit.iter().any(|kind| message.has(*kind)))
        {
            return Err(errors::BAD_REQUEST);
        }
        if message.has(kind::DONT_FRAGMENT) && !self.config.dont_fragment {
            return Err(errors::UNKNOWN_ATTRIBUTE);
        }
        let has_family = message.has(kind::REQUESTED_ADDRESS_FAMILY);
        let both = message.has(kind::ADDITIONAL_ADDRESS_FAMILY);
        let has_even = message.has(kind::EVEN_PORT);
        let token = match message.get(kind::RESERVATION_TOKEN) {
            Some(_) if has_even || has_family || both => return Err(errors::BAD_REQUEST),
            Some(token) => Some(token.try_into().map_err(bad)?),
            None => None,
        };
        if has_family && both {
            return Err(errors::BAD_REQUEST);
        }
        let family = requested_family(message)?.unwrap_or(Family::V4);
        let reserve_next = match message.get(kind::EVEN_PORT) {
            None => false,
            Some([flags]) => flags & 0x80 != 0,
            Some(_) => return Err(errors::BAD_REQUEST),
        };
        if reserve_next && both {
            return Err(errors::BAD_REQUEST);
        }
        if both && family_of(message, kind::ADDITIONAL_ADDRESS_FAMILY)? != Some(Family::V6) {
            return Err(errors::BAD_REQUEST);
        }
        let lifetime = message.number(kind::LIFETIME);
        Ok(Wish {
            transport,
            token,
            family,
            both,
            even: has_even,
            reserve_next,
            lifetime: lifetime.map_err(|_| errors::BAD_REQUEST)?,
        })
    }

    /// `used` is the server's address that the client uses.
    fn open(
        &mut self,
        wish: &Wish,
        used: IpAddr,
        now: Time,
        relays: &mut dyn Relays,
    ) -> Result<Opened, u16> {
        if let Some(token) = &wish.token {
            return self.open_reserved(token, now, relays);
        }
        if wish.reserve_next {
            return self.open_pair(wish.family, used, now, relays);
        }
        let port = if wish.even { Port::Even } else { Port::Any };
        let mut opened = Opened::default();
        let port = (wish.transport, port);
        if !wish.both {
            let relay = self.open_one(wish.family, port, used, relays)?;
            opened.relays[wish.family.index()] = Some(relay);
            return Ok(opened);
        }
        let v4 = self.open_one(Family::V4, port, used, relays);
        let v6 = self.open_one(Family::V6, port, used, relays);
        opened.missing = match (v4, v6) {
            (Err(code), Err(_)) => return Err(code),
            (Err(code), Ok(_)) => Some((Family::V4, code)),
            (Ok(_), Err(code)) => Some((Family::V6, code)),
            (Ok(_), Ok(_)) => None,
        };
        opened.relays = [v4.ok(), v6.ok()];
        Ok(opened)
    }

    fn open_one(
        &mut self,
        family: Family,
        (transport, port): (RelayTransport, Port),
        used: IpAddr,
        relays: &mut dyn Relays,
    ) -> Result<(RelayId, SocketAddr), u16> {
        let relay = self.table.name_relay();
        match relays.open(relay, family, transport, port, used) {
            Ok(address) => Ok((relay, address)),
            Err(why) => {
                self.table.forget_relay(relay);
                Err(match why {
                    OpenError::Family => errors::FAMILY_NOT_SUPPORTED,
                    OpenError::Capacity => errors::INSUFFICIENT_CAPACITY,
                })
            }
        }
    }

    /// An even port, and the next one kept under a token.
    fn open_pair(
        &mut self,
        family: Family,
        used: IpAddr,
        now: Time,
        relays: &mut dyn Relays,
    ) -> Result<Opened, u16> {
        let next = self.table.name_relay();
        let port = (RelayTransport::Udp, Port::EvenAndNext(next));
        let opened = self.open_one(family, port, used, relays);
        let (relay, address) = opened.inspect_err(|_| self.table.forget_relay(next))?;
        let expires = now + self.config.reservation_lifetime;
        let reserved = Reserved {
            worker: self.worker,
            relay: next,
            address: SocketAddr::new(address.ip(), address.port().wrapping_add(1)),
            expires,
        };
        let Some(token) = self.shared.reservations().reserve(reserved) else {
            for relay in [relay, next] {
                relays.close(relay);
                self.table.forget_relay(relay);
            }
            return Err(errors::INSUFFICIENT_CAPACITY);
        };
        self.table.set_owner(next, Owner::Reserved(token));
        self.timers.set(expires, Due::Reservation(next));
        let mut opened = Opened {
            token: Some(token),
            ..Opened::default()
        };
        opened.relays[family.index()] = Some((relay, address));
        Ok(opened)
    }

    /// The port kept under a token, wherever it was reserved.
    fn open_reserved(
        &mut self,
        token: &ReservationToken,
        now: Time,
        relays: &mut dyn Relays,
    ) -> Result<Opened, u16> {
        let reserved = self.shared.reservations().claim(token, now);
        let reserved = reserved.ok_or(errors::INSUFFICIENT_CAPACITY)?;
        // Its timer finds it owned, and does nothing.
        let relay = if reserved.worker == self.worker {
            reserved.relay
        } else {
            let relay = self.table.name_relay();
            if !relays.adopt(reserved.worker, reserved.relay, relay) {
                self.table.forget_relay(relay);
                return Err(errors::INSUFFICIENT_CAPACITY);
            }
            relay
        };
        let mut opened = Opened::default();
        let family = Family::of(&reserved.address.ip());
        opened.relays[family.index()] = Some((relay, reserved.address));
        Ok(opened)
    }
}

/// REQUESTED-ADDRESS-FAMILY.
///
/// # Errors
/// 400 when malformed, 440 for a family that does not exist.
pub(super) fn requested_family(message: &Message<'_>) -> Result<Option<Family>, u16> {
    family_of(message, kind::REQUESTED_ADDRESS_FAMILY)
}

fn family_of(message: &Message<'_>, attribute: u16) -> Result<Option<Family>, u16> {
    match message.get(attribute) {
        None => Ok(None),
        Some([code, _, _, _]) => Family::from_code(*code)
            .map(Some)
            .ok_or(errors::FAMILY_NOT_SUPPORTED),
        Some(_) => Err(errors::BAD_REQUEST),
    }
}
