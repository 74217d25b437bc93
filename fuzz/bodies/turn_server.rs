//! The server without sockets: packets from six clients, an observer that answers
//! now or later, peers, time, and an operator who interferes, in any order.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use arbitrary::{Result, Unstructured};
use md5::{Digest, Md5};
use pjauth::stun::attributes::kind;
use pjauth::stun::message::{Class, Message, Method};
use pjauth::stun::{Family, Protection, Writer};
use pjauth::turn::{
    Action, AllocationId, Config, Core, Credential, Decided, Decision, Event, Grant, Link,
    Listener, OpenError, Port, Rate, RelayId, RelayTransport, Relays, RequestId, Shared, Time,
    Transport,
};

const MAX_HELD: usize = 12;
const REALM: &str = "example.org";
const METHODS: [Method; 6] = [
    Method::Binding,
    Method::Allocate,
    Method::Refresh,
    Method::CreatePermission,
    Method::ChannelBind,
    Method::Send,
];
const PEERS: [&str; 5] = [
    "192.0.2.1:9",
    "192.0.2.2:9",
    "[2001:db8::1]:9",
    "127.0.0.1:9",
    "198.100.0.1:49153",
];

pub fn run(data: &[u8]) {
    let mut u = Unstructured::new(data);
    let mut world = World::new(u.arbitrary().unwrap_or_default());
    while !u.is_empty() && world.step(&mut u).is_ok() {
        world.settle();
    }
    world.close();
}

/// Relay sockets that exist on paper.
#[derive(Default)]
struct Paper {
    open: BTreeMap<RelayId, SocketAddr>,
    opened: u16,
    full: bool,
}

impl Paper {
    fn put(&mut self, relay: RelayId, port: u16) -> SocketAddr {
        let address = SocketAddr::new(Ipv4Addr::new(198, 100, 0, 1).into(), port);
        assert_eq!(self.open.insert(relay, address), None, "opened twice");
        address
    }
}

impl Relays for Paper {
    fn open(
        &mut self,
        relay: RelayId,
        family: Family,
        _transport: RelayTransport,
        port: Port,
        _used: IpAddr,
    ) -> std::result::Result<SocketAddr, OpenError> {
        match family {
            Family::V6 => return Err(OpenError::Family),
            Family::V4 if self.full => return Err(OpenError::Capacity),
            Family::V4 => {}
        }
        self.opened = self.opened % 8000 + 1;
        let number = 49_152 + 2 * self.opened;
        if let Port::EvenAndNext(next) = port {
            self.put(next, number + 1);
        }
        Ok(self.put(relay, number))
    }

    fn close(&mut self, relay: RelayId) {
        assert!(self.open.remove(&relay).is_some(), "closed twice");
    }
}

struct Client {
    link: Link,
    user: &'static str,
    nonce: Vec<u8>,
    requests: u32,
}

struct World {
    core: Core,
    relays: Paper,
    now: Time,
    clients: Vec<Client>,
    /// Asked for, and answered with Later.
    waiting: BTreeSet<RequestId>,
    /// Every id there ever was.
    relays_seen: Vec<RelayId>,
    requests_seen: Vec<RequestId>,
    allocations: BTreeSet<AllocationId>,
    out: Vec<u8>,
}

impl World {
    fn new(options: u8) -> World {
        let config = Config {
            realm: REALM.into(),
            user_quota: (options & 1 == 1).then_some(2),
            max_allocations: 5,
            max_permissions: 3,
            max_channels: 3,
            max_held: MAX_HELD,
            max_held_per_source: 4,
            max_replies: 8,
            dont_fragment: options & 2 == 2,
            tcp_relays: false,
            ask_each: options & 4 == 4,
            userhash: options & 8 == 8,
            ..Config::default()
        };
        let mut core = Core::new(config, Arc::new(Shared::new([9; 32])), 0, [1, 2, 3, 4]);
        let address = "198.100.0.1:3478".parse().expect("an address");
        let listeners = [Transport::Udp, Transport::Tcp]
            .map(|transport| core.add_listener(Listener { transport, address }));
        let clients = (0..6u16)
            .map(|n| Client {
                link: Link {
                    listener: listeners[usize::from(n % 2)],
                    client: ([203, 0, 113, n as u8 / 2 + 1], 1000 + n).into(),
                },
                user: if n < 4 { "ann" } else { "bob" },
                nonce: Vec::new(),
                requests: 0,
            })
            .collect();
        World {
            core,
            relays: Paper::default(),
            now: Time::ZERO + Duration::from_secs(1000),
            clients,
            waiting: BTreeSet::new(),
            relays_seen: Vec::new(),
            requests_seen: Vec::new(),
            allocations: BTreeSet::new(),
            out: Vec::new(),
        }
    }

