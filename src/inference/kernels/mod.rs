//! Inner loops in the widest vectors that this CPU has, chosen at run time. The only place of
//! unsafe code, behind a surface that checks every length; each kernel agrees with its plain
//! reference.
//!
//! An [`Isa`] exists only for what the CPU has, so that whoever holds one may run its code. Plain
//! loops over vectors of sixteen are written once and compiled for each of them. Where the compiler
//! finds no good code, they are written with intrinsics (integer products; with 512 bits also
//! softmax, turning and rounding), and in assembly for AMX.

#![expect(unsafe_code, reason = "vector instructions that the compiler may not assume everywhere")]
#![expect(
    clippy::inline_always,
    reason = "a loop gets the instructions of whom it is inlined into"
)]

mod attention;
pub(crate) mod bf16;
mod columns;
mod dot;
mod float;
mod isa;
mod lines;
mod mapped;
mod matrix;
mod memory;
mod pass;
mod rows;
mod sparse;

#[cfg(target_arch = "x86_64")]
mod amx;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

pub(super) use attention::{Attention, HeadShape};
pub use dot::dot;
use float::gelu;
pub(super) use float::normalize;
pub use isa::Isa;
pub(super) use lines::Lines;
pub use mapped::{MappedFile, signed};
pub(super) use matrix::{Matrix, Output, Put};
pub use memory::give_back_memory;
pub(super) use pass::Pass;
pub(super) use rows::Rows;
pub(super) use sparse::{LANES, add_rows};

#[cfg(test)]
mod tests;
