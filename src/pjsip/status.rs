//! Status codes of the boundary, by their PJLIB and PJSIP names.
#![forbid(unsafe_code)]

use super::abi;

/// `pj_status_t`.
pub type Status = i32;

/// `PJ_SUCCESS`.
pub const SUCCESS: Status = 0;

macro_rules! codes {
    ($($name:ident = $value:ident: $meaning:literal,)*) => {
        $(#[doc = $meaning] pub const $name: Status = abi::$value as Status;)*
    };
}

codes! {
    EUNKNOWN = PJAUTH_EUNKNOWN: "A token's implementation failed with a status of another meaning.",
    EINVAL = PJAUTH_EINVAL: "A wrong argument, or a dead handle.",
    ENOMEM = PJAUTH_ENOMEM: "A pool is exhausted.",
    EBUG = PJAUTH_EBUG: "A panic of ours, caught at the boundary.",
    ENOTSUP = PJAUTH_ENOTSUP: "An algorithm we do not have; a library that is out of use.",
    EINVALIDOP = PJAUTH_EINVALIDOP: "Asynchronous challenges are not configured.",
    EPENDING = PJAUTH_EPENDING: "Not over yet.",
    ECANCELLED = PJAUTH_ECANCELLED: "The answer to a challenge that nobody waits for any more.",
    EIGNORED = PJAUTH_EIGNORED: "The application declined the challenge.",
    ENOTINITIALIZED = PJAUTH_ENOTINITIALIZED: "A session that was never initialised.",
    ENOTREQUESTMSG = PJAUTH_ENOTREQUESTMSG: "A response where a request is due.",
    ENOTRESPONSEMSG = PJAUTH_ENOTRESPONSEMSG: "A request where a response is due.",
    EINVALIDSTATUS = PJAUTH_EINVALIDSTATUS: "A response that is neither 401 nor 407.",
    EURITOOLONG = PJAUTH_EURITOOLONG: "A request URI over PJSIP_MAX_URL_SIZE.",
    EINVALIDHDR = PJAUTH_EINVALIDHDR: "A challenge that cannot be echoed safely.",
    EFAILEDCREDENTIAL = PJAUTH_EFAILEDCREDENTIAL: "The server rejected our credential.",
    ENOCREDENTIAL = PJAUTH_ENOCREDENTIAL: "No credential for the realm and algorithm.",
    EINVALIDALGORITHM = PJAUTH_EINVALIDALGORITHM: "An algorithm unknown or refused by policy.",
    EINVALIDQOP = PJAUTH_EINVALIDQOP: "No protection that we have is offered.",
    EINVALIDAUTHSCHEME = PJAUTH_EINVALIDAUTHSCHEME: "Not the Digest scheme.",
    EAUTHNOAUTH = PJAUTH_EAUTHNOAUTH: "No challenge could be answered.",
    EAUTHSTALECOUNT = PJAUTH_EAUTHSTALECOUNT: "Too many new nonces in a row.",
    EAUTHINAKACRED = PJAUTH_EAUTHINAKACRED: "An AKA credential that cannot be used.",
    EAUTHNOCHAL = PJAUTH_EAUTHNOCHAL: "A 401 or 407 without a challenge.",
}
