//! A transaction that keeps a message to itself.

use super::transaction::Transaction;
use crate::pjsip::abi::{self, pjsip_transaction, pjsip_tx_data};
use crate::pjsip::status::SUCCESS;
use core::ffi::{c_int, c_void};
use core::ptr;

impl Transaction<'_> {
    /// Has the transaction send its next message to nobody: the ACK that it makes of a
    /// response which has been acknowledged (one for each: RFC 3261 section 17.1.1.3).
    /// Without memory it is sent all the same.
    ///
    /// # Safety
    /// The lock is held.
    pub unsafe fn mute_once(self) {
        let transaction = self.as_ptr();
        // SAFETY: as the caller promises. A copy of the transport, but for what sends, is
        // used in its place under the lock, and shares its counters and locks; it is in
        // the transaction's pool, so it stays for as long as that.
        unsafe {
            let real = (*transaction).transport;
            let room = super::Pool::from_raw((*transaction).pool)
                .and_then(|pool| pool.allocate(size_of::<Mute>()).ok());
            if let Some(room) = room.filter(|_| !real.is_null()) {
                let mute = room.cast::<Mute>().as_ptr();
                ptr::copy_nonoverlapping(real, &raw mut (*mute).transport, 1);
                (*mute).transport.send_msg = Some(send_to_nobody);
                (*mute).real = real;
                (*mute).transaction = transaction;
                (*transaction).transport = &raw mut (*mute).transport;
            }
        }
    }

    /// Ends what [`Transaction::mute_once`] began, if nothing was sent.
    ///
    /// # Safety
    /// The lock is held.
    pub unsafe fn unmute(self) {
        let transaction = self.as_ptr();
        // SAFETY: as the caller promises; a transport of ours is known by its function.
        unsafe {
            let transport = (*transaction).transport;
            let is_ours = !transport.is_null()
                && (*transport)
                    .send_msg
                    .is_some_and(|send| core::ptr::fn_addr_eq(send, send_to_nobody as SendMessage));
            if is_ours {
                (*transaction).transport = (*transport.cast::<Mute>()).real;
            }
        }
    }
}

/// A transport that sends nothing, once, and the transaction that has it for that long.
#[repr(C)]
struct Mute {
    transport: abi::pjsip_transport,
    real: *mut abi::pjsip_transport,
    transaction: *mut pjsip_transaction,
}

type SendMessage = unsafe extern "C-unwind" fn(
    *mut abi::pjsip_transport,
    *mut pjsip_tx_data,
    *const c_void,
    c_int,
    *mut c_void,
    abi::pjsip_transport_callback,
) -> abi::pj_status_t;

unsafe extern "C-unwind" fn send_to_nobody(
    transport: *mut abi::pjsip_transport,
    tdata: *mut pjsip_tx_data,
    _address: *const c_void,
    _length: c_int,
    _token: *mut c_void,
    _callback: abi::pjsip_transport_callback,
) -> abi::pj_status_t {
    // SAFETY: called with what `mute_once` made, under the transaction's lock.
    unsafe {
        let mute = transport.cast::<Mute>();
        (*(*mute).transaction).transport = (*mute).real;
        (*tdata).tp_info.transport = (*mute).real;
    }
    SUCCESS
}
