//! Links between objects: the field on one side and, where wanted, the one that shows it on the other.

use entities::ids::FieldId;
use tenants::error::Result;

use super::{Cardinality, Field, FieldKind, FieldState, Origin, Relation, ddl, edit::Edit, names, spec::RelationSpec};

/// Gives the field its kind, makes the link table it needs, and answers the field of the other side.
pub(super) async fn resolve(edit: &mut Edit<'_>, field: &mut Field, wanted: &RelationSpec) -> Result<Option<Field>> {
    let target = edit.object(&wanted.to)?.id;
    let link_table = match wanted.cardinality {
        Cardinality::ManyToMany => {
            let table = edit.physical('l');
            edit.run(ddl::create_link_table(edit.dialect(), &table)).await?;
            Some(table)
        }
        _ => None,
    };
    let inverse_id = wanted.inverse.as_ref().map(|_| FieldId::new());
    let relation = Relation {
        to: target,
        cardinality: wanted.cardinality,
        inverse: inverse_id,
        on_destroy: wanted.on_destroy,
        link_table,
        forward: true,
    };
    let inverse = match (&wanted.inverse, inverse_id) {
        (Some((name, label)), Some(id)) => {
            let mut inverse = inverse(edit, field, &relation, id, name)?;
            inverse.label.clone_from(label);
            Some(inverse)
        }
        _ => None,
    };
    field.kind = FieldKind::Relation(relation);
    Ok(inverse)
}

fn inverse(edit: &Edit<'_>, field: &Field, relation: &Relation, id: FieldId, name: &str) -> Result<Field> {
    let target = edit.object_by_id(relation.to)?;
    let own_name = field.object == relation.to && field.name.eq_ignore_ascii_case(name);
    let named = names::field_name(target, None, name, field.origin);
    let seen_back = Relation {
        to: field.object,
        cardinality: match relation.cardinality {
            Cardinality::ManyToMany => Cardinality::ManyToMany,
            _ => Cardinality::OneToMany,
        },
        inverse: Some(field.id),
        forward: false,
        ..relation.clone()
    };
    let mut inverse = Field::new(id, relation.to, name, "", FieldKind::Relation(seen_back));
    inverse.origin = field.origin;
    inverse.position = super::create::next_position(target);
    // records of one-to-many links are moved by writing the to-one side
    inverse.writable = relation.cardinality == Cardinality::ManyToMany && target.writable;
    if field.origin == Origin::Standard && named.is_err() {
        inverse.state = FieldState::Inactive;
    } else {
        named?;
        if own_name {
            return Err(names::taken_by_itself(name));
        }
    }
    Ok(inverse)
}
