"""Writes a BERT folder of the Hugging Face layout as ONNX: fp32, and dynamic int8 for onnxruntime.

usage: to_onnx.py FOLDER OUT      (needs: pip install onnx onnxruntime numpy)

Writes OUT/encoder.onnx and OUT/encoder-int8.onnx: input_ids and attention_mask in, mean-pooled
vectors out. Attention is onnxruntime's own fused operator and GELU the fused one, so that the
peer runs at its best.
"""

import json
import struct
import sys
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save
from onnxruntime.quantization import QuantType, quantize_dynamic


def read_safetensors(path: Path) -> dict[str, np.ndarray]:
    """Every tensor in fp32; written out because the format is a page long."""
    raw = path.read_bytes()
    (n_header,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + n_header])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        start, end = (8 + n_header + offset for offset in entry["data_offsets"])
        kind = {"F32": np.float32, "F16": np.float16, "BF16": np.uint16, "I64": np.int64}[entry["dtype"]]
        values = np.frombuffer(raw[start:end], dtype=kind)
        if entry["dtype"] == "BF16":
            values = (values.astype(np.uint32) << 16).view(np.float32)
        tensors[name.removeprefix("bert.")] = values.reshape(entry["shape"]).astype(np.float32)
    return tensors


class Graph:
    """Collects nodes and initializers."""

    def __init__(self, weights: dict[str, np.ndarray]):
        self.weights, self.nodes, self.constants = weights, [], {}

    def constant(self, name: str, value) -> str:
        value = np.ascontiguousarray(value)
        self.constants.setdefault(name, numpy_helper.from_array(value, name))
        return name

    def add(self, kind: str, inputs: list[str], output: str | None = None, domain="", **attributes) -> str:
        output = output or f"v{len(self.nodes)}"
        name = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], name=name, domain=domain, **attributes))
        return output

    def dense(self, x: str, name: str) -> str:
        weight = self.constant(f"{name}.w", self.weights[f"{name}.weight"].T)
        bias = self.constant(f"{name}.b", self.weights[f"{name}.bias"])
        return self.add("Add", [self.add("MatMul", [x, weight]), bias])

    def norm(self, x: str, name: str, epsilon: float) -> str:
        weight = self.constant(f"{name}.w", self.weights[f"{name}.weight"])
        bias = self.constant(f"{name}.b", self.weights[f"{name}.bias"])
        return self.add("LayerNormalization", [x, weight, bias], axis=-1, epsilon=epsilon)


def build(config: dict, weights: dict[str, np.ndarray]):
    hidden, n_heads = config["hidden_size"], config["num_attention_heads"]
    epsilon, scale = float(config["layer_norm_eps"]), float((hidden // n_heads) ** -0.5)
    graph = Graph(weights)
    integers = {n: graph.constant(f"i{n}", np.array([n], np.int64)) for n in (0, 1, 2)}
    words = graph.constant("words", weights["embeddings.word_embeddings.weight"])
    positions = weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
    positions = graph.constant("positions", positions)
    length = graph.add("Slice", [graph.add("Shape", ["input_ids"]), integers[1], integers[2], integers[0]])
    positions = graph.add("Slice", [positions, integers[0], length, integers[0]])
    x = graph.add("Add", [graph.add("Gather", [words, "input_ids"]), positions])
    x = graph.norm(x, "embeddings.LayerNorm", epsilon)
    mask = graph.add("Cast", ["attention_mask"], to=TensorProto.INT32)
    for layer in range(config["num_hidden_layers"]):
        at = f"encoder.layer.{layer}"
        q, k, v = (graph.dense(x, f"{at}.attention.self.{part}") for part in ("query", "key", "value"))
        context = graph.add(
            "MultiHeadAttention", [q, k, v, "", mask], domain="com.microsoft", num_heads=n_heads, scale=scale
        )
        x = graph.add("Add", [graph.dense(context, f"{at}.attention.output.dense"), x])
        x = graph.norm(x, f"{at}.attention.output.LayerNorm", epsilon)
        inner = graph.add("Gelu", [graph.dense(x, f"{at}.intermediate.dense")])
        x = graph.add("Add", [graph.dense(inner, f"{at}.output.dense"), x])
        x = graph.norm(x, f"{at}.output.LayerNorm", epsilon)
    mask = graph.add("Unsqueeze", [graph.add("Cast", ["attention_mask"], to=TensorProto.FLOAT), integers[2]])
    total = graph.add("ReduceSum", [graph.add("Mul", [x, mask]), integers[1]], keepdims=0)
    graph.add("Div", [total, graph.add("ReduceSum", [mask, integers[1]], keepdims=0)], output="pooled")
    inputs = [helper.make_tensor_value_info(n, TensorProto.INT64, ["B", "T"]) for n in ("input_ids", "attention_mask")]
    outputs = [helper.make_tensor_value_info("pooled", TensorProto.FLOAT, ["B", hidden])]
    made = helper.make_graph(graph.nodes, "encoder", inputs, outputs, list(graph.constants.values()))
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(made, opset_imports=opsets)
    model.ir_version = 9
    return model


def main() -> None:
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    config = json.loads((folder / "config.json").read_text())
    save(build(config, read_safetensors(folder / "model.safetensors")), out / "encoder.onnx")
    quantize_dynamic(
        out / "encoder.onnx",
        out / "encoder-int8.onnx",
        weight_type=QuantType.QInt8,
        per_channel=True,
        op_types_to_quantize=["MatMul"],
        extra_options={"DefaultTensorType": TensorProto.FLOAT},
    )


if __name__ == "__main__":
    main()
