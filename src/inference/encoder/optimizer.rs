//! `AdamW` (Loshchilov & Hutter 2019): on the CPU in place, in one pass over the memory of a tensor.

use candle_core::{CpuStorage, Device, Error, InplaceOp2, Layout, Result, Tensor, Var};

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
}

/// The moments of a variable, beside it on its device. All tensors have its shape.
#[derive(Clone, Debug)]
pub enum VariableMoments {
    /// In the CPU's memory, moved in place.
    Host(Moments),
    /// On another device, moved by tensor operations.
    Device {
        /// The mean of the gradients.
        first: Tensor,
        /// The mean of their squares.
        second: Tensor,
    },
}

impl VariableMoments {
    /// No gradient yet.
    pub fn new(variable: &Var) -> Result<Self> {
        if variable.device().is_cpu() {
            return Ok(Self::Host(Moments::new(variable.elem_count())));
        }
        Self::on_device(variable)
    }

    fn on_device(variable: &Var) -> Result<Self> {
        Ok(Self::Device { first: variable.zeros_like()?, second: variable.zeros_like()? })
    }

    /// Moves the variable one step, where it lies.
    pub fn step(&mut self, variable: &Var, gradients: &Tensor, step: &AdamStep) -> Result<()> {
        match self {
            Self::Host(moments) => {
                let update = Update { moments: std::sync::Mutex::new(moments), step: *step };
                variable.as_tensor().inplace_op2(&gradients.contiguous()?, &update)
            }
            Self::Device { first, second } => {
                let mean = |mean: &Tensor, beta: f32, new: &Tensor| {
                    (mean * f64::from(beta))? + (new * f64::from(1.0 - beta))?
                };
                let gradients = (gradients * f64::from(step.scale))?;
                *first = mean(first, step.beta1, &gradients)?;
                *second = mean(second, step.beta2, &gradients.sqr()?)?;
                let root = (&*second / f64::from(step.corrections.1))?.sqrt()?;
                let change = (&*first / f64::from(step.corrections.0))?
                    .div(&(root + f64::from(step.eps))?)?;
                let kept = (variable.as_tensor() * f64::from(1.0 - step.decay))?;
                variable.set(&kept.sub(&(change * f64::from(step.rate))?)?)
            }
        }
    }

    /// The mean of the gradients and that of their squares, each in a row.
    pub fn to_tensors(&self) -> Result<[Tensor; 2]> {
        match self {
            Self::Host(Moments { first, second }) => {
                let list = |values: &[f32]| Tensor::from_slice(values, values.len(), &Device::Cpu);
                Ok([list(first)?, list(second)?])
            }
            Self::Device { first, second } => Ok([first.flatten_all()?, second.flatten_all()?]),
        }
    }

    /// Takes both over from such rows, which may lie on another device.
    pub fn set(&mut self, new: [&Tensor; 2]) -> Result<()> {
        match self {
            Self::Host(moments) => {
                let [first, second] = new.map(Tensor::to_vec1::<f32>);
                *moments = Moments { first: first?, second: second? };
            }
            Self::Device { first, second } => {
                for (old, new) in [first, second].into_iter().zip(new) {
                    *old = new.to_device(old.device())?.reshape(old.shape())?;
                }
            }
        }
        Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_device_moves_a_variable_as_the_cpu_does() {
        let start = Tensor::new(&[[0.5_f32, -1.0, 2.0], [0.0, 1e-3, -0.25]], &Device::Cpu).unwrap();
        let [ours, theirs] = [(); 2].map(|()| Var::from_tensor(&start.copy().unwrap()).unwrap());
        let mut host = VariableMoments::new(&ours).unwrap();
        assert!(matches!(host, VariableMoments::Host(_)));
        let mut device = VariableMoments::on_device(&theirs).unwrap();
        for power in 1..6_i16 {
            let gradients = ((&start * f64::from(power)).unwrap() - 0.3).unwrap();
            let corrections =
                (1.0 - 0.9_f32.powi(power.into()), 1.0 - 0.999_f32.powi(power.into()));
            let step = AdamStep {
                rate: 0.01,
                beta1: 0.9,
                beta2: 0.999,
                corrections,
                eps: 1e-8,
                decay: 0.02,
                scale: 0.7,
            };
            host.step(&ours, &gradients, &step).unwrap();
            device.step(&theirs, &gradients, &step).unwrap();
        }
        let values = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let check = |a: &Tensor, b: &Tensor| {
            let near = |(a, b): (f32, f32)| (a - b).abs() <= 1e-6 * (1.0 + b.abs());
            assert!(values(a).into_iter().zip(values(b)).all(near), "{a} {b}");
        };
        check(&ours, &theirs);
        assert!(values(&start).iter().zip(values(&ours)).all(|(a, b)| 1e-3 < (a - b).abs()));
        let (of_host, of_device) = (host.to_tensors().unwrap(), device.to_tensors().unwrap());
        of_host.iter().zip(&of_device).for_each(|(a, b)| check(a, b));
        // Each takes over what the other has kept.
        let (mut fresh, [first, second]) = (VariableMoments::on_device(&ours).unwrap(), of_host);
        fresh.set([&first, &second]).unwrap();
        fresh.to_tensors().unwrap().iter().zip(&of_device).for_each(|(a, b)| check(a, b));
        host.set([&second, &first]).unwrap();
        check(&host.to_tensors().unwrap()[0], &second);
    }
}
