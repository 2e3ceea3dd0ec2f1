"""StarCoder2, StableLM, GPT-NeoX, Phi, Cohere 2, Falcon: LayerNorm in Llama's places, some with parallel blocks."""

import numpy as np
from attention import KvCache
from families.llama import LlamaForward
from maths import Steps, layer_norm
from rope import Rope, rope_table


class LayerNormForward(LlamaForward):
    """Norms subtract the mean; their bias where the file has one."""

    def norm(self, x: np.ndarray, name: str) -> np.ndarray:
        return layer_norm(x, self.w[name + ".weight"], self.w.get(name + ".bias", 0.0), self.eps)

    def post_norm_layer(self, n: int, x: np.ndarray, positions: np.ndarray, cache: KvCache) -> Steps:
        """Norms over the sums, as the first transformers had them: what follows reads the norm, not the sum."""
        s = self.attention(n, x, positions, cache)
        s["resid_attn"] = x + s["attn.o"]
        s["attn_post_norm"] = self.norm(s["resid_attn"], self.at(n, self.norms["attn_post_norm"]))
        s |= self.mlp(n, s["attn_post_norm"])
        s["resid"] = s["attn_post_norm"] + s["mlp.down"]
        s["mlp_post_norm"] = self.norm(s["resid"], self.at(n, self.norms["mlp_post_norm"]))
        return s


class Starcoder2Forward(LayerNormForward):
    def mlp(self, n: int, x: np.ndarray) -> Steps:
        return self.plain_mlp(x, self.at(n, "mlp.c_fc"), self.at(n, "mlp.c_proj"))


class StableLmForward(LayerNormForward):
    """Either blocks one after the other, or parallel ones over one norm. QK-norm with own weights for each head."""

    def __init__(self, config: dict, tensors: dict[str, np.ndarray], weights: str = "f32") -> None:
        super().__init__(config, tensors, weights)
        self.qk_norm = config["qk_layernorm"]
        self.qk_norm_at = ("q_layernorm", "k_layernorm")
        self.parallel = config["use_parallel_residual"]
        if self.parallel:
            self.norms = {"attn_norm": "input_layernorm"}

    def normed_heads(self, x: np.ndarray, name: str) -> np.ndarray:
        heads = x.shape[1] // self.head_dim
        weight = np.stack([self.w[f"{name}.norms.{head}.weight"] for head in range(heads)])
        return layer_norm(self.by_head(x), weight, 0.0, self.eps).reshape(x.shape)


class GptNeoXForward(LayerNormForward):
    """q, k and v of a head lie together in one matrix; parallel blocks have a norm each."""

    layer_at = "gpt_neox.layers."
    attention_at = "attention."
    output_at = "dense"
    embedding_at = "gpt_neox.embed_in"
    final_norm_at = "gpt_neox.final_layer_norm"
    head_at = "embed_out"

    def __init__(self, config: dict, tensors: dict[str, np.ndarray], weights: str = "f32") -> None:
        super().__init__(config, tensors, weights)
        self.parallel = config["use_parallel_residual"]

    def project(self, n: int, x: np.ndarray) -> Steps:
        qkv = self.linear(x, self.at(n, "attention.query_key_value")).reshape(len(x), self.heads, 3, self.head_dim)
        return {f"attn.{p}": qkv[:, :, i].reshape(len(x), -1) for i, p in enumerate("qkv")}

    def mlp(self, n: int, x: np.ndarray) -> Steps:
        return self.plain_mlp(x, self.at(n, "mlp.dense_h_to_4h"), self.at(n, "mlp.dense_4h_to_h"))


class PhiForward(LayerNormForward):
    """Parallel blocks over one norm, biases everywhere, the head too. QK-norm where the config says so."""

    output_at = "dense"
    qk_norm_at = ("q_layernorm", "k_layernorm")
    final_norm_at = "model.final_layernorm"
    norms = {"attn_norm": "input_layernorm"}
    parallel = True

    def __init__(self, config: dict, tensors: dict[str, np.ndarray], weights: str = "f32") -> None:
        super().__init__(config, tensors, weights)
        self.qk_norm = config["qk_layernorm"]

    def mlp(self, n: int, x: np.ndarray) -> Steps:
        return self.plain_mlp(x, self.at(n, "mlp.fc1"), self.at(n, "mlp.fc2"))


class Cohere2Forward(LayerNormForward):
    """Parallel blocks over one norm; neighbours pair, and only layers with a window rotate; logits are multiplied."""

    norms = {"attn_norm": "input_layernorm"}
    parallel = True

    def rope(self, n: int, length: int) -> Rope | None:
        if self.layer_type(n) != "sliding_attention":
            return None
        return rope_table(self.config, self.head_dim, length=length, interleaved=True)

    def finish(self, logits: np.ndarray) -> np.ndarray:
        return logits * self.config["logit_scale"]


class FalconForward(LayerNormForward):
    """One matrix for q, k, v: in groups of queries with their k and v (new), or all queries, one k, one v (old)."""

    layer_at = "transformer.h."
    attention_at = "self_attention."
    output_at = "dense"
    embedding_at = "transformer.word_embeddings"
    final_norm_at = "transformer.ln_f"

    def __init__(self, config: dict, tensors: dict[str, np.ndarray], weights: str = "f32") -> None:
        super().__init__(config, tensors, weights)
        self.parallel = config["new_decoder_architecture"] or config["parallel_attn"]
        if self.at(0, "ln_mlp.weight") in self.w:
            self.norms = {"attn_norm": "ln_attn", "mlp_norm": "ln_mlp"}
        elif self.parallel:
            self.norms = {"attn_norm": "input_layernorm"}

    def project(self, n: int, x: np.ndarray) -> Steps:
        if self.config["new_decoder_architecture"]:
            groups = self.config["num_kv_heads"]
        else:
            groups = 1 if self.config["multi_query"] else self.heads
        qkv = self.linear(x, self.at(n, "self_attention.query_key_value")).reshape(len(x), groups, -1, self.head_dim)
        parts = {"attn.q": qkv[:, :, :-2], "attn.k": qkv[:, :, -2], "attn.v": qkv[:, :, -1]}
        return {step: part.reshape(len(x), -1) for step, part in parts.items()}

    def mlp(self, n: int, x: np.ndarray) -> Steps:
        return self.plain_mlp(x, self.at(n, "mlp.dense_h_to_4h"), self.at(n, "mlp.dense_4h_to_h"))
