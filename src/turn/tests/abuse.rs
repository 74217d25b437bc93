//! Guessing, flooding and forging: what strangers can do, and what they cannot do to others.
#![forbid(unsafe_code)]

use super::client::*;
use crate::stun::attributes::kind;
use crate::stun::message::Method;
use crate::turn::*;

/// How many of `times` bare requests are answered.
fn answered(world: &mut World, client: &mut Client, times: usize, method: Method) -> usize {
    let mut count = 0;
    for _ in 0..times {
        let request = client.bare(method, udp);
        count += usize::from(world.exchange(client, &request).is_some());
    }
    count
}

#[test]
fn over_tcp_everybody_is_answered() {
    let mut world = World::new();
    let mut codes = Vec::new();
    for port in 1..=400 {
        let mut client = Client::over_tcp(&world, &format!("9.9.9.9:{port}"));
        let request = client.bare(Method::Allocate, udp);
        codes.extend(world.exchange(&client, &request).map(|reply| reply.code()));
    }
    assert_eq!(codes, [401; 400]);
    assert_eq!(world.core.counters().challenges_suppressed, 0);
}

#[test]
fn the_workers_have_one_limit_of_challenges_together() {
    let mut one = World::new();
    let mut two = World::sharing(config(), one.core.shared().clone(), 1);
    let mut client = Client::new(&one, "9.9.9.9:1");
    let first = answered(&mut one, &mut client, 150, Method::Allocate);
    let second = answered(&mut two, &mut client, 150, Method::Allocate);
    assert_eq!((first, second), (150, 50));
}

#[test]
fn binding_is_limited_over_udp_and_takes_nothing_from_the_others() {
    let mut world = World::new();
    let mut client = Client::new(&world, "9.9.9.9:1");
    assert_eq!(answered(&mut world, &mut client, 300, Method::Binding), 200);
    client.greet(&mut world);
    let mut other = Client::over_tcp(&world, "9.9.9.9:1");
    assert_eq!(answered(&mut world, &mut other, 300, Method::Binding), 300);
}

#[test]
fn tokens_of_two_servers_with_one_secret_differ() {
    let token = |world: &mut World| {
        let mut ann = Client::new(world, "9.9.9.9:1");
        ann.greet(world);
        let request = ann.signed(Method::Allocate, |w| {
            udp(w);
            w.attribute(kind::EVEN_PORT, &[0x80]);
        });
        let reply = world.exchange(&ann, &request).unwrap();
        reply.get(kind::RESERVATION_TOKEN).unwrap()
    };
    assert_ne!(token(&mut World::new()), token(&mut World::new()));
}

#[test]
fn a_nonce_of_a_server_whose_clock_is_a_second_ahead_is_understood() {
    let (mut ahead, mut behind) = (World::new(), World::new());
    ahead.now = ahead.now + secs(1);
    let mut ann = Client::new(&ahead, "9.9.9.9:1");
    ann.greet(&mut ahead);
    let request = ann.allocate();
    assert_eq!(ann.ask(&mut behind, &request), 0);
}

#[test]
fn binding_can_be_switched_off() {
    let mut world = World::with(Config {
        binding: false,
        ..config()
    });
    let mut udp = Client::new(&world, "9.9.9.9:1");
    assert_eq!(answered(&mut world, &mut udp, 1, Method::Binding), 0);
    udp.greet(&mut world);
    let mut tcp = Client::over_tcp(&world, "9.9.9.9:1");
    let request = tcp.bare(Method::Binding, |_| {});
    assert_eq!(tcp.ask(&mut world, &request), 403);
}
