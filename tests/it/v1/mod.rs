//! The paths below `/v1`.

mod cases;
mod classify;
mod classify_batch;
mod corrections;
mod knowledge;
mod progress;
mod queues;
mod sequences;
mod webhooks;
