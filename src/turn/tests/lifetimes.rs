//! What lasts and what ends: allocations, retransmissions, both address
//! families, reserved ports.
#![forbid(unsafe_code)]

use super::client::*;
use crate::stun::attributes::kind;
use crate::stun::message::Method;
use crate::stun::*;
use crate::turn::*;

#[test]
fn a_retransmission_gets_the_same_reply_and_no_second_allocation() {
    let (mut world, mut ann) = greeted();
    let request = ann.allocate();
    let first = world.exchange(&ann, &request).unwrap();
    let again = world.exchange(&ann, &request).unwrap();
    assert_eq!((first.code(), &first.bytes), (0, &again.bytes));
    assert_eq!((world.relays.opened, world.core.counters().asked), (1, 1));
    let delete = ann.refresh(0);
    let first = world.exchange(&ann, &delete).unwrap();
    let again = world.exchange(&ann, &delete).unwrap();
    assert_eq!((first.code(), first.lifetime()), (0, 0));
    assert_eq!(first.bytes, again.bytes);
    world.assert_empty();
    // Kept 40 seconds: later it is a new request.
    world.pass(secs(41));
    assert_eq!(ann.ask(&mut world, &delete), 437);
    // An error is kept too.
    world.relays.full = true;
    let request = ann.allocate();
    assert_eq!(ann.ask(&mut world, &request), 508);
    world.relays.full = false;
    assert_eq!(ann.ask(&mut world, &request), 508);
}

#[test]
fn the_longest_lifetime_bounds_the_default_too() {
    let mut world = World::with(Config {
        max_lifetime: secs(120),
        ..config()
    });
    let mut ann = Client::new(&world, "9.9.9.9:1000");
    ann.greet(&mut world);
    let request = ann.allocate();
    assert_eq!(world.exchange(&ann, &request).unwrap().lifetime(), 120);
}

#[test]
fn lifetimes_are_bounded_refreshed_and_end() {
    let (mut world, mut ann) = greeted();
    let lifetimes = [
        (None, 600),
        (Some(1), 600),
        (Some(601), 601),
        (Some(u32::MAX), 3600),
    ];
    for (asked, got) in lifetimes {
        let request = ann.signed(Method::Allocate, |w| {
            udp(w);
            if let Some(asked) = asked {
                w.number(kind::LIFETIME, asked);
            }
        });
        assert_eq!(world.exchange(&ann, &request).unwrap().lifetime(), got);
        let delete = ann.refresh(0);
        assert_eq!(ann.ask(&mut world, &delete), 0);
    }
    let request = ann.allocate();
    assert_eq!(ann.ask(&mut world, &request), 0);
    let refresh = |world: &mut World, ann: &mut Client, asked: u32| {
        let request = ann.refresh(asked);
        world.exchange(ann, &request).unwrap().lifetime()
    };
    for (asked, got) in [(1, 600), (601, 601), (3600, 3600), (u32::MAX, 3600)] {
        assert_eq!(refresh(&mut world, &mut ann, asked), got);
    }
    world.pass(secs(590));
    assert_eq!(refresh(&mut world, &mut ann, 600), 600);
    world.pass(secs(599));
    assert_eq!(world.core.allocation_count(), 1);
    let id = world.only();
    world.pass(secs(1));
    assert_eq!(
        world.events.last(),
        Some(&Event::Removed(id, Reason::Expired))
    );
    world.assert_empty();
}

#[test]
fn both_families_at_once_and_one_given_back() {
    let (mut world, mut ann) = greeted();
    let request = ann.signed(Method::Allocate, |w| {
        udp(w);
        w.attribute(kind::ADDITIONAL_ADDRESS_FAMILY, &[2, 0, 0, 0]);
    });
    let reply = world.exchange(&ann, &request).unwrap();
    assert_eq!(reply.code(), 0);
    let figures = world.core.figures(world.only(), world.now).unwrap();
    assert_eq!(figures.relayed.len(), 2);
    assert!(figures.relayed[0].is_ipv4() && figures.relayed[1].is_ipv6());
    let v6 = "[2606:4700::1111]:5";
    for peer in ["8.8.8.8:5", v6] {
        let permit = ann.permit(peer);
        assert_eq!(ann.ask(&mut world, &permit), 0);
    }
    let refresh = |ann: &mut Client, family: u8, lifetime: u32| {
        ann.signed(Method::Refresh, |w| {
            w.number(kind::LIFETIME, lifetime);
            w.attribute(kind::REQUESTED_ADDRESS_FAMILY, &[family, 0, 0, 0]);
        })
    };
    let request = refresh(&mut ann, 1, 1000);
    assert_eq!(ann.ask(&mut world, &request), 0);
    let request = refresh(&mut ann, 2, 0);
    assert_eq!(ann.ask(&mut world, &request), 0);
    assert_eq!(world.relays.open.len(), 1);
    let figures = world.core.figures(world.only(), world.now).unwrap();
    assert_eq!(figures.permissions, [addr("8.8.8.8:1").ip()]);
    let permit = ann.permit(v6);
    assert_eq!(ann.ask(&mut world, &permit), 443);
    let request = refresh(&mut ann, 2, 600);
    assert_eq!(ann.ask(&mut world, &request), 443);
    world.pass(secs(999));
    assert_eq!(world.core.allocation_count(), 1);
    world.pass(secs(1));
    world.assert_empty();
}

