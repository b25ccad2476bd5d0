//! Lists that begin where a line of the cache begins.

use std::ops::{Deref, DerefMut};

use aligned_vec::AVec;

/// A list whose first value begins a line of the cache, so that tiles and vectors at whole multiples
/// of their length lie in one line each. Tiles that straddle lines take twice as long.
#[derive(Clone, Debug)]
pub(in crate::inference) struct Lines<T>(AVec<T>);

impl<T> Default for Lines<T> {
    fn default() -> Self {
        Self(AVec::new(0))
    }
}

impl<T: Clone> FromIterator<T> for Lines<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        Self(AVec::from_iter(0, values))
    }
}

impl<T> Deref for Lines<T> {
    type Target = AVec<T>;

    fn deref(&self) -> &AVec<T> {
        &self.0
    }
}

impl<T> DerefMut for Lines<T> {
    fn deref_mut(&mut self) -> &mut AVec<T> {
        &mut self.0
    }
}
