//! What a request carries, attribute by attribute.

use core::ffi::{c_char, c_int, c_uint};
use std::net::SocketAddr;

use crate::handle::Handle;
use crate::stun::address::decode_xor;
use crate::stun::attributes::kind;
use crate::stun::message::Message;
use crate::turn::status::{EINVAL, Status};

use super::observer::RequestState;
use super::types::{pjauth_turn_attribute, pjauth_turn_request};
use super::{ATTRIBUTES, guard, handle, pointer, request_of, strings, value};

/// An attribute that was asked for: where it is in the request's message.
pub struct AttributeState {
    /// Whose it is. It dies with that handle.
    request: Handle,
    bytes: Box<[u8]>,
    address: Option<SocketAddr>,
}

/// The handles of those that were asked for, by type and place.
#[derive(Default)]
pub struct Attributes(Vec<((u16, usize), Handle)>);

impl Drop for Attributes {
    fn drop(&mut self) {
        for (_, handle) in &self.0 {
            ATTRIBUTES.take(*handle);
        }
    }
}

/// Copies the twelve bytes that name the client's transaction.
///
/// @param request  The request.
/// @param out  Room for 12 bytes.
/// @return 0, or PJ_EINVAL for a NULL or a dead handle.
///
/// RFC 8489, 5. Since 0.1.0.
///
/// # Safety
/// `out` is NULL or has room for 12 bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_turn_request_transaction_id(
    request: *const pjauth_turn_request,
    out: *mut u8,
) -> Status {
    guard(|| {
        let state = request_of(request).ok_or(EINVAL)?;
        let message = Message::parse(&state.ask.message).map_err(|_| EINVAL)?;
        if out.is_null() {
            return Err(EINVAL);
        }
        // SAFETY: the caller's 12 bytes.
        unsafe { out.cast::<[u8; 12]>().write(*message.id()) };
        Ok(())
    })
}

/// The types of all attributes of a request, in the order in which they came.
///
/// @param request  The request.
/// @param index  From 0 on.
/// @return the type; 0 where there are no more, or for a dead handle.
///
/// What counts is here: what follows MESSAGE-INTEGRITY is not (RFC 8489, 14.5).
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn pjauth_turn_request_attribute_type(
    request: *const pjauth_turn_request,
    index: c_uint,
) -> c_int {
    let kind = || {
        let state = request_of(request)?;
        let message = Message::parse(&state.ask.message).ok()?;
        let (kind, _) = message.attributes().nth(index as usize)?;
        Some(c_int::from(kind))
    };
    value(None, kind).unwrap_or(0)
}

/// An attribute of a request, as the client sent it.
///
/// @param request  The request.
/// @param type   Its type, such as 0x000D for LIFETIME.
/// @param index  0 for the first of that type, 1 for the second.
/// @return its handle, which may be asked from any thread and dies with the
///         request's; NULL where there is none, or for a dead handle.
///
/// A client has its own ways to name and prove itself (RFC 8489, 14.4, 14.6):
/// 0x0006, USERNAME, is there of every request, empty where the client hides the
/// name, and 0x0008, MESSAGE-INTEGRITY, stands for MESSAGE-INTEGRITY-SHA256 too.
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn pjauth_turn_request_attribute(
    request: *const pjauth_turn_request,
    r#type: c_uint,
    index: c_uint,
) -> *mut pjauth_turn_attribute {
    value(core::ptr::null_mut(), || {
        let found = handle(request).zip(request_of(request));
        let kind = u16::try_from(r#type).ok();
        let lent = found
            .zip(kind)
            .and_then(|((handle, state), kind)| lend(handle, &state, kind, index as usize));
        lent.map_or(core::ptr::null_mut(), pointer)
    })
}

/// Copies an attribute's value, without padding.
///
/// @param attribute  The attribute.
/// @param out   Gets as many bytes as there is room for; may be NULL for none.
/// @param size  Room in `out`.
/// @return how many bytes the value has; 0 for a dead handle.
///
/// Since 0.1.0.
///
/// # Safety
/// `out` is NULL or has room for `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_turn_attribute_value(
    attribute: *const pjauth_turn_attribute,
    out: *mut u8,
    size: usize,
) -> usize {
    let copied = look(attribute, |state| {
        let fits = size.min(state.bytes.len());
        if !out.is_null() {
            // SAFETY: `fits` bytes are within the caller's room, which does not
            // overlap memory of ours.
            unsafe { core::ptr::copy_nonoverlapping(state.bytes.as_ptr(), out, fits) };
        }
        state.bytes.len()
    });
    copied.unwrap_or(0)
}

