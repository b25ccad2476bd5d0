//! Which instructions this CPU has, and the choice among them.

use std::fmt;
use std::sync::LazyLock;

#[cfg(target_arch = "x86_64")]
use crate::inference::kernels::amx;

/// Instructions that this CPU is known to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Isa(pub(super) Level);

/// Sets of instructions, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// What the compiler may assume everywhere.
    Portable,
    /// 256 bits with fused multiply and add.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// 512 bits with products of bytes (VNNI).
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// The same, and tiles of bytes and of 16-bit numbers (AMX).
    #[cfg(target_arch = "x86_64")]
    Amx,
}

impl Isa {
    /// Every one that this CPU has, worst first; never empty.
    pub fn available() -> Vec<Self> {
        let mut levels = vec![Level::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                levels.push(Level::Avx2);
            }
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512vnni")
            {
                levels.push(Level::Avx512);
                if amx::is_permitted() {
                    levels.push(Level::Amx);
                }
            }
        }
        levels.into_iter().map(Self).collect()
    }

    /// The best that this CPU has.
    pub fn best() -> Self {
        static BEST: LazyLock<Isa> =
            LazyLock::new(|| *Isa::available().last().expect("the portable one is always there"));
        *BEST
    }

    /// Its name: `portable`, `avx2`, `avx512-vnni` or `amx-int8`.
    pub const fn name(self) -> &'static str {
        match self.0 {
            Level::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => "avx512-vnni",
            #[cfg(target_arch = "x86_64")]
            Level::Amx => "amx-int8",
        }
    }

    /// The one with this name, if this CPU has it.
    pub fn find(name: &str) -> Option<Self> {
        Self::available().into_iter().find(|isa| isa.name() == name)
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Compiles a function with a generic parameter `FMA` once for each [`Level`] and calls the one
/// that fits. The function must be `#[inline(always)]`, because only then does its code get the
/// instructions of the function that it ends up in.
macro_rules! compile_for_each {
    ($(#[$doc:meta])* $vis:vis fn $name:ident($($arg:ident: $type:ty),* $(,)?) = $body:ident) => {
        $(#[$doc])*
        $vis fn $name(isa: $crate::inference::kernels::Isa, $($arg: $type),*) {
            use $crate::inference::kernels::isa::Level;

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2($($arg: $type),*) {
                $body::<true>($($arg),*);
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
            fn avx512($($arg: $type),*) {
                $body::<true>($($arg),*);
            }

            match isa.0 {
                // Elsewhere a fused product is an ordinary instruction of every CPU, or a slow call.
                Level::Portable => $body::<{ cfg!(target_arch = "aarch64") }>($($arg),*),
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

pub(super) use compile_for_each;
