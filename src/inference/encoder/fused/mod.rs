//! One layer of the encoder as one operation of candle with a way back, on 16-bit products. The
//! plain definition says what it computes.

mod dense;
mod layer;

use std::sync::{Arc, Mutex};

use candle_core::{CpuStorage, CustomOp2, DType, Error, Layout, Result, Shape, Tensor};

use crate::inference::Isa;
use crate::inference::encoder::EncoderConfig;
use crate::inference::encoder::dropout::LayerDrops;
pub(super) use dense::PackedLayer;
use layer::{Applied, Kept};

/// A layer applied to the tokens of several texts: (vectors, block of weights) → vectors.
pub(super) struct FusedLayer {
    config: EncoderConfig,
    packed: Arc<PackedLayer>,
    lengths: Arc<[usize]>,
    drops: LayerDrops,
    /// What the way there leaves for the way back.
    kept: Mutex<Option<Kept>>,
}

impl FusedLayer {
    pub(super) fn new(
        config: &EncoderConfig,
        packed: Arc<PackedLayer>,
        lengths: Arc<[usize]>,
        drops: LayerDrops,
    ) -> Self {
        Self { config: config.clone(), packed, lengths, drops, kept: Mutex::new(None) }
    }

    fn applied<'a>(&'a self, block: &'a [f32]) -> Applied<'a> {
        let (lengths, drops) = (&*self.lengths, self.drops);
        Applied {
            isa: Isa::best(),
            config: &self.config,
            packed: &self.packed,
            block,
            lengths,
            drops,
        }
    }
}

impl CustomOp2 for FusedLayer {
    fn name(&self) -> &'static str {
        "fused-bert-layer"
    }

    fn cpu_fwd(
        &self,
        input: &CpuStorage,
        input_layout: &Layout,
        block: &CpuStorage,
        block_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let input = contiguous(input, input_layout)?;
        let layer = self.applied(contiguous(block, block_layout)?);
        let (out, kept) = layer.forward(input);
        if self.packed.learns() {
            *self.kept.lock().expect("no pass panics while it keeps") = Some(kept);
        }
        Ok((CpuStorage::F32(out), input_layout.shape().clone()))
    }

    fn bwd(
        &self,
        input: &Tensor,
        block: &Tensor,
        _out: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let kept = self.kept.lock().expect("no pass panics while it keeps").take();
        let kept = kept.ok_or_else(|| Error::Msg("a layer goes back once".to_owned()))?;
        if gradient.dtype() != DType::F32 {
            return Err(Error::Msg("gradients have 32 bits".to_owned()));
        }
        let gradient = gradient.contiguous()?;
        let (storage, layout) = gradient.storage_and_layout();
        let candle_core::Storage::Cpu(storage) = &*storage else {
            return Err(Error::Msg("the fused layers run on the CPU".to_owned()));
        };
        let (block_storage, block_layout) = block.storage_and_layout();
        let candle_core::Storage::Cpu(block_storage) = &*block_storage else {
            return Err(Error::Msg("the fused layers run on the CPU".to_owned()));
        };
        let layer = self.applied(contiguous(block_storage, block_layout)?);
        let (of_input, of_block) = layer.backward(contiguous(storage, layout)?, &kept);
        let device = input.device();
        Ok((
            Some(Tensor::from_vec(of_input, input.shape(), device)?),
            Some(Tensor::from_vec(of_block, block.shape(), device)?),
        ))
    }
}

fn contiguous<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&storage.as_slice::<f32>()?[start..end]),
        None => Err(Error::Msg("the fused layers take tensors without gaps".to_owned())),
    }
}
