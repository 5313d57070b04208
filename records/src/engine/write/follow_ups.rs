//! What rules want written because something else was written: level by level, until nothing follows.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use entities::ids::{ObjectId, RecordId};
use tenants::error::{Code, Error, Result};

use super::{Change, Source, WriteOutcome, WriteTransaction};
use crate::{engine::WriteKind, rules::Written};

/// Levels of follow-ups; whoever needs more goes round in a circle.
pub(crate) const MAX_DEPTH: usize = 4;

/// A record that was written, and the writes of the call that it follows from.
struct Level {
    origins: BTreeSet<usize>,
    outcome: WriteOutcome,
    asked_by: Option<ObjectId>,
}

impl WriteTransaction<'_> {
    /// Writes what follows from these outcomes, and answers which of them are refused by that, by place. With a refusal
    /// the transaction holds half of what was asked: it is to be rolled back, and done again without the refused ones.
    pub(crate) async fn after_write(&mut self, written: &[WriteOutcome]) -> Result<Vec<(usize, Error)>> {
        let mut level: Vec<Level> = written
            .iter()
            .enumerate()
            .filter(|(_, outcome)| outcome.kind != WriteKind::Unchanged)
            .map(|(origin, outcome)| Level {
                origins: BTreeSet::from([origin]),
                outcome: outcome.clone(),
                asked_by: None,
            })
            .collect();
        for depth in 0.. {
            let follow_ups = self.follow_ups(&level).await?;
            if follow_ups.is_empty() {
                break;
            }
            if depth == MAX_DEPTH {
                let refused: BTreeMap<usize, Error> = follow_ups
                    .into_iter()
                    .flat_map(|next| next.origins)
                    .map(|origin| (origin, Error::of(Code::RulesTooDeep)))
                    .collect();
                return Ok(refused.into_iter().collect());
            }
            let (places, mutations): (Vec<_>, Vec<_>) =
                follow_ups.into_iter().map(|next| ((next.origins, next.asked_by), next.mutation)).unzip();
            let outcomes = self.apply(mutations, Source::Rule).await?;
            let mut refused = BTreeMap::new();
            level.clear();
            for ((origins, asked_by), outcome) in places.into_iter().zip(outcomes) {
                match outcome {
                    Ok(outcome) if outcome.kind != WriteKind::Unchanged => {
                        level.push(Level { origins, outcome, asked_by: Some(asked_by) });
                    }
                    Ok(_) => {}
                    Err(error) => {
                        for origin in origins {
                            refused.entry(origin).or_insert_with(|| error.again());
                        }
                    }
                }
            }
            if !refused.is_empty() {
                return Ok(refused.into_iter().collect());
            }
        }
        Ok(Vec::new())
    }

    /// What follows from one level, in the order in which it is written: what must go goes first, so that it is in
    /// nobody's way.
    async fn follow_ups(&self, level: &[Level]) -> Result<Vec<Next>> {
        let mut by_object: BTreeMap<ObjectId, Vec<&Level>> = BTreeMap::new();
        for one in level {
            by_object.entry(one.outcome.object).or_default().push(one);
        }
        let mut next = Vec::new();
        for (id, of_object) in by_object {
            let Some(object) = self.ctx.catalog.object_by_id(id) else { continue };
            let Some(rules) = self.ctx.rules.of(object) else { continue };
            let written: Vec<Written<'_>> =
                of_object.iter().map(|one| Written { outcome: &one.outcome, asked_by: one.asked_by }).collect();
            // several writes of the call may have led to one record: all of them answer for what follows from it
            let mut origins: HashMap<RecordId, BTreeSet<usize>> = HashMap::new();
            for one in &of_object {
                origins.entry(one.outcome.id).or_default().extend(&one.origins);
            }
            for follow_up in rules.after_write(&self.inside, object, &written).await? {
                let origins = origins.get(&follow_up.cause).cloned();
                let origins = origins.ok_or_else(|| Error::internal("a follow-up has no cause"))?;
                next.push(Next { origins, asked_by: id, mutation: follow_up.mutation });
            }
        }
        next.sort_by_key(|next| {
            let turn = match next.mutation.change {
                Change::Destroy { .. } => 0,
                Change::Archive { .. } => 1,
                Change::Update { .. } => 2,
                Change::Restore { .. } => 3,
                Change::Create { .. } => 4,
            };
            (turn, next.mutation.object)
        });
        Ok(next)
    }
}

/// A follow-up with the writes of the call that it follows from, and the object whose rules ask for it.
struct Next {
    origins: BTreeSet<usize>,
    asked_by: ObjectId,
    mutation: super::Mutation,
}
