//! The types and numbers of the header.
#![allow(non_camel_case_types)]

use core::ffi::{c_char, c_int, c_uint};

/// A TURN server: a handle. The functions of the TURN half may be called from any
/// thread, at any time, unless they say otherwise.
///
/// Text that one of them writes goes into the caller's buffer as with `snprintf`:
/// as much as fits, terminated if there is room for a byte; the function returns
/// the length of the whole text (without the terminator), which is 0 where there
/// is none, such as for a dead handle. An address with its port is written as
/// `192.0.2.1:3478` or `[2001:db8::1]:3478`.
pub struct pjauth_turn_server {
    _opaque: [u8; 0],
}

/// A request that waits for a decision: a handle. It dies with the decision,
/// and when the request can no longer be answered.
pub struct pjauth_turn_request {
    _opaque: [u8; 0],
}

/// An attribute of a request: a handle. It dies with the request's.
pub struct pjauth_turn_attribute {
    _opaque: [u8; 0],
}

/// An allocation: a handle. It lives from `on_server_allocation_created` to the
/// end of `on_server_allocation_removed`.
pub struct pjauth_turn_allocation {
    _opaque: [u8; 0],
}

/// The decision comes later, by `pjauth_turn_handle_request()`.
pub const PJAUTH_TURN_AUTHENTICATING: c_int = 1;
/// The client may have what it asks for, if it holds the credential.
pub const PJAUTH_TURN_AUTHORIZED: c_int = 2;
/// The client gets 486 (Allocation Quota Reached). Set its key first, as for
/// PJAUTH_TURN_AUTHORIZED: a client throws an unsigned 486 away (RFC 8489, 9.2.5) and
/// goes on asking. One who does not hold the key gets 401 instead.
pub const PJAUTH_TURN_QUOTA_REACHED: c_int = 3;
/// The client gets 401 (Unauthenticated).
pub const PJAUTH_TURN_NOT_AUTHORIZED: c_int = 4;

/// Clients over UDP.
pub const PJAUTH_TURN_UDP: c_int = 1;
/// Clients over TCP.
pub const PJAUTH_TURN_TCP: c_int = 2;
/// Clients over TLS 1.2 or 1.3; the server needs `certificates`. A client that names
/// protocols (ALPN) must have `stun.turn` or `stun.nat-discovery` there (RFC 7443).
pub const PJAUTH_TURN_TLS: c_int = 8;
/// With a listener's transport: its address `::` stands for `0.0.0.0` as well.
pub const PJAUTH_TURN_BOTH_FAMILIES: c_int = 4;

/// `MD5(user:realm:password)`, 16 bytes: the key of RFC 5389 and older.
pub const PJAUTH_TURN_MD5: c_uint = 1;
/// `SHA-256(user:realm:password)`, 32 bytes.
pub const PJAUTH_TURN_SHA256: c_uint = 2;

/// No bound, for bytes and rates.
pub const PJAUTH_TURN_UNLIMITED: u64 = u64::MAX;

/// An allocation has not ended.
pub const PJAUTH_TURN_LIVE: c_int = 0;
/// Its lifetime ran out.
pub const PJAUTH_TURN_EXPIRED: c_int = 1;
/// The client deleted it.
pub const PJAUTH_TURN_DELETED: c_int = 2;
/// The client's connection closed.
pub const PJAUTH_TURN_CLIENT_GONE: c_int = 3;
/// The application revoked it.
pub const PJAUTH_TURN_REVOKED: c_int = 4;
/// Its bandwidth limit was reached.
pub const PJAUTH_TURN_LIMIT_REACHED: c_int = 5;
/// The server stopped.
pub const PJAUTH_TURN_STOPPED: c_int = 6;

/// Who decides. The first word points to the table of functions, which is the
/// layout of a C++ object whose class declares these three virtual functions in
/// this order, and no other (Itanium C++ ABI, and Microsoft's on x64): a C
/// program makes the table, a C++ program passes its object.
///
/// The observer must live until `pjauth_turn_server_destroy()` has returned.
#[repr(C)]
pub struct pjauth_turn_observer {
    /// The table of functions, none of them NULL.
    pub vtable: *const pjauth_turn_observer_vtable,
}

