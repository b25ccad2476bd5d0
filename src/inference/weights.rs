//! The weight file of a linear model: hashes, inverse document frequencies and one matrix of
//! 8-bit weights, a row per feature, all outputs of all heads in a row.

use safetensors::{
    Dtype, SafeTensors,
    tensor::{TensorView, serialize},
};

use crate::domain::{Head, HeadKind, Taxonomy};
use crate::inference::Error;

/// The weight file's name in a bundle.
pub const WEIGHTS_FILE: &str = "linear.safetensors";

/// The weights of a linear model.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearWeights {
    /// One hash per feature.
    pub hashes: Vec<u64>,
    /// The inverse document frequency of each feature.
    pub idf: Vec<f32>,
    /// Row by row, one weight per output, in units of the output's scale.
    pub matrix: Vec<i8>,
    /// One scale per output.
    pub scales: Vec<f32>,
    /// One bias per output.
    pub biases: Vec<f32>,
}

/// How many outputs a head takes: one per label, or one per threshold between neighboring labels
/// of an ordinal head.
pub const fn n_outputs(head: &Head) -> usize {
    match head.kind {
        HeadKind::MultiClass | HeadKind::MultiLabel => head.labels.len(),
        HeadKind::Ordinal => head.labels.len() - 1,
    }
}

impl LinearWeights {
    /// The file's bytes; the same for the same weights.
    pub fn to_bytes(&self) -> Vec<u8> {
        let (n_features, n_outputs) = (self.hashes.len(), self.scales.len());
        let hashes: Vec<u8> = self.hashes.iter().flat_map(|value| value.to_le_bytes()).collect();
        let matrix: Vec<u8> = self.matrix.iter().map(|&value| value.cast_unsigned()).collect();
        let (idf, scales, biases) =
            (f32_bytes(&self.idf), f32_bytes(&self.scales), f32_bytes(&self.biases));
        let tensors = [
            ("hashes", Dtype::U64, vec![n_features], &hashes),
            ("idf", Dtype::F32, vec![n_features], &idf),
            ("weights", Dtype::I8, vec![n_features, n_outputs], &matrix),
            ("scales", Dtype::F32, vec![n_outputs], &scales),
            ("biases", Dtype::F32, vec![n_outputs], &biases),
        ]
        .map(|(name, dtype, shape, bytes)| {
            (name, TensorView::new(dtype, shape, bytes).expect("the shape is the data's own"))
        });
        serialize(tensors, None).expect("five plain tensors have no offset overflow")
    }

    /// Reads the file's bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let file = SafeTensors::deserialize(bytes).map_err(|e| Error::Format(e.to_string()))?;
        let hashes = tensor(&file, "hashes", Dtype::U64)?;
        let matrix = tensor(&file, "weights", Dtype::I8)?;
        let (hashes, _) = hashes.as_chunks::<8>();
        Ok(Self {
            hashes: hashes.iter().map(|&chunk| u64::from_le_bytes(chunk)).collect(),
            idf: f32_values(tensor(&file, "idf", Dtype::F32)?),
            matrix: matrix.iter().map(|&byte| byte.cast_signed()).collect(),
            scales: f32_values(tensor(&file, "scales", Dtype::F32)?),
            biases: f32_values(tensor(&file, "biases", Dtype::F32)?),
        })
    }

    /// Checks that the tensors fit one another and the taxonomy.
    pub fn check(&self, taxonomy: &Taxonomy) -> Result<(), Error> {
        let n_features = self.hashes.len();
        let n_outputs = taxonomy.heads().iter().map(n_outputs).sum();
        for (tensor, found, expected) in [
            ("idf", self.idf.len(), n_features),
            ("weights", self.matrix.len(), n_features * n_outputs),
            ("scales", self.scales.len(), n_outputs),
            ("biases", self.biases.len(), n_outputs),
        ] {
            if found != expected {
                let why = format!("has {found} values instead of {expected}");
                return Err(Error::Tensor { tensor: tensor.to_owned(), why });
            }
        }
        for (tensor, values) in
            [("idf", &self.idf), ("scales", &self.scales), ("biases", &self.biases)]
        {
            if !values.iter().all(|value| value.is_finite()) {
                return Err(Error::Tensor {
                    tensor: tensor.to_owned(),
                    why: "has a value that is no number".to_owned(),
                });
            }
        }
        Ok(())
    }
}

fn tensor<'f>(file: &SafeTensors<'f>, name: &'static str, dtype: Dtype) -> Result<&'f [u8], Error> {
    let found = file
        .tensor(name)
        .map_err(|_| Error::Tensor { tensor: name.to_owned(), why: "is missing".to_owned() })?;
    if found.dtype() != dtype {
        let why = format!("has type {:?} instead of {dtype:?}", found.dtype());
        return Err(Error::Tensor { tensor: name.to_owned(), why });
    }
    Ok(found.data())
}

fn f32_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn f32_values(bytes: &[u8]) -> Vec<f32> {
    let (chunks, _) = bytes.as_chunks::<4>();
    chunks.iter().map(|&chunk| f32::from_le_bytes(chunk)).collect()
}
