//! Authorization and Proxy-Authorization headers, in two steps: a [`Draft`] is
//! computed where nothing can throw, then made a header where nothing is held.

use super::challenge_header::{Challenge, link_parameter};
use super::credentials;
use super::message::Request;
use super::pool::Pool;
use super::text::Text;
use crate::pjsip::abi::{self, pjsip_authorization_hdr, pjsip_cred_info, pjsip_param};
use crate::pjsip::status::{EINVAL, ENOMEM, Status};
use core::marker::PhantomData;
use core::ptr::NonNull;

/// All that an answer's header holds. Texts are in the request's pool, or static.
#[derive(Clone, Copy)]
pub struct Draft<'h> {
    /// Whether it goes to a proxy.
    pub to_proxy: bool,
    /// The content.
    pub fields: Fields,
    /// Who computes the response, where it is not there yet.
    pub aka: Option<AkaCall<'h>>,
}

/// The content of a header, by authentication scheme.
#[derive(Clone, Copy)]
pub enum Fields {
    /// RFC 7616 section 3.4.
    Digest(Digest),
    /// An access token, sent unasked (RFC 8898).
    Bearer(Bearer),
}

/// The parameters of a bearer answer.
#[derive(Clone, Copy)]
pub struct Bearer {
    pub scheme: Text,
    pub username: Text,
    pub realm: Text,
    pub token: Text,
}

/// The parameters of a digest answer; empty ones are not sent.
#[derive(Clone, Copy)]
pub struct Digest {
    pub scheme: Text,
    pub username: Text,
    pub realm: Text,
    pub nonce: Text,
    pub uri: Text,
    pub response: Text,
    pub algorithm: Text,
    pub cnonce: Text,
    pub opaque: Text,
    pub qop: Text,
    pub nc: Text,
    /// Whether the user name goes hashed.
    pub userhash: bool,
}

impl Digest {
    /// An answer of the Digest scheme that says nothing yet.
    pub const EMPTY: Digest = Digest {
        scheme: Text::from_static(b"Digest"),
        username: Text::EMPTY,
        realm: Text::EMPTY,
        nonce: Text::EMPTY,
        uri: Text::EMPTY,
        response: Text::EMPTY,
        algorithm: Text::EMPTY,
        cnonce: Text::EMPTY,
        opaque: Text::EMPTY,
        qop: Text::EMPTY,
        nc: Text::EMPTY,
        userhash: false,
    };
}

/// A callback that computes an AKA response, with a copy of its credential, so that
/// it runs without the session's lock.
#[derive(Clone, Copy)]
pub struct AkaCall<'h> {
    /// The application's callback, or PJSIP's own.
    pub callback: abi::pjsip_cred_cb,
    /// From [`credentials::copy_to_pool`]; wiped after the call.
    pub credential: (NonNull<pjsip_cred_info>, usize),
    /// The challenge as it came.
    pub challenge: Challenge<'h>,
}

/// A header that is ready to be put into its request.
#[derive(Clone, Copy)]
pub struct Header<'h>(*mut pjsip_authorization_hdr, PhantomData<&'h ()>);

impl<'h> Header<'h> {
    /// Puts it at the end of the request it was made for.
    pub fn add_to(self, request: Request<'h>) {
        request.add_header(self.0);
    }
}

impl<'h> Draft<'h> {
    /// Makes the header, in the pool of `request`; it is in no message yet.
    ///
    /// To be called with nothing held, and outside the panic barrier: it runs the
    /// host's code, which may throw on exhausted memory, and an AKA callback.
    pub fn header(&self, request: Request<'h>) -> Result<Header<'h>, Status> {
        let pool = request.pool().ok_or(EINVAL)?;
        let header = self.create(pool)?;
        // SAFETY: a header fresh from the host.
        unsafe {
            match &self.fields {
                Fields::Bearer(bearer) => write_bearer(header, bearer),
                Fields::Digest(digest) => write_digest(header, digest, pool)?,
            }
        }
        self.call_aka(header, request, pool)?;
        Ok(Header(header, PhantomData))
    }

    fn create(&self, pool: Pool<'h>) -> Result<*mut pjsip_authorization_hdr, Status> {
        // SAFETY: a live pool.
        let header = unsafe {
            if self.to_proxy {
                abi::pjsip_proxy_authorization_hdr_create(pool.as_ptr())
            } else {
                abi::pjsip_authorization_hdr_create(pool.as_ptr())
            }
        };
        if header.is_null() {
            Err(ENOMEM)
        } else {
            Ok(header)
        }
    }

    fn call_aka(
        &self,
        header: *mut pjsip_authorization_hdr,
        request: Request<'h>,
        pool: Pool<'h>,
    ) -> Result<(), Status> {
        let Some(AkaCall {
            callback: Some(callback),
            credential,
            challenge,
        }) = self.aka
        else {
            return Ok(());
        };
        // SAFETY: the callback gets what pjsip_cred_cb promises it: live structures
        // of this call. The copy of the credential is ours to wipe.
        let status = unsafe {
            let status = callback(
                pool.as_ptr(),
                &raw const (*challenge.as_ptr()).challenge.digest,
                credential.0.as_ptr(),
                request.method_text(),
                &raw mut (*header).credential.digest,
            );
            credentials::wipe_copy(credential);
            status
        };
        super::check(status)
    }
}

/// # Safety
/// `header` is fresh from the host.
unsafe fn write_bearer(header: *mut pjsip_authorization_hdr, from: &Bearer) {
    // SAFETY: as the caller promises; the union's member for this scheme.
    unsafe {
        (*header).scheme = from.scheme;
        let to = &mut (*header).credential.oauth;
        to.username = from.username;
        to.realm = from.realm;
        to.token = from.token;
    }
}

/// # Safety
/// `header` is fresh from the host, its list of parameters empty.
unsafe fn write_digest(
    header: *mut pjsip_authorization_hdr,
    from: &Digest,
    pool: Pool<'_>,
) -> Result<(), Status> {
    let userhash = if from.userhash {
        Some(
            pool.allocate(size_of::<pjsip_param>())?
                .cast::<pjsip_param>(),
        )
    } else {
        None
    };
    // SAFETY: as the caller promises; the parameter lives in the header's pool.
    unsafe {
        (*header).scheme = from.scheme;
        let to = &mut (*header).credential.digest;
        to.username = from.username;
        to.realm = from.realm;
        to.nonce = from.nonce;
        to.uri = from.uri;
        to.response = from.response;
        to.algorithm = from.algorithm;
        to.cnonce = from.cnonce;
        to.opaque = from.opaque;
        to.qop = from.qop;
        to.nc = from.nc;
        if let Some(parameter) = userhash {
            let head = &raw mut to.other_param;
            link_parameter(head, parameter.as_ptr(), b"userhash", b"true");
        }
    }
    Ok(())
}
