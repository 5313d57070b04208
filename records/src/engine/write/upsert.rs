//! Which record a draft means: found by values that it shares with one.

use std::collections::HashSet;

use entities::ids::{FieldId, ObjectId, RecordId};
use tenants::error::{Code, Error, Result};

use super::{
    super::{Change, Draft},
    transaction::WriteTransaction,
    unique::{find, match_key},
};
use crate::{catalog::Field, permission};

/// What was found for a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Match {
    /// No record has any of the values.
    Nobody,
    One(RecordId),
    /// Different records have them.
    Several(Vec<RecordId>),
}

impl WriteTransaction<'_> {
    /// Looks drafts up by the given fields, one query a field. Archived records are not found.
    pub(crate) async fn matches(&mut self, object: ObjectId, drafts: &[&Draft], on: &[FieldId]) -> Result<Vec<Match>> {
        let object = self.object(object)?;
        let mut hits: Vec<Vec<RecordId>> = vec![Vec::new(); drafts.len()];
        for field in on {
            let field = field_of(self, object.id, *field)?;
            let keys: Vec<_> =
                drafts.iter().map(|draft| draft.get(field.id).and_then(|value| match_key(field, value))).collect();
            let wanted: HashSet<_> = keys.iter().flatten().cloned().collect();
            let mut found = find(&self.tx, self.tx.dialect(), object, field, &wanted).await?;
            if field.unique {
                self.free.insert(field.id, wanted.into_iter().filter(|key| !found.contains_key(key)).collect());
            }
            // a record out of sight is none that could be meant; a value of its that must be unique stays taken
            let ids: Vec<RecordId> = found.values().flatten().copied().collect();
            let seen = permission::visible(self.ctx, &self.tx, object, &ids).await?;
            found.values_mut().for_each(|ids| ids.retain(|id| seen.contains(id)));
            for (hits, key) in hits.iter_mut().zip(&keys) {
                let ids = key.as_ref().and_then(|key| found.get(key)).map(Vec::as_slice).unwrap_or_default();
                hits.extend(ids.iter().filter(|id| !hits.contains(id)).copied().collect::<Vec<_>>());
            }
        }
        let verdict = |hits: Vec<RecordId>| match hits.as_slice() {
            [] => Match::Nobody,
            [one] => Match::One(*one),
            _ => Match::Several(hits),
        };
        Ok(hits.into_iter().map(verdict).collect())
    }
}

fn field_of<'a>(write: &WriteTransaction<'a>, object: ObjectId, id: FieldId) -> Result<&'a Field> {
    let field = write.ctx.catalog.field(id).filter(|field| field.object == object && field.usable());
    let field = field
        .ok_or_else(|| Error::new(Code::BadRequest, "Records cannot be matched by a field that is not theirs."))?;
    permission::see(write.ctx, field).map(|()| field)
}

/// An update for each draft that means a record, a new record for the others.
pub(super) async fn changes(
    write: &mut WriteTransaction<'_>,
    object: ObjectId,
    drafts: Vec<Draft>,
    on: &[FieldId],
) -> Result<Vec<Change>> {
    let matches = write.matches(object, &drafts.iter().collect::<Vec<_>>(), on).await?;
    let mut seen = HashSet::new();
    let many = drafts.len() > 1;
    let mut changes = Vec::with_capacity(drafts.len());
    for (index, (draft, found)) in drafts.into_iter().zip(matches).enumerate() {
        let refuse = |message: &str, ids: &[RecordId]| {
            let ids: Vec<String> = ids.iter().map(RecordId::to_string).collect();
            let error = Error::new(Code::Ambiguous, message).with("ids", ids);
            if many { error.with("index", index) } else { error }
        };
        changes.push(match found {
            Match::Nobody => Change::Create { id: RecordId::new(), draft },
            Match::One(id) if seen.insert(id) => Change::Update { id, draft, version: None },
            Match::One(id) => return Err(refuse("Two of the given records mean the same one.", &[id])),
            Match::Several(ids) => return Err(refuse("The values belong to different records.", &ids)),
        });
    }
    Ok(changes)
}
