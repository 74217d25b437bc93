//! Messages: the challenged request and the response to it.

use super::challenge_header::{Challenge, challenge_of};
use super::pool::Pool;
use super::text::{Text, bytes};
use crate::pjsip::abi::{
    self, pjsip_authorization_hdr, pjsip_hdr, pjsip_msg, pjsip_rx_data, pjsip_tx_data,
};
use core::marker::PhantomData;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicI32, Ordering::Relaxed};

/// An outgoing request.
#[derive(Clone, Copy)]
pub struct Request<'h>(NonNull<pjsip_tx_data>, PhantomData<&'h ()>);

impl<'h> Request<'h> {
    /// # Safety
    /// `request` is NULL or lives for `'h`, and is not being sent.
    pub unsafe fn from_raw(request: *mut pjsip_tx_data) -> Option<Request<'h>> {
        NonNull::new(request).map(|request| Request(request, PhantomData))
    }

    /// The host's pointer.
    pub fn as_ptr(self) -> *mut pjsip_tx_data {
        self.0.as_ptr()
    }

    /// What the host's log calls it, zero-terminated.
    #[cfg(pj_log)]
    pub fn name(self) -> *const core::ffi::c_char {
        // SAFETY: a field of a live request.
        unsafe { (&raw const (*self.as_ptr()).obj_name).cast() }
    }

    /// The message, `None` where it is not a request.
    pub fn message(self) -> Option<*mut pjsip_msg> {
        // SAFETY: a live request; its message lives in its pool.
        unsafe {
            let message = (*self.as_ptr()).msg;
            (!message.is_null() && (*message).type_ == abi::PJSIP_REQUEST_MSG).then_some(message)
        }
    }

    /// The pool of the request.
    pub fn pool(self) -> Option<Pool<'h>> {
        // SAFETY: a live request, whose pool lives as long.
        unsafe { Pool::from_raw((*self.as_ptr()).pool) }
    }

    /// The method's name.
    pub fn method(self) -> &'h [u8] {
        // SAFETY: callers checked `message`; the name is static or in its pool.
        self.message().map_or(&[], |message| unsafe {
            bytes(&(*message).line.req.method.name)
        })
    }

    /// Whether the last challenge to it was answered.
    pub fn is_retried(self) -> bool {
        self.auth_retry().load(Relaxed) != 0
    }

    /// Whether it is a CANCEL, which cannot be sent again (RFC 3261 section 22.1).
    pub fn is_cancel(self) -> bool {
        // SAFETY: a live message.
        self.message().is_some_and(
            |message| unsafe { (*message).line.req.method.id } == abi::PJSIP_CANCEL_METHOD,
        )
    }

    /// Whether it begins a subscription or prolongs one, and so is of no use once that has ended.
    /// All else is: a SUBSCRIBE or a NOTIFY that says so to the peer, and a REFER, which the end
    /// of its subscription does not withdraw (RFC 3515 section 2.4.4).
    pub fn needs_subscription(self) -> bool {
        self.method() == b"SUBSCRIBE" && self.expires() != Some(0)
    }

    fn expires(self) -> Option<u32> {
        // SAFETY: the type of a header says which structure it begins.
        unsafe {
            let header = self
                .headers()
                .find(|&header| (*header).type_ == abi::PJSIP_H_EXPIRES)?;
            Some((*header.cast::<abi::pjsip_generic_int_hdr>()).ivalue)
        }
    }

    /// The method itself, as the AKA callback wants it.
    pub fn method_text(self) -> *const Text {
        // SAFETY: a field of the live message.
        self.message().map_or(ptr::null(), |message| unsafe {
            &raw const (*message).line.req.method.name
        })
    }

    /// The request URI as it will be sent, into `buffer`; `None` if it is longer.
    pub fn print_uri(self, buffer: &mut [u8]) -> Option<usize> {
        let message = self.message()?;
        // SAFETY: the message's own URI and its printing function, which writes at
        // most as many bytes as it is told.
        let length = unsafe {
            let uri = (*message).line.req.uri.cast::<abi::pjsip_uri>().as_ref()?;
            let print = (*uri.vptr).p_print?;
            print(
                abi::PJSIP_URI_IN_REQ_URI,
                ptr::from_ref(uri).cast(),
                buffer.as_mut_ptr().cast(),
                buffer.len() as abi::pj_size_t,
            )
        };
        usize::try_from(length)
            .ok()
            .filter(|&length| length > 0 && length <= buffer.len())
    }

    /// The body as it will be sent, from the request's pool if there is any.
    pub fn print_body(self) -> Option<&'h [u8]> {
        const FIRST: usize = 2048;
        let message = self.message()?;
        // SAFETY: the message's own body.
        let Some(body) = (unsafe { (*message).body.as_mut() }) else {
            return Some(&[]);
        };
        let print = body.print_body?;
        let limit = (abi::PJAUTH_MAX_PKT_LEN as usize).max(65535);
        for size in [FIRST.max(body.len as usize).min(limit), limit] {
            let room = self.pool()?.allocate(size).ok()?;
            // SAFETY: `size` bytes of the request's pool, and the body's own
            // function, which fails rather than write more.
            let length = unsafe { print(body, room.as_ptr().cast(), size as abi::pj_size_t) };
            if let Ok(length) = usize::try_from(length) {
                // SAFETY: just written, and nobody else's.
                return Some(unsafe {
                    core::slice::from_raw_parts(room.as_ptr(), length.min(size))
                });
            }
        }
        None
    }

    /// Notes whether the request has been prepared for another try.
    pub fn set_retry(self, retry: bool) {
        self.auth_retry().store(i32::from(retry), Relaxed);
    }

    /// Who answers may write it while another module is told of the same response.
    fn auth_retry(self) -> &'h AtomicI32 {
        // SAFETY: a number of a live request, which PJSIP's own code only reads.
        unsafe { AtomicI32::from_ptr(&raw mut (*self.as_ptr()).auth_retry) }
    }

    /// Makes the request one that can be sent again: a new branch, the route set as
    /// it was before a strict router changed it, and nothing printed.
    pub fn reopen(self) {
        // SAFETY: a live request that is not being sent.
        unsafe {
            if let Some(via) = self.headers().find(|hdr| (**hdr).type_ == abi::PJSIP_H_VIA) {
                (*via.cast::<abi::pjsip_via_hdr>()).branch_param.slen = 0;
            }
            abi::pjsip_restore_strict_route_set(self.as_ptr());
            abi::pjsip_tx_data_invalidate_msg(self.as_ptr());
        }
    }

    /// Puts an answer at the end of the message.
    pub fn add_header(self, header: *mut pjsip_authorization_hdr) {
        let Some(message) = self.message() else {
            return;
        };
        let header = header.cast::<pjsip_hdr>();
        // SAFETY: a closed list, and a header that is in none.
        unsafe {
            let head = &raw mut (*message).hdr;
            (*header).prev = (*head).prev;
            (*header).next = head;
            (*(*head).prev).next = header;
            (*head).prev = header;
        }
    }

    /// The digest answers in the request, to servers or to proxies.
    pub fn previous_answers(self, to_proxy: bool) -> impl Iterator<Item = PreviousAnswer<'h>> {
        self.headers()
            .filter_map(move |header| PreviousAnswer::of(header, to_proxy))
    }

    /// Whether there is a digest answer for a realm, to a server or to a proxy.
    pub fn answers(self, realm: &[u8]) -> bool {
        let is_for_realm = |answer: PreviousAnswer<'_>| answer.realm().eq_ignore_ascii_case(realm);
        self.headers().any(|header| {
            [false, true]
                .into_iter()
                .filter_map(|to_proxy| PreviousAnswer::of(header, to_proxy))
                .any(is_for_realm)
        })
    }

    fn headers(self) -> impl Iterator<Item = *mut pjsip_hdr> {
        // SAFETY: the message's list of headers.
        let head = self
            .message()
            .map(|message| unsafe { &raw mut (*message).hdr });
        // SAFETY: as above.
        unsafe { links(head) }
    }
}

