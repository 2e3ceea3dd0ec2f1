"""Writes tests/fixtures/gguf/: what the `gguf` package makes of quantised blocks.

dequantise.json: per type the values of two blocks, and the SHA-256 of the f32 values of many more, in which every bit
pattern of each float16 scale occurs. Blocks are bytes of a counter-based generator that a test can repeat: word i of a
type is mix(i + id * 0x9E3779B9), mix being the finaliser of MurmurHash3; scale s of block b is then overwritten with
(b * STRIDES[s]) mod 65536. NaNs are made 0x7FC00000 before hashing, as languages differ in their payloads.

names.json: per architecture the tensor names of a checkpoint (as Transformers saves it, one layer) and those that
`gguf`'s own name map gives them.
"""

import base64
import hashlib
import json
import re
from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type

OUT = Path(__file__).resolve().parents[2] / "tests/fixtures/gguf"
BLOCKS = 65536
STRIDES = (1, 40503)

# Byte offsets of the float16 scales within a block.
SCALES = {
    Type.F32: (),
    Type.F16: (0,),
    Type.BF16: (0,),
    Type.Q8_0: (0,),
    Type.Q4_0: (0,),
    Type.Q4_1: (0, 2),
    Type.Q5_0: (0,),
    Type.Q5_1: (0, 2),
    Type.Q2_K: (80, 82),
    Type.Q3_K: (108,),
    Type.Q4_K: (0, 2),
    Type.Q5_K: (0, 2),
    Type.Q6_K: (208,),
    Type.IQ4_NL: (0,),
    Type.IQ4_XS: (0,),
    Type.MXFP4: (),
}


def mix(words: np.ndarray) -> np.ndarray:
    words = words.astype(np.uint32)
    words ^= words >> np.uint32(16)
    words *= np.uint32(0x85EBCA6B)
    words ^= words >> np.uint32(13)
    words *= np.uint32(0xC2B2AE35)
    words ^= words >> np.uint32(16)
    return words


