//! `clientele demo`: an organisation with sample customers, and how to sign in to it.

use std::{fs, io::Write, os::unix::fs::OpenOptionsExt, path::Path};

use tenants::{Code, Error, api_keys::NewKey, error::Result, identity::NewAccount, registry::NewOrganisation};

use crate::{app::App, config::Config};

const SLUG: &str = "demo";
const EMAIL: &str = "demo@example.org";
const PASSWORD: &str = "take a look around";

/// Creates the demo organisation if it does not exist, and prints address, sign-in, a key and a query to try.
pub async fn prepare(app: &App, config: &Config) -> Result<()> {
    let fresh = match app.registry.by_slug(SLUG).await {
        Ok(_) => false,
        Err(error) if error.code() == Code::NotFound => {
            create(app).await?;
            true
        }
        Err(error) => return Err(error),
    };
    let ctx = app.operator(SLUG).await?;
    crm::demo::fill(&ctx).await?;
    let key = key(app, &config.data, fresh).await?;
    let address = format!("http://{}", config.listen);
    super::line(format_args!(
        "Clientele demo\n\n  address   {address}\n  sign-in   {EMAIL} / {PASSWORD}   (POST {address}/graphql/account)\n  \
         API key   {key}\n\nTry:\n\n  curl -s {address}/graphql -H 'Authorization: Bearer {key}' \\\n    \
         -H 'Content-Type: application/json' \\\n    \
         -d '{{\"query\":\"{{ customers(first: 3, orderBy: [{{ name: ASC }}]) {{ totalCount nodes {{ name city email }} }} }}\"}}'\n"
    ));
    Ok(())
}

async fn create(app: &App) -> Result<()> {
    let account = NewAccount {
        first_name: "Demo".to_owned(),
        last_name: "Owner".to_owned(),
        email: EMAIL.to_owned(),
        password: PASSWORD.to_owned(),
    };
    let organisation = NewOrganisation {
        slug: SLUG.to_owned(),
        name: "Clientele Demo".to_owned(),
        country: "DZ".to_owned(),
        currency: "DZD".to_owned(),
        time_zone: "Africa/Algiers".to_owned(),
        language: "en".to_owned(),
    };
    app.identity.create_tenant(account, organisation).await.map(|_| ())
}

/// The demo's key, kept in a file so that every start prints the same one.
async fn key(app: &App, data: &Path, fresh: bool) -> Result<String> {
    let path = data.join("demo.key");
    if let (false, Ok(key)) = (fresh, fs::read_to_string(&path)) {
        return Ok(key.trim().to_owned());
    }
    let tenant = app.registry.by_slug(SLUG).await?.id;
    let key = NewKey { name: "demo".to_owned(), role: Some("admin".to_owned()), ..NewKey::default() };
    let issued = app.identity.create_api_key(tenant, key).await?;
    fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&path)
        .and_then(|mut file| file.write_all(issued.key.as_bytes()))
        .map_err(|error| Error::new(Code::BadRequest, format!("{} cannot be written: {error}.", path.display())))?;
    Ok(issued.key)
}
