//! The program and the table of routes in the kernel.
#![forbid(unsafe_code)]

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use super::layout::Flow;
use super::sys;
use super::table::Table;

/// `relay.c`, compiled: `tests/kernel_program.rs` makes it.
const CODE: &[u8] = include_bytes!("relay.bpf");

/// The numbers that stand for the maps in it.
const ROUTES: u64 = 0x70A5_701E_5A00_0001;
const CHAINS: u64 = 0x70A5_701E_5A00_0002;
const CLOCK: u64 = 0x70A5_701E_5A00_0003;
/// Those that stand for others, the last for as many as a flow has words.
const SHIFT: u64 = 0x70A5_701E_5A00_0010;
const SECRETS: u64 = 0x70A5_701E_5A00_0011;

/// The first byte of an instruction that loads 64 bits, which takes the room of two.
const LOAD_64: u8 = 0x18;
/// In the second byte, above the register: the number is a map's descriptor.
const MAP_DESCRIPTOR: u8 = 1 << 4;

/// The program, loaded, with what it goes by. All of it ends with its descriptors, and so with this process.
#[derive(Debug)]
pub struct Program {
    program: OwnedFd,
    table: Table,
}

/// What a number in the program stands for.
enum Meaning {
    Map(i32),
    Number(u64),
}

impl Program {
    /// Loads it, with room for so many routes.
    pub fn load(routes: u32) -> io::Result<Self> {
        // Who knows them could have his routes fall together with others'.
        let mut secrets = [0; Flow::WORDS];
        for secret in &mut secrets {
            *secret = getrandom::u64().map_err(|_| io::ErrorKind::Unsupported)?;
        }
        let table = Table::new(routes, secrets)?;
        // What the program remembers of the clock is its own.
        let clock = sys::make_array(c"pjauth_clock", 8, 1)?;
        let [routes, chains] = table.maps().map(|map| Meaning::Map(map.as_raw_fd()));
        let mut meanings = vec![
            (ROUTES, routes),
            (CHAINS, chains),
            (CLOCK, Meaning::Map(clock.as_raw_fd())),
            (SHIFT, Meaning::Number(table.shift().into())),
        ];
        meanings.extend((SECRETS..).zip(secrets.map(Meaning::Number)));
        let code = linked(CODE, &meanings);
        let program = sys::load(c"pjauth_relay", &code)?;
        Ok(Program { program, table })
    }

    /// Has it see what comes in at an interface for as long as the descriptor is open.
    pub fn attach(&self, interface: u32) -> io::Result<OwnedFd> {
        sys::attach(self.program.as_fd(), interface)
    }

    pub fn table(&self) -> &Table {
        &self.table
    }

    /// What it makes of a frame that comes in at an interface.
    #[cfg(test)]
    pub fn try_out(&self, frame: &[u8], interface: u32, repeat: u32) -> io::Result<sys::Ran> {
        sys::try_out(self.program.as_fd(), frame, interface, repeat)
    }
}

/// The instructions, with what is meant in the place of the numbers that stand for it.
fn linked(code: &[u8], meanings: &[(u64, Meaning)]) -> Vec<u64> {
    let (words, _) = code.as_chunks::<8>();
    let mut words = words.to_vec();
    for at in 1..words.len() {
        let [first, second] = [words[at - 1], words[at]];
        if first[0] != LOAD_64 {
            continue;
        }
        let [low, high] = [first, second].map(|word| [word[4], word[5], word[6], word[7]]);
        let number = u64::from(u32::from_le_bytes(high)) << 32 | u64::from(u32::from_le_bytes(low));
        let (kind, value) = match meanings.iter().find(|(name, _)| *name == number) {
            Some((_, Meaning::Map(fd))) => (MAP_DESCRIPTOR, u64::from(fd.cast_unsigned())),
            Some((_, Meaning::Number(value))) => (0, *value),
            None => continue,
        };
        words[at - 1][1] |= kind;
        words[at - 1][4..].copy_from_slice(&(value as u32).to_le_bytes());
        words[at][4..].copy_from_slice(&((value >> 32) as u32).to_le_bytes());
    }
    words.into_iter().map(u64::from_ne_bytes).collect()
}
