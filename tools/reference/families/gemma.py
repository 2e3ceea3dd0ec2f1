"""Gemma 2 and Gemma 3 (text)."""

import numpy as np
from families.llama import LlamaForward
from maths import Steps, rms_norm
from rope import Rope, of_sliding_layers, rope_table


class Gemma2Forward(LlamaForward):
    """Norms around both blocks with weights stored as w - 1, embeddings times sqrt(hidden), soft caps."""

    norms = {
        "attn_norm": "input_layernorm",
        "attn_post_norm": "post_attention_layernorm",
        "mlp_norm": "pre_feedforward_layernorm",
        "mlp_post_norm": "post_feedforward_layernorm",
    }

    def __init__(self, config: dict, tensors: dict[str, np.ndarray], weights: str = "f32") -> None:
        # Configs without a list of layers: every second one sees all.
        super().__init__({"sliding_window_pattern": 2} | config, tensors, weights)
        self.scale = config["query_pre_attn_scalar"] ** -0.5
        self.score_cap = config["attn_logit_softcapping"]
        self.logit_cap = config["final_logit_softcapping"]

    def norm(self, x: np.ndarray, name: str) -> np.ndarray:
        return rms_norm(x, 1 + self.w[name + ".weight"], self.eps)

    def embed(self, ids: np.ndarray, positions: np.ndarray) -> Steps:
        return {"embed": super().embed(ids, positions)["embed"] * self.config["hidden_size"] ** 0.5}


class Gemma3Forward(Gemma2Forward):
    """Gemma 2 with QK-norm, and a rope table for each of the two kinds of layer. Score caps are read and not used."""

    qk_norm = True

    def __init__(self, config: dict, tensors: dict[str, np.ndarray], weights: str = "f32") -> None:
        super().__init__(config, tensors, weights)
        self.score_cap = None

    def rope(self, n: int, length: int) -> Rope | None:
        kind, config = self.layer_type(n), self.config
        if "rope_local_base_freq" in config and kind == "sliding_attention":
            config = of_sliding_layers(config, config["rope_local_base_freq"])
        return rope_table(config, self.head_dim, kind, length=length)
