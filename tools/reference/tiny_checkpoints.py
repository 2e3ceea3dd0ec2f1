"""Writes the tiny random checkpoints under tests/fixtures/models: Transformers' own `save_pretrained`, seeded weights.

    python tools/reference/tiny_checkpoints.py

Each folder holds config.json, model.safetensors (or shards with their index) and expected.json: ids, float64 logits of
the stored weights (7 significant digits, every position) and their argmax; for two models also `dequantised`, the last
4 positions' logits over q8_0 and q4_0 weights. Some folders also hold config.transformers4.json, the same model in the
older spelling.
"""

import json
import math
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from forward import load_forward, run_forward
from safetensors.torch import load_file, save_file
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedModel,
    Qwen2Config,
    Qwen2ForCausalLM,
)
from transformers_f64 import load_float64, logits_float64

MODELS = Path(__file__).resolve().parents[2] / "tests" / "fixtures" / "models"
VOCAB = 131
LOGIT_SPREAD = 2.0


@dataclass
class TinyCase:
    name: str
    build: Callable[[], PreTrainedModel]
    dtype: torch.dtype
    tokens: int
    shard_size: str = "1GB"


def llama(**changes: object) -> PreTrainedModel:
    shape = {
        "vocab_size": VOCAB,
        "hidden_size": 40,
        "intermediate_size": 52,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 12,
        "max_position_embeddings": 128,
        "bos_token_id": 1,
        "eos_token_id": 2,
    }
    return LlamaForCausalLM(LlamaConfig(**shape | changes))


def llama_tied_bias() -> PreTrainedModel:
    return llama(
        hidden_size=60,
        num_attention_heads=3,
        num_key_value_heads=3,
        head_dim=20,
        attention_bias=True,
        mlp_bias=True,
        tie_word_embeddings=True,
    )


def llama3_rope() -> PreTrainedModel:
    """Of 8 frequencies, with 32 original positions: pair 0 is kept, pair 1 blended, the others shrink by 8."""
    rope = {
        "rope_type": "llama3",
        "rope_theta": 10000.0,
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 32,
    }
    return llama(head_dim=16, rope_parameters=rope, tie_word_embeddings=True)


def smollm2_shape() -> PreTrainedModel:
    return llama(
        hidden_size=72,
        intermediate_size=84,
        num_attention_heads=9,
        num_key_value_heads=3,
        head_dim=8,
        rope_parameters={"rope_type": "default", "rope_theta": 100000.0},
        tie_word_embeddings=True,
    )


def mistral() -> PreTrainedModel:
    return MistralForCausalLM(
        MistralConfig(
            vocab_size=VOCAB,
            hidden_size=64,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=1,
            head_dim=20,
            max_position_embeddings=128,
            sliding_window=None,
            rms_norm_eps=1e-5,
        )
    )


def qwen2() -> PreTrainedModel:
    return Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=VOCAB,
            hidden_size=56,
            intermediate_size=52,
            num_hidden_layers=3,
            num_attention_heads=7,
            num_key_value_heads=1,
            max_position_embeddings=128,
            rope_parameters={"rope_type": "default", "rope_theta": 1000000.0},
            tie_word_embeddings=True,
        )
    )


def gpt2(**changes: object) -> PreTrainedModel:
    shape = {
        "vocab_size": VOCAB,
        "n_embd": 40,
        "n_head": 5,
        "n_layer": 2,
        "n_inner": 100,
        "n_positions": 64,
        "bos_token_id": 0,
        "eos_token_id": 0,
    }
    return GPT2LMHeadModel(GPT2Config(**shape | changes))


def gpt2_untied() -> PreTrainedModel:
    """Every matrix is 64 wide on its input side, so all of them have whole q8_0 and q4_0 blocks."""
    return gpt2(n_embd=64, n_head=4, n_inner=64, tie_word_embeddings=False)


CASES = [
    TinyCase("llama", llama, torch.float32, 40),
    TinyCase("llama-tied-bias", llama_tied_bias, torch.float16, 33),
    TinyCase("llama3-rope", llama3_rope, torch.float32, 40),
    TinyCase("llama-sharded", lambda: llama(num_hidden_layers=1), torch.float32, 24, "40KB"),
    TinyCase("smollm2-shape", smollm2_shape, torch.bfloat16, 36),
    TinyCase("mistral", mistral, torch.float16, 24),
    TinyCase("qwen2", qwen2, torch.bfloat16, 40),
    TinyCase("gpt2", gpt2, torch.float32, 40),
    TinyCase("gpt2-untied", gpt2_untied, torch.float16, 31),
    TinyCase("gpt2-bare-names", gpt2, torch.float32, 24),
]
# These also get logits over dequantised weights. mistral's o_proj has no whole blocks: it stays as stored.
QUANTISED = ["mistral", "gpt2-untied"]
TRANSFORMERS4_CONFIGS = ["llama3-rope", "qwen2", "gpt2"]


