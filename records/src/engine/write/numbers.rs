//! Auto-numbers: taken in blocks, in a transaction of their own, so that creating records does not queue at a counter.
//! What a process took and did not use is a gap.

use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex, PoisonError},
};

use entities::ids::{FieldId, ObjectId, TenantId};
use sea_orm::ConnectionTrait;
use tenants::{
    TenantTx,
    error::{Error, Result},
};

use super::{super::Change, Mutation};
use crate::{
    Ctx,
    catalog::{Field, FieldKind, Object},
};

/// Numbers taken beyond a small need, for the next records.
const SPARE: i64 = 15;
/// Counters whose spare numbers a process remembers.
const REMEMBERED: usize = 10_000;

/// Spare numbers of this process.
static SPARES: LazyLock<Mutex<Spares>> = LazyLock::new(Mutex::default);

/// By counter, the least last.
type Spares = HashMap<(TenantId, FieldId), Vec<i64>>;

/// Numbers in hand for one transaction. What it does not use is spare again when this is dropped.
pub(crate) struct Numbers {
    tenant: TenantId,
    /// What is not used may serve another transaction: its counter was not taken from inside one that may be undone.
    reusable: bool,
    /// By field, the least last, where it is popped.
    have: HashMap<FieldId, Vec<i64>>,
}

impl Numbers {
    /// None in hand: each is taken from its counter inside the transaction, and undone with it.
    pub fn none(ctx: &Ctx) -> Self {
        Self { tenant: ctx.db.tenant(), reusable: !ctx.db.is_inside(), have: HashMap::new() }
    }

    /// Takes numbers for so many new records of an object.
    pub async fn reserve(ctx: &Ctx, object: ObjectId, count: usize) -> Result<Self> {
        let mut numbers = Self::none(ctx);
        numbers.add(ctx, object, count).await?;
        Ok(numbers)
    }

    /// Takes what these mutations need.
    pub async fn for_mutations(ctx: &Ctx, mutations: &[Mutation]) -> Result<Self> {
        let mut needs: HashMap<ObjectId, usize> = HashMap::new();
        for mutation in mutations.iter().filter(|mutation| matches!(mutation.change, Change::Create { .. })) {
            *needs.entry(mutation.object).or_default() += 1;
        }
        let mut numbers = Self::none(ctx);
        for (object, count) in needs {
            numbers.add(ctx, object, count).await?;
        }
        Ok(numbers)
    }

    async fn add(&mut self, ctx: &Ctx, object: ObjectId, count: usize) -> Result<()> {
        let Some(object) = ctx.catalog.object_by_id(object).filter(|_| count > 0) else { return Ok(()) };
        if !self.reusable {
            return self.take_missing(&ctx.db, object, count, 0).await;
        }
        for field in counted(object) {
            self.have.insert(field.id, spare(self.tenant, field.id, count));
        }
        self.take_missing(&ctx.db, object, count, SPARE).await
    }

    /// Takes what so many records of an object need beyond what is in hand: records made by rules were not foreseen.
    pub(super) async fn fill(&mut self, tx: &TenantTx, object: &Object, count: usize) -> Result<()> {
        let short = counted(object).any(|field| self.have.get(&field.id).map_or(0, Vec::len) < count);
        // these go with the transaction, and so does what is left of them
        self.reusable &= !short;
        self.take_missing(tx, object, count, 0).await
    }

    /// Takes one block for each numbered field of an object, all in one statement.
    async fn take_missing(
        &mut self,
        db: &impl ConnectionTrait,
        object: &Object,
        count: usize,
        spare: i64,
    ) -> Result<()> {
        let mut blocks = Vec::new();
        for field in counted(object) {
            let have = self.have.get(&field.id).map_or(0, Vec::len);
            if have < count {
                blocks.push((field.id, (count - have) as i64 + spare));
            }
        }
        for (field, first, block) in take_blocks(db, &blocks).await? {
            let have = self.have.entry(field).or_default();
            // the least last, where it is popped
            have.splice(0..0, (first..first + block).rev());
        }
        Ok(())
    }

    /// The next number of a field, as its text.
    pub(super) fn next(&mut self, field: &Field) -> Result<String> {
        let number = self.have.get_mut(&field.id).and_then(Vec::pop);
        let number = number.ok_or_else(|| Error::internal("there are fewer numbers than records"))?;
        let FieldKind::AutoNumber { prefix, width } = &field.kind else {
            return Err(Error::internal("a field without counter was to be numbered"));
        };
        Ok(format!("{prefix}{number:0width$}", width = usize::from(*width)))
    }
}

impl Drop for Numbers {
    fn drop(&mut self) {
        if !self.reusable {
            return;
        }
        let mut spares = SPARES.lock().unwrap_or_else(PoisonError::into_inner);
        if spares.len() >= REMEMBERED {
            spares.clear();
        }
        for (field, mut left) in self.have.drain().filter(|(_, left)| !left.is_empty()) {
            let spare = spares.entry((self.tenant, field)).or_default();
            spare.append(&mut left);
            spare.sort_unstable_by_key(|number| std::cmp::Reverse(*number));
        }
    }
}

/// Up to so many spare numbers of this process, the least ones, the very least last.
fn spare(tenant: TenantId, field: FieldId, count: usize) -> Vec<i64> {
    let mut spares = SPARES.lock().unwrap_or_else(PoisonError::into_inner);
    match spares.get_mut(&(tenant, field)) {
        Some(spare) => spare.split_off(spare.len().saturating_sub(count)),
        None => Vec::new(),
    }
}

/// The numbered fields of an object.
pub(super) fn counted(object: &Object) -> impl Iterator<Item = &Field> {
    object.fields.iter().filter(|field| field.usable() && matches!(field.kind, FieldKind::AutoNumber { .. }))
}

/// Takes `count` numbers from a field's counter and answers the first.
pub async fn take(db: &impl ConnectionTrait, field: FieldId, count: i64) -> Result<i64> {
    let taken = take_blocks(db, &[(field, count)]).await?;
    taken.first().map(|(_, first, _)| *first).ok_or_else(|| Error::internal("a counter did not answer"))
}

/// Takes blocks of numbers from several counters at once; answers each with its first number and its size.
async fn take_blocks(db: &impl ConnectionTrait, blocks: &[(FieldId, i64)]) -> Result<Vec<(FieldId, i64, i64)>> {
    if blocks.is_empty() {
        return Ok(Vec::new());
    }
    let places: Vec<String> = (0..blocks.len()).map(|i| format!("(${}, ${})", 2 * i + 1, 2 * i + 2)).collect();
    let sql = format!(
        r#"INSERT INTO "tenant"."counters" AS n (name, value) VALUES {}
        ON CONFLICT (name) DO UPDATE SET value = n.value + excluded.value RETURNING name, value"#,
        places.join(", ")
    );
    let values = blocks
        .iter()
        .flat_map(|(field, count)| [sea_orm::Value::from(field.to_string()), (*count).into()])
        .collect::<Vec<_>>();
    let statement = sea_orm::Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    let mut taken = Vec::with_capacity(blocks.len());
    for row in db.query_all_raw(statement).await? {
        let (name, last): (String, i64) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let block = blocks.iter().find(|(field, _)| field.to_string() == name);
        let (field, count) = block.ok_or_else(|| Error::internal("a counter that was not asked for"))?;
        taken.push((*field, last - count + 1, *count));
    }
    Ok(taken)
}
