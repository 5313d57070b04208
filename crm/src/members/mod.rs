//! The members of the organisation, so that records can show and link them. `tenants` invites and removes them; the
//! record engine only reads them.

use crate::StandardObject;
use records::catalog::{
    FieldKind, Personal,
    spec::{FieldSpec, ObjectSpec, labels},
};

/// The standard object `member`.
pub const OBJECT: StandardObject =
    StandardObject { name: "member", declaration: object, rules: None, operations: None };

/// The declaration of `member`.
fn object() -> ObjectSpec {
    ObjectSpec::new("member", "members")
        .labelled(labels("Member", "Membre", "Miembro"), labels("Members", "Membres", "Miembros"))
        .system_table("members")
        .field(
            FieldSpec::new("email", FieldKind::Email)
                .label(labels("Email", "E-mail", "Correo electrónico"))
                .personal(Personal::Ordinary)
                .column("email")
                .read_only(),
        )
}
