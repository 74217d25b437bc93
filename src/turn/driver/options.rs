//! What a server is started with.
#![forbid(unsafe_code)]

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use crate::turn::address::is_of_a_host;
use crate::turn::core::config::Config;
use crate::turn::state::five_tuple::{Listener, Transport};

use super::connections::StreamLimits;
use super::credentials::{BadTls, TlsOptions};
use super::observer::Log;
use super::proxies::Proxies;
use super::relay_addresses::RelayAddress;
use super::tls::Tls;

/// Everything about a server but its observer.
#[derive(Clone)]
pub struct Options {
    /// The behaviour of the cores. Bounds in numbers are for the whole server;
    /// each worker gets its share of those that count in total.
    pub config: Config,
    /// Where clients reach the server. A wildcard stands for every address of
    /// the host; port 0 for any free one.
    pub listeners: Vec<Listener>,
    /// Runs of `listeners` that get the same port where they ask for any.
    pub same_port: Vec<std::ops::Range<usize>>,
    /// Where relays are bound: empty for the addresses of the listeners.
    pub relays: Vec<RelayAddress>,
    /// The ports of relays.
    pub ports: RangeInclusive<u16>,
    /// How long a port rests before the next allocation has it, unless none has
    /// rested that long.
    pub port_rest: Duration,
    /// Threads; 0 for one for each processor.
    pub workers: usize,
    /// Bounds for TCP connections.
    pub streams: StreamLimits,
    /// Who speaks the PROXY protocol to TCP listeners; nobody else may.
    pub proxies: Proxies,
    /// What TLS listeners go by.
    pub tls: TlsOptions,
    /// Makes nonces. Servers with the same accept each other's.
    pub secret: Option<[u8; 32]>,
    /// The way through the kernel.
    pub kernel: KernelOptions,
    /// Where log lines go.
    pub log: Arc<Log>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            config: Config {
                dont_fragment: true,
                ..Config::default()
            },
            listeners: Vec::new(),
            same_port: Vec::new(),
            relays: Vec::new(),
            ports: 49_152..=65_535,
            port_rest: Duration::from_secs(30),
            workers: 0,
            streams: StreamLimits::default(),
            proxies: Proxies::default(),
            tls: TlsOptions::default(),
            secret: None,
            kernel: KernelOptions::default(),
            log: Arc::new(|_, _| {}),
        }
    }
}

/// Whether channel data may be relayed in the kernel, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelOptions {
    /// How much it is wanted.
    pub wish: KernelWish,
    /// The names of the interfaces; empty for those of the listeners and relays.
    pub interfaces: Vec<String>,
    /// How many channels there is room for; those beyond have the sockets.
    pub channels: u32,
}

/// How much the kernel's way is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KernelWish {
    /// Not at all.
    Off,
    /// Where it can be had.
    On,
    /// A server without does not start.
    Required,
}

impl Default for KernelOptions {
    fn default() -> Self {
        KernelOptions {
            wish: KernelWish::Off,
            interfaces: Vec::new(),
            channels: 65_536,
        }
    }
}

/// Why a server cannot start.
#[derive(Debug)]
pub enum StartError {
    /// The options contradict themselves or each other.
    Options(&'static str),
    /// The system refuses a listener.
    Listener(Listener, io::Error),
    /// The system refuses a relay address.
    Relay(IpAddr, io::Error),
    /// There can be no TLS.
    Tls(BadTls),
    /// The system refuses something else.
    System(&'static str, io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Options(what) => f.write_str(what),
            StartError::Listener(listener, error) => {
                write!(f, "cannot listen on {listener}: {error}")
            }
            StartError::Relay(ip, error) => write!(f, "no relay can be at {ip}: {error}"),
            StartError::Tls(error) => write!(f, "TLS: {error}"),
            StartError::System(what, error) => write!(f, "{what}: {error}"),
        }
    }
}

impl std::error::Error for StartError {}

impl StartError {
    /// What the system said of a socket or thread; `None` where the options were wrong.
    pub fn system(&self) -> Option<&io::Error> {
        match self {
            StartError::Options(_) | StartError::Tls(_) => None,
            StartError::Listener(_, error)
            | StartError::Relay(_, error)
            | StartError::System(_, error) => Some(error),
        }
    }
}

impl Options {
    pub(super) fn check(&self) -> Result<(), StartError> {
        let bad = |what| Err(StartError::Options(what));
        let realm = &self.config.realm;
        if realm.is_empty() || realm.chars().count() > 127 {
            return bad("a realm has 1 to 127 characters");
        }
        if realm.chars().any(|c| c.is_control() || c == '"') {
            return bad("a realm has no quotation mark and no control character");
        }
        if self.config.software.len() > 509 {
            return bad("SOFTWARE is too long");
        }
        if self.listeners.is_empty() {
            return bad("a server needs a listener");
        }
        if self.ports.is_empty() || *self.ports.start() == 0 {
            return bad("the range of relay ports is empty");
        }
        if self.workers > 1024 {
            return bad("at most 1024 workers");
        }
        let mixed = |relay: &RelayAddress| relay.bind.is_ipv4() != relay.advertised.is_ipv4();
        let vague = |relay: &RelayAddress| {
            let is_open = relay.advertised.is_unspecified() && relay.bind.is_unspecified();
            !is_open && !is_of_a_host(&relay.advertised)
        };
        if self.relays.iter().any(|relay| mixed(relay) || vague(relay)) {
            return bad("a relay's external address is one address of the same family");
        }
        Ok(())
    }

    /// What TLS listeners go by, where there are any.
    pub(super) fn tls(&self) -> Result<Option<Tls>, StartError> {
        let is_tls = |listener: &Listener| listener.transport == Transport::Tls;
        if !self.listeners.iter().any(is_tls) {
            return Ok(None);
        }
        Tls::new(&self.tls).map(Some).map_err(StartError::Tls)
    }

    pub(super) fn worker_count(&self) -> usize {
        match self.workers {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            workers => workers,
        }
    }
}
