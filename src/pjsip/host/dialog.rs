//! Dialogs, as far as the challenges of calls are concerned. Each function here may
//! acquire the dialog's lock, which is recursive.

use super::session::Session;
use super::transaction::Transaction;
use crate::pjsip::abi::{self, pjsip_dialog, pjsip_rx_data};
use crate::pjsip::status::{EINVAL, Status};
use core::ffi::c_void;
use core::mem::offset_of;
use core::ptr::{self, NonNull};

/// A dialog's session, if an application is to be asked about its challenges.
///
/// # Safety
/// The dialog is alive for `'h`.
pub unsafe fn session_of<'h>(dialog: *mut pjsip_dialog) -> Option<Session<'h>> {
    // SAFETY: as the caller promises.
    unsafe { Session::from_raw(&raw const (*dialog).auth_sess) }
}

/// Whether a session is a dialog's own.
///
/// # Safety
/// The dialog's memory is there.
pub unsafe fn is_session_of(session: Session<'_>, dialog: NonNull<pjsip_dialog>) -> bool {
    // SAFETY: as the caller promises; only the address is looked at.
    unsafe { ptr::eq(session.as_ptr(), &raw const (*dialog.as_ptr()).auth_sess) }
}

/// The dialog whose own session this is.
///
/// # Safety
/// [`is_session_of`] said so, and the session has not ended.
pub unsafe fn dialog_around(session: *mut abi::pjsip_auth_clt_sess) -> NonNull<pjsip_dialog> {
    // SAFETY: as the caller promises, so it is a field of a live dialog.
    unsafe { NonNull::new_unchecked(session.byte_sub(offset_of!(pjsip_dialog, auth_sess)).cast()) }
}

/// Has the response know its transaction and its dialog, as it does where PJSIP's
/// own modules ask the application.
///
/// # Safety
/// All three are alive, and the response is this transaction's; without a dialog it
/// is NULL.
pub unsafe fn attach_to_transaction(
    rdata: *mut pjsip_rx_data,
    transaction: Transaction<'_>,
    dialog: *mut pjsip_dialog,
) {
    // SAFETY: as the caller promises; a registered module's number is in range.
    unsafe {
        let slots = &raw mut (*rdata).endpt_info.mod_data;
        for (module, known) in [
            (abi::pjsip_tsx_layer_instance(), transaction.as_ptr().cast()),
            (abi::pjsip_ua_instance(), dialog.cast()),
        ] {
            if let Ok(slot) = usize::try_from((*module).id) {
                (&mut *slots)[slot] = known;
            }
        }
    }
}

/// Keeps a dialog from being destroyed, and with it its session.
///
/// # Safety
/// The dialog is alive.
pub unsafe fn keep_dialog(dialog: *mut pjsip_dialog, module: *mut abi::pjsip_module) -> Status {
    // SAFETY: as the caller promises; the module's name goes to the host's log.
    unsafe { abi::pjsip_dlg_inc_session(dialog, module) }
}

/// Ends what [`keep_dialog`] began, and with it maybe the dialog.
///
/// # Safety
/// The caller keeps the dialog.
pub unsafe fn let_dialog_go(dialog: *mut pjsip_dialog, module: *mut abi::pjsip_module) {
    // SAFETY: as the caller promises.
    unsafe { abi::pjsip_dlg_dec_session(dialog, module) };
}

/// Whether the call in a dialog is over, or the dialog is (NULL): what PJSIP made of a
/// challenge then would be a request of a session that it has freed. Without a call,
/// nothing is over.
///
/// # Safety
/// The dialog's memory is there, and its lock held.
pub unsafe fn is_call_over(dialog: *mut pjsip_dialog) -> bool {
    // SAFETY: as the caller promises.
    dialog.is_null() || unsafe { call_of(dialog) }.is_some_and(is_disconnected)
}

/// Whether the user has hung up a call that was not answered yet.
///
/// # Safety
/// The dialog's memory is there, and its lock held.
pub unsafe fn is_hung_up(dialog: *mut pjsip_dialog) -> bool {
    // SAFETY: as the caller promises.
    let call = unsafe { call_of(dialog) };
    // SAFETY: from `call_of`.
    call.is_some_and(|call| unsafe {
        let call = call.as_ref();
        call.cancelling != 0 && call.state <= abi::PJAUTH_INV_STATE_EARLY
    })
}

