//! What a text costs the encoder on every path of this CPU. The folder of an encoder stands in
//! `FENZHEN_ENCODER`; without it a small one of invented weights is taken, which says less.
//! `benches/encoder/table.py` compares with other engines.

use std::{fs, hint::black_box, path::Path};

use criterion::{Criterion, criterion_group, criterion_main};
use fenzhen::inference::{
    EncoderConfig, EncoderEngine, EncoderHeads, Isa, Parameters, Workspace, pack,
};

const SMALL: &str = r#"{
  "vocab_size": 1000, "hidden_size": 384, "num_hidden_layers": 2, "num_attention_heads": 12,
  "intermediate_size": 1536, "max_position_embeddings": 512
}"#;

#[expect(clippy::disallowed_methods, reason = "a bench is configured by the environment alone")]
fn encoder() -> (EncoderConfig, Parameters) {
    if let Ok(folder) = std::env::var("FENZHEN_ENCODER") {
        let folder = Path::new(&folder);
        let read = |file: &str| fs::read(folder.join(file)).expect("the folder holds an encoder");
        let config = EncoderConfig::parse(&read("config.json"), folder).expect("it is described");
        let weights = read("model.safetensors");
        let parameters = Parameters::parse(&weights, &config, folder).expect("it is whole");
        return (config, parameters);
    }
    let config = EncoderConfig::parse(SMALL.as_bytes(), Path::new("small")).expect("it is right");
    let parameters = Parameters::new(&config, |name| {
        let (hidden, inner) = (config.hidden_size, config.intermediate_size);
        let n = match name {
            "embeddings.word_embeddings.weight" => config.vocab_size * hidden,
            "embeddings.position_embeddings.weight" => config.max_tokens * hidden,
            "embeddings.token_type_embeddings.weight" => config.n_segments * hidden,
            name if name.ends_with("intermediate.dense.bias") => inner,
            name if name.ends_with("bias") || name.contains("LayerNorm") => hidden,
            name if name.contains("attention") => hidden * hidden,
            _ => inner * hidden,
        };
        (0..n).map(|idx| (idx * 7919 % 101) as f32 / 500.0 - 0.1).collect()
    });
    (config, parameters)
}

fn pool(criterion: &mut Criterion) {
    let (config, parameters) = encoder();
    let hidden = config.hidden_size;
    let heads = EncoderHeads {
        means: vec![0.0; hidden],
        deviations: vec![1.0; hidden],
        weights: Vec::new(),
        biases: Vec::new(),
    };
    let packed = pack(&config, &parameters, &heads);
    for isa in Isa::available() {
        let engine = EncoderEngine::from_bytes(&packed, &config, isa).expect("it was just packed");
        let mut space = Workspace::default();
        for n_texts in [1, 16] {
            for n_tokens in [32, 64, 128, 256] {
                let id = |idx: usize| (idx * 7919 % config.vocab_size) as u32;
                let ids: Vec<u32> = (0..n_texts * n_tokens).map(id).collect();
                let texts: Vec<&[u32]> = ids.chunks(n_tokens).collect();
                let name = format!("{isa}, {n_texts} × {n_tokens} tokens");
                criterion.bench_function(&name, |bencher| {
                    bencher.iter(|| engine.pool(black_box(&texts), &mut space));
                });
            }
        }
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = pool
}
criterion_main!(benches);
