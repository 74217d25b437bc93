//! The work in a driven core: what comes of a packet, a decision, a stop.
#![forbid(unsafe_code)]

use std::ops::Range;
use std::sync::atomic::Ordering::{Acquire, Release};

use parking_lot::MutexGuard;

use crate::turn;
use crate::turn::core::action::{Action, Decided, Decision, Event};
use crate::turn::core::config::Link;
use crate::turn::driver::observer::{Ask, Place};
use crate::turn::state::arena::RequestId;

use super::Driven;
use super::seat::{Drive, Output};

/// The lock on the core, which is opened for calls to the observer.
pub type Guard<'a> = MutexGuard<'a, turn::Core>;

impl Driven {
    /// Takes up decisions, a stop, and events, until there are none.
    pub(super) fn settle(&self, drive: &mut Drive) {
        let mut core = self.seat.core.lock();
        loop {
            self.tell(&mut core, drive);
            let decisions = std::mem::take(&mut *self.seat.decisions.lock());
            let must_stop = self.stopping.load(Acquire) && !self.has_ended();
            if decisions.is_empty() && !must_stop {
                return;
            }
            for (id, decision) in decisions {
                self.decide(&mut core, drive, id, decision);
                MutexGuard::unlocked(&mut core, || drive.observer.done(id));
            }
            if must_stop {
                core.stop(self.seat.now());
                self.tell(&mut core, drive);
                self.ended.store(true, Release);
            }
        }
    }

    /// Tells the observer what happened.
    fn tell(&self, core: &mut Guard<'_>, drive: &mut Drive) {
        while let Some(event) = core.poll_event(&mut drive.sockets) {
            let observer = &mut drive.observer;
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
                    let outputs = &mut drive.sockets.outputs;
                    outputs.push_back(Output::ToClient(link, bytes));
                }
            }
        }
    }

    fn ask(&self, core: &mut Guard<'_>, drive: &mut Drive, id: RequestId) {
        let Some(request) = core.request_of(id) else {
            return;
        };
        let ask = Ask::new(Place { worker: 0, id }, &request);
        let observer = &mut drive.observer;
        let decision = MutexGuard::unlocked(core, || observer.authenticate(ask));
        let is_later = matches!(decision, Decision::Later);
        let decided = self.decide(core, drive, id, decision);
        if is_later && decided != Decided::Held {
            MutexGuard::unlocked(core, || drive.observer.done(id));
        }
    }

    fn decide(
        &self,
        core: &mut Guard<'_>,
        drive: &mut Drive,
        id: RequestId,
        decision: Decision,
    ) -> Decided {
        let Drive { sockets, out, .. } = drive;
        let decided = core.decide(id, decision, self.seat.now(), sockets, out);
        if let Decided::Reply(link) = decided {
            // The observer knows of an allocation before its client does.
            let reply = std::mem::take(out);
            self.tell(core, drive);
            let outputs = &mut drive.sockets.outputs;
            outputs.push_back(Output::ToClient(link, reply));
        }
        decided
    }

    /// Does what the core says about a packet.
    pub(super) fn act(
        &self,
        core: &mut Guard<'_>,
        drive: &mut Drive,
        link: Option<&Link>,
        action: Action,
        packet: &[u8],
    ) {
        let payload = |range: Range<usize>| packet.get(range).unwrap_or_default();
        let output = match action {
            Action::Nothing => return,
            Action::Ask(id) => return self.ask(core, drive, id),
            Action::Reply => match link {
                Some(link) => Output::ToClient(*link, std::mem::take(&mut drive.out)),
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
        drive.sockets.outputs.push_back(output);
    }
}
