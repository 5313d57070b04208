//! The doors (GraphQL, REST, command line, workers) and the wiring of everything below.

pub mod account;
pub mod app;
pub mod cli;
pub mod config;
pub mod graphql;
pub mod http;
mod letters;
pub mod log;
mod reseal;
pub mod rest;
pub mod workers;
