//! Users: how many allocations each has, may have, and how fast.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::turn::policy::limits::{Bucket, Rate};
use crate::turn::state::arena::shrink_map;
use crate::turn::state::time::Time;

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
    seats: u32,
    quota: Option<u32>,
    limited: bool,
    bucket: Arc<Bucket>,
}

impl Account {
    fn is_idle(&self) -> bool {
        self.seats == 0 && self.quota.is_none() && !self.limited
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
            .map_or(0, |account| account.seats)
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

    /// Takes one seat of the user's quota (`default` unless the user has one of
    /// its own; `None` means no bound), which goes back when the [`Seat`] is
    /// dropped. `None` when the quota is used up.
    pub(crate) fn take_seat(self: &Arc<Self>, user: &str, default: Option<u32>) -> Option<Seat> {
        let mut users = self.users.lock();
        let (name, seats, quota) = match users.get_key_value(user) {
            Some((name, account)) => (name.clone(), account.seats, account.quota.or(default)),
            None => (user.into(), 0, default),
        };
        if quota.is_some_and(|quota| seats >= quota) {
            return None;
        }
        let account = users.entry(name.clone()).or_default();
        account.seats += 1;
        Some(Seat {
            user: name,
            bucket: account.bucket.clone(),
            accounts: self.clone(),
        })
    }
}

/// One allocation's share of a user's quota, given back when dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    user: Arc<str>,
    bucket: Arc<Bucket>,
    accounts: Arc<Accounts>,
}

impl Seat {
    pub(crate) fn user(&self) -> &Arc<str> {
        &self.user
    }

    /// Whether the user's rate lets so many bytes through now.
    pub(crate) fn admit(&self, bytes: usize, now: Time) -> bool {
        self.bucket.admit(bytes, now)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.accounts.change(&self.user, |account| {
            account.seats = account.seats.saturating_sub(1);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_are_bounded_and_go_back() {
        let accounts = Arc::new(Accounts::default());
        let first = accounts.take_seat("ann", Some(2)).unwrap();
        let second = accounts.take_seat("ann", Some(2)).unwrap();
        assert!(accounts.take_seat("ann", Some(2)).is_none());
        assert!(accounts.take_seat("bob", Some(2)).is_some());
        drop(first);
        let third = accounts.take_seat("ann", Some(2)).unwrap();
        assert_eq!(accounts.allocations("ann"), 2);
        drop((second, third));
        assert!(accounts.is_empty());
    }

    #[test]
    fn a_quota_of_ones_own_goes_before_the_default() {
        let accounts = Arc::new(Accounts::default());
        accounts.set_quota("ann", Some(1));
        let seat = accounts.take_seat("ann", None).unwrap();
        assert!(accounts.take_seat("ann", None).is_none());
        accounts.set_quota("ann", Some(0));
        drop(seat);
        assert!(accounts.take_seat("ann", Some(5)).is_none());
        accounts.set_quota("ann", None);
        assert!(accounts.is_empty());
        assert!(accounts.take_seat("ann", None).is_some());
    }

    #[test]
    fn a_rate_set_while_running_reaches_seats_already_taken() {
        let accounts = Arc::new(Accounts::default());
        let seat = accounts.take_seat("ann", None).unwrap();
        assert!(seat.admit(1_000_000, Time::ZERO));
        accounts.set_rate(
            "ann",
            Some(Rate {
                bytes_per_second: 10,
                burst: 10,
            }),
        );
        assert!(!seat.admit(11, Time::ZERO));
        accounts.set_rate("ann", None);
        assert!(seat.admit(11, Time::ZERO));
        drop(seat);
        assert!(accounts.is_empty());
    }
}
