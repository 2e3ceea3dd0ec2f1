"""Writes adapters as PEFT saves them, with float64 logits of the adapted tiny checkpoints, to tests/fixtures/peft.

    python tools/reference/peft_fixtures.py [CASE ...]

Each folder holds adapter_config.json and adapter_model.safetensors by `save_pretrained`, and expected.json: `base` (a
folder of tests/fixtures/models), `ids`, `logits` of the last 4 positions and `maxDelta`, the largest change of any of
those logits against the base. The logits come from the files as PEFT loads them again, not from the model in memory.
"""

import json
import os
import shutil
import sys
import warnings
from dataclasses import dataclass, field
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from tiny_checkpoints import significant
from transformers import AutoModelForCausalLM
from transformers_f64 import load_float64, logits_float64, widen

FIXTURES = Path(__file__).resolve().parents[2] / "tests" / "fixtures"
POSITIONS = 4
SAME = 1e-9


@dataclass
class PeftCase:
    name: str
    base: str
    options: dict
    dtype: torch.dtype = torch.float32
    # Changes made to adapter_config.json after PEFT wrote it, as older versions or other writers have it.
    rewrite: dict = field(default_factory=dict)
    tokens: int = 24


LLAMA_LINEARS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
ATTENTION = ["q_proj", "k_proj", "v_proj", "o_proj"]
CASES = [
    PeftCase("llama-plain", "llama", {"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "v_proj"]}),
    PeftCase(
        "llama-all-linear-f16",
        "llama",
        {"target_modules": "all-linear"},
        torch.float16,
        rewrite={"target_modules": "all-linear"},  # PEFT spells the matched modules out
    ),
    PeftCase(
        "llama-regex",
        "llama",
        {"target_modules": r".*layers\.1\.(self_attn\.(q|o)_proj|mlp\.down_proj)"},
    ),
    PeftCase(
        "llama-patterns",
        "llama",
        {
            "target_modules": ["q_proj", "v_proj", "up_proj", "down_proj"],
            "rank_pattern": {"q_proj": 4, r"^model.layers.1.mlp.up_proj": 3, r"layers.0.*.down_proj": 1},
            "alpha_pattern": {"v_proj": 7, r"layers\.1\.mlp\..*": 1},
        },
    ),
    PeftCase(
        "llama-layers",
        "llama",
        {"target_modules": ["k_proj", "gate_proj"], "layers_to_transform": [1], "layers_pattern": "layers"},
    ),
    PeftCase("llama-dora", "llama", {"target_modules": LLAMA_LINEARS, "use_dora": True}),
    PeftCase("llama-embedding-head", "llama", {"target_modules": ["embed_tokens", "lm_head", "v_proj"]}),
    PeftCase("llama-embedding-dora", "llama", {"target_modules": ["embed_tokens", "o_proj"], "use_dora": True}),
    PeftCase("llama-save-head", "llama", {"target_modules": ["q_proj"], "modules_to_save": ["lm_head"]}),
    PeftCase(
        "llama-save-embedding-norm",
        "llama",
        {"target_modules": ["down_proj"], "modules_to_save": ["embed_tokens", "model.norm", "input_layernorm"]},
    ),
    PeftCase("llama-bias-all", "llama-tied-bias", {"target_modules": ["q_proj", "down_proj"], "bias": "all"}),
    PeftCase("llama-tied-embedding", "llama-tied-bias", {"target_modules": ["embed_tokens", "q_proj"]}),
    PeftCase("qwen2-plain-bf16", "qwen2", {"target_modules": ["q_proj", "k_proj", "v_proj"]}, torch.bfloat16),
    PeftCase(
        "qwen2-rslora",
        "qwen2",
        {"r": 4, "target_modules": "all-linear", "exclude_modules": ["down_proj"], "use_rslora": True},
    ),
    PeftCase(
        "qwen2-dora-rslora",
        "qwen2",
        {
            "target_modules": ["q_proj", "up_proj"],
            "use_dora": True,
            "use_rslora": True,
            "rank_pattern": {"up_proj": 4},
        },
    ),
    PeftCase("qwen2-bias-lora-only", "qwen2", {"target_modules": ["q_proj", "v_proj"], "bias": "lora_only"}),
    PeftCase("qwen2-tied-head", "qwen2", {"target_modules": ["lm_head", "v_proj"]}),
    PeftCase(
        "qwen2-tied-both",
        "qwen2",
        {"target_modules": ["embed_tokens", "v_proj"], "ensure_weight_tying": True},
    ),
    PeftCase("qwen2-save-tied", "qwen2", {"target_modules": ["q_proj"], "modules_to_save": ["embed_tokens"]}),
    PeftCase(
        "qwen2-save-tied-both",
        "qwen2",
        {"target_modules": ["q_proj"], "modules_to_save": ["embed_tokens"], "ensure_weight_tying": True},
    ),
    PeftCase(
        "gpt2-fan-in-fan-out",
        "gpt2",
        {"r": 4, "target_modules": ["c_attn", "c_proj"], "fan_in_fan_out": True},
    ),
    PeftCase(
        "gpt2-fan-spelled-false",
        "gpt2",
        {"target_modules": ["c_attn"], "fan_in_fan_out": True},
        rewrite={"fan_in_fan_out": False},
    ),
    PeftCase("gpt2-all-linear", "gpt2-untied", {"target_modules": "all-linear", "fan_in_fan_out": True}),
    PeftCase("gpt2-dora", "gpt2", {"target_modules": ["c_attn", "c_fc"], "use_dora": True, "fan_in_fan_out": True}),
    PeftCase("gpt2-bias-all", "gpt2", {"target_modules": ["c_attn"], "bias": "all", "fan_in_fan_out": True}),
    PeftCase("gpt2-embeddings", "gpt2-untied", {"target_modules": ["wte", "wpe"]}),
    PeftCase(
        "gpt2-save-head-norm",
        "gpt2-untied",
        {"target_modules": ["c_fc"], "modules_to_save": ["lm_head", "ln_f"], "fan_in_fan_out": True},
        torch.float16,
    ),
    PeftCase("qwen3-all-linear", "qwen3", {"target_modules": LLAMA_LINEARS, "r": 4}, tokens=64),
    PeftCase("gemma3-all-linear", "gemma3", {"target_modules": LLAMA_LINEARS}, torch.float16, tokens=64),
    PeftCase("mistral-window-all-linear", "mistral-window", {"target_modules": LLAMA_LINEARS}, tokens=64),
    PeftCase("phi3-all-linear", "phi3", {"target_modules": "all-linear", "r": 4}, tokens=64),
    PeftCase("phi3-dora", "phi3", {"target_modules": ["qkv_proj", "gate_up_proj"], "use_dora": True}),
    PeftCase("gpt-neox-all-linear", "gpt-neox", {"target_modules": "all-linear"}, torch.float16, tokens=64),
    PeftCase(
        "gpt-neox-ends",
        "gpt-neox",
        {"target_modules": ["query_key_value", "embed_in", "lm_head"], "bias": "lora_only"},
    ),
    PeftCase("gpt-neox-dora", "gpt-neox-serial", {"target_modules": ["query_key_value"], "use_dora": True}),
    PeftCase("opt-all-linear", "opt", {"target_modules": "all-linear"}, tokens=64),
    PeftCase("opt-bias-all", "opt", {"target_modules": ["q_proj", "out_proj", "fc2"], "bias": "all"}),
    PeftCase("opt-post-norm-save", "opt-post-norm", {"target_modules": ["fc1"], "modules_to_save": ["lm_head"]}),
    PeftCase("qwen3-moe-attention", "qwen3-moe", {"target_modules": ATTENTION}, tokens=64),
    PeftCase("gpt-oss-attention", "gpt-oss", {"target_modules": ATTENTION, "r": 4}, torch.float16, tokens=64),
    # The experts are no modules of their own: gate, up and down are those of the shared one.
    PeftCase(
        "qwen2-moe-shared",
        "qwen2-moe",
        {"target_modules": [*LLAMA_LINEARS, "shared_expert_gate"]},
        tokens=64,
    ),
    # Low ranks on the parameters of experts, whose module PEFT wraps once for each.
    PeftCase(
        "qwen3-moe-experts",
        "qwen3-moe",
        {
            "target_modules": ["v_proj"],
            "target_parameters": ["mlp.experts.gate_up_proj", "mlp.experts.down_proj"],
            "rank_pattern": {"experts.down_proj": 3},
        },
    ),
    PeftCase(
        "gpt-oss-experts",
        "gpt-oss",
        {"target_modules": [], "target_parameters": ["experts.gate_up_proj", "experts.down_proj"], "use_rslora": True},
    ),
    # Modules that checkpoints name and classes do not: PEFT turns them into parameters.
    PeftCase("mixtral-experts", "mixtral", {"target_modules": ["k_proj", "w1", "w2", "w3"]}),
    PeftCase("olmoe-down", "olmoe", {"target_modules": [], "target_parameters": ["down_proj"]}, torch.float16),
]


def randomise(model: PeftModel, generator: torch.Generator) -> None:
    """Non-zero values for all the adapter trains; replaced modules, biases and magnitudes move off the base's."""
    for name, p in model.named_parameters():
        if not p.requires_grad:
            continue
        noise = torch.randn(p.shape, generator=generator)
        if "lora_A" in name:
            value = noise / p.shape[1] ** 0.5
        elif "lora_embedding_A" in name:
            value = 0.5 * noise
        elif "lora_B" in name or "lora_embedding_B" in name:
            value = 0.3 * noise
        elif "magnitude" in name:
            value = p.data * (1 + 0.2 * noise)
        else:
            value = p.data + 0.2 * noise * (p.data.std() if p.ndim > 1 else 1)
        p.data.copy_(value)  # in place: parameters PEFT has tied share this memory


def save_adapter(case: PeftCase, base_folder: Path, folder: Path, seed: int) -> PeftModel:
    eager = {"attn_implementation": "eager", "experts_implementation": "eager"}
    base = AutoModelForCausalLM.from_pretrained(base_folder, dtype=torch.float32, **eager)
    base.config._name_or_path = base.name_or_path = f"tiny/{case.base}"
    torch.manual_seed(seed)
    options = {"r": 2, "lora_alpha": 6, "task_type": "CAUSAL_LM"} | case.options
    model = get_peft_model(base, LoraConfig(**options))
    randomise(model, torch.Generator().manual_seed(seed))
    for p in model.parameters():
        if p.requires_grad:
            p.data = p.data.to(case.dtype)
    model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    (folder / "adapter_model.safetensors").chmod(0o644)
    path = folder / "adapter_config.json"
    config = json.loads(path.read_text()) | case.rewrite
    for field in ("target_modules", "target_parameters"):
        if isinstance(config[field], list):
            config[field].sort()  # PEFT writes a set, in an order that changes from run to run
    path.write_text(json.dumps(config, indent=2) + "\n")
    return model


def write_case(case: PeftCase, seed: int, models: Path = FIXTURES / "models", out: Path = FIXTURES / "peft") -> None:
    folder, base_folder = out / case.name, models / case.base
    shutil.rmtree(folder, ignore_errors=True)
    saved = save_adapter(case, base_folder, folder, seed)
    ids = json.loads((base_folder / "expected.json").read_text())["ids"][: case.tokens]
    base = load_float64(base_folder)
    plain = logits_float64(base, ids)[-POSITIONS:]
    loaded = PeftModel.from_pretrained(base, folder, autocast_adapter_dtype=False).double().eval()
    logits = logits_float64(loaded, ids)[-POSITIONS:]
    in_memory = logits_float64(widen(saved), ids)[-POSITIONS:]
    apart = (in_memory - logits).abs().max().item()
    delta = (logits - plain).abs().max().item()
    expected = {"base": case.base, "ids": ids, "logits": significant(logits), "maxDelta": float(f"{delta:.4g}")}
    (folder / "expected.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")
    size = sum(f.stat().st_size for f in folder.iterdir()) / 1000
    note = "" if apart < SAME else f"  (in memory before saving: {apart:.1e} apart)"
    print(f"{case.name:26} {size:6.1f} kB  max |logit change| {delta:.2f}{note}")


def main() -> None:
    warnings.filterwarnings("ignore")
    wanted = set(sys.argv[1:])
    for number, case in enumerate(CASES):
        if not wanted or case.name in wanted:
            write_case(case, seed=2000 + number)


if __name__ == "__main__":
    main()
