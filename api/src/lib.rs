//! The endpoints (GraphQL, REST, command line, workers) and the wiring of everything below.

pub mod account;
pub mod app;
pub mod cli;
pub mod config;
mod consumers;
mod emails;
pub mod graphql;
pub mod http;
pub mod log;
mod reseal;
pub mod rest;
pub mod workers;
