//! Which numbers training drops, layer by layer.

use crate::inference::kernels::bf16::Dropout;

/// What a pass of training drops. The same seed drops the same numbers of the same batch.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Drops {
    /// Another seed drops others.
    pub seed: u32,
    /// The share of the outputs of dense layers.
    pub hidden: f32,
    /// The share of the attention.
    pub attention: f32,
}

/// The places of a layer where something is dropped.
#[derive(Clone, Copy, Debug)]
pub(super) struct LayerDrops {
    pub(super) attention: Dropout,
    pub(super) out: Dropout,
    pub(super) down: Dropout,
}

impl Drops {
    pub(super) fn embeddings(self) -> Dropout {
        self.at(0, self.hidden)
    }

    pub(super) fn layer(self, layer: usize) -> LayerDrops {
        let place = 3 * layer as u32 + 1;
        LayerDrops {
            attention: self.at(place, self.attention),
            out: self.at(place + 1, self.hidden),
            down: self.at(place + 2, self.hidden),
        }
    }

    fn at(self, place: u32, share: f32) -> Dropout {
        let seed = (self.seed ^ place.wrapping_mul(0x85eb_ca6b)).wrapping_mul(0x9e37_79b1);
        Dropout { seed: seed ^ (seed >> 15), share }
    }
}
