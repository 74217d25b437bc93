//! The exported functions of the TURN half, `pjauth_turn_*`.
//!
//! Each checks its arguments, looks up the handle, and says in a few lines what
//! is done; what is done is in the driver ([`driver`](super::driver)) and the
//! core. Nothing here is dereferenced that the caller did not give as a
//! pointer to something of its own: servers, requests and allocations are
//! handles, and anything else in their place is `PJ_EINVAL`.

mod allocation;
mod arrays;
mod attribute;
mod call;
mod embedded;
mod embedded_types;
mod embedder;
mod engine;
mod grant;
mod logger;
mod metrics;
mod observer;
mod options;
mod options_types;
mod outputs;
mod peers;
mod request;
mod rest;
mod running;
mod server;
mod strings;
mod tls;
mod types;

use core::ffi::c_void;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, Ordering::Relaxed};

use crate::handle::{ArcCell, Handle, Kind, Slab};

use super::driver::panics;
use super::status::{EBUG, Status};
use attribute::AttributeState;
use observer::{AllocationState, RequestState, ServerState};

static SERVERS: Slab<ArcCell<ServerState>> = Slab::new(Kind::TURN_SERVER);
static REQUESTS: Slab<ArcCell<RequestState>> = Slab::new(Kind::TURN_REQUEST);
static ALLOCATIONS: Slab<ArcCell<AllocationState>> = Slab::new(Kind::TURN_ALLOCATION);
static ATTRIBUTES: Slab<ArcCell<AttributeState>> = Slab::new(Kind::TURN_ATTRIBUTE);

/// The panic barrier of a function that returns a status.
fn guard(f: impl FnOnce() -> Result<(), Status>) -> Status {
    super::status::of(panics::catch(f).unwrap_or(Err(EBUG)))
}

/// The panic barrier of a function that returns a value: `otherwise` after a
/// panic.
fn value<T>(otherwise: T, f: impl FnOnce() -> T) -> T {
    panics::catch(f).unwrap_or(otherwise)
}

/// Writes as much of a structure as the program, which may know a shorter one, has
/// room for; a longer one's end is zeroed.
///
/// # Safety
/// There are `size` bytes to write at `out`.
unsafe fn fill<T>(out: *mut u8, size: usize, value: &T) {
    let known = size.min(size_of::<T>());
    // SAFETY: as the caller promises; what is copied is the structure's own bytes.
    unsafe {
        out.copy_from_nonoverlapping(core::ptr::from_ref(value).cast(), known);
        out.add(known).write_bytes(0, size - known);
    }
}

/// The handle that a pointer claims to be.
fn handle<T>(pointer: *const T) -> Option<Handle> {
    Handle::from_bits(pointer as u64)
}

/// The pointer that a handle is lent as.
fn pointer<T>(handle: Handle) -> *mut T {
    handle.bits() as *mut T
}

fn server_of(pointer: *const types::pjauth_turn_server) -> Option<Arc<ServerState>> {
    SERVERS
        .get(handle(pointer)?)
        .filter(|server| server.is_ours())
}

fn request_of(pointer: *const types::pjauth_turn_request) -> Option<Arc<RequestState>> {
    let request = REQUESTS.get(handle(pointer)?);
    request.filter(|request| request.server.is_ours())
}

fn allocation_of(pointer: *const types::pjauth_turn_allocation) -> Option<Arc<AllocationState>> {
    let allocation = ALLOCATIONS.get(handle(pointer)?);
    allocation.filter(|allocation| allocation.server.is_ours())
}

/// A pointer of the application's, kept for it and never looked behind.
#[derive(Debug, Default)]
struct UserData(AtomicPtr<c_void>);

impl UserData {
    fn set(&self, data: *mut c_void) {
        self.0.store(data, Relaxed);
    }

    fn get(&self) -> *mut c_void {
        self.0.load(Relaxed)
    }
}
