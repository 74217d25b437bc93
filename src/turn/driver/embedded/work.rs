//! The work in an embedded core: what comes of a packet, a decision, a stop.
#![forbid(unsafe_code)]

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;

use parking_lot::MutexGuard;

use crate::turn::core::Core;
use crate::turn::core::action::{Action, Decided, Decision, Event};
use crate::turn::driver::conversation::Conversation;
use crate::turn::driver::observer::Observer;
use crate::turn::state::arena::{PeerId, RelayId, RequestId};
use crate::turn::state::five_tuple::Link;

use super::access::EmbeddedCore;
use super::relays::{Output, ProgramRelays};

/// The lock on the core, which is opened for calls to the observer.
pub type Guard<'a> = MutexGuard<'a, Core>;

/// What whoever is at work in the core needs, one at a time.
pub struct Work {
    pub own: Arc<EmbeddedCore>,
    pub observer: Box<dyn Observer>,
    pub relays: ProgramRelays,
    /// Where the core writes replies.
    pub out: Vec<u8>,
}

impl Work {
    /// Takes up decisions, a stop, and events, until there are none.
    pub(super) fn finish(&mut self) {
        let own = self.own.clone();
        let mut core = own.core.lock();
        loop {
            self.tell(&mut core);
            let decisions = std::mem::take(&mut *own.decisions.lock());
            let must_stop = own.must_stop();
            if decisions.is_empty() && !must_stop {
                return;
            }
            for (id, decision) in decisions {
                self.decide_late(&mut core, id, decision);
            }
            if must_stop {
                core.stop(own.now());
                self.tell(&mut core);
                own.end();
            }
        }
    }

    /// Does what the core says about a packet.
    pub(super) fn act(
        &mut self,
        core: &mut Guard<'_>,
        link: Option<&Link>,
        action: Action,
        packet: &[u8],
    ) {
        let payload = |range: Range<usize>| packet.get(range).unwrap_or_default();
        let output = match action {
            // There are no TCP relays here.
            Action::Nothing | Action::Join(_) | Action::Transfer(_) => return,
            Action::Ask(id) => return self.ask(core, id),
            Action::Reply => match link {
                Some(link) => Output::ToClient(*link, std::mem::take(&mut self.out)),
                None => return,
            },
            Action::ToClient {
                link,
                header,
                payload: range,
                padding,
            } => {
                let zeros = [0; 3];
                let padding = &zeros[..usize::from(padding)];
                Output::ToClient(link, [&header, payload(range), padding].concat())
            }
            Action::ToPeer {
                relay,
                peer,
                payload: range,
                dont_fragment,
            } => Output::ToPeer {
                relay,
                peer,
                bytes: payload(range).to_vec(),
                dont_fragment,
            },
            // There is no other core: the packet goes the way of any other.
            Action::Elsewhere {
                kernel: Some(relay),
                to: peer,
                payload: range,
                dont_fragment,
                ..
            } => {
                let bytes = payload(range).to_vec();
                core.relayed(relay, bytes.len());
                Output::ToPeer {
                    relay,
                    peer,
                    bytes,
                    dont_fragment,
                }
            }
            Action::Elsewhere { kernel: None, .. } => return core.undeliverable(),
        };
        self.relays.outputs.push(output);
    }
}

impl Conversation for Work {
    type Locked = Core;

    /// There is no other.
    fn worker(&self) -> u16 {
        0
    }

    fn core(locked: &mut Core) -> &mut Core {
        locked
    }

    fn observer(&mut self) -> &mut dyn Observer {
        &mut *self.observer
    }

    /// Time is what the application says, before and after.
    fn look_at_the_clock(&mut self) {}

    fn next_event(&mut self, core: &mut Guard<'_>) -> Option<Event> {
        core.poll_event(&mut self.relays)
    }

    fn apply(&mut self, core: &mut Core, id: RequestId, decision: Decision) -> Decided {
        let now = self.own.now();
        core.decide(id, decision, now, &mut self.relays, &mut self.out)
    }

    fn reply(&mut self, core: &mut Guard<'_>, link: &Link) {
        let reply = std::mem::take(&mut self.out);
        self.send(core, link, reply);
    }

    // There are no TCP relays here.

    fn connect(&mut self, _: &mut Guard<'_>, _: PeerId, _: RelayId, _: SocketAddr) {}

    fn disconnect(&mut self, _: &mut Guard<'_>, _: PeerId) {}

    fn send(&mut self, _: &mut Guard<'_>, link: &Link, bytes: Vec<u8>) {
        self.relays.outputs.push(Output::ToClient(*link, bytes));
    }
}
