//! How much may wait, and who holds which part of it.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A bounded amount of something. One piece may be larger than all of it and then waits until it is
/// alone.
#[derive(Clone, Debug)]
pub struct Room {
    permits: Arc<Semaphore>,
    /// What one permit stands for, so that any amount fits a semaphore's 32 bits.
    unit: usize,
    all: u32,
}

/// A part of a room that is taken until this is dropped.
#[derive(Debug)]
pub struct Held(#[expect(dead_code, reason = "held, not read")] OwnedSemaphorePermit);

impl Room {
    /// A room for so much.
    pub fn new(amount: usize) -> Self {
        const UNITS: usize = 1 << 20;
        let unit = amount.div_ceil(UNITS).max(1);
        let all = u32::try_from(amount / unit).unwrap_or(u32::MAX).max(1);
        Self { permits: Arc::new(Semaphore::new(all as usize)), unit, all }
    }

    fn units(&self, amount: usize) -> u32 {
        u32::try_from(amount.div_ceil(self.unit)).unwrap_or(u32::MAX).clamp(1, self.all)
    }

    /// Takes a part if it is free.
    pub fn try_take(&self, amount: usize) -> Option<Held> {
        Arc::clone(&self.permits).try_acquire_many_owned(self.units(amount)).ok().map(Held)
    }

    /// Waits until a part is free; who asked first gets it first.
    pub async fn take(&self, amount: usize) -> Held {
        let taken = Arc::clone(&self.permits).acquire_many_owned(self.units(amount)).await;
        match taken {
            Ok(permit) => Held(permit),
            Err(_) => unreachable!("a room is never closed"),
        }
    }

    /// How much of it is taken.
    pub fn taken(&self) -> usize {
        (self.all as usize).saturating_sub(self.permits.available_permits()) * self.unit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn room_is_bounded_and_given_back() {
        let room = Room::new(10);
        let six = room.try_take(6).unwrap();
        assert!(room.try_take(5).is_none());
        assert_eq!(room.taken(), 6);
        drop(six);
        assert_eq!(room.taken(), 0);
        // More than there is waits for all of it.
        let all = room.take(1_000).await;
        assert!(room.try_take(1).is_none());
        drop(all);
        let large = Room::new(1 << 40);
        let part = large.try_take(1 << 39).unwrap();
        assert_eq!(large.taken(), 1 << 39);
        drop(part);
    }
}
