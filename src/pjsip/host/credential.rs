//! One credential of a session's, or of the application's.

use super::text::bytes;
use crate::pjsip::abi::{self, pjsip_cred_info};
use core::marker::PhantomData;
use core::ptr::NonNull;

/// One credential.
#[derive(Clone, Copy)]
pub struct Credential<'h>(NonNull<pjsip_cred_info>, PhantomData<&'h ()>);

impl<'h> Credential<'h> {
    /// # Safety
    /// `credential` points to a credential that lives, unchanged, for `'h`.
    pub unsafe fn from_raw(credential: *const pjsip_cred_info) -> Credential<'h> {
        // SAFETY: the caller vouches for it, so it is not NULL.
        Credential(
            unsafe { NonNull::new_unchecked(credential.cast_mut()) },
            PhantomData,
        )
    }

    /// The structure itself.
    pub fn get(self) -> &'h pjsip_cred_info {
        // SAFETY: alive and unchanged for 'h.
        unsafe { self.0.as_ref() }
    }

    /// The realm it is for; `*` is any.
    pub fn realm(self) -> &'h [u8] {
        // SAFETY: the credential's own text.
        unsafe { bytes(&self.get().realm) }
    }

    /// The authentication scheme.
    pub fn scheme(self) -> &'h [u8] {
        // SAFETY: the credential's own text.
        unsafe { bytes(&self.get().scheme) }
    }

    /// The user name.
    pub fn username(self) -> &'h [u8] {
        // SAFETY: the credential's own text.
        unsafe { bytes(&self.get().username) }
    }

    /// The password, or what stands for it.
    pub fn data(self) -> &'h [u8] {
        // SAFETY: the credential's own text.
        unsafe { bytes(&self.get().data) }
    }

    /// The algorithm that a hash is of.
    #[cfg(pj_algorithms)]
    pub fn algorithm_type(self) -> abi::pjsip_auth_algorithm_type {
        self.get().algorithm_type
    }

    /// Before 2.15 a hash does not say what it is of: its length does.
    #[cfg(not(pj_algorithms))]
    pub fn algorithm_type(self) -> abi::pjsip_auth_algorithm_type {
        let is_hash = self.get().data_type & super::DATA_MASK == abi::PJSIP_CRED_DATA_DIGEST as i32;
        match self.data().len() {
            _ if !is_hash => abi::PJSIP_AUTH_ALGORITHM_NOT_SET,
            64 => abi::PJSIP_AUTH_ALGORITHM_SHA256,
            _ => abi::PJSIP_AUTH_ALGORITHM_MD5,
        }
    }

    /// K, OP and AMF of an AKA credential.
    pub fn aka_keys(self) -> [&'h [u8]; 3] {
        // SAFETY: the union has this one member; the texts are the credential's own.
        unsafe {
            let aka = &self.get().ext.aka;
            [bytes(&aka.k), bytes(&aka.op), bytes(&aka.amf)]
        }
    }

    /// The callback that computes an AKA answer.
    pub fn aka_callback(self) -> abi::pjsip_cred_cb {
        // SAFETY: the union has this one member.
        unsafe { self.get().ext.aka.cb }
    }
}
