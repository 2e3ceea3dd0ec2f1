"""Writes tiny checkpoints whose weights are packed as published ones are, to tests/fixtures/packed.

    python tools/reference/packed_fixtures.py [CASE ...]

Each folder holds config.json and model.safetensors under the names and layouts of fp8 checkpoints, bitsandbytes, GPTQ, AWQ and gpt-oss, and
expected.json: `ids`, and float64 `logits` of the last 4 positions by Transformers over the dequantised weights. What a file packs is
drawn here as integers and scales; the weights are computed from these, not from the file.
"""

import json
import shutil
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

import numpy as np
import torch
from safetensors.torch import save_file
from tiny_checkpoints import significant
from transformers import AutoModelForCausalLM, GptOssConfig, LlamaConfig, Phi3Config
from transformers.integrations.mxfp4 import convert_moe_packed_tensors
from transformers_f64 import load_float64, logits_float64

OUT = Path(__file__).resolve().parents[2] / "tests" / "fixtures" / "packed"
POSITIONS = 4
TOKENS = 9

# QLoRA's levels (Dettmers et al. 2023, appendix E), as float32.
NF4 = np.array(
    [
        -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635,
        -0.18477343022823334, -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725,
        0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0,
    ],
    np.float32,
)  # fmt: skip

Tensors = dict[str, torch.Tensor]
# From a random matrix [out, in] under a module's name: the file's tensors and the float64 weights they stand for.
Packer = Callable[[str, np.ndarray, np.random.Generator], tuple[Tensors, np.ndarray]]


