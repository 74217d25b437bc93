//! The relay sockets of one worker.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use socket2::{Domain, Protocol, Socket, Type};

use crate::stun::address::Family;
use crate::turn::core::action::{OpenError, Port, Relays};
use crate::turn::state::arena::RelayId;
use crate::turn::state::five_tuple::{Listener, RelayTransport};

use super::clock;
use super::descriptor::Descriptor;
use super::mailbox::{Command, Mailbox};
use super::ports::{Claim, Kind, NotBound, Ports};
use super::process;
use super::random::random_word;
use super::relay_addresses::RelayAddresses;
use super::relay_streams::{connect_from, listen_at};
use super::shortage::Shortage;
use super::sys::{Epoll, Interest, dropped, enable_gro, keep_errors, set_dont_fragment};

/// RelaySockets by the worker that opened them, and their name there.
type Reserved = HashMap<(u16, RelayId), (Arc<Socket>, Claim)>;

/// What the workers' sockets share.
#[derive(Debug)]
pub struct RelayPool {
    pub ports: Ports,
    pub shortage: Shortage,
    pub addresses: RelayAddresses,
    /// Where clients reach the server now.
    pub listening: RwLock<Vec<Listener>>,
    /// By worker.
    pub pollers: Vec<Arc<Epoll>>,
    /// By worker.
    pub mailboxes: Vec<Arc<Mailbox>>,
    /// RelaySockets that wait for a RESERVATION-TOKEN, which may come to any worker.
    pub reserved: Mutex<Reserved>,
}

impl RelayPool {
    /// Clients reach the server there from now on.
    pub fn set_listening(&self, listening: Vec<Listener>) {
        for listener in &listening {
            process::note_port(listener.address.port());
        }
        *self.listening.write() = listening;
    }

    /// Whether a listener has this address, or is seen there from outside.
    pub fn listens_at(&self, address: &SocketAddr) -> bool {
        let places = self.addresses.all();
        let mut listening = self.listening.read().clone().into_iter();
        listening.any(|listener| {
            let own = listener.address;
            let is_seen_there = || {
                let mut seen = places.iter().filter(|place| place.bind == own.ip());
                seen.any(|place| place.advertised == address.ip())
            };
            own.port() == address.port() && (own.ip() == address.ip() || is_seen_there())
        })
    }

    /// Every address that relayed ones have, have had or may have.
    pub fn seen_addresses(&self) -> Vec<IpAddr> {
        let places = self.addresses.all();
        let mut ips: Vec<_> = places.iter().map(|place| place.advertised).collect();
        ips.extend(self.ports.advertised_addresses());
        ips
    }
}

/// A relay socket in use.
#[derive(Debug)]
struct Relay {
    id: RelayId,
    /// The socket's: the packet path need not follow the pointer to it.
    fd: RawFd,
    socket: Arc<Socket>,
    claim: Claim,
    v4: bool,
    transport: RelayTransport,
    is_reserved: bool,
    /// Whether datagrams leave with the DF bit; `None` before any has passed, as it is with
    /// most relays that clients ask for to have one more way (ICE): these cost nothing more.
    dont_fragment: Option<bool>,
    /// Where the last datagram with the DF bit went.
    probed: Option<SocketAddr>,
}

/// The relay sockets of one worker, by name.
#[derive(Debug)]
pub struct RelaySockets {
    worker: u16,
    pool: Arc<RelayPool>,
    table: Vec<Option<Relay>>,
    /// Datagrams that the kernel had dropped of those that are closed.
    pub dropped: u64,
}

impl RelaySockets {
    pub fn new(worker: u16, pool: Arc<RelayPool>) -> Self {
        RelaySockets {
            worker,
            pool,
            table: Vec::new(),
            dropped: 0,
        }
    }

    /// Where a socket is bound, which peers may see as another address.
    pub fn bound(&self, id: RelayId) -> Option<SocketAddr> {
        let relay = self.table.get(id.index())?.as_ref()?;
        (relay.id == id).then(|| self.pool.ports.bound(relay.claim))
    }

    /// Whether the network may fragment what this socket sends now.
    pub fn fragments(&self, id: RelayId) -> Option<bool> {
        let relay = self.table.get(id.index())?.as_ref()?;
        Some(relay.dont_fragment != Some(true))
    }

    /// The descriptor to send from, set up for the DF bit wanted.
    pub fn sending(&mut self, id: RelayId, dont_fragment: bool) -> Option<RawFd> {
        let relay = self.table.get_mut(id.index())?.as_mut()?;
        if relay.id != id {
            return None;
        }
        if relay.dont_fragment != Some(dont_fragment) {
            relay.set_up(dont_fragment);
        }
        Some(relay.fd)
    }