/// Whether `user` is the session of a call that the user has hung up before it was answered.
///
/// # Safety
/// The dialog is alive, and locked.
pub unsafe fn is_of_hung_up_call(dialog: NonNull<pjsip_dialog>, user: *const c_void) -> bool {
    // SAFETY: as the caller promises.
    unsafe {
        is_hung_up(dialog.as_ptr())
            && call_of(dialog.as_ptr()).is_some_and(|call| ptr::addr_eq(call.as_ptr(), user))
    }
}

/// Whether `user` is the session of the call in a dialog, and that has ended: with such a
/// session nothing can be sent.
///
/// # Safety
/// The dialog is alive, and locked.
pub unsafe fn is_of_ended_call(dialog: NonNull<pjsip_dialog>, user: *const c_void) -> bool {
    // SAFETY: as the caller promises.
    let call = unsafe { call_of(dialog.as_ptr()) };
    call.is_some_and(|call| ptr::addr_eq(call.as_ptr(), user) && is_disconnected(call))
}

/// Whether `user` is a subscription of a dialog's, and has ended.
///
/// # Safety
/// The dialog is alive, and locked.
pub unsafe fn is_of_ended_subscription(dialog: NonNull<pjsip_dialog>, user: *const c_void) -> bool {
    // SAFETY: as the caller promises.
    unsafe { is_subscription(dialog, user) && is_ended_subscription(user) }
}

/// Before 2.17 nobody says whose session it is: whether a response is for a request that
/// belongs to a call alone, which has ended. Those of subscriptions may go on.
///
/// # Safety
/// `rdata` is a response that the host hands to its modules, under the dialog's lock, or
/// a copy of one.
#[cfg(not(pj_async))]
pub unsafe fn is_for_ended_call(request: super::Request<'_>, rdata: *const pjsip_rx_data) -> bool {
    let of_subscriptions: [&[u8]; 3] = [b"SUBSCRIBE", b"REFER", b"NOTIFY"];
    // SAFETY: as the caller promises.
    unsafe { dialog_of(rdata) }.is_some_and(|dialog| unsafe {
        is_call_over(dialog.as_ptr())
            && !(of_subscriptions.contains(&request.method())
                && known_to(dialog.as_ptr(), b"mod-evsub").is_some())
    })
}

/// The dialog that a response is for, where the transaction layer has seen it.
///
/// # Safety
/// `rdata` is a response that the host hands to its modules, or a copy of one.
#[inline(always)]
pub unsafe fn dialog_of(rdata: *const pjsip_rx_data) -> Option<NonNull<pjsip_dialog>> {
    // SAFETY: as the caller promises; a copy knows no transaction.
    unsafe {
        let slots = &raw const (*rdata).endpt_info.mod_data;
        let slot = usize::try_from((*abi::pjsip_tsx_layer_instance()).id).ok()?;
        NonNull::new(Transaction::from_raw((&*slots)[slot].cast())?.dialog())
    }
}

/// The call in a dialog, as far as we know it: the beginning of PJSIP's structure. It is
/// in the dialog's pool, where it stays readable after its end.
///
/// # Safety
/// The dialog's memory is there, and its lock held.
unsafe fn call_of(dialog: *mut pjsip_dialog) -> Option<NonNull<abi::pjauth_inv_session_head>> {
    // SAFETY: as the caller promises.
    unsafe { known_to(dialog, b"mod-invite") }.map(NonNull::cast)
}

/// What a usage of a dialog's knows of it.
///
/// # Safety
/// The dialog's memory is there, and its lock held.
unsafe fn known_to(dialog: *mut pjsip_dialog, usage: &[u8]) -> Option<NonNull<c_void>> {
    // SAFETY: as the caller promises.
    unsafe {
        let usages = &raw const (*dialog).usage;
        let sessions = &raw const (*dialog).mod_data;
        let count = (*dialog).usage_cnt as usize;
        let usage = (&*usages)
            .iter()
            .take(count)
            .find(|&&module| super::bytes(&(*module).name) == usage)?;
        let slot = usize::try_from((**usage).id).ok()?;
        NonNull::new((&*sessions)[slot])
    }
}

