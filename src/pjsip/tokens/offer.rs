//! The application is asked.

use super::deadline;
use super::endings::watch_endpoint;
use super::table::{self as tokens, Offered};
use crate::handle::Handle;
use crate::pjsip::abi::pjsip_auth_clt_async_on_chal_param;
use crate::pjsip::host::{
    self, Asker, Endpoint, Implementation, Request, Response, Session, Token,
};
use crate::pjsip::stats::{Event, count};
use crate::pjsip::status::{EIGNORED, EINVAL, EINVALIDOP, Status};
use core::ptr;

/// Asks the application. See `pjsip_auth_clt_async_impl_on_challenge`. `minted` gets
/// the token before anybody else does; `asker` is what it is to know of itself.
#[inline(always)]
pub fn offer(
    sess: Session<'_>,
    implementation: Implementation,
    request: Request<'_>,
    response: Response<'_>,
    param: pjsip_auth_clt_async_on_chal_param,
    asker: Asker,
    minted: impl FnOnce(Handle),
) -> Result<(), Status> {
    let root = sess.root().ok_or(EINVAL)?;
    let setting = {
        let _held = root.locked();
        root.callback().ok_or(EINVALIDOP)?
    };
    let endpoint = sess.endpoint().map_or(ptr::null_mut(), Endpoint::as_ptr);
    if !endpoint.is_null() {
        watch_endpoint(endpoint);
    }
    // The token's own reference: there before anybody can find the token in a list.
    // SAFETY: the request is alive.
    unsafe { host::add_request(request.as_ptr()) };
    let offered = Offered {
        session: sess,
        root,
        implementation,
        request,
        response,
        asker,
    };
    let handle = offered.mint().inspect_err(|_| {
        // SAFETY: the reference taken above, which no token owns.
        unsafe { host::drop_request(request.as_ptr()) };
    })?;
    minted(handle);
    if tokens::have_deadlines() {
        deadline::wake(endpoint.addr());
    }
    let told = pjsip_auth_clt_async_on_chal_param {
        user_data: setting.user_data,
        ..param
    };
    let taken = setting.cb.is_some_and(|cb| {
        // SAFETY: the application's callback, with what it is promised. Nothing is
        // held, so it may use any function of this library.
        unsafe { cb(root.as_ptr(), tokens::pointer(handle), &told) != 0 }
    });
    if taken {
        return Ok(());
    }
    // What was consumed inside the callback counts as taken whatever it returns.
    let Ok(words) = tokens::take(handle) else {
        return Ok(());
    };
    count(Event::Declined);
    // SAFETY: words of a token, just taken by us alone. The group lock's reference
    // goes back to the caller.
    unsafe {
        let token = Token::from_words(words);
        host::drop_request(token.request);
    }
    Err(EIGNORED)
}
