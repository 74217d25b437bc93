//! What stands behind a challenge token: pointers of the host's, as plain words, so
//! that the slab can keep them without a lock.

use crate::handle::Words;
use crate::pjsip::abi::{
    pj_grp_lock_t, pjsip_auth_clt_async_impl_abandon, pjsip_auth_clt_async_impl_send,
    pjsip_auth_clt_async_impl_token, pjsip_auth_clt_sess, pjsip_endpoint, pjsip_tx_data,
};
use crate::pjsip::status::{EINVAL, EUNKNOWN, Status};
use core::ffi::c_void;
use core::ptr::{self, NonNull};

/// How many words the slab keeps of a challenge: a [`Token`], then a [`Listing`].
pub const WORDS: usize = TOKEN_WORDS + REALM / 8;

/// How many of them are the [`Token`].
pub const TOKEN_WORDS: usize = FACTS + 1;

/// Which of them has the status code, above it the length of the realm, then who asks.
const FACTS: usize = 8;
const ASKER_SHIFT: u32 = 32;

/// Who hands a challenge over.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Asker {
    /// A registration, say, or our own module.
    Other,
    /// A module that sends in a dialog, whose own session the challenge came to.
    Dialog,
    /// A subscription of PJSIP's, which is in a dialog as well.
    Subscription,
    /// One that ended when its last NOTIFY was sent, which this is about: that is due all the
    /// same, and of its end everybody knows.
    Ended,
}

/// What a module of the host's hands over with a challenge, and what is there until the
/// application has been asked.
#[derive(Clone, Copy)]
pub struct Implementation(NonNull<pjsip_auth_clt_async_impl_token>);

impl Implementation {
    /// # Safety
    /// `token` is NULL, or there until the application is asked.
    pub unsafe fn from_raw(token: *const pjsip_auth_clt_async_impl_token) -> Option<Self> {
        NonNull::new(token.cast_mut()).map(Implementation)
    }

    /// A copy.
    #[inline(always)]
    pub fn get(self) -> pjsip_auth_clt_async_impl_token {
        // SAFETY: still there.
        unsafe { self.0.read() }
    }
}

/// Bytes of a challenge's realm that are kept for listings; the rest is cut off.
pub const REALM: usize = 48;

/// One deferred challenge. Whoever takes it from the slab owns one reference of
/// the group lock and one of the request.
#[derive(Clone, Copy)]
pub struct Token {
    /// What the implementation wants back.
    pub user_data: *mut c_void,
    /// Sends the new request.
    pub send: pjsip_auth_clt_async_impl_send,
    /// Ends the operation; may be absent.
    pub abandon: pjsip_auth_clt_async_impl_abandon,
    /// Keeps the transaction alive; may be NULL.
    pub group_lock: *mut pj_grp_lock_t,
    /// The session the challenge came to.
    pub session: *mut pjsip_auth_clt_sess,
    /// The last of its parents, or itself: what implementations get to see.
    pub root: *mut pjsip_auth_clt_sess,
    /// The challenged request.
    pub request: *mut pjsip_tx_data,
    /// The endpoint all this lives in.
    pub endpoint: *mut pjsip_endpoint,
    /// What `user_data` is.
    pub asker: Asker,
}

/// What listings say of a challenge.
#[derive(Clone, Copy)]
pub struct Listing {
    /// Status code of the response.
    pub code: u16,
    /// Bytes of `realm` that are used.
    pub realm_length: u8,
    /// The last challenge's realm.
    pub realm: [u8; REALM],
}

impl Token {
    /// As plain words.
    #[inline(always)]
    pub fn to_words(self) -> [u64; TOKEN_WORDS] {
        [
            self.user_data.expose_provenance() as u64,
            self.send.map_or(0, |f| f as usize as u64),
            self.abandon.map_or(0, |f| f as usize as u64),
            self.group_lock.expose_provenance() as u64,
            self.session.expose_provenance() as u64,
            self.root.expose_provenance() as u64,
            self.request.expose_provenance() as u64,
            self.endpoint.expose_provenance() as u64,
            (self.asker as u64) << ASKER_SHIFT,
        ]
    }

    /// Writes itself and what listings say into the slab. `realm` is cut off where it is
    /// longer than [`REALM`].
    #[inline(always)]
    pub fn write(self, to: &Words<WORDS>, code: u16, realm: &[u8]) {
        let realm = &realm[..realm.len().min(REALM)];
        let mut words = self.to_words();
        words[FACTS] |= u64::from(code) | (realm.len() as u64) << 16;
        for (i, word) in words.into_iter().enumerate() {
            to.set_word(i, word);
        }
        let (whole, rest) = realm.as_chunks();
        for (i, bytes) in whole.iter().enumerate() {
            to.set_word(TOKEN_WORDS + i, u64::from_le_bytes(*bytes));
        }
        if !rest.is_empty() {
            to.set_word(TOKEN_WORDS + whole.len(), last_word(realm, rest));
        }
    }

