//! The profile of a person, and how it is copied into the organisations where they are a member.

use chrono_tz::Tz;
use entities::{control::users, ids::UserId};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use serde::{Deserialize, Serialize};

use super::{Identity, guard::note_in, people};
use crate::{
    error::{Error, FieldIssue, Issue, Result},
    security_log::{self, Event},
    system_jobs,
};

/// The queue that copies names and addresses of people into their organisations.
pub const PEOPLE: &str = "people";

/// The changes to a profile; what is not given stays.
#[derive(Clone, Debug, Default)]
pub struct ProfilePatch {
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    /// `en`, `fr` or `es`.
    pub language: Option<String>,
    /// IANA name.
    pub time_zone: Option<String>,
    /// Notices that are turned off.
    pub muted: Option<Vec<Notice>>,
}

/// An email that people can turn off. Emails about the security of an account are always sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Somebody accepted their invitation.
    InvitationAccepted,
}

impl Notice {
    /// All of them.
    pub const ALL: [Notice; 1] = [Notice::InvitationAccepted];

    /// As stored.
    fn name(self) -> &'static str {
        match self {
            Notice::InvitationAccepted => "INVITATION_ACCEPTED",
        }
    }

    /// The notices that a person has turned off.
    pub fn muted_by(user: &users::Model) -> Vec<Notice> {
        Self::ALL.into_iter().filter(|notice| user.muted.split(' ').any(|name| name == notice.name())).collect()
    }
}

#[derive(Serialize, Deserialize)]
struct Spread {
    user: UserId,
}

impl Identity {
    /// Changes a profile.
    ///
    /// # Errors
    /// `VALIDATION_FAILED` for what is wrong.
    pub async fn update_profile(&self, user: &users::Model, patch: ProfilePatch) -> Result<users::Model> {
        let issues = patch.issues();
        if !issues.is_empty() {
            return Err(Error::invalid(issues));
        }
        let trimmed =
            |name: Option<String>, old: &String| name.map_or_else(|| old.clone(), |name| name.trim().to_owned());
        let muted = patch.muted.map(|list| list.iter().map(|notice| notice.name()).collect::<Vec<_>>().join(" "));
        let changed = users::Model {
            first_name: trimmed(patch.first_name, &user.first_name),
            last_name: trimmed(patch.last_name, &user.last_name),
            language: patch.language.unwrap_or_else(|| user.language.clone()),
            time_zone: patch.time_zone.unwrap_or_else(|| user.time_zone.clone()),
            muted: muted.unwrap_or_else(|| user.muted.clone()),
            ..user.clone()
        };
        let tx = self.registry.control().begin().await?;
        let columns = users::ActiveModel {
            first_name: Set(changed.first_name.clone()),
            last_name: Set(changed.last_name.clone()),
            language: Set(changed.language.clone()),
            time_zone: Set(changed.time_zone.clone()),
            muted: Set(changed.muted.clone()),
            ..Default::default()
        };
        users::Entity::update_many().set(columns).filter(users::Column::Id.eq(user.id)).exec(&tx).await?;
        if name_of(&changed) != name_of(user) {
            self.spread_later(&tx, user.id).await?;
        }
        tx.commit().await?;
        self.registry.tickets().wake();
        Ok(changed)
    }

    /// Copies name and address into the person's organisations, once the transaction commits.
    pub(super) async fn spread_later(&self, tx: &impl ConnectionTrait, user: UserId) -> Result<()> {
        system_jobs::enqueue(tx, self.registry.master(), PEOPLE, &Spread { user }, self.registry.clock().micros()).await
    }

    /// The person to copy, from an item of [`PEOPLE`]; `None` if they were deleted.
    ///
    /// # Errors
    /// When the control plane does not answer.
    pub async fn changed_person(&self, payload: serde_json::Value) -> Result<Option<users::Model>> {
        let Spread { user } = serde_json::from_value(payload).map_err(Error::internal)?;
        self.registry.user(user).await
    }

    /// Records an event about a person's account in the log of each of their organisations, or in their own log if they
    /// have none. The event has already happened, so a log that cannot be written does not undo it.
    pub(super) async fn log(&self, user: UserId, event: Event) {
        let now = self.registry.clock().micros();
        let noted = async {
            let organisations = self.registry.of_user(user).await?;
            if !note_in(&self.registry, organisations.iter().map(|(row, _)| row), &event, now).await {
                security_log::note_person(self.registry.control().write(), Some(user), event, now).await?;
            }
            Ok::<_, Error>(())
        };
        if let Err(error) = noted.await {
            tracing::warn!(error = error.log_line(), "an event is missing in a person's log");
        }
    }
}

impl ProfilePatch {
    fn issues(&self) -> Vec<FieldIssue> {
        let mut issues = Vec::new();
        issues.extend(self.first_name.as_ref().and_then(|name| people::check_name("firstName", name)));
        issues.extend(self.last_name.as_ref().and_then(|name| people::check_name("lastName", name)));
        let mut refuse = |field: &str, issue| issues.push(FieldIssue { field: field.to_owned(), issue });
        if self.language.as_ref().is_some_and(|language| !matches!(language.as_str(), "en" | "fr" | "es")) {
            refuse("language", Issue::NotAnOption("en, fr, es".to_owned()));
        }
        if self.time_zone.as_ref().is_some_and(|zone| zone.parse::<Tz>().is_err()) {
            refuse("timeZone", Issue::WrongType("an IANA time zone such as Africa/Algiers".into()));
        }
        issues
    }
}

/// The name that others see; a person without a name is shown by their address.
pub fn name_of(user: &users::Model) -> String {
    let name = format!("{} {}", user.first_name, user.last_name).trim().to_owned();
    if name.is_empty() { user.email.clone() } else { name }
}
