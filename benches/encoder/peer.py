"""The Python peer of `benches/encoder/service`: FastAPI, the same tokenizer, onnxruntime int8.

usage: uvicorn --app-dir benches/encoder --workers 2 peer:app
(needs: pip install fastapi 'uvicorn[standard]' onnxruntime tokenizers numpy)

Reads FOLDER (tokenizer.json) and ONNX (encoder-int8.onnx, by to_onnx.py) from the environment. One
process per core with one thread each, which is the fastest that this stack goes. It answers less
than Fenzhen does: one dense layer over the vector, without linear model, rules, route or reasons.
"""

import os

import numpy as np
import onnxruntime
from fastapi import FastAPI
from pydantic import BaseModel
from tokenizers import Tokenizer

MAX_TOKENS = 192
N_OUTPUTS = 29

tokenizer = Tokenizer.from_file(os.path.join(os.environ["FOLDER"], "tokenizer.json"))
tokenizer.enable_truncation(MAX_TOKENS)
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(os.environ["ONNX"], options, providers=["CPUExecutionProvider"])
app = FastAPI()
heads = None


class Complaint(BaseModel):
    text: str


@app.post("/v1/classify")
async def classify(complaint: Complaint) -> dict:
    global heads
    ids = np.array([tokenizer.encode(complaint.text).ids], np.int64)
    (vectors,) = session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})
    if heads is None:
        heads = np.random.default_rng(7).standard_normal((N_OUTPUTS, vectors.shape[1])).astype(np.float32)
    return {"scores": (heads @ vectors[0]).tolist()}
