//! A wire to the database that a test can cut, and that can lose an answer.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// How much is passed on at once.
const PIECE: usize = 64 * 1024;
/// How a client ends a transaction; the zero ends the text of a query.
const COMMIT: &[u8] = b"COMMIT\0";

/// Passes connections on to a server until it is cut; mended, it passes them on again.
#[derive(Clone)]
pub struct Proxy {
    address: SocketAddr,
    whole: Arc<watch::Sender<bool>>,
    losing: Arc<Mutex<Losing>>,
}

/// Which commit's answer is to be lost: the one after so many others.
#[derive(Default)]
struct Losing {
    skip: Option<usize>,
    lost: bool,
}

impl Proxy {
    /// A wire to a server, on a port of its own.
    pub async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let (whole, watched) = watch::channel(true);
        let losing = Arc::<Mutex<Losing>>::default();
        let kept = Arc::clone(&losing);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if *watched.borrow() {
                    tokio::spawn(pass(client, server.clone(), watched.clone(), Arc::clone(&kept)));
                }
            }
        });
        Self { address, whole: Arc::new(whole), losing }
    }

    /// Where it is entered.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Drops all connections and takes no new ones.
    pub fn cut(&self) {
        self.whole.send_replace(false);
    }

    /// Takes connections again.
    pub fn mend(&self) {
        self.whole.send_replace(true);
    }

    /// Loses the answer to one COMMIT, after `skip` others: the database has committed, and the connection breaks
    /// before anybody is told.
    pub fn lose_a_commit(&self, skip: usize) {
        *self.losing() = Losing { skip: Some(skip), lost: false };
    }

    /// Loses no more; answers whether one was lost.
    pub fn lose_none(&self) -> bool {
        std::mem::take(&mut *self.losing()).lost
    }

    fn losing(&self) -> std::sync::MutexGuard<'_, Losing> {
        self.losing.lock().expect("nobody panics with it")
    }
}

impl Losing {
    /// Whether the answer to what a client sends is to be lost.
    fn takes(&mut self, sent: &[u8]) -> bool {
        let Some(skip) = self.skip else { return false };
        if !sent.windows(COMMIT.len()).any(|part| part == COMMIT) {
            return false;
        }
        self.lost = skip == 0;
        self.skip = skip.checked_sub(1);
        self.lost
    }
}

async fn pass(client: TcpStream, server: String, mut whole: watch::Receiver<bool>, losing: Arc<Mutex<Losing>>) {
    let Ok(server) = TcpStream::connect(server).await else { return };
    tokio::select! {
        () = relay(client, server, &losing) => {}
        _ = whole.wait_for(|whole| !whole) => {}
    }
}

/// Passes on both ways until one side ends, or an answer is to be lost.
async fn relay(mut client: TcpStream, mut server: TcpStream, losing: &Mutex<Losing>) {
    let (mut sent, mut answered) = (vec![0; PIECE], vec![0; PIECE]);
    loop {
        tokio::select! {
            read = client.read(&mut sent) => {
                let Ok(count @ 1..) = read else { return };
                let lost = losing.lock().expect("nobody panics with it").takes(&sent[..count]);
                if server.write_all(&sent[..count]).await.is_err() {
                    return;
                }
                if lost {
                    // Once it answers, it has committed.
                    drop(server.read(&mut answered).await);
                    return;
                }
            }
            read = server.read(&mut answered) => {
                let Ok(count @ 1..) = read else { return };
                if client.write_all(&answered[..count]).await.is_err() {
                    return;
                }
            }
        }
    }
}
