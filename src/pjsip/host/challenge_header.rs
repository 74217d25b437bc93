//! The challenge in a 401 or 407, and how it is kept.

use super::pool::Pool;
use super::text::{Text, bytes};
use crate::pjsip::abi::{self, pjsip_hdr, pjsip_param, pjsip_www_authenticate_hdr};
use crate::pjsip::status::Status;
use core::marker::PhantomData;
use core::ptr::{self, NonNull};

/// How many texts [`Challenge::texts`] returns.
const TEXTS: usize = 7;

/// A WWW-Authenticate or Proxy-Authenticate header.
#[derive(Clone, Copy)]
pub struct Challenge<'h>(NonNull<pjsip_www_authenticate_hdr>, PhantomData<&'h ()>);

impl<'h> Challenge<'h> {
    /// # Safety
    /// `header` is NULL or lives, unchanged, for `'h`.
    pub unsafe fn from_raw(header: *const pjsip_www_authenticate_hdr) -> Option<Challenge<'h>> {
        NonNull::new(header.cast_mut()).map(|header| Challenge(header, PhantomData))
    }

    /// The host's header.
    pub fn as_ptr(self) -> *const pjsip_www_authenticate_hdr {
        self.0.as_ptr()
    }

    /// Scheme, realm, domain, nonce, opaque, algorithm and qop, without quotes.
    /// Those after the scheme mean something under the Digest scheme only.
    pub fn texts(self) -> [&'h [u8]; TEXTS] {
        // SAFETY: a live header; PJSIP's parser leaves what it does not know empty.
        unsafe {
            let header = self.0.as_ref();
            let digest = &header.challenge.digest;
            [
                bytes(&header.scheme),
                bytes(&digest.realm),
                bytes(&digest.domain),
                bytes(&digest.nonce),
                bytes(&digest.opaque),
                bytes(&digest.algorithm),
                bytes(&digest.qop),
            ]
        }
    }

    /// The realm.
    pub fn realm(self) -> &'h [u8] {
        let [_, realm, ..] = self.texts();
        realm
    }

    /// The nonce.
    pub fn nonce(self) -> &'h [u8] {
        let [_, _, _, nonce, ..] = self.texts();
        nonce
    }

    /// Whether the two are answered alike.
    pub fn is_like(self, other: Challenge<'_>) -> bool {
        self.texts() == other.texts() && self.userhash() == other.userhash()
    }

    /// Whether the user's name is to be hashed (RFC 7616 section 3.4.4).
    pub fn userhash(self) -> bool {
        self.parameter(b"userhash")
            .is_some_and(crate::digest::is_true)
    }

    /// Whether it is a proxy that asks.
    pub fn is_from_proxy(self) -> bool {
        // SAFETY: a live header.
        unsafe { self.0.as_ref() }.type_ == abi::PJSIP_H_PROXY_AUTHENTICATE
    }

    /// Whether the server calls the nonce stale.
    pub fn stale(self) -> bool {
        // SAFETY: a live header.
        unsafe { self.0.as_ref().challenge.digest.stale != 0 }
    }

    /// The value of a parameter PJSIP's parser does not know.
    pub fn parameter(self, name: &[u8]) -> Option<&'h [u8]> {
        // SAFETY: a live header with its closed list of parameters.
        unsafe {
            let head = &raw const (*self.0.as_ptr()).challenge.digest.other_param;
            let mut at: *const pjsip_param = (*head).next;
            while !at.is_null() && !ptr::eq(at, head) {
                if bytes(&(*at).name).eq_ignore_ascii_case(name) {
                    return Some(bytes(&(*at).value));
                }
                at = (*at).next;
            }
        }
        None
    }

    /// A copy that lives in `pool`.
    pub fn copy(self, pool: Pool<'h>) -> Result<Challenge<'h>, Status> {
        let header = pool
            .allocate(size_of::<pjsip_www_authenticate_hdr>())?
            .cast();
        let kept = pool.allocate(size_of::<pjsip_param>())?.cast();
        let texts = pool.copy(self.texts())?;
        // SAFETY: room of that size in the pool, made just now.
        unsafe { self.copy_to(header.as_ptr(), kept.as_ptr(), texts) };
        Ok(Challenge(header, PhantomData))
    }

    /// Copies the header to `to`, with `texts` (in the order of
    /// [`Challenge::texts`]) in place of its own. Of the parameters PJSIP does not
    /// know `userhash` alone is kept, in `kept`.
    ///
    /// # Safety
    /// `to` and `kept` are ours to write, and live as long as each other.
    pub unsafe fn copy_to(
        self,
        to: *mut pjsip_www_authenticate_hdr,
        kept: *mut pjsip_param,
        texts: [Text; TEXTS],
    ) {
        let [scheme, realm, domain, nonce, opaque, algorithm, qop] = texts;
        // SAFETY: as the caller promises; the source is a live header.
        unsafe {
            ptr::copy_nonoverlapping(self.0.as_ptr(), to, 1);
            (*to).next = to;
            (*to).prev = to;
            (*to).scheme = scheme;
            let digest = &mut (*to).challenge.digest;
            digest.realm = realm;
            digest.domain = domain;
            digest.nonce = nonce;
            digest.opaque = opaque;
            digest.algorithm = algorithm;
            digest.qop = qop;
            let head = &raw mut digest.other_param;
            (*head).next = head;
            (*head).prev = head;
            if self.userhash() {
                link_parameter(head, kept, b"userhash", b"true");
            }
        }
    }
}

/// Appends a parameter that lives at `at` to the closed list of `head`.
///
/// # Safety
/// `at` is ours to write and lives as long as the list.
pub unsafe fn link_parameter(
    head: *mut pjsip_param,
    at: *mut pjsip_param,
    name: &'static [u8],
    value: &'static [u8],
) {
    // SAFETY: as the caller promises.
    unsafe {
        (*at).name = Text::from_static(name);
        (*at).value = Text::from_static(value);
        (*at).next = head;
        (*at).prev = (*head).prev;
        (*(*head).prev).next = at;
        (*head).prev = at;
    }
}

/// The challenge that a header is, if it is one.
///
/// # Safety
/// The header lives, unchanged, for `'h`.
#[inline]
pub unsafe fn challenge_of<'h>(header: *mut pjsip_hdr) -> Option<Challenge<'h>> {
    // SAFETY: as the caller promises; a header of these types is a challenge.
    unsafe {
        let kind = (*header).type_;
        let is_challenge =
            kind == abi::PJSIP_H_WWW_AUTHENTICATE || kind == abi::PJSIP_H_PROXY_AUTHENTICATE;
        is_challenge.then(|| Challenge::from_raw(header.cast()))?
    }
}