    /// What [`Token::to_words`] or [`Token::write`] was made of.
    ///
    /// # Safety
    /// `words` begins with what those functions wrote.
    #[inline]
    pub unsafe fn from_words<const N: usize>(words: [u64; N]) -> Token {
        const { assert!(N >= TOKEN_WORDS) };
        fn pointer<T>(word: u64) -> *mut T {
            ptr::with_exposed_provenance_mut(word as usize)
        }
        Token {
            user_data: pointer(words[0]),
            // SAFETY: 0 is `None`, anything else was a function of this type.
            send: unsafe {
                core::mem::transmute::<*mut (), pjsip_auth_clt_async_impl_send>(pointer(words[1]))
            },
            // SAFETY: as above.
            abandon: unsafe {
                core::mem::transmute::<*mut (), pjsip_auth_clt_async_impl_abandon>(pointer(
                    words[2],
                ))
            },
            group_lock: pointer(words[3]),
            session: pointer(words[4]),
            root: pointer(words[5]),
            request: pointer(words[6]),
            endpoint: pointer(words[7]),
            // SAFETY: written from an `Asker`.
            asker: unsafe {
                core::mem::transmute::<u8, Asker>((words[FACTS] >> ASKER_SHIFT) as u8)
            },
        }
    }

    /// Whether what is to be sent is sent in the dialog whose own session this is.
    #[inline(always)]
    pub fn is_in_dialog(&self) -> bool {
        self.asker != Asker::Other
    }

    /// Whether a session is the challenge's own, or the root of that.
    #[inline]
    pub fn is_of(&self, session: *mut pjsip_auth_clt_sess) -> bool {
        ptr::eq(self.session, session) || ptr::eq(self.root, session)
    }

    /// Drops the references. What they kept alive may go with them.
    ///
    /// # Safety
    /// The caller took this token, and drops its references only here. What it held
    /// is discarded.
    pub unsafe fn drop_references(self) {
        // SAFETY: the references are the token's own. The request goes first: the
        // group lock's pool is what the application's callbacks still look at.
        unsafe {
            super::drop_request(self.request);
            super::drop_group_lock(self.group_lock);
        }
    }

    /// Hands the new request to the implementation, which consumes its reference.
    ///
    /// To the application `PJ_EINVAL` means that the request is still its own. An
    /// implementation that fails with that status has it mean something else, so
    /// that nobody releases the request twice.
    ///
    /// # Safety
    /// The caller took this token; `request` is alive and its reference goes with it.
    pub unsafe fn call_send(&self, request: *mut pjsip_tx_data) -> Status {
        // SAFETY: the token's references keep what the implementation needs alive.
        let send = |send: unsafe extern "C-unwind" fn(_, _, _) -> _| unsafe {
            send(self.root, self.user_data, request)
        };
        match self.send.map_or(EINVAL, send) {
            EINVAL => EUNKNOWN,
            status => status,
        }
    }

    /// Tells the implementation that there will be no new request.
    ///
    /// # Safety
    /// The caller took this token.
    pub unsafe fn call_abandon(&self) {
        if let Some(abandon) = self.abandon.filter(|_| self.asker != Asker::Ended) {
            // SAFETY: the token's references keep what the implementation needs alive.
            unsafe { abandon(self.root, self.user_data) };
        }
    }
}

/// The rest of a text behind its whole words: the last eight bytes, or fewer where there
/// are not so many. Read in one piece: bytes that are put together in memory can be read as
/// a word after a stall only.
#[inline(always)]
fn last_word(text: &[u8], rest: &[u8]) -> u64 {
    match text.last_chunk() {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => rest
            .iter()
            .rfold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

impl Listing {
    /// What [`Token::write`] was given.
    pub fn from_words(words: &[u64; WORDS]) -> Listing {
        let facts = words[FACTS];
        let realm_length = (facts >> 16) as u8;
        // What is behind the realm is another's, from before.
        let used = usize::from(realm_length);
        let (whole, rest) = (used / 8, used % 8);
        let mut realm = [0; REALM];
        let (places, _) = realm.as_chunks_mut();
        for (bytes, word) in places[..whole].iter_mut().zip(&words[TOKEN_WORDS..]) {
            *bytes = word.to_le_bytes();
        }
        if rest > 0 {
            let last = words[TOKEN_WORDS + whole].to_le_bytes();
            let length = used.min(8);
            realm[used - length..used].copy_from_slice(&last[..length]);
        }
        Listing {
            code: facts as u16,
            realm_length,
            realm,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Asker, Listing, REALM, Token, WORDS};
    use crate::handle::{Cell, Words};
    use core::ptr;

    #[test]
    fn a_listing_has_the_realm_up_to_its_limit() {
        let token = Token {
            user_data: ptr::null_mut(),
            send: None,
            abandon: None,
            group_lock: ptr::null_mut(),
            session: ptr::null_mut(),
            root: ptr::null_mut(),
            request: ptr::null_mut(),
            endpoint: ptr::null_mut(),
            asker: Asker::Subscription,
        };
        let text: Vec<u8> = (1..=60).collect();
        for length in 0..=text.len() {
            let cell = Words::<WORDS>::default();
            cell.put([u64::MAX; WORDS]);
            token.write(&cell, 407, &text[..length]);
            let listing = Listing::from_words(&cell.first());
            let kept = length.min(REALM);
            assert_eq!(
                (listing.code, usize::from(listing.realm_length)),
                (407, kept)
            );
            assert_eq!(listing.realm[..kept], text[..kept]);
            assert_eq!(listing.realm[kept..], [0; REALM][kept..]);
        }
    }
}
