//! How a worker and its observer speak to each other.
#![forbid(unsafe_code)]

use std::net::SocketAddr;
use std::sync::Arc;

use crate::turn::core::Core;
use crate::turn::core::action::{Decided, Decision, Event};
use crate::turn::state::arena::{PeerId, RelayId, RequestId};
use crate::turn::state::five_tuple::Link;

use super::clock;
use super::conversation::Conversation;
use super::observer::Observer;
use super::worker::{Guard, Locked, Worker};

impl Conversation for Worker {
    type Locked = Locked;

    fn worker(&self) -> u16 {
        self.index
    }

    fn core(locked: &mut Locked) -> &mut Core {
        &mut locked.core
    }

    fn observer(&mut self) -> &mut dyn Observer {
        &mut *self.observer
    }

    fn certified(&self, link: &Link) -> Option<Arc<str>> {
        self.streams.certified(link)
    }

    fn look_at_the_clock(&mut self) {
        self.now = clock::now();
    }

    fn next_event(&mut self, locked: &mut Guard<'_>) -> Option<Event> {
        // The last figures are those of the removal.
        locked.apply_routes();
        // The next event may close a socket that a packet waits for.
        if self.queue.holds_relays() || self.queue.is_full() {
            self.flush(locked);
        }
        let Locked { core, sockets, .. } = &mut **locked;
        core.poll_event(sockets)
    }

    fn apply(&mut self, locked: &mut Locked, id: RequestId, decision: Decision) -> Decided {
        let Locked { core, sockets, .. } = locked;
        core.decide(id, decision, self.now, sockets, &mut self.out)
    }

    fn reply(&mut self, locked: &mut Guard<'_>, link: &Link) {
        let out = std::mem::take(&mut self.out);
        self.send_to(locked, link, &out);
        self.out = out;
    }

    fn send(&mut self, locked: &mut Guard<'_>, link: &Link, bytes: Vec<u8>) {
        self.send_to(locked, link, &bytes);
    }

    fn connect(&mut self, locked: &mut Guard<'_>, peer: PeerId, relay: RelayId, to: SocketAddr) {
        self.connect_peer(locked, peer, relay, to);
    }

    fn disconnect(&mut self, locked: &mut Guard<'_>, peer: PeerId) {
        self.disconnect_peer(locked, peer);
    }
}
