"""Prints the README's table of encoders: our paths, stock candle and onnxruntime int8, side by side.

usage: table.py FOLDER ENGINES      (needs: pip install onnx onnxruntime numpy)

FOLDER is an encoder in the layout of Hugging Face, ENGINES the built example `encoder_engines`. One
thread each, the same weights and token ids, in turn: each engine answers three times, and the last
counts. Medians of CPU time per text; cosines are to onnxruntime in fp32, the worst of all texts.
Where there are AMX and a C compiler, the share of what AMX could do (peak.c, measured in turn).

ROUNDS=N in the environment sets how many rounds, ANSWERS=1 counts first answers. WITHOUT_AMX=1 takes AMX away from all of them, so
that the paths without it are compared with an onnxruntime without it (Linux on x86-64).
"""

import ctypes
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np


def forbid_amx() -> None:
    """Makes Linux refuse AMX to this process and its children: whoever wants tiles has to ask
    (`arch_prctl` with ARCH_REQ_XCOMP_PERM), and a seccomp filter answers EPERM.
    """
    load, jump_if_equal, answer = 0x20, 0x15, 0x06
    arch_prctl, ask_permission, number, first_argument = 158, 0x1023, 0, 16
    program = [
        (load, 0, 0, number),
        (jump_if_equal, 0, 3, arch_prctl),
        (load, 0, 0, first_argument),
        (jump_if_equal, 0, 1, ask_permission),
        (answer, 0, 0, 0x0005_0001),
        (answer, 0, 0, 0x7FFF_0000),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in program))
    filter_ = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program), ctypes.addressof(code)))
    prctl, no_new_privileges, seccomp = ctypes.CDLL(None, use_errno=True).prctl, 38, 22
    if prctl(no_new_privileges, 1, 0, 0, 0) or prctl(seccomp, 2, filter_):
        sys.exit(f"AMX cannot be forbidden: {os.strerror(ctypes.get_errno())}")


if os.environ.get("WITHOUT_AMX"):
    forbid_amx()

import onnxruntime  # noqa: E402, asks for AMX when it is loaded

N_ROUNDS = int(os.environ.get("ROUNDS", "7"))
N_ANSWERS = int(os.environ.get("ANSWERS", "3"))


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


def n_operations(folder: str, n_tokens: int) -> float:
    """Of the products for one text: two for each weight and token, and for each pair of tokens."""
    config = json.loads((Path(folder) / "config.json").read_text())
    hidden, inner, n_layers = (config[it] for it in ("hidden_size", "intermediate_size", "num_hidden_layers"))
    return 2 * n_layers * n_tokens * (4 * hidden**2 + 2 * hidden * inner + 2 * n_tokens * hidden)


def compile_peak(out: Path, paths: list[str]) -> list[str] | None:
    """The command that measures the peak of AMX, if that can be had."""
    source, compiler = Path(__file__).parent / "peak.c", shutil.which("cc")
    if not any("amx" in path for path in paths) or not compiler:
        return None
    command = [compiler, "-O2", "-mamx-tile", "-mamx-int8", source, "-o", out / "peak"]
    return [str(out / "peak")] if subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0 else None


def main() -> None:
    folder, program = sys.argv[1:3]
    out = Path(tempfile.mkdtemp())
    subprocess.run([sys.executable, Path(__file__).parent / "to_onnx.py", folder, out], check=True, stderr=subprocess.DEVNULL)
    exact, peer = session(out / "encoder.onnx"), session(out / "encoder-int8.onnx")
    engines, random = Engines(program, folder), np.random.default_rng(7)
    paths = " | ".join(f"ours, {path}" for path in engines.paths)
    ratios = " | ".join(f"{path} is faster than onnxruntime" for path in engines.paths)
    peak = compile_peak(out, engines.paths)
    share = " share of the AMX peak |" if peak else ""
    names = ", ".join(engines.paths)
    print(f"| B | T | {paths} | onnxruntime int8 | candle f32 | {ratios} |{share} cosine: {names}, onnxruntime |")
    print("| --- | --- |" + " --- |" * (2 * len(engines.paths) + 3 + bool(peak)))
    for n_texts in (1, 16):
        for n_tokens in (32, 64, 128, 256):
            ids = random.integers(10, 30_000, (n_texts, n_tokens))
            ids[:, 0] = 0
            seconds = {name: [] for name in [*engines.paths, "candle", "onnxruntime"]}
            vectors, peaks = {}, []
            for _ in range(N_ROUNDS if n_texts == 1 else max(3, N_ROUNDS // 2)):
                for name in seconds:
                    ours = name != "onnxruntime"
                    # The first answer of a turn finds the caches as the engine before has left them.
                    for _ in range(N_ANSWERS):
                        used, vectors[name] = engines.run(name, ids) if ours else run(peer, ids)
                    seconds[name].append(used)
                if peak:
                    peaks.append(float(subprocess.run(peak, capture_output=True, check=True).stdout))
            ms = {name: 1e3 * median(used) / n_texts for name, used in seconds.items()}
            _, reference = run(exact, ids)
            cosine = {name: worst_cosine(vectors[name], reference) for name in vectors}
            cells = [f"{ms[path]:.1f}" for path in engines.paths]
            cells += [f"{ms['onnxruntime']:.1f}", f"{ms['candle']:.0f}"]
            cells += [f"{ms['onnxruntime'] / ms[path]:.2f}×" for path in engines.paths]
            if peak:
                reached = n_operations(folder, n_tokens) / ms[engines.paths[0]] * 1e3
                cells.append(f"{reached / median(peaks):.2f}".removeprefix("0"))
            cells.append(", ".join(f"{cosine[name]:.4f}" for name in [*engines.paths, "onnxruntime"]))
            print(f"| {n_texts} | {n_tokens} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
