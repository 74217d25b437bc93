//! Bounds that hold for all cores together.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use parking_lot::Mutex;

use crate::turn::address::AddrKey;
use crate::turn::shrink::shrink_map;

/// How many there are in all cores.
#[derive(Debug, Default)]
pub struct Tally(AtomicUsize);

/// One of those counted, until it is dropped.
#[derive(Debug)]
pub struct Counted(Arc<Tally>);

impl Tally {
    /// Counts one more, unless there are `bound` already.
    pub fn enter(self: &Arc<Self>, bound: usize) -> Option<Counted> {
        let more = |count: usize| (count < bound).then_some(count + 1);
        self.0.fetch_update(Relaxed, Relaxed, more).ok()?;
        Some(Counted(self.clone()))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Relaxed);
    }
}

/// How many there are of each source address, in all cores.
#[derive(Debug, Default)]
pub struct SourceTally(Mutex<HashMap<AddrKey, u32>>);

/// One of those counted, until it is dropped.
#[derive(Debug)]
pub struct CountedOfSource(Arc<SourceTally>, AddrKey);

impl SourceTally {
    /// Counts one more of a source, unless there are `bound` already.
    pub(crate) fn enter(self: &Arc<Self>, source: AddrKey, bound: u32) -> Option<CountedOfSource> {
        let mut counts = self.0.lock();
        let count = counts.get(&source).copied().unwrap_or(0);
        if count >= bound {
            return None;
        }
        counts.insert(source, count + 1);
        Some(CountedOfSource(self.clone(), source))
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.0.lock().len()
    }

    #[cfg(test)]
    pub(crate) fn capacity(&self) -> usize {
        self.0.lock().capacity()
    }
}

impl Drop for CountedOfSource {
    fn drop(&mut self) {
        let mut counts = self.0.0.lock();
        if let Some(count) = counts.get_mut(&self.1) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.1);
                shrink_map(&mut counts);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_counts_up_to_its_bound_and_down() {
        let tally = Arc::new(Tally::default());
        let two: Vec<_> = (0..5).filter_map(|_| tally.enter(2)).collect();
        assert_eq!(two.len(), 2);
        drop(two);
        assert!(tally.enter(1).is_some() && tally.enter(0).is_none());

        let sources = Arc::new(SourceTally::default());
        let source = |text: &str| AddrKey::source(&text.parse().unwrap());
        let one = sources.enter(source("1.2.3.4"), 1);
        assert!(one.is_some() && sources.enter(source("1.2.3.4"), 1).is_none());
        assert!(sources.enter(source("1.2.3.5"), 1).is_some());
        assert_eq!(sources.len(), 1);
        drop(one);
        assert_eq!(sources.len(), 0);
    }
}
