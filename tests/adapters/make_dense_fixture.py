"""Writes tests/fixtures/adapters/dense.json: what PEFT's own modules compute for every case of tests/fixtures/peft.

    python tests/adapters/make_dense_fixture.py

Each case is loaded by PEFT in float64. For every step whose module the adapter changes, a linear module (bias included) is
run on x[i] = cos(1 + 0.7 i), an embedding gives its table times x, a norm its weight and bias. Fused modules are split
into the steps that share them. Needs what tools/reference needs; x in a matrix product is the only thing the test computes in the same way.
"""

import json
import sys
import warnings
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "reference"))

from peft import PeftModel  # noqa: E402
from transformers import PreTrainedConfig  # noqa: E402
from transformers_f64 import load_float64  # noqa: E402

FIXTURES = ROOT / "tests" / "fixtures"
LLAMA = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn.q",
    "self_attn.k_proj": "attn.k",
    "self_attn.v_proj": "attn.v",
    "self_attn.o_proj": "attn.o",
    "post_attention_layernorm": "mlp_norm",
    "mlp.gate_proj": "mlp.gate",
    "mlp.up_proj": "mlp.up",
    "mlp.down_proj": "mlp.down",
    "mlp.shared_expert.gate_proj": "mlp.shared.gate",
    "mlp.shared_expert.up_proj": "mlp.shared.up",
    "mlp.shared_expert.down_proj": "mlp.shared.down",
    "mlp.shared_expert_gate": "mlp.shared.score",
}
# Norms before and behind each block, as in Gemma 2 and 3.
SANDWICH = {
    "post_attention_layernorm": "attn_post_norm",
    "pre_feedforward_layernorm": "mlp_norm",
    "post_feedforward_layernorm": "mlp_post_norm",
}
GPT2 = {
    "ln_1": "attn_norm",
    "attn.c_attn": "attn.q attn.k attn.v",
    "attn.c_proj": "attn.o",
    "ln_2": "mlp_norm",
    "mlp.c_fc": "mlp.up",
    "mlp.c_proj": "mlp.down",
}
PHI3 = LLAMA | {"self_attn.qkv_proj": "attn.q attn.k attn.v", "mlp.gate_up_proj": "mlp.gate mlp.up"}
GPT_NEOX = {
    "input_layernorm": "attn_norm",
    "attention.query_key_value": "attn.q attn.k attn.v",
    "attention.dense": "attn.o",
    "post_attention_layernorm": "mlp_norm",
    "mlp.dense_h_to_4h": "mlp.up",
    "mlp.dense_4h_to_h": "mlp.down",
}
OPT = {
    "self_attn_layer_norm": "attn_norm",
    "self_attn.q_proj": "attn.q",
    "self_attn.k_proj": "attn.k",
    "self_attn.v_proj": "attn.v",
    "self_attn.out_proj": "attn.o",
    "final_layer_norm": "mlp_norm",
    "fc1": "mlp.up",
    "fc2": "mlp.down",
}
OPT_POST_NORM = OPT | {"self_attn_layer_norm": "attn_post_norm", "final_layer_norm": "mlp_post_norm"}
TOP = {
    "lm_head": "logits",
    "model.embed_tokens": "embed",
    "model.norm": "final_norm",
    "transformer.wte": "embed",
    "transformer.wpe": "positions",
    "transformer.ln_f": "final_norm",
    "gpt_neox.embed_in": "embed",
    "gpt_neox.final_layer_norm": "final_norm",
    "model.decoder.embed_tokens": "embed",
    "model.decoder.final_layer_norm": "final_norm",
}


def layers_of(model: torch.nn.Module) -> tuple[str, dict[str, str]]:
    """Where the layers are, and the steps of their modules."""
    match model.config.model_type:
        case "gpt2":
            return "transformer.h", GPT2
        case "gpt_neox":
            return "gpt_neox.layers", GPT_NEOX
        case "opt":
            return "model.decoder.layers", OPT if model.config.do_layer_norm_before else OPT_POST_NORM
        case "phi3":
            return "model.layers", PHI3
    sandwich = has(model, "model.layers.0.pre_feedforward_layernorm")
    return "model.layers", LLAMA | SANDWICH if sandwich else LLAMA


def steps_of(model: torch.nn.Module) -> dict[str, str]:
    body, names = layers_of(model)
    inner = {
        f"{body}.{n}.{module}": " ".join(f"layers.{n}.{part}" for part in step.split())
        for n in range(model.config.num_hidden_layers)
        for module, step in names.items()
        if has(model, f"{body}.{n}.{module}")
    }
    return inner | {name: step for name, step in TOP.items() if has(model, name)}


def split(values: torch.Tensor, name: str, steps: list[str], config: PreTrainedConfig) -> list[torch.Tensor]:
    """The outputs of a fused module, step by step."""
    if name.endswith("query_key_value"):
        return [part.flatten() for part in values.view(config.num_attention_heads, 3, -1).unbind(1)]
    if name.endswith("qkv_proj"):
        heads = [config.num_attention_heads, config.num_key_value_heads, config.num_key_value_heads]
        return list(values.split([count * len(values) // sum(heads) for count in heads]))
    return list(values.chunk(len(steps)))


def has(model: torch.nn.Module, name: str) -> bool:
    return any(name == other for other, _ in model.named_modules())


def ramp(count: int) -> torch.Tensor:
    return torch.cos(1 + 0.7 * torch.arange(count, dtype=torch.float64))


def project(module: torch.nn.Module, base: torch.nn.Module) -> torch.Tensor:
    if isinstance(base, torch.nn.Embedding):
        return module(torch.arange(base.num_embeddings)) @ ramp(base.embedding_dim)
    weight = base.weight
    if weight.ndim == 1:
        inner = module.modules_to_save["default"] if hasattr(module, "modules_to_save") else module
        parts = [inner.weight, getattr(inner, "bias", None)]
        return torch.cat([part for part in parts if part is not None])
    conv1d = type(base).__name__ == "Conv1D"
    return module(ramp(weight.shape[0] if conv1d else weight.shape[1])[None])[0]


@torch.no_grad()
def write_case(folder: Path) -> dict[str, list[float]]:
    expected = json.loads((folder / "expected.json").read_text())
    plain = load_float64(FIXTURES / "models" / expected["base"])
    base = load_float64(FIXTURES / "models" / expected["base"])
    adapted = PeftModel.from_pretrained(base, folder, autocast_adapter_dtype=False).double().eval()
    result = {}
    for name, step in steps_of(plain).items():
        module = plain.get_submodule(name)
        before = project(module, module)
        after = project(adapted.get_submodule(f"base_model.model.{name}"), module)
        names = step.split()
        cut = (split(values, name, names, plain.config) for values in (before, after))
        for part, old, new in zip(names, *cut, strict=True):
            if (old - new).abs().max() > 0:
                result[part] = [float(f"{value:.9g}") for value in new.tolist()]
    return result


def main() -> None:
    warnings.filterwarnings("ignore")
    cases = {folder.name: write_case(folder) for folder in sorted((FIXTURES / "peft").iterdir())}
    path = FIXTURES / "adapters" / "dense.json"
    path.write_text(json.dumps(cases, separators=(",", ":")) + "\n")
    print(f"{len(cases)} cases, {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
