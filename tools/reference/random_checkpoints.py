"""Writes random checkpoints of every architecture into a folder: other sizes, biases, rotations, windows than the fixtures have.

    python tools/reference/random_checkpoints.py FOLDER [--seed 1] [--each 3] [TYPE ...]
    TOKENSCOPE_CHECKPOINTS=FOLDER npx vitest run --project gpu tests/gpu/architectures.test.ts

Each folder holds config.json (in the spelling of Transformers 4 or 5, with defaults that it may leave out), weights, and
expected.json: 64 ids and the float64 logits of what Transformers reads from that very folder.
"""

import argparse
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import torch
from older_configs import transformers4_config
from tiny_cases import Config
from tiny_checkpoints import DTYPES, LOGIT_SPREAD, final_norm, from_config, randomise, significant
from huggingface_hub.errors import StrictDataclassError
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM
from transformers_f64 import ENCODERS, load_float64, logits_float64

TOKENS = 64
ACTIVATIONS = ["silu", "gelu", "gelu_new", "gelu_pytorch_tanh", "relu", "relu2", "quick_gelu", "gelu_fast"]


class Draw(random.Random):
    """Random sizes and fields."""

    def flag(self, share: float = 0.5) -> bool:
        return self.random() < share

    def heads(self, *, grouped: bool = True, own_size: bool = True, even: int = 2, hidden: int | None = None) -> dict:
        """Heads of even size; `own_size`: hidden_size need not be their product."""
        kv = self.choice([1, 1, 2, 3])
        heads = kv * self.choice([1, 2, 3, 4]) if grouped else self.choice([1, 2, 3, 5, 6])
        size = even * self.randint(2, 16) if self.flag(0.8) else even * self.choice([20, 32, 36, 48])
        hidden = hidden or heads * size
        fields = {"num_attention_heads": heads, "num_key_value_heads": kv if grouped else heads}
        if own_size and self.flag(0.6):
            hidden = self.choice([24, 33, 40, 46, 57, 64, 72, 95])
            return fields | {"hidden_size": hidden, "head_dim": size}
        return fields | {"hidden_size": hidden, **({"head_dim": size} if own_size and self.flag() else {})}

    def head_size(self, fields: dict) -> int:
        return fields.get("head_dim") or fields["hidden_size"] // fields["num_attention_heads"]

    def rope(self, fields: dict, kinds: str = "default linear dynamic yarn llama3 longrope", part: float | None = None) -> dict:
        """Values of a rotation of one of the kinds; `part`: the share of a head that turns."""
        kind = self.choice(kinds.split())
        rope: dict = {"rope_type": kind, "rope_theta": self.choice([1e4, 5e4, 1e6, 12345.6])}
        if part is not None:
            rope["partial_rotary_factor"] = part
        original = self.choice([16, 24, 40, 100])
        if kind in ("linear", "dynamic", "yarn", "llama3"):
            rope["factor"] = self.choice([1.5, 2.0, 4.0, 8.0])
        if kind == "dynamic":
            fields["max_position_embeddings"] = self.choice([32, 48, 90])
        if kind == "yarn":
            rope["original_max_position_embeddings"] = original
            rope |= self.pick({"beta_fast": 16.0, "beta_slow": 2.0, "truncate": False, "attention_factor": 1.3})
            if self.flag(0.3):
                rope |= {"mscale": 1.0, "mscale_all_dim": self.choice([0.5, 0.8, 1.0])}
        if kind == "llama3":
            rope |= {"low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": original}
        if kind == "longrope":
            pairs = int(self.head_size(fields) * (part or 1)) // 2
            rope |= {name: [round(self.uniform(1, top), 2) for _ in range(pairs)] for name, top in (("short_factor", 2), ("long_factor", 9))}
            rope["original_max_position_embeddings"] = original
            rope |= self.pick({"attention_factor": 1.2})
            rope |= self.pick({"factor": 4.0})
        return rope

    def pick(self, fields: dict) -> dict:
        return {name: value for name, value in fields.items() if self.flag(0.4)}

    def layer_types(self, layers: int) -> dict:
        """Explicit kinds of layers, or none: the config's own pattern."""
        kinds = ["full_attention", "sliding_attention"]
        return {"layer_types": self.choices(kinds, k=layers)} if self.flag() else {}

    def activation(self) -> str:
        return self.choice(ACTIVATIONS)


