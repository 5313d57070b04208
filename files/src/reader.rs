//! A file for code that reads and seeks, and may block meanwhile.

use std::{
    fmt,
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
};

use object_store::{ObjectStoreExt, path::Path};
use tenants::{
    error::{Error, Result},
    file_store::failed,
    sealed::{FULL, Unsealer, damaged, key_of_file, place},
};
use tokio::runtime::Handle;
use zeroize::Zeroizing;

use super::Files;

/// Pieces that are fetched first; then twice as many each time.
const FIRST: u64 = 2;
/// Most pieces that are fetched at a time.
const MOST: u64 = 64;

/// Reads a file. Only threads that may block use it: those of `spawn_blocking`, never those of the runtime. [`of_reading`]
/// says what its errors mean.
#[derive(Debug)]
pub struct Reader {
    files: Files,
    path: Path,
    purpose: String,
    /// Bytes of the sealed file.
    size: u64,
    runtime: Handle,
    unsealer: Unsealer,
    /// The part of the sealed file that the unsealer takes next.
    next: Range<u64>,
    /// How many pieces are fetched next.
    pieces: u64,
    clear: Zeroizing<Vec<u8>>,
    /// How much of `clear` was returned, or is before the place that was sought.
    taken: usize,
}

impl Reader {
    pub(super) fn new(files: &Files, path: Path, purpose: &str, size: u64) -> Self {
        Self {
            files: files.clone(),
            path,
            purpose: purpose.to_owned(),
            size,
            runtime: Handle::current(),
            unsealer: Unsealer::new(&files.0.key, purpose),
            next: 0..size,
            pieces: FIRST,
            clear: Zeroizing::default(),
            taken: 0,
        }
    }

    /// Fetches more; false at the end of the file.
    fn fetch(&mut self) -> Result<bool> {
        if self.next.is_empty() {
            // who begins behind the last byte finds nothing there
            let whole = self.unsealer.ended() || (self.size > 0 && self.unsealer.is_fresh());
            return if whole { Ok(false) } else { Err(damaged()) };
        }
        let range = self.next.start..self.next.end.min(self.next.start + self.pieces * FULL as u64);
        let fetched = self.files.0.files.objects.get_range(&self.path, range.clone());
        let bytes = self.runtime.block_on(fetched).map_err(failed)?;
        let keys = &self.files.0;
        if key_of_file(&bytes).is_some_and(|id| !keys.key.has(id)) {
            // another process has sealed the file with a new key meanwhile
            self.runtime.block_on(keys.take_up_keys())?;
        }
        let skipped = self.taken.saturating_sub(self.clear.len());
        self.clear = self.unsealer.push(&bytes)?;
        self.taken = skipped;
        self.next.start = range.end;
        self.pieces = MOST.min(self.pieces * 2);
        Ok(true)
    }
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.taken >= self.clear.len() {
            if !self.fetch().map_err(|error| io::Error::other(Failed(error)))? {
                return Ok(0);
            }
        }
        let rest = &self.clear[self.taken..];
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        self.taken += length;
        Ok(length)
    }
}

impl Seek for Reader {
    /// Seeks to a position from the start; other positions are not supported.
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let SeekFrom::Start(wanted) = to else { return Err(io::ErrorKind::Unsupported.into()) };
        let (at, skipped) = place(wanted);
        self.unsealer = Unsealer::at(&self.files.0.key, &self.purpose, at);
        (self.next, self.pieces) = (at.min(self.size)..self.size, FIRST);
        (self.clear, self.taken) = (Zeroizing::default(), skipped);
        Ok(wanted)
    }
}

/// Our error on its way through code that knows those of the standard library.
#[derive(Debug)]
struct Failed(Error);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.message())
    }
}

impl std::error::Error for Failed {}

/// What an error of a [`Reader`] means: `UNAVAILABLE`, `NOT_FOUND` or `BAD_FILE`. Errors of others come back.
///
/// # Errors
/// The error itself, if no reader made it.
pub fn of_reading(error: io::Error) -> Result<Error, io::Error> {
    error.downcast::<Failed>().map(|failed| failed.0)
}