#[test]
fn one_family_of_two_may_be_missing_or_expire_alone() {
    let (mut world, mut ann) = greeted();
    let both = |w: &mut Writer<'_>| {
        udp(w);
        w.attribute(kind::ADDITIONAL_ADDRESS_FAMILY, &[2, 0, 0, 0]);
    };
    world.relays.no_v6 = true;
    let request = ann.signed(Method::Allocate, both);
    let reply = world.exchange(&ann, &request).unwrap();
    assert_eq!(reply.code(), 0);
    let partial = reply.get(kind::ADDRESS_ERROR_CODE).unwrap();
    assert_eq!(partial, [2, 0, 4, 40]);
    let delete = ann.refresh(0);
    assert_eq!(ann.ask(&mut world, &delete), 0);
    world.relays.full = true;
    assert_eq!(code_of(&mut world, &mut ann, both), 508);
    (world.relays.full, world.relays.no_v6) = (false, false);
    assert_eq!(code_of(&mut world, &mut ann, both), 0);
    let longer = ann.signed(Method::Refresh, |w| {
        w.number(kind::LIFETIME, 1000);
        w.attribute(kind::REQUESTED_ADDRESS_FAMILY, &[2, 0, 0, 0]);
    });
    assert_eq!(ann.ask(&mut world, &longer), 0);
    world.pass(secs(700));
    assert_eq!(world.relays.open.len(), 1);
    let figures = world.core.figures(world.only(), world.now).unwrap();
    assert_eq!(figures.remaining, secs(300));
    assert!(figures.relayed[0].is_ipv6());
    world.pass(secs(300));
    world.assert_empty();
}

#[test]
fn a_reserved_port_goes_to_whoever_brings_the_token() {
    let (mut world, mut ann) = greeted();
    let request = ann.signed(Method::Allocate, |w| {
        udp(w);
        w.attribute(kind::EVEN_PORT, &[0x80]);
    });
    let reply = world.exchange(&ann, &request).unwrap();
    let first = reply.address(kind::XOR_RELAYED_ADDRESS).unwrap();
    let token = reply.get(kind::RESERVATION_TOKEN).unwrap();
    assert_eq!((first.port() % 2, token.len()), (0, 8));
    assert_eq!(world.relays.open.len(), 2);
    let mut bob = Client::new(&world, "9.9.9.9:1001");
    bob.greet(&mut world);
    let with_token = |w: &mut Writer<'_>| {
        udp(w);
        w.attribute(kind::RESERVATION_TOKEN, &token);
    };
    let request = bob.signed(Method::Allocate, with_token);
    let reply = world.exchange(&bob, &request).unwrap();
    let second = reply.address(kind::XOR_RELAYED_ADDRESS).unwrap();
    assert_eq!(second.port(), first.port() + 1);
    let mut late = Client::new(&world, "9.9.9.9:1002");
    late.greet(&mut world);
    assert_eq!(code_of(&mut world, &mut late, with_token), 508);
    world.pass(secs(31));
    assert_eq!(world.relays.open.len(), 2);
    for client in [&mut ann, &mut bob] {
        let delete = client.refresh(0);
        assert_eq!(client.ask(&mut world, &delete), 0);
    }
    world.assert_empty();
}

#[test]
fn a_reserved_port_that_nobody_wants_is_closed_after_30_seconds() {
    let (mut world, mut ann) = greeted();
    let even = |flags: u8| {
        move |w: &mut Writer<'_>| {
            udp(w);
            w.attribute(kind::EVEN_PORT, &[flags]);
        }
    };
    assert_eq!(code_of(&mut world, &mut ann, even(0x80)), 0);
    world.pass(secs(29));
    assert_eq!(world.relays.open.len(), 2);
    world.pass(secs(1));
    assert_eq!(world.relays.open.len(), 1);
    let mut bob = Client::new(&world, "9.9.9.9:1001");
    bob.greet(&mut world);
    assert_eq!(code_of(&mut world, &mut bob, even(0)), 0);
    assert_eq!(world.relays.open.len(), 2);
    world.core.stop(world.now);
    world.drain_events();
    world.assert_empty();
}