    /// The socket at this place of the table, to receive from.
    pub fn receiving(&mut self, index: usize) -> Option<(RelayId, RawFd)> {
        let relay = self.table.get_mut(index)?.as_mut()?;
        if relay.dont_fragment.is_none() {
            relay.set_up(false);
        }
        Some((relay.id, relay.fd))
    }

    /// Datagrams of this socket's will go past it. What the network says of them comes to it.
    pub fn passed_by(&mut self, id: RelayId) {
        self.receiving(id.index());
    }

    /// Keeps in mind where a datagram with the DF bit goes.
    pub fn probes(&mut self, id: RelayId, peer: SocketAddr) {
        if let Some(Some(relay)) = self.table.get_mut(id.index()) {
            relay.probed = Some(peer);
        }
    }

    /// The address with the port that the last datagram with the DF bit went to.
    pub fn probed(&self, id: RelayId, ip: IpAddr) -> Option<SocketAddr> {
        let relay = self.table.get(id.index())?.as_ref()?;
        relay.probed.filter(|peer| peer.ip() == ip)
    }

    /// The socket at this place of the table now.
    pub fn at(&self, index: usize) -> Option<(RelayId, RawFd)> {
        let relay = self.table.get(index)?.as_ref()?;
        Some((relay.id, relay.fd))
    }

    /// Whether peers connect to the socket at this place.
    pub fn is_tcp(&self, index: usize) -> bool {
        let relay = self.table.get(index).and_then(Option::as_ref);
        relay.is_some_and(|relay| relay.transport == RelayTransport::Tcp)
    }

    /// Waits for a socket that was not waited for.
    pub fn wait_for(&self, id: RelayId) {
        if let Some(Some(relay)) = self.table.get(id.index())
            && relay.id == id
        {
            let tag = Descriptor::Relay(id.index()).pack();
            let poller = &self.pool.pollers[usize::from(self.worker)];
            // Without memory for it, the relay is deaf.
            let _ = poller.add(relay.fd, tag, Interest::Read);
        }
    }

    /// Takes in a connection from a peer, whose address is the one that others see.
    pub fn accept(&self, index: usize) -> std::io::Result<(Socket, SocketAddr)> {
        let relay = self.table.get(index).and_then(Option::as_ref);
        let relay = relay.ok_or(ErrorKind::WouldBlock)?;
        let (socket, address) = relay.socket.accept()?;
        socket.set_nonblocking(true)?;
        let peer = address.as_socket().ok_or(ErrorKind::AddrNotAvailable)?;
        Ok((socket, self.pool.ports.seen_as(&peer).unwrap_or(peer)))
    }

    /// Begins to connect to a peer from a relay's address.
    pub fn connect(&self, id: RelayId, peer: SocketAddr) -> std::io::Result<Socket> {
        let relay = self.table.get(id.index()).and_then(Option::as_ref);
        let relay = relay.filter(|relay| relay.id == id);
        let claim = relay.ok_or(ErrorKind::NotFound)?.claim;
        let ports = &self.pool.ports;
        let peer = ports.tcp_relay(&peer).unwrap_or(peer);
        connect_from(ports.bound(claim), peer)
    }

    /// Another worker has taken over a reserved socket.
    pub fn forget(&mut self, id: RelayId) {
        if let Some(place) = self.table.get_mut(id.index())
            && place.as_ref().is_some_and(|relay| relay.id == id)
        {
            *place = None;
        }
    }

    /// Keeps a bound socket. `None` when it cannot be waited for.
    fn keep(
        &mut self,
        id: RelayId,
        socket: Arc<Socket>,
        (claim, transport): (Claim, RelayTransport),
        is_reserved: bool,
    ) -> Option<()> {
        let fd = socket.as_raw_fd();
        let tag = Descriptor::Relay(id.index()).pack();
        let poller = &self.pool.pollers[usize::from(self.worker)];
        let added = poller.add(fd, tag, Interest::Read);
        if let Err(error) = added {
            self.pool.shortage.note(&error);
            return None;
        }
        if self.table.len() <= id.index() {
            self.table.resize_with(id.index() + 1, || None);
        }
        self.table[id.index()] = Some(Relay {
            id,
            fd,
            v4: self.pool.ports.bound(claim).is_ipv4(),
            socket,
            claim,
            transport,
            is_reserved,
            dont_fragment: None,
            probed: None,
        });
        Some(())
    }

