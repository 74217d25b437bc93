//! What a worker tells and asks its application.
#![forbid(unsafe_code)]

use std::sync::Arc;
use std::time::Duration;

use crate::stun::address::Family;
use crate::stun::message::Method;
use crate::turn::auth::credentials::Algorithm;
use crate::turn::auth::mechanism::User;
use crate::turn::core::Request;
use crate::turn::core::action::{Decision, Reach};
use crate::turn::state::allocation::Reason;
use crate::turn::state::arena::{AllocationId, RequestId};
use crate::turn::state::five_tuple::FiveTuple;

/// How bad it is what a line of the log says, in PJLIB's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something is broken.
    Error = 1,
    /// Something is lost or refused.
    Warning = 2,
    /// Something that happens rarely.
    Info = 3,
}

/// Where log lines go. Called from any thread.
pub type Log = dyn Fn(Level, &str) + Send + Sync;

/// The application's part of one worker. Each worker has its own, and calls it
/// from its thread with no lock held: every method of
/// [`Server`](super::Server) may be called from here.
pub trait Observer: Send {
    /// An allocation exists.
    fn created(&mut self, allocation: Place<AllocationId>);

    /// An allocation ends; its figures can still be read. Once for each that
    /// was created.
    fn removed(&mut self, allocation: Place<AllocationId>, reason: Reason);

    /// An allocation may reach a peer that it might not before.
    fn reaches(&mut self, allocation: Place<AllocationId>, reach: Reach);

    /// What [`reaches`](Self::reaches) told is over; told before the allocation's end is.
    fn reaches_no_more(&mut self, allocation: Place<AllocationId>, reach: Reach) {
        let _ = (allocation, reach);
    }

    /// Decides about a request. After [`Decision::Later`] the answer comes by
    /// [`Cores::decide`](super::Cores::decide), at any time, even before this
    /// returns.
    fn authenticate(&mut self, request: Ask) -> Decision;

    /// A request that was to be answered later does not wait any more: it was
    /// answered, or nobody can answer it now.
    fn done(&mut self, request: RequestId);
}

/// A thing of one worker's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place<Id> {
    /// Which worker.
    pub worker: u16,
    /// What it is called there.
    pub id: Id,
}

/// A request to decide about.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Its name.
    pub place: Place<RequestId>,
    /// Allocate, or with `ask_each` another.
    pub method: Method,
    /// The way to the client.
    pub tuple: FiveTuple,
    /// The user's name; empty where the client hides it.
    pub username: String,
    /// `SHA-256(user:realm)` where the client hides the name.
    pub userhash: Option<[u8; 32]>,
    /// The algorithm whose key is needed.
    pub algorithm: Algorithm,
    /// The lifetime that the client asks for.
    pub lifetime: Option<Duration>,
    /// The address family that the client asks for.
    pub family: Option<Family>,
    /// Whether the client has proven to hold the credential (`ask_each`).
    pub verified: bool,
    /// The error code that it is refused with whatever is decided.
    pub refusal: Option<u16>,
    /// Whose certificate the client has shown in its TLS handshake, as RFC 4514 writes
    /// a name.
    pub certified: Option<Arc<str>>,
    /// The message as it came.
    pub message: Box<[u8]>,
}

impl Ask {
    pub(super) fn new(place: Place<RequestId>, request: &Request<'_>) -> Self {
        let (username, userhash) = match request.user {
            User::Name(name) => (name.to_owned(), None),
            User::Hash(hash) => (String::new(), Some(*hash)),
        };
        Ask {
            place,
            method: request.method,
            tuple: request.tuple,
            username,
            userhash,
            algorithm: request.algorithm,
            lifetime: request.lifetime,
            family: request.family,
            verified: request.verified,
            refusal: request.refusal,
            certified: None,
            message: request.message.into(),
        }
    }
}
