//! The system calls that neither the standard library nor `socket2` offers.

mod address;
mod errors;
mod events;
mod fork;
mod headers;
mod interfaces;
mod limits;
mod monitor;
mod options;
mod probe;
mod receive;
mod send;

pub use address::RawAddress;
pub use errors::{SendError, receive_error};
pub use events::{Epoll, Interest, Ready, Wake, without_signals};
pub use fork::{current_generation, generation};
pub use interfaces::{HostAddress, interface_addresses};
pub use limits::descriptor_limit;
pub use monitor::{Changes, Monitor};
pub use options::{dropped, enable_gro, keep_errors, set_dont_fragment};
pub use probe::is_local;
pub use receive::{HEADROOM, Inbox, Received, SLOT, Slots};
pub use send::{Outgoing, Sender};
