//! What can be changed in a running server.

use core::ffi::{c_char, c_int, c_uint};

use crate::stun::address::Family;
use crate::turn::address::is_of_a_host;
use crate::turn::state::five_tuple::Transport;
use crate::turn::status::{EINVAL, Status};

use super::arrays;
use super::options::{self, rate};
use super::options_types::pjauth_turn_options;
use super::server::running;
use super::types::{PJAUTH_TURN_TCP, PJAUTH_TURN_TLS, PJAUTH_TURN_UDP, pjauth_turn_server};
use super::{guard, server_of, strings};

/// Refuses new allocations with 508, or no longer; those that exist stay. Where there
/// is another server for them, see `pjauth_turn_server_set_alternate()`. Ask
/// `pjauth_turn_server_get_counters()` how many are left.
///
/// @param server  The server.
/// @param drain  0 for no longer.
/// @return 0; PJ_EINVAL for a dead handle; PJ_EINVALIDOP when it does not run.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn pjauth_turn_server_drain(
    server: *mut pjauth_turn_server,
    drain: c_int,
) -> Status {
    guard(|| {
        running(server)?.drain(drain != 0);
        Ok(())
    })
}

/// Sends new clients to another server, with 300 and ALTERNATE-SERVER (RFC 8489, 10),
/// whether the server drains or not; allocations that exist stay. The observer is
/// still asked, because clients trust no such answer that is not signed with their
/// key.
///
/// @param server   The server.
/// @param address  The other server, at the same port over every transport:
///                 `192.0.2.2:3478` or `[2001:db8::2]:3478`, for clients of that
///                 address family. NULL: clients of both families are served here
///                 again. See `pjauth_turn_server_set_alternate_over()`.
/// @return 0; PJ_EINVAL for a dead handle or what is no address of one host with a port;
///         PJ_EINVALIDOP when it does not run.
///
/// Since 0.1.0.
///
/// # Safety
/// `address` is NULL or terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_turn_server_set_alternate(
    server: *mut pjauth_turn_server,
    address: *const c_char,
) -> Status {
    // SAFETY: the caller's string.
    guard(|| unsafe { set_alternate(server, None, address) })
}

/// Likewise for clients of one transport: where the other server has TLS is another port
/// than where it has UDP, and a client goes there by the transport that it came with.
///
/// @param server     The server.
/// @param transport  PJAUTH_TURN_UDP, PJAUTH_TURN_TCP or PJAUTH_TURN_TLS.
/// @param address    As for `pjauth_turn_server_set_alternate()`, which sets all of them.
/// @return as there; PJ_EINVAL for another transport.
///
/// Source: RFC 8489, 10. Since 0.1.0.
///
/// # Safety
/// `address` is NULL or terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_turn_server_set_alternate_over(
    server: *mut pjauth_turn_server,
    transport: c_int,
    address: *const c_char,
) -> Status {
    let transport = match transport {
        PJAUTH_TURN_UDP => Transport::Udp,
        PJAUTH_TURN_TCP => Transport::Tcp,
        PJAUTH_TURN_TLS => Transport::Tls,
        _ => return EINVAL,
    };
    // SAFETY: the caller's string.
    guard(|| unsafe { set_alternate(server, Some(transport), address) })
}

/// # Safety
/// `address` is NULL or terminated.
unsafe fn set_alternate(
    server: *mut pjauth_turn_server,
    transport: Option<Transport>,
    address: *const c_char,
) -> Result<(), Status> {
    let other = match address.is_null() {
        true => None,
        // SAFETY: the caller's string.
        false => Some(unsafe { strings::read(address) }?),
    };
    let other = other.map(|text| arrays::read_place(text).ok_or(EINVAL));
    let other = other.transpose()?;
    let server = running(server)?;
    for family in [Family::V4, Family::V6] {
        if other.is_none_or(|other| Family::of(&other.ip()) == family) {
            server.set_alternate(transport, family, other);
        }
    }
    Ok(())
}

/// Goes by other limits from now on: those of `options`, where the default stands for
/// what it does not name. What exists stays, and so does the rest of what the server was
/// created with, whatever `options` says of it. Limits are `default_lifetime`,
/// `nonce_lifetime`, all that begins with `max_`, `held_`, `connection_`, `challenge`,
/// `guess` or `handshake_`, `user_quota`, `bandwidth_limit`, `rate`, `rate_burst`,
/// `port_rest_msec`, `binding` and `ask_each`; `max_port` is none: which ports relays have
/// is settled for as long as the server runs.
///
/// @param server   The server.
/// @param options  Filled in with `pjauth_turn_options_init()` first; needs no listener.
/// @return 0; PJ_EINVAL for a dead handle or an option without sense, which `log` of the
///         options is told, and nothing is changed then; PJ_EINVALIDOP when the server
///         does not run. A stop forgets it.
///
/// Since 0.1.0.
///
/// # Safety
/// As for `pjauth_turn_server_create()`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_turn_server_set_limits(
    server: *mut pjauth_turn_server,
    options: *const pjauth_turn_options,
) -> Status {
    guard(|| {
        let state = server_of(server).ok_or(EINVAL)?;
        // SAFETY: the caller's options, which say how long they are.
        let given = unsafe { options::copy(options) }?;
        // SAFETY: the caller's arrays and strings.
        let (options, terms) = unsafe { options::read(&given) }?;
        running(server)?.set_limits(&options);
        *state.terms.lock() = terms;
        Ok(())
    })
}

