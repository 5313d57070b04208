//! A handler of actix and sqlx that returns the same rows as JSON and does nothing else: no credentials, no
//! permissions, no catalog, no GraphQL. It runs in its own process, as the server does.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

use actix_web::{App, HttpResponse, HttpServer, web};
use serde::Serialize;
use sqlx::{
    AssertSqlSafe, PgPool, Row,
    postgres::{PgPoolOptions, PgRow},
};
use uuid::Uuid;

use super::Layout;

/// As many connections as the server has by default.
const CONNECTIONS: u32 = 20;

/// The running handler.
pub struct Process {
    pub address: SocketAddr,
    child: Child,
}

impl Process {
    /// Starts it on the customers of an organisation.
    pub async fn start(url: &str, slug: &str) -> Self {
        let layout = Layout::read(url, slug).await;
        let columns = ["name", "firstName", "lastName", "email", "phone", "city", "postalCode"];
        let columns: Vec<_> = columns.iter().map(|name| layout.column(name).to_owned()).collect();
        let sql = format!(
            "SELECT id, {} FROM {}.{} WHERE {} = $1 AND archived_at IS NULL ORDER BY id LIMIT 51",
            columns.join(", "),
            layout.schema,
            layout.table,
            layout.key("tier"),
        );
        let program = std::env::current_exe().expect("this program");
        let mut command = Command::new(program);
        let mut child =
            command.args(["bare", &format!("{url}\n{sql}")]).stdout(Stdio::piped()).spawn().expect("it starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("its address");
        Self { address: line.trim().parse().expect("an address"), child }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().expect("it is ours");
        self.child.wait().expect("it ends");
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Customer {
    id: Uuid,
    name: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    city: Option<String>,
    postal_code: Option<String>,
}

#[derive(Serialize)]
struct Answer {
    data: Data,
}

#[derive(Serialize)]
struct Data {
    customers: Page,
}

#[derive(Serialize)]
struct Page {
    nodes: Vec<Customer>,
}

/// The process itself.
pub fn serve(settings: &str) {
    let (url, sql) = settings.split_once('\n').expect("an address and a statement");
    let (url, sql) = (url.to_owned(), web::Data::new(sql.to_owned()));
    actix_web::rt::System::new().block_on(async move {
        let pool = PgPoolOptions::new().max_connections(CONNECTIONS).connect(&url).await.expect("PostgreSQL answers");
        let pool = web::Data::new(pool);
        let app = move || App::new().app_data(pool.clone()).app_data(sql.clone()).route("/{tier}", web::get().to(page));
        let server = HttpServer::new(app).workers(2).bind("127.0.0.1:0").expect("a free port");
        println!("{}", server.addrs()[0]);
        server.run().await.expect("it serves");
    });
}

async fn page(pool: web::Data<PgPool>, sql: web::Data<String>, tier: web::Path<usize>) -> HttpResponse {
    let query = sqlx::query(AssertSqlSafe(sql.as_str().to_owned())).bind(format!("tier {tier}"));
    let rows = query.fetch_all(pool.get_ref()).await.expect("the rows");
    let nodes = rows.iter().take(50).map(customer).collect();
    HttpResponse::Ok().json(Answer { data: Data { customers: Page { nodes } } })
}

fn customer(row: &PgRow) -> Customer {
    Customer {
        id: row.get(0),
        name: row.get(1),
        first_name: row.get(2),
        last_name: row.get(3),
        email: row.get(4),
        phone: row.get(5),
        city: row.get(6),
        postal_code: row.get(7),
    }
}
