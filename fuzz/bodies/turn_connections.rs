//! TCP allocations without sockets (RFC 6062): three clients with one each, in two
//! cores; peers that answer, refuse, connect and leave, clients that come for a
//! connection with any id, bytes, time and an operator, in any order.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use arbitrary::{Result, Unstructured};
use md5::{Digest, Md5};
use pjauth::stun::attributes::kind;
use pjauth::stun::message::{Class, Message, Method};
use pjauth::stun::{Family, Protection, Writer};
use pjauth::turn::{
    Action, Allowance, Config, Core, Credential, Decided, Decision, Direction, Event, Grant, Link,
    Listener, NotConnected, OpenError, PeerId, Port, Rate, RelayId, RelayTransport, Relays, Shared,
    Time, Transport,
};

const REALM: &str = "example.org";
const PEERS: [&str; 4] = ["192.0.2.1:9", "192.0.2.1:10", "192.0.2.2:9", "127.0.0.1:9"];
const MOST: usize = 4;
const MOST_IN_ALL: usize = 6;

pub fn run(data: &[u8]) {
    let mut u = Unstructured::new(data);
    let mut world = World::new(u.arbitrary().unwrap_or_default());
    while !u.is_empty() && world.step(&mut u).is_ok() {
        world.settle();
    }
    world.close();
}

#[derive(Default)]
struct Paper(BTreeMap<RelayId, SocketAddr>);

impl Relays for Paper {
    fn open(
        &mut self,
        relay: RelayId,
        family: Family,
        _transport: RelayTransport,
        _port: Port,
        _used: IpAddr,
    ) -> std::result::Result<SocketAddr, OpenError> {
        if family == Family::V6 {
            return Err(OpenError::Family);
        }
        let port = 49_152 + self.0.len() as u16;
        let address = SocketAddr::new(Ipv4Addr::new(198, 100, 0, 1).into(), port);
        self.0.insert(relay, address);
        Ok(address)
    }

    fn close(&mut self, relay: RelayId) {
        assert!(self.0.remove(&relay).is_some(), "closed twice");
    }
}

/// How far a connection has come, as a driver knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Connecting,
    Unbound,
    Bound(Link),
}

/// One core with its driver.
struct Worker {
    core: Core,
    relays: Paper,
    connections: BTreeMap<PeerId, Stage>,
}

struct World {
    workers: Vec<Worker>,
    now: Time,
    /// Control connections, by the worker that has them.
    controls: Vec<(usize, Link)>,
    /// Connections that may be bound to a peer's.
    data: Vec<Link>,
    numbers: Vec<u32>,
    requests: u32,
    out: Vec<u8>,
}

impl World {
    fn new(options: u8) -> World {
        let mut config = Config {
            realm: REALM.into(),
            max_connections: MOST,
            max_connections_in_all: MOST_IN_ALL,
            ask_each: options & 1 == 1,
            guesses: None,
            ..Config::default()
        };
        let public = "192.0.2.0/24".parse().expect("a range");
        config.policy.allow(public);
        let shared = Arc::new(Shared::new([9; 32]));
        let address = "198.100.0.1:3478".parse().expect("an address");
        let mut listener = None;
        let mut worker = |n: u16| {
            let seed = [1, 2, 3, u64::from(n)];
            let mut core = Core::new(config.clone(), shared.clone(), n, seed);
            let transport = Transport::Tcp;
            listener = Some(core.add_listener(Listener { transport, address }));
            Worker {
                core,
                relays: Paper::default(),
                connections: BTreeMap::new(),
            }
        };
        let workers = (0..2).map(&mut worker).collect();
        let listener = listener.expect("the same of both");
        let link = |host: u8| Link {
            listener,
            client: ([203, 0, 113, host], 1000).into(),
        };
        World {
            workers,
            now: Time::ZERO + Duration::from_secs(1000),
            controls: (0..3).map(|n| (usize::from(n % 2), link(n))).collect(),
            data: (10..14).map(link).collect(),
            numbers: vec![0],
            requests: 0,
            out: Vec::new(),
        }
    }

    fn step(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let (at, control) = *u.choose(&self.controls)?;
        match u.int_in_range(0..=15)? {
            0 | 1 => {
                let request = self.signed(Method::Allocate, &control, |w| {
                    w.attribute(kind::REQUESTED_TRANSPORT, &[6, 0, 0, 0]);
                });
                self.inbound(at, &control, &request);
            }
            2 | 3 => {
                let method = *u.choose(&[Method::Connect, Method::CreatePermission])?;
                let to = peer(u)?;
                let request = self.signed(method, &control, |w| {
                    w.xor_address(kind::XOR_PEER_ADDRESS, &to);
                });
                self.inbound(at, &control, &request);
            }
            4 => {
                let lifetime = *u.choose(&[0, 600])?;
                let request = self.signed(Method::Refresh, &control, |w| {
                    w.number(kind::LIFETIME, lifetime);
                });
                self.inbound(at, &control, &request);
            }
            5..=7 => self.bind(u)?,
            8 | 9 => self.answer(u)?,
            10 => self.accept(u)?,
            11 => self.carry(u)?,
            12 => self.leave(u)?,
            13 => self.control(u)?,
            _ => self.pass(Duration::from_secs(u.int_in_range(0..=40)?)),
        }
        Ok(())
    }

