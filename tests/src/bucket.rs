//! A bucket on loopback that speaks as much of the S3 protocol as file stores use, and can misbehave.

use std::{
    collections::{BTreeMap, HashMap},
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, SystemTime},
};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    dev::ServerHandle,
    http::{Method, StatusCode, header},
    web,
};

/// The name of the bucket.
const NAME: &str = "clientele-tests";
/// The access key that it knows.
const KEY: &str = "AKTESTS";
/// Keys in one answer to who lists them; small, so that every test reads several pages.
const PAGE: usize = 5;
/// Largest body, bytes.
const LARGEST: usize = 64 * 1024 * 1024;

/// A bucket of its own, gone with the test.
pub struct Bucket {
    address: SocketAddr,
    inside: Arc<Inside>,
    server: ServerHandle,
}

/// How it misbehaves.
#[derive(Clone, Copy, Debug, Default)]
pub enum Fault {
    #[default]
    None,
    /// Every request is answered with 500.
    Failing,
    /// Every answer takes so long.
    Slow(Duration),
}

#[derive(Default)]
struct Inside {
    objects: Mutex<BTreeMap<String, (Vec<u8>, SystemTime)>>,
    /// Parts of objects that are being uploaded.
    uploads: Mutex<HashMap<String, BTreeMap<u32, Vec<u8>>>>,
    fault: Mutex<Fault>,
    /// Parts that were ever uploaded.
    parts: Mutex<usize>,
}

impl Bucket {
    /// Starts an empty one.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        let inside = Arc::<Inside>::default();
        let data = web::Data::from(Arc::clone(&inside));
        let (send, handle) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let app = move || {
                let app = App::new().app_data(data.clone()).app_data(web::PayloadConfig::new(LARGEST));
                app.default_service(web::to(answer))
            };
            actix_web::rt::System::new().block_on(async move {
                let server = HttpServer::new(app).workers(1).disable_signals().listen(listener).expect("it listens");
                let server = server.run();
                send.send(server.handle()).expect("the test waits");
                server.await
            })
        });
        Self { address, inside, server: handle.recv().expect("it starts") }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The settings of an application that stores its files in it, reached at an address.
    pub fn settings_at(&self, address: SocketAddr) -> Vec<(String, String)> {
        let settings = [
            ("CLIENTELE_FILES", format!("s3://{NAME}/crm")),
            ("CLIENTELE_FILES_ENDPOINT", format!("http://{address}")),
            ("CLIENTELE_FILES_ACCESS_KEY", KEY.to_owned()),
            ("CLIENTELE_FILES_SECRET_KEY", "a secret of tests".to_owned()),
        ];
        settings.map(|(name, value)| (name.to_owned(), value)).into()
    }

    /// The settings of an application that stores its files in it.
    pub fn settings(&self) -> Vec<(String, String)> {
        self.settings_at(self.address)
    }

    /// Misbehaves from now on.
    pub fn fault(&self, fault: Fault) {
        *held(&self.inside.fault) = fault;
    }

    /// The objects in it: names and bytes.
    pub fn objects(&self) -> Vec<(String, Vec<u8>)> {
        held(&self.inside.objects).iter().map(|(name, (bytes, _))| (name.clone(), bytes.clone())).collect()
    }

    /// How many parts of large objects were ever uploaded.
    pub fn parts(&self) -> usize {
        *held(&self.inside.parts)
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        drop(self.server.stop(false));
    }
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().expect("nobody panics here")
}

type Query = HashMap<String, String>;

