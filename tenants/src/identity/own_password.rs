//! Changing one's password, and confirming it again before an important change.

use entities::{control::users, ids::SessionId};

use super::{ClientInfo, Identity, guard::unchanged};
use crate::{
    error::{Code, Error, Result},
    security_log::{Event, Kind},
};

impl Identity {
    /// Changes the password of a signed-in person and ends all their other sessions.
    ///
    /// # Errors
    /// `BAD_CREDENTIALS` for the old password, `VALIDATION_FAILED` for the new one.
    pub async fn change_password(
        &self,
        user: &users::Model,
        session: SessionId,
        old: &str,
        new: &str,
        client: &ClientInfo,
    ) -> Result<()> {
        self.demand_password(user, old, client).await?;
        let about = [&user.first_name, &user.last_name, &user.email];
        if let Some(mut issue) = self.password_issue(new, &about.map(String::as_str), client.network()).await? {
            "newPassword".clone_into(&mut issue.field);
            return Err(Error::invalid(vec![issue]));
        }
        let hash = self.hash(new, client.network()).await?;
        let tx = self.registry.control().begin().await?;
        unchanged(&tx, user).await?;
        self.new_password(&tx, user, hash).await?;
        self.end_sessions(&tx, user.id, Some(session)).await?;
        tx.commit().await?;
        self.registry.tickets().wake();
        self.log(user.id, Event::new(Kind::PasswordChanged).from(client)).await;
        Ok(())
    }

    /// Checks the password of a signed-in person once more. Wrong ones count as they do at sign-in.
    ///
    /// # Errors
    /// `BAD_CREDENTIALS`, `RATE_LIMITED` after too many.
    pub async fn demand_password(&self, user: &users::Model, password: &str, client: &ClientInfo) -> Result<()> {
        if self.prove(&user.email_key, Some(user), password, client).await? {
            return Ok(());
        }
        Err(Error::new(Code::BadCredentials, "The password is wrong."))
    }
}
