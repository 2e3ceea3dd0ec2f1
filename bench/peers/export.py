"""Writes a Llama checkpoint for the peers of the bench: GGUF in f32, f16 and q4_0, and two ONNX graphs in f32, and prompts.

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
from tokenizers import Tokenizer


def read_checkpoint(folder: Path) -> tuple[dict, dict[str, np.ndarray]]:
    config = json.loads((folder / "config.json").read_text())
    tensors = load_file(folder / "model.safetensors")
    return config, {name: tensor.astype(np.float32) for name, tensor in tensors.items()}


# ---- GGUF


def interleave(weight: np.ndarray, heads: int) -> np.ndarray:
    """Rows of q or k in the order llama.cpp rotates them: pairs side by side instead of a head's two halves."""
    half = weight.shape[0] // heads // 2
    return weight.reshape(heads, 2, half, -1).swapaxes(1, 2).reshape(weight.shape)


FORMATS = {
    "f32": (gguf.GGMLQuantizationType.F32, gguf.LlamaFileType.ALL_F32),
    "f16": (gguf.GGMLQuantizationType.F16, gguf.LlamaFileType.MOSTLY_F16),
    "q4_0": (gguf.GGMLQuantizationType.Q4_0, gguf.LlamaFileType.MOSTLY_Q4_0),
}


def write_gguf(folder: Path, config: dict, tensors: dict[str, np.ndarray], kind: str, path: Path) -> None:
    """Matrices in the format asked for, the tied embedding too, as the project stores them; norms stay f32."""
    writer = gguf.GGUFWriter(str(path), "llama")
    stored, file_type = FORMATS[kind]
    writer.add_file_type(file_type)
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
        form = stored if tensor.ndim == 2 else gguf.GGMLQuantizationType.F32
        packed = gguf.quants.quantize(np.ascontiguousarray(tensor), form)
        full = names.get_name(name, try_suffixes=(".weight",))
        if form == gguf.GGMLQuantizationType.Q4_0:
            writer.add_tensor(full, packed, raw_dtype=form)
        else:
            writer.add_tensor(full, packed)
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

    def shared(self, name: str, value: np.ndarray) -> str:
        """A constant that several layers use."""
        if all(each.name != name for each in self.constants):
            self.constant(name, value)
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


def fused_attention(graph: Graph, config: dict, n: int, q: str, k: str, v: str) -> str:
    """ONNX Runtime's own operator, RoPE in it, over a cache of fixed size."""
    at = f"model.layers.{n}."
    return graph.node(
        "GroupQueryAttention",
        [q, k, v, f"past.{n}.k", f"past.{n}.v", "seqlens", "total", "cos", "sin"],
        f"{at}attention",
        [f"{at}mix", f"present.{n}.k", f"present.{n}.v"],
        domain="com.microsoft",
        num_heads=config["num_attention_heads"],
        kv_num_heads=config["num_key_value_heads"],
        do_rotary=1,
    )