/// An attribute's value where it is. Another thread, or a deadline, may decide
/// the request and end that memory at any time: use it only in the observer's
/// function that is given the request, and `pjauth_turn_attribute_value()`
/// elsewhere.
///
/// @param attribute  The attribute.
/// @return the first byte, of as many as `pjauth_turn_attribute_value()` says;
///         NULL for a dead handle.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn pjauth_turn_attribute_bytes(
    attribute: *const pjauth_turn_attribute,
) -> *const u8 {
    look(attribute, |state| state.bytes.as_ptr()).unwrap_or(core::ptr::null())
}

/// Writes the address that an attribute such as XOR-PEER-ADDRESS holds, as
/// `IP:PORT` with brackets around an IPv6 address (RFC 8656, 18.3).
///
/// @param attribute  The attribute.
/// @param out   Gets the text.
/// @param size  Room in `out`; PJAUTH_TURN_ADDRESS_SIZE is enough.
/// @return the length of the text; 0 where it holds no address, or for a dead
///         handle.
///
/// Since 0.1.0.
///
/// # Safety
/// `out` is NULL or has room for `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_turn_attribute_address(
    attribute: *const pjauth_turn_attribute,
    out: *mut c_char,
    size: usize,
) -> usize {
    let text = |state: &AttributeState| state.address.map(|address| address.to_string());
    let text = look(attribute, text).flatten().unwrap_or_default();
    // SAFETY: the caller's room.
    value(0, || unsafe { strings::write(&text, out, size) })
}

/// @param attribute  The attribute.
/// @return the request that an attribute is of; NULL for a dead handle.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn pjauth_turn_attribute_request(
    attribute: *const pjauth_turn_attribute,
) -> *mut pjauth_turn_request {
    look(attribute, |state| pointer(state.request)).unwrap_or(core::ptr::null_mut())
}

/// Makes the handle of an attribute, or finds it.
fn lend(request: Handle, state: &RequestState, kind: u16, index: usize) -> Option<Handle> {
    let mut lent = state.attributes.lock();
    let known = lent.0.iter().find(|(known, _)| *known == (kind, index));
    if let Some((_, handle)) = known {
        return Some(*handle);
    }
    let found = find(request, state, kind, index)?;
    let handle = ATTRIBUTES.mint(0, 0, found.into())?;
    lent.0.push(((kind, index), handle));
    Some(handle)
}

fn find(request: Handle, state: &RequestState, kind: u16, index: usize) -> Option<AttributeState> {
    let message = Message::parse(&state.ask.message).ok()?;
    let nth = |kind: u16| {
        let mut all = message.attributes().filter(|(found, _)| *found == kind);
        all.nth(index).map(|(_, bytes)| bytes)
    };
    let bytes = match kind {
        kind::USERNAME if index == 0 => nth(kind).unwrap_or(&[]),
        kind::MESSAGE_INTEGRITY => nth(kind).or_else(|| nth(kind::MESSAGE_INTEGRITY_SHA256))?,
        _ => nth(kind)?,
    };
    let is_address = matches!(
        kind,
        kind::XOR_PEER_ADDRESS | kind::XOR_RELAYED_ADDRESS | kind::XOR_MAPPED_ADDRESS
    );
    Some(AttributeState {
        request,
        bytes: bytes.into(),
        address: decode_xor(bytes, message.id()).filter(|_| is_address),
    })
}

/// Reads an attribute of a request that is alive.
fn look<R>(
    attribute: *const pjauth_turn_attribute,
    read: impl FnOnce(&AttributeState) -> R,
) -> Option<R> {
    value(None, || {
        let state = ATTRIBUTES.get(handle(attribute)?)?;
        request_of(pointer(state.request))?;
        Some(read(&state))
    })
}
