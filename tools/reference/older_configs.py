"""config.json as Transformers 4 wrote it, which is how most published checkpoints still have it."""

# Checkpoints that also get config.transformers4.json.
OLDER_CONFIGS = [
    "llama3-rope",
    "qwen2",
    "gpt2",
    "qwen3",
    "gemma2",
    "gemma3",
    "llama-linear-rope",
    "llama-dynamic-rope",
    "llama-yarn-rope",
    "smollm3",
    "phi3",
    "phi3-longrope",
    "olmo3",
    "granitemoehybrid",
    "glm4",
    "stablelm",
    "gpt-neox",
    "phi",
    "cohere2",
    "falcon",
    "qwen2-moe",
    "qwen3-moe",
    "gpt-oss",
    "modernbert",
]


def flat_rope(old: dict, rope: dict) -> None:
    """`rope_theta` beside `rope_scaling`, which is null for the default kind; `partial_rotary_factor` by itself."""
    rope = dict(rope)
    theta, partial = rope.pop("rope_theta"), rope.pop("partial_rotary_factor", None)
    scaling = None if rope == {"rope_type": "default"} else rope
    if old["model_type"] == "gpt_neox":
        old |= {"rotary_emb_base": theta, "rotary_pct": partial}
        return
    old |= {"rope_theta": theta, "rope_scaling": scaling}
    if partial is not None:
        old["partial_rotary_factor"] = partial
    if scaling and old["model_type"] == "phi3":
        old["rope_scaling"] = {"type": "longrope"} | {key: rope[key] for key in ("short_factor", "long_factor")}


def transformers4_config(config: dict) -> dict:
    """The same model in the older spelling: `torch_dtype`, flat rope fields, patterns in place of lists of layers."""
    old = {key: value for key, value in config.items() if key not in ("dtype", "rope_parameters")}
    old |= {"torch_dtype": config["dtype"], "transformers_version": "4.46.0"}
    rope = config.get("rope_parameters")
    match config["model_type"]:
        case "gemma2":
            del old["layer_types"]
        case "gemma3_text":
            del old["layer_types"], old["_sliding_window_pattern"]
            old |= {"rope_local_base_freq": rope["sliding_attention"]["rope_theta"], "sliding_window_pattern": 6}
        case "cohere2":
            del old["layer_types"]
            old["sliding_window_pattern"] = 4
        case "qwen3_moe":
            old["num_experts"] = old.pop("num_local_experts")
        case "granitemoehybrid":
            old["layer_types"] = ["attention"] * len(old["layer_types"])
        case "modernbert":
            del old["layer_types"]
            thetas = {
                "global_rope_theta": rope["full_attention"]["rope_theta"],
                "local_rope_theta": rope["sliding_attention"]["rope_theta"],
            }
            return old | thetas | {"global_attn_every_n_layers": 3}
    if rope:
        flat_rope(old, rope.get("full_attention", rope))
    return old
