//! What an endpoint answered.

use std::time::{Duration, Instant};

use reqwest::RequestBuilder;
use serde_json::Value;

/// An answer, read whole.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The body; null when it is no JSON.
    pub body: Value,
    /// The body as it came.
    pub text: String,
    /// Between asking and having read the answer.
    pub took: Duration,
}

impl Answer {
    /// Sends a request and reads what comes back.
    pub async fn of(request: RequestBuilder) -> Self {
        let asked = Instant::now();
        let response = request.send().await.expect("the server answers");
        let status = response.status().as_u16();
        let text = response.text().await.expect("the answer is read");
        Self { status, body: serde_json::from_str(&text).unwrap_or(Value::Null), text, took: asked.elapsed() }
    }

    /// `data` of a document that ran without any error.
    pub fn data(&self) -> Value {
        assert!(self.status == 200 && self.body.get("errors").is_none(), "{} {}", self.status, self.text);
        self.body["data"].clone()
    }

    /// The code of the first error.
    pub fn code(&self) -> String {
        let code = self.body["errors"][0]["extensions"]["code"].as_str();
        code.unwrap_or_else(|| panic!("an error was expected, got {} {}", self.status, self.text)).to_owned()
    }

    /// The fields that it complains about, each with its code.
    pub fn complaints(&self) -> Vec<(String, String)> {
        assert_eq!(self.code(), "VALIDATION_FAILED", "{}", self.text);
        let fields = self.body["errors"][0]["extensions"]["fields"].as_array().expect("fields");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        fields.iter().map(|field| (text(&field["field"]), text(&field["code"]))).collect()
    }
}
