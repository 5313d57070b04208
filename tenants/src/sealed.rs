//! Encrypted files, sealed in pieces with the tenant's key, so that they can be written and read as streams, and read
//! from any place.
//!
//! A piece is its length (four bytes, little endian) followed by the output of [`DataKeys::seal`]: version, key id,
//! nonce, ciphertext. It is bound to the file's purpose and to its position; the last piece is marked as last. So pieces
//! cannot be moved, left out or cut off unnoticed. All pieces but the last hold the same number of bytes.

use zeroize::Zeroizing;

use crate::{
    error::{Code, Error, Result},
    keys::{DataKeys, KeyId, SEALED, key_of},
};

/// Bytes of a full piece before sealing.
const PIECE: usize = 64 * 1024;
/// Bytes of a piece's length.
const LENGTH: usize = 4;
/// Bytes of a full piece in the file.
pub const FULL: usize = LENGTH + SEALED + PIECE;
/// Bytes at the start of a file that say which key sealed it.
pub const HEAD: usize = LENGTH + SEALED;

/// Seals the bytes of one file, in order, with the newest key that is known when it begins.
#[derive(Debug)]
pub struct Sealer {
    key: DataKeys,
    id: KeyId,
    purpose: String,
    /// The position of the next piece.
    at: u64,
    waiting: Vec<u8>,
}

impl Sealer {
    /// A sealer at the start of a file.
    pub fn new(key: &DataKeys, purpose: &str) -> Self {
        Self { key: key.clone(), id: key.newest(), purpose: purpose.to_owned(), at: 0, waiting: Vec::new() }
    }

    /// The key that seals the file.
    pub fn key_id(&self) -> KeyId {
        self.id
    }

    /// Takes bytes and returns what can be written so far; that may be nothing yet.
    ///
    /// # Errors
    /// If the system cannot provide randomness, or the key was dropped meanwhile.
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

    /// Returns the end of the file.
    ///
    /// # Errors
    /// As [`Sealer::push`].
    pub fn finish(mut self) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        let waiting = std::mem::take(&mut self.waiting);
        self.piece(&waiting, true, &mut out)?;
        Ok(out)
    }

    fn piece(&mut self, clear: &[u8], last: bool, out: &mut Vec<u8>) -> Result<()> {
        let sealed = self.key.seal_under(self.id, &bound(&self.purpose, self.at, last), clear)?;
        // a piece is far smaller than 4 GB
        out.extend_from_slice(&(sealed.len() as u32).to_le_bytes());
        out.extend_from_slice(&sealed);
        self.at += (LENGTH + sealed.len()) as u64;
        Ok(())
    }
}

/// Unseals the bytes of one file, in order.
#[derive(Debug)]
pub struct Unsealer {
    key: DataKeys,
    purpose: String,
    /// The position of the next piece.
    at: u64,
    /// Where it began.
    began: u64,
    waiting: Vec<u8>,
    ended: bool,
}

impl Unsealer {
    /// An unsealer at the start of a file.
    pub fn new(key: &DataKeys, purpose: &str) -> Self {
        Self::at(key, purpose, 0)
    }

    /// An unsealer at the start of a piece, as [`place`] answers it.
    pub fn at(key: &DataKeys, purpose: &str, at: u64) -> Self {
        Self { key: key.clone(), purpose: purpose.to_owned(), at, began: at, waiting: Vec::new(), ended: false }
    }

    /// Takes bytes of the file and returns what they hold so far; that may be nothing yet.
    ///
    /// # Errors
    /// `BAD_FILE` if they are damaged or were sealed for something else.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        self.waiting.extend_from_slice(bytes);
        let waiting = std::mem::take(&mut self.waiting);
        let mut rest = waiting.as_slice();
        let mut out = Zeroizing::new(Vec::with_capacity(rest.len()));
        while let Some((length, more)) = rest.split_first_chunk::<LENGTH>() {
            let length = u32::from_le_bytes(*length) as usize;
            if self.ended || !(SEALED..=PIECE + SEALED).contains(&length) {
                return Err(damaged());
            }
            let Some((sealed, more)) = more.split_at_checked(length) else { break };
            let (clear, last) = self.piece(sealed)?;
            out.extend_from_slice(&clear);
            self.ended = last;
            self.at += (LENGTH + length) as u64;
            rest = more;
        }
        self.waiting = rest.to_vec();
        Ok(out)
    }

    /// Whether the last piece was read. A file that ends before it was cut off.
    pub fn ended(&self) -> bool {
        self.ended && self.waiting.is_empty()
    }

    /// Whether nothing was read yet.
    pub fn is_fresh(&self) -> bool {
        !self.ended && self.waiting.is_empty() && self.at == self.began
    }

    fn piece(&self, sealed: &[u8]) -> Result<(Zeroizing<Vec<u8>>, bool)> {
        let unseal = |last| self.key.unseal(&bound(&self.purpose, self.at, last), sealed);
        match unseal(false) {
            Some(clear) => Ok((clear, false)),
            None => Ok((unseal(true).ok_or_else(damaged)?, true)),
        }
    }
}

