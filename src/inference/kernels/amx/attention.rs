//! Attention in 16 bits (bf16) on tiles. A tile of 16 rows of 32 numbers fits a head of common size
//! at once, so that nothing needs a scale, and a weight keeps its precision however small it is.
//!
//! Scores stand with a column per query, so that all that softmax does to a query happens in a lane
//! of its own, and so do the mixed values, which are turned on the way out.

use std::arch::x86_64::{
    __m512, __m512bh, __m512i, _mm512_add_ps, _mm512_castps_si512, _mm512_castsi512_ps,
    _mm512_cvtne2ps_pbh, _mm512_div_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_mask_storeu_ps,
    _mm512_max_ps, _mm512_mul_ps, _mm512_permutexvar_epi16, _mm512_set1_ps, _mm512_setzero_ps,
    _mm512_setzero_si512, _mm512_storeu_si512,
};
use std::f32::consts::LOG2_E;
use std::mem::transmute;

use crate::inference::kernels::amx::{DEPTH, release_tiles, shape_tiles};
use crate::inference::kernels::attention::HeadShape;
use crate::inference::kernels::avx512::{first, load_some, power_of_two, transpose};
use crate::inference::kernels::bf16::TileProduct;
use crate::inference::kernels::columns::Part;
use crate::inference::kernels::matrix::BLOCK;
use crate::inference::kernels::{Lines, Output, Pass};

/// Queries at once: two blocks of columns.
const QUERIES: usize = 2 * BLOCK;

/// Bytes of the next weights that each part of attention asks for beside what it does. Measured.
const BESIDE: usize = 1024;

/// Pairs of numbers in a row of a tile.
const PAIRS: usize = DEPTH / size_of::<u32>();

/// The place for what attention computes in between. Numbers are pairs of 16 bits.
#[derive(Debug, Default)]
pub(in super::super) struct Place {
    /// A row of dimensions per key.
    keys: Lines<u32>,
    /// A row per pair of dimensions, with a column per query.
    queries: Lines<u32>,
    /// A row of keys per dimension.
    values: Lines<u32>,
    /// A row per key with a column per query.
    scores: Lines<f32>,
    /// A row per pair of keys with a column per query.
    weights: Lines<u32>,
    /// A row per dimension with a column per query.
    mixed: Lines<f32>,
    reach: Reach,
}

/// How far the numbers of a head reach when tiles are whole.
#[derive(Clone, Copy, Debug, Default)]
struct Reach {
    n_tokens: usize,
    head_size: usize,
    /// Pairs of dimensions.
    n_pairs: usize,
    /// Pairs of keys.
    n_key_pairs: usize,
}

impl Reach {
    const fn new(n_tokens: usize, head_size: usize) -> Self {
        let n_pairs = head_size.div_ceil(2).next_multiple_of(PAIRS);
        let n_key_pairs = n_tokens.div_ceil(2).next_multiple_of(PAIRS);
        Self { n_tokens, head_size, n_pairs, n_key_pairs }
    }

    const fn n_keys(self) -> usize {
        2 * self.n_key_pairs
    }

    const fn n_dimensions(self) -> usize {
        self.head_size.next_multiple_of(BLOCK)
    }
}

impl Place {
    /// Attention over the tokens of one text. `projected` has whole rows of queries, keys and
    /// values, one per token; `output` has a place for a row per token.
    ///
    /// # Safety
    /// The CPU has the instructions, and the process may use tiles.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
    pub(in super::super) unsafe fn attend(
        &mut self,
        projected: &[f32],
        heads: HeadShape,
        output: &mut Output<'_>,
        pass: &mut Pass<'_>,
    ) {
        let width = heads.number * heads.size;
        let row_len = 3 * width;
        let n_tokens = projected.len() / row_len;
        self.resize(Reach::new(n_tokens, heads.size));
        // SAFETY: the process may use tiles.
        unsafe { shape_tiles() };
        for start in (0..width).step_by(heads.size) {
            let part = |third: usize, first: usize, n_tokens: usize| {
                let rows = &projected[first * row_len + third * width + start..];
                Part { rows, row_len, size: heads.size, n_tokens }
            };
            pass.fetch(BESIDE);
            self.take_keys(part(1, 0, n_tokens));
            pass.fetch(BESIDE);
            self.take_values(part(2, 0, n_tokens));
            pass.fetch(BESIDE);
            for first in (0..n_tokens).step_by(QUERIES) {
                let n_queries = (n_tokens - first).min(QUERIES);
                self.take_queries(part(0, first, n_queries));
                pass.fetch(BESIDE);
                // SAFETY: tiles have their shapes.
                unsafe { multiply(&self.keys, &self.queries, &mut self.scores) };
                let mut shares = [_mm512_setzero_ps(); QUERIES / BLOCK];
                for (column, share) in (0..n_queries).step_by(BLOCK).zip(&mut shares) {
                    *share = self.soften(column);
                    pass.fetch(BESIDE);
                }
                // SAFETY: as above.
                unsafe { multiply(&self.values, &self.weights, &mut self.mixed) };
                for (column, share) in (0..n_queries).step_by(BLOCK).zip(shares) {
                    let row_len = output.row_len;
                    let values = &mut output.values[(first + column) * row_len..];
                    let n_values = values.len().min((n_queries - column) * row_len);
                    let values = &mut values[start..n_values];
                    pass.fetch(BESIDE);
                    self.put(column, share, &mut Output { values, row_len });
                }
            }
        }
        // SAFETY: the process may use tiles.
        unsafe { release_tiles() };
    }

