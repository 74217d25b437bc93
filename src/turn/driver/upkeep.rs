//! What a worker looks after between its batches.
#![forbid(unsafe_code)]

use parking_lot::MutexGuard;

use super::observer::Level;
use super::reception::Reception;
use super::worker::{Guard, Worker};

impl Worker {
    /// Looks at the host's addresses, which may have changed.
    pub(super) fn look(&mut self, locked: &mut Guard<'_>) {
        let Some(reception) = &mut self.reception else {
            return;
        };
        let changes = reception.changes();
        let is_due = reception.next_look().is_some_and(|at| at <= self.now);
        let mut lines = Vec::new();
        if changes.any || is_due {
            lines = reception.look(&self.control, &changes, self.now);
        }
        if changes.any || changes.ways {
            lines.extend(self.control.ways_changed());
        }
        if !lines.is_empty() {
            let log = &self.control.log;
            MutexGuard::unlocked(locked, || {
                lines.iter().for_each(|(level, line)| log(*level, line));
            });
        }
    }

    /// What is due now and again, whatever came in.
    pub(super) fn housekeeping(&mut self, locked: &mut Guard<'_>) {
        self.look_at_certificates(locked);
        let control = &self.control;
        let shortage = control.relays.shortage.line(self.now);
        for line in shortage
            .into_iter()
            .chain(control.misdirected.line(self.now))
        {
            MutexGuard::unlocked(locked, || (control.log)(Level::Warning, &line));
        }
        let look = self.reception.as_ref().and_then(Reception::next_look);
        if look.is_some_and(|at| at <= self.now) {
            self.look(locked);
        }
        if self.next_count <= self.now {
            self.count_dropped(locked);
        }
        if self.resume.is_some_and(|at| at <= self.now) {
            self.resume = None;
            self.reopen_listeners();
            self.reopen_relays(locked);
        }
        if self.streams.len() > 0 && self.next_sweep <= self.now {
            self.next_sweep = self.now + self.streams.period();
            let overdue = self
                .streams
                .overdue(self.now, |link| locked.core.serves(link));
            for index in overdue {
                self.close(locked, index);
            }
        }
    }
}
