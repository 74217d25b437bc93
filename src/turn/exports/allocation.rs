//! An allocation: figures and control.

use core::ffi::{c_char, c_int, c_uint, c_void};
use std::time::Duration;

use crate::turn::driver::{Cores, Place};
use crate::turn::state::allocation::Figures;
use crate::turn::state::allocation::Reason;
use crate::turn::state::arena::AllocationId;
use crate::turn::state::five_tuple::RelayTransport;
use crate::turn::status::{EINVAL, Status};

use super::options::{limit, rate};
use super::server::transport_number;
use super::types::{
    PJAUTH_TURN_ADDRESS_SIZE, PJAUTH_TURN_CLIENT_GONE, PJAUTH_TURN_DELETED, PJAUTH_TURN_EXPIRED,
    PJAUTH_TURN_LIMIT_REACHED, PJAUTH_TURN_LIVE, PJAUTH_TURN_REVOKED, PJAUTH_TURN_STOPPED,
    PJAUTH_TURN_TCP, PJAUTH_TURN_UDP, PJAUTH_TURN_UNLIMITED, PJAUTH_TURN_USERNAME_SIZE,
    pjauth_turn_allocation, pjauth_turn_allocation_info, pjauth_turn_server,
};
use super::{allocation_of, fill, guard, pointer, server_of, strings, value};

/// Reads everything about an allocation at once.
///
/// @param allocation  The allocation.
/// @param out  Gets it.
/// @param size  `sizeof(pjauth_turn_allocation_info)` as the program sees it: the
///              structure may grow at its end. What it has beyond the library's is zeroed.
/// @return 0, or PJ_EINVAL for a NULL, a size of 0 or a dead handle.
///
/// Since 0.1.0.
///
/// # Safety
/// `out` is NULL or has room for `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_turn_allocation_get_info(
    allocation: *const pjauth_turn_allocation,
    out: *mut pjauth_turn_allocation_info,
    size: usize,
) -> Status {
    guard(|| {
        let found = figures(allocation).filter(|_| !out.is_null() && size > 0);
        let found = describe(allocation.cast_mut(), &found.ok_or(EINVAL)?);
        // SAFETY: the caller's room.
        unsafe { fill(out.cast(), size, &found) };
        Ok(())
    })
}

/// Reads all allocations that exist now.
///
/// @param server  The server.
/// @param out    Gets one entry for each; may be NULL if `*count` is 0.
/// @param size   `sizeof(pjauth_turn_allocation_info)` as the program sees it: of one entry.
/// @param count  How many there is room for; gets how many there are, which may
///               be more than were written.
/// @return 0, or PJ_EINVAL for a NULL, a size of 0 or a dead handle.
///
/// May be called from any thread; allocations that come or go meanwhile may be
/// there or not.
///
/// Since 0.1.0.
///
/// # Safety
/// `out` has room for as many of `size` bytes as `*count` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_turn_server_allocations(
    server: *const pjauth_turn_server,
    out: *mut pjauth_turn_allocation_info,
    size: usize,
    count: *mut c_uint,
) -> Status {
    if count.is_null() || size == 0 {
        return EINVAL;
    }
    // SAFETY: the caller's number.
    let room = unsafe { *count } as usize;
    if out.is_null() && room > 0 {
        return EINVAL;
    }
    guard(|| {
        let state = server_of(server).ok_or(EINVAL)?;
        let places: Vec<_> = {
            let allocations = state.allocations.lock();
            allocations
                .iter()
                .map(|(place, handle)| (*place, *handle))
                .collect()
        };
        let running = state.running();
        let mut found = 0;
        for (place, handle) in places {
            let figures = running
                .as_ref()
                .and_then(|server| server.cores().figures(place));
            let Some(figures) = figures.filter(|figures| figures.ended.is_none()) else {
                continue;
            };
            if found < room {
                // SAFETY: within the room that the caller gave.
                unsafe {
                    let at = out.cast::<u8>().add(found * size);
                    fill(at, size, &describe(pointer(handle), &figures));
                }
            }
            found += 1;
        }
        // SAFETY: the caller's number.
        unsafe { *count = found as c_uint };
        Ok(())
    })
}

/// Writes the name of the user whose it is.
///
/// @return the length of the text.
///
/// Since 0.1.0.
///
/// # Safety
/// `out` is NULL or has room for `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_turn_allocation_username(
    allocation: *const pjauth_turn_allocation,
    out: *mut c_char,
    size: usize,
) -> usize {
    // SAFETY: the caller's room.
    unsafe {
        write(allocation, out, size, |figures| {
            figures.username.to_string()
        })
    }
}

