//! A value that was sealed for one row does not open in another, even for somebody who can write to the database.

use entities::control::{pictures, sign_ups, system_jobs};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};

use super::*;

#[tokio::test]
async fn a_value_that_was_put_into_another_row_is_not_opened() {
    let identity = identity().await;
    let control = identity.registry().control().write();
    let (mut users, mut pictures) = (Vec::new(), Vec::new());
    for width in [7u8, 9] {
        let user = entities::ids::UserId::new();
        let png = [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0", [width].as_slice(), b"\0\0\0\x08\x08\x06\0\0\0\0"].concat();
        identity.set_picture(user, &png).await.unwrap();
        assert_eq!(identity.picture(user).await.unwrap().bytes.as_slice(), png);
        users.push(user);
        pictures.push(pictures::Entity::find_by_id(user).one(control).await.unwrap().unwrap().sealed);
    }
    let moved = pictures::Entity::update_many().col_expr(pictures::Column::Sealed, Expr::value(pictures[1].clone()));
    moved.filter(pictures::Column::UserId.eq(users[0])).exec(control).await.unwrap();
    assert_eq!(identity.picture(users[0]).await.err().unwrap().code(), Code::NotFound);

    let emails = ["a", "b"].map(|name| format!("{}@example.org", unique(name)));
    for email in &emails {
        identity.sign_up(account(email), organisation(&unique("v")), &visit()).await.unwrap();
    }
    let rows = sign_ups::Entity::find().filter(sign_ups::Column::EmailKey.is_in(emails)).all(control).await.unwrap();
    let master = identity.registry().master();
    let purpose = |row: &sign_ups::Model| crate::keys::of_row(sign_up::SEALED, row.id);
    assert!(master.unseal(&purpose(&rows[0]), &rows[0].sealed).is_some());
    assert!(master.unseal(&purpose(&rows[0]), &rows[1].sealed).is_none());

    let emails = system_jobs::Entity::find().all(control).await.unwrap();
    crate::system_jobs::payload(master, &emails[0]).unwrap();
    let moved = system_jobs::Model { id: emails[1].id, ..emails[0].clone() };
    crate::system_jobs::payload(master, &moved).unwrap_err();
}
