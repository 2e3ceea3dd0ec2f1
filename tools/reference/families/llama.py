"""Llama and what differs from it by its config or a part: Mistral, Qwen2, Qwen3, SmolLM3, Ministral 3, Phi-3."""

import numpy as np
from attention import KvCache, Mask, attend
from ggml_blocks import round_trip
from maths import ACTIVATIONS, Steps, rms_norm, soft_cap
from rope import Rope, rope_table


EPSILONS = ("rms_norm_eps", "layer_norm_eps", "layer_norm_epsilon", "norm_epsilon", "norm_eps")


def is_matrix(name: str, tensor: np.ndarray) -> bool:
    """Whether a tensor is stored in blocks: tables of positions and biases of experts are not."""
    return tensor.ndim == 2 and "position" not in name and not name.endswith("bias")


class LlamaForward:
    """RMSNorm, RoPE, grouped K/V heads, gated MLP, biases where the file has them. Families override the parts."""

    # Where a checkpoint keeps what.
    layer_at = "model.layers."
    attention_at = "self_attn."
    mlp_at = "mlp."
    output_at = "o_proj"
    qk_norm_at = ("q_norm", "k_norm")
    embedding_at = "model.embed_tokens"
    final_norm_at = "model.norm"
    head_at = "lm_head"
    # Steps that are norms of a layer, with their tensors; a family names those it has.
    norms = {"attn_norm": "input_layernorm", "mlp_norm": "post_attention_layernorm"}
    qk_norm = False
    # Whether attention and MLP both read the layer's input.
    parallel = False
    residual_scale = 1.0
    score_cap: float | None = None
    # Bound on queries, keys and values.
    qkv_limit: float | None = None
    logit_cap: float | None = None

    def __init__(self, config: dict, tensors: dict[str, np.ndarray], weights: str = "f32") -> None:
        self.config = config
        self.layers = config["num_hidden_layers"]
        self.heads = config["num_attention_heads"]
        self.head_dim = config.get("head_dim") or config["hidden_size"] // self.heads
        self.scale = self.head_dim**-0.5
        self.eps = next(config[field] for field in EPSILONS if field in config)
        names = [config.get(field) for field in ("hidden_act", "hidden_activation", "activation", "activation_function")]
        self.activation = ACTIVATIONS[next((name for name in names if name), "silu")]
        self.w = {name: round_trip(t, weights) if is_matrix(name, t) else t for name, t in tensors.items()}
        self.head = self.w.get(self.head_at + ".weight", self.w[self.embedding_at + ".weight"])

    def linear(self, x: np.ndarray, name: str) -> np.ndarray:
        return x @ self.w[name + ".weight"].T + self.w.get(name + ".bias", 0.0)

    def norm(self, x: np.ndarray, name: str) -> np.ndarray:
        return rms_norm(x, self.w[name + ".weight"], self.eps)

    def at(self, n: int, name: str = "") -> str:
        return f"{self.layer_at}{n}.{name}"

    def norm_at(self, _n: int, step: str) -> str | None:
        return self.norms.get(step)

    def layer_type(self, n: int) -> str:
        """sliding_attention or full_attention."""
        if types := self.config.get("layer_types"):
            return types[n]
        if pattern := self.config.get("sliding_window_pattern"):
            return "sliding_attention" if (n + 1) % pattern else "full_attention"
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
        return {f"attn.{p}": self.linear(x, self.at(n, f"{self.attention_at}{p}_proj")) for p in "qkv"}

    def attention(self, n: int, x: np.ndarray, positions: np.ndarray, cache: KvCache) -> Steps:
        at = self.at(n, self.attention_at)
        s = self.project(n, x)
        q, k = s["attn.q"], s["attn.k"]
        if self.qk_norm:
            q = s["attn.q_norm"] = self.normed_heads(q, at + self.qk_norm_at[0])
            k = s["attn.k_norm"] = self.normed_heads(k, at + self.qk_norm_at[1])
        v = s["attn.v"]
        if (limit := self.qkv_limit) is not None:
            q, k, v = (np.clip(x, -limit, limit) for x in (q, k, v))
            s |= {"attn.q_clamp": q, "attn.k_clamp": k, "attn.v_clamp": v}
        if rope := self.rope(n, int(positions[-1]) + 1):
            q = s["attn.q_rope"] = rope.rotate(self.by_head(q), positions).reshape(q.shape)
            k = s["attn.k_rope"] = rope.rotate(self.by_head(k), positions).reshape(k.shape)
        if (factor := self.query_factor(positions)) is not None:
            q = s["attn.q_scaled"] = q * factor
        k, v = cache.extend(n, k, v)
        visible = self.mask(n).visible(positions, len(k))
        sinks = self.w.get(at + "sinks")
        s |= attend(q, k, v, self.head_dim, visible, scale=self.scale, cap=self.score_cap, sinks=sinks)
        s["attn.o"] = self.linear(s["attn.context"], at + self.output_at)
        return s

    def mlp(self, n: int, x: np.ndarray) -> Steps:
        """The last step is the block's output."""
        at = self.at(n, self.mlp_at)
        s: Steps = {"mlp.gate": self.linear(x, at + "gate_proj"), "mlp.up": self.linear(x, at + "up_proj")}
        s["mlp.act"] = self.activation(s["mlp.gate"]) * s["mlp.up"]
        s["mlp.down"] = self.linear(s["mlp.act"], at + "down_proj")
        return s

    def fused_mlp(self, x: np.ndarray, gate_up: str, down: str) -> Steps:
        """Gate in the first half of one matrix's rows, up in the second."""
        gate, up = np.split(self.linear(x, gate_up), 2, axis=-1)
        act = self.activation(gate) * up
        return {"mlp.gate": gate, "mlp.up": up, "mlp.act": act, "mlp.down": self.linear(act, down)}

    def plain_mlp(self, x: np.ndarray, up: str, down: str) -> Steps:
        """Two matrices, no gate."""
        s: Steps = {"mlp.up": self.linear(x, up)}
        s["mlp.act"] = self.activation(s["mlp.up"])
        s["mlp.down"] = self.linear(s["mlp.act"], down)
        return s

    def layer(self, n: int, x: np.ndarray, positions: np.ndarray, cache: KvCache) -> Steps:
        s: Steps = {}

        def normed(value: np.ndarray, step: str) -> np.ndarray:
            if (name := self.norm_at(n, step)) is None:
                return value
            s[step] = self.norm(value, self.at(n, name))
            return s[step]

        taken = normed(x, "attn_norm")
        s |= self.attention(n, taken, positions, cache)
        s["resid_attn"] = x + normed(s["attn.o"], "attn_post_norm") * self.residual_scale
        if not self.parallel:
            taken = normed(s["resid_attn"], "mlp_norm")
        elif "mlp_norm" in self.norms:
            taken = normed(x, "mlp_norm")
        s |= self.mlp(n, taken)
        output = list(s.values())[-1]
        s["resid"] = s["resid_attn"] + normed(output, "mlp_post_norm") * self.residual_scale
        return s

    def embed(self, ids: np.ndarray, _positions: np.ndarray) -> Steps:
        return {"embed": self.w[self.embedding_at + ".weight"][ids]}

    def close(self, x: np.ndarray) -> Steps:
        final_norm = self.norm(x, self.final_norm_at)
        logits = final_norm @ self.head.T + self.w.get(self.head_at + ".bias", 0.0)
        return {"final_norm": final_norm, "logits": self.finish(logits)}

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
        qkv = self.linear(x, self.at(n, "self_attn.qkv_proj"))
        width = self.heads * self.head_dim
        q, k, v = np.split(qkv, [width, (width + qkv.shape[1]) // 2], axis=-1)
        return {"attn.q": q, "attn.k": k, "attn.v": v}

    def mlp(self, n: int, x: np.ndarray) -> Steps:
        return self.fused_mlp(x, self.at(n, "mlp.gate_up_proj"), self.at(n, "mlp.down_proj"))


class Glm4Forward(Phi3Forward):
    """Norms around both blocks, fused gate and up, the first part of a head turned in pairs of neighbours."""

    norms = {
        "attn_norm": "input_layernorm",
        "attn_post_norm": "post_self_attn_layernorm",
        "mlp_norm": "post_attention_layernorm",
        "mlp_post_norm": "post_mlp_layernorm",
    }
    project = LlamaForward.project

    def rope(self, n: int, length: int) -> Rope | None:
        return rope_table(self.config, self.head_dim, length=length, interleaved=True)