/// Writes the relayed address; of two, the IPv4 one.
///
/// @return the length of the text.
///
/// Since 0.1.0.
///
/// # Safety
/// `out` is NULL or has room for `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_turn_allocation_relayed_address(
    allocation: *const pjauth_turn_allocation,
    out: *mut c_char,
    size: usize,
) -> usize {
    let first = |figures: &Figures| address(figures, 0);
    // SAFETY: the caller's room.
    unsafe { write(allocation, out, size, first) }
}

/// Writes the addresses of peers that may send to the client now, one a line.
///
/// @return the length of the text.
///
/// Since 0.1.0.
///
/// # Safety
/// `out` is NULL or has room for `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_turn_allocation_permissions(
    allocation: *const pjauth_turn_allocation,
    out: *mut c_char,
    size: usize,
) -> usize {
    let lines = |figures: &Figures| {
        let peers = figures.permissions.iter().map(|ip| ip.to_string());
        peers.collect::<Vec<_>>().join("\n")
    };
    // SAFETY: the caller's room.
    unsafe { write(allocation, out, size, lines) }
}

/// @return bytes relayed so far, both directions; 0 for a dead handle.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn pjauth_turn_allocation_bandwidth_used(
    allocation: *const pjauth_turn_allocation,
) -> u64 {
    value(0, || {
        figures(allocation).map_or(0, |figures| figures.bytes_used())
    })
}

/// @return bytes left of the limit; PJAUTH_TURN_UNLIMITED without one; 0 for a
///         dead handle.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn pjauth_turn_allocation_bandwidth_remaining(
    allocation: *const pjauth_turn_allocation,
) -> u64 {
    let left = |figures: Figures| figures.bytes_remaining().unwrap_or(PJAUTH_TURN_UNLIMITED);
    value(0, || figures(allocation).map_or(0, left))
}

/// @return milliseconds until it expires; 0 once it has ended, or for a dead
///         handle.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn pjauth_turn_allocation_time_remaining(
    allocation: *const pjauth_turn_allocation,
) -> u64 {
    let left = |figures: Figures| figures.remaining.as_millis() as u64;
    value(0, || figures(allocation).map_or(0, left))
}

/// @param allocation  The allocation.
/// @return seconds that the client was given when the allocation was made or last
///         refreshed, or that `pjauth_turn_allocation_set_lifetime()` set; 0 for
///         a dead handle.
///
/// LIFETIME (RFC 8656, 3.2). Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn pjauth_turn_allocation_lifetime(
    allocation: *const pjauth_turn_allocation,
) -> i64 {
    let given = |figures: Figures| figures.lifetime.as_secs() as i64;
    value(0, || figures(allocation).map_or(0, given))
}

/// Sets how many bytes it may relay in all, both directions together, those
/// relayed already included. The packet that would go beyond ends it.
///
/// @param allocation  The allocation.
/// @param bytes  PJAUTH_TURN_UNLIMITED for no limit.
/// @return 0, or PJ_EINVAL when it has ended; so with the next ones.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn pjauth_turn_allocation_set_bandwidth_limit(
    allocation: *mut pjauth_turn_allocation,
    bytes: u64,
) -> Status {
    change(allocation, |cores, at| cores.set_byte_cap(at, limit(bytes)))
}

/// Sets how many bytes a second it may relay, both directions together, from
/// now on.
///
/// @param allocation  The allocation.
/// @param bytes_per_second  PJAUTH_TURN_UNLIMITED for no limit.
/// @param burst             Bytes that may pass at once after a pause; a packet
///                          larger than this never passes.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn pjauth_turn_allocation_set_rate(
    allocation: *mut pjauth_turn_allocation,
    bytes_per_second: u64,
    burst: u64,
) -> Status {
    let rate = rate(bytes_per_second, burst);
    change(allocation, |cores, at| cores.set_rate(at, rate))
}

/// Sets when it expires, in milliseconds from now. The client's next Refresh
/// sets it anew.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn pjauth_turn_allocation_set_lifetime(
    allocation: *mut pjauth_turn_allocation,
    msec: u64,
) -> Status {
    let lifetime = Duration::from_millis(msec);
    change(allocation, |cores, at| cores.set_lifetime(at, lifetime))
}

/// Ends it. The observer is told from a thread of the server's.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn pjauth_turn_allocation_revoke(allocation: *mut pjauth_turn_allocation) -> Status {
    change(allocation, |cores, at| cores.revoke(at))
}

