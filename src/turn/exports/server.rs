//! A server's life.

use core::ffi::{c_char, c_int, c_uint, c_void};
use std::sync::Arc;

use crate::handle::Handle;
use crate::turn::driver::{self, Level, StartError};
use crate::turn::state::five_tuple::{Listener, Transport};
use crate::turn::status::{self, EINVAL, EINVALIDOP, ETOOMANY, Status};

use super::engine::Engine;
use super::observer::{Caller, ObserverPointer, ServerState};
use super::options::{self};
use super::options_types::pjauth_turn_options;
use super::types::{
    PJAUTH_TURN_TCP, PJAUTH_TURN_TLS, PJAUTH_TURN_UDP, pjauth_turn_observer, pjauth_turn_server,
};
use super::{SERVERS, guard, handle, pointer, server_of, strings, tls, value};

/// Makes a server that does not run yet.
///
/// @param options   Its options, copied.
/// @param observer  Who decides. Must live until `pjauth_turn_server_destroy()`
///                  has returned.
/// @param server    Gets the handle.
/// @return 0; PJ_EINVAL for a NULL, an observer whose table lacks a function, or
///         an option without sense, of which `pjauth_turn_server_start()` finds
///         some only then. The log says which.
///
/// Since 0.1.0.
///
/// # Safety
/// Strings are terminated and arrays as long as their counts say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_turn_server_create(
    options: *const pjauth_turn_options,
    observer: *mut pjauth_turn_observer,
    server: *mut *mut pjauth_turn_server,
) -> Status {
    if options.is_null() || observer.is_null() || server.is_null() {
        return EINVAL;
    }
    guard(|| {
        // SAFETY: the caller's options, which say how long they are.
        let given = unsafe { options::copy(options) }?;
        // SAFETY: the caller's arrays and strings.
        let (options, terms) = unsafe { options::read(&given) }?;
        // SAFETY: the caller keeps it alive until destroy has returned.
        let observer = unsafe { ObserverPointer::new(observer) }?;
        let on_peer = options::on_peer(&given);
        let state = ServerState::new(options, terms, on_peer, observer);
        // SAFETY: the caller's pointer.
        unsafe { server.write(pointer(lend(&state)?)) };
        Ok(())
    })
}

/// Binds the listeners and starts the workers. A server that has been stopped
/// can be started again.
///
/// From then on the server is this process's. In a child of `fork()` its handle
/// and those of its requests and allocations are dead: every call says so at
/// once, and the parent's server goes on. A server that was not started before
/// can be started there.
///
/// @return 0; PJ_EINVAL for a dead handle or options that contradict each
///         other; PJ_EINVALIDOP while it runs; PJ_ENOTSUP for a TLS listener where the
///         library was built without TLS; the system's error, as PJLIB's
///         PJ_STATUS_FROM_OS gives it, where it refuses. The log says more.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn pjauth_turn_server_start(server: *mut pjauth_turn_server) -> Status {
    guard(|| {
        let state = server_of(server).ok_or(EINVAL)?;
        let mut running = state.running.write();
        // A destroy that took the handle meanwhile may have looked already for
        // what runs; one that takes it from now on waits for the lock.
        server_of(server).ok_or(EINVAL)?;
        match running.as_deref() {
            Some(Engine::Threads(server)) if server.has_ended() => {}
            None => {}
            // It runs, or the application drives it.
            Some(_) => return Err(EINVALIDOP),
        }
        state.claim();
        *state.terms.lock() = state.first_terms.clone();
        let observer = |_| Box::new(Caller::new(state.clone())) as Box<dyn driver::Observer>;
        let started = driver::Server::start(&state.options, observer);
        let started = started.map(|started| *running = Some(Arc::new(Engine::Threads(started))));
        // The log is the application's, which may ask about the server there.
        drop(running);
        state.remember(&started);
        started.map_err(|error| {
            state.log(Level::Error, &format!("cannot start: {error}"));
            match &error {
                StartError::Tls(error) => tls::status_of(error),
                _ => error.system().map_or(EINVAL, status::of_system),
            }
        })
    })
}

/// Writes why the last `pjauth_turn_server_start()` or
/// `pjauth_turn_server_set_certificates()` failed: which listener or option, at which
/// address, and what the system says, such as `cannot listen on
/// UDP 192.0.2.1:3478: Address already in use (os error 98)`.
///
/// @param server  The server.
/// @param out   Gets the text.
/// @param size  Room in `out`.
/// @return the length of the text; 0 where none failed or the last one did not.
///
/// Since 0.1.0.
///
/// # Safety
/// `out` is NULL or has room for `size`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_turn_server_error(
    server: *const pjauth_turn_server,
    out: *mut c_char,
    size: usize,
) -> usize {
    value(0, || {
        let state = server_of(server);
        let refused = state.map(|state| state.refused.lock().clone());
        // SAFETY: the caller's room.
        unsafe { strings::write(&refused.unwrap_or_default(), out, size) }
    })
}

/// Ends every allocation and every worker, and closes all sockets. When it
/// returns, the observer has been told of all removals, and requests that
/// waited are dead. Called from a function of the observer's, it returns at once
/// and all that follows. A server that does not run is left alone.
///
/// @return 0, or PJ_EINVAL for a dead handle.
///
/// Hold no lock here that the observer's functions take.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn pjauth_turn_server_stop(server: *mut pjauth_turn_server) -> Status {
    guard(|| {
        let state = server_of(server).ok_or(EINVAL)?;
        if let Some(running) = state.running() {
            running.stop();
        }
        Ok(())
    })
}

