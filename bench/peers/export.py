"""Writes a Llama checkpoint as GGUF and as ONNX, in f32: what the peers of the bench run.

usage: python export.py CHECKPOINT_FOLDER OUT_FOLDER [--context 512]
"""

import argparse
import json
from pathlib import Path

import gguf
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file


def read_checkpoint(folder: Path) -> tuple[dict, dict[str, np.ndarray]]:
    config = json.loads((folder / "config.json").read_text())
    tensors = load_file(folder / "model.safetensors")
    return config, {name: tensor.astype(np.float32) for name, tensor in tensors.items()}


# ---- GGUF


def interleave(weight: np.ndarray, heads: int) -> np.ndarray:
    """Rows of q or k in the order llama.cpp rotates them: pairs side by side instead of a head's two halves."""
    half = weight.shape[0] // heads // 2
    return weight.reshape(heads, 2, half, -1).swapaxes(1, 2).reshape(weight.shape)


def write_gguf(folder: Path, config: dict, tensors: dict[str, np.ndarray], path: Path) -> None:
    writer = gguf.GGUFWriter(str(path), "llama")
    heads, kv_heads = config["num_attention_heads"], config["num_key_value_heads"]
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_key_length(config["head_dim"])
    writer.add_value_length(config["head_dim"])
    writer.add_rope_dimension_count(config["head_dim"])
    writer.add_rope_freq_base(config["rope_theta"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_vocab_size(config["vocab_size"])
    write_gguf_tokenizer(writer, json.loads((folder / "tokenizer.json").read_text()), config)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config["num_hidden_layers"])
    for name, tensor in tensors.items():
        if name.endswith("q_proj.weight"):
            tensor = interleave(tensor, heads)
        if name.endswith("k_proj.weight"):
            tensor = interleave(tensor, kv_heads)
        writer.add_tensor(names.get_name(name, try_suffixes=(".weight",)), tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_gguf_tokenizer(writer: gguf.GGUFWriter, tokenizer: dict, config: dict) -> None:
    vocab = sorted(tokenizer["model"]["vocab"].items(), key=lambda entry: entry[1])
    special = {token["content"] for token in tokenizer["added_tokens"]}
    kinds = [gguf.TokenType.CONTROL if text in special else gguf.TokenType.NORMAL for text, _ in vocab]
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in tokenizer["model"]["merges"]]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([text for text, _ in vocab])
    writer.add_token_types(kinds)
    writer.add_token_merges(merges)
    writer.add_bos_token_id(config["bos_token_id"])
    writer.add_eos_token_id(config["eos_token_id"])
    writer.add_add_bos_token(False)


# ---- ONNX


class Graph:
    """Nodes and constants as they are made; every method returns the name of its result."""

    def __init__(self) -> None:
        self.nodes: list = []
        self.constants: list = []

    def constant(self, name: str, value: np.ndarray) -> str:
        self.constants.append(numpy_helper.from_array(np.array(value, order="C"), name))
        return name

    def node(self, op: str, inputs: list[str], name: str, outputs: list[str] | None = None, **attributes) -> str:
        outputs = outputs or [name]
        self.nodes.append(helper.make_node(op, inputs, outputs, name, **attributes))
        return outputs[0]


def rope_tables(config: dict, context: int) -> tuple[np.ndarray, np.ndarray]:
    half = config["head_dim"] // 2
    frequency = config["rope_theta"] ** (-np.arange(half, dtype=np.float64) / half)
    angles = np.arange(context, dtype=np.float64)[:, None] * frequency
    return np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)


