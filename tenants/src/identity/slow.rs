//! Hashing passwords takes a core and much memory for a while. So it runs apart from the threads that serve requests, a
//! few at a time, with a bounded queue.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::Semaphore;

use crate::error::{Code, Error, Result};

/// Most passwords that may wait; on two cores the last of them waits for about three seconds.
const PLACES: usize = 100;
/// Most places in the queue for one network.
const OF_ONE: usize = 10;

/// The queue key of the operator, who comes from no network.
pub(super) const OPERATOR: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// The queue.
pub(super) struct Slow {
    /// Argon2 takes 32 MB and a core, so as many run at once as there are cores.
    cores: Arc<Semaphore>,
    /// Used places, by network.
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// A place in the queue, released when it is dropped.
struct Place {
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
    network: IpAddr,
}

impl Slow {
    pub fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { cores: Arc::new(Semaphore::new(cores)), taken: Arc::default() }
    }

    /// Runs work for a network, when its turn comes.
    pub async fn run<T: Send + 'static>(
        &self,
        network: IpAddr,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let place = self.place(network)?;
        let core = Arc::clone(&self.cores).acquire_owned().await.map_err(Error::internal)?;
        // both stay taken until the work ends, even if nobody waits for the result any more
        let done = tokio::task::spawn_blocking(move || {
            let _kept = (place, core);
            work()
        });
        done.await.map_err(Error::internal)?
    }

    fn place(&self, network: IpAddr) -> Result<Place> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, own) = (taken.values().sum::<usize>(), taken.get(&network).copied().unwrap_or_default());
        if all >= PLACES || own >= OF_ONE {
            let message = "Too many people are signing in at this moment; try again in a few seconds.";
            return Err(Error::new(Code::Busy, message));
        }
        taken.insert(network, own + 1);
        Ok(Place { taken: Arc::clone(&self.taken), network })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = taken.get_mut(&self.network) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_network_leaves_places_to_others_and_gets_its_own_back() {
        let slow = Slow::new();
        let (one, other) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let held: Vec<_> = (0..OF_ONE).map(|_| slow.place(one).unwrap()).collect();
        assert_eq!(slow.run(one, || Ok(1)).await.unwrap_err().code(), Code::Busy);
        assert_eq!(slow.run(other, || Ok(2)).await.unwrap(), 2);
        drop(held);
        assert_eq!(slow.run(one, || Ok(3)).await.unwrap(), 3);
        assert!(slow.taken.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn the_line_ends_somewhere() {
        let slow = Slow::new();
        let network = |n: usize| IpAddr::from([10, 0, 0, u8::try_from(n).unwrap()]);
        let held: Vec<_> = (0..PLACES).map(|n| slow.place(network(n)).unwrap()).collect();
        assert_eq!(slow.run(network(PLACES), || Ok(())).await.unwrap_err().code(), Code::Busy);
        drop(held);
    }
}