/// @return the server; NULL for a dead handle.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn pjauth_turn_allocation_server(
    allocation: *const pjauth_turn_allocation,
) -> *mut pjauth_turn_server {
    let state = allocation_of(allocation);
    let server = state.and_then(|state| state.server.handle.get().copied());
    server.map_or(core::ptr::null_mut(), pointer)
}

/// Keeps a pointer for the application as long as the allocation lives.
///
/// @return 0, or PJ_EINVAL for a dead handle.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn pjauth_turn_allocation_set_user_data(
    allocation: *mut pjauth_turn_allocation,
    user_data: *mut c_void,
) -> Status {
    guard(|| {
        let state = allocation_of(allocation).ok_or(EINVAL)?;
        state.user_data.set(user_data);
        Ok(())
    })
}

/// @return the pointer kept; NULL without one or for a dead handle.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn pjauth_turn_allocation_user_data(
    allocation: *const pjauth_turn_allocation,
) -> *mut c_void {
    let state = allocation_of(allocation);
    state.map_or(core::ptr::null_mut(), |state| state.user_data.get())
}

/// An allocation's figures in C's form.
fn describe(
    allocation: *mut pjauth_turn_allocation,
    figures: &Figures,
) -> pjauth_turn_allocation_info {
    let mut info = pjauth_turn_allocation_info {
        allocation,
        username: [0; PJAUTH_TURN_USERNAME_SIZE],
        client: [0; PJAUTH_TURN_ADDRESS_SIZE],
        server: [0; PJAUTH_TURN_ADDRESS_SIZE],
        relayed: [0; PJAUTH_TURN_ADDRESS_SIZE],
        relayed_second: [0; PJAUTH_TURN_ADDRESS_SIZE],
        transport: transport_number(figures.tuple.transport),
        reason: figures.ended.map_or(PJAUTH_TURN_LIVE, reason_number),
        packets_to_peers: figures.to_peers.packets,
        bytes_to_peers: figures.to_peers.bytes,
        packets_to_client: figures.to_client.packets,
        bytes_to_client: figures.to_client.bytes,
        bandwidth_limit: figures.byte_cap.unwrap_or(PJAUTH_TURN_UNLIMITED),
        age_msec: figures.age.as_millis() as u64,
        remaining_msec: figures.remaining.as_millis() as u64,
        relay_transport: match figures.transport {
            RelayTransport::Udp => PJAUTH_TURN_UDP,
            RelayTransport::Tcp => PJAUTH_TURN_TCP,
        },
    };
    strings::copy(&figures.username, &mut info.username);
    strings::copy(&figures.tuple.client.to_string(), &mut info.client);
    strings::copy(&figures.tuple.server.to_string(), &mut info.server);
    strings::copy(&address(figures, 0), &mut info.relayed);
    strings::copy(&address(figures, 1), &mut info.relayed_second);
    info
}

fn reason_number(reason: Reason) -> c_int {
    match reason {
        Reason::Expired => PJAUTH_TURN_EXPIRED,
        Reason::Deleted => PJAUTH_TURN_DELETED,
        Reason::ClientGone => PJAUTH_TURN_CLIENT_GONE,
        Reason::Revoked => PJAUTH_TURN_REVOKED,
        Reason::ByteCap => PJAUTH_TURN_LIMIT_REACHED,
        Reason::Stopped => PJAUTH_TURN_STOPPED,
    }
}

fn address(figures: &Figures, index: usize) -> String {
    let found = figures.relayed.get(index);
    found.map(ToString::to_string).unwrap_or_default()
}

fn figures(allocation: *const pjauth_turn_allocation) -> Option<Figures> {
    let state = allocation_of(allocation)?;
    state.server.running()?.cores().figures(state.place)
}

fn change(
    allocation: *mut pjauth_turn_allocation,
    change: impl FnOnce(&Cores, Place<AllocationId>) -> bool,
) -> Status {
    guard(|| {
        let state = allocation_of(allocation).ok_or(EINVAL)?;
        let server = state.server.running().ok_or(EINVAL)?;
        match change(server.cores(), state.place) {
            true => Ok(()),
            false => Err(EINVAL),
        }
    })
}

/// # Safety
/// `out` is NULL or has room for `size` bytes.
unsafe fn write(
    allocation: *const pjauth_turn_allocation,
    out: *mut c_char,
    size: usize,
    of: impl FnOnce(&Figures) -> String,
) -> usize {
    value(0, || {
        let found = figures(allocation).map(|figures| of(&figures));
        // SAFETY: the caller's room.
        unsafe { strings::write(&found.unwrap_or_default(), out, size) }
    })
}
