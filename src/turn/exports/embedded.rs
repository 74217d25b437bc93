//! A server without sockets, threads and clock: the program drives it.

use core::ffi::{c_int, c_uint, c_void};
use core::mem;
use std::net::SocketAddr;
use std::sync::Arc;

use libc::sockaddr;
use parking_lot::Mutex;

use crate::stun::frame_len;
use crate::turn::core::action::IcmpError;
use crate::turn::driver::{Embedded, Level, RawAddress, Refused, StartError};
use crate::turn::state::arena::RelayId;
use crate::turn::status::{self, EBUG, EINVAL, EINVALIDOP, ETOOMANY, Status};
use crate::turn::time::Time;

use super::embedded_types::{pjauth_turn_driver, pjauth_turn_output};
use super::embedder::{opener, waker};
use super::engine::{Engine, Taken};
use super::observer::{Caller, ObserverPointer, ServerState};
use super::options;
use super::options_types::pjauth_turn_options;
use super::outputs::describe;
use super::server::lend;
use super::types::{pjauth_turn_observer, pjauth_turn_server};
use super::{guard, pointer, server_of, value};

/// Makes a server that has no sockets, no threads and no clock: the program
/// brings it packets and the time, and sends what it is told to send, all from
/// its own event loop. Every other function of this header works with it as with
/// any server, `pjauth_turn_server_start()` excepted: it runs from now on.
///
/// Of the options it uses all but those that are about sockets and threads:
/// `relays`, the range of ports, `workers` and TCP's limits. The listeners name
/// the program's own sockets, as clients see their addresses.
///
/// One thread at a time may drive it, with the functions `pjauth_turn_core_*`;
/// where two meet, and in an observer's function, they do nothing and return
/// PJ_EINVALIDOP. The observer is called by whoever drives, from inside these
/// functions, and from `pjauth_turn_server_stop()` and `_destroy()`, which belong
/// to the same thread. All others may be called from any thread.
///
/// @param options   Its options, copied.
/// @param observer  Who decides. Must live until `pjauth_turn_server_destroy()`
///                  has returned.
/// @param driver    What it needs of the program, copied. Its `user_data` must live
///                  as long.
/// @param server    Gets the handle.
/// @return 0; PJ_EINVAL for a NULL, an observer whose table lacks a function, or
///         an option without sense.
///
/// Since 0.1.0.
///
/// # Safety
/// Strings are terminated and arrays as long as their counts say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_turn_core_create(
    options: *const pjauth_turn_options,
    observer: *mut pjauth_turn_observer,
    driver: *const pjauth_turn_driver,
    server: *mut *mut pjauth_turn_server,
) -> Status {
    if options.is_null() || observer.is_null() || driver.is_null() || server.is_null() {
        return EINVAL;
    }
    guard(|| {
        // SAFETY: the caller's structure begins with its size.
        if unsafe { (*driver).size } != mem::size_of::<pjauth_turn_driver>() {
            return Err(EINVAL);
        }
        // SAFETY: the caller's structure, of which this is the only version.
        let driver = unsafe { driver.read() };
        // SAFETY: the caller's options, which say how long they are.
        let given = unsafe { options::copy(options) }?;
        // SAFETY: the caller's arrays and strings.
        let (options, terms) = unsafe { options::read(&given) }?;
        // SAFETY: the caller keeps it alive until destroy has returned.
        let observer = unsafe { ObserverPointer::new(observer) }?;
        let on_peer = options::on_peer(&given);
        let state = ServerState::new(options, terms, on_peer, observer);
        let caller = Box::new(Caller::new(state.clone()));
        let embedded = Embedded::new(&state.options, caller, opener(&driver)?, waker(&driver));
        let embedded = embedded.map_err(|error| refuse(&state, &error))?;
        let engine = Engine::Embedded(Box::new(embedded), Mutex::new(Taken::default()));
        let minted = lend(&state)?;
        *state.running.write() = Some(Arc::new(engine));
        // SAFETY: the caller's pointer.
        unsafe { server.write(pointer(minted)) };
        Ok(())
    })
}

fn refuse(state: &ServerState, error: &StartError) -> Status {
    state.log(Level::Error, &format!("cannot create: {error}"));
    error.system().map_or(EINVAL, status::of_system)
}

