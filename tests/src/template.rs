//! What fresh applications are copies of, made once per process: a migrated control plane and filled spaces. Copies share
//! the master key and nothing else that is secret but the key of their files: organisations have ids and keys of their own.

use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::OnceLock,
};

use api::{app::App, config::Flags};
use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version, password_hash::SaltString};
use entities::{control::users, ids::UserId};
use tenants::{
    identity::email_key,
    registry::{NewOrganisation, Person},
    testing,
};

use crate::{
    database, here,
    tenant::{PASSWORD, api_key},
};

/// Spaces that lie ready in a PostgreSQL database; whoever founds more organisations waits longer.
const SPARE: usize = 1;
/// Files of the control plane under the data folder.
const FILES: [&str; 4] = ["master.key", "control.key", "control.db", "files.id"];

/// What applications are copied from.
pub(crate) struct Template {
    /// Names and bytes.
    files: Vec<(&'static str, Vec<u8>)>,
    /// The database that others are copies of.
    database: Option<String>,
    spaces: testing::Template,
    password_hash: String,
}

impl Template {
    /// The one of this process: on the PostgreSQL server of the tests, or in SQLite files where there is none.
    pub fn get() -> &'static Self {
        static MADE: OnceLock<Template> = OnceLock::new();
        MADE.get_or_init(|| {
            let (server, folder) = (database::server(), tempfile::tempdir().expect("a temporary folder"));
            let data = folder.path().to_owned();
            let database = server.as_deref().map(database::create);
            let flags = Flags { data: Some(data.clone()), database_url: database.clone(), ..Flags::default() };
            let made = async |app: App| testing::Template::make(&app.registry, SPARE).await.expect("filled spaces");
            let spaces = here::opened(flags, made);
            if let (Some(server), Some(url)) = (&server, &database) {
                database::close(server, url);
            }
            let read = |name| Some((name, fs::read(data.join(name)).ok()?));
            Self { files: FILES.into_iter().filter_map(read).collect(), database, spaces, password_hash: cheap_hash() }
        })
    }

    /// Lays a copy of the control plane's files into a folder.
    pub fn lay(&self, data: &Path) {
        fs::create_dir_all(data).expect("a folder");
        for (name, bytes) in &self.files {
            let file = File::options().write(true).create_new(true).mode(0o600).open(data.join(name));
            file.and_then(|mut file| file.write_all(bytes)).expect("a copy");
        }
    }

    /// The database to copy, where the tests run on PostgreSQL.
    pub fn database(&self) -> Option<&str> {
        self.database.as_deref().map(database::name)
    }

    /// An organisation with its owner and an admin's API key, as `tenant create` and `api-key create` make them.
    pub async fn found(&self, app: &App, organisation: NewOrganisation, email: &str) -> String {
        let (slug, now) = (organisation.slug.clone(), app.registry.clock().micros());
        let owner = users::Model {
            id: UserId::new(),
            email: email.to_owned(),
            email_key: email_key(email),
            first_name: String::new(),
            last_name: String::new(),
            password_hash: self.password_hash.clone(),
            language: organisation.language.clone(),
            time_zone: organisation.time_zone.clone(),
            muted: String::new(),
            created_at: now,
            password_changed_at: now,
        };
        let founded = self.spaces.found(&app.registry, organisation, Person::New(owner)).await;
        founded.expect("an organisation");
        api_key(app, &slug, "tests", "admin").await
    }
}

/// A hash of the owners' password that takes no time to check. What a real one costs is tested with people who sign up.
fn cheap_hash() -> String {
    let params = Params::new(Params::MIN_M_COST, 1, 1, None).expect("the least cost");
    let salt = SaltString::encode_b64(b"salt of owners").expect("a salt");
    let hash = Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password(PASSWORD.as_bytes(), &salt);
    hash.expect("a hash").to_string()
}
