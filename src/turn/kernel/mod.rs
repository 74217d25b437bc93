//! The way of channel data that never reaches a socket: an eBPF program at the interfaces.
//!
//! ```text
//!   core: RouteChange          driver: figures, start, status
//!        |                        |
//!   routes: one worker's       Kernel: what the workers share
//!        |         \              |           \
//!   program  table    hops     interfaces    sys: bpf(2)
//!        |
//!   relay.c  relay.h           in the kernel; relay.bpf is what clang makes of them
//! ```
//!
//! The sockets remain the reference: what the program does not forward, they get. Everything here is owned by
//! descriptors, so that nothing forwards any more when the process is gone.

mod array;
mod hops;
mod interfaces;
mod layout;
mod program;
mod routes;
mod sys;
mod table;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use parking_lot::Mutex;

use crate::turn::state::allocation::Traffic;
use crate::turn::time::Time;

use hops::Hops;
use layout::{Flow, Hop, Onward};
use program::Program;
pub use routes::{Relayed, Routes};

/// What every path of IPv6 bears.
const IPV6_MIN_MTU: u32 = 1280;

type FindHop = dyn FnMut(SocketAddr, SocketAddr) -> Option<Hop> + Send;

/// The program of a server, and what it goes by.
pub struct Kernel {
    program: Program,
    /// Where a datagram between two addresses leaves.
    hop: Mutex<Box<FindHop>>,
    places: Mutex<Places>,
    attached: Mutex<Vec<Attached>>,
    /// A moment in the driver's time and in the kernel's.
    start: (Time, u64),
    /// Routes that the table had no room for.
    refused: AtomicU64,
}

/// Places in the table that nobody has.
struct Places {
    /// The first that has never been given away.
    next: u32,
    /// In the order in which they came back: the program may still hold on to the last.
    free: VecDeque<u32>,
}

/// The program at an interface, until the descriptor is closed.
struct Attached {
    name: String,
    number: u32,
    _link: OwnedFd,
}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kernel")
            .field("interfaces", &self.interfaces())
            .finish_non_exhaustive()
    }
}

impl Kernel {
    /// Loads the program, with room for so many channels. `now` tells the driver's time.
    ///
    /// # Errors
    /// What the system says: most often that it wants CAP_BPF and CAP_NET_ADMIN.
    pub fn open(channels: u32, now: impl FnOnce() -> Time) -> io::Result<Self> {
        let mut hops = Hops::new()?;
        Kernel::with(channels, now, Box::new(move |from, to| hops.find(from, to)))
    }

    fn with(channels: u32, now: impl FnOnce() -> Time, hop: Box<FindHop>) -> io::Result<Self> {
        let program = Program::load(channels.clamp(1, 1 << 24) * 2)?;
        // The kernel's first, and nothing between them: what passes makes a deadline there early, never late.
        let kernel = sys::monotonic();
        let start = (now(), kernel);
        Ok(Kernel {
            program,
            hop: Mutex::new(hop),
            places: Mutex::new(Places {
                next: 0,
                free: VecDeque::new(),
            }),
            attached: Mutex::default(),
            start,
            refused: AtomicU64::new(0),
        })
    }

    /// Has the program see what comes in at these interfaces, and at no others. Returns why it cannot, where it
    /// cannot.
    pub fn attend(&self, names: &[String]) -> Vec<(String, io::Error)> {
        let mut attached = self.attached.lock();
        attached.retain(|own| {
            names.contains(&own.name) && interfaces::number(&own.name) == Some(own.number)
        });
        let mut refused = Vec::new();
        for name in names {
            if attached.iter().any(|own| own.name == *name) {
                continue;
            }
            match self.attach(name) {
                Ok(new) => attached.push(new),
                Err(error) => refused.push((name.clone(), error)),
            }
        }
        refused
    }

    fn attach(&self, name: &str) -> io::Result<Attached> {
        let number = interfaces::number(name).ok_or(io::ErrorKind::NotFound)?;
        if !interfaces::is_ethernet(number) {
            return Err(io::Error::other("not an Ethernet interface"));
        }
        Ok(Attached {
            name: name.to_owned(),
            number,
            _link: self.program.attach(number)?,
        })
    }

    /// The interfaces where the program is.
    pub fn interfaces(&self) -> Vec<String> {
        let attached = self.attached.lock();
        attached.iter().map(|own| own.name.clone()).collect()
    }

    /// Routes that the table had no room for, so far.
    pub fn refused(&self) -> u64 {
        self.refused.load(Relaxed)
    }

    fn hop(&self, from: SocketAddr, to: SocketAddr) -> Option<Hop> {
        (self.hop.lock())(from, to)
    }

    /// Two places that nobody has.
    fn claim(&self) -> Option<[u32; 2]> {
        let mut places = self.places.lock();
        let table = self.program.table();
        let mut claim = || {
            let fresh = (places.next < table.count()).then_some(places.next);
            places.next += u32::from(fresh.is_some());
            let place = fresh.or_else(|| places.free.pop_front())?;
            table.clear(place);
            Some(place)
        };
        match (claim(), claim()) {
            (Some(first), Some(second)) => Some([first, second]),
            (first, _) => {
                places.free.extend(first);
                self.refused.fetch_add(1, Relaxed);
                None
            }
        }
    }

    fn set_until(&self, place: u32, until: Time) {
        let until = self.in_its_clock(until);
        self.program.table().set_until(place, until);
    }

    /// A moment in the kernel's time.
    fn in_its_clock(&self, time: Time) -> u64 {
        // What was over before the start is over.
        let left = time.since(self.start.0).as_nanos() as u64;
        self.start.1.saturating_add(left)
    }

    /// Sets how large packets may be that leave by a hop. What a path of IPv6 bears beyond what all do is for the socket
    /// to find out: its routers do not fragment.
    fn set_most(&self, place: u32, hop: &Hop, mtu: u32) {
        let mtu = hop.mtu.map_or(mtu, |of_route| mtu.min(of_route));
        let most = match hop.next {
            IpAddr::V4(_) => mtu,
            IpAddr::V6(_) => mtu.min(IPV6_MIN_MTU),
        };
        self.program.table().set_most(place, most);
    }

    fn stop(&self, places: [u32; 2]) {
        for place in places {
            self.program.table().set_until(place, 0);
        }
    }

    fn read(&self, place: u32) -> Traffic {
        self.program.table().read(place)
    }

    fn put(&self, place: u32, flow: &Flow, onward: &Onward) {
        self.program.table().put(place, flow, onward);
    }

    fn remove(&self, places: [u32; 2]) {
        for place in places {
            self.program.table().take(place);
        }
        self.places.lock().free.extend(places);
    }
}