/// The observer's functions. They are called from the server's own threads, from
/// several at once if it has several workers, and with no lock held: they may
/// call every function of this header, `pjauth_turn_server_destroy()` excepted.
///
/// An exception that leaves one of them is logged and ended, and the server goes
/// on; an `authenticate_request` that throws counts as
/// PJAUTH_TURN_NOT_AUTHORIZED. The virtual functions of a C++ object need no
/// wrapper for that: they are called through a frame whose personality routine
/// (Itanium C++ ABI) stops whatever unwinds into it, and `__cxa_begin_catch` and
/// `__cxa_end_catch` end a C++ exception as `catch (...)` does, in a program that
/// has them. It is the same with every other function that the program gives to
/// the server. What C++ itself ends the program for it still does: an exception
/// out of a `noexcept` function, or out of an exception's destructor. The
/// functions must return or throw: no `longjmp()` out of them, no
/// `pthread_exit()`.
#[repr(C)]
pub struct pjauth_turn_observer_vtable {
    /// An allocation exists.
    pub on_server_allocation_created: unsafe extern "C" fn(
        observer: *mut pjauth_turn_observer,
        server: *mut pjauth_turn_server,
        allocation: *mut pjauth_turn_allocation,
    ),
    /// An allocation ends, and its figures are final. Called once for each that
    /// was created; the handle is dead when it returns.
    pub on_server_allocation_removed: unsafe extern "C" fn(
        observer: *mut pjauth_turn_observer,
        server: *mut pjauth_turn_server,
        allocation: *mut pjauth_turn_allocation,
    ),
    /// Decides about a request: returns a PJAUTH_TURN_* state. What the client
    /// must prove to hold is set before that with
    /// `pjauth_turn_request_set_password()` or `pjauth_turn_request_set_key()`.
    ///
    /// It is asked about each Allocate whose nonce is fresh; with `ask_each` about
    /// Refresh, CreatePermission, ChannelBind and Connect too, where a key that it sets must be
    /// right as well as the allocation's; and, whatever `ask_each` says, about a
    /// request that is refused anyway, so that the refusal can be signed:
    /// any that finds no allocation (437, after a restart, say), one with other
    /// credentials than the allocation's (437, 441), and Allocate during a drain
    /// (508). Answer these as any other: if the client holds the key that you set, it
    /// gets the refusal signed. `pjauth_turn_request_refusal()` tells them apart, for
    /// an observer that counts what it grants. Keys that were right within the last
    /// hour are kept for that, and then nobody is asked.
    ///
    /// It is not asked about a source or user of which too many wrong keys have come:
    /// see `guesses_per_minute`.
    ///
    /// After PJAUTH_TURN_AUTHENTICATING the server keeps the request until
    /// `pjauth_turn_handle_request()`, the deadline, or the end of client or
    /// server; the call may come before this function has returned. Any other
    /// number counts as PJAUTH_TURN_NOT_AUTHORIZED and is logged.
    pub authenticate_request: unsafe extern "C" fn(
        observer: *mut pjauth_turn_observer,
        server: *mut pjauth_turn_server,
        request: *mut pjauth_turn_request,
    ) -> c_int,
}

/// In place of a channel's number: a connection of a TCP relay (RFC 6062).
pub const PJAUTH_TURN_CONNECTION: c_int = -1;

/// What lets an allocation reach a peer.
#[repr(C)]
pub struct pjauth_turn_peer {
    /// The number of a channel; 0 for a permission, PJAUTH_TURN_CONNECTION for a
    /// connection, whichever end made it.
    pub channel: c_int,
    /// Of a channel or connection the address with its port, of a permission the address
    /// alone, for which the port does not matter.
    pub address: *const c_char,
}

/// Bytes of a user name in `pjauth_turn_allocation_info`, with the terminator.
pub const PJAUTH_TURN_USERNAME_SIZE: usize = 512;
/// Bytes of an address with its port likewise.
pub const PJAUTH_TURN_ADDRESS_SIZE: usize = 64;

/// What is known of an allocation at a moment, or at its end.
#[repr(C)]
pub struct pjauth_turn_allocation_info {
    /// Its handle.
    pub allocation: *mut pjauth_turn_allocation,
    /// Whose it is.
    pub username: [c_char; PJAUTH_TURN_USERNAME_SIZE],
    /// The client's address.
    pub client: [c_char; PJAUTH_TURN_ADDRESS_SIZE],
    /// The server's address that the client uses.
    pub server: [c_char; PJAUTH_TURN_ADDRESS_SIZE],
    /// The relayed address, the IPv4 one if there are two.
    pub relayed: [c_char; PJAUTH_TURN_ADDRESS_SIZE],
    /// The IPv6 one if there are two, otherwise empty.
    pub relayed_second: [c_char; PJAUTH_TURN_ADDRESS_SIZE],
    /// PJAUTH_TURN_UDP, PJAUTH_TURN_TCP or PJAUTH_TURN_TLS.
    pub transport: c_int,
    /// PJAUTH_TURN_LIVE, or why it ended.
    pub reason: c_int,
    /// Packets from the client to its peers.
    pub packets_to_peers: u64,
    /// Their payload in bytes.
    pub bytes_to_peers: u64,
    /// Packets from peers to the client.
    pub packets_to_client: u64,
    /// Their payload in bytes.
    pub bytes_to_client: u64,
    /// Bytes that both directions may use together, or PJAUTH_TURN_UNLIMITED.
    pub bandwidth_limit: u64,
    /// How long it has existed, in milliseconds.
    pub age_msec: u64,
    /// How long it will exist if it is not refreshed.
    pub remaining_msec: u64,
    /// How it talks to peers: PJAUTH_TURN_UDP, or PJAUTH_TURN_TCP for a TCP relay (RFC
    /// 6062), of which bytes are counted and no packets.
    pub relay_transport: c_int,
}