def plain_attention(graph: Graph, config: dict, n: int, q: str, k: str, v: str) -> str:
    """The same of standard operators over a cache that grows: nothing fused that could be at fault. Cache: [kv heads, positions, size]."""
    at = f"model.layers.{n}.plain."
    heads, kv_heads, size = config["num_attention_heads"], config["num_key_value_heads"], config["head_dim"]
    shape = lambda name, *dims: graph.shared(name, np.array(dims, np.int64))  # noqa: E731

    def split(x: str, count: int, name: str) -> str:
        apart = graph.node("Reshape", [x, shape(f"split.{count}", -1, count, size)], f"{at}{name}.apart")
        return graph.node("Transpose", [apart], f"{at}{name}.heads", perm=[1, 0, 2])

    def rotate(x: str, name: str) -> str:
        low, high = f"{at}{name}.low", f"{at}{name}.high"
        graph.node("Split", [x, shape("halves", size // 2, size // 2)], f"{at}{name}.halves", [low, high], axis=2)
        turned = graph.node("Concat", [graph.node("Neg", [high], f"{at}{name}.neg"), low], f"{at}{name}.turned", axis=2)
        along = graph.node("Mul", [x, "cos.rows"], f"{at}{name}.along")
        return graph.node("Add", [along, graph.node("Mul", [turned, "sin.rows"], f"{at}{name}.across")], f"{at}{name}.rope")

    queries = rotate(split(q, heads, "q"), "q")
    keys = rotate(split(k, kv_heads, "k"), "k")
    present_k = graph.node("Concat", [f"past.{n}.k", keys], f"present.{n}.k", axis=1)
    present_v = graph.node("Concat", [f"past.{n}.v", split(v, kv_heads, "v")], f"present.{n}.v", axis=1)
    # Query heads of one KV head are rows of one product, so that no key is copied.
    grouped = graph.node("Reshape", [queries, shape("grouped", kv_heads, -1, size)], f"{at}grouped")
    across_k = graph.node("Transpose", [present_k], f"{at}keys", perm=[0, 2, 1])
    scores = graph.node("MatMul", [grouped, across_k], f"{at}dots")
    scale = graph.shared("scale", np.array(size**-0.5, np.float32))
    scores = graph.node("Mul", [scores, scale], f"{at}scaled")
    by_head = graph.node("Reshape", [scores, "by_head"], f"{at}by_head")
    probs = graph.node("Softmax", [graph.node("Add", [by_head, "mask"], f"{at}masked")], f"{at}probs", axis=-1)
    flat = graph.node("Reshape", [probs, "by_group"], f"{at}flat")
    mix = graph.node("MatMul", [flat, present_v], f"{at}mixed")
    by_head = graph.node("Reshape", [mix, shape("heads", heads, -1, size)], f"{at}mix.heads")
    rows = graph.node("Transpose", [by_head], f"{at}mix.rows", perm=[1, 0, 2])
    return graph.node("Reshape", [rows, shape("rows", 1, -1, heads * size)], f"{at}mix")


def add_layer(graph: Graph, config: dict, tensors: dict[str, np.ndarray], n: int, x: str, attention) -> str:
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
    mix = attention(graph, config, n, q, k, v)
    x = graph.node("Add", [x, linear(mix, "self_attn.o_proj")], f"{at}mid")
    m = norm(x, "post_attention_layernorm")
    gate = linear(m, "mlp.gate_proj")
    act = graph.node("Mul", [gate, graph.node("Sigmoid", [gate], f"{at}sigmoid")], f"{at}silu")
    act = graph.node("Mul", [act, linear(m, "mlp.up_proj")], f"{at}act")
    return graph.node("Add", [x, linear(act, "mlp.down_proj")], f"{at}out")


def rope_rows(graph: Graph, cos: np.ndarray, sin: np.ndarray) -> None:
    """Rows of the tables at the positions of this run, both halves of a head alike."""
    for name, table in (("cos", cos), ("sin", sin)):
        graph.node("Gather", [graph.constant(name, np.concatenate([table, table], 1)), "positions"], f"{name}.rows")


def write_onnx(config: dict, tensors: dict[str, np.ndarray], context: int, attention, path: Path) -> None:
    """One graph for prompts and single tokens: ids [1, n], logits [1, vocab] of the last."""
    graph = Graph()
    plain = attention is plain_attention
    cos, sin = rope_tables(config, context)
    if plain:
        rope_rows(graph, cos, sin)
    else:
        graph.constant("cos", cos)
        graph.constant("sin", sin)
    table = graph.constant("embed", tensors["model.embed_tokens.weight"])
    x = graph.node("Gather", [table, "ids"], "x")
    for n in range(config["num_hidden_layers"]):
        x = add_layer(graph, config, tensors, n, x, attention)
    last = graph.node("Gather", [x, graph.constant("last", np.array(-1, np.int64))], "last_row", axis=1)
    gain = graph.constant("final_norm", tensors["model.norm.weight"])
    h = graph.node("SimplifiedLayerNormalization", [last, gain], "normed", axis=-1, epsilon=config["rms_norm_eps"])
    head = tensors.get("lm_head.weight", tensors["model.embed_tokens.weight"])
    graph.node("MatMul", [h, graph.constant("head", head.T)], "logits")
    kv_heads, size = config["num_key_value_heads"], config["head_dim"]
    past = [kv_heads, "past", size] if plain else [1, kv_heads, context, size]
    present = [kv_heads, "total", size] if plain else past

    def values(name: str, shape: list) -> list:
        return [
            helper.make_tensor_value_info(f"{name}.{n}.{part}", TensorProto.FLOAT, shape)
            for n in range(config["num_hidden_layers"])
            for part in "kv"
        ]

    info = helper.make_tensor_value_info
    own = (
        [
            info("positions", TensorProto.INT64, ["n"]),
            info("mask", TensorProto.FLOAT, ["n", "total"]),
            info("by_head", TensorProto.INT64, [3]),
            info("by_group", TensorProto.INT64, [3]),
        ]
        if plain
        else [info("seqlens", TensorProto.INT32, [1]), info("total", TensorProto.INT32, [1])]
    )
    inputs = [info("ids", TensorProto.INT64, [1, "n"]), *own, *values("past", past)]
    logits = info("logits", TensorProto.FLOAT, [1, config["vocab_size"]])
    made = helper.make_graph(graph.nodes, "decoder", inputs, [logits, *values("present", present)], graph.constants)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    onnx.save(helper.make_model(made, opset_imports=opsets, ir_version=9), str(path))


# ---- prompts

NAMES = ("Lily", "Tom", "Anna", "Ben", "Mia", "Sam", "Lucy", "Max", "Jack", "Sara", "Tim", "Emma", "Leo", "Amy", "Bob", "Zoe")
STORY = """ was a little child who lived in a small house near the big forest. One sunny day the child wanted to play outside \
with a red ball. The ball rolled down the hill and into the cold river. "Oh no!" said the child. "My ball is gone!" A kind \
bird saw what had happened and came down from the tall tree. "Do not cry," said the bird. "I can help you." The bird flew over \
the water and pushed the ball with its wings. Slowly the ball came back to the green grass. The child was very happy and gave \
the bird some bread. From that day on they were best friends and played together every morning until it was time for lunch."""


def prompts(folder: Path, lengths: tuple[int, ...]) -> dict[int, list[dict]]:
    """Texts of exactly so many tokens, each beginning with another word, so that no engine has read its start before."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    made = {}
    for length in lengths:
        made[length] = []
        for name in NAMES:
            ids = tokenizer.encode(name + STORY, add_special_tokens=False).ids[:length]
            text = tokenizer.decode(ids)
            if len(ids) != length or tokenizer.encode(text, add_special_tokens=False).ids != ids:
                raise SystemExit(f"The prompt of {length} tokens does not survive its own text: {text!r}")
            made[length].append({"text": text, "ids": ids})
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--context", type=int, default=512)
    options = parser.parse_args()
    config, tensors = read_checkpoint(options.checkpoint)
    options.out.mkdir(parents=True, exist_ok=True)
    for kind in FORMATS:
        write_gguf(options.checkpoint, config, tensors, kind, options.out / f"model-{kind}.gguf")
    write_onnx(config, tensors, options.context, fused_attention, options.out / "model.onnx")
    write_onnx(config, tensors, options.context, plain_attention, options.out / "model-plain.onnx")
    (options.out / "prompts.json").write_text(json.dumps(prompts(options.checkpoint, (64, 128))))
    names = ("num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim", "vocab_size")
    sizes = {key: config[key] for key in names}
    (options.out / "sizes.json").write_text(json.dumps({**sizes, "context": options.context}))


if __name__ == "__main__":
    main()
