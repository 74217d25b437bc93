//! Deferred challenges: the tokens that the application holds.
//!
//! A token is a [`Handle`] and dies by one atomic step, whoever takes it: send_req,
//! abandon, a declining callback, the end of its session or of its endpoint, or its
//! deadline. Whoever takes it calls the implementation and drops the references;
//! nothing is locked meanwhile.
#![forbid(unsafe_code)]

use crate::handle::{self, Handle, Info, Kind, Slab, Words};
use crate::pjsip::abi;
use crate::pjsip::host::{self, Request, Response, Session, Token, WORDS};
use crate::pjsip::status::{EINVAL, ENOMEM, Status};
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

static TOKENS: Slab<Words<WORDS>> = Slab::new(Kind::CHALLENGE);

/// Milliseconds after which a forgotten token is abandoned; 0 is never.
static DEFAULT_DEADLINE: AtomicU32 = AtomicU32::new(0);

/// How many tokens [`take_some`] returns at once.
pub const BATCH: usize = 16;

/// Lends a challenge out. The token owns one reference of the group lock and one
/// of the request; the caller has taken both, and keeps them on failure.
#[inline]
pub fn mint(
    session: Session<'_>,
    root: Session<'_>,
    implementation: &abi::pjsip_auth_clt_async_impl_token,
    request: Request<'_>,
    response: Response<'_>,
) -> Result<Handle, Status> {
    if implementation.send_impl.is_none() {
        return Err(EINVAL);
    }
    let token = Token {
        user_data: implementation.user_data,
        send: implementation.send_impl,
        abandon: implementation.abandon_impl,
        group_lock: implementation.grp_lock,
        session: session.as_ptr(),
        root: root.as_ptr(),
        request: request.as_ptr(),
        endpoint: session
            .endpoint()
            .map_or(core::ptr::null_mut(), host::Endpoint::as_ptr),
    };
    let words = || {
        let realm = response
            .last_challenge()
            .map_or(&[][..], |challenge| challenge.texts()[1]);
        let code = response.code().and_then(|code| code.try_into().ok());
        token.to_words(code.unwrap_or(0), realm)
    };
    TOKENS
        .mint_with(host::owner_of(session), host::now_ms(), words)
        .ok_or(ENOMEM)
}

/// The handle that an application's pointer stands for, if it is one.
#[inline]
pub fn handle(token: *const core::ffi::c_void) -> Result<Handle, Status> {
    Handle::from_bits(token.addr() as u64).ok_or(EINVAL)
}

/// The application's pointer.
#[inline]
pub fn pointer(handle: Handle) -> *mut core::ffi::c_void {
    core::ptr::without_provenance_mut(handle.bits() as usize)
}

/// Looks without taking: the words, which may be out of date at once.
#[inline]
pub fn peek(handle: Handle) -> Result<[u64; WORDS], Status> {
    TOKENS.get(handle).ok_or(EINVAL)
}

/// Where a token's words are, or were.
#[inline]
pub fn find(handle: Handle) -> Result<Lent, Status> {
    TOKENS.find(handle).map(Lent).ok_or(EINVAL)
}

/// A token that was found; it may have died meanwhile.
pub struct Lent(handle::Lent<'static, Words<WORDS>>);

impl Lent {
    /// Whether the token is of this session, or of one that has it for a root.
    #[inline]
    pub fn is_of(&self, session: *mut abi::pjsip_auth_clt_sess) -> Result<bool, Status> {
        self.0
            .look(|words| Token::is_of(words, session))
            .ok_or(EINVAL)
    }

    /// Ends the token's life. One caller gets it.
    #[inline(always)]
    pub fn take(&self) -> Result<[u64; WORDS], Status> {
        self.0.take().ok_or(EINVAL)
    }
}

/// Ends the token's life. One caller gets it.
#[inline]
pub fn take(handle: Handle) -> Result<[u64; WORDS], Status> {
    TOKENS.take(handle).ok_or(EINVAL)
}

/// Takes some of the tokens that `wanted` picks; fewer than [`BATCH`] are the last.
/// In batches, so that their references are dropped outside of any walk.
pub fn take_some(
    wanted: impl Fn(&Info, &[u64; WORDS]) -> bool,
) -> ([Option<[u64; WORDS]>; BATCH], usize) {
    let mut taken = [None; BATCH];
    let mut count = 0;
    for (handle, info) in TOKENS.outstanding() {
        if count == BATCH {
            break;
        }
        let picked = TOKENS.get(handle).filter(|words| wanted(&info, words));
        if let Some(words) = picked.and_then(|_| TOKENS.take(handle)) {
            taken[count] = Some(words);
            count += 1;
        }
    }
    (taken, count)
}

/// Visits the live tokens with what is known of them.
pub fn walk(mut visit: impl FnMut(Handle, Info, [u64; WORDS])) {
    for (handle, info) in TOKENS.outstanding() {
        if let Some(words) = TOKENS.get(handle) {
            visit(handle, info, words);
        }
    }
}

/// How many tokens this process has seen.
pub fn minted() -> u64 {
    TOKENS.minted()
}

/// What the slab knows of a live token.
pub fn info(handle: Handle) -> Result<Info, Status> {
    TOKENS.info(handle).ok_or(EINVAL)
}

/// Gives a token a deadline in milliseconds from now; 0 takes it away. Returns the
/// moment at which the endpoint's alarm is due, if one is to be set.
pub fn set_deadline(handle: Handle, milliseconds: u32) -> Result<Option<u64>, Status> {
    let due = match milliseconds {
        0 => 0,
        wait => host::now_ms() + u64::from(wait),
    };
    if !TOKENS.set_deadline(handle, due) {
        return Err(EINVAL);
    }
    Ok((due != 0).then_some(due))
}

/// The deadline that new tokens get; 0 is none.
pub fn default_deadline() -> u32 {
    DEFAULT_DEADLINE.load(Relaxed)
}

/// Sets what [`default_deadline`] returns.
pub fn set_default_deadline(milliseconds: u32) {
    DEFAULT_DEADLINE.store(milliseconds, Relaxed);
}

/// Whether a token's deadline has come, for [`take_some`].
pub fn is_due(info: &Info, now: u64) -> bool {
    info.deadline != 0 && info.deadline <= now
}

/// The earliest deadline of an endpoint's tokens.
pub fn next_deadline(of: impl Fn(&[u64; WORDS]) -> bool) -> Option<u64> {
    let mut next = None;
    walk(|_, info, words| {
        if info.deadline != 0 && of(&words) {
            next = Some(next.map_or(info.deadline, |at: u64| at.min(info.deadline)));
        }
    });
    next
}
