//! Encoders against what they must say, on tiny ones that are made here.

mod folder;
mod tiny;
mod tokenizer;
