//! Tests of the fleet against a real nats-server and a real PostgreSQL. Where one of them is missing a test says SKIPPED.

mod agent;
mod archive;
mod attacks;
mod deploy;
#[cfg(unix)]
mod faults;
mod klb;
mod leaves;
#[cfg(unix)]
mod pages;
mod provision;
mod report;
mod rules;
mod status;
mod support;
