//! Emails sent through a real mail server, over STARTTLS and over TLS from the first byte; and what happens when it
//! refuses.

use serde_json::json;
use tests::{Client, MAIL_PASSWORD, MailServer, Received, TestApp, until};

/// An application that sends its emails through a server.
async fn app(server: &MailServer, url: &str, password: &str) -> TestApp {
    let ca = server.certificate().display().to_string();
    TestApp::spawn_with(&[
        ("CLIENTELE_SMTP_URL", url),
        ("CLIENTELE_SMTP_PASSWORD", password),
        ("CLIENTELE_SMTP_CA", &ca),
        ("CLIENTELE_MAIL_FROM", "Clientèle <no-reply@crm.example>"),
        ("CLIENTELE_PUBLIC_URL", "https://crm.example/"),
    ])
    .await
}

async fn sign_up(client: &Client, email: &str, slug: &str, language: &str) {
    let organisation = json!({ "slug": slug, "name": "Acme", "country": "DZ", "timeZone": "Africa/Algiers",
        "currency": "DZD", "language": language });
    let input = json!({ "firstName": "Ada", "lastName": "L", "email": email, "password": "a long enough passphrase",
        "organisation": organisation });
    let query = "mutation ($input: SignUpInput!) { signUp(input: $input) { email } }";
    client.account(query, json!({ "input": input })).await.data();
}

async fn message(server: &MailServer, to: &str) -> Received {
    let find = || server.received().into_iter().find(|received| received.message.to == to);
    until(30, &format!("an email to {to}"), async || find().is_some()).await;
    find().expect("an email")
}

#[tokio::test]
async fn emails_go_out_encrypted_both_ways_and_in_the_language_of_their_reader() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = MailServer::start(folder.path());
    for (url, implicit) in [(server.starttls(), false), (server.tls(), true)] {
        let app = app(&server, &url, MAIL_PASSWORD).await;
        let address = |language: &str| format!("{language}-{implicit}@example.com");
        for (language, subject, words) in [
            ("en", "Confirm your email address", "The account is made when you confirm it"),
            ("fr", "Confirmez votre adresse e-mail", "Le compte est créé quand vous la confirmez"),
            ("es", "Confirme su dirección de correo", "La cuenta se crea cuando usted la confirma"),
        ] {
            sign_up(&app.anonymous(), &address(language), &format!("acme-{language}"), language).await;
            let got = message(&server, &address(language)).await;
            assert_eq!((got.implicit, got.encrypted, got.user.as_str()), (implicit, true, "ada"));
            assert_eq!((got.from.as_str(), got.message.subject.as_str()), ("no-reply@crm.example", subject));
            let link = format!("https://crm.example/account/confirm#{}", got.message.token());
            assert!(got.message.text.contains(words) && got.message.text.contains(&link), "{}", got.message.text);
            assert!(got.message.html.contains(words) && got.message.html.contains(&link), "{}", got.message.html);
            for header in
                ["Message-ID: <", "@crm.example>", "Date: ", "Auto-Submitted: auto-generated", "multipart/alternative"]
            {
                assert!(got.raw.contains(header), "{header}\n{}", got.raw);
            }
        }
        assert!(app.mailbox().emails().is_empty(), "nothing lies in the folder");
    }
    assert_eq!(server.received().len(), 6, "each message once");
}

#[tokio::test]
async fn a_server_that_is_busy_is_asked_again_and_one_that_refuses_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = MailServer::start(folder.path());
    let app = app(&server, &server.starttls(), MAIL_PASSWORD).await;
    sign_up(&app.anonymous(), "busy@example.com", "busy", "en").await;
    sign_up(&app.anonymous(), "nobody@example.com", "nobody", "en").await;
    message(&server, "busy@example.com").await;
    let metrics =
        async || reqwest::get(app.anonymous().url("/metrics")).await.expect("measures").text().await.expect("text");
    until(30, "the other message is given up", async || {
        metrics().await.contains("clientele_system_jobs_total{queue=\"emails\",result=\"failed\"} 1")
    })
    .await;
    assert_eq!(server.received().len(), 1);
    let log = app.log();
    assert!(log.contains("the mail server answered 550"), "{log}");
    assert!(!log.contains("nobody@example.com") && !log.contains("busy@example.com"), "{log}");
}

