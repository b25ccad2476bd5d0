//! The paths below `/v1`.

mod access;
mod alerts;
mod cases;
mod classify;
mod classify_batch;
mod corrections;
mod evidence;
mod knowledge;
pub(crate) mod library;
mod matters;
mod messages;
mod privacy;
mod progress;
mod queues;
mod sequences;
mod walk;
mod webhooks;
