//! Which listeners there are: those of a wildcard come and go with the host's
//! addresses, and one that cannot be bound yet is tried again.
#![forbid(unsafe_code)]

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::time::Duration;

use crate::turn::state::five_tuple::Listener;
use crate::turn::time::Time;

use super::control::Control;
use super::listeners::{ListenerSocket, is_link_local};
use super::mailbox::Command;
use super::observer::Level;
use super::options::StartError;
use super::sys::{Changes, HostAddress, Monitor, interface_addresses};

/// When an address that could not be bound is tried again.
const AGAIN: Duration = Duration::from_millis(500);
/// How often a port is chosen that several listeners are to have.
const ATTEMPTS: u32 = 16;
/// How often to look where the kernel does not tell of changes.
const LOOK: Duration = Duration::from_secs(2);

/// Listeners of a server, kept by its first worker for all of them.
#[derive(Debug)]
pub struct Reception {
    /// As configured, with the port that a wildcard was given.
    wanted: Vec<Listener>,
    /// By number, which is the same for every worker.
    known: Vec<Known>,
    /// Those that could not be bound, to be logged once.
    failing: Vec<Listener>,
    monitor: Option<Monitor>,
    next_look: Option<Time>,
    lines: Vec<(Level, String)>,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    listener: Listener,
    is_open: bool,
}

/// The sockets of each worker, by listener.
pub type Sockets = Vec<Vec<ListenerSocket>>;

impl Reception {
    /// Binds the listeners for every worker. One whose address is not there yet
    /// is left for later, as is one of several addresses of a wildcard.
    ///
    /// Those of a run of `same_port` that ask for any port get the same one.
    pub fn open(
        wanted: &[Listener],
        same_port: &[Range<usize>],
        interfaces: &[HostAddress],
        workers: usize,
    ) -> Result<(Self, Sockets), StartError> {
        let mut attempts = 0;
        loop {
            let opened = Reception::open_once(wanted, same_port, interfaces, workers);
            // The port that is free for one may be taken for the other.
            let is_unlucky = matches!(
                &opened,
                Err(StartError::Listener(_, error))
                    if error.kind() == io::ErrorKind::AddrInUse && !same_port.is_empty()
            );
            attempts += 1;
            if !is_unlucky || attempts == ATTEMPTS {
                return opened;
            }
        }
    }

    fn open_once(
        wanted: &[Listener],
        same_port: &[Range<usize>],
        interfaces: &[HostAddress],
        workers: usize,
    ) -> Result<(Self, Sockets), StartError> {
        let mut reception = Reception {
            wanted: wanted.to_vec(),
            known: Vec::new(),
            failing: Vec::new(),
            // Asked before the addresses are looked at again, so that none is missed.
            monitor: Monitor::new().ok(),
            next_look: Some(Time::ZERO),
            lines: Vec::new(),
        };
        let mut sockets: Sockets = (0..workers).map(|_| Vec::new()).collect();
        let mut refused = None;
        for (at, configured) in wanted.iter().enumerate() {
            reception.share_port(at, same_port);
            let is_named = !configured.address.ip().is_unspecified();
            for ip in addresses(configured.address.ip(), interfaces) {
                let listener = reception.listener(at, ip);
                match reception.bind(at, listener, workers) {
                    Ok((_, bound)) => {
                        for (of_worker, socket) in sockets.iter_mut().zip(bound) {
                            of_worker.push(socket);
                        }
                    }
                    Err(error) if is_named && !is_absent(&error) => {
                        return Err(StartError::Listener(listener, error));
                    }
                    Err(error) => {
                        reception.complain(listener, &error);
                        refused.get_or_insert((listener, error));
                    }
                }
            }
        }
        // Duplicate detection is all that keeps an address of the host's from
        // being bound: it will pass.
        let will_come = |(listener, error): &(Listener, io::Error)| {
            is_absent(error) && has(interfaces, &listener.address.ip())
        };
        match refused {
            _ if !reception.known.is_empty() => {}
            Some(refused) if will_come(&refused) => {}
            Some((listener, error)) => return Err(StartError::Listener(listener, error)),
            None => {
                let why = "no address of the host fits a listener";
                return Err(StartError::Options(why));
            }
        }
        Ok((reception, sockets))
    }

    /// Gives a listener the port of the one before it in its run.
    fn share_port(&mut self, at: usize, same_port: &[Range<usize>]) {
        let run = same_port.iter().find(|run| run.contains(&at));
        if let Some(run) = run.filter(|run| run.start < at) {
            let port = self.wanted[run.start].address.port();
            self.wanted[at].address.set_port(port);
        }
    }

    /// Where clients reach the server now.
    pub fn listening(&self) -> Vec<Listener> {
        let open = self.known.iter().filter(|known| known.is_open);
        open.map(|known| known.listener).collect()
    }

