//! What a session remembers of one server's challenges (`pjsip_cached_auth`).

use super::challenge_header::Challenge;
use super::endpoint::Endpoint;
use super::pool::{Block, Pool};
use super::text::{Text, bytes};
use crate::digest::is_same_realm;
use crate::pjsip::abi::{self, pjsip_cached_auth};
use crate::pjsip::status::{ENOMEM, Status};
use core::marker::PhantomData;
use core::ptr::{self, NonNull};
#[cfg(pj_qop_support)]
use std::hash::{DefaultHasher, Hasher};

/// One remembered server: a realm, an algorithm, and whether it is a proxy.
#[derive(Clone, Copy)]
pub struct CachedAuth<'h>(NonNull<pjsip_cached_auth>, PhantomData<&'h ()>);

/// An entry of ours. What applications see comes first, and is as PJSIP leaves it.
#[repr(C)]
struct Whole {
    public: pjsip_cached_auth,
    remembered: *mut Remembered,
}

/// The last challenge, in memory that is used again for the next one: what
/// `last_chal` points to once there was one to remember.
#[repr(C)]
struct Remembered {
    header: abi::pjsip_www_authenticate_hdr,
    userhash: abi::pjsip_param,
    cnonce: [u8; 32],
    /// Here and not in the entry, whose field for it came with 2.15.
    algorithm_type: abi::pjsip_auth_algorithm_type,
    text: *mut u8,
    capacity: usize,
    /// What was counted under nonces that came before the last, newest first.
    left: [Left; MAX_LEFT],
}

/// Nonces that a server has left and may come back to, as where two share a realm.
const MAX_LEFT: usize = 8;

/// A nonce that a server has left, and how many requests were counted under it.
#[derive(Clone, Copy)]
struct Left {
    nonce: u64,
    count: u32,
}