/// Where a byte of the clear text is found: the position of its piece in the file, and how many bytes of the piece come
/// before it.
pub fn place(clear: u64) -> (u64, usize) {
    let piece = PIECE as u64;
    (clear / piece * FULL as u64, (clear % piece) as usize)
}

/// The key that sealed a file, from its first [`HEAD`] bytes.
pub fn key_of_file(head: &[u8]) -> Option<KeyId> {
    key_of(head.get(LENGTH..)?)
}

/// What a piece is bound to.
fn bound(purpose: &str, at: u64, last: bool) -> String {
    format!("{purpose} {at} {}", if last { "last" } else { "more" })
}

/// The error of a file that cannot be unsealed.
pub fn damaged() -> Error {
    Error::new(Code::BadFile, "The file is damaged, or was sealed for something else.")
}

#[cfg(test)]
mod tests {
    use entities::ids::TenantId;

    use super::*;
    use crate::keys::{MasterKeys, Purpose};

    fn key() -> DataKeys {
        let (master, tenant) = (MasterKeys::from_hex(&"ab".repeat(32)).unwrap(), TenantId::new());
        DataKeys::open(&master, tenant, &master.first_keys(tenant).unwrap()).unwrap()
    }

    fn clear(length: usize) -> Vec<u8> {
        (0..length).map(|n| (n % 251) as u8).collect()
    }

    fn sealed(key: &DataKeys, clear: &[u8]) -> Vec<u8> {
        let mut sealer = Sealer::new(key, "test");
        let mut file = Vec::new();
        for part in clear.chunks(10_007) {
            file.extend(sealer.push(part).unwrap());
        }
        file.extend(sealer.finish().unwrap());
        file
    }

    fn read(mut unsealer: Unsealer, file: &[u8]) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        for part in file.chunks(9_973) {
            out.extend_from_slice(&unsealer.push(part).ok()?);
        }
        unsealer.ended().then_some(out)
    }

    #[test]
    fn what_was_sealed_is_read_and_nothing_of_it_shows() {
        let key = key();
        for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 5] {
            let file = sealed(&key, &clear(length));
            assert_eq!(read(Unsealer::new(&key, "test"), &file).unwrap(), clear(length), "{length}");
        }
        let file = sealed(&key, &b"Quartermaine ".repeat(10_000));
        assert!(!file.windows(12).any(|window| window == b"Quartermaine"));
    }

    #[test]
    fn what_was_changed_is_not_read() {
        let key_a = key();
        let file = sealed(&key_a, &clear(2 * PIECE + 5));
        let swapped = [&file[FULL..2 * FULL], &file[..FULL], &file[2 * FULL..]].concat();
        let mut flipped = file.clone();
        flipped[100] ^= 1;
        let cut = &file[..2 * FULL];
        let longer = [file.as_slice(), &file[..FULL]].concat();
        for wrong in [swapped.as_slice(), flipped.as_slice(), cut, &file[..50], &[], &longer] {
            assert!(read(Unsealer::new(&key_a, "test"), wrong).is_none());
        }
        assert!(read(Unsealer::new(&key_a, "other"), &file).is_none());
        assert!(read(Unsealer::new(&key(), "test"), &file).is_none());
    }

    #[test]
    fn any_place_can_be_read_from() {
        let key = key();
        let whole = clear(2 * PIECE + 5);
        let file = sealed(&key, &whole);
        for wanted in [0, 5, PIECE, PIECE + 1, 2 * PIECE, 2 * PIECE + 4] {
            let (at, skip) = place(wanted as u64);
            let rest = read(Unsealer::at(&key, "test", at), &file[at as usize..]).unwrap();
            assert!(rest[skip..] == whole[wanted..], "{wanted}");
        }
    }

    #[test]
    fn a_file_is_sealed_with_one_key_and_names_it() {
        let (master, tenant) = (MasterKeys::from_hex(&"ab".repeat(32)).unwrap(), TenantId::new());
        let mut held = master.first_keys(tenant).unwrap();
        let key = DataKeys::open(&master, tenant, &held).unwrap();
        let whole = clear(2 * PIECE + 5);
        let mut sealer = Sealer::new(&key, "test");
        let mut file = sealer.push(&whole[..PIECE + 1]).unwrap();
        held.push(master.new_key(tenant, Purpose::Data, KeyId(2)).unwrap());
        key.take_up(&master, &held).unwrap();
        assert_eq!((key.newest(), key.current()), (KeyId(2), KeyId(1)));
        file.extend(sealer.push(&whole[PIECE + 1..]).unwrap());
        file.extend(sealer.finish().unwrap());
        assert_eq!(read(Unsealer::new(&key, "test"), &file).unwrap(), whole);
        assert!((0..3).all(|piece| key_of_file(&file[piece * FULL..][..HEAD]) == Some(KeyId(1))));
        assert_eq!(key_of_file(&sealed(&key, &whole)[..HEAD]), Some(KeyId(2)));
    }
}
