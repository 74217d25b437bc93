//! What a slot holds.

use std::fmt;
use std::sync::Arc;

use super::sync::{AtomicU64, Mutex, Relaxed};

/// The place in a slot where the value lives.
///
/// The slab calls [`put`](Cell::put) and [`clear`](Cell::clear) from one thread at a
/// time for each cell, but [`peek`](Cell::peek) beside them from any thread. A peek
/// that meets a put or a clear may return a mixture: the slab throws it away.
pub trait Cell: Default + Send + Sync {
    /// What goes in and comes out.
    type Value;

    /// Stores a value in an empty cell.
    fn put(&self, value: Self::Value);

    /// A copy of the value, or `None` where the cell is empty.
    fn peek(&self) -> Option<Self::Value>;

    /// Takes the value out; from here on the cell counts as empty.
    fn clear(&self) -> Option<Self::Value>;
}

/// `N` plain words, without a lock. Not for secrets: taken words are not wiped.
pub struct Words<const N: usize>([AtomicU64; N]);

impl<const N: usize> Default for Words<N> {
    fn default() -> Self {
        Words(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

// Relaxed throughout: the slot's state word and the fences beside it order these.
impl<const N: usize> Words<N> {
    /// One of the words, for [`Lent::look`](super::Lent::look).
    ///
    /// # Panics
    /// If there are not so many.
    #[inline]
    pub fn word(&self, i: usize) -> u64 {
        self.0[i].load(Relaxed)
    }

    /// Stores one of the words, for [`Slab::vacancy`](super::Slab::vacancy).
    ///
    /// # Panics
    /// If there are not so many.
    #[inline]
    pub fn set_word(&self, i: usize, word: u64) {
        self.0[i].store(word, Relaxed);
    }

    /// The first of the words.
    #[inline]
    pub fn first<const M: usize>(&self) -> [u64; M] {
        const { assert!(M <= N) };
        std::array::from_fn(|i| self.0[i].load(Relaxed))
    }
}

impl<const N: usize> Cell for Words<N> {
    type Value = [u64; N];

    #[inline]
    fn put(&self, value: [u64; N]) {
        for (word, value) in self.0.iter().zip(value) {
            word.store(value, Relaxed);
        }
    }

    #[inline]
    fn peek(&self) -> Option<[u64; N]> {
        Some(std::array::from_fn(|i| self.0[i].load(Relaxed)))
    }

    #[inline]
    fn clear(&self) -> Option<[u64; N]> {
        // The slot's state says that nothing is here; what remains is never shown.
        self.peek()
    }
}

impl<const N: usize> fmt::Debug for Words<N> {
    /// Shows no content, which means something to the owner alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Words<{N}>")
    }
}

/// A shared object behind one short lock, for the control path.
///
/// No object is dropped while the lock is held, so its destructor may use the slab.
/// A concurrent [`Slab::get`](super::Slab::get) may hold the object a moment longer
/// than the slab does: do not count on `Arc::try_unwrap` after a take.
pub struct ArcCell<T>(Mutex<Option<Arc<T>>>);

impl<T> Default for ArcCell<T> {
    fn default() -> Self {
        ArcCell(Mutex::new(None))
    }
}

impl<T: Send + Sync> Cell for ArcCell<T> {
    type Value = Arc<T>;

    fn put(&self, value: Arc<T>) {
        // Bound to a name, so that it outlives the guard.
        let previous = self.0.lock().replace(value);
        debug_assert!(previous.is_none());
    }

    fn peek(&self) -> Option<Arc<T>> {
        self.0.lock().clone()
    }

    fn clear(&self) -> Option<Arc<T>> {
        self.0.lock().take()
    }
}

impl<T> fmt::Debug for ArcCell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ArcCell")
    }
}
