//! `clientele tenant`.

use clap::{Args, Subcommand};
use tenants::{Code, Error, error::Result, identity::NewAccount, registry::NewOrganisation, sign_on};

use crate::app::App;

#[derive(Subcommand)]
pub enum Command {
    /// Create an organisation. A new owner's password is read from CLIENTELE_OWNER_PASSWORD.
    Create(Create),
    /// List the organisations.
    List,
    /// Confirm that an email domain belongs to an organisation: its single sign-on provider is then trusted for
    /// addresses in it.
    VerifyDomain(Domain),
    /// Remove a domain; existing members stay.
    ForgetDomain(Domain),
    /// Destroy an organisation with all its data. Its keys are destroyed first: no copy of its data can be read any
    /// more.
    Destroy(Destroy),
}

#[derive(Args)]
pub struct Create {
    /// Name in URLs: 2 to 40 of a-z, 0-9 and -.
    #[arg(long)]
    slug: String,
    /// Name for people.
    #[arg(long)]
    name: String,
    /// The owner signs in with this address; an existing person keeps their password.
    #[arg(long)]
    owner_email: String,
    /// ISO 3166 code.
    #[arg(long, default_value = "US")]
    country: String,
    /// ISO 4217 code.
    #[arg(long, default_value = "USD")]
    currency: String,
    /// IANA name.
    #[arg(long, default_value = "UTC")]
    time_zone: String,
    /// en, fr or es.
    #[arg(long, default_value = "en")]
    language: String,
}

#[derive(Args)]
pub struct Domain {
    /// The organisation's slug.
    slug: String,
    /// A domain such as example.com.
    domain: String,
}

#[derive(Args)]
pub struct Destroy {
    /// The organisation's slug.
    slug: String,
    /// Do it: this cannot be undone.
    #[arg(long)]
    yes: bool,
}

pub async fn run(app: &App, command: Command) -> Result<()> {
    match command {
        Command::Create(arguments) => create(app, arguments).await,
        Command::List => list(app).await,
        Command::VerifyDomain(Domain { slug, domain }) => {
            let (tenant, now) = (app.registry.by_slug(&slug).await?.id, app.registry.clock().micros());
            sign_on::verify_domain(app.registry.control(), tenant, &domain, now).await
        }
        Command::ForgetDomain(Domain { slug, domain }) => {
            let tenant = app.registry.by_slug(&slug).await?.id;
            sign_on::forget_domain(app.registry.control(), tenant, &domain).await
        }
        Command::Destroy(arguments) => destroy(app, &arguments).await,
    }
}

async fn create(app: &App, arguments: Create) -> Result<()> {
    let Create { slug, name, owner_email, country, currency, time_zone, language } = arguments;
    let password = std::env::var("CLIENTELE_OWNER_PASSWORD").unwrap_or_default();
    let known = app.registry.user_by_email(&owner_email.trim().to_lowercase()).await?.is_some();
    if password.is_empty() && !known {
        return Err(Error::new(
            Code::BadRequest,
            "Set CLIENTELE_OWNER_PASSWORD to the new owner's password (10 to 128 characters).",
        ));
    }
    let account = NewAccount { first_name: String::new(), last_name: String::new(), email: owner_email, password };
    let organisation = NewOrganisation { slug: slug.clone(), name, country, currency, time_zone, language };
    let id = app.identity.create_tenant(account, organisation).await?;
    super::line(serde_json::json!({ "id": id.to_string(), "slug": slug }));
    Ok(())
}

async fn destroy(app: &App, arguments: &Destroy) -> Result<()> {
    let tenant = app.registry.by_slug(&arguments.slug).await?;
    if !arguments.yes {
        let message = format!(
            "This destroys the organisation `{}` ({}) with all its records, files and keys, permanently. Add --yes to do it.",
            tenant.slug, tenant.name
        );
        return Err(Error::new(Code::BadRequest, message));
    }
    app.registry.destroy(&tenant.slug).await?;
    super::line(serde_json::json!({ "id": tenant.id.to_string(), "slug": tenant.slug, "destroyed": true }));
    Ok(())
}

async fn list(app: &App) -> Result<()> {
    for tenant in app.registry.list().await? {
        super::line(serde_json::json!({ "id": tenant.id.to_string(), "slug": tenant.slug, "name": tenant.name }));
    }
    Ok(())
}
