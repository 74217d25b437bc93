//! Between two allocations of one server, in one core and in two.
#![forbid(unsafe_code)]

use std::net::SocketAddr;
use std::sync::Arc;

use super::client::*;
use crate::stun::Writer;
use crate::stun::attributes::kind;
use crate::stun::message::Method;
use crate::turn::*;

/// Two clients of one core, each the other's peer by a channel.
fn pair(world: &mut World) -> [(Client, SocketAddr); 2] {
    let mut a = Client::new(world, "9.9.9.9:1000");
    let mut b = Client::new(world, "9.9.9.9:1001");
    let (at_a, at_b) = (a.connect(world), b.connect(world));
    let bind = a.bind(CHANNEL, &at_b.to_string());
    assert_eq!(a.ask(world, &bind), 0);
    [(a, at_a), (b, at_b)]
}

#[test]
fn a_packet_for_another_allocation_stays_inside() {
    let mut world = World::new();
    let [(a, at_a), (mut b, _)] = pair(&mut world);
    let packet = channel(CHANNEL, b"hello");
    // The other side has given no permission.
    assert_eq!(world.send(&a, &packet), Action::Nothing);
    let permit = b.permit(&at_a.to_string());
    assert_eq!(b.ask(&mut world, &permit), 0);
    let action = world.send(&a, &packet);
    let Action::ToClient {
        link,
        header,
        payload,
        padding,
    } = action
    else {
        panic!("{action:?}");
    };
    assert_eq!(
        (link, payload, padding, header.len()),
        (b.link, 4..9, 3, 36)
    );
    let bind = b.bind(CHANNEL + 7, &at_a.to_string());
    assert_eq!(b.ask(&mut world, &bind), 0);
    let Action::ToClient {
        header, padding, ..
    } = world.send(&a, &packet)
    else {
        panic!("not handed over");
    };
    assert_eq!((&header[..], padding), (&[0x40, 0x08, 0, 5][..], 0));
    // Both sides counted, as if the packets had gone through the kernel.
    let figures = |client: &Client| {
        let mut ids = world.core.allocations();
        let theirs = |id: &AllocationId| {
            let figures = world.core.figures(*id, world.now).unwrap();
            figures.tuple.client == client.link.client
        };
        let id = ids.find(theirs).unwrap();
        world.core.figures(id, world.now).unwrap()
    };
    assert_eq!(
        (figures(&a).to_peers.packets, figures(&a).to_client.packets),
        (3, 0)
    );
    assert_eq!(
        (figures(&b).to_peers.packets, figures(&b).to_client.packets),
        (0, 2)
    );
    assert_eq!(world.core.counters().packets_inside, 3);
}

#[test]
fn the_receivers_limits_apply_inside() {
    let mut world = World::new();
    let [(a, at_a), (mut b, _)] = pair(&mut world);
    let permit = b.permit(&at_a.to_string());
    assert_eq!(b.ask(&mut world, &permit), 0);
    let ids: Vec<_> = world.core.allocations().collect();
    let of_b = ids.into_iter().find(|id| {
        let figures = world.core.figures(*id, world.now).unwrap();
        figures.tuple.client == b.link.client
    });
    world.core.set_byte_cap(of_b.unwrap(), Some(5));
    let packet = channel(CHANNEL, b"hello");
    assert!(matches!(world.send(&a, &packet), Action::ToClient { .. }));
    assert_eq!(world.send(&a, &packet), Action::Nothing);
    world.drain_events();
    let removed = Event::Removed(of_b.unwrap(), Reason::ByteCap);
    assert_eq!(world.events.last(), Some(&removed));
}

