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

N_ROUNDS = int(os.environ.get("ROUNDS", "7"))


class Engines:
    """The Rust half, kept running."""

    def __init__(self, program: str, folder: str):
        environment = {**os.environ, "RAYON_NUM_THREADS": "1"}
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([program, folder], stdin=pipe, stdout=pipe, text=True, env=environment)
        # The portable path is there for correctness.
        self.paths = self.process.stdout.readline().split()[:-1] or ["portable"]

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
    best = engines.paths[0]
    paths = " | ".join(f"ours, {path}" for path in engines.paths)
    ratios = " | ".join(f"{path} is faster than onnxruntime" for path in engines.paths)
    print(f"| B | T | {paths} | onnxruntime int8 | candle f32 | {ratios} | cosine: ours, onnxruntime |")
    print("| --- | --- |" + " --- |" * (2 * len(engines.paths) + 3))
    for n_texts in (1, 16):
        for n_tokens in (32, 64, 128, 256):
            ids = random.integers(10, 30_000, (n_texts, n_tokens))
            ids[:, 0] = 0
            seconds = {name: [] for name in [*engines.paths, "candle", "onnxruntime"]}
            vectors = {}
            for _ in range(N_ROUNDS if n_texts == 1 else max(3, N_ROUNDS // 2)):
                for name in seconds:
                    ours = name != "onnxruntime"
                    used, vectors[name] = engines.run(name, ids) if ours else run(peer, ids)
                    seconds[name].append(used)
            ms = {name: 1e3 * median(used) / n_texts for name, used in seconds.items()}
            _, reference = run(exact, ids)
            cosine = {name: worst_cosine(vectors[name], reference) for name in vectors}
            cells = [f"{ms[path]:.1f}" for path in engines.paths]
            cells += [f"{ms['onnxruntime']:.1f}", f"{ms['candle']:.0f}"]
            cells += [f"{ms['onnxruntime'] / ms[path]:.2f}×" for path in engines.paths]
            cells.append(f"{cosine[best]:.4f}, {cosine['onnxruntime']:.4f}")
            print(f"| {n_texts} | {n_tokens} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