def base(d: Draw, model_type: str, **heads: object) -> dict:
    return {
        "model_type": model_type,
        "vocab_size": d.choice([61, 97, 113, 130, 257, 301]),
        "intermediate_size": d.choice([20, 35, 44, 51, 64, 98]),
        "num_hidden_layers": d.choice([1, 2, 3, 5]),
        "max_position_embeddings": d.choice([64, 128, 200]),
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": None,
        "tie_word_embeddings": d.flag(),
        **d.heads(**heads),
    }


def llama(d: Draw) -> dict:
    f = base(d, "llama")
    f |= {"attention_bias": d.flag(), "mlp_bias": d.flag(), "hidden_act": d.activation(), "rms_norm_eps": 1e-5}
    return f | {"rope_parameters": d.rope(f)}


def mistral(d: Draw) -> dict:
    f = base(d, "mistral") | {"sliding_window": d.choice([None, 1, 7, 20, 33]), "hidden_act": d.activation()}
    return f | {"rope_parameters": d.rope(f)}


def qwen2(d: Draw) -> dict:
    f = base(d, "qwen2", own_size=False)
    if d.flag():
        f |= {"use_sliding_window": True, "sliding_window": d.choice([5, 12, 30]), "max_window_layers": d.choice([0, 1, 2])}
        f |= d.layer_types(f["num_hidden_layers"])
    return f | {"rope_parameters": d.rope(f)}


def qwen3(d: Draw) -> dict:
    f = base(d, "qwen3") | {"attention_bias": d.flag()}
    f["head_dim"] = d.head_size(f)
    if d.flag():
        f |= {"use_sliding_window": True, "sliding_window": d.choice([5, 12, 30]), "max_window_layers": d.choice([0, 1, 2])}
        f |= d.layer_types(f["num_hidden_layers"])
    return f | {"rope_parameters": d.rope(f)}


def gpt2(d: Draw) -> dict:
    heads = d.choice([1, 2, 3, 5])
    hidden = heads * d.choice([4, 7, 10, 16, 33])
    f = {"model_type": "gpt2", "vocab_size": d.choice([61, 113, 257]), "n_embd": hidden, "n_head": heads}
    f |= {"n_layer": d.choice([1, 2, 4]), "n_positions": d.choice([64, 100]), "n_inner": d.choice([None, 37, 60])}
    f |= {"activation_function": d.activation(), "scale_attn_weights": d.flag(), "tie_word_embeddings": d.flag(0.7)}
    return f | {"scale_attn_by_inverse_layer_idx": d.flag(), "bos_token_id": 0, "eos_token_id": 0}


def gemma2(d: Draw) -> dict:
    f = base(d, "gemma2", own_size=False) | {"hidden_activation": d.choice(["gelu_pytorch_tanh", "gelu", "silu"])}
    f["head_dim"] = d.choice([d.head_size(f), 2 * d.randint(3, 20)])
    f |= {"query_pre_attn_scalar": d.choice([7, 16, 144]), "sliding_window": d.choice([6, 12, 40, 100])}
    f |= {"attn_logit_softcapping": d.choice([None, 4.0, 50.0]), "final_logit_softcapping": d.choice([None, 5.0, 30.0])}
    f |= {"attention_bias": d.flag(0.3)} | d.layer_types(f["num_hidden_layers"])
    return f | {"rope_parameters": d.rope(f, "default linear")}


def gemma3(d: Draw) -> dict:
    f = gemma2(d) | {"model_type": "gemma3_text", "num_hidden_layers": d.choice([2, 6, 7]), "attn_logit_softcapping": None}
    f.pop("layer_types", None)
    f |= d.layer_types(f["num_hidden_layers"])
    full = d.rope(f, "default linear yarn llama3")
    return f | {"rope_parameters": {"sliding_attention": {"rope_type": "default", "rope_theta": 1e4}, "full_attention": full}}


def cohere2(d: Draw) -> dict:
    f = base(d, "cohere2", own_size=d.flag()) | {"sliding_window": d.choice([9, 16, 50]), "logit_scale": d.choice([0.25, 1.5])}
    f |= {"layer_norm_eps": d.choice([1e-5, 1e-3]), "attention_bias": d.flag(), "hidden_act": d.choice(["silu", "gelu"])}
    f["num_hidden_layers"] = d.choice([2, 4, 5])
    f |= d.layer_types(f["num_hidden_layers"])
    return f | {"rope_parameters": d.rope(f, "default linear yarn")}


