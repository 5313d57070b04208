//! HTTP load with little cost of its own: raw connections that repeat prepared requests.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// The result of a load.
pub struct Load {
    /// Answers per second.
    pub rate: f64,
    times: Vec<Duration>,
}

impl Load {
    /// The response time that this share (0.5, 0.99) of the answers kept.
    pub fn percentile(&self, part: f64) -> Duration {
        let last = self.times.len() - 1;
        self.times[((last as f64) * part).round() as usize]
    }
}

/// A `POST` of JSON, as bytes.
pub fn post(address: SocketAddr, path: &str, token: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// A `GET` without credentials, as bytes.
pub fn get(address: SocketAddr, path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n\r\n").into_bytes()
}

/// Clients that send requests for a while, each waiting for its answer.
pub async fn run(address: SocketAddr, requests: Vec<Vec<u8>>, clients: usize, during: Duration) -> Load {
    let requests = Arc::new(requests);
    let started = Instant::now();
    let asking = (0..clients).map(|client| tokio::spawn(ask(address, Arc::clone(&requests), client, started + during)));
    let mut times = Vec::new();
    for client in asking.collect::<Vec<_>>() {
        times.extend(client.await.expect("a client ends"));
    }
    let rate = times.len() as f64 / started.elapsed().as_secs_f64();
    times.sort_unstable();
    Load { rate, times }
}

async fn ask(address: SocketAddr, requests: Arc<Vec<Vec<u8>>>, first: usize, until: Instant) -> Vec<Duration> {
    let mut connection = Connection::open(address).await;
    let mut times = Vec::new();
    // Clients start at different requests, so that they do not march in step.
    for request in requests.iter().cycle().skip(first * 7919 % requests.len()) {
        let asked = Instant::now();
        if asked >= until {
            break;
        }
        let status = connection.ask(request).await;
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(connection.body()));
        times.push(asked.elapsed());
    }
    times
}

/// A connection that is kept open.
pub struct Connection {
    stream: TcpStream,
    answer: Vec<u8>,
    body: usize,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("the server listens");
        stream.set_nodelay(true).expect("a TCP option");
        Self { stream, answer: Vec::with_capacity(64 << 10), body: 0 }
    }

    /// Sends a request, reads the answer, and returns its status.
    pub async fn ask(&mut self, request: &[u8]) -> u16 {
        self.stream.write_all(request).await.expect("the server reads");
        self.answer.clear();
        let head = loop {
            self.read().await;
            if let Some(end) = self.answer.windows(4).position(|window| window == b"\r\n\r\n") {
                break end;
            }
        };
        self.body = head + 4;
        let head = std::str::from_utf8(&self.answer[..head]).expect("a head in ASCII").to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
        let end = self.body + length.trim().parse::<usize>().expect("a number");
        while self.answer.len() < end {
            self.read().await;
        }
        head[9..12].parse().expect("a status")
    }

    /// The body of the last answer.
    pub fn body(&self) -> &[u8] {
        &self.answer[self.body..]
    }

    async fn read(&mut self) {
        let count = self.stream.read_buf(&mut self.answer).await.expect("the server answers");
        assert!(count > 0, "the server closed the connection");
    }
}
