//! `AdamW` (Loshchilov & Hutter 2019) in place, one pass over the memory of a tensor.

use candle_core::{CpuStorage, Error, InplaceOp2, Layout, Result, Tensor, Var};

use crate::inference::Isa;
pub use crate::inference::kernels::bf16::AdamStep;
use crate::inference::kernels::bf16::{Moving, update_with_adam};

/// The running moments of the gradients of a block of weights.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moments {
    /// The mean of the gradients.
    pub first: Vec<f32>,
    /// The mean of their squares.
    pub second: Vec<f32>,
}

impl Moments {
    /// No gradient yet, of so many weights.
    pub fn new(n_weights: usize) -> Self {
        Self { first: vec![0.0; n_weights], second: vec![0.0; n_weights] }
    }

    /// Moves weights one step.
    pub fn step(&mut self, weights: &mut [f32], gradients: &[f32], step: &AdamStep) {
        assert_eq!(weights.len(), self.first.len(), "moments of these weights");
        let (first, second) = (&mut self.first[..], &mut self.second[..]);
        update_with_adam(Isa::best(), Moving { weights, first, second }, gradients, step);
    }

    /// Moves some of the weights one step; the others stay, and so do their moments.
    pub fn step_rows(
        &mut self,
        weights: &mut [f32],
        range: std::ops::Range<usize>,
        gradients: &[f32],
        step: &AdamStep,
    ) {
        let (first, second) = (&mut self.first[range.clone()], &mut self.second[range.clone()]);
        let weights = &mut weights[range];
        update_with_adam(Isa::best(), Moving { weights, first, second }, gradients, step);
    }

    /// Moves a variable one step, where it lies.
    pub fn step_variable(
        &mut self,
        variable: &Var,
        gradients: &Tensor,
        step: &AdamStep,
    ) -> Result<()> {
        let update = Update { moments: std::sync::Mutex::new(self), step: *step };
        variable.as_tensor().inplace_op2(&gradients.contiguous()?, &update)
    }
}

/// One step as an operation in place.
struct Update<'a> {
    moments: std::sync::Mutex<&'a mut Moments>,
    step: AdamStep,
}

impl InplaceOp2 for Update<'_> {
    fn name(&self) -> &'static str {
        "adamw"
    }

    fn cpu_fwd(
        &self,
        weights: &mut CpuStorage,
        weights_layout: &Layout,
        gradients: &CpuStorage,
        gradients_layout: &Layout,
    ) -> Result<()> {
        let whole = |layout: &Layout| {
            let gaps = || Error::Msg("the optimizer takes tensors without gaps".to_owned());
            layout.contiguous_offsets().map(|(start, end)| start..end).ok_or_else(gaps)
        };
        let (of_weights, of_gradients) = (whole(weights_layout)?, whole(gradients_layout)?);
        let CpuStorage::F32(weights) = weights else {
            return Err(Error::Msg("the optimizer takes 32 bits".to_owned()));
        };
        let gradients = &gradients.as_slice::<f32>()?[of_gradients];
        let mut moments = self.moments.lock().expect("no step panics while it moves");
        moments.step(&mut weights[of_weights], gradients, &self.step);
        Ok(())
    }
}
