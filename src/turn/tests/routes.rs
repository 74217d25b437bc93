//! What a driver may forward by itself, and until when.
#![forbid(unsafe_code)]

use std::time::Duration;

use super::client::*;
use crate::turn::*;

const PEER: &str = "8.8.8.8:7000";
const TEN_MINUTES: Duration = Duration::from_secs(600);
const FIVE_MINUTES: Duration = Duration::from_secs(300);

/// A world that announces routes, and a client with a channel in it.
fn bound() -> (World, Client) {
    let mut world = World::with(Config {
        routes: true,
        ..config()
    });
    let mut ann = Client::new(&world, "9.9.9.9:1000");
    ann.connect(&mut world);
    let bind = ann.bind(CHANNEL, PEER);
    assert_eq!(ann.ask(&mut world, &bind), 0);
    (world, ann)
}

fn changes(world: &mut World) -> Vec<RouteChange> {
    std::iter::from_fn(|| world.core.poll_route()).collect()
}

/// The only change, which opens a route.
fn opened(world: &mut World) -> Route {
    match changes(world)[..] {
        [RouteChange::Open(route)] => route,
        ref other => panic!("{other:?}"),
    }
}

/// The channels that are called off.
fn closed(world: &mut World) -> Vec<u16> {
    let close = |change| match change {
        RouteChange::Close(id) => id.channel,
        RouteChange::Open(route) => panic!("{route:?}"),
    };
    changes(world).into_iter().map(close).collect()
}

#[test]
fn a_channel_makes_a_route_that_ends_with_the_first_of_what_it_needs() {
    let (mut world, mut ann) = bound();
    let route = opened(&mut world);
    assert_eq!(
        (route.client, route.listener),
        (ann.link.client, addr("198.100.0.1:3478"))
    );
    assert_eq!(
        (route.peer, route.id.channel, route.inside),
        (addr(PEER), CHANNEL, false)
    );
    assert_eq!(world.relays.open.keys().next(), Some(&route.relay));
    // The permission goes first, and is for what comes from the peer.
    assert_eq!(route.to_peer_until, world.now + TEN_MINUTES);
    assert_eq!(route.to_client_until, world.now + FIVE_MINUTES);
    // What changes nothing is not told again.
    let refresh = ann.refresh(600);
    assert_eq!(ann.ask(&mut world, &refresh), 0);
    assert_eq!(changes(&mut world), []);
    world.pass(secs(200));
    let permit = ann.permit(PEER);
    assert_eq!(ann.ask(&mut world, &permit), 0);
    let later = opened(&mut world);
    assert_eq!(later.to_peer_until, route.to_peer_until);
    assert_eq!(later.to_client_until, world.now + FIVE_MINUTES);
    // An allocation that is refreshed for less than its channel lasts.
    assert!(world.core.set_lifetime(world.only(), secs(60), world.now));
    let short = opened(&mut world);
    assert_eq!(short.to_peer_until, world.now + secs(60));
    assert_eq!(short.to_client_until, world.now + secs(60));
    let refresh = ann.refresh(0);
    assert_eq!(ann.ask(&mut world, &refresh), 0);
    assert_eq!(closed(&mut world), [CHANNEL]);
    assert_eq!(world.core.route_count(), 0);
}

#[test]
fn a_route_is_called_off_before_the_removal_is_told() {
    let (mut world, _) = bound();
    let route = opened(&mut world);
    let id = world.only();
    assert!(world.core.revoke(id, world.now));
    assert_eq!(closed(&mut world), [CHANNEL]);
    // What it relayed last is among the figures that the observer sees.
    let traffic = |packets, bytes| Traffic { packets, bytes };
    let core = &mut world.core;
    core.relayed_by_route(&route, traffic(2, 320), traffic(1, 99));
    let removed = world.core.poll_event(&mut world.relays);
    assert_eq!(removed, Some(Event::Removed(id, Reason::Revoked)));
    let figures = world.core.figures(id, world.now).unwrap();
    assert_eq!(figures.to_peers, traffic(2, 320));
    assert_eq!(figures.to_client, traffic(1, 99));
    let counters = world.core.counters();
    assert_eq!(
        (counters.packets_to_peers, counters.bytes_to_clients),
        (2, 99)
    );
    assert_eq!(
        (counters.packets_by_kernel, counters.packets_inside),
        (3, 0)
    );
}

#[test]
fn expiry_calls_a_route_off() {
    let (mut world, _) = bound();
    opened(&mut world);
    world.pass(secs(601));
    assert_eq!(closed(&mut world), [CHANNEL]);
}

#[test]
fn what_is_counted_byte_by_byte_has_no_route() {
    let (mut world, mut ann) = bound();
    opened(&mut world);
    let id = world.only();
    assert!(world.core.set_byte_cap(id, Some(1 << 30)));
    assert_eq!(closed(&mut world), [CHANNEL]);
    assert!(world.core.set_byte_cap(id, None));
    opened(&mut world);
    let rate = Rate {
        bytes_per_second: 1 << 30,
        burst: 1 << 20,
    };
    assert!(world.core.set_rate(id, Some(rate)));
    assert_eq!(closed(&mut world), [CHANNEL]);
    assert!(world.core.set_rate(id, None));
    opened(&mut world);
    // The rate of a user is set beside the core.
    world.core.shared().accounts().set_rate("ann", Some(rate));
    world.core.reroute_all();
    assert_eq!(closed(&mut world), [CHANNEL]);
    let bind = ann.bind(CHANNEL + 1, "8.8.4.4:53");
    assert_eq!(ann.ask(&mut world, &bind), 0);
    assert_eq!(changes(&mut world), []);
}

#[test]
fn a_stream_and_a_server_without_a_faster_way_have_no_routes() {
    let (mut world, _) = bound();
    opened(&mut world);
    let mut bob = Client::over_tcp(&world, "9.9.9.9:1001");
    bob.connect(&mut world);
    let bind = bob.bind(CHANNEL, PEER);
    assert_eq!(bob.ask(&mut world, &bind), 0);
    assert_eq!(changes(&mut world), []);

    let mut world = World::new();
    let mut ann = Client::new(&world, "9.9.9.9:1000");
    ann.connect(&mut world);
    let bind = ann.bind(CHANNEL, PEER);
    assert_eq!(ann.ask(&mut world, &bind), 0);
    assert_eq!(changes(&mut world), []);
}

#[test]
fn policy_calls_routes_off_and_keeps_what_has_a_relays_address_inside() {
    let (mut world, mut ann) = bound();
    opened(&mut world);
    let bind = ann.bind(CHANNEL + 1, "198.100.0.1:49153");
    assert_eq!(ann.ask(&mut world, &bind), 0);
    assert!(opened(&mut world).inside);
    world.core.set_policy(None, |policy| {
        policy.deny("8.8.0.0/16".parse().unwrap());
    });
    assert_eq!(closed(&mut world), [CHANNEL]);
    world.core.stop(world.now);
    assert_eq!(closed(&mut world), [CHANNEL + 1]);
}