    /// Whatever worker a client's connection lands on, and whatever id it names.
    fn bind(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let number = *u.choose(&self.numbers)? ^ u32::from(u.ratio(1, 8)?);
        let data = *u.choose(&self.data)?;
        let taken = |stage: &Stage| *stage == Stage::Bound(data);
        let mut at = usize::from(u.arbitrary::<bool>()?);
        if self
            .workers
            .iter()
            .any(|own| own.connections.values().any(taken))
        {
            return Ok(());
        }
        let request = self.signed(Method::ConnectionBind, &data, |w| {
            w.number(kind::CONNECTION_ID, number);
        });
        let mut action = self.inbound(at, &data, &request);
        if let Action::Transfer(other) = action {
            assert_ne!(usize::from(other), at, "given to oneself");
            at = other.into();
            action = self.inbound(at, &data, &request);
        }
        if let Action::Join(id) = action {
            let before = self.workers[at].connections.insert(id, Stage::Bound(data));
            assert_eq!(before, Some(Stage::Unbound), "joined out of turn");
            assert!(self.workers[at].core.serves(&data));
        }
        Ok(())
    }

    /// A peer answers, or what makes the connection gives up.
    fn answer(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let worker = &mut self.workers[usize::from(u.arbitrary::<bool>()?)];
        let waiting = |(id, stage): (&PeerId, &Stage)| (*stage == Stage::Connecting).then_some(*id);
        let waiting: Vec<_> = worker.connections.iter().filter_map(waiting).collect();
        if waiting.is_empty() {
            return Ok(());
        }
        let id = *u.choose(&waiting)?;
        let made = *u.choose(&[Ok(()), Ok(()), Err(NotConnected::Failed)])?;
        match made {
            Ok(()) => worker.connections.insert(id, Stage::Unbound),
            Err(_) => worker.connections.remove(&id),
        };
        worker.core.connected(id, made, self.now);
        Ok(())
    }

    fn accept(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let worker = &mut self.workers[usize::from(u.arbitrary::<bool>()?)];
        let relays: Vec<_> = worker.relays.0.keys().copied().collect();
        if !relays.is_empty()
            && let Some(id) = worker
                .core
                .accepted(*u.choose(&relays)?, peer(u)?, self.now)
        {
            let before = worker.connections.insert(id, Stage::Unbound);
            assert_eq!(before, None, "a name twice");
        }
        Ok(())
    }

    fn carry(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let worker = &mut self.workers[usize::from(u.arbitrary::<bool>()?)];
        let all: Vec<_> = worker.connections.iter().map(|(a, b)| (*a, *b)).collect();
        if all.is_empty() {
            return Ok(());
        }
        let (id, stage) = *u.choose(&all)?;
        let is_bound = matches!(stage, Stage::Bound(_));
        let allowance = worker.core.allowance(id, self.now);
        assert_eq!(allowance.is_some(), is_bound);
        if let Some(Allowance::NotBefore(at)) = allowance {
            assert!(at > self.now && at <= self.now + Duration::from_secs(1));
        }
        if !is_bound {
            return Ok(());
        }
        let bytes = u.int_in_range(0..=200)?;
        let passes = worker.core.took_in(id, bytes, self.now);
        assert!(passes <= bytes);
        let direction = *u.choose(&[Direction::ToPeer, Direction::ToClient])?;
        worker
            .core
            .passed_on(id, direction, u.int_in_range(0..=passes)?);
        if passes < bytes {
            worker.core.over_cap(id, self.now);
        }
        Ok(())
    }

    /// A connection goes: the client's, the peer's or the one for control.
    fn leave(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let (at, control) = *u.choose(&self.controls)?;
        let worker = &mut self.workers[at];
        let all: Vec<_> = worker.connections.iter().map(|(a, b)| (*a, *b)).collect();
        if all.is_empty() || u.ratio(1, 4)? {
            worker.core.client_gone(&control, self.now);
            return Ok(());
        }
        match *u.choose(&all)? {
            (_, Stage::Bound(data)) if u.arbitrary()? => worker.core.client_gone(&data, self.now),
            (id, Stage::Bound(_)) => {
                worker.connections.remove(&id);
                worker.core.disconnected(id);
            }
            _ => {}
        }
        Ok(())
    }