def blocks_of(kind: Type) -> np.ndarray:
    """[BLOCKS, bytes of a block]"""
    size = gguf.GGML_QUANT_SIZES[kind][1]
    count = -(-BLOCKS * size // 4)
    words = mix(np.arange(count, dtype=np.uint32) + np.uint32(int(kind) * 0x9E3779B9 & 0xFFFFFFFF))
    blocks = words.view(np.uint8)[: BLOCKS * size].reshape(BLOCKS, size).copy()
    for at, stride in zip(SCALES[kind], STRIDES):
        scales = (np.arange(BLOCKS, dtype=np.uint32) * np.uint32(stride) & np.uint32(0xFFFF)).astype("<u2")
        blocks[:, at : at + 2] = scales.view(np.uint8).reshape(BLOCKS, 2)
    return blocks


def record(kind: Type) -> dict:
    blocks = blocks_of(kind)
    with np.errstate(all="ignore"):
        values = gguf.dequantize(blocks, kind).astype(np.float32).reshape(BLOCKS, -1)
    bits = values.view(np.uint32).copy()
    bits[np.isnan(values)] = 0x7FC00000
    first = bits[[15360, 48128]]  # float16 scales 1 and -1
    return {
        "type": kind.name,
        "id": int(kind),
        "blockBytes": blocks.shape[1],
        "scales": SCALES[kind],
        "blocks": [15360, 48128],
        "values": base64.b64encode(first.astype("<u4").tobytes()).decode(),
        "sha256": hashlib.sha256(bits.astype("<u4").tobytes()).hexdigest(),
    }


NORM_PAIR = "input_layernorm post_attention_layernorm"
FOUR_NORMS = f"{NORM_PAIR} pre_feedforward_layernorm post_feedforward_layernorm"
SELF_ATTN = "self_attn.q_proj self_attn.k_proj self_attn.v_proj self_attn.o_proj"
QK_NORMS = "self_attn.q_norm self_attn.k_norm"
MLP = "mlp.gate_proj mlp.up_proj mlp.down_proj"
EXPERTS = "mlp.gate mlp.experts.0.gate_proj mlp.experts.0.up_proj mlp.experts.0.down_proj"
SHARED = "mlp.shared_expert_gate mlp.shared_expert.gate_proj mlp.shared_expert.up_proj mlp.shared_expert.down_proj"
SPARSE = "block_sparse_moe.gate block_sparse_moe.experts.0.w1 block_sparse_moe.experts.0.w2 block_sparse_moe.experts.0.w3"
GPT2 = "ln_1 attn.c_attn attn.c_proj ln_2 mlp.c_fc mlp.c_proj"

# Table -> (architecture of the package, modules of a layer).
MODULES = {
    "llama": ("llama", f"{NORM_PAIR} {SELF_ATTN} {MLP}"),
    "mixtral": ("llama", f"{NORM_PAIR} {SELF_ATTN} {SPARSE}"),
    "granite": ("granite", f"{NORM_PAIR} {SELF_ATTN} {MLP}"),
    "granitemoe": ("granitemoe", f"{NORM_PAIR} {SELF_ATTN} {EXPERTS.replace('mlp.gate ', 'block_sparse_moe.router.layer ')}"),
    "smollm3": ("smollm3", f"{NORM_PAIR} {SELF_ATTN} {MLP}"),
    "qwen2": ("qwen2", f"{NORM_PAIR} {SELF_ATTN} {MLP}"),
    "qwen2moe": ("qwen2moe", f"{NORM_PAIR} {SELF_ATTN} {EXPERTS} {SHARED}"),
    "qwen3": ("qwen3", f"{NORM_PAIR} {SELF_ATTN} {QK_NORMS} {MLP}"),
    "qwen3moe": ("qwen3moe", f"{NORM_PAIR} {SELF_ATTN} {QK_NORMS} {EXPERTS}"),
    "olmo2": ("olmo2", f"post_attention_layernorm post_feedforward_layernorm {SELF_ATTN} {QK_NORMS} {MLP}"),
    "olmoe": ("olmoe", f"{NORM_PAIR} {SELF_ATTN} {QK_NORMS} {EXPERTS}"),
    "gemma": ("gemma", f"{NORM_PAIR} {SELF_ATTN} {MLP}"),
    "gemma2": ("gemma2", f"{FOUR_NORMS} {SELF_ATTN} {MLP}"),
    "gemma3": ("gemma3", f"{FOUR_NORMS} {SELF_ATTN} {QK_NORMS} {MLP}"),
    "phi3": ("phi3", f"{NORM_PAIR} self_attn.qkv_proj self_attn.o_proj mlp.gate_up_proj mlp.down_proj"),
    "gpt-oss": ("gpt-oss", f"{NORM_PAIR} {SELF_ATTN} self_attn.sinks {EXPERTS.replace('mlp.gate ', 'mlp.router ')}"),
    "gpt2": ("gpt2", GPT2),
}


def names_of(architecture: str, modules: str) -> dict[str, str]:
    kind = next(kind for kind, name in gguf.MODEL_ARCH_NAMES.items() if name == architecture)
    table = gguf.get_tensor_name_map(kind, 1)
    if architecture == "gpt2":
        ends, layer = ["transformer.wte", "transformer.wpe", "transformer.ln_f", "lm_head"], "transformer.h.0."
    else:
        ends, layer = ["model.embed_tokens", "model.norm", "lm_head"], "model.layers.0."
    names = ends + [layer + module for module in modules.split()]
    found = {}
    for name in names:
        # The package's map has merged experts without their number.
        other = table.get_name(re.sub(r"experts\.0\.", "experts.", name))
        if other is not None:
            found[name] = other
    return found


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    names = {table: names_of(*modules) for table, modules in MODULES.items()}
    (OUT / "names.json").write_text(json.dumps(names, indent=1) + "\n")
    fixture = {"blocks": BLOCKS, "strides": STRIDES, "types": [record(kind) for kind in SCALES]}
    (OUT / "dequantise.json").write_text(json.dumps(fixture, indent=1) + "\n")


if __name__ == "__main__":
    main()
