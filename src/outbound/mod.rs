//! Calls to other systems: signed as of Standard Webhooks, within a time and a size, never to an
//! address that is not meant to be reached. It does not know what is said, nor when to try again.

mod client;
mod network;
mod signature;

pub use client::{Answer, CallError, Outbound, UrlError};
pub use network::{Network, NetworkError};
pub use signature::{Secret, SecretError};
