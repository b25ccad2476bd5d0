//! The file keeps what it was given, doubts what it finds, and every neighbor is the nearest.

use std::{fs, path::PathBuf};

use proptest::prelude::*;
use tempfile::TempDir;

use crate::neighbors::{N_DIMENSIONS, Neighbor, Quantized, VectorFile, quantize};

/// Vectors that any seed makes differently.
fn vector(seed: u64) -> Quantized {
    let mix = |it: u64| (it ^ (it >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = |n: usize| (mix(mix(seed) ^ (n as u64 + 1)) >> 56) as i8;
    std::array::from_fn(value)
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder can be made")
}

fn file(folder: &TempDir) -> PathBuf {
    let mut files = fs::read_dir(folder.path()).expect("it is there");
    let file = files.next().expect("there is a file").expect("it can be read").path();
    assert!(files.next().is_none(), "there is one file alone");
    file
}

fn numbers(neighbors: &[Neighbor]) -> Vec<i64> {
    neighbors.iter().map(|neighbor| neighbor.number).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn the_nearest_are_those_of_a_plain_search(
        seeds in prop::collection::vec(1_u64..1000, 0..300),
        wanted in any::<u64>(),
        n_wanted in 1_usize..20,
    ) {
        let folder = folder();
        let mut file = VectorFile::open(folder.path(), 1).expect("it can be made");
        let vectors: Vec<_> = (1..).zip(seeds.iter().map(|&seed| vector(seed))).collect();
        file.append(&vectors).expect("it can be written");
        let product = |a: &Quantized, b: &Quantized| -> f64 {
            a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
        };
        let wanted = vector(wanted);
        let length = |it: &Quantized| product(it, it).sqrt().max(1.0);
        let mut plain: Vec<(i64, f64)> = vectors
            .iter()
            .map(|(number, it)| (*number, product(it, &wanted) / length(it) / length(&wanted)))
            .collect();
        plain.sort_by(|a, b| b.1.total_cmp(&a.1).then(b.0.cmp(&a.0)));
        let found = file.neighbors().expect("it can be mapped").nearest(&wanted, n_wanted);
        prop_assert_eq!(found.len(), n_wanted.min(seeds.len()));
        for (found, (_, similarity)) in found.iter().zip(&plain) {
            prop_assert!((f64::from(found.similarity) - similarity).abs() < 1e-5);
        }
    }
}

#[test]
fn a_file_is_found_again_with_all_that_was_added() {
    let folder = folder();
    let mut first = VectorFile::open(folder.path(), 7).expect("it can be made");
    first.append(&[(5, vector(5)), (6, vector(6))]).expect("it can be written");
    let seen = first.neighbors().expect("it can be mapped");
    first.append(&[(4, vector(4))]).expect("it can be written");
    assert_eq!(numbers(&seen.nearest(&vector(5), 9)).len(), 2, "who looks sees what was there");
    assert_eq!(first.range(), Some((4, 6)));
    // The lock lasts as long as the mapping.
    drop((first, seen));
    let again = VectorFile::open(folder.path(), 7).expect("it can be opened");
    assert_eq!(again.range(), Some((4, 6)));
    let found = again.neighbors().expect("it can be mapped").nearest(&vector(4), 1);
    assert_eq!(numbers(&found), [4]);
    assert!((found[0].similarity - 1.0).abs() < 1e-5);
}

#[test]
fn another_process_works_with_a_copy_of_its_own() {
    let folder = folder();
    let mut first = VectorFile::open(folder.path(), 7).expect("it can be made");
    first.append(&[(1, vector(1))]).expect("it can be written");
    let mut second = VectorFile::open(folder.path(), 7).expect("it can be made");
    assert_eq!(second.range(), None);
    second.append(&[(2, vector(2))]).expect("it can be written");
    assert_eq!(numbers(&first.neighbors().expect("mapped").nearest(&vector(2), 9)), [1]);
    assert_eq!(numbers(&second.neighbors().expect("mapped").nearest(&vector(2), 9)), [2]);
}

#[test]
fn what_cannot_be_trusted_is_cut_off() {
    type Damage = (&'static str, fn(&mut Vec<u8>), Option<(i64, i64)>);
    let broken: [Damage; 5] = [
        ("a torn end", |bytes| bytes.truncate(bytes.len() - 1), Some((1, 2))),
        ("a changed vector", |bytes| *bytes.last_mut().expect("it is long") ^= 1, Some((1, 2))),
        ("a block of zeros", |bytes| bytes.extend([0; 4000]), Some((1, 3))),
        ("another header", |bytes| bytes[0] = b'x', None),
        ("nothing", Vec::clear, None),
    ];
    for (name, damage, expected) in broken {
        let folder = folder();
        let mut vectors = VectorFile::open(folder.path(), 7).expect("it can be made");
        vectors.append(&[1, 2, 3].map(|number| (number, vector(7)))).expect("it can be written");
        drop(vectors);
        let path = file(&folder);
        let mut bytes = fs::read(&path).expect("it can be read");
        damage(&mut bytes);
        fs::write(&path, bytes).expect("it can be written");
        let mut vectors = VectorFile::open(folder.path(), 7).expect("it can be opened");
        assert_eq!(vectors.range(), expected, "{name}");
        vectors.append(&[(9, vector(9))]).expect("it can be written");
        let found = vectors.neighbors().expect("it can be mapped").nearest(&vector(9), 1);
        assert_eq!(numbers(&found), [9], "{name}");
    }
}

#[test]
fn files_of_other_models_go() {
    let folder = folder();
    drop(VectorFile::open(folder.path(), 1).expect("it can be made"));
    drop(VectorFile::open(folder.path(), 2).expect("it can be made"));
    let name = file(&folder).file_name().expect("it has a name").to_owned();
    assert_eq!(name, "vectors-0000000000000002.bin");
}

#[test]
fn only_vectors_of_the_right_length_can_be_kept() {
    let mut floats = vec![0.0; N_DIMENSIONS];
    floats[3] = -0.5;
    floats[4] = 0.25;
    let quantized = quantize(&floats).expect("it has the right length");
    assert_eq!((quantized[3], quantized[4], quantized[5]), (-127, 64, 0));
    assert!(quantize(&[]).is_none() && quantize(&[1.0; 385]).is_none());
    assert!(quantize(&[0.0; N_DIMENSIONS]).is_some_and(|it| it == [0; N_DIMENSIONS]));
}
