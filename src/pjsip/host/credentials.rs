//! Credentials in a session: one block of the session's pool that is used again,
//! so that replacing them does not grow the pool, and wiped when they go.
//!
//! ```text
//!   | credential 0 | ... | credential n-1 | texts ...          | spare |
//! ```

use super::credential::Credential;
use super::pool::{Block, Pool};
use super::session::Session;
use super::text::Text;
use crate::pjsip::abi::{self, pjsip_cred_info};
use crate::pjsip::status::{EINVAL, Status};
use core::ptr::NonNull;

/// Texts of a credential, in the order in which they stand in the block.
const TEXTS: usize = 7;

/// No peer sets credentials; this bounds what a wrong count can make us read.
const MAX_CREDENTIALS: usize = 1024;

/// Replaces the credentials of `session` by copies of `source`.
///
/// # Safety
/// `source` points to `count` valid credentials, or `count` is 0.
pub unsafe fn store(
    session: Session<'_>,
    pool: Pool<'_>,
    source: *const pjsip_cred_info,
    count: usize,
) -> Result<(), Status> {
    if count > MAX_CREDENTIALS {
        return Err(EINVAL);
    }
    // SAFETY: as the caller promises.
    let source = |i| unsafe { Credential::from_raw(source.add(i)) };
    let old = session.credential_block();
    let range = old.map_or(0..0, |(start, capacity)| {
        start.addr().get()..start.addr().get() + capacity
    });
    // What is stored may be the session's own, handed back: copy, then wipe.
    let mut from_old = false;
    let mut size = count * size_of::<pjsip_cred_info>();
    for credential in (0..count).map(source) {
        from_old |= range.contains(&core::ptr::from_ref(credential.get()).addr());
        for text in texts(credential) {
            from_old |= range.contains(&text.as_ptr().addr());
            size += text.len();
        }
    }
    let fits = old.filter(|&(_, capacity)| capacity >= size && !from_old);
    let (start, capacity) = match fits {
        Some((start, capacity)) => {
            // SAFETY: the block is ours, and nothing of `source` is in it.
            unsafe { wipe_block(start, capacity) };
            (start, capacity)
        }
        None => {
            let capacity = size.max(old.map_or(0, |(_, capacity)| 2 * capacity));
            (pool.allocate(capacity)?, capacity)
        }
    };
    // SAFETY: `capacity` bytes at `start` are ours and hold `size`.
    unsafe {
        let array = start.cast::<pjsip_cred_info>();
        let room = count * size_of::<pjsip_cred_info>();
        let mut block = Block::from_raw(start.add(room), capacity - room);
        for i in 0..count {
            copy(source(i), array.add(i), &mut block);
        }
        if let Some((old, old_capacity)) = old.filter(|&(old, _)| old != start) {
            wipe_block(old, old_capacity);
        }
        session.set_credentials(array.as_ptr(), count as u32);
    }
    session.set_credential_block(start, capacity);
    Ok(())
}

/// Wipes the credentials of `session`; the block stays for the next ones.
pub fn wipe(session: Session<'_>) {
    if let Some((start, capacity)) = session.credential_block() {
        session.set_credentials(start.as_ptr().cast(), 0);
        // SAFETY: the block is ours, and the session no longer points into it.
        unsafe { wipe_block(start, capacity) };
    }
}

/// One credential with its texts in the request's pool, for a callback that runs
/// without the session's lock. The caller wipes it with [`wipe_copy`].
pub fn copy_to_pool(
    credential: Credential<'_>,
    pool: Pool<'_>,
) -> Result<(NonNull<pjsip_cred_info>, usize), Status> {
    let room = size_of::<pjsip_cred_info>();
    let size = room + texts(credential).map(<[u8]>::len).iter().sum::<usize>();
    let start = pool.allocate(size)?;
    // SAFETY: `size` bytes at `start` were just allocated for this.
    unsafe {
        let mut block = Block::from_raw(start.add(room), size - room);
        copy(credential, start.cast(), &mut block);
    }
    Ok((start.cast(), size))
}

/// Wipes what [`copy_to_pool`] made.
///
/// # Safety
/// The pair is what that function returned, and its pool is alive.
pub unsafe fn wipe_copy((start, size): (NonNull<pjsip_cred_info>, usize)) {
    // SAFETY: as the caller promises.
    unsafe { wipe_block(start.cast(), size) };
}

#[inline]
fn texts(credential: Credential<'_>) -> [&[u8]; TEXTS] {
    let [k, op, amf] = if is_aka(credential) {
        credential.aka_keys()
    } else {
        // Not to be looked at: applications leave them unset.
        [&[][..]; 3]
    };
    let (realm, scheme) = (credential.realm(), credential.scheme());
    let (username, data) = (credential.username(), credential.data());
    [realm, scheme, username, data, k, op, amf]
}

/// Writes a copy of the structure to `to`, its texts into `block`.
///
/// # Safety
/// There is room for one at `to`, which is nobody else's; the block has room for the texts.
#[inline]
unsafe fn copy(credential: Credential<'_>, to: NonNull<pjsip_cred_info>, block: &mut Block) {
    let is_aka = is_aka(credential);
    // SAFETY: as the caller promises; in place, for it is as large as ten texts.
    let new = unsafe {
        to.copy_from_nonoverlapping(NonNull::from(credential.get()), 1);
        &mut *to.as_ptr()
    };
    new.realm = block.push(credential.realm());
    new.scheme = block.push(credential.scheme());
    new.username = block.push(credential.username());
    new.data = block.push(credential.data());
    // Not to be looked at elsewhere: applications leave them unset.
    let [k, op, amf] = match is_aka {
        true => credential.aka_keys().map(|key| block.push(key)),
        false => [Text::EMPTY; 3],
    };
    new.ext.aka.k = k;
    new.ext.aka.op = op;
    new.ext.aka.amf = amf;
    new.ext.aka.cb = credential.aka_callback().filter(|_| is_aka);
    // A hash without a name is an MD5 hash, as the header has it.
    #[cfg(pj_algorithms)]
    if new.data_type & DATA_MASK == abi::PJSIP_CRED_DATA_DIGEST as i32
        && new.algorithm_type == abi::PJSIP_AUTH_ALGORITHM_NOT_SET
    {
        new.algorithm_type = abi::PJSIP_AUTH_ALGORITHM_MD5;
    }
}

/// The part of a credential's `data_type` that says what `data` is.
pub const DATA_MASK: i32 = 0x0f;

/// Whether the credential is for AKA.
pub fn is_aka(credential: Credential<'_>) -> bool {
    const EXTENSION_MASK: i32 = 0xf0;
    credential.get().data_type & EXTENSION_MASK == abi::PJSIP_CRED_DATA_EXT_AKA as i32
}

/// # Safety
/// The memory is ours to write, and borrowed by nobody.
unsafe fn wipe_block(start: NonNull<u8>, size: usize) {
    // SAFETY: as the caller promises; the bytes were initialised when allocated.
    let bytes = unsafe { core::slice::from_raw_parts_mut(start.as_ptr(), size) };
    bytes.fill(0);
    // Whoever compiles this must take it that the zeroes are looked at.
    zeroize::optimization_barrier(bytes);
}
