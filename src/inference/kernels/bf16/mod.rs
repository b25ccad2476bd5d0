//! What training an encoder takes, for one thread: matrix products of 16-bit numbers with 32-bit
//! sums, attention, layer normalization and GELU, each with its way back. Where the CPU has no
//! instructions for such products, the plain loops run, in the widest vectors that the [`Isa`] allows.

#![expect(clippy::inline_always, reason = "only what is inlined is compiled for the wider vectors")]

#[cfg(target_arch = "x86_64")]
mod amx;
mod attention;
mod elementwise;
mod math;
mod panels;
mod product;
#[cfg(test)]
mod tests;

#[cfg(target_arch = "x86_64")]
pub(super) use amx::TileProduct;
pub(crate) use attention::{Attention, AttentionKept, AttentionShape};
pub use elementwise::AdamStep;
pub(crate) use elementwise::{
    Branch, Dropout, Moving, Norm, NormGradients, NormKept, NormOut, add_bias, add_columns, gelu,
    gelu_gradient, normalize, normalize_gradient, to_bf16, update_with_adam,
};
pub(crate) use panels::{Matrix, Panels, Turned};
pub(crate) use product::{Out, multiply};

/// Defines a function whose plain body is compiled once for each [`Level`](super::isa::Level) and
/// which takes the [`Isa`](super::Isa) that chooses among them. All compute the same.
macro_rules! per_isa {
    ($(#[$doc:meta])* $vis:vis fn $name:ident($($arg:ident: $type:ty),* $(,)?) $body:block) => {
        $(#[$doc])*
        $vis fn $name(isa: $crate::inference::kernels::Isa, $($arg: $type),*) {
            use $crate::inference::kernels::isa::Level;

            #[inline(always)]
            fn plain($($arg: $type),*) $body
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2($($arg: $type),*) { plain($($arg),*); }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,fma")]
            fn avx512($($arg: $type),*) { plain($($arg),*); }

            match isa.0 {
                Level::Portable => plain($($arg),*),
                #[cfg(target_arch = "x86_64")]
                // SAFETY: an `Isa` of this level exists only where the CPU has the instructions.
                Level::Avx2 => unsafe { avx2($($arg),*) },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: as above.
                Level::Avx512 | Level::Amx => unsafe { avx512($($arg),*) },
            }
        }
    };
}
use per_isa;
