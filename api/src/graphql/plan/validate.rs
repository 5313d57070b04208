//! Uses the library as a validator: a request runs through its rules and stops before execution.

use async_graphql::{
    Request, Response, ServerError,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute},
};
use async_graphql_parser::types::ExecutableDocument;
use tenants::error::Code;

use crate::graphql::{
    errors::{GraphqlError, Refusal},
    schema::Schema,
};

/// Keeps the library from executing anything but introspection.
pub struct ValidateOnly;

/// Marks a request that the library may execute: it contains introspection alone.
pub(super) struct Introspection;

impl ExtensionFactory for ValidateOnly {
    fn create(&self) -> std::sync::Arc<dyn Extension> {
        std::sync::Arc::new(ValidateOnly)
    }
}

#[async_trait::async_trait]
impl Extension for ValidateOnly {
    async fn execute(&self, ctx: &ExtensionContext<'_>, operation: Option<&str>, next: NextExecute<'_>) -> Response {
        if ctx.data_opt::<Introspection>().is_some() {
            return next.run(ctx, operation).await;
        }
        Response::default()
    }
}

/// Validates a document by the library's rules.
///
/// # Errors
/// `GRAPHQL_VALIDATION_FAILED`, one error per broken rule.
pub(super) async fn validate(
    schema: &Schema,
    document: &ExecutableDocument,
    operation: Option<&str>,
) -> Result<(), Refusal> {
    let mut request = Request::new("");
    if let Some(name) = operation {
        request = request.operation_name(name);
    }
    request.set_parsed_query(document.clone());
    let errors = schema.library.execute(request).await.errors;
    let errors: Vec<_> = errors.into_iter().filter(|error| !is_about_variable(error)).map(to_graphql_error).collect();
    if errors.is_empty() { Ok(()) } else { Err(Refusal::because(errors)) }
}

/// The library's findings about variables are ignored: it refuses a non-null list for a nullable one, and does not see
/// variables in directives of `__typename`. [`crate::graphql::input::Checker`] checks them instead.
fn is_about_variable(error: &ServerError) -> bool {
    let of_use = ["used in position expecting type", "is not used", "is not defined"];
    error.message.starts_with("Variable \"") && of_use.iter().any(|part| error.message.contains(part))
}

fn to_graphql_error(error: ServerError) -> GraphqlError {
    GraphqlError::of_request(Code::GraphqlValidationFailed, error.message, error.locations)
}
