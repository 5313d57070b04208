//! Key files: readable by their owner alone, replaced as a whole, never half written.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    time::SystemTime,
};

use zeroize::Zeroizing;

use super::master::{MOST, MasterKey, parse};
use crate::error::{Code, Error, Result};

/// Larger files are not key files, bytes.
const LARGEST: u64 = 64 * 1024;

/// How a changed file is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    inode: u64,
    length: u64,
    changed: Option<SystemTime>,
}

impl Stamp {
    pub(super) fn of(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().map(|about| Self::from(&about))
    }

    fn from(about: &fs::Metadata) -> Self {
        Self { inode: about.ino(), length: about.len(), changed: about.modified().ok() }
    }
}

/// The text of a file, which only its owner may be able to read.
pub(super) fn read(path: &Path) -> Result<(Zeroizing<String>, Stamp)> {
    let file = File::open(path).map_err(|error| unusable(path, &error))?;
    let about = file.metadata().map_err(|error| unusable(path, &error))?;
    if about.permissions().mode() & 0o077 != 0 {
        return Err(Error::new(
            Code::BadRequest,
            format!("Other users can read the master key file {}. Run `chmod 600` on it.", path.display()),
        ));
    }
    let mut text = Zeroizing::new(String::new());
    file.take(LARGEST).read_to_string(&mut text).map_err(|error| unusable(path, &error))?;
    Ok((text, Stamp::from(&about)))
}

/// The text of a file of master keys. If there is no file, one is created with a new key.
pub(super) fn read_or_create(path: &Path) -> Result<(Zeroizing<String>, Stamp)> {
    if !path.exists() {
        create(path, lines(&[MasterKey::generate()?]).as_bytes())?;
    }
    read(path)
}

/// Adds a new key before the others.
///
/// # Errors
/// `CONFLICT` if the file is full: with one more key the program would not start.
pub(crate) fn add(path: &Path) -> Result<MasterKey> {
    let new = MasterKey::generate()?;
    let (old, _) = read(path)?;
    if parse(&old)?.len() >= MOST {
        let reported = format!(
            "There are already {MOST} master keys, which is the most allowed. Run `keys retire --master` first."
        );
        return Err(Error::new(Code::Conflict, reported));
    }
    let text = Zeroizing::new([lines(std::slice::from_ref(&new)).as_str(), old.as_str()].concat());
    replace(path, text.as_bytes())?;
    Ok(new)
}

/// Keeps only the first key.
pub(crate) fn keep_newest(path: &Path) -> Result<()> {
    let (old, _) = read(path)?;
    let first = old.split_whitespace().next().unwrap_or_default();
    replace(path, lines(&[MasterKey::from_hex(first)?]).as_bytes())
}

fn lines(keys: &[MasterKey]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(65 * keys.len()));
    for key in keys {
        text.push_str(&key.to_hex());
        text.push('\n');
    }
    text
}

/// Writes a new file as a whole or not at all. If another process wrote it meanwhile, that one stays.
pub(crate) fn create(path: &Path, bytes: &[u8]) -> Result<()> {
    let written = beside(path, bytes).and_then(|temporary| {
        let linked = fs::hard_link(&temporary, path);
        fs::remove_file(&temporary)?;
        linked
    });
    match written.and_then(|()| sync_folder(path)) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(unusable(path, &error)),
        _ => Ok(()),
    }
}

/// Replaces a file's contents as a whole or not at all.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let replaced = beside(path, bytes).and_then(|temporary| fs::rename(temporary, path));
    replaced.and_then(|()| sync_folder(path)).map_err(|error| unusable(path, &error))
}

fn beside(path: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}", std::process::id()));
    let temporary = path.with_file_name(name);
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(temporary)
}

fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

pub(crate) fn unusable(path: &Path, error: &io::Error) -> Error {
    Error::new(Code::BadRequest, format!("The file {} cannot be used: {error}.", path.display()))
}
