//! A tenant's own keys. Data keys are rotated: one seals, all can open. The key of its SQLite file and the key of its
//! equality hashes are never changed, because everything that depends on them would have to be rewritten.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
use entities::ids::TenantId;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{
    master::MasterKeys,
    sealing::{KeyId, Secret, key_of, random, seal, unseal},
};
use crate::{
    db::DatabaseKey,
    error::{Code, Error, Result},
};

/// The purpose of a tenant's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Seals values; there may be several.
    Data,
    /// The tenant's SQLite file.
    File,
    /// Hashes that find sealed values.
    Equality,
}

impl Purpose {
    /// All of them.
    pub const ALL: [Purpose; 3] = [Purpose::Data, Purpose::File, Purpose::Equality];

    /// The stored name.
    pub fn name(self) -> &'static str {
        match self {
            Purpose::Data => "data",
            Purpose::File => "file",
            Purpose::Equality => "equality",
        }
    }
}

/// A wrapped key, as stored in the control plane.
#[derive(Clone)]
pub struct Held {
    pub purpose: Purpose,
    pub id: KeyId,
    /// The key, encrypted by a master key.
    pub wrapped: Vec<u8>,
}

/// Why a sealed text cannot be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unopened {
    /// Its key is not known in this process; `TenantDb::take_up_keys` reads the newest.
    UnknownKey,
    /// It was not sealed for this purpose and tenant, or is damaged.
    Damaged,
}

/// A tenant's keys; clones share them.
#[derive(Clone)]
pub struct DataKeys(Arc<Inside>);

struct Inside {
    tenant: TenantId,
    file: DatabaseKey,
    equality: Zeroizing<[u8; 32]>,
    ring: RwLock<Ring>,
}

#[derive(Clone)]
struct Ring {
    keys: Arc<[(KeyId, Zeroizing<[u8; 32]>)]>,
    /// The key that seals.
    current: KeyId,
}

impl fmt::Debug for DataKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKeys(…)")
    }
}

impl MasterKeys {
    /// The keys of a new tenant. They must be stored before anything is sealed with them.
    ///
    /// # Errors
    /// If the system cannot provide randomness.
    pub fn first_keys(&self, tenant: TenantId) -> Result<Vec<Held>> {
        Purpose::ALL.iter().map(|purpose| self.new_key(tenant, *purpose, KeyId(1))).collect()
    }

    /// The keys of a new tenant whose file is a copy of another tenant's, and so has the same file key.
    ///
    /// # Errors
    /// If the other key was wrapped by another installation.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn first_keys_of_copy(&self, tenant: TenantId, (other, file): (TenantId, &Held)) -> Result<Vec<Held>> {
        let mut keys = self.first_keys(tenant)?;
        keys.retain(|held| held.purpose != Purpose::File);
        keys.push(self.wrap(tenant, Purpose::File, KeyId(1), self.unwrap(other, file)?.0.as_slice())?);
        Ok(keys)
    }

    /// Makes a new key of a tenant.
    ///
    /// # Errors
    /// If the system cannot provide randomness.
    pub fn new_key(&self, tenant: TenantId, purpose: Purpose, id: KeyId) -> Result<Held> {
        let secret = Zeroizing::new(random::<32>()?);
        self.wrap(tenant, purpose, id, secret.as_slice())
    }

    fn wrap(&self, tenant: TenantId, purpose: Purpose, id: KeyId, secret: &[u8]) -> Result<Held> {
        let wrapped = self.newest().seal_for("wrap", &binding(tenant, purpose, id), secret)?;
        Ok(Held { purpose, id, wrapped })
    }

    fn unwrap(&self, tenant: TenantId, held: &Held) -> Result<Secret> {
        let clear = self.unseal_for("wrap", &binding(tenant, held.purpose, held.id), &held.wrapped);
        let bytes = clear.and_then(|clear| <[u8; 32]>::try_from(clear.as_slice()).ok());
        let bytes = bytes
            .ok_or_else(|| Error::internal("a tenant's key was wrapped by a master key that is not configured"))?;
        Ok(Secret(Zeroizing::new(bytes)))
    }

    /// For a tenant from the time when its first data key served all purposes: the keys that it lacks, so that the
    /// first one can be retired.
    pub(crate) fn keys_of_their_own(&self, tenant: TenantId, held: &[Held]) -> Result<Vec<Held>> {
        let lacks = |purpose: &Purpose| !held.iter().any(|held| held.purpose == *purpose);
        let lacking = Purpose::ALL.into_iter().filter(lacks);
        lacking.map(|purpose| self.wrap(tenant, purpose, KeyId(1), first(self, tenant, held)?.0.as_slice())).collect()
    }

    /// The same key, wrapped by the newest master key.
    ///
    /// # Errors
    /// If none of these master keys wrapped it.
    pub(crate) fn rewrap(&self, tenant: TenantId, held: &Held) -> Result<Held> {
        let secret = self.unwrap(tenant, held)?;
        self.wrap(tenant, held.purpose, held.id, secret.0.as_slice())
    }
}

