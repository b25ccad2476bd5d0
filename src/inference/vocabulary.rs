//! Which features a model knows, how rare each is, and the sparse vector of a document.

use crate::text::Feature;

/// A feature of a document that the model knows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entry {
    /// Its row in the weights.
    pub row: u32,
    /// How often it occurs in the document.
    pub count: u32,
    /// (1 + ln count) × idf, divided by the length of the whole vector.
    pub value: f32,
}

/// The document as the model sees it, with unit length.
#[derive(Clone, Debug, Default)]
pub struct Vector {
    /// One entry per known feature, by ascending row.
    pub entries: Vec<Entry>,
    /// For each entry in turn its `count` occurrences, as positions in the extracted features.
    pub occurrences: Vec<u32>,
}

/// The features that a model knows.
///
/// An open-addressed table of (32 bits of the hash, row, idf): the slot gives at least 12 more
/// bits, so that an unknown feature passes for a known one in less than one of 10¹² look-ups, and
/// everything about a feature comes with one miss of the cache.
#[derive(Clone, Debug)]
pub struct Vocabulary {
    slots: Vec<Slot>,
    mask: usize,
    n_features: usize,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    tag: u32,
    row: u32,
    idf: f32,
}

const EMPTY: Slot = Slot { tag: 0, row: u32::MAX, idf: 0.0 };

impl Vocabulary {
    /// The vocabulary whose row `i` is the feature `hashes[i]` with inverse document frequency
    /// `idf[i]`.
    ///
    /// # Panics
    /// When the two have different lengths, which the loader has checked.
    pub fn new(hashes: &[u64], idf: &[f32]) -> Self {
        assert_eq!(hashes.len(), idf.len(), "one idf per feature");
        // At most three of four slots are taken, so that chains stay short.
        let n_slots = (hashes.len() * 4 / 3).next_power_of_two().max(4096);
        let (slots, n_features) = (vec![EMPTY; n_slots], hashes.len());
        let mut vocabulary = Self { slots, mask: n_slots - 1, n_features };
        for (row, (&hash, &idf)) in (0..).zip(hashes.iter().zip(idf)) {
            let mut slot = hash as usize & vocabulary.mask;
            while vocabulary.slots[slot].row != EMPTY.row {
                slot = (slot + 1) & vocabulary.mask;
            }
            vocabulary.slots[slot] = Slot { tag: tag(hash), row, idf };
        }
        vocabulary
    }

    /// How many features it has.
    pub const fn len(&self) -> usize {
        self.n_features
    }

    /// Whether it knows nothing.
    pub const fn is_empty(&self) -> bool {
        self.n_features == 0
    }

    /// The row of a feature.
    pub fn find(&self, hash: u64) -> Option<u32> {
        self.find_from(self.first_slot(hash), hash).map(|slot| slot.row)
    }

    fn first_slot(&self, hash: u64) -> Slot {
        self.slots[hash as usize & self.mask]
    }

    fn find_from(&self, mut found: Slot, hash: u64) -> Option<Slot> {
        let mut slot = hash as usize & self.mask;
        loop {
            if found.row == EMPTY.row {
                return None;
            }
            if found.tag == tag(hash) {
                return Some(found);
            }
            slot = (slot + 1) & self.mask;
            found = self.slots[slot];
        }
    }

    /// The vector of a document from its features.
    pub fn vectorize(&self, features: &[Feature]) -> Vector {
        // Every slot is a cache miss. Fetched without a branch between them, they overlap.
        let mut slots: Vec<Slot> = features.iter().map(|it| self.first_slot(it.hash)).collect();
        let mut keys: Vec<u64> = Vec::with_capacity(features.len());
        for (position, (feature, slot)) in (0..).zip(features.iter().zip(&mut slots)) {
            if let Some(found) = self.find_from(*slot, feature.hash) {
                *slot = found;
                keys.push(u64::from(found.row) << 32 | position);
            }
        }
        // Sorting packed keys groups equal features without a hash map, and visits the weights
        // in memory order later.
        keys.sort_unstable();
        let mut vector = Vector {
            entries: Vec::with_capacity(keys.len()),
            occurrences: keys.iter().map(|&key| key as u32).collect(),
        };
        let mut squares = 0.0;
        for group in keys.chunk_by(|a, b| a >> 32 == b >> 32) {
            let Slot { row, idf, .. } = slots[group[0] as u32 as usize];
            let value = sublinear(group.len()) * idf;
            squares += value * value;
            vector.entries.push(Entry { row, count: group.len() as u32, value });
        }
        let scale = if 0.0 < squares { squares.sqrt().recip() } else { 0.0 };
        for entry in &mut vector.entries {
            entry.value *= scale;
        }
        vector
    }
}

const fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// 1 + ln count, without the logarithm for the ordinary case.
fn sublinear(count: usize) -> f32 {
    match count {
        1 => 1.0,
        2 => 1.0 + std::f32::consts::LN_2,
        _ => 1.0 + (count as f32).ln(),
    }
}
