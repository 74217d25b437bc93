//! How a server behaves, and what it offers.
#![forbid(unsafe_code)]

use std::fmt::Debug;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::stun::address::Family;
use crate::turn::auth::credentials::Algorithm;
use crate::turn::policy::limits::Frequency;
use crate::turn::policy::peers::Policy;
use crate::turn::state::five_tuple::Transport;

/// What is at an address of this process, which a core cannot see by itself.
/// Asked when a channel is bound or a peer connected to, never for a packet.
pub trait Neighbours: Debug + Send + Sync {
    /// Whether it is a relayed address of the same server.
    fn is_relayed(&self, address: &SocketAddr) -> bool;
    /// Whether it is a relayed address of a TCP allocation of the same server.
    fn is_tcp_relay(&self, address: &SocketAddr) -> bool;
    /// Whether a server of this process listens there or relays from there.
    fn is_taken(&self, address: &SocketAddr) -> bool;
}

/// Where new clients are sent, by their transport and address family: what is at one
/// port over UDP is at another over TLS.
#[derive(Clone, Copy, Debug, Default)]
pub struct Alternates([[Option<SocketAddr>; 2]; 3]);

impl Alternates {
    /// Sends those of a transport, or of all, to another server, or no longer.
    pub fn set(
        &mut self,
        transport: Option<Transport>,
        family: Family,
        server: Option<SocketAddr>,
    ) {
        let server = server.filter(|server| Family::of(&server.ip()) == family);
        for of in [Transport::Udp, Transport::Tcp, Transport::Tls] {
            if transport.is_none_or(|transport| transport == of) {
                self.0[of as usize][family.index()] = server;
            }
        }
    }

    /// Where those go.
    pub fn of(&self, transport: Transport, family: Family) -> Option<SocketAddr> {
        self.0[transport as usize][family.index()]
    }
}

/// The settings of a core. Every bound has a default that suits a server for
/// the public.
#[derive(Clone, Debug)]
pub struct Config {
    /// The realm of the users, shorter than 128 characters.
    pub realm: String,
    /// SOFTWARE of replies to authenticated clients; empty for none.
    pub software: String,
    /// Password algorithms offered, the preferred first. RFC 5389 clients use
    /// MD5 whatever stands here. An observer that knows only stored MD5 keys
    /// must leave SHA-256 out, or clients that prefer it cannot get in.
    pub algorithms: Vec<Algorithm>,
    /// Ask clients to hide their user name (USERHASH). The observer must then
    /// find the user by the hash.
    pub userhash: bool,
    /// Lifetime of an allocation whose client asks for none, or for less.
    pub default_lifetime: Duration,
    /// The longest lifetime that a client can ask for, or gets.
    pub max_lifetime: Duration,
    /// How long a nonce serves.
    pub nonce_lifetime: Duration,
    /// Allocations in this core; more get 508.
    pub max_allocations: usize,
    /// Allocations of a user in all cores, unless
    /// [`Accounts`](crate::turn::Accounts) says otherwise; more get 486.
    pub user_quota: Option<u32>,
    /// Permissions of an allocation; more get 508.
    pub max_permissions: usize,
    /// Channels of an allocation; more get 508.
    pub max_channels: usize,
    /// Requests that may wait for a decision; more get 508.
    pub max_held: usize,
    /// Likewise for each source address (IPv6: /64 network).
    pub max_held_per_source: u32,
    /// How long a request may wait; then it gets 500.
    pub held_deadline: Duration,
    /// Replies kept for retransmissions beside those that allocations keep: to
    /// deletions, and apart from these to refused requests.
    pub max_replies: usize,
    /// How long each is kept; the RFC says 40 seconds.
    pub reply_lifetime: Duration,
    /// How long a reserved port waits for its token.
    pub reservation_lifetime: Duration,
    /// How often a source is told 400, 401, 437, 438 or 441 over UDP without
    /// proof of who it is, by all cores together; beyond that it is not answered.
    /// Likewise, and apart, for Binding.
    pub challenges: Frequency,
    /// How many wrong keys are looked at: from a source, for a user, and from where
    /// a user has come from lately; by all cores together. Beyond that nobody is
    /// asked. `None` for no limit.
    pub guesses: Option<Frequency>,
    /// Answer Binding requests.
    pub binding: bool,
    /// Which peers clients may reach.
    pub policy: Policy,
    /// Where new clients are sent.
    pub alternate: Alternates,
    /// Who else is in this process; without, anybody may be.
    pub neighbours: Option<Arc<dyn Neighbours>>,
    /// Whether the relay sockets can send with the DF bit set. If not,
    /// DONT-FRAGMENT gets 420.
    pub dont_fragment: bool,
    /// Announce the routes of channels, for a driver that has a faster way for them.
    pub routes: bool,
    /// Whether clients may have TCP relays (RFC 6062). If not, they get 442.
    pub tcp_relays: bool,
    /// Connections with peers of an allocation; more get 508.
    pub max_connections: usize,
    /// Likewise in all cores.
    pub max_connections_in_all: usize,
    /// How long a peer may take to answer; then the client gets 447. RFC 6062 wants at
    /// least 30 seconds.
    pub connect_timeout: Duration,
    /// How long a connection with a peer waits for the client's; RFC 6062 says 30
    /// seconds.
    pub bind_timeout: Duration,
    /// Ask the observer about every Refresh, CreatePermission, ChannelBind and Connect,
    /// after their integrity was verified, as icey does. Otherwise the key of
    /// the allocation decides, which is what RFC 8656 asks for.
    pub ask_each: bool,
    /// Tell of each permission, channel and connection that comes to be, and of its end.
    pub tell_peers: bool,
}

