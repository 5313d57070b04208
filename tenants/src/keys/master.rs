//! The installation's master keys: the newest seals, all can open. A key file that has changed is read again, so that
//! running processes use a new key without a restart.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{
    file::{self, Stamp},
    sealing::{KeyId, Secret, key_of, random, seal, unseal},
};
use crate::{
    db::DatabaseKey,
    error::{Code, Error, Result},
};

/// Most master keys.
pub(super) const MOST: usize = 16;

/// One of the installation's keys.
#[derive(Clone)]
pub struct MasterKey {
    id: KeyId,
    secret: Secret,
}

/// A key that signs access tokens, and its name in tokens (`kid`).
pub(crate) struct TokenKey {
    pub id: String,
    pub secret: Zeroizing<[u8; 32]>,
}

impl MasterKey {
    fn of(secret: Secret) -> Self {
        let derived = secret.derive("key id");
        let id = u32::from_be_bytes([derived[0], derived[1], derived[2], derived[3]]);
        // 0 marks what was sealed before keys had ids
        Self { id: KeyId(id.max(1)), secret }
    }

    /// A new key.
    ///
    /// # Errors
    /// If the system cannot provide randomness.
    pub fn generate() -> Result<Self> {
        Ok(Self::of(Secret(Zeroizing::new(random::<32>()?))))
    }

    /// A key from 64 hexadecimal digits.
    ///
    /// # Errors
    /// For any other text.
    pub fn from_hex(text: &str) -> Result<Self> {
        let refused = || {
            Error::new(
                Code::BadRequest,
                "The master key is not 64 hexadecimal digits; make one with `openssl rand -hex 32`.",
            )
        };
        let mut bytes = Zeroizing::new([0u8; 32]);
        if text.len() != 64 {
            return Err(refused());
        }
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            let digit = |at: usize| char::from(pair[at]).to_digit(16).ok_or_else(refused);
            *byte = (digit(0)? * 16 + digit(1)?) as u8;
        }
        Ok(Self::of(Secret(bytes)))
    }

    /// The text that [`MasterKey::from_hex`] reads.
    pub(super) fn to_hex(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(64));
        for byte in self.secret.0.iter() {
            text.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
            text.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
        }
        text
    }

    /// Its name.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The key of a `control.db` from before it had a key of its own.
    pub(crate) fn first_control_database(&self) -> DatabaseKey {
        DatabaseKey(self.secret.derive("control.db"))
    }

    /// The key for access tokens.
    pub(crate) fn token_key(&self) -> TokenKey {
        let secret = self.secret.derive("access tokens");
        let digest = Sha256::digest(secret.as_slice());
        TokenKey { id: BASE64_URL_SAFE_NO_PAD.encode(&digest[..6]), secret }
    }

    pub(super) fn seal_for(&self, purpose: &str, context: &[u8], clear: &[u8]) -> Result<Vec<u8>> {
        seal(&self.secret.derive(purpose), self.id, context, clear)
    }

    fn unseal_for(&self, purpose: &str, context: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        unseal(&self.secret.derive(purpose), context, sealed)
    }
}

/// All master keys, newest first; clones share them. It never prints a key.
#[derive(Clone)]
pub struct MasterKeys(Arc<Inside>);

struct Inside {
    file: Option<PathBuf>,
    known: RwLock<Known>,
}

#[derive(Clone)]
struct Known {
    keys: Arc<[MasterKey]>,
    stamp: Option<Stamp>,
}

impl fmt::Debug for MasterKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys().iter().map(MasterKey::id)).finish()
    }
}

impl MasterKeys {
    /// Parses keys of 64 hexadecimal digits, newest first, separated by spaces, commas or line ends.
    ///
    /// # Errors
    /// If one is not valid, if there is none, or more than 16.
    pub fn from_hex(text: &str) -> Result<Self> {
        Ok(Self::with(None, Known { keys: parse(text)?, stamp: None }))
    }

    /// The keys in a file, one per line, newest first. A missing file is created with mode 600 and a new key.
    ///
    /// # Errors
    /// If other users can read the file, it is not valid, or it cannot be written.
    pub fn from_file(path: &Path) -> Result<Self> {
        let (text, stamp) = file::read_or_create(path)?;
        let known = Known { keys: parse(&text)?, stamp: Some(stamp) };
        Ok(Self::with(Some(path.to_owned()), known))
    }

    fn with(file: Option<PathBuf>, known: Known) -> Self {
        Self(Arc::new(Inside { file, known: RwLock::new(known) }))
    }

    /// The file that holds the keys; `None` if they are configured directly.
    pub fn file(&self) -> Option<&Path> {
        self.0.file.as_deref()
    }

