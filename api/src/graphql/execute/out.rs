//! The answer being written. An error is noted where it happens; a position that may not be null hands it to the one
//! above, which forgets what was written of it (`Handling Field Errors`).

use std::sync::Arc;

use records::values::write_string;
use tenants::error::{Code, Error};

use crate::graphql::{
    errors::{self, GraphqlError, PathSegment},
    plan::Planned,
};

/// Errors that one answer tells; more are counted only.
const MAX_ERRORS: usize = 100;

/// What every answer begins with, as long as it has no errors.
const HEAD: &[u8] = b"{\"data\":";

/// An answer with the errors of its fields.
pub struct Out {
    /// What is written so far, after [`HEAD`].
    pub json: Vec<u8>,
    /// In the order they happened.
    pub errors: Vec<GraphqlError>,
    path: Vec<PathSegment>,
    language: String,
    request: String,
}

/// A null where none may be: the position above is null instead.
#[derive(Debug)]
pub struct Nulled;

/// Completed, or to be null further up.
pub type Completed = Result<(), Nulled>;

impl Out {
    /// An empty answer to somebody.
    pub fn new(caller: &tenants::Caller) -> Self {
        let mut json = Vec::with_capacity(4096);
        json.extend_from_slice(HEAD);
        Self {
            json,
            errors: Vec::new(),
            path: Vec::new(),
            language: caller.locale.clone(),
            request: caller.request.clone(),
        }
    }

    /// Makes all of the data null.
    pub fn no_data(&mut self) {
        self.json.truncate(HEAD.len());
        self.null();
    }

    /// The whole answer: errors, if there are any, and data.
    pub fn finish(mut self) -> Vec<u8> {
        self.json.push(b'}');
        if self.errors.is_empty() {
            return self.json;
        }
        let errors: Vec<serde_json::Value> = self.errors.iter().map(GraphqlError::to_json).collect();
        let errors = serde_json::Value::Array(errors).to_string();
        let mut body = Vec::with_capacity(errors.len() + self.json.len() + 12);
        body.extend_from_slice(b"{\"errors\":");
        body.extend_from_slice(errors.as_bytes());
        body.push(b',');
        // The data, with what stands before it, but without the brace.
        body.extend_from_slice(&self.json[1..]);
        body
    }

    /// Writes an object of planned keys.
    pub fn object<'p, T>(
        &mut self,
        fields: impl Iterator<Item = (&'p Planned, T)>,
        mut value: impl FnMut(&mut Self, &'p Planned, T) -> Completed,
    ) -> Completed {
        self.json.push(b'{');
        for (index, (planned, field)) in fields.enumerate() {
            if index > 0 {
                self.json.push(b',');
            }
            self.key(&planned.key);
            value(self, planned, field)?;
        }
        self.json.push(b'}');
        Ok(())
    }

    /// Writes a key; names of GraphQL need no escapes.
    pub fn key(&mut self, key: &str) {
        self.json.push(b'"');
        self.json.extend_from_slice(key.as_bytes());
        self.json.extend_from_slice(b"\":");
    }

    /// Writes a list; positions of items are part of the path.
    pub fn list<T>(
        &mut self,
        items: impl Iterator<Item = T>,
        mut value: impl FnMut(&mut Self, T) -> Completed,
    ) -> Completed {
        self.json.push(b'[');
        for (index, item) in items.enumerate() {
            if index > 0 {
                self.json.push(b',');
            }
            self.path.push(PathSegment::Index(index));
            let written = value(self, item);
            self.path.pop();
            written?;
        }
        self.json.push(b']');
        Ok(())
    }

    /// Writes the value of a key that may hold errors within.
    pub fn field(
        &mut self,
        planned: &Planned,
        non_null: bool,
        value: impl FnOnce(&mut Self) -> Completed,
    ) -> Completed {
        self.path.push(PathSegment::Key(Arc::clone(&planned.key)));
        let start = self.json.len();
        let written = value(self);
        self.path.pop();
        match written {
            Err(Nulled) if !non_null => {
                self.json.truncate(start);
                self.null();
                Ok(())
            }
            other => other,
        }
    }

    /// Writes a value that may be null if it must.
    pub fn nullable(&mut self, value: impl FnOnce(&mut Self) -> Completed) {
        let start = self.json.len();
        if value(self).is_err() {
            self.json.truncate(start);
            self.null();
        }
    }

    /// Notes an error of the field whose value is being written; it is null.
    pub fn fail(&mut self, planned: &Planned, error: &Error) -> Completed {
        errors::log(error, &self.request);
        let mut reported = GraphqlError::of_service(error, &self.language, &self.request);
        reported.locations.clone_from(&planned.places);
        reported.path.clone_from(&self.path);
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(reported);
        }
        Err(Nulled)
    }

    /// Notes that a value is missing where there must be one.
    pub fn missing(&mut self, planned: &Planned) -> Completed {
        self.fail(planned, &Error::new(Code::Internal, format!("Field `{}` has no value, but must.", planned.key)))
    }

    /// A null at a key.
    pub fn nothing(&mut self, planned: &Planned, non_null: bool) -> Completed {
        if non_null {
            self.path.push(PathSegment::Key(Arc::clone(&planned.key)));
            let missing = self.missing(planned);
            self.path.pop();
            return missing;
        }
        self.null();
        Ok(())
    }

    /// `null`.
    pub fn null(&mut self) {
        self.json.extend_from_slice(b"null");
    }

    /// A text.
    pub fn string(&mut self, text: &str) {
        write_string(text, &mut self.json);
    }

    /// A whole number.
    pub fn int(&mut self, number: i64) {
        self.json.extend_from_slice(number.to_string().as_bytes());
    }

    /// Any JSON.
    pub fn value(&mut self, json: &serde_json::Value) {
        self.json.extend_from_slice(json.to_string().as_bytes());
    }
}
