//! Emails: each reason has its text and link, and the outbox sends it. And the system jobs, which are mainly emails.

use std::sync::Arc;

use jobs::SystemJobs;
use mail::{Draft, Language, Outbox, Sending, texts};
use tenants::{
    Code, Error,
    error::Result,
    identity::{EMAILS, EmailKind, EmailRequest, PEOPLE},
};

use crate::{app::App, config::Config};

/// The handlers of system jobs.
pub fn system_jobs(app: &App, emails: Arc<EmailSender>) -> Vec<Arc<dyn SystemJobs>> {
    vec![Arc::new(Emails(emails)), Arc::new(People(app.clone()))]
}

/// Copies names and addresses of people into their organisations.
struct People(App);

#[async_trait::async_trait]
impl SystemJobs for People {
    fn queue(&self) -> &'static str {
        PEOPLE
    }

    async fn run(&self, _: &str, payload: serde_json::Value) -> Result<()> {
        let App { identity, rules, .. } = &self.0;
        match identity.changed_person(payload).await? {
            Some(user) => records::members::follow(identity, rules, &user).await,
            None => Ok(()),
        }
    }
}

/// Emails to people who belong to no organisation.
struct Emails(Arc<EmailSender>);

#[async_trait::async_trait]
impl SystemJobs for Emails {
    fn queue(&self) -> &'static str {
        EMAILS
    }

    async fn run(&self, id: &str, payload: serde_json::Value) -> Result<()> {
        self.0.send(id, serde_json::from_value(payload).map_err(Error::internal)?).await
    }
}

/// Writes emails and sends them.
pub struct EmailSender {
    outbox: Outbox,
    /// The beginning of links.
    base: String,
}

impl EmailSender {
    /// By the mail settings.
    ///
    /// # Errors
    /// If they are not valid.
    pub fn new(config: &Config) -> Result<Self> {
        let outbox = config.outbox()?;
        match &outbox {
            Outbox::Smtp { server, .. } => tracing::info!(server = server.place(), "emails are sent by SMTP"),
            Outbox::Folder { path, .. } => {
                tracing::warn!(folder = %path.display(), "no smtp_url is set: emails are written into a folder")
            }
        }
        Ok(Self { outbox, base: config.public_url()? })
    }

    /// Sends an email; `id` is the same at every attempt.
    ///
    /// # Errors
    /// `UNAVAILABLE` if it can be sent later, `BAD_REQUEST` if it cannot be sent.
    pub async fn send(&self, id: &str, request: EmailRequest) -> Result<()> {
        let EmailRequest { to, language, kind } = request;
        let draft = self.draft(Language::of(&language), kind);
        // nobody has the requested address
        let Some(to) = to else { return Ok(()) };
        self.outbox.send(id, &to, &draft).await.map_err(|error| match error {
            Sending::Later(_) => Error::new(Code::Unavailable, error.to_string()),
            Sending::Never(_) => Error::new(Code::BadRequest, error.to_string()),
        })
    }

    fn draft(&self, language: Language, kind: EmailKind) -> Draft {
        // after the #, so that no server on the way writes the token into its log
        let link = |page: &str, token: &str| format!("{}/account/{page}#{token}", self.base);
        let forgotten = || format!("{}/account/forgotten", self.base);
        match kind {
            EmailKind::ConfirmSignUp { token } => texts::confirm_sign_up(language, &link("confirm", &token)),
            EmailKind::AddressTaken => texts::address_taken(language),
            EmailKind::AlreadyRegistered => texts::already_registered(language, &forgotten()),
            EmailKind::Recover { token } => texts::recover(language, &link("recover", &token)),
            EmailKind::PasswordChanged => texts::password_changed(language, &forgotten()),
            EmailKind::SecondFactor { on } => texts::second_factor(language, on, &forgotten()),
            EmailKind::ConfirmNewEmail { token } => texts::confirm_new_email(language, &link("email", &token)),
            EmailKind::LeaveEmail { new, token } => texts::leave_email(language, &new, &link("email", &token)),
            EmailKind::Invitation { organisation, inviter, token } => {
                texts::invitation(language, &organisation, &inviter, &link("invitation", &token))
            }
            EmailKind::InvitationAccepted { organisation, who } => {
                texts::invitation_accepted(language, &organisation, &who)
            }
            EmailKind::AccountDeleted => texts::account_deleted(language),
        }
    }
}