impl DataKeys {
    /// The stored keys of a tenant. The newest data key seals, until another is chosen.
    ///
    /// # Errors
    /// If there are none, or a master key is missing.
    pub fn open(master: &MasterKeys, tenant: TenantId, held: &[Held]) -> Result<Self> {
        let ring = Ring::open(master, tenant, held)?;
        let secret = |purpose| match held.iter().find(|held| held.purpose == purpose) {
            Some(held) => master.unwrap(tenant, held),
            None => first(master, tenant, held),
        };
        let file = DatabaseKey(secret(Purpose::File)?.derive("data.db"));
        let equality = secret(Purpose::Equality)?.derive("equality");
        Ok(Self(Arc::new(Inside { tenant, file, equality, ring: RwLock::new(ring) })))
    }

    /// Loads the keys that are stored now.
    ///
    /// # Errors
    /// As [`DataKeys::open`].
    pub(crate) fn take_up(&self, master: &MasterKeys, held: &[Held]) -> Result<()> {
        let mut new = Ring::open(master, self.0.tenant, held)?;
        let mut ring = self.0.ring.write().unwrap_or_else(PoisonError::into_inner);
        // the tenant's clock row says which one seals
        if new.keys.iter().any(|(id, _)| *id == ring.current) {
            new.current = ring.current;
        }
        *ring = new;
        Ok(())
    }

    /// Makes a key the one that seals. Returns false if it is not known here.
    pub(crate) fn seal_with(&self, id: KeyId) -> bool {
        let mut ring = self.0.ring.write().unwrap_or_else(PoisonError::into_inner);
        let known = ring.keys.iter().any(|(key, _)| *key == id);
        if known {
            ring.current = id;
        }
        known
    }

