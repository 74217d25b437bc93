//! Users: how many allocations each has, may have, and how fast.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::turn::policy::limits::{Bucket, Rate};
use crate::turn::shrink::shrink_map;
use crate::turn::time::Time;

/// Quotas and rates by user name, shared by all cores of a server.
///
/// Touched when allocations come and go, never for a packet: an allocation
/// keeps hold of its user's bucket.
#[derive(Debug, Default)]
pub struct Accounts {
    users: Mutex<HashMap<Arc<str>, Account>>,
}

#[derive(Debug, Default)]
struct Account {
    shares: u32,
    quota: Option<u32>,
    limited: bool,
    bucket: Arc<Bucket>,
}

impl Account {
    fn is_idle(&self) -> bool {
        self.shares == 0 && self.quota.is_none() && !self.limited
    }
}

impl Accounts {
    /// Sets how many allocations a user may have at once; `None` goes back to
    /// the default. Existing allocations stay.
    pub fn set_quota(&self, user: &str, quota: Option<u32>) {
        self.change(user, |account| account.quota = quota);
    }

    /// Limits the bytes of all the user's allocations together, both
    /// directions; `None` lifts the limit. Takes effect at once.
    pub fn set_rate(&self, user: &str, rate: Option<Rate>) {
        self.change(user, |account| {
            account.limited = rate.is_some();
            account.bucket.set(rate);
        });
    }

    /// How many allocations a user has.
    pub fn allocations(&self, user: &str) -> u32 {
        self.users
            .lock()
            .get(user)
            .map_or(0, |account| account.shares)
    }

    /// How many users have an allocation, a quota or a rate of their own.
    pub fn len(&self) -> usize {
        self.users.lock().len()
    }

    /// Whether nobody has any.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn change(&self, user: &str, change: impl FnOnce(&mut Account)) {
        let mut users = self.users.lock();
        let name: Arc<str> = match users.get_key_value(user) {
            Some((name, _)) => name.clone(),
            None => user.into(),
        };
        let account = users.entry(name).or_default();
        change(account);
        if account.is_idle() {
            users.remove(user);
            shrink_map(&mut users);
        }
    }

    /// Takes one share of the user's quota (`default` unless the user has one of
    /// its own; `None` means no bound), which goes back when the [`QuotaShare`] is
    /// dropped. `None` when the quota is used up.
    pub(crate) fn take_share(
        self: &Arc<Self>,
        user: &str,
        default: Option<u32>,
    ) -> Option<QuotaShare> {
        let mut users = self.users.lock();
        let (name, shares, quota) = match users.get_key_value(user) {
            Some((name, account)) => (name.clone(), account.shares, account.quota.or(default)),
            None => (user.into(), 0, default),
        };
        if quota.is_some_and(|quota| shares >= quota) {
            return None;
        }
        let account = users.entry(name.clone()).or_default();
        account.shares += 1;
        Some(QuotaShare {
            user: name,
            bucket: account.bucket.clone(),
            accounts: self.clone(),
        })
    }
}

/// One allocation's share of a user's quota, given back when dropped.
#[derive(Debug)]
pub(crate) struct QuotaShare {
    user: Arc<str>,
    bucket: Arc<Bucket>,
    accounts: Arc<Accounts>,
}

impl QuotaShare {
    pub(crate) fn user(&self) -> &Arc<str> {
        &self.user
    }

    /// The user's rate.
    pub(crate) fn bucket(&self) -> &Bucket {
        &self.bucket
    }

    /// Whether the user's rate lets so many bytes through now.
    pub(crate) fn admit(&self, bytes: usize, now: Time) -> bool {
        self.bucket.admit(bytes, now)
    }
}

impl Drop for QuotaShare {
    fn drop(&mut self) {
        self.accounts.change(&self.user, |account| {
            account.shares = account.shares.saturating_sub(1);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_are_bounded_and_go_back() {
        let accounts = Arc::new(Accounts::default());
        let first = accounts.take_share("ann", Some(2)).unwrap();
        let second = accounts.take_share("ann", Some(2)).unwrap();
        assert!(accounts.take_share("ann", Some(2)).is_none());
        assert!(accounts.take_share("bob", Some(2)).is_some());
        drop(first);
        let third = accounts.take_share("ann", Some(2)).unwrap();
        assert_eq!(accounts.allocations("ann"), 2);
        drop((second, third));
        assert!(accounts.is_empty());
    }

    #[test]
    fn a_quota_of_ones_own_goes_before_the_default() {
        let accounts = Arc::new(Accounts::default());
        accounts.set_quota("ann", Some(1));
        let share = accounts.take_share("ann", None).unwrap();
        assert!(accounts.take_share("ann", None).is_none());
        accounts.set_quota("ann", Some(0));
        drop(share);
        assert!(accounts.take_share("ann", Some(5)).is_none());
        accounts.set_quota("ann", None);
        assert!(accounts.is_empty());
        assert!(accounts.take_share("ann", None).is_some());
    }

    #[test]
    fn a_rate_set_while_running_reaches_seats_already_taken() {
        let accounts = Arc::new(Accounts::default());
        let share = accounts.take_share("ann", None).unwrap();
        assert!(share.admit(1_000_000, Time::ZERO));
        accounts.set_rate(
            "ann",
            Some(Rate {
                bytes_per_second: 10,
                burst: 10,
            }),
        );
        assert!(!share.admit(11, Time::ZERO));
        accounts.set_rate("ann", None);
        assert!(share.admit(11, Time::ZERO));
        drop(share);
        assert!(accounts.is_empty());
    }
}
