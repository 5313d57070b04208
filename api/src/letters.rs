//! The errands of the installation. Letters above all: the text of each reason, with its link, sent by the outbox.

use std::sync::Arc;

use jobs::Errands;
use mail::{Draft, Language, Outbox, Sending, texts};
use tenants::{
    Code, Error,
    error::Result,
    identity::{LETTERS, Letter, PEOPLE, Post},
};

use crate::{app::App, config::Config};

/// Who does the errands of the installation.
///
/// # Errors
/// When the configuration of mail is bad.
pub fn errands(app: &App, config: &Config) -> Result<Vec<Arc<dyn Errands>>> {
    let outbox = config.outbox()?;
    match &outbox {
        Outbox::Smtp { server, .. } => tracing::info!(server = server.place(), "letters go out by SMTP"),
        Outbox::Folder { path, .. } => {
            tracing::warn!(folder = %path.display(), "no smtp_url is set: letters are written into a folder")
        }
    }
    let letters = Letters { outbox, base: config.public_url()? };
    Ok(vec![Arc::new(letters), Arc::new(People(app.clone()))])
}

/// Names and addresses on their way into the organisations of their people.
struct People(App);

#[async_trait::async_trait]
impl Errands for People {
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

struct Letters {
    outbox: Outbox,
    /// What links begin with.
    base: String,
}

#[async_trait::async_trait]
impl Errands for Letters {
    fn queue(&self) -> &'static str {
        LETTERS
    }

    async fn run(&self, id: &str, payload: serde_json::Value) -> Result<()> {
        let Post { to, language, letter } = serde_json::from_value(payload).map_err(Error::internal)?;
        let draft = self.draft(Language::of(&language), letter);
        // nobody has the address that was asked about
        let Some(to) = to else { return Ok(()) };
        self.outbox.send(id, &to, &draft).await.map_err(|error| match error {
            Sending::Later(_) => Error::new(Code::Unavailable, error.to_string()),
            Sending::Never(_) => Error::new(Code::BadRequest, error.to_string()),
        })
    }
}

impl Letters {
    fn draft(&self, language: Language, letter: Letter) -> Draft {
        // behind the #, so that no server on the way writes the token into its log
        let link = |page: &str, token: &str| format!("{}/account/{page}#{token}", self.base);
        let forgotten = || format!("{}/account/forgotten", self.base);
        match letter {
            Letter::ConfirmSignUp { token } => texts::confirm_sign_up(language, &link("confirm", &token)),
            Letter::AddressTaken => texts::address_taken(language),
            Letter::AlreadyRegistered => texts::already_registered(language, &forgotten()),
            Letter::Recover { token } => texts::recover(language, &link("recover", &token)),
            Letter::PasswordChanged => texts::password_changed(language, &forgotten()),
            Letter::SecondFactor { on } => texts::second_factor(language, on, &forgotten()),
            Letter::ConfirmNewEmail { token } => texts::confirm_new_email(language, &link("email", &token)),
            Letter::LeaveEmail { new, token } => texts::leave_email(language, &new, &link("email", &token)),
            Letter::Invitation { organisation, inviter, token } => {
                texts::invitation(language, &organisation, &inviter, &link("invitation", &token))
            }
            Letter::InvitationAccepted { organisation, who } => {
                texts::invitation_accepted(language, &organisation, &who)
            }
            Letter::AccountDeleted => texts::account_deleted(language),
        }
    }
}