    pub fn monitor(&self) -> Option<&Monitor> {
        self.monitor.as_ref()
    }

    /// Leaves a line for the log.
    pub fn tell(&mut self, level: Level, line: String) {
        self.lines.push((level, line));
    }

    /// When to look again, whatever the kernel says.
    pub fn next_look(&self) -> Option<Time> {
        self.next_look
    }

    /// Takes what the kernel has told.
    pub fn changes(&self) -> Changes {
        self.monitor.as_ref().map(Monitor::take).unwrap_or_default()
    }

    /// Opens and closes what has come and gone. Returns what to log.
    pub fn look(
        &mut self,
        control: &Control,
        changes: &Changes,
        now: Time,
    ) -> Vec<(Level, String)> {
        let Ok(interfaces) = interface_addresses() else {
            self.next_look = Some(now + AGAIN);
            return std::mem::take(&mut self.lines);
        };
        let mut is_complete = true;
        for at in 0..self.wanted.len() {
            for ip in addresses(self.wanted[at].address.ip(), &interfaces) {
                let listener = self.listener(at, ip);
                let is_open = |known: &Known| known.is_open && known.listener == listener;
                if self.known.iter().any(is_open) {
                    continue;
                }
                match self.bind(at, listener, control.mailboxes.len()) {
                    Ok((number, sockets)) => {
                        for (mailbox, socket) in control.mailboxes.iter().zip(sockets) {
                            mailbox.post(Command::Listen(number, socket));
                        }
                        self.failing.retain(|failing| *failing != listener);
                        let line = format!("listening on {listener}");
                        self.lines.push((Level::Info, line));
                    }
                    Err(error) => {
                        is_complete = false;
                        self.complain(listener, &error);
                    }
                }
            }
        }
        self.close_gone(control, &interfaces);
        self.failing
            .retain(|failing| has(&interfaces, &failing.address.ip()));
        control.host_changed(interfaces, self.listening(), changes);
        self.next_look = match (is_complete, &self.monitor) {
            (false, _) => Some(now + AGAIN),
            (true, None) => Some(now + LOOK),
            (true, Some(_)) => None,
        };
        std::mem::take(&mut self.lines)
    }

    fn close_gone(&mut self, control: &Control, interfaces: &[HostAddress]) {
        let wanted = &self.wanted;
        for (number, known) in self.known.iter_mut().enumerate() {
            let is_named = wanted.contains(&known.listener);
            if known.is_open && !is_named && !has(interfaces, &known.listener.address.ip()) {
                known.is_open = false;
                for mailbox in &control.mailboxes {
                    mailbox.post(Command::Unlisten(number));
                }
                let line = format!("no longer listening on {}", known.listener);
                self.lines.push((Level::Info, line));
            }
        }
    }

    /// One of the listeners that a configured one stands for.
    fn listener(&self, at: usize, ip: IpAddr) -> Listener {
        let wanted = &self.wanted[at];
        Listener {
            transport: wanted.transport,
            address: SocketAddr::new(ip, wanted.address.port()),
        }
    }

    /// Binds a listener for every worker, and gives it a number.
    fn bind(
        &mut self,
        at: usize,
        listener: Listener,
        workers: usize,
    ) -> io::Result<(usize, Vec<ListenerSocket>)> {
        let sockets = ListenerSocket::open_for(&listener, workers)?;
        let listener = sockets[0].listener;
        self.wanted[at].address.set_port(listener.address.port());
        let number = self
            .known
            .iter()
            .position(|known| known.listener == listener);
        let number = number.unwrap_or(self.known.len());
        let known = Known {
            listener,
            is_open: true,
        };
        match self.known.get_mut(number) {
            Some(place) => *place = known,
            None => self.known.push(known),
        }
        Ok((number, sockets))
    }

    /// Logs once that a listener cannot be had yet.
    fn complain(&mut self, listener: Listener, error: &io::Error) {
        if !self.failing.contains(&listener) {
            self.failing.push(listener);
            let line = format!("cannot listen on {listener} yet: {error}; trying again");
            self.lines.push((Level::Warning, line));
        }
    }
}

/// The addresses that one stands for.
fn addresses(ip: IpAddr, interfaces: &[HostAddress]) -> Vec<IpAddr> {
    if !ip.is_unspecified() {
        return vec![ip];
    }
    let same = |other: &IpAddr| other.is_ipv4() == ip.is_ipv4() && !is_link_local(other);
    interfaces.iter().map(|own| own.ip).filter(same).collect()
}

fn has(interfaces: &[HostAddress], ip: &IpAddr) -> bool {
    interfaces.iter().any(|own| own.ip == *ip)
}

fn is_absent(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AddrNotAvailable
}
