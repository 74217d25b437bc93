//! Whether the host's structures are the ones that we were built for. Versions say
//! theirs; what `config_site.h` moved shows in memory that the host itself has laid out.
//!
//! Nothing here is written to, and a pointer is followed only where it looks like one.

use super::endpoint::Endpoint;
use crate::pjsip::abi::{self, pj_pool_t, pjsip_rx_data, pjsip_tx_data};
use crate::pjsip::status::SUCCESS;
use core::ops::Range;
use core::{mem, ptr};

/// What a structure of the host's shows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Ours,
    Foreign,
    Unknown,
}

/// Has the host make a request, and measures it: in all versions the counter of its
/// references is what is allocated next, so that the distance is the structure's size.
pub fn judge_requests(endpoint: Endpoint<'_>) -> Verdict {
    let mut request: *mut pjsip_tx_data = ptr::null_mut();
    // SAFETY: the endpoint is alive. The request is ours alone, and its one reference is
    // dropped by the host's own functions, whatever it looks like.
    unsafe {
        if abi::pjsip_endpt_create_tdata(endpoint.as_ptr(), &mut request) != SUCCESS {
            return Verdict::Unknown;
        }
        let verdict = measure(request);
        abi::pjsip_tx_data_add_ref(request);
        abi::pjsip_tx_data_dec_ref(request);
        verdict
    }
}

/// # Safety
/// The host has just made the request.
unsafe fn measure(request: *const pjsip_tx_data) -> Verdict {
    const NAME: &[u8] = b"tdta";
    // SAFETY: what is read lies in the first 448 bytes, which a request of any
    // configuration has; it is all plain data.
    let (name, pool, counter) = unsafe {
        let name: [u8; NAME.len()] = (&raw const (*request).obj_name).cast::<[u8; 4]>().read();
        (name, (*request).pool, (*request).ref_cnt.addr())
    };
    if name != NAME || !is_pointer(pool.addr()) || !is_pointer(counter) {
        return Verdict::Foreign;
    }
    let gap = counter.wrapping_sub(request.addr());
    let size = size_of::<pjsip_tx_data>();
    if (size..size + abi::PJAUTH_POOL_ALIGNMENT as usize).contains(&gap) {
        return Verdict::Ours;
    }
    // Another size, unless the counter found no room behind the request.
    // SAFETY: the request's own pool.
    match unsafe { block_of(pool, request.addr()) } {
        Some(block) if !block.contains(&counter) => Verdict::Unknown,
        _ => Verdict::Foreign,
    }
}

/// The block of the pool that an address is in; `None` where it is in none, or the pool
/// is not what we take it for.
///
/// # Safety
/// A pool of the host's, which nobody else uses.
unsafe fn block_of(pool: *const pj_pool_t, at: usize) -> Option<Range<usize>> {
    // SAFETY: a pool of any configuration is longer than what is read of it here. With a
    // name of another length, one of the two is no such number.
    let (factory, capacity) = unsafe { ((*pool).factory.addr(), (*pool).capacity) };
    if !is_pointer(factory) || capacity == 0 || capacity >= 1 << 32 {
        return None;
    }
    // SAFETY: so this is the pool's ring of blocks.
    unsafe {
        let head = &raw const (*pool).block_list;
        let mut block = (*head).next.cast_const();
        while !ptr::eq(block, head) {
            let room = (*block).buf.addr()..(*block).end.addr();
            if room.contains(&at) {
                return Some(room);
            }
            block = (*block).next;
        }
    }
    None
}

/// Looks where a received message's own text and message are noted: behind the packet,
/// whose room is a setting. Of a larger room that is text, or nothing; of a smaller one
/// it may lie behind the end of the pool's block.
///
/// # Safety
/// `response` is NULL or one of the host's.
pub unsafe fn judge_response(response: *const pjsip_rx_data) -> Verdict {
    if response.is_null() {
        return Verdict::Unknown;
    }
    let end = response.addr() + size_of::<pjsip_rx_data>();
    // SAFETY: as the caller promises; any response begins with its pool.
    let block = unsafe {
        let pool = (*response).tp_info.pool;
        is_pointer(pool.addr()).then(|| block_of(pool, response.addr()))
    };
    if block.flatten().is_some_and(|block| end > block.end) {
        return Verdict::Foreign;
    }
    // SAFETY: plain data, in the host's memory as far as there is a way to know.
    let (text, message) = unsafe {
        let info = &raw const (*response).msg_info;
        ((*info).msg_buf.addr(), (*info).msg.addr())
    };
    let packet = response.addr() + mem::offset_of!(pjsip_rx_data, pkt_info.packet);
    let room = size_of_packet();
    if (packet..packet + room).contains(&text) && is_pointer(message) {
        return Verdict::Ours;
    }
    // Made by hand, it may have its text elsewhere or not at all.
    let plausible = |at| at == 0 || is_pointer(at);
    match plausible(text) && plausible(message) {
        true => Verdict::Unknown,
        false => Verdict::Foreign,
    }
}

const fn size_of_packet() -> usize {
    mem::offset_of!(pjsip_rx_data, pkt_info.zero) - mem::offset_of!(pjsip_rx_data, pkt_info.packet)
}

/// Whether a word may be the address of a structure: in the lower half of the address
/// space, above what is never mapped.
fn is_pointer(word: usize) -> bool {
    (0x1_0000..1 << 47).contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response() -> Box<pjsip_rx_data> {
        // SAFETY: all-zero bytes are a value of the structure.
        unsafe { Box::new(mem::zeroed()) }
    }

    #[test]
    fn what_the_host_received_is_ours() {
        let mut r = response();
        r.msg_info.msg_buf = (&raw mut r.pkt_info.packet).cast();
        r.msg_info.msg = ptr::without_provenance_mut(0x7f00_0000_1230);
        // SAFETY: a live structure.
        assert!(unsafe { judge_response(&raw const *r) } == Verdict::Ours);
    }

    #[test]
    fn text_in_the_place_of_pointers_is_foreign() {
        let mut r = response();
        r.msg_info.msg_buf = ptr::without_provenance_mut(usize::from_ne_bytes(*b"Via: SIP"));
        // SAFETY: a live structure.
        assert!(unsafe { judge_response(&raw const *r) } == Verdict::Foreign);
    }

    #[test]
    fn a_response_that_does_not_fit_its_pool_is_foreign() {
        let mut r = response();
        // SAFETY: all-zero bytes are a value of both structures.
        let (mut pool, mut block): (abi::pj_pool_t, abi::pj_pool_block) =
            unsafe { (mem::zeroed(), mem::zeroed()) };
        pool.factory = ptr::without_provenance_mut(0x7f00_0000_0000);
        pool.capacity = 4000;
        block.buf = (&raw mut *r).cast();
        block.end = block.buf.wrapping_add(size_of::<pjsip_rx_data>() - 8);
        block.next = &raw mut pool.block_list;
        pool.block_list.next = &raw mut block;
        r.tp_info.pool = &raw mut pool;
        // SAFETY: live structures.
        assert!(unsafe { judge_response(&raw const *r) } == Verdict::Foreign);
    }

    #[test]
    fn what_was_made_by_hand_says_nothing() {
        let mut r = response();
        // SAFETY: a live structure.
        assert!(unsafe { judge_response(&raw const *r) } == Verdict::Unknown);
        let mut text = [0; 8];
        r.msg_info.msg_buf = text.as_mut_ptr();
        // SAFETY: a live structure.
        assert!(unsafe { judge_response(&raw const *r) } == Verdict::Unknown);
    }
}
