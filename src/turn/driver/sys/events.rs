//! epoll and eventfd.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

/// Which readiness to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// Something to read.
    Read,
    /// Something to read, or room to write.
    ReadWrite,
    /// Room to write: the other end says nothing more.
    Write,
}

impl Interest {
    fn bits(self) -> u32 {
        (match self {
            Interest::Read => libc::EPOLLIN | libc::EPOLLRDHUP,
            Interest::Write => libc::EPOLLOUT,
            Interest::ReadWrite => libc::EPOLLIN | libc::EPOLLRDHUP | libc::EPOLLOUT,
        }) as u32
    }
}

/// A level-triggered set of descriptors to wait for.
#[derive(Debug)]
pub struct Epoll(OwnedFd);

/// One descriptor that is ready.
#[derive(Clone, Copy, Debug)]
pub struct Ready {
    /// The number it was added under.
    pub tag: u64,
    /// There is room to write.
    pub writable: bool,
    /// There is something to read: data, an end or an error.
    pub readable: bool,
    /// There is an error to read.
    pub failed: bool,
}

/// How many descriptors one wait reports.
const EVENTS: usize = 256;

impl Epoll {
    pub fn new() -> io::Result<Self> {
        // SAFETY: takes no pointer.
        let fd = checked(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        // SAFETY: the kernel just gave us this descriptor, nobody else has it.
        Ok(Epoll(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    pub fn add(&self, fd: RawFd, tag: u64, interest: Interest) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, fd, tag, interest)
    }

    pub fn change(&self, fd: RawFd, tag: u64, interest: Interest) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_MOD, fd, tag, interest)
    }

    pub fn remove(&self, fd: RawFd) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_DEL, fd, 0, Interest::Read)
    }

    /// Changes what a descriptor is waited for; for nothing, where there is no interest:
    /// then not even its end is told.
    pub fn rewatch(
        &self,
        fd: RawFd,
        tag: u64,
        before: Option<Interest>,
        wanted: Option<Interest>,
    ) -> io::Result<()> {
        match (before, wanted) {
            (before, wanted) if before == wanted => Ok(()),
            (None, Some(wanted)) => self.add(fd, tag, wanted),
            (Some(_), Some(wanted)) => self.change(fd, tag, wanted),
            (_, None) => self.remove(fd),
        }
    }

    fn control(&self, what: i32, fd: RawFd, tag: u64, interest: Interest) -> io::Result<()> {
        let mut event = libc::epoll_event {
            events: interest.bits(),
            u64: tag,
        };
        // SAFETY: the event outlives the call, which only reads it.
        checked(unsafe { libc::epoll_ctl(self.0.as_raw_fd(), what, fd, &mut event) })?;
        Ok(())
    }

    /// Waits until something is ready or the time is over (rounded up to
    /// milliseconds), and puts what is ready into `ready`.
    pub fn wait(&self, ready: &mut Vec<Ready>, timeout: Duration) -> io::Result<()> {
        ready.clear();
        let millis = timeout.as_nanos().div_ceil(1_000_000).min(60_000) as i32;
        let mut events = [libc::epoll_event { events: 0, u64: 0 }; EVENTS];
        // SAFETY: the array outlives the call and has room for EVENTS entries.
        let found = checked(unsafe {
            libc::epoll_wait(
                self.0.as_raw_fd(),
                events.as_mut_ptr(),
                EVENTS as i32,
                millis,
            )
        });
        let found = match found {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => 0,
            found => found? as usize,
        };
        ready.extend(events[..found].iter().map(|event| Ready {
            tag: event.u64,
            writable: event.events & libc::EPOLLOUT as u32 != 0,
            readable: event.events & !(libc::EPOLLOUT as u32) != 0,
            failed: event.events & libc::EPOLLERR as u32 != 0,
        }));
        Ok(())
    }
}

/// Wakes a worker that waits.
#[derive(Debug)]
pub struct Wake(OwnedFd);

impl Wake {
    pub fn new() -> io::Result<Self> {
        // SAFETY: takes no pointer.
        let fd = checked(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) })?;
        // SAFETY: the kernel just gave us this descriptor, nobody else has it.
        Ok(Wake(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    pub fn fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    /// Wakes the worker, or lets its next wait return at once.
    pub fn wake(&self) {
        let one = 1_u64;
        // SAFETY: reads the eight bytes of `one`. It fails only when the
        // counter is full, and then the worker is awake.
        unsafe { libc::write(self.fd(), (&raw const one).cast(), 8) };
    }

    /// Forgets the wakes so far.
    pub fn reset(&self) {
        let mut count = 0_u64;
        // SAFETY: writes eight bytes into `count`. It fails only when there
        // was no wake.
        unsafe { libc::read(self.fd(), (&raw mut count).cast(), 8) };
    }
}

/// Runs `f` with all signals blocked in this thread, so that a thread started
/// in it has them blocked for good.
pub fn without_signals<T>(f: impl FnOnce() -> T) -> T {
    // SAFETY: a signal set is made of numbers, for which zero is a value.
    let (mut all, mut before): (libc::sigset_t, libc::sigset_t) = unsafe { std::mem::zeroed() };
    // SAFETY: both sets outlive the calls.
    unsafe {
        libc::sigfillset(&mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &all, &mut before);
    }
    let result = f();
    // SAFETY: `before` is the mask that the thread had.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &before, std::ptr::null_mut()) };
    result
}

/// A result of the C library's, with `errno` for an error.
pub(super) fn checked(result: i32) -> io::Result<i32> {
    match result {
        -1 => Err(io::Error::last_os_error()),
        result => Ok(result),
    }
}
