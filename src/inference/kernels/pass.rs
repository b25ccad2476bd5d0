//! A pass of rows through one matrix after the other. Weights are asked for before they are read,
//! while something else is computed: a short text goes through the layers faster than the memory
//! sends them.

use crate::inference::kernels::{Isa, Matrix};

/// Bytes of a line of the cache.
const LINE: usize = 64;

/// So many bytes are asked for ahead at most, so that they are in the second cache, and not pushed
/// out of it, when they are read.
const MOST: usize = 1 << 18;

/// A pass of rows through matrices, one after the other.
#[derive(Debug)]
pub(in crate::inference) struct Pass<'m> {
    pub(super) isa: Isa,
    /// The matrices that are not multiplied yet.
    unread: &'m [Matrix],
    /// What has not been asked for of a matrix.
    rest: &'m [i8],
    /// The matrices after that one.
    unasked: &'m [Matrix],
    /// Bytes that were asked for and not read.
    lead: usize,
}

impl<'m> Pass<'m> {
    /// Through these matrices, with these instructions.
    pub(in crate::inference) const fn new(isa: Isa, matrices: &'m [Matrix]) -> Self {
        Self { isa, unread: matrices, rest: &[], unasked: matrices, lead: 0 }
    }

    /// The next matrix to multiply.
    ///
    /// # Panics
    /// When all have been.
    pub(in crate::inference) fn next(&mut self) -> &'m Matrix {
        let (next, later) = self.unread.split_first().expect("every product has a matrix");
        self.unread = later;
        next
    }

    /// How many bytes were asked for and not read.
    pub(super) const fn lead(&self) -> usize {
        self.lead
    }

    /// Asks for so many more bytes, or for fewer where a matrix ends or enough were asked for.
    #[inline]
    pub(super) fn fetch(&mut self, n_bytes: usize) {
        if MOST <= self.lead {
            return;
        }
        if self.rest.is_empty() && !self.begin_next() {
            return;
        }
        let (soon, later) = self.rest.split_at(n_bytes.min(self.rest.len()));
        for line in soon.as_chunks::<LINE>().0 {
            ask_for(line);
        }
        (self.rest, self.lead) = (later, self.lead + soon.len());
    }

    /// So many bytes have been read.
    pub(super) fn read(&mut self, n_bytes: usize) {
        // Those which nobody asked for need not be asked for any more.
        let mut n_unasked = n_bytes.saturating_sub(self.lead);
        self.lead = self.lead.saturating_sub(n_bytes);
        while n_unasked != 0 && (!self.rest.is_empty() || self.begin_next()) {
            let n_here = n_unasked.min(self.rest.len());
            (self.rest, n_unasked) = (&self.rest[n_here..], n_unasked - n_here);
        }
    }

    /// Whether all was read, and nothing is asked for any more.
    #[cfg(test)]
    pub(super) const fn is_over(&self) -> bool {
        self.lead == 0 && self.rest.is_empty() && self.unasked.is_empty()
    }

    /// Whether there is another matrix.
    #[cold]
    fn begin_next(&mut self) -> bool {
        let Some((next, later)) = self.unasked.split_first() else { return false };
        (self.rest, self.unasked) = (&next.values, later);
        true
    }
}

/// Asks for weights in the second cache.
#[inline(always)]
fn ask_for(line: &[i8; LINE]) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: every such CPU has the instruction, which reads nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(line.as_ptr()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = line;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_runs_ahead_of_what_is_read() {
        let matrix = |n_outputs: usize| {
            Matrix::new(&vec![1; n_outputs * 64], &vec![1.0; n_outputs], &vec![0.0; n_outputs])
        };
        let matrices = [matrix(16), matrix(32)];
        let mut pass = Pass::new(Isa::best(), &matrices);
        pass.fetch(512);
        assert_eq!((pass.lead(), pass.rest.len()), (512, 512));
        // No further than to the end of the matrix at once.
        pass.fetch(4096);
        assert_eq!((pass.lead(), pass.rest.len()), (1024, 0));
        pass.read(900);
        assert_eq!(pass.lead(), 124);
        // What is read without being asked for is passed, over the end of a matrix too.
        pass.read(1148);
        assert_eq!((pass.lead(), pass.rest.len()), (0, 1024));
        pass.fetch(4096);
        pass.read(1024);
        pass.fetch(64);
        pass.read(64);
        assert_eq!((pass.lead(), pass.rest.len()), (0, 0), "there is no more");
        let mut none = Pass::new(Isa::best(), &[]);
        none.fetch(64);
        none.read(64);
        assert_eq!(none.lead(), 0);
    }

    #[test]
    fn no_more_is_asked_for_than_stays_in_the_cache() {
        let matrices = [Matrix::new(&vec![1; 64 * 8192], &vec![1.0; 8192], &vec![0.0; 8192])];
        let mut pass = Pass::new(Isa::best(), &matrices);
        for _ in 0..1000 {
            pass.fetch(1024);
        }
        assert_eq!(pass.lead(), MOST);
    }
}
