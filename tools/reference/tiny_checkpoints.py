"""Writes the tiny random checkpoints under tests/fixtures/models: Transformers' own `save_pretrained`, seeded weights.

    python tools/reference/tiny_checkpoints.py [NAME ...]

The cases below are the first architectures; `tiny_cases.py` lists the others as configs. Each folder holds config.json, model.safetensors (or shards with their index) and expected.json: ids, float64 logits of
the stored weights (7 significant digits, every position) and their argmax; for two models also `dequantised`, the last
4 positions' logits over q8_0 and q4_0 weights. Some folders also hold config.transformers4.json, the same model in the
older spelling. Ids are drawn until neither an argmax nor a router's choice hangs on float32 rounding.
"""

import json
import math
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from forward import load_forward, run_forward
from older_configs import OLDER_CONFIGS, transformers4_config
from safetensors.torch import load_file, save_file
from tiny_cases import CONFIGS, Config
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
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
# Smallest distance between the first and second logit, and between the last chosen and first left-out expert.
MARGIN = 2e-3


@dataclass
class TinyCase:
    name: str
    build: Callable[[], PreTrainedModel]
    dtype: torch.dtype
    tokens: int
    shard_size: str = "1GB"
    # Ids below are special ones: an encoder's padding, say.
    first_id: int = 0


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


def from_config(config: Config) -> PreTrainedModel:
    kind = AutoModelForMaskedLM if config.masked else AutoModelForCausalLM
    fields = AutoConfig.for_model(**config.fields)
    return kind.from_config(fields, attn_implementation="eager", experts_implementation="eager")


DTYPES = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}
# Matrices stored [in, out], by a part of their name.
TURNED = {"gpt2": ".h.", "gpt_oss": ".experts."}
FINAL_NORMS = [
    "model.norm",
    "transformer.ln_f",
    "gpt_neox.final_layer_norm",
    "model.final_layernorm",
    "model.decoder.final_layer_norm",
    # OPT without a norm at the end: the last layer's own is the last thing before the head.
    "model.decoder.layers.1.final_layer_norm",
    "cls.predictions.transform.LayerNorm",
    "lm_head.layer_norm",
    "vocab_layer_norm",
    "head.norm",
]
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
CASES += [
    TinyCase(
        name, partial(from_config, config), DTYPES[config.dtype], config.tokens, first_id=3 if config.masked else 0
    )
    for name, config in CONFIGS.items()
]


def is_zero_centred(model: PreTrainedModel, name: str) -> bool:
    """Whether a norm multiplies by 1 + its weight."""
    return model.config.model_type.startswith("gemma") and name.endswith("norm.weight")


def randomise(model: PreTrainedModel, generator: torch.Generator) -> None:
    """Weights that keep activations near unit size, with non-trivial norms and biases."""
    embedding_scale = getattr(model.get_input_embeddings(), "scalar_embed_scale", 1.0)
    embedding_scale *= getattr(model.config, "embedding_multiplier", 1.0)
    for name, p in model.named_parameters():
        noise = torch.randn(p.shape, generator=generator)
        if p.ndim == 1:
            is_scale = name.endswith("weight") and not is_zero_centred(model, name)
            p.data = 1 + 0.2 * noise if is_scale else (1.0 if name.endswith("sinks") else 0.2) * noise
        elif "wpe" in name or "embed_positions" in name:
            p.data = 0.5 * noise
        elif "embed" in name or "wte" in name:
            p.data = noise / embedding_scale
        elif name.endswith("bias"):
            p.data = 0.2 * noise
        else:
            turned = TURNED.get(model.config.model_type)
            inputs = p.shape[-2] if turned and turned in name else p.shape[-1]
            p.data = 1.3 * noise / math.sqrt(inputs)


def final_norm(model: PreTrainedModel) -> torch.nn.Module:
    modules = dict(model.named_modules())
    return next(modules[name] for name in FINAL_NORMS if name in modules)


