//! The program against the core: whatever it sends, the core would have sent, byte for byte.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use super::frames::{LOOPBACK, OUT, Packet, UP, frame, program, read};
use crate::stun::Family;
use crate::turn::core::routes::{Route, RouteChange, RouteId};
use crate::turn::kernel::layout::Hop;
use crate::turn::kernel::{Kernel, Routes};
use crate::turn::tests::client::{Client, World, addr, channel, config, secs};
use crate::turn::*;

/// States that are tried, and frames in each.
const STATES: usize = 30;
const FRAMES: usize = 300;

/// Numbers that look random and are the same each time.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, below: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) as usize % below
    }

    pub fn pick<'a, T>(&mut self, among: &'a [T]) -> &'a T {
        &among[self.roll(among.len())]
    }
}

/// A core with clients of both families, and the routes that it has announced.
pub struct Scene {
    pub world: World,
    v6: ListenerId,
    pub clients: Vec<(Client, Family)>,
    peers: Vec<SocketAddr>,
    announced: BTreeMap<RouteId, Route>,
}

impl Scene {
    pub fn new() -> Self {
        let mut world = World::with(Config {
            routes: true,
            ..config()
        });
        let v6 = world.core.add_listener(Listener {
            transport: Transport::Udp,
            address: addr("[2a00::1]:3478"),
        });
        let peers = [
            "8.8.8.8:7000",
            "8.8.8.8:7001",
            "9.9.9.1:1",
            "[2a01::8]:7000",
            "[2a01::9]:53",
        ];
        Scene {
            world,
            v6,
            clients: Vec::new(),
            peers: peers.map(addr).to_vec(),
            announced: BTreeMap::new(),
        }
    }

    /// A client, who can be reached by both families of peers.
    pub fn arrive(&mut self, dice: &mut Dice) {
        let port = 1000 + self.clients.len() as u16;
        let link = match dice.roll(2) {
            0 => Link {
                listener: self.world.udp,
                client: SocketAddr::new([9, 9, 9, 9].into(), port),
            },
            _ => Link {
                listener: self.v6,
                client: format!("[2a02::{port}]:{port}").parse().unwrap(),
            },
        };
        let mut client = Client::on(link);
        client.user = format!("user{port}");
        client.greet(&mut self.world);
        let family = *dice.pick(&[Family::V4, Family::V6]);
        let request = client.signed(crate::stun::message::Method::Allocate, |w| {
            crate::turn::tests::client::udp(w);
            let kind = crate::stun::attributes::kind::REQUESTED_ADDRESS_FAMILY;
            w.attribute(kind, &[family.code(), 0, 0, 0]);
        });
        let reply = self.world.exchange(&client, &request).unwrap();
        let relayed = reply.address(crate::stun::attributes::kind::XOR_RELAYED_ADDRESS);
        self.peers.push(relayed.expect("an allocation"));
        self.clients.push((client, family));
    }

    /// Something happens.
    fn change(&mut self, dice: &mut Dice) {
        let number = 0x4000 + dice.roll(4) as u16;
        let peer = dice.pick(&self.peers).to_string();
        let what = dice.roll(20);
        if self.clients.is_empty() || what < 4 {
            return self.arrive(dice);
        }
        let at = dice.roll(self.clients.len());
        let client = &mut self.clients[at].0;
        let request = match what {
            4..15 => client.bind(number, &peer),
            15..17 => client.permit(&peer),
            17 => client.refresh(*dice.pick(&[0, 600, 1200, 3600])),
            18 => {
                let live: Vec<_> = self.world.core.allocations().collect();
                if let Some(id) = live.first() {
                    let cap = *dice.pick(&[None, Some(1 << 20)]);
                    self.world.core.set_byte_cap(*id, cap);
                }
                return;
            }
            _ => return self.world.pass(secs(60 * dice.roll(4) as u64)),
        };
        let client = self.clients[at].0.clone();
        self.world.exchange(&client, &request);
    }

    /// What the kernel would have now, with the clock of the world.
    pub fn kernel(&mut self) -> (Arc<Kernel>, Routes) {
        while let Some(change) = self.world.core.poll_route() {
            match change {
                RouteChange::Open(route) => self.announced.insert(route.id, route),
                RouteChange::Close(id) => self.announced.remove(&id),
            };
        }
        let hop = |_, to: SocketAddr| {
            Some(Hop {
                interface: LOOPBACK,
                next: to.ip(),
                mtu: None,
            })
        };
        let kernel = Kernel::with(512, || self.world.now, Box::new(hop));
        let kernel = Arc::new(kernel.expect("a kernel as before"));
        let mut routes = Routes::new(kernel.clone());
        for route in self.announced.values() {
            let relayed = self.world.relays.open[&route.relay];
            assert!(routes.open(*route, relayed).is_none());
        }
        (kernel, routes)
    }

    /// What the core sends when a packet has come through the sockets.
    fn core(&mut self, packet: &Packet) -> Option<(SocketAddr, SocketAddr, Vec<u8>)> {
        let listeners = [
            (self.world.udp, addr("198.100.0.1:3478")),
            (self.v6, addr("[2a00::1]:3478")),
        ];
        let World {
            core, relays, now, ..
        } = &mut self.world;
        let listener = listeners.iter().find(|(_, at)| *at == packet.to);
        let action = match (
            listener,
            relays.open.iter().find(|(_, at)| **at == packet.to),
        ) {
            (Some((listener, _)), _) => {
                let client = packet.from;
                let link = Link {
                    listener: *listener,
                    client,
                };
                core.inbound(&link, &packet.payload, *now, &mut Vec::new())
            }
            (None, Some((relay, _))) => {
                core.from_peer(*relay, packet.from, packet.payload.len(), *now)
            }
            (None, None) => return None,
        };
        match action {
            Action::ToPeer {
                relay,
                peer,
                payload,
                ..
            } => Some((relays.open[&relay], peer, packet.payload[payload].to_vec())),
            Action::ToClient {
                link,
                header,
                payload,
                padding,
            } => {
                let (_, listener) = listeners.iter().find(|(id, _)| *id == link.listener)?;
                let data = [&header[..], &packet.payload[payload]].concat();
                let data = [data, vec![0; padding.into()]].concat();
                Some((*listener, link.client, data))
            }
            _ => None,
        }
    }

