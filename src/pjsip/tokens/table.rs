//! Deferred challenges: the tokens that the application holds.
//!
//! A token is a [`Handle`] and dies by one atomic step, whoever takes it: send_req,
//! abandon, a declining callback, the end of its session or of its endpoint, or its
//! deadline. Whoever takes it calls the implementation and drops the references;
//! nothing is locked meanwhile.
#![forbid(unsafe_code)]

use super::deadline;
use super::owners::{self, nest_of, owner_of};
use crate::handle::{self, Handle, Info, Kind, Slab, Words};
use crate::pjsip::abi;
use crate::pjsip::host::{self, Asker, Request, Response, Session, TOKEN_WORDS, Token, WORDS};
use crate::pjsip::status::{EINVAL, ENOMEM, Status};
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// The tokens of this process.
pub static TOKENS: Slab<Words<WORDS>> = Slab::new(Kind::CHALLENGE);

/// Milliseconds after which a forgotten token is abandoned; 0 is never.
static DEFAULT_DEADLINE: AtomicU32 = AtomicU32::new(0);

/// How many tokens [`take_some`] returns at once.
pub const BATCH: usize = 16;

/// Lends a challenge out. The token owns one reference of the group lock and one
/// of the request; the caller has taken both, and keeps them on failure. Where there
/// is a default deadline, it is there before the token can be found. `asker` is of
/// [`Token`].
#[inline(always)]
pub fn mint(
    session: Session<'_>,
    root: Session<'_>,
    implementation: abi::pjsip_auth_clt_async_impl_token,
    request: Request<'_>,
    response: Response<'_>,
    asker: Asker,
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
        asker,
    };
    let challenge = response.last_challenge();
    let realm = challenge.map_or(&[][..], |challenge| challenge.realm());
    let code = response.code().and_then(|code| code.try_into().ok());
    let fresh = Fresh {
        owner: owner_of(session).ok_or(ENOMEM)?,
        arrived: response.arrival_ms(),
        token,
        code: code.unwrap_or(0),
        realm,
    };
    let minted = match DEFAULT_DEADLINE.load(Relaxed) {
        0 => fresh.mint(),
        wait => fresh.mint_due(wait),
    };
    minted.ok_or(ENOMEM)
}

/// A challenge on its way into the slab.
#[derive(Clone, Copy)]
struct Fresh<'h> {
    owner: Handle,
    arrived: u64,
    token: Token,
    code: u16,
    realm: &'h [u8],
}

impl Fresh<'_> {
    #[inline(always)]
    fn mint(self) -> Option<Handle> {
        let minted = nest_of(self.owner).and_then(|nest| {
            TOKENS.mint_in(nest, self.owner.bits(), self.arrived, |to| self.write(to))
        });
        match minted {
            None => self.mint_beyond(),
            minted => minted,
        }
    }

    #[cold]
    fn mint_beyond(self) -> Option<Handle> {
        owners::mint_beyond(self.owner, || {
            TOKENS.mint_with(self.owner.bits(), self.arrived, |to| self.write(to))
        })
    }

    /// With a deadline, in milliseconds from now.
    #[cold]
    fn mint_due(self, wait: u32) -> Option<Handle> {
        let endpoint = self.token.endpoint.addr();
        // A closure of its own, so that the one of `mint` is used once, and inlined.
        let mint = || {
            let nested = nest_of(self.owner).and_then(|nest| {
                TOKENS.mint_in(nest, self.owner.bits(), self.arrived, |to| self.write(to))
            });
            nested.or_else(|| self.mint_beyond())
        };
        match deadline::is_watched(endpoint) {
            true => deadline::mint_due(endpoint, wait, mint),
            false => mint(),
        }
    }

    #[inline(always)]
    fn write(&self, to: &Words<WORDS>) {
        self.token.write(to, self.code, self.realm);
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
    /// The words of the [`Token`], which may be out of date at once.
    #[inline]
    pub fn look(&self) -> Result<[u64; TOKEN_WORDS], Status> {
        self.0.look(Words::first).ok_or(EINVAL)
    }

    /// Ends the life of the token that was looked at. One caller gets it, and calls
    /// [`Lent::finish`] when it is done with what the token stood for.
    #[inline(always)]
    pub fn take(&self) -> Result<(), Status> {
        self.0.take_seen().then_some(()).ok_or(EINVAL)
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
    let words = lent.look()?;
    lent.take()?;
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
