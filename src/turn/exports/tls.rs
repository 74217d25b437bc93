//! Certificates, and what is known of TLS.
#![allow(non_camel_case_types)]

use core::ffi::{c_char, c_uint};
use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::turn::driver::{BadTls, Level, Pair, Pem};
use crate::turn::status::{self, EINVAL, EINVALIDOP, ENOTSUP, Status};

use super::arrays::each;
use super::observer::RequestState;
use super::request;
use super::server::running;
use super::types::{pjauth_turn_request, pjauth_turn_server};
use super::{guard, server_of, strings};

/// A certificate of the server's and its private key, both in PEM.
#[repr(C)]
pub struct pjauth_turn_certificate {
    /// Name of a file: the certificate, and after it those that lead to the one that
    /// clients trust. It is read when the server starts. NULL where `chain` is given.
    pub chain_file: *const c_char,
    /// Name of the file of the key, which may be that of the certificate. NULL where
    /// `key` is given.
    pub key_file: *const c_char,
    /// What would stand in the file, terminated.
    pub chain: *const c_char,
    /// Likewise, of the key: PKCS #8, PKCS #1 or SEC 1, not encrypted.
    pub key: *const c_char,
}

/// Serves TLS with other certificates from now on, such as those that replace some
/// which are about to expire. Connections that exist stay, and so do the tickets by
/// which clients come back.
///
/// @param server        The server.
/// @param certificates  As in `pjauth_turn_options`; their files are read now.
/// @param count         How many: at least one.
/// @return 0; PJ_EINVAL for a dead handle, for certificates that are none, or one that
///         does not belong to its key; PJ_EINVALIDOP when the server does not run or
///         has no TLS listener; the system's error, as PJLIB's PJ_STATUS_FROM_OS gives
///         it, for a file that cannot be read. `pjauth_turn_server_error()` says more.
///         Unless it is 0, the server goes on with those that it had. A stop forgets
///         it: a start takes those of the options.
///
/// Source: RFC 8656, 3.1; RFC 6066, 3. Since 0.1.0.
///
/// # Safety
/// The array is as long as its count says, and its strings are terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_turn_server_set_certificates(
    server: *mut pjauth_turn_server,
    certificates: *const pjauth_turn_certificate,
    count: c_uint,
) -> Status {
    guard(|| {
        // SAFETY: the caller's array.
        let pairs = unsafe { read_certificates(certificates, count) }?;
        let state = server_of(server).ok_or(EINVAL)?;
        let replaced = running(server)?.set_certificates(&pairs);
        state.remember(&replaced);
        replaced.map_err(|error| {
            state.log(Level::Warning, &format!("certificates: {error}"));
            status_of(&error)
        })
    })
}

/// Writes whose certificate the client has shown in its TLS handshake: the subject as
/// RFC 4514 writes it, such as `CN=joe,O=Example`. One of `client_authorities` has
/// signed it, and the client holds its key. That is all that is known: whether it may
/// use the name in the request is yours to say.
///
/// @param request  The request.
/// @param out      Gets the text.
/// @param size     Room in `out`.
/// @return the length of the text; 0 without a certificate, over UDP and TCP, and for a
///         dead handle.
///
/// Since 0.1.0.
///
/// # Safety
/// `out` is NULL or has room for `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_turn_request_client_certificate(
    request: *const pjauth_turn_request,
    out: *mut c_char,
    size: usize,
) -> usize {
    let subject = |state: &RequestState| state.ask.certified.as_deref().unwrap_or("").to_owned();
    // SAFETY: the caller's room.
    unsafe { request::write(request, out, size, subject) }
}

/// The status that says why there can be no TLS.
pub fn status_of(error: &BadTls) -> Status {
    match error {
        BadTls::Absent => ENOTSUP,
        BadTls::Unused => EINVALIDOP,
        BadTls::File(_, error) => status::of_system(error),
        BadTls::Bad(_) => EINVAL,
    }
}

/// Certificates, as options and changes give them.
///
/// # Safety
/// NULL, or as many as `count` says, with terminated strings.
pub unsafe fn read_certificates(
    first: *const pjauth_turn_certificate,
    count: c_uint,
) -> Result<Vec<Pair>, Status> {
    // SAFETY: the caller's array and strings.
    unsafe {
        each(first, count, |certificate| {
            let chain = read_pem(certificate.chain_file, certificate.chain)?;
            let key = read_pem(certificate.key_file, certificate.key)?;
            Ok(Pair { chain, key })
        })
    }
}

/// Who signs clients' certificates, as options give it.
///
/// # Safety
/// NULL, or with terminated strings.
pub unsafe fn read_authorities(
    given: *const pjauth_turn_certificate,
) -> Result<Option<Pem>, Status> {
    // SAFETY: the caller's structure and strings.
    unsafe {
        match given.as_ref() {
            None => Ok(None),
            Some(given) if given.key_file.is_null() && given.key.is_null() => {
                read_pem(given.chain_file, given.chain).map(Some)
            }
            Some(_) => Err(EINVAL),
        }
    }
}

/// One of a file's name and a text.
unsafe fn read_pem(file: *const c_char, text: *const c_char) -> Result<Pem, Status> {
    // SAFETY: the caller's terminated strings.
    unsafe {
        match (file.is_null(), text.is_null()) {
            (false, true) => Ok(Pem::File(PathBuf::from(strings::read(file)?))),
            (true, false) => {
                let text = strings::read(text)?.as_bytes().to_vec();
                Ok(Pem::Text(Zeroizing::new(text)))
            }
            _ => Err(EINVAL),
        }
    }
}
