//! What a training has reached, on disk: killed anywhere, it goes on from its last checkpoint and
//! ends with the same weights. Files are written beside and renamed, the small one last.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
};

use candle_core::{Device, Tensor, safetensors};
use fenzhen::registry::Digest;
use serde::{Deserialize, Serialize};

use crate::encoder::error::Error;
use crate::encoder::learner::Learner;

const STATE_FILE: &str = "state.json";
const BEST_FILE: &str = "best.safetensors";

/// Tensors by name.
pub(super) type Weights = HashMap<String, Tensor>;

/// A folder for the checkpoints of one training.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    dir: PathBuf,
    /// Stands for recipe, texts and starting weights.
    training: Digest,
}

/// Where a training stands between two steps.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    /// Passes that are done.
    pub(super) epoch: usize,
    /// Steps of the present pass that are done.
    pub(super) step: usize,
    /// The best quality after a pass.
    pub(super) best: Option<f64>,
    /// Passes since then.
    pub(super) n_without_gain: usize,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    training: Digest,
    weights: String,
    n_steps_done: usize,
    state: State,
}

impl Checkpoints {
    /// Checkpoints in a folder, of the training that the digest stands for.
    pub fn new(dir: PathBuf, training: Digest) -> Self {
        Self { dir, training }
    }

    /// The checkpoints of one of several trainings that are averaged.
    pub(super) fn of_member(&self, member: usize) -> Self {
        let mut checkpoints = self.clone();
        if 0 < member {
            checkpoints.dir.push(format!("member-{member}"));
        }
        checkpoints
    }

    /// Sets a learner to the last checkpoint, if there is one.
    pub(super) fn resume(&self, learner: &mut Learner) -> Result<State, Error> {
        let path = self.dir.join(STATE_FILE);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(State::start()),
            Err(source) => return Err(Error::Io { path, source }),
        };
        let wrong = |why: String| Error::Checkpoint { path: path.clone(), why };
        let file: File =
            serde_json::from_slice(&text).map_err(|error| wrong(format!("is broken: {error}")))?;
        if file.training != self.training {
            return Err(wrong("is of a training with other texts or settings".to_owned()));
        }
        learner.set(&self.read(&file.weights)?, true)?;
        learner.n_steps_done = file.n_steps_done;
        Ok(file.state)
    }

    /// Keeps a learner with everything that it needs to go on.
    pub(super) fn save(&self, learner: &Learner, state: &State) -> Result<(), Error> {
        let weights = format!("step-{:06}.safetensors", learner.n_steps_done);
        self.write(&weights, &learner.tensors(true)?)?;
        let file = File {
            training: self.training,
            weights: weights.clone(),
            n_steps_done: learner.n_steps_done,
            state: *state,
        };
        let text = serde_json::to_vec_pretty(&file).expect("a state has nothing that JSON lacks");
        let (path, draft) = (self.dir.join(STATE_FILE), self.dir.join(".state"));
        let failed = |source| Error::Io { path: path.clone(), source };
        fs::write(&draft, text).and_then(|()| fs::rename(&draft, &path)).map_err(failed)?;
        self.remove_all_but(&weights)
    }

    /// Keeps the weights of a learner that is better than it was before.
    pub(super) fn save_best(&self, learner: &Learner) -> Result<(), Error> {
        self.write(BEST_FILE, &learner.tensors(false)?)
    }

    /// Sets a learner to its best weights.
    pub(super) fn restore_best(&self, learner: &mut Learner) -> Result<(), Error> {
        learner.set(&self.read(BEST_FILE)?, false)
    }

    fn write(&self, name: &str, tensors: &Weights) -> Result<(), Error> {
        let (path, draft) = (self.dir.join(name), self.dir.join(".weights"));
        let failed = |source| Error::Io { path: path.clone(), source };
        fs::create_dir_all(&self.dir).map_err(failed)?;
        safetensors::save(tensors, &draft)?;
        fs::rename(&draft, &path).map_err(failed)
    }

    fn read(&self, name: &str) -> Result<Weights, Error> {
        let path = self.dir.join(name);
        safetensors::load(&path, &Device::Cpu)
            .map_err(|error| Error::Checkpoint { path, why: format!("is broken: {error}") })
    }

    fn remove_all_but(&self, weights: &str) -> Result<(), Error> {
        let failed = |source| Error::Io { path: self.dir.clone(), source };
        for entry in fs::read_dir(&self.dir).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with("step-") && name != weights {
                fs::remove_file(&path).map_err(failed)?;
            }
        }
        Ok(())
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}

impl Learner {
    /// A copy of its weights.
    pub(super) fn weights(&self) -> Result<Weights, Error> {
        self.tensors(false)?
            .into_iter()
            // A variable shares its memory with its tensor, and it will move.
            .map(|(name, tensor)| Ok((name, tensor.copy()?)))
            .collect()
    }

    /// Takes weights over.
    pub(super) fn set_weights(&mut self, weights: &Weights) -> Result<(), Error> {
        self.set(weights, false)
    }

    /// Its weights by name, with their moments where it is to go on.
    fn tensors(&self, with_moments: bool) -> Result<Weights, Error> {
        let list = |values: &[f32]| Tensor::from_slice(values, values.len(), &Device::Cpu);
        let mut tensors = HashMap::new();
        for variable in &self.variables {
            tensors.insert(variable.name.clone(), variable.var.as_tensor().clone());
            if with_moments {
                let [first, second] = variable.moments.to_tensors()?;
                tensors.insert(format!("{}.first", variable.name), first);
                tensors.insert(format!("{}.second", variable.name), second);
            }
        }
        tensors.insert("words".to_owned(), list(&self.words)?);
        if with_moments {
            tensors.insert("words.first".to_owned(), list(&self.word_moments.first)?);
            tensors.insert("words.second".to_owned(), list(&self.word_moments.second)?);
        }
        Ok(tensors)
    }

    fn set(&mut self, tensors: &Weights, with_moments: bool) -> Result<(), Error> {
        let find = |name: &str| {
            let missing = || candle_core::Error::Msg(format!("there is no `{name}`"));
            tensors.get(name).ok_or_else(missing)
        };
        let list = |name: &str| find(name)?.to_vec1::<f32>();
        for variable in &mut self.variables {
            let (name, device) = (&variable.name, variable.var.device());
            variable.var.set(&find(name)?.to_device(device)?)?;
            if with_moments {
                let [first, second] = ["first", "second"].map(|of| find(&format!("{name}.{of}")));
                variable.moments.set([first?, second?])?;
            }
        }
        self.words = list("words")?;
        if with_moments {
            self.word_moments.first = list("words.first")?;
            self.word_moments.second = list("words.second")?;
        }
        Ok(())
    }
}

/// The mean of weights of learners that were built alike.
pub(super) fn mean<'w>(all: impl ExactSizeIterator<Item = &'w Weights>) -> Result<Weights, Error> {
    let share = 1.0 / all.len() as f64;
    let mut sums = Weights::new();
    for weights in all {
        for (name, tensor) in weights {
            let part = (tensor * share)?;
            let sum = match sums.remove(name) {
                Some(sum) => sum.add(&part)?,
                None => part,
            };
            sums.insert(name.clone(), sum);
        }
    }
    Ok(sums)
}