/// Whether `user` is a subscription of a dialog's, as far as we know one. Like a call it
/// stays readable after its end.
///
/// # Safety
/// The dialog is alive, and locked.
pub unsafe fn is_subscription(dialog: NonNull<pjsip_dialog>, user: *const c_void) -> bool {
    // SAFETY: as the caller promises; the usage keeps a closed list.
    unsafe {
        let Some(head) = known_to(dialog.as_ptr(), b"mod-evsub") else {
            return false;
        };
        let head: *mut abi::pjauth_dialog_evsub = head.as_ptr().cast();
        let mut at = (*head).next;
        while !ptr::eq(at, head) {
            if ptr::addr_eq((*at).sub, user) {
                return ptr::eq((*(*at).sub).dlg, dialog.as_ptr());
            }
            at = (*at).next;
        }
        false
    }
}

/// Whether a subscription has ended, of which the application has been told.
///
/// # Safety
/// [`is_subscription`] said that it is one; the memory of its dialog is there.
pub unsafe fn is_ended_subscription(user: *const c_void) -> bool {
    // SAFETY: as the caller promises.
    let state = unsafe { (*user.cast::<abi::pjauth_evsub_head>()).state };
    state == abi::PJAUTH_EVSUB_STATE_TERMINATED
}

fn is_disconnected(call: NonNull<abi::pjauth_inv_session_head>) -> bool {
    // SAFETY: from `call_of`.
    unsafe { call.as_ref() }.state == abi::PJAUTH_INV_STATE_DISCONNECTED
}

/// How many usages a dialog has: modules that are told of its transactions.
///
/// # Safety
/// The dialog is alive.
pub unsafe fn usages_of(dialog: NonNull<pjsip_dialog>) -> u32 {
    // SAFETY: as the caller promises.
    unsafe { dialog.as_ref().usage_cnt }
}

/// Where a module keeps what it knows of a response; `None` before it is registered.
///
/// # Safety
/// `rdata` is a response that the host hands to its modules; `module` is NULL or alive.
pub unsafe fn note_on(
    rdata: *mut pjsip_rx_data,
    module: *const abi::pjsip_module,
) -> Option<NonNull<*mut c_void>> {
    // SAFETY: as the caller promises; a registered module's number is in range.
    unsafe {
        let slot = usize::try_from(module.as_ref()?.id).ok()?;
        let slots = &raw mut (*rdata).endpt_info.mod_data;
        (&mut *slots).get_mut(slot).map(NonNull::from)
    }
}

/// Has a request on its way out be two line ends on the wire, and nothing else: to the
/// peer the sign of a connection that is alive (RFC 5626 section 3.5.1).
///
/// # Safety
/// As for [`dialog_cancelled_by`].
pub unsafe fn send_as_keep_alive(tdata: *mut abi::pjsip_tx_data) -> Result<(), Status> {
    // SAFETY: as the caller promises; what is in the buffer is not printed again.
    unsafe {
        let pool = super::Pool::from_raw((*tdata).pool).ok_or(EINVAL)?;
        let [text] = pool.copy([b"\r\n\r\n"])?;
        let end = text.ptr.add(text.slen as usize);
        ((*tdata).buf.start, (*tdata).buf.cur, (*tdata).buf.end) = (text.ptr, end, end);
    }
    Ok(())
}

/// The dialog whose call a request cancels, if it is a CANCEL that a dialog sends.
///
/// # Safety
/// `tdata` is a request that the host hands to its modules on its way out.
pub unsafe fn dialog_cancelled_by(tdata: *mut abi::pjsip_tx_data) -> Option<NonNull<pjsip_dialog>> {
    // SAFETY: as the caller promises; its transaction is locked by who sends.
    unsafe {
        if (*(*tdata).msg).line.req.method.id != abi::PJSIP_CANCEL_METHOD {
            return None;
        }
        let slots = &raw const (*tdata).mod_data;
        let slot = usize::try_from((*abi::pjsip_tsx_layer_instance()).id).ok()?;
        let transaction = Transaction::from_raw((&*slots)[slot].cast())?;
        NonNull::new(transaction.dialog())
    }
}
