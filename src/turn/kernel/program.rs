//! The program and the table of routes in the kernel.
#![forbid(unsafe_code)]

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use super::layout::{Flow, Onward};
use super::sys;
use super::tallies::Tallies;

/// `relay.c`, compiled: `tests/kernel_program.rs` makes it.
const CODE: &[u8] = include_bytes!("relay.bpf");

/// The numbers that stand for the maps in it.
const ROUTES: u64 = 0x70A5_701E_5A00_0001;
const TALLIES: u64 = 0x70A5_701E_5A00_0002;
const CLOCK: u64 = 0x70A5_701E_5A00_0003;

/// The first byte of an instruction that loads 64 bits, which takes the room of two.
const LOAD_64: u8 = 0x18;
/// In the second byte, above the register: the number is a map's descriptor.
const MAP_DESCRIPTOR: u8 = 1 << 4;

/// The program, loaded, with what it goes by. All of it ends with its descriptors, and so with this process.
#[derive(Debug)]
pub struct Program {
    program: OwnedFd,
    routes: sys::Table,
    tallies: Tallies,
}

impl Program {
    /// Loads it, with room for so many routes.
    pub fn load(routes: u32) -> io::Result<Self> {
        let tallies = Tallies::new(routes)?;
        let table = sys::Table::new(c"pjauth_routes", routes)?;
        // What the program remembers of the clock is its own.
        let clock = sys::make_array(c"pjauth_clock", 8, 1)?;
        let maps = [
            (ROUTES, table.fd()),
            (TALLIES, tallies.map()),
            (CLOCK, &clock),
        ];
        let code = linked(CODE, &maps);
        let program = sys::load(c"pjauth_relay", &code)?;
        Ok(Program {
            program,
            routes: table,
            tallies,
        })
    }

    /// Has it see what comes in at an interface for as long as the descriptor is open.
    pub fn attach(&self, interface: u32) -> io::Result<OwnedFd> {
        sys::attach(self.program.as_fd(), interface)
    }

    pub fn tallies(&self) -> &Tallies {
        &self.tallies
    }

    /// Sets how packets of a flow go on.
    pub fn put(&self, flow: &Flow, onward: &Onward) -> io::Result<()> {
        self.routes.put(&flow.to_bytes(), &onward.to_bytes())
    }

    /// Packets of a flow go up from now on.
    pub fn take(&self, flow: &Flow) {
        // One that is not there has the same effect.
        let _ = self.routes.take(&flow.to_bytes());
    }

    /// Whether the table has a flow.
    #[cfg(test)]
    pub fn has(&self, flow: &[u8; super::layout::FLOW]) -> bool {
        self.routes.has(flow)
    }

    /// What it makes of a frame that comes in at an interface.
    #[cfg(test)]
    pub fn try_out(&self, frame: &[u8], interface: u32, repeat: u32) -> io::Result<sys::Ran> {
        sys::try_out(self.program.as_fd(), frame, interface, repeat)
    }
}

/// The instructions, with the maps' descriptors in the place of their numbers.
fn linked(code: &[u8], maps: &[(u64, &OwnedFd)]) -> Vec<u64> {
    let (words, _) = code.as_chunks::<8>();
    let mut words = words.to_vec();
    for at in 1..words.len() {
        let [first, second] = [words[at - 1], words[at]];
        if first[0] != LOAD_64 {
            continue;
        }
        let [low, high] = [first, second].map(|word| [word[4], word[5], word[6], word[7]]);
        let number = u64::from(u32::from_le_bytes(high)) << 32 | u64::from(u32::from_le_bytes(low));
        if let Some((_, map)) = maps.iter().find(|(name, _)| *name == number) {
            words[at - 1][1] |= MAP_DESCRIPTOR;
            words[at - 1][4..].copy_from_slice(&map.as_raw_fd().to_le_bytes());
            words[at] = [0; 8];
        }
    }
    words.into_iter().map(u64::from_ne_bytes).collect()
}
