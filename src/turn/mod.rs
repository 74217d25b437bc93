//! The TURN half: a TURN server (RFC 8656) without sockets, clock or threads.
//!
//! ```text
//!   driver: sockets, threads, clock          application: the observer
//!      | inbound, from_peer, tick   ^ Action     ^ Event, Ask
//!      v                            |            | decide, revoke, figures
//!   server/   data      the packet path: ChannelData, Send, Data
//!             requests  Binding, authentication, retransmissions
//!             allocate  perform  decide  control
//!      |
//!   table  allocation  permissions  channels     who may relay what
//!   held  replies  timers  reservations           what waits
//!   auth  nonce  credentials  accounts            who is who
//!   policy  ranges  limits  sources               what is allowed
//!   message  attributes  integrity  writer  framing   the wire
//! ```
//!
//! One [`Server`] is one core, used by one thread. Cores share a [`Shared`],
//! and nothing that a packet of data touches. Every entry point takes the time
//! and causes at most one packet; what else there is to say comes from
//! [`Server::poll_event`].

mod accounts;
mod action;
mod address;
mod allocation;
mod arena;
pub mod attributes;
mod auth;
mod channels;
mod config;
mod counters;
mod credentials;
pub mod errors;
pub mod exports;
mod framing;
mod held;
mod integrity;
mod limits;
pub mod message;
mod nonce;
mod permissions;
mod policy;
mod ranges;
pub mod relay;
mod replies;
mod reservations;
mod server;
mod sources;
pub mod status;
mod table;
#[cfg(test)]
pub(crate) mod tests;
mod time;
mod timers;
mod writer;

pub use accounts::Accounts;
pub use action::{
    Action, Decided, Decision, Event, Grant, Header, OpenError, Port, Reason, Relays, Withdrawal,
};
pub use address::Family;
pub use allocation::{Figures, Traffic};
pub use arena::{AllocationId, RelayId, RequestId};
pub use auth::User;
pub use config::{Config, FiveTuple, Link, Listener, ListenerId, Transport};
pub use counters::Counters;
pub use credentials::{Algorithm, Credential, userhash};
pub use framing::{Framer, MAX_FRAME, NotTurn, frame_len};
pub use integrity::{Protection, verify};
pub use limits::{Frequency, Rate};
pub use policy::{Policy, Verdict};
pub use ranges::{BadRange, Range};
pub use reservations::Shared;
pub use server::{Request, Server};
pub use time::Time;
pub use writer::Writer;
