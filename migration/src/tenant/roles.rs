//! Roles down to the field, the roles that every organisation has from the start, and teams.

use sea_orm::DbBackend;

use super::{Types, types};

/// Id, name, label, and the row scope of each operation.
type Seed = (&'static str, &'static str, &'static str, &'static [(&'static str, &'static str)]);

const SEEDED: [Seed; 3] = [
    (
        "0190a000000070008000000000000001",
        "manager",
        "Manager",
        &[
            ("CREATE", "ALL"),
            ("READ", "ALL"),
            ("UPDATE", "ALL"),
            ("DELETE", "ALL"),
            ("RESTORE", "ALL"),
            ("MERGE", "ALL"),
            ("IMPORT", "ALL"),
            ("EXPORT", "ALL"),
        ],
    ),
    (
        "0190a000000070008000000000000002",
        "agent",
        "Agent",
        &[("CREATE", "ALL"), ("READ", "ALL"), ("UPDATE", "ALL"), ("DELETE", "OWN"), ("RESTORE", "OWN")],
    ),
    ("0190a000000070008000000000000003", "viewer", "Viewer", &[("READ", "ALL")]),
];

pub fn up(backend: DbBackend) -> Vec<String> {
    let Types { uuid, text, .. } = types(backend);
    let mut statements = vec![
        format!(r#"ALTER TABLE "tenant"."roles" ADD COLUMN label {text} NOT NULL DEFAULT ''"#),
        r#"ALTER TABLE "tenant"."roles" ADD COLUMN seeded boolean NOT NULL DEFAULT FALSE"#.to_owned(),
        r#"UPDATE "tenant"."roles" SET label = CASE name WHEN 'owner' THEN 'Owner' ELSE 'Administrator' END, seeded = TRUE"#
            .to_owned(),
    ];
    statements.extend(SEEDED.iter().map(|(id, name, label, operations)| {
        let id = match backend {
            DbBackend::Postgres => format!("'{id}'"),
            _ => format!("X'{id}'"),
        };
        let operations: Vec<String> = operations.iter().map(|(name, scope)| format!(r#""{name}":"{scope}""#)).collect();
        let access = format!(r#"{{"others":{{"operations":{{{}}}}}}}"#, operations.join(","));
        format!(
            r#"INSERT INTO "tenant"."roles" (id, name, label, access, seeded) VALUES ({id}, '{name}', '{label}', '{access}', TRUE)"#
        )
    }));
    statements.extend([
        format!(r#"CREATE TABLE "tenant"."teams" (id {uuid} PRIMARY KEY, name {text} NOT NULL)"#),
        r#"CREATE UNIQUE INDEX "uq_teams__name" ON "tenant"."teams" (name)"#.to_owned(),
        format!(
            r#"CREATE TABLE "tenant"."team_members" (team_id {uuid} NOT NULL, member_id {uuid} NOT NULL,
            PRIMARY KEY (team_id, member_id))"#
        ),
        r#"CREATE INDEX "ix_team_members__member_id" ON "tenant"."team_members" (member_id)"#.to_owned(),
    ]);
    statements
}
