//! Encrypted files, sealed in pieces with the tenant's key, so that they can be written and read as streams.
//!
//! A piece is its length (four bytes, little endian) followed by the output of [`DataKeys::seal`]: version, key id,
//! nonce, ciphertext. It is bound to the file's purpose and to its position; the last piece of a finished file is
//! marked as last. So pieces cannot be moved, left out or cut off unnoticed.

use std::io::{self, Read, Seek, SeekFrom};

use zeroize::Zeroizing;

use crate::{
    error::Result,
    keys::{DataKeys, SEALED, key_of},
};

/// Bytes of a full piece before sealing.
const PIECE: usize = 64 * 1024;
/// Bytes of a piece's length.
const LENGTH: usize = 4;

/// Seals the bytes of one file, in order.
#[derive(Debug)]
pub struct Sealer {
    key: DataKeys,
    purpose: String,
    /// The position of the next piece.
    at: u64,
    waiting: Vec<u8>,
}

impl Sealer {
    /// A sealer that continues a file of this length.
    pub fn new(key: &DataKeys, purpose: &str, at: u64) -> Self {
        Self { key: key.clone(), purpose: purpose.to_owned(), at, waiting: Vec::new() }
    }

    /// Takes bytes and returns what can be written so far; that may be nothing yet.
    ///
    /// # Errors
    /// If the system cannot provide randomness.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<u8>> {
        self.waiting.extend_from_slice(bytes);
        let mut out = Vec::new();
        let waiting = std::mem::take(&mut self.waiting);
        // keep at least one byte for the last piece
        let mut rest = waiting.as_slice();
        while rest.len() > PIECE {
            let (piece, more) = rest.split_at(PIECE);
            self.piece(piece, false, &mut out)?;
            rest = more;
        }
        self.waiting = rest.to_vec();
        Ok(out)
    }

    /// Returns what is left to write; more may follow.
    ///
    /// # Errors
    /// As [`Sealer::push`].
    pub fn flush(&mut self) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        let waiting = std::mem::take(&mut self.waiting);
        if !waiting.is_empty() {
            self.piece(&waiting, false, &mut out)?;
        }
        Ok(out)
    }

    /// Returns the end of the file.
    ///
    /// # Errors
    /// As [`Sealer::push`].
    pub fn finish(&mut self) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        let waiting = std::mem::take(&mut self.waiting);
        self.piece(&waiting, true, &mut out)?;
        Ok(out)
    }

    fn piece(&mut self, clear: &[u8], last: bool, out: &mut Vec<u8>) -> Result<()> {
        let sealed = self.key.seal(&bound(&self.purpose, self.at, last), clear)?;
        // a piece is far smaller than 4 GB
        out.extend_from_slice(&(sealed.len() as u32).to_le_bytes());
        out.extend_from_slice(&sealed);
        self.at += (LENGTH + sealed.len()) as u64;
        Ok(())
    }
}

/// Reads a sealed file.
pub struct Unsealed<R> {
    file: R,
    key: DataKeys,
    purpose: String,
    /// The file has a last piece; without it, it was cut off.
    finished: bool,
    /// Where the next piece starts.
    at: u64,
    piece: Zeroizing<Vec<u8>>,
    /// How much of the piece was returned.
    taken: usize,
    ended: bool,
}

impl<R: Read> Unsealed<R> {
    /// Reads a file that [`Sealer::finish`] completed.
    pub fn new(file: R, key: &DataKeys, purpose: &str) -> Self {
        Self {
            file,
            key: key.clone(),
            purpose: purpose.to_owned(),
            finished: true,
            at: 0,
            piece: Zeroizing::default(),
            taken: 0,
            ended: false,
        }
    }

    /// Reads a file that may still grow. The caller knows its length and passes that much of it.
    pub fn growing(file: R, key: &DataKeys, purpose: &str) -> Self {
        Self { finished: false, ..Self::new(file, key, purpose) }
    }

