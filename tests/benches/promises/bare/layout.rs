//! Where an organisation's customers are stored in PostgreSQL, and SQL on them.

use std::collections::HashMap;

use futures::TryStreamExt;
use sqlx::{AssertSqlSafe, Column, Connection, Executor, PgConnection, Row};
use uuid::Uuid;

pub struct Layout {
    url: String,
    /// Quoted.
    pub schema: String,
    pub table: String,
    columns: HashMap<String, String>,
}

impl Layout {
    /// Reads the catalog of an organisation about customers.
    pub async fn read(url: &str, slug: &str) -> Self {
        let mut connection = PgConnection::connect(url).await.expect("PostgreSQL answers");
        let tenant = sqlx::query("SELECT id FROM control.tenants WHERE slug = $1").bind(slug);
        let tenant: Uuid = tenant.fetch_one(&mut connection).await.expect("the organisation").get(0);
        let schema = format!("\"t_{}\"", tenant.simple());
        let sql = format!(
            "SELECT o.table_name, f.name, f.column_name FROM {schema}.fields f JOIN {schema}.objects o \
             ON o.id = f.object_id WHERE o.name = 'customer'"
        );
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut connection).await.expect("the catalog");
        let columns = rows.iter().map(|row| (row.get(1), row.get(2))).collect();
        Self { url: url.to_owned(), schema, table: rows[0].get(0), columns }
    }

    /// Column of a field.
    pub fn column(&self, field: &str) -> &str {
        &self.columns[field]
    }

    /// Column of a field's folded text.
    pub fn key(&self, field: &str) -> String {
        format!("{}_k", self.columns[field])
    }

    pub async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.url).await.expect("PostgreSQL answers")
    }

    pub async fn execute(&self, sql: &str) {
        let mut connection = self.connect().await;
        connection.execute(AssertSqlSafe(sql.to_owned())).await.expect("the statement runs");
    }

    pub async fn number(&self, connection: &mut PgConnection, sql: &str) -> i64 {
        let row = sqlx::query(AssertSqlSafe(sql.to_owned())).fetch_one(connection).await;
        row.expect("the statement runs").get(0)
    }

    pub async fn copy_out(&self, sql: &str) -> Vec<Vec<u8>> {
        let mut connection = self.connect().await;
        let stream = connection.copy_out_raw(sql).await.expect("COPY runs");
        stream.map_ok(|bytes| bytes.to_vec()).try_collect().await.expect("COPY ends")
    }

    pub async fn copy_in(&self, sql: &str, chunks: &[Vec<u8>]) -> u64 {
        let mut connection = self.connect().await;
        let mut copy = connection.copy_in_raw(sql).await.expect("COPY runs");
        for chunk in chunks {
            copy.send(chunk.as_slice()).await.expect("COPY reads");
        }
        copy.finish().await.expect("COPY ends")
    }

    /// The statements that repeat what creating one customer wrote: its row, its change, its commit, the clock.
    pub async fn copies_of_a_creation(&self, connection: &mut PgConnection) -> Vec<String> {
        let schema = &self.schema;
        let number = self.column("number");
        let fresh = [
            ("id".to_owned(), "gen_random_uuid()"),
            (number.to_owned(), "md5(random()::text)"),
            (format!("{number}_k"), "md5(random()::text)"),
        ];
        vec![
            self.copy_of(connection, &self.table, &fresh).await,
            self.copy_of(connection, "changes", &[("commit_id".to_owned(), "gen_random_uuid()")]).await,
            self.copy_of(
                connection,
                "commits",
                &[
                    ("seq".to_owned(), &format!("(SELECT seq + 1 FROM {schema}.clock)")),
                    ("id".to_owned(), "gen_random_uuid()"),
                ],
            )
            .await,
            format!("UPDATE {schema}.clock SET seq = seq + 1"),
        ]
    }

    /// An insert of a row like the last one of a table, with some columns changed.
    async fn copy_of(&self, connection: &mut PgConnection, table: &str, fresh: &[(String, &str)]) -> String {
        let sql = format!("SELECT * FROM {}.{table} LIMIT 1", self.schema);
        let row = sqlx::query(AssertSqlSafe(sql)).fetch_one(connection).await.expect("a row to copy");
        let columns: Vec<String> = row.columns().iter().map(|column| column.name().to_owned()).collect();
        let mut values = Vec::new();
        for column in &columns {
            let given = fresh.iter().find(|(name, _)| name == column);
            values.push(given.map_or(column.as_str(), |(_, value)| *value));
        }
        let (schema, columns, values) = (&self.schema, columns.join(", "), values.join(", "));
        format!(
            "INSERT INTO {schema}.{table} ({columns}) SELECT {values} FROM (SELECT * FROM {schema}.{table} LIMIT 1) one"
        )
    }

    pub async fn transaction(&self, connection: &mut PgConnection, statements: &[String]) {
        let mut transaction = connection.begin().await.expect("a transaction");
        for sql in statements {
            sqlx::query(AssertSqlSafe(sql.clone())).execute(&mut *transaction).await.expect("the statement runs");
        }
        transaction.commit().await.expect("the commit");
    }
}
