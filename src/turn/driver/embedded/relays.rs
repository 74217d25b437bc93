//! The relay sockets of an embedded core, and the rest that is for the
//! application to do.
#![forbid(unsafe_code)]

use std::cell::Cell;
use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};

use crate::stun::Family;
use crate::turn::core::action::{OpenError, Port, Relays};
use crate::turn::state::arena::RelayId;
use crate::turn::state::five_tuple::{Link, RelayTransport};

thread_local! {
    /// Whether this thread is asking the application for a relay socket, with
    /// the core locked.
    static OPENING: Cell<bool> = const { Cell::new(false) };
}

/// Opens relay sockets, as [`Relays::open`] does. `None` when there is a socket
/// but not its address.
pub type Opener = dyn FnMut(RelayId, Family, Port) -> Result<Option<SocketAddr>, OpenError> + Send;

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

impl Output {
    fn len(&self) -> usize {
        match self {
            Output::ToClient(_, bytes) | Output::ToPeer { bytes, .. } => bytes.len(),
            Output::Close(_) => 0,
        }
    }
}

/// The relay sockets, which are the application's.
pub struct ProgramRelays {
    pub open: Box<Opener>,
    pub outputs: Outputs,
}

/// Outputs that may wait to be taken before packets are refused.
const MAX_OUTPUTS: usize = 4096;
/// Bytes of them likewise.
const MAX_BYTES: usize = 8 << 20;

/// What waits to be taken.
#[derive(Default)]
pub struct Outputs {
    queue: VecDeque<Output>,
    bytes: usize,
}

impl Outputs {
    pub fn push(&mut self, output: Output) {
        self.bytes += output.len();
        self.queue.push_back(output);
    }

    pub fn pop(&mut self) -> Option<Output> {
        let next = self.queue.pop_front();
        match &next {
            Some(output) => self.bytes -= output.len(),
            None => self.queue.shrink_to(64),
        }
        next
    }

    pub fn is_full(&self) -> bool {
        self.queue.len() >= MAX_OUTPUTS || self.bytes >= MAX_BYTES
    }
}

impl Relays for ProgramRelays {
    fn open(
        &mut self,
        relay: RelayId,
        family: Family,
        _transport: RelayTransport,
        port: Port,
        _used: IpAddr,
    ) -> Result<SocketAddr, OpenError> {
        let before = OPENING.replace(true);
        let opened = (self.open)(relay, family, port);
        OPENING.set(before);
        let address = opened?.filter(|address| Family::of(&address.ip()) == family);
        if address.is_none() {
            self.close(relay);
            if let Port::EvenAndNext(next) = port {
                self.close(next);
            }
        }
        address.ok_or(OpenError::Capacity)
    }

    fn close(&mut self, relay: RelayId) {
        self.outputs.push(Output::Close(relay));
    }
}

/// Whether this thread is asking the application for a relay socket.
pub fn is_opening() -> bool {
    OPENING.get()
}

/// After a panic: nothing is being opened any more.
pub fn forget_opening() {
    OPENING.set(false);
}