    /// The length of the next sealed piece; `None` at the end of the file.
    fn length(&mut self) -> io::Result<Option<usize>> {
        let mut length = [0; LENGTH];
        let mut read = 0;
        while read < LENGTH {
            match self.file.read(&mut length[read..]) {
                Ok(0) if read == 0 && !self.finished => return Ok(None),
                Ok(0) => return Err(damaged()),
                Ok(more) => read += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let length = u32::from_le_bytes(length) as usize;
        if (SEALED..=PIECE + SEALED).contains(&length) { Ok(Some(length)) } else { Err(damaged()) }
    }

    fn open(&mut self, length: usize) -> io::Result<()> {
        let mut sealed = vec![0; length];
        self.file.read_exact(&mut sealed).map_err(|_| damaged())?;
        let unseal = |last| self.key.unseal(&bound(&self.purpose, self.at, last), &sealed);
        let (clear, last) = match unseal(false) {
            Some(clear) => (clear, false),
            None => (unseal(true).ok_or_else(damaged)?, true),
        };
        (self.piece, self.taken, self.ended) = (clear, 0, last);
        self.at += (LENGTH + length) as u64;
        Ok(())
    }
}

impl<R: Read> Read for Unsealed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.piece.len() && !self.ended {
            match self.length()? {
                Some(length) => self.open(length)?,
                None => self.ended = true,
            }
        }
        let rest = &self.piece[self.taken..];
        let step = rest.len().min(buffer.len());
        buffer[..step].copy_from_slice(&rest[..step]);
        self.taken += step;
        Ok(step)
    }
}

impl<R: Read + Seek> Seek for Unsealed<R> {
    /// Seeks to a position from the start; other positions are not supported.
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let SeekFrom::Start(wanted) = to else { return Err(io::ErrorKind::Unsupported.into()) };
        self.file.seek(SeekFrom::Start(0))?;
        (self.at, self.taken, self.ended) = (0, 0, false);
        self.piece = Zeroizing::default();
        let mut left = wanted;
        while left > 0 && !self.ended {
            let Some(length) = self.length()? else { break };
            let clear = (length - SEALED) as u64;
            if clear < left {
                // skip a whole piece; if it were the last, the next length would be missing
                self.file.seek(SeekFrom::Current(length as i64))?;
                self.at += (LENGTH + length) as u64;
                left -= clear;
            } else {
                self.open(length)?;
                self.taken = left as usize;
                left = 0;
            }
        }
        Ok(wanted - left)
    }
}

/// Copies a file, complete or growing, resealed with the key that seals now. Pieces keep their positions.
///
/// # Errors
/// If it is damaged, or cannot be read or written.
pub fn reseal(from: impl Read, key: &DataKeys, purpose: &str, to: &mut impl io::Write) -> io::Result<()> {
    let mut file = Unsealed::growing(from, key, purpose);
    while let Some(length) = file.length()? {
        let at = file.at;
        file.open(length)?;
        let sealed = key.seal(&bound(purpose, at, file.ended), &file.piece).map_err(|_| damaged())?;
        to.write_all(&(sealed.len() as u32).to_le_bytes())?;
        to.write_all(&sealed)?;
    }
    Ok(())
}

/// Whether the whole file uses the key that seals now.
///
/// # Errors
/// If it cannot be read.
pub fn is_current(mut file: impl Read + Seek, key: &DataKeys) -> io::Result<bool> {
    let mut head = [0; LENGTH + SEALED];
    loop {
        match file.read_exact(&mut head) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(true),
            other => other?,
        }
        if key_of(&head[LENGTH..]) != Some(key.current()) {
            return Ok(false);
        }
        let [a, b, c, d, ..] = head;
        let length = i64::from(u32::from_le_bytes([a, b, c, d]));
        file.seek(SeekFrom::Current(length - SEALED as i64))?;
    }
}