/// The links of a closed list of headers, `head` left out. The link is read
/// before the caller can unlink it.
///
/// # Safety
/// The list is closed and changed by nobody else.
unsafe fn links(head: Option<*mut pjsip_hdr>) -> impl Iterator<Item = *mut pjsip_hdr> {
    // SAFETY: as the caller promises.
    let mut at = head.map_or(ptr::null_mut(), |head| unsafe { (*head).next });
    core::iter::from_fn(move || {
        if at.is_null() || Some(at) == head {
            return None;
        }
        let header = at;
        // SAFETY: as the caller promises.
        at = unsafe { (*header).next };
        Some(header)
    })
}

/// A digest answer that a request carries already.
#[derive(Clone, Copy)]
pub struct PreviousAnswer<'h>(*mut pjsip_authorization_hdr, PhantomData<&'h ()>);

impl<'h> PreviousAnswer<'h> {
    /// The answer that a header of a live message is, if it is one.
    fn of(header: *mut pjsip_hdr, to_proxy: bool) -> Option<PreviousAnswer<'h>> {
        let wanted = match to_proxy {
            true => abi::PJSIP_H_PROXY_AUTHORIZATION,
            false => abi::PJSIP_H_AUTHORIZATION,
        };
        // SAFETY: as said above; the type says what it is.
        unsafe {
            if (*header).type_ != wanted {
                return None;
            }
            let answer = header.cast::<pjsip_authorization_hdr>();
            let digest = bytes(&(*answer).scheme).eq_ignore_ascii_case(b"Digest");
            digest.then_some(PreviousAnswer(answer, PhantomData))
        }
    }

    /// The realm it answers for.
    pub fn realm(self) -> &'h [u8] {
        // SAFETY: a header of a live message, of the Digest scheme.
        unsafe { bytes(&(*self.0).credential.digest.realm) }
    }

    /// The nonce it answers.
    pub fn nonce(self) -> &'h [u8] {
        // SAFETY: a header of a live message, of the Digest scheme.
        unsafe { bytes(&(*self.0).credential.digest.nonce) }
    }

    /// Whether it names the user and answers nothing.
    pub fn is_empty(self) -> bool {
        // SAFETY: a header of a live message, of the Digest scheme.
        unsafe { bytes(&(*self.0).credential.digest.response) }.is_empty()
    }

    /// Takes it out of its message.
    pub fn remove(self) {
        // SAFETY: a header of a live message's closed list.
        unsafe {
            let header = self.0;
            (*(*header).prev).next = (*header).next;
            (*(*header).next).prev = (*header).prev;
            (*header).next = header;
            (*header).prev = header;
        }
    }
}

