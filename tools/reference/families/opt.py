"""OPT."""

import numpy as np
from attention import KvCache
from families.layer_norm import LayerNormForward
from maths import Steps
from rope import Rope


class OptForward(LayerNormForward):
    """Learned positions that begin at row 2. Norms before the blocks or, with `do_layer_norm_before` false, after the sums."""

    layer_at = "model.decoder.layers."
    output_at = "out_proj"
    embedding_at = "model.decoder.embed_tokens"
    final_norm_at = "model.decoder.final_layer_norm"
    norms = {"attn_norm": "self_attn_layer_norm", "mlp_norm": "final_layer_norm"}

    def __init__(self, config: dict, tensors: dict[str, np.ndarray], weights: str = "f32") -> None:
        super().__init__(config | {"layer_norm_eps": 1e-5}, tensors, weights)
        if not config["do_layer_norm_before"]:
            self.norms = {"attn_post_norm": "self_attn_layer_norm", "mlp_post_norm": "final_layer_norm"}
        # Learned positions are looked up, not multiplied: they stay as stored.
        self.positions = tensors["model.decoder.embed_positions.weight"]

    def rope(self, n: int, length: int) -> Rope | None:
        return None

    def mlp(self, n: int, x: np.ndarray) -> Steps:
        return self.plain_mlp(x, self.at(n, "fc1"), self.at(n, "fc2"))

    def layer(self, n: int, x: np.ndarray, positions: np.ndarray, cache: KvCache) -> Steps:
        before = self.config["do_layer_norm_before"]
        return super().layer(n, x, positions, cache) if before else self.post_norm_layer(n, x, positions, cache)

    def embed(self, ids: np.ndarray, positions: np.ndarray) -> Steps:
        tokens = self.w[self.embedding_at + ".weight"][ids]
        if "model.decoder.project_in.weight" in self.w:
            tokens = self.linear(tokens, "model.decoder.project_in")
        return {"embed": tokens + self.positions[positions + 2]}

    def close(self, x: np.ndarray) -> Steps:
        s: Steps = {}
        if self.final_norm_at + ".weight" in self.w:
            x = s["final_norm"] = self.norm(x, self.final_norm_at)
        if "model.decoder.project_out.weight" in self.w:
            x = s["project_out"] = self.linear(x, "model.decoder.project_out")
        return s | {"logits": x @ self.head.T}
