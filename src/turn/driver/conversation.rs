//! What a core and its observer say to each other, whoever drives the core.
#![forbid(unsafe_code)]

use std::time::Instant;

use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::MutexGuard;

use crate::turn::core::Core;
use crate::turn::core::action::{Decided, Decision, Event};
use crate::turn::state::arena::{PeerId, RelayId, RequestId};
use crate::turn::state::five_tuple::Link;

use super::observer::{Ask, Observer, Place};

/// Who drives a core, as far as its observer is concerned. The lock on the core
/// is open while the observer is called.
pub trait Conversation {
    /// What the lock is on.
    type Locked;

    /// Which of a server's workers it is.
    fn worker(&self) -> u16;

    fn core(locked: &mut Self::Locked) -> &mut Core;

    fn observer(&mut self) -> &mut dyn Observer;

    /// Whose certificate a client has shown, as TLS verified it.
    fn certified(&self, link: &Link) -> Option<Arc<str>> {
        let _ = link;
        None
    }

    /// Looks at the clock, where there is one: the observer took its time.
    fn look_at_the_clock(&mut self);

    /// What the core has to tell next.
    fn next_event(&mut self, locked: &mut MutexGuard<'_, Self::Locked>) -> Option<Event>;

    /// Has the core decide. What is to be answered waits for
    /// [`reply`](Self::reply).
    fn apply(&mut self, locked: &mut Self::Locked, id: RequestId, decision: Decision) -> Decided;

    /// Sends what the core wrote as its answer.
    fn reply(&mut self, locked: &mut MutexGuard<'_, Self::Locked>, link: &Link);

    /// Sends something else to a client.
    fn send(&mut self, locked: &mut MutexGuard<'_, Self::Locked>, link: &Link, bytes: Vec<u8>);

    /// Connects to a peer from a relayed address, and tells the core how it went.
    fn connect(
        &mut self,
        locked: &mut MutexGuard<'_, Self::Locked>,
        peer: PeerId,
        relay: RelayId,
        to: SocketAddr,
    );

    /// Closes a connection with a peer, and the client's that it is joined with.
    fn disconnect(&mut self, locked: &mut MutexGuard<'_, Self::Locked>, peer: PeerId);

    /// Tells the observer what happened.
    fn tell(&mut self, locked: &mut MutexGuard<'_, Self::Locked>) {
        let worker = self.worker();
        while let Some(event) = self.next_event(locked) {
            match event {
                Event::Created(id) => self.call(locked, |o| o.created(Place { worker, id })),
                Event::Removed(id, reason) => {
                    self.call(locked, |o| o.removed(Place { worker, id }, reason));
                }
                Event::Reaches(id, reach) => {
                    self.call(locked, |o| o.reaches(Place { worker, id }, reach));
                }
                Event::ReachesNoMore(id, reach) => {
                    self.call(locked, |o| o.reaches_no_more(Place { worker, id }, reach));
                }
                Event::Withdrawn(id, _) => self.call(locked, |o| o.done(id)),
                Event::Send(link, bytes) => self.send(locked, &link, bytes),
                Event::Connect(peer, relay, to) => self.connect(locked, peer, relay, to),
                Event::Disconnect(peer) => self.disconnect(locked, peer),
            }
        }
    }

    /// Asks the observer about a request, and does what it says.
    fn ask(&mut self, locked: &mut MutexGuard<'_, Self::Locked>, id: RequestId) {
        let worker = self.worker();
        let Some(request) = Self::core(locked).request_of(id) else {
            return;
        };
        let mut ask = Ask::new(Place { worker, id }, &request);
        ask.certified = self.certified(&request.link);
        let decision = self.call(locked, |observer| observer.authenticate(ask));
        let is_later = matches!(decision, Decision::Later);
        self.look_at_the_clock();
        let decided = self.decide(locked, id, decision);
        if is_later && decided != Decided::Held {
            self.call(locked, |observer| observer.done(id));
        }
    }

    /// Decides about a request. The observer knows of an allocation before its
    /// client does.
    fn decide(
        &mut self,
        locked: &mut MutexGuard<'_, Self::Locked>,
        id: RequestId,
        decision: Decision,
    ) -> Decided {
        let decided = self.apply(locked, id, decision);
        if let Decided::Reply(link) = decided {
            self.tell(locked);
            self.reply(locked, &link);
        }
        decided
    }

    /// Takes in the decision about a request that was to be answered later.
    fn decide_late(
        &mut self,
        locked: &mut MutexGuard<'_, Self::Locked>,
        id: RequestId,
        decision: Decision,
    ) {
        self.decide(locked, id, decision);
        self.call(locked, |observer| observer.done(id));
    }

    /// Calls the observer with the lock open.
    fn call<R>(
        &mut self,
        locked: &mut MutexGuard<'_, Self::Locked>,
        f: impl FnOnce(&mut dyn Observer) -> R,
    ) -> R {
        let observer = self.observer();
        let (result, took) = MutexGuard::unlocked(locked, || {
            let began = Instant::now();
            (f(observer), began.elapsed())
        });
        Self::core(locked).observer_took(took);
        result
    }
}
