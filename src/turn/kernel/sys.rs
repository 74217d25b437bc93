//! The system call `bpf(2)`, as far as it is needed here.

use std::ffi::CStr;
use std::fs;
use std::io;
use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// Commands, kinds and flags of `linux/bpf.h`.
const MAP_CREATE: i32 = 0;
const PROG_LOAD: i32 = 5;
#[cfg(test)]
const PROG_TEST_RUN: i32 = 10;
const LINK_CREATE: i32 = 28;
const MAP_TYPE_ARRAY: u32 = 2;
const PROG_TYPE_SCHED_CLS: u32 = 3;
const TCX_INGRESS: u32 = 46;
const MMAPABLE: u32 = 1 << 10;

/// How the arguments of a command lie in memory: those that are not named are zero.
#[repr(C, align(8))]
struct Arguments([u8; 144]);

impl Arguments {
    fn new() -> Self {
        Arguments([0; 144])
    }

    fn word(mut self, at: usize, value: u32) -> Self {
        self.0[at..at + 4].copy_from_slice(&value.to_ne_bytes());
        self
    }

    fn fd(self, at: usize, fd: BorrowedFd<'_>) -> Self {
        self.word(at, fd.as_raw_fd() as u32)
    }

    /// The address of something that outlives the call.
    fn pointer<T: ?Sized>(mut self, at: usize, to: *const T) -> Self {
        let address = to.cast::<u8>().addr() as u64;
        self.0[at..at + 8].copy_from_slice(&address.to_ne_bytes());
        self
    }

    fn name(mut self, at: usize, name: &CStr) -> Self {
        let bytes = name.to_bytes();
        let len = bytes.len().min(15);
        self.0[at..at + len].copy_from_slice(&bytes[..len]);
        self
    }

    #[cfg(test)]
    fn word_at(&self, at: usize) -> u32 {
        u32::from_ne_bytes(self.0[at..at + 4].try_into().unwrap_or_default())
    }
}

/// # Safety
/// Every address among the arguments is that of memory as large as the command makes of it, which the kernel may
/// write to where it does.
unsafe fn bpf(command: i32, arguments: &mut Arguments) -> io::Result<i32> {
    let size = mem::size_of::<Arguments>();
    // SAFETY: the arguments are as long as it says, and as the caller promises.
    let done = unsafe { libc::syscall(libc::SYS_bpf, command, arguments.0.as_mut_ptr(), size) };
    match i32::try_from(done) {
        Ok(done) if done >= 0 => Ok(done),
        _ => Err(io::Error::last_os_error()),
    }
}

/// # Safety
/// As for [`bpf`]; and the command is one that makes a descriptor.
unsafe fn opened(command: i32, arguments: &mut Arguments) -> io::Result<OwnedFd> {
    // SAFETY: as the caller promises; the descriptor is new, and nobody else's.
    unsafe { bpf(command, arguments).map(|fd| OwnedFd::from_raw_fd(fd)) }
}

/// An array that can be mapped into this process.
pub fn make_array(name: &CStr, value: u32, count: u32) -> io::Result<OwnedFd> {
    let words = [MAP_TYPE_ARRAY, 4, value, count, MMAPABLE];
    let named = Arguments::new().name(28, name);
    let mut arguments = (0..5).fold(named, |all, i| all.word(4 * i, words[i]));
    // SAFETY: no address among them.
    unsafe { opened(MAP_CREATE, &mut arguments) }
}

/// Loads a program for packets that come in at an interface.
pub fn load(name: &CStr, instructions: &[u64]) -> io::Result<OwnedFd> {
    let mut arguments = Arguments::new()
        .word(0, PROG_TYPE_SCHED_CLS)
        .word(4, instructions.len() as u32)
        .pointer(8, instructions.as_ptr())
        .pointer(16, c"Dual MIT/GPL".as_ptr())
        .name(48, name);
    // SAFETY: instructions and licence outlive the call; there are as many as it says, and the licence is terminated.
    unsafe { opened(PROG_LOAD, &mut arguments) }
}

/// Attaches a program to what comes in at an interface, for as long as the descriptor is open.
pub fn attach(program: BorrowedFd<'_>, interface: u32) -> io::Result<OwnedFd> {
    let mut arguments = Arguments::new()
        .fd(0, program)
        .word(4, interface)
        .word(8, TCX_INGRESS);
    // SAFETY: no address among them.
    unsafe { opened(LINK_CREATE, &mut arguments) }
}

/// What a program made of a packet.
#[cfg(test)]
#[derive(Debug)]
pub struct Ran {
    pub answer: i32,
    pub packet: Vec<u8>,
    /// Of one run, in nanoseconds.
    pub duration: u32,
}

/// Runs a program on a frame that came in at an interface.
#[cfg(test)]
pub fn try_out(
    program: BorrowedFd<'_>,
    frame: &[u8],
    interface: u32,
    repeat: u32,
) -> io::Result<Ran> {
    // `__sk_buff`, of which only the number of the interface is said.
    let mut context = [0_u8; 192];
    context[40..44].copy_from_slice(&interface.to_ne_bytes());
    let mut packet = vec![0_u8; frame.len() + 256];
    let mut arguments = Arguments::new()
        .fd(0, program)
        .word(8, frame.len() as u32)
        .word(12, packet.len() as u32)
        .pointer(16, frame.as_ptr())
        .pointer(24, packet.as_mut_ptr())
        .word(32, repeat)
        .word(40, context.len() as u32)
        .pointer(48, context.as_ptr());
    // SAFETY: frame, room and context outlive the call and are as long as it says.
    unsafe { bpf(PROG_TEST_RUN, &mut arguments) }?;
    packet.truncate(arguments.word_at(12) as usize);
    Ok(Ran {
        answer: arguments.word_at(4) as i32,
        packet,
        duration: arguments.word_at(36),
    })
}

/// The clock of deadlines in the kernel, in nanoseconds: what this process's shows without that which its time namespace
/// adds to it.
pub fn monotonic() -> u64 {
    let added = fs::read_to_string("/proc/self/timens_offsets");
    let added = added.map_or(0, |text| added_by_namespace(&text));
    // SAFETY: the C structure is made of numbers, for which zero is a value.
    let mut time: libc::timespec = unsafe { mem::zeroed() };
    // SAFETY: the structure outlives the call.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    let own = time.tv_sec * 1_000_000_000 + time.tv_nsec;
    u64::try_from(own - added).unwrap_or_default()
}

/// Nanoseconds in a line `monotonic SECONDS NANOSECONDS`.
fn added_by_namespace(text: &str) -> i64 {
    let line = text.lines().find_map(|line| line.strip_prefix("monotonic"));
    let mut numbers = line
        .unwrap_or_default()
        .split_whitespace()
        .map(|word| word.parse().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0_i64);
    next() * 1_000_000_000 + next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_time_namespace_adds_is_read() {
        let text = "monotonic      100000         5\nboottime            7         0\n";
        assert_eq!(added_by_namespace(text), 100_000_000_000_005);
        let text = "monotonic -2 0";
        assert_eq!(added_by_namespace(text), -2_000_000_000);
        assert_eq!(added_by_namespace(""), 0);
    }
}
