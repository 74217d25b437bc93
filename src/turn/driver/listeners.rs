//! The sockets that clients reach the server on.
#![forbid(unsafe_code)]

use std::io;
use std::net::IpAddr;
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use crate::turn::state::five_tuple::{Link, Listener, ListenerId, Transport};

use super::descriptor::Descriptor;
use super::reception::Reception;
use super::stream::Layer;
use super::sys::{Interest, dropped, enable_gro};
use super::worker::{Guard, Worker};

/// Room in the kernel for what clients send at once, where it is granted.
pub(super) const BUFFER: usize = 4 << 20;
const BACKLOG: i32 = 1024;
/// Connections accepted before others have their turn.
pub(super) const ACCEPTS: usize = 64;
/// How often the kernel is asked what it has dropped.
const COUNTING: Duration = Duration::from_secs(1);
/// How long a listener rests when descriptors or memory have run out.
pub(super) const REST: Duration = Duration::from_millis(100);

/// One worker's socket of a listener.
#[derive(Debug)]
pub struct ListenerSocket {
    pub listener: Listener,
    /// `None` while the host does not have the address.
    socket: Option<Socket>,
    /// What the kernel had dropped when it was asked last.
    dropped: u32,
}

impl ListenerSocket {
    pub fn fd(&self) -> Option<RawFd> {
        self.socket.as_ref().map(Socket::as_raw_fd)
    }

    /// How much the kernel keeps of what clients send at once; of UDP alone.
    pub fn granted(&self) -> Option<usize> {
        let is_udp = self.listener.transport == Transport::Udp;
        let size = self.socket.as_ref().filter(|_| is_udp)?.recv_buffer_size();
        // It says twice as much as it was asked for, which is for its own.
        Some(size.ok()? / 2)
    }

    /// Datagrams that the kernel has dropped since this was asked last.
    pub fn newly_dropped(&mut self) -> u64 {
        let all = self.fd().map_or(self.dropped, dropped);
        let before = std::mem::replace(&mut self.dropped, all);
        all.wrapping_sub(before).into()
    }

    /// The address has gone; it may come back.
    pub fn close(&mut self) {
        self.socket = None;
    }

    /// Binds a listener for so many workers. Port 0 is any free one.
    pub fn open_for(listener: &Listener, workers: usize) -> io::Result<Vec<ListenerSocket>> {
        // The workers share the port with each other, not with another server.
        let bound = ListenerSocket::open(listener, false)?.listener;
        (0..workers)
            .map(|_| ListenerSocket::open(&bound, true))
            .collect()
    }

    /// Binds one socket of a listener. Each worker has its own on the same
    /// address, and the kernel deals the clients out to them.
    fn open(listener: &Listener, shares_port: bool) -> io::Result<ListenerSocket> {
        let address = listener.address;
        let (kind, protocol) = match listener.transport {
            Transport::Udp => (Type::DGRAM, Protocol::UDP),
            Transport::Tcp | Transport::Tls => (Type::STREAM, Protocol::TCP),
        };
        let socket = Socket::new(Domain::for_address(address), kind, Some(protocol))?;
        socket.set_nonblocking(true)?;
        socket.set_reuse_port(shares_port)?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        if listener.transport.is_stream() {
            socket.set_reuse_address(true)?;
        }
        socket.bind(&address.into())?;
        match listener.transport {
            Transport::Tcp | Transport::Tls => socket.listen(BACKLOG)?,
            Transport::Udp => {
                // As much as the system grants; without, a burst is lost.
                let _ = socket.set_recv_buffer_size(BUFFER);
                let _ = socket.set_send_buffer_size(BUFFER);
                enable_gro(socket.as_raw_fd());
            }
        }
        let bound = socket.local_addr()?.as_socket();
        let address = bound.ok_or(io::ErrorKind::AddrNotAvailable)?;
        Ok(ListenerSocket {
            listener: Listener {
                transport: listener.transport,
                address,
            },
            socket: Some(socket),
            dropped: 0,
        })
    }
}

