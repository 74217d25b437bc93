//! The client authentication session (`pjsip_auth_clt_sess`) and what hangs on it.
//!
//! A session is the application's memory with a fixed layout, so our own state has
//! to live in fields that nobody reads: those of the head of the list of remembered
//! challenges, of which pjproject uses only the links.
//!
//! | field of the head | what we keep there |
//! |---|---|
//! | `realm` | the block that holds the credentials: address and capacity |
//! | `last_chal` | the number under which this session's tokens are minted |
//! | `is_proxy` | the algorithms this session refuses, as bits |
//! | `pool` | before 2.17: the asynchronous setting |

use super::cached_auth::CachedAuth;
use super::credential::Credential;
use super::endpoint::Endpoint;
use super::pool::Pool;
use super::text::{Text, bytes};
use crate::pjsip::abi::{self, pjsip_auth_clt_sess, pjsip_cached_auth, pjsip_cred_info};
use core::marker::PhantomData;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicPtr, Ordering::AcqRel, Ordering::Acquire};

/// Parents are followed this far; a longer chain is taken for a loop.
const MAX_PARENTS: usize = 16;

/// A session of the application's.
#[derive(Clone, Copy)]
pub struct Session<'h>(NonNull<pjsip_auth_clt_sess>, PhantomData<&'h ()>);

