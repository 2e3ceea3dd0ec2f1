"""Granite and HyperCLOVA X: Llama with multipliers."""

import numpy as np
from families.llama import LlamaForward
from maths import Steps
from rope import Rope


class GraniteForward(LlamaForward):
    """Multipliers on embeddings, scores (in place of 1 / sqrt(head_dim)) and what a block adds; logits are divided."""

    def __init__(self, config: dict, tensors: dict[str, np.ndarray], weights: str = "f32") -> None:
        super().__init__(config, tensors, weights)
        self.scale = config["attention_multiplier"]
        self.residual_scale = config["residual_multiplier"]

    def embed(self, ids: np.ndarray, positions: np.ndarray) -> Steps:
        return {"embed": super().embed(ids, positions)["embed"] * self.config["embedding_multiplier"]}

    def finish(self, logits: np.ndarray) -> np.ndarray:
        return logits / self.config["logits_scaling"]


class GraniteHybridForward(GraniteForward):
    """Granite 4 without Mamba layers and experts: fused gate and up; without `position_embedding_type` no RoPE."""

    def rope(self, n: int, length: int) -> Rope | None:
        return super().rope(n, length) if self.config["position_embedding_type"] == "rope" else None

    def mlp(self, n: int, x: np.ndarray) -> Steps:
        at = self.at(n, "shared_mlp.")
        return self.fused_mlp(x, at + "input_linear", at + "output_linear")


class HyperClovaXForward(GraniteForward):
    """Norms also on what the blocks give, with `use_post_norm`; logits are multiplied."""

    def __init__(self, config: dict, tensors: dict[str, np.ndarray], weights: str = "f32") -> None:
        super().__init__(config, tensors, weights)
        if config["use_post_norm"]:
            self.norms = self.norms | {"attn_post_norm": "post_norm1", "mlp_post_norm": "post_norm2"}

    def finish(self, logits: np.ndarray) -> np.ndarray:
        return logits * self.config["logits_scaling"]
