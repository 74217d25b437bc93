//! What a server is made with, as C has it.
#![allow(non_camel_case_types)]

use core::ffi::{c_char, c_int, c_uint, c_void};

use super::tls::pjauth_turn_certificate;
use super::types::{pjauth_turn_allocation, pjauth_turn_peer};

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
    /// An address of the host. Where none of them is there, the server does not start;
    /// one that is not there yet is tried again while others serve, and the log names it.
    /// `0.0.0.0` or `::` stand for the address of the listener that the client
    /// uses, or for a client of the other family one that clients of this family
    /// use: public before private, the same interface before another.
    pub address: *const c_char,
    /// What clients and peers see in its place behind a 1:1 NAT, also in place of
    /// an address that is not named; NULL for the same.
    pub external: *const c_char,
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
    /// takes 288 to 304 bytes, from the start. Default: 65536.
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