impl Config {
    /// Takes over what can change while a core runs: bounds and lifetimes, and what is
    /// asked and answered.
    pub fn take_limits(&mut self, from: &Config) {
        self.default_lifetime = from.default_lifetime;
        self.max_lifetime = from.max_lifetime;
        self.nonce_lifetime = from.nonce_lifetime;
        self.max_allocations = from.max_allocations;
        self.user_quota = from.user_quota;
        self.max_permissions = from.max_permissions;
        self.max_channels = from.max_channels;
        self.max_connections = from.max_connections;
        self.max_connections_in_all = from.max_connections_in_all;
        self.max_held = from.max_held;
        self.max_held_per_source = from.max_held_per_source;
        self.held_deadline = from.held_deadline;
        self.challenges = from.challenges;
        self.guesses = from.guesses;
        self.binding = from.binding;
        self.ask_each = from.ask_each;
    }
}

impl Default for Config {
    fn default() -> Self {
        Config {
            realm: "pjauth".into(),
            software: String::new(),
            algorithms: vec![Algorithm::Sha256, Algorithm::Md5],
            userhash: false,
            default_lifetime: Duration::from_secs(600),
            max_lifetime: Duration::from_secs(3600),
            nonce_lifetime: Duration::from_secs(600),
            max_allocations: 100_000,
            user_quota: None,
            max_permissions: 256,
            max_channels: 256,
            max_held: 16_384,
            max_held_per_source: 256,
            held_deadline: Duration::from_secs(30),
            max_replies: 1024,
            reply_lifetime: Duration::from_secs(40),
            reservation_lifetime: Duration::from_secs(30),
            challenges: Frequency {
                every: Duration::from_millis(10),
                burst: 200,
            },
            guesses: Some(Frequency {
                every: Duration::from_secs(1),
                burst: 100,
            }),
            binding: true,
            policy: Policy::new(),
            alternate: Alternates::default(),
            neighbours: None,
            dont_fragment: false,
            tcp_relays: true,
            max_connections: 256,
            max_connections_in_all: 20_000,
            connect_timeout: Duration::from_secs(30),
            bind_timeout: Duration::from_secs(30),
            routes: false,
            ask_each: false,
            tell_peers: false,
        }
    }
}
