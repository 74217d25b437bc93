//! What a held challenge owns, and how its transaction gets it at last.

use super::table::{self, Decision, Held};
use crate::pjsip::abi::{self, pjsip_rx_data, pjsip_tx_data};
use crate::pjsip::host::{self, Token, Transaction};
use crate::pjsip::status::{EBUG, EINVAL, SUCCESS, Status};
use core::ptr::{self, NonNull};

/// What a held challenge owns. The transaction is kept by the token's reference.
#[derive(Clone, Copy)]
pub struct Holding {
    transaction: Transaction<'static>,
    /// A copy, with a reference of its transport.
    response: *mut pjsip_rx_data,
    /// With a reference; NULL but for an INVITE.
    ack: *mut pjsip_tx_data,
}

impl Holding {
    /// Copies the response and makes an INVITE's ACK, while the request still is
    /// what was sent. `None` where memory runs out; may throw then: to be called with
    /// nothing held. The result is to be [listed](Holding::list) or
    /// [dropped](Holding::drop_unlisted).
    ///
    /// # Safety
    /// `rdata` is a response to the transaction, `request` its request. The caller keeps
    /// a reference of both for as long as the result is there.
    pub unsafe fn create(
        transaction: Transaction<'_>,
        request: *mut pjsip_tx_data,
        rdata: *mut pjsip_rx_data,
    ) -> Option<NonNull<Holding>> {
        // SAFETY: as the caller promises.
        unsafe {
            let mut holding = Holding {
                transaction: transaction.kept(),
                response: ptr::null_mut(),
                ack: ptr::null_mut(),
            };
            if abi::pjsip_rx_data_clone(rdata, 0, &mut holding.response) != SUCCESS {
                return None;
            }
            let (endpoint, ack) = (transaction.endpoint(), &raw mut holding.ack);
            let is_made = !transaction.is_invite()
                || abi::pjsip_endpt_create_ack(endpoint, request, rdata, ack) == SUCCESS;
            if !is_made {
                holding.give_back();
                return None;
            }
            let boxed = host::boxed(holding);
            if boxed.is_none() {
                holding.give_back();
            }
            boxed
        }
    }

    /// Has responses to the transaction find it, from now on. False where the
    /// transaction has one already, or memory runs out.
    ///
    /// # Safety
    /// The transaction's lock is held, and the token's references are taken.
    pub unsafe fn list(holding: NonNull<Holding>, request: *mut pjsip_tx_data) -> bool {
        // SAFETY: as `create` made it.
        let transaction = unsafe { holding.as_ref() }.transaction;
        table::insert(Held {
            id: holding.as_ptr().expose_provenance(),
            transaction: transaction.addr(),
            dialog: transaction.dialog().addr(),
            request: request.addr(),
            is_invite: transaction.is_invite(),
            is_acknowledged: false,
            token: None,
            waiting: true,
        })
    }

    /// The opposite of [`Holding::create`].
    ///
    /// # Safety
    /// It was made by that, and not listed.
    pub unsafe fn drop_unlisted(holding: NonNull<Holding>) {
        // SAFETY: as the caller promises.
        unsafe { Box::from_raw(holding.as_ptr()).give_back() };
    }

    /// # Safety
    /// Nobody uses it any more.
    unsafe fn give_back(&self) {
        // SAFETY: made by `create`, each once.
        unsafe {
            abi::pjsip_rx_data_free_cloned(self.response);
            if !self.ack.is_null() {
                host::drop_request(self.ack);
            }
        }
    }

    /// The holding of a challenge that the table has.
    ///
    /// # Safety
    /// The token is the caller's, or the transaction's lock is held, so that nobody
    /// discards it.
    pub unsafe fn of<'h>(held: Held) -> &'h Holding {
        // SAFETY: in the table, so not discarded; as the caller promises it stays.
        unsafe { &*ptr::with_exposed_provenance(held.id) }
    }

    /// Sends an INVITE's ACK, once more if it has been sent.
    ///
    /// # Safety
    /// The transaction's lock is held, which keeps the challenge.
    pub unsafe fn acknowledge(held: Held) {
        // SAFETY: as the caller promises; the ACK is the holding's.
        unsafe {
            let holding = Holding::of(held);
            if holding.transaction.acknowledge(holding.ack) {
                table::note_acknowledged(held.id);
            }
        }
    }
}

/// Whether a token is one of ours, whose [`answer`] is to be used.
#[inline]
pub fn is_held(token: &Token) -> bool {
    !table::is_empty() && of_token(token).is_some()
}

