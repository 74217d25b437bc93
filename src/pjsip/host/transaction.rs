//! Client transactions of the dialog layer, seen from below.
//!
//! Everything here calls into the host, which may throw and call out: none of it
//! runs inside the panic barrier or with a lock of ours held. A transaction's group
//! lock is the host's, recursive, and the one under which it runs its own callbacks.

use super::message::Response;
use super::session::Session;
use crate::pjsip::abi::{
    self, pjsip_dialog, pjsip_endpoint, pjsip_method, pjsip_rx_data, pjsip_transaction,
    pjsip_tx_data,
};
use crate::pjsip::status::{EPENDING, SUCCESS};
use core::ffi::c_int;
use core::marker::PhantomData;
use core::ptr::{self, NonNull};
use core::time::Duration;

/// The status of a request that was cancelled.
const REQUEST_TERMINATED: c_int = 487;

/// Between two tries to get two locks.
const RETRY: Duration = Duration::from_millis(1);

/// What [`Transaction::acquire`] acquired beside the transaction's lock, or NULL.
#[must_use]
pub struct Acquired(*mut abi::pj_grp_lock_t);

/// A transaction that somebody here has a reference of.
#[derive(Clone, Copy)]
pub struct Transaction<'h>(NonNull<pjsip_transaction>, PhantomData<&'h ()>);

