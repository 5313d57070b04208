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

/// Seconds of processor time that a process has used.
pub fn cpu(process: u32) -> f64 {
    /// Linux counts in hundredths of a second.
    const TICKS: f64 = 100.0;
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).expect("a running process");
    // the name may contain spaces; the times are the 14th and 15th of all fields
    let (_, rest) = stat.rsplit_once(')').expect("a name");
    let ticks = rest.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<f64>().expect("a number"));
    ticks.sum::<f64>() / TICKS
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
