//! What is between a client and the endpoints: TLS and its certificates, the redirect to it, headers for browsers.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Stdio},
};

use reqwest::{Certificate, Client, Method, Version, redirect::Policy};
use tests::{TestApp, until};

/// A server beside the harness's own, ended with the test.
struct Beside(Child);

impl Drop for Beside {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Two addresses where nobody listens.
fn addresses() -> [SocketAddr; 2] {
    let listeners = [0, 1].map(|_| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    listeners.map(|listener| listener.local_addr().expect("its address"))
}

/// A new self-signed certificate in the two files.
fn certify(cert: &Path, key: &Path) -> String {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let pem = made.cert.pem();
    fs::write(key, made.signing_key.serialize_pem()).expect("a key file");
    fs::write(cert, &pem).expect("a certificate file");
    pem
}

/// A client without connections that trusts only this certificate.
fn trusting(pem: &str) -> Client {
    let root = Certificate::from_pem(pem.as_bytes()).expect("a certificate");
    Client::builder().tls_certs_only([root]).redirect(Policy::none()).build().expect("a client")
}

#[tokio::test]
async fn tls_is_served_from_files_that_may_change() {
    let app = TestApp::start().await;
    let (cert, key, [address, plain]) = (app.scratch("cert.pem"), app.scratch("key.pem"), addresses());
    let first = trusting(&certify(&cert, &key));
    let program = app
        .program()
        .with("CLIENTELE_TLS_CERT", &cert.display().to_string())
        .with("CLIENTELE_TLS_KEY", &key.display().to_string())
        .with("CLIENTELE_REDIRECT_FROM", &plain.to_string());
    let (log, mut command) = (app.scratch("tls.log"), program.command(["serve", "--listen", &address.to_string()]));
    let file = fs::File::create(&log).expect("a log file");
    let _server = Beside(command.stdout(Stdio::null()).stderr(file).spawn().expect("a server"));

    let url = format!("https://localhost:{}/readyz", address.port());
    until(30, "TLS is spoken", async || first.get(&url).send().await.is_ok()).await;
    let answer = first.get(&url).send().await.expect("an answer");
    assert_eq!((answer.status().as_u16(), answer.version()), (200, Version::HTTP_2));
    assert!(answer.headers().contains_key("strict-transport-security"), "{:?}", answer.headers());

    let sent = first.post(format!("http://localhost:{}/graphql?a=b", plain.port())).send().await.expect("an answer");
    assert_eq!(sent.status(), 308);
    assert_eq!(sent.headers()["location"], format!("https://localhost:{}/graphql?a=b", address.port()).as_str());

    let second = certify(&cert, &key);
    // a client of its own each time: connections that are open keep their certificate
    let served = async || trusting(&second).get(&url).send().await.is_ok();
    until(20, "the new certificate is served", served).await;
    fs::write(&cert, "not a certificate").expect("a file");
    let noticed = async || fs::read_to_string(&log).is_ok_and(|log| log.contains("the new certificate cannot be used"));
    until(20, "the broken file is noticed", noticed).await;
    assert!(served().await, "it leaves the certificate in force");
}

#[tokio::test]
async fn answers_tell_browsers_what_to_refrain_from() {
    let app = TestApp::start().await;
    for (method, path) in [(Method::GET, "/healthz"), (Method::POST, "/graphql"), (Method::GET, "/nowhere")] {
        let answer = app.anonymous().request(method, path).send().await.expect("an answer");
        let header =
            |name: &str| answer.headers().get(name).map_or("", |value| value.to_str().expect("text")).to_owned();
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(header("cache-control"), "no-store", "{path}");
        assert!(header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
        assert_eq!(header("strict-transport-security"), "", "{path}: it is plain HTTP");
    }
}

#[tokio::test]
async fn passwords_in_the_clear_need_a_flag_and_are_logged() {
    let app = TestApp::start().await;
    let refused = app.program().run(["serve", "--listen", "0.0.0.0:0"]);
    assert!(refused.code.is_some_and(|code| code != 0) && refused.stderr.contains("insecure_http"), "{refused:?}");
    for (key, value) in [("CLIENTELE_INSECURE_HTTP", "true"), ("CLIENTELE_TRUSTED_PROXIES", "10.0.0.0/8, ::1")] {
        app.program().with(key, value).run(["config", "check", "--listen", "0.0.0.0:0"]).printed();
    }
    let half = app.program().with("CLIENTELE_TLS_CERT", "cert.pem").run(["serve"]);
    assert!(half.stderr.contains("tls_key"), "{half:?}");
    let wrong = app.program().with("CLIENTELE_TRUSTED_PROXIES", "10.0.0.0/8,proxy").run(["config", "check"]);
    assert!(wrong.code != Some(0) && wrong.stderr.contains("`proxy`"), "{wrong:?}");

    let (log, [address, _]) = (app.scratch("open.log"), addresses());
    let mut command = app.program().with("CLIENTELE_INSECURE_HTTP", "true").command(["serve", "--listen"]);
    let file = fs::File::create(&log).expect("a log file");
    let open = format!("0.0.0.0:{}", address.port());
    let _server = Beside(command.arg(open).stdout(Stdio::null()).stderr(file).spawn().expect("a server"));
    let warned = async || fs::read_to_string(&log).is_ok_and(|log| log.contains("insecure_http"));
    until(30, "the log warns", warned).await;
}
