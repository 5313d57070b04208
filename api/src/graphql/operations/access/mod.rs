//! Roles, members and teams, and why somebody may do what.

mod input;
mod tree;

pub use tree::scopes;

use entities::ids::{MemberId, RecordId, TeamId};
use records::{
    Ctx, engine, members,
    operations::{Entry, Given, Module, NoArgs, Permit},
    permission, roles,
};
use serde::Deserialize;
use serde_json::Value as Json;
use tenants::{
    Operation, Permission,
    error::{Code, Error, Result},
};

use input::RoleInput;

/// The operations of roles, members and teams.
pub fn module() -> Module {
    let roles = Permit::Named(Permission::ManageRoles);
    let members = Permit::Named(Permission::ManageMembers);
    let see_members = Permit::Records("member", Operation::Read);
    Module {
        declared: include_str!("access.graphql"),
        entries: vec![
            Entry::new("roles", list_roles).permit(Permit::SignedIn),
            Entry::new("role", role).permit(Permit::SignedIn),
            Entry::new("createRole", create_role).permit(roles),
            Entry::new("updateRole", update_role).permit(roles),
            Entry::new("deleteRole", delete_role).permit(roles),
            Entry::new("explainAccess", explain).permit(Permit::SignedIn),
            Entry::new("organisationMembers", list_members).permit(see_members),
            Entry::new("changeMemberRole", change_role).permit(members),
            Entry::new("deactivateMember", deactivate).permit(members),
            Entry::new("reactivateMember", reactivate).permit(members),
            // the service asks for the owner
            Entry::new("transferOwnership", transfer_ownership).permit(Permit::SignedIn),
            Entry::new("teams", list_teams).permit(see_members),
            Entry::new("createTeam", create_team).permit(members),
            Entry::new("renameTeam", rename_team).permit(members),
            Entry::new("deleteTeam", delete_team).permit(members),
            Entry::new("addToTeam", add_to_team).permit(members),
            Entry::new("removeFromTeam", remove_from_team).permit(members),
        ],
        fields: Vec::new(),
    }
}

#[derive(Deserialize)]
struct ByName {
    name: String,
}

#[derive(Deserialize)]
struct CreateRole {
    input: RoleInput,
}

#[derive(Deserialize)]
struct UpdateRole {
    name: String,
    input: RoleInput,
}

#[derive(Deserialize)]
struct Explain {
    object: String,
    id: Given<RecordId>,
    member: Given<MemberId>,
}

#[derive(Deserialize)]
struct ByMember {
    member: Given<MemberId>,
}

#[derive(Deserialize)]
struct ChangeRole {
    member: Given<MemberId>,
    role: String,
}

#[derive(Deserialize)]
struct ByTeam {
    id: Given<TeamId>,
}

#[derive(Deserialize)]
struct RenameTeam {
    id: Given<TeamId>,
    name: String,
}

#[derive(Deserialize)]
struct TeamMember {
    team: Given<TeamId>,
    member: Given<MemberId>,
}

async fn list_roles(ctx: Ctx, _: NoArgs) -> Result<Vec<Json>> {
    Ok(roles::list(&ctx).await?.iter().map(|role| tree::role(&ctx.catalog, role)).collect())
}

async fn role(ctx: Ctx, args: ByName) -> Result<Option<Json>> {
    match roles::by_name(&ctx, &args.name).await {
        Ok(role) => Ok(Some(tree::role(&ctx.catalog, &role))),
        Err(error) if error.code() == Code::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

async fn create_role(ctx: Ctx, args: CreateRole) -> Result<Json> {
    let patch = args.input.patch(&ctx.catalog)?;
    Ok(tree::role(&ctx.catalog, &roles::create(&ctx, patch).await?))
}

async fn update_role(ctx: Ctx, args: UpdateRole) -> Result<Json> {
    let patch = args.input.patch(&ctx.catalog)?;
    Ok(tree::role(&ctx.catalog, &roles::update(&ctx, &args.name, patch).await?))
}

async fn delete_role(ctx: Ctx, args: ByName) -> Result<String> {
    roles::delete(&ctx, &args.name).await.map(|()| args.name)
}

async fn explain(ctx: Ctx, args: Explain) -> Result<Json> {
    engine::verify(&ctx).await?;
    let object = ctx.catalog.object(&args.object);
    let object = object.ok_or_else(|| Error::new(Code::NotFound, format!("There is no object `{}`.", args.object)))?;
    let id = args.id.id().ok_or_else(|| Error::of(Code::NotFound))?;
    Ok(tree::explanation(&ctx.catalog, &permission::explain(&ctx, object, id, args.member.needed("member")?).await?))
}

async fn list_members(ctx: Ctx, _: NoArgs) -> Result<Vec<Json>> {
    Ok(members::list(&ctx).await?.iter().map(tree::member).collect())
}

async fn change_role(ctx: Ctx, args: ChangeRole) -> Result<Json> {
    members::change_role(&ctx, args.member.needed("member")?, &args.role).await.map(|member| tree::member(&member))
}

async fn deactivate(ctx: Ctx, args: ByMember) -> Result<Json> {
    members::deactivate(&ctx, args.member.needed("member")?).await.map(|member| tree::member(&member))
}

async fn reactivate(ctx: Ctx, args: ByMember) -> Result<Json> {
    members::reactivate(&ctx, args.member.needed("member")?).await.map(|member| tree::member(&member))
}

async fn transfer_ownership(ctx: Ctx, args: ByMember) -> Result<Json> {
    members::transfer_ownership(&ctx, args.member.needed("member")?).await.map(|member| tree::member(&member))
}

async fn list_teams(ctx: Ctx, _: NoArgs) -> Result<Vec<Json>> {
    Ok(members::list_teams(&ctx).await?.iter().map(tree::team).collect())
}

async fn create_team(ctx: Ctx, args: ByName) -> Result<Json> {
    members::create_team(&ctx, &args.name).await.map(|team| tree::team(&team))
}

async fn rename_team(ctx: Ctx, args: RenameTeam) -> Result<Json> {
    members::rename_team(&ctx, args.id.needed("team")?, &args.name).await.map(|team| tree::team(&team))
}

async fn delete_team(ctx: Ctx, args: ByTeam) -> Result<TeamId> {
    let id = args.id.needed("team")?;
    members::delete_team(&ctx, id).await.map(|()| id)
}

async fn add_to_team(ctx: Ctx, args: TeamMember) -> Result<Json> {
    let (team, member) = (args.team.needed("team")?, args.member.needed("member")?);
    members::add_to_team(&ctx, team, member).await.map(|team| tree::team(&team))
}

async fn remove_from_team(ctx: Ctx, args: TeamMember) -> Result<Json> {
    let (team, member) = (args.team.needed("team")?, args.member.needed("member")?);
    members::remove_from_team(&ctx, team, member).await.map(|team| tree::team(&team))
}
