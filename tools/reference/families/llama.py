"""Llama and what differs from it by its config or a part: Mistral, Qwen2, Qwen3, SmolLM3, Ministral 3, Phi-3."""

import numpy as np
from attention import KvCache, Mask, attend
from ggml_blocks import round_trip
from maths import ACTIVATIONS, Steps, rms_norm, soft_cap
from rope import Rope, rope_table


class LlamaForward:
    """RMSNorm, RoPE, grouped K/V heads, gated MLP, biases where the file has them. Families override the parts."""

    # Steps that are norms of a layer, with their tensors; a family names those it has.
    norms = {"attn_norm": "input_layernorm", "mlp_norm": "post_attention_layernorm"}
    qk_norm = False
    residual_scale = 1.0
    score_cap: float | None = None
    logit_cap: float | None = None

    def __init__(self, config: dict, tensors: dict[str, np.ndarray], weights: str = "f32") -> None:
        self.config = config
        self.layers = config["num_hidden_layers"]
        self.heads = config["num_attention_heads"]
        self.head_dim = config.get("head_dim") or config["hidden_size"] // self.heads
        self.scale = self.head_dim**-0.5
        self.eps = config.get("rms_norm_eps", 1e-6)
        self.activation = ACTIVATIONS[config.get("hidden_act", config.get("hidden_activation", "silu"))]
        self.w = {name: round_trip(t, weights) if t.ndim == 2 else t for name, t in tensors.items()}
        self.head = self.w.get("lm_head.weight", self.w["model.embed_tokens.weight"])

    def linear(self, x: np.ndarray, name: str) -> np.ndarray:
        return x @ self.w[name + ".weight"].T + self.w.get(name + ".bias", 0.0)

    def norm(self, x: np.ndarray, name: str) -> np.ndarray:
        return rms_norm(x, self.w[name + ".weight"], self.eps)

    def layer_type(self, n: int) -> str:
        """sliding_attention or full_attention."""
        if types := self.config.get("layer_types"):
            return types[n]
        return "full_attention" if self.config.get("sliding_window") is None else "sliding_attention"

    def mask(self, n: int) -> Mask:
        return Mask(self.config["sliding_window"] if self.layer_type(n) == "sliding_attention" else None)

    def rope(self, n: int, length: int) -> Rope | None:
        """The table of one layer, None where it does not rotate. `length` counts cached rows too."""
        return rope_table(self.config, self.head_dim, length=length)

    def by_head(self, x: np.ndarray) -> np.ndarray:
        return x.reshape(len(x), -1, self.head_dim)

    def normed_heads(self, x: np.ndarray, name: str) -> np.ndarray:
        """QK-norm over each head's own elements."""
        return self.norm(self.by_head(x), name).reshape(x.shape)

    def query_factor(self, _positions: np.ndarray) -> np.ndarray | None:
        """What q is multiplied by after RoPE, [rows, 1], beside the scale of the scores."""
        return None

    def project(self, n: int, x: np.ndarray) -> Steps:
        return {f"attn.{p}": self.linear(x, f"model.layers.{n}.self_attn.{p}_proj") for p in "qkv"}

    def attention(self, n: int, x: np.ndarray, positions: np.ndarray, cache: KvCache) -> Steps:
        at = f"model.layers.{n}.self_attn."
        s = self.project(n, x)
        q, k = s["attn.q"], s["attn.k"]
        if self.qk_norm:
            q = s["attn.q_norm"] = self.normed_heads(q, at + "q_norm")
            k = s["attn.k_norm"] = self.normed_heads(k, at + "k_norm")
        if rope := self.rope(n, int(positions[-1]) + 1):
            q = s["attn.q_rope"] = rope.rotate(self.by_head(q), positions).reshape(q.shape)
            k = s["attn.k_rope"] = rope.rotate(self.by_head(k), positions).reshape(k.shape)
        if (factor := self.query_factor(positions)) is not None:
            q = s["attn.q_scaled"] = q * factor
        k, v = cache.extend(n, k, s["attn.v"])
        visible = self.mask(n).visible(positions, len(k))
        s |= attend(q, k, v, self.head_dim, visible, scale=self.scale, cap=self.score_cap)
        s["attn.o"] = self.linear(s["attn.context"], at + "o_proj")
        return s

    def mlp(self, n: int, x: np.ndarray) -> Steps:
        """The last step is the block's output."""
        at = f"model.layers.{n}.mlp."
        s: Steps = {"mlp.gate": self.linear(x, at + "gate_proj"), "mlp.up": self.linear(x, at + "up_proj")}
        s["mlp.act"] = self.activation(s["mlp.gate"]) * s["mlp.up"]
        s["mlp.down"] = self.linear(s["mlp.act"], at + "down_proj")
        return s

    def fused_mlp(self, x: np.ndarray, gate_up: str, down: str) -> Steps:
        """Gate in the first half of one matrix's rows, up in the second."""
        gate, up = np.split(self.linear(x, gate_up), 2, axis=-1)
        act = self.activation(gate) * up
        return {"mlp.gate": gate, "mlp.up": up, "mlp.act": act, "mlp.down": self.linear(act, down)}

    def layer(self, n: int, x: np.ndarray, positions: np.ndarray, cache: KvCache) -> Steps:
        s: Steps = {}

        def normed(value: np.ndarray, step: str) -> np.ndarray:
            if step not in self.norms:
                return value
            s[step] = self.norm(value, f"model.layers.{n}.{self.norms[step]}")
            return s[step]

        s |= self.attention(n, normed(x, "attn_norm"), positions, cache)
        s["resid_attn"] = x + normed(s["attn.o"], "attn_post_norm") * self.residual_scale
        s |= self.mlp(n, normed(s["resid_attn"], "mlp_norm"))
        output = list(s.values())[-1]
        s["resid"] = s["resid_attn"] + normed(output, "mlp_post_norm") * self.residual_scale
        return s

    def embed(self, ids: np.ndarray, _positions: np.ndarray) -> Steps:
        return {"embed": self.w["model.embed_tokens.weight"][ids]}

    def close(self, x: np.ndarray) -> Steps:
        final_norm = self.norm(x, "model.norm")
        return {"final_norm": final_norm, "logits": self.finish(final_norm @ self.head.T)}

    def finish(self, logits: np.ndarray) -> np.ndarray:
        return soft_cap(logits, self.logit_cap)


