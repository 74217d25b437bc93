//! Dialogs, as far as the challenges of calls are concerned. Each function here may
//! acquire the dialog's lock, which is recursive.

use super::session::Session;
use super::transaction::Transaction;
use crate::pjsip::abi::{self, pjsip_dialog, pjsip_rx_data};
use crate::pjsip::status::Status;

/// A dialog's session, if an application is to be asked about its challenges.
///
/// # Safety
/// The dialog is alive for `'h`.
pub unsafe fn session_of<'h>(dialog: *mut pjsip_dialog) -> Option<Session<'h>> {
    // SAFETY: as the caller promises.
    unsafe { Session::from_raw(&raw const (*dialog).auth_sess) }
}

/// Has the response know its transaction and its dialog, as it does where PJSIP's
/// own modules ask the application.
///
/// # Safety
/// All three are alive, and the response is this transaction's; without a dialog it
/// is NULL.
pub unsafe fn introduce(
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
    if dialog.is_null() {
        return true;
    }
    // SAFETY: as the caller promises. The session is in the dialog's pool, where it
    // stays readable after its end.
    unsafe {
        let usages = &raw const (*dialog).usage;
        let count = (*dialog).usage_cnt as usize;
        (&*usages).iter().take(count).any(|&usage| {
            if super::bytes(&(*usage).name) != b"mod-invite" {
                return false;
            }
            let sessions = &raw const (*dialog).mod_data;
            let Ok(slot) = usize::try_from((*usage).id) else {
                return false;
            };
            let call = (&*sessions)[slot].cast::<abi::pjauth_inv_session_head>();
            !call.is_null() && (*call).state == abi::PJAUTH_INV_STATE_DISCONNECTED
        })
    }
}
