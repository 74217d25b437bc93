//! Gives back the memory that a table took in busier times.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};

/// Gives back a vector's spare room once three quarters of it are unused.
pub(crate) fn shrink_vec<T>(vec: &mut Vec<T>) {
    if vec.capacity() > 64 && vec.len() < vec.capacity() / 4 {
        vec.shrink_to(vec.len() * 2);
    }
}

/// Likewise for a table.
pub(crate) fn shrink_map<K: Eq + Hash, V, S: BuildHasher>(map: &mut HashMap<K, V, S>) {
    if map.capacity() > 64 && map.len() < map.capacity() / 4 {
        map.shrink_to(map.len() * 2);
    }
}
