//! What a kind of background work is: its data, and the settings of the queue that it waits in.

use std::time::Duration;

use serde::{Serialize, de::DeserializeOwned};

/// A job: what is to be done, declared beside the noun that it belongs to. A handler of the crates above does it.
pub trait Job: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// How these jobs are done.
    const QUEUE: Queue;

    /// While a job with this key waits, another one is not added: both would do the same.
    fn key(&self) -> Option<String> {
        None
    }

    /// What it is about, for people who look at failed jobs: ids, never personal data.
    fn subject(&self) -> String {
        String::new()
    }
}

/// The settings of a queue.
#[derive(Clone, Copy, Debug)]
pub struct Queue {
    /// Unique and stable: it is stored.
    pub name: &'static str,
    /// How long its jobs are.
    pub pace: Pace,
    /// Jobs of one tenant that are done at the same time.
    pub per_tenant: usize,
    /// Tenants for which one process works on this queue at the same time.
    pub per_node: usize,
    /// The most time that one step may take. Then it is dropped, which counts as a failure.
    pub timeout: Duration,
    /// What happens after a failure that may pass.
    pub retry: Retry,
}

/// How long the jobs of a queue are. Workers are reserved for short ones, so that they never wait for long ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Over in a moment: an email.
    Short,
    /// Many steps, such as an import.
    Long,
}

/// How often a job is tried before it is given up. Progress resets the count.
#[derive(Clone, Copy, Debug)]
pub struct Retry {
    /// Failures in a row after which it is given up.
    pub attempts: i32,
    /// The pause after the first failure. It doubles with each further one.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
}

impl Queue {
    /// A queue of short jobs, with settings that suit most of them.
    pub const fn short(name: &'static str) -> Self {
        Self {
            name,
            pace: Pace::Short,
            per_tenant: 1,
            per_node: usize::MAX,
            timeout: Duration::from_secs(60),
            retry: Retry { attempts: 12, first: Duration::from_secs(1), longest: Duration::from_secs(3_600) },
        }
    }

    /// A queue of long jobs: each does a step of about a second, then the others have their turn.
    pub const fn long(name: &'static str) -> Self {
        Self { pace: Pace::Long, timeout: Duration::from_secs(120), ..Self::short(name) }
    }
}

impl Retry {
    /// The pause after so many failures in a row.
    pub fn pause(&self, failures: i32) -> Duration {
        let doublings = u32::try_from(failures - 1).unwrap_or(0).min(30);
        self.first.saturating_mul(1 << doublings).min(self.longest)
    }
}