def exaone4(d: Draw) -> dict:
    f = base(d, "exaone4", own_size=d.flag()) | {"sliding_window": d.choice([None, 9, 25])}
    f["num_hidden_layers"] = d.choice([2, 4, 5])
    if f["sliding_window"]:
        f |= d.pick({"sliding_window_pattern": d.choice([2, 3, "LLG", "LG"])})
        f |= d.layer_types(f["num_hidden_layers"])
    return f | {"rope_parameters": d.rope(f, "default llama3 linear")}


def falcon(d: Draw) -> dict:
    f = base(d, "falcon", own_size=False, even=4) | {"bias": d.flag(), "activation": d.choice(["gelu", "relu", "gelu_new"])}
    f |= {"ffn_hidden_size": d.choice([36, 72, 90]), "parallel_attn": d.flag(), "multi_query": d.flag()}
    f |= {"new_decoder_architecture": d.flag(), "layer_norm_epsilon": 1e-5}
    if f["new_decoder_architecture"]:
        f |= {"num_kv_heads": f["num_key_value_heads"], "num_ln_in_parallel_attn": d.choice([1, 2])}
    f.pop("num_key_value_heads")
    return f | {"rope_parameters": d.rope(f, "default linear dynamic")}


def glm4(d: Draw) -> dict:
    f = base(d, "glm4", even=4) | {"attention_bias": d.flag(), "rms_norm_eps": 1e-6}
    f["head_dim"] = d.head_size(f)
    return f | {"rope_parameters": d.rope(f, "default linear", part=d.choice([0.5, 1.0]))}


def gpt_neox(d: Draw) -> dict:
    f = base(d, "gpt_neox", grouped=False, own_size=False, even=4)
    f |= {"use_parallel_residual": d.flag(), "attention_bias": d.flag(0.7), "hidden_act": d.activation()}
    return f | {"rope_parameters": d.rope(f, "default linear dynamic", part=d.choice([0.5, 1.0]))}


def multiplied(d: Draw, f: dict, scaling: float) -> dict:
    f |= {"embedding_multiplier": d.choice([1.0, 6.0]), "residual_multiplier": d.choice([1.0, 0.4])}
    return f | {"attention_multiplier": d.choice([0.1, 0.3]), "logits_scaling": scaling}


def granite(d: Draw) -> dict:
    f = multiplied(d, base(d, "granite", own_size=False), 5.0) | {"attention_bias": d.flag(), "mlp_bias": d.flag()}
    return f | {"rope_parameters": d.rope(f)}


def granite_hybrid(d: Draw) -> dict:
    f = multiplied(d, base(d, "granitemoehybrid", own_size=False), 3.0) | {"attention_bias": d.flag()}
    f |= {"layer_types": ["full_attention"] * f["num_hidden_layers"], "num_local_experts": 0, "num_experts_per_tok": 0}
    f |= {"shared_intermediate_size": d.choice([30, 44]), "position_embedding_type": d.choice(["rope", None])}
    f["mamba_expand"] = 1
    f["mamba_n_heads"] = 1
    return f | {"rope_parameters": d.rope(f, "default yarn")}


def hyperclovax(d: Draw) -> dict:
    f = multiplied(d, base(d, "hyperclovax"), 0.5) | {"attention_bias": d.flag(), "mlp_bias": d.flag(), "use_post_norm": d.flag()}
    return f | {"rope_parameters": d.rope(f, "default linear dynamic")}


def ministral3(d: Draw) -> dict:
    f = base(d, "ministral3") | {"sliding_window": d.choice([None, 12])}
    f["head_dim"] = d.head_size(f)
    rope = d.rope(f, "yarn")
    rope |= {"original_max_position_embeddings": d.choice([16, 30]), "llama_4_scaling_beta": d.choice([0.1, 0.4])}
    return f | {"rope_parameters": rope | {"beta_fast": 8.0, "beta_slow": 1.0, "mscale": 1.0, "mscale_all_dim": 1.0}}


def olmo2(d: Draw) -> dict:
    f = base(d, "olmo2", own_size=False) | {"attention_bias": d.flag(), "rms_norm_eps": 1e-6}
    return f | {"rope_parameters": d.rope(f)}