    /// Whatever is not written afterwards keeps what it has, which reaches no result.
    fn resize(&mut self, reach: Reach) {
        self.keys.resize(reach.n_keys() * reach.n_pairs, 0);
        self.queries.resize(reach.n_pairs * QUERIES, 0);
        self.values.resize(reach.n_dimensions() * reach.n_key_pairs, 0);
        self.scores.resize(reach.n_keys() * QUERIES, 0.0);
        self.weights.resize(reach.n_key_pairs * QUERIES, 0);
        self.mixed.resize(reach.n_dimensions() * QUERIES, 0.0);
        self.reach = reach;
    }

    #[target_feature(enable = "avx512f,avx512bf16")]
    fn take_keys(&mut self, part: Part<'_>) {
        let rows = self.keys.chunks_exact_mut(self.reach.n_pairs);
        for (token, row) in (0..part.n_tokens).zip(rows) {
            for first in (0..self.reach.n_pairs).step_by(PAIRS) {
                store(&mut row[first..], neighbors(part.row(token), first));
            }
        }
    }

    #[target_feature(enable = "avx512f,avx512bf16")]
    fn take_queries(&mut self, part: Part<'_>) {
        for query in (0..part.n_tokens).step_by(BLOCK) {
            for first in (0..self.reach.n_pairs).step_by(PAIRS) {
                let mut block = [_mm512_setzero_si512(); BLOCK];
                for (row, token) in block.iter_mut().zip(query..part.n_tokens) {
                    *row = neighbors(part.row(token), first);
                }
                let rows = self.queries[first * QUERIES..].chunks_exact_mut(QUERIES);
                for (row, column) in rows.zip(turned(&block)) {
                    store(&mut row[query..], column);
                }
            }
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
    fn take_values(&mut self, part: Part<'_>) {
        let row_len = self.reach.n_key_pairs;
        for dimension in (0..part.size).step_by(BLOCK) {
            let value = |key: usize| load_some(&part.row(key)[dimension..]);
            for first in (0..row_len).step_by(PAIRS) {
                let mut block = [_mm512_setzero_si512(); PAIRS];
                for (pair, key) in block.iter_mut().zip((2 * first..part.n_tokens).step_by(2)) {
                    let is_last = key + 1 == part.n_tokens;
                    let odd = if is_last { _mm512_setzero_ps() } else { value(key + 1) };
                    *pair = pairs(value(key), odd);
                }
                let rows = self.values[dimension * row_len..].chunks_exact_mut(row_len);
                for (row, column) in rows.zip(turned(&block)) {
                    store(&mut row[first..], column);
                }
            }
        }
    }

    /// Turns the scores of a block of queries into weights of at most 1, and returns what makes the
    /// sum of each query's one, but for their rounding to 16 bits.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512bf16")]
    fn soften(&mut self, column: usize) -> __m512 {
        let (scores, _) = self.scores[..self.reach.n_tokens * QUERIES].as_chunks::<QUERIES>();
        let score = |row: &[f32; QUERIES]| load(&row[column..]);
        // Several are found side by side, since each waits for the one before.
        let mut most = [_mm512_set1_ps(f32::MIN); 4];
        for rows in scores.chunks(most.len()) {
            for (most, row) in most.iter_mut().zip(rows) {
                *most = _mm512_max_ps(*most, score(row));
            }
        }
        let [a, b, c, d] = most;
        let most = _mm512_max_ps(_mm512_max_ps(a, b), _mm512_max_ps(c, d));
        let scale = _mm512_set1_ps(LOG2_E);
        let start = _mm512_mul_ps(most, _mm512_set1_ps(-LOG2_E));
        let weight = |row| power_of_two(_mm512_fmadd_ps(score(row), scale, start));
        let mut sums = [_mm512_setzero_ps(); 2];
        let mut places = self.weights.chunks_exact_mut(QUERIES);
        let (twos, last) = scores.as_chunks::<2>();
        for ([even, odd], place) in twos.iter().zip(&mut places) {
            let (even, odd) = (weight(even), weight(odd));
            sums = [_mm512_add_ps(sums[0], even), _mm512_add_ps(sums[1], odd)];
            store(&mut place[column..], pairs(even, odd));
        }
        for (last, place) in last.iter().zip(&mut places) {
            let last = weight(last);
            sums[0] = _mm512_add_ps(sums[0], last);
            store(&mut place[column..], pairs(last, _mm512_setzero_ps()));
        }
        for place in places {
            store(&mut place[column..], _mm512_setzero_si512());
        }
        _mm512_div_ps(_mm512_set1_ps(1.0), _mm512_add_ps(sums[0], sums[1]))
    }

    /// Puts the mixed values of a block of queries into rows.
    #[target_feature(enable = "avx512f")]
    fn put(&self, column: usize, share: __m512, output: &mut Output<'_>) {
        for dimension in (0..self.reach.head_size).step_by(BLOCK) {
            let mut block = [_mm512_setzero_ps(); BLOCK];
            let mixed = self.mixed[dimension * QUERIES..].chunks_exact(QUERIES);
            for (place, row) in block.iter_mut().zip(mixed) {
                *place = _mm512_mul_ps(load(&row[column..]), share);
            }
            let n_here = (self.reach.head_size - dimension).min(BLOCK);
            let rows = output.values.chunks_mut(output.row_len);
            for (row, mixed) in rows.zip(transpose(&block)) {
                store_some(&mut row[dimension..][..n_here], mixed);
            }
        }
    }
}

/// Rows times two blocks of columns.
///
/// # Panics
/// When they do not fit each other or the product.
///
/// # Safety
/// Tiles have their shapes.
unsafe fn multiply(rows: &[u32], columns: &[u32], product: &mut [f32]) {
    let (n_pairs, n_rows) = (columns.len() / QUERIES, product.len() / QUERIES);
    assert!(n_rows.is_multiple_of(BLOCK) && n_pairs.is_multiple_of(PAIRS), "tiles are whole");
    assert!(n_pairs != 0 && rows.len() == n_rows * n_pairs, "the operands fit");
    for first in (0..n_rows).step_by(2 * BLOCK) {
        // SAFETY: the rows are there, and so are their places.
        unsafe {
            let product = TileProduct {
                left: rows.as_ptr().add(first * n_pairs),
                left_len: n_pairs * size_of::<u32>(),
                panel: columns.as_ptr(),
                n_steps: n_pairs / PAIRS,
                out: product.as_mut_ptr().add(first * QUERIES),
                out_len: QUERIES * size_of::<f32>(),
            };
            if n_rows - first < 2 * BLOCK { product.one_tile() } else { product.two_tiles() }
        }
    }
}

/// The pairs of neighbors in a row from this one on, with zeros after the last.
#[target_feature(enable = "avx512f,avx512bf16")]
#[inline]
fn neighbors(row: &[f32], first: usize) -> __m512i {
    let from = |start: usize| load_some(&row[start.min(row.len())..]);
    let (low, high) = (from(2 * first), from(2 * first + BLOCK));
    // SAFETY: both are plain numbers.
    unsafe { transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(high, low)) }
}

/// Numbers that stand in two vectors side by side.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
#[inline]
fn pairs(even: __m512, odd: __m512) -> __m512i {
    const ORDER: [u16; 2 * PAIRS] = {
        let mut order = [0; 2 * PAIRS];
        let mut idx = 0;
        while idx < PAIRS {
            (order[2 * idx], order[2 * idx + 1]) = (idx as u16, (PAIRS + idx) as u16);
            idx += 1;
        }
        order
    };
    // SAFETY: all are plain numbers.
    unsafe {
        let order = transmute::<[u16; 2 * PAIRS], __m512i>(ORDER);
        let both = transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(odd, even));
        _mm512_permutexvar_epi16(order, both)
    }
}