    /// A packet that may fit a route, or nearly.
    fn packet(&mut self, dice: &mut Dice) -> Packet {
        let len = *dice.pick(&[0, 1, 3, 4, 5, 100, 160, 255, 256, 1000, 1200, 1300, 1440]);
        let data: Vec<u8> = (0..len).map(|_| dice.roll(256) as u8).collect();
        let known: Vec<_> = self.announced.values().copied().collect();
        if known.is_empty() || dice.roll(8) == 0 {
            let clients: Vec<_> = self
                .clients
                .iter()
                .map(|(client, _)| client.link.client)
                .collect();
            let ends = [clients, self.peers.clone()].concat();
            let from = *dice.pick(&ends);
            let all = [addr("198.100.0.1:3478"), addr("[2a00::1]:3478")];
            let ends: Vec<_> = all.iter().chain(&self.peers).copied().collect();
            let fits: Vec<_> = ends
                .into_iter()
                .filter(|to| to.is_ipv4() == from.is_ipv4())
                .collect();
            let to = *dice.pick(&fits);
            let payload = channel(0x4000 + dice.roll(4) as u16, &data);
            return Packet::new(from, to, payload);
        }
        let route = *dice.pick(&known);
        if dice.roll(2) == 0 {
            let payload = channel(route.id.channel, &data);
            return Packet::new(route.client, route.listener, payload);
        }
        // What has a relayed address as its source has not come from outside.
        let relayed = self.world.relays.open[&route.relay];
        Packet::new(route.peer, relayed, data)
    }
}

#[test]
fn what_the_program_sends_the_core_would_have_sent() {
    if program().is_none() {
        return;
    }
    let mut dice = Dice(7);
    let mut scene = Scene::new();
    let (mut sent, mut tried) = (0, 0);
    for _ in 0..STATES {
        for _ in 0..12 {
            scene.change(&mut dice);
        }
        let (kernel, _routes) = scene.kernel();
        for _ in 0..FRAMES {
            let packet = scene.packet(&mut dice);
            let mut bytes = frame(&packet, dice.roll(4) > 0);
            // Half of them with one byte that is another, in the heads more often.
            let is_changed = dice.roll(2) == 0;
            if is_changed {
                let reach = *dice.pick(&[60, bytes.len()]);
                let at = dice.roll(bytes.len().min(reach));
                bytes[at] ^= 1 + dice.roll(255) as u8;
            }
            tried += 1;
            sent += usize::from(agree(&mut scene, &kernel, &bytes));
        }
    }
    println!("{tried} frames, of which the program sent {sent}");
    assert!(
        sent > tried / 20,
        "of {tried} frames the program sent {sent}"
    );
}

#[test]
fn every_single_byte_that_is_another_is_noticed_or_passed_on_as_it_is() {
    if program().is_none() {
        return;
    }
    let mut dice = Dice(3);
    let mut scene = Scene::new();
    for _ in 0..20 {
        scene.change(&mut dice);
    }
    let (kernel, _routes) = scene.kernel();
    let (mut sent, mut tried) = (0, 0);
    for _ in 0..100 {
        let packet = scene.packet(&mut dice);
        let good = frame(&packet, true);
        if tried > 2000 || !agree(&mut scene, &kernel, &good) {
            continue;
        }
        for at in 0..good.len().min(80) {
            for flip in [1, 0x80, 0xFF] {
                let mut bytes = good.clone();
                bytes[at] ^= flip;
                tried += 1;
                sent += usize::from(agree(&mut scene, &kernel, &bytes));
            }
        }
    }
    println!("{tried} frames, of which the program sent {sent}");
    assert!(tried > 2000 && sent > 0, "{tried} tried, {sent} sent");
}

/// Gives a frame to both. Whether the program sent something; then the core did too, and the same.
pub fn agree(scene: &mut Scene, kernel: &Kernel, bytes: &[u8]) -> bool {
    let ran = kernel.program.try_out(bytes, LOOPBACK, 1).unwrap();
    if ran.answer == UP {
        assert_eq!(ran.packet, bytes, "it goes up as it came");
        return false;
    }
    assert_eq!(ran.answer, OUT);
    let came = read(bytes).expect("what is not understood goes up");
    // The kernel writes the frame's head anew when it knows the neighbour.
    let mut packet = ran.packet;
    let kind = match packet[14] >> 4 {
        4 => [8, 0],
        _ => [0x86, 0xDD],
    };
    packet[12..14].copy_from_slice(&kind);
    let left = read(&packet).expect("what is sent is well-formed");
    let wanted = scene.core(&came);
    let wanted = wanted.unwrap_or_else(|| panic!("the core sends nothing of {came:?}"));
    assert_eq!(
        (left.from, left.to, &left.payload),
        (wanted.0, wanted.1, &wanted.2)
    );
    assert_eq!((left.tos, left.ttl), (came.tos, came.ttl - 1));
    assert_eq!(
        left.check, came.check,
        "a checksum is right, wrong or absent as it was"
    );
    true
}
