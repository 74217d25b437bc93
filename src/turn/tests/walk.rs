//! Deferred decisions in a random order: answers, deadlines, clients that go.
#![forbid(unsafe_code)]

use super::client::*;
use crate::stun::attributes::kind;
use crate::stun::message::Method;
use crate::turn::*;

/// A small generator, so that the walk is the same each time.
struct Walk(u64);

impl Walk {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) as usize % n
    }
}

#[test]
fn whatever_the_order_each_request_gets_one_answer_and_nothing_stays() {
    let mut walk = Walk(7);
    let mut world = World::with(Config {
        user_quota: Some(3),
        max_held_per_source: 20,
        ..config()
    });
    let mut clients: Vec<_> = (0..30)
        .map(|n| Client::over_tcp(&world, &format!("9.9.9.{}:1000", n % 3 + 10 * (n / 3))))
        .collect();
    let mut waiting: Vec<RequestId> = Vec::new();
    let (mut asked, mut answered) = (0, 0);
    for _ in 0..5000 {
        let n = walk.below(clients.len());
        match walk.below(8) {
            0..=2 => {
                let client = &mut clients[n];
                let bare = client.bare(Method::Allocate, udp);
                if world.send(client, &bare) == Action::Reply {
                    let nonce = Reply::parse(&world.out).get(kind::NONCE);
                    client.nonce = nonce.unwrap_or_default();
                }
                let request = client.allocate();
                if let Action::Ask(id) = world.send(client, &request) {
                    asked += 1;
                    match world.decide(id, Decision::Later) {
                        Decided::Held => waiting.push(id),
                        Decided::Reply(_) | Decided::Dropped => answered += 1,
                        Decided::Gone => panic!("gone while asked"),
                    }
                }
            }
            3 | 4 if !waiting.is_empty() => {
                let id = waiting[walk.below(waiting.len())];
                let decided = match walk.below(3) {
                    0 => world.authorize(id),
                    1 => world.decide(id, Decision::NotAuthorized),
                    _ => world.decide(id, Decision::QuotaReached(None)),
                };
                answered += usize::from(decided != Decided::Gone);
            }
            5 => world.core.client_gone(&clients[n].link, world.now),
            6 => world.pass(secs(walk.below(5) as u64)),
            _ => {
                let delete = clients[n].refresh(0);
                world.send(&clients[n], &delete);
            }
        }
        let live = world.core.allocation_count();
        assert!(live <= 3 && live == world.core.shared().accounts().allocations("ann") as usize);
    }
    world.core.stop(world.now);
    world.drain_events();
    let withdrawn = world
        .events
        .iter()
        .filter(|e| matches!(e, Event::Withdrawn(..)))
        .count();
    assert_eq!(asked, answered + withdrawn);
    assert!(
        asked > 500 && withdrawn > 50,
        "{asked} {answered} {withdrawn}"
    );
    for id in waiting {
        assert_eq!(world.authorize(id), Decided::Gone);
    }
    world.assert_empty();
}