    fn control(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let core = &mut self.workers[usize::from(u.arbitrary::<bool>()?)].core;
        let live: Vec<_> = core.allocations().collect();
        if live.is_empty() {
            return Ok(());
        }
        let id = *u.choose(&live)?;
        match u.int_in_range(0..=4)? {
            0 => assert!(core.revoke(id, self.now)),
            1 => assert!(core.set_byte_cap(id, u.arbitrary::<Option<u8>>()?.map(u64::from))),
            2 => {
                let (bytes_per_second, burst) = (u.arbitrary()?, u.arbitrary()?);
                let rate = Rate {
                    bytes_per_second,
                    burst,
                };
                assert!(core.set_rate(id, Some(rate)));
            }
            _ => core.set_policy(None, |policy| {
                policy.set_ranges(
                    vec!["192.0.2.0/24".parse().expect("a range")],
                    vec!["192.0.2.2".parse().expect("an address")],
                );
            }),
        }
        Ok(())
    }

    // -- the wire -------------------------------------------------------------------

    fn inbound(&mut self, at: usize, link: &Link, bytes: &[u8]) -> Action {
        let Worker { core, relays, .. } = &mut self.workers[at];
        let mut action = core.inbound(link, bytes, self.now, &mut self.out);
        if let Action::Ask(id) = action {
            let grant = Grant::new(Credential::password("secret"));
            let decision = Decision::Authorized(grant);
            action = match core.decide(id, decision, self.now, relays, &mut self.out) {
                Decided::Reply(to) => {
                    assert_eq!(to, *link);
                    Action::Reply
                }
                Decided::Dropped => Action::Nothing,
                other => panic!("{other:?}"),
            };
        }
        if matches!(action, Action::Reply | Action::Join(_)) {
            let reply = Message::parse(&self.out).expect("what we write");
            assert!(matches!(reply.class(), Class::Success | Class::Error));
        }
        action
    }

    /// A request with credentials and a fresh nonce.
    fn signed(
        &mut self,
        method: Method,
        link: &Link,
        body: impl FnOnce(&mut Writer<'_>),
    ) -> Vec<u8> {
        let bare = self.request(Method::Refresh, |_| {});
        self.inbound(0, link, &bare);
        let challenge = Message::parse(&self.out).expect("a challenge");
        let nonce = challenge.get(kind::NONCE).expect("a nonce").to_vec();
        let key = Md5::digest(format!("ann:{REALM}:secret"));
        self.request(method, |w| {
            body(w);
            w.attribute(kind::USERNAME, b"ann");
            w.attribute(kind::REALM, REALM.as_bytes());
            w.attribute(kind::NONCE, &nonce);
            w.integrity(Protection::Sha1, &key);
        })
    }

    fn request(&mut self, method: Method, body: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
        self.requests += 1;
        let mut id = [0; 12];
        id[8..].copy_from_slice(&self.requests.to_be_bytes());
        let mut bytes = Vec::new();
        body(&mut Writer::new(&mut bytes, method, Class::Request, &id));
        bytes
    }

    // -- what holds -----------------------------------------------------------------

    fn pass(&mut self, by: Duration) {
        self.now = self.now + by;
        for worker in &mut self.workers {
            worker.core.tick(self.now);
        }
    }

    fn settle(&mut self) {
        let mut in_all = 0;
        for worker in &mut self.workers {
            while let Some(event) = worker.core.poll_event(&mut worker.relays) {
                match event {
                    Event::Connect(id, relay, _) => {
                        assert!(worker.relays.0.contains_key(&relay), "of a closed relay");
                        let before = worker.connections.insert(id, Stage::Connecting);
                        assert_eq!(before, None, "a name twice");
                    }
                    Event::Disconnect(id) => {
                        let ended = worker.connections.remove(&id);
                        assert!(ended.is_some(), "ended twice");
                    }
                    Event::Send(_, bytes) => {
                        let message = Message::parse(&bytes).expect("what we write");
                        let number = message.get(kind::CONNECTION_ID);
                        let number = number.and_then(|number| number.try_into().ok());
                        self.numbers.extend(number.map(u32::from_be_bytes));
                    }
                    Event::Created(_)
                    | Event::Removed(..)
                    | Event::Reaches(..)
                    | Event::ReachesNoMore(..)
                    | Event::Withdrawn(..) => {}
                }
            }
            let count = worker.core.connection_count();
            assert_eq!(count, worker.connections.len());
            assert!(count <= MOST * worker.core.allocation_count());
            in_all += count;
        }
        assert!(in_all <= MOST_IN_ALL);
    }

    fn close(mut self) {
        for worker in &mut self.workers {
            worker.core.stop(self.now);
        }
        self.settle();
        for worker in &self.workers {
            assert!(worker.connections.is_empty() && worker.relays.0.is_empty());
        }
    }
}

fn peer(u: &mut Unstructured<'_>) -> Result<SocketAddr> {
    Ok(u.choose(&PEERS)?.parse().expect("an address"))
}
