//! The resources of a process, from Linux.

use std::{
    fs,
    process::{Child, ExitStatus},
    time::Duration,
};

/// Memory in use now, in MB.
pub fn memory(process: u32) -> f64 {
    status(process, "VmRSS:").unwrap_or_default()
}

/// Waits for the end of a process; returns the most memory it ever used, in MB.
pub async fn most_memory(mut process: Child) -> (ExitStatus, f64) {
    let mut most: f64 = 0.0;
    loop {
        most = most.max(status(process.id(), "VmHWM:").unwrap_or_default());
        if let Some(ended) = process.try_wait().expect("our process") {
            return (ended, most);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn status(process: u32, key: &str) -> Option<f64> {
    let reported = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let kilobytes = reported.lines().find_map(|line| line.strip_prefix(key))?.trim().strip_suffix(" kB")?;
    kilobytes.parse::<f64>().ok().map(|kilobytes| kilobytes / 1024.0)
}
