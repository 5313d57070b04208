//! The built program on the command line, with the settings of one application.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use api::config::Flags;
use serde_json::Value;

/// The program with its data folder and database, ready to be run with arguments.
#[derive(Clone, Debug)]
pub struct Program {
    data: PathBuf,
    database_url: Option<String>,
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
    pub(crate) fn new(data: &Path, database_url: Option<String>, settings: &[(&str, &str)]) -> Self {
        let program = Self { data: data.to_owned(), database_url, settings: Vec::new() };
        settings.iter().fold(program, |program, (name, value)| program.with(name, value))
    }

    /// The same settings for the application in this process; those without a flag stand in a file in a folder.
    pub(crate) fn flags(&self, folder: &Path) -> Flags {
        let file = folder.join("settings.toml");
        let lines = self.settings.iter().map(|(name, value)| {
            let name = name.strip_prefix("CLIENTELE_").expect("a setting").to_lowercase();
            let plain = value.parse::<i64>().is_ok() || value.parse::<bool>().is_ok();
            if plain { format!("{name} = {value}\n") } else { format!("{name} = {}\n", Value::from(value.as_str())) }
        });
        fs::write(&file, lines.collect::<String>()).expect("a file");
        Flags {
            config: Some(file),
            data: Some(self.data.clone()),
            database_url: self.database_url.clone(),
            listen: Some("127.0.0.1:0".to_owned()),
        }
    }

    /// The same with one more setting.
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut more = self.clone();
        more.settings.push((name.to_owned(), value.to_owned()));
        more
    }

    /// The same with another data folder.
    pub(crate) fn at(&self, data: &Path) -> Self {
        Self { data: data.to_owned(), ..self.clone() }
    }

    /// A command of the program, to be started by the caller.
    pub fn command<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(path());
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CLIENTELE_")) {
            command.env_remove(name);
        }
        command.env("CLIENTELE_DATA", &self.data).args(arguments).stdin(Stdio::null());
        if let Some(url) = &self.database_url {
            command.env("CLIENTELE_DATABASE_URL", url);
        }
        command.envs(self.settings.iter().cloned());
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
