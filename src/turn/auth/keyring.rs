//! Keys that were proven lately, to sign refusals with.
#![forbid(unsafe_code)]

use std::time::Duration;

use crate::turn::auth::credentials::Keys;
use crate::turn::time::Time;

/// How long a key is kept after it was last proven, or its allocation ended.
const KEPT: Duration = Duration::from_secs(3600);
const WAYS: usize = 4;
const SETS: usize = 1024;

/// The keys of users that were here: when an allocation has gone, a client is told
/// so in an answer that it believes. They open nothing.
///
/// In fixed memory: a user has four entries to stand in, and the oldest makes
/// room. What is too old is wiped, an entry each time another is written.
pub(crate) struct Keyring {
    entries: Vec<Option<Entry>>,
    sweep: usize,
}

#[derive(Clone)]
struct Entry {
    user: u64,
    expires: Time,
    keys: Keys,
}

impl Default for Keyring {
    fn default() -> Self {
        Keyring {
            entries: vec![None; WAYS * SETS],
            sweep: 0,
        }
    }
}

impl Keyring {
    /// Keeps a user's keys in place of earlier ones.
    pub(crate) fn keep(&mut self, user: u64, keys: &Keys, now: Time) {
        self.sweep = (self.sweep + 1) % self.entries.len();
        let old = &mut self.entries[self.sweep];
        old.take_if(|entry| entry.expires <= now);
        let set = &mut self.entries[set_of(user)];
        let is_theirs = |entry: &Option<Entry>| entry.as_ref().is_some_and(|e| e.user == user);
        let at = set.iter().position(is_theirs).unwrap_or_else(|| {
            let expiry = |at: &usize| set[*at].as_ref().map(|entry| entry.expires);
            (0..WAYS).min_by_key(expiry).unwrap_or(0)
        });
        set[at] = Some(Entry {
            user,
            expires: now + KEPT,
            keys: keys.clone(),
        });
    }

    /// A user's keys.
    pub(crate) fn find(&self, user: u64, now: Time) -> Option<Keys> {
        let mut entries = self.entries[set_of(user)].iter().flatten();
        let entry = entries.find(|entry| entry.user == user && entry.expires > now)?;
        Some(entry.keys.clone())
    }
}

fn set_of(user: u64) -> std::ops::Range<usize> {
    let set = user as usize % SETS * WAYS;
    set..set + WAYS
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keyring(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::turn::auth::credentials::{Algorithm, Credential};

    #[test]
    fn keys_are_kept_for_a_while_in_fixed_memory() {
        let keys = |n: u8| Keys::new(&Credential::md5([n; 16]), "", "");
        let mut keyring = Keyring::default();
        let found = |keyring: &Keyring, user, now| {
            let keys = keyring.find(user, now)?;
            keys.get(Algorithm::Md5).map(|key| key[0])
        };
        keyring.keep(7, &keys(1), Time::ZERO);
        keyring.keep(7, &keys(2), Time::ZERO);
        assert_eq!(found(&keyring, 7, Time::ZERO), Some(2));
        assert_eq!(found(&keyring, 7, Time::ZERO + KEPT), None);
        for user in 8..100_000 {
            keyring.keep(user, &keys(3), Time::ZERO + KEPT);
        }
        assert_eq!(keyring.entries.len(), WAYS * SETS);
        assert!(keyring.entries.iter().flatten().all(|e| e.user != 7));
    }
}