class Qwen3Forward(LlamaForward):
    """Llama with an RMSNorm over each head of q and k before RoPE."""

    qk_norm = True


class SmolLm3Forward(LlamaForward):
    """Every `no_rope_layer_interval`-th layer does not rotate; `no_rope_layers` holds 1 where one does."""

    def rope(self, n: int, length: int) -> Rope | None:
        return super().rope(n, length) if self.config["no_rope_layers"][n] else None


class Ministral3Forward(LlamaForward):
    """Mistral whose queries grow with the position, a step for each original context."""

    def query_factor(self, positions: np.ndarray) -> np.ndarray | None:
        rope = self.config["rope_parameters"]
        contexts = np.floor(positions / rope["original_max_position_embeddings"])
        return (1 + rope["llama_4_scaling_beta"] * np.log(1 + contexts))[:, None]


class Phi3Forward(LlamaForward):
    """Llama with q, k and v in one matrix, gate and up in another."""

    def project(self, n: int, x: np.ndarray) -> Steps:
        qkv = self.linear(x, f"model.layers.{n}.self_attn.qkv_proj")
        width = self.heads * self.head_dim
        q, k, v = np.split(qkv, [width, (width + qkv.shape[1]) // 2], axis=-1)
        return {"attn.q": q, "attn.k": k, "attn.v": v}

    def mlp(self, n: int, x: np.ndarray) -> Steps:
        return self.fused_mlp(x, f"model.layers.{n}.mlp.gate_up_proj", f"model.layers.{n}.mlp.down_proj")