/// What a piece is bound to.
fn bound(purpose: &str, at: u64, last: bool) -> String {
    format!("{purpose} {at} {}", if last { "last" } else { "more" })
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the file is damaged, or sealed for something else")
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use entities::ids::TenantId;

    use super::*;
    use crate::keys::MasterKeys;

    fn key() -> DataKeys {
        let (master, tenant) = (MasterKeys::from_hex(&"ab".repeat(32)).unwrap(), TenantId::new());
        DataKeys::open(&master, tenant, &master.first_keys(tenant).unwrap()).unwrap()
    }

    fn clear(length: usize) -> Vec<u8> {
        (0..length).map(|n| (n % 251) as u8).collect()
    }

    fn sealed(key: &DataKeys, clear: &[u8]) -> Vec<u8> {
        let mut sealer = Sealer::new(key, "test", 0);
        let mut file = Vec::new();
        for part in clear.chunks(10_007) {
            file.extend(sealer.push(part).unwrap());
        }
        file.extend(sealer.finish().unwrap());
        file
    }

    fn read(key: &DataKeys, purpose: &str, file: &[u8]) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        Unsealed::new(file, key, purpose).read_to_end(&mut out)?;
        Ok(out)
    }

    #[test]
    fn what_was_sealed_is_read_and_nothing_of_it_shows() {
        let key = key();
        for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 5] {
            let file = sealed(&key, &clear(length));
            assert_eq!(read(&key, "test", &file).unwrap(), clear(length), "{length}");
        }
        let file = sealed(&key, &b"Quartermaine ".repeat(10_000));
        assert!(!file.windows(12).any(|window| window == b"Quartermaine"));
    }

    #[test]
    fn what_was_changed_is_not_read() {
        let key_a = key();
        let file = sealed(&key_a, &clear(2 * PIECE + 5));
        let piece = LENGTH + PIECE + SEALED;
        let swapped = [&file[piece..2 * piece], &file[..piece], &file[2 * piece..]].concat();
        let mut flipped = file.clone();
        flipped[100] ^= 1;
        let cut = &file[..2 * piece];
        for wrong in [swapped.as_slice(), flipped.as_slice(), cut, &file[..50], &[]] {
            assert!(read(&key_a, "test", wrong).is_err());
        }
        assert!(read(&key_a, "other", &file).is_err());
        assert!(read(&key(), "test", &file).is_err());
    }

    #[test]
    fn a_file_is_sealed_anew_and_reads_the_same() {
        let (master, tenant) = (MasterKeys::from_hex(&"ab".repeat(32)).unwrap(), TenantId::new());
        let mut held = master.first_keys(tenant).unwrap();
        let key = DataKeys::open(&master, tenant, &held).unwrap();
        let clear = clear(2 * PIECE + 5);
        let old = sealed(&key, &clear);
        assert!(is_current(Cursor::new(&old), &key).unwrap());
        held.push(master.new_key(tenant, crate::keys::Purpose::Data, crate::keys::KeyId(2)).unwrap());
        key.take_up(&master, &held).unwrap();
        assert!(key.seal_with(crate::keys::KeyId(2)) && !is_current(Cursor::new(&old), &key).unwrap());
        let mut new = Vec::new();
        reseal(old.as_slice(), &key, "test", &mut new).unwrap();
        assert!(is_current(Cursor::new(&new), &key).unwrap() && new.len() == old.len());
        assert_eq!(read(&key, "test", &new).unwrap(), clear);
    }

    #[test]
    fn any_place_can_be_gone_to() {
        let key = key();
        let whole = clear(2 * PIECE + 5);
        let mut file = Unsealed::new(Cursor::new(sealed(&key, &whole)), &key, "test");
        for place in [0, 5, PIECE, PIECE + 1, 2 * PIECE, 2 * PIECE + 5, 3] {
            assert_eq!(file.seek(SeekFrom::Start(place as u64)).unwrap(), place as u64);
            let mut rest = Vec::new();
            file.read_to_end(&mut rest).unwrap();
            assert!(rest == whole[place..], "{place}");
        }
    }

    #[test]
    fn a_growing_file_is_written_on_where_it_was_cut() {
        let key = key();
        let mut file = Sealer::new(&key, "test", 0);
        let mut bytes = [file.push(b"one ").unwrap(), file.flush().unwrap()].concat();
        let kept = bytes.len();
        bytes.extend([file.push(b"lost").unwrap(), file.flush().unwrap()].concat());
        bytes.truncate(kept);
        let mut file = Sealer::new(&key, "test", kept as u64);
        bytes.extend([file.push(b"two").unwrap(), file.flush().unwrap()].concat());
        let mut out = String::new();
        Unsealed::growing(bytes.as_slice(), &key, "test").read_to_string(&mut out).unwrap();
        assert_eq!(out, "one two");
    }
}
