//! The system calls that neither the standard library nor `socket2` offers.

mod address;
mod batch;
mod events;
mod fork;
mod interfaces;
mod options;

pub use address::RawAddress;
pub use batch::{HEADROOM, Inbox, Outgoing, Received, Sender, Slots};
pub use events::{Epoll, Interest, Ready, Wake, without_signals};
pub use fork::{current_generation, generation};
pub use interfaces::{HostAddress, interface_addresses};
pub use options::{enable_gro, set_dont_fragment};