def olmo3(d: Draw) -> dict:
    f = base(d, "olmo3", own_size=False) | {"attention_bias": d.flag(), "sliding_window": d.choice([5, 12, 80])}
    f["num_hidden_layers"] = d.choice([2, 4, 5])
    f |= d.layer_types(f["num_hidden_layers"])
    full = d.rope(f, "default yarn llama3")
    return f | {"rope_parameters": {"sliding_attention": {"rope_type": "default", "rope_theta": 1e4}, "full_attention": full}}


def opt(d: Draw) -> dict:
    f = base(d, "opt", grouped=False, own_size=False) | {"ffn_dim": d.choice([33, 72]), "enable_bias": d.flag(0.7)}
    f |= {"do_layer_norm_before": d.flag(), "activation_function": d.choice(["relu", "gelu"])}
    return f | d.pick({"word_embed_proj_dim": d.choice([12, 24])})


def phi(d: Draw) -> dict:
    f = base(d, "phi", own_size=False, even=4) | {"qk_layernorm": d.flag(), "hidden_act": d.activation()}
    f["tie_word_embeddings"] = False
    return f | {"rope_parameters": d.rope(f, "default linear dynamic", part=d.choice([0.5, 1.0]))}


def phi3(d: Draw) -> dict:
    f = base(d, "phi3", own_size=False, even=4) | {"sliding_window": d.choice([None, 12, 70])}
    f["max_position_embeddings"] = d.choice([128, 200])
    rope = d.rope(f, "default longrope", part=d.choice([None, 0.5, 1.0]))
    if rope["rope_type"] == "longrope":
        f["original_max_position_embeddings"] = rope["original_max_position_embeddings"]
    return f | {"rope_parameters": rope}


def smollm3(d: Draw) -> dict:
    f = base(d, "smollm3", own_size=False) | {"attention_bias": d.flag(), "mlp_bias": d.flag()}
    layers = f["num_hidden_layers"] = d.choice([2, 4, 5])
    f |= {"no_rope_layers": d.choices([0, 1], k=layers)} if d.flag() else {"no_rope_layer_interval": d.choice([2, 3])}
    if d.flag():
        f |= {"use_sliding_window": True, "sliding_window": d.choice([6, 15])} | d.layer_types(layers)
    return f | {"rope_parameters": d.rope(f, "default linear yarn")}


def stablelm(d: Draw) -> dict:
    f = base(d, "stablelm", own_size=False, even=4) | {"use_qkv_bias": d.flag(), "qk_layernorm": d.flag()}
    f |= {"use_parallel_residual": d.flag(), "hidden_act": d.activation()}
    return f | {"rope_parameters": d.rope(f, "default linear dynamic", part=d.choice([0.5, 1.0]))}


def starcoder2(d: Draw) -> dict:
    f = base(d, "starcoder2", own_size=False) | {"use_bias": d.flag(), "sliding_window": d.choice([None, 12, 33])}
    return f | {"hidden_act": d.activation(), "rope_parameters": d.rope(f)}


def experts(d: Draw, model_type: str, count: str, **heads: object) -> dict:
    f = base(d, model_type, **heads)
    number = d.choice([2, 3, 5, 8, 11])
    return f | {count: number, "num_experts_per_tok": d.choice([1, min(2, number), min(4, number), number])}


def mixtral(d: Draw) -> dict:
    f = experts(d, "mixtral", "num_local_experts") | {"sliding_window": d.choice([None, 12])}
    return f | {"rope_parameters": d.rope(f)}


def qwen2_moe(d: Draw) -> dict:
    f = experts(d, "qwen2_moe", "num_experts", own_size=False) | {"norm_topk_prob": d.flag(), "qkv_bias": d.flag(0.7)}
    f |= {"moe_intermediate_size": d.choice([12, 21, 40]), "shared_expert_intermediate_size": d.choice([18, 33, 40])}
    f |= {"decoder_sparse_step": d.choice([1, 2]), "mlp_only_layers": d.choice([[], [0]])}
    if d.flag():
        f |= {"use_sliding_window": True, "sliding_window": d.choice([5, 12]), "max_window_layers": d.choice([0, 1, 2])}
        f |= d.layer_types(f["num_hidden_layers"])
    return f | {"rope_parameters": d.rope(f)}


