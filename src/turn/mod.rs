//! The TURN half: a TURN server (RFC 8656).
//!
//! ```text
//!   exports/   the functions that C sees
//!   driver/    sockets, threads, clock           application: the observer
//!      | inbound, from_peer, tick   ^ Action     ^ Event, Ask
//!      v                            |            | decide, revoke, figures
//!   core/      data      the packet path: ChannelData, Send, Data
//!              requests  Binding, authentication, retransmissions
//!              allocate  perform  decide  refuse  reply    what comes of them
//!              connections  TCP allocations (RFC 6062)
//!              admin     what the application asks and changes
//!      |
//!   state/     table  allocation  permissions  channels    who may relay what
//!              connections  connection_ids
//!              held  replies  timers  reservations         what waits
//!              shared                                      what cores have in common
//!   auth/      mechanism  nonce  credentials  accounts     who is who
//!   policy/    peers  ranges  limits  sources  guesses     what is allowed
//!      |
//!   stun       message  attributes  integrity  writer  framing   the wire
//! ```
//!
//! One [`Core`] is used by one thread. Cores share a [`Shared`], and nothing
//! that a packet of data touches. Every entry point takes the time and causes
//! at most one packet; what else there is to say comes from
//! [`Core::poll_event`].

mod address;
mod auth;
mod core;
pub mod driver;
pub mod exports;
#[cfg_attr(not(feature = "kernel"), path = "kernel/absent.rs")]
mod kernel;
mod policy;
mod shrink;
mod state;
pub mod status;
#[cfg(test)]
pub(crate) mod tests;
mod time;

pub use self::core::action::{
    Action, Decided, Decision, Event, Grant, Header, IcmpError, NotConnected, OpenError, Port,
    Refusal, Relays, Withdrawal,
};
pub use self::core::config::Config;
pub use self::core::counters::Counters;
pub use self::core::routes::{Route, RouteChange, RouteId};
pub use self::core::streams::Direction;
pub use self::core::{Core, Request};
pub use auth::accounts::Accounts;
pub use auth::credentials::{Algorithm, Credential, Identity, userhash};
pub use auth::mechanism::User;
pub use auth::rest::RestHash;
pub use policy::limits::{Frequency, Rate};
pub use policy::peers::{Policy, Verdict};
pub use policy::ranges::{BadRange, Range};
pub use state::allocation::{Allowance, Figures, Reason, Traffic};
pub use state::arena::{AllocationId, PeerId, RelayId, RequestId};
pub use state::five_tuple::{FiveTuple, Link, Listener, ListenerId, RelayTransport, Transport};
pub use state::shared::Shared;
pub use time::Time;