#[tokio::test]
async fn emails_wait_while_the_server_is_not_the_right_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = MailServer::start(folder.path());
    let mut app = app(&server, &server.tls(), "a wrong password").await;
    sign_up(&app.anonymous(), "ada@example.com", "acme", "en").await;
    let reported = "the mail server answered 535";
    until(30, reported, async || app.log().contains(reported)).await;
    assert!(!app.log().contains("a wrong password"));
    // a power cut, and an operator who puts the password right, but trusts an authority that knows not this server
    app.server().kill();
    let other = folder.path().join("other.pem");
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    std::fs::write(&other, made.cert.pem()).expect("a file");
    let other = other.display().to_string();
    let distrusting =
        app.beside_with(&[("CLIENTELE_SMTP_PASSWORD", MAIL_PASSWORD), ("CLIENTELE_SMTP_CA", &other)]).await;
    let reported = "certificate or encryption is not accepted";
    until(30, reported, async || distrusting.log().contains(reported)).await;
    drop(distrusting);
    // two servers at work on the same emails
    let first = app.beside_with(&[("CLIENTELE_SMTP_PASSWORD", MAIL_PASSWORD)]).await;
    let _second = app.beside_with(&[("CLIENTELE_SMTP_PASSWORD", MAIL_PASSWORD)]).await;
    message(&server, "ada@example.com").await;
    for n in 0..20 {
        sign_up(&app.anonymous().at(&first), &format!("p{n}@example.com"), &format!("p{n}"), "en").await;
    }
    for n in 0..20 {
        message(&server, &format!("p{n}@example.com")).await;
    }
    assert_eq!(server.received().len(), 21, "each message once");
}

#[tokio::test]
async fn bad_settings_of_mail_refuse_to_start_and_say_which() {
    let app = TestApp::start().await;
    let missing = app.scratch("missing.pem").display().to_string();
    for (settings, reported) in [
        (vec![("SMTP_URL", "http://mail.example")], "smtp_url"),
        (vec![("SMTP_URL", "smtp://ada:hush@mail.example"), ("MAIL_FROM", "a@b.example")], "smtp_password"),
        (vec![("SMTP_URL", "smtp://ada@mail.example"), ("MAIL_FROM", "a@b.example")], "smtp_password"),
        (vec![("SMTP_URL", "smtp://mail.example")], "mail_from"),
        (vec![("SMTP_URL", "smtp://mail.example"), ("MAIL_FROM", "nobody")], "mail_from"),
        (vec![("SMTP_URL", "smtp://mail.example"), ("MAIL_FROM", "a@b.example"), ("SMTP_CA", &missing)], "smtp_ca"),
        (vec![("SMTP_PASSWORD", "hush")], "smtp_url"),
        (vec![("PUBLIC_URL", "crm.example")], "public_url"),
        (vec![("PUBLIC_URL", "https://crm.example/?a=b")], "public_url"),
        (vec![("PUBLIC_URL", "javascript:alert(1)")], "public_url"),
    ] {
        let program = settings
            .iter()
            .fold(app.program().clone(), |program, (key, value)| program.with(&format!("CLIENTELE_{key}"), value));
        let ran = program.run(["config", "check"]);
        assert_eq!(ran.code, Some(65), "{settings:?}\n{}", ran.stderr);
        assert!(ran.stderr.contains(reported) && !ran.stderr.contains("hush"), "{settings:?}\n{}", ran.stderr);
    }
    let good = app.program().with("CLIENTELE_SMTP_URL", "smtps://ada@mail.example");
    let good = good.with("CLIENTELE_SMTP_PASSWORD", "hush").with("CLIENTELE_MAIL_FROM", "a@b.example");
    assert!(!good.run(["config", "check"]).printed().contains("hush"), "passwords are not shown");
}
