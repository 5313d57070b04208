//! The database of the control plane: `control.db` under the data folder, or the schema `control` in PostgreSQL.

use std::{path::Path, str::FromStr, sync::Arc, time::Duration};

use entities::control::key_checks;
use migration::control::Migrator;
use sea_orm::{
    ActiveValue::Set, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, EntityTrait, RuntimeErr,
    SqliteTransactionMode, SqlxPostgresConnector, TransactionOptions, TransactionTrait, sea_query::OnConflict,
};
use sea_orm_migration::MigratorTrait;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::{
    db::SqliteFile,
    error::{Code, Error, Result},
    keys::{MasterKeys, control_key, key_of},
};

/// The purpose that [`Control::check_key`] seals its value for, and the name of its row.
pub(crate) const CHECK: &str = "master";

/// The control plane's database.
#[derive(Clone, Debug)]
pub enum Control {
    /// One encrypted file.
    Sqlite(Arc<SqliteFile>),
    /// One schema.
    Postgres(DatabaseConnection),
}

impl Control {
    /// Opens the file under the data folder, creating and migrating it.
    ///
    /// # Errors
    /// If the key does not fit the file, or the file cannot be written.
    pub async fn open_sqlite(data: &Path, master: &MasterKeys) -> Result<Self> {
        let path = data.join("control.db");
        let key = control_key(data, master)?.ok_or_else(wrong_key)?;
        let file = SqliteFile::open(&path, &key, true).await.map_err(|error| {
            if error.to_string().contains("file is not a database") { wrong_key() } else { Error::from(error) }
        })?;
        let control = Self::Sqlite(Arc::new(file));
        Migrator::up(control.write(), None).await?;
        control.check_key(master).await?;
        Ok(control)
    }

    /// Opens the schema `control`, creating and migrating it.
    ///
    /// # Errors
    /// If the address is wrong, the database does not answer, or it was made with another key.
    pub async fn open_postgres(url: &str, master: &MasterKeys) -> Result<Self> {
        let options = PgConnectOptions::from_str(url)
            .map_err(|error| Error::new(Code::BadRequest, format!("The database address cannot be used: {error}.")))?
            .application_name("clientele control")
            .options([("search_path", "control"), ("timezone", "UTC"), ("client_min_messages", "warning")]);
        let address =
            format!("{} at {}:{}", options.get_database().unwrap_or_default(), options.get_host(), options.get_port());
        let pool = PgPoolOptions::new()
            .max_connections(4)
            .acquire_timeout(Duration::from_secs(5))
            .test_before_acquire(false)
            .connect_lazy_with(options);
        let connection = SqlxPostgresConnector::from_sqlx_postgres_pool(pool);
        // two processes that start at once must not both create the schema
        let tx = connection.begin().await.map_err(|error| not_reached(&address, error))?;
        tx.execute_unprepared("SELECT pg_advisory_xact_lock(7236017)").await?;
        tx.execute_unprepared("CREATE SCHEMA IF NOT EXISTS control").await?;
        Migrator::up(&tx, None).await?;
        tx.commit().await?;
        let control = Self::Postgres(connection);
        control.check_key(master).await?;
        Ok(control)
    }

    /// Closes the connections. Call it before the process ends.
    pub async fn close(&self) {
        if let Control::Sqlite(file) = self {
            file.close().await;
        }
    }

    /// The connection for reading.
    pub fn read(&self) -> &DatabaseConnection {
        match self {
            Control::Sqlite(file) => file.reader(),
            Control::Postgres(connection) => connection,
        }
    }

    /// The connection for single writes.
    pub fn write(&self) -> &DatabaseConnection {
        match self {
            Control::Sqlite(file) => file.writer(),
            Control::Postgres(connection) => connection,
        }
    }

    /// Starts a transaction, for writes that belong together.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn begin(&self) -> Result<DatabaseTransaction, DbErr> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..Default::default()
        };
        self.write().begin_with_options(options).await
    }

    /// Refuses a master key other than the one this installation was created with.
    async fn check_key(&self, master: &MasterKeys) -> Result<()> {
        let sealed = master.seal(CHECK, b"clientele")?;
        let row = key_checks::ActiveModel { name: Set(CHECK.to_owned()), sealed: Set(sealed) };
        let insert = key_checks::Entity::insert(row).on_conflict(OnConflict::new().do_nothing().to_owned());
        match insert.exec_without_returning(self.write()).await {
            Ok(_) | Err(DbErr::RecordNotInserted) => {}
            Err(error) => return Err(error.into()),
        }
        let row = self.key_check().await?;
        master.unseal(CHECK, &row.sealed).map(|_| ()).ok_or_else(wrong_key)
    }

    async fn key_check(&self) -> Result<key_checks::Model> {
        key_checks::Entity::find_by_id(CHECK).one(self.write()).await?.ok_or_else(wrong_key)
    }

    /// Whether everything is sealed with the newest master key: a rotation seals the check value last.
    pub(crate) async fn is_under(&self, master: &MasterKeys) -> Result<bool> {
        Ok(key_of(&self.key_check().await?.sealed) == Some(master.newest().id()))
    }
}

fn wrong_key() -> Error {
    Error::new(
        Code::BadRequest,
        "The master key does not belong to this installation. Start with the right key, or with another data folder.",
    )
}

/// Explains why the first connection failed, in the server's words if it answered.
fn not_reached(address: &str, error: DbErr) -> Error {
    let (code, reason) = match &error {
        DbErr::Conn(RuntimeErr::SqlxError(cause)) => match cause.as_ref() {
            sqlx::Error::Database(reported) => {
                // wrong role, password or database: waiting does not help
                let settled = reported.code().is_some_and(|code| code.starts_with("28") || code == "3D000");
                (if settled { Code::BadRequest } else { Code::Unavailable }, reported.message().to_owned())
            }
            other => (Code::Unavailable, other.to_string()),
        },
        _ => (Code::Unavailable, "the server did not answer in time".to_owned()),
    };
    Error::new(code, format!("The database {address} cannot be used: {reason}.")).caused_by(error)
}
