"""Configs of the tiny random checkpoints, by the name of their folder: widths, groups and windows no two of which agree.

64 tokens lie past every window. Caps are low, so that random scores and logits reach them.
"""

from dataclasses import dataclass


@dataclass
class Config:
    """`fields` as config.json has them, `model_type` among them; `dtype` of the stored weights: f32, f16 or bf16."""

    fields: dict
    dtype: str = "f32"
    tokens: int = 64
    # An encoder with its masked-LM head.
    masked: bool = False


def decoder(model_type: str, **fields: object) -> dict:
    """A small decoder; fields replace or add to the common ones."""
    common = {
        "vocab_size": 113,
        "hidden_size": 40,
        "intermediate_size": 44,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 128,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": None,
    }
    return {"model_type": model_type} | common | fields


def default_rope(theta: float) -> dict:
    return {"rope_type": "default", "rope_theta": theta}


def scaled_rope(kind: str, factor: float, theta: float = 1e4) -> dict:
    return {"rope_type": kind, "rope_theta": theta, "factor": factor}


def long_rope() -> dict:
    """Of 16 elements a head, 12 turn: 6 pairs."""
    return {
        "rope_type": "longrope",
        "rope_theta": 1e4,
        "partial_rotary_factor": 0.75,
        "short_factor": [1.0, 1.1, 1.3, 1.6, 1.6, 1.9],
        "long_factor": [1.2, 2.0, 3.5, 6.0, 7.0, 9.5],
    }


def phi3(**fields: object) -> dict:
    return decoder("phi3", hidden_size=48, num_attention_heads=3, num_key_value_heads=1) | fields


def multipliers(**fields: object) -> dict:
    common = {"embedding_multiplier": 3.0, "residual_multiplier": 0.6, "attention_multiplier": 0.2}
    return common | fields


def granite_hybrid(**fields: object) -> dict:
    """All layers attend and no experts, as Granite 4 micro has them."""
    return decoder(
        "granitemoehybrid",
        layer_types=["full_attention"] * 2,
        num_local_experts=0,
        num_experts_per_tok=0,
        shared_intermediate_size=44,
        mamba_n_heads=4,
        tie_word_embeddings=True,
        **multipliers(logits_scaling=3.0),
        **fields,
    )


def part_rope(part: float) -> dict:
    """A head of 10 elements turns `part` of them."""
    return default_rope(1e4) | {"partial_rotary_factor": part}


def falcon(**fields: object) -> dict:
    return decoder("falcon", ffn_hidden_size=72, rope_parameters=default_rope(1e4)) | fields


def gpt2(**fields: object) -> dict:
    shape = {"vocab_size": 113, "n_embd": 40, "n_head": 5, "n_layer": 3, "n_inner": 60, "n_positions": 64}
    return {"model_type": "gpt2", "bos_token_id": 0, "eos_token_id": 0} | shape | fields


def moe(model_type: str, **fields: object) -> dict:
    return decoder(model_type, hidden_size=32, intermediate_size=28, num_experts_per_tok=2) | fields


def encoder(model_type: str, **fields: object) -> dict:
    shape = {"vocab_size": 113, "hidden_size": 36, "intermediate_size": 52, "num_hidden_layers": 2}
    ends = {"num_attention_heads": 3, "max_position_embeddings": 64, "bos_token_id": 1, "eos_token_id": 2}
    return {"model_type": model_type, "pad_token_id": 1 if model_type == "roberta" else 0} | shape | ends | fields


