//! A valid document with its plans.

use std::sync::{Arc, Mutex, PoisonError};

use async_graphql_parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, OperationType, Selection as Item, SelectionSet,
};
use async_graphql_value::Value;

use super::{
    Plan,
    collect::{Collector, Mode},
    validate::validate,
};
use crate::graphql::{
    errors::Refusal,
    input::{Checker, Variable, Variables, declare},
    request_limits,
    schema::{Schema, model::Model},
};

/// A valid document and the chosen operation.
#[derive(Debug)]
pub struct Prepared {
    document: ExecutableDocument,
    operation: Option<String>,
    /// The variables that the operation declares.
    pub variables: Vec<Variable>,
    /// The variables of `@skip` and `@include`.
    switches: Vec<String>,
    /// Plans so far, by the values of these variables.
    plans: Mutex<Vec<(Vec<bool>, Arc<Plan>)>>,
}

/// Most combinations cached.
const MAX_PLANS: usize = 8;

impl Prepared {
    /// Parses, measures and validates a document.
    ///
    /// # Errors
    /// `TOO_COMPLEX`, `GRAPHQL_PARSE_FAILED`, `GRAPHQL_VALIDATION_FAILED`.
    pub async fn new(schema: &Schema, text: &str, operation: Option<&str>) -> Result<Self, Refusal> {
        let document = request_limits::admit(text)?;
        let chosen = choose(&document, operation)?;
        let (pos, name) = (chosen.pos, operation.map(str::to_owned));
        validate(schema, &document, operation).await?;
        let variables = declare(&schema.model, &chosen.node)?;
        let checker = Checker::new(&schema.model, &variables);
        let collector = Collector { model: &schema.model, document: &document, mode: Mode::Check(&checker) };
        let plan = collector.plan(&chosen.node)?;
        checker.all_used()?;
        if plan.kind == OperationType::Subscription && plan.root.fields.len() != 1 {
            return Err(Refusal::invalid("A subscription has exactly one field at its root.", pos));
        }
        let mut switches = Vec::new();
        find_switches(&chosen.node.selection_set.node, &mut switches);
        document
            .fragments
            .values()
            .for_each(|fragment| find_switches(&fragment.node.selection_set.node, &mut switches));
        Ok(Self { operation: name, variables, switches, plans: Mutex::default(), document })
    }

    /// The parsed document.
    pub fn document(&self) -> &ExecutableDocument {
        &self.document
    }

    /// The chosen operation.
    pub fn chosen(&self) -> Option<&OperationDefinition> {
        choose(&self.document, self.operation.as_deref()).ok().map(|operation| &operation.node)
    }

    /// The plan for these variables.
    ///
    /// # Errors
    /// None for a document that was prepared with the same shape of the API.
    pub fn plan(&self, model: &Model, variables: &Variables) -> Result<Arc<Plan>, Refusal> {
        let flag = |name: &String| variables.get(name).and_then(serde_json::Value::as_bool).unwrap_or(false);
        let flags: Vec<bool> = self.switches.iter().map(flag).collect();
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, plan)) = plans.iter().find(|(known, _)| *known == flags) {
            return Ok(Arc::clone(plan));
        }
        let chosen = choose(&self.document, self.operation.as_deref())?;
        let collector = Collector { model, document: &self.document, mode: Mode::Run(variables) };
        let plan = Arc::new(collector.plan(&chosen.node)?);
        if plans.len() == MAX_PLANS {
            plans.remove(0);
        }
        plans.push((flags, Arc::clone(&plan)));
        Ok(plan)
    }
}

/// The operation that a request chooses.
fn choose<'d>(
    document: &'d ExecutableDocument,
    name: Option<&str>,
) -> Result<&'d async_graphql_parser::Positioned<OperationDefinition>, Refusal> {
    match (&document.operations, name) {
        (DocumentOperations::Single(operation), None) => Ok(operation),
        (DocumentOperations::Multiple(operations), Some(name)) => operations
            .get(name)
            .ok_or_else(|| Refusal::bad_request(format!("There is no operation `{name}` in the document."))),
        (DocumentOperations::Single(_), Some(name)) => {
            Err(Refusal::bad_request(format!("There is no operation `{name}` in the document.")))
        }
        (DocumentOperations::Multiple(operations), None) => match operations.values().next() {
            Some(only) if operations.len() == 1 => Ok(only),
            _ => Err(Refusal::bad_request("The document has several operations. Choose one with `operationName`.")),
        },
    }
}

fn find_switches(set: &SelectionSet, found: &mut Vec<String>) {
    for item in &set.items {
        for directive in item.node.directives() {
            if let Some(Value::Variable(name)) = directive.node.get_argument("if").map(|value| &value.node)
                && !found.iter().any(|known| known == name.as_str())
            {
                found.push(name.to_string());
            }
        }
        match &item.node {
            Item::Field(field) => find_switches(&field.node.selection_set.node, found),
            Item::InlineFragment(fragment) => find_switches(&fragment.node.selection_set.node, found),
            Item::FragmentSpread(_) => {}
        }
    }
}
