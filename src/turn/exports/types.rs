//! The types and numbers of the header.
#![allow(non_camel_case_types)]

use core::ffi::{c_char, c_int, c_uint, c_void};

use super::tls::pjauth_turn_certificate;

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

/// Where clients reach the server.
#[repr(C)]
pub struct pjauth_turn_listener {
    /// An IPv4 or IPv6 address, no name and without a zone; `0.0.0.0` or `::` stand
    /// for each that the host has at the time. One that cannot be bound yet is tried
    /// again while others are served, and the log names it.
    pub address: *const c_char,
    /// The port; 0 for any free one.
    pub port: u16,
    /// PJAUTH_TURN_UDP, PJAUTH_TURN_TCP or PJAUTH_TURN_TLS, UDP with one of the others
    /// (`|`) at one port, and with `::` PJAUTH_TURN_BOTH_FAMILIES as well.
    pub transport: c_int,
}

/// Where relayed transport addresses are.
#[repr(C)]
pub struct pjauth_turn_relay {
    /// An address of the host; where it is not, the server does not start.
    /// `0.0.0.0` or `::` stand for the address of the listener that the client
    /// uses, or for a client of the other family one that clients of this family
    /// use: public before private, the same interface before another.
    pub address: *const c_char,
    /// What clients and peers see in its place behind a 1:1 NAT, also in place of
    /// an address that is not named; NULL for the same.
    pub external: *const c_char,
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

/// Everything about a server but its observer. Fill in with
/// `pjauth_turn_options_init()` first. All of it is copied.
#[repr(C)]
pub struct pjauth_turn_options {
    /// Size of this structure as the program knows it.
    pub size: usize,
    /// The realm: UTF-8, 1 to 127 characters, no quotation mark and no control
    /// character. Default: `pjauth`.
    pub realm: *const c_char,
    /// SOFTWARE of replies, at most 509 bytes; NULL, the default, for none.
    pub software: *const c_char,
    /// Where clients reach the server: at least one.
    pub listeners: *const pjauth_turn_listener,
    /// How many.
    pub listener_count: c_uint,
    /// Where relays are; none, the default, means `0.0.0.0` and `::`. Of several, the
    /// one that the client uses goes first.
    pub relays: *const pjauth_turn_relay,
    /// How many.
    pub relay_count: c_uint,
    /// First port of relays. Default: 49152.
    pub min_port: u16,
    /// Last port of relays. Default: 65535.
    pub max_port: u16,
    /// Threads, at most 1024; 0, the default, for one for each processor.
    pub workers: c_uint,
    /// PJAUTH_TURN_MD5, PJAUTH_TURN_SHA256 or, the default, both: what clients of
    /// RFC 8489 are offered. With stored MD5 keys alone, offer MD5 alone.
    pub algorithms: c_uint,
    /// Lifetime of an allocation in seconds, unless the client asks for more.
    /// Default: 600.
    pub default_lifetime: c_uint,
    /// The longest lifetime in seconds that a client can ask for. Default: 3600.
    pub max_lifetime: c_uint,
    /// How long a nonce serves, in seconds. Default: 600.
    pub nonce_lifetime: c_uint,
    /// Allocations in all; more get 508. Default: 100000.
    pub max_allocations: c_uint,
    /// Allocations of a user; more get 486. 0, the default, for no bound.
    pub user_quota: c_uint,
    /// Permissions of an allocation; more get 508. Default: 256.
    pub max_permissions: c_uint,
    /// Channels of an allocation; more get 508. Default: 256.
    pub max_channels: c_uint,
    /// Requests that may wait for a decision; more get 508. Default: 16384.
    pub max_held: c_uint,
    /// Likewise for each source address (IPv6: /64). Default: 256.
    pub max_held_per_source: c_uint,
    /// How long a request may wait, in milliseconds; then the client gets 500.
    /// Default: 30000.
    pub held_deadline_msec: c_uint,
    /// Replies of 400, 401, 437, 438 and 441 a second that a source (IPv6: /64)
    /// gets over UDP without proof of who it is, from all workers together; and
    /// likewise, apart from these, replies to Binding. Beyond that it gets none, and
    /// its client repeats the request. Over TCP, where no source is forged and
    /// nobody repeats anything, all are answered. Default: 100.
    pub challenges_per_second: c_uint,
    /// How many of these at once. Default: 200.
    pub challenge_burst: c_uint,
    /// TCP connections in all; more are closed at once. Default: 20000.
    pub max_connections: c_uint,
    /// Likewise for each source address (IPv6: /64). Default: 256.
    pub max_connections_per_source: c_uint,
    /// How long a TCP connection may be silent that has neither allocation nor
    /// waiting request, in milliseconds. Default: 30000.
    pub connection_idle_msec: c_uint,
    /// Bytes that may wait for a TCP client that reads slowly; data beyond is
    /// dropped. Default: 262144.
    pub connection_backlog: c_uint,
    /// How long a TCP client may read nothing while something waits for it, in
    /// milliseconds; then it is cut off. Default: 30000.
    pub connection_stall_msec: c_uint,
    /// Bytes that an allocation may relay in all, both directions together,
    /// unless the request or allocation says otherwise. Default:
    /// PJAUTH_TURN_UNLIMITED.
    pub bandwidth_limit: u64,
    /// Bytes a second likewise. Default: PJAUTH_TURN_UNLIMITED.
    pub rate: u64,
    /// Bytes that may pass at once after a pause, where `rate` is set.
    /// Default: 262144.
    pub rate_burst: u64,
    /// Ranges of peers that clients may reach although they are loopback,
    /// private or otherwise special: `10.0.0.0/8`, `2001:db8::1`; of some ports
    /// only: `10.0.0.5:20000-29999`, `[2001:db8::1]:5000`. The narrowest range
    /// decides, `deny` on a tie. What is denied from the outset are ranges too,
    /// the host's own addresses among them, each for itself: `allow` opens what it
    /// names at least as narrowly. Nothing opens a listener or relay port of a
    /// server of this process, which are reached inside or not at all.
    pub allow: *const *const c_char,
    /// How many.
    pub allow_count: c_uint,
    /// Ranges of peers that clients may not reach.
    pub deny: *const *const c_char,
    /// How many.
    pub deny_count: c_uint,
    /// Makes nonces: servers with the same 32 bytes accept each other's. NULL,
    /// the default, for random ones.
    pub secret: *const u8,
    /// Ask the observer about each Refresh, CreatePermission, ChannelBind and Connect
    /// too, after the client has proven who it is. Default: 0; RFC 8656 has the
    /// allocation's key decide.
    pub ask_each: c_int,
    /// Ask clients to hide their user name (USERHASH). Default: 0.
    pub userhash: c_int,
    /// Where log lines go, from any thread and with nothing locked; NULL, the
    /// default, for nowhere.
    /// Levels: 1 error, 2 warning, 3 information.
    pub log:
        Option<unsafe extern "C" fn(user_data: *mut c_void, level: c_int, text: *const c_char)>,
    /// Passed to `log`.
    pub log_user_data: *mut c_void,
    /// Whether Binding requests (STUN, RFC 8489) are answered. Where not, they get
    /// nothing over UDP and 403 over TCP. Default: 1.
    pub binding: c_int,
    /// Wrong keys a minute that are looked at from one source (IPv6: /64), and
    /// likewise for one user, whatever the source, by all workers together; a right
    /// key costs nothing. Beyond that no key is looked at and the observer is not
    /// asked: over UDP the request gets no answer, so that its client repeats it; over
    /// TCP, where it would not, 401. No user is locked out by strangers: where a user
    /// has come from within the last day, a count of its own holds. 0 for no limit.
    /// Default: 60.
    pub guesses_per_minute: c_uint,
    /// How many of these at once. Default: 100.
    pub guess_burst: c_uint,
    /// How long a relay's port rests before the next allocation gets it, in
    /// milliseconds, so that it does not get what was meant for the last. Where no
    /// port has rested that long, the one that has rested longest is taken. Default:
    /// 30000.
    pub port_rest_msec: c_uint,
    /// Ranges of the proxies in front of TCP listeners (HAProxy, nginx, a load
    /// balancer) that speak the PROXY protocol, version 1 or 2. Their connections must
    /// begin with it, and are from then on those of the client that it names, in
    /// addresses, limits and nonces; the connections of others must not, and end.
    pub proxies: *const *const c_char,
    /// How many; 0, the default, for none.
    pub proxy_count: c_uint,
    /// Prefixes of NAT64 translators beside `64:ff9b::/96`, of 32, 40, 48, 56, 64 or
    /// 96 bits (RFC 6052): `2001:db8:64::/96`. A peer there is judged as the IPv4
    /// address that it leads to.
    pub nat64: *const *const c_char,
    /// How many.
    pub nat64_count: c_uint,
    /// Told of each permission, channel and connection (RFC 6062) that comes to be, not of
    /// those that are refreshed (RFC 8656, 9 and 12); `on_peer_end` hears of their ends.
    /// Called as the observer's functions are, between `on_server_allocation_created` and
    /// `on_server_allocation_removed` of the allocation; `peer` is good until it returns.
    /// NULL, the default, for nobody.
    pub on_peer: Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            allocation: *mut pjauth_turn_allocation,
            peer: *const pjauth_turn_peer,
        ),
    >,
    /// Passed to `on_peer` and `on_peer_end`.
    pub on_peer_user_data: *mut c_void,
    /// Certificates of TLS listeners. A client gets the first of those that have the
    /// name that it asks for (SNI) and a key that it can use; without such a name, the
    /// first of all. `pjauth_turn_server_set_certificates()` replaces them.
    pub certificates: *const pjauth_turn_certificate,
    /// How many: at least one where there is a TLS listener.
    pub certificate_count: c_uint,
    /// Who signs clients' certificates (`chain_file` or `chain`), which they are then
    /// asked for; NULL, the default, for nobody. One that is not good ends the
    /// handshake. See `pjauth_turn_request_client_certificate()`.
    pub client_authorities: *const pjauth_turn_certificate,
    /// Whether a client without a certificate is refused. Default: 0.
    pub client_certificate_required: c_int,
    /// TLS handshakes at once; a connection that would begin one more is closed.
    /// Default: 1024.
    pub max_handshakes: c_uint,
    /// Likewise for each source address (IPv6: /64). Default: 64.
    pub max_handshakes_per_source: c_uint,
    /// How long a client may take from its connection to the end of its handshake, in
    /// milliseconds. Default: 10000.
    pub handshake_msec: c_uint,
    /// Whether clients over TCP and TLS may have TCP relays (RFC 6062), which connect to
    /// peers and take connections from them; where not, they get 442. The rules for
    /// peers are those of datagrams, and limits and rates hold for all connections of an
    /// allocation together: a rate delays a stream and drops nothing. Default: 1.
    pub tcp_relays: c_int,
    /// Connections with peers of an allocation, with those that are being made; more get
    /// 508. In all there are no more than `max_connections`. Default: 256.
    pub max_peer_connections: c_uint,
    /// Whether ChannelData between clients over UDP and their peers is relayed in the
    /// kernel, by an eBPF program at the network interfaces, without reaching a socket:
    /// PJAUTH_TURN_KERNEL_OFF, _ON or _REQUIRED. Needs Linux 6.6, CAP_BPF and
    /// CAP_NET_ADMIN. The rules and figures are the same; allocations with a byte limit
    /// or a rate, their own or their user's, stay with the sockets, as does every packet
    /// that is not plain. Netfilter and the sockets' own tools see nothing of what goes
    /// so. Default: PJAUTH_TURN_KERNEL_OFF.
    pub kernel: c_int,
    /// Channels that the kernel has room for; the sockets serve those beyond. A channel
    /// takes 64 bytes at once, and about 400 more while it is bound. Default: 65536.
    pub kernel_channels: c_uint,
    /// Names of the interfaces where packets come in, such as `eth0`. NULL, the
    /// default, for those that have the listeners' and relays' addresses.
    pub kernel_interfaces: *const *const c_char,
    /// How many.
    pub kernel_interface_count: c_uint,
    /// Told, like `on_peer`, of the end of what that is told of, once for each: a
    /// permission or channel expires, `pjauth_turn_server_set_peers()` denies it, a
    /// connection closes, or the allocation ends, of which
    /// `on_server_allocation_removed` tells after it. NULL, the default, for nobody.
    pub on_peer_end: Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            allocation: *mut pjauth_turn_allocation,
            peer: *const pjauth_turn_peer,
        ),
    >,
}

/// Nothing is relayed in the kernel.
pub const PJAUTH_TURN_KERNEL_OFF: c_int = 0;
/// What can be is, and a server without goes on by its sockets.
pub const PJAUTH_TURN_KERNEL_ON: c_int = 1;
/// Likewise, and a server that can do so at no interface does not start.
pub const PJAUTH_TURN_KERNEL_REQUIRED: c_int = 2;

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
