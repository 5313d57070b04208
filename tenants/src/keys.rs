//! The keys that everything secret hangs on: a master key of the installation, which wraps one data key per tenant.
//! Destroying a tenant's wrapped key shreds the tenant.

use std::{
    fs,
    io::{self, Read, Write},
    path::Path,
};

use chacha20poly1305::{
    Key, XChaCha20Poly1305, XNonce,
    aead::{Aead, KeyInit, Payload},
};
use entities::ids::TenantId;
use hkdf::Hkdf;
use rand::TryRngCore;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{
    db::DatabaseKey,
    error::{Code, Error, Result},
};

/// Version of the ciphertext format: one byte of version, four of key id, 24 of nonce, then the ciphertext.
const FORMAT: u8 = 1;
const HEADER: usize = 1 + 4 + 24;
/// Bytes that a ciphertext is longer than what it holds: its header, and the tag that shows changes.
pub(crate) const SEALED: usize = HEADER + 16;

/// A 32-byte secret; it never prints itself.
#[derive(Clone)]
struct Secret(Zeroizing<[u8; 32]>);

impl Secret {
    fn derive(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        let mut out = Zeroizing::new([0; 32]);
        // HKDF-SHA256 fails only for outputs above 8160 bytes.
        if Hkdf::<Sha256>::new(None, self.0.as_slice()).expand(purpose.as_bytes(), out.as_mut_slice()).is_err() {
            unreachable!("32 bytes are fewer than 8160");
        }
        out
    }
}

/// Fills a new secret from the operating system.
///
/// # Errors
/// When the system has no randomness to give.
pub fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    rand::rngs::OsRng.try_fill_bytes(&mut bytes).map_err(Error::internal)?;
    Ok(bytes)
}

/// The installation's key.
#[derive(Clone)]
pub struct MasterKey(Secret);

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

impl MasterKey {
    /// The key in 64 hexadecimal digits.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn from_hex(text: &str) -> Result<Self> {
        let digits: Vec<u32> = text.trim().chars().filter_map(|c| c.to_digit(16)).collect();
        if digits.len() != 64 || text.trim().len() != 64 {
            return Err(Error::new(
                Code::BadRequest,
                "The master key is not 64 hexadecimal digits; make one with `openssl rand -hex 32`.",
            ));
        }
        let mut bytes = [0u8; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
            *byte = (pair[0] * 16 + pair[1]) as u8;
        }
        Ok(Self(Secret(Zeroizing::new(bytes))))
    }

    /// The key in a file, made there with mode 600 if there is none.
    ///
    /// # Errors
    /// When the file can be read by others, holds something else, or cannot be written.
    pub fn from_file(path: &Path) -> Result<Self> {
        match fs::File::open(path) {
            Ok(mut file) => {
                refuse_if_readable_by_others(path, &file)?;
                let mut text = Zeroizing::new(String::new());
                file.read_to_string(&mut text).map_err(|error| unusable(path, &error))?;
                Self::from_hex(&text)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::create(path),
            Err(error) => Err(unusable(path, &error)),
        }
    }

    fn create(path: &Path) -> Result<Self> {
        use std::os::unix::fs::OpenOptionsExt;
        let bytes = random::<32>()?;
        let mut text = Zeroizing::new(String::with_capacity(65));
        for byte in bytes {
            text.push_str(&format!("{byte:02x}"));
        }
        text.push('\n');
        let made = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let written = made.and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()));
        match written {
            Ok(()) => Ok(Self(Secret(Zeroizing::new(bytes)))),
            // another process was faster
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Self::from_file(path),
            Err(error) => Err(unusable(path, &error)),
        }
    }

    /// Key of `control.db`.
    pub fn control_database(&self) -> DatabaseKey {
        DatabaseKey(self.0.derive("control.db"))
    }

    /// Key that signs access tokens.
    pub fn tokens(&self) -> Zeroizing<[u8; 32]> {
        self.0.derive("access tokens")
    }

    /// Encrypts a short text of the control plane.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn seal(&self, purpose: &str, clear: &[u8]) -> Result<Vec<u8>> {
        seal(&self.0.derive(purpose), purpose.as_bytes(), clear)
    }

    /// What [`MasterKey::seal`] encrypted; nothing if the key is another.
    pub fn unseal(&self, purpose: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        unseal(&self.0.derive(purpose), purpose.as_bytes(), sealed)
    }

    /// A new data key and its wrapped form for the registry.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn new_data_key(&self, tenant: TenantId) -> Result<(DataKey, Vec<u8>)> {
        let bytes = random::<32>()?;
        let wrapped = seal(&self.0.derive("wrap"), tenant.0.as_bytes(), &bytes)?;
        Ok((DataKey { tenant, secret: Secret(Zeroizing::new(bytes)) }, wrapped))
    }

    /// The data key in a wrapped form.
    ///
    /// # Errors
    /// When the form is damaged or was wrapped by another master key.
    pub fn unwrap_data_key(&self, tenant: TenantId, wrapped: &[u8]) -> Result<DataKey> {
        let clear = unseal(&self.0.derive("wrap"), tenant.0.as_bytes(), wrapped)
            .and_then(|clear| <[u8; 32]>::try_from(clear.as_slice()).ok())
            .ok_or_else(|| Error::internal("the tenant's data key was wrapped by another master key"))?;
        Ok(DataKey { tenant, secret: Secret(Zeroizing::new(clear)) })
    }
}