    fn step(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let client = u.choose_index(self.clients.len())?;
        match u.int_in_range(0..=15)? {
            0 => {
                let len = u.arbitrary::<u8>()?.into();
                let bytes = u.bytes(len)?.to_vec();
                self.inbound(u, client, &bytes)?;
            }
            1 => {
                let id = self.next_id(client);
                let bytes = request(Method::Allocate, &id, transport);
                self.inbound(u, client, &bytes)?;
            }
            2..=6 => {
                let bytes = self.signed(u, client)?;
                self.inbound(u, client, &bytes)?;
                // And once more, as the network may.
                if u.ratio(1, 8)? {
                    self.inbound(u, client, &bytes)?;
                }
            }
            7 => {
                let channel = u.int_in_range(0x3FFF..=0x4004)?;
                let data: [u8; 3] = u.arbitrary()?;
                let mut bytes = u16::to_be_bytes(channel).to_vec();
                bytes.extend([0, u.int_in_range(0..=4)?]);
                bytes.extend(data);
                self.inbound(u, client, &bytes)?;
            }
            8 => {
                let (id, peer) = (self.next_id(client), peer(u)?);
                let mut bytes = Vec::new();
                Writer::new(&mut bytes, Method::Send, Class::Indication, &id)
                    .xor_address(kind::XOR_PEER_ADDRESS, &peer)
                    .attribute(kind::DATA, b"data");
                self.inbound(u, client, &bytes)?;
            }
            9 if !self.relays_seen.is_empty() => self.packet_of_peer(u)?,
            10 | 11 if !self.requests_seen.is_empty() => {
                let id = *u.choose(&self.requests_seen)?;
                let decided = self.decide(u, id)?;
                let waited = self.waiting.contains(&id);
                assert_eq!(decided == Decided::Gone, !waited, "decided twice");
                if decided != Decided::Held {
                    self.waiting.remove(&id);
                }
            }
            12 => self.core.client_gone(&self.clients[client].link, self.now),
            13 => self.control(u)?,
            _ => self.pass(Duration::from_secs(u.int_in_range(0..=700)?)),
        }
        Ok(())
    }

    // -- packets ------------------------------------------------------------------

    fn inbound(&mut self, u: &mut Unstructured<'_>, client: usize, bytes: &[u8]) -> Result<()> {
        let link = self.clients[client].link;
        let action = self.core.inbound(&link, bytes, self.now, &mut self.out);
        match action {
            Action::Nothing => {}
            Action::Join(_) | Action::Transfer(_) => panic!("without TCP relays"),
            Action::Reply => self.read_reply(&link),
            Action::ToPeer { relay, payload, .. } => {
                assert!(self.relays.open.contains_key(&relay));
                assert!(payload.start <= payload.end && payload.end <= bytes.len());
            }
            Action::Elsewhere { payload, .. } => assert!(payload.end <= bytes.len()),
            Action::ToClient { .. } => panic!("back to the client who sent it"),
            Action::Ask(id) => {
                assert!(!self.requests_seen.contains(&id), "asked twice");
                self.requests_seen.push(id);
                let seen = self.core.request_of(id).expect("what is asked for");
                assert_eq!(seen.tuple.client, link.client);
                match self.decide(u, id)? {
                    Decided::Held => assert!(self.waiting.insert(id)),
                    Decided::Gone => panic!("gone while asked"),
                    Decided::Reply(_) | Decided::Dropped => {}
                }
            }
        }
        Ok(())
    }