def randomise(model: PreTrainedModel, generator: torch.Generator) -> None:
    """Weights that keep activations near unit size, with non-trivial norms and biases."""
    for name, p in model.named_parameters():
        noise = torch.randn(p.shape, generator=generator)
        if p.ndim == 1:
            is_scale = name.endswith("weight")
            p.data = 1 + 0.2 * noise if is_scale else 0.2 * noise
        elif "wpe" in name:
            p.data = 0.5 * noise
        elif "embed" in name or "wte" in name:
            p.data = noise
        else:
            conv1d = ".h." in name
            p.data = 1.3 * noise / math.sqrt(p.shape[0] if conv1d else p.shape[1])


def set_logit_spread(model: PreTrainedModel, ids: list[int]) -> None:
    """Scales the final norm so that logits have a standard deviation of LOGIT_SPREAD."""
    with torch.no_grad():
        spread = model(input_ids=torch.tensor([ids])).logits.std()
        final = model.transformer.ln_f if hasattr(model, "transformer") else model.model.norm
        for p in final.parameters():
            p.data *= LOGIT_SPREAD / spread


def significant(values: torch.Tensor | np.ndarray) -> list[list[float]]:
    return [[float(f"{v:.7g}") for v in row] for row in values.tolist()]


def write_expected(folder: Path, ids: list[int]) -> None:
    logits = logits_float64(load_float64(folder), ids)
    expected = {"ids": ids, "logits": significant(logits), "argmax": logits.argmax(-1).tolist()}
    if folder.name in QUANTISED:
        expected["dequantised"] = {
            weights: significant(run_forward(load_forward(folder, weights), ids)["logits"][-4:])
            for weights in ("q8_0", "q4_0")
        }
    (folder / "expected.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")


def transformers4_config(config: dict) -> dict:
    """The same model as Transformers 4 wrote it: `torch_dtype`, flat `rope_theta`, `rope_scaling`."""
    old = {key: value for key, value in config.items() if key not in ("dtype", "rope_parameters")}
    old |= {"torch_dtype": config["dtype"], "transformers_version": "4.46.0"}
    if rope := config.get("rope_parameters"):
        old["rope_theta"] = rope["rope_theta"]
        scaling = {key: value for key, value in rope.items() if key != "rope_theta"}
        old["rope_scaling"] = None if scaling == {"rope_type": "default"} else scaling
    return old


def strip_prefix(folder: Path, layers: int) -> None:
    """The spelling of the first published GPT-2: no `transformer.` prefix, and the causal masks saved as tensors."""
    path = folder / "model.safetensors"
    tensors = {name.removeprefix("transformer."): t for name, t in load_file(path).items()}
    for n in range(layers):
        tensors[f"h.{n}.attn.bias"] = torch.ones(64, 64, dtype=torch.uint8).tril().view(1, 1, 64, 64)
    save_file(tensors, path, metadata={"format": "pt"})


def write_case(case: TinyCase, seed: int) -> None:
    folder = MODELS / case.name
    shutil.rmtree(folder, ignore_errors=True)
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(0, VOCAB, (case.tokens,), generator=generator).tolist()
    torch.manual_seed(seed)
    model = case.build()
    randomise(model, generator)
    set_logit_spread(model, ids)
    model.to(case.dtype).save_pretrained(folder, max_shard_size=case.shard_size)
    (folder / "generation_config.json").unlink(missing_ok=True)
    write_expected(folder, ids)
    if case.name == "gpt2-bare-names":
        strip_prefix(folder, layers=2)
    for file in folder.glob("*.safetensors"):
        file.chmod(0o644)
    if case.name in TRANSFORMERS4_CONFIGS:
        config = json.loads((folder / "config.json").read_text())
        old = json.dumps(transformers4_config(config), indent=2) + "\n"
        (folder / "config.transformers4.json").write_text(old)
    size = sum(f.stat().st_size for f in folder.iterdir()) / 1000
    weights = sum(f.stat().st_size for f in folder.glob("*.safetensors")) / 1000
    print(f"{case.name:18} {weights:6.1f} kB of weights, {size:6.1f} kB in all")


if __name__ == "__main__":
    for number, tiny in enumerate(CASES):
        write_case(tiny, seed=1000 + number)
