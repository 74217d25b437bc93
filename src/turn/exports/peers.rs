//! Which peers clients reach: what a request names, and what an allocation may reach.

use core::ffi::{c_char, c_int, c_uint, c_void};
use std::ffi::CString;

use crate::handle::Handle;
use crate::stun::message::Message;
use crate::turn::core::action::Reach;

use super::call::call;
use super::observer::RequestState;
use super::types::{
    PJAUTH_TURN_CONNECTION, pjauth_turn_allocation, pjauth_turn_peer, pjauth_turn_request,
};
use super::{pointer, request_of, strings, value};

/// Writes one of the peers that a request names, which is for an observer that is asked
/// about each CreatePermission, ChannelBind and Connect (`ask_each`). A permission is for the
/// address, whatever the port.
///
/// @param request  The request.
/// @param index    From 0 on.
/// @param out   Gets the text.
/// @param size  Room in `out`.
/// @return the length of the text; 0 where it names no more, for one that cannot be read,
///         which the client gets 400 for, and for a dead handle.
///
/// RFC 8656, 10.1 and 12.1; RFC 6062, 4.3. Since 0.1.0.
///
/// # Safety
/// `out` is NULL or has room for `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_turn_request_peer(
    request: *const pjauth_turn_request,
    index: c_uint,
    out: *mut c_char,
    size: usize,
) -> usize {
    let peer = |state: &RequestState| {
        let message = Message::parse(&state.ask.message).ok()?;
        message.peers().nth(index as usize)?.ok()
    };
    value(0, || {
        let found = request_of(request).and_then(|state| peer(&state));
        let text = found.map(|peer| peer.to_string());
        // SAFETY: the caller's room.
        unsafe { strings::write(&text.unwrap_or_default(), out, size) }
    })
}

type OnPeer =
    unsafe extern "C" fn(*mut c_void, *mut pjauth_turn_allocation, *const pjauth_turn_peer);

/// The application's function that hears of peers, with its argument.
#[derive(Clone, Copy)]
pub struct PeerFunction(OnPeer, *mut c_void);

// SAFETY: the application promises that its function may be called from any
// thread with this argument, which we only pass on.
unsafe impl Send for PeerFunction {}
// SAFETY: likewise.
unsafe impl Sync for PeerFunction {}

/// Both of them.
#[derive(Clone, Copy, Default)]
pub struct PeerFunctions {
    pub begins: Option<PeerFunction>,
    pub ends: Option<PeerFunction>,
}

impl PeerFunction {
    pub fn new(function: OnPeer, user_data: *mut c_void) -> Self {
        PeerFunction(function, user_data)
    }

    pub fn tell(&self, allocation: Handle, reach: Reach) {
        let (channel, address) = match reach {
            Reach::Permission(ip) => (0, ip.to_string()),
            Reach::Channel(number, peer) => (c_int::from(number), peer.to_string()),
            Reach::Connection(peer) => (PJAUTH_TURN_CONNECTION, peer.to_string()),
        };
        let Ok(address) = CString::new(address) else {
            return;
        };
        let peer = pjauth_turn_peer {
            channel,
            address: address.as_ptr(),
        };
        let peer = (&raw const peer).cast_mut().cast();
        // SAFETY: the function takes these three words; peer and text outlive the
        // call. What it may throw has nowhere to be reported.
        unsafe { call(self.0 as *const c_void, [self.1, pointer(allocation), peer]) };
    }
}