/// Brings a packet from a client: a datagram, or one message of a client's TCP
/// connection as `pjauth_turn_core_frame_size()` cuts them. Then take the output.
///
/// @param server  The embedded server.
/// @param listener   By its place in the options.
/// @param from       The client's address.
/// @param from_size  Its size.
/// @param data       The packet.
/// @param data_size  Its size.
/// @param now        The time in nanoseconds since whatever the program chooses,
///                   never going back. Between calls time stands still.
/// @return 0, whatever the packet was; PJ_EINVAL for a NULL, a dead handle, a
///         server that is not driven, a listener that is none or an address that
///         is none; PJ_EINVALIDOP after a stop and as
///         `pjauth_turn_core_create()` says; PJ_ETOOMANY while too many outputs
///         wait to be taken. So with the next ones.
///
/// Since 0.1.0.
///
/// # Safety
/// `from` and `data` are NULL or have as many bytes as their sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_turn_core_from_client(
    server: *mut pjauth_turn_server,
    listener: c_uint,
    from: *const sockaddr,
    from_size: c_uint,
    data: *const c_void,
    data_size: usize,
    now: u64,
) -> Status {
    drive(server, |core| {
        // SAFETY: the caller's address and packet.
        let (from, packet) = unsafe { (address(from, from_size)?, bytes(data, data_size)?) };
        let now = Time::from_nanos(now);
        core.from_client(listener, from, packet, now).map_err(code)
    })
}

/// Brings a datagram that reached a relay socket.
///
/// @param server  The embedded server.
/// @param relay      Its name.
/// @param from       The peer's address.
/// @param from_size  Its size.
/// @param data       The datagram.
/// @param data_size  Its size.
/// @param now        The time.
///
/// Since 0.1.0.
///
/// # Safety
/// `from` and `data` are NULL or have as many bytes as their sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_turn_core_from_peer(
    server: *mut pjauth_turn_server,
    relay: u64,
    from: *const sockaddr,
    from_size: c_uint,
    data: *const c_void,
    data_size: usize,
    now: u64,
) -> Status {
    drive(server, |core| {
        // SAFETY: the caller's address and packet.
        let (from, packet) = unsafe { (address(from, from_size)?, bytes(data, data_size)?) };
        let (relay, now) = (RelayId::from_bits(relay), Time::from_nanos(now));
        core.from_peer(relay, from, packet, now).map_err(code)
    })
}

/// Brings an ICMP error about a datagram that a relay socket sent, as the socket's
/// error queue tells it (`IP_RECVERR`, `IPV6_RECVERR`): the client gets it in a Data
/// indication (RFC 8656, 11.5), where it has a permission for the peer, and at most
/// ten a second. Types that are no client's business are ignored.
///
/// @param server     The embedded server.
/// @param relay      The socket's name.
/// @param peer       Where the datagram went.
/// @param peer_size  Its size.
/// @param type       The type of ICMP or, for an IPv6 peer, of ICMPv6.
/// @param code       The code.
/// @param mtu        The MTU of the next link, where the datagram was too big.
/// @param now        The time.
///
/// Since 0.1.0.
///
/// # Safety
/// `peer` is NULL or has as many bytes as its size says.
#[unsafe(no_mangle)]
#[allow(clippy::too_many_arguments)]
pub unsafe extern "C" fn pjauth_turn_core_from_icmp(
    server: *mut pjauth_turn_server,
    relay: u64,
    peer: *const sockaddr,
    peer_size: c_uint,
    r#type: u8,
    code: u8,
    mtu: u32,
    now: u64,
) -> Status {
    drive(server, |core| {
        // SAFETY: the caller's address.
        let peer = unsafe { address(peer, peer_size) }?;
        let (relay, now) = (RelayId::from_bits(relay), Time::from_nanos(now));
        let error = IcmpError {
            kind: r#type,
            code,
            mtu,
        };
        core.from_icmp(relay, peer, error, now).map_err(self::code)
    })
}

/// Says that a client's TCP connection has closed: its allocation ends, and its
/// request does not wait any more.
///
/// @param server  The embedded server.
/// @param listener     By its place in the options.
/// @param client       The client's address.
/// @param client_size  Its size.
/// @param now          The time.
///
/// Since 0.1.0.
///
/// # Safety
/// `client` is NULL or has as many bytes as its size says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_turn_core_client_gone(
    server: *mut pjauth_turn_server,
    listener: c_uint,
    client: *const sockaddr,
    client_size: c_uint,
    now: u64,
) -> Status {
    drive(server, |core| {
        // SAFETY: the caller's address.
        let client = unsafe { address(client, client_size) }?;
        let now = Time::from_nanos(now);
        core.client_gone(listener, client, now).map_err(code)
    })
}

