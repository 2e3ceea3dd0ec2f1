"""Checks tests/fixtures/peft against an own reading of PEFT's files: numpy merge, then forward.py.

    python tools/reference/check_peft.py

With s = alpha / r (rsLoRA: alpha / sqrt(r)), r read from A:
  linear      W' = W + s B A, W [out, in]; Conv1D stores W' transposed whatever `fan_in_fan_out` says
  embedding   W' = W + s (B A)^T, W [vocab, hidden], A [r, vocab], B [hidden, r]
  DoRA        W' = m / |W + s B A| * (W + s B A); norms are treated per output row, for embeddings per hidden column
  otherwise   the tensor replaces the base's; `base_layer.` in a name means the wrapped module itself
A tied head keeps the unadapted embedding unless the file names `lm_head`.
"""

import json
import re
import sys
from pathlib import Path

import numpy as np
from checkpoint import read_checkpoint, read_safetensors
from forward import make_forward, run_forward

FIXTURES = Path(__file__).resolve().parents[2] / "tests" / "fixtures"
LORA_PARTS = r"\.(lora_A\.weight|lora_B\.weight|lora_embedding_A|lora_embedding_B|lora_magnitude_vector)$"
# expected.json keeps 7 significant digits of logits below 100.
ROUNDING = 5e-6

Tensors = dict[str, np.ndarray]


def by_pattern(patterns: dict[str, float], module: str, default: float) -> float:
    """The first pattern that matches the module's name or a dotted tail of it."""
    return next((v for key, v in patterns.items() if re.match(rf"(.*\.)?({key})$", module)), default)


def scale_of(config: dict, module: str, rank: int) -> float:
    alpha = by_pattern(config["alpha_pattern"], module, config["lora_alpha"])
    assert rank == by_pattern(config["rank_pattern"], module, config["r"]), f"{module}: rank {rank}"
    return alpha / (np.sqrt(rank) if config["use_rslora"] else rank)


def merged(weight: np.ndarray, parts: Tensors, scale_for: float, out_axis: int) -> np.ndarray:
    """One adapted matrix; `out_axis` is the axis of `weight` that B's rows run along."""
    a = parts.get("lora_A.weight", parts.get("lora_embedding_A"))
    b = parts.get("lora_B.weight", parts.get("lora_embedding_B"))
    delta = scale_for * (b @ a)
    adapted = weight + (delta if out_axis == 0 else delta.T)
    if "lora_magnitude_vector" not in parts:
        return adapted
    norm = np.sqrt((adapted**2).sum(axis=1 - out_axis, keepdims=True))
    magnitude = parts["lora_magnitude_vector"]
    return adapted / norm * (magnitude[:, None] if out_axis == 0 else magnitude)


def apply_adapter(base: Tensors, config: dict, adapter: Tensors) -> Tensors:
    """The base's tensors with every tensor of the adapter used."""
    result = dict(base)
    embedding = next(n for n in base if n.endswith(("embed_tokens.weight", "wte.weight")))
    result.setdefault("lm_head.weight", base[embedding])
    groups: dict[str, Tensors] = {}
    for key, tensor in adapter.items():
        name = key.removeprefix("base_model.model.")
        if part := re.search(LORA_PARTS, name):
            groups.setdefault(name[: part.start()], {})[part[1]] = tensor
        else:
            result[name.replace(".base_layer", "")] = tensor
    for module, parts in groups.items():
        rank = parts.get("lora_A.weight", parts.get("lora_embedding_A")).shape[0]
        turned = "lora_embedding_A" in parts or ".h." in module
        name = module + ".weight"
        result[name] = merged(result[name], parts, scale_of(config, module, rank), 1 if turned else 0)
    return result


def check_case(folder: Path) -> bool:
    expected = json.loads((folder / "expected.json").read_text())
    config, base = read_checkpoint(FIXTURES / "models" / expected["base"])
    adapter_config = json.loads((folder / "adapter_config.json").read_text())
    tensors = apply_adapter(base, adapter_config, read_safetensors(folder / "adapter_model.safetensors"))
    forward = make_forward(config, tensors)
    logits = run_forward(forward, expected["ids"])["logits"][-len(expected["logits"]) :]
    error = np.abs(logits - expected["logits"]).max()
    print(f"{'ok  ' if error < ROUNDING else 'FAIL'} {folder.name:26} max |logit - PEFT| {error:.1e}")
    return bool(error < ROUNDING)


if __name__ == "__main__":
    results = [check_case(folder) for folder in sorted((FIXTURES / "peft").iterdir())]
    sys.exit(0 if all(results) else 1)
