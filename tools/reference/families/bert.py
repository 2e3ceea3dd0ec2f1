"""Encoders with a masked-LM head: BERT, RoBERTa, DistilBERT, ModernBERT."""

import numpy as np
from attention import KvCache, Mask
from families.layer_norm import LayerNormForward
from maths import ACTIVATIONS, Steps
from rope import Rope, rope_table


class BertForward(LayerNormForward):
    """Sums of learned embeddings, norms over the sums, every row sees every row. All tokens are of type 0."""

    embeddings_at = "bert.embeddings."
    embedding_at = "bert.embeddings.word_embeddings"
    layer_at = "bert.encoder.layer."
    attention_at = "attention."
    projections_at = ("attention.self.query", "attention.self.key", "attention.self.value")
    output_at = "output.dense"
    mlp_parts_at = ("intermediate.dense", "output.dense")
    norms = {"attn_post_norm": "attention.output.LayerNorm", "mlp_post_norm": "output.LayerNorm"}
    head_parts_at = ("cls.predictions.transform.dense", "cls.predictions.transform.LayerNorm")
    head_bias_at = "cls.predictions.bias"
    head_at = "cls.predictions.decoder"
    # The row of the table of positions that the first token takes.
    first_position = 0
    head_activation: str | None = None

    def mask(self, _n: int) -> Mask:
        return Mask(causal=False)

    def rope(self, _n: int, _length: int) -> Rope | None:
        return None

    def project(self, n: int, x: np.ndarray) -> Steps:
        steps = zip("qkv", self.projections_at, strict=True)
        return {f"attn.{p}": self.linear(x, self.at(n, name)) for p, name in steps}

    def mlp(self, n: int, x: np.ndarray) -> Steps:
        up, down = self.mlp_parts_at
        return self.plain_mlp(x, self.at(n, up), self.at(n, down))

    def layer(self, n: int, x: np.ndarray, positions: np.ndarray, cache: KvCache) -> Steps:
        return self.post_norm_layer(n, x, positions, cache)

    def embed(self, ids: np.ndarray, positions: np.ndarray) -> Steps:
        embed = self.w[self.embedding_at + ".weight"][ids]
        embed = embed + self.w[self.embeddings_at + "position_embeddings.weight"][positions + self.first_position]
        types = self.w.get(self.embeddings_at + "token_type_embeddings.weight")
        if types is not None:
            embed = embed + types[0]
        return {"embed": embed, "embed_norm": self.norm(embed, self.embeddings_at + "LayerNorm")}

    def close(self, x: np.ndarray) -> Steps:
        dense, norm = self.head_parts_at
        activation = ACTIVATIONS[self.head_activation] if self.head_activation else self.activation
        s: Steps = {"lm_head.dense": self.linear(x, dense)}
        s["lm_head.act"] = activation(s["lm_head.dense"])
        s["lm_head.norm"] = self.norm(s["lm_head.act"], norm)
        s["logits"] = s["lm_head.norm"] @ self.head.T + self.w[self.head_bias_at]
        return s


class RobertaForward(BertForward):
    """Positions count from the row after the padding's own; the head's activation is GELU whatever the layers have."""

    embeddings_at = "roberta.embeddings."
    embedding_at = "roberta.embeddings.word_embeddings"
    layer_at = "roberta.encoder.layer."
    head_parts_at = ("lm_head.dense", "lm_head.layer_norm")
    head_bias_at = "lm_head.bias"
    head_at = "lm_head.decoder"
    head_activation = "gelu"

    def __init__(self, config: dict, tensors: dict[str, np.ndarray], weights: str = "f32") -> None:
        super().__init__(config, tensors, weights)
        self.first_position = config["pad_token_id"] + 1


class DistilBertForward(BertForward):
    """BERT without token types, with names and config fields of its own."""

    embeddings_at = "distilbert.embeddings."
    embedding_at = "distilbert.embeddings.word_embeddings"
    layer_at = "distilbert.transformer.layer."
    projections_at = ("attention.q_lin", "attention.k_lin", "attention.v_lin")
    output_at = "out_lin"
    mlp_parts_at = ("ffn.lin1", "ffn.lin2")
    norms = {"attn_post_norm": "sa_layer_norm", "mlp_post_norm": "output_layer_norm"}
    head_parts_at = ("vocab_transform", "vocab_layer_norm")
    head_bias_at = "vocab_projector.bias"
    head_at = "vocab_projector"

    def __init__(self, config: dict, tensors: dict[str, np.ndarray], weights: str = "f32") -> None:
        shape = {"num_hidden_layers": config["n_layers"], "num_attention_heads": config["n_heads"]}
        super().__init__(config | shape | {"hidden_size": config["dim"], "layer_norm_eps": 1e-12}, tensors, weights)


class ModernBertForward(BertForward):
    """Norms before the blocks (none before the first attention), RoPE, fused q k v, GeGLU; two kinds of layer.

    `local_attention` is the whole width of the window: half of it lies on either side.
    """

    embedding_at = "model.embeddings.tok_embeddings"
    layer_at = "model.layers."
    attention_at = "attn."
    output_at = "Wo"
    final_norm_at = "model.final_norm"
    norms = {"attn_norm": "attn_norm", "mlp_norm": "mlp_norm"}
    head_parts_at = ("head.dense", "head.norm")
    head_bias_at = "decoder.bias"
    head_at = "decoder"

    def __init__(self, config: dict, tensors: dict[str, np.ndarray], weights: str = "f32") -> None:
        super().__init__(config, tensors, weights)
        self.head_activation = config["classifier_activation"]

    def norm_at(self, n: int, step: str) -> str | None:
        return None if n == 0 and step == "attn_norm" else self.norms.get(step)

    def layer_type(self, n: int) -> str:
        if types := self.config.get("layer_types"):
            return types[n]
        return "sliding_attention" if n % self.config["global_attn_every_n_layers"] else "full_attention"

    def mask(self, n: int) -> Mask:
        window = self.config["local_attention"] // 2
        return Mask(window if self.layer_type(n) == "sliding_attention" else None, causal=False)

    def rope(self, n: int, length: int) -> Rope | None:
        kind, config = self.layer_type(n), self.config
        if "rope_parameters" not in config:
            side = "local" if kind == "sliding_attention" else "global"
            config = config | {"rope_theta": config[f"{side}_rope_theta"]}
        return rope_table(config, self.head_dim, kind, length=length)

    def project(self, n: int, x: np.ndarray) -> Steps:
        q, k, v = np.split(self.linear(x, self.at(n, "attn.Wqkv")), 3, axis=-1)
        return {"attn.q": q, "attn.k": k, "attn.v": v}

    def mlp(self, n: int, x: np.ndarray) -> Steps:
        return self.fused_mlp(x, self.at(n, "mlp.Wi"), self.at(n, "mlp.Wo"))

    def layer(self, n: int, x: np.ndarray, positions: np.ndarray, cache: KvCache) -> Steps:
        return LayerNormForward.layer(self, n, x, positions, cache)

    def embed(self, ids: np.ndarray, _positions: np.ndarray) -> Steps:
        embed = self.w[self.embedding_at + ".weight"][ids]
        return {"embed": embed, "embed_norm": self.norm(embed, "model.embeddings.norm")}

    def close(self, x: np.ndarray) -> Steps:
        final_norm = self.norm(x, self.final_norm_at)
        return {"final_norm": final_norm} | super().close(final_norm)