def set_logit_spread(model: PreTrainedModel, ids: list[int]) -> None:
    """Scales the final norm so that logits, before a cap, have a standard deviation of LOGIT_SPREAD."""
    cap = getattr(model.config, "final_logit_softcapping", None)
    with torch.no_grad():
        if cap is not None:
            model.config.final_logit_softcapping = None
        spread = model(input_ids=torch.tensor([ids])).logits.std()
        if cap is not None:
            model.config.final_logit_softcapping = cap
        offset = 1 if is_zero_centred(model, "norm.weight") else 0
        for p in final_norm(model).parameters():
            p.data = (p.data + offset) * (LOGIT_SPREAD / spread) - offset


def significant(values: torch.Tensor | np.ndarray) -> list[list[float]]:
    return [[float(f"{v:.7g}") for v in row] for row in values.tolist()]


def smallest_gap(values: np.ndarray, kept: int) -> float:
    """Over all rows, the smallest distance between neighbours among the `kept` largest values and the one after them."""
    ordered = np.sort(values, axis=-1)[..., ::-1][..., : kept + 1]
    return float(-np.diff(ordered, axis=-1).max())


def choices_are_clear(folder: Path, ids: list[int]) -> bool:
    forward = load_forward(folder)
    steps = run_forward(forward, ids)
    routers = [steps[name] for name in steps if name.endswith("mlp.router")]
    gaps = [smallest_gap(steps["logits"], 1), *(smallest_gap(scores, forward.chosen) for scores in routers)]
    return min(gaps) > MARGIN


def clear_ids(folder: Path, ids: list[int], seed: int, first_id: int) -> list[int]:
    """`ids`, or others drawn in their place until every choice in the forward is clear."""
    vocab = json.loads((folder / "config.json").read_text())["vocab_size"]
    generator = torch.Generator().manual_seed(10_000 + seed)
    for _ in range(100):
        if choices_are_clear(folder, ids):
            return ids
        ids = torch.randint(first_id, vocab, (len(ids),), generator=generator).tolist()
    raise ValueError(f"{folder.name}: no ids with clear choices found")


def write_expected(folder: Path, ids: list[int]) -> None:
    logits = logits_float64(load_float64(folder), ids)
    expected = {"ids": ids, "logits": significant(logits), "argmax": logits.argmax(-1).tolist()}
    if folder.name in QUANTISED:
        expected["dequantised"] = {
            weights: significant(run_forward(load_forward(folder, weights), ids)["logits"][-4:])
            for weights in ("q8_0", "q4_0")
        }
    (folder / "expected.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")


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
    torch.manual_seed(seed)
    model = case.build()
    ids = torch.randint(case.first_id, model.config.vocab_size, (case.tokens,), generator=generator).tolist()
    randomise(model, generator)
    set_logit_spread(model, ids)
    model.to(case.dtype).save_pretrained(folder, max_shard_size=case.shard_size)
    (folder / "generation_config.json").unlink(missing_ok=True)
    write_expected(folder, clear_ids(folder, ids, seed, case.first_id))
    if case.name == "gpt2-bare-names":
        strip_prefix(folder, layers=2)
    for file in folder.glob("*.safetensors"):
        file.chmod(0o644)
    if case.name in OLDER_CONFIGS:
        config = json.loads((folder / "config.json").read_text())
        old = json.dumps(transformers4_config(config), indent=2) + "\n"
        (folder / "config.transformers4.json").write_text(old)
    size = sum(f.stat().st_size for f in folder.iterdir()) / 1000
    weights = sum(f.stat().st_size for f in folder.glob("*.safetensors")) / 1000
    print(f"{case.name:18} {weights:6.1f} kB of weights, {size:6.1f} kB in all")


if __name__ == "__main__":
    wanted = set(sys.argv[1:])
    for number, tiny in enumerate(CASES):
        if not wanted or tiny.name in wanted:
            write_case(tiny, seed=1000 + number)
