//! Creates the standard objects in a tenant and keeps them up to date, with the same operations that admins use.

use std::collections::HashSet;

use tenants::{Clock, Error, TenantDb, error::Result};

use super::{
    Field, FieldKind, Object, Origin, constraints, create,
    edit::{Edit, edit},
    spec::{FieldSpec, KindSpec, ObjectSpec, SectionSpec},
};

/// Creates the standard objects, fields, sections and options that a tenant lacks. What exists is not changed, because
/// admins may have changed labels and order. Does nothing if nothing is missing.
///
/// # Errors
/// If the declarations contradict each other, or the database does not answer.
pub async fn provision(db: &TenantDb, specs: &[ObjectSpec]) -> Result<()> {
    edit(db, Clock::system().micros(), |edit| Box::pin(all(edit, specs))).await
}

async fn all(edit: &mut Edit<'_>, specs: &[ObjectSpec]) -> Result<()> {
    let mut fresh = HashSet::new();
    for spec in specs {
        if edit.catalog.object(&spec.name).is_none() {
            create::object(edit, spec, Origin::Standard).await?;
            fresh.insert(&spec.name);
        }
    }
    for spec in specs {
        sections(edit, spec).await?;
        if spec.owned && edit.object(&spec.name)?.field("owner").is_none() {
            let object = edit.object(&spec.name)?.id;
            create::owner(edit, object).await?;
        }
    }
    // relations first: rollups depend on relations of other objects
    for rollups in [false, true] {
        for spec in specs {
            for field in spec.fields.iter().filter(|field| matches!(field.kind, KindSpec::Rollup(_)) == rollups) {
                bring(edit, spec, field, fresh.contains(&spec.name)).await?;
            }
        }
    }
    for spec in specs {
        for names in &spec.unique {
            let object = edit.object(&spec.name)?;
            let (id, fields) = (object.id, names.iter().map(|name| Some(declared(object, name)?.id)));
            let fields = fields.collect::<Option<Vec<_>>>();
            let fields = fields.ok_or_else(|| Error::internal(format!("{} has no {}", spec.name, names.join(", "))))?;
            constraints::bring(edit, id, fields).await?;
        }
    }
    Ok(())
}

async fn sections(edit: &mut Edit<'_>, spec: &ObjectSpec) -> Result<()> {
    let object = edit.object(&spec.name)?;
    let id = object.id;
    let missing: Vec<&SectionSpec> =
        spec.sections.iter().filter(|section| object.section(&section.name).is_none()).collect();
    for section in missing {
        create::section(edit, id, section).await?;
    }
    Ok(())
}

/// Creates a field, or adds missing options to an existing one.
async fn bring(edit: &mut Edit<'_>, object: &ObjectSpec, spec: &FieldSpec, fresh: bool) -> Result<()> {
    let owner = edit.object(&object.name)?;
    let id = owner.id;
    let Some(known) = declared(owner, &spec.name).cloned() else {
        create::field(edit, id, spec, Origin::Standard).await?;
        return Ok(());
    };
    if known.origin == Origin::System {
        return if fresh { create::refine(edit, &known, spec).await } else { Ok(()) };
    }
    let KindSpec::Value(wanted) = &spec.kind else { return Ok(()) };
    let mut field = known;
    let had = field.options().len();
    if let (
        FieldKind::Select { options } | FieldKind::MultiSelect { options },
        FieldKind::Select { options: wanted } | FieldKind::MultiSelect { options: wanted },
    ) = (&mut field.kind, wanted)
    {
        for choice in wanted {
            if !options.iter().any(|known| known.value == choice.value) {
                options.push(choice.clone());
            }
        }
    }
    if field.options().len() > had {
        edit.update_field(field).await?;
    }
    Ok(())
}

/// The field that code declared under this name, inactive or not.
fn declared<'a>(object: &'a Object, name: &str) -> Option<&'a Field> {
    object.fields.iter().find(|field| field.origin != Origin::Custom && field.name == name)
}