impl<'h> Session<'h> {
    /// # Safety
    /// `session` is NULL or points to a session that lives for `'h`, initialised
    /// but for a call of [`Session::reset`].
    pub unsafe fn from_raw(session: *const pjsip_auth_clt_sess) -> Option<Session<'h>> {
        NonNull::new(session.cast_mut()).map(|session| Session(session, PhantomData))
    }

    /// The host's pointer.
    pub fn as_ptr(self) -> *mut pjsip_auth_clt_sess {
        self.0.as_ptr()
    }

    /// Makes an empty session of whatever was there.
    pub fn reset(self, endpoint: Endpoint<'h>, pool: Pool<'h>) {
        let session = self.as_ptr();
        // SAFETY: room for a session, which all-zero bytes are a value of.
        unsafe {
            ptr::write_bytes(session, 0, 1);
            (*session).pool = pool.as_ptr();
            (*session).endpt = endpoint.as_ptr();
        }
        self.forget_entries();
    }

    /// Empties the list of remembered challenges; their pools are the caller's.
    pub fn forget_entries(self) {
        let head = self.head();
        // SAFETY: the head is part of the session.
        unsafe {
            (*head).next = head;
            (*head).prev = head;
        }
    }

    /// The pool the session allocates from, `None` where it was never initialised.
    pub fn pool(self) -> Option<Pool<'h>> {
        // SAFETY: a live session, whose pool outlives it by the host's rule.
        unsafe { Pool::from_raw((*self.as_ptr()).pool) }
    }

    /// The endpoint, `None` where the session was never initialised.
    pub fn endpoint(self) -> Option<Endpoint<'h>> {
        // SAFETY: a live session, whose endpoint outlives it by the host's rule.
        unsafe { Endpoint::from_raw((*self.as_ptr()).endpt) }
    }

    /// The session this one shares everything with.
    #[cfg(pj_parent)]
    pub fn parent(self) -> Option<Session<'h>> {
        // SAFETY: a live session; its parent outlives the bond between them.
        unsafe { Session::from_raw((*self.as_ptr()).parent) }
    }

    /// Before 2.16 sessions have no parents.
    #[cfg(not(pj_parent))]
    pub fn parent(self) -> Option<Session<'h>> {
        None
    }

    /// Makes or ends (`None`) the bond with a parent.
    #[cfg(pj_parent)]
    pub fn set_parent(self, parent: Option<Session<'h>>) {
        let parent = parent.map_or(ptr::null_mut(), Session::as_ptr);
        // SAFETY: a live session.
        unsafe { (*self.as_ptr()).parent = parent };
    }

    /// Before 2.16 there is no bond to make or end.
    #[cfg(not(pj_parent))]
    pub fn set_parent(self, _parent: Option<Session<'h>>) {}

    /// The session that credentials, preferences and callbacks are taken from: the
    /// last of the parents. `None` where the chain does not end.
    #[inline(always)]
    pub fn root(self) -> Option<Session<'h>> {
        match self.parent() {
            None => Some(self),
            Some(parent) => parent.last_parent(),
        }
    }

    fn last_parent(self) -> Option<Session<'h>> {
        let mut session = self;
        for _ in 1..MAX_PARENTS {
            match session.parent() {
                None => return Some(session),
                Some(parent) => session = parent,
            }
        }
        None
    }

    /// The lock that a session gets when it becomes a parent; NULL is none.
    #[cfg(pj_parent)]
    pub fn lock(self) -> *mut abi::pj_lock_t {
        // SAFETY: a live session.
        unsafe { (*self.as_ptr()).lock }
    }

    /// Before 2.16 there is none.
    #[cfg(not(pj_parent))]
    pub fn lock(self) -> *mut abi::pj_lock_t {
        ptr::null_mut()
    }

    /// Sets what [`Session::lock`] returns.
    #[cfg(pj_parent)]
    pub fn set_lock(self, lock: *mut abi::pj_lock_t) {
        // SAFETY: a live session.
        unsafe { (*self.as_ptr()).lock = lock };
    }

    /// Before 2.16 there is nothing to set.
    #[cfg(not(pj_parent))]
    pub fn set_lock(self, _lock: *mut abi::pj_lock_t) {}

    /// Holds the session's lock, where it has one, until the guard goes.
    pub fn locked(self) -> Locked<'h> {
        // SAFETY: a live session; the lock lives as long as it does.
        unsafe {
            let lock = self.lock();
            if !lock.is_null() {
                abi::pj_lock_acquire(lock);
            }
            Locked(lock, PhantomData)
        }
    }

    /// The preferences.
    pub fn preferences(self) -> *mut abi::pjsip_auth_clt_pref {
        // SAFETY: a field of a live session.
        unsafe { &raw mut (*self.as_ptr()).pref }
    }

    /// Whether each request shall carry an empty answer.
    pub fn wants_initial_answer(self) -> bool {
        // SAFETY: a live session.
        unsafe { (*self.preferences()).initial_auth != 0 }
    }

    /// The algorithm that an empty answer names.
    pub fn preferred_algorithm(self) -> &'h [u8] {
        // SAFETY: a live session; the text is in its pool or ours for ever.
        unsafe { bytes(&(*self.preferences()).algorithm) }
    }

    /// The asynchronous callback and its user data, where they are configured, for
    /// this session or for all.
    #[inline(always)]
    pub fn callback(self) -> Option<abi::pjsip_auth_clt_async_setting> {
        let setting = match self.own_callback() {
            None => super::default_setting(self.endpoint()?.as_ptr()),
            Some(own) => own,
        };
        setting.cb.is_some().then_some(setting)
    }

    /// Those of this session.
    #[inline(always)]
    pub fn own_callback(self) -> Option<abi::pjsip_auth_clt_async_setting> {
        // SAFETY: a live session; the setting is in its pool.
        let setting = unsafe { (*self.callback_field()).as_ref() }?;
        setting.cb.is_some().then_some(*setting)
    }

    /// Where the asynchronous setting hangs.
    #[cfg(pj_async)]
    pub fn callback_field(self) -> *mut *mut abi::pjsip_auth_clt_async_setting {
        // SAFETY: a field of a live session.
        unsafe { &raw mut (*self.as_ptr()).async_opt }
    }

    /// Before 2.17 a session has no place for it: that of the pool which a
    /// remembered challenge has and the head of their list has not.
    #[cfg(not(pj_async))]
    pub fn callback_field(self) -> *mut *mut abi::pjsip_auth_clt_async_setting {
        // SAFETY: a field of a live session; one pointer is as large as another.
        unsafe { (&raw mut (*self.head()).pool).cast() }
    }

    /// How many credentials there are.
    pub fn credential_count(self) -> usize {
        // SAFETY: a live session. No reference to all of it: other threads write to
        // its owner's number.
        unsafe {
            if (*self.as_ptr()).cred_info.is_null() {
                0
            } else {
                (*self.as_ptr()).cred_cnt as usize
            }
        }
    }

    /// The credentials, as of now: hold the lock while they are looked at.
    pub fn credentials(self) -> impl Iterator<Item = Credential<'h>> {
        // SAFETY: a live session; the array has `credential_count` elements.
        (0..self.credential_count())
            .map(move |i| unsafe { Credential::from_raw((*self.as_ptr()).cred_info.add(i)) })
    }

    /// Replaces the array of credentials.
    pub fn set_credentials(self, array: *mut pjsip_cred_info, count: u32) {
        // SAFETY: a live session.
        unsafe {
            (*self.as_ptr()).cred_info = array;
            (*self.as_ptr()).cred_cnt = count;
        }
    }

    /// The block that holds the credentials, if it is one of ours: an application
    /// may have put an array of its own there.
    pub fn credential_block(self) -> Option<(NonNull<u8>, usize)> {
        // SAFETY: a live session.
        let (block, array) = unsafe { ((*self.head()).realm, (*self.as_ptr()).cred_info) };
        let start = NonNull::new(block.ptr.cast::<u8>())?;
        (array.is_null() || ptr::eq(array.cast(), start.as_ptr()))
            .then_some((start, usize::try_from(block.slen).ok()?))
    }

    /// Remembers the block that holds the credentials.
    pub fn set_credential_block(self, start: NonNull<u8>, capacity: usize) {
        // SAFETY: a live session.
        unsafe {
            (*self.head()).realm = Text {
                ptr: start.as_ptr().cast(),
                slen: capacity as abi::pj_ssize_t,
            };
        }
    }

    /// The number that this session's tokens are minted under; 0 is none yet.
    pub fn owner(self) -> u64 {
        self.owner_field().load(Acquire).addr() as u64
    }

    /// Gives the session a number, if it has none. Returns the one it has now.
    pub fn set_owner(self, number: u64) -> u64 {
        let marked = ptr::without_provenance_mut(number as usize);
        match self
            .owner_field()
            .compare_exchange(ptr::null_mut(), marked, AcqRel, Acquire)
        {
            Ok(_) => number,
            Err(other) => other.addr() as u64,
        }
    }

    /// Takes the number away and returns it.
    pub fn forget_owner(self) -> u64 {
        let none = self.owner_field().swap(ptr::null_mut(), AcqRel);
        none.addr() as u64
    }

    /// The head of a list has no last challenge: the pointer is never followed.
    fn owner_field(self) -> &'h AtomicPtr<abi::pjsip_www_authenticate_hdr> {
        // SAFETY: the field lives as long as the session, and is touched only here and
        // by `Session::reset`, before which there is nothing to race with.
        unsafe { AtomicPtr::from_ptr(&raw mut (*self.head()).last_chal) }
    }

    /// The algorithms this session refuses, as bits.
    pub fn refused(self) -> u8 {
        // SAFETY: a live session.
        unsafe { (*self.head()).is_proxy as u8 }
    }

    /// Sets what [`Session::refused`] returns.
    pub fn set_refused(self, bits: u8) {
        // SAFETY: a live session.
        unsafe { (*self.head()).is_proxy = i32::from(bits) };
    }

    /// The remembered challenges, oldest first.
    pub fn entries(self) -> impl Iterator<Item = CachedAuth<'h>> {
        // SAFETY: an entry of the session's list.
        self.entries_by(|entry| unsafe { (*entry).next })
    }

    /// The same, newest first.
    pub fn newest_entries(self) -> impl Iterator<Item = CachedAuth<'h>> {
        // SAFETY: an entry of the session's list.
        self.entries_by(|entry| unsafe { (*entry).prev })
    }

    /// Follows one of the links, which `link` reads of an entry or of the head.
    fn entries_by(
        self,
        link: impl Fn(*mut pjsip_cached_auth) -> *mut pjsip_cached_auth,
    ) -> impl Iterator<Item = CachedAuth<'h>> {
        let head = self.head();
        // A closed list of the session's, which changes under its lock only.
        let mut at = link(head);
        core::iter::from_fn(move || {
            if ptr::eq(at, head) {
                return None;
            }
            // SAFETY: as above. The link is read before the caller can move the entry.
            let entry = unsafe { CachedAuth::from_raw(at) }?;
            at = link(at);
            Some(entry)
        })
    }

    /// Puts an entry at the end of the list, first taking it out of its place if
    /// it is in there.
    pub fn append_entry(self, entry: CachedAuth<'h>) {
        let (head, node) = (self.head(), entry.as_ptr());
        // SAFETY: nodes of one closed list, changed under the session's lock.
        unsafe {
            if !(*node).next.is_null() {
                (*(*node).next).prev = (*node).prev;
                (*(*node).prev).next = (*node).next;
            }
            (*node).prev = (*head).prev;
            (*node).next = head;
            (*(*head).prev).next = node;
            (*head).prev = node;
        }
    }

    fn head(self) -> *mut pjsip_cached_auth {
        // SAFETY: a field of a live session.
        unsafe { &raw mut (*self.as_ptr()).cached_auth }
    }
}

/// A session whose lock is held.
pub struct Locked<'h>(*mut abi::pj_lock_t, PhantomData<&'h ()>);

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: acquired when the guard was made.
            unsafe { abi::pj_lock_release(self.0) };
        }
    }
}
