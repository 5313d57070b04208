//! Roles, members and teams, and why somebody may do what.

mod input;
mod tree;

pub use tree::scopes;

use entities::ids::{MemberId, TeamId};
use records::{Ctx, engine, members, permission, roles};
use serde_json::{Map, Value as Json};
use tenants::error::{Code, Error, Result};

/// The declarations of this file's operations.
pub const DECLARED: &str = include_str!("access.graphql");

/// Runs one of this file's operations; none where the name is not one.
///
/// # Errors
/// Those of [`records::roles`], [`records::members`] and [`records::permission`].
pub async fn run(ctx: &Ctx, name: &str, args: &Map<String, Json>) -> Option<Result<Json>> {
    Some(match name {
        "roles" => list_roles(ctx).await,
        "role" => role(ctx, args).await,
        "createRole" => create_role(ctx, args).await,
        "updateRole" => update_role(ctx, args).await,
        "deleteRole" => roles::delete(ctx, text(args, "name")).await.map(|()| text(args, "name").into()),
        "explainAccess" => explain(ctx, args).await,
        _ => return people(ctx, name, args).await,
    })
}

async fn people(ctx: &Ctx, name: &str, args: &Map<String, Json>) -> Option<Result<Json>> {
    let done = async {
        let changed = match name {
            "organisationMembers" => return Ok(Some(members::list(ctx).await?.iter().map(tree::member).collect())),
            "changeMemberRole" => members::change_role(ctx, member(args)?, text(args, "role")).await?,
            "deactivateMember" => members::deactivate(ctx, member(args)?).await?,
            "reactivateMember" => members::reactivate(ctx, member(args)?).await?,
            "transferOwnership" => members::transfer_ownership(ctx, member(args)?).await?,
            _ => return Ok(None),
        };
        Ok(Some(tree::member(&changed)))
    };
    match done.await.transpose() {
        None => teams(ctx, name, args).await,
        done => done,
    }
}

async fn teams(ctx: &Ctx, name: &str, args: &Map<String, Json>) -> Option<Result<Json>> {
    let done = async {
        Ok(Some(match name {
            "teams" => members::list_teams(ctx).await?.iter().map(tree::team).collect(),
            "createTeam" => tree::team(&members::create_team(ctx, text(args, "name")).await?),
            "renameTeam" => tree::team(&members::rename_team(ctx, team(args, "id")?, text(args, "name")).await?),
            "deleteTeam" => {
                members::delete_team(ctx, team(args, "id")?).await?;
                text(args, "id").into()
            }
            "addToTeam" => tree::team(&members::add_to_team(ctx, team(args, "team")?, member(args)?).await?),
            "removeFromTeam" => tree::team(&members::remove_from_team(ctx, team(args, "team")?, member(args)?).await?),
            _ => return Ok(None),
        }))
    };
    done.await.transpose()
}

async fn list_roles(ctx: &Ctx) -> Result<Json> {
    Ok(roles::list(ctx).await?.iter().map(|role| tree::role(&ctx.catalog, role)).collect())
}

async fn role(ctx: &Ctx, args: &Map<String, Json>) -> Result<Json> {
    match roles::by_name(ctx, text(args, "name")).await {
        Ok(role) => Ok(tree::role(&ctx.catalog, &role)),
        Err(error) if error.code() == Code::NotFound => Ok(Json::Null),
        Err(error) => Err(error),
    }
}

async fn create_role(ctx: &Ctx, args: &Map<String, Json>) -> Result<Json> {
    let patch = input::role(&ctx.catalog, args)?;
    Ok(tree::role(&ctx.catalog, &roles::create(ctx, patch).await?))
}

async fn update_role(ctx: &Ctx, args: &Map<String, Json>) -> Result<Json> {
    let patch = input::role(&ctx.catalog, args)?;
    Ok(tree::role(&ctx.catalog, &roles::update(ctx, text(args, "name"), patch).await?))
}

async fn explain(ctx: &Ctx, args: &Map<String, Json>) -> Result<Json> {
    engine::verify(ctx).await?;
    let name = text(args, "object");
    let object = ctx.catalog.object(name);
    let object = object.ok_or_else(|| Error::new(Code::NotFound, format!("There is no object `{name}`.")))?;
    let id = text(args, "id").parse().map_err(|_| Error::of(Code::NotFound))?;
    Ok(tree::explanation(&ctx.catalog, &permission::explain(ctx, object, id, member(args)?).await?))
}

fn text<'a>(args: &'a Map<String, Json>, name: &str) -> &'a str {
    args.get(name).and_then(Json::as_str).unwrap_or_default()
}

fn member(args: &Map<String, Json>) -> Result<MemberId> {
    text(args, "member").parse().map_err(|_| Error::new(Code::NotFound, "There is no such member."))
}

fn team(args: &Map<String, Json>, name: &str) -> Result<TeamId> {
    text(args, name).parse().map_err(|_| Error::new(Code::NotFound, "There is no such team."))
}