async fn answer(
    request: HttpRequest,
    query: web::Query<Query>,
    body: web::Bytes,
    inside: web::Data<Inside>,
) -> HttpResponse {
    let fault = *held(&inside.fault);
    match fault {
        Fault::None => {}
        Fault::Failing => return refused(StatusCode::INTERNAL_SERVER_ERROR, "InternalError"),
        Fault::Slow(time) => actix_web::rt::time::sleep(time).await,
    }
    let signed = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if !signed.is_some_and(|signed| signed.starts_with(&format!("AWS4-HMAC-SHA256 Credential={KEY}/"))) {
        return refused(StatusCode::FORBIDDEN, "AccessDenied");
    }
    let (bucket, key) = request.path()[1..].split_once('/').unwrap_or((&request.path()[1..], ""));
    if bucket != NAME {
        return refused(StatusCode::NOT_FOUND, "NoSuchBucket");
    }
    match (request.method(), key) {
        (&Method::GET, "") => inside.list(&query),
        (&Method::GET | &Method::HEAD, key) => inside.get(&request, key),
        (&Method::PUT, key) => inside.put(key, &query, body),
        (&Method::POST, key) => inside.upload(key, &query),
        (&Method::DELETE, key) => {
            held(&inside.objects).remove(key);
            query.get("uploadId").and_then(|id| held(&inside.uploads).remove(id));
            HttpResponse::NoContent().finish()
        }
        _ => refused(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed"),
    }
}

impl Inside {
    fn list(&self, query: &Query) -> HttpResponse {
        let prefix = query.get("prefix").map_or("", String::as_str);
        let after = query.get("continuation-token").map_or("", String::as_str);
        let objects = held(&self.objects);
        let mut found = objects.iter().filter(|(key, _)| key.starts_with(prefix) && key.as_str() > after).peekable();
        let (mut contents, mut last) = (String::new(), "");
        for (key, (bytes, written)) in found.by_ref().take(PAGE) {
            let (size, written) = (bytes.len(), rfc3339(*written));
            contents += &format!(
                "<Contents><Key>{key}</Key><Size>{size}</Size><LastModified>{written}</LastModified></Contents>"
            );
            last = key;
        }
        let more = found.peek().map(|_| format!("<NextContinuationToken>{last}</NextContinuationToken>"));
        xml(format!("<ListBucketResult>{contents}{}</ListBucketResult>", more.unwrap_or_default()))
    }

    fn get(&self, request: &HttpRequest, key: &str) -> HttpResponse {
        let objects = held(&self.objects);
        let Some((bytes, written)) = objects.get(key) else { return refused(StatusCode::NOT_FOUND, "NoSuchKey") };
        let written = header::LastModified((*written).into());
        let range = request.headers().get(header::RANGE).and_then(|range| range.to_str().ok());
        let Some(range) = range.and_then(|range| range.strip_prefix("bytes=")?.split_once('-')) else {
            return HttpResponse::Ok().insert_header(written).body(bytes.clone());
        };
        let place = |text: &str, other: usize| text.parse().unwrap_or(other);
        let (start, end) = (place(range.0, 0), place(range.1, usize::MAX - 1).saturating_add(1).min(bytes.len()));
        if start >= end {
            return refused(StatusCode::RANGE_NOT_SATISFIABLE, "InvalidRange");
        }
        let told = format!("bytes {start}-{}/{}", end - 1, bytes.len());
        let mut partial = HttpResponse::PartialContent();
        partial.insert_header(written).insert_header((header::CONTENT_RANGE, told)).body(bytes[start..end].to_vec())
    }

    fn put(&self, key: &str, query: &Query, body: web::Bytes) -> HttpResponse {
        match (query.get("uploadId"), query.get("partNumber").and_then(|number| number.parse().ok())) {
            (Some(id), Some(number)) => {
                let mut uploads = held(&self.uploads);
                let Some(parts) = uploads.get_mut(id) else { return refused(StatusCode::NOT_FOUND, "NoSuchUpload") };
                parts.insert(number, body.to_vec());
                *held(&self.parts) += 1;
            }
            _ => drop(held(&self.objects).insert(key.to_owned(), (body.to_vec(), SystemTime::now()))),
        }
        HttpResponse::Ok().insert_header((header::ETAG, "\"tag\"")).finish()
    }

    /// Begins an upload in parts, or ends it.
    fn upload(&self, key: &str, query: &Query) -> HttpResponse {
        let Some(id) = query.get("uploadId") else {
            let id = uuid::Uuid::now_v7().to_string();
            held(&self.uploads).insert(id.clone(), BTreeMap::new());
            return xml(format!(
                "<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
            ));
        };
        let Some(parts) = held(&self.uploads).remove(id) else {
            return refused(StatusCode::NOT_FOUND, "NoSuchUpload");
        };
        let bytes = parts.into_values().collect::<Vec<_>>().concat();
        held(&self.objects).insert(key.to_owned(), (bytes, SystemTime::now()));
        xml("<CompleteMultipartUploadResult><ETag>\"tag\"</ETag></CompleteMultipartUploadResult>".to_owned())
    }
}

fn xml(text: String) -> HttpResponse {
    HttpResponse::Ok().content_type("application/xml").body(text)
}

fn refused(status: StatusCode, code: &str) -> HttpResponse {
    HttpResponse::build(status).content_type("application/xml").body(format!("<Error><Code>{code}</Code></Error>"))
}

fn rfc3339(at: SystemTime) -> String {
    chrono::DateTime::<chrono::Utc>::from(at).to_rfc3339()
}
