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
    masked: bool = False


def decoder(model_type: str, **fields: object) -> dict:
    """A small decoder; fields replace or add to the common ones."""
    common = {
        "vocab_size": 151,
        "hidden_size": 40,
        "intermediate_size": 52,
        "num_hidden_layers": 3,
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


CONFIGS = {
    "qwen3": Config(
        decoder("qwen3", hidden_size=44, head_dim=20, rope_parameters=default_rope(1e6), tie_word_embeddings=True)
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
        decoder("mistral", hidden_size=48, num_attention_heads=6, num_key_value_heads=2, head_dim=12, sliding_window=12)
    ),
}