def eight(dtype: torch.dtype, scaling: str, block: int = 32) -> Packer:
    """Eight-bit floats with one scale, one a row or one a block."""
    top = 240.0 if dtype == torch.float8_e4m3fn else 28672.0

    def pack(name: str, weight: np.ndarray, _: np.random.Generator) -> tuple[Tensors, np.ndarray]:
        out, inner = weight.shape
        rows, cols = {"tensor": (out, inner), "channel": (1, inner), "block": (block, block), "none": (out, inner)}[scaling]
        scales = np.zeros((-(-out // rows), -(-inner // cols)), np.float32)
        spread = np.zeros_like(weight)
        for i in range(scales.shape[0]):
            for j in range(scales.shape[1]):
                part = np.s_[i * rows : (i + 1) * rows, j * cols : (j + 1) * cols]
                scales[i, j] = 1 if scaling == "none" else np.abs(weight[part]).max() / top
                if scaling == "channel":
                    scales[i, j] = torch.tensor(scales[i, j]).bfloat16().item()
                spread[part] = scales[i, j]
        stored = torch.tensor(weight / spread, dtype=torch.float32).to(dtype)
        tensors = {f"{name}.weight": stored}
        if scaling == "tensor":
            tensors[f"{name}.weight_scale_inv"] = torch.tensor(scales[0, 0])
            tensors[f"{name}.activation_scale"] = torch.tensor(0.5)
        elif scaling == "channel":
            tensors[f"{name}.weight_scale"] = torch.tensor(scales).bfloat16()
        elif scaling == "block":
            tensors[f"{name}.weight_scale_inv"] = torch.tensor(scales)
        return tensors, stored.double().numpy() * spread

    return pack


def dynamic_map() -> np.ndarray:
    """256 levels for scales of scales; any increasing list will do, for the file holds it."""
    half = np.concatenate([np.linspace(0.1, 1, 2 ** (i + 1) + 1)[:-1] * 10.0 ** (i - 6) for i in range(7)])
    levels = np.unique(np.concatenate([-half, half, [0.0, 1.0]]))
    return np.interp(np.linspace(0, 1, 256), np.linspace(0, 1, len(levels)), levels).astype(np.float32)


def nf4(nested: bool) -> Packer:
    def pack(name: str, weight: np.ndarray, random: np.random.Generator) -> tuple[Tensors, np.ndarray]:
        out, inner = weight.shape
        blocks = weight.reshape(-1, 64)
        absmax = np.abs(blocks).max(1).astype(np.float32)
        index = np.abs(blocks[:, :, None] / absmax[:, None, None] - NF4).argmin(2).astype(np.uint8)
        state = {"quant_type": "nf4", "blocksize": 64, "dtype": "bfloat16", "shape": [out, inner]}
        tensors = {}
        if nested:
            levels, offset = dynamic_map(), float(absmax.mean())
            outer = np.abs(absmax - offset)
            outer = np.array([outer[i : i + 256].max() for i in range(0, len(outer), 256)], np.float32)
            near = ((absmax - offset) / np.repeat(outer, 256)[: len(absmax)])[:, None] - levels
            small = np.abs(near).argmin(1).astype(np.uint8)
            absmax = levels[small].astype(np.float64) * np.repeat(outer, 256)[: len(small)] + offset
            state |= {"nested_blocksize": 256, "nested_dtype": "float32", "nested_offset": offset}
            tensors[f"{name}.weight.nested_absmax"] = torch.tensor(outer)
            tensors[f"{name}.weight.nested_quant_map"] = torch.tensor(levels)
            tensors[f"{name}.weight.absmax"] = torch.tensor(small)
        else:
            tensors[f"{name}.weight.absmax"] = torch.tensor(absmax)
        flat = index.reshape(-1)
        tensors[f"{name}.weight"] = torch.tensor((flat[0::2] << 4) | flat[1::2]).reshape(-1, 1)
        tensors[f"{name}.weight.quant_map"] = torch.tensor(NF4)
        text = json.dumps(state).encode()
        tensors[f"{name}.weight.quant_state.bitsandbytes__nf4"] = torch.tensor(list(text), dtype=torch.uint8)
        return tensors, (NF4[index].astype(np.float64) * absmax[:, None]).reshape(out, inner)

    return pack


def packed_words(values: np.ndarray, order: list[int]) -> np.ndarray:
    """Eight values of the last axis a word: nibble i is value order[i]."""
    eights = values.reshape(*values.shape[:-1], -1, 8)[..., order].astype(np.uint32)
    return np.bitwise_or.reduce(eights << (4 * np.arange(8, dtype=np.uint32)), axis=-1).view(np.int32)


PLAIN = list(range(8))
INTERLEAVED = [0, 2, 4, 6, 1, 3, 5, 7]


def four(method: str, group: int, symmetric: bool = False, zero_less: int = 1) -> Packer:
    """Integers of GPTQ, packed along the inputs, or of AWQ, packed along the outputs."""

    def pack(name: str, weight: np.ndarray, random: np.random.Generator) -> tuple[Tensors, np.ndarray]:
        out, inner = weight.shape
        of = np.arange(inner) // (inner if group == -1 else group)
        groups = of[-1] + 1
        scales = np.zeros((groups, out), np.float16)
        zeros = np.zeros((groups, out), np.int64)
        for g in range(groups):
            part = weight[:, of == g]
            low, high = np.minimum(part.min(1), 0), np.maximum(part.max(1), 0)
            if symmetric:
                high = np.maximum(np.abs(low), high)
                low = -high
            scales[g] = ((high - low) / 15).astype(np.float16)
            zeros[g] = 8 if symmetric else np.clip(np.round(-low / scales[g].astype(np.float64)), 1, 15)
        wide, zero = scales.astype(np.float64).T[:, of], zeros.T[:, of]
        q = np.clip(np.round(weight / wide) + zero, 0, 15).astype(np.int64)  # [out, in]
        if method == "gptq":
            tensors = {
                "qweight": torch.tensor(packed_words(q, PLAIN).T.copy()),
                "qzeros": torch.tensor(packed_words(zeros - zero_less, PLAIN)),
                "g_idx": torch.tensor(of.astype(np.int32)),
            }
        else:
            tensors = {
                "qweight": torch.tensor(packed_words(q.T, INTERLEAVED)),
                "qzeros": torch.tensor(packed_words(zeros, INTERLEAVED)),
            }
        tensors["scales"] = torch.tensor(scales)
        return {f"{name}.{key}": value for key, value in tensors.items()}, (q - zero) * wide

    return pack


def four_bit_floats(shape: torch.Size, random: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Blocks and exponents of random experts [experts, in, out], as files have them: [experts, out, in / 32, 16] and one fewer."""
    experts, inner, out = shape
    blocks = random.integers(0, 256, (experts, out, inner // 32, 16), np.uint8)
    return torch.tensor(blocks), torch.tensor(random.integers(122, 126, (experts, out, inner // 32), np.uint8))


@dataclass
class Case:
    name: str
    packer: Packer
    quantization: dict | None
    config: object = None
    everything: bool = False
    changes: dict = field(default_factory=dict)


SMALL = {"vocab_size": 64, "num_hidden_layers": 1, "tie_word_embeddings": True, "pad_token_id": None}
LLAMA = LlamaConfig(
    hidden_size=64, intermediate_size=96, num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64, **SMALL
)
PHI3 = Phi3Config(
    hidden_size=64, intermediate_size=96, num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64,
    original_max_position_embeddings=64, bos_token_id=1, eos_token_id=2, **SMALL,
)  # fmt: skip
GPT_OSS = GptOssConfig(
    hidden_size=64, intermediate_size=32, num_attention_heads=4, num_key_value_heads=2, head_dim=16, num_local_experts=5,
    num_experts_per_tok=2, sliding_window=6, eos_token_id=2, **(SMALL | {"num_hidden_layers": 2, "tie_word_embeddings": False}),
)  # fmt: skip
GPTQ = {"quant_method": "gptq", "bits": 4, "desc_act": False}
BNB = {"quant_method": "bitsandbytes", "load_in_4bit": True, "load_in_8bit": False, "bnb_4bit_quant_type": "nf4"}
FP8 = {"quant_method": "fp8", "activation_scheme": "dynamic"}
COMPRESSED = {"quant_method": "compressed-tensors", "format": "float-quantized", "ignore": ["lm_head"]}
E4M3, E5M2 = torch.float8_e4m3fn, torch.float8_e5m2
CASES = [
    Case("f8-tensor", eight(E4M3, "tensor"), FP8 | {"activation_scheme": "static", "weight_block_size": None}),
    Case("f8-channel", eight(E4M3, "channel"), COMPRESSED),
    Case("f8-block", eight(E4M3, "block"), FP8 | {"weight_block_size": [32, 32]}),
    Case("f8-e5m2", eight(E5M2, "channel"), COMPRESSED),
    Case("f8-plain", eight(E5M2, "none"), None, everything=True),
    Case("nf4", nf4(True), BNB | {"bnb_4bit_use_double_quant": True}),
    Case("nf4-single", nf4(False), BNB),
    Case("gptq", four("gptq", 32), GPTQ | {"group_size": 32, "sym": False}),
    Case("gptq-symmetric", four("gptq", -1, True), GPTQ | {"group_size": -1, "sym": True}),
    Case("gptq-v2", four("gptq", 64, False, 0), GPTQ | {"group_size": 64, "sym": False, "checkpoint_format": "gptq_v2"}, PHI3),
    Case("awq", four("awq", 32), {"quant_method": "awq", "bits": 4, "group_size": 32, "zero_point": True, "version": "gemm"}),
    # Experts alone are packed, and what packs the rest changes nothing.
    Case("mxfp4", eight(E4M3, "tensor"), {"quant_method": "mxfp4", "modules_to_not_convert": ["model.layers.*.self_attn"]}, GPT_OSS),
    Case("awq-phi3", four("awq", 32), {"quant_method": "awq", "bits": 4, "group_size": 32, "version": "gemm"}, PHI3),
]


def write(case: Case) -> None:
    seed = sum(case.name.encode())
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    config = case.config or LLAMA
    model = AutoModelForCausalLM.from_config(config).half()
    modules = {
        name: type(module).__name__ == "Conv1D"
        for name, module in model.named_modules()
        if type(module).__name__ in ("Linear", "Conv1D") and name != "lm_head" and config is not GPT_OSS
    }
    stored, plain = {}, {}
    for name, tensor in model.state_dict().items():
        if name == "lm_head.weight" and config.tie_word_embeddings:
            continue
        if name.endswith(("experts.gate_up_proj", "experts.down_proj")):
            blocks, scales = four_bit_floats(tensor.shape, random)
            stored |= {f"{name}_blocks": blocks, f"{name}_scales": scales}
            plain[name] = convert_moe_packed_tensors(blocks, scales, dtype=torch.float64)
            continue
        owner = name.removesuffix(".weight")
        values = tensor.double().numpy()
        if owner in modules:
            turned = modules[owner]
            shape = values.T.shape if turned else values.shape
            tensors, weight = case.packer(owner, random.normal(0, 0.2, shape), random)
            stored |= tensors
            plain[name] = torch.tensor(weight.T.copy() if turned else weight)
        elif case.everything:
            packed = torch.tensor(values + random.normal(0, 0.3, values.shape)).to(E5M2)
            stored[name], plain[name] = packed, packed.double()
        else:
            values = values + random.normal(0, 0.1, values.shape)
            stored[name] = torch.tensor(values).half()
            plain[name] = stored[name].double()
    folder = OUT / case.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as scratch:
        config.architectures = [type(model).__name__]
        config.save_pretrained(scratch)
        save_file(plain, Path(scratch) / "model.safetensors", {"format": "pt"})
        ids = [int(i) for i in random.integers(3, config.vocab_size, TOKENS)]
        logits = logits_float64(load_float64(Path(scratch)), ids)
    fields = config.to_dict()
    fields = {key: value for key, value in fields.items() if value is not None}
    if case.quantization:
        fields["quantization_config"] = case.quantization
    (folder / "config.json").write_text(json.dumps(fields, indent=1) + "\n")
    save_file({name: tensor.contiguous() for name, tensor in stored.items()}, folder / "model.safetensors", {"format": "pt"})
    expected = {"ids": ids, "logits": significant(logits[-POSITIONS:])}
    (folder / "expected.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")
    print(case.name, sum(path.stat().st_size for path in folder.iterdir()))


def main() -> None:
    wanted = sys.argv[1:]
    for case in CASES:
        if not wanted or case.name in wanted:
            write(case)


if __name__ == "__main__":
    main()