/// What is held under a token.
#[inline]
pub fn of_token(token: &Token) -> Option<Held> {
    table::get(token.user_data.addr(), token.request.addr())
}

/// Hands the challenge to its transaction, and `request` to whoever then asks for
/// an answer. `PJ_EINVAL`: transaction or call is gone, the request is the caller's.
/// Otherwise its reference is consumed.
///
/// # Safety
/// The caller took the token, a held one; `request` is alive.
pub unsafe fn answer(token: Token, request: *mut pjsip_tx_data) -> Status {
    // SAFETY: as the caller promises.
    unsafe { hand_over(token.user_data.addr(), request) }
}

/// # Safety
/// The caller took the token of this challenge; `request` is alive, or NULL: there is
/// no answer.
pub unsafe fn hand_over(id: usize, request: *mut pjsip_tx_data) -> Status {
    let Some(held) = table::of(id) else {
        return EBUG;
    };
    // SAFETY: the token is the caller's, and keeps transaction and challenge.
    unsafe {
        let holding = Holding::of(held);
        let transaction = holding.transaction;
        let decision = if request.is_null() {
            Decision::None
        } else {
            Decision::Prepared(request.expose_provenance())
        };
        let acquired = transaction.acquire();
        if !table::stop_waiting(held.id) || !transaction.is_open() {
            transaction.release(acquired);
            return EINVAL;
        }
        let is_over = is_over(transaction);
        if table::of(id).is_some_and(|held| held.is_acknowledged) {
            transaction.mute_once();
        }
        let used = deliver(transaction, holding.response, decision);
        transaction.unmute();
        transaction.release(acquired);
        if is_over && held.is_invite {
            Transaction::end_cancel(holding.response);
        }
        if used || request.is_null() {
            SUCCESS
        } else {
            EINVAL
        }
    }
}

/// Hands the response to the transaction. Whoever asks what to answer is told
/// `decision`, or where the call is over that there is no answer; returns whether
/// `decision` was made use of.
///
/// # Safety
/// The lock is held, the transaction open; `rdata` is its response.
pub unsafe fn deliver(
    transaction: Transaction<'_>,
    rdata: *mut pjsip_rx_data,
    decision: Decision,
) -> bool {
    // SAFETY: as the caller promises.
    unsafe {
        let is_over = is_over(transaction);
        let decision = if is_over { Decision::None } else { decision };
        table::begin_delivery(rdata.addr(), decision);
        transaction.receive(rdata);
        table::end_delivery(rdata.addr()) && !is_over
    }
}

/// Whether nobody is to be asked about a transaction's challenge, nor anything sent: its
/// call has ended, or ends because the user has hung up.
///
/// # Safety
/// The lock is held, the transaction open.
pub unsafe fn is_over(transaction: Transaction<'_>) -> bool {
    if !transaction.is_of_a_dialog() {
        return false;
    }
    let dialog = transaction.dialog();
    // SAFETY: as the caller promises; an open transaction keeps its dialog.
    unsafe {
        host::is_call_over(dialog) || (transaction.is_for_the_call() && host::is_hung_up(dialog))
    }
}

/// Gives back what a token's challenge owned, if the challenge was held. The two are
/// what the token was minted with.
///
/// # Safety
/// The caller has taken the token, and still has its reference of the group lock.
#[inline]
pub unsafe fn discard(id: usize, request: usize) {
    if !table::is_empty() {
        // SAFETY: as the caller promises.
        unsafe { discard_held(id, request) };
    }
}

/// # Safety
/// As for [`discard`].
#[cold]
unsafe fn discard_held(id: usize, request: usize) {
    let Some(held) = table::get(id, request) else {
        return;
    };
    // SAFETY: the token is the caller's. The lock keeps a thread that is sending
    // the ACK once more from losing it.
    unsafe {
        let transaction = Holding::of(held).transaction;
        let acquired = transaction.acquire();
        table::remove(id);
        transaction.release(acquired);
        Box::from_raw(ptr::with_exposed_provenance_mut::<Holding>(id)).give_back();
    }
}

/// The same when the endpoint is gone: what belonged to the host went with it.
///
/// # Safety
/// The caller has taken the token.
pub unsafe fn forget(id: usize, request: usize) {
    if table::get(id, request).is_some() && table::remove(id).is_some() {
        // SAFETY: was in the table, so made by `Holding::create`, and once only.
        drop(unsafe { Box::from_raw(ptr::with_exposed_provenance_mut::<Holding>(id)) });
    }
}
