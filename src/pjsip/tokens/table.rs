//! Deferred challenges: the tokens that the application holds.
//!
//! A token is a [`Handle`] and dies by one atomic step, whoever takes it: send_req,
//! abandon, a declining callback, the end of its session or of its endpoint, or its
//! deadline. Whoever takes it calls the implementation and drops the references;
//! nothing is locked meanwhile.
#![forbid(unsafe_code)]

use super::deadline;
use super::owners::{self, nest_of, owner_of};
use crate::handle::{self, Handle, Info, Kind, Seen, Slab, Vacant, Words};
use crate::pjsip::abi;
use crate::pjsip::host::{
    self, Asker, Implementation, Request, Response, Session, TOKEN_WORDS, Token, WORDS,
};
use crate::pjsip::status::{EINVAL, ENOMEM, Status};
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// The tokens of this process.
pub static TOKENS: Slab<Words<WORDS>> = Slab::new(Kind::CHALLENGE);

/// Milliseconds after which a forgotten token is abandoned; 0 is never.
static DEFAULT_DEADLINE: AtomicU32 = AtomicU32::new(0);

/// How many tokens [`take_some`] returns at once.
pub const BATCH: usize = 16;

/// A challenge on its way into the table.
#[derive(Clone, Copy)]
pub struct Offered<'h> {
    pub session: Session<'h>,
    pub root: Session<'h>,
    pub implementation: Implementation,
    pub request: Request<'h>,
    pub response: Response<'h>,
    /// Of [`Token`].
    pub asker: Asker,
}

impl Offered<'_> {
    /// Lends the challenge out. The token owns one reference of the group lock and one
    /// of the request; the caller has taken both, and keeps them on failure. Where there
    /// is a default deadline, it is there before the token can be found.
    #[inline(always)]
    pub fn mint(self) -> Result<Handle, Status> {
        if self.implementation.get().send_impl.is_none() {
            return Err(EINVAL);
        }
        let owner = owner_of(self.session).ok_or(ENOMEM)?;
        let minted = match DEFAULT_DEADLINE.load(Relaxed) {
            0 => self.mint_for(owner),
            wait => self.copy().mint_due(owner, wait),
        };
        minted.ok_or(ENOMEM)
    }

    /// For a call that passes it in memory: so that nothing is in memory otherwise.
    #[inline(always)]
    fn copy(&self) -> Self {
        Offered {
            session: self.session,
            root: self.root,
            implementation: self.implementation,
            request: self.request,
            response: self.response,
            asker: self.asker,
        }
    }

    #[inline(always)]
    fn mint_for(self, owner: Handle) -> Option<Handle> {
        if let Some(nest) = nest_of(owner)
            && let Some(vacant) = TOKENS.vacancy_in(nest)
        {
            return Some(self.fill(vacant, owner));
        }
        self.copy().mint_beyond(owner)
    }

    #[cold]
    fn mint_beyond(self, owner: Handle) -> Option<Handle> {
        owners::mint_beyond(owner, || Some(self.fill(TOKENS.vacancy()?, owner)))
    }

    /// With a deadline, in milliseconds from now.
    #[cold]
    fn mint_due(self, owner: Handle, wait: u32) -> Option<Handle> {
        let endpoint = self.endpoint().addr();
        match deadline::is_watched(endpoint) {
            true => deadline::mint_due(endpoint, wait, || self.mint_for(owner)),
            false => self.mint_for(owner),
        }
    }

    #[inline(always)]
    fn fill(self, vacant: Vacant<'_, Words<WORDS>>, owner: Handle) -> Handle {
        let implementation = self.implementation.get();
        let token = Token {
            user_data: implementation.user_data,
            send: implementation.send_impl,
            abandon: implementation.abandon_impl,
            group_lock: implementation.grp_lock,
            session: self.session.as_ptr(),
            root: self.root.as_ptr(),
            request: self.request.as_ptr(),
            endpoint: self.endpoint(),
            asker: self.asker,
        };
        let challenge = self.response.last_challenge();
        let realm = challenge.map_or(&[][..], |challenge| challenge.realm());
        let code = self.response.code().and_then(|code| code.try_into().ok());
        token.write(vacant.cell(), code.unwrap_or(0), realm);
        vacant.publish(owner.bits(), self.response.arrival_ms())
    }

    fn endpoint(self) -> *mut abi::pjsip_endpoint {
        let endpoint = self.session.endpoint();
        endpoint.map_or(core::ptr::null_mut(), host::Endpoint::as_ptr)
    }
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
#[derive(Clone, Copy)]
pub struct Lent(handle::Lent<'static, Words<WORDS>>);

impl Lent {
    /// The words of the [`Token`], for [`Lent::take`]: before it, they may be a mixture
    /// of several tokens'.
    #[inline(always)]
    pub fn look(&self) -> Result<([u64; TOKEN_WORDS], Seen), Status> {
        self.0.look().ok_or(EINVAL)
    }

    /// Whether what was looked at was one token's.
    pub fn expect_live(&self) -> Result<(), Status> {
        self.0.is_live().then_some(()).ok_or(EINVAL)
    }

    /// Ends the life of the token that was looked at. One caller gets it, and calls
    /// [`Lent::finish`] when it is done with what the token stood for.
    #[inline(always)]
    pub fn take(&self, seen: Seen) -> Result<(), Status> {
        self.0.take_seen(seen).then_some(()).ok_or(EINVAL)
    }

    /// The same for the library's own purposes: the session may end meanwhile, and is
    /// to be touched only where [`Lent::begin`] says that it has not.
    pub fn take_pending(&self) -> Option<[u64; WORDS]> {
        self.0.take_pending()
    }

    /// Whether the session is there, and will be until [`Lent::finish`].
    pub fn begin(&self) -> bool {
        self.0.begin()
    }

    /// After [`Lent::take`]: what follows keeps what it needs alive by itself.
    pub fn stand_back(&self) {
        self.0.stand_back();
    }

    /// What the token stood for is no longer used.
    #[inline]
    pub fn finish(&self) {
        self.0.finish();
    }
}

/// Ends the token's life. One caller gets it.
#[inline]
pub fn take(handle: Handle) -> Result<[u64; TOKEN_WORDS], Status> {
    let lent = find(handle)?;
    let (words, seen) = lent.look()?;
    lent.take(seen)?;
    lent.finish();
    Ok(words)
}

/// Takes some of the tokens that `wanted` picks; fewer than [`BATCH`] are the last.
/// In batches, so that their references are dropped outside of any walk.
pub fn take_some(wanted: impl Fn(&[u64; WORDS]) -> bool) -> ([Option<[u64; WORDS]>; BATCH], usize) {
    let mut taken = [None; BATCH];
    let mut count = 0;
    for (handle, _) in TOKENS.outstanding() {
        if count == BATCH {
            break;
        }
        let picked = TOKENS.get(handle).filter(|words| wanted(words));
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

/// Sets the deadline that new tokens get, in milliseconds; 0 is none.
pub fn set_default_deadline(milliseconds: u32) {
    DEFAULT_DEADLINE.store(milliseconds, Relaxed);
}

/// Whether new tokens get a deadline.
pub fn have_deadlines() -> bool {
    DEFAULT_DEADLINE.load(Relaxed) != 0
}