    fn packet_of_peer(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let (relay, peer) = (*u.choose(&self.relays_seen)?, peer(u)?);
        let len = u.int_in_range(0..=70_000)?;
        match self.core.from_peer(relay, peer, len, self.now) {
            Action::Nothing => {}
            Action::ToClient { payload, .. } => {
                assert!(self.relays.open.contains_key(&relay), "of a closed relay");
                assert_eq!(payload, 0..len);
            }
            action => panic!("{action:?}"),
        }
        Ok(())
    }

    fn decide(&mut self, u: &mut Unstructured<'_>, id: RequestId) -> Result<Decided> {
        let decision = match u.int_in_range(0..=7)? {
            0 => Decision::NotAuthorized,
            1 => Decision::QuotaReached(None),
            2 | 3 => Decision::Later,
            other => Decision::Authorized(Grant {
                credential: (other < 7).then(|| Credential::password("secret")),
                username: (other == 5).then(|| "another".into()),
                quota: (other == 6).then_some(1),
                byte_cap: (other == 4).then_some(20),
                ..Grant::default()
            }),
        };
        let decided = self
            .core
            .decide(id, decision, self.now, &mut self.relays, &mut self.out);
        if let Decided::Reply(link) = decided {
            self.read_reply(&link);
        }
        Ok(decided)
    }

    fn read_reply(&mut self, link: &Link) {
        let reply = Message::parse(&self.out).expect("what we write");
        assert!(matches!(reply.class(), Class::Success | Class::Error));
        assert_eq!(reply.class() == Class::Error, reply.has(kind::ERROR_CODE));
        if let Some(nonce) = reply.get(kind::NONCE) {
            let client = self.clients.iter_mut().find(|client| client.link == *link);
            client.expect("one of ours").nonce = nonce.to_vec();
        }
    }

    fn next_id(&mut self, client: usize) -> [u8; 12] {
        let client = &mut self.clients[client];
        client.requests += 1;
        let mut id = [0; 12];
        id[..2].copy_from_slice(&client.link.client.port().to_be_bytes());
        id[8..].copy_from_slice(&client.requests.to_be_bytes());
        id
    }

    /// A request with credentials, of any method, with any of the attributes.
    fn signed(&mut self, u: &mut Unstructured<'_>, client: usize) -> Result<Vec<u8>> {
        let (method, has, value): (_, u8, u16) =
            (*u.choose(&METHODS)?, u.arbitrary()?, u.arbitrary()?);
        let peers = [peer(u)?, peer(u)?];
        let id = self.next_id(client);
        let client = &self.clients[client];
        let mut key = Md5::digest(format!("{}:{REALM}:secret", client.user)).to_vec();
        if has & 0x80 != 0 && value % 16 == 0 {
            key[0] ^= 1;
        }
        Ok(request(method, &id, |w| {
            if method == Method::Allocate {
                transport(w);
            }
            if matches!(method, Method::CreatePermission | Method::ChannelBind) {
                w.xor_address(kind::XOR_PEER_ADDRESS, &peers[0]);
            }
            if method == Method::ChannelBind {
                w.number(kind::CHANNEL_NUMBER, (0x4000 | u32::from(value % 5)) << 16);
            }
            if has & 1 != 0 {
                w.number(kind::LIFETIME, u32::from(value % 3) * 300);
            }
            if has & 2 != 0 && value % 4 == 0 {
                w.attribute(kind::EVEN_PORT, &[(value >> 8) as u8 & 0x80]);
            }
            if has & 4 != 0 && value % 4 == 1 {
                let family = 1 + (value >> 8) as u8 % 3;
                w.attribute(kind::REQUESTED_ADDRESS_FAMILY, &[family, 0, 0, 0]);
            }
            if has & 8 != 0 && value % 4 == 2 {
                w.attribute(kind::ADDITIONAL_ADDRESS_FAMILY, &[2, 0, 0, 0]);
            }
            if has & 16 != 0 {
                w.xor_address(kind::XOR_PEER_ADDRESS, &peers[1]);
            }
            if has & 32 != 0 && value % 8 == 0 {
                w.attribute(kind::DONT_FRAGMENT, &[]);
            }
            if has & 64 != 0 && value % 8 == 0 {
                w.attribute(value & 0x7FFF, &value.to_be_bytes());
            }
            w.attribute(kind::USERNAME, client.user.as_bytes());
            w.attribute(kind::REALM, REALM.as_bytes());
            w.attribute(kind::NONCE, &client.nonce);
            w.integrity(Protection::Sha1, &key);
        }))
    }

