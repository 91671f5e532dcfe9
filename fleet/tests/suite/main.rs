//! Tests with a real nats-server and a real PostgreSQL. Without them a test reports SKIPPED.

mod agent;
mod archive;
mod attacks;
#[cfg(target_os = "linux")]
mod cluster;
mod deploy;
#[cfg(unix)]
mod faults;
mod klb;
#[cfg(unix)]
mod pages;
mod provision;
mod report;
#[cfg(unix)]
mod restore;
mod rules;
mod status;
mod support;
#[cfg(unix)]
mod trust;
#[cfg(unix)]
mod versions;