def qwen3_moe(d: Draw) -> dict:
    f = experts(d, "qwen3_moe", "num_experts") | {"norm_topk_prob": d.flag(), "attention_bias": d.flag()}
    f["head_dim"] = d.head_size(f)
    f |= {"moe_intermediate_size": d.choice([12, 21, 40]), "decoder_sparse_step": d.choice([1, 2]), "mlp_only_layers": d.choice([[], [0]])}
    f |= {"use_sliding_window": True, "sliding_window": d.choice([5, 12])} if d.flag() else {}
    return f | {"rope_parameters": d.rope(f)}


def olmoe(d: Draw) -> dict:
    f = experts(d, "olmoe", "num_experts", own_size=False) | {"norm_topk_prob": d.flag(), "attention_bias": d.flag()}
    f["clip_qkv"] = d.choice([None, 0.3, 1.5])
    return f | {"rope_parameters": d.rope(f)}


def granitemoe(d: Draw) -> dict:
    f = multiplied(d, experts(d, "granitemoe", "num_local_experts", own_size=False), 3.0) | {"attention_bias": d.flag()}
    return f | {"rope_parameters": d.rope(f)}


def gpt_oss(d: Draw) -> dict:
    f = experts(d, "gpt_oss", "num_local_experts") | {"sliding_window": d.choice([6, 12, 100]), "attention_bias": d.flag(0.7)}
    f["head_dim"] = d.head_size(f)
    f |= d.layer_types(f["num_hidden_layers"]) | {"swiglu_limit": d.choice([1.5, 7.0])}
    return f | {"rope_parameters": d.rope(f, "default yarn")}


def bert(d: Draw, model_type: str = "bert") -> dict:
    f = base(d, model_type, grouped=False, own_size=False)
    f |= {"hidden_act": d.activation(), "type_vocab_size": d.choice([1, 2, 3]), "layer_norm_eps": d.choice([1e-12, 1e-5])}
    f["pad_token_id"] = 0
    if model_type != "bert":
        f["pad_token_id"] = d.choice([0, 1, 2])
        f["max_position_embeddings"] = 80
    return f


def distilbert(d: Draw) -> dict:
    f = bert(d)
    names = {"hidden_size": "dim", "num_attention_heads": "n_heads", "num_hidden_layers": "n_layers", "intermediate_size": "hidden_dim"}
    shape = {new: f[old] for old, new in names.items()} | {name: f[name] for name in ("vocab_size", "max_position_embeddings", "tie_word_embeddings")}
    return {"model_type": "distilbert", "pad_token_id": 0, "activation": d.choice(["gelu", "relu"])} | shape


def modernbert(d: Draw) -> dict:
    f = base(d, "modernbert", grouped=False, own_size=False)
    f |= {"hidden_activation": d.activation(), "local_attention": d.choice([7, 12, 40, 200]), "norm_bias": d.flag()}
    f |= {name: d.flag() for name in ("attention_bias", "mlp_bias", "classifier_bias", "decoder_bias")}
    f |= {"classifier_activation": d.choice(["gelu", "silu"]), "cls_token_id": 1, "sep_token_id": 2, "pad_token_id": 0}
    f |= {"global_attn_every_n_layers": d.choice([1, 2, 3])}
    ropes = [d.rope(f, "default linear") for _ in range(2)]
    return f | {"rope_parameters": dict(zip(["full_attention", "sliding_attention"], ropes, strict=True))}


FAMILIES: dict[str, Callable[[Draw], dict]] = {
    "llama": llama,
    "mistral": mistral,
    "qwen2": qwen2,
    "gpt2": gpt2,
    "qwen3": qwen3,
    "gemma2": gemma2,
    "gemma3_text": gemma3,
    "bert": bert,
    "camembert": lambda d: bert(d, "camembert"),
    "cohere2": cohere2,
    "distilbert": distilbert,
    "exaone4": exaone4,
    "falcon": falcon,
    "glm4": glm4,
    "gpt_neox": gpt_neox,
    "granite": granite,
    "granitemoehybrid": granite_hybrid,
    "hyperclovax": hyperclovax,
    "ministral3": ministral3,
    "modernbert": modernbert,
    "olmo2": olmo2,
    "olmo3": olmo3,
    "opt": opt,
    "phi": phi,
    "phi3": phi3,
    "roberta": lambda d: bert(d, "roberta"),
    "smollm3": smollm3,
    "stablelm": stablelm,
    "mixtral": mixtral,
    "qwen2_moe": qwen2_moe,
    "qwen3_moe": qwen3_moe,
    "olmoe": olmoe,
    "granitemoe": granitemoe,
    "gpt_oss": gpt_oss,
    "starcoder2": starcoder2,
    "xlm-roberta": lambda d: bert(d, "xlm-roberta"),
}


