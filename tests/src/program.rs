//! The built program on the command line, with the settings of one application.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;

/// The program with its data folder and database, ready to be run with arguments.
#[derive(Clone, Debug)]
pub struct Program {
    settings: Vec<(String, String)>,
}

/// What a finished command left behind.
#[derive(Debug)]
pub struct Ran {
    /// Exit code; none when it was killed.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it complained or logged.
    pub stderr: String,
}

impl Program {
    /// The program on a data folder, and on a PostgreSQL database where there is one.
    pub fn new(data: &Path, database_url: Option<String>) -> Self {
        let mut settings = vec![("CLIENTELE_DATA".to_owned(), data.display().to_string())];
        settings.extend(database_url.map(|url| ("CLIENTELE_DATABASE_URL".to_owned(), url)));
        Self { settings }
    }

    /// The same with one more setting.
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut more = self.clone();
        more.settings.push((name.to_owned(), value.to_owned()));
        more
    }

    /// A command of the program, to be started by the caller.
    pub fn command<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(path());
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CLIENTELE_")) {
            command.env_remove(name);
        }
        command.args(arguments).envs(self.settings.iter().cloned()).stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Ran {
        self.command(arguments).output().expect("the program starts").into()
    }
}

impl Ran {
    /// What it printed, without the last line break; the command must have succeeded.
    pub fn printed(&self) -> &str {
        assert_eq!(self.code, Some(0), "{}\n{}", self.stdout, self.stderr);
        self.stdout.trim_end()
    }

    /// What it printed, as JSON; the command must have succeeded.
    pub fn json(&self) -> Value {
        serde_json::from_str(self.printed()).expect("the command prints JSON")
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("the program speaks UTF-8");
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// Where Cargo puts the program: beside the folder of the tests.
fn path() -> PathBuf {
    let tests = std::env::current_exe().expect("the test binary has a path");
    let profile = tests.ancestors().find(|folder| !folder.ends_with("deps") && folder.is_dir());
    let program = profile.expect("target/<profile>").join("clientele");
    assert!(program.is_file(), "{} is missing; `cargo build --workspace` makes it", program.display());
    program
}
