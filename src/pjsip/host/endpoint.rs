//! The endpoint: pools and timers.

use super::pool::Pool;
use crate::pjsip::abi::{self, pjsip_endpoint};
use core::marker::PhantomData;
use core::ptr::NonNull;

/// A SIP endpoint of the host's.
#[derive(Clone, Copy)]
pub struct Endpoint<'h>(NonNull<pjsip_endpoint>, PhantomData<&'h ()>);

impl<'h> Endpoint<'h> {
    /// # Safety
    /// `endpoint` is NULL or lives for `'h`.
    pub unsafe fn from_raw(endpoint: *mut pjsip_endpoint) -> Option<Endpoint<'h>> {
        NonNull::new(endpoint).map(|endpoint| Endpoint(endpoint, PhantomData))
    }

    /// The host's pointer.
    pub fn as_ptr(self) -> *mut pjsip_endpoint {
        self.0.as_ptr()
    }

    /// A pool of its own for what a server made us remember.
    pub fn create_pool(self) -> Option<Pool<'h>> {
        // SAFETY: the endpoint is alive. Creating a pool returns NULL on failure
        // and does not throw: a pool's callback serves allocations only.
        let pool = unsafe {
            abi::pjsip_endpt_create_pool(self.as_ptr(), c"auth_cli%p".as_ptr(), 1024, 1024)
        };
        // SAFETY: fresh from the endpoint, and released by us alone.
        unsafe { Pool::from_raw(pool) }
    }

    /// Releases a pool made by [`Endpoint::create_pool`].
    pub fn release_pool(self, pool: Pool<'h>) {
        // SAFETY: the endpoint is alive and the pool is one of its own.
        unsafe { abi::pjsip_endpt_release_pool(self.as_ptr(), pool.as_ptr()) };
    }
}