impl<'h> Transaction<'h> {
    /// The client transaction that a response is for, with one more reference of
    /// its group lock, which is the caller's.
    ///
    /// # Safety
    /// `rdata` is a response that the host hands to its modules.
    pub unsafe fn of(rdata: *mut pjsip_rx_data) -> Option<Transaction<'h>> {
        // SAFETY: the host checked that the response has a Via and a CSeq.
        let transaction = unsafe {
            let mut key = super::Text::EMPTY;
            let pool = (*rdata).tp_info.pool;
            let method = &raw const (*(*rdata).msg_info.cseq).method;
            let status =
                abi::pjsip_tsx_create_key(pool, &mut key, abi::PJSIP_ROLE_UAC, method, rdata);
            if status != SUCCESS {
                return None;
            }
            abi::pjsip_tsx_layer_find_tsx2(&key, 1)
        };
        NonNull::new(transaction).map(|transaction| Transaction(transaction, PhantomData))
    }

    /// Ends the transaction of the CANCEL, if there is one, of the INVITE that a response
    /// is for: what it waits for will not come.
    ///
    /// # Safety
    /// `rdata` is such a response, or a copy; nothing is held.
    pub unsafe fn end_cancel(rdata: *mut pjsip_rx_data) {
        let cancel = pjsip_method {
            id: abi::PJSIP_CANCEL_METHOD,
            name: super::Text::from_static(b"CANCEL"),
        };
        // SAFETY: as the caller promises; the reference is this function's own.
        unsafe {
            let mut key = super::Text::EMPTY;
            let pool = (*rdata).tp_info.pool;
            let role = abi::PJSIP_ROLE_UAC;
            if abi::pjsip_tsx_create_key(pool, &mut key, role, &cancel, rdata) != SUCCESS {
                return;
            }
            let found = abi::pjsip_tsx_layer_find_tsx2(&key, 1);
            if let Some(transaction) = Transaction::from_raw(found) {
                abi::pjsip_tsx_terminate(found, REQUEST_TERMINATED);
                transaction.drop_reference();
            }
        }
    }

    /// # Safety
    /// NULL, or a transaction that lives for `'h`.
    pub unsafe fn from_raw(transaction: *mut pjsip_transaction) -> Option<Transaction<'h>> {
        NonNull::new(transaction).map(|transaction| Transaction(transaction, PhantomData))
    }

    /// The host's pointer.
    pub fn as_ptr(self) -> *mut pjsip_transaction {
        self.0.as_ptr()
    }

    /// Its address, as the table of held challenges has it.
    pub fn addr(self) -> usize {
        self.0.as_ptr().addr()
    }

    /// The endpoint it lives in.
    pub fn endpoint(self) -> *mut pjsip_endpoint {
        // SAFETY: a live transaction.
        unsafe { (*self.as_ptr()).endpt }
    }

    /// What its timers, its callbacks and its memory depend on.
    pub fn group_lock(self) -> *mut abi::pj_grp_lock_t {
        // SAFETY: a live transaction.
        unsafe { (*self.as_ptr()).grp_lock }
    }

    /// Takes one more reference.
    pub fn add_reference(self) {
        // SAFETY: a live transaction's lock.
        unsafe { abi::pj_grp_lock_add_ref(self.group_lock()) };
    }

    /// Drops a reference.
    ///
    /// # Safety
    /// The caller owns that reference.
    pub unsafe fn drop_reference(self) {
        // SAFETY: as the caller promises.
        unsafe { super::drop_group_lock(self.group_lock()) };
    }

    /// Acquires the group lock, and the dialog's as long as the transaction is open.
    ///
    /// From 2.17 on the first goes with the second. Before, PJSIP takes the two in
    /// either order: what is needed to wait for one is not to have the other.
    pub fn acquire(self) -> Acquired {
        loop {
            // SAFETY: a live transaction's lock. An open transaction keeps its dialog,
            // and the reference that lock beyond it.
            unsafe {
                abi::pj_grp_lock_acquire(self.group_lock());
                let lock = self.dialog_lock();
                if lock.is_null() {
                    return Acquired(lock);
                }
                if abi::pj_grp_lock_tryacquire(lock) == SUCCESS {
                    abi::pj_grp_lock_add_ref(lock);
                    return Acquired(lock);
                }
                abi::pj_grp_lock_release(self.group_lock());
            }
            std::thread::sleep(RETRY);
        }
    }

    /// Releases what [`Transaction::acquire`] acquired.
    pub fn release(self, acquired: Acquired) {
        // SAFETY: this thread holds both; the reference is the one taken then.
        unsafe {
            if !acquired.0.is_null() {
                abi::pj_grp_lock_release(acquired.0);
                abi::pj_grp_lock_dec_ref(acquired.0);
            }
            abi::pj_grp_lock_release(self.group_lock());
        }
    }

    fn dialog_lock(self) -> *mut abi::pj_grp_lock_t {
        let dialog = self.dialog();
        if dialog.is_null() || !self.is_open() {
            return ptr::null_mut();
        }
        // SAFETY: an open transaction keeps its dialog.
        unsafe { (*dialog).grp_lock_ }
    }

    /// The method.
    fn method(self) -> &'h pjsip_method {
        // SAFETY: does not change while the transaction lives.
        unsafe { &(*self.as_ptr()).method }
    }

    /// Whether the request is an INVITE.
    pub fn is_invite(self) -> bool {
        self.method().id == abi::PJSIP_INVITE_METHOD
    }

    /// Whether the request is of the call alone, and of no use once the user hung up: an
    /// INVITE, an UPDATE or a PRACK.
    pub fn is_for_the_call(self) -> bool {
        // SAFETY: the method's own name.
        let name = unsafe { super::bytes(&self.method().name) };
        self.is_invite() || name == b"UPDATE" || name == b"PRACK"
    }

    /// Whether the request is a CANCEL or a BYE.
    pub fn ends_a_call(self) -> bool {
        let method = self.method().id;
        method == abi::PJSIP_CANCEL_METHOD || method == abi::PJSIP_BYE_METHOD
    }

    /// Whether it is one of the methods that are held: those whose calls PJSIP
    /// ends, or whose sessions it forgets, while a challenge waits. The modules see
    /// to the others.
    #[cfg(pj_async)]
    pub fn is_held_back(self) -> bool {
        let method = self.method();
        // SAFETY: the method's own name.
        let name = unsafe { super::bytes(&method.name) };
        self.is_invite() || method.id == abi::PJSIP_BYE_METHOD || name == b"UPDATE"
    }

    /// Before 2.17 no module sees to any of them.
    #[cfg(not(pj_async))]
    pub fn is_held_back(self) -> bool {
        self.method().id != abi::PJSIP_CANCEL_METHOD
    }

    /// The session that its challenges are answered from: that of the dialog, or
    /// before 2.17 the one that prepared the request.
    pub fn session(self) -> Option<Session<'h>> {
        let dialog = self.dialog();
        if !dialog.is_null() {
            // SAFETY: the dialog is alive as long as the lock is held.
            return unsafe { super::session_of(dialog) };
        }
        #[cfg(not(pj_async))]
        // SAFETY: a live transaction; PJSIP's modules keep a session for as long as
        // it has a transaction, and deinitialise it after.
        unsafe {
            let endpoint = super::Endpoint::from_raw(self.endpoint())?;
            super::session_of_request(self.request(), endpoint)
        }
        #[cfg(pj_async)]
        None
    }

    /// Whether a dialog has sent the request.
    pub fn is_of_a_dialog(self) -> bool {
        // SAFETY: a live transaction.
        unsafe { (*self.as_ptr()).tsx_user == abi::pjsip_ua_instance() }
    }

    /// Whether a final response is still to come. To be asked with the lock held.
    pub fn is_open(self) -> bool {
        // SAFETY: a live transaction, locked.
        let state = unsafe { (*self.as_ptr()).state };
        state == abi::PJSIP_TSX_STATE_CALLING || state == abi::PJSIP_TSX_STATE_PROCEEDING
    }

    /// The dialog the request was sent in. It is alive while the lock is held, and
    /// its memory for as long as the transaction's.
    pub fn dialog(self) -> *mut pjsip_dialog {
        if !self.is_of_a_dialog() {
            return ptr::null_mut();
        }
        // SAFETY: a live transaction, whose slot is the user agent's to read.
        unsafe { abi::pjsip_tsx_get_dlg(self.as_ptr()) }
    }

    /// The request, NULL after the end.
    pub fn request(self) -> *mut pjsip_tx_data {
        // SAFETY: a live transaction, locked.
        unsafe { (*self.as_ptr()).last_tx }
    }

    /// Has the transaction wait for as long as it takes: an INVITE is told that
    /// the peer is at work on it (`response` with another status for the moment),
    /// as for that its own rules stop the timers; of others the timers are stopped.
    ///
    /// # Safety
    /// The lock is held, the transaction open, `rdata` the response it waits for.
    pub unsafe fn wait(self, rdata: *mut pjsip_rx_data) {
        if !self.is_invite() {
            self.stop_timers();
            return;
        }
        // SAFETY: the lock is held; the message is the caller's to change.
        unsafe {
            if (*self.as_ptr()).state != abi::PJSIP_TSX_STATE_CALLING {
                return;
            }
            let line = &raw mut (*(*rdata).msg_info.msg).line.status;
            let (code, reason) = ((*line).code, (*line).reason);
            (*line).code = 100;
            (*line).reason = super::Text::from_static(b"Trying");
            abi::pjsip_tsx_recv_msg(self.as_ptr(), rdata);
            (*line).code = code;
            (*line).reason = reason;
        }
    }

    /// Stops retransmissions and the timeout. To be called with the lock held.
    pub fn stop_timers(self) {
        let transaction = self.as_ptr();
        // SAFETY: the lock is held; the second mutex is what the transaction layer
        // guards its timers with. An identity of 0 is its word for a stopped timer.
        unsafe {
            let heap = abi::pjsip_endpt_get_timer_heap(self.endpoint());
            abi::pj_mutex_lock((*transaction).mutex_b);
            for timer in [
                &raw mut (*transaction).retransmit_timer,
                &raw mut (*transaction).timeout_timer,
            ] {
                abi::pj_timer_heap_cancel_if_active(heap, timer, 0);
            }
            abi::pj_mutex_unlock((*transaction).mutex_b);
        }
    }

    /// Sends an ACK to where the INVITE went. Returns whether it is on its way.
    ///
    /// # Safety
    /// The lock is held; `ack` is alive, or NULL.
    pub unsafe fn acknowledge(self, ack: *mut pjsip_tx_data) -> bool {
        let transaction = self.as_ptr();
        // SAFETY: as the caller promises. The transport has a reference of the
        // transaction's. A lost ACK is asked for again.
        unsafe {
            if ack.is_null() || (*ack).is_pending != 0 || (*transaction).transport.is_null() {
                return false;
            }
            let status = abi::pjsip_transport_send(
                (*transaction).transport,
                ack,
                (&raw const (*transaction).addr).cast(),
                (*transaction).addr_len,
                ptr::null_mut(),
                None,
            );
            status == SUCCESS || status == EPENDING
        }
    }

    /// Hands the response to the transaction, which tells its user.
    ///
    /// # Safety
    /// The lock is held, the transaction open; `rdata` is its response.
    pub unsafe fn receive(self, rdata: *mut pjsip_rx_data) {
        // SAFETY: as the caller promises.
        unsafe { abi::pjsip_tsx_recv_msg(self.as_ptr(), rdata) };
    }

    /// The same transaction, for as long as somebody keeps a reference of it.
    ///
    /// # Safety
    /// The caller owns a reference for as long as the result is used.
    pub unsafe fn kept(self) -> Transaction<'static> {
        Transaction(self.0, PhantomData)
    }
}

/// The status code of a response.
///
/// # Safety
/// `rdata` is a message that the host hands to its modules.
pub unsafe fn code_of(rdata: *mut pjsip_rx_data) -> Option<i32> {
    // SAFETY: as the caller promises.
    unsafe { Response::from_raw(rdata) }.and_then(Response::code)
}
