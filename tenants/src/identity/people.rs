//! What makes a person: an address that is theirs, a name, a password.

use std::net::IpAddr;

use entities::{control::users, ids::UserId};
use serde::{Deserialize, Serialize};

use super::{Identity, Membership, slow::OPERATOR};
use crate::{
    error::{Code, Error, FieldIssue, Issue, Result},
    lines::name_issue,
    registry::{NewOrganisation, Person},
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

impl Identity {
    /// What is wrong with an account, per field; name and slug of the organisation are too easy a password.
    pub(super) async fn issues(
        &self,
        account: &NewAccount,
        organisation: [&str; 2],
        network: IpAddr,
    ) -> Result<Vec<FieldIssue>> {
        let mut issues: Vec<_> = check_email("email", &account.email).into_iter().collect();
        // the operator makes owners by their address alone
        let unnamed = network == OPERATOR && account.first_name.is_empty() && account.last_name.is_empty();
        if !unnamed {
            issues.extend(check_name("firstName", &account.first_name));
            issues.extend(check_name("lastName", &account.last_name));
        }
        let [name, slug] = organisation;
        let about = [account.first_name.as_str(), &account.last_name, &account.email, name, slug];
        issues.extend(self.password_issue(&account.password, &about, network).await?);
        Ok(issues)
    }

    /// Somebody to be, who speaks the organisation's language; hashing takes its time.
    pub(super) async fn applicant(
        &self,
        account: NewAccount,
        (language, time_zone): (&str, &str),
        network: IpAddr,
    ) -> Result<Applicant> {
        Ok(Applicant {
            email: account.email.trim().to_owned(),
            first_name: account.first_name.trim().to_owned(),
            last_name: account.last_name.trim().to_owned(),
            password_hash: self.hash(&account.password, network).await?,
            language: language.to_owned(),
            time_zone: time_zone.to_owned(),
        })
    }

    /// The person, to be inserted.
    pub(super) fn person(&self, applicant: Applicant) -> users::Model {
        let Applicant { email, first_name, last_name, password_hash, language, time_zone } = applicant;
        let now = self.registry.clock().micros();
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
            created_at: now,
            password_changed_at: now,
        }
    }

    /// A further organisation for a person, its owner.
    ///
    /// # Errors
    /// `VALIDATION_FAILED` for what is wrong with it, a taken slug among it; `QUOTA_EXCEEDED` when they have too many.
    pub async fn found_organisation(&self, user: &users::Model, organisation: NewOrganisation) -> Result<Membership> {
        if self.registry.of_user(user.id).await?.len() >= ORGANISATIONS {
            let reported = format!("A person may belong to {ORGANISATIONS} organisations when they found another.");
            return Err(Error::new(Code::QuotaExceeded, reported));
        }
        let (tenant, _) = self.registry.create(organisation, Person::Known(user.clone())).await?;
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
            issues.extend(self.issues(&account, [&organisation.name, &organisation.slug], OPERATOR).await?);
        }
        if !issues.is_empty() {
            return Err(Error::invalid(issues));
        }
        let user = match known {
            Some(known) => Person::Known(known),
            None => {
                let speaks = (organisation.language.as_str(), organisation.time_zone.as_str());
                Person::New(self.person(self.applicant(account, speaks, OPERATOR).await?))
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

/// Complains about a name that is too long, blank or no line of visible characters.
pub(super) fn check_name(field: &str, name: &str) -> Option<FieldIssue> {
    name_issue(name, NAME).map(|issue| FieldIssue { field: field.to_owned(), issue })
}

/// An email address as compared.
pub fn email_key(email: &str) -> String {
    email.trim().to_lowercase()
}