CONFIGS = {
    "qwen3": Config(
        decoder(
            "qwen3",
            vocab_size=151,
            hidden_size=44,
            intermediate_size=52,
            num_hidden_layers=3,
            head_dim=20,
            rope_parameters=default_rope(1e6),
            tie_word_embeddings=True,
        )
    ),
    "gemma2": Config(
        decoder(
            "gemma2",
            vocab_size=211,
            hidden_size=48,
            intermediate_size=60,
            num_hidden_layers=4,
            head_dim=20,
            query_pre_attn_scalar=14,
            sliding_window=12,
            attn_logit_softcapping=4.0,
            final_logit_softcapping=5.0,
        )
    ),
    "gemma3": Config(
        decoder(
            "gemma3_text",
            vocab_size=211,
            hidden_size=36,
            intermediate_size=60,
            num_hidden_layers=7,
            num_attention_heads=3,
            num_key_value_heads=1,
            head_dim=16,
            query_pre_attn_scalar=18,
            sliding_window=12,
            rope_parameters={
                "sliding_attention": default_rope(1e4),
                "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1e6},
            },
        )
    ),
    "mistral-window": Config(
        decoder(
            "mistral",
            vocab_size=151,
            hidden_size=48,
            intermediate_size=52,
            num_hidden_layers=3,
            num_attention_heads=6,
            num_key_value_heads=2,
            head_dim=12,
            sliding_window=12,
        )
    ),
    "llama-wide-heads": Config(
        decoder("llama", hidden_size=36, num_attention_heads=3, num_key_value_heads=1, head_dim=20), "f16"
    ),
    "llama-linear-rope": Config(decoder("llama", rope_parameters=scaled_rope("linear", 4.0)), "f16"),
    # 48 positions are the context: at 64 theta has grown.
    "llama-dynamic-rope": Config(
        decoder("llama", max_position_embeddings=48, rope_parameters=scaled_rope("dynamic", 4.0)), "f16"
    ),
    "llama-yarn-rope": Config(
        decoder(
            "llama",
            head_dim=20,
            rope_parameters=scaled_rope("yarn", 4.0) | {"original_max_position_embeddings": 32, "beta_fast": 8.0},
        ),
        "f16",
    ),
    "smollm3": Config(decoder("smollm3", num_hidden_layers=4, tie_word_embeddings=True), "bf16"),
    "ministral3": Config(
        decoder(
            "ministral3",
            head_dim=16,
            rope_parameters=scaled_rope("yarn", 4.0)
            | {
                "original_max_position_embeddings": 20,
                "beta_fast": 4.0,
                "beta_slow": 1.0,
                "mscale": 1.0,
                "mscale_all_dim": 0.5,
                "llama_4_scaling_beta": 0.3,
                "max_position_embeddings": 128,
            },
        ),
        "f16",
    ),
    "phi3": Config(phi3(rope_parameters=default_rope(1e4) | {"partial_rotary_factor": 0.75}), "f16"),
    # 64 positions are past the original context: the long divisors hold for all of them.
    "phi3-longrope": Config(phi3(rope_parameters=long_rope(), original_max_position_embeddings=40), "f16"),
    # 64 positions are exactly the original context: still the short ones.
    "phi3-longrope-short": Config(
        phi3(rope_parameters=long_rope(), original_max_position_embeddings=64, sliding_window=20), "f16"
    ),
    "olmo2": Config(decoder("olmo2"), "f16"),
    "olmo3": Config(
        decoder(
            "olmo3",
            num_hidden_layers=4,
            sliding_window=12,
            rope_parameters={
                "sliding_attention": default_rope(5e5),
                "full_attention": scaled_rope("yarn", 4.0, theta=5e5)
                | {"original_max_position_embeddings": 32, "attention_factor": 1.2},
            },
        ),
        "f16",
    ),
    "exaone4": Config(decoder("exaone4", layer_types=["full_attention"] * 2, sliding_window=None, tie_word_embeddings=True), "bf16"),
    "exaone4-window": Config(decoder("exaone4", num_hidden_layers=4, sliding_window=12), "f16"),
    "granite": Config(decoder("granite", attention_bias=True, **multipliers(logits_scaling=5.0)), "f16"),
    "granitemoehybrid": Config(granite_hybrid(position_embedding_type="rope"), "f16"),
    "granitemoehybrid-nope": Config(granite_hybrid(position_embedding_type=None), "bf16"),
    "hyperclovax": Config(decoder("hyperclovax", **multipliers(logits_scaling=0.125)), "f16"),
    "glm4": Config(
        decoder(
            "glm4",
            head_dim=16,
            attention_bias=True,
            rms_norm_eps=1e-6,
            rope_parameters=default_rope(1e4) | {"partial_rotary_factor": 0.5},
        ),
        "f16",
    ),
    "starcoder2": Config(decoder("starcoder2", sliding_window=12), "f16"),
    "stablelm": Config(decoder("stablelm", use_qkv_bias=True, rope_parameters=part_rope(0.4)), "f16"),
    "stablelm-parallel": Config(
        decoder("stablelm", use_parallel_residual=True, qk_layernorm=True, rope_parameters=part_rope(0.4)), "f16"
    ),
    "gpt-neox": Config(decoder("gpt_neox", rope_parameters=part_rope(0.4)), "f16"),
    "gpt-neox-serial": Config(
        decoder("gpt_neox", use_parallel_residual=False, attention_bias=False, rope_parameters=part_rope(1.0)), "f16"
    ),
    "phi": Config(decoder("phi", rope_parameters=part_rope(0.4)), "f16"),
    "phi-qk-norm": Config(decoder("phi", qk_layernorm=True, hidden_act="gelu", rope_parameters=part_rope(0.4)), "f16"),
    "cohere2": Config(
        decoder("cohere2", num_hidden_layers=4, sliding_window=12, logit_scale=0.25, layer_types=None), "f16"
    ),
    # A group of queries with its k and v; two norms.
    "falcon": Config(falcon(new_decoder_architecture=True, num_kv_heads=2), "f16"),
    # All queries, one k and one v; one norm for both blocks.
    "falcon-multi-query": Config(falcon(multi_query=True, parallel_attn=True), "f16"),
    "falcon-serial": Config(falcon(multi_query=False, parallel_attn=False, bias=True), "f16"),
    "opt": Config(decoder("opt", ffn_dim=72), "f16"),
    "opt-post-norm": Config(decoder("opt", ffn_dim=72, do_layer_norm_before=False, word_embed_proj_dim=24), "f16"),
    "gpt2-inverse-layer": Config(gpt2(scale_attn_by_inverse_layer_idx=True, activation_function="gelu"), "f16"),
    "gpt2-unscaled": Config(gpt2(scale_attn_weights=False, activation_function="relu"), "f16"),
    "mixtral": Config(moe("mixtral", num_local_experts=5, sliding_window=12), "f16"),
    "qwen2-moe": Config(
        moe("qwen2_moe", num_experts=5, moe_intermediate_size=20, shared_expert_intermediate_size=36), "f16"
    ),
    # The first layer stays dense; the weights of the chosen add up to 1.
    "qwen3-moe": Config(
        moe(
            "qwen3_moe",
            num_experts=7,
            num_experts_per_tok=3,
            moe_intermediate_size=20,
            head_dim=12,
            norm_topk_prob=True,
            mlp_only_layers=[0],
        ),
        "bf16",
    ),
    "olmoe": Config(moe("olmoe", num_experts=6, num_experts_per_tok=3), "f16"),
    # Random queries and keys are normed to about 1, values are about as far from it: many lie past the bound.
    "olmoe-clip": Config(moe("olmoe", num_experts=3, clip_qkv=0.8), "f16"),
    "granitemoe": Config(moe("granitemoe", num_local_experts=5, **multipliers(logits_scaling=3.0)), "f16"),
    "gpt-oss": Config(
        moe(
            "gpt_oss",
            num_local_experts=5,
            head_dim=12,
            sliding_window=12,
            swiglu_limit=1.5,
            rope_parameters=scaled_rope("yarn", 4.0, theta=15e4)
            | {"original_max_position_embeddings": 32, "beta_fast": 8.0, "beta_slow": 1.0, "truncate": False},
        ),
        "bf16",
    ),
    "bert": Config(encoder("bert"), "f16", masked=True),
    "roberta": Config(encoder("roberta", hidden_act="relu", max_position_embeddings=66), "f16", masked=True),
    "distilbert": Config(
        {
            "model_type": "distilbert",
            "vocab_size": 113,
            "dim": 36,
            "hidden_dim": 52,
            "n_layers": 2,
            "n_heads": 3,
            "max_position_embeddings": 64,
            "pad_token_id": 0,
        },
        "f16",
        masked=True,
    ),
    "modernbert": Config(
        encoder(
            "modernbert",
            num_hidden_layers=4,
            hidden_activation="gelu",
            local_attention=12,
            cls_token_id=1,
            sep_token_id=2,
            rope_parameters={"full_attention": default_rope(16e4), "sliding_attention": default_rope(1e4)},
        ),
        "f16",
        masked=True,
    ),
    # Rows that end inside a vec4, of every tensor: 42 and 37 features, 99 tokens.
    "llama-odd-widths": Config(
        decoder("llama", vocab_size=99, hidden_size=42, intermediate_size=37, num_attention_heads=3, num_key_value_heads=1),
        "f16",
    ),
    "gpt2-odd-widths": Config(gpt2(vocab_size=99, n_embd=33, n_head=3, n_layer=2, n_inner=37), "f16"),
}