impl<'h> CachedAuth<'h> {
    /// # Safety
    /// `entry` is NULL or an entry of a session's list, made by [`CachedAuth::create`].
    pub unsafe fn from_raw(entry: *mut pjsip_cached_auth) -> Option<CachedAuth<'h>> {
        NonNull::new(entry).map(|entry| CachedAuth(entry, PhantomData))
    }

    /// An entry that stands for nothing yet, in the session's pool.
    pub fn create(pool: Pool<'h>) -> Result<CachedAuth<'h>, Status> {
        let memory = pool.allocate(size_of::<Whole>())?;
        let entry = CachedAuth(memory.cast(), PhantomData);
        #[cfg(pj_header_caching)]
        // SAFETY: a field of the fresh entry.
        unsafe {
            let head = &raw mut (*entry.as_ptr()).cached_hdr;
            (*head).next = head;
            (*head).prev = head;
        }
        Ok(entry)
    }

    /// The host's pointer.
    pub fn as_ptr(self) -> *mut pjsip_cached_auth {
        self.0.as_ptr()
    }

    /// Makes the entry stand for `realm`, and gives up what it stood for before.
    pub fn assign(
        self,
        endpoint: Endpoint<'h>,
        realm: &[u8],
        algorithm_type: u32,
        is_proxy: bool,
    ) -> Result<(), Status> {
        let pool = endpoint.create_pool().ok_or(ENOMEM)?;
        let prepared = pool.copy([realm]).and_then(|[realm]| {
            let room = pool.allocate(size_of::<Remembered>())?;
            Ok((realm, room.cast::<Remembered>()))
        });
        let (realm, remembered) = match prepared {
            Ok(prepared) => prepared,
            Err(status) => {
                endpoint.release_pool(pool);
                return Err(status);
            }
        };
        self.release(endpoint);
        // SAFETY: the entry is the session's and its lock is held; `remembered`
        // is zeroed memory, which is a value of it.
        unsafe {
            let entry = &mut *self.as_ptr();
            entry.pool = pool.as_ptr();
            entry.realm = realm;
            entry.is_proxy = i32::from(is_proxy);
            (*remembered.as_ptr()).algorithm_type = algorithm_type;
            entry.qop_value = abi::PJSIP_AUTH_QOP_NONE;
            entry.stale_cnt = 0;
            #[cfg(pj_algorithms)]
            {
                entry.challenge_algorithm_type = algorithm_type;
            }
            (*self.whole()).remembered = remembered.as_ptr();
        }
        Ok(())
    }

    /// Gives back the entry's pool and with it all that was remembered.
    pub fn release(self, endpoint: Endpoint<'h>) {
        // SAFETY: the entry's pool is its own and is used by nobody else.
        unsafe {
            let entry = &mut *self.as_ptr();
            if let Some(pool) = Pool::from_raw(entry.pool) {
                endpoint.release_pool(pool);
            }
            entry.pool = ptr::null_mut();
            entry.last_chal = ptr::null_mut();
            entry.realm = Text::EMPTY;
            #[cfg(pj_qop_support)]
            {
                entry.nc = 0;
                entry.cnonce = Text::EMPTY;
            }
            (*self.whole()).remembered = ptr::null_mut();
        }
    }

    /// Whether the entry stands for this server.
    pub fn is_for(self, realm: &[u8], algorithm_type: u32, is_proxy: bool) -> bool {
        let (entry, Some(remembered)) = (self.get(), self.remembered()) else {
            return false;
        };
        // SAFETY: the realm and what is remembered are in the entry's pool.
        unsafe {
            (*remembered).algorithm_type == algorithm_type
                && (entry.is_proxy != 0) == is_proxy
                && is_same_realm(bytes(&entry.realm), realm)
        }
    }

    /// How often in a row the server came with a new nonce.
    pub fn stale_count(self) -> u32 {
        self.get().stale_cnt
    }

    /// Sets what [`CachedAuth::stale_count`] returns.
    pub fn set_stale_count(self, count: u32) {
        // SAFETY: the entry is the session's and its lock is held.
        unsafe { (*self.as_ptr()).stale_cnt = count };
    }

    /// Which kind of protection was asked for.
    pub fn qop_value(self) -> u32 {
        self.get().qop_value
    }

    /// Sets what [`CachedAuth::qop_value`] returns.
    pub fn set_qop_value(self, value: u32) {
        // SAFETY: the entry is the session's and its lock is held.
        unsafe { (*self.as_ptr()).qop_value = value };
    }

    /// The last challenge, if there was one since [`CachedAuth::assign`].
    pub fn last_challenge(self) -> Option<Challenge<'h>> {
        let remembered = self.remembered()?;
        // SAFETY: written by `remember` in full, or still zero and then unnamed.
        unsafe {
            let header = &raw const (*remembered).header;
            ((*header).scheme.slen > 0).then(|| Challenge::from_raw(header))?
        }
    }

    /// Keeps a copy of `challenge`, in the memory of the one before if it fits.
    pub fn remember(self, challenge: Challenge<'h>) -> Result<(), Status> {
        let Some(remembered) = self.remembered() else {
            return Err(ENOMEM);
        };
        let texts = challenge.texts();
        let length: usize = texts.iter().map(|text| text.len()).sum();
        // SAFETY: `remembered` is this entry's, under the session's lock; the room
        // behind `text` is `capacity` bytes of the entry's pool. The source is a
        // received message and so never this room (see `Answerer::advance`).
        unsafe {
            if length > (*remembered).capacity {
                let capacity = length.max(2 * (*remembered).capacity);
                let pool = Pool::from_raw(self.get().pool).ok_or(ENOMEM)?;
                (*remembered).text = pool.allocate(capacity)?.as_ptr();
                (*remembered).capacity = capacity;
            }
            // Empty texts may need no room at all.
            let start = NonNull::new((*remembered).text).unwrap_or(NonNull::dangling());
            let last = self.last_challenge();
            let is_new_nonce = last.is_none_or(|last| last.nonce() != challenge.nonce());
            if is_new_nonce {
                self.leave(remembered);
            }
            let mut block = Block::from_raw(start, (*remembered).capacity);
            let copies = texts.map(|text| block.push(text));
            challenge.copy_to(
                &raw mut (*remembered).header,
                &raw mut (*remembered).userhash,
                copies,
            );
            (*self.as_ptr()).last_chal = &raw mut (*remembered).header;
            // Of a new nonce's requests none has been counted here.
            #[cfg(pj_qop_support)]
            if is_new_nonce {
                (*self.as_ptr()).nc = 0;
            }
        }
        Ok(())
    }

    /// Keeps the count of the nonce that is about to be replaced.
    ///
    /// # Safety
    /// `remembered` is this entry's, and the session's lock is held.
    #[cfg(pj_qop_support)]
    unsafe fn leave(self, remembered: *mut Remembered) {
        if let (count @ 1.., Some(last)) = (self.get().nc, self.last_challenge()) {
            // SAFETY: as the caller promises.
            let left = unsafe { &mut (*remembered).left };
            left.rotate_right(1);
            left[0] = Left {
                nonce: fingerprint(last.nonce()),
                count,
            };
        }
    }

    /// Without support for `qop` in the host nothing is counted.
    #[cfg(not(pj_qop_support))]
    unsafe fn leave(self, _remembered: *mut Remembered) {}

    /// How many requests were counted here under a nonce.
    #[cfg(pj_qop_support)]
    pub fn count(self, nonce: &[u8]) -> u32 {
        let Some(remembered) = self.remembered() else {
            return 0;
        };
        if self
            .last_challenge()
            .is_some_and(|last| last.nonce() == nonce)
        {
            return self.get().nc;
        }
        // SAFETY: what is remembered is the session's, under its lock.
        let left = unsafe { &(*remembered).left };
        if left[0].count == 0 {
            return 0;
        }
        let wanted = fingerprint(nonce);
        let found = left.iter().find(|left| left.nonce == wanted);
        found.map_or(0, |left| left.count)
    }

    /// Without support for `qop` in the host nothing is counted.
    #[cfg(not(pj_qop_support))]
    pub fn count(self, _nonce: &[u8]) -> u32 {
        0
    }

    /// Notes that the next request is number `count` with this nonce. Returns that, and
    /// the client nonce: the same as before where the last challenge had the same nonce.
    #[cfg(pj_qop_support)]
    pub fn advance(
        self,
        count: u32,
        same_nonce: bool,
        cnonce: impl Fn() -> [u8; 32],
    ) -> (u32, [u8; 32]) {
        let Some(remembered) = self.remembered() else {
            return (1, cnonce());
        };
        // SAFETY: the entry and what it remembers are the session's, under its lock.
        unsafe {
            let entry = &mut *self.as_ptr();
            let goes_on = same_nonce && entry.nc > 0 && count > 1;
            entry.nc = count;
            if !goes_on {
                (*remembered).cnonce = cnonce();
                entry.cnonce = Text {
                    ptr: (&raw mut (*remembered).cnonce).cast(),
                    slen: 32,
                };
            }
            (entry.nc, (*remembered).cnonce)
        }
    }

    /// Without support for `qop` in the host nothing is counted.
    #[cfg(not(pj_qop_support))]
    pub fn advance(
        self,
        _count: u32,
        _same_nonce: bool,
        cnonce: impl Fn() -> [u8; 32],
    ) -> (u32, [u8; 32]) {
        (1, cnonce())
    }

    fn get(self) -> &'h pjsip_cached_auth {
        // SAFETY: alive for 'h; no mutable borrow outlives one method.
        unsafe { self.0.as_ref() }
    }

    fn whole(self) -> *mut Whole {
        self.as_ptr().cast()
    }

    fn remembered(self) -> Option<*mut Remembered> {
        // SAFETY: made by `create`, which made room for the whole.
        let remembered = unsafe { (*self.whole()).remembered };
        (!remembered.is_null()).then_some(remembered)
    }
}

/// What a nonce that was left is known by. Two that are alike would be counted as one,
/// which is a gap in the count of a server that makes such nonces.
#[cfg(pj_qop_support)]
fn fingerprint(nonce: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(nonce);
    hasher.finish()
}
