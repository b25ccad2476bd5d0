"""Prints the README's table of encoders: our paths, stock candle and onnxruntime int8, side by side.

usage: table.py FOLDER ENGINES      (needs: pip install onnx onnxruntime numpy)

FOLDER is an encoder in the layout of Hugging Face, ENGINES the built example `encoder_engines`. One
thread each, the same weights and token ids, one after the other in turn, medians of CPU time per
text. Cosines are to onnxruntime in fp32, the worst of all texts.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import onnxruntime

OURS = ["avx512-vnni", "avx2"]
N_ROUNDS = int(os.environ.get("ROUNDS", "7"))


class Engines:
    """The Rust half, kept running."""

    def __init__(self, program: str, folder: str):
        environment = {**os.environ, "RAYON_NUM_THREADS": "1"}
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([program, folder], stdin=pipe, stdout=pipe, text=True, env=environment)

    def run(self, engine: str, ids: np.ndarray) -> tuple[float, np.ndarray]:
        texts = ";".join(" ".join(map(str, text)) for text in ids)
        self.process.stdin.write(f"{engine} {texts}\n")
        self.process.stdin.flush()
        seconds, *numbers = self.process.stdout.readline().split()
        return float(seconds), np.array(numbers, np.float32).reshape(len(ids), -1)


def session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def run(peer: onnxruntime.InferenceSession, ids: np.ndarray) -> tuple[float, np.ndarray]:
    feed = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
    before = time.process_time()
    (vectors,) = peer.run(None, feed)
    return time.process_time() - before, vectors


def worst_cosine(found: np.ndarray, exact: np.ndarray) -> float:
    products = (found * exact).sum(1)
    return float((products / np.linalg.norm(found, axis=1) / np.linalg.norm(exact, axis=1)).min())


def main() -> None:
    folder, program = sys.argv[1:3]
    out = Path(tempfile.mkdtemp())
    subprocess.run([sys.executable, Path(__file__).parent / "to_onnx.py", folder, out], check=True, stderr=subprocess.DEVNULL)
    exact, peer = session(out / "encoder.onnx"), session(out / "encoder-int8.onnx")
    engines, random = Engines(program, folder), np.random.default_rng(7)
    print("| B | T | ours, VNNI | ours, AVX2 | onnxruntime int8 | candle f32 | VNNI is faster than onnxruntime | cosine: ours, onnxruntime |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for n_texts in (1, 16):
        for n_tokens in (32, 64, 128, 256):
            ids = random.integers(10, 30_000, (n_texts, n_tokens))
            ids[:, 0] = 0
            seconds = {name: [] for name in [*OURS, "candle", "onnxruntime"]}
            vectors = {}
            for _ in range(N_ROUNDS if n_texts == 1 else max(3, N_ROUNDS // 2)):
                for name in seconds:
                    ours = name != "onnxruntime"
                    used, vectors[name] = engines.run(name, ids) if ours else run(peer, ids)
                    seconds[name].append(used)
            ms = {name: 1e3 * median(used) / n_texts for name, used in seconds.items()}
            _, reference = run(exact, ids)
            cosine = {name: worst_cosine(vectors[name], reference) for name in vectors}
            ratio = ms["onnxruntime"] / ms["avx512-vnni"]
            print(
                f"| {n_texts} | {n_tokens} | {ms['avx512-vnni']:.1f} | {ms['avx2']:.1f} | {ms['onnxruntime']:.1f} "
                f"| {ms['candle']:.0f} | {ratio:.2f}× | {cosine['avx512-vnni']:.4f}, {cosine['onnxruntime']:.4f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
