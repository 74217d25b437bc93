//! Figures of a whole server: counters, also as Prometheus wants them.

use core::ffi::{c_char, c_int};
use std::borrow::Cow;
use std::fmt::Write;

use crate::turn::core::counters::{Counters, Metric, pjauth_turn_counters};
use crate::turn::status::{EINVAL, Status};

use super::types::pjauth_turn_server;
use super::{fill, guard, server_of, strings, value};

/// Reads the counters.
///
/// @param server  The server.
/// @param out  Gets them.
/// @param size  `sizeof(pjauth_turn_counters)` as the program sees it: the structure may
///              grow at its end. What it has beyond the library's is zeroed.
/// @return 0, or PJ_EINVAL for a NULL, a size of 0 or a dead handle.
///
/// Since 0.1.0.
///
/// # Safety
/// `out` is NULL or has room for `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_turn_server_get_counters(
    server: *const pjauth_turn_server,
    out: *mut pjauth_turn_counters,
    size: usize,
) -> Status {
    guard(|| {
        let totals = totals(server).filter(|_| !out.is_null() && size > 0);
        // SAFETY: the caller's room.
        unsafe { fill(out.cast(), size, &totals.ok_or(EINVAL)?.to_c()) };
        Ok(())
    })
}

/// Writes the counters in Prometheus' text format: metrics `pjauth_turn_*`. Error responses
/// are there by their code too, with the label `code`.
///
/// @param server  The server.
/// @param out   Gets the text.
/// @param size  Room in `out`.
/// @return the length of the text, about 7000; 0 for a dead handle.
///
/// Since 0.1.0.
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

/// Writes whether ChannelData is relayed in the kernel (option `kernel`), and where: the
/// names of the interfaces, as `eth0, eth1`; or why it is not, at all or at one that was
/// asked for.
///
/// @param server  The server.
/// @param on    Gets 1 where it is at least at one interface, and 0 elsewhere; may be NULL.
/// @param out   Gets the text.
/// @param size  Room in `out`.
/// @return the length of the text; 0 where nothing was asked for, for a server that does
///         not run, and for a dead handle.
///
/// Since 0.1.0.
///
/// # Safety
/// `on` is NULL or points to an int, `out` is NULL or has room for `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_turn_server_kernel_status(
    server: *const pjauth_turn_server,
    on: *mut c_int,
    out: *mut c_char,
    size: usize,
) -> usize {
    value(0, || {
        let running = server_of(server).and_then(|state| state.running());
        let status = running.map(|running| running.kernel_status());
        let status = status.unwrap_or_default();
        if !on.is_null() {
            // SAFETY: the caller's int.
            unsafe { on.write((!status.interfaces.is_empty()).into()) };
        }
        // SAFETY: the caller's room.
        unsafe { strings::write(&status.to_string(), out, size) }
    })
}

/// Reads one counter by its name, also one that `pjauth_turn_counters` does not
/// have.
///
/// @param server  The server.
/// @param name  As `pjauth_turn_server_metrics()` writes it, without
///              `pjauth_turn_`: "requests_total", "allocations", and with its label,
///              as in `error_responses_total{code="486"}`.
/// @param out   Gets it.
/// @return 0; PJ_EINVAL for a NULL, a dead handle or a name that no counter has.
///
/// May be called from any thread. Since 0.1.
///
/// # Safety
/// `name` is NULL or terminated; `out` is NULL or points to a number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_turn_server_counter(
    server: *const pjauth_turn_server,
    name: *const c_char,
    out: *mut u64,
) -> Status {
    guard(|| {
        // SAFETY: the caller's string.
        let name = unsafe { strings::read(name) }?;
        let totals = totals(server).filter(|_| !out.is_null()).ok_or(EINVAL)?;
        let found = totals.each().find(|metric| full_name(metric) == name);
        // SAFETY: the caller's number.
        unsafe { out.write(found.ok_or(EINVAL)?.value) };
        Ok(())
    })
}

fn totals(server: *const pjauth_turn_server) -> Option<Counters> {
    let state = server_of(server)?;
    let running = state.running();
    Some(running.map(|server| server.totals()).unwrap_or_default())
}

/// With its label.
fn full_name(metric: &Metric) -> Cow<'static, str> {
    match metric.code {
        None => metric.name.into(),
        Some(code) => format!("{}{{code=\"{code}\"}}", metric.name).into(),
    }
}

fn prometheus(totals: &Counters) -> String {
    let mut text = String::new();
    let mut before = "";
    for metric in totals.each() {
        let Metric {
            name, kind, help, ..
        } = metric;
        // Writing to a string cannot fail.
        if name != before {
            let _ = write!(
                text,
                "# HELP pjauth_turn_{name} {help}\n# TYPE pjauth_turn_{name} {kind}\n"
            );
        }
        before = name;
        let _ = writeln!(text, "pjauth_turn_{} {}", full_name(&metric), metric.value);
    }
    text
}