    fn ring(&self) -> Ring {
        self.0.ring.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Key of the tenant's SQLite file.
    pub fn database(&self) -> DatabaseKey {
        self.0.file.clone()
    }

    /// Whether a key is known here.
    pub fn has(&self, id: KeyId) -> bool {
        self.ring().keys.iter().any(|(known, _)| *known == id)
    }

    /// All data keys that are known here.
    pub fn ids(&self) -> Vec<KeyId> {
        self.ring().keys.iter().map(|(id, _)| *id).collect()
    }

    /// The key that seals.
    pub fn current(&self) -> KeyId {
        self.ring().current
    }

    /// The newest key. While a rotation begins, it is not the one that seals yet.
    pub fn newest(&self) -> KeyId {
        let ring = self.ring();
        ring.keys.iter().map(|(id, _)| *id).max().unwrap_or(ring.current)
    }

    /// Encrypts bytes, bound to the tenant and the purpose.
    ///
    /// # Errors
    /// If the system cannot provide randomness.
    pub fn seal(&self, purpose: &str, clear: &[u8]) -> Result<Vec<u8>> {
        self.seal_under(self.current(), purpose, clear)
    }

    /// [`DataKeys::seal`] with a certain key.
    ///
    /// # Errors
    /// As [`DataKeys::seal`]; `UNAVAILABLE` if the key was retired.
    pub fn seal_under(&self, id: KeyId, purpose: &str, clear: &[u8]) -> Result<Vec<u8>> {
        let ring = self.ring();
        let key = ring.keys.iter().find(|(known, _)| *known == id);
        let (id, key) = key.ok_or_else(retired)?;
        seal(key, *id, &self.context(purpose), clear)
    }

    /// Decrypts what [`DataKeys::seal`] encrypted for the same tenant and purpose; `None` otherwise.
    pub fn unseal(&self, purpose: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let named = key_of(sealed)?;
        let ring = self.ring();
        let (_, key) = ring.keys.iter().find(|(id, _)| *id == named)?;
        unseal(key, &self.context(purpose), sealed)
    }

    /// [`DataKeys::seal`] for texts.
    ///
    /// # Errors
    /// As [`DataKeys::seal`].
    pub fn seal_text(&self, purpose: &str, clear: &str) -> Result<String> {
        Ok(BASE64_STANDARD_NO_PAD.encode(self.seal(purpose, clear.as_bytes())?))
    }

    /// Decrypts what [`DataKeys::seal_text`] encrypted for the same purpose.
    ///
    /// # Errors
    /// [`Unopened::UnknownKey`] if another process has added a key that is not known here yet.
    pub fn unseal_text(&self, purpose: &str, sealed: &str) -> Result<Zeroizing<String>, Unopened> {
        let sealed = BASE64_STANDARD_NO_PAD.decode(sealed).map_err(|_| Unopened::Damaged)?;
        let named = key_of(&sealed).ok_or(Unopened::Damaged)?;
        if !self.has(named) {
            return Err(Unopened::UnknownKey);
        }
        let clear = self.unseal(purpose, &sealed).ok_or(Unopened::Damaged)?;
        String::from_utf8(clear.to_vec()).map(Zeroizing::new).map_err(|_| Unopened::Damaged)
    }

    /// A keyed hash that finds equal values without revealing them: HMAC-SHA-256, bound to the tenant and the purpose.
    pub fn equality_hash(&self, purpose: &str, clear: &[u8]) -> String {
        // HMAC accepts keys of any length
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.equality.as_slice()) else {
            unreachable!("HMAC accepts 32 bytes");
        };
        let context = self.context(purpose);
        mac.update(&(context.len() as u64).to_be_bytes());
        mac.update(&context);
        mac.update(clear);
        BASE64_STANDARD_NO_PAD.encode(mac.finalize().into_bytes())
    }

    fn context(&self, purpose: &str) -> Vec<u8> {
        [self.0.tenant.0.as_bytes(), purpose.as_bytes()].concat()
    }
}

impl Ring {
    fn open(master: &MasterKeys, tenant: TenantId, held: &[Held]) -> Result<Self> {
        let mut keys = Vec::new();
        for held in held.iter().filter(|held| held.purpose == Purpose::Data) {
            keys.push((held.id, master.unwrap(tenant, held)?.derive("seal")));
        }
        let newest = keys.iter().map(|(id, _)| *id).max();
        let current = newest.ok_or_else(|| Error::internal("the tenant's key is gone"))?;
        Ok(Self { keys: keys.into(), current })
    }
}

/// The error of something that was begun with a key that was retired meanwhile.
pub fn retired() -> Error {
    Error::new(Code::Unavailable, "The organisation's key was changed meanwhile. Try again.")
}

/// In a tenant from before each purpose had its own key, the first data key is used instead.
fn first(master: &MasterKeys, tenant: TenantId, held: &[Held]) -> Result<Secret> {
    let first = held.iter().find(|held| held.purpose == Purpose::Data && held.id == KeyId(0));
    master.unwrap(tenant, first.ok_or_else(|| Error::internal("the tenant's key is gone"))?)
}

/// What a wrapped key is bound to. Data keys from before keys had ids are bound to their tenant alone.
fn binding(tenant: TenantId, purpose: Purpose, id: KeyId) -> Vec<u8> {
    let mut context = tenant.0.as_bytes().to_vec();
    if id != KeyId(0) {
        context.extend_from_slice(purpose.name().as_bytes());
        context.extend_from_slice(&id.0.to_be_bytes());
    }
    context
}

#[cfg(test)]
mod tests {
    use super::*;

    fn master(digits: &str) -> MasterKeys {
        MasterKeys::from_hex(&digits.repeat(32)).unwrap()
    }