/// Lets time pass, and does what other threads have asked for since. Call it when
/// `pjauth_turn_core_next_deadline()` is reached, and after the driver's `wake`.
///
/// @param server  The embedded server.
/// @param now  The time.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn pjauth_turn_core_tick(server: *mut pjauth_turn_server, now: u64) -> Status {
    drive(server, |core| {
        core.tick(Time::from_nanos(now)).map_err(code)
    })
}

/// @return when `pjauth_turn_core_tick()` is due, on the program's clock; it may
///         be in the past. UINT64_MAX for never, for a dead handle, and for a
///         server that is not driven.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn pjauth_turn_core_next_deadline(server: *const pjauth_turn_server) -> u64 {
    value(u64::MAX, || {
        let next = with(server, |core, _| core.next_deadline());
        next.flatten().map_or(u64::MAX, Time::as_nanos)
    })
}

/// Takes the next thing to do. Call it until there is none after each function
/// that brings something, and after `pjauth_turn_server_stop()`.
///
/// @param server  The embedded server.
/// @param out  Gets it. What it points to stays until the next call, and until
///             the server is destroyed.
/// @return 1, or 0 for nothing, a NULL, a dead handle, a server that is not
///         driven, or while another function drives it.
///
/// Since 0.1.0.
///
/// # Safety
/// `out` is NULL or has room for the structure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_turn_core_next_output(
    server: *mut pjauth_turn_server,
    out: *mut pjauth_turn_output,
) -> c_int {
    if out.is_null() {
        return 0;
    }
    value(0, || {
        let next = with(server, |core, taken| {
            let mut taken = taken.lock();
            taken.output = core.next_output();
            describe(&mut taken)
        });
        let Some(next) = next.flatten() else {
            return 0;
        };
        // SAFETY: the caller's room.
        unsafe { out.write(next) };
        1
    })
}

/// Cuts a client's TCP connection into messages: what it says of the bytes that
/// are there is the size of the message that they begin with, which may be more
/// than are there. Wait for the rest, bring the message, and go on after it.
///
/// @param data       What the connection brought and was not brought yet.
/// @param data_size  How many bytes.
/// @return the size; 0 when more bytes are needed to tell; -1 when it is not
///         TURN: close the connection. A connection whose first message is no
///         STUN message (its first byte is 0x40 or more) may be closed as well.
///
/// Since 0.1.0.
///
/// # Safety
/// `data` is NULL or has `data_size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_turn_core_frame_size(data: *const c_void, data_size: usize) -> i64 {
    value(-1, || {
        // SAFETY: the caller's bytes.
        let Ok(bytes) = (unsafe { bytes(data, data_size) }) else {
            return 0;
        };
        match frame_len(bytes) {
            Ok(size) => size.unwrap_or(0) as i64,
            Err(_) => -1,
        }
    })
}

fn drive(
    server: *mut pjauth_turn_server,
    f: impl FnOnce(&Embedded) -> Result<(), Status>,
) -> Status {
    guard(|| with(server, |core, _| f(core)).unwrap_or(Err(EINVAL)))
}

/// Runs `f` with a driven server; `None` when there is none.
fn with<R>(
    server: *const pjauth_turn_server,
    f: impl FnOnce(&Embedded, &Mutex<Taken>) -> R,
) -> Option<R> {
    match &*server_of(server)?.running()? {
        Engine::Embedded(core, taken) => Some(f(core, taken)),
        Engine::Threads(_) => None,
    }
}

fn code(refused: Refused) -> Status {
    match refused {
        Refused::Unknown => EINVAL,
        Refused::Busy | Refused::Stopped => EINVALIDOP,
        Refused::Full => ETOOMANY,
        Refused::Bug => EBUG,
    }
}

/// # Safety
/// NULL, or `size` bytes.
unsafe fn address(from: *const sockaddr, size: c_uint) -> Result<SocketAddr, Status> {
    if from.is_null() {
        return Err(EINVAL);
    }
    // SAFETY: the caller's bytes.
    unsafe { RawAddress::read(from, size) }.ok_or(EINVAL)
}

/// # Safety
/// NULL, or `size` bytes that stay as they are while the result is used.
unsafe fn bytes<'a>(data: *const c_void, size: usize) -> Result<&'a [u8], Status> {
    match (data.is_null(), size) {
        (_, 0) => Ok(&[]),
        (true, _) => Err(EINVAL),
        // SAFETY: the caller's bytes.
        (false, size) => Ok(unsafe { core::slice::from_raw_parts(data.cast(), size) }),
    }
}
