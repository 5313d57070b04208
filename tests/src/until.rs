//! Waiting for what other processes do in their own time.

use std::time::Duration;

/// Asks until the answer is yes.
///
/// # Panics
/// When it is not yes after so many seconds; the message says what was waited for.
pub async fn until(seconds: u64, what: &str, yes: impl AsyncFn() -> bool) {
    let waiting = async {
        while !yes().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let came = tokio::time::timeout(Duration::from_secs(seconds), waiting).await;
    assert!(came.is_ok(), "waited in vain: {what}");
}
