//! Pools: all memory of the drop-in comes from the host's.

use super::text::Text;
use crate::pjsip::abi::{self, pj_pool_t};
use crate::pjsip::status::{ENOMEM, Status};
use core::marker::PhantomData;
use core::ptr::NonNull;

/// A pool of the host's.
#[derive(Clone, Copy)]
pub struct Pool<'h>(NonNull<pj_pool_t>, PhantomData<&'h ()>);

/// Takes the place of the pool's own callback, which throws.
unsafe extern "C-unwind" fn stay_quiet(_pool: *mut pj_pool_t, _size: abi::pj_size_t) {}

impl<'h> Pool<'h> {
    /// # Safety
    /// `pool` is NULL or a pool that lives for `'h` and is ours to allocate from
    /// in this call.
    pub unsafe fn from_raw(pool: *mut pj_pool_t) -> Option<Pool<'h>> {
        NonNull::new(pool).map(|pool| Pool(pool, PhantomData))
    }

    /// The host's pointer.
    pub fn as_ptr(self) -> *mut pj_pool_t {
        self.0.as_ptr()
    }

    /// Memory for `size` bytes, zeroed and aligned for pointers, as long-lived as
    /// the pool. Exhaustion is an error here and never a `longjmp`: the pool's
    /// callback, which would throw, is set aside for the moment.
    pub fn allocate(self, size: usize) -> Result<NonNull<u8>, Status> {
        let memory = self.room(size)?;
        // SAFETY: the pool just gave us `size` bytes there.
        unsafe { memory.write_bytes(0, size) };
        Ok(memory)
    }

    /// The same, not zeroed.
    fn room(self, size: usize) -> Result<NonNull<u8>, Status> {
        let pool = self.0.as_ptr();
        // SAFETY: the pool is valid and, by the host's rule, used by one thread at
        // a time; the callback is back in its place before anybody else looks.
        let memory = unsafe {
            let callback = (*pool).callback;
            (*pool).callback = Some(stay_quiet);
            let memory = abi::pj_pool_alloc(pool, size);
            (*pool).callback = callback;
            memory.cast::<u8>()
        };
        NonNull::new(memory).ok_or(ENOMEM)
    }

    /// Copies of texts, in one piece.
    pub fn copy<const N: usize>(self, texts: [&[u8]; N]) -> Result<[Text; N], Status> {
        let mut block = self.block(texts.iter().map(|text| text.len()).sum())?;
        Ok(texts.map(|text| block.push(text)))
    }

    /// Room for texts that are written one after the other.
    pub fn block(self, capacity: usize) -> Result<Block, Status> {
        Ok(Block {
            start: self.room(capacity)?,
            capacity,
            used: 0,
        })
    }
}

/// A stretch of pool memory that is filled with texts. It is as long-lived as
/// its pool; the texts are the host's from then on.
#[derive(Clone, Copy)]
pub struct Block {
    start: NonNull<u8>,
    capacity: usize,
    used: usize,
}

impl Block {
    /// # Safety
    /// `capacity` bytes at `start` are ours to write for as long as the block and
    /// its texts are used.
    pub unsafe fn from_raw(start: NonNull<u8>, capacity: usize) -> Block {
        Block {
            start,
            capacity,
            used: 0,
        }
    }

    /// Copies `bytes` to the end of what is there.
    ///
    /// # Panics
    /// Where the room is used up: the caller added the lengths up before.
    #[inline]
    pub fn push(&mut self, bytes: &[u8]) -> Text {
        if bytes.is_empty() {
            return Text::EMPTY;
        }
        assert!(bytes.len() <= self.capacity - self.used);
        // SAFETY: in bounds, as just checked, of memory that is ours; and fresh, so
        // that it overlaps nothing that is borrowed.
        let at = unsafe {
            let at = self.start.add(self.used);
            at.copy_from_nonoverlapping(NonNull::from(bytes).cast(), bytes.len());
            at
        };
        self.used += bytes.len();
        Text {
            ptr: at.as_ptr().cast(),
            slen: bytes.len() as abi::pj_ssize_t,
        }
    }
}
