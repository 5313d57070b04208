//! What makes a person: an address that is theirs, a name, a password.

use entities::{control::users, ids::UserId};
use serde::{Deserialize, Serialize};

use super::{Identity, Membership, check_password};
use crate::{
    error::{Code, Error, FieldIssue, Issue, Result},
    registry::NewOrganisation,
};

/// Most characters of a name.
const NAME: usize = 100;
/// Organisations of a person who wants to found another.
const ORGANISATIONS: usize = 50;

/// A person who signs up.
#[derive(Clone, Debug)]
pub struct NewAccount {
    pub first_name: String,
    pub last_name: String,
    pub email: String,
    pub password: String,
}

/// Somebody before they exist: the password is a hash already.
#[derive(Serialize, Deserialize)]
pub(super) struct Applicant {
    pub(super) email: String,
    first_name: String,
    last_name: String,
    pub(super) password_hash: String,
    language: String,
    time_zone: String,
}

impl NewAccount {
    /// What is wrong with it, per field; name and slug of the organisation are too easy a password.
    pub(super) fn issues(&self, organisation: [&str; 2]) -> Vec<FieldIssue> {
        let mut issues: Vec<_> = check_email("email", &self.email).into_iter().collect();
        issues.extend(check_name("firstName", &self.first_name));
        issues.extend(check_name("lastName", &self.last_name));
        let [name, slug] = organisation;
        let about = [self.first_name.as_str(), &self.last_name, &self.email, name, slug];
        issues.extend(check_password(&self.password, &about));
        issues
    }
}

impl Identity {
    /// Somebody to be, who speaks the organisation's language; hashing takes its time.
    pub(super) async fn applicant(&self, account: NewAccount, language: &str, time_zone: &str) -> Result<Applicant> {
        Ok(Applicant {
            email: account.email.trim().to_owned(),
            first_name: account.first_name.trim().to_owned(),
            last_name: account.last_name.trim().to_owned(),
            password_hash: self.hash(&account.password).await?,
            language: language.to_owned(),
            time_zone: time_zone.to_owned(),
        })
    }

    /// The person, to be inserted.
    pub(super) fn person(&self, applicant: Applicant) -> users::Model {
        let Applicant { email, first_name, last_name, password_hash, language, time_zone } = applicant;
        users::Model {
            id: UserId::new(),
            email_key: email_key(&email),
            email,
            first_name,
            last_name,
            password_hash,
            language,
            time_zone,
            muted: String::new(),
            created_at: self.registry.clock().micros(),
        }
    }

    /// A further organisation for a person, its owner.
    ///
    /// # Errors
    /// `VALIDATION_FAILED` for what is wrong with it, a taken slug among it; `QUOTA_EXCEEDED` when they have too many.
    pub async fn found_organisation(&self, user: &users::Model, organisation: NewOrganisation) -> Result<Membership> {
        if self.registry.of_user(user.id).await?.len() >= ORGANISATIONS {
            let told = format!("A person may belong to {ORGANISATIONS} organisations when they found another.");
            return Err(Error::new(Code::QuotaExceeded, told));
        }
        let (tenant, _) = self.registry.create(organisation, user.clone()).await?;
        let made = self.memberships(user.id).await?.into_iter().find(|made| made.organisation.id == tenant);
        made.ok_or_else(|| Error::internal("a new organisation is not among its owner's"))
    }

    /// An organisation for a person who may be known already; the operator's way: no password is asked of a known one,
    /// and the address is believed.
    ///
    /// # Errors
    /// `VALIDATION_FAILED` for what is wrong, a taken slug among it.
    pub async fn create_tenant(
        &self,
        account: NewAccount,
        organisation: NewOrganisation,
    ) -> Result<entities::ids::TenantId> {
        let mut issues = organisation.issues();
        let known = self.registry.user_by_email(&email_key(&account.email)).await?;
        if known.is_none() {
            issues.extend(account.issues([&organisation.name, &organisation.slug]));
        }
        if !issues.is_empty() {
            return Err(Error::invalid(issues));
        }
        let user = match known {
            Some(known) => known,
            None => {
                let applicant = self.applicant(account, &organisation.language, &organisation.time_zone).await?;
                self.person(applicant)
            }
        };
        Ok(self.registry.create(organisation, user).await?.0)
    }
}

/// Complains about what cannot be an email address.
pub fn check_email(field: &str, email: &str) -> Option<FieldIssue> {
    let email = email.trim();
    let plain = |c: char| !c.is_control() && !c.is_whitespace() && !"<>()[],;:\\\"".contains(c);
    let whole = email.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && host.contains('.') && !host.starts_with('.') && !host.ends_with('.') && !host.contains('@')
    });
    let good = email.len() <= 254 && email.chars().all(plain) && whole;
    let issue = Issue::WrongType("an email address".into());
    (!good).then(|| FieldIssue { field: field.to_owned(), issue })
}

/// Complains about a name that is too long or breaks its line.
pub(super) fn check_name(field: &str, name: &str) -> Option<FieldIssue> {
    let issue = match name {
        name if name.chars().count() > NAME => Issue::TooLong(NAME.to_string()),
        name if name.chars().any(char::is_control) => Issue::WrongType("a name on one line".into()),
        _ => return None,
    };
    Some(FieldIssue { field: field.to_owned(), issue })
}

/// An email address as compared.
pub fn email_key(email: &str) -> String {
    email.trim().to_lowercase()
}
