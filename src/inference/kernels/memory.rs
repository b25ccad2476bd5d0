//! Memory that the allocator keeps for later.

/// Gives what nobody uses back to the system. A model is tens of megabytes, and so is what loading
/// it leaves behind: the allocator would keep both for as long as this thread lives.
pub fn give_back_memory() {
    // SAFETY: it takes no memory of ours, and may be called at any time; where another allocator is
    // at work it finds nothing.
    unsafe { libmimalloc_sys::mi_collect(true) };
}