/// A tenant's own key.
#[derive(Clone)]
pub struct DataKey {
    tenant: TenantId,
    secret: Secret,
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DataKey(…)")
    }
}

impl DataKey {
    /// Key of the tenant's SQLite file.
    pub fn database(&self) -> DatabaseKey {
        DatabaseKey(self.secret.derive("data.db"))
    }

    /// Encrypts bytes, bound to the tenant and to what they are for.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn seal(&self, purpose: &str, clear: &[u8]) -> Result<Vec<u8>> {
        seal(&self.secret.derive("seal"), &self.context(purpose), clear)
    }

    /// What [`DataKey::seal`] encrypted for the same tenant and purpose; nothing otherwise.
    pub fn unseal(&self, purpose: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        unseal(&self.secret.derive("seal"), &self.context(purpose), sealed)
    }

    fn context(&self, purpose: &str) -> Vec<u8> {
        [self.tenant.0.as_bytes(), purpose.as_bytes()].concat()
    }
}

fn seal(key: &[u8; 32], context: &[u8], clear: &[u8]) -> Result<Vec<u8>> {
    let nonce = random::<24>()?;
    let cipher = XChaCha20Poly1305::new(Key::from_slice(key));
    let payload = Payload { msg: clear, aad: context };
    let sealed =
        cipher.encrypt(XNonce::from_slice(&nonce), payload).map_err(|_| Error::internal("encryption failed"))?;
    let mut out = Vec::with_capacity(HEADER + sealed.len());
    out.push(FORMAT);
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&nonce);
    out.extend_from_slice(&sealed);
    Ok(out)
}

fn unseal(key: &[u8; 32], context: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    if sealed.len() < HEADER || sealed[0] != FORMAT {
        return None;
    }
    let cipher = XChaCha20Poly1305::new(Key::from_slice(key));
    let payload = Payload { msg: &sealed[HEADER..], aad: context };
    cipher.decrypt(XNonce::from_slice(&sealed[5..HEADER]), payload).ok().map(Zeroizing::new)
}

fn refuse_if_readable_by_others(path: &Path, file: &fs::File) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = file.metadata().map_err(|error| unusable(path, &error))?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(Error::new(
            Code::BadRequest,
            format!("The master key {} can be read by others; run `chmod 600` on it.", path.display()),
        ));
    }
    Ok(())
}

fn unusable(path: &Path, error: &io::Error) -> Error {
    Error::new(Code::BadRequest, format!("The master key {} cannot be used: {error}.", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_text_opens_only_for_its_tenant_and_purpose() {
        let master = MasterKey::from_hex(&"ab".repeat(32)).unwrap();
        let (key, wrapped) = master.new_data_key(TenantId::new()).unwrap();
        let sealed = key.seal("work", b"secret").unwrap();
        assert_eq!(key.unseal("work", &sealed).unwrap().as_slice(), b"secret");
        assert!(key.unseal("other", &sealed).is_none());
        assert!(master.unwrap_data_key(TenantId::new(), &wrapped).is_err());
        assert!(MasterKey::from_hex(&"cd".repeat(32)).unwrap().unwrap_data_key(key.tenant, &wrapped).is_err());
    }

    #[test]
    fn a_key_file_is_made_once_and_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        let made = MasterKey::from_file(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let read = MasterKey::from_file(&path).unwrap();
        assert_eq!(*made.tokens(), *read.tokens());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(MasterKey::from_file(&path).unwrap_err().message().contains("chmod 600"));
    }
}