/// A received response.
#[derive(Clone, Copy)]
pub struct Response<'h> {
    message: NonNull<pjsip_msg>,
    packet: NonNull<pjsip_rx_data>,
    _message: PhantomData<&'h ()>,
}

impl<'h> Response<'h> {
    /// # Safety
    /// `rdata` is NULL or lives for `'h`, with its message parsed.
    pub unsafe fn from_raw(rdata: *const pjsip_rx_data) -> Option<Response<'h>> {
        let packet = NonNull::new(rdata.cast_mut())?;
        // SAFETY: as the caller promises.
        let message = unsafe { (*packet.as_ptr()).msg_info.msg };
        Some(Response {
            message: NonNull::new(message.cast())?,
            packet,
            _message: PhantomData,
        })
    }

    /// When it arrived, in milliseconds of the clock of the day. What was made by hand
    /// arrives now.
    #[inline]
    pub fn arrival_ms(self) -> u64 {
        // SAFETY: alive.
        let arrival = unsafe { (*self.packet.as_ptr()).pkt_info.timestamp };
        match u64::try_from(arrival.sec) {
            Ok(seconds) if seconds > 0 => seconds * 1000 + arrival.msec as u64,
            _ => super::wall_ms(),
        }
    }

    /// The status code, `None` where it is not a response.
    pub fn code(self) -> Option<i32> {
        // SAFETY: a live message; its type says which line it has.
        unsafe {
            let message = self.message.as_ref();
            (message.type_ == abi::PJSIP_RESPONSE_MSG).then_some(message.line.status.code)
        }
    }

    /// The challenges, from the top.
    pub fn challenges(self) -> impl Iterator<Item = Challenge<'h>> {
        // SAFETY: the list of headers of a live message, which nobody changes.
        unsafe {
            let head = &raw mut (*self.message.as_ptr()).hdr;
            links(Some(head)).filter_map(|header| challenge_of(header))
        }
    }

    /// The last challenge: from the bottom it is found soonest.
    #[inline]
    pub fn last_challenge(self) -> Option<Challenge<'h>> {
        // SAFETY: the closed list of headers of a live message, which nobody changes.
        unsafe {
            let head = &raw mut (*self.message.as_ptr()).hdr;
            let mut at = (*head).prev;
            while !ptr::eq(at, head) {
                if let Some(challenge) = challenge_of(at) {
                    return Some(challenge);
                }
                at = (*at).prev;
            }
        }
        None
    }
}
