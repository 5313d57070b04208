//! What makes a person: an address, a name, a password.

use std::net::IpAddr;

use entities::{control::users, ids::UserId};
use serde::{Deserialize, Serialize};

use super::{Identity, Membership, slow::OPERATOR};
use crate::{
    error::{Code, Error, FieldIssue, Issue, Result},
    lines::name_issue,
    registry::{NewOrganisation, Person},
};

/// Longest name, in characters.
const NAME: usize = 100;
/// Most organisations of a person who creates another one.
const ORGANISATIONS: usize = 50;

/// A person who signs up.
#[derive(Clone, Debug)]
pub struct NewAccount {
    pub first_name: String,
    pub last_name: String,
    pub email: String,
    pub password: String,
}

/// A person who is not stored yet; the password is already a hash.
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
    /// What is wrong with an account, by field. Its password may not be the name or slug of the organisation.
    pub(super) async fn issues(
        &self,
        account: &NewAccount,
        organisation: [&str; 2],
        network: IpAddr,
    ) -> Result<Vec<FieldIssue>> {
        let mut issues: Vec<_> = check_email("email", &account.email).into_iter().collect();
        // the operator creates owners by their address alone
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

    /// A new person, who gets the organisation's language. Hashing the password takes a while.
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

    /// The row to insert.
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

    /// Creates a further organisation for a person, who becomes its owner.
    ///
    /// # Errors
    /// `VALIDATION_FAILED`, also for a slug that is taken; `QUOTA_EXCEEDED` if they have too many organisations.
    pub async fn found_organisation(&self, user: &users::Model, organisation: NewOrganisation) -> Result<Membership> {
        if self.registry.of_user(user.id).await?.len() >= ORGANISATIONS {
            let reported =
                format!("You belong to {ORGANISATIONS} organisations already and cannot create another one.");
            return Err(Error::new(Code::QuotaExceeded, reported));
        }
        let (tenant, _) = self.registry.create(organisation, Person::Known(user.clone())).await?;
        let made = self.memberships(user.id).await?.into_iter().find(|made| made.organisation.id == tenant);
        made.ok_or_else(|| Error::internal("a new organisation is not among its owner's"))
    }

    /// Creates an organisation for a person who may already exist. Only the operator can do this: an existing person is
    /// not asked for a password, and the address is not verified.
    ///
    /// # Errors
    /// `VALIDATION_FAILED`, also for a slug that is taken.
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

/// Reports what cannot be an email address.
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

/// Reports a name that is too long, blank or not a single line of visible characters.
pub(super) fn check_name(field: &str, name: &str) -> Option<FieldIssue> {
    name_issue(name, NAME).map(|issue| FieldIssue { field: field.to_owned(), issue })
}

/// An email address in the form in which addresses are compared.
pub fn email_key(email: &str) -> String {
    email.trim().to_lowercase()
}
