//! Figures of a whole server.

use core::ffi::{c_char, c_uint};

use crate::turn::driver::Totals;
use crate::turn::status::{EINVAL, Status};

use super::allocation::describe;
use super::types::{pjauth_turn_allocation_info, pjauth_turn_counters, pjauth_turn_server};
use super::{guard, pointer, server_of, strings, value};

/// Reads all allocations that exist now.
///
/// @param out    Gets one entry for each; may be NULL if `*count` is 0.
/// @param count  How many there is room for; gets how many there are, which may
///               be more than were written.
/// @return 0, or PJ_EINVAL for a NULL or a dead handle.
///
/// May be called from any thread; allocations that come or go meanwhile may be
/// there or not.
///
/// # Safety
/// `out` has room for as many as `*count` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_turn_server_allocations(
    server: *const pjauth_turn_server,
    out: *mut pjauth_turn_allocation_info,
    count: *mut c_uint,
) -> Status {
    if count.is_null() {
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
                unsafe { out.add(found).write(describe(pointer(handle), &figures)) };
            }
            found += 1;
        }
        // SAFETY: the caller's number.
        unsafe { *count = found as c_uint };
        Ok(())
    })
}

/// Reads the counters.
///
/// @param out  Gets them.
/// @return 0, or PJ_EINVAL for a NULL or a dead handle.
///
/// # Safety
/// `out` is NULL or has room for the structure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_turn_server_get_counters(
    server: *const pjauth_turn_server,
    out: *mut pjauth_turn_counters,
) -> Status {
    guard(|| {
        let totals = totals(server).filter(|_| !out.is_null()).ok_or(EINVAL)?;
        // SAFETY: the caller's room.
        unsafe { out.write(counters(&totals)) };
        Ok(())
    })
}

/// Writes the counters in Prometheus' text format: metrics `pjauth_turn_*`.
///
/// @param out   Gets the text.
/// @param size  Room in `out`.
/// @return the length of the text, about 4000; 0 for a dead handle.
///
/// # Safety
/// `out` is NULL or has room for `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_turn_server_metrics(
    server: *const pjauth_turn_server,
    out: *mut c_char,
    size: usize,
) -> usize {
    value(0, || {
        let found = totals(server).map(|totals| prometheus(&totals));
        // SAFETY: the caller's room.
        unsafe { strings::write(&found.unwrap_or_default(), out, size) }
    })
}

fn totals(server: *const pjauth_turn_server) -> Option<Totals> {
    let state = server_of(server)?;
    let running = state.running();
    Some(running.map(|server| server.totals()).unwrap_or_default())
}

fn prometheus(totals: &Totals) -> String {
    use std::fmt::Write;

    let losses = &totals.losses;
    let lost = [
        (
            "packets_unsent",
            "Datagrams that the kernel did not take.",
            losses.sends,
        ),
        (
            "packets_overrun",
            "Packets dropped on the way from one worker to another.",
            losses.handovers,
        ),
        (
            "packets_unread",
            "Packets dropped because a TCP client read too slowly.",
            losses.slow_readers,
        ),
    ];
    let gauges = [
        (
            "allocations",
            "Allocations that exist now.",
            totals.allocations as u64,
        ),
        (
            "held_requests",
            "Requests that wait for a later decision now.",
            totals.held as u64,
        ),
        (
            "connections",
            "TCP connections that are open now.",
            totals.connections.into(),
        ),
    ];
    let mut text = String::new();
    for (name, help, value) in totals.counters.each().chain(lost) {
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "# HELP pjauth_turn_{name}_total {help}\n# TYPE pjauth_turn_{name}_total counter\n\
             pjauth_turn_{name}_total {value}\n"
        );
    }
    for (name, help, value) in gauges {
        let _ = write!(
            text,
            "# HELP pjauth_turn_{name} {help}\n# TYPE pjauth_turn_{name} gauge\n\
             pjauth_turn_{name} {value}\n"
        );
    }
    text
}

fn counters(totals: &Totals) -> pjauth_turn_counters {
    let counters = &totals.counters;
    let losses = &totals.losses;
    pjauth_turn_counters {
        allocations_created: counters.allocations_created,
        allocations_removed: counters.allocations_removed,
        packets_to_peers: counters.packets_to_peers,
        bytes_to_peers: counters.bytes_to_peers,
        packets_to_clients: counters.packets_to_clients,
        bytes_to_clients: counters.bytes_to_clients,
        packets_inside: counters.packets_inside,
        packets_denied: counters.packets_denied,
        packets_limited: counters.packets_limited,
        packets_unsent: losses.sends,
        packets_overrun: losses.handovers,
        packets_unread: losses.slow_readers,
        malformed: counters.malformed,
        requests: counters.requests,
        successes: counters.successes,
        errors: counters.errors,
        challenges: counters.challenges,
        challenges_suppressed: counters.challenges_suppressed,
        retransmissions: counters.retransmissions,
        asked: counters.asked,
        held_total: counters.held,
        held_expired: counters.held_expired,
        held_refused: counters.held_refused,
        allocations: totals.allocations as u64,
        held: totals.held as u64,
        connections: totals.connections.into(),
    }
}
