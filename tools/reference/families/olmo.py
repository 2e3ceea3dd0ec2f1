"""OLMo 2 and 3, EXAONE 4: norms on what the blocks give, none on what they take."""

import numpy as np
from families.llama import LlamaForward
from rope import Rope, of_sliding_layers, rope_table


class Exaone4Forward(LlamaForward):
    """QK-norm for each head. Where the config has a window, only layers with the window rotate."""

    norms = {"attn_post_norm": "post_attention_layernorm", "mlp_post_norm": "post_feedforward_layernorm"}
    qk_norm = True

    def rope(self, n: int, length: int) -> Rope | None:
        everywhere = self.config["sliding_window"] is None
        return super().rope(n, length) if everywhere or self.layer_type(n) == "sliding_attention" else None


class Olmo2Forward(LlamaForward):
    """QK-norm over the whole width of q and of k, before it is cut into heads."""

    norms = Exaone4Forward.norms
    qk_norm = True

    def normed_heads(self, x: np.ndarray, name: str) -> np.ndarray:
        return self.norm(x, name)


class Olmo3Forward(Olmo2Forward):
    """A rope table for each of the two kinds of layer."""

    def rope(self, n: int, length: int) -> Rope | None:
        kind, config = self.layer_type(n), self.config
        if "rope_parameters" not in config and kind == "sliding_attention":
            config = of_sliding_layers(config, config["rope_theta"])
        return rope_table(config, self.head_dim, kind, length=length)
