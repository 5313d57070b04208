//! A fresh, migrated tenant space for the tests of the crates above: a SQLite file in a temporary folder, or a schema
//! of the PostgreSQL database that `TEST_DATABASE_URL` names.

#![expect(clippy::expect_used, reason = "for tests, which may panic")]

mod template;

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use entities::{control::users, ids::UserId};
use sea_orm::{EntityTrait, IntoActiveModel};
use tempfile::TempDir;

pub use template::Template;

use crate::{
    Access, Actor, Caller, Clock, Origin, Registry, TenantDb,
    control::Control,
    db::{PostgresPool, sqlite_threads},
    error::Result,
    file_store::FileStore,
    keys::MasterKeys,
    registry::{NewOrganisation, Person, Provision, Storage},
};

/// Folders of tests that have not ended; the last of those that run at a time takes them all away.
static FOLDERS: Mutex<Vec<TempDir>> = Mutex::new(Vec::new());

/// Test threads that have opened databases and have not ended.
static TESTING: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// Ends with the test's thread.
    static OPENED: Opened = Opened::new();
}

/// SQLCipher frees its memory when the process ends, and a connection that is just closing in a thread of its own would
/// crash tests that have passed. So the last test waits for the files it dropped.
struct Opened;

impl Opened {
    fn new() -> Self {
        TESTING.fetch_add(1, Ordering::SeqCst);
        Self
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        TESTING.fetch_sub(1, Ordering::SeqCst);
        let end = Instant::now() + Duration::from_secs(5);
        while TESTING.load(Ordering::SeqCst) == 0 && sqlite_threads() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(1));
        }
        // a test that begins counts itself before it asks for a folder, and cannot have one while this holds the list
        if let Ok(mut folders) = FOLDERS.lock()
            && TESTING.load(Ordering::SeqCst) == 0
        {
            folders.clear();
        }
    }
}

/// Nothing to provision.
pub struct Bare;

#[async_trait::async_trait]
impl Provision for Bare {
    fn fingerprint(&self) -> String {
        "bare".to_owned()
    }

    async fn provision(&self, _: &TenantDb) -> Result<()> {
        Ok(())
    }
}

/// Microseconds at which the clocks of tests stand: 2026-03-14T09:26:53.589793Z.
pub const NOW: i64 = 1_773_480_413_589_793;

/// A tenant space of an Algerian organisation with system tables and nothing else.
pub async fn space() -> TenantDb {
    space_in("Africa/Algiers").await
}

/// A tenant space like [`space`], of an organisation in another time zone.
pub async fn space_in(time_zone: &str) -> TenantDb {
    let (registry, owner) = registry(Arc::new(Bare)).await;
    let organisation = NewOrganisation { time_zone: time_zone.to_owned(), ..organisation() };
    let (tenant, _) = registry.create(organisation, owner).await.expect("a tenant is made");
    registry.space(tenant).await.expect("a tenant opens")
}

/// An Algerian organisation with a slug that no other has.
pub fn organisation() -> NewOrganisation {
    NewOrganisation {
        slug: format!("t{}", uuid::Uuid::new_v4().simple())[..30].to_owned(),
        name: "Acme".to_owned(),
        country: "DZ".to_owned(),
        currency: "DZD".to_owned(),
        time_zone: "Africa/Algiers".to_owned(),
        language: "fr".to_owned(),
    }
}

/// A registry of its own, with somebody to own its tenants.
pub async fn registry(provision: Arc<dyn Provision>) -> (Registry, Person) {
    let master = MasterKeys::from_hex(&"5e".repeat(32)).expect("64 digits");
    let data = folder();
    let (control, postgres) = match std::env::var("TEST_DATABASE_URL") {
        Ok(url) => {
            let pool = PostgresPool::open(&url, 1, 100).expect("an address");
            (Control::open_postgres(&url, &master).await.expect("PostgreSQL answers"), Some(pool))
        }
        Err(_) => (Control::open_sqlite(&data, &master).await.expect("a file opens"), None),
    };
    let files = FileStore::folder(&data).expect("a folder for files");
    let storage = Storage { data, files, postgres, open_tenants: 50 };
    let registry = Registry::new(control, master, storage, Clock::fixed(NOW), provision);
    let id = UserId::new();
    let owner = users::Model {
        id,
        email: format!("owner-{id}@example.org"),
        email_key: format!("owner-{id}@example.org"),
        first_name: "Amel".to_owned(),
        last_name: "Owner".to_owned(),
        password_hash: String::new(),
        language: "en".to_owned(),
        time_zone: "UTC".to_owned(),
        muted: String::new(),
        created_at: NOW,
        password_changed_at: NOW,
    };
    let insert = users::Entity::insert(owner.clone().into_active_model());
    insert.exec_without_returning(registry.control().write()).await.expect("the control plane takes the owner");
    (registry, Person::Known(owner))
}

/// Somebody who may do everything in a space, at [`NOW`].
pub fn caller(db: &TenantDb) -> Arc<Caller> {
    Arc::new(Caller {
        tenant: db.tenant(),
        actor: Actor::System,
        origin: Origin::Cli,
        access: Arc::new(Access::All),
        locale: "en".to_owned(),
        clock: Clock::fixed(NOW),
        request: "test".to_owned(),
        run: None,
        client: None,
        points_per_second: None,
    })
}

/// Has the last test of this process wait for the files that are being closed when it ends.
pub fn wait_at_the_end() {
    OPENED.with(|_| ());
}

/// A folder that is there until the tests that run now have ended.
pub fn folder() -> PathBuf {
    wait_at_the_end();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().to_owned();
    FOLDERS.lock().expect("no test panics here").push(folder);
    path
}