#[test]
fn the_servers_own_address_leads_nowhere_else() {
    let mut world = World::new();
    let mut a = Client::new(&world, "9.9.9.9:1000");
    let at_a = a.connect(&mut world);
    let ip = at_a.ip();
    // Port 22 of the server: permitted by address, but never reached.
    let permit = a.permit(&format!("{ip}:22"));
    assert_eq!(a.ask(&mut world, &permit), 0);
    let send = a.indication(&format!("{ip}:22"), b"x");
    let Action::Elsewhere {
        to, from, kernel, ..
    } = world.send(&a, &send)
    else {
        panic!("sent out");
    };
    assert_eq!((to.port(), from, kernel), (22, at_a, None));
    world.core.set_policy(None, |policy| {
        policy.allow(Range::new(ip, 32).unwrap());
    });
    let relay = world.relay_of(&at_a);
    let Action::Elsewhere { kernel, .. } = world.send(&a, &send) else {
        panic!("not elsewhere");
    };
    assert_eq!(kernel, Some(relay));
}

#[test]
fn a_packet_for_another_core_is_handed_over() {
    let shared = Arc::new(Shared::new([9; 32]));
    let mut left = World::sharing(config(), shared.clone(), 0);
    let mut right = World::sharing(config(), shared, 1);
    right.relays.next_port = 5000;
    let mut a = Client::new(&left, "9.9.9.9:1000");
    let mut b = Client::new(&right, "9.9.9.9:1001");
    let (at_a, at_b) = (a.connect(&mut left), b.connect(&mut right));
    let bind = a.bind(CHANNEL, &at_b.to_string());
    assert_eq!(a.ask(&mut left, &bind), 0);
    let packet = channel(CHANNEL, b"hello");
    let Action::Elsewhere {
        to, from, payload, ..
    } = left.send(&a, &packet)
    else {
        panic!("not elsewhere");
    };
    assert_eq!((to, from, payload), (at_b, at_a, 4..9));
    let now = right.now;
    assert_eq!(
        right.core.handed_over(&to, from, 5, now),
        Some(Action::Nothing)
    );
    let permit = b.permit(&at_a.to_string());
    assert_eq!(b.ask(&mut right, &permit), 0);
    let action = right.core.handed_over(&to, from, 5, now);
    assert!(matches!(action, Some(Action::ToClient { link, .. }) if link == b.link));
    assert_eq!(
        right.core.handed_over(&addr("1.2.3.4:5"), from, 5, now),
        None
    );
}

#[test]
fn quotas_nonces_and_tokens_hold_over_all_cores() {
    let shared = Arc::new(Shared::new([9; 32]));
    let config = Config {
        user_quota: Some(2),
        ..config()
    };
    let mut left = World::sharing(config.clone(), shared.clone(), 0);
    let mut right = World::sharing(config, shared.clone(), 1);
    let mut a = Client::new(&left, "9.9.9.9:1000");
    a.greet(&mut left);
    let request = a.signed(Method::Allocate, |w| {
        udp(w);
        w.attribute(kind::EVEN_PORT, &[0x80]);
    });
    let reply = left.exchange(&a, &request).unwrap();
    let token = reply.get(kind::RESERVATION_TOKEN).unwrap();
    // A nonce of one core serves in the other.
    let mut b = Client::new(&right, "9.9.9.9:1001");
    b.greet(&mut left);
    let with_token = |w: &mut Writer<'_>| {
        udp(w);
        w.attribute(kind::RESERVATION_TOKEN, &token);
    };
    right.relays.adopts = true;
    let request = b.signed(Method::Allocate, with_token);
    let reply = right.exchange(&b, &request).unwrap();
    assert_eq!(reply.code(), 0);
    let mut c = Client::new(&right, "9.9.9.9:1002");
    c.greet(&mut right);
    let request = c.allocate();
    assert_eq!(c.ask(&mut right, &request), 486);
    // The first core forgets the socket that is the other's now, unclosed.
    left.pass(secs(31));
    assert_eq!(left.relays.open.len(), 2);
    assert_eq!(left.core.sizes()[2], 1);
    let delete = a.refresh(0);
    assert_eq!(a.ask(&mut left, &delete), 0);
    let request = c.allocate();
    assert_eq!(c.ask(&mut right, &request), 0);
    assert_eq!(shared.accounts().allocations("ann"), 2);
}
