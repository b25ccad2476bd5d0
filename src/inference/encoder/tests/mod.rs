//! Encoders against what they must say, on tiny ones that are made here.

mod bert;
mod blend;
mod engine;
mod families;
mod folder;
mod tiny;
mod tokenizer;