    /// The keys, newest first. A changed file is read first; if it cannot be read, the known keys stay.
    pub fn keys(&self) -> Arc<[MasterKey]> {
        let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(path) = &self.0.file else { return known.keys };
        let Some(stamp) = Stamp::of(path).filter(|stamp| Some(*stamp) != known.stamp) else { return known.keys };
        let keys = match file::read(path).and_then(|(text, _)| parse(&text)) {
            Ok(keys) => keys,
            Err(error) => {
                tracing::warn!(error = error.message(), "the changed file of master keys cannot be used");
                known.keys
            }
        };
        // an unreadable file is not read again until it changes
        *self.0.known.write().unwrap_or_else(PoisonError::into_inner) =
            Known { keys: Arc::clone(&keys), stamp: Some(stamp) };
        keys
    }

    /// The key that seals.
    pub fn newest(&self) -> MasterKey {
        // there is always a key: `parse` refuses an empty list
        self.keys()[0].clone()
    }

    /// Encrypts a short text of the control plane. Every column that stores the result must be listed in
    /// `crate::rotation`, or its values are lost when the key is retired.
    ///
    /// # Errors
    /// If the system cannot provide randomness.
    pub fn seal(&self, purpose: &str, clear: &[u8]) -> Result<Vec<u8>> {
        self.newest().seal_for(purpose, purpose.as_bytes(), clear)
    }

    /// Decrypts what [`MasterKeys::seal`] encrypted; `None` if its key is not among these.
    pub fn unseal(&self, purpose: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        self.unseal_for(purpose, purpose.as_bytes(), sealed)
    }

    pub(super) fn unseal_for(&self, purpose: &str, context: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let id = key_of(sealed)?;
        let keys = self.keys();
        let mut fitting = keys.iter().filter(|key| key.id == id || id.0 == 0);
        fitting.find_map(|key| key.unseal_for(purpose, context, sealed))
    }
}

pub(super) fn parse(text: &str) -> Result<Arc<[MasterKey]>> {
    let words = text.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty());
    let keys = words.map(MasterKey::from_hex).collect::<Result<Vec<_>>>()?;
    if keys.is_empty() || keys.len() > MOST {
        return Err(Error::new(
            Code::BadRequest,
            format!("There are {} master keys; there may be 1 to {MOST}, of 64 hexadecimal digits each.", keys.len()),
        ));
    }
    Ok(keys.into())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_key_file_is_made_once_and_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        let made = MasterKeys::from_file(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let read = MasterKeys::from_file(&path).unwrap();
        assert_eq!(made.newest().id(), read.newest().id());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(MasterKeys::from_file(&path).unwrap_err().message().contains("chmod 600"));
    }

    #[test]
    fn a_key_that_is_put_into_the_file_is_taken_up_and_the_old_one_still_opens() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        let (writer, reader) = (MasterKeys::from_file(&path).unwrap(), MasterKeys::from_file(&path).unwrap());
        let before = reader.seal("note", b"before").unwrap();
        let new = file::add(&path).unwrap();
        let after = writer.seal("note", b"after").unwrap();
        assert_eq!((key_of(&after), reader.newest().id()), (Some(new.id()), new.id()));
        assert_eq!(reader.unseal("note", &after).unwrap().as_slice(), b"after");
        assert_eq!(reader.unseal("note", &before).unwrap().as_slice(), b"before");
        file::keep_newest(&path).unwrap();
        assert!(reader.unseal("note", &before).is_none(), "its key is gone");
        fs::write(&path, "nonsense").unwrap();
        assert_eq!(reader.unseal("note", &after).unwrap().as_slice(), b"after", "a broken file changes nothing");
    }

    #[test]
    fn no_key_is_added_that_would_make_the_file_unusable() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        let keys = MasterKeys::from_file(&path).unwrap();
        for _ in 1..MOST {
            file::add(&path).unwrap();
        }
        let full = fs::read_to_string(&path).unwrap();
        let refused = file::add(&path).err().unwrap();
        assert!(refused.code() == Code::Conflict && refused.message().contains("keys retire"), "{refused:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), full);
        assert_eq!((MasterKeys::from_file(&path).unwrap().keys().len(), keys.keys().len()), (MOST, MOST));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for wrong in
            ["", "abc", &"g".repeat(64), &format!("{}é", "a".repeat(62)), &format!("{} ", "ab".repeat(32)).repeat(17)]
        {
            assert_eq!(MasterKeys::from_hex(wrong).unwrap_err().code(), Code::BadRequest, "{wrong}");
        }
        let two = format!("{}, {}\n", "ab".repeat(32), "cd".repeat(32));
        assert_eq!(MasterKeys::from_hex(&two).unwrap().keys().len(), 2);
    }
}
