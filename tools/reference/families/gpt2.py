"""GPT-2."""

import numpy as np
from attention import KvCache, Mask, attend
from ggml_blocks import round_trip
from maths import ACTIVATIONS, Steps, layer_norm


class Gpt2Forward:
    """LayerNorm, learned positions, fused QKV, Conv1D weights stored [in, out]."""

    def __init__(self, config: dict, tensors: dict[str, np.ndarray], weights: str = "f32") -> None:
        self.config = config
        self.activation = ACTIVATIONS[config.get("activation_function", "gelu_new")]
        self.layers = config["n_layer"]
        self.head_dim = config["n_embd"] // config["n_head"]
        self.eps = config["layer_norm_epsilon"]
        self.w = {name.removeprefix("transformer."): t for name, t in tensors.items()}
        for name, t in self.w.items():
            if t.ndim == 2 and name != "wpe.weight":
                # Blocks run along the input, so a Conv1D matrix is turned before and after.
                turned = name.startswith("h.")
                self.w[name] = round_trip(t.T, weights).T if turned else round_trip(t, weights)
        self.head = self.w.get("lm_head.weight", self.w["wte.weight"])

    def conv1d(self, x: np.ndarray, name: str) -> np.ndarray:
        return x @ self.w[name + ".weight"] + self.w[name + ".bias"]

    def norm(self, x: np.ndarray, name: str) -> np.ndarray:
        return layer_norm(x, self.w[name + ".weight"], self.w[name + ".bias"], self.eps)

    def scale(self, n: int) -> float:
        scale = self.head_dim**-0.5 if self.config.get("scale_attn_weights", True) else 1.0
        return scale / (n + 1) if self.config.get("scale_attn_by_inverse_layer_idx") else scale

    def layer(self, n: int, x: np.ndarray, positions: np.ndarray, cache: KvCache) -> Steps:
        at = f"h.{n}."
        s: Steps = {"attn_norm": self.norm(x, at + "ln_1")}
        qkv = self.conv1d(s["attn_norm"], at + "attn.c_attn")
        s["attn.q"], s["attn.k"], s["attn.v"] = np.split(qkv, 3, axis=-1)
        k, v = cache.extend(n, s["attn.k"], s["attn.v"])
        s |= attend(s["attn.q"], k, v, self.head_dim, Mask().visible(positions, len(k)), scale=self.scale(n))
        s["attn.o"] = self.conv1d(s["attn.context"], at + "attn.c_proj")
        s["resid_attn"] = x + s["attn.o"]
        s["mlp_norm"] = self.norm(s["resid_attn"], at + "ln_2")
        s["mlp.up"] = self.conv1d(s["mlp_norm"], at + "mlp.c_fc")
        s["mlp.act"] = self.activation(s["mlp.up"])
        s["mlp.down"] = self.conv1d(s["mlp.act"], at + "mlp.c_proj")
        s["resid"] = s["resid_attn"] + s["mlp.down"]
        return s

    def embed(self, ids: np.ndarray, positions: np.ndarray) -> Steps:
        return {"embed": self.w["wte.weight"][ids] + self.w["wpe.weight"][positions]}

    def close(self, x: np.ndarray) -> Steps:
        final_norm = self.norm(x, "ln_f")
        return {"final_norm": final_norm, "logits": final_norm @ self.head.T}