/// Stops a server and kills its handle. When it returns, the observer will not
/// be called again.
///
/// @return 0; PJ_EINVAL for a dead handle; PJ_EINVALIDOP from a function of the
///         observer's, which nobody could outlive: nothing is done then.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn pjauth_turn_server_destroy(server: *mut pjauth_turn_server) -> Status {
    guard(|| {
        let state = server_of(server).ok_or(EINVAL)?;
        if let Some(running) = state.running() {
            if running.is_inside() {
                return Err(EINVALIDOP);
            }
            running.stop();
        }
        let taken = handle(server).and_then(|handle| SERVERS.take(handle));
        // The observer keeps the state, which keeps the server; and another
        // thread may have started it again.
        let last = state.running.write().take();
        if let Some(running) = last {
            running.stop();
        }
        taken.map(drop).ok_or(EINVAL)
    })
}

/// Forgets the observer, for one that cannot wait for the server's end. When this
/// returns, none of its functions runs on another thread, and none is called
/// again: allocations come to no one's notice, and requests are refused with 401.
/// Those that wait can still be decided. Stop and destroy the server all the
/// same.
///
/// @param server  The server.
/// @return 0, or PJ_EINVAL for a dead handle.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn pjauth_turn_server_forget_observer(server: *mut pjauth_turn_server) -> Status {
    guard(|| {
        server_of(server).ok_or(EINVAL)?.observer.forget();
        Ok(())
    })
}

/// Writes where clients reach the server: an address with the port that was
/// bound. Listeners of wildcard addresses appear as one for each address.
///
/// @param server  The server.
/// @param index      From 0 on.
/// @param transport  Gets PJAUTH_TURN_UDP, _TCP or _TLS; may be NULL.
/// @param out        Gets the text.
/// @param size       Room in `out`.
/// @return the length of the text; 0 where there is no such listener.
///
/// Since 0.1.0.
///
/// # Safety
/// `transport` is NULL or points to an int, `out` is NULL or has room for `size`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_turn_server_listener(
    server: *const pjauth_turn_server,
    index: c_uint,
    transport: *mut c_int,
    out: *mut c_char,
    size: usize,
) -> usize {
    value(0, || {
        let listener = listener(server, index);
        let found = listener.map(|found| found.address.to_string());
        if let Some(listener) = listener.filter(|_| !transport.is_null()) {
            // SAFETY: the caller's int.
            unsafe { transport.write(transport_number(listener.transport)) };
        }
        // SAFETY: the caller's room.
        unsafe { strings::write(&found.unwrap_or_default(), out, size) }
    })
}

fn listener(server: *const pjauth_turn_server, index: c_uint) -> Option<Listener> {
    let running = server_of(server)?.running()?;
    running.listeners().get(index as usize).copied()
}

pub fn transport_number(transport: Transport) -> c_int {
    match transport {
        Transport::Udp => PJAUTH_TURN_UDP,
        Transport::Tcp => PJAUTH_TURN_TCP,
        Transport::Tls => PJAUTH_TURN_TLS,
    }
}

/// Keeps a pointer for the application.
///
/// @return 0, or PJ_EINVAL for a dead handle.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn pjauth_turn_server_set_user_data(
    server: *mut pjauth_turn_server,
    user_data: *mut c_void,
) -> Status {
    guard(|| {
        server_of(server).ok_or(EINVAL)?.user_data.set(user_data);
        Ok(())
    })
}

/// @return the pointer kept; NULL without one or for a dead handle.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn pjauth_turn_server_user_data(server: *const pjauth_turn_server) -> *mut c_void {
    let state = server_of(server);
    state.map_or(core::ptr::null_mut(), |state| state.user_data.get())
}

/// Makes the handle of a server.
pub fn lend(state: &Arc<ServerState>) -> Result<Handle, Status> {
    let minted = SERVERS.mint(0, 0, state.clone()).ok_or(ETOOMANY)?;
    // Set once, here.
    let _ = state.handle.set(minted);
    Ok(minted)
}

/// The running server behind a handle.
pub fn running(server: *const pjauth_turn_server) -> Result<Arc<Engine>, Status> {
    let state = server_of(server).ok_or(EINVAL)?;
    let running = state.running().filter(|running| !running.has_ended());
    running.ok_or(EINVALIDOP)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::turn::core::action::Grant;
    use crate::turn::driver::Options;
    use crate::turn::exports::peers::PeerFunctions;

    #[test]
    fn a_start_that_meets_a_destroy_starts_nothing() {
        let mut options = Options::default();
        options.listeners.push(Listener {
            transport: Transport::Udp,
            address: "127.0.0.1:0".parse().unwrap(),
        });
        // No client comes, so nobody calls what the table names.
        let table = [core::ptr::NonNull::<c_void>::dangling(); 3];
        let vtable = core::ptr::from_ref(&table).cast();
        let mut observer = pjauth_turn_observer { vtable };
        // SAFETY: it outlives the server, which never runs.
        let observer = unsafe { ObserverPointer::new(&mut observer) }.unwrap();
        let state = ServerState::new(
            options,
            Grant::default(),
            PeerFunctions::default(),
            observer,
        );
        let minted = lend(&state).unwrap();
        let lock = state.running.write();
        let start = thread::spawn(move || pjauth_turn_server_start(pointer(minted)));
        // Time to look the handle up, and to wait for the lock.
        thread::sleep(std::time::Duration::from_millis(100));
        // What destroy does.
        assert!(SERVERS.take(minted).is_some());
        drop(lock);
        assert_eq!(start.join().unwrap(), EINVAL);
        assert!(state.running().is_none());
    }
}
