//! The types and numbers of a server that the program drives.
#![allow(non_camel_case_types)]

use core::ffi::{c_int, c_uint, c_void};

use libc::sockaddr;

/// Any port will do.
pub const PJAUTH_TURN_PORT_ANY: c_int = 0;
/// It must be even.
pub const PJAUTH_TURN_PORT_EVEN: c_int = 1;
/// It must be even, and the next higher port of the same address must be bound
/// too, for `next_relay`: both or none.
pub const PJAUTH_TURN_PORT_PAIR: c_int = 2;

/// A relay socket that a driven server needs.
#[repr(C)]
pub struct pjauth_turn_opening {
    /// Its name from now on. No two sockets of a server have the same.
    pub relay: u64,
    /// The name of the socket on the next port, for PJAUTH_TURN_PORT_PAIR.
    pub next_relay: u64,
    /// 4 or 6. An IPv6 socket must not receive IPv4 (IPV6_V6ONLY).
    pub family: c_int,
    /// PJAUTH_TURN_PORT_ANY, _EVEN or _PAIR.
    pub port: c_int,
    /// Gets the address that peers see, as from `getsockname()`.
    pub address: *mut sockaddr,
    /// The room there; gets the size of the address.
    pub address_size: c_uint,
}

/// What a driven server needs of the program that drives it.
#[repr(C)]
pub struct pjauth_turn_driver {
    /// Size of this structure as the program knows it.
    pub size: usize,
    /// Passed to the functions.
    pub user_data: *mut c_void,
    /// Binds a UDP socket. Called while a request is granted; must call nothing of
    /// this library.
    ///
    /// Returns 0; 440 where the address family is not served; any other number
    /// where no port is left, and then the client gets 508.
    pub open_relay: Option<
        unsafe extern "C" fn(user_data: *mut c_void, opening: *mut pjauth_turn_opening) -> c_int,
    >,
    /// There is something to do before the next deadline: have the event loop
    /// call `pjauth_turn_core_tick()`. Called from whatever thread decides about
    /// a request, changes or revokes something, with no lock held; must return
    /// soon. May be NULL where all of these happen in the loop's own thread and
    /// it calls `pjauth_turn_core_tick()` after them.
    pub wake: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
}

/// Send `data` to a client.
pub const PJAUTH_TURN_TO_CLIENT: c_int = 1;
/// Send `data` to a peer.
pub const PJAUTH_TURN_TO_PEER: c_int = 2;
/// Close a relay socket.
pub const PJAUTH_TURN_CLOSE_RELAY: c_int = 3;

/// Something for the program to do that drives a server.
#[repr(C)]
pub struct pjauth_turn_output {
    /// PJAUTH_TURN_TO_CLIENT, _TO_PEER or _CLOSE_RELAY.
    pub kind: c_int,
    /// For a client: which listener to send from, by its place in the options.
    /// For one over TCP, write `data` to the connection from `to`.
    pub listener: c_uint,
    /// For a peer: which relay socket to send from, with DF set if
    /// `dont_fragment`. Or which one to close.
    pub relay: u64,
    /// Where to send.
    pub to: *const sockaddr,
    /// Size of that address.
    pub to_size: c_uint,
    /// What to send.
    pub data: *const c_void,
    /// How many bytes.
    pub data_size: usize,
    /// Whether the DF bit is to be set (IPv4), or fragmentation forbidden (IPv6).
    pub dont_fragment: c_int,
}
