//! The content of the demo organisation: the Northwind and Chinook customers, and interactions with some of them.

use entities::ids::RecordId;
use records::{
    Ctx,
    catalog::Object,
    engine::{self, Archived, Draft, ListQuery, Page},
    filter::{Filter, Test},
    values::Value,
};
use tenants::error::{Error, Result};

use crate::import::{self, Duplicates, Options, Report, Upload};

/// Files of the demo, and the tag for their customers.
const FILES: [&[u8]; 2] = [
    include_bytes!("../../tests/data/northwind-customers.csv"),
    include_bytes!("../../tests/data/chinook-customers.csv"),
];

/// Kind, subject, text, and how many days ago it happened.
const STORIES: &[(&str, &str, &str, i64)] = &[
    ("call", "First call", "Asked for the catalogue and prices for larger orders.", 41),
    ("email", "Catalogue sent", "The spring catalogue with the wholesale price list.", 40),
    ("meeting", "Visit at the fair", "Wants samples of the new range before the summer.", 23),
    ("note", "Preferences", "Prefers to be called in the morning; invoices by email.", 12),
    ("purchase", "Order confirmed", "Repeat order, delivery in two weeks.", 5),
    ("whatsapp", "Delivery question", "Asked whether the delivery can come a day earlier.", 2),
];
const DAY: i64 = 86_400_000_000;

/// Fills an organisation with the demo's customers and interactions. A repetition adds nothing.
///
/// # Errors
/// When the database does not answer.
pub async fn fill(ctx: &Ctx) -> Result<Vec<Report>> {
    let mut reports = Vec::new();
    for file in FILES {
        let mut upload = Upload::begin(ctx).await?;
        upload.write(file).await?;
        let options = Options { object: "customer".to_owned(), on_duplicate: Duplicates::Skip, ..Options::default() };
        let run = import::begin(ctx, upload, &options, false).await?;
        reports.push(import::carry_on(ctx, run.id, None).await?);
    }
    if reports.iter().any(|report| report.counts.created > 0) {
        tell_stories(ctx).await?;
    }
    Ok(reports)
}

/// A few interactions with the first customers.
async fn tell_stories(ctx: &Ctx) -> Result<()> {
    let object =
        |name: &str| ctx.catalog.object(name).ok_or_else(|| Error::internal("a standard object does not exist"));
    let (customer, interaction) = (object("customer")?, object("interaction")?);
    let now = ctx.caller.clock.micros();
    let mut drafts = Vec::new();
    for (index, id) in some(ctx, customer).await?.into_iter().enumerate() {
        for (kind, subject, body, days) in STORIES.iter().skip(index % 3).step_by(1 + index % 2) {
            let mut draft = Draft::default();
            let values = [
                ("customer", Value::Id(id.0)),
                ("kind", Value::Text((*kind).to_owned())),
                ("subject", Value::Text((*subject).to_owned())),
                ("body", Value::Text((*body).to_owned())),
                ("occurredAt", Value::Int(now - (days + index as i64) * DAY)),
            ];
            for (name, value) in values {
                if let Some(field) = interaction.standard(name) {
                    draft.set(field.id, value);
                }
            }
            drafts.push(draft);
        }
    }
    engine::create(ctx, interaction.id, drafts, &[]).await.map(drop)
}

/// A dozen people with an email address.
async fn some(ctx: &Ctx, customer: &Object) -> Result<Vec<RecordId>> {
    let email = customer.standard("email").ok_or_else(|| Error::internal("a standard field does not exist"))?;
    let query = ListQuery {
        object: customer.id,
        select: Vec::new(),
        filter: Some(Filter::Field { field: email.id, test: Test::IsNull(false) }),
        order: Vec::new(),
        page: Page { limit: 12, backwards: false, cursor: None },
        archived: Archived::Exclude,
        total: false,
    };
    Ok(engine::list(ctx, &query).await?.rows.into_iter().map(|row| row.id).collect())
}