    fn bind(&self, claim: Claim, transport: RelayTransport) -> Result<Arc<Socket>, NotBound> {
        let address = self.pool.ports.bound(claim);
        let opened = match transport {
            RelayTransport::Udp => open_at(address),
            RelayTransport::Tcp => listen_at(address),
        };
        let socket = opened.map_err(|error| match error.kind() {
            // Privileged ports are not ours either.
            ErrorKind::AddrInUse | ErrorKind::PermissionDenied => NotBound::Taken,
            _ => {
                self.pool.shortage.note(&error);
                NotBound::Failed
            }
        })?;
        if transport == RelayTransport::Tcp {
            self.pool.ports.serve_tcp(claim);
            return Ok(Arc::new(socket));
        }
        Ok(Arc::new(socket))
    }
}

impl Relay {
    /// Sets the socket up for datagrams that pass from now on.
    fn set_up(&mut self, dont_fragment: bool) {
        if self.dont_fragment.is_none() {
            enable_gro(self.fd);
            // Without, clients are told less.
            keep_errors(self.fd, self.v4);
        }
        set_dont_fragment(self.fd, self.v4, dont_fragment);
        self.dont_fragment = Some(dont_fragment);
    }
}

fn open_at(address: SocketAddr) -> std::io::Result<Socket> {
    let domain = Domain::for_address(address);
    let socket = Socket::new(domain, Type::DGRAM.nonblocking(), Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&address.into())?;
    Ok(socket)
}

impl Relays for RelaySockets {
    fn open(
        &mut self,
        relay: RelayId,
        family: Family,
        transport: RelayTransport,
        port: Port,
        used: IpAddr,
    ) -> Result<SocketAddr, OpenError> {
        let pool = self.pool.clone();
        let now = clock::now();
        let addresses = pool.addresses.choose(family, used, || random_word() as u32);
        if addresses.is_empty() {
            return Err(OpenError::Family);
        }
        let numbers = addresses.iter().filter_map(|at| pool.ports.number(*at));
        let kind = match port {
            Port::Any => Kind::Any,
            Port::Even => Kind::Even,
            Port::EvenAndNext(_) => Kind::Pair,
        };
        let pair = kind == Kind::Pair;
        for address in numbers {
            let bind = |claim: Claim| {
                let socket = self.bind(claim, transport)?;
                let next = match pair {
                    true => Some(self.bind(claim.next(), transport)?),
                    false => None,
                };
                Ok((socket, next))
            };
            let bound = pool.ports.claim(address, self.worker, kind, now, bind);
            let Some((claim, (socket, next))) = bound else {
                continue;
            };
            let kept = self.keep(relay, socket, (claim, transport), false);
            let both = match (kept, port, next) {
                (Some(()), Port::EvenAndNext(id), Some(next)) => {
                    let reserved = (next.clone(), claim.next());
                    let kept = self.keep(id, next, (claim.next(), transport), true);
                    if kept.is_some() {
                        pool.reserved.lock().insert((self.worker, id), reserved);
                    } else {
                        pool.ports.release(claim.next(), clock::now());
                        self.close(relay);
                        return Err(OpenError::Capacity);
                    }
                    kept
                }
                (kept, ..) => kept,
            };
            if both.is_none() {
                pool.ports.release(claim, clock::now());
                if pair {
                    pool.ports.release(claim.next(), clock::now());
                }
                return Err(OpenError::Capacity);
            }
            return Ok(pool.ports.advertised(claim));
        }
        Err(OpenError::Capacity)
    }

    fn adopt(&mut self, worker: u16, theirs: RelayId, relay: RelayId) -> bool {
        let taken = self.pool.reserved.lock().remove(&(worker, theirs));
        let Some((socket, claim)) = taken else {
            return false;
        };
        let other = usize::from(worker);
        // Otherwise the other worker would be told of every packet.
        let _ = self.pool.pollers[other].remove(socket.as_raw_fd());
        self.pool.mailboxes[other].post(Command::Forget(theirs));
        self.pool.ports.pass(claim, self.worker);
        let kept = self.keep(relay, socket, (claim, RelayTransport::Udp), false);
        let kept = kept.is_some();
        if !kept {
            self.pool.ports.release(claim, clock::now());
        }
        kept
    }

    fn close(&mut self, id: RelayId) {
        let Some(place) = self.table.get_mut(id.index()) else {
            return;
        };
        let Some(relay) = place.take_if(|relay| relay.id == id) else {
            return;
        };
        if relay.is_reserved {
            self.pool.reserved.lock().remove(&(self.worker, id));
        }
        // Where none was taken in, none was too much.
        if relay.dont_fragment.is_some() {
            self.dropped += u64::from(dropped(relay.fd));
        }
        // The last owner of the socket closes it, which ends the waiting too.
        drop(relay.socket);
        self.pool.ports.release(relay.claim, clock::now());
        while let Some(None) = self.table.last() {
            self.table.pop();
        }
        if self.table.capacity() > 64 && self.table.len() < self.table.capacity() / 4 {
            self.table.shrink_to(self.table.len() * 2);
        }
    }
}