def spread_logits(model: torch.nn.Module, ids: list[int]) -> None:
    """Scales the last norm so that logits are a few units apart, where a norm is last."""
    try:
        norm = final_norm(model)
    except StopIteration:
        return
    with torch.no_grad():
        spread = model(input_ids=torch.tensor([ids])).logits.std()
    offset = 1 if model.config.model_type.startswith("gemma") else 0
    for p in norm.parameters():
        p.data = (p.data + offset) * (LOGIT_SPREAD / spread) - offset


# What Transformers says of configs it makes no model of.
UNREADABLE = (RuntimeError, ValueError, TypeError, ZeroDivisionError, NameError, StrictDataclassError)
# Fields that a file may leave out where the class then reads what the weights say.
SPARE = ["layer_types", "tie_word_embeddings", "attention_bias", "mlp_bias", "hidden_act", "head_dim", "num_key_value_heads"]


def older(d: Draw, config: dict) -> dict:
    """Now and then the spelling of Transformers 4, for rotations that are the same in all layers."""
    rope = config.get("rope_parameters")
    if not rope or "rope_type" not in rope or d.flag():
        return config
    old = transformers4_config(config)
    if old.get("rope_scaling") and "rope_type" in old["rope_scaling"] and d.flag():
        old["rope_scaling"]["type"] = old["rope_scaling"].pop("rope_type")
    return old


def loads(folder: Path, config: dict, masked: bool) -> bool:
    """Whether Transformers finds every tensor in its place under this config, which is written."""
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    loader = AutoModelForMaskedLM if masked else AutoModelForCausalLM
    try:
        _, info = loader.from_pretrained(folder, output_loading_info=True)
    except UNREADABLE:
        return False
    return not any(info.get(name) for name in ("missing_keys", "unexpected_keys", "mismatched_keys"))


def respell(d: Draw, folder: Path, masked: bool) -> None:
    """Writes the config as files have it: another spelling, fields left out."""
    config = json.loads((folder / "config.json").read_text())
    if loads(folder, older(d, config), masked):
        config = json.loads((folder / "config.json").read_text())
    for name in SPARE:
        shorter = {key: value for key, value in config.items() if key != name}
        if name in config and d.flag(0.4) and loads(folder, shorter, masked):
            config = shorter
    if not loads(folder, config, masked):
        raise ValueError("the checkpoint cannot be read again")


def write(folder: Path, kind: str, seed: int) -> None:
    d = Draw(f"{kind} {seed}")
    torch.manual_seed(seed)
    masked = kind in ENCODERS
    dtype = d.choice(["f32", "f16", "bf16"])
    model = from_config(Config(FAMILIES[kind](d), dtype, masked=masked))
    # The padding of an encoder takes no position, and no text holds it.
    ids = [d.randrange(3 if masked else 0, model.config.vocab_size) for _ in range(TOKENS)]
    generator = torch.Generator().manual_seed(seed)
    randomise(model, generator)
    model.tie_weights()
    spread_logits(model, ids)
    shutil.rmtree(folder, ignore_errors=True)
    model.to(DTYPES[dtype]).save_pretrained(folder)
    respell(d, folder, masked)
    logits = logits_float64(load_float64(folder), ids)
    expected = {"ids": ids, "logits": significant(logits), "argmax": logits.argmax(-1).tolist()}
    (folder / "expected.json").write_text(json.dumps(expected) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("types", nargs="*", default=[])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--each", type=int, default=3)
    args = parser.parse_args()
    for kind in args.types or FAMILIES:
        for n in range(args.each):
            name = f"{kind}-{args.seed + n}"
            try:
                write(args.folder / name, kind, args.seed + n)
            except UNREADABLE as error:
                shutil.rmtree(args.folder / name, ignore_errors=True)
                print(f"{name}: Transformers makes no such model: {str(error)[:300]}")
