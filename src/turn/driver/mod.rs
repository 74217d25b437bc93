//! The driver of the TURN half: sockets, threads and a clock for the cores.
//!
//! ```text
//!   Server: start, stop, figures, control      any thread
//!      |                      |
//!   control, mailbox       worker (one thread each)
//!                             |
//!   listeners  streams     path: a packet's way      relay_sockets, ports
//!   clients over UDP, TCP     |                      to peers
//!                          queue: batches out        conversation: the observer
//!                             |
//!                          sys: the system calls
//!
//!   data_connections, peers: TCP relays (RFC 6062)
//!
//!   embedded: all of this by the application's own event loop
//! ```
//!
//! Each worker has its own core, its own sockets on every listener
//! (`SO_REUSEPORT`), and its own table of relay sockets. A core is behind a
//! lock that the worker holds while it works on a batch: nobody else wants it,
//! except who reads figures or changes something. A packet for an allocation
//! of another worker goes through that worker's mailbox, many at a time.

mod assembly;
mod clock;
mod connections;
mod control;
mod conversation;
mod cores;
mod credentials;
mod data_connections;
mod descriptor;
mod embedded;
mod forwarding;
mod joined;
mod listeners;
mod mailbox;
mod misdirected;
mod observer;
mod options;
pub mod panics;
mod path;
mod peers;
mod ports;
mod process;
mod proxies;
mod queue;
mod random;
mod reading;
mod reception;
mod relay_addresses;
mod relay_sockets;
mod relay_streams;
mod secure;
mod server;
mod shortage;
mod speaking;
mod stream;
mod streams;
mod sys;
#[cfg(test)]
mod tests;
#[cfg(feature = "tls")]
mod tls;
#[cfg(not(feature = "tls"))]
#[path = "tls/absent.rs"]
mod tls;
mod traps;
mod upkeep;
mod worker;

pub use connections::StreamLimits;
pub use cores::Cores;
pub use credentials::{BadTls, Pair, Pem, TlsOptions};
pub use embedded::{Embedded, Opener, Output, Refused};
pub use forwarding::KernelStatus;
pub use observer::{Ask, Level, Log, Observer, Place};
pub use options::{KernelOptions, KernelWish, Options, StartError};
pub use proxies::Proxies;
pub use relay_addresses::RelayAddress;
pub use server::Server;
pub use sys::{RawAddress, current_generation, generation};
#[cfg(feature = "tls")]
#[doc(hidden)]
pub use tls::{Broken, Opened, Session, Tls};
