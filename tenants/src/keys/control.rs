//! The key of `control.db`: random, and wrapped by the master key in a small file beside it. Changing the master key
//! therefore rewrites a file of 77 bytes, not a database that other processes have open.

use std::{fs, io, path::Path};

use zeroize::Zeroizing;

use super::{
    file,
    master::MasterKeys,
    sealing::{key_of, random},
};
use crate::{db::DatabaseKey, error::Result};

/// Name of the file, beside `control.db`.
const FILE: &str = "control.key";
const PURPOSE: &str = "control.db";

/// The key of `control.db` under a data folder, created if there is none; `None` if another master key wrapped it.
pub(crate) fn control_key(data: &Path, master: &MasterKeys) -> Result<Option<DatabaseKey>> {
    let path = data.join(FILE);
    if !path.exists() {
        let key = if data.join("control.db").exists() {
            // a database from before it had a key of its own: its key comes from the first master key
            let keys = master.keys();
            keys.last().unwrap_or(&master.newest()).first_control_database().0
        } else {
            Zeroizing::new(random::<32>()?)
        };
        file::create(&path, &master.seal(PURPOSE, key.as_slice())?)?;
    }
    let sealed = fs::read(&path).map_err(|error| file::unusable(&path, &error))?;
    let key = master.unseal(PURPOSE, &sealed).and_then(|key| <[u8; 32]>::try_from(key.as_slice()).ok());
    Ok(key.map(DatabaseKey::new))
}

/// Wraps the key of `control.db` with the newest master key. Returns false if that is already so, or there is no key.
pub(crate) fn rewrap_control_key(data: &Path, master: &MasterKeys) -> Result<bool> {
    let path = data.join(FILE);
    let sealed = match fs::read(&path) {
        Ok(sealed) => sealed,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(file::unusable(&path, &error)),
    };
    if key_of(&sealed) == Some(master.newest().id()) {
        return Ok(false);
    }
    let key = master.unseal(PURPOSE, &sealed);
    let key =
        key.ok_or_else(|| crate::Error::internal("control.key was wrapped by a master key that is not configured"))?;
    file::replace(&path, &master.seal(PURPOSE, &key)?)?;
    Ok(true)
}
