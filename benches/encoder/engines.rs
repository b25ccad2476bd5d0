//! Encodes tokens on demand and tells what CPU time that took: the Rust half of `table.py`.
//!
//! It begins with a line of the names of our paths that this CPU has, the best first. Then, a line
//! in: the name of an engine (`candle`, or a path of ours such as `avx2`), then texts as token ids,
//! a text after each `;`. A line out: seconds, then the vector of each text.

#![expect(clippy::print_stdout, reason = "the answers are the output")]

use std::{fs, io, path::Path};

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};
use fenzhen::inference::{
    EncoderConfig, EncoderEngine, EncoderHeads, Isa, Parameters, Workspace, pack,
};
use rustix::time::{ClockId, clock_gettime};

type AnyError = Box<dyn std::error::Error>;

/// That of the service, which puts weights on huge pages where Linux lets it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), AnyError> {
    let folder = std::env::args().nth(1).ok_or("usage: engines FOLDER")?;
    let folder = Path::new(&folder);
    let weights = fs::read(folder.join("model.safetensors"))?;
    let described = fs::read(folder.join("config.json"))?;
    let config = EncoderConfig::parse(&described, folder)?;
    let parameters = Parameters::parse(&weights, &config, folder)?;
    let hidden = config.hidden_size;
    let heads = EncoderHeads {
        means: vec![0.0; hidden],
        deviations: vec![1.0; hidden],
        weights: Vec::new(),
        biases: Vec::new(),
    };
    let packed = pack(&config, &parameters, &heads);
    drop(parameters);
    let ours =
        Isa::available().into_iter().map(|isa| EncoderEngine::from_bytes(&packed, &config, isa));
    let ours: Vec<EncoderEngine> = ours.collect::<Result<_, _>>()?;
    let stock: Config = serde_json::from_slice(&described)?;
    let tensors = VarBuilder::from_buffered_safetensors(weights, DType::F32, &Device::Cpu)?;
    let stock = BertModel::load(tensors, &stock)?;
    let paths: Vec<&str> = ours.iter().rev().map(|it| it.isa().name()).collect();
    println!("{}", paths.join(" "));
    let mut space = Workspace::default();
    for line in io::stdin().lines() {
        let line = line?;
        let (engine, texts) = line.split_once(' ').ok_or("a line is an engine and texts")?;
        let ids = |text: &str| text.split_whitespace().map(str::parse).collect();
        let texts: Vec<Vec<u32>> = texts.split(';').map(ids).collect::<Result<_, _>>()?;
        let before = cpu_seconds();
        let vectors = if let Some(ours) = ours.iter().find(|it| it.isa().name() == engine) {
            let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
            ours.pool(&texts, &mut space)
        } else {
            let shape = (texts.len(), texts[0].len());
            let ids = Tensor::new(texts.concat(), &Device::Cpu)?.reshape(shape)?;
            let hidden = stock.forward(&ids, &ids.zeros_like()?, None)?;
            hidden.mean(1)?.to_vec2::<f32>()?
        };
        let seconds = cpu_seconds() - before;
        let numbers: Vec<String> = vectors.concat().iter().map(f32::to_string).collect();
        println!("{seconds} {}", numbers.join(" "));
    }
    Ok(())
}

/// What all threads of this program have used.
fn cpu_seconds() -> f64 {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    used.tv_sec as f64 + used.tv_nsec as f64 / 1e9
}
