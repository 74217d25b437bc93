//! What the application hears of the ends of permissions, channels and connections.
#![forbid(unsafe_code)]

use super::client::*;
use super::world::{World, config};
use crate::turn::core::action::Reach;
use crate::turn::*;

/// A client with a permission from the beginning and a channel from 200 s later.
fn world() -> (World, Client, AllocationId) {
    let mut world = World::with(Config {
        tell_peers: true,
        nonce_lifetime: secs(3600),
        ..config()
    });
    let mut ann = Client::new(&world, "9.9.9.9:1");
    ann.connect(&mut world);
    let lifetime = ann.refresh(3600);
    assert_eq!(ann.ask(&mut world, &lifetime), 0);
    let permit = ann.permit("8.8.8.8:1");
    assert_eq!(ann.ask(&mut world, &permit), 0);
    world.pass(secs(200));
    let bind = ann.bind(0x4000, "8.8.4.4:5000");
    assert_eq!(ann.ask(&mut world, &bind), 0);
    let id = world.only();
    world.events.clear();
    (world, ann, id)
}

fn permission(ip: &str) -> Reach {
    Reach::Permission(ip.parse().unwrap())
}

fn channel() -> Reach {
    Reach::Channel(0x4000, addr("8.8.4.4:5000"))
}

#[test]
fn each_end_is_told_when_it_comes() {
    let (mut world, mut ann, id) = world();
    let over = |reach| Event::ReachesNoMore(id, reach);
    world.pass(secs(99));
    assert_eq!(world.events, []);
    world.pass(secs(1));
    assert_eq!(world.events, [over(permission("8.8.8.8"))]);
    // What is refreshed goes on, and is told of once.
    let permit = ann.permit("8.8.4.4:1");
    assert_eq!(ann.ask(&mut world, &permit), 0);
    world.pass(secs(299));
    assert_eq!(world.events.len(), 1);
    world.pass(secs(1));
    assert_eq!(world.events[1..], [over(permission("8.8.4.4"))]);
    world.pass(secs(200));
    assert_eq!(world.events[2..], [over(channel())]);
    // It can be had again.
    let bind = ann.bind(0x4000, "8.8.4.4:5000");
    assert_eq!(ann.ask(&mut world, &bind), 0);
    let begun = |reach| Event::Reaches(id, reach);
    assert_eq!(
        world.events[3..],
        [begun(permission("8.8.4.4")), begun(channel())]
    );
}

#[test]
fn an_end_that_no_tick_has_seen_is_told_before_the_next_beginning() {
    let (mut world, mut ann, id) = world();
    world.now = world.now + secs(700);
    let bind = ann.bind(0x4000, "8.8.4.4:6000");
    world.exchange(&ann, &bind).unwrap();
    let told: Vec<_> = world.events.clone();
    let over = [permission("8.8.4.4"), permission("8.8.8.8"), channel()];
    assert_eq!(told[..3], over.map(|reach| Event::ReachesNoMore(id, reach)));
    assert_eq!(told[3], Event::Reaches(id, permission("8.8.4.4")));
}

#[test]
fn what_is_denied_or_ends_with_its_allocation_is_told_too() {
    let (mut world, mut ann, id) = world();
    let over = |reach| Event::ReachesNoMore(id, reach);
    let denied = vec!["8.8.8.0/24".parse().unwrap()];
    world.core.set_policy(None, |policy| {
        policy.set_ranges(Vec::new(), denied);
    });
    world.drain_events();
    assert_eq!(world.events, [over(permission("8.8.8.8"))]);
    let delete = ann.refresh(0);
    assert_eq!(ann.ask(&mut world, &delete), 0);
    assert_eq!(
        world.events[1..],
        [
            over(permission("8.8.4.4")),
            over(channel()),
            Event::Removed(id, Reason::Deleted)
        ]
    );
    world.pass(secs(100));
    world.assert_empty();
}

#[test]
fn who_does_not_ask_hears_nothing_and_no_deadline_is_kept_for_it() {
    let mut world = World::new();
    let mut ann = Client::new(&world, "9.9.9.9:1");
    ann.connect(&mut world);
    let bind = ann.bind(0x4000, "8.8.4.4:5000");
    assert_eq!(ann.ask(&mut world, &bind), 0);
    world.pass(secs(599));
    assert!(
        world
            .events
            .iter()
            .all(|event| !matches!(event, Event::ReachesNoMore(..)))
    );
}
