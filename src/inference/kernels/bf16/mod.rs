//! What training an encoder takes, for one thread: matrix products of 16-bit numbers with 32-bit
//! sums, attention, layer normalization and GELU, each with its way back. Where the CPU has no
//! instructions for such products, the plain loops run, in the widest vectors there are.

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

/// Defines a function whose plain body is compiled once more for AVX-512 and once for AVX2, and
/// which runs the widest that this CPU has. All compute the same but for the order of sums.
macro_rules! widest {
    ($(#[$doc:meta])* $vis:vis fn $name:ident($($arg:ident: $type:ty),* $(,)?) $body:block) => {
        $(#[$doc])*
        $vis fn $name($($arg: $type),*) {
            #[inline(always)]
            fn plain($($arg: $type),*) $body
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,fma")]
                fn avx512($($arg: $type),*) { plain($($arg),*); }
                #[target_feature(enable = "avx2,fma")]
                fn avx2($($arg: $type),*) { plain($($arg),*); }
                if crate::inference::kernels::bf16::has_avx512() {
                    // SAFETY: the CPU has what the function was compiled for.
                    return unsafe { avx512($($arg),*) };
                }
                if std::arch::is_x86_feature_detected!("avx2")
                    && std::arch::is_x86_feature_detected!("fma")
                {
                    // SAFETY: the CPU has what the function was compiled for.
                    return unsafe { avx2($($arg),*) };
                }
            }
            plain($($arg),*);
        }
    };
}
use widest;

#[cfg(target_arch = "x86_64")]
fn has_avx512() -> bool {
    use std::arch::is_x86_feature_detected as has;
    has!("avx512f") && has!("avx512bw") && has!("avx512vl") && has!("avx512dq") && has!("fma")
}
