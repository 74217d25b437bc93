//! What others reach of an embedded core, and what is for the application to do.
#![forbid(unsafe_code)]

use std::cell::Cell;
use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering::Acquire};

use parking_lot::Mutex;

use crate::stun;
use crate::turn;
use crate::turn::core::action::{Decision, OpenError, Port, Relays};
use crate::turn::core::counters::Counters;
use crate::turn::driver::cores::CoreAccess;
use crate::turn::driver::observer::Observer;
use crate::turn::state::arena::{RelayId, RequestId};
use crate::turn::state::five_tuple::Link;
use crate::turn::time::Time;

thread_local! {
    /// Whether this thread is asking the application for a relay socket, with
    /// the core locked.
    static OPENING: Cell<bool> = const { Cell::new(false) };
}

/// Opens relay sockets, as [`Relays::open`] does. `None` when there is a socket
/// but not its address.
pub type Opener =
    dyn FnMut(RelayId, stun::Family, Port) -> Result<Option<SocketAddr>, OpenError> + Send;

/// Something for the application to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Output {
    /// Send this to a client.
    ToClient(Link, Vec<u8>),
    /// Send this out of a relay socket.
    ToPeer {
        /// The socket.
        relay: RelayId,
        /// The destination.
        peer: SocketAddr,
        /// What to send.
        bytes: Vec<u8>,
        /// Set the DF bit.
        dont_fragment: bool,
    },
    /// Close a relay socket.
    Close(RelayId),
}

/// Why something was not taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There is no such listener.
    Unknown,
    /// The core is at work: this is an observer's function, or another thread.
    Busy,
    /// The core was stopped.
    Stopped,
    /// Too many outputs wait.
    Full,
    /// A bug of ours; the core is stopped.
    Bug,
}

/// What other threads reach of a core.
pub struct EmbeddedCore {
    pub core: Mutex<turn::Core>,
    pub decisions: Mutex<Vec<(RequestId, Decision)>>,
    /// The time that was told last, in nanoseconds.
    pub now: AtomicU64,
    pub wake: Box<dyn Fn() + Send + Sync>,
}

impl CoreAccess for EmbeddedCore {
    fn with_core(&self, f: &mut dyn FnMut(&mut turn::Core, Time)) {
        if !OPENING.get() {
            f(&mut self.core.lock(), self.now());
        }
    }

    fn wake(&self) {
        (self.wake)();
    }

    fn decide(&self, id: RequestId, decision: Decision) {
        self.decisions.lock().push((id, decision));
        self.wake();
    }

    fn losses(&self) -> Counters {
        Counters::default()
    }
}

impl EmbeddedCore {
    pub fn now(&self) -> Time {
        Time::from_nanos(self.now.load(Acquire))
    }
}

/// What whoever drives the core needs, one at a time.
pub struct Exclusive {
    pub observer: Box<dyn Observer>,
    pub sockets: RelaySockets,
    /// Where the core writes replies.
    pub out: Vec<u8>,
}

/// The relay sockets, which are the application's.
pub struct RelaySockets {
    pub open: Box<Opener>,
    pub outputs: VecDeque<Output>,
}

impl Relays for RelaySockets {
    fn open(
        &mut self,
        relay: RelayId,
        family: stun::Family,
        port: Port,
        _used: IpAddr,
    ) -> Result<SocketAddr, OpenError> {
        let before = OPENING.replace(true);
        let opened = (self.open)(relay, family, port);
        OPENING.set(before);
        let address = opened?.filter(|address| stun::Family::of(&address.ip()) == family);
        if address.is_none() {
            self.close(relay);
            if let Port::EvenAndNext(next) = port {
                self.close(next);
            }
        }
        address.ok_or(OpenError::Capacity)
    }

    fn close(&mut self, relay: RelayId) {
        self.outputs.push_back(Output::Close(relay));
    }
}

/// After a panic: nothing is being opened any more.
pub fn forget_opening() {
    OPENING.set(false);
}