#[target_feature(enable = "avx512f")]
#[inline]
fn turned(rows: &[__m512i; BLOCK]) -> [__m512i; BLOCK] {
    transpose(&rows.map(|row| _mm512_castsi512_ps(row))).map(|column| _mm512_castps_si512(column))
}

/// The first block.
#[target_feature(enable = "avx512f")]
#[inline]
fn load(numbers: &[f32]) -> __m512 {
    let block: &[f32; BLOCK] = numbers.first_chunk().expect("blocks are whole");
    // SAFETY: so many numbers lie there.
    unsafe { _mm512_loadu_ps(block.as_ptr()) }
}

#[target_feature(enable = "avx512f")]
#[inline]
fn store(place: &mut [u32], units: __m512i) {
    let block: &mut [u32; BLOCK] = place.first_chunk_mut().expect("blocks are whole");
    // SAFETY: they have their place.
    unsafe { _mm512_storeu_si512(block.as_mut_ptr().cast(), units) };
}

/// As many as there are places.
#[target_feature(enable = "avx512f")]
#[inline]
fn store_some(places: &mut [f32], numbers: __m512) {
    // SAFETY: the masked ones have their place.
    unsafe { _mm512_mask_storeu_ps(places.as_mut_ptr(), first(places.len()), numbers) };
}