/// An address that only means something together with an interface.
pub fn is_link_local(ip: &IpAddr) -> bool {
    matches!(ip, IpAddr::V6(v6) if v6.is_unicast_link_local())
}

impl Worker {
    /// Makes this worker the one that keeps the listeners.
    pub(super) fn receive(&mut self, reception: Option<Reception>) -> std::io::Result<()> {
        if let Some(monitor) = reception.as_ref().and_then(Reception::monitor) {
            let tag = Descriptor::Monitor.pack();
            self.poller.add(monitor.fd(), tag, Interest::Read)?;
        }
        self.reception = reception;
        Ok(())
    }

    pub(super) fn accept(&mut self, index: usize) {
        for _ in 0..ACCEPTS {
            let Some(listener) = &self.listeners[index].socket else {
                return;
            };
            let (socket, address) = match listener.accept() {
                Ok(accepted) => accepted,
                Err(error) => return self.not_accepted(index, &error),
            };
            if let Some(client) = address.as_socket() {
                let link = Link {
                    listener: ListenerId(index as u32),
                    client,
                };
                if self.streams.len() == 0 {
                    self.next_sweep = self.now + self.streams.period();
                }
                let is_proxy = self.control.proxies.has(&client);
                let layer = match self.listeners[index].listener.transport {
                    Transport::Tls => Layer::Awaited,
                    Transport::Udp | Transport::Tcp => Layer::Plain,
                };
                self.streams.admit(socket, link, layer, is_proxy, self.now);
            }
        }
    }

    fn not_accepted(&mut self, index: usize, error: &io::Error) {
        // Anything else is that no connection waits, or that one broke.
        let is_short = self.control.relays.shortage.note(error);
        let fd = self.listeners[index].fd();
        if is_short && fd.is_some_and(|fd| self.poller.remove(fd).is_ok()) {
            self.resume = Some(self.now + REST);
        }
    }

    /// Counts what the kernel has dropped, now and again.
    pub(super) fn count_dropped(&mut self, locked: &mut Guard<'_>) {
        self.next_count = self.now + COUNTING;
        let listeners = self.listeners.iter_mut();
        let dropped: u64 = listeners.map(ListenerSocket::newly_dropped).sum();
        let of_relays = std::mem::take(&mut locked.sockets.dropped);
        locked.losses.packets_dropped += dropped + of_relays;
    }

    /// Takes in a listener that has come, or come back.
    pub(super) fn listen(&mut self, locked: &mut Guard<'_>, number: usize, socket: ListenerSocket) {
        if let Some(fd) = socket.fd() {
            let tag = Descriptor::Listener(number).pack();
            // Without memory for it, the listener is deaf in this worker.
            let _ = self.poller.add(fd, tag, Interest::Read);
        }
        match self.listeners.get_mut(number) {
            Some(known) => {
                locked.listener_back(socket.listener.address);
                *known = socket;
            }
            None => {
                locked.core.add_listener(socket.listener);
                self.listeners.push(socket);
            }
        }
    }

    /// Gives up a listener whose address has gone.
    pub(super) fn unlisten(&mut self, locked: &mut Guard<'_>, number: usize) {
        // What waits goes out while the socket is there.
        self.flush(locked);
        if let Some(listener) = self.listeners.get_mut(number) {
            locked.losses.packets_dropped += listener.newly_dropped();
            listener.close();
            locked.listener_gone(listener.listener.address);
        }
    }

    /// Waits for the listeners again that were at rest.
    pub(super) fn reopen_listeners(&mut self) {
        for (index, socket) in self.listeners.iter().enumerate() {
            let tag = Descriptor::Listener(index).pack();
            if let Some(fd) = socket.fd() {
                // Fails for those that were not at rest.
                let _ = self.poller.add(fd, tag, Interest::Read);
            }
        }
    }
}