/// Sets how many allocations a user may have at once, from now on; those that
/// exist stay. It goes before what `pjauth_turn_request_set_quota()` says.
///
/// @param server  The server.
/// @param username  The user's name, terminated.
/// @param quota  Negative to go back to the default.
/// @return 0; PJ_EINVAL for a NULL or dead handle; PJ_EINVALIDOP when the server
///         does not run. A stop forgets it.
///
/// Since 0.1.0.
///
/// # Safety
/// `username` is NULL or terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_turn_server_set_user_quota(
    server: *mut pjauth_turn_server,
    username: *const c_char,
    quota: c_int,
) -> Status {
    guard(|| {
        // SAFETY: the caller's string.
        let user = unsafe { strings::read(username) }?;
        let quota = u32::try_from(quota).ok();
        running(server)?.accounts().set_quota(user, quota);
        Ok(())
    })
}

/// Limits the bytes a second of all the user's allocations together, both
/// directions, from now on.
///
/// @param server  The server.
/// @param username  The user's name, terminated.
/// @param bytes_per_second  PJAUTH_TURN_UNLIMITED lifts the limit.
/// @param burst             Bytes that may pass at once after a pause; a packet
///                          larger than this never passes.
/// @return as `pjauth_turn_server_set_user_quota()`.
///
/// Since 0.1.0.
///
/// # Safety
/// `username` is NULL or terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_turn_server_set_user_rate(
    server: *mut pjauth_turn_server,
    username: *const c_char,
    bytes_per_second: u64,
    burst: u64,
) -> Status {
    guard(|| {
        // SAFETY: the caller's string.
        let user = unsafe { strings::read(username) }?;
        let rate = rate(bytes_per_second, burst);
        let running = running(server)?;
        running.accounts().set_rate(user, rate);
        running.rate_changed();
        Ok(())
    })
}

/// Ends all allocations of a user.
///
/// @param server  The server.
/// @param username  The user's name, terminated.
/// @param count  Gets how many; may be NULL.
/// @return 0; PJ_EINVAL for a NULL or dead handle; PJ_EINVALIDOP when the server
///         does not run.
///
/// Since 0.1.0.
///
/// # Safety
/// `username` is NULL or terminated, `count` is NULL or points to a number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_turn_server_revoke_user(
    server: *mut pjauth_turn_server,
    username: *const c_char,
    count: *mut c_uint,
) -> Status {
    guard(|| {
        // SAFETY: the caller's string.
        let user = unsafe { strings::read(username) }?;
        let revoked = running(server)?.cores().revoke_user(user);
        if !count.is_null() {
            // SAFETY: the caller's number.
            unsafe { count.write(revoked as c_uint) };
        }
        Ok(())
    })
}

/// Changes which peers clients may reach, from now on: `allow` and `deny` replace
/// those of `pjauth_turn_options`. Permissions and channels that the new ones
/// deny end.
///
/// @param server       The server.
/// @param allow        Ranges as there; may be NULL where there are none.
/// @param allow_count  How many.
/// @param deny         Ranges as there; may be NULL where there are none.
/// @param deny_count   How many.
/// @return 0; PJ_EINVAL for a dead handle or what is no range, and nothing is
///         changed then; PJ_EINVALIDOP when the server does not run. A stop
///         forgets it.
///
/// Source: RFC 8656, 9 and 21.3.1. Since 0.1.0.
///
/// # Safety
/// Arrays are as long as their counts say, and their strings terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_turn_server_set_peers(
    server: *mut pjauth_turn_server,
    allow: *const *const c_char,
    allow_count: c_uint,
    deny: *const *const c_char,
    deny_count: c_uint,
) -> Status {
    guard(|| {
        // SAFETY: the caller's arrays.
        let allow = unsafe { arrays::read_ranges(allow, allow_count) }?;
        // SAFETY: likewise.
        let deny = unsafe { arrays::read_ranges(deny, deny_count) }?;
        running(server)?.set_peers(allow, deny);
        Ok(())
    })
}

/// Changes what clients and peers see in place of a relay address: where the
/// address in front of a 1:1 NAT has changed. Relays that exist keep theirs.
///
/// @param server    The server.
/// @param address   A relay address as `pjauth_turn_options` has it; `0.0.0.0` or
///                  `::` also where it has none.
/// @param external  Its external address from now on; NULL for none.
/// @return 0; PJ_EINVAL for a dead handle, a relay address that is not one of the
///         server's, or an external one that is of another family or no host's (a
///         multicast address); PJ_EINVALIDOP when the server does not run. A stop forgets it.
///
/// Since 0.1.0.
///
/// # Safety
/// `address` is terminated, `external` is NULL or terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_turn_server_set_external(
    server: *mut pjauth_turn_server,
    address: *const c_char,
    external: *const c_char,
) -> Status {
    guard(|| {
        let server = running(server)?;
        // SAFETY: the caller's string.
        let at = unsafe { arrays::read_ip(address) }?;
        let external = match external.is_null() {
            true => at,
            // SAFETY: likewise.
            false => unsafe { arrays::read_ip(external) }?,
        };
        let fits = at.is_ipv4() == external.is_ipv4()
            && (is_of_a_host(&external) || at.is_unspecified() && external.is_unspecified());
        match fits && server.set_external(at, external) {
            true => Ok(()),
            false => Err(EINVAL),
        }
    })
}
