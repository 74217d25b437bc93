//! What ends by itself: the program looks at the clock, and needs no core that would tell it.
#![forbid(unsafe_code)]

use super::differential::{Dice, Scene, agree};
use super::frames::{Packet, frame, program};
use crate::stun::Family;
use crate::turn::tests::client::{channel, secs};

const NUMBER: u16 = 0x4000;
/// Long before an end, as time passes here.
const EARLY: u64 = 60;

/// A client with a channel, whose allocation was refreshed to last so long.
fn scene(dice: &mut Dice, lifetime: u32) -> (Scene, &'static str) {
    let mut scene = Scene::new();
    scene.arrive(dice);
    let (client, family) = &mut scene.clients[0];
    let peer = match family {
        Family::V4 => "8.8.8.8:7000",
        Family::V6 => "[2a01::8]:7000",
    };
    for request in [client.refresh(lifetime), client.bind(NUMBER, peer)] {
        scene.world.exchange(client, &request).expect("an answer");
    }
    (scene, peer)
}

/// Whether the program forwards so long after: to the peer, and to the client. The core has not been told that time passed.
fn forwards(scene: &mut Scene, peer: &str, after: u64) -> [bool; 2] {
    let start = scene.world.now;
    scene.world.now = start + secs(after);
    let (kernel, routes) = scene.kernel();
    let (route, _) = routes.in_kernel().next().expect("a route");
    let relayed = scene.world.relays.open[&route.relay];
    let to_peer = Packet::new(route.client, route.listener, channel(NUMBER, b"data"));
    let to_client = Packet::new(peer.parse().unwrap(), relayed, b"data".to_vec());
    let found = [to_peer, to_client].map(|packet| agree(scene, &kernel, &frame(&packet, true)));
    scene.world.now = start;
    found
}

#[test]
fn permission_channel_and_allocation_end_in_the_program_without_the_core() {
    if program().is_none() {
        return;
    }
    let mut dice = Dice(5);
    for _ in 0..6 {
        // A permission lasts five minutes, a channel ten.
        let (mut scene, peer) = scene(&mut dice, 3600);
        let ends = [
            (300 - EARLY, [true, true]),
            (300, [true, false]),
            (600 - EARLY, [true, false]),
            (600, [false, false]),
        ];
        for (after, wanted) in ends {
            let found = forwards(&mut scene, peer, after);
            assert_eq!(found, wanted, "{after} s after the channel was bound");
        }
    }
    for _ in 0..6 {
        let (mut scene, peer) = scene(&mut dice, 600);
        scene.world.pass(secs(200));
        let (client, _) = &mut scene.clients[0];
        let request = client.bind(NUMBER, peer);
        scene.world.exchange(client, &request).expect("an answer");
        // The channel would last 600 s from now on.
        for (after, wanted) in [(400 - EARLY, true), (400, false)] {
            let [to_peer, _] = forwards(&mut scene, peer, after);
            assert_eq!(to_peer, wanted, "{after} s after it was bound again");
        }
    }
}