    // -- everything else ------------------------------------------------------------

    fn control(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let live: Vec<_> = self.core.allocations().collect();
        let rate = u.arbitrary()?;
        match (u.int_in_range(0..=6)?, live.is_empty()) {
            (0, false) => assert!(self.core.revoke(*u.choose(&live)?, self.now)),
            (1, _) => {
                self.core.revoke_user("ann", self.now);
            }
            (2, false) => {
                let lifetime = Duration::from_secs(u.int_in_range(0..=20)?);
                let allocation = *u.choose(&live)?;
                self.core.set_lifetime(allocation, lifetime, self.now);
            }
            (3, false) => {
                let cap = u.arbitrary::<Option<u8>>()?.map(u64::from);
                assert!(self.core.set_byte_cap(*u.choose(&live)?, cap));
            }
            (4, false) => {
                let rate = Rate {
                    bytes_per_second: rate,
                    burst: u.arbitrary()?,
                };
                assert!(self.core.set_rate(*u.choose(&live)?, Some(rate)));
            }
            (5, _) => self.core.drain(u.ratio(1, 4)?),
            _ => self.relays.full = u.ratio(1, 4)?,
        }
        Ok(())
    }

    /// Lets time pass, tick by tick as the core asks for it.
    fn pass(&mut self, by: Duration) {
        let end = self.now + by;
        let mut ticks = 0;
        while let Some(at) = self.core.next_deadline().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.core.tick(self.now);
            ticks += 1;
            assert!(ticks < 100_000, "a deadline that never goes");
        }
        self.now = end;
    }

    /// What holds between any two steps.
    fn settle(&mut self) {
        while let Some(event) = self.core.poll_event(&mut self.relays) {
            match event {
                Event::Created(id) => assert!(self.allocations.insert(id), "created twice"),
                Event::Removed(id, _) => assert!(self.allocations.remove(&id), "removed twice"),
                Event::Withdrawn(id, _) => assert!(self.waiting.remove(&id), "not waiting"),
                Event::Reaches(..) | Event::ReachesNoMore(..) => {}
                Event::Connect(..) | Event::Disconnect(_) => panic!("without TCP relays"),
                Event::Send(_, bytes) => assert!(Message::parse(&bytes).is_ok()),
            }
        }
        let live: BTreeSet<_> = self.core.allocations().collect();
        assert_eq!(live, self.allocations);
        assert_eq!(live.len(), self.core.allocation_count());
        assert!(live.len() <= 5);
        assert_eq!(self.core.held_count(), self.waiting.len());
        assert!(self.waiting.len() <= MAX_HELD);
        for id in &live {
            assert!(self.core.figures(*id, self.now).is_some());
        }
        self.relays_seen.extend(self.relays.open.keys());
        self.relays_seen.sort_unstable();
        self.relays_seen.dedup();
    }

    fn close(mut self) {
        self.core.stop(self.now);
        self.settle();
        assert!(self.waiting.is_empty() && self.allocations.is_empty());
        assert!(self.relays.open.is_empty(), "{:?}", self.relays.open);
        let requests = std::mem::take(&mut self.requests_seen);
        for id in requests {
            let late = Decision::NotAuthorized;
            let relays = &mut self.relays;
            let decided = self.core.decide(id, late, self.now, relays, &mut self.out);
            assert_eq!(decided, Decided::Gone);
        }
    }
}

fn request(method: Method, id: &[u8; 12], body: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    body(&mut Writer::new(&mut bytes, method, Class::Request, id));
    bytes
}

/// REQUESTED-TRANSPORT for UDP.
fn transport(writer: &mut Writer<'_>) {
    writer.attribute(kind::REQUESTED_TRANSPORT, &[17, 0, 0, 0]);
}

fn peer(u: &mut Unstructured<'_>) -> Result<SocketAddr> {
    Ok(u.choose(&PEERS)?.parse().expect("an address"))
}
