//! A driver, a clock and an application for the tests.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use super::client::{Client, REALM, Reply, addr, secs};
use crate::stun::Family;
use crate::turn::*;

/// Relay sockets that exist on paper.
#[derive(Default)]
pub struct Paper {
    pub open: BTreeMap<RelayId, SocketAddr>,
    pub next_port: u16,
    pub no_v6: bool,
    pub full: bool,
    pub adopts: bool,
    pub opened: usize,
}

impl Relays for Paper {
    fn open(
        &mut self,
        relay: RelayId,
        family: Family,
        _transport: RelayTransport,
        port: Port,
        _used: IpAddr,
    ) -> Result<SocketAddr, OpenError> {
        if self.no_v6 && family == Family::V6 {
            return Err(OpenError::Family);
        }
        if self.full {
            return Err(OpenError::Capacity);
        }
        let ip: IpAddr = match family {
            Family::V4 => "198.100.0.1".parse().unwrap(),
            Family::V6 => "2a00::1".parse().unwrap(),
        };
        self.next_port = (self.next_port + 1) % 16_000;
        if port != Port::Any {
            self.next_port = self.next_port.next_multiple_of(2);
        }
        let address = SocketAddr::new(ip, 49_152 + self.next_port);
        self.open.insert(relay, address);
        if let Port::EvenAndNext(next) = port {
            self.next_port += 1;
            self.open
                .insert(next, SocketAddr::new(ip, address.port() + 1));
        }
        self.opened += 1;
        Ok(address)
    }

    fn adopt(&mut self, _worker: u16, _theirs: RelayId, relay: RelayId) -> bool {
        if self.adopts {
            self.open.insert(relay, addr("198.100.0.1:1"));
        }
        self.adopts
    }

    fn close(&mut self, relay: RelayId) {
        assert!(
            self.open.remove(&relay).is_some(),
            "closed twice: {relay:?}"
        );
    }
}

/// A core with its surroundings.
pub struct World {
    pub core: Core,
    pub relays: Paper,
    pub now: Time,
    pub udp: ListenerId,
    pub tcp: ListenerId,
    pub events: Vec<Event>,
    pub out: Vec<u8>,
}

pub fn config() -> Config {
    Config {
        realm: REALM.into(),
        dont_fragment: true,
        tcp_relays: true,
        ..Config::default()
    }
}

impl World {
    pub fn new() -> Self {
        World::with(config())
    }

    pub fn with(config: Config) -> Self {
        World::sharing(config, Arc::new(Shared::new([9; 32])), 0)
    }

    pub fn sharing(config: Config, shared: Arc<Shared>, worker: u16) -> Self {
        let mut core = Core::new(config, shared, worker, [1, 2, 3, 4 + u64::from(worker)]);
        let address = addr("198.100.0.1:3478");
        let udp = core.add_listener(Listener {
            transport: Transport::Udp,
            address,
        });
        let tcp = core.add_listener(Listener {
            transport: Transport::Tcp,
            address,
        });
        World {
            core,
            relays: Paper::default(),
            now: Time::ZERO + secs(1000),
            udp,
            tcp,
            events: Vec::new(),
            out: Vec::new(),
        }
    }

    pub fn send(&mut self, client: &Client, bytes: &[u8]) -> Action {
        self.core
            .inbound(&client.link, bytes, self.now, &mut self.out)
    }

    /// Sends a request, decides `Authorized` if asked, and returns the reply.
    pub fn exchange(&mut self, client: &Client, bytes: &[u8]) -> Option<Reply> {
        let decision = || Decision::Authorized(Grant::new(Credential::password("secret")));
        self.exchange_with(client, bytes, decision)
    }

    pub fn exchange_with(
        &mut self,
        client: &Client,
        bytes: &[u8],
        decision: impl FnOnce() -> Decision,
    ) -> Option<Reply> {
        let action = self.send(client, bytes);
        let replied = match action {
            Action::Reply => true,
            Action::Ask(id) => match self.decide(id, decision()) {
                Decided::Reply(link) => {
                    assert_eq!(link, client.link);
                    true
                }
                _ => false,
            },
            _ => false,
        };
        self.drain_events();
        replied.then(|| Reply::parse(&self.out))
    }

    pub fn decide(&mut self, id: RequestId, decision: Decision) -> Decided {
        self.core
            .decide(id, decision, self.now, &mut self.relays, &mut self.out)
    }

    pub fn authorize(&mut self, id: RequestId) -> Decided {
        self.decide(
            id,
            Decision::Authorized(Grant::new(Credential::password("secret"))),
        )
    }

    /// Lets time pass, tick by tick as the core asks for it.
    pub fn pass(&mut self, by: Duration) {
        let end = self.now + by;
        while let Some(at) = self.core.next_deadline().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.core.tick(self.now);
        }
        self.now = end;
        self.drain_events();
    }

    pub fn drain_events(&mut self) {
        while let Some(event) = self.core.poll_event(&mut self.relays) {
            self.events.push(event);
        }
    }

    /// The only allocation.
    pub fn only(&self) -> AllocationId {
        let ids: Vec<_> = self.core.allocations().collect();
        assert_eq!(ids.len(), 1);
        ids[0]
    }

    pub fn relay_of(&self, address: &SocketAddr) -> RelayId {
        let found = self.relays.open.iter().find(|(_, own)| *own == address);
        *found.expect("an open relay").0
    }

    /// Asserts that nothing at all is left in the tables.
    pub fn assert_empty(&self) {
        assert_eq!(self.core.sizes(), [0; 11]);
        assert!(self.relays.open.is_empty(), "{:?}", self.relays.open);
    }
}