    #[test]
    fn a_sealed_text_opens_only_for_its_tenant_and_purpose() {
        let (master, tenant) = (master("ab"), TenantId::new());
        let held = master.first_keys(tenant).unwrap();
        let keys = DataKeys::open(&master, tenant, &held).unwrap();
        let sealed = keys.seal("work", b"secret").unwrap();
        assert_eq!(keys.unseal("work", &sealed).unwrap().as_slice(), b"secret");
        assert!(keys.unseal("other", &sealed).is_none());
        assert!(DataKeys::open(&master, TenantId::new(), &held).is_err());
        assert!(DataKeys::open(&self::master("cd"), tenant, &held).is_err());
    }

    #[test]
    fn equal_values_have_equal_hashes_for_one_purpose_of_one_tenant() {
        let keys = |master: &MasterKeys| {
            let tenant = TenantId::new();
            DataKeys::open(master, tenant, &master.first_keys(tenant).unwrap()).unwrap()
        };
        let master = master("ab");
        let (one, other) = (keys(&master), keys(&master));
        assert_eq!(one.equality_hash("a", b"x"), one.equality_hash("a", b"x"));
        let different = [one.equality_hash("a", b"x"), one.equality_hash("b", b"x"), one.equality_hash("a", b"y")];
        assert!(
            different[0] != different[1]
                && different[0] != different[2]
                && !different.contains(&other.equality_hash("a", b"x"))
        );
    }

    #[test]
    fn a_wrapped_key_serves_for_nothing_else() {
        let (master, tenant) = (master("ab"), TenantId::new());
        let mut held = master.first_keys(tenant).unwrap();
        for one in &mut held {
            one.purpose = if one.purpose == Purpose::Data { Purpose::File } else { Purpose::Data };
        }
        assert!(DataKeys::open(&master, tenant, &held).is_err());
    }

    #[tokio::test]
    async fn no_key_is_written_in_the_clear() {
        use crate::{registry::open::held_keys, testing};
        let (registry, owner) = testing::registry(Arc::new(testing::Bare)).await;
        let (tenant, _) = registry.create(testing::organisation(), owner).await.unwrap();
        let held = held_keys(registry.control(), tenant).await.unwrap();
        assert_eq!(held.len(), 3);
        let mut files = Vec::new();
        let mut folders = vec![registry.data().to_owned()];
        while let Some(folder) = folders.pop() {
            for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if path.is_dir() { folders.push(path) } else { files.push(std::fs::read(path).unwrap()) }
            }
        }
        files.extend(held.iter().map(|held| held.wrapped.clone()));
        for one in &held {
            let secret = registry.master().unwrap(tenant, one).unwrap();
            let hex: String = secret.0.iter().map(|byte| format!("{byte:02x}")).collect();
            let there = |bytes: &[u8]| {
                let holds = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
                holds(secret.0.as_slice()) || holds(hex.as_bytes())
            };
            assert!(!files.iter().any(|bytes| there(bytes)), "{:?}", one.purpose);
        }
    }

    #[test]
    fn a_new_data_key_seals_and_the_old_one_opens() {
        let (master, tenant) = (master("ab"), TenantId::new());
        let mut held = master.first_keys(tenant).unwrap();
        let keys = DataKeys::open(&master, tenant, &held).unwrap();
        let before = keys.seal("work", b"before").unwrap();
        held.push(master.new_key(tenant, Purpose::Data, KeyId(2)).unwrap());
        keys.take_up(&master, &held).unwrap();
        assert_eq!(keys.current(), KeyId(1), "until it is told");
        assert!(keys.seal_with(KeyId(2)) && !keys.seal_with(KeyId(3)));
        let after = keys.seal("work", b"after").unwrap();
        assert_eq!((key_of(&before), key_of(&after)), (Some(KeyId(1)), Some(KeyId(2))));
        assert_eq!(keys.unseal("work", &before).unwrap().as_slice(), b"before");
        let two = MasterKeys::from_hex(&format!("{} {}", "cd".repeat(32), "ab".repeat(32))).unwrap();
        let rewrapped: Vec<Held> = held.iter().map(|held| two.rewrap(tenant, held).unwrap()).collect();
        let alone = DataKeys::open(&self::master("cd"), tenant, &rewrapped).unwrap();
        assert_eq!(alone.unseal("work", &after).unwrap().as_slice(), b"after");
        assert_eq!(alone.unseal("work", &before).unwrap().as_slice(), b"before");
    }
}
