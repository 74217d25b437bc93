//! `pjsip_auth_clt_init_req` and `pjsip_auth_clt_reinit_req`.

use super::{entry, status_of};
use crate::pjsip::abi::{pj_status_t, pjsip_auth_clt_sess, pjsip_rx_data, pjsip_tx_data};
use crate::pjsip::guard::guard;
use crate::pjsip::hold::{Decision, take_decision};
use crate::pjsip::host::{self, Request, Response, Session};
use crate::pjsip::request::{Initial, Retry};
use crate::pjsip::status::{ECANCELLED, EINVAL, ENOTRESPONSEMSG, ENOTSUP, SUCCESS, Status};
use core::ptr;

entry! {
    /// Prepares a request that is sent for the first time.
    fn pjsip_auth_clt_init_req(
        sess: *mut pjsip_auth_clt_sess,
        tdata: *mut pjsip_tx_data,
    ) -> pj_status_t, else ENOTSUP;
    {
        // SAFETY: the caller's pointers, NULL or valid.
        let (sess, tdata) = unsafe { (Session::from_raw(sess), Request::from_raw(tdata)) };
        let (Some(sess), Some(request)) = (sess, tdata) else {
            return EINVAL;
        };
        #[cfg(not(pj_async))]
        if crate::pjsip::hold::has_callback(sess)
            && let Some(owner) = crate::pjsip::tokens::owner_of(sess)
        {
            host::link(request, sess, owner.bits());
        }
        status_of(init(sess, request))
    }
}

fn init(sess: Session<'_>, request: Request<'_>) -> Result<(), Status> {
    let Some(mut initial) = guard(|| Initial::open(sess, request))? else {
        return Ok(());
    };
    while let Some(draft) = guard(|| initial.turn())? {
        match draft.header(request) {
            Ok(header) => header.add_to(request),
            // The request may do without what an AKA callback does not answer unasked.
            Err(_) if draft.aka.is_some() => {}
            Err(status) => return Err(status),
        }
    }
    Ok(())
}

entry! {
    /// Answers the challenges of a 401 or 407 in the request that got it, which is
    /// returned with one more reference, ready to be sent again.
    fn pjsip_auth_clt_reinit_req(
        sess: *mut pjsip_auth_clt_sess,
        rdata: *const pjsip_rx_data,
        old_request: *mut pjsip_tx_data,
        new_request: *mut *mut pjsip_tx_data,
    ) -> pj_status_t, else ENOTSUP, unless is_response_foreign(rdata);
    {
        // SAFETY: the caller's pointers, NULL or valid.
        let (sess, request) = unsafe { (Session::from_raw(sess), Request::from_raw(old_request)) };
        let (Some(sess), Some(request), false, false) =
            (sess, request, rdata.is_null(), new_request.is_null())
        else {
            return EINVAL;
        };
        // SAFETY: the caller's response, which has been parsed.
        let Some(response) = (unsafe { Response::from_raw(rdata) }) else {
            return ENOTRESPONSEMSG;
        };
        #[cfg(not(pj_async))]
        // SAFETY: the caller's response, of a transaction that it has locked, or a copy.
        if unsafe { host::is_for_ended_call(request, rdata) } {
            return ECANCELLED;
        }
        match take_decision(rdata.addr()) {
            Decision::Ordinary => {}
            Decision::None => return ECANCELLED,
            Decision::Prepared(prepared) => {
                let prepared = ptr::with_exposed_provenance_mut(prepared);
                // SAFETY: the application's request, whose reference goes to the caller.
                unsafe {
                    if let Some(request) = Request::from_raw(prepared) {
                        request.reopen();
                        request.set_retry(true);
                    }
                    new_request.write(prepared);
                }
                return SUCCESS;
            }
        }
        status_of(answer(sess, response, request).map(|()| {
            // SAFETY: the caller's request is alive, and so is the room for it.
            unsafe {
                host::add_request(old_request);
                new_request.write(old_request);
            }
        }))
    }
}

fn answer(sess: Session<'_>, response: Response<'_>, request: Request<'_>) -> Result<(), Status> {
    let mut retry = guard(|| Retry::open(sess, response, request))?;
    while let Some((challenge, draft)) = guard(|| Ok(retry.turn()))? {
        match draft.header(request) {
            Ok(header) => {
                retry.answered(challenge);
                header.add_to(request);
            }
            Err(status) => retry.failed(status),
        }
    }
    retry
        .finish()
        .inspect_err(|&status| host::log_unanswered(request, status))
}