def add_layer(graph: Graph, config: dict, tensors: dict[str, np.ndarray], n: int, x: str) -> str:
    """One decoder layer; attention is ONNX Runtime's own fused operator over a cache of fixed size."""
    at = f"model.layers.{n}."

    def norm(x: str, name: str) -> str:
        gain = graph.constant(f"{at}{name}", tensors[f"{at}{name}.weight"])
        return graph.node(
            "SimplifiedLayerNormalization", [x, gain], f"{at}{name}.out", axis=-1, epsilon=config["rms_norm_eps"]
        )

    def linear(x: str, name: str) -> str:
        weight = graph.constant(f"{at}{name}", tensors[f"{at}{name}.weight"].T)
        return graph.node("MatMul", [x, weight], f"{at}{name}.out")

    h = norm(x, "input_layernorm")
    q, k, v = (linear(h, f"self_attn.{part}_proj") for part in "qkv")
    inputs = [q, k, v, f"past.{n}.k", f"past.{n}.v", "seqlens", "total", "cos", "sin"]
    mix = graph.node(
        "GroupQueryAttention",
        inputs,
        f"{at}attention",
        [f"{at}mix", f"present.{n}.k", f"present.{n}.v"],
        domain="com.microsoft",
        num_heads=config["num_attention_heads"],
        kv_num_heads=config["num_key_value_heads"],
        do_rotary=1,
    )
    x = graph.node("Add", [x, linear(mix, "self_attn.o_proj")], f"{at}mid")
    m = norm(x, "post_attention_layernorm")
    gate = linear(m, "mlp.gate_proj")
    act = graph.node("Mul", [gate, graph.node("Sigmoid", [gate], f"{at}sigmoid")], f"{at}silu")
    act = graph.node("Mul", [act, linear(m, "mlp.up_proj")], f"{at}act")
    return graph.node("Add", [x, linear(act, "mlp.down_proj")], f"{at}out")


def write_onnx(config: dict, tensors: dict[str, np.ndarray], context: int, path: Path) -> None:
    """One graph for prompts and single tokens: ids [1, n], logits [1, vocab] of the last."""
    graph = Graph()
    cos, sin = rope_tables(config, context)
    graph.constant("cos", cos)
    graph.constant("sin", sin)
    table = graph.constant("embed", tensors["model.embed_tokens.weight"])
    x = graph.node("Gather", [table, "ids"], "x")
    for n in range(config["num_hidden_layers"]):
        x = add_layer(graph, config, tensors, n, x)
    last = graph.node("Gather", [x, graph.constant("last", np.array(-1, np.int64))], "last_row", axis=1)
    gain = graph.constant("final_norm", tensors["model.norm.weight"])
    h = graph.node("SimplifiedLayerNormalization", [last, gain], "normed", axis=-1, epsilon=config["rms_norm_eps"])
    head = tensors.get("lm_head.weight", tensors["model.embed_tokens.weight"])
    graph.node("MatMul", [h, graph.constant("head", head.T)], "logits")
    cache = [1, config["num_key_value_heads"], context, config["head_dim"]]
    layers = range(config["num_hidden_layers"])

    def values(name: str) -> list:
        return [
            helper.make_tensor_value_info(f"{name}.{n}.{part}", TensorProto.FLOAT, cache) for n in layers for part in "kv"
        ]

    inputs = [
        helper.make_tensor_value_info("ids", TensorProto.INT64, [1, "n"]),
        helper.make_tensor_value_info("seqlens", TensorProto.INT32, [1]),
        helper.make_tensor_value_info("total", TensorProto.INT32, [1]),
        *values("past"),
    ]
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, config["vocab_size"]])
    made = helper.make_graph(graph.nodes, "decoder", inputs, [logits, *values("present")], graph.constants)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    onnx.save(helper.make_model(made, opset_imports=opsets, ir_version=9), str(path))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--context", type=int, default=512)
    options = parser.parse_args()
    config, tensors = read_checkpoint(options.checkpoint)
    options.out.mkdir(parents=True, exist_ok=True)
    write_gguf(options.checkpoint, config, tensors, options.out / "model.gguf")
    write_onnx(config, tensors, options.context, options.out / "model.onnx")
    sizes = {key: config[key] for key in ("num_hidden_layers", "num_key_value_heads", "head_dim", "vocab_size")}
    (options.out / "sizes.json").write_text(json.dumps({**sizes, "context": options.context}))


if __name__ == "__main__":
    main()
