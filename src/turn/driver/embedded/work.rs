//! The work in an embedded core: what comes of a packet, a decision, a stop.
#![forbid(unsafe_code)]

use std::ops::Range;
use std::sync::atomic::Ordering::{Acquire, Release};

use parking_lot::MutexGuard;

use crate::turn;
use crate::turn::core::action::{Action, Decided, Decision, Event};
use crate::turn::driver::observer::{Ask, Place};
use crate::turn::state::arena::RequestId;
use crate::turn::state::five_tuple::Link;

use super::Embedded;
use super::access::{Exclusive, Output};

/// The lock on the core, which is opened for calls to the observer.
pub type Guard<'a> = MutexGuard<'a, turn::Core>;

impl Embedded {
    /// Takes up decisions, a stop, and events, until there are none.
    pub(super) fn work_off(&self, exclusive: &mut Exclusive) {
        let mut core = self.own.core.lock();
        loop {
            self.tell(&mut core, exclusive);
            let decisions = std::mem::take(&mut *self.own.decisions.lock());
            let must_stop = self.stopping.load(Acquire) && !self.has_ended();
            if decisions.is_empty() && !must_stop {
                return;
            }
            for (id, decision) in decisions {
                self.decide(&mut core, exclusive, id, decision);
                MutexGuard::unlocked(&mut core, || exclusive.observer.done(id));
            }
            if must_stop {
                core.stop(self.own.now());
                self.tell(&mut core, exclusive);
                self.ended.store(true, Release);
            }
        }
    }

    /// Tells the observer what happened.
    fn tell(&self, core: &mut Guard<'_>, exclusive: &mut Exclusive) {
        while let Some(event) = core.poll_event(&mut exclusive.sockets) {
            let observer = &mut exclusive.observer;
            let place = |id| Place { worker: 0, id };
            match event {
                Event::Created(id) => {
                    MutexGuard::unlocked(core, || observer.created(place(id)));
                }
                Event::Removed(id, reason) => {
                    MutexGuard::unlocked(core, || observer.removed(place(id), reason));
                }
                Event::Withdrawn(id, _) => MutexGuard::unlocked(core, || observer.done(id)),
                Event::Send(link, bytes) => {
                    let outputs = &mut exclusive.sockets.outputs;
                    outputs.push_back(Output::ToClient(link, bytes));
                }
            }
        }
    }

    fn ask(&self, core: &mut Guard<'_>, exclusive: &mut Exclusive, id: RequestId) {
        let Some(request) = core.request_of(id) else {
            return;
        };
        let ask = Ask::new(Place { worker: 0, id }, &request);
        let observer = &mut exclusive.observer;
        let decision = MutexGuard::unlocked(core, || observer.authenticate(ask));
        let is_later = matches!(decision, Decision::Later);
        let decided = self.decide(core, exclusive, id, decision);
        if is_later && decided != Decided::Held {
            MutexGuard::unlocked(core, || exclusive.observer.done(id));
        }
    }

    fn decide(
        &self,
        core: &mut Guard<'_>,
        exclusive: &mut Exclusive,
        id: RequestId,
        decision: Decision,
    ) -> Decided {
        let Exclusive { sockets, out, .. } = exclusive;
        let decided = core.decide(id, decision, self.own.now(), sockets, out);
        if let Decided::Reply(link) = decided {
            // The observer knows of an allocation before its client does.
            let reply = std::mem::take(out);
            self.tell(core, exclusive);
            let outputs = &mut exclusive.sockets.outputs;
            outputs.push_back(Output::ToClient(link, reply));
        }
        decided
    }

    /// Does what the core says about a packet.
    pub(super) fn act(
        &self,
        core: &mut Guard<'_>,
        exclusive: &mut Exclusive,
        link: Option<&Link>,
        action: Action,
        packet: &[u8],
    ) {
        let payload = |range: Range<usize>| packet.get(range).unwrap_or_default();
        let output = match action {
            Action::Nothing => return,
            Action::Ask(id) => return self.ask(core, exclusive, id),
            Action::Reply => match link {
                Some(link) => Output::ToClient(*link, std::mem::take(&mut exclusive.out)),
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
            }
            // There is no other core: the packet goes the way of any other.
            | Action::Elsewhere {
                kernel: Some(relay),
                to: peer,
                payload: range,
                dont_fragment,
                ..
            } => Output::ToPeer {
                relay,
                peer,
                bytes: payload(range).to_vec(),
                dont_fragment,
            },
            Action::Elsewhere { kernel: None, .. } => return,
        };
        exclusive.sockets.outputs.push_back(output);
    }
}
