//! The repository as a thing to be tested: its folders, its crates and what they depend on.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// The folder of the workspace.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are a folder of the workspace")
}

/// A file of the repository, by its path from the root.
pub fn file(path: impl AsRef<Path>) -> PathBuf {
    root().join(path)
}

/// All files that git tracks or would track, by their path from the root.
pub fn files() -> Vec<PathBuf> {
    let mut command = Command::new("git");
    command.args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"]).current_dir(root());
    let listed = command.output().expect("git lists files");
    assert!(listed.status.success(), "git ls-files: {}", String::from_utf8_lossy(&listed.stderr));
    let names = String::from_utf8(listed.stdout).expect("file names are UTF-8");
    let exists = |name: &&str| !name.is_empty() && root().join(name).is_file();
    names.split('\0').filter(exists).map(PathBuf::from).collect()
}

/// What `cargo metadata` says: the crates of the workspace and all they depend on, for Linux.
pub fn metadata() -> Value {
    let mut command = Command::new(env!("CARGO"));
    command.args(["metadata", "--format-version=1", "--locked", "--filter-platform=x86_64-unknown-linux-gnu"]);
    let answer = command.current_dir(root()).output().expect("cargo runs");
    assert!(answer.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&answer.stderr));
    serde_json::from_slice(&answer.stdout).expect("cargo metadata is JSON")
}
